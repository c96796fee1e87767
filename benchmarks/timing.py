"""Times runs in interleaved pairs: ours, theirs, ours, theirs …, so that what else the machine does falls on both.

Knows the clock and nothing of what is run. CPU seconds are those of this process, all threads together.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Run = Callable[[], int]
"""Live everyone once; return the person-years lived."""


@dataclass(frozen=True)
class Timing:
    """One run."""

    person_years: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def per_cpu_second(self) -> float:
        """Person-years per CPU second."""
        return self.person_years / self.cpu_seconds

    @property
    def per_second(self) -> float:
        """Person-years per second of the clock."""
        return self.person_years / self.wall_seconds


@dataclass
class Pairs:
    """Two things that took turns."""

    ours: list[Timing] = field(default_factory=list)
    theirs: list[Timing] = field(default_factory=list)

    def ratio(self, quantity: Callable[[Timing], float]) -> float:
        """Return the median over the pairs of ours / theirs."""
        return statistics.median(quantity(a) / quantity(b) for a, b in zip(self.ours, self.theirs, strict=True))

    def quartiles(self, quantity: Callable[[Timing], float]) -> tuple[float, float]:
        """Return between which ratios the middle half of the pairs lies; of a single pair, its ratio twice."""
        ratios = [quantity(a) / quantity(b) for a, b in zip(self.ours, self.theirs, strict=True)]
        if len(ratios) == 1:
            return ratios[0], ratios[0]
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, high


def timed(run: Run, at_least: float = 0.0) -> Timing:
    """Run again and again until so many seconds have passed (once, if none are asked for); return it all as one."""
    gc.collect()  # nobody pays for what another left behind
    person_years = 0
    cpu, wall = time.process_time(), time.perf_counter()
    while True:
        person_years += run()
        passed = time.perf_counter() - wall
        if passed >= at_least:
            return Timing(person_years, time.process_time() - cpu, passed)


def in_pairs(ours: Run, theirs: Run, rounds: int, at_least: float = 0.0) -> Pairs:
    """Let two take turns for so many rounds."""
    pairs = Pairs()
    for _ in range(rounds):
        pairs.ours.append(timed(ours, at_least))
        pairs.theirs.append(timed(theirs, at_least))
    return pairs


def median(timings: Iterable[Timing], quantity: Callable[[Timing], float]) -> float:
    """Return the median of a quantity."""
    return statistics.median(map(quantity, timings))
