"""The run folder of a municipality: the ledgers of all birth cohorts, and the budget impact as a table. Layer 8.

A folder as `sim.store` writes it; each ledger holds the rows of all birth cohorts, one after the other.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import StoreError
from sim.files import load_resolved
from sim.ledger import PARTS, Ledger
from sim.outcome import Outcome
from sim.scenario import BASELINE
from sim.store import (
    FORMAT,
    LOST,
    check_files,
    description_of,
    file_digest,
    read_ledger,
    versions,
    write_description,
    write_folder,
    write_ledger,
)
from sim.town import TownOutcome, empty_outcome

TABLE = "budget_impact.csv"
"""The budget impact: a row an arm, payer and calendar year."""


def write_town(outcome: TownOutcome, folder: Path, impact: Sequence[Mapping[str, object]]) -> Path:
    """Write a municipality's outcome and the rows of its budget impact to a new folder; returns it.

    Raises StoreError where it exists or cannot be written.
    """
    return write_folder(folder, lambda aside: _write_parts(outcome, aside, impact))


def read_town(folder: Path) -> TownOutcome:
    """Read a municipality's outcome back; raises StoreError where the folder is damaged, changed or of a cohort."""
    about = description_of(folder)
    if LOST not in about:
        raise StoreError(f"'{folder}' holds a birth cohort and no municipality")
    check_files(about, folder)
    plan = load_resolved(about["scenario"])
    outcome = TownOutcome(plan, about["seed"], about["replicate"], person_years=about["person_years"])
    for year in outcome.town.birth_years:
        outcome.cohorts[year] = empty_outcome(plan, year, outcome.seed, outcome.replicate)
        outcome.lost[year] = np.array(about[LOST][str(year)], dtype=np.int64)
    for name, ledger_of in _ledgers(outcome).items():
        whole = _whole(outcome, ledger_of)
        read_ledger(folder / f"{name}.parquet", whole)
        first = 0
        for place, cohort in enumerate(outcome.cohorts.values()):
            own = ledger_of(cohort)
            copies, rows = own.counts.shape[:2]
            own.counts[:] = whole.counts[:, first : first + rows]
            own.deliveries[:] = whole.deliveries[:, first : first + rows]
            own.persons[:] = whole.persons[place * copies : (place + 1) * copies]
            first += rows
    for place, cohort in enumerate(outcome.cohorts.values()):
        for arm in plan.compared:
            cohort.arms[arm].participants[:] = about["participants"][arm][place]
    if outcome.digest() != about["ledger_digest"]:
        raise StoreError(f"the ledgers in '{folder}' are not those that were written (digest differs)")
    return outcome


def _ledgers(outcome: TownOutcome) -> dict[str, Callable[[Outcome], Ledger]]:
    """Return what is written, by the name of its file: which ledger of each birth cohort."""
    found: dict[str, Callable[[Outcome], Ledger]] = {BASELINE: lambda cohort: cohort.baseline}
    for arm in outcome.plan.compared:
        found[f"{arm}.in_arm"] = lambda cohort, arm=arm: cohort.arms[arm].in_arm  # type: ignore[misc]
        found[f"{arm}.in_baseline"] = lambda cohort, arm=arm: cohort.arms[arm].in_baseline  # type: ignore[misc]
        found[f"{arm}.refused"] = lambda cohort, arm=arm: _refused(cohort, arm)  # type: ignore[misc]
    return found


def _refused(cohort: Outcome, arm: str) -> Ledger:
    """Return the refused offers as the deliveries of a ledger that counts nothing else."""
    refused = cohort.arms[arm].refused
    return Ledger((), np.zeros((*refused.shape[:2], 0), np.int64), refused, np.zeros(len(refused), np.int64))


def _whole(outcome: TownOutcome, ledger_of: Callable[[Outcome], Ledger]) -> Ledger:
    """Return one ledger of all birth cohorts: their rows one after the other, their persons too."""
    every = [ledger_of(cohort) for cohort in outcome.cohorts.values()]
    counts, deliveries = (np.concatenate([getattr(one, part) for one in every], axis=1) for part in PARTS[:2])
    return Ledger(every[0].margins, counts, deliveries, np.concatenate([one.persons for one in every]))


def _write_parts(outcome: TownOutcome, folder: Path, impact: Sequence[Mapping[str, object]]) -> None:
    files = {}
    for name, ledger_of in _ledgers(outcome).items():
        path = folder / f"{name}.parquet"
        write_ledger(_whole(outcome, ledger_of), path)
        files[path.name] = file_digest(path)
    with open(folder / TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(impact[0]) if impact else [])
        writer.writeheader()
        writer.writerows(impact)
    files[TABLE] = file_digest(folder / TABLE)
    plan = outcome.plan
    about: dict[str, Any] = {
        "format": FORMAT,
        "scenario": plan.scenario.resolved,
        "seed": outcome.seed,
        "replicate": outcome.replicate,
        "person_years": outcome.person_years,
        "participants": {
            arm: [one.arms[arm].participants.tolist() for one in outcome.cohorts.values()] for arm in plan.compared
        },
        LOST: {str(year): lost.tolist() for year, lost in outcome.lost.items()},
        "files": files,
        "ledger_digest": outcome.digest(),
        "threshold_digest": plan.threshold_digest,
        "versions": versions(),
    }
    write_description(about, folder)
