"""What a person does from 16: study, work, unemployment, inactivity, the two compensations, retirement.

Study is upper secondary school while `upper_secondary` is a programme, higher education once it is
`diploma`, and adult education once it is `left`. The state is that of the end of the year; the law's ages
are parameters.
"""

import numpy as np

from sim.domain import Domain
from sim.tables import isin

activity = Domain(
    "activity",
    states=(
        "child",
        "study",
        "employed",
        "unemployed",
        "inactive",
        "activity_comp",
        "sickness_comp",
        "retired",
    ),
    start="child",
    clock=5,
)

# This file reads this year's `upper_secondary` throughout: who leaves school in June works, or does not, in
# December.


def _pupil(upper_secondary):
    """Return whether the person attends an upper secondary programme."""
    return isin(upper_secondary, "academic", "vocational", "introductory")


@activity.choice("child", ("study", "employed", "unemployed", "inactive"), ages=("activity_from", "activity_from"))
def leaves_childhood(upper_secondary, p):
    """Weights of the first activity at 16: study for pupils, otherwise by the parameters. Assumed."""
    pupil = _pupil(upper_secondary)
    return (1 * pupil, p.kaa_employed * ~pupil, p.kaa_unemployed * ~pupil, p.kaa_inactive * ~pupil)


def _goes_on(upper_secondary, sex, parental_education, school_ability, p):
    """Return the probability that one with a new diploma goes straight on to higher education."""
    odds = p.direct_entry_odds * np.exp(
        p.higher_ability * school_ability + p.higher_by_education[parental_education] - p.higher_boy * (sex == "boy")
    )
    return odds / (1 + odds) * (upper_secondary == "diploma")


@activity.occasion("study", ("employed", "unemployed", "inactive"), ages=("return_from", "work_to"))
def leaves_study(upper_secondary, previous_upper_secondary, sex, parental_education, school_ability, p):
    """Probabilities of work, unemployment and inactivity at the end of the year for one in study.

    Pupils stay. Who leaves school this year leaves study too, but for those who go straight on to higher
    education. Students of higher or adult education leave by yearly rates. Assumed; SCB Inträdet på
    arbetsmarknaden as a guide.
    """
    leaver = _pupil(previous_upper_secondary) & ~_pupil(upper_secondary)
    student = ~_pupil(previous_upper_secondary) & ~_pupil(upper_secondary)
    from_school = leaver * (1 - _goes_on(upper_secondary, sex, parental_education, school_ability, p))
    employed, unemployed = p.leaver_employed[upper_secondary], p.leaver_unemployed[upper_secondary]
    higher = upper_secondary == "diploma"
    to_work = np.where(higher, p.student_to_work, p.adult_student_to_work)
    to_unemployment = np.where(higher, p.student_to_unemployed, p.adult_student_to_unemployed)
    to_inactivity = np.where(higher, p.student_to_inactive, p.adult_student_to_inactive)
    rate = to_work + to_unemployment + to_inactivity
    share = student * (1 - np.exp(-rate)) / rate
    return (
        from_school * employed + share * to_work,
        from_school * unemployed + share * to_unemployment,
        from_school * (1 - employed - unemployed) + share * to_inactivity,
    )


def _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, ratio, p):
    """Return the yearly probability of study: certain for one back at school this year, otherwise by a rate.

    The rate is that of higher education with a diploma, of adult education without one.
    """
    higher = p.higher_by_age[age] * np.exp(
        p.higher_ability * school_ability + p.higher_by_education[parental_education] - p.higher_boy * (sex == "boy")
    )
    adult = p.adult_study_by_age[age] * (upper_secondary == "left")
    rate = ratio * np.where(upper_secondary == "diploma", higher, adult)
    return np.where(_pupil(upper_secondary), 1, 1 - np.exp(-rate))


@activity.occasion("employed", "study", ages=("return_from", "adult_study_to"))
def worker_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, p):
    """Yearly probability that one at work takes up study. Tuned to entry to higher education by 25 (UKÄ)."""
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, 1, p)


@activity.occasion("unemployed", "study", ages=("return_from", "adult_study_to"))
def unemployed_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, p):
    """Yearly probability that one unemployed takes up study.

    Tuned to entry to higher education by 25 (UKÄ).
    """
    ratio = p.study_ratio_unemployed
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, ratio, p)


@activity.occasion("inactive", "study", ages=("return_from", "adult_study_to"))
def inactive_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, p):
    """Yearly probability that one inactive takes up study. Tuned to entry to higher education by 25 (UKÄ)."""
    ratio = p.study_ratio_inactive
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, ratio, p)


def _weak(upper_secondary, behaviour_risk, p):
    """Return the log ratio of losing work: no diploma, and behaviour."""
    return p.no_diploma * (upper_secondary != "diploma") + p.behaviour_loss * behaviour_risk


@activity.hazard("employed", "unemployed", ages=("return_from", "work_to"))
def loses_work(age, upper_secondary, behaviour_risk, p):
    """Yearly hazard from work to unemployment at the year's end.

    Per year; tuned to unemployment by education (AF).
    """
    return p.loses_work_by_age[age] * np.exp(_weak(upper_secondary, behaviour_risk, p))


@activity.hazard("employed", "inactive", ages=("return_from", "work_to"))
def leaves_the_labour_force(age, sex, upper_secondary, behaviour_risk, p):
    """Yearly hazard from work to inactivity. Per year; tuned to employment by age (AKU)."""
    return p.leaves_force_by_age[age, sex] * np.exp(_weak(upper_secondary, behaviour_risk, p))


@activity.hazard("unemployed", "employed", ages=("return_from", "work_to"))
def finds_work(age, upper_secondary, behaviour_risk, years_in_activity, p):
    """Yearly hazard from unemployment to work, lower after a first whole year.

    Per year; tuned to UVAS and to AF.
    """
    return p.finds_work_by_age[age] * np.exp(
        -p.no_diploma_finds * (upper_secondary != "diploma")
        - p.behaviour_finds * behaviour_risk
        - p.long_unemployed * (years_in_activity > 0)
    )


@activity.hazard("unemployed", "inactive", ages=("return_from", "work_to"))
def gives_up_seeking(age, behaviour_risk, p):
    """Yearly hazard from unemployment to inactivity. Per year, assumed."""
    return p.gives_up * np.exp(p.behaviour_loss * behaviour_risk) + 0 * age


@activity.hazard("inactive", "employed", ages=("return_from", "work_to"))
def inactive_finds_work(age, upper_secondary, behaviour_risk, years_in_activity, p):
    """Yearly hazard from inactivity to work. Per year; tuned to UVAS and to employment by age."""
    return p.inactive_finds_by_age[age] * np.exp(
        -p.no_diploma_finds * (upper_secondary != "diploma")
        - p.behaviour_finds * behaviour_risk
        - p.long_inactive * (years_in_activity > 0)
    )


@activity.hazard("inactive", "unemployed", ages=("return_from", "work_to"))
def starts_seeking(age, p):
    """Yearly hazard from inactivity to unemployment. Per year, assumed."""
    return p.starts_seeking_by_age[age]


@activity.hazard("inactive", "activity_comp", ages=("activity_comp_from", "activity_comp_to"))
@activity.hazard("unemployed", "activity_comp", ages=("activity_comp_from", "activity_comp_to"))
@activity.hazard("study", "activity_comp", ages=("activity_comp_from", "activity_comp_to"))
def activity_compensation_begins(age, school_ability, behaviour_risk, p):
    """Yearly hazard of activity compensation. Per year; tuned to a stock of 2.4 % of those aged 19 to 29."""
    return p.activity_comp_by_age[age] * np.exp(
        -p.activity_comp_ability * school_ability + p.activity_comp_behaviour * behaviour_risk
    )


@activity.hazard("activity_comp", "employed", ages=("activity_comp_from", "activity_comp_to"))
def activity_compensation_to_work(age, p):
    """Yearly hazard from activity compensation to work.

    3 % a year leave for work (Läkartidningen 2009-06).
    """
    return p.activity_comp_to_work + 0 * age


# work is left out: it has its hazard above
@activity.choice(
    "activity_comp",
    ("sickness_comp", "unemployed", "inactive"),
    ages=("activity_comp_ends", "activity_comp_ends"),
)
def activity_compensation_ends(age, p):
    """Weights at 30, when activity compensation ends by law (SFB 33 kap.). Assumed."""
    return (p.after_sickness_comp + 0 * age, p.after_unemployed + 0 * age, p.after_inactive + 0 * age)


@activity.hazard("employed", "sickness_comp", ages=("sickness_comp_from", "work_to"))
def worker_gets_sickness_compensation(age, sex, school_ability, p):
    """Yearly hazard from work to sickness compensation.

    Per year; tuned to the stocks by age (low confidence).
    """
    return p.sickness_comp_by_age[age, sex] * np.exp(-p.sickness_comp_ability * school_ability)


@activity.hazard("unemployed", "sickness_comp", ages=("sickness_comp_from", "work_to"))
@activity.hazard("inactive", "sickness_comp", ages=("sickness_comp_from", "work_to"))
def jobless_gets_sickness_compensation(age, sex, school_ability, p):
    """Yearly hazard from joblessness to sickness compensation.

    Per year; tuned to the stocks by age (low confidence).
    """
    return (
        p.sickness_comp_jobless * p.sickness_comp_by_age[age, sex] * np.exp(-p.sickness_comp_ability * school_ability)
    )


@activity.hazard("sickness_comp", "employed", ages=("sickness_comp_from", "work_to"))
def sickness_compensation_to_work(age, p):
    """Yearly hazard from sickness compensation to work. Per year, assumed."""
    return p.sickness_comp_to_work + 0 * age


# a rate and no occasion, so that the study tables of these states need no age beyond the last entry to study
@activity.hazard("employed", "retired", ages=("pension_from", 100))
@activity.hazard("unemployed", "retired", ages=("pension_from", 100))
@activity.hazard("inactive", "retired", ages=("pension_from", 100))
def retires(age, p):
    """Yearly hazard of retirement, from the guideline age so high that nobody stays.

    Tuned to employment at 55 to 64 (AKU); working pensioners are not modelled.
    """
    return np.where(age >= p.retires_at, p.at_once, p.retires_by_age[age])


@activity.hazard("sickness_comp", "retired", ages=("retires_at", 100))
def pension_takes_over(age, p):
    """Yearly hazard at the guideline age for pensions, when sickness compensation ends: nobody stays."""
    return p.at_once + 0 * age
