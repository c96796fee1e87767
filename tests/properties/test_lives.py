"""What is true of every single life: who moves, who does not, and when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.domain import Death, Domain
from sim.engine import simulate
from sim.intervention import Effect
from sim.ledger import Need
from sim.model import Model
from sim.persons import NOT_ALIVE
from sim.plan import bind
from sim.scenario import Arm, Cohort, Scenario
from tests.models import (
    NEWBORN,
    RISK,
    SEX,
    Lives,
    lives,
    margins,
    offer,
    scenario,
    support,
    training,
    tutoring,
)

STATES = ("home", "foster", "kin", "institution")


def crossroads() -> Model:
    """Return a model in which three clocks compete out of one state, and everyone comes back."""
    domain = Domain("care", STATES, "home")
    domain.hazard("home", "foster")(lambda risk: 0.2 * np.exp(0.3 * risk))
    domain.hazard("home", "kin")(lambda age: 0.3 / (1 + age))
    domain.hazard("home", "institution")(lambda sex: 0.1 + 0.1 * (sex == "boy"))
    for state in STATES[1:]:
        domain.hazard(state, "home")(lambda: 0.5)
    return Model("crossroads", (domain,), traits=(SEX, RISK))


def lived_twice(model: Model, *effects: Effect, years: int = 30) -> tuple[Lives, Lives]:
    """Return everyone's life without and with an intervention that all accept at birth."""
    early = offer("early", *effects, ages=(0, 0), when=1, uptake=1, years=years)
    plan = bind(
        Scenario(
            model=model,
            population=NEWBORN,
            cohort=Cohort(2020, represents=4000, copies=1),
            arms={"baseline": Arm(), "early": Arm((early,))},
            horizon=years,
        )
    )
    return lives(plan), lives(plan, "early")


def until_they_part(before: np.ndarray, after: np.ndarray) -> list[tuple[str, str]]:
    """Return where each person whose two lives part goes in each of them, at the step at which they part."""
    parted = before != after
    first = parted.argmax(axis=0)
    persons = np.flatnonzero(parted.any(axis=0))
    return [(before[first[i], i], after[first[i], i]) for i in persons]


def to(state: str) -> tuple[tuple[str, str, str]]:
    return (("care", "home", state),)


def test_lowering_one_hazard_moves_nobody_between_two_others():
    before, after = lived_twice(crossroads(), Effect("hazard_ratio", to("foster"), size=np.log(0.5)))
    partings = until_they_part(before.states("care"), after.states("care"))
    assert len(partings) > 500
    assert {there for there, _ in partings} == {"foster"}
    assert {instead for _, instead in partings} == {"home", "kin", "institution"}


def test_raising_one_hazard_takes_persons_to_its_own_destination_only():
    before, after = lived_twice(crossroads(), Effect("hazard_ratio", to("kin"), size=np.log(3)))
    partings = until_they_part(before.states("care"), after.states("care"))
    assert len(partings) > 500
    assert {instead for _, instead in partings} == {"kin"}


def first_year_in(states: np.ndarray, state: str) -> np.ndarray:
    """Return the row in which each person is first in a state, beyond all rows for who never is."""
    there = states == state
    return np.where(there.any(axis=0), there.argmax(axis=0), len(states))


@pytest.mark.parametrize("kind", ["hazard_ratio", "odds_ratio", "relative_risk"])
def test_a_protective_ratio_brings_nobody_s_first_event_forward(kind):
    domain = Domain("care", ("home", "foster"), "home")
    declare = domain.hazard if kind == "hazard_ratio" else domain.occasion
    declare("home", "foster")(lambda risk: 0.05 * np.exp(0.5 * risk))
    model = Model("one_way", (domain,), traits=(SEX, RISK))
    before, after = lived_twice(model, Effect(kind, to("foster"), size=np.log(0.7)))
    first, later = (first_year_in(one.states("care"), "foster") for one in (before, after))
    assert np.all(later >= first)
    assert np.sum(later > first) > 500


def test_a_protective_ratio_on_death_shortens_no_life():
    death = Death()
    death.hazard()(lambda age: 0.02 + 0.001 * age)
    model = replace(crossroads(), death=death)
    before, after = lived_twice(model, Effect("hazard_ratio", (("death", "alive", "dead"),), size=np.log(0.8)))
    alive, longer = (one.column("age") != NOT_ALIVE for one in (before, after))
    assert np.all(longer >= alive)
    assert np.sum(longer[-1] & ~alive[-1]) > 100
    both = alive[:-1] & alive[1:]
    np.testing.assert_array_equal(before.states("care")[1:][both], after.states("care")[1:][both])


@pytest.mark.parametrize("arm", ["baseline", "arm_1"])
def test_everyone_born_is_alive_or_has_died(arm):
    built = scenario((support(), tutoring()))
    outcome = simulate(built)
    counts = margins(outcome.ledger(arm))
    deaths = counts[("care",), True].sum(axis=2)
    born = outcome.baseline.persons[:, None]
    assert deaths.sum() > 50
    assert not deaths[:, 0].any()
    for (_, dead), cells in counts.items():
        if not dead:
            alive = cells.reshape(*cells.shape[:2], -1).sum(axis=2)
            np.testing.assert_array_equal(alive + deaths.cumsum(axis=1), np.broadcast_to(born, alive.shape))


def test_what_was_before_a_step_is_what_was_after_the_one_before():
    built = scenario(needs=(Need(frozenset({"care", "previous_care"})), Need(frozenset({"care"}), deaths=True)))
    ledger = simulate(built).baseline
    counts = margins(ledger)
    after, before = (counts[("care", "previous_care"), False].sum(axis=axis) for axis in (3, 2))
    died = counts[("care",), True]
    np.testing.assert_array_equal(before[:, 1:] + died[:, 1:], after[:, :-1])


def test_windows_are_closed_at_both_ends_and_a_certain_move_happens_at_its_age():
    school = lives(scenario()).states("school")
    ages = np.arange(-1, len(school) - 1)
    assert (school[ages < 6] == "before").sum() == (school[ages < 6] != "dead").sum()
    assert not (school[ages >= 6] == "before").any()
    assert not (school[ages < 16] == "finished").any()
    assert np.isin(school[ages >= 16], ("finished", "dead")).all()


def test_a_clock_counts_the_years_since_the_last_move_up_to_its_cap():
    lived = lives(scenario())
    care, clock = lived.column("care").astype(int), lived.column("years_in_care").astype(int)
    alive = care[1:] != NOT_ALIVE
    expected = np.where(care[1:] != care[:-1], 0, np.minimum(clock[:-1] + 1, 5))
    np.testing.assert_array_equal(clock[1:][alive], expected[alive])
    assert not clock[0].any()


def test_a_counter_counts_from_end_of_step_values_up_to_its_cap():
    lived = lives(scenario(horizon=60))
    care, spells, ever = (lived.column(name).astype(int) for name in ("care", "spells", "ever_placed"))
    alive = care[1:] != NOT_ALIVE
    began = (care[:-1] == 0) & (care[1:] != 0)
    np.testing.assert_array_equal(spells[1:][alive], np.minimum(began.cumsum(axis=0), 3)[alive])
    np.testing.assert_array_equal(ever[1:][alive], (care[1:] != 0).cumsum(axis=0).clip(max=1)[alive])
    assert spells[1:][alive].max() == 3


def test_delivery_lasts_its_years_and_ends_with_death():
    lived = lives(scenario((tutoring(),)), "arm_1")
    receives = lived.history[:, lived.plan.layout.receives["tutoring"]]
    alive = lived.column("age") != NOT_ALIVE
    years = ((receives == 1) & alive).sum(axis=0)
    begun = years > 0
    survived = alive[14]  # the row after age 13, by which every delivery that starts at 5 to 9 is over
    assert begun.sum() > 300
    assert set(years[begun & survived]) == {4}
    started = (receives == 1).argmax(axis=0)[begun] - 1
    assert set(started) == {5}  # everyone at risk is offered it at the first age of its window
    assert lived.deliveries[:, 0, 2].sum() >= begun.sum()  # who dies in the first year has started too


def test_an_effect_acts_from_the_step_of_enrolment_to_the_last_of_delivery():
    """A shift so strong that nobody is placed while it lasts, and that ends with delivery."""
    stop = Effect("hazard_ratio", (("care", "home", "foster"), ("care", "home", "institution")), size=-60.0)
    built = scenario((offer("stop", stop, ages=(8, 8), when=1, uptake=1, years=3),))
    before, after = lives(built).states("care"), lives(built, "arm_1").states("care")
    moved = (after[:-1] == "home") & np.isin(after[1:], ("foster", "institution"))
    ages = np.arange(len(moved))
    assert not moved[(ages >= 8) & (ages <= 10)].any()
    assert moved[7].any()
    assert moved[11].any()
    np.testing.assert_array_equal(before[:9], after[:9])


def test_a_trait_shift_leaves_the_trait_itself_alone():
    built = scenario((training(),))
    before, after = lives(built).column("risk"), lives(built, "arm_1").column("risk")
    both = (before != NOT_ALIVE) & (after != NOT_ALIVE)
    np.testing.assert_array_equal(before[both], after[both])
