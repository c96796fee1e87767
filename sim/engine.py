"""The engine: lives a plan chunk by chunk on threads and fills the integer ledgers. Layer 7; knows no money."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Chunk
from sim.draws import philox_key
from sim.errors import ScenarioError
from sim.in_step import InStep
from sim.kernels.layout import DELIVERY_COUNTS
from sim.ledger import Ledger
from sim.outcome import ArmCounts, Outcome
from sim.persons import Ids, Persons, chunks, copies, persons_of
from sim.plan import Plan, bind
from sim.program import Program
from sim.scenario import BASELINE, Scenario

CHUNK = 8192
"""Persons that are lived together: their columns and draws stay in the second-level cache."""


def simulate(
    plan: Plan | Scenario,
    *,
    seed: int = 1,
    replicate: int = 0,
    threads: int = 1,
    chunk: int = CHUNK,
    ids: Ids | None = None,
    families: Ids | None = None,
    in_full: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Outcome:
    """Live every arm of a plan and return the integer ledgers.

    The baseline is lived by everyone; an arm by those it reaches, whose baseline life is counted again beside it
    (arm = baseline - R0 + R1). `in_full` lives every arm by everyone: the oracle, with the same ledgers. An arm with
    so many places a year is lived by everyone, copy by copy in step; whoever has another place or another life there
    than in the baseline is reached. `ids` are the persons, by default all of the cohort: the places of a copy are
    shared by those of them who are in it; `families` the family of each, by default one of his own: siblings share
    the draws of all that is keyed by family. `progress` is told the share done. Raises ScenarioError for settings
    out of range.
    """
    if isinstance(plan, Scenario):
        plan = bind(plan)
    if not 0 <= seed < 2**64:
        raise ScenarioError(f"the seed must be 0 to 2^64 - 1, not {seed}")
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value < 1:
            raise ScenarioError(f"{name} must be 1 or more, not {value}")
    started = time.perf_counter()
    key = np.uint64(philox_key(seed, replicate))
    persons = persons_of(plan, ids, families, key)
    lives = _Lives(plan, key, threads, chunk, progress)
    outcome = Outcome(plan, seed, replicate, empty_ledger(plan), given=(ids, families))
    plan.make_tables()  # before threads share them
    offered = _no_deliveries(plan, len(plan.watched))
    full = {arm for arm in plan.compared if in_full or arm in plan.in_full}
    marks = np.zeros(len(persons), dtype=np.uint64) if full - plan.changed else None
    reached = lives.live(plan.watching, persons, outcome.baseline, offered, marks=marks, part=(0.0, 0.6))
    if not plan.watched:  # whom the baseline's own offers reach says nothing of an arm
        reached[:] = 0
    for bit, arm in enumerate(plan.compared):
        part = 0.6 + 0.4 * bit / len(plan.compared), 0.6 + 0.4 * (bit + 1) / len(plan.compared)
        hit = reached >> np.uint64(bit) & np.uint64(1) == 1
        in_arm, in_baseline = empty_ledger(plan), empty_ledger(plan)
        refused = _no_deliveries(plan, len(plan.interventions))
        if arm in full:
            other = None if arm in plan.changed else np.zeros(len(persons), dtype=np.uint64)
            enrolled = lives.live(plan.programs[arm], persons, in_arm, marks=other, part=part)
            in_baseline = outcome.baseline
            if other is None or marks is None:  # lives differ from birth, which says nothing of the offers
                hit = enrolled != 0
            else:
                hit |= other != marks
        else:
            lives.live(plan.programs[arm], persons.some(hit), in_arm, part=part)
            again = _no_deliveries(plan, len(plan.watched))
            lives.live(plan.watching, persons.some(hit), in_baseline, again, part=part)
            _add_refused(plan, bit, offered - again, refused)
        by_block = np.bincount(persons.blocks[hit], minlength=plan.scenario.cohort.blocks)
        outcome.reached[arm], outcome.families[arm] = persons.ids[hit], persons.families[hit]
        outcome.arms[arm] = ArmCounts(in_arm, in_baseline, by_block, refused)
    outcome.person_years = lives.lived
    outcome.seconds = time.perf_counter() - started
    return outcome


@dataclass
class _Lives:
    """Lives persons chunk by chunk on threads, adding what each chunk counted to a ledger."""

    plan: Plan
    key: np.uint64
    threads: int
    chunk: int
    progress: Callable[[float], None] | None = None
    lived: int = 0

    def live(
        self,
        program: Program,
        persons: Persons,
        ledger: Ledger,
        offered: NDArray[np.int64] | None = None,
        *,
        marks: NDArray[np.uint64] | None = None,
        part: tuple[float, float] = (0.0, 1.0),
    ) -> NDArray[np.uint64]:
        """Live these persons under a program; return, a bit an arm, whom its offers reach.

        offered: what the watched offers are added to; marks: filled with the mark of each life, for lives that are
        to be compared; part: from which share of all the work to which this is.
        """
        reached = np.zeros(len(persons), dtype=np.uint64)
        lock = Lock()
        steps = self.plan.scenario.horizon

        def live_some(together: NDArray[np.int64]) -> int:
            parts = [together[k : k + self.chunk] for k in range(0, len(together), self.chunk)]
            lived = [Chunk(self.plan, program, persons.some(members), self.key) for members in parts]
            tallies = [chunk.tally(steps + 1) for chunk in lived]
            own = None if marks is None else [np.zeros(len(members), dtype=np.uint64) for members in parts]
            InStep(self.plan, program, lived).live(steps, tallies, [1] * len(parts), own)
            with lock:
                for place, (members, chunk, tally) in enumerate(zip(parts, lived, tallies, strict=True)):
                    tally.add_to(ledger, self.plan, program)
                    if offered is not None:
                        offered[tally.blocks] += tally.offered(program)
                    if marks is not None and own is not None:
                        marks[members] = own[place]
                    reached[members] = chunk.reached
                    self.lived += tally.lived(self.plan)
            return len(together)

        done = 0
        pool = ThreadPoolExecutor(self.threads)
        try:
            pieces = copies(persons.ids) if program.queued else chunks(persons.blocks, self.chunk)
            for number in pool.map(live_some, pieces):
                done += number
                if self.progress is not None:
                    self.progress(part[0] + (part[1] - part[0]) * done / len(persons))
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt waits for the chunks at work, not for all that wait
        return reached


def _no_deliveries(plan: Plan, offers: int) -> NDArray[np.int64]:
    shape = (plan.scenario.cohort.blocks, plan.scenario.horizon + 1, offers, DELIVERY_COUNTS)
    return np.zeros(shape, dtype=np.int64)


def _add_refused(plan: Plan, bit: int, unreached: NDArray[np.int64], refused: NDArray[np.int64]) -> None:
    """Add an arm's offers to those it does not reach, and take off those that the baseline alone makes them.

    Existing delivery is offered to the same persons in every arm, so there nothing is added or taken off.
    """
    own, current = (plan.scenario.arms[arm].interventions for arm in (plan.compared[bit], BASELINE))
    existing_here = {one.catalogue_name for one in plan.arms[plan.compared[bit]]} - {one.catalogue_name for one in own}
    existing_there = {one.catalogue_name for one in plan.arms[BASELINE]} - {one.catalogue_name for one in current}
    for place, (intervention, arms) in enumerate(plan.watched.items()):
        name = intervention.catalogue_name
        if arms >> bit & 1 and name not in existing_here | existing_there:
            sign = 1 if intervention in own else -1
            refused[:, :, plan.interventions.index(name)] += sign * unreached[:, :, place]


def relive(outcome: Outcome, arm: str, program: Program, *, threads: int = 1, by_block: bool = False) -> Ledger:
    """Live those whom an arm reaches under another program, or everyone where the arm was lived in full.

    Return their ledger, all parts counted together, or block by block.
    """
    plan = outcome.plan
    cohort = plan.scenario.cohort
    key = np.uint64(philox_key(outcome.seed, outcome.replicate))
    if outcome.arms[arm].in_baseline is outcome.baseline:
        persons = persons_of(plan, *outcome.given, key)
    else:
        persons = persons_of(plan, outcome.reached[arm], outcome.families[arm], key)
    if by_block:
        ledger = empty_ledger(plan)
        _Lives(plan, key, threads, CHUNK).live(program, persons, ledger)
        return ledger
    strata = max(1, len(cohort.strata))
    ledger = Ledger.empty(plan.margins, strata, plan.scenario.horizon, len(plan.interventions))
    by_stratum = replace(persons, blocks=persons.blocks // cohort.parts if cohort.strata else 0 * persons.blocks)
    share = -(-len(persons) // threads)  # one chunk a thread: they are few, and their blocks say nothing here
    _Lives(plan, key, threads, max(1, min(CHUNK, share))).live(program, by_stratum, ledger)
    return ledger


def empty_ledger(plan: Plan) -> Ledger:
    """Return a ledger of zeros for everyone in the plan."""
    return Ledger.empty(plan.margins, plan.scenario.cohort.blocks, plan.scenario.horizon, len(plan.interventions))
