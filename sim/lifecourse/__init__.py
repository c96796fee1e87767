"""The Swedish life course, born to dead: content only, one file a domain.

The order of the domains is the order of a year's moves; a rule that reads a later domain says `previous_`.
"""

from sim.lifecourse.activity import activity
from sim.lifecourse.assistance import assistance
from sim.lifecourse.care import care
from sim.lifecourse.counters import ever_assisted, ever_higher_education, ever_placed, placements_begun
from sim.lifecourse.death import death
from sim.lifecourse.family_economy import family_economy
from sim.lifecourse.quantities import quantities
from sim.lifecourse.school import school
from sim.lifecourse.traits import behaviour_risk, parental_education, school_ability, sex
from sim.lifecourse.upper_secondary import upper_secondary
from sim.model import Model

MODEL = Model(
    "lifecourse",
    traits=(sex, parental_education, school_ability, behaviour_risk),
    domains=(family_economy, care, school, upper_secondary, activity, assistance),
    death=death,
    counters=(ever_placed, placements_begun, ever_higher_education, ever_assisted),
    quantities=quantities,
)
