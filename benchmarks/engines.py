"""What is measured: each engine with its workload, its usual number of persons, and what it counts.

Preparing (reading files, making tables, binding a scenario) is kept apart from running, because only running
is timed. Engines are imported when they are prepared, so that a process holds no more than the one it
measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.plan import Plan

SCENARIO = Path(__file__).parents[1] / "scenarios" / "norrkoping.yaml"

LCREF = "LC-ref, baseline"
SHIPPED = "shipped, all arms"
SHIPPED_BASELINE = "shipped, baseline"


@dataclass(frozen=True)
class Prepared:
    """One engine, ready to live its persons."""

    run: Callable[[], int]
    """Live everyone once; return the person-years lived."""
    persons: int
    """Persons, rounded up to whole copies where the engine has them."""
    margins: list[str]
    """What is counted after each year of age: the columns counted together, with the number of cells."""


@dataclass(frozen=True)
class Engine:
    """An engine with its workload."""

    key: str
    """Short name, for the command line of a child process."""
    workload: str
    name: str
    usual_persons: int
    prepare: Callable[[int, int], Prepared]
    """Given persons and threads."""
    threaded: bool = False
    """Whether it can use more than one thread."""
    memory_factor: int = 1
    """How many times as many persons memory is measured with, so that they stand out from the libraries."""

    def persons(self, scale: float) -> int:
        """Return the number of persons when framsyn's is scaled by a factor."""
        return max(1, round(self.usual_persons * scale))


def prepare_framsyn(persons: int, threads: int) -> Prepared:
    """Bind LC-ref's baseline."""
    from benchmarks.lcref.with_framsyn import scenario
    from sim.plan import bind

    return _bound(bind(scenario(persons)), threads)


def prepare_shipped(persons: int, threads: int) -> Prepared:
    """Bind the shipped scenario with all its arms."""
    return _bound(_shipped(persons), threads)


def prepare_shipped_baseline(persons: int, threads: int) -> Prepared:
    """Bind the shipped scenario with its baseline only."""
    from dataclasses import replace

    from sim.plan import bind
    from sim.scenario import BASELINE

    scenario = _shipped(persons).scenario
    return _bound(bind(replace(scenario, arms={BASELINE: scenario.arms[BASELINE]})), threads)


def _shipped(persons: int) -> Plan:
    from sim.files import load_plan

    return load_plan(SCENARIO, persons=persons)


def _bound(plan: Plan, threads: int) -> Prepared:
    from sim.engine import simulate

    plan.make_tables()
    margins = [
        f"{' × '.join(margin.columns) or 'everyone'}{' at death' if margin.deaths else ''} ({margin.cells})"
        for margin in plan.margins
    ]
    persons = plan.scenario.cohort.persons
    return Prepared(lambda: simulate(plan, threads=threads).person_years, persons, margins)


def prepare_numpy(persons: int, threads: int) -> Prepared:
    """Read LC-ref's formulas; they are evaluated in the run."""
    from benchmarks.lcref import with_numpy
    from benchmarks.lcref.workload import DOMAINS, read

    margins = [f"{domain} ({len(read()['states'][domain])})" for domain in DOMAINS]
    return Prepared(_simulation(with_numpy.simulate, persons), persons, margins)


def prepare_numpy_tables(persons: int, threads: int) -> Prepared:
    """Make LC-ref's tables of probability and the order in which they are looked up."""
    from benchmarks.lcref import with_numpy_tables

    with_numpy_tables.choices(treated_arm=False)
    return Prepared(_simulation(with_numpy_tables.simulate, persons), persons, _joint_margin())


def prepare_mesa(persons: int, threads: int) -> Prepared:
    """Make LC-ref's tables of probability as plain Python numbers."""
    from benchmarks.lcref import with_mesa

    with_mesa.years_of_life(treated_arm=False)
    return Prepared(_simulation(with_mesa.simulate, persons), persons, _joint_margin())


def _simulation(simulate: Callable[..., dict[str, Any]], persons: int) -> Callable[[], int]:
    return lambda: int(simulate(persons)["person_years"])


def _joint_margin() -> list[str]:
    from benchmarks.lcref.workload import DOMAINS, load

    columns = ("sex", "parental_education", "treated", *DOMAINS)
    return [f"{' × '.join(columns)} ({load().death.shape[1]})"]


ENGINES = (
    Engine("framsyn", LCREF, "framsyn", 400_000, prepare_framsyn, threaded=True),
    Engine("numpy", LCREF, "numpy", 100_000, prepare_numpy),
    Engine("numpy-tables", LCREF, "numpy with tables", 100_000, prepare_numpy_tables),
    Engine("mesa", LCREF, "mesa", 5_000, prepare_mesa, memory_factor=8),
    Engine("shipped", SHIPPED, "framsyn", 104_960, prepare_shipped, threaded=True),
    Engine("shipped-baseline", SHIPPED_BASELINE, "framsyn", 104_960, prepare_shipped_baseline, threaded=True),
)
"""In the order in which a round runs them; the first is what the peers on its workload are compared with."""
