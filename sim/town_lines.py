"""One copy of a municipality, whose few places of a calendar year are shared by all ages. Layer 7.

From an arm's start on everyone of the copy lives a year at a time, those born later from their birth on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Tally
from sim.in_step import InStep
from sim.persons import split
from sim.program import Program
from sim.residents import Neighbours, Newborn, Residents
from sim.scenario import BASELINE


@dataclass(frozen=True)
class Lived:
    """What became of some of one birth year from a step on, under one program."""

    some: Neighbours
    tally: Tally
    """With a row a year up to the end."""
    marks: NDArray[np.uint64]
    """(2, persons) by the place at that step, as of `Chunk.live_marked`: another mark is another life or place."""


class Everyone:
    """All who belong to one copy, some of one birth year together, at the beginning of a calendar step.

    They live the baseline up to where an arm begins, and are copied to live on under a program.
    """

    def __init__(self, residents: Residents, newborn: Sequence[Newborn], most: int) -> None:
        """newborn: of one copy, one a birth year; most: persons that are lived together."""
        self.residents = residents
        program = residents.plan.programs[BASELINE]
        self.groups = [
            Neighbours(residents, year.some(piece), program)
            for year in newborn
            for piece in split(np.arange(len(year)), most, np.zeros(0, dtype=np.uint64))
        ]

    def live(self, until: int) -> None:
        """Live the baseline up to, not through, a step, without counting; those born later wait."""
        for one in self.groups:
            one.live(max(until, one.chunk.birth), one.nothing_yet())

    def on_under(self, program: Program) -> list[Lived]:
        """Return what becomes of a copy of everyone to the end, group by group, all ages in step."""
        some = [one.all(program) for one in self.groups]
        tallies = [one.nothing_yet() for one in some]
        marks = [np.zeros((2, len(one.place)), dtype=np.uint64) for one in some]
        in_step = InStep(self.residents.plan, program, [one.chunk for one in some])
        for step in range(in_step.step, self.residents.town.horizon):
            for one, tally in zip(some, tallies, strict=True):
                if one.chunk.step == step:
                    one.begin(tally)
            in_step.live(step + 1, tallies, [one.row for one in some], marks)
        return [Lived(*each) for each in zip(some, tallies, marks, strict=True)]


def by_copy(residents: Residents) -> Iterator[list[Newborn]]:
    """Iterate over the copies of a municipality: who is born, or moves in, in each year of birth."""
    every = [residents.newborn(year) for year in residents.town.birth_years]
    for copy in range(residents.copies):
        yield [one.some(np.flatnonzero(one.persons.blocks == copy)) for one in every]
