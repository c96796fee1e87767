"""Checks what the other commands measure with: pairs, sizes, targeted arms, changed parameters."""

from __future__ import annotations

from benchmarks import arms, scaling, tables
from benchmarks.engines import STREAMED, engine_of
from benchmarks.timing import Pairs, Timing, in_pairs, timed


def test_pairs_take_turns():
    order = []
    in_pairs(lambda: order.append("ours") or 1, lambda: order.append("theirs") or 1, rounds=3)
    assert order == ["ours", "theirs"] * 3


def test_a_ratio_is_the_median_of_the_pairs_and_not_of_the_sides():
    ours, theirs = ([Timing(years, 1.0, 1.0) for years in side] for side in ((10, 20, 90), (10, 10, 30)))
    pairs = Pairs(ours, theirs)
    assert pairs.ratio(lambda timing: timing.per_second) == 2
    assert pairs.quartiles(lambda timing: timing.per_second) == (1.5, 2.5)


def test_a_short_run_is_repeated_until_its_time_has_passed():
    timing = timed(lambda: 1, at_least=0.01)
    assert timing.person_years > 1
    assert timing.wall_seconds >= 0.01


def test_sizes_rise_tenfold_up_to_the_largest():
    assert scaling.sizes(100_000) == [1_000, 10_000, 100_000]
    assert scaling.sizes(5) == [1_000]


def test_every_workload_can_be_asked_for_as_a_stream():
    assert {one.workload for one in STREAMED} == {engine_of(key).workload for key in scaling.WORKLOADS}


def test_the_ten_arms_are_offered_without_capacity_and_beside_a_bare_baseline():
    from sim.files import load_plan

    plan = load_plan(arms.SCENARIO, persons=1640)
    assert len(plan.compared) == 10
    assert not plan.changed
    assert not plan.arms["baseline"]


def test_changed_parameters_leave_whole_numbers_alone():
    from sim.tables import Parameters

    given = {"work": Parameters("work", {"age": 16.0, "rate": 0.5})}
    own = tables.changed(given, 1.1)["work"]
    assert (own.age, own.rate) == (16.0, 0.55)
