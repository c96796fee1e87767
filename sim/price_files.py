"""Prices from their files: of which quantity, to whom, in which year's kronor; and what an arm changes. Layer 6."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from sim.catalogue import expression_from, shares_from
from sim.domain import Quantity
from sim.errors import ScenarioError, nearest
from sim.form_check import Checked, Findings, shown
from sim.model import Model
from sim.prices import Price, PriceList
from sim.schema import PriceForm, PriceListForm
from sim.source import KeyPath
from sim.tables import Parameters, Rule, tabulate


def index_from(file: Checked, found: Findings) -> dict[int, float]:
    """Return the price index by year; a key that is no year is noted."""
    years: dict[int, float] = {}
    for year, value in file.form.cpi.items():
        if re.fullmatch("[12][0-9]{3}", year):
            years[int(year)] = value
        else:
            found.note(file, ("cpi", year), f"{year!r} is no year", at_key=True)
    return years


def price_list_from(file: Checked, index: dict[int, float], model: Model, found: Findings) -> PriceList:
    """Return the prices of a file with their index; every mistake is noted and its price left out."""
    form: PriceListForm = file.form
    rows = []
    for name, one in form.prices.items():
        path: KeyPath = ("prices", name)
        check_price_year(file, (*path, "price_year"), one.price_year, index, found)
        with found.at(file, path):
            rows.append(_price(file, name, one, model, found))
    return PriceList(tuple(rows), index)


def changed_prices(file: Checked, arm: str, prices: PriceList | None, found: Findings) -> dict[str, Price]:
    """Return the prices that an arm of a scenario changes."""
    known = {price.name: price for price in prices.prices} if prices else {}
    changed = {}
    for name, form in file.form.arms[arm].prices.items():
        path: KeyPath = ("arms", arm, "prices", name)
        if name not in known:
            if prices is not None:
                found.note(file, path, f"no price {name!r}", nearest(name, known), at_key=True)
            continue
        changes = form.model_dump(exclude_none=True)
        if prices is not None and "price_year" in changes:
            check_price_year(file, (*path, "price_year"), changes["price_year"], prices.index, found)
        changed[name] = replace(known[name], **changes)
    return changed


def check_price_year(file: Checked, path: KeyPath, year: int, known: Collection[int], found: Findings) -> None:
    """Note a year that the price index does not have."""
    if known and year not in known:
        found.note(file, path, f"the price index has no year {year}; it has {min(known)} to {max(known)}")


def _price(file: Checked, name: str, form: PriceForm, model: Model, found: Findings) -> Price:
    """Return one price; raises FramsynError where its quantity, payer or shares are wrong."""
    path: KeyPath = ("prices", name)
    if (form.quantity is None) == (form.when is None):
        both = "and not both" if form.quantity is not None else "and has neither"
        raise ScenarioError(f"price '{name}' needs either `quantity` or `when` with `basis`, {both}")
    before = len(found.problems)
    quantity = None
    with found.at(file, (*path, "quantity" if form.quantity is not None else "when")):
        quantity = _quantity(name, form, model)
    if quantity and form.basis is not None and form.basis != quantity.basis:
        sentence = f"quantity '{quantity.name}' is counted {quantity.basis}, and the price asks for {form.basis}"
        found.note(file, (*path, "basis"), sentence, f"write {quantity.basis}, or leave it out")
    shares = None
    with found.at(file, (*path, "payer")):
        shares = shares_from(form.payer, file.form.payers)
    curve = form.cashable if isinstance(form.cashable, list) else [form.cashable]
    for one in curve:
        if isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 <= one <= 1:
            sentence = f"'cashable' must be a share from 0 to 1, or one a year, not {shown(one)}"
            found.note(file, (*path, "cashable"), sentence)
    if quantity is None or shares is None or len(found.problems) > before:
        raise ScenarioError([])
    note = form.model_dump(include={"title", "unit", "source", "provenance", "cashable_provenance"})
    cashable = tuple(float(one) for one in curve)
    return Price(name, quantity, form.amount, form.price_year, shares, form.kind, cashable, note)


def _quantity(name: str, form: PriceForm, model: Model) -> Quantity:
    """Return the quantity that a price is of: a named one, or that of its condition."""
    if form.quantity is not None:
        return model.quantity(form.quantity)
    if form.basis is None:
        raise ScenarioError(f"price '{name}' has `when` and needs its `basis`")
    rule = expression_from(form.when).rule(model.columns)
    tabulate(rule, [model.columns[one] for one in rule.reads], Parameters(), unit="value")
    return Quantity(name, Rule(rule.function, rule.reads, False, name), form.basis, form.unit)
