"""The form of what `framsyn compare --json` and `price --json` print, which other programs rely on. Layer 9."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cost(_Part):
    """What an arm costs one payer over the horizon, SEK per member of the cohort."""

    undiscounted: float
    discounted: float


class Queue(_Part):
    """The line for an offer with so many places a year: persons in one copy, mean of the years with a line."""

    capacity_per_year: int
    years: int = Field(description="calendar years in which someone stood in line")
    eligible: float = Field(description="in line: eligible and not offered before, those waiting included")
    offered: float
    refused: float
    started: float
    waiting: float = Field(description="still in line after the year's places have been given out")
    gave_up: float = Field(description="left the line after the longest wait")
    years_waited: float | None = Field(description="mean of those who started; null where nobody did")


class ArmCosts(_Part):
    """The costs of one arm by payer, leaves and inner nodes of the tree; and its lines."""

    cost_per_person: dict[str, Cost]
    queues: dict[str, Queue] | None = Field(
        default=None, description="by intervention with so many places a year; absent without any"
    )


class PayerChange(_Part):
    """What an arm changes for one payer against the baseline, discounted SEK per member of the cohort."""

    incremental_per_person: float = Field(description="arm - baseline, only what can be cashed in")
    gross_per_person: float = Field(description="arm - baseline, whether or not it can be cashed in")
    spent_per_person: float = Field(description="cost of the interventions")
    se: float | None = Field(description="standard error of incremental_per_person from copies")
    break_even_year: int | None = Field(description="calendar year; null if never")
    no_outlay: bool = Field(description="the payer pays nothing for the interventions")


class Change(_Part):
    """The change of a quantity over life per 100 participants, what they change for classmates included."""

    change: float
    se: float | None
    unit: str


class NeededEffect(_Part):
    """The common ratio on these transitions at which the public money comes back; null if none from 1/20 to 20 does."""

    ratio: float | None
    on: list[str]
    runs: int


class NetAtCausalShare(_Part):
    """The net value of an arm at one causal share of links known only as associations."""

    causal_share: float
    net_per_person: float = Field(description="what comes back less what is spent, as incremental_per_person negated")
    se: float | None = Field(description="standard error from copies")


class ArmComparison(_Part):
    """One arm against the baseline."""

    participants: int
    participants_per_cohort: float
    through_classmates_per_cohort: float | None = Field(
        default=None, description="persons whose lives change only because those of classmates do; in classes"
    )
    delivered_per_cohort: dict[str, dict[str, float]]
    measures_per_100: dict[str, Change]
    by_payer: dict[str, PayerChange]
    own_municipality: PayerChange | None = Field(
        default=None,
        description="municipality without municipality.other, where people who move are paid for by others",
    )
    needed_effect: NeededEffect | None = None
    net_by_causal_share: dict[str, list[NetAtCausalShare]] | None = Field(
        default=None, description="by payer (public, municipality), by rising share; with `--causal-share all`"
    )


class BudgetYears(_Part):
    """What an arm changes for one payer in each calendar year: SEK in one municipality, the mean over its copies."""

    spent: list[float] = Field(description="cost of the interventions")
    gross: list[float] = Field(description="arm - baseline, whether or not it can be cashed in")
    net: list[float] = Field(description="arm - baseline, only what can be cashed in")
    net_discounted: list[float] = Field(description="net, discounted to the first year")
    se: list[float] | None = Field(description="standard error of net from copies; null with too few")


class MunicipalityYears(_Part):
    """The years and residents of a municipality."""

    years: list[int]
    residents_by_age: dict[int, float] = Field(
        description="in the baseline at the end of the first year, in one municipality"
    )


class Seconds(_Part):
    """Wall-clock seconds."""

    simulate: float
    total: float


class Results(_Part):
    """The result of a comparison."""

    scenario: str
    seed: int
    persons: int
    copies: int
    discount_rate: float
    price_year: int
    causal_share: float | None = Field(description="of links known only as associations; null without such links")
    arms: dict[str, ArmCosts]
    comparisons: dict[str, ArmComparison]
    person_years: int
    seconds: Seconds
    ledger_digest: str
    threshold_digest: str
    run: str


class TownResults(Results):
    """The result of a comparison in a whole municipality.

    `persons` are those who belong to it in the years counted, per person is per one of them, and a break-even year is
    that of the whole roll-out.
    """

    municipality: MunicipalityYears
    budget_impact: dict[str, dict[str, BudgetYears]] = Field(
        description="arm -> payer -> by calendar year of `municipality.years`"
    )
