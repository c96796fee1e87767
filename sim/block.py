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

    Raises ScenarioError where a domain is unknown, neither in the block nor given or both, where its shares are none,
    and where what the block reads has no meaning for a domain that is drawn afresh.
    """
    scenario, model = plan.scenario, plan.scenario.model
    every = {domain.name: domain for domain in model.all_domains}
    inside = set(every) - set(given) if domains is None else set(domains)
    for name in [*inside, *given]:
        if name not in every:
            raise ScenarioError(f"no domain {name!r} in model '{model.name}'", hint=nearest(name, list(every)))
    for name in every:
        if (name in inside) == (name in given):
            raise ScenarioError(
                f"domain '{name}' is in the block, and a distribution is given for it"
                if name in given
                else f"domain '{name}' is outside the block, and no distribution is given for it",
                hint="each domain is either named in `domains` or held to a distribution in `given`",
            )
    held = {name: _shares(every[name], given[name], scenario.horizon) for name in every if name in given}
    without = _without_meaning(model, set(held))
    _check_rules(model, inside, without)
    _check_interventions(plan, {name: every[name] for name in held}, without)
    outside = set(held) | {PREVIOUS + name for name in held} | without
    prices = PriceList(
        tuple(
            price
            for price in scenario.prices.prices
            if not outside & need_of(price.quantity, model).columns
            and not ((residence := scenario.prices.moves(price)) and residence.column in held)
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
        columns = [
            np.broadcast_to(np.asarray(given.get(label, 0.0), dtype=np.float64), (ages,)) for label in domain.states
        ]
        shares = np.stack(columns, axis=1)
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


def _without_meaning(model: Model, held: set[str]) -> set[str]:
    """Return the columns that a domain drawn afresh leaves without meaning: its clock, and counters of what it does."""
    gone = {f"years_in_{name}" for name in held}
    gone |= {PREVIOUS + name for name in gone}
    for counter in model.counters:
        reads = set(Rule.of(counter.when).reads)
        if reads & (gone | held | {PREVIOUS + name for name in held}):
            gone |= {counter.name, PREVIOUS + counter.name}
    return gone


def _check_rules(model: Model, inside: Collection[str], without: Collection[str]) -> None:
    for domain in model.all_domains:
        if domain.name not in inside:
            continue
        for rule in [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]:
            for name in rule.reads:
                if name in without:
                    raise ScenarioError(
                        f"'{rule.name}' of domain '{domain.name}' reads '{name}', which a domain that is drawn afresh"
                        " every year does not have",
                        hint="take that domain into the block",
                    )


def _check_interventions(plan: Plan, held: Mapping[str, Domain], without: Collection[str]) -> None:
    for one in dict.fromkeys(one for offers in plan.arms.values() for one in offers):
        for effect in one.effects:
            for name, domain in held.items():
                if touches(effect, domain):
                    raise ScenarioError(f"intervention '{one.name}' acts on '{name}', which is held to a distribution")
        reads = {name for condition in (one.when, one.uptake, one.stop_when) if condition for name in condition.reads}
        if one.replaces is not None:
            columns = need_of(plan.scenario.model.quantity(one.replaces), plan.scenario.model).columns
            if columns & ({*held, *without} | {PREVIOUS + name for name in held}):
                raise ScenarioError(f"intervention '{one.name}' replaces '{one.replaces}', which a held domain says")
        for name in sorted(reads & set(without)):
            raise ScenarioError(
                f"intervention '{one.name}' reads '{name}', which a domain drawn afresh every year does not have"
            )
