"""The effect that an intervention without an estimate would need, so that the public money comes back. Layer 8."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sim.comparison import net_cost
from sim.engine import relive
from sim.intervention import Effect, Intervention
from sim.outcome import Outcome
from sim.plan import Plan
from sim.prices import PUBLIC
from sim.scenario import BASELINE

MOST_RUNS = 12
"""How often the reached are lived again at the most; everyone, where an arm is lived in full."""

NEAR = 0.02
"""How near is near enough, of the net without an effect and of the log ratio: the answer is told in whole per cent,
and is as uncertain as the lives are few."""

STRONGEST = math.log(20)
"""The largest log ratio that is tried."""


@dataclass(frozen=True)
class Needed:
    """One common ratio on all listed transitions at which the public net is 0, or that none within 1/20 … 20 is."""

    ratio: float | None
    on: tuple[str, ...]
    runs: int


def needed_effects(outcome: Outcome, *, threads: int = 1) -> dict[str, Needed]:
    """Return the needed effect of each arm that holds an effect without an estimate.

    Arms whose persons have been forgotten (`simulate`, stream) are left out.
    """
    found = {}
    for arm in outcome.plan.compared:
        if arm not in outcome.reached:
            continue
        effects = [e for i in outcome.plan.scenario.arms[arm].interventions for e in i.effects if e.kind == "unknown"]
        if effects:
            found[arm] = _needed(outcome, arm, effects, threads)
    return found


def _needed(outcome: Outcome, arm: str, effects: list[Effect], threads: int) -> Needed:
    """Search the ratio within a bracket from 1 (net known) to the strongest that is tried."""
    plan = outcome.plan
    both = (*plan.arms[arm], *plan.arms[BASELINE])
    by_block = any(line.by_copy for one in both for line in one.costs)  # teams of all copies together are other teams
    on = tuple(f"{d}: {a} -> {b}" for effect in effects for d, a, b in effect.on)
    whole = outcome if by_block else outcome.together(arm)
    counts = whole.arms[arm]
    runs = 0

    def net(log_ratio: float) -> float:
        """Return the public net cost if the effects without an estimate had this log ratio."""
        nonlocal runs
        runs += 1
        offers = tuple(_with_effect(one, log_ratio, plan) for one in plan.arms[arm])
        program = plan.program_of(arm, offers)
        life = relive(outcome, arm, program, threads=threads, by_block=by_block)
        again = replace(whole, arms={arm: replace(counts, in_arm=life)})
        return net_cost(again, arm, PUBLIC)

    without = net_cost(whole, arm, PUBLIC)
    low, at_low = 0.0, without
    if at_low <= 0:
        return Needed(1.0, on, 0)
    high, at_high = -STRONGEST, net(-STRONGEST)
    if at_high > 0:
        high, at_high = STRONGEST, net(STRONGEST)
    if at_high > 0:
        return Needed(None, on, runs)
    while runs < MOST_RUNS and abs(high - low) > NEAR:
        secant = low + (high - low) * at_low / (at_low - at_high)
        tried = (low + high) / 2 if runs % 3 == 0 else secant
        value = net(tried)
        if value > 0:
            low, at_low = tried, value
        else:
            high, at_high = tried, value
        if abs(value) < NEAR * without:
            break
    return Needed(math.exp(low + (high - low) * at_low / (at_low - at_high)), on, runs)


def _with_effect(intervention: Intervention, log_ratio: float, plan: Plan) -> Intervention:
    """Return an intervention, every effect without an estimate given this log ratio."""
    effects: list[Effect] = []
    for effect in intervention.effects:
        effects += _of_size(effect, log_ratio, plan) if effect.kind == "unknown" else [effect]
    return replace(intervention, effects=tuple(effects))


def _of_size(effect: Effect, log_ratio: float, plan: Plan) -> list[Effect]:
    """Return an unknown effect with a size: a hazard ratio on hazards, an odds ratio on occasions."""
    kinds = {
        (d.name, m.from_state, to): m.kind for d in plan.scenario.model.all_domains for m in d.moves for to in m.to
    }
    hazards = tuple(name for name in effect.on if kinds[name] == "hazard")
    occasions = tuple(name for name in effect.on if kinds[name] != "hazard")
    result = []
    if hazards:
        result.append(replace(effect, kind="hazard_ratio", on=hazards, size=log_ratio))
    if occasions:
        result.append(replace(effect, kind="odds_ratio", on=occasions, size=log_ratio))
    return result
