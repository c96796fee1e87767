"""Which domains and transitions the effects of an intervention act on, and whether they fit there. Layer 3.

Knows a model and interventions; makes no table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.domain import Domain
from sim.effects import course, course_shape
from sim.errors import ScenarioError
from sim.intervention import Effect, Intervention
from sim.model import Model


def touches(effect: Effect, domain: Domain) -> bool:
    """Return whether an effect changes some table or transition of a domain."""
    if effect.kind == "trait_shift":
        rules = [move.rule for move in domain.moves] + [factor.rule for factor in domain.factors]
        return any(effect.trait in rule.reads for rule in rules)
    return any(name[0] == domain.name for name in effect.on)


def domains_acted_on(intervention: Intervention, model: Model) -> NDArray[np.uint64]:
    """Return the mask of domains that the intervention acts on, in every year of its course: (standing, year…)."""
    mask = np.zeros(course_shape(intervention), dtype=np.uint64)
    for effect in intervention.acting:
        acting = course(intervention, effect) != 0
        for number, domain in enumerate(model.all_domains):
            on = any(name[0] == domain.name for name in effect.on)
            reads = any(effect.trait in move.rule.reads for move in domain.moves)
            if on or (effect.kind == "trait_shift" and reads):
                mask[acting] |= np.uint64(1 << number)
    return mask


def check_kinds(intervention: Intervention, model: Model) -> None:
    """Refuse a ratio of hazards on an occasion, and one of odds or risks on a hazard; raises ScenarioError."""
    kinds = {(d.name, m.from_state, to): m.kind for d in model.all_domains for m in d.moves for to in m.to}
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
