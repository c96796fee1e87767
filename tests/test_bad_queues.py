"""Bad input about few places, teams and fixed costs is a sentence at its place; what is right is read and printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sim.files import load_plan
from sim.intervention import CostLine, Intervention
from tests.test_bad_input import (
    BASELINE,
    READING,
    SCENARIO,
    SKOLFAM,
    Case,
    arm,
    check,
    folder,
    read_once,
    run,
    the_mistake,
)

__all__ = ["folder", "read_once"]

PLACES = "capacity_per_year: null"
COST = "{per: year, amount: 90000, price_year: 2020, payer: municipality.social}"

CASES = [
    Case("no place", SKOLFAM, PLACES, "capacity_per_year: ¦0", ("'capacity_per_year' is 0: it must be at least 1",)),
    Case("less than no place", SKOLFAM, PLACES, "capacity_per_year: ¦-2", ("'capacity_per_year' is -2",)),
    Case("half a place", SKOLFAM, PLACES, "capacity_per_year: ¦2.5", ("must be a whole number, not 2.5",)),
    Case("places in quotes", SKOLFAM, PLACES, 'capacity_per_year: ¦"20"', ("must be a whole number",),
         "leave the quotes"),
    Case("misspelt", SKOLFAM, PLACES, "¦capacity: 20", ("unknown key 'capacity'",), "'capacity_per_year'"),
    Case("rank of no column", SKOLFAM, PLACES, "capacity_per_year: 5, rank: ¦\"schol_ability\"",
         ("unknown name 'schol_ability'",), "did you mean 'school_ability'?"),
    Case("rank of no label", SKOLFAM, PLACES, "rank: ¦\"care == 'foster_erly'\"", ("foster_erly",), "'foster_early'"),
    Case("rank without end", SKOLFAM, PLACES, "capacity_per_year: 5, rank: ¦\"1 / age\"",
         ("gives the rank inf at age 0: it must be finite",)),
    Case("rank in words", SKOLFAM, PLACES, "capacity_per_year: 5, rank: ¦\"highest need\"", ("is not an expression",)),
    Case("rank as a list", SKOLFAM, PLACES, "capacity_per_year: 5, rank: ¦[age]",
         ("an expression is a text or a number",)),
    Case("waiting backwards", SKOLFAM, PLACES, "capacity_per_year: 5, waiting_years: ¦-1", ("'waiting_years' is -1",)),
    Case("a line without places", SCENARIO, BASELINE, arm("interventions: [{use: skolfam, rank: ¦age}]"),
         ("'rank' is about a line",), "capacity_per_year"),
    Case("waiting without a line", SCENARIO, BASELINE, arm("interventions: [{use: skolfam, waiting_years: ¦2}]"),
         ("'waiting_years' is about a line",), "capacity_per_year"),
    Case("places of an arm", SCENARIO, BASELINE, arm("interventions: [{use: skolfam, capacity_per_year: ¦0}]"),
         ("'capacity_per_year' is 0",)),
    Case("rank of an arm", SCENARIO, BASELINE,
         arm("interventions: [{use: skolfam, capacity_per_year: 5, rank: ¦agee}]"), ("unknown name 'agee'",), "'age'"),
    Case("share and line", READING, re.compile(r"capacity_per_year: null(.*\n)baseline_coverage: 0.2"),
         "capacity_per_year: 5, years: 1, offer: once}\nbaseline_coverage: ¦0.2", ("one offer cannot have both",),
         "let the baseline use the intervention"),
    Case("line of an arm where some have it", SCENARIO, BASELINE,
         arm("interventions: [¦{use: intensive_reading, capacity_per_year: 5}]"), ("can change its uptake only",)),
    Case("team of nobody", SKOLFAM, COST, "¦{per: team, amount: 1, price_year: 2020, payer: municipality.social}",
         ("a cost per team needs the key 'size'",), "how many persons"),
    Case("team of no size", SKOLFAM, COST, COST.replace("year,", "team, size: ¦0,", 1), ("'size' is 0",)),
    Case("size of a year", SKOLFAM, COST, "¦" + COST.replace("year,", "year, size: 12,", 1),
         ("`per: team`", "per year")),
    Case("years of a start", SKOLFAM, COST, "¦" + COST.replace("year,", "start, years: [2030, 2035],", 1),
         ("`per: fixed`", "per start")),
    Case("falling years", SKOLFAM, COST, "¦" + COST.replace("year,", "fixed, years: [2035, 2030],", 1),
         ("the years 2035 to 2030 must rise",)),
    Case("one year", SKOLFAM, COST, COST.replace("year,", "fixed, years: ¦[2035],", 1),
         ("must have 2 entries, not 1",)),
    Case("per nothing known", SKOLFAM, COST, COST.replace("per: year", "per: ¦teams", 1),
         ("'per' is the text 'teams'",), "did you mean 'team'?"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_mistake_about_places_or_teams_is_placed(case: Case, folder: Path) -> None:
    check(case, folder)


def rewritten(folder: Path, name: str, old: str, new: str) -> Path:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return folder / SCENARIO


SMALL = """\
title: Small
model: lifecourse
population: norrkoping
cohort: {born: 2026, represents: 200, copies: 3}
horizon: 20
economics: {price_year: 2024, discount_rate: 0.03}
arms:
  baseline: {}
  few: {interventions: [{use: skolfam, capacity_per_year: 5}]}
"""


def small(folder: Path, old: str = "", new: str = "") -> Path:
    path = folder / "small.yaml"
    path.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
    return path


STRATA = "strata: {girls: {when: \"sex == 'girl'\", persons: 100}, boys: {persons: 100}}, copies: 3"


def test_strata_are_refused_where_places_are_few(folder: Path) -> None:
    problem = the_mistake(small(folder, "represents: 200, copies: 3", STRATA))
    assert "'skolfam' has capacity_per_year, which holds within a copy" in problem["message"]
    assert problem["line"] == 4
    assert "`copies` instead of `strata`" in problem["hint"]


def test_more_copies_than_are_counted_one_by_one_are_refused_where_teams_are_paid(folder: Path) -> None:
    rewritten(folder, SKOLFAM, COST, COST.replace("year,", "team, size: 12,", 1))
    assert load_plan(small(folder)).scenario.cohort.copies == 3
    problem = the_mistake(small(folder), "--persons", 30_000)
    assert "at most 128 copies are counted one by one, not 150" in problem["message"]


def test_a_fixed_cost_of_other_years_than_the_scenario_s_is_refused(folder: Path) -> None:
    rewritten(folder, SKOLFAM, COST, COST.replace("year,", "fixed, years: [2015, 2025],", 1))
    problem = the_mistake(small(folder))
    assert problem["message"].endswith("is paid from 2015 to 2025: the scenario is of 2026 to 2045")
    assert problem["line"] == 9


# What is right


def offered(scenario: Path, name: str = "few") -> Intervention:
    (one,) = load_plan(scenario).arms[name]
    return one


def test_an_arm_says_how_many_places_there_are_and_the_file_who_comes_first(folder: Path) -> None:
    rewritten(folder, SKOLFAM, PLACES, "capacity_per_year: null, rank: \"care == 'foster_teen'\", waiting_years: 2")
    one = offered(small(folder))
    assert (one.capacity_per_year, one.rank and one.rank.text, one.waiting_years) == (5, "care == 'foster_teen'", 2)
    own = offered(small(folder, "capacity_per_year: 5", "capacity_per_year: 7, rank: -age, waiting_years: null"))
    assert (own.capacity_per_year, own.rank and own.rank.text, own.waiting_years) == (7, "-age", None)
    free = offered(small(folder, "{use: skolfam, capacity_per_year: 5}", "skolfam"))
    assert (free.capacity_per_year, free.rank, free.waiting_years) == (None, None, None)


def test_an_arm_may_open_a_line_that_the_file_has(folder: Path) -> None:
    rewritten(folder, SKOLFAM, PLACES, "capacity_per_year: 4, rank: age")
    assert offered(small(folder, "capacity_per_year: 5", "uptake: 0.3")).capacity_per_year == 4
    assert offered(small(folder, "capacity_per_year: 5", "capacity_per_year: null")).capacity_per_year is None


def test_costs_by_team_and_for_the_whole_are_read(folder: Path) -> None:
    lines = (COST.replace("year,", kind, 1) for kind in ("team, size: 12,", "fixed, years: [2030, 2035],", "once,"))
    rewritten(folder, SKOLFAM, "  - " + COST, "\n".join(f"  - {line}" for line in lines))
    costs = offered(small(folder)).costs
    assert [(line.per, line.size, line.years) for line in costs] == [
        ("team", 12, None), ("fixed", None, (2030, 2035)), ("once", None, None),
    ]  # fmt: skip
    assert all(isinstance(line, CostLine) and line.by_copy for line in costs)


# The command line


def test_check_shows_the_line_and_who_shares_it(folder: Path) -> None:
    lines = (COST.replace("year,", kind, 1) for kind in ("team, size: 12,", "once,"))
    rewritten(folder, SKOLFAM, "  - " + COST, "\n".join(f"  - {line}" for line in lines))
    path = small(folder, "capacity_per_year: 5", 'capacity_per_year: 5, rank: "age", waiting_years: 1')
    code, out, _ = run("check", path)
    assert code == 0
    assert "5 places a year in each copy; first in line: the highest age, then the longest waiting, then by lot" in out
    assert "one waits 1 year(s) at the most" in out
    assert "are shared by 8 birth years, 0.62 places a year for each" in out
    assert "90,000 kronor for each 12 in delivery, or part of them, a year in each copy" in out
    assert "in reality up to 10 birth years share a team or a service" in out
    plan = json.loads(run("check", path, "--json")[1])["plan"]
    (one,) = plan["arms"]["few"]
    assert (one["capacity_per_year"], one["rank"], one["waiting_years"]) == (5, "age", 1)
    assert [line["per"] for line in one["costs"]] == ["team", "once"]


def test_compare_says_how_the_lines_went_and_price_says_it_again(folder: Path, tmp_path: Path) -> None:
    path = small(folder, "baseline: {}", "baseline: {interventions: [{use: skolfam, capacity_per_year: 1}]}")
    code, out, _ = run("compare", path, "--json", "--out", tmp_path / "run", "--persons", 6000)
    assert code == 0
    answer = json.loads(out)
    few, baseline = (answer["arms"][name]["queues"]["skolfam"] for name in ("few", "baseline"))
    assert (few["capacity_per_year"], baseline["capacity_per_year"]) == (5, 1)
    for line in (few, baseline):
        assert line["eligible"] == pytest.approx(line["offered"] + line["waiting"] + line["gave_up"])
        assert line["offered"] == pytest.approx(line["started"] + line["refused"])
        assert 0 < line["started"] <= line["capacity_per_year"]
    assert baseline["waiting"] > few["waiting"]
    assert baseline["years_waited"] >= few["years_waited"]
    again = json.loads(run("price", tmp_path / "run", "--json")[1])
    assert again["arms"] == answer["arms"]
    assert again["ledger_digest"] == answer["ledger_digest"]
    words = run("price", tmp_path / "run")[1]
    assert "  The baseline's line for skolfam, 1 place a year: in a municipality's mean year with a line (" in words
    assert "  Line for skolfam, 5 places a year: in a municipality's mean year with a line (" in words


def test_an_answer_without_a_line_says_nothing_of_lines(folder: Path, tmp_path: Path) -> None:
    path = small(folder, "{use: skolfam, capacity_per_year: 5}", "skolfam")
    answer = json.loads(run("compare", path, "--json", "--out", tmp_path / "run")[1])
    assert set(answer["arms"]["few"]) == {"cost_per_person"}
