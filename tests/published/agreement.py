"""How near a simulated number must be to a known one. Knows counts, prices and standard errors, no model."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binomtest

from sim.comparison import standard_error
from sim.outcome import Outcome
from sim.prices import belongs

BOUND = 4.5
"""Standard errors at a fixed seed: chance alone exceeds it once in 147 000 comparisons."""

TAIL = 7e-6
"""The two-sided tail beyond `BOUND`, for counts too small for a normal distribution."""

SMALL_VARIANCE = 10.0


def agrees(count: int, n: int, probability: float) -> bool:
    """Return whether a count of n independent persons agrees with its exact probability."""
    if probability == 0.0:
        return count == 0
    variance = n * probability * (1 - probability)
    if variance < SMALL_VARIANCE:
        return float(binomtest(count, n, probability).pvalue) > TAIL
    return abs(count - n * probability) < BOUND * math.sqrt(variance)


def cost_by_copy(outcome: Outcome, arm: str, payer: str) -> np.ndarray:
    """Return the discounted cost of everyone in each copy, from the counts and the arm's prices alone."""
    scenario = outcome.plan.scenario
    ledger = outcome.ledger(arm)
    factors = scenario.economics.factors(scenario.horizon)
    total = np.zeros(len(ledger.persons))
    for price in scenario.prices.prices:
        held = scenario.arms[arm].prices.get(price.name, price)
        share = sum(part for name, part in held.payer.parts if belongs(name, payer))
        total += outcome.volume(held.quantity, ledger) @ factors * (held.sign * held.amount * share)
    return total


def distance(totals: np.ndarray, persons: np.ndarray, exact: float) -> float:
    """Return the simulated standard errors between Σ totals / Σ persons and an exact mean; both by copy."""
    error = standard_error(totals, persons)
    assert error is not None
    return float((totals.sum() / persons.sum() - exact) / error)
