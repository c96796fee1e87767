"""Make every table of a plan; where one cannot be made, say which figure of which file it is. Layer 6."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.domain import Domain, Move, Quantity
from sim.errors import FramsynError, RuleError
from sim.form_check import Checked, Findings
from sim.model import MAX_AGE, Model
from sim.parameters import Change
from sim.plan import Plan
from sim.scenario import BASELINE
from sim.source import KeyPath
from sim.tables import Axis, Column, Parameters, Rule, Table, axes_of, cell_text, tabulate

QUANTITIES = "quantities"
"""The name under which the quantities have their parameters."""


@dataclass(frozen=True)
class Files:
    """Where the figures of a plan stand."""

    scenario: Checked
    parameters: Mapping[str, Checked]
    """By domain."""
    interventions: Mapping[str, Checked]
    """By name in the catalogue."""
    local: Mapping[str, Mapping[str, Change]]
    """What differs in the place, by domain and name."""

    def value(self, domain: str, name: str) -> tuple[Checked, KeyPath]:
        """Return where the value of a parameter stands that holds unless an arm says another."""
        own = self.local.get(domain, {}).get(name)
        return (own.file, own.path) if own else (self.parameters[domain], ("parameters", name, "value"))


def make_tables(plan: Plan, files: Files, found: Findings) -> None:
    """Make every table of the plan; note each mistake at the figure that makes it."""
    before = len(found.problems)
    for arm in _arms(plan):
        _check_quantities(plan, arm, files, found)
    try:
        plan.make_tables()
    except FramsynError as error:
        _find_rules(plan, files, found)
        if len(found.problems) == before:
            _find_arms(plan, files, found)
        if len(found.problems) == before:
            with found.at(files.scenario, ()):
                raise error


def note_unread(parameters: Parameters, file: Checked, found: Findings) -> None:
    """Note every parameter of a file that no rule has read, so that nobody takes it to act."""
    for name in parameters.unread:
        path: KeyPath = ("parameters", name)
        found.note(
            file,
            path,
            f"no rule of '{parameters.domain}' reads the parameter {name!r}: it would change nothing",
            "leave it out",
            at_key=True,
        )


def _arms(plan: Plan) -> list[str]:
    """Return the arms whose parameters differ: the baseline, and those that change some."""
    return [name for name in plan.arms if name == BASELINE or name in plan.changed]


def _concerned(plan: Plan, arm: str, domain: str) -> bool:
    return arm == BASELINE or domain in plan.scenario.arms[arm].parameters


def _find_rules(plan: Plan, files: Files, found: Findings) -> None:
    """Try every rule by itself, in every arm that changes its parameters."""
    for arm in _arms(plan):
        for domain in plan.scenario.model.all_domains:
            if not _concerned(plan, arm, domain.name):
                continue
            parameters = plan.parameters_of(arm).get(domain.name, Parameters(domain.name))
            for value in domain.group_values:
                trial = _Trial(parameters)
                try:
                    value.window(trial)
                except FramsynError as error:
                    _note(files, found, arm, trial, error)
            for move in domain.moves:
                trial = _Trial(parameters)
                try:
                    _try_move(plan.scenario.model, domain, move, trial)
                except FramsynError as error:
                    _note(files, found, arm, trial, error)


def _try_move(model: Model, domain: Domain, move: Move, parameters: Parameters) -> None:
    """Make the tables of one transition; raises RuleError or ModelError."""
    low, high = (parameters.window(bound, f"'{move.name}'") for bound in move.ages)
    if not 0 <= low <= high <= MAX_AGE:
        raise RuleError(f"the ages {low} to {high} of '{move.name}' must rise within 0 to {MAX_AGE}")
    upper, unit = (1 + 1e-9, "probability") if move.kind == "occasion" else (math.inf, "hazard")
    factors = [f.rule for f in domain.factors if (f.from_state, f.to) == (move.from_state, move.to[0])]
    for rule in (move.rule, *factors):
        columns = _columns(rule, model)
        tabulate(rule, columns, parameters, ages=(low, high), upper=upper, unit=unit)


def _check_quantities(plan: Plan, arm: str, files: Files, found: Findings) -> None:
    """Try every quantity of the model: prices and measures are applied only after the simulation."""
    if not _concerned(plan, arm, QUANTITIES):
        return
    parameters = plan.parameters_of(arm).get(QUANTITIES, Parameters(QUANTITIES))
    for quantity in plan.scenario.model.quantities.rows.values():
        try:
            _try_quantity(quantity, plan.scenario.model, parameters)
        except FramsynError:
            trial = _Trial(parameters)
            try:
                _try_quantity(quantity, plan.scenario.model, trial)
            except FramsynError as error:
                _note(files, found, arm, trial, error)


def _try_quantity(quantity: Quantity, model: Model, parameters: Parameters) -> None:
    columns = _columns(quantity.rule, model)
    amount = quantity.rule.evaluate(axes_of(columns, None, {}), parameters)[0]
    grid = np.broadcast_to(amount, [column.size for column in columns])
    if not np.isfinite(grid).all():
        cell = np.unravel_index(int(np.argmin(np.isfinite(grid))), grid.shape)
        raise RuleError(f"quantity '{quantity.name}' is not finite at {cell_text(columns, cell)}")
    for days in quantity.days or ():
        if isinstance(days, str):
            getattr(parameters, days)


def _find_arms(plan: Plan, files: Files, found: Findings) -> None:
    """Try what no rule shows by itself: probabilities that add up, single effects, interventions together."""
    before = len(found.problems)
    for arm in _arms(plan):
        try:
            plan.program_of(arm, ())
        except FramsynError as error:
            _note(files, found, arm, _Trial(Parameters(_domain_named(plan, error))), error)
    if len(found.problems) > before:
        return
    for arm, offers in plan.arms.items():
        known = len(found.problems)
        for offer in offers:
            file = files.interventions[offer.catalogue_name]
            same = len(offer.effects) == len(file.form.effects)  # not so where a line acts on two kinds
            for number, effect in enumerate(offer.effects):
                with found.at(file, ("effects", number) if same else ("effects",)):
                    plan.program_of(arm, (replace(offer, effects=(effect,)),))
        if len(found.problems) == known:
            with found.at(files.scenario, ("arms", arm)):
                plan.program_of(arm, offers)


class _LookedUp(Table):
    """A table that notes that it was looked up."""

    def __init__(self, table: Table, names: set[str]) -> None:
        super().__init__(table.name, table.keys, table.values)
        self.names = names

    def __getitem__(self, index: Any) -> Axis:
        self.names.add(self.name)
        return super().__getitem__(index)


class _Trial(Parameters):
    """A copy of parameters that notes what a rule reads, in order, and which tables it looks up."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(parameters.domain, {name: getattr(parameters, name) for name in parameters.names})
        self.order: list[str] = []
        self.looked_up: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        self.order.append(name)
        return _LookedUp(value, self.looked_up) if isinstance(value, Table) else value


def _columns(rule: Rule, model: Model) -> list[Column]:
    return [model.columns[name] for name in rule.reads]


def _domain_named(plan: Plan, error: FramsynError) -> str:
    """Return the domain whose transition a message names first."""
    names = re.findall(r"'(\w+)", error.problems[0].message)
    known = {domain.name for domain in plan.scenario.model.all_domains}
    return next((name for name in names if name in known), "")


def _note(files: Files, found: Findings, arm: str, read: _Trial, error: FramsynError) -> None:
    """Note a mistake of a domain's figures at the parameter that it names, or at the one most likely meant."""
    changed = [*files.scenario.form.arms[arm].parameters.get(read.domain, {})] if arm != BASELINE else []
    names = list(dict.fromkeys(read.order))
    for problem in error.problems:
        message, hint = _kind_of_parameter(problem.message, read), problem.hint
        named = [name for name in names if f"parameter '{name}'" in message or f"names '{name}'" in message]
        if named or "has no parameter" in message:
            message = re.sub("^rule '.*?': ", "", message)  # the same for every rule that reads it
        elif len(names) > 1 and hint is None:
            hint = "it reads " + ", ".join(names)
        if arm != BASELINE:
            own = [name for name in named or names or changed if name in changed]
            if own:  # else it is the baseline's mistake
                found.note(files.scenario, ("arms", arm, "parameters", read.domain, own[0]), message, hint)
        elif read.domain not in files.parameters:
            found.note(files.scenario, (), message, hint)
        elif "has no parameter" in message or not names:
            found.note(files.parameters[read.domain], ("parameters",), message, hint, at_key=True)
        else:
            found.note(*files.value(read.domain, (named or names)[0]), message, hint)


def _kind_of_parameter(message: str, read: _Trial) -> str:
    """Return the message; a table where a rule takes a number, or the reverse, is said in those words."""
    wants_table = "is not subscriptable" in message
    if "cannot be tabulated" not in message or not (wants_table or "'_LookedUp'" in message):
        return message
    order = tuple(read.order)
    tables = {name for name in order if isinstance(getattr(read, name), Table)}
    likely = [name for name in order if name not in (tables if wants_table else read.looked_up)]
    if not wants_table:
        likely = [name for name in likely if name in tables]
    if not likely:
        return message
    found, wanted = ("one number", "a table") if wants_table else ("a table", "one number")
    return f"parameter '{likely[-1]}' is {found}, and the rule takes {wanted}"
