"""The engine: lives a plan chunk by chunk on threads and fills the integer ledgers. Layer 7; knows no money."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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

CHUNK = 4096
"""Persons that are lived together: their columns and draws stay in the second-level cache."""

_ARGUMENTS = (
    "domains", "streams", "state_moves", "moves", "tables", "reads", "thresholds", "weights", "factors",
    "factor_values", "screen", "effects", "course", "course_log", "levels", "level_of", "merged", "offers", "years", "n_active",
    "active", "switches", "chances", "previous", "counters", "margins",
)  # fmt: skip

Ids = NDArray[np.uint64]


@dataclass
class Tally:
    """What one call of the kernel counted, for the persons of one chunk."""

    counts: NDArray[np.int64]
    """(steps + 1, cells)"""
    deliveries: NDArray[np.int64]
    """(steps + 1, interventions of the plan, counts)"""
    persons: int
    lived: int


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
    key = philox_key(seed, replicate)
    outcome = _empty(plan, seed, replicate)
    plan.make_tables()  # before threads share them
    chunks = _chunks(persons, chunk)
    lock = Lock()
    done = 0

    def one(piece: tuple[int, Ids]) -> None:
        nonlocal done
        copy, some = piece
        tallies = _live_chunk(plan, some, key, in_full)
        with lock:
            _add(outcome, copy, tallies)
            done += len(some)
            if progress is not None:
                progress(done / len(persons))

    if threads == 1:
        for piece in chunks:
            one(piece)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _finished in pool.map(one, chunks):
                pass
    outcome.seconds = time.perf_counter() - started
    return outcome


def all_ids(plan: Plan) -> Ids:
    """Return the identities of everyone in the cohort, copy by copy."""
    cohort = plan.scenario.cohort
    first = np.array([person_id(cohort.born, copy, 0) for copy in range(cohort.copies)], dtype=np.uint64)
    return (first[:, None] + np.arange(cohort.represents, dtype=np.uint64)[None, :]).ravel()


def copy_of(ids: Ids) -> NDArray[np.int64]:
    """Return the copy that each person belongs to."""
    return (ids >> np.uint64(24) & np.uint64(0xFFFF)).astype(np.int64)


def born(plan: Plan, ids: Ids, key: int) -> NDArray[np.uint8]:
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
    plan: Plan, program: Program, ids: Ids, cols: NDArray[np.uint8], key: int, history: NDArray[np.uint8] | None = None
) -> tuple[Tally, NDArray[np.uint64]]:
    """Live some persons of one copy under one program; return the tally and, a bit an arm, whom offers would reach."""
    steps = plan.scenario.horizon
    cells = sum(margin.cells for margin in plan.margins)
    ledger = np.zeros((steps + 1, cells), dtype=np.int64)
    made = np.zeros((steps + 1, len(program.offers), 4), dtype=np.int64)
    reached = np.zeros(len(ids), dtype=np.uint64)
    if history is None:
        history = np.zeros((0, 0, 0), dtype=np.uint8)
    arguments: list[Any] = [program.arrays[name] for name in _ARGUMENTS]
    lived = live(ids.copy(), cols.copy(), 0, steps, key, *arguments, ledger, made, reached, history)
    deliveries = np.zeros((steps + 1, len(plan.interventions), 4), dtype=np.int64)
    for offer in range(program.arrays["n_active"]):
        deliveries[:, plan.interventions.index(program.offers[offer])] = made[:, offer]
    return Tally(ledger, deliveries, len(ids), int(lived)), reached


def _live_chunk(plan: Plan, ids: Ids, key: int, in_full: bool) -> dict[str, tuple[Tally, Tally | None, Ids]]:
    """Return by arm (life in the arm, baseline life of the same persons, the reached)."""
    cols = born(plan, ids, key)
    baseline, reached = run_program(plan, plan.watching, ids, cols, key)
    result: dict[str, tuple[Tally, Tally | None, Ids]] = {BASELINE: (baseline, None, ids[:0])}
    for bit, arm in enumerate(plan.compared):
        hit = (reached >> np.uint64(bit) & np.uint64(1)).astype(bool)
        everyone = in_full or arm in plan.changed
        some = np.ones(len(ids), dtype=bool) if everyone else hit
        if not some.any():
            continue
        there, _ = run_program(plan, plan.programs[arm], ids[some], cols[:, some], key)
        here = baseline if everyone else run_program(plan, plan.programs[BASELINE], ids[some], cols[:, some], key)[0]
        result[arm] = (there, here, ids[hit])
    return result


def _chunks(ids: Ids, chunk: int) -> list[tuple[int, Ids]]:
    """Return (copy, persons) pieces: a chunk holds persons of one copy, in the order in which they are given."""
    copies = copy_of(ids)
    order = np.argsort(copies, kind="stable")
    bounds = np.flatnonzero(np.diff(copies[order])) + 1
    pieces = []
    for members in np.split(order, bounds):
        if len(members):
            copy = int(copies[members[0]])
            pieces += [(copy, ids[members[k : k + chunk]]) for k in range(0, len(members), chunk)]
    return pieces


def _empty(plan: Plan, seed: int, replicate: int) -> Outcome:
    copies, steps = plan.scenario.cohort.copies, plan.scenario.horizon

    def ledger() -> Ledger:
        return Ledger.empty(plan.margins, copies, steps, len(plan.interventions))

    arms = {name: ArmCounts(ledger(), ledger(), np.zeros(copies, dtype=np.int64)) for name in plan.compared}
    return Outcome(plan, seed, replicate, ledger(), arms)


def _add(outcome: Outcome, copy: int, tallies: dict[str, tuple[Tally, Tally | None, Ids]]) -> None:
    for arm, (there, here, reached) in tallies.items():
        if arm == BASELINE:
            _add_tally(outcome.baseline, copy, there)
            outcome.person_years += there.lived
            continue
        counts = outcome.arms[arm]
        counts.participants[copy] += len(reached)
        outcome.reached[arm] = np.concatenate([outcome.reached.get(arm, reached[:0]), reached])
        _add_tally(counts.in_arm, copy, there)
        outcome.person_years += there.lived
        if here is not None:
            _add_tally(counts.in_baseline, copy, here)


def _add_tally(ledger: Ledger, copy: int, tally: Tally) -> None:
    ledger.counts[copy] += tally.counts
    ledger.deliveries[copy] += tally.deliveries
    ledger.persons[copy] += tally.persons


def check_ids(ids: Sequence[int]) -> Ids:
    """Return identities as an array; raises ScenarioError where one occurs twice."""
    array = np.asarray(ids, dtype=np.uint64)
    if len(np.unique(array)) != len(array):
        raise ScenarioError("a person occurs twice")
    return array
