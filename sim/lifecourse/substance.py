"""Use of alcohol and drugs from 13: none, harmful, dependence."""

import numpy as np

from sim.domain import Domain

substance = Domain("substance", states=("none", "harmful", "dependence"), start="none")


@substance.hazard("none", "harmful", ages=("use_from", "onset_to"))
def harmful_use_begins(age, sex, behaviour_risk, previous_ever_placed, previous_mental_health, p):
    """Yearly hazard that harmful use begins. Per year, assumed; peaks at 18 to 24."""
    return p.begins_by_age[age] * np.exp(
        p.boy * (sex == "boy")
        + p.behaviour * behaviour_risk
        + p.by_placed[previous_ever_placed]
        + p.by_mental_health[previous_mental_health]
    )


@substance.hazard("harmful", "dependence", ages=("use_from", "onset_to"))
def use_becomes_dependence(age, behaviour_risk, previous_ever_placed, p):
    """Yearly hazard that harmful use becomes dependence. Per year, assumed."""
    return p.becomes_dependence * np.exp(p.behaviour * behaviour_risk + p.by_placed[previous_ever_placed]) + 0 * age


@substance.hazard("harmful", "none", ages=("use_from", 100))
def harmful_use_ends(age, behaviour_risk, p):
    """Yearly hazard that harmful use ends. Per year, assumed; rises when youth is over."""
    return p.ends_by_age[age] * np.exp(-p.behaviour_ends * behaviour_risk)


@substance.hazard("dependence", "harmful", ages=("use_from", 100))
def dependence_eases(age, behaviour_risk, p):
    """Yearly hazard that dependence eases. Per year, assumed."""
    return p.eases * np.exp(-p.behaviour_ends * behaviour_risk) + 0 * age
