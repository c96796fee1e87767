"""From what a study reports to what the engine applies: conversions of scale, each said in words. Layer 0.

Sources: proportional hazards for ratios of risks over a follow-up; d to log odds by the logistic distribution,
ln OR = d·π/√3 (Hasselblad & Hedges 1995).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.errors import ScenarioError

PROVENANCES = ("found", "derived", "recalled", "calibrated", "assumed")
"""How sure a figure's origin is, from read in a public source to assumed."""

SMD_TO_LOG_ODDS = math.pi / math.sqrt(3)


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

    Raises ScenarioError where a ratio is not positive, where the control risk or follow-up that the conversion
    needs is missing, and where a stated risk leaves 0 to 1.
    """
    name = kind.replace("_", " ")
    if kind in ("hazard_ratio", "odds_ratio", "relative_risk") and value <= 0:
        raise ScenarioError(f"the {name} {value:g} must be above 0")
    if kind == "trait_shift":
        return Converted(kind, value, f"trait shift {value:g} SD")
    if kind == "hazard_ratio":
        if not on_hazard:
            raise ScenarioError("a hazard ratio acts on hazards, and this is an occasion", hint="state an odds_ratio")
        return Converted(kind, math.log(value), f"hazard ratio {value:g}")
    if kind == "smd":
        value = math.exp(SMD_TO_LOG_ODDS * value)
        stated = f"{name} = odds ratio {value:.4g}"
        kind = "odds_ratio"
    else:
        stated = f"{name} {value:g}"
    if not on_hazard and kind in ("odds_ratio", "relative_risk"):
        return Converted(kind, math.log(value), stated)
    if control_risk is None or (on_hazard and follow_up is None):
        raise ScenarioError(
            f"a {name} on {'a hazard' if on_hazard else 'an occasion'} has to be converted",
            hint="give evidence.control_risk and evidence.follow_up_years, or state a hazard_ratio",
        )
    treated = _treated_risk(kind, value, control_risk, name)
    at = f"{stated} at control risk {control_risk:g}"
    if not on_hazard:
        log_odds = math.log(treated / (1 - treated)) - math.log(control_risk / (1 - control_risk))
        return Converted("odds_ratio", log_odds, f"{at} = odds ratio {math.exp(log_odds):.4g}")
    ratio = math.log1p(-treated) / math.log1p(-control_risk)
    return Converted("hazard_ratio", math.log(ratio), f"{at} over {follow_up:g} years = hazard ratio {ratio:.4g}")


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
