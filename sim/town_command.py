"""`framsyn compare` of a whole municipality: lived, priced by calendar year, printed and written. Layer 9."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from sim.budget_impact import TownComparison, price_town, rows_of
from sim.compare_command import compared, costs_of
from sim.contract import BudgetYears, MunicipalityYears, Seconds, TownResults
from sim.plan import Plan
from sim.progress import progress
from sim.town import simulate_town
from sim.town_report import print_town
from sim.town_store import read_town, write_town


def compare_town(
    plan: Plan, folder: Path, *, seed: int, threads: int, started: float, as_json: bool, detail: bool
) -> None:
    """Live and price a municipality, write its run folder and print the answer."""
    with progress("living lives") as show:
        outcome = simulate_town(plan, seed=seed, threads=threads, progress=show)
    with progress("pricing"):
        comparison = price_town(outcome)
    write_town(outcome, folder, rows_of(comparison))
    seconds = {"simulate": round(outcome.seconds, 3), "total": round(time.perf_counter() - started, 3)}
    _answer(comparison, folder, seconds, as_json=as_json, detail=detail)


def price_town_again(folder: Path, *, discount: float | None, started: float, as_json: bool, detail: bool) -> None:
    """Price what the run folder of a municipality holds, with another discount rate if one is given."""
    outcome = read_town(folder)
    economics = outcome.plan.scenario.economics
    if discount is not None:
        economics = replace(economics, discount_rate=discount)
    comparison = price_town(outcome, economics)
    seconds = {"simulate": 0.0, "total": round(time.perf_counter() - started, 3)}
    _answer(comparison, folder, seconds, as_json=as_json, detail=detail)


def _answer(
    comparison: TownComparison, folder: Path, seconds: dict[str, float], *, as_json: bool, detail: bool
) -> None:
    if as_json:
        print(as_contract(comparison, folder, seconds).model_dump_json(exclude_unset=True))
    else:
        print_town(comparison, folder, seconds, detail=detail)


def as_contract(comparison: TownComparison, folder: Path, seconds: dict[str, float]) -> TownResults:
    """Return the result in the form that other programs rely on; per person is per person of the years counted."""
    outcome = comparison.outcome
    scenario = outcome.plan.scenario
    return TownResults(
        scenario=scenario.name,
        seed=outcome.seed,
        persons=comparison.persons,
        copies=scenario.cohort.copies,
        discount_rate=comparison.economics.discount_rate,
        price_year=comparison.economics.price_year,
        causal_share=scenario.causal_share if any(link.common for link in scenario.links) else None,
        arms=costs_of(comparison.costs, comparison.queues),
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
