"""From files to a plan: every file read, checked against its form and against the others. Layer 7.

All mistakes of all files are collected and reported together, each at its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import sim
from sim.catalogue import Surroundings, expression_from, intervention_from
from sim.errors import FramsynError, Problem, RuleError, ScenarioError, nearest
from sim.form_check import Checked, Findings, shown
from sim.intervention import Intervention
from sim.latent import Cuts
from sim.ledger import Need
from sim.links import LINKS, CommonShare, Link, Linking, common_share_from
from sim.model import MAX_AGE, Model
from sim.parameters import Change, parameters_from
from sim.people import Population
from sim.plan import Plan, bind
from sim.population_file import PopulationFile
from sim.price_files import changed_prices, check_price_year, index_from, price_list_from
from sim.prices import Economics, PriceList
from sim.recentring import pilot, recentred
from sim.scenario import BASELINE, MOST_STRATA, Arm, Cohort, Scenario, Stratum, wrong_condition
from sim.schema import (
    ChoiceForm,
    IndexForm,
    InterventionForm,
    ParametersForm,
    PopulationForm,
    PriceListForm,
    ScenarioForm,
)
from sim.source import KeyPath, Source, read_yaml, source_from_values
from sim.strata import StratumError, condition_of
from sim.table_check import QUANTITIES, Files, make_tables, note_unread
from sim.tables import Parameters

MODELS = {"lifecourse": "sim.lifecourse"}
"""Models that a scenario can name, and the module that holds each as MODEL."""

KINDS = ("interventions", "parameters", "populations", "prices")
"""Folders beside a scenario whose files come before the shipped ones of the same name."""

MAX_COPIES = 2**16

RECENTRED = "recentred"
"""Under which a run folder keeps what holds the means at another causal share."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{k}" for n in ("com", "lpt") for k in range(1, 10))}


def shipped_folder() -> Path:
    """Return the scenario folder that comes with the program."""
    inside = Path(sim.__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(sim.__file__).parent.parent / "scenarios"


def load_plan(
    path: str | Path,
    *,
    persons: int | None = None,
    extra: tuple[Need, ...] = (),
    causal_share: float | None = None,
) -> Plan:
    """Read a scenario file and everything it names, and bind it.

    persons: changes the number of copies, rounded up to whole ones, or the persons of all strata alike; extra:
    further columns to be counted; causal_share: of links known only as associations, instead of the scenario's own.
    Raises ScenarioError with all mistakes of all files at once.
    """
    return _Loader(Path(path), {}).plan(persons, extra, causal_share)


def load_plans(path: str | Path, causal_shares: Iterable[float | None], *, persons: int | None = None) -> list[Plan]:
    """Read a scenario as `load_plan` does, once, and bind it at each of several causal shares."""
    loader = _Loader(Path(path), {})
    return [loader.plan(persons, (), share) for share in causal_shares]


def load_resolved(resolved: Mapping[str, Any]) -> Plan:
    """Bind a scenario again from what a run folder holds: every file's values, copies and causal share."""
    return _Loader(Path("scenario"), resolved).plan(None, (), resolved.get("causal_share"))


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

    def plan(self, persons: int | None, extra: tuple[Need, ...], causal_share: float | None) -> Plan:
        """Return the plan with its tables made, or raise every mistake found."""
        file = self.read("scenario", self.path, ScenarioForm)
        if file is None:
            raise ScenarioError(self.found.problems)
        form: ScenarioForm = file.form
        model = self.model(file)
        labels = frozenset(label for column in model.columns.values() for label in column.labels or ())
        linking = self.linking(model, labels, form.causal_share if causal_share is None else causal_share)
        place = self.place(file)
        local = self.local(place)
        parameters, links = self.parameters(linking, labels, local)
        self.check_local(place, parameters)
        population = self.population(file, place, model)
        prices, payers = self.prices(file, place, model)
        years = tuple(prices.index) if prices else ()
        arms = self.arms(file, Surroundings(model, payers, years), parameters, prices, linking, labels, local)
        for number, name in enumerate(form.measures):
            with self.found.at(file, ("measures", number)):
                model.quantity(name)
        horizon = self.horizon(file)
        check_price_year(file, ("economics", "price_year"), form.economics.price_year, years, self.found)
        cohort = self.cohort(file, model, population, persons)
        if self.found.problems or population is None or prices is None or cohort is None:
            raise ScenarioError(_unique(self.found.problems))
        resolved = {**self.resolved, "name": self.given.get("name", self.path.stem), "copies": cohort.copies}
        if cohort.strata:
            resolved["strata"] = {stratum.name: stratum.persons for stratum in cohort.strata}
        if causal_share is not None:
            resolved["causal_share"] = causal_share
        with self.found.at(file, ()):
            scenario = Scenario(
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
                name=resolved["name"],
                resolved=resolved,
                links=links,
                causal_share=linking.common.share if linking.common else None,
            )
            if linking.common and linking.common.share != linking.common.reference:
                there = replace(linking, common=CommonShare(linking.common.reference, linking.common.reference))
                own, _ = self.parameters(there, labels, local)
                others = self.arms(file, Surroundings(model, payers, years), own, prices, there, labels, local)
                reference = replace(scenario, parameters=own, arms={BASELINE: others[BASELINE]})
                scenario = self.recentred(scenario, reference, file, local)
            plan = self.bound(file, scenario)
            self.make_tables(plan, file, local)
            if not self.found.problems:
                return plan
        raise ScenarioError(_unique(self.found.problems))

    def recentred(
        self, scenario: Scenario, reference: Scenario, file: Checked, local: Mapping[str, Mapping[str, Change]]
    ) -> Scenario:
        """Return the scenario with what holds its means at those of the share of reference.

        A run folder holds the factors; else they are found. Mistakes in tables of the reference are noted.
        """
        if self.given:
            names = self.given.get(RECENTRED, {})
            found = {scenario.model.transition(name): size for name, size in names.items()}
        else:
            then, now = pilot(reference), pilot(scenario)
            self.make_tables(then, file, local)
            if self.found.problems:
                raise ScenarioError(self.found.problems)
            try:
                found = recentred(then, now)
            except RuleError:  # met again, and placed, when the scenario's tables are made
                return scenario
            names = {f"{domain}: {state} -> {to}": size for (domain, state, to), size in found.items()}
        return replace(scenario, recentred=found, resolved={**scenario.resolved, RECENTRED: names})

    def bound(self, file: Checked, scenario: Scenario) -> Plan:
        """Return the scenario bound; a stratum that cannot be is noted where it stands."""
        try:
            return bind(scenario)
        except StratumError as error:
            own = scenario.cohort.strata[-1].name != error.stratum
            path: KeyPath = ("cohort", "strata", error.stratum, *(("when",) if own else ()))
            problem = error.problems[0]
            raise ScenarioError(file.source.problem(path, problem.message, problem.hint, at_key=not own)) from None

    def make_tables(self, plan: Plan, file: Checked, local: Mapping[str, Mapping[str, Change]]) -> None:
        """Make all tables; note mistakes at the figures that make them, and figures that nothing reads."""
        of_kind: dict[str, dict[str, Checked]] = {kind: {} for kind in KINDS}
        for key, one in self.files.items():
            kind, _, name = key.partition("/")
            if one is not None and name:
                of_kind[kind][name] = one
        make_tables(plan, Files(file, of_kind["parameters"], of_kind["interventions"], local), self.found)
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

    def linking(self, model: Model, labels: frozenset[str], stated: float | None) -> Linking:
        """Return what links are read against: the model, and what share of an association is causal.

        stated: that share, where the scenario or the caller says it.
        """
        unlinked = Linking(model, None)
        file = self.parameter_file(LINKS)
        if file is None:
            return unlinked
        own, _ = parameters_from(file, labels, unlinked, self.found)
        return Linking(model, common_share_from(file, own, stated, self.found), own)

    def place(self, scenario: Checked) -> Checked | None:
        """Return the population file, which also says what differs in the place."""
        return self.named(scenario, ("population",), "populations", scenario.form.population, PopulationForm)

    def local(self, place: Checked | None) -> dict[str, dict[str, Change]]:
        """Return the parameters that have another value in the place, by domain and name."""
        if place is None:
            return {}
        result: dict[str, dict[str, Change]] = {}
        for domain, rows in place.form.local.parameters.items():
            result[domain] = {}
            for name, one in rows.items():
                key: KeyPath = ("local", "parameters", domain, name)
                note = {"source": one.source, "provenance": one.provenance}
                result[domain][name] = Change(one.value, place, (*key, "value"), key, note)
        return result

    def check_local(self, place: Checked | None, parameters: Mapping[str, Parameters]) -> None:
        """Note domains whose parameters a place cannot change."""
        if place is None:
            return
        for domain in place.form.local.parameters:
            path: KeyPath = ("local", "parameters", domain)
            if domain == LINKS:
                sentence = "a place cannot change what share of an association is causal"
                self.found.note(place, path, sentence, "state `causal_share` in the scenario", at_key=True)
            elif not self.is_read(domain):
                known = [name for name in parameters if name != LINKS]
                sentence = f"no domain {domain!r} with parameters"
                self.found.note(place, path, sentence, nearest(domain, known), at_key=True)

    def parameters(
        self, linking: Linking, labels: frozenset[str], local: Mapping[str, Mapping[str, Change]]
    ) -> tuple[dict[str, Parameters], tuple[Link, ...]]:
        """Return the parameters of every domain, of the quantities and of links, and all links."""
        model = linking.model
        names = [*(domain.name for domain in model.all_domains), QUANTITIES]
        for own in [] if self.given else self.folders[:-1]:
            for one in sorted((own / "parameters").glob("*.yaml")):
                if one.stem not in (*names, LINKS):
                    sentence = f"no domain '{one.stem}' in model '{model.name}': nothing would read this file"
                    self.found.problems.append(Problem(sentence, str(one), hint=nearest(one.stem, names)))
        result = {LINKS: linking.parameters} if linking.parameters else {}
        links: list[Link] = []
        for name in names:
            if file := self.parameter_file(name):
                result[name], own_links = parameters_from(file, labels, linking, self.found, local.get(name))
                links += own_links
        return result, tuple(links)

    def is_read(self, domain: str) -> bool:
        """Return whether a domain has a parameter file, perhaps one with mistakes that are noted there."""
        return f"parameters/{domain}" in self.files

    def parameter_file(self, name: str) -> Checked | None:
        """Return the parameter file of a domain, its mistakes of form noted; None where there is none."""
        try:
            path = self.find("parameters", name)
        except ScenarioError as error:
            self.found.problems += error.problems
            return None
        file = self.read(f"parameters/{name}", path, ParametersForm) if path else None
        if file and file.form.domain != name:
            sentence = f"the file of domain '{name}' says domain '{file.form.domain}'"
            self.found.note(file, ("domain",), sentence)
        return file

    def population(self, scenario: Checked, file: Checked | None, model: Model) -> Population | None:
        """Return who is born, the shares checked."""
        if file is None:
            return None
        reference = None
        if file.form.fifths_of is not None:
            reference = self.fifths(file, model)
        return PopulationFile(file, model, self.found, reference).read(scenario.form.population)

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

    def prices(self, scenario: Checked, place: Checked | None, model: Model) -> tuple[PriceList | None, list[str]]:
        """Return the prices of the place with their index, and the payers."""
        file = self.named(scenario, ("prices",), "prices", scenario.form.prices, PriceListForm)
        index = self.named(scenario, ("prices",), "prices", "indices", IndexForm)
        years = index_from(index, self.found) if index else {}
        if file is None:
            return None, []
        prices = price_list_from(file, years, model, self.found)
        if place is not None:
            own = changed_prices(place, ("local", "prices"), place.form.local.prices, prices, self.found)
            prices = replace(prices, prices=tuple(own.get(price.name, price) for price in prices.prices))
        return prices, file.form.payers

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
        linking: Linking,
        labels: frozenset[str],
        local: Mapping[str, Mapping[str, Change]],
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
                if not self.is_read(domain):
                    hint = nearest(domain, parameters)
                    self.found.note(file, inner, f"no domain {domain!r} with parameters", hint, at_key=True)
                if own is None or domain not in parameters:
                    continue
                if domain == LINKS:
                    sentence = "an arm cannot change what share of an association is causal"
                    self.found.note(file, inner, sentence, "state `causal_share` for the whole scenario", at_key=True)
                    continue
                changes = {one: Change(value, file, (*inner, one), (*inner, one)) for one, value in values.items()}
                changes = {**local.get(domain, {}), **changes}
                changed[domain], _ = parameters_from(own, labels, linking, self.found, changes)
            other = changed_prices(file, (*path, "prices"), form.prices, prices, self.found) if prices else {}
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


_NAME_RULE = "letters, digits, . _ - only, at most 80, and no word that Windows reserves"


def _is_name(name: str) -> bool:
    """Return whether a name is safe as the name of a file on every system."""
    return bool(_NAME.fullmatch(name)) and name.split(".")[0].lower() not in _RESERVED


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
