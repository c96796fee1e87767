"""The list of the kinds of checks: the name of each in the table, and the function that works it out.

Imports the files of the kinds; knows no table and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from calibration.checks import Check, Finding, Values
from calibration.gains import benefit_cost_ratio, ceiling
from calibration.ground import Ground
from calibration.ledger_checks import chance, cost, payer_share, per_birth, share
from calibration.life_checks import concentration, spell, spell_slope
from calibration.null_programmes import null_programme
from calibration.tax_wedge import tax_wedge

LEDGER_KINDS: dict[str, Callable[[Check, Ground], Values]] = {
    "share": share,
    "chance": chance,
    "per_birth": per_birth,
    "cost": cost,
    "payer_share": payer_share,
    "tax_wedge": tax_wedge,
}
"""Kinds that return the value of all copies, then of all but each; the tax wedge has one value alone."""

SAMPLE_KINDS: dict[str, Callable[[Check, Ground], tuple[float, float | None]]] = {
    "concentration": concentration,
    "spell": spell,
    "spell_slope": spell_slope,
}
"""Kinds that a sample of lives answers, with a standard error."""

PROGRAMME_KINDS: dict[str, Callable[[Check, Ground], list[Finding]]] = {
    "null": null_programme,
    "ceiling": ceiling,
    "bcr": benefit_cost_ratio,
}
"""Kinds that arms answer: they return findings, one an arm or one alone."""

KINDS = (*LEDGER_KINDS, *SAMPLE_KINDS, *PROGRAMME_KINDS)
