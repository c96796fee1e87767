"""Registry targets: what a run's counts are compared with, and how far off they are.

Two tables: `targets/registry.csv` holds the figures with population, basis and provenance; `targets/birth_cohort.csv`
says which counts of a birth cohort answer which of them. Imports `sim`; knows no file of the user's.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.domain import BASES, Quantity
from sim.errors import RuleError, TargetError, nearest
from sim.expression import Expression
from sim.ledger import Ledger, Need, amounts, need_of
from sim.model import MAX_AGE, Model
from sim.outcome import Outcome
from sim.tables import Parameters

FOLDER = Path(__file__).parent / "targets"

COHORT_POPULATIONS = ("born_in_sweden", "near_born")
"""Populations of registry rows that a birth cohort may be judged on."""

STATISTICS = ("share", "life_expectancy")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One row of the registry table."""

    id: str
    value: float
    unit: str
    population: str
    basis: str
    year: str
    provenance: str
    source: str


@dataclass(frozen=True)
class Target:
    """One figure and the counts that answer it."""

    id: str
    figure: Figure
    statistic: str
    """`share`: numerator / denominator over person-years of the ages; `life_expectancy` at the first age."""
    numerator: Expression
    denominator: Expression
    basis: str
    ages: tuple[int, int]
    denominator_ages: tuple[int, int]
    scale: float
    """What the share is multiplied by: 1000 for a rate per 1 000."""
    tolerance: float | None
    """How far off is near enough, in the figure's unit; None: a tenth of the value or two standard errors."""
    set: str
    note: str


@dataclass(frozen=True)
class Result:
    """A target and what the run says of it."""

    target: Target
    simulated: float
    se: float | None
    tolerance: float

    @property
    def within(self) -> bool:
        """Whether the simulated value is within the tolerance."""
        return abs(self.simulated - self.target.figure.value) <= self.tolerance

    @property
    def distance(self) -> float:
        """How far off, in tolerances."""
        return abs(self.simulated - self.target.figure.value) / self.tolerance


def read_figures(path: Path = FOLDER / "registry.csv") -> dict[str, Figure]:
    """Read the registry table: id -> figure."""
    with open(path, encoding="utf-8", newline="") as file:
        return {
            row["id"]: Figure(
                row["id"], float(row["value"]), row["unit"], row["population"], row["basis"], row["year"],
                row["provenance"], row["source"],
            )
            for row in csv.DictReader(file)
        }  # fmt: skip


def read_targets(
    path: Path = FOLDER / "birth_cohort.csv", *, figures: Mapping[str, Figure] | None = None
) -> tuple[Target, ...]:
    """Read the targets of a birth cohort.

    Raises TargetError for an unknown registry row or statistic, and for a row of a population that a birth cohort
    must not be judged on.
    """
    known = read_figures() if figures is None else figures
    with open(path, encoding="utf-8", newline="") as file:
        return tuple(_target(row, known) for row in csv.DictReader(file))


def _target(row: Mapping[str, str], known: Mapping[str, Figure]) -> Target:
    name = row["id"]
    if row["registry_id"] not in known:
        raise TargetError(
            f"target '{name}': no registry row {row['registry_id']!r}", hint=nearest(row["registry_id"], known)
        )
    figure = known[row["registry_id"]]
    if figure.population not in COHORT_POPULATIONS:
        raise TargetError(
            f"target '{name}': registry row '{figure.id}' is of the population {figure.population}, and a birth cohort"
            f" may be judged on {' or '.join(COHORT_POPULATIONS)} only"
        )
    for key, allowed in (("statistic", STATISTICS), ("basis", BASES), ("set", ("fit", "held-out"))):
        if row[key] not in allowed:
            raise TargetError(f"target '{name}': {key} is {row[key]!r}", hint=nearest(row[key], allowed))
    try:
        numerator, denominator = Expression.of(row["numerator"]), Expression.of(row["denominator"] or 1)
    except RuleError as error:
        raise TargetError(f"target '{name}': {error}") from None
    ages = _ages(row["ages"], name)
    return Target(
        name, figure, row["statistic"], numerator, denominator, row["basis"], ages,
        _ages(row["denominator_ages"], name) if row["denominator_ages"] else ages, float(row["scale"]),
        float(row["tolerance"]) if row["tolerance"] else None, row["set"], row["note"],
    )  # fmt: skip


def _ages(text: str, name: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit() and int(low) <= int(high) <= MAX_AGE):
        raise TargetError(f"target '{name}': the ages {text!r} must be 'low-high' within 0 to {MAX_AGE}")
    return int(low), int(high)


def needs(targets: Sequence[Target], model: Model) -> tuple[Need, ...]:
    """Return the columns that the targets have to see counted together; raises TargetError for an unknown name."""
    found: list[Need] = []
    for target in targets:
        for quantity in _quantities(target, model):
            found.append(need_of(quantity, model))
    return tuple(dict.fromkeys(found))


def evaluate(targets: Sequence[Target], outcome: Outcome) -> list[Result]:
    """Compare the baseline with every target; the worst first."""
    results = [_result(target, outcome) for target in targets]
    return sorted(results, key=lambda result: -result.distance)


def _quantities(target: Target, model: Model) -> tuple[Quantity, Quantity]:
    """Return numerator and denominator as quantities; what is divided by is counted on the date."""
    try:
        rules = [one.rule(model.columns) for one in (target.numerator, target.denominator)]
    except RuleError as error:
        raise TargetError(f"target '{target.id}': {error}") from None
    return (
        Quantity(f"{target.id}, numerator", rules[0], target.basis, ""),
        Quantity(f"{target.id}, denominator", rules[1], "on_date", ""),
    )


def _result(target: Target, outcome: Outcome) -> Result:
    if target.statistic == "life_expectancy":
        alive = _volumes(target, outcome)[0]
        values = [life_expectancy(some, target.ages[0]) for some in _left_out(alive)]
    else:
        above, below = _volumes(target, outcome)
        over = _sum_over(above, target.ages), _sum_over(below, target.denominator_ages)
        if over[1].sum() == 0:
            raise TargetError(f"target '{target.id}': nobody is in the denominator")
        shares = zip(_left_out(over[0]), _left_out(over[1]), strict=True)
        values = [target.scale * float(a.sum() / b.sum()) if b.sum() else float("nan") for a, b in shares]
    simulated, se = values[0], _jackknife(values[1:])
    tolerance = target.tolerance
    if tolerance is None:
        tolerance = max(0.1 * abs(target.figure.value), 2 * (se or 0.0))
    return Result(target, simulated, se, tolerance)


def _volumes(target: Target, outcome: Outcome) -> tuple[FloatArray, FloatArray]:
    """Return numerator and denominator by copy and row."""
    model, ledger = outcome.plan.scenario.model, outcome.baseline
    above, below = (_volume(quantity, outcome, ledger) for quantity in _quantities(target, model))
    return above, below


def _volume(quantity: Quantity, outcome: Outcome, ledger: Ledger) -> FloatArray:
    model = outcome.plan.scenario.model
    margin = ledger.margin(need_of(quantity, model).columns)
    weights = amounts(quantity, model, Parameters(), margin, outcome.plan.scenario.horizon)
    return np.asarray(np.einsum("brc,rc->br", ledger.of(margin).astype(np.float64), weights))


def _sum_over(volume: FloatArray, ages: tuple[int, int]) -> FloatArray:
    return np.asarray(volume[:, ages[0] + 1 : ages[1] + 2].sum(axis=1))


def _left_out(values: FloatArray) -> list[FloatArray]:
    """Return all copies, then all but each of them."""
    return [values, *(np.delete(values, copy, axis=0) for copy in range(len(values)))] if len(values) > 1 else [values]


def _jackknife(values: Sequence[float]) -> float | None:
    """Return the jackknife standard error from leave-one-copy-out values; None where all is in one copy."""
    if len(values) < 2 or np.isnan(values).any():
        return None
    array = np.asarray(values)
    return float(np.sqrt((len(array) - 1) / len(array) * ((array - array.mean()) ** 2).sum()))


def life_expectancy(alive: FloatArray, age: int) -> float:
    """Return the remaining years at an exact age: Σ L_a / ((L_(x-1) + L_x) / 2), at birth Σ L_a / births.

    alive: (copies, steps + 1), row 0 the births, row a + 1 the alive after the step of age a.
    """
    total = alive.sum(axis=0)
    at_age = total[0] if age == 0 else (total[age] + total[age + 1]) / 2
    return float(total[age + 1 :].sum() / at_age)
