"""Group values: what share of the others in a person's class meets a condition, as a column of bins. Layer 3.

Knows columns and rules; who is in which class is said by identities (`sim.persons`), the value itself is taken by a
kernel, in whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sim.errors import ModelError
from sim.tables import Column, Parameters, Rule

MILLION = 10**6
"""Bins are read to the millionth, so that a share is compared with them in whole numbers."""

MOST_BINS = 100


@dataclass(frozen=True)
class GroupValue:
    """The share of the living others in a person's class for whom a condition holds at the start of the step.

    It is told as the nearest of some bins, the lower one where two are as near. It is 0, the first bin, outside the
    ages, where nobody else of the class lives, and where a scenario has no classes. Raises ModelError for bins that
    cannot be.
    """

    domain: str
    """Whose parameters the ages may name."""
    when: Rule
    """Over the columns of one of the others, as they stand at the start of the step."""
    bins: tuple[float, ...]
    """Shares, from 0 upwards; their labels are "1", "2", …"""
    ages: tuple[int | str, int | str] = (0, 100)
    """Closed window: ages, or names of scalar parameters of the domain."""

    def __post_init__(self) -> None:
        whole = self._millionths
        rising = all(low < high for low, high in pairwise(whole))
        if not 2 <= len(whole) <= MOST_BINS or whole[0] != 0 or not rising or whole[-1] > MILLION:
            raise ModelError(
                f"the bins of the group value '{self.name}' must be 2 to {MOST_BINS} shares that rise from 0, at most 1"
            )

    @property
    def name(self) -> str:
        """The name of its column: that of its rule."""
        return self.when.name

    @property
    def column(self) -> Column:
        """The column where the scenario has classes."""
        return Column(self.name, tuple(str(k + 1) for k in range(len(self.bins))), self.bins)

    @property
    def constant(self) -> Column:
        """The column where it has none: one label, which is worth 0."""
        return Column(self.name, ("1",), self.bins[:1])

    @property
    def cuts(self) -> tuple[int, ...]:
        """Twice the share, in millionths, above which one is in a higher bin than the first, the second, …"""
        whole = self._millionths
        return tuple(low + high for low, high in pairwise(whole))

    def window(self, parameters: Parameters) -> tuple[int, int]:
        """Return the ages in which it is taken, with the parameters of its domain; raises ModelError."""
        where = f"the group value '{self.name}'"
        low, high = parameters.window(self.ages[0], where), parameters.window(self.ages[1], where)
        if not 0 <= low <= high <= 100:
            raise ModelError(f"the ages {low} to {high} of {where} must rise within 0 to 100")
        return low, high

    @property
    def _millionths(self) -> list[int]:
        return [round(share * MILLION) for share in self.bins]
