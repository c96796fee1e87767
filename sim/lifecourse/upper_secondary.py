"""Upper secondary school from 16, the activity responsibility (KAA), diploma, left, and the degree after it.

The programme is chosen in the step of age 16, after the leaving grades of the same year, so that an
uninterrupted national programme gives its diploma in the step of age 19. A change of programme starts the
clock again. `tertiary` is a degree of three years or more.
"""

import numpy as np

from sim.domain import Domain

upper_secondary = Domain(
    "upper_secondary",
    states=(
        "before",
        "academic",
        "vocational",
        "introductory",
        "adapted",
        "kaa",
        "diploma",
        "tertiary",
        "left",
    ),
    start="before",
    clock=5,
)


# Reads this year's `school`: the leaving grades of June decide the programme of August. Who may begin what is law
# and structural; so is study where a diploma of adult education or a degree is taken.
@upper_secondary.choice(
    "before", ("academic", "vocational", "introductory", "adapted", "kaa"), ages=("choice_at", "choice_at")
)
def chooses_programme(
    school, sex, parental_education, school_ability, behaviour_risk, previous_conduct, previous_mental_health, p
):
    """Weights of the programme in the autumn of age 16.

    Tuned to Skolverket's shares of pupils by programme and to KAA.
    """
    eligible, adapted = school == "eligible", school == "adapted"
    other = 1 - adapted
    academic = p.academic_odds * np.exp(
        p.academic_ability * school_ability
        + p.academic_by_education[parental_education]
        - p.academic_boy * (sex == "boy")
    )
    outside = np.exp(
        p.kaa_behaviour * behaviour_risk
        + p.outside_by_conduct[previous_conduct]
        + p.outside_by_mental_health[previous_mental_health]
    )
    national = 1 + academic
    return (
        eligible * academic,
        1 * eligible,
        other * np.where(eligible, p.introductory_if_eligible * national, 1),
        p.adapted_goes_on * adapted,
        np.where(
            adapted, 1 - p.adapted_goes_on, outside * np.where(eligible, p.kaa_if_eligible * national, p.kaa_if_not)
        ),
    )


def _diploma(years_in_upper_secondary, third, fourth, fifth):
    """Return the probability by the school year that ends now: none before the third, which ends at clock 2."""
    extra = years_in_upper_secondary - 2
    return third * (extra == 0) + fourth * (extra == 1) + fifth * (extra > 1)


def _pass(probability, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p):
    """Return a diploma probability shifted on the logit scale by traits and by an earlier placement."""
    odds = (
        probability
        / (1 - probability)
        * np.exp(
            p.diploma_ability * school_ability
            - p.diploma_behaviour * behaviour_risk
            - p.diploma_boy * (sex == "boy")
            - p.diploma_less_by_neuro[neuro]
            - p.diploma_less_by_ever_placed[previous_ever_placed]
        )
    )
    return odds / (1 + odds)


def _academic_diploma(years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p):
    """Return the probability of a diploma this year on an academic programme."""
    level = _diploma(years_in_upper_secondary, p.academic_third_year, p.fourth_year, p.fifth_year)
    return _pass(level, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p)


def _vocational_diploma(years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p):
    """Return the probability of a diploma this year on a vocational programme."""
    level = _diploma(years_in_upper_secondary, p.vocational_third_year, p.fourth_year, p.fifth_year)
    return _pass(level, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p)


@upper_secondary.occasion("academic", "diploma", ages=("diploma_from", "pupil_to"))
def academic_diploma(years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p):
    """Probability of a diploma at the end of year 3, 4 or 5.

    Tuned to completion within 3 and 4 years (SKR, ungidag).
    """
    return _academic_diploma(
        years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p
    )


@upper_secondary.occasion("vocational", "diploma", ages=("diploma_from", "pupil_to"))
def vocational_diploma(years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p):
    """Probability of a diploma at the end of year 3, 4 or 5.

    Tuned to completion within 3 and 4 years (SKR, ungidag).
    """
    return _vocational_diploma(
        years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p
    )


def _leaves_without(years_in_upper_secondary, diploma, p):
    """Return the probability of leaving without a diploma: some after year 3, most after 4, all after 5."""
    return (1 - diploma) * _diploma(years_in_upper_secondary, p.leaves_after_third, p.leaves_after_fourth, 1)


def _ends_outside(
    base, diploma, years_in_upper_secondary, neuro, school_ability, behaviour_risk,
    previous_ever_placed, previous_substance, p,
):  # fmt: skip
    """Return the probability of dropping out before the third year ends, and of leaving without diploma then."""
    drops_out = base * np.exp(
        -p.drop_out_ability * school_ability
        + p.drop_out_behaviour * behaviour_risk
        + p.drop_out_by_neuro[neuro]
        + p.drop_out_by_ever_placed[previous_ever_placed]
        + p.drop_out_by_substance[previous_substance]
    )
    leaves = _leaves_without(years_in_upper_secondary, diploma, p)
    return np.where(years_in_upper_secondary < 2, 1 - np.exp(-drops_out), leaves)


@upper_secondary.occasion("academic", "kaa", ages=("second_year", "kaa_to"))
def academic_to_kaa(
    years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, previous_substance, p
):
    """Probability of dropping out in years 1 to 3, or of ending at 19 without diploma.

    Tuned to KAA and completion.
    """
    diploma = _academic_diploma(
        years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p
    )
    return _ends_outside(
        p.drop_out_academic, diploma, years_in_upper_secondary, neuro, school_ability, behaviour_risk,
        previous_ever_placed, previous_substance, p,
    )  # fmt: skip


@upper_secondary.occasion("vocational", "kaa", ages=("second_year", "kaa_to"))
def vocational_to_kaa(
    years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, previous_substance, p
):
    """Probability of dropping out in years 1 to 3, or of ending at 19 without diploma.

    Tuned to KAA and completion.
    """
    diploma = _vocational_diploma(
        years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p
    )
    return _ends_outside(
        p.drop_out_vocational, diploma, years_in_upper_secondary, neuro, school_ability, behaviour_risk,
        previous_ever_placed, previous_substance, p,
    )  # fmt: skip


@upper_secondary.occasion("academic", "left", ages=("kaa_ends", "pupil_to"))
def academic_ends_without_diploma(
    years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, previous_substance, p
):
    """Probability of leaving without diploma at 20 or later. Assumed."""
    diploma = _academic_diploma(
        years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p
    )
    return _ends_outside(
        p.drop_out_academic, diploma, years_in_upper_secondary, neuro, school_ability, behaviour_risk,
        previous_ever_placed, previous_substance, p,
    )  # fmt: skip


@upper_secondary.occasion("vocational", "left", ages=("kaa_ends", "pupil_to"))
def vocational_ends_without_diploma(
    years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, previous_substance, p
):
    """Probability of leaving without diploma at 20 or later. Assumed."""
    diploma = _vocational_diploma(
        years_in_upper_secondary, sex, neuro, school_ability, behaviour_risk, previous_ever_placed, p
    )
    return _ends_outside(
        p.drop_out_vocational, diploma, years_in_upper_secondary, neuro, school_ability, behaviour_risk,
        previous_ever_placed, previous_substance, p,
    )  # fmt: skip


@upper_secondary.hazard("introductory", "kaa", ages=("second_year", "kaa_to"))
def introductory_drop_out(neuro, school_ability, behaviour_risk, p):
    """Yearly hazard of dropping out of an introductory programme.

    Per year, tuned to KAA and diploma within 5 years.
    """
    return p.drop_out_introductory * np.exp(
        -p.drop_out_ability * school_ability + p.drop_out_behaviour * behaviour_risk + p.drop_out_by_neuro[neuro]
    )


@upper_secondary.factor("introductory", "kaa")
def introductory_drop_out_with(previous_ever_placed, previous_conduct, previous_substance, p):
    """Ratio of that hazard by placement, conduct problems and substance use. Assumed associations."""
    return np.exp(
        p.drop_out_by_ever_placed[previous_ever_placed]
        + p.drop_out_by_conduct[previous_conduct]
        + p.drop_out_by_substance[previous_substance]
    )


def _moves_up(base, neuro, school_ability, behaviour_risk, previous_conduct, p):
    """Return the yearly hazard of going from an introductory programme to a national one."""
    return base * np.exp(
        p.move_up_ability * school_ability
        - p.move_up_behaviour * behaviour_risk
        - p.move_up_less_by_neuro[neuro]
        - p.move_up_less_by_conduct[previous_conduct]
    )


@upper_secondary.hazard("introductory", "vocational", ages=("second_year", "kaa_to"))
def introductory_to_vocational(neuro, school_ability, behaviour_risk, previous_conduct, p):
    """Yearly hazard of moving up to a vocational programme. Per year, tuned to diploma within 5 years."""
    return _moves_up(p.introductory_to_vocational, neuro, school_ability, behaviour_risk, previous_conduct, p)


@upper_secondary.hazard("introductory", "academic", ages=("second_year", "kaa_to"))
def introductory_to_academic(neuro, school_ability, behaviour_risk, previous_conduct, p):
    """Yearly hazard of moving up to an academic programme. Per year, tuned to diploma within 5 years."""
    return _moves_up(p.introductory_to_academic, neuro, school_ability, behaviour_risk, previous_conduct, p)


@upper_secondary.occasion("introductory", "left", ages=("kaa_ends", "kaa_ends"))
def introductory_ends(age):
    """Certain at 20: the right to upper secondary school must be used before (skollagen 15 and 17 kap.)."""
    return 1 + 0 * age


@upper_secondary.occasion("adapted", "left", ages=("adapted_ends", "adapted_ends"))
def adapted_school_ends(age):
    """Certain after four years, the length of the adapted programmes (skollagen 19 kap.)."""
    return 1 + 0 * age


def _returns(school_ability, behaviour_risk, previous_activity, p):
    """Return the ratio of the return to education, by traits and by what is done meanwhile."""
    return np.exp(
        p.return_ability * school_ability
        - p.return_behaviour * behaviour_risk
        + p.return_by_activity[previous_activity]
    )


@upper_secondary.hazard("kaa", "introductory", ages=("second_year", "kaa_to"))
def kaa_to_introductory(school_ability, behaviour_risk, previous_activity, p):
    """Yearly hazard of going from the activity responsibility to an introductory programme.

    Per year; Skolverket KAA.
    """
    return p.kaa_to_introductory * _returns(school_ability, behaviour_risk, previous_activity, p)


@upper_secondary.hazard("kaa", "vocational", ages=("second_year", "kaa_to"))
def kaa_to_vocational(school_ability, behaviour_risk, previous_activity, p):
    """Yearly hazard of going from the activity responsibility to a vocational programme.

    Per year; Skolverket KAA.
    """
    return p.kaa_to_vocational * _returns(school_ability, behaviour_risk, previous_activity, p)


@upper_secondary.hazard("kaa", "academic", ages=("second_year", "kaa_to"))
def kaa_to_academic(school_ability, behaviour_risk, previous_activity, p):
    """Yearly hazard of going from the activity responsibility to an academic programme.

    Per year; Skolverket KAA.
    """
    return p.kaa_to_academic * _returns(school_ability, behaviour_risk, previous_activity, p)


@upper_secondary.occasion("kaa", "left", ages=("kaa_ends", "kaa_ends"))
def activity_responsibility_ends(age):
    """Certain at 20: the activity responsibility covers those under 20 (skollagen 29 kap. 9 §)."""
    return 1 + 0 * age


@upper_secondary.hazard("left", "diploma", ages=("adult_education_from", "adult_education_to"))
def adult_diploma(neuro, school_ability, behaviour_risk, previous_activity, p):
    """Yearly hazard of a diploma through municipal adult education, for those who study.

    Per year, assumed.
    """
    return (
        p.adult_diploma
        * np.exp(
            p.return_ability * school_ability
            - p.return_behaviour * behaviour_risk
            - p.adult_diploma_less_by_neuro[neuro]
        )
        * (previous_activity == "study")
    )


@upper_secondary.hazard("diploma", "tertiary", ages=("degree_from", "degree_to"))
def degree(sex, school_ability, years_in_upper_secondary, previous_activity, previous_years_in_activity, p):
    """Yearly hazard of a degree of three years or more, for one in the third year of study or later.

    Both clocks count: the study of one who went straight on began as a pupil. Per year, tuned to degrees by 40 (SCB).
    """
    years = np.minimum(years_in_upper_secondary, previous_years_in_activity)
    level = np.where(years > 2, p.degree_later, p.degree_third_year)
    return (
        level
        * np.exp(p.degree_ability * school_ability - p.degree_boy * (sex == "boy"))
        * (years >= 2)
        * (previous_activity == "study")
    )
