"""Death by age and sex: a childhood table, then Gompertz–Makeham, fitted to the life table of 2024.

Education from 30, the latent traits, placement, dependence and inpatient psychiatric care multiply it; a table by age
and sex of the mean of these ratios among the living divides by them, so that the life table holds.
"""

import numpy as np

from sim.domain import Death

death = Death()


@death.hazard(ages=(0, 100))
def mortality(age, sex, previous_upper_secondary, school_ability, behaviour_risk, p):
    """Yearly hazard of death in the year the age is reached.

    Per year; A + B·exp(b·age) from 15 (SCB life table 2024), by education from 30 (SCB 2018).

    The year of birth holds half a year of exposure on average, so its hazard is the part of infant deaths
    in that year.
    """
    gompertz = p.constant[sex] + p.level[sex] * np.exp(p.slope[sex] * age)
    education = np.where(
        sex == "girl", p.by_education_women[previous_upper_secondary], p.by_education_men[previous_upper_secondary]
    )
    traits = p.behaviour * behaviour_risk - p.ability * school_ability
    ratio = np.exp((age >= p.adult_from) * traits + (age >= p.education_from) * education)
    return np.where(age < p.adult_from, p.childhood_by_age[age, sex], gompertz) * ratio / p.mean_ratio[age, sex]


@death.domain.factor("alive", "dead")
def mortality_in_trouble(previous_care, previous_substance, previous_mental_health, p):
    """Ratio of death by placement, use and psychiatric care. Links are associations."""
    return np.exp(
        p.by_care[previous_care] + p.by_substance[previous_substance] + p.by_mental_health[previous_mental_health]
    )
