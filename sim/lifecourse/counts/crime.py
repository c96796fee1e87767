"""Suspicions, decisions and sanctions, and offences against victims.

A suspicion in the year is a probability by the state of crime, the higher of the states before and after; one-off
suspects, about a third, count from `inactive`. What follows a suspicion is an expected number per suspect-year.
"""

import numpy as np

from sim.domain import Quantities

quantities = Quantities()


def _suspected(age, sex, crime, p):
    """Return the probability of being suspected in a year."""
    inactive = p.suspected_inactive_by_age[age, sex]
    in_crime = p.suspected_by_crime[crime] * (age >= p.responsible_from)
    return np.where(crime == "inactive", inactive, in_crime)


def _decisions(age, sex, crime, p):
    """Return the expected number of convictions and prosecutors' decisions in a year."""
    return p.decisions_by_crime[crime] * p.decisions_by_age[age, sex] * _suspected(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="suspect-years")
def suspects(age, sex, crime, p):
    """People suspected of an offence in the year, expected. Tuned to 1.69 suspect-years a life (Brå 2022)."""
    return _suspected(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="cases")
def police_cases(age, sex, crime, p):
    """Police cases with a suspect, expected by the state of crime. Assumed."""
    return p.cases_by_crime[crime] * _suspected(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="decisions")
def conviction_decisions(age, sex, crime, p):
    """Convictions, penal orders and waivers (lagföring), expected. Tuned to decisions by age (Brå 2018)."""
    return _decisions(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="cases")
def court_cases(age, sex, crime, p):
    """Criminal cases tried in court, a share of all decisions. Recalled."""
    return p.court_share * _decisions(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="days")
def probation_days(age, sex, crime, p):
    """Days under the probation service, expected by the state of crime, of those old enough for it. Assumed."""
    return p.probation_days_by_crime[crime] * _decisions(age, sex, crime, p) * (age >= p.probation_from)


@quantities.quantity(basis="any_in_year", unit="sanctions")
def youth_service(age, sex, crime, p):
    """Sentences to youth service (ungdomstjänst), a share of decisions by age. Recalled."""
    return p.youth_service_share[age] * _decisions(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="sanctions")
def youth_care_orders(age, sex, crime, p):
    """Sentences to youth care (ungdomsvård), a share of decisions by age. Recalled."""
    return p.youth_care_share[age] * _decisions(age, sex, crime, p)


@quantities.quantity(basis="any_in_year", unit="offences")
def victim_offences(age, sex, crime, p):
    """Offences against a person or household among the police cases with a suspect. Assumed."""
    return p.victims_per_case * p.cases_by_crime[crime] * _suspected(age, sex, crime, p)


@quantities.quantity(basis="days", days=("custody_days_entry", "full_year_days", "custody_days_exit"), unit="days")
def custody_days(crime):
    """Days in prison, remand or closed youth care, by the mean days of the entry, a middle and the exit year."""
    return crime == "custody"


@quantities.quantity(basis="on_date", unit="person-years")
def active_offenders(crime):
    """People active or persistent in crime at the end of the year: a definition."""
    return (crime == "active") | (crime == "persistent")
