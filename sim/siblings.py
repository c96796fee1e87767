"""Which births of a municipality are brothers and sisters, and the story of the family that the younger are born into.

Layer 7. Everything is addressed: families by the children that they have had, stories by family and calendar step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Chunk
from sim.domain import PREVIOUS
from sim.draws import BIRTH_STEP, LANES, person_id, stream
from sim.families import FAMILY
from sim.model import Model
from sim.municipality import Municipality, Siblings
from sim.people import Population
from sim.persons import Ids, Persons
from sim.plan import Plan, bind
from sim.prices import PriceList
from sim.scenario import BASELINE, Arm, Cohort

NEXT_CHILD = "next child"
"""The decision whether and when a family has another child, of the child that it has last."""

DRAWS = 2.0**32

ByteArray = NDArray[np.uint8]


def families_by_year(
    town: Municipality, copies: int, key: int | np.uint64, stories: Stories | None = None
) -> dict[int, list[Ids]]:
    """Return the family of every birth, (births,) by year of birth and copy: its id is that of its first child.

    A family that is due to have a child in a year takes one of the births of that year in its copy, in the order in
    which they became due; what is left are first children. stories: tell which families go on having children.
    Families are formed from long enough before the first year that its births, too, have elder siblings; those belong
    to nobody counted, and of them nothing is known before the first year.
    """
    siblings = town.siblings
    ahead = siblings.most_years if siblings else 0
    found: dict[int, list[Ids]] = {}
    nobody = (np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
    waiting = [nobody] * copies
    due: dict[int, list[list[tuple[Ids, NDArray[np.int64]]]]] = {}
    for year in range(town.first - ahead, town.end):
        births = town.births_in(year)
        found[year] = []
        now = [
            tuple(np.concatenate([one[k] for one in (waiting[copy], *own)]) for k in (0, 1))
            for copy, own in enumerate(due.pop(year, [[] for _ in range(copies)]))
        ]
        if stories is not None and siblings is not None and siblings.only_while and year >= town.first:
            ends = np.cumsum([len(families) for families, _ in now])[:-1]
            goes_on = stories.goes_on(year, np.concatenate([families for families, _ in now]), siblings.only_while)
            now = [(f[on], order[on]) for (f, order), on in zip(now, np.split(goes_on, ends), strict=True)]
        for copy, (again, orders) in enumerate(now):
            own = person_id(year, copy, 0) + np.arange(births, dtype=np.uint64)
            waiting[copy] = again[births:], orders[births:]
            again, orders = again[:births], orders[:births]
            found[year].append(np.concatenate([again, own[len(again) :]]))
            order = np.concatenate([orders, np.ones(births - len(again), dtype=np.int64)])
            for gap, which in _next_children(siblings, own, order, key) if siblings else ():
                later = due.setdefault(year + gap, [[] for _ in range(copies)])
                later[copy].append((found[year][-1][which], order[which] + 1))
    return {year: families for year, families in found.items() if year >= town.first}


def _next_children(
    siblings: Siblings, ids: Ids, order: NDArray[np.int64], key: int | np.uint64
) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return (years, which of these children are followed by another of their family after so many)."""
    draws = draws_of(ids, BIRTH_STEP, NEXT_CHILD, key)
    wanted = np.array([0.0, *(siblings.next_one(k) for k in range(1, int(order.max(initial=1)) + 1))])[order]
    some = draws[0] < wanted * DRAWS
    gaps = sorted(siblings.years_between)
    ends = np.cumsum([siblings.years_between[gap] for gap in gaps])
    ends[-1] = 1.0
    chosen = np.searchsorted(ends * DRAWS, draws[1], side="right")
    return [(gap, some & (chosen == place)) for place, gap in enumerate(gaps)]


def draws_of(ids: Ids, step: int, name: str, key: int | np.uint64) -> NDArray[np.uint32]:
    """Return the four draws of each of these identities at a step of a decision: (4, n)."""
    from sim.kernels.philox import fill_draws

    block = np.empty((LANES, len(ids)), dtype=np.uint32)
    fill_draws(np.ascontiguousarray(ids, dtype=np.uint64), len(ids), step, stream(name), np.uint64(key), block)
    return block


@dataclass(frozen=True)
class Inherited:
    """Family columns that a birth cohort's children are born with, and have after their first year."""

    rows: NDArray[np.int64]
    """Rows of a chunk."""
    younger: NDArray[np.bool_]
    """(persons,) whose family had a child before."""
    at_birth: ByteArray
    """(rows, persons)"""
    after: ByteArray
    """(rows, persons) at the end of the year of birth, in which nothing in the child's own view may have moved."""


@dataclass
class Stories:
    """The families' side of a model, lived alone: siblings' rules read nothing else, so that it is the same story."""

    plan: Plan
    key: np.uint64
    first: int
    """Calendar year of step 0."""
    own: Plan | None = field(init=False)
    """Families only; None where the model keys no domain by family."""

    def __post_init__(self) -> None:
        scenario = self.plan.scenario
        model = scenario.model
        domains = tuple(domain for domain in model.domains if domain.keyed == FAMILY)
        traits = tuple(trait for trait in model.traits if trait.keyed == FAMILY)
        if not domains:
            self.own = None
            return
        names = {domain.name for domain in domains} | {trait.name for trait in traits}
        kept = tuple(one for one in scenario.population.attributes if one.name in names)
        self.own = bind(
            replace(
                scenario,
                model=Model(f"{model.name}, families", domains, traits),
                population=Population(scenario.population.name, kept),
                cohort=Cohort(self.first, 1, 1),
                arms={BASELINE: Arm()},
                prices=PriceList(),
                measures=(),
                needs=(),
                municipality=None,
                recentred={move: size for move, size in scenario.recentred.items() if move[0] in names},
            )
        )
        self.own.make_tables()

    def of(self, year: int, families: Ids) -> Inherited | None:
        """Return what the children born in a year take over from their families; None where nothing is shared."""
        if self.own is None:
            return None
        founded = (families >> np.uint64(40)).astype(np.int64)
        younger = founded < year
        shared = [name for name in self.plan.layout.rows if name in self.plan.scenario.model.family_columns]
        changing = [name for name in shared if name.removeprefix(PREVIOUS) in self.own.scenario.model.changing]
        rows = np.array([self.plan.layout.row(name) for name in changing], dtype=np.int64)
        both = np.zeros((2, len(rows), len(families)), dtype=np.uint8)
        for elder in np.unique(founded[younger]):
            which = founded == elder
            both[:, :, which] = self._lived(int(elder), year, families[which], changing)
        return Inherited(rows, younger, *both)

    def goes_on(self, year: int, families: Ids, only_while: Mapping[str, Sequence[str]]) -> NDArray[np.bool_]:
        """Return which families are in one of these states as a year begins."""
        goes_on = np.ones(len(families), dtype=bool)
        if self.own is None:
            return goes_on
        founded = (families >> np.uint64(40)).astype(np.int64)
        names = list(only_while)
        for elder in np.unique(founded):
            which = founded == elder
            codes, _ = self._lived(int(elder), year, families[which], names)
            for name, own in zip(names, codes, strict=True):
                wanted = [self.own.scenario.model.columns[name].code(label) for label in only_while[name]]
                goes_on[which] &= np.isin(own, wanted)
        return goes_on

    def _lived(self, founded: int, year: int, families: Ids, names: list[str]) -> ByteArray:
        """Return the columns of families founded in one year as another year begins and ends: (2, names, families)."""
        assert self.own is not None
        persons = Persons(families, families, np.zeros(len(families), dtype=np.int64))
        chunk = Chunk(self.own, self.own.programs[BASELINE], persons, self.key, birth=founded - self.first)
        chunk.step = max(0, chunk.birth)  # what happened before the first year is not known
        tally = chunk.tally(1)
        found = []
        for until in (year - self.first, year - self.first + 1):
            while chunk.step < until:
                chunk.live(chunk.step + 1, tally, 0)
            layout = self.own.layout
            known = [name if name in layout.rows else name.removeprefix(PREVIOUS) for name in names]
            found.append(chunk.cols[[layout.row(name) for name in known]])
        return np.array(found)
