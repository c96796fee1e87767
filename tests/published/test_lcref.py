"""LC-ref/1 lived by 400 000 persons agrees with the full Markov chain over its joint states."""

from __future__ import annotations

import numpy as np
import pytest

from sim.comparison import Comparison, compare
from sim.engine import simulate
from sim.outcome import Outcome
from tests.published import lcref
from tests.published.agreement import BOUND, agrees, cost_by_copy, distance

ARMS = pytest.mark.parametrize("arm", ["baseline", "treatment"])
PAYERS = tuple(lcref.read()["yearly_cost"]["payers"])
LETTER = {"education": "E", "health": "H", "crime": "C"}


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(lcref.scenario(), seed=1, threads=2)


@pytest.fixture(scope="module")
def priced(outcome) -> Comparison:
    return compare(outcome)


def exact(arm: str) -> dict:
    return lcref.read()["exact"][arm]


def exact_saving() -> float:
    totals = [sum(exact(arm)["discounted_cost_per_person"]) for arm in ("baseline", "treatment")]
    return totals[0] - totals[1]


def life_years(outcome: Outcome, arm: str) -> np.ndarray:
    """Return the years lived in each copy: everyone alive after a step has lived it."""
    ledger = outcome.ledger(arm)
    return ledger.of(ledger.margin(["health"]))[:, 1:].sum(axis=(1, 2))


@ARMS
def test_life_years_agree(outcome, arm):
    assert abs(distance(life_years(outcome, arm), outcome.baseline.persons, exact(arm)["life_years"])) < BOUND


@ARMS
def test_survival_agrees_at_every_age_given(outcome, arm):
    alive = outcome.share_in(["health"], arm)[0].sum(axis=1)
    for age, probability in exact(arm)["alive_at_age"].items():
        assert agrees(int(alive[int(age) + 1]), lcref.PERSONS, probability), age


@ARMS
@pytest.mark.parametrize("domain", LETTER)
def test_every_state_is_occupied_as_often_as_it_should_be(outcome, arm, domain):
    counts, _ = outcome.share_in([domain], arm)
    occupancy = exact(arm)[f"occupancy_{LETTER[domain]}"]
    assert len(occupancy) >= 5
    for age, probabilities in occupancy.items():
        for state, (count, probability) in enumerate(zip(counts[int(age) + 1], probabilities, strict=True)):
            assert agrees(int(count), lcref.PERSONS, probability), (age, state)


@ARMS
@pytest.mark.parametrize("payer", PAYERS)
def test_the_cost_of_every_payer_agrees(outcome, arm, payer):
    known = exact(arm)["discounted_cost_per_person"][PAYERS.index(payer)]
    assert abs(distance(cost_by_copy(outcome, arm, payer), outcome.baseline.persons, known)) < BOUND


@ARMS
def test_a_comparison_prices_the_same_counts(outcome, priced, arm):
    persons = outcome.baseline.persons.sum()
    for payer in (*PAYERS, "public"):
        _, discounted = priced.costs[arm][payer]
        assert discounted == pytest.approx(cost_by_copy(outcome, arm, payer).sum() / persons, rel=1e-12)


def test_the_treatment_saves_what_it_should(priced):
    saving = priced.arms["treatment"].by_payer["public"]
    assert exact_saving() == pytest.approx(815.04, abs=0.005)
    assert abs(-saving.incremental - exact_saving()) < BOUND * saving.se


def test_the_treatment_lengthens_life_as_much_as_it_should(outcome):
    gain = life_years(outcome, "treatment") - life_years(outcome, "baseline")
    known = exact("treatment")["life_years"] - exact("baseline")["life_years"]
    assert abs(distance(gain, outcome.baseline.persons, known)) < BOUND


def test_sharing_draws_makes_the_saving_far_more_precise_than_two_runs(outcome, priced):
    """The reference's own pairing divides the variance by about 10.8; one clock a transition must not do worse."""
    paired = priced.arms["treatment"].by_payer["public"].se ** 2
    apart = [cost_by_copy(outcome, arm, "public") / outcome.baseline.persons for arm in ("baseline", "treatment")]
    assert sum(costs.var(ddof=1) / len(costs) for costs in apart) > 10.8 * paired


def test_only_the_treated_live_twice(outcome):
    alive = exact("baseline")["alive_at_age"]
    at_three = (alive["1"] + alive["5"]) / 2  # they differ by 2 in 10 000, a fifteenth of a standard error here
    assert agrees(len(outcome.reached["treatment"]), lcref.PERSONS, 0.25 * at_three)
