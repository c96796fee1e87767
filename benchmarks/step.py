"""Speed and memory of framsyn and its peers: `python benchmarks/step.py [--persons N] [--threads T] [--json]`.

What is measured. LC-ref/1 (`benchmarks/lcref/lcref.json`), baseline arm, by framsyn and by peers on one thread: C
written for this one model in three variants, NumPy with the formulas as they stand, NumPy against tables, Mesa; and
the shipped scenario (`scenarios/norrkoping.yaml`) by framsyn, with all its arms and with its baseline only. The unit
is a person-year: one person lived through one year of age. With several arms those are the person-years that the
engine lives, the second lives of the reached persons included.

How. Scenarios are read, tables made and C built before the clock starts; births, draws, moves, deaths and counts
are within it. After one warm-up each, framsyn and a peer take turns (framsyn, peer, framsyn, peer …), so that
whatever else the machine does falls on both; then the next peer. CPU seconds are those of the process (all threads),
wall seconds those of a clock; speeds are medians. The ratio framsyn / peer is taken within each pair, per CPU
second, and its median is shown with the middle half of the pairs. Peak memory: `benchmarks/memory.py`.

--persons N is framsyn's number on LC-ref (400 000 unless given); the others keep their proportion to it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import benchmarks.one_thread  # noqa: E402, F401
from benchmarks.engines import ENGINES, Engine, Prepared  # noqa: E402
from benchmarks.memory import peak_bytes_per_person  # noqa: E402
from benchmarks.printed import machine, positive, print_table, tell, whole  # noqa: E402
from benchmarks.timing import Pairs, Timing, in_pairs, median, timed  # noqa: E402

BY_CPU = Timing.per_cpu_second.fget
BY_CLOCK = Timing.per_second.fget


@dataclass
class Measured:
    """What one engine did on one workload."""

    engine: Engine
    prepared: Prepared
    threads: int
    peak_bytes_per_person: float
    timings: list[Timing] = field(default_factory=list)
    pairs: Pairs | None = None
    """framsyn (ours) and this peer (theirs); None for framsyn."""

    def as_contract(self) -> dict[str, Any]:
        """Return the row that other programs rely on."""
        return {
            "workload": self.engine.workload,
            "engine": self.engine.name,
            "persons": self.prepared.persons,
            "threads": self.threads,
            "margins": self.prepared.margins,
            "person_years_per_cpu_second": median(self.timings, BY_CPU),
            "person_years_per_second": median(self.timings, BY_CLOCK),
            "peak_bytes_per_person": self.peak_bytes_per_person,
            "framsyn_is_times": self.pairs.ratio(BY_CPU) if self.pairs else None,
            "middle_half": self.pairs.quartiles(BY_CPU) if self.pairs else None,
            "rounds": len(self.timings),
        }


def measure(scale: float, threads: int, rounds: int) -> list[Measured]:
    """Measure every engine that can be: memory first, because a child inherits the peak of a parent that has grown."""
    peaks: dict[str, float] = {}
    for engine in ENGINES:
        if reason := engine.missing():
            tell(f"left out: {engine.workload}, {engine.name}: {reason}")
            continue
        tell(f"memory: {engine.workload}, {engine.name}")
        persons = engine.persons(scale) * engine.memory_factor
        peaks[engine.key] = peak_bytes_per_person(engine, persons, threads if engine.threaded else 1)
    reference, *others = [
        _ready(engine, scale, threads, peaks[engine.key]) for engine in ENGINES if engine.key in peaks
    ]
    for one in others:
        tell(f"{rounds} rounds: {one.engine.workload}, {one.engine.name}")
        if one.engine.workload != reference.engine.workload:
            one.timings = [timed(one.prepared.run) for _ in range(rounds)]
            continue
        one.pairs = in_pairs(reference.prepared.run, one.prepared.run, rounds)
        one.timings = one.pairs.theirs
        reference.timings += one.pairs.ours
    return [reference, *others]


def _ready(engine: Engine, scale: float, threads: int, peak: float) -> Measured:
    """Prepare an engine and let it run once."""
    tell(f"warm-up: {engine.workload}, {engine.name}")
    used = threads if engine.threaded else 1
    prepared = engine.prepare(engine.persons(scale), used)
    prepared.run()
    return Measured(engine, prepared, used, peak)


def print_measured(measured: list[Measured], rounds: int) -> None:
    """Print what was measured for people, with what was counted below it."""
    threads = measured[0].threads
    rows = []
    for one in measured:
        middle = one.pairs.quartiles(BY_CPU) if one.pairs else None
        rows.append(
            [
                one.engine.workload,
                one.engine.name,
                whole(one.prepared.persons),
                f"{median(one.timings, BY_CPU) / 1e6:.2f}",
                f"{median(one.timings, BY_CLOCK) / 1e6:.2f}",
                f"{one.peak_bytes_per_person:.0f}",
                f"{one.pairs.ratio(BY_CPU):.2f}" if one.pairs else "",
                f"{middle[0]:.2f}-{middle[1]:.2f}" if middle else "",
            ]
        )
    print(machine())
    print_table(
        ["workload", "engine", "persons", "M/CPU s", "M/s", "B/person", "times", "middle half"],
        rows,
        words=2,
        title=f"Medians of {rounds} rounds; framsyn on {threads} thread{'s' * (threads > 1)}, peers on 1",
        caption="M: million person-years; B: bytes of peak memory; times: framsyn's speed by the peer's, in pairs",
    )
    print("Counted after each year of age (columns counted together, number of cells):")
    for one in measured:
        print(f"  {one.engine.workload}, {one.engine.name}: {'; '.join(one.prepared.margins)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed and memory of framsyn and its peers.")
    usual = ENGINES[0].usual_persons
    parser.add_argument("--persons", type=positive, default=usual, help="of framsyn on LC-ref; others in proportion")
    parser.add_argument("--threads", type=positive, default=1, help="of framsyn; peers have one (default 1)")
    parser.add_argument("--rounds", type=positive, default=15, help="pairs with each peer (default 15)")
    parser.add_argument("--json", action="store_true", help="print a JSON list and nothing else")
    given = parser.parse_args()
    measured = measure(given.persons / usual, given.threads, given.rounds)
    if given.json:
        print(json.dumps([one.as_contract() for one in measured], ensure_ascii=False))
    else:
        print_measured(measured, given.rounds)


if __name__ == "__main__":
    main()
