"""Enrolment at the start of a step: who is offered, who accepts, whose delivery goes on."""

import numpy as np

from sim.kernels.compile import inner
from sim.kernels.layout import (
    ARMS,
    CARRY_ALL,
    COVERAGE,
    DRAWN_YEARLY,
    ELIGIBLE,
    ELIGIBLE_COUNT,
    OFFER_AGE_FROM,
    OFFER_AGE_TO,
    OFFER_STREAM,
    OFFERED_COUNT,
    READS,
    READS_END,
    RECEIVES,
    START,
    START_COUNT,
    STOP,
    UPTAKE,
    YEAR_COUNT,
    YEARS,
)
from sim.kernels.philox import fill_draws
from sim.kernels.race import cell_of

NOT_OFFERED, DELIVERED, CARRIES, COVERED_OUT, REFUSED = 0, 1, 2, 3, 4


@inner
def _find_eligible(o, n, cols, offers, tables, reads, switches, standing, who):
    """List the persons, all of one age, whom offer o can be made to in this step; return how many."""
    found = 0
    if n == 0 or cols[0, 0] < offers[o, OFFER_AGE_FROM] or cols[0, 0] > offers[o, OFFER_AGE_TO]:
        return found
    table = offers[o, ELIGIBLE]
    for i in range(n):
        if standing[i] == NOT_OFFERED:
            cell = tables[table, START] + cell_of(cols, i, reads, tables[table, READS], tables[table, READS_END])
            if switches[cell]:
                who[found] = i
                found += 1
    return found


@inner
def _draw_uptake(o, found, who, ids, t, key, offers, some_ids, draws):
    for f in range(found):
        some_ids[f] = ids[who[f]]
    step = t if offers[o, DRAWN_YEARLY] else 0
    fill_draws(some_ids, found, step, offers[o, OFFER_STREAM], key, draws)


@inner
def enrol(
    o, n, t, row, key, ids, block, cols, offers, tables, reads, switches, chances, standing, start, delivered, counts,
    origin, reached, who, some_ids, draws,
):  # fmt: skip
    """Make offer o to everyone who is eligible and has not had it; start cost and first year fall in this step.

    ids: (n,) uint64, by which uptake is drawn: the persons' or the families';
    standing, start, delivered: (offers, n) uint8; counts: (blocks, steps + 1, offers, DELIVERY_COUNTS) int64;
    reached: (persons,) uint64, marked where the person now carries the effect.
    """
    found = _find_eligible(o, n, cols, offers, tables, reads, switches, standing[o], who)
    if found == 0:
        return
    _draw_uptake(o, found, who, ids, t, key, offers, some_ids, draws)
    table = offers[o, UPTAKE]
    for f in range(found):
        i = who[f]
        counts[block[i], row, o, ELIGIBLE_COUNT] += 1
        counts[block[i], row, o, OFFERED_COUNT] += 1
        cell = tables[table, START] + cell_of(cols, i, reads, tables[table, READS], tables[table, READS_END])
        if np.uint64(draws[0, f]) < chances[cell]:
            standing[o, i] = DELIVERED
            counts[block[i], row, o, START_COUNT] += 1
            counts[block[i], row, o, YEAR_COUNT] += 1
            if offers[o, RECEIVES] >= 0:
                cols[offers[o, RECEIVES], i] = 1
        elif offers[o, CARRY_ALL]:
            standing[o, i] = CARRIES
        elif offers[o, COVERAGE] >= 0:
            standing[o, i] = COVERED_OUT
        elif not offers[o, DRAWN_YEARLY]:
            standing[o, i] = REFUSED
        start[o, i] = t
        delivered[o, i] = 0
        if standing[o, i] in (DELIVERED, CARRIES):
            reached[origin[i]] |= np.uint64(offers[o, ARMS])


@inner
def go_on(o, n, t, cols, offers, tables, reads, switches, standing, start, delivered):
    """End the deliveries that have lasted their years or meet `stop_when`; fade-out starts in this step."""
    years = offers[o, YEARS]
    stop = offers[o, STOP]
    for i in range(n):
        kind = standing[o, i]
        if kind in (NOT_OFFERED, REFUSED) or delivered[o, i] > 0:
            continue
        lasted = t - np.int64(start[o, i])
        over = lasted >= years
        if not over and stop >= 0 and lasted > 0:
            cell = tables[stop, START] + cell_of(cols, i, reads, tables[stop, READS], tables[stop, READS_END])
            over = switches[cell] != 0
        if over:
            delivered[o, i] = lasted
            if offers[o, RECEIVES] >= 0:
                cols[offers[o, RECEIVES], i] = 0


@inner
def count_delivery_years(o, n, t, row, block, standing, start, delivered, counts):
    """Count this year's delivery to those who were enrolled in an earlier step and are alive after this one."""
    for i in range(n):
        if standing[o, i] == DELIVERED and delivered[o, i] == 0 and np.int64(start[o, i]) < t:
            counts[block[i], row, o, YEAR_COUNT] += 1


@inner
def watch(
    o, n, t, row, key, ids, block, cols, offers, tables, reads, switches, chances, standing, origin, reached, counts,
    who, some_ids, draws,
):  # fmt: skip
    """Note whom an arm's offer would reach, along the baseline life, without making the offer.

    Up to the first difference the two lives are one, so baseline values decide. Reached: the arm enrols the
    person and the baseline's own coverage does not, or the other way round. reached: (persons,) uint64, a bit an arm.
    The offers are counted, because those who refuse in the arm live on unreached, and an offer may cost something.
    """
    found = _find_eligible(o, n, cols, offers, tables, reads, switches, standing[o], who)
    if found == 0:
        return
    _draw_uptake(o, found, who, ids, t, key, offers, some_ids, draws)
    table = offers[o, UPTAKE]
    for f in range(found):
        i = who[f]
        cell = tables[table, START] + cell_of(cols, i, reads, tables[table, READS], tables[table, READS_END])
        draw = np.uint64(draws[0, f])
        counts[block[i], row, o, ELIGIBLE_COUNT] += 1
        counts[block[i], row, o, OFFERED_COUNT] += 1
        accepts = draw < chances[cell] or offers[o, CARRY_ALL] != 0
        in_baseline = offers[o, COVERAGE] > 0 and draw < np.uint64(offers[o, COVERAGE])
        if accepts != in_baseline:
            reached[origin[i]] |= np.uint64(offers[o, ARMS])
        if accepts or not offers[o, DRAWN_YEARLY]:
            standing[o, i] = REFUSED  # the offer is not repeated
