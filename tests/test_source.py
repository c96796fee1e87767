"""A user's YAML file is read strictly, and every value and mistake keeps its place."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import math
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import Problem, ScenarioError
from sim.source import Source, read_yaml, source_from_values

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "scenario.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def values(path: Path) -> Any:
    return read_yaml(path).values


def problems(path: str | os.PathLike[str]) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioError) as caught:
        read_yaml(path)
    return caught.value.problems


def the_problem(path: str | os.PathLike[str]) -> Problem:
    (problem,) = problems(path)
    return problem


def place(problem: Problem) -> tuple[int | None, int | None]:
    return problem.line, problem.column


# What is accepted


def test_nested_mappings_and_lists_become_plain_values(write: Write) -> None:
    text = "name: bas\nsteps:\n  - {age: 16, on: true}\n  - [1, 2.5, null]\n"
    assert values(write(text)) == {"name": "bas", "steps": [{"age": 16, "on": True}, [1, 2.5, None]]}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("100_000", 100_000),
        ("9223372036854775809", 2**63 + 1),
        ("0.05", 0.05),
        ("1e-3", 0.001),
        ("-1E+3", -1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1_000.5", 1000.5),
        ("0e0", 0.0),
    ],
)
def test_plain_words_follow_the_yaml_1_2_core_schema(write: Write, word: str, value: object) -> None:
    found = values(write(f"a: {word}\n"))["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "no",
        "on",
        "off",
        "tRUE",
        "1:30",
        "2020-01-01",
        "1-6",
        "1__000",
        "_1",
        "1_",
        "1e",
        "0xyz",
        "5 %",
    ],
)
def test_other_plain_words_stay_text(write: Write, word: str) -> None:
    assert values(write(f"a: {word}\n")) == {"a": word}


@pytest.mark.parametrize("word", ["010", "0,05", "true", "null", "~", ".nan", "0x1F", "12", ""])
def test_quoted_words_are_always_text(write: Write, word: str) -> None:
    assert values(write(f"a: \"{word}\"\nb: '{word}'\n")) == {"a": word, "b": word}


def test_block_text_is_text_whatever_it_looks_like(write: Write) -> None:
    assert values(write("a: |\n  010\nb: >-\n  true\n")) == {"a": "010\n", "b": "true"}


def test_quoted_text_may_hold_invisible_characters(write: Write) -> None:
    assert values(write('a: "x\u202ey"\n')) == {"a": "x\u202ey"}


@pytest.mark.parametrize("key", ["0", "1-6", "16", "010", "1.5", "true", "null", "~", "å ä", "care: home"])
def test_keys_are_the_text_that_stands_in_the_file(write: Write, key: str) -> None:
    written = f'"{key}"' if ": " in key else key
    assert values(write(f"{written}: 1\n")) == {key: 1}


def test_the_byte_order_mark_is_no_part_of_the_first_key(write: Write) -> None:
    source = read_yaml(write(b"\xef\xbb\xbfa: 1\n"))
    assert source.values == {"a": 1}
    assert source.key_places["a",] == (1, 1)


def test_windows_line_ends_change_neither_values_nor_places(write: Write) -> None:
    unix = read_yaml(write("a:\n  - x\n  - |\n    y\n    z\n"))
    windows = read_yaml(write("a:\r\n  - x\r\n  - |\r\n    y\r\n    z\r\n"))
    assert windows.values == unix.values
    assert windows.places == unix.places


def test_one_document_may_begin_and_end_with_its_marks(write: Write) -> None:
    assert values(write("%YAML 1.2\n---\na: 1\n...\n")) == {"a": 1}


def test_nesting_of_32_levels_is_accepted(write: Write) -> None:
    assert values(write("a: " + "[" * 31 + "]" * 31))["a"]


def test_the_path_is_kept_as_the_user_wrote_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("a: 1\n").parent)
    assert read_yaml("./scenario.yaml").path == "./scenario.yaml"


def test_the_digest_is_that_of_the_bytes(write: Write) -> None:
    data = b"\xef\xbb\xbfa: 1\r\n"
    assert read_yaml(write(data)).digest == hashlib.sha256(data).hexdigest()


# Where values stand

PLACED = """\
# costs
price_year: 2024
costs:
  foster:   500
  ages: {16: 0.1, 17: 0.2}
  empty:
  list:
    - a
    - b: "c"
"""


@pytest.mark.parametrize(
    ("path", "value_place", "key_place"),
    [
        ((), (2, 1), (2, 1)),
        (("price_year",), (2, 13), (2, 1)),
        (("costs",), (4, 3), (3, 1)),
        (("costs", "foster"), (4, 13), (4, 3)),
        (("costs", "ages", "17"), (5, 23), (5, 19)),
        (("costs", "empty"), (6, 9), (6, 3)),
        (("costs", "list", 0), (8, 7), (8, 7)),
        (("costs", "list", 1), (9, 7), (9, 7)),
        (("costs", "list", 1, "b"), (9, 10), (9, 7)),
    ],
)
def test_every_value_and_key_has_its_line_and_column(
    write: Write, path: tuple[str | int, ...], value_place: tuple[int, int], key_place: tuple[int, int]
) -> None:
    source = read_yaml(write(PLACED))
    assert source.places[path] == value_place
    assert source.key_places[path] == key_place


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("a:\nb: 1\n", (1, 3)),
        ("a:  # why: unknown\n\n\nb: 1\n", (1, 3)),
        ("{a: , b: 1}\n", (1, 4)),
        ('a:\n  ""\nb: 1\n', (2, 3)),
    ],
)
def test_a_value_left_out_stands_right_after_its_colon(write: Write, content: str, where: tuple[int, int]) -> None:
    assert read_yaml(write(content)).places["a",] == where


def test_columns_count_characters_not_bytes(write: Write) -> None:
    assert read_yaml(write("ålder på barn: 3\n")).places["ålder på barn",] == (1, 16)


def test_a_problem_stands_at_the_value(write: Write) -> None:
    path = write(PLACED)
    problem = read_yaml(path).problem(("costs", "foster"), "too dear", "at most 400")
    assert problem == Problem("too dear", str(path), 4, 13, "at most 400")


def test_a_problem_can_stand_at_the_key(write: Write) -> None:
    assert place(read_yaml(write(PLACED)).problem(("costs", "foster"), "unknown", at_key=True)) == (4, 3)


def test_a_problem_at_a_missing_path_falls_back_to_the_nearest_parent(write: Write) -> None:
    source = read_yaml(write(PLACED))
    assert place(source.problem(("costs", "list", 7, "x"), "missing")) == (8, 5)
    assert place(source.problem(("nowhere",), "missing")) == (2, 1)


def test_a_source_cannot_be_changed(write: Write) -> None:
    source = read_yaml(write("a: 1\n"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        source.path = "other"  # type: ignore[misc]


# Files that are no text to read


def test_a_missing_file_names_its_neighbours_and_the_nearest(tmp_path: Path) -> None:
    for name in ("norrkoping.yaml", "bas.yml", "notes.txt"):
        (tmp_path / name).touch()
    problem = the_problem(tmp_path / "norkoping.yaml")
    assert problem.message == "not found; YAML files in this folder: bas.yml, norrkoping.yaml"
    assert problem.hint == "did you mean 'norrkoping.yaml'?"


def test_a_missing_file_is_found_without_its_ending(tmp_path: Path) -> None:
    (tmp_path / "bas.yaml").touch()
    assert the_problem(tmp_path / "bas").hint == "did you mean 'bas.yaml'?"


def test_at_most_eight_neighbours_are_named(tmp_path: Path) -> None:
    for number in range(11):
        (tmp_path / f"{number:02}.yaml").touch()
    message = the_problem(tmp_path / "zebra").message
    assert message.endswith("06.yaml, 07.yaml and 3 more")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "there is no folder" in the_problem(tmp_path / "none" / "a.yaml").message


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    assert the_problem(tmp_path).message == "is a folder; name one YAML file, here: a.yaml"


def test_a_path_with_a_nul_is_refused() -> None:
    assert "cannot be read" in the_problem("a\0b").message


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in the_problem(tmp_path / "pipe").message


def test_an_endless_device_is_refused_without_reading() -> None:
    if not os.path.exists("/dev/zero"):
        pytest.skip("no /dev/zero on this system")
    assert "not a regular file" in the_problem("/dev/zero").message


@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_refused(write: Write, content: str) -> None:
    assert "is empty" in the_problem(write(content)).message


def test_a_file_over_1_mb_is_refused(write: Write) -> None:
    assert "is over 1 MB" in the_problem(write(b"a: 1\n" + b"#" * 1_000_000)).message


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (gzip.compress(b"a: 1\n"), "gzip"),
        (gzip.compress(os.urandom(1_200_000)), "gzip"),
        (b"PK\x03\x04rest", "zip"),
        (b"PAR1\x15\x04\x15rest-PAR1", "Parquet"),
        (b"\x93NUMPY\x01\x00v\x00", "NumPy"),
        (pickle.dumps({"a": 1}), "pickle"),
    ],
    ids=["gzip", "big-gzip", "zip", "parquet", "npy", "pickle"],
)
def test_packed_and_binary_files_are_refused_by_their_first_bytes(write: Write, content: bytes, name: str) -> None:
    assert the_problem(write(content)).message.startswith(f"refused file type: {name}")


def test_a_key_may_begin_like_a_parquet_file(write: Write) -> None:
    assert values(write("PAR1: 3\n")) == {"PAR1": 3}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["no-bom", "bom"])
def test_latin_1_is_refused_at_its_first_foreign_byte(write: Write, bom: bytes) -> None:
    problem = the_problem(write(bom + "a: 1\nnamn: på\n".encode("latin-1")))
    assert problem.message == f"not UTF-8 at byte {13 + len(bom)}; save the file as UTF-8"
    assert place(problem) == (2, 8)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_with_or_without_its_mark(write: Write, encoding: str) -> None:
    assert "not UTF-8; save the file as UTF-8" in the_problem(write("abc: 1\n".encode(encoding))).message


@pytest.mark.parametrize(
    ("char", "words"),
    [("\0", "NUL byte"), ("\x07", "U+0007"), ("\x85", "U+0085"), ("\u2028", "U+2028 LINE SEPARATOR")],
)
def test_control_characters_are_refused_wherever_they_stand(write: Write, char: str, words: str) -> None:
    problem = the_problem(write(f"a: 1\nb: 2 # {char}\n"))
    assert words in problem.message
    assert place(problem) == (2, 8)


def test_tab_indentation_is_refused_once_with_its_count(write: Write) -> None:
    problem = the_problem(write("a: 1\nb:\n  - x\n \tc: 2\n\td: 3\n"))
    assert problem.message == "tab at line 4; use spaces"
    assert place(problem) == (4, 2)
    assert problem.hint == "and on 1 more lines"


def test_a_tab_between_key_and_value_is_refused_in_the_same_words(write: Write) -> None:
    problem = the_problem(write("a: 1\nb:\t2\n"))
    assert problem.message == "tab at line 2; use spaces"
    assert place(problem) == (2, 3)


# YAML beyond what is needed


@pytest.mark.parametrize(
    ("content", "found"),
    [("- a\n- b\n", "a list"), ("[a]\n", "a list"), ("just text\n", "the text 'just text'")],
)
def test_the_top_level_must_be_a_mapping(write: Write, content: str, found: str) -> None:
    problem = the_problem(write(content))
    assert problem.message == f"expected a mapping ('key: value' lines), found {found}"
    assert place(problem) == (1, 1)


def test_a_forgotten_space_after_the_colon_is_told(write: Write) -> None:
    assert the_problem(write("a:1\n")).hint == "put a space after ':'"


def test_nesting_deeper_than_32_is_refused_where_it_begins(write: Write) -> None:
    problem = the_problem(write("a: " + "[" * 32 + "]" * 32))
    assert problem.message == "nested deeper than 32 levels"
    assert place(problem) == (1, 35)


@pytest.mark.parametrize("unit", ["[", "{a: ", "- ", "? "])
def test_nesting_without_end_is_refused_as_too_deep(write: Write, unit: str) -> None:
    assert problems(write(f"a:\n  {unit * 200_000}"))[-1].message == "nested deeper than 32 levels"


def test_anchors_and_aliases_are_each_refused(write: Write) -> None:
    found = problems(write("a: &x [1]\nb: *x\n"))
    assert {one.message for one in found} == {"anchors and aliases (&, *) are not allowed"}
    assert [place(one) for one in found] == [(1, 4), (2, 4)]


def test_exponential_aliases_are_refused_before_they_grow(write: Write) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    assert len(problems(write("\n".join(lines)))) == 60 + 2 * 59


@pytest.mark.parametrize(
    "value", ["!!python/object/apply:os.system [ls]", "!!str 5", "!own {b: 1}", "! 5", "!<tag:x> y"]
)
def test_tags_are_refused(write: Write, value: str) -> None:
    problem = the_problem(write(f"a: {value}\n"))
    assert problem.message == "tags (!, !!x) are not allowed"
    assert place(problem) == (1, 4)


def test_merge_keys_are_refused(write: Write) -> None:
    problem = the_problem(write("a: 1\n<<: {b: 2}\n"))
    assert problem.message == "merge keys (<<) are not allowed"
    assert place(problem) == (2, 1)


def test_several_documents_are_refused_at_the_second(write: Write) -> None:
    problem = the_problem(write("---\na: 1\n---\nb: 2\n"))
    assert problem.message == "several documents (---) in one file are not allowed"
    assert place(problem) == (3, 1)


@pytest.mark.parametrize("directive", ["%YAML 1.1", "%TAG ! tag:x"])
def test_directives_that_change_the_reading_are_refused(write: Write, directive: str) -> None:
    assert "directives are not allowed" in the_problem(write(f"{directive}\n---\na: no\n")).message


# Keys


def test_all_duplicate_keys_are_reported_at_once_with_both_lines(write: Write) -> None:
    found = problems(write("p: 1\nq:\n  r: 1\n  r: 2\np: 2\np: 3\n"))
    assert [(one.message, place(one)) for one in found] == [
        ("'r' given twice: lines 3 and 4", (4, 3)),
        ("'p' given twice: lines 1 and 5", (5, 1)),
        ("'p' given twice: lines 1 and 6", (6, 1)),
    ]


def test_the_same_age_plain_and_quoted_is_a_duplicate(write: Write) -> None:
    problem = the_problem(write('ages: {0: 1, "0": 2}\n'))
    assert problem.message == "'0' given twice: both on line 1"
    assert place(problem) == (1, 14)


def test_one_key_may_stand_in_two_mappings(write: Write) -> None:
    assert values(write("a: {x: 1}\nb: {x: 2}\n")) == {"a": {"x": 1}, "b": {"x": 2}}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: 1\n[b, c]: 1\n", "a list"),
        ("a: 1\n? {b: 1}\n: 1\n", "a mapping"),
        ("a: 1\n{b: 1}: 2\n", "a mapping"),
    ],
)
def test_a_key_that_is_no_text_is_refused(write: Write, content: str, found: str) -> None:
    problem = the_problem(write(content))
    assert problem.message == f"a key must be text, not {found}"
    assert problem.line == 2


@pytest.mark.parametrize("content", [": 1\n", '"": 1\n', "?\n: 1\n"])
def test_an_empty_key_is_refused(write: Write, content: str) -> None:
    assert the_problem(write(content)).message == "a key may not be empty"


@pytest.mark.parametrize(
    ("char", "words"),
    [
        ("\u202e", "invisible character U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u200b", "invisible character U+200B ZERO WIDTH SPACE"),
        ("\u00a0", "invisible character U+00A0 NO-BREAK SPACE"),
        ("\u00ad", "invisible character U+00AD SOFT HYPHEN"),
        ("\ufeff", "invisible character U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\u3164", "invisible character U+3164 HANGUL FILLER"),
        ("\u05d0", "right-to-left character U+05D0 HEBREW LETTER ALEF"),
    ],
)
def test_invisible_and_right_to_left_characters_are_named(write: Write, char: str, words: str) -> None:
    in_key, in_value = problems(write(f"ab{char}c: 1\nd: ef{char}g\n"))
    assert (in_key.message, place(in_key)) == (words, (1, 3))
    assert (in_value.message, place(in_value)) == (words, (2, 6))


def test_a_quoted_key_may_not_hide_characters_behind_escapes(write: Write) -> None:
    problem = the_problem(write('"a\\u202eb": 1\n'))
    assert "invisible character U+202E" in problem.message
    assert place(problem) == (1, 1)


@pytest.mark.parametrize("escape", ["\\0", "\\uD800"])
def test_text_that_no_file_can_hold_is_refused(write: Write, escape: str) -> None:
    assert "text may not hold U+" in the_problem(write(f'a: "{escape}"\n')).message


# Numbers


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("010", "10"),
        ("-08", "-8"),
        ("00", "0"),
        ("007.5", "7.5"),
        ("00.5", "0.5"),
        ("0_1", "1"),
        ("0581", "581"),
    ],
)
def test_a_leading_zero_is_refused(write: Write, word: str, right: str) -> None:
    problem = the_problem(write(f"a: {word}\n"))
    assert problem.message == f"leading zero; write {right}"
    assert problem.hint == f'in quotes if it is a code: "{word}"'
    assert place(problem) == (1, 4)


@pytest.mark.parametrize(("word", "right"), [("0x1F", 31), ("0o7", 7), ("0b11", 3)])
def test_other_bases_are_refused(write: Write, word: str, right: int) -> None:
    assert f"write {right}" in str(the_problem(write(f"a: {word}\n")))


@pytest.mark.parametrize("word", [".nan", ".NaN", "nan", "NaN", ".inf", "-.inf", "inf", "+inf", "-Infinity"])
def test_numbers_must_be_finite(write: Write, word: str) -> None:
    assert "not a finite number" in the_problem(write(f"a: {word}\n")).message


@pytest.mark.parametrize("word", ["1e999", "-1e999", "9" * 400, "9" * 5000], ids=["float", "-float", "int", "long"])
def test_numbers_that_overflow_are_refused(write: Write, word: str) -> None:
    assert "not a finite number" in the_problem(write(f"a: {word}\n")).message


@pytest.mark.parametrize(("word", "right"), [("0,05", "0.05"), ("-1,5", "-1.5"), ("-,5", "-.5"), ("1,5e3", "1.5e3")])
def test_a_decimal_comma_is_refused_with_the_right_spelling(write: Write, word: str, right: str) -> None:
    problem = the_problem(write(f"x: 1\na: {word}\n"))
    assert problem.hint == f"use a point: {right}"
    assert place(problem) == (2, 4)


def test_a_thousands_comma_is_refused_with_both_readings(write: Write) -> None:
    assert the_problem(write("a: 1,000\n")).hint == "write 1_000, or with a point: 1.000"


def test_a_decimal_comma_in_braces_is_refused(write: Write) -> None:
    problem = the_problem(write("a: {p: 0,05}\n"))
    assert problem.hint == "use a point: 0.05"
    assert place(problem) == (1, 10)


@pytest.mark.parametrize("inside", ["a:1", "a", '"a"', "x: 1, a"])
def test_a_key_without_value_in_braces_is_refused(write: Write, inside: str) -> None:
    assert "has no value" in the_problem(write(f"b: {{{inside}}}\n")).message


def test_an_empty_value_in_braces_is_null(write: Write) -> None:
    assert values(write("b: {a: , c: }\n")) == {"b": {"a": None, "c": None}}


# Ill-formed text


@pytest.mark.parametrize(
    ("content", "words", "where"),
    [
        ("a: 1\nb: [1, 2\n", "unexpected end of the file", (2, 8)),
        ('a: 1\nb: "open\n', "unexpected end of the file", (2, 8)),
        ('{"a": 1,\n "b": 2', "unexpected end of the file", (2, 7)),
        ('{"a": 1\n "b": 2}', "expected ',' or '}'", (2, 5)),
        ('{"a": [1,, 2]}', "a value is missing before ','", (1, 10)),
        ('{"a": 1}]', "ill-formed", (1, 9)),
        ("a: b: c\n", "a ':' may not stand here", (1, 5)),
        ("a:\n  b: 1\n c: 2\n", "does not fit what stands above", (3, 2)),
        ("a: 1\n- b\n", "does not fit what stands above", (2, 1)),
        ("a: - b\n", "a list item '-' may not stand here", (1, 4)),
        ("a:\n  - b\n  -c\n", "no ':' after this key", (3, 3)),
        ("a: @x\n", "a text may not begin with '@'", (1, 4)),
        ("a: %x\n", "a text may not begin with '%'", (1, 4)),
        ('a: "\\q"\n', "unknown escape", (1, 6)),
        ('a: "\\UFFFFFFFF"\n', "names no character", (1, 1)),
        ("a: 'it's'\n", "does not fit what stands above", (1, 8)),
    ],
)
def test_ill_formed_text_gives_one_sentence_with_its_place(
    write: Write, content: str, words: str, where: tuple[int, int]
) -> None:
    problem = the_problem(write(content))
    assert words in problem.message
    assert "\n" not in problem.message
    assert place(problem) == where


def test_a_truncated_file_tells_where_the_open_bracket_stands(write: Write) -> None:
    message = the_problem(write("a: 1\nb: [1,\n  2\n")).message
    assert message == "unexpected end of the file: what begins at line 2, column 4 is not closed"


def test_all_problems_come_at_once_in_the_order_of_the_file(write: Write) -> None:
    found = problems(write("a: 010\nb: &x 1\na: .nan\nc: 0,5\nd: !t x\ne: [\n"))
    assert [one.line for one in found] == [1, 2, 3, 3, 4, 5, 6]


def test_the_sentence_begins_with_file_line_and_column(write: Write) -> None:
    path = write("a: 1\nb: 010\n")
    assert str(the_problem(path)).startswith(f"{path}:2:4: leading zero; write 10")


# Values given in Python


def test_values_given_in_python_have_no_places() -> None:
    source = source_from_values({"a": [1, {"b": None}]})
    assert source == Source("(given)", {"a": [1, {"b": None}]}, {}, {}, source.digest)


def test_a_problem_in_given_values_names_the_path_instead_of_a_line() -> None:
    problem = source_from_values({"a": [1]}).problem(("a", 0), "too small")
    assert str(problem) == "(given): at a.0: too small"


def test_given_values_read_as_the_same_file_would(write: Write) -> None:
    given = {"ages": {0: 0.1, "1-6": (1, 2)}, "ok": True}
    assert source_from_values(given).values == values(write("ages: {0: 0.1, 1-6: [1, 2]}\nok: true\n"))


def test_given_numpy_scalars_become_plain_numbers() -> None:
    plain = source_from_values({"a": np.float64(0.5), "b": np.int64(3)}).values
    assert [type(one) for one in plain.values()] == [float, int]


def test_given_values_are_copied() -> None:
    given = {"a": [1]}
    source = source_from_values(given)
    given["a"].append(2)
    assert source.values == {"a": [1]}


def test_the_digest_of_given_values_does_not_depend_on_the_order_of_keys() -> None:
    one, other = source_from_values({"a": 1, "b": 2}), source_from_values({"b": 2, "a": 1})
    assert one.digest == other.digest
    assert one.digest != source_from_values({"a": 1, "b": 3}).digest


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": math.nan}, "at a: not a finite number"),
        ({"a": 10**400}, "at a: not a finite number"),
        ({"a": {1, 2}}, "at a: set is not a plain value"),
        ({"a": {None: 1}}, "at a: the key None is not text"),
        ({1: 1, "1": 2}, "'1' given twice"),
        ({"a\u200b": 1}, "invisible character U+200B"),
    ],
)
def test_given_values_that_no_file_can_hold_are_refused(given: object, words: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(words)):
        source_from_values(given)


def test_given_values_that_contain_themselves_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ScenarioError, match="nested deeper than 32 levels"):
        source_from_values({"a": loop})
