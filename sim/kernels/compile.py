"""How every kernel is compiled and where the machine code is kept.

One decorator holds all options. The cache folder is named by the hash of all kernel sources, because Numba looks
only at the file of the function itself and would keep a caller compiled against an older callee.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.cache import cache_folder

os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")  # its vector log and exp differ in the last bit

import numba

config: Any = numba.config


def _cache_folder() -> str:
    """Return a writable folder for compiled kernels, named by the sources and versions that made them."""
    digest = hashlib.sha256(f"{numba.__version__}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for parent in (cache_folder(), Path(tempfile.gettempdir()) / "framsyn"):
        folder = parent / "kernels" / digest.hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return str(folder)
        except OSError:
            continue
    return tempfile.mkdtemp(prefix="framsyn-kernels-")


CACHE_FOLDER = _cache_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function to machine code on first use: cached on disk, without the GIL, IEEE arithmetic as written."""
    return _compiled(function)


def inner(function: Callable[..., Any]) -> Any:
    """Compile what only kernels call: as `kernel` does, without a way in from Python, which takes long to compile."""
    return _compiled(function, no_cpython_wrapper=True)


def _compiled(function: Callable[..., Any], **options: bool) -> Any:
    previous, config.CACHE_DIR = config.CACHE_DIR, CACHE_FOLDER
    try:
        compiled: Any = numba.njit  # its stubs do not know all of its options
        return compiled(cache=True, nogil=True, fastmath=False, error_model="numpy", no_cfunc_wrapper=True, **options)(
            function
        )
    finally:
        config.CACHE_DIR = previous
