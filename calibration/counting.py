"""Counting for targets and checks: an expression over columns, or a quantity of the model, by copy and row of a ledger.

Imports `sim`; knows no registry and no money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.domain import PREVIOUS, Quantity
from sim.errors import RuleError
from sim.expression import Expression
from sim.ledger import Ledger, Need, amounts, need_of
from sim.model import Model
from sim.outcome import Outcome
from sim.plan import Plan
from sim.scenario import BASELINE
from sim.tables import Axis, Column, Parameters, Rule

FloatArray = NDArray[np.float64]

QUANTITY = "quantity:"
WHERE = " where "


@dataclass(frozen=True)
class Count:
    """What is counted: `expression`, or `quantity:name`, or `quantity:name where expression`."""

    text: str
    quantity: str | None
    """Name of a quantity of the model; None: the expression alone is counted."""
    condition: Expression
    """What is counted, or which part of the quantity."""

    @classmethod
    def of(cls, text: str) -> Count:
        """Read a count; raises RuleError for what is no expression.

        >>> Count.of("quantity:suspect_years where sex == 'boy'").quantity
        'suspect_years'
        """
        text = text.strip()
        if not text.startswith(QUANTITY):
            return cls(text, None, Expression.of(text))
        name, _, condition = text.removeprefix(QUANTITY).partition(WHERE)
        return cls(text, name.strip(), Expression.of(condition.strip() or 1))

    def as_quantity(self, model: Model, name: str, basis: str) -> Quantity:
        """Return it as a quantity of a name; raises RuleError or ModelError for what the model does not know.

        A quantity of the model keeps its own basis; RuleError where another one is asked for.
        """
        condition = self.condition.rule(model.columns)
        if self.quantity is None:
            return Quantity(name, condition, basis, "")
        own = model.quantity(self.quantity)
        if own.basis != basis:
            raise RuleError(f"the quantity '{own.name}' is counted {own.basis}, not {basis}")
        return Quantity(name, _both(own.rule, condition), own.basis, own.unit, own.days, own.price_year)


def _both(left: Rule, right: Rule) -> Rule:
    """Return the product of two rules as one."""
    reads = tuple(dict.fromkeys([*left.reads, *right.reads]))

    def product(p: Parameters | None = None, **axes: Any) -> Any:
        own: dict[str, Any] = {name: axes[name] for name in left.reads}
        if left.takes_parameters:
            own["p"] = p
        first, second = left.function(**own), right.function(**{name: axes[name] for name in right.reads})
        return Axis.plain("", first) * Axis.plain("", second)

    return Rule(product, reads, left.takes_parameters, left.name)


def parameters_of(plan: Plan) -> Parameters:
    """Return the parameters that the quantities are worked out with in the baseline."""
    return plan.parameters_of(BASELINE).get("quantities", Parameters("quantities"))


def volume(quantity: Quantity, outcome: Outcome, ledger: Ledger | None = None) -> FloatArray:
    """Return a quantity's volume in the baseline, by copy and row: (blocks, steps + 1)."""
    counts, weights = cells(quantity, outcome, ledger=ledger)
    return outcome.fold(np.einsum("brc,rc->br", counts, weights))


def cells(
    quantity: Quantity, outcome: Outcome, *, deaths: bool = False, ledger: Ledger | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the counts over a quantity's columns, (blocks, rows, cells), and its amount in each: (rows, cells)."""
    plan = outcome.plan
    ledger = outcome.baseline if ledger is None else ledger
    margin = ledger.margin(need_of(quantity, plan.scenario.model).columns, deaths)
    weights = amounts(quantity, plan.scenario.model, parameters_of(plan), margin, plan.scenario.horizon)
    return ledger.floats(margin), weights


def deaths_need(quantity: Quantity, model: Model) -> Need:
    """Return the need of deaths counted over a quantity's columns."""
    need = need_of(quantity, model)
    return Need(need.columns, deaths=True, whose=need.whose)


def sum_over(by_row: FloatArray, ages: tuple[int, int]) -> FloatArray:
    """Return the sum over the ages of a closed window, by copy: row a + 1 is the count after the step of age a."""
    return np.asarray(by_row[:, ages[0] + 1 : ages[1] + 2].sum(axis=1))


def left_out(values: FloatArray) -> list[FloatArray]:
    """Return all copies, then all but each of them; all alone where there is one."""
    return [values, *(np.delete(values, copy, axis=0) for copy in range(len(values)))] if len(values) > 1 else [values]


def jackknife(values: Sequence[float]) -> float | None:
    """Return the jackknife standard error from leave-one-copy-out values; None where all is in one copy."""
    if len(values) < 2 or np.isnan(values).any():
        return None
    array = np.asarray(values)
    return float(np.sqrt((len(array) - 1) / len(array) * ((array - array.mean()) ** 2).sum()))


def over_copies(statistic: Callable[..., float], *by_copy: FloatArray) -> list[float]:
    """Return a statistic of all copies, then of all but each: its value and what its standard error is made of."""
    return [statistic(*some) for some in zip(*(left_out(one) for one in by_copy), strict=True)]


def ratio(above: FloatArray, below: FloatArray) -> float:
    """Return the sum of one over the sum of the other; not a number where nobody is below."""
    return float(above.sum() / below.sum()) if below.sum() else float("nan")


def life_expectancy(alive: FloatArray, age: int) -> float:
    """Return the remaining years at an exact age: Σ L_a / ((L_(x-1) + L_x) / 2), at birth Σ L_a / births.

    alive: (copies, steps + 1), row 0 the births, row a + 1 the alive after the step of age a.
    """
    total = alive.sum(axis=0)
    at_age = total[0] if age == 0 else (total[age] + total[age + 1]) / 2
    return float(total[age + 1 :].sum() / at_age)


def period_life_expectancy(deaths: FloatArray, alive: FloatArray, age: int) -> float:
    """Return the remaining years at an exact age for a group that people enter and leave: a period life table.

    deaths: (copies, steps + 1), row a + 1 those who died in the step of age a, by the group they were in before it;
    alive: (copies, steps + 1), row a + 1 those in the group after the step of age a. The step's death probability is
    deaths over those in the group at its start; ages that nobody of the group lived to see close the table.
    """
    died, began = deaths.sum(axis=0)[1:], alive.sum(axis=0)[:-1]
    risk = np.where(began > 0, died / np.where(began > 0, began, 1), 1.0)
    risk[:age] = 0.0  # the table begins with L_(x-1) = 1: who came or went before does not matter
    table = np.concatenate([[1.0], np.cumprod(1 - risk)])
    return life_expectancy(table[None, :], age)


def median(values: FloatArray, weights: FloatArray) -> float:
    """Return the weighted median: the least value that at least half of the weight lies at or below.

    values, weights: (rows, cells); weights may have copies in front.
    """
    total = weights.sum(axis=0) if weights.ndim > values.ndim else weights
    order = np.argsort(values, axis=None)
    heaped = np.cumsum(total.ravel()[order])
    return float(values.ravel()[order][np.searchsorted(heaped, heaped[-1] / 2)])


def is_permanent(count: Count, model: Model) -> bool:
    """Return whether what is counted stays true of a person for ever once it is.

    So of traits, ages and counters; and of the states of a domain that no move leads out of again.
    """
    if count.quantity is not None or any(name.startswith(PREVIOUS) for name in count.condition.reads):
        return False
    domains = {domain.name: domain for domain in model.domains}
    constant = {trait.name for trait in model.traits} | {counter.name for counter in model.counters} | {"age"}
    for name in count.condition.reads:
        if name in constant:
            continue
        if name not in domains:
            return False
        inside = _states_where(count, name, model)
        if any(m.from_state in inside and not set(m.to) <= inside for m in domains[name].moves):
            return False
    return True


def _states_where(count: Count, domain: str, model: Model) -> set[str]:
    """Return the states of a domain in which the count can be other than 0."""
    rule = count.condition.rule(model.columns)
    axes = _grid([model.columns[name] for name in rule.reads])
    shape = [model.columns[name].size for name in rule.reads]
    values = np.broadcast_to(rule.evaluate(axes, Parameters())[0], shape)
    place = rule.reads.index(domain)
    found = (values != 0).any(axis=tuple(k for k in range(len(shape)) if k != place))
    states = model.domain(domain).states
    return {state for state, some in zip(states, found, strict=True) if some}


def _grid(columns: Sequence[Column]) -> Mapping[str, Axis]:
    axes = {}
    for place, column in enumerate(columns):
        shape = [-1 if k == place else 1 for k in range(len(columns))]
        axes[column.name] = column.axis(np.arange(column.size).reshape(shape))
    return axes
