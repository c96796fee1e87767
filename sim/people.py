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
from sim.labelled import adding_to_one, read_labelled, share
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

    def table(self, columns: Mapping[str, Column]) -> NDArray[np.float64]:
        """Return the shares: (sizes of given columns…, labels), each row adding to 1; raises ScenarioError."""
        what = f"the shares of '{self.name}'"
        given = [columns[name] for name in self.given]
        shares = read_labelled(self.shares, [*given, columns[self.name]], what, share(self.name))
        return adding_to_one(shares, given, what)


@dataclass(frozen=True)
class Population:
    """The distribution of attributes among the newborn, in the order in which they are drawn."""

    name: str
    attributes: tuple[Attribute, ...]
    births_per_year: int | None = None

    def thresholds(self, attribute: Attribute, columns: Mapping[str, Column]) -> NDArray[np.uint64]:
        """Return cumulative 32-bit thresholds: shape (sizes of given columns…, labels); raises ScenarioError."""
        shares = attribute.table(columns)
        size = shares.shape[-1]
        thresholds = np.ceil(np.cumsum(shares, axis=-1) * 2.0**32).astype(np.uint64)
        last = size - 1 - np.argmax(shares[..., ::-1] > 0, axis=-1)
        filled = np.arange(size) >= last[..., None]
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
