"""A model: traits, domains in their order, death, counters and quantities, checked against each other.

Layer 3: contents only; tables are made in `sim.chances` when parameters are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sim.domain import PREVIOUS, Counter, Death, Domain, Quantities, Quantity
from sim.draws import LANES, stream
from sim.errors import ModelError, nearest
from sim.families import check_rule, family_columns
from sim.groups import GroupValue
from sim.people import Trait
from sim.tables import Column, Rule

MAX_AGE = 100
"""The last age that is lived; who is alive after it leaves."""


@dataclass(frozen=True)
class Model:
    """A life course: what a person is, and every way in which that changes.

    Raises ModelError for names used twice, unknown columns (with the nearest), rules that read a later domain
    without `previous_` or, keyed by family, a child's own column, and two streams of draws with one number.
    """

    name: str
    domains: tuple[Domain, ...]
    """In the order in which they move within a step."""
    traits: tuple[Trait, ...] = ()
    death: Death | None = None
    counters: tuple[Counter, ...] = ()
    quantities: Quantities = field(default_factory=Quantities)
    in_classes: bool = True
    """Whether persons have classmates; else every group value is 0, and its column has that label alone."""

    def __post_init__(self) -> None:
        self._check_names()
        self._check_streams()
        for place, domain in enumerate(self.all_domains):
            later = self._owned(self.all_domains[place + 1 :])
            for rule in [m.rule for m in domain.moves] + [f.rule for f in domain.factors]:
                self._check_reads(rule, f"domain '{domain.name}'", later)
                check_rule(domain, rule, self.family_columns)
        for counter in self.counters:
            self._check_reads(Rule.of(counter.when), f"counter '{counter.name}'", {})
        for quantity in self.quantities.rows.values():
            self._check_reads(quantity.rule, f"quantity '{quantity.name}'", {})
        for value in self.group_values.values():
            self._check_group_value(value)

    @property
    def all_domains(self) -> tuple[Domain, ...]:
        """Death first (it comes first in the step), then the domains in order."""
        return ((self.death.domain,) if self.death else ()) + self.domains

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column of a person by name, `previous_` ones included."""
        plain = {"age": Column("age", count=MAX_AGE + 1)}
        plain.update((trait.name, trait.column) for trait in self.traits)
        for value in self.group_values.values():
            plain[value.name] = value.column if self.in_classes else value.constant
        for name, column in self.changing.items():
            plain[name] = column
        for name, column in self.changing.items():
            plain[PREVIOUS + name] = Column(PREVIOUS + name, column.labels, column.values, column.count)
        return plain

    @cached_property
    def changing(self) -> dict[str, Column]:
        """The columns that change during life (age apart): states, clocks and counters."""
        columns = {}
        for domain in self.domains:
            columns[domain.name] = Column(domain.name, domain.states)
            if domain.clock:
                name = f"years_in_{domain.name}"
                columns[name] = Column(name, count=domain.clock + 1)
        for counter in self.counters:
            columns[counter.name] = Column(counter.name, count=counter.cap + 1)
        return columns

    @cached_property
    def group_values(self) -> dict[str, GroupValue]:
        """What is known of a person's classmates, by column: set at the start of a step, so it has no `previous_`."""
        return {value.name: value for domain in self.domains for value in domain.group_values}

    @cached_property
    def family_columns(self) -> frozenset[str]:
        """Names of the columns that are the same for all siblings."""
        return family_columns(self.domains, self.traits)

    def ordered(self, names: Iterable[str]) -> list[Column]:
        """Return the columns of these names, each once, age first."""
        return [self.columns[name] for name in sorted(dict.fromkeys(names), key=lambda name: name != "age")]

    def domain(self, name: str) -> Domain:
        """Return a domain by name; raises ModelError with the nearest right one."""
        for one in self.all_domains:
            if one.name == name:
                return one
        raise ModelError(
            f"no domain {name!r} in model '{self.name}'", hint=nearest(name, [one.name for one in self.all_domains])
        )

    def quantity(self, name: str) -> Quantity:
        """Return a quantity by name; raises ModelError with the nearest right one."""
        if name not in self.quantities.rows:
            raise ModelError(f"no quantity {name!r} in model '{self.name}'", hint=nearest(name, self.quantities.rows))
        return self.quantities.rows[name]

    def transition(self, text: str) -> tuple[str, str, str]:
        """Return (domain, from, to) of a transition written `domain: from -> to`; raises ModelError otherwise."""
        spaced = " ".join(text.replace("->", " -> ").replace(":", ": ").split())
        if spaced not in self._transitions:
            raise ModelError(f"no transition {text!r} in model '{self.name}'", hint=nearest(spaced, self._transitions))
        return self._transitions[spaced]

    @cached_property
    def _transitions(self) -> dict[str, tuple[str, str, str]]:
        """Every transition by how it is written."""
        return {
            f"{domain.name}: {move.from_state} -> {one}": (domain.name, move.from_state, one)
            for domain in self.all_domains
            for move in domain.moves
            for one in move.to
        }

    def previous_of(self, name: str) -> str:
        """Return the name under which a column's start-of-step value is read (itself, if it never changes)."""
        return PREVIOUS + name if name in self.changing else name

    def _owned(self, domains: Sequence[Domain]) -> dict[str, str]:
        names = {domain.name: domain.name for domain in domains}
        names.update({f"years_in_{domain.name}": domain.name for domain in domains if domain.clock})
        return names

    def _check_names(self) -> None:
        seen: set[str] = {"age", "p"}
        names = [t.name for t in self.traits] + [d.name for d in self.domains] + [c.name for c in self.counters]
        names += [f"years_in_{d.name}" for d in self.domains if d.clock]
        names += [value.name for domain in self.domains for value in domain.group_values]
        for name in names:
            if name in seen or not name.isidentifier() or name.startswith(PREVIOUS):
                raise ModelError(f"the name {name!r} is used twice, or cannot name a column")
            seen.add(name)
        for counter in self.counters:
            if not 1 <= counter.cap <= 250:
                raise ModelError(f"the cap of counter '{counter.name}' must be 1 to 250, not {counter.cap}")

    def _check_streams(self) -> None:
        owners: dict[int, str] = {}
        for name in [t.name for t in self.traits] + self.stream_names():
            number = stream(*_split(name))
            if number in owners and owners[number] != name:
                raise ModelError(f"the streams of '{owners[number]}' and '{name}' have one number; rename one of them")
            owners[number] = name

    def stream_names(self) -> list[str]:
        """Return the name of every stream of draws that the domains use, later blocks as `name/1`."""
        names = []
        for domain in self.all_domains:
            names += [domain.name if b == 0 else f"{domain.name}/{b}" for b in range(blocks_of(domain))]
        return names

    def _check_group_value(self, value: GroupValue) -> None:
        """Check that a condition is about a person as he stands at the start of the step."""
        where = f"domain '{value.domain}'"
        self._check_reads(value.when, where, {})
        for name in value.when.reads:
            if name in self.group_values or name.startswith(PREVIOUS):
                raise ModelError(
                    f"{where}: the group value '{value.name}' reads '{name}', and it is taken at the start of the step,"
                    " from what each of the others then is",
                    hint=f"write '{name.removeprefix(PREVIOUS)}'" if name.startswith(PREVIOUS) else None,
                )

    def _check_reads(self, rule: Rule, where: str, later: Mapping[str, str]) -> None:
        for name in rule.reads:
            if name not in self.columns:
                raise ModelError(
                    f"{where}: rule '{rule.name}' reads the unknown column {name!r}", hint=nearest(name, self.columns)
                )
            if name in later:
                raise ModelError(
                    f"{where}: rule '{rule.name}' reads '{name}', which belongs to the later domain '{later[name]}'",
                    hint=f"write '{PREVIOUS}{name}'",
                )


def blocks_of(domain: Domain) -> int:
    """Return how many blocks of four draws the domain needs in a step: one lane a transition out of a state."""
    most = max((sum(len(m.to) for m in domain.moves if m.from_state == s) for s in domain.states), default=1)
    return max(1, -(-most // LANES))


def _split(name: str) -> tuple[str, int]:
    base, _, block = name.partition("/")
    return base, int(block or 0)
