"""Strata of a cohort: who belongs to which at birth, and what share of the population each is. Layer 6.

A rare group at risk gets as many persons as it needs, and its counts a smaller weight. Shares are exact, from the
attributes' own tables; no life is needed for them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.at_birth import MAX_CELLS, joint_at_birth, needed_for
from sim.errors import FramsynError, ScenarioError, nearest
from sim.expression import Expression
from sim.people import Attribute, ByteArray
from sim.scenario import Scenario
from sim.tables import Column, Parameters, tabulate

NOBODY = 1e-12
"""The share below which a stratum is empty: what rounding leaves of a rest of 0."""

CANDIDATES = 2**24
"""Births that one block may look through for its persons: numbers of one copy."""


class StratumError(ScenarioError):
    """A stratum that cannot be; `stratum` is its name."""

    def __init__(self, stratum: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.stratum = stratum


@dataclass(frozen=True)
class Strata:
    """The strata of a cohort, bound to a population."""

    attributes: tuple[Attribute, ...]
    """The attributes that decide the stratum, in the order in which they are drawn."""
    columns: tuple[str, ...]
    """The columns that tell the stratum."""
    table: NDArray[np.int64]
    """(sizes of the columns…), number of the stratum"""
    shares: NDArray[np.float64]
    """Share of each stratum in the population."""
    weights: NDArray[np.float64]
    """What one simulated person of each stratum counts for: share · total / persons."""

    def of(self, codes: Mapping[str, ByteArray], persons: int) -> NDArray[np.int64]:
        """Return the number of the stratum of each person: (persons,)."""
        if not self.columns:
            return np.full(persons, int(self.table), dtype=np.int64)
        return self.table[tuple(codes[name] for name in self.columns)]


def condition_of(when: Expression, drawn: Collection[str], columns: Mapping[str, Column]) -> NDArray[np.bool_]:
    """Return where a stratum's condition holds: (sizes of its columns…).

    Raises ScenarioError for a column that is not drawn at birth, RuleError for what the expression gets wrong.
    """
    for name in when.reads:
        if name in columns and name not in drawn:
            raise ScenarioError(
                f"'{name}' is not drawn at birth, and strata are told apart at birth",
                hint=nearest(name, list(drawn)),
            )
    rule = when.rule(columns)
    return np.asarray(tabulate(rule, [columns[name] for name in rule.reads], Parameters(), unit="value")[0] != 0)


def strata_of(scenario: Scenario) -> Strata | None:
    """Return the strata of a scenario's cohort, None without; raises StratumError for one that holds nobody."""
    cohort, population, columns = scenario.cohort, scenario.population, scenario.model.columns
    if not cohort.strata:
        return None
    drawn = [attribute.name for attribute in population.attributes]
    read = tuple(dict.fromkeys(name for one in cohort.strata if one.when for name in one.when.reads))
    held = []
    for one in cohort.strata[:-1]:
        assert one.when is not None
        try:
            held.append(condition_of(one.when, drawn, columns))
        except FramsynError as error:
            raise StratumError(one.name, error.problems[0].message, error.problems[0].hint) from None
    sizes = [columns[name].size for name in read]
    if math.prod(sizes) > MAX_CELLS:
        raise ScenarioError(f"the strata read {', '.join(read)}: {math.prod(sizes):,} cells; at most {MAX_CELLS:,}")
    table = np.full(sizes, len(cohort.strata) - 1, dtype=np.int64)
    for number in reversed(range(len(held))):  # the first that holds counts
        when = cohort.strata[number].when
        assert when is not None
        order = np.argsort([read.index(name) for name in when.reads])
        turned = iter(np.transpose(held[number], order).shape)
        shape = [next(turned) if name in when.reads else 1 for name in read]
        table[np.broadcast_to(np.transpose(held[number], order).reshape(shape), sizes)] = number
    joint = joint_at_birth(population.attributes, columns, read)
    shares = np.zeros(len(cohort.strata))
    np.add.at(shares, table.ravel(), joint.ravel())
    for one, share, size in zip(cohort.strata, shares, cohort.sizes, strict=True):
        if share < NOBODY:
            why = "the strata before it hold everyone" if one.when is None else "no newborn of the population is in it"
            raise StratumError(one.name, f"stratum '{one.name}' holds nobody: {why}")
        if size / cohort.parts / share > 0.9 * CANDIDATES:
            most = math.floor(0.9 * CANDIDATES * share) * cohort.parts
            sentence = (
                f"stratum '{one.name}' is so rare ({share:.2g} of births) that at most {most:,} persons are found"
            )
            raise StratumError(one.name, sentence)
    weights = shares * cohort.persons / np.array(cohort.sizes, dtype=np.float64)
    return Strata(tuple(needed_for(population.attributes, read)), read, table, shares, weights)
