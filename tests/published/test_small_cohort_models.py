"""Two cohort models of the textbooks, lived by individuals: probabilities with a relative risk, and a walk out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.domain import Domain, Quantity
from sim.engine import simulate
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


def lived(model: Model, horizon: int, economics: Economics, prices: list[Price], arms: dict[str, Arm]) -> Outcome:
    cohort = Cohort(2000, PERSONS // COPIES, COPIES)
    return simulate(
        Scenario(
            model=model, population=Population("one state", ()), cohort=cohort, arms=arms, horizon=horizon,
            economics=economics, prices=PriceList(tuple(prices)),
        ),
        seed=1, threads=2,
    )  # fmt: skip


COUNTS = {"A": (1251, 350, 116, 17), "B": (0, 731, 512, 15), "C": (0, 0, 1312, 437)}
STATES = ("A", "B", "C", "D")
CARE = {"A": 2756, "B": 3052, "C": 9007}
EXACT = {"mono": (44663.4535637, 7.9912066), "combination": (50601.6513312, 8.9373889)}


@pytest.fixture(scope="module")
def hiv() -> Outcome:
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
    return lived(
        Model("hiv", (domain,)), 20, economics, prices, {"baseline": Arm(), "combination": Arm((combination,))}
    )


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


def test_sonnenberg_and_beck_expect_two_and_a_half_years_well_and_one_and_a_quarter_disabled():
    """Sonnenberg & Beck 1993; after 100 cycles 1e-22 of the cohort is not yet dead."""
    domain = Domain("life", ("well", "disabled", "dead"), "well")
    occasion(domain, "well", ["disabled", "dead"], 0.2, 0.2)
    occasion(domain, "disabled", ["dead"], 0.4)
    economics = Economics(1993, discount_rate=0.0, count_start=True)
    prices = [
        Price("well", years_in("life", ("well",), "well"), 1.0, 1993, Shares.of("household")),
        Price("disabled", years_in("life", ("disabled",), "disabled"), 0.7, 1993, Shares.of("household")),
    ]
    outcome = lived(Model("textbook", (domain,)), 101, economics, prices, {"baseline": Arm()})
    persons = outcome.baseline.persons
    cycles = outcome.baseline.of(outcome.baseline.margin(["life"])).sum(axis=1)
    assert abs(distance(cycles[:, 0], persons, 2.5)) < BOUND
    assert abs(distance(cycles[:, 1], persons, 1.25)) < BOUND
    assert abs(distance(cost_by_copy(outcome, "baseline", "household"), persons, 3.375)) < BOUND
