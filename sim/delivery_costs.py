"""How often the lines of an intervention's cost are paid: by person, by team, or for the service as a whole. Layer 4.

Teams and what a service costs as a whole hold within one copy of the municipality, so a block has to be one copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.intervention import CostLine
from sim.kernels.layout import ELIGIBLE_COUNT, OFFERED_COUNT, START_COUNT, YEAR_COUNT

_COUNT_OF = {"eligible": ELIGIBLE_COUNT, "offered": OFFERED_COUNT, "start": START_COUNT, "year": YEAR_COUNT}


def units_of(
    line: CostLine, counts: NDArray[Any], years: NDArray[np.int64], persons: NDArray[Any]
) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return how many units of a cost line are paid: (blocks, rows).

    counts: (blocks, rows, counts of deliveries), everyone's in one arm; years: (rows,) calendar years; persons: at the
    start, by block. Persons in delivery are those who start in the year or are in a later year of delivery and alive
    after it. Raises ScenarioError where a line is paid by copy and the numbers are expected ones.

    >>> team = CostLine("team", 900_000, 2024, "municipality", size=12)
    >>> counts = np.zeros((1, 4, 6), dtype=np.int64)
    >>> counts[0, :, YEAR_COUNT] = 0, 12, 13, 0
    >>> units_of(team, counts, np.arange(2025, 2029), np.array([100])).tolist()
    [[0, 1, 2, 0]]
    """
    if not line.by_copy:
        return np.asarray(counts[:, :, _COUNT_OF[line.per]])
    if not np.issubdtype(counts.dtype, np.integer):
        raise ScenarioError(
            f"a cost 'per: {line.per}' is paid by whole copies, and the numbers of persons here are expected ones",
            hint="simulate instead",
        )
    in_delivery: NDArray[np.int64] = counts[:, :, YEAR_COUNT]
    if line.size is not None:
        return -(-in_delivery // line.size)
    paid = in_delivery > 0
    if line.years is not None:
        is_open = (years >= line.years[0]) & (years <= line.years[1])
        is_open[0] = False  # the start is no year that is lived
        paid = (persons > 0)[:, None] & is_open
    if line.per == "once":
        paid = paid & (np.cumsum(paid, axis=1) == 1)
    return paid.astype(np.int64)
