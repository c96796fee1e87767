"""Mental health from 5 to 66: none, mild, specialist, inpatient.

`mild` is trouble met by school health or primary care, `specialist` a contact with child or adult psychiatry,
`inpatient` a year with in-patient care. At the end of working life the state is `none` again and followed no more.
"""

import numpy as np

from sim.domain import Domain

mental_health = Domain("mental_health", states=("none", "mild", "specialist", "inpatient"), start="none")


def _ratio(behaviour_risk, neuro, previous_parent_health, p):
    """Return the ratio of falling ill: by behaviour, neurodevelopmental condition and the parents' health."""
    return np.exp(p.behaviour * behaviour_risk + p.by_neuro[neuro] + p.by_parent_health[previous_parent_health])


@mental_health.hazard("none", "mild", ages=("followed_from", "followed_to"))
def becomes_unwell(age, sex, behaviour_risk, neuro, previous_parent_health, p):
    """Yearly hazard of mild trouble. Per year, assumed; more girls than boys from thirteen."""
    return p.mild_by_age[age, sex] * _ratio(behaviour_risk, neuro, previous_parent_health, p)


@mental_health.hazard("none", "specialist", ages=("followed_from", "followed_to"))
def comes_to_psychiatry(age, sex, behaviour_risk, neuro, previous_parent_health, p):
    """Yearly hazard of a first or renewed contact with psychiatry for one without trouble the year before.

    Per year, assumed; tuned to about 6 % of children in a year with child psychiatry (recalled).
    """
    return p.specialist_by_age[age, sex] * _ratio(behaviour_risk, neuro, previous_parent_health, p)


@mental_health.hazard("mild", "specialist", ages=("followed_from", "followed_to"))
def mild_trouble_needs_psychiatry(age, sex, behaviour_risk, p):
    """Yearly hazard that mild trouble comes to need psychiatry. Per year, assumed."""
    return p.mild_to_specialist * np.exp(p.behaviour * behaviour_risk + p.boy * (sex == "boy")) + 0 * age


@mental_health.hazard("mild", "none", ages=("followed_from", "not_followed_from"))
def mild_trouble_passes(age, neuro, p):
    """Yearly hazard that mild trouble passes; from 67 so high that nobody stays. Per year, assumed."""
    return np.where(age >= p.not_followed_from, p.at_once, p.mild_to_none * np.exp(-p.lasts_by_neuro[neuro]))


@mental_health.hazard("specialist", "inpatient", ages=("inpatient_from", "followed_to"))
def is_admitted(age, sex, previous_substance, p):
    """Yearly hazard of in-patient care. Per year, assumed; more often with harmful use."""
    return p.inpatient_by_age[age, sex] * np.exp(p.inpatient_by_substance[previous_substance])


@mental_health.hazard("specialist", "mild", ages=("followed_from", "followed_to"))
def leaves_psychiatry(age, neuro, p):
    """Yearly hazard that a contact with psychiatry ends. Per year, assumed; longer with a lasting condition."""
    return p.specialist_to_mild * np.exp(-p.lasts_by_neuro[neuro]) + 0 * age


@mental_health.hazard("inpatient", "specialist", ages=("inpatient_from", "followed_to"))
def year_without_admission(age, p):
    """Yearly hazard that a year without in-patient care follows one with it. Per year, assumed."""
    return p.inpatient_to_specialist + 0 * age


@mental_health.occasion("specialist", "none", ages=("not_followed_from", "not_followed_from"))
def psychiatry_is_followed_no_more(age, p):
    """Certain at 67: the state is followed through working life."""
    return 1 + 0 * age


@mental_health.occasion("inpatient", "none", ages=("not_followed_from", "not_followed_from"))
def admissions_are_followed_no_more(age, p):
    """Certain at 67: the state is followed through working life."""
    return 1 + 0 * age
