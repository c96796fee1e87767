"""What a plain word in a YAML 1.2 file is: a number, true or false, nothing, text, or probably misspelt.

Also which characters hide in a word. Layer 0: imports the standard library only.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

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
class Misspelt:
    """A plain word that looks like a number but is none in YAML 1.2, or not a finite one."""

    message: str
    hint: str | None = None


def resolve(text: str) -> str | int | float | bool | Misspelt | None:
    """Read a plain word by the YAML 1.2 core schema, with decimal digits only."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return _number(text)
    return _misspelt(text) or text


def _number(text: str) -> int | float | Misspelt:
    """Return an int or a finite float."""
    if zero := _LEADING_ZERO.match(text):
        right = zero[1] + text[zero.end() :]
        return Misspelt(f"leading zero; write {cut(right)}", f'in quotes if it is a code: "{cut(text)}"')
    if math.isinf(float(text)):  # also for integers, which may meet floats later
        return Misspelt(f"{cut(text)} is too large: not a finite number", "at most about 1.8e308")
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def _misspelt(text: str) -> Misspelt | None:
    """Explain a word that was probably meant as a number."""
    if _NOT_FINITE.fullmatch(text):
        return Misspelt(f"{text} is not a finite number", "put it in quotes if it is a name")
    if _OTHER_BASE.fullmatch(text):
        decimal = f"write {int(text, 0)}" if len(text) < 40 else "write it in decimal digits"
        return Misspelt(f"{cut(text)} is not a decimal number", f"{decimal}, or put it in quotes if it is a code")
    if _THOUSANDS_COMMA.fullmatch(text):
        plain = text.replace(",", "_")
        point = f", or with a point: {text.replace(',', '.')}" if text.count(",") == 1 and "." not in text else ""
        return Misspelt(f"comma in the number {cut(text)}", f"write {cut(plain)}{point}")
    if _DECIMAL_COMMA.fullmatch(text):
        return Misspelt(f"decimal comma in {cut(text)}", f"use a point: {cut(text.replace(',', '.'))}")
    return None


# blank, yet neither spaces nor format characters to Unicode: fillers, joiners, variation selectors
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(0xFE00 + i) for i in range(16)}
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def hidden_character(text: str) -> str | None:
    """Return the first invisible or right-to-left character, if any."""
    if text.isascii() and text.isprintable():
        return None
    return next((char for char in text if visibility(char)), None)


def visibility(char: str) -> str | None:
    """Return "invisible" or "right-to-left" for a character that misleads a reader, else None."""
    if char != " " and (unicodedata.category(char) in _HIDDEN_CATEGORIES or char in _BLANK):
        return "invisible"
    return "right-to-left" if unicodedata.bidirectional(char) in _RIGHT_TO_LEFT else None


def code_point(char: str) -> str:
    """Return a character as "U+202E RIGHT-TO-LEFT OVERRIDE"."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def cut(text: str) -> str:
    """Return a text, cut to 80 characters."""
    return text if len(text) <= 80 else text[:77] + "..."


def short(text: str) -> str:
    """Return a text in quotes, cut to 80 characters."""
    return repr(cut(text))
