"""The plan of a scenario: columns laid out, margins chosen, one program an arm. Layer 6.

A plan holds no person and no result; `simulate` lives it, and it can be printed beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.column_layout import Layout
from sim.domain import BASES
from sim.errors import ModelError, ScenarioError
from sim.expression import Expression
from sim.families import own_reads, own_terms
from sim.intervention import Intervention
from sim.ledger import Margin, Need, check_size, margins_for, need_of
from sim.municipality_terms import check_memory, fitted
from sim.people import Attribute
from sim.prices import Price
from sim.program import Compiler, Program, Shared
from sim.scenario import BASELINE, Arm, Scenario, check_whole_copies
from sim.strata import Strata, strata_of
from sim.tables import Parameters

MAX_ARMS = 64
"""Arms are bits of a mask."""


@dataclass(frozen=True)
class Plan:
    """A scenario bound to columns and tables, ready to be lived."""

    scenario: Scenario
    layout: Layout
    margins: tuple[Margin, ...]
    attributes: tuple[Attribute, ...]
    """Distribution of every column at birth that is drawn."""
    start_codes: Mapping[str, int]
    """State at birth of the domains that start in one state."""
    interventions: tuple[str, ...]
    """Catalogue names of all interventions of all arms, in the order of the ledger."""
    arms: Mapping[str, tuple[Intervention, ...]]
    """The offers that are made in each arm, those of baseline coverage included."""
    strata: Strata | None
    """Who belongs to which stratum of the cohort, where it has any."""
    changed: frozenset[str]
    """Arms with other parameters: everyone lives another life, so they are simulated in full."""

    @cached_property
    def programs(self) -> dict[str, Program]:
        """The program of each arm."""
        return {name: self.program_of(name, offers) for name, offers in self.arms.items()}

    @cached_property
    def in_step(self) -> frozenset[str]:
        """Arms in which some offer has so many places a year: there everyone of a copy lives a year at a time."""
        return frozenset(
            name for name, offers in self.arms.items() if any(one.capacity_per_year is not None for one in offers)
        )

    @cached_property
    def in_full(self) -> frozenset[str]:
        """Arms other than the baseline that everyone lives: the baseline's life does not say whom they reach."""
        if BASELINE in self.in_step or self.in_classes:
            return frozenset(self.compared)
        return (self.changed | self.in_step) & frozenset(self.compared)

    @cached_property
    def watching(self) -> Program:
        """The baseline's program, which also notes whom each arm would reach."""
        if not self.watched:
            return self.programs[BASELINE]
        offers = [(one, mask - 2**64 if mask >= 2**63 else mask) for one, mask in self.watched.items()]
        return self.program_of(BASELINE, self.arms[BASELINE], offers)

    @cached_property
    def watched(self) -> dict[Intervention, int]:
        """The offers that one of baseline and arm makes and the other does not, and as bits the arms concerned.

        Arms that everyone lives are not watched.
        """
        offers: dict[Intervention, int] = {}
        current = self.scenario.arms[BASELINE].interventions
        for bit, name in enumerate(self.compared):
            if name in self.in_full:
                continue
            own = self.scenario.arms[name].interventions
            for intervention in [
                *(one for one in own if one not in current),
                *(one for one in current if one not in own),
            ]:
                offers[intervention] = offers.get(intervention, 0) | 1 << bit
        return offers

    @property
    def compared(self) -> tuple[str, ...]:
        """The arms other than the baseline, in order."""
        return tuple(name for name in self.arms if name != BASELINE)

    @cached_property
    def birth_thresholds(self) -> dict[str, NDArray[np.uint64]]:
        """Cumulative thresholds of every attribute drawn at birth."""
        population = replace(self.scenario.population, attributes=self.attributes)
        return {a.name: population.thresholds(a, self.scenario.model.columns) for a in self.attributes}

    @property
    def in_classes(self) -> bool:
        """Whether a life depends on those of classmates, so that every arm is lived by everyone."""
        return self.scenario.cohort.class_size is not None

    def make_tables(self) -> None:
        """Make every table now, so that a mistake in a rule is found before anything is lived."""
        _ = self.programs, self.watching, self.birth_thresholds

    @property
    def threshold_digest(self) -> str:
        """SHA-256 of the baseline's thresholds: bit-identity is promised where it is equal."""
        return self.programs[BASELINE].digest

    def parameters_of(self, arm: str) -> dict[str, Parameters]:
        """Return the parameters of every domain in an arm."""
        return {**self.scenario.parameters, **self.scenario.arms[arm].parameters}

    def program_of(
        self, arm: str, offers: tuple[Intervention, ...], watched: Sequence[tuple[Intervention, int]] = ()
    ) -> Program:
        """Return the program of an arm's parameters with these offers made, and others only watched."""
        shared = None if arm in self.changed else self._shared
        scenario = self.scenario
        compiler = Compiler(scenario.model, self.parameters_of(arm), self.layout, shared, scenario.recentred)
        return compiler.compile(offers, watched, self.margins)

    @cached_property
    def _shared(self) -> Shared:
        return Shared()


def bind(scenario: Scenario) -> Plan:
    """Bind a scenario to its model: lay out columns, choose margins, check every part against every other.

    Raises ScenarioError, ModelError or RuleError where they do not fit. Tables are made when first used.
    """
    scenario = fitted(_in_classes(scenario))
    model = scenario.model
    if len(scenario.arms) > MAX_ARMS:
        raise ScenarioError(f"{len(scenario.arms)} arms; at most {MAX_ARMS}")
    _check_residence(scenario)
    check_whole_copies(scenario.cohort, scenario.arms)
    for arm in scenario.arms.values():
        for intervention in arm.interventions:
            _check(intervention, scenario)
    catalogue: dict[str, Intervention] = {}
    for arm in scenario.arms.values():
        for intervention in arm.interventions:
            catalogue.setdefault(intervention.catalogue_name, intervention)
    covered = {name: one for name, one in catalogue.items() if one.baseline_coverage > 0}
    for arm in scenario.arms.values():
        for intervention in arm.interventions:
            first = catalogue[intervention.catalogue_name]
            same = replace(intervention, uptake=first.uptake, name=first.name, base=first.base)
            if intervention.catalogue_name in covered and same != first:
                raise ScenarioError(f"'{first.name}' is partly delivered already: an arm can change its uptake only")
    replaced = {one.catalogue_name: one.replaces for one in catalogue.values() if one.replaces}
    margins = margins_for(_needs(scenario, replaced), model)
    check_size(margins, scenario.cohort.blocks, scenario.horizon + 1)
    check_memory(sum(margin.cells for margin in margins), scenario)
    every = [one for arm in scenario.arms.values() for one in arm.interventions]
    conditions = [c for i in every for c in (i.when, i.uptake, i.stop_when, i.rank) if c is not None]
    reads = {name for margin in margins for name in margin.columns if name in model.columns}
    taken = set(model.group_values) if model.in_classes else set()
    layout = Layout.of(model, reads | taken | {name for c in conditions for name in c.reads}, replaced)
    attributes, starts = _births(scenario)
    return Plan(
        scenario=scenario,
        layout=layout,
        margins=margins,
        attributes=attributes,
        start_codes=starts,
        interventions=tuple(sorted(catalogue)),
        arms={name: _made(arm, covered) for name, arm in scenario.arms.items()},
        strata=strata_of(scenario),
        changed=frozenset(name for name, arm in scenario.arms.items() if arm.parameters),
    )


def _in_classes(scenario: Scenario) -> Scenario:
    """Return the scenario with its model lived in classes if the cohort has them; raises ScenarioError."""
    model, size = scenario.model, scenario.cohort.class_size
    if size is not None and not model.group_values:
        raise ScenarioError(
            f"cohort: classes of {size} are stated, and no rule of model '{model.name}' could ask about classmates",
            hint="leave `classes` out",
        )
    if model.group_values and model.in_classes != (size is not None):
        return replace(scenario, model=replace(model, in_classes=size is not None))
    return scenario


def _made(arm: Arm, covered: Mapping[str, Intervention]) -> tuple[Intervention, ...]:
    """Return the offers of an arm: its own, and existing delivery wherever the arm does not set it."""
    own = {one.catalogue_name: one for one in arm.interventions}
    existing = {
        name: replace(one, uptake=Expression.of(one.baseline_coverage))
        for name, one in covered.items()
        if name not in own
    }
    both = {**existing, **own}
    return tuple(both[name] for name in sorted(both))


def _needs(scenario: Scenario, replaced: Mapping[str, str]) -> list[Need]:
    """Return what has to be counted: prices and measures, and whatever else the scenario asks for."""
    model = scenario.model
    flags: dict[str, list[str]] = {}
    for intervention, name in replaced.items():
        flags.setdefault(name, []).append(f"receives_{intervention}")
    prices = [*scenario.prices.prices, *(p for arm in scenario.arms.values() for p in arm.prices.values())]
    named = [model.quantity(name) for name in [*scenario.measures, *replaced.values()]]
    asked = [*((price.quantity, _split_by(price, scenario)) for price in prices), *((one, None) for one in named)]
    own = model.quantities.rows
    needs = []
    for quantity, column in dict.fromkeys(asked):
        need = need_of(quantity, model, flags.get(quantity.name, ()) if own.get(quantity.name) == quantity else ())
        needs.append(replace(need, columns=need.columns | {column}) if column else need)
    return [*needs, *scenario.needs, Need(frozenset())]


def _split_by(price: Price, scenario: Scenario) -> str | None:
    """Return the column that says who pays a price; None where everyone's payers are the same."""
    residence = scenario.prices.moves(price)
    return residence.column if residence else None


def _check_residence(scenario: Scenario) -> None:
    """Check that who pays is said for every label of where people live, and for no other."""
    residence = scenario.prices.residence
    if residence is None:
        return
    states = scenario.model.domain(residence.column).states
    wrong = sorted(set(states) ^ {residence.own, *residence.elsewhere})
    if wrong:
        which = "says nothing of" if wrong[0] in states else "names"
        raise ScenarioError(
            f"who pays by '{residence.column}' {which} {wrong[0]!r}; its labels are {', '.join(states)}"
        )


def _births(scenario: Scenario) -> tuple[tuple[Attribute, ...], dict[str, int]]:
    """Return the attributes drawn at birth in order, and the states that everyone starts in."""
    model = scenario.model
    drawn = {attribute.name for attribute in scenario.population.attributes}
    domains = {domain.name: domain for domain in model.domains}
    seen: set[str] = set()
    for attribute in scenario.population.attributes:
        if attribute.name not in {t.name for t in model.traits} | set(domains):
            raise ScenarioError(f"population '{scenario.population.name}': '{attribute.name}' is no trait or domain")
        for name in attribute.given:
            if name not in seen:
                raise ScenarioError(
                    f"population '{scenario.population.name}': '{attribute.name}' is given '{name}',"
                    " which is not drawn before it"
                )
        if attribute.name in seen:
            raise ScenarioError(f"population '{scenario.population.name}': '{attribute.name}' stands twice")
        if attribute.name in model.family_columns:
            for name in own_reads(attribute.given, model.family_columns):
                raise ScenarioError(
                    f"population '{scenario.population.name}': '{attribute.name}' is keyed by family"
                    f" and given '{name}', which is the child's own"
                )
        seen.add(attribute.name)
    for trait in model.traits:
        if trait.name not in drawn:
            raise ScenarioError(
                f"population '{scenario.population.name}' does not say how '{trait.name}' is distributed"
            )
    starts = {}
    for domain in domains.values():
        if domain.name in drawn:
            continue
        if domain.start is None:
            raise ScenarioError(f"neither domain '{domain.name}' nor the population says in which state life begins")
        starts[domain.name] = domain.states.index(domain.start)
    return scenario.population.attributes, starts


def _check(intervention: Intervention, scenario: Scenario) -> None:
    """Check an intervention against the model and against itself."""
    model = scenario.model
    where = f"intervention '{intervention.name}'"
    if intervention.replaces is not None:
        quantity = model.quantity(intervention.replaces)
        if quantity.basis not in BASES:
            raise ModelError(f"{where} replaces '{quantity.name}', which has no basis")
    for effect in intervention.effects:
        if effect.trait is not None and effect.trait not in {t.name for t in model.traits if t.bins}:
            raise ScenarioError(f"{where} shifts the trait '{effect.trait}', which is no trait in bins")
        for name in effect.on:
            model.transition(f"{name[0]}: {name[1]} -> {name[2]}")
    for _, sentence in own_terms(intervention, model):
        raise ScenarioError(f"{where}: {sentence}")
    if intervention.baseline_coverage > 0 and (intervention.offered_carry or intervention.offer == "yearly"):
        raise ScenarioError(f"{where}: baseline_coverage goes with estimand tot and an offer made once")
    if intervention.ages[1] > scenario.horizon - 1 and intervention.ages[0] > scenario.horizon - 1:
        raise ScenarioError(
            f"{where} starts at age {intervention.ages[0]}, after the horizon of {scenario.horizon} years"
        )
