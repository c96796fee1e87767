"""Which parameters the rules of the shipped model read, and by which columns: every rule is evaluated once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sim.domain import PREVIOUS, Domain
from sim.model import Model
from sim.tables import Axis, Parameters, Rule, Table, axes_of, tabulate

Reads = dict[tuple[str, str], set[tuple[str, ...]]]
"""(domain, parameter) -> the columns by which it is indexed, `previous_` ones under plain names; () for a number."""


class _Watched(Table):
    """A table that notes by which columns it is indexed."""

    def __init__(self, table: Table, seen: set[tuple[str, ...]]) -> None:
        super().__init__(table.name, table.keys, table.values)
        self.seen = seen

    def __getitem__(self, index: Any) -> Axis:
        axes = index if isinstance(index, tuple) else (index,)
        self.seen.add(tuple(Axis.plain("", one).name.removeprefix(PREVIOUS) for one in axes))
        return super().__getitem__(index)


def reads_of(model: Model, parameters: Mapping[str, Parameters]) -> Reads:
    """Return every parameter that a rule, an age window or a quantity reads."""
    reads: Reads = defaultdict(set)
    for domain in model.all_domains:
        p = _fresh(parameters[domain.name], reads)
        _walk(domain, model, p)
        _note(p, reads)
    p = _fresh(parameters["quantities"], reads)
    for quantity in model.quantities.rows.values():
        quantity.rule.evaluate(axes_of([model.columns[one] for one in quantity.rule.reads], None, {}), p)
        for bound in quantity.days or ():
            if isinstance(bound, str):
                getattr(p, bound)
    _note(p, reads)
    return dict(reads)


def _fresh(own: Parameters, reads: Reads) -> Parameters:
    """Return parameters that nobody has read, their tables watched."""
    values = {name: getattr(own, name) for name in own.names}
    watched = {
        name: _Watched(value, reads[own.domain, name]) if isinstance(value, Table) else value
        for name, value in values.items()
    }
    return Parameters(own.domain, watched)


def _walk(domain: Domain, model: Model, p: Parameters) -> None:
    windows = {}
    for move in domain.moves:
        ages = p.window(move.ages[0], move.name), p.window(move.ages[1], move.name)
        windows.update({(move.from_state, to): ages for to in move.to})
        _table(move.rule, ages, model, p)
    for value in domain.group_values:
        value.window(p)
    for factor in domain.factors:
        _table(factor.rule, windows[factor.from_state, factor.to], model, p)


def _table(rule: Rule, ages: tuple[int, int], model: Model, p: Parameters) -> None:
    tabulate(rule, [model.columns[one] for one in rule.reads], p, ages=ages)


def _note(p: Parameters, reads: Reads) -> None:
    """Keep what was read: a table looked up, a number asked for."""
    for name in p.names:
        is_read = name not in p.unread
        if not isinstance(getattr(p, name), Table):
            reads[p.domain, name] = {()} if is_read else set()
