"""A whole municipality: children born in every year, who moves in and out, siblings, and the years that are counted.

Layer 6: frozen values, checked against each other. Who is lived: `sim.residents`; how: `sim.town`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from sim.errors import ScenarioError
from sim.people import Attribute

OLDEST = 24
"""The oldest age in the start year, unless the scenario says another."""

LAST_AGE = 100

MOST_COPIES = 128
"""Each copy has a block of its own, so that a roll-out can be told copy by copy."""

MOST_BIRTHS = 2**23
"""Numbers from here on belong to those who move in."""

MOST_GROUPS = 8

LAST_MOVE = 63
"""The last age at which anyone moves in: later ones have no numbers left."""

MOST_IN_GROUP = 2**14
"""The most persons of one age and group who move into one copy in a year."""


@dataclass(frozen=True)
class Wave:
    """Some copies of the municipality begin with an arm in a year."""

    begins: int
    """Calendar year."""
    copies: float = 1.0
    """Share of all copies that have begun by then, those of earlier waves included."""
    effect: float = 1.0
    """Factor on the logs of the arm's effects in the copies that begin now."""


@dataclass(frozen=True)
class MovesIn:
    """One group of persons who move in, year after year."""

    name: str
    a_year: tuple[float, ...]
    """Persons a year in one municipality, by age from 0."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Traits that all of them have: column -> label."""
    attributes: tuple[Attribute, ...] = ()
    """How columns are distributed at birth, in place of the population's own."""
    on_arrival: tuple[Attribute, ...] = ()
    """The states that they come in, in place of those that they would have reached."""

    def number(self, age: int, year: int) -> int:
        """Return how many of an age come in a calendar year: whole persons, on average what the table says."""
        mean = self.a_year[age] if age < len(self.a_year) else 0.0
        phase = (age * 0.618034) % 1  # so that ages with one mean do not all round up in the same year
        return int(np.floor(mean * (year + 1) + phase)) - int(np.floor(mean * year + phase))


@dataclass(frozen=True)
class MovesOut:
    """Families with children who move away."""

    a_year: tuple[float, ...]
    """Probability a year, by the child's age from 0."""
    to: Mapping[str, float]
    """Label of where they live then -> share."""


@dataclass(frozen=True)
class Siblings:
    """Which births are brothers and sisters."""

    by_order: tuple[float, ...]
    """Share of births that are their mother's first, second, …"""
    years_between: Mapping[int, float]
    """Years to the next birth of a family -> share."""
    only_while: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """States, by domain keyed by family, in which a family has another child: else the birth is a first child's."""

    def __post_init__(self) -> None:
        orders, gaps = self.by_order, self.years_between
        falling = all(later <= earlier for earlier, later in pairwise(orders))
        if not orders or abs(sum(orders) - 1) > 1e-6 or min(orders) < 0 or not falling:
            raise ScenarioError(f"births by order must be falling shares that add to 1, not {list(orders)}")
        if not gaps or abs(sum(gaps.values()) - 1) > 1e-6 or min(gaps) < 1 or max(gaps) > 15:
            raise ScenarioError("the years between births must be 1 to 15, with shares that add to 1")

    def next_one(self, order: int) -> float:
        """Return the share of families with so many children that have another one."""
        return self.by_order[order] / self.by_order[order - 1] if order < len(self.by_order) else 0.0

    @property
    def most_years(self) -> int:
        """Years from the first to the last birth of a family, at most."""
        return max(self.years_between) * (len(self.by_order) - 1)


@dataclass(frozen=True)
class Municipality:
    """Everyone who is young in a municipality in some year, counted by calendar year."""

    start: int
    """The first calendar year that is counted, and in which arms may begin."""
    years: int
    """How many years are counted."""
    births: Mapping[int, int]
    """Births in one municipality from a calendar year on; before the first of them as in that year."""
    oldest: int = OLDEST
    """The oldest age in the start year; nobody born earlier belongs to it."""
    moves_in: tuple[MovesIn, ...] = ()
    moves_out: MovesOut | None = None
    siblings: Siblings | None = None

    def __post_init__(self) -> None:
        most = LAST_AGE - self.oldest
        if not 0 <= self.oldest <= 60:
            raise ScenarioError(f"municipality: the oldest age at the start must be 0 to 60, not {self.oldest}")
        if not 1 <= self.years <= most:
            raise ScenarioError(f"municipality: years must be 1 to {most}, as nobody may pass 100, not {self.years}")
        for year in (self.first, self.end - 1):
            if not 1900 <= year <= 2200:
                raise ScenarioError(f"municipality: every year must lie from 1900 to 2200, and {year} does not")
        for births in self.births.values():
            if not 1 <= births < MOST_BIRTHS:
                raise ScenarioError(f"municipality: births a year must be 1 to {MOST_BIRTHS - 1:,}, not {births:,}")
        if not self.births:
            raise ScenarioError("municipality: births need one year or more")
        if len(self.moves_in) > MOST_GROUPS:
            raise ScenarioError(f"municipality: {len(self.moves_in)} groups move in; at most {MOST_GROUPS}")
        for group in self.moves_in:
            if len(group.a_year) > LAST_MOVE + 1:
                raise ScenarioError(f"municipality: '{group.name}' move in after the age of {LAST_MOVE}")
            if max(group.a_year, default=0) >= MOST_IN_GROUP - 1:
                raise ScenarioError(f"municipality: more than {MOST_IN_GROUP:,} a year of one age of '{group.name}'")

    @property
    def first(self) -> int:
        """The calendar year in which the oldest are born: step 0 of everyone's draws."""
        return self.start - self.oldest

    @property
    def end(self) -> int:
        """The first calendar year that is not counted any more."""
        return self.start + self.years

    @property
    def horizon(self) -> int:
        """Steps from the birth of the oldest to the end."""
        return self.end - self.first

    @property
    def birth_years(self) -> range:
        """Everyone's years of birth."""
        return range(self.first, self.end)

    def births_in(self, year: int) -> int:
        """Return the births in one municipality in a calendar year."""
        known = [one for one in self.births if one <= year]
        return self.births[max(known) if known else min(self.births)]
