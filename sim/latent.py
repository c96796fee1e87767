"""Latent traits at birth: a normal trait cut into bins, given other columns, without a table of shares. Layer 1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError, nearest
from sim.tables import Column

FloatArray = NDArray[np.float64]

LEAST_SPREAD = 0.1
"""The least standard deviation that the traits it correlates with may leave."""


def _below(z: FloatArray) -> FloatArray:
    """Return the share of a standard normal below each point, by the same function of one number on every machine."""
    scaled = -z / math.sqrt(2)
    return 0.5 * np.array([math.erfc(one) for one in scaled.ravel().tolist()]).reshape(scaled.shape)


@dataclass(frozen=True)
class Normal:
    """A trait that is normal with standard deviation 1 among children who have the same mean.

    x = Σ mean[column][label] + Σ correlation · value of the other trait's bin + what is left, which is normal.
    """

    mean: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Shift of the mean by label of a column, in standard deviations; 0 where a label is not named."""
    correlated: Mapping[str, float] = field(default_factory=dict)
    """Correlation with an earlier trait in bins."""

    @property
    def given(self) -> tuple[str, ...]:
        """The columns it depends on."""
        return tuple(dict.fromkeys([*self.mean, *self.correlated]))


@dataclass(frozen=True)
class Cuts:
    """Where a latent trait is cut into bins."""

    points: tuple[float, ...]
    spread: float
    """Standard deviation of what the correlated traits leave."""


def cuts_of(normal: Normal, bins: int, columns: Sequence[Column], weights: FloatArray) -> Cuts:
    """Return the cuts that put equal shares of a population into the bins.

    columns: those of `normal.given`; weights: their joint shares in the population, (sizes…). Raises ScenarioError
    for unknown labels and for correlations that leave no spread.
    """
    pull = _pull(normal, columns)
    total = float((weights * pull).sum())
    left = 1 - float((weights * (pull - total) ** 2).sum())
    if left < LEAST_SPREAD**2:
        raise ScenarioError("the correlations explain the whole trait; nothing is left to chance", hint="lower them")
    spread = math.sqrt(left)
    means = pull + _shift(normal, columns)
    points = [_quantile(k / bins, means, weights, spread) for k in range(1, bins)]
    return Cuts(tuple(points), spread)


def bin_shares(normal: Normal, cuts: Cuts, columns: Sequence[Column]) -> FloatArray:
    """Return the shares of the bins given the columns of `normal.given`: (sizes…, bins)."""
    means = _pull(normal, columns) + _shift(normal, columns)
    ends = [np.zeros_like(means), *(_below((point - means) / cuts.spread) for point in cuts.points)]
    shares: FloatArray = np.diff(np.stack([*ends, np.ones_like(means)], axis=-1), axis=-1)
    return shares


def _quantile(share: float, means: FloatArray, weights: FloatArray, spread: float) -> float:
    """Return the point below which this share of the mixture lies, by bisection to 1e-12."""
    low, high = float(means.min()) - 10, float(means.max()) + 10
    while high - low > 1e-12 * max(1.0, abs(low)):
        middle = (low + high) / 2
        if float((weights * _below((middle - means) / spread)).sum()) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _pull(normal: Normal, columns: Sequence[Column]) -> FloatArray:
    """Return what the correlated traits add to the mean: (sizes…)."""
    total = np.zeros([column.size for column in columns])
    for place, column in enumerate(columns):
        if column.name in normal.correlated:
            if column.values is None:
                raise ScenarioError(f"'{column.name}' is no trait in bins; a correlation goes with those only")
            if not -1 < normal.correlated[column.name] < 1:
                raise ScenarioError(f"the correlation with '{column.name}' must be between -1 and 1")
            total = total + _along(normal.correlated[column.name] * np.asarray(column.values), place, total.ndim)
    return total


def _shift(normal: Normal, columns: Sequence[Column]) -> FloatArray:
    """Return what the labels add to the mean: (sizes…)."""
    total = np.zeros([column.size for column in columns])
    for place, column in enumerate(columns):
        labels = [column.text(code) for code in range(column.size)]
        shifts = np.zeros(column.size)
        for label, size in normal.mean.get(column.name, {}).items():
            if label not in labels:
                raise ScenarioError(f"'{column.name}' has no label {label!r}", hint=nearest(label, labels))
            shifts[labels.index(label)] = size
        total = total + _along(shifts, place, total.ndim)
    return total


def _along(values: FloatArray, axis: int, ndim: int) -> FloatArray:
    return values.reshape([-1 if k == axis else 1 for k in range(ndim)])
