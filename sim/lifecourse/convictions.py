"""How many times a person has been convicted so far: none, one, two or three, four or more.

A move is a new conviction. The clock tells how long ago the class changed, so that reoffending can be counted.
"""

from sim.domain import Domain

convictions = Domain("convictions", states=("none", "one", "two_three", "four_more"), start="none", clock=3)

# All three read this year's `crime`: an offence and its conviction are counted in one year.


@convictions.hazard("none", "one", ages=("responsible_from", 100))
def first_conviction(age, sex, crime, p):
    """Yearly hazard of a first conviction or prosecutor's decision. Per year; tuned to lagföring by age (Brå 2018)."""
    return p.by_crime[crime] * p.level_by_sex[sex] * p.level_by_age[age]


@convictions.hazard("one", "two_three", ages=("responsible_from", 100))
def second_conviction(age, sex, crime, p):
    """Yearly hazard of a second conviction. Per year; tuned to reoffending within a year (Brå 2016)."""
    return p.by_crime[crime] * p.level_by_sex[sex] * p.level_by_age[age]


@convictions.hazard("two_three", "four_more", ages=("responsible_from", 100))
def fourth_conviction(age, sex, crime, p):
    """Yearly hazard of the step to four or more: half as often as a conviction, since two are needed on average."""
    return p.two_in_one * p.by_crime[crime] * p.level_by_sex[sex] * p.level_by_age[age]
