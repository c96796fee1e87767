"""Places in line: who is offered one of the few places of a calendar year, within one copy. Layer 7.

The line for an offer is everyone of the copy, of whatever age, who is eligible and has not had it. It is kept from year
to year: whoever is not asked waits, and leaves it only when no longer eligible or after the longest wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim.kernels.layout as at
from sim.chunk import NOT_IN_LINE, Chunk, Tally
from sim.kernels.enrol import CARRIES, DELIVERED, NOT_OFFERED, REFUSED
from sim.kernels.philox import fill_draws

Places = NDArray[np.intp]
"""Places of persons in a chunk."""


def give_places(o: int, chunks: Sequence[Chunk], tallies: Sequence[Tally], rows: Sequence[int]) -> None:
    """Make an offer to the first in line until its places of this step are taken or everyone has been asked.

    o: number of the offer in the chunks' program; chunks: of one copy, all at the beginning of one step
    (`Chunk.begin`); tallies, rows: where each chunk is counted, and the row of the step.
    First in line is who ranks highest, then who has waited longest, then who has the lower draw, then the lower
    identity: the order of rows says nothing. Who refuses takes no place, and the next is asked. Where uptake is drawn
    by family, a family stands in line as one and takes one place.
    """
    lines = [_in_line(o, chunk) for chunk in chunks]
    if not any(len(line) for line in lines):
        return
    offer, step, key = chunks[0].program.arrays["offers"][o], chunks[0].step, chunks[0].key

    def of_all(one: Callable[[Chunk, Places], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([one(chunk, line) for chunk, line in zip(chunks, lines, strict=True)])

    whose = of_all(lambda chunk, line: (chunk.families if offer[at.TO_FAMILY] else chunk.ids)[line])
    units, first, unit_of = np.unique(whose, return_index=True, return_inverse=True)
    since = np.full(len(units), step)
    np.minimum.at(since, unit_of, of_all(lambda chunk, line: chunk.since[o, chunk.origin[line]]))
    rank = np.zeros(len(units))
    if offer[at.RANK] >= 0:
        rank = of_all(lambda chunk, line: _looked_up("ranks", offer[at.RANK], chunk, line))[first]
    chance = of_all(lambda chunk, line: _looked_up("chances", offer[at.UPTAKE], chunk, line))[first]
    accepts = _draws(units, step if offer[at.DRAWN_YEARLY] else 0, offer[at.OFFER_STREAM], key) < chance
    order = np.lexsort((units, _draws(units, 0, offer[at.QUEUE_STREAM], key), since, -rank))
    taken = np.asarray(np.cumsum(accepts[order]))
    asked = np.empty(len(units), dtype=bool)
    asked[order] = taken - accepts[order] < offer[at.CAPACITY]
    done = 0
    for chunk, line, tally, row in zip(chunks, lines, tallies, rows, strict=True):
        own = unit_of[done : done + len(line)]
        _note(o, chunk, line, asked[own], accepts[own], tally.deliveries[:, row, o])
        done += len(line)


def _in_line(o: int, chunk: Chunk) -> Places:
    """Return who of a chunk is in line in this step; those who newly are wait from now on, those no longer do not."""
    offer, age = chunk.program.arrays["offers"][o], chunk.step - chunk.birth
    line = np.zeros(0, dtype=np.intp)
    if offer[at.OFFER_AGE_FROM] <= age <= offer[at.OFFER_AGE_TO]:
        line = np.flatnonzero(chunk.standing[o, : chunk.alive] == NOT_OFFERED)
        line = line[_looked_up("switches", offer[at.ELIGIBLE], chunk, line) != 0]
    since = np.full(chunk.since.shape[1], NOT_IN_LINE, dtype=chunk.since.dtype)
    before = chunk.since[o, chunk.origin[line]]
    since[chunk.origin[line]] = np.where(before == NOT_IN_LINE, chunk.step, before)
    chunk.since[o] = since
    return line


def _note(
    o: int, chunk: Chunk, line: Places, asked: NDArray[np.bool_], accepts: NDArray[np.bool_], counts: NDArray[np.int64]
) -> None:
    """Note who of those in line is offered a place, who starts and who waits on. counts: (blocks, counts)."""
    offer, step, origin = chunk.program.arrays["offers"][o], chunk.step, chunk.origin[line]
    waited = step - chunk.since[o, origin].astype(np.int64)
    starts = asked & accepts
    gives_up = ~asked & (waited >= offer[at.WAITING_YEARS]) & (offer[at.WAITING_YEARS] >= 0)
    standing = np.full(len(line), NOT_OFFERED, dtype=np.uint8)
    standing[gives_up] = REFUSED
    if offer[at.CARRY_ALL]:
        standing[asked] = CARRIES
    elif not offer[at.DRAWN_YEARLY]:
        standing[asked] = REFUSED
    standing[starts] = DELIVERED
    chunk.standing[o, line], chunk.start[o, line], chunk.delivered[o, line] = standing, step, 0
    chunk.since[o, origin[asked | gives_up]] = NOT_IN_LINE
    if offer[at.RECEIVES] >= 0:
        chunk.cols[offer[at.RECEIVES], line[starts]] = 1
    chunk.reached[origin[(standing == DELIVERED) | (standing == CARRIES)]] |= np.uint64(offer[at.ARMS])
    each = {
        at.ELIGIBLE_COUNT: 1, at.OFFERED_COUNT: asked, at.START_COUNT: starts, at.YEAR_COUNT: starts,
        at.WAITING_COUNT: ~asked & ~gives_up, at.WAITED_COUNT: starts * waited,
    }  # fmt: skip
    for kind, number in each.items():
        np.add.at(counts[:, kind], chunk.block[line], number)


def _looked_up(pool: str, table: int, chunk: Chunk, line: Places) -> NDArray[Any]:
    """Return what a table of the program holds for some of a chunk."""
    arrays = chunk.program.arrays
    first, last = arrays["tables"][table, [at.READS, at.READS_END]]
    cells = np.full(len(line), arrays["tables"][table, at.START])
    for column, stride in arrays["reads"][first:last]:
        cells += chunk.cols[column, line] * stride
    return np.asarray(arrays[pool][cells])


def _draws(ids: NDArray[np.uint64], step: int, stream: int, key: np.uint64) -> NDArray[np.uint32]:
    """Return the first draw of each identity at an address."""
    draws = np.empty((at.LANES, len(ids)), dtype=np.uint32)
    fill_draws(ids, len(ids), step, stream, key, draws)
    return np.asarray(draws[0])
