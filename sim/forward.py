"""One arm's distribution over joint states, pushed forward a step at a time and counted in real numbers. Layer 6.

The year of the design with weights in the place of persons: who may do one of several things is split among them.
Only columns that some rule, condition or count reads are held, and `previous_` ones only as long as something still
reads them. Knows no draw, no threshold and no money.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.at_birth import MAX_CELLS, joint_at_birth
from sim.chances import Chances, Grids
from sim.domain import PREVIOUS, Domain
from sim.effect_targets import check_kinds
from sim.errors import ModelError
from sim.exact_chances import ExactChances, phase_column
from sim.intervention import Intervention
from sim.joint_distribution import FloatArray, Joint, Lookup, stacked
from sim.kernels.layout import DELIVERY_COUNTS, ELIGIBLE_COUNT, OFFERED_COUNT, START_COUNT, YEAR_COUNT
from sim.ledger import Ledger, Margin
from sim.model import MAX_AGE
from sim.phases import NOT_YET, Phases, phases_of
from sim.plan import Plan
from sim.tables import Parameters, Rule, tabulate

MOST_ROWS = 2**18
"""The most rows of a joint distribution, by default."""

SPREAD = 8
"""How many times as many rows there may be before equal ones are put together."""

Meeting = Callable[[Joint, int], Joint]
"""What else happens in a step once its offers are made."""

Accepting = Callable[[Intervention, Lookup, Joint, int], tuple[Joint, Joint]]
"""Who of those offered accepts and who does not, by offer, uptake, rows and step."""


def by_chance(one: Intervention, uptake: Lookup, asked: Joint, t: int) -> tuple[Joint, Joint]:
    """Split those who are offered by their uptake: (accepted, refused)."""
    chance = uptake.at(asked.codes, t, len(asked))
    return asked.weighing(asked.weights * chance), asked.weighing(asked.weights * (1.0 - chance))


@dataclass(frozen=True)
class _Offer:
    """An offer that is made: its phases, and its conditions as tables."""

    phases: Phases
    place: int
    """Among the interventions of the plan."""
    when: Lookup
    uptake: Lookup
    stop: Lookup | None

    @property
    def column(self) -> str:
        """The column that holds in which phase a row is."""
        return phase_column(self.phases)


class Forward:
    """Pushes the distribution of one arm forward."""

    def __init__(
        self,
        plan: Plan,
        arm: str,
        *,
        margins: Sequence[Margin] | None = None,
        given: Mapping[str, FloatArray] | None = None,
        further: Sequence[Intervention] = (),
        accepting: Accepting = by_chance,
        grids: Grids | None = None,
        most_rows: int = MOST_ROWS,
    ) -> None:
        """margins: what is counted, by default all of the plan; given: (ages, labels) of the domains that are held;
        further: offers whose conditions have to be readable, though they are not made; accepting: how those who are
        offered are told apart; grids: shared by arms with the same parameters. Raises ScenarioError or RuleError for
        rules and effects that do not fit.
        """
        self.plan = plan
        self.model = plan.scenario.model
        self.given = given or {}
        self.accepting = accepting
        self.most_rows = most_rows
        self.margins = tuple(plan.margins if margins is None else margins)
        offers = plan.arms[arm]
        for one in offers:
            check_kinds(one, self.model)
        chances = Chances(self.model, plan.parameters_of(arm), {} if grids is None else grids)
        self.offers = [self._offer(one) for one in offers]
        self.exact = ExactChances(chances, plan.scenario.recentred, [one.phases for one in self.offers])
        self.counters = [(counter, self.lookup(Rule.of(counter.when))) for counter in self.model.counters]
        conditions = [c for one in (*offers, *further) for c in (one.when, one.uptake, one.stop_when) if c is not None]
        self.conditions = frozenset(name for condition in conditions for name in condition.reads)
        self.columns = self._needed()
        self.stages = self._reads_by_stage()
        self.ledger = Ledger.of_real_numbers(self.margins, plan.scenario.horizon, len(plan.interventions))

    # What has to be held

    def _needed(self) -> frozenset[str]:
        """Return every column that something reads, itself or through what moves it; `previous_` ones by both names."""
        wanted = {name for margin in self.margins for name in margin.columns if not name.startswith("receives_")}
        wanted |= self.conditions | {"age"}
        if self.model.death and self.model.death.domain.name not in self.given:
            wanted |= _reads_of(self.model.death.domain)
        counters = {counter.name: Rule.of(counter.when) for counter in self.model.counters}
        domains = {domain.name: domain for domain in self.model.domains}
        clocks = {f"years_in_{name}": name for name in domains}
        needed: set[str] = set()
        while wanted:
            name = wanted.pop()
            needed.add(name)
            if name.startswith(PREVIOUS):
                more = {name.removeprefix(PREVIOUS)}
            elif name in counters:
                more = set(counters[name].reads)
            elif name in clocks:
                more = {clocks[name]}
            elif name in domains and name not in self.given:
                more = _reads_of(domains[name])
            else:
                more = set()
            wanted |= more - needed
        return frozenset(needed)

    def _reads_by_stage(self) -> list[frozenset[str]]:
        """Return what is read after death and after each domain: by later domains, counters and counts."""
        last = {name for margin in self.margins if not margin.deaths for name in margin.columns}
        for counter, table in self.counters:
            if counter.name in self.columns:
                last |= set(table.names)
        stages = [frozenset(last)]
        for domain in reversed(self.model.domains):
            later = set() if domain.name in self.given or domain.name not in self.columns else _reads_of(domain)
            stages.append(stages[-1] | later)
        return stages[::-1]

    @property
    def domains(self) -> list[Domain]:
        """The domains that are held in the distribution, in order."""
        return [domain for domain in self.model.domains if domain.name in self.columns]

    def lookup(self, rule: Rule, upper: float = math.inf, unit: str = "value") -> Lookup:
        """Return a condition or an uptake as a table; raises RuleError for what cannot be tabulated."""
        columns = [self.model.columns[name] for name in sorted(rule.reads, key=lambda name: name != "age")]
        grid = tabulate(rule, columns, Parameters(), upper=upper, unit=unit)[0]
        return Lookup(tuple(column.name for column in columns), grid, (0, MAX_AGE))

    def _offer(self, one: Intervention) -> _Offer:
        columns = self.model.columns
        return _Offer(
            phases_of(one),
            self.plan.interventions.index(one.catalogue_name),
            self.lookup(one.when.rule(columns)),
            self.lookup(one.uptake.rule(columns), 1.0, "uptake"),
            None if one.stop_when is None else self.lookup(one.stop_when.rule(columns)),
        )

    # The life

    def born(self) -> Joint:
        """Return the distribution at birth, weights in persons of one copy; raises ModelError where it is too large."""
        plan, columns = self.plan, self.model.columns
        wanted = [attribute.name for attribute in plan.attributes if attribute.name in self.columns]
        sizes = {name: columns[name].size for name in wanted}
        if math.prod(sizes.values()) > MAX_CELLS:
            raise self._too_large(math.prod(sizes.values()), "at birth")
        shares = joint_at_birth(plan.attributes, columns, wanted)
        born = np.flatnonzero(shares)
        places = np.unravel_index(born, shares.shape) if wanted else ()
        weights = shares.ravel()[born] * plan.scenario.cohort.represents
        codes = {name: place.astype(np.int32) for name, place in zip(wanted, places, strict=True)}
        joint = Joint(codes, sizes, weights)
        for name in self.model.changing:
            if name in self.columns and name not in codes:
                joint = joint.having(name, plan.start_codes.get(name, 0), columns[name].size)
        for name in self.model.group_values:
            if name in self.columns:  # nobody has classmates here
                joint = joint.having(name, 0, columns[name].size)
        for offer in self.offers:
            joint = joint.having(offer.column, NOT_YET, len(offer.phases))
        self._check_rows(joint, "at birth")
        return joint.together()

    def live(self, meeting: Meeting | None = None) -> Ledger:
        """Live everyone from birth to the horizon; return the ledger."""
        joint = self.born()
        self.ledger.persons[:] = joint.weights.sum()
        self.count(self.with_previous(joint), -1)
        for t in range(self.plan.scenario.horizon):
            joint = self.step(joint, t, meeting)
        return self.ledger

    def step(self, joint: Joint, t: int, meeting: Meeting | None = None) -> Joint:
        """Return the distribution after step t, and count the step.

        meeting: what else happens to the rows once the offers of the step are made.
        """
        joint = self.with_previous(joint)
        for offer in self.offers:
            joint = self._meet(offer, joint, t)
        if meeting is not None:
            joint = meeting(joint, t)
        joint = self._die(joint, t)
        domains = self.domains
        for domain in domains:
            joint = self._move(domain, joint, t)
            joint = self._forget(joint, self.stages[1 + self.model.domains.index(domain)])
            self._check_rows(joint, f"at age {t}")
        joint = self._tick(joint, t)
        self.count(joint, t)
        for offer in self.offers:
            later = offer.phases.in_later_year[joint.codes[offer.column]]
            self._deliver(offer, t, YEAR_COUNT, joint.weights[later])
        for name in self.given:  # drawn afresh, so it says nothing about the next step unless something reads it before
            if name in joint.codes and PREVIOUS + name not in self.columns and name not in self.conditions:
                joint = joint.having(name, 0, joint.sizes[name])
        return self._forget(joint, frozenset())

    def with_previous(self, joint: Joint) -> Joint:
        """Return the distribution with what every changing column is at the start of the step, where that is read."""
        for name in self.model.changing:
            if PREVIOUS + name in self.columns:
                joint = joint.having(PREVIOUS + name, joint.codes[name], joint.sizes[name])
        return joint

    def _forget(self, joint: Joint, reads: frozenset[str]) -> Joint:
        """Put rows together that differ only in start-of-step values that nothing reads any more in this step."""
        gone = [name for name in joint.codes if name.startswith(PREVIOUS) and name not in reads]
        return joint.without(gone).together()

    def _meet(self, offer: _Offer, joint: Joint, t: int) -> Joint:
        """End what is over, then make the offer to all who are eligible and have not had it."""
        phases, one = offer.phases, offer.phases.intervention
        now = joint.codes[offer.column]
        then = phases.after[now]
        if offer.stop is not None:
            then = np.where(offer.stop.at(joint.codes, t, len(joint)) != 0, phases.stopped[now], then)
        joint = joint.having(offer.column, then, len(phases)).together()
        eligible = is_eligible(one, offer.when, joint, t) & (joint.codes[offer.column] == NOT_YET)
        if not eligible.any():
            return joint
        asked = joint.rows(eligible)
        for kind in (ELIGIBLE_COUNT, OFFERED_COUNT):
            self._deliver(offer, t, kind, asked.weights)
        accepted, refused = self.accepting(one, offer.uptake, asked, t)
        for kind in (START_COUNT, YEAR_COUNT):
            self._deliver(offer, t, kind, accepted.weights)
        return stacked(
            [
                joint.rows(~eligible),
                accepted.having(offer.column, phases.accepted, len(phases)),
                refused.having(offer.column, phases.refused, len(phases)),
            ]
        ).together()

    def _die(self, joint: Joint, t: int) -> Joint:
        """Count the deaths of the step, and return those who live on."""
        if self.model.death is None:
            return self._forget(joint, self.stages[0])
        domain = self.model.death.domain
        if domain.name in self.given:
            dying = np.full(len(joint), self.given[domain.name][t, 1])
            staying = np.full(len(joint), self.given[domain.name][t, 0])
        else:
            chances, staying = self.exact.leaving(domain, domain.states[0], joint.codes, t, len(joint))
            dying = chances.sum(axis=0)
        self._count(joint.weighing(joint.weights * dying), t, deaths=True)
        return self._forget(joint.weighing(joint.weights * staying), self.stages[0])

    def _move(self, domain: Domain, joint: Joint, t: int) -> Joint:
        """Split every row among the states that it may be in after the domain's turn."""
        states = joint.codes[domain.name]
        places = [np.zeros(0, dtype=np.intp)]
        codes, weights, has_moved = [np.zeros(0, dtype=np.int32)], [np.zeros(0)], [np.zeros(0, dtype=bool)]
        for number, state in enumerate(domain.states):
            here = np.flatnonzero(states == number)
            if not len(here):
                continue
            if domain.name in self.given:
                shares = self.given[domain.name][t]
                found = [(to, np.full(len(here), share), False) for to, share in enumerate(shares)]
            else:
                own = {name: column[here] for name, column in joint.codes.items()}
                chances, staying = self.exact.leaving(domain, state, own, t, len(here))
                targets = [to for move in domain.moves if move.from_state == state for to in move.to]
                found = [(number, staying, False)]
                found += [(domain.states.index(to), one, True) for to, one in zip(targets, chances, strict=True)]
            for to, chance, moves in found:
                some = chance > 0
                places.append(here[some])
                weights.append(joint.weights[here[some]] * chance[some])
                codes.append(np.full(len(places[-1]), to, dtype=np.int32))
                has_moved.append(np.full(len(places[-1]), moves))
        if sum(len(one) for one in places) > SPREAD * self.most_rows:
            raise self._too_large(sum(len(one) for one in places), f"at age {t}")
        result = joint.rows(np.concatenate(places), np.concatenate(weights))
        result = result.having(domain.name, np.concatenate(codes), len(domain.states))
        clock = f"years_in_{domain.name}"
        if clock in self.columns:
            moved = np.concatenate(has_moved)
            result = result.having(clock, np.where(moved, 0, result.codes[clock]), domain.clock + 1)
            result = result.having(_moved(domain), moved, 2)
        return result

    def _tick(self, joint: Joint, t: int) -> Joint:
        """Advance the clocks of those who did not move, then the counters in the order of declaration."""
        for domain in self.domains:
            clock = f"years_in_{domain.name}"
            if clock in self.columns:
                ticked = np.minimum(joint.codes[clock] + 1, domain.clock)
                moved = joint.codes[_moved(domain)] != 0
                joint = joint.having(clock, np.where(moved, joint.codes[clock], ticked), domain.clock + 1)
        joint = joint.without([_moved(domain) for domain in self.domains])
        for counter, table in self.counters:
            if counter.name in self.columns:
                more = joint.codes[counter.name] + (table.at(joint.codes, t, len(joint)) != 0)
                joint = joint.having(counter.name, np.minimum(more, counter.cap), counter.cap + 1)
        return joint

    # The counts

    def count(self, joint: Joint, t: int) -> None:
        """Count the living after step t."""
        self._count(joint, t, deaths=False)

    def _count(self, joint: Joint, t: int, *, deaths: bool) -> None:
        flags = {f"receives_{one.phases.intervention.catalogue_name}": one for one in self.offers}
        for margin in self.margins:
            if margin.deaths != deaths:
                continue
            cells = np.zeros(len(joint), dtype=np.int64)
            for name, size in zip(margin.columns, margin.sizes, strict=True):
                if name == "age":
                    codes: NDArray[np.integer] | int = max(t, 0)
                elif name in flags:
                    codes = flags[name].phases.in_delivery[joint.codes[flags[name].column]].astype(np.int32)
                else:
                    codes = 0 if name.startswith("receives_") else joint.codes[name]
                cells = cells * size + codes
            row = self.ledger.counts[0, t + 1, margin.start : margin.start + margin.cells]
            row += joint.summed(cells, margin.cells)

    def _deliver(self, offer: _Offer, t: int, kind: int, weights: FloatArray) -> None:
        assert 0 <= kind < DELIVERY_COUNTS
        self.ledger.deliveries[0, t + 1, offer.place, kind] += weights.sum()

    # The size

    def _check_rows(self, joint: Joint, when: str) -> None:
        if len(joint) > self.most_rows:
            raise self._too_large(len(joint), when)

    def _too_large(self, rows: int, when: str) -> ModelError:
        lasting = (name for name in sorted(self.columns) if name != "age" and not name.startswith(PREVIOUS))
        held = {name: self.model.columns[name].size for name in lasting}
        held.update((offer.column, len(offer.phases)) for offer in self.offers)
        largest = sorted((name for name in held if held[name] > 1), key=lambda name: -held[name])
        listed = " × ".join(f"{name} {held[name]}" for name in largest[:8])
        others = f" × {len(largest) - 8} more" if len(largest) > 8 else ""
        product = math.prod(float(held[name]) for name in largest)
        return ModelError(
            f"the joint distribution of model '{self.model.name}' has {rows:,} rows {when}, at most {self.most_rows:,};"
            f" its columns are {listed}{others} = {product:.2g} combinations",
            hint="solve a block of its domains, the others held to given distributions:"
            " expect(plan, domains=[…], given={…}); or simulate",
        )


def is_eligible(one: Intervention, when: Lookup, joint: Joint, t: int) -> NDArray[np.bool_]:
    """Return at which rows an offer is made in a step to those who have not had it."""
    if not one.ages[0] <= t <= one.ages[1]:
        return np.zeros(len(joint), dtype=bool)
    return np.asarray(when.at(joint.codes, t, len(joint)) != 0)


def _moved(domain: Domain) -> str:
    return f"{domain.name} has moved"


def _reads_of(domain: Domain) -> set[str]:
    rules = [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]
    return {name for rule in rules for name in rule.reads}
