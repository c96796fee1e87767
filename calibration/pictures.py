"""Pictures of the simulated life courses: the share in each state by age, for groups of the baseline's children.

`python -m calibration.pictures scenarios/sweden.yaml docs/life_course`. Needs matplotlib (the extra `pictures`);
imports `sim`; knows no registry and no money.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.counting import FloatArray
from sim.engine import simulate
from sim.files import load_plan
from sim.ledger import Need
from sim.model import Model
from sim.outcome import Outcome
from sim.plan import bind
from sim.prices import PriceList
from sim.scenario import BASELINE, Scenario


@dataclass(frozen=True)
class Panel:
    """One picture: a domain over some ages."""

    domain: str
    ages: tuple[int, int]
    most: float = 1.0
    """Top of the share axis: below 1 the common state, drawn last, runs out of the picture."""
    last: tuple[str, ...] = ()
    """States drawn last, on top of the stack."""


PICTURES: tuple[Panel, ...] = (
    Panel("family", (0, 18)),
    Panel("care", (0, 22), 0.16, ("none",)),
    Panel("mental_health", (0, 66), 0.4, ("none",)),
    Panel("school", (6, 20)),
    Panel("upper_secondary", (15, 35)),
    Panel("activity", (16, 70)),
    Panel("crime", (10, 70), 0.25, ("inactive",)),
    Panel("assistance", (18, 66), 0.08, ("none",)),
    Panel("residence", (16, 60)),
)
"""The pictures, a file each."""

GROUPINGS = ("sex", "parental_education", "behaviour_risk")
"""Traits that the children are grouped by: a row of each picture, with a panel for each of their values."""

INCHES_PER_PANEL = (1.95, 1.75)

DOTS_PER_INCH = 100


def needs(model: Model) -> tuple[Need, ...]:
    """Return the columns that the pictures have to see counted together."""
    domains = {panel.domain for panel in PICTURES}
    known = {domain.name for domain in model.domains}
    return tuple(Need(frozenset({domain, group})) for domain in sorted(domains & known) for group in GROUPINGS)


def shares_by_age(outcome: Outcome, domain: str, group: str) -> FloatArray:
    """Return the share of the living of each group in each state at the end of each age: (groups, ages, states).

    Not a number where nobody of a group is alive.
    """
    counts, _ = outcome.share_in([group, domain])
    living = counts[1:].sum(axis=2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.transpose(counts[1:] / living, (1, 0, 2)))


def draw(outcome: Outcome, folder: Path) -> list[Path]:
    """Draw every picture whose domains the model has, and return the files."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    model = outcome.plan.scenario.model
    known = {domain.name for domain in model.domains}
    files = []
    for panel in PICTURES:
        if panel.domain in known:
            files.append(folder / f"{panel.domain}.png")
            _picture(outcome, panel, files[-1])
    return files


def _picture(outcome: Outcome, panel: Panel, file: Path) -> None:
    from matplotlib import pyplot

    model = outcome.plan.scenario.model
    columns = max(model.columns[group].size for group in GROUPINGS)
    wide, high = INCHES_PER_PANEL
    figure, grid = pyplot.subplots(
        len(GROUPINGS), columns, figsize=(wide * columns, high * len(GROUPINGS)), sharex=True, sharey=True
    )
    for axes, group in zip(grid, GROUPINGS, strict=True):
        shares = shares_by_age(outcome, panel.domain, group)
        for code, one in enumerate(axes):
            if code >= len(shares):
                one.set_axis_off()
                continue
            _panel(one, panel, model, shares[code])
            one.set_title(_group_name(model, group, code), fontsize=9)
        axes[0].set_ylabel(group.replace("_", " "), fontsize=9)
        axes[0].set_axis_on()
    handles, labels = grid[0][0].get_legend_handles_labels()
    for one in grid[-1]:
        one.set_xlabel("age", fontsize=8)
    figure.suptitle(f"{panel.domain.replace('_', ' ')}, share of the living by age", fontsize=11)
    figure.tight_layout(pad=0.5)
    two = 1 + (len(labels) > 6)
    # the first row has the fewest panels: what is left of it holds the legend
    figure.legend(
        handles[::-1], labels[::-1], loc="upper right", bbox_to_anchor=(0.98, 0.92), fontsize=9, frameon=False,
        ncols=two,
    )  # fmt: skip
    figure.savefig(file, dpi=DOTS_PER_INCH, metadata={"Software": None})
    pyplot.close(figure)


def _panel(axes: Any, panel: Panel, model: Model, shares: FloatArray) -> None:
    """Draw one stack of shares over the ages: (ages, states)."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    states = model.domain(panel.domain).states
    order = [state for state in states if state not in panel.last] + [s for s in states if s in panel.last]
    first, last = panel.ages[0], min(panel.ages[1], len(shares) - 1)
    window = shares[first : last + 1]
    colours = _colours(states, panel.last)
    layers: list[NDArray[np.float64]] = [window[:, states.index(state)] for state in order]
    labels = [state.replace("_", " ") for state in order]
    axes.stackplot(
        np.arange(first, last + 1), layers, labels=labels, colors=[colours[state] for state in order], linewidth=0,
        step="mid",
    )  # fmt: skip
    axes.set_xlim(first, last)
    axes.set_ylim(0, panel.most)
    axes.tick_params(labelsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _colours(states: Sequence[str], last: Sequence[str]) -> dict[str, Any]:
    """Return a colour a state, the same in every panel; what is drawn last is a pale grey."""
    from matplotlib import colormaps

    palette = colormaps["tab20" if len(states) > 10 else "tab10"]
    return {state: "#e8e8e8" if state in last else palette(place) for place, state in enumerate(states)}


def _group_name(model: Model, group: str, code: int) -> str:
    column = model.columns[group]
    if column.labels is not None and column.values is None:
        return column.labels[code].replace("_", " ")
    ends = {0: "lowest fifth", column.size - 1: "highest fifth"}
    return ends.get(code, f"{code + 1}")


def counted_for_pictures(scenario: Scenario) -> Scenario:
    """Return a scenario's baseline with only what the pictures need counted."""
    arms = {BASELINE: scenario.arms[BASELINE]}
    return replace(scenario, arms=arms, prices=PriceList(), measures=(), needs=needs(scenario.model))


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate a scenario's baseline and draw it; prints the files."""
    parser = argparse.ArgumentParser(prog="python -m calibration.pictures", description=__doc__)
    parser.add_argument("scenario", type=Path, help="a scenario file")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--persons", type=int, default=None, help="persons to simulate, rounded up to whole copies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    scenario = load_plan(given.scenario, persons=given.persons).scenario
    outcome = simulate(bind(counted_for_pictures(scenario)), seed=given.seed, threads=given.threads)
    for file in draw(outcome, given.folder):
        print(file)


if __name__ == "__main__":
    main()
