"""LC-ref/1 in Mesa 3: each person is an agent, each step of the model one year of age.

Follows Mesa's documentation: `Agent.create_agents`, `model.agents.do("step")`, `agent.remove()`, the model's
own seeded `random`. `do` rather than `shuffle_do`, since no person reads another and so the order cannot
matter. Knows the shared tables and Mesa, no other engine.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from typing import Any, NamedTuple

import mesa
import numpy as np

from .workload import DOMAINS, load

CHOICE = tuple[float, list[float], list[int]]
"""One domain: the chance of any move; by move, the chance of it or one before; by move, its shift of cell."""


class Year(NamedTuple):
    """What one year of age holds for a person in a given cell."""

    death: float
    """The chance of dying."""

    choices: tuple[CHOICE, ...]
    """The domains in which the person can move."""


@functools.cache
def years_of_life(treated_arm: bool) -> list[list[Year]]:
    """Return, by age and cell, the year in plain Python numbers, which agents read faster than arrays."""
    tables = load(treated_arm)
    states = np.unravel_index(np.arange(tables.death.shape[1]), tables.cell_shape)[3:]
    choices: list[list[list[CHOICE]]] = [[[] for _ in row] for row in tables.death]
    for domain, state in zip(DOMAINS, states, strict=True):
        moves = tables.moves[domain]
        step = (moves.target - np.arange(len(moves.target))[:, None]) * tables.strides[domain]
        shifts = step[state].tolist()
        below = moves.probability.cumsum(axis=-1).tolist()
        for by_cell, rows in zip(choices, below, strict=True):
            for choice, thresholds, shift in zip(by_cell, rows, shifts, strict=True):
                if thresholds[-1] > 0:
                    choice.append((thresholds[-1], thresholds, shift))
    return [
        [Year(death, tuple(cell)) for death, cell in zip(deaths, row, strict=True)]
        for deaths, row in zip(tables.death.tolist(), choices, strict=True)
    ]


class Person(mesa.Agent):  # type: ignore[misc]
    """A person, who knows the cell of `workload` it is in."""

    def __init__(self, model: LifeCourse, cell: int) -> None:
        super().__init__(model)
        self.cell = cell

    def step(self) -> None:
        """Live one year: die, or move in each domain from the states at its start, and be counted."""
        model = self.model
        draw = model.random.random
        cell = self.cell
        death, choices = model.year[cell]
        if draw() < death:
            self.remove()
            return
        for chance, below, shift in choices:
            if (threshold := draw()) < chance:
                cell += shift[bisect_right(below, threshold)]
        self.cell = cell
        model.lived[cell] += 1


class LifeCourse(mesa.Model):  # type: ignore[misc]
    """A birth cohort; step a is age a."""

    def __init__(self, persons: int, seed: int, treated_arm: bool) -> None:
        super().__init__(seed=seed)
        self.tables = load(treated_arm)
        self.years = years_of_life(treated_arm)
        self.year: list[Year] = []
        """The years of life at the current age, by cell."""
        self.lived: list[int] = []
        """Persons alive at the count of the current age, by cell."""
        birth = self.tables.birth
        group = self.rng.choice(birth.size, size=persons, p=birth)
        cell = group * self.tables.joint_states + self.tables.newborn
        Person.create_agents(self, persons, cell.tolist())

    def step(self) -> None:
        """Let everyone alive live one year."""
        self.year = self.years[self.steps - 1]  # Mesa counts the step before it runs it
        self.lived = [0] * len(self.year)
        self.agents.do("step")


def simulate(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate lives from birth; return `life_years` and discounted `cost` per person, and `person_years`."""
    model = LifeCourse(persons, seed, treated_arm)
    tables = model.tables
    person_years, cost = 0, np.zeros(len(tables.payers))
    for yearly_cost in tables.cost:
        model.step()
        lived = np.reshape(model.lived, (-1, tables.joint_states)).sum(axis=0)
        person_years += int(lived.sum())
        cost += lived @ yearly_cost / persons
    # Mesa numbers agents by model for the life of the process, which would keep these alive
    model.remove_all_agents()
    return {
        "life_years": person_years / persons,
        "cost": dict(zip(tables.payers, cost.tolist(), strict=True)),
        "person_years": person_years,
    }
