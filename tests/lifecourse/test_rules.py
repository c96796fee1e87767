"""No scientific number stands in the rules of the shipped life course, and every rule says what it is."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import sim.lifecourse
from tests.lifecourse.shipped import CODE, MODEL

FOLDER = Path(sim.lifecourse.__file__).parent

PLAIN = {-1, 0, 1, 2}
CONVERSIONS = {12, 365, 1000}
"""Months and days of a year, thousands: only where the line says so."""

STRUCTURE = {"clock", "cap", "price_year"}
"""Keywords that say how much is remembered of the past, and of which year the kronor are."""


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def numbers(tree: ast.Module) -> Iterator[tuple[ast.Constant, list[ast.AST]]]:
    """Yield every number of a module with the nodes that it stands in, from the outermost."""

    def below(node: ast.AST, above: list[ast.AST]) -> Iterator[tuple[ast.Constant, list[ast.AST]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and type(child.value) in (int, float, complex):
                yield child, [*above, node]
            yield from below(child, [*above, node])

    return below(tree, [])


def is_allowed(number: ast.Constant, above: list[ast.AST], comment: str) -> bool:
    keywords = {one.arg for one in above if isinstance(one, ast.keyword)}
    if "ages" in keywords:
        return number.value in (0, 1, 100)  # the whole of life, or all of it after the year of birth
    if keywords & STRUCTURE or "bins" in keywords:
        return True
    return number.value in PLAIN or (number.value in CONVERSIONS and bool(comment))


def test_the_counts_are_looked_at_too() -> None:
    assert {one.parent.name for one in CODE} == {"lifecourse", "counts"}


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_no_scientific_number_stands_in_the_rules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    comments = {
        one.start[0]: one.string
        for one in tokenize.generate_tokens(io.StringIO(text).readline)
        if one.type == tokenize.COMMENT
    }
    found = [
        f"{name_of(path)}:{number.lineno}: {number.value}"
        for number, above in numbers(ast.parse(text))
        if not is_allowed(number, above, comments.get(number.lineno, ""))
    ]
    assert found == []


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_no_number_is_put_together_from_allowed_ones(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp) and all(
            isinstance(side, ast.Constant) and isinstance(side.value, (int, float)) for side in (node.left, node.right)
        ):
            found.append(f"{name_of(path)}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def test_every_rule_says_in_a_docstring_what_it_is() -> None:
    rules = [(f"{d.name}: {m.name}", m.rule) for d in MODEL.all_domains for m in d.moves]
    rules += [(f"{d.name}: {f.rule.name}", f.rule) for d in MODEL.all_domains for f in d.factors]
    rules += [(name, quantity.rule) for name, quantity in MODEL.quantities.rows.items()]
    assert len(rules) > 60
    assert [name for name, rule in rules if not (rule.function.__doc__ or "").strip()] == []


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_every_module_and_function_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if not ast.get_docstring(node)] == []
