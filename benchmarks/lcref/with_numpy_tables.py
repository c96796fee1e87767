"""LC-ref/1 in NumPy against tables: every probability is made before the run, and looked up in it.

That is framsyn's own main idea, carried by NumPy: all persons of a chunk at once, one loop over ages. A
person is one integer, the cell of `workload`. Who dies or moves is found by looking up everyone's chance and
comparing; what a mover moves to is worked out for the movers only, since few move in a year. Knows the shared
tables and NumPy, no other engine.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .workload import DOMAINS, Floats, Indexes, Workload, load

CHUNK = 65_536
"""Persons simulated together: enough to drown the cost of a NumPy call, few enough for a cache."""


@dataclass(frozen=True)
class Choice:
    """One domain at one age, laid out so that each look-up reads one contiguous row."""

    below: tuple[Floats, ...]
    """For each slot, by cell: the chance of this move or one before it; the last is that of any move."""

    shift: Indexes
    """(slots, cells): what the move adds to the person's cell."""


@functools.cache
def choices(treated_arm: bool) -> tuple[tuple[Choice, ...], ...]:
    """Return, for each age, the domains in which anyone can move; kept like the tables they come from."""
    tables = load(treated_arm)
    states = np.unravel_index(np.arange(tables.death.shape[1]), tables.cell_shape)[3:]
    by_age: list[list[Choice]] = [[] for _ in range(tables.years)]
    for domain, state in zip(DOMAINS, states, strict=True):
        moves = tables.moves[domain]
        step = moves.target - np.arange(len(moves.target))[:, None]
        shift = np.ascontiguousarray(step[state].T * tables.strides[domain])
        below = np.ascontiguousarray(moves.probability.cumsum(axis=-1).transpose(0, 2, 1))
        for age, rows in enumerate(below):
            if rows[-1].any():
                by_age[age].append(Choice(tuple(rows), shift))
    return tuple(map(tuple, by_age))


def simulate(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate lives from birth; return `life_years` and discounted `cost` per person, and `person_years`."""
    tables = load(treated_arm)
    # SFC64 is the fastest bit generator in NumPy's own table, and one stream is all that one thread needs
    rng = np.random.Generator(np.random.SFC64(seed))
    lived = np.zeros((tables.years, tables.joint_states), dtype=np.int64)
    for first in range(0, persons, CHUNK):
        lived += _live(min(CHUNK, persons - first), tables, choices(treated_arm), rng)
    person_years = int(lived.sum())
    cost = np.einsum("as,asp->p", lived, tables.cost) / persons
    return {
        "life_years": person_years / persons,
        "cost": dict(zip(tables.payers, cost.tolist(), strict=True)),
        "person_years": person_years,
    }


def _live(persons: int, tables: Workload, by_age: tuple[tuple[Choice, ...], ...], rng: np.random.Generator) -> Indexes:
    """Simulate one chunk; return (years, joint states) person-years lived."""
    cells, joint = tables.death.shape[1], tables.joint_states
    group = rng.choice(tables.birth.size, size=persons, p=tables.birth)
    cell = group * joint + tables.newborn
    # written over at every step: fresh arrays of this size would be asked of the system each time
    draw, chance, hit = np.empty(persons), np.empty(persons), np.empty(persons, dtype=bool)
    lived = np.empty((tables.years, cells), dtype=np.intp)

    for age, (death, open_choices) in enumerate(zip(tables.death, by_age, strict=True)):
        rng.random(out=draw)
        # hardly anyone is below the highest risk of this age, so only those few look up their own
        doomed = np.flatnonzero(np.less(draw, death.max(), out=hit))
        doomed = doomed[draw[doomed] < death[cell[doomed]]]
        if doomed.size:
            hit.fill(True)
            hit[doomed] = False
            cell = cell[hit]
            draw, chance, hit = draw[: cell.size], chance[: cell.size], hit[: cell.size]

        moved = []
        for choice in open_choices:
            rng.random(out=draw)
            choice.below[-1].take(cell, out=chance, mode="clip")  # "raise" would buffer the output
            movers = np.flatnonzero(np.less(draw, chance, out=hit))
            origin, threshold = cell[movers], draw[movers]
            slot = np.zeros(movers.size, dtype=np.intp)
            for below in choice.below[:-1]:
                slot += threshold >= below[origin]
            moved.append((movers, choice.shift[slot, origin]))
        # written only now: every domain has read the states at the start of the step
        for movers, shift in moved:
            cell[movers] += shift

        lived[age] = np.bincount(cell, minlength=cells)
    by_state: Indexes = lived.reshape(tables.years, -1, joint).sum(axis=1)
    return by_state
