"""Iterative proportional fitting: a joint distribution with the margins that are published. Layer 1.

Deming and Stephan (1940). The table keeps the odds ratios of the one it starts from wherever no margin says otherwise
(Ireland and Kullback 1968). Thirty lines of NumPy; a dependency would be harder to check and could not name the margin
that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.tables import Column, cell_text

ROUNDING = 0.002
"""How far margins may disagree: published shares are rounded."""

SETTLED = 1e-13
"""The largest change of a cell in a whole cycle at which the fitting has settled."""

MOST_CYCLES = 10_000

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PublishedMargin:
    """Shares over some of the columns of a joint distribution."""

    columns: tuple[Column, ...]
    axes: tuple[int, ...]
    """Axes of those columns in the joint table."""
    shares: FloatArray
    """(sizes of the columns…), adding to 1"""

    @property
    def name(self) -> str:
        """The margin in words."""
        return "the margin of " + " and ".join(f"'{column.name}'" for column in self.columns)

    def of(self, table: FloatArray) -> FloatArray:
        """Return what a joint table says of the same columns."""
        summed = table.sum(axis=tuple(axis for axis in range(table.ndim) if axis not in self.axes))
        kept = sorted(self.axes)
        return np.transpose(summed, [kept.index(axis) for axis in self.axes])

    def over(self, ratio: FloatArray, ndim: int) -> FloatArray:
        """Return an array over these columns so that it broadcasts over the joint table."""
        order = np.argsort(self.axes)
        turned = np.transpose(ratio, order)
        return turned.reshape([turned.shape[sorted(self.axes).index(a)] if a in self.axes else 1 for a in range(ndim)])


class ContradictionError(ScenarioError):
    """Margins that no joint distribution has; `margin` is the place of the one at fault."""

    def __init__(self, margin: int, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.margin = margin


def rake(start: FloatArray, margins: Sequence[PublishedMargin]) -> FloatArray:
    """Return the joint table with these margins that has the odds ratios of `start` where no margin says otherwise.

    start: (sizes of all columns…), 0 where a cell cannot be. Margins may disagree by rounding (the last one then
    holds exactly). Raises ContradictionError for margins that disagree by more, or that ask for persons in cells which
    cannot be.
    """
    _check_agreement(margins)
    table = start / start.sum()
    for _ in range(MOST_CYCLES):
        before = table
        for place, margin in enumerate(margins):
            now = margin.of(table)
            empty = (now == 0) & (margin.shares > 0)
            if empty.any():
                cell = np.unravel_index(int(np.argmax(empty)), empty.shape)
                raise ContradictionError(
                    place,
                    f"{margin.name} wants {margin.shares[cell]:.4g} at {cell_text(margin.columns, cell)},"
                    " where the rest of the joint distribution leaves nobody",
                )
            ratio = np.divide(margin.shares, now, out=np.zeros_like(now), where=now > 0)
            table = table * margin.over(ratio, table.ndim)
        if np.abs(table - before).max() < SETTLED:
            break
    off = [np.abs(margin.of(table) - margin.shares) for margin in margins]
    worst = int(np.argmax([one.max() for one in off]))
    if off[worst].max() > ROUNDING:
        cell = np.unravel_index(int(np.argmax(off[worst])), off[worst].shape)
        raise ContradictionError(
            worst,
            f"{margins[worst].name} contradicts the others: it wants {margins[worst].shares[cell]:.4g} at"
            f" {cell_text(margins[worst].columns, cell)}, and they leave {margins[worst].of(table)[cell]:.4g}",
        )
    return np.asarray(table / table.sum())


def _check_agreement(margins: Sequence[PublishedMargin]) -> None:
    """Refuse two margins that say different things of the columns they share; raises ContradictionError."""
    for place, margin in enumerate(margins):
        for other in margins[:place]:
            shared = [column for column in margin.columns if column in other.columns]
            if not shared:
                continue
            mine, theirs = (_summed(one, shared) for one in (margin, other))
            off = np.abs(mine - theirs)
            if off.max() > ROUNDING:
                cell = np.unravel_index(int(np.argmax(off)), off.shape)
                raise ContradictionError(
                    place,
                    f"{margin.name} has {mine[cell]:.4g} at {cell_text(shared, cell)}, and {other.name} has"
                    f" {theirs[cell]:.4g}",
                    "let them be of one population",
                )


def _summed(margin: PublishedMargin, columns: Sequence[Column]) -> FloatArray:
    """Return a margin's shares over some of its columns."""
    gone = tuple(k for k, column in enumerate(margin.columns) if column not in columns)
    kept = [column for column in margin.columns if column in columns]
    return np.transpose(margin.shares.sum(axis=gone), [kept.index(column) for column in columns])


def in_turn(table: FloatArray) -> list[FloatArray]:
    """Return, for each column of a joint table, its shares given the earlier columns: (sizes of those…, size).

    Where the earlier columns cannot be, the column's own shares stand in; nobody is ever drawn there.
    """
    shares = []
    for axis in range(table.ndim):
        upto = table.sum(axis=tuple(range(axis + 1, table.ndim)))
        earlier = upto.sum(axis=-1, keepdims=True)
        own = np.broadcast_to(upto.sum(axis=tuple(range(axis))), upto.shape)
        shares.append(np.divide(upto, earlier, out=np.array(own), where=earlier > 0))
    return shares
