"""Hazards and occasions as tables of rates and probabilities, as the rules state them.

Layer 4: knows a model and its parameters; no intervention, no recentring and no array of a kernel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.domain import Domain, Move
from sim.errors import ModelError, RuleError
from sim.model import MAX_AGE, Model
from sim.tables import Column, Parameters, Rule, cell_text, tabulate
from sim.thresholds import CERTAIN

Transition = tuple[str, str, str]
"""Domain, from, to."""

Grids = dict[Any, tuple[NDArray[np.float64], ...]]
"""Rules over their columns, by domain, rule, columns and ages."""


@dataclass(frozen=True)
class Chance:
    """What the rules say of one hazard or one occasion, before it is recentred and before any effect."""

    on: tuple[Transition, ...]
    """The transitions: one of a hazard, one a destination of an occasion."""
    is_hazard: bool
    ages: tuple[int, int]
    """Closed window in which it acts."""
    tables: tuple[tuple[tuple[Column, ...], NDArray[np.float64]], ...]
    """Columns and values: of a hazard its rule and its factors, of an occasion one table, destinations first."""


@dataclass(frozen=True)
class Chances:
    """The rules of a model under one set of parameters, tabulated where asked for."""

    model: Model
    parameters: Mapping[str, Parameters]
    """By domain."""
    grids: Grids = field(default_factory=dict)
    """What has been tabulated so far; arms with these parameters may share it."""

    def of(self, domain: Domain) -> list[Chance]:
        """Return every hazard and every occasion of a domain."""
        found = []
        for state in domain.states:
            moves = [move for move in domain.moves if move.from_state == state]
            together = [move for move in moves if move.kind != "hazard"]
            for move in moves:
                if move.kind == "hazard":
                    ages = self.window(domain, move)
                    over = [(rule, self.model.ordered(rule.reads)) for rule in (move.rule, *factors_of(domain, move))]
                    tables = tuple((tuple(cols), self.grid(domain, rule, cols, ages)[0]) for rule, cols in over)
                    found.append(Chance(((domain.name, state, move.to[0]),), True, ages, tables))
            if together:
                _, ages, columns = self.occasion_columns(domain, together)
                on = tuple((domain.name, state, to) for move in together for to in move.to)
                found.append(Chance(on, False, ages, ((tuple(columns), self.joint(domain, together)),)))
        return found

    def window(self, domain: Domain, move: Move) -> tuple[int, int]:
        """Return the closed window of ages in which a move acts; raises ModelError where it does not rise."""
        own = self._own(domain)
        where = f"'{move.name}'"
        low, high = own.window(move.ages[0], where), own.window(move.ages[1], where)
        if not 0 <= low <= high <= MAX_AGE:
            raise ModelError(f"the ages {low} to {high} of {where} must rise within 0 to {MAX_AGE}")
        return low, high

    def grid(
        self, domain: Domain, rule: Rule, columns: Sequence[Column], ages: tuple[int, int],
        moved: Mapping[str, float] | None = None, upper: float = math.inf, unit: str = "hazard",
    ) -> tuple[NDArray[np.float64], ...]:  # fmt: skip
        """Return the values of a rule over columns: one array (sizes of columns…) a destination.

        moved: shifts of traits, in standard deviations; what is not moved is made once. Raises RuleError for values
        outside 0 to `upper`.
        """
        own = self._own(domain)
        if moved:
            return tabulate(rule, columns, own, ages=ages, shifts=moved, upper=upper, unit=unit)
        key = (domain.name, rule, tuple(column.name for column in columns), ages)
        if key not in self.grids:
            self.grids[key] = tabulate(rule, columns, own, ages=ages, upper=upper, unit=unit)
        return self.grids[key]

    def occasion_columns(
        self, domain: Domain, moves: Sequence[Move]
    ) -> tuple[list[tuple[int, int]], tuple[int, int], list[Column]]:
        """Return the windows of ages of an occasion's moves, that of all together, and the columns of its table."""
        windows = [self.window(domain, move) for move in moves]
        ages = (min(low for low, _ in windows), max(high for _, high in windows))
        names = [name for move in moves for name in move.rule.reads]
        if any(window != ages for window in windows):
            names.append("age")  # windows differ, so the table is by age
        return windows, ages, self.model.ordered(names)

    def joint(
        self, domain: Domain, moves: Sequence[Move], moved: Mapping[str, float] | None = None
    ) -> NDArray[np.float64]:
        """Return the probabilities of an occasion as its rules say them: (destinations, cells…)."""
        windows, ages, columns = self.occasion_columns(domain, moves)
        grids: list[NDArray[np.float64]] = []
        for move, window in zip(moves, windows, strict=True):
            grids += self._probabilities(domain, move, window, columns, ages, moved or {})
        return np.stack(grids)

    def _own(self, domain: Domain) -> Parameters:
        return self.parameters.get(domain.name, Parameters(domain.name))

    def _probabilities(
        self, domain: Domain, move: Move, window: tuple[int, int], columns: Sequence[Column], ages: tuple[int, int],
        moved: Mapping[str, float],
    ) -> list[NDArray[np.float64]]:  # fmt: skip
        """Return the probabilities of one move over the columns of its occasion, 0 outside its window."""
        own = self.model.ordered([*move.rule.reads, *(["age"] if columns and columns[0].name == "age" else [])])
        upper = 1.0 + 1e-9 if move.kind == "occasion" else math.inf
        grids = self.grid(domain, move.rule, own, window, moved, upper, "probability" if upper < 2 else "weight")
        if len(grids) != len(move.to):
            raise RuleError(f"rule '{move.rule.name}' returns {len(grids)} value(s) for {len(move.to)} destination(s)")
        if move.kind == "choice":
            total = sum(grids[1:], grids[0])
            if np.any(total <= 0):
                cell = np.unravel_index(int(np.argmax(total <= 0)), total.shape)
                raise RuleError(f"the weights of '{move.name}' are all 0 at {cell_text(own, cell, window)}")
            grids = tuple(grid / total for grid in grids)
        spread = []
        for grid in grids:
            shape = [grid.shape[own.index(c)] if c in own else 1 for c in columns]
            wide = np.broadcast_to(grid.reshape(shape), [
                window[1] - window[0] + 1 if c.name == "age" else c.size for c in columns
            ])  # fmt: skip
            full = np.zeros(sizes_of(columns, ages))
            rows = slice(window[0] - ages[0], window[1] - ages[0] + 1) if columns and columns[0].name == "age" else ...
            full[rows] = wide
            spread.append(full)
        return spread


def check_sum(
    state: str,
    domain: Domain,
    probabilities: NDArray[np.float64],
    columns: Sequence[Column],
    ages: tuple[int, int],
) -> None:
    """Refuse an occasion, (destinations, cells…), whose probabilities add to more than 1; raises RuleError."""
    total = probabilities.sum(axis=0)
    if np.any(total > 1 + CERTAIN):
        cell = np.unravel_index(int(np.argmax(total)), total.shape)
        raise RuleError(
            f"the probabilities out of '{domain.name}: {state}' add to {total[cell]:.6g}"
            f" at {cell_text(columns, cell, ages)}: at most 1"
        )


def factors_of(domain: Domain, move: Move) -> list[Rule]:
    """Return the rules that multiply a hazard."""
    return [one.rule for one in domain.factors if (one.from_state, one.to) == (move.from_state, move.to[0])]


def sizes_of(columns: Sequence[Column], ages: tuple[int, int]) -> list[int]:
    """Return how long each axis of a table over these columns is, the age within a closed window."""
    return [ages[1] - ages[0] + 1 if column.name == "age" else column.size for column in columns]
