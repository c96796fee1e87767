"""Bad input gives a sentence with file, line, column and the way out; exit code 2; nothing written.

Every case changes one thing in a copy of the shipped scenarios. The mark ¦ in the changed text stands where the
message has to point. What is changed is found by its name, whatever figure stands there.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import sim.files
from sim.cli import app
from sim.files import load_plan, shipped_folder
from sim.source import Source, read_yaml

MARK = "¦"
SCENARIO = "norrkoping.yaml"
SKOLFAM = "interventions/skolfam.yaml"
VISITS = "interventions/extended_home_visits.yaml"
READING = "interventions/intensive_reading.yaml"
NURSE = "interventions/nurse_home_visiting.yaml"
NUDGE = "interventions/job_search_nudge.yaml"
WORK = "interventions/supported_employment.yaml"
CARE = "parameters/care.yaml"
SCHOOL = "parameters/school.yaml"
UPPER = "parameters/upper_secondary.yaml"
DEATH = "parameters/death.yaml"
QUANTITIES = "parameters/quantities.yaml"
BORN = "populations/norrkoping.yaml"
PRICES = "prices/sweden.yaml"
INDEX = "prices/indices.yaml"


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """Parse each text once: the unchanged files of every copy are the same."""
    known: dict[str, Source] = {}

    def read(path: str | os.PathLike[str]) -> Source:
        try:
            text = Path(path).read_bytes().hex() if Path(path).is_file() else ""
        except OSError:
            text = ""
        if not text:
            return read_yaml(path)
        if text not in known:
            known[text] = read_yaml(path)
        return replace(known[text], path=os.fspath(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim.files, "read_yaml", read)
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the shipped scenarios; runs would be written beside it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(shipped_folder(), tmp_path / "scenarios"))


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def mistakes(scenario: Path, *options: object) -> list[dict[str, Any]]:
    """Return what `compare --json` says of a bad scenario: exit code 2, nothing written."""
    before = files_under(scenario.parents[1])
    code, out, err = run("compare", scenario, "--json", "--out", "run", *options)
    assert code == 2, err
    assert files_under(scenario.parents[1]) == before
    assert "Traceback" not in out + err
    answer = json.loads(out)
    assert answer["ok"] is False
    problems: list[dict[str, Any]] = answer["errors"]
    assert all(problem["message"] in err for problem in problems)
    return problems


def the_mistake(scenario: Path, *options: object) -> dict[str, Any]:
    (problem,) = mistakes(scenario, *options)
    return problem


def place_of(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - before.rfind("\n")


@dataclass(frozen=True)
class Case:
    """One thing changed in one file, and what is said of it."""

    what: str
    file: str
    old: str | re.Pattern[str]
    new: str
    """Text that replaces `old`; the mark stands where the message must point."""
    words: tuple[str, ...]
    hint: str | None = None
    """A part of the hint."""
    at: tuple[str, str] | None = None
    """File and text that the message points to, where it is not in the change itself."""


def lines(parameter: str, *keys: str) -> re.Pattern[str]:
    """Return what finds these neighbouring keys of a parameter, whatever stands there."""
    whole = "\n".join(rf"    {key}:.*(?:\n {{5,}}.*)*" for key in keys)
    return re.compile(rf"(?<=\n  {parameter}:\n){whole}")


def replaced(folder: Path, name: str, old: str | re.Pattern[str], new: str) -> str:
    """Return a file's text with the first place of the old text changed."""
    text = (folder / name).read_text(encoding="utf-8")
    marked, times = re.subn(re.escape(old) if isinstance(old, str) else old, lambda _: new, text, count=1)
    assert times, f"{name} has no {old!r}"
    return marked


def changed(folder: Path, case: Case) -> tuple[str, tuple[int, int]]:
    """Make the change; return the file that is at fault, and the line and column in it."""
    path = folder / case.file
    marked = replaced(folder, case.file, case.old, case.new)
    path.write_text(marked.replace(MARK, ""), encoding="utf-8")
    if case.at is None:
        return case.file, place_of(marked, marked.index(MARK))
    other = (folder / case.at[0]).read_text(encoding="utf-8")
    return case.at[0], place_of(other, other.index(case.at[1]))


def check(case: Case, folder: Path) -> None:
    name, place = changed(folder, case)
    problem = the_mistake(folder / SCENARIO)
    assert Path(problem["file"]) == folder / name
    assert (problem["line"], problem["column"]) == place, problem
    for word in case.words:
        assert word in problem["message"], problem
    assert case.hint is None or case.hint in (problem["hint"] or ""), problem


BASELINE = "  baseline: {}\n"
ARM = BASELINE + "  other: {interventions: []"


def arm(inside: str) -> str:
    """Return an arm beside the baseline, to replace it in the scenario."""
    return BASELINE + f"  other: {{{inside}}}\n"


# How the file is written


SYNTAX = [
    Case("tab", SCENARIO, "arms:\n", "arms:\n¦\tnone: {}\n", ("tab at line", "use spaces")),
    Case("alias", SCENARIO, "{born: 2026,", "{born: ¦*year,", ("anchors and aliases", "not allowed")),
    Case("tag", SCENARIO, "title: Social", "title: ¦!!python/object/apply:os.system Social", ("tags",)),
    Case("merge", SCENARIO, BASELINE, "  ¦<<: {}\n" + BASELINE, ("merge keys",), "write the keys out"),
    Case("key is a list", SCENARIO, BASELINE, "  ¦[a, b]: {}\n" + BASELINE, ("a key must be text",)),
    Case("right to left", SCENARIO, BASELINE, "  base¦\u202eline: {}\n" + BASELINE, ("U+202E",)),
    Case("zero width", SCENARIO, "model: life", "model: life¦\u200b", ("invisible", "U+200B")),
    Case("leading zero", SCENARIO, "represents: 1640", "represents: ¦01640", ("leading zero", "1640")),
    Case("decimal comma", SCENARIO, "{price_year: 2024, discount_rate: 0.03}",
         "\n  price_year: 2024\n  discount_rate: ¦0,03", ("decimal comma",), "0.03"),
    Case("not a number", SCENARIO, "rate: 0.03", "rate: ¦.nan", ("not a finite number",)),
    Case("infinite", CARE, lines("at_once", "value"), "    value: ¦.inf", ("not a finite number",)),
    Case("sexagesimal", SCENARIO, "born: 2026", "born: ¦1:30", ("'born'", "whole number", "'1:30'")),
]  # fmt: skip


@pytest.mark.parametrize("case", SYNTAX, ids=lambda case: case.what)
def test_a_mistake_of_writing_is_placed(case: Case, folder: Path) -> None:
    check(case, folder)


def test_a_missing_scenario_names_the_nearest(folder: Path) -> None:
    problem = the_mistake(folder / "norkoping.yaml")
    assert problem["file"].endswith("norkoping.yaml")
    assert "not found" in problem["message"]
    assert "did you mean 'norrkoping.yaml'?" in problem["hint"]


def test_a_folder_is_no_scenario(folder: Path) -> None:
    assert "is a folder" in the_mistake(folder / "prices")["message"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        ("title: å".encode("latin-1"), "not UTF-8 at byte 8"),
        ("title: bas\n".encode("utf-16"), "UTF-16"),
        (b"# " + b"x" * 1_000_001, "over 1 MB"),
        (b"- a\n- b\n", "found a list"),
        (b"arms: {baseline: {}", "unexpected end of the file"),
        (b'{"title": "x",, "model": "y"}', "ill-formed YAML"),
        (pickle.dumps({"title": "x"}), "refused file type: pickle"),
        (b"\x93NUMPY\x01\x00", "refused file type: NumPy"),
        (b"a: &a [x]\nb: [*a, *a]\n", "aliases (&, *) are not allowed"),
    ],
    ids=["empty", "latin-1", "utf-16", "large", "list", "cut off", "json", "pickle", "npy", "laughs"],
)
def test_a_file_that_is_no_yaml_mapping_is_refused(folder: Path, content: bytes, words: str) -> None:
    (folder / SCENARIO).write_bytes(content)
    found = mistakes(folder / SCENARIO)
    assert words in found[0]["message"]
    assert found[0]["file"].endswith(SCENARIO)


def test_a_bad_file_named_by_the_scenario_is_refused_under_its_own_name(folder: Path) -> None:
    (folder / SKOLFAM).write_bytes("title: å".encode("latin-1"))
    problem = the_mistake(folder / SCENARIO)
    assert problem["file"].endswith(SKOLFAM)
    assert "not UTF-8" in problem["message"]


def test_a_key_given_twice_names_both_lines(folder: Path) -> None:
    text = (folder / SCENARIO).read_text(encoding="utf-8")
    (folder / SCENARIO).write_text(text + "title: again\n", encoding="utf-8")
    problem = the_mistake(folder / SCENARIO)
    assert problem["message"] == f"'title' given twice: lines 1 and {text.count(chr(10)) + 1}"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_devices_are_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert "not a regular file" in the_mistake(folder / "pipe.yaml")["message"]
    code, _, err = run("check", "/dev/zero")
    assert code == 2
    assert "not a regular file" in err


SHORT = """title: Short
model: lifecourse
population: norrkoping
cohort: {born: 2026, copies: 2}
horizon: 5
economics: {price_year: 2024, discount_rate: 0.03}
arms:
  baseline: {}
"""


@pytest.mark.parametrize(
    "content",
    [
        ("\ufeff" + SHORT).encode(),
        SHORT.replace("\n", "\r\n").encode(),
        SHORT.replace("0.03", "3e-2").encode(),
        b'{"title": "x", "model": "lifecourse", "population": "sweden", "cohort": {"born": 2026, "copies": 1},'
        b' "economics": {"price_year": 2024}, "arms": {"baseline": {},},}',
        (SHORT + "  empty: {interventions: []}\n").encode(),
    ],
    ids=["byte order mark", "windows line ends", "1e-3", "json with trailing comma", "arm without interventions"],
)
def test_what_is_unusual_but_clear_is_accepted(folder: Path, content: bytes) -> None:
    (folder / "short.yaml").write_bytes(content)
    plan = load_plan(folder / "short.yaml")
    assert plan.scenario.economics.discount_rate == 0.03
    assert all(not offers for arm_name, offers in plan.arms.items() if arm_name == "empty")


# Keys and types


FORM = [
    Case("unknown key", SCENARIO, "skolfam: {interventions:", "skolfam: {¦interventons:",
         ("unknown key 'interventons'",), "did you mean 'interventions'?"),
    Case("unknown key at the top", SCENARIO, "measures:", "¦mesures:", ("unknown key 'mesures'",), "'measures'"),
    Case("missing key", SCENARIO, "economics: {price_year: 2024, ", "¦economics: {", ("needs the key 'price_year'",)),
    Case("counting at no known time", SCENARIO, "discount_rate: 0.03", "discount_rate: 0.03, counted: ¦half-cycle",
         ("'counted'", "half-cycle"), "did you mean 'half_cycle'?"),
    Case("the start counted twice", SCENARIO, "discount_rate: 0.03",
         "discount_rate: 0.03, count_start: true, counted: ¦start", ("counts the start in the first step already",),
         "leave out count_start"),
    Case("missing price year of a cost", SKOLFAM, "{per: year, amount: 90000, price_year: 2020,",
         "¦{per: year, amount: 90000,", ("needs the key 'price_year'",)),
    Case("missing price year of a price", PRICES,
         re.compile(r"(?<=\n  )preschool:\n(?:    (?!price_year).*\n)+    price_year: .*\n"),
         "¦preschool:\n    title: Place in preschool\n    quantity: preschool_places\n    amount: 160000\n"
         "    unit: SEK per child-year\n", ("needs the key 'price_year'",)),
    Case("number in quotes", SCENARIO, "discount_rate: 0.03", 'discount_rate: ¦"0.03"',
         ("'discount_rate' must be a number",), "leave the quotes out"),
    Case("truth value for a number", SCENARIO, "discount_rate: 0.03", "discount_rate: ¦true", ("a number, not true",)),
    Case("nothing for a number", SCENARIO, re.compile(r"copies: \d+"), "copies: ¦null", ("'copies' has no value",)),
    Case("list for a number", SCENARIO, "discount_rate: 0.03", "discount_rate: ¦[0.03, 0.05]",
         ("a number, not a list of 2",), "one number"),
    Case("list for a mapping", SCENARIO, "skolfam: {interventions: [skolfam]}", "skolfam: ¦[skolfam]",
         ("'skolfam' must be a mapping, not a list of 1",)),
    Case("text for a list", SCENARIO, "{interventions: [skolfam]}", "{interventions: ¦skolfam}",
         ("'interventions' must be a list",)),
    Case("fractional persons", SCENARIO, "represents: 1640", "represents: ¦1000.5", ("whole number, not 1000.5",)),
    Case("evidence without a key", SKOLFAM, "evidence:\n  design: matched_comparison\n",
         "¦evidence:\n", ("needs the key 'design'",)),
    Case("provenance of a sixth kind", SKOLFAM, "provenance: assumed", "provenance: ¦assummed",
         ("'provenance' is the text 'assummed'",), "did you mean 'assumed'?"),
    Case("parameter without a source", CARE, re.compile(r"  open_to:\n(?:    (?!source).*\n)+    source: .*\n"),
         "  ¦open_to:\n    value: 20\n    unit: years of age\n    uncertainty: none (law)\n",
         ("needs the key 'source'",)),
    Case("unknown key of a use", SCENARIO, "uptake: 0.6", "¦uptak: 0.6", ("unknown key 'uptak'",), "'uptake'"),
]  # fmt: skip


@pytest.mark.parametrize("case", FORM, ids=lambda case: case.what)
def test_a_mistake_of_form_is_placed(case: Case, folder: Path) -> None:
    check(case, folder)


# Names


NAMES = [
    Case("model", SCENARIO, "model: lifecourse", "model: ¦lifecorse", ("no model 'lifecorse'",), "'lifecourse'"),
    Case("population", SCENARIO, "population: norrkoping", "population: ¦norkoping",
         ("no file 'norkoping.yaml' in populations/",), "did you mean 'norrkoping'?"),
    Case("prices", SCENARIO, "prices: sweden", "prices: ¦swede", ("no file 'swede.yaml' in prices/",), "'sweden'"),
    Case("intervention", SCENARIO, "[skolfam]", "[¦skolfamn]", ("no file 'skolfamn.yaml'",), "did you mean 'skolfam'?"),
    Case("measure", SCENARIO, "[placed,", "[¦place,", ("no quantity 'place'",), "did you mean 'placed'?"),
    Case("no baseline", SCENARIO, "arms:\n  baseline: {}", "¦arms:\n  base_line: {}",
         ("need one named 'baseline'",), "did you mean 'base_line'?"),
    Case("path as a name", SCENARIO, "[skolfam]", "[¦../x]", ("'../x' cannot name a file",), "letters, digits"),
    Case("absolute path", SCENARIO, "population: norrkoping", "population: ¦/etc/passwd", ("cannot name a file",)),
    Case("reserved name", SCENARIO, "population: norrkoping", "population: ¦CON", ("'CON' cannot name",), "Windows"),
    Case("slash in an arm", SCENARIO, "  skolfam: {", "  ¦a/b: {", ("'a/b' cannot name an arm",), "letters"),
    Case("long arm", SCENARIO, "  skolfam: {", "  ¦" + "a" * 81 + ": {", ("cannot name an arm",), "at most 80"),
    Case("twice in an arm", SCENARIO, "[skolfam]", "¦[skolfam, skolfam]", ("'skolfam' is used twice",)),
    Case("parameter of an arm", SCENARIO, BASELINE, arm("parameters: {care: {¦open_too: 20}}"),
         ("domain 'care' has no parameter 'open_too'",), "did you mean 'open_to'?"),
    Case("domain of an arm", SCENARIO, BASELINE, arm("parameters: {¦caer: {open_to: 20}}"),
         ("no domain 'caer'",), "did you mean 'care'?"),
    Case("price of an arm", SCENARIO, BASELINE, arm("prices: {¦preschol: {amount: 1}}"),
         ("no price 'preschol'",), "did you mean 'preschool'?"),
    Case("transition", WORK, '"activity: activity_comp -> employed_low"', '¦"activity: activity_comp -> employd_low"',
         ("no transition 'activity: activity_comp -> employd_low'",),
         "did you mean 'activity: activity_comp -> employed_low'?"),
    Case("transition in a list", VISITS, '"care: open -> foster_early"', '¦"care: open -> fostr_early"',
         ("no transition",), "did you mean 'care: open -> foster_early'?"),
    Case("trait", SKOLFAM, "trait: school_ability", "trait: ¦school_abilty", ("'school_abilty' is no trait",),
         "did you mean 'school_ability'?"),
    Case("payer", SKOLFAM, "payer: municipality.social", "payer: ¦municipality.socal",
         ("unknown payer 'municipality.socal'",), "did you mean 'municipality.social'?"),
    Case("payer of a price", PRICES, "payer: municipality.school", "payer: ¦municipality.skool",
         ("unknown payer 'municipality.skool'",), "did you mean 'municipality.school'?"),
    Case("quantity of a price", PRICES, "quantity: preschool_places", "quantity: ¦preschool_place",
         ("no quantity 'preschool_place'",), "did you mean 'preschool_places'?"),
    Case("replaced quantity", SKOLFAM, "baseline_coverage: 0\n", "baseline_coverage: 0\nreplaces: ¦special_suport\n",
         ("no quantity 'special_suport'",), "did you mean 'special_support'?"),
    Case("domain of a parameter file", CARE, "domain: care", "domain: ¦cares", ("says domain 'cares'",)),
]  # fmt: skip


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case.what)
def test_a_wrong_name_is_placed_with_the_nearest_right_one(case: Case, folder: Path) -> None:
    check(case, folder)


def test_a_link_to_outside_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / SKOLFAM, tmp_path / "outside.yaml")
    (folder / SKOLFAM).unlink()
    (folder / SKOLFAM).symlink_to(tmp_path / "outside.yaml")
    found = mistakes(folder / SCENARIO)
    assert {Path(one["file"]).name for one in found} == {SCENARIO}
    assert all("link to a file outside" in one["message"] for one in found)


# Values


VALUES = [
    Case("discount of 300 %", SCENARIO, "rate: 0.03", "rate: ¦3", ("'discount_rate' is 3",), "did you mean 0.03?"),
    Case("negative discount", SCENARIO, "rate: 0.03", "rate: ¦-1", ("'discount_rate' is -1", "at least 0")),
    Case("age of 200", SKOLFAM, "ages: [6, 13]", "ages: [6, ¦200]", ("item 2 of 'ages' is 200", "at most 100")),
    Case("before birth", SKOLFAM, "ages: [6, 13]", "ages: [¦-1, 13]", ("-1",), "age 0 is the year of birth"),
    Case("falling ages", SKOLFAM, "ages: [6, 13]", "ages: ¦[13, 6]", ("the ages 13 to 6 must rise",)),
    Case("no horizon", SCENARIO, "horizon: lifetime", "horizon: ¦0", ("'horizon' is 0", "1 to 101")),
    Case("negative horizon", SCENARIO, "horizon: lifetime", "horizon: ¦-5", ("'horizon' is -5",)),
    Case("endless horizon", SCENARIO, "horizon: lifetime", "horizon: ¦10000", ("'horizon' is 10000",)),
    Case("horizon in words", SCENARIO, "horizon: lifetime", "horizon: ¦lifetme", ("'lifetme'",), "'lifetime'"),
    Case("no persons", SCENARIO, "represents: 1640", "represents: ¦0", ("'represents' is 0", "at least 1")),
    Case("too many copies", SCENARIO, re.compile(r"copies: \d+"), "copies: ¦100_000",
         ("'copies' is 100000", "at most 65_536")),
    Case("year without an index", SCENARIO, "price_year: 2024", "price_year: ¦2030",
         ("price index has no year 2030", "2010 to 2024")),
    Case("cost of a year without an index", SKOLFAM, "price_year: 2020", "price_year: ¦1999", ("no year 1999",)),
    Case("index of no year", INDEX, "2024: 415.1", "¦20x4: 415.1, 2024: 415.1", ("'20x4' is no year",)),
    Case("negative cost", SKOLFAM, "amount: 90000", "amount: ¦-500", ("'amount' is -500",), "kind: revenue"),
    Case("astronomical cost", SKOLFAM, "amount: 90000", "amount: ¦1e18", ("'amount' is 1e+18", "at most 1e+12")),
    Case("negative price in an arm", SCENARIO, BASELINE, arm("prices: {preschool: {amount: ¦-1}}"), ("at least 0",)),
    Case("cashable above 1", PRICES, "cashable: [0.1, 0.2, 0.35, 0.5]", "cashable: ¦[0.1, 0.2, 0.35, 5]",
         ("'cashable' must be a share", "not 5")),
    Case("uptake of 120 %", SKOLFAM, "uptake: 0.8", "uptake: ¦1.2", ("'uptake' is 1.2", "0 to 1")),
    Case("uptake of an arm", SCENARIO, "uptake: 0.6", "uptake: ¦60", ("'uptake' is 60",), "60 % is 0.6"),
    Case("coverage of 20", READING, "coverage: 0.2", "coverage: ¦20", ("'baseline_coverage' is 20",), "mean 0.2?"),
    Case("probability of 1.2", UPPER, lines("academic_third_year", "value"), "    value: ¦1.2",
         ("'academic_third_year' is 1.2", "0 to 1"), "1.2 per year is the probability 0.699"),
    Case("negative probability", UPPER, lines("academic_third_year", "value"), "    value: ¦-0.1",
         ("is -0.1", "0 to 1")),
    Case("negative rate", SCHOOL, lines("falls_behind", "value"), "    value: ¦-0.045",
         ("'falls_behind' is -0.045 per year", "0 or more")),
    Case("negative rate at one age", SCHOOL, lines("support_by_age", "value"), "    value: {8-9: ¦-0.13, 10-15: 0.2}",
         ("'support_by_age' is -0.13",)),
    Case("probability of an arm", SCENARIO, BASELINE,
         arm("parameters: {upper_secondary: {academic_third_year: ¦1.2}}"), ("is 1.2", "0 to 1")),
    Case("rate of an arm", SCENARIO, BASELINE, arm("parameters: {school: {falls_behind: ¦-1}}"), ("is -1 per year",)),
    Case("rate per month", SCHOOL, lines("falls_behind", "value", "unit"),
         "    value: 0.045\n    unit: ¦per month",
         ("unit 'per month'", "step of the model is the year"), "0.045 per month is 0.54 per year"),
    Case("probability per month", UPPER, lines("academic_third_year", "value", "unit"),
         "    value: 0.832\n    unit: ¦probability per month", ("unit 'probability per month'",), "is 1 per year"),
    Case("weekly table", SCHOOL, lines("support_by_age", "value", "unit"),
         "    value: {8-12: 0.1, 13-15: 0.2}\n    unit: ¦weekly rate",
         ("unit 'weekly rate'",), "multiply by 52"),
    Case("until a decade", VISITS, "municipality.social: 0.5}", "municipality.social: 0.5, until: 29}",
         ("`until` of a payer must be a year",), None, (VISITS, "{region.health")),
    Case("until in words", VISITS, "{region.health: 0.5, municipality.social: 0.5}",
         "¦{region.health: 0.5, municipality.social: 0.5, until: soon}", ("`until`", "'soon'")),
    Case("shares of payers", VISITS, "{region.health: 0.5,", "¦{region.health: 0.6,", ("add to 1.1, not 1",)),
]  # fmt: skip


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case.what)
def test_a_value_out_of_bounds_is_placed_with_what_is_allowed(case: Case, folder: Path) -> None:
    check(case, folder)


# Effects and evidence


EFFECTS = [
    Case("two sizes", WORK, "    beyond_follow_up", "    odds_ratio: 2\n    beyond_follow_up",
         ("exactly one of", "here hazard_ratio and odds_ratio"), None, (WORK, 'on: "activity')),
    Case("no size", WORK, "    hazard_ratio: {value: 1.5, ci95: [1.3, 1.7]}\n", "", ("exactly one of", "here none"),
         None, (WORK, 'on: "activity')),
    Case("unknown with a size", VISITS, "- unknown: true\n", "- ¦unknown: true\n    hazard_ratio: 0.9\n",
         ("here hazard_ratio and unknown",)),
    Case("interval", WORK, "ci95: [1.3, 1.7]", "ci95: ¦[1.6, 1.7]", ("1.6 to 1.7 does not hold the value 1.5",)),
    Case("negative ratio", WORK, "{value: 1.5, ci95: [1.3, 1.7]}", "¦-1", ("hazard ratio -1 must be above 0",)),
    Case("astronomical ratio", WORK, "{value: 1.5, ci95: [1.3, 1.7]}", "¦1e300", ("must be 0.001 to 1000",)),
    Case("astronomical shift", SKOLFAM, "{value: 0.2, ci95: [-0.2, 0.6]}", "¦200", ("-10 to 10",)),
    Case("hazard ratio on an occasion", WORK, '"activity: activity_comp -> employed_low"\n    hazard_ratio: {',
         '"upper_secondary: academic -> diploma"\n    hazard_ratio: ¦{', ("this is an occasion",), "odds_ratio"),
    Case("odds ratio without control risk", NURSE, "control_risk: 0.14", "control_risk: null",
         ("odds ratio on a hazard has to be converted",), "give evidence.control_risk", (NURSE, "{value: 0.98")),
    Case("relative risk above 1 at the control risk", NUDGE, "{value: 1.07, ci95: [1.02, 1.12]}", "¦{value: 9}",
         ("relative risk 9 makes the probability 3.15",)),
    Case("relative risk above 1 in a cell", WORK,
         '"activity: activity_comp -> employed_low"\n    hazard_ratio: {value: 1.5, ci95: [1.3, 1.7]}',
         '"upper_secondary: academic -> diploma"\n    relative_risk: 9', ("relative risk", "probability", "at most 1"),
         "odds ratio", (WORK, 'on: "upper')),
    Case("shift of nothing", SKOLFAM, "    trait: school_ability\n", "", ("needs the key 'trait'",), "school_ability",
         (SKOLFAM, "trait_shift")),
    Case("shift of labels", SKOLFAM, "trait: school_ability", "trait: ¦sex", ("'sex' is no trait that can",)),
    Case("trait of a ratio", WORK, "    beyond_follow_up", "    trait: ¦sex\n    beyond_follow_up", ("goes with",)),
    Case("no transition named", WORK, '  - on: "activity: activity_comp -> employed_low"\n    hazard_ratio',
         "  - ¦hazard_ratio", ("`on` must name transitions",)),
    Case("itt with coverage", READING, "baseline_coverage: 0.2\n", "baseline_coverage: ¦0.2\n",
         ("baseline_coverage goes with `estimand: tot`", "'itt'")),
    Case("terms of what is covered", SCENARIO, "intensive_reading, {use: skolfam",
         "¦{use: intensive_reading, years: 2}, {use: skolfam", ("can change its uptake only",)),
    Case("basis against the quantity", PRICES, "quantity: preschool_places",
         "quantity: preschool_places\n    basis: ¦event", ("is counted on_date, and the price asks for event",)),
    Case("quantity and when", PRICES, "preschool:\n    title: Place in preschool\n",
         "preschool:\n    ¦title: Place in preschool\n    when: age < 3\n", ("`quantity` or `when`", "not both")),
    Case("when without basis", PRICES, "quantity: preschool_places", "when: ¦age < 3", ("needs its `basis`",)),
]  # fmt: skip


@pytest.mark.parametrize("case", EFFECTS, ids=lambda case: case.what)
def test_a_contradiction_of_an_effect_is_placed(case: Case, folder: Path) -> None:
    if case.what == "itt with coverage":
        text = (folder / READING).read_text(encoding="utf-8")
        (folder / READING).write_text(text.replace("estimand: tot", "estimand: itt"), encoding="utf-8")
    check(case, folder)


def test_an_intervention_beyond_the_horizon_is_refused(folder: Path) -> None:
    (folder / "short.yaml").write_text(SHORT + "  late: {interventions: [skolfam]}\n", encoding="utf-8")
    problem = the_mistake(folder / "short.yaml")
    assert problem["message"] == "'skolfam' starts at age 6, after the horizon of 5 years"
    assert (problem["line"], problem["column"]) == (9, 26)


# Expressions


def expression(what: str, text: str, words: tuple[str, ...], hint: str | None = None) -> Case:
    """Return a case whose eligibility is the expression."""
    old = "when: \"care in ['foster_early', 'foster_teen']\""
    return Case(what, SKOLFAM, old, f"when: ¦{json.dumps(text)}", words, hint)


EXPRESSIONS = [
    expression("import", "__import__('os')", ("no function '__import__'",)),
    expression("comprehension", "[x for x in age]", ("not available in an expression",)),
    expression("lambda", "(lambda: 1)()", ("not available in an expression",)),
    expression("power", "2**9999", ("** is not available",), "x * x"),
    expression("tower", "9**9**9", ("** is not available",)),
    expression("attribute", "age.__class__", ("not available",)),
    expression("unknown name", "agee > 3", ("unknown name 'agee'",), "did you mean 'age'?"),
    expression("unknown label", "care == 'opn'", ("column 'care' has no label 'opn'",), "did you mean 'open'?"),
    expression("division by zero", "1 / age", ("inf at age 0", "finite")),
    expression("log of nothing", "log(age)", ("at age 0", "finite")),
    expression("overflow", "exp(1000)", ("inf", "finite")),
    expression("negative", "age - 5", ("-5 at age 0", "0 or more")),
    expression("text alone", "'open'", ("the text 'open' stands alone",), "care == 'open'"),
    expression("mixed chain", "3 <= age < care", ("'care' is a column of labels",)),
    expression("label of a number", "age == 'open'", ("'age' is a number",)),
    expression("assignment", "age = 3", ("not an expression",), "write == to compare"),
    expression("walrus", "(x := 3)", ("not available",)),
    expression("f-string", "f'{age}'", ("not available",)),
    expression("wrong function", "sqrt(age)", ("no function 'sqrt'",)),
    expression("too long", "age + " * 100 + "1", ("characters; at most 500",)),
    Case("not a text", SKOLFAM, "uptake: 0.8", "uptake: ¦[0.8]", ("a text or a number, not a list of 1",)),
    Case("condition of a price", PRICES, "quantity: preschool_places", "basis: on_date\n    when: ¦care == 'opn'",
         ("has no label 'opn'",), "did you mean 'open'?"),
]  # fmt: skip


@pytest.mark.parametrize("case", EXPRESSIONS, ids=lambda case: case.what)
def test_an_expression_outside_the_language_is_refused(case: Case, folder: Path) -> None:
    check(case, folder)


# Parameters and populations


def trouble(table: str) -> tuple[str, re.Pattern[str], str]:
    """Return what gives a table over the parents' education other rows."""
    return SCHOOL, lines("trouble_by_education", "value"), f"    value: {table}"


def support(table: str) -> tuple[str, re.Pattern[str], str]:
    """Return what gives a table over the ages of grades 2 to 9, 8 to 15, other rows."""
    return SCHOOL, lines("support_by_age", "value"), f"    value: {table}"


def behind(value: str) -> tuple[str, re.Pattern[str], str]:
    """Return what gives a parameter that is one number another value."""
    return SCHOOL, lines("falls_behind", "value"), f"    value: {value}"


def uncertain(uncertainty: str) -> tuple[str, re.Pattern[str], str]:
    """Return what gives a parameter of 0.045 another uncertainty."""
    return (
        SCHOOL,
        lines("falls_behind", "value", "unit", "uncertainty"),
        f"    value: 0.045\n    unit: per year\n    uncertainty: {uncertainty}",
    )


TABLES = [
    Case("gap in the ages", *support("¦{8-9: 0.1, 11-15: 0.2}"), ("no value for age 10",)),
    Case("band twice", *support("{8-10: 0.1, ¦10-15: 0.2}"), ("two values for 10",)),
    Case("falling band", *support("{8-9: 0.1, ¦12-10: 0.2, 13-15: 0.2}"), ("12-10", "must rise")),
    Case("age of 200", *support("{8-12: 0.1, ¦13-200: 0.2}"), ("13-200", "0 to 100")),
    Case("unknown label", *trouble("{compulsory: 0.3, upper_secondary: 0, ¦tertiay: -0.3}"),
         ("'tertiay'", "no label"), "did you mean 'tertiary'?"),
    Case("label too many", *trouble("{compulsory: 0.3, upper_secondary: 0, tertiary: -0.3, ¦phd: 1}"),
         ("'phd'", "no label")),
    Case("missing label", *trouble("¦{compulsory: 0.3, upper_secondary: 0}"), ("no value for 'terti",)),
    Case("missing ages at the end", *support("¦{8-14: 0.2}"),
         ("'support_by_age' has no value for age 15", "8 to 14")),
    Case("table for a number", *behind("¦{girl: 0.045, boy: 0.05}"), ("'falls_behind' is a table",)),
    Case("number for a table", *support("¦0.15"), ("'support_by_age' is one number, and the rule takes a table",)),
    Case("rows that differ", DEATH, lines("childhood_by_age", "value"),
         "    value: {0-0: {girl: 0.002, boy: 0.002}, 1-100: ¦{girl: 0.0002}}", ("differ in 'boy'",)),
    Case("text for a number", *behind("¦much"), ("a number or a table of numbers", "'much'")),
    Case("truth value in a table", *support("{8-9: ¦true, 10-15: 0.2}"), ("not true",)),
    Case("empty table", *behind("¦{}"), ("table without rows",)),
    Case("uncertainty", *uncertain("¦{sd: 0.2}"), ("{se: x}",)),
    Case("interval", *uncertain("¦{ci95: [0.1, 0.2]}"), ("does not hold the value 0.045",)),
    Case("negative error", *uncertain("¦{se: -1}"), ("'se' must be a number of 0 or more",)),
    Case("missing parameter", SCHOOL, "  falls_behind:\n", "  fals_behind:\n",
         ("domain 'school' has no parameter 'falls_behind'",), "did you mean 'fals_behind'?",
         (SCHOOL, "parameters:")),
    Case("unread parameter", SCHOOL, "parameters:\n", "parameters:\n  ¦luck: {value: 1, unit: ratio, uncertainty: none,"
         " source: x, provenance: assumed}\n", ("no rule of 'school' reads the parameter 'luck'",)),
    Case("window that falls", CARE, lines("open_to", "value"), "    value: ¦20.5",
         ("'open_to'", "not one whole number")),
    Case("window of an arm", SCENARIO, BASELINE, arm("parameters: {school: {school_from: ¦7.5}}"),
         ("'school_from'", "not one whole number")),
    Case("table of an arm", SCENARIO, BASELINE, arm("parameters: {school: {support_by_age: ¦{8-14: 0.1}}}"),
         ("'support_by_age' has no value for age 15",)),
    Case("missing amount of a quantity", QUANTITIES, "  basic_allowance:\n", "  basic_alowance:\n",
         ("no parameter 'basic_allowance'",), "did you mean 'basic_alowance'?", (QUANTITIES, "parameters:")),
    Case("shares do not add", BORN, "{girl: 0.488,", "¦{girl: 0.588,", ("'sex' add to 1.1, not 1",)),
    Case("share above 1", BORN, "{girl: 0.488,", "¦{girl: 4.88,", ("the share of 'girl'", "0 to 1")),
    Case("label at birth", BORN, "{girl: 0.488, boy:", "¦{girl: 0.488, boi:", ("'boi'",), "did you mean 'boy'?"),
    Case("unknown attribute", BORN, "\nattributes:\n", "\nattributes:\n  ¦family_econom: {shares: {work: 1}, source: x,"
         " provenance: assumed}\n", ("no trait or domain 'family_econom'",), "did you mean 'family_economy'?"),
    Case("given before drawn", BORN, re.compile(r"(?<=\n  neuro:\n)    given: .*"), "    given: ¦[sex, famly]",
         ("'neuro' is given 'famly', which is not drawn before it",), "'family'"),
    Case("correlated before drawn", BORN, re.compile(r"correlated: \{school_ability:"), "correlated: {¦school:",
         ("'behaviour_risk' is given 'school', which is not drawn before it",), "'school_ability'"),
    Case("trait not drawn", BORN, re.compile(r"  arrival:\n(?:    .*\n)+"), "",
         ("trait 'arrival' is distributed",), None, (BORN, "attributes:")),
]  # fmt: skip


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case.what)
def test_a_mistake_in_figures_is_placed_in_their_file(case: Case, folder: Path) -> None:
    if case.what == "trait not drawn":
        text = (folder / BORN).read_text(encoding="utf-8")
        without = re.sub(r"  behaviour_risk:\n(?:    .*\n)+", "", text)
        assert without != text
        (folder / BORN).write_text(without, encoding="utf-8")
        name, place = changed(folder, case)
        found = mistakes(folder / SCENARIO)
        assert [(Path(one["file"]).name, one["line"], one["column"]) for one in found] == [
            (Path(name).name, *place)
        ] * 2
        assert any(case.words[0] in one["message"] for one in found)
    else:
        check(case, folder)


def test_a_parameter_file_of_no_domain_is_refused(folder: Path) -> None:
    (folder / SCHOOL).rename(folder / "parameters" / "shcool.yaml")
    problem = the_mistake(folder / SCENARIO)
    assert Path(problem["file"]) == folder / "parameters" / "shcool.yaml"
    assert "no domain 'shcool'" in problem["message"]
    assert problem["hint"] == "did you mean 'school'?"


# What differs in a place


FIGURE = "source: x, provenance: assumed"


def local(what: str, inside: str, words: tuple[str, ...], hint: str | None = None) -> Case:
    """Return a case whose place says this of itself, and nothing else."""
    return Case(what, BORN, re.compile(r"\nlocal:\n(?:(?: .*|#.*|)\n)+"), f"\nlocal: {{{inside}}}\n", words, hint)


LOCAL = [
    local("unknown domain", f"parameters: {{¦caer: {{open_to: {{value: 20, {FIGURE}}}}}}}",
          ("no domain 'caer' with parameters",), "did you mean 'care'?"),
    local("unknown domain of nothing", "parameters: {¦caer: {}}", ("no domain 'caer' with parameters",),
          "did you mean 'care'?"),
    local("share of what is causal", f"parameters: {{¦links: {{common_causal_share: {{value: 0.5, {FIGURE}}}}}}}",
          ("a place cannot change what share of an association is causal",), "`causal_share`"),
    local("unknown parameter", f"parameters: {{care: {{¦open_too: {{value: 20, {FIGURE}}}}}}}",
          ("domain 'care' has no parameter 'open_too'",), "did you mean 'open_to'?"),
    local("text for a number", f"parameters: {{school: {{falls_behind: {{value: ¦much, {FIGURE}}}}}}}",
          ("'falls_behind' must be a number or a table of numbers", "'much'")),
    local("truth value in a table", f"parameters: {{school: {{support_by_age: {{value: {{8-15: ¦true}}, {FIGURE}}}}}}}",
          ("'support_by_age' must be a number", "not true")),
    local("number for a mapping", "parameters: {school: {falls_behind: ¦0.1}}",
          ("'falls_behind' must be a mapping, not 0.1",)),
    local("negative rate", f"parameters: {{school: {{falls_behind: {{value: ¦-1, {FIGURE}}}}}}}",
          ("'falls_behind' is -1 per year", "0 or more")),
    local("probability of 1.2", f"parameters: {{upper_secondary: {{academic_third_year: {{value: ¦1.2, {FIGURE}}}}}}}",
          ("'academic_third_year' is 1.2", "0 to 1")),
    local("unknown label", f"parameters: {{school: {{trouble_by_education: {{value: {{¦tertiay: 0}}, {FIGURE}}}}}}}",
          ("'tertiay'", "no label"), "did you mean 'tertiary'?"),
    local("table for a number", f"parameters: {{school: {{falls_behind: {{value: ¦{{girl: 0, boy: 0}}, {FIGURE}}}}}}}",
          ("'falls_behind' is a table", "one number")),
    local("number for a table", f"parameters: {{school: {{support_by_age: {{value: ¦0.1, {FIGURE}}}}}}}",
          ("'support_by_age' is one number, and the rule takes a table",)),
    local("missing age", f"parameters: {{school: {{support_by_age: {{value: ¦{{8-14: 0.1}}, {FIGURE}}}}}}}",
          ("'support_by_age' has no value for age 15",)),
    local("window that falls", f"parameters: {{care: {{open_to: {{value: ¦20.5, {FIGURE}}}}}}}",
          ("'open_to'", "not one whole number")),
    local("state of a link", f"parameters: {{school: {{trouble_by_care: {{value: {{¦opn: 0}}, {FIGURE}}}}}}}",
          ("'opn'", "no label"), "did you mean 'open'?"),
    local("link without a state", f"parameters: {{school: {{trouble_by_care: {{value: ¦{{open: 0}}, {FIGURE}}}}}}}",
          ("link 'trouble_by_care' has no value for 'none', 'foster_early'",)),
    local("figure without a source", "parameters: {care: {¦open_to: {value: 20, provenance: assumed}}}",
          ("needs the key 'source'",)),
    local("figure without a value", f"parameters: {{care: {{¦open_to: {{{FIGURE}}}}}}}", ("needs the key 'value'",)),
    local("unknown price", f"prices: {{¦preschol: {{amount: 1, {FIGURE}}}}}", ("no price 'preschol'",),
          "did you mean 'preschool'?"),
    local("year without an index", f"prices: {{preschool: {{amount: 1, price_year: ¦1999, {FIGURE}}}}}",
          ("price index has no year 1999",)),
    local("words for a year", f"prices: {{preschool: {{amount: 1, price_year: ¦soon, {FIGURE}}}}}",
          ("'price_year' must be a whole number", "'soon'")),
    local("words for an amount", f"prices: {{preschool: {{amount: ¦lots, {FIGURE}}}}}",
          ("'amount' must be a number", "'lots'")),
    local("tax in per cent", f"prices: {{municipal_tax: {{amount: ¦22.5, {FIGURE}}}}}",
          ("'amount' is 22.5: a share must be 0 to 1",), "22.5 % is 0.225"),
    local("ratio beyond belief",
          f"parameters: {{activity: {{local_unemployment: {{value: ¦12, {FIGURE}}}}}}}", ("is 12", "-10 to 10")),
    local("negative amount", f"prices: {{preschool: {{amount: ¦-1, {FIGURE}}}}}", ("'amount' is -1", "at least 0")),
    local("price without a source", "prices: {¦preschool: {amount: 1, provenance: assumed}}",
          ("needs the key 'source'",)),
    local("provenance", "prices: {preschool: {amount: 1, source: x, provenance: ¦foud}}",
          ("'provenance' is the text 'foud'",), "did you mean 'found'?"),
    local("unknown key of a price", f"prices: {{preschool: {{amount: 1, ¦payr: state, {FIGURE}}}}}",
          ("unknown key 'payr'",), "allowed: amount, price_year"),
    local("unknown key", "¦price: {}", ("unknown key 'price'",), "did you mean 'prices'?"),
]  # fmt: skip


@pytest.mark.parametrize("case", LOCAL, ids=lambda case: case.what)
def test_a_mistake_in_what_differs_in_a_place_is_placed_in_its_file(case: Case, folder: Path) -> None:
    check(case, folder)


def test_a_place_s_mistake_is_told_once_though_an_arm_changes_the_same_domain(folder: Path) -> None:
    own = arm("parameters: {care: {open_to: 20}, school: {falls_behind: 0.1}}")
    (folder / SCENARIO).write_text(replaced(folder, SCENARIO, BASELINE, own), encoding="utf-8")
    check(local("text", f"parameters: {{school: {{catches_up: {{value: ¦much, {FIGURE}}}}}}}", ("'much'",)), folder)


def test_a_parameter_file_that_cannot_be_read_is_no_mistake_of_those_who_change_it(folder: Path) -> None:
    changed(folder, local("own", f"parameters: {{¦care: {{open_to: {{value: 20, {FIGURE}}}}}}}", ("",)))
    own = arm("parameters: {care: {open_to: 20}}")
    (folder / SCENARIO).write_text(replaced(folder, SCENARIO, BASELINE, own), encoding="utf-8")
    check(Case("unreadable", CARE, lines("at_once", "value"), "    value: ¦.inf", ("not a finite number",)), folder)


def test_a_mistake_of_form_in_a_place_hides_no_other_mistake_of_its_file(folder: Path) -> None:
    wrong = f"parameters: {{care: {{open_to: {{value: 20}}, open_too: {{value: 20, {FIGURE}}}}}}}"
    changed(folder, local("form", f"{wrong}, prices: {{preschool: {{amount: ¦lots}}}}", ()))
    changed(folder, Case("sex", BORN, "girl:", "gril:", (), None, (BORN, "gril")))
    messages = [one["message"] for one in mistakes(folder / SCENARIO)]
    assert len([one for one in messages if "needs the key" in one]) == 4
    for words in ("'amount' must be a number", "no parameter 'open_too'", "'gril'"):
        assert [one for one in messages if words in one], words
    assert len(messages) == 7


# Everything at once


def test_all_mistakes_of_all_files_come_at_once(folder: Path) -> None:
    changes: list[tuple[str, str | re.Pattern[str], str]] = [
        (SCENARIO, "rate: 0.03", "rate: 3"),
        (SCENARIO, "skolfam: {interventions:", "skolfam: {interventons:"),
        (SCENARIO, "born: 2026", "born: soon"),
        (SKOLFAM, "provenance: assumed", "provenance: guessed"),
        (SKOLFAM, "payer: municipality.social", "payer: municipality.socal"),
        (WORK, "-> employed_low", "-> employd_low"),
        (SCHOOL, lines("falls_behind", "value"), "    value: -1"),
        (CARE, lines("at_once", "value"), "    value: much"),
        (BORN, "girl: 0.488", "girl: 0.588"),
        (PRICES, "quantity: preschool_places", "quantity: preschool_place"),
    ]
    for name, old, new in changes:
        (folder / name).write_text(replaced(folder, name, old, new), encoding="utf-8")
    found = mistakes(folder / SCENARIO)
    assert sorted(Path(one["file"]).relative_to(folder).as_posix() for one in found) == sorted(c[0] for c in changes)
    code, out, _ = run("check", folder / SCENARIO, "--json")
    assert code == 2
    assert json.loads(out) == {"ok": False, "errors": found, "plan": None}


def test_a_mistake_of_a_file_used_by_several_arms_is_told_once(folder: Path) -> None:
    text = (folder / SKOLFAM).read_text(encoding="utf-8")
    (folder / SKOLFAM).write_text(text.replace("amount: 90000", "amount: lots"), encoding="utf-8")
    assert len(mistakes(folder / SCENARIO)) == 1


def test_every_rule_that_a_figure_breaks_is_told(folder: Path) -> None:
    path = folder / SCHOOL
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  falls_behind:", "  x:").replace("  catches_up:", "  y:"), encoding="utf-8")
    messages = " ".join(one["message"] for one in mistakes(folder / SCENARIO))
    assert "'falls_behind'" in messages
    assert "'catches_up'" in messages


# Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--persons", 0), "the number of persons must be 1 to"),
        (("--persons", 2**70), "the number of persons must be 1 to"),
        (("--persons", 1000.5), "Invalid value for '--persons'"),
        (("--seed", -1), "the seed must be 0 to 2^64 - 1, not -1"),
        (("--seed", 2**70), "the seed must be 0 to 2^64 - 1"),
        (("--seed", "abc"), "Invalid value for '--seed'"),
        (("--threads", 0), "threads must be 1 or more, not 0"),
        (("--person", 5), "--person"),
    ],
    ids=lambda one: " ".join(str(word) for word in one) if isinstance(one, tuple) else "",
)
def test_an_option_out_of_bounds_is_refused(folder: Path, options: tuple[object, ...], words: str) -> None:
    before = files_under(folder.parent)
    code, _, err = run("compare", folder / SCENARIO, *options)
    assert code == 2
    assert words in err
    assert files_under(folder.parent) == before


@pytest.mark.parametrize(("rate", "hint"), [("3", "did you mean 0.03?"), ("-1", "0 or more")])
def test_a_discount_out_of_bounds_is_refused(folder: Path, rate: str, hint: str) -> None:
    code, _, err = run("price", folder, "--discount", rate)
    assert code == 2
    assert hint in err


def test_an_existing_run_folder_is_not_overwritten(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "short.yaml").write_text(SHORT, encoding="utf-8")
    code, _, err = run("compare", folder / "short.yaml", "--persons", 1, "--out", folder / "run")
    assert code == 2
    assert "exists already" in err
    assert not list((folder / "run").iterdir())


# As a user meets it


@pytest.fixture
def framsyn(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from sim.cli import main; main()", *[str(one) for one in arguments]]
        root = str(shipped_folder().parent)
        return subprocess.run(
            command,
            cwd=folder.parent,
            env={**os.environ, "PYTHONPATH": root, **settings},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return call


def test_the_screen_shows_the_line_and_points_at_the_mistake(
    folder: Path, framsyn: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    text = (folder / SCENARIO).read_text(encoding="utf-8")
    (folder / SCENARIO).write_text(text.replace("rate: 0.03", "rate: 3"), encoding="utf-8")
    done = framsyn("check", "scenarios/norrkoping.yaml", LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="utf-8")
    assert done.returncode == 2
    assert done.stdout == ""
    number, line = next(
        x for x in enumerate(text.replace("rate: 0.03", "rate: 3").splitlines(), 1) if "rate: 3" in x[1]
    )
    at = line.index("3}")
    assert done.stderr.splitlines() == [
        f"scenarios/norrkoping.yaml:{number}:{at + 1}: 'discount_rate' is 3: it must be below 1",
        "    " + line,
        "    " + " " * at + "^ 300 % a year; did you mean 0.03?",
    ]


def test_a_bad_scenario_leaves_no_run_folder(
    folder: Path, framsyn: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (folder / SCENARIO).write_text("title: x\n", encoding="utf-8")
    before = files_under(folder.parent)
    done = framsyn("compare", "scenarios/norrkoping.yaml", "--json")
    assert done.returncode == 2
    assert {one["message"] for one in json.loads(done.stdout)["errors"]} == {
        f"needs the key {key!r}" for key in ("model", "population", "cohort", "economics", "arms")
    }
    assert files_under(folder.parent) == before


def test_bad_arrays_are_no_scenario(folder: Path) -> None:
    np.save(folder / "array.npy", np.arange(3))
    assert "refused file type: NumPy" in the_mistake(folder / "array.npy")["message"]
