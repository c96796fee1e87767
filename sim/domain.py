"""How a side of life is written down: its states, and rules that say when a person moves between them.

Layer 3: collects rules; tabulates nothing, simulates nothing, knows no money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sim.errors import ModelError, nearest
from sim.groups import GroupValue
from sim.tables import Rule

Bound = int | str
"""A bound of an age window: an age, or the name of a scalar parameter of the domain."""

Basis = Literal["on_date", "any_in_year", "whole_year", "days", "event"]
BASES: tuple[str, ...] = ("on_date", "any_in_year", "whole_year", "days", "event")
"""How a year is counted: state after the step; before or after; both and no move; days in it; the move itself."""

PREVIOUS = "previous_"
"""Prefix of the value that a changing column had at the start of the step."""


@dataclass(frozen=True)
class Move:
    """One rule that takes persons out of a state: to one destination, or to several of one occasion."""

    domain: str
    from_state: str
    to: tuple[str, ...]
    """Destinations, in the order in which the rule returns them."""
    kind: Literal["hazard", "occasion", "choice"]
    """A rate per year; a probability at one moment; weights of a choice that happens for certain."""
    rule: Rule
    ages: tuple[Bound, Bound]
    """Closed window of ages in which it acts."""

    @property
    def name(self) -> str:
        """The transition as users write it: `domain: from -> to`."""
        return f"{self.domain}: {self.from_state} -> {' | '.join(self.to)}"


@dataclass(frozen=True)
class Factor:
    """A further table that multiplies a hazard, where one table would be too large."""

    from_state: str
    to: str
    rule: Rule


@dataclass
class Domain:
    """One side of life: states, a clock of years in the state, and the rules of its transitions.

    name: its stream of draws is addressed by it; start: the state at birth, unless the population draws it;
    clock: cap in years of the column `years_in_<name>` (0: no clock).
    """

    name: str
    states: tuple[str, ...]
    start: str | None = None
    clock: int = 0
    keyed: Literal["person", "family"] = "person"
    """Whose address its draws have: siblings share a domain that is keyed by family."""
    moves: list[Move] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    group_values: list[GroupValue] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(set(self.states)) != len(self.states) or len(self.states) < 2:
            raise ModelError(f"domain '{self.name}' needs two or more different states")
        if self.start is not None:
            self._known(self.start)
        if not 0 <= self.clock <= 250:
            raise ModelError(f"the clock of domain '{self.name}' must be 0 to 250 years, not {self.clock}")

    def hazard(self, from_state: str, to: str, *, ages: tuple[Bound, Bound] = (0, 100)) -> Callable[[Any], Rule]:
        """Register a rule that returns a rate per year (0 or more) of moving from one state to another."""
        return self._register(from_state, (to,), "hazard", ages)

    def occasion(
        self, from_state: str, to: str | Sequence[str], *, ages: tuple[Bound, Bound] = (0, 100)
    ) -> Callable[[Any], Rule]:
        """Register a rule that returns a probability, or a tuple of them (one a destination), at one moment."""
        return self._register(from_state, (to,) if isinstance(to, str) else tuple(to), "occasion", ages)

    def choice(
        self, from_state: str, to: Sequence[str], *, ages: tuple[Bound, Bound] = (0, 100)
    ) -> Callable[[Any], Rule]:
        """Register a rule that returns weights, one a destination; one of them happens for certain."""
        return self._register(from_state, tuple(to), "choice", ages)

    def factor(self, from_state: str, to: str) -> Callable[[Any], Rule]:
        """Register a rule that multiplies the hazard of a transition declared before."""

        def register(function: Any) -> Rule:
            rule = Rule.of(function)
            if not any(m.from_state == from_state and m.to == (to,) and m.kind == "hazard" for m in self.moves):
                raise ModelError(f"no hazard '{self.name}: {from_state} -> {to}' to multiply by '{rule.name}'")
            self.factors.append(Factor(from_state, to, rule))
            return rule

        return register

    def group_value(self, *, bins: Sequence[float], ages: tuple[Bound, Bound] = (0, 100)) -> Callable[[Any], Rule]:
        """Register a condition: the share of a person's classmates who meet it is a column of its name, in bins."""

        def register(function: Any) -> Rule:
            rule = Rule.of(function)
            self.group_values.append(GroupValue(self.name, rule, tuple(bins), ages))
            return rule

        return register

    def _known(self, state: str) -> None:
        if state not in self.states:
            raise ModelError(f"domain '{self.name}' has no state {state!r}", hint=nearest(state, self.states))

    def _register(
        self,
        from_state: str,
        to: tuple[str, ...],
        kind: Literal["hazard", "occasion", "choice"],
        ages: tuple[Bound, Bound],
    ) -> Callable[[Any], Rule]:
        for state in (from_state, *to):
            self._known(state)
        if from_state in to:
            raise ModelError(f"'{self.name}: {from_state} -> {from_state}' is no move: staying is what is left over")
        taken = {(move.from_state, one) for move in self.moves for one in move.to}
        for one in to:
            if (from_state, one) in taken or to.count(one) > 1:
                raise ModelError(f"'{self.name}: {from_state} -> {one}' is declared twice")

        def register(function: Any) -> Rule:
            rule = Rule.of(function)
            self.moves.append(Move(self.name, from_state, to, kind, rule, ages))
            return rule

        return register


class Death:
    """The domain that is left for ever: one state, hazards out of it, reading `previous_` values."""

    def __init__(self) -> None:
        self.domain = Domain("death", ("alive", "dead"), "alive")

    def hazard(self, *, ages: tuple[Bound, Bound] = (0, 100)) -> Callable[[Any], Rule]:
        """Register the rule of the death rate per year."""
        return self.domain.hazard("alive", "dead", ages=ages)

    def occasion(self, *, ages: tuple[Bound, Bound] = (0, 100)) -> Callable[[Any], Rule]:
        """Register a rule that returns the yearly probability of death."""
        return self.domain.occasion("alive", "dead", ages=ages)


@dataclass(frozen=True)
class Counter:
    """A capped count, updated at the end of each step: one more where `when` is not 0. Cap 1 makes an ever-flag."""

    name: str
    when: Any
    """A rule over end-of-step columns and `previous_` ones."""
    cap: int = 1


@dataclass(frozen=True)
class Quantity:
    """A count of person-years, days, events or kronor, as a rule over columns with its basis."""

    name: str
    rule: Rule
    basis: str
    unit: str
    days: tuple[Bound, Bound, Bound] | None = None
    """Days in the state in its entry, middle and exit year (basis `days`): numbers or names of parameters."""
    price_year: int | None = None
    """Year of the kronor, for a quantity that is an amount of money."""


@dataclass
class Quantities:
    """The quantities of a model, by name."""

    rows: dict[str, Quantity] = field(default_factory=dict)

    def quantity(
        self,
        *,
        basis: Basis,
        unit: str,
        days: tuple[Bound, Bound, Bound] | None = None,
        price_year: int | None = None,
    ) -> Callable[[Any], Rule]:
        """Register a rule as the quantity of its name."""

        def register(function: Any) -> Rule:
            rule = Rule.of(function)
            if rule.name in self.rows:
                raise ModelError(f"quantity '{rule.name}' is declared twice")
            if basis not in BASES:
                raise ModelError(f"quantity '{rule.name}' has the basis {basis!r}", hint=nearest(basis, BASES))
            if (basis == "days") != (days is not None):
                raise ModelError(f"quantity '{rule.name}': `days` goes with the basis 'days', and only with it")
            self.rows[rule.name] = Quantity(rule.name, rule, basis, unit, days, price_year)
            return rule

        return register
