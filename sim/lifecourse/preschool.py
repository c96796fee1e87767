"""Preschool, 1 to 5: none, part (15 hours a week) and full (more than that).

Everyone is `none` again from the preschool class at six. The clock then tells who was at home throughout, so that
the school start can read it.
"""

import numpy as np

from sim.domain import Domain

preschool = Domain("preschool", states=("none", "part", "full"), start="none", clock=2)


@preschool.occasion("none", ("part", "full"), ages=("preschool_from", "preschool_to"))
def enrols(age, parental_education, arrival, previous_family_economy, p):
    """Probabilities that a child at home begins preschool, for 15 hours and for more.

    Tuned to the enrolled by age (SCB 2019); fifteen hours by the household's work (skollagen 8 kap. 5-7 §§).
    """
    odds = (
        p.enrols_by_age[age]
        / (1 - p.enrols_by_age[age])
        * np.exp(
            p.enrols_by_education[parental_education]
            + p.enrols_by_arrival[arrival]
            + p.enrols_by_economy[previous_family_economy]
        )
    )
    part = p.part_odds * np.exp(p.part_by_economy[previous_family_economy])
    enrolled = odds / (1 + odds)
    return (enrolled * part / (1 + part), enrolled / (1 + part))


@preschool.hazard("part", "full", ages=("second_year", "preschool_to"))
def hours_increase(previous_family_economy, p):
    """Yearly hazard that a child in preschool comes to stay more than 15 hours a week. Per year, assumed."""
    return p.part_to_full * np.exp(p.full_by_economy[previous_family_economy])


@preschool.hazard("full", "part", ages=("second_year", "preschool_to"))
def hours_fall(previous_family_economy, p):
    """Yearly hazard that a child's hours fall to 15 a week. Per year, assumed."""
    return p.full_to_part * np.exp(p.part_by_economy[previous_family_economy])


@preschool.occasion("part", "none", ages=("preschool_class_at", "preschool_class_at"))
@preschool.occasion("full", "none", ages=("preschool_class_at", "preschool_class_at"))
def preschool_ends(age):
    """Certain at six, when the preschool class begins (skollagen 7 kap.)."""
    return 1 + 0 * age
