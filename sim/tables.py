"""Rules become tables: one evaluation by broadcasting over the grid of a rule's columns.

Here live columns, axes (the values a rule sees), rules and their tabulation. Layer 1: knows no domain, no
person and no file.
"""

from __future__ import annotations

import ast
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import RuleError, nearest

MAX_CELLS = 2**20
"""The most cells one table may have."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A discrete attribute of a person: what one byte of a row can be."""

    name: str
    labels: tuple[str, ...] | None = None
    """Names of the values; None for a plain number (age, clock, counter)."""
    values: tuple[float, ...] | None = None
    """Numbers that the codes 0, 1, … stand for, for a trait in quantile bins; None where the code is the number."""
    count: int = 0
    """How many codes there are, for a plain number (0 … count - 1)."""

    @property
    def size(self) -> int:
        """Number of different codes."""
        if self.labels is not None:
            return len(self.labels)
        return self.count

    def code(self, label: str) -> int:
        """Return the code of a label; raises RuleError with the nearest right one."""
        if self.labels is None or label not in self.labels:
            raise RuleError(f"column '{self.name}' has no label {label!r}", hint=nearest(label, self.labels or ()))
        return self.labels.index(label)

    def axis(self, codes: NDArray[Any], shift: float = 0.0) -> Axis:
        """Return the axis that a rule sees for these codes; `shift` moves a binned trait, ends held."""
        if self.values is None:
            numbers = None if self.labels is not None else codes.astype(np.float64)
            return Axis(self.name, numbers, codes.astype(np.float64), self.labels)
        bins = np.asarray(self.values)
        if shift == 0.0:
            return Axis(self.name, bins[codes], codes.astype(np.float64), self.labels)
        shifted = bins[codes] + shift
        return Axis(self.name, shifted, np.interp(shifted, bins, np.arange(len(bins))), self.labels)

    def text(self, code: int) -> str:
        """Return what a person calls this code: the label, or the number."""
        return self.labels[code] if self.labels is not None else str(code)


_ARITHMETIC = {
    np.add, np.subtract, np.multiply, np.true_divide, np.negative, np.positive, np.power, np.exp, np.expm1,
    np.log, np.log1p, np.sqrt, np.square, np.absolute, np.minimum, np.maximum, np.floor_divide, np.tanh,
}  # fmt: skip
_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}
_LOGIC = {
    np.bitwise_and: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.bitwise_xor: np.logical_xor,
    np.invert: np.logical_not,
    np.logical_and: np.logical_and,
    np.logical_or: np.logical_or,
    np.logical_not: np.logical_not,
}


class Axis(np.lib.mixins.NDArrayOperatorsMixin):
    """What a rule sees instead of a value: all values of a column at once, or any expression of them.

    Numbers take arithmetic and comparison; labels know `==`, `!=` and `isin` only; conditions are 0 and 1.
    """

    __array_priority__ = 100.0

    def __init__(
        self,
        name: str,
        numbers: FloatArray | None,
        positions: FloatArray | None = None,
        labels: tuple[str, ...] | None = None,
        *,
        open_labels: bool = False,
    ) -> None:
        self.name = name
        self.numbers = numbers
        self.positions = positions
        self.labels = labels
        self.open_labels = open_labels

    @classmethod
    def plain(cls, name: str, value: Any) -> Axis:
        """Return the axis of one plain value, so that scalars and grids go one path."""
        if isinstance(value, Axis):
            return value
        if isinstance(value, str):
            return cls(name, None, np.zeros(()), (value,), open_labels=True)
        number = np.asarray(float(value))
        return cls(name, number, number)

    def equals(self, label: str) -> Axis:
        """Return 1 where the label column has this label; raises RuleError for a label it does not have."""
        assert self.labels is not None
        assert self.positions is not None
        if label not in self.labels:
            if not self.open_labels:
                raise RuleError(f"column '{self.name}' has no label {label!r}", hint=nearest(label, self.labels))
            return _condition(np.zeros_like(self.positions))
        return _condition(self.positions == self.labels.index(label))

    def number(self) -> FloatArray:
        """Return the values as numbers; raises RuleError for a column of labels."""
        if self.numbers is None:
            raise RuleError(
                f"'{self.name}' is a column of labels: it knows ==, != and isin only",
                hint=f"compare it with a label, or look a parameter up by it: p.table[{self.name}]",
            )
        return self.numbers

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise RuleError(f"{ufunc.__name__}.{method} cannot be tabulated", hint="use plain arithmetic")
        if ufunc in (np.equal, np.not_equal) and any(isinstance(one, Axis) and one.labels for one in inputs):
            left, right = inputs if isinstance(inputs[0], Axis) and inputs[0].labels else inputs[::-1]
            if isinstance(right, str):
                same = left.equals(right)
                return same if ufunc is np.equal else ~same
            if left.numbers is None:
                raise RuleError(f"column '{left.name}' can be compared with one of its labels only, not {right!r}")
        if any(isinstance(one, str) for one in inputs):
            name = next((one.name for one in inputs if isinstance(one, Axis)), "")
            raise RuleError(f"'{name}' is a number and cannot be compared with a text")
        values = [one.number() if isinstance(one, Axis) else one for one in inputs]
        if ufunc in _COMPARISONS:
            return _condition(ufunc(*values))
        if ufunc in _LOGIC:
            return _condition(_LOGIC[ufunc](*[np.asarray(value) != 0 for value in values]))
        if ufunc in _ARITHMETIC:
            with np.errstate(all="ignore"):  # what is not finite is refused with its cell after tabulation
                return Axis("", np.asarray(ufunc(*values), dtype=np.float64))
        raise RuleError(f"the function {ufunc.__name__} is not available in a rule")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.where, np.clip) and not kwargs:
            with np.errstate(all="ignore"):
                values = [one.number() if isinstance(one, Axis) else one for one in args]
                if function is np.where:
                    values[0] = np.asarray(values[0]) != 0
                return Axis("", np.asarray(function(*values), dtype=np.float64))
        hint = "use isin(column, 'label', …)" if function is np.isin else "use where, minimum, maximum or arithmetic"
        raise RuleError(f"the function {function.__name__} is not available in a rule", hint=hint)

    def __bool__(self) -> bool:
        raise RuleError("a rule is evaluated for all values at once", hint=_spelling(sys._getframe(1)))

    def __contains__(self, item: object) -> bool:
        raise RuleError("'in' asks for one answer, but a rule is evaluated for all values at once", hint=_ISIN)

    def __iter__(self) -> Any:
        raise RuleError("a column cannot be looped over in a rule", hint="write plain arithmetic of the column")

    def __float__(self) -> float:
        raise RuleError("a rule is evaluated for all values at once", hint="use numpy functions, not math")

    __hash__ = None  # type: ignore[assignment]


_ISIN = "write isin(column, 'a', 'b') for column in ('a', 'b')"


def _condition(truth: Any) -> Axis:
    return Axis("", np.asarray(truth, dtype=np.float64))


def _spelling(frame: Any) -> str:
    """Return the spelling to use instead of what stands on the line that asked a column for one truth value."""
    general = "write where(c, a, b) for if, & for and, | for or, ~ for not"
    try:
        lines, start = inspect.getsourcelines(frame.f_code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return general
    line = frame.f_lineno - start + 1
    for node in ast.walk(tree):
        if not (getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)):
            continue
        if isinstance(node, ast.Compare):
            if any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
                return _ISIN
            if len(node.ops) > 1:
                return "write (3 <= age) & (age < 7) for 3 <= age < 7"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "min"):
            return f"write np.{node.func.id}imum(a, b) for {node.func.id}(a, b)"
        if isinstance(node, ast.BoolOp):
            return "write (a) & (b) for a and b, (a) | (b) for a or b"
        if isinstance(node, (ast.If, ast.IfExp)):
            return "write np.where(condition, a, b) for a if condition else b"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return "write ~(a) for not a"
    return general


def isin(column: Any, *labels: str) -> Axis:
    """Return 1 where the column has one of the labels.

    >>> float(isin("foster", "foster", "residential").numbers)
    1.0
    """
    axis = Axis.plain("", column)
    if axis.labels is None:
        raise RuleError(f"isin needs a column of labels, and '{axis.name}' is a number")
    total = axis.equals(labels[0])
    for label in labels[1:]:
        total = total | axis.equals(label)
    return total


def where(condition: Any, yes: Any, no: Any) -> Axis:
    """Return `yes` where the condition holds, else `no`; for rules and expressions."""
    return np.where(Axis.plain("", condition), yes, no)  # type: ignore[call-overload, no-any-return]


class Table:
    """A parameter with a value by age, label, or both, indexed by the columns themselves: `p.rate[age, sex]`.

    keys: one tuple of keys a dimension, numbers or labels as text; values: the array over them. Looking up what
    is not there raises RuleError; nothing wraps from the end.
    """

    def __init__(self, name: str, keys: Sequence[tuple[str, ...]], values: FloatArray) -> None:
        self.name = name
        self.keys = tuple(keys)
        self.values = values

    def __getitem__(self, index: Any) -> Axis:
        axes = index if isinstance(index, tuple) else (index,)
        if len(axes) != len(self.keys):
            raise RuleError(f"parameter '{self.name}' has {len(self.keys)} dimension(s), {len(axes)} given")
        lows, highs, weights = [], [], []
        for given, keys in zip(axes, self.keys, strict=True):
            low, high, weight = self._positions(Axis.plain("", given), keys)
            lows.append(low)
            highs.append(high)
            weights.append(weight)
        if not any(np.any(weight) for weight in weights):  # no shifted bin lies between two rows
            return Axis("", self.values[tuple(lows)])
        total = np.zeros(())
        for corner in range(2 ** len(axes)):
            picked, weight = [], np.ones(())
            for dimension in range(len(axes)):
                upper = corner >> dimension & 1
                picked.append(highs[dimension] if upper else lows[dimension])
                weight = weight * (weights[dimension] if upper else 1 - weights[dimension])
            if np.any(weight):
                total = total + weight * self.values[tuple(picked)]
        return Axis("", total)

    def _positions(self, axis: Axis, keys: tuple[str, ...]) -> tuple[Any, Any, FloatArray]:
        """Return lower and upper row of each value, and the weight of the upper one (shifted bins lie between)."""
        if axis.positions is None:
            raise RuleError(f"parameter '{self.name}' is indexed by a column, not by an expression")
        if axis.labels is not None:
            rows = np.empty(len(axis.labels), dtype=np.int64)
            for code, label in enumerate(axis.labels):
                if label not in keys:
                    raise RuleError(f"parameter '{self.name}' has no value for {label!r}", hint=nearest(label, keys))
                rows[code] = keys.index(label)
            low = np.floor(axis.positions).astype(np.int64)
            high = np.ceil(axis.positions).astype(np.int64)
            return rows[low], rows[high], axis.positions - low
        lookup = _rows_of(keys)
        wanted = axis.positions.astype(np.int64)
        inside = (wanted >= 0) & (wanted < len(lookup))
        rows = lookup[np.where(inside, wanted, -1)]
        if (rows < 0).any():
            number = wanted[rows < 0].min()
            known = np.flatnonzero(lookup >= 0)
            has = f"{known[0]} to {known[-1]}" if len(known) else ", ".join(keys)
            raise RuleError(f"parameter '{self.name}' has no value for {axis.name or 'index'} {number}; it has {has}")
        return rows, rows, np.zeros(())


@lru_cache(maxsize=256)
def _rows_of(keys: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the row of each number from 0 on in a table with these keys; -1, also at the end, where it has none."""
    known = {int(key): row for row, key in enumerate(keys) if key.isdigit()}
    lookup = np.full(max(known, default=-1) + 2, -1)
    for number, row in known.items():
        lookup[number] = row
    return lookup


class Parameters:
    """The parameters of one domain, as a rule's `p`: numbers and tables by name."""

    def __init__(self, domain: str = "", values: Mapping[str, float | Table] | None = None) -> None:
        self._domain = domain
        self._values = dict(values or {})
        self._read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise RuleError(f"domain '{self._domain}' has no parameter '{name}'", hint=nearest(name, self._values))
        self._read.add(name)
        return self._values[name]

    def window(self, bound: int | str, where: str) -> int:
        """Return a bound of an age window: a number, or the name of a scalar parameter."""
        if isinstance(bound, int):
            return bound
        value = getattr(self, bound)
        if not isinstance(value, (int, float)) or value != int(value):
            raise RuleError(f"the age window of {where} names '{bound}', which is not one whole number")
        return int(value)

    @property
    def domain(self) -> str:
        """The domain whose parameters these are."""
        return self._domain

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(self._values)

    @property
    def unread(self) -> tuple[str, ...]:
        """Names of parameters that no rule has read so far."""
        return tuple(name for name in self._values if name not in self._read)

    def __contains__(self, name: str) -> bool:
        return name in self._values


@dataclass(frozen=True)
class Rule:
    """A pure function of columns and, if it asks for `p`, of its domain's parameters."""

    function: Callable[..., Any]
    reads: tuple[str, ...]
    """Names of the columns it reads, in the order of its arguments."""
    takes_parameters: bool
    name: str

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Rule:
        """Return the rule of a plain function: its argument names are columns, `p` its parameters."""
        if isinstance(function, Rule):
            return function
        names = _argument_names(function)
        return cls(function, tuple(one for one in names if one != "p"), "p" in names, function.__name__)

    def __call__(self, **values: Any) -> Any:
        """Evaluate at plain values or axes: `rule(age=3, sex="girl", p=parameters)` gives a float (or a tuple)."""
        arguments: dict[str, Any] = {}
        for name, value in values.items():
            arguments[name] = value if name == "p" else Axis.plain(name, value)
        result = self.function(**arguments)
        if isinstance(result, tuple):
            return tuple(_plain(one) for one in result)
        return _plain(result)

    def evaluate(self, axes: Mapping[str, Axis], parameters: Parameters) -> tuple[FloatArray, ...]:
        """Return the results over the axes as arrays (one a destination); raises RuleError naming the rule."""
        arguments: dict[str, Any] = {name: axes[name] for name in self.reads}
        if self.takes_parameters:
            arguments["p"] = parameters
        try:
            result = self.function(**arguments)
        except RuleError as error:
            raise RuleError(f"rule '{self.name}': {error.problems[0].message}", hint=error.problems[0].hint) from None
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise RuleError(f"rule '{self.name}' cannot be tabulated: {error}") from None
        results = result if isinstance(result, tuple) else (result,)
        return tuple(_numbers(one, self.name) for one in results)


def _argument_names(function: Callable[..., Any]) -> Sequence[str]:
    """Return the names of a function's arguments."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        code = function.__code__
        if not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):  # thirty times as fast as a signature
            return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return list(inspect.signature(function).parameters)


def _numbers(result: Any, name: str) -> FloatArray:
    if isinstance(result, Axis):
        return result.number()
    try:
        return np.asarray(result, dtype=np.float64)
    except (TypeError, ValueError):
        raise RuleError(f"rule '{name}' returned {type(result).__name__}, not numbers") from None


def _plain(result: Any) -> Any:
    if isinstance(result, Axis):
        numbers = result.number()
        return float(numbers) if numbers.ndim == 0 else numbers
    return result


def axes_of(columns: Sequence[Column], ages: tuple[int, int] | None, shifts: Mapping[str, float]) -> dict[str, Axis]:
    """Return one broadcasting axis a column; the age axis covers the closed window `ages` only."""
    axes = {}
    for position, column in enumerate(columns):
        codes = np.arange(column.size)
        if column.name == "age" and ages is not None:
            codes = np.arange(ages[0], ages[1] + 1)
        shape = [1] * len(columns)
        shape[position] = len(codes)
        axes[column.name] = column.axis(codes.reshape(shape), shifts.get(column.name, 0.0))
    return axes


def tabulate(
    rule: Rule,
    columns: Sequence[Column],
    parameters: Parameters,
    *,
    ages: tuple[int, int] | None = None,
    shifts: Mapping[str, float] | None = None,
    lower: float = 0.0,
    upper: float = math.inf,
    unit: str = "rate",
) -> tuple[FloatArray, ...]:
    """Evaluate a rule once over the grid of its columns.

    Returns one float64 array a destination, shape = sizes of `columns` (the age axis cut to `ages`). Raises
    RuleError for a grid over the limit (columns and sizes), and for a value that is below `lower`, above `upper` or
    not finite (with its cell).
    """
    sizes = [column.size for column in columns]
    if ages is not None:
        sizes = [
            ages[1] - ages[0] + 1 if column.name == "age" else size for column, size in zip(columns, sizes, strict=True)
        ]
    if math.prod(sizes) > MAX_CELLS:
        listed = " × ".join(f"{column.name} {size}" for column, size in zip(columns, sizes, strict=True))
        raise RuleError(
            f"the table of rule '{rule.name}' has {math.prod(sizes):,} cells ({listed}); at most {MAX_CELLS:,}",
            hint="read fewer columns, bin one of them, or split the rule into factors",
        )
    results = rule.evaluate(axes_of(columns, ages, shifts or {}), parameters)
    grids = []
    for result in results:
        if result.ndim > len(sizes):
            raise RuleError(
                f"rule '{rule.name}' returned an array of its own shape; return an expression of its columns"
            )
        grid = np.asarray(np.broadcast_to(result, sizes), order="C")
        least, most = max(lower, -sys.float_info.max), min(upper, sys.float_info.max)
        if not (result.min(initial=0.0) >= least and result.max(initial=0.0) <= most):
            wrong = ~((grid >= lower) & (grid <= upper) & np.isfinite(grid))
            cell = np.unravel_index(int(np.argmax(wrong)), grid.shape)
            place = cell_text(columns, cell, ages)
            limit = f"between 0 and {upper:g}" if math.isfinite(upper) else "0 or more and finite"
            limit = "finite" if lower < 0 else limit
            raise RuleError(f"rule '{rule.name}' gives the {unit} {grid[cell]:g} at {place}: it must be {limit}")
        grids.append(grid)
    return tuple(grids)


def cell_text(columns: Sequence[Column], cell: Sequence[Any], ages: tuple[int, int] | None = None) -> str:
    """Return a cell in words: "age 17, sex boy"."""
    words = []
    for column, index in zip(columns, cell, strict=True):
        code = int(index) + (ages[0] if column.name == "age" and ages is not None else 0)
        words.append(f"{column.name} {column.text(code)}")
    return ", ".join(words) or "every cell"
