"""Amounts that taxes and benefits are shares of, in kronor of 2020.

Old-age pension is not modelled: the retired earn, receive and pay nothing here. Earnings are not reduced for
sickness absence, since the assessed income that they are tuned to holds the sickness benefit.
"""

import numpy as np

from sim.domain import Quantities

quantities = Quantities()


def _earnings(age, sex, activity, p):
    """Return mean earnings: by age and sex for all at work, spread over classes of earnings, which carry education."""
    at_work = p.earnings_by_age[age, sex] * p.class_ratio[activity] / p.mean_class_ratio[age, sex]
    beside = p.student_earnings_by_age[age] * (activity == "study") + p.inactive_earnings * (activity == "inactive")
    return at_work + beside


def _benefits(age, activity, p):
    """Return taxable benefits."""
    return (
        p.activity_compensation_by_age[age] * (activity == "activity_comp")
        + p.sickness_compensation_year * (activity == "sickness_comp")
        + p.unemployment_benefit_by_age[age] * (activity == "unemployed")
        + p.parental_benefit_by_age[age] * (activity == "parental_leave")
    )


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def earnings(age, sex, activity, p):
    """Gross earnings, by the activity at the end of the year. Level tuned to assessed income 2020 (SCB)."""
    return _earnings(age, sex, activity, p)


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def high_earnings(age, sex, activity, p):
    """Gross earnings of the highest class, which state income tax is a share of."""
    return _earnings(age, sex, activity, p) * (activity == "employed_high")


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def assessed_income(age, sex, activity, p):
    """Earnings and taxable benefits at the ages of SCB's mean of assessed income, 20 to 64."""
    income = _earnings(age, sex, activity, p) + _benefits(age, activity, p)
    return income * ((age >= p.assessed_from) & (age <= p.assessed_to))


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def taxable_income(age, sex, activity, p):
    """Earnings and taxable benefits less the basic allowance: what municipal and regional tax are shares of."""
    income = _earnings(age, sex, activity, p) + _benefits(age, activity, p)
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


# The benefit of the simulated person's own leave, as a parent. That of the person's parents, at birth, is the same
# money a generation earlier and is not counted as well.


@quantities.quantity(basis="on_date", unit="SEK at 2020 prices", price_year=2020)
def parental_benefit(age, activity, p):
    """Parental benefit paid during the person's own leave, by age. Assumed, of about 480 kronor a day."""
    return p.parental_benefit_by_age[age] * (activity == "parental_leave")


@quantities.quantity(basis="on_date", unit="child-years")
def child_allowance_years(age, p):
    """Child-years with child allowance: a definition."""
    return age <= p.child_allowance_to


@quantities.quantity(basis="on_date", unit="births")
def births(age):
    """Children in their first year: for what is paid once a child, such as the parents' benefit in the checks."""
    return age == 0
