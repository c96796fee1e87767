"""From what a study reports to what the engine applies: conversions of scale, each said in words. Layer 0.

Sources: proportional hazards for ratios of risks over a follow-up; d to log odds by the logistic distribution,
ln OR = d·π/√3 (Hasselblad & Hedges 1995). What carries over from another country is a factor on the log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.errors import ScenarioError

PROVENANCES = ("found", "derived", "recalled", "calibrated", "assumed")
"""How sure a figure's origin is, from read in a public source to assumed."""

SMD_TO_LOG_ODDS = math.pi / math.sqrt(3)

MAX_RATIO, MAX_SHIFT = 1000.0, 10.0
"""The largest ratio (and 1 / the smallest) and number of standard deviations that can be meant."""


@dataclass(frozen=True)
class Converted:
    """A size in the scale of the engine, and the conversion in words."""

    kind: str
    """hazard_ratio, odds_ratio, relative_risk or trait_shift."""
    size: float
    """Log of the ratio; standard deviations of a trait shift."""
    words: str


def convert(kind: str, value: float, on_hazard: bool, control_risk: float | None, follow_up: float | None) -> Converted:
    """Convert a stated effect to what acts on a hazard or on an occasion.

    Raises ScenarioError where a size is out of bounds, where the control risk or follow-up that the conversion
    needs is missing, and where a stated risk leaves 0 to 1.
    """
    name = kind.replace("_", " ")
    _check_size(kind, value, name)
    if kind == "trait_shift":
        return Converted(kind, value, f"trait shift {value:g} SD")
    if kind == "hazard_ratio":
        if not on_hazard:
            raise ScenarioError("a hazard ratio acts on hazards, and this is an occasion", hint="state an odds_ratio")
        return Converted(kind, math.log(value), f"hazard ratio {value:g}")
    if kind == "smd":
        stated = f"smd {value:g} = odds ratio {math.exp(SMD_TO_LOG_ODDS * value):.4g}"
        value = math.exp(SMD_TO_LOG_ODDS * value)
        kind = "odds_ratio"
    else:
        stated = f"{name} {value:g}"
    if not on_hazard and kind in ("odds_ratio", "relative_risk"):
        return Converted(kind, math.log(value), stated)
    if control_risk is None or (on_hazard and follow_up is None):
        where, needed, instead = (
            ("a hazard", "evidence.control_risk and evidence.follow_up_years", "a hazard_ratio")
            if on_hazard
            else ("an occasion", "evidence.control_risk", "an odds_ratio")
        )
        raise ScenarioError(f"the {name} on {where} has to be converted", hint=f"give {needed}, or state {instead}")
    treated = _treated_risk(kind, value, control_risk, name)
    at = f"{stated} at control risk {control_risk:g}"
    if not on_hazard:
        log_odds = math.log(treated / (1 - treated)) - math.log(control_risk / (1 - control_risk))
        return Converted("odds_ratio", log_odds, f"{at} = odds ratio {math.exp(log_odds):.4g}")
    ratio = math.log1p(-treated) / math.log1p(-control_risk)
    return Converted("hazard_ratio", math.log(ratio), f"{at} over {follow_up:g} years = hazard ratio {ratio:.4g}")


def transported(converted: Converted, origin: str, factor: float) -> Converted:
    """Return an effect of another country as it is believed here: the factor multiplies its log (or its shift).

    >>> transported(Converted("odds_ratio", math.log(0.5), "odds ratio 0.5"), "US", 0.4).words
    'odds ratio 0.5, of whose log 0.4 carries over from US = odds ratio 0.7579'
    """
    size = converted.size * factor
    if converted.kind == "trait_shift":
        return Converted(
            converted.kind, size, f"{converted.words}, of which {factor:g} carries over from {origin} = {size:.4g} SD"
        )
    name = converted.kind.replace("_", " ")
    words = f"{converted.words}, of whose log {factor:g} carries over from {origin} = {name} {math.exp(size):.4g}"
    return Converted(converted.kind, size, words)


def _check_size(kind: str, value: float, name: str) -> None:
    if kind in ("hazard_ratio", "odds_ratio", "relative_risk"):
        if value <= 0:
            raise ScenarioError(f"the {name} {value:g} must be above 0")
        if not 1 / MAX_RATIO <= value <= MAX_RATIO:
            raise ScenarioError(f"the {name} {value:g} must be {1 / MAX_RATIO:g} to {MAX_RATIO:g}")
    elif kind in ("smd", "trait_shift") and abs(value) > MAX_SHIFT:
        raise ScenarioError(f"the {name} {value:g} must be {-MAX_SHIFT:g} to {MAX_SHIFT:g} standard deviations")


def _treated_risk(kind: str, value: float, control_risk: float, name: str) -> float:
    if kind == "relative_risk":
        treated = value * control_risk
    elif kind == "risk_difference":
        treated = control_risk + value
    else:
        odds = value * control_risk / (1 - control_risk)
        treated = odds / (1 + odds)
    if not 0 < treated < 1:
        raise ScenarioError(
            f"the {name} {value:g} makes the probability {treated:.3g} at control risk {control_risk:g}"
        )
    return treated
