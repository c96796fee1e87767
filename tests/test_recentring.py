"""At another causal share every transition keeps its mean chance, however many links act on it together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sim.parameters
from calibration.counting import parameters_of
from sim.domain import Domain
from sim.draws import philox_key
from sim.engine import simulate
from sim.errors import ScenarioError
from sim.files import load_plan, load_plans, shipped_folder
from sim.ledger import amounts, need_of
from sim.links import Link
from sim.model import Model
from sim.people import Attribute, Population, Trait
from sim.plan import bind
from sim.recentring import PILOT, SEED, lived, pilot, races, recentred
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Parameters, Table
from tests.models import Lives, childhood, lives, scenario
from tests.small_town import rewrite, settle

# Who is at risk, and of what


def test_the_moves_expected_of_a_pilot_are_those_that_happen() -> None:
    further = Domain("club", ("out", "member"), "out", clock=4)

    @further.hazard("out", "member", ages=(5, 30))
    def joins(care, years_in_care, years_in_club, previous_years_in_work, work, ever_placed):
        stay = 0.1 * years_in_care * (care != "home") + 0.2 * previous_years_in_work * (work == "job")
        return 0.02 + 0.1 * stay + 0.05 * years_in_club + 0.1 * ever_placed

    plan = pilot(scenario(model=childhood(further)))
    model = plan.scenario.model
    every = races(plan, [domain.name for domain in model.all_domains])
    held, _ = lived(plan, every, [])
    found = lives(plan, seed=SEED)
    assert np.array_equal(philox_key(SEED), philox_key(SEED, 0))
    for race, expected in zip(every, held, strict=True):
        for (domain, state, to), number in zip(race.on, expected.moves, strict=True):
            # a sum of chances differs from what happens by less than a Poisson number would: z = 4.5
            assert abs(_moves(found, domain, state, to) - number) < 4.5 * np.sqrt(number) + 1e-9, (domain, state, to)


def _moves(found: Lives, domain: str, state: str, to: str) -> int:
    alive = found.column("age") != 255
    if domain == "death":
        return int((alive[:-1] & ~alive[1:]).sum())
    states = found.states(domain)
    return int((alive[1:] & (states[:-1] == state) & (states[1:] == to)).sum())


# Means are held

RISK = Trait("risk", bins=(-1.0, 1.0))
SIZE = 1.2
"""Log ratio of each of two links that come from what the same children have."""


def _scenario(share: float) -> Scenario:
    """Return two domains that one trait drives, which are both linked to a hazard and to an occasion."""
    home, health = Domain("home", ("good", "poor"), "good"), Domain("health", ("well", "ill"), "well")
    placed, school = Domain("placed", ("no", "yes"), "no"), Domain("school", ("on", "behind", "special"), "on")
    for domain in (home, health):

        @domain.hazard(domain.states[0], domain.states[1], ages=(0, 20))
        def worsens(risk):
            return 0.05 * np.exp(1.5 * risk)

    @placed.hazard("no", "yes", ages=(0, 20))
    def is_placed(previous_home, p):
        return 0.005 * np.exp(p.by_home[previous_home])

    @placed.factor("no", "yes")
    def is_placed_by_health(health, p):
        return np.exp(p.by_health[health])

    @placed.hazard("yes", "no", ages=(0, 20))
    def returns():
        return 2.0

    @school.occasion("on", ("behind", "special"), ages=(5, 20))
    def falls_behind(home, previous_health, p):
        odds = 0.015 * np.exp(p.by_home[home] + p.by_health[previous_health])
        return 0.7 * odds / (1 + odds), 0.3 * odds / (1 + odds)

    for state in ("behind", "special"):

        @school.hazard(state, "on", ages=(5, 20))
        def catches_up():
            return 2.0

    ends = {"by_home": ("home", home.states), "by_health": ("health", health.states)}
    values = {name: Table(name, (states,), np.array([0, share * SIZE])) for name, (_, states) in ends.items()}
    links = tuple(
        Link(domain, name, start, "log ratio", True, share, {}, "invented", "assumed")
        for domain in ("placed", "school")
        for name, (start, _) in ends.items()
    )
    return Scenario(
        model=Model("pairs", (home, health, placed, school), traits=(RISK,)),
        population=Population("all", (Attribute("risk", {"1": 0.7, "2": 0.3}),)),
        cohort=Cohort(2020, represents=300_000, copies=1),
        arms={"baseline": Arm()},
        parameters={domain: Parameters(domain, values) for domain in ("placed", "school")},
        horizon=21,
        links=links,
        causal_share=share,
    )


def _rates(one: Scenario) -> np.ndarray:
    """Return the moves a year at risk: placed from home, and away from the class to either."""
    found = lives(one, seed=3)
    placed, school = found.states("placed"), found.states("school")
    moves = [
        _moves(found, "placed", "no", "yes"),
        sum(_moves(found, "school", "on", to) for to in ("behind", "special")),
    ]
    return np.array(moves) / [(placed[:21] == "no").sum(), (school[5:21] == "on").sum()]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_means_of_transitions_are_held_where_links_go_together(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # four times the pilot: its own chance moves a mean of so unlike persons by a per cent
    monkeypatch.setattr("sim.recentring.PILOT", replace(PILOT, represents=4 * PILOT.represents))
    then, now = _scenario(0.4), _scenario(share)
    factors = recentred(pilot(then), pilot(now))
    assert set(factors) == {("placed", "no", "yes"), ("school", "on", "behind"), ("school", "on", "special")}
    wanted, without, with_factors = (_rates(one) for one in (then, now, replace(now, recentred=factors)))
    assert np.abs(without / wanted - 1).min() > 0.2
    # 40,000 moves and more: a standard error of half a per cent, and the draws are the same
    assert np.abs(with_factors / wanted - 1).max() < 0.01


def test_nothing_is_recentred_where_nothing_differs() -> None:
    assert recentred(pilot(_scenario(0.4)), pilot(_scenario(0.4))) == {}


# From files


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return settle(tmp_path, monkeypatch)


def test_factors_do_not_depend_on_what_is_tried_on_whom_or_for_how_long(town: Path) -> None:
    factors = load_plan(town, causal_share=1).scenario.recentred
    assert set(factors) == {("lodging", "home", "foster"), ("lessons", "on_track", "behind")}
    rewrite(town.parent, "town.yaml", "horizon: 12", "horizon: 9")
    rewrite(town.parent, "town.yaml", "  tutors: {interventions: [tutors]}\n", "")
    assert load_plan(town, causal_share=1, persons=3000).scenario.recentred == factors


def test_a_baseline_of_other_parameters_has_factors_of_its_own(town: Path) -> None:
    factors = load_plan(town, causal_share=1).scenario.recentred
    rewrite(town.parent, "town.yaml", "baseline: {}", "baseline: {parameters: {lodging: {placement: 0.4}}}")
    assert load_plan(town, causal_share=1).scenario.recentred != factors


def test_a_mistake_that_only_the_reference_has_or_only_the_other_share_is_placed(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.parameters, "MOST_LOG", float("inf"))  # smaller ones are finite at every share
    rewrite(town.parent, "parameters/lodging.yaml", "behind: 1.5", "behind: 1000")  # e^1000 is no number, e^400 is one
    for share, size in ((1, "1000"), (0, "4000")):
        rewrite(town.parent, "parameters/lodging.yaml", "behind: 1000", f"behind: {size}")
        with pytest.raises(ScenarioError) as caught:
            load_plan(town, causal_share=share)
        (problem,) = caught.value.problems
        assert "must be 0 or more and finite" in problem.message
        assert Path(problem.file or "").name == "lodging.yaml"
    rewrite(town.parent, "parameters/lodging.yaml", "behind: 4000", "behind: 1000")
    assert all(np.isfinite(size) for size in load_plan(town, causal_share=0).scenario.recentred.values())


# The model that ships

NATIONAL = ("placed", "suspects", "assisted", "not_eligible_at_16")


def test_the_country_is_the_same_at_every_causal_share() -> None:
    found = []
    for plan in load_plans(shipped_folder() / "sweden.yaml", (None, 0.0, 1.0), persons=60_000):
        quantities = [plan.scenario.model.quantity(name) for name in NATIONAL]
        needs = tuple(need_of(one, plan.scenario.model) for one in quantities)
        plan = bind(replace(plan.scenario, needs=needs))
        ledger = simulate(plan, seed=11, threads=2).baseline
        row = []
        for one, need in zip(quantities, needs, strict=True):
            margin = next(margin for margin in plan.margins if set(margin.columns) >= need.columns)
            weights = amounts(one, plan.scenario.model, parameters_of(plan), margin, plan.scenario.horizon)
            row.append((ledger.of(margin) * weights).sum(axis=(1, 2)))
        found.append(row)
    reference, *others = np.array(found)
    for other in others:
        mean = reference.mean(axis=1)
        off = (other - reference).mean(axis=1) / mean
        se = (other - reference).std(axis=1, ddof=1) / np.sqrt(reference.shape[1]) / mean
        # 3 % for the pilot's own chance, twice that of this simulation; without recentring it is up to 90 %
        assert np.all(np.abs(off) < 0.03 + 2 * se), dict(zip(NATIONAL, zip(off, se, strict=True), strict=True))
        assert se.max() < 0.03
