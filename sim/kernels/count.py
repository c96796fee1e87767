"""Counting: the cell of every person in a margin, added into the integer ledger."""

import numpy as np

from sim.kernels.compile import inner, kernel
from sim.kernels.layout import (
    COLUMN,
    COUNTER_CAP,
    COUNTER_COLUMN,
    COUNTER_TABLE,
    MARGIN_CELLS,
    MARGIN_DEATHS,
    MARGIN_READS,
    MARGIN_READS_END,
    MARGIN_START,
    READS,
    READS_END,
    START,
    STRIDE,
)
from sim.kernels.race import cell_of

REPLICAS = 4  # neighbouring persons of one cell add to different counters, so that no addition waits for the last
MOST_REPLICATED = 4096


@kernel
def fill_cells(n, cols, reads, first, last, cells):
    """Fill the cell of each of the first n persons over the given reads: cells (≥ n,) uint16 or uint32."""
    if first == last:
        for i in range(n):
            cells[i] = 0
        return
    column = cols[reads[first, COLUMN]]
    stride = np.uint32(reads[first, STRIDE])
    for i in range(n):
        cells[i] = np.uint32(column[i]) * stride
    for r in range(first + 1, last):
        column = cols[reads[r, COLUMN]]
        stride = np.uint32(reads[r, STRIDE])
        for i in range(n):
            cells[i] += np.uint32(column[i]) * stride


@kernel
def count_margins(n, cols, margins, reads, ledger, row, block, cells, replicas):
    """Add the living into every margin: ledger (blocks, steps + 1, cells of all margins) int32, block (≥ n,)."""
    for g in range(margins.shape[0]):
        if margins[g, MARGIN_DEATHS]:
            continue
        first = margins[g, MARGIN_START]
        fill_cells(n, cols, reads, margins[g, MARGIN_READS], margins[g, MARGIN_READS_END], cells)
        size = margins[g, MARGIN_CELLS]
        blocks = ledger.shape[0]
        if blocks * size > MOST_REPLICATED or n < REPLICAS * blocks * size:
            for i in range(n):
                ledger[block[i], row, first + np.int64(cells[i])] += 1
            continue
        whole = blocks * size
        if blocks > 1:
            for i in range(n):
                cells[i] += np.uint32(block[i] * size)
        even = n - n % REPLICAS
        for i in range(0, even, REPLICAS):
            replicas[cells[i]] += 1
            replicas[whole + cells[i + 1]] += 1
            replicas[2 * whole + cells[i + 2]] += 1
            replicas[3 * whole + cells[i + 3]] += 1
        for i in range(even, n):
            replicas[cells[i]] += 1
        for b in range(blocks):
            for c in range(size):
                k = b * size + c
                ledger[b, row, first + c] += (
                    replicas[k] + replicas[whole + k] + replicas[2 * whole + k] + replicas[3 * whole + k]
                )
        for c in range(REPLICAS * whole):
            replicas[c] = 0


@inner
def count_death(i, cols, margins, reads, ledger, row, block):
    """Add one death into every margin of deaths, at the person's values before it."""
    for g in range(margins.shape[0]):
        if margins[g, MARGIN_DEATHS]:
            cell = cell_of(cols, i, reads, margins[g, MARGIN_READS], margins[g, MARGIN_READS_END])
            ledger[block[i], row, margins[g, MARGIN_START] + cell] += 1


@inner
def tick_counters(n, cols, counters, tables, reads, switches, cells):
    """Update every counter from end-of-step values, capped, in the order in which they are declared."""
    for c in range(counters.shape[0]):
        table = counters[c, COUNTER_TABLE]
        column = cols[counters[c, COUNTER_COLUMN]]
        cap = counters[c, COUNTER_CAP]
        first = tables[table, START]
        fill_cells(n, cols, reads, tables[table, READS], tables[table, READS_END], cells)
        for i in range(n):
            if switches[first + np.int64(cells[i])] and column[i] < cap:
                column[i] += 1
