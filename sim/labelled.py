"""Tables by label, nested as a file writes them, to arrays and back. Layer 1: knows columns, no person and no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError, nearest
from sim.tables import Column, cell_text

FloatArray = NDArray[np.float64]


def read_labelled(
    node: Any, levels: Sequence[Column], what: str, number: Callable[[str, Any], float], *, complete: bool = True
) -> FloatArray:
    """Return the array (sizes of levels…) of a table nested by label; what is not named in the last level is 0.

    what: the table in words ("the shares of 'sex'"); number: the checked number of a label and what stands there;
    complete: whether every label of the upper levels needs a row. Raises ScenarioError.
    """
    array = np.zeros([level.size for level in levels])

    def fill(inner: Any, depth: int, cell: tuple[int, ...]) -> None:
        if not isinstance(inner, Mapping):
            raise ScenarioError(f"{what} must be given by label, not as {inner!r}")
        level = levels[depth]
        allowed = [level.text(code) for code in range(level.size)]
        for key, value in inner.items():
            if str(key) not in allowed:
                raise ScenarioError(
                    f"{what} name {key!r}, which '{level.name}' has not", hint=nearest(str(key), allowed)
                )
            place = (*cell, allowed.index(str(key)))
            if depth + 1 < len(levels):
                fill(value, depth + 1, place)
            else:
                array[place] = number(str(key), value)
        missing = [one for one in allowed if one not in {str(key) for key in inner}]
        if complete and missing and depth + 1 < len(levels):
            raise ScenarioError(f"{what} have no row for {level.name} {missing[0]!r}")

    fill(node, 0, ())
    return array


def share(name: str) -> Callable[[str, Any], float]:
    """Return the check of a share in the table of this name."""

    def number(key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ScenarioError(f"the share of {key!r} in '{name}' must be 0 to 1, not {value!r}")
        return float(value)

    return number


def adding_to_one(shares: FloatArray, given: Sequence[Column], what: str) -> FloatArray:
    """Return shares scaled to add to exactly 1 in each row of the given columns; raises ScenarioError beyond 1e-6."""
    totals = shares.sum(axis=tuple(range(len(given), shares.ndim)), keepdims=True)
    wrong = np.abs(totals - 1) > 1e-6
    if wrong.any():
        cell = np.unravel_index(int(np.argmax(wrong)), totals.shape)
        row = f" at {cell_text(given, cell[: len(given)])}" if given else ""
        raise ScenarioError(f"{what} add to {totals[cell]:.6g}, not 1{row}")
    return np.asarray(shares / totals)


def as_nested(array: FloatArray, levels: Sequence[Column]) -> dict[str, Any]:
    """Return an array as a table nested by label: the reverse of `read_labelled`."""
    if len(levels) == 1:
        return {levels[0].text(code): float(value) for code, value in enumerate(array)}
    return {levels[0].text(code): as_nested(row, levels[1:]) for code, row in enumerate(array)}
