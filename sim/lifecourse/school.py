"""Compulsory school: three states in grades 1 to 9 and the outcome of grade 9.

The state after the step of age 7 is grade 1, after that of age 15 grade 9; the step of age 16 holds the
leaving grades. Special support means an action programme (åtgärdsprogram). The adapted compulsory school is
not told apart.
"""

import numpy as np

from sim.domain import Domain
from sim.tables import isin

school = Domain(
    "school",
    states=("before", "on_track", "struggling", "special_support", "eligible", "not_eligible"),
    start="before",
    clock=0,
)


def _placed(previous_care):
    """Return whether the child was placed away from home when the year began."""
    return isin(previous_care, "foster_early", "foster_teen", "residential")


def _trouble(sex, parental_education, school_ability, behaviour_risk, previous_care, p):
    """Return the log ratio of falling behind."""
    return (
        -p.ability * school_ability
        + p.behaviour * behaviour_risk
        + p.boy * (sex == "boy")
        + p.trouble_by_education[parental_education]
        + p.placed * _placed(previous_care)
    )


@school.choice("before", ("on_track", "struggling", "special_support"), ages=("school_from", "school_from"))
def starts_school(sex, parental_education, school_ability, behaviour_risk, previous_care, p):
    """Weights of the state in grade 1. Assumed; special support tuned to action programmes by sex."""
    trouble = np.exp(_trouble(sex, parental_education, school_ability, behaviour_risk, previous_care, p))
    return (1, p.starts_struggling * trouble, p.starts_with_support * trouble)


@school.hazard("on_track", "struggling", ages=("second_grade", "last_grade"))
def falls_behind(sex, parental_education, school_ability, behaviour_risk, previous_care, p):
    """Yearly hazard of falling behind. Per year, assumed."""
    return p.falls_behind * np.exp(_trouble(sex, parental_education, school_ability, behaviour_risk, previous_care, p))


@school.hazard("struggling", "on_track", ages=("second_grade", "last_grade"))
def catches_up(parental_education, school_ability, behaviour_risk, p):
    """Yearly hazard of catching up without special support. Per year, assumed."""
    return p.catches_up * np.exp(
        p.ability_up * school_ability - p.behaviour_up * behaviour_risk - p.trouble_by_education[parental_education]
    )


@school.hazard("struggling", "special_support", ages=("second_grade", "last_grade"))
def support_begins(age, sex, behaviour_risk, previous_care, p):
    """Yearly hazard of an action programme for a pupil who struggles.

    Per year, tuned to action programmes 2023.
    """
    return p.support_by_age[age] * np.exp(
        p.boy_support * (sex == "boy")
        + p.behaviour_support * behaviour_risk
        + p.placed_support * _placed(previous_care)
    )


@school.hazard("special_support", "struggling", ages=("second_grade", "last_grade"))
def support_ends(school_ability, p):
    """Yearly hazard that an action programme is closed while the pupil still struggles. Per year, assumed."""
    return p.support_ends * np.exp(p.ability_up * school_ability)


@school.hazard("special_support", "on_track", ages=("second_grade", "last_grade"))
def support_succeeds(school_ability, p):
    """Yearly hazard that a pupil with special support comes back on track. Per year, assumed."""
    return p.support_succeeds * np.exp(p.ability_up * school_ability)


def _eligible(base, sex, parental_education, school_ability, previous_care, p):
    """Return the two weights: eligible for a national programme, and not."""
    odds = np.exp(
        base
        + p.eligible_ability * school_ability
        + p.eligible_by_education[parental_education]
        - p.eligible_boy * (sex == "boy")
        - p.eligible_placed_early * (previous_care == "foster_early")
        - p.eligible_placed_late * isin(previous_care, "foster_teen", "residential")
    )
    return (odds, 1)


@school.choice("on_track", ("eligible", "not_eligible"), ages=("grades_at", "grades_at"))
def leaves_on_track(sex, parental_education, school_ability, previous_care, p):
    """Weights of eligibility for a pupil on track in grade 9. Assumed; tuned to Skolverket's shares."""
    return _eligible(p.eligible_on_track, sex, parental_education, school_ability, previous_care, p)


@school.choice("struggling", ("eligible", "not_eligible"), ages=("grades_at", "grades_at"))
def leaves_struggling(sex, parental_education, school_ability, previous_care, p):
    """Weights of eligibility for a pupil who struggles in grade 9. Assumed; tuned to Skolverket's shares."""
    return _eligible(p.eligible_struggling, sex, parental_education, school_ability, previous_care, p)


@school.choice("special_support", ("eligible", "not_eligible"), ages=("grades_at", "grades_at"))
def leaves_with_support(sex, parental_education, school_ability, previous_care, p):
    """Weights of eligibility for a pupil with special support in grade 9.

    Assumed; tuned to Skolverket's shares.
    """
    return _eligible(p.eligible_special_support, sex, parental_education, school_ability, previous_care, p)
