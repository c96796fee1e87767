"""Parental leave, activity compensation, sickness compensation and retirement: the rest of the domain `activity`.

Import `activity` from here: the rules of both files are registered then. The law's ages are parameters.
"""

import numpy as np

from sim.lifecourse.activity import activity

# Parental leave


@activity.hazard("employed_low", "parental_leave", ages=("leave_from", "leave_to"))
@activity.hazard("employed_middle", "parental_leave", ages=("leave_from", "leave_to"))
@activity.hazard("employed_high", "parental_leave", ages=("leave_from", "leave_to"))
def goes_on_parental_leave(age, sex, p):
    """Yearly hazard that a child makes parental leave the main activity at the year's end.

    Per year; the shape by age is that of births (SCB), the level tuned to years on leave a life. Births to those
    without work leave the state as it is.
    """
    return p.leave_by_age[age, sex]


def _return(sex, p):
    """Return the yearly hazard of going back to work from leave."""
    return p.leave_ends[sex]


def _classes(age, sex, upper_secondary, school_ability, p):
    """Return the odds of middle and of high earnings against low ones at the return."""
    middle = p.return_middle_odds_by_age[age, sex] * np.exp(
        p.middle_by_education[upper_secondary] + p.middle_ability * school_ability
    )
    high = p.return_high_odds_by_age[age, sex] * np.exp(
        p.high_by_education[upper_secondary] + p.high_ability * school_ability
    )
    return middle, high


@activity.hazard("parental_leave", "employed_low", ages=("leave_from", "work_to"))
def returns_to_low_paid_work(age, sex, upper_secondary, school_ability, p):
    """Yearly hazard from leave to low-paid or part-time work. Per year; tuned to about 1.2 year-ends a child."""
    middle, high = _classes(age, sex, upper_secondary, school_ability, p)
    return _return(sex, p) / (1 + middle + high)


@activity.hazard("parental_leave", "employed_middle", ages=("leave_from", "work_to"))
def returns_to_work(age, sex, upper_secondary, school_ability, p):
    """Yearly hazard from leave to work with middle earnings. Per year; tuned to about 1.2 year-ends a child."""
    middle, high = _classes(age, sex, upper_secondary, school_ability, p)
    return _return(sex, p) * middle / (1 + middle + high)


@activity.hazard("parental_leave", "employed_high", ages=("leave_from", "work_to"))
def returns_to_well_paid_work(age, sex, upper_secondary, school_ability, p):
    """Yearly hazard from leave to work with high earnings. Per year; tuned to about 1.2 year-ends a child."""
    middle, high = _classes(age, sex, upper_secondary, school_ability, p)
    return _return(sex, p) * high / (1 + middle + high)


@activity.hazard("parental_leave", "inactive", ages=("leave_from", "work_to"))
def stays_home(age, p):
    """Yearly hazard from leave to inactivity. Per year, assumed."""
    return p.leave_to_inactive + 0 * age


# Activity compensation


@activity.hazard("inactive", "activity_comp", ages=("activity_comp_from", "activity_comp_to"))
@activity.hazard("unemployed", "activity_comp", ages=("activity_comp_from", "activity_comp_to"))
@activity.hazard("study", "activity_comp", ages=("activity_comp_from", "activity_comp_to"))
def activity_compensation_begins(age, sex, neuro, school_ability, behaviour_risk, previous_mental_health, p):
    """Yearly hazard of activity compensation, from 19, when extended schooling gives it too.

    Per year; tuned to a stock of 2.4 % of those aged 19 to 29 and to its ratio with ADHD and autism (Virtanen 2020).
    """
    return p.activity_comp_by_age[age, neuro] * np.exp(
        p.activity_comp_girl * (sex == "girl")
        - p.activity_comp_ability * school_ability
        + p.activity_comp_behaviour * behaviour_risk
        + p.activity_comp_by_mental_health[previous_mental_health]
    )


@activity.factor("study", "activity_comp")
def students_are_able(upper_secondary, p):
    """Ratio of compensation for one in study: students of higher and adult education seldom need it (mechanism)."""
    return np.exp(p.activity_comp_by_education[upper_secondary])


@activity.hazard("activity_comp", "employed_low", ages=("activity_comp_from", "activity_comp_to"))
def activity_compensation_to_work(age, neuro, p):
    """Yearly hazard from activity compensation to work.

    3 % a year leave for work (Läkartidningen 2009-06); the ratio by disability is assumed.
    """
    return p.activity_comp_to_work_by_neuro[neuro] + 0 * age


# work is left out: it has its hazard above
@activity.choice(
    "activity_comp",
    ("sickness_comp", "unemployed", "inactive"),
    ages=("activity_comp_ends", "activity_comp_ends"),
)
def activity_compensation_ends(age, neuro, previous_mental_health, p):
    """Weights at 30, when activity compensation ends by law (SFB 33 kap.). Assumed."""
    granted = p.after_sickness_odds_by_neuro[neuro] * np.exp(p.after_by_mental_health[previous_mental_health])
    share = granted / (1 + granted) + 0 * age
    return (share, (1 - share) * p.after_unemployed, (1 - share) * (1 - p.after_unemployed))


# Sickness compensation


def _sickness(age, sex, neuro, school_ability, previous_mental_health, p):
    """Return the yearly hazard of sickness compensation for one at work."""
    return p.sickness_comp_by_age[age, sex] * np.exp(
        p.sickness_comp_by_neuro[neuro]
        - p.sickness_comp_ability * school_ability
        + p.sickness_comp_by_mental_health[previous_mental_health]
    )


@activity.hazard("employed_low", "sickness_comp", ages=("sickness_comp_from", "work_to"))
@activity.hazard("employed_middle", "sickness_comp", ages=("sickness_comp_from", "work_to"))
@activity.hazard("employed_high", "sickness_comp", ages=("sickness_comp_from", "work_to"))
def worker_gets_sickness_compensation(age, sex, neuro, school_ability, previous_mental_health, p):
    """Yearly hazard from work to sickness compensation.

    Per year; tuned to the stocks by age (low confidence).
    """
    return _sickness(age, sex, neuro, school_ability, previous_mental_health, p)


@activity.hazard("unemployed", "sickness_comp", ages=("sickness_comp_from", "work_to"))
@activity.hazard("inactive", "sickness_comp", ages=("sickness_comp_from", "work_to"))
def jobless_gets_sickness_compensation(age, sex, neuro, school_ability, previous_mental_health, p):
    """Yearly hazard from joblessness to sickness compensation.

    Per year; tuned to the stocks by age (low confidence).
    """
    return p.sickness_comp_jobless * _sickness(age, sex, neuro, school_ability, previous_mental_health, p)


@activity.factor("employed_low", "sickness_comp")
@activity.factor("employed_middle", "sickness_comp")
@activity.factor("employed_high", "sickness_comp")
@activity.factor("unemployed", "sickness_comp")
@activity.factor("inactive", "sickness_comp")
def sickness_compensation_by_schooling(upper_secondary, previous_substance, p):
    """Ratio of sickness compensation by education and use. Associations, assumed."""
    return np.exp(p.sickness_comp_by_education[upper_secondary] + p.sickness_comp_by_substance[previous_substance])


@activity.hazard("sickness_comp", "employed_low", ages=("sickness_comp_from", "work_to"))
def sickness_compensation_to_work(age, neuro, p):
    """Yearly hazard from sickness compensation to work. Per year, assumed."""
    return p.sickness_comp_to_work * (neuro != "intellectual_disability") + 0 * age


# Retirement


# a rate and no occasion, so that the study tables of these states need no age beyond the last entry to study
@activity.hazard("employed_low", "retired", ages=("pension_from", 100))
@activity.hazard("employed_middle", "retired", ages=("pension_from", 100))
@activity.hazard("employed_high", "retired", ages=("pension_from", 100))
@activity.hazard("unemployed", "retired", ages=("pension_from", 100))
@activity.hazard("inactive", "retired", ages=("pension_from", 100))
def retires(age, p):
    """Yearly hazard of retirement, from the guideline age so high that nobody stays.

    Tuned to employment at 55 to 64 (AKU); working pensioners are not modelled.
    """
    return np.where(age >= p.retires_at, p.at_once, p.retires_by_age[age])


@activity.hazard("sickness_comp", "retired", ages=("retires_at", 100))
@activity.hazard("parental_leave", "retired", ages=("retires_at", 100))
@activity.hazard("study", "retired", ages=("retires_at", 100))
def pension_takes_over(age, p):
    """Yearly hazard at the guideline age for pensions, when everything before it ends: nobody stays."""
    return p.at_once + 0 * age
