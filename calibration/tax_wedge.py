"""The tax wedge: a payer's share of the taxes on one year of work, evaluated at plain values.

Imports `checks`, `ground` and `counting`; reads the model's rules and prices, and nothing that was simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calibration.checks import Check, Values
from calibration.counting import Count, parameters_of
from calibration.ground import Ground
from sim.domain import PREVIOUS, Quantity
from sim.tables import Parameters, axes_of


def tax_wedge(check: Check, ground: Ground) -> Values:
    """Return a payer's share of the taxes on one year of work at given earnings.

    The taxes of the cell of the quantity `earnings` that comes nearest to the earnings. `given` may say which share
    of its tax a payer keeps after income equalisation; the state is the counterparty.
    """
    model, prices = ground.scenario.model, ground.prices(check.what)
    earnings = model.quantity("earnings")
    wanted = check.given["earnings"] * ground.uprating(check.price_year or 0, earnings.price_year)
    person = _person_with(earnings, wanted, check, ground)
    paid: dict[str, float] = {"municipality": 0.0, "region": 0.0, "state": 0.0}
    for price in prices:
        money = -price.sign * price.amount * _at(price.quantity, person, ground)
        money *= ground.uprating(price.price_year, check.price_year)
        for payer, part in price.payer.parts:
            root = payer.split(".")[0]
            kept = check.given.get(root, 1.0)
            paid[root] += money * part * kept
            paid["state"] += money * part * (1 - kept)
    return [paid[check.against] / sum(paid.values())]


def _person_with(quantity: Quantity, wanted: float, check: Check, ground: Ground) -> dict[str, Any]:
    """Return the values of the columns of a quantity at which it comes nearest to an amount.

    Of those whom the check's denominator holds for, at its ages.
    """
    model = ground.scenario.model
    who = Count.of(check.denominator).condition.rule(model.columns)
    columns = [model.columns[name] for name in dict.fromkeys([*quantity.rule.reads, *who.reads])]
    axes = axes_of(columns, check.ages, {})
    amounts, asked = quantity.rule.evaluate(axes, parameters_of(ground.plan))[0], who.evaluate(axes, Parameters())[0]
    far = np.where(asked != 0, np.abs(amounts - wanted), np.inf)
    cell = np.unravel_index(int(np.argmin(far)), far.shape)
    codes = dict(zip(columns, (int(code) for code in cell), strict=True))
    person: dict[str, Any] = {}
    for column, code in codes.items():
        person[column.name] = column.text(code) if column.labels else code + check.ages[0] * (column.name == "age")
    return person


def _at(quantity: Quantity, person: Mapping[str, Any], ground: Ground) -> float:
    """Return a quantity at plain values, the same before and after the year; what is not given takes the first."""
    values: dict[str, Any] = {}
    for name in quantity.rule.reads:
        column = ground.scenario.model.columns[name]
        first = column.text(0) if column.labels else 0
        values[name] = person.get(name, person.get(name.removeprefix(PREVIOUS), first))
    if quantity.rule.takes_parameters:
        values["p"] = parameters_of(ground.plan)
    return float(quantity.rule(**values))
