"""A sample of baseline lives, read year by year: what no ledger keeps, because it joins the years of one person.

Imports `sim`; knows no registry. A reader is a function of a batch's history and returns values by person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.counting import parameters_of
from sim.chunk import history_of
from sim.domain import Quantity
from sim.draws import philox_key
from sim.errors import TargetError
from sim.ledger import Margin, amounts, need_of
from sim.persons import NOT_ALIVE, all_ids, class_of, persons_of, split
from sim.plan import Plan
from sim.prices import Economics, Price
from sim.scenario import BASELINE

SAMPLE = 20_000
"""Lives that are read one by one."""

BATCH = 1_000
"""Lives whose histories are held in memory together."""

FloatArray = NDArray[np.float64]
History = NDArray[np.uint8]
"""(steps + 1, columns, persons): row 0 at birth, row t + 1 after step t."""
Reader = Callable[[History], NDArray[np.generic]]
"""Returns (…, persons)."""


def sampled_ids(plan: Plan, persons: int = SAMPLE) -> NDArray[np.uint64]:
    """Return the identities of a sample spread evenly over all copies, of whole classes; everyone if there are few."""
    ids = all_ids(plan)
    if len(ids) <= persons:
        return ids
    size = plan.scenario.cohort.class_size
    if size is None:
        return ids[(np.arange(persons) * len(ids)) // persons]
    every, number = np.unique(class_of(plan, ids), return_inverse=True)
    classes = max(1, persons // size)
    return ids[np.isin(number, (np.arange(classes) * len(every)) // classes)]


def read_lives(
    plan: Plan, readers: Mapping[str, Reader], *, seed: int, ids: NDArray[np.uint64] | None = None, batch: int = BATCH
) -> dict[str, NDArray[np.generic]]:
    """Live a sample in the baseline, batch by batch, and return what each reader saw, persons last."""
    key = philox_key(seed)
    persons = persons_of(plan, sampled_ids(plan) if ids is None else ids, None, key)
    found: dict[str, list[NDArray[np.generic]]] = {name: [] for name in readers}
    batches = split(np.argsort(persons.ids), batch, class_of(plan, persons.ids))  # classes side by side
    for members in batches:
        some = persons.some(members)
        history = history_of(plan, plan.programs[BASELINE], some.ids, key, some.families)
        for name, reader in readers.items():
            found[name].append(reader(history))
    in_order = np.argsort(np.concatenate(batches))
    return {name: np.concatenate(parts, axis=-1)[..., in_order] for name, parts in found.items()}


def alive(plan: Plan, history: History) -> NDArray[np.bool_]:
    """Return who is alive after each step: (rows, persons)."""
    return np.asarray(history[:, plan.layout.row("age")] != NOT_ALIVE)


def yearly(quantity: Quantity, plan: Plan) -> Callable[[History], FloatArray]:
    """Return the reader of a quantity's amount in each year of each life, 0 after death: (rows, persons).

    The same amounts as a ledger's, looked up by each person's own columns before and after the step.
    """
    model = plan.scenario.model
    margin = Margin(tuple(sorted(need_of(quantity, model).columns)), model.columns, 0)
    weights = amounts(quantity, model, parameters_of(plan), margin, plan.scenario.horizon)
    rows = np.arange(len(weights))[:, None]

    def read(history: History) -> FloatArray:
        living = alive(plan, history)
        cells = np.zeros(living.shape, dtype=np.int64)
        for name, size in zip(margin.columns, margin.sizes, strict=True):
            cells = cells * size + history[:, plan.layout.row(name)]
        return np.asarray(np.where(living, weights[rows, np.where(living, cells, 0)], 0.0))

    return read


@dataclass(frozen=True)
class Account:
    """Money of each life: some prices over a window of ages, seen from one decision."""

    prices: tuple[Price, ...]
    ages: tuple[int, int]
    economics: Economics
    """Price year and rate; a rate of 0 leaves all years alike."""


def accounts(plan: Plan, wanted: Mapping[str, Account]) -> Reader:
    """Return the reader of several accounts at once, costs positive: (accounts, persons).

    A quantity that several prices are of is looked up once. Raises TargetError where states are not counted at the end
    of each step.
    """
    if any(one.economics.counted != "end" for one in wanted.values()):
        raise TargetError("money of single lives is counted at the end of each year", hint="set `counted: end`")
    steps = plan.scenario.horizon
    ages = np.arange(-1, steps)
    factors: dict[Quantity, FloatArray] = {}
    for place, one in enumerate(wanted.values()):
        inside = (ages >= one.ages[0]) & (ages <= one.ages[1])
        for price in one.prices:
            uprated = price.amount * plan.scenario.prices.uprating(price.price_year, one.economics.price_year)
            row = factors.setdefault(price.quantity, np.zeros((len(wanted), steps + 1)))
            row[place] += price.sign * uprated * one.economics.factors(steps) * inside
    readers = [(yearly(quantity, plan), factor) for quantity, factor in factors.items()]

    def read(history: History) -> NDArray[np.generic]:
        total: FloatArray = np.zeros((len(wanted), history.shape[2]))
        for reader, factor in readers:
            total += factor @ reader(history)
        return total

    return read


def ever(plan: Plan, domain: str, states: Iterable[str]) -> Reader:
    """Return the reader of whether a life was ever in one of these states: (persons,)."""
    codes = [plan.scenario.model.domain(domain).states.index(state) for state in states]

    def read(history: History) -> NDArray[np.generic]:
        inside = np.isin(history[:, plan.layout.row(domain)], codes) & alive(plan, history)
        return np.asarray(inside.any(axis=0))

    return read
