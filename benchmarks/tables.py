"""Time to make all tables of the shipped model: `python benchmarks/tables.py [--rounds R] [--json]`.

What is measured, for `scenarios/sweden.yaml` (its baseline only) and `scenarios/norrkoping.yaml` (with all arms).
*Rebuilt*: every fraction among the scalar parameters takes a slightly different value, as in one step of calibration,
and the scenario is bound and all its tables made anew; nothing of an earlier plan is kept. *Loaded*: a process of its
own imports the engine, reads and checks all files, and makes all tables for the first time; kernels are not touched.
Persons play no part. CPU seconds; medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import benchmarks.one_thread  # noqa: E402, F401
from benchmarks.printed import machine, positive, print_table, tell, whole  # noqa: E402

if TYPE_CHECKING:
    from sim.plan import Plan
    from sim.scenario import Scenario
    from sim.tables import Parameters

SCENARIOS = ("sweden", "norrkoping")
CHANGE = 1e-3
"""By how much parameters change from round to round, relative to their value."""


@dataclass(frozen=True)
class Made:
    """How long all tables of one scenario took."""

    scenario: str
    arms: int
    cells: int
    """Of all tables of the baseline."""
    loaded_seconds: float
    rebuilt_seconds: float
    rounds: int


def load(scenario: str) -> Plan:
    """Return a shipped scenario's plan."""
    from sim.files import load_plan

    return load_plan(ROOT / "scenarios" / f"{scenario}.yaml")


def changed(parameters: Mapping[str, Parameters], factor: float) -> dict[str, Parameters]:
    """Return the parameters of every domain with each fraction among the scalars multiplied.

    Whole numbers are left alone: they are ages and codes as well as amounts.
    """
    from sim.tables import Parameters

    def moved(value: object) -> object:
        fraction = isinstance(value, float) and value != int(value)
        return value * factor if fraction else value

    return {
        name: Parameters(own.domain, {key: moved(getattr(own, key)) for key in own.names})
        for name, own in parameters.items()
    }


def seconds_to_make(scenario: Scenario) -> tuple[float, Plan]:
    """Bind a scenario and make all its tables; return the CPU seconds and the plan."""
    from sim.plan import bind

    started = time.process_time()
    plan = bind(scenario)
    plan.make_tables()
    return time.process_time() - started, plan


def seconds_to_load(scenario: str, rounds: int) -> float:
    """Return the median CPU seconds of loading a scenario in a process of its own."""
    command = [sys.executable, __file__, "--load", scenario]
    children = [subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout for _ in range(rounds)]
    return statistics.median(map(float, children))


def measure(scenario: str, rounds: int) -> Made:
    """Measure both for one scenario."""
    tell(f"{scenario}: loaded")
    loaded = seconds_to_load(scenario, min(rounds, 5))
    tell(f"{scenario}: rebuilt {rounds} times")
    plan = load(scenario)
    seconds, digests = [], set()
    for number in range(rounds):
        parameters = changed(plan.scenario.parameters, 1 + CHANGE * (1 + number))
        took, made = seconds_to_make(replace(plan.scenario, parameters=parameters))
        seconds.append(took)
        digests.add(made.threshold_digest)
    assert len(digests) == rounds, "every round must make other tables"
    cells = plan.programs["baseline"].cells
    return Made(scenario, len(plan.arms), cells, loaded, statistics.median(seconds), rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time to make all tables of the shipped model.")
    parser.add_argument("--rounds", type=positive, default=15, help="times with other parameters (default 15)")
    parser.add_argument("--json", action="store_true", help="print a JSON list and nothing else")
    parser.add_argument("--load", choices=SCENARIOS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        started = time.process_time()
        load(given.load)
        print(time.process_time() - started)
        return
    rows = [measure(scenario, given.rounds) for scenario in SCENARIOS]
    if given.json:
        print(json.dumps([asdict(one) for one in rows]))
        return
    print(machine())
    print_table(
        ["scenario", "arms", "cells", "loaded, s", "rebuilt, s"],
        [
            [one.scenario, str(one.arms), whole(one.cells), f"{one.loaded_seconds:.3f}", f"{one.rebuilt_seconds:.3f}"]
            for one in rows
        ],
        title=f"All tables, CPU seconds; medians, rebuilt {given.rounds} times",
        caption="cells: of all tables of the baseline",
    )


if __name__ == "__main__":
    main()
