"""`framsyn targets`: the baseline beside the registry, worst first; with `--sanity` the believability checks."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from calibration.check_file import read_checks
from calibration.checks import HELD_OUT, Finding
from calibration.ground import Ground
from calibration.sanity import plan_for, run_checks
from calibration.steady_state import GAP, Total, identities, read_spending, totals_by_payer
from calibration.targets import Result, evaluate, needs, read_targets
from calibration.town_targets import judge_town, of_residents, read_town_targets
from sim.compare_command import check_seed, threads_or_all
from sim.engine import simulate
from sim.errors import ScenarioError
from sim.files import load_plan
from sim.plan import bind
from sim.prices import PriceList
from sim.progress import progress
from sim.scenario import BASELINE
from sim.town import TownOutcome, simulate_town

MISSED = 3
"""Exit code where some target is not within its tolerance, or some check fails without an explanation."""

EXPLAINED = "docs/validation.md"
"""Where gaps are explained."""


def run_targets(
    path: Path, persons: int | None, seed: int, threads: int | None, as_json: bool, sanity: bool = False
) -> int:
    """Simulate a scenario's baseline and print every target; return the exit code, 3 where one is missed.

    sanity: print the believability checks instead, with null programmes and the steady-state identity.
    """
    check_seed(seed)
    used = threads_or_all(threads)
    return (_run_sanity if sanity else _run_targets)(path, persons, seed, used, as_json)


def _run_targets(path: Path, persons: int | None, seed: int, threads: int, as_json: bool) -> int:
    with progress("reading and making tables"):
        scenario = load_plan(path, persons=persons).scenario
        is_town = scenario.municipality is not None
        residence = scenario.prices.residence if is_town else None
        targets = of_residents(read_town_targets(), residence) if is_town else read_targets()
        arms = {BASELINE: scenario.arms[BASELINE]}
        # no money is asked for, so that the ledger holds what targets need and no more
        prices = PriceList(residence=residence)
        counts = replace(scenario, arms=arms, prices=prices, measures=(), needs=needs(targets, scenario.model))
        plan = bind(counts)
    with progress("living lives") as show:
        if is_town:
            town = simulate_town(plan, seed=seed, threads=threads, progress=show)
            results, births = (
                judge_town(targets, town),
                int(sum(one.baseline.persons.sum() for one in town.cohorts.values())),
            )
        else:
            outcome = simulate(plan, seed=seed, threads=threads, progress=show)
            results, births = evaluate(targets, outcome), int(outcome.baseline.persons.sum())
    if as_json:
        _print_json([as_contract(result) for result in results])
    else:
        words = "births and moves in" if is_town else "births"
        _print(results, scenario.population.name, f"{births:,} {words}")
        if is_town:
            _print_residents(town)
    return 0 if all(result.within for result in results) else MISSED


def _print_residents(town: TownOutcome) -> None:
    """Print who lives in the municipality at the end of its first year, by five years of age."""
    stock = town.residents_by_age()
    ages = range(0, len(stock), 5)
    bands = [(low, [stock[age] for age in range(low, min(low + 5, len(stock)))]) for low in ages]
    words = ", ".join(f"{low}-{low + len(some) - 1}: {sum(some) / len(some):,.0f}" for low, some in bands)
    print(f"Residents of an age at the end of {town.town.start}, in one municipality: {words}.")


def _run_sanity(path: Path, persons: int | None, seed: int, threads: int, as_json: bool) -> int:
    checks = read_checks()
    if load_plan(path).scenario.municipality is not None:
        raise ScenarioError("the believability checks are of a birth cohort", hint="name a scenario with a `cohort`")
    with progress("reading and making tables"):
        plan, troubles = plan_for(load_plan(path, persons=persons), checks)
    with progress("living lives") as show:
        outcome = simulate(plan, seed=seed, threads=threads, progress=show)
    with progress("reading a sample of lives"):
        findings, more = run_checks(checks, outcome)
    ground, spending = Ground(outcome), read_spending()
    steady, most = identities(spending, ground)
    for trouble in dict.fromkeys([*troubles, *more, *most]):
        print(trouble, file=sys.stderr)
    for finding in findings:
        if finding.warns and not finding.within:
            print(f"warning: {finding.id} is {finding.simulated}: {finding.note}", file=sys.stderr)
    if as_json:
        _print_json([finding_as_contract(finding) for finding in [*findings, *steady]])
    else:
        _print_checks(findings)
        _print_steady(steady, totals_by_payer(spending, steady, ground))
    return MISSED if any(finding.missed for finding in [*findings, *steady]) else 0


def as_contract(result: Result) -> dict[str, Any]:
    """Return a result in the form that other programs rely on."""
    target = result.target
    return {
        "id": target.id,
        "registry": target.figure.value,
        "simulated": result.simulated,
        "se": result.se,
        "tolerance": result.tolerance,
        "within": result.within,
        "set": target.set,
        "population": target.figure.population,
        "provenance": target.figure.provenance,
    }


def finding_as_contract(finding: Finding) -> dict[str, Any]:
    """Return a check's finding in the same form; no check is ever fitted to."""
    return {
        "id": finding.id,
        "registry": finding.registry,
        "simulated": finding.simulated if finding.simulated is None or math.isfinite(finding.simulated) else None,
        "se": finding.se,
        "tolerance": finding.tolerance,
        "within": finding.within,
        "set": HELD_OUT,
        "population": finding.population,
        "provenance": finding.provenance,
    }


def _print_json(rows: list[dict[str, Any]]) -> None:
    json.dump(rows, sys.stdout, ensure_ascii=False, allow_nan=False)
    print()


def _print(results: Sequence[Result], population: str, lived: str) -> None:
    wide = max(len(result.target.id) for result in results)
    print(f"{'target':<{wide}} registry simulated       ±  tolerance  off by  set       population      figure")
    for result in results:
        figure = result.target.figure
        error = "" if result.se is None else f"{result.se:.2g}"
        mark = " " if result.within else "*"
        print(
            f"{result.target.id:<{wide}} {figure.value:>8.4g} {result.simulated:>9.4g} {error:>7}"
            f" {result.tolerance:>10.2g} {result.distance:>6.1f}{mark} {result.target.set:<9}"
            f" {figure.population:<15} {figure.provenance}, {figure.year or 'no year'}"
        )
    within = sum(result.within for result in results)
    print(
        f"\n{within} of {len(results)} targets within their tolerance ({lived}, population {population});"
        " off by is in tolerances, * = missed. Assumed parameters were set by hand; nothing has been fitted yet."
    )


def _print_checks(findings: Sequence[Finding]) -> None:
    wide = max((len(finding.id) for finding in findings), default=5)
    print(f"{'check':<{wide}}  {'simulated':>11} {'±':>8}  {'believable':<24}  unit, figure")
    for one in findings:
        error = "" if one.se is None else _number(one.se)
        mark = " " if one.within else "!" if one.warns else "*"
        print(
            f"{one.id:<{wide}} {mark}{_number(one.simulated):>11} {error:>8}  {_bounds(one):<24}"
            f"  {one.unit}, {one.provenance}"
        )
    within = sum(one.within for one in findings)
    print(f"\n{within} of {len(findings)} checks within their bounds; * = not, ! = warns only.")


def _print_steady(findings: Sequence[Finding], totals: Sequence[Total]) -> None:
    print("\nA year of the nation's spending over births, beside a life in the model (SEK per child):\n")
    wide = max((len(finding.id) for finding in findings), default=5) - len("steady_state_")
    print(f"{'payer':<22} {'function':<{wide}} {'nation':>9} {'life':>9} {'gap':>6}  figure")
    for one in sorted(findings, key=lambda finding: finding.kind):
        gap = (one.simulated or 0.0) / one.registry - 1
        said = ""
        if not one.within:
            said = f" see {EXPLAINED}#{one.explained}" if one.explained else f" * to be explained in {EXPLAINED}"
        print(
            f"{one.kind:<22} {one.id.removeprefix('steady_state_'):<{wide}} {one.registry:>9,.0f}"
            f" {one.simulated:>9,.0f} {100 * gap:>+5.0f}%  {one.provenance},{one.unit.rpartition(',')[2]}{said}"
        )
    print()
    for total in totals:
        off = f"{100 * (total.life / total.nation - 1):>+5.0f}%"
        print(f"{total.payer:<22} {total.what:<{wide}} {total.nation:>9,.0f} {total.life:>9,.0f} {off}")
    near = sum(one.within for one in findings)
    print(f"\n{near} of {len(findings)} functions within {GAP:.0%}.")


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _bounds(finding: Finding) -> str:
    low, high = finding.low, finding.high
    if not math.isfinite(low):
        return f"at most {_number(high)}"
    if not math.isfinite(high):
        return f"at least {_number(low)}"
    return f"{_number(low)} to {_number(high)}"
