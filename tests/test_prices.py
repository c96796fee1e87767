"""Who pays what share of a price, in which year's kronor, discounted from when, and what of it can be cashed in."""

from __future__ import annotations

import numpy as np
import pytest

from sim.domain import Quantity
from sim.errors import ScenarioError
from sim.prices import Counted, Economics, Price, PriceList, Shares, belongs, cashed_in, counted_when, payer_nodes
from sim.tables import Rule

PERSONS = Quantity("persons", Rule(lambda: 1, (), False, "persons"), "on_date", "persons")


# Shares


def test_one_payer_pays_all_in_every_year() -> None:
    shares = Shares.of("municipality.social").by_year([2020, 2021, 2022])
    assert {payer: list(share) for payer, share in shares.items()} == {"municipality.social": [1, 1, 1]}


def test_shares_hold_to_the_end_year_and_then_the_first_named_pays_all() -> None:
    shares = Shares.of({"municipality.social": 0.7, "state": 0.3, "until": 2029})
    by_year = shares.by_year([2028, 2029, 2030, 2031])
    assert list(by_year["municipality.social"]) == [0.7, 0.7, 1, 1]
    assert list(by_year["state"]) == [0.3, 0.3, 0, 0]
    assert shares.payers == ("municipality.social", "state")


def test_shares_without_an_end_year_hold_for_ever() -> None:
    assert list(Shares.of({"state": 0.25, "region": 0.75}).by_year([1990, 2190])["state"]) == [0.25, 0.25]


@pytest.mark.parametrize("years", [[2000, 2010], [2010, 2020], [2030, 2040]])
def test_shares_add_to_1_in_every_year(years: list[int]) -> None:
    shares = Shares.of({"region": 0.1, "state": 0.2, "household": 0.7, "until": 2015})
    assert sum(shares.by_year(years).values()) == pytest.approx([1, 1], abs=1e-12)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"state": 0.7, "region": 0.2}, "add to 0.9, not 1"),
        ({"state": 1.5, "region": -0.5}, "must be 0 to 1"),
        ({"state": True}, "must be 0 to 1"),
        ({"state": "all"}, "must be 0 to 1"),
        ({"until": 2030}, "add to 0, not 1"),
        ({"state": 1.0, "until": "2030"}, "must be a year"),
    ],
)
def test_shares_that_do_not_add_up_are_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        Shares.of(given)


# The tree of payers


def test_the_tree_runs_from_public_down_and_keeps_household_and_victims_apart() -> None:
    leaves = ["victims", "state.taxes", "household", "region", "municipality.school", "municipality.social", "state"]
    assert payer_nodes(leaves) == [
        "public", "municipality", "municipality.school", "municipality.social", "region", "state", "state.taxes",
        "household", "victims",
    ]  # fmt: skip


def test_no_public_payer_no_public_node() -> None:
    assert payer_nodes(["household.rent"]) == ["household", "household.rent"]


@pytest.mark.parametrize(
    ("leaf", "nodes"),
    [
        ("municipality.social", {"public", "municipality", "municipality.social"}),
        ("state", {"public", "state"}),
        ("household", {"household"}),
        ("household.rent", {"household", "household.rent"}),
        ("victims", {"victims"}),
        ("municipalityx", {"public", "municipalityx"}),
    ],
)
def test_a_leaf_belongs_to_itself_its_branches_and_to_public_unless_kept_apart(leaf: str, nodes: set[str]) -> None:
    every = {"public", "municipality", "municipality.social", "municipality.school", "state", "household", "victims"}
    assert {node for node in every | {leaf, "household.rent"} if belongs(leaf, node)} == nodes


# One year's kronor


INDEX = PriceList(index={2010: 200.0, 2020: 250.0, 2024: 300.0})


def test_a_krona_is_uprated_by_the_ratio_of_the_index() -> None:
    assert INDEX.uprating(2010, 2024) == 1.5
    assert INDEX.uprating(2024, 2020) == pytest.approx(250 / 300, abs=1e-15)
    assert INDEX.uprating(2010, 2020) * INDEX.uprating(2020, 2024) == pytest.approx(1.5, abs=1e-15)


def test_without_an_index_or_within_one_year_prices_stand_as_they_are() -> None:
    assert PriceList().uprating(1980, 2024) == 1.0
    assert INDEX.uprating(1999, 1999) == 1.0


@pytest.mark.parametrize("years", [(2011, 2024), (2024, 2011)])
def test_a_year_without_an_index_is_refused_with_the_years_there_are(years: tuple[int, int]) -> None:
    with pytest.raises(ScenarioError, match="the price index has no year 2011") as caught:
        INDEX.uprating(*years)
    assert caught.value.problems[0].hint


# Discounting


def test_the_first_step_is_not_discounted_and_the_start_not_priced() -> None:
    assert Economics(2024, discount_rate=0.03).factors(3) == pytest.approx([0, 1, 1 / 1.03, 1 / 1.03**2], abs=1e-15)


def test_the_first_exponent_moves_every_step() -> None:
    factors = Economics(2024, discount_rate=0.06, first_exponent=1).factors(3)  # the HIV model
    assert factors == pytest.approx([0, 1 / 1.06, 1 / 1.06**2, 1 / 1.06**3], abs=1e-15)


def test_the_start_is_priced_where_it_is_asked_for() -> None:
    factors = Economics(2024, discount_rate=0.03, first_exponent=1, count_start=True).factors(2)  # Sick–Sicker
    assert factors == pytest.approx([1, 1 / 1.03, 1 / 1.03**2], abs=1e-15)
    assert Economics(2024, discount_rate=0.03, count_start=True).factors(1) == pytest.approx([1.03, 1], abs=1e-15)


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.04])
@pytest.mark.parametrize("years", [1, 20, 101])
def test_factors_add_up_to_the_annuity(rate: float, years: int) -> None:
    v = 1 / (1 + rate)
    immediate = (1 - v**years) / rate if rate else years
    due = (1 - v**years) / (1 - v) if rate else years
    assert Economics(2024, discount_rate=rate).factors(years).sum() == pytest.approx(due, rel=1e-13)
    at_ends = Economics(2024, discount_rate=rate, first_exponent=1)
    assert at_ends.factors(years).sum() == pytest.approx(immediate, rel=1e-13)
    both = Economics(2024, discount_rate=rate, first_exponent=1, count_start=True)
    assert both.factors(years).sum() == pytest.approx(1 + immediate, rel=1e-13)


@pytest.mark.parametrize(("counted", "expected"), [("end", [8, 6, 2]), ("start", [0, 8, 6]), ("half_cycle", [0, 7, 4])])
def test_states_are_counted_at_the_end_the_start_or_the_middle_of_a_step(counted: Counted, expected: list) -> None:
    counts = np.array([[[8.0], [6.0], [2.0]]])
    assert counted_when(counts, counted)[0, :, 0].tolist() == expected
    assert counts.ravel().tolist() == [8, 6, 2]


def test_counting_at_another_time_is_refused_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="must be end, start or half_cycle, not 'half-cycle'") as caught:
        Economics(2024, counted="half-cycle")  # type: ignore[arg-type]
    assert caught.value.problems[0].hint == "did you mean 'half_cycle'?"


@pytest.mark.parametrize("counted", ["start", "half_cycle"])
def test_the_start_is_not_counted_twice(counted: Counted) -> None:
    with pytest.raises(ScenarioError, match="counts the start in the first step already"):
        Economics(2024, count_start=True, counted=counted)


# What can be cashed in


def test_each_change_matures_along_the_curve_from_its_own_year() -> None:
    # 10 more from year 0, 4 fewer from year 2, 6 fewer from year 4, at .2, .5 and then .8:
    volume = np.array([10.0, 10, 6, 6, 0, 0, 0])
    by_hand = [
        10 * 0.2,
        10 * 0.5,
        10 * 0.8 - 4 * 0.2,
        10 * 0.8 - 4 * 0.5,
        10 * 0.8 - 4 * 0.8 - 6 * 0.2,
        10 * 0.8 - 4 * 0.8 - 6 * 0.5,
        0,
    ]
    assert cashed_in(volume, (0.2, 0.5, 0.8)) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("curve", [(0.1, 0.2, 0.35, 0.5), (0.9, 1.0), (0.3,), (0.0, 0.0, 1.0), (0.5, 0.2)])
def test_cashing_in_is_the_convolution_of_changes_and_curve(curve: tuple[float, ...]) -> None:
    volume = np.random.default_rng(5).normal(size=(3, 12))
    change = np.diff(volume, axis=1, prepend=0.0)
    expected = np.zeros_like(volume)
    for copy in range(3):
        for year in range(12):
            for since in range(year + 1):
                expected[copy, year] += change[copy, year - since] * curve[min(since, len(curve) - 1)]
    assert cashed_in(volume, curve) == pytest.approx(expected, abs=1e-12)


def test_what_can_be_cashed_in_at_once_is_the_change_itself() -> None:
    volume = np.array([[3.0, -1.0, 2.0]])
    assert (cashed_in(volume, (1.0,)) == volume).all()
    assert (cashed_in(volume, (1.0, 1.0)) == volume).all()


def test_a_curve_longer_than_the_horizon_never_reaches_its_last_share() -> None:
    assert cashed_in(np.array([4.0, 4.0]), (0.25, 0.5, 0.75, 1.0)) == pytest.approx([1.0, 2.0], abs=1e-15)


@pytest.mark.parametrize("curve", [(), (1.1,), (0.5, -0.1)])
def test_a_curve_is_of_shares(curve: tuple[float, ...]) -> None:
    with pytest.raises(ScenarioError, match="cashable shares must be 0 to 1"):
        Price("p", PERSONS, 1.0, 2024, Shares.of("state"), cashable=curve)


def test_a_revenue_counts_against_cost() -> None:
    cost = Price("p", PERSONS, 1.0, 2024, Shares.of("state"))
    tax = Price("p", PERSONS, 1.0, 2024, Shares.of("state"), kind="revenue")
    assert (cost.sign, tax.sign) == (1.0, -1.0)
