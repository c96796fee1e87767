"""`framsyn compare` of a whole municipality: lived, priced by calendar year, printed and written. Layer 9."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from sim.budget_impact import TownComparison, price_town, rows_of
from sim.compare_command import compared, costs_of
from sim.contract import BudgetYears, MunicipalityYears, Results, Seconds
from sim.plan import Plan
from sim.progress import progress
from sim.store import TOWN_FORMAT, versions, write_description, write_folder
from sim.town import simulate_town
from sim.town_report import print_town

TABLE = "budget_impact.csv"
"""The budget impact in a run folder: a row an arm, payer and calendar year."""


def compare_town(
    plan: Plan, folder: Path, *, seed: int, threads: int, started: float, as_json: bool, detail: bool
) -> None:
    """Live and price a municipality, write its run folder and print the answer."""
    with progress("living lives") as show:
        outcome = simulate_town(plan, seed=seed, threads=threads, progress=show)
    with progress("pricing"):
        comparison = price_town(outcome)
    write_folder(folder, lambda aside: _write(comparison, aside))
    seconds = {"simulate": round(outcome.seconds, 3), "total": round(time.perf_counter() - started, 3)}
    if as_json:
        print(as_contract(comparison, folder, seconds).model_dump_json(exclude_unset=True))
    else:
        print_town(comparison, folder, seconds, detail=detail)


def as_contract(comparison: TownComparison, folder: Path, seconds: dict[str, float]) -> Results:
    """Return the result in the form that other programs rely on; per person is per person of the years counted."""
    outcome = comparison.outcome
    scenario = outcome.plan.scenario
    return Results(
        scenario=scenario.name,
        seed=outcome.seed,
        persons=comparison.persons,
        copies=scenario.cohort.copies,
        discount_rate=comparison.economics.discount_rate,
        price_year=comparison.economics.price_year,
        causal_share=scenario.causal_share if any(link.common for link in scenario.links) else None,
        arms=costs_of(comparison.costs),
        comparisons={arm: compared(result) for arm, result in comparison.arms.items()},
        person_years=outcome.person_years,
        seconds=Seconds(**seconds),
        ledger_digest=outcome.digest(),
        threshold_digest=outcome.plan.threshold_digest,
        run=str(folder),
        municipality=MunicipalityYears(years=list(comparison.years), residents_by_age=outcome.residents_by_age()),
        budget_impact={
            arm: {
                payer: BudgetYears(
                    spent=one.spent.tolist(),
                    gross=one.gross.tolist(),
                    net=one.net.tolist(),
                    net_discounted=one.discounted.tolist(),
                    se=None if one.se is None else one.se.tolist(),
                )
                for payer, one in by_payer.items()
            }
            for arm, by_payer in comparison.impact.items()
        },
    )


def _write(comparison: TownComparison, folder: Path) -> None:
    """Write the table and what it rests on; the ledgers of all birth cohorts are not kept."""
    rows = rows_of(comparison)
    with open(folder / TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("arm", "payer", "year", "spent", "gross", "net", "net_discounted", "se"))
        writer.writeheader()
        writer.writerows(rows)
    outcome = comparison.outcome
    about: dict[str, Any] = {
        "format": TOWN_FORMAT,
        "scenario": outcome.plan.scenario.resolved,
        "seed": outcome.seed,
        "replicate": outcome.replicate,
        "person_years": outcome.person_years,
        "table": TABLE,
        "ledger_digest": outcome.digest(),
        "threshold_digest": outcome.plan.threshold_digest,
        "versions": versions(),
    }
    write_description(about, folder)
