"""Addresses of random numbers: which 32-bit draw belongs to which person, step and decision.

Philox4x32-10 is counter based, so a draw is a pure function of its address (Salmon et al. 2011, SC'11) and
no generator object exists. The bits themselves are made in `sim.kernels.philox`. Layer 0.
"""

from __future__ import annotations

from hashlib import blake2b

RNG_VERSION = "framsyn-rng-v1"
"""Any change in the mapping from address to draw is a new version; stored with every result."""

BIRTH_STEP = 2**32 - 1
"""The step of draws that decide attributes at birth."""

LANES = 4
"""Draws in one Philox block."""


def philox_key(seed: int, replicate: int = 0) -> int:
    """Return the 64-bit Philox key of a seed and replicate.

    >>> philox_key(1) != philox_key(1, replicate=1)
    True
    """
    text = f"{RNG_VERSION}|{seed}|{replicate}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def stream(name: str, block: int = 0) -> int:
    """Return the 32-bit stream of a domain's or decision's name; later blocks of four lanes are `name/1`, …"""
    text = name if block == 0 else f"{name}/{block}"
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little")


def person_id(entry_year: int, copy: int, number: int) -> int:
    """Return the identity of a person: entry year·2^40 + copy·2^24 + number.

    >>> person_id(2026, copy=0, number=5) - person_id(2026, copy=0, number=4)
    1
    """
    return (entry_year << 40) + (copy << 24) + number
