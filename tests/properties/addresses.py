"""Lives a small model in plain Python and prints how often each address of a draw was asked for.

Run with `NUMBA_DISABLE_JIT=1`, which leaves the kernels as Python functions whose parts can be replaced.
"""

from __future__ import annotations

import json
from collections import Counter

import sim.kernels.enrol
import sim.kernels.philox
import sim.kernels.screen
import sim.kernels.year
from sim.chunk import history_of
from sim.domain import Domain
from sim.draws import philox_key
from sim.persons import all_ids
from sim.plan import bind
from sim.scenario import Cohort
from tests.models import childhood, scenario, support, training, tutoring

genuine = sim.kernels.philox.fill_draws
asked: Counter[tuple[int, int, int]] = Counter()
"""(person, step, stream) of every block of four draws; a lane within it belongs to one transition."""
again: Counter[tuple[int, int, int]] = Counter()
"""The same of those that candidates are given a second time, for the race itself."""


def recording(counter):
    """Return a kernel that counts the addresses it is asked for."""

    def fill(ids, n, step, stream, key, out):
        counter.update((int(identity), int(step), int(stream)) for identity in ids[:n])
        genuine(ids, n, step, stream, key, out)

    return fill


def many_ways() -> Domain:
    """Return a domain with more ways out of a state than a block has draws."""
    domain = Domain("ways", tuple("abcdefg"), "a")
    domain.occasion("a", tuple("bcdefg"))(lambda: (0.01,) * 6)
    return domain


def main() -> None:
    for module in (sim.kernels.screen, sim.kernels.enrol, sim.kernels.philox):
        module.fill_draws = recording(asked)
    sim.kernels.year.fill_draws = recording(again)
    arm = (support(), tutoring(uptake=0.4), training(offer="yearly", uptake=0.2))
    built = scenario(arm, model=childhood(many_ways()), cohort=Cohort(2020, represents=12, copies=2), horizon=18)
    plan = bind(built)
    ids, key = all_ids(plan), philox_key(1)
    history_of(plan, plan.programs["arm_1"], ids, key)
    print(
        json.dumps(
            {
                "blocks": len(asked | again),
                "most": max((asked | again).values()),
                "persons": len({who for who, _, _ in asked | again}),
            }
        )
    )


if __name__ == "__main__":
    main()
