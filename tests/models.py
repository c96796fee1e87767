"""Small models that several tests share, and the lives of their persons one by one.

The childhood below has every kind of rule: hazards with factors, uncertain and certain occasions, clocks, counters,
`previous_` values and death. May import anything public of `sim`; knows no test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.chunk import Chunk, Tally, lived_through
from sim.domain import Counter, Death, Domain, Quantities
from sim.draws import philox_key
from sim.expression import Expression
from sim.in_step import InStep
from sim.intervention import Effect, Intervention
from sim.kernels.layout import DELIVERY_COUNTS
from sim.ledger import Ledger, Need
from sim.model import Model
from sim.outcome import Outcome
from sim.people import Attribute, Population, Trait
from sim.persons import NOT_ALIVE, Persons, all_ids, copy_of, persons_of, split
from sim.plan import Plan, bind
from sim.program import Program
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Parameters

SEX = Trait("sex", ("girl", "boy"))
RISK = Trait("risk", bins=(-1.2, 0.0, 1.2))
NEWBORN = Population(
    "newborn",
    (
        Attribute("sex", {"girl": 0.49, "boy": 0.51}),
        Attribute("risk", {sex: {"1": 0.3, "2": 0.4, "3": 0.3} for sex in ("girl", "boy")}, given=("sex",)),
    ),
)


def care() -> Domain:
    domain = Domain("care", ("home", "foster", "institution"), "home", clock=5)

    @domain.hazard("home", "foster", ages=(0, 17))
    def foster_placement(age, risk, p):
        return p.placement * np.exp(0.8 * risk + 0.05 * age)

    @domain.hazard("home", "institution", ages=(8, 19))
    def institution_placement(risk, sex, previous_school):
        return 0.03 * np.exp(0.6 * risk + 0.3 * (sex == "boy") + 0.9 * (previous_school == "struggling"))

    @domain.hazard("foster", "home")
    def reunion(years_in_care):
        return 0.5 / (1 + years_in_care)

    @domain.hazard("foster", "institution", ages=(8, 19))
    def breakdown(risk):
        return 0.1 * np.exp(0.5 * risk)

    @domain.hazard("institution", "home")
    def discharge(age):
        return 0.4 + 0.6 * (age > 18)

    return domain


def school() -> Domain:
    domain = Domain("school", ("before", "on_track", "struggling", "finished"), "before", clock=12)

    @domain.choice("before", ["on_track", "struggling"], ages=(6, 6))
    def start(risk, care):
        return 3.0, np.exp(0.7 * risk + 0.5 * (care != "home"))

    @domain.occasion("on_track", "struggling", ages=(7, 15))
    def decline(risk, ever_placed):
        return 0.2 / (1 + np.exp(1.0 - risk - 0.5 * ever_placed))

    @domain.occasion("struggling", "on_track", ages=(7, 15))
    def recovery(years_in_school):
        return 0.3 / (1 + 0.2 * years_in_school)

    for state in ("on_track", "struggling"):

        @domain.occasion(state, "finished", ages=(16, 16))
        def leave(age):
            return age >= 16

    return domain


def work() -> Domain:
    domain = Domain("work", ("outside", "job", "unemployed"), "outside", clock=3)

    @domain.hazard("outside", "job", ages=(17, 64))
    def first_job(age, school):
        return 0.4 * (school == "finished") + 0.01 * (age > 20)

    @domain.factor("outside", "job")
    def held_back(spells, previous_care):
        return 0.8 * np.exp(-0.4 * spells - 0.3 * (previous_care != "home"))

    @domain.hazard("outside", "unemployed", ages=(17, 64))
    def no_job(ever_placed):
        return 0.1 + 0.2 * ever_placed

    @domain.hazard("job", "unemployed", ages=(17, 64))
    def loss(years_in_work, risk):
        return 0.15 * np.exp(0.4 * risk) / (1 + years_in_work)

    @domain.hazard("unemployed", "job", ages=(17, 64))
    def found():
        return 0.5

    return domain


def death() -> Death:
    one = Death()

    @one.hazard()
    def mortality(age, sex, previous_care):
        return 0.002 * np.exp(0.03 * age + 0.2 * (sex == "boy") + 0.7 * (previous_care == "institution"))

    return one


EVER_PLACED = Counter("ever_placed", lambda care: care != "home")
SPELLS = Counter("spells", lambda previous_care, care: (previous_care == "home") & (care != "home"), cap=3)


def quantities() -> Quantities:
    rows = Quantities()

    @rows.quantity(basis="on_date", unit="years")
    def years_struggling(school):
        return school == "struggling"

    return rows


def childhood(*further: Domain) -> Model:
    """Return the model of care, school and work; further domains come last."""
    return Model(
        "childhood",
        (care(), school(), work(), *further),
        traits=(SEX, RISK),
        death=death(),
        counters=(EVER_PLACED, SPELLS),
        quantities=quantities(),
    )


PLACEMENT = {"care": Parameters("care", {"placement": 0.03})}


def offer(name: str, *effects: Effect, ages: tuple[int, int] = (2, 14), uptake: Any = 0.7, **more: Any) -> Intervention:
    """Return an intervention for those at risk, unless `when` says otherwise."""
    when = more.pop("when", "risk > -1")
    return Intervention(
        name, name.replace("_", " "), "care", ages, Expression.of(when), Expression.of(uptake), effects=effects, **more
    )


def support(size: float = -0.7, **more: Any) -> Intervention:
    """Return an intervention that acts on two hazards of care."""
    on = (("care", "home", "foster"), ("care", "home", "institution"))
    return offer("support", Effect("hazard_ratio", on, size=size, mechanism="support"), years=3, **more)


def tutoring(size: float = -0.5, **more: Any) -> Intervention:
    """Return an intervention that acts on occasions of school, certain ones too, and replaces a quantity."""
    on = (("school", "before", "struggling"), ("school", "on_track", "struggling"))
    effect = Effect("odds_ratio", on, size=size, mechanism="tutoring")
    return offer("tutoring", effect, ages=(5, 9), years=4, replaces="years_struggling", **more)


def training(size: float = -0.4, **more: Any) -> Intervention:
    """Return an intervention that shifts a trait."""
    return offer("training", Effect("trait_shift", trait="risk", size=size, mechanism="training"), years=2, **more)


COUNTED = (("care", "previous_care", "sex"), ("school", "ever_placed"), ("work", "spells", "risk"))
EVERYTHING = (*(Need(frozenset(columns)) for columns in COUNTED), Need(frozenset({"care"}), deaths=True))


def scenario(*arms: tuple[Intervention, ...], model: Model | None = None, **settings: Any) -> Scenario:
    """Return a scenario of the childhood with one arm a tuple of interventions, named `arm_1`, …"""
    made = {f"arm_{place + 1}": Arm(interventions) for place, interventions in enumerate(arms)}
    return replace(
        Scenario(
            model=model or childhood(), population=NEWBORN, cohort=Cohort(2020, represents=300, copies=3),
            arms={"baseline": Arm(), **made}, parameters=PLACEMENT, horizon=35, needs=EVERYTHING,
        ),
        **settings,
    )  # fmt: skip


"""What a history holds in every column after death."""


@dataclass
class Lives:
    """Persons' lives in one arm, row 0 at birth and row t + 1 after step t."""

    plan: Plan
    history: np.ndarray
    """(rows, columns, persons) uint8"""
    deliveries: np.ndarray
    """(rows, interventions, eligible | offered | started | years | waiting | waited)"""

    def column(self, name: str) -> np.ndarray:
        """Return the codes of a column: (rows, persons), 255 after death."""
        return self.history[:, self.plan.layout.row(name)]

    def states(self, domain: str) -> np.ndarray:
        """Return the states of a domain by name: (rows, persons), `dead` after death."""
        names = np.array([*self.plan.scenario.model.domain(domain).states, "dead"])
        return names[np.minimum(self.column(domain), len(names) - 1)]


def lives(
    plan: Plan | Scenario,
    arm: str = "baseline",
    *,
    seed: int = 1,
    ids: np.ndarray | None = None,
    families: np.ndarray | None = None,
) -> Lives:
    """Live every person of a plan in one arm and keep the rows."""
    plan = plan if isinstance(plan, Plan) else bind(plan)
    persons = all_ids(plan) if ids is None else ids
    key = philox_key(seed)
    program = plan.programs[arm]
    known = persons_of(plan, persons, families, key)
    if program.queued:
        return together(plan, program, known, key)
    tally, history = lived_through(Chunk(plan, program, known, key))
    deliveries = np.zeros((len(history), len(plan.interventions), DELIVERY_COUNTS), dtype=np.int64)
    deliveries[:, [plan.interventions.index(name) for name in program.offers]] = tally.deliveries.sum(axis=0)
    return Lives(plan, history, deliveries)


def together(plan: Plan, program: Program, persons: Persons, key: int, parts: int = 1) -> Lives:
    """Live persons who share the places of their copies, each copy in so many chunks, and keep the rows."""
    rows = plan.scenario.horizon + 1
    history = np.full((rows, plan.layout.size, len(persons)), NOT_ALIVE, dtype=np.uint8)
    deliveries = np.zeros((rows, len(plan.interventions), DELIVERY_COUNTS), dtype=np.int64)
    for members in split(np.argsort(persons.ids), 1, copy_of(persons.ids)):
        pieces = [some for some in np.array_split(members, parts) if len(some)]
        lived = InStep(plan, program, [Chunk(plan, program, persons.some(some), key) for some in pieces])
        tallies: list[Tally] = [chunk.tally(rows) for chunk in lived.chunks]
        for row in range(rows):
            if row:
                lived.live(row, tallies, [row] * len(pieces))
            for some, chunk in zip(pieces, lived.chunks, strict=True):
                history[row][:, some[chunk.origin[: chunk.alive]]] = chunk.cols[:, : chunk.alive]
        for tally in tallies:
            deliveries[:, [plan.interventions.index(name) for name in program.offers]] += tally.deliveries.sum(axis=0)
    return Lives(plan, history, deliveries)


def margins(ledger: Ledger) -> Mapping[Any, np.ndarray]:
    """Return the counts of every margin by its columns, reshaped to them: (copies, rows, sizes…)."""
    return {
        (margin.columns, margin.deaths): ledger.of(margin).reshape(*ledger.counts.shape[:2], *margin.sizes)
        for margin in ledger.margins
    }


def same_counts(left: Outcome, right: Outcome) -> bool:
    """Return whether two outcomes hold the same integers, arm by arm."""
    return left.digest() == right.digest() and list(left.arms) == list(right.arms)
