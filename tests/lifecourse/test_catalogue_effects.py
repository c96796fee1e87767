"""Every intervention that ships runs alone, reaches someone, and moves what its file says, in the direction it says.

Sizes are seldom large enough to show in a small cohort: directions are tested on the same files with every effect
magnified to at least `LEAST`, accepted by everyone and without existing coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from sim.comparison import compare
from sim.engine import simulate
from sim.expression import Expression
from sim.intervention import Effect, Intervention
from sim.kernels.layout import START_COUNT
from sim.outcome import Outcome
from sim.plan import Plan
from sim.prices import PUBLIC
from sim.scenario import Arm
from sim.source import read_yaml
from tests.lifecourse.shipped import INTERVENTIONS, MODEL, SHIPPED, same_lives
from tests.models import Lives, lives

LEAST = 1.5
"""Log ratio (a ratio of 4.5), or standard deviations, to which a smaller effect is magnified."""

SHOWS = 0.05
"""Log ratio below which a shipped effect may change no life of the cohort."""

FEW = 10
"""Paired years that differ, below which a single transition is not judged (its effect as a whole is)."""

SEED = 3

FOLLOWED = 6_000
"""Most persons of an arm whose paired lives are followed year by year."""

DOWNSTREAM = {"school_ability": {"special_support": "less", "not_eligible_at_16": "less"}}
"""What a higher trait leads to: a quantity, and whether there is more or less of it."""

NULL = {"multisystemic_therapy", "job_search_nudge_weakest"}
"""Files whose effect was measured and is nothing."""


def offer_of(plan: Plan, name: str) -> Intervention:
    return plan.scenario.arms[name].interventions[0]


def sizes(plan: Plan, name: str) -> list[float]:
    return [effect.size for effect in offer_of(plan, name).effects]


def is_known(plan: Plan, name: str) -> bool:
    """Say whether an intervention has an effect with a size that is not 0."""
    return any(sizes(plan, name))


def stated(name: str) -> list[tuple[str, float]]:
    """Return each effect's kind and stated value in the file, None of the unknown ones left out."""
    found = []
    for row in read_yaml(SHIPPED / "interventions" / f"{name}.yaml").values["effects"]:
        kinds = [kind for kind in row if isinstance(row[kind], dict) and "value" in row[kind]]
        found.append((kinds[0], float(row[kinds[0]]["value"])) if kinds else ("unknown", 0.0))
    return found


def says(kind: str, value: float) -> int:
    """Return 1 where a file says that something becomes more frequent (or a trait higher), -1 less, 0 neither."""
    neutral = 1.0 if kind in ("hazard_ratio", "odds_ratio", "relative_risk") else 0.0
    return int(np.sign(value - neutral))


def with_effects(one: Intervention, change: Callable[[Effect], Effect], **more: Any) -> Arm:
    return Arm((replace(one, effects=tuple(change(effect) for effect in one.effects), **more),))


# As shipped


def test_the_catalogue_holds_fields_unknown_effects_and_some_that_are_none(every_arm: Plan) -> None:
    offers = [offer_of(every_arm, name) for name in INTERVENTIONS]
    assert len({one.field for one in offers}) >= 5
    unknown = {one.name for one in offers if all(effect.kind == "unknown" for effect in one.effects)}
    assert unknown
    assert {name for name in INTERVENTIONS if not is_known(every_arm, name)} - unknown == NULL
    assert all(one.costs and one.effects for one in offers)


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_every_effect_has_the_direction_and_the_transitions_that_its_file_says(every_arm: Plan, name: str) -> None:
    effects = offer_of(every_arm, name).effects
    assert len(effects) == len(stated(name))
    for effect, (kind, value) in zip(effects, stated(name), strict=True):
        assert np.sign(effect.size) == says(kind, value)
        assert effect.on or effect.trait in DOWNSTREAM


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_every_intervention_has_participants_and_costs_what_it_delivers(outcome: Outcome, name: str) -> None:
    counts = outcome.arms[name]
    assert counts.participants.sum() > 0
    assert (counts.in_arm - counts.in_baseline).deliveries[..., START_COUNT].sum() > 0


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_lives_change_where_an_effect_has_a_size_and_nowhere_else(outcome: Outcome, name: str) -> None:
    counts = outcome.arms[name]
    changed = not same_lives(counts.in_arm, counts.in_baseline)
    if not is_known(outcome.plan, name):
        assert not changed
    elif max(map(abs, sizes(outcome.plan, name))) > SHOWS:
        assert changed


def volumes(lived: Outcome, arm: str) -> dict[str, np.ndarray]:
    """Return the volume of everything that is priced, apart from what the arm's intervention replaces."""
    quantities = {one.quantity.name: one.quantity for one in lived.plan.scenario.prices.prices}
    return {
        name: lived.volume(one, lived.ledger(arm))
        for name, one in quantities.items()
        if arm == "baseline" or name != offer_of(lived.plan, arm).replaces
    }


def check_same_volumes(lived: Outcome, arm: str) -> None:
    before, after = volumes(lived, "baseline"), volumes(lived, arm)
    assert [name for name in after if not (before[name] == after[name]).all()] == []


def test_without_a_known_effect_the_net_value_is_minus_the_cost(outcome: Outcome) -> None:
    """Null results and unknown effects alike; what a participant does not use meanwhile comes back."""
    comparison = compare(outcome)
    for name in INTERVENTIONS:
        if is_known(outcome.plan, name):
            continue
        check_same_volumes(outcome, name)
        result = comparison.arms[name].by_payer[PUBLIC]
        assert result.spent > 0
        if offer_of(outcome.plan, name).replaces is None:
            assert result.incremental == result.gross == result.spent, name
        else:
            assert result.gross < result.spent, name


def test_what_is_replaced_is_used_less_by_those_in_delivery(outcome: Outcome) -> None:
    replacing = [name for name in INTERVENTIONS if offer_of(outcome.plan, name).replaces]
    assert replacing
    for name in replacing:
        replaced = str(offer_of(outcome.plan, name).replaces)
        change = outcome.volume(replaced, outcome.ledger(name)) - outcome.volume(replaced, outcome.baseline)
        assert change.sum() < 0, name


# Without their effects


@pytest.fixture(scope="module")
def null_outcome(every_arm: Plan) -> Outcome:
    """Return every intervention that has an effect without it, in a smaller cohort."""
    scenario = every_arm.scenario
    known = [name for name in INTERVENTIONS if is_known(every_arm, name)]
    arms = {name: with_effects(offer_of(every_arm, name), lambda e: replace(e, size=0.0)) for name in known}
    cohort = replace(scenario.cohort, copies=2)
    return simulate(replace(scenario, arms={"baseline": Arm(), **arms}, cohort=cohort), seed=2, threads=2)


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_an_intervention_without_effect_changes_nothing_but_its_delivery(
    outcome: Outcome, null_outcome: Outcome, name: str
) -> None:
    lived = null_outcome if is_known(outcome.plan, name) else outcome
    check_same_volumes(lived, name)
    counts = lived.arms[name]
    assert same_lives(counts.in_arm, counts.in_baseline)
    assert (counts.in_arm.deliveries != counts.in_baseline.deliveries).any()


# With their effects magnified


def magnified(effect: Effect) -> Effect:
    """Return an effect of at least `LEAST`: its log × LEAST / |log|, where it is smaller."""
    factor = max(1.0, LEAST / abs(effect.size)) if effect.size else 1.0
    return replace(effect, size=factor * effect.size)


@dataclass
class Magnified:
    """The catalogue with magnified effects, and the paired lives of those whom each arm reaches."""

    outcome: Outcome

    def pair(self, name: str) -> tuple[Lives, Lives]:
        """Return the lives of those reached, in the arm and in the baseline."""
        ids, families = (of[name][:FOLLOWED] for of in (self.outcome.reached, self.outcome.families))
        there, here = (
            lives(self.outcome.plan, arm, seed=SEED, ids=ids, families=families) for arm in (name, "baseline")
        )
        return there, here

    @cached_property
    def known(self) -> list[str]:
        """Interventions with an effect on transitions."""
        return [
            name
            for name in self.outcome.plan.compared
            if any(e.size and e.on for e in offer_of(self.outcome.plan, name).effects)
        ]


@pytest.fixture(scope="module")
def magnifying(every_arm: Plan) -> Magnified:
    arms = {
        name: with_effects(offer_of(every_arm, name), magnified, uptake=Expression.of(1.0), baseline_coverage=0.0)
        for name in INTERVENTIONS
        if is_known(every_arm, name)
    }
    return Magnified(simulate(replace(every_arm.scenario, arms={"baseline": Arm(), **arms}), seed=SEED, threads=2))


def more_and_less(there: Lives, here: Lives, move: tuple[str, str, str]) -> tuple[int, int, int]:
    """Return years at risk, and of these in how many the move is made in the arm only, and in the baseline only.

    At risk together: years that a person begins in the same state of the domain in both lives.
    """
    domain, source, destination = move
    index = MODEL.domain(domain).states.index
    arm, base = there.column(domain), here.column(domain)
    at_risk = (arm[:-1] == index(source)) & (base[:-1] == index(source))
    in_arm, in_base = at_risk & (arm[1:] == index(destination)), at_risk & (base[1:] == index(destination))
    return int(at_risk.sum()), int((in_arm & ~in_base).sum()), int((in_base & ~in_arm).sum())


EFFECTS = [
    (name, number)
    for name in INTERVENTIONS
    for number, (kind, value) in enumerate(stated(name))
    if kind != "trait_shift" and says(kind, value)
]
SHIFTS = [name for name in INTERVENTIONS if any(kind == "trait_shift" for kind, _ in stated(name))]


@pytest.mark.parametrize(("name", "number"), EFFECTS)
def test_an_effect_moves_the_transitions_of_its_file_in_the_direction_that_it_says(
    magnifying: Magnified, name: str, number: int
) -> None:
    assert name in magnifying.known
    direction = says(*stated(name)[number])
    there, here = magnifying.pair(name)
    total = 0
    for move in offer_of(magnifying.outcome.plan, name).effects[number].on:
        at_risk, more, less = more_and_less(there, here, move)
        assert at_risk > 0, f"nobody reached is at risk of {move}"
        if more + less >= FEW:
            assert direction * (more - less) > 0, f"{move}: {more} more, {less} less, of {at_risk}"
        total += direction * (more - less)
    assert total >= FEW


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_of_a_trait_shows_in_what_the_trait_leads_to(magnifying: Magnified, name: str) -> None:
    counts = magnifying.outcome.arms[name]
    for effect, (kind, value) in zip(offer_of(magnifying.outcome.plan, name).effects, stated(name), strict=True):
        for quantity, way in DOWNSTREAM.get(effect.trait or "", {}).items():
            assert kind == "trait_shift"
            change = (
                magnifying.outcome.volume(quantity, counts.in_arm).sum()
                - magnifying.outcome.volume(quantity, counts.in_baseline).sum()
            )
            assert says(kind, value) * (1 if way == "more" else -1) * change > 0, f"{quantity}: {change}"
