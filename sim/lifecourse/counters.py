"""What a life has held so far, as capped counts updated at the end of each year."""

from sim.domain import Counter
from sim.tables import isin

PLACED = ("foster_early", "foster_teen", "residential", "sis")
"""States of care away from home."""

ever_placed = Counter("ever_placed", cap=1, when=lambda care: isin(care, *PLACED))

# placements begun, 2 = two or more: a move between two placements begins none
times_placed = Counter(
    "times_placed",
    cap=2,
    when=lambda care, previous_care: isin(care, *PLACED) & ~isin(previous_care, *PLACED),
)

ever_child_welfare = Counter("ever_child_welfare", cap=1, when=lambda care: care != "none")

# not in the year of a diploma from adult education: that study was not higher education
ever_higher_education = Counter(
    "ever_higher_education",
    cap=1,
    when=lambda activity, upper_secondary, previous_upper_secondary: (
        (activity == "study") & isin(upper_secondary, "diploma", "tertiary") & (previous_upper_secondary != "left")
    ),
)

ever_specialist = Counter(
    "ever_specialist", cap=1, when=lambda mental_health: isin(mental_health, "specialist", "inpatient")
)

ever_convicted = Counter("ever_convicted", cap=1, when=lambda convictions: convictions != "none")

ever_assisted = Counter("ever_assisted", cap=1, when=lambda assistance: assistance != "none")

COUNTERS = (
    ever_placed,
    times_placed,
    ever_child_welfare,
    ever_higher_education,
    ever_specialist,
    ever_convicted,
    ever_assisted,
)
"""All of them, for the model."""
