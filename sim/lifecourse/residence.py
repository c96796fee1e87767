"""Where a person lives: the own municipality, the rest of the region, elsewhere in Sweden, abroad.

Moves of those aged 18 and over are their own; families that move with children are left out, so at 17 everyone
still lives in the municipality of birth. Who pays follows this column.
"""

import numpy as np

from sim.domain import Domain
from sim.tables import isin

residence = Domain("residence", states=("own", "region", "elsewhere", "abroad"), start="own")

# This file reads this year's `activity` and `upper_secondary`: who begins to study elsewhere moves that autumn.
# Higher education is study with a diploma (structural); that it moves people is a mechanism.


def _moves(activity, upper_secondary, p):
    """Return the ratio of moving: the links of activity, those of study only with a diploma."""
    pupil = (activity == "study") & ~isin(upper_secondary, "diploma", "tertiary")
    return np.where(pupil, 1, np.exp(p.moves_by_activity[activity]))


@residence.hazard("own", "region", ages=("moves_from", "moves_to"))
def moves_within_the_region(age, sex, p):
    """Yearly hazard of a move to another municipality of the region. Per year, assumed."""
    return p.to_region_by_age[age] * np.exp(p.girl * (sex == "girl"))


@residence.hazard("region", "elsewhere", ages=("moves_from", "moves_to"))
@residence.hazard("own", "elsewhere", ages=("moves_from", "moves_to"))
def moves_elsewhere(age, sex, activity, upper_secondary, parental_education, p):
    """Yearly hazard of a move to another region, high when studies begin. Per year, assumed."""
    return (
        p.elsewhere_by_age[age]
        * np.exp(p.girl * (sex == "girl") + p.moves_by_parents[parental_education])
        * _moves(activity, upper_secondary, p)
    )


@residence.hazard("own", "abroad", ages=("moves_from", "moves_to"))
@residence.hazard("elsewhere", "abroad", ages=("moves_from", "moves_to"))
def moves_abroad(age, parental_education, p):
    """Yearly hazard of leaving the country. Per year, assumed."""
    return p.abroad_by_age[age] * np.exp(p.moves_by_parents[parental_education])


@residence.hazard("region", "own", ages=("moves_from", "returns_to"))
def returns_from_the_region(age, p):
    """Yearly hazard of a return from the region. Per year, assumed."""
    return p.region_returns + 0 * age


@residence.hazard("elsewhere", "own", ages=("moves_from", "returns_to"))
def returns_from_elsewhere(age, activity, upper_secondary, p):
    """Yearly hazard of a return from elsewhere, lower during studies. Per year, assumed."""
    return p.elsewhere_returns_by_age[age] / _moves(activity, upper_secondary, p)


@residence.hazard("elsewhere", "region", ages=("moves_from", "returns_to"))
def returns_nearby(age, p):
    """Yearly hazard of a move from elsewhere to the region. Per year, assumed."""
    return p.elsewhere_to_region + 0 * age


@residence.hazard("abroad", "own", ages=("moves_from", "returns_to"))
def returns_home_from_abroad(age, p):
    """Yearly hazard of a return from abroad to the own municipality. Per year, assumed."""
    return p.abroad_to_own + 0 * age


@residence.hazard("abroad", "elsewhere", ages=("moves_from", "returns_to"))
def returns_to_sweden(age, p):
    """Yearly hazard of a return from abroad to elsewhere in Sweden. Per year, assumed."""
    return p.abroad_to_elsewhere + 0 * age
