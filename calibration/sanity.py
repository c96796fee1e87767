"""Runs the believability checks: the plan that answers them, what is read of lives for them, and what each finds.

Imports the kinds from `check_kinds`; knows neither how a kind is worked out nor the table of checks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calibration.check_kinds import LEDGER_KINDS, PROGRAMME_KINDS, SAMPLE_KINDS
from calibration.checks import Check, Finding, Values, finding_of
from calibration.counting import jackknife
from calibration.gains import net_account, register_outcomes
from calibration.ground import Ground
from calibration.ledger_checks import needs_of
from calibration.life_checks import accounts_to_read, register_spells
from calibration.null_programmes import NULL_ARM, with_arms
from sim.errors import FramsynError
from sim.ledger import Need
from sim.outcome import Outcome
from sim.plan import Plan, bind


def plan_for(plan: Plan, checks: Sequence[Check]) -> tuple[Plan, list[str]]:
    """Return the plan that answers the checks: with arms of the null programmes, and what has to be counted together.

    Also returns, in words, what could not be arranged; the checks concerned find nothing.
    """
    scenario, troubles = plan.scenario, []
    names = [check.what for check in checks if check.kind == "null"]
    try:
        scenario = with_arms(scenario, {NULL_ARM + name: name for name in names}) if names else scenario
    except FramsynError as error:
        troubles.append(f"no arms of programmes without effect: {error}")
    needs: list[Need] = []
    for check in checks:
        try:
            needs += needs_of(check, scenario.model)
        except FramsynError as error:
            troubles.append(f"check '{check.id}': {error}")
    return bind(replace(scenario, needs=tuple(dict.fromkeys(needs)))), troubles


def register(checks: Sequence[Check], ground: Ground) -> None:
    """Say what the sample of lives has to be read for."""
    accounts = {**accounts_to_read(checks, ground), **net_account(ground)}
    register_spells(checks, ground)
    register_outcomes(ground)
    ground.read_accounts(accounts)


def run_checks(checks: Sequence[Check], outcome: Outcome) -> tuple[list[Finding], list[str]]:
    """Work out every check from one outcome; also return, in words, what could not be worked out.

    The outcome is that of a plan made by `plan_for`.
    """
    ground = Ground(outcome)
    troubles: list[str] = []
    try:
        register(checks, ground)
    except FramsynError as error:
        troubles.append(f"the sample of lives: {error}")
    findings: list[Finding] = []
    values: dict[str, Values] = {}
    for check in checks:
        try:
            findings += _found(check, ground, values)
        except (FramsynError, KeyError) as error:
            troubles.append(f"check '{check.id}': {error}")
            if check.judged:
                findings.append(finding_of(check, None, None, None, check.low, check.high))
    return findings, troubles


def _found(check: Check, ground: Ground, values: dict[str, Values]) -> list[Finding]:
    if check.kind in PROGRAMME_KINDS:
        return PROGRAMME_KINDS[check.kind](check, ground)
    if check.kind in SAMPLE_KINDS:
        simulated, se = SAMPLE_KINDS[check.kind](check, ground)
        return [finding_of(check, None, simulated, se, check.low, check.high)]
    own = LEDGER_KINDS[check.kind](check, ground)
    if check.kind != "tax_wedge" and check.against:
        below = values[check.against]
        own = [a / b if b else math.inf for a, b in zip(own, below, strict=True)]
    values[check.id] = own
    if not check.judged:
        return []
    se = jackknife(own[1:]) if np.isfinite(own).all() else None
    return [finding_of(check, None, own[0], se, check.low, check.high)]
