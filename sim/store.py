"""The run folder: what a simulation counted, written so that it is whole or not there, and checked when read. Layer 8.

Parquet with page checksums for the ledgers, JSON for the rest. The folder appears in one rename.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from sim.draws import RNG_VERSION
from sim.errors import StoreError
from sim.files import load_resolved
from sim.ledger import PARTS, Ledger
from sim.outcome import ArmCounts, Outcome
from sim.plan import Plan
from sim.scenario import BASELINE

FORMAT = 1
"""Version of the folder's layout."""


def write_run(outcome: Outcome, folder: Path) -> Path:
    """Write an outcome to a new folder; returns it. Raises StoreError where it exists or cannot be written."""
    if folder.exists():
        raise StoreError(f"the run folder '{folder}' exists already", hint="name another one with --out")
    aside = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    try:
        aside.mkdir(parents=True)
        try:
            _write_parts(outcome, aside)
            os.replace(aside, folder)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"the run folder '{folder}' cannot be written: {error.strerror or error}") from None
    return folder


def read_run(folder: Path) -> Outcome:
    """Read an outcome back; raises StoreError where the folder is missing, damaged or of another format."""
    about = _about(folder)
    if about.get("format") != FORMAT:
        raise StoreError(f"'{folder}' has the format {about.get('format')!r}; this version reads {FORMAT}")
    plan = load_resolved(about["scenario"])
    ledgers = {
        name: _read_ledger(folder / f"{name}.parquet", plan, about["digests"][name]) for name in about["digests"]
    }
    participants = {arm: np.array(counts, dtype=np.int64) for arm, counts in about["participants"].items()}
    arms = {a: ArmCounts(ledgers[f"{a}.in_arm"], ledgers[f"{a}.in_baseline"], participants[a]) for a in plan.compared}
    outcome = Outcome(
        plan, about["seed"], about["replicate"], ledgers[BASELINE], arms, person_years=about["person_years"]
    )
    if outcome.digest() != about["ledger_digest"]:
        raise StoreError(f"the ledgers in '{folder}' are not those that were written (digest differs)")
    return outcome


def versions() -> dict[str, str]:
    """Return the versions that a result rests on."""
    found = {"python": platform.python_version(), "rng": RNG_VERSION}
    for name in ("framsyn", "numpy", "numba", "pyarrow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _write_parts(outcome: Outcome, folder: Path) -> None:
    digests = {}
    for name, ledger in _ledgers(outcome).items():
        _write_ledger(ledger, folder / f"{name}.parquet")
        digests[name] = ledger.digest()
    plan = outcome.plan
    about = {
        "format": FORMAT,
        "scenario": plan.scenario.resolved,
        "seed": outcome.seed,
        "replicate": outcome.replicate,
        "person_years": outcome.person_years,
        "participants": {arm: counts.participants.tolist() for arm, counts in outcome.arms.items()},
        "digests": digests,
        "ledger_digest": outcome.digest(),
        "threshold_digest": plan.threshold_digest,
        "versions": versions(),
    }
    text = json.dumps(about, ensure_ascii=False, indent=1)  # in order: attributes are drawn one after the other
    with open(folder / "run.json", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _ledgers(outcome: Outcome) -> dict[str, Ledger]:
    result = {BASELINE: outcome.baseline}
    for arm, counts in outcome.arms.items():
        result[f"{arm}.in_arm"] = counts.in_arm
        result[f"{arm}.in_baseline"] = counts.in_baseline
    return result


def _write_ledger(ledger: Ledger, path: Path) -> None:
    """Write the counts that are not 0: part, place in the part, count."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = {"part": [], "place": [], "count": []}
    for number, name in enumerate(PARTS):
        places, counts = ledger.nonzero(name)
        columns["part"].append(np.full(len(places), number, dtype=np.int8))
        columns["place"].append(places)
        columns["count"].append(counts)
    table = pa.table({name: np.concatenate(parts) for name, parts in columns.items()})
    pq.write_table(table, path, write_page_checksum=True, compression="zstd")
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _read_ledger(path: Path, plan: Plan, digest: str) -> Ledger:
    import pyarrow as pa
    import pyarrow.parquet as pq

    scenario = plan.scenario
    ledger = Ledger.empty(plan.margins, scenario.cohort.blocks, scenario.horizon, len(plan.interventions))
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        part, place, count = (table[name].to_numpy() for name in ("part", "place", "count"))
        for number, name in enumerate(PARTS):
            getattr(ledger, name).reshape(-1)[place[part == number]] = count[part == number]
    except (OSError, pa.ArrowException, IndexError, KeyError) as error:
        raise StoreError(f"'{path}' is damaged or missing: {str(error).splitlines()[0]}") from None
    if ledger.digest() != digest:
        raise StoreError(f"'{path}' does not hold the counts that were written (digest differs)")
    return ledger


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    if not path.is_file():
        raise StoreError(f"'{folder}' is no run folder: it has no run.json")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"'{path}' cannot be read: {error}") from None
    if not isinstance(about, dict):
        raise StoreError(f"'{path}' is not a run's description")
    return about
