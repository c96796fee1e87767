"""The exact solver and a plain-Python oracle that follows every way a life can go, over random small scenarios."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.expect import expect
from sim.ledger import Margin
from sim.people import Attribute, Population
from sim.plan import Plan
from sim.scenario import Scenario
from tests.properties.exact_oracle import Ways
from tests.properties.random_scenarios import scenarios
from tests.properties.test_oracle import codes, offers_of

YEARS = 6
MOST_WAYS = 250
"""Beyond, the rest of the life is left out: plain Python follows a few hundred ways at once."""

KINDS = ("eligible", "offered", "started", "years")


@st.composite
def small(draw: st.DrawFn) -> Scenario:
    """Draw a scenario of children of one kind whose interventions come early, so that they end within few years."""
    found = draw(scenarios(persons=1))
    early = {}
    for name, arm in found.arms.items():
        offers = [replace(one, ages=(one.ages[0] % 3, one.ages[0] % 3 + one.ages[1] % 2)) for one in arm.interventions]
        early[name] = replace(arm, interventions=tuple(offers))
    coverage = {one.catalogue_name: one for arm in early.values() for one in arm.interventions if one.baseline_coverage}
    for name, arm in early.items():
        offers = [
            replace(one, ages=coverage[one.catalogue_name].ages) if one.catalogue_name in coverage else one
            for one in arm.interventions
        ]
        early[name] = replace(arm, interventions=tuple(offers))
    sex, risk, home = draw(st.tuples(st.sampled_from("gb"), st.sampled_from("123"), st.booleans()))
    only = [
        Attribute("sex", {"girl": float(sex == "g"), "boy": float(sex == "b")}),
        Attribute("risk", {label: float(label == risk) for label in "123"}),
        Attribute("home", {"calm": 0.8, "loud": 0.2} if home else {"calm": 0.0, "loud": 1.0}),
    ]
    return replace(found, arms=early, population=Population("one kind", tuple(only)), horizon=YEARS)


def cell(plan: Plan, margin: Margin, row: np.ndarray, enrolments: dict) -> int:
    place = 0
    for name, size in zip(margin.columns, margin.sizes, strict=True):
        if name.startswith("receives_"):
            have = enrolments.get(name.removeprefix("receives_"))
            code = int(bool(have and have.kind == "enrolled" and not have.delivered))
        else:
            code = int(row[plan.layout.row(name)])
        place = place * size + code
    return margin.start + place


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(small())
def test_every_arm_is_solved_as_the_oracle_follows_it(scenario: Scenario) -> None:
    outcome = expect(scenario)
    plan = outcome.plan
    for arm in plan.arms:
        found = outcome.ledger(arm)
        ways = Ways(plan.scenario, offers_of(plan.scenario, arm))
        for row in range(YEARS + 1):
            if row:
                ways.step(row - 1)
            counts = np.zeros(found.counts.shape[2])
            for margin in plan.margins:
                alive = [] if margin.deaths else ways.ways
                for values, enrolments, weight in alive:
                    counts[cell(plan, margin, codes(plan, values), enrolments)] += weight
                for values, weight in ways.dead[row - 1] if margin.deaths and row else []:
                    counts[cell(plan, margin, codes(plan, values), {})] += weight
            np.testing.assert_allclose(found.counts[0, row], counts, rtol=1e-9, atol=1e-14)
            for place, name in enumerate(plan.interventions):
                given_here = [*(ways.deliveries[row - 1, name, kind] for kind in KINDS), 0, 0]  # nobody stands in line
                assert found.deliveries[0, row, place] == pytest.approx(given_here, rel=1e-9, abs=1e-14)
            if len(ways.ways) > MOST_WAYS:
                break
