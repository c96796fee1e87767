"""The engine: lives a plan chunk by chunk on threads and fills the integer ledgers. Layer 7; knows no money."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event, Lock

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Chunk, Tally
from sim.draws import philox_key
from sim.errors import ScenarioError
from sim.in_step import InStep
from sim.kernels.layout import DELIVERY_COUNTS
from sim.ledger import Ledger
from sim.outcome import ArmCounts, Outcome
from sim.persons import Ids, Persons, class_of, copy_of, portions, split
from sim.plan import Plan, bind
from sim.program import Program
from sim.scenario import BASELINE, Scenario

CHUNK = 8192
"""Persons that are lived together: their columns and draws stay in the second-level cache."""

RUNS = 4
"""Parts that the persons fall into for each thread, so that no thread waits long for the last."""


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
    stream: bool = False,
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

    Where the cohort is in classes every arm is lived by everyone, and classmates are those of the persons who are in
    one class.

    Persons of a cohort come some copies at a time, live every arm and are forgotten, so that memory does not grow with
    their number but for the identities of those reached; `stream` forgets these too, and then nobody can be lived
    again (`relive`). Strata, and persons who are named, are held all at once.
    """
    if isinstance(plan, Scenario):
        plan = bind(plan)
    if plan.scenario.municipality is not None:
        raise ScenarioError("a municipality is no birth cohort", hint="live it by sim.town.simulate_town")
    check_settings(seed, threads, chunk)
    started = time.perf_counter()
    key = np.uint64(philox_key(seed, replicate))
    plan.make_tables()  # before threads share them
    outcome = Outcome(plan, seed, replicate, empty_ledger(plan), given=(ids, families))
    for arm in plan.compared:
        in_baseline = outcome.baseline if in_full or arm in plan.in_full else empty_ledger(plan)
        none = np.zeros(plan.scenario.cohort.blocks, dtype=np.int64)
        through = none.copy() if plan.in_classes and arm not in plan.changed else None
        outcome.arms[arm] = ArmCounts(
            empty_ledger(plan), in_baseline, none, no_deliveries(plan, len(plan.interventions)), through
        )
    number = plan.scenario.cohort.persons if ids is None else len(ids)
    arms = len(plan.compared) if in_full else len(plan.in_full) + 0.05 * len(plan.compared)
    lives = _Lives(plan, key, threads, chunk, progress, number * (1 + arms))
    known: dict[str, list[Persons]] = {}
    for persons in portions(plan, ids, families, key):
        for arm, reached in _live_portion(outcome, lives, persons, in_full).items():
            if not stream:
                known.setdefault(arm, []).append(reached)
    for arm, parts in known.items():
        outcome.reached[arm] = np.concatenate([one.ids for one in parts])
        outcome.families[arm] = np.concatenate([one.families for one in parts])
    outcome.person_years = outcome.lived
    if progress is not None:
        progress(1.0)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _live_portion(outcome: Outcome, lives: _Lives, persons: Persons, in_full: bool) -> dict[str, Persons]:
    """Live every arm of some persons, adding to the outcome; return, by arm, whom it reaches."""
    plan = outcome.plan
    full = {arm for arm in plan.compared if in_full or arm in plan.in_full}
    marks = np.zeros((2, len(persons)), dtype=np.uint64) if full - plan.changed else None
    offered = no_deliveries(plan, len(plan.watched))
    reached = lives.live(plan.watching, persons, outcome.baseline, offered, marks=marks)
    if not plan.watched:  # whom the baseline's own offers reach says nothing of an arm
        reached[:] = 0
    found = {}
    for bit, arm in enumerate(plan.compared):
        hit = reached >> np.uint64(bit) & np.uint64(1) == 1
        counts = outcome.arms[arm]
        if arm not in full:
            lives.live(plan.programs[arm], persons.some(hit), counts.in_arm)
            again = no_deliveries(plan, len(plan.watched))
            lives.live(plan.watching, persons.some(hit), counts.in_baseline, again)
            add_refused(plan, bit, offered - again, counts.refused)
        elif arm in plan.changed or marks is None:  # lives differ from birth, which says nothing of the offers
            hit = lives.live(plan.programs[arm], persons, counts.in_arm) != 0
        else:
            other = np.zeros_like(marks)
            lives.live(plan.programs[arm], persons, counts.in_arm, marks=other)
            life_differs, place_differs = other != marks
            hit = place_differs if counts.through_classmates is not None else hit | life_differs
            if counts.through_classmates is not None:
                counts.through_classmates += _by_block(plan, persons, life_differs & ~hit)
        counts.participants += _by_block(plan, persons, hit)
        found[arm] = persons.some(hit)
    return found


def check_settings(seed: int, threads: int, chunk: int) -> None:
    """Raise ScenarioError for settings out of range."""
    if not 0 <= seed < 2**64:
        raise ScenarioError(f"the seed must be 0 to 2^64 - 1, not {seed}")
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value < 1:
            raise ScenarioError(f"{name} must be 1 or more, not {value}")


@dataclass
class _Lives:
    """Lives persons chunk by chunk on threads, and says how far it has come."""

    plan: Plan
    key: np.uint64
    threads: int
    chunk: int
    progress: Callable[[float], None] | None = None
    expected: float = 1.0
    """Lives that will be lived, as far as is known beforehand."""
    done: int = 0

    def live(
        self,
        program: Program,
        persons: Persons,
        ledger: Ledger,
        offered: NDArray[np.int64] | None = None,
        *,
        marks: NDArray[np.uint64] | None = None,
    ) -> NDArray[np.uint64]:
        """Live these persons under a program; return, a bit an arm, whom its offers reach.

        ledger: what they are counted in; offered: what the watched offers are added to; marks: (2, persons), filled
        with the marks of each life, for lives that are to be compared.

        A thread counts straight into the ledger where it alone has persons of a block.
        """
        plan = self.plan
        reached = np.zeros(len(persons), dtype=np.uint64)
        whole = Tally.within(ledger, program)
        order = np.lexsort((persons.ids, persons.blocks))  # copies and classes are then neighbours
        copies, classes = copy_of(persons.ids), class_of(plan, persons.ids)
        alone = self.threads == 1 or len(np.unique(persons.blocks)) >= RUNS * self.threads
        together = persons.blocks if alone else copies if program.queued else classes
        lock, stop = Lock(), Event()

        def live_run(run: NDArray[np.int64]) -> None:
            for some in split(run, 1, copies) if program.queued else split(run, self.chunk, classes):
                if stop.is_set():
                    return
                pieces = split(some, self.chunk, classes)
                lived = [Chunk(plan, program, persons.some(piece), self.key) for piece in pieces]
                rows = plan.scenario.horizon + 1
                tallies = [whole.of(chunk.held) if alone else chunk.room_to_count(rows) for chunk in lived]
                own = None if marks is None else [np.zeros((2, len(piece)), dtype=np.uint64) for piece in pieces]
                for chunk, tally in zip(lived, tallies, strict=True):
                    chunk.count(tally, 0)
                InStep(plan, program, lived).live(rows - 1, tallies, [1] * len(pieces), own)
                with lock:
                    for place, (piece, chunk, tally) in enumerate(zip(pieces, lived, tallies, strict=True)):
                        if not alone:
                            whole.of(chunk.held).add(tally)
                        if marks is not None and own is not None:
                            marks[:, piece] = own[place]
                        reached[piece] = chunk.reached
                    self.done += len(some)
                    if self.progress is not None:
                        self.progress(min(self.done / self.expected, 0.99))

        pool = ThreadPoolExecutor(self.threads)
        try:
            size = max(1, len(persons) // (1 if self.threads == 1 else RUNS * self.threads))
            for _ in pool.map(live_run, split(order, size, together)):
                pass
        finally:
            stop.set()  # an interrupt waits for the chunks at work, not for all that wait
            pool.shutdown(cancel_futures=True)
        whole.add_deliveries(ledger, plan, program)
        if offered is not None:
            offered += whole.offered(program)
        return reached


def _by_block(plan: Plan, persons: Persons, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(persons.blocks[which], minlength=plan.scenario.cohort.blocks)


def no_deliveries(plan: Plan, offers: int) -> NDArray[np.int64]:
    """Return zeros laid out as a ledger's deliveries, of so many offers."""
    shape = (plan.scenario.cohort.blocks, plan.scenario.horizon + 1, offers, DELIVERY_COUNTS)
    return np.zeros(shape, dtype=np.int64)


def add_refused(plan: Plan, bit: int, unreached: NDArray[np.int64], refused: NDArray[np.int64]) -> None:
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
    in_full = outcome.arms[arm].in_baseline is outcome.baseline
    again = outcome.given if in_full else (outcome.reached[arm], outcome.families[arm])
    strata = max(1, len(cohort.strata))
    ledger = empty_ledger(plan)
    if not by_block:
        ledger = Ledger.empty(plan.margins, strata, plan.scenario.horizon, len(plan.interventions))
    lives = _Lives(plan, key, threads, CHUNK)
    for some in portions(plan, *again, key):
        stratum = some.blocks // cohort.parts if cohort.strata else np.zeros_like(some.blocks)
        lives.live(program, some if by_block else replace(some, blocks=stratum), ledger)
    return ledger


def empty_ledger(plan: Plan) -> Ledger:
    """Return a ledger of zeros for everyone in the plan."""
    return Ledger.empty(plan.margins, plan.scenario.cohort.blocks, plan.scenario.horizon, len(plan.interventions))
