"""A small model of children in classes, in Python and as files: who is wild makes classmates wild.

For tests of group values, whatever the shipped model holds. Children die often, so that classes shrink.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim.files
from sim.domain import Death, Domain, Quantities
from sim.expression import Expression
from sim.intervention import Effect, Intervention
from sim.ledger import Need
from sim.model import Model
from sim.people import Attribute, Population, Trait
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Parameters

BINS = (0.0, 0.1, 0.2, 0.5, 1.0)
AGES = (3, 14)
HORIZON = 20
SEATS = Trait("seat", ("left", "right"))
TRAITS = (Trait("sex", ("girl", "boy")), SEATS)


def conduct() -> Domain:
    domain = Domain("conduct", ("calm", "wild"), "calm", clock=3)

    @domain.group_value(bins=BINS, ages=("class_from", "class_to"))
    def wild_classmates(conduct):
        return conduct == "wild"

    @domain.hazard("calm", "wild", ages=(1, 17))
    def gets_wild(sex, p):
        return p.begins * (1 + 0.5 * (sex == "boy"))

    @domain.factor("calm", "wild")
    def is_drawn_in(wild_classmates, p):
        return np.exp(p.by_classmates * wild_classmates)

    @domain.hazard("wild", "calm")
    def calms_down(years_in_conduct, p):
        return p.ends / (1 + years_in_conduct)

    return domain


def mark() -> Domain:
    """Return what conduct leads to later."""
    domain = Domain("mark", ("none", "pass", "fail"), "none")

    @domain.occasion("none", ("pass", "fail"), ages=(15, 15))
    def marks(conduct):
        return 1 - 0.3 - 0.4 * (conduct == "wild"), 0.3 + 0.4 * (conduct == "wild")

    return domain


def death() -> Death:
    one = Death()

    @one.hazard()
    def mortality(previous_conduct):
        return 0.02 + 0.03 * (previous_conduct == "wild")

    return one


def quantities() -> Quantities:
    rows = Quantities()

    @rows.quantity(basis="on_date", unit="years")
    def years_wild(conduct):
        return conduct == "wild"

    return rows


MODEL = Model("classroom", (conduct(), mark()), traits=TRAITS, death=death(), quantities=quantities())
BORN = Population(
    "everybody", (Attribute("sex", {"girl": 0.5, "boy": 0.5}), Attribute("seat", {"left": 0.5, "right": 0.5}))
)
NEEDS = (Need(frozenset({"conduct", "seat", "wild_classmates"})), Need(frozenset({"mark", "previous_mark"})))


def parameters(by_classmates: float = 2.5) -> dict[str, Parameters]:
    own = {"begins": 0.15, "ends": 0.5, "by_classmates": by_classmates, "class_from": AGES[0], "class_to": AGES[1]}
    return {"conduct": Parameters("conduct", own)}


def training(when: str = "seat == 'left'", uptake: Any = 1, **more: Any) -> Intervention:
    """Return an intervention that keeps half of the children calm."""
    effect = Effect("hazard_ratio", (("conduct", "calm", "wild"),), size=np.log(0.1), mechanism="training")
    settings = {"ages": (2, 2), "years": 14, "effects": (effect,), **more}
    return Intervention(
        "training", "training", "school", when=Expression.of(when), uptake=Expression.of(uptake), **settings
    )


def classroom(
    *arms: tuple[Intervention, ...], size: int | None = 7, by_classmates: float = 2.5, **settings: Any
) -> Scenario:
    """Return a scenario of three copies, each with a last class of fewer, and one arm a tuple of interventions."""
    made = {f"arm_{place + 1}": Arm(interventions) for place, interventions in enumerate(arms)}
    return replace(
        Scenario(
            model=MODEL, population=BORN, cohort=Cohort(2020, represents=200, copies=3, class_size=size),
            arms={"baseline": Arm(), **made}, parameters=parameters(by_classmates), horizon=HORIZON, needs=NEEDS,
        ),
        **settings,
    )  # fmt: skip


_TAIL = "source: invented, provenance: assumed"

FILES = {
    "town.yaml": """\
title: A small school
model: classroom
population: town
prices: town
cohort: {born: 2026, represents: 200, copies: 4, classes: {size: 7}}
horizon: 20
economics: {price_year: 2024, discount_rate: 0.03}
measures: [years_wild]
arms:
  baseline: {}
  training: {interventions: [training]}
""",
    "populations/town.yaml": f"""\
title: Everybody
births_per_year: {{value: 200, unit: births, {_TAIL}}}
attributes:
  sex: {{shares: {{girl: 0.5, boy: 0.5}}, {_TAIL}}}
  seat: {{shares: {{left: 0.5, right: 0.5}}, {_TAIL}}}
""",
    "parameters/conduct.yaml": f"""\
domain: conduct
parameters:
  begins: {{value: 0.15, unit: per year, uncertainty: none, {_TAIL}}}
  ends: {{value: 0.5, unit: per year, uncertainty: none, {_TAIL}}}
  class_from: {{value: 3, unit: years of age, uncertainty: none, {_TAIL}}}
  class_to: {{value: 14, unit: years of age, uncertainty: none, {_TAIL}}}
  by_classmates:
    value: 5
    unit: log ratio per share
    link: {{from: wild_classmates, causal_share: 0.5}}
    uncertainty: {{se: 1}}
    source: a lottery of seats
    provenance: recalled
""",
    "parameters/death.yaml": "domain: death\nparameters: {}\n",
    "parameters/mark.yaml": "domain: mark\nparameters: {}\n",
    "parameters/quantities.yaml": "domain: quantities\nparameters: {}\n",
    "prices/town.yaml": f"""\
title: Prices of the school
payers: [municipality.school, state]
prices:
  unrest: {{title: Unrest, quantity: years_wild, amount: 1000, unit: SEK, price_year: 2024,
           payer: municipality.school, {_TAIL}}}
""",
    "interventions/training.yaml": """\
title: Training
field: school
deliver: {ages: [2, 2], when: "seat == 'left'", uptake: 1, years: 14}
cost: [{per: start, amount: 500, price_year: 2024, payer: municipality.school}]
effects:
  - {on: "conduct: calm -> wild", hazard_ratio: 0.1, beyond_follow_up: zero, mechanism: training}
evidence: {design: rct, country: SE, n: 100, year: 2020, estimand: tot, comparator: usual, control_risk: 0.2,
           follow_up_years: 8, scale: hazard, source: invented, provenance: assumed}
""",
}
"""By path."""


def settle(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the files of the school, let scenarios name its model, and return its scenario."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    patch.setattr(sim.files, "load_model", lambda name: MODEL)
    patch.chdir(folder)
    return folder / "town.yaml"
