"""Teams, and what a service costs as a whole: paid copy by copy, by hand, and against existing delivery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.comparison import compare, net_cost
from sim.engine import simulate
from sim.errors import ScenarioError
from sim.expect import expect
from sim.expression import Expression
from sim.intervention import CostLine, Effect, Fade, Intervention
from sim.kernels.layout import YEAR_COUNT
from sim.needed import needed_effects
from sim.outcome import Outcome
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Arm, Cohort, Scenario, Stratum
from tests.line_models import in_line, visits
from tests.models import childhood, offer, scenario, support

FREE = {"economics": Economics(2024, 0.0), "prices": PriceList(())}
"""Nothing is discounted, and nothing but delivery costs anything."""

EXACT = 1e-12


def paid(per: Any, amount: float = 100.0, payer: Any = "municipality", **more: Any) -> CostLine:
    return CostLine(per, amount, 2024, Shares.of(payer), **more)


def spent(outcome: Outcome, arm: str = "arm_1", payer: str = "public") -> float:
    """Return what an arm's delivery costs more than the baseline's in one copy, nothing discounted."""
    return compare(outcome).arms[arm].by_payer[payer].spent * outcome.plan.scenario.cohort.represents


def twelve(*costs: CostLine, places: int | None = 5, **more: Any) -> Scenario:
    """Return two copies of twelve who all accept from 1 on, five a year, for two years: in delivery 5, 10, 7, 2."""
    return in_line((visits(places, years=2, costs=costs, **more),), **FREE)


# By hand


def test_teams_are_paid_for_every_part_of_one_in_every_year() -> None:
    outcome = simulate(twelve(paid("team", size=4)))
    assert outcome.ledger("arm_1").deliveries[:, :, 0, YEAR_COUNT].tolist() == [[0, 0, 5, 10, 7, 2, 0, 0, 0, 0]] * 2
    assert spent(outcome) == pytest.approx(100 * (2 + 3 + 2 + 1), rel=EXACT)


def test_teams_without_a_line_are_paid_copy_by_copy_all_the_same() -> None:
    outcome = simulate(twelve(paid("team", size=5), places=None), chunk=5)
    assert spent(outcome) == pytest.approx(100 * (3 + 3), rel=EXACT)


@pytest.mark.parametrize(
    ("line", "times"),
    [
        (paid("once"), 1),
        (paid("fixed"), 4),
        (paid("fixed", years=(2021, 2022)), 2),  # 2021 is the first year of delivery
        (paid("fixed", years=(2020, 2099)), 9),  # open for longer than anybody comes, to the horizon
        (paid("fixed", years=(2000, 2020)), 1),
        (paid("year"), 24),
        (paid("start"), 12),
    ],
)
def test_what_a_service_costs_as_a_whole_is_paid_once_a_copy_and_year(line: CostLine, times: int) -> None:
    assert spent(simulate(twelve(line))) == pytest.approx(100 * times, rel=EXACT)


def test_a_service_that_nobody_comes_to_costs_nothing_unless_its_years_are_stated() -> None:
    lines = paid("once"), paid("fixed"), paid("team", size=3), paid("fixed", 7.0, years=(2022, 2023))
    assert spent(simulate(twelve(*lines, when="age > 50"))) == pytest.approx(14, rel=EXACT)


def test_a_copy_of_whom_nobody_is_simulated_pays_nothing() -> None:
    outcome = simulate(twelve(paid("fixed", years=(2021, 2022))))
    alone = simulate(outcome.plan, ids=outcome.reached["arm_1"][:12])
    assert alone.arms["arm_1"].participants.tolist() == [12, 0]
    assert spent(alone) == pytest.approx(200, rel=EXACT)


def test_teams_and_fixed_costs_have_their_payers_and_their_years() -> None:
    lines = (
        paid("team", payer={"municipality.social": 0.7, "state": 0.3, "until": 2022}, size=4),
        paid("once", 50.0, "region"),
    )
    outcome = simulate(twelve(*lines))
    assert spent(outcome, payer="municipality") == pytest.approx(70 * (2 + 3) + 100 * (2 + 1), rel=EXACT)
    assert spent(outcome, payer="state") == pytest.approx(30 * (2 + 3), rel=EXACT)
    assert spent(outcome, payer="region") == pytest.approx(50, rel=EXACT)
    result = compare(outcome, Economics(2024, 0.1)).arms["arm_1"].by_payer["municipality"]
    due = 70 * (2 / 1.1 + 3 / 1.1**2) + 100 * (2 / 1.1**3 + 1 / 1.1**4)
    assert result.spent * 12 == pytest.approx(due, rel=EXACT)
    assert result.incremental == pytest.approx(result.spent, rel=EXACT)
    assert result.break_even_year is None
    assert not result.no_outlay
    cost = compare(outcome).costs["arm_1"]["public"][0]
    assert cost * 12 == pytest.approx(100 * 8 + 50, rel=EXACT)


# Against existing delivery


def teams_of(outcome: Outcome, arm: str, size: int) -> float:
    """Return the team-years of an arm in one copy, counted from its whole ledger."""
    counts = outcome.ledger(arm).deliveries[:, :, 0, YEAR_COUNT]
    return float(np.ceil(counts / size).sum() / len(counts))


@pytest.mark.parametrize("in_full", [False, True])
def test_more_uptake_than_the_existing_costs_the_teams_of_all_less_those_of_the_existing(in_full: bool) -> None:
    covered = support(baseline_coverage=0.3, uptake=0.8, costs=(paid("team", size=25),))
    outcome = simulate(scenario((covered,), **FREE), in_full=in_full)
    more, there = teams_of(outcome, "arm_1", 25), teams_of(outcome, "baseline", 25)
    assert spent(outcome) == pytest.approx(100 * (more - there), rel=1e-9)
    alone = np.ceil(outcome.change("arm_1").deliveries[:, :, 0, YEAR_COUNT] / 25).sum() / 3
    assert more - there != alone  # the teams of the difference would be others


def test_a_longer_line_costs_the_teams_that_it_adds() -> None:
    lines = (paid("team", size=12), paid("once", 1e6))
    own = [support(capacity_per_year=places, costs=lines) for places in (10, 15)]
    outcome = simulate(scenario(arms={"baseline": Arm((own[0],)), "more": Arm((own[1],))}, **FREE))
    due = teams_of(outcome, "more", 12) - teams_of(outcome, "baseline", 12)
    assert due != 0
    assert spent(outcome, "more") == pytest.approx(100 * due, rel=1e-9)  # what is paid once is paid in both


# The effect that would be needed


def test_with_the_needed_effect_the_public_money_comes_back_where_places_are_few_and_teams_are_paid() -> None:
    on = (("care", "home", "foster"), ("care", "home", "institution"))
    unknown = Effect("unknown", on, fade=Fade(half_life_years=5, beyond="fade"), mechanism="visits")
    few = offer(
        "visits", unknown, ages=(0, 3), when="risk > 1", uptake=0.9, capacity_per_year=60, rank=Expression.of("age")
    )
    few = replace(few, costs=(paid("team", 1_300_000.0, size=20), paid("once", 300_000.0)))
    away = Expression.of("care != 'home'").rule(childhood().columns)
    price = Price("away", childhood().quantity("years_struggling"), 1.0, 2024, Shares.of("municipality"))
    price = replace(price, quantity=replace(price.quantity, name="away", rule=away), amount=100_000.0)
    settings: dict[str, Any] = {"prices": PriceList((price,)), "cohort": Cohort(2020, 500, 6), "horizon": 25}
    outcome = simulate(scenario((few,), **settings))
    ratio = needed_effects(outcome)["arm_1"].ratio
    assert ratio is not None
    assert 1 / 20 < ratio < 0.9
    known = replace(few, effects=(replace(unknown, kind="hazard_ratio", size=float(np.log(ratio))),))
    # the search ends where the log of the ratio is known to .02, a twenty-fifth of its own size or less
    assert _net(known, settings) == pytest.approx(0, abs=0.04 * _net(few, settings))
    assert np.log(ratio) < -0.5


def _net(one: Intervention, settings: dict[str, Any]) -> float:
    return net_cost(simulate(scenario((one,), **settings)), "arm_1", "public")


# What is refused


@pytest.mark.parametrize(
    "terms",
    [{"per": "team"}, {"per": "team", "size": 0}, {"per": "year", "size": 3}, {"per": "once", "years": (2020, 2021)},
     {"per": "fixed", "years": (2022, 2021)}],
)  # fmt: skip
def test_a_cost_has_the_terms_of_its_kind(terms: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match="and no other"):
        paid(**terms)


def test_strata_and_more_copies_than_are_counted_one_by_one_are_refused() -> None:
    one = support(costs=(paid("fixed"),))
    strata = (Stratum("high", 100, Expression.of("risk > 1")), Stratum("rest", 100))
    with pytest.raises(ScenarioError, match="strata are no copies of it"):
        simulate(scenario((one,), cohort=Cohort(2020, 100, 3, strata)))
    with pytest.raises(ScenarioError, match="at most 128 copies are counted one by one, not 129"):
        simulate(scenario((one,), cohort=Cohort(2020, 10, 129)))


def test_expected_numbers_of_persons_make_no_teams() -> None:
    with pytest.raises(ScenarioError, match="paid by whole copies"):
        compare(expect(twelve(paid("team", size=4), places=None)))
