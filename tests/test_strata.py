"""Stratified cohorts: more persons of the rare groups, the same answer with a smaller error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli import app
from sim.comparison import Comparison, compare
from sim.domain import Quantity
from sim.draws import philox_key
from sim.engine import relive, simulate
from sim.errors import ScenarioError
from sim.expression import Expression
from sim.files import load_plan, load_resolved
from sim.people import Attribute, Population
from sim.persons import all_ids, block_of, born, family_of
from sim.plan import bind
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Cohort, Scenario, Stratum
from sim.store import read_run, write_run
from tests.models import childhood, same_counts, scenario, support

MODEL = childhood()
RARE = Population(
    "rare",
    (
        Attribute("sex", {"girl": 0.49, "boy": 0.51}),
        Attribute(
            "risk", {"girl": {"1": 0.5, "2": 0.49, "3": 0.01}, "boy": {"1": 0.5, "2": 0.46, "3": 0.04}}, ("sex",)
        ),
    ),
)
SHARES = (0.51 * 0.04, 0.49 * 0.01, 1 - 0.51 * 0.04 - 0.49 * 0.01)
STRATA = (
    Stratum("boys at risk", 1200, Expression.of("risk > 1 and sex == 'boy'")),
    Stratum("at risk", 800, Expression.of("risk > 1")),
    Stratum("rest", 2000),
)
FOSTER = Quantity("foster", Expression.of("care == 'foster'").rule(MODEL.columns), "on_date", "years")
HELP = support(uptake=0.8, when="risk > 1", costs=())
Z = 4.0
"""Standard errors that two estimates of one thing may differ by, at a fixed seed."""


def cohort(strata=STRATA, copies: int = 20) -> Cohort:
    return Cohort(2020, represents=1000, copies=copies, strata=strata)


def built(**changes) -> Scenario:
    price = Price("foster", FOSTER, 1000.0, 2024, Shares.of("municipality.social"))
    settings = {
        "model": MODEL, "population": RARE, "cohort": cohort(), "prices": PriceList((price,)),
        "economics": Economics(2024, 0.0), "measures": ("years_struggling",),
    }  # fmt: skip
    return scenario((HELP,), **{**settings, **changes})


@pytest.fixture(scope="module")
def plan():
    return bind(built())


@pytest.fixture(scope="module")
def outcome(plan):
    return simulate(plan)


@pytest.fixture(scope="module")
def plain() -> Comparison:
    """Return the same town without strata: twenty times the persons."""
    return compare(simulate(bind(built(cohort=Cohort(2020, represents=1000, copies=80)))))


def test_shares_are_exact_and_weights_bring_the_persons_back_to_them(plan, outcome):
    np.testing.assert_allclose(plan.strata.shares, SHARES, atol=1e-12)
    np.testing.assert_allclose(plan.strata.weights, np.array(SHARES) * 4000 / [1200, 800, 2000], atol=1e-12)
    assert outcome.baseline.persons.reshape(3, 20).tolist() == [[60] * 20, [40] * 20, [100] * 20]
    np.testing.assert_allclose(outcome.persons, 200, rtol=1e-12)  # so many in each of twenty equal parts


def test_persons_round_up_so_that_the_blocks_of_a_stratum_are_equal():
    assert cohort((Stratum("few", 3, Expression.of("risk > 1")), Stratum("rest", 41))).sizes == (20, 60)
    many = tuple(Stratum(f"s{k}", 5, Expression.of("risk > 1")) for k in range(31))
    assert cohort((*many, Stratum("rest", 5)), copies=64).parts == 4


def test_the_persons_of_a_stratum_are_the_first_births_that_belong_to_it(plan):
    key = philox_key(1)
    ids = all_ids(plan, key)
    assert len(set(ids.tolist())) == len(ids) == 4000
    cols = born(plan, ids, key)
    risk, boy = cols[plan.layout.row("risk")], cols[plan.layout.row("sex")] == 1
    np.testing.assert_array_equal(np.where(risk < 2, 2, np.where(boy, 0, 1)), np.repeat([0, 1, 2], [1200, 800, 2000]))
    blocks = block_of(plan, ids, key, family_of(ids))
    np.testing.assert_array_equal(blocks, np.repeat(np.arange(60), np.repeat([60, 40, 100], 20)))
    more = replace(STRATA[0], persons=2400)
    larger = bind(built(cohort=cohort((more, *STRATA[1:]))))
    assert set(ids.tolist()) < set(all_ids(larger, key).tolist())
    with pytest.raises(ScenarioError, match="depends on the seed"):
        all_ids(plan)


def test_threads_chunks_order_and_living_everyone_change_nothing(plan, outcome):
    ids = all_ids(plan, philox_key(1))
    shuffled = np.random.default_rng(2).permutation(ids)
    assert same_counts(simulate(plan, threads=2, chunk=70), outcome)
    assert same_counts(simulate(plan, ids=shuffled, chunk=333), outcome)
    assert same_counts(simulate(plan, in_full=True), outcome)
    assert not same_counts(simulate(plan, seed=2), outcome)
    again = relive(outcome, "arm_1", plan.programs["arm_1"])
    assert again.digest() == outcome.arms["arm_1"].in_arm.together(len(plan.scenario.cohort.strata)).digest()


def difference(one: float, se_one: float | None, other: float, se_other: float | None) -> float:
    assert se_one
    assert se_other
    return abs(one - other) / float(np.hypot(se_one, se_other))


def test_a_stratified_estimate_agrees_with_the_unstratified_one_and_its_error_is_smaller(outcome, plain):
    stratified = compare(outcome)
    ours, theirs = (one.arms["arm_1"] for one in (stratified, plain))
    payer, other = ours.by_payer["public"], theirs.by_payer["public"]
    assert payer.incremental < 0
    assert difference(payer.incremental, payer.se, other.incremental, other.se) < Z
    measure, its = ours.measures["years_struggling"], theirs.measures["years_struggling"]
    assert difference(measure.change, measure.se, its.change, its.se) < Z
    same_persons = compare(simulate(bind(built(cohort=Cohort(2020, represents=200, copies=20)))))
    assert same_persons.persons == stratified.persons == 4000
    assert payer.se is not None
    assert payer.se < 0.4 * (same_persons.arms["arm_1"].by_payer["public"].se or 0)


def test_levels_shares_and_participants_stand_for_the_population(outcome, plain):
    stratified = compare(outcome)
    cost, other = (one.costs["baseline"]["public"][0] for one in (stratified, plain))
    assert abs(cost / other - 1) < 0.15  # 4 000 persons, half of them not at risk: about 3 standard errors
    expected = 1000 * (SHARES[0] + SHARES[1]) * 0.8
    found = stratified.arms["arm_1"].participants_per_cohort
    assert abs(found / expected - 1) < 0.05  # 1 600 of 2 000 accept, binomially: 2.2 % is one standard error
    delivered = stratified.arms["arm_1"].delivered["support"]
    assert delivered["started"] == pytest.approx(found, rel=1e-9)
    assert stratified.arms["arm_1"].participants > 1500
    sexes, _ = outcome.share_in(["sex"])
    np.testing.assert_allclose(sexes[0].sum(), 4000)
    assert abs(sexes[0, 1] / 4000 - 0.51) < 4 * np.sqrt(0.25 / 2000)


def test_the_error_is_that_between_runs_of_other_seeds(plan):
    """Twenty runs: a standard deviation has a relative standard error of 16 %."""
    results = [compare(simulate(plan, replicate=k)).arms["arm_1"].by_payer["public"] for k in range(20)]
    spread = np.std([one.incremental for one in results], ddof=1)
    assert 0.5 < spread / np.mean([one.se for one in results]) < 1.6


def test_of_two_strata_that_hold_a_person_the_first_counts():
    boys = Stratum("boys", 50, Expression.of("sex == 'boy'"))
    both = bind(built(cohort=cohort((boys, *STRATA[1:]))))
    np.testing.assert_allclose(both.strata.shares, [0.51, 0.49 * 0.01, 0.49 * 0.99], atol=1e-12)


def test_one_stratum_for_all_is_the_plain_cohort():
    one = bind(built(cohort=cohort((Stratum("all", 400),))))
    outcome = simulate(one)
    np.testing.assert_allclose(outcome.persons, outcome.baseline.persons)
    same = simulate(bind(built(cohort=Cohort(2020, represents=20, copies=20))))
    assert same_counts(outcome, same)


@pytest.mark.parametrize(
    ("strata", "words"),
    [
        ((STRATA[0], STRATA[1]), "the last stratum, 'at risk', takes the rest"),
        ((STRATA[2], STRATA[2]), "stratum 'rest' needs `when`"),
        ((Stratum("none", 0),), "stratum 'none' needs 1 person or more"),
        ((Stratum("twice", 5, Expression.of("risk > 1 and risk < 0")), STRATA[2]), "stratum 'twice' holds nobody"),
        (
            (Stratum("all", 5, Expression.of("risk > -9")), STRATA[2]),
            "'rest' holds nobody: the strata before",
        ),
        ((Stratum("old", 5, Expression.of("age > 3")), STRATA[2]), "'age' is not drawn at birth"),
        ((Stratum("care", 5, Expression.of("care == 'home'")), STRATA[2]), "'care' is not drawn at birth"),
        ((Stratum("x", 5, Expression.of("risc > 1")), STRATA[2]), "unknown name 'risc'"),
        ((Stratum("rare", 10**9, Expression.of("risk > 1")), STRATA[2]), "so rare"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_strata_that_cannot_be_are_refused(strata, words):
    with pytest.raises(ScenarioError, match=words):
        bind(built(cohort=cohort(strata)))


# Files


TOWN = """title: Town
model: lifecourse
population: norrkoping
cohort:
  born: 2026
  represents: 500
  copies: 8
  strata:
    assisted: {when: "family_economy in ['assistance', 'long_assistance']", persons: 100}
    rest: {persons: 60}
horizon: 20
economics: {price_year: 2024}
measures: [placed]
arms:
  baseline: {}
  visits: {interventions: [extended_home_visits]}
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.yaml"
    path.write_text(TOWN, encoding="utf-8")
    return path


def test_persons_scale_all_strata_alike(town):
    assert load_plan(town).scenario.cohort.sizes == (104, 64)
    assert load_plan(town, persons=1600).scenario.cohort.sizes == (1000, 600)
    plan = load_plan(town, persons=1600)
    assert load_resolved(plan.scenario.resolved).scenario.cohort == plan.scenario.cohort
    with pytest.raises(ScenarioError, match="the number of persons must be 1 to"):
        load_plan(town, persons=0)


def test_a_stratified_run_is_written_and_priced_again(town, tmp_path):
    outcome = simulate(load_plan(town))
    again = read_run(write_run(outcome, tmp_path / "run"))
    assert again.digest() == outcome.digest()
    first, second = compare(outcome), compare(again)
    assert first.costs == second.costs
    payers = (one.arms["visits"].by_payer["public"] for one in (first, second))
    assert len({(payer.incremental, payer.se) for payer in payers}) == 1


def test_check_prints_the_strata_and_compare_answers(town, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["check", str(town)]).stdout
    assert "168 persons in 2 strata" in told
    assert "assisted (family_economy in ['assistance', 'long_assistance']): 4." in told
    assert "rest (the rest): 95." in told
    answer = json.loads(CliRunner().invoke(app, ["check", str(town), "--json"]).stdout)
    strata = answer["plan"]["strata"]
    assert [(one["stratum"], one["persons"], one["blocks"]) for one in strata] == [
        ("assisted", 104, 8),
        ("rest", 64, 8),
    ]
    assert sum(one["share"] for one in strata) == pytest.approx(1)
    done = CliRunner().invoke(app, ["compare", str(town), "--json", "--persons", "320", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["persons"] == 320
    said = CliRunner().invoke(app, ["compare", str(town)]).stdout
    assert "8 random parts of 2 strata, weighted to the population" in said


WHEN = "\"family_economy in ['assistance', 'long_assistance']\""
CASES = [
    (WHEN, "family_econmy == 'assistance'", "unknown name 'family_econmy'", 9, 22),
    (WHEN, "age > 3", "'age' is not drawn at birth", 9, 22),
    (WHEN, "years_in_care > 1", "'years_in_care' is not drawn at birth", 9, 22),
    (WHEN, "family_economy == 'assitance'", "has no label 'assitance'", 9, 22),
    (WHEN, "sex == 'girl' and sex == 'boy'", "stratum 'assisted' holds nobody", 9, 22),
    (f"when: {WHEN}, persons: 100", "persons: 100", "stratum 'assisted' needs `when`", 9, 5),
    ("rest: {persons", "rest: {when: sex == 'boy', persons", "the last stratum, 'rest', takes the rest", 10, 18),
    (WHEN, "1", "stratum 'rest' holds nobody: the strata before it hold everyone", 10, 5),
    ("persons: 60", "persons: 0", "'persons' is 0: it must be at least 1", 10, 21),
    ("rest: {persons: 60}", "rest: {}", "needs the key 'persons'", 10, 5),
    (f"\n    assisted: {{when: {WHEN}, persons: 100}}\n    rest: {{persons: 60}}", " {}",
     "'strata' must be 1 to 32", 8, 3),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words", "line", "column"), CASES, ids=[case[2] for case in CASES])
def test_a_mistake_in_strata_is_placed(town, old, new, words, line, column):
    assert old in TOWN
    town.write_text(TOWN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_plan(town)
    problem = caught.value.problems[0]
    assert words in problem.message
    assert (problem.file, problem.line, problem.column) == (str(town), line, column), problem
