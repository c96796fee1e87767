"""Crime from 12: inactive, active, persistent, custody.

`active` is a year with offences that may come to be known, `persistent` a way of life, `custody` a year that ends
in prison or closed youth care. Suspicions and convictions are counted by these states; most suspects of a year
are one-off and count from `inactive`.
"""

import numpy as np

from sim.domain import Domain

crime = Domain("crime", states=("inactive", "active", "persistent", "custody"), start="inactive")


@crime.hazard("inactive", "active", ages=("debut_from", "debut_to"))
def debut(age, sex, school_ability, behaviour_risk, previous_conduct, p):
    """Yearly hazard that crime begins, or begins again. Per year; level and shape tuned to suspects by age (Brå)."""
    return p.debut_by_age[age] * np.exp(
        p.boy * (sex == "boy")
        - p.ability * school_ability
        + p.behaviour * behaviour_risk
        + p.by_conduct[previous_conduct]
    )


@crime.factor("inactive", "active")
def debut_after_what_went_before(previous_ever_placed, previous_substance, previous_convictions, p):
    """Ratio of beginning by earlier placement, use and convictions. Associations, assumed."""
    return np.exp(
        p.by_placed[previous_ever_placed] + p.by_substance[previous_substance] + p.by_convictions[previous_convictions]
    )


@crime.hazard("active", "persistent", ages=("debut_from", "debut_to"))
def becomes_persistent(age, sex, behaviour_risk, previous_substance, p):
    """Yearly hazard that crime becomes a way of life.

    Per year; tuned to reoffending with many priors (Brå) and strategic offences.
    """
    return p.persistent_by_age[age] * np.exp(
        p.boy_persistent * (sex == "boy") + p.behaviour * behaviour_risk + p.by_substance[previous_substance]
    )


def _desists(previous_activity, previous_substance, p):
    """Return the ratio of desistance by work and use."""
    return np.exp(p.desists_by_activity[previous_activity] + p.desists_by_substance[previous_substance])


@crime.hazard("active", "inactive", ages=("debut_from", 100))
def desists(age, previous_activity, previous_substance, p):
    """Yearly hazard that crime ends. Per year; tuned to suspects by age and to reoffending within a year (Brå)."""
    return p.desists_by_age[age] * _desists(previous_activity, previous_substance, p)


@crime.hazard("persistent", "active", ages=("debut_from", 100))
def slows_down(age, previous_activity, previous_substance, p):
    """Yearly hazard that a persistent offender slows down. Per year, assumed."""
    return p.slows_down * _desists(previous_activity, previous_substance, p) + 0 * age


@crime.hazard("persistent", "inactive", ages=("debut_from", 100))
def gives_up_crime(age, previous_activity, previous_substance, p):
    """Yearly hazard that a persistent offender gives crime up. Per year, assumed."""
    return p.gives_up_by_age[age] * _desists(previous_activity, previous_substance, p)


@crime.hazard("active", "custody", ages=("custody_from", "debut_to"))
def active_to_custody(age, sex, p):
    """Yearly hazard that one active in crime is taken into prison or closed youth care. Per year, assumed."""
    return p.active_to_custody_by_age[age] * np.exp(p.boy_custody * (sex == "boy"))


@crime.hazard("persistent", "custody", ages=("custody_from", "debut_to"))
def persistent_to_custody(age, sex, p):
    """Yearly hazard that a persistent offender is taken into prison or closed youth care.

    Per year; tuned to the number of prisoners (Kriminalvården, recalled).
    """
    return p.persistent_to_custody_by_age[age] * np.exp(p.boy_custody * (sex == "boy"))


@crime.hazard("custody", "persistent", ages=("custody_from", 100))
def released_to_persistent_crime(age, p):
    """Yearly hazard of release into persistent crime. Per year; 44 % reoffend within a year of prison (Brå)."""
    return p.release_to_persistent + 0 * age


@crime.hazard("custody", "active", ages=("custody_from", 100))
def released_to_some_crime(age, p):
    """Yearly hazard of release into some crime. Per year, assumed."""
    return p.release_to_active + 0 * age


@crime.hazard("custody", "inactive", ages=("custody_from", 100))
def released_and_desists(age, p):
    """Yearly hazard of release without further crime. Per year, assumed; more often at higher ages."""
    return p.release_to_inactive_by_age[age]
