"""One test of all moves together: lives recorded step by step against the exact chance of each way to go on.

Given where persons are at the start of a step, where they go is a multinomial of its own, independent of all others; so
Pearson's statistic over all (step, origin, destination) is one chi-square, whatever states follow from it.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from sim.forward import Forward
from sim.joint_distribution import Joint, keys_of
from sim.persons import NOT_ALIVE
from sim.plan import Plan

FEW = 5.0
"""Cells of a smaller expectation are put together."""


def pearson(observed: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """Return the statistic of one multinomial and its degrees of freedom, cells of few put together.

    Raises AssertionError where something happened that cannot.
    """
    assert not observed[expected == 0].any(), "something happened that has probability 0"
    order = np.argsort(-expected, kind="stable")
    observed, expected = observed[order], expected[order]
    many = int((expected >= FEW).sum())
    cells = np.r_[np.arange(many), np.full(len(expected) - many, many)]
    if expected[many:].sum() < FEW:
        cells = np.minimum(cells, max(many - 1, 0))  # the rest is too little for a cell of its own
    seen, due = np.bincount(cells, weights=observed), np.bincount(cells, weights=expected)
    if due.min(initial=0) < FEW and len(due) == 1:
        return 0.0, 0
    return float(((seen - due) ** 2 / due).sum()), len(due) - 1


def probability_of(statistics: list[tuple[float, int]]) -> float:
    """Return the probability of a larger sum of independent statistics."""
    return float(chi2.sf(sum(one for one, _ in statistics), sum(freedom for _, freedom in statistics)))


def moves_against(plan: Plan, arm: str, history: np.ndarray) -> tuple[float, int]:
    """Return the probability of moves less likely than those of a history, and how many degrees of freedom they have.

    history: (steps + 1, columns, persons) uint8 of an arm that makes no offers.
    """
    forward = Forward(plan, arm, margins=())
    held = sorted(forward.born().codes)
    rows = [plan.layout.row(name) for name in held]
    sizes = {name: plan.scenario.model.columns[name].size for name in held}
    statistics = []
    for t in range(len(history) - 1):
        alive = history[t, 0] != NOT_ALIVE
        before, after = history[t][rows][:, alive], history[t + 1][rows][:, alive]
        keys = keys_of([(column, sizes[name]) for name, column in zip(held, before.astype(np.int32), strict=True)])
        _, first, origin, number = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        codes = {name: column[first].astype(np.int32) for name, column in zip(held, before, strict=True)}
        codes["origin"] = np.arange(len(first), dtype=np.int32)
        end = forward.step(Joint(codes, {**sizes, "origin": len(first)}, number.astype(np.float64)), t)
        dies = history[t + 1, 0][alive] == NOT_ALIVE
        columns = [(np.r_[end.codes["origin"], origin[~dies]], len(first))]
        columns += [(np.r_[end.codes[name], after[k][~dies]], sizes[name]) for k, name in enumerate(held)]
        _, shown, place = np.unique(keys_of(columns), return_index=True, return_inverse=True)
        whose = columns[0][0][shown]
        expected = np.bincount(place[: len(end)], weights=end.weights, minlength=len(shown))
        observed = np.bincount(place[len(end) :], minlength=len(shown)).astype(float)
        lost = np.maximum(number - np.bincount(end.codes["origin"], weights=end.weights, minlength=len(first)), 0)
        lost[lost < 1e-9 * number] = 0.0
        died = np.bincount(origin[dies], minlength=len(first)).astype(float)
        for place_of_origin in range(len(first)):
            own = whose == place_of_origin
            seen = np.append(observed[own], died[place_of_origin])
            statistics.append(pearson(seen, np.append(expected[own], lost[place_of_origin])))
    return probability_of(statistics), sum(freedom for _, freedom in statistics)
