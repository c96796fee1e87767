"""Everyone of one copy, who live a year at a time and share the few places of a calendar year. Layer 7."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.chunk import Chunk, Tally
from sim.model import MAX_AGE
from sim.plan import Plan
from sim.program import Program
from sim.queues import give_places


class InStep:
    """The chunks of one copy, of one age or of many: before they live a year, its places are given out to all of them.

    A chunk takes part from the step that it has come to (for the unborn that of its birth) up to age 100.
    """

    def __init__(self, plan: Plan, program: Program, chunks: Sequence[Chunk]) -> None:
        self.plan, self.program, self.chunks = plan, program, tuple(chunks)
        self.step = min(chunk.step for chunk in self.chunks)

    def live(
        self, until: int, tallies: Sequence[Tally], rows: Sequence[int],
        marks: Sequence[NDArray[np.uint64]] | None = None,
    ) -> None:  # fmt: skip
        """Live up to, not through, a step.

        tallies: what each chunk is counted in; rows: its row of the next step that the chunk lives; marks: of its
        lives, as of `Chunk.live_marked`.
        """
        row = list(rows)
        while self.step < until:
            self.step = self.step + 1 if self.program.queued else until  # with nothing to share, each by itself
            last = [min(self.step, chunk.birth + MAX_AGE + 1) for chunk in self.chunks]
            now = [place for place, chunk in enumerate(self.chunks) if chunk.step < last[place]]
            self._give_places(now, tallies, row)
            for place in now:
                chunk, steps = self.chunks[place], last[place] - self.chunks[place].step
                if marks is None:
                    chunk.live(last[place], tallies[place], row[place])
                else:
                    chunk.live_marked(last[place], tallies[place], row[place], marks[place])
                row[place] += steps

    def _give_places(self, now: Sequence[int], tallies: Sequence[Tally], rows: Sequence[int]) -> None:
        """Make the offers with so many places a year to the chunks at these places."""
        if not self.program.queued:
            return
        chunks = [self.chunks[place] for place in now]
        for chunk in chunks:
            chunk.begin()
        for offer in self.program.queued:
            give_places(offer, chunks, [tallies[place] for place in now], [rows[place] for place in now])
