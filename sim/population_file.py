"""A population from its file: shares, margins that are raked, latent traits that are cut into bins. Layer 6."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.at_birth import joint_at_birth
from sim.errors import ScenarioError, nearest
from sim.families import own_reads
from sim.form_check import Checked, Findings, shown
from sim.labelled import adding_to_one, as_nested, read_labelled, share
from sim.latent import Cuts, Normal, bin_shares, cuts_of
from sim.model import Model
from sim.people import Attribute, Population
from sim.population_schema import AssociationForm, AttributeForm, JointForm, MarginForm, PopulationForm
from sim.raking import ContradictionError, FloatArray, PublishedMargin, in_turn, rake
from sim.source import KeyPath
from sim.tables import MAX_CELLS

MOST_LOG_ODDS = 20.0


@dataclass
class PopulationFile:
    """A population file as it is read: attributes in the order in which they are drawn."""

    file: Checked
    model: Model
    found: Findings
    reference: Mapping[str, Cuts] | None = None
    """Cuts of another population's latent traits, where the file takes its fifths from there."""
    attributes: list[Attribute] = field(default_factory=list)
    cuts: dict[str, Cuts] = field(default_factory=dict)
    """Where each latent trait is cut."""
    wrong: bool = False
    """Whether some attribute could not be read, so that those given it cannot be worked out."""

    def read(self, name: str) -> Population:
        """Return the population; every mistake is noted at its place."""
        form: PopulationForm = self.file.form
        if form.joint is not None:
            before = len(self.found.problems)
            self.joint(form.joint)
            if len(self.found.problems) > before:
                known = [one.name for one in self.attributes]
                places = [Attribute(c, {}) for c in form.joint.columns if c in self.drawable and c not in known]
                self.attributes += places
                self.wrong = True
        for key, one in form.attributes.items():
            self.attribute(key, one)
        drawn = {one.name for one in self.attributes}
        for trait in self.model.traits:
            if trait.name not in drawn:
                sentence = f"the population does not say how the trait '{trait.name}' is distributed"
                self.found.note(self.file, ("attributes",), sentence, at_key=True)
        return Population(name, tuple(self.attributes), form.births_per_year.value)

    @property
    def drawable(self) -> list[str]:
        """What a population may say of the newborn: traits, and states at birth."""
        return [trait.name for trait in self.model.traits] + [domain.name for domain in self.model.domains]

    def attribute(self, key: str, form: AttributeForm) -> None:
        """Read one attribute, given by its shares or as a latent trait."""
        path: KeyPath = ("attributes", key)
        before = len(self.found.problems)
        earlier = [one.name for one in self.attributes]
        if key not in self.drawable:
            sentence = f"no trait or domain {key!r} in model '{self.model.name}'"
            self.found.note(self.file, path, sentence, nearest(key, self.drawable), at_key=True)
            return
        if key in earlier:
            self.found.note(self.file, path, f"'{key}' stands in the joint distribution already", at_key=True)
            return
        stated = (form.given,) if isinstance(form.given, str) else tuple(form.given or ())
        normal = self.normal(path, form, stated) if form.normal else None
        given = normal.given if normal else stated
        for one in given:
            if one not in earlier:
                sentence = f"'{key}' is given {one!r}, which is not drawn before it"
                place = self.place_of_given(path, form, one)
                self.found.note(self.file, place, sentence, nearest(one, earlier), at_key=bool(normal))
        if key in self.model.family_columns:
            for one in own_reads(given, self.model.family_columns):
                sentence = f"'{key}' is keyed by family and given '{one}', which is the child's own"
                self.found.note(self.file, self.place_of_given(path, form, one), sentence)
        if (form.shares is None) == (form.normal is None):
            both = "and not both" if form.normal else "and has neither"
            self.found.note(self.file, path, f"'{key}' needs either `shares` or `normal`, {both}", at_key=True)
        note = {"source": form.source, "provenance": form.provenance}
        made = Attribute(key, form.shares, given, note)
        if len(self.found.problems) == before and not self.wrong:
            with self.found.at(self.file, (*path, "normal" if normal else "shares")):
                if normal:
                    made = Attribute(key, self.binned(key, normal), given, note)
                made.table(self.model.columns)
        self.wrong = self.wrong or len(self.found.problems) > before
        self.attributes.append(made)

    def place_of_given(self, path: KeyPath, form: AttributeForm, name: str) -> KeyPath:
        """Return where a file says that an attribute is given another column."""
        if form.normal is None:
            return (*path, "given")
        return (*path, "normal", "mean" if name in form.normal.mean else "correlated", name)

    def normal(self, path: KeyPath, form: AttributeForm, stated: tuple[str, ...]) -> Normal:
        """Return a latent trait; note a `given` that says something else than the trait itself."""
        assert form.normal is not None
        normal = Normal(form.normal.mean, form.normal.correlated)
        if stated and set(stated) != set(normal.given):
            sentence = (
                f"`given` names {', '.join(stated)}, and `normal` depends on {', '.join(normal.given) or 'nothing'}"
            )
            self.found.note(self.file, (*path, "given"), sentence, "leave `given` out")
        return normal

    def binned(self, key: str, normal: Normal) -> dict[str, Any]:
        """Return the shares of a latent trait's bins, nested by what it is given; raises ScenarioError."""
        column = self.model.columns[key]
        if column.values is None:
            raise ScenarioError(f"'{key}' is no trait in bins: it needs `shares`")
        columns = [self.model.columns[name] for name in normal.given]
        if self.reference is None:
            weights = joint_at_birth(self.attributes, self.model.columns, normal.given)
            self.cuts[key] = cuts_of(normal, column.size, columns, weights)
        elif key in self.reference:
            self.cuts[key] = self.reference[key]
        else:
            raise ScenarioError(f"'{key}' is no latent trait in the population '{self.file.form.fifths_of}'")
        return as_nested(bin_shares(normal, self.cuts[key], columns), [*columns, column])

    def joint(self, form: JointForm) -> None:
        """Rake the joint distribution, and append its columns as attributes that are drawn in turn."""
        if not self.joint_columns(form):
            return
        margins = [self.margin(place, one, form) for place, one in enumerate(form.margins)]
        said = {name for one in form.margins for name in one.of}
        for place, name in enumerate(form.columns):
            if name not in said:
                self.found.note(self.file, ("joint", "columns", place), f"no margin says how '{name}' is distributed")
        known = [one for one in margins if one is not None]
        start = self.start(form)
        if len(known) < len(margins) or start is None or not said >= set(form.columns):
            return
        try:
            table = rake(start, known)
        except ContradictionError as error:
            with self.found.at(self.file, ("joint", "margins", error.margin, "shares")):
                raise
            return
        columns = [self.model.columns[name] for name in form.columns]
        note = {"source": "; ".join(one.source for one in form.margins), "provenance": "derived"}
        for place, shares in enumerate(in_turn(table)):
            nested = as_nested(shares, columns[: place + 1])
            self.attributes.append(Attribute(form.columns[place], nested, tuple(form.columns[:place]), note))

    def joint_columns(self, form: JointForm) -> bool:
        """Note columns that cannot stand in a joint distribution; return whether all can."""
        before = len(self.found.problems)
        shared = self.model.family_columns
        for place, name in enumerate(form.columns):
            path: KeyPath = ("joint", "columns", place)
            if name not in self.drawable:
                sentence = f"no trait or domain {name!r} in model '{self.model.name}'"
                self.found.note(self.file, path, sentence, nearest(name, self.drawable))
            elif name in form.columns[:place]:
                self.found.note(self.file, path, f"'{name}' stands twice")
            elif name in shared and (own := own_reads(form.columns[:place], shared)):
                sentence = f"'{name}' is keyed by family and stands after '{own[0]}', which is the child's own"
                self.found.note(self.file, path, sentence, f"put '{name}' first")
        if len(self.found.problems) == before:
            cells = math.prod(self.model.columns[name].size for name in form.columns)
            if cells > MAX_CELLS:
                sentence = f"the joint distribution has {cells:,} cells; at most {MAX_CELLS:,}"
                self.found.note(self.file, ("joint", "columns"), sentence)
        return len(self.found.problems) == before

    def of(self, path: KeyPath, names: list[str], form: JointForm) -> bool:
        """Note names in `of` that are not columns of the joint distribution; return whether all are, once each."""
        before = len(self.found.problems)
        for place, name in enumerate(names):
            if name not in form.columns:
                sentence = f"{name!r} is no column of the joint distribution"
                self.found.note(self.file, (*path, "of", place), sentence, nearest(name, form.columns))
            elif name in names[:place]:
                self.found.note(self.file, (*path, "of", place), f"'{name}' stands twice")
        return len(self.found.problems) == before

    def margin(self, place: int, form: MarginForm, joint: JointForm) -> PublishedMargin | None:
        """Return one published margin, or None where it cannot be used."""
        path: KeyPath = ("joint", "margins", place)
        if not self.of(path, form.of, joint):
            return None
        columns = tuple(self.model.columns[name] for name in form.of)
        what = "the shares of " + " × ".join(form.of)
        with self.found.at(self.file, (*path, "shares")):
            shares = adding_to_one(read_labelled(form.shares, columns, what, share(" × ".join(form.of))), (), what)
            return PublishedMargin(columns, tuple(joint.columns.index(name) for name in form.of), shares)
        return None

    def start(self, form: JointForm) -> FloatArray | None:
        """Return the table that the fitting starts from: everything alike but for the stated associations."""
        logs = np.zeros([self.model.columns[name].size for name in form.columns])
        before = len(self.found.problems)
        for place, one in enumerate(form.associations):
            path: KeyPath = ("joint", "associations", place)
            if not self.of(path, one.of, form):
                continue
            for margin in form.margins:
                if set(one.of) <= set(margin.of):
                    sentence = (
                        f"the margin of {', '.join(margin.of)} says already how {' and '.join(one.of)} go together"
                    )
                    self.found.note(self.file, (*path, "of"), sentence, "leave the association out")
            with self.found.at(self.file, (*path, "log_odds")):
                logs = logs + self.association(one, form)
        return np.exp(logs) if len(self.found.problems) == before else None

    def association(self, one: AssociationForm, form: JointForm) -> FloatArray:
        """Return the log odds of one association so that they broadcast over the joint table; raises ScenarioError."""
        levels = [self.model.columns[name] for name in one.of]
        table = read_labelled(one.log_odds, levels, "the log odds", _log_odds, complete=False)
        axes = [form.columns.index(name) for name in one.of]
        if axes[0] > axes[1]:
            table = table.T
        sizes = iter(table.shape)
        return table.reshape([next(sizes) if axis in axes else 1 for axis in range(len(form.columns))])


def _log_odds(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MOST_LOG_ODDS:
        bounds = f"{-MOST_LOG_ODDS:g} to {MOST_LOG_ODDS:g}"
        raise ScenarioError(f"the log odds ratio of {key!r} must be {bounds}, not {shown(value)}")
    return float(value)
