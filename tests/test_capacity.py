"""Arms with few places a calendar year: whose place they change, what is counted, reported and refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.chunk import Chunk, history_of
from sim.comparison import compare
from sim.domain import Death, Domain
from sim.draws import philox_key
from sim.engine import relive, simulate
from sim.errors import ScenarioError
from sim.expect import expect
from sim.expression import Expression
from sim.intervention import Effect
from sim.kernels.layout import (
    ELIGIBLE_COUNT,
    OFFERED_COUNT,
    START_COUNT,
    WAITED_COUNT,
    WAITING_COUNT,
)
from sim.outcome import Outcome
from sim.persons import all_ids, persons_of
from sim.plan import Plan, bind
from sim.queue_counts import queue_counts
from sim.scenario import Arm, Cohort, Stratum
from sim.tables import Parameters
from tests.line_models import SEED, by_draw, counts_of, few, in_line, lived, still, visits
from tests.models import same_counts, scenario, support, together, training, tutoring


@pytest.fixture(scope="module")
def plan() -> Plan:
    own = {"baseline": Arm((few(10),)), "same": Arm((few(10),)), "more": Arm((few(20), tutoring()))}
    own |= {"lot": Arm((few(10, rank=None),)), "all": Arm((support(),)), "none": Arm()}
    return bind(scenario(arms=own))


@pytest.fixture(scope="module")
def outcome(plan: Plan) -> Outcome:
    return simulate(plan)


def test_no_more_start_in_a_copy_and_year_than_there_are_places_and_no_place_is_left_while_some_wait(outcome):
    for arm, places in (("baseline", 10), ("more", 20), ("lot", 10)):
        counts = counts_of(outcome, arm)
        assert counts[:, :, START_COUNT].max() == places
        assert (counts[counts[:, :, WAITING_COUNT] > 0][:, START_COUNT] == places).all()
        waiting = counts[:, :, ELIGIBLE_COUNT] - counts[:, :, OFFERED_COUNT]
        assert (counts[:, :, WAITING_COUNT] == waiting).all()
    assert counts_of(outcome, "baseline")[:, :, WAITING_COUNT].sum() > 1000


def test_an_arm_with_the_same_line_reaches_nobody(outcome):
    assert len(outcome.reached["same"]) == 0
    assert outcome.ledger("same").digest() == outcome.baseline.digest()


@pytest.mark.parametrize("settings", [{"threads": 3}, {"chunk": 1}, {"chunk": 37, "threads": 2}, {"in_full": True}])
def test_threads_and_chunks_change_nothing(plan, outcome, settings):
    other = simulate(plan, **settings)
    assert same_counts(other, outcome)
    assert all((other.reached[arm] == outcome.reached[arm]).all() for arm in plan.compared)


def test_the_order_of_persons_changes_nothing(plan, outcome):
    other = simulate(plan, ids=np.random.default_rng(3).permutation(all_ids(plan)), chunk=64)
    assert same_counts(other, outcome)
    assert all(set(other.reached[arm]) == set(outcome.reached[arm]) for arm in plan.compared)


def test_a_copy_has_a_line_of_its_own(plan, outcome):
    alone = simulate(plan, ids=all_ids(plan)[300:600])
    for arm in plan.arms:
        np.testing.assert_array_equal(counts_of(alone, arm)[1], counts_of(outcome, arm)[1])
        np.testing.assert_array_equal(alone.ledger(arm).counts[1], outcome.ledger(arm).counts[1])


def test_more_copies_than_blocks_have_a_line_each():
    some = in_line((visits(3),), cohort=Cohort(2020, represents=5, copies=200))
    counts = counts_of(simulate(some, chunk=7), "arm_1")
    assert counts[:, 2, START_COUNT].sum() == 600
    assert len(counts) == 128


def test_more_places_than_persons_are_as_good_as_no_limit():
    with_limit, without = (
        simulate(scenario((few(10**6, **terms),), (few(10**6, **terms), training()))) if limited else
        simulate(scenario((support(**terms),), (support(**terms), training())))
        for terms in ({"offer": "yearly", "uptake": 0.3},) for limited in (True, False)
    )  # fmt: skip
    assert same_counts(with_limit, without)
    for arm in with_limit.plan.compared:
        np.testing.assert_array_equal(with_limit.reached[arm], without.reached[arm])


# Whose place an arm changes


def test_those_who_are_pushed_out_of_line_are_in_the_comparison():
    """An arm that lets others in whose rank is higher takes places from those who have them in the baseline."""
    baseline = few(10, when="risk < 1", rank="risk", ages=(2, 4))
    wider = few(10, when="risk > -1.3", rank="risk", ages=(2, 4))
    null = [replace(one, effects=()) for one in (baseline, wider)]
    arms = {"baseline": Arm((null[0],)), "wider": Arm((null[1],))}
    outcome = simulate(scenario(arms=arms, horizon=7), seed=SEED)
    plan, key = outcome.plan, philox_key(SEED)
    place = {}
    for arm in plan.arms:
        place[arm] = {identity: step for chunk in lived(plan, arm) for identity, step in _places(chunk)}
    lost = set(place["baseline"]) - set(place["wider"])
    assert len(lost) > 20
    differ = {i for i in {**place["baseline"], **place["wider"]} if place["baseline"].get(i) != place["wider"].get(i)}
    assert differ <= set(outcome.reached["wider"].tolist())
    history = [history_in_step(plan, arm, key) for arm in plan.arms]
    np.testing.assert_array_equal(*history)  # without an effect nobody lives another life …
    dead = set(outcome.reached["wider"].tolist()) - differ
    assert len(dead) <= 3  # … so whoever else is reached died in the year of the place, and has no course any more


def _places(chunk: Chunk) -> list[tuple[int, int]]:
    n = chunk.alive
    has = chunk.standing[0, :n] == 1
    return list(zip(chunk.ids[:n][has].tolist(), chunk.start[0, :n][has].tolist(), strict=True))


def history_in_step(plan: Plan, arm: str, key: int) -> np.ndarray:
    return together(plan, plan.programs[arm], persons_of(plan, None, None, key), key).history


def test_who_dies_in_the_year_of_the_place_is_in_the_comparison():
    death = Death()
    death.occasion(ages=(1, 1))(lambda: 1.0)
    one = in_line((visits(3, ages=(1, 1)),), model=still(death=death))
    outcome = simulate(one, seed=SEED)
    assert counts_of(outcome, "arm_1")[:, :, START_COUNT].sum() == 6
    ids = all_ids(outcome.plan).tolist()
    first = {i for copy in range(2) for i in by_draw(ids[12 * copy : 12 * copy + 12])[:3]}
    assert set(outcome.reached["arm_1"].tolist()) == first


def test_who_only_waits_is_not_in_the_comparison():
    outcome = simulate(in_line((visits(2, ages=(1, 3)),)), seed=SEED)
    assert outcome.arms["arm_1"].participants.tolist() == [6, 6]


def test_the_measures_of_an_arm_in_step_are_those_of_everyone(outcome):
    """Adding and taking off whole ledgers is the same as the difference of two simulations."""
    more = outcome.ledger("more") - outcome.baseline
    assert more.digest() == outcome.change("more").digest()
    assert outcome.arms["more"].participants.sum() == len(outcome.reached["more"]) > 100


def test_an_arm_that_makes_the_baseline_s_own_offers_reaches_nobody_even_alone():
    outcome = simulate(scenario(arms={"baseline": Arm((support(),)), "same": Arm((support(),))}))
    assert len(outcome.reached["same"]) == 0


def test_an_arm_in_step_is_lived_again_by_everyone(plan, outcome):
    for arm in ("more", "lot"):
        again = relive(outcome, arm, plan.programs[arm], by_block=True, threads=2)
        assert again.digest() == outcome.arms[arm].in_arm.digest()
        assert relive(outcome, arm, plan.programs[arm]).digest() == outcome.arms[arm].in_arm.together(1).digest()
    some = all_ids(plan)[:400]
    fewer = simulate(plan, ids=some)
    again = relive(fewer, "more", plan.programs["more"], by_block=True)
    assert again.digest() == fewer.arms["more"].in_arm.digest()


def test_an_arm_with_other_parameters_and_few_places_reaches_those_who_have_one():
    fewer = {"care": Parameters("care", {"placement": 0.01})}
    outcome = simulate(scenario(arms={"baseline": Arm(), "fewer": Arm((few(10),), parameters=fewer)}))
    counts = counts_of(outcome, "fewer")
    assert counts[:, :, START_COUNT].max() == 10
    assert outcome.arms["fewer"].participants.tolist() == counts[:, :, START_COUNT].sum(axis=1).tolist()
    again = relive(outcome, "fewer", outcome.plan.programs["fewer"])
    assert again.digest() == outcome.arms["fewer"].in_arm.together(1).digest()


# What is reported


def test_the_line_is_reported_by_copy_and_year(outcome):
    found = queue_counts(outcome, "more")["support"]
    counts = counts_of(outcome, "more")
    open_rows = counts[:, :, ELIGIBLE_COUNT].sum(axis=0) > 0
    assert found.years == open_rows.sum() > 5
    assert found.capacity_per_year == 20
    for name, kind in (("eligible", ELIGIBLE_COUNT), ("offered", OFFERED_COUNT), ("started", START_COUNT)):
        assert getattr(found, name) == pytest.approx(counts[:, :, kind].sum() / 3 / found.years)
    assert found.refused == pytest.approx(found.offered - found.started)
    assert found.gave_up == pytest.approx(0)
    assert found.years_waited == counts[:, :, WAITED_COUNT].sum() / counts[:, :, START_COUNT].sum() > 0.5
    assert list(queue_counts(outcome, "all")) == []
    assert list(queue_counts(outcome, "baseline")) == ["support"]
    assert compare(outcome).arms["none"].delivered == {}


# What has no clear meaning


def test_existing_delivery_by_share_and_a_line_exclude_each_other():
    with pytest.raises(ScenarioError, match="one offer cannot have both"):
        few(5, baseline_coverage=0.2)


@pytest.mark.parametrize("places", [0, -3])
def test_a_line_needs_a_place(places):
    with pytest.raises(ScenarioError, match="capacity_per_year must be 1 or more"):
        few(places)


def test_strata_hold_no_copies():
    strata = (Stratum("high", 100, Expression.of("risk > 1")), Stratum("rest", 100))
    with pytest.raises(ScenarioError, match="strata are no copies of it"):
        bind(scenario((few(5),), cohort=Cohort(2020, 100, 3, strata)))


def test_the_exact_solver_has_no_line():
    with pytest.raises(ScenarioError, match="depends on everyone else in line"):
        expect(scenario((few(5),)))


def test_one_life_alone_has_no_line():
    plan = bind(scenario((few(5),)))
    with pytest.raises(ScenarioError, match="has few places a year"):
        history_of(plan, plan.programs["arm_1"], all_ids(plan), philox_key(1))


def test_a_rank_of_families_reads_what_siblings_share():
    home = Domain("home", ("calm", "loud"), "calm", keyed="family")
    home.hazard("calm", "loud")(lambda: 0.3)
    acts = Effect("hazard_ratio", (("home", "calm", "loud"),), size=-1.0)
    one = replace(visits(2, rank=Expression.of("need == 'high'")), effects=(acts,))
    with pytest.raises(ScenarioError, match="`rank` reads 'need', which is the child's own"):
        bind(in_line((one,), model=still(home)))
