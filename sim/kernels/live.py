"""The life of a chunk of persons: the year of the design, step by step, in one call without the GIL."""

import numpy as np

from sim.kernels.compile import kernel
from sim.kernels.count import count_margins
from sim.kernels.enrol import enrol, go_on, watch
from sim.kernels.layout import BLOCKS, LANES, TO_FAMILY
from sim.kernels.screen import SLICE
from sim.kernels.year import begin_year, end_year, mark_acting, move


@kernel
def _record(n, cols, origin, page):
    """Write the columns of the living to a page of the history, each in the person's own place."""
    for c in range(cols.shape[0]):
        for i in range(n):
            page[c, origin[i]] = cols[c, i]


@kernel
def live(
    ids, families, block, cols, entry_age, steps, key, domains, streams, state_moves, moves, tables, reads, thresholds,
    weights, factors, factor_values, screen, tops, effects, course, course_log, levels, level_of, merged, offers, years,
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
    slice_draws = np.empty((LANES, SLICE), dtype=np.uint32)
    draws = np.empty((LANES * most_blocks, n), dtype=np.uint32)
    cells = np.empty(n, dtype=np.uint16)
    margin_cells = np.empty(n, dtype=np.uint32)
    limits = np.empty(n, dtype=np.uint32)
    least = np.empty(n, dtype=np.uint32)
    flags = np.zeros(room, dtype=np.uint8)
    candidates = np.empty(room, dtype=np.int64)
    winners = np.empty(room, dtype=np.int64)
    some_ids = np.empty(n, dtype=np.uint64)
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
    lived = np.int64(0)

    count_margins(n, cols, margins, reads, ledger, 0, block, margin_cells, replicas)
    if history.shape[0] > 0:
        _record(n, cols, origin, history[0])
        for page in range(1, steps + 1):
            for i in range(n):
                history[page, 0, i] = 255
    for t in range(steps):
        if n == 0:
            break
        age = entry_age + t
        begin_year(n, age, cols, previous)
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
            mark_acting(n, t, n_active, offers, active, standing, start, delivered, acting)
        n = move(
            n, t, age, key, ids, families, origin, block, cols, domains, streams, state_moves, moves, tables, reads,
            thresholds, weights, factors, factor_values, screen, tops, effects, course, course_log, levels, level_of,
            merged, years, margins, ledger, standing, start, delivered, acting, moved, n_moved, cells, limits, least,
            flags, candidates, winners, some_ids, slice_draws, draws,
        )  # fmt: skip
        end_year(
            n, t, n_active, block, cols, domains, tables, reads, switches, counters, margins, ledger, deliveries,
            standing, start, delivered, moved, n_moved, margin_cells, replicas,
        )  # fmt: skip
        if history.shape[0] > 0:
            _record(n, cols, origin, history[t + 1])
        lived += n
    return lived
