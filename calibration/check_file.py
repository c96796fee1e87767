"""The file form of the checks: reads `targets/sanity.csv` and refuses rows with mistakes.

Imports the names of the kinds from `check_kinds`; knows no outcome and runs nothing.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from calibration.check_kinds import KINDS, PROGRAMME_KINDS
from calibration.checks import LIFE, Check
from calibration.targets import FOLDER, read_ages
from sim.errors import TargetError, nearest


def read_checks(path: Path = FOLDER / "sanity.csv") -> tuple[Check, ...]:
    """Read the checks; raises TargetError for an unknown kind or for a row without bounds that nothing refers to."""
    with open(path, encoding="utf-8", newline="") as file:
        checks = tuple(_check(row) for row in csv.DictReader(file))
    referred = {check.against for check in checks}
    for check in checks:
        if not check.judged and check.kind not in PROGRAMME_KINDS and check.id not in referred:
            raise TargetError(f"check '{check.id}' has neither a value nor bounds, and no other is set against it")
    return checks


def _check(row: Mapping[str, str]) -> Check:
    name = row["id"]
    if row["kind"] not in KINDS:
        raise TargetError(f"check '{name}': kind is {row['kind']!r}", hint=nearest(row["kind"], KINDS))
    value = float(row["value"]) if row["value"] else None
    low, high = (float(row[key]) if row[key] else end for key, end in (("low", -math.inf), ("high", math.inf)))
    if value is not None:
        tolerance = row["tolerance"]
        width = abs(value) * float(tolerance[:-1]) / 100 if tolerance.endswith("%") else float(tolerance)
        low, high = value - width, value + width
    ages = read_ages(row["ages"], f"check '{name}'") if row["ages"] else LIFE
    below = read_ages(row["denominator_ages"], f"check '{name}'") if row["denominator_ages"] else ages
    given = dict(part.split() for part in row["given"].split(";")) if row["given"] else {}
    return Check(
        name, row["kind"], row["what"], row["denominator"] or "1", row["basis"] or "on_date", ages, below,
        row["against"], float(row["rate"] or 0), int(row["price_year"]) if row["price_year"] else None,
        {key: float(number) for key, number in given.items()}, low, high, value, row["unit"], row["population"],
        row["provenance"], row["source"], row["note"],
    )  # fmt: skip
