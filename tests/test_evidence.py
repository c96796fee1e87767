"""What a study reports becomes what the engine applies, by closed forms."""

from __future__ import annotations

import math

import pytest

from sim.errors import ScenarioError
from sim.evidence import convert

ON_HAZARD, ON_OCCASION = True, False


def test_a_relative_risk_over_a_follow_up_becomes_a_ratio_of_hazards() -> None:
    # p0 = .3 and p1 = .21: HR = ln(1 - .21) / ln(1 - .3)
    converted = convert("relative_risk", 0.7, ON_HAZARD, 0.3, 4)
    assert converted.kind == "hazard_ratio"
    assert math.exp(converted.size) == pytest.approx(math.log(0.79) / math.log(0.7), rel=1e-12)
    assert converted.words == "relative risk 0.7 at control risk 0.3 over 4 years = hazard ratio 0.6609"


def test_a_risk_difference_becomes_a_ratio_of_hazards() -> None:
    converted = convert("risk_difference", -0.1, ON_HAZARD, 0.5, 2)
    assert math.exp(converted.size) == pytest.approx(math.log(0.6) / math.log(0.5), rel=1e-12)


def test_an_odds_ratio_becomes_a_ratio_of_hazards_over_the_control_risk() -> None:
    # odds of .5 are 1; doubled they are the probability 2/3, so HR = ln(1/3) / ln(1/2) = log2(3)
    converted = convert("odds_ratio", 2.0, ON_HAZARD, 0.5, 1)
    assert math.exp(converted.size) == pytest.approx(math.log2(3), rel=1e-12)


def test_the_converted_hazard_gives_the_stated_risk_over_any_follow_up() -> None:
    # the control hazard over T years times the ratio has to give p1 again, whatever T is
    for years in (0.5, 3.0, 20.0):
        hazard = -math.log(1 - 0.3) / years
        ratio = math.exp(convert("relative_risk", 1.5, ON_HAZARD, 0.3, years).size)
        assert 1 - math.exp(-ratio * hazard * years) == pytest.approx(0.45, rel=1e-12)


def test_a_standardised_difference_becomes_log_odds() -> None:
    converted = convert("smd", 0.5, ON_OCCASION, None, None)
    assert converted.kind == "odds_ratio"
    assert converted.size == pytest.approx(0.5 * math.pi / math.sqrt(3), rel=1e-12)
    assert converted.size / 0.5 == pytest.approx(1.81, abs=0.005)
    assert converted.words == "smd 0.5 = odds ratio 2.477"


def test_a_standardised_difference_on_a_hazard_goes_by_the_odds_at_the_control_risk() -> None:
    odds_ratio = math.exp(0.5 * math.pi / math.sqrt(3))
    by_odds = convert("odds_ratio", odds_ratio, ON_HAZARD, 0.2, 1)
    assert convert("smd", 0.5, ON_HAZARD, 0.2, 1).size == pytest.approx(by_odds.size, rel=1e-12)


def test_a_risk_difference_on_an_occasion_becomes_an_odds_ratio() -> None:
    # from .5 to .75 the odds go from 1 to 3
    converted = convert("risk_difference", 0.25, ON_OCCASION, 0.5, None)
    assert converted.kind == "odds_ratio"
    assert math.exp(converted.size) == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "on_hazard"), [("hazard_ratio", True), ("odds_ratio", False), ("relative_risk", False)]
)
def test_a_ratio_in_the_engine_s_own_scale_stays_as_it_is(kind: str, on_hazard: bool) -> None:
    converted = convert(kind, 0.8, on_hazard, None, None)
    assert converted.kind == kind
    assert converted.size == pytest.approx(math.log(0.8), rel=1e-15)


def test_a_trait_shift_stays_in_standard_deviations() -> None:
    assert convert("trait_shift", -0.3, ON_HAZARD, None, None).size == -0.3


@pytest.mark.parametrize("kind", ["relative_risk", "odds_ratio", "smd", "risk_difference"])
def test_no_effect_is_no_effect_in_every_scale(kind: str) -> None:
    neutral = 1.0 if kind in ("relative_risk", "odds_ratio") else 0.0
    for on_hazard in (ON_HAZARD, ON_OCCASION):
        assert convert(kind, neutral, on_hazard, 0.3, 2).size == pytest.approx(0.0, abs=1e-12)


def test_a_rare_event_has_one_ratio_in_all_scales() -> None:
    # ratios of odds, risks and hazards meet as the risk goes to 0; at 1e-6 they differ by about 1e-6
    sizes = [convert(kind, 0.5, ON_HAZARD, 1e-6, 1).size for kind in ("relative_risk", "odds_ratio", "hazard_ratio")]
    assert sizes == pytest.approx([math.log(0.5)] * 3, abs=2e-6)


@pytest.mark.parametrize(
    ("kind", "value", "on_hazard", "risk", "years", "words", "hint"),
    [
        ("hazard_ratio", 0.8, False, 0.3, 4, "this is an occasion", "odds_ratio"),
        ("hazard_ratio", 0.0, True, None, None, "must be above 0", None),
        ("odds_ratio", 1e9, True, 0.3, 4, "must be 0.001 to 1000", None),
        ("smd", 1000.0, True, 0.3, 4, "-10 to 10 standard deviations", None),
        ("odds_ratio", 0.8, True, None, 4, "odds ratio on a hazard has to be converted", "evidence.control_risk"),
        ("relative_risk", 0.8, True, 0.3, None, "has to be converted", "evidence.follow_up_years"),
        ("risk_difference", -0.1, False, None, None, "on an occasion has to be converted", "state an odds_ratio"),
        ("relative_risk", 4.0, True, 0.3, 1, "makes the probability 1.2 at control risk 0.3", None),
        ("risk_difference", -0.4, True, 0.3, 1, "makes the probability -0.1", None),
    ],
)
def test_what_cannot_be_converted_is_refused_with_the_reason(
    kind: str, value: float, on_hazard: bool, risk: float | None, years: float | None, words: str, hint: str | None
) -> None:
    with pytest.raises(ScenarioError) as caught:
        convert(kind, value, on_hazard, risk, years)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert hint is None or hint in (problem.hint or "")
