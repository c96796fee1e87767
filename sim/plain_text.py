"""The text of a user's file: regular, UTF-8, at most 1 MB, without control characters or tabs as indentation.

Layer 1: imports only layer 0 and the standard library. Knows nothing of YAML beyond the ending of its files.
"""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right
from typing import NoReturn

from sim.errors import Problem, ScenarioError, nearest
from sim.scalars import code_point

Place = tuple[int, int]
"""Line and column, from 1."""

MAX_BYTES = 1_000_000
NAMES_SHOWN = 8


def refuse(file: str, message: str, place: Place | None = None, hint: str | None = None) -> NoReturn:
    """Raise one problem with the file as a whole, or with one place in it."""
    line, column = place or (None, None)
    raise ScenarioError(Problem(message, file, line, column, hint))


def read_bytes(file: str) -> bytes:
    """Return the first `MAX_BYTES + 1` bytes of a regular file; never open a pipe or device."""
    try:
        mode = os.stat(file).st_mode
        if stat.S_ISREG(mode):
            with open(file, "rb", opener=_open_without_waiting) as stream:
                return stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        _refuse_missing(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        refuse(file, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if stat.S_ISDIR(mode):
        refuse(file, f"is a folder; name one YAML file, here: {_listed(_yaml_names(file))}")
    refuse(file, "is not a regular file but a pipe, device or socket")


def _open_without_waiting(file: str, flags: int) -> int:
    # without O_NONBLOCK a pipe put in the file's place after the check would wait for ever
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_missing(file: str) -> NoReturn:
    """Say which YAML files stand where the missing one was looked for."""
    folder, name = os.path.split(file)
    if not os.path.isdir(folder or "."):
        refuse(file, f"not found; there is no folder {folder!r}")
    names = _yaml_names(folder or ".")
    hint = nearest(name if name.endswith((".yaml", ".yml")) else name + ".yaml", names)
    near = hint if hint and hint.startswith("did you mean") else None
    refuse(file, f"not found; YAML files in this folder: {_listed(names)}", hint=near)


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


def decode(file: str, data: bytes) -> str:
    """Return the text of the file, or refuse what is no UTF-8 text of at most 1 MB."""
    if not data:
        refuse(file, "is empty")
    for magic, name in _FILE_TYPES:
        if magic.match(data):
            refuse(file, f"refused file type: {name}; a YAML file is plain text")
    if _UTF16_OR_32.match(data):
        refuse(file, "is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8")
    if len(data) > MAX_BYTES:
        refuse(file, "is over 1 MB, the limit for a YAML file", hint="keep large tables in files of their own")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (len(data) - len(error.object))  # the codec counts from behind the byte order mark
        refuse(file, f"not UTF-8 at byte {at + 1}; save the file as UTF-8", _byte_place(data, at))
    _refuse_characters(file, text)
    return text


def _byte_place(data: bytes, at: int) -> Place:
    before = data[:at].decode("utf-8-sig", "replace")
    return Lines(before).place(len(before))


def _refuse_characters(file: str, text: str) -> None:
    """Refuse control characters, line separators and tabs as indentation, wherever they stand."""
    lines = Lines(text)
    if bad := _UNPRINTABLE.search(text):
        name = "NUL byte" if bad[0] == "\0" else f"control character {code_point(bad[0])}"
        refuse(file, f"{name}; remove it", lines.place(bad.start()))
    if tabs := [lines.place(tab.start(1)) for tab in _TAB_INDENT.finditer(text)]:
        more = f"and on {len(tabs) - 1} more lines" if len(tabs) > 1 else None
        refuse(file, f"tab at line {tabs[0][0]}; use spaces", tabs[0], more)


class Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(end.end() for end in re.finditer(r"\r\n|\n|\r", text))]

    def place(self, index: int) -> Place:
        """Return line and column, from 1, of the character at `index`."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1
