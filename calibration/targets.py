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

from calibration.counting import (
    Count,
    cells,
    deaths_need,
    is_permanent,
    jackknife,
    life_expectancy,
    median,
    over_copies,
    period_life_expectancy,
    ratio,
    sum_over,
    volume,
)
from sim.domain import BASES, Quantity
from sim.errors import FramsynError, RuleError, TargetError, nearest
from sim.ledger import Need, need_of
from sim.model import MAX_AGE, Model
from sim.outcome import Outcome

__all__ = (
    "COHORT_POPULATIONS", "FOLDER", "NEAR", "Figure", "Result", "Target", "evaluate", "life_expectancy", "needs",
    "read_figures", "read_targets",
)  # fmt: skip

FOLDER = Path(__file__).parent / "targets"

NEAR_BORN = "near_born"

COHORT_POPULATIONS = ("born_in_sweden", NEAR_BORN)
"""Populations of registry rows that a birth cohort may be judged on."""

STATISTICS = ("share", "median", "life_expectancy")

SETS = ("fit", "held-out")

NEAR = 0.1
"""How near is near enough, as a share of the value, where a target does not say."""

ALLOWANCE = 0.05
"""Relative width added to that for a figure of `near_born`: the registry counts some who were born elsewhere."""

EQUIVALENT = "equivalent:"
"""How a note begins that says why a count of another basis answers the figure."""

EVER = "ever"


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
    """`share`: numerator / denominator over person-years of the ages; `median` of a quantity over the living of the
    ages; `life_expectancy` at the first age, of a group by what it is at the start of each year."""
    numerator: Count
    denominator: Count
    basis: str
    ages: tuple[int, int]
    denominator_ages: tuple[int, int]
    scale: float
    """What the share is multiplied by: 1000 for a rate per 1 000."""
    tolerance: float | None
    """How far off is near enough, in the figure's unit; None: a tenth of the value or two standard errors, and a
    twentieth of the value more for a figure of `near_born`."""
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
    path: Path = FOLDER / "birth_cohort.csv",
    *,
    figures: Mapping[str, Figure] | None = None,
    populations: Sequence[str] = COHORT_POPULATIONS,
    whose: str = "a birth cohort",
) -> tuple[Target, ...]:
    """Read the targets of a birth cohort, or of `whose` may be judged on other populations.

    Raises TargetError for an unknown registry row or statistic, for a row of a population that it must not be judged
    on, and for a count of another basis than the figure's whose note does not say why it is equivalent.
    """
    known = read_figures() if figures is None else figures
    with open(path, encoding="utf-8", newline="") as file:
        return tuple(_target(row, known, populations, whose) for row in csv.DictReader(file))


def _target(row: Mapping[str, str], known: Mapping[str, Figure], populations: Sequence[str], whose: str) -> Target:
    name = row["id"]
    if row["registry_id"] not in known:
        raise TargetError(
            f"target '{name}': no registry row {row['registry_id']!r}", hint=nearest(row["registry_id"], known)
        )
    figure = known[row["registry_id"]]
    if figure.population not in populations:
        raise TargetError(
            f"target '{name}': registry row '{figure.id}' is of the population {figure.population}, and {whose}"
            f" may be judged on {' or '.join(populations)} only"
        )
    for key, allowed in (("statistic", STATISTICS), ("basis", BASES), ("set", SETS)):
        if row[key] not in allowed:
            raise TargetError(f"target '{name}': {key} is {row[key]!r}", hint=nearest(row[key], allowed))
    try:
        numerator, denominator = Count.of(row["numerator"]), Count.of(row["denominator"] or "1")
    except RuleError as error:
        raise TargetError(f"target '{name}': {error}") from None
    ages = read_ages(row["ages"], f"target '{name}'")
    target = Target(
        name, figure, row["statistic"], numerator, denominator, row["basis"], ages,
        read_ages(row["denominator_ages"], f"target '{name}'") if row["denominator_ages"] else ages,
        float(row["scale"]), float(row["tolerance"]) if row["tolerance"] else None, row["set"], row["note"],
    )  # fmt: skip
    _check_basis(target)
    return target


def read_ages(text: str, whose: str) -> tuple[int, int]:
    """Return a closed window of ages written `low-high`; raises TargetError for anything else."""
    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit() and int(low) <= int(high) <= MAX_AGE):
        raise TargetError(f"{whose}: the ages {text!r} must be 'low-high' within 0 to {MAX_AGE}")
    return int(low), int(high)


def _check_basis(target: Target) -> None:
    """Refuse a count of another basis than the figure's, unless the note says why it comes to the same.

    A figure that holds ever before an age is answered by what is permanent (`needs` looks), on a date; a life table
    is made of deaths, which are events.
    """
    asked = target.figure.basis
    answers = {EVER: "on_date"}.get(asked, asked)
    if target.statistic == "life_expectancy":
        answers = target.basis if asked == "event" else asked
    if target.basis != answers and not target.note.startswith(EQUIVALENT):
        raise TargetError(
            f"target '{target.id}': the figure '{target.figure.id}' is counted {asked}, and the target {target.basis}",
            hint=f"count it {answers}, or begin the note with '{EQUIVALENT}' and say why it comes to the same",
        )


def needs(targets: Sequence[Target], model: Model) -> tuple[Need, ...]:
    """Return the columns that the targets have to see counted together.

    Raises TargetError for an unknown name, for a quantity of another basis, and for a figure that holds ever before
    an age where what is counted may end again.
    """
    found: list[Need] = []
    for target in targets:
        above, below = quantities_of(target, model)
        lasting = is_permanent(target.numerator, model) or target.note.startswith(EQUIVALENT)
        if target.figure.basis == EVER and not lasting:
            raise TargetError(
                f"target '{target.id}': the figure '{target.figure.id}' holds ever before an age, and what is counted"
                " may end again",
                hint=f"count a counter or states that nothing leads out of, or begin the note with '{EQUIVALENT}'",
            )
        found += [need_of(above, model), need_of(below, model)]
        if target.statistic == "life_expectancy" and not _is_constant(above, model):
            found.append(deaths_need(above, model))
    return tuple(dict.fromkeys(found))


def evaluate(targets: Sequence[Target], outcome: Outcome) -> list[Result]:
    """Compare the baseline with every target; the worst first."""
    results = [result_of(target, _values(target, outcome)) for target in targets]
    return sorted(results, key=lambda result: -result.distance)


def quantities_of(target: Target, model: Model) -> tuple[Quantity, Quantity]:
    """Return numerator and denominator as quantities; an expression that is divided by is counted on the date."""
    below = target.denominator
    basis = "on_date" if below.quantity is None else model.quantity(below.quantity).basis
    try:
        return (
            target.numerator.as_quantity(model, f"{target.id}, numerator", target.basis),
            below.as_quantity(model, f"{target.id}, denominator", basis),
        )
    except FramsynError as error:
        raise TargetError(f"target '{target.id}': {error}") from None


def _is_constant(quantity: Quantity, model: Model) -> bool:
    return not any(name in model.changing for name in quantity.rule.reads)


def result_of(target: Target, unscaled: Sequence[float]) -> Result:
    """Return what a statistic of all copies, then of all but each, says of a target; TargetError where of nobody."""
    values = [target.scale * value for value in unscaled]
    if np.isnan(values[0]):
        raise TargetError(f"target '{target.id}': nobody is in the denominator")
    simulated, se = values[0], jackknife(values[1:])
    tolerance = target.tolerance
    if tolerance is None:
        value = abs(target.figure.value)
        more = ALLOWANCE * value if target.figure.population == NEAR_BORN else 0.0
        tolerance = max(NEAR * value, 2 * (se or 0.0)) + more
    return Result(target, simulated, se, tolerance)


def _values(target: Target, outcome: Outcome) -> list[float]:
    """Return the statistic of all copies, then of all but each of them."""
    above, below = quantities_of(target, outcome.plan.scenario.model)
    if target.statistic == "life_expectancy":
        alive = volume(above, outcome)
        if _is_constant(above, outcome.plan.scenario.model):
            return over_copies(lambda some: life_expectancy(some, target.ages[0]), alive)
        died, weights = cells(above, outcome, deaths=True)
        deaths = outcome.fold(np.einsum("brc,rc->br", died, weights))
        return over_copies(lambda d, a: period_life_expectancy(d, a, target.ages[0]), deaths, alive)
    if target.statistic == "median":
        counts, amounts = cells(above, outcome)
        rows = slice(target.ages[0] + 1, target.ages[1] + 2)
        return over_copies(lambda some: median(amounts[rows], some), outcome.fold(counts[:, rows]))
    over = sum_over(volume(above, outcome), target.ages), sum_over(volume(below, outcome), target.denominator_ages)
    return over_copies(ratio, *over)
