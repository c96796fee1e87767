"""The plain-Python oracle without draws: where a person could go on in several ways, each is followed with its weight.

Shares nothing with the exact solver but the model's own rules, called with plain values; what acts on a person is the
oracle's own.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections import defaultdict
from dataclasses import replace
from typing import Any

from sim.intervention import Intervention
from sim.scenario import Scenario
from sim.tables import Rule
from tests.properties.oracle import CERTAIN, Enrolment, Person, called

Way = tuple[dict[str, Any], dict[str, Enrolment], float]
"""Values, enrolments and weight."""


class Ways:
    """All lives of a scenario's arm at once."""

    def __init__(self, scenario: Scenario, offers: tuple[Intervention, ...]) -> None:
        self.scenario = scenario
        self.offers = offers
        self.model = scenario.model
        self.deliveries: Tally[tuple[int, str, str]] = Tally()
        self.dead: list[list[tuple[dict[str, Any], float]]] = []
        self.ways: list[Way] = self.born()

    def born(self) -> list[Way]:
        ways: list[tuple[dict[str, str], float]] = [({d.name: d.start for d in self.model.domains}, 1.0)]
        for attribute in self.scenario.population.attributes:
            more = []
            for picked, weight in ways:
                shares = attribute.shares
                for name in attribute.given:
                    shares = shares[picked[name]]
                more += [({**picked, attribute.name: label}, weight * p) for label, p in shares.items() if p > 0]
            ways = more
        bins = {t.name: t.bins for t in self.model.traits if t.bins}
        result = []
        for picked, weight in ways:
            values = {name: bins[name][int(label) - 1] if name in bins else label for name, label in picked.items()}
            values = {**dict.fromkeys(self.model.changing, 0), **values, "age": 0}
            values.update(dict.fromkeys(self.model.group_values, 0.0))  # nobody has classmates here
            values.update({f"previous_{name}": values[name] for name in self.model.changing})
            result.append((values, {}, weight))
        return result

    def step(self, t: int) -> None:
        self.dead.append([])
        clocks = {f"years_in_{domain.name}": domain.clock for domain in self.model.domains if domain.clock}
        ways: list[Way] = []
        for values, enrolments, weight in self.ways:
            values = {**values, **{f"previous_{name}": values[name] for name in self.model.changing}, "age": t}
            ways.append((values, enrolments, weight))
        for offer in self.offers:
            ways = [one for way in ways for one in self.meet(offer, way, t)]
        ways = together(ways)
        if self.model.death:
            alive = []
            for values, enrolments, weight in ways:
                dying = self.chances("death", "alive", (values, enrolments, weight), t).get("dead", 0.0)
                self.dead[-1].append((values, weight * dying))
                alive.append((values, enrolments, weight * (1 - dying)))
            ways = alive
        for domain in self.model.domains:
            clock = f"years_in_{domain.name}"
            after: list[Way] = []
            for way in ways:
                values, enrolments, weight = way
                found = self.chances(domain.name, values[domain.name], way, t)
                ticked = {clock: ("ticks", values[clock])} if clock in clocks else {}
                after.append(({**values, **ticked}, enrolments, weight * (1 - sum(found.values()))))
                stopped = {clock: 0} if clock in clocks else {}
                after += [({**values, domain.name: to, **stopped}, enrolments, weight * p) for to, p in found.items()]
            for place, (values, enrolments, weight) in enumerate(after):
                # the clock goes on at the end of the step; until then it is what it was
                ticks = values.get(clock)
                if isinstance(ticks, tuple):
                    after[place] = ({**values, clock: ticks[1], f"{clock} ticks": True}, enrolments, weight)
            ways = together(after)
        ended = []
        for values, enrolments, weight in ways:
            values = dict(values)
            for clock, cap in clocks.items():
                if values.pop(f"{clock} ticks", False):
                    values[clock] = min(values[clock] + 1, cap)
            for counter in self.model.counters:
                more = bool(called(Rule.of(counter.when), values))
                values[counter.name] = min(values[counter.name] + more, counter.cap)
            for name, have in enrolments.items():
                if have.kind == "enrolled" and not have.delivered and have.start < t:
                    self.deliveries[t, name, "years"] += weight
            ended.append((values, enrolments, weight))
        self.ways = ended

    def meet(self, one: Intervention, way: Way, t: int) -> list[Way]:
        values, enrolments, weight = way
        have, name = enrolments.get(one.name), one.name

        def holds(expression: Any) -> Any:
            return eval(expression.text, {}, values)

        if have and have.kind != "refused" and not have.delivered:
            lasted = t - have.start
            if lasted >= one.years or (lasted and one.stop_when and holds(one.stop_when)):
                enrolments = {**enrolments, name: replace(have, delivered=lasted)}
        if have or not one.ages[0] <= values["age"] <= one.ages[1] or not holds(one.when):
            return [(values, enrolments, weight)]
        uptake = float(holds(one.uptake))
        for kind, share in (("eligible", 1), ("offered", 1), ("started", uptake), ("years", uptake)):
            self.deliveries[t, name, kind] += weight * share
        otherwise = dict(enrolments)
        if one.estimand != "tot":
            otherwise[name] = Enrolment("carries", t)
        elif one.baseline_coverage or one.offer == "once":
            otherwise[name] = Enrolment("covered out" if one.baseline_coverage else "refused", t)
        enrolled = {**enrolments, name: Enrolment("enrolled", t)}
        return [(values, enrolled, weight * uptake), (values, otherwise, weight * (1 - uptake))]

    def chances(self, name: str, state: str, way: Way, t: int) -> dict[str, float]:
        """Return the probability of every move out of a state, competing hazards included."""
        values, enrolments, _ = way
        person = Person(self.scenario, self.offers, 0, 0, 0, values, enrolments)
        shifts = {k.name: sum(person.acting("trait_shift", k.name, t)) for k in self.model.traits if k.bins}
        seen = {**values, **{trait: values[trait] + shift for trait, shift in shifts.items()}}
        domain = self.model.domain(name)
        rates: dict[str, float] = {}
        jointly: dict[str, float] = {}
        for move in domain.moves:
            if move.from_state != state or not move.ages[0] <= seen["age"] <= move.ages[1]:
                continue
            given = called(move.rule, seen)
            each = dict(zip(move.to, map(float, given if isinstance(given, tuple) else (given,)), strict=True))
            if move.kind == "hazard":
                factors = [f.rule for f in domain.factors if (f.from_state, f.to) == (state, *move.to)]
                ratio = math.exp(sum(person.acting("hazard_ratio", (name, state, *move.to), t)))
                rates[move.to[0]] = each[move.to[0]] * ratio * math.prod(float(called(f, seen)) for f in factors)
            else:
                scale = sum(each.values()) if move.kind == "choice" else 1.0
                jointly.update({to: one / scale for to, one in each.items()})
        jointly = person.changed(name, state, jointly, t)
        total = sum(jointly.values())
        if total >= CERTAIN:
            return {to: p / total for to, p in jointly.items()}
        rates.update({to: -math.log1p(-total) * p / total if p else 0.0 for to, p in jointly.items()})
        every = sum(rates.values())
        return {to: rate / every * -math.expm1(-every) for to, rate in rates.items() if rate}


def together(ways: list[Way]) -> list[Way]:
    """Return the ways with those put together that have one past."""
    weights: defaultdict[Any, float] = defaultdict(float)
    kept: dict[Any, Way] = {}
    for values, enrolments, weight in ways:
        if weight > 0:
            enrolled = tuple(sorted((name, one.kind, one.start, one.delivered) for name, one in enrolments.items()))
            key = (tuple(sorted(values.items())), enrolled)
            weights[key] += weight
            kept[key] = (values, enrolments, weight)
    return [(kept[key][0], kept[key][1], weight) for key, weight in weights.items()]
