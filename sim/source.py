"""Read a user's YAML 1.2 file strictly and remember where every value stands.

Layer 1: ruamel.yaml loads when a file is read. Bytes become text in `sim.plain_text`, plain words values in
`sim.scalars`. Knows nothing of what the keys mean: whoever asked for the file checks names, types and units.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from sim.errors import Problem, ScenarioError
from sim.plain_text import Lines, Place, decode, read_bytes, refuse
from sim.read_before import keep, recall
from sim.scalars import Misspelt, code_point, hidden_character, resolve, short, visibility

KeyPath = tuple[str | int, ...]
"""Keys and indices from the top of a file to a value."""

MAX_DEPTH = 32


@dataclass(frozen=True)
class Source:
    """Plain values and the place of each of them, in one file or given in Python."""

    path: str
    """Path of the file as the user wrote it."""
    values: Any
    """Plain dict, list, str, int, float, bool and None; keys are always text, as written in the file."""
    places: Mapping[KeyPath, Place] = field(repr=False)
    """Path of keys and indices -> line and column, from 1, of the value; empty for values given in Python."""
    key_places: Mapping[KeyPath, Place] = field(repr=False)
    """The same of the key; for list items that of the item."""
    digest: str
    """SHA-256 of the file's bytes, in hexadecimal."""

    def problem(self, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False) -> Problem:
        """Return a problem placed at the value (or key) at `path`, or at its nearest parent that exists.

        Values given in Python have no lines: there the sentence begins with the path itself.
        """
        table = self.key_places if at_key else self.places
        for length in range(len(path), -1, -1):
            if path[:length] in table:
                line, column = table[path[:length]]
                return Problem(message, self.path, line, column, hint)
        return Problem(_at(path) + message, self.path, hint=hint)


def read_yaml(path: str | os.PathLike[str]) -> Source:
    """Read one YAML file whose top level is a mapping.

    Accepts UTF-8 with or without byte order mark and any line ending. Takes plain words as YAML 1.2 core
    numbers, true/false, null and text; quoted ones are always text. Refuses anchors, aliases, tags, merge
    keys, several documents, duplicate keys, tabs as indentation, invisible characters, nesting deeper than
    32 and files over 1 MB.

    Raises `ScenarioError` holding every problem found, in the order of the file.
    """
    file = os.fspath(path)
    data = read_bytes(file)
    digest = hashlib.sha256(data).hexdigest()
    if known := recall(digest):
        return Source(file, *known, digest)
    text = decode(file, data)
    reading = _Reading(file, text)
    values = reading.document()
    keep(digest, values, reading.places, reading.key_places)
    return Source(file, values, reading.places, reading.key_places, digest)


def source_from_values(values: Any, path: str = "(given)") -> Source:
    """Take plain values given in Python; whole-number keys become text, as they are in a file.

    The digest is that of the values as JSON with sorted keys. Raises `ScenarioError` holding every value that
    is not plain, every number that is not finite and every key that is not text or a whole number.

    >>> source_from_values({"rate": {16: 0.05}}).values
    {'rate': {'16': 0.05}}
    """
    problems: list[Problem] = []
    plain = _plain(values, (), path, problems)
    if problems:
        raise ScenarioError(problems)
    canonical = json.dumps(plain, sort_keys=True).encode()
    return Source(path, plain, {}, {}, hashlib.sha256(canonical).hexdigest())


def _is_unwritten(kind: str, event: Any) -> bool:
    """Say whether this is the null of 'key:' with nothing behind it."""
    return kind == "Scalar" and event.value == "" and bool(event.implicit[0]) and event.anchor is None


class _CannotGoOnError(Exception):
    """Reading cannot go on; the problem is already noted."""


class _Reading:
    """One pass over the parser's events that notes values, places and every problem on the way."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = Lines(text)
        self.events: Iterator[Any] = iter(())
        self.last = 0
        self.problems: list[Problem] = []
        self.places: dict[KeyPath, Place] = {}
        self.key_places: dict[KeyPath, Place] = {}

    def document(self) -> Any:
        """Return the values of the only document; raise `ScenarioError` with all problems."""
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError

        self.events = iter(YAML(typ="safe", pure=True).parse(self.text))
        values = None
        try:
            values = self.root()
        except _CannotGoOnError:
            pass
        except MarkedYAMLError as error:
            self.note(*_ill_formed(error, self.text, self.lines))
        except (ValueError, OverflowError):  # the scanner lets these escape from chr()
            self.note(self.last, "ill-formed YAML: an escape \\U in the text after this names no character")
        if self.problems:
            raise ScenarioError(sorted(self.problems, key=lambda one: (one.line or 0, one.column or 0)))
        return values

    def note(self, index: int, message: str, hint: str | None = None) -> None:
        """Note a problem at the character `index` of the text."""
        line, column = self.lines.place(index)
        self.problems.append(Problem(message, self.file, line, column, hint))

    def next(self) -> tuple[str, Any]:
        """Return the kind and content of the next event."""
        event = next(self.events)
        self.last = event.start_mark.index
        return type(event).__name__.removesuffix("Event"), event

    def root(self) -> Any:
        """Read the whole stream: one document whose top level is a mapping."""
        self.next()
        kind, event = self.next()
        if kind == "DocumentStart":
            self.refuse_directives(event)
            kind, event = self.next()
        if kind == "StreamEnd" or _is_unwritten(kind, event):
            refuse(self.file, "is empty: it holds no keys, only blank lines or comments")
        self.refuse_other_than_mapping(kind, event)
        values = self.value(kind, event, ())
        self.next()
        kind, event = self.next()
        if kind == "DocumentStart":
            self.note(event.start_mark.index, "several documents (---) in one file are not allowed")
        return values

    def refuse_directives(self, event: Any) -> None:
        """Refuse %TAG and any %YAML but 1.2: they change how the rest is read."""
        if event.tags or event.version not in (None, (1, 2)):
            self.note(0, "directives are not allowed, except '%YAML 1.2'")
            raise _CannotGoOnError

    def refuse_other_than_mapping(self, kind: str, event: Any) -> None:
        """Refuse a file that is a list or one text."""
        if kind in ("MappingStart", "Alias"):
            return
        found = "a list" if kind == "SequenceStart" else f"the text {short(event.value)}"
        glued = kind == "Scalar" and re.match(r"[\w-]+:\S", event.value)
        hint = "put a space after ':'" if glued else None
        self.note(event.start_mark.index, f"expected a mapping ('key: value' lines), found {found}", hint)

    def value(self, kind: str, event: Any, path: KeyPath) -> Any:
        """Build the value that begins with this event and note its place."""
        self.refuse_properties(kind, event)
        place = self.lines.place(event.start_mark.index)
        self.places[path] = place
        self.key_places.setdefault(path, place)
        if kind == "Scalar":
            return self.scalar(event)
        if kind == "Alias":
            return None
        if len(path) >= MAX_DEPTH:
            self.note(event.start_mark.index, f"nested deeper than {MAX_DEPTH} levels")
            raise _CannotGoOnError
        return self.mapping(event, path) if kind == "MappingStart" else self.sequence(path)

    def refuse_properties(self, kind: str, event: Any) -> None:
        """Refuse anchors, aliases and tags."""
        at = event.start_mark.index
        if event.anchor is not None:
            hint = "write the value out" if kind == "Alias" else None
            self.note(at, "anchors and aliases (&, *) are not allowed", hint)
        if kind != "Alias" and event.tag is not None:
            self.note(at, "tags (!, !!x) are not allowed", "leave the tag out; put text in quotes")

    def sequence(self, path: KeyPath) -> list[Any]:
        """Build a list up to its end event."""
        items: list[Any] = []
        kind, event = self.next()
        while kind != "SequenceEnd":
            items.append(self.value(kind, event, (*path, len(items))))
            kind, event = self.next()
        return items

    def mapping(self, start: Any, path: KeyPath) -> dict[str, Any]:
        """Build a mapping up to its end event; note every key that is given again."""
        values: dict[str, Any] = {}
        kind, event = self.next()
        while kind != "MappingEnd":
            key = self.key(kind, event, path)
            if key is not None and key in values:
                self.note_duplicate(key, event, (*path, key))
            name = key or ""
            self.key_places.setdefault((*path, name), self.lines.place(event.start_mark.index))
            value_kind, value_event = self.next()
            values[name] = self.value(value_kind, value_event, (*path, name))
            if kind == "Scalar" and _is_unwritten(value_kind, value_event):
                self.place_unwritten(start, event, value_event, (*path, name))
            kind, event = self.next()
        values.pop("", None)
        return values

    def key(self, kind: str, event: Any, path: KeyPath) -> str | None:
        """Return the key's source text, or None where it is refused."""
        if kind != "Scalar":
            self.value(kind, event, (*path, ""))
            found = {"SequenceStart": "a list", "MappingStart": "a mapping"}.get(kind)
            if found:
                self.note(
                    event.start_mark.index,
                    f"a key must be text, not {found}",
                    "put text with [ or { in quotes",
                )
            return None
        self.refuse_properties(kind, event)
        key = str(event.value)
        at = event.start_mark.index
        if not key:
            self.note(at, "a key may not be empty")
        elif key == "<<" and event.implicit[0]:
            self.note(at, "merge keys (<<) are not allowed", "write the keys out")
        elif bad := hidden_character(key):
            self.note_hidden(event, bad, "retype the key")
        else:
            return key
        return None

    def place_unwritten(self, start: Any, key: Any, value: Any, path: KeyPath) -> None:
        """Place a value left out right after its key's colon; the parser puts it at the next key."""
        colon = self.text.find(":", key.end_mark.index, value.start_mark.index)
        if colon < 0 and start.flow_style:
            self.refuse_without_colon(key)
        self.places[path] = self.lines.place(key.end_mark.index if colon < 0 else colon + 1)

    def note_duplicate(self, key: str, event: Any, path: KeyPath) -> None:
        """Name both lines of a key given twice."""
        first = self.key_places[path][0]
        second = self.lines.place(event.start_mark.index)[0]
        where = f"lines {first} and {second}" if first != second else f"both on line {first}"
        self.note(event.start_mark.index, f"{short(key)} given twice: {where}")

    def note_hidden(self, event: Any, char: str, way_out: str) -> None:
        """Place a problem at an invisible character inside a scalar."""
        start = event.start_mark.index
        at = self.text.find(char, start, event.end_mark.index)  # -1 where it is written as an escape
        self.note(start if at < 0 else at, f"{visibility(char)} character {code_point(char)}", way_out)

    def refuse_without_colon(self, key: Any) -> None:
        """Refuse '{p: 0,05}' and '{a:1}', which YAML reads as keys '05' and 'a:1' without a value."""
        at = key.start_mark.index
        number = re.search(r"[-+]?[0-9]+,$", self.text[max(0, at - 24) : at])
        hint = "write 'key: value'"
        if number and re.fullmatch("[0-9]+", key.value):
            hint = f"use a point: {number[0][:-1]}.{key.value}"
        elif ":" in key.value:
            hint = "put a space after ':'"
        self.note(at, f"{short(key.value)} has no value", hint)

    def scalar(self, event: Any) -> str | int | float | bool | None:
        """Return the value of a scalar; quoted ones and blocks are text."""
        text = str(event.value)
        if not event.implicit[0]:
            if bad := re.search("[\0\ud800-\udfff]", text):
                self.note(event.start_mark.index, f"text may not hold {code_point(bad[0])}")
            return text
        if bad_char := hidden_character(text.replace("\n", "").replace("\t", "")):
            self.note_hidden(event, bad_char, "retype it, or put the text in quotes if it is meant")
            return text
        value = resolve(text)
        if isinstance(value, Misspelt):
            self.note(event.start_mark.index, value.message, value.hint)
            return text
        return value


# ruamel's words -> a sentence and a way out
_SENTENCES = (
    (
        "mapping values are not",
        "a ':' may not stand here",
        "put text that holds ': ' in quotes; check the indentation",
    ),
    ("sequence entries are not", "a list item '-' may not stand here", "begin the list on a line of its own"),
    ("mapping keys are not", "a '?' may not stand here", "put the text in quotes"),
    (
        "expected <block end>",
        "this does not fit what stands above it",
        "check the indentation and the quotes",
    ),
    ("document separator", "'---' or '...' inside quotes", "close the quotes before it"),
    ("while scanning a quoted", "the quotes are not closed", None),
)


def _ill_formed(error: Any, text: str, lines: Lines) -> tuple[int, str, str | None]:
    """Turn the parser's exception into a place, a sentence and a way out."""
    problem = re.sub(r"\('(.*)',\)", r"'\1'", str(error.problem))
    opened = error.context_mark.index if error.context_mark else None
    at = error.problem_mark.index if error.problem_mark else opened or 0
    if "could not find expected ':'" in problem:
        return (
            opened or at,
            "ill-formed YAML: no ':' after this key",
            "write 'key: value', or '- item' with a space",
        )
    if re.search(r"end of stream|<stream end>|'\\x00'", problem):
        begun = (
            "" if opened is None else ": what begins at line {}, column {} is not closed".format(*lines.place(opened))
        )
        return max(0, len(text.rstrip()) - 1), f"unexpected end of the file{begun}", None
    if found := re.search(r"found character (.+) that cannot start", problem):
        if found[1] == r"'\t'":
            return at, f"tab at line {lines.place(at)[0]}; use spaces", None
        return at, f"ill-formed YAML: a text may not begin with {found[1]}", "put the text in quotes"
    if found := re.search(r"expected the node content, but found (.+)", problem):
        return at, f"ill-formed YAML: a value is missing before {found[1]}", None
    for words, sentence, hint in _SENTENCES:
        if words in problem:
            return at, f"ill-formed YAML: {sentence}", hint
    return at, f"ill-formed YAML: {problem}", None


def _at(path: KeyPath) -> str:
    return f"at {'.'.join(str(part) for part in path)}: " if path else ""


def _plain(value: Any, path: KeyPath, file: str, problems: list[Problem]) -> Any:
    """Copy a value as plain types; note in `problems` what has no plain form."""
    if isinstance(value, (Mapping, list, tuple)) and len(path) >= MAX_DEPTH:
        problems.append(Problem(f"{_at(path[:3])}nested deeper than {MAX_DEPTH} levels", file))
        return None
    if isinstance(value, Mapping):
        return _plain_mapping(value, path, file, problems)
    if isinstance(value, (list, tuple)):
        return [_plain(item, (*path, place), file, problems) for place, item in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    return _plain_number(value, path, file, problems)


def _plain_mapping(value: Mapping[Any, Any], path: KeyPath, file: str, problems: list[Problem]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(key, bool) or not isinstance(key, (str, Integral)) or key == "":
            problems.append(Problem(f"{_at(path)}the key {key!r} is not text", file))
            continue
        name = str(key)
        if bad := hidden_character(name):
            problems.append(Problem(f"{_at(path)}{visibility(bad)} character {code_point(bad)} in a key", file))
        if name in plain:
            problems.append(Problem(f"{_at(path)}{name!r} given twice: as text and as a number", file))
        plain[name] = _plain(item, (*path, name), file, problems)
    return plain


def _plain_number(value: Any, path: KeyPath, file: str, problems: list[Problem]) -> int | float | None:
    if not isinstance(value, Real):
        kind = type(value).__name__
        sentence = f"{_at(path)}{kind} is not a plain value"
        problems.append(Problem(sentence, file, hint="give text, a number, True, False, None, a list or a dict"))
        return None
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        problems.append(Problem(f"{_at(path)}not a finite number", file))
        return None
    return int(value) if isinstance(value, Integral) else number
