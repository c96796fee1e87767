"""Levels of the shipped life course within wide bounds, each with the source it comes from; no test of fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calibration.targets import life_expectancy, read_figures
from sim.comparison import compare
from sim.domain import Quantity
from sim.expression import Expression
from sim.outcome import Outcome
from sim.prices import Economics
from sim.scenario import Arm
from tests.lifecourse.shipped import MODEL, per_life

FAMILY_HOME = ("family_home", "family_home_consultant")
PLACEMENT = (*FAMILY_HOME, "residential_care", "sis_care")


def per_child(outcome: Outcome, *prices: str, year: int) -> float:
    """Return what these prices come to over life per child born, undiscounted, at the prices of a year."""
    listed = outcome.plan.scenario.prices
    chosen = tuple(one for one in listed.prices if one.name in prices)
    assert len(chosen) == len(prices)
    scenario = replace(outcome.plan.scenario, prices=replace(listed, prices=chosen), arms={"baseline": Arm()})
    plan = replace(outcome.plan, scenario=scenario, arms={"baseline": ()})
    costs = compare(replace(outcome, plan=plan, arms={}), Economics(year, 0.0)).costs["baseline"]
    return costs["public"][0]


def test_children_placed_in_a_year_are_of_the_size_of_the_national_count(baseline: Outcome) -> None:
    # registry row placed_any_rate_0_20_2021: 10.7 per 1 000 aged 0 to 20, all residents; fewer of those born here
    placed = baseline.volume("placed", baseline.baseline).sum(axis=0)[1:22].sum()
    alive = baseline.share_in([])[0][1:22].sum()
    assert 7 < 1000 * placed / alive < 13
    assert read_figures()["placed_any_rate_0_20_2021"].value == pytest.approx(10.7)


def test_about_one_child_in_twenty_is_ever_placed_by_18(baseline: Outcome) -> None:
    # registry row ohc_cumulative_18_18_20_2005: about .05, within .01
    placed, _ = baseline.share_in(["ever_placed"])
    assert abs(placed[19, 1] / placed[19].sum() - read_figures()["ohc_cumulative_18_18_20_2005"].value) < 0.01


@pytest.mark.parametrize(("sex", "row"), [("girl", "e0_female_2023"), ("boy", "e0_male_2023")])
def test_life_expectancy_is_within_a_year_of_the_life_table(baseline: Outcome, sex: str, row: str) -> None:
    # registry rows e0_female_2023 (84.9) and e0_male_2023 (81.6): Statistics Sweden, full year 2023
    alive = Quantity("alive", Expression.of(f"sex == '{sex}'").rule(MODEL.columns), "on_date", "persons")
    simulated = life_expectancy(baseline.volume(alive, baseline.baseline), 0)
    assert abs(simulated - read_figures()[row].value) < 1


def test_schooling_costs_what_unit_costs_times_years_come_to(baseline: Outcome) -> None:
    # 2.26 million kronor of 2021: Statistics Sweden 2022-12-01, unit costs of preschool, compulsory and upper
    # secondary school times the years a child attends (derived), within 8 %
    schooling = (
        "preschool", "compulsory_school", "special_support", "academic_programme", "vocational_programme",
        "introductory_programme",
    )  # fmt: skip
    assert per_child(baseline, *schooling, year=2021) == pytest.approx(2_260_000, rel=0.08)


def test_assessed_income_in_working_age_is_of_the_size_of_the_national_mean(baseline: Outcome) -> None:
    # registry row income_mean_20_64_2020: 342 400 a year times 45 years = 15.4 million, all residents
    assert 13.5e6 < 45 * read_figures()["income_mean_20_64_2020"].value < 17e6
    assert 13.5e6 < per_life(baseline, "assessed_income") < 17e6


def test_economic_assistance_over_life_is_of_the_size_of_what_is_paid(baseline: Outcome) -> None:
    # 34 000 to 58 000 kronor a child born in Sweden: National Board of Health and Welfare 2024, 10.9 billion paid,
    # less the part of those who immigrated (derived)
    assert 34_000 < per_child(baseline, "economic_assistance", year=2024) < 58_000


def test_placement_costs_are_of_the_size_of_what_municipalities_spend(baseline: Outcome) -> None:
    # 100 000 to 145 000 kronor of 2019 a child born, 2 to 3 million a child ever placed: 17 billion for 27 300
    # children (SVT 2019, Socialstyrelsen), times placed years (derived)
    cost = per_child(baseline, *PLACEMENT, year=2019)
    placed, _ = baseline.share_in(["ever_placed"])
    assert 100_000 < cost < 145_000
    assert 2e6 < cost / (placed[21, 1] / placed[21].sum()) < 3e6


def test_family_homes_and_institutions_share_what_placements_cost(baseline: Outcome) -> None:
    # assumed: each kind at least a quarter of the whole
    total = per_child(baseline, *PLACEMENT, year=2019)
    assert 0.25 < per_child(baseline, *FAMILY_HOME, year=2019) / total < 0.75
    # 24 000 kronor of 2023 a child: 1 000 a year for .57 bed years at 13 000 a day (SiS 2023), within a half
    assert 12_000 < per_child(baseline, "sis_care", year=2023) < 36_000


def test_suspect_years_are_of_the_size_of_the_national_count(baseline: Outcome) -> None:
    # 1.69 a life: suspects of 2022 by age and sex (Brå) summed over a life (derived), within a quarter
    assert per_life(baseline, "suspects") == pytest.approx(1.69, rel=0.25)


def test_about_a_tenth_leave_grade_9_without_eligibility(baseline: Outcome) -> None:
    # .895 of those born in Sweden are eligible (derived from Skolverket 2020, 2023), within .03
    assert per_life(baseline, "not_eligible_at_16") == pytest.approx(0.105, abs=0.03)
