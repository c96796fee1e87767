"""A scenario as a Mesa model: `LifeCourseModel` lives one arm, a year a step, on the engine of `simulate`. Layer 9.

Mesa is the face, not the engine: its random numbers decide nobody's life. What differs between Mesa 3.3 and 3.5 is in
`_hold_weakly`, and in where `sim.mesa_people` finds Mesa's GroupBy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Never
from weakref import WeakMethod, proxy

import mesa
import numpy as np

from sim.engine import CHUNK
from sim.errors import ScenarioError
from sim.files import load_plan
from sim.ledger import Ledger
from sim.mesa_people import People, Person, refused
from sim.persons import Ids
from sim.plan import Plan, bind
from sim.scenario import BASELINE, Scenario
from sim.year_by_year import YearByYear


class LifeCourseModel(mesa.Model):  # type: ignore[misc]
    """Everyone of a plan in one arm, lived a year a step: the same integers as `simulate` counts in that arm.

    `agents` are those alive, who answer Mesa's verbs by column (`sim.mesa_people.People`); `ledger` is what is counted
    so far; `running` becomes False when the horizon is over or nobody is alive.
    """

    def __init__(
        self,
        plan: Plan | Scenario | str | Path,
        arm: str = BASELINE,
        *,
        seed: int = 1,
        replicate: int = 0,
        persons: int | None = None,
        ids: Ids | None = None,
        families: Ids | None = None,
        threads: int = 1,
        chunk: int = CHUNK,
    ) -> None:
        """plan: a plan, a scenario, or the path of a scenario file, whose persons can be given; the rest as of
        `simulate`. Raises ScenarioError for settings out of range and an arm that the scenario does not have.
        """
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
            hint = "to mesa.batch_run give rng=[1, 2, 3]" if seed is None else None
            raise ScenarioError(f"the seed must be a whole number from 0 to 2^64 - 1, not {seed}", hint=hint)
        for name, value in (("threads", threads), ("chunk", chunk)):
            if value < 1:
                raise ScenarioError(f"{name} must be 1 or more, not {value}")
        if isinstance(plan, (str, Path)):
            plan = load_plan(plan, persons=persons)
        elif persons is not None:
            raise ScenarioError("a plan has its persons already", hint="give `persons` with the path of a scenario")
        if isinstance(plan, Scenario):
            plan = bind(plan)
        super().__init__(rng=int(seed))
        _hold_weakly(self)
        self.plan, self.arm, self.seed, self.replicate = plan, arm, int(seed), replicate
        self.lives = YearByYear(
            plan, arm, seed=self.seed, replicate=replicate, ids=ids, families=families, threads=threads, chunk=chunk
        )
        """The persons as columns."""
        for name in self.lives.columns:
            if hasattr(Person, name) or name in ("model", "unique_id", "pos"):
                raise ScenarioError(f"column '{name}' has the name of something that every Mesa agent has; rename it")
        self.running = self.lives.goes_on

    def step(self) -> None:
        """Live everyone's next year; raises ScenarioError when the horizon is over."""
        self.running = False  # an interrupted year cannot be gone on with
        self.lives.live_one_year()
        self.running = self.lives.goes_on

    @property
    def agents(self) -> People:
        """Everyone alive after the last year lived, in the order of the plan; new each time."""
        return People(self)

    @property
    def agent_types(self) -> list[type]:
        """Person, and the types of agents of one's own."""
        return list(self.agents_by_type)

    @property
    def agents_by_type(self) -> dict[type, Any]:
        """The persons as `agents`, and Mesa's sets of agents of one's own."""
        return {Person: self.agents, **super().agents_by_type}

    @property
    def ledger(self) -> Ledger:
        """What is counted so far: after the last year the integers of `simulate(plan, seed=…).ledger(arm)`."""
        return self.lives.ledger

    @property
    def year(self) -> int:
        """The calendar year lived last; before the first step the year before birth."""
        return self.plan.scenario.cohort.born + self.lives.years - 1

    def person(self, unique_id: int) -> Person:
        """Return the view of a person, alive or not; raises ScenarioError where nobody has this id."""
        (places,) = np.nonzero(self.lives.ids == np.uint64(unique_id))
        if not len(places):
            raise ScenarioError(f"nobody in the plan has the id {unique_id}")
        return Person(self, places[0])

    def remove_all_agents(self) -> Never:
        """Refuse: persons leave by death."""
        raise refused("persons leave by death only")


def _hold_weakly(model: mesa.Model) -> None:
    """Let Mesa's own parts hold their model weakly, so that it and its arrays are freed with the last who uses it.

    Mesa wraps `step` in methods that the model keeps of itself; from 3.5 on it has a scenario and a schedule as well,
    which name their model. Where a version has none of these there is nothing to do.
    """
    for name in ("step", "_user_step"):
        if name in vars(model):
            setattr(model, name, _weakly(getattr(model, name)))
    for name in ("_scenario", "_default_schedule"):
        if name in vars(model):
            object.__setattr__(vars(model)[name], "model", proxy(model))


def _weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls a method and does not keep whose it is."""
    held = WeakMethod(method)

    def call(*args: Any, **kwargs: Any) -> Any:
        found = held()
        if found is None:
            raise ReferenceError("the model is gone: keep it in a variable while it is stepped")
        return found(*args, **kwargs)

    return call
