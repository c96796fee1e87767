"""Conditions as tables of switches, and offers as the rows that the kernels read. Layer 6: knows interventions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.column_layout import Layout
from sim.draws import stream
from sim.effect_targets import domains_acted_on
from sim.errors import RuleError
from sim.families import offered_to_families
from sim.intervention import Intervention
from sim.model import MAX_AGE, Model
from sim.table_arrays import TableArrays
from sim.tables import Parameters, Rule, tabulate


@dataclass(frozen=True)
class Conditions:
    """Adds what counters, eligibility, uptake and stopping say to the tables of one arm."""

    model: Model
    layout: Layout
    laid: TableArrays
    once: Callable[[tuple[Any, ...], Callable[[], Any]], Any]
    """What returns, by key, what a function made before, or makes it."""

    def switch(self, rule: Rule, where: str, key: Any, parameters: Parameters | None = None) -> int:
        """Add a 0/1 table of a condition; raises RuleError naming where it stands. key: what tells it from others."""
        own = Parameters() if parameters is None else parameters
        columns = self.model.ordered(rule.reads)

        def switches() -> NDArray[Any]:
            try:
                grid = tabulate(rule, columns, own, unit="value")[0]
            except RuleError as error:
                raise RuleError(f"{where}: {error.problems[0].message}", hint=error.problems[0].hint) from None
            return np.asarray(grid != 0, dtype=np.uint8)

        return self.laid.add("switches", columns, (0, MAX_AGE), [self.once(("switch", key), switches)])

    def uptake(self, intervention: Intervention) -> int:
        """Add the table of an offer's uptake, as 32-bit thresholds."""
        rule = intervention.uptake.rule(self.model.columns)
        columns = self.model.ordered(rule.reads)

        def chances() -> NDArray[Any]:
            grid = tabulate(rule, columns, Parameters(), upper=1.0, unit="uptake")[0]
            return np.asarray(np.ceil(grid * 2.0**32), dtype=np.uint64)

        return self.laid.add("chances", columns, (0, MAX_AGE), [self.once(("uptake", intervention.uptake), chances)])

    def rank(self, intervention: Intervention) -> int:
        """Add the table of who comes first where places are few; -1 where all are alike."""
        if intervention.rank is None:
            return -1
        rule = intervention.rank.rule(self.model.columns)
        columns = self.model.ordered(rule.reads)

        def ranks() -> NDArray[Any]:
            return tabulate(rule, columns, Parameters(), lower=-math.inf, unit="rank")[0]

        return self.laid.add("ranks", columns, (0, MAX_AGE), [self.once(("rank", intervention.rank), ranks)])

    def group_values(self, parameters: Mapping[str, Parameters]) -> tuple[list[list[int]], list[int]]:
        """Return a row for each group value, and the cuts of all; no row where the model is lived without classes."""
        rows: list[list[int]] = []
        cuts: list[int] = []
        for name, value in self.model.group_values.items():
            own = parameters.get(value.domain, Parameters(value.domain))
            ages = value.window(own)
            if self.model.in_classes:
                table = self.switch(value.when, f"group value '{name}'", ("group value", name), own)
                rows.append([self.layout.row(name), table, *ages, len(cuts), len(cuts) + len(value.cuts)])
                cuts += value.cuts
        return rows, cuts

    def offer(self, intervention: Intervention, arms: int, *, made: bool) -> list[int]:
        """Return the row of an offer; arms: bits set in those whom it reaches; made: else it is only watched."""
        where = f"intervention '{intervention.name}'"
        columns = self.model.columns
        row = [0] * at.OFFER_FIELDS
        row[at.OFFER_AGE_FROM], row[at.OFFER_AGE_TO] = intervention.ages
        row[at.ELIGIBLE] = self.switch(intervention.when.rule(columns), f"`when` of {where}", intervention.when)
        row[at.UPTAKE] = self.uptake(intervention)
        row[at.OFFER_STREAM] = stream(f"uptake {intervention.catalogue_name}")
        row[at.DRAWN_YEARLY] = int(intervention.offer == "yearly")
        row[at.YEARS] = intervention.years
        stop = intervention.stop_when
        row[at.STOP] = -1 if stop is None else self.switch(stop.rule(columns), f"`stop_when` of {where}", stop)
        row[at.CARRY_ALL] = int(intervention.offered_carry)
        c = intervention.baseline_coverage
        row[at.COVERAGE] = math.ceil(c * 2.0**32) if c else -1
        row[at.RECEIVES] = self.layout.receives.get(intervention.catalogue_name, -1)
        row[at.ARMS] = arms
        row[at.TO_FAMILY] = int(offered_to_families(intervention, self.model))
        row[at.CAPACITY] = -1 if intervention.capacity_per_year is None else intervention.capacity_per_year
        row[at.RANK] = self.rank(intervention)
        row[at.QUEUE_STREAM] = stream(f"queue {intervention.catalogue_name}")
        row[at.WAITING_YEARS] = -1 if intervention.waiting_years is None else intervention.waiting_years
        if made:
            row[at.ACTIVE] = self.laid.lay("active", [domains_acted_on(intervention, self.model)])
        return row
