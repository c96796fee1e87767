"""One person at a time in plain Python: the year of the design, written a second time from its words.

Shares nothing with the engine but the model's own rules, called with plain values. Its draws, thresholds, enrolment,
effects and race are its own.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from sim.intervention import Effect, Intervention
from sim.scenario import Scenario
from sim.tables import Parameters, Rule
from tests.properties.plain_draws import BIRTH, WORD, draw

BITS = 2.0**32
CERTAIN = 1 - 1e-12


def waiting(integer: int) -> float:
    """Return the time that a draw waits at hazard 1, which is also the hazard that a threshold stands for."""
    return -math.log1p(-integer / BITS)


def called(rule: Rule, values: dict[str, Any], parameters: Parameters | None = None) -> Any:
    given = {"p": parameters} if rule.takes_parameters else {}
    return rule.function(**{name: values[name] for name in rule.reads}, **given)


@dataclass
class Enrolment:
    kind: str
    start: int
    delivered: int = 0
    """Years that delivery lasted, once it is over."""


def take_group_values(living: Sequence[Person], t: int) -> None:
    """Tell each what share of the living others in his class meets a condition, before anything happens in a step."""
    scenario = living[0].scenario
    size = scenario.cohort.class_size
    for name, value in scenario.model.group_values.items():
        meets = [bool(called(value.when, {**one.values, "age": t})) for one in living]
        for place, one in enumerate(living):
            others = [
                meets[number]
                for number, other in enumerate(living)
                if size is not None and number != place and other.room(size) == one.room(size)
            ]
            inside = value.ages[0] <= t <= value.ages[1] and others
            share = Fraction(sum(others), len(others)) if inside else Fraction(0)
            one.values[name] = min(value.bins, key=lambda bin_: (abs(Fraction(str(bin_)) - share), bin_))


@dataclass
class Person:
    """One life: values as a rule sees them, and enrolments by intervention."""

    scenario: Scenario
    offers: tuple[Intervention, ...]
    seed: int
    id: int
    family: int
    values: dict[str, Any] = field(default_factory=dict)
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    deliveries: Tally = field(default_factory=Tally)

    def draw(self, step: int, name: str, lane: int = 0) -> int:
        return draw(self.seed, self.family if name in self.shared else self.id, step, name, lane)

    def room(self, size: int) -> tuple[int, int]:
        """Return the copy that the person lives in, and which class of it."""
        return self.id >> 24, self.id % 2**24 // size

    @cached_property
    def shared(self) -> set[str]:
        """The names of all that siblings have one draw of."""
        model = self.scenario.model
        names = {one.name for one in (*model.domains, *model.traits) if one.keyed == "family"}
        touched = {one.name for one in self.offers for e in one.effects for domain, _, _ in e.on if domain in names}
        return names | {f"{draw} {name}" for name in touched for draw in ("uptake", "queue")}

    def live(self) -> Iterator[dict[str, Any]]:
        """Iterate over the values at birth and after each step, until death."""
        yield self.be_born()
        for t in range(self.scenario.horizon):
            self.begin(t)
            if not self.go_on(t):
                return
            yield dict(self.values)

    def begin(self, t: int) -> None:
        """Begin a step: age, what was before, and the offers of which there is one for everybody."""
        self.values.update({f"previous_{name}": self.values[name] for name in self.scenario.model.changing}, age=t)
        for offer in self.offers:
            self.end(offer, t)
            if offer.capacity_per_year is None and self.may_have(offer):
                self.deliveries[t, offer.name, "eligible"] += 1
                self.meet(offer, t)

    def go_on(self, t: int) -> bool:
        """Live a step that has begun; return whether the person is alive after it."""
        model = self.scenario.model
        clocks = {f"years_in_{domain.name}": domain.clock for domain in model.domains if domain.clock}
        if model.death and self.move("death", "alive", t):
            return False
        moved = set()
        for domain in model.domains:
            clock = f"years_in_{domain.name}"
            if to := self.move(domain.name, self.values[domain.name], t):
                moved.add(clock)
                self.values.update({domain.name: to, **({clock: 0} if clock in clocks else {})})
        self.values.update({c: min(self.values[c] + 1, cap) for c, cap in clocks.items() if c not in moved})
        for counter in model.counters:
            more = bool(called(Rule.of(counter.when), self.values))
            self.values[counter.name] = min(self.values[counter.name] + more, counter.cap)
        for name, have in self.enrolments.items():
            if have.kind == "enrolled" and not have.delivered and have.start < t:
                self.deliveries[t, name, "years"] += 1
        return True

    def be_born(self) -> dict[str, Any]:
        """Draw what the person is born with; return all values, what was before included."""
        model = self.scenario.model
        order: dict[str, Any] = {domain.name: domain.states for domain in model.domains}
        order.update({t.name: t.labels or [str(k + 1) for k in range(len(t.bins))] for t in model.traits})
        picked: dict[str, Any] = {domain.name: domain.start for domain in model.domains}
        for attribute in self.scenario.population.attributes:
            shares = attribute.shares
            for name in attribute.given:
                shares = shares[picked[name]]
            u, total = self.draw(BIRTH, attribute.name) / BITS, 0.0
            for label in [one for one in order[attribute.name] if shares.get(one, 0) > 0]:
                picked[attribute.name], total = label, total + shares[label]
                if u < total:
                    break
        bins = {t.name: t.bins[int(picked[t.name]) - 1] for t in model.traits if t.bins}
        nothing = {**dict.fromkeys(model.changing, 0), **dict.fromkeys(model.group_values, 0.0)}
        self.values = {**nothing, **picked, **bins, "age": 0}
        return {**self.values, **{f"previous_{name}": self.values[name] for name in model.changing}}

    def holds(self, expression: Any) -> Any:
        return eval(expression.text, {}, self.values)  # the random conditions are plain Python as well

    def end(self, one: Intervention, t: int) -> None:
        """End a delivery that is over."""
        have = self.enrolments.get(one.name)
        if have and have.kind != "refused" and not have.delivered:
            lasted = t - have.start
            if lasted >= one.years or (lasted and one.stop_when and self.holds(one.stop_when)):
                have.delivered = lasted

    def may_have(self, one: Intervention) -> bool:
        """Return whether the person is eligible for an offer and has not had it."""
        within = one.ages[0] <= self.values["age"] <= one.ages[1]
        return one.name not in self.enrolments and within and bool(self.holds(one.when))

    def meet(self, one: Intervention, t: int) -> bool:
        """Make an offer; return whether it is accepted."""
        name = one.name
        self.deliveries[t, name, "offered"] += 1
        if self.draw(t if one.offer == "yearly" else 0, f"uptake {name}") < math.ceil(self.holds(one.uptake) * BITS):
            self.enrolments[name] = Enrolment("enrolled", t)
            self.deliveries.update([(t, name, "started"), (t, name, "years")])
            return True
        if one.estimand != "tot":
            self.enrolments[name] = Enrolment("carries", t)
        elif one.baseline_coverage or one.offer == "once":
            self.enrolments[name] = Enrolment("covered out" if one.baseline_coverage else "refused", t)
        return False

    def size(self, one: Intervention, effect: Effect, t: int) -> float:
        """Return the log or shift with which an effect acts on the person in this step."""
        have = self.enrolments.get(one.name)
        if have is None or have.kind == "refused":
            return 0.0
        if not have.delivered:
            size = effect.size * ((t - have.start + 1) / one.years if effect.dose == "partial" else 1)
        else:
            after, fade = t - have.start - have.delivered + 1, effect.fade
            beyond = max(fade.follow_up_years - have.delivered, 0)
            if after - 1 >= beyond and fade.beyond != "fade":
                after = beyond if fade.beyond == "hold" else math.inf
            share = (after < math.inf) if fade.half_life_years is None else 2 ** (-after / fade.half_life_years)
            size = effect.size * (share if share >= 1 / 32 else 0)  # five half-lives and it is gone
        c = one.baseline_coverage
        centre = c * size if effect.kind == "trait_shift" else math.log(1 - c + c * math.exp(size))
        return (0 if have.kind == "covered out" else size) - centre

    def acting(self, kind: str, on: Any, t: int) -> list[float]:
        """Return what acts of one kind on a transition or trait: the strongest of each mechanism."""
        strongest: dict[str, float] = {}
        for one in self.offers:
            for effect in one.effects:
                if effect.kind == kind and (on in effect.on or on == effect.trait):
                    size = self.size(one, effect, t)
                    size = round(size / 0.01) * 0.01 if kind == "trait_shift" else size
                    have = self.enrolments.get(one.name)
                    out = have is not None and have.kind == "covered out"  # keeps the mean and rivals nothing
                    mechanism = f"{one.name}: {effect.mechanism}" if out else effect.mechanism
                    if abs(size) > abs(strongest.get(mechanism, 0.0)):
                        strongest[mechanism] = size
        return list(strongest.values())

    def move(self, name: str, state: str, t: int) -> str | None:
        """Return where the person goes in a domain, or None: the earliest of the competing clocks."""
        shifts = {k.name: sum(self.acting("trait_shift", k.name, t)) for k in self.scenario.model.traits if k.bins}
        seen = {**self.values, **{trait: self.values[trait] + shift for trait, shift in shifts.items()}}
        domain = self.scenario.model.domain(name)
        moves = [move for move in domain.moves if move.from_state == state]
        lanes = {to: lane for lane, to in enumerate(to for move in moves for to in move.to)}
        times: dict[str, float] = {}
        chances: dict[str, float] = {}
        for move in moves:
            if not move.ages[0] <= seen["age"] <= move.ages[1]:
                continue
            given = called(move.rule, seen, self.scenario.parameters.get(name))
            each = dict(zip(move.to, map(float, given if isinstance(given, tuple) else (given,)), strict=True))
            if move.kind == "hazard":
                ratios = [math.exp(log) for log in self.acting("hazard_ratio", (name, state, *move.to), t)]
                ratios += [called(f.rule, seen) for f in domain.factors if (f.from_state, f.to) == (state, *move.to)]
                ratio = math.prod(float(np.float32(one)) for one in ratios)  # ratios and factors are 32-bit
                times[move.to[0]] = self.time(each[move.to[0]], t, name, lanes[move.to[0]], ratio)
            else:
                scale = sum(each.values()) if move.kind == "choice" else 1.0
                chances.update({to: one / scale for to, one in each.items()})
        chances = self.changed(name, state, chances, t)
        total = sum(chances.values())
        if total >= CERTAIN:  # decided first, and nothing else happens
            times = {to: waiting(self.draw(t, name, lanes[to])) / p for to, p in chances.items() if p > 0}
            return min(times, key=times.__getitem__)
        for to, p in chances.items():
            times[to] = self.time(-math.log1p(-total) * p / total if p else 0, t, name, lanes[to])
        first = min(times, key=lambda to: (times[to], lanes[to]), default=None)
        return first if first and times[first] < 1.0 else None

    def time(self, hazard: float, t: int, name: str, lane: int, ratio: float = 1.0) -> float:
        """Return when a clock rings, in steps; the hazard is the one that its 32-bit threshold stands for."""
        threshold = min(math.ceil(BITS * -math.expm1(-hazard)), WORD - 1)
        return waiting(self.draw(t, name, lane)) / (waiting(threshold) * ratio) if threshold and ratio else math.inf

    def changed(self, name: str, state: str, chances: dict[str, float], t: int) -> dict[str, float]:
        """Return the probabilities of an occasion under odds ratios against staying, then relative risks."""
        odds = {to: math.exp(sum(self.acting("odds_ratio", (name, state, to), t))) for to in chances}
        risks = {to: math.exp(sum(self.acting("relative_risk", (name, state, to), t))) for to in chances}
        total, staying = 1.0, 1 - sum(chances.values())
        if any(ratio != 1 for ratio in odds.values()):
            total = sum(p * odds[to] for to, p in chances.items()) + (staying if staying > 1e-12 else 0)
        return {to: p * odds[to] / total * risks[to] for to, p in chances.items()}
