"""Where those who were born in the municipality live."""

from sim.domain import Quantities
from sim.tables import isin

quantities = Quantities()


@quantities.quantity(basis="on_date", unit="person-years")
def in_own_municipality(residence):
    """Person-years in the municipality of birth: a definition."""
    return residence == "own"


@quantities.quantity(basis="on_date", unit="person-years")
def in_own_region(residence):
    """Person-years in the region of birth, the own municipality included: a definition."""
    return isin(residence, "own", "region")


@quantities.quantity(basis="on_date", unit="person-years")
def abroad(residence):
    """Person-years abroad: a definition."""
    return residence == "abroad"
