"""One person at a time in plain Python: the year of the design, written a second time from its words.

Shares nothing with the engine but the model's own rules, called with plain values. Its draws, thresholds, enrolment,
effects and race are its own.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np

from sim.expression import Expression
from sim.intervention import Effect, Intervention
from sim.scenario import Scenario
from sim.tables import Rule

BITS = 2.0**32
WORD = 2**32 - 1


@cache
def philox(counter: tuple[int, int, int, int], key: int) -> tuple[int, int, int, int]:
    """Return the block of four draws at a counter: ten rounds as published (Salmon et al. 2011)."""
    (a, b, c, d), (k, m) = counter, (key & WORD, key >> 32)
    for _ in range(10):
        high, low = divmod(0xCD9E8D57 * c, 2**32), divmod(0xD2511F53 * a, 2**32)
        a, b, c, d = high[0] ^ b ^ k, high[1], low[0] ^ d ^ m, low[1]
        k, m = (k + 0x9E3779B9) & WORD, (m + 0xBB67AE85) & WORD
    return a, b, c, d


def draw(seed: int, person: int, step: int, name: str, lane: int = 0) -> int:
    """Return the draw of a person's decision in a step."""
    key = int.from_bytes(blake2b(f"framsyn-rng-v1|{seed}|0".encode(), digest_size=8).digest(), "little")
    block, lane = divmod(lane, 4)
    text = f"{name}/{block}" if block else name
    stream = int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little")
    return philox((person & WORD, person >> 32, step, stream), key)[lane]


def waiting(integer: int) -> float:
    """Return the hazard at which a threshold lies, which is also the time that a draw waits at hazard 1."""
    return -math.log1p(-integer / BITS)


@dataclass
class Enrolment:
    """Where a person stands in an intervention."""

    kind: str
    start: int
    delivered: int = 0


@dataclass
class Person:
    """One life: values as a rule sees them, and enrolments by intervention."""

    scenario: Scenario
    offers: tuple[Intervention, ...]
    seed: int
    id: int
    values: dict[str, Any] = field(default_factory=dict)
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    deliveries: Tally = field(default_factory=Tally)

    def draw(self, step: int, name: str, lane: int = 0) -> int:
        return draw(self.seed, self.id, step, name, lane)

    def be_born(self) -> None:
        model = self.scenario.model
        bins = {trait.name: trait.bins for trait in model.traits if trait.bins}
        picked: dict[str, str] = {}
        for attribute in self.scenario.population.attributes:
            shares = attribute.shares
            for name in attribute.given:
                shares = shares[picked[name]]
            u, total = self.draw(WORD, attribute.name) / BITS, 0.0
            names = bins.get(attribute.name) and [str(k + 1) for k in range(len(bins[attribute.name]))]
            order = names or {t.name: t.labels for t in model.traits}.get(attribute.name)
            for label in order or model.domain(attribute.name).states:
                if shares.get(label, 0) > 0:
                    picked[attribute.name], total = label, total + shares[label]
                    if u < total:
                        break
        starts = {d.name: d.start for d in model.domains}
        values: dict[str, Any] = {**starts, **picked, "age": 0}
        values.update({name: numbers[int(picked[name]) - 1] for name, numbers in bins.items()})
        values.update({name: 0 for name, column in model.changing.items() if column.labels is None})
        self.values = values

    def holds(self, expression: Expression) -> Any:
        """Return an expression of a file's language at the person's values: here it is also plain Python."""
        return eval(expression.text, {}, self.values)

    def enrol(self, t: int) -> None:
        for one in self.offers:
            name, have = one.name, self.enrolments.get(one.name)
            if have and have.kind != "refused" and not have.delivered:
                lasted = t - have.start
                if lasted >= one.years or (lasted and one.stop_when and self.holds(one.stop_when)):
                    have.delivered = lasted
            if have or not one.ages[0] <= self.values["age"] <= one.ages[1] or not self.holds(one.when):
                continue
            self.deliveries.update([(t, name, "eligible"), (t, name, "offered")])
            chance = math.ceil(float(self.holds(one.uptake)) * BITS)
            if self.draw(t if one.offer == "yearly" else 0, f"uptake {name}") < chance:
                self.enrolments[name] = Enrolment("enrolled", t)
                self.deliveries.update([(t, name, "started"), (t, name, "years")])
            elif one.estimand in ("itt", "area"):
                self.enrolments[name] = Enrolment("carries", t)
            elif one.baseline_coverage:
                self.enrolments[name] = Enrolment("covered out", t)
            elif one.offer == "once":
                self.enrolments[name] = Enrolment("refused", t)

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
            size = effect.size * (share if share >= 1 / 32 else 0)
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
                    if abs(size) > abs(strongest.get(effect.mechanism, 0.0)):
                        strongest[effect.mechanism] = size
        return list(strongest.values())

    def winner(self, name: str, state: str, t: int) -> str | None:
        """Return where the person goes in a domain, or None."""
        seen = dict(self.values)
        for trait in self.scenario.model.traits:
            if trait.bins:
                seen[trait.name] += sum(self.acting("trait_shift", trait.name, t))
        domain = self.scenario.model.domain(name)
        times: dict[str, float] = {}
        chances: dict[str, float] = {}
        lanes: dict[str, int] = {}
        for move in domain.moves:
            if move.from_state != state:
                continue
            for to in move.to:
                lanes[to] = len(lanes)
            if not move.ages[0] <= seen["age"] <= move.ages[1]:
                continue
            given = move.rule.function(**{one: seen[one] for one in move.rule.reads})
            each = [float(one) for one in given] if isinstance(given, tuple) else [float(given)]
            if move.kind == "hazard":
                ratio = 1.0
                for log in self.acting("hazard_ratio", (name, state, move.to[0]), t):
                    ratio *= float(np.float32(math.exp(log)))  # ratios and factors are 32-bit
                for factor in domain.factors:
                    if (factor.from_state, (factor.to,)) == (state, move.to):
                        ratio *= float(np.float32(factor.rule.function(**{k: seen[k] for k in factor.rule.reads})))
                times[move.to[0]] = self.time(each[0], t, name, lanes[move.to[0]], ratio)
            else:
                scale = sum(each) if move.kind == "choice" else 1.0
                chances.update({to: one / scale for to, one in zip(move.to, each, strict=True)})
        chances = self.changed(name, state, chances, t)
        total = sum(chances.values())
        if total >= 1 - 1e-12:
            times = {to: waiting(self.draw(t, name, lanes[to])) / p for to, p in chances.items() if p > 0}
        elif total > 0:
            common = -math.log1p(-total)
            times.update({to: self.time(common * p / total, t, name, lanes[to]) for to, p in chances.items()})
        happening = {to: time for to, time in times.items() if time < 1.0 or total >= 1 - 1e-12}
        return min(happening, key=lambda to: (happening[to], lanes[to])) if happening else None

    def time(self, hazard: float, t: int, name: str, lane: int, ratio: float = 1.0) -> float:
        """Return when a clock rings, in steps; the hazard is the one that its 32-bit threshold stands for."""
        threshold = min(math.ceil(BITS * -math.expm1(-hazard)), WORD - 1)
        number = self.draw(t, name, lane)
        if ratio == 1.0 and number >= threshold:
            return math.inf
        return waiting(number) / (waiting(threshold) * ratio) if threshold and ratio else math.inf

    def changed(self, name: str, state: str, chances: dict[str, float], t: int) -> dict[str, float]:
        """Return the probabilities of an occasion under odds ratios, then relative risks."""
        staying = max(0.0, 1 - sum(chances.values()))
        odds = {to: math.exp(sum(self.acting("odds_ratio", (name, state, to), t))) for to in chances}
        if any(ratio != 1 for ratio in odds.values()):
            weights = {to: p * odds[to] for to, p in chances.items()}
            total = sum(weights.values()) + (staying if staying > 1e-12 else 0)
            chances = {to: weight / total for to, weight in weights.items()} if total else chances
        risks = {to: math.exp(sum(self.acting("relative_risk", (name, state, to), t))) for to in chances}
        return {to: p * risks[to] for to, p in chances.items()}

    def live(self) -> Iterator[dict[str, Any]]:
        """Iterate over the values at birth and after each step, until death."""
        model, changing = self.scenario.model, self.scenario.model.changing
        clocks = {f"years_in_{domain.name}": domain.clock for domain in model.domains if domain.clock}
        self.be_born()
        yield {**self.values, **{f"previous_{one}": self.values[one] for one in changing}}
        for t in range(self.scenario.horizon):
            self.values.update({f"previous_{one}": self.values[one] for one in changing}, age=t)
            self.enrol(t)
            if model.death and self.winner("death", "alive", t):
                return
            moved = set()
            for domain in model.domains:
                if to := self.winner(domain.name, self.values[domain.name], t):
                    self.values.update({domain.name: to, **{n: 0 for n in clocks if n == f"years_in_{domain.name}"}})
                    moved.add(f"years_in_{domain.name}")
            self.values.update({n: min(self.values[n] + 1, cap) for n, cap in clocks.items() if n not in moved})
            for counter in model.counters:
                when = Rule.of(counter.when)
                if when.function(**{one: self.values[one] for one in when.reads}):
                    self.values[counter.name] = min(self.values[counter.name] + 1, counter.cap)
            for one in self.offers:
                have = self.enrolments.get(one.name)
                if have and have.kind == "enrolled" and not have.delivered and have.start < t:
                    self.deliveries[t, one.name, "years"] += 1
            yield dict(self.values)


def offers_of(scenario: Scenario, arm: str) -> tuple[Intervention, ...]:
    """Return what is offered in an arm: its own interventions, and existing delivery of the others."""
    own = {one.name: one for one in scenario.arms[arm].interventions}
    for other in scenario.arms.values():
        for one in other.interventions:
            if one.baseline_coverage:
                own.setdefault(one.name, replace(one, uptake=Expression.of(one.baseline_coverage)))
    return tuple(own[name] for name in sorted(own))
