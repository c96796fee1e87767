"""`framsyn targets`: the baseline beside the registry, worst first."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from calibration.targets import Result, evaluate, needs, read_targets
from sim.compare_command import check_seed, threads_or_all
from sim.engine import simulate
from sim.files import load_plan
from sim.plan import bind
from sim.progress import progress
from sim.scenario import BASELINE

MISSED = 3
"""Exit code where some target is not within its tolerance."""


def run_targets(path: Path, persons: int | None, seed: int, threads: int | None, as_json: bool) -> int:
    """Simulate a scenario's baseline and print every target; return the exit code, 3 where one is missed."""
    check_seed(seed)
    used = threads_or_all(threads)
    targets = read_targets()
    with progress("reading and making tables"):
        scenario = load_plan(path, persons=persons).scenario
        arms = {BASELINE: scenario.arms[BASELINE]}
        plan = bind(replace(scenario, arms=arms, needs=needs(targets, scenario.model)))
    with progress("living lives") as show:
        outcome = simulate(plan, seed=seed, threads=used, progress=show)
    results = evaluate(targets, outcome)
    if as_json:
        json.dump([as_contract(result) for result in results], sys.stdout, ensure_ascii=False)
        print()
    else:
        _print(results, scenario.population.name, outcome.baseline.persons.sum())
    return 0 if all(result.within for result in results) else MISSED


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


def _print(results: Sequence[Result], population: str, persons: int) -> None:
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
        f"\n{within} of {len(results)} targets within their tolerance ({persons:,} births, population {population});"
        " off by is in tolerances, * = missed. Assumed parameters were set by hand; nothing has been fitted yet."
    )
