"""Upper secondary school from 16: programmes, the activity responsibility (KAA), diploma, left.

The programme is chosen in the step of age 16, after the leaving grades of the same year, so that an
uninterrupted national programme gives its diploma in the step of age 19. A change of programme starts the
clock again.
"""

import numpy as np

from sim.domain import Domain

upper_secondary = Domain(
    "upper_secondary",
    states=("before", "academic", "vocational", "introductory", "kaa", "diploma", "left"),
    start="before",
    clock=5,
)


# reads this year's `school`: the leaving grades of June decide the programme of August
@upper_secondary.choice("before", ("academic", "vocational", "introductory", "kaa"), ages=("choice_at", "choice_at"))
def chooses_programme(school, sex, parental_education, school_ability, p):
    """Weights of the programme in the autumn of age 16.

    Tuned to Skolverket's shares of pupils by programme.
    """
    eligible = school == "eligible"
    academic = p.academic_odds * np.exp(
        p.academic_ability * school_ability
        + p.academic_by_education[parental_education]
        - p.academic_boy * (sex == "boy")
    )
    return (
        eligible * academic,
        1 * eligible,
        np.where(eligible, p.introductory_if_eligible * (1 + academic), p.introductory_if_not),
        np.where(eligible, p.kaa_if_eligible * (1 + academic), p.kaa_if_not),
    )


def _diploma(years_in_upper_secondary, third, fourth, fifth):
    """Return the probability by the school year that ends now: none before the third, which ends at clock 2."""
    extra = years_in_upper_secondary - 2
    return third * (extra == 0) + fourth * (extra == 1) + fifth * (extra > 1)


def _pass(probability, school_ability, behaviour_risk, sex, p):
    """Return a diploma probability shifted on the logit scale by ability, behaviour and sex."""
    odds = (
        probability
        / (1 - probability)
        * np.exp(
            p.diploma_ability * school_ability - p.diploma_behaviour * behaviour_risk - p.diploma_boy * (sex == "boy")
        )
    )
    return odds / (1 + odds)


def _academic_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p):
    """Return the probability of a diploma this year on an academic programme."""
    level = _diploma(years_in_upper_secondary, p.academic_third_year, p.fourth_year, p.fifth_year)
    return _pass(level, school_ability, behaviour_risk, sex, p)


def _vocational_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p):
    """Return the probability of a diploma this year on a vocational programme."""
    level = _diploma(years_in_upper_secondary, p.vocational_third_year, p.fourth_year, p.fifth_year)
    return _pass(level, school_ability, behaviour_risk, sex, p)


@upper_secondary.occasion("academic", "diploma", ages=("diploma_from", "pupil_to"))
def academic_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p):
    """Probability of a diploma at the end of year 3, 4 or 5.

    Tuned to completion within 3 and 4 years (SKR, ungidag).
    """
    return _academic_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p)


@upper_secondary.occasion("vocational", "diploma", ages=("diploma_from", "pupil_to"))
def vocational_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p):
    """Probability of a diploma at the end of year 3, 4 or 5.

    Tuned to completion within 3 and 4 years (SKR, ungidag).
    """
    return _vocational_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p)


def _leaves_without(years_in_upper_secondary, diploma, p):
    """Return the probability of leaving without a diploma: some after year 3, most after 4, all after 5."""
    return (1 - diploma) * _diploma(years_in_upper_secondary, p.leaves_after_third, p.leaves_after_fourth, 1)


def _drops_out(base, school_ability, behaviour_risk, p):
    """Return the yearly hazard of leaving a programme for the activity responsibility."""
    return base * np.exp(-p.drop_out_ability * school_ability + p.drop_out_behaviour * behaviour_risk)


@upper_secondary.occasion("academic", "kaa", ages=("second_year", "kaa_to"))
def academic_to_kaa(age, years_in_upper_secondary, school_ability, behaviour_risk, sex, previous_ever_placed, p):
    """Probability of dropping out in years 1 to 3, or of ending at 19 without diploma.

    Tuned to KAA and completion.
    """
    diploma = _academic_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p)
    drops_out = _drops_out(p.drop_out_academic, school_ability, behaviour_risk, p)
    return np.where(age < p.diploma_from, 1 - np.exp(-drops_out), _leaves_without(years_in_upper_secondary, diploma, p))


@upper_secondary.occasion("vocational", "kaa", ages=("second_year", "kaa_to"))
def vocational_to_kaa(age, years_in_upper_secondary, school_ability, behaviour_risk, sex, previous_ever_placed, p):
    """Probability of dropping out in years 1 to 3, or of ending at 19 without diploma.

    Tuned to KAA and completion.
    """
    diploma = _vocational_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p)
    drops_out = _drops_out(p.drop_out_vocational, school_ability, behaviour_risk, p)
    return np.where(age < p.diploma_from, 1 - np.exp(-drops_out), _leaves_without(years_in_upper_secondary, diploma, p))


@upper_secondary.occasion("academic", "left", ages=("kaa_ends", "pupil_to"))
def academic_ends_without_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p):
    """Probability of leaving without diploma at 20 or later. Assumed."""
    diploma = _academic_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p)
    return _leaves_without(years_in_upper_secondary, diploma, p)


@upper_secondary.occasion("vocational", "left", ages=("kaa_ends", "pupil_to"))
def vocational_ends_without_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p):
    """Probability of leaving without diploma at 20 or later. Assumed."""
    diploma = _vocational_diploma(years_in_upper_secondary, school_ability, behaviour_risk, sex, p)
    return _leaves_without(years_in_upper_secondary, diploma, p)


@upper_secondary.hazard("introductory", "kaa", ages=("second_year", "kaa_to"))
def introductory_drop_out(school_ability, behaviour_risk, p):
    """Yearly hazard of dropping out of an introductory programme.

    Per year, tuned to KAA and diploma within 5 years.
    """
    return _drops_out(p.drop_out_introductory, school_ability, behaviour_risk, p)


@upper_secondary.hazard("introductory", "vocational", ages=("second_year", "kaa_to"))
def introductory_to_vocational(school_ability, behaviour_risk, p):
    """Yearly hazard of moving up to a vocational programme. Per year, tuned to diploma within 5 years."""
    return p.introductory_to_vocational * np.exp(
        p.move_up_ability * school_ability - p.move_up_behaviour * behaviour_risk
    )


@upper_secondary.hazard("introductory", "academic", ages=("second_year", "kaa_to"))
def introductory_to_academic(school_ability, behaviour_risk, p):
    """Yearly hazard of moving up to an academic programme. Per year, tuned to diploma within 5 years."""
    return p.introductory_to_academic * np.exp(
        p.move_up_ability * school_ability - p.move_up_behaviour * behaviour_risk
    )


@upper_secondary.occasion("introductory", "left", ages=("kaa_ends", "kaa_ends"))
def introductory_ends(age, p):
    """Certain at 20: the right to upper secondary school must be used before (skollagen 15 and 17 kap.)."""
    return 1 + 0 * age


def _returns(school_ability, previous_activity, p):
    """Return the ratio of the return to education.

    By ability, lower for the inactive and for those at work.
    """
    return np.exp(
        p.return_ability * school_ability
        - p.return_inactive * (previous_activity == "inactive")
        - p.return_employed * (previous_activity == "employed")
    )


@upper_secondary.hazard("kaa", "introductory", ages=("second_year", "kaa_to"))
def kaa_to_introductory(school_ability, previous_activity, p):
    """Yearly hazard of going from the activity responsibility to an introductory programme.

    Per year; Skolverket KAA.
    """
    return p.kaa_to_introductory * _returns(school_ability, previous_activity, p)


@upper_secondary.hazard("kaa", "vocational", ages=("second_year", "kaa_to"))
def kaa_to_vocational(school_ability, previous_activity, p):
    """Yearly hazard of going from the activity responsibility to a vocational programme.

    Per year; Skolverket KAA.
    """
    return p.kaa_to_vocational * _returns(school_ability, previous_activity, p)


@upper_secondary.hazard("kaa", "academic", ages=("second_year", "kaa_to"))
def kaa_to_academic(school_ability, previous_activity, p):
    """Yearly hazard of going from the activity responsibility to an academic programme.

    Per year; Skolverket KAA.
    """
    return p.kaa_to_academic * _returns(school_ability, previous_activity, p)


@upper_secondary.occasion("kaa", "left", ages=("kaa_ends", "kaa_ends"))
def activity_responsibility_ends(age, p):
    """Certain at 20: the activity responsibility covers those under 20 (skollagen 29 kap. 9 §)."""
    return 1 + 0 * age


@upper_secondary.hazard("left", "diploma", ages=("adult_education_from", "adult_education_to"))
def adult_diploma(previous_activity, school_ability, p):
    """Yearly hazard of a diploma through municipal adult education, for those who study.

    Per year, assumed.
    """
    return p.adult_diploma * np.exp(p.return_ability * school_ability) * (previous_activity == "study")
