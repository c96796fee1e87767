"""The program of one arm: its rules as tables and everything else that the kernels read, as plain arrays.

Layer 6: binds a model, parameters and interventions; knows no person and no money.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.chances import Chances, Grids, Transition, check_sum, factors_of, sizes_of
from sim.column_layout import Layout
from sim.conditions import Conditions
from sim.domain import Domain, Move
from sim.draws import stream
from sim.effect_targets import check_kinds, touches
from sim.effects import Acting, Levels, Merged, changed_occasion, course, merged, replacing, shifts, with_odds
from sim.errors import RuleError, ScenarioError
from sim.families import FAMILY
from sim.intervention import Effect, Intervention
from sim.ledger import Margin
from sim.model import MAX_AGE, Model, blocks_of
from sim.screens import Bounded, Screen, screen_of
from sim.table_arrays import Pool, TableArrays, new_pools
from sim.tables import Column, Parameters, Rule, cell_text
from sim.thresholds import joint_thresholds, thresholds_of

MAX_MODEL_CELLS = 8_000_000
"""The most cells all tables of one arm may have together."""

LIMITED = ("thresholds", "switches", "chances", "factor_values", "ranks")
"""The pools whose cells are limited."""

IntArray = NDArray[np.int64]


@dataclass
class Program:
    """Everything that `sim.kernels.live.live` reads, by the names of its arguments."""

    arrays: dict[str, Any]
    offers: tuple[str, ...]
    """Name of each offer, in the order of the kernel: those made, then those only watched."""
    laid: Mapping[str, Sequence[NDArray[Any]]]
    """What each pool holds for this arm, in the order in which its domains need it."""

    @property
    def cells(self) -> int:
        """Cells of all tables."""
        return cells_of(self.laid, self.laid)

    @cached_property
    def queued(self) -> tuple[int, ...]:
        """The offers made that have so many places a year, by their number."""
        capacity = self.arrays["offers"][: self.arrays["n_active"], at.CAPACITY]
        return tuple(np.flatnonzero(capacity >= 0).tolist())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all thresholds, wherever they lie."""
        digest = hashlib.sha256()
        ranks = ("ranks",) if self.queued else ()
        for name in ("thresholds", "weights", "factor_values", "chances", "switches", *ranks):
            for values in self.laid[name]:
                digest.update(np.ascontiguousarray(values).data)
            digest.update(bytes(self.arrays[name].itemsize))
        return digest.hexdigest()


@dataclass(frozen=True)
class _Open:
    """A transition while the program is built: where its table is, and what bounds it."""

    move: Move
    to: str
    entry: int
    """Place among the entries of a cell of the table."""
    table: int
    bounded: Bounded
    reads: frozenset[str]
    """Columns of its table and of the tables that multiply it."""
    factors: Sequence[int] = ()
    """Tables that multiply it."""


@dataclass
class Shared:
    """What arms with one set of parameters have in common; effects change neither."""

    screens: dict[str, Screen] = field(default_factory=dict)
    """By domain: who carries an effect is always looked at, so bounds need not know of effects."""
    grids: Grids = field(default_factory=dict)
    """What the rules have been tabulated to."""
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    """What becomes of rules, by kind, domain, transition (or state) and what replaces them."""
    pools: dict[str, Pool] = field(default_factory=new_pools)
    """All tables of all these arms, end to end."""
    untouched: Compiler | None = None
    """All domains as they are without any effect: where an arm's program begins."""


class Compiler:
    """Builds the program of one arm, table by table."""

    def __init__(
        self,
        model: Model,
        parameters: Mapping[str, Parameters],
        layout: Layout,
        shared: Shared | None = None,
        recentred: Mapping[Transition, float] | None = None,
    ) -> None:
        """recentred: log factors that hold the means of transitions; the same for all that is `shared`."""
        self.model = model
        self.recentred = recentred or {}
        self.layout = layout
        self.shared = Shared() if shared is None else shared
        self.chances = Chances(model, parameters, self.shared.grids)
        self.laid = TableArrays(layout, self.shared.pools)
        self.acting = Acting(())
        self.effects: list[tuple[int, int, int]] = []
        self.mechanisms: dict[str, int] = {}
        self.domains: list[list[int]] = []
        self.opened: list[dict[str, list[_Open]]] = []
        self.state_moves: list[int] = []
        self.moves: list[list[int]] = []
        self.factors: list[int] = []

    def compile(
        self, made: Sequence[Intervention], watched: Sequence[tuple[Intervention, int]], margins: Sequence[Margin]
    ) -> Program:
        """Return the program of an arm that makes the offers `made`; `watched` are (offer, bit mask of arms).

        Domains that no effect touches are those of the program without offers, made once for all arms.
        """
        for intervention in made:
            check_kinds(intervention, self.model)
        if self.shared.untouched is None:
            first = Compiler(self.model, self.chances.parameters, self.layout, self.shared, self.recentred)
            for number in range(len(self.model.all_domains)):
                first.domains.append(first._domain(number))
            self.shared.untouched = first
        untouched = self.shared.untouched
        self.acting = Acting(made)
        self.laid.begin_with(untouched.laid)
        for name in ("domains", "opened", "state_moves", "moves", "factors"):
            setattr(self, name, list(getattr(untouched, name)))
        for number, domain in enumerate(self.model.all_domains):
            if any(touches(effect, domain) for intervention in made for effect in intervention.effects):
                self.domains[number] = self._domain(number)
        conditions = Conditions(self.model, self.layout, self.laid, self._once)
        counters = [
            [self.layout.row(c.name), conditions.switch(Rule.of(c.when), f"counter '{c.name}'", c.name), c.cap]
            for c in self.model.counters
        ]
        groups, cuts = conditions.group_values(self.chances.parameters)
        offers = [conditions.offer(intervention, int(not watched), made=True) for intervention in made]
        offers += [conditions.offer(intervention, arms, made=False) for intervention, arms in watched]
        margin_rows = [self._margin(margin) for margin in margins]
        if cells_of(self.laid.laid, LIMITED) > MAX_MODEL_CELLS:
            raise RuleError(f"the tables of the model have more than {MAX_MODEL_CELLS:,} cells together")
        arrays: dict[str, Any] = {name: pool.array() for name, pool in self.laid.pools.items()}
        streams = [stream(d.name, block) for d in self.model.all_domains for block in range(blocks_of(d))]
        arrays.update(
            domains=_rows(self.domains, at.DOMAIN_FIELDS), streams=np.array([*streams, 0], dtype=np.int64),
            state_moves=np.array([*self.state_moves, 0], dtype=np.int64), moves=_rows(self.moves, at.MOVE_FIELDS),
            tables=_rows(self.laid.tables, at.TABLE_FIELDS), reads=_rows(self.laid.reads, 2),
            factors=np.array([*self.factors, 0], dtype=np.int64), effects=_rows(self.effects, 3),
            levels=_rows(self.laid.levels, 3), offers=_rows(offers, at.OFFER_FIELDS),
            years=np.array([*[i.years for i in made], 0], dtype=np.int64), n_active=len(made),
            previous=_rows(self.layout.previous, 2), counters=_rows(counters, 3), margins=_rows(margin_rows, 5),
            groups=_rows(groups, at.GROUP_FIELDS), cuts=np.array([*cuts, 0], dtype=np.int64),
        )  # fmt: skip
        names = tuple(i.catalogue_name for i in made) + tuple(i.catalogue_name for i, _ in watched)
        return Program(arrays, names, self.laid.laid)

    def _domain(self, number: int) -> list[int]:
        """Append the tables and transitions of a domain under the arm's offers; return its row."""
        domain = self.model.all_domains[number]
        known = self.opened[number] if number < len(self.opened) else None
        row = [0] * at.DOMAIN_FIELDS
        is_death = self.model.death is not None and number == 0
        row[at.STATE] = -1 if is_death else self.layout.row(domain.name)
        row[at.CLOCK] = self.layout.row(f"years_in_{domain.name}") if domain.clock else -1
        row[at.CLOCK_CAP] = domain.clock
        row[at.BLOCKS] = blocks_of(domain)
        row[at.STREAM] = sum(blocks_of(earlier) for earlier in self.model.all_domains[:number])
        row[at.STATES] = len(self.state_moves)
        row[at.IS_DEATH] = int(is_death)
        row[at.OF_FAMILY] = int(domain.keyed == FAMILY)
        opened = {state: self._open_state(domain, state, known[state] if known else None) for state in domain.states}
        for state in domain.states:
            self.state_moves.append(len(self.moves))
            for one in opened[state]:
                first_effect = len(self.effects)
                self._add_ratios(one)
                self.moves.append(
                    [domain.states.index(one.to), *one.bounded.ages, one.table, one.entry, len(self.factors),
                     len(self.factors) + len(one.factors), first_effect, len(self.effects)]
                )  # fmt: skip
                self.factors += one.factors
        self.state_moves.append(len(self.moves))
        every = [one for state in domain.states for one in opened[state]]
        row[at.FIRST_AGE] = min((one.bounded.ages[0] for one in every), default=MAX_AGE + 1)
        row[at.LAST_AGE] = max((one.bounded.ages[1] for one in every), default=-1)
        row[at.SOME_CERTAIN] = int(any(self.laid.tables[one.table][at.HAS_WEIGHTS] for one in every))
        if known is not None:  # who carries an effect is always looked at, so the screen stays the same
            kept = (at.KEYS, at.KEYS_END, at.KEY_AGE, at.LANES_USED, at.SCREEN_CELLS, at.SCREEN, at.TOPS, at.EXACT)
            for place in kept:
                row[place] = self.domains[number][place]
        else:
            self.opened.append(opened)
            self._add_screen(row, domain, opened)
        return row

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Return what `make` makes of a rule under the effects that the key names, made once for all arms."""
        if key not in self.shared.made:
            self.shared.made[key] = make()
        return self.shared.made[key]

    def _open_state(self, domain: Domain, state: str, known: Sequence[_Open] | None) -> list[_Open]:
        """Build the tables of every transition out of a state, in the order of declaration.

        known: the transitions without any effect, whose tables stay where no effect replaces them.
        """
        if known is not None and not any(self._replaced(one) for one in known):
            first_occasions = sorted(known, key=lambda one: one.move.kind == "hazard")
            for table in dict.fromkeys(table for one in first_occasions for table in (one.table, *one.factors)):
                self.laid.again(table)
            return list(known)
        moves = [move for move in domain.moves if move.from_state == state]
        joint = [move for move in moves if move.kind != "hazard"]
        before: dict[str, list[_Open]] = {}
        for one in known or ():
            before.setdefault(one.move.name, []).append(one)
        built = self._occasion(domain, state, joint, before) if joint else {}
        opened: list[_Open] = []
        for move in moves:
            if move.kind == "hazard":
                opened.append(self._hazard(domain, move, before.get(move.name)))
            else:
                opened += built[move.name]
        return opened

    def _replaced(self, one: _Open) -> bool:
        """Return whether some effect of the arm asks for another table of a transition, or of one of its factors."""
        name = (one.move.domain, one.move.from_state, one.to)
        return name in self.acting.named or not self.acting.traits.isdisjoint(one.reads)

    def _hazard(self, domain: Domain, move: Move, known: Sequence[_Open] | None) -> _Open:
        own_factors = factors_of(domain, move)
        if self.acting.traits & {name for rule in own_factors for name in rule.reads}:
            raise ScenarioError(
                f"a trait shift cannot act on the factors of '{move.name}'", hint="read it in the main rule"
            )
        if known and not self._replaced(known[0]):
            (one,) = known
            for table in (one.table, *one.factors):
                self.laid.again(table)
            return one
        ages = self.chances.window(domain, move)
        columns = self.model.ordered(move.rule.reads)
        factors: list[int] = []
        further: list[tuple[list[Column], NDArray[np.float32]]] = []
        for rule in own_factors:
            other = self.model.ordered(rule.reads)
            values = self.chances.grid(domain, rule, other, ages)[0].astype(np.float32)
            if (values == 1).all():  # multiplies nothing: a link from classmates where there are none
                continue
            factors.append(self.laid.add("factor_values", other, ages, [values]))
            further.append((other, values))
        held = math.exp(self.recentred.get((domain.name, move.from_state, move.to[0]), 0.0))

        def grid_at(moved: Mapping[str, float]) -> NDArray[np.uint32]:
            return thresholds_of(self.chances.grid(domain, move.rule, columns, ages, moved)[0] * held)

        parts = replacing(self.acting.made, ages, lambda e: e.kind == "trait_shift" and e.trait in move.rule.reads)
        every = self._merged(parts)
        grids = [
            self._once(("hazard", domain.name, move.name, *sorted(moved.items())), partial(grid_at, moved))
            for moved in map(shifts, every.acting)
        ]
        table = self.laid.add_levels(columns, ages, grids, 1, parts, every.level_of)
        reads = frozenset([*move.rule.reads, *(column.name for over, _ in further for column in over)])
        return _Open(move, move.to[0], 0, table, Bounded(ages, columns, ages, grids[0], further), reads, factors)

    def _occasion(
        self, domain: Domain, state: str, joint: Sequence[Move], known: Mapping[str, list[_Open]]
    ) -> Mapping[str, list[_Open]]:
        """Build the one table that all probabilities out of a state share."""
        targets = [(domain.name, state, to) for move in joint for to in move.to]
        reads = frozenset(name for move in joint for name in move.rule.reads)
        if known and not any(self._replaced(one) for ones in known.values() for one in ones):
            self.laid.again(known[joint[0].name][0].table)
            return known
        windows, ages, columns = self.chances.occasion_columns(domain, joint)
        held = np.exp([self.recentred.get(target, 0.0) for target in targets])

        def at_level(acting: Sequence[tuple[Effect, float]]) -> tuple[NDArray[np.uint32], NDArray[np.uint32], bool]:
            stated = self.chances.joint(domain, joint, shifts(acting))
            if not acting:
                check_sum(state, domain, stated, columns, ages)
            found = with_odds(stated, held)
            words = partial(cell_text, columns, ages=ages)
            thresholds, weights = joint_thresholds(changed_occasion(found, targets, acting, words))
            return thresholds, weights, bool(weights.any())

        parts = replacing(
            self.acting.made,
            ages,
            lambda e: (
                any(name in e.on for name in targets) if e.kind in ("odds_ratio", "relative_risk") else e.trait in reads
            ),
        )
        every = self._merged(parts)
        both = [
            self._once(
                ("occasion", domain.name, state, *((e.kind, e.on, e.trait, e.mechanism, x) for e, x in acting if x)),
                partial(at_level, [(e, x) for e, x in acting if x]),
            )
            for acting in every.acting
        ]
        thresholds, weights, some_certain = zip(*both, strict=True)
        table = self.laid.add_levels(columns, ages, thresholds, len(targets), parts, every.level_of)
        if any(some_certain):
            self.laid.add_weights(table, weights)
        if known:  # who carries an effect is always looked at, so the bounds stay the same
            return {name: [replace(one, table=table) for one in ones] for name, ones in known.items()}
        opened: dict[str, list[_Open]] = {}
        place = 0
        for move, window in zip(joint, windows, strict=True):
            for to in move.to:
                certain = weights[0][..., place] > 0
                limits = np.where(certain, np.uint32(2**32 - 1), thresholds[0][..., place])
                one = _Open(move, to, place, table, Bounded(window, columns, ages, limits), reads)
                opened.setdefault(move.name, []).append(one)
                place += 1
        return opened

    def _merged(self, parts: Sequence[tuple[int, Levels]]) -> Merged:
        """Return what acts at each level of a table that these (offer, levels) replace."""
        own = tuple(part for _, part in parts)
        # what is named by its identity is kept beside what it made, so that no identity is used again
        every, _ = self._once(("merged", *map(id, own)), lambda: (merged(own), own))
        return every  # type: ignore[no-any-return]

    def _add_ratios(self, one: _Open) -> None:
        """Append the hazard ratios that act on a transition, those of one mechanism together."""
        rows = []
        for number, effect in self.acting.ratios.get((one.move.domain, one.move.from_state, one.to), ()):
            logs = course(self.acting.made[number], effect)
            ratios, _ = self._once(("ratios", id(logs)), lambda logs=logs: (_single(np.exp(logs)), logs))  # type: ignore[misc]
            place = self.laid.lay("course_log", [logs])
            self.laid.lay("course", [ratios])
            mechanism = self.mechanisms.setdefault(effect.mechanism, len(self.mechanisms))
            rows.append((number, mechanism, place))
        self.effects += sorted(rows, key=lambda row: row[1])

    def _add_screen(self, row: list[int], domain: Domain, opened: Mapping[str, list[_Open]]) -> None:
        """Append a domain's screening bounds, one table a lane."""
        every = [one for ones in opened.values() for one in ones]
        if domain.name not in self.shared.screens:
            state = None if row[at.IS_DEATH] else self.model.columns[domain.name]
            bounded = [[one.bounded for one in opened[name]] for name in domain.states]
            window = (row[at.FIRST_AGE], row[at.LAST_AGE])
            self.shared.screens[domain.name] = screen_of(bounded, self.model.columns["age"], state, window)
        screen = self.shared.screens[domain.name]
        first, last, age_stride = self.laid.add_reads(screen.columns, sizes_of(screen.columns, screen.ages), 1)
        row[at.KEYS], row[at.KEYS_END] = first + bool(screen.columns), last
        row[at.KEY_AGE] = age_stride
        row[at.LANES_USED] = lanes = len(screen.limits)
        row[at.SCREEN_CELLS] = screen.limits[0].size
        row[at.SCREEN] = self.laid.lay("screen", [screen.limits])
        tops = np.maximum.reduceat(screen.limits, range(0, lanes, at.LANES))
        row[at.TOPS] = self.laid.lay("tops", [tops])
        complete = all(set(one.bounded.columns) <= set(screen.columns) and not one.factors for one in every)
        row[at.EXACT] = int(complete and not row[at.SOME_CERTAIN])

    def _margin(self, margin: Margin) -> list[int]:
        first, last, _ = self.laid.add_reads([margin.column(name) for name in margin.columns], margin.sizes, 1)
        return [margin.start, margin.cells, first, last, int(margin.deaths)]


def cells_of(laid: Mapping[str, Sequence[NDArray[Any]]], pools: Iterable[str]) -> int:
    """Return how many cells some pools hold for an arm."""
    return sum(values.size for name in pools for values in laid[name])


def _single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.astype(np.float32).astype(np.float64)


def _rows(rows: Sequence[Sequence[int]], width: int) -> IntArray:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)
