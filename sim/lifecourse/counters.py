"""What a life has held so far, as capped counts updated at the end of each year."""

from sim.domain import Counter
from sim.tables import isin

PLACED = ("foster_early", "foster_teen", "residential")

ever_placed = Counter("ever_placed", cap=1, when=lambda care: isin(care, *PLACED))

# placements begun: a move between two placements begins none
placements_begun = Counter(
    "placements_begun",
    cap=3,
    when=lambda care, previous_care: isin(care, *PLACED) & ~isin(previous_care, *PLACED),
)

ever_higher_education = Counter(
    "ever_higher_education",
    cap=1,
    when=lambda activity, upper_secondary: (activity == "study") & (upper_secondary == "diploma"),
)

ever_assisted = Counter("ever_assisted", cap=1, when=lambda assistance: assistance != "none")
