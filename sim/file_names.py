"""Which names of interventions, places and arms are safe as names of files on every system. Layer 0."""

from __future__ import annotations

import re

NAME_RULE = "letters, digits, . _ - only, at most 80, and no word that Windows reserves"
"""What a name may be, as a hint."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{k}" for n in ("com", "lpt") for k in range(1, 10))}


def is_file_name(name: str) -> bool:
    """Return whether a name is safe as the name of a file on every system."""
    return bool(_NAME.fullmatch(name)) and name.split(".")[0].lower() not in _RESERVED
