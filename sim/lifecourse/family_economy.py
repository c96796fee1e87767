"""The economy of the child's household, ages 0 to 18: work, unstable, assistance, long assistance.

A column of the child. The state at birth is drawn in the population file; from 19 on it stands still and
nothing reads it.
"""

import numpy as np

from sim.domain import Domain

family_economy = Domain(
    "family_economy", states=("work", "unstable", "assistance", "long_assistance"), start="work", clock=0
)


@family_economy.hazard("work", "unstable", ages=(1, "childhood_to"))
def income_becomes_unstable(parental_education, p):
    """Yearly hazard that a household living on work comes to live on short or interrupted jobs.

    Per year, assumed.
    """
    return p.work_to_unstable[parental_education]


@family_economy.hazard("unstable", "work", ages=(1, "childhood_to"))
def income_becomes_stable(parental_education, p):
    """Yearly hazard that a household with unstable income comes back to work. Per year, assumed."""
    return p.unstable_to_work[parental_education]


@family_economy.hazard("unstable", "assistance", ages=(1, "childhood_to"))
def household_needs_assistance(parental_education, p):
    """Yearly hazard that a household with unstable income turns to economic assistance. Per year, assumed."""
    return p.unstable_to_assistance[parental_education]


@family_economy.hazard("assistance", "unstable", ages=(1, "childhood_to"))
def household_leaves_assistance(age, p):
    """Yearly hazard that a household on assistance for less than ten months a year leaves it.

    Per year, assumed.
    """
    return p.assistance_to_unstable + 0 * age


@family_economy.hazard("assistance", "long_assistance", ages=(1, "childhood_to"))
def assistance_becomes_long(parental_education, p):
    """Yearly hazard that the household's assistance reaches ten months in a year. Per year, assumed."""
    return p.assistance_to_long * np.exp(p.long_log_ratio_compulsory * (parental_education == "compulsory"))


@family_economy.hazard("long_assistance", "unstable", ages=(1, "childhood_to"))
def household_leaves_long_assistance(age, p):
    """Yearly hazard that a household leaves long-term assistance. Per year, assumed."""
    return p.long_to_unstable + 0 * age
