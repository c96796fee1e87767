"""Check a file against its form; collect mistakes at their places instead of stopping at the first. Layer 6.

A file with mistakes of form is repaired as far as possible, so that the rest of it and the files it names
are checked in the same go. What is repaired is never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sim.errors import FramsynError, Problem, nearest
from sim.source import KeyPath, Source
from sim.stand_ins import STAND_INS


@dataclass(frozen=True)
class Checked:
    """A file that has its form: the source for places, the form for values."""

    source: Source
    form: Any
    spoilt: frozenset[KeyPath] = frozenset()
    """Mappings with mistakes of form, and those keys: what else is wrong right there may come from them."""


class Findings:
    """Every mistake found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def note(
        self, file: Checked, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False
    ) -> None:
        """Note a mistake at a value (or key) of a file."""
        if path not in file.spoilt:
            self.problems.append(file.source.problem(path, message, hint, at_key=at_key))

    @contextmanager
    def at(self, file: Checked, path: KeyPath) -> Iterator[None]:
        """Collect a mistake found inside, placed at a value of the file unless it has a place already."""
        try:
            yield
        except FramsynError as error:
            for problem in error.problems:
                if problem.file is not None:
                    self.problems.append(problem)
                else:
                    self.note(file, path, problem.message, problem.hint)

    def form_of(self, source: Source, form: type[BaseModel]) -> Checked | None:
        """Return a file in its form, repaired where it has mistakes; None where that cannot be."""
        try:
            return Checked(source, form.model_validate(source.values))
        except ValidationError as error:
            self.problems += problems_of(error, form, source)
            return _repaired(source, form, error)


def _repaired(source: Source, form: type[BaseModel], error: ValidationError) -> Checked | None:
    values = deepcopy(source.values)
    spoilt: set[KeyPath] = set()
    for one in error.errors(include_url=False):
        path = one["loc"]
        while path and isinstance(path[-1], int):
            path = path[:-1]
        if not path:
            return None
        parent, key = path[:-1], str(path[-1])
        spoilt |= {parent, path}
        mapping = _follow(values, parent)
        if isinstance(mapping, dict):
            mapping.pop(key, None)
            stand_in = _follow(STAND_INS.get(form, {}), path)
            if stand_in is not None:
                mapping[key] = _without_wildcards(stand_in)
    try:
        return Checked(source, form.model_validate(values), frozenset(spoilt))
    except ValidationError:
        return None


def _follow(node: Any, path: KeyPath) -> Any:
    """Return what stands at a path, `*` standing for any key; None where nothing does."""
    for part in path:
        if isinstance(node, Mapping):
            node = node.get(part, node.get("*"))
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return None
    return node


def _without_wildcards(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_wildcards(inner) for key, inner in value.items() if key != "*"}
    return deepcopy(value)


def problems_of(error: ValidationError, form: type[BaseModel], source: Source) -> list[Problem]:
    """Return every mistake of form as a sentence at its place, with the nearest right word."""
    problems = []
    for one in error.errors(include_url=False, include_context=True):
        path, kind = one["loc"], one["type"]
        name = str(path[-1]) if path else ""
        if kind == "extra_forbidden":
            hint = nearest(name, _keys(form, path[:-1]))
            problems.append(source.problem(path, f"unknown key {name!r}", hint, at_key=True))
        elif kind == "missing":
            problems.append(source.problem(path[:-1], f"needs the key {name!r}", at_key=True))
        else:
            sentence, hint_ = _sentence(path, kind, one.get("input"), one.get("ctx", {}))
            problems.append(source.problem(path, sentence, hint_))
    return problems


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}


def _sentence(path: KeyPath, kind: str, found: Any, context: Mapping[str, Any]) -> tuple[str, str | None]:
    name = named(path)
    if kind == "literal_error":
        allowed = [word.strip().strip("'") for word in str(context["expected"]).replace(" or ", ",").split(",")]
        return f"{name} is {shown(found)}", nearest(str(found), allowed)
    if wanted := _WANTED.get(kind):
        if found is None:
            return f"{name} has no value; it must be {wanted}", None
        if wanted.endswith("number") and isinstance(found, list):
            return f"{name} must be {wanted}, not a list of {len(found)}", "one number is expected"
        quoted = wanted.endswith("number") and isinstance(found, str) and _is_number(found)
        return f"{name} must be {wanted}, not {shown(found)}", "leave the quotes out" if quoted else None
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{name} is {found}: it must be {words} {_number(context[key])}", _bound_hint(path, found)
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length") if kind == "too_short" else context.get("max_length")
        entries = "entry" if bound == 1 else "entries"
        return f"{name} must have {bound} {entries}, not {len(found)}", None
    if kind == "string_too_short":
        return f"{name} is empty", None
    if kind == "string_too_long":
        return f"{name} has {len(found)} characters; at most {context['max_length']}", None
    return f"{name} cannot be {shown(found)}", None


def named(path: KeyPath) -> str:
    """Return what a path ends in: a key in quotes, or an item of one.

    >>> named(("deliver", "ages", 0))
    "item 1 of 'ages'"
    """
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {named(path[:-1])}"
    return repr(str(path[-1])) if path else "the file"


def shown(found: Any) -> str:
    """Return what was found, as a person would call it: "the text '1:30'", "true", "a list of 3"."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        return f"the text {found if len(found) <= 80 else found[:77] + '...'!r}"
    if isinstance(found, list):
        return f"a list of {len(found)}"
    return "a mapping" if isinstance(found, Mapping) else repr(found)


def _number(value: Any) -> str:
    return f"{value:,}".replace(",", "_") if isinstance(value, int) else f"{value:g}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _bound_hint(path: KeyPath, found: Any) -> str | None:
    """Return the way out of a number that is out of bounds."""
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if name == "discount_rate" and found >= 1:
        return f"{100 * found:g} % a year; did you mean {found / 100:g}?"
    if name in ("baseline_coverage", "causal_share") and found >= 1:
        return f"{100 * found:g} %; did you mean {found / 100:g}?"
    if name == "amount" and found < 0:
        return "a price that brings money in has `kind: revenue` and a positive amount"
    if path[-2:] == ("classes", "size") and found < 2:
        return "a class of one has nobody else in it: leave `classes` out for none"
    if name == "ages" and found < 0:
        return "age 0 is the year of birth"
    return None


def _keys(form: Any, path: KeyPath) -> list[str]:
    """Return the keys allowed at a path of a form."""
    for part in path:
        form = _inner(form)
        fields = getattr(form, "model_fields", None)
        if fields is not None:
            form = next((one.annotation for name, one in fields.items() if part in (name, one.alias)), None)
        else:
            arguments = get_args(form)
            form = arguments[-1] if get_origin(form) in (dict, list) and arguments else None
    form = _inner(form)
    return [one.alias or name for name, one in form.model_fields.items()] if hasattr(form, "model_fields") else []


def _inner(form: Any) -> Any:
    """Return what an optional or annotated type is about."""
    while not hasattr(form, "model_fields") and get_args(form) and get_origin(form) not in (dict, list):
        form = next(one for one in get_args(form) if one is not type(None))
    return form
