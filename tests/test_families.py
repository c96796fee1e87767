"""Siblings share their parents' story, and nothing but what is keyed by family can touch it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sim.lifecourse
from sim.domain import Death, Domain
from sim.engine import simulate
from sim.errors import ModelError, ScenarioError
from sim.expression import Expression
from sim.files import load_plan
from sim.intervention import Effect
from sim.kernels.layout import TO_FAMILY
from sim.ledger import Need
from sim.model import Model
from sim.people import Attribute, Population, Trait
from sim.persons import NOT_ALIVE, all_ids
from sim.plan import bind
from sim.scenario import Arm, Cohort, Scenario
from tests.models import lives, offer, same_counts

SEX = Trait("sex", ("girl", "boy"))
EDUCATION = Trait("education", ("short", "long"), keyed="family")
RISK = Trait("risk", bins=(-1.0, 1.0))
SPLIT = (("parents", "together", "apart"),)


def parents(**changes) -> Domain:
    domain = Domain("parents", ("together", "apart", "step"), clock=4, **{"keyed": "family", **changes})
    domain.hazard("together", "apart", ages=(0, 17))(lambda education: 0.06 + 0.06 * (education == "short"))
    domain.hazard("apart", "step", ages=(0, 17))(lambda years_in_parents: 0.1 + 0.05 * years_in_parents)
    domain.occasion("step", "apart", ages=(0, 17))(lambda previous_parents: 0.1 + 0.1 * (previous_parents == "step"))
    return domain


def economy() -> Domain:
    domain = Domain("economy", ("work", "poor"), "work", keyed="family")
    domain.hazard("work", "poor")(lambda parents: 0.02 + 0.1 * (parents == "apart"))
    domain.hazard("poor", "work")(lambda education: 0.2 + 0.1 * (education == "long"))
    return domain


def conduct() -> Domain:
    domain = Domain("conduct", ("none", "severe"), "none")
    domain.hazard("none", "severe")(lambda risk, parents: 0.05 * np.exp(0.4 * risk + 0.3 * (parents != "together")))
    domain.hazard("severe", "none")(lambda: 0.3)
    return domain


def death() -> Death:
    one = Death()
    one.hazard()(lambda sex: 0.03 + 0.03 * (sex == "boy"))
    return one


NEWBORN = Population(
    "newborn",
    (
        Attribute("education", {"short": 0.4, "long": 0.6}),
        Attribute("parents", {e: {"together": 0.8, "apart": 0.2} for e in ("short", "long")}, given=("education",)),
        Attribute("sex", {"girl": 0.5, "boy": 0.5}),
        Attribute("risk", {"1": 0.5, "2": 0.5}),
    ),
)
SHARED = ("education", "parents", "years_in_parents", "economy")
COUPLES = offer(
    "couples", Effect("hazard_ratio", SPLIT, size=-1.5), ages=(0, 6), when="education == 'short'", uptake=0.5, years=8
)


def scenario(*arms, **changes) -> Scenario:
    made = {f"arm_{place + 1}": Arm(one) for place, one in enumerate(arms)}
    built = Scenario(
        model=Model("home", (parents(), economy(), conduct()), (SEX, EDUCATION, RISK), death()), population=NEWBORN,
        cohort=Cohort(2020, represents=600, copies=2), arms={"baseline": Arm(), **made}, horizon=25,
        needs=(Need(frozenset({"parents", "economy", "conduct", "sex"})), Need(frozenset({"sex"}), deaths=True)),
    )  # fmt: skip
    return replace(built, **changes)


@pytest.fixture(scope="module")
def plan():
    return bind(scenario((COUPLES,), (replace(COUPLES, uptake=Expression.of(0.9), base="couples"),)))


def twins(plan) -> tuple[np.ndarray, np.ndarray]:
    """Return everyone, and families of two: each with the person as far into the other half of the cohort."""
    ids = all_ids(plan)
    return ids, np.tile(ids[: len(ids) // 2], 2)


@pytest.mark.parametrize("arm", ["baseline", "arm_1"])
def test_siblings_share_their_parents_story_while_both_live_and_nobody_else_does(plan, arm):
    ids, families = twins(plan)
    lived = lives(plan, arm, ids=ids, families=families)
    alive = lived.column("age") != NOT_ALIVE
    half = len(ids) // 2
    both = alive[:, :half] & alive[:, half:]
    assert (alive[-1, :half] != alive[-1, half:]).sum() > 100  # one of two died earlier, and the other's story goes on
    for name in SHARED:
        column = lived.column(name)
        np.testing.assert_array_equal(column[:, :half][both], column[:, half:][both])
    for name in ("sex", "conduct"):
        column = lived.column(name)
        assert (column[:, :half] != column[:, half:])[both].mean() > 0.1
    strangers = np.roll(lived.column("parents")[:, half:], 1, axis=1)
    assert (lived.column("parents")[:, :half] != strangers)[both].mean() > 0.2


def test_a_sibling_s_story_is_that_of_an_only_child_of_the_same_family(plan):
    ids, families = twins(plan)
    alone, together = lives(plan, ids=ids), lives(plan, ids=ids, families=families)
    half = len(ids) // 2
    np.testing.assert_array_equal(alone.history[:, :, :half], together.history[:, :, :half])
    assert (alone.column("parents")[:, half:] != together.column("parents")[:, half:]).any()


def test_an_offer_to_families_reaches_all_siblings_who_live(plan):
    ids, families = twins(plan)
    outcome = simulate(plan, ids=ids, families=families)
    partner = dict(zip(ids.tolist(), np.roll(ids, len(ids) // 2).tolist(), strict=True))
    for arm in plan.compared:
        reached = set(outcome.reached[arm].tolist())
        assert len(reached) > 150
        alone = [one for one in reached if partner[one] not in reached]
        assert len(alone) < 0.02 * len(reached)  # all are offered at birth; only who dies in the first step is not
        by_id = dict(zip(ids.tolist(), families.tolist(), strict=True))
        assert [by_id[one] for one in outcome.reached[arm].tolist()] == outcome.families[arm].tolist()


@pytest.mark.parametrize("settings", [{"threads": 2, "chunk": 70}, {"chunk": 1}, {"chunk": 900}])
def test_neither_threads_nor_chunks_part_siblings(plan, settings):
    ids, families = twins(plan)
    expected = simulate(plan, ids=ids, families=families)
    assert same_counts(simulate(plan, ids=ids, families=families, **settings), expected)
    order = np.random.default_rng(3).permutation(len(ids))
    assert same_counts(simulate(plan, ids=ids[order], families=families[order], **settings), expected)
    assert same_counts(simulate(plan, ids=ids, families=families, in_full=True), expected)


def test_by_default_everyone_is_a_family_of_his_own(plan):
    ids = all_ids(plan)
    assert same_counts(simulate(plan), simulate(plan, ids=ids, families=ids))
    with pytest.raises(ScenarioError, match="2 families are given for 1200 persons"):
        simulate(plan, families=ids[:2])


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        (lambda age: 0.1 + 0 * age, "reads 'age', which is the child's own"),
        (lambda sex: 0.1 * (sex == "boy"), "reads 'sex', which is the child's own"),
        (lambda previous_conduct: 0.1 * (previous_conduct == "none"), "reads 'previous_conduct'"),
    ],
)
def test_a_rule_of_the_family_may_not_read_what_is_the_child_s_own(reads, words):
    domain = parents()
    domain.hazard("step", "together")(reads)
    with pytest.raises(ModelError, match=words) as caught:
        Model("home", (domain, economy(), conduct()), (SEX, EDUCATION, RISK))
    hint = caught.value.problems[0].hint
    assert hint == (
        "close its window of ages instead" if "age'" in words else "it may read economy, education, parents,"
        " previous_economy, previous_parents, previous_years_in_parents, years_in_parents"
    )  # fmt: skip


def test_what_is_born_by_family_may_not_be_given_a_child_s_own_column():
    given = Attribute("parents", {s: {"together": 0.8, "apart": 0.2} for s in ("girl", "boy")}, given=("sex",))
    people = NEWBORN.attributes
    with pytest.raises(ScenarioError, match="'parents' is keyed by family and given 'sex', which is the child's own"):
        bind(scenario(population=Population("newborn", (people[0], people[2], given, people[3]))))


@pytest.mark.parametrize("term", ["when", "uptake", "stop_when"])
def test_an_offer_that_acts_on_the_family_may_not_read_a_child_s_own_column(term):
    wrong = replace(COUPLES, **{term: Expression.of("0.5 * (sex == 'boy')")})
    with pytest.raises(ScenarioError, match=f"`{term}` reads 'sex', which is the child's own"):
        bind(scenario((wrong,)))
    bind(scenario((replace(wrong, effects=(Effect("hazard_ratio", (("conduct", "none", "severe"),), size=-1.0),)),)))


def test_a_shift_of_a_trait_that_parents_share_is_an_offer_to_the_family():
    strain = Trait("strain", bins=(-1.0, 1.0), keyed="family")
    domain = Domain("parents", ("together", "apart"), "together", keyed="family")
    domain.hazard("together", "apart")(lambda strain: 0.1 * np.exp(strain))
    shift = offer("relief", Effect("trait_shift", trait="strain", size=-0.5), when="sex == 'boy'")
    built = Scenario(
        model=Model("home", (domain,), (SEX, strain)), cohort=Cohort(2020, 100, 1), horizon=20,
        population=Population("few", (Attribute("sex", {"girl": 1}), Attribute("strain", {"1": 0.5, "2": 0.5}))),
        arms={"baseline": Arm(), "relief": Arm((shift,))},
    )  # fmt: skip
    with pytest.raises(ScenarioError, match="`when` reads 'sex'"):
        bind(built)


OFFER = """title: Help for parents
field: family
deliver: {ages: [0, 5], when: "sex == 'boy'", uptake: 0.5}
cost: []
effects:
  - {on: "family_economy: unstable -> work", hazard_ratio: 1.5}
evidence: {design: none, country: SE, n: null, year: 2020, estimand: tot, comparator: none, control_risk: null,
           follow_up_years: 3, scale: hazard, source: invented, provenance: assumed}
"""
TOWN = """title: Town
model: lifecourse
population: norrkoping
cohort: {born: 2026, represents: 50, copies: 1}
economics: {price_year: 2024}
arms: {baseline: {}, help: {interventions: [help]}}
"""


def test_a_child_s_own_column_in_an_offer_to_families_is_placed_in_its_file(tmp_path):
    (tmp_path / "interventions").mkdir()
    (tmp_path / "interventions" / "help.yaml").write_text(OFFER, encoding="utf-8")
    (tmp_path / "town.yaml").write_text(TOWN, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_plan(tmp_path / "town.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "interventions" / "help.yaml"), 3, 31)
    assert problem.message == "`when` reads 'sex', which is the child's own, and the effect acts on the family"
    shared = sorted(sim.lifecourse.MODEL.family_columns)
    assert {"family", "family_economy", "parent_health", "parental_education"} <= set(shared)
    assert problem.hint == "an offer to families may read " + ", ".join(shared)
    (tmp_path / "interventions" / "help.yaml").write_text(
        OFFER.replace("sex == 'boy'", "parental_education == 'compulsory'"), encoding="utf-8"
    )
    assert load_plan(tmp_path / "town.yaml").programs["help"].arrays["offers"][0, TO_FAMILY] == 1
