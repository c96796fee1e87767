"""Which rules of a model depend on another domain's state, for tests of what links claim.

A rule may vary with the state of another domain through links, or because that state defines the situation
(structural). With all links at 0 only the structural reads are left; a model lists those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from sim.domain import PREVIOUS, Domain
from sim.links import Link, columns_about
from sim.model import Model
from sim.tables import Parameters, Rule, Table, tabulate

ROUNDING = 1e-12
"""Relative difference that is no difference: sums of some terms in another order."""


def without_links(parameters: Mapping[str, Parameters], links: Iterable[Link]) -> dict[str, Parameters]:
    """Return the parameters of every domain with all link parameters at 0."""
    names = {(link.domain, link.parameter) for link in links}
    result = {}
    for domain, own in parameters.items():
        values: dict[str, float | Table] = {}
        for name in own.names:
            value = getattr(own, name)
            if (domain, name) in names:
                value = Table(name, value.keys, 0 * value.values) if isinstance(value, Table) else 0.0
            values[name] = value
        result[domain] = Parameters(domain, values)
    return result


def foreign_reads(model: Model, parameters: Mapping[str, Parameters]) -> set[tuple[str, str, str]]:
    """Return (domain, rule, column) wherever a rule's table varies along a column of another domain.

    Columns are states, clocks and counters of domains, `previous_` ones under their plain names; a counter belongs
    to every domain that its rule reads. Traits and age belong to none, and what classmates do is never one's own.
    """
    return {
        (domain.name, rule.name, column)
        for domain in model.all_domains
        for rule, ages in _rules(domain, parameters.get(domain.name, Parameters(domain.name)))
        for column in _varying(rule, ages, model, parameters.get(domain.name, Parameters(domain.name)))
        if domain.name not in _owners(column, model)
    }


def _rules(domain: Domain, p: Parameters) -> list[tuple[Rule, tuple[int, int]]]:
    """Return every rule of a domain with the ages in which it acts."""
    windows = {
        (move.from_state, to): (p.window(move.ages[0], move.name), p.window(move.ages[1], move.name))
        for move in domain.moves
        for to in move.to
    }
    moves = [(move.rule, windows[move.from_state, move.to[0]]) for move in domain.moves]
    return moves + [(factor.rule, windows[factor.from_state, factor.to]) for factor in domain.factors]


def _varying(rule: Rule, ages: tuple[int, int], model: Model, p: Parameters) -> set[str]:
    """Return the columns of domains along which a rule's tables vary."""
    columns = [model.columns[name] for name in rule.reads]
    found = set()
    for grid in tabulate(rule, columns, p, ages=ages):
        for axis, column in enumerate(columns):
            name = column.name.removeprefix(PREVIOUS)
            varies = name in model.changing or name in model.group_values
            if varies and np.any(np.ptp(grid, axis=axis) > ROUNDING * np.abs(grid).max(axis=axis)):
                found.add(name)
    return found


def _owners(column: str, model: Model) -> set[str]:
    """Return the domains that a column tells of."""
    return {domain.name for domain in model.domains if column in columns_about(domain, model)}
