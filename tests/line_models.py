"""Offers with few places, a model in which nothing happens unless it is asked for, and lives in its lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.chunk import Chunk
from sim.domain import Death, Domain
from sim.draws import philox_key
from sim.expression import Expression
from sim.in_step import InStep
from sim.intervention import Intervention
from sim.ledger import Need
from sim.model import Model
from sim.outcome import Outcome
from sim.people import Attribute, Population, Trait
from sim.persons import copy_of, persons_of
from sim.plan import Plan
from sim.scenario import Cohort, Scenario
from tests.models import offer, scenario, support
from tests.properties.plain_draws import draw

SEED = 11


def few(places: int | None, **more: Any) -> Intervention:
    """Return support with so many places a year, for those at highest risk first unless `rank` says otherwise."""
    rank = more.pop("rank", "risk")
    known = None if rank is None else Expression.of(rank)
    return support(capacity_per_year=places, rank=known, **more)


def counts_of(outcome: Outcome, arm: str) -> np.ndarray:
    """Return what was counted of the first intervention in an arm: (blocks, rows, counts)."""
    return outcome.ledger(arm).deliveries[:, :, 0]


NEED = Trait("need", ("low", "high"))
PEOPLE = Population("people", (Attribute("need", {"low": 0.7, "high": 0.3}),))


def still(*further: Domain, death: Death | None = None) -> Model:
    """Return a model in which nothing happens to anybody unless it is asked for."""
    return Model("still", (Domain("care", ("home", "away"), "home"), *further), traits=(NEED,), death=death)


def visits(places: int | None, **more: Any) -> Intervention:
    settings = {"ages": (1, 6), "when": "1", "uptake": 1, **more}
    return offer("visits", capacity_per_year=places, **settings)


def in_line(*arms: tuple[Intervention, ...], model: Model | None = None, **settings: Any) -> Scenario:
    known = {"population": PEOPLE, "cohort": Cohort(2020, represents=12, copies=2), "horizon": 9}
    known |= {"needs": (Need(frozenset({"care"})),), "parameters": {}}
    return scenario(*arms, model=model or still(), **{**known, **settings})


def lived(plan: Plan, arm: str, until: int | None = None) -> Iterator[Chunk]:
    """Live every copy of an arm in step, and give its chunk."""
    key = philox_key(SEED)
    persons = persons_of(plan, None, None, key)
    for copy in range(plan.scenario.cohort.copies):
        chunk = Chunk(plan, plan.programs[arm], persons.some(copy_of(persons.ids) == copy), key)
        steps = plan.scenario.horizon if until is None else until
        InStep(plan, plan.programs[arm], [chunk]).live(steps, [chunk.tally(steps + 1)], [1])
        yield chunk


def by_draw(identities: list[int], name: str = "queue visits") -> list[int]:
    return sorted(identities, key=lambda one: draw(SEED, one, 0, name))
