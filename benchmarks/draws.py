"""Share of framsyn's time on LC-ref that goes into addressed draws: `python benchmarks/draws.py [--rounds R] [--json]`.

Every draw is found by the person's identity, the year and the decision (Philox4x32-10), which is what gives
all arms common random numbers and makes results independent of threads and order. Timed in turns: LC-ref's
baseline as in `benchmarks/step.py`, and the same blocks of draws alone, in chunks of the same size: one block
of four draws for every person alive, year and domain with an open move. The share is the median of the
rounds' quotients.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.printed import machine, positive  # noqa: E402


@dataclass(frozen=True)
class Share:
    """What the draws cost."""

    nanoseconds_per_block: float
    blocks_per_person_year: float
    of_framsyn: float
    """Share of the CPU time of the whole simulation."""


def share_of_draws(persons: int, rounds: int) -> Share:
    """Measure the draws alone beside the simulation that uses them."""
    import numpy as np

    from benchmarks.lcref.with_framsyn import scenario
    from sim.draws import philox_key, stream
    from sim.engine import CHUNK, simulate
    from sim.kernels.philox import fill_draws
    from sim.plan import bind

    plan = bind(scenario(persons))
    plan.make_tables()
    outcome = simulate(plan)
    person_years = outcome.person_years
    alive = outcome.share_in(["health"])[0].sum(axis=1)
    windows = [
        (min(int(m.ages[0]) for m in domain.moves), max(int(m.ages[1]) for m in domain.moves))
        for domain in plan.scenario.model.all_domains
    ]
    blocks = sum(
        int(alive[age]) * sum(first <= age <= last for first, last in windows) for age in range(plan.scenario.horizon)
    )
    ids, block = np.arange(CHUNK, dtype=np.uint64), np.empty((4, CHUNK), dtype=np.uint32)
    name, key = stream("health"), np.uint64(philox_key(seed=1))
    shares, costs = [], []
    for _round in range(rounds):
        started = time.process_time()
        simulate(plan)
        whole = time.process_time() - started
        started = time.process_time()
        for step in range(blocks // CHUNK):
            fill_draws(ids, CHUNK, step, name, key, block)
        draws = time.process_time() - started
        shares.append(draws / whole)
        costs.append(draws / (blocks // CHUNK * CHUNK) * 1e9)
    return Share(statistics.median(costs), blocks / person_years, statistics.median(shares))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Share of framsyn's time on LC-ref that goes into draws.")
    parser.add_argument("--persons", type=positive, default=400_000, help="persons (default 400 000)")
    parser.add_argument("--rounds", type=positive, default=15, help="timed rounds (default 15)")
    parser.add_argument("--json", action="store_true", help="print a JSON object and nothing else")
    given = parser.parse_args()
    share = share_of_draws(given.persons, given.rounds)
    if given.json:
        print(json.dumps(asdict(share)))
        return
    print(machine())
    print(f"{share.blocks_per_person_year:.2f} blocks of four draws a person-year")
    print(f"{share.nanoseconds_per_block:.2f} ns a block")
    print(f"{100 * share.of_framsyn:.0f} % of framsyn's CPU time")


if __name__ == "__main__":
    main()
