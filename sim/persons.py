"""Who is lived: identities, families and the block that each person is counted in; and how they are born. Layer 7."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.draws import person_id
from sim.errors import ScenarioError
from sim.people import Population
from sim.plan import Plan
from sim.strata import CANDIDATES

Ids = NDArray[np.uint64]

BATCH = 2**18
"""Births that are looked through at once for the persons of a stratum."""

NOT_ALIVE = 255
"""Age, in recorded lives, of those who are not alive."""

PORTION = 2**17
"""Persons who are held at once, rounded up to whole copies: they live every arm, and the next ones come."""


@dataclass(frozen=True)
class Persons:
    """Some persons, as arrays of one length."""

    ids: Ids
    families: Ids
    """Identity of each one's family, by which what siblings share is drawn."""
    blocks: NDArray[np.int64]
    """Block of the ledger that each is counted in."""

    def __len__(self) -> int:
        return len(self.ids)

    def some(self, which: NDArray[Any]) -> Persons:
        """Return those at these places, or where a mask holds."""
        return Persons(self.ids[which], self.families[which], self.blocks[which])


def persons_of(plan: Plan, ids: Ids | None, families: Ids | None, key: int | np.uint64) -> Persons:
    """Return the persons of these identities and families; by default the whole cohort, everyone a family of his own.

    Raises ScenarioError where the families are not one for each person.
    """
    known = all_ids(plan, key) if ids is None else np.asarray(ids, dtype=np.uint64)
    own = family_of(known) if families is None else np.asarray(families, dtype=np.uint64)
    if own.shape != known.shape:
        raise ScenarioError(f"{len(own)} families are given for {len(known)} persons: one for each is needed")
    return Persons(known, own, block_of(plan, known, key, own))


def portions(plan: Plan, ids: Ids | None, families: Ids | None, key: int | np.uint64) -> Iterator[Persons]:
    """Yield the persons of these identities and families, as `persons_of` returns them, some copies at a time.

    Strata, and persons who are named, come all at once.
    """
    cohort = plan.scenario.cohort
    if ids is not None or families is not None or plan.strata is not None:
        yield persons_of(plan, ids, families, key)
        return
    copies = max(1, PORTION // cohort.represents)
    for first in range(0, cohort.copies, copies):
        yield persons_of(plan, ids_in(plan, range(first, min(first + copies, cohort.copies))), None, key)


def all_ids(plan: Plan, key: int | np.uint64 | None = None) -> Ids:
    """Return the identities of everyone in the cohort, copy by copy; with strata stratum by stratum, block by block.

    key: that of the seed, which decides who is born into a stratum; raises ScenarioError where it is missing.
    """
    cohort = plan.scenario.cohort
    if plan.strata is not None:
        if key is None:
            raise ScenarioError("who is born into a stratum depends on the seed: its key is needed")
        parts = [_members(plan, part, key) for part in range(cohort.parts)]
        return np.concatenate([part[number] for number in range(len(cohort.strata)) for part in parts])
    return ids_in(plan, range(cohort.copies))


def ids_in(plan: Plan, copies: Iterable[int]) -> Ids:
    """Return the identities of everyone in some copies, copy by copy."""
    cohort = plan.scenario.cohort
    first = np.array([person_id(cohort.born, copy, 0) for copy in copies], dtype=np.uint64)
    return (first[:, None] + np.arange(cohort.represents, dtype=np.uint64)[None, :]).ravel()


def _members(plan: Plan, part: int, key: int | np.uint64) -> list[Ids]:
    """Return the persons of one block of each stratum: the first births of that copy who belong to it."""
    assert plan.strata is not None
    cohort = plan.scenario.cohort
    first = np.uint64(person_id(cohort.born, part, 0))
    wanted = [size // cohort.parts for size in cohort.sizes]
    found: list[list[Ids]] = [[] for _ in wanted]
    number = 0
    while any(wanted):
        if number >= CANDIDATES:
            raise ScenarioError(f"{CANDIDATES:,} births hold too few persons of a stratum", hint="ask for fewer")
        batch = max(left / share for left, share in zip(wanted, plan.strata.shares, strict=True))
        last = min(number + int(np.clip(1.05 * batch + 64, 0, BATCH)), CANDIDATES)
        ids = first + np.arange(number, last, dtype=np.uint64)
        strata = stratum_of(plan, ids, key, family_of(ids))
        for stratum, left in enumerate(wanted):
            taken = ids[strata == stratum][:left]
            found[stratum].append(taken)
            wanted[stratum] -= len(taken)
        number = last
    return [np.concatenate(some) for some in found]


def family_of(ids: Ids) -> Ids:
    """Return the family of each person: in a birth cohort everyone is the only child, so it has the child's number."""
    return ids


def stratum_of(plan: Plan, ids: Ids, key: int | np.uint64, families: Ids) -> NDArray[np.int64]:
    """Return the number of the stratum that each person is born into; everyone's is 0 where there are none."""
    strata, model = plan.strata, plan.scenario.model
    if strata is None:
        return np.zeros(len(ids), dtype=np.int64)
    born_with = Population(plan.scenario.population.name, strata.attributes)
    codes = born_with.draw(ids, key, model.columns, plan.birth_thresholds, families, model.family_columns)
    return strata.of(codes, len(ids))


def block_of(plan: Plan, ids: Ids, key: int | np.uint64, families: Ids) -> NDArray[np.int64]:
    """Return the block of the ledger that each person is counted in: the copy, or its group of copies; with strata the
    stratum's own block of that number.
    """
    cohort = plan.scenario.cohort
    copy = copy_of(ids).astype(np.int64)
    if plan.strata is None:
        return copy * cohort.blocks // cohort.copies
    return stratum_of(plan, ids, key, families) * cohort.parts + copy % cohort.parts


def copy_of(ids: Ids) -> Ids:
    """Return the copy of the municipality that each person lives in."""
    return ids >> np.uint64(24) & np.uint64(0xFFFF)


def class_of(plan: Plan, ids: Ids) -> Ids:
    """Return a number of the class that each person is in: neighbours of one copy; no numbers where there are none."""
    size = plan.scenario.cohort.class_size
    if size is None:
        return np.zeros(0, dtype=np.uint64)
    number = ids & np.uint64(2**24 - 1)
    return np.asarray(ids - number + number // np.uint64(size), dtype=np.uint64)


def split(members: NDArray[np.int64], most: int, units: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Return the places of some persons cut in pieces of at most so many, in their order.

    units: of each person, by place, or of length 0; neighbours of one unit stay together, so that the size of a piece
    rounds up to whole units.
    """
    starts = np.arange(0, len(members), most)
    if len(units):
        begin = np.concatenate([[0], np.flatnonzero(np.diff(units[members])) + 1, [len(members)]])
        starts = np.unique(begin[np.searchsorted(begin, starts)])
    return np.split(members, starts[(starts > 0) & (starts < len(members))]) if len(members) else []


def born(plan: Plan, ids: Ids, key: int | np.uint64, families: Ids | None = None) -> NDArray[np.uint8]:
    """Return the columns of the newborn: (columns, persons) uint8, `previous_` values as the initial ones."""
    model = plan.scenario.model
    cols = np.zeros((plan.layout.size, len(ids)), dtype=np.uint8)
    own = family_of(ids) if families is None else families
    population, thresholds = plan.scenario.population, plan.birth_thresholds
    drawn = population.draw(ids, key, model.columns, thresholds, own, model.family_columns)
    for name, codes in drawn.items():
        cols[plan.layout.row(name)] = codes
    for name, code in plan.start_codes.items():
        cols[plan.layout.row(name)] = code
    for name, row in plan.layout.rows.items():
        if name.startswith("previous_"):
            cols[row] = cols[plan.layout.row(name.removeprefix("previous_"))]
    return cols
