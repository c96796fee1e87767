"""The course of an offer as a few phases that a person passes through, one a step. Layer 4.

What acts in delivery year 1, 2, … and in the years after is a phase each; phases with the same future are one, so that
an effect that has faded, or that holds for ever, is told apart from nothing more than it has to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.effects import SHIFT_STEP, course
from sim.intervention import CARRIES, COVERED_OUT, DELIVERED, Effect, Intervention
from sim.kernels.layout import YEARS_AXIS

NOT_YET, OVER = 0, 1
"""Phases of those who have had no offer so far, and of those to whom nothing happens any more."""

Sizes = tuple[float, ...]


@dataclass(frozen=True)
class Phases:
    """The phases of one offer; arrays are by phase."""

    intervention: Intervention
    sizes: NDArray[np.float64]
    """(effects as they act, phases): the log or the shift that acts"""
    after: NDArray[np.int32]
    """The phase in the next step."""
    stopped: NDArray[np.int32]
    """The phase in the next step where `stop_when` holds."""
    in_delivery: NDArray[np.bool_]
    in_later_year: NDArray[np.bool_]
    """In the second or a later year of delivery."""
    accepted: int
    """The first phase of those who accept."""
    refused: int
    """The first phase of those who do not."""

    def __len__(self) -> int:
        return len(self.after)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The effects as they act, in the order of `sizes`."""
        return self.intervention.acting


@dataclass
class _Found:
    """Phases while they are found, each with what tells it apart."""

    rows: list[tuple[Sizes, int, int, bool, bool]] = field(default_factory=list)
    known: dict[tuple[Sizes, int, int, bool, bool], int] = field(default_factory=dict)

    def for_ever(self, sizes: Sizes) -> int:
        """Return the phase in which these sizes act for ever."""
        for number, (own, after, *_) in enumerate(self.rows):
            if own == sizes and after == number != NOT_YET:
                return number
        self.rows.append((sizes, len(self.rows), len(self.rows), False, False))
        return len(self.rows) - 1

    def phase(self, sizes: Sizes, after: int, stopped: int, in_delivery: bool, later: bool) -> int:
        """Return the phase with this future; where the future is the same for ever, that of the future."""
        own, then, *_ = self.rows[after]
        if own == sizes and then == after == stopped and not in_delivery:
            return after
        row = (sizes, after, stopped, in_delivery, later)
        if row not in self.known:
            self.known[row] = len(self.rows)
            self.rows.append(row)
        return self.known[row]


def phases_of(intervention: Intervention) -> Phases:
    """Return the phases of an offer."""
    courses = [course(intervention, effect) for effect in intervention.acting]
    for number, effect in enumerate(intervention.acting):
        if effect.kind == "trait_shift":  # rounded as everywhere, so that both ways to solve have one meaning
            courses[number] = np.round(courses[number] / SHIFT_STEP) * SHIFT_STEP
    nothing = (0.0,) * len(courses)
    found = _Found([(nothing, NOT_YET, NOT_YET, False, False), (nothing, OVER, OVER, False, False)])

    def sizes(standing: int, delivered: int, year: int) -> Sizes:
        return tuple(float(one[standing, delivered, year]) for one in courses)

    def afterwards(standing: int, delivered: int) -> int:
        number = found.for_ever(sizes(standing, delivered, YEARS_AXIS - 1))
        for year in range(YEARS_AXIS - 2, 0, -1):
            number = found.phase(sizes(standing, delivered, year), number, number, False, False)
        return number

    def first(standing: int) -> int:
        following = afterwards(standing, intervention.years)
        for year in range(intervention.years, 0, -1):
            ended = following
            if intervention.stop_when is not None and year < intervention.years:
                ended = afterwards(standing, year)
            is_delivered = standing == DELIVERED
            following = found.phase(sizes(standing, 0, year), following, ended, is_delivered, is_delivered and year > 1)
        return following

    accepted = first(DELIVERED)
    if intervention.offered_carry:
        refused = first(CARRIES)
    elif intervention.baseline_coverage > 0:
        refused = first(COVERED_OUT)
    else:
        refused = NOT_YET if intervention.offer == "yearly" else OVER
    acting, after, stopped, in_delivery, later = zip(*found.rows, strict=True)
    return Phases(
        intervention,
        np.array(acting, dtype=np.float64).reshape(len(found.rows), len(courses)).T,
        np.array(after, dtype=np.int32),
        np.array(stopped, dtype=np.int32),
        np.array(in_delivery),
        np.array(later),
        accepted,
        refused,
    )
