"""The form of every file a user writes: which keys there are, of which type, within which bounds. Layer 6.

Pydantic models at the file border only; what the values mean together is checked by `sim.files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sim.errors import Problem, nearest
from sim.source import Source

Provenance = Literal["found", "derived", "recalled", "calibrated", "assumed"]
Year = Annotated[int, Field(ge=1900, le=2200)]
Age = Annotated[int, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, le=1e12)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Form(BaseModel):
    """A mapping with exactly these keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CohortForm(Form):
    """`cohort:` of a scenario."""

    born: Year
    represents: Annotated[int, Field(ge=1, le=2**24)] | None = None
    copies: Annotated[int, Field(ge=1, le=2**16)] = 64


class EconomicsForm(Form):
    """`economics:` of a scenario."""

    price_year: Year
    discount_rate: Annotated[float, Field(ge=0, lt=1)] = 0.03
    first_exponent: Annotated[int, Field(ge=0, le=1)] = 0
    count_start: bool = False


class ArmForm(Form):
    """One arm of a scenario."""

    interventions: list[Any] = Field(default_factory=list)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    prices: dict[str, dict[str, Any]] = Field(default_factory=dict)


class ScenarioForm(Form):
    """A scenario file."""

    title: Text
    model: str
    population: str
    prices: str = "sweden"
    cohort: CohortForm
    horizon: Any = "lifetime"
    economics: EconomicsForm
    arms: dict[str, ArmForm]
    measures: list[str] = Field(default_factory=list)


class DeliverForm(Form):
    """`deliver:` of an intervention: to whom, at which ages, for how long."""

    ages: Annotated[list[Age], Field(min_length=2, max_length=2)]
    when: Any = 1
    uptake: Any = 1
    capacity_per_year: int | None = None
    years: Annotated[int, Field(ge=1, le=100)] = 1
    offer: Literal["once", "yearly"] = "once"
    stop_when: Any = None


class CostForm(Form):
    """One line of `cost:`."""

    per: Literal["eligible", "offered", "start", "year"]
    amount: Money
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


class ParameterForm(Form):
    """One parameter: value, unit, uncertainty, source."""

    value: Any
    unit: Text
    uncertainty: Any
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
    source: Text
    provenance: Provenance
    note: str | None = None


class PriceListForm(Form):
    """A price file."""

    title: Text
    payers: list[str]
    prices: dict[str, PriceForm]


class IndexForm(Form):
    """The file of price indices."""

    title: Text
    cpi: dict[str, Annotated[float, Field(gt=0)]]
    unit: str
    source: Text
    provenance: Provenance


class BirthsForm(Form):
    """`births_per_year:` of a population."""

    value: Annotated[int, Field(ge=1, le=2**24)]
    unit: str
    year: Year | None = None
    source: Text
    provenance: Provenance


class AttributeForm(Form):
    """One attribute at birth."""

    given: Any = None
    shares: Any
    source: Text
    provenance: Provenance
    note: str | None = None


class PopulationForm(Form):
    """A population file."""

    title: Text
    births_per_year: BirthsForm
    attributes: dict[str, AttributeForm]


def problems_of(error: ValidationError, form: type[BaseModel], source: Source) -> list[Problem]:
    """Return every mistake of form as a sentence at its place, with the nearest right word."""
    problems = []
    for one in error.errors(include_url=False, include_context=True):
        path = tuple(str(part) if isinstance(part, str) else part for part in one["loc"])
        found, kind, context = one.get("input"), one["type"], one.get("ctx", {})
        if kind == "extra_forbidden":
            allowed = _keys(form, path[:-1])
            problems.append(source.problem(path, f"unknown key {path[-1]!r}", nearest(str(path[-1]), allowed), at_key=True))
        elif kind == "missing":
            problems.append(source.problem(path[:-1], f"needs the key {path[-1]!r}"))
        else:
            problems.append(source.problem(path, *_sentence(str(path[-1]) if path else "", kind, found, context)))
    return problems


def _sentence(name: str, kind: str, found: Any, context: Mapping[str, Any]) -> tuple[str, str | None]:
    shown = "nothing" if found is None else f"the text {found!r}" if isinstance(found, str) else repr(found)
    if kind == "literal_error":
        allowed = [word.strip().strip("'") for word in str(context["expected"]).replace(" or ", ",").split(",")]
        return f"{name!r} is {shown}", nearest(str(found), allowed)
    wanted = {
        "string_type": "a text", "int_type": "a whole number", "int_from_float": "a whole number",
        "float_type": "a number", "bool_type": "true or false", "list_type": "a list", "dict_type": "a mapping",
        "model_type": "a mapping", "model_attributes_type": "a mapping",
    }.get(kind)  # fmt: skip
    if wanted:
        return f"{name!r} must be {wanted}, not {shown}", None
    bounds = {"greater_than_equal": ("ge", "at least"), "greater_than": ("gt", "above")}
    bounds |= {"less_than_equal": ("le", "at most"), "less_than": ("lt", "below")}
    if kind in bounds:
        key, words = bounds[kind]
        hint = None
        if name == "discount_rate" and isinstance(found, (int, float)) and found >= 1:
            hint = f"{100 * found:g} % a year; did you mean {found / 100:g}?"
        if name == "amount" and isinstance(found, (int, float)) and found < 0:
            hint = "a price that brings money in has `kind: revenue` and a positive amount"
        return f"{name!r} is {found}: it must be {words} {context[key]:g}", hint
    if kind in ("too_short", "too_long"):
        low, high = context.get("min_length"), context.get("max_length")
        return f"{name!r} must have {low if low is not None else high} entries, not {len(found)}", None
    if kind == "string_too_short":
        return f"{name!r} is empty", None
    return f"{name!r} cannot be {shown}", None


def _keys(form: Any, path: tuple[str | int, ...]) -> list[str]:
    """Return the keys allowed at a path of a form."""
    for part in path:
        fields = getattr(form, "model_fields", None)
        if fields is not None and part in fields:
            form = fields[part].annotation
        form = _inner(form)
    form = _inner(form)
    return list(form.model_fields) if hasattr(form, "model_fields") else []


def _inner(form: Any) -> Any:
    """Return the form inside a list, mapping or optional annotation."""
    while not hasattr(form, "model_fields") and getattr(form, "__args__", None):
        inner = [one for one in form.__args__ if one is not type(None)]
        form = inner[-1]
        if getattr(form, "__metadata__", None):
            form = form.__origin__
    return form
