"""`framsyn check`: every mistake at once, or the plan with the conversions of all effects. Layer 9."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sim.errors import FramsynError
from sim.files import load_plan
from sim.intervention import Intervention
from sim.links import Link
from sim.plan import Plan
from sim.prices import PriceList
from sim.report import places_words, print_plan, print_problems, problems_as_json
from sim.scenario import Scenario


def run_check(path: Path, *, as_json: bool) -> int:
    """Print the plan of a scenario, or its mistakes; return the exit code."""
    try:
        plan = plan_as_dict(load_plan(path))
    except FramsynError as error:
        if as_json:
            json.dump({"ok": False, "errors": problems_as_json(error), "plan": None}, sys.stdout, ensure_ascii=False)
            print()
        else:
            print_problems(error)
        return 2
    if as_json:
        json.dump({"ok": True, "errors": [], "plan": plan}, sys.stdout, ensure_ascii=False)
        print()
    else:
        print_plan(plan)
    return 0


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """Return a plan in plain values: order of the year, margins, arms, offers and effects as they will act."""
    scenario = plan.scenario
    model = scenario.model
    return {
        "title": scenario.title,
        "model": model.name,
        "persons": births_of(scenario),
        "copies": scenario.cohort.copies,
        "municipality": _municipality_as_dict(scenario),
        "strata": _strata_as_dict(plan),
        "class_size": scenario.cohort.class_size,
        "steps": scenario.horizon,
        "order": [domain.name for domain in model.all_domains],
        "races": _mixed_states(plan),
        "causal_share": scenario.causal_share,
        "links": [_link_as_dict(link, plan) for link in scenario.links],
        "residence": _residence_as_dict(scenario.prices),
        "margins": [
            {"columns": list(m.columns), "cells": m.cells, "asked_by": list(m.whose)} for m in plan.margins if m.columns
        ],
        "cells": {arm: program.cells for arm, program in plan.programs.items()},
        "arms": {arm: [_offer_as_dict(one, scenario) for one in offers] for arm, offers in plan.arms.items()},
        "threshold_digest": plan.threshold_digest,
    }


def births_of(scenario: Scenario) -> int:
    """Return the persons that are born in all copies: of the cohort, or in all the years of a municipality."""
    town = scenario.municipality
    if town is None:
        return scenario.cohort.persons
    return scenario.cohort.copies * sum(town.births_in(year) for year in town.birth_years)


def _municipality_as_dict(scenario: Scenario) -> dict[str, Any] | None:
    """Return the years, moves and siblings of a municipality, as values and in words; None for a birth cohort."""
    town = scenario.municipality
    if town is None:
        return None
    words = [
        f"a municipality: everyone aged 0 to {town.oldest} in {town.start} and born later, lived from birth under the"
        f" baseline; counted from {town.start} to {town.end - 1}"
    ]
    words += [
        f"  {group.name} move in: {sum(group.a_year):g} a year, up to age {len(group.a_year) - 1}"
        + "".join(f", {name} {label}" for name, label in group.fixed.items())
        for group in town.moves_in
    ]
    if town.moves_out is not None:
        words.append(f"  families with children up to age {len(town.moves_out.a_year) - 1} move away")
    if town.siblings is not None:
        words.append(f"  births are put into families: {town.siblings.by_order[0]:.0%} are first children")
    for name, arm in scenario.arms.items():
        words += [
            f"  {name}: from {one.begins} in {one.copies:.0%} of the copies, effects' logs times {one.effect:g}"
            for one in arm.rollout
        ]
    return {"start": town.start, "years": town.years, "oldest": town.oldest, "first": town.first, "words": words}


def _residence_as_dict(prices: PriceList) -> dict[str, Any] | None:
    """Return who pays for those who have moved, as values and in words; None where everyone's payers are the same."""
    residence = prices.residence
    if residence is None:
        return None
    stays = [price.name for price in prices.prices if price.stays]
    words = [f"who pays, by '{residence.column}' at the end of the year:", f"  {residence.own}: as the prices say"]
    for label, instead in residence.elsewhere.items():
        if instead is None:
            said = "nobody in Sweden pays or receives anything"
        else:
            said = ", ".join(f"{payer} instead of {branch}" for branch, payer in instead.items())
        words.append(f"  {label}: {said or 'as the prices say'}")
    if stays:
        words.append(f"  wherever they live, as the prices say: {', '.join(stays)}")
    words.append("  what interventions cost stays with those who offer them")
    return {
        "column": residence.column,
        "own": residence.own,
        "elsewhere": {label: None if one is None else dict(one) for label, one in residence.elsewhere.items()},
        "stays": stays,
        "words": words,
    }


def _link_as_dict(link: Link, plan: Plan) -> dict[str, Any]:
    return {
        "acts": plan.in_classes or link.from_domain not in plan.scenario.model.group_values,
        "domain": link.domain,
        "parameter": link.parameter,
        "from": link.from_domain,
        "unit": link.unit,
        "common": link.common,
        "causal_share": link.causal_share,
        "causal": dict(link.causal),
        "provenance": link.provenance,
        "source": link.source,
    }


def _strata_as_dict(plan: Plan) -> list[dict[str, Any]]:
    """Return each stratum with its share of the population and its persons."""
    cohort = plan.scenario.cohort
    if plan.strata is None:
        return []
    return [
        {
            "stratum": one.name,
            "when": one.when.text if one.when else None,
            "share": float(plan.strata.shares[place]),
            "persons": cohort.sizes[place],
            "blocks": cohort.parts,
        }
        for place, one in enumerate(cohort.strata)
    ]


def _offer_as_dict(intervention: Intervention, scenario: Scenario) -> dict[str, Any]:
    return {
        "intervention": intervention.catalogue_name,
        "title": intervention.title,
        "ages": list(intervention.ages),
        "when": intervention.when.text,
        "uptake": intervention.uptake.text,
        "years": intervention.years,
        "estimand": intervention.estimand,
        "baseline_coverage": intervention.baseline_coverage,
        "capacity_per_year": intervention.capacity_per_year,
        "rank": None if intervention.rank is None else intervention.rank.text,
        "waiting_years": intervention.waiting_years,
        "costs": [
            {key: getattr(line, key) for key in ("per", "amount", "price_year", "size", "years")}
            for line in intervention.costs
        ],
        "within_a_copy": _within_a_copy(intervention, all_ages=scenario.municipality is not None),
        "provenance": intervention.evidence.get("provenance"),
        "effects": [
            {
                "on": [f"{d}: {a} -> {b}" for d, a, b in effect.on] or [f"trait {effect.trait}"],
                "stated": effect.stated,
                "kind": effect.kind,
                "size": effect.size,
                "mechanism": effect.mechanism,
                "beyond_follow_up": effect.fade.beyond,
            }
            for effect in intervention.effects
        ],
    }


def _within_a_copy(intervention: Intervention, *, all_ages: bool) -> list[str]:
    """Return in words what holds within one copy of the municipality, and who shares it.

    all_ages: whether all birth years are there; else who shares it in reality.
    """
    words = []
    width = intervention.ages[1] - intervention.ages[0] + 1
    if (places := intervention.capacity_per_year) is not None:
        rank = "" if intervention.rank is None else f"the highest {intervention.rank.text}, then "
        limit = intervention.waiting_years
        wait = "as long as one is eligible" if limit is None else f"{limit} year(s) at the most"
        words.append(
            f"{places_words(places)} in each copy; first in line: {rank}the longest waiting, then by lot; one waits"
            f" {wait}"
        )
        first, last = intervention.ages
        if all_ages:
            words.append(f"everyone of these ages, {first} to {last}, who lives there stands in this line")
        else:
            words.append(
                "only one birth year stands in this line" + ("" if width == 1 else f": places for all ages from {first}"
                f" to {last} are shared by {width} birth years, {places / width:.2g} places a year for each")
            )  # fmt: skip
    for line in intervention.costs:
        if line.by_copy:
            each = f"for each {line.size} in delivery, or part of them," if line.size else ""
            when = {"once": "in the first year with anyone in delivery"}.get(line.per, "a year")
            if line.per == "fixed":
                years = line.years
                when = f"a year from {years[0]} to {years[1]}" if years else "a year with anyone in delivery"
            words.append(f"{line.amount:,.0f} kronor {each} {when} in each copy".replace("  ", " "))
    if any(line.by_copy for line in intervention.costs):
        shared = width + intervention.years - 1
        if all_ages:
            words.append("paid once for all birth years together")
        else:
            words.append(
                "paid by one birth year alone"
                + ("" if shared == 1 else f": in reality up to {shared} birth years share a team or a service")
            )
    return words


def _mixed_states(plan: Plan) -> list[str]:
    """Return the states out of which hazards and uncertain occasions race, which a reader should know."""
    mixed = []
    for domain in plan.scenario.model.all_domains:
        for state in domain.states:
            kinds = {move.kind for move in domain.moves if move.from_state == state}
            if "hazard" in kinds and len(kinds) > 1:
                mixed.append(f"{domain.name}: {state}")
    return mixed
