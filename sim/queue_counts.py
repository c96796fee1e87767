"""How an arm's lines went: who stood in them, who was asked, who started and who went on waiting. Layer 8."""

from __future__ import annotations

from dataclasses import dataclass

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
        counts = outcome.ledger(arm).deliveries[:, :, place].sum(axis=0)
        years = int((counts[:, ELIGIBLE_COUNT] > 0).sum())
        mean = counts.sum(axis=0) / (max(years, 1) * copies)
        started = counts[:, START_COUNT].sum()
        found[one.catalogue_name] = QueueCounts(
            capacity_per_year=one.capacity_per_year,
            years=years,
            eligible=float(mean[ELIGIBLE_COUNT]),
            offered=float(mean[OFFERED_COUNT]),
            refused=float(mean[OFFERED_COUNT] - mean[START_COUNT]),
            started=float(mean[START_COUNT]),
            waiting=float(mean[WAITING_COUNT]),
            gave_up=float(mean[ELIGIBLE_COUNT] - mean[OFFERED_COUNT] - mean[WAITING_COUNT]),
            years_waited=float(counts[:, WAITED_COUNT].sum() / started) if started else None,
        )
    return found
