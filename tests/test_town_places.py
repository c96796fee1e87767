"""Few places a year in a whole municipality: shared by all ages of a copy, and paid for by team over all ages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.budget_impact import by_year, price_town
from sim.errors import ScenarioError
from sim.kernels.layout import ELIGIBLE_COUNT, OFFERED_COUNT, START_COUNT, WAITING_COUNT
from sim.municipality import Wave
from sim.plan import bind
from sim.scenario import Arm, Scenario
from sim.town import TownOutcome, simulate_town
from tests.line_models import few
from tests.models import support, tutoring
from tests.test_municipality import FAMILIES, same, town


def counts_by_year(place: TownOutcome, arm: str, name: str = "support") -> np.ndarray:
    """Return what was counted of an offer over all birth years: (copies, years, counts)."""
    number = place.plan.interventions.index(name)
    every = [
        by_year(np.moveaxis(one.ledger(arm).deliveries[:, :, number], 1, -1), year, place.town)
        for year, one in place.cohorts.items()
    ]
    return np.moveaxis(sum(every), 1, -1)[:, 1:]


@pytest.fixture(scope="module")
def place() -> TownOutcome:
    return simulate_town(town((few(10),), (few(10, rank=None), tutoring()), (support(),), siblings=FAMILIES), seed=3)


def test_all_ages_of_a_copy_share_the_places_of_a_year(place: TownOutcome) -> None:
    for arm in ("arm_1", "arm_2"):
        counts = counts_by_year(place, arm)
        assert counts[..., START_COUNT].max() == 10
        assert (counts[counts[..., WAITING_COUNT] > 0][:, START_COUNT] == 10).all()
        assert (counts[..., WAITING_COUNT] == counts[..., ELIGIBLE_COUNT] - counts[..., OFFERED_COUNT]).all()
        assert (counts[..., WAITING_COUNT] > 0).all()
    started = [one.ledger("arm_1").deliveries[:, :, 0, START_COUNT].sum() for one in place.cohorts.values()]
    assert sum(number > 0 for number in started) > 8  # birth years


def test_more_places_than_persons_are_as_good_as_no_limit() -> None:
    waves = (Wave(2031, 0.4), Wave(2034, 1, 0.5))
    made = town((few(10**6),), (support(),), siblings=FAMILIES)
    made = replace(made, arms={name: replace(arm, rollout=waves) if arm.interventions else arm
                               for name, arm in made.arms.items()})  # fmt: skip
    some = simulate_town(made)
    for one in some.cohorts.values():
        assert one.ledger("arm_1").digest() == one.ledger("arm_2").digest()
        assert np.array_equal(one.arms["arm_1"].participants, one.arms["arm_2"].participants)
        assert np.array_equal(one.reached.get("arm_1", []), one.reached.get("arm_2", []))


@pytest.mark.parametrize("settings", [{"threads": 2, "chunk": 61}, {"threads": 3, "chunk": 7}])
def test_threads_and_chunks_change_nothing(place: TownOutcome, settings: dict[str, int]) -> None:
    other = simulate_town(place.plan, seed=3, **settings)
    assert other.digest() == place.digest()
    for year, one in place.cohorts.items():
        for arm in place.plan.compared:
            assert np.array_equal(one.arms[arm].participants, other.cohorts[year].arms[arm].participants)
            assert np.array_equal(one.reached.get(arm, []), other.cohorts[year].reached.get(arm, []))


def test_an_arm_without_a_line_is_what_it_is_beside_one_that_has_it(place: TownOutcome) -> None:
    alone = simulate_town(town((support(),), (tutoring(),), siblings=FAMILIES), seed=3)
    for year, one in place.cohorts.items():
        assert np.array_equal(one.ledger("arm_3").counts, alone.cohorts[year].ledger("arm_1").counts)
        assert one.baseline.persons.tolist() == alone.cohorts[year].baseline.persons.tolist()
