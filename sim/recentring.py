"""Recentring: what holds the mean of each transition where another part of the associations is causal. Layer 7.

Links of large ratios that go together move means far more than each link by itself, so each transition gets one log
factor for everyone: among those at risk, its mean chance is that at the share of reference. Chances are those of
the race, in which all that a person is at risk of competes. Who is at risk, and how exposed, is read from the lives
of a pilot. Knows no file and no money.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.chances import Chance, Chances, Transition
from sim.chunk import history_of
from sim.column_layout import Layout
from sim.domain import PREVIOUS
from sim.draws import philox_key
from sim.effects import with_odds
from sim.model import MAX_AGE, Model
from sim.persons import NOT_ALIVE, all_ids
from sim.plan import Plan, bind
from sim.prices import PriceList
from sim.scenario import BASELINE, Arm, Cohort, Scenario

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Sizes = NDArray[np.float32]
"""Hazards, then probabilities of the occasion, in years at risk: (transitions, years)."""

PILOT = Cohort(born=2000, represents=16_384, copies=1)
"""Who is lived: enough for means within a per cent, whatever the cohort, so that scenarios share their factors."""

SEED, REPLICATE = 2**63 - 25, 0
"""Of the pilot's draws: no seed that anybody chooses, so that no factor is fitted to the persons of a result."""

BATCH = 2048
"""Persons whose histories are held in memory together."""

STEPS = (1.0, 0.85)
"""How far factors go each time that they are found: by the exposures of the reference, then by those of lives under
the factors before. With other factors upstream exposures go on changing, so that all the way would be too far."""

CLOSE, ITERATIONS = 1e-3, 50
"""How near logs of means have to come, and the most iterations for it."""

DIGITS = 6
"""Decimals of a factor, so that machines whose last bits differ have the same."""

CERTAIN = 1e-6
"""How near to 1 probabilities of single precision add up where an occasion is certain."""

AT_ONCE = 1e9
"""A hazard or ratio that is as good as any larger one, and that single precision holds."""


@dataclass(frozen=True)
class Race:
    """All chances out of one state, which compete."""

    chances: tuple[Chance, ...]
    """Hazards, then the occasion if there is one."""

    @property
    def on(self) -> list[Transition]:
        """The transitions, in order."""
        return [name for chance in self.chances for name in chance.on]

    @property
    def ages(self) -> tuple[int, int]:
        """The window that holds those of all chances."""
        return min(one.ages[0] for one in self.chances), max(one.ages[1] for one in self.chances)


def pilot(scenario: Scenario) -> Plan:
    """Return a plan of whole lives in the baseline's parameters, without interventions and without counting.

    So factors do not depend on what is tried, by whom, or for how long.
    """
    own = {**scenario.parameters, **scenario.arms[BASELINE].parameters}
    bare = replace(scenario, cohort=PILOT, arms={BASELINE: Arm()}, parameters=own, horizon=MAX_AGE + 1)
    return bind(replace(bare, municipality=None, prices=PriceList(), measures=(), needs=()))


def recentred(then: Plan, now: Plan) -> dict[Transition, float]:
    """Return the log factor of every transition whose tables differ between two pilots; raises RuleError.

    then: at the share at which the parameters were set; now: at another one, of the same scenario.
    """
    scenario = now.scenario
    domains = {link.domain for link in scenario.links if link.common}
    every = [(*pair, _acted_on(*pair)) for pair in zip(races(then, domains), races(now, domains), strict=True)]
    some = [one for one in every if one[2].any()]
    if not some:
        return {}
    old, new, acted_on = zip(*some, strict=True)
    factors: dict[Transition, float] = {}
    held, seen = lived(then, old, new)
    for number, step in enumerate(STEPS):
        if number:
            _, seen = lived(replace(now, scenario=replace(now.scenario, recentred=factors)), [], new)
        for race, years, wanted, acts in zip(new, seen, held, acted_on, strict=True):
            before = np.array([factors.get(name, 0.0) for name in race.on])
            after = before + step * (_log_factors(race, years, wanted, before, acts) - before)
            factors |= {n: round(float(x), DIGITS) for n, x, on in zip(race.on, after, acts, strict=True) if on}
    return factors


def races(plan: Plan, domains: Iterable[str]) -> list[Race]:
    """Return what competes in each state of some domains."""
    model = plan.scenario.model
    stated = Chances(model, plan.scenario.parameters)
    by_state: dict[tuple[str, str], list[Chance]] = {}
    for domain in model.all_domains:
        for chance in stated.of(domain) if domain.name in domains else ():
            by_state.setdefault(chance.on[0][:2], []).append(chance)
    return [Race(tuple(chances)) for chances in by_state.values()]


def _acted_on(then: Race, now: Race) -> NDArray[np.bool_]:
    """Return of which transitions the tables differ between two shares."""
    pairs = [
        [not np.array_equal(a, b) for (_, a), (_, b) in zip(x.tables, y.tables, strict=True)]
        for x, y in zip(then.chances, now.chances, strict=True)
    ]
    return np.repeat([any(one) for one in pairs], [len(chance.on) for chance in now.chances])


@dataclass(frozen=True)
class Held:
    """What is held of a race."""

    moves: FloatArray
    """Expected along each transition."""
    by_age: FloatArray
    """Years at risk."""

    def __add__(self, other: Held) -> Held:
        return Held(self.moves + other.moves, self.by_age + other.by_age)


@dataclass(frozen=True)
class AtRisk:
    """The years of persons at risk in a race."""

    sizes: Sizes
    ages: NDArray[np.uint8]


def lived(plan: Plan, old: Sequence[Race], new: Sequence[Race]) -> tuple[list[Held], list[AtRisk]]:
    """Live the pilot; return what is held of some races, and the years at risk in others."""
    key = np.uint64(philox_key(SEED, REPLICATE))
    ids = all_ids(plan)

    def batch(some: NDArray[np.uint64]) -> tuple[list[Held], list[AtRisk]]:
        history = history_of(plan, plan.programs[BASELINE], some, key)
        lives = _Lives(plan.scenario.model, plan.layout, history)
        return [_held(race, lives.years(race)) for race in old], [lives.years(race) for race in new]

    _ = plan.programs, plan.birth_thresholds  # before threads share them
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        held, seen = zip(*pool.map(batch, [ids[k : k + BATCH] for k in range(0, len(ids), BATCH)]), strict=True)
    return [sum(parts[1:], parts[0]) for parts in zip(*held, strict=True)], [
        AtRisk(np.concatenate([p.sizes for p in parts], axis=1), np.concatenate([p.ages for p in parts]))
        for parts in zip(*seen, strict=True)
    ]


def _held(race: Race, years: AtRisk) -> Held:
    none = np.zeros(len(race.on))
    return Held(_moves(race, years.sizes, none), np.bincount(years.ages, minlength=MAX_AGE + 1).astype(float))


@dataclass(frozen=True)
class _Lives:
    """Lives of some persons, read by who is at risk of what in their years."""

    model: Model
    layout: Layout
    history: NDArray[np.uint8]
    """(steps + 1, columns, persons): row 0 at birth, row t + 1 after step t, which is lived at age t."""

    def years(self, race: Race) -> AtRisk:
        """Return the years at risk in a race, by rising age."""
        years = self.at_risk(race)
        codes: dict[str, NDArray[np.uint8]] = {}
        found = np.zeros((len(race.on), len(years)), dtype=np.float32)
        place = 0
        for chance in race.chances:
            offset = (chance.ages[0] - race.ages[0], chance.ages[1] - race.ages[0] + 1)
            window = slice(*np.searchsorted(years, np.multiply(offset, self.history.shape[2])))
            into = found[place : place + len(chance.on), window]
            into += 1
            for columns, values in chance.tables:
                values = values if not chance.is_hazard else values[None]
                cells = np.zeros(into.shape[1], dtype=np.int64)
                for column, size in zip(columns, values.shape[1:], strict=True):
                    if column.name not in codes:
                        codes[column.name] = self.code(race, years, column.name)
                    cells *= size
                    cells += codes[column.name][window]
                    if column.name == "age":
                        cells -= offset[0]
                for row, one in zip(into, values, strict=True):
                    row *= np.minimum(one.ravel(), AT_ONCE).astype(np.float32)[cells]
            place += len(chance.on)
        return AtRisk(found, (years // self.history.shape[2] + race.ages[0]).astype(np.uint8))

    def at_risk(self, race: Race) -> IntArray:
        """Return the years in a state, as years of age since the window's first · persons + person, rising."""
        (domain, state, _), (low, high) = race.on[0], race.ages
        ages = self.history[:, self.layout.row("age")]
        if self.model.death is not None and domain == self.model.death.domain.name:
            return np.flatnonzero(ages[low : high + 1] != NOT_ALIVE)
        code = self.model.domain(domain).states.index(state)
        here = self.history[low : high + 1, self.layout.row(domain)] == code
        return np.flatnonzero(here & (ages[low + 1 : high + 2] != NOT_ALIVE))  # death comes first in the step

    def code(self, race: Race, years: IntArray, name: str) -> NDArray[np.uint8]:
        """Return what a rule reads in a column: its value at the start of the step.

        States and clocks of domains that move earlier in the step are read as they are after their move.
        """
        low, high = race.ages
        plain = name.removeprefix(PREVIOUS)
        if name == "age":
            return np.asarray(years // self.history.shape[2], dtype=np.uint8)

        def values(column: str, step: int = 0) -> NDArray[np.uint8]:
            rows = self.history[low + step : high + step + 1, self.layout.row(column)]
            return np.asarray(rows.reshape(-1)[years])

        moved = self.earlier(race.on[0][0]).get(name)
        if moved is None:
            return values(plain)
        if moved == name:
            return values(name, 1)
        stayed = values(moved) == values(moved, 1)
        return np.asarray(np.where(stayed, values(name), np.uint8(0)))  # a clock, not yet a year older

    def earlier(self, domain: str) -> dict[str, str]:
        """Return the states and clocks of the domains that move before a domain, and the domain of each."""
        names = [one.name for one in self.model.domains]
        before = names[: names.index(domain)] if domain in names else []
        return {prefix + name: name for name in before for prefix in ("", "years_in_")}


def _moves(race: Race, sizes: Sizes, factors: FloatArray, weights: NDArray[np.float32] | None = None) -> FloatArray:
    """Return the expected moves along each transition, with log factors on them and weights on the years."""
    ratios = np.exp(factors).astype(np.float32)
    split = sum(chance.is_hazard for chance in race.chances)
    hazards = sizes * ratios[:, None]
    if split < len(sizes):
        chosen = with_odds(sizes[split:], ratios[split:])
        total = chosen.sum(axis=0)
        certain = total >= 1 - CERTAIN
        joint = -np.log1p(-np.minimum(total, 1 - np.float32(CERTAIN)))
        hazards[split:] = chosen * np.divide(joint, total, out=np.zeros_like(total), where=total > 0)
        hazards[:split, certain] = 0
    every = hazards.sum(axis=0)
    happens = np.divide(-np.expm1(-every), every, out=np.zeros_like(every), where=every > 0)
    if weights is not None:
        happens *= weights
    return np.array([float(np.dot(one, happens)) for one in hazards])


def _log_factors(race: Race, years: AtRisk, held: Held, start: FloatArray, acted_on: NDArray[np.bool_]) -> FloatArray:
    """Return the log factors under which the mean chances over these years are those held, were ages alike.

    By proportional fitting, which may be slow but never goes too far: no chance rises by more than its ratio.
    """
    by_age = np.bincount(years.ages, minlength=MAX_AGE + 1)
    weights = (held.by_age / np.maximum(by_age, 1)).astype(np.float32)[years.ages]
    factors = start
    for _ in range(ITERATIONS):
        moves = _moves(race, years.sizes, factors, weights)
        possible = acted_on & (moves > 0) & (held.moves > 0)
        short = np.log(np.divide(held.moves, moves, out=np.ones_like(moves), where=possible))
        if np.abs(short).max() < CLOSE:
            break
        factors = factors + short
    return factors
