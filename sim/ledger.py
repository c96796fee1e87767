"""What is counted, and the integer counts: margins over columns, by block of copies and step.

Layer 4: knows columns and quantities; knows no money.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.domain import PREVIOUS, Quantity
from sim.errors import ModelError
from sim.kernels.layout import DELIVERY_COUNTS
from sim.model import MAX_AGE, Model
from sim.tables import Axis, Column, Parameters, cell_text

MAX_LEDGER_BYTES = 256 * 2**20
"""The most memory one ledger may take."""

PARTS = ("counts", "deliveries", "persons")
"""The arrays of a ledger, in the order in which they are digested and written."""

IntArray = NDArray[np.int64]
Counts = NDArray[Any]
"""Whole numbers, or float64 where numbers are expected and not simulated."""

COUNTED = np.int32
"""Type of the counts by cell: nobody simulates 2^31 persons in one block, and half the memory is half the time."""


@dataclass(frozen=True)
class Need:
    """The columns that some price, measure or target has to see together."""

    columns: frozenset[str]
    deaths: bool = False
    """Whether deaths of the step are counted instead of the living after it."""
    whose: str = ""
    """Who asked, for messages."""


@dataclass(frozen=True)
class Margin:
    """A set of columns whose joint counts are kept; age only where it differs from the year."""

    columns: tuple[str, ...]
    known: Mapping[str, Column]
    start: int
    """Place of its first cell in a row of the ledger."""
    deaths: bool = False
    whose: tuple[str, ...] = ()

    @cached_property
    def sizes(self) -> list[int]:
        """Sizes of its columns."""
        return [self.column(name).size for name in self.columns]

    @cached_property
    def cells(self) -> int:
        """Number of its cells."""
        return math.prod(self.sizes)

    def column(self, name: str) -> Column:
        """Return a column; `receives_<intervention>` is a flag."""
        return self.known[name] if name in self.known else Column(name, count=2)


def margins_for(needs: Iterable[Need], model: Model) -> tuple[Margin, ...]:
    """Return the fewest margins that answer every need: sets within another one's are left out."""
    kept: list[Need] = []
    for need in sorted(needs, key=lambda one: (-len(one.columns), sorted(one.columns), one.deaths)):
        if not any(need.columns <= one.columns and need.deaths == one.deaths for one in kept):
            kept.append(need)
    margins: list[Margin] = []
    start = 0
    for need in kept:
        whose = (need.whose,) if need.whose else ()
        margin = Margin(tuple(sorted(need.columns)), model.columns, start, need.deaths, whose)
        margins.append(margin)
        start += margin.cells
    return tuple(margins)


def check_size(margins: Sequence[Margin], blocks: int, rows: int) -> int:
    """Return the bytes of a ledger; raises ModelError naming the largest margin where they are too many."""
    size = sum(margin.cells for margin in margins) * blocks * rows * np.dtype(COUNTED).itemsize
    if size > MAX_LEDGER_BYTES:
        worst = max(margins, key=lambda margin: margin.cells)
        columns = " × ".join(f"{name} {worst.column(name).size}" for name in worst.columns)
        raise ModelError(
            f"the ledger would take {size / 2**20:,.0f} MB, at most {MAX_LEDGER_BYTES // 2**20}; its largest margin"
            f" is {columns}" + (f" (asked for by {', '.join(worst.whose)})" if worst.whose else ""),
            hint="count over fewer columns, or use fewer copies",
        )
    return size


@dataclass
class Ledger:
    """Counts by block of copies and step. Row 0 is the start (t = -1), row t + 1 the count after step t.

    A simulation counts in integers; what `sim.expect` expects is counted in real numbers (float64).
    """

    margins: tuple[Margin, ...]
    counts: Counts
    """(blocks, steps + 1, cells of all margins)"""
    deliveries: Counts
    """(blocks, steps + 1, interventions, eligible | offered | started | years | waiting | waited): the last two are
    of lines, who waits at the end of the step and how many years those who start have waited"""
    persons: Counts
    """Persons at the start, by block."""
    cache: dict[int, NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def empty(cls, margins: tuple[Margin, ...], blocks: int, steps: int, interventions: int) -> Ledger:
        """Return a ledger of zeros."""
        cells = sum(margin.cells for margin in margins)
        return cls(
            margins,
            np.zeros((blocks, steps + 1, cells), dtype=COUNTED),
            np.zeros((blocks, steps + 1, interventions, DELIVERY_COUNTS), dtype=np.int64),
            np.zeros(blocks, dtype=np.int64),
        )

    @classmethod
    def of_real_numbers(cls, margins: tuple[Margin, ...], steps: int, interventions: int) -> Ledger:
        """Return a ledger of zeros of one block that takes expected numbers of persons: float64 in every part."""
        empty = cls.empty(margins, 1, steps, interventions)
        return cls(
            margins,
            empty.counts.astype(np.float64),
            empty.deliveries.astype(np.float64),
            empty.persons.astype(np.float64),
        )

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(
            self.margins, self.counts + other.counts, self.deliveries + other.deliveries, self.persons + other.persons
        )

    def __sub__(self, other: Ledger) -> Ledger:
        return Ledger(
            self.margins, self.counts - other.counts, self.deliveries - other.deliveries, self.persons - other.persons
        )

    @property
    def person_years(self) -> int:
        """Years that were lived: everyone alive after a step stands once in every margin of the living."""
        margin = next(margin for margin in self.margins if not margin.deaths)
        return int(self.of(margin)[:, 1:].sum())

    def together(self, strata: int) -> Ledger:
        """Return the ledger with all blocks of each stratum counted as one."""

        def summed(values: Counts) -> Counts:
            return np.asarray(values.reshape(strata, -1, *values.shape[1:]).sum(axis=1))

        return Ledger(self.margins, summed(self.counts), summed(self.deliveries), summed(self.persons))

    def margin(self, columns: Iterable[str], deaths: bool = False) -> Margin:
        """Return the smallest margin that holds all these columns; raises ModelError where none does."""
        wanted = set(columns)
        fitting = [m for m in self.margins if wanted <= set(m.columns) and m.deaths == deaths]
        if not fitting:
            raise ModelError(f"the ledger was not asked to count over {', '.join(sorted(wanted)) or 'everyone'}")
        return min(fitting, key=lambda margin: margin.cells)

    def of(self, margin: Margin) -> Counts:
        """Return the counts of a margin: (blocks, steps + 1, cells)."""
        return self.counts[:, :, margin.start : margin.start + margin.cells]

    def floats(self, margin: Margin) -> NDArray[np.float64]:
        """Return the counts of a margin for arithmetic, (blocks, steps + 1, cells); made once, after the counting."""
        if margin.start not in self.cache:
            self.cache[margin.start] = self.of(margin).astype(np.float64, order="C")
        return self.cache[margin.start]

    def nonzero(self, part: str) -> tuple[IntArray, IntArray]:
        """Return the places (row-major) and values of the counts of a part that are not 0.

        Raises ModelError for a ledger of real numbers, which is neither digested nor written.
        """
        if not np.issubdtype(getattr(self, part).dtype, np.integer):
            raise ModelError("expected numbers have no digest and no run folder", hint="simulate, or expect again")
        flat = np.ascontiguousarray(getattr(self, part)).reshape(-1)
        places = np.flatnonzero(flat)
        return places.astype(np.int64), flat[places]

    def digest(self) -> str:
        """Return the SHA-256 of all counts: shape, places and values of those that are not 0."""
        digest = hashlib.sha256()
        for part in PARTS:
            digest.update(f"{part}{getattr(self, part).shape}".encode())
            for array in self.nonzero(part):
                digest.update(array.astype("<i8").tobytes())
        return digest.hexdigest()


def need_of(quantity: Quantity, model: Model, extra: Iterable[str] = ()) -> Need:
    """Return the columns that a quantity's basis has to see: before and after, unless it is a state on a date."""
    columns = set(quantity.rule.reads) | set(extra)
    if quantity.basis != "on_date":
        columns |= {model.previous_of(name) for name in columns if not name.startswith(PREVIOUS)}
    return Need(frozenset(columns - {"age"}), whose=quantity.name)


def amounts(
    quantity: Quantity, model: Model, parameters: Parameters, margin: Margin, steps: int, entry_age: int = 0
) -> NDArray[np.float64]:
    """Return a quantity's amount for one person in each cell of a margin and row: (steps + 1, cells)."""
    ages = np.clip(np.arange(-1, steps) + entry_age, 0, MAX_AGE)
    after = _axes(quantity, margin, ages, "")
    now = _evaluated(quantity, after, parameters)
    if quantity.basis == "on_date":
        result = now
    else:
        before = _evaluated(quantity, _axes(quantity, margin, ages, PREVIOUS), parameters)
        stayed = np.ones(())
        for name in quantity.rule.reads:
            if name in model.changing and model.changing[name].labels is not None:
                stayed = stayed * (_codes(margin, name) == _codes(margin, PREVIOUS + name))
        result = _by_basis(quantity, parameters, before, now, stayed)
    full = np.broadcast_to(result, [len(ages), *margin.sizes])
    wrong = ~np.isfinite(full)
    if wrong.any():
        cell = np.unravel_index(int(np.argmax(wrong)), full.shape)
        place = cell_text([margin.column(name) for name in margin.columns], cell[1:])
        raise ModelError(f"quantity '{quantity.name}' is not finite at age {ages[cell[0]]}, {place}")
    return np.ascontiguousarray(full).reshape(len(ages), margin.cells)


def _by_basis(
    quantity: Quantity,
    parameters: Parameters,
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    stayed: NDArray[np.float64],
) -> NDArray[np.float64]:
    if quantity.basis == "any_in_year":
        return np.maximum(before, now)
    if quantity.basis == "whole_year":
        return np.where((before != 0) & (stayed != 0), now, 0.0)
    if quantity.basis == "event":
        return np.where(before == 0, now, 0.0)
    assert quantity.days is not None
    entry, middle, leaving = (parameters_number(parameters, day) for day in quantity.days)
    return np.where(before == 0, now * entry, np.where(now == 0, before * leaving, now * middle))


def parameters_number(parameters: Parameters, given: int | str) -> float:
    """Return a number, or the scalar parameter of that name."""
    return float(given) if isinstance(given, int) else float(getattr(parameters, given))


def _codes(margin: Margin, name: str) -> NDArray[np.int64]:
    """Return the codes of a column over (row, columns of the margin…)."""
    place = margin.columns.index(name)
    shape = [1] * (len(margin.columns) + 1)
    shape[place + 1] = margin.column(name).size
    return np.arange(margin.column(name).size).reshape(shape)


def _axes(quantity: Quantity, margin: Margin, ages: NDArray[np.int64], prefix: str) -> dict[str, Axis]:
    """Return the axes of a quantity's columns, at their values before (`previous_`) or after the step."""
    axes = {}
    for name in quantity.rule.reads:
        if name == "age":
            axes[name] = Column("age", count=MAX_AGE + 1).axis(ages.reshape([-1] + [1] * len(margin.columns)))
            continue
        seen = prefix + name if prefix and prefix + name in margin.columns else name
        axes[name] = margin.column(name).axis(_codes(margin, seen))
    return axes


def _evaluated(quantity: Quantity, axes: Mapping[str, Axis], parameters: Parameters) -> NDArray[np.float64]:
    return quantity.rule.evaluate(axes, parameters)[0]
