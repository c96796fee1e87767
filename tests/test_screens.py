"""A screen dismisses nobody to whom something can happen: no threshold lies above its bound."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sim import screens
from sim.screens import Bounded, screen_of
from sim.tables import Column

AGE = Column("age", count=101)
CARE = Column("care", ("home", "foster"))
SEX = Column("sex", ("girl", "boy"))
RISK = Column("risk", count=5)
NIGH = Column("neighbourhood", count=7)
WINDOW = (3, 12)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[Bounded]]:
    """Return transitions out of two states: by their own state, with a factor, certain."""
    monkeypatch.setattr(screens, "_chosen_before", {})
    draw = np.random.default_rng(5)

    def limits(*sizes: int) -> np.ndarray:
        return draw.integers(0, 2**31, sizes, dtype=np.uint32)

    certain = limits(8, 5)
    certain[2, 3] = 2**32 - 1
    factor = draw.uniform(0.1, 3, (6, 7)).astype(np.float32)
    by_state = Bounded((3, 12), (AGE, SEX, CARE, RISK), (3, 12), limits(10, 2, 2, 5))
    by_product = Bounded((4, 9), (RISK,), (4, 9), limits(5), [((AGE, NIGH), factor)])
    return [[by_state, by_product], [Bounded((6, 10), (AGE, RISK), (5, 12), certain)]]


def threshold(one: Bounded, cell: dict[str, int]) -> float:
    """Return the threshold of a transition in a cell of all columns, its factors included."""
    place = tuple(cell[c.name] - (one.table_ages[0] if c is AGE else 0) for c in one.columns)
    if one.limits[place] == 2**32 - 1:
        return 2.0**32 - 1
    ratio = 1.0
    for over, values in one.further:
        ratio *= float(values[tuple(cell[c.name] - (one.ages[0] if c is AGE else 0) for c in over)])
    return float((1 - (1 - one.limits[place] / 2**32) ** ratio) * 2**32)


@pytest.mark.parametrize("cells", [2, 4, 10, 20, 2048])
def test_no_threshold_lies_above_its_bound(opened, monkeypatch, cells):
    monkeypatch.setattr(screens, "SCREEN_CELLS", cells)
    screen = screen_of(opened, AGE, CARE, WINDOW)
    assert screen.columns[:2] == (AGE, CARE)
    assert screen.limits[0, 0].size <= cells
    columns = (AGE, CARE, SEX, RISK, NIGH)
    largest = np.zeros_like(screen.limits, dtype=float)
    for codes in itertools.product(range(WINDOW[0], WINDOW[1] + 1), *(range(c.size) for c in columns[1:])):
        cell = dict(zip((c.name for c in columns), codes, strict=True))
        place = tuple(cell[c.name] - (WINDOW[0] if c is AGE else 0) for c in screen.columns)
        for lane, one in enumerate(opened[cell["care"]]):
            if one.ages[0] <= cell["age"] <= one.ages[1]:
                largest[(lane, *place)] = max(largest[(lane, *place)], threshold(one, cell))
    assert (screen.limits >= largest).all()
    assert (screen.limits <= np.ceil(largest) + 20).all()  # and is no looser than rounding of a product makes it


def test_the_column_that_tells_most_is_chosen_first(opened, monkeypatch):
    monkeypatch.setattr(screens, "SCREEN_CELLS", 10)
    alike = [Bounded(one.ages, one.columns, one.table_ages, np.full_like(one.limits, 7)) for one in opened[1]]
    telling = Bounded((3, 12), (SEX, NIGH), (3, 12), np.repeat([[9], [2**30]], 7, axis=1).astype(np.uint32))
    assert screen_of([[telling], alike], AGE, CARE, WINDOW).columns[2] is SEX


def test_with_other_figures_the_columns_stay_and_the_bounds_follow(opened):
    first = screen_of(opened, AGE, CARE, WINDOW)
    doubled = [
        [Bounded(x.ages, x.columns, x.table_ages, np.minimum(x.limits, 2**30) * 2, x.further) for x in xs]
        for xs in opened
    ]
    second = screen_of(doubled, AGE, CARE, WINDOW)
    assert second.columns == first.columns
    assert not np.array_equal(second.limits, first.limits)


def test_where_nothing_is_open_there_is_nothing_to_screen():
    assert screen_of([[], []], AGE, CARE, (101, -1)).columns == ()
