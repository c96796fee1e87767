"""Some persons of one age who are lived together, one step or many at a time, and what is counted of them. Layer 7."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.errors import ScenarioError
from sim.kernels.count import MOST_REPLICATED, REPLICAS, count_margins
from sim.kernels.enrol import CARRIES, DELIVERED
from sim.kernels.groups import take_group_values
from sim.kernels.live import live
from sim.kernels.screen import SLICE
from sim.kernels.year import begin_year
from sim.ledger import COUNTED, Ledger
from sim.persons import NOT_ALIVE, Ids, Persons, born, class_of, persons_of
from sim.plan import Plan
from sim.program import Program

ByteArray = NDArray[np.uint8]

NOT_IN_LINE = -1
"""The step since which one waits, of those who do not."""

_PROGRAM = (
    "domains", "streams", "state_moves", "moves", "tables", "reads", "thresholds", "weights", "factors",
    "factor_values", "screen", "tops", "effects", "course", "course_log", "levels", "level_of", "merged", "offers",
    "years", "n_active", "active", "switches", "chances", "previous", "counters", "margins",
    "groups", "cuts",
)  # fmt: skip


@dataclass
class Tally:
    """What is counted of the persons of one chunk."""

    blocks: NDArray[np.int64]
    """The blocks whose persons it holds."""
    counts: NDArray[np.int32]
    """(blocks, rows, cells)"""
    deliveries: NDArray[np.int64]
    """(blocks, rows, offers of the program, counts)"""
    persons: NDArray[np.int64]
    """Persons at the start, by block."""

    @classmethod
    def within(cls, ledger: Ledger, program: Program) -> Tally:
        """Return what counts straight into a ledger, but for the offers, which `add_deliveries` adds."""
        blocks, rows, _ = ledger.counts.shape
        deliveries = np.zeros((blocks, rows, len(program.offers), at.DELIVERY_COUNTS), dtype=np.int64)
        return cls(np.arange(blocks), ledger.counts, deliveries, ledger.persons)

    def of(self, blocks: NDArray[np.int64]) -> Tally:
        """Return the part of some neighbouring blocks, which counts into this tally."""
        here = slice(blocks[0], blocks[-1] + 1)
        return Tally(blocks, self.counts[here], self.deliveries[here], self.persons[here])

    def add(self, other: Tally) -> None:
        """Add the counts of a tally of the same blocks."""
        for mine, its in (
            (self.counts, other.counts),
            (self.deliveries, other.deliveries),
            (self.persons, other.persons),
        ):
            mine += its

    def add_to(self, ledger: Ledger, plan: Plan, program: Program) -> None:
        """Add the counts to a ledger, each offer to its intervention."""
        ledger.counts[self.blocks] += self.counts
        ledger.persons[self.blocks] += self.persons
        self.add_deliveries(ledger, plan, program)

    def add_deliveries(self, ledger: Ledger, plan: Plan, program: Program) -> None:
        """Add what was counted of the offers that are made to a ledger, each to its intervention."""
        for offer in range(program.arrays["n_active"]):
            place = plan.interventions.index(program.offers[offer])
            ledger.deliveries[self.blocks, :, place] += self.deliveries[:, :, offer]

    def offered(self, program: Program) -> NDArray[np.int64]:
        """Return the counts of the offers that are only watched."""
        return self.deliveries[:, :, program.arrays["n_active"] :]


class Chunk:
    """Persons of one age: a column a row, everyone a place in it, the living first.

    The last of the living takes the place of one who dies; `origin` says at which place each one began.
    """

    def __init__(
        self,
        plan: Plan,
        program: Program,
        persons: Persons,
        key: int | np.uint64,
        cols: ByteArray | None = None,
        *,
        birth: int = 0,
    ) -> None:
        """cols: (columns, persons), their values at the start, by default as they are born; birth: the step in which
        they are 0 years old, which comes next.
        """
        n = len(persons)
        self.plan, self.program, self.key = plan, program, np.uint64(key)
        self.birth = self.step = birth
        self.alive = n
        self.ids, self.families = persons.ids.copy(), persons.families.copy()
        self.origin = np.arange(n)
        first = persons.blocks.min(initial=np.iinfo(np.int64).max) if n else 0
        self.held = np.arange(first, persons.blocks.max(initial=first) + 1)
        """The neighbouring blocks that its persons are counted in."""
        self.block = persons.blocks - first
        self.cols = born(plan, persons.ids, key, persons.families) if cols is None else cols.copy()
        self.standing, self.start, self.delivered = np.zeros((3, len(program.offers), n), dtype=np.uint8)
        self.reached = np.zeros(n, dtype=np.uint64)
        """A bit an arm, by the place at the start: whom it reaches."""
        self.since = np.full((len(program.offers), n), NOT_IN_LINE, dtype=np.int16)
        """The step since which each one waits for a place in every offer, by the place at the start."""
        self.classes = np.unique(class_of(plan, persons.ids), return_inverse=True)[1]
        """The class of each, by the place at the start; nobody's where there are none."""
        self._room = _room(plan, program, n, int(self.classes.max(initial=-1)) + 1)

    @property
    def _courses(self) -> tuple[ByteArray, ByteArray, ByteArray]:
        """Where each one stands with every offer: (offers, persons) each."""
        return self.standing, self.start, self.delivered

    def tally(self, rows: int) -> Tally:
        """Return counts of these persons with so many rows, the first of which holds them as they now are."""
        tally = self.room_to_count(rows)
        self.count(tally, 0)
        return tally

    def room_to_count(self, rows: int) -> Tally:
        """Return counts of nothing yet, with so many rows."""
        blocks = len(self.held)
        counts = np.zeros((blocks, rows, sum(margin.cells for margin in self.plan.margins)), dtype=COUNTED)
        deliveries = np.zeros((blocks, rows, len(self.program.offers), at.DELIVERY_COUNTS), dtype=np.int64)
        return Tally(self.held, counts, deliveries, np.zeros(blocks, dtype=np.int64))

    def count(self, tally: Tally, row: int) -> None:
        """Count these persons as they now are in a row of a tally, and how many they are."""
        arrays, room = self.program.arrays, self._room
        tally.persons += np.bincount(self.block[: self.alive], minlength=len(self.held))
        count_margins(
            self.alive, self.cols, arrays["margins"], arrays["reads"], tally.counts, row, self.block,
            room["margin_cells"], room["replicas"],
        )  # fmt: skip

    def some(self, which: NDArray[Any], program: Program) -> Chunk:
        """Return a copy of the living at some places, who live on under a program from where they now stand.

        Offers of the same name go on; raises ScenarioError where one in delivery is not made by the program, or where
        classmates part.
        """
        living = which[: self.alive] if which.dtype == bool else which
        classes = self.classes[self.origin[: self.alive]] if len(self.classes) else self.classes
        if len(classes) and (parted := set(classes[living]) & set(np.delete(classes, np.arange(self.alive)[living]))):
            raise ScenarioError(f"a class is lived as a whole, and {len(parted)} would be parted")
        persons = Persons(self.ids[: self.alive], self.families[: self.alive], self.held[self.block[: self.alive]])
        other = Chunk(self.plan, program, persons.some(living), self.key, self.cols[:, : self.alive][:, living])
        other.birth, other.step = self.birth, self.step
        origin = self.origin[: self.alive][living]
        for place, name in enumerate(self.program.offers[: self.program.arrays["n_active"]]):
            if name in program.offers:
                for mine, its in zip(self._courses, other._courses, strict=True):
                    its[program.offers.index(name)] = mine[place, : self.alive][living]
                other.since[program.offers.index(name)] = self.since[place, origin]
            elif (self.standing[place, : self.alive][living] != 0).any():
                raise ScenarioError(f"'{name}' has begun and cannot go on: the arm does not know it")
        return other

    def begin(self) -> None:
        """Set what a step begins with, before offers are made: ages, `previous_` and group values.

        To do so twice is no harm.
        """
        arrays, room, age = self.program.arrays, self._room, self.step - self.birth
        begin_year(self.alive, age, self.cols, arrays["previous"])
        take_group_values(
            self.alive, age, self.origin, self.classes, self.cols, arrays["groups"], arrays["cuts"], arrays["tables"],
            arrays["reads"], arrays["switches"], room["margin_cells"], room["members"], room["meeting"],
        )  # fmt: skip

    def live(self, until: int, tally: Tally, row: int) -> None:
        """Live up to, not through, a step, counting from a row on.

        Offers with so many places a year are not made here: everyone in line has to be there (`sim.in_step`).
        """
        arrays = self.program.arrays
        self.alive = live(
            self.alive, self.step, until, self.birth, row, self.key, self.ids, self.families, self.origin, self.block,
            self.cols, self.standing, self.start, self.delivered, self.reached, *(arrays[name] for name in _PROGRAM),
            tally.counts, tally.deliveries, self.classes, *self._room.values(),
        )  # fmt: skip
        self.step = until

    def live_marked(self, until: int, tally: Tally, row: int, marks: NDArray[np.uint64]) -> None:
        """Live as `live` does, and add every year of each life to its marks: equal marks are equal lives.

        marks: (2, persons) by the place at the start: of the life, and of that alone which gives a place in an offer,
        and when. A life is what changes in it, and which offers of the arm it has a place in during a step, the step
        of death included. The marks of two lives that differ are equal with a chance of about 2^-64.
        """
        lives, places = marks
        while self.step < until:
            before = self.alive
            self.live(self.step + 1, tally, row)
            row += 1
            mark = np.full(self.alive, _weight("alive", self.step))
            for name in self.plan.scenario.model.changing:
                mark += _weight(name, self.step) * self.cols[self.plan.layout.row(name), : self.alive]
            lives[self.origin[: self.alive]] += mark
            for place, name in enumerate(self.program.offers[: self.program.arrays["n_active"]]):
                standing, years = self.standing[place, :before], self.delivered[place, :before]
                has = (standing == DELIVERED) | (standing == CARRIES)
                is_new = has & (self.start[place, :before] == self.step - 1)
                so_far = np.where(has, standing + np.uint64(at.STANDINGS) * years, 0)
                lives[self.origin[:before]] += _weight(f"offer {name}", self.step) * so_far
                places[self.origin[:before]] += _weight(f"place {name}", self.step) * is_new


@cache
def _weight(name: str, step: int) -> np.uint64:
    """Return an odd number that a column or offer is known by in the mark of a life, after a step."""
    return np.uint64(int.from_bytes(blake2b(f"{step} {name}".encode(), digest_size=8).digest(), "little") | 1)


def _room(plan: Plan, program: Program, n: int, classes: int) -> dict[str, NDArray[Any]]:
    """Return the arrays that the kernels work in, in the order in which `live` takes them."""
    domains = program.arrays["domains"]
    most_blocks = max(1, domains[:, at.BLOCKS].max(initial=1))
    eighths = (n + 7) // 8 * 8  # flags are looked through eight at a time
    return {
        "members": np.zeros(classes, dtype=np.int64),
        "meeting": np.zeros(classes, dtype=np.int64),
        "acting": np.zeros(n if program.arrays["n_active"] else 0, dtype=np.uint64),
        "moved": np.empty((len(domains), n), dtype=np.int64),
        "n_moved": np.zeros(len(domains), dtype=np.int64),
        "cells": np.empty(n, dtype=np.uint16),
        "margin_cells": np.empty(n, dtype=np.uint32),
        "limits": np.empty(n, dtype=np.uint32),
        "least": np.empty(n, dtype=np.uint32),
        "flags": np.zeros(eighths, dtype=np.uint8),
        "candidates": np.empty(eighths, dtype=np.int64),
        "winners": np.empty(eighths, dtype=np.int64),
        "some_ids": np.empty(n, dtype=np.uint64),
        "slice_draws": np.empty((at.LANES, SLICE), dtype=np.uint32),
        "draws": np.empty((at.LANES * most_blocks, n), dtype=np.uint32),
        "replicas": np.zeros(REPLICAS * (MOST_REPLICATED + 1), dtype=np.int64),
    }


def lived_through(chunk: Chunk) -> tuple[Tally, NDArray[np.uint8]]:
    """Live a chunk of newborn through the horizon; return the tally and every life.

    The lives are (steps + 1, columns, persons): row 0 at birth, row t + 1 after step t, NOT_ALIVE after death. Raises
    ScenarioError where places are few, as everyone of a copy has to be there then.
    """
    for place in chunk.program.queued:
        name = chunk.program.offers[place]
        raise ScenarioError(f"'{name}' has few places a year: who gets one depends on everyone else in the copy")
    steps = chunk.plan.scenario.horizon
    history = np.full((steps + 1, *chunk.cols.shape), NOT_ALIVE, dtype=np.uint8)
    history[0] = chunk.cols
    tally = chunk.tally(steps + 1)
    for row in range(1, steps + 1):
        chunk.live(chunk.step + 1, tally, row)
        history[row][:, chunk.origin[: chunk.alive]] = chunk.cols[:, : chunk.alive]
    return tally, history


def history_of(
    plan: Plan, program: Program, ids: Ids, key: int | np.uint64, families: Ids | None = None
) -> NDArray[np.uint8]:
    """Return the lives of some persons under one program: (steps + 1, columns, persons), as of `lived_through`."""
    return lived_through(Chunk(plan, program, persons_of(plan, ids, families, key), key))[1]
