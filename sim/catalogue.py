"""Interventions from their files: terms of delivery, costs, effects in the scale of the engine. Layer 6."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sim.errors import ScenarioError, nearest
from sim.evidence import Converted, convert, transported
from sim.expression import Expression
from sim.families import own_terms
from sim.form_check import Checked, Findings, shown
from sim.intervention import COVERED_LINE, CostLine, Effect, Fade, Intervention
from sim.model import Model
from sim.prices import Shares
from sim.schema import ChoiceForm, CostForm, DeliverForm, EffectForm, EstimateForm, InterventionForm
from sim.source import KeyPath
from sim.tables import Parameters, tabulate

_SIZES = ("hazard_ratio", "odds_ratio", "relative_risk", "risk_difference", "smd", "trait_shift")

_Z95 = 1.959963984540054

_HOME = "SE"
"""The country whose services the model is of."""

_FAMILY_TERMS = "an offer to families may read "


@dataclass(frozen=True)
class Surroundings:
    """What an intervention is checked against."""

    model: Model
    payers: Collection[str]
    """Payers of the price list; empty where it could not be read."""
    years: Collection[int]
    """Years of the price index; empty where it could not be read."""


def intervention_from(
    name: str,
    file: Checked,
    around: Surroundings,
    found: Findings,
    choice: ChoiceForm,
    scenario: Checked,
    path: KeyPath,
) -> Intervention | None:
    """Return an intervention as an arm uses it; every mistake is noted, and then nothing is returned.

    choice: what the arm says of it at `path` of the scenario: its name, and delivery terms of the arm's own.
    """
    before = len(found.problems)
    form: InterventionForm = file.form
    changes = choice.changes
    if changes and form.baseline_coverage > 0 and set(changes) - {"uptake"}:
        found.note(scenario, path, f"'{name}' is partly delivered already: an arm can change its uptake only")
    deliver = form.deliver.model_copy(update=changes)

    def place(key: str) -> tuple[Checked, KeyPath]:
        return (scenario, (*path, key)) if key in changes else (file, ("deliver", key))

    for key in ("rank", "waiting_years"):
        if changes.get(key) is not None and deliver.capacity_per_year is None:
            sentence = f"'{key}' is about a line, and there is none where everyone has a place"
            found.note(*place(key), sentence, "say how many can start: capacity_per_year")
    has_line = deliver.capacity_per_year is not None
    conditions = _terms(deliver, place, around.model, found)
    costs = _costs(file, around, found)
    effects: list[Effect] = []
    for number in range(len(form.effects)):
        with found.at(file, ("effects", number)):
            effects += _effects(number, name, file, around.model, found)
    _whole(file, around.model, found)
    if len(found.problems) > before or file.spoilt:
        return None
    made = Intervention(
        name=name,
        title=form.title,
        field=form.field,
        ages=(deliver.ages[0], deliver.ages[1]),
        when=conditions["when"],
        uptake=conditions["uptake"],
        years=deliver.years,
        offer=deliver.offer,
        stop_when=conditions.get("stop_when"),
        capacity_per_year=deliver.capacity_per_year,
        rank=conditions.get("rank") if has_line else None,
        waiting_years=deliver.waiting_years if has_line else None,
        estimand=form.evidence.estimand,
        baseline_coverage=form.baseline_coverage,
        replaces=form.replaces,
        costs=tuple(costs),
        effects=tuple(effects),
        evidence=form.evidence.model_dump(),
        base=name if changes else "",
    )
    for term, sentence in own_terms(made, around.model):
        found.note(*place(term), sentence, _FAMILY_TERMS + ", ".join(sorted(around.model.family_columns)))
    return made if len(found.problems) == before else None


def expression_from(given: Any) -> Expression:
    """Read an expression; raises ScenarioError for what is neither text nor number."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise ScenarioError(f"an expression is a text or a number, not {shown(given)}")
    return Expression.of(given)


def shares_from(given: Any, payers: Collection[str]) -> Shares:
    """Read a payer, or the shares of several; raises ScenarioError for a payer the price list does not have."""
    if not isinstance(given, (str, Mapping)):
        raise ScenarioError(f"a payer is a name, or shares of several, not {shown(given)}")
    shares = Shares.of(given)
    for payer in shares.payers:
        if payers and payer not in payers:
            raise ScenarioError(f"unknown payer {payer!r}", hint=nearest(payer, payers))
    if shares.until is not None and not 1900 <= shares.until <= 2200:
        raise ScenarioError(f"`until` of a payer must be a year from 1900 to 2200, not {shares.until}")
    return shares


def _terms(
    deliver: DeliverForm, place: Callable[[str], tuple[Checked, KeyPath]], model: Model, found: Findings
) -> dict[str, Expression]:
    """Return the conditions of delivery, tried over every cell; note what is wrong with any of the terms."""
    if deliver.ages[0] > deliver.ages[1]:
        file, path = place("ages")
        found.note(file, path, f"the ages {deliver.ages[0]} to {deliver.ages[1]} must rise")
    conditions = {}
    for key in ("when", "uptake", "stop_when", "rank"):
        given = getattr(deliver, key)
        if given is None and key in ("stop_when", "rank"):
            continue
        with found.at(*place(key)):
            conditions[key] = expression_from(given)
            if key == "uptake":
                _check_uptake(conditions[key])
            rule = conditions[key].rule(model.columns)
            columns = [model.columns[name] for name in rule.reads]
            lower = -math.inf if key == "rank" else 0.0
            upper, unit = 1.0 if key == "uptake" else math.inf, key if key in ("uptake", "rank") else "value"
            tabulate(rule, columns, Parameters(), lower=lower, upper=upper, unit=unit)
    return conditions


def _check_uptake(uptake: Expression) -> None:
    """Refuse a plain number that is no share; raises ScenarioError."""
    share = uptake.constant
    if share is not None and not 0 <= share <= 1:
        hint = f"{share:g} % is {share / 100:g}" if 1 < share <= 100 else None
        raise ScenarioError(f"'uptake' is {share:g}: it must be 0 to 1", hint=hint)


def _costs(file: Checked, around: Surroundings, found: Findings) -> list[CostLine]:
    costs = []
    for number, line in enumerate(file.form.cost):
        shares = Shares(())
        with found.at(file, ("cost", number, "payer")):
            shares = shares_from(line.payer, around.payers)
        with found.at(file, ("cost", number)):
            costs.append(_cost_line(line, shares))
        if around.years and line.price_year not in around.years:
            known = f"it has {min(around.years)} to {max(around.years)}"
            sentence = f"the price index has no year {line.price_year}; {known}"
            found.note(file, ("cost", number, "price_year"), sentence)
    return costs


def _cost_line(line: CostForm, shares: Shares) -> CostLine:
    """Return a cost line; raises ScenarioError for terms that belong to another kind of cost."""
    if line.per == "team" and line.size is None:
        raise ScenarioError("a cost per team needs the key 'size'", hint="how many persons one team can serve")
    if line.per != "team" and line.size is not None:
        raise ScenarioError(f"'size' goes with `per: team`, and this cost is per {line.per}")
    if line.per != "fixed" and line.years is not None:
        raise ScenarioError(f"'years' goes with `per: fixed`, and this cost is per {line.per}")
    if line.years is not None and line.years[0] > line.years[1]:
        raise ScenarioError(f"the years {line.years[0]} to {line.years[1]} must rise")
    years = None if line.years is None else (line.years[0], line.years[1])
    return CostLine(line.per, line.amount, line.price_year, shares, line.size, years)


def _whole(file: Checked, model: Model, found: Findings) -> None:
    """Note what contradicts within an intervention's file."""
    form: InterventionForm = file.form
    if form.replaces is not None:
        with found.at(file, ("replaces",)):
            model.quantity(form.replaces)
    if form.baseline_coverage > 0 and form.evidence.estimand != "tot":
        sentence = f"baseline_coverage goes with `estimand: tot`, and this evidence is '{form.evidence.estimand}'"
        found.note(file, ("baseline_coverage",), sentence)
    if form.baseline_coverage > 0 and form.deliver.offer == "yearly":
        found.note(file, ("baseline_coverage",), "baseline_coverage goes with an offer made once")
    if form.baseline_coverage > 0 and form.deliver.capacity_per_year is not None:
        found.note(file, ("baseline_coverage",), *COVERED_LINE)
    _check_transport(file, found)


def _check_transport(file: Checked, found: Findings) -> None:
    """Note a factor for carrying over that cannot be meant: from home, from elsewhere, or on top of a shrinkage."""
    evidence = file.form.evidence
    if evidence.transport is None:
        return
    path: KeyPath = ("evidence", "transport")
    if evidence.transport.origin != evidence.country:
        sentence = f"the evidence is from {evidence.country}, and the transport from {evidence.transport.origin}"
        found.note(file, (*path, "from"), sentence)
    elif evidence.country == _HOME:
        found.note(file, path, "evidence from the model's own country is not transported", "leave transport out")
    if evidence.shrinkage is not None:
        found.note(
            file, path, "an estimate already shrunk for its design is not transported too", "write transport: none"
        )


def _effects(number: int, name: str, file: Checked, model: Model, found: Findings) -> list[Effect]:
    """Return the effects of one line in the engine's scale: one on hazards, one on occasions."""
    form: EffectForm = file.form.effects[number]
    path: KeyPath = ("effects", number)
    given = [size for size in _SIZES if getattr(form, size) is not None]
    stated = [*given, *(["unknown"] if form.unknown else [])]
    if len(stated) != 1:
        what = " and ".join(stated) or "none"
        sizes = ", ".join(_SIZES)
        raise ScenarioError(f"an effect states exactly one of {sizes}, or `unknown: true`; here {what}")
    kind = stated[0]
    on = [] if kind == "trait_shift" else _transitions(form, file, path, model, found)
    if kind == "trait_shift":
        _check_trait(form, file, path, model, found)
    elif form.trait is not None:
        found.note(file, (*path, "trait"), "`trait` goes with `trait_shift` only")
    mechanism = form.mechanism or f"{name} {number + 1}"
    evidence = file.form.evidence
    half_life = form.fade.half_life_years if form.fade else None
    fade = Fade(half_life, evidence.follow_up_years or 0.0, form.beyond_follow_up)
    if kind == "unknown":
        return [Effect("unknown", tuple(on), fade=fade, mechanism=mechanism, stated="no estimate exists")]
    estimate: EstimateForm = getattr(form, kind)
    if estimate.ci95 and not estimate.ci95[0] <= estimate.value <= estimate.ci95[1]:
        low, high = estimate.ci95
        sentence = f"the interval {low:g} to {high:g} does not hold the value {estimate.value:g}"
        found.note(file, (*path, kind, "ci95"), sentence)
        return []
    if ("evidence",) in file.spoilt:
        return []
    effects = []
    hazards = {
        (d.name, m.from_state, to) for d in model.all_domains for m in d.moves if m.kind == "hazard" for to in m.to
    }
    for on_hazard in (True, False):
        some = tuple(one for one in on if (one in hazards) == on_hazard)
        if not some and (kind != "trait_shift" or not on_hazard):
            continue
        with found.at(file, (*path, kind)):
            size, se = _converted(kind, estimate, on_hazard, evidence)
            trait = form.trait if kind == "trait_shift" else None
            effects.append(
                Effect(size.kind, some, trait, size.size, fade, mechanism, form.dose, se, size.words)  # type: ignore[arg-type]
            )
    return effects


def _transitions(
    form: EffectForm, file: Checked, path: KeyPath, model: Model, found: Findings
) -> list[tuple[str, str, str]]:
    texts = [form.on] if isinstance(form.on, str) else form.on
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise ScenarioError('`on` must name transitions, as "domain: from -> to"')
    on = []
    for number, text in enumerate(texts):
        with found.at(file, (*path, "on") if isinstance(form.on, str) else (*path, "on", number)):
            on.append(model.transition(text))
    return on


def _check_trait(form: EffectForm, file: Checked, path: KeyPath, model: Model, found: Findings) -> None:
    traits = [trait.name for trait in model.traits if trait.bins]
    if form.trait is None:
        raise ScenarioError("`trait_shift` needs the key 'trait'", hint="one of " + ", ".join(traits))
    if form.trait not in traits:
        sentence = f"{form.trait!r} is no trait that can be shifted"
        found.note(file, (*path, "trait"), sentence, nearest(form.trait, traits))
    if form.on is not None:
        found.note(file, (*path, "on"), "`trait_shift` acts wherever the trait is read; leave `on` out")


def _converted(kind: str, estimate: EstimateForm, on_hazard: bool, evidence: Any) -> tuple[Converted, float | None]:
    """Return an estimate in the engine's scale, and its standard error there if it has an interval.

    What another country's estimate loses on the way is applied last, to the size and to its standard error alike.
    """
    risk, years = evidence.control_risk, evidence.follow_up_years
    size = convert(kind, estimate.value, on_hazard, risk, years)
    se = None
    if estimate.ci95:
        low, high = (convert(kind, bound, on_hazard, risk, years).size for bound in estimate.ci95)
        se = abs(high - low) / (2 * _Z95)
    if evidence.transport is None:
        return size, se
    factor = evidence.transport.mean
    return transported(size, evidence.transport.origin, factor), None if se is None else factor * se
