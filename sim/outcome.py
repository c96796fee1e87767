"""The outcome of a simulation: integer ledgers of the baseline and, per arm, of the reached in both lives. Layer 7."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.domain import Quantity
from sim.ledger import Counts, Ledger, Margin, amounts, need_of
from sim.plan import Plan
from sim.prices import Counted, counted_when
from sim.scenario import BASELINE
from sim.tables import Parameters

FloatArray = NDArray[np.float64]


@dataclass
class ArmCounts:
    """What happened to those an arm reached, in the arm and in the baseline."""

    in_arm: Ledger
    in_baseline: Ledger
    participants: Counts
    """Persons reached, by block."""
    refused: Counts
    """Offers to those whom the arm does not reach, who refused them: laid out as a ledger's deliveries."""
    through_classmates: Counts | None = None
    """Persons, by block, whom the arm does not reach and whose lives it changes; None without classes."""


@dataclass
class Outcome:
    """Everything that a simulation counted; re-priced as often as anyone likes."""

    plan: Plan
    seed: int
    replicate: int
    baseline: Ledger
    arms: dict[str, ArmCounts] = field(default_factory=dict)
    reached: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    """Identities of the persons that each arm reaches, while they are known."""
    families: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    """Families of those persons, one for each."""
    given: tuple[NDArray[np.uint64] | None, NDArray[np.uint64] | None] = (None, None)
    """Identities and families of everyone who was simulated; None where it was the whole cohort."""
    person_years: int = 0
    """Person-years lived by the engine, the reached persons' second lives included."""
    seconds: float = 0.0
    amounts: dict[Any, tuple[Margin, FloatArray]] = field(default_factory=dict, repr=False, compare=False)
    """The margin that a quantity is counted over and what a person adds to it by row and cell, once worked out; the
    same for every ledger of the plan."""
    _changes: dict[str, Ledger] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def lived(self) -> int:
        """Person-years counted, the reached persons' second lives included."""
        both = [one for arm in self.arms.values() for one in (arm.in_arm, arm.in_baseline)]
        return sum(one.person_years for one in [self.baseline, *(one for one in both if one is not self.baseline)])

    def ledger(self, arm: str = BASELINE) -> Ledger:
        """Return everyone's ledger in an arm: baseline - R0 + R1, and the offers that were refused."""
        if arm == BASELINE:
            return self.baseline
        counts = self.arms[arm]
        if counts.in_baseline is self.baseline:  # lived or expected in full: nothing is lost in adding and taking off
            whole = counts.in_arm
            return replace(whole, deliveries=whole.deliveries + counts.refused, cache=whole.cache)
        return self.baseline + self.change(arm)

    def change(self, arm: str) -> Ledger:
        """Return an arm's ledger - the baseline's: R1 - R0, and the offers that were refused; made once."""
        if arm not in self._changes:
            counts = self.arms[arm]
            self._changes[arm] = counts.in_arm - counts.in_baseline
            self._changes[arm].deliveries += counts.refused
        return self._changes[arm]

    def together(self, arm: str) -> Outcome:
        """Return the same counts of one arm without parts: priced in no time, and without standard errors.

        What is paid copy by copy (`CostLine.by_copy`) cannot be priced by them.
        """
        scenario = self.plan.scenario
        strata = max(1, len(scenario.cohort.strata))
        one_part = replace(scenario, cohort=replace(scenario.cohort, copies=1))
        known = self.arms[arm]
        counts = ArmCounts(
            known.in_arm.together(strata),
            known.in_baseline.together(strata),
            known.participants.reshape(strata, -1).sum(axis=1),
            known.refused.reshape(strata, -1, *known.refused.shape[1:]).sum(axis=1),
            None if known.through_classmates is None else known.through_classmates.sum(keepdims=True),
        )
        plan = replace(self.plan, scenario=one_part)
        return replace(self, plan=plan, baseline=self.baseline.together(strata), arms={arm: counts})

    def fold(self, counts: NDArray[Any]) -> FloatArray:
        """Return counts by block, (blocks, …), as weighted counts by equal random part of the cohort, (parts, …).

        Without strata a block is a part, and everyone weighs 1. With strata a part is one block of each, each person
        weighing share · total / persons of his stratum, so that sums over parts stand for the population.
        """
        values = np.asarray(counts, dtype=np.float64)
        strata = self.plan.strata
        if strata is None:
            return values
        by_stratum = values.reshape(len(strata.weights), self.plan.scenario.cohort.parts, *values.shape[1:])
        return np.asarray(np.tensordot(strata.weights, by_stratum, axes=1))

    @cached_property
    def persons(self) -> FloatArray:
        """Weighted members of the cohort by part."""
        return self.fold(self.baseline.persons)

    def volume(
        self, quantity: Quantity | str, ledger: Ledger, arm: str = BASELINE, counted: Counted = "end"
    ) -> FloatArray:
        """Return a quantity's weighted volume by part and row, (parts, steps + 1), with the parameters of an arm.

        Those in delivery of an intervention that replaces the quantity are not counted. counted: when in the step
        states are counted.
        """
        margin, weights = self._weights(quantity, ledger, arm, ())
        return self.fold(np.einsum("brc,rc->br", self._counts(quantity, ledger, margin, counted), weights))

    def _counts(self, quantity: Quantity | str, ledger: Ledger, margin: Margin, counted: Counted) -> FloatArray:
        """Return the counts that a quantity is taken from: of its states at the end of a step or at another time."""
        known = self.plan.scenario.model.quantity(quantity) if isinstance(quantity, str) else quantity
        counts = ledger.floats(margin)
        return counted_when(counts, counted) if known.basis == "on_date" else counts

    def volume_by(
        self, column: str, quantity: Quantity, ledger: Ledger, arm: str = BASELINE, counted: Counted = "end"
    ) -> FloatArray:
        """Return a quantity's weighted volume split by a column's value after the step: (values, parts, steps + 1)."""
        margin, weights = self._weights(quantity, ledger, arm, (column,))
        place = margin.columns.index(column)
        sizes = math.prod(margin.sizes[:place]), margin.sizes[place], math.prod(margin.sizes[place + 1 :])
        counts = self._counts(quantity, ledger, margin, counted)
        split = np.einsum(
            "brxly,rxly->blr", counts.reshape(*counts.shape[:2], *sizes), weights.reshape(len(weights), *sizes)
        )
        return np.ascontiguousarray(np.swapaxes(self.fold(split), 0, 1))

    def _weights(
        self, quantity: Quantity | str, ledger: Ledger, arm: str, further: Iterable[str]
    ) -> tuple[Margin, FloatArray]:
        """Return the margin that a quantity is counted over, and its amount a person by row and cell."""
        plan = self.plan
        model = plan.scenario.model
        if isinstance(quantity, str):
            quantity = model.quantity(quantity)
        key = (quantity, tuple(further), arm if arm in plan.changed else BASELINE)
        if key in self.amounts:
            return self.amounts[key]
        flags = self._flags(quantity)
        margin = ledger.margin(self._columns(quantity, flags) | set(further))
        weights = amounts(quantity, model, self._parameters(arm), margin, plan.scenario.horizon)
        shaped = weights.reshape(-1, *margin.sizes)
        for flag in flags:
            place = margin.columns.index(flag) + 1
            shaped = shaped * np.array([1.0, 0.0]).reshape([-1 if k == place else 1 for k in range(shaped.ndim)])
        self.amounts[key] = margin, shaped.reshape(len(weights), -1)
        return self.amounts[key]

    def share_in(self, columns: Iterable[str], arm: str = BASELINE) -> tuple[FloatArray, list[int]]:
        """Return weighted counts over columns summed over blocks, (steps + 1, sizes of the columns…), and the sizes."""
        wanted = list(columns)
        ledger = self.ledger(arm)
        margin = ledger.margin(wanted)
        counts = self.fold(ledger.of(margin)).sum(axis=0).reshape(-1, *margin.sizes)
        others = tuple(k + 1 for k, name in enumerate(margin.columns) if name not in wanted)
        summed = counts.sum(axis=others)
        kept = [name for name in margin.columns if name in wanted]
        order = [0] + [kept.index(name) + 1 for name in wanted]
        result = np.transpose(summed, order).astype(np.float64)
        return result, list(result.shape[1:])

    def digest(self) -> str:
        """Return one SHA-256 over the baseline's ledger and, arm by arm, what differs from it."""
        digest = hashlib.sha256(self.baseline.digest().encode())
        for arm in self.arms:
            digest.update(f";{arm}={self.change(arm).digest()}".encode())
        return digest.hexdigest()

    def _flags(self, quantity: Quantity) -> list[str]:
        """Return the flags of the interventions that replace a quantity of the model."""
        if self.plan.scenario.model.quantities.rows.get(quantity.name) != quantity:
            return []
        arms = self.plan.scenario.arms.values()
        names = {i.catalogue_name for arm in arms for i in arm.interventions if i.replaces == quantity.name}
        return sorted(f"receives_{name}" for name in names)

    def _columns(self, quantity: Quantity, flags: list[str]) -> set[str]:
        return set(need_of(quantity, self.plan.scenario.model, flags).columns)

    def _parameters(self, arm: str) -> Parameters:
        return self.plan.parameters_of(arm).get("quantities", Parameters("quantities"))
