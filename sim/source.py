"""Read a user's YAML 1.2 file strictly and remember where every value stands.

Layer 1: imports only `sim.errors` and the standard library; ruamel.yaml loads when a file is read. Knows
nothing of what the keys mean: names, types and units are checked by whoever asked for the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, NoReturn

from sim.errors import Problem, ScenarioError, nearest

KeyPath = tuple[str | int, ...]
Place = tuple[int, int]

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
NAMES_SHOWN = 8


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

    def problem(
        self, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False
    ) -> Problem:
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
    data = _read_bytes(file)
    text = _decode(file, data)
    reading = _Reading(file, text)
    values = reading.document()
    return Source(file, values, reading.places, reading.key_places, hashlib.sha256(data).hexdigest())


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


def _refuse(file: str, message: str, place: Place | None = None, hint: str | None = None) -> NoReturn:
    """Raise one problem with the file as a whole, or with one place in it."""
    line, column = place or (None, None)
    raise ScenarioError(Problem(message, file, line, column, hint))


def _read_bytes(file: str) -> bytes:
    """Return the first `MAX_BYTES + 1` bytes of a regular file; never open a pipe or device."""
    try:
        mode = os.stat(file).st_mode
        if stat.S_ISREG(mode):
            with open(file, "rb", opener=_open_without_waiting) as stream:
                return stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        _refuse_missing(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        _refuse(file, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if stat.S_ISDIR(mode):
        _refuse(file, f"is a folder; name one YAML file, here: {_listed(_yaml_names(file))}")
    _refuse(file, "is not a regular file but a pipe, device or socket")


def _open_without_waiting(file: str, flags: int) -> int:
    # without O_NONBLOCK a pipe put in the file's place after the check would wait for ever
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_missing(file: str) -> NoReturn:
    """Say which YAML files stand where the missing one was looked for."""
    folder, name = os.path.split(file)
    if not os.path.isdir(folder or "."):
        _refuse(file, f"not found; there is no folder {folder!r}")
    names = _yaml_names(folder or ".")
    hint = nearest(name if name.endswith((".yaml", ".yml")) else name + ".yaml", names)
    near = hint if hint and hint.startswith("did you mean") else None
    _refuse(file, f"not found; YAML files in this folder: {_listed(names)}", hint=near)


def _yaml_names(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if name.endswith((".yaml", ".yml")) and name.isprintable())


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN]) or "none"
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"


# magic bytes; PAR1 is also a possible key, so a ':' after it makes it text
_FILE_TYPES = (
    (re.compile(rb"\x1f\x8b"), "gzip"),
    (re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"), "zip or Excel workbook"),
    (re.compile(rb"PAR1(?![\w-]*\s*:)"), "Parquet"),
    (re.compile(rb"\x93NUMPY"), "NumPy .npy"),
    (re.compile(rb"\x80[\x00-\x05]"), "pickle"),
    (re.compile(rb"ARROW1\x00\x00"), "Arrow"),
    (re.compile(rb"\x89HDF"), "HDF5"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "old Excel or Word"),
)
_UTF16_OR_32 = re.compile(rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff|(?:\x00[^\x00]){2}|(?:[^\x00]\x00){2}")
# what YAML 1.2 allows, less the line separators that only some programs take as line breaks
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAB_INDENT = re.compile(r"^ *(\t)[ \t]*(?=\S)", re.MULTILINE)


def _decode(file: str, data: bytes) -> str:
    """Return the text of the file, or refuse what is no UTF-8 text of at most 1 MB."""
    if not data:
        _refuse(file, "is empty")
    for magic, name in _FILE_TYPES:
        if magic.match(data):
            _refuse(file, f"refused file type: {name}; a YAML file is plain text")
    if _UTF16_OR_32.match(data):
        _refuse(file, "is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8")
    if len(data) > MAX_BYTES:
        _refuse(
            file, "is over 1 MB, the limit for a YAML file", hint="keep large tables in files of their own"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (len(data) - len(error.object))  # the codec counts from behind the byte order mark
        _refuse(file, f"not UTF-8 at byte {at + 1}; save the file as UTF-8", _byte_place(data, at))
    _refuse_characters(file, text)
    return text


def _byte_place(data: bytes, at: int) -> Place:
    before = data[:at].decode("utf-8-sig", "replace")
    return _Lines(before).place(len(before))


def _refuse_characters(file: str, text: str) -> None:
    """Refuse control characters, line separators and tabs as indentation, wherever they stand."""
    lines = _Lines(text)
    if bad := _UNPRINTABLE.search(text):
        name = "NUL byte" if bad[0] == "\0" else f"control character {_code_point(bad[0])}"
        _refuse(file, f"{name}; remove it", lines.place(bad.start()))
    if tabs := [lines.place(tab.start(1)) for tab in _TAB_INDENT.finditer(text)]:
        more = f"and on {len(tabs) - 1} more lines" if len(tabs) > 1 else None
        _refuse(file, f"tab at line {tabs[0][0]}; use spaces", tabs[0], more)


class _Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(end.end() for end in re.finditer(r"\r\n|\n|\r", text))]

    def place(self, index: int) -> Place:
        """Return line and column, from 1, of the character at `index`."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1


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
        self.lines = _Lines(text)
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
            _refuse(self.file, "is empty: it holds no keys, only blank lines or comments")
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
        found = "a list" if kind == "SequenceStart" else f"the text {_short(event.value)}"
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
        elif bad := _hidden_character(key):
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
        self.note(event.start_mark.index, f"{_short(key)} given twice: {where}")

    def note_hidden(self, event: Any, char: str, way_out: str) -> None:
        """Place a problem at an invisible character inside a scalar."""
        start = event.start_mark.index
        at = self.text.find(char, start, event.end_mark.index)  # -1 where it is written as an escape
        self.note(start if at < 0 else at, f"{_visibility(char)} character {_code_point(char)}", way_out)

    def refuse_without_colon(self, key: Any) -> None:
        """Refuse '{p: 0,05}' and '{a:1}', which YAML reads as keys '05' and 'a:1' without a value."""
        at = key.start_mark.index
        number = re.search(r"[-+]?[0-9]+,$", self.text[max(0, at - 24) : at])
        hint = "write 'key: value'"
        if number and re.fullmatch("[0-9]+", key.value):
            hint = f"use a point: {number[0][:-1]}.{key.value}"
        elif ":" in key.value:
            hint = "put a space after ':'"
        self.note(at, f"{_short(key.value)} has no value", hint)

    def scalar(self, event: Any) -> str | int | float | bool | None:
        """Return the value of a scalar; quoted ones and blocks are text."""
        text = str(event.value)
        if not event.implicit[0]:
            if bad := re.search("[\0\ud800-\udfff]", text):
                self.note(event.start_mark.index, f"text may not hold {_code_point(bad[0])}")
            return text
        if bad_char := _hidden_character(text.replace("\n", "").replace("\t", "")):
            self.note_hidden(event, bad_char, "retype it, or put the text in quotes if it is meant")
            return text
        value = _resolve(text)
        if isinstance(value, _Misspelt):
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


def _ill_formed(error: Any, text: str, lines: _Lines) -> tuple[int, str, str | None]:
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
            ""
            if opened is None
            else ": what begins at line {}, column {} is not closed".format(*lines.place(opened))
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


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_EXPONENT = r"(?:[eE][-+]?[0-9]+)?"
_INTEGER = re.compile(rf"[-+]?{_DIGITS}")
_NUMBER = re.compile(rf"[-+]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS}){_EXPONENT}")
_LEADING_ZERO = re.compile(r"([-+]?)0[0_]*(?=[0-9])")
_OTHER_BASE = re.compile(r"[-+]?0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_NOT_FINITE = re.compile(r"[-+]?\.?(?:inf|nan|infinity)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(rf"[-+]?(?:{_DIGITS})?,{_DIGITS}{_EXPONENT}")
_THOUSANDS_COMMA = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class _Misspelt:
    """A plain word that looks like a number but is none in YAML 1.2, or not a finite one."""

    message: str
    hint: str | None = None


def _resolve(text: str) -> str | int | float | bool | _Misspelt | None:
    """Read a plain word by the YAML 1.2 core schema, with decimal digits only."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return _number(text)
    return _misspelt(text) or text


def _number(text: str) -> int | float | _Misspelt:
    """Return an int or a finite float."""
    if zero := _LEADING_ZERO.match(text):
        right = zero[1] + text[zero.end() :]
        return _Misspelt(f"leading zero; write {_cut(right)}", f'in quotes if it is a code: "{_cut(text)}"')
    if math.isinf(float(text)):  # also for integers, which may meet floats later
        return _Misspelt(f"{_cut(text)} is too large: not a finite number", "at most about 1.8e308")
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def _misspelt(text: str) -> _Misspelt | None:
    """Explain a word that was probably meant as a number."""
    if _NOT_FINITE.fullmatch(text):
        return _Misspelt(f"{text} is not a finite number", "put it in quotes if it is a name")
    if _OTHER_BASE.fullmatch(text):
        decimal = f"write {int(text, 0)}" if len(text) < 40 else "write it in decimal digits"
        return _Misspelt(
            f"{_cut(text)} is not a decimal number", f"{decimal}, or put it in quotes if it is a code"
        )
    if _THOUSANDS_COMMA.fullmatch(text):
        plain = text.replace(",", "_")
        point = (
            f", or with a point: {text.replace(',', '.')}" if text.count(",") == 1 and "." not in text else ""
        )
        return _Misspelt(f"comma in the number {_cut(text)}", f"write {_cut(plain)}{point}")
    if _DECIMAL_COMMA.fullmatch(text):
        return _Misspelt(f"decimal comma in {_cut(text)}", f"use a point: {_cut(text.replace(',', '.'))}")
    return None


# blank, yet neither spaces nor format characters to Unicode: fillers, joiners, variation selectors
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(0xFE00 + i) for i in range(16)}
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def _hidden_character(text: str) -> str | None:
    """Return the first invisible or right-to-left character, if any."""
    if text.isascii() and text.isprintable():
        return None
    return next((char for char in text if _visibility(char)), None)


def _visibility(char: str) -> str | None:
    if char != " " and (unicodedata.category(char) in _HIDDEN_CATEGORIES or char in _BLANK):
        return "invisible"
    return "right-to-left" if unicodedata.bidirectional(char) in _RIGHT_TO_LEFT else None


def _code_point(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _short(text: str) -> str:
    return repr(_cut(text))


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


def _plain_mapping(
    value: Mapping[Any, Any], path: KeyPath, file: str, problems: list[Problem]
) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(key, bool) or not isinstance(key, (str, Integral)) or key == "":
            problems.append(Problem(f"{_at(path)}the key {key!r} is not text", file))
            continue
        name = str(key)
        if bad := _hidden_character(name):
            problems.append(
                Problem(f"{_at(path)}{_visibility(bad)} character {_code_point(bad)} in a key", file)
            )
        if name in plain:
            problems.append(Problem(f"{_at(path)}{name!r} given twice: as text and as a number", file))
        plain[name] = _plain(item, (*path, name), file, problems)
    return plain


def _plain_number(value: Any, path: KeyPath, file: str, problems: list[Problem]) -> int | float | None:
    if not isinstance(value, Real):
        kind = type(value).__name__
        sentence = f"{_at(path)}{kind} is not a plain value"
        problems.append(
            Problem(sentence, file, hint="give text, a number, True, False, None, a list or a dict")
        )
        return None
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        problems.append(Problem(f"{_at(path)}not a finite number", file))
        return None
    return int(value) if isinstance(value, Integral) else number
