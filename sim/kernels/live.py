"""The life of a chunk of persons: the year of the design, step by step, in one call without the GIL."""

from sim.kernels.compile import kernel
from sim.kernels.enrol import enrol, go_on, watch
from sim.kernels.groups import take_group_values
from sim.kernels.layout import CAPACITY, TO_FAMILY
from sim.kernels.year import begin_year, end_year, mark_acting, move


@kernel
def live(
    n, since, until, born, row, key, ids, families, origin, block, cols, standing, start, delivered, reached, domains,
    streams, state_moves, moves, tables, reads, thresholds, weights, factors, factor_values, screen, tops, effects,
    course, course_log, levels, level_of, merged, offers, years, n_active, active, switches, chances, previous,
    counters, margins, groups, cuts, ledger, deliveries, classes, members, meeting, acting, moved, n_moved, cells,
    margin_cells, limits, least, flags, candidates, winners, some_ids, slice_draws, draws, replicas,
):  # fmt: skip
    """Live the first n persons from step `since` up to, not through, step `until`; return how many are then alive.

    Who they are and where they stand (`sim.chunk.Chunk`), all reordered in place when someone dies: ids, families:
    (≥ n,) uint64; origin, block: (≥ n,) int64, each one's place at the start and block of the ledger; cols: (columns,
    ≥ n) uint8; standing, start, delivered: (offers, ≥ n) uint8; reached: (persons,) uint64, a bit an arm.
    They are 0 years old in step `born`. The first n_active offers are made, the others only watched; `offers` to
    `cuts` belong to the program: `sim.kernels.layout`.
    ledger: (blocks, rows, cells) int32 and deliveries: (blocks, rows, offers, counts) int64, counted from `row` on,
    a row a step. classes: (persons,) int64, by the place at the start. The rest is room to work in.
    """
    for t in range(since, until):
        if n == 0:
            break
        age = t - born
        begin_year(n, age, cols, previous)
        take_group_values(
            n, age, origin, classes, cols, groups, cuts, tables, reads, switches, margin_cells, members, meeting
        )
        for o in range(n_active):
            go_on(o, n, t, cols, offers, tables, reads, switches, standing, start, delivered)
            if offers[o, CAPACITY] >= 0:
                continue  # its places have been given out
            whose = families if offers[o, TO_FAMILY] else ids
            enrol(
                o, n, t, row, key, whose, block, cols, offers, tables, reads, switches, chances, standing, start,
                delivered, deliveries, origin, reached, candidates, some_ids, draws,
            )  # fmt: skip
        for o in range(n_active, offers.shape[0]):
            whose = families if offers[o, TO_FAMILY] else ids
            watch(
                o, n, t, row, key, whose, block, cols, offers, tables, reads, switches, chances, standing, origin,
                reached, deliveries, candidates, some_ids, draws,
            )  # fmt: skip
        if n_active > 0:
            mark_acting(n, t, n_active, offers, active, standing, start, delivered, acting)
        n = move(
            n, t, age, row, key, ids, families, origin, block, cols, domains, streams, state_moves, moves, tables,
            reads, thresholds, weights, factors, factor_values, screen, tops, effects, course, course_log, levels,
            level_of, merged, years, margins, ledger, standing, start, delivered, acting, moved, n_moved, cells, limits,
            least, flags, candidates, winners, some_ids, slice_draws, draws,
        )  # fmt: skip
        end_year(
            n, t, row, n_active, block, cols, domains, tables, reads, switches, counters, margins, ledger, deliveries,
            standing, start, delivered, moved, n_moved, margin_cells, replicas,
        )  # fmt: skip
        row += 1
    return n
