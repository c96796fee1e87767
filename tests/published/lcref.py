"""The reference workload LC-ref/1 in the public API: its model, its treatment, its prices, its exact answer.

Reads `benchmarks/lcref/lcref.json`, where every number stands; benchmarks live this scenario as well.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from sim.domain import Death, Domain, Quantity
from sim.expression import Expression
from sim.intervention import Effect, Intervention
from sim.model import Model
from sim.people import Attribute, Population, Trait
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Rule

SOURCE = Path(__file__).parents[2] / "benchmarks" / "lcref" / "lcref.json"
"""The workload with its exact answer."""

PERSONS = 400_000
COPIES = 64
BORN = 2000
"""Any year would do: no price of the workload depends on it."""


@functools.cache
def read() -> dict[str, Any]:
    """Return the workload as its file holds it."""
    workload: dict[str, Any] = json.loads(SOURCE.read_text(encoding="utf-8"))
    return workload


def odds(transition: dict[str, Any], values: dict[str, Any]) -> Any:
    """Return the odds of a transition against staying, 0 outside its window of ages."""
    eta = transition["eta"]
    age = values["age"]
    total = eta["constant"] + eta["age_over_10"] * (age / 10) + eta["age_over_10_squared"] * (age / 10) * (age / 10)
    total = total + eta["sex=1"] * (values["sex"] == "1")
    for label in ("1", "2"):
        total = total + eta[f"parental_education={label}"] * (values["parental_education"] == label)
    for other in set(read()["states"]) - {transition["domain"]}:
        for state, size in eta[other].items():
            if size:
                total = total + size * (values[f"previous_{other}"] == state)
    return np.exp(total) * ((age >= transition["age_min"]) & (age <= transition["age_max"]))


def choices(transitions: list[dict[str, Any]]) -> Rule:
    """Return the multinomial-logit choice that the transitions out of one state share."""

    def probabilities(**values: Any) -> tuple[Any, ...]:
        each = [odds(transition, values) for transition in transitions]
        return tuple(one / (1 + sum(each[1:], each[0])) for one in each)

    others = [f"previous_{name}" for name in read()["states"] if name != transitions[0]["domain"]]
    return Rule(probabilities, ("age", "sex", "parental_education", *others), False, "multinomial_logit")


def domain(name: str) -> Domain:
    """Return one domain with an occasion out of every state that can be left."""
    one = Domain(name, tuple(read()["states"][name]), read()["at_birth"][name])
    for state in one.states:
        out = [t for t in read()["transitions"] if t["domain"] == name and t["from"] == state]
        if out:
            ages = (min(t["age_min"] for t in out), max(t["age_max"] for t in out))
            one.occasion(state, [t["to"] for t in out], ages=ages)(choices(out))
    return one


def model() -> Model:
    """Return the three domains and death; everything is read at the start of the step."""
    death = Death()
    g = read()["death_hazard"]

    @death.hazard()
    def mortality(age, sex, previous_health):
        total = g["g0"] + g["g1"] * age + g["gsex"] * (sex == "1")
        for state, size in g["g_health"].items():
            total = total + size * (previous_health == state)
        return np.exp(total)

    born = read()["at_birth"]
    traits = tuple(Trait(name, tuple(shares)) for name, shares in born.items() if isinstance(shares, dict))
    return Model("lcref", tuple(domain(name) for name in read()["states"]), traits=traits, death=death)


def treatment(lcref: Model) -> Intervention:
    """Return the treatment: the log odds of four transitions change while it lasts."""
    given = read()["treatment"]
    first, last = given["ages"]
    on = tuple(lcref.transition(text) for text in given["on"])
    return Intervention(
        name="treatment", title="Treatment in childhood", field="health", ages=(first, first),
        when=Expression.of("treated == 'yes'"), uptake=Expression.of(1), years=last - first + 1,
        effects=(Effect("odds_ratio", on, size=given["log_odds_change"], mechanism="treatment"),),
    )  # fmt: skip


def prices() -> PriceList:
    """Return what a year in each state costs each payer; a negative cost is a revenue."""
    costs = read()["yearly_cost"]
    rows = []
    for name, states in read()["states"].items():
        for state in states:
            years = Quantity(f"years_{name}_{state}", _years_in(name, state), "on_date", "years")
            for payer, cost in zip(costs["payers"], costs[name][state], strict=True):
                kind = "cost" if cost >= 0 else "revenue"
                rows.append(Price(f"{payer}_{name}_{state}", years, abs(cost), BORN, Shares.of(payer), kind))
    return PriceList(tuple(rows))


def _years_in(name: str, state: str) -> Rule:
    return Rule(lambda **values: values[name] == state, (name,), False, f"in_{name}_{state}")


def scenario(persons: int = PERSONS, copies: int = COPIES, *, treated_arm: bool = True) -> Scenario:
    """Return the scenario; `persons` is rounded down to whole copies."""
    lcref = model()
    born = {name: shares for name, shares in read()["at_birth"].items() if isinstance(shares, dict)}
    return Scenario(
        model=lcref,
        population=Population("lcref", tuple(Attribute(name, shares) for name, shares in born.items())),
        cohort=Cohort(BORN, persons // copies, copies),
        arms={"baseline": Arm(), **({"treatment": Arm((treatment(lcref),))} if treated_arm else {})},
        horizon=read()["years"],
        economics=Economics(BORN, discount_rate=0.035),
        prices=prices(),
        name="lcref",
        title="The reference workload LC-ref/1",
    )
