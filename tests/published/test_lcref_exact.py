"""LC-ref/1 solved exactly: the numbers of its file, and a dense Markov chain over the joint states, to 1e-9."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from sim.comparison import compare
from sim.expect import expect
from sim.outcome import Outcome
from tests.published import lcref

CLOSE = 1e-9
ARMS = pytest.mark.parametrize("arm", ["baseline", "treatment"])
LETTER = {"education": "E", "health": "H", "crime": "C"}
PAYERS = tuple(lcref.read()["yearly_cost"]["payers"])


@pytest.fixture(scope="module")
def solved() -> Outcome:
    return expect(lcref.scenario())


def shares(outcome: Outcome, domain: str, arm: str) -> np.ndarray:
    """Return the share of the newborn that is in each state after each age: (ages, states)."""
    return outcome.share_in([domain], arm)[0][1:] / outcome.baseline.persons[0]


@ARMS
def test_life_years_and_survival_are_those_of_the_file(solved, arm):
    exact = lcref.read()["exact"][arm]
    alive = shares(solved, "health", arm).sum(axis=1)
    assert alive.sum() == pytest.approx(exact["life_years"], rel=CLOSE)
    for age, probability in exact["alive_at_age"].items():
        assert alive[int(age)] == pytest.approx(probability, rel=CLOSE)


@ARMS
@pytest.mark.parametrize("domain", LETTER)
def test_occupancies_are_those_of_the_file_down_to_the_rarest_state(solved, arm, domain):
    found = shares(solved, domain, arm)
    for age, probabilities in lcref.read()["exact"][arm][f"occupancy_{LETTER[domain]}"].items():
        np.testing.assert_allclose(found[int(age)], probabilities, rtol=CLOSE)


@ARMS
def test_the_cost_of_every_payer_is_that_of_the_file(solved, arm):
    costs = compare(solved).costs[arm]
    known = lcref.read()["exact"][arm]["discounted_cost_per_person"]
    assert [costs[payer][1] for payer in PAYERS] == pytest.approx(known, rel=CLOSE)


def test_the_treatment_saves_exactly_what_it_should(solved):
    exact = lcref.read()["exact"]
    saved = sum(exact["baseline"]["discounted_cost_per_person"]) - sum(exact["treatment"]["discounted_cost_per_person"])
    found = compare(solved).arms["treatment"]
    assert -found.by_payer["public"].incremental == pytest.approx(saved, rel=CLOSE)
    assert found.by_payer["public"].se is None


def test_a_quarter_of_those_alive_at_three_are_reached(solved):
    alive_after_two = shares(solved, "health", "baseline")[2].sum()
    reached = solved.arms["treatment"].participants / solved.baseline.persons
    assert reached == pytest.approx([0.25 * alive_after_two], rel=CLOSE)


def dense_chain(*, treated_arm: bool) -> dict[str, Any]:
    """Return occupancies, (ages, states) by domain, and cost by payer, from arrays over all joint states."""
    given = lcref.read()
    names = list(given["states"])
    sizes = [len(given["states"][name]) for name in names]
    born = {name: list(share.values()) for name, share in given["at_birth"].items() if isinstance(share, dict)}
    labels = {name: list(share) for name, share in given["at_birth"].items() if isinstance(share, dict)}
    start = tuple(given["states"][name].index(given["at_birth"][name]) for name in names)
    occupancy = {name: np.zeros((given["years"], size)) for name, size in zip(names, sizes, strict=True)}
    cost = np.zeros(len(given["yearly_cost"]["payers"]))
    groups = itertools.product(*[range(len(labels[name])) for name in labels])
    for group in groups:
        who = {name: labels[name][k] for name, k in zip(labels, group, strict=True)}
        share = np.prod([born[name][k] for name, k in zip(labels, group, strict=True)])
        joint = np.zeros(sizes)
        joint[start] = share
        for age in range(given["years"]):
            joint = one_step(joint, age, who, names, treated_arm=treated_arm)
            discount = float(given["discount"].split()[0]) ** -age  # "1.035 ** -age"
            for place, name in enumerate(names):
                there = joint.sum(axis=tuple(k for k in range(len(sizes)) if k != place))
                occupancy[name][age] += there
                for state, number in zip(given["states"][name], there, strict=True):
                    cost += discount * number * np.array(given["yearly_cost"][name][state])
    return {"occupancy": occupancy, "cost": cost}


def one_step(joint: np.ndarray, age: int, who: dict[str, str], names: list[str], *, treated_arm: bool) -> np.ndarray:
    """Return the joint distribution of one group after the step at an age: one state of origin at a time."""
    given = lcref.read()
    g = given["death_hazard"]
    first, last = given["treatment"]["ages"]
    active = treated_arm and who["treated"] == "yes" and first <= age <= last
    after = np.zeros_like(joint)
    for origin in np.argwhere(joint > 0):
        states = {name: given["states"][name][k] for name, k in zip(names, origin, strict=True)}
        dying = 1 - np.exp(-np.exp(
            g["g0"] + g["g1"] * age + g["gsex"] * (who["sex"] == "1") + g["g_health"].get(states["health"], 0)
        ))  # fmt: skip
        result = np.array(joint[tuple(origin)] * (1 - dying))
        for name in names:
            odds = np.zeros(len(given["states"][name]))
            for one in given["transitions"]:
                is_open = one["domain"] == name and one["from"] == states[name]
                if not is_open or not one["age_min"] <= age <= one["age_max"]:
                    continue
                eta = one["eta"]
                score = eta["constant"] + eta["age_over_10"] * age / 10 + eta["age_over_10_squared"] * (age / 10) ** 2
                score += eta["sex=1"] * (who["sex"] == "1") + eta["treated_and_active"] * active
                score += sum(eta[f"parental_education={k}"] * (who["parental_education"] == k) for k in ("1", "2"))
                score += sum(eta[other].get(states[other], 0) for other in names if other != name)
                odds[given["states"][name].index(one["to"])] = np.exp(score)
            odds[given["states"][name].index(states[name])] = 1
            result = np.multiply.outer(result, odds / odds.sum())
        after += result
    return after


@ARMS
def test_a_dense_chain_over_the_joint_states_says_the_same(solved, arm):
    dense = dense_chain(treated_arm=arm == "treatment")
    for name, occupancy in dense["occupancy"].items():
        np.testing.assert_allclose(shares(solved, name, arm), occupancy, rtol=CLOSE)
    costs = compare(solved).costs[arm]
    assert [costs[payer][1] for payer in PAYERS] == pytest.approx(dense["cost"].tolist(), rel=CLOSE)
