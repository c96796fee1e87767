"""Which row of a chunk of persons holds which column. Layer 3: knows a model's columns and rules, no table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sim.domain import PREVIOUS
from sim.model import Model
from sim.tables import Rule


@dataclass(frozen=True)
class Layout:
    """Which row of a chunk holds which column."""

    model: Model
    rows: Mapping[str, int]
    receives: Mapping[str, int] = field(default_factory=dict)
    """Row of the flag "in delivery", by intervention, where a quantity is replaced."""

    @classmethod
    def of(cls, model: Model, extra_reads: Iterable[str], replaced_by: Iterable[str]) -> Layout:
        """Lay out the columns that the model needs; `previous_` ones only where something reads them."""
        needed = {name for rule in model_rules(model) for name in rule.reads} | set(extra_reads)
        plain = ["age", *(trait.name for trait in model.traits), *model.changing]
        names = plain + [n for n in model.columns if n not in plain and n in needed]
        rows = {name: row for row, name in enumerate(names)}
        receives = {name: len(rows) + k for k, name in enumerate(sorted(set(replaced_by)))}
        return cls(model, rows, receives)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows) + len(self.receives)

    @property
    def previous(self) -> list[tuple[int, int]]:
        """Row of a column and row of its value at the start of the step, wherever the latter is kept."""
        plain = {name: name.removeprefix(PREVIOUS) for name in self.rows}
        return [(self.row(plain[name]), row) for name, row in self.rows.items() if name != plain[name]]

    def row(self, name: str) -> int:
        """Return the row of a column, or of the flag `receives_<intervention>`."""
        return self.rows[name] if name in self.rows else self.receives[name.removeprefix("receives_")]


def model_rules(model: Model) -> list[Rule]:
    """Return every rule of the model that the kernels look up."""
    rules = [m.rule for d in model.all_domains for m in d.moves] + [
        f.rule for d in model.all_domains for f in d.factors
    ]
    return rules + [Rule.of(counter.when) for counter in model.counters]
