"""Parameters with their unit, uncertainty, source and provenance, from files to what rules read. Layer 6."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.errors import nearest
from sim.form_check import Checked, Findings, shown
from sim.links import Link, Linking, linked
from sim.schema import ParameterForm, ParametersForm
from sim.source import KeyPath
from sim.tables import Parameters, Table

LAST_AGE = 100

MOST_LOG = 10.0
"""The largest log ratio that is believed: e^10 is twenty-two thousand."""

_BAND = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")
_SHORT_STEP = re.compile(r"\b(?:per (month|quarter|week|day)|(month|quarter|week)ly|daily)\b")
_STEPS_A_YEAR = {"month": 12, "quarter": 4, "week": 52, "day": 365}


@dataclass(frozen=True)
class Change:
    """Another value of a parameter, and where a file says so."""

    value: Any
    file: Checked
    path: KeyPath
    """Where the value stands."""
    key: KeyPath
    """Where the parameter is named."""
    note: Mapping[str, str] = field(default_factory=dict)
    """Source and provenance, where they are others than in the parameter's file."""


def parameters_from(
    file: Checked,
    labels: Collection[str],
    linking: Linking,
    found: Findings,
    changes: Mapping[str, Change] | None = None,
) -> tuple[Parameters, tuple[Link, ...]]:
    """Return the parameters of a file as rules read them, and the links among them; every mistake is noted.

    labels: the labels of all columns of the model, which a table's keys must be among unless they are ages; changes:
    values by name that a place or an arm has instead. A changed link is an association like that of the file: its
    causal part is what acts.
    """
    form: ParametersForm = file.form
    given = {
        name: Change(one.value, file, ("parameters", name, "value"), ("parameters", name))
        for name, one in form.parameters.items()
    }
    for name, change in (changes or {}).items():
        if name in given:
            given[name] = change
        else:
            hint = nearest(name, given)
            sentence = f"domain '{form.domain}' has no parameter {name!r}"
            found.note(change.file, change.key, sentence, hint, at_key=True)
    values: dict[str, float | Table] = {}
    for name, one in form.parameters.items():
        path: KeyPath = ("parameters", name)
        if reason := _wrong_uncertainty(one):
            found.note(file, (*path, "uncertainty"), reason)
        if wrong := _wrong_step(one):
            found.note(file, (*path, "unit"), *wrong)
        now = given[name]
        values[name] = _Reading(name, one.unit, labels, now.file, found).value(now.value, now.path)
    stated = {name: one.model_copy(update=dict(given[name].note)) for name, one in form.parameters.items()}
    form = form.model_copy(update={"parameters": stated})
    causal, links = linked(form, values, linking, file, lambda name: (given[name].file, given[name].path), found)
    return Parameters(form.domain, causal), links


@dataclass
class _Reading:
    """One parameter being read: a number, or a table by ages, closed bands of ages or labels, nested."""

    name: str
    unit: str
    labels: Collection[str]
    file: Checked
    found: Findings

    def value(self, given: Any, path: KeyPath) -> float | Table:
        """Return the number or the table; mistakes are noted."""
        if not isinstance(given, Mapping):
            return self.number(given, path)
        before = len(self.found.problems)
        keys: list[tuple[str, ...]] = []
        rows = self.rows(given, keys, 0, path)
        if len(self.found.problems) > before:
            return Table(self.name, [], np.zeros(()))
        return Table(self.name, keys, np.array(rows, dtype=np.float64))

    def note(self, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Note a mistake of this parameter."""
        self.found.note(self.file, path, f"parameter '{self.name}' {message}", hint, at_key=at_key)

    def number(self, given: Any, path: KeyPath) -> float:
        """Return a number within the bounds of its unit."""
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            self.note(path, f"must be a number or a table of numbers, not {shown(given)}")
            return 0.0
        low, high = _bounds(self.unit)
        if low <= given <= high:
            return float(given)
        if math.isinf(high):
            self.note(path, f"is {given:g} {self.unit}: it must be 0 or more")
        else:
            self.note(path, f"is {given:g}, but a {self.unit} must be {low:g} to {high:g}", _rate_hint(given, high))
        return 0.0

    def rows(self, node: Mapping[str, Any], keys: list[tuple[str, ...]], depth: int, path: KeyPath) -> list[Any]:
        """Return the rows of a (nested) table, bands expanded; every branch must have the same keys."""
        before = len(self.found.problems)
        values: dict[str, Any] = {}
        for key, value in node.items():
            inner = (*path, key)
            read = self.rows(value, keys, depth + 1, inner) if isinstance(value, Mapping) else self.number(value, inner)
            for one in self.expanded(key, inner):
                if one in values:
                    self.note(inner, f"has two values for {one}", at_key=True)
                values[one] = read
        if not node:
            self.note(path, "is a table without rows")
        if len(self.found.problems) == before:
            self.check_ages(values, path)
        if len({isinstance(value, list) for value in values.values()}) > 1:
            self.note(path, "has some rows that are numbers and some that are tables")
        while len(keys) <= depth:
            keys.append(())
        if not keys[depth]:
            keys[depth] = tuple(values)
        elif set(values) != set(keys[depth]):
            odd = min(set(values) ^ set(keys[depth]))
            self.note(path, f"has rows that differ in {odd!r}; every row needs the same keys")
        return [values[key] for key in keys[depth] if key in values]

    def expanded(self, key: str, path: KeyPath) -> list[str]:
        """Return the ages of a band as text, or the label itself."""
        band = _BAND.fullmatch(key)
        if band is None:
            if key not in self.labels:
                near = nearest(key, sorted(self.labels))
                hint = near if near and near.startswith("did you mean") else None  # all labels would be a long list
                self.note(path, f"names {key!r}, which is no age and no label of the model", hint, at_key=True)
            return [key]
        low, high = int(band[1]), int(band[2] or band[1])
        if low > high or high > LAST_AGE:
            self.note(path, f"has the ages {key}: they must rise within 0 to {LAST_AGE}", at_key=True)
            return []
        return [str(age) for age in range(low, high + 1)]

    def check_ages(self, values: Mapping[str, Any], path: KeyPath) -> None:
        """Note ages that are left out between others."""
        ages = sorted(int(key) for key in values if key.isdigit())
        gaps = [age for age in range(ages[0], ages[-1]) if str(age) not in values] if ages else []
        if gaps:
            last = next(age for age in range(gaps[0], LAST_AGE + 1) if str(age + 1) in values)
            missing = f"age {gaps[0]}" if last == gaps[0] else f"ages {gaps[0]} to {last}"
            self.note(path, f"has no value for {missing}")


def _bounds(unit: str) -> tuple[float, float]:
    """Return the least and the largest value that a unit allows."""
    if unit.startswith("probability") or unit == "share":
        return 0.0, 1.0
    if unit == "years of age":
        return 0.0, LAST_AGE + 1.0
    if unit.startswith(("log ratio", "log odds")):
        return -MOST_LOG, MOST_LOG
    if unit == "per year" or unit.startswith(("per year in ", "SEK", "ratio", "odds", "weight")):
        return 0.0, math.inf
    return -math.inf, math.inf


def _rate_hint(value: float, high: float) -> str | None:
    if high != 1.0 or value <= 1.0:
        return None
    chance = -math.expm1(-value)
    return f"a rate has `unit: per year`, and {value:g} per year is the probability {chance:.3g} in a year"


def _wrong_step(form: ParameterForm) -> tuple[str, str] | None:
    """Return what is wrong with a unit of shorter steps than the model's year, and the conversion."""
    step = _SHORT_STEP.search(form.unit)
    if step is None:
        return None
    word = step[1] or step[2] or "day"
    times = _STEPS_A_YEAR[word]
    value = form.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        hint = f"multiply by {times} and write `unit: per year`"
    elif "probab" in form.unit and 0 <= value < 1:
        yearly = -math.expm1(times * math.log1p(-value))
        hint = f"{value:g} per {word} is {yearly:.4g} per year: 1 - (1 - {value:g})^{times}"
    else:
        hint = f"{value:g} per {word} is {times * value:g} per year: {times} times as much"
    return f"unit {form.unit!r}, but the step of the model is the year", hint


def _wrong_uncertainty(form: ParameterForm) -> str | None:
    """Return what is wrong with an uncertainty: a text, or one of se, se_log, ci95."""
    given = form.uncertainty
    if isinstance(given, str):
        return None
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in ("se", "se_log", "ci95"):
        ways = "{se: x}, {se_log: x}, {ci95: [low, high]} or a text saying why there is none"
        return f"'uncertainty' must be {ways}, not {_keys(given)}"
    kind, value = next(iter(given.items()))
    if kind == "ci95":
        pair = isinstance(value, list) and len(value) == 2 and all(_is_number(x) for x in value)
        if not pair or value[0] > value[1]:
            return "'ci95' must be [low, high]"
        if _is_number(form.value) and not value[0] <= form.value <= value[1]:
            return f"the interval {value[0]:g} to {value[1]:g} does not hold the value {form.value:g}"
        return None
    if not _is_number(value) or value < 0:
        return f"{kind!r} must be a number of 0 or more, not {shown(value)}"
    return None


def _keys(given: Any) -> str:
    return "{" + ", ".join(given) + "}" if isinstance(given, Mapping) else shown(given)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
