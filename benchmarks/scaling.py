"""framsyn by number of persons and threads: `python benchmarks/scaling.py [--largest N] [--json]`.

What is measured, for LC-ref and for the shipped scenario with its baseline and with all arms, at 1 000, 10 000 …
persons up to --largest (rounded up to whole copies): person-years per CPU second on one thread; how many times as
fast two threads are by the clock; peak memory a person, and as a stream where the engine can simulate as one.

How. One thread and two take turns (1, 2, 1, 2 …), each run repeated until --seconds have passed; the speed-up is the
median over the pairs of the quotients by the clock. Memory is that of a child process each, as in
`benchmarks/memory.py`: what its peak grows by between a tiny population and the full one.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import benchmarks.one_thread  # noqa: E402, F401
from benchmarks.engines import STREAMED, Engine, engine_of, no_stream  # noqa: E402
from benchmarks.memory import peak_bytes_per_person  # noqa: E402
from benchmarks.printed import machine, positive, print_table, tell, whole  # noqa: E402
from benchmarks.timing import in_pairs, median  # noqa: E402

WORKLOADS = ("framsyn", "shipped-baseline", "shipped")
"""Keys of the engines that are measured, those of one workload each."""
SMALLEST = 1_000


@dataclass(frozen=True)
class Scaled:
    """One workload at one number of persons."""

    workload: str
    persons: int
    person_years_per_cpu_second: float
    """On one thread."""
    person_years_per_second: float
    """On one thread, by the clock."""
    speed_up_of_two_threads: float
    """By the clock, median of the pairs."""
    rounds: int
    peak_bytes_per_person: float
    streamed_peak_bytes_per_person: float | None
    """None where nothing can be simulated as a stream."""


def sizes(largest: int) -> list[int]:
    """Return 1 000, 10 000 … up to the largest."""
    found = [SMALLEST]
    while found[-1] * 10 <= largest:
        found.append(found[-1] * 10)
    return found


def scaled(engine: Engine, persons: int, rounds: int, seconds: float, peaks: tuple[float, float | None]) -> Scaled:
    """Measure a workload at one number of persons; peaks: what memory was measured before."""
    one, two = engine.prepare(persons, 1), engine.prepare(persons, 2)
    one.run()
    two.run()
    pairs = in_pairs(two.run, one.run, rounds, seconds)
    return Scaled(
        engine.workload,
        one.persons,
        median(pairs.theirs, lambda timing: timing.per_cpu_second),
        median(pairs.theirs, lambda timing: timing.per_second),
        pairs.ratio(lambda timing: timing.per_second),
        rounds,
        *peaks,
    )


def peaks_of(engine: Engine, persons: int) -> tuple[float, float | None]:
    """Return the peak memory a person, and as a stream where that is possible."""
    plain = peak_bytes_per_person(engine, persons, 1)
    if no_stream():
        return plain, None
    streamed = next(one for one in STREAMED if one.workload == engine.workload)
    return plain, peak_bytes_per_person(streamed, persons, 1)


def print_scaled(rows: list[Scaled]) -> None:
    """Print what was measured for people."""
    print(machine())
    print_table(
        ["workload", "persons", "M/CPU s", "M/s", "2 threads", "B/person", "streamed"],
        [
            [
                one.workload,
                whole(one.persons),
                f"{one.person_years_per_cpu_second / 1e6:.2f}",
                f"{one.person_years_per_second / 1e6:.2f}",
                f"{one.speed_up_of_two_threads:.2f}",
                whole(one.peak_bytes_per_person),
                "-" if one.streamed_peak_bytes_per_person is None else f"{one.streamed_peak_bytes_per_person:.2f}",
            ]
            for one in rows
        ],
        title=f"framsyn on one thread, and two against it; medians of {rows[0].rounds} pairs",
        caption="M: million person-years; 2 threads: times as fast by the clock; B: bytes of peak memory",
    )
    if reason := no_stream():
        print(f"Memory as a stream is left out: {reason}.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="framsyn by number of persons and threads.")
    parser.add_argument(
        "--largest", type=positive, default=1_000_000, help="persons, as 10_000_000 (default 1_000_000)"
    )
    parser.add_argument("--rounds", type=positive, default=15, help="pairs of one thread and two (default 15)")
    parser.add_argument("--seconds", type=float, default=0.2, help="least duration of each run (default 0.2)")
    parser.add_argument("--workload", choices=WORKLOADS, action="append", help="only this one (default all)")
    parser.add_argument("--json", action="store_true", help="print a JSON list and nothing else")
    given = parser.parse_args()
    engines = [engine_of(key) for key in given.workload or WORKLOADS]
    wanted = [(engine, persons) for engine in engines for persons in sizes(given.largest)]
    peaks = []
    for engine, persons in wanted:  # first, because a child process inherits the peak of a parent that has grown
        tell(f"memory: {engine.workload}, {whole(persons)} persons")
        peaks.append(peaks_of(engine, persons))
    rows = []
    for (engine, persons), peak in zip(wanted, peaks, strict=True):
        tell(f"{given.rounds} pairs: {engine.workload}, {whole(persons)} persons")
        rows.append(scaled(engine, persons, given.rounds, given.seconds, peak))
    if given.json:
        print(json.dumps([asdict(one) for one in rows], ensure_ascii=False))
    else:
        print_scaled(rows)


if __name__ == "__main__":
    main()
