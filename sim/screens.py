"""Screening tables: a bound on every chance by age, state and a few columns, so that most are dismissed unlooked at.

Layer 4: knows domains and columns; no intervention, because who carries an effect is always looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.chances import sizes_of
from sim.tables import Column

SCREEN_CELLS = 2048
"""The most cells of a domain's screening table at one age: it should stay in the first-level cache."""


@dataclass(frozen=True)
class Bounded:
    """What a screen has to know of one transition."""

    ages: tuple[int, int]
    """Closed window in which it is open."""
    columns: Sequence[Column]
    """What its table reads, age first."""
    table_ages: tuple[int, int]
    """Closed window of its table, which may be longer."""
    bounds: NDArray[np.float64]
    """Largest chance in each cell of `columns` (certain cells 1)."""
    further: Sequence[tuple[Sequence[Column], NDArray[np.float32]]] = field(default_factory=tuple)
    """Columns and values of its factors, which the bounds do not hold."""


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
    every = [one for ones in opened for one in ones]
    if not every:
        return Screen((), (0, 0), np.zeros((1, 1), dtype=np.uint32))
    columns = [age, *([] if state is None else [state])]
    read = [c for one in every for c in (*one.columns, *(c for over, _ in one.further for c in over))]
    rest = list(dict.fromkeys(c for c in read if c not in columns))
    while rest:
        if math.prod(c.size for c in columns[1:] + rest) <= SCREEN_CELLS:
            columns += rest
            break
        fits = [c for c in rest if math.prod(x.size for x in columns[1:]) * c.size <= SCREEN_CELLS]
        if not fits:
            break
        best = min(fits, key=lambda c: bounds_of(opened, [*columns, c], state, ages).mean())
        columns.append(best)
        rest.remove(best)
    bounds = bounds_of(opened, columns, state, ages)
    whole = np.minimum(np.ceil(bounds * 2.0**32), 2.0**32 - 2)
    return Screen(tuple(columns), ages, np.where(bounds >= 1.0, 2.0**32 - 1, whole).astype(np.uint32))


def bounds_of(
    opened: Sequence[Sequence[Bounded]], columns: Sequence[Column], state: Column | None, ages: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the largest chance by lane and screening cell: (lanes, sizes of columns…), age and state first."""
    bounds = np.zeros([max(len(ones) for ones in opened), *sizes_of(columns, ages)])
    for code, ones in enumerate(opened):
        for lane, one in enumerate(ones):
            grid = spread(one.columns, one.bounds, one.table_ages[0], one.ages, columns, state, code)
            if one.further:  # slightly more than the product, so that rounding never hides a candidate
                ratio = math.prod(
                    spread(over, values.astype(float), one.ages[0], one.ages, columns, state, code)
                    for over, values in one.further
                )
                grid = -np.expm1(np.log1p(-grid) * ratio * (1 + 1e-9))
            place: list[Any] = [slice(None)] * len(columns)
            place[0] = slice(one.ages[0] - ages[0], one.ages[1] - ages[0] + 1)
            if state is not None:
                place[columns.index(state)] = slice(code, code + 1)
            target = bounds[(lane, *place)]
            np.maximum(target, grid, out=target)
    return bounds


def spread(
    over: Sequence[Column], values: NDArray[Any], first: int, ages: tuple[int, int],
    columns: Sequence[Column], state: Column | None, code: int,
) -> Any:  # fmt: skip
    """Return the largest values over the screen's columns, those of the transition's own ages and state.

    over, values: what a table reads, and its cells, from age `first`. What comes back has an axis for each of
    `columns`, of length 1 where the table does not read it or where `state` is fixed at `code`.
    """
    gone = tuple(k for k, c in enumerate(over) if c not in columns)
    kept = [c for c in over if c in columns]
    grid = values.max(axis=gone) if gone else values
    if kept and kept[0].name == "age":
        grid = grid[ages[0] - first : ages[1] - first + 1]
    if state in kept:  # the rule reads the state itself: it says nothing about the other states
        grid = np.take(grid, [code], axis=kept.index(state))
    order = [c for c in columns if c in kept]
    grid = np.transpose(grid, [kept.index(c) for c in order])
    return grid.reshape([grid.shape[order.index(c)] if c in order else 1 for c in columns])
