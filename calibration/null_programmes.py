"""Programmes without effect: the arms that hold one alone, and whether each is worth minus what it costs.

Imports `checks` and `ground`; knows no ledger and no single life.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from calibration.checks import Check, Finding, finding_of
from calibration.ground import Ground
from sim.errors import TargetError
from sim.files import load_resolved, shipped_folder
from sim.prices import PUBLIC
from sim.scenario import Scenario
from sim.source import read_yaml

NULL_ARM = "null_"
"""Prefix of the arms that hold a programme without effect alone."""

CONFIDENT = 1.96
"""Standard errors on either side of an interval of 95 per cent."""


def with_arms(scenario: Scenario, arms: Mapping[str, str]) -> Scenario:
    """Return a scenario read from files with further arms, each one intervention of the shipped catalogue alone."""
    resolved = dict(scenario.resolved)
    values = dict(resolved["scenario"]["values"])
    values["arms"] = {**values["arms"], **{arm: {"interventions": [name]} for arm, name in arms.items()}}
    resolved["scenario"] = {**resolved["scenario"], "values": values}
    for name in arms.values():
        source = read_yaml(shipped_folder() / "interventions" / f"{name}.yaml")
        resolved.setdefault(f"interventions/{name}", {"sha256": source.digest, "values": source.values})
    return load_resolved(resolved).scenario


def null_programme(check: Check, ground: Ground) -> list[Finding]:
    """Return whether a programme without effect is worth what it costs and no more: net value = - cost.

    The interval is that of the simulation and of the stated effects, whose standard errors are carried over to the
    gain in proportion: an estimate near nothing moves lives by as little as it says.
    """
    arm = NULL_ARM + check.what
    if arm not in ground.arms:
        raise TargetError(f"no arm of the programme '{check.what}' could be made")
    public = ground.arms[arm].by_payer[PUBLIC]
    effects = [effect for one in ground.scenario.arms[arm].interventions for effect in one.effects]
    doubt = max((abs((e.se or 0.0) / e.size) for e in effects if e.size), default=0.0)
    se = math.hypot(public.se or 0.0, doubt * (public.spent - public.incremental))
    reach = CONFIDENT * se
    return [finding_of(check, -public.spent, -public.incremental, se, -public.spent - reach, reach - public.spent)]
