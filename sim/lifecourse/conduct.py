"""Conduct problems of a child, 3 to 17: none, moderate (above a clinical cut-off), severe (a disorder).

From 18 the state is `none`: what conduct leads to then has states of its own (crime, substance).
"""

import numpy as np

from sim.domain import Domain

conduct = Domain("conduct", states=("none", "moderate", "severe"), start="none")


@conduct.hazard("none", "moderate", ages=("conduct_from", "childhood_to"))
def conduct_problems_begin(age, sex, behaviour_risk, neuro, previous_family, previous_parent_health, p):
    """Yearly hazard that conduct problems begin. Per year, assumed; tuned to about a tenth of boys at seven."""
    return p.begins_by_age[age] * np.exp(
        p.boy * (sex == "boy")
        + p.behaviour * behaviour_risk
        + p.by_neuro[neuro]
        + p.by_family[previous_family]
        + p.by_parent_health[previous_parent_health]
    )


@conduct.hazard("moderate", "severe", ages=("conduct_from", "childhood_to"))
def conduct_problems_become_severe(age, behaviour_risk, neuro, previous_parent_health, p):
    """Yearly hazard that conduct problems become a disorder. Per year, assumed."""
    return p.worsens_by_age[age] * np.exp(
        p.behaviour_worsens * behaviour_risk + p.by_neuro[neuro] + p.by_parent_health[previous_parent_health]
    )


@conduct.group_value(bins=(*(k / 100 for k in range(21)), 0.25, 0.3), ages=("class_from", "class_to"))
def classmates_severe(conduct):
    """Whether a classmate has severe problems at the start of the year. Acts only where a scenario has classes."""
    return conduct == "severe"


@conduct.factor("none", "moderate")
@conduct.factor("moderate", "severe")
def classmates_draw_in(classmates_severe, p):
    """Ratio by the share of classmates with severe problems; a foreign estimate, off without classes."""
    return np.exp(p.by_classmates * classmates_severe)


def _ends(age, rate, p):
    """Return the yearly hazard of an improvement, at 18 so high that nobody stays: the state is a child's."""
    return np.where(age >= p.adult_from, p.at_once, rate)


@conduct.hazard("moderate", "none", ages=("conduct_from", "adult_from"))
def conduct_problems_end(age, behaviour_risk, neuro, p):
    """Yearly hazard that moderate conduct problems end. Per year, assumed; half are gone after two years."""
    return _ends(age, p.ends * np.exp(-p.behaviour_ends * behaviour_risk - p.neuro_ends * p.by_neuro[neuro]), p)


@conduct.hazard("severe", "moderate", ages=("conduct_from", "childhood_to"))
def severe_conduct_problems_ease(age, behaviour_risk, p):
    """Yearly hazard that severe conduct problems ease. Per year, assumed."""
    return p.eases * np.exp(-p.behaviour_ends * behaviour_risk) + 0 * age


@conduct.occasion("severe", "none", ages=("adult_from", "adult_from"))
def severe_conduct_problems_of_a_child_end(age, p):
    """Certain at 18: the state is a child's; what severe problems lead to are other domains."""
    return 1 + 0 * age
