"""Who is born: traits, and a population that says how they are distributed at birth.

Layer 3: draws attributes by address (`sim.draws`); knows no domain's rules and no file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sim.draws import BIRTH_STEP, stream
from sim.errors import ScenarioError, nearest
from sim.tables import Column

ByteArray = NDArray[np.uint8]


@dataclass(frozen=True)
class Trait:
    """An attribute fixed at birth: labels, or quantile bins of a latent risk with a number a bin."""

    name: str
    labels: tuple[str, ...] = ()
    bins: tuple[float, ...] = ()
    """Numbers that the bins stand for, from low to high; their labels are "1", "2", …"""
    keyed: Literal["person", "family"] = "person"
    """Whose address its draw at birth has."""

    @property
    def column(self) -> Column:
        """The column of the trait."""
        if self.bins:
            return Column(self.name, tuple(str(k + 1) for k in range(len(self.bins))), self.bins)
        return Column(self.name, self.labels)


@dataclass(frozen=True)
class Attribute:
    """The distribution of one column at birth, possibly given earlier attributes."""

    name: str
    shares: Any
    """label -> share, or nested: label of the first `given` -> … -> label -> share."""
    given: tuple[str, ...] = ()
    note: Mapping[str, Any] = field(default_factory=dict)
    """Source and provenance, as the file gives them."""


@dataclass(frozen=True)
class Population:
    """The distribution of attributes among the newborn, in the order in which they are drawn."""

    name: str
    attributes: tuple[Attribute, ...]
    births_per_year: int | None = None

    def thresholds(self, attribute: Attribute, columns: Mapping[str, Column]) -> NDArray[np.uint64]:
        """Return cumulative 32-bit thresholds: shape (sizes of given columns…, labels); raises ScenarioError."""
        column = columns[attribute.name]
        sizes = [columns[name].size for name in attribute.given]
        shares = np.zeros([*sizes, column.size])

        def fill(node: Any, given: tuple[str, ...], cell: tuple[int, ...]) -> None:
            where = f"the shares of '{attribute.name}'"
            if not isinstance(node, Mapping):
                raise ScenarioError(f"{where} must be given by label, not as {node!r}")
            level = columns[given[0]] if given else column
            allowed = [level.text(code) for code in range(level.size)]
            for key, inner in node.items():
                if str(key) not in allowed:
                    raise ScenarioError(
                        f"{where} name {key!r}, which '{level.name}' has not", hint=nearest(str(key), allowed)
                    )
                place = (*cell, allowed.index(str(key)))
                if given:
                    fill(inner, given[1:], place)
                elif isinstance(inner, bool) or not isinstance(inner, (int, float)) or not 0 <= inner <= 1:
                    raise ScenarioError(f"the share of {key!r} in '{attribute.name}' must be 0 to 1, not {inner!r}")
                else:
                    shares[place] = inner
            row = ", ".join(
                f"{name} {columns[name].text(code)}" for name, code in zip(attribute.given, cell, strict=False)
            )
            if not given:
                if abs(shares[cell].sum() - 1) > 1e-6:
                    raise ScenarioError(
                        f"{where} add to {shares[cell].sum():.6g}, not 1" + (f" at {row}" if row else "")
                    )
                shares[cell] /= shares[cell].sum()
            elif missing := [one for one in allowed if one not in {str(key) for key in node}]:
                raise ScenarioError(f"{where} have no row for {level.name} {missing[0]!r}")

        fill(attribute.shares, attribute.given, ())
        cumulative = np.cumsum(shares, axis=-1)
        thresholds = np.ceil(cumulative * 2.0**32).astype(np.uint64)
        last = column.size - 1 - np.argmax(shares[..., ::-1] > 0, axis=-1)
        filled = np.arange(column.size) >= last[..., None]
        thresholds[filled] = 2**32  # the last possible label takes what rounding left over
        return thresholds

    def draw(
        self,
        ids: NDArray[np.uint64],
        key: int | np.uint64,
        columns: Mapping[str, Column],
        thresholds: Mapping[str, NDArray[np.uint64]],
        families: NDArray[np.uint64] | None = None,
        shared: Collection[str] = (),
    ) -> dict[str, ByteArray]:
        """Draw every attribute of the persons: one code array (n,) uint8 an attribute.

        families: (n,) uint64, by which the attributes named in `shared` are drawn.
        """
        from sim.kernels.birth import draw_labels
        from sim.kernels.philox import fill_draws

        codes: dict[str, ByteArray] = {}
        n = len(ids)
        block = np.empty((4, n), dtype=np.uint32)
        for attribute in self.attributes:
            whose = families if families is not None and attribute.name in shared else ids
            fill_draws(whose, n, BIRTH_STEP, stream(attribute.name), np.uint64(key), block)
            table = thresholds[attribute.name]
            cells = np.zeros(n, dtype=np.int64)
            for name, size in zip(attribute.given, table.shape, strict=False):
                cells = cells * size + codes[name]
            codes[attribute.name] = np.empty(n, dtype=np.uint8)
            draw_labels(n, block[0], cells, table.reshape(-1, table.shape[-1]), codes[attribute.name])
        return codes
