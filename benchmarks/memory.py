"""Peak memory a person, in a process of its own for each engine: `python benchmarks/memory.py KEY N THREADS`.

The process prepares and runs a tiny population, which loads libraries and compiled kernels and makes every
table, notes its peak resident memory, then prepares and runs N persons. What the peak has grown by, divided
by the persons added, is printed. Memory that an engine needs whatever the population (libraries, kernels,
tables of probability) is therefore left out, and so is what the larger population can do in memory asked for
earlier.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.engines import Engine, engine_of  # noqa: E402

TINY = 64
"""Persons of the tiny population, before rounding up to whole copies."""


def peak_bytes_per_person(engine: Engine, persons: int, threads: int) -> float:
    """Return the bytes by which a child process's peak grows with each person; 0 where it does not grow.

    A population no larger than the tiny one has no growth, and no process is started for it.
    """
    if persons <= TINY:
        return 0.0
    command = [sys.executable, __file__, engine.key, str(persons), str(threads)]
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(child.stdout)


def peak_bytes() -> int:
    """Return the peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux kilobytes


def growth(engine: Engine, persons: int, threads: int) -> float:
    """Run a tiny population and a full one in this process; return the growth of the peak a person added."""
    few = _lived(engine, TINY, threads)
    if persons <= few:
        return 0.0
    before = peak_bytes()
    many = _lived(engine, persons, threads)
    return (peak_bytes() - before) / (many - few)


def _lived(engine: Engine, persons: int, threads: int) -> int:
    """Prepare and run a population, and let go of it; return how many persons it had."""
    prepared = engine.prepare(persons, threads)
    prepared.run()
    lived = prepared.persons
    del prepared
    gc.collect()
    return lived


if __name__ == "__main__":
    key, persons, threads = sys.argv[1:]
    print(growth(engine_of(key), int(persons), int(threads)))
