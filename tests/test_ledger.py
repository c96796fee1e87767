"""Which columns are counted together, how large that may be, and what a digest holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.ledger
from sim.domain import Quantity
from sim.errors import ModelError
from sim.expression import Expression
from sim.ledger import PARTS, Ledger, Margin, Need, amounts, check_size, margins_for, need_of
from sim.plan import bind
from sim.tables import Parameters
from tests.models import childhood, scenario

MODEL = childhood()


def need(*columns: str, **more: object) -> Need:
    return Need(frozenset(columns), **more)  # type: ignore[arg-type]


def quantity(text: str, basis: str) -> Quantity:
    return Quantity("asked", Expression.of(text).rule(MODEL.columns), basis, "persons")


def columns(margins: tuple[Margin, ...]) -> list[tuple[str, ...]]:
    return [margin.columns for margin in margins]


# Which margins


def test_a_set_within_another_one_needs_no_margin_of_its_own() -> None:
    asked = [need("care"), need("care", "sex"), need("sex"), need(), need("care", "risk", "sex")]
    assert columns(margins_for(asked, MODEL)) == [("care", "risk", "sex")]


def test_sets_that_overlap_are_kept_apart_rather_than_crossed() -> None:
    assert columns(margins_for([need("care", "sex"), need("school", "sex")], MODEL)) == [
        ("care", "sex"),
        ("school", "sex"),
    ]


def test_deaths_are_never_merged_with_the_living() -> None:
    margins = margins_for([need("care", "sex"), need("care", deaths=True), need("sex", deaths=True)], MODEL)
    assert [(m.columns, m.deaths) for m in margins] == [
        (("care", "sex"), False), (("care",), True), (("sex",), True),
    ]  # fmt: skip


def test_margins_lie_end_to_end_and_hold_the_product_of_their_columns() -> None:
    margins = margins_for([need("care", "sex"), need("school"), need("risk", "spells", "work")], MODEL)
    assert sorted(m.cells for m in margins) == [4, 3 * 2, 3 * 4 * 3]
    assert [m.start for m in margins] == list(np.cumsum([0, *[m.cells for m in margins]])[:-1])


def test_the_order_of_asking_changes_no_margin() -> None:
    asked = [need("care"), need("school", "sex"), need("risk"), need("work", "risk"), need("care", deaths=True)]
    assert columns(margins_for(asked, MODEL)) == columns(margins_for(asked[::-1], MODEL))


def test_a_state_on_a_date_needs_its_own_columns_only_and_every_other_basis_those_before_too() -> None:
    rule = "care == 'foster' and age > 3 and sex == 'boy'"
    assert need_of(quantity(rule, "on_date"), MODEL).columns == {"care", "sex"}
    for basis in ("any_in_year", "whole_year", "days", "event"):
        assert need_of(quantity(rule, basis), MODEL).columns == {"care", "previous_care", "sex"}
    flagged = need_of(quantity(rule, "on_date"), MODEL, ["receives_support"])
    assert flagged.columns == {"care", "sex", "receives_support"}


# How large


def test_a_ledger_too_large_is_refused_naming_the_largest_margin_and_who_asked_for_it() -> None:
    margins = margins_for(
        [need("care"), need("care", "previous_care", "school", "work", "years_in_school", whose="long_stays")], MODEL
    )
    with pytest.raises(ModelError) as caught:
        check_size(margins, blocks=5000, rows=101)
    message = str(caught.value)
    assert "at most 256; its largest margin is care 3 × previous_care 3 × school 4 × work 3" in message
    assert "asked for by long_stays" in message
    assert caught.value.problems[0].hint == "count over fewer columns, or use fewer copies"


def test_the_limit_is_in_bytes_of_all_margins(monkeypatch: pytest.MonkeyPatch) -> None:
    margins = margins_for([need("care"), need("sex", "school")], MODEL)
    size = (3 + 2 * 4) * 7 * 11 * 4
    assert check_size(margins, blocks=7, rows=11) == size
    monkeypatch.setattr(sim.ledger, "MAX_LEDGER_BYTES", size)
    check_size(margins, blocks=7, rows=11)
    with pytest.raises(ModelError, match="largest margin is school 4 × sex 2"):
        check_size(margins, blocks=7, rows=12)


def test_a_scenario_that_counts_too_much_is_refused_before_anything_is_lived() -> None:
    asked = scenario(needs=(need("age", "care", "school", "work", "years_in_school", "previous_school"),))
    with pytest.raises(ModelError, match="largest margin is age 101"):
        bind(replace(asked, cohort=replace(asked.cohort, copies=64)))


# Looking up


def test_the_smallest_margin_that_holds_the_columns_is_chosen() -> None:
    ledger = Ledger.empty(
        margins_for([need("care", "sex"), need("care", "school", "work"), need("risk", "sex")], MODEL), 1, 1, 0
    )
    assert ledger.margin(["care"]).columns == ("care", "sex")
    assert ledger.margin(["school"]).columns == ("care", "school", "work")
    assert ledger.margin([]).cells == min(margin.cells for margin in ledger.margins)


def test_what_was_not_asked_for_is_refused_by_name() -> None:
    ledger = Ledger.empty(margins_for([need("care", "sex"), need("school")], MODEL), 1, 1, 0)
    with pytest.raises(ModelError, match="was not asked to count over care, school"):
        ledger.margin(["school", "care"])
    with pytest.raises(ModelError, match="was not asked to count over care"):
        ledger.margin(["care"], deaths=True)


# Counts and their digest


def filled(seed: int = 3) -> Ledger:
    ledger = Ledger.empty(margins_for([need("care", "sex"), need("school")], MODEL), blocks=2, steps=3, interventions=2)
    random = np.random.default_rng(seed)
    for part in PARTS:
        array = getattr(ledger, part)
        array[...] = random.integers(0, 4, array.shape)
    return ledger


@pytest.mark.parametrize("part", PARTS)
def test_the_digest_changes_with_any_count(part: str) -> None:
    ledger = filled()
    seen = {ledger.digest()}
    places = np.ndindex(getattr(ledger, part).shape)
    for number, place in enumerate(places, start=2):
        getattr(ledger, part)[place] += 1
        seen.add(ledger.digest())
        assert len(seen) == number
        getattr(ledger, part)[place] -= 1
    assert ledger.digest() in seen


def test_the_digest_changes_where_a_count_moves_to_another_place_part_or_shape() -> None:
    def one(part: str, place: int) -> str:
        ledger = Ledger.empty(margins_for([need("care")], MODEL), blocks=2, steps=1, interventions=3)
        getattr(ledger, part).reshape(-1)[place] = 1
        return ledger.digest()

    other_shape = Ledger.empty(margins_for([need("care")], MODEL), blocks=4, steps=0, interventions=3)
    other_shape.counts.reshape(-1)[0] = 1
    digests = [one(part, place) for part in PARTS for place in (0, 1)] + [other_shape.digest()]
    assert len(set(digests)) == len(digests)


def test_equal_counts_have_equal_digests_however_they_came_about() -> None:
    left, right = filled(1), filled(2)
    assert (left + right).digest() == (right + left).digest()
    assert (left + right - right).digest() == left.digest()
    assert left.digest() != right.digest()


def test_places_and_counts_give_the_array_back() -> None:
    ledger = filled()
    for part in PARTS:
        again = np.zeros(getattr(ledger, part).size, dtype=np.int64)
        places, counts = ledger.nonzero(part)
        again[places] = counts
        assert (again.reshape(getattr(ledger, part).shape) == getattr(ledger, part)).all()
        assert (counts != 0).all()


# Amounts


def test_an_amount_that_is_not_finite_is_refused_with_its_cell() -> None:
    (margin,) = margins_for([need("care", "spells")], MODEL)
    with pytest.raises(ModelError, match=r"not finite at age 0, care home, spells 0"):
        amounts(quantity("1 / spells", "on_date"), MODEL, Parameters(), margin, steps=2)


def test_amounts_follow_age_by_row_the_start_counted_at_age_0() -> None:
    (margin,) = margins_for([need("sex")], MODEL)
    by_row = amounts(quantity("age * (sex == 'boy')", "on_date"), MODEL, Parameters(), margin, steps=4)
    assert by_row.tolist() == [[0, 0], [0, 0], [0, 1], [0, 2], [0, 3]]
