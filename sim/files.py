"""From files to a plan: every file read, checked against its form and against the others. Layer 6.

All mistakes of all files are collected and reported together, each at its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import sim
from sim.catalogue import Surroundings, expression_from, intervention_from, shares_from
from sim.domain import Quantity
from sim.errors import FramsynError, Problem, ScenarioError, nearest
from sim.form_check import Checked, Findings, shown
from sim.intervention import Intervention
from sim.latent import Cuts
from sim.ledger import Need
from sim.model import MAX_AGE, Model
from sim.parameters import override, parameters_from
from sim.people import Population
from sim.plan import Plan, bind
from sim.population_file import PopulationFile
from sim.prices import Economics, Price, PriceList
from sim.scenario import BASELINE, MOST_STRATA, Arm, Cohort, Scenario, Stratum, wrong_condition
from sim.schema import (
    ChoiceForm,
    IndexForm,
    InterventionForm,
    ParametersForm,
    PopulationForm,
    PriceForm,
    PriceListForm,
    ScenarioForm,
)
from sim.source import KeyPath, Source, read_yaml, source_from_values
from sim.strata import StratumError, condition_of
from sim.table_check import QUANTITIES, Files, make_tables, note_unread
from sim.tables import Parameters, Rule, tabulate

MODELS = {"lifecourse": "sim.lifecourse"}
"""Models that a scenario can name, and the module that holds each as MODEL."""

KINDS = ("interventions", "parameters", "populations", "prices")
"""Folders beside a scenario whose files come before the shipped ones of the same name."""

MAX_COPIES = 2**16

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{k}" for n in ("com", "lpt") for k in range(1, 10))}


def shipped_folder() -> Path:
    """Return the scenario folder that comes with the program."""
    inside = Path(sim.__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(sim.__file__).parent.parent / "scenarios"


def load_plan(path: str | Path, *, persons: int | None = None, extra: tuple[Need, ...] = ()) -> Plan:
    """Read a scenario file and everything it names, and bind it.

    persons: changes the number of copies, rounded up to whole ones, or the persons of all strata alike; extra:
    further columns to be counted.
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


class _Loader:
    """Reads one scenario and what it names; collects mistakes instead of stopping at the first."""

    def __init__(self, path: Path, given: Mapping[str, Any]) -> None:
        self.path = path
        self.given = given
        self.found = Findings()
        self.resolved: dict[str, Any] = {}
        self.files: dict[str, Checked | None] = {}
        self.folders = [shipped_folder()]
        for folder in path.resolve().parents[:3]:
            if any((folder / kind).is_dir() for kind in KINDS) and folder != self.folders[0].resolve():
                self.folders.insert(0, folder)
                break

    def plan(self, persons: int | None, extra: tuple[Need, ...]) -> Plan:
        """Return the plan with its tables made, or raise every mistake found."""
        file = self.read("scenario", self.path, ScenarioForm)
        if file is None:
            raise ScenarioError(self.found.problems)
        form: ScenarioForm = file.form
        model = self.model(file)
        labels = frozenset(label for column in model.columns.values() for label in column.labels or ())
        parameters = self.parameters(model, labels)
        population = self.population(file, model)
        prices, payers = self.prices(file, model)
        years = tuple(prices.index) if prices else ()
        arms = self.arms(file, Surroundings(model, payers, years), parameters, prices, labels)
        for place, name in enumerate(form.measures):
            with self.found.at(file, ("measures", place)):
                model.quantity(name)
        horizon = self.horizon(file)
        self.check_price_year(file, ("economics", "price_year"), form.economics.price_year, years)
        cohort = self.cohort(file, model, population, persons)
        if self.found.problems or population is None or prices is None or cohort is None:
            raise ScenarioError(_unique(self.found.problems))
        self.resolved.update(name=self.given.get("name", self.path.stem), copies=cohort.copies)
        if cohort.strata:
            self.resolved["strata"] = {stratum.name: stratum.persons for stratum in cohort.strata}
        with self.found.at(file, ()):
            plan = self.bound(
                file,
                Scenario(
                    model=model,
                    population=population,
                    cohort=cohort,
                    arms=arms,
                    parameters=parameters,
                    horizon=horizon,
                    economics=Economics(**form.economics.model_dump()),
                    prices=prices,
                    measures=tuple(form.measures),
                    needs=extra,
                    title=form.title,
                    name=self.resolved["name"],
                    resolved=self.resolved,
                ),
            )
            self.make_tables(plan, file)
            if not self.found.problems:
                return plan
        raise ScenarioError(_unique(self.found.problems))

    def bound(self, file: Checked, scenario: Scenario) -> Plan:
        """Return the scenario bound; a stratum that cannot be is noted where it stands."""
        try:
            return bind(scenario)
        except StratumError as error:
            own = scenario.cohort.strata[-1].name != error.stratum
            path: KeyPath = ("cohort", "strata", error.stratum, *(("when",) if own else ()))
            problem = error.problems[0]
            raise ScenarioError(file.source.problem(path, problem.message, problem.hint, at_key=not own)) from None

    def make_tables(self, plan: Plan, file: Checked) -> None:
        """Make all tables; note mistakes at the figures that make them, and figures that nothing reads."""
        of_kind: dict[str, dict[str, Checked]] = {kind: {} for kind in KINDS}
        for key, one in self.files.items():
            kind, _, name = key.partition("/")
            if one is not None and name:
                of_kind[kind][name] = one
        make_tables(plan, Files(file, of_kind["parameters"], of_kind["interventions"]), self.found)
        shipped = self.folders[-1].resolve()
        for domain, one in of_kind["parameters"].items():
            own = not self.given and shipped not in Path(one.source.path).resolve().parents
            if own and not self.found.problems:
                note_unread(plan.scenario.parameters[domain], one, self.found)

    def read(self, key: str, path: Path, form: type[BaseModel]) -> Checked | None:
        """Read a file and check its form; mistakes are collected, and None stands for what cannot be used."""
        if key not in self.files:
            self.files[key] = None
            try:
                source = self.source(key, path)
            except FramsynError as error:
                self.found.problems += error.problems
                return None
            self.resolved[key] = {"sha256": source.digest, "values": source.values}
            self.files[key] = self.found.form_of(source, form)
        return self.files[key]

    def source(self, key: str, path: Path) -> Source:
        """Return what a file holds: on disk, or in the run folder that is read again."""
        if not self.given:
            return read_yaml(path)
        return replace(source_from_values(self.given[key]["values"], key), digest=self.given[key]["sha256"])

    def find(self, kind: str, name: str) -> Path | None:
        """Return the user's or the shipped file of a name; raises ScenarioError for a link to outside."""
        if self.given:
            return Path(kind, name) if f"{kind}/{name}" in self.given else None
        for folder in self.folders:
            file = folder / kind / f"{name}.yaml"
            if file.is_file():
                if folder.resolve() / kind not in file.resolve().parents:
                    raise ScenarioError(f"'{kind}/{file.name}' is a link to a file outside its folder")
                return file
        return None

    def named(self, file: Checked, path: KeyPath, kind: str, name: str, form: type[BaseModel]) -> Checked | None:
        """Read the file of a name; a name without a file is noted where it stands."""
        if not _is_name(name):
            self.found.note(file, path, f"{name!r} cannot name a file of {kind}/", _NAME_RULE)
            return None
        with self.found.at(file, path):
            if found := self.find(kind, name):
                return self.read(f"{kind}/{name}", found, form)
            known = sorted({one.stem for folder in self.folders for one in (folder / kind).glob("*.yaml")})
            raise ScenarioError(f"no file '{name}.yaml' in {kind}/", hint=nearest(name, known))
        return None

    def model(self, file: Checked) -> Model:
        """Return the model; where there is none of that name, another one so that the checks can go on."""
        with self.found.at(file, ("model",)):
            return load_model(file.form.model)
        return load_model(next(iter(MODELS)))

    def parameters(self, model: Model, labels: frozenset[str]) -> dict[str, Parameters]:
        """Return the parameters of every domain, and of the quantities."""
        result = {}
        names = [*(domain.name for domain in model.all_domains), QUANTITIES]
        for own in [] if self.given else self.folders[:-1]:
            for one in sorted((own / "parameters").glob("*.yaml")):
                if one.stem not in names:
                    sentence = f"no domain '{one.stem}' in model '{model.name}': nothing would read this file"
                    self.found.problems.append(Problem(sentence, str(one), hint=nearest(one.stem, names)))
        for name in names:
            try:
                path = self.find("parameters", name)
            except ScenarioError as error:
                self.found.problems += error.problems
                continue
            file = path and self.read(f"parameters/{name}", path, ParametersForm)
            if not file:
                continue
            if file.form.domain != name:
                sentence = f"the file of domain '{name}' says domain '{file.form.domain}'"
                self.found.note(file, ("domain",), sentence)
            result[name] = parameters_from(file, labels, self.found)
        return result

    def population(self, scenario: Checked, model: Model) -> Population | None:
        """Return who is born, the shares checked."""
        name = scenario.form.population
        file = self.named(scenario, ("population",), "populations", name, PopulationForm)
        if file is None:
            return None
        reference = None
        if file.form.fifths_of is not None:
            reference = self.fifths(file, model)
        return PopulationFile(file, model, self.found, reference).read(name)

    def fifths(self, file: Checked, model: Model) -> Mapping[str, Cuts]:
        """Return where the population that a file names cuts its latent traits."""
        other = self.named(file, ("fifths_of",), "populations", file.form.fifths_of, PopulationForm)
        if other is None:
            return {}
        if other.form.fifths_of is not None:
            sentence = f"'{file.form.fifths_of}' takes its own fifths from '{other.form.fifths_of}'"
            self.found.note(file, ("fifths_of",), sentence)
        reading = PopulationFile(other, model, self.found)
        reading.read(file.form.fifths_of)
        return reading.cuts

    def prices(self, scenario: Checked, model: Model) -> tuple[PriceList | None, list[str]]:
        """Return the prices with their index, and the payers."""
        file = self.named(scenario, ("prices",), "prices", scenario.form.prices, PriceListForm)
        index = self.named(scenario, ("prices",), "prices", "indices", IndexForm)
        years: dict[int, float] = {}
        for year, value in index.form.cpi.items() if index else ():
            if re.fullmatch("[12][0-9]{3}", year):
                years[int(year)] = value
            elif index:
                self.found.note(index, ("cpi", year), f"{year!r} is no year", at_key=True)
        if file is None:
            return None, []
        payers: list[str] = file.form.payers
        rows = []
        for name, form in file.form.prices.items():
            path: KeyPath = ("prices", name)
            self.check_price_year(file, (*path, "price_year"), form.price_year, years)
            with self.found.at(file, path):
                rows.append(self.price(file, name, form, model, payers))
        return PriceList(tuple(rows), years), payers

    def price(self, file: Checked, name: str, form: PriceForm, model: Model, payers: list[str]) -> Price:
        """Return one price; raises FramsynError where its quantity, payer or shares are wrong."""
        path: KeyPath = ("prices", name)
        if (form.quantity is None) == (form.when is None):
            both = "and not both" if form.quantity is not None else "and has neither"
            raise ScenarioError(f"price '{name}' needs either `quantity` or `when` with `basis`, {both}")
        before = len(self.found.problems)
        quantity = None
        with self.found.at(file, (*path, "quantity" if form.quantity is not None else "when")):
            quantity = self.quantity(name, form, model)
        if quantity and form.basis is not None and form.basis != quantity.basis:
            sentence = f"quantity '{quantity.name}' is counted {quantity.basis}, and the price asks for {form.basis}"
            self.found.note(file, (*path, "basis"), sentence, f"write {quantity.basis}, or leave it out")
        shares = None
        with self.found.at(file, (*path, "payer")):
            shares = shares_from(form.payer, payers)
        curve = form.cashable if isinstance(form.cashable, list) else [form.cashable]
        for one in curve:
            if isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 <= one <= 1:
                sentence = f"'cashable' must be a share from 0 to 1, or one a year, not {shown(one)}"
                self.found.note(file, (*path, "cashable"), sentence)
        if quantity is None or shares is None or len(self.found.problems) > before:
            raise ScenarioError([])
        note = form.model_dump(include={"title", "unit", "source", "provenance", "cashable_provenance"})
        cashable = tuple(float(one) for one in curve)
        return Price(name, quantity, form.amount, form.price_year, shares, form.kind, cashable, note)

    def quantity(self, name: str, form: PriceForm, model: Model) -> Quantity:
        """Return the quantity that a price is of: a named one, or that of its condition."""
        if form.quantity is not None:
            return model.quantity(form.quantity)
        if form.basis is None:
            raise ScenarioError(f"price '{name}' has `when` and needs its `basis`")
        rule = expression_from(form.when).rule(model.columns)
        tabulate(rule, [model.columns[one] for one in rule.reads], Parameters(), unit="value")
        return Quantity(name, Rule(rule.function, rule.reads, False, name), form.basis, form.unit)

    def check_price_year(self, file: Checked, path: KeyPath, year: int, known: Any) -> None:
        """Note a year that the price index does not have."""
        if known and year not in known:
            self.found.note(file, path, f"the price index has no year {year}; it has {min(known)} to {max(known)}")

    def horizon(self, file: Checked) -> int:
        """Return the number of steps."""
        given = file.form.horizon
        if given == "lifetime":
            return MAX_AGE + 1
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_AGE + 1:
            hint = nearest(given, ["lifetime"]) if isinstance(given, str) else None
            sentence = f"'horizon' is {shown(given)}: it must be 'lifetime' or 1 to {MAX_AGE + 1} years"
            self.found.note(file, ("horizon",), sentence, hint)
            return MAX_AGE + 1
        return given

    def cohort(self, file: Checked, model: Model, population: Population | None, persons: int | None) -> Cohort | None:
        """Return the cohort, its copies (or all its strata alike) changed to hold so many persons."""
        form = file.form.cohort
        births = form.represents or (population.births_per_year if population else None)
        if births is None:
            return None
        copies = self.given.get("copies", form.copies)
        before = len(self.found.problems)
        strata = self.strata(file, model, population)
        if len(self.found.problems) > before:
            return None
        if persons is None:
            return Cohort(form.born, births, copies, strata)
        total = sum(stratum.persons for stratum in strata)
        most = (2**24 if strata else births) * MAX_COPIES
        if not 1 <= persons <= most:
            self.found.problems.append(Problem(f"the number of persons must be 1 to {most:,}, not {persons:,}"))
            return None
        if not strata:
            return Cohort(form.born, births, -(-persons // births))
        scaled = [replace(stratum, persons=-(-persons * stratum.persons // total)) for stratum in strata]
        return Cohort(form.born, births, copies, tuple(scaled))

    def strata(self, file: Checked, model: Model, population: Population | None) -> tuple[Stratum, ...]:
        """Return the strata of the cohort; every mistake is noted at its place."""
        forms = file.form.cohort.strata
        if forms is None:
            return ()
        path: KeyPath = ("cohort", "strata")
        if not 1 <= len(forms) <= MOST_STRATA:
            self.found.note(file, path, f"'strata' must be 1 to {MOST_STRATA}, not {len(forms)}", at_key=True)
        drawn = [one.name for one in population.attributes] if population else []
        strata = []
        for place, (name, form) in enumerate(forms.items()):
            is_last = place == len(forms) - 1
            if (form.when is None) != is_last:
                at: KeyPath = (*path, name) if form.when is None else (*path, name, "when")
                self.found.note(file, at, wrong_condition(name, form.when is None), at_key=form.when is None)
            when = None
            if form.when is not None:
                with self.found.at(file, (*path, name, "when")):
                    when = expression_from(form.when)
                    condition_of(when, drawn if population else model.columns, model.columns)
            strata.append(Stratum(name, self.given.get("strata", {}).get(name, form.persons), when))
        return tuple(strata)

    def arms(
        self,
        file: Checked,
        around: Surroundings,
        parameters: Mapping[str, Parameters],
        prices: PriceList | None,
        labels: frozenset[str],
    ) -> dict[str, Arm]:
        """Return the arms by name, each with its interventions and with what it changes."""
        arms: dict[str, Arm] = {}
        given = file.form.arms
        if BASELINE not in given:
            sentence = "the arms need one named 'baseline'"
            self.found.note(file, ("arms",), sentence, nearest(BASELINE, given), at_key=True)
        for name, form in given.items():
            path: KeyPath = ("arms", name)
            if not _is_name(name):
                self.found.note(file, path, f"{name!r} cannot name an arm", _NAME_RULE, at_key=True)
            chosen = [
                self.chosen(file, (*path, "interventions", place), one, around)
                for place, one in enumerate(form.interventions)
            ]
            changed: dict[str, Parameters] = {}
            for domain, values in form.parameters.items():
                inner: KeyPath = (*path, "parameters", domain)
                own = self.files.get(f"parameters/{domain}")
                if own is None or domain not in parameters:
                    hint = nearest(domain, parameters)
                    self.found.note(file, inner, f"no domain {domain!r} with parameters", hint, at_key=True)
                    continue
                changed[domain] = override(own, values, file, inner, labels, self.found)
            other = self.changed_prices(file, name, prices, around.years)
            with self.found.at(file, (*path, "interventions")):
                arms[name] = Arm(tuple(one for one in chosen if one is not None), changed, other)
        return arms

    def chosen(self, file: Checked, path: KeyPath, choice: ChoiceForm, around: Surroundings) -> Intervention | None:
        """Return an intervention as an arm names it, and check that the horizon reaches it."""
        other = self.named(file, path, "interventions", choice.use, InterventionForm)
        if other is None:
            return None
        one = intervention_from(choice.use, other, around, self.found, choice, file, path)
        horizon = file.form.horizon
        if one is not None and isinstance(horizon, int) and 1 <= horizon <= one.ages[0]:
            sentence = f"'{choice.use}' starts at age {one.ages[0]}, after the horizon of {horizon} years"
            self.found.note(file, path, sentence)
        return one

    def changed_prices(self, file: Checked, arm: str, prices: PriceList | None, years: Any) -> dict[str, Price]:
        """Return the prices that an arm changes."""
        known = {price.name: price for price in prices.prices} if prices else {}
        changed = {}
        for name, form in file.form.arms[arm].prices.items():
            path: KeyPath = ("arms", arm, "prices", name)
            if name not in known:
                if prices is not None:
                    self.found.note(file, path, f"no price {name!r}", nearest(name, known), at_key=True)
                continue
            changes = form.model_dump(exclude_none=True)
            if "price_year" in changes:
                self.check_price_year(file, (*path, "price_year"), changes["price_year"], years)
            changed[name] = replace(known[name], **changes)
        return changed


_NAME_RULE = "letters, digits, . _ - only, at most 80, and no word that Windows reserves"


def _is_name(name: str) -> bool:
    """Return whether a name is safe as the name of a file on every system."""
    return bool(_NAME.fullmatch(name)) and name.split(".")[0].lower() not in _RESERVED


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
