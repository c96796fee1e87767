"""How unequally costs fall on lives, and how long spells last: statistics of a sample of lives read one by one.

Pure functions of arrays by person, with standard errors from random parts of the sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from calibration.counting import jackknife

PARTS = 20
"""Random parts of a sample that its standard errors are made from."""

FloatArray = NDArray[np.float64]


def top_share(costs: FloatArray, tenth: float = 0.1) -> float:
    """Return the share of all costs that falls on the costliest tenth of the persons (or another share of them).

    >>> round(top_share(np.array([0.0] * 9 + [5.0, 1.0] + [0.0] * 9)), 3)
    1.0
    """
    number = max(1, round(tenth * len(costs)))
    return float(np.sort(costs)[-number:].sum() / costs.sum()) if costs.sum() else float("nan")


def stays(on: NDArray[np.bool_], first: int, last: int, years: int) -> FloatArray:
    """Return what of the spells begun at the ages first … last lasts into their 2nd, 3rd … further year.

    on: (rows, persons), row a + 1 = at the end of age a. A spell begins where a year without comes before one with;
    spells cut off by death count as ended. Returns shares of all spells begun: (years,), the first one 1.
    """
    begun = on[1:] & ~on[:-1]
    lasting = begun.copy()
    shares = np.ones(years)
    started = begun[first : last + 1].sum()
    for year in range(1, years):
        later = np.zeros_like(lasting)
        later[:-year] = on[1:][year:]
        lasting &= later
        shares[year] = lasting[first : last + 1].sum() / started if started else np.nan
    return shares


def slope_of_staying(shares: FloatArray) -> float:
    """Return how the yearly chance of staying on changes with each year of a spell: the least-squares line.

    >>> round(slope_of_staying(np.array([1.0, 0.5, 0.3, 0.21])), 3)
    0.1
    """
    chances = shares[1:] / shares[:-1]
    return float(np.polyfit(np.arange(len(chances)), chances, 1)[0])


def in_parts(statistic: Callable[[NDArray[np.int64]], float], persons: int, parts: int = PARTS) -> list[float]:
    """Return a statistic of all persons, then of all but each part; the statistic is given places in the sample."""
    every = np.arange(persons)
    return [statistic(every), *(statistic(every[every % parts != part]) for part in range(parts))]


def with_error(statistic: Callable[[NDArray[np.int64]], float], persons: int) -> tuple[float, float | None]:
    """Return a statistic of all persons and its jackknife standard error over parts."""
    values = in_parts(statistic, persons)
    return values[0], jackknife(values[1:])
