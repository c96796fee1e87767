"""One year of a chunk of persons, in three parts: its beginning, deaths and moves, and the count at its end.

Who is offered what comes between the first two (`sim.kernels.enrol`). The arguments are those of `live`.
"""

import numpy as np

from sim.kernels.compile import inner, kernel
from sim.kernels.count import count_death, count_margins, fill_cells, tick_counters
from sim.kernels.enrol import count_delivery_years
from sim.kernels.layout import (
    ACTIVE,
    BLOCKS,
    CLOCK,
    CLOCK_CAP,
    FIRST_AGE,
    IS_DEATH,
    KEY_AGE,
    KEYS,
    KEYS_END,
    LANES,
    LANES_USED,
    LAST_AGE,
    OF_FAMILY,
    SCREEN,
    SCREEN_CELLS,
    STATE,
    STREAM,
    TO,
    TOPS,
    YEARS,
)
from sim.kernels.philox import fill_draws
from sim.kernels.race import course_cell, race
from sim.kernels.screen import flag_candidates, take_candidates


@kernel
def begin_year(n, age, cols, previous):
    """Set everyone's age and keep the values that `previous_` columns hold."""
    ages = cols[0]
    for i in range(n):
        ages[i] = age
    for p in range(previous.shape[0]):
        now, before = cols[previous[p, 0]], cols[previous[p, 1]]
        for i in range(n):
            before[i] = now[i]


@inner
def mark_acting(n, t, n_active, offers, active, standing, start, delivered, acting):
    """Set each person's mask of the domains on which some offer acts on him in this step."""
    for i in range(n):
        acting[i] = 0
    for o in range(n_active):
        years = offers[o, YEARS]
        for i in range(n):
            if standing[o, i] != 0:
                acting[i] |= active[offers[o, ACTIVE] + course_cell(i, o, t, standing, start, delivered, years)]


@inner
def _leave(i, last, ids, families, origin, block, cols, standing, start, delivered, acting):
    """Take the dead person's row out by putting the last row in its place.

    The last row then says who has died, and where he stood with every offer.
    """
    ids[i] = ids[last]
    families[i] = families[last]
    origin[i], origin[last] = origin[last], origin[i]
    block[i] = block[last]
    for c in range(cols.shape[0]):
        cols[c, i] = cols[c, last]
    for o in range(standing.shape[0]):
        standing[o, i], standing[o, last] = standing[o, last], standing[o, i]
        start[o, i], start[o, last] = start[o, last], start[o, i]
        delivered[o, i], delivered[o, last] = delivered[o, last], delivered[o, i]
    if acting.shape[0] > 0:
        acting[i] = acting[last]


@inner
def move(
    n, t, age, row, key, ids, families, origin, block, cols, domains, streams, state_moves, moves, tables, reads,
    thresholds, weights, factors, factor_values, screen, tops, effects, course, course_log, levels, level_of, merged,
    years, margins, ledger, standing, start, delivered, acting, moved, n_moved, cells, limits, least, flags, candidates,
    winners, some_ids, slice_draws, draws,
):  # fmt: skip
    """Let people die and move, domain by domain in the model's order; return how many live on.

    moved: (domains, ≥ n), filled with the rows that moved in domains with a clock, n_moved: (domains,) how many.
    """
    some_act = acting.shape[0] > 0
    for d in range(domains.shape[0]):
        n_moved[d] = 0
        if age < domains[d, FIRST_AGE] or age > domains[d, LAST_AGE]:
            continue
        whose = families if domains[d, OF_FAMILY] else ids
        fill_cells(n, cols, reads, domains[d, KEYS], domains[d, KEYS_END], cells)
        size = domains[d, SCREEN_CELLS]
        since = (age - domains[d, FIRST_AGE]) * domains[d, KEY_AGE]
        blocks = domains[d, BLOCKS]
        for b in range(blocks):
            first = domains[d, TOPS] + b * size + since
            lanes = min(LANES, domains[d, LANES_USED] - LANES * b)
            flag_candidates(
                n, whose, t, streams[domains[d, STREAM] + b], key, lanes, cells, tops[first:], slice_draws, limits,
                least, candidates, some_ids, flags,
            )  # fmt: skip
        if some_act:
            for i in range(n):
                flags[i] |= np.uint8((acting[i] >> np.uint64(d)) & np.uint64(1))
        found = take_candidates(n, flags, candidates)
        if found == 0:
            continue
        for f in range(found):
            some_ids[f] = whose[candidates[f]]
        for b in range(blocks):  # a few draws made twice cost less than keeping everyone's
            rows = draws[LANES * b : LANES * (b + 1)]
            fill_draws(some_ids, found, t, streams[domains[d, STREAM] + b], key, rows)
        is_death = domains[d, IS_DEATH] != 0
        race(
            found, candidates, winners, d, t, age, acting, cols, draws, cells, screen[domains[d, SCREEN] + since :],
            domains, state_moves, moves, tables, reads, thresholds, weights, factors, factor_values, effects, course,
            course_log, levels, level_of, merged, standing, start, delivered, years,
        )  # fmt: skip
        for place in range(found):
            # from the last row back, so that a row put in the place of a dead one has been looked at
            i = candidates[found - 1 - place]
            m = winners[found - 1 - place]
            if m < 0:
                continue
            if is_death:
                count_death(i, cols, margins, reads, ledger, row, block)
                n -= 1
                _leave(i, n, ids, families, origin, block, cols, standing, start, delivered, acting)
                continue
            cols[domains[d, STATE], i] = moves[m, TO]
            if domains[d, CLOCK] >= 0:
                cols[domains[d, CLOCK], i] = 0
                moved[d, n_moved[d]] = i
                n_moved[d] += 1
    return n


@inner
def end_year(
    n, t, row, n_active, block, cols, domains, tables, reads, switches, counters, margins, ledger, deliveries, standing,
    start, delivered, moved, n_moved, margin_cells, replicas,
):  # fmt: skip
    """Tick clocks and counters and count everyone alive into the ledger's row of this step."""
    for d in range(domains.shape[0]):
        if domains[d, CLOCK] >= 0:
            clock = cols[domains[d, CLOCK]]
            cap = np.uint8(domains[d, CLOCK_CAP])
            for i in range(n):
                clock[i] += np.uint8(clock[i] < cap)
            for k in range(n_moved[d]):
                clock[moved[d, k]] = 0
    tick_counters(n, cols, counters, tables, reads, switches, margin_cells)
    count_margins(n, cols, margins, reads, ledger, row, block, margin_cells, replicas)
    for o in range(n_active):
        count_delivery_years(o, n, t, row, block, standing, start, delivered, deliveries)
