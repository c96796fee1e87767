"""The engine: lives a plan chunk by chunk on threads and fills the integer ledgers. Layer 7; knows no money."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.draws import person_id, philox_key
from sim.errors import ScenarioError
from sim.kernels.live import live
from sim.ledger import Ledger
from sim.outcome import ArmCounts, Outcome
from sim.plan import Plan, bind
from sim.program import Program
from sim.scenario import BASELINE, Scenario

CHUNK = 8192
"""Persons that are lived together: their columns and draws stay in the second-level cache."""

_ARGUMENTS = (
    "domains", "streams", "state_moves", "moves", "tables", "reads", "thresholds", "weights", "factors",
    "factor_values", "screen", "effects", "course", "course_log", "levels", "level_of", "merged", "offers", "years",
    "n_active", "active", "switches", "chances", "previous", "counters", "margins",
)  # fmt: skip

Ids = NDArray[np.uint64]


CHUNK_BLOCKS = 8
"""Blocks that a chunk may hold persons of: each has a ledger of its own while the chunk is lived."""


@dataclass
class Tally:
    """What one call of the kernel counted, for the persons of one chunk."""

    blocks: NDArray[np.int64]
    """The blocks whose persons it holds."""
    counts: NDArray[np.int64]
    """(blocks, steps + 1, cells)"""
    deliveries: NDArray[np.int64]
    """(blocks, steps + 1, interventions of the plan, counts)"""
    offered: NDArray[np.int64]
    """The same of the watched offers of the plan."""
    persons: NDArray[np.int64]
    """Persons, by block."""
    lived: int

    def add_to(self, ledger: Ledger) -> None:
        """Add the counts to a ledger."""
        ledger.counts[self.blocks] += self.counts
        ledger.deliveries[self.blocks] += self.deliveries
        ledger.persons[self.blocks] += self.persons


def simulate(
    plan: Plan | Scenario,
    *,
    seed: int = 1,
    replicate: int = 0,
    threads: int = 1,
    chunk: int = CHUNK,
    ids: Ids | None = None,
    in_full: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Outcome:
    """Live every arm of a plan and return the integer ledgers.

    The baseline is lived by everyone; an arm by those it reaches, whose baseline life is counted again beside it
    (arm = baseline - R0 + R1). `in_full` lives every arm by everyone: the oracle, with the same ledgers. `ids`
    are the persons, by default all of the cohort. `progress` is told the share done. Raises ScenarioError for
    settings out of range.
    """
    if isinstance(plan, Scenario):
        plan = bind(plan)
    if not 0 <= seed < 2**64:
        raise ScenarioError(f"the seed must be 0 to 2^64 - 1, not {seed}")
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value < 1:
            raise ScenarioError(f"{name} must be 1 or more, not {value}")
    started = time.perf_counter()
    persons = all_ids(plan) if ids is None else np.asarray(ids, dtype=np.uint64)
    lives = _Lives(plan, np.uint64(philox_key(seed, replicate)), threads, chunk, progress)
    outcome = Outcome(plan, seed, replicate, empty_ledger(plan))
    plan.make_tables()  # before threads share them
    offered = _no_deliveries(plan, len(plan.watched))
    reached = lives.live(plan.watching, persons, outcome.baseline, offered, part=(0.0, 0.6))
    for bit, arm in enumerate(plan.compared):
        part = 0.6 + 0.4 * bit / len(plan.compared), 0.6 + 0.4 * (bit + 1) / len(plan.compared)
        hit = reached >> np.uint64(bit) & np.uint64(1) == 1
        in_arm, in_baseline = empty_ledger(plan), empty_ledger(plan)
        refused = _no_deliveries(plan, len(plan.interventions))
        if in_full or arm in plan.changed:
            enrolled = lives.live(plan.programs[arm], persons, in_arm, part=part)
            in_baseline = outcome.baseline
            if arm in plan.changed:  # lives differ from birth, so the baseline's cannot say who enrols
                hit = enrolled != 0
        else:
            lives.live(plan.programs[arm], persons[hit], in_arm, part=part)
            again = _no_deliveries(plan, len(plan.watched))
            lives.live(plan.watching, persons[hit], in_baseline, again, part=part)
            _add_refused(plan, bit, offered - again, refused)
        by_block = np.bincount(block_of(plan, persons[hit]), minlength=plan.scenario.cohort.blocks)
        outcome.reached[arm] = persons[hit]
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
        ids: Ids,
        ledger: Ledger,
        offered: NDArray[np.int64] | None = None,
        *,
        part: tuple[float, float] = (0.0, 1.0),
    ) -> NDArray[np.uint64]:
        """Live these persons under a program; return, a bit an arm, whom its offers reach.

        offered: what the watched offers are added to; part: from which share of all the work to which this is.
        """
        reached = np.zeros(len(ids), dtype=np.uint64)
        lock = Lock()

        def one(members: NDArray[np.int64]) -> int:
            some = ids[members]
            tally, hit = run_program(self.plan, program, some, born(self.plan, some, self.key), self.key)
            with lock:
                tally.add_to(ledger)
                if offered is not None:
                    offered[tally.blocks] += tally.offered
                reached[members] = hit
                self.lived += tally.lived
            return len(members)

        done = 0
        with ThreadPoolExecutor(self.threads) as pool:
            for number in pool.map(one, chunks(block_of(self.plan, ids), self.chunk)):
                done += number
                if self.progress is not None:
                    self.progress(part[0] + (part[1] - part[0]) * done / len(ids))
        return reached


def _no_deliveries(plan: Plan, offers: int) -> NDArray[np.int64]:
    return np.zeros((plan.scenario.cohort.blocks, plan.scenario.horizon + 1, offers, 4), dtype=np.int64)


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


def relive(plan: Plan, program: Program, ids: Ids, *, seed: int, replicate: int, threads: int = 1) -> Ledger:
    """Live some persons under one program and return their ledger: the reached, under other effects."""
    ledger = empty_ledger(plan)
    _Lives(plan, np.uint64(philox_key(seed, replicate)), threads, CHUNK).live(program, ids, ledger)
    return ledger


def all_ids(plan: Plan) -> Ids:
    """Return the identities of everyone in the cohort, copy by copy."""
    cohort = plan.scenario.cohort
    first = np.array([person_id(cohort.born, copy, 0) for copy in range(cohort.copies)], dtype=np.uint64)
    return (first[:, None] + np.arange(cohort.represents, dtype=np.uint64)[None, :]).ravel()


def block_of(plan: Plan, ids: Ids) -> NDArray[np.int64]:
    """Return the block of the ledger that each person is counted in: the copy, or its group of copies."""
    copy = (ids >> np.uint64(24) & np.uint64(0xFFFF)).astype(np.int64)
    return copy * plan.scenario.cohort.blocks // plan.scenario.cohort.copies


def chunks(blocks: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """Return the places of the persons of each chunk: at most so many, of at most CHUNK_BLOCKS blocks."""
    order = np.argsort(blocks, kind="stable")
    number = np.cumsum(np.diff(blocks[order], prepend=blocks[order[:1]]) != 0) // CHUNK_BLOCKS
    pieces = []
    for members in np.split(order, np.flatnonzero(np.diff(number)) + 1):
        pieces += [members[k : k + most] for k in range(0, len(members), most)]
    return pieces


def born(plan: Plan, ids: Ids, key: int | np.uint64) -> NDArray[np.uint8]:
    """Return the columns of the newborn: (columns, persons) uint8, `previous_` values as the initial ones."""
    model = plan.scenario.model
    cols = np.zeros((plan.layout.size, len(ids)), dtype=np.uint8)
    drawn = plan.scenario.population.draw(ids, key, model.columns, plan.birth_thresholds)
    for name, codes in drawn.items():
        cols[plan.layout.row(name)] = codes
    for name, code in plan.start_codes.items():
        cols[plan.layout.row(name)] = code
    for name, row in plan.layout.rows.items():
        if name.startswith("previous_"):
            cols[row] = cols[plan.layout.row(name.removeprefix("previous_"))]
    return cols


def run_program(
    plan: Plan,
    program: Program,
    ids: Ids,
    cols: NDArray[np.uint8],
    key: int | np.uint64,
    history: NDArray[np.uint8] | None = None,
) -> tuple[Tally, NDArray[np.uint64]]:
    """Live some persons under one program; return the tally and, a bit an arm, whom watched offers would reach.

    history: (steps + 1, columns, persons) uint8, filled with every life; age 255 = not alive.
    """
    steps = plan.scenario.horizon
    blocks, block = np.unique(block_of(plan, ids), return_inverse=True)
    cells = sum(margin.cells for margin in plan.margins)
    ledger = np.zeros((len(blocks), steps + 1, cells), dtype=np.int64)
    made = np.zeros((len(blocks), steps + 1, len(program.offers), 4), dtype=np.int64)
    reached = np.zeros(len(ids), dtype=np.uint64)
    if history is None:
        history = np.zeros((0, 0, 0), dtype=np.uint8)
    arguments: list[Any] = [program.arrays[name] for name in _ARGUMENTS]
    lived = live(
        ids.copy(),
        block.astype(np.int64),
        cols.copy(),
        0,
        steps,
        np.uint64(key),  # a plain integer beyond 2^63 would not fit the type of a smaller one
        *arguments,
        ledger,
        made,
        reached,
        history,
    )
    deliveries = np.zeros((len(blocks), steps + 1, len(plan.interventions), 4), dtype=np.int64)
    for offer in range(program.arrays["n_active"]):
        deliveries[:, :, plan.interventions.index(program.offers[offer])] = made[:, :, offer]
    offered = made[:, :, program.arrays["n_active"] :]
    persons = np.bincount(block, minlength=len(blocks))
    return Tally(blocks, ledger, deliveries, offered, persons, int(lived)), reached


def empty_ledger(plan: Plan) -> Ledger:
    """Return a ledger of zeros for everyone in the plan."""
    return Ledger.empty(plan.margins, plan.scenario.cohort.blocks, plan.scenario.horizon, len(plan.interventions))
