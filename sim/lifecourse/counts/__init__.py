"""What is counted: person-years, days, events and amounts of money, one file a subject.

Knows no price and no payer: those stand in `scenarios/prices/`. A quantity that is counted `on_date` takes the
state at the end of a year as the state of that year. Expected numbers (reports, visits, suspicions, days of
sickness) are means by state, counted and not drawn: they add no chance to a life.
"""

from sim.domain import Quantities
from sim.lifecourse.counts import crime, disability, education, health, money, residence, welfare, work

SUBJECTS = (
    education.quantities,
    welfare.quantities,
    health.quantities,
    crime.quantities,
    work.quantities,
    disability.quantities,
    residence.quantities,
    money.quantities,
)

quantities = Quantities({name: row for subject in SUBJECTS for name, row in subject.rows.items()})
