"""Arms share their tables: only what an effect replaces is laid again, and no arm notices the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.plan import Plan, bind
from sim.scenario import Arm
from sim.table_arrays import Pool
from sim.tables import Parameters
from sim.thresholds import joint_thresholds
from tests.models import scenario, support, training, tutoring

ARMS = ((support(),), (tutoring(),), (training(),), (support(), tutoring(), training()))


def plan_of(*names: str) -> Plan:
    """Return a plan of these arms, in this order."""
    every = scenario(*ARMS)
    return bind(replace(every, arms={"baseline": Arm(), **{name: every.arms[name] for name in names}}))


def test_a_program_does_not_depend_on_the_arms_made_before_it():
    forward, backward = plan_of("arm_1", "arm_2", "arm_3", "arm_4"), plan_of("arm_4", "arm_3", "arm_2", "arm_1")
    for name in forward.arms:
        one, other, alone = forward.programs[name], backward.programs[name], plan_of(name).programs[name]
        assert one.digest == other.digest == alone.digest
        assert one.cells == other.cells == alone.cells


def test_hazard_ratios_add_no_table_and_others_only_what_they_replace():
    plan = plan_of("arm_1", "arm_2", "arm_3")
    before, ratios, odds = (plan.programs[name].arrays for name in ("baseline", "arm_1", "arm_2"))
    assert len(ratios["tables"]) == len(before["tables"]) + 2  # eligibility and uptake
    assert np.array_equal(ratios["thresholds"], before["thresholds"])
    own = before["thresholds"][:-1]
    assert len(odds["thresholds"]) > len(own)
    assert np.array_equal(odds["thresholds"][: len(own)], own)


def test_a_pool_holds_each_array_once_and_leaves_earlier_readers_what_they_read():
    pool = Pool(np.uint32)
    first, second = np.arange(6, dtype=np.uint32).reshape(2, 3), np.arange(3, dtype=np.uint32)
    assert pool.add([first]) == 0
    early = pool.array()
    assert pool.add([second, first]) == 6
    assert pool.add([first]) == 0
    assert pool.size == 15
    pool.add([np.full(10**6, 9, dtype=np.uint32)])  # more than there was room for
    assert pool.array()[:15].tolist() == [*range(6), *range(3), *range(6)]
    assert early[:6].tolist() == [*range(6)]
    assert len(Pool(np.uint8).array()) == 1


def test_new_parameters_make_new_tables():
    plan = plan_of("arm_4")
    other = bind(replace(plan.scenario, parameters={"care": Parameters("care", {"placement": 0.06})}))
    assert other.programs["arm_4"].digest != plan.programs["arm_4"].digest
    again = bind(plan.scenario)
    assert again.programs["arm_4"].digest == plan.programs["arm_4"].digest


def test_occasions_certain_in_some_cells_all_or_none():
    some = np.array([[0.2, 0.5, 0.0], [0.3, 0.5, 0.0]])
    thresholds, weights = joint_thresholds(some)
    assert thresholds.shape == weights.shape == (3, 2)
    assert (thresholds[0] > 0).all()
    assert not thresholds[1:].any()
    assert weights[1].tolist() == [2**31, 2**31]
    assert not weights[[0, 2]].any()
    for place in range(3):  # each cell by itself says the same
        alone = joint_thresholds(some[:, place : place + 1])
        assert np.array_equal(alone[0][0], thresholds[place])
        assert np.array_equal(alone[1][0], weights[place])
