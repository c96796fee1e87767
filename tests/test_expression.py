"""Expressions in files: a small language over columns, read by a whitelist and tabulated like every rule."""

from __future__ import annotations

import math

import pytest

from sim.errors import RuleError
from sim.expression import MAX_CHARACTERS, MAX_NODES, Expression
from sim.tables import Column, Parameters, tabulate

COLUMNS = {
    "age": Column("age", count=101),
    "care": Column("care", ("home", "foster", "institution")),
    "risk": Column("risk", ("1", "2", "3"), (-1.0, 0.0, 1.0)),
}


def value(text: str | float, age: int = 10, care: str = "home", risk: float = 0.0) -> float:
    """Return an expression at plain values."""
    rule = Expression.of(text).rule(COLUMNS)
    given = {"age": age, "care": care, "risk": risk}
    return float(rule(**{name: given[name] for name in rule.reads}))


def tabulated(text: str) -> None:
    rule = Expression.of(text).rule(COLUMNS)
    tabulate(rule, [COLUMNS[name] for name in rule.reads], Parameters())


def refusal(text: str) -> tuple[str, str]:
    """Return the sentence and the hint with which a text is refused, at the latest when it is tabulated."""
    with pytest.raises(RuleError) as caught:
        tabulated(text)
    (problem,) = caught.value.problems
    return problem.message, problem.hint or ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.25", 0.25),
        (".5 + 2 * 3 - 1 / 4", 6.25),
        ("-age + +3", -7),
        ("age > 9", 1),
        ("3 <= age < 7", 0),
        ("3 <= age <= 10", 1),
        ("care == 'home'", 1),
        ("'home' == care", 1),
        ("care != 'home'", 0),
        ("care in ['foster', 'home']", 1),
        ("care in ('foster', 'institution')", 0),
        ("care not in ['foster']", 1),
        ("care == 'home' and age > 3", 1),
        ("care == 'foster' or age > 30", 0),
        ("not care == 'home'", 0),
        ("not age", 0),
        ("not (care == 'foster' or risk > 0)", 1),
        ("0.2 + 0.5 * (care == 'home')", 0.7),
        ("0.9 if care == 'home' else 0.1", 0.9),
        ("0.9 if age > 10 else 0.1 if age > 9 else 0", 0.1),
        ("exp(0) + log(1)", 1),
        ("min(age, 3) + max(age, 20)", 23),
        ("clip(age, 0, 5)", 5),
        ("expit(0)", 0.5),
        ("logit(0.5)", 0),
        ("expit(logit(0.2))", 0.2),
        ("100_000", 100_000),
        ("1e-3", 0.001),
    ],
)
def test_an_expression_means_what_it_says(text, found):
    assert value(text) == pytest.approx(found, abs=1e-15)


def test_a_plain_number_is_the_expression_of_itself():
    assert value(0.7) == 0.7
    assert Expression.of(1).constant == 1.0
    assert Expression.of(True).constant == 1.0
    assert Expression.of("age").constant is None


def test_an_expression_is_tabulated_like_every_rule():
    rule = Expression.of("(care == 'foster') * age / 10").rule(COLUMNS)
    assert rule.reads == ("care", "age")
    (grid,) = tabulate(rule, [COLUMNS["care"], COLUMNS["age"]], Parameters())
    assert grid.shape == (3, 101)
    assert grid[1, 20] == 2.0
    assert not grid[0].any()


def test_names_are_read_once_and_in_order():
    assert Expression.of("age + risk * age").reads == ("age", "risk")


@pytest.mark.parametrize(
    ("text", "said", "way_out"),
    [
        ("agee > 3", "unknown name 'agee'", "did you mean 'age'?"),
        ("care == 'fostr'", "no label 'fostr'", "did you mean 'foster'?"),
        ("care in ['home', 'fostr']", "no label 'fostr'", "did you mean 'foster'?"),
        ("expp(age)", "no function 'expp'", "did you mean 'exp'?"),
        ("__import__('os')", "no function '__import__'", "allowed: exp, log"),
        ("eval('1')", "no function 'eval'", ""),
        ("min(age)", "min takes 2 value(s), 1 given", ""),
        ("exp(x=1)", "this part is not available", "use columns"),
        ("exp(*age)", "a star is not available", "use columns"),
        ("age.__class__", "a dot is not available", "use columns"),
        ("care[0]", "an index is not available", "use columns"),
        ("(lambda: 1)()", "this part is not available", "use columns"),
        ("lambda: 1", "a function is not available", "use columns"),
        ("[x for x in age]", "a loop is not available", "use columns"),
        ("[1, 2]", "a list is not available", "use columns"),
        ("{'a': 1}", "a mapping is not available", "use columns"),
        ("(age := 3)", "an assignment is not available", "use columns"),
        ("f'{age}'", "a text with values is not available", "use columns"),
        ("2 ** 9999", "** is not available", "write x * x"),
        ("9 ** 9 ** 9", "** is not available", "write x * x"),
        ("age % 2", "this part is not available", "use columns"),
        ("age // 2", "this part is not available", "use columns"),
        ("age & 1", "this part is not available", "use columns"),
        ("1 << 30", "this part is not available", "use columns"),
        ("~age", "this part is not available", "use columns"),
        ("age is 3", "`is` is not available", "write =="),
        ("'home'", "the text 'home' stands alone", "a label is compared with its column"),
        ("1 if age else 'home'", "the text 'home' stands alone", "a label is compared"),
        ("care < 'home'", "can be compared with == and != only", ""),
        ("'a' < care < 'b'", "can be compared with == and != only", ""),
        ("care in 'home'", "can be compared with == and != only", ""),
        ("care in []", "`in` takes a list of labels", "write care in ['open', 'residential']"),
        ("age in [1, 2]", "`in` takes a list of labels", "write care in"),
        ("age in ['home']", "'age' is a number", ""),
        ("age == 'home'", "cannot be compared with a text", ""),
        ("care + 1", "is a column of labels", "compare it with a label"),
        ("care and 1", "can be compared with one of its labels only", ""),
        ("True", "True is not a value", "conditions are 0 and 1"),
        ("None", "None is not a value", "conditions are 0 and 1"),
        ("1e16", "is too large", ""),
        ("1e999", "is too large", ""),
        ("9" * 400, "is too large", ""),
        ("1j", "this part is not available", ""),
        ("b'home'", "this part is not available", ""),
        ("...", "this part is not available", ""),
        ("age = 3", "is not an expression", "write == to compare"),
        ("age > ", "is not an expression", ""),
        ("", "is not an expression", ""),
        ("import os", "is not an expression", ""),
        ("age; age", "is not an expression", ""),
        ("age\x00", "is not an expression", ""),
        ("1" + " + 1" * 60, f"more than {MAX_NODES} parts", ""),
        ("1 + " * 125 + "1", f"at most {MAX_CHARACTERS}", ""),
        ("1 / age", "gives the rate inf at age 0", ""),
        ("log(age - 1)", "at age 0", ""),
        ("exp(1000)", "gives the rate inf at every cell", ""),
        ("age - 1", "gives the rate -1 at age 0", ""),
    ],
)
def test_what_the_language_does_not_have_is_refused(text, said, way_out):
    message, hint = refusal(text)
    assert said in message
    assert way_out in hint


def test_deep_nesting_is_no_harm():
    assert value("(" * 150 + "1" + ")" * 150) == 1
    message, _ = refusal("-" * 200 + "1")
    assert f"more than {MAX_NODES} parts" in message


def test_a_constant_is_known_without_columns():
    assert Expression.of("2 * exp(0)").constant == 2.0
    assert math.isinf(Expression.of("1 / 0").constant or 0)
