"""Screening: the few persons in a year whom something can happen to, found without looking at anyone one by one."""

import numpy as np

from sim.kernels.compile import inner
from sim.kernels.philox import fill_draws

SLICE = 1024
"""Persons whose draws are held at once: they stay in the first-level cache, and only the smallest is kept."""

_CERTAIN = np.uint32(0xFFFFFFFE)


@inner
def _fill_least(n, ids, step, stream, key, lanes, draws, least):
    """Fill the smallest of the first `lanes` draws of each of the first n persons. draws: (4, SLICE) uint32, scratch.

    The largest draw is taken as one less, so that a bound of 2^32 - 1 lies above all; no other bound notices.
    """
    for first in range(0, n, SLICE):
        number = min(SLICE, n - first)
        fill_draws(ids[first : first + number], number, step, stream, key, draws)
        some = least[first : first + number]
        draw0, draw1, draw2, draw3 = draws[0], draws[1], draws[2], draws[3]
        if lanes == 1:
            for i in range(number):
                some[i] = min(draw0[i], _CERTAIN)
        elif lanes == 2:
            for i in range(number):
                some[i] = min(min(draw0[i], draw1[i]), _CERTAIN)
        elif lanes == 3:
            for i in range(number):
                some[i] = min(min(draw0[i], draw1[i]), min(draw2[i], _CERTAIN))
        else:
            for i in range(number):
                some[i] = min(min(draw0[i], draw1[i]), min(min(draw2[i], draw3[i]), _CERTAIN))


@inner
def flag_candidates(n, ids, step, stream, key, lanes, cells, tops, draws, limits, least, some, some_ids, flags):
    """Flag everyone some of whose draws of one block is below the largest threshold that his cell can have.

    cells: (≥ n,) uint16, the screening cell; tops: the largest threshold of the block by cell. Where most persons'
    is 0 (nobody without a disorder gets support for it), only the others' draws are made.
    """
    open_to = 0
    for i in range(n):
        limit = tops[cells[i]]
        limits[i] = limit
        open_to += limit != 0
    if open_to == 0:
        return
    if 2 * open_to > n:
        _fill_least(n, ids, step, stream, key, lanes, draws, least)
        for i in range(n):
            flags[i] |= np.uint8(least[i] < limits[i])
        return
    found = 0
    for i in range(n):
        some[found] = i
        found += limits[i] != 0
    for f in range(found):
        some_ids[f] = ids[some[f]]
    _fill_least(found, some_ids, step, stream, key, lanes, draws, least)
    for f in range(found):
        flags[some[f]] |= np.uint8(least[f] < limits[some[f]])


def _places_of_bits():
    """Return, for every byte, the places of its set bits (padded) and how many there are."""
    places = np.zeros((256, 8), dtype=np.uint8)
    numbers = np.zeros(256, dtype=np.uint8)
    for byte in range(256):
        set_bits = [bit for bit in range(8) if byte >> bit & 1]
        places[byte, : len(set_bits)] = set_bits
        numbers[byte] = len(set_bits)
    return places, numbers


_PLACES, _NUMBERS = _places_of_bits()
_GATHER = np.uint64(0x0102040810204080)  # brings the low bit of each of eight bytes into the top byte, in order
_TOP_BYTE = np.uint64(56)


@inner
def take_candidates(n, flags, candidates):
    """List the flagged among the first n persons, eight flags at a time; return how many. All flags are 0 again."""
    found = 0
    words = flags.view(np.uint64)
    for w in range((n + 7) // 8):
        if words[w] != 0:
            byte = (words[w] * _GATHER) >> _TOP_BYTE
            for k in range(_NUMBERS[byte]):
                candidates[found + k] = 8 * w + np.int64(_PLACES[byte, k])
            found += np.int64(_NUMBERS[byte])
            words[w] = 0
    return found
