"""A joint distribution over a few discrete columns: the distinct rows of codes that occur, each with a weight. Layer 1.

Knows arrays only: no model, no step, no intervention. Rows are always in the order of their codes, so every sum is
taken in one order and a result is the same each time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
FloatArray = NDArray[np.float64]

_MOST_KEYS = 2**62
"""Above this product of sizes, keys are numbered anew before the next column is packed in."""


@dataclass(frozen=True)
class Joint:
    """Rows of codes with their weights."""

    codes: Mapping[str, Codes]
    """(rows,) of each column"""
    sizes: Mapping[str, int]
    """How many codes each column may have."""
    weights: FloatArray
    """(rows,)"""

    def __len__(self) -> int:
        return len(self.weights)

    def having(self, name: str, codes: NDArray[np.integer] | int, size: int) -> Joint:
        """Return the same rows with a column set, added if it is new."""
        column = np.broadcast_to(np.asarray(codes, dtype=np.int32), self.weights.shape)
        return Joint({**self.codes, name: column}, {**self.sizes, name: size}, self.weights)

    def without(self, names: Collection[str]) -> Joint:
        """Return the same rows without some columns; equal rows are not put together yet."""
        return Joint(
            {name: codes for name, codes in self.codes.items() if name not in names},
            {name: size for name, size in self.sizes.items() if name not in names},
            self.weights,
        )

    def rows(self, which: NDArray[np.integer] | NDArray[np.bool_], weights: FloatArray | None = None) -> Joint:
        """Return some rows (places, repeated if asked for, or a mask), with other weights if given."""
        taken = {name: codes[which] for name, codes in self.codes.items()}
        return Joint(taken, self.sizes, self.weights[which] if weights is None else weights)

    def weighing(self, weights: FloatArray) -> Joint:
        """Return the same rows with other weights."""
        return Joint(self.codes, self.sizes, weights)

    def together(self) -> Joint:
        """Return the distribution with equal rows put together, in the order of their codes, without weights of 0."""
        kept = self.rows(self.weights > 0)
        if not kept.codes:
            return Joint({}, {}, kept.weights.sum(keepdims=True) if len(kept) else kept.weights)
        _, first, number = np.unique(
            keys_of([(codes, self.sizes[name]) for name, codes in kept.codes.items()]),
            return_index=True,
            return_inverse=True,
        )
        if len(first) == len(kept):
            return kept.rows(first)
        return kept.rows(first, kept.summed(number, len(first)))

    def summed(self, cells: NDArray[np.integer], size: int) -> FloatArray:
        """Return the sum of weights in each cell: (size,)."""
        return np.asarray(np.bincount(cells, weights=self.weights, minlength=size), dtype=np.float64)


def keys_of(columns: Sequence[tuple[Codes, int]]) -> NDArray[np.int64]:
    """Return a number for each row of some columns (codes, size): equal for equal rows, in the order of their codes."""
    keys = np.zeros(len(columns[0][0]), dtype=np.int64)
    used = 1
    for codes, size in columns:
        if used * size > _MOST_KEYS:
            known, keys = np.unique(keys, return_inverse=True)
            used = len(known)
        keys = keys * size + codes
        used *= size
    return keys


def stacked(parts: Sequence[Joint]) -> Joint:
    """Return several distributions over the same columns as one; equal rows are not put together yet."""
    first = parts[0]
    codes = {name: np.concatenate([part.codes[name] for part in parts]) for name in first.codes}
    return Joint(codes, first.sizes, np.concatenate([part.weights for part in parts]))


@dataclass(frozen=True)
class Lookup:
    """A table over columns, to be read at the rows of a distribution."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    """(…, sizes of the columns…); axes before those of the columns are kept"""
    ages: tuple[int, int]
    """Closed window that the axis `age` covers, where the table has it."""

    def at(self, rows: Mapping[str, Codes], age: int, count: int) -> FloatArray:
        """Return the values at `count` rows of one age: (…, rows)."""
        place = tuple(age - self.ages[0] if name == "age" else rows[name] for name in self.names)
        found = self.values[(..., *place)]
        if set(self.names) <= {"age"}:  # one value for all rows
            found = found[..., None]
        return np.asarray(np.broadcast_to(found, (*found.shape[:-1], count)), dtype=np.float64)
