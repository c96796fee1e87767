"""The Swedish model and the files that ship with it, as the tests of this folder see them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import sim.lifecourse
from sim.files import shipped_folder
from sim.ledger import Ledger, Need
from sim.outcome import Outcome
from sim.source import read_yaml

SHIPPED = shipped_folder()
MODEL = sim.lifecourse.MODEL
CODE = sorted(Path(sim.lifecourse.__file__).parent.rglob("*.py"))
DOMAINS = [one.name for one in MODEL.domains]
INTERVENTIONS = sorted(path.stem for path in (SHIPPED / "interventions").glob("*.yaml"))

MOVES_OF = tuple(Need(frozenset({name, f"previous_{name}"})) for name in DOMAINS)
"""Every domain's state before and after a year."""


def parameter_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every parameter file's name and its rows."""
    for path in sorted((SHIPPED / "parameters").glob("*.yaml")):
        yield path.stem, read_yaml(path).values["parameters"]


@cache
def link_rows() -> dict[tuple[str, str], dict[str, Any]]:
    """Return every row with `link:`, by domain and parameter."""
    return {(name, key): row for name, file in parameter_files() for key, row in file.items() if "link" in row}


def per_life(outcome: Outcome, quantity: str) -> float:
    """Return a quantity of the baseline a person born, over life."""
    return float(outcome.volume(quantity, outcome.baseline)[:, 1:].sum() / outcome.baseline.persons.sum())


def lived_counts(ledger: Ledger) -> list[np.ndarray]:
    """Return the counts of every margin with delivery summed over: what was lived, whoever took part in what."""
    counts = []
    for margin in ledger.margins:
        flags = tuple(k + 2 for k, name in enumerate(margin.columns) if name.startswith("receives_"))
        shaped = ledger.of(margin).reshape(*ledger.counts.shape[:2], *margin.sizes)
        counts.append(shaped.sum(axis=flags) if flags else shaped)
    return counts


def same_lives(one: Ledger, other: Ledger) -> bool:
    """Say whether two ledgers of the same plan count the same lives."""
    return all((a == b).all() for a, b in zip(lived_counts(one), lived_counts(other), strict=True))
