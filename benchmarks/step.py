"""Speed and memory of framsyn and its peers: `python benchmarks/step.py [--persons N] [--threads T]`.

What is measured. LC-ref/1 (`benchmarks/lcref/lcref.json`), baseline arm, by framsyn and by three peers on one
thread: NumPy with the formulas as they stand, NumPy against tables of probability, Mesa; and the shipped
scenario (`scenarios/norrkoping.yaml`) by framsyn, with all its arms and with its baseline only. The unit is a
person-year: one person lived through one year of age. With several arms those are the person-years that the
engine lives, the second lives of the reached persons included.

How. Scenarios are read and tables made before the clock starts; births, draws, moves, deaths and counts are
within it. After one warm-up each, the engines take turns (framsyn, numpy, numpy with tables, mesa, shipped,
..., framsyn, ...), so that whatever else the machine does falls on all of them alike. CPU seconds are those
of the process (all threads), wall seconds those of a clock; the figures are medians over the rounds. The
ratio framsyn / peer is taken within each round, per CPU second, and its median is shown. Peak memory:
`benchmarks/memory.py`. Start of the command: `benchmarks/start.py`, on the screen only.

--persons N is framsyn's number on LC-ref (400 000 unless given); the others keep their proportion to it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
# read when NumPy and Numba are loaded; framsyn's own threads are Python's and are set by --threads
for _pool in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_pool] = "1"

from benchmarks.engines import ENGINES, Engine, Prepared  # noqa: E402
from benchmarks.memory import peak_bytes_per_person  # noqa: E402
from benchmarks.start import PERSONS, Start, starts  # noqa: E402


@dataclass
class Measured:
    """What one engine did on one workload."""

    engine: Engine
    persons: int
    threads: int
    margins: list[str]
    peak_bytes_per_person: float
    per_cpu_second: list[float] = field(default_factory=list)
    """Person-years, by round."""
    per_second: list[float] = field(default_factory=list)
    """Person-years, by round."""

    def framsyn_is_times(self, reference: Measured) -> float | None:
        """Return how many times as fast framsyn is, paired by round; None where this is no peer of it."""
        if self.engine.workload != reference.engine.workload or self is reference:
            return None
        pairs = zip(reference.per_cpu_second, self.per_cpu_second, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def as_contract(self, reference: Measured) -> dict[str, Any]:
        """Return the row that other programs rely on."""
        return {
            "workload": self.engine.workload,
            "engine": self.engine.name,
            "persons": self.persons,
            "threads": self.threads,
            "margins": self.margins,
            "person_years_per_cpu_second": statistics.median(self.per_cpu_second),
            "person_years_per_second": statistics.median(self.per_second),
            "peak_bytes_per_person": self.peak_bytes_per_person,
            "framsyn_is_times": self.framsyn_is_times(reference),
            "rounds": len(self.per_cpu_second),
        }


def measure(scale: float, threads: int, rounds: int, tell: Callable[[str], None]) -> list[Measured]:
    """Measure every engine: memory first, then the interleaved rounds.

    Memory comes first because a child process inherits the peak of a parent that has grown.
    """
    measured = []
    for engine in ENGINES:
        tell(f"memory: {engine.workload}, {engine.name}")
        used = threads if engine.threaded else 1
        peak = peak_bytes_per_person(engine, engine.persons(scale) * engine.memory_factor, used)
        measured.append(Measured(engine, 0, used, [], peak))
    ready = []
    for one in measured:
        tell(f"warm-up: {one.engine.workload}, {one.engine.name}")
        prepared = one.engine.prepare(one.engine.persons(scale), one.threads)
        one.persons, one.margins = prepared.persons, prepared.margins
        prepared.run()
        ready.append(prepared)
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for one, prepared in zip(measured, ready, strict=True):
            _time(one, prepared)
    return measured


def _time(one: Measured, prepared: Prepared) -> None:
    """Run an engine once and note its speed."""
    gc.collect()  # nobody pays for what another left behind
    cpu, wall = time.process_time(), time.perf_counter()
    person_years = prepared.run()
    one.per_cpu_second.append(person_years / (time.process_time() - cpu))
    one.per_second.append(person_years / (time.perf_counter() - wall))


def machine() -> str:
    """Return processor, cores and versions in one line."""
    names = ("numpy", "numba", "mesa")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def print_tables(measured: list[Measured], started: list[Start]) -> None:
    """Print what was measured for people, with what was counted below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.width = max(console.width, 100)  # where it is not a screen, rich would cut columns at 80
    console.print(machine())
    rounds, threads = len(measured[0].per_cpu_second), measured[0].threads
    plural = "s" if threads > 1 else ""
    speed = Table(
        title=f"Medians of {rounds} rounds; framsyn on {threads} thread{plural}, peers on 1",
        caption="M: million person-years; B: bytes of peak memory; times: framsyn's speed by the peer's",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for name in ("workload", "engine"):
        speed.add_column(name, no_wrap=True)
    for name in ("persons", "M/CPU s", "M/s", "B/person", "times"):
        speed.add_column(name, justify="right", no_wrap=True)
    for one in measured:
        times = one.framsyn_is_times(measured[0])
        speed.add_row(
            one.engine.workload,
            one.engine.name,
            f"{one.persons:,}".replace(",", " "),
            f"{statistics.median(one.per_cpu_second) / 1e6:.2f}",
            f"{statistics.median(one.per_second) / 1e6:.2f}",
            f"{one.peak_bytes_per_person:.0f}",
            "" if times is None else f"{times:.2f}",
        )
    console.print(speed)
    console.print("Counted after each year of age (columns counted together, number of cells):")
    for one in measured:
        console.print(f"  {one.engine.workload}, {one.engine.name}: {'; '.join(one.margins)}")
    if started:
        console.print(f"framsyn compare scenarios/norrkoping.yaml --persons {PERSONS}, whole process (medians):")
        start = Table(box=SIMPLE_HEAD, pad_edge=False)
        start.add_column("start")
        for name in ("processes", "wall seconds", "CPU seconds"):
            start.add_column(name, justify="right")
        for each in started:
            seconds = f"{each.wall_seconds:.2f}", f"{each.cpu_seconds:.2f}"
            start.add_row(each.kind, str(each.processes), *seconds)
        console.print(start)


def positive(text: str) -> int:
    """Read a whole number of 1 or more."""
    number = int(text.replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {number}")
    return number


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed and memory of framsyn and its peers.")
    usual = ENGINES[0].usual_persons
    parser.add_argument("--persons", type=positive, default=usual, help="of framsyn on LC-ref; others in proportion")
    parser.add_argument("--threads", type=positive, default=1, help="of framsyn; peers have one (default 1)")
    parser.add_argument("--rounds", type=positive, default=5, help="timed rounds (default 5)")
    parser.add_argument("--no-start", action="store_true", help="leave out the cold and warm start")
    parser.add_argument("--json", action="store_true", help="print a JSON list of the engines, and nothing else")
    given = parser.parse_args()

    def tell(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    measured = measure(given.persons / usual, given.threads, given.rounds, tell)
    if given.json:
        print(json.dumps([one.as_contract(measured[0]) for one in measured], ensure_ascii=False))
        return
    tell("cold and warm start" if not given.no_start else "done")
    print_tables(measured, [] if given.no_start else starts(given.rounds, given.threads))


if __name__ == "__main__":
    main()
