"""How an arm's lines went: who stood in them, who was asked, who started and who went on waiting. Layer 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sim.intervention import Intervention
from sim.kernels.layout import (
    ELIGIBLE_COUNT,
    OFFERED_COUNT,
    START_COUNT,
    WAITED_COUNT,
    WAITING_COUNT,
)
from sim.outcome import Outcome


@dataclass(frozen=True)
class QueueCounts:
    """One offer with so many places a year: persons in one copy in one year, the mean of the years with a line."""

    capacity_per_year: int
    years: int
    """Calendar years in which someone stood in line."""
    eligible: float
    """In line: eligible and not offered before, those waiting from earlier years included."""
    offered: float
    refused: float
    started: float
    waiting: float
    """Still in line after the year's places have been given out."""
    gave_up: float
    """Left the line after the longest wait."""
    years_waited: float | None
    """Mean of those who started; None where nobody did."""


def queue_counts(outcome: Outcome, arm: str) -> dict[str, QueueCounts]:
    """Return by intervention how the lines of an arm (or of the baseline) went; empty where none has any."""
    plan = outcome.plan
    copies = outcome.persons.sum() / plan.scenario.cohort.represents
    found = {}
    for one in plan.arms[arm]:
        if one.capacity_per_year is None:
            continue
        place = plan.interventions.index(one.catalogue_name)
        found[one.catalogue_name] = line_counts(one, outcome.ledger(arm).deliveries[:, :, place], copies)
    return found


def line_counts(one: Intervention, counts: NDArray[Any], copies: float | None = None) -> QueueCounts:
    """Return how the line for an offer went. counts: (blocks, years, counts of deliveries).

    copies: all that the blocks hold, each of which has a line in every year with one; None: each block is a copy, and
    the mean is of the copies and years with a line.
    """
    assert one.capacity_per_year is not None
    is_open = counts[:, :, ELIGIBLE_COUNT] > 0
    years = int(is_open.any(axis=0).sum())
    lines = int(is_open.sum()) if copies is None else years * copies
    whole = counts.sum(axis=(0, 1))
    mean = whole / max(lines, 1)
    return QueueCounts(
        capacity_per_year=one.capacity_per_year,
        years=years,
        eligible=float(mean[ELIGIBLE_COUNT]),
        offered=float(mean[OFFERED_COUNT]),
        refused=float(mean[OFFERED_COUNT] - mean[START_COUNT]),
        started=float(mean[START_COUNT]),
        waiting=float(mean[WAITING_COUNT]),
        gave_up=float(mean[ELIGIBLE_COUNT] - mean[OFFERED_COUNT] - mean[WAITING_COUNT]),
        years_waited=float(whole[WAITED_COUNT] / whole[START_COUNT]) if whole[START_COUNT] else None,
    )
