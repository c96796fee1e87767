"""Ten targeted arms against the baseline alone: `python benchmarks/arms.py [--persons N] [--json]`.

What is measured. CPU time of a simulation of `benchmarks/arms.yaml`, a baseline and ten arms that each reach at
most one child in twenty, divided by that of the same scenario with its baseline only. An arm is lived by those it
reaches, in both lives, so ten small arms should cost little more than the baseline; what they reach is printed.

How. The two take turns on one thread; the median of the pairs' quotients is shown. Tables are made beforehand.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import benchmarks.one_thread  # noqa: E402, F401
from benchmarks.engines import baseline_of  # noqa: E402
from benchmarks.printed import machine, positive, print_table, tell, whole  # noqa: E402
from benchmarks.timing import Timing, in_pairs, median  # noqa: E402

SCENARIO = Path(__file__).with_name("arms.yaml")
TARGETED = 0.05
"""The most that an arm may reach to count as targeted."""


def cpu(timing: Timing) -> float:
    """Return the CPU seconds of a run."""
    return timing.cpu_seconds


def measure(persons: int, threads: int, rounds: int) -> dict[str, Any]:
    """Return the quotient of CPU times and what it was measured on."""
    from sim.engine import simulate
    from sim.files import load_plan

    plan = load_plan(SCENARIO, persons=persons)
    alone = baseline_of(plan)
    tell("warm-up")
    outcome, _ = simulate(plan, threads=threads), simulate(alone, threads=threads)
    born = plan.scenario.cohort.persons
    reached = {arm: len(outcome.reached[arm]) / born for arm in plan.compared}
    if broad := [arm for arm, share in reached.items() if share > TARGETED]:
        raise SystemExit(f"{', '.join(broad)} reach more than {TARGETED:.0%}: give them a lower uptake in arms.yaml")
    tell(f"{rounds} pairs of {whole(born)} persons")
    pairs = in_pairs(
        lambda: simulate(plan, threads=threads).person_years,
        lambda: simulate(alone, threads=threads).person_years,
        rounds,
    )
    return {
        "workload": "shipped, ten targeted arms",
        "persons": born,
        "threads": threads,
        "rounds": rounds,
        "cpu_seconds": median(pairs.ours, cpu),
        "baseline_cpu_seconds": median(pairs.theirs, cpu),
        "times_baseline": pairs.ratio(cpu),
        "middle_half": pairs.quartiles(cpu),
        "person_years_times_baseline": pairs.ratio(lambda timing: timing.person_years),
        "reached": reached,
    }


def print_measured(found: dict[str, Any]) -> None:
    """Print what was measured for people."""
    print(machine())
    rows = [[arm, f"{100 * share:.2f}"] for arm, share in found["reached"].items()]
    print_table(["arm", "reached, %"], [*rows, ["all ten", f"{100 * sum(found['reached'].values()):.2f}"]])
    low, high = found["middle_half"]
    print(f"Ten arms and the baseline take {found['times_baseline']:.2f} times the CPU time of the baseline alone")
    print(f"(median of {found['rounds']} pairs, middle half {low:.2f}-{high:.2f}; {whole(found['persons'])} persons,")
    print(
        f"{found['baseline_cpu_seconds']:.2f} s alone), for {found['person_years_times_baseline']:.2f} times its years."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Ten targeted arms against the baseline alone.")
    parser.add_argument("--persons", type=positive, default=104_960, help="rounded up to whole copies")
    parser.add_argument("--threads", type=positive, default=1, help="default 1")
    parser.add_argument("--rounds", type=positive, default=15, help="pairs (default 15)")
    parser.add_argument("--json", action="store_true", help="print a JSON object and nothing else")
    given = parser.parse_args()
    found = measure(given.persons, given.threads, given.rounds)
    if given.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print_measured(found)


if __name__ == "__main__":
    main()
