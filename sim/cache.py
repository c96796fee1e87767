"""Where the program keeps what it can make again: compiled kernels, and bytecode where Python keeps none. Layer 0."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the program's cache folder: FRAMSYN_CACHE, else XDG_CACHE_HOME or ~/.cache, then `framsyn`."""
    root = os.environ.get("FRAMSYN_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "framsyn"


def keep_bytecode() -> None:
    """Keep compiled modules in the cache folder where Python is told to write none beside the sources.

    Imports are most of a short run; without bytecode each call would compile them all again.
    """
    if sys.dont_write_bytecode and sys.pycache_prefix is None:
        sys.pycache_prefix = str(cache_folder() / "bytecode")
        sys.dont_write_bytecode = False
