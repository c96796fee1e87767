"""From files to a plan: every file read, checked against its form and against the others. Layer 7.

All mistakes of all files are collected and reported together, each at its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import sim
from sim.arm_file import ArmFile, Stated
from sim.catalogue import Surroundings
from sim.cohort_file import cohort_from
from sim.errors import FramsynError, Problem, RuleError, ScenarioError, nearest
from sim.file_names import NAME_RULE, is_file_name
from sim.form_check import Checked, Findings, shown
from sim.latent import Cuts
from sim.ledger import Need
from sim.links import LINKS, CommonShare, Link, Linking, common_share_from
from sim.model import MAX_AGE, Model
from sim.municipality_file import MunicipalityFile
from sim.parameters import Change, parameters_from
from sim.people import Population
from sim.plan import Plan, bind
from sim.population_file import PopulationFile
from sim.population_schema import PopulationForm
from sim.price_files import changed_prices, check_price_year, index_from, price_list_from
from sim.prices import Economics, PriceList
from sim.recentring import pilot, recentred
from sim.scenario import BASELINE, Arm, Scenario, check_whole_copies
from sim.schema import (
    IndexForm,
    InterventionForm,
    ParametersForm,
    PriceListForm,
    ScenarioForm,
)
from sim.source import KeyPath, Source, read_yaml, source_from_values
from sim.strata import StratumError
from sim.table_check import QUANTITIES, Files, make_tables, note_unread
from sim.tables import Parameters

MODELS = {"lifecourse": "sim.lifecourse"}
"""Models that a scenario can name, and the module that holds each as MODEL."""

KINDS = ("interventions", "parameters", "populations", "prices")
"""Folders beside a scenario whose files come before the shipped ones of the same name."""

RECENTRED = "recentred"
"""Under which a run folder keeps what holds the means at another causal share."""


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
        around = Surroundings(model, payers, years)
        stated = Stated(parameters, self.of_kind("parameters"), local, linking, labels, prices)
        arms = self.arms(file, stated, around)
        for number, name in enumerate(form.measures):
            with self.found.at(file, ("measures", number)):
                model.quantity(name)
        horizon = self.horizon(file)
        check_price_year(file, ("economics", "price_year"), form.economics.price_year, years, self.found)
        read = MunicipalityFile(file, place, model, prices, self.found)
        town, cohort = None, None
        if form.municipality is None:
            cohort = cohort_from(file, model, population, persons, self.given, self.found)
        elif population is not None and prices is not None:
            town, cohort = read.municipality(population, persons, self.given)
        read.check_arms(town, cohort, arms)
        if cohort is not None:
            with self.found.at(file, ("cohort", "strata") if cohort.strata else ("cohort",)):
                check_whole_copies(cohort, arms)
        economics = None
        with self.found.at(file, ("economics", "counted")):
            economics = Economics(**form.economics.model_dump())
        if self.found.problems or population is None or prices is None or cohort is None or economics is None:
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
                economics=economics,
                prices=prices,
                measures=tuple(form.measures),
                needs=extra,
                title=form.title,
                name=resolved["name"],
                resolved=resolved,
                links=links,
                municipality=town,
                causal_share=linking.common.share if linking.common else None,
            )
            if linking.common and linking.common.share != linking.common.reference:
                there = replace(linking, common=CommonShare(linking.common.reference, linking.common.reference))
                own, _ = self.parameters(there, labels, local)
                others = self.arms(file, replace(stated, parameters=own, linking=there), around)
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
        parameters, interventions = (
            {name: one for name, one in self.of_kind(kind).items() if one is not None}
            for kind in ("parameters", "interventions")
        )
        make_tables(plan, Files(file, parameters, interventions, local), self.found)
        shipped = self.folders[-1].resolve()
        for domain, one in parameters.items():
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

    def of_kind(self, kind: str) -> dict[str, Checked | None]:
        """Return the files of a kind read so far, by name; None for one that cannot be used."""
        return {key.removeprefix(f"{kind}/"): one for key, one in self.files.items() if key.startswith(f"{kind}/")}

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
        if not is_file_name(name):
            self.found.note(file, path, f"{name!r} cannot name a file of {kind}/", NAME_RULE)
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

    def arms(self, file: Checked, stated: Stated, around: Surroundings) -> dict[str, Arm]:
        """Return the arms by name, the files of their interventions read."""

        def named(path: KeyPath, name: str) -> Checked | None:
            return self.named(file, path, "interventions", name, InterventionForm)

        return ArmFile(file, stated, around, self.found, named).arms()


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
