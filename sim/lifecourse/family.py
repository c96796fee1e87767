"""With whom the child lives, 0 to 18: both parents, one parent, or a parent and a new partner.

The story of the family, which siblings share: keyed by family, so its rules read what belongs to the family only.
"""

import numpy as np

from sim.domain import Domain

family = Domain("family", states=("couple", "lone", "step"), start="couple", keyed="family")


@family.hazard("couple", "lone", ages=(1, "childhood_to"))
def parents_separate(parental_education, previous_family_economy, previous_parent_health, p):
    """Yearly hazard that the parents separate.

    Per year; 3 % of children a year (SCB 2005), tuned to children living with both parents by age (SCB 2007).
    """
    return p.separates * np.exp(
        p.separates_by_education[parental_education]
        + p.separates_by_economy[previous_family_economy]
        + p.separates_by_parent_health[previous_parent_health]
    )


@family.hazard("lone", "step", ages=(1, "childhood_to"))
def lone_parent_finds_a_partner(parental_education, p):
    """Yearly hazard that a lone parent moves in with a new partner. Per year; 7.9 % a year (derived, 2014)."""
    return p.repartners * np.exp(p.repartners_by_education[parental_education])


@family.hazard("step", "lone", ages=(1, "childhood_to"))
def new_couple_separates(parental_education, p):
    """Yearly hazard that a parent and the new partner part. Per year, tuned to children with a step-parent."""
    return p.step_separates * np.exp(p.separates_by_education[parental_education])
