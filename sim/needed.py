"""The effect that an intervention without an estimate would need, so that the public money comes back. Layer 8."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.comparison import compare
from sim.engine import simulate
from sim.intervention import Effect, Intervention
from sim.outcome import Outcome
from sim.plan import Plan, bind
from sim.prices import PUBLIC
from sim.scenario import BASELINE, Arm

MOST_RUNS = 12
"""How often the reached are lived again at the most."""

STRONGEST = math.log(20)
"""The largest log ratio that is tried."""


@dataclass(frozen=True)
class Needed:
    """One common ratio on all listed transitions at which the public net is 0, or that none within 1/20 … 20 is."""

    ratio: float | None
    on: tuple[str, ...]
    runs: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"ratio": self.ratio, "on": list(self.on), "runs": self.runs}


def needed_effects(outcome: Outcome, *, threads: int = 1) -> dict[str, Needed]:
    """Return the needed effect of each arm that holds an effect without an estimate."""
    found = {}
    for arm in outcome.plan.compared:
        effects = [e for i in outcome.plan.scenario.arms[arm].interventions for e in i.effects if e.kind == "unknown"]
        if effects:
            found[arm] = _needed(outcome, arm, effects, threads)
    return found


def _needed(outcome: Outcome, arm: str, effects: list[Effect], threads: int) -> Needed:
    """Search the ratio by the secant within a bracket; net cost falls or rises with it, and 1 is known."""
    on = tuple(f"{d}: {a} -> {b}" for effect in effects for d, a, b in effect.on)
    runs = 0

    def net(log_ratio: float) -> float:
        nonlocal runs
        runs += 1
        plan = _with_effect(outcome.plan, arm, log_ratio)
        again = simulate(plan, seed=outcome.seed, replicate=outcome.replicate, threads=threads, ids=outcome.reached[arm])
        again.baseline.persons[:] = outcome.baseline.persons
        return compare(again).arms[arm].by_payer[PUBLIC].incremental

    without = compare(outcome).arms[arm].by_payer[PUBLIC].incremental
    if without <= 0:
        return Needed(1.0, on, 0)
    ends = [net(-STRONGEST), net(STRONGEST)]
    end = -STRONGEST if ends[0] < ends[1] else STRONGEST
    best = min(ends)
    if best > 0:
        return Needed(None, on, runs)
    low, at_low, high, at_high = 0.0, without, end, best
    while runs < MOST_RUNS and abs(high - low) > 0.005:
        middle = (low + high) / 2
        secant = low + (high - low) * at_low / (at_low - at_high)
        tried = secant if runs % 2 == 0 else middle
        value = net(tried)
        if value > 0:
            low, at_low = tried, value
        else:
            high, at_high = tried, value
    root = low + (high - low) * at_low / (at_low - at_high) if at_low != at_high else high
    return Needed(float(np.exp(root)), on, runs)


def _with_effect(plan: Plan, arm: str, log_ratio: float) -> Plan:
    """Return the plan of one arm alone, every effect without an estimate given this log ratio."""
    scenario = plan.scenario

    def given(intervention: Intervention) -> Intervention:
        effects: list[Effect] = []
        for effect in intervention.effects:
            effects += _of_size(effect, log_ratio, plan) if effect.kind == "unknown" else [effect]
        return replace(intervention, effects=tuple(effects))

    old = scenario.arms[arm]
    changed = Arm(tuple(given(one) for one in old.interventions), old.parameters, old.prices)
    return bind(replace(scenario, arms={BASELINE: scenario.arms[BASELINE], arm: changed}))


def _of_size(effect: Effect, log_ratio: float, plan: Plan) -> list[Effect]:
    """Return an unknown effect with a size: a hazard ratio on hazards, an odds ratio on occasions."""
    kinds = {(d.name, m.from_state, to): m.kind for d in plan.scenario.model.all_domains for m in d.moves for to in m.to}
    hazards = tuple(name for name in effect.on if kinds[name] == "hazard")
    occasions = tuple(name for name in effect.on if kinds[name] != "hazard")
    result = []
    if hazards:
        result.append(replace(effect, kind="hazard_ratio", on=hazards, size=log_ratio))
    if occasions:
        result.append(replace(effect, kind="odds_ratio", on=occasions, size=log_ratio))
    return result
