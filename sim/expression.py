"""Expressions in files: a small safe language over columns, read by a whitelist and tabulated like every rule.

Never evaluated as Python. Columns, labels in quotes, numbers, + - * /, comparisons (chains too), `and or not`,
`in [..]`, `a if c else b`, and the functions exp log min max clip logit expit. Layer 1.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sim.errors import RuleError, nearest
from sim.tables import Axis, Column, Rule, isin

MAX_CHARACTERS = 500
MAX_NODES = 100

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}


def _logit(x: Any) -> Any:
    return np.log(x / (1 - x))


def _expit(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, np.exp),
    "log": (1, np.log),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "clip": (3, np.clip),
    "logit": (1, _logit),
    "expit": (1, _expit),
}


@dataclass(frozen=True)
class Expression:
    """An expression that has been read and found safe; `reads` are the names it uses."""

    text: str
    reads: tuple[str, ...]

    @classmethod
    def of(cls, given: str | float | int) -> Expression:
        """Read an expression; a plain number is the expression of itself. Raises RuleError with the way to write it."""
        if isinstance(given, bool):
            given = "1" if given else "0"
        text = str(given).strip()
        if len(text) > MAX_CHARACTERS:
            raise RuleError(f"the expression has {len(text)} characters; at most {MAX_CHARACTERS}")
        tree = _parse(text)
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            raise RuleError(f"the expression has more than {MAX_NODES} parts")
        names: list[str] = []
        _check(tree, names)
        return cls(text, tuple(dict.fromkeys(names)))

    @property
    def constant(self) -> float | None:
        """The value, if the expression reads no column."""
        if self.reads:
            return None
        value = _value(_parse(self.text), {})
        return float(np.asarray(value.number() if isinstance(value, Axis) else value))

    def rule(self, columns: Mapping[str, Column]) -> Rule:
        """Return the rule of the expression; raises RuleError for an unknown name, with the nearest column."""
        for name in self.reads:
            if name not in columns:
                raise RuleError(f"unknown name {name!r} in '{self.text}'", hint=nearest(name, columns))
        tree = _parse(self.text)
        return Rule(lambda **axes: _value(tree, axes), self.reads, False, self.text)


_SPOKEN = {
    "ListComp": "a loop", "GeneratorExp": "a loop", "SetComp": "a loop", "DictComp": "a loop", "Lambda": "a function",
    "JoinedStr": "a text with values", "NamedExpr": "an assignment", "Attribute": "a dot", "Subscript": "an index",
    "List": "a list", "Tuple": "a list", "Dict": "a mapping", "Set": "a set", "Starred": "a star",
}  # fmt: skip
"""What cannot stand in an expression, in words."""


@lru_cache(maxsize=1024)  # asked for at each binding; nobody changes a tree
def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "too deeply nested"
        hint = "write == to compare" if "=" in text and "==" not in text else None
        raise RuleError(f"'{text}' is not an expression: {reason}", hint=hint) from None


def _check(node: ast.AST, names: list[str]) -> None:
    match node:
        case ast.Constant(value=bool()) | ast.Constant(value=None):
            raise RuleError(f"{node.value!r} is not a value of an expression", hint="conditions are 0 and 1")
        case ast.Constant(value=int() | float() as number):
            if not abs(number) <= 1e15:
                raise RuleError(f"the number {number} is too large for an expression")
        case ast.Name():
            names.append(node.id)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            _check(node.left, names)
            _check(node.right, names)
        case ast.BinOp(op=ast.Pow()):
            raise RuleError("** is not available in an expression", hint="write x * x, or exp(n * log(x))")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not()):
            _check(node.operand, names)
        case ast.BoolOp():
            for one in node.values:
                _check(one, names)
        case ast.IfExp():
            for one in (node.test, node.body, node.orelse):
                _check(one, names)
        case ast.Compare():
            _check_comparison(node, names)
        case ast.Call(func=ast.Name()) if not node.keywords and isinstance(node.func, ast.Name):
            if node.func.id not in _FUNCTIONS:
                raise RuleError(f"no function {node.func.id!r} in expressions", hint=nearest(node.func.id, _FUNCTIONS))
            wanted = _FUNCTIONS[node.func.id][0]
            if len(node.args) != wanted:
                raise RuleError(f"{node.func.id} takes {wanted} value(s), {len(node.args)} given")
            for one in node.args:
                _check(one, names)
        case ast.Constant(value=str()):
            raise RuleError(
                f"the text {node.value!r} stands alone", hint="a label is compared with its column: care == 'open'"
            )
        case _:
            what = _SPOKEN.get(type(node).__name__, "this part")
            raise RuleError(
                f"{what} is not available in an expression", hint="use columns, labels, comparisons and arithmetic"
            )


def _check_comparison(node: ast.Compare, names: list[str]) -> None:
    for place, part in enumerate([node.left, *node.comparators]):
        op = node.ops[place - 1] if place else node.ops[0]
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            if not isinstance(op, (ast.Eq, ast.NotEq)) or len(node.ops) > 1:
                raise RuleError(f"the label {part.value!r} can be compared with == and != only")
        elif place and isinstance(op, (ast.In, ast.NotIn)):
            listed = isinstance(part, (ast.List, ast.Tuple)) and part.elts
            if not listed or not all(isinstance(e, ast.Constant) and isinstance(e.value, str) for e in part.elts):  # type: ignore[attr-defined]
                raise RuleError("`in` takes a list of labels", hint="write care in ['open', 'residential']")
        elif isinstance(op, (ast.Is, ast.IsNot)):
            raise RuleError("`is` is not available in an expression", hint="write ==")
        else:
            _check(part, names)


def _value(node: ast.AST, axes: Mapping[str, Axis]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return axes[node.id]
        case ast.BinOp():
            return _OPERATORS[type(node.op)](_axis(node.left, axes), _axis(node.right, axes))
        case ast.UnaryOp(op=ast.Not()):
            return ~_truth(node.operand, axes)
        case ast.UnaryOp(op=ast.USub()):
            return -_axis(node.operand, axes)
        case ast.UnaryOp():
            return _axis(node.operand, axes)
        case ast.BoolOp():
            parts = [_truth(one, axes) for one in node.values]
            total = parts[0]
            for part in parts[1:]:
                total = total & part if isinstance(node.op, ast.And) else total | part
            return total
        case ast.IfExp():
            return np.where(_truth(node.test, axes), _axis(node.body, axes), _axis(node.orelse, axes))  # type: ignore[call-overload]
        case ast.Compare():
            return _compared(node, axes)
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name][1](*[_axis(one, axes) for one in node.args])
    raise RuleError("this part is not available in an expression")


def _compared(node: ast.Compare, axes: Mapping[str, Axis]) -> Axis:
    parts = []
    left: ast.expr = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, (ast.List, ast.Tuple)):
            labels = [str(one.value) for one in right.elts if isinstance(one, ast.Constant)]
            inside = isin(_value(left, axes), *labels)
            parts.append(inside if isinstance(op, ast.In) else ~inside)
        else:
            parts.append(_OPERATORS[type(op)](_axis(left, axes), _axis(right, axes)))
        left = right
    total = parts[0]
    for part in parts[1:]:
        total = total & part
    return total


def _axis(node: ast.AST, axes: Mapping[str, Axis]) -> Any:
    value = _value(node, axes)
    return value if isinstance(value, (Axis, str)) else Axis.plain("", value)


def _truth(node: ast.AST, axes: Mapping[str, Axis]) -> Axis:
    """Return 0/1 of a part; numbers count as true where they are not 0."""
    truth: Axis = Axis.plain("", _value(node, axes)) != 0
    return truth
