"""What is measured: each engine with its workload, its usual number of persons, and what it counts.

Preparing (reading files, making tables, binding a scenario) is kept apart from running, because only running
is timed. Engines are imported when they are prepared, so that a process holds no more than the one it
measures.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.plan import Plan

SCENARIO = Path(__file__).parents[1] / "scenarios" / "norrkoping.yaml"
"""The shipped scenario that is measured."""

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
    missing: Callable[[], str] = str
    """Say in a few words why it cannot be measured here; empty where it can."""
    memory_factor: int = 1
    """How many times as many persons memory is measured with, so that they stand out from the libraries."""

    def persons(self, scale: float) -> int:
        """Return the number of persons when framsyn's is scaled by a factor."""
        return max(1, round(self.usual_persons * scale))


def prepare_framsyn(persons: int, threads: int, stream: bool = False) -> Prepared:
    """Bind LC-ref's baseline."""
    from benchmarks.lcref.with_framsyn import scenario
    from sim.plan import bind

    return _bound(bind(scenario(persons)), threads, stream)


def prepare_shipped(persons: int, threads: int, stream: bool = False) -> Prepared:
    """Bind the shipped scenario with all its arms."""
    return _bound(shipped(persons), threads, stream)


def prepare_shipped_baseline(persons: int, threads: int, stream: bool = False) -> Prepared:
    """Bind the shipped scenario with its baseline only."""
    return _bound(baseline_of(shipped(persons)), threads, stream)


def shipped(persons: int) -> Plan:
    """Return the plan of the shipped scenario, its tables made."""
    from sim.files import load_plan

    return load_plan(SCENARIO, persons=persons)


def baseline_of(plan: Plan) -> Plan:
    """Return the plan of a scenario with its baseline only."""
    from dataclasses import replace

    from sim.plan import bind
    from sim.scenario import BASELINE

    return bind(replace(plan.scenario, arms={BASELINE: plan.scenario.arms[BASELINE]}))


def no_stream() -> str:
    """Say why nothing can be simulated as a stream; empty where it can."""
    from sim.engine import simulate

    return "" if "stream" in inspect.signature(simulate).parameters else "this version cannot simulate as a stream"


def _bound(plan: Plan, threads: int, stream: bool) -> Prepared:
    from sim.engine import simulate

    plan.make_tables()
    options: dict[str, Any] = {"threads": threads, **({"stream": True} if stream else {})}
    margins = [
        f"{' × '.join(margin.columns) or 'everyone'}{' at death' if margin.deaths else ''} ({margin.cells})"
        for margin in plan.margins
    ]
    persons = plan.scenario.cohort.persons
    return Prepared(lambda: simulate(plan, **options).person_years, persons, margins)


def no_compiler() -> str:
    """Say why there is no C to measure; empty where there is."""
    from benchmarks.lcref import with_c

    return with_c.missing()


def prepare_c(persons: int, threads: int) -> Prepared:
    """Build the C and make its threshold tables."""
    from benchmarks.lcref import with_c

    with_c.tables(treated_arm=False)
    return Prepared(_simulation(with_c.with_threshold_tables, persons), persons, _c_margin())


def prepare_c_any_event(persons: int, threads: int) -> Prepared:
    """Build the C and make its threshold tables."""
    from benchmarks.lcref import with_c

    with_c.tables(treated_arm=False)
    return Prepared(_simulation(with_c.with_any_event, persons), persons, _c_margin())


def prepare_c_addressed(persons: int, threads: int) -> Prepared:
    """Build the C and make its threshold tables; persons are rounded up to framsyn's whole copies."""
    from benchmarks.lcref import with_c
    from benchmarks.lcref.with_framsyn import scenario

    with_c.tables(treated_arm=False)
    whole = scenario(persons).cohort.persons
    return Prepared(_simulation(with_c.with_addressed_draws, persons), whole, _c_margin())


def _c_margin() -> list[str]:
    from benchmarks.lcref.workload import DOMAINS, load

    return [f"{' × '.join(DOMAINS)} ({load().joint_states})"]


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
    Engine("c", LCREF, "c with threshold tables", 1_000_000, prepare_c, missing=no_compiler),
    Engine("c-any-event", LCREF, "c, any event", 1_000_000, prepare_c_any_event, missing=no_compiler),
    Engine("c-addressed", LCREF, "c with addressed draws", 400_000, prepare_c_addressed, missing=no_compiler),
    Engine("numpy", LCREF, "numpy", 100_000, prepare_numpy),
    Engine("numpy-tables", LCREF, "numpy with tables", 100_000, prepare_numpy_tables),
    Engine("mesa", LCREF, "mesa", 5_000, prepare_mesa, memory_factor=8),
    Engine("shipped", SHIPPED, "framsyn", 104_960, prepare_shipped, threaded=True),
    Engine("shipped-baseline", SHIPPED_BASELINE, "framsyn", 104_960, prepare_shipped_baseline, threaded=True),
)
"""The first is what the peers on its workload are compared with."""

STREAMED = tuple(
    Engine(
        f"{engine.key}-streamed",
        engine.workload,
        "framsyn, as a stream",
        engine.usual_persons,
        partial(engine.prepare, stream=True),
        threaded=True,
        missing=no_stream,
    )
    for engine in ENGINES
    if engine.name == "framsyn"
)
"""framsyn with the memory of one chunk at a time, for `benchmarks/scaling.py`."""


def engine_of(key: str) -> Engine:
    """Return an engine by its key."""
    return next(engine for engine in (*ENGINES, *STREAMED) if engine.key == key)
