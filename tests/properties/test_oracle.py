"""The kernels and a plain-Python oracle live the same lives, person by person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from sim.expression import Expression
from sim.intervention import Intervention
from sim.kernels.layout import DELIVERY_COUNTS
from sim.persons import NOT_ALIVE, all_ids
from sim.plan import Plan, bind
from sim.scenario import Scenario
from tests.models import lives
from tests.properties.oracle import Person, take_group_values
from tests.properties.random_scenarios import in_families, scenarios

SEED = 11


def codes(plan: Plan, values: dict) -> np.ndarray:
    """Return a person's values as the engine lays them out."""
    columns = plan.scenario.model.columns
    row = np.zeros(plan.layout.size, dtype=np.uint8)
    for name, place in plan.layout.rows.items():
        column = columns[name]
        value = values[name]
        if column.values is not None:
            row[place] = column.values.index(value)
        else:
            row[place] = value if column.labels is None else column.labels.index(value)
    return row


def offers_of(scenario: Scenario, arm: str) -> tuple[Intervention, ...]:
    """Return what is offered in an arm: its own interventions, and existing delivery of the others."""
    offers = {one.name: one for one in scenario.arms[arm].interventions}
    for other in scenario.arms.values():
        for one in other.interventions:
            if one.baseline_coverage:
                offers.setdefault(one.name, replace(one, uptake=Expression.of(one.baseline_coverage)))
    return tuple(offers[name] for name in sorted(offers))


def lived_by_the_oracle(plan: Plan, arm: str, families: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return history and deliveries of everyone in an arm, shaped as the engine's."""
    rows = plan.scenario.horizon + 1
    ids = all_ids(plan)
    history = np.full((rows, plan.layout.size, len(ids)), NOT_ALIVE, dtype=np.uint8)
    deliveries = np.zeros((rows, len(plan.interventions), DELIVERY_COUNTS), dtype=np.int64)
    kinds = ("eligible", "offered", "started", "years")
    offers = offers_of(plan.scenario, arm)
    persons = [
        Person(plan.scenario, offers, SEED, int(identity), int(family))
        for identity, family in zip(ids, families, strict=True)
    ]
    living = {number: person.live() for number, person in enumerate(persons)}
    for row in range(rows):
        if row and living:
            take_group_values([persons[number] for number in living], row - 1)
        for number, life in list(living.items()):
            values = next(life, None)
            if values is None:
                del living[number]
                continue
            history[row, :, number] = codes(plan, values)
            for name, place in plan.layout.receives.items():
                have = persons[number].enrolments.get(name) if row else None
                history[row, place, number] = bool(have and have.kind == "enrolled" and not have.delivered)
    for person in persons:
        for (t, name, kind), count in person.deliveries.items():
            deliveries[t + 1, plan.interventions.index(name), kinds.index(kind)] += count
    return history, deliveries


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=40, classes=True))
def test_the_oracle_lives_every_life_of_every_arm_alike(scenario):
    plan = bind(scenario)
    families = in_families(all_ids(plan))
    for arm in plan.arms:
        expected, delivered = lived_by_the_oracle(plan, arm, families)
        found = lives(plan, arm, seed=SEED, families=families)
        np.testing.assert_array_equal(found.history, expected)
        np.testing.assert_array_equal(found.deliveries, delivered)
