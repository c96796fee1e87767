"""What differs in a place: its values hold everywhere but where an arm says another, and stay with the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli import app
from sim.files import load_plan, load_resolved, shipped_folder
from sim.source import read_yaml
from tests.small_town import rewrite, settle

EXACT = 1e-9
"""Relative error of sums of some thousand floating-point terms, with room to spare."""

BORN, LODGING, PRICES = "populations/town.yaml", "parameters/lodging.yaml", "prices/town.yaml"
LOCAL = """
local:
  parameters:
    lodging:
      placement: {value: 0.3, source: the town's own count, provenance: derived}
      boy: {value: 0.5, source: the town's own count, provenance: derived}
      by_lessons: {value: {on_track: 0, behind: 1}, source: the town's own study, provenance: found}
  prices:
    support: {amount: 3000, price_year: 2020, source: the town's accounts, provenance: found}
    fosterage: {amount: 12000, source: the town's accounts, provenance: found}
"""
ARMS = """\
  fewer: {parameters: {lodging: {placement: 0.05}}}
  dearer: {interventions: [tutors], prices: {support: {amount: 4000}, fosterage: {price_year: 2022}}}
"""


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the scenario of a town without anything of its own; two more arms change what a place may, too."""
    monkeypatch.chdir(tmp_path)
    path = settle(tmp_path, monkeypatch)
    path.write_text(path.read_text(encoding="utf-8") + ARMS, encoding="utf-8")
    return path


@pytest.fixture
def place(town: Path) -> Path:
    """Return the scenario of a town that differs."""
    return differing(town)


def differing(town: Path, local: str = LOCAL) -> Path:
    born = town.parent / BORN
    born.write_text(born.read_text(encoding="utf-8") + local, encoding="utf-8")
    return town


def said(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def compared(scenario: Path, *options: object) -> Any:
    return said("compare", scenario, "--threads", 1, "--json", *options)


# Parameters


def test_a_place_s_values_hold_in_the_baseline_and_in_arms(place: Path) -> None:
    plan = load_plan(place)
    for arm in ("baseline", "tutors", "dearer"):
        own = plan.parameters_of(arm)["lodging"]
        assert (own.placement, own.boy) == (0.3, 0.5)
    assert plan.changed == {"fewer"}


def test_an_arm_that_changes_what_the_place_has_changed_wins_and_keeps_the_rest(place: Path) -> None:
    plan = load_plan(place)
    fewer = plan.parameters_of("fewer")["lodging"]
    assert (fewer.placement, fewer.boy) == (0.05, 0.5)
    np.testing.assert_array_equal(fewer.by_lessons.values, plan.parameters_of("baseline")["lodging"].by_lessons.values)


def test_a_place_s_values_are_lived_as_if_they_stood_in_the_parameter_file(town: Path) -> None:
    plain = compared(town, "--out", "plain")
    own = LOCAL[: LOCAL.index("      boy:")]
    differing(town, own)
    local = compared(town, "--out", "local")
    rewrite(town.parent, BORN, "placement: {value: 0.3", "placement: {value: 0.1")  # what the file says
    assert compared(town, "--out", "same")["ledger_digest"] == plain["ledger_digest"]
    rewrite(town.parent, LODGING, "placement: {value: 0.1", "placement: {value: 0.3")
    rewrite(town.parent, BORN, own.replace("0.3", "0.1"), "")
    stated = compared(town, "--out", "stated")
    assert local["ledger_digest"] == stated["ledger_digest"] != plain["ledger_digest"]
    assert (local["arms"], local["comparisons"]) == (stated["arms"], stated["comparisons"])


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_place_s_association_is_reduced_to_its_causal_part_under_its_own_source(place: Path, share: float) -> None:
    plan = load_plan(place, causal_share=share)
    (link,) = (one for one in plan.scenario.links if one.parameter == "by_lessons")
    assert (link.source, link.provenance) == ("the town's own study", "found")
    assert link.causal["behind"] - link.causal["on_track"] == pytest.approx(share)
    table = plan.parameters_of("fewer")["lodging"].by_lessons
    np.testing.assert_array_equal(table.values, list(link.causal.values()))


def test_an_arm_changes_an_association_that_the_place_has_changed(place: Path) -> None:
    rewrite(place.parent, "town.yaml", "placement: 0.05", "by_lessons: {on_track: 0, behind: 2}")
    plan = load_plan(place, causal_share=0.5)
    for arm, expected in (("baseline", 0.5), ("fewer", 1.0)):
        table = plan.parameters_of(arm)["lodging"].by_lessons
        assert np.ptp(table.values) == pytest.approx(expected)


# Prices


def test_a_place_s_prices_hold_with_their_source_and_an_arm_s_win(place: Path) -> None:
    scenario = load_plan(place).scenario
    listed = {price.name: price for price in scenario.prices.prices}
    assert [(one.amount, one.price_year) for one in listed.values()] == [(3000, 2020), (12000, 2024)]
    assert {(one.note["source"], one.note["provenance"]) for one in listed.values()} == {
        ("the town's accounts", "found")
    }
    assert listed["fosterage"].stays
    own = scenario.arms["dearer"].prices
    assert {name: (one.amount, one.price_year) for name, one in own.items()} == {
        "support": (4000, 2020),
        "fosterage": (12000, 2022),
    }


def test_compare_prices_with_the_place_s_own(town: Path) -> None:
    before = compared(town, "--out", "before")
    prices = LOCAL[LOCAL.index("  prices:") :].replace("price_year: 2020, ", "")
    after = compared(differing(town, "\nlocal:\n" + prices), "--out", "after")
    assert after["ledger_digest"] == before["ledger_digest"]
    then, now = (one["arms"]["baseline"]["cost_per_person"] for one in (before, after))
    for payer, times in (("municipality.school", 3), ("municipality.social", 12 / 9), ("state", 12 / 9)):
        for kind in ("undiscounted", "discounted"):
            assert then[payer][kind] > 0
            assert now[payer][kind] == pytest.approx(times * then[payer][kind], rel=EXACT)
    then, now = (one["comparisons"]["tutors"]["by_payer"] for one in (before, after))
    school = [one["municipality.school"] for one in (then, now)]
    without = [one["gross_per_person"] - one["spent_per_person"] for one in school]
    assert school[0]["spent_per_person"] == school[1]["spent_per_person"] > 0  # a price of the intervention's own
    assert without[1] == pytest.approx(3 * without[0], rel=1e-6)  # a difference of two sums
    assert without[0] < 0


def test_a_price_of_another_year_is_brought_to_the_year_of_the_scenario(town: Path) -> None:
    index = read_yaml(shipped_folder() / "prices" / "indices.yaml").values["cpi"]
    before = compared(town, "--out", "before")
    own = "{amount: 1000, price_year: 2020, source: invented, provenance: assumed}"
    after = compared(differing(town, f"\nlocal: {{prices: {{support: {own}}}}}\n"), "--out", "after")
    then, now = (one["arms"]["baseline"]["cost_per_person"]["municipality.school"] for one in (before, after))
    assert now["discounted"] == pytest.approx(then["discounted"] * index["2024"] / index["2020"], rel=EXACT)


# Read again


def test_what_was_read_keeps_what_differs_in_the_place(place: Path) -> None:
    plan = load_plan(place)
    again = load_resolved(json.loads(json.dumps(plan.scenario.resolved)))
    for arm in plan.arms:
        one, other = (each.parameters_of(arm)["lodging"] for each in (plan, again))
        assert (one.placement, one.boy) == (other.placement, other.boy)
        assert again.programs[arm].digest == plan.programs[arm].digest
        assert again.scenario.arms[arm].prices == plan.scenario.arms[arm].prices
    assert again.scenario.prices == plan.scenario.prices
    assert again.scenario.links == plan.scenario.links


def test_a_run_priced_again_keeps_the_place_s_values_whatever_its_file_says_by_then(place: Path) -> None:
    answer = compared(place, "--out", "run")
    rewrite(place.parent, BORN, "amount: 3000", "amount: 1")
    rewrite(place.parent, BORN, "value: 0.3", "value: 0.9")
    rewrite(place.parent, PRICES, "amount: 9000", "amount: 1")
    again = said("price", "run", "--json")
    for key in ("arms", "comparisons", "ledger_digest", "threshold_digest"):
        assert again[key] == answer[key], key
    changed = compared(place, "--out", "changed")
    assert changed["ledger_digest"] != answer["ledger_digest"]
    assert changed["arms"] != answer["arms"]


# What ships


def test_every_value_of_a_shipped_place_is_the_one_that_holds() -> None:
    plan = load_plan(shipped_folder() / "norrkoping.yaml")
    local = read_yaml(shipped_folder() / "populations" / "norrkoping.yaml").values["local"]
    prices = {price.name: price for price in plan.scenario.prices.prices}
    assert local["prices"]
    for name, one in local["prices"].items():
        assert prices[name].amount == one["amount"]
        assert prices[name].note["source"] == one["source"]
    for domain, rows in local.get("parameters", {}).items():
        for name, one in rows.items():
            if not isinstance(one["value"], dict):
                assert getattr(plan.parameters_of("baseline")[domain], name) == one["value"], (domain, name)
