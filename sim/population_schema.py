"""The form of a population file: which keys there are, of which type, within which bounds. Layer 6."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sim.schema import Form, PriceChangeForm, Provenance, Share, Text, Year


class BirthsForm(Form):
    """`births_per_year:` of a population."""

    value: Annotated[int, Field(ge=1, le=2**24)]
    unit: str
    year: Year | None = None
    source: Text
    provenance: Provenance


class NormalForm(Form):
    """`normal:` of an attribute: a latent trait that is cut into bins."""

    mean: dict[str, dict[str, float]] = Field(default_factory=dict)
    correlated: dict[str, float] = Field(default_factory=dict)


class AttributeForm(Form):
    """One attribute at birth: by its shares, or as a latent trait."""

    given: Any = None
    shares: Any = None
    normal: NormalForm | None = None
    source: Text
    provenance: Provenance
    note: str | None = None


Columns = Annotated[list[str], Field(min_length=1)]


class MarginForm(Form):
    """One of `margins:`: published shares over some columns of the joint distribution."""

    of: Columns
    shares: Any
    source: Text
    provenance: Provenance
    note: str | None = None


class AssociationForm(Form):
    """One of `associations:`: how two columns go together where no margin says it."""

    of: Annotated[list[str], Field(min_length=2, max_length=2)]
    log_odds: Any
    source: Text
    provenance: Provenance
    note: str | None = None


class JointForm(Form):
    """`joint:` of a population: columns whose joint distribution is known by its margins."""

    columns: Columns
    margins: Annotated[list[MarginForm], Field(min_length=1)]
    associations: list[AssociationForm] = Field(default_factory=list)


class LocalFigureForm(Form):
    """A parameter that has another value in a place."""

    value: Any
    source: Text
    provenance: Provenance


class LocalPriceForm(PriceChangeForm):
    """A price that is another in a place."""

    source: Text
    provenance: Provenance


class LocalForm(Form):
    """`local:` of a population file: what differs from the country in this place."""

    parameters: dict[str, dict[str, LocalFigureForm]] = Field(default_factory=dict)
    """By domain and name."""
    prices: dict[str, LocalPriceForm] = Field(default_factory=dict)


class MovesInForm(Form):
    """One of `moves_in:` of a population: persons who move in, by age."""

    a_year: Any
    fixed: dict[str, str] = Field(default_factory=dict)
    attributes: dict[str, AttributeForm] = Field(default_factory=dict)
    on_arrival: dict[str, AttributeForm] = Field(default_factory=dict)
    source: Text
    provenance: Provenance
    note: str | None = None


class MovesOutForm(Form):
    """`moves_out:` of a population: families that leave, by the child's age."""

    a_year: Any
    to: dict[str, Share]
    source: Text
    provenance: Provenance
    note: str | None = None


class SiblingsForm(Form):
    """`siblings:` of a population."""

    by_order: Annotated[list[Share], Field(min_length=1, max_length=10)]
    years_between: dict[str, Share]
    only_while: dict[str, list[str]] = Field(default_factory=dict)
    source: Text
    provenance: Provenance
    note: str | None = None


class PopulationForm(Form):
    """A population file."""

    title: Text
    births_per_year: BirthsForm
    local: LocalForm = Field(default_factory=LocalForm)
    fifths_of: str | None = None
    joint: JointForm | None = None
    attributes: dict[str, AttributeForm]
    moves_in: dict[str, MovesInForm] = Field(default_factory=dict)
    moves_out: MovesOutForm | None = None
    siblings: SiblingsForm | None = None
