"""Tables laid end to end in plain arrays, each with a row that tells the kernels where it is and what it reads.

Layer 4: knows rows of a chunk and the names in `sim.kernels.layout`; no model's rules, no parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.chances import sizes_of
from sim.column_layout import Layout
from sim.effects import Levels, merged
from sim.tables import Column

KINDS = {
    "thresholds": np.uint32, "weights": np.uint32, "factor_values": np.float32, "switches": np.uint8,
    "chances": np.uint64, "screen": np.uint32, "tops": np.uint32, "course": np.float64, "course_log": np.float64,
    "level_of": np.uint16, "merged": np.uint16, "active": np.uint64,
}  # fmt: skip
"""Type of every pool, by the name that the kernels know it by."""


class Pool:
    """Arrays of one kind, laid end to end."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.parts: list[NDArray[Any]] = []
        self.size = 0

    def add(self, values: NDArray[Any]) -> int:
        """Append values; return the place of the first."""
        place = self.size
        self.parts.append(np.ascontiguousarray(values, dtype=self.kind).ravel())
        self.size += values.size
        return place

    def array(self) -> NDArray[Any]:
        """Return all values as one array (size + 1,), with a 0 at the end so that it is never empty."""
        return np.concatenate([*self.parts, np.zeros(1, dtype=self.kind)])


class TableArrays:
    """The tables of one arm while its program is built."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.pools = {name: Pool(kind) for name, kind in KINDS.items()}
        self.tables: list[list[int]] = []
        self.reads: list[tuple[int, int]] = []
        self.levels: list[tuple[int, int, int]] = []

    def begin_with(self, other: TableArrays) -> None:
        """Take over every table of another arm; it has no levels."""
        for name, pool in other.pools.items():
            self.pools[name].parts, self.pools[name].size = list(pool.parts), pool.size
        self.tables, self.reads = list(other.tables), list(other.reads)

    def add_reads(self, columns: Sequence[Column], sizes: Sequence[int], entries: int) -> tuple[int, int, int]:
        """Append the reads of a table; return first, last + 1 and the stride of the first column."""
        first = len(self.reads)
        stride = entries
        strides = []
        for size in reversed(sizes):
            strides.append(stride)
            stride *= size
        for column, one in zip(columns, reversed(strides), strict=True):
            self.reads.append((self.layout.row(column.name), one))
        return first, len(self.reads), strides[-1] if strides else 0

    def add(
        self, pool: str, columns: Sequence[Column], ages: tuple[int, int], values: NDArray[Any], entries: int = 1
    ) -> int:
        """Append a table of shape (levels, cells of columns…, entries); return its number."""
        sizes = sizes_of(columns, ages)
        first, last, age_stride = self.add_reads(columns, sizes, entries)
        before = ages[0] * age_stride if columns and columns[0].name == "age" else 0
        place = self.pools[pool].add(values)
        size = math.prod(sizes) * entries
        self.tables.append([place - before, first, last, -before, 0, len(self.levels), len(self.levels), size, 0])
        return len(self.tables) - 1

    def add_levels(
        self, pool: str, columns: Sequence[Column], ages: tuple[int, int], grids: NDArray[Any], entries: int,
        parts: Sequence[tuple[int, Levels]],
    ) -> int:  # fmt: skip
        """Append a table of shape (levels, cells of columns…, entries) that offers replace; return its number.

        parts: (offer, levels) of each offer with effects on it.
        """
        first = len(self.levels)
        radix = 1
        for number, part in parts:
            self.levels.append((number, radix, self.pools["level_of"].add(part.level_of)))
            radix *= len(part.signatures)
        table = self.add(pool, columns, ages, grids, entries)
        self.tables[table][at.LEVELS], self.tables[table][at.LEVELS_END] = first, len(self.levels)
        if parts:
            self.tables[table][at.MERGED] = self.pools["merged"].add(merged([part for _, part in parts]).level_of)
        return table

    def add_weights(self, table: int, weights: NDArray[np.uint32]) -> None:
        """Append the weights of a table of thresholds some of whose cells are certain: of the table's shape."""
        before = self.tables[table][at.WEIGHTS]
        self.tables[table][at.WEIGHTS] = self.pools["weights"].add(weights) + before
        self.tables[table][at.HAS_WEIGHTS] = 1
