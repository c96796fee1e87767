"""What an effect does over the years: mechanisms, fade-out, dose, and the scales of occasions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.effects import changed_occasion
from sim.errors import ScenarioError
from sim.intervention import Effect, Fade
from tests.models import lives, offer, scenario

BOTH = (("care", "home", "foster"), ("care", "home", "institution"))


def ratio(size: float, mechanism: str, **more: Any) -> Effect:
    return Effect("hazard_ratio", BOTH, size=size, mechanism=mechanism, **more)


def lived_under(*effects: Effect, ages: tuple[int, int] = (4, 9), years: int = 6, **more: Any) -> np.ndarray:
    """Return everyone's states of care under an intervention with these effects."""
    built = scenario((offer("early", *effects, ages=ages, when=1, uptake=1, years=years, **more),))
    return lives(built, "arm_1").states("care")


def test_within_one_mechanism_only_the_strongest_effect_counts():
    strongest = lived_under(ratio(-0.9, "one"))
    np.testing.assert_array_equal(lived_under(ratio(-0.9, "one"), ratio(-0.4, "one")), strongest)
    np.testing.assert_array_equal(lived_under(ratio(-0.4, "one"), ratio(-0.9, "one")), strongest)
    assert (lived_under(ratio(-0.4, "one"), ratio(-0.9, "another")) != strongest).any()


def test_logs_add_across_mechanisms():
    together = lived_under(ratio(-0.5, "one"), ratio(-0.75, "another"))
    np.testing.assert_array_equal(together, lived_under(ratio(-1.25, "both")))


def test_an_effect_halves_with_every_half_life_after_delivery():
    """One year of delivery, then years 1, 2, 3 after it: each year of life is that of the log it should carry."""
    fading = ratio(-2.0, "one", fade=Fade(half_life_years=1.0, beyond="fade"))
    lived = lived_under(fading, ages=(4, 4), years=1)
    for after, log in [(0, -2.0), (1, -1.0), (2, -0.5), (3, -0.25)]:
        full = lived_under(ratio(log, "one", fade=Fade(beyond="hold")), ages=(4, 4), years=1)
        row = 4 + after + 1
        alike = (lived[:row] == full[:row]).all(axis=0)  # those whose lives have been one so far
        assert alike.sum() > 700
        np.testing.assert_array_equal(lived[row][alike], full[row][alike])


@pytest.mark.parametrize(
    ("fade", "shares"),
    [
        (Fade(), [0, 0, 0, 0]),
        (Fade(beyond="hold"), [1, 1, 1, 1]),
        (Fade(half_life_years=1, beyond="fade"), [1 / 2, 1 / 4, 1 / 8, 1 / 16]),
        (Fade(half_life_years=0.5, beyond="fade"), [1 / 4, 1 / 16, 0, 0]),
        (Fade(half_life_years=1, beyond="hold"), [1, 1, 1, 1]),
        (Fade(half_life_years=1, follow_up_years=4, beyond="zero"), [1 / 2, 1 / 4, 0, 0]),
        (Fade(half_life_years=1, follow_up_years=4, beyond="hold"), [1 / 2, 1 / 4, 1 / 4, 1 / 4]),
        (Fade(follow_up_years=5), [1, 1, 1, 0]),
    ],
)
def test_what_is_left_after_two_years_of_delivery(fade, shares):
    """Follow-up is counted from the start, and below five half-lives nothing is left."""
    assert [fade.share(after, 2) for after in (1, 2, 3, 4)] == shares


def test_a_partial_dose_grows_with_the_years_of_delivery():
    effect = ratio(-1.2, "one", dose="partial")
    assert [effect.course(0, year, 3) for year in (1, 2, 3)] == pytest.approx([-0.4, -0.8, -1.2])


def test_an_odds_ratio_multiplies_the_odds_against_staying():
    """Of ten in a hundred a third less odds leaves 0.0690; the other destination keeps its odds against staying."""
    on = (("care", "home", "foster"),)
    names = [("care", "home", "foster"), ("care", "home", "kin")]
    chances = np.array([[0.1, 0.1], [0.0, 0.3]])
    changed = changed_occasion(chances, names, [(Effect("odds_ratio", on), np.log(2 / 3))])
    staying = 1 - changed.sum(axis=0)
    assert changed[0] / staying == pytest.approx([0.1 / 0.9 * 2 / 3, 0.1 / 0.6 * 2 / 3])
    assert changed[1] / staying == pytest.approx([0, 0.3 / 0.6])


def test_an_odds_ratio_on_a_certain_occasion_multiplies_the_weight():
    names = [("care", "home", "foster"), ("care", "home", "kin")]
    changed = changed_occasion(np.array([[0.5], [0.5]]), names, [(Effect("odds_ratio", (names[0],)), np.log(3))])
    assert changed.ravel() == pytest.approx([0.75, 0.25])


def test_a_relative_risk_multiplies_the_probability_and_never_beyond_1():
    names = [("care", "home", "foster"), ("care", "home", "kin")]
    halved = changed_occasion(np.array([[0.4], [0.2]]), names, [(Effect("relative_risk", (names[0],)), np.log(0.5))])
    assert halved.ravel() == pytest.approx([0.2, 0.2])
    with pytest.raises(ScenarioError, match=r"a relative risk makes the probability 1\.4"):
        changed_occasion(np.array([[0.4], [0.2]]), names, [(Effect("relative_risk", (names[0],)), np.log(3))])
