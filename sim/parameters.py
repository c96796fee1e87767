"""Parameters with their unit, uncertainty, source and provenance, from files to what rules read. Layer 6."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.errors import Problem, ScenarioError, nearest
from sim.schema import ParameterForm, ParametersForm
from sim.source import Source
from sim.tables import Parameters, Table

_BAND = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


@dataclass(frozen=True)
class Parameter:
    """One figure and where it comes from."""

    domain: str
    name: str
    value: Any
    unit: str
    uncertainty: Any
    source: str
    provenance: str


def parameters_from(form: ParametersForm, source: Source) -> tuple[Parameters, list[Problem]]:
    """Return the parameters of a file, and every mistake in their values."""
    values: dict[str, float | Table] = {}
    problems: list[Problem] = []
    for name, one in form.parameters.items():
        path = ("parameters", name)
        try:
            values[name] = value_from(name, one.value)
        except ScenarioError as error:
            problems += [source.problem((*path, "value"), found.message, found.hint) for found in error.problems]
        if reason := _wrong_uncertainty(one):
            problems.append(source.problem((*path, "uncertainty"), reason))
    return Parameters(form.domain, values), problems


def value_from(name: str, given: Any) -> float | Table:
    """Return a number, or a table by ages, closed age bands or labels, nested at will; raises ScenarioError."""
    if isinstance(given, Mapping):
        keys: list[tuple[str, ...]] = []
        array = _array(name, given, keys, 0)
        return Table(name, keys, array)
    return _number(name, given)


def override(parameters: Parameters, changes: Mapping[str, Any]) -> Parameters:
    """Return parameters with some values replaced; raises ScenarioError for a name that is not there."""
    values: dict[str, float | Table] = {name: getattr(parameters, name) for name in parameters.names}
    for name, given in changes.items():
        if name not in values:
            raise ScenarioError(f"no parameter {name!r}", hint=nearest(name, values))
        values[name] = value_from(name, given)
    return Parameters(parameters.domain, values)


def _number(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ScenarioError(f"parameter '{name}' must be a number or a table of numbers, not {given!r}")
    return float(given)


def _array(name: str, node: Mapping[str, Any], keys: list[tuple[str, ...]], depth: int) -> Any:
    """Return the array of a (nested) table, expanding age bands; every branch must have the same keys."""
    expanded: list[tuple[str, Any]] = []
    for key, value in node.items():
        band = _BAND.fullmatch(str(key))
        if band is None:
            expanded.append((str(key), value))
            continue
        low, high = int(band[1]), int(band[2] or band[1])
        if low > high or high > 100:
            raise ScenarioError(f"parameter '{name}': the ages {key} must rise within 0 to 100")
        expanded += [(str(age), value) for age in range(low, high + 1)]
    here = tuple(key for key, _ in expanded)
    double = [key for key in here if here.count(key) > 1]
    if double:
        raise ScenarioError(f"parameter '{name}' has two values for {double[0]}")
    if here and all(key.isdigit() for key in here):
        ages = sorted(int(key) for key in here)
        gaps = [age for age in range(ages[0], ages[-1]) if age not in ages]
        if gaps and len(ages) > 1:
            raise ScenarioError(f"parameter '{name}' has no value for age {gaps[0]}")
    if depth == len(keys):
        keys.append(here)
    elif set(here) != set(keys[depth]):
        odd = sorted(set(here) ^ set(keys[depth]))
        raise ScenarioError(f"parameter '{name}': the rows differ in {odd[0]!r}; every row needs the same keys")
    rows = dict(expanded)
    built: dict[int, Any] = {}
    result = []
    for key in keys[depth]:
        value = rows[key]
        if id(value) not in built or not isinstance(value, Mapping):
            built[id(value)] = _array(name, value, keys, depth + 1) if isinstance(value, Mapping) else _number(name, value)
        result.append(built[id(value)])
    shapes = {np.shape(one) for one in result}
    if len(shapes) > 1:
        raise ScenarioError(f"parameter '{name}': some rows are numbers and some are tables")
    return np.array(result, dtype=np.float64)


def _wrong_uncertainty(form: ParameterForm) -> str | None:
    """Return what is wrong with an uncertainty: a text, or one of se, se_log, ci95."""
    given = form.uncertainty
    if isinstance(given, str):
        return None
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in ("se", "se_log", "ci95"):
        return "'uncertainty' must be {se: x}, {se_log: x}, {ci95: [low, high]} or a text saying why there is none"
    kind, value = next(iter(given.items()))
    if kind == "ci95":
        pair = isinstance(value, list) and len(value) == 2 and all(isinstance(x, (int, float)) for x in value)
        return None if pair and value[0] <= value[1] else "'ci95' must be [low, high]"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        return f"{kind!r} must be a number of 0 or more, not {value!r}"
    return None
