"""The steady-state identity: what the nation spends in a year over its births ≈ what a child costs over life.

Rows of `targets/national_spending.csv` beside the simulated baseline, in kronor of the row's year. Imports `sim`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.checks import Finding
from calibration.counting import jackknife, left_out
from calibration.ground import Ground
from calibration.targets import FOLDER, read_figures
from sim.errors import FramsynError

GAP = 0.2
"""The relative gap that needs an explanation."""

BIRTHS = "births_live_2022"
"""The registry row that national spending is divided by."""


@dataclass(frozen=True)
class Spending:
    """What is known of one function's national spending in a year."""

    id: str
    payer: str
    prices: str
    """Names of the prices that stand for it in the model."""
    amount: float
    """SEK in the year, costs and taxes alike positive."""
    year: int
    provenance: str
    source: str
    explanation: str
    """The heading of docs/validation.md that explains a gap over a fifth, or nothing."""


def read_spending(path: Path = FOLDER / "national_spending.csv") -> tuple[Spending, ...]:
    """Read what the nation spends, row by row."""
    with open(path, encoding="utf-8", newline="") as file:
        return tuple(
            Spending(
                row["id"], row["payer"], row["prices"], float(row["amount"]), int(row["year"]), row["provenance"],
                row["source"], row["explanation"],
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


def identities(rows: Sequence[Spending], ground: Ground) -> tuple[list[Finding], list[str]]:
    """Return national spending over births beside the simulated lifetime cost, row by row; and what found no price."""
    births = read_figures()[BIRTHS].value
    findings, troubles = [], []
    for row in rows:
        try:
            findings.append(_identity(row, births, ground))
        except FramsynError as error:
            troubles.append(f"steady state '{row.id}': {error}")
    return findings, troubles


@dataclass(frozen=True)
class Total:
    """All functions of a payer together: what they cost, or what they bring in."""

    payer: str
    what: str
    nation: float
    life: float


def totals_by_payer(rows: Sequence[Spending], findings: Sequence[Finding], ground: Ground) -> list[Total]:
    """Return the sums over each payer's functions, costs and revenues apart, each row in its own year's kronor."""
    found = {one.id: one for one in findings}
    sums: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        one = found.get(_name(row))
        if one is None or one.simulated is None:
            continue
        revenue = all(price.kind == "revenue" for price in ground.prices(row.prices))
        total = sums.setdefault((row.payer, "all revenue above" if revenue else "all costs above"), [0.0, 0.0])
        total[0] += one.registry
        total[1] += one.simulated
    return [Total(*key, *sums[key]) for key in sorted(sums)]


def _name(row: Spending) -> str:
    return f"steady_state_{row.id}"


def _identity(row: Spending, births: float, ground: Ground) -> Finding:
    totals = ground.money(ground.prices(row.prices), row.year).sum(axis=1)
    persons = ground.outcome.baseline.persons
    values = [
        float(np.abs(a.sum()) / b.sum()) for a, b in zip(left_out(totals), left_out(persons.astype(float)), strict=True)
    ]
    registry = row.amount / births
    return Finding(
        id=_name(row),
        registry=registry,
        simulated=values[0],
        se=jackknife(values[1:]),
        low=registry * (1 - GAP),
        high=registry * (1 + GAP),
        population="all_residents",
        provenance=row.provenance,
        unit=f"SEK per child, {row.year}",
        kind=row.payer,
        note=row.source,
        explained=row.explanation,
    )
