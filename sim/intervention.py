"""Interventions as data: who is offered what, for how long, at what cost, and which transitions it changes.

Layer 3: frozen values and the course of an effect over the years. Reading files is `sim.files`' job, tables are
`sim.program`'s.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from sim.errors import ScenarioError
from sim.expression import Expression

EffectKind = Literal["hazard_ratio", "odds_ratio", "relative_risk", "trait_shift", "unknown"]

NEGLIGIBLE = 2.0**-5
"""The share of its size below which a fading effect counts as gone (five half-lives), so that its course ends."""

COVERED_LINE = (
    "baseline_coverage is a share of the eligible who have it already, capacity_per_year a number of places: one offer"
    " cannot have both",
    "let the baseline use the intervention with a capacity_per_year of its own, instead of baseline_coverage",
)
"""What is wrong with existing delivery by share where places are few, and the way out."""

NOT_OFFERED, DELIVERED, CARRIES, COVERED_OUT, REFUSED = 0, 1, 2, 3, 4
"""Standing of a person towards an intervention: not offered yet; enrolled; carries the effect without delivery
(estimand `itt` or `area`, no uptake); eligible in a population that is partly covered, but not enrolled; refused, or
gave up waiting for a place."""


@dataclass(frozen=True)
class Fade:
    """How an effect goes on after delivery and beyond what was followed up."""

    half_life_years: float | None = None
    """The log halves in so many years after delivery; None: it stays until the follow-up ends."""
    follow_up_years: float = 0.0
    """Years from the start that the evidence covers."""
    beyond: Literal["zero", "fade", "hold"] = "zero"
    """What happens from the later of end of delivery and follow-up: nothing left; fading on; held as it stood."""

    def share(self, after: int, delivered: int) -> float:
        """Return the share of the log that acts in year `after` (1, 2, …) after `delivered` years of delivery."""
        first_beyond = max(0.0, self.follow_up_years - delivered)
        year = float(after)
        if after - 1 >= first_beyond:
            if self.beyond == "zero":
                return 0.0
            if self.beyond == "hold":
                year = first_beyond
        if self.half_life_years is None:
            return 1.0
        share = 2.0 ** (-year / self.half_life_years)
        return share if share >= NEGLIGIBLE else 0.0


@dataclass(frozen=True)
class Effect:
    """One effect on transitions or on a trait, in the scale in which the engine applies it."""

    kind: EffectKind
    on: tuple[tuple[str, str, str], ...] = ()
    """Transitions as (domain, from, to)."""
    trait: str | None = None
    """The trait that is shifted, for `trait_shift`."""
    size: float = 0.0
    """Log of the ratio; standard deviations for `trait_shift`."""
    fade: Fade = dataclasses.field(default_factory=Fade)
    mechanism: str = ""
    """Effects of one mechanism do not add: the strongest counts."""
    dose: Literal["full", "partial"] = "full"
    se: float | None = None
    """Standard error of `size`, where the evidence gives an interval."""
    stated: str = ""
    """The effect as its source states it, and the conversion that was made, in words."""
    centring: bool = False
    """Whether this is what baseline coverage takes from those eligible who are not enrolled."""

    def course(self, delivered: int, year: int, years: int) -> float:
        """Return the size acting in a year: delivery year `year` (delivered = 0), or year after `delivered` years."""
        if delivered == 0:
            return self.size * (year / years if self.dose == "partial" else 1.0)
        return self.size * self.fade.share(year, delivered)


@dataclass(frozen=True)
class CostLine:
    """What delivery costs: by person, by team, or for the service as a whole in one copy of the municipality."""

    per: Literal["eligible", "offered", "start", "year", "team", "fixed", "once"]
    """`eligible`, `offered`, `start`, `year`: for each person who is so; `team`: a year for each `size` persons in
    delivery, or part of them; `fixed`: each of `years`, or without any each year with someone in delivery; `once`: the
    first such year."""
    amount: float
    """SEK at the prices of `price_year`."""
    price_year: int
    payer: Any
    """A payer, or shares of several with end years: see `sim.prices.Shares`."""
    size: int | None = None
    """Persons whom one team can serve, for `team`."""
    years: tuple[int, int] | None = None
    """First and last calendar year, for `fixed`."""

    def __post_init__(self) -> None:
        if (self.size is not None) != (self.per == "team") or (self.size is not None and self.size < 1):
            raise ScenarioError("a cost per team, and no other, has a size of 1 or more")
        if self.years is not None and (self.per != "fixed" or self.years[0] > self.years[1]):
            raise ScenarioError("a fixed cost, and no other, has years, and they must rise")

    @property
    def by_copy(self) -> bool:
        """Whether it is paid for a copy of the municipality, not for each person."""
        return self.per in ("team", "fixed", "once")


@dataclass(frozen=True)
class Intervention:
    """One intervention, ready to be bound to a model."""

    name: str
    title: str
    field: str
    ages: tuple[int, int]
    """Closed window of ages at the start of delivery."""
    when: Expression
    """Eligibility, over start-of-step values."""
    uptake: Expression
    """Share of the offered who accept."""
    years: int = 1
    """Steps that delivery lasts, even if eligibility ends."""
    offer: Literal["once", "yearly"] = "once"
    stop_when: Expression | None = None
    capacity_per_year: int | None = None
    """Persons (families, where it is offered to them) who can start in one calendar year in one copy of the
    municipality; None: as many as accept."""
    rank: Expression | None = None
    """Who comes first where places are few: the highest value; then the longest waiting, then a draw."""
    waiting_years: int | None = None
    """Years that one may wait for a place; None: as long as one is eligible."""
    estimand: Literal["itt", "tot", "area"] = "tot"
    baseline_coverage: float = 0.0
    replaces: str | None = None
    """A quantity that a person in delivery is not counted under."""
    costs: tuple[CostLine, ...] = ()
    effects: tuple[Effect, ...] = ()
    evidence: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)
    base: str = ""
    """Name of the intervention in the catalogue, where this is a variant of it with other settings."""

    def __post_init__(self) -> None:
        if not 0 <= self.ages[0] <= self.ages[1] <= 100:
            raise ScenarioError(f"intervention '{self.name}': the ages {list(self.ages)} must rise within 0 to 100")
        if not 1 <= self.years <= 100:
            raise ScenarioError(f"intervention '{self.name}': delivery lasts 1 to 100 years, not {self.years}")
        if not 0 <= self.baseline_coverage < 1:
            raise ScenarioError(f"intervention '{self.name}': baseline_coverage must be 0 or more and below 1")
        if self.capacity_per_year is not None and self.capacity_per_year < 1:
            raise ScenarioError(f"intervention '{self.name}': capacity_per_year must be 1 or more")
        if self.capacity_per_year is not None and self.baseline_coverage:
            raise ScenarioError(f"intervention '{self.name}': {COVERED_LINE[0]}", hint=COVERED_LINE[1])

    @property
    def catalogue_name(self) -> str:
        """The name in the catalogue."""
        return self.base or self.name

    @property
    def offered_carry(self) -> bool:
        """Whether all who are offered carry the effect, whoever accepts."""
        return self.estimand in ("itt", "area")

    @cached_property
    def acting(self) -> tuple[Effect, ...]:
        """The effects as they act: under baseline coverage each has a twin for those who are not enrolled.

        The twin is a mechanism of its own, since it only keeps the baseline's mean and rivals no other effect.
        """
        if not self.baseline_coverage:
            return self.effects
        twins = (
            replace(one, centring=True, mechanism=f"{self.catalogue_name}: {one.mechanism}") for one in self.effects
        )
        return (*self.effects, *twins)

    def acts(self, effect: Effect, standing: int, delivered: int, year: int) -> float:
        """Return the size of an effect on a person of this standing in a year, baseline coverage included.

        Under coverage c the observed rates already hold a share c of treated, so that who is enrolled has
        HR / (1 - c + c·HR) and who is eligible and not enrolled 1 / (1 - c + c·HR); shifts are centred likewise.
        """
        if effect.kind == "unknown" or standing in (NOT_OFFERED, REFUSED):
            return 0.0
        if effect.centring != (standing == COVERED_OUT):
            return 0.0
        size = effect.course(delivered, year, self.years)
        c = self.baseline_coverage
        if effect.kind == "trait_shift":
            centre = c * size
        else:
            centre = math.log(1 - c + c * math.exp(size)) if c else 0.0
        return -centre if effect.centring else size - centre
