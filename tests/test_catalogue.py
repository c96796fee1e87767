"""Interventions from files: what carries over from another country, and a catalogue that says what is not known."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from sim.catalogue import Surroundings, intervention_from
from sim.evidence import SMD_TO_LOG_ODDS, Converted, transported
from sim.files import shipped_folder
from sim.form_check import Findings
from sim.intervention import Intervention
from sim.schema import ChoiceForm, InterventionForm
from sim.source import read_yaml, source_from_values
from tests.models import childhood

SHIPPED = shipped_folder()
FILES = sorted((SHIPPED / "interventions").glob("*.yaml"))
ROOT = Path(__file__).parents[1]

FROM_US = {"from": "US", "mean": 0.4, "se": 0.3, "provenance": "assumed"}


def file_with(effect: dict[str, Any], **evidence: Any) -> dict[str, Any]:
    """Return the values of an intervention's file with this effect and these changes of its evidence."""
    return {
        "title": "Tutoring",
        "field": "school",
        "deliver": {"ages": [7, 9]},
        "cost": [{"per": "start", "amount": 1000, "price_year": 2020, "payer": "municipality"}],
        "effects": [effect],
        "evidence": {
            **{"design": "rct", "country": "US", "n": 100, "year": 2020, "estimand": "tot", "comparator": "usual"},
            **{"control_risk": 0.3, "follow_up_years": 2, "scale": "odds", "source": "-", "provenance": "assumed"},
            **evidence,
        },
    }


def read(values: dict[str, Any]) -> tuple[Intervention | None, list[str]]:
    """Return the intervention and what is wrong with it."""
    found = Findings()
    file = found.form_of(source_from_values(values), InterventionForm)
    scenario = found.form_of(source_from_values({"use": "tutoring"}), ChoiceForm)
    assert scenario is not None
    if file is None:
        return None, [one.message for one in found.problems]
    around = Surroundings(childhood(), ("municipality",), range(2010, 2025))
    ready = intervention_from("tutoring", file, around, found, scenario.form, scenario, ())
    return ready, [one.message for one in found.problems]


def accepted(effect: dict[str, Any], **evidence: Any) -> Intervention:
    ready, wrong = read(file_with(effect, **evidence))
    assert wrong == []
    assert ready is not None
    return ready


HAZARD = {"on": "care: home -> foster"}
OCCASION = {"on": "school: on_track -> struggling"}


# What carries over from another country


@pytest.mark.parametrize(
    "effect",
    [
        {**HAZARD, "hazard_ratio": {"value": 0.5, "ci95": [0.3, 0.9]}},
        {**HAZARD, "odds_ratio": {"value": 1.6, "ci95": [1.1, 2.3]}},
        {**HAZARD, "smd": {"value": -0.3, "ci95": [-0.5, -0.1]}},
        {**OCCASION, "smd": {"value": -0.3, "ci95": [-0.5, -0.1]}},
        {**OCCASION, "risk_difference": {"value": -0.1, "ci95": [-0.2, -0.01]}},
        {"trait": "risk", "trait_shift": {"value": -0.3, "ci95": [-0.5, -0.1]}},
    ],
)
def test_transport_multiplies_the_log_in_the_engine_s_scale_and_its_error_alike(effect: dict[str, Any]) -> None:
    (reported,) = accepted(effect, transport="none").effects
    (believed,) = accepted(effect, transport=FROM_US).effects
    assert believed.kind == reported.kind
    assert believed.size == pytest.approx(0.4 * reported.size, rel=1e-12)
    assert believed.se == pytest.approx(0.4 * (reported.se or math.nan), rel=1e-12)


def test_transport_weakens_harm_as_it_weakens_gain() -> None:
    (harm,) = accepted({**HAZARD, "hazard_ratio": 1.5}, transport=FROM_US).effects
    assert harm.size == pytest.approx(0.4 * math.log(1.5), rel=1e-12)


def test_no_transport_and_none_ship_the_effect_as_reported() -> None:
    (silent,) = accepted({**HAZARD, "hazard_ratio": 0.5}).effects
    (said,) = accepted({**HAZARD, "hazard_ratio": 0.5}, transport="none").effects
    assert silent == said
    assert said.stated == "hazard ratio 0.5"


def test_transport_is_said_after_the_conversion() -> None:
    (effect,) = accepted({**HAZARD, "odds_ratio": 0.5}, transport=FROM_US).effects
    beginning = "odds ratio 0.5 at control risk 0.3 over 2 years = hazard ratio 0.5444"
    assert effect.stated == (
        f"{beginning}, of whose log 0.4 carries over from US = hazard ratio {math.exp(effect.size):.4g}"
    )


def test_a_shift_that_carries_over_is_said_in_standard_deviations() -> None:
    words = transported(Converted("trait_shift", 0.5, "trait shift 0.5 SD"), "NO", 0.4).words
    assert words == "trait shift 0.5 SD, of which 0.4 carries over from NO = 0.2 SD"


def test_the_evidence_that_is_kept_says_what_carries_over() -> None:
    kept = accepted({**HAZARD, "hazard_ratio": 0.5}, transport=FROM_US).evidence
    assert kept["transport"] == {"origin": "US", "mean": 0.4, "se": 0.3, "provenance": "assumed"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"transport": FROM_US, "country": "GB"}, "the evidence is from GB, and the transport from US"),
        ({"transport": {**FROM_US, "from": "SE"}, "country": "SE"}, "the model's own country is not transported"),
        ({"transport": FROM_US, "shrinkage": "halved"}, "already shrunk for its design is not transported too"),
        ({"transport": {**FROM_US, "mean": 4}}, "'mean' is 4: it must be at most 1"),
        ({"transport": {**FROM_US, "form": "US"}}, "unknown key 'form'"),
    ],
)
def test_a_transport_that_cannot_be_meant_is_refused(changes: dict[str, Any], words: str) -> None:
    ready, wrong = read(file_with({**HAZARD, "hazard_ratio": 0.5}, **changes))
    assert ready is None
    assert any(words in message for message in wrong), wrong


def test_a_difference_in_symptoms_acts_on_the_way_in_and_on_the_way_out() -> None:
    # d on a symptom is ln OR = 1.81·d on entry; less persistence is the same d with its sign turned, on the way out
    entry = accepted({"on": "care: home -> foster", "smd": -0.079}).effects[0]
    way_out = accepted({"on": "care: foster -> home", "smd": 0.079}).effects[0]
    odds = {sign: math.exp(sign * SMD_TO_LOG_ODDS * 0.079) * 0.3 / 0.7 for sign in (-1, 1)}
    risk = {sign: one / (1 + one) for sign, one in odds.items()}
    assert entry.size == pytest.approx(math.log(math.log(1 - risk[-1]) / math.log(0.7)), rel=1e-12)
    assert way_out.size == pytest.approx(math.log(math.log(1 - risk[1]) / math.log(0.7)), rel=1e-12)
    assert entry.size < 0 < way_out.size


# What ships


def shipped(path: Path) -> InterventionForm:
    return InterventionForm.model_validate(read_yaml(path).values)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_foreign_size_says_what_carries_over(path: Path) -> None:
    form = shipped(path)
    foreign = form.evidence.country != "SE"
    if not foreign:
        assert form.evidence.transport is None
    elif not all(effect.unknown for effect in form.effects):
        assert "transport" in form.evidence.model_fields_set


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_size_has_an_interval_and_a_mechanism(path: Path) -> None:
    for effect in shipped(path).effects:
        assert effect.mechanism
        sizes = [getattr(effect, kind) for kind in ("hazard_ratio", "odds_ratio", "relative_risk", "risk_difference")]
        sizes += [effect.smd, effect.trait_shift]
        given = [size for size in sizes if size is not None]
        assert effect.unknown or (len(given) == 1 and given[0].ci95 is not None)


def test_what_needs_a_duration_to_break_even_has_one() -> None:
    for path in FILES:
        for effect in shipped(path).effects:
            assert not effect.unknown or effect.fade is not None, path.stem


def test_the_catalogue_holds_what_is_null_what_is_unknown_and_no_long_shot_beyond_its_follow_up() -> None:
    forms = {path.stem: shipped(path) for path in FILES}
    effects = [(name, effect) for name, form in forms.items() for effect in form.effects]
    unknown = {name for name, effect in effects if effect.unknown}
    assert unknown >= {"extended_home_visits", "earlier_preschool", "pax_in_school", "youth_crime_prevention"}
    assert {effect.beyond_follow_up for _, effect in effects if not effect.unknown} == {"zero"}
    therapy = forms["multisystemic_therapy"].effects[0].smd
    assert therapy is not None
    assert (therapy.value, therapy.ci95) == (0, [-0.2, 0.2])


def test_every_intervention_is_in_the_table_of_the_documentation() -> None:
    text = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(listed) == [path.stem for path in FILES]


def test_every_intervention_stands_alone_in_the_scenario_of_the_catalogue() -> None:
    arms = read_yaml(SHIPPED / "catalogue.yaml").values["arms"]
    assert sorted(arms) == sorted(["baseline", *(path.stem for path in FILES)])
    assert all(given["interventions"] == [name] for name, given in arms.items() if name != "baseline")
