"""Counts become money: bases by hand, payers and years that add up, break-even, standard errors, needed effects."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from sim.comparison import Comparison, break_even_year, compare, net_cost, nodes_of, standard_error
from sim.domain import Death, Domain, Quantities, Quantity
from sim.engine import simulate
from sim.expression import Expression
from sim.intervention import CostLine, Effect, Fade, Intervention
from sim.kernels.layout import OFFERED_COUNT, START_COUNT, YEAR_COUNT
from sim.ledger import Need
from sim.model import Model
from sim.needed import needed_effects
from sim.outcome import Outcome
from sim.people import Attribute, Population, Trait
from sim.prices import APART, Economics, Price, PriceList, Shares
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Parameters
from tests.models import EVERYTHING, childhood, lives, offer, scenario, support, tutoring

MODEL = childhood()
EXACT = 1e-9
"""Relative error of sums of some thousand floating-point terms, with room to spare."""


def quantity(text: str, basis: str = "on_date", model: Model = MODEL, **more: Any) -> Quantity:
    return Quantity(f"{text}, {basis}", Expression.of(text).rule(model.columns), basis, "units", **more)


def price(text: str, amount: float, payer: Any, basis: str = "on_date", **more: Any) -> Price:
    return Price(f"{text} to {payer}", quantity(text, basis), amount, 2024, Shares.of(payer), **more)


def cost(per: Any, amount: float, payer: Any, price_year: int = 2024) -> CostLine:
    return CostLine(per, amount, price_year, Shares.of(payer))


# The year the money is back


@pytest.mark.parametrize(
    ("cumulative", "year"),
    [
        ([-3, -1, 2, 4], 2003),
        ([-3, 1, -1, 2], 2004),  # the first crossing does not last
        ([-3, 1, -1, -2], None),
        ([-3, -2, -1, -0.5], None),
        ([1, 2, 3, 4], 2001),
        ([0, 0, 0, 0], 2001),
        ([-5, -5, -5, 0], 2004),
        ([2, 3, -1, -4], None),
        ([-1e6, 1e6, -1e-5, 1e6], 2002),  # a rounding error of sums of a million
        ([-1e6, 1e6, -1, 1e6], 2004),  # a krona is none
    ],
)
def test_the_money_is_back_in_the_first_year_after_which_it_stays_back(
    cumulative: list[float], year: int | None
) -> None:
    assert break_even_year(np.array(cumulative, dtype=float), [2001, 2002, 2003, 2004]) == year


# Standard errors


def test_the_standard_error_of_equal_copies_is_that_of_their_mean() -> None:
    totals = np.random.default_rng(1).normal(50, 10, 12)
    expected = (totals / 300).std(ddof=1) / np.sqrt(12)
    assert standard_error(totals, np.full(12, 300)) == pytest.approx(expected, rel=EXACT)


def test_the_standard_error_of_unequal_blocks_leaves_each_out_once() -> None:
    totals, weights = np.array([4.0, 10.0, 1.0]), np.array([2, 4, 1])
    left_out = np.array([11 / 5, 5 / 3, 14 / 6])
    expected = np.sqrt(2 / 3 * ((left_out - left_out.mean()) ** 2).sum())
    assert standard_error(totals, weights) == pytest.approx(expected, rel=EXACT)


def test_blocks_without_persons_do_not_count_and_one_block_has_no_error() -> None:
    totals, weights = np.array([4.0, 0.0, 1.0]), np.array([2, 0, 1])
    assert standard_error(totals, weights) == standard_error(totals[[0, 2]], weights[[0, 2]])
    assert standard_error(np.array([4.0, 0.0]), np.array([2, 0])) is None


# Bases, by hand: home, foster at 2, institution at 3, home again at 5


def walk() -> Domain:
    domain = Domain("care", ("home", "foster", "institution"), "home")
    for before, after, at in (("home", "foster", 2), ("foster", "institution", 3), ("institution", "home", 5)):

        @domain.occasion(before, after, ages=(at, at))
        def moves(age):
            return 1 + 0 * age

    return domain


WALK = Model("walk", (walk(),))
FEW = Population("few", ())


def walked(*quantities: Quantity, **more: Any) -> Outcome:
    prices = tuple(Price(q.name, q, 1.0, 2024, Shares.of("state")) for q in quantities)
    return simulate(
        Scenario(
            model=WALK, population=FEW, cohort=Cohort(2020, represents=3, copies=2), arms={"baseline": Arm()},
            horizon=7, prices=PriceList(prices), economics=Economics(2024, 0.0), **more,
        )
    )  # fmt: skip


BY_HAND = {
    # by age 0 … 6; away from home at the end of the years 2, 3 and 4
    "on_date": [0, 0, 1, 1, 1, 0, 0],
    "any_in_year": [0, 0, 1, 1, 1, 1, 0],
    "whole_year": [0, 0, 0, 0, 1, 0, 0],  # in the year of age 3 there is a move between the two
    "event": [0, 0, 1, 0, 0, 0, 0],
    "days": [0, 0, 100, 365, 365, 50, 0],
}


@pytest.mark.parametrize("basis", BY_HAND)
def test_a_year_is_counted_by_its_basis(basis: str) -> None:
    days = (100, 365, 50) if basis == "days" else None
    away = quantity("care != 'home'", basis, WALK, days=days)
    outcome = walked(away)
    assert outcome.volume(away, outcome.baseline)[:, 1:].tolist() == [[3 * n for n in BY_HAND[basis]]] * 2
    assert compare(outcome).costs["baseline"]["public"][0] == sum(BY_HAND[basis])


def test_the_event_of_one_state_is_the_move_into_it_from_any_other() -> None:
    begun = quantity("care == 'institution'", "event", WALK)
    assert walked(begun).volume(begun, walked(begun).baseline).sum(axis=0).tolist() == [0, 0, 0, 0, 6, 0, 0, 0]


def test_bases_agree_with_persons_counted_one_by_one() -> None:
    rules = {basis: quantity("care != 'home'", basis) for basis in ("on_date", "any_in_year", "whole_year", "event")}
    rules["days"] = quantity("care != 'home'", "days", days=(183, 365, 170))
    needs = (*EVERYTHING, Need(frozenset({"care", "previous_care"})))
    some = scenario(cohort=Cohort(2020, represents=60, copies=1), needs=needs, horizon=22)
    outcome = simulate(some)
    states = lives(some).states("care")
    counted = {basis: np.zeros(len(states)) for basis in rules}
    for row in range(1, len(states)):
        for before, after in zip(states[row - 1], states[row], strict=True):
            if after == "dead":
                continue
            was, is_away = before != "home", after != "home"
            counted["on_date"][row] += is_away
            counted["any_in_year"][row] += was or is_away
            counted["whole_year"][row] += is_away and before == after
            counted["event"][row] += is_away and not was
            counted["days"][row] += (365 if was else 183) if is_away else (170 if was else 0)
    assert counted["whole_year"].sum() > 0
    for basis, asked in rules.items():
        assert outcome.volume(asked, outcome.baseline).sum(axis=0)[1:].tolist() == counted[basis][1:].tolist()


# Sums


SOCIAL, SCHOOL, INSURANCE, TAXES = "municipality.social", "municipality.school", "state.insurance", "region.taxes"
PRICES = (
    price("care == 'foster'", 400_000, {SOCIAL: 0.7, INSURANCE: 0.3, "until": 2030}, "any_in_year"),
    price("care == 'institution'", 900_000, SOCIAL, cashable=(0.4, 0.8)),
    price("school == 'struggling'", 60_000, SCHOOL, cashable=(0.1, 0.2, 0.5)),
    price("work == 'unemployed'", 90_000, INSURANCE, "whole_year"),
    price("work == 'job'", 100_000, TAXES, kind="revenue"),
    price("care != 'home'", 20_000, "household", "event"),
    price("work == 'unemployed' and sex == 'boy'", 5_000, "victims"),
)
HELP = support(costs=(cost("start", 30_000, SOCIAL), cost("year", 10_000, INSURANCE)))
LESSONS = tutoring(costs=(cost("offered", 500, "household"), cost("eligible", 100, SCHOOL)))
ARMS = ("arm_1", "arm_2", "dearer", "fewer")


@cache
def outcome_of_all() -> Outcome:
    """Return the counts of two arms with offers, one with a price of its own, one with parameters of its own."""
    both = scenario(
        (HELP, LESSONS), (LESSONS,), prices=PriceList(PRICES), cohort=Cohort(2020, represents=200, copies=6),
        economics=Economics(2024, 0.03), needs=(*EVERYTHING, Need(frozenset({"care", "previous_work", "sex", "work"}))),
    )  # fmt: skip
    dearer = {PRICES[0].name: replace(PRICES[0], amount=500_000)}
    fewer = {"care": Parameters("care", {"placement": 0.02})}
    arms = {**both.arms, "dearer": Arm((HELP,), prices=dearer), "fewer": Arm(parameters=fewer)}
    return simulate(replace(both, arms=arms))


@cache
def all_compared() -> Comparison:
    return compare(outcome_of_all())


def repriced(outcome: Outcome, economics: Economics | None = None, **changes: Any) -> Comparison:
    """Return the comparison of the same counts with something about the scenario changed."""
    plan = replace(outcome.plan, scenario=replace(outcome.plan.scenario, **changes))
    return compare(replace(outcome, plan=plan), economics)


def leaves(comparison: Comparison) -> list[str]:
    return [p for p in comparison.payers if p != "public" and not any(o.startswith(f"{p}.") for o in comparison.payers)]


def test_the_payers_are_the_tree_of_all_who_pay_anything() -> None:
    assert all_compared().payers == (
        "public", "municipality", SCHOOL, SOCIAL, "region", TAXES, "state", INSURANCE, "household", "victims",
    )  # fmt: skip


@pytest.mark.parametrize("node", ["public", "municipality", "region", "state"])
def test_a_node_is_the_sum_of_its_payers_and_public_leaves_household_and_victims_out(node: str) -> None:
    comparison = all_compared()
    under = [p for p in leaves(comparison) if p.startswith(f"{node}.") or (node == "public" and p not in APART)]
    for arm in ARMS:
        results = comparison.arms[arm].by_payer
        for what in ("spent", "incremental", "gross"):
            total = sum(getattr(results[payer], what) for payer in under)
            assert getattr(results[node], what) == pytest.approx(total, rel=EXACT, abs=1e-6)
        assert results[node].cumulative == pytest.approx(sum(results[p].cumulative for p in under), rel=EXACT, abs=1e-6)
    for arm, costs in comparison.costs.items():
        assert costs[node] == pytest.approx(np.sum([costs[p] for p in under], axis=0), rel=EXACT), arm


@pytest.mark.parametrize("arm", ARMS)
def test_the_total_is_the_sum_of_the_years(arm: str) -> None:
    outcome, comparison = outcome_of_all(), all_compared()
    yearly = dict.fromkeys(leaves(comparison), 0.0)
    for year in range(2020, 2020 + 35):
        row = year - 2020 + 1
        for then in PRICES:
            now = outcome.plan.scenario.arms[arm].prices.get(then.name, then)
            before = outcome.volume(then.quantity, outcome.ledger("baseline"))[:, row].sum() * then.amount
            after = outcome.volume(now.quantity, outcome.ledger(arm), arm)[:, row].sum() * now.amount
            for payer, share in now.payer.parts:
                if now.payer.until is not None and year > now.payer.until:
                    share = float(payer == SOCIAL)
                yearly[payer] += now.sign * share * (after - before) / 1.03 ** (year - 2020)
        counts = outcome.ledger(arm).deliveries[:, row].sum(axis=0)
        for offered in outcome.plan.arms[arm]:
            for line in offered.costs:
                number = counts[outcome.plan.interventions.index(offered.name)]
                units = number[{"eligible": 0, "offered": 1, "start": 2, "year": 3}[line.per]]
                yearly[line.payer.payers[0]] += units * line.amount / 1.03 ** (year - 2020)
    for payer, total in yearly.items():
        assert comparison.arms[arm].by_payer[payer].gross == pytest.approx(total / 1200, rel=EXACT, abs=1e-6)


def test_the_total_is_the_sum_of_the_quantities_and_the_interventions() -> None:
    outcome, whole = outcome_of_all(), all_compared()
    singles = []
    for one in PRICES:
        arms = {
            name: replace(arm, prices={k: v for k, v in arm.prices.items() if k == one.name})
            for name, arm in outcome.plan.scenario.arms.items()
        }
        singles.append(repriced(outcome, prices=PriceList((one,)), arms=arms))
    without = repriced(outcome, prices=PriceList(()))
    for arm in ARMS:
        parts = [one.arms[arm].by_payer["public"] for one in singles if "public" in one.payers]
        spent = without.arms[arm].by_payer["public"].spent
        total = sum(part.incremental - part.spent for part in parts) + spent
        assert whole.arms[arm].by_payer["public"].spent == pytest.approx(spent, rel=EXACT)
        assert whole.arms[arm].by_payer["public"].incremental == pytest.approx(total, rel=EXACT)


@pytest.mark.parametrize("arm", ARMS)
def test_the_difference_of_two_arms_costs_is_the_gross_change(arm: str) -> None:
    comparison = all_compared()
    for payer, result in comparison.arms[arm].by_payer.items():
        difference = comparison.costs[arm][payer][1] - comparison.costs["baseline"][payer][1]
        assert result.gross == pytest.approx(difference, rel=1e-8, abs=1e-5)  # a difference of some hundred thousand


def test_the_last_cumulative_net_is_what_is_saved_in_all() -> None:
    for result in all_compared().arms.values():
        for one in result.by_payer.values():
            assert one.cumulative[-1] == pytest.approx(-one.incremental, rel=EXACT, abs=1e-9)
            assert len(one.cumulative) == 35
            assert one.break_even_year == break_even_year(one.cumulative, list(range(2020, 2055)))


def test_the_standard_error_is_the_empirical_one_over_copies() -> None:
    outcome = outcome_of_all()
    at_once = tuple(replace(one, cashable=(1.0,)) for one in PRICES)
    dearer = {PRICES[0].name: replace(at_once[0], amount=500_000)}
    arms = {**outcome.plan.scenario.arms, "dearer": Arm((HELP,), prices=dearer)}
    comparison = repriced(outcome, prices=PriceList(at_once), arms=arms)
    factors = Economics(2024, 0.03).factors(35)
    for arm in ("arm_1", "dearer"):
        saved = np.zeros(6)
        for one in at_once:
            if TAXES in one.payer.payers:
                now = arms[arm].prices.get(one.name, one)
                change = outcome.volume(one.quantity, outcome.ledger(arm)) * now.amount
                change -= outcome.volume(one.quantity, outcome.baseline) * one.amount
                saved += one.sign * (change @ factors)
        expected = (saved / 200).std(ddof=1) / np.sqrt(6)
        assert comparison.arms[arm].by_payer["region"].se == pytest.approx(expected, rel=1e-8)


def test_one_copy_has_no_standard_error() -> None:
    outcome = simulate(scenario((HELP,), prices=PriceList(PRICES[:2]), cohort=Cohort(2020, 500, 1)))
    assert {one.se for one in compare(outcome).arms["arm_1"].by_payer.values()} == {None}


# Prices


@pytest.mark.parametrize("arm", ["arm_1", "arm_2", "fewer"])
def test_a_price_twice_as_high_doubles_what_is_paid(arm: str) -> None:
    outcome = outcome_of_all()
    arms = {name: replace(one, prices={}) for name, one in outcome.plan.scenario.arms.items()}
    for one in PRICES:
        single = repriced(outcome, prices=PriceList((one,)), arms=arms)
        double = repriced(outcome, prices=PriceList((replace(one, amount=2 * one.amount),)), arms=arms)
        for payer in single.payers:
            costs = (single.costs["baseline"][payer], double.costs["baseline"][payer])
            if payer in one.payer.payers:
                assert costs[1] == pytest.approx([2 * part for part in costs[0]], rel=EXACT)
                assert costs[0][0] != 0
            before, after = single.arms[arm].by_payer[payer], double.arms[arm].by_payer[payer]
            assert after.spent == before.spent
            assert after.incremental - after.spent == pytest.approx(2 * (before.incremental - before.spent), abs=1e-6)


def test_without_discounting_all_years_weigh_the_same() -> None:
    outcome = outcome_of_all()
    comparison = compare(outcome, Economics(2024, 0.0))
    for costs in comparison.costs.values():
        for undiscounted, discounted in costs.values():
            assert undiscounted == pytest.approx(discounted, rel=EXACT)
    assert all_compared().costs["baseline"]["public"][0] == comparison.costs["baseline"]["public"][0]
    jobs = outcome.volume(PRICES[4].quantity, outcome.baseline)[:, 1:].sum()
    assert comparison.costs["baseline"][TAXES][0] == pytest.approx(-jobs * 100_000 / 1200, rel=EXACT)


def test_the_start_is_priced_where_the_economics_say_so() -> None:
    outcome = walked(quantity("care == 'home'", model=WALK))
    assert compare(outcome).costs["baseline"]["public"] == (4.0, 4.0)
    counted = compare(outcome, Economics(2024, 0.0, first_exponent=1, count_start=True))
    assert counted.costs["baseline"]["public"] == (5.0, 5.0)
    discounted = compare(outcome, Economics(2024, 1.0, first_exponent=1, count_start=True))
    # at home at the start and at the end of the years of age 0, 1, 5 and 6
    assert discounted.costs["baseline"]["public"][1] == pytest.approx(1 + 1 / 2 + 1 / 4 + 1 / 64 + 1 / 128, rel=EXACT)


def test_older_prices_are_uprated_before_they_are_added() -> None:
    outcome = outcome_of_all()
    arms = {name: replace(one, prices={}) for name, one in outcome.plan.scenario.arms.items()}
    index = {2014: 300.0, 2024: 420.0}
    old = tuple(replace(one, price_year=2014) for one in PRICES)
    now = repriced(outcome, prices=PriceList(PRICES, index), arms=arms)
    then = repriced(outcome, prices=PriceList(old, index), arms=arms)
    for payer in now.payers:
        assert then.costs["baseline"][payer] == pytest.approx(
            [1.4 * x for x in now.costs["baseline"][payer]], rel=EXACT
        )
        assert then.arms["arm_1"].by_payer[payer].spent == now.arms["arm_1"].by_payer[payer].spent


def test_a_saving_matures_along_its_curve_from_the_year_of_the_change() -> None:
    # a lesson keeps everyone from the walk for ever: one less in foster at 2, in an institution at 3 and 4
    stop = Intervention(
        "stop", "Stop", "care", (0, 0), Expression.of(1), Expression.of(1), years=7,
        effects=(Effect("relative_risk", (("care", "home", "foster"),), size=-700.0),),
    )  # fmt: skip
    uncertain = Domain("care", ("home", "foster", "institution"), "home")
    for before, after, at in (("home", "foster", 2), ("foster", "institution", 3), ("institution", "home", 5)):

        @uncertain.occasion(before, after, ages=(at, at))
        def moves(age):
            return 1 - 1e-9 + 0 * age

    model = Model("walk", (uncertain,))
    away = quantity("care != 'home'", model=model)
    outcome = simulate(
        Scenario(
            model=model, population=FEW, cohort=Cohort(2020, 3, 2), arms={"baseline": Arm(), "stop": Arm((stop,))},
            horizon=7, economics=Economics(2024, 0.0),
            prices=PriceList((Price("away", away, 100.0, 2024, Shares.of("state"), cashable=(0.2, 0.5, 0.9)),)),
        )
    )  # fmt: skip
    result = compare(outcome).arms["stop"].by_payer["state"]
    assert result.gross == pytest.approx(-300, rel=EXACT)
    # -1 from age 2 at .2, .5, .9 and on; +1 from age 5 at .2, .5
    saved = np.array([0, 0, 20, 50, 90, 90 - 20, 90 - 50])
    assert result.cumulative == pytest.approx(np.cumsum(saved), abs=1e-6)
    assert result.incremental == pytest.approx(-saved.sum(), abs=1e-6)


# Arms that change prices and parameters


def test_an_arm_with_a_price_of_its_own_meets_everyone() -> None:
    one = PRICES[1]
    only = scenario(prices=PriceList((one,)), economics=Economics(2024, 0.0))
    outcome = simulate(replace(only, arms={**only.arms, "cheaper": Arm(prices={one.name: replace(one, amount=1.0)})}))
    days = outcome.volume(one.quantity, outcome.baseline)[:, 1:].sum()
    comparison = compare(outcome)
    assert comparison.arms["cheaper"].participants == 0
    assert comparison.arms["cheaper"].by_payer["public"].gross == pytest.approx(days * (1 - 900_000) / 900, rel=EXACT)
    assert comparison.costs["cheaper"]["public"][0] == pytest.approx(days / 900, rel=EXACT)


def test_an_arm_whose_price_has_another_payer_moves_the_money_between_them() -> None:
    one = PRICES[1]
    only = scenario(prices=PriceList((one,)))
    moved = {one.name: replace(one, payer=Shares.of("region"))}
    comparison = compare(simulate(replace(only, arms={**only.arms, "moved": Arm(prices=moved)})))
    paid = comparison.costs["baseline"][SOCIAL][1]
    results = comparison.arms["moved"].by_payer
    assert comparison.costs["moved"]["region"][1] == pytest.approx(paid, rel=EXACT)
    assert results["region"].gross == pytest.approx(paid, rel=EXACT)
    assert results[SOCIAL].gross == pytest.approx(-paid, rel=EXACT)


def test_an_arm_with_parameters_of_its_own_is_the_baseline_of_those_parameters() -> None:
    other = {"care": Parameters("care", {"placement": 0.02})}
    there = simulate(replace(outcome_of_all().plan.scenario, parameters=other, arms={"baseline": Arm()}))
    ours = outcome_of_all().ledger("fewer")
    for columns in (["care", "previous_care", "sex"], ["school", "ever_placed"]):
        theirs = there.baseline.of(there.baseline.margin(columns))
        assert (ours.of(ours.margin(columns)) == theirs).all()
    assert all_compared().costs["fewer"] == {**all_compared().costs["fewer"], **compare(there).costs["baseline"]}


def test_participants_are_those_enrolled_in_an_arm_with_parameters_of_its_own_too() -> None:
    fostered = offer("support", when="care == 'foster'", uptake=1)
    more = {"care": Parameters("care", {"placement": 0.3})}
    with_offer = scenario((fostered,))
    outcome = simulate(replace(with_offer, arms={**with_offer.arms, "more": Arm((fostered,), parameters=more)}))
    for arm in ("arm_1", "more"):
        started = outcome.ledger(arm).deliveries[:, :, 0, START_COUNT].sum()
        assert compare(outcome).arms[arm].participants == started, arm


# Quantities that something replaces


def test_a_person_in_delivery_is_not_counted_under_the_replaced_quantity() -> None:
    domain = Domain("school", ("before", "struggling"), "before")

    @domain.occasion("before", "struggling", ages=(2, 2))
    def starts(age):
        return 1 + 0 * age

    rows = Quantities()

    @rows.quantity(basis="on_date", unit="pupil-years")
    def struggles(school):
        return school == "struggling"

    lessons = Intervention(
        "lessons", "Lessons", "school", (4, 4), Expression.of(1), Expression.of(1), years=2, replaces="struggles"
    )
    outcome = simulate(
        Scenario(
            model=Model("small", (domain,), quantities=rows), population=FEW, cohort=Cohort(2020, 5, 1), horizon=8,
            arms={"baseline": Arm(), "lessons": Arm((lessons,))}, measures=("struggles",),
            prices=PriceList((Price("support", rows.rows["struggles"], 10.0, 2024, Shares.of("state")),)),
            economics=Economics(2024, 0.0),
        )
    )  # fmt: skip
    assert outcome.volume("struggles", outcome.baseline).tolist() == [[0, 0, 0, 5, 5, 5, 5, 5, 5]]
    assert outcome.volume("struggles", outcome.ledger("lessons")).tolist() == [[0, 0, 0, 5, 5, 0, 0, 5, 5]]
    result = compare(outcome).arms["lessons"]
    assert result.by_payer["state"].gross == -20.0
    assert result.measures["struggles"].change == -200.0


def test_delivered_persons_are_left_out_one_by_one() -> None:
    some = scenario((tutoring(),))
    outcome = simulate(some)
    lived = lives(some, "arm_1")
    struggling = lived.states("school") == "struggling"
    assert (struggling & (lived.column("receives_tutoring") == 1)).sum() > 0
    expected = (struggling & (lived.column("receives_tutoring") == 0)).sum(axis=1)
    assert outcome.volume("years_struggling", outcome.ledger("arm_1")).sum(axis=0).tolist() == expected.tolist()


def test_a_price_with_the_name_of_a_quantity_leaves_that_quantity_alone() -> None:
    finished = replace(quantity("school == 'finished'"), name="years_struggling")
    taken = PriceList((Price("years_struggling", finished, 1.0, 2024, Shares.of("state")),))
    plain = scenario((tutoring(),), measures=("years_struggling",))
    named = compare(simulate(replace(plain, prices=taken))).arms["arm_1"].measures["years_struggling"]
    assert named == compare(simulate(plain)).arms["arm_1"].measures["years_struggling"]


# Delivery costs and death


def test_who_dies_in_the_step_of_enrolment_pays_start_and_first_year_and_later_years_are_the_survivors() -> None:
    fate = Trait("fate", ("lives", "dies_at_3", "dies_at_4"))
    death = Death()

    @death.occasion(ages=(3, 4))
    def dies(age, fate):
        return ((age == 2 + 1) & (fate == "dies_at_3")) | ((age == 2 + 2) & (fate == "dies_at_4"))

    still = Domain("still", ("here", "there"), "here")

    @still.hazard("here", "there")
    def never(age):
        return 0 * age

    lines = (cost("start", 100, "region"), cost("year", 10, "region"), cost("offered", 1, "state"))
    visits = Intervention(
        "visits", "Visits", "health", (3, 3), Expression.of(1), Expression.of(1), years=3, costs=lines
    )  # fmt: skip
    thirds = Population("thirds", (Attribute("fate", {"lives": 0.4, "dies_at_3": 0.3, "dies_at_4": 0.3}),))
    outcome = simulate(
        Scenario(
            model=Model("small", (still,), traits=(fate,), death=death), population=thirds, cohort=Cohort(2020, 50, 1),
            arms={"baseline": Arm(), "visits": Arm((visits,))}, horizon=8, needs=(Need(frozenset({"fate"})),),
            economics=Economics(2024, 0.0),
        )
    )  # fmt: skip
    born = outcome.baseline.of(outcome.baseline.margin(["fate"]))[0, 0]
    survivors, at_once, later = (int(number) for number in born)
    assert min(survivors, at_once, later) > 0
    delivered = outcome.ledger("visits").deliveries[0, :, 0]
    assert delivered[:, OFFERED_COUNT].tolist() == [0, 0, 0, 0, 50, 0, 0, 0, 0]
    assert delivered[:, START_COUNT].tolist() == [0, 0, 0, 0, 50, 0, 0, 0, 0]
    assert delivered[:, YEAR_COUNT].tolist() == [0, 0, 0, 0, 50, survivors, survivors, 0, 0]
    results = compare(outcome).arms["visits"].by_payer
    assert results["region"].spent == pytest.approx((50 * 110 + 2 * 10 * survivors) / 50, rel=EXACT)
    assert results["state"].spent == pytest.approx(1, rel=EXACT)
    assert not results["region"].no_outlay


@pytest.mark.parametrize("more", [{}, {"offer": "yearly"}, {"estimand": "itt"}])
def test_who_refuses_an_offer_costs_what_an_offer_costs(more: dict[str, Any]) -> None:
    lines = (cost("offered", 7, "state"), cost("eligible", 3, "region"), cost("start", 100, SOCIAL))
    some = scenario((support(uptake=0.3, costs=lines, **more),), economics=Economics(2024, 0.0))
    results = compare(simulate(some)).arms["arm_1"]
    eligible, offered, started, *_ = lives(some, "arm_1").deliveries[:, 0].sum(axis=0)
    assert offered > 2 * started > 0
    assert results.by_payer["state"].spent == pytest.approx(7 * offered / 900, rel=EXACT)
    assert results.by_payer["region"].spent == pytest.approx(3 * eligible / 900, rel=EXACT)
    assert results.by_payer[SOCIAL].spent == pytest.approx(100 * started / 900, rel=EXACT)
    assert results.delivered["support"]["offered"] == pytest.approx(offered / 3, rel=EXACT)


def test_a_payer_without_outlay_pays_nothing_and_one_with_a_share_that_ended_keeps_nothing() -> None:
    lines = (cost("start", 1000, {"state": 1.0}), cost("start", 500, {SOCIAL: 0.4, "region": 0.6, "until": 2019}))
    grant = support(costs=lines)
    comparison = compare(simulate(scenario((grant,), prices=PriceList(PRICES))))
    results = comparison.arms["arm_1"].by_payer
    assert results["region"].no_outlay
    assert results["region"].spent == 0
    assert results[SOCIAL].spent == pytest.approx(results["state"].spent / 2, rel=EXACT)
    assert not results[SOCIAL].no_outlay
    assert not results["public"].no_outlay
    assert results["household"].no_outlay


def test_an_arm_that_changes_nobody_spends_and_saves_nothing_else() -> None:
    null = replace(HELP, effects=(replace(HELP.effects[0], size=0.0),))
    for one in compare(simulate(scenario((null,), prices=PriceList(PRICES)))).arms["arm_1"].by_payer.values():
        assert one.incremental == one.gross == one.spent


def test_the_net_cost_of_an_arm_by_itself_is_that_among_all() -> None:
    outcome = outcome_of_all()
    for arm in ARMS:
        by_payer = all_compared().arms[arm].by_payer
        assert by_payer.keys() == set(nodes_of(outcome.plan))
        for payer, among in by_payer.items():
            assert net_cost(outcome, arm, payer) == among.incremental


def test_measures_are_changes_per_100_participants() -> None:
    outcome = simulate(scenario((tutoring(),), measures=("years_struggling",)))
    (before, after) = (outcome.volume("years_struggling", outcome.ledger(arm)).sum() for arm in ("baseline", "arm_1"))
    result = compare(outcome).arms["arm_1"]
    assert result.participants == outcome.ledger("arm_1").deliveries[:, :, 0, START_COUNT].sum()
    assert result.participants_per_cohort == pytest.approx(result.participants / 3, rel=EXACT)
    measure = result.measures["years_struggling"]
    assert measure.change == pytest.approx(100 * (after - before) / result.participants, rel=EXACT)
    assert measure.unit == "years"


def test_more_copies_than_blocks_are_still_so_many_municipalities() -> None:
    outcome = simulate(scenario((tutoring(),), cohort=Cohort(2020, represents=5, copies=300), horizon=12))
    assert outcome.baseline.persons.sum() == 1500
    assert len(outcome.baseline.persons) < 300
    result = compare(outcome).arms["arm_1"]
    assert result.participants > 0
    assert result.participants_per_cohort == pytest.approx(result.participants / 300, rel=EXACT)
    assert result.delivered["tutoring"]["started"] == pytest.approx(result.participants / 300, rel=EXACT)


# The effect that would be needed


def unknown(amount: float) -> Intervention:
    on = (("care", "home", "foster"), ("care", "home", "institution"))
    effect = Effect("unknown", on, fade=Fade(half_life_years=5, beyond="fade"), mechanism="visits")
    return offer("visits", effect, ages=(0, 0), when="risk > 1", uptake=0.9, costs=(cost("start", amount, SOCIAL),))


def test_with_the_needed_effect_the_public_money_comes_back() -> None:
    settings: dict[str, Any] = {
        "prices": PriceList(PRICES[:4]), "cohort": Cohort(2020, 1000, 8), "economics": Economics(2024, 0.03)
    }  # fmt: skip
    visits = unknown(300_000)
    outcome = simulate(scenario((visits,), **settings))
    needed = needed_effects(outcome)["arm_1"]
    assert needed.ratio is not None
    assert 1 / 20 < needed.ratio < 0.9
    assert needed.runs <= 12
    assert needed.on == ("care: home -> foster", "care: home -> institution")
    (effect,) = visits.effects
    known = replace(visits, effects=(replace(effect, kind="hazard_ratio", size=float(np.log(needed.ratio))),))
    net = compare(simulate(scenario((known,), **settings))).arms["arm_1"].by_payer["public"]
    # the search ends where the log of the ratio is known to .005, about a hundredth of its own size
    assert abs(net.incremental) < 0.01 * net.spent
    assert net.spent > 0


def test_where_no_ratio_brings_the_money_back_none_is_given() -> None:
    outcome = simulate(scenario((unknown(1e9),), prices=PriceList(PRICES[:4])))
    assert needed_effects(outcome)["arm_1"].ratio is None


def test_an_offer_that_costs_nothing_needs_no_effect_and_a_known_one_none_is_sought_for() -> None:
    outcome = simulate(scenario((unknown(0),), (support(),), prices=PriceList(PRICES[:4])))
    found = needed_effects(outcome)
    assert list(found) == ["arm_1"]
    assert (found["arm_1"].ratio, found["arm_1"].runs) == (1.0, 0)
