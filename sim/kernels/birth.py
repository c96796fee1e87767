"""Attributes at birth: each person's draw laid along the cumulative shares of his cell."""

import numpy as np

from sim.kernels.compile import kernel


@kernel
def draw_labels(n, draws, cells, thresholds, codes):
    """Fill the label of each of the first n persons: the first whose cumulative threshold is above the draw.

    draws: (≥ n,) uint32; cells: (≥ n,) int64, the cell of the given attributes; thresholds: (cells, labels) uint64,
    the last possible label 2^32; codes: (≥ n,) uint8.
    """
    for i in range(n):
        draw = np.uint64(draws[i])
        row = thresholds[cells[i]]
        code = 0
        while draw >= row[code]:
            code += 1
        codes[i] = code
