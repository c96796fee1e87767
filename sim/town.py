"""The engine for a whole municipality: everyone lived from birth, counted by year of birth. Layer 7; knows no money.

The years before the start are lived under the baseline. From its start in a copy on, an arm is lived by those it
reaches, whose baseline life from then on is counted again beside it; one with few places a year by everyone of a copy,
all ages in step.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Tally
from sim.draws import philox_key
from sim.engine import CHUNK, add_refused, check_settings, empty_ledger, no_deliveries
from sim.errors import ScenarioError
from sim.ledger import Ledger
from sim.municipality import Municipality, Wave
from sim.outcome import ArmCounts, Outcome
from sim.persons import split
from sim.plan import Plan, bind
from sim.program import Program
from sim.residents import Neighbours, Newborn, Residents
from sim.scenario import BASELINE, Scenario
from sim.town_lines import Everyone, Lived, by_copy

_NOBODY = np.zeros(0, dtype=np.uint64)

Waves = tuple[tuple[str, Wave], ...]
"""When each arm begins in a copy; arms that never do are left out."""


@dataclass
class TownOutcome:
    """Everything that was counted in a municipality, an outcome a year of birth."""

    plan: Plan
    seed: int
    replicate: int
    cohorts: dict[int, Outcome] = field(default_factory=dict)
    """By year of birth. A ledger's row a + 1 is the year in which they are a years old; who moves in is counted from
    then on, and stands in `persons` with those born here."""
    lost: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    """Those of them who died before the first year that is counted, by copy."""
    person_years: int = 0
    seconds: float = 0.0

    @property
    def town(self) -> Municipality:
        """The municipality."""
        assert self.plan.scenario.municipality is not None
        return self.plan.scenario.municipality

    @property
    def persons(self) -> NDArray[np.int64]:
        """Persons by copy who belong to the municipality in the years counted, having been born or moved in there."""
        return sum(
            (one.baseline.persons - self.lost[year] for year, one in self.cohorts.items()),
            np.zeros(self.plan.scenario.cohort.copies, dtype=np.int64),
        )

    def residents_by_age(self, year: int | None = None) -> dict[int, float]:
        """Return who lives here at the end of a calendar year (by default the first counted) by age, in one copy.

        Where nothing says who lives here, everyone alive does.
        """
        year = self.town.start if year is None else year
        residence = self.plan.scenario.prices.residence
        found = {}
        for age in range(year - self.town.first + 1):
            cohort, row = self.cohorts[year - age], age + 1
            columns = [residence.column] if residence else []
            counts, _ = cohort.share_in(columns)
            here = self.plan.scenario.model.columns[residence.column].code(residence.own) if residence else ...
            found[age] = float(counts[row][here]) / self.plan.scenario.cohort.copies
        return found

    def digest(self) -> str:
        """Return one SHA-256 over the ledgers of all birth cohorts."""
        digest = hashlib.sha256()
        for year, outcome in self.cohorts.items():
            digest.update(f"{year}={outcome.digest()};".encode())
        return digest.hexdigest()


def simulate_town(
    plan: Plan | Scenario,
    *,
    seed: int = 1,
    replicate: int = 0,
    threads: int = 1,
    chunk: int = CHUNK,
    in_full: bool = False,
    progress: Callable[[float], None] | None = None,
) -> TownOutcome:
    """Live every arm of a municipality and return the integer ledgers, by year of birth.

    `in_full` lives every arm by everyone from its start on: the oracle, with the same ledgers. `progress` is told the
    share done. Raises ScenarioError for settings out of range, and for a plan that is no municipality.
    """
    if isinstance(plan, Scenario):
        plan = bind(plan)
    town = plan.scenario.municipality
    if town is None:
        raise ScenarioError("the scenario has a birth cohort and no municipality", hint="live it by `simulate`")
    check_settings(seed, threads, chunk)
    started = time.perf_counter()
    plan.make_tables()  # before threads share them
    residents = Residents(plan, philox_key(seed, replicate))
    outcome = TownOutcome(plan, seed, replicate)
    run = _Run(plan, residents, outcome, programs_by_wave(plan), in_full, chunk)
    triangle = town.horizon * (town.horizon + 1) / 2
    lines = triangle * (1 + len(plan.in_step)) if plan.in_step else 0
    """What the arms with few places take, the baseline life beside them included."""
    done = 0.0
    pool = ThreadPoolExecutor(threads)
    try:
        for year in town.birth_years:
            newborn = residents.newborn(year)
            outcome.lost[year] = np.zeros(plan.scenario.cohort.copies, dtype=np.int64)
            outcome.cohorts[year] = empty_outcome(plan, year, seed, replicate)
            for _ in pool.map(run.live, [newborn.some(which) for which in _together(plan, newborn, chunk)]):
                pass
            done += town.end - year
            if progress is not None:
                progress(done / (triangle + lines))
        for _ in pool.map(run.live_in_step, by_copy(residents) if plan.in_step else ()):
            done += lines / plan.scenario.cohort.copies
            if progress is not None:
                progress(done / (triangle + lines))
    finally:
        pool.shutdown(cancel_futures=True)
    outcome.person_years = sum(one.lived for one in outcome.cohorts.values())
    outcome.seconds = time.perf_counter() - started
    return outcome


def waves_of(plan: Plan, copy: int) -> Waves:
    """Return when each arm begins in a copy: the first of its waves that has come to this copy."""
    town, copies = plan.scenario.municipality, plan.scenario.cohort.copies
    assert town is not None
    found = []
    for arm in plan.compared:
        waves = plan.scenario.arms[arm].rollout or (Wave(town.start),)
        wave = next((one for one in waves if copy < round(one.copies * copies)), None)
        if wave is not None:
            found.append((arm, wave))
    return tuple(found)


def programs_by_wave(plan: Plan) -> Callable[[str, float], Program]:
    """Return the program of an arm with a factor on the logs of its own effects; each is made once."""

    @cache
    def program(arm: str, factor: float) -> Program:
        if factor == 1.0:
            return plan.programs[arm]
        current = plan.scenario.arms[BASELINE].interventions
        own = {one.catalogue_name for one in plan.scenario.arms[arm].interventions if one not in current}
        offers = tuple(
            replace(one, effects=tuple(replace(effect, size=factor * effect.size) for effect in one.effects))
            if one.catalogue_name in own
            else one
            for one in plan.arms[arm]
        )
        return plan.program_of(arm, offers)

    for copy in range(plan.scenario.cohort.copies):  # before threads share them
        for arm, wave in waves_of(plan, copy):
            program(arm, wave.effect)
    return program


def _together(plan: Plan, newborn: Newborn, most: int) -> Iterator[NDArray[np.int64]]:
    """Iterate over the places of those who are lived together: some copies in which the arms begin alike."""
    copies: dict[Waves, list[int]] = {}
    for copy in range(plan.scenario.cohort.copies):
        copies.setdefault(waves_of(plan, copy), []).append(copy)
    for alike in copies.values():
        those = np.flatnonzero(np.isin(newborn.persons.blocks, alike))
        in_order = those[np.argsort(newborn.persons.blocks[those], kind="stable")]
        yield from split(in_order, most, _NOBODY)


def empty_outcome(plan: Plan, year: int, seed: int, replicate: int) -> Outcome:
    """Return the outcome of a birth cohort before anyone is counted: a row a year up to the end."""
    town = plan.scenario.municipality
    assert town is not None
    cohort = replace(plan.scenario.cohort, born=year, represents=town.births_in(year))
    own = replace(plan, scenario=replace(plan.scenario, cohort=cohort, horizon=town.end - year))
    empty = Outcome(own, seed, replicate, empty_ledger(own))
    for arm in plan.compared:
        nobody = np.zeros(cohort.blocks, dtype=np.int64)
        refused = no_deliveries(own, len(plan.interventions))
        empty.arms[arm] = ArmCounts(empty_ledger(own), empty_ledger(own), nobody, refused)
    return empty


@dataclass
class _Run:
    """Lives persons of one birth year, some copies at a time, in the baseline and in every arm that reaches them."""

    plan: Plan
    residents: Residents
    outcome: TownOutcome
    program: Callable[[str, float], Program]
    in_full: bool
    chunk: int
    lock: Lock = field(default_factory=Lock)

    def live(self, newborn: Newborn) -> None:
        """Live some persons to the end in every arm, and add what is counted to their year's ledgers."""
        plan, town = self.plan, self.residents.town
        birth = newborn.year - town.first
        begins: dict[int, list[tuple[str, Wave]]] = {}
        for arm, wave in waves_of(plan, int(newborn.persons.blocks[0])):
            if arm not in plan.in_step:
                begins.setdefault(max(birth, wave.begins - town.first), []).append((arm, wave))
        now = Neighbours(self.residents, newborn, plan.programs[BASELINE])
        tally = now.tally()
        now.live(max(birth, town.start - town.first), tally)
        with self.lock:
            np.add.at(self.outcome.lost[newborn.year], now.here, tally.persons[:-1] - now.number_here())
        for step in sorted(begins):
            now.live(step, tally)
            self.branch(now, begins[step], is_last=step == max(begins))
        if not begins:
            now.live(town.horizon, tally)
        self.add(now, tally, plan.programs[BASELINE], self.outcome.cohorts[newborn.year].baseline)

    def branch(self, now: Neighbours, arms: Sequence[tuple[str, Wave]], *, is_last: bool) -> None:
        """Live on from where some arms begin: in the baseline, watching whom they reach, and in each arm by those.

        is_last: no further arm begins later, so that this baseline life is the one that is counted.
        """
        plan, counted = self.plan, self.outcome.cohorts[now.newborn.year]
        watching = now.all(plan.watching)
        seen = self.lived(watching)
        if is_last:
            self.add(watching, seen, plan.watching, counted.baseline)
        for arm, wave in arms:
            bit = plan.compared.index(arm)
            hit = watching.chunk.reached >> np.uint64(bit) & np.uint64(1) == 1
            if self.in_full:
                hit[:] = True
            if not hit.any() and not seen.offered(plan.watching).any():
                continue
            counts, program = counted.arms[arm], self.program(arm, wave.effect)
            in_arm, in_baseline = now.some(hit, program), now.some(hit, plan.watching)
            copies, ids = in_arm.copy, in_arm.ids.copy()
            tally, again = self.lived(in_arm), self.lived(in_baseline)
            self.add(in_arm, tally, program, counts.in_arm)
            self.add(in_baseline, again, plan.watching, counts.in_baseline)
            with self.lock:
                np.add.at(counts.participants, copies, 1)
                counted.reached[arm] = np.sort(np.append(counted.reached.get(arm, _NOBODY), ids))
                if not self.in_full:
                    refused = counts.refused[now.here]
                    add_refused(plan, bit, _offered(seen, plan) - _offered(again, plan), refused)
                    counts.refused[now.here] = refused

    def live_in_step(self, newborn: Sequence[Newborn]) -> None:
        """Live everyone of one copy in the arms with few places, from where each begins there, and in the baseline."""
        plan, town = self.plan, self.residents.town
        begins: dict[int, list[tuple[str, Wave]]] = {}
        for arm, wave in waves_of(plan, int(newborn[0].persons.blocks[0])):
            if arm in plan.in_step:
                begins.setdefault(wave.begins - town.first, []).append((arm, wave))
        everyone = Everyone(self.residents, newborn, self.chunk) if begins else None
        for step in sorted(begins):
            assert everyone is not None
            everyone.live(step)
            in_baseline = everyone.on_under(plan.programs[BASELINE])
            for arm, wave in begins[step]:
                program = self.program(arm, wave.effect)
                for now, *lived in zip(everyone.groups, everyone.on_under(program), in_baseline, strict=True):
                    self.add_both(arm, program, now, *lived)

    def add_both(self, arm: str, program: Program, now: Neighbours, in_arm: Lived, in_baseline: Lived) -> None:
        """Add what became of some of one birth year in both; whoever has another place or life is reached."""
        counted = self.outcome.cohorts[now.newborn.year]
        counts = counted.arms[arm]
        self.add(in_arm.some, in_arm.tally, program, counts.in_arm)
        self.add(in_baseline.some, in_baseline.tally, self.plan.programs[BASELINE], counts.in_baseline)
        hit = (in_arm.marks != in_baseline.marks).any(axis=0)
        with self.lock:
            np.add.at(counts.participants, now.copy[hit], 1)
            counted.reached[arm] = np.sort(np.append(counted.reached.get(arm, _NOBODY), now.ids[hit]))

    def lived(self, some: Neighbours) -> Tally:
        """Live some persons to the end and return what is counted of them from now on."""
        tally = some.nothing_yet()
        some.live(self.residents.town.horizon, tally)
        return tally

    def add(self, some: Neighbours, tally: Tally, program: Program, ledger: Ledger) -> None:
        """Add what is counted of those who live here to a ledger; those yet to come are left out."""
        here = Tally(some.here, tally.counts[:-1], tally.deliveries[:-1], tally.persons[:-1])
        with self.lock:
            here.add_to(ledger, self.plan, program)


def _offered(tally: Tally, plan: Plan) -> NDArray[np.int64]:
    """Return the counts of the watched offers, (copies, rows, offers, counts), without those yet to come."""
    return tally.offered(plan.watching)[:-1]
