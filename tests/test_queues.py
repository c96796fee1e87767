"""A line by hand: who is asked first, who waits and for how long, whose chunks share one line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.chunk import NOT_IN_LINE, Chunk
from sim.domain import Domain
from sim.draws import person_id, philox_key
from sim.engine import simulate
from sim.expression import Expression
from sim.in_step import InStep
from sim.intervention import Effect
from sim.kernels.layout import (
    ELIGIBLE_COUNT,
    OFFERED_COUNT,
    START_COUNT,
    WAITED_COUNT,
    WAITING_COUNT,
)
from sim.persons import Persons, all_ids, copy_of, persons_of
from sim.plan import Plan, bind
from sim.scenario import Cohort, Scenario
from tests.line_models import SEED, by_draw, counts_of, few, in_line, lived, still, visits
from tests.models import childhood, scenario, together, tutoring
from tests.properties.plain_draws import draw
from tests.properties.test_lines import lived_by_the_oracle

# A line by hand: nobody dies, and need rises with the label


def starts(one: Scenario, arm: str = "arm_1") -> dict[int, int]:
    """Return the step in which each person starts, by identity."""
    plan = bind(one)
    found: dict[int, int] = {}
    for chunk in lived(plan, arm):
        n = chunk.alive
        started = chunk.standing[0, :n] == 1
        found |= dict(zip(chunk.ids[:n][started].tolist(), chunk.start[0, :n][started].tolist(), strict=True))
    return found


def test_without_a_rank_those_who_came_first_go_first_and_the_draw_orders_those_of_one_year():
    one = in_line((visits(5),))
    found = starts(one)
    for copy in range(2):
        ids = [person_id(2020, copy, number) for number in range(12)]
        assert [found[identity] for identity in by_draw(ids)] == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]


def test_the_highest_rank_goes_first_and_ties_are_broken_by_the_draw():
    one = in_line((visits(4, rank=Expression.of("need == 'high'")),))
    plan = bind(one)
    key = philox_key(SEED)
    born = dict(zip(all_ids(plan).tolist(), Chunk(plan, plan.programs["arm_1"], persons_of(plan, None, None, key), key)
                    .cols[plan.layout.row("need")].tolist(), strict=True))  # fmt: skip
    found = starts(one)
    for copy in range(2):
        ids = [identity for identity in born if copy_of(np.array([identity], dtype=np.uint64))[0] == copy]
        order = sorted(ids, key=lambda identity: (-born[identity], draw(SEED, identity, 0, "queue visits")))
        assert [found[identity] for identity in order] == [1] * 4 + [2] * 4 + [3] * 4
    assert 0 < sum(born.values()) < len(born)


def test_a_draw_never_lets_a_newcomer_pass_those_who_wait_but_a_higher_rank_does():
    """Half become eligible at 1 and half at 2: by rank the late half is first, without one the early half."""
    early, late = visits(3, when="age >= 2 or need == 'low'"), visits(3, when="age >= 2 or need == 'low'")
    first_come = starts(in_line((early,)))
    by_need = starts(in_line((replace(late, rank=Expression.of("need == 'high'")),)))
    plan = bind(in_line((early,)))
    key = philox_key(SEED)
    needs = Chunk(plan, plan.programs["arm_1"], persons_of(plan, None, None, key), key).cols[plan.layout.row("need")]
    high = set(all_ids(plan)[needs == 1].tolist())
    for copy in range(2):
        ids = {identity for identity in first_come if copy_of(np.array([identity], dtype=np.uint64))[0] == copy}
        low_waiting = [identity for identity in ids - high if by_need[identity] > 1]
        assert max(first_come[i] for i in ids - high) <= min(first_come[i] for i in ids & high)
        assert low_waiting
        assert max(by_need[i] for i in ids & high) <= min(by_need[i] for i in low_waiting)


def test_who_refuses_takes_no_place_and_the_next_is_asked():
    outcome = simulate(in_line((visits(5, uptake=0.5),)), seed=SEED)
    ids = all_ids(outcome.plan)
    accepts = {int(i) for i in ids if draw(SEED, int(i), 0, "uptake visits") < 2**31}
    found = starts(in_line((visits(5, uptake=0.5),)))
    assert set(found) == accepts
    for copy in range(2):
        own = by_draw([int(i) for i in ids[copy * 12 : copy * 12 + 12]])
        taking = [i for i in own if i in accepts]
        assert [found[i] for i in taking] == sorted(found[i] for i in taking)
        asked_first = own.index(taking[4]) + 1 if len(taking) > 4 else 12
        row = counts_of(outcome, "arm_1")[copy, 2]
        assert row[[ELIGIBLE_COUNT, OFFERED_COUNT, START_COUNT, WAITING_COUNT]].tolist() == [
            12, asked_first, min(5, len(taking)), 12 - asked_first,
        ]  # fmt: skip


def test_a_yearly_offer_that_is_refused_sends_one_to_the_end_of_the_line():
    one = in_line((visits(1, uptake=0.5, offer="yearly", ages=(1, 8)),), cohort=Cohort(2020, 4, 1))
    since = dict.fromkeys((person_id(2020, 0, number) for number in range(4)), 1)
    found, refused = {}, 0
    for t in range(1, 9):
        for identity in sorted(since, key=lambda i: (since[i], draw(SEED, i, 0, "queue visits"))):
            if draw(SEED, identity, t, "uptake visits") < 2**31:
                found[identity] = t
                del since[identity]
                break
            since[identity] = t + 1
            refused += 1
    assert refused > 0
    assert starts(one) == found


def test_one_waits_no_longer_than_one_may():
    outcome = simulate(in_line((visits(2, waiting_years=2),)), seed=SEED)
    counts = counts_of(outcome, "arm_1")[0]
    assert counts[:, START_COUNT].tolist() == [0, 0, 2, 2, 2, 0, 0, 0, 0, 0]
    assert counts[:, WAITING_COUNT].tolist() == [0, 0, 10, 8, 0, 0, 0, 0, 0, 0]  # six have waited two years in vain
    assert counts[:, ELIGIBLE_COUNT].tolist() == [0, 0, 12, 10, 8, 0, 0, 0, 0, 0]
    assert counts[:, WAITED_COUNT].tolist() == [0, 0, 0, 2, 4, 0, 0, 0, 0, 0]


def test_who_grows_too_old_leaves_the_line():
    outcome = simulate(in_line((visits(2, ages=(1, 3)),)), seed=SEED)
    assert counts_of(outcome, "arm_1")[0, :, ELIGIBLE_COUNT].tolist() == [0, 0, 12, 10, 8, 0, 0, 0, 0, 0]
    for chunk in lived(outcome.plan, "arm_1"):
        assert (chunk.since == NOT_IN_LINE).all()
        assert (chunk.standing[0, : chunk.alive] == 1).sum() == 6


def test_who_is_not_eligible_for_a_year_begins_to_wait_anew():
    """The line is closed at 3: who comes back at 4 has waited no longer than who comes then for the first time."""
    late = "age != 3 and (age > 3 or need == 'high')"
    outcome = simulate(in_line((visits(1, when=late),)), seed=SEED)
    counts = counts_of(outcome, "arm_1")[0]
    assert counts[4].sum() == 0
    assert counts[5, WAITED_COUNT] == 0
    assert counts[6, WAITED_COUNT] == 1


def test_with_an_effect_on_all_who_are_offered_those_who_refuse_carry_it_and_take_no_place():
    outcome = simulate(in_line((visits(3, uptake=0.5, estimand="itt"),)), seed=SEED)
    counts = counts_of(outcome, "arm_1")
    assert counts[:, :, START_COUNT].max() == 3
    asked, started = (counts[:, :, kind].sum() for kind in (OFFERED_COUNT, START_COUNT))
    assert outcome.arms["arm_1"].participants.sum() == asked > started


def test_a_family_takes_one_place_together():
    home = Domain("home", ("calm", "loud"), "calm", keyed="family")
    home.hazard("calm", "loud")(lambda: 0.3)
    acts = Effect("hazard_ratio", (("home", "calm", "loud"),), size=-1.0, mechanism="visits")
    one = replace(visits(2, when="home == 'calm'", ages=(0, 6)), effects=(acts,))
    plan = bind(in_line((one,), model=still(home)))
    ids = all_ids(plan)
    families = np.repeat(ids[::3], 3)
    key = philox_key(SEED)
    program = plan.programs["arm_1"]
    found = together(plan, program, persons_of(plan, ids, families, key), key, parts=4).history
    alone = together(plan, program, persons_of(plan, ids[::3], families[::3], key), key).history
    np.testing.assert_array_equal(found[:, :, ::3], alone)  # what siblings share does not depend on how many they are
    home_row = found[:, plan.layout.row("home")]
    assert (home_row[:, ::3] == home_row[:, 1::3]).all()
    outcome = simulate(plan, ids=ids, families=families, seed=SEED)
    assert counts_of(outcome, "arm_1")[:, 1, START_COUNT].tolist() == [6, 6]


# Lives of the childhood, with deaths, refusals and growing too old


@pytest.fixture(scope="module")
def crowded() -> Plan:
    arms = (few(6, offer="yearly", uptake=0.4), tutoring()), (few(6, rank=None, waiting_years=3),), (few(10**6),)
    model = childhood()
    return bind(scenario(*arms, model=model, cohort=Cohort(2020, represents=250, copies=1), horizon=18))


@pytest.mark.parametrize("arm", ["arm_1", "arm_2", "arm_3"])
def test_the_engine_and_a_plain_queue_live_the_same_lives(crowded, arm):
    ids = all_ids(crowded)
    due = lived_by_the_oracle(crowded, arm, ids)
    key = philox_key(SEED)
    found = together(crowded, crowded.programs[arm], persons_of(crowded, None, None, key), key, parts=3)
    np.testing.assert_array_equal(found.history, due.history)
    np.testing.assert_array_equal(found.deliveries, due.deliveries)
    counts = due.deliveries[:, crowded.interventions.index("support")]
    if arm != "arm_3":
        assert counts[:, WAITING_COUNT].sum() > 300  # the line is long …
        assert (counts[:, OFFERED_COUNT] > counts[:, START_COUNT]).any()  # … some refuse …
        assert (found.history[5:15, 0] == 255).any()  # … and some die while they could wait


# Chunks of many ages


def test_chunks_of_different_ages_share_the_places_of_a_calendar_year():
    plan = bind(in_line((visits(5, ages=(1, 9)),), horizon=15))
    key, program, ids = philox_key(SEED), plan.programs["arm_1"], all_ids(plan)
    chunks = [
        Chunk(plan, program, _some(ids[:8]), key),
        Chunk(plan, program, _some(ids[8:12]), key, birth=-2),
        Chunk(plan, program, _some(ids[12:20]), key, birth=3),
    ]
    chunks[1].step = 0
    tallies = [chunk.tally(16) for chunk in chunks]
    together = InStep(plan, program, chunks)
    together.live(6, tallies, [1, 1, 1])  # a chunk's rows begin with its own first step
    together.live(12, tallies, [7, 7, 4])
    rows = [tally.deliveries[0, :, 0, START_COUNT].tolist() for tally in tallies]
    assert rows[1][1] == 4  # two and more years old, and there first: step 0 has places for all of them
    assert rows[0][2:4] == [5, 3]
    assert rows[2][1:4] == [0, 5, 3]  # born in step 3, a year old in step 4
    assert [chunk.step for chunk in chunks] == [12, 12, 12]


def _some(ids: np.ndarray) -> Persons:
    return Persons(ids, ids, np.zeros(len(ids), dtype=np.int64))


def test_those_in_line_keep_their_place_when_a_chunk_is_copied():
    plan = bind(scenario((few(8, rank=None),), cohort=Cohort(2020, 200, 1)))
    key, program, end = philox_key(SEED), plan.programs["arm_1"], 20
    whole = Chunk(plan, program, persons_of(plan, None, None, key), key)
    tally = whole.tally(end + 1)
    InStep(plan, program, [whole]).live(6, [tally], [1])
    copied = whole.some(np.ones(whole.alive, dtype=bool), program)
    counts = copied.tally(end - 5)
    InStep(plan, program, [whole]).live(end, [tally], [7])
    InStep(plan, program, [copied]).live(end, [counts], [1])
    np.testing.assert_array_equal(counts.counts[:, 1:], tally.counts[:, 7:])
    np.testing.assert_array_equal(counts.deliveries[:, 1:], tally.deliveries[:, 7:])
    assert tally.deliveries[0, 7:, 0, WAITED_COUNT].sum() > 100
