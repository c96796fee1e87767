"""Effects of interventions as the kernels look them up: hazard ratios by year, and replaced tables by level.

A hazard ratio is a factor on a transition. Odds ratios and relative risks of occasions, and shifts of a trait,
replace whole tables, one a level: a level is one combination of what the interventions of the arm do in a year.
Layer 3: knows interventions and plain arrays.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.intervention import NOT_OFFERED, Effect, Intervention
from sim.kernels.layout import STANDINGS, YEARS_AXIS


def course_shape(intervention: Intervention) -> tuple[int, int, int]:
    """Return the shape of an effect's course: standing × years delivered (0 = still) × year."""
    return STANDINGS, intervention.years + 1, YEARS_AXIS


def years_of(intervention: Intervention) -> Iterable[tuple[int, int, int]]:
    """Iterate over every (standing, delivered, year) that a person can be in."""
    for standing in range(NOT_OFFERED + 1, STANDINGS):
        yield from ((standing, 0, year) for year in range(1, intervention.years + 1))
        stops = range(1, intervention.years + 1) if intervention.stop_when is not None else (intervention.years,)
        for delivered in stops:
            yield from ((standing, delivered, year) for year in range(1, YEARS_AXIS))


@lru_cache(maxsize=1024)  # asked for by every table that the effect may act on, and by every arm
def course(intervention: Intervention, effect: Effect) -> NDArray[np.float64]:
    """Return the size of an effect in every year of its course."""
    sizes = np.zeros(course_shape(intervention))
    for standing, delivered, year in years_of(intervention):
        sizes[standing, delivered, year] = intervention.acts(effect, standing, delivered, year)
    return sizes


@dataclass(frozen=True)
class Levels:
    """The levels that one intervention's replacing effects pass through on one table."""

    effects: tuple[Effect, ...]
    signatures: tuple[tuple[float, ...], ...]
    """Size of each effect at each level; level 0 is no effect at all."""
    level_of: NDArray[np.uint16]
    """Level in every year of the course."""


SHIFT_STEP = 0.01
"""Trait shifts are rounded to this many standard deviations, so that a table has few levels."""


@lru_cache(maxsize=4096)
def levels(intervention: Intervention, effects: tuple[Effect, ...], ages: tuple[int, int]) -> Levels:
    """Return the distinct combinations of sizes that these effects take in years lived within a window of ages."""
    courses = np.stack([course(intervention, effect) for effect in effects])
    for number, effect in enumerate(effects):
        if effect.kind == "trait_shift":
            courses[number] = np.round(courses[number] / SHIFT_STEP) * SHIFT_STEP
    neutral = (0.0,) * len(effects)
    signatures: dict[tuple[float, ...], int] = {neutral: 0}
    level_of = np.zeros(course_shape(intervention), dtype=np.uint16)
    for place in years_of(intervention):
        _, delivered, year = place
        since_start = delivered + year - 1
        if intervention.ages[0] + since_start > ages[1] or intervention.ages[1] + since_start < ages[0]:
            continue  # nobody of an age in the window is in this year
        signature = tuple(float(size) for size in courses[(slice(None), *place)])
        level_of[place] = signatures.setdefault(signature, len(signatures))
    return Levels(effects, tuple(signatures), level_of)


def replacing(
    made: Sequence[Intervention], ages: tuple[int, int], acts: Callable[[Effect], bool]
) -> list[tuple[int, Levels]]:
    """Return (offer, levels) of every intervention with effects that replace a table of these ages."""
    parts = []
    for number, intervention in enumerate(made):
        kinds = ("odds_ratio", "relative_risk", "trait_shift")
        effects = tuple(effect for effect in intervention.acting if effect.kind in kinds and acts(effect))
        if effects:
            part = levels(intervention, effects, ages)
            if len(part.signatures) > 1:
                parts.append((number, part))
    return parts


class Acting:
    """The effects of the offers that an arm makes, by what they act on."""

    def __init__(self, made: Sequence[Intervention]) -> None:
        self.made = made
        every = [(number, effect) for number, one in enumerate(made) for effect in one.acting]
        self.traits = {effect.trait for _, effect in every if effect.kind == "trait_shift"}
        """Traits that are shifted."""
        self.named = {name for _, e in every if e.kind in ("odds_ratio", "relative_risk") for name in e.on}
        """Transitions of occasions that have another chance."""
        self.ratios: dict[tuple[str, str, str], list[tuple[int, Effect]]] = {}
        """Hazard ratios and the offers they belong to, by transition."""
        for number, effect in every:
            if effect.kind == "hazard_ratio":
                for name in effect.on:
                    self.ratios.setdefault(name, []).append((number, effect))


@dataclass(frozen=True)
class Merged:
    """The levels of a table that several interventions replace: combinations that come to the same are one."""

    acting: tuple[tuple[tuple[Effect, float], ...], ...]
    """What acts at each level; level 0 is nothing."""
    level_of: NDArray[np.uint16]
    """Level of every combination, the first intervention's level running fastest."""


def merged(parts: Sequence[Levels]) -> Merged:
    """Return the distinct levels of all combinations of several interventions' levels."""
    found: dict[Any, int] = {}
    acting: list[tuple[tuple[Effect, float], ...]] = []
    level_of = []
    for chosen in itertools.product(*[range(len(part.signatures)) for part in reversed(parts)]):
        combination: list[tuple[Effect, float]] = []
        for part, level in zip(parts, reversed(chosen), strict=True):
            combination += zip(part.effects, part.signatures[level], strict=True)
        ratios = tuple((e, size) for e, size in combination if e.kind != "trait_shift" and size != 0.0)
        moved = tuple((trait, round(shift / SHIFT_STEP)) for trait, shift in sorted(shifts(combination).items()))
        key = (ratios, moved)
        if key not in found:
            found[key] = len(acting)
            acting.append(tuple(combination))
        level_of.append(found[key])
    return Merged(tuple(acting), np.array(level_of, dtype=np.uint16))


def combined(acting: Iterable[tuple[str, float]]) -> float:
    """Return the sum of sizes over mechanisms; within one mechanism only the strongest counts."""
    strongest: dict[str, float] = {}
    for mechanism, size in acting:
        if abs(size) > abs(strongest.get(mechanism, 0.0)):
            strongest[mechanism] = size
    return sum(strongest.values())


def shifts(acting: Iterable[tuple[Effect, float]]) -> dict[str, float]:
    """Return the shift of each trait at a level."""
    by_trait: dict[str, list[tuple[str, float]]] = {}
    for effect, size in acting:
        if effect.kind == "trait_shift" and effect.trait:
            by_trait.setdefault(effect.trait, []).append((effect.mechanism, size))
    return {trait: combined(sizes) for trait, sizes in by_trait.items() if combined(sizes) != 0.0}


def with_odds(probabilities: NDArray[Any], ratios: NDArray[Any]) -> NDArray[Any]:
    """Return probabilities (destinations, cells…) with the odds of each destination against staying multiplied.

    All are renormalised; where the occasion is certain, the ratios multiply the weights.
    """
    if np.all(ratios == 1.0):
        return probabilities
    staying = np.clip(1.0 - probabilities.sum(axis=0), 0.0, 1.0)
    certain = staying <= 1e-12
    weighted = probabilities * ratios.reshape(-1, *[1] * (probabilities.ndim - 1))
    total = weighted.sum(axis=0) + np.where(certain, 0.0, staying)
    return np.asarray(np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0))


def changed_occasion(
    probabilities: NDArray[np.float64],
    names: Sequence[tuple[str, str, str]],
    acting: Sequence[tuple[Effect, float]],
    words: Callable[[tuple[int, ...]], str] = str,
) -> NDArray[np.float64]:
    """Return the probabilities of one occasion under odds ratios and relative risks.

    probabilities: (destinations, cells…); names: the transition of each destination; words: a cell in words. An odds
    ratio multiplies the odds against staying, then all are renormalised; where the occasion is certain it multiplies
    the weight. A relative risk multiplies the probability; raises ScenarioError where the sum would exceed 1.
    """
    odds = np.ones(len(names))
    risks = np.ones(len(names))
    for place, name in enumerate(names):
        for kind, ratios in (("odds_ratio", odds), ("relative_risk", risks)):
            sizes = [(e.mechanism, size) for e, size in acting if e.kind == kind and name in e.on]
            ratios[place] = math.exp(combined(sizes))
    result = with_odds(probabilities, odds)
    if np.any(risks != 1.0):
        result = result * risks.reshape(-1, *[1] * (probabilities.ndim - 1))
        excess = result.sum(axis=0)
        if np.any(excess > 1 + 1e-12):
            worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
            raise ScenarioError(
                f"a relative risk makes the probability {excess[worst]:.3g} out of '{names[0][0]}: {names[0][1]}'"
                f" at {words(tuple(int(place) for place in worst))}: at most 1",
                hint="state the effect as an odds ratio",
            )
    return result
