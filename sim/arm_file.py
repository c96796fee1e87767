"""The arms of a scenario, from its file: what each offers, and which parameters and prices it changes. Layer 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.catalogue import Surroundings, intervention_from
from sim.errors import nearest
from sim.file_names import NAME_RULE, is_file_name
from sim.form_check import Checked, Findings
from sim.intervention import Intervention
from sim.links import LINKS, Linking
from sim.model import MAX_AGE
from sim.municipality import Wave
from sim.parameters import Change, parameters_from
from sim.price_files import changed_prices
from sim.prices import PriceList
from sim.scenario import BASELINE, Arm
from sim.schema import ArmForm, ChoiceForm
from sim.source import KeyPath
from sim.tables import Parameters


@dataclass(frozen=True)
class Stated:
    """What holds for the whole scenario, and what an arm may change."""

    parameters: Mapping[str, Parameters]
    """By domain."""
    parameter_files: Mapping[str, Checked | None]
    """By domain; None for a file that cannot be used, whose mistakes are noted."""
    local: Mapping[str, Mapping[str, Change]]
    """What differs in the place, by domain and name."""
    linking: Linking
    labels: frozenset[str]
    """Of all columns of the model."""
    prices: PriceList | None
    """None where it could not be read."""


@dataclass(frozen=True)
class ArmFile:
    """A scenario file, read for its arms; mistakes are noted at their places."""

    file: Checked
    stated: Stated
    around: Surroundings
    found: Findings
    named: Callable[[KeyPath, str], Checked | None]
    """Reads the file of an intervention that is named at a place of the scenario."""

    def arms(self) -> dict[str, Arm]:
        """Return the arms by name, each with its interventions and with what it changes."""
        arms: dict[str, Arm] = {}
        given = self.file.form.arms
        if BASELINE not in given:
            sentence = "the arms need one named 'baseline'"
            self.found.note(self.file, ("arms",), sentence, nearest(BASELINE, given), at_key=True)
        for name, form in given.items():
            path: KeyPath = ("arms", name)
            if not is_file_name(name):
                self.found.note(self.file, path, f"{name!r} cannot name an arm", NAME_RULE, at_key=True)
            chosen = [
                self.intervention((*path, "interventions", place), one) for place, one in enumerate(form.interventions)
            ]
            changed = self.parameters(path, form)
            prices = self.stated.prices
            other = changed_prices(self.file, (*path, "prices"), form.prices, prices, self.found) if prices else {}
            with self.found.at(self.file, (*path, "interventions")):
                waves = tuple(Wave(one.begins, one.copies, one.effect) for one in form.rollout)
                arms[name] = Arm(tuple(one for one in chosen if one is not None), changed, other, waves)
        return arms

    def parameters(self, path: KeyPath, form: ArmForm) -> dict[str, Parameters]:
        """Return the parameters of the domains in which an arm changes any."""
        stated = self.stated
        changed: dict[str, Parameters] = {}
        for domain, values in form.parameters.items():
            inner: KeyPath = (*path, "parameters", domain)
            own = stated.parameter_files.get(domain)
            if domain not in stated.parameter_files:
                hint = nearest(domain, stated.parameters)
                self.found.note(self.file, inner, f"no domain {domain!r} with parameters", hint, at_key=True)
            if own is None or domain not in stated.parameters:
                continue
            if domain == LINKS:
                sentence = "an arm cannot change what share of an association is causal"
                hint = "state `causal_share` for the whole scenario"
                self.found.note(self.file, inner, sentence, hint, at_key=True)
                continue
            changes = {one: Change(value, self.file, (*inner, one), (*inner, one)) for one, value in values.items()}
            changes = {**stated.local.get(domain, {}), **changes}
            changed[domain], _ = parameters_from(own, stated.labels, stated.linking, self.found, changes)
        return changed

    def years(self) -> tuple[int, int]:
        """Return the first and last calendar year of the scenario."""
        form = self.file.form
        if form.municipality is not None:
            return form.municipality.start, form.municipality.start + form.municipality.years - 1
        born = form.cohort.born if form.cohort is not None else 0
        return born, born + (form.horizon if isinstance(form.horizon, int) else MAX_AGE + 1) - 1

    def intervention(self, path: KeyPath, choice: ChoiceForm) -> Intervention | None:
        """Return an intervention as an arm names it, and check that the horizon reaches it."""
        other = self.named(path, choice.use)
        if other is None:
            return None
        one = intervention_from(choice.use, other, self.around, self.found, choice, self.file, path)
        horizon = self.file.form.horizon
        if one is not None and isinstance(horizon, int) and 1 <= horizon <= one.ages[0]:
            sentence = f"'{choice.use}' starts at age {one.ages[0]}, after the horizon of {horizon} years"
            self.found.note(self.file, path, sentence)
        born, until = self.years()
        for first, last in [line.years for line in one.costs if line.years is not None] if one else ():
            if last < born or first > until:
                sentence = f"a fixed cost of '{choice.use}' is paid from {first} to {last}: the scenario is of"
                self.found.note(self.file, path, f"{sentence} {born} to {until}")
        return one
