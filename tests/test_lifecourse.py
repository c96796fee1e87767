"""The Swedish model that ships: every figure is read and sourced, every state is lived, every offer reaches someone.

Believability is checked within wide bounds, each with the source it comes from; it is no test of fit.
"""

from __future__ import annotations

import ast
import io
import math
import tokenize
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

import sim.lifecourse
from calibration.targets import life_expectancy, read_figures
from sim.comparison import compare
from sim.domain import Quantity
from sim.engine import simulate
from sim.evidence import PROVENANCES
from sim.expression import Expression
from sim.files import load_plan, shipped_folder
from sim.intervention import Effect
from sim.ledger import Need
from sim.outcome import Outcome
from sim.plan import Plan
from sim.prices import Economics
from sim.scenario import Arm, Scenario
from sim.source import read_yaml

SHIPPED = shipped_folder()
CODE = sorted(Path(sim.lifecourse.__file__).parent.glob("*.py"))
MODEL = sim.lifecourse.MODEL
INTERVENTIONS = sorted(path.stem for path in (SHIPPED / "interventions").glob("*.yaml"))

PERSONS = 30_000

STATES = tuple(Need(frozenset({d.name, f"previous_{d.name}"})) for d in MODEL.domains)
WHO = (Need(frozenset({"sex"})), Need(frozenset({"ever_placed"})))


@pytest.fixture(scope="module")
def every_arm(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Return the country's children with an arm for each shipped intervention alone."""
    path = tmp_path_factory.mktemp("scenario") / "every.yaml"
    arms = "".join(f"  {name}: {{interventions: [{name}]}}\n" for name in INTERVENTIONS)
    path.write_text(
        "title: Every intervention alone\nmodel: lifecourse\npopulation: sweden\nprices: sweden\n"
        "cohort: {born: 2026, represents: 3000}\neconomics: {price_year: 2024}\narms:\n  baseline: {}\n" + arms
    )
    return load_plan(path, persons=PERSONS, extra=(*STATES, *WHO))


@pytest.fixture(scope="module")
def outcome(every_arm: Plan) -> Outcome:
    return simulate(every_arm, seed=1, threads=2)


# Figures


def parameter_files() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((SHIPPED / "parameters").glob("*.yaml")):
        yield path.stem, read_yaml(path).values


def test_every_domain_has_its_parameters_and_every_file_a_domain() -> None:
    names = {name for name, _ in parameter_files()}
    assert names == {domain.name for domain in MODEL.all_domains} | {"quantities", "links"}


def test_every_parameter_of_every_file_is_read_by_some_rule(every_arm: Plan) -> None:
    held = every_arm.scenario.parameters
    assert {name: parameters.unread for name, parameters in held.items() if parameters.unread} == {}
    for name, file in parameter_files():
        assert set(held[name].names) == set(file["parameters"])


@pytest.mark.parametrize(("name", "file"), list(parameter_files()))
def test_every_parameter_has_unit_uncertainty_source_and_provenance(name: str, file: dict[str, Any]) -> None:
    for key, row in file["parameters"].items():
        assert set(row) >= {"value", "unit", "uncertainty", "source", "provenance"}, f"{name}.{key}"
        assert row["unit"].strip(), f"{name}.{key}"
        assert row["source"].strip(), f"{name}.{key}"
        assert row["provenance"] in PROVENANCES, f"{name}.{key}"
        given = row["uncertainty"]
        sized = isinstance(given, dict) and set(given) <= {"se", "se_log", "ci95"} and given
        assert sized or (isinstance(given, str) and given.startswith("none (")), f"{name}.{key}"


def test_every_price_population_and_intervention_has_source_and_provenance() -> None:
    rows = [*read_yaml(SHIPPED / "prices" / "sweden.yaml").values["prices"].values()]
    rows.append(read_yaml(SHIPPED / "prices" / "indices.yaml").values)
    for path in (SHIPPED / "populations").glob("*.yaml"):
        values = read_yaml(path).values
        rows += [values["births_per_year"], *values["attributes"].values()]
    for name in INTERVENTIONS:
        rows.append(read_yaml(SHIPPED / "interventions" / f"{name}.yaml").values["evidence"])
    for row in rows:
        assert row["source"].strip(), row
        assert row["provenance"] in PROVENANCES, row
    for row in read_yaml(SHIPPED / "prices" / "sweden.yaml").values["prices"].values():
        assert row["unit"].strip()
        assert row["cashable_provenance"] in PROVENANCES


# No number in the rules


PLAIN = {-1, 0, 1, 2}
CONVERSIONS = {12, 365, 1000}
"""Months and days of a year, thousands: only where the line says so."""

STRUCTURE = {"clock", "cap", "price_year"}
"""Keywords that say how much is remembered of the past, and of which year the kronor are."""


def numbers(tree: ast.Module) -> Iterator[tuple[ast.Constant, list[ast.AST]]]:
    """Yield every number of a module with the nodes that it stands in, from the outermost."""

    def below(node: ast.AST, above: list[ast.AST]) -> Iterator[tuple[ast.Constant, list[ast.AST]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and type(child.value) in (int, float, complex):
                yield child, [*above, node]
            yield from below(child, [*above, node])

    return below(tree, [])


def is_allowed(number: ast.Constant, above: list[ast.AST], comment: str) -> bool:
    keywords = {one.arg for one in above if isinstance(one, ast.keyword)}
    if "ages" in keywords:
        return number.value in (0, 1, 100)  # the whole of life, or all of it after the year of birth
    if keywords & STRUCTURE or "bins" in keywords:
        return True
    return number.value in PLAIN or (number.value in CONVERSIONS and bool(comment))


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.stem)
def test_no_scientific_number_stands_in_the_rules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    comments = {
        one.start[0]: one.string
        for one in tokenize.generate_tokens(io.StringIO(text).readline)
        if one.type == tokenize.COMMENT
    }
    found = [
        f"{path.name}:{number.lineno}: {number.value}"
        for number, above in numbers(ast.parse(text))
        if not is_allowed(number, above, comments.get(number.lineno, ""))
    ]
    assert found == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.stem)
def test_no_number_is_put_together_from_allowed_ones(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp) and all(
            isinstance(side, ast.Constant) and isinstance(side.value, (int, float)) for side in (node.left, node.right)
        ):
            found.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


@pytest.mark.parametrize("trait", [one for one in MODEL.traits if one.bins], ids=lambda trait: trait.name)
def test_the_value_of_a_bin_is_the_mean_of_its_fifth_of_a_standard_normal(trait: Any) -> None:
    normal = NormalDist()
    edges = [-math.inf, *(normal.inv_cdf(k / 5) for k in range(1, 5)), math.inf]
    density = [0.0 if math.isinf(edge) else normal.pdf(edge) for edge in edges]
    assert list(trait.bins) == [round((density[k] - density[k + 1]) * 5, 2) for k in range(5)]


def test_every_rule_says_in_a_docstring_what_it_is() -> None:
    rules = [(f"{d.name}: {m.name}", m.rule) for d in MODEL.all_domains for m in d.moves]
    rules += [(f"{d.name}: {f.rule.name}", f.rule) for d in MODEL.all_domains for f in d.factors]
    rules += [(name, quantity.rule) for name, quantity in MODEL.quantities.rows.items()]
    assert len(rules) > 60
    assert [name for name, rule in rules if not (rule.function.__doc__ or "").strip()] == []
    for path in CODE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path.name
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert [node.name for node in functions if not ast.get_docstring(node)] == []


# Lives


TERMINAL = {
    ("school", "eligible"): "the outcome of grade 9 stays what it was",
    ("school", "not_eligible"): "the outcome of grade 9 stays what it was; adult education is another domain",
    ("upper_secondary", "diploma"): "a diploma is not lost",
    ("activity", "retired"): "working pensioners are not modelled",
}
"""States that are left by death only, and why."""


@pytest.mark.parametrize("domain", [one.name for one in MODEL.domains])
def test_every_state_is_reached_and_left(outcome: Outcome, domain: str) -> None:
    moved, _ = outcome.share_in([f"previous_{domain}", domain])
    before_after = moved.sum(axis=0)
    for place, state in enumerate(MODEL.domain(domain).states):
        assert before_after[:, place].sum() > 0, f"nobody is ever in '{domain}: {state}'"
        left = before_after[place].sum() - before_after[place, place]
        if (domain, state) in TERMINAL:
            assert left == 0, f"'{domain}: {state}' is left, and is said to be terminal"
            assert before_after[place, place] > 0
        else:
            assert left > 0, f"nobody ever leaves '{domain}: {state}'"


def test_no_transition_is_declared_in_vain(outcome: Outcome) -> None:
    never = []
    for domain in MODEL.domains:
        moved, _ = outcome.share_in([f"previous_{domain.name}", domain.name])
        before_after = moved.sum(axis=0)
        for move in domain.moves:
            for to in move.to:
                if before_after[domain.states.index(move.from_state), domain.states.index(to)] == 0:
                    never.append(f"{domain.name}: {move.from_state} -> {to}")
    assert never == []


# Interventions


def test_the_catalogue_holds_different_fields_an_unknown_effect_and_one_that_may_be_none(every_arm: Plan) -> None:
    offers = [every_arm.scenario.arms[name].interventions[0] for name in INTERVENTIONS]
    assert len(offers) >= 4
    assert len({one.field for one in offers}) >= 3
    assert [one.name for one in offers if all(effect.kind == "unknown" for effect in one.effects)]
    sized = {one.name: [effect for effect in one.effects if effect.kind != "unknown"] for one in offers}
    null = [n for n, known in sized.items() if known and all(abs(e.size) < 1.96 * (e.se or 0) for e in known)]
    assert null
    for one in offers:
        assert one.costs, one.name
        assert one.effects, one.name
        assert set(one.evidence) >= {"design", "country", "estimand", "comparator", "source", "provenance"}
        assert one.evidence["provenance"] in PROVENANCES


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_every_intervention_has_participants_who_live_another_life(outcome: Outcome, name: str) -> None:
    counts = outcome.arms[name]
    started = (counts.in_arm - counts.in_baseline).deliveries[..., 2].sum()
    assert counts.participants.sum() > 0
    assert started > 0
    effects = outcome.plan.scenario.arms[name].interventions[0].effects
    changed = (counts.in_arm.counts != counts.in_baseline.counts).any()
    assert changed == any(effect.kind != "unknown" for effect in effects)


def volumes(lived: Outcome, arm: str) -> dict[str, np.ndarray]:
    quantities = {one.quantity.name: one.quantity for one in lived.plan.scenario.prices.prices}
    return {name: lived.volume(one, lived.ledger(arm)) for name, one in quantities.items()}


def none_of_it(effect: Effect) -> Effect:
    return replace(effect, size=0.0)


@pytest.fixture(scope="module")
def null_outcome(every_arm: Plan) -> Outcome:
    """Return the same arms with every effect of no size, in a smaller cohort."""
    scenario: Scenario = every_arm.scenario
    arms = {"baseline": Arm()}
    for name in INTERVENTIONS:
        (one,) = scenario.arms[name].interventions
        arms[name] = Arm((replace(one, effects=tuple(none_of_it(effect) for effect in one.effects)),))
    cohort = replace(scenario.cohort, copies=2)
    return simulate(replace(scenario, arms=arms, cohort=cohort), seed=2, threads=2)


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_an_intervention_without_effect_changes_nothing_but_its_delivery(null_outcome: Outcome, name: str) -> None:
    before, after = volumes(null_outcome, "baseline"), volumes(null_outcome, name)
    assert all((before[one] == after[one]).all() for one in before)
    counts = null_outcome.arms[name]
    assert (counts.in_arm.counts == counts.in_baseline.counts).all()
    assert (counts.in_arm.deliveries != counts.in_baseline.deliveries).any()


def test_an_unknown_effect_changes_nothing_but_its_delivery(outcome: Outcome) -> None:
    unknown = [
        name for name in INTERVENTIONS
        if all(e.kind == "unknown" for e in outcome.plan.scenario.arms[name].interventions[0].effects)
    ]  # fmt: skip
    assert unknown
    comparison = compare(outcome)
    for name in unknown:
        before, after = volumes(outcome, "baseline"), volumes(outcome, name)
        assert all((before[one] == after[one]).all() for one in before)
        result = comparison.arms[name].by_payer["public"]
        assert result.spent > 0
        assert result.incremental == result.gross == result.spent


# Believability: bounds are wide, and each says where it comes from


def per_child(outcome: Outcome, *prices: str, year: int) -> float:
    """Return what these prices come to over life per child born, undiscounted, at the prices of a year."""
    listed = outcome.plan.scenario.prices
    chosen = tuple(one for one in listed.prices if one.name in prices)
    assert len(chosen) == len(prices)
    scenario = replace(outcome.plan.scenario, prices=replace(listed, prices=chosen), arms={"baseline": Arm()})
    plan = replace(outcome.plan, scenario=scenario, arms={"baseline": ()})
    comparison = compare(replace(outcome, plan=plan, arms={}), Economics(year, 0.0))
    return comparison.costs["baseline"]["public"][0]


def test_children_placed_in_a_year_are_of_the_size_of_the_national_count(outcome: Outcome) -> None:
    # registry row placed_any_rate_0_20_2021: 10.7 per 1 000 aged 0 to 20, all residents; fewer of those born here
    placed = outcome.volume("placed", outcome.baseline).sum(axis=0)[1:22].sum()
    alive = outcome.share_in([])[0][1:22].sum()
    assert 7 < 1000 * placed / alive < 13
    assert read_figures()["placed_any_rate_0_20_2021"].value == pytest.approx(10.7)


@pytest.mark.parametrize(("sex", "row"), [("girl", "e0_female_2023"), ("boy", "e0_male_2023")])
def test_life_expectancy_is_within_a_year_of_the_life_table(outcome: Outcome, sex: str, row: str) -> None:
    # registry rows e0_female_2023 (84.9) and e0_male_2023 (81.6): Statistics Sweden, full year 2023
    alive = Quantity("alive", Expression.of(f"sex == '{sex}'").rule(MODEL.columns), "on_date", "persons")
    simulated = life_expectancy(outcome.volume(alive, outcome.baseline), 0)
    assert abs(simulated - read_figures()[row].value) < 1


def test_schooling_costs_what_unit_costs_times_years_come_to(outcome: Outcome) -> None:
    # 2.26 million kronor of 2021: Statistics Sweden 2022-12-01, unit costs of preschool, compulsory and upper
    # secondary school times the years a child attends (derived), within 8 %
    schooling = (
        "preschool", "preschool_class", "compulsory_school", "special_support", "academic_programme",
        "vocational_programme", "introductory_programme",
    )  # fmt: skip
    assert per_child(outcome, *schooling, year=2021) == pytest.approx(2_260_000, rel=0.08)


def test_assessed_income_in_working_age_is_of_the_size_of_the_national_mean(outcome: Outcome) -> None:
    # registry row income_mean_20_64_2020: 342 400 a year times 45 years = 15.4 million, all residents
    mean = read_figures()["income_mean_20_64_2020"].value
    assert 13.5e6 < 45 * mean < 17e6
    income = outcome.volume("assessed_income", outcome.baseline)[:, 1:].sum() / outcome.baseline.persons.sum()
    assert 13.5e6 < income < 17e6


def test_economic_assistance_over_life_is_of_the_size_of_what_is_paid(outcome: Outcome) -> None:
    # 34 000 to 58 000 kronor a child born in Sweden: National Board of Health and Welfare 2024, 10.9 billion paid,
    # less the part of those who immigrated (derived)
    assert 34_000 < per_child(outcome, "economic_assistance", year=2024) < 58_000


def test_placement_costs_are_of_the_size_of_what_municipalities_spend(outcome: Outcome) -> None:
    # 100 000 to 145 000 kronor a child born (derived from unit costs and days); a child ever placed 2 to 3 million
    cost = per_child(outcome, "family_home", "residential_care", "placement_investigation", year=2024)
    assert 100_000 < cost < 145_000


def test_about_one_child_in_twenty_is_ever_placed_by_18(outcome: Outcome) -> None:
    # registry row ohc_cumulative_18_18_20_2005: about .05, within .01
    placed, _ = outcome.share_in(["ever_placed"])
    assert abs(placed[19, 1] / placed[19].sum() - read_figures()["ohc_cumulative_18_18_20_2005"].value) < 0.01
