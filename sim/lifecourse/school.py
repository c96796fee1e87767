"""Compulsory school: three states in grades 1 to 9, the adapted school, and the outcome of grade 9.

The state after the step of age 7 is grade 1, after that of age 15 grade 9; the step of age 16 holds the
leaving grades. Special support means an action programme (åtgärdsprogram). Who goes to the adapted compulsory
school (anpassad grundskola) stays `adapted` for good: its pupils get no grades for national programmes.
"""

import numpy as np

from sim.domain import Domain

school = Domain(
    "school",
    states=("before", "on_track", "struggling", "special_support", "adapted", "eligible", "not_eligible"),
    start="before",
)


# The clock of `preschool` tells who was at home until six: its state is `none` for all at that age.
@school.choice("before", ("on_track", "struggling", "special_support", "adapted"), ages=("school_from", "school_from"))
def starts_school(
    parental_education,
    arrival,
    neuro,
    school_ability,
    previous_years_in_preschool,
    previous_conduct,
    previous_care,
    p,
):
    """Weights of the state in grade 1; the adapted school takes a share of its own, by condition.

    Assumed; special support and the adapted school tuned to pupils (Skolverket 2020, 2023).
    """
    trouble = np.exp(
        -p.ability * school_ability
        + p.trouble_by_education[parental_education]
        + p.trouble_by_arrival[arrival]
        + p.trouble_by_neuro[neuro]
        + p.start_by_preschool[previous_years_in_preschool]
        + p.trouble_by_conduct[previous_conduct]
        + p.trouble_by_care[previous_care]
    )
    struggling, supported = p.starts_struggling * trouble, p.starts_with_support * trouble
    adapted = p.adapted_from_start[neuro]
    return (
        1 - adapted,
        (1 - adapted) * struggling,
        (1 - adapted) * supported,
        adapted * (1 + struggling + supported),
    )


@school.hazard("on_track", "struggling", ages=("second_grade", "last_grade"))
def falls_behind(sex, parental_education, neuro, school_ability, behaviour_risk, p):
    """Yearly hazard of falling behind. Per year, assumed."""
    return p.falls_behind * np.exp(
        -p.ability * school_ability
        + p.behaviour * behaviour_risk
        + p.boy * (sex == "boy")
        + p.trouble_by_education[parental_education]
        + p.trouble_by_neuro[neuro]
    )


@school.factor("on_track", "struggling")
def falls_behind_with(arrival, previous_conduct, previous_care, p):
    """Ratio of that hazard by arrival, conduct problems and child welfare. Assumed associations."""
    return np.exp(
        p.trouble_by_arrival[arrival] + p.trouble_by_conduct[previous_conduct] + p.trouble_by_care[previous_care]
    )


@school.hazard("struggling", "on_track", ages=("second_grade", "last_grade"))
def catches_up(parental_education, neuro, school_ability, behaviour_risk, previous_conduct, p):
    """Yearly hazard of catching up without special support. Per year, assumed."""
    return p.catches_up * np.exp(
        p.ability_up * school_ability
        - p.behaviour_up * behaviour_risk
        - p.trouble_by_education[parental_education]
        - p.up_less_by_neuro[neuro]
        - p.up_less_by_conduct[previous_conduct]
    )


@school.hazard("struggling", "special_support", ages=("second_grade", "last_grade"))
def support_begins(age, sex, neuro, behaviour_risk, previous_conduct, previous_care, p):
    """Yearly hazard of an action programme for a pupil who struggles.

    Per year, tuned to action programmes 2023.
    """
    return p.support_by_age[age] * np.exp(
        p.boy_support * (sex == "boy")
        + p.behaviour_support * behaviour_risk
        + p.support_by_neuro[neuro]
        + p.support_by_conduct[previous_conduct]
        + p.support_by_care[previous_care]
    )


@school.hazard("special_support", "struggling", ages=("second_grade", "last_grade"))
def support_ends(neuro, school_ability, p):
    """Yearly hazard that an action programme is closed while the pupil still struggles. Per year, assumed."""
    return p.support_ends * np.exp(p.ability_up * school_ability - p.up_less_by_neuro[neuro])


@school.hazard("special_support", "on_track", ages=("second_grade", "last_grade"))
def support_succeeds(neuro, school_ability, p):
    """Yearly hazard that a pupil with special support comes back on track. Per year, assumed."""
    return p.support_succeeds * np.exp(p.ability_up * school_ability - p.up_less_by_neuro[neuro])


@school.hazard("struggling", "adapted", ages=("second_grade", "last_move_to_adapted"))
@school.hazard("special_support", "adapted", ages=("second_grade", "last_move_to_adapted"))
def moves_to_adapted_school(neuro, p):
    """Yearly hazard of moving to the adapted school.

    Per year; tuned to its pupils, .010 of all (Skolverket 2020), more of them in the higher grades.
    """
    return p.to_adapted_by_neuro[neuro]


def _eligible(
    base, parental_education, arrival, neuro, school_ability, behaviour_risk, previous_conduct, previous_care, p
):
    """Return the two weights: eligible for a national programme, and not."""
    odds = np.exp(
        base
        + p.local_eligibility
        + p.eligible_ability * school_ability
        - p.eligible_behaviour * behaviour_risk
        + p.eligible_by_education[parental_education]
        + p.eligible_by_arrival[arrival]
        + p.eligible_by_neuro[neuro]
        + p.eligible_by_conduct[previous_conduct]
        + p.eligible_by_care[previous_care]
    )
    return (odds, 1)


@school.choice("on_track", ("eligible", "not_eligible"), ages=("grades_at", "grades_at"))
def leaves_on_track(
    parental_education, arrival, neuro, school_ability, behaviour_risk, previous_conduct, previous_care, p
):
    """Weights of eligibility for a pupil on track in grade 9. Assumed; tuned to Skolverket's shares."""
    return _eligible(
        p.eligible_on_track, parental_education, arrival, neuro, school_ability, behaviour_risk,
        previous_conduct, previous_care, p,
    )  # fmt: skip


@school.choice("struggling", ("eligible", "not_eligible"), ages=("grades_at", "grades_at"))
def leaves_struggling(
    parental_education, arrival, neuro, school_ability, behaviour_risk, previous_conduct, previous_care, p
):
    """Weights of eligibility for a pupil who struggles in grade 9. Assumed; tuned to Skolverket's shares."""
    return _eligible(
        p.eligible_struggling, parental_education, arrival, neuro, school_ability, behaviour_risk,
        previous_conduct, previous_care, p,
    )  # fmt: skip


@school.choice("special_support", ("eligible", "not_eligible"), ages=("grades_at", "grades_at"))
def leaves_with_support(
    parental_education, arrival, neuro, school_ability, behaviour_risk, previous_conduct, previous_care, p
):
    """Weights of eligibility for a pupil with special support in grade 9.

    Assumed; tuned to Skolverket's shares.
    """
    return _eligible(
        p.eligible_special_support, parental_education, arrival, neuro, school_ability, behaviour_risk,
        previous_conduct, previous_care, p,
    )  # fmt: skip
