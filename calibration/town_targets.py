"""A municipality's cross-section beside the registry: rows of all residents, judged on who lives there in one year.

`targets/municipality.csv` says which counts of the residents answer which figure. Imports `sim`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from calibration.counting import QUANTITY, WHERE, Count, FloatArray, over_copies, ratio, volume
from calibration.targets import EQUIVALENT, FOLDER, Figure, Result, Target, quantities_of, read_targets, result_of
from sim.domain import Quantity
from sim.errors import TargetError
from sim.prices import Residence
from sim.town import TownOutcome

TOWN_POPULATIONS = ("all_residents",)
"""Populations of registry rows that a municipality may be judged on."""


def read_town_targets(*, figures: Mapping[str, Figure] | None = None) -> tuple[Target, ...]:
    """Read the targets of a municipality; raises TargetError as `read_targets` does."""
    return read_targets(
        FOLDER / "municipality.csv", figures=figures, populations=TOWN_POPULATIONS, whose="a municipality"
    )


def of_residents(targets: Sequence[Target], residence: Residence | None) -> tuple[Target, ...]:
    """Return the targets counted over those who live in the municipality, where something says who does.

    What is kept for life is lost to the municipality with who moves away, which the figure means as well.
    """
    if residence is None:
        return tuple(targets)
    here = f"{residence.column} == '{residence.own}'"
    return tuple(
        replace(
            one,
            numerator=_among(one.numerator, here),
            denominator=_among(one.denominator, here),
            note=one.note if one.note.startswith(EQUIVALENT) else f"{EQUIVALENT} of those who live here; {one.note}",
        )
        for one in targets
    )


def _among(count: Count, here: str) -> Count:
    if count.quantity is not None:
        return Count.of(f"{QUANTITY}{count.quantity}{WHERE}({count.condition.text}) and {here}")
    return Count.of(f"({count.text}) and {here}")


def year_of(target: Target, outcome: TownOutcome) -> int:
    """Return the calendar year in which a target is judged: the first in which all its ages belong to the municipality.

    Raises TargetError where there is none.
    """
    town = outcome.town
    year = max(town.start, town.first + max(target.ages[1], target.denominator_ages[1]))
    if year >= town.end:
        raise TargetError(
            f"target '{target.id}': nobody aged {target.ages[1]} is followed before {year}",
            hint=f"count {year + 1 - town.start} years",
        )
    return year


def judge_town(targets: Sequence[Target], outcome: TownOutcome) -> list[Result]:
    """Compare the baseline's residents with every target that can be answered within the years; the worst first.

    targets: those that `of_residents` returns, whose columns the outcome counted.
    """
    results = []
    for target in targets:
        if target.statistic != "share":
            raise TargetError(f"target '{target.id}': a municipality answers shares only, not {target.statistic}")
        if outcome.town.first + max(target.ages[1], target.denominator_ages[1]) >= outcome.town.end:
            continue
        above, below = quantities_of(target, outcome.plan.scenario.model)
        year = year_of(target, outcome)
        by_copy = (
            sum_over(outcome, one, year, ages) for one, ages in ((above, target.ages), (below, target.denominator_ages))
        )
        results.append(result_of(target, over_copies(ratio, *by_copy)))
    return sorted(results, key=lambda result: -result.distance)


def sum_over(outcome: TownOutcome, quantity: Quantity, year: int, ages: tuple[int, int]) -> FloatArray:
    """Return a quantity's volume over those who reach some ages in a calendar year, by copy."""
    total = np.zeros(outcome.plan.scenario.cohort.copies)
    for age in range(ages[0], ages[1] + 1):
        total += volume(quantity, outcome.cohorts[year - age])[:, age + 1]
    return total
