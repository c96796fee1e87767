"""What people read of a municipality: its residents, and the budget impact of each arm by calendar year. Layer 9."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from sim.budget_impact import Impact, TownComparison
from sim.prices import OWN, PUBLIC
from sim.report import PAYER_WORDS, evidence_words, measure_words, new_console, print_queues

FIRST_YEARS = 5
"""Years that are printed one by one; later ones every fifth, unless all are asked for."""


def print_town(comparison: TownComparison, folder: Path, seconds: Mapping[str, float], *, detail: bool) -> None:
    """Print the residents, then for each arm what budgets have to find more or less in each year.

    detail: every year and every payer of the tree.
    """
    console = new_console()
    outcome = comparison.outcome
    scenario, town = outcome.plan.scenario, outcome.town
    economics = comparison.economics
    console.print(
        f"\n[bold]{scenario.title or scenario.name}[/bold]: everyone aged 0 to {town.oldest} in {town.start}, born or"
        f" moved in by {town.end - 1}. Thousand kronor a year in one municipality, {economics.price_year} prices,"
        " undiscounted."
    )
    stock = outcome.residents_by_age()
    console.print(
        f"Residents aged 0 to {town.oldest} at the end of {town.start}: {sum(stock.values()):,.0f}, from"
        f" {min(stock.values()):,.0f} to {max(stock.values()):,.0f} of an age;"
        f" {town.births_in(town.start):,} births."
    )
    for arm in comparison.arms:
        _print_arm(console, comparison, arm, detail)
    copies = scenario.cohort.copies
    console.print(
        "\nSpent: what the programme costs. The other columns are what each budget has to find more (+) or less (-),"
        " what is spent included; only what can really be cashed in.\n±: one standard error of the simulation, from"
        f" {copies} copies of the municipality (all public money); not the uncertainty of the evidence.\n"
        f"{comparison.persons:,} persons, {outcome.person_years:,} person-years in {seconds['simulate']:.1f} s"
        f" ({seconds['total']:.1f} s in all). Run folder: {folder}"
    )


def _print_arm(console: Console, comparison: TownComparison, arm: str, detail: bool) -> None:
    scenario = comparison.outcome.plan.scenario
    result, impact = comparison.arms[arm], comparison.impact[arm]
    offers = scenario.arms[arm].interventions
    title = offers[0].title if len(offers) == 1 else ", ".join(one.catalogue_name for one in offers)
    console.print(f"\n[bold]{arm}[/bold]: {title}; {result.participants_per_cohort:,.0f} participants")
    for wave in scenario.arms[arm].rollout:
        weaker = "" if wave.effect == 1 else f", with {wave.effect:g} of the effects' logs in those that begin then"
        console.print(f"  from {wave.begins} in {wave.copies:.0%} of the copies{weaker}")
    payers = [one for one in impact if one != OWN and (detail or "." not in one)]
    if OWN in impact:
        payers.insert(payers.index("municipality") + 1, OWN)
    payers = [one for one in payers if one == PUBLIC or _moves(impact[one])]
    names = [PAYER_WORDS.get(one, one).replace("All public money", "Public")[:19] for one in payers]
    console.print(
        "[bold]  " + f"{'year':<11} {'spent':>8} " + " ".join(f"{name:>19}" for name in names) + f" {'±':>7}[/bold]"
    )
    for place, year in enumerate(comparison.years):
        if detail or place < FIRST_YEARS or (place + 1) % 5 == 0 or place + 1 == len(comparison.years):
            error = impact[PUBLIC].se
            console.print(
                f"  {year:<11} {impact[PUBLIC].spent[place] / 1000:>8,.0f} "
                + " ".join(f"{impact[one].net[place] / 1000:>19,.0f}" for one in payers)
                + (f" {error[place] / 1000:>7,.0f}" if error is not None else "")
            )
    whole = " ".join(f"{impact[one].net.sum() / 1000:>19,.0f}" for one in payers)
    console.print(f"  {'all years':<11} {impact[PUBLIC].spent.sum() / 1000:>8,.0f} {whole}")
    whole = " ".join(f"{impact[one].discounted.sum() / 1000:>19,.0f}" for one in payers)
    console.print(f"  {'discounted':<11} {'':>8} {whole}")
    public = result.by_payer.get(PUBLIC)
    if public is not None:
        when = f"is back in {public.break_even_year}" if public.break_even_year else "is not back"
        console.print(f"  The public money {when} by {comparison.years[-1]}, those who began late included.")
    print_queues(console, comparison.queues[arm], arm)
    if words := measure_words(result):
        console.print(f"  Per 100 participants: {words}.")
    if len(offers) == 1:
        console.print(f"  Evidence: {evidence_words(offers[0])}.")


def _moves(one: Impact) -> bool:
    """Return whether a payer pays or saves a thousand kronor in some year."""
    return bool(abs(one.net).max() >= 500 or abs(one.spent).max() >= 500)
