"""Sick–Sicker (Krijkamp et al. 2018, Medical Decision Making 38(3):400), from its parameters alone.

The transitions are probabilities of one multinomial draw a cycle, and death is a state of the domain. The treatment
changes nobody's course, only prices; utilities are prices in years, paid by `household`, which is never summed with
the cost.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.comparison import Comparison, compare
from sim.domain import Domain, Quantity
from sim.engine import simulate
from sim.expect import expect
from sim.model import Model
from sim.outcome import Outcome
from sim.people import Population
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Rule
from tests.published.agreement import BOUND, agrees, cost_by_copy, distance

PERSONS, COPIES = 400_000, 64
STATES = ("H", "S1", "S2", "D")
COST = {"baseline": (2000, 4000, 15000, 0), "treatment": (2000, 16000, 27000, 0)}
UTILITY = {"baseline": (1, 0.75, 0.5, 0), "treatment": (1, 0.95, 0.5, 0)}
PAYER = {"cost": "state", "quality": "household"}
EXACT = {
    ("baseline", "cost"): 75976.1491401425,
    ("baseline", "quality"): 15.8388478145,
    ("treatment", "cost"): 141623.0281883438,
    ("treatment", "quality"): 16.4004055892,
}
OCCUPANCY = {
    1: (0.845, 0.15, 0, 0.005),
    10: (0.6184095872, 0.1567754685, 0.1350551752, 0.0897597691),
    30: (0.3486835716, 0.0883963115, 0.2065287629, 0.3563913539),
}
PUBLISHED_ERROR = {
    ("baseline", "cost"): 183,
    ("baseline", "quality"): 0.0157,
    ("treatment", "cost"): 343,
    ("treatment", "quality"): 0.0162,
}
PUBLISHED_PERSONS = 100_000


def health() -> Domain:
    domain = Domain("health", STATES, "H")
    rate = -math.log(1 - 0.005)
    die_sick, die_sicker = 1 - math.exp(-3 * rate), 1 - math.exp(-10 * rate)

    @domain.occasion("H", ["S1", "D"])
    def healthy():
        return 0.15, 0.005

    @domain.occasion("S1", ["H", "S2", "D"])
    def sick():
        return 0.5, 0.105, die_sick

    @domain.occasion("S2", "D")
    def sicker():
        return die_sicker

    return domain


def years_in(state: str) -> Quantity:
    rule = Rule(lambda health: health == state, ("health",), False, f"in_{state}")
    return Quantity(f"years_in_{state}", rule, "on_date", "years")


def prices(arm: str) -> dict[str, Price]:
    rows = {}
    for kind, values in (("cost", COST[arm]), ("quality", UTILITY[arm])):
        for state, value in zip(STATES, values, strict=True):
            name = f"{kind}_{state}"
            rows[name] = Price(name, years_in(state), value, 2018, Shares.of(PAYER[kind]))
    return rows


def sick_sicker() -> Scenario:
    return Scenario(
        model=Model("sick_sicker", (health(),)),
        population=Population("all healthy", ()),
        cohort=Cohort(2018, PERSONS // COPIES, COPIES),
        arms={"baseline": Arm(), "treatment": Arm(prices=prices("treatment"))},
        horizon=30,
        economics=Economics(2018, discount_rate=0.03, first_exponent=1, count_start=True),
        prices=PriceList(tuple(prices("baseline").values())),
    )


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(sick_sicker(), seed=1, threads=2)


@pytest.fixture(scope="module")
def priced(outcome) -> Comparison:
    return compare(outcome)


@pytest.mark.parametrize("cycle", OCCUPANCY)
@pytest.mark.parametrize("arm", ["baseline", "treatment"])
def test_states_are_occupied_as_published(outcome, arm, cycle):
    counts = outcome.share_in(["health"], arm)[0][cycle]
    assert counts.sum() == PERSONS
    for count, probability in zip(counts, OCCUPANCY[cycle], strict=True):
        assert agrees(int(count), PERSONS, probability)


@pytest.mark.parametrize(("arm", "kind"), EXACT)
def test_the_mean_is_the_exact_one(outcome, priced, arm, kind):
    totals = cost_by_copy(outcome, arm, PAYER[kind])
    assert abs(distance(totals, outcome.baseline.persons, EXACT[arm, kind])) < BOUND
    assert priced.costs[arm][PAYER[kind]][1] == pytest.approx(totals.sum() / PERSONS, rel=1e-12)


@pytest.mark.parametrize("kind", PAYER)
def test_the_difference_is_the_exact_one(priced, kind):
    found = priced.arms["treatment"].by_payer[PAYER[kind]]
    assert abs(found.incremental - (EXACT["treatment", kind] - EXACT["baseline", kind])) < BOUND * found.se


@pytest.mark.parametrize(("arm", "kind"), EXACT)
def test_the_monte_carlo_error_is_the_published_one(outcome, arm, kind):
    """A standard deviation over 64 copies has a relative standard error of 1 / √126."""
    deviation = cost_by_copy(outcome, arm, PAYER[kind]).std(ddof=1) * math.sqrt(COPIES) / math.sqrt(PERSONS)
    published = PUBLISHED_ERROR[arm, kind] * math.sqrt(PUBLISHED_PERSONS)
    assert abs(deviation / published - 1) < BOUND / math.sqrt(2 * (COPIES - 1))


def test_common_draws_give_the_published_error_of_the_gain(priced):
    error = priced.arms["treatment"].by_payer["household"].se * math.sqrt(PERSONS / PUBLISHED_PERSONS)
    assert abs(error / 0.00113 - 1) < BOUND / math.sqrt(2 * (COPIES - 1))


def test_a_treatment_of_prices_alone_reaches_nobody(outcome, priced):
    assert priced.arms["treatment"].participants == 0
    assert outcome.ledger("treatment").digest() == outcome.baseline.digest()


# The same model, solved exactly: to all the digits that are known

CLOSE = 1e-9


@pytest.fixture(scope="module")
def solved() -> Outcome:
    return expect(sick_sicker())


@pytest.mark.parametrize("cycle", OCCUPANCY)
@pytest.mark.parametrize("arm", ["baseline", "treatment"])
def test_the_exact_occupancy_is_the_known_one_to_the_last_digit_printed(solved, arm, cycle):
    shares = solved.share_in(["health"], arm)[0][cycle] / solved.baseline.persons[0]
    assert shares.sum() == pytest.approx(1, rel=1e-13)
    assert shares == pytest.approx(OCCUPANCY[cycle], abs=0.5e-10)  # ten decimals are printed


@pytest.mark.parametrize(("arm", "kind"), EXACT)
def test_the_exact_mean_is_the_known_one(solved, arm, kind):
    priced = compare(solved)
    assert priced.costs[arm][PAYER[kind]][1] == pytest.approx(EXACT[arm, kind], rel=CLOSE)


def test_the_exact_ratio_of_cost_to_quality_is_the_known_one(solved):
    gained = compare(solved).arms["treatment"].by_payer
    ratio = gained["state"].incremental / gained["household"].incremental
    assert ratio == pytest.approx(116901.3804205959, rel=CLOSE)
    assert gained["state"].se is None


def test_the_exact_occupancies_are_powers_of_the_transition_matrix(solved):
    r = -math.log(1 - 0.005)
    s1, s2 = 1 - math.exp(-3 * r), 1 - math.exp(-10 * r)
    matrix = np.array([
        [1 - 0.15 - 0.005, 0.15, 0, 0.005],
        [0.5, 1 - 0.5 - 0.105 - s1, 0.105, s1],
        [0, 0, 1 - s2, s2],
        [0, 0, 0, 1],
    ])  # fmt: skip
    shares = solved.share_in(["health"])[0] / solved.baseline.persons[0]
    for cycle in range(31):
        np.testing.assert_allclose(shares[cycle], np.linalg.matrix_power(matrix, cycle)[0], rtol=1e-12)
