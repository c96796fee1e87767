"""What a municipality pays for teams and whole services: by copy and calendar year, over all ages together. Layer 8.

A team follows children of every birth year, so persons in delivery are added up before teams are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.comparison import FloatArray, Flows
from sim.delivery_costs import units_of
from sim.kernels.layout import DELIVERY_COUNTS
from sim.plan import Plan
from sim.prices import Economics
from sim.queue_counts import QueueCounts, line_counts
from sim.scenario import BASELINE
from sim.town import waves_of


@dataclass
class Services:
    """Everyone's deliveries in each arm, all birth years together, by calendar year from the first birth on."""

    plan: Plan
    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """By arm: (copies, years + 1, interventions, counts of deliveries); row 0 is before the first year of birth."""

    @property
    def years(self) -> NDArray[np.int64]:
        """The calendar year of each row."""
        town = self.plan.scenario.municipality
        assert town is not None
        return np.arange(town.first - 1, town.end)

    def add(self, arm: str, born: int, deliveries: NDArray[Any]) -> None:
        """Add everyone's deliveries of a birth year in an arm: (copies, rows, interventions, counts)."""
        shape = (len(deliveries), len(self.years), len(self.plan.interventions), DELIVERY_COUNTS)
        whole = self.counts.setdefault(arm, np.zeros(shape, dtype=np.int64))
        whole[:, born - 1 - self.years[0] :] += deliveries

    def paid(self, economics: Economics, persons: NDArray[np.int64]) -> dict[str, Flows]:
        """Return by arm what is paid by copy (`CostLine.by_copy`) in the years counted, (copies, years + 1).

        Column 0 is before the first year counted. Before an arm begins in a copy, that copy pays what it pays in the
        baseline. persons: by copy; a copy without any pays nothing.
        """
        town = self.plan.scenario.municipality
        assert town is not None
        amounts = {arm: self._amounts(arm, economics, persons) for arm in self.counts}
        current, found = amounts[BASELINE], {}
        for arm, own in amounts.items():
            has_begun = self._has_begun(arm)
            none = np.zeros(has_begun.shape)
            flows = {
                payer: np.where(has_begun, own.get(payer, none), current.get(payer, none)) for payer in own | current
            }
            for amount in flows.values():
                amount[:, self.years < town.start] = 0
            found[arm] = Flows({payer: amount[:, -town.years - 1 :] for payer, amount in flows.items()})
        return found

    def _amounts(self, arm: str, economics: Economics, persons: NDArray[np.int64]) -> dict[str, FloatArray]:
        """Return by payer what an arm's deliveries cost by copy, (copies, rows), as if it had begun everywhere."""
        plan = self.plan
        flows: dict[str, FloatArray] = {}
        for one in plan.arms[arm]:
            counts = self.counts[arm][:, :, plan.interventions.index(one.catalogue_name)]
            for line in one.costs:
                if line.by_copy:
                    uprated = line.amount * plan.scenario.prices.uprating(line.price_year, economics.price_year)
                    amount = units_of(line, counts, self.years, persons) * uprated
                    for payer, share in line.payer.by_year(self.years.tolist()).items():
                        flows[payer] = flows.get(payer, 0.0) + amount * share
        return flows

    def _has_begun(self, arm: str) -> NDArray[np.bool_]:
        """Return where an arm has begun: (copies, rows); the baseline everywhere."""
        copies = self.plan.scenario.cohort.copies
        result = np.zeros((copies, len(self.years)), dtype=bool)
        for copy in range(copies):
            wave = dict(waves_of(self.plan, copy)).get(arm)
            if arm == BASELINE or wave is not None:
                result[copy] = True if wave is None else self.years >= wave.begins
        return result

    def queues(self) -> dict[str, Mapping[str, QueueCounts]]:
        """Return by arm and intervention how its line went, the mean of the copies and years with one."""
        found: dict[str, Mapping[str, QueueCounts]] = {}
        for arm, counts in self.counts.items():
            limited = [one for one in self.plan.arms[arm] if one.capacity_per_year is not None]
            found[arm] = {
                one.catalogue_name: line_counts(one, counts[:, :, self.plan.interventions.index(one.catalogue_name)])
                for one in limited
            }
        return found
