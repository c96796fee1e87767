"""The kinds of checks that the ledger's counts answer: shares, chances, sums and costs for each child, payers' shares.

Each function returns the value of all copies, then of all but each. Imports `checks`, `ground` and `counting`; knows no
single life and no arm.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.checks import Check, Values
from calibration.counting import Count, FloatArray, left_out, ratio, sum_over, volume
from calibration.ground import Ground
from sim.domain import Quantity
from sim.ledger import Need, need_of
from sim.model import Model
from sim.prices import PUBLIC, belongs

LEAVE = "parental_benefit"
"""The price of the person's own parental leave: it stands for the parents' at birth, the same money a generation on."""

_COUNTED = ("share", "chance", "per_birth")
"""Kinds that set a count over a count."""


def needs_of(check: Check, model: Model) -> list[Need]:
    """Return what a check needs counted together in the ledger; nothing for the kinds of other files."""
    counted = [(check.what, "numerator"), (check.denominator, "denominator")] if check.kind in _COUNTED else []
    if check.kind == "cost" and check.denominator != "1":
        counted = [(check.denominator, "denominator")]
    return [need_of(_counted(check, text, model, what), model) for text, what in counted]


def share(check: Check, ground: Ground) -> Values:
    """Return a count over another one, person-years of the ages."""
    model = ground.scenario.model
    above = volume(_counted(check, check.what, model, "numerator"), ground.outcome)
    below = volume(_counted(check, check.denominator, model, "denominator"), ground.outcome)
    return _ratios(sum_over(above, check.ages), sum_over(below, check.denominator_ages))


def chance(check: Check, ground: Ground) -> Values:
    """Return the chance of one or more of an expected number a year."""
    return [1 - math.exp(-value) for value in share(check, ground)]


def per_birth(check: Check, ground: Ground) -> Values:
    """Return a quantity's sum over the ages for each of those born, discounted and in kronor of a year where asked."""
    model = ground.scenario.model
    quantity = _counted(check, check.what, model, "numerator")
    factors = replace(ground.scenario.economics, discount_rate=check.rate).factors(ground.scenario.horizon)
    uprated = 1.0 if quantity.price_year is None else ground.uprating(quantity.price_year, check.price_year)
    above = volume(quantity, ground.outcome) * factors * uprated
    born = volume(_counted(check, check.denominator, model, "denominator"), ground.outcome)[:, 0]
    return _ratios(sum_over(above, check.ages), born)


def cost(check: Check, ground: Ground) -> Values:
    """Return what some prices cost over life, for each child, or for each of those whom the denominator counts."""
    total = ground.money(ground.prices(check.what), check.price_year, check.rate)
    if check.denominator == "1":
        return _ratios(sum_over(total, check.ages), ground.outcome.baseline.persons)
    quantity = _counted(check, check.denominator, ground.scenario.model, "denominator")
    return _ratios(sum_over(total, check.ages), sum_over(volume(quantity, ground.outcome), check.denominator_ages))


def payer_share(check: Check, ground: Ground) -> Values:
    """Return a payer's share of the public cost of the ages, revenues apart, with the parents' leave at birth."""
    years = [ground.scenario.cohort.born + row - 1 for row in range(ground.scenario.horizon + 1)]
    own: FloatArray = np.zeros((ground.scenario.cohort.blocks, len(years)))
    every = np.zeros_like(own)
    for price in (one for one in ground.scenario.prices.prices if one.kind == "cost"):
        money = ground.money([price], None)
        if price.name == LEAVE:
            paid = money.sum(axis=1)
            money = np.zeros_like(money)
            money[:, 1 + check.ages[0]] = paid
        for payer, part in price.payer.by_year(years).items():
            own += money * part * belongs(payer, check.what)
            every += money * part * belongs(payer, PUBLIC)
    return _ratios(sum_over(own, check.ages), sum_over(every, check.ages))


def _counted(check: Check, text: str, model: Model, what: str) -> Quantity:
    count = Count.of(text)
    basis = check.basis
    if count.quantity is not None:
        basis = model.quantity(count.quantity).basis
    elif what == "denominator":
        basis = "on_date"
    return count.as_quantity(model, f"{check.id}, {what}", basis)


def _ratios(above: NDArray[Any], below: NDArray[Any]) -> Values:
    return [ratio(a, b) for a, b in zip(left_out(above), left_out(below), strict=True)]
