"""The Swedish life course, born to dead: content only, one file a domain.

The order of the domains is the order of a year's moves; a rule that reads a later domain says `previous_`, and so does
one that reads an earlier domain, unless a comment names why both happen in one year.
"""

from sim.lifecourse.activity import activity
from sim.lifecourse.assistance import assistance
from sim.lifecourse.care import care
from sim.lifecourse.conduct import conduct
from sim.lifecourse.convictions import convictions
from sim.lifecourse.counters import COUNTERS
from sim.lifecourse.counts import quantities
from sim.lifecourse.crime import crime
from sim.lifecourse.death import death
from sim.lifecourse.disability import disability
from sim.lifecourse.family import family
from sim.lifecourse.family_economy import family_economy
from sim.lifecourse.mental_health import mental_health
from sim.lifecourse.parent_health import parent_health
from sim.lifecourse.preschool import preschool
from sim.lifecourse.residence import residence
from sim.lifecourse.school import school
from sim.lifecourse.substance import substance
from sim.lifecourse.traits import arrival, behaviour_risk, neuro, parental_education, school_ability, sex
from sim.lifecourse.upper_secondary import upper_secondary
from sim.model import Model

MODEL = Model(
    "lifecourse",
    traits=(sex, arrival, parental_education, neuro, school_ability, behaviour_risk),
    domains=(
        family,
        parent_health,
        family_economy,
        preschool,
        conduct,
        mental_health,
        care,
        school,
        upper_secondary,
        substance,
        crime,
        convictions,
        activity,
        assistance,
        disability,
        residence,
    ),
    death=death,
    counters=COUNTERS,
    quantities=quantities,
)
