"""A block of domains to be solved by itself, the others held to given distributions by age. Layer 6.

A held domain is drawn afresh every year, independently of all else. So its labels may be read, now and as they were a
year ago, but neither how long a state has lasted nor what has ever happened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.domain import PREVIOUS, Domain
from sim.effect_targets import touches
from sim.errors import ScenarioError, nearest
from sim.joint_distribution import FloatArray
from sim.ledger import need_of
from sim.model import Model
from sim.plan import Plan, bind
from sim.prices import PriceList
from sim.tables import Rule

Given = NDArray[np.float64] | Sequence[Sequence[float]] | Mapping[str, float | Sequence[float]]
"""Shares of a domain's labels by age: (ages, labels), or by label a number or one an age."""

CLOSE = 1e-9
"""How near to 1 the shares of each age have to add."""


def block_of_domains(
    plan: Plan, domains: Collection[str] | None, given: Mapping[str, Given]
) -> tuple[Plan, dict[str, FloatArray]]:
    """Return the plan of a block, which counts only what the block says, and the held domains: (ages, labels) each.

    Raises ScenarioError where a domain is unknown, or in the block and given, or read by the block and neither; where
    its shares are none; and where what the block reads has no meaning for a domain that is drawn afresh.
    """
    scenario, model = plan.scenario, plan.scenario.model
    every = {domain.name: domain for domain in model.all_domains}
    inside = set(every) - set(given) if domains is None else set(domains)
    for name in [*inside, *given]:
        if name not in every:
            raise ScenarioError(f"no domain {name!r} in model '{model.name}'", hint=nearest(name, list(every)))
    for name in given:
        if name in inside:
            raise ScenarioError(f"domain '{name}' is in the block, and a distribution is given for it")
    held = {name: _shares(every[name], given[name], scenario.horizon) for name in every if name in given}
    elsewhere = {name: domain for name, domain in every.items() if name not in inside}
    without = _without_meaning(model, set(elsewhere))
    for reader, names in _readers(plan, inside):
        _check_reads(reader, names, without, set(elsewhere) - set(held))
    if model.death and model.death.domain.name in set(elsewhere) - set(held):
        raise ScenarioError(_not_given(model.death.domain.name, "everyone"), hint=_WAY_OUT)
    _check_interventions(plan, elsewhere, without)
    outside = set(elsewhere) | {PREVIOUS + name for name in elsewhere} | without
    prices = PriceList(
        tuple(
            price
            for price in scenario.prices.prices
            if not outside & need_of(price.quantity, model).columns
            and not ((residence := scenario.prices.moves(price)) and residence.column in elsewhere)
        ),
        scenario.prices.index,
        scenario.prices.residence,
    )
    names = {price.name for price in prices.prices}
    measures = tuple(m for m in scenario.measures if not outside & need_of(model.quantity(m), model).columns)
    arms = {
        name: replace(arm, prices={key: price for key, price in arm.prices.items() if key in names})
        for name, arm in scenario.arms.items()
    }
    needs = tuple(need for need in scenario.needs if not outside & need.columns)
    block = bind(replace(scenario, prices=prices, measures=measures, arms=arms, needs=needs))
    return block, held


def _shares(domain: Domain, given: Given, ages: int) -> FloatArray:
    """Return the shares of a domain's labels: (ages, labels); raises ScenarioError where they are none."""
    where = f"the given distribution of '{domain.name}'"
    if isinstance(given, Mapping):
        for label in given:
            if label not in domain.states:
                raise ScenarioError(f"{where} has no label {label!r}", hint=nearest(label, domain.states))
        columns = [np.asarray(given.get(label, 0.0), dtype=np.float64) for label in domain.states]
        if any(column.shape not in ((), (ages,)) for column in columns):
            raise ScenarioError(f"{where} must give each label one share, or one for each of {ages} ages")
        shares = np.stack([np.broadcast_to(column, (ages,)) for column in columns], axis=1)
    else:
        shares = np.asarray(given, dtype=np.float64)
    if shares.ndim != 2 or shares.shape[1] != len(domain.states) or len(shares) < ages:
        raise ScenarioError(
            f"{where} has the shape {shares.shape}: {ages} ages by {len(domain.states)} labels are needed"
        )
    shares = shares[:ages]
    wrong = ~np.isfinite(shares).all(axis=1) | (shares < 0).any(axis=1) | (np.abs(shares.sum(axis=1) - 1) > CLOSE)
    if wrong.any():
        age = int(np.argmax(wrong))
        raise ScenarioError(f"{where} at age {age} is {shares[age].tolist()}: shares of 0 or more that add to 1")
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _without_meaning(model: Model, outside: set[str]) -> set[str]:
    """Return the columns that domains drawn afresh leave without meaning: clocks, and counters of what they do."""
    gone = {f"years_in_{name}" for name in outside}
    gone |= {PREVIOUS + name for name in gone}
    for counter in model.counters:
        reads = set(Rule.of(counter.when).reads)
        if reads & (gone | outside | {PREVIOUS + name for name in outside}):
            gone |= {counter.name, PREVIOUS + counter.name}
    return gone


def _readers(plan: Plan, inside: Collection[str]) -> list[tuple[str, set[str]]]:
    """Return what the block reads, by the words for who reads it."""
    readers = []
    for domain in plan.scenario.model.all_domains:
        if domain.name in inside:
            rules = [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]
            readers += [(f"'{rule.name}' of domain '{domain.name}'", set(rule.reads)) for rule in rules]
    for one in dict.fromkeys(one for offers in plan.arms.values() for one in offers):
        conditions = (one.when, one.uptake, one.stop_when)
        reads = {name for condition in conditions if condition is not None for name in condition.reads}
        readers.append((f"intervention '{one.name}'", reads))
    return readers


def _check_reads(reader: str, reads: Collection[str], without: Collection[str], not_given: Collection[str]) -> None:
    for name in sorted(reads):
        if name in without:
            raise ScenarioError(
                f"{reader} reads '{name}', which a domain that is drawn afresh every year does not have",
                hint="take that domain into the block",
            )
        if name.removeprefix(PREVIOUS) in not_given:
            raise ScenarioError(_not_given(name.removeprefix(PREVIOUS), reader), hint=_WAY_OUT)


_WAY_OUT = "name it in `domains`, or give its shares by age in `given`"


def _not_given(domain: str, reader: str) -> str:
    return f"domain '{domain}' is outside the block, no distribution is given for it, and {reader} depends on it"


def _check_interventions(plan: Plan, elsewhere: Mapping[str, Domain], without: Collection[str]) -> None:
    """Refuse interventions that act on a domain outside the block, or replace what it counts."""
    for one in dict.fromkeys(one for offers in plan.arms.values() for one in offers):
        for effect in one.effects:
            for name, domain in elsewhere.items():
                if touches(effect, domain):
                    raise ScenarioError(f"intervention '{one.name}' acts on '{name}', which is outside the block")
        if one.replaces is not None:
            columns = need_of(plan.scenario.model.quantity(one.replaces), plan.scenario.model).columns
            if columns & ({*elsewhere, *without} | {PREVIOUS + name for name in elsewhere}):
                raise ScenarioError(
                    f"intervention '{one.name}' replaces '{one.replaces}', which the block cannot count"
                )
