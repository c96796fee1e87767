"""Reversing the order in which the domains of the Swedish model move within a year changes no headline by much.

Most rules read other domains as they were when the year began, so the order is no more than a convention. Where two
things happen in one year for a stated reason the order says which comes first: those are listed, and stay. All else is
turned round, and what it read of the same year it then reads a year late.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest

import sim.lifecourse
from sim.comparison import compare
from sim.domain import PREVIOUS, Domain
from sim.engine import simulate
from sim.files import load_plan, shipped_folder
from sim.ledger import need_of
from sim.outcome import Outcome
from sim.plan import Plan
from sim.prices import Economics, PriceList
from sim.scenario import BASELINE, Arm
from sim.tables import Rule

MODEL = sim.lifecourse.MODEL

PERSONS = 60_000
MOST = 0.02
"""Relative change of a headline that is accepted: a convention must not decide an answer."""

ONE_YEAR = {
    ("upper_secondary", "school"): "the leaving grades of June decide the programme of August",
    ("activity", "upper_secondary"): "who leaves school in June works, or does not, in December",
    ("assistance", "activity"): "the first wage or benefit ends the need of assistance",
}
"""(domain, domain read): causes that act within the year. They keep their order."""

CONVENTION = {
    ("assistance", "upper_secondary"): "the education reached by then",
    ("convictions", "crime"): "an offence and its conviction are counted in one year",
    ("residence", "activity"): "who begins to study elsewhere moves that autumn",
    ("residence", "upper_secondary"): "who begins to study elsewhere moves that autumn",
}
"""The same, where a year more or less is no more than a way of counting."""

QUANTITIES = (
    "placed", "special_support", "not_eligible_at_16", "diplomas", "tertiary_degrees", "employed",
    "neither_work_nor_study", "assisted", "suspects", "psychiatric_care", "assessed_income",
)  # fmt: skip
PAYERS = ("public", "municipality", "region", "state")


def same_year_reads(domain: Domain, domains: Sequence[Domain]) -> set[str]:
    """Return the other domains that some rule of this one reads after their move."""
    owners = {name: one.name for one in domains for name in (one.name, f"years_in_{one.name}")}
    rules = [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]
    return {owners[name] for rule in rules for name in rule.reads if name in owners} - {domain.name}


def late(rule: Rule, domains: Collection[str]) -> Rule:
    """Return a rule that reads some domains as they were when the year began."""
    moved = {name for one in domains for name in (one, f"years_in_{one}") if name in rule.reads}
    if not moved:
        return rule
    seen = {name: PREVIOUS + name if name in moved else name for name in rule.reads}

    def read_late(**values: Any) -> Any:
        parameters = {"p": values["p"]} if "p" in values else {}
        return rule.function(**{name: values[seen[name]] for name in rule.reads}, **parameters)

    return Rule(read_late, tuple(dict.fromkeys(seen.values())), rule.takes_parameters, rule.name)


def without_conventions(domain: Domain) -> Domain:
    """Return a domain that reads of the same year what acts within it only."""
    others = [read for reader, read in CONVENTION if reader == domain.name]
    return replace(
        domain,
        moves=[replace(move, rule=late(move.rule, others)) for move in domain.moves],
        factors=[replace(factor, rule=late(factor.rule, others)) for factor in domain.factors],
    )


def turned_round(domains: Sequence[Domain]) -> tuple[Domain, ...]:
    """Return the domains from last to first, but for those that others read in the same year."""
    waiting, placed = list(reversed(domains)), []
    while waiting:
        done = {one.name for one in placed}
        placed.append(next(one for one in waiting if same_year_reads(one, domains) <= done))
        waiting.remove(placed[-1])
    return tuple(placed)


def pairs_turned(domains: Sequence[Domain]) -> float:
    """Return the share of all pairs of domains that stand the other way round than in the model."""
    names = [one.name for one in MODEL.domains]
    places = [names.index(one.name) for one in domains]
    pairs = [(a, b) for k, a in enumerate(places) for b in places[k + 1 :]]
    return sum(a > b for a, b in pairs) / len(pairs)


@pytest.fixture(scope="module")
def country() -> Plan:
    needs = tuple(need_of(MODEL.quantity(name), MODEL) for name in QUANTITIES)
    return load_plan(shipped_folder() / "sweden.yaml", persons=PERSONS, extra=needs)


def lived(country: Plan, domains: tuple[Domain, ...]) -> Outcome:
    model = replace(MODEL, domains=domains)
    return simulate(replace(country.scenario, model=model, arms={BASELINE: Arm()}), seed=1, threads=2)


@pytest.fixture(scope="module")
def as_it_is(country: Plan) -> Outcome:
    return lived(country, MODEL.domains)


@pytest.fixture(scope="module")
def reversed_order(country: Plan) -> Outcome:
    return lived(country, turned_round([without_conventions(one) for one in MODEL.domains]))


def money(outcome: Outcome, kind: str) -> dict[str, float]:
    """Return what each payer pays (or gets, for revenues) a child over life, undiscounted."""
    listed = outcome.plan.scenario.prices
    prices: PriceList = replace(listed, prices=tuple(one for one in listed.prices if one.kind == kind))
    plan = replace(outcome.plan, scenario=replace(outcome.plan.scenario, prices=prices))
    found = compare(replace(outcome, plan=plan), Economics(2024, 0.0)).costs[BASELINE]
    return {f"{payer} {kind}": found[payer][0] for payer in PAYERS if payer in found}


def headlines(outcome: Outcome) -> dict[str, float]:
    """Return what a reader asks for first, a child over life.

    Costs and revenues apart: their difference is small beside either, so that a share of it says little.
    """
    persons = outcome.baseline.persons.sum()
    counted = {name: float(outcome.volume(name, outcome.baseline)[:, 1:].sum() / persons) for name in QUANTITIES}
    return {**money(outcome, "cost"), **money(outcome, "revenue"), **counted}


def test_every_same_year_reading_has_its_reason() -> None:
    found = {(one.name, other) for one in MODEL.domains for other in same_year_reads(one, MODEL.domains)}
    assert found == set(ONE_YEAR) | set(CONVENTION)


def test_most_pairs_of_domains_change_places_and_all_stay() -> None:
    other = turned_round([without_conventions(one) for one in MODEL.domains])
    assert sorted(one.name for one in other) == sorted(one.name for one in MODEL.domains)
    kept = {(one.name, read) for one in other for read in same_year_reads(one, other)}
    assert kept == set(ONE_YEAR)
    assert pairs_turned(other) > 0.8


def test_an_order_that_keeps_what_is_read_in_the_same_year_changes_no_life(country: Plan, as_it_is: Outcome) -> None:
    other = turned_round(MODEL.domains)
    assert pairs_turned(other) > 0.5
    assert lived(country, other).baseline.digest() == as_it_is.baseline.digest()


def test_the_order_of_domains_moves_no_headline_by_more_than_two_percent(
    as_it_is: Outcome, reversed_order: Outcome
) -> None:
    before, after = headlines(as_it_is), headlines(reversed_order)
    moved = {name: after[name] / value - 1 for name, value in before.items()}
    assert before != after
    assert {name: change for name, change in moved.items() if abs(change) > MOST} == {}
