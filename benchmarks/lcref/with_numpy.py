"""LC-ref/1 in NumPy, the formulas as they stand: the logits are evaluated each year from the columns.

Written as NumPy's documentation advises someone who translates a model: one array a column, whole-array
operations, a mask a transition, the states at the start of the year kept until every domain has read them. No
table of probabilities is made beforehand; `with_numpy_tables` does that. Knows `lcref.json` and NumPy, no
other engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .workload import DOMAINS, Floats, answer, read

Codes = npt.NDArray[np.int8]
Columns = dict[str, Codes]
"""The persons alive: an array of codes for each of sex, parental education, treated and the three domains."""

BATCH = 12_000
"""Persons held as one set of arrays. Twice as many would already be slower: the C library returns an array of
more than 128 kB to the system after every operation, and asks for it again at the next."""

TRAITS = ("sex", "parental_education", "treated")


def simulate(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate lives from birth; return `life_years` and discounted `cost` per person, and `person_years`."""
    source = read()
    rng = np.random.default_rng(seed)
    states, years = source["states"], source["years"]
    lived = {domain: np.zeros((years, len(states[domain])), dtype=np.int64) for domain in DOMAINS}
    for first in range(0, persons, BATCH):
        columns = born(min(BATCH, persons - first), source, rng)
        for age in range(years):
            alive = np.flatnonzero(rng.random(columns["sex"].size) >= death_chance(age, columns, source))
            columns = {name: column.take(alive) for name, column in columns.items()}
            moved = {name: after_year(name, age, columns, source, treated_arm, rng) for name in DOMAINS}
            columns.update(moved)
            for domain, counts in lived.items():
                counts[age] += np.bincount(columns[domain], minlength=counts.shape[1])
    return answer(persons, lived)


def born(persons: int, source: dict[str, Any], rng: np.random.Generator) -> Columns:
    """Draw the traits of the newborn and put everyone in the states of birth."""
    birth = source["at_birth"]
    columns = {}
    for trait in TRAITS:
        shares = list(birth[trait].values())
        columns[trait] = rng.choice(len(shares), size=persons, p=shares).astype(np.int8)
    for domain in DOMAINS:
        columns[domain] = np.full(persons, source["states"][domain].index(birth[domain]), dtype=np.int8)
    return columns


def death_chance(age: int, columns: Columns, source: dict[str, Any]) -> Floats:
    """Return everyone's chance of dying at this age."""
    death = source["death_hazard"]
    by_health = np.array([death["g_health"][state] for state in source["states"]["health"]])
    log_hazard = death["g0"] + death["g1"] * age + by_health.take(columns["health"])
    log_hazard += death["gsex"] * columns["sex"]
    chance: Floats = 1 - np.exp(-np.exp(log_hazard))
    return chance


def after_year(
    domain: str,
    age: int,
    columns: Columns,
    source: dict[str, Any],
    treated_arm: bool,
    rng: np.random.Generator,
) -> Codes:
    """Return everyone's state after the year: move k with exp(eta_k) / (1 + sum exp(eta)), else stay."""
    states: list[str] = source["states"][domain]
    before = columns[domain]
    after = before.copy()
    draw = rng.random(before.size)
    for origin, state in enumerate(states):
        leaving = [m for m in source["transitions"] if m["domain"] == domain and m["from"] == state]
        moves = [move for move in leaving if move["age_min"] <= age <= move["age_max"]]
        if not moves:
            continue
        here = np.flatnonzero(before == origin)
        theirs = {name: column.take(here) for name, column in columns.items() if name != domain}
        odds = [np.exp(eta(move, age, theirs, source, treated_arm)) for move in moves]
        left = draw.take(here)
        left *= 1 + sum(odds)  # the draw laid along the odds instead of the probabilities
        for move, share in zip(moves, odds, strict=True):
            after[here.compress((left >= 0) & (left < share))] = states.index(move["to"])
            left -= share
    return after


def eta(move: dict[str, Any], age: int, columns: Columns, source: dict[str, Any], treated_arm: bool) -> Floats:
    """Return a transition's logit for the persons of the columns; terms that are all zero are left out."""
    terms, decades = move["eta"], age / 10
    constant = terms["constant"] + terms["age_over_10"] * decades + terms["age_over_10_squared"] * decades**2
    total = np.full(columns["sex"].size, constant)
    if terms["sex=1"]:
        total += terms["sex=1"] * columns["sex"]
    first, last = source["treatment"]["ages"]
    if terms["treated_and_active"] and treated_arm and first <= age <= last:
        total += terms["treated_and_active"] * columns["treated"]
    effects = {
        "parental_education": [0.0, terms["parental_education=1"], terms["parental_education=2"]],
        **{name: list(terms[name].values()) for name in DOMAINS if name in terms},
    }
    for name, effect in effects.items():
        if any(effect):
            total += np.array(effect).take(columns[name])
    return total
