"""LC-ref/1 in framsyn's public terms: three domains of occasions, a death hazard, an intervention.

Reads `lcref.json` as it stands; knows framsyn and nothing of the peers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.domain import Death, Domain
from sim.engine import simulate as live
from sim.expression import Expression
from sim.intervention import Effect, Intervention
from sim.ledger import Need
from sim.model import Model
from sim.people import Attribute, Population, Trait
from sim.scenario import BASELINE, Arm, Cohort, Scenario
from sim.tables import Rule

from .workload import DOMAINS, answer, read

TREATMENT = "treatment"
TRAITS = ("sex", "parental_education", "treated")


def scenario(persons: int, copies: int = 64, treated_arm: bool = False) -> Scenario:
    """Return LC-ref/1 for a number of persons, rounded up to whole copies; with its treatment arm if wanted.

    Each domain is counted by itself, which is all that life years and costs need.
    """
    source = read()
    born = source["at_birth"]
    arms = {BASELINE: Arm(), TREATMENT: Arm((treatment(model()),))} if treated_arm else {BASELINE: Arm()}
    return Scenario(
        model=model(),
        population=Population("lcref", tuple(Attribute(trait, born[trait]) for trait in TRAITS)),
        cohort=Cohort(born=2000, represents=-(-persons // copies), copies=copies),
        arms=arms,
        horizon=source["years"],
        needs=tuple(Need(frozenset([domain])) for domain in DOMAINS),
        title="LC-ref/1",
        name="lcref",
    )


def model() -> Model:
    """Return the life course: everything reads the states at the start of the step."""
    source = read()
    domains = []
    for name in DOMAINS:
        states = source["states"][name]
        domain = Domain(name, tuple(states), start=source["at_birth"][name])
        for state in states:
            moves = [m for m in source["transitions"] if m["domain"] == name and m["from"] == state]
            if moves:
                ages = (min(m["age_min"] for m in moves), max(m["age_max"] for m in moves))
                domain.occasion(state, [m["to"] for m in moves], ages=ages)(multinomial_logit(moves))
        domains.append(domain)
    traits = tuple(Trait(trait, tuple(source["at_birth"][trait])) for trait in TRAITS)
    return Model("lcref", tuple(domains), traits=traits, death=mortality())


def multinomial_logit(moves: list[dict[str, Any]]) -> Rule:
    """Return the rule of the moves out of a state: p_k = exp(eta_k) / (1 + sum exp(eta)), open moves only."""
    others = [domain for domain in DOMAINS if domain in moves[0]["eta"]]
    reads = ("age", "sex", "parental_education", *(f"previous_{domain}" for domain in others))

    def odds(move: dict[str, Any], age: Any, sex: Any, parental_education: Any, *states: Any) -> Any:
        terms = move["eta"]
        eta = terms["constant"] + terms["age_over_10"] * (age / 10)
        eta = eta + terms["age_over_10_squared"] * (age / 10) ** 2
        eta = eta + dummies({"1": terms["sex=1"]}, sex)
        by_parents = {label: terms[f"parental_education={label}"] for label in "12"}
        eta = eta + dummies(by_parents, parental_education)
        for domain, state in zip(others, states, strict=True):
            eta = eta + dummies(terms[domain], state)
        return np.exp(eta) * ((move["age_min"] <= age) & (age <= move["age_max"]))

    def probabilities(**columns: Any) -> tuple[Any, ...]:
        each = [odds(move, *(columns[name] for name in reads)) for move in moves]
        total = sum(each, 1.0)
        return tuple(one / total for one in each)

    return Rule(probabilities, reads, takes_parameters=False, name=f"{moves[0]['domain']}_{moves[0]['from']}")


def mortality() -> Death:
    """Return the yearly death hazard by age, sex and health."""
    hazard = read()["death_hazard"]
    death = Death()

    @death.hazard()
    def mortality(age: Any, sex: Any, previous_health: Any) -> Any:
        log_hazard = hazard["g0"] + hazard["g1"] * age + dummies({"1": hazard["gsex"]}, sex)
        return np.exp(log_hazard + dummies(hazard["g_health"], previous_health))

    return death


def dummies(terms: dict[str, float], column: Any) -> Any:
    """Return each label's term where the column has the label, 0 elsewhere."""
    return sum(term * (column == label) for label, term in terms.items())


def treatment(model: Model) -> Intervention:
    """Return the treatment: the treated carry it through its ages, and it ends with them."""
    given = read()["treatment"]
    first, last = given["ages"]
    on = tuple(model.transition(text) for text in given["on"])
    return Intervention(
        name=TREATMENT,
        title="Treatment of LC-ref/1",
        field="health",
        ages=(first, first),
        when=Expression.of("treated == 'yes'"),
        uptake=Expression.of(1),
        years=last - first + 1,
        effects=(Effect("odds_ratio", on, size=given["log_odds_change"], mechanism=TREATMENT),),
    )


def simulate(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate lives from birth; return `life_years` and discounted `cost` per person, and `person_years`.

    `person_years` are those of the whole population in the arm, as for the peers.
    """
    wanted = scenario(persons, treated_arm=treated_arm)
    outcome = live(wanted, seed=seed)
    arm = TREATMENT if treated_arm else BASELINE
    # row 0 of a ledger is the start of life, which no year has been lived by
    lived = {domain: outcome.share_in([domain], arm)[0][1:].astype(np.int64) for domain in DOMAINS}
    return answer(wanted.cohort.persons, lived)
