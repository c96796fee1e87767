"""Addressed draws in plain Python integers: Philox4x32-10 and the addresses of the design, a second time."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b

WORD = 2**32 - 1
BIRTH = WORD
"""The step of draws that decide attributes at birth."""


@cache
def philox(counter: tuple[int, int, int, int], key: int) -> tuple[int, int, int, int]:
    """Return the block of four draws at a counter: ten rounds as published (Salmon et al. 2011)."""
    (a, b, c, d), (k, m) = counter, (key & WORD, key >> 32)
    for _ in range(10):
        high, low = divmod(0xCD9E8D57 * c, 2**32), divmod(0xD2511F53 * a, 2**32)
        a, b, c, d = high[0] ^ b ^ k, high[1], low[0] ^ d ^ m, low[1]
        k, m = (k + 0x9E3779B9) & WORD, (m + 0xBB67AE85) & WORD
    return a, b, c, d


def number(text: str, size: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=size).digest(), "little")


def draw(seed: int, person: int, step: int, name: str, lane: int = 0) -> int:
    """Return a person's draw for one lane of a named decision in a step."""
    stream = number(f"{name}/{lane // 4}" if lane >= 4 else name, 4)
    return philox((person & WORD, person >> 32, step, stream), number(f"framsyn-rng-v1|{seed}|0", 8))[lane % 4]
