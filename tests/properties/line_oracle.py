"""A copy of the municipality in plain Python: everyone lives a year at a time, and few places go to the first in line.

The queue of `docs/decisions/0012-capacity-and-queues.md`, written a second time from its words; each life is that of
`tests.properties.oracle`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim.intervention import Intervention
from sim.scenario import Scenario
from tests.properties.oracle import Enrolment, Person


class Copy:
    """Everyone of one copy under one arm's offers."""

    def __init__(
        self, scenario: Scenario, offers: tuple[Intervention, ...], seed: int, persons: list[tuple[int, int]]
    ) -> None:
        """persons: identity and family of each."""
        self.scenario, self.offers = scenario, offers
        self.everyone = [Person(scenario, offers, seed, identity, family) for identity, family in persons]
        self.alive = list(self.everyone)
        self.since: dict[tuple[str, int], int] = {}
        """The step since which one waits, by offer and person."""

    def live(self) -> Iterator[dict[int, dict[str, Any]]]:
        """Iterate over the values of the living by identity, at birth and after each step."""
        yield {one.id: one.be_born() for one in self.everyone}
        for t in range(self.scenario.horizon):
            for one in self.alive:
                one.begin(t)
            for offer in self.offers:
                if offer.capacity_per_year is not None:
                    self.give_places(offer, t)
            self.alive = [one for one in self.alive if one.go_on(t)]
            yield {one.id: dict(one.values) for one in self.alive}

    def give_places(self, offer: Intervention, t: int) -> None:
        name = offer.name
        line = [one for one in self.alive if one.may_have(offer)]
        self.since = {
            (other, identity): since
            for (other, identity), since in self.since.items()
            if other != name or identity in {one.id for one in line}
        }
        units: dict[int, list[Person]] = {}
        for one in line:
            one.deliveries[t, name, "eligible"] += 1
            self.since.setdefault((name, one.id), t)
            units.setdefault(one.family if f"queue {name}" in one.shared else one.id, []).append(one)

        def order(unit: int) -> tuple[float, int, int, int]:
            some = units[unit]
            rank = 0 if offer.rank is None else some[0].holds(offer.rank)
            return -rank, min(self.since[name, one.id] for one in some), some[0].draw(0, f"queue {name}"), unit

        left = offer.capacity_per_year or 0
        for unit in sorted(units, key=order):
            accepted = False
            for one in units[unit]:
                waited = t - self.since[name, one.id]
                if left:
                    del self.since[name, one.id]
                    if one.meet(offer, t):
                        accepted = True
                        one.deliveries[t, name, "waited"] += waited
                elif offer.waiting_years is not None and waited >= offer.waiting_years:
                    del self.since[name, one.id]
                    one.enrolments[name] = Enrolment("refused", t)
                else:
                    one.deliveries[t, name, "waiting"] += 1
            left -= accepted
