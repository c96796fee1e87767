"""The program of one arm: its rules as tables and everything else that the kernels read, as plain arrays.

Layer 6: binds a model, parameters and interventions; knows no person and no money.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.domain import Domain, Move
from sim.draws import stream
from sim.effects import Levels, changed_occasion, course, levels, merged, shifts, with_odds
from sim.errors import ModelError, RuleError, ScenarioError
from sim.families import FAMILY, offered_to_families
from sim.intervention import Effect, Intervention
from sim.ledger import Margin
from sim.model import MAX_AGE, Model, blocks_of
from sim.tables import Column, Parameters, Rule, cell_text, tabulate

MAX_MODEL_CELLS = 8_000_000
"""The most cells all tables of one arm may have together."""

SCREEN_CELLS = 2048
"""The most cells of a domain's screening table at one age: it should stay in the first-level cache."""

CERTAIN = 1e-12
"""How near to 1 the probabilities of an occasion add up where it is certain."""

IntArray = NDArray[np.int64]
Transition = tuple[str, str, str]
"""Domain, from, to."""


def thresholds_of(hazards: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return 32-bit thresholds of hazards: min(ceil(2^32·(1 - e^-h)), 2^32 - 2)."""
    return np.minimum(np.ceil(-np.expm1(-hazards) * 2.0**32), 2.0**32 - 2).astype(np.uint32)


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
class Layout:
    """Which row of a chunk holds which column."""

    model: Model
    rows: Mapping[str, int]
    receives: Mapping[str, int] = field(default_factory=dict)
    """Row of the flag "in delivery", by intervention, where a quantity is replaced."""

    @classmethod
    def of(cls, model: Model, extra_reads: Iterable[str], replaced_by: Iterable[str]) -> Layout:
        """Lay out the columns that the model needs; `previous_` ones only where something reads them."""
        needed = {name for rule in model_rules(model) for name in rule.reads} | set(extra_reads)
        plain = ["age", *(trait.name for trait in model.traits), *model.changing]
        names = plain + [n for n in model.columns if n not in plain and n in needed]
        rows = {name: row for row, name in enumerate(names)}
        receives = {name: len(rows) + k for k, name in enumerate(sorted(set(replaced_by)))}
        return cls(model, rows, receives)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows) + len(self.receives)

    def row(self, name: str) -> int:
        """Return the row of a column, or of the flag `receives_<intervention>`."""
        return self.rows[name] if name in self.rows else self.receives[name.removeprefix("receives_")]


def model_rules(model: Model) -> list[Rule]:
    """Return every rule of the model that the kernels look up."""
    rules = [m.rule for d in model.all_domains for m in d.moves] + [
        f.rule for d in model.all_domains for f in d.factors
    ]
    return rules + [Rule.of(counter.when) for counter in model.counters]


class _Pool:
    """Arrays of one kind, laid end to end."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.parts: list[NDArray[Any]] = []
        self.size = 0

    def add(self, values: NDArray[Any]) -> int:
        """Append values; return the place of the first."""
        place = self.size
        self.parts.append(np.ascontiguousarray(values, dtype=self.kind).ravel())
        self.size += values.size
        return place

    def array(self) -> NDArray[Any]:
        return np.concatenate([*self.parts, np.zeros(1, dtype=self.kind)])


@dataclass(frozen=True)
class Chance:
    """What the rules say of one hazard or one occasion, before it is recentred and before any effect."""

    on: tuple[Transition, ...]
    """The transitions: one of a hazard, one a destination of an occasion."""
    is_hazard: bool
    ages: tuple[int, int]
    """Closed window in which it acts."""
    tables: tuple[tuple[tuple[Column, ...], NDArray[np.float64]], ...]
    """Columns and values: of a hazard its rule and its factors, of an occasion one table, destinations first."""


@dataclass
class _Open:
    """A transition with its closed window of ages and its table while the program is built."""

    move: Move
    to: str
    entry: int
    ages: tuple[int, int]
    table: int
    columns: list[Column]
    table_ages: tuple[int, int]
    bounds: NDArray[np.float64]
    """Largest chance in each cell of `columns` (certain cells 1)."""
    factors: list[int]
    further: list[tuple[list[Column], NDArray[np.float32]]] = field(default_factory=list)
    """Columns and values of its factors, which the bounds do not hold."""


@dataclass(frozen=True)
class Screen:
    """The screening table of a domain: bounds by lane and cell of a few columns."""

    columns: tuple[Column, ...]
    """Age first."""
    ages: tuple[int, int]
    limits: NDArray[np.uint32]
    """(lanes, sizes of columns…)"""


@dataclass
class Shared:
    """What arms with one set of parameters have in common; effects change neither."""

    screens: dict[str, Screen] = field(default_factory=dict)
    """By domain: who carries an effect is always looked at, so bounds need not know of effects."""
    grids: dict[Any, tuple[NDArray[np.float64], ...]] = field(default_factory=dict)
    """Rules over their columns, by domain, rule, columns, ages and shifts of traits."""
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
        self.parameters = parameters
        self.layout = layout
        self.shared = Shared() if shared is None else shared
        kinds = {
            "thresholds": np.uint32, "weights": np.uint32, "factor_values": np.float32, "switches": np.uint8,
            "chances": np.uint64, "screen": np.uint32, "course": np.float64, "course_log": np.float64,
            "level_of": np.uint16, "merged": np.uint16, "active": np.uint64,
        }  # fmt: skip
        self.pools = {name: _Pool(kind) for name, kind in kinds.items()}
        self.tables: list[list[int]] = []
        self.reads: list[tuple[int, int]] = []
        self.levels: list[tuple[int, int, int]] = []
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
            self._check_effects(intervention)
        if self.shared.untouched is None:
            first = Compiler(self.model, self.parameters, self.layout, self.shared, self.recentred)
            for number in range(len(self.model.all_domains)):
                first.domains.append(first._domain(number, ()))
            self.shared.untouched = first
        self._begin_with(self.shared.untouched)
        for number, domain in enumerate(self.model.all_domains):
            if any(_touches(effect, domain) for intervention in made for effect in intervention.effects):
                self.domains[number] = self._domain(number, made)
        counters = [
            [self.layout.row(c.name), self._switch(Rule.of(c.when), Parameters(), f"counter '{c.name}'"), c.cap]
            for c in self.model.counters
        ]
        offers = [self._offer(intervention, int(not watched), made=True) for intervention in made]
        offers += [self._offer(intervention, arms, made=False) for intervention, arms in watched]
        margin_rows = [self._margin(margin) for margin in margins]
        previous = [
            (self.layout.row(self._plain(name)), row)
            for name, row in self.layout.rows.items()
            if name != self._plain(name)
        ]
        if (
            sum(self.pools[name].size for name in ("thresholds", "switches", "chances", "factor_values"))
            > MAX_MODEL_CELLS
        ):
            raise RuleError(f"the tables of the model have more than {MAX_MODEL_CELLS:,} cells together")
        arrays: dict[str, Any] = {name: self._array(name) for name in self.pools}
        streams = [stream(d.name, block) for d in self.model.all_domains for block in range(blocks_of(d))]
        arrays.update(
            domains=_rows(self.domains, at.DOMAIN_FIELDS), streams=np.array([*streams, 0], dtype=np.int64),
            state_moves=np.array([*self.state_moves, 0], dtype=np.int64), moves=_rows(self.moves, at.MOVE_FIELDS),
            tables=_rows(self.tables, at.TABLE_FIELDS), reads=_rows(self.reads, 2),
            factors=np.array([*self.factors, 0], dtype=np.int64), effects=_rows(self.effects, 3),
            levels=_rows(self.levels, 3), offers=_rows(offers, at.OFFER_FIELDS),
            years=np.array([*[i.years for i in made], 0], dtype=np.int64), n_active=len(made),
            previous=_rows(previous, 2), counters=_rows(counters, 3), margins=_rows(margin_rows, 5),
        )  # fmt: skip
        names = tuple(i.catalogue_name for i in made) + tuple(i.catalogue_name for i, _ in watched)
        return Program(arrays, names, sum(p.size for p in self.pools.values()))

    def _array(self, name: str) -> NDArray[Any]:
        """Return a pool as one array: that of all arms where this one has added nothing."""
        pool, untouched = self.pools[name], self.shared.untouched
        if untouched is None or pool.size != untouched.pools[name].size:
            return pool.array()
        if name not in self.shared.arrays:
            self.shared.arrays[name] = pool.array()
        return self.shared.arrays[name]

    def _begin_with(self, other: Compiler) -> None:
        """Take over everything that another compiler has made so far."""
        for name, pool in other.pools.items():
            self.pools[name].parts, self.pools[name].size = list(pool.parts), pool.size
        for name in ("tables", "reads", "domains", "state_moves", "moves", "factors"):
            setattr(self, name, list(getattr(other, name)))

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
                    [domain.states.index(one.to), *one.ages, one.table, one.entry, len(self.factors),
                     len(self.factors) + len(one.factors), first_effect, len(self.effects)]
                )  # fmt: skip
                self.factors += one.factors
        self.state_moves.append(len(self.moves))
        every = [one for state in domain.states for one in opened[state]]
        row[at.FIRST_AGE] = min((one.ages[0] for one in every), default=MAX_AGE + 1)
        row[at.LAST_AGE] = max((one.ages[1] for one in every), default=-1)
        row[at.SOME_CERTAIN] = int(any(self.tables[one.table][at.HAS_WEIGHTS] for one in every))
        if number < len(self.domains):  # who carries an effect is always looked at, so the screen stays the same
            for place in (at.KEYS, at.KEYS_END, at.KEY_AGE, at.LANES_USED, at.SCREEN_CELLS, at.SCREEN, at.EXACT):
                row[place] = self.domains[number][place]
        else:
            self._add_screen(row, domain, opened)
        return row

    def _plain(self, name: str) -> str:
        return name.removeprefix("previous_")

    def _columns(self, names: Iterable[str]) -> list[Column]:
        """Return the columns of these names, age first."""
        ordered = sorted(dict.fromkeys(names), key=lambda name: name != "age")
        return [self.model.columns[name] for name in ordered]

    def _add_reads(self, columns: Sequence[Column], sizes: Sequence[int], entries: int) -> tuple[int, int, int]:
        """Append the reads of a table; return first, last + 1 and the stride of the first column."""
        first = len(self.reads)
        stride = entries
        strides = []
        for size in reversed(sizes):
            strides.append(stride)
            stride *= size
        for column, one in zip(columns, reversed(strides), strict=True):
            self.reads.append((self.layout.row(column.name), one))
        return first, len(self.reads), strides[-1] if strides else 0

    def _add_table(
        self, pool: str, columns: Sequence[Column], ages: tuple[int, int], values: NDArray[Any], entries: int = 1
    ) -> int:
        """Append a table of shape (levels, cells of columns…, entries); return its number."""
        sizes = _sizes(columns, ages)
        first, last, age_stride = self._add_reads(columns, sizes, entries)
        before = ages[0] * age_stride if columns and columns[0].name == "age" else 0
        place = self.pools[pool].add(values)
        size = math.prod(sizes) * entries
        self.tables.append([place - before, first, last, -before, 0, len(self.levels), len(self.levels), size, 0])
        return len(self.tables) - 1

    def _windows(self, domain: Domain, move: Move) -> tuple[int, int]:
        own = self._own(domain)
        where = f"'{move.name}'"
        low, high = own.window(move.ages[0], where), own.window(move.ages[1], where)
        if not 0 <= low <= high <= MAX_AGE:
            raise ModelError(f"the ages {low} to {high} of {where} must rise within 0 to {MAX_AGE}")
        return low, high

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Return what `make` makes of a rule under the effects that the key names, made once for all arms."""
        if key not in self.shared.made:
            self.shared.made[key] = make()
        return self.shared.made[key]

    def _own(self, domain: Domain) -> Parameters:
        return self.parameters.get(domain.name, Parameters(domain.name))

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
        ages = self._windows(domain, move)
        columns = self._columns(move.rule.reads)
        factors: list[int] = []
        factor_columns: set[str] = set()
        further: list[tuple[list[Column], NDArray[np.float32]]] = []
        for rule in _factors(domain, move):
            other = self._columns(rule.reads)
            values = self._grid(domain, rule, other, ages)[0].astype(np.float32)
            factors.append(self._add_table("factor_values", other, ages, values))
            factor_columns.update(rule.reads)
            further.append((other, values))
        held = math.exp(self.recentred.get((domain.name, move.from_state, move.to[0]), 0.0))

        def grid_at(moved: Mapping[str, float]) -> NDArray[np.uint32]:
            return thresholds_of(self._grid(domain, move.rule, columns, ages, moved)[0] * held)

        traits = {effect.trait for i in made for effect in i.effects if effect.kind == "trait_shift"}
        if traits & factor_columns:
            raise ScenarioError(
                f"a trait shift cannot act on the factors of '{move.name}'", hint="read it in the main rule"
            )
        parts = self._replacing(made, ages, lambda e: e.kind == "trait_shift" and e.trait in move.rule.reads)
        grids = [self._once(("hazard", domain.name, move.name), lambda: grid_at({}))]
        if parts:
            moved = [shifts(acting) for acting in merged([p for _, p in parts]).acting]
            grids = [
                self._once(("hazard", domain.name, move.name, *sorted(one.items())), partial(grid_at, one))
                for one in moved
            ]
        table = self._add_levels("thresholds", columns, ages, np.stack(grids), 1, parts)
        chances = np.minimum(grids[0] / 2.0**32, 1.0)
        return _Open(move, move.to[0], 0, ages, table, columns, ages, chances, factors, further)

    def _occasion(
        self, domain: Domain, state: str, joint: Sequence[Move], made: Sequence[Intervention]
    ) -> dict[str, list[_Open]]:
        """Build the one table that all probabilities out of a state share."""
        windows, ages, columns = self._occasion_columns(domain, joint)
        names = [column.name for column in columns]
        targets = [(domain.name, state, to) for move in joint for to in move.to]
        held = np.exp([self.recentred.get(target, 0.0) for target in targets])

        def at_level(acting: Sequence[tuple[Effect, float]]) -> NDArray[np.float64]:
            found = with_odds(self._joint(domain, joint, shifts(acting)), held)
            return changed_occasion(found, targets, acting, lambda cell: cell_text(columns, cell, ages))

        def plain() -> tuple[NDArray[np.float64], NDArray[np.uint32], NDArray[np.uint32]]:
            stated = self._joint(domain, joint)
            self._check_sum(state, domain, stated, columns, ages)
            found = with_odds(stated, held)
            return found, *_joint_thresholds(found)

        probabilities, *unchanged = self._once(("occasion", domain.name, state), plain)
        parts = self._replacing(
            made,
            ages,
            lambda e: (
                any(name in e.on for name in targets) if e.kind in ("odds_ratio", "relative_risk") else e.trait in names
            ),
        )
        levels_of = [
            self._once(
                ("occasion", domain.name, state, *((e.kind, e.on, e.trait, e.mechanism, size) for e, size in acting)),
                lambda acting=acting: _joint_thresholds(at_level(acting)),  # type: ignore[misc]
            )
            for acting in (merged([p for _, p in parts]).acting if parts else ())
        ]
        thresholds, weights = zip(*(levels_of or [unchanged]), strict=True)
        entries = len(targets)
        table = self._add_levels("thresholds", columns, ages, np.stack(thresholds), entries, parts)
        if any(one.any() for one in weights):
            before = self.tables[table][at.WEIGHTS]
            self.tables[table][at.WEIGHTS] = self.pools["weights"].add(np.stack(weights)) + before
            self.tables[table][at.HAS_WEIGHTS] = 1
        certain = probabilities.sum(axis=0) >= 1 - CERTAIN
        opened: dict[str, list[_Open]] = {}
        place = 0
        for move, window in zip(joint, windows, strict=True):
            for to in move.to:
                bounds = np.where(certain & (probabilities[place] > 0), 1.0, probabilities[place])
                hazard = thresholds[0][..., place].astype(np.float64) / 2.0**32
                bounds = np.where(bounds < 1.0, hazard, bounds)
                one = _Open(move, to, place, window, table, columns, ages, bounds, [])
                opened.setdefault(move.name, []).append(one)
                place += 1
        return opened

    def _occasion_columns(
        self, domain: Domain, joint: Sequence[Move]
    ) -> tuple[list[tuple[int, int]], tuple[int, int], list[Column]]:
        """Return the windows of ages of an occasion's moves, that of all together, and the columns of its table."""
        windows = [self._windows(domain, move) for move in joint]
        ages = (min(low for low, _ in windows), max(high for _, high in windows))
        names = [name for move in joint for name in move.rule.reads]
        if any(window != ages for window in windows):
            names.append("age")  # windows differ, so the table is by age
        return windows, ages, self._columns(names)

    def _joint(
        self, domain: Domain, joint: Sequence[Move], moved: Mapping[str, float] | None = None
    ) -> NDArray[np.float64]:
        """Return the probabilities of an occasion as its rules say them: (destinations, cells…)."""
        windows, ages, columns = self._occasion_columns(domain, joint)
        grids: list[NDArray[np.float64]] = []
        for move, window in zip(joint, windows, strict=True):
            grids += self._probabilities(domain, move, window, columns, ages, moved or {})
        return np.stack(grids)

    def chances(self, domain: Domain) -> list[Chance]:
        """Return every hazard and every occasion of a domain."""
        found = []
        for state in domain.states:
            moves = [move for move in domain.moves if move.from_state == state]
            joint = [move for move in moves if move.kind != "hazard"]
            for move in moves:
                if move.kind == "hazard":
                    ages = self._windows(domain, move)
                    over = [(rule, self._columns(rule.reads)) for rule in (move.rule, *_factors(domain, move))]
                    tables = tuple((tuple(cols), self._grid(domain, rule, cols, ages)[0]) for rule, cols in over)
                    found.append(Chance(((domain.name, state, move.to[0]),), True, ages, tables))
            if joint:
                _, ages, columns = self._occasion_columns(domain, joint)
                on = tuple((domain.name, state, to) for move in joint for to in move.to)
                found.append(Chance(on, False, ages, ((tuple(columns), self._joint(domain, joint)),)))
        return found

    def _probabilities(
        self, domain: Domain, move: Move, window: tuple[int, int], columns: Sequence[Column], ages: tuple[int, int],
        moved: Mapping[str, float],
    ) -> list[NDArray[np.float64]]:  # fmt: skip
        """Return the probabilities of one move over the columns of its occasion, 0 outside its window."""
        own = self._columns([*move.rule.reads, *(["age"] if columns and columns[0].name == "age" else [])])
        upper = 1.0 + 1e-9 if move.kind == "occasion" else math.inf
        grids = self._grid(domain, move.rule, own, window, moved, upper, "probability" if upper < 2 else "weight")
        if len(grids) != len(move.to):
            raise RuleError(f"rule '{move.rule.name}' returns {len(grids)} value(s) for {len(move.to)} destination(s)")
        if move.kind == "choice":
            total = sum(grids[1:], grids[0])
            if np.any(total <= 0):
                cell = np.unravel_index(int(np.argmax(total <= 0)), total.shape)
                raise RuleError(f"the weights of '{move.name}' are all 0 at {cell_text(own, cell, window)}")
            grids = tuple(grid / total for grid in grids)
        spread = []
        for grid in grids:
            shape = [grid.shape[own.index(c)] if c in own else 1 for c in columns]
            wide = np.broadcast_to(grid.reshape(shape), [
                window[1] - window[0] + 1 if c.name == "age" else c.size for c in columns
            ])  # fmt: skip
            full = np.zeros(_sizes(columns, ages))
            rows = slice(window[0] - ages[0], window[1] - ages[0] + 1) if columns and columns[0].name == "age" else ...
            full[rows] = wide
            spread.append(full)
        return spread

    def _check_sum(
        self,
        state: str,
        domain: Domain,
        probabilities: NDArray[np.float64],
        columns: Sequence[Column],
        ages: tuple[int, int],
    ) -> None:
        total = probabilities.sum(axis=0)
        if np.any(total > 1 + CERTAIN):
            cell = np.unravel_index(int(np.argmax(total)), total.shape)
            raise RuleError(
                f"the probabilities out of '{domain.name}: {state}' add to {total[cell]:.6g}"
                f" at {cell_text(columns, cell, ages)}: at most 1"
            )

    def _grid(
        self, domain: Domain, rule: Rule, columns: Sequence[Column], ages: tuple[int, int],
        moved: Mapping[str, float] | None = None, upper: float = math.inf, unit: str = "hazard",
    ) -> tuple[NDArray[np.float64], ...]:  # fmt: skip
        key = (domain.name, rule, tuple(column.name for column in columns), ages, tuple(sorted((moved or {}).items())))
        if key not in self.shared.grids:
            grids = tabulate(rule, columns, self._own(domain), ages=ages, shifts=moved, upper=upper, unit=unit)
            self.shared.grids[key] = grids
        return self.shared.grids[key]

    def _replacing(
        self, made: Sequence[Intervention], ages: tuple[int, int], acts: Callable[[Effect], bool]
    ) -> list[tuple[int, Levels]]:
        """Return (offer, levels) of every intervention with effects that replace a table of these ages."""
        parts = []
        for number, intervention in enumerate(made):
            kinds = ("odds_ratio", "relative_risk", "trait_shift")
            effects = tuple(effect for effect in intervention.acting if effect.kind in kinds and acts(effect))
            if effects:
                part = levels(intervention, effects, ages)
                if len(part.signatures) > 1:
                    parts.append((number, part))
        return parts

    def _add_levels(
        self, pool: str, columns: Sequence[Column], ages: tuple[int, int], grids: NDArray[Any], entries: int,
        parts: Sequence[tuple[int, Levels]],
    ) -> int:  # fmt: skip
        first = len(self.levels)
        radix = 1
        for number, part in parts:
            self.levels.append((number, radix, self.pools["level_of"].add(part.level_of)))
            radix *= len(part.signatures)
        table = self._add_table(pool, columns, ages, grids, entries)
        self.tables[table][at.LEVELS], self.tables[table][at.LEVELS_END] = first, len(self.levels)
        if parts:
            self.tables[table][at.MERGED] = self.pools["merged"].add(merged([part for _, part in parts]).level_of)
        return table

    def _add_ratios(self, one: _Open, made: Sequence[Intervention]) -> None:
        """Append the hazard ratios that act on a transition, those of one mechanism together."""
        name = (one.move.domain, one.move.from_state, one.to)
        rows = []
        for number, intervention in enumerate(made):
            for effect in intervention.acting:
                if effect.kind == "hazard_ratio" and name in effect.on:
                    logs = course(intervention, effect)
                    place = self.pools["course_log"].add(logs)
                    self.pools["course"].add(np.exp(logs).astype(np.float32).astype(np.float64))
                    mechanism = self.mechanisms.setdefault(effect.mechanism, len(self.mechanisms))
                    rows.append((number, mechanism, place))
        self.effects += sorted(rows, key=lambda row: row[1])

    def _add_screen(self, row: list[int], domain: Domain, opened: Mapping[str, list[_Open]]) -> None:
        """Append a domain's screening bounds, one table a lane."""
        every = [one for ones in opened.values() for one in ones]
        if domain.name not in self.shared.screens:
            self.shared.screens[domain.name] = self._screen(domain, opened, (row[at.FIRST_AGE], row[at.LAST_AGE]))
        screen = self.shared.screens[domain.name]
        first, last, age_stride = self._add_reads(screen.columns, _sizes(screen.columns, screen.ages), 1)
        row[at.KEYS], row[at.KEYS_END] = first + bool(screen.columns), last
        row[at.KEY_AGE] = age_stride
        row[at.LANES_USED] = len(screen.limits)
        row[at.SCREEN_CELLS] = screen.limits[0].size
        row[at.SCREEN] = self.pools["screen"].add(screen.limits)
        complete = all(set(one.columns) <= set(screen.columns) and not one.factors for one in every)
        row[at.EXACT] = int(complete and not row[at.SOME_CERTAIN])

    def _screen(self, domain: Domain, opened: Mapping[str, list[_Open]], ages: tuple[int, int]) -> Screen:
        """Choose the columns of a domain's screening cell, those that tighten its bounds most, and fill the bounds."""
        every = [one for ones in opened.values() for one in ones]
        if not every:
            return Screen((), (0, 0), np.zeros((1, 1), dtype=np.uint32))
        lanes = max(len(ones) for ones in opened.values())
        is_death = self.model.death is not None and domain is self.model.death.domain
        columns = [self.model.columns["age"], *([] if is_death else [self.model.columns[domain.name]])]
        read = [c for one in every for c in (*one.columns, *(c for over, _ in one.further for c in over))]
        rest = list(dict.fromkeys(c for c in read if c not in columns))
        while rest:
            if math.prod(c.size for c in columns[1:] + rest) <= SCREEN_CELLS:
                columns += rest
                break
            fits = [c for c in rest if math.prod(x.size for x in columns[1:]) * c.size <= SCREEN_CELLS]
            if not fits:
                break
            best = min(fits, key=lambda c: self._bounds(domain, opened, [*columns, c], ages, lanes).mean())
            columns.append(best)
            rest.remove(best)
        bounds = self._bounds(domain, opened, columns, ages, lanes)
        whole = np.minimum(np.ceil(bounds * 2.0**32), 2.0**32 - 2)
        return Screen(tuple(columns), ages, np.where(bounds >= 1.0, 2.0**32 - 1, whole).astype(np.uint32))

    def _bounds(
        self,
        domain: Domain,
        opened: Mapping[str, list[_Open]],
        columns: Sequence[Column],
        ages: tuple[int, int],
        lanes: int,
    ) -> NDArray[np.float64]:
        """Return the largest chance by lane and screening cell: (lanes, sizes of columns…)."""
        bounds = np.zeros([lanes, *_sizes(columns, ages)])
        by_state = domain.name in [c.name for c in columns]
        for state, ones in opened.items():
            for lane, one in enumerate(ones):
                code = domain.states.index(state)
                rows = slice(one.ages[0] - ages[0], one.ages[1] - ages[0] + 1)

                def spread(
                    over: Sequence[Column], values: NDArray[Any], first: int, one: _Open = one, code: int = code
                ) -> Any:
                    """Return the largest values over the screen's columns, those of the transition's own ages."""
                    gone = tuple(k for k, c in enumerate(over) if c not in columns)
                    kept = [c for c in over if c in columns]
                    grid = values.max(axis=gone) if gone else values
                    if kept and kept[0].name == "age":
                        grid = grid[one.ages[0] - first : one.ages[1] - first + 1]
                    own = next((k for k, c in enumerate(kept) if c.name == domain.name), None)
                    if own is not None:  # the rule reads the state itself: it says nothing about the other states
                        grid = np.take(grid, [code], axis=own)
                    order = [c for c in columns if c in kept]
                    grid = np.transpose(grid, [kept.index(c) for c in order])
                    return grid.reshape([grid.shape[order.index(c)] if c in order else 1 for c in columns])

                grid = spread(one.columns, one.bounds, one.table_ages[0])
                if one.further:  # slightly more than the product, so that rounding never hides a candidate
                    ratio = math.prod(spread(over, values.astype(float), one.ages[0]) for over, values in one.further)
                    grid = -np.expm1(np.log1p(-grid) * ratio * (1 + 1e-9))
                place: list[Any] = [slice(None)] * len(columns)
                place[0] = rows
                if by_state:
                    where = [c.name for c in columns].index(domain.name)
                    place[where] = slice(code, code + 1)
                target = bounds[(lane, *place)]
                np.maximum(target, grid, out=target)
        return bounds

    def _switch(self, rule: Rule, parameters: Parameters, where: str) -> int:
        """Add a 0/1 table of a condition; raises RuleError naming where it stands."""
        columns = self._columns(rule.reads)
        try:
            grid = tabulate(rule, columns, parameters, unit="value")[0]
        except RuleError as error:
            raise RuleError(f"{where}: {error.problems[0].message}", hint=error.problems[0].hint) from None
        return self._add_table("switches", columns, (0, MAX_AGE), (grid != 0).astype(np.uint8))

    def _offer(self, intervention: Intervention, arms: int, *, made: bool) -> list[int]:
        where = f"intervention '{intervention.name}'"
        columns = self.model.columns
        row = [0] * at.OFFER_FIELDS
        row[at.OFFER_AGE_FROM], row[at.OFFER_AGE_TO] = intervention.ages
        row[at.ELIGIBLE] = self._switch(intervention.when.rule(columns), Parameters(), f"`when` of {where}")
        uptake = intervention.uptake.rule(columns)
        over = self._columns(uptake.reads)
        grid = tabulate(uptake, over, Parameters(), upper=1.0, unit="uptake")[0]
        row[at.UPTAKE] = self._add_table("chances", over, (0, MAX_AGE), np.ceil(grid * 2.0**32))
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
            row[at.ACTIVE] = self.pools["active"].add(self._active(intervention))
        return row

    def _active(self, intervention: Intervention) -> NDArray[np.uint64]:
        """Return the mask of domains that the intervention acts on, in every year of its course."""
        mask = np.zeros((at.STANDINGS, intervention.years + 1, at.YEARS_AXIS), dtype=np.uint64)
        for effect in intervention.acting:
            acting = course(intervention, effect) != 0
            for number, domain in enumerate(self.model.all_domains):
                on = any(name[0] == domain.name for name in effect.on)
                reads = any(effect.trait in move.rule.reads for move in domain.moves)
                if on or (effect.kind == "trait_shift" and reads):
                    mask[acting] |= np.uint64(1 << number)
        return mask

    def _check_effects(self, intervention: Intervention) -> None:
        kinds = {(d.name, m.from_state, to): m.kind for d in self.model.all_domains for m in d.moves for to in m.to}
        for effect in intervention.effects:
            for name in effect.on:
                is_hazard = kinds[name] == "hazard"
                text = f"{name[0]}: {name[1]} -> {name[2]}"
                if effect.kind == "hazard_ratio" and not is_hazard:
                    raise ScenarioError(
                        f"'{text}' is an occasion, and a hazard ratio acts on hazards", hint="state an odds_ratio"
                    )
                if effect.kind in ("odds_ratio", "relative_risk") and is_hazard:
                    raise ScenarioError(
                        f"'{text}' is a hazard: a {effect.kind.replace('_', ' ')} has to be converted",
                        hint="give evidence.control_risk and evidence.follow_up_years, or state a hazard_ratio",
                    )

    def _margin(self, margin: Margin) -> list[int]:
        first, last, _ = self._add_reads([margin.column(name) for name in margin.columns], margin.sizes, 1)
        return [margin.start, margin.cells, first, last, int(margin.deaths)]


def _touches(effect: Effect, domain: Domain) -> bool:
    """Return whether an effect changes some table or transition of a domain."""
    if effect.kind == "trait_shift":
        rules = [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]
        return any(effect.trait in rule.reads for rule in rules)
    return any(name[0] == domain.name for name in effect.on)


def _factors(domain: Domain, move: Move) -> list[Rule]:
    """Return the rules that multiply a hazard."""
    return [one.rule for one in domain.factors if (one.from_state, one.to) == (move.from_state, move.to[0])]


def _rows(rows: Sequence[Sequence[int]], width: int) -> IntArray:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


def _sizes(columns: Sequence[Column], ages: tuple[int, int]) -> list[int]:
    return [ages[1] - ages[0] + 1 if column.name == "age" else column.size for column in columns]


def _joint_thresholds(probabilities: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return thresholds and weights (cells…, destinations) of an occasion; weights only where it is certain.

    H = -ln(1 - Σp) and h_k = H·p_k / Σp, so that the first of the clocks wins with probability p_k. Where Σp = 1
    the clocks have no common hazard: the weights race instead, without an end of the step.
    """
    total = probabilities.sum(axis=0)
    certain = total >= 1 - CERTAIN
    hazard = -np.log1p(-np.where(certain, 0.0, np.minimum(total, 1.0)))
    share = np.divide(probabilities, total, out=np.zeros_like(probabilities), where=total > 0)
    thresholds = np.where(certain, 0, thresholds_of(hazard * share))
    scaled = np.clip(np.rint(share * (2.0**32 - 1)), 1, 2.0**32 - 1)
    weights = np.where(certain & (share > 0), scaled, 0).astype(np.uint32)
    return np.moveaxis(thresholds.astype(np.uint32), 0, -1), np.moveaxis(weights, 0, -1)
