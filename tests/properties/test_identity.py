"""The same persons under the same seed live the same lives, however they are simulated and whoever else is there.

All comparisons are of integers: no tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import sim.persons
from sim.chunk import Chunk, history_of
from sim.domain import Domain
from sim.draws import philox_key
from sim.engine import simulate
from sim.expression import Expression
from sim.intervention import Intervention
from sim.ledger import Ledger, Need
from sim.model import Model
from sim.outcome import Outcome
from sim.persons import all_ids, persons_of, portions
from sim.plan import bind
from sim.scenario import Arm, Cohort
from sim.tables import Parameters
from tests.models import RISK, SEX, childhood, margins, same_counts, scenario, support, training, tutoring
from tests.properties.random_scenarios import in_families, scenarios


@pytest.fixture(scope="module")
def plan():
    return bind(scenario((support(),), (support(uptake=0.3), tutoring()), (training(offer="yearly"), tutoring())))


@pytest.fixture(scope="module")
def outcome(plan) -> Outcome:
    return simulate(plan)


def test_the_arms_differ_so_that_the_comparisons_below_say_something(plan, outcome):
    assert len({outcome.ledger(arm).digest() for arm in plan.arms}) == 4
    assert all(len(outcome.reached[arm]) > 100 for arm in plan.compared)


def test_the_number_of_threads_changes_nothing(plan, outcome):
    assert same_counts(simulate(plan, threads=2, chunk=50), outcome)


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_the_chunk_size_changes_nothing(plan, outcome, chunk):
    assert same_counts(simulate(plan, chunk=chunk), outcome)


def test_the_order_of_persons_changes_nothing(plan, outcome):
    shuffled = np.random.default_rng(5).permutation(all_ids(plan))
    other = simulate(plan, ids=shuffled, chunk=64)
    assert same_counts(other, outcome)
    assert all(set(other.reached[arm]) == set(outcome.reached[arm]) for arm in plan.compared)


def test_two_halves_of_the_cohort_add_up_to_it(plan, outcome):
    ids = all_ids(plan)
    halves = [simulate(plan, ids=some) for some in (ids[::2], ids[1::2])]
    for arm in plan.arms:
        assert (halves[0].ledger(arm) + halves[1].ledger(arm)).digest() == outcome.ledger(arm).digest()


@pytest.mark.parametrize("stream", [False, True])
def test_persons_who_come_some_copies_at_a_time_count_the_same(plan, outcome, stream, monkeypatch):
    monkeypatch.setattr(sim.persons, "PORTION", 1)
    key = philox_key(1)
    assert {len(some) for some in portions(plan, None, None, key)} == {plan.scenario.cohort.represents}
    np.testing.assert_array_equal(np.concatenate([some.ids for some in portions(plan, None, None, key)]), all_ids(plan))
    again = simulate(plan, stream=stream)
    assert same_counts(again, outcome)
    for arm in plan.compared:
        np.testing.assert_array_equal(again.arms[arm].participants, outcome.arms[arm].participants)
        assert stream or set(again.reached[arm]) == set(outcome.reached[arm])
    assert not (stream and again.reached)


def test_the_same_seed_repeats_and_another_does_not(plan, outcome):
    assert same_counts(simulate(plan), outcome)
    assert not same_counts(simulate(plan, seed=2), outcome)
    assert not same_counts(simulate(plan, replicate=1), outcome)


def test_seeds_of_small_and_large_keys_live_in_one_run(plan):
    """A key is 64 bits; those beyond 2^63 are no other kind of number."""
    assert len({simulate(plan, seed=seed).digest() for seed in range(8)}) == 8


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=150))
def test_living_only_the_reached_equals_living_everyone(scenario):
    plan = bind(scenario)
    families = in_families(all_ids(plan))
    outcome, whole = (simulate(plan, families=families, in_full=in_full) for in_full in (False, True))
    assert same_counts(outcome, whole)
    for arm in plan.compared:  # a life that differs is the life of someone reached
        np.testing.assert_array_equal(outcome.reached[arm], whole.reached[arm])


def test_the_marks_of_lives_tell_whose_life_an_arm_changes():
    plan = bind(scenario((support(),)))
    key = philox_key(1)
    marks = []
    lives = []
    for arm in plan.arms:
        chunk = Chunk(plan, plan.programs[arm], persons_of(plan, None, None, key), key)
        marks.append(np.zeros((2, len(chunk.ids)), dtype=np.uint64))
        lives.append(history_of(plan, plan.programs[arm], all_ids(plan), key))
        chunk.live_marked(plan.scenario.horizon, chunk.tally(plan.scenario.horizon + 1), 1, marks[-1])
    differs = (lives[0] != lives[1]).any(axis=(0, 1))
    assert 0 < differs.sum() < len(differs)
    assert ((marks[0][0] != marks[1][0]) >= differs).all()
    assert (marks[0][1] == 0).all()
    assert ((marks[1][1] != 0) >= differs).all()
    again = np.zeros_like(marks[0])
    chunk = Chunk(plan, plan.programs["baseline"], persons_of(plan, None, None, key), key)
    chunk.live_marked(plan.scenario.horizon, chunk.tally(plan.scenario.horizon + 1), 1, again)
    np.testing.assert_array_equal(again, marks[0])


@pytest.mark.parametrize("step", [0, 7, 12])
def test_a_chunk_copied_at_any_step_lives_on_alike(step):
    plan = bind(scenario((support(),)))
    key, program, end = philox_key(1), plan.programs["arm_1"], plan.scenario.horizon
    whole = Chunk(plan, program, persons_of(plan, None, None, key), key)
    tally = whole.tally(end + 1)
    whole.live(step, tally, 1)
    half = np.zeros(whole.alive, dtype=bool)
    half[::2] = True
    parts = [whole.some(half, program), whole.some(~half, program)]
    counted = [part.tally(end + 1 - step) for part in parts]
    whole.live(end, tally, step + 1)
    for part, counts in zip(parts, counted, strict=True):
        part.live(end, counts, 1)
    together = np.zeros_like(tally.counts[:, step:])
    for counts in counted:
        together[counts.blocks] += counts.counts
    np.testing.assert_array_equal(together[:, 1:], tally.counts[:, step + 1 :])


def test_offers_refused_by_those_who_are_not_reached_are_counted():
    plan = bind(scenario((support(uptake=0.5),)))
    outcome = simulate(plan)
    _, offered, started, *_ = outcome.ledger("arm_1").deliveries.sum(axis=(0, 1, 2))
    assert offered > 1.5 * started == 1.5 * len(outcome.reached["arm_1"])
    assert same_counts(outcome, simulate(plan, in_full=True))


@pytest.mark.parametrize("uptake", [0.0, 0.15, 0.6, 1.0])
def test_living_only_the_reached_equals_living_everyone_under_existing_delivery(uptake):
    covered = support(baseline_coverage=0.3)
    plan = bind(scenario((replace(covered, uptake=Expression.of(uptake)),), (tutoring(),)))
    assert same_counts(simulate(plan), simulate(plan, in_full=True))


def test_an_arm_without_the_baseline_s_own_intervention_reaches_those_who_had_it():
    plan = bind(scenario(arms={"baseline": Arm((support(),)), "none": Arm(), "same": Arm((support(),))}))
    outcome = simulate(plan)
    assert same_counts(outcome, simulate(plan, in_full=True))
    assert len(outcome.reached["none"]) > 100
    assert len(outcome.reached["same"]) == 0


def test_an_arm_with_other_parameters_is_lived_by_everyone():
    changed = Arm((tutoring(),), parameters={"care": Parameters("care", {"placement": 0.01})})
    plan = bind(scenario(arms={"baseline": Arm(), "fewer": changed}))
    outcome = simulate(plan)
    assert outcome.ledger("fewer").persons.sum() == outcome.baseline.persons.sum()
    alone = bind(scenario((tutoring(),), parameters=changed.parameters))
    np.testing.assert_array_equal(outcome.ledger("fewer").counts, simulate(alone, in_full=True).ledger("arm_1").counts)


@pytest.mark.parametrize(
    "null",
    [support(0.0), tutoring(0.0), training(0.0), support(0.0, baseline_coverage=0.4), training(0.0, estimand="itt")],
    ids=["hazard_ratio_1", "odds_ratio_1", "shift_0", "covered", "itt"],
)
def test_a_null_intervention_changes_nobody(null: Intervention):
    null = replace(null, replaces=None)
    outcome = simulate(scenario((null,)))
    reached = outcome.arms["arm_1"]
    assert reached.participants.sum() > 100
    np.testing.assert_array_equal(reached.in_arm.counts, reached.in_baseline.counts)


def test_an_intervention_that_nobody_accepts_reaches_nobody():
    outcome = simulate(scenario((support(uptake=0),)))
    assert outcome.arms["arm_1"].participants.sum() == 0
    np.testing.assert_array_equal(outcome.ledger("arm_1").counts, outcome.baseline.counts)


def test_one_more_person_adds_that_person_and_nobody_else(plan, outcome):
    one_more = all_ids(plan)[-1] + np.uint64(1)
    more = simulate(plan, ids=np.append(all_ids(plan), one_more))
    alone = simulate(plan, ids=np.array([one_more]))
    for arm in plan.arms:
        assert (more.ledger(arm) - outcome.ledger(arm)).digest() == alone.ledger(arm).digest()
        assert alone.ledger(arm).persons.sum() == 1


def test_more_copies_leave_the_first_ones_alone(plan, outcome):
    cohort = plan.scenario.cohort
    larger = simulate(replace(plan.scenario, cohort=Cohort(cohort.born, cohort.represents, cohort.copies + 2)))
    for arm in plan.arms:
        np.testing.assert_array_equal(larger.ledger(arm).counts[: cohort.copies], outcome.ledger(arm).counts)


def test_an_unused_intervention_leaves_every_other_arm_alone():
    few = simulate(scenario((support(),)))
    more = simulate(scenario((support(),), (training(),)))
    np.testing.assert_array_equal(more.baseline.counts, few.baseline.counts)
    np.testing.assert_array_equal(more.ledger("arm_1").counts, few.ledger("arm_1").counts)
    same_offer = more.plan.interventions.index("support")
    np.testing.assert_array_equal(
        more.ledger("arm_1").deliveries[:, :, same_offer], few.ledger("arm_1").deliveries[:, :, 0]
    )


def test_an_arm_does_not_depend_on_the_other_arms(plan, outcome):
    """Whom it reaches is found out in the one baseline life that all arms share."""
    for arm in plan.compared:
        alone = simulate(replace(plan.scenario, arms={"baseline": Arm(), arm: plan.scenario.arms[arm]}))
        assert set(alone.reached[arm]) == set(outcome.reached[arm])
        columns = {"care", "previous_care", "sex"}
        found, known = (one.ledger(arm).of(one.ledger(arm).margin(columns)) for one in (alone, outcome))
        np.testing.assert_array_equal(found, known)


def hobby() -> Domain:
    """Return a domain that nobody reads."""
    domain = Domain("hobby", ("none", "music"), "none", clock=2)
    domain.hazard("none", "music")(lambda age: 0.1 + 0.001 * age)
    domain.hazard("music", "none")(lambda sex: 0.2 + 0.1 * (sex == "boy"))
    return domain


def test_a_domain_that_nobody_reads_changes_no_other_life(plan, outcome):
    wider = simulate(replace(plan.scenario, model=childhood(hobby())))
    for arm in plan.arms:
        before, after = (margins(one.ledger(arm)) for one in (outcome, wider))
        assert set(before) <= set(after)
        for columns, counts in before.items():
            np.testing.assert_array_equal(after[columns], counts)


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(plan, outcome):
    rows = 21
    short = simulate(replace(plan.scenario, horizon=rows - 1))

    def beginning(ledger: Ledger) -> Ledger:
        return replace(ledger, counts=ledger.counts[:, :rows], deliveries=ledger.deliveries[:, :rows])

    np.testing.assert_array_equal(short.baseline.counts, beginning(outcome.baseline).counts)
    for arm in plan.arms:
        assert short.ledger(arm).digest() == beginning(outcome.ledger(arm)).digest()


def two_steps(out_of_a: Callable[..., Any], out_of_b: Callable[..., Any]) -> Model:
    domain = Domain("care", ("a", "b", "c"), "a")
    domain.hazard("a", "b", ages=(0, 20))(out_of_a)
    domain.hazard("b", "c", ages=(5, 9))(out_of_b)
    return Model("two_steps", (domain,), traits=(SEX, RISK))


def test_one_rule_for_two_states_may_tell_them_apart_by_the_state():
    def rate(care):
        return 0.1 + 0.5 * (care == "b")

    plain = {"needs": (Need(frozenset({"care"})),), "parameters": {}}
    together = simulate(scenario(model=two_steps(rate, rate), **plain))
    apart = simulate(scenario(model=two_steps(lambda: 0.1, lambda: 0.6), **plain))
    assert same_counts(together, apart)
