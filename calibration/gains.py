"""What arms gain, held against what can be believed: the whole cost of what they avoid, and their own cost.

Imports `checks`, `ground` and `lives`; knows neither the programmes without effect nor the table of checks.
"""

from __future__ import annotations

import math

import numpy as np

from calibration.checks import LIFE, Check, Finding, finding_of
from calibration.ground import Ground
from calibration.lives import Account, Reader, ever
from sim.comparison import ArmResult
from sim.intervention import Effect
from sim.prices import PUBLIC

_NET = "net public cost"
"""The account of all public costs and revenues over life, discounted."""


def ceiling(check: Check, ground: Ground) -> list[Finding]:
    """Return each arm's gain per participant beside what the outcomes that it avoids cost in the model.

    The cost is the difference in discounted net public cost between the lives that ever meet the outcome and the
    others, the most costly one of the arm's effects: an association, so more than any effect can save.
    """
    found = []
    for arm, (result, effects) in _arms_with_effects(ground).items():
        most = max(_cost_of_outcome(effect, ground) for effect in effects)
        gain = _gain(result, ground) / max(result.participants, 1)
        note = f"arm {arm}: at most the whole cost of what is avoided"
        found.append(finding_of(check, most, gain, None, -math.inf, most, name=f"{check.id}_{arm}", note=note))
    return found


def benefit_cost_ratio(check: Check, ground: Ground) -> list[Finding]:
    """Return each arm's gain over its cost; one above the bound warns."""
    found = []
    for arm, (result, _) in _arms_with_effects(ground).items():
        spent = result.by_payer[PUBLIC].spent * ground.outcome.baseline.persons.sum()
        value = _gain(result, ground) / spent if spent else float("nan")
        note = f"arm {arm}: a ratio above {check.high:g} is seldom believed"
        name = f"{check.id}_{arm}"
        found.append(
            finding_of(check, check.high, value, None, -math.inf, check.high, name=name, note=note, warns=True)
        )
    return found


def net_account(ground: Ground) -> dict[str, Account]:
    """Return the account that tells what each life costs the public, by its name."""
    return {_NET: Account(ground.public_prices(), LIFE, ground.scenario.economics)}


def register_outcomes(ground: Ground) -> None:
    """Say which outcomes of the arms' effects the sample of lives has to be read for."""
    plan = ground.plan
    for arm in ground.scenario.arms.values():
        for effect in (e for one in arm.interventions for e in one.effects if e.size):
            if effect.trait is not None:
                ground.wanted[f"trait {effect.trait}"] = _row(plan.layout.row(effect.trait))
            for domain, state in _outcome_of(effect):
                ground.wanted[f"ever {domain} {state}"] = ever(plan, domain, [state])


def _gain(result: ArmResult, ground: Ground) -> float:
    """Return an arm's whole discounted saving apart from what it spends, cashable or not, over everyone."""
    public = result.by_payer[PUBLIC]
    return float((public.spent - public.gross) * ground.outcome.baseline.persons.sum())


def _arms_with_effects(ground: Ground) -> dict[str, tuple[ArmResult, list[Effect]]]:
    arms = ground.scenario.arms
    effects = {arm: [e for one in arms[arm].interventions for e in one.effects if e.size] for arm in ground.arms}
    return {arm: (ground.arms[arm], effects[arm]) for arm in ground.arms if effects[arm]}


def _outcome_of(effect: Effect) -> list[tuple[str, str]]:
    """Return the states that an effect keeps people out of: where it lowers, the destination, else the origin."""
    return [(domain, to if effect.size < 0 else origin) for domain, origin, to in effect.on]


def _cost_of_outcome(effect: Effect, ground: Ground) -> float:
    """Return by how much lives that meet what an effect avoids cost the public more than others."""
    net = ground.account(_NET)
    if effect.trait is not None:
        bins = ground.sample[f"trait {effect.trait}"]
        means = [net[bins == code].mean() for code in np.unique(bins)]
        return float(max(means) - min(means))
    met = [ground.sample[f"ever {domain} {state}"] for domain, state in _outcome_of(effect)]
    return float(max((net[one].mean() - net[~one].mean() for one in met if one.any() and not one.all()), default=0.0))


def _row(row: int) -> Reader:
    return lambda history: np.asarray(history[0, row])
