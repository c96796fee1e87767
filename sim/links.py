"""Links: coefficients from one domain's state to another domain's rules, and which part of them is causal. Layer 6.

A file states the full association of a link. What acts is its causal part: the stated one, or for links known only
as associations a share common to all, which the scenario sets. The rest of the association is left to latent traits.
A link may also come from classmates, by a group value: it is then one number, for a share from none to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.domain import PREVIOUS, Domain
from sim.errors import nearest
from sim.form_check import Checked, Findings, shown
from sim.model import Model
from sim.schema import LinkForm, ParameterForm, ParametersForm
from sim.source import KeyPath
from sim.tables import Parameters, Rule, Table

LINKS = "links"
"""The parameter file that says how much of an association is causal where only the association is known."""

COMMON_SHARE = "common_causal_share"
"""Its parameter: the share at which the other parameters were set, and the default of a scenario."""

COMMON = "common"
"""What a link says instead of a causal share of its own."""

UNITS = ("log ratio", "log odds ratio")

UNIT_OF_SHARE = "log ratio per share"
"""The unit of a link from classmates: what acts is its value times the share of them."""

FloatArray = NDArray[np.float64]
Place = Callable[[str], tuple[Checked, KeyPath]]
"""Where the value of a parameter stands."""


@dataclass(frozen=True)
class Link:
    """A coefficient from one domain's state to the rules of another, as it acts in the baseline."""

    domain: str
    """Whose rules read it."""
    parameter: str
    from_domain: str
    """Whose state, clock or counter it is indexed by; or the group value by which it comes from classmates."""
    unit: str
    common: bool
    """Whether only an association is known, so that the scenario's share says how much of it is causal."""
    causal_share: float
    causal: Mapping[str, float]
    """Log ratio that acts, by label, or for a share of 1 of the classmates: the causal part of the association."""
    source: str
    provenance: str


@dataclass(frozen=True)
class CommonShare:
    """How much of an association is causal where nothing else is known."""

    share: float
    reference: float
    """The share at which the parameters were set: there every mean is what they make it."""


@dataclass(frozen=True)
class Linking:
    """What links are read against."""

    model: Model
    common: CommonShare | None
    """None where no file says it; a link that needs it is then refused."""
    parameters: Parameters | None = None
    """What the file of links holds."""


def causal_part(values: FloatArray, share: float) -> FloatArray:
    """Return the part of a log ratio that is causal: share·value.

    >>> causal_part(np.array([0.0, 1.5]), 0.4).tolist()
    [0.0, 0.6000000000000001]
    """
    return np.asarray(share * values, dtype=np.float64)


def common_share_from(file: Checked, parameters: Parameters, stated: float | None, found: Findings) -> CommonShare:
    """Return how much of an association is causal where nothing else is known, by the file of links.

    stated: what a scenario says instead of the share at which the parameters were set.
    """
    path: KeyPath = ("parameters", COMMON_SHARE)
    if COMMON_SHARE not in parameters:
        hint = nearest(COMMON_SHARE, parameters.names)
        found.note(file, ("parameters",), f"'{LINKS}' needs the parameter '{COMMON_SHARE}'", hint, at_key=True)
        return CommonShare(1.0, 1.0)  # stands in; nothing is run with it
    reference = getattr(parameters, COMMON_SHARE)
    if isinstance(reference, Table):
        found.note(file, (*path, "value"), f"parameter '{COMMON_SHARE}' must be one number, not a table")
        return CommonShare(1.0, 1.0)
    unit = file.form.parameters[COMMON_SHARE].unit
    if unit != "share":
        found.note(file, (*path, "unit"), f"parameter '{COMMON_SHARE}' has the unit {unit!r}", "write share")
    return CommonShare(reference if stated is None else float(stated), reference)


def linked(
    form: ParametersForm, values: Mapping[str, float | Table], linking: Linking, file: Checked, at: Place,
    found: Findings,
) -> tuple[dict[str, float | Table], tuple[Link, ...]]:  # fmt: skip
    """Return a domain's parameters with every link reduced to its causal part, and the links.

    file: the domain's own file; at: where a parameter's value stands, which may be in an arm of a scenario. Mistakes
    are noted, and their links left as they are.
    """
    result, links = dict(values), []
    for name, one in form.parameters.items():
        if one.link is None or _is_spoilt(file, name):
            continue
        reading = _Reading(form.domain, name, one, one.link, linking, file, found)
        if one.link.from_domain in linking.model.group_values:
            number = reading.number(values[name], *at(name))
            if number is not None:
                result[name], link = reading.reduced_number(number)
                links.append(link)
            continue
        table = reading.table(values[name], *at(name))
        if table is not None:
            result[name], link = reading.reduced(table)
            links.append(link)
    return result, tuple(links)


def columns_about(domain: Domain, model: Model) -> dict[str, tuple[str, ...]]:
    """Return the columns that a link from a domain may be indexed by, each with its labels.

    Its state, its clock, and the counters whose rule reads either.
    """
    about = {domain.name: domain.states}
    if domain.clock:
        about[f"years_in_{domain.name}"] = _numbers(domain.clock)
    own = {prefix + name for name in about for prefix in ("", PREVIOUS)}
    for counter in model.counters:
        if own & set(Rule.of(counter.when).reads):
            about[counter.name] = _numbers(counter.cap)
    return about


def _numbers(cap: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(cap + 1))


def _is_spoilt(file: Checked, name: str) -> bool:
    """Say whether a link stands in for what has no right form: that is noted already."""
    path: KeyPath = ("parameters", name, "link")
    return any(path[:depth] in file.spoilt for depth in (2, 3)) or (*path, "from") in file.spoilt


@dataclass
class _Reading:
    """One link being read."""

    domain: str
    name: str
    form: ParameterForm
    link: LinkForm
    linking: Linking
    file: Checked
    found: Findings

    def note(self, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Note a mistake of the link in its own file."""
        self.found.note(
            self.file, ("parameters", self.name, *path), f"link '{self.name}' {message}", hint, at_key=at_key
        )

    def table(self, value: float | Table, file: Checked, place: KeyPath) -> Table | None:
        """Return the full association, everything checked; None where something is wrong."""
        before = len(self.found.problems)
        domain = self.from_domain()
        if domain or self.form.unit != UNIT_OF_SHARE:  # else classmates are meant
            self.check_unit()
        self.check_share()
        labels = self.labels(domain, value, file, place) if domain else None
        right = labels is not None and len(self.found.problems) == before
        return value if right and isinstance(value, Table) else None

    def number(self, value: float | Table, file: Checked, place: KeyPath) -> float | None:
        """Return the full association with classmates, everything checked; None where something is wrong."""
        before = len(self.found.problems)
        if self.form.unit != UNIT_OF_SHARE:
            self.note(
                ("unit",), f"has the unit {self.form.unit!r}; from classmates it is {UNIT_OF_SHARE!r}", UNIT_OF_SHARE
            )
        if self.link.causal_share == COMMON:
            self.note(
                ("link", "causal_share"),
                f"is '{COMMON}': a link from classmates states its own, as means are held without classes",
                "write 0 to 1",
            )
        else:
            self.check_share()
        if isinstance(value, Table):
            sentence = f"link '{self.name}' is a table; from classmates it is one number, for a share of 1"
            self.found.note(file, place, sentence)
        right = len(self.found.problems) == before
        return value if right and not isinstance(value, Table) else None

    def from_domain(self) -> Domain | None:
        """Return the domain that the link comes from."""
        name, model = self.link.from_domain, self.linking.model
        known = {one.name: one for one in model.domains if one.name != self.domain}
        if name in known:
            return known[name]
        near = [*known, *model.group_values]
        path: KeyPath = ("link", "from")
        if name == self.domain:
            self.note(path, f"comes from '{name}' itself: a link leads from one domain to another", "leave `link` out")
        elif name in {trait.name for trait in model.traits}:
            self.note(path, f"comes from the trait '{name}': traits carry associations, not causes", "leave `link` out")
        else:
            self.note(path, f"comes from {name!r}, which is no domain of model '{model.name}'", nearest(name, near))
        return None

    def check_unit(self) -> None:
        """Note a unit in which a share of the value has no meaning."""
        if self.form.unit not in UNITS:
            words = " or ".join(repr(unit) for unit in UNITS)
            self.note(("unit",), f"has the unit {self.form.unit!r}; a link has {words}", nearest(self.form.unit, UNITS))

    def check_share(self) -> None:
        """Note a causal share that is neither `common` nor a number from 0 to 1."""
        given, path = self.link.causal_share, ("link", "causal_share")
        if given == COMMON:
            if self.linking.common is None:
                self.note(path, f"is '{COMMON}', and no file '{LINKS}.yaml' in parameters/ says '{COMMON_SHARE}'")
        elif isinstance(given, str):
            self.note(path, f"has the causal share {given!r}: it must be 'common' or 0 to 1", nearest(given, [COMMON]))
        elif isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= 1:
            self.note(path, f"has the causal share {shown(given)}: it must be 'common' or 0 to 1")

    def labels(self, domain: Domain, value: float | Table, file: Checked, place: KeyPath) -> tuple[str, ...] | None:
        """Return the labels of the column about the domain that the value is a table over; None where it is not."""
        what = f"link '{self.name}'"
        if not isinstance(value, Table):
            sentence = f"{what} is one number; it must be a table over the states of '{domain.name}'"
            self.found.note(file, place, sentence, "write a log ratio for each: " + ", ".join(domain.states))
            return None
        if not value.keys:  # its rows are noted already
            return None
        if len(value.keys) > 1:
            sentence = f"{what} is a table of {len(value.keys)} dimensions; it must have one, '{domain.name}'"
            self.found.note(file, place, sentence)
            return None
        keys, about = value.keys[0], columns_about(domain, self.linking.model)
        if any(set(keys) == set(labels) for labels in about.values()):
            return keys
        if all(key.isdigit() for key in keys):
            first, last = min(keys, key=int), max(keys, key=int)
            columns = [f"{name} 0 to {labels[-1]}" for name, labels in about.items() if name != domain.name]
            hint = "there is " + (", ".join(columns) or f"no clock and no counter of '{domain.name}'")
            self.found.note(file, place, f"{what} has rows for {first} to {last}: no column of '{domain.name}'", hint)
            return None
        for key in keys:
            if key not in domain.states:
                sentence = f"{what} names {key!r}, which is no state of '{domain.name}'"
                self.found.note(file, (*place, key), sentence, nearest(key, domain.states), at_key=True)
        missing = [repr(state) for state in domain.states if state not in keys]
        if missing:
            self.found.note(file, place, f"{what} has no value for {', '.join(missing)} of '{domain.name}'")
        return None

    def reduced(self, table: Table) -> tuple[Table, Link]:
        """Return the table of what acts, and the link."""
        keys, common = table.keys[0], self.linking.common
        if self.link.causal_share != COMMON:
            share = float(self.link.causal_share)
        else:
            assert common is not None
            share = common.share
        values = causal_part(table.values, share)
        return Table(table.name, table.keys, values), self.link_of(share, dict(zip(keys, values.tolist(), strict=True)))

    def reduced_number(self, number: float) -> tuple[float, Link]:
        """Return what acts for a share of 1, and the link."""
        share = float(self.link.causal_share)
        return share * number, self.link_of(share, {"1": share * number})

    def link_of(self, share: float, causal: Mapping[str, float]) -> Link:
        """Return the link as it acts."""
        return Link(
            domain=self.domain,
            parameter=self.name,
            from_domain=self.link.from_domain,
            unit=self.form.unit,
            common=self.link.causal_share == COMMON,
            causal_share=share,
            causal=causal,
            source=self.form.source,
            provenance=self.form.provenance,
        )
