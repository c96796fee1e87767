"""Prices from their files: of which quantity, to whom, in which year's kronor; and what an arm changes. Layer 6."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from sim.catalogue import expression_from, shares_from
from sim.domain import Quantity
from sim.errors import ScenarioError, nearest
from sim.form_check import Checked, Findings, shown
from sim.model import Model
from sim.prices import PUBLIC, Price, PriceList, Residence, payer_nodes
from sim.schema import PriceChangeForm, PriceForm, PriceListForm, ResidenceForm
from sim.source import KeyPath
from sim.tables import Parameters, Rule, tabulate

NOBODY = "nobody"
"""What a price list says where nobody in Sweden pays."""


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
    return PriceList(tuple(rows), index, _residence(file, model, found))


def changed_prices(
    file: Checked, path: KeyPath, forms: Mapping[str, PriceChangeForm], prices: PriceList, found: Findings
) -> dict[str, Price]:
    """Return the prices that the forms at a path of a file change: those of an arm, or of a place."""
    known = {price.name: price for price in prices.prices}
    changed: dict[str, Price] = {}
    for name, form in forms.items():
        if name not in known:
            found.note(file, (*path, name), f"no price {name!r}", nearest(name, known), at_key=True)
            continue
        if form.price_year is not None:
            check_price_year(file, (*path, name, "price_year"), form.price_year, prices.index, found)
        price = known[name]
        amount = price.amount if form.amount is None else form.amount
        _check_share(file, (*path, name, "amount"), amount, str(price.note.get("unit", "")), found)
        note = {**price.note, **form.model_dump(include={"source", "provenance"})}  # a place says its own
        changed[name] = replace(price, amount=amount, price_year=form.price_year or price.price_year, note=note)
    return changed


def check_price_year(file: Checked, path: KeyPath, year: int, known: Collection[int], found: Findings) -> None:
    """Note a year that the price index does not have."""
    if known and year not in known:
        found.note(file, path, f"the price index has no year {year}; it has {min(known)} to {max(known)}")


def _check_share(file: Checked, path: KeyPath, amount: float, unit: str, found: Findings) -> None:
    """Note an amount that is a share of money and above all of it: a tax rate written in per cent."""
    if unit == "share" and amount > 1:
        sentence = f"'amount' is {amount:g}: a share must be 0 to 1"
        found.note(file, path, sentence, f"{amount:g} % is {amount / 100:g}" if amount <= 100 else None)


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
    _check_share(file, (*path, "amount"), form.amount, form.unit, found)
    if quantity is None or shares is None or len(found.problems) > before:
        raise ScenarioError([])
    note = form.model_dump(include={"title", "unit", "source", "provenance", "cashable_provenance"})
    cashable = tuple(float(one) for one in curve)
    return Price(name, quantity, form.amount, form.price_year, shares, form.kind, cashable, note, form.stays)


def _residence(file: Checked, model: Model, found: Findings) -> Residence | None:
    """Return who pays for those who have moved; None where the file does not say, or in this model nobody moves."""
    form: ResidenceForm | None = file.form.residence
    top: KeyPath = ("residence",)
    if form is None or file.spoilt & {top, *((*top, key) for key in ResidenceForm.model_fields)}:
        return None
    domains = [domain.name for domain in model.domains]
    if form.column not in domains:
        hint = nearest(form.column, domains)
        if hint and hint.startswith("did you mean"):
            sentence = f"{form.column!r} is no domain of model '{model.name}'"
            found.note(file, (*top, "column"), sentence, hint)
        return None
    states = model.domain(form.column).states
    if form.own not in states:
        sentence = f"column '{form.column}' has no label {form.own!r}"
        found.note(file, (*top, "own"), sentence, nearest(form.own, states))
        return None
    moved: dict[str, Mapping[str, str] | None] = {}
    away = [state for state in states if state != form.own]
    for label, given in form.elsewhere.items():
        path: KeyPath = (*top, "elsewhere", label)
        if label == form.own:
            found.note(
                file, path, f"{label!r} is where nobody has moved: its payers are those of the prices", at_key=True
            )
        elif label not in away:
            sentence = f"column '{form.column}' has no label {label!r}"
            found.note(file, path, sentence, nearest(label, away), at_key=True)
        else:
            moved[label] = _payers_instead(given, file, path, found)
    missing = [repr(label) for label in away if label not in form.elsewhere]
    if missing:
        sentence = f"who pays for those who live in {', '.join(missing)} is not said"
        found.note(file, (*top, "elsewhere"), sentence, "write {} where nothing changes, or nobody", at_key=True)
    return Residence(form.column, form.own, moved)


def _payers_instead(given: object, file: Checked, path: KeyPath, found: Findings) -> Mapping[str, str] | None:
    """Return who pays instead, by branch of payers; None where nobody does."""
    payers: list[str] = file.form.payers
    if given == NOBODY:
        return None
    if not isinstance(given, Mapping):
        sentence = f"who pays instead is '{NOBODY}' or branches of payers with another, not {shown(given)}"
        found.note(file, path, sentence, nearest(given, [NOBODY]) if isinstance(given, str) else None)
        return {}
    branches = [node for node in payer_nodes(payers) if node != PUBLIC]
    for branch, payer in given.items():
        if branch not in branches:
            found.note(
                file, (*path, branch), f"no payer at or under {branch!r}", nearest(branch, branches), at_key=True
            )
        if payer not in payers:
            found.note(file, (*path, branch), f"unknown payer {payer!r}", nearest(str(payer), payers))
    return given


def _quantity(name: str, form: PriceForm, model: Model) -> Quantity:
    """Return the quantity that a price is of: a named one, or that of its condition."""
    if form.quantity is not None:
        return model.quantity(form.quantity)
    if form.basis is None:
        raise ScenarioError(f"price '{name}' has `when` and needs its `basis`")
    rule = expression_from(form.when).rule(model.columns)
    tabulate(rule, [model.columns[one] for one in rule.reads], Parameters(), unit="value")
    return Quantity(name, Rule(rule.function, rule.reads, False, name), form.basis, form.unit)
