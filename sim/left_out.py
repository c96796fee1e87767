"""Packages that a short call does without although something it uses would load them. Layer 0."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType


class _Refuse(MetaPathFinder):
    """Says of one package that it is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuse the package and all that is in it; everything else is for others to find."""
        if f"{fullname}.".startswith(f"{self.package}."):
            raise ModuleNotFoundError(f"{fullname} is left out", name=fullname)


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let imports go on as if a package were not installed, unless it is loaded already."""
    if package in sys.modules:
        yield
        return
    refuse = _Refuse(package)
    sys.meta_path.insert(0, refuse)
    try:
        yield
    finally:
        sys.meta_path.remove(refuse)
