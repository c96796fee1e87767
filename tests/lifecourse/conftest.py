"""Simulates the shipped life course once for all tests of this folder, and makes `tests` importable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from sim.engine import simulate
from sim.files import load_plan
from sim.ledger import Need
from sim.outcome import Outcome
from sim.plan import Plan
from tests.lifecourse.shipped import INTERVENTIONS, MOVES_OF, SHIPPED

PERSONS = 60_000
PERSONS_IN_ARMS = 30_000


@pytest.fixture(scope="session")
def country() -> Plan:
    """Return the country's children without any intervention."""
    who = (Need(frozenset({"sex"})), Need(frozenset({"ever_placed"})))
    return load_plan(SHIPPED / "sweden.yaml", persons=PERSONS, extra=(*MOVES_OF, *who))


@pytest.fixture(scope="session")
def baseline(country: Plan) -> Outcome:
    """Return their lives."""
    return simulate(country, seed=1, threads=2)


@pytest.fixture(scope="session")
def every_arm(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Return the country's children with an arm for each shipped intervention alone."""
    path = tmp_path_factory.mktemp("scenario") / "every.yaml"
    arms = "".join(f"  {name}: {{interventions: [{name}]}}\n" for name in INTERVENTIONS)
    path.write_text(
        "title: Every intervention alone\nmodel: lifecourse\npopulation: sweden\nprices: sweden\n"
        "cohort: {born: 2026, represents: 3000}\neconomics: {price_year: 2024}\narms:\n  baseline: {}\n" + arms
    )
    return load_plan(path, persons=PERSONS_IN_ARMS, extra=MOVES_OF)


@pytest.fixture(scope="session")
def outcome(every_arm: Plan) -> Outcome:
    """Return what every intervention does as shipped."""
    return simulate(every_arm, seed=1, threads=2)
