"""Years with mental illness and harmful use, visits and days in psychiatric care, and children's health care.

Visits and days are known per patient of a year, so that they are counted by the higher of the states before and after.
"""

from sim.domain import Quantities
from sim.tables import isin

quantities = Quantities()


@quantities.quantity(basis="on_date", unit="person-years")
def good_mental_health(mental_health):
    """Person-years without mental illness at the end of the year: a definition."""
    return mental_health == "none"


@quantities.quantity(basis="on_date", unit="person-years")
def mild_mental_illness(mental_health):
    """Person-years with mental illness that primary care sees: a definition."""
    return mental_health == "mild"


@quantities.quantity(basis="on_date", unit="person-years")
def specialist_mental_illness(mental_health):
    """Person-years in specialist psychiatric care at the end of the year: a definition."""
    return mental_health == "specialist"


@quantities.quantity(basis="on_date", unit="person-years")
def inpatient_mental_illness(mental_health):
    """Person-years of those with psychiatric inpatient care: a definition."""
    return mental_health == "inpatient"


@quantities.quantity(basis="any_in_year", unit="person-years")
def psychiatric_care(mental_health):
    """People in specialist or inpatient psychiatric care at some time in the year: a definition."""
    return isin(mental_health, "specialist", "inpatient")


@quantities.quantity(basis="any_in_year", unit="visits")
def primary_care_visits(mental_health, p):
    """Visits to primary care because of mental illness, by state. Assumed."""
    return p.primary_care_visits_by_state[mental_health]


@quantities.quantity(basis="any_in_year", unit="visits")
def child_psychiatry_visits(age, mental_health, p):
    """Outpatient visits in child psychiatry (BUP), by state. Assumed, of the order of its cost a patient."""
    return p.child_visits_by_state[mental_health] * (age < p.adult_psychiatry_from)


@quantities.quantity(basis="any_in_year", unit="visits")
def adult_psychiatry_visits(age, mental_health, p):
    """Outpatient visits in adult psychiatry, by state. Assumed, of the order of its cost a patient."""
    return p.adult_visits_by_state[mental_health] * (age >= p.adult_psychiatry_from)


@quantities.quantity(basis="any_in_year", unit="days")
def child_psychiatry_days(age, mental_health, p):
    """Days of inpatient care in child psychiatry, by state. Recalled order."""
    return p.child_inpatient_days * (mental_health == "inpatient") * (age < p.adult_psychiatry_from)


@quantities.quantity(basis="any_in_year", unit="days")
def adult_psychiatry_days(age, mental_health, p):
    """Days of inpatient care in adult psychiatry, by state. Recalled order."""
    return p.adult_inpatient_days * (mental_health == "inpatient") * (age >= p.adult_psychiatry_from)


@quantities.quantity(basis="on_date", unit="person-years")
def harmful_use(substance):
    """Person-years with harmful use short of dependence: a definition."""
    return substance == "harmful"


@quantities.quantity(basis="on_date", unit="person-years")
def dependence(substance):
    """Person-years with dependence: a definition."""
    return substance == "dependence"


@quantities.quantity(basis="on_date", unit="child-years")
def child_health_years(age, p):
    """Child-years with maternity, child, school-age and dental health care, the same for every child."""
    return age <= p.child_health_to
