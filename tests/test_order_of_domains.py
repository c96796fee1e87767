"""Reversing the order in which the domains of the Swedish model move within a year changes no headline by much.

Most rules read other domains as they were when the year began, so the order is no more than a convention. What happens
in one year for a stated reason (the leaving grades decide the programme) keeps its order; all else is turned round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

import sim.lifecourse
from sim.comparison import compare
from sim.domain import Domain
from sim.engine import simulate
from sim.files import load_plan, shipped_folder
from sim.outcome import Outcome
from sim.prices import Economics
from sim.scenario import BASELINE, Arm

MODEL = sim.lifecourse.MODEL

PERSONS = 60_000
MOST = 0.02
"""Relative change of a headline that is accepted: a convention must not decide an answer."""


def same_year_reads(domain: Domain, domains: Sequence[Domain]) -> set[str]:
    """Return the other domains that some rule of this one reads after their move."""
    owners = {one.name: one.name for one in domains} | {f"years_in_{one.name}": one.name for one in domains}
    rules = [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]
    return {owners[name] for rule in rules for name in rule.reads if name in owners} - {domain.name}


def turned_round(domains: Sequence[Domain]) -> tuple[Domain, ...]:
    """Return the domains from last to first, but for those that others read in the same year."""
    waiting, placed = list(reversed(domains)), []
    while waiting:
        done = {one.name for one in placed}
        placed.append(next(one for one in waiting if same_year_reads(one, domains) <= done))
        waiting.remove(placed[-1])
    return tuple(placed)


def lived(domains: tuple[Domain, ...]) -> Outcome:
    plan = load_plan(shipped_folder() / "sweden.yaml", persons=PERSONS)
    scenario = replace(plan.scenario, model=replace(MODEL, domains=domains), arms={BASELINE: Arm()})
    return simulate(scenario, seed=1, threads=2)


def headlines(outcome: Outcome) -> dict[str, float]:
    """Return lifetime cost per child by payer, undiscounted, and what a reader asks for first per child."""
    cost = compare(outcome, Economics(2024, 0.0)).costs[BASELINE]
    found = {payer: cost[payer][0] for payer in ("public", "municipality", "region", "state")}
    persons = outcome.baseline.persons.sum()
    for name in ("placed", "not_eligible_at_16", "diplomas", "employed", "neither_work_nor_study", "assisted"):
        found[name] = float(outcome.volume(name, outcome.baseline)[:, 1:].sum() / persons)
    return found


def test_some_domains_change_places_and_all_stay() -> None:
    other = turned_round(MODEL.domains)
    assert sorted(one.name for one in other) == sorted(one.name for one in MODEL.domains)
    names = [one.name for one in MODEL.domains]
    moved = [names.index(one.name) for one in other]
    later = sum(moved[i] > moved[k] for i in range(len(moved)) for k in range(i + 1, len(moved)))
    assert later > len(moved) * (len(moved) - 1) / 4, "more than half of all pairs change places"


def test_the_order_of_domains_moves_no_headline_by_more_than_two_percent() -> None:
    as_it_is, reversed_order = headlines(lived(MODEL.domains)), headlines(lived(turned_round(MODEL.domains)))
    for name, value in as_it_is.items():
        assert reversed_order[name] == pytest.approx(value, rel=MOST), name
