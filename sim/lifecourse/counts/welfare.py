"""Child welfare from the report of concern to aftercare, and economic assistance."""

import numpy as np

from sim.domain import Quantities
from sim.lifecourse.counters import PLACED
from sim.tables import isin

quantities = Quantities()


# reports


def _reports(age, conduct, family_economy, care, p):
    """Return the expected number of reports of concern in a year."""
    ratio = p.reports_by_conduct[conduct] * p.reports_by_economy[family_economy] * p.reports_by_care[care]
    return p.reports_by_age[age] * ratio


@quantities.quantity(basis="on_date", unit="reports")
def reports_of_concern(age, conduct, family_economy, care, p):
    """Reports of concern, the number expected by age and state. Level tuned to 192 per 1 000 (Socialstyrelsen 2021)."""
    return _reports(age, conduct, family_economy, care, p)


@quantities.quantity(basis="on_date", unit="children")
def reported_children(age, conduct, family_economy, care, p):
    """Children with a report of concern in the year: reports come in clusters (.098 of children, 2021)."""
    return 1 - np.exp(-p.reports_apart * _reports(age, conduct, family_economy, care, p))


@quantities.quantity(basis="on_date", unit="cases")
def investigations(age, conduct, family_economy, care, p):
    """Investigations opened after a report (.38 of reports, Socialstyrelsen 2018); those on own request left out."""
    return p.report_to_investigation * _reports(age, conduct, family_economy, care, p)


# care


@quantities.quantity(basis="on_date", unit="person-years")
def open_care(care):
    """Children and young people in open care at the end of the year: a definition."""
    return care == "open"


@quantities.quantity(basis="event", unit="cases")
def open_care_begun(care):
    """Open care begun, from any other state: a definition."""
    return care == "open"


@quantities.quantity(basis="any_in_year", unit="person-years")
def placed(care):
    """Children and young people placed away from home at some time in the year: a definition."""
    return isin(care, *PLACED)


@quantities.quantity(basis="any_in_year", unit="person-years")
def in_family_home(care):
    """Children and young people in a family home at some time in the year: a definition."""
    return isin(care, "foster_early", "foster_teen")


@quantities.quantity(basis="event", unit="placements")
def placements(care):
    """Placements begun; a move between two placements begins none."""
    return isin(care, *PLACED)


@quantities.quantity(basis="event", unit="persons")
def first_placements(ever_placed):
    """Persons placed for the first time in their lives: a definition."""
    return ever_placed


@quantities.quantity(
    basis="days", days=("family_home_days_entry", "full_year_days", "family_home_days_exit"), unit="days"
)
def family_home_days(care):
    """Days in a family home, by the mean days of the entry, a middle and the exit year."""
    return isin(care, "foster_early", "foster_teen")


@quantities.quantity(
    basis="days", days=("family_home_days_entry", "full_year_days", "family_home_days_exit"), unit="days"
)
def consultant_home_days(care, p):
    """Days in a family home that a private consultant supports, a share of all. Recalled."""
    return p.consultant_share * isin(care, "foster_early", "foster_teen")


@quantities.quantity(
    basis="days", days=("residential_days_entry", "full_year_days", "residential_days_exit"), unit="days"
)
def residential_days(care):
    """Days in residential care, by the mean days of the entry, a middle and the exit year."""
    return care == "residential"


@quantities.quantity(basis="days", days=("sis_days_entry", "full_year_days", "sis_days_exit"), unit="days")
def sis_days(care):
    """Days in a state youth home, by the mean days of the entry, a middle and the exit year."""
    return care == "sis"


@quantities.quantity(basis="on_date", unit="person-years")
def aftercare(care):
    """Young people in aftercare at the end of the year: a definition."""
    return care == "aftercare"


# economic assistance


@quantities.quantity(basis="any_in_year", unit="household-years")
def assisted(assistance):
    """Households with economic assistance at some time in the year; each person counts as one household."""
    return assistance != "none"


@quantities.quantity(basis="any_in_year", unit="household-years")
def assisted_long(assistance):
    """Households with long assistance, ten months or more, at some time in the year."""
    return assistance == "long"


@quantities.quantity(basis="any_in_year", unit="months")
def assisted_months(assistance, p):
    """Months of economic assistance, by the mean of short and long recipients (Socialstyrelsen 2020)."""
    return p.assisted_months_by_state[assistance]
