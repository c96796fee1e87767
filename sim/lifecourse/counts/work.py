"""Work, study, leave, compensation and days of sickness."""

from sim.domain import Quantities
from sim.tables import isin

quantities = Quantities()

JOBLESS = ("inactive", "unemployed", "activity_comp", "sickness_comp")
"""States with earnings of at most a price base amount and no study."""


@quantities.quantity(basis="on_date", unit="person-years")
def employed(activity):
    """People at work at the end of the year, in any class of earnings: a definition."""
    return isin(activity, "employed_low", "employed_middle", "employed_high")


@quantities.quantity(basis="on_date", unit="person-years")
def unemployed(activity):
    """People unemployed at the end of the year: a definition."""
    return activity == "unemployed"


@quantities.quantity(basis="on_date", unit="person-years")
def on_parental_leave(activity):
    """People on parental leave at the end of the year: a definition."""
    return activity == "parental_leave"


@quantities.quantity(basis="on_date", unit="person-years")
def on_activity_compensation(activity):
    """People on activity compensation at the end of the year: a definition."""
    return activity == "activity_comp"


@quantities.quantity(basis="on_date", unit="person-years")
def on_sickness_compensation(activity):
    """People on sickness compensation at the end of the year: a definition."""
    return activity == "sickness_comp"


@quantities.quantity(basis="any_in_year", unit="person-years")
def compensated(activity):
    """People with activity or sickness compensation at some time in the year; sickness benefit is not in it."""
    return isin(activity, "activity_comp", "sickness_comp")


# Two states of one year, and not the basis `whole_year`: that asks for no move at all, and a year that goes from
# unemployed to inactive is a whole year in neither.


@quantities.quantity(basis="on_date", unit="person-years")
def neither_work_nor_study(activity, previous_activity):
    """Whole years in neither work nor study (UVAS): jobless before and after the only move of the year.

    Low earnings are taken to be above a price base amount; parental leave at guarantee level is left out.
    """
    return isin(activity, *JOBLESS) & isin(previous_activity, *JOBLESS)


@quantities.quantity(basis="on_date", unit="days")
def sickness_benefit_days(age, activity, mental_health, p):
    """Net days of sickness benefit after the employer's fourteen, expected. Tuned to 10 days a year (recalled)."""
    days = p.sickness_days_by_mental_health[mental_health] * p.sickness_ratio_by_activity[activity]
    return days * p.sickness_ratio_by_age[age]
