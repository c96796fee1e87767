"""Child welfare, 0 to 21: open care, family home (entered before the teens, or in them), residential care.

A placement in a family home that began before the teens stays `foster_early` as the child grows. Adoption,
secure units (SiS) and supported lodgings are not told apart from residential care here.
"""

import numpy as np

from sim.domain import Domain

care = Domain("care", states=("none", "open", "foster_early", "foster_teen", "residential"), start="none", clock=5)


def _risk(parental_education, family_economy, behaviour_risk, ever_placed, p):
    """Return the ratio of a young child's hazard to that of one of tertiary parents in work, never placed."""
    return np.exp(
        p.log_ratio_by_education[parental_education]
        + p.log_ratio_by_economy[family_economy]
        + p.behaviour_early * behaviour_risk
        + p.placed_before * ever_placed
    )


def _teen_risk(sex, parental_education, family_economy, behaviour_risk, ever_placed, p):
    """Return the ratio of a teenager's hazard: the home weighs less, own behaviour more."""
    home = p.log_ratio_by_education[parental_education] + p.log_ratio_by_economy[family_economy]
    return np.exp(
        p.home_weight_in_teens * home
        + p.behaviour_teen * behaviour_risk
        + p.boy_teen * (sex == "boy")
        + p.placed_before * ever_placed
    )


@care.hazard("none", "open", ages=(0, "open_to"))
def open_care_begins(age, parental_education, previous_family_economy, behaviour_risk, p):
    """Yearly hazard of a needs-tested measure at home.

    Per year; level tuned to the stock in Socialstyrelsen's count.
    """
    return p.open_by_age[age] * np.exp(
        p.home_weight_open
        * (p.log_ratio_by_education[parental_education] + p.log_ratio_by_economy[previous_family_economy])
        + p.behaviour_open * behaviour_risk
    )


@care.hazard("none", "foster_early", ages=(0, "early_placement_to"))
def early_placement(age, parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p):
    """Yearly hazard of a placement in a family home before the teens.

    Per year; Franzen, Vinnerljung & Hjern 2008.
    """
    return p.foster_early_by_age[age] * _risk(
        parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p
    )


@care.hazard("open", "foster_early", ages=(0, "early_placement_to"))
def early_placement_from_open_care(
    age, parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p
):
    """Yearly hazard of a placement in a family home for a child already in open care. Per year, assumed."""
    return (
        p.open_to_foster_ratio
        * p.foster_early_by_age[age]
        * _risk(parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p)
        ** p.home_weight_from_open
    )


@care.hazard("none", "foster_teen", ages=("teen_placement_from", "placement_to"))
def teen_placement(age, sex, parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p):
    """Yearly hazard of a placement in a family home in the teens.

    Per year; level by age tuned to placed children.
    """
    return p.foster_teen_by_age[age] * _teen_risk(
        sex, parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p
    )


@care.hazard("open", "foster_teen", ages=("teen_placement_from", "placement_to"))
def teen_placement_from_open_care(age, behaviour_risk, previous_ever_placed, p):
    """Yearly hazard of a family home in the teens for one already in open care. Per year, assumed."""
    return p.open_to_foster_teen_by_age[age] * np.exp(
        p.behaviour_from_open * behaviour_risk + p.placed_before_open * previous_ever_placed
    )


@care.hazard("none", "residential", ages=("residential_from", "placement_to"))
def residential_placement(
    age, sex, parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p
):
    """Yearly hazard of a first placement in residential care.

    Per year; level by age tuned to placed children.
    """
    return p.residential_by_age[age] * _teen_risk(
        sex, parental_education, previous_family_economy, behaviour_risk, previous_ever_placed, p
    )


@care.hazard("open", "residential", ages=("residential_from", "placement_to"))
def residential_from_open_care(age, behaviour_risk, previous_ever_placed, p):
    """Yearly hazard of residential care for one already in open care. Per year, assumed."""
    return p.open_to_residential_by_age[age] * np.exp(
        p.behaviour_from_open * behaviour_risk + p.placed_before_open * previous_ever_placed
    )


@care.hazard("foster_early", "residential", ages=("residential_from", "children_leave_to"))
def early_foster_home_breaks_down(age, behaviour_risk, p):
    """Yearly hazard that an early family home breaks down into residential care. Per year, assumed."""
    return p.breakdown_early * np.exp(p.behaviour_from_open * behaviour_risk) + 0 * age


@care.hazard("foster_teen", "residential", ages=("residential_from", "children_leave_to"))
def teen_foster_home_breaks_down(age, behaviour_risk, p):
    """Yearly hazard that a family home in the teens breaks down into residential care. Per year, assumed."""
    return p.breakdown_teen * np.exp(p.behaviour_from_open * behaviour_risk) + 0 * age


@care.hazard("residential", "foster_teen", ages=("residential_from", "children_leave_to"))
def moves_to_a_family_home(age, p):
    """Yearly hazard that a young person moves from residential care to a family home. Per year, assumed."""
    return p.residential_to_foster + 0 * age


def _leaves(age, as_child, as_adult, p):
    """Return the yearly hazard of leaving: as a child, as an adult, and at 21 so high that nobody stays."""
    return np.where(age >= p.leave_at, p.at_once, np.where(age < p.adult_from, as_child, as_adult))


@care.hazard("open", "none", ages=(0, 100))
def open_care_ends(age, years_in_care, p):
    """Yearly hazard that open care ends, falling with its length. Per year, assumed."""
    rate = p.open_ends * np.exp(-p.open_ends_fall * years_in_care)
    return _leaves(age, rate, rate, p)


@care.hazard("foster_early", "none", ages=(0, 100))
def early_foster_child_leaves(age, years_in_care, p):
    """Yearly hazard that a child placed early goes home, or leaves care as an adult. Per year, assumed."""
    rate = p.foster_early_ends * np.exp(-p.foster_early_ends_fall * years_in_care)
    return _leaves(age, rate, p.early_leaves_as_adult, p)


@care.hazard("foster_teen", "none", ages=("residential_from", 100))
def teen_foster_child_leaves(age, years_in_care, p):
    """Yearly hazard that one in a family home since the teens leaves it, as a child or as an adult.

    Per year, assumed.
    """
    rate = p.foster_teen_ends * np.exp(-p.foster_teen_ends_fall * years_in_care)
    return _leaves(age, rate, p.teen_leaves_as_adult, p)


@care.hazard("residential", "none", ages=("residential_from", 100))
def leaves_residential_care(age, years_in_care, p):
    """Yearly hazard that residential care ends without another placement. Per year, assumed."""
    rate = p.residential_ends * np.exp(-p.residential_ends_fall * years_in_care)
    return _leaves(age, rate, p.residential_leaves_as_adult, p)
