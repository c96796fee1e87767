"""What a believability check says and what a run finds of it, as values.

Imports of `sim` the greatest age alone; knows no file, no outcome and no kind of check.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sim.model import MAX_AGE

HELD_OUT = "held-out"
"""The set that every check is of: none is ever fitted to."""

LIFE = (0, MAX_AGE)
"""The ages of a check that names none."""

Values = list[float]
"""A value of all copies, then of all but each: a standard error is made of the rest."""


@dataclass(frozen=True)
class Check:
    """One believability check, as its row says it."""

    id: str
    kind: str
    what: str
    """What is counted, or the prices (names or patterns), payer or intervention that the kind is about."""
    denominator: str
    basis: str
    ages: tuple[int, int]
    denominator_ages: tuple[int, int]
    against: str
    """The check whose value this one's is divided by; of a tax wedge, the payer."""
    rate: float
    price_year: int | None
    given: Mapping[str, float]
    """Figures that the kind needs: the earnings of a tax wedge, and what a payer keeps of its tax."""
    low: float
    high: float
    """Bounds within which the value is believable; infinite where there is none."""
    value: float | None
    """The published or derived value; None for a range or a bound."""
    unit: str
    population: str
    provenance: str
    source: str
    note: str

    @property
    def judged(self) -> bool:
        """Whether there is anything to judge it by; else another check is set against it."""
        return math.isfinite(self.low) or math.isfinite(self.high)


@dataclass(frozen=True)
class Finding:
    """What a run says of a check. Fields as in a target's result."""

    id: str
    registry: float
    simulated: float | None
    """None where it could not be worked out."""
    se: float | None
    low: float
    high: float
    population: str
    provenance: str
    unit: str
    kind: str
    note: str = ""
    warns: bool = False
    """Whether a miss is a warning only."""
    explained: str = ""
    """The section of docs/validation.md that explains a miss."""

    @property
    def tolerance(self) -> float:
        """How far from `registry` is near enough; 0 where there is one bound only."""
        both = math.isfinite(self.low) and math.isfinite(self.high)
        return (self.high - self.low) / 2 if both else 0.0

    @property
    def within(self) -> bool:
        """Whether the simulated value lies between the bounds."""
        return self.simulated is not None and self.low <= self.simulated <= self.high

    @property
    def missed(self) -> bool:
        """Whether it counts as missed: neither within, nor a warning, nor explained."""
        return not (self.within or self.warns or self.explained)


def finding_of(
    check: Check, registry: float | None, simulated: float | None, se: float | None, low: float, high: float,
    *, name: str = "", note: str = "", warns: bool = False,
) -> Finding:  # fmt: skip
    """Return what a run finds of a check, under the check's own name and note unless others are given.

    registry: None for the check's value, or for the middle of the bounds that it has.
    """
    if registry is None:
        ends = [end for end in (low, high) if math.isfinite(end)]
        registry = check.value if check.value is not None else sum(ends) / len(ends)
    if simulated is not None:  # plain numbers, whatever an array held
        simulated = None if math.isnan(simulated) else float(simulated)
    return Finding(
        name or check.id, float(registry), simulated, se, float(low), float(high), check.population, check.provenance,
        check.unit, check.kind, note or check.note, warns,
    )  # fmt: skip
