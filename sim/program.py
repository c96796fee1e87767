"""The program of one arm: its rules as tables and everything else that the kernels read, as plain arrays.

Layer 6: binds a model, parameters and interventions; knows no person and no money.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.chances import Chances, Grids, Transition, check_sum, factors_of, sizes_of
from sim.column_layout import Layout
from sim.domain import Domain, Move
from sim.draws import stream
from sim.effect_targets import check_kinds, domains_acted_on, touches
from sim.effects import changed_occasion, course, merged, replacing, shifts, with_odds
from sim.errors import RuleError, ScenarioError
from sim.families import FAMILY, offered_to_families
from sim.intervention import Effect, Intervention
from sim.ledger import Margin
from sim.model import MAX_AGE, Model, blocks_of
from sim.screens import Bounded, Screen, screen_of
from sim.table_arrays import TableArrays
from sim.tables import Column, Parameters, Rule, cell_text, tabulate
from sim.thresholds import CERTAIN, joint_thresholds, thresholds_of

MAX_MODEL_CELLS = 8_000_000
"""The most cells all tables of one arm may have together."""

IntArray = NDArray[np.int64]


@dataclass
class Program:
    """Everything that `sim.kernels.live.live` reads, by the names of its arguments."""

    arrays: dict[str, Any]
    offers: tuple[str, ...]
    """Name of each offer, in the order of the kernel: those made, then those only watched."""
    cells: int
    """Cells of all tables."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all thresholds."""
        digest = hashlib.sha256()
        for name in ("thresholds", "weights", "factor_values", "chances", "switches"):
            digest.update(self.arrays[name].tobytes())
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
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    """Arrays to which arms add nothing, by name."""
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
        self.laid = TableArrays(layout)
        self.effects: list[tuple[int, int, int]] = []
        self.mechanisms: dict[str, int] = {}
        self.domains: list[list[int]] = []
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
                first.domains.append(first._domain(number, ()))
            self.shared.untouched = first
        untouched = self.shared.untouched
        self.laid.begin_with(untouched.laid)
        for name in ("domains", "state_moves", "moves", "factors"):
            setattr(self, name, list(getattr(untouched, name)))
        for number, domain in enumerate(self.model.all_domains):
            if any(touches(effect, domain) for intervention in made for effect in intervention.effects):
                self.domains[number] = self._domain(number, made)
        counters = [
            [self.layout.row(c.name), self._switch(Rule.of(c.when), Parameters(), f"counter '{c.name}'"), c.cap]
            for c in self.model.counters
        ]
        offers = [self._offer(intervention, int(not watched), made=True) for intervention in made]
        offers += [self._offer(intervention, arms, made=False) for intervention, arms in watched]
        margin_rows = [self._margin(margin) for margin in margins]
        if (
            sum(self.laid.pools[name].size for name in ("thresholds", "switches", "chances", "factor_values"))
            > MAX_MODEL_CELLS
        ):
            raise RuleError(f"the tables of the model have more than {MAX_MODEL_CELLS:,} cells together")
        arrays: dict[str, Any] = {name: self._array(name) for name in self.laid.pools}
        streams = [stream(d.name, block) for d in self.model.all_domains for block in range(blocks_of(d))]
        arrays.update(
            domains=_rows(self.domains, at.DOMAIN_FIELDS), streams=np.array([*streams, 0], dtype=np.int64),
            state_moves=np.array([*self.state_moves, 0], dtype=np.int64), moves=_rows(self.moves, at.MOVE_FIELDS),
            tables=_rows(self.laid.tables, at.TABLE_FIELDS), reads=_rows(self.laid.reads, 2),
            factors=np.array([*self.factors, 0], dtype=np.int64), effects=_rows(self.effects, 3),
            levels=_rows(self.laid.levels, 3), offers=_rows(offers, at.OFFER_FIELDS),
            years=np.array([*[i.years for i in made], 0], dtype=np.int64), n_active=len(made),
            previous=_rows(self.layout.previous, 2), counters=_rows(counters, 3), margins=_rows(margin_rows, 5),
        )  # fmt: skip
        names = tuple(i.catalogue_name for i in made) + tuple(i.catalogue_name for i, _ in watched)
        return Program(arrays, names, sum(p.size for p in self.laid.pools.values()))

    def _array(self, name: str) -> NDArray[Any]:
        """Return a pool as one array: that of all arms where this one has added nothing."""
        pool, untouched = self.laid.pools[name], self.shared.untouched
        if untouched is None or pool.size != untouched.laid.pools[name].size:
            return pool.array()
        if name not in self.shared.arrays:
            self.shared.arrays[name] = pool.array()
        return self.shared.arrays[name]

    def _domain(self, number: int, made: Sequence[Intervention]) -> list[int]:
        """Append the tables and transitions of a domain under these offers; return its row."""
        domain = self.model.all_domains[number]
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
        opened: dict[str, list[_Open]] = {state: self._open_state(domain, state, made) for state in domain.states}
        for state in domain.states:
            self.state_moves.append(len(self.moves))
            for one in opened[state]:
                first_effect = len(self.effects)
                self._add_ratios(one, made)
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
        if number < len(self.domains):  # who carries an effect is always looked at, so the screen stays the same
            for place in (at.KEYS, at.KEYS_END, at.KEY_AGE, at.LANES_USED, at.SCREEN_CELLS, at.SCREEN, at.TOPS, at.EXACT):
                row[place] = self.domains[number][place]
        else:
            self._add_screen(row, domain, opened)
        return row

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Return what `make` makes of a rule under the effects that the key names, made once for all arms."""
        if key not in self.shared.made:
            self.shared.made[key] = make()
        return self.shared.made[key]

    def _open_state(self, domain: Domain, state: str, made: Sequence[Intervention]) -> list[_Open]:
        """Build the tables of every transition out of a state, in the order of declaration."""
        moves = [move for move in domain.moves if move.from_state == state]
        joint = [move for move in moves if move.kind != "hazard"]
        built = self._occasion(domain, state, joint, made) if joint else {}
        opened: list[_Open] = []
        for move in moves:
            if move.kind == "hazard":
                opened.append(self._hazard(domain, move, made))
            else:
                opened += built[move.name]
        return opened

    def _hazard(self, domain: Domain, move: Move, made: Sequence[Intervention]) -> _Open:
        ages = self.chances.window(domain, move)
        columns = self.chances.columns(move.rule.reads)
        factors: list[int] = []
        factor_columns: set[str] = set()
        further: list[tuple[list[Column], NDArray[np.float32]]] = []
        for rule in factors_of(domain, move):
            other = self.chances.columns(rule.reads)
            values = self.chances.grid(domain, rule, other, ages)[0].astype(np.float32)
            factors.append(self.laid.add("factor_values", other, ages, values))
            factor_columns.update(rule.reads)
            further.append((other, values))
        held = math.exp(self.recentred.get((domain.name, move.from_state, move.to[0]), 0.0))

        def grid_at(moved: Mapping[str, float]) -> NDArray[np.uint32]:
            return thresholds_of(self.chances.grid(domain, move.rule, columns, ages, moved)[0] * held)

        traits = {effect.trait for i in made for effect in i.effects if effect.kind == "trait_shift"}
        if traits & factor_columns:
            raise ScenarioError(
                f"a trait shift cannot act on the factors of '{move.name}'", hint="read it in the main rule"
            )
        parts = replacing(made, ages, lambda e: e.kind == "trait_shift" and e.trait in move.rule.reads)
        grids = [self._once(("hazard", domain.name, move.name), lambda: grid_at({}))]
        if parts:
            moved = [shifts(acting) for acting in merged([p for _, p in parts]).acting]
            grids = [
                self._once(("hazard", domain.name, move.name, *sorted(one.items())), partial(grid_at, one))
                for one in moved
            ]
        table = self.laid.add_levels("thresholds", columns, ages, np.stack(grids), 1, parts)
        chances = np.minimum(grids[0] / 2.0**32, 1.0)
        return _Open(move, move.to[0], 0, table, Bounded(ages, columns, ages, chances, further), factors)

    def _occasion(
        self, domain: Domain, state: str, joint: Sequence[Move], made: Sequence[Intervention]
    ) -> dict[str, list[_Open]]:
        """Build the one table that all probabilities out of a state share."""
        windows, ages, columns = self.chances.occasion_columns(domain, joint)
        names = [column.name for column in columns]
        targets = [(domain.name, state, to) for move in joint for to in move.to]
        held = np.exp([self.recentred.get(target, 0.0) for target in targets])

        def at_level(acting: Sequence[tuple[Effect, float]]) -> NDArray[np.float64]:
            found = with_odds(self.chances.joint(domain, joint, shifts(acting)), held)
            return changed_occasion(found, targets, acting, lambda cell: cell_text(columns, cell, ages))

        def plain() -> tuple[NDArray[np.float64], NDArray[np.uint32], NDArray[np.uint32]]:
            stated = self.chances.joint(domain, joint)
            check_sum(state, domain, stated, columns, ages)
            found = with_odds(stated, held)
            return found, *joint_thresholds(found)

        probabilities, *unchanged = self._once(("occasion", domain.name, state), plain)
        parts = replacing(
            made,
            ages,
            lambda e: (
                any(name in e.on for name in targets) if e.kind in ("odds_ratio", "relative_risk") else e.trait in names
            ),
        )
        levels_of = [
            self._once(
                ("occasion", domain.name, state, *((e.kind, e.on, e.trait, e.mechanism, size) for e, size in acting)),
                lambda acting=acting: joint_thresholds(at_level(acting)),  # type: ignore[misc]
            )
            for acting in (merged([p for _, p in parts]).acting if parts else ())
        ]
        thresholds, weights = zip(*(levels_of or [unchanged]), strict=True)
        entries = len(targets)
        table = self.laid.add_levels("thresholds", columns, ages, np.stack(thresholds), entries, parts)
        if any(one.any() for one in weights):
            self.laid.add_weights(table, np.stack(weights))
        certain = probabilities.sum(axis=0) >= 1 - CERTAIN
        opened: dict[str, list[_Open]] = {}
        place = 0
        for move, window in zip(joint, windows, strict=True):
            for to in move.to:
                bounds = np.where(certain & (probabilities[place] > 0), 1.0, probabilities[place])
                hazard = thresholds[0][..., place].astype(np.float64) / 2.0**32
                bounds = np.where(bounds < 1.0, hazard, bounds)
                one = _Open(move, to, place, table, Bounded(window, columns, ages, bounds))
                opened.setdefault(move.name, []).append(one)
                place += 1
        return opened

    def _add_ratios(self, one: _Open, made: Sequence[Intervention]) -> None:
        """Append the hazard ratios that act on a transition, those of one mechanism together."""
        name = (one.move.domain, one.move.from_state, one.to)
        rows = []
        for number, intervention in enumerate(made):
            for effect in intervention.acting:
                if effect.kind == "hazard_ratio" and name in effect.on:
                    logs = course(intervention, effect)
                    place = self.laid.pools["course_log"].add(logs)
                    self.laid.pools["course"].add(np.exp(logs).astype(np.float32).astype(np.float64))
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
        row[at.SCREEN] = self.laid.pools["screen"].add(screen.limits)
        row[at.TOPS] = self.laid.pools["tops"].add(np.maximum.reduceat(screen.limits, range(0, lanes, at.LANES)))
        complete = all(set(one.bounded.columns) <= set(screen.columns) and not one.factors for one in every)
        row[at.EXACT] = int(complete and not row[at.SOME_CERTAIN])

    def _switch(self, rule: Rule, parameters: Parameters, where: str) -> int:
        """Add a 0/1 table of a condition; raises RuleError naming where it stands."""
        columns = self.chances.columns(rule.reads)
        try:
            grid = tabulate(rule, columns, parameters, unit="value")[0]
        except RuleError as error:
            raise RuleError(f"{where}: {error.problems[0].message}", hint=error.problems[0].hint) from None
        return self.laid.add("switches", columns, (0, MAX_AGE), (grid != 0).astype(np.uint8))

    def _offer(self, intervention: Intervention, arms: int, *, made: bool) -> list[int]:
        where = f"intervention '{intervention.name}'"
        columns = self.model.columns
        row = [0] * at.OFFER_FIELDS
        row[at.OFFER_AGE_FROM], row[at.OFFER_AGE_TO] = intervention.ages
        row[at.ELIGIBLE] = self._switch(intervention.when.rule(columns), Parameters(), f"`when` of {where}")
        uptake = intervention.uptake.rule(columns)
        over = self.chances.columns(uptake.reads)
        grid = tabulate(uptake, over, Parameters(), upper=1.0, unit="uptake")[0]
        row[at.UPTAKE] = self.laid.add("chances", over, (0, MAX_AGE), np.ceil(grid * 2.0**32))
        row[at.OFFER_STREAM] = stream(f"uptake {intervention.catalogue_name}")
        row[at.DRAWN_YEARLY] = int(intervention.offer == "yearly")
        row[at.YEARS] = intervention.years
        stop = intervention.stop_when
        row[at.STOP] = -1 if stop is None else self._switch(stop.rule(columns), Parameters(), f"`stop_when` of {where}")
        row[at.CARRY_ALL] = int(intervention.offered_carry)
        c = intervention.baseline_coverage
        row[at.COVERAGE] = math.ceil(c * 2.0**32) if c else -1
        row[at.RECEIVES] = self.layout.receives.get(intervention.catalogue_name, -1)
        row[at.ARMS] = arms
        row[at.TO_FAMILY] = int(offered_to_families(intervention, self.model))
        if made:
            row[at.ACTIVE] = self.laid.pools["active"].add(domains_acted_on(intervention, self.model))
        return row

    def _margin(self, margin: Margin) -> list[int]:
        first, last, _ = self.laid.add_reads([margin.column(name) for name in margin.columns], margin.sizes, 1)
        return [margin.start, margin.cells, first, last, int(margin.deaths)]


def _rows(rows: Sequence[Sequence[int]], width: int) -> IntArray:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)
