"""Child welfare, 0 to 21: open care, two kinds of family home, residential care, secure units (SiS), aftercare.

A placement in a family home that began before the teens stays `foster_early` as the child grows. `sis` is a secure
unit of the state. Adoption and supported lodgings are not told apart from residential care here.
"""

import numpy as np

from sim.domain import Domain

care = Domain(
    "care",
    states=("none", "open", "foster_early", "foster_teen", "residential", "sis", "aftercare"),
    start="none",
    clock=5,
)

# Into care. What the home weighs and what the child weighs are tables of their own, multiplied.


def _home(previous_family, previous_family_economy, previous_parent_health, p):
    """Return the ratio of a hazard by the home."""
    return np.exp(
        p.by_family[previous_family]
        + p.by_economy[previous_family_economy]
        + p.by_parent_health[previous_parent_health]
    )


def _home_in_teens(previous_family, previous_family_economy, previous_parent_health, p):
    """Return the ratio of a teenager's hazard by the home, which weighs less then."""
    return np.exp(
        p.teen_by_family[previous_family]
        + p.teen_by_economy[previous_family_economy]
        + p.teen_by_parent_health[previous_parent_health]
    )


def _own(previous_conduct, previous_substance, previous_crime, p):
    """Return the ratio of a teenager's hazard by own behaviour."""
    return np.exp(p.teen_by_conduct[previous_conduct] + p.by_substance[previous_substance] + p.by_crime[previous_crime])


@care.hazard("none", "open", ages=(0, "open_to"))
def open_care_begins(age, parental_education, behaviour_risk, neuro, previous_conduct, previous_ever_child_welfare, p):
    """Yearly hazard of a needs-tested measure at home.

    Per year; level tuned to the stock in Socialstyrelsen's count, ever in child welfare to Vinnerljung.
    """
    return p.open_by_age[age] * np.exp(
        p.open_by_education[parental_education]
        + p.behaviour_open * behaviour_risk
        + p.open_by_neuro[neuro]
        + p.open_by_conduct[previous_conduct]
        + p.open_again[previous_ever_child_welfare]
    )


@care.factor("none", "open")
def open_care_by_home(previous_family, previous_family_economy, previous_parent_health, p):
    """Ratio of open care by the home. Associations, but for the parents' health, which the law names."""
    return np.exp(
        p.open_by_family[previous_family]
        + p.open_by_economy[previous_family_economy]
        + p.open_by_parent_health[previous_parent_health]
    )


@care.hazard("none", "foster_early", ages=(0, "early_placement_to"))
def early_placement(age, parental_education, behaviour_risk, previous_conduct, previous_times_placed, p):
    """Yearly hazard of a placement in a family home before the teens.

    Per year; Franzen, Vinnerljung & Hjern 2008.
    """
    return p.foster_early_by_age[age] * np.exp(
        p.local_placement
        + p.by_education[parental_education]
        + p.behaviour_early * behaviour_risk
        + p.by_conduct[previous_conduct]
        + p.again[previous_times_placed]
    )


@care.hazard("open", "foster_early", ages=(0, "early_placement_to"))
def early_placement_from_open_care(age, parental_education, behaviour_risk, previous_times_placed, p):
    """Yearly hazard of a placement in a family home for a child already in open care. Per year, assumed."""
    return (
        p.open_to_foster_ratio
        * p.foster_early_by_age[age]
        * np.exp(
            p.by_education[parental_education]
            + p.behaviour_early * behaviour_risk
            + p.again_from_open[previous_times_placed]
        )
    )


@care.factor("none", "foster_early")
@care.factor("open", "foster_early")
def placement_by_home(previous_family, previous_family_economy, previous_parent_health, p):
    """Ratio of an early placement by the home: who the law places for is a parent who cannot care (LVU 2 §)."""
    return _home(previous_family, previous_family_economy, previous_parent_health, p)


@care.hazard("none", "foster_teen", ages=("teen_placement_from", "placement_to"))
def teen_placement(age, sex, parental_education, behaviour_risk, previous_times_placed, p):
    """Yearly hazard of a placement in a family home in the teens.

    Per year; level by age tuned to placed children.
    """
    return p.foster_teen_by_age[age] * np.exp(
        p.local_placement
        + p.boy_teen * (sex == "boy")
        + p.teen_by_education[parental_education]
        + p.behaviour_teen * behaviour_risk
        + p.again[previous_times_placed]
    )


@care.hazard("open", "foster_teen", ages=("teen_placement_from", "placement_to"))
def teen_placement_from_open_care(age, behaviour_risk, previous_times_placed, p):
    """Yearly hazard of a family home in the teens for one already in open care. Per year, assumed."""
    return p.open_to_foster_teen_by_age[age] * np.exp(
        p.behaviour_from_open * behaviour_risk + p.again_from_open[previous_times_placed]
    )


@care.hazard("none", "residential", ages=("residential_from", "placement_to"))
def residential_placement(age, sex, parental_education, behaviour_risk, previous_times_placed, p):
    """Yearly hazard of a first placement in residential care.

    Per year; level by age tuned to placed children.
    """
    return p.residential_by_age[age] * np.exp(
        p.local_placement
        + p.boy_teen * (sex == "boy")
        + p.teen_by_education[parental_education]
        + p.behaviour_teen * behaviour_risk
        + p.again[previous_times_placed]
    )


@care.hazard("open", "residential", ages=("residential_from", "placement_to"))
def residential_from_open_care(age, behaviour_risk, previous_times_placed, p):
    """Yearly hazard of residential care for one already in open care. Per year, assumed."""
    return p.open_to_residential_by_age[age] * np.exp(
        p.behaviour_from_open * behaviour_risk + p.again_from_open[previous_times_placed]
    )


@care.factor("none", "foster_teen")
@care.factor("none", "residential")
def teen_placement_by_home(previous_family, previous_family_economy, previous_parent_health, p):
    """Ratio of a placement in the teens by the home."""
    return _home_in_teens(previous_family, previous_family_economy, previous_parent_health, p)


@care.factor("none", "foster_teen")
@care.factor("open", "foster_teen")
@care.factor("none", "residential")
@care.factor("open", "residential")
def teen_placement_by_own_behaviour(previous_conduct, previous_substance, previous_crime, p):
    """Ratio of a placement in the teens by own behaviour: the other ground of the law (LVU 3 §)."""
    return _own(previous_conduct, previous_substance, previous_crime, p)


@care.hazard("open", "sis", ages=("sis_from", "placement_to"))
def secure_unit_from_open_care(age, sex, previous_conduct, previous_substance, previous_crime, p):
    """Yearly hazard of a secure unit for one in open care. Per year, assumed."""
    return p.open_to_sis * _secure(age, sex, previous_conduct, previous_substance, previous_crime, p)


@care.hazard("residential", "sis", ages=("sis_from", "placement_to"))
def secure_unit_from_residential_care(age, sex, previous_conduct, previous_substance, previous_crime, p):
    """Yearly hazard of a secure unit for one in residential care.

    Per year; tuned to 1 000 in SiS a year, .57 bed years each (SiS 2023).
    """
    return p.residential_to_sis * _secure(age, sex, previous_conduct, previous_substance, previous_crime, p)


def _secure(age, sex, previous_conduct, previous_substance, previous_crime, p):
    """Return the ratio of a secure unit by age, sex and own behaviour."""
    return p.sis_by_age[age] * np.exp(
        p.boy_sis * (sex == "boy")
        + p.sis_by_conduct[previous_conduct]
        + p.sis_by_substance[previous_substance]
        + p.sis_by_crime[previous_crime]
    )


# Between placements


@care.hazard("foster_early", "residential", ages=("residential_from", "children_leave_to"))
def early_foster_home_breaks_down(age, behaviour_risk, previous_conduct, p):
    """Yearly hazard that an early family home breaks down into residential care. Per year, assumed."""
    return (
        p.breakdown_early * np.exp(p.behaviour_from_open * behaviour_risk + p.breakdown_by_conduct[previous_conduct])
        + 0 * age
    )


@care.hazard("foster_teen", "residential", ages=("residential_from", "children_leave_to"))
def teen_foster_home_breaks_down(age, behaviour_risk, previous_conduct, p):
    """Yearly hazard that a family home in the teens breaks down into residential care. Per year, assumed."""
    return (
        p.breakdown_teen * np.exp(p.behaviour_from_open * behaviour_risk + p.breakdown_by_conduct[previous_conduct])
        + 0 * age
    )


@care.hazard("residential", "foster_teen", ages=("residential_from", "children_leave_to"))
def moves_to_a_family_home(age, p):
    """Yearly hazard that a young person moves from residential care to a family home. Per year, assumed."""
    return p.residential_to_foster + 0 * age


@care.hazard("sis", "residential", ages=("sis_from", "placement_to"))
def leaves_the_secure_unit_for_residential_care(age, p):
    """Yearly hazard of a move from a secure unit to residential care. Per year, tuned to .57 bed years a stay."""
    return p.sis_to_residential + 0 * age


# Out of care. A placement that ends from 17 on is followed by aftercare for many.


def _leaves(age, as_child, as_adult, p):
    """Return the yearly hazard of leaving: as a child, as an adult, and at 21 so high that nobody stays."""
    return np.where(age >= p.leave_at, p.at_once, np.where(age < p.adult_from, as_child, as_adult))


@care.hazard("open", "none", ages=(0, "last_open_year"))
def open_care_ends(age, years_in_care, p):
    """Yearly hazard that open care ends, falling with its length. Per year, assumed."""
    rate = p.open_ends * np.exp(-p.open_ends_fall * years_in_care)
    return _leaves(age, rate, rate, p)


@care.hazard("foster_early", "none", ages=(0, "last_open_year"))
def early_foster_child_leaves(age, years_in_care, p):
    """Yearly hazard that a child placed early goes home, or leaves care as an adult. Per year, assumed."""
    rate = p.foster_early_ends * np.exp(-p.foster_early_ends_fall * years_in_care)
    return _leaves(age, rate, p.early_leaves_as_adult, p)


@care.hazard("foster_teen", "none", ages=("residential_from", "last_open_year"))
def teen_foster_child_leaves(age, years_in_care, p):
    """Yearly hazard that one in a family home since the teens leaves it, as a child or as an adult.

    Per year, assumed.
    """
    rate = p.foster_teen_ends * np.exp(-p.foster_teen_ends_fall * years_in_care)
    return _leaves(age, rate, p.teen_leaves_as_adult, p)


@care.hazard("residential", "none", ages=("residential_from", "last_open_year"))
def leaves_residential_care(age, years_in_care, p):
    """Yearly hazard that residential care ends without another placement. Per year, assumed."""
    rate = p.residential_ends * np.exp(-p.residential_ends_fall * years_in_care)
    return _leaves(age, rate, p.residential_leaves_as_adult, p)


@care.hazard("sis", "none", ages=("sis_from", "last_open_year"))
def leaves_the_secure_unit(age, p):
    """Yearly hazard that a stay in a secure unit ends without another placement. Per year, assumed."""
    return _leaves(age, p.sis_ends, p.sis_ends, p)


@care.hazard("foster_early", "aftercare", ages=("aftercare_from", "placement_to"))
@care.hazard("foster_teen", "aftercare", ages=("aftercare_from", "placement_to"))
@care.hazard("residential", "aftercare", ages=("aftercare_from", "placement_to"))
@care.hazard("sis", "aftercare", ages=("aftercare_from", "placement_to"))
def aftercare_begins(age, p):
    """Yearly hazard that a placement ends in aftercare (SoL 5 kap. 1 §). Per year, assumed."""
    return p.to_aftercare_by_age[age]


@care.hazard("aftercare", "none", ages=("aftercare_from", "last_open_year"))
def aftercare_ends(age, p):
    """Yearly hazard that aftercare ends. Per year, assumed."""
    return _leaves(age, p.aftercare_ends, p.aftercare_ends, p)
