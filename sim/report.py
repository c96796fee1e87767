"""What people read: one screen a comparison, plans and mistakes in plain words. Layer 9."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.causal_shares import NetAtShare, Nets
from sim.comparison import ArmResult, Comparison, PayerResult
from sim.errors import FramsynError
from sim.intervention import Intervention
from sim.model import MAX_AGE
from sim.needed import Needed
from sim.prices import APART, OWN, PUBLIC
from sim.queue_counts import QueueCounts, queue_counts
from sim.scenario import BASELINE, Cohort, Scenario

PAYER_WORDS = {
    "public": "All public money", "municipality": "Municipality", "region": "Region", "state": "State",
    "municipality.other": "Other municipalities", "region.other": "Other regions", OWN: "of which your own",
    "household": "Household", "victims": "Victims of crime",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What one call of `compare` or `price` found."""

    comparison: Comparison
    needed: Mapping[str, Needed]
    """By arm that holds an effect without an estimate."""
    nets: Nets
    """At several causal shares; empty unless asked for."""
    folder: Path
    seconds: Mapping[str, float]


_WHEN = {
    "end": "",
    "start": "; states counted at the start of each year",
    "half_cycle": "; states counted as the mean of start and end of each year",
}


def print_comparison(answer: Answer, *, detail: bool = False) -> None:
    """Print the answer: per arm and payer what is spent, what comes back, the net and when it is back.

    detail: every payer of the tree instead of the first level.
    """
    console = new_console()
    comparison, seconds = answer.comparison, answer.seconds
    scenario = comparison.outcome.plan.scenario
    cohort, economics = scenario.cohort, comparison.economics
    years = "over whole lives" if scenario.horizon > MAX_AGE else f"over {scenario.horizon} years"
    console.print(
        f"\n[bold]{scenario.title or scenario.name}[/bold]: children born {cohort.born}, {years}. Thousand kronor"
        f" for a year's {cohort.represents:,} births, {economics.price_year} prices,"
        f" {economics.discount_rate:.1%} discount{_WHEN[economics.counted]}."
    )
    console.print(f"\n[bold]{'':<28} {'spent':>8} {'back':>8} {'net':>8} {'±':>8} money is back[/bold]")
    print_queues(console, queue_counts(comparison.outcome, BASELINE), BASELINE)
    for arm in comparison.arms:
        _print_arm(console, answer, arm, detail)
    console.print(
        "\nSpent: what the interventions cost. Back: what leaves or enters budgets later because of them; only what can"
        " really be cashed in. Net: back less spent.\n±: one standard error of the simulation"
        f" ({_parts_words(cohort)}), not the uncertainty of the evidence; ? = net within two."
        + _moved_words(comparison)
        + _causal_words(scenario)
        + _class_words(scenario)
        + f"\n{comparison.persons:,} persons, {comparison.outcome.person_years:,} person-years in"
        f" {seconds['simulate']:.1f} s ({seconds['total']:.1f} s in all). Run folder: {answer.folder}"
    )


def _moved_words(comparison: Comparison) -> str:
    """Return what the line of one's own municipality means, where there is one."""
    if all(result.own is None for result in comparison.arms.values()):
        return ""
    return (
        "\nMunicipality: all municipalities together, so as if nobody moved to another one; of which your own: without"
        " what falls on others once people have moved there. Taxes are counted before the equalisation of incomes"
        " between municipalities, which takes back most of a change in them."
    )


def _causal_words(scenario: Scenario) -> str:
    """Return what the result takes to be causal where only an association is known."""
    if not any(link.common for link in scenario.links):
        return ""
    return (
        f"\nOf what is known only as an association between two sides of life, {scenario.causal_share:.0%} acts as a"
        " cause (`--causal-share all` shows none and all)."
    )


def _class_words(scenario: Scenario) -> str:
    """Return what classmates do in the result, where there are any."""
    size = scenario.cohort.class_size
    if size is None:
        return ""
    return (
        f"\nIn classes of {size}, put together at random: what participants change for classmates is in all amounts,"
        " those per 100 participants included."
    )


def _print_arm(console: Console, answer: Answer, arm: str, detail: bool) -> None:
    scenario = answer.comparison.outcome.plan.scenario
    result, needed = answer.comparison.arms[arm], answer.needed.get(arm)
    offers = scenario.arms[arm].interventions
    title = (
        offers[0].title if len(offers) == 1 else ", ".join(one.catalogue_name for one in offers) or "changed figures"
    )
    others = result.through_classmates_per_cohort or 0.0
    more = f", {others:,.{0 if others >= 10 else 1}f} more lives changed through classmates" if others else ""
    console.print(f"\n[bold]{arm}[/bold]: {title}; {result.participants_per_cohort:,.0f} participants{more}")
    for payer, one in result.by_payer.items():
        if payer.count(".") == 0 or detail:
            row = _payer_row(payer, one, scenario.cohort.represents)
            if row is not None:
                console.print(row)
            if row is not None and payer == "municipality" and result.own is not None:
                console.print(_payer_row(OWN, result.own, scenario.cohort.represents, always=True))
    print_queues(console, queue_counts(answer.comparison.outcome, arm), arm)
    if words := measure_words(result):
        console.print(f"  Per 100 participants: {words}.")
    if PUBLIC in answer.nets.get(arm, {}):
        console.print(f"  {_net_words(answer.nets[arm][PUBLIC], scenario.cohort.represents)}")
    if needed is not None:
        console.print(f"  {needed_words(needed)}")
    if len(offers) == 1:
        console.print(f"  Evidence: {evidence_words(offers[0])}.")


def print_queues(console: Console, queues: Mapping[str, QueueCounts], arm: str) -> None:
    """Print how the lines of an arm went, one by one."""
    for name, one in queues.items():
        where = "  The baseline's line for" if arm == BASELINE else "  Line for"
        console.print(
            f"{where} {name.replace('_', ' ')}, {places_words(one.capacity_per_year)}: in a municipality's mean year"
            f" with a line ({one.years} of them) {_few(one.eligible)} stand in it, {_few(one.offered)} are asked,"
            f" {_few(one.refused)} refuse, {_few(one.started)} start and {_few(one.waiting)} wait on"
            + (f" ({_few(one.gave_up)} give up)." if one.gave_up > 0 else ".")
            + ("" if one.years_waited is None else f" Those who start have waited {one.years_waited:.1f} years.")
        )


def places_words(places: int) -> str:
    """Return how many places a year there are.

    >>> places_words(1), places_words(20)
    ('1 place a year', '20 places a year')
    """
    return f"{places:,} place{'' if places == 1 else 's'} a year"


def _few(number: float) -> str:
    """Return a number of persons in a municipality, to a tenth where they are few."""
    return f"{number:,.0f}" if number >= 10 or number == round(number) else f"{number:.1f}"


def _net_words(nets: Sequence[NetAtShare], births: int) -> str:
    """Return the net at each causal share in thousand kronor a year's cohort."""
    shares = " / ".join(f"{one.causal_share:g}".replace("0.", ".") for one in nets)
    amounts = " / ".join(f"{round(one.net * births / 1000) + 0:,}" for one in nets)
    return f"Public net at causal share {shares}: {amounts}."


def _parts_words(cohort: Cohort) -> str:
    """Return what standard errors come from."""
    if cohort.strata:
        return f"{cohort.parts} random parts of {len(cohort.strata)} strata, weighted to the population"
    return f"{cohort.copies} copies of the municipality"


def measure_words(result: ArmResult) -> str:
    """Return the changes that stand out of the simulation's noise, by two standard errors."""
    words = []
    for name, measure in result.measures.items():
        if measure.se is not None and abs(measure.change) >= 2 * measure.se and measure.change != 0:
            size = f"{measure.change:+.1f}" if abs(measure.change) >= 1 else f"{measure.change:+.2f}"
            spoken = name.replace("_", " ")
            words.append(f"{spoken} {size}" + ("" if measure.unit in spoken else f" {measure.unit}"))
    return ", ".join(words)


def evidence_words(intervention: Intervention) -> str:
    """Return what is known of an intervention: design, country, size, and whether its interval includes no effect."""
    known = intervention.evidence
    words = [f"{str(known.get('design', 'none')).replace('_', ' ')}, {known.get('country')}"]
    if known.get("n"):
        words.append(f"n = {known['n']:,}")
    sized = [effect for effect in intervention.effects if effect.kind != "unknown"]
    if not sized:
        words.append("no estimate of the effect exists")
    elif all(effect.se is not None and abs(effect.size) < 1.96 * effect.se for effect in sized):
        words.append("its interval includes no effect")
    words.append(f"figures {known.get('provenance')}")
    return ", ".join(words)


def needed_words(needed: Needed) -> str:
    """Return in words what an intervention without an estimate would have to do."""
    on = ", ".join(f"'{name}'" for name in needed.on)
    if needed.ratio is None:
        return f"No estimate of the effect exists; no ratio from 1/20 to 20 on {on} would bring the public money back."
    change = 100 * (needed.ratio - 1)
    verb = "fall" if change < 0 else "rise"
    return (
        f"No estimate of the effect exists: to pay back, the rate of {on} would have to {verb} by {abs(change):.0f} %."
    )


def _payer_row(payer: str, one: PayerResult, births: int, *, always: bool = False) -> str | None:
    """Return the line of a payer in thousand kronor a year's cohort, or None where nothing happens to it."""
    thousand = births / 1000
    spent, net = one.spent * thousand, -one.incremental * thousand
    if round(spent) == 0 and round(net) == 0 and not always:
        return None
    depth = 1 + (0 if payer == PUBLIC or payer.split(".")[0] in APART else payer.count(".") + 1 + (payer == OWN))
    name = "  " * depth + PAYER_WORDS.get(payer, payer.split(".")[-1].replace("_", " "))
    error = "" if one.se is None else f"{one.se * thousand:,.0f}"
    unsure = "?" if one.se is not None and abs(one.incremental) < 2 * one.se else ""
    if one.no_outlay:
        when = "pays nothing"
    else:
        when = f"{one.break_even_year or 'never'}{unsure}"
    return f"{name:<28} {spent:>8,.0f} {net + spent:>8,.0f} {net:>8,.0f} {error:>8} {when}"


def print_problems(error: FramsynError, *, as_json: bool = False) -> None:
    """Print every mistake: place, sentence, the line itself, the nearest right word; JSON to standard output."""
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
        {"file": p.file, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint}
        for p in error.problems
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
    console = new_console()
    console.print(
        f"[bold]{plan['title']}[/bold]: model {plan['model']}, {plan['persons']:,} persons in"
        + (f" {len(plan['strata'])} strata" if plan["strata"] else f" {plan['copies']} copies")
        + (f", in classes of {plan['class_size']}" if plan["class_size"] else "")
    )
    for one in plan["strata"]:
        console.print(
            f"  {one['stratum']} ({one['when'] or 'the rest'}): {one['share']:.3%} of the births, {one['persons']:,}"
            f" persons in {one['blocks']} blocks"
        )
    for line in plan["municipality"]["words"] if plan["municipality"] else ():
        console.print(line)
    console.print(f"{plan['steps']} steps; order of a year: {', '.join(plan['order'])}")
    if plan["races"]:
        console.print(f"hazards and uncertain occasions race out of: {', '.join(plan['races'])}")
    _print_links(console, plan["links"])
    for line in plan["residence"]["words"] if plan["residence"] else ():
        console.print(line)
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
                console.print(
                    f"    delivered already to {offer['baseline_coverage']:.0%} of the eligible, in every arm"
                )
            for words in offer["within_a_copy"]:
                console.print(f"    {words}")
            for effect in offer["effects"]:
                console.print(
                    f"    {', '.join(effect['on'])}: {effect['stated']}; beyond follow-up: {effect['beyond_follow_up']}"
                )
    console.print("the scenario is in order")


def _print_links(console: Console, links: Sequence[Mapping[str, Any]]) -> None:
    """Print every link with what of it acts and on what evidence."""
    if not links:
        return
    console.print("links, with the log ratios that act:")
    for link in links:
        of = "an association's common share" if link["common"] else "own share"
        of += "" if link["acts"] else "; off, as there are no classes"
        ratios = ", ".join(f"{label} {value:.3g}" for label, value in link["causal"].items())
        console.print(
            f"  {link['from']} -> {link['domain']}: {link['parameter']}, causal share {link['causal_share']:g}"
            f" ({of}), {link['unit']} {ratios}; {link['provenance']}: {link['source']}"
        )


def new_console() -> Console:
    """Return where people read: plain text, no line broken."""
    return Console(highlight=False, soft_wrap=True)
