"""From hazards and probabilities to the 32-bit thresholds that draws are held against. Layer 1: knows arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CERTAIN = 1e-12
"""How near to 1 the probabilities of an occasion add up where it is certain."""


def thresholds_of(hazards: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return 32-bit thresholds of hazards: min(ceil(2^32·(1 - e^-h)), 2^32 - 2)."""
    chances = np.asarray(np.negative(hazards))
    np.expm1(chances, out=chances)
    chances *= -(2.0**32)  # a power of 2, so that nothing is rounded before the ceiling
    np.ceil(chances, out=chances)
    np.minimum(chances, 2.0**32 - 2, out=chances)
    return chances.astype(np.uint32)


def joint_thresholds(probabilities: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return thresholds and weights (cells…, destinations) of an occasion; weights only where it is certain.

    probabilities: (destinations, cells…).
    H = -ln(1 - Σp) and h_k = H·p_k / Σp, so that the first of the clocks wins with probability p_k. Where Σp = 1
    the clocks have no common hazard: the weights race instead, without an end of the step.
    """
    total = probabilities.sum(axis=0)
    certain = total >= 1 - CERTAIN
    share = np.divide(probabilities, total, out=np.zeros_like(probabilities), where=total > 0)
    thresholds = np.zeros(share.shape, dtype=np.uint32)
    weights = np.zeros(share.shape, dtype=np.uint32)
    if not certain.all():
        hazard = -np.log1p(-np.where(certain, 0.0, np.minimum(total, 1.0)))
        thresholds = thresholds_of(hazard * share)  # 0 where it is certain
    if certain.any():
        scaled = share * (2.0**32 - 1)
        np.rint(scaled, out=scaled)
        np.clip(scaled, 1, 2.0**32 - 1, out=scaled)
        scaled *= certain & (share > 0)
        weights = scaled.astype(np.uint32)
    return np.moveaxis(thresholds, 0, -1), np.moveaxis(weights, 0, -1)
