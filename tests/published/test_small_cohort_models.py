"""Two cohort models of the textbooks, lived by individuals: probabilities with a relative risk, and a walk out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.comparison import compare
from sim.domain import Domain, Quantity
from sim.engine import simulate
from sim.expect import expect
from sim.expression import Expression
from sim.intervention import Effect, Intervention
from sim.model import Model
from sim.outcome import Outcome
from sim.people import Population
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Rule
from tests.published.agreement import BOUND, cost_by_copy, distance

PERSONS, COPIES = 400_000, 64


def occasion(domain: Domain, state: str, to: list[str], *chances: float) -> None:
    domain.occasion(state, to)(Rule(lambda: chances, (), False, f"out_of_{state}"))


def years_in(domain: str, states: tuple[str, ...], name: str) -> Quantity:
    rule = Rule(lambda **values: sum(values[domain] == state for state in states), (domain,), False, name)
    return Quantity(name, rule, "on_date", "years")


def scenario(model: Model, horizon: int, economics: Economics, prices: list[Price], arms: dict[str, Arm]) -> Scenario:
    cohort = Cohort(2000, PERSONS // COPIES, COPIES)
    return Scenario(
        model=model, population=Population("one state", ()), cohort=cohort, arms=arms, horizon=horizon,
        economics=economics, prices=PriceList(tuple(prices)),
    )  # fmt: skip


COUNTS = {"A": (1251, 350, 116, 17), "B": (0, 731, 512, 15), "C": (0, 0, 1312, 437)}
STATES = ("A", "B", "C", "D")
CARE = {"A": 2756, "B": 3052, "C": 9007}
EXACT = {"mono": (44663.4535637, 7.9912066), "combination": (50601.6513312, 8.9373889)}


def hiv_scenario() -> Scenario:
    """Chancellor 1997 as in Briggs et al.: a relative risk of .509 and a second drug in years 1 and 2."""
    domain = Domain("hiv", STATES, "A")
    on = []
    for state, row in COUNTS.items():
        to = [one for one, count in zip(STATES, row, strict=True) if one != state and count]
        occasion(domain, state, to, *[COUNTS[state][STATES.index(one)] / sum(row) for one in to])
        on += [("hiv", state, one) for one in to]
    alive = years_in("hiv", ("A", "B", "C"), "alive")
    prices = [Price("drug", alive, 2278, 1997, Shares.of("state"))]
    prices += [
        Price(f"care_{s}", years_in("hiv", (s,), f"in_{s}"), c, 1997, Shares.of("state")) for s, c in CARE.items()
    ]
    combination = Intervention(
        name="combination", title="Combination therapy", field="health", ages=(0, 0), when=Expression.of(1),
        uptake=Expression.of(1), years=2, effects=(Effect("relative_risk", tuple(on), size=math.log(0.509)),),
    )  # fmt: skip
    economics = Economics(1997, discount_rate=0.06, first_exponent=1)
    return scenario(
        Model("hiv", (domain,)), 20, economics, prices, {"baseline": Arm(), "combination": Arm((combination,))}
    )


@pytest.fixture(scope="module")
def hiv() -> Outcome:
    return simulate(hiv_scenario(), seed=1, threads=2)


@pytest.fixture(scope="module")
def hiv_solved() -> Outcome:
    return expect(hiv_scenario())


def second_drug(outcome: Outcome) -> np.ndarray:
    """Return by copy the discounted cost of the second drug, for those alive after the step."""
    ledger = outcome.ledger("combination")
    alive = ledger.of(ledger.margin(["hiv"]))[:, :, :3].sum(axis=2)
    return 2086.5 * (alive[:, 1] / 1.06 + alive[:, 2] / 1.06**2)


def test_hiv_monotherapy_costs_what_it_should(hiv):
    totals = cost_by_copy(hiv, "baseline", "state")
    assert abs(distance(totals, hiv.baseline.persons, EXACT["mono"][0])) < BOUND


def test_hiv_combination_therapy_costs_what_it_should(hiv):
    totals = cost_by_copy(hiv, "combination", "state") + second_drug(hiv)
    assert abs(distance(totals, hiv.baseline.persons, EXACT["combination"][0])) < BOUND


@pytest.mark.parametrize(("arm", "therapy"), [("baseline", "mono"), ("combination", "combination")])
def test_hiv_life_years_are_what_they_should_be(hiv, arm, therapy):
    ledger = hiv.ledger(arm)
    years = ledger.of(ledger.margin(["hiv"]))[:, 1:, :3].sum(axis=(1, 2))
    assert abs(distance(years, hiv.baseline.persons, EXACT[therapy][1])) < BOUND


@pytest.mark.parametrize(("arm", "therapy"), [("baseline", "mono"), ("combination", "combination")])
def test_hiv_costs_and_life_years_are_exactly_what_they_should_be(hiv_solved, arm, therapy):
    persons = hiv_solved.baseline.persons[0]
    cost = cost_by_copy(hiv_solved, arm, "state")[0] + (second_drug(hiv_solved)[0] if arm == "combination" else 0)
    ledger = hiv_solved.ledger(arm)
    years = ledger.of(ledger.margin(["hiv"]))[0, 1:, :3].sum()
    assert cost / persons == pytest.approx(EXACT[therapy][0], rel=1e-9)
    assert years / persons == pytest.approx(EXACT[therapy][1], abs=0.5e-7)  # seven decimals are printed
    assert (years / persons, cost / persons) == pytest.approx(by_matrices(therapy), rel=1e-12)


def test_hiv_combination_therapy_buys_a_year_of_life_at_the_known_price(hiv_solved):
    (years, cost), (more_years, more_cost) = by_matrices("mono"), by_matrices("combination")
    assert (more_cost - cost) / (more_years - years) == pytest.approx(6275.9556, abs=0.5e-4)
    delivered = compare(hiv_solved).arms["combination"].delivered["combination"]
    assert delivered["started"] == pytest.approx(hiv_solved.baseline.persons[0], rel=1e-12)


def by_matrices(therapy: str) -> tuple[float, float]:
    """Return (life years, discounted cost) a person by multiplying the transition matrices, as the textbook does."""
    plain = np.array([[*COUNTS[state]] for state in "ABC"] + [[0, 0, 0, 1]], dtype=float)
    plain /= plain.sum(axis=1, keepdims=True)
    treated = 0.509 * (plain - np.diag(np.diag(plain)))
    treated += np.diag(1 - treated.sum(axis=1))
    state = np.array([1.0, 0.0, 0.0, 0.0])
    years = cost = 0.0
    for cycle in range(1, 21):
        early = therapy == "combination" and cycle <= 2
        state = state @ (treated if early else plain)
        alive = state[:3].sum()
        years += alive
        drugs = alive * (2278 + (2086.5 if early else 0))
        cost += (state[:3] @ [*CARE.values()] + drugs) * 1.06**-cycle
    return years, cost


def sonnenberg_and_beck() -> Scenario:
    domain = Domain("life", ("well", "disabled", "dead"), "well")
    occasion(domain, "well", ["disabled", "dead"], 0.2, 0.2)
    occasion(domain, "disabled", ["dead"], 0.4)
    economics = Economics(1993, discount_rate=0.0, count_start=True)
    prices = [
        Price("well", years_in("life", ("well",), "well"), 1.0, 1993, Shares.of("household")),
        Price("disabled", years_in("life", ("disabled",), "disabled"), 0.7, 1993, Shares.of("household")),
    ]
    return scenario(Model("textbook", (domain,)), 101, economics, prices, {"baseline": Arm()})


def test_sonnenberg_and_beck_expect_two_and_a_half_years_well_and_one_and_a_quarter_disabled():
    """Sonnenberg & Beck 1993; after 100 cycles 1e-22 of the cohort is not yet dead."""
    outcome = simulate(sonnenberg_and_beck(), seed=1, threads=2)
    persons = outcome.baseline.persons
    cycles = outcome.baseline.of(outcome.baseline.margin(["life"])).sum(axis=1)
    assert abs(distance(cycles[:, 0], persons, 2.5)) < BOUND
    assert abs(distance(cycles[:, 1], persons, 1.25)) < BOUND
    assert abs(distance(cost_by_copy(outcome, "baseline", "household"), persons, 3.375)) < BOUND


def test_sonnenberg_and_beck_solved_exactly():
    """The 1e-22 that is not yet dead after 100 cycles is below the last digit."""
    outcome = expect(sonnenberg_and_beck())
    persons = outcome.baseline.persons[0]
    cycles = outcome.baseline.of(outcome.baseline.margin(["life"]))[0].sum(axis=0) / persons
    assert cycles[:2] == pytest.approx([2.5, 1.25], rel=1e-12)
    assert compare(outcome).costs["baseline"]["household"][1] == pytest.approx(3.375, rel=1e-12)


def test_half_a_cycle_less_is_lived_where_the_half_cycle_correction_is_made():
    """The first cycle counts (1 + .6) / 2 well, and so on: all that the start counted adds, halved."""
    outcome = expect(sonnenberg_and_beck())
    halved = compare(outcome, Economics(1993, 0.0, counted="half_cycle")).costs["baseline"]["household"]
    assert halved[1] == pytest.approx(3.375 - 0.5, rel=1e-12)
    at_starts = compare(outcome, Economics(1993, 0.0, counted="start")).costs["baseline"]["household"]
    assert at_starts[1] == pytest.approx(3.375, rel=1e-12)
