"""Checks framsyn and its peers on LC-ref/1 against the exact answer: all are timed at the same work."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from benchmarks.lcref import with_c, with_framsyn, with_mesa, with_numpy, with_numpy_tables
from benchmarks.lcref.workload import DOMAINS, Workload, load, read

COMPILED = pytest.mark.skipif(bool(with_c.missing()), reason=with_c.missing() or "there is a compiler")
ARMS = pytest.mark.parametrize("treated_arm", [False, True], ids=["baseline", "treatment"])
PEERS = pytest.mark.parametrize(
    ("simulate", "persons"),
    [
        (with_framsyn.simulate, 96_000),
        (with_numpy.simulate, 30_000),
        (with_numpy_tables.simulate, 100_000),
        (with_mesa.simulate, 2_000),
        pytest.param(with_c.with_threshold_tables, 400_000, marks=COMPILED),
        pytest.param(with_c.with_any_event, 400_000, marks=COMPILED),
        pytest.param(with_c.with_addressed_draws, 96_000, marks=COMPILED),
    ],
    ids=["framsyn", "numpy", "numpy with tables", "mesa", "c", "c, any event", "c with addressed draws"],
)
STANDARD_ERRORS = 4.5  # of a fixed seed; fifty-six numbers are compared, so about 1 seed in 2 600 would fail


def exact_answer(treated_arm: bool) -> np.ndarray:
    """Return the file's exact mean of life years and of each payer's discounted cost."""
    exact = read()["exact"]["treatment" if treated_arm else "baseline"]
    return np.array([exact["life_years"], *exact["discounted_cost_per_person"]])


def joint_step(tables: Workload, age: int) -> np.ndarray:
    """Return (groups, joint states, joint states): the chance of living the year and ending in each state."""
    cells = np.arange(tables.death.shape[1])
    by_domain = []
    for domain, state in zip(DOMAINS, np.unravel_index(cells, tables.cell_shape)[3:], strict=True):
        moves = tables.moves[domain]
        matrix = np.zeros((cells.size, len(moves.target)))
        matrix[cells, state] = 1 - moves.probability[age].sum(axis=-1)
        for slot, target in enumerate(moves.target.T):
            matrix[cells, target[state]] += moves.probability[age, :, slot]
        by_domain.append(matrix)
    joint = np.einsum("ce,ch,cq->cehq", *by_domain) * (1 - tables.death[age])[:, None, None, None]
    return joint.reshape(-1, tables.joint_states, tables.joint_states)


@functools.cache
def moments(treated_arm: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact mean and standard deviation of a life's years and costs, by backward recursion."""
    tables = load(treated_arm)
    mean = np.zeros((tables.birth.size, tables.joint_states, 1 + len(tables.payers)))
    square = mean.copy()
    for age in reversed(range(tables.years)):
        step = joint_step(tables, age)
        year = np.insert(tables.cost[age], 0, 1.0, axis=1)
        square = step @ (year**2 + 2 * year * mean + square)
        mean = step @ (year + mean)
    mean, square = (tables.birth @ value[:, tables.newborn] for value in (mean, square))
    return mean, np.sqrt(square - mean**2)


@ARMS
def test_the_shared_tables_hold_the_exact_answer(treated_arm):
    mean, _ = moments(treated_arm)
    np.testing.assert_allclose(mean, exact_answer(treated_arm), rtol=1e-12)


@ARMS
@PEERS
def test_a_peer_agrees_with_the_exact_answer(simulate, persons, treated_arm):
    result = simulate(persons, seed=7, treated_arm=treated_arm)
    _, deviation = moments(treated_arm)
    found = np.array([result["life_years"], *result["cost"].values()])
    distance = (found - exact_answer(treated_arm)) / (deviation / np.sqrt(persons))
    assert np.abs(distance).max() < STANDARD_ERRORS
    assert list(result["cost"]) == read()["yearly_cost"]["payers"]
    assert result["person_years"] == round(result["life_years"] * persons)


@PEERS
def test_a_peer_repeats_itself_with_the_same_seed(simulate, persons):
    few = persons // 10
    assert simulate(few, seed=3) == simulate(few, seed=3)
    assert simulate(few, seed=3) != simulate(few, seed=4)


@pytest.mark.parametrize(("peer", "size"), [(with_numpy, "BATCH"), (with_numpy_tables, "CHUNK")])
def test_a_numpy_peer_simulates_a_last_chunk_that_is_not_full(peer, size, monkeypatch):
    monkeypatch.setattr(peer, size, 700)
    result = peer.simulate(1_500)
    mean, deviation = moments(False)
    assert abs(result["life_years"] - mean[0]) < STANDARD_ERRORS * deviation[0] / np.sqrt(1_500)


@COMPILED
def test_c_with_addressed_draws_lives_the_lives_of_framsyn():
    from sim.engine import simulate

    persons, seed = 9_600, 5
    outcome = simulate(with_framsyn.scenario(persons), seed=seed)
    lived, born = with_c.lived_with_addressed_draws(persons, seed, treated_arm=False)
    assert born == persons
    by_state = lived.reshape(-1, *load().states)
    for axis, domain in enumerate(DOMAINS, start=1):
        others = tuple({1, 2, 3} - {axis})
        np.testing.assert_array_equal(by_state.sum(axis=others), outcome.share_in([domain])[0][1:])


@COMPILED
def test_the_c_is_built_without_a_warning():
    with_c.library.cache_clear()
    with_c.library()


@COMPILED
@pytest.mark.parametrize("persons", [1, 1_023, 1_025])
def test_a_last_chunk_in_c_need_not_be_full(persons):
    for simulate in (with_c.with_threshold_tables, with_c.with_any_event):
        assert 0 < simulate(persons)["life_years"] <= 80


def test_without_a_compiler_the_c_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(with_c, "COMPILER", "no-such-compiler")
    with_c.library.cache_clear()
    assert "no-such-compiler" in with_c.missing()
    with pytest.raises(with_c.CompilerError, match="no C compiler"):
        with_c.library()
