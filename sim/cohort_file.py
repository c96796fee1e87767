"""Who is simulated, from a scenario file: a cohort, its copies, or strata with persons of their own. Layer 6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sim.catalogue import expression_from
from sim.errors import Problem
from sim.form_check import Checked, Findings
from sim.model import Model
from sim.people import Population
from sim.scenario import CLASSES_IN_STRATA, MOST_STRATA, Cohort, Stratum, wrong_condition
from sim.source import KeyPath
from sim.strata import condition_of

MAX_COPIES = 2**16
"""The most copies that a number of persons may come to."""


def cohort_from(
    file: Checked,
    model: Model,
    population: Population | None,
    persons: int | None,
    given: Mapping[str, Any],
    found: Findings,
) -> Cohort | None:
    """Return the cohort of a scenario file, its copies (or all its strata alike) changed to hold so many persons.

    given: what a run folder holds, whose copies and persons by stratum come before the file's. Mistakes are noted;
    None stands for a cohort that cannot be.
    """
    form = file.form.cohort
    if form is None:
        found.problems.append(file.source.problem((), "needs the key 'cohort'", at_key=True))
        return None
    births = form.represents or (population.births_per_year if population else None)
    if births is None:
        return None
    copies = given.get("copies", form.copies)
    before = len(found.problems)
    strata = strata_from(file, model, population, given.get("strata", {}), found)
    size = form.classes.size if form.classes else None
    if strata and size is not None:
        found.note(file, ("cohort", "classes"), CLASSES_IN_STRATA, "leave one of them out", at_key=True)
    if size is not None and not model.group_values:
        sentence = f"no rule of model '{model.name}' asks about classmates"
        found.note(file, ("cohort", "classes"), sentence, "leave `classes` out", at_key=True)
    if len(found.problems) > before:
        return None
    if persons is None:
        return Cohort(form.born, births, copies, strata, size)
    total = sum(stratum.persons for stratum in strata)
    most = (2**24 if strata else births) * MAX_COPIES
    if not 1 <= persons <= most:
        found.problems.append(Problem(f"the number of persons must be 1 to {most:,}, not {persons:,}"))
        return None
    if not strata:
        return Cohort(form.born, births, -(-persons // births), class_size=size)
    scaled = [replace(stratum, persons=-(-persons * stratum.persons // total)) for stratum in strata]
    return Cohort(form.born, births, copies, tuple(scaled))


def strata_from(
    file: Checked, model: Model, population: Population | None, persons: Mapping[str, int], found: Findings
) -> tuple[Stratum, ...]:
    """Return the strata of the cohort; every mistake is noted at its place.

    persons: of each stratum by name, where it is not the file that says them.
    """
    forms = file.form.cohort.strata
    if forms is None:
        return ()
    path: KeyPath = ("cohort", "strata")
    if not 1 <= len(forms) <= MOST_STRATA:
        found.note(file, path, f"'strata' must be 1 to {MOST_STRATA}, not {len(forms)}", at_key=True)
    drawn = [one.name for one in population.attributes] if population else []
    strata = []
    for place, (name, form) in enumerate(forms.items()):
        is_last = place == len(forms) - 1
        if (form.when is None) != is_last:
            at: KeyPath = (*path, name) if form.when is None else (*path, name, "when")
            found.note(file, at, wrong_condition(name, form.when is None), at_key=form.when is None)
        when = None
        if form.when is not None:
            with found.at(file, (*path, name, "when")):
                when = expression_from(form.when)
                condition_of(when, drawn if population else model.columns, model.columns)
        strata.append(Stratum(name, persons.get(name, form.persons), when))
    return tuple(strata)
