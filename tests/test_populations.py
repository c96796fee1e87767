"""Populations by margins and latent traits: fitted by hand, drawn by address, refused where they contradict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from sim.at_birth import joint_at_birth
from sim.draws import philox_key
from sim.errors import ScenarioError
from sim.files import load_plan, load_resolved
from sim.latent import Normal, bin_shares, cuts_of
from sim.people import Attribute
from sim.persons import all_ids, born
from sim.plan import Plan
from sim.raking import ContradictionError, PublishedMargin, in_turn, rake
from sim.tables import Column

EXACT = 1e-10
"""What the fitting settles to, with room for a few hundred additions."""

A, B, C = (Column(name, (f"{name}1", f"{name}2")) for name in "abc")
BINS = Column("ability", tuple("12345"), (-1.4, -0.53, 0.0, 0.53, 1.4))
SEX = Column("sex", ("girl", "boy"))


def margin(columns, axes, shares) -> PublishedMargin:
    return PublishedMargin(columns, axes, np.array(shares))


# Raking


def test_two_margins_without_an_association_multiply():
    table = rake(np.ones((2, 2)), [margin((A,), (0,), [0.3, 0.7]), margin((B,), (1,), [0.6, 0.4])])
    np.testing.assert_allclose(table, [[0.18, 0.12], [0.42, 0.28]], atol=EXACT)


def test_a_two_by_two_table_keeps_its_odds_ratio_and_takes_the_margins():
    """With halves as margins and odds ratio 4, x² = 4·(1/2 - x)², so x = 1/3."""
    start = np.array([[4.0, 1.0], [1.0, 1.0]])
    table = rake(start, [margin((A,), (0,), [0.5, 0.5]), margin((B,), (1,), [0.5, 0.5])])
    np.testing.assert_allclose(table, [[1 / 3, 1 / 6], [1 / 6, 1 / 3]], atol=EXACT)


def test_margins_of_two_columns_are_met_in_whatever_order_they_name_them():
    ab, cb = [[0.1, 0.3], [0.4, 0.2]], [[0.3, 0.1], [0.2, 0.4]]
    known = [margin((A, B), (0, 1), ab), margin((C, B), (2, 1), cb)]
    table = rake(np.ones((2, 2, 2)), known)
    np.testing.assert_allclose(table.sum(axis=2), ab, atol=EXACT)
    np.testing.assert_allclose(table.sum(axis=0).T, cb, atol=EXACT)
    for one in known:
        np.testing.assert_allclose(one.of(table), one.shares, atol=EXACT)
    given_b = table / table.sum(axis=(0, 2), keepdims=True)  # a and c have nothing to do with each other but by b
    np.testing.assert_allclose(
        given_b, given_b.sum(axis=2, keepdims=True) * given_b.sum(axis=0, keepdims=True), atol=EXACT
    )


def test_a_cell_that_cannot_be_stays_empty():
    start = np.array([[1.0, 1.0], [0.0, 1.0]])
    table = rake(start, [margin((A,), (0,), [0.6, 0.4]), margin((B,), (1,), [0.3, 0.7])])
    np.testing.assert_allclose(table, [[0.3, 0.3], [0.0, 0.4]], atol=EXACT)


def test_margins_that_differ_in_a_shared_column_are_refused_by_name():
    known = [margin((A,), (0,), [0.3, 0.7]), margin((A, B), (0, 1), [[0.3, 0.1], [0.3, 0.3]])]
    with pytest.raises(ContradictionError, match=r"'b' has 0\.4 at a a1, and the margin of 'a' has 0\.3"):
        rake(np.ones((2, 2)), known)


def test_margins_that_agree_two_by_two_and_not_together_are_refused():
    """A is always B, B is always C, and A is never C."""
    same, other = [[0.5, 0.0], [0.0, 0.5]], [[0.0, 0.5], [0.5, 0.0]]
    known = [margin((A, B), (0, 1), same), margin((B, C), (1, 2), same), margin((A, C), (0, 2), other)]
    with pytest.raises(ContradictionError, match=r"'c' wants 0\.5 at a a1, c c2, where the rest"):
        rake(np.ones((2, 2, 2)), known)
    near, far = [[0.48, 0.02], [0.02, 0.48]], [[0.02, 0.48], [0.48, 0.02]]
    known = [margin((A, B), (0, 1), near), margin((B, C), (1, 2), near), margin((A, C), (0, 2), far)]
    with pytest.raises(ContradictionError, match="contradicts the others: it wants"):
        rake(np.ones((2, 2, 2)), known)


def test_margins_may_differ_by_the_rounding_of_what_is_published():
    known = [margin((A,), (0,), [0.333, 0.667]), margin((A, B), (0, 1), [[0.2, 0.134], [0.4, 0.266]])]
    np.testing.assert_allclose(rake(np.ones((2, 2)), known), known[1].shares, atol=EXACT)


def test_shares_in_turn_multiply_to_the_joint_table():
    table = np.random.default_rng(3).random((2, 3, 4))
    table[1, 2] = 0
    table /= table.sum()
    first, second, third = in_turn(table)
    np.testing.assert_allclose(first[:, None, None] * second[:, :, None] * third, table, atol=EXACT)
    np.testing.assert_allclose(third.sum(axis=-1), 1, atol=EXACT)


# Latent traits


def test_a_trait_without_shifts_is_cut_at_the_fifths_of_the_normal_distribution():
    cuts = cuts_of(Normal(), 5, (), np.ones(()))
    np.testing.assert_allclose(cuts.points, norm.ppf([0.2, 0.4, 0.6, 0.8]), atol=1e-9)
    np.testing.assert_allclose(bin_shares(Normal(), cuts, ()), 0.2, atol=1e-9)


def test_fifths_hold_in_the_whole_population_and_shifts_and_correlations_within():
    trait = Normal({"sex": {"girl": -0.12, "boy": 0.12}}, {"ability": -0.3})
    weights = np.outer([0.488, 0.512], [0.3, 0.25, 0.2, 0.15, 0.1])
    cuts = cuts_of(trait, 5, (SEX, BINS), weights)
    shares = bin_shares(trait, cuts, (SEX, BINS))
    np.testing.assert_allclose(np.einsum("ij,ijk->k", weights, shares), 0.2, atol=1e-9)
    left = 1 - 0.09 * np.average(
        (np.array(BINS.values) - np.average(BINS.values, weights=weights[0])) ** 2, weights=weights[0]
    )
    np.testing.assert_allclose(cuts.spread**2, left, atol=1e-9)
    expected = norm.cdf(cuts.points[0], loc=0.12 - 0.3 * 1.4, scale=cuts.spread)  # a boy of the highest ability
    np.testing.assert_allclose(shares[1, 4, 0], expected, atol=1e-9)
    assert shares[1, 0, 4] > shares[0, 0, 4] > shares[0, 4, 4]


def test_correlations_that_leave_nothing_to_chance_are_refused():
    high = Column("high", ("1", "2"), (-9.0, 9.0))
    with pytest.raises(ScenarioError, match="explain the whole trait"):
        cuts_of(Normal(correlated={"high": 0.5}), 5, (high,), np.array([0.5, 0.5]))


# The exact distribution at birth


def test_the_joint_distribution_at_birth_sums_out_what_nobody_asks_for():
    columns = {column.name: column for column in (A, B, C)}
    attributes = (
        Attribute("a", {"a1": 0.3, "a2": 0.7}),
        Attribute("b", {"a1": {"b1": 0.5, "b2": 0.5}, "a2": {"b1": 0.1, "b2": 0.9}}, ("a",)),
        Attribute("c", {"b1": {"c1": 1.0}, "b2": {"c1": 0.25, "c2": 0.75}}, ("b",)),
    )
    np.testing.assert_allclose(joint_at_birth(attributes, columns, ("b",)), [0.22, 0.78], atol=EXACT)
    a_c = joint_at_birth(attributes, columns, ("c", "a"))
    np.testing.assert_allclose(a_c[1], [0.3 * 0.5 * 0.75, 0.7 * 0.9 * 0.75], atol=EXACT)
    np.testing.assert_allclose(joint_at_birth(attributes, columns, ()), 1, atol=EXACT)


# Files


FOUND = "source: invented\n      provenance: assumed\n"
TOWN = f"""title: A town
births_per_year: {{value: 500, unit: births per year, source: invented, provenance: assumed}}
joint:
  columns: [parental_education, family_economy]
  margins:
    - of: [parental_education]
      shares: {{compulsory: 0.1, upper_secondary: 0.4, tertiary: 0.5}}
      {FOUND}    - of: [family_economy]
      shares: {{work: 0.8, unstable: 0.1, assistance: 0.06, long_assistance: 0.04}}
      {FOUND}  associations:
    - of: [parental_education, family_economy]
      log_odds: {{compulsory: {{assistance: 1.5, long_assistance: 2}}}}
      {FOUND}attributes:
  sex:
    shares: {{girl: 0.488, boy: 0.512}}
    source: invented
    provenance: assumed
  school_ability:
    normal: {{mean: {{parental_education: {{compulsory: -0.5, tertiary: 0.2}}}}}}
    source: invented
    provenance: assumed
  behaviour_risk:
    normal: {{mean: {{sex: {{girl: -0.12, boy: 0.12}}}}, correlated: {{school_ability: -0.3}}}}
    source: invented
    provenance: assumed
  arrival:
    shares: {{born_here: 1, before_school: 0, grade1_5: 0, grade6_9: 0, adult: 0}}
    source: invented
    provenance: assumed
  neuro:
    shares: {{none: 1, adhd: 0, autism: 0, intellectual_disability: 0}}
    source: invented
    provenance: assumed
"""
NORMAL = "normal: {mean: {parental_education: {compulsory: -0.5, tertiary: 0.2}}}"
PLAIN = TOWN.replace(NORMAL, "shares: {1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2, 5: 0.2}")
"""The same with a trait whose shares are stated."""
SCENARIO = """title: Town
model: lifecourse
population: town
cohort: {born: 2026, represents: 50000, copies: 4}
horizon: 5
economics: {price_year: 2024}
arms: {baseline: {}}
"""


def written(folder: Path, town: str = TOWN) -> Path:
    (folder / "populations").mkdir(exist_ok=True)
    (folder / "populations" / "town.yaml").write_text(town, encoding="utf-8")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def shares_drawn(plan: Plan, *names: str) -> np.ndarray:
    """Return the joint shares of columns among the newborn."""
    cols = born(plan, all_ids(plan), philox_key(1))
    columns = [plan.scenario.model.columns[name] for name in names]
    cell = np.ravel_multi_index([cols[plan.layout.row(name)] for name in names], [column.size for column in columns])
    counts = np.bincount(cell, minlength=np.prod([column.size for column in columns]))
    return counts.reshape([column.size for column in columns]) / cols.shape[1]


def test_a_population_of_margins_is_drawn_as_it_was_fitted(tmp_path):
    plan = load_plan(written(tmp_path))
    population, columns = plan.scenario.population, plan.scenario.model.columns
    assert [one.name for one in population.attributes][:2] == ["parental_education", "family_economy"]
    expected = joint_at_birth(population.attributes, columns, ("parental_education", "family_economy"))
    np.testing.assert_allclose(expected.sum(axis=1), [0.1, 0.4, 0.5], atol=EXACT)
    np.testing.assert_allclose(expected.sum(axis=0), [0.8, 0.1, 0.06, 0.04], atol=EXACT)
    odds = expected[0, 2] * expected[1, 0] / (expected[0, 0] * expected[1, 2])
    np.testing.assert_allclose(odds, np.exp(1.5), rtol=1e-6)
    np.testing.assert_allclose(expected[1, 2] * expected[2, 0], expected[1, 0] * expected[2, 2], rtol=1e-6)
    for names in (("parental_education", "family_economy"), ("school_ability", "behaviour_risk")):
        exact = joint_at_birth(population.attributes, columns, names)
        error = np.sqrt(exact * (1 - exact) / 200_000)
        assert np.all(np.abs(shares_drawn(plan, *names) - exact) < 4.5 * error)  # 4.5 standard errors in each cell
    for name in ("school_ability", "behaviour_risk"):
        np.testing.assert_allclose(joint_at_birth(population.attributes, columns, (name,)), 0.2, atol=1e-9)


def test_a_population_of_margins_is_read_again_from_what_was_resolved(tmp_path):
    plan = load_plan(written(tmp_path))
    assert load_resolved(plan.scenario.resolved).scenario.population == plan.scenario.population


def test_a_town_takes_the_fifths_of_the_country(tmp_path):
    country = TOWN
    poorer = TOWN.replace("compulsory: 0.1, upper_secondary: 0.4", "compulsory: 0.4, upper_secondary: 0.1")
    path = written(tmp_path, poorer.replace("joint:", "fifths_of: country\njoint:"))
    (tmp_path / "populations" / "country.yaml").write_text(country, encoding="utf-8")
    plan = load_plan(path)
    fifths = joint_at_birth(plan.scenario.population.attributes, plan.scenario.model.columns, ("school_ability",))
    assert fifths[0] > 0.24  # more children of parents with compulsory school, cut where the country is
    assert fifths[4] < 0.19
    (tmp_path / "populations" / "town.yaml").write_text(country, encoding="utf-8")
    (given, again) = (load_plan(path).scenario.population for _ in range(2))
    assert given == again


CASES = [
    ("tertiary: 0.5}", "tertiary: 0.6}", "the shares of parental_education add to 1.1, not 1", 7, 15),
    ("of: [family_economy]", "of: [family_econmy]", "'family_econmy' is no column of the joint distribution", 10, 12),
    ("columns: [parental_education, family_economy]", "columns: [parental_education, family_economy, sex]",
     "no margin says how 'sex' is distributed", 4, 49),
    ("columns: [parental_education, family_economy]", "columns: [parental_education, family_economy, home]",
     "no trait or domain 'home' in model 'lifecourse'", 4, 49),
    ("columns: [parental_education, family_economy]", "columns: [family_economy, sex]",
     "'parental_education' is no column of the joint distribution", 6, 12),
    ("columns: [parental_education, family_economy]", "columns: [sex, family_economy]",
     "'family_economy' is keyed by family and stands after 'sex', which is the child's own", 4, 18),
    ("{compulsory: {assistance: 1.5", "{compulsory: {assistanse: 1.5",
     "the log odds name 'assistanse', which 'family_economy' has not", 16, 17),
    ("assistance: 1.5", "assistance: lots", "the log odds ratio of 'assistance' must be -20 to 20", 16, 17),
    ("{compulsory: -0.5, tertiary", "{compulsry: -0.5, tertiary",
     "'parental_education' has no label 'compulsry'", 25, 13),
    ("{mean: {sex:", "{mean: {sx:", "'behaviour_risk' is given 'sx', which is not drawn before it", 29, 21),
    ("{school_ability: -0.3}", "{sex: -0.3}", "'sex' is no trait in bins; a correlation goes with those only", 29, 13),
    ("{school_ability: -0.3}", "{school_ability: -3}", "the correlation with 'school_ability' must be between", 29, 13),
    ("    normal: {mean: {sex:", "    given: sex\n    normal: {mean: {sex:",
     "`given` names sex, and `normal` depends on sex, school_ability", 29, 12),
    ("    shares: {girl", "    normal: {}\n    shares: {girl",
     "'sex' needs either `shares` or `normal`, and not both", 20, 3),
    ("    shares: {girl: 0.488, boy: 0.512}\n", "", "'sex' needs either `shares` or `normal`, and has neither", 20, 3),
    ("    shares: {girl: 0.488, boy: 0.512}\n", "    normal: {}\n",
     "'sex' is no trait in bins: it needs `shares`", 21, 13),
    ("  sex:\n", "  family_economy:\n    shares: {work: 1}\n    source: x\n    provenance: assumed\n  sex:\n",
     "'family_economy' stands in the joint distribution already", 20, 3),
    ("joint:", "fifths_of: twon\njoint:", "no file 'twon.yaml' in populations/", 3, 12),
    ("joint:", "fifths_of: plain\njoint:", "'school_ability' is no latent trait in the population 'plain'", 26, 13),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words", "line", "column"), CASES, ids=[case[2] for case in CASES])
def test_a_mistake_in_a_population_is_placed(tmp_path, old, new, words, line, column):
    assert old in TOWN
    assert PLAIN != TOWN
    (tmp_path / "populations").mkdir()
    (tmp_path / "populations" / "plain.yaml").write_text(PLAIN, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_plan(written(tmp_path, TOWN.replace(old, new, 1)))
    problem = caught.value.problems[0]
    assert words in problem.message
    assert (Path(problem.file or "").name, problem.line, problem.column) == ("town.yaml", line, column), problem


def test_contradicting_margins_of_a_file_are_placed_at_the_later_one(tmp_path):
    both = f"""    - of: [parental_education, family_economy]
      shares:
        compulsory: {{work: 0.2}}
        upper_secondary: {{work: 0.3, unstable: 0.1}}
        tertiary: {{work: 0.3, assistance: 0.06, long_assistance: 0.04}}
      {FOUND}"""
    start = TOWN.index("  associations:")
    town = TOWN[:start] + both + TOWN[TOWN.index("attributes:") :]
    with pytest.raises(ScenarioError) as caught:
        load_plan(written(tmp_path, town))
    (problem,) = caught.value.problems
    assert "has 0.4 at parental_education tertiary, and the margin of 'parental_education' has 0.5" in problem.message
    assert (problem.line, problem.column) == (16, 9)


def test_an_association_that_a_margin_says_already_is_refused(tmp_path):
    start, end = TOWN.index("    - of: [family_economy]"), TOWN.index("  associations:")
    both = f"""    - of: [family_economy, parental_education]
      shares:
        work: {{compulsory: 0.1, upper_secondary: 0.4, tertiary: 0.5}}
        unstable: {{}}
        assistance: {{}}
        long_assistance: {{}}
      {FOUND}"""
    town = TOWN[:start] + both + TOWN[end:]
    with pytest.raises(ScenarioError, match="says already how parental_education and family_economy go together"):
        load_plan(written(tmp_path, town))
