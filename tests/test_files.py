"""From files to a plan: names are found, arms change what they say they change, and what was read can be read again."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim.errors import ScenarioError
from sim.files import load_plan, load_resolved, shipped_folder
from sim.parameters import Parameters
from sim.plan import Plan
from sim.tables import Table

HEAD = """title: Short
model: lifecourse
population: norrkoping
cohort: {born: 2026, represents: 100, copies: 2}
horizon: 40
economics: {price_year: 2024, discount_rate: 0.03}
measures: [placed]
arms:
  baseline: {}
"""

Load = Callable[..., Plan]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a reader of a scenario with these arms beside the baseline."""

    def load(arms: str = "", *, persons: int | None = None) -> Plan:
        path = tmp_path / "short.yaml"
        path.write_text(HEAD + arms, encoding="utf-8")
        return load_plan(path, persons=persons)

    return load


@pytest.fixture(scope="module")
def shipped() -> Plan:
    return load_plan(shipped_folder() / "norrkoping.yaml")


# What ships


@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_scenario_is_in_order(path: Path) -> None:
    assert "baseline" in load_plan(path).arms


def test_every_shipped_intervention_is_in_order(load: Load) -> None:
    names = sorted(path.stem for path in (shipped_folder() / "interventions").glob("*.yaml"))
    plan = load("".join(f"  {name}: {{interventions: [{name}]}}\n" for name in names))
    assert set(names) <= set(plan.interventions)


def test_no_shipped_parameter_goes_unread(shipped: Plan) -> None:
    unread = {domain: own.unread for domain, own in shipped.scenario.parameters.items() if own.unread}
    assert unread == {}


def test_the_scenario_holds_what_the_file_says(shipped: Plan) -> None:
    scenario = shipped.scenario
    assert scenario.name == "norrkoping"
    assert scenario.cohort.persons == scenario.cohort.represents * scenario.cohort.copies
    assert scenario.horizon == 101
    assert shipped.compared == tuple(name for name in scenario.arms if name != "baseline")


# Persons and births


def test_persons_round_up_to_whole_copies(load: Load) -> None:
    assert load().scenario.cohort.persons == 200
    assert [load(persons=n).scenario.cohort.copies for n in (1, 100, 101, 1000)] == [1, 1, 2, 10]


@pytest.mark.parametrize("persons", [0, -5])
def test_no_persons_are_refused(load: Load, persons: int) -> None:
    with pytest.raises(ScenarioError, match="number of persons must be 1 to"):
        load(persons=persons)


def test_births_come_from_the_population_unless_the_scenario_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(HEAD.replace("represents: 100, ", ""), encoding="utf-8")
    assert load_plan(path).scenario.cohort.represents == 1640


# What an arm changes


def test_an_arm_gives_an_intervention_other_terms_of_delivery(load: Load) -> None:
    plan = load(
        "  file: {interventions: [skolfam]}\n"
        "  own: {interventions: [{use: skolfam, uptake: 0.6, ages: [7, 9], years: 1, when: care != 'none'}]}\n"
    )
    (as_in_file,), (own,) = plan.arms["file"], plan.arms["own"]
    assert (own.uptake.text, own.ages, own.years, own.when.text) == ("0.6", (7, 9), 1, "care != 'none'")
    assert own.catalogue_name == as_in_file.catalogue_name == "skolfam"
    assert own.effects == as_in_file.effects
    assert own.costs == as_in_file.costs
    assert own.stop_when is as_in_file.stop_when is None


def test_an_arm_sets_how_much_of_what_is_delivered_already(load: Load) -> None:
    plan = load("  more: {interventions: [{use: intensive_reading, uptake: 0.5}]}\n")
    assert [one.uptake.constant for one in plan.arms["baseline"]] == [0.2]
    assert [one.uptake.constant for one in plan.arms["more"]] == [0.5]


def test_an_arm_changes_parameters_of_its_own_only(load: Load) -> None:
    plan = load("  safe: {parameters: {school: {falls_behind: 0, support_by_age: {8-15: 0.1}}}}\n")
    baseline, safe = (plan.parameters_of(arm)["school"] for arm in ("baseline", "safe"))
    assert baseline.falls_behind > 0
    assert safe.falls_behind == 0
    assert safe.support_by_age.values.tolist() == [0.1] * 8
    assert safe.catches_up == baseline.catches_up
    assert plan.changed == {"safe"}
    assert plan.programs["safe"].digest != plan.programs["baseline"].digest


def test_an_arm_changes_prices_of_its_own_only(load: Load) -> None:
    plan = load("  dear: {prices: {preschool: {amount: 200000, price_year: 2023}}}\n")
    listed = {price.name: price for price in plan.scenario.prices.prices}["preschool"]
    own = plan.scenario.arms["dear"].prices["preschool"]
    assert (own.amount, own.price_year) == (200000, 2023)
    assert (own.quantity, own.payer, own.cashable) == (listed.quantity, listed.payer, listed.cashable)
    assert listed.amount != own.amount


def test_an_arm_with_nothing_is_the_baseline(load: Load) -> None:
    plan = load("  nothing: {interventions: []}\n")
    assert plan.programs["nothing"].digest == plan.programs["baseline"].digest
    assert plan.arms["nothing"] == plan.arms["baseline"]


# Where files are found


def test_a_file_beside_the_scenario_comes_before_the_shipped_one(load: Load, tmp_path: Path) -> None:
    shutil.copytree(shipped_folder() / "parameters", tmp_path / "parameters")
    text = (tmp_path / "parameters" / "school.yaml").read_text(encoding="utf-8")
    own, times = re.subn(r"(?<=\n  falls_behind:\n)    value: .*", "    value: 0.06", text)
    assert times == 1
    (tmp_path / "parameters" / "school.yaml").write_text(own, encoding="utf-8")
    assert load().scenario.parameters["school"].falls_behind == 0.06


def test_an_own_intervention_needs_no_copy_of_the_others(load: Load, tmp_path: Path) -> None:
    (tmp_path / "interventions").mkdir()
    text = (shipped_folder() / "interventions" / "skolfam.yaml").read_text(encoding="utf-8")
    (tmp_path / "interventions" / "ours.yaml").write_text(text.replace("title: ", "title: Our "), encoding="utf-8")
    plan = load("  both: {interventions: [ours, intensive_reading]}\n")
    titles = [one.title for one in plan.scenario.arms["both"].interventions]
    assert titles[0].startswith("Our ")
    assert len(titles) == 2


def test_a_scenario_in_a_folder_of_its_own_finds_the_files_above(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipped_folder(), tmp_path / "scenarios"))
    (folder / "drafts").mkdir()
    (folder / "drafts" / "short.yaml").write_text(HEAD, encoding="utf-8")
    (folder / "populations" / "norrkoping.yaml").unlink()
    shutil.copy(folder / "populations" / "sweden.yaml", folder / "populations" / "norrkoping.yaml")
    assert load_plan(folder / "drafts" / "short.yaml").scenario.population.births_per_year != 1640


# Read again


def test_what_was_read_gives_the_same_plan_again(load: Load) -> None:
    plan = load(
        "  own: {interventions: [{use: skolfam, uptake: 0.6}, intensive_reading]}\n"
        "  safe: {parameters: {school: {falls_behind: 0}}, prices: {preschool: {amount: 1}}}\n",
        persons=250,
    )
    again = load_resolved(json.loads(json.dumps(plan.scenario.resolved)))
    assert again.scenario.cohort == plan.scenario.cohort
    assert again.scenario.name == "short"
    assert again.arms == plan.arms
    assert again.interventions == plan.interventions
    assert again.margins == plan.margins
    assert {arm: one.digest for arm, one in again.programs.items()} == {
        arm: one.digest for arm, one in plan.programs.items()
    }
    assert again.scenario.prices.index == plan.scenario.prices.index
    assert [p.amount for p in again.scenario.prices.prices] == [p.amount for p in plan.scenario.prices.prices]
    assert again.scenario.resolved["copies"] == 3


def test_what_was_read_is_kept_with_the_digest_of_every_file(load: Load) -> None:
    resolved = load("  one: {interventions: [skolfam]}\n").scenario.resolved
    files = {key for key in resolved if key not in ("name", "copies")}
    assert {"scenario", "populations/norrkoping", "prices/sweden", "prices/indices", "interventions/skolfam"} <= files
    assert "parameters/care" in files
    assert all(len(resolved[key]["sha256"]) == 64 for key in files)


# Tables of parameters


def test_bands_of_ages_and_labels_become_tables(shipped: Plan) -> None:
    own: Parameters = shipped.scenario.parameters["quantities"]
    table = own.earnings_by_age
    assert isinstance(table, Table)
    assert table.values.shape == (101, 2)
    assert table.keys[0] == tuple(str(age) for age in range(101))
    assert np.all(table.values >= 0)
    assert math.isclose(float(table[20, "girl"].number()), table.values[20, table.keys[1].index("girl")])
