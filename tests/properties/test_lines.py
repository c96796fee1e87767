"""Random scenarios with few places: kernels and a plain-Python oracle keep the same lines, and nothing else counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings

from sim.draws import philox_key
from sim.engine import simulate
from sim.kernels.layout import (
    DELIVERY_COUNTS,
    ELIGIBLE_COUNT,
    OFFERED_COUNT,
    START_COUNT,
    WAITED_COUNT,
    WAITING_COUNT,
)
from sim.persons import NOT_ALIVE, all_ids, persons_of
from sim.plan import Plan, bind
from tests.models import same_counts, together
from tests.properties.line_oracle import Copy
from tests.properties.random_scenarios import in_families, scenarios
from tests.properties.test_oracle import SEED, codes, offers_of

KINDS = ("eligible", "offered", "started", "years", "waiting", "waited")


@dataclass
class Lived:
    """What the oracle says of everyone of one copy in an arm, shaped as the engine's."""

    history: np.ndarray
    deliveries: np.ndarray
    places: list[set[tuple[str, str, int, int]]]
    """Each one's places: the offer, whether it is delivered or only carried, its start, its years once it is over."""


def lived_by_the_oracle(plan: Plan, arm: str, families: np.ndarray) -> Lived:
    rows = plan.scenario.horizon + 1
    ids = all_ids(plan)
    number = {int(identity): place for place, identity in enumerate(ids)}
    history = np.full((rows, plan.layout.size, len(ids)), NOT_ALIVE, dtype=np.uint8)
    deliveries = np.zeros((rows, len(plan.interventions), DELIVERY_COUNTS), dtype=np.int64)
    persons = [(int(identity), int(family)) for identity, family in zip(ids, families, strict=True)]
    copy = Copy(plan.scenario, offers_of(plan.scenario, arm), SEED, persons)
    known = {one.id: one for one in copy.everyone}
    for row, living in enumerate(copy.live()):
        for identity, values in living.items():
            history[row, :, number[identity]] = codes(plan, values)
            for name, place in plan.layout.receives.items():
                have = known[identity].enrolments.get(name) if row else None
                history[row, place, number[identity]] = bool(have and have.kind == "enrolled" and not have.delivered)
    for one in copy.everyone:
        for (t, name, kind), count in one.deliveries.items():
            deliveries[t + 1, plan.interventions.index(name), KINDS.index(kind)] += count
    places = [
        {(name, h.kind, h.start, h.delivered) for name, h in one.enrolments.items() if h.kind != "refused"}
        for one in copy.everyone
    ]
    return Lived(history, deliveries, places)


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=40, places=True))
def test_the_oracle_keeps_every_line_of_every_arm_alike(scenario):
    plan = bind(scenario)
    families = in_families(all_ids(plan))
    key = philox_key(SEED)
    for arm in plan.arms:
        due = lived_by_the_oracle(plan, arm, families)
        for parts in (1, 3):
            found = together(plan, plan.programs[arm], persons_of(plan, None, families, key), key, parts)
            np.testing.assert_array_equal(found.history, due.history)
            np.testing.assert_array_equal(found.deliveries, due.deliveries)


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=30, places=True, copies=3))
def test_threads_chunks_and_the_order_of_persons_change_nothing(scenario):
    plan = bind(scenario)
    ids = all_ids(plan)
    families = in_families(ids)
    outcome = simulate(plan, families=families)
    shuffled = np.random.default_rng(5).permutation(len(ids))
    other = simulate(plan, ids=ids[shuffled], families=families[shuffled], threads=3, chunk=7)
    assert same_counts(outcome, other)
    for arm in plan.compared:
        assert set(outcome.reached[arm]) == set(other.reached[arm])
        assert (outcome.arms[arm].participants == other.arms[arm].participants).all()


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=40, places=True))
def test_whoever_lives_another_life_or_has_another_place_is_reached_and_nobody_else(scenario):
    plan = bind(scenario)
    families = in_families(all_ids(plan))
    outcome = simulate(plan, families=families, seed=SEED)
    lived = {arm: lived_by_the_oracle(plan, arm, families) for arm in plan.arms}
    for arm in plan.in_full:
        another_life = (lived[arm].history != lived["baseline"].history).any(axis=(0, 1))
        another_place = [mine != its for mine, its in zip(lived[arm].places, lived["baseline"].places, strict=True)]
        reached = all_ids(plan)[another_life | another_place]
        assert sorted(outcome.reached[arm]) == sorted(reached)


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=60, places=True, copies=2))
def test_no_more_start_in_a_year_than_there_are_places(scenario):
    plan = bind(scenario)
    outcome = simulate(plan)
    for arm, offers in plan.arms.items():
        for one in offers:
            counts = outcome.ledger(arm).deliveries[:, :, plan.interventions.index(one.catalogue_name)]
            if one.capacity_per_year is None:
                assert not counts[:, :, [WAITING_COUNT, WAITED_COUNT]].any()
                continue
            assert (counts[:, :, START_COUNT] <= one.capacity_per_year).all()
            spare = counts[:, :, START_COUNT] < one.capacity_per_year
            assert (counts[spare][:, OFFERED_COUNT] == counts[spare][:, ELIGIBLE_COUNT]).all()  # all have been asked
            assert not counts[spare][:, WAITING_COUNT].any()
