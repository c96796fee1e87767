"""The life of a chunk of persons: the year of the design, step by step, in one call without the GIL."""

import numpy as np

from sim.kernels.compile import kernel
from sim.kernels.count import count_death, count_margins, fill_cells, tick_counters
from sim.kernels.enrol import count_delivery_years, enrol, go_on, watch
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
    LANES_USED,
    LAST_AGE,
    OF_FAMILY,
    SCREEN,
    SCREEN_CELLS,
    STATE,
    STREAM,
    TO,
    TO_FAMILY,
    YEARS,
)
from sim.kernels.philox import fill_draws
from sim.kernels.race import course_cell, race

_CERTAIN = np.uint32(0xFFFFFFFE)


@kernel
def _screen(n, lanes, cells, draws, screen, first, size, flags):
    """Flag everyone of whom some draw is below the largest threshold that his cell can have.

    A bound of 2^32 - 1 flags always: the largest draw is taken as one less, which no other bound notices.
    """
    bounds0, draw0 = screen[first : first + size], draws[0]
    bounds1, draw1 = screen[first + size : first + 2 * size], draws[1]
    if lanes == 1:
        for i in range(n):
            flags[i] = np.uint8(min(draw0[i], _CERTAIN) < bounds0[cells[i]])
        return
    for i in range(n):
        cell = cells[i]
        flags[i] = np.uint8(min(draw0[i], _CERTAIN) < bounds0[cell]) | np.uint8(min(draw1[i], _CERTAIN) < bounds1[cell])
    for lane in range(2, lanes):
        bounds0, draw0 = screen[first + lane * size : first + (lane + 1) * size], draws[lane]
        for i in range(n):
            flags[i] |= np.uint8(min(draw0[i], _CERTAIN) < bounds0[cells[i]])


def _places_of_bits():
    """Return, for every byte, the places of its set bits (padded) and how many there are."""
    places = np.zeros((256, 8), dtype=np.int64)
    numbers = np.zeros(256, dtype=np.int64)
    for byte in range(256):
        set_bits = [bit for bit in range(8) if byte >> bit & 1]
        places[byte, : len(set_bits)] = set_bits
        numbers[byte] = len(set_bits)
    return places, numbers


_PLACES, _NUMBERS = _places_of_bits()
_GATHER = np.uint64(0x0102040810204080)  # brings the low bit of each of eight bytes into the top byte, in order
_TOP_BYTE = np.uint64(56)


@kernel
def _list_candidates(n, flags, candidates):
    """List the flagged persons, eight flags at a time; return how many. Flags beyond the n-th must be 0."""
    found = 0
    words = flags.view(np.uint64)
    for w in range((n + 7) // 8):
        if words[w] != 0:
            byte = (words[w] * _GATHER) >> _TOP_BYTE
            for k in range(_NUMBERS[byte]):
                candidates[found + k] = 8 * w + _PLACES[byte, k]
            found += _NUMBERS[byte]
    return found


@kernel
def _leave(i, last, ids, families, origin, block, cols, standing, start, delivered):
    """Take the dead person's row out by putting the last row in its place."""
    ids[i] = ids[last]
    families[i] = families[last]
    origin[i] = origin[last]
    block[i] = block[last]
    for c in range(cols.shape[0]):
        cols[c, i] = cols[c, last]
    for o in range(standing.shape[0]):
        standing[o, i] = standing[o, last]
        start[o, i] = start[o, last]
        delivered[o, i] = delivered[o, last]


@kernel
def _record(n, cols, origin, page):
    """Write the columns of the living to a page of the history, each in the person's own place."""
    for c in range(cols.shape[0]):
        for i in range(n):
            page[c, origin[i]] = cols[c, i]


@kernel
def _mark_active(o, n, t, offers, active, standing, start, delivered, acting):
    """Add to each person's mask the domains on which offer o acts on him in this step."""
    years = offers[o, YEARS]
    for i in range(n):
        if standing[o, i] != 0:
            acting[i] |= active[offers[o, ACTIVE] + course_cell(i, o, t, standing, start, delivered, years)]


@kernel
def live(
    ids, families, block, cols, entry_age, steps, key, domains, streams, state_moves, moves, tables, reads, thresholds,
    weights, factors, factor_values, screen, effects, course, course_log, levels, level_of, merged, offers, years,
    n_active, active, switches, chances, previous, counters, margins, ledger, deliveries, reached, history,
):  # fmt: skip
    """Live the persons of one chunk through all steps, counting into the ledger of each one's block.

    ids, families: (n,) uint64, block: (n,) int64, cols: (columns, n) uint8, the values at birth, all reordered in
    place; draws of what siblings share are addressed by families;
    ledger: (blocks, steps + 1, cells) int64, row 0 = start; deliveries: (blocks, steps + 1, offers, counts) int64;
    reached: (n,) uint64, a bit an arm;
    history: (steps + 1, columns, n) uint8, age 255 = not alive, or of length 0. The first n_active offers are
    made, the others only watched. Everything else: `sim.kernels.layout`. Returns the person-years lived.
    """
    n = ids.shape[0]
    room = (n + 7) // 8 * 8
    most_blocks = 1
    for d in range(domains.shape[0]):
        most_blocks = max(most_blocks, domains[d, BLOCKS])
    draws = np.empty((4 * most_blocks, n), dtype=np.uint32)
    cells = np.empty(n, dtype=np.uint32)
    flags = np.zeros(room, dtype=np.uint8)
    candidates = np.empty(room, dtype=np.int64)
    winners = np.empty(room, dtype=np.int64)
    moved = np.empty((domains.shape[0], n), dtype=np.int64)
    n_moved = np.zeros(domains.shape[0], dtype=np.int64)
    replicas = np.zeros(4 * 4096 + 4, dtype=np.int64)
    origin = np.empty(n, dtype=np.int64)
    for i in range(n):
        origin[i] = i
    acting = np.zeros(n if n_active > 0 else 0, dtype=np.uint64)
    standing = np.zeros((offers.shape[0], n), dtype=np.uint8)
    start = np.zeros((offers.shape[0], n), dtype=np.uint8)
    delivered = np.zeros((offers.shape[0], n), dtype=np.uint8)
    some_ids = np.empty(n, dtype=np.uint64)
    lived = np.int64(0)

    count_margins(n, cols, margins, reads, ledger, 0, block, cells, replicas)
    if history.shape[0] > 0:
        _record(n, cols, origin, history[0])
        for page in range(1, steps + 1):
            for i in range(n):
                history[page, 0, i] = 255
    for t in range(steps):
        if n == 0:
            break
        ages = cols[0]
        for i in range(n):
            ages[i] = entry_age + t
        for p in range(previous.shape[0]):
            now, before = cols[previous[p, 0]], cols[previous[p, 1]]
            for i in range(n):
                before[i] = now[i]
        for o in range(n_active):
            go_on(o, n, t, cols, offers, tables, reads, switches, standing, start, delivered)
            whose = families if offers[o, TO_FAMILY] else ids
            enrol(
                o, n, t, key, whose, block, cols, offers, tables, reads, switches, chances, standing, start, delivered,
                deliveries, origin, reached, candidates, some_ids, draws,
            )  # fmt: skip
        for o in range(n_active, offers.shape[0]):
            whose = families if offers[o, TO_FAMILY] else ids
            watch(
                o, n, t, key, whose, block, cols, offers, tables, reads, switches, chances, standing, origin, reached,
                deliveries, candidates, some_ids, draws,
            )  # fmt: skip
        if n_active > 0:
            for i in range(n):
                acting[i] = 0
            for o in range(n_active):
                _mark_active(o, n, t, offers, active, standing, start, delivered, acting)

        age = entry_age + t
        for d in range(domains.shape[0]):
            n_moved[d] = 0
            if age < domains[d, FIRST_AGE] or age > domains[d, LAST_AGE]:
                continue
            whose = families if domains[d, OF_FAMILY] else ids
            for b in range(domains[d, BLOCKS]):
                fill_draws(whose, n, t, streams[domains[d, STREAM] + b], key, draws[4 * b : 4 * b + 4])
            since = age - domains[d, FIRST_AGE]
            fill_cells(n, cols, reads, domains[d, KEYS], domains[d, KEYS_END], since * domains[d, KEY_AGE], cells)
            lanes = domains[d, LANES_USED]
            size = domains[d, SCREEN_CELLS]
            _screen(n, lanes, cells, draws, screen, domains[d, SCREEN], size, flags)
            if n_active > 0:
                for i in range(n):
                    flags[i] |= np.uint8((acting[i] >> np.uint64(d)) & np.uint64(1))
            for i in range(n, (n + 7) // 8 * 8):
                flags[i] = 0
            found = _list_candidates(n, flags, candidates)
            is_death = domains[d, IS_DEATH] != 0
            race(
                found, candidates, winners, d, t, age, acting, cols, draws, cells, screen, domains, state_moves, moves,
                tables, reads, thresholds, weights, factors, factor_values, effects, course, course_log, levels,
                level_of, merged, standing, start, delivered, years,
            )  # fmt: skip
            for place in range(found):
                # from the last row back, so that a row put in the place of a dead one has been looked at
                i = candidates[found - 1 - place]
                m = winners[found - 1 - place]
                if m < 0:
                    continue
                if is_death:
                    count_death(i, cols, margins, reads, ledger, t + 1, block)
                    n -= 1
                    _leave(i, n, ids, families, origin, block, cols, standing, start, delivered)
                    if n_active > 0:
                        acting[i] = acting[n]
                    continue
                cols[domains[d, STATE], i] = moves[m, TO]
                if domains[d, CLOCK] >= 0:
                    cols[domains[d, CLOCK], i] = 0
                    moved[d, n_moved[d]] = i
                    n_moved[d] += 1

        for d in range(domains.shape[0]):
            if domains[d, CLOCK] >= 0:
                clock = cols[domains[d, CLOCK]]
                cap = np.uint8(domains[d, CLOCK_CAP])
                for i in range(n):
                    clock[i] += np.uint8(clock[i] < cap)
                for k in range(n_moved[d]):
                    clock[moved[d, k]] = 0
        tick_counters(n, cols, counters, tables, reads, switches, cells)
        count_margins(n, cols, margins, reads, ledger, t + 1, block, cells, replicas)
        for o in range(n_active):
            count_delivery_years(o, n, t, block, standing, start, delivered, deliveries)
        if history.shape[0] > 0:
            _record(n, cols, origin, history[t + 1])
        lived += n
    return lived
