"""The persons of one arm, lived a year at a time by the engine's own chunks, and read by column. Layer 7.

What is counted is what `simulate` counts in that arm: the same integers. Knows no Mesa.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Chunk, Tally
from sim.draws import philox_key
from sim.engine import CHUNK, empty_ledger
from sim.errors import ModelError, RuleError, ScenarioError, nearest
from sim.expression import Expression
from sim.in_step import InStep
from sim.ledger import Ledger
from sim.persons import Ids, class_of, copy_of, persons_of, split
from sim.plan import Plan
from sim.tables import Column, Parameters

Places = NDArray[np.int64]
"""Places of persons in the order in which the plan names them, from 0: they stay when someone dies."""


class YearByYear:
    """Everyone in an arm, as they stand after the last year lived."""

    def __init__(
        self,
        plan: Plan,
        arm: str,
        *,
        seed: int,
        replicate: int = 0,
        ids: Ids | None = None,
        families: Ids | None = None,
        threads: int = 1,
        chunk: int = CHUNK,
    ) -> None:
        """Arguments as of `simulate`; raises ScenarioError for an arm that the plan does not have."""
        if arm not in plan.arms:
            raise ScenarioError(f"no arm {arm!r} in the scenario", hint=nearest(arm, plan.arms))
        key = np.uint64(philox_key(seed, replicate))
        persons = persons_of(plan, ids, families, key)
        self.plan, self.ids, self.years, self.threads = plan, persons.ids, 0, threads
        self.ledger = empty_ledger(plan)
        """What is counted so far: row 0 the start, row t + 1 after step t; zeros where no year is lived yet."""
        self._program = plan.programs[arm]
        order, classes = np.lexsort((persons.ids, persons.blocks)), class_of(plan, persons.ids)
        queued = bool(self._program.queued)
        together = split(order, 1, copy_of(persons.ids)) if queued else split(order, chunk, classes)
        pieces = [split(some, chunk, classes) for some in together]
        self._members = [piece for some in pieces for piece in some]
        steps = [[Chunk(plan, self._program, persons.some(piece), key) for piece in some] for some in pieces]
        self._in_step = [InStep(plan, self._program, some) for some in steps]
        self._chunks = [one for some in steps for one in some]
        self._tallies = [[one.tally(1) for one in some] for some in steps]
        self._add(self._tallies)
        self._look()
        self._whole = True

    def live_one_year(self) -> None:
        """Live everyone through the next year and count them: the one place that says how all chunks are lived.

        Raises ScenarioError after the horizon.
        """
        horizon = self.plan.scenario.horizon
        if self.years == horizon:
            raise ScenarioError(f"all {horizon} years of the scenario are lived", hint="its horizon says how many")
        self._check_whole()
        self._whole = False

        def one(some: InStep, tallies: list[Tally]) -> None:
            for tally in tallies:
                tally.counts[:], tally.deliveries[:], tally.persons[:] = 0, 0, 0
            some.live(self.years + 1, tallies, [0] * len(tallies))

        with ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(one, self._in_step, self._tallies):
                pass
        self.years += 1
        self._add(self._tallies)
        self._look()
        self._whole = True

    def _check_whole(self) -> None:
        if not self._whole:
            raise ScenarioError("a year was interrupted, so that some have lived it and others not", hint="begin again")

    def _add(self, tallies: Iterable[Iterable[Tally]]) -> None:
        """Add what chunks counted in one year to the year's row of the ledger."""
        whole, row = self.ledger, slice(self.years, self.years + 1)
        ledger = Ledger(whole.margins, whole.counts[:, row], whole.deliveries[:, row], whole.persons)
        for tally in chain.from_iterable(tallies):
            tally.add_to(ledger, self.plan, self._program)

    def _look(self) -> None:
        """Note who is alive, and forget how columns were."""
        self._codes: dict[str, NDArray[np.uint8]] = {}
        self.alive = np.zeros(len(self.ids), dtype=bool)
        """(persons,), by place"""
        for members, chunk in zip(self._members, self._chunks, strict=True):
            self.alive[members[chunk.origin[: chunk.alive]]] = True
        self.living: Places = np.flatnonzero(self.alive)
        """The places of those alive, in order."""
        self.alive.flags.writeable = self.living.flags.writeable = False

    @property
    def goes_on(self) -> bool:
        """Whether years are left and somebody is alive to live them."""
        return self.years < self.plan.scenario.horizon and len(self.living) > 0

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns that can be read: those of the model that something in the plan reads, and `receives_` flags."""
        layout, known = self.plan.layout, self.plan.scenario.model.columns
        flags = [f"receives_{name}" for name in layout.receives]
        return {name: known[name] for name in layout.rows} | {name: Column(name, count=2) for name in flags}

    def column(self, name: str) -> Column:
        """Return a column; raises ModelError for one that is not kept, with the nearest that is."""
        if name in self.columns:
            return self.columns[name]
        model = self.plan.scenario.model
        if name in model.columns:
            raise ModelError(f"column '{name}' is not kept, as nothing in the scenario reads it")
        raise ModelError(f"no column {name!r} in model '{model.name}'", hint=nearest(name, self.columns))

    def codes(self, name: str) -> NDArray[np.uint8]:
        """Return the codes of a column by place, (persons,); at the places of the dead they say nothing."""
        if name not in self._codes:
            self._check_whole()
            self.column(name)
            row = self.plan.layout.row(name)
            codes = np.zeros(len(self.ids), dtype=np.uint8)
            for members, chunk in zip(self._members, self._chunks, strict=True):
                codes[members[chunk.origin[: chunk.alive]]] = chunk.cols[row, : chunk.alive]
            codes.flags.writeable = False
            self._codes[name] = codes
        return self._codes[name]

    def values(self, name: str, places: Places | int) -> Any:
        """Return what a column holds at some places, or one: labels as texts, a trait's bins and counts as numbers."""
        return self._meanings[self.column(name).name][self.codes(name)[places]]

    @cached_property
    def _meanings(self) -> dict[str, NDArray[Any]]:
        return {name: _meanings(column) for name, column in self.columns.items()}

    def holds(self, text: str, places: Places) -> NDArray[np.bool_]:
        """Return where an expression over columns holds; raises RuleError for one that is not in order."""
        rule = Expression.of(text).rule(self.columns)
        axes = {name: self.columns[name].axis(self.codes(name)[places]) for name in rule.reads}
        (result,) = rule.evaluate(axes, Parameters())
        if not np.isfinite(result).all():
            raise RuleError(f"'{text}' is not finite for everyone")
        return np.broadcast_to(result != 0, places.shape)

    def is_one_of(self, name: str, wanted: Any, places: Places) -> NDArray[np.bool_]:
        """Return where a column holds one of the wanted labels or numbers, given as one or as several.

        Raises RuleError for a label or bin that the column does not have, with the nearest.
        """
        column = self.column(name)
        chosen = np.zeros(column.size, dtype=bool)
        several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
        for one in wanted if several else [wanted]:
            code = _code(column, one)
            if 0 <= code < column.size:
                chosen[code] = True
        return chosen[self.codes(name)[places]]


def _meanings(column: Column) -> NDArray[Any]:
    """Return what each code of a column means: texts, numbers of bins, or the codes themselves."""
    if column.values is not None:
        return np.array(column.values)
    if column.labels is not None:
        return np.array(column.labels, dtype=object)
    return np.arange(column.size)


def _code(column: Column, value: Any) -> int:
    """Return the code of a label or number; of a count that the column cannot reach, one that nobody has."""
    if column.labels is not None:
        if column.values is None or isinstance(value, str):
            return column.code(value)
        if value not in column.values:
            bins = map(str, column.values)
            raise RuleError(f"column '{column.name}' has no bin {value!r}", hint=nearest(str(value), bins))
        return column.values.index(value)
    if not isinstance(value, (int, float, np.number)) or value != int(value):
        raise RuleError(f"column '{column.name}' holds whole numbers, not {value!r}")
    return int(value)
