"""Prices: what one unit of a quantity costs, whom, in which year's kronor, and what of it can be cashed in.

Layer 4: applied to counts after the simulation; the engine never sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sim.domain import Quantity
from sim.errors import ScenarioError, nearest

APART = ("household", "victims")
"""Payers that are shown but never summed with public money."""

PUBLIC = "public"
"""The node above all public payers."""

OTHER = "municipality.other"
"""The municipalities that those who moved live in."""

OWN = "own municipality"
"""The municipality without what falls on others after a move: no node of the tree, as its payers are in it already."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Who pays, in shares; after `until` the first-named payer pays all."""

    parts: tuple[tuple[str, float], ...]
    until: int | None = None

    @classmethod
    def of(cls, given: str | Mapping[str, Any]) -> Shares:
        """Read `municipality.social` or `{municipality.social: 0.7, state: 0.3, until: 2029}`; raises ScenarioError."""
        if isinstance(given, str):
            return cls(((given, 1.0),))
        until = given.get("until")
        parts = tuple((str(payer), share) for payer, share in given.items() if payer != "until")
        if until is not None and (isinstance(until, bool) or not isinstance(until, int)):
            raise ScenarioError(f"`until` of a payer must be a year, not {until!r}")
        for payer, share in parts:
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
                raise ScenarioError(f"the share of payer '{payer}' must be 0 to 1, not {share!r}")
        if not parts or abs(sum(share for _, share in parts) - 1) > 1e-9:
            raise ScenarioError(f"the shares of the payers add to {sum(s for _, s in parts):g}, not 1")
        return cls(parts, until)

    @property
    def payers(self) -> tuple[str, ...]:
        """Names of the payers."""
        return tuple(payer for payer, _ in self.parts)

    def by_year(self, years: Sequence[int]) -> dict[str, FloatArray]:
        """Return each payer's share in each calendar year."""
        shares = {payer: np.full(len(years), float(share)) for payer, share in self.parts}
        if self.until is not None:
            later = np.asarray(years) > self.until
            for place, payer in enumerate(shares):
                shares[payer][later] = 1.0 if place == 0 else 0.0
        return shares


@dataclass(frozen=True)
class Price:
    """The price of one unit of a quantity."""

    name: str
    quantity: Quantity
    amount: float
    """SEK a unit at the prices of `price_year`; a share where the quantity is an amount of money."""
    price_year: int
    payer: Shares
    kind: Literal["cost", "revenue"] = "cost"
    cashable: tuple[float, ...] = (1.0,)
    """Share of a changed cost that leaves or enters a budget, by years since the volume changed; the last holds."""
    note: Mapping[str, Any] = field(default_factory=dict)
    """Title, unit, source and provenance, as the file gives them."""
    stays: bool = False
    """Whether the same payers pay wherever the person lives, as for a placement."""

    def __post_init__(self) -> None:
        if not self.cashable or any(not 0 <= share <= 1 for share in self.cashable):
            raise ScenarioError(f"price '{self.name}': the cashable shares must be 0 to 1, not {list(self.cashable)}")

    @property
    def sign(self) -> float:
        """1 for a cost, -1 for a revenue."""
        return -1.0 if self.kind == "revenue" else 1.0


Counted = Literal["end", "start", "half_cycle"]
"""When in a step a state is counted: at its end, at its start, or the mean of both (half-cycle correction)."""
COUNTED: tuple[str, ...] = ("end", "start", "half_cycle")


@dataclass(frozen=True)
class Economics:
    """The one decision that all money is seen from; raises ScenarioError for settings that exclude each other."""

    price_year: int
    discount_rate: float = 0.03
    first_exponent: int = 0
    """Step t is discounted by (1 + rate)^-(t + first_exponent)."""
    count_start: bool = False
    """Whether the row before the first step (t = -1) is priced: the starting cycle of a cohort model."""
    counted: Counted = "end"
    """When the states of a step are counted, for quantities `on_date`; events and deliveries are of the step itself."""

    def __post_init__(self) -> None:
        if self.counted not in COUNTED:
            raise ScenarioError(
                f"economics: 'counted' must be {', '.join(COUNTED[:-1])} or {COUNTED[-1]}, not {self.counted!r}",
                hint=nearest(str(self.counted), COUNTED),
            )
        if self.count_start and self.counted != "end":
            raise ScenarioError(
                f"economics: 'counted: {self.counted}' counts the start in the first step already",
                hint="leave out count_start",
            )

    def factors(self, steps: int) -> FloatArray:
        """Return the discount factor of each row of the ledger: (steps + 1,)."""
        exponents = np.arange(-1, steps) + self.first_exponent
        factors = (1.0 + self.discount_rate) ** -exponents.astype(np.float64)
        if not self.count_start:
            factors[0] = 0.0
        return np.asarray(factors, dtype=np.float64)


def counted_when(counts: FloatArray, counted: Counted) -> FloatArray:
    """Return the counts of states that each step is priced by: (…, rows, cells), from those after each step.

    The row of a step has the count at its end (`end`), that of the row before (`start`), or the mean of both
    (`half_cycle`). Row 0, before the first step, has no start: it is 0 unless states are counted at the end.

    >>> counted_when(np.array([[1.0], [0.6], [0.2]]), "half_cycle").ravel().tolist()
    [0.0, 0.8, 0.4]
    """
    if counted == "end":
        return counts
    result = np.zeros_like(counts)
    result[..., 1:, :] = counts[..., :-1, :]
    if counted == "half_cycle":
        result[..., 1:, :] = (result[..., 1:, :] + counts[..., 1:, :]) / 2
    return result


@dataclass(frozen=True)
class Residence:
    """Who pays for those who have moved, by the label of a column at the end of the step."""

    column: str
    own: str
    """Label of those who live where they were born: who pays is as the prices say."""
    elsewhere: Mapping[str, Mapping[str, str] | None]
    """Label -> branch of payers -> who pays instead; None: nobody in Sweden pays or receives anything."""

    def payer(self, payer: str, label: str) -> str | None:
        """Return who pays instead of a payer for those with this label; None where nobody does.

        >>> moved = Residence("lives", "here", {"there": {"municipality": "municipality.other"}, "abroad": None})
        >>> moved.payer("municipality.school", "there"), moved.payer("state", "there"), moved.payer("state", "abroad")
        ('municipality.other', 'state', None)
        """
        if label == self.own:
            return payer
        branches = self.elsewhere[label]
        if branches is None:
            return None
        over = [branch for branch in branches if belongs(payer, branch)]
        return branches[max(over, key=len)] if over else payer

    def payers(self, payer: str) -> set[str]:
        """Return everyone who may pay instead of a payer, itself included."""
        moved = (self.payer(payer, label) for label in (self.own, *self.elsewhere))
        return {one for one in moved if one is not None}


@dataclass(frozen=True)
class PriceList:
    """All prices of a scenario and the index that brings them to one year's kronor."""

    prices: tuple[Price, ...] = ()
    index: Mapping[int, float] = field(default_factory=dict)
    """Price index by year; empty: prices are taken as they stand."""
    residence: Residence | None = None
    """Who pays for those who have moved; None: the same as for everyone."""

    def moves(self, price: Price) -> Residence | None:
        """Return who pays a price for those who have moved; None where nothing changes."""
        return None if price.stays else self.residence

    def payers(self, price: Price) -> set[str]:
        """Return everyone who may pay a price."""
        residence = self.moves(price)
        if residence is None:
            return set(price.payer.payers)
        return {one for payer in price.payer.payers for one in residence.payers(payer)}

    def uprating(self, from_year: int, to_year: int) -> float:
        """Return what one krona of a year is in another year's kronor; raises ScenarioError for a year not known."""
        if from_year == to_year or not self.index:
            return 1.0
        for year in (from_year, to_year):
            if year not in self.index:
                raise ScenarioError(
                    f"the price index has no year {year}", hint=nearest(str(year), [str(y) for y in self.index])
                )
        return self.index[to_year] / self.index[from_year]


def payer_nodes(leaves: Iterable[str]) -> list[str]:
    """Return every node of the payer tree, from `public` down: leaves, their branches, and those kept apart.

    >>> payer_nodes(["municipality.school", "state"])
    ['public', 'municipality', 'municipality.school', 'state']
    """
    names: dict[str, None] = {}
    ordered = sorted(leaves, key=lambda leaf: (leaf.split(".")[0] in APART, _root_place(leaf)))
    if any(leaf.split(".")[0] not in APART for leaf in ordered):
        names[PUBLIC] = None
    for leaf in ordered:
        parts = leaf.split(".")
        for depth in range(1, len(parts) + 1):
            names[".".join(parts[:depth])] = None
    return list(names)


def _root_place(leaf: str) -> tuple[int, str]:
    root = leaf.split(".")[0]
    order = ("municipality", "region", "state")
    return (order.index(root) if root in order else len(order), leaf)


@cache
def belongs(leaf: str, node: str) -> bool:
    """Return whether a payer lies at or under a node of the tree."""
    if node == OWN:
        return belongs(leaf, "municipality") and not belongs(leaf, OTHER)
    if node == PUBLIC:
        return leaf.split(".")[0] not in APART
    return leaf == node or leaf.startswith(node + ".")


def cashed_in(volume: FloatArray, curve: Sequence[float]) -> FloatArray:
    """Return what of a changed volume can be cashed in: each yearly change matures along the curve.

    volume: (…, rows) change of cost by row; curve: share by years since the volume changed, the last held.
    """
    if all(share == 1.0 for share in curve):
        return volume
    change = volume.copy()
    change[..., 1:] -= volume[..., :-1]
    result = curve[-1] * volume
    for years, share in enumerate(curve[:-1]):
        matured = np.zeros_like(change)
        matured[..., years:] = change[..., : change.shape[-1] - years] if years else change
        result = result + (share - curve[-1]) * matured
    return result
