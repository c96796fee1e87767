"""Registry targets: who they are about, how a run answers them, and how far off it is said to be."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.command import as_contract
from calibration.counting import Count, is_permanent, median, period_life_expectancy
from calibration.targets import (
    ALLOWANCE,
    COHORT_POPULATIONS,
    FOLDER,
    NEAR,
    Figure,
    Result,
    Target,
    evaluate,
    life_expectancy,
    needs,
    read_figures,
    read_targets,
)
from sim.domain import BASES
from sim.engine import simulate
from sim.errors import TargetError
from sim.files import load_model
from sim.outcome import Outcome
from sim.scenario import Cohort
from tests.models import childhood, lives, scenario

COLUMNS = (
    "id", "registry_id", "statistic", "numerator", "denominator", "basis", "ages", "denominator_ages", "scale",
    "tolerance", "set", "note",
)  # fmt: skip
ROW = {
    "id": "boys", "registry_id": "births_share_male_2023", "statistic": "share", "numerator": "sex == 'boy'",
    "denominator": "1", "basis": "on_date", "ages": "0-0", "denominator_ages": "", "scale": "1", "tolerance": "",
    "set": "fit", "note": "equivalent: counted at the end of the year of birth",
}  # fmt: skip


def written(folder: Path, **changes: str) -> Path:
    path = folder / "targets.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow({**ROW, **changes})
    return path


def figure(value: float, **more: str) -> Figure:
    given = {"unit": "proportion", "population": "near_born", "basis": "on_date", "year": "", "provenance": "found"}
    return Figure("figure", value, source="invented", **{**given, **more})


def target(name: str, value: float, numerator: str, denominator: str = "1", **more: object) -> Target:
    settings = {
        "ages": (7, 15),
        "statistic": "share",
        "basis": "on_date",
        "scale": 1.0,
        "tolerance": None,
        "note": "",
        **more,
    }
    return Target(
        id=name, figure=figure(value, **settings.pop("figure", {})), numerator=Count.of(numerator),
        denominator=Count.of(denominator), denominator_ages=settings.pop("denominator_ages", settings["ages"]),
        set="fit", **settings,
    )  # type: ignore[arg-type]  # fmt: skip


# The targets of a birth cohort


def test_every_target_is_of_a_population_that_a_birth_cohort_may_be_judged_on() -> None:
    targets = read_targets()
    assert len(targets) >= 90
    assert {one.figure.population for one in targets} <= {"born_in_sweden", "near_born"}
    assert {one.figure.population for one in targets} == set(COHORT_POPULATIONS)
    assert len({one.id for one in targets}) == len(targets)


def test_some_targets_are_held_out_and_none_is_fitted_to_a_figure_that_is_only_recalled() -> None:
    targets = read_targets()
    assert {one.set for one in targets} == {"fit", "held-out"}
    assert not [one.id for one in targets if one.figure.provenance == "recalled"]


def test_no_figure_is_both_fitted_and_held_out() -> None:
    fitted, held = ({t.figure.id for t in read_targets() if t.set == which} for which in ("fit", "held-out"))
    assert not fitted & held


def test_whole_functions_are_held_out_and_no_figure_that_is_derived_is_fitted() -> None:
    targets = read_targets()
    held = {one.id for one in targets if one.set == "held-out"}
    for function in ("e65_women_", "e65_men_", "eligible_placed_", "decisions_2", "preschool_1_3_", "diploma_4_years_"):
        own = {one.id for one in targets if one.id.startswith(function)}
        assert len(own) >= 2
        assert own <= held
    assert not [one.id for one in targets if one.set == "fit" and one.figure.provenance != "found"]


def test_every_target_is_answered_by_the_model_that_ships() -> None:
    found = needs(read_targets(), load_model("lifecourse"))
    assert any(need.deaths for need in found)


def test_a_row_of_all_residents_is_refused(tmp_path: Path) -> None:
    rows = [one.id for one in read_figures().values() if one.population == "all_residents"]
    with pytest.raises(TargetError) as caught:
        read_targets(written(tmp_path, registry_id=rows[0]))
    assert "of the population all_residents" in str(caught.value)
    assert "may be judged on born_in_sweden or near_born only" in str(caught.value)


def test_a_row_of_another_population_is_refused(tmp_path: Path) -> None:
    rows = [one.id for one in read_figures().values() if one.population == "other"]
    with pytest.raises(TargetError, match="of the population other"):
        read_targets(written(tmp_path, registry_id=rows[0]))


@pytest.mark.parametrize(
    ("changes", "sentence", "hint"),
    [
        ({"registry_id": "births_share_male_2032"}, "no registry row", "births_share_male_2023"),
        ({"statistic": "shares"}, "statistic is 'shares'", "share"),
        ({"basis": "on_day"}, "basis is 'on_day'", "on_date"),
        ({"set": "held_out"}, "set is 'held_out'", "held-out"),
        ({"ages": "20-10"}, "the ages '20-10'", None),
        ({"ages": "0-101"}, "the ages '0-101'", None),
        ({"ages": "7"}, "the ages '7'", None),
        ({"numerator": "sex = 'boy'"}, "target 'boys'", None),
        ({"numerator": "quantity:births where sex = 'boy'"}, "target 'boys'", None),
        ({"note": "whatever"}, "is counted event, and the target on_date", "equivalent:"),
    ],
)
def test_a_target_with_a_mistake_is_refused_by_name(
    tmp_path: Path, changes: dict[str, str], sentence: str, hint: str | None
) -> None:
    with pytest.raises(TargetError) as caught:
        read_targets(written(tmp_path, **changes))
    assert sentence in str(caught.value)
    assert "'boys'" in str(caught.value)
    if hint:
        assert hint in str(caught.value.problems[0].hint)


def test_a_target_that_reads_what_the_model_has_not_is_refused_by_name(tmp_path: Path) -> None:
    (asked,) = read_targets(written(tmp_path, numerator="sexx == 'boy'"))
    with pytest.raises(TargetError, match="target 'boys'"):
        needs([asked], childhood())


# The basis


def with_basis(kind: str, basis: str, numerator: str = "care != 'home'", note: str = "") -> Target:
    return target("one", 0.1, numerator, basis=basis, figure={"basis": kind}, note=note)


@pytest.mark.parametrize("kind", ["on_date", "any_in_year", "whole_year", "days", "event", "ever", "not_applicable"])
def test_a_figure_is_answered_in_its_own_basis_only(kind: str, tmp_path: Path) -> None:
    known = {"figure": figure(0.1, basis=kind)}
    for basis in ("on_date", "any_in_year", "whole_year", "event"):
        row = written(tmp_path, registry_id="figure", basis=basis, note="")
        if basis == kind or (kind, basis) == ("ever", "on_date"):
            assert read_targets(row, figures=known)[0].basis == basis
        else:
            with pytest.raises(TargetError, match=f"is counted {kind}, and the target {basis}"):
                read_targets(row, figures=known)
            said = written(tmp_path, registry_id="figure", basis=basis, note="equivalent: for a reason")
            assert read_targets(said, figures=known)[0].basis == basis


@pytest.mark.parametrize(
    ("numerator", "lasts"),
    [
        ("ever_placed >= 1", True),
        ("school == 'finished' and sex == 'boy'", True),
        ("school == 'finished' and risk > 0 and age >= 16", True),
        ("school in ['struggling', 'finished']", False),
        ("care != 'home'", False),
        ("years_in_care >= 1", False),
        ("previous_school == 'finished'", False),
    ],
)
def test_what_holds_ever_is_answered_by_what_does_not_end(numerator: str, lasts: bool) -> None:
    assert is_permanent(Count.of(numerator), childhood()) is lasts
    asked = with_basis("ever", "on_date", numerator)
    if lasts:
        assert needs([asked], childhood())
    else:
        with pytest.raises(TargetError, match="may end again"):
            needs([asked], childhood())
        assert needs([replace(asked, note="equivalent: for a reason")], childhood())


def test_a_quantity_is_counted_in_its_own_basis_only() -> None:
    assert needs([target("years", 1.0, "quantity:years_struggling")], childhood())
    with pytest.raises(TargetError, match="'years_struggling' is counted on_date, not event"):
        needs([target("years", 1.0, "quantity:years_struggling", basis="event")], childhood())
    with pytest.raises(TargetError, match="no quantity 'years_strugling'"):
        needs([target("years", 1.0, "quantity:years_strugling")], childhood())


# The registry table


def registry() -> list[dict[str, str]]:
    with open(FOLDER / "registry.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_registry_has_one_id_a_row_and_says_what_each_figure_is() -> None:
    rows = registry()
    assert len({row["id"] for row in rows}) == len(rows) == 639
    for row in rows:
        assert all(row[key].strip() for key in ("id", "unit", "provenance", "source", "description", "geography"))
        assert math.isfinite(float(row["value"])), row["id"]
        assert re.fullmatch(r"[A-Za-z0-9_]+", row["id"]), row["id"]
        assert int(row["age_from"]) <= int(row["age_to"]), row["id"]


def test_the_added_columns_hold_nothing_but_what_is_explained() -> None:
    rows = registry()
    assert {row["population"] for row in rows} == {"born_in_sweden", "near_born", "all_residents", "other"}
    assert {row["basis"] for row in rows} == {*BASES, "ever", "not_applicable"}
    assert {row["provenance"] for row in rows} == {"found", "derived", "recalled"}


def test_the_numbers_in_the_description_of_the_registry_are_those_of_the_table() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = registry()
    for column in ("population", "provenance"):
        for word, number in Counter(row[column] for row in rows).items():
            assert f"`{word}` ({number})" in text
    assert f"holds {len(rows)} published" in text


def test_uvas_assistance_income_and_employment_of_all_residents_are_never_near_born() -> None:
    moved_by_immigration = ("uvas", "econ_assistance", "income", "employ")
    near = [row for row in registry() if row["population"] == "near_born"]
    levels = [
        row["id"]
        for row in near
        if row["statistic_id"].startswith(moved_by_immigration) and row["subgroup"] == "all" and row["unit"] != "ratio"
    ]
    assert levels == []


# Life expectancy


@pytest.mark.parametrize("age", [0, 1, 30, 65, 100])
def test_life_expectancy_of_a_constant_survival_has_its_closed_form(age: int) -> None:
    s = 0.97
    alive = 1000.0 * s ** np.arange(102)[None, :].repeat(3, axis=0)  # row 0 the births, row a + 1 after age a
    if age == 0:
        expected = s * (1 - s**101) / (1 - s)
    else:
        expected = 2 * s * (1 - s ** (101 - age)) / ((1 - s) * (1 + s))
    assert life_expectancy(alive, age) == pytest.approx(expected, rel=1e-12)


def test_life_expectancy_adds_copies_before_it_divides() -> None:
    alive = np.array([[10.0, 10, 0], [30.0, 0, 0]])
    assert life_expectancy(alive, 0) == 10 / 40
    assert life_expectancy(alive, 1) == 0.0


def test_a_group_that_nobody_leaves_has_the_life_expectancy_of_its_survivors() -> None:
    alive = np.array([[100.0, 90, 60, 30, 12, 0], [50.0, 40, 30, 30, 10, 5]])
    died = np.zeros_like(alive)
    died[:, 1:] = alive[:, :-1] - alive[:, 1:]
    for age in (0, 1, 3):
        assert period_life_expectancy(died, alive, age) == pytest.approx(life_expectancy(alive, age), rel=1e-12)


def test_who_joins_a_group_late_counts_from_then_on() -> None:
    alive = np.array([[0.0, 0, 10, 30, 15, 0]])  # twenty join between two ages, and half of thirty die
    died = np.array([[0.0, 0, 0, 0, 15, 15]])
    # from the age of 2: none of ten dies, then 15 of 30, then 15 of 15
    assert period_life_expectancy(died, alive, 2) == pytest.approx((1 + 0.5 + 0) / 1)


def test_ages_that_nobody_of_a_group_lived_to_see_close_its_table() -> None:
    alive = np.array([[10.0, 10, 10, 0, 0, 0]])  # all leave the group before the age of 2 ends
    assert period_life_expectancy(np.zeros_like(alive), alive, 1) == 1 + 1


def test_the_median_is_that_of_persons_and_not_of_cells() -> None:
    values = np.array([[1.0, 2.0], [3.0, 9.0]])
    assert median(values, np.array([[[1.0, 1], [1, 0]], [[0, 0], [0, 4]]])) == 9.0
    assert median(values, np.array([[3.0, 1], [1, 1]])) == 1.0


# A run and its targets


@pytest.fixture(scope="module")
def asked() -> list[Target]:
    return [
        target("struggling", 0.05, "school == 'struggling'", "school in ['on_track', 'struggling']", ages=(7, 15)),
        target("boys", 0.51, "sex == 'boy'", ages=(0, 0), tolerance=0.03),
        target("placed", 60.0, "care != 'home'", basis="any_in_year", ages=(0, 17), scale=1000.0),
        target("ever", 0.2, "ever_placed >= 1", ages=(18, 18), denominator_ages=(0, 0)),
        target("e0", 34.0, "1", statistic="life_expectancy", ages=(0, 0)),
        target("e20_job", 14.0, "work == 'job'", statistic="life_expectancy", ages=(20, 20)),
        target("years", 0.05, "quantity:years_struggling where sex == 'boy'", "sex == 'boy'", ages=(7, 15)),
        target("middle", 1.0, "spells + 2 * ever_placed", statistic="median", ages=(10, 30)),
    ]


@pytest.fixture(scope="module")
def outcome(asked: list[Target]) -> Outcome:
    cohort = Cohort(2020, represents=90, copies=4)
    return simulate(scenario(cohort=cohort, horizon=35, needs=needs(asked, childhood())))


def by_id(results: list[Result]) -> dict[str, Result]:
    return {one.target.id: one for one in results}


def test_a_share_is_that_of_persons_counted_one_by_one(asked: list[Target], outcome: Outcome) -> None:
    lived = lives(outcome.plan)
    care, school = lived.states("care"), lived.states("school")
    results = by_id(evaluate(asked, outcome))
    pupils = school[8:17]  # the ends of the years of age 7 to 15
    share = (pupils == "struggling").sum() / np.isin(pupils, ["on_track", "struggling"]).sum()
    assert results["struggling"].simulated == pytest.approx(share, rel=1e-12)
    after, before = care[1:19], care[0:18]
    away = ((after != "dead") & ((after != "home") | (before != "home"))).sum()
    assert results["placed"].simulated == pytest.approx(1000 * away / (after != "dead").sum(), rel=1e-12)
    ever = (lived.column("ever_placed")[19] == 1).sum()
    assert results["ever"].simulated == pytest.approx(ever / (care[1] != "dead").sum(), rel=1e-12)
    assert results["e0"].simulated == pytest.approx((care[1:] != "dead").sum() / care.shape[1], rel=1e-12)


def test_a_part_of_a_quantity_is_that_of_persons_counted_one_by_one(asked: list[Target], outcome: Outcome) -> None:
    lived = lives(outcome.plan)
    boys = lived.column("sex")[8:17] == 1
    struggling = lived.states("school")[8:17] == "struggling"
    share = (struggling & boys).sum() / boys.sum()
    assert by_id(evaluate(asked, outcome))["years"].simulated == pytest.approx(share, rel=1e-12)


def test_a_median_is_that_of_persons_sorted_one_by_one(asked: list[Target], outcome: Outcome) -> None:
    lived = lives(outcome.plan)
    there = lived.column("age")[11:32] != 255
    sums = lived.column("spells")[11:32].astype(int) + 2 * lived.column("ever_placed")[11:32]
    heaped = np.sort(sums[there])
    assert by_id(evaluate(asked, outcome))["middle"].simulated == heaped[(len(heaped) - 1) // 2]


def test_the_life_table_of_a_group_that_changes_is_that_of_persons_followed_one_by_one(
    asked: list[Target], outcome: Outcome
) -> None:
    work = lives(outcome.plan).states("work")
    left, years = 1.0, 0.0
    at_20 = None
    for age in range(20, 35):
        began = work[age] == "job"  # in the group at the end of the year before
        died = began & (work[age + 1] == "dead")
        before, left = left, left * (1 - died.sum() / began.sum())
        at_20 = at_20 or (before + left) / 2
        years += left
    assert by_id(evaluate(asked, outcome))["e20_job"].simulated == pytest.approx(years / at_20, rel=1e-12)


def test_the_standard_error_leaves_each_copy_out_once(asked: list[Target], outcome: Outcome) -> None:
    lived = lives(outcome.plan)
    school = lived.states("school")[8:17].reshape(9, 4, 90)
    above = (school == "struggling").sum(axis=(0, 2))
    below = np.isin(school, ["on_track", "struggling"]).sum(axis=(0, 2))
    left_out = np.array([(above.sum() - above[k]) / (below.sum() - below[k]) for k in range(4)])
    expected = math.sqrt(3 / 4 * ((left_out - left_out.mean()) ** 2).sum())
    assert by_id(evaluate(asked, outcome))["struggling"].se == pytest.approx(expected, rel=1e-9)


def test_the_tolerance_is_the_given_one_or_a_tenth_or_two_standard_errors(
    asked: list[Target], outcome: Outcome
) -> None:
    results = by_id(evaluate(asked, outcome))
    assert results["boys"].tolerance == 0.03
    assert results["e0"].tolerance == pytest.approx((NEAR + ALLOWANCE) * 34)  # a figure of near_born
    born = [replace(one, figure=replace(one.figure, population="born_in_sweden")) for one in asked]
    assert by_id(evaluate(born, outcome))["e0"].tolerance == pytest.approx(NEAR * 34)
    rare = target("rare", 1e-9, "care == 'institution'")
    (one,) = evaluate([rare], simulate(replace(outcome.plan.scenario, needs=needs([rare], childhood()))))
    assert one.se is not None
    assert one.tolerance == pytest.approx(2 * one.se + ALLOWANCE * 1e-9)


def test_results_come_worst_first(asked: list[Target], outcome: Outcome) -> None:
    results = evaluate(asked, outcome)
    far = [abs(one.simulated - one.target.figure.value) / one.tolerance for one in results]
    assert far == sorted(far, reverse=True)
    assert [one.distance for one in results] == far
    assert [one.within for one in results] == [one <= 1 for one in far]
    assert {one.within for one in results} == {True, False}


def test_one_copy_has_no_standard_error(asked: list[Target]) -> None:
    alone = simulate(scenario(cohort=Cohort(2020, 200, 1), needs=needs(asked, childhood())))
    assert {one.se for one in evaluate(asked, alone)} == {None}


def test_a_denominator_without_anybody_is_refused_by_name(outcome: Outcome) -> None:
    nobody = target("nobody", 0.1, "1", "school == 'finished'", ages=(0, 0))
    lived = simulate(replace(outcome.plan.scenario, needs=needs([nobody], childhood())))
    with pytest.raises(TargetError, match="target 'nobody': nobody is in the denominator"):
        evaluate([nobody], lived)


def test_a_denominator_in_one_copy_only_has_no_standard_error_rather_than_one_that_is_no_number() -> None:
    few = target("few", 0.5, "care == 'foster' and risk > 1", "care != 'home' and risk > 1", ages=(3, 3))
    cohort = Cohort(2020, represents=12, copies=2)
    lived = simulate(scenario(cohort=cohort, needs=needs([few], childhood())), seed=seed_with_one_copy(few, cohort))
    (result,) = evaluate([few], lived)
    assert math.isfinite(result.simulated)
    assert result.se is None or math.isfinite(result.se)
    contract = as_contract(result)
    assert all(value == value for value in contract.values())


def seed_with_one_copy(asked: Target, cohort: Cohort) -> int:
    """Return the first seed with which the denominator has somebody in exactly one copy."""
    for seed in range(1, 200):
        lived = simulate(scenario(cohort=cohort, needs=needs([asked], childhood()), horizon=5), seed=seed)
        margin = lived.baseline.margin(["care", "risk"])
        counts = lived.baseline.of(margin)[:, 4].reshape(cohort.copies, *margin.sizes)
        assert margin.columns == ("care", "risk")
        if sorted(counts[:, 1:, 2].sum(axis=1) > 0) == [False, True]:
            return seed
    raise AssertionError("no such seed")
