"""Start of the command as whole processes: `framsyn compare scenarios/norrkoping.yaml --persons 1640`.

Cold: FRAMSYN_CACHE names an empty temporary folder, so that every kernel is compiled. Warm: the same call
again, which finds them there. Wall and CPU seconds of the process from its start to its exit, its run folder
written into a temporary folder; medians. `python benchmarks/start.py [--rounds R] [--cold C] [--threads T] [--json]`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.printed import machine, positive, print_table, tell  # noqa: E402

PERSONS = 1640
COMMAND = "from sim.cli import main; main()"
"""What the installed `framsyn` does."""


@dataclass(frozen=True)
class Start:
    """How long one kind of start took."""

    kind: str
    """cold or warm"""
    processes: int
    """How many were started; the seconds are medians."""
    wall_seconds: float
    cpu_seconds: float


def starts(cold: int, warm: int, threads: int) -> list[Start]:
    """Start the command with an empty kernel cache so many times, then with a filled one."""
    with tempfile.TemporaryDirectory(prefix="framsyn-start-") as temporary:
        seconds = []
        for number in range(cold + warm):
            tell(f"start {number + 1} of {cold + warm}")
            cache = Path(temporary, f"cache-{min(number, cold - 1)}")  # warm ones find what the last cold one left
            environment = {**os.environ, "FRAMSYN_CACHE": str(cache)}
            seconds.append(_process(Path(temporary, f"run-{number}"), threads, environment))
    return [_start("cold", seconds[:cold]), _start("warm", seconds[cold:])]


def _process(run: Path, threads: int, environment: dict[str, str]) -> tuple[float, float]:
    """Run the command once; return wall and CPU seconds."""
    scenario = ROOT / "scenarios" / "norrkoping.yaml"
    options = ["--persons", str(PERSONS), "--threads", str(threads), "--out", str(run), "--json"]
    before, started = _cpu_seconds(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", COMMAND, "compare", str(scenario), *options],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
    )
    return time.perf_counter() - started, _cpu_seconds() - before


def _cpu_seconds() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(kind: str, seconds: list[tuple[float, float]]) -> Start:
    wall, cpu = (statistics.median(column) for column in zip(*seconds, strict=True))
    return Start(kind, len(seconds), wall, cpu)


def main() -> None:
    """Print both starts."""
    parser = argparse.ArgumentParser(description="Cold and warm start of the command, as whole processes.")
    parser.add_argument("--rounds", type=positive, default=15, help="warm starts (default 15)")
    parser.add_argument("--cold", type=positive, default=3, help="cold starts (default 3)")
    parser.add_argument("--threads", type=positive, default=1, help="threads of the command (default 1)")
    parser.add_argument("--json", action="store_true", help="print a JSON list and nothing else")
    given = parser.parse_args()
    measured = starts(given.cold, given.rounds, given.threads)
    if given.json:
        print(json.dumps([asdict(start) for start in measured]))
        return
    print(machine())
    print_table(
        ["start", "processes", "wall seconds", "CPU seconds"],
        [[one.kind, str(one.processes), f"{one.wall_seconds:.2f}", f"{one.cpu_seconds:.2f}"] for one in measured],
        title=f"framsyn compare scenarios/norrkoping.yaml --persons {PERSONS}, whole process (medians)",
    )


if __name__ == "__main__":
    main()
