"""Screening tables: a bound on every chance by age, state and a few columns, so that most are dismissed unlooked at.

Layer 4: knows domains and columns; no intervention, because who carries an effect is always looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.chances import sizes_of
from sim.tables import Column

SCREEN_CELLS = 2048
"""The most cells of a domain's screening table at one age: it should stay in the first-level cache."""

AGES_LOOKED_AT = 8
"""How many ages of a transition are looked at when columns are chosen: chances change little from year to year."""

NEVER_BELOW = 1 + 1e-9
"""What a product of chances is raised by, so that rounding never hides a candidate."""


_chosen_before: dict[tuple[Any, ...], tuple[str, ...]] = {}
"""Columns by what transitions read and when: with other parameters the same ones still serve, and any are right."""


@dataclass(frozen=True)
class Bounded:
    """What a screen has to know of one transition."""

    ages: tuple[int, int]
    """Closed window in which it is open."""
    columns: Sequence[Column]
    """What its table reads, age first."""
    table_ages: tuple[int, int]
    """Closed window of its table, which may be longer."""
    limits: NDArray[np.uint32]
    """Its threshold in each cell of `columns`, 2^32 - 1 where it is certain."""
    further: Sequence[tuple[Sequence[Column], NDArray[np.float32]]] = field(default_factory=tuple)
    """Columns and values of its factors, from the first of `ages`, which the limits do not hold."""


@dataclass(frozen=True)
class Screen:
    """The screening table of a domain: bounds by lane and cell of a few columns."""

    columns: tuple[Column, ...]
    """Age first."""
    ages: tuple[int, int]
    limits: NDArray[np.uint32]
    """(lanes, sizes of columns…)"""


def screen_of(opened: Sequence[Sequence[Bounded]], age: Column, state: Column | None, ages: tuple[int, int]) -> Screen:
    """Choose the columns of a domain's screening cell, those that tighten its bounds most, and fill the bounds.

    opened: transitions out of each state, by the code of the state; age, state: their columns, no state for death;
    ages: closed window in which some transition is open.
    """
    every = [_Cut.of(one, state, code, lane) for code, ones in enumerate(opened) for lane, one in enumerate(ones)]
    if not every:
        return Screen((), (0, 0), np.zeros((1, 1), dtype=np.uint32))
    columns = [age, *([] if state is None else [state])]
    rest = {c.name: c for one in every for over, _ in one.tables for c in over if c not in columns}
    cells = math.prod(c.size for c in columns[1:])
    structure = (cells, *((one.code, one.lane, one.ages, *(over for over, _ in one.tables)) for one in every))
    if structure not in _chosen_before:
        _chosen_before[structure] = tuple(c.name for c in _chosen(every, list(rest.values()), cells))
    columns += [rest[name] for name in _chosen_before[structure]]
    limits = np.zeros([max(len(ones) for ones in opened), *sizes_of(columns, ages)], dtype=np.uint32)
    for one in every:
        place: list[Any] = [slice(None)] * len(columns)
        place[0] = slice(one.ages[0] - ages[0], one.ages[1] - ages[0] + 1)
        if state is not None:
            place[1] = one.code
        limits[(one.lane, *place)] = one.bounds([c.name for c in columns if c is not state])
    return Screen(tuple(columns), ages, limits)


def _chosen(every: Sequence[_Cut], rest: list[Column], cells: int) -> list[Column]:
    """Return which of the columns `rest` a screen of so many cells an age is split by, the most tightening first."""
    rough = [one.thinned() for one in every]
    names = ["age"]
    means = [one.mean(names) for one in rough]
    chosen: list[Column] = []
    while rest:
        if cells * math.prod(c.size for c in rest) <= SCREEN_CELLS:
            return chosen + rest
        fits = [c for c in rest if cells * c.size <= SCREEN_CELLS]
        if not fits:
            break
        tried = {
            c.name: [
                one.mean([*names, c.name]) if c.name in one.reads else mean
                for one, mean in zip(rough, means, strict=True)
            ]
            for c in fits
        }
        best = min(fits, key=lambda c: sum(tried[c.name]))
        means = tried[best.name]
        names.append(best.name)
        chosen.append(best)
        rest.remove(best)
        cells *= best.size
    return chosen


@dataclass(frozen=True)
class _Cut:
    """One transition's tables, cut to its own state and ages."""

    code: int
    lane: int
    ages: tuple[int, int]
    tables: tuple[tuple[tuple[Column, ...], NDArray[Any]], ...]
    """Columns and values of its limits, then of its factors."""
    reads: frozenset[str]

    @classmethod
    def of(cls, one: Bounded, state: Column | None, code: int, lane: int) -> _Cut:
        """Return what a transition says about the state with this code and about no other."""
        tables = []
        for over, values, first in [
            (one.columns, one.limits, one.table_ages[0]),
            *((over, values, one.ages[0]) for over, values in one.further),
        ]:
            place = tuple(
                slice(one.ages[0] - first, one.ages[1] - first + 1)
                if c.name == "age"
                else code
                if c == state
                else slice(None)
                for c in over
            )
            tables.append((tuple(c for c in over if c != state), values[place]))
        return cls(code, lane, one.ages, tuple(tables), frozenset(c.name for over, _ in tables for c in over))

    def thinned(self) -> _Cut:
        """Return the transition at a few of its ages."""
        step = -(-(self.ages[1] - self.ages[0] + 1) // AGES_LOOKED_AT)
        tables = tuple((over, v[::step] if over and over[0].name == "age" else v) for over, v in self.tables)
        return _Cut(self.code, self.lane, self.ages, tables, self.reads)

    def mean(self, names: Iterable[str]) -> float:
        """Return the mean of its bounds by columns of these names, once for each year in which it is open."""
        bounds = self.bounds([name for name in names if name in self.reads])
        return float(np.add.reduce(bounds, axis=None, dtype=float)) / bounds.size * (self.ages[1] - self.ages[0] + 1)

    def bounds(self, names: Sequence[str]) -> NDArray[np.uint32]:
        """Return its largest threshold by columns of these names: an axis each, of length 1 if it does not matter."""
        limits, *ratios = [_largest(over, values, names) for over, values in self.tables]
        if not ratios:
            return limits
        ratio = math.prod(one.astype(float) for one in ratios)
        chance = -np.expm1(np.log1p(-np.minimum(limits / 2.0**32, 1.0)) * ratio * NEVER_BELOW)
        whole = np.minimum(np.ceil(chance * 2.0**32), 2.0**32 - 2)
        return np.where(chance >= 1.0, 2.0**32 - 1, whole).astype(np.uint32)


def _largest(over: Sequence[Column], values: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """Return the largest values by columns of these names: an axis each, of length 1 where `over` does not hold it."""
    held = [c.name for c in over]
    for name in [name for name in held if name not in names]:  # one by one from the outermost: whole runs at a time
        values = np.maximum.reduce(values, axis=held.index(name))
        held.remove(name)
    order = [held.index(name) for name in names if name in held]
    values = values.transpose(order)
    sizes = iter(values.shape)
    return values.reshape([next(sizes) if name in held else 1 for name in names])
