"""Tables laid end to end in plain arrays, each with a row that tells the kernels where it is and what it reads.

Layer 4: knows rows of a chunk and the names in `sim.kernels.layout`; no model's rules, no parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.chances import sizes_of
from sim.column_layout import Layout
from sim.effects import Levels
from sim.tables import Column

KINDS = {
    "thresholds": np.uint32, "weights": np.uint32, "factor_values": np.float32, "switches": np.uint8,
    "chances": np.uint64, "screen": np.uint32, "tops": np.uint32, "course": np.float64, "course_log": np.float64,
    "level_of": np.uint16, "merged": np.uint16, "active": np.uint64, "ranks": np.float64,
}  # fmt: skip
"""Type of every pool, by the name that the kernels know it by."""


FIRST_ROOM, GROWTH = 2**16, 8
"""Values that a pool has room for at first, and how many times as many when they are too few: room that is not used
takes no memory, and every move costs a copy."""


class Pool:
    """Arrays of one kind, laid end to end, each once; programs that share a pool read its beginning."""

    def __init__(self, kind: Any) -> None:
        self.room = np.zeros(FIRST_ROOM, dtype=kind)
        self.size = 0
        self.places: dict[tuple[int, ...], tuple[int, Sequence[NDArray[Any]]]] = {}
        """Where arrays lie, by their identities, and the arrays themselves, so that no identity is used again."""

    def add(self, arrays: Sequence[NDArray[Any]]) -> int:
        """Append arrays, one after the other; return the place of the first. They must not change afterwards."""
        key = tuple(id(one) for one in arrays)
        if key in self.places:
            return self.places[key][0]
        place = self.size
        needed = place + sum(one.size for one in arrays) + 1
        if needed > len(self.room):  # programs made before keep the old room
            room = np.zeros(max(needed, GROWTH * len(self.room)), dtype=self.room.dtype)
            room[:place] = self.room[:place]
            self.room = room
        for one in arrays:
            self.room[self.size : self.size + one.size].reshape(one.shape)[...] = one
            self.size += one.size
        self.places[key] = place, arrays
        return place

    def array(self) -> NDArray[Any]:
        """Return all values so far as one array (size + 1,), so that it is never empty."""
        return self.room[: self.size + 1]


def new_pools() -> dict[str, Pool]:
    """Return an empty pool of every kind."""
    return {name: Pool(kind) for name, kind in KINDS.items()}


class TableArrays:
    """The tables of one arm while its program is built, in pools that arms may share."""

    def __init__(self, layout: Layout, pools: Mapping[str, Pool]) -> None:
        self.layout = layout
        self.pools = pools
        self.tables: list[list[int]] = []
        self.reads: list[tuple[int, int]] = []
        self.levels: list[tuple[int, int, int]] = []
        self.laid: dict[str, list[NDArray[Any]]] = {name: [] for name in pools}
        """What each pool holds for this arm, in the order in which its domains need it."""
        self.of_table: list[list[tuple[str, Sequence[NDArray[Any]]]]] = []
        """Pools and arrays of each table."""

    def begin_with(self, other: TableArrays) -> None:
        """Take over every table of another arm; it has no levels."""
        self.laid = {name: list(arrays) for name, arrays in other.laid.items()}
        self.tables, self.reads, self.of_table = list(other.tables), list(other.reads), list(other.of_table)

    def lay(self, pool: str, arrays: Sequence[NDArray[Any]]) -> int:
        """Append arrays to a pool, unless they lie there already; return the place of the first."""
        self.laid[pool] += arrays
        return self.pools[pool].add(arrays)

    def again(self, table: int) -> None:
        """Note that a table is needed once more."""
        for pool, arrays in self.of_table[table]:
            self.laid[pool] += arrays

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
        self, pool: str, columns: Sequence[Column], ages: tuple[int, int], levels: Sequence[NDArray[Any]],
        entries: int = 1,
    ) -> int:  # fmt: skip
        """Append a table; return its number.

        levels: its values at each level, of shape (cells of columns…, entries) and of the type of the pool.
        """
        sizes = sizes_of(columns, ages)
        first, last, age_stride = self.add_reads(columns, sizes, entries)
        before = ages[0] * age_stride if columns and columns[0].name == "age" else 0
        place = self.lay(pool, levels)
        size = math.prod(sizes) * entries
        self.tables.append([place - before, first, last, -before, 0, len(self.levels), len(self.levels), size, 0])
        self.of_table.append([(pool, levels)])
        return len(self.tables) - 1

    def add_levels(
        self, columns: Sequence[Column], ages: tuple[int, int], levels: Sequence[NDArray[np.uint32]], entries: int,
        parts: Sequence[tuple[int, Levels]], level_of: NDArray[np.uint16],
    ) -> int:  # fmt: skip
        """Append a table of thresholds that offers replace; return its number.

        parts: (offer, levels) of each offer with effects on it; level_of: level of each combination of theirs.
        """
        first = len(self.levels)
        radix = 1
        for number, part in parts:
            self.levels.append((number, radix, self.lay("level_of", [part.level_of])))
            radix *= len(part.signatures)
        table = self.add("thresholds", columns, ages, levels, entries)
        self.tables[table][at.LEVELS], self.tables[table][at.LEVELS_END] = first, len(self.levels)
        self.tables[table][at.MERGED] = self.lay("merged", [level_of])
        return table

    def add_weights(self, table: int, weights: Sequence[NDArray[np.uint32]]) -> None:
        """Append the weights of a table of thresholds some of whose cells are certain: of the table's shape."""
        self.tables[table][at.WEIGHTS] += self.lay("weights", weights)
        self.tables[table][at.HAS_WEIGHTS] = 1
        self.of_table[table].append(("weights", weights))
