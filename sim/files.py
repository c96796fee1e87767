"""From files to a frozen scenario: every file read, checked against its form and against the others. Layer 6.

All mistakes of all files are collected and reported together, each at its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

import sim
from sim.domain import Quantity
from sim.errors import FramsynError, Problem, ScenarioError, nearest
from sim.evidence import convert
from sim.expression import Expression
from sim.intervention import CostLine, Effect, Fade, Intervention
from sim.ledger import Need
from sim.model import MAX_AGE, Model
from sim.parameters import override, parameters_from
from sim.people import Attribute, Population
from sim.plan import Plan, bind
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import BASELINE, Arm, Cohort, Scenario
from sim.schema import (
    EffectForm,
    IndexForm,
    InterventionForm,
    ParametersForm,
    PopulationForm,
    PriceForm,
    PriceListForm,
    ScenarioForm,
    problems_of,
)
from sim.source import Source, read_yaml, source_from_values
from sim.tables import Parameters, Rule

MODELS = {"lifecourse": "sim.lifecourse"}
"""Models that a scenario can name, and the module that holds each as MODEL."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{k}" for n in ("com", "lpt") for k in range(1, 10))}

_SIZES = ("hazard_ratio", "odds_ratio", "relative_risk", "risk_difference", "smd", "trait_shift")

AnyForm = TypeVar("AnyForm", bound=BaseModel)


def shipped_folder() -> Path:
    """Return the scenario folder that comes with the program."""
    inside = Path(sim.__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(sim.__file__).parent.parent / "scenarios"


def load_plan(path: str | Path, *, persons: int | None = None, extra: tuple[Need, ...] = ()) -> Plan:
    """Read a scenario file and everything it names, and bind it.

    persons: changes the number of copies, rounded up to whole ones; extra: further columns to be counted.
    Raises ScenarioError with all mistakes of all files at once.
    """
    return _Loader(Path(path), {}).plan(persons, extra)


def load_resolved(resolved: Mapping[str, Any]) -> Plan:
    """Bind a scenario again from what a run folder holds: every file's values, and the number of copies."""
    return _Loader(Path("scenario"), resolved).plan(None, ())


def load_model(name: str) -> Model:
    """Return a shipped model by name; raises ScenarioError with the nearest right one."""
    if name not in MODELS:
        raise ScenarioError(f"no model {name!r}", hint=nearest(name, MODELS))
    model: Model = import_module(MODELS[name]).MODEL
    return model


@dataclass
class _Read:
    """A file that has its form: the source for places, the form for values."""

    source: Source
    form: Any


class _Loader:
    """Reads one scenario; collects problems instead of stopping at the first."""

    def __init__(self, path: Path, given: Mapping[str, Any]) -> None:
        self.path = path
        self.given = given
        self.problems: list[Problem] = []
        self.payers: list[str] = []
        self.resolved: dict[str, Any] = {}
        self.files: dict[str, _Read | None] = {}
        self.folders = [shipped_folder()]
        for folder in path.resolve().parents[:3]:
            if (folder / "interventions").is_dir() and folder != self.folders[0].resolve():
                self.folders.insert(0, folder)
                break

    def plan(self, persons: int | None, extra: tuple[Need, ...]) -> Plan:
        """Return the plan with its tables made, or raise every problem found."""
        read = self._read("scenario", self.path, ScenarioForm)
        if read is None:
            raise ScenarioError(self.problems)
        form: ScenarioForm = read.form
        model = None
        with self._at(read, ("model",)):
            model = load_model(form.model)
        if model is None:
            raise ScenarioError(self.problems)
        parameters = self._parameters(model)
        population = self._population(read, model)
        prices = self._prices(read, model)
        arms = self._arms(read, model, parameters, prices)
        for place, name in enumerate(form.measures):
            with self._at(read, ("measures", place)):
                model.quantity(name)
        horizon = self._horizon(read)
        if prices is not None and form.economics.price_year not in prices.index:
            known = f"{min(prices.index)} to {max(prices.index)}"
            self._note(read, ("economics", "price_year"), f"the price index has no year {form.economics.price_year}; it has {known}")
        represents = form.cohort.represents or (population.births_per_year if population else None)
        if represents is None:
            self._note(read, ("cohort",), "needs the key 'represents': the births a year that one copy stands for")
        if persons is not None and persons < 1:
            self.problems.append(Problem(f"the number of persons must be 1 or more, not {persons}"))
        if self.problems or population is None or prices is None or represents is None:
            raise ScenarioError(_unique(self.problems))
        copies = form.cohort.copies if persons is None else math.ceil(persons / represents)
        copies = self.given.get("copies", copies)
        self.resolved.update(name=self.given.get("name", self.path.stem), copies=copies)
        with self._at(read, ()):
            scenario = Scenario(
                model=model, population=population, cohort=Cohort(form.cohort.born, represents, copies), arms=arms,
                parameters=parameters, horizon=horizon, economics=Economics(**form.economics.model_dump()),
                prices=prices, measures=tuple(form.measures), needs=extra, title=form.title,
                name=self.resolved["name"], resolved=self.resolved,
            )  # fmt: skip
            plan = bind(scenario)
            plan.make_tables()
            return plan
        raise ScenarioError(_unique(self.problems))

    @contextmanager
    def _at(self, read: _Read, path: tuple[str | int, ...]) -> Iterator[None]:
        """Collect a mistake found inside, placed at a value of the file unless it has a place already."""
        try:
            yield
        except FramsynError as error:
            for problem in error.problems:
                if problem.file is None:
                    problem = read.source.problem(path, problem.message, problem.hint)
                self.problems.append(problem)

    def _note(self, read: _Read, path: tuple[str | int, ...], message: str, hint: str | None = None) -> None:
        self.problems.append(read.source.problem(path, message, hint))

    def _read(self, key: str, path: Path, form: type[AnyForm]) -> _Read | None:
        """Read a file and check its form; problems are collected, and nothing is returned where there are any."""
        if key in self.files:
            return self.files[key]
        self.files[key] = None
        try:
            source = source_from_values(self.given[key]["values"], key) if self.given else read_yaml(path)
            self.resolved[key] = {"sha256": source.digest, "values": source.values}
            self.files[key] = _Read(source, form.model_validate(source.values))
        except ValidationError as error:
            self.problems += problems_of(error, form, source)
        except FramsynError as error:
            self.problems += error.problems
        return self.files[key]

    def _named(
        self, read: _Read, path: tuple[str | int, ...], kind: str, name: Any, form: type[AnyForm]
    ) -> _Read | None:
        """Read the file of a name in the user's folder or the shipped one; a mistake is placed where it is named."""
        if not isinstance(name, str) or not NAME.fullmatch(name) or name.split(".")[0].lower() in _RESERVED:
            self._note(read, path, f"{name!r} cannot name a file of {kind}/: letters, digits, . _ - only, at most 80")
            return None
        key = f"{kind}/{name}"
        if self.given:
            return self._read(key, Path(key), form)
        for folder in self.folders:
            file = folder / kind / f"{name}.yaml"
            if file.is_file():
                if (folder / kind).resolve() not in file.resolve().parents:
                    self._note(read, path, f"'{file.name}' points outside {kind}/")
                    return None
                return self._read(key, file, form)
        known = sorted({file.stem for folder in self.folders for file in (folder / kind).glob("*.yaml")})
        self._note(read, path, f"no file '{name}.yaml' in {kind}/", nearest(name, known))
        return None

    def _parameters(self, model: Model) -> dict[str, Parameters]:
        """Return the parameters of every domain, and of the quantities."""
        result = {}
        for name in [*(d.name for d in model.all_domains), "quantities"]:
            file = next((f / "parameters" / f"{name}.yaml" for f in self.folders if (f / "parameters" / f"{name}.yaml").is_file()), None)
            key = f"parameters/{name}"
            if file is None or (self.given and key not in self.given):
                continue
            read = self._read(key, file, ParametersForm)
            if read is None:
                continue
            if read.form.domain != name:
                self._note(read, ("domain",), f"the file of domain '{name}' says domain '{read.form.domain}'")
            values, problems = parameters_from(read.form, read.source)
            self.problems += problems
            result[name] = values
        return result

    def _population(self, read: _Read, model: Model) -> Population | None:
        other = self._named(read, ("population",), "populations", read.form.population, PopulationForm)
        if other is None:
            return None
        attributes = []
        for name, form in other.form.attributes.items():
            given = (form.given,) if isinstance(form.given, str) else tuple(form.given or ())
            attributes.append(Attribute(name, form.shares, given, {"source": form.source, "provenance": form.provenance}))
        population = Population(read.form.population, tuple(attributes), other.form.births_per_year.value)
        for attribute in attributes:
            path_in = ("attributes", attribute.name)
            unknown = [one for one in (attribute.name, *attribute.given) if one not in model.columns]
            if unknown:
                hint = nearest(str(unknown[0]), [t.name for t in model.traits] + [d.name for d in model.domains])
                self._note(other, path_in, f"no trait or domain {unknown[0]!r} in model '{model.name}'", hint)
                continue
            with self._at(other, (*path_in, "shares")):
                population.thresholds(attribute, model.columns)
        return population

    def _prices(self, read: _Read, model: Model) -> PriceList | None:
        other = self._named(read, ("prices",), "prices", read.form.prices, PriceListForm)
        index = self._named(read, ("prices",), "prices", "indices", IndexForm)
        if other is None or index is None:
            return None
        known_years = {int(year): value for year, value in index.form.cpi.items() if year.isdigit()}
        payers = other.form.payers
        rows = []
        for name, form in other.form.prices.items():
            with self._at(other, ("prices", name)):
                rows.append(self._price(other, name, form, model, payers))
                if form.price_year not in known_years:
                    self._note(other, ("prices", name, "price_year"), f"the price index has no year {form.price_year}")
        self.payers = payers
        return PriceList(tuple(rows), known_years)

    def _price(self, read: _Read, name: str, form: PriceForm, model: Model, payers: list[str]) -> Price:
        path = ("prices", name)
        if (form.quantity is None) == (form.when is None):
            raise ScenarioError(f"price '{name}' needs either `quantity` or `when` with `basis`")
        if form.quantity is not None:
            try:
                quantity = model.quantity(form.quantity)
            except FramsynError as error:
                found = error.problems[0]
                raise ScenarioError(read.source.problem((*path, "quantity"), found.message, found.hint)) from None
            if form.basis is not None and form.basis != quantity.basis:
                raise ScenarioError(
                    read.source.problem(
                        (*path, "basis"),
                        f"quantity '{quantity.name}' is counted {quantity.basis}, and the price asks for {form.basis}",
                    )
                )
        else:
            if form.basis is None:
                raise ScenarioError(f"price '{name}' has `when` and needs its `basis`")
            rule = _expression(form.when, read, (*path, "when")).rule(model.columns)
            quantity = Quantity(name, Rule(rule.function, rule.reads, False, name), form.basis, form.unit)
        shares = _shares(form.payer, read, (*path, "payer"), payers)
        curve = form.cashable if isinstance(form.cashable, list) else [form.cashable]
        if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in curve):
            raise ScenarioError(read.source.problem((*path, "cashable"), f"'cashable' must be shares, not {form.cashable!r}"))
        note = form.model_dump(include={"title", "unit", "source", "provenance", "cashable_provenance"})
        return Price(name, quantity, form.amount, form.price_year, shares, form.kind, tuple(float(c) for c in curve), note)

    def _horizon(self, read: _Read) -> int:
        given = read.form.horizon
        if given == "lifetime":
            return MAX_AGE + 1
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_AGE + 1:
            self._note(
                read, ("horizon",), f"'horizon' is {given!r}: it must be 'lifetime' or 1 to {MAX_AGE + 1} years",
                nearest(given, ["lifetime"]) if isinstance(given, str) else None,
            )  # fmt: skip
            return MAX_AGE + 1
        return given

    def _arms(
        self, read: _Read, model: Model, parameters: Mapping[str, Parameters], prices: PriceList | None
    ) -> dict[str, Arm]:
        arms: dict[str, Arm] = {}
        if BASELINE not in read.form.arms:
            self._note(read, ("arms",), "the arms need one named 'baseline'", nearest(BASELINE, read.form.arms))
        for name, form in read.form.arms.items():
            path = ("arms", name)
            if not NAME.fullmatch(name):
                self._note(read, path, f"an arm's name has letters, digits, . _ - only, at most 80, not {name!r}")
            chosen = [self._chosen(read, (*path, "interventions", k), one, model) for k, one in enumerate(form.interventions)]
            changed: dict[str, Parameters] = {}
            for domain, values in form.parameters.items():
                with self._at(read, (*path, "parameters", domain)):
                    if domain not in parameters:
                        raise ScenarioError(f"no domain {domain!r} with parameters", hint=nearest(domain, parameters))
                    changed[domain] = override(parameters[domain], values)
            other_prices: dict[str, Price] = {}
            for price, fields in form.prices.items():
                with self._at(read, (*path, "prices", price)):
                    other_prices[price] = _changed_price(prices, price, fields)
            with self._at(read, path):
                arms[name] = Arm(tuple(one for one in chosen if one is not None), changed, other_prices)
        return arms

    def _chosen(self, read: _Read, path: tuple[str | int, ...], given: Any, model: Model) -> Intervention | None:
        """Return an intervention as an arm names it: by name, or `{use: name, uptake: …}` with changed delivery."""
        changes: dict[str, Any] = {}
        if isinstance(given, dict):
            changes = {key: value for key, value in given.items() if key != "use"}
            given = given.get("use")
            if given is None:
                self._note(read, path, "needs the key 'use': the name of an intervention")
                return None
            allowed = ("uptake", "years", "ages", "when", "offer", "stop_when", "capacity_per_year")
            for key in changes:
                if key not in allowed:
                    hint = nearest(key, allowed)
                    self.problems.append(read.source.problem((*path, key), f"unknown key {key!r}", hint, at_key=True))
                    return None
        other = self._named(read, path, "interventions", given, InterventionForm)
        if other is None:
            return None
        where = read if changes else other
        before = len(self.problems)
        form: InterventionForm = other.form
        if changes:
            if form.baseline_coverage > 0 and set(changes) - {"uptake"}:
                self._note(read, path, f"'{given}' is partly delivered already: an arm can change its uptake only")
                return None
            try:
                merged = {**form.deliver.model_dump(), **changes}
                form = form.model_copy(update={"deliver": type(form.deliver).model_validate(merged)})
            except ValidationError as error:
                for one in problems_of(error, type(form.deliver), other.source):
                    self._note(read, path, one.message, one.hint)
                return None
        base = () if changes else ("deliver",)
        with self._at(where, (*path, *base) if changes else base):
            intervention = self._intervention(str(given), form, other, where, path if changes else base, model)
            if len(self.problems) == before:
                return replace(intervention, base=str(given)) if changes else intervention
        return None

    def _intervention(
        self, name: str, form: InterventionForm, read: _Read, where: _Read, base: tuple[str | int, ...], model: Model
    ) -> Intervention:
        deliver = form.deliver
        if deliver.capacity_per_year is not None:
            self._note(
                where, (*base, "capacity_per_year"),
                "capacity and queues are not available yet: leave capacity_per_year out, and limit who is offered by `when`",
            )  # fmt: skip
        if deliver.ages[0] > deliver.ages[1]:
            self._note(where, (*base, "ages"), f"the ages {deliver.ages} must rise")
        conditions = {}
        for key in ("when", "uptake", "stop_when"):
            given = getattr(deliver, key)
            if given is not None:
                with self._at(where, (*base, key)):
                    conditions[key] = _expression(given, where, (*base, key))
                    self._try_expression(conditions[key], model, 1.0 if key == "uptake" else math.inf)
        costs = []
        for k, line in enumerate(form.cost):
            with self._at(read, ("cost", k, "payer")):
                shares = _shares(line.payer, read, ("cost", k, "payer"), self.payers)
                costs.append(CostLine(line.per, line.amount, line.price_year, shares))
        effects: list[Effect] = []
        for k, effect in enumerate(form.effects):
            with self._at(read, ("effects", k)):
                effects += self._effect(read, k, effect, form, name, model)
        with self._at(read, ("replaces",)):
            if form.replaces is not None:
                model.quantity(form.replaces)
        if self.problems:
            raise ScenarioError([])
        return Intervention(
            name=name, title=form.title, field=form.field, ages=(deliver.ages[0], deliver.ages[1]),
            when=conditions["when"], uptake=conditions["uptake"], years=deliver.years, offer=deliver.offer,
            stop_when=conditions.get("stop_when"), estimand=form.evidence.estimand,
            baseline_coverage=form.baseline_coverage, replaces=form.replaces, costs=tuple(costs),
            effects=tuple(effects), evidence=form.evidence.model_dump(),
        )  # fmt: skip

    def _try_expression(self, expression: Expression, model: Model, upper: float) -> None:
        from sim.tables import tabulate

        rule = expression.rule(model.columns)
        tabulate(rule, [model.columns[n] for n in rule.reads], Parameters(), upper=upper, unit="value")

    def _effect(
        self, read: _Read, k: int, form: EffectForm, whole: InterventionForm, name: str, model: Model
    ) -> list[Effect]:
        """Return the effects of one line: one a kind of transition, in the engine's scale."""
        path = ("effects", k)
        given = [size for size in _SIZES if getattr(form, size) is not None]
        if len(given) + form.unknown != 1:
            sizes = ", ".join(_SIZES)
            raise ScenarioError(f"an effect states exactly one of {sizes}, or `unknown: true`; here {len(given) + form.unknown}")
        mechanism = form.mechanism or f"{name} {k + 1}"
        follow_up = whole.evidence.follow_up_years
        half_life = form.fade.half_life_years if form.fade else None
        fade = Fade(half_life, follow_up or 0.0, form.beyond_follow_up)
        kind = given[0] if given else "unknown"
        if kind == "trait_shift":
            if form.trait not in {t.name for t in model.traits if t.bins}:
                hint = nearest(str(form.trait), [t.name for t in model.traits if t.bins])
                raise ScenarioError(f"`trait_shift` needs the trait it moves; found {form.trait!r}", hint=hint)
            if form.on is not None:
                raise ScenarioError("`trait_shift` acts wherever the trait is read; leave `on` out")
            on: list[tuple[str, str, str]] = []
        else:
            texts = [form.on] if isinstance(form.on, str) else form.on
            if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
                raise ScenarioError('`on` must name transitions, as "domain: from -> to"')
            on = []
            for text in texts:
                with self._at(read, (*path, "on")):
                    on.append(model.transition(text))
        if kind == "unknown":
            return [Effect("unknown", tuple(on), fade=fade, mechanism=mechanism, stated="no estimate exists")]
        estimate = getattr(form, kind)
        if estimate.ci95 and not estimate.ci95[0] <= estimate.value <= estimate.ci95[1]:
            raise ScenarioError(
                read.source.problem((*path, kind, "ci95"), f"the interval {estimate.ci95} does not hold the value {estimate.value:g}")
            )
        hazards = {(d.name, m.from_state, to) for d in model.all_domains for m in d.moves if m.kind == "hazard" for to in m.to}
        effects = []
        for on_hazard, some in ((True, [o for o in on if o in hazards]), (False, [o for o in on if o not in hazards])):
            if not some and (on or not on_hazard):
                continue
            risk = whole.evidence.control_risk
            converted = convert(kind, estimate.value, on_hazard, risk, follow_up)
            se = None
            if estimate.ci95:
                low, high = (convert(kind, x, on_hazard, risk, follow_up).size for x in estimate.ci95)
                se = abs(high - low) / (2 * 1.959963984540054)
            effects.append(
                Effect(
                    converted.kind, tuple(some), form.trait if kind == "trait_shift" else None, converted.size, fade,  # type: ignore[arg-type]
                    mechanism, form.dose, se, converted.words,
                )
            )  # fmt: skip
        return effects


def _expression(given: Any, read: _Read, path: tuple[str | int, ...]) -> Expression:
    if not isinstance(given, (str, int, float)):
        raise ScenarioError(read.source.problem(path, f"an expression is a text or a number, not {given!r}"))
    return Expression.of(given)


def _shares(given: Any, read: _Read, path: tuple[str | int, ...], payers: list[str]) -> Shares:
    if not isinstance(given, (str, dict)):
        raise ScenarioError(read.source.problem(path, f"a payer is a name, or shares of several, not {given!r}"))
    shares = Shares.of(given)
    for payer in shares.payers:
        if payers and payer not in payers:
            raise ScenarioError(read.source.problem(path, f"unknown payer {payer!r}", nearest(payer, payers)))
    return shares


def _changed_price(prices: PriceList | None, name: str, fields: Mapping[str, Any]) -> Price:
    known = {price.name: price for price in prices.prices} if prices else {}
    if name not in known:
        raise ScenarioError(f"no price {name!r}", hint=nearest(name, known))
    for key, value in fields.items():
        if key not in ("amount", "price_year"):
            raise ScenarioError(f"an arm can change a price's amount and price_year, not {key!r}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ScenarioError(f"{key!r} of price '{name}' must be a number of 0 or more, not {value!r}")
    return replace(known[name], **dict(fields))


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
