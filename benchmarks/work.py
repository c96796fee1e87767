"""The work of living a baseline, counted and not timed: `python benchmarks/work.py [--json]`.

What is counted, for LC-ref and for `scenarios/sweden.yaml`, a person-year: Philox blocks of four draws; screenings
(a person held against the bounds of one domain); candidates (whose draw is below a bound, so that exact thresholds
are looked up); moves and deaths; margins and counters that a person is added to. The same on every machine and under
any load, which is what a guard in continuous integration needs.

How. Lives are recorded by the engine, and what was looked at each year is worked out from them again in NumPy: the
screens by name, the columns as they stood when each domain had its turn, the draws by address. Only names that a
scenario's author sees are used, so that the layout of the kernels' arrays may change. All that follows the engine's
rules is in `Lives`; `check` holds it against the moves that were made.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks.printed import positive, print_table  # noqa: E402
from sim.persons import NOT_ALIVE  # noqa: E402

if TYPE_CHECKING:
    from sim.domain import Domain
    from sim.plan import Plan
    from sim.screens import Screen

PERSONS = 6_000
SEED = 1


@dataclass(frozen=True)
class Work:
    """What was done, a person-year."""

    blocks_drawn: float
    screened: float
    candidates: float
    moved: float
    """Moves and deaths: the least that candidates can be."""
    counted: float
    """Margins and counters."""


def work_of(plan: Plan, seed: int = SEED) -> Work:
    """Count the work of living a plan's baseline, which must make no offers."""
    from sim.model import blocks_of

    lives = Lives(plan, seed)
    model = plan.scenario.model
    margins = sum(not margin.deaths for margin in plan.margins)
    blocks = screened = candidates = moved = person_years = 0
    for step in range(plan.scenario.horizon):
        for domain in model.all_domains:
            screen = lives.screens[domain.name]
            if not screen.ages[0] <= step <= screen.ages[1]:
                continue
            present = lives.present(domain, step)
            flagged, left = lives.flagged(domain, step, present), lives.moved(domain, step, present)
            if (left & ~flagged).any():
                raise AssertionError(f"someone moved in '{domain.name}' at {step} unlooked at: work.py is out of date")
            blocks += len(present) * blocks_of(domain)
            screened += len(present)
            candidates += int(flagged.sum())
            moved += int(left.sum())
        person_years += int((lives.age(step + 1) != NOT_ALIVE).sum())
    per = person_years or 1
    counted = margins + len(model.counters)
    return Work(blocks / per, screened / per, candidates / per, moved / per, float(counted))


class Lives:
    """Recorded lives, and what the engine looked at in each year of them."""

    def __init__(self, plan: Plan, seed: int) -> None:
        from sim.chunk import history_of
        from sim.draws import philox_key
        from sim.persons import all_ids
        from sim.scenario import BASELINE

        if plan.arms[BASELINE]:
            raise ValueError("the baseline makes offers, which are not counted")
        self.plan = plan
        self.key = np.uint64(philox_key(seed))
        self.ids = all_ids(plan, self.key)
        self.screens = screens_of(plan)
        self.history = history_of(plan, plan.programs[BASELINE], self.ids, self.key)
        model = plan.scenario.model
        self.turn = {domain.name: place for place, domain in enumerate(model.all_domains)}
        self.clock_of = {f"years_in_{name}": name for name in self.turn}

    def age(self, row: int) -> NDArray[np.uint8]:
        """Return everyone's age in a row of the history, row 0 being birth."""
        return self.history[row, 0]

    def present(self, domain: Domain, step: int) -> NDArray[np.int64]:
        """Return the places of those whom a domain looks at: who was alive, and for all but death who survives."""
        alive = self.age(step) != NOT_ALIVE if step else np.ones(len(self.ids), dtype=bool)
        if not self._is_death(domain):
            alive = alive & (self.age(step + 1) != NOT_ALIVE)
        return np.flatnonzero(alive)

    def moved(self, domain: Domain, step: int, who: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return who moves in a domain in a step, or dies."""
        if self._is_death(domain):
            return self.age(step + 1)[who] == NOT_ALIVE
        before, after = (self._row(domain.name, step + late)[who] for late in (0, 1))
        return before != after

    def flagged(self, domain: Domain, step: int, who: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return of whom some draw is below the bound of his screening cell."""
        screen = self.screens[domain.name]
        codes = tuple(self._value(column.name, domain, step)[who] for column in screen.columns[1:])
        bounds = screen.limits[:, step - screen.ages[0]]  # age comes first
        certain = np.uint32(2**32 - 1)
        result = np.zeros(len(who), dtype=bool)
        draws = self._draws(domain, step, who, len(bounds))
        for lane, limits in enumerate(bounds):
            bound = limits[codes]
            result |= (draws[lane] < bound) | (bound == certain)
        return result

    def _draws(self, domain: Domain, step: int, who: NDArray[np.int64], lanes: int) -> NDArray[np.uint32]:
        """Return (lanes, persons) draws; in a birth cohort everyone is a family of his own."""
        from sim.draws import stream
        from sim.kernels.philox import fill_draws

        blocks = -(-lanes // 4)
        out = np.empty((4 * blocks, len(who)), dtype=np.uint32)
        for block in range(blocks):
            name = stream(domain.name, block)
            fill_draws(self.ids[who], len(who), step, name, self.key, out[4 * block : 4 * block + 4])
        return out

    def _value(self, name: str, domain: Domain, step: int) -> NDArray[np.uint8]:
        """Return a column as it stands when a domain has its turn in a step."""
        if name.startswith("previous_"):
            return self._row(name.removeprefix("previous_"), step)
        owner = self.clock_of.get(name, name)
        before, after = self._row(name, step), self._row(name, step + 1)
        if owner not in self.turn or self.turn[owner] >= self.turn[domain.name]:
            return before
        # an earlier domain has moved; its clock is set to 0 by the move and goes on for others at the end of the step
        return np.where(after == 0, after, before) if name in self.clock_of else after

    def _row(self, name: str, row: int) -> NDArray[np.uint8]:
        return self.history[row, self.plan.layout.row(name)]

    def _is_death(self, domain: Domain) -> bool:
        death = self.plan.scenario.model.death
        return death is not None and domain is death.domain


def screens_of(plan: Plan) -> Mapping[str, Screen]:
    """Return the screening bounds of every domain, by name."""
    from sim.program import Compiler, Shared
    from sim.scenario import BASELINE

    shared = Shared()
    scenario = plan.scenario
    parameters = plan.parameters_of(BASELINE)
    Compiler(scenario.model, parameters, plan.layout, shared, scenario.recentred).compile((), (), plan.margins)
    return shared.screens


def workloads(persons: int) -> dict[str, Plan]:
    """Return the plans whose work is counted, by name."""
    from benchmarks.lcref.with_framsyn import scenario
    from sim.files import load_plan
    from sim.plan import bind

    shipped = load_plan(ROOT / "scenarios" / "sweden.yaml", persons=persons)
    return {"LC-ref": bind(scenario(persons, copies=1)), "shipped": shipped}


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description="The work of living a baseline, counted and not timed.")
    parser.add_argument("--persons", type=positive, default=PERSONS, help=f"rounded up to copies (default {PERSONS})")
    parser.add_argument("--json", action="store_true", help="print a JSON object and nothing else")
    given = parser.parse_args()
    found: dict[str, dict[str, Any]] = {name: asdict(work_of(plan)) for name, plan in workloads(given.persons).items()}
    if given.json:
        print(json.dumps(found))
        return
    names = list(next(iter(found.values())))
    rows = [[name.replace("_", " "), *(f"{work[name]:.3f}" for work in found.values())] for name in names]
    print_table(["a person-year", *found], rows)


if __name__ == "__main__":
    main()
