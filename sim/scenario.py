"""A scenario: everything a comparison rests on, checked and frozen. Layer 6.

Made from a file by `sim.files`, or directly in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.errors import ScenarioError
from sim.expression import Expression
from sim.intervention import Intervention
from sim.ledger import Need
from sim.links import Link
from sim.model import MAX_AGE, Model
from sim.municipality import Municipality, Wave
from sim.people import Population
from sim.prices import Economics, Price, PriceList
from sim.tables import Parameters

MOST_BLOCKS = 128
"""The most blocks of a ledger, so that its size does not grow with the number of copies."""

BASELINE = "baseline"
"""The arm that all others are compared with."""


CLASSES_IN_STRATA = "a cohort has strata or classes, not both: a stratum takes persons out of their classes"

MOST_IN_CLASS = 1000
"""The most persons of a class, which is lived as a whole."""

MOST_STRATA = 32
"""The most strata of a cohort, so that each has blocks enough for its standard error."""


@dataclass(frozen=True)
class Stratum:
    """A part of the cohort, told apart at birth, with as many persons as one likes."""

    name: str
    persons: int
    when: Expression | None = None
    """Over columns drawn at birth; strata are tried in order, and the last, without a condition, takes the rest."""


@dataclass(frozen=True)
class Cohort:
    """Who is simulated: children born in one year, as copies of a real municipality or by strata."""

    born: int
    represents: int
    """Births a year in the municipality: persons in one copy, unless there are strata."""
    copies: int = 64
    """Copies; with strata the blocks of each stratum."""
    strata: tuple[Stratum, ...] = ()
    """Parts with persons of their own number, weighted when priced; without any, everyone weighs the same."""
    class_size: int | None = None
    """Persons of a class: neighbouring numbers of one copy, the last class of a copy what is left. None: no classes."""

    def __post_init__(self) -> None:
        for name, value, most in (("represents", self.represents, 2**24), ("copies", self.copies, 2**16)):
            if not 1 <= value <= most:
                raise ScenarioError(f"cohort: {name} must be 1 to {most:,}, not {value:,}")
        if not 1900 <= self.born <= 2200:
            raise ScenarioError(f"cohort: born must be a year from 1900 to 2200, not {self.born}")
        if self.class_size is not None and not 2 <= self.class_size <= MOST_IN_CLASS:
            raise ScenarioError(f"cohort: a class has 2 to {MOST_IN_CLASS:,} persons, not {self.class_size:,}")
        if self.class_size is not None and self.strata:
            raise ScenarioError(f"cohort: {CLASSES_IN_STRATA}")
        if len(self.strata) > MOST_STRATA:
            raise ScenarioError(f"cohort: {len(self.strata)} strata; at most {MOST_STRATA}")
        for place, stratum in enumerate(self.strata):
            if (stratum.when is None) != (place == len(self.strata) - 1):
                raise ScenarioError(f"cohort: {wrong_condition(stratum.name, stratum.when is None)}")
            if stratum.persons < 1:
                raise ScenarioError(f"cohort: stratum '{stratum.name}' needs 1 person or more, not {stratum.persons}")

    @property
    def parts(self) -> int:
        """Equal random parts that standard errors come from: blocks, or with strata the blocks of each stratum."""
        return min(self.copies, MOST_BLOCKS // max(1, len(self.strata)))

    @property
    def blocks(self) -> int:
        """Blocks that the ledger is kept by: a copy each, or several neighbouring ones; with strata part by part."""
        return self.parts * max(1, len(self.strata))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Persons of each stratum, rounded up so that its blocks are equal."""
        return tuple(-(-stratum.persons // self.parts) * self.parts for stratum in self.strata)

    @property
    def persons(self) -> int:
        """Persons that are simulated: in all copies, or in all strata."""
        return sum(self.sizes) if self.strata else self.represents * self.copies


def wrong_condition(stratum: str, is_missing: bool) -> str:
    """Return what is wrong with a stratum that should have a condition and has none, or the reverse."""
    if is_missing:
        return f"stratum '{stratum}' needs `when`: only the last one takes the rest"
    return f"the last stratum, '{stratum}', takes the rest: it has no `when`"


@dataclass(frozen=True)
class Arm:
    """One course of action: interventions, and parameters or prices that differ from the baseline's."""

    interventions: tuple[Intervention, ...] = ()
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    """Changed domains only; an arm with any is simulated in full."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """Changed prices only, by name."""
    rollout: tuple[Wave, ...] = ()
    """In a municipality, when which copies begin; without any, all in the start year."""

    def __post_init__(self) -> None:
        names = [one.catalogue_name for one in self.interventions]
        for name in names:
            if names.count(name) > 1:
                raise ScenarioError(f"intervention '{name}' is used twice in one arm")


def check_whole_copies(cohort: Cohort, arms: Mapping[str, Arm]) -> None:
    """Refuse what holds within one copy of the municipality where the cohort, or its ledger, has no such copies.

    Raises ScenarioError naming the intervention.
    """
    for one in (one for arm in arms.values() for one in arm.interventions):
        by_copy = any(line.by_copy for line in one.costs)
        if cohort.strata and (by_copy or one.capacity_per_year is not None):
            what = "a cost per team or fixed" if one.capacity_per_year is None else "capacity_per_year"
            raise ScenarioError(
                f"'{one.catalogue_name}' has {what}, which holds within a copy of the municipality, and strata are no"
                " copies of it",
                hint="state `represents` and `copies` instead of `strata`",
            )
        if by_copy and cohort.blocks < cohort.copies:
            raise ScenarioError(
                f"'{one.catalogue_name}' has a cost per team or fixed, which is paid copy by copy: at most"
                f" {MOST_BLOCKS} copies are counted one by one, not {cohort.copies}",
                hint=f"take {MOST_BLOCKS} copies",
            )


@dataclass(frozen=True)
class Scenario:
    """What is compared, over whom, for how long and at which prices."""

    model: Model
    population: Population
    cohort: Cohort
    arms: Mapping[str, Arm]
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    horizon: int = MAX_AGE + 1
    """Steps that are lived."""
    links: tuple[Link, ...] = ()
    """The parameters that lead from one domain to another, as they act in the baseline."""
    causal_share: float | None = None
    """Share of an association that is causal where only the association is known; already in the parameters."""
    recentred: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """Log factor on a transition (domain, from, to), for everyone in every arm: holds its mean at that share."""
    economics: Economics = field(default_factory=lambda: Economics(2024))
    prices: PriceList = field(default_factory=PriceList)
    measures: tuple[str, ...] = ()
    """Quantities whose change is reported per 100 participants."""
    needs: tuple[Need, ...] = ()
    """Further columns to be counted together (targets, groupings)."""
    municipality: Municipality | None = None
    """Where it is not one cohort: the cohort is then the births of the start year, and its copies are everyone's."""
    title: str = ""
    name: str = ""
    resolved: Mapping[str, Any] = field(default_factory=dict)
    """The scenario as read, every file's values and digest included, for the run folder."""

    def __post_init__(self) -> None:
        if BASELINE not in self.arms:
            raise ScenarioError("the arms need one named 'baseline'")
        if not 1 <= self.horizon <= MAX_AGE + 1:
            raise ScenarioError(f"the horizon must be 1 to {MAX_AGE + 1} years, not {self.horizon}")
