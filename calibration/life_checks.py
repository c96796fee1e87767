"""The kinds of checks that a sample of lives answers: on how few lives costs fall, and how long spells last.

Each function returns a value and its standard error. Imports `checks`, `ground`, `counting`, `lives` and
the statistics of `concentration`; knows no ledger and no arm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from calibration.checks import Check
from calibration.concentration import slope_of_staying, stays, top_share, with_error
from calibration.counting import Count, FloatArray
from calibration.ground import Ground
from calibration.lives import Account, History, Reader, yearly
from sim.errors import TargetError
from sim.prices import Economics, Price

SPELL_YEARS = 5
"""Years of a spell that are followed."""


def concentration(check: Check, ground: Ground) -> tuple[float, float | None]:
    """Return the share of some prices' cost over the ages that falls on the costliest tenth of the lives."""
    ground.prices(check.what)  # all of them are there
    costs = ground.account(check.id)
    return with_error(lambda some: top_share(costs[some]), len(costs))


def spell(check: Check, ground: Ground) -> tuple[float, float | None]:
    """Return the share of the spells begun at the ages that lasts into their fifth year."""
    return _of_spells(check, ground, lambda shares: float(shares[-1]))


def spell_slope(check: Check, ground: Ground) -> tuple[float, float | None]:
    """Return how the yearly chance of staying rises with each year of the spells begun at the ages."""
    return _of_spells(check, ground, slope_of_staying)


def _of_spells(check: Check, ground: Ground, statistic: Callable[[FloatArray], float]) -> tuple[float, float | None]:
    on = ground.sample[_spells_of(check)]
    return with_error(lambda some: statistic(stays(on[:, some], *check.ages, SPELL_YEARS)), on.shape[1])


def accounts_to_read(checks: Sequence[Check], ground: Ground) -> dict[str, Account]:
    """Return the account of each check on how few lives costs fall: its public costs over its ages, undiscounted."""
    public, wanted = ground.public_prices(), {}
    for check in checks:
        if check.kind == "concentration":
            prices = tuple(p for p in _named(check, ground) if p.kind == "cost" and p in public)
            wanted[check.id] = Account(prices, check.ages, Economics(ground.scenario.economics.price_year, 0.0))
    return wanted


def register_spells(checks: Sequence[Check], ground: Ground) -> None:
    """Say which spells the sample of lives has to be read for."""
    for check in checks:
        if check.kind in ("spell", "spell_slope"):
            quantity = Count.of(check.what).as_quantity(ground.scenario.model, check.id, "on_date")
            ground.wanted[_spells_of(check)] = _truth(yearly(quantity, ground.plan))


def _spells_of(check: Check) -> str:
    return f"spells of {check.what}"


def _named(check: Check, ground: Ground) -> tuple[Price, ...]:
    """Return the prices of a check; none where one of them is missing: the check then finds nothing."""
    try:
        return ground.prices(check.what)
    except TargetError:
        return ()


def _truth(reader: Callable[[History], FloatArray]) -> Reader:
    return lambda history: np.asarray(reader(history) != 0)
