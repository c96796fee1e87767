"""The bits of the draws, their logarithm and their layout, each against something that is not the engine."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import chi2

from sim.draws import BIRTH_STEP, philox_key, stream
from sim.kernels.birth import draw_labels
from sim.kernels.count import fill_cells
from sim.kernels.philox import fill_draws
from sim.kernels.race import minus_log
from sim.people import Attribute, Population
from sim.persons import all_ids
from sim.plan import bind
from sim.tables import Column
from tests.models import scenario
from tests.properties.plain_draws import draw, number, philox

LANES = 4
PERSONS = 16_384


def block(ids: list[int] | np.ndarray, step: int, word: int, key: int) -> np.ndarray:
    """Return the four draws of each person: (lanes, persons)."""
    persons = np.asarray(ids, dtype=np.uint64)
    out = np.zeros((LANES, len(persons)), dtype=np.uint32)
    fill_draws(persons, len(persons), step, word, np.uint64(key), out)
    return out


PUBLISHED = {
    "zeros": ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    "ones": ((2**32 - 1,) * 4, (2**32 - 1,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    "digits of pi": (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
}


@pytest.mark.parametrize("persons", [1, 2, 3, 8], ids="{} persons".format)
@pytest.mark.parametrize(("counter", "key", "answer"), PUBLISHED.values(), ids=PUBLISHED)
def test_philox_gives_the_published_answers_of_random123(counter, key, answer, persons):
    """The counter is (low id, high id, step, stream); every place of a chunk gives the same answer."""
    low, high, step, word = counter
    found = block([high << 32 | low] * persons, step, word, key[1] << 32 | key[0])
    expected = [int(text, 16) for text in answer.split()]
    assert found.T.tolist() == [expected] * persons


def test_draws_at_the_ends_of_every_part_of_an_address_are_those_of_plain_integers():
    ids = [0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, int(all_ids(bind(scenario()))[-1])]
    for step, word, key in itertools.product((0, 100, BIRTH_STEP), (0, 2**31, 2**32 - 1), (0, 2**63, 2**64 - 1)):
        found = block(ids, step, word, key)
        for place, identity in enumerate(ids):
            counter = (identity & (2**32 - 1), identity >> 32, step, word)
            assert tuple(found[:, place].tolist()) == philox(counter, key)


def test_a_draw_is_addressed_by_seed_person_step_and_name():
    for seed, name, lane in itertools.product((1, 2**64 - 1), ("care", "uptake support"), (0, 3, 4, 9)):
        found = block([77], 12, stream(name, lane // LANES), philox_key(seed))
        assert found[lane % LANES, 0] == draw(seed, 77, 12, name, lane)
    assert philox_key(5, replicate=3) == number("framsyn-rng-v1|5|3", 8)


def test_only_the_first_persons_of_a_chunk_are_drawn():
    out = np.zeros((LANES, 9), dtype=np.uint32)
    fill_draws(np.arange(9, dtype=np.uint64), 5, 1, 2, np.uint64(3), out)
    assert out[:, :5].all()
    assert not out[:, 5:].any()


def test_minus_log_is_the_logarithm_to_1e_14():
    random = np.random.default_rng(1).integers(0, 2**32, 20_000)
    edges = [2**k + d for k in range(33) for d in (-1, 0, 1) if 0 <= 2**k + d < 2**32]
    edges += [2**32 - 2**k for k in range(1, 33)]
    for integer in [*random.tolist(), *edges]:
        exact = -math.log1p(-integer / 2**32)
        assert math.isclose(minus_log(np.uint32(integer)), exact, rel_tol=1e-14, abs_tol=0.0), integer


def test_minus_log_never_falls():
    integers = np.concatenate([np.arange(5000), 2**31 + np.arange(-5000, 5000), 2**32 - 5000 + np.arange(5000)])
    logs = np.array([minus_log(np.uint32(integer)) for integer in integers])
    assert np.all(np.diff(logs) > 0)
    assert logs[0] == 0.0


TAIL = 1e-6
"""Chance that a good generator fails one of these at a fixed seed."""

BINS = 16


def bins(draws: np.ndarray) -> np.ndarray:
    return (draws >> np.uint32(28)).astype(np.int64)


def surprise(cells: np.ndarray, number_of_cells: int) -> float:
    """Return the two-sided tail of a chi-square statistic of equal cells."""
    counts = np.bincount(cells.ravel(), minlength=number_of_cells)
    expected = cells.size / number_of_cells
    statistic = float(((counts - expected) ** 2 / expected).sum())
    lower = float(chi2.cdf(statistic, number_of_cells - 1))
    return 2 * min(lower, 1 - lower)


def joined(cells: np.ndarray, dimensions: int) -> np.ndarray:
    """Return the joint cell of every so many neighbours along the first axis."""
    groups = len(cells) // dimensions
    taken = cells[: groups * dimensions].reshape(groups, dimensions, -1)
    return sum(taken[:, place] * BINS**place for place in range(dimensions))


@pytest.fixture(scope="module")
def lattice() -> np.ndarray:
    """Return draws over (streams, years, lanes, persons in sequence), as a run asks for them."""
    ids = (np.uint64(2026) << np.uint64(40)) + np.arange(PERSONS, dtype=np.uint64)
    names = ("care", "school", "work", "work/1")
    return np.array([[block(ids, year, stream(name), philox_key(1)) for year in range(8)] for name in names])


def test_draws_fill_their_range_evenly(lattice):
    assert surprise(bins(lattice), BINS) > TAIL
    assert surprise((lattice & np.uint32(BINS - 1)).astype(np.int64), BINS) > TAIL


@pytest.mark.parametrize("axis", range(4), ids=["streams", "years", "lanes", "persons"])
def test_neighbouring_draws_are_independent_along(lattice, axis):
    """In two and in three dimensions, over neighbours that do not overlap."""
    moved = np.moveaxis(bins(lattice), axis, 0)
    assert surprise(joined(moved, 2), BINS**2) > TAIL
    assert surprise(joined(moved, 3), BINS**3) > TAIL


@pytest.mark.parametrize("axis", range(4), ids=["streams", "years", "lanes", "persons"])
def test_neighbouring_draws_are_uncorrelated_along(lattice, axis):
    centred = np.moveaxis(lattice.astype(np.float64) / 2**32 - 0.5, axis, 0)
    products = 12 * centred[:-1] * centred[1:]
    assert abs(products.mean()) * math.sqrt(products.size) < 4.9


def test_half_of_all_bits_are_set(lattice):
    ones = int(np.bitwise_count(lattice).sum())
    bits = lattice.size * 32
    assert abs(ones - bits / 2) / math.sqrt(bits / 4) < 4.9


def test_neighbouring_seeds_and_replicates_share_nothing():
    keys = [philox_key(seed, replicate) for seed in range(8) for replicate in range(2)]
    drawn = np.array([block(np.arange(PERSONS), 3, stream("care"), key)[0] for key in keys])
    assert surprise(joined(bins(drawn), 2), BINS**2) > TAIL


def test_labels_at_birth_are_the_first_whose_cumulative_threshold_is_above_the_draw():
    thresholds = np.array([[5, 10, 2**32], [0, 2**32, 2**32]], dtype=np.uint64)
    draws = np.array([0, 4, 5, 9, 10, 2**32 - 1, 0, 2**32 - 1], dtype=np.uint32)
    cells = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    codes = np.empty(8, dtype=np.uint8)
    draw_labels(8, draws, cells, thresholds, codes)
    assert codes.tolist() == [0, 0, 1, 1, 2, 2, 1, 1]


def test_thresholds_at_birth_leave_no_draw_without_a_label_and_none_to_a_label_without_a_share():
    columns = {"region": Column("region", tuple("abcdefghijk"))}
    tenths = dict.fromkeys("abcdefghij", 0.1)  # their sum in floating point is below 1
    thresholds = Population("p", ()).thresholds(Attribute("region", tenths), columns)
    assert thresholds[8] < 2**32
    assert thresholds[9] == thresholds[10] == 2**32
    third = Population("p", ()).thresholds(Attribute("region", {"b": 1 / 3, "d": 2 / 3 - 5e-7}), columns)
    assert third.tolist() == [0, third[1], third[2], *[2**32] * 8]
    assert third[1] == third[2] == math.ceil(2**32 / 3 / (1 - 5e-7))


def test_cells_are_the_sum_of_code_times_stride():
    random = np.random.default_rng(2)
    cols = random.integers(0, 9, (4, 50)).astype(np.uint8)
    reads = np.array([[0, 1], [2, 9], [3, 81]], dtype=np.int64)
    cells = np.zeros(50, dtype=np.uint32)
    fill_cells(50, cols, reads, 1, 3, cells)
    assert cells.tolist() == [9 * int(cols[2, i]) + 81 * int(cols[3, i]) for i in range(50)]
