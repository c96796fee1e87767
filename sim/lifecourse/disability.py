"""Services for disabled people (LSS): the highest one that a person has.

They follow neurodevelopmental disability and age only; no other domain and no programme moves them. Who lives in a
group home mostly has daily activity too, and personal assistance is left out.
"""

from sim.domain import Domain

disability = Domain("disability", states=("none", "child_support", "daily_activity", "group_home"), start="none")


@disability.hazard("none", "child_support", ages=("child_support_from", "child_support_to"))
def child_support_begins(age, neuro, p):
    """Yearly hazard of a child's service: relief, short stays or a contact person. Per year; tuned to the stock."""
    return p.child_support_begins[neuro] + 0 * age


@disability.hazard("child_support", "none", ages=("child_support_from", 100))
def child_support_ends(age, neuro, p):
    """Yearly hazard that a child's service ends, higher once school is over. Per year, assumed."""
    return p.child_support_ends_by_age[age, neuro]


@disability.hazard("child_support", "daily_activity", ages=("daily_activity_from", "daily_activity_to"))
@disability.hazard("none", "daily_activity", ages=("daily_activity_from", "daily_activity_to"))
def daily_activity_begins(age, neuro, p):
    """Yearly hazard of daily activity (daglig verksamhet), mostly when adapted school ends.

    Per year; tuned to the stock.
    """
    return p.daily_activity_by_age[age, neuro]


@disability.hazard("daily_activity", "none", ages=("daily_activity_from", 100))
def daily_activity_ends(age, p):
    """Yearly hazard that daily activity ends, at the guideline age for pensions for everyone. Per year, assumed."""
    return p.daily_activity_ends_by_age[age]


@disability.hazard("daily_activity", "group_home", ages=("group_home_from", "group_home_to"))
@disability.hazard("child_support", "group_home", ages=("group_home_from", "group_home_to"))
@disability.hazard("none", "group_home", ages=("group_home_from", "group_home_to"))
def group_home_begins(age, neuro, p):
    """Yearly hazard of a home with special service. Per year; tuned to the stock."""
    return p.group_home_by_age[age, neuro]
