"""A whole municipality from its files: the years and births of the scenario, moves and siblings of the population.

Layer 6. Every mistake is noted at its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.errors import Problem
from sim.form_check import Checked, Findings, shown
from sim.model import Model
from sim.municipality import LAST_AGE, MOST_COPIES, MovesIn, MovesOut, Municipality, Siblings
from sim.municipality_terms import (
    check_arm,
    check_column,
    check_fixed,
    check_goes_on,
    check_leaving,
    check_only_while,
    living_here,
)
from sim.people import Attribute, Population
from sim.population_schema import AttributeForm, PopulationForm
from sim.prices import PriceList
from sim.scenario import BASELINE, Arm, Cohort
from sim.schema import MunicipalityForm
from sim.source import KeyPath

_BAND = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")

PATH: KeyPath = ("municipality",)


@dataclass(frozen=True)
class MunicipalityFile:
    """A scenario file with a municipality, and the file of its population."""

    file: Checked
    place: Checked | None
    model: Model
    prices: PriceList | None
    found: Findings

    def municipality(
        self, population: Population, persons: int | None, given: Mapping[str, Any]
    ) -> tuple[Municipality | None, Cohort | None]:
        """Return the municipality, and the births of its start year in all copies; None where it cannot be.

        persons: changes the copies so that about so many are born in all the years; given: what a run folder holds.
        """
        form: MunicipalityForm = self.file.form.municipality
        before = len(self.found.problems)
        if self.file.form.cohort is not None:
            sentence = "a scenario has either a `cohort` or a `municipality`, and not both"
            self.found.note(self.file, PATH, sentence, at_key=True)
        if "horizon" in self.file.form.model_fields_set:
            sentence = "a municipality is lived to the end of its `years`: leave `horizon` out"
            self.found.note(self.file, ("horizon",), sentence, at_key=True)
        births = self.births(form, population)
        moves_in = self.moves_in() if form.moves else ()
        moves_out = self.moves_out() if form.moves else None
        siblings = self.siblings() if form.siblings else None
        if len(self.found.problems) > before:
            return None, None
        with self.found.at(self.file, PATH):
            town = Municipality(form.start, form.years, births, form.oldest, moves_in, moves_out, siblings)
            copies = given.get("copies", form.copies)
            if persons is not None:
                whole = sum(town.births_in(year) for year in town.birth_years)
                copies = max(1, -(-persons // whole))
            if copies > MOST_COPIES:
                sentence = f"a municipality has at most {MOST_COPIES} copies, not {copies:,}"
                if persons is None:
                    self.found.note(self.file, (*PATH, "copies"), sentence)
                else:
                    self.found.problems.append(Problem(sentence, hint="ask for fewer persons"))
                return None, None
            return town, Cohort(town.start, town.births_in(town.start), copies)
        return None, None

    def check_arms(self, town: Municipality | None, cohort: Cohort | None, arms: Mapping[str, Arm]) -> None:
        """Note what an arm of a municipality cannot have, and roll-outs where there is no municipality."""
        for name, arm in arms.items():
            path: KeyPath = ("arms", name, "rollout") if arm.rollout else ("arms", name)
            if self.file.form.municipality is None and arm.rollout:
                self.found.note(self.file, path, "`rollout` goes with a municipality: a birth cohort has one year")
            if town is not None and cohort is not None:
                with self.found.at(self.file, path):
                    check_arm(name, arm, town, cohort.copies)
                    if BASELINE in arms:
                        check_goes_on(name, arm, arms[BASELINE])

    def births(self, form: MunicipalityForm, population: Population) -> dict[int, int]:
        """Return births by the year from which they hold."""
        path: KeyPath = (*PATH, "births")
        given = form.births if form.births is not None else population.births_per_year
        table = given if isinstance(given, Mapping) else {str(form.start): given}
        births = {}
        for year, number in table.items():
            at = (*path, year) if isinstance(given, Mapping) else path
            if not str(year).isdigit():
                self.found.note(self.file, at, f"births are given by calendar year, and {year!r} is none", at_key=True)
            elif isinstance(number, bool) or not isinstance(number, int) or number < 1:
                self.found.note(self.file, at, f"births must be a whole number of 1 or more, not {shown(number)}")
            else:
                births[int(year)] = number
        if not table:
            self.found.note(self.file, path, "'births' is a table without rows")
        return births

    def moves_in(self) -> tuple[MovesIn, ...]:
        """Return those who move in, group by group."""
        if self.place is None:
            return ()
        form: PopulationForm = self.place.form
        traits = [trait.name for trait in self.model.traits]
        domains = [domain.name for domain in self.model.domains]
        groups = []
        for name, one in form.moves_in.items():
            path: KeyPath = ("moves_in", name)
            a_year = self.by_age(one.a_year, (*path, "a_year"), most=10_000)
            group = MovesIn(name, a_year, one.fixed, _attributes(one.attributes), _attributes(one.on_arrival))
            with self.found.at(self.place, path):
                living_here(self.prices)
            with self.found.at(self.place, (*path, "fixed")):
                check_fixed(group.fixed, self.model)
            for key, columns, known in (
                ("attributes", group.attributes, [*traits, *domains]),
                ("on_arrival", group.on_arrival, domains),
            ):
                for column in columns:
                    with self.found.at(self.place, (*path, key, column.name)):
                        check_column(column, known, self.model)
            groups.append(group)
        return tuple(groups)

    def moves_out(self) -> MovesOut | None:
        """Return the families that leave."""
        form = self.place.form.moves_out if self.place else None
        if form is None or self.place is None:
            return None
        out = MovesOut(self.by_age(form.a_year, ("moves_out", "a_year"), most=1), form.to)
        with self.found.at(self.place, ("moves_out", "to")):
            check_leaving(out, self.model, self.prices)
        return out

    def siblings(self) -> Siblings | None:
        """Return how births are put into families."""
        form = self.place.form.siblings if self.place else None
        if form is None or self.place is None:
            return None
        years = {}
        for key, share in form.years_between.items():
            if not key.isdigit():
                path: KeyPath = ("siblings", "years_between", key)
                self.found.note(self.place, path, f"{key!r} is no number of years", at_key=True)
                return None
            years[int(key)] = share
        only_while = {name: tuple(labels) for name, labels in form.only_while.items()}
        with self.found.at(self.place, ("siblings", "only_while")):
            check_only_while(only_while, self.model)
        with self.found.at(self.place, ("siblings",)):
            return Siblings(tuple(form.by_order), years, only_while)
        return None

    def by_age(self, given: Any, path: KeyPath, most: float) -> tuple[float, ...]:
        """Return a number by age from 0 up to the last age that is named; ages left out have 0."""
        assert self.place is not None
        numbers: dict[int, float] = {}
        if not isinstance(given, Mapping) or not given:
            self.found.note(self.place, path, f"{path[-1]!r} must be a table by age, not {shown(given)}")
            return ()
        for key, value in given.items():
            band = _BAND.fullmatch(key)
            low, high = (int(band[1]), int(band[2] or band[1])) if band else (1, 0)
            if low > high or high > LAST_AGE:
                sentence = f"{key!r} is no age and no band of ages from 0 to {LAST_AGE}"
                self.found.note(self.place, (*path, key), sentence, at_key=True)
            elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                sentence = f"{key!r} must be a number from 0 to {most:,}, not {shown(value)}"
                self.found.note(self.place, (*path, key), sentence)
            else:
                for age in range(low, high + 1):
                    if age in numbers:
                        self.found.note(self.place, (*path, key), f"age {age} stands twice", at_key=True)
                    numbers[age] = float(value)
        return tuple(numbers.get(age, 0.0) for age in range(max(numbers, default=-1) + 1))


def _attributes(forms: Mapping[str, AttributeForm]) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(name, form.shares, note={"source": form.source, "provenance": form.provenance})
        for name, form in forms.items()
    )
