"""The race of clocks: which of the transitions out of a person's state happens in this step, if any."""

import math

import numpy as np

from sim.kernels.compile import inner, kernel
from sim.kernels.layout import (
    AGE_FROM,
    AGE_TO,
    COLUMN,
    EFFECT_COURSE,
    EFFECT_INTERVENTION,
    EFFECT_MECHANISM,
    EFFECTS,
    EFFECTS_END,
    ENTRY,
    EXACT,
    FACTORS,
    FACTORS_END,
    HAS_WEIGHTS,
    IS_DEATH,
    LEVEL_COURSE,
    LEVEL_INTERVENTION,
    LEVEL_RADIX,
    LEVEL_SIZE,
    LEVELS,
    LEVELS_END,
    MERGED,
    READS,
    READS_END,
    SCREEN_CELLS,
    SOME_CERTAIN,
    START,
    STATE,
    STATES,
    STRIDE,
    TABLE,
    WEIGHTS,
)

_TWO_32 = 4294967296.0
_ABOVE = 1.0 + 1e-9
"""Larger than 1 by more than rounding."""
_LN_2 = 0.6931471805599453
_SQRT_HALF = 0.7071067811865476
_CERTAIN = np.uint32(0xFFFFFFFF)


@kernel
def minus_log(x):
    """Return -ln(1 - x / 2^32) for an integer 0 ≤ x < 2^32, by fixed operations on every machine.

    Relative error below 1e-15: ln m by the series of artanh((m - 1) / (m + 1)), m within [√½, √2].
    """
    mantissa, exponent = math.frexp(_TWO_32 - float(x))
    if mantissa < _SQRT_HALF:
        mantissa = mantissa + mantissa
        exponent -= 1
    z = (mantissa - 1.0) / (mantissa + 1.0)
    square = z * z
    total = 1.0 / 23.0
    for odd in (21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        total = total * square + 1.0 / odd
    return (32 - exponent) * _LN_2 - 2.0 * z * total


@inner
def _fires(draw, threshold, ratio):
    """Return whether a clock fires within the step: minus_log(draw) < minus_log(threshold) · ratio.

    x ≤ -ln(1 - x) ≤ x / (1 - x), so that most are told without a logarithm.
    """
    if threshold == 0 or ratio <= 0.0:
        return False
    x = float(draw) / _TWO_32
    y = float(threshold) / _TWO_32
    if x * (1.0 - y) > y * ratio * _ABOVE:
        return False
    if x * _ABOVE < (1.0 - x) * y * ratio:
        return True
    return minus_log(draw) / (minus_log(threshold) * ratio) < 1.0


@inner
def cell_of(cols, i, reads, first, last):
    """Return the person's cell in a table: Σ code · stride over the columns that the table reads."""
    cell = np.int64(0)
    for r in range(first, last):
        cell += np.int64(cols[reads[r, COLUMN], i]) * reads[r, STRIDE]
    return cell


@inner
def course_cell(i, intervention, t, standing, start, delivered, years):
    """Return the place of a person's present year in the course of an intervention's effect."""
    done = np.int64(delivered[intervention, i])
    year = t - np.int64(start[intervention, i]) - done + 1
    return (np.int64(standing[intervention, i]) * (years + 1) + done) * 104 + year


@inner
def _level_of(i, j, t, tables, levels, level_of, merged, standing, start, delivered, years):
    """Return which level of a table holds for the person: 0 without any effect that replaces it."""
    level = np.int64(0)
    for v in range(tables[j, LEVELS], tables[j, LEVELS_END]):
        intervention = levels[v, LEVEL_INTERVENTION]
        if standing[intervention, i] != 0:
            place = course_cell(i, intervention, t, standing, start, delivered, years[intervention])
            level += level_of[levels[v, LEVEL_COURSE] + place] * levels[v, LEVEL_RADIX]
    return np.int64(merged[tables[j, MERGED] + level])


@inner
def _ratio_of(i, m, t, moves, effects, course, course_log, standing, start, delivered, years):
    """Return the product of the hazard ratios on a transition; of one mechanism only the strongest counts."""
    ratio = 1.0
    strongest = 0.0
    within = 1.0
    mechanism = np.int64(-1)
    for e in range(moves[m, EFFECTS], moves[m, EFFECTS_END]):
        if effects[e, EFFECT_MECHANISM] != mechanism:
            ratio *= within
            mechanism = effects[e, EFFECT_MECHANISM]
            strongest = 0.0
            within = 1.0
        intervention = effects[e, EFFECT_INTERVENTION]
        if standing[intervention, i] != 0:
            place = effects[e, EFFECT_COURSE] + course_cell(
                i, intervention, t, standing, start, delivered, years[intervention]
            )
            if abs(course_log[place]) > strongest:
                strongest = abs(course_log[place])
                within = course[place]
    return ratio * within


@inner
def race(
    found, candidates, winners, d, t, age, acting, cols, draws, cells, bounds, domains, state_moves, moves, tables,
    reads, thresholds, weights, factors, factor_values, effects, course, course_log, levels, level_of, merged, standing,
    start, delivered, years,
):  # fmt: skip
    """Move each candidate at most once, along the earliest of its competing clocks: winners[f] = transition or -1.

    candidates: the first `found` are rows; draws: (lanes, ≥ found) uint32, those of the candidates, the lane of a
    transition is its place among those out of the state; bounds: the domain's screening bounds of this age on, by
    lane and cell; acting: (n,) uint64, bit d = some effect acts on the person in this domain and step, or of length 0
    where no offer is made.
    """
    bit = np.uint64(d)
    is_death = domains[d, IS_DEATH] != 0
    some_certain = domains[d, SOME_CERTAIN] != 0
    exact = domains[d, EXACT] != 0
    lane_size = domains[d, SCREEN_CELLS]
    first_state = domains[d, STATES]
    states = cols[0 if is_death else domains[d, STATE]]
    some_act = acting.shape[0] > 0
    for f in range(found):
        i = candidates[f]
        state = first_state if is_death else first_state + np.int64(states[i])
        first = state_moves[state]
        last = state_moves[state + 1]
        carries = some_act and (acting[i] >> bit) & np.uint64(1) != 0
        bound_of = np.int64(cells[i])
        best = np.int64(-1)
        best_time = np.inf
        if some_certain:  # a certain occasion is decided first, and nothing else happens
            table = np.int64(-1)
            place = np.int64(0)
            for m in range(first, last):
                j = moves[m, TABLE]
                if tables[j, HAS_WEIGHTS] == 0 or age < moves[m, AGE_FROM] or age > moves[m, AGE_TO]:
                    continue
                if not carries and bounds[bound_of + (m - first) * lane_size] != _CERTAIN:
                    continue
                if j != table:
                    table = j
                    place = tables[j, WEIGHTS] + cell_of(cols, i, reads, tables[j, READS], tables[j, READS_END])
                    if carries and tables[j, LEVELS] < tables[j, LEVELS_END]:
                        level = _level_of(i, j, t, tables, levels, level_of, merged, standing, start, delivered, years)
                        place += level * tables[j, LEVEL_SIZE]
                weight = weights[place + moves[m, ENTRY]]
                if weight > 0:
                    time = minus_log(draws[m - first, f]) / float(weight)
                    if time < best_time:
                        best, best_time = m, time
            if best >= 0:
                winners[f] = best
                continue
        best_draw = np.uint32(0)
        best_threshold = np.uint32(0)
        best_ratio = 1.0
        timed = False  # a time is worked out only where two clocks fire
        table = np.int64(-1)
        cell = np.int64(0)
        for m in range(first, last):
            draw = draws[m - first, f]
            threshold = bounds[bound_of + (m - first) * lane_size]
            if not carries and draw >= threshold:
                continue
            if age < moves[m, AGE_FROM] or age > moves[m, AGE_TO]:
                continue
            ratio = 1.0
            if carries or not exact:
                j = moves[m, TABLE]
                if j != table:
                    table = j
                    cell = tables[j, START] + cell_of(cols, i, reads, tables[j, READS], tables[j, READS_END])
                    if carries and tables[j, LEVELS] < tables[j, LEVELS_END]:
                        level = _level_of(i, j, t, tables, levels, level_of, merged, standing, start, delivered, years)
                        cell += level * tables[j, LEVEL_SIZE]
                if carries and moves[m, EFFECTS] < moves[m, EFFECTS_END]:
                    ratio = _ratio_of(i, m, t, moves, effects, course, course_log, standing, start, delivered, years)
                for k in range(moves[m, FACTORS], moves[m, FACTORS_END]):
                    other = factors[k]
                    where = tables[other, START]
                    where += cell_of(cols, i, reads, tables[other, READS], tables[other, READS_END])
                    ratio *= float(factor_values[where])
                threshold = thresholds[cell + moves[m, ENTRY]]
            if draw >= threshold if ratio == 1.0 else not _fires(draw, threshold, ratio):
                continue
            if best < 0:
                best, best_draw, best_threshold, best_ratio = m, draw, threshold, ratio
                continue
            if not timed:
                best_time = minus_log(best_draw) / (minus_log(best_threshold) * best_ratio)
                timed = True
            time = minus_log(draw) / (minus_log(threshold) * ratio)
            if time < best_time:
                best, best_time = m, time
        winners[f] = best
