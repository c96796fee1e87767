"""The mistakes a user can make, each as a sentence with a place and a way out.

One exception class per kind of mistake. Layer 0: imports nothing of the project.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One mistake: what is wrong, where it stands and what to write instead."""

    message: str
    """What was found and what is allowed, as one sentence."""
    file: str | None = None
    """Path of the file as the user wrote it, if the mistake stands in a file."""
    line: int | None = None
    """Line in the file, from 1."""
    column: int | None = None
    """Column in the line, from 1."""
    hint: str | None = None
    """The nearest right word or the spelling to use."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        sentence = f"{place}: {self.message}" if place else self.message
        return f"{sentence} ({self.hint})" if self.hint else sentence


class FramsynError(Exception):
    """Any mistake that framsyn explains to its user; holds every `Problem` found at once."""

    def __init__(self, problems: str | Problem | Iterable[Problem], *, hint: str | None = None) -> None:
        if isinstance(problems, str):
            problems = [Problem(problems, hint=hint)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RuleError(FramsynError):
    """A rule cannot be made a table: unknown column, label, parameter, bad value, or it does not broadcast."""


class ModelError(FramsynError):
    """A model contradicts itself: domains, states, transitions, counters or streams."""


class ScenarioError(FramsynError):
    """A file of the user's (scenario, intervention, parameters, prices, population) cannot be accepted."""


class TargetError(FramsynError):
    """A registry target cannot be compared with this model."""


class StoreError(FramsynError):
    """A run folder is damaged, incomplete or of another format."""


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return a hint naming the allowed word nearest to `word`, or all of them where none is near.

    >>> nearest("foster_hom", ["foster_home", "residential"])
    "did you mean 'foster_home'?"
    """
    words = [str(one) for one in allowed]
    near = get_close_matches(str(word), words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return "allowed: " + ", ".join(words[:20]) if words else None
