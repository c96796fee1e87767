"""What a person does from 16: study, work at three levels of earnings, joblessness, leave, compensation, retirement.

Study is upper secondary school while `upper_secondary` is a programme, higher education once it is `diploma` or
`tertiary`, and adult education once it is `left`. The state is that of the end of the year; the law's ages are
parameters.
"""

import numpy as np

from sim.domain import Domain
from sim.tables import isin

activity = Domain(
    "activity",
    states=(
        "child",
        "study",
        "employed_low",
        "employed_middle",
        "employed_high",
        "unemployed",
        "inactive",
        "parental_leave",
        "activity_comp",
        "sickness_comp",
        "retired",
    ),
    start="child",
    clock=5,
)

# This file reads this year's `upper_secondary` throughout: who leaves school in June works, or does not, in
# December. Attending school, the right to higher education that a diploma gives, and a place in custody are
# structural; every other reading of another domain is a link.


def _pupil(upper_secondary):
    """Return whether the person attends an upper secondary programme."""
    return isin(upper_secondary, "academic", "vocational", "introductory", "adapted")


def _share(odds):
    """Return the probability of these odds."""
    return odds / (1 + odds)


# Study


@activity.choice("child", ("study", "employed_low", "unemployed", "inactive"), ages=("activity_from", "activity_from"))
def leaves_childhood(upper_secondary, p):
    """Weights of the first activity at 16: study for pupils, otherwise by the parameters. Assumed."""
    pupil = _pupil(upper_secondary)
    return (1 * pupil, p.kaa_employed * ~pupil, p.kaa_unemployed * ~pupil, p.kaa_inactive * ~pupil)


def _inclination(sex, parental_education, school_ability, neuro, p):
    """Return the ratio of taking up higher education."""
    return np.exp(
        p.local_higher_education
        + p.higher_ability * school_ability
        + p.higher_by_education[parental_education]
        - p.higher_boy * (sex == "boy")
        + p.higher_by_neuro[neuro]
    )


@activity.occasion(
    "study",
    ("employed_low", "employed_middle", "employed_high", "unemployed", "inactive"),
    ages=("return_from", "work_to"),
)
def leaves_study(upper_secondary, previous_upper_secondary, sex, parental_education, school_ability, neuro, p):
    """Probabilities of work, unemployment and inactivity at the end of the year for one in study.

    Pupils stay. Who leaves school this year leaves study too, but for those who go straight on to higher education.
    Who gets a degree this year leaves by a share of its own; other students of higher and adult education leave by
    yearly shares. Who drops out under twenty, into the activity responsibility, finds work by odds of its own
    (structural). Assumed; SCB Inträdet på arbetsmarknaden as a guide.
    """
    pupil, was_pupil = _pupil(upper_secondary), _pupil(previous_upper_secondary)
    goes_on = _share(
        p.direct_entry_odds
        * np.exp(p.direct_entry_by_programme[previous_upper_secondary])
        * _inclination(sex, parental_education, school_ability, neuro, p)
    )
    from_school = was_pupil & ~pupil
    graduate = (upper_secondary == "tertiary") & (previous_upper_secondary == "diploma")
    higher = isin(upper_secondary, "diploma", "tertiary")
    yearly = np.where(graduate, p.graduate_leaves, np.where(higher, p.student_leaves, p.adult_student_leaves))
    leaves = from_school * (1 - goes_on * (upper_secondary == "diploma")) + (~was_pupil & ~pupil) * yearly
    work = _share(
        np.where(upper_secondary == "kaa", p.kaa_leaver_work_odds, p.leaver_work_odds)
        * np.exp(p.leaver_by_education[upper_secondary] + p.leaver_ability * school_ability + p.leaver_by_neuro[neuro])
    )
    middle = p.leaver_middle_odds * np.exp(
        p.middle_by_education[upper_secondary]
        + p.leaver_middle_by_programme[previous_upper_secondary]
        + p.middle_ability * school_ability
    )
    high = p.leaver_high_odds * np.exp(p.high_by_education[upper_secondary] + p.high_ability * school_ability)
    classes = 1 + middle + high
    return (
        leaves * work / classes,
        leaves * work * middle / classes,
        leaves * work * high / classes,
        leaves * (1 - work) * p.leaver_seeks,
        leaves * (1 - work) * (1 - p.leaver_seeks),
    )


def _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, ratio, p):
    """Return the yearly probability of study: certain for one back at school this year, otherwise by a rate.

    The rate is that of higher education with a diploma, of further study with a degree, of adult education
    without a diploma.
    """
    higher = p.higher_by_age[age] * _inclination(sex, parental_education, school_ability, neuro, p)
    higher = higher * np.where(upper_secondary == "tertiary", p.second_degree, 1)
    adult = p.adult_study_by_age[age] * (upper_secondary == "left")
    rate = ratio * np.where(isin(upper_secondary, "diploma", "tertiary"), higher, adult)
    return np.where(_pupil(upper_secondary), 1, 1 - np.exp(-rate))


@activity.occasion("employed_low", "study", ages=("return_from", "adult_study_to"))
def low_earner_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, p):
    """Yearly probability that one with low earnings takes up study.

    Tuned to entry to higher education by 25 (UKÄ).
    """
    ratio = p.study_ratio_low
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, ratio, p)


@activity.occasion("employed_middle", "study", ages=("return_from", "adult_study_to"))
def middle_earner_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, p):
    """Yearly probability that one with middle earnings takes up study.

    Tuned to entry to higher education by 25 (UKÄ).
    """
    ratio = p.study_ratio_middle
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, ratio, p)


@activity.occasion("employed_high", "study", ages=("return_from", "adult_study_to"))
def high_earner_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, p):
    """Yearly probability that one with high earnings takes up study. Assumed."""
    ratio = p.study_ratio_high
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, ratio, p)


@activity.occasion("unemployed", "study", ages=("return_from", "adult_study_to"))
def unemployed_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, p):
    """Yearly probability that one unemployed takes up study.

    Tuned to entry to higher education by 25 (UKÄ).
    """
    ratio = p.study_ratio_unemployed
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, ratio, p)


@activity.occasion("inactive", "study", ages=("return_from", "adult_study_to"))
def inactive_takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, p):
    """Yearly probability that one inactive takes up study. Tuned to entry to higher education by 25 (UKÄ)."""
    ratio = p.study_ratio_inactive
    return _takes_up_study(age, upper_secondary, sex, parental_education, school_ability, neuro, ratio, p)


# Losing work


def _loss(age, upper_secondary, behaviour_risk, school_ability, p):
    """Return the yearly hazard of losing work at middle earnings."""
    return p.loses_work_by_age[age] * np.exp(
        p.local_unemployment
        + p.loss_by_education[upper_secondary]
        + p.loss_behaviour * behaviour_risk
        - p.loss_ability * school_ability
    )


@activity.hazard("employed_low", "unemployed", ages=("return_from", "work_to"))
def loses_low_paid_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from low-paid, part-year work to unemployment.

    Per year; tuned to unemployment by education (AF).
    """
    return p.loss_ratio_low * _loss(age, upper_secondary, behaviour_risk, school_ability, p)


@activity.hazard("employed_middle", "unemployed", ages=("return_from", "work_to"))
def loses_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from work to unemployment at the year's end.

    Per year; tuned to unemployment by education (AF).
    """
    return _loss(age, upper_secondary, behaviour_risk, school_ability, p)


@activity.hazard("employed_high", "unemployed", ages=("return_from", "work_to"))
def loses_well_paid_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from well-paid work to unemployment. Per year, assumed."""
    return p.loss_ratio_high * _loss(age, upper_secondary, behaviour_risk, school_ability, p)


def _leaves(age, sex, upper_secondary, behaviour_risk, previous_crime, ratio, p):
    """Return the yearly hazard of leaving the labour force: at once from custody, where nobody works (structural)."""
    rate = p.leaves_force_by_age[age, sex] * np.exp(
        p.loss_by_education[upper_secondary] + p.loss_behaviour * behaviour_risk
    )
    return np.where(previous_crime == "custody", p.at_once, ratio * rate)


@activity.hazard("employed_low", "inactive", ages=("return_from", "work_to"))
def low_earner_leaves_the_labour_force(age, sex, upper_secondary, behaviour_risk, previous_crime, p):
    """Yearly hazard from low-paid work to inactivity. Per year; tuned to employment by age (AKU)."""
    return _leaves(age, sex, upper_secondary, behaviour_risk, previous_crime, p.leaves_ratio_low, p)


@activity.hazard("employed_middle", "inactive", ages=("return_from", "work_to"))
def middle_earner_leaves_the_labour_force(age, sex, upper_secondary, behaviour_risk, previous_crime, p):
    """Yearly hazard from work to inactivity. Per year; tuned to employment by age (AKU)."""
    return _leaves(age, sex, upper_secondary, behaviour_risk, previous_crime, 1, p)


@activity.hazard("employed_high", "inactive", ages=("return_from", "work_to"))
def high_earner_leaves_the_labour_force(age, sex, upper_secondary, behaviour_risk, previous_crime, p):
    """Yearly hazard from well-paid work to inactivity. Per year, assumed."""
    return _leaves(age, sex, upper_secondary, behaviour_risk, previous_crime, p.leaves_ratio_high, p)


@activity.factor("employed_low", "unemployed")
@activity.factor("employed_middle", "unemployed")
@activity.factor("employed_high", "unemployed")
@activity.factor("employed_low", "inactive")
@activity.factor("employed_middle", "inactive")
@activity.factor("employed_high", "inactive")
def loses_work_in_trouble(neuro, previous_mental_health, previous_substance, previous_crime, p):
    """Ratio of losing work by disability, mental ill health, use and crime. Links are associations, assumed."""
    return np.exp(
        p.loss_by_neuro[neuro]
        + p.loss_by_mental_health[previous_mental_health]
        + p.loss_by_substance[previous_substance]
        + p.loss_by_crime[previous_crime]
    )


# Finding work


def _middle(age, upper_secondary, school_ability, p):
    """Return the share of work found that has middle earnings."""
    return _share(
        p.middle_odds_by_age[age] * np.exp(p.middle_by_education[upper_secondary] + p.middle_ability * school_ability)
    )


def _found(upper_secondary, behaviour_risk, school_ability, p):
    """Return the ratio of finding work."""
    return np.exp(
        p.finds_by_education[upper_secondary] - p.finds_behaviour * behaviour_risk + p.finds_ability * school_ability
    )


@activity.hazard("unemployed", "employed_low", ages=("return_from", "work_to"))
def finds_low_paid_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from unemployment to low-paid work. Per year; tuned to UVAS and to AF."""
    rate = p.finds_work_by_age[age] * _found(upper_secondary, behaviour_risk, school_ability, p)
    return rate * (1 - _middle(age, upper_secondary, school_ability, p))


@activity.hazard("unemployed", "employed_middle", ages=("return_from", "work_to"))
def finds_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from unemployment to work with middle earnings. Per year; tuned to UVAS and to AF."""
    rate = p.finds_work_by_age[age] * _found(upper_secondary, behaviour_risk, school_ability, p)
    return rate * _middle(age, upper_secondary, school_ability, p)


@activity.hazard("inactive", "employed_low", ages=("return_from", "work_to"))
def inactive_finds_low_paid_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from inactivity to low-paid work. Per year; tuned to UVAS and to employment by age."""
    rate = p.inactive_finds_by_age[age] * _found(upper_secondary, behaviour_risk, school_ability, p)
    return rate * (1 - _middle(age, upper_secondary, school_ability, p))


@activity.hazard("inactive", "employed_middle", ages=("return_from", "work_to"))
def inactive_finds_work(age, upper_secondary, behaviour_risk, school_ability, p):
    """Yearly hazard from inactivity to work with middle earnings.

    Per year; tuned to UVAS and to employment by age.
    """
    rate = p.inactive_finds_by_age[age] * _found(upper_secondary, behaviour_risk, school_ability, p)
    return rate * _middle(age, upper_secondary, school_ability, p)


@activity.factor("unemployed", "employed_low")
@activity.factor("unemployed", "employed_middle")
@activity.factor("inactive", "employed_low")
@activity.factor("inactive", "employed_middle")
def finds_work_in_trouble(neuro, previous_mental_health, previous_substance, previous_crime, years_in_activity, p):
    """Ratio of finding work by disability, mental ill health, use, crime and the years without work.

    Nobody in custody finds work (structural). Links are associations; the fall with the years is tuned to long
    unemployment (AF).
    """
    free = previous_crime != "custody"
    return free * np.exp(
        p.finds_by_neuro[neuro]
        + p.finds_by_mental_health[previous_mental_health]
        + p.finds_by_substance[previous_substance]
        + p.finds_by_crime[previous_crime]
        + p.finds_by_years[years_in_activity]
    )


@activity.hazard("unemployed", "inactive", ages=("return_from", "work_to"))
def gives_up_seeking(age, behaviour_risk, p):
    """Yearly hazard from unemployment to inactivity. Per year, assumed."""
    return p.gives_up * np.exp(p.loss_behaviour * behaviour_risk) + 0 * age


@activity.hazard("inactive", "unemployed", ages=("return_from", "work_to"))
def starts_seeking(age, previous_crime, p):
    """Yearly hazard from inactivity to unemployment, none in custody (structural). Per year, assumed."""
    return p.starts_seeking_by_age[age] * (previous_crime != "custody")


# Levels of earnings


@activity.hazard("employed_low", "employed_middle", ages=("return_from", "work_to"))
def earnings_rise_to_middle(age, sex, upper_secondary, school_ability, behaviour_risk, p):
    """Yearly hazard from low to middle earnings.

    Per year; tuned to assumed shares of the classes by age and sex.
    """
    return p.low_to_middle_by_age[age, sex] * np.exp(
        p.rises_by_education[upper_secondary] + p.rises_ability * school_ability - p.rises_behaviour * behaviour_risk
    )


@activity.factor("employed_low", "employed_middle")
def earnings_rise_in_trouble(neuro, previous_mental_health, p):
    """Ratio of rising earnings by disability and mental ill health. Links are associations, assumed."""
    return np.exp(p.finds_by_neuro[neuro] + p.finds_by_mental_health[previous_mental_health])


@activity.hazard("employed_middle", "employed_low", ages=("return_from", "work_to"))
def earnings_fall_to_low(age, sex, upper_secondary, school_ability, behaviour_risk, p):
    """Yearly hazard from middle to low earnings.

    Per year; tuned to assumed shares of the classes by age and sex.
    """
    return p.middle_to_low_by_age[age, sex] * np.exp(
        p.loss_by_education[upper_secondary] + p.loss_behaviour * behaviour_risk - p.loss_ability * school_ability
    )


@activity.hazard("employed_middle", "employed_high", ages=("return_from", "work_to"))
def earnings_rise_to_high(age, sex, upper_secondary, school_ability, p):
    """Yearly hazard from middle to high earnings.

    Per year; tuned to assumed shares of the classes by age and sex.
    """
    return p.middle_to_high_by_age[age, sex] * np.exp(
        p.high_by_education[upper_secondary] + p.high_ability * school_ability
    )


@activity.hazard("employed_high", "employed_middle", ages=("return_from", "work_to"))
def earnings_fall_to_middle(age, sex, p):
    """Yearly hazard from high to middle earnings. Per year, assumed."""
    return p.high_to_middle_by_age[age, sex]


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
@activity.hazard("employed_low", "retired", ages=("pension_from", "retires_at"))
@activity.hazard("employed_middle", "retired", ages=("pension_from", "retires_at"))
@activity.hazard("employed_high", "retired", ages=("pension_from", "retires_at"))
@activity.hazard("unemployed", "retired", ages=("pension_from", "retires_at"))
@activity.hazard("inactive", "retired", ages=("pension_from", "retires_at"))
def retires(age, p):
    """Yearly hazard of retirement, from the guideline age so high that nobody stays.

    Tuned to employment at 55 to 64 (AKU); working pensioners are not modelled.
    """
    return np.where(age >= p.retires_at, p.at_once, p.retires_by_age[age])


@activity.hazard("sickness_comp", "retired", ages=("retires_at", "retires_at"))
@activity.hazard("parental_leave", "retired", ages=("retires_at", "retires_at"))
@activity.hazard("study", "retired", ages=("retires_at", "retires_at"))
def pension_takes_over(age, p):
    """Yearly hazard at the guideline age for pensions, when everything before it ends: nobody stays."""
    return p.at_once + 0 * age
