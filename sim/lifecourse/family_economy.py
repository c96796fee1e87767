"""The economy of the child's household, ages 0 to 18: work, unstable, assistance, long assistance.

The state at birth is drawn in the population file; from 19 on it stands still and nothing reads it. Keyed by family.
"""

import numpy as np

from sim.domain import Domain

family_economy = Domain(
    "family_economy",
    states=("work", "unstable", "assistance", "long_assistance"),
    start="work",
    clock=5,
    keyed="family",
)


@family_economy.hazard("work", "unstable", ages=(1, "childhood_to"))
def income_becomes_unstable(parental_education, previous_family, previous_parent_health, p):
    """Yearly hazard that a household living on work comes to live on short or interrupted jobs.

    Per year, assumed.
    """
    return p.work_to_unstable[parental_education] * np.exp(
        p.unstable_by_family[previous_family] + p.unstable_by_parent_health[previous_parent_health]
    )


@family_economy.hazard("unstable", "work", ages=(1, "childhood_to"))
def income_becomes_stable(parental_education, previous_family, previous_parent_health, p):
    """Yearly hazard that a household with unstable income comes back to work. Per year, assumed."""
    return p.unstable_to_work[parental_education] * np.exp(
        p.stable_by_family[previous_family] + p.stable_by_parent_health[previous_parent_health]
    )


@family_economy.hazard("unstable", "assistance", ages=(1, "childhood_to"))
def household_needs_assistance(parental_education, previous_family, previous_parent_health, p):
    """Yearly hazard that a household with unstable income turns to economic assistance.

    Per year, assumed; 13.9 % of lone mothers were assisted in 2021 (all residents).
    """
    return p.unstable_to_assistance[parental_education] * np.exp(
        p.assistance_by_family[previous_family] + p.assistance_by_parent_health[previous_parent_health]
    )


@family_economy.hazard("assistance", "unstable", ages=(1, "childhood_to"))
def household_leaves_assistance(years_in_family_economy, p):
    """Yearly hazard that a household on assistance for less than ten months a year leaves it.

    Per year, assumed; falling with its length (Mood: 8 % still on in the fifth year).
    """
    return p.assistance_to_unstable * np.exp(-p.leaves_fall * years_in_family_economy)


@family_economy.hazard("assistance", "long_assistance", ages=(1, "childhood_to"))
def assistance_becomes_long(parental_education, previous_parent_health, p):
    """Yearly hazard that the household's assistance reaches ten months in a year. Per year, assumed."""
    return p.assistance_to_long[parental_education] * np.exp(p.long_by_parent_health[previous_parent_health])


@family_economy.hazard("long_assistance", "unstable", ages=(1, "childhood_to"))
def household_leaves_long_assistance(years_in_family_economy, p):
    """Yearly hazard that a household leaves long-term assistance, falling with its length. Per year, assumed."""
    return p.long_to_unstable * np.exp(-p.leaves_fall * years_in_family_economy)
