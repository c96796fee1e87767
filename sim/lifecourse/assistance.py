"""The person's own economic assistance, 18 to 64: none, short, long (ten months a year or more).

The parents' assistance has no effect here: sibling studies find none, so the two are joined only through
what both cause.
"""

import numpy as np

from sim.domain import Domain

assistance = Domain("assistance", states=("none", "short", "long"), start="none", clock=5)


@assistance.hazard("none", "short", ages=("assistance_from", "assistance_to"))
def assistance_begins(age, previous_activity, upper_secondary, behaviour_risk, previous_ever_placed, p):
    """Yearly hazard of economic assistance.

    Per year; tuned to 3 % of native-born 18 to 24 in a year (Socialstyrelsen).
    """
    # this year's `upper_secondary`: who leaves school without a diploma in June may need assistance in the autumn
    return p.begins_by_age[age] * np.exp(
        p.local_assistance
        + p.by_activity[previous_activity]
        + p.by_education[upper_secondary]
        + p.behaviour * behaviour_risk
        + p.by_placed[previous_ever_placed]
    )


@assistance.factor("none", "short")
def assistance_begins_in_trouble(arrival, previous_substance, previous_crime, p):
    """Ratio of assistance by arrival, use and crime. Links are associations, assumed."""
    return np.exp(p.by_arrival[arrival] + p.by_substance[previous_substance] + p.by_crime[previous_crime])


def _ends(age, rate, p):
    """Return the yearly hazard of an end, at 65 so high that nobody stays: pensions take over."""
    return np.where(age >= p.pension_at, p.at_once, rate)


# Both exits and the lengthening read this year's `activity`, for the first wage or benefit ends the need.
@assistance.hazard("short", "none", ages=("assistance_from", "pension_at"))
def short_assistance_ends(age, activity, years_in_assistance, arrival, p):
    """Yearly hazard that short assistance ends, falling with its length.

    Per year; tuned to 8 % still on in year 5 (Mood).
    """
    rate = p.short_ends * np.exp(
        -p.short_ends_fall * years_in_assistance + p.ends_by_activity[activity] - p.ends_by_arrival[arrival]
    )
    return _ends(age, rate, p)


@assistance.hazard("long", "none", ages=("assistance_from", "pension_at"))
def long_assistance_ends(age, activity, years_in_assistance, arrival, p):
    """Yearly hazard that long assistance ends, falling with its length.

    Per year; tuned to 8 % still on in year 5 (Mood).
    """
    rate = p.long_ends * np.exp(
        -p.long_ends_fall * years_in_assistance + p.ends_by_activity[activity] - p.ends_by_arrival[arrival]
    )
    return _ends(age, rate, p)


@assistance.factor("short", "none")
@assistance.factor("long", "none")
def assistance_ends_in_trouble(age, previous_substance, p):
    """Ratio of an end by use, until pensions take over. Association, assumed."""
    return np.where(age >= p.pension_at, 1, np.exp(p.ends_by_substance[previous_substance]))


@assistance.hazard("short", "long", ages=("assistance_from", "assistance_to"))
def assistance_becomes_long(age, activity, p):
    """Yearly hazard that assistance reaches ten months in a year.

    Per year; tuned to 40 % of recipients (2020).
    """
    return p.short_to_long * np.exp(p.long_by_activity[activity]) + 0 * age


@assistance.hazard("long", "short", ages=("assistance_from", "assistance_to"))
def long_assistance_shortens(age, p):
    """Yearly hazard that long assistance falls below ten months a year. Per year, assumed."""
    return p.long_to_short + 0 * age
