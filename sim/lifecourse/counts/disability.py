"""Services under the act on support for persons with disabilities (LSS)."""

from sim.domain import Quantities
from sim.tables import isin

quantities = Quantities()


@quantities.quantity(basis="on_date", unit="person-years")
def disability_child_support(disability):
    """Children with support and relief at home at the end of the year: a definition."""
    return disability == "child_support"


@quantities.quantity(basis="on_date", unit="person-years")
def daily_activity(age, disability, p):
    """People in daily activity at the end of the year; those in a group home go there too until they retire."""
    return isin(disability, "daily_activity", "group_home") & (age <= p.daily_activity_to)


@quantities.quantity(basis="on_date", unit="person-years")
def group_home(disability):
    """People in a group home at the end of the year: a definition."""
    return disability == "group_home"
