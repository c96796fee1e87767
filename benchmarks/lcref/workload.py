"""Reads the reference workload LC-ref/1, as it stands and as probability tables, and prices what was lived.

Knows the file `lcref.json` and NumPy, nothing of any engine. The peers that draw against probability tables
(`with_numpy_tables`, `with_mesa`) find them here, so that they differ in how they simulate and never in what.

A *cell* is everything a probability depends on besides age: sex, parental education, treated, and the
states of the three domains, in this order (C order, the last varies fastest). `Workload.cell_shape` gives
the size of each axis.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]

SOURCE = Path(__file__).with_name("lcref.json")
"""The workload with its exact answer."""

DOMAINS = ("education", "health", "crime")
"""The domains in the order of their axes in a cell."""


@dataclass(frozen=True)
class Moves:
    """The transitions of one domain as a table: at most `slots` competing moves out of each state."""

    probability: Floats
    """(years, cells, slots): the chance of each move at this age; 0 where the move is closed or absent."""

    target: Indexes
    """(states, slots): the state each move leads to; an absent move leads to where the person is."""


@dataclass(frozen=True)
class Workload:
    """One arm of LC-ref/1, ready to be drawn from."""

    years: int
    """Number of steps; step a is age a."""

    payers: tuple[str, ...]
    """Names of those who bear the cost, in the order of the last axis of `cost`."""

    groups: tuple[int, int, int]
    """Sizes of sex, parental education and treated."""

    states: tuple[int, int, int]
    """Number of states of each domain, in the order of `DOMAINS`."""

    birth: Floats
    """(groups,): the share of persons born in each combination of sex, parental education and treated."""

    newborn: int
    """Index, among the joint states, of the state everyone is born in."""

    death: Floats
    """(years, cells): the chance of dying at this age."""

    moves: dict[str, Moves]
    """The transitions of each domain."""

    cost: Floats
    """(years, joint states, payers): what a year in each joint state costs, discounted to birth."""

    @property
    def cell_shape(self) -> tuple[int, ...]:
        """Return the axes of a cell: sex, parental education, treated, education, health, crime."""
        return self.groups + self.states

    @property
    def joint_states(self) -> int:
        """Return the number of combinations of the domains' states."""
        return int(np.prod(self.states))

    @property
    def strides(self) -> dict[str, int]:
        """Return how far one state up in each domain is, counted in cells."""
        _, health, crime = self.states
        return {"education": health * crime, "health": crime, "crime": 1}


@functools.cache
def read() -> dict[str, Any]:
    """Read `lcref.json` as it stands."""
    content: dict[str, Any] = json.loads(SOURCE.read_text(encoding="utf-8"))
    return content


@functools.cache
def load(treated_arm: bool = False) -> Workload:
    """Tabulate one arm; in the treatment arm the treated have the treatment's effect at its ages.

    The tables are kept, so that a second call in the same process costs nothing. Treat them as read-only.
    """
    source = read()
    states = {domain: source["states"][domain] for domain in DOMAINS}
    sizes = (len(states["education"]), len(states["health"]), len(states["crime"]))
    born = source["at_birth"]
    groups = (len(born["sex"]), len(born["parental_education"]), len(born["treated"]))
    sex, parental_education, treated = (
        np.array(list(born[key].values())) for key in ("sex", "parental_education", "treated")
    )
    birth = sex[:, None, None] * parental_education[:, None] * treated
    newborn = np.ravel_multi_index([states[domain].index(born[domain]) for domain in DOMAINS], sizes)
    return Workload(
        years=source["years"],
        payers=tuple(source["yearly_cost"]["payers"]),
        groups=groups,
        states=sizes,
        birth=birth.ravel(),
        newborn=int(newborn),
        death=_death(source, groups + sizes),
        moves={domain: _moves(source, domain, groups + sizes, treated_arm) for domain in DOMAINS},
        cost=_cost(source),
    )


def answer(persons: int, lived: dict[str, Counts]) -> dict[str, Any]:
    """Return `life_years` and discounted `cost` per person, and `person_years`.

    lived: by domain, (years, states) persons counted after each year of age.
    """
    yearly = read()["yearly_cost"]
    person_years = int(lived[DOMAINS[0]].sum())
    cost = np.zeros(len(yearly["payers"]))
    for domain, counts in lived.items():
        by_state = np.array([yearly[domain][state] for state in read()["states"][domain]])
        cost += discount() @ counts @ by_state / persons
    return {
        "life_years": person_years / persons,
        "cost": dict(zip(yearly["payers"], cost.tolist(), strict=True)),
        "person_years": person_years,
    }


def discount() -> Floats:
    """Return (years,): what one of a year's kronor is worth at birth."""
    rate = float(read()["discount"].split("**")[0])  # the file writes it as "1.035 ** -age"
    return rate ** -np.arange(read()["years"], dtype=float)


def _axis(values: Any, axis: int) -> Floats:
    """Lay values along one axis of (age, sex, parental education, treated, education, health, crime)."""
    shape = [1] * 7
    shape[axis] = -1
    return np.asarray(values, dtype=float).reshape(shape)


def _death(source: dict[str, Any], cell_shape: tuple[int, ...]) -> Floats:
    """Return 1 - exp(-hazard) for each age and cell."""
    death, years = source["death_hazard"], source["years"]
    by_health = [death["g_health"][state] for state in source["states"]["health"]]
    log_hazard = (
        death["g0"]
        + death["g1"] * _axis(range(years), 0)
        + death["gsex"] * _axis(range(cell_shape[0]), 1)
        + _axis(by_health, 5)
    )
    probability = -np.expm1(-np.exp(log_hazard))
    return np.ascontiguousarray(np.broadcast_to(probability, (years, *cell_shape)).reshape(years, -1))


def _eta(transition: dict[str, Any], source: dict[str, Any], treated_arm: bool) -> Floats:
    """Return a transition's logit, broadcastable over ages and cells; minus infinity where it is closed."""
    eta, age = transition["eta"], np.arange(source["years"])
    first, last = source["treatment"]["ages"]
    active = (first <= age) & (age <= last) & treated_arm
    window = (transition["age_min"] <= age) & (age <= transition["age_max"])
    decades = _axis(age, 0) / 10
    total = eta["constant"] + eta["age_over_10"] * decades + eta["age_over_10_squared"] * decades**2
    total = total + _axis([0, eta["sex=1"]], 1)
    total = total + _axis([0, eta["parental_education=1"], eta["parental_education=2"]], 2)
    total = total + eta["treated_and_active"] * _axis(active, 0) * _axis([0, 1], 3)
    for axis, domain in enumerate(DOMAINS, start=4):
        if domain in eta:
            total = total + _axis([eta[domain][state] for state in source["states"][domain]], axis)
    return np.where(_axis(window, 0) > 0, total, -np.inf)


def _moves(source: dict[str, Any], domain: str, cell_shape: tuple[int, ...], treated_arm: bool) -> Moves:
    """Tabulate p_k = exp(eta_k) / (1 + sum exp(eta)) over the moves open to each cell of one domain."""
    states: list[str] = source["states"][domain]
    leaving = [
        [move for move in source["transitions"] if move["domain"] == domain and move["from"] == state]
        for state in states
    ]
    slots = max(map(len, leaving))
    axis = 4 + DOMAINS.index(domain)
    odds = np.zeros((source["years"], *cell_shape, slots))
    by_state = np.moveaxis(odds, axis, 0)
    target = np.repeat(np.arange(len(states), dtype=np.intp)[:, None], slots, axis=1)
    for state, moves in enumerate(leaving):
        for slot, move in enumerate(moves):
            by_state[state, ..., slot] = np.exp(_eta(move, source, treated_arm)).take(0, axis=axis)
            target[state, slot] = states.index(move["to"])
    probability = odds / (1 + odds.sum(axis=-1, keepdims=True))
    return Moves(probability.reshape(source["years"], -1, slots), target)


def _cost(source: dict[str, Any]) -> Floats:
    """Sum the domains' yearly cost over each joint state and discount it to birth."""
    yearly = source["yearly_cost"]
    education, health, crime = (
        np.array([yearly[domain][state] for state in source["states"][domain]]) for domain in DOMAINS
    )
    joint = education[:, None, None] + health[None, :, None] + crime[None, None, :]
    cost: Floats = discount()[:, None, None] * joint.reshape(-1, joint.shape[-1])
    return cost
