"""What people read: one screen a comparison, plans and mistakes in plain words. Layer 9."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sim.comparison import ArmResult, Comparison, PayerResult
from sim.errors import FramsynError
from sim.needed import Needed
from sim.prices import APART, PUBLIC

_WORDS = {
    "public": "All public money", "municipality": "Municipality", "region": "Region", "state": "State",
    "household": "Household", "victims": "Victims of crime",
}  # fmt: skip


def print_comparison(
    comparison: Comparison, needed: Mapping[str, Needed], folder: Path, seconds: Mapping[str, float]
) -> None:
    """Print the answer: per arm and payer what is spent, what comes back, the net and when it is back."""
    console = _console()
    scenario = comparison.outcome.plan.scenario
    cohort, economics = scenario.cohort, comparison.economics
    years = "over whole lives" if scenario.horizon > 100 else f"over {scenario.horizon} years"
    console.print(f"\n[bold]{scenario.title or scenario.name}[/bold]")
    console.print(
        f"Children born {cohort.born}, {years}. Thousand kronor for one yearly cohort of {cohort.represents:,} births,"
        f" {economics.price_year} prices, {economics.discount_rate:.1%} a year.\n"
        "Spent: what the arm's interventions cost the payer. Back: what leaves (or enters) its budget later because of"
        " them. Net: back less spent. ± is the standard error from"
        f" {cohort.copies} simulated copies of the municipality; it is not the uncertainty of the evidence."
    )
    for arm, result in comparison.arms.items():
        console.print(_arm_table(comparison, arm, result, needed.get(arm)))
    console.print(
        f"\n{comparison.persons:,} persons, {comparison.outcome.person_years:,} person-years,"
        f" simulated in {seconds['simulate']:.1f} s, {seconds['total']:.1f} s in all. Run: {folder}"
    )


def _arm_table(comparison: Comparison, arm: str, result: ArmResult, needed: Needed | None) -> Table:
    scenario = comparison.outcome.plan.scenario
    titles = "; ".join(one.title for one in scenario.arms[arm].interventions) or "changed parameters or prices"
    people = f"{result.participants_per_cohort:,.1f} participants a year's cohort"
    table = Table(title=f"\n[bold]{arm}[/bold]: {titles}\n{people}", title_justify="left", title_style="", box=None, pad_edge=False)
    table.add_column("payer", min_width=26)
    for heading in ("spent", "back", "net", "±"):
        table.add_column(heading, justify="right", min_width=9)
    table.add_column("money is back", min_width=14)
    for payer, one in result.by_payer.items():
        if _shown(payer, one):
            table.add_row(*_payer_row(payer, one, scenario.cohort.represents))
    lines = []
    for name, measure in result.measures.items():
        error = "" if measure.se is None else f" ± {measure.se:.2g}"
        lines.append(f"{name.replace('_', ' ')} {_signed(measure.change)}{error} {measure.unit}")
    if lines:
        table.caption = "Per 100 participants: " + "; ".join(lines)
    if needed is not None:
        table.caption = f"{table.caption}\n{needed_words(needed)}" if table.caption else needed_words(needed)
    table.caption_justify = "left"
    table.caption_style = ""
    return table


def needed_words(needed: Needed) -> str:
    """Return in words what an intervention without an estimate would have to do."""
    on = ", ".join(f"'{name}'" for name in needed.on)
    if needed.ratio is None:
        return f"No estimate of the effect exists; no ratio from 1/20 to 20 on {on} would bring the public money back."
    change = 100 * (needed.ratio - 1)
    verb = "fall" if change < 0 else "rise"
    return f"No estimate of the effect exists: to pay back, the rate of {on} would have to {verb} by {abs(change):.0f} %."


def _shown(payer: str, one: PayerResult) -> bool:
    """Return whether a payer has anything to tell: nodes of the first two levels that something happens to."""
    return payer.count(".") <= 1 and (abs(one.incremental) > 1e-9 or abs(one.spent) > 1e-9)


def _payer_row(payer: str, one: PayerResult, births: int) -> tuple[str, ...]:
    depth = 0 if payer == PUBLIC or payer.split(".")[0] in APART else 1 + payer.count(".")
    name = "  " * depth + _WORDS.get(payer, payer.split(".")[-1].replace("_", " "))
    thousand = births / 1000
    spent, net = one.spent * thousand, -one.incremental * thousand
    error = "" if one.se is None else f"{one.se * thousand:,.0f}"
    if one.no_outlay:
        when = "pays nothing"
    elif one.break_even_year is None:
        when = "never"
    else:
        when = str(one.break_even_year)
    return name, f"{spent:,.0f}", f"{net + spent:,.0f}", f"{net:,.0f}", error, when


def _signed(value: float) -> str:
    return f"{value:+.2f}" if abs(value) < 10 else f"{value:+,.0f}"


def print_problems(error: FramsynError, *, as_json: bool = False) -> None:
    """Print every mistake: place, sentence, the line itself and the nearest right word; JSON goes to standard output."""
    if as_json:
        print(json.dumps({"ok": False, "errors": problems_as_json(error)}, ensure_ascii=False))
    for problem in error.problems:
        place = ":".join(str(part) for part in (problem.file, problem.line, problem.column) if part is not None)
        print(f"{place}: {problem.message}" if place else problem.message, file=sys.stderr)
        line = _line(problem.file, problem.line)
        if line is not None and problem.column is not None:
            print(f"    {line}", file=sys.stderr)
            print("    " + " " * (problem.column - 1) + f"^ {problem.hint or ''}".rstrip(), file=sys.stderr)
        elif problem.hint:
            print(f"    {problem.hint}", file=sys.stderr)
    if len(error.problems) > 1:
        print(f"{len(error.problems)} mistakes; nothing was run or written", file=sys.stderr)


def problems_as_json(error: FramsynError) -> list[dict[str, Any]]:
    """Return every mistake in the form that other programs rely on."""
    return [
        {"file": p.file, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint} for p in error.problems
    ]


def _line(file: str | None, number: int | None) -> str | None:
    if file is None or number is None:
        return None
    try:
        with open(file, encoding="utf-8-sig") as opened:
            lines = opened.read(1_000_000).splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return lines[number - 1] if number <= len(lines) else None


def print_plan(plan: Mapping[str, Any]) -> None:
    """Print a plan: order of the year, what is counted, every arm with its offers and effects as they will act."""
    console = _console()
    console.print(f"[bold]{plan['title']}[/bold]: model {plan['model']}, {plan['persons']:,} persons in {plan['copies']} copies")
    console.print(f"{plan['steps']} steps; order of a year: {', '.join(plan['order'])}")
    if plan["races"]:
        console.print(f"hazards and uncertain occasions race out of: {', '.join(plan['races'])}")
    console.print("counted together:")
    for margin in plan["margins"]:
        asked = f"  (for {', '.join(margin['asked_by'])})" if margin["asked_by"] else ""
        console.print(f"  {' × '.join(margin['columns'])}: {margin['cells']} cells{asked}")
    for arm, offers in plan["arms"].items():
        console.print(f"[bold]{arm}[/bold]" + ("" if offers else ": nothing is offered"))
        for offer in offers:
            console.print(
                f"  {offer['intervention']}: {offer['title']}; ages {offer['ages'][0]} to {offer['ages'][1]}, when"
                f" {offer['when']}, uptake {offer['uptake']}, {offer['years']} year(s), {offer['estimand']},"
                f" figures {offer['provenance']}"
            )
            if offer["baseline_coverage"]:
                console.print(f"    delivered already to {offer['baseline_coverage']:.0%} of the eligible, in every arm")
            for effect in offer["effects"]:
                console.print(f"    {', '.join(effect['on'])}: {effect['stated']}; beyond follow-up: {effect['beyond_follow_up']}")
    console.print("the scenario is in order")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
