"""The exact chance of every move out of a state, at the rows of a joint distribution. Layer 4.

Reads the rules' float64 hazards and probabilities with what acts on them; knows no threshold and no draw. Competing
hazards h out of one state, H in all: the move k happens with probability h_k / H · (1 - e^-H).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.chances import Chances, Transition, check_sum, factors_of
from sim.domain import Domain, Move
from sim.effects import changed_occasion, shifts, with_odds
from sim.intervention import Effect
from sim.joint_distribution import Codes, FloatArray, Lookup, keys_of
from sim.phases import Phases
from sim.tables import Rule, cell_text
from sim.thresholds import CERTAIN

Rows = Mapping[str, Codes]
Acting = list[tuple[Effect, float]]
Relevant = list[tuple[int, int, Effect]]
"""Offer, place among its effects, effect."""


def phase_column(phases: Phases) -> str:
    """Return the name of the column that holds in which phase of an offer a row is."""
    return f"phase of {phases.intervention.catalogue_name}"


@dataclass
class ExactChances:
    """The chances of one arm: its rules, the factors that hold its means, and what its offers do."""

    chances: Chances
    recentred: Mapping[Transition, float]
    offers: Sequence[Phases]
    tables: dict[object, NDArray[np.float64]] = field(default_factory=dict)
    """Occasions as they are under what acts on them, once worked out."""

    def leaving(self, domain: Domain, state: str, rows: Rows, age: int, count: int) -> tuple[FloatArray, FloatArray]:
        """Return the chance of each destination, (destinations, rows), and of staying, (rows,).

        Destinations are in the order in which the moves out of the state are declared.
        """
        moves = [move for move in domain.moves if move.from_state == state]
        together = [move for move in moves if move.kind != "hazard"]
        hazards: list[FloatArray] = []
        places: list[int] = []  # of the destinations of the occasion
        for move in moves:
            if move.kind == "hazard":
                hazards.append(self._hazard(domain, move, rows, age, count))
            else:
                places += range(len(hazards), len(hazards) + len(move.to))
                hazards += [np.zeros(count)] * len(move.to)
        rates = np.array(hazards).reshape(len(hazards), count)
        apart = rates.sum(axis=0)
        stated = self._occasion(domain, together, rows, age, count) if together else np.zeros((0, count))
        total = stated.sum(axis=0)
        certain = total >= 1 - CERTAIN
        left = np.where(certain, 0.0, 1.0 - total)
        share = np.divide(stated, total, out=np.zeros_like(stated), where=total > 0)
        rates[places] = -np.log1p(-np.where(certain, 0.0, total)) * share
        every = rates.sum(axis=0)
        moving = np.divide(-np.expm1(-every), every, out=np.zeros(count), where=every > 0)
        chances = rates * moving
        chances[places] = np.where(apart == 0, stated, chances[places])  # nothing to race with: as the rule says
        if certain.any():  # decided first, and nothing else happens
            chances[:, certain] = 0.0
            chances[np.ix_(np.array(places), np.flatnonzero(certain))] = share[:, certain]
        return chances, np.exp(-apart) * left

    def check(self) -> None:
        """Refuse occasions whose probabilities add to more than 1; raises RuleError."""
        for domain in self.chances.model.all_domains:
            for state in domain.states:
                together = [move for move in domain.moves if move.from_state == state and move.kind != "hazard"]
                if together:
                    _, ages, columns = self.chances.occasion_columns(domain, together)
                    check_sum(state, domain, self.chances.joint(domain, together), columns, ages)

    def _hazard(self, domain: Domain, move: Move, rows: Rows, age: int, count: int) -> FloatArray:
        ages = self.chances.window(domain, move)
        if not ages[0] <= age <= ages[1]:
            return np.zeros(count)
        rules = (move.rule, *factors_of(domain, move))
        name = (domain.name, move.from_state, move.to[0])
        shifted = self._relevant(lambda e: e.kind == "trait_shift" and any(e.trait in rule.reads for rule in rules))
        values = np.zeros(count)
        for some, acting in self._by_acting(rows, shifted, count):
            moved = shifts(acting)
            own = {column: codes[some] for column, codes in rows.items()}
            number = count if isinstance(some, slice) else len(some)
            result = np.full(number, math.exp(self.recentred.get(name, 0.0)))
            for rule in rules:
                result = result * self._read(domain, rule, ages, moved, own, age, number)
            values[some] = result
        return np.asarray(values * np.exp(self._log_ratio(name, rows, count)))

    def _read(
        self, domain: Domain, rule: Rule, ages: tuple[int, int], moved: Mapping[str, float], rows: Rows, age: int,
        count: int,
    ) -> FloatArray:  # fmt: skip
        columns = self.chances.model.ordered(rule.reads)
        own = {trait: shift for trait, shift in moved.items() if trait in rule.reads}
        grid = self.chances.grid(domain, rule, columns, ages, own)[0]
        return Lookup(tuple(column.name for column in columns), grid, ages).at(rows, age, count)

    def _log_ratio(self, name: Transition, rows: Rows, count: int) -> FloatArray:
        """Return the sum of the logs of hazard ratios on a transition; of one mechanism only the strongest counts."""
        strongest: dict[str, FloatArray] = {}
        for offer, place, effect in self._relevant(lambda e: e.kind == "hazard_ratio" and name in e.on):
            phases = self.offers[offer]
            log = phases.sizes[place][rows[phase_column(phases)]]
            known = strongest.get(effect.mechanism, np.zeros(count))
            strongest[effect.mechanism] = np.where(np.abs(log) > np.abs(known), log, known)
        return sum(strongest.values(), np.zeros(count))

    def _occasion(self, domain: Domain, together: Sequence[Move], rows: Rows, age: int, count: int) -> FloatArray:
        """Return the probabilities of an occasion as they are under what acts on it: (destinations, rows)."""
        _, ages, columns = self.chances.occasion_columns(domain, together)
        targets = [(domain.name, move.from_state, to) for move in together for to in move.to]
        if not ages[0] <= age <= ages[1]:
            return np.zeros((len(targets), count))
        names = tuple(column.name for column in columns)
        relevant = self._relevant(
            lambda e: (
                e.trait in names
                if e.kind == "trait_shift"
                else e.kind in ("odds_ratio", "relative_risk") and any(target in e.on for target in targets)
            )
        )
        values = np.zeros((len(targets), count))
        for some, acting in self._by_acting(rows, relevant, count):
            key = (domain.name, together[0].from_state, tuple(acting))
            if key not in self.tables:
                held = np.exp([self.recentred.get(target, 0.0) for target in targets])
                found = with_odds(self.chances.joint(domain, together, shifts(acting)), held)
                self.tables[key] = changed_occasion(found, targets, acting, lambda c: cell_text(columns, c, ages))
            own = {column: codes[some] for column, codes in rows.items()}
            number = count if isinstance(some, slice) else len(some)
            values[:, some] = Lookup(names, self.tables[key], ages).at(own, age, number)
        return values

    def _relevant(self, acts: Callable[[Effect], bool]) -> Relevant:
        return [
            (offer, place, effect)
            for offer, phases in enumerate(self.offers)
            for place, effect in enumerate(phases.effects)
            if acts(effect)
        ]

    def _by_acting(
        self, rows: Rows, relevant: Relevant, count: int
    ) -> Iterator[tuple[slice | NDArray[np.intp], Acting]]:
        """Iterate over what acts, and the places of the rows on which it does."""
        offers = sorted({offer for offer, *_ in relevant})
        if not offers:
            yield slice(None), []
            return
        keys = keys_of([(rows[phase_column(self.offers[offer])], len(self.offers[offer])) for offer in offers])
        for key in np.unique(keys):
            some = np.flatnonzero(keys == key)
            phase = {offer: int(rows[phase_column(self.offers[offer])][some[0]]) for offer in offers}
            sizes = [
                (effect, float(self.offers[offer].sizes[place, phase[offer]])) for offer, place, effect in relevant
            ]
            yield some, [(effect, size) for effect, size in sizes if size != 0.0]
