"""What checks stand on: one simulated outcome, its arms and its money, and a sample of lives that is read once.

Imports `calibration.lives` and `sim`; knows no check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.counting import FloatArray
from calibration.lives import Account, Reader, accounts, read_lives
from sim.comparison import ArmResult, compare
from sim.errors import TargetError, nearest
from sim.outcome import Outcome
from sim.plan import Plan
from sim.prices import APART, Price
from sim.scenario import Scenario

_ACCOUNTS = "accounts"
"""Name of the reader that reads all accounts at once."""


@dataclass
class Ground:
    """What the checks stand on: one simulated outcome, and a sample of lives that is read once."""

    outcome: Outcome
    wanted: dict[str, Reader] = field(default_factory=dict)
    """Readers of the sample, by name: all are registered before the sample is read."""
    accounts: list[str] = field(default_factory=list)
    """Names of the accounts that the sample is read for, in the order in which they stand there."""

    @property
    def plan(self) -> Plan:
        """The plan of the outcome."""
        return self.outcome.plan

    @property
    def scenario(self) -> Scenario:
        """The scenario of the outcome."""
        return self.outcome.plan.scenario

    @cached_property
    def sample(self) -> dict[str, NDArray[Any]]:
        """What every registered reader saw in the sample, persons last."""
        return read_lives(self.plan, self.wanted, seed=self.outcome.seed)

    def read_accounts(self, wanted: Mapping[str, Account]) -> None:
        """Register accounts, all of them at once, to be read from the sample."""
        self.accounts = list(wanted)
        self.wanted[_ACCOUNTS] = accounts(self.plan, wanted)

    def account(self, name: str) -> FloatArray:
        """Return what each life of the sample cost on an account."""
        every: FloatArray = self.sample[_ACCOUNTS]
        return np.asarray(every[self.accounts.index(name)])

    @cached_property
    def arms(self) -> Mapping[str, ArmResult]:
        """Every arm against the baseline."""
        return compare(self.outcome).arms

    def prices(self, patterns: str) -> tuple[Price, ...]:
        """Return the prices that patterns name, separated by spaces; raises TargetError where one names none."""
        every = {price.name: price for price in self.scenario.prices.prices}
        found: dict[str, Price] = {}
        for pattern in patterns.split():
            hits = [name for name in every if fnmatchcase(name, pattern)]
            if not hits:
                raise TargetError(f"no price is named '{pattern}'", hint=nearest(pattern, every))
            found.update((name, every[name]) for name in hits)
        return tuple(found.values())

    def public_prices(self) -> tuple[Price, ...]:
        """Return the prices that public payers alone pay or get."""
        every = self.scenario.prices.prices
        return tuple(p for p in every if not {x.split(".")[0] for x in p.payer.payers} & set(APART))

    def money(self, prices: Sequence[Price], year: int | None, rate: float = 0.0) -> FloatArray:
        """Return what the baseline pays at some prices by copy and row: (blocks, steps + 1), revenues negative."""
        economics = replace(self.scenario.economics, discount_rate=rate)
        total: FloatArray = np.zeros((self.scenario.cohort.blocks, self.scenario.horizon + 1))
        for price in prices:
            amount = price.sign * price.amount * self.uprating(price.price_year, year)
            total += amount * self.outcome.volume(price.quantity, self.outcome.baseline, counted=economics.counted)
        return np.asarray(total * economics.factors(self.scenario.horizon))

    def uprating(self, from_year: int, to_year: int | None) -> float:
        """Return what a krona of a year is in another's, by default in the scenario's."""
        return self.scenario.prices.uprating(from_year, to_year or self.scenario.economics.price_year)
