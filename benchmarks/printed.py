"""What the commands print for people, and the options they share: the machine's line, tables, whole numbers."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def machine() -> str:
    """Return processor, cores, versions and commit in one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "mesa"))
    at = f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"
    return f"{at}; commit {commit()}"


def commit() -> str:
    """Return the short name of the commit, with a plus sign where files differ from it; `unknown` without git."""
    try:
        found = _git("rev-parse", "--short", "HEAD")
        return found + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def tell(words: str) -> None:
    """Say on standard error what is being done."""
    print(words, file=sys.stderr, flush=True)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1, title: str = "", caption: str = ""
) -> None:
    """Print a table; the first `words` columns hold words, the others numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.width = max(console.width, 110)  # where it is not a screen, rich would cut columns at 80
    table = Table(title=title or None, caption=caption or None, box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def whole(number: float) -> str:
    """Return a whole number with spaces between thousands."""
    return f"{number:,.0f}".replace(",", " ")


def positive(text: str) -> int:
    """Read a whole number of 1 or more, 100_000 too."""
    number = int(text.replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {number}")
    return number
