"""What is counted.

Person-years, days, events and amounts of money, each a rule over the columns of one year.

Knows no price and no payer: those stand in `scenarios/prices/`. Amounts of money here are flows that prices
and taxes are shares of, in kronor of a stated year.
"""

import numpy as np

from sim.domain import Quantities
from sim.tables import isin

quantities = Quantities()


# school


@quantities.quantity(basis="on_date", unit="child-years")
def preschool_places(age, p):
    """Places in preschool, by the share enrolled in October at the age reached in the year (SCB 2019)."""
    return p.preschool_share[age]


@quantities.quantity(basis="on_date", unit="child-years")
def preschool_class_places(age, p):
    """Places in the preschool class at six (Skolverket 2021)."""
    return p.preschool_class_share[age]


@quantities.quantity(basis="on_date", unit="pupil-years")
def compulsory_pupils(school):
    """Pupils in grades 1 to 9 in the autumn."""
    return isin(school, "on_track", "struggling", "special_support")


@quantities.quantity(basis="on_date", unit="pupil-years")
def special_support(school):
    """Pupils with an action programme in the autumn, over and above their place."""
    return school == "special_support"


@quantities.quantity(basis="event", unit="pupils")
def eligible_at_16(school):
    """Pupils who become eligible for a national programme."""
    return school == "eligible"


@quantities.quantity(basis="event", unit="pupils")
def not_eligible_at_16(school):
    """Pupils who leave grade 9 without eligibility."""
    return school == "not_eligible"


@quantities.quantity(basis="on_date", unit="pupil-years")
def academic_pupils(upper_secondary):
    """Pupils on academic programmes in the autumn."""
    return upper_secondary == "academic"


@quantities.quantity(basis="on_date", unit="pupil-years")
def vocational_pupils(upper_secondary):
    """Pupils on vocational programmes in the autumn."""
    return upper_secondary == "vocational"


@quantities.quantity(basis="on_date", unit="pupil-years")
def introductory_pupils(upper_secondary):
    """Pupils on introductory programmes in the autumn."""
    return upper_secondary == "introductory"


@quantities.quantity(basis="event", unit="diplomas")
def diplomas(upper_secondary):
    """Upper secondary diplomas, at school or in adult education."""
    return upper_secondary == "diploma"


@quantities.quantity(basis="any_in_year", unit="person-years")
def activity_responsibility(upper_secondary):
    """Young people under the municipality's activity responsibility (KAA) at some time in the year."""
    return upper_secondary == "kaa"


@quantities.quantity(basis="on_date", unit="student-years")
def adult_students(activity, upper_secondary):
    """Students in municipal adult education: those who study after leaving school without a diploma."""
    return (activity == "study") & (upper_secondary == "left")


@quantities.quantity(basis="on_date", unit="student-years")
def higher_students(activity, upper_secondary):
    """Students in higher education: those who study with a diploma."""
    return (activity == "study") & (upper_secondary == "diploma")


# child welfare


@quantities.quantity(basis="on_date", unit="person-years")
def open_care(care):
    """Children and young people in open care at the end of the year."""
    return care == "open"


@quantities.quantity(basis="event", unit="cases")
def open_care_begun(care):
    """Open care begun, from any other state."""
    return care == "open"


@quantities.quantity(basis="any_in_year", unit="person-years")
def placed(care):
    """Children and young people placed away from home at some time in the year."""
    return isin(care, "foster_early", "foster_teen", "residential")


@quantities.quantity(basis="any_in_year", unit="person-years")
def in_family_home(care):
    """Children and young people in a family home at some time in the year."""
    return isin(care, "foster_early", "foster_teen")


@quantities.quantity(basis="event", unit="placements")
def placements(care):
    """Placements begun; a move between two placements begins none."""
    return isin(care, "foster_early", "foster_teen", "residential")


@quantities.quantity(
    basis="days", days=("family_home_days_entry", "full_year_days", "family_home_days_exit"), unit="days"
)
def family_home_days(care):
    """Days in a family home, by the mean days of the entry, a middle and the exit year."""
    return isin(care, "foster_early", "foster_teen")


@quantities.quantity(
    basis="days", days=("residential_days_entry", "full_year_days", "residential_days_exit"), unit="days"
)
def residential_days(care):
    """Days in residential care, by the mean days of the entry, a middle and the exit year."""
    return care == "residential"


# work and support


@quantities.quantity(basis="on_date", unit="person-years")
def employed(activity):
    """People at work at the end of the year."""
    return activity == "employed"


@quantities.quantity(basis="on_date", unit="person-years")
def unemployed(activity):
    """People unemployed at the end of the year."""
    return activity == "unemployed"


@quantities.quantity(basis="on_date", unit="person-years")
def on_activity_compensation(activity):
    """People on activity compensation at the end of the year."""
    return activity == "activity_comp"


@quantities.quantity(basis="on_date", unit="person-years")
def on_sickness_compensation(activity):
    """People on sickness compensation at the end of the year."""
    return activity == "sickness_comp"


@quantities.quantity(basis="whole_year", unit="person-years")
def neither_work_nor_study(activity):
    """Whole calendar years in neither work nor study (UVAS)."""
    return isin(activity, "inactive", "unemployed", "activity_comp", "sickness_comp")


@quantities.quantity(basis="any_in_year", unit="household-years")
def assisted(assistance):
    """Households with economic assistance at some time in the year; each person counts as one household."""
    return assistance != "none"


# money


def _earnings(age, sex, activity, upper_secondary, ever_higher_education, p):
    """Return mean earnings in kronor of 2020, zero outside work and study."""
    education = (
        1
        + p.premium_higher * ever_higher_education * (age >= p.premium_from)
        - p.penalty_no_diploma * (upper_secondary != "diploma")
    )
    return (
        p.earnings_by_age[age, sex] * education * (activity == "employed")
        + p.student_earnings_by_age[age] * (activity == "study")
        + p.inactive_earnings * (activity == "inactive")
    )


def _benefits(age, activity, p):
    """Return taxable benefits in kronor of 2020."""
    return (
        p.activity_compensation_by_age[age] * (activity == "activity_comp")
        + p.sickness_compensation_year * (activity == "sickness_comp")
        + p.unemployment_benefit_by_age[age] * (activity == "unemployed")
    )


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def earnings(age, sex, activity, upper_secondary, ever_higher_education, p):
    """Gross earnings, by the activity at the end of the year. Level tuned to assessed income 2020 (SCB)."""
    return _earnings(age, sex, activity, upper_secondary, ever_higher_education, p)


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def assessed_income(age, sex, activity, upper_secondary, ever_higher_education, p):
    """Earnings and taxable benefits up to 64, the ages of SCB's mean of assessed income."""
    income = _earnings(age, sex, activity, upper_secondary, ever_higher_education, p) + _benefits(age, activity, p)
    return income * ((age >= p.assessed_from) & (age <= p.assessed_to))


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def taxable_income(age, sex, activity, upper_secondary, ever_higher_education, p):
    """Earnings and taxable benefits less the basic allowance.

    What municipal and regional tax are shares of.
    """
    income = _earnings(age, sex, activity, upper_secondary, ever_higher_education, p) + _benefits(age, activity, p)
    return np.maximum(income - p.basic_allowance, 0)


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def activity_compensation(age, activity, p):
    """Activity compensation paid, at the guarantee level (2.23 to 2.48 price base amounts)."""
    return p.activity_compensation_by_age[age] * (activity == "activity_comp")


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def sickness_compensation(activity, p):
    """Sickness compensation paid. Recalled mean."""
    return p.sickness_compensation_year * (activity == "sickness_comp")


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def unemployment_benefit(age, activity, p):
    """Unemployment benefit or programme support paid, averaged over those who get none. Assumed."""
    return p.unemployment_benefit_by_age[age] * (activity == "unemployed")
