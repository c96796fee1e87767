"""Every state of the shipped life course is reached and left, and no transition is declared in vain."""

from __future__ import annotations

import numpy as np
import pytest

from sim.domain import Domain, Move
from sim.outcome import Outcome
from sim.plan import Plan
from sim.tables import Parameters, Rule, tabulate
from tests.lifecourse.shipped import DOMAINS, MODEL

TERMINAL = {
    ("school", "adapted"): "stays after grade 9, as what tells of the adapted school",
    ("school", "eligible"): "the outcome of grade 9 stays what it was",
    ("school", "not_eligible"): "the outcome of grade 9 stays what it was; adult education is another domain",
    ("upper_secondary", "tertiary"): "a degree is not lost",
    ("convictions", "four_more"): "the highest class of a count that only rises",
    ("activity", "retired"): "working pensioners are not modelled",
    ("disability", "group_home"): "a home for life",
}
"""States that are left by death only, and why."""


def moves_of(outcome: Outcome, domain: str) -> np.ndarray:
    """Return person-years by the state before and after the year."""
    return outcome.share_in([f"previous_{domain}", domain])[0].sum(axis=0)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_state_is_reached_and_left(baseline: Outcome, domain: str) -> None:
    before_after = moves_of(baseline, domain)
    for place, state in enumerate(MODEL.domain(domain).states):
        assert before_after[:, place].sum() > 0, f"nobody is ever in '{domain}: {state}'"
        left = before_after[place].sum() - before_after[place, place]
        if (domain, state) in TERMINAL:
            assert left == 0, f"'{domain}: {state}' is left, and is said to be terminal"
            assert before_after[place, place] > 0
        else:
            assert left > 0, f"nobody ever leaves '{domain}: {state}'"


def test_a_terminal_state_has_no_way_out() -> None:
    out = {(one.name, move.from_state) for one in MODEL.domains for move in one.moves}
    assert out == {(one.name, state) for one in MODEL.domains for state in one.states} - set(TERMINAL)


class Possible:
    """Which moves of a domain can happen at some age, by the tables of its rules alone."""

    def __init__(self, domain: Domain, p: Parameters) -> None:
        self.domain, self.p = domain, p
        self.moves: set[tuple[str, str]] = set()

    def from_birth(self, born: set[str]) -> set[tuple[str, str]]:
        """Return the moves that somebody born in these states may make."""
        reached = set(born)
        positive = {(move.from_state, to): self.ages(move, to) for move in self.domain.moves for to in move.to}
        for age in range(101):
            now = {(a, b) for (a, b), ages in positive.items() if a in reached and age in ages}
            self.moves |= now
            reached |= {to for _, to in now}
        return self.moves

    def ages(self, move: Move, to: str) -> set[int]:
        """Return the ages at which the move's rule, and its factors, are above 0 for somebody."""
        low, high = (self.p.window(bound, move.name) for bound in move.ages)
        rules = [(move.rule, move.to.index(to))]
        rules += [(f.rule, 0) for f in self.domain.factors if (f.from_state, f.to) == (move.from_state, to)]
        return set.intersection(*(self.positive(rule, place, low, high) for rule, place in rules))

    def positive(self, rule: Rule, place: int, low: int, high: int) -> set[int]:
        columns = [MODEL.columns[name] for name in rule.reads]
        grid = tabulate(rule, columns, self.p, ages=(low, high))[place]
        if "age" not in rule.reads:
            return set(range(low, high + 1)) if grid.max() > 0 else set()
        by_age = np.moveaxis(grid, rule.reads.index("age"), 0).reshape(high - low + 1, -1).max(axis=1)
        return {low + int(k) for k in np.flatnonzero(by_age > 0)}


@pytest.mark.parametrize("name", DOMAINS)
def test_no_transition_is_declared_in_vain(baseline: Outcome, country: Plan, name: str) -> None:
    """What nobody of the cohort does must at least have a hazard above 0 in a state that is reached at that age."""
    domain = MODEL.domain(name)
    before_after = moves_of(baseline, name)
    index = domain.states.index
    drawn = {one.name: one for one in country.attributes}
    born = set(domain.states) if name in drawn else {str(domain.start)}
    possible = Possible(domain, country.scenario.parameters[name]).from_birth(born)
    declared = {(move.from_state, to) for move in domain.moves for to in move.to}
    assert declared - possible == set()
    made = {(a, b) for a, b in declared if before_after[index(a), index(b)] > 0}
    assert len(declared - made) <= 1, f"seldom or never made: {sorted(declared - made)}; raise the persons"
