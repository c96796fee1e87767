"""The persons of a municipality: who is born or moves in, and what befalls them besides their own lives.

Layer 7. Everyone is lived from birth; who moves in is counted from the year of the move on, and lives elsewhere before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Chunk, Tally
from sim.draws import person_id
from sim.municipality import MOST_BIRTHS, MOST_IN_GROUP, MovesIn, Municipality
from sim.people import Attribute, Population
from sim.persons import Ids, Persons, born
from sim.plan import Plan
from sim.prices import Residence
from sim.program import Program
from sim.siblings import DRAWS, Inherited, Stories, draws_of, families_by_year

LEAVES = "moves away with the family"
"""The decision of a family to leave, by its id and calendar step."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Newborn:
    """The children of one calendar year, wherever they are born, as arrays of one length."""

    year: int
    persons: Persons
    """Their block is their copy, from the year on in which they live here."""
    group: IntArray
    """Who is born here has -1, who moves in the place of his group."""
    arrives: IntArray
    """Age at which he moves in; 0 for who is born here."""

    def __len__(self) -> int:
        return len(self.persons)

    def some(self, which: NDArray[Any]) -> Newborn:
        """Return those at these places."""
        return replace(self, persons=self.persons.some(which), group=self.group[which], arrives=self.arrives[which])


class Residents:
    """Everyone who belongs to a municipality, year of birth by year of birth."""

    def __init__(self, plan: Plan, key: int | np.uint64) -> None:
        assert plan.scenario.municipality is not None
        self.plan, self.key = plan, np.uint64(key)
        self.town: Municipality = plan.scenario.municipality
        self.copies = plan.scenario.cohort.copies
        self.stories = Stories(plan, self.key, self.town.first) if self.town.siblings else None
        self.families = families_by_year(self.town, self.copies, key, self.stories)
        self.born_elsewhere = [_other_births(plan, group) for group in self.town.moves_in]

    def newborn(self, year: int) -> Newborn:
        """Return everyone born in a year: those born here copy by copy, then who moves in, by age and group."""
        births = self.town.births_in(year)
        numbers = np.arange(births, dtype=np.uint64)
        ids = [person_id(year, copy, 0) + numbers for copy in range(self.copies)]
        families = list(self.families[year])
        group, arrives = [-1] * self.copies, [0] * self.copies
        for place, one in enumerate(self.town.moves_in):
            for age in range(min(len(one.a_year), self.town.end - year)):
                some = np.arange(one.number(age, year + age), dtype=np.uint64)
                first = MOST_BIRTHS + (age << 17) + place * MOST_IN_GROUP
                own = [person_id(year + age, copy, first) + some for copy in range(self.copies)]
                ids, families = [*ids, *own], [*families, *own]
                group, arrives = [*group, *[place] * self.copies], [*arrives, *[age] * self.copies]
        sizes = [len(one) for one in ids]
        every = np.concatenate(ids)
        copy = (every >> np.uint64(24) & np.uint64(0xFFFF)).astype(np.int64)
        persons = Persons(every, np.concatenate(families), copy)
        return Newborn(year, persons, np.repeat(group, sizes), np.repeat(arrives, sizes))

    def at_birth(self, newborn: Newborn) -> tuple[NDArray[np.uint8], Inherited | None]:
        """Return everyone's columns at birth, (columns, persons), and what they take over from their families."""
        ids, families = newborn.persons.ids, newborn.persons.families
        cols = np.zeros((self.plan.layout.size, len(ids)), dtype=np.uint8)
        for group in np.unique(newborn.group):
            which = newborn.group == group
            plan = self.plan if group < 0 else self.born_elsewhere[group]
            cols[:, which] = born(plan, ids[which], self.key, families[which])
        inherited = self.stories.of(newborn.year, families) if self.stories else None
        if inherited is not None:
            rows = np.ix_(inherited.rows, np.flatnonzero(inherited.younger))
            cols[rows] = inherited.at_birth[:, inherited.younger]
        return cols, inherited

    @property
    def residence(self) -> Residence | None:
        """Who pays for those who live elsewhere, which also says how living here is called."""
        return self.plan.scenario.prices.residence

    @cached_property
    def last_event(self) -> int:
        """The last age at which anything befalls a person besides his own life."""
        known = [len(one.a_year) for one in self.town.moves_in]
        known += [len(self.town.moves_out.a_year)] if self.town.moves_out else []
        return max([2 if self.stories else 0, *known]) - 1


class Neighbours:
    """Persons of one birth year, some copies or part of one, who are lived together.

    Whoever has not moved in yet is counted in a block of his own, which is thrown away.
    """

    def __init__(self, residents: Residents, newborn: Newborn, program: Program) -> None:
        """Bring them into the world."""
        cols, inherited = residents.at_birth(newborn)
        self.residents, self.newborn, self.inherited = residents, newborn, inherited
        self.here = np.unique(newborn.persons.blocks)
        """Copies, each a block of the ledger."""
        self.place = np.arange(len(newborn))
        """Place among the newborn of whoever began at each place of the chunk."""
        birth = newborn.year - residents.town.first
        self.chunk = Chunk(residents.plan, program, newborn.persons, residents.key, cols, birth=birth)
        self._set_blocks()

    @property
    def _who(self) -> IntArray:
        """Place among the newborn, of the living in their order."""
        return np.asarray(self.place[self.chunk.origin[: self.chunk.alive]])

    def _set_blocks(self) -> None:
        """Count everyone in his copy, or among those who are yet to come."""
        chunk, who = self.chunk, self._who
        block = np.searchsorted(self.here, self.newborn.persons.blocks[who])
        age = chunk.step - chunk.birth - 1  # of the last step that was lived
        block[(self.newborn.group[who] >= 0) & (self.newborn.arrives[who] > age)] = len(self.here)
        chunk.held = np.append(self.here, -1)
        chunk.block[: chunk.alive] = block

    @property
    def copy(self) -> IntArray:
        """Copy that each of the living belongs to, or will once he moves in."""
        return self.newborn.persons.blocks[self._who]

    @property
    def ids(self) -> Ids:
        """Identities of the living."""
        return self.chunk.ids[: self.chunk.alive]

    def number_here(self) -> IntArray:
        """Return how many of the living have been born or have moved in here, by copy."""
        return np.bincount(self.chunk.block[: self.chunk.alive], minlength=len(self.here) + 1)[:-1]

    def some(self, which: NDArray[Any], program: Program) -> Neighbours:
        """Return a copy of the living at some places, who live on under a program."""
        other = object.__new__(Neighbours)
        other.__dict__.update(self.__dict__)
        living = which[: self.chunk.alive] if which.dtype == bool else which
        other.place = self._who[living]
        other.chunk = self.chunk.some(living, program)
        other._set_blocks()
        return other

    def all(self, program: Program) -> Neighbours:
        """Return a copy of all the living, who live on under a program."""
        return self.some(np.ones(self.chunk.alive, dtype=bool), program)

    def tally(self) -> Tally:
        """Return counts with a row a year up to the end, the first of which holds the newborn."""
        return self.chunk.tally(self.residents.town.end - self.newborn.year + 1)

    def nothing_yet(self) -> Tally:
        """Return counts of zeros with a row a year up to the end."""
        return self.chunk.room_to_count(self.residents.town.end - self.newborn.year + 1)

    def live(self, until: int, tally: Tally) -> None:
        """Live up to, not through, a step; row a + 1 of the tally holds what is counted after the step of age a."""
        chunk = self.chunk
        last = chunk.birth + self.residents.last_event
        while chunk.step < until:
            self.begin(tally)
            soon = min(until, chunk.step + 1 if chunk.step < last else until)
            chunk.live(soon, tally, self.row)

    @property
    def row(self) -> int:
        """The row that the step which comes next is counted in: that of their age in it, and one for the newborn."""
        return self.chunk.step - self.chunk.birth + 1

    def begin(self, tally: Tally) -> None:
        """Let everything befall them that is no domain's own as the next step begins, before any offer is made.

        That is the elder's story, moves in, and moves out of families. To be called once a step.
        """
        chunk, who = self.chunk, self._who
        age = chunk.step - chunk.birth
        if age > self.residents.last_event:
            return
        if age == 1 and self.inherited is not None:
            younger = self.inherited.younger[who]
            chunk.cols[np.ix_(self.inherited.rows, np.flatnonzero(younger))] = self.inherited.after[:, who[younger]]
        if self.residents.town.moves_in:
            self._move_in(who, age, tally)
        if self.residents.town.moves_out is not None:
            self._move_out(who, age)

    def _move_in(self, who: IntArray, age: int, tally: Tally) -> None:
        chunk, plan, residence = self.chunk, self.residents.plan, self.residents.residence
        assert residence is not None
        column = plan.scenario.model.columns[residence.column]
        row = plan.layout.row(residence.column)
        groups, arrives = self.newborn.group[who], self.newborn.arrives[who]
        away = next(label for label in column.labels or () if label != residence.own)
        coming = (groups >= 0) & (arrives == age)
        chunk.cols[row, : chunk.alive][(groups >= 0) & (arrives > age)] = column.code(away)
        chunk.cols[row, : chunk.alive][coming] = column.code(residence.own)
        blocks = np.searchsorted(self.here, self.newborn.persons.blocks[who])
        chunk.block[: chunk.alive][coming] = blocks[coming]
        np.add.at(tally.persons, blocks[coming], 1)
        tally.persons[-1] -= coming.sum()
        for place, group in enumerate(self.residents.town.moves_in):
            which = np.flatnonzero(coming & (groups == place))
            if len(which) and group.on_arrival:
                self._set_states(which, group.on_arrival)

    def _set_states(self, which: IntArray, states: tuple[Attribute, ...]) -> None:
        """Draw the states that some come in; their clocks begin again."""
        chunk, plan = self.chunk, self.residents.plan
        for one in states:
            draws = draws_of(chunk.ids[: chunk.alive][which], chunk.step, f"{one.name} on arrival", self.residents.key)
            ends = np.cumsum(one.table(plan.scenario.model.columns))
            ends[np.flatnonzero(np.diff(ends, prepend=0.0) > 0)[-1] :] = 1.0
            chunk.cols[plan.layout.row(one.name), which] = np.searchsorted(ends * DRAWS, draws[0], side="right")
            clock = f"years_in_{one.name}"
            if clock in plan.layout.rows:
                chunk.cols[plan.layout.row(clock), which] = 0

    def _move_out(self, who: IntArray, age: int) -> None:
        chunk, plan, residence = self.chunk, self.residents.plan, self.residents.residence
        out = self.residents.town.moves_out
        assert out is not None
        assert residence is not None
        if age >= len(out.a_year):
            return
        column = plan.scenario.model.columns[residence.column]
        lives = chunk.cols[plan.layout.row(residence.column)]
        settled = (self.newborn.group[who] < 0) | (self.newborn.arrives[who] < age)  # nobody leaves as he comes
        here = settled & (lives[: chunk.alive] == column.code(residence.own))
        draws = draws_of(chunk.families[: chunk.alive], chunk.step, LEAVES, self.residents.key)
        leaves = np.flatnonzero(here & (draws[0] < out.a_year[age] * DRAWS))
        ends = np.cumsum(list(out.to.values()))
        ends[-1] = 1.0
        chosen = np.searchsorted(ends * DRAWS, draws[1][leaves], side="right")
        lives[leaves] = np.array([column.code(label) for label in out.to])[chosen]


def _other_births(plan: Plan, group: MovesIn) -> Plan:
    """Return the plan with the births of those who move in: some traits fixed, some otherwise distributed."""
    scenario = plan.scenario
    own = {one.name: one for one in group.attributes}
    for name, label in group.fixed.items():
        labels = scenario.model.columns[name].labels or ()
        own[name] = Attribute(name, {one: float(one == label) for one in labels})
    attributes = tuple(own.pop(one.name, one) for one in plan.attributes)
    starts = {name: code for name, code in plan.start_codes.items() if name not in own}
    attributes += tuple(own.values())
    population = Population(scenario.population.name, attributes)
    return replace(plan, scenario=replace(scenario, population=population), attributes=attributes, start_codes=starts)
