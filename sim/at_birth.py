"""The exact distribution of columns at birth, from the attributes' own tables: no draw is made. Layer 3."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.people import Attribute
from sim.tables import Column

MAX_CELLS = 2**22
"""The most cells that may be worked with at once."""

FloatArray = NDArray[np.float64]


def needed_for(attributes: Sequence[Attribute], wanted: Sequence[str]) -> list[Attribute]:
    """Return the attributes that decide the wanted ones: themselves and what they are given, in order."""
    needed = set(wanted)
    for attribute in reversed(attributes):
        if attribute.name in needed:
            needed.update(attribute.given)
    return [attribute for attribute in attributes if attribute.name in needed]


def joint_at_birth(attributes: Sequence[Attribute], columns: Mapping[str, Column], wanted: Sequence[str]) -> FloatArray:
    """Return the joint shares of drawn columns at birth, (sizes of the wanted…); raises ScenarioError if too many.

    One attribute after the other is multiplied in, and a column that nothing needs any more is summed out.
    """
    needed = needed_for(attributes, wanted)
    kept: list[str] = []
    table = np.ones(())
    for place, attribute in enumerate(needed):
        kept.append(attribute.name)
        sizes = [columns[name].size for name in kept]
        if math.prod(sizes) > MAX_CELLS:
            raise ScenarioError(f"{' × '.join(kept)} are {math.prod(sizes):,} cells at birth; at most {MAX_CELLS:,}")
        axes = [kept.index(name) for name in (*attribute.given, attribute.name)]
        shares = np.transpose(attribute.table(columns), np.argsort(axes))
        table = table[..., None] * shares.reshape([size if k in axes else 1 for k, size in enumerate(sizes)])
        later = {name for one in needed[place + 1 :] for name in one.given} | set(wanted)
        gone = tuple(k for k, name in enumerate(kept) if name not in later)
        table = table.sum(axis=gone)
        kept = [name for name in kept if name in later]
    return np.transpose(table, [kept.index(name) for name in wanted])
