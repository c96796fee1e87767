"""Death by age and sex: a childhood table, then Gompertz–Makeham, fitted to the life table of 2024."""

import numpy as np

from sim.domain import Death
from sim.tables import isin

death = Death()


@death.hazard(ages=(0, 100))
def mortality(age, sex, previous_care, p):
    """Yearly hazard of death in the year the age is reached.

    Per year; A + B·exp(b·age) from 15 (SCB life table 2024).

    The year of birth holds half a year of exposure on average, so its hazard is the part of infant deaths
    in that year.
    """
    adult = p.constant[sex] + p.level[sex] * np.exp(p.slope[sex] * age)
    placed = isin(previous_care, "foster_early", "foster_teen", "residential")
    return np.where(age < p.adult_from, p.childhood_by_age[age, sex], adult) * np.exp(p.log_ratio_placed * placed)
