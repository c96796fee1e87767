"""The form of every file a user writes: which keys there are, of which type, within which bounds. Layer 6.

Pydantic models at the file border only; what the values mean together is checked by `sim.files`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Provenance = Literal["found", "derived", "recalled", "calibrated", "assumed"]
Year = Annotated[int, Field(ge=1900, le=2200)]
Age = Annotated[int, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, le=1e12)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Ages = Annotated[list[Age], Field(min_length=2, max_length=2)]
DeliveryYears = Annotated[int, Field(ge=1, le=100)]
Places = Annotated[int, Field(ge=1, le=2**24)]
WaitingYears = Annotated[int, Field(ge=0, le=100)]


class Form(BaseModel):
    """A mapping with exactly these keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StratumForm(Form):
    """One of `strata:`: a part of the cohort, told apart at birth."""

    when: Any = None
    persons: Annotated[int, Field(ge=1, le=2**40)]


class ClassesForm(Form):
    """`classes:` of a cohort: neighbouring births are classmates, whose states rules may ask about."""

    size: Annotated[int, Field(ge=2, le=1000)]


class CohortForm(Form):
    """`cohort:` of a scenario."""

    born: Year
    represents: Annotated[int, Field(ge=1, le=2**24)] | None = None
    copies: Annotated[int, Field(ge=1, le=2**16)] = 64
    strata: dict[str, StratumForm] | None = None
    classes: ClassesForm | None = None


class MunicipalityForm(Form):
    """`municipality:` of a scenario, in place of `cohort:`."""

    start: Year
    years: Annotated[int, Field(ge=1, le=100)]
    births: Any = None
    """A number a year, or a table from a year on; by default the population's."""
    copies: Annotated[int, Field(ge=1, le=2**16)] = 4
    oldest: Age = 24
    moves: bool = True
    """Whether anyone moves in, and families with children out, as the population file says."""
    siblings: bool = True


class EconomicsForm(Form):
    """`economics:` of a scenario."""

    price_year: Year
    discount_rate: Annotated[float, Field(ge=0, lt=1)] = 0.03
    first_exponent: Annotated[int, Field(ge=0, le=1)] = 0
    count_start: bool = False
    counted: Literal["end", "start", "half_cycle"] = "end"


def _as_choice(value: Any) -> Any:
    return {"use": value} if isinstance(value, str) else value


class ChoiceForm(Form):
    """An intervention as an arm names it: by name, or with other terms of delivery than its file's."""

    use: str
    ages: Ages = Field(default_factory=list)
    when: Any = None
    uptake: Any = None
    capacity_per_year: Places | None = None
    rank: Any = None
    waiting_years: WaitingYears | None = None
    years: DeliveryYears = 1
    offer: Literal["once", "yearly"] = "once"
    stop_when: Any = None

    @property
    def changes(self) -> dict[str, Any]:
        """The terms that the arm gives itself."""
        return {key: getattr(self, key) for key in self.model_fields_set - {"use"}}


class PriceChangeForm(Form):
    """A price as an arm changes it."""

    amount: Money | None = None
    price_year: Year | None = None


class WaveForm(Form):
    """One of `rollout:`: in which year which share of the copies has begun."""

    begins: Year = Field(alias="from")
    copies: Annotated[float, Field(gt=0, le=1)] = 1.0
    effect: Annotated[float, Field(ge=0, le=10)] = 1.0


class ArmForm(Form):
    """One arm of a scenario."""

    interventions: list[Annotated[ChoiceForm, BeforeValidator(_as_choice)]] = Field(default_factory=list)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    prices: dict[str, PriceChangeForm] = Field(default_factory=dict)
    rollout: list[WaveForm] = Field(default_factory=list)


class ScenarioForm(Form):
    """A scenario file."""

    title: Text
    model: str
    population: str
    prices: str = "sweden"
    cohort: CohortForm | None = None
    municipality: MunicipalityForm | None = None
    horizon: Any = "lifetime"
    causal_share: Share | None = None
    """Of links known only as associations; by default the share at which the parameters were set."""
    economics: EconomicsForm
    arms: dict[str, ArmForm]
    measures: list[str] = Field(default_factory=list)


class DeliverForm(Form):
    """`deliver:` of an intervention: to whom, at which ages, for how long."""

    ages: Ages
    when: Any = 1
    uptake: Any = 1
    capacity_per_year: Places | None = None
    rank: Any = None
    waiting_years: WaitingYears | None = None
    years: DeliveryYears = 1
    offer: Literal["once", "yearly"] = "once"
    stop_when: Any = None


class CostForm(Form):
    """One line of `cost:`."""

    per: Literal["eligible", "offered", "start", "year", "team", "fixed", "once"]
    amount: Money
    size: Annotated[int, Field(ge=1, le=2**24)] | None = None
    """Persons whom one team can serve, with `per: team`."""
    years: Annotated[list[Year], Field(min_length=2, max_length=2)] | None = None
    """First and last year in which a `per: fixed` cost is paid."""
    price_year: Year
    payer: Any
    title: str | None = None


def _as_estimate(value: Any) -> Any:
    return {"value": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class EstimateForm(Form):
    """A number with its 95 % interval."""

    value: float
    ci95: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None


Estimate = Annotated[EstimateForm, BeforeValidator(_as_estimate)]


class FadeForm(Form):
    """`fade:` of an effect."""

    half_life_years: Annotated[float, Field(gt=0, le=200)]


class EffectForm(Form):
    """One line of `effects:`; exactly one of the sizes, or `unknown`."""

    on: Any = None
    hazard_ratio: Estimate | None = None
    odds_ratio: Estimate | None = None
    relative_risk: Estimate | None = None
    risk_difference: Estimate | None = None
    smd: Estimate | None = None
    trait_shift: Estimate | None = None
    trait: str | None = None
    unknown: bool = False
    fade: FadeForm | None = None
    beyond_follow_up: Literal["zero", "fade", "hold"] = "zero"
    mechanism: str | None = None
    dose: Literal["full", "partial"] = "full"


class TransportForm(Form):
    """`transport:` of evidence: how much of a foreign effect is believed here, as a factor on its log."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    origin: Annotated[str, Field(min_length=2, max_length=20)] = Field(alias="from")
    """The country of the evidence; interventions of one origin share one draw of the factor."""
    mean: Share
    se: Share
    provenance: Provenance


def _as_transport(value: Any) -> Any:
    return None if value == "none" else value


class EvidenceForm(Form):
    """`evidence:` of an intervention: what is known, from where, against what."""

    design: Text
    country: Annotated[str, Field(min_length=2, max_length=20)]
    n: Annotated[int, Field(ge=1)] | None
    year: Year
    estimand: Literal["itt", "tot", "area"]
    comparator: Text
    control_risk: Annotated[float, Field(gt=0, lt=1)] | None
    follow_up_years: Annotated[float, Field(ge=0, le=100)] | None
    scale: Literal["probability", "odds", "hazard", "smd", "mean", "none"]
    transport: Annotated[TransportForm | None, BeforeValidator(_as_transport)] = None
    """`none` says that the effect ships as reported."""
    shrinkage: Text | None = None
    """How the source has already shrunk the estimate for its design; never together with `transport`."""
    source: Text
    provenance: Provenance


class InterventionForm(Form):
    """An intervention file."""

    title: Text
    field: Text
    deliver: DeliverForm
    baseline_coverage: Annotated[float, Field(ge=0, lt=1)] = 0.0
    replaces: str | None = None
    cost: list[CostForm]
    effects: list[EffectForm]
    evidence: EvidenceForm


class LinkForm(Form):
    """`link:` of a parameter: it is a coefficient from another domain's state."""

    from_domain: str = Field(alias="from")
    causal_share: Any
    """Part of the log ratio that is causal, 0 to 1; `common`: only an association is known, the scenario sets it."""


class ParameterForm(Form):
    """One parameter: value, unit, uncertainty, source."""

    value: Any
    unit: Text
    uncertainty: Any
    link: LinkForm | None = None
    source: Text
    provenance: Provenance
    note: str | None = None


class ParametersForm(Form):
    """A parameter file: the parameters of one domain."""

    domain: str
    parameters: dict[str, ParameterForm]


class PriceForm(Form):
    """One price: of a named quantity, or of a condition with its basis."""

    title: Text
    quantity: str | None = None
    when: Any = None
    basis: Literal["on_date", "any_in_year", "whole_year", "event"] | None = None
    kind: Literal["cost", "revenue"] = "cost"
    amount: Money
    unit: Text
    price_year: Year
    payer: Any
    cashable: Any = 1.0
    cashable_provenance: Provenance = "assumed"
    stays: bool = False
    """Whether the same payers pay wherever the person lives."""
    source: Text
    provenance: Provenance
    note: str | None = None


class ResidenceForm(Form):
    """`residence:` of a price list: who pays for those who have moved."""

    column: str
    own: str
    elsewhere: dict[str, Any]


class PriceListForm(Form):
    """A price file."""

    title: Text
    payers: list[str]
    residence: ResidenceForm | None = None
    prices: dict[str, PriceForm]


class IndexForm(Form):
    """The file of price indices."""

    title: Text
    cpi: dict[str, Annotated[float, Field(gt=0)]]
    unit: str
    source: Text
    provenance: Provenance
