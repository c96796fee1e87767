"""The exact solver: against simulation by one test of all moves, blocks of domains, its refusals, and its prices."""

from __future__ import annotations

import doctest
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

import sim.expect
import sim.prices
from sim.comparison import compare
from sim.domain import Counter, Death, Domain, Quantity
from sim.engine import simulate
from sim.errors import ModelError, ScenarioError
from sim.expect import distribution_by_age, expect
from sim.expression import Expression
from sim.files import load_plan, shipped_folder
from sim.intervention import CostLine, Effect, Fade, Intervention
from sim.ledger import Need
from sim.model import Model
from sim.outcome import Outcome
from sim.people import Attribute, Population, Trait
from sim.plan import bind
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Arm, Cohort, Scenario, Stratum
from sim.tables import Parameters, Rule
from tests import small_town
from tests.chi_square import moves_against, pearson, probability_of
from tests.models import childhood, lives, margins, offer, scenario, support, training, tutoring

RARE = 1e-6
"""A test at a fixed seed fails where what it saw is less likely than this, or fits better than this."""


# A small model in which everything races with something


def town(placement: float = 0.1) -> Scenario:
    care = Domain("care", ("home", "foster", "ward"), "home", clock=3)
    school = Domain("school", ("before", "on_track", "behind"), "before")
    death = Death()

    @death.hazard()
    def mortality(sex, previous_care):
        return 0.01 + 0.02 * (sex == "boy") + 0.05 * (previous_care == "ward")

    @care.hazard("home", "foster")
    def placed(previous_school, p):
        return p.placement + 0.1 * (previous_school == "behind")

    @care.hazard("home", "ward", ages=(3, 20))
    def committed(sex):
        return 0.02 + 0.03 * (sex == "boy")

    @care.hazard("foster", "home")
    def returned(years_in_care):
        return 0.3 / (1 + years_in_care)

    @care.hazard("foster", "ward")
    def broken_down():
        return 0.1

    @care.occasion("ward", ["home", "foster"])
    def released():
        return 0.3, 0.2

    @school.choice("before", ["on_track", "behind"], ages=(4, 4))
    def started(care):
        return 3.0, 1.0 + (care != "home")

    @school.occasion("on_track", "behind")
    def fell_behind(ever_placed):
        return 0.1 + 0.1 * ever_placed

    @school.hazard("behind", "on_track")
    def caught_up(care):
        return 0.3 * (care != "ward")

    ever_placed = Counter("ever_placed", lambda care: care != "home")
    model = Model("town", (care, school), (Trait("sex", ("girl", "boy")),), death, (ever_placed,))
    return Scenario(
        model=model,
        population=Population("town", (Attribute("sex", {"girl": 0.5, "boy": 0.5}),)),
        cohort=Cohort(2020, 200_000, 1),
        arms={"baseline": Arm()},
        parameters={"care": Parameters("care", {"placement": placement})},
        horizon=12,
        needs=(Need(frozenset({"care", "school"})),),
    )


@pytest.fixture(scope="module")
def recorded() -> np.ndarray:
    """Return the lives of 200 000 persons."""
    return lives(town(), seed=3).history


def test_every_move_of_200_000_recorded_lives_is_as_likely_as_it_should_be(recorded: np.ndarray) -> None:
    found, freedom = moves_against(bind(town()), "baseline", recorded)
    assert freedom > 1000
    assert RARE < found < 1 - RARE


def test_the_same_test_notices_one_hazard_of_five_per_cent_more(recorded: np.ndarray) -> None:
    found, _ = moves_against(bind(town(placement=0.105)), "baseline", recorded)
    assert found < RARE


def test_a_move_that_cannot_happen_is_no_chance() -> None:
    with pytest.raises(AssertionError, match="probability 0"):
        pearson(np.array([9.0, 1.0]), np.array([10.0, 0.0]))


# Interventions, against simulation


def with_everything() -> Scenario:
    """Return a childhood with fading, coverage, partial uptake, yearly offers, early ends and every kind of effect."""
    fading = Fade(half_life_years=2.0, follow_up_years=3.0, beyond="fade")
    held = Fade(follow_up_years=5.0, beyond="hold")
    on = (("care", "home", "foster"), ("care", "home", "institution"))
    decline = (("school", "on_track", "struggling"),)
    home = offer("home", Effect("hazard_ratio", on, size=-0.9, fade=fading, dose="partial"), uptake=0.4, years=3)
    covered = offer(
        "covered", Effect("odds_ratio", decline, size=-0.7, fade=held), ages=(6, 9), baseline_coverage=0.25, years=2
    )
    risks = offer(
        "risks", Effect("relative_risk", decline, size=-0.5), ages=(7, 12), offer="yearly", uptake=0.3,
        stop_when=Expression.of("school == 'struggling'"), years=4,
    )  # fmt: skip
    area = offer("area", Effect("hazard_ratio", on, size=0.4, fade=fading), estimand="area", uptake=0.5, years=2)
    made = scenario(
        (home, training()),
        (replace(covered, uptake=Expression.of("0.2 + 0.5 * (sex == 'boy')")), risks),
        (area, tutoring(), support()),
        cohort=Cohort(2020, 25_000, 4),
        horizon=22,
    )
    return replace(made, arms={**made.arms, "baseline": Arm((support(uptake=0.3),))})


@pytest.fixture(scope="module")
def both() -> tuple[Outcome, Outcome]:
    return simulate(with_everything(), seed=5, threads=2), expect(with_everything())


@pytest.mark.parametrize("arm", ["baseline", "arm_1", "arm_2", "arm_3"])
def test_an_arm_is_lived_as_it_is_expected(both: tuple[Outcome, Outcome], arm: str) -> None:
    """Over the persons of one step a margin is one multinomial; steps are tested apart: they are the same persons."""
    lived, expected = (one.ledger(arm) for one in both)
    persons = lived.persons.sum()
    scale = persons / expected.persons.sum()
    for columns, counts in margins(lived).items():
        solved = margins(expected)[columns][0] * scale
        for row in (3, 8, 13, 22):
            seen, due = counts[:, row].sum(axis=0).ravel(), solved[row].ravel()
            others = persons - due.sum() if columns[1] or row else 0.0
            chi, freedom = pearson(np.append(seen, persons - seen.sum()), np.append(due, others))
            assert freedom > 0
            assert probability_of([(chi, freedom)]) > RARE, (columns, row)


@pytest.mark.parametrize("arm", ["baseline", "arm_1", "arm_2", "arm_3"])
def test_as_many_start_in_every_step_as_are_expected_to(both: tuple[Outcome, Outcome], arm: str) -> None:
    lived, expected = (one.ledger(arm) for one in both)
    persons = lived.persons.sum()
    scale = persons / expected.persons.sum()
    for place, name in enumerate(both[1].plan.interventions):
        seen = lived.deliveries[:, :, place, 2].sum(axis=0).astype(float)
        due = expected.deliveries[0, :, place, 2] * scale
        chi, freedom = pearson(np.append(seen, persons - seen.sum()), np.append(due, persons - due.sum()))
        assert freedom == (seen > 0).sum(), name
        assert freedom == 0 or probability_of([(chi, freedom)]) > RARE, name
        for kind in (0, 1, 3):  # a person counts here in several steps, so only the size is compared
            amount = expected.deliveries[0, :, place, kind].sum() * scale
            assert lived.deliveries[:, :, place, kind].sum() == pytest.approx(amount, rel=0.03, abs=30)


@pytest.mark.parametrize("arm", ["arm_1", "arm_2", "arm_3"])
def test_as_many_are_reached_as_are_expected_to(both: tuple[Outcome, Outcome], arm: str) -> None:
    lived, expected = both
    probability = expected.arms[arm].participants.sum() / expected.baseline.persons.sum()
    number = int(lived.arms[arm].participants.sum())
    assert binomtest(number, int(lived.baseline.persons.sum()), float(probability)).pvalue > RARE


HALF = support(uptake=0.5)
COVERED = support(baseline_coverage=0.2, uptake=0.6)


@pytest.mark.parametrize(
    ("current", "changed"),
    [
        ((), (HALF,)),
        ((HALF,), ()),
        ((HALF,), (replace(HALF, uptake=Expression.of(0.8), base="support"),)),
        ((HALF,), (replace(HALF, uptake=Expression.of(0.8), years=1, offer="yearly", base="support"),)),
        ((), (COVERED,)),
        ((COVERED,), ()),
        ((), (replace(COVERED, uptake=Expression.of(0.1)), tutoring())),
        ((), (support(estimand="itt"),)),
        ((), (support(offer="yearly", uptake=0.1), training())),
    ],
)  # fmt: skip
def test_who_is_reached_is_told_from_draws_that_offers_share(current: tuple, changed: tuple) -> None:
    made = scenario(changed, cohort=Cohort(2020, 5_000, 8), horizon=16)
    made = replace(made, arms={"baseline": Arm(current), "arm": Arm(changed)})
    lived, expected = simulate(made, seed=2), expect(made)
    share = float(expected.arms["arm"].participants.sum() / expected.baseline.persons.sum())
    assert binomtest(int(lived.arms["arm"].participants.sum()), 40_000, share).pvalue > RARE


def test_an_arm_with_other_parameters_is_solved_with_them() -> None:
    other = {"care": Parameters("care", {"placement": 0.06})}
    made = scenario((support(),))
    made = replace(made, arms={**made.arms, "other": Arm((support(),), parameters=other)})
    alone = replace(made, arms={"baseline": Arm((support(),))}, parameters=other)
    found, apart = expect(made), expect(alone)
    np.testing.assert_array_equal(found.ledger("other").counts, apart.baseline.counts)
    reached = found.arms["other"].participants
    assert reached == pytest.approx(apart.baseline.deliveries[:, :, 0, 2].sum(axis=1), rel=1e-12)


def test_an_intervention_without_effect_changes_nobody() -> None:
    outcome = expect(
        scenario(
            (support(0.0), tutoring(0.0)),
        )
    )
    here = margins(outcome.ledger("arm_1"))
    for columns, counts in margins(outcome.baseline).items():
        flagged = [k for k, name in enumerate(columns[0]) if name.startswith("receives_")]
        there = here[columns].sum(axis=tuple(2 + k for k in flagged))
        np.testing.assert_allclose(there, counts.sum(axis=tuple(2 + k for k in flagged)), rtol=1e-12)


def test_nothing_is_lost_and_nothing_depends_on_copies_or_strata() -> None:
    made = replace(scenario((support(),)), needs=(Need(frozenset({"care"})), Need(frozenset({"care"}), deaths=True)))
    outcome = expect(made)
    alive = outcome.share_in(["care"])[0].sum(axis=1)
    died = outcome.baseline.of(outcome.baseline.margin(["care"], deaths=True))[0].sum(axis=1)
    assert alive + died.cumsum() == pytest.approx(np.full(36, 300.0), rel=1e-12)
    halves = (Stratum("boys", 100, Expression.of("sex == 'boy'")), Stratum("girls", 100))
    for cohort in (Cohort(2020, 300, 64), Cohort(2020, 300, 4, halves)):
        again = expect(replace(made, cohort=cohort))
        np.testing.assert_array_equal(again.ledger("arm_1").counts, outcome.ledger("arm_1").counts)
    shorter = expect(replace(made, horizon=20)).ledger("arm_1").counts
    np.testing.assert_array_equal(shorter, outcome.ledger("arm_1").counts[:, :21])


# Prices


def priced_scenario(**more: Any) -> Scenario:
    """Return six in ten well after each year, at 100 a year well, and 50 for each who falls ill."""
    health = Domain("health", ("well", "ill"), "well")
    health.occasion("well", "ill")(Rule(lambda: 0.4, (), False, "falls_ill"))
    well = Quantity("well", Rule(lambda health: health == "well", ("health",), False, "well"), "on_date", "years")
    falls = Quantity("falls", Rule(lambda health: health == "ill", ("health",), False, "falls"), "event", "cases")
    prices = (Price("well", well, 100, 2024, Shares.of("state")), Price("falls", falls, 50, 2024, Shares.of("region")))
    effect = Effect("relative_risk", (("health", "well", "ill"),), size=float(np.log(0.5)))
    line = CostLine("start", 10.0, 2024, Shares.of("municipality"))
    helped = Intervention(
        "helped", "Helped", "health", (0, 0), Expression.of(1), Expression.of(0.5), effects=(effect,), costs=(line,)
    )
    settings = {"horizon": 2, "economics": Economics(2024, 0.03), "prices": PriceList(prices), **more}
    return Scenario(
        Model("coin", (health,)), Population("all", ()), Cohort(2024, 10, 8),
        {"baseline": Arm(), "helped": Arm((helped,))}, **settings,
    )  # fmt: skip


def test_an_arm_is_priced_by_the_same_functions_without_a_standard_error() -> None:
    comparison = compare(expect(priced_scenario()))
    assert comparison.persons == 10
    assert comparison.costs["baseline"]["state"] == pytest.approx((60 + 36, 60 + 36 / 1.03), rel=1e-12)
    found = comparison.arms["helped"]
    # half are offered .2 instead of .4 in the first year: .7 are well then, .42 in the second
    assert found.by_payer["state"].incremental == pytest.approx(10 + 6 / 1.03, rel=1e-12)
    assert found.by_payer["region"].incremental == pytest.approx(50 * (-0.1 + 0.04 / 1.03), rel=1e-12)
    assert found.by_payer["municipality"].incremental == pytest.approx(5, rel=1e-12)
    assert found.by_payer["state"].se is None
    assert found.participants == pytest.approx(5, rel=1e-12)
    assert found.participants_per_cohort == pytest.approx(5, rel=1e-12)


WELL = np.array([1.0, 0.6, 0.36])
DISCOUNT = np.array([1.0, 1 / 1.03])


@pytest.mark.parametrize(
    ("settings", "by_hand"),
    [
        ({}, 100 * WELL[1:] @ DISCOUNT),
        ({"counted": "end", "first_exponent": 1}, 100 * WELL[1:] @ DISCOUNT / 1.03),
        ({"counted": "start"}, 100 * WELL[:-1] @ DISCOUNT),
        ({"counted": "half_cycle"}, 100 * (0.8 + 0.48 / 1.03)),
        ({"counted": "half_cycle", "first_exponent": 1}, 100 * (0.8 + 0.48 / 1.03) / 1.03),
        ({"count_start": True, "first_exponent": 1}, 100 * (1 + 0.6 / 1.03 + 0.36 / 1.03**2)),
    ],
)
def test_every_convention_is_what_it_is_by_hand(settings: dict, by_hand: float) -> None:
    costs = compare(expect(priced_scenario(economics=Economics(2024, 0.03, **settings)))).costs["baseline"]
    assert costs["state"][1] == pytest.approx(by_hand, rel=1e-12)
    falls = 50 * np.array([0.4, 0.24]) @ DISCOUNT  # an event is of the cycle, whenever states are counted
    assert costs["region"][1] == pytest.approx(falls / 1.03 ** settings.get("first_exponent", 0), rel=1e-12)


def test_a_simulation_is_priced_by_the_same_conventions() -> None:
    lived = simulate(priced_scenario(), seed=1)
    counts = lived.share_in(["health"])[0][:, 0] / 80
    halved = compare(lived, Economics(2024, 0.0, counted="half_cycle")).costs["baseline"]["state"][1]
    assert halved == pytest.approx(100 * (counts[0] / 2 + counts[1] + counts[2] / 2), rel=1e-12)


def test_a_scenario_file_names_the_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_town.settle(tmp_path, monkeypatch)
    small_town.rewrite(tmp_path, "town.yaml", "discount_rate: 0.03", "discount_rate: 0.03, counted: half_cycle")
    plan = load_plan(path)
    assert plan.scenario.economics == Economics(2024, 0.03, counted="half_cycle")
    again = compare(simulate(plan), Economics(2024, 0.03))
    assert compare(simulate(plan)).costs["baseline"]["public"] != again.costs["baseline"]["public"]


def test_expected_numbers_have_no_digest() -> None:
    with pytest.raises(ModelError, match="expected numbers have no digest"):
        expect(priced_scenario()).digest()


# A block of domains


def weather_and_health() -> Scenario:
    """Return a domain that is what it is by chance every year, one that reads it now and as it was, and one apart."""
    weather = Domain("weather", ("dry", "wet", "icy"), "wet")
    shares = {"dry": 0.5, "wet": 0.3, "icy": 0.2}
    for state in weather.states:
        to = [one for one in weather.states if one != state]
        weather.occasion(state, to)(Rule(lambda to=tuple(to): tuple(shares[k] for k in to), (), False, f"from_{state}"))
    health = Domain("health", ("well", "hurt"), "well", clock=4)

    @health.hazard("well", "hurt")
    def slips(weather, previous_weather, sex):
        return 0.1 + 0.4 * (weather == "icy") + 0.2 * (previous_weather == "wet") + 0.1 * (sex == "boy")

    @health.hazard("hurt", "well")
    def heals(years_in_health):
        return 0.5 / (1 + years_in_health)

    mood = Domain("mood", ("low", "high"), "low")
    mood.hazard("low", "high")(Rule(lambda: 0.1, (), False, "rises"))
    death = Death()
    death.occasion()(
        Rule(lambda previous_health: 0.1 * (previous_health == "hurt"), ("previous_health",), False, "dies")
    )
    times = Counter(
        "times_hurt", lambda previous_health, health: (previous_health == "well") & (health == "hurt"), cap=3
    )
    model = Model("weather", (weather, health, mood), (Trait("sex", ("girl", "boy")),), death, (times,))
    helped = Intervention(
        "shoes", "Shoes", "health", (1, 3), Expression.of("previous_weather != 'dry'"), Expression.of(0.5), years=3,
        effects=(Effect("hazard_ratio", (("health", "well", "hurt"),), size=-0.5, fade=Fade(2.0, 9.0)),),
    )  # fmt: skip
    return Scenario(
        model, Population("all", (Attribute("sex", {"girl": 0.5, "boy": 0.5}),)), Cohort(2020, 1000, 4),
        {"baseline": Arm(), "shoes": Arm((helped,))}, horizon=15,
        needs=(Need(frozenset({"health", "times_hurt"})), Need(frozenset({"weather"}))),
    )  # fmt: skip


SHARES = {"dry": 0.5, "wet": 0.3, "icy": 0.2}


@pytest.mark.parametrize("given", [SHARES, [[0.5, 0.3, 0.2]] * 15, {**SHARES, "dry": [0.5] * 15}])
def test_a_block_is_solved_as_the_whole_where_the_rest_is_independent_of_it(given: Any) -> None:
    whole = expect(weather_and_health())
    block = expect(weather_and_health(), domains=["death", "health"], given={"weather": given})
    for arm in ("baseline", "shoes"):
        columns = ["health", "times_hurt"]
        np.testing.assert_allclose(block.share_in(columns, arm)[0], whole.share_in(columns, arm)[0], rtol=1e-12)
    assert block.arms["shoes"].participants == pytest.approx(whole.arms["shoes"].participants, rel=1e-12)


def test_a_block_can_be_given_what_a_whole_solution_says() -> None:
    whole = expect(weather_and_health())
    given = distribution_by_age(whole, "weather")
    assert given.shape == (15, 3)
    assert given.sum(axis=1) == pytest.approx(np.ones(15), rel=1e-12)
    block = expect(weather_and_health(), domains=["death", "health", "mood"], given={"weather": given})
    alive = whole.share_in(["health"])[0].sum(axis=1)
    assert block.share_in(["health"])[0].sum(axis=1) == pytest.approx(alive, rel=1e-12)


def test_a_block_counts_nothing_of_what_is_held() -> None:
    block = expect(weather_and_health(), domains=["death", "health"], given={"weather": SHARES})
    with pytest.raises(ModelError, match="not asked to count over weather"):
        block.share_in(["weather"])


def test_death_can_be_held_like_any_domain() -> None:
    held = {"weather": SHARES, "death": {"alive": 0.9, "dead": 0.1}}
    block = expect(weather_and_health(), domains=["health"], given=held)
    alive = block.share_in(["health"])[0].sum(axis=1)
    assert alive == pytest.approx(1000 * 0.9 ** np.arange(16), rel=1e-12)


@pytest.mark.parametrize(
    ("domains", "given", "sentence"),
    [
        (["health", "death"], {}, "'weather' is outside the block, no distribution is given for it, and 'slips'"),
        (["health"], {"weather": SHARES}, "domain 'death' is outside the block.*everyone depends on it"),
        (["health", "death", "whether"], {"weather": SHARES}, "no domain 'whether'"),
        (["health", "death"], {"whether": SHARES}, "no domain 'whether'"),
        (["health", "death", "weather"], {"weather": SHARES}, "is in the block, and a distribution is given for it"),
        (["health", "death"], {"weather": {"dry": 0.5, "wet": 0.3}}, r"at age 0 is \[0.5, 0.3, 0.0\]"),
        (["health", "death"], {"weather": {"dry": 0.5, "rain": 0.5}}, "has no label 'rain'"),
        (["health", "death"], {"weather": {"dry": [0.5] * 4, "wet": 0.5}}, "one for each of 15 ages"),
        (["health", "death"], {"weather": [[0.5, 0.5]] * 15}, "15 ages by 3 labels are needed"),
        (["weather", "death"], {"health": {"well": 1}}, "intervention 'shoes' acts on 'health', which is outside"),
    ],
)  # fmt: skip
def test_a_block_that_cannot_be_solved_is_refused(domains: list, given: dict, sentence: str) -> None:
    with pytest.raises((ScenarioError, ModelError), match=sentence):
        expect(weather_and_health(), domains=domains, given=given)


def test_how_long_a_held_state_has_lasted_has_no_meaning() -> None:
    apart = Domain("apart", ("a", "b"), "a")
    apart.hazard("a", "b")(Rule(lambda years_in_care: 0.1 * years_in_care, ("years_in_care",), False, "lasting"))
    made = scenario()
    with pytest.raises(ScenarioError, match="reads 'ever_placed', which a domain that is drawn afresh every year"):
        expect(made, domains=["death", "school"], given={"care": {"home": 1.0}})
    with pytest.raises(ScenarioError, match="'lasting' of domain 'apart' reads 'years_in_care'"):
        expect(scenario(model=childhood(apart)), domains=["death", "apart"], given={"care": {"home": 1.0}})


# What is too large


def test_the_shipped_model_is_refused_with_its_size_and_a_way_out() -> None:
    plan = load_plan(shipped_folder() / "norrkoping.yaml")
    with pytest.raises(
        ModelError, match=r"has [\d,]+ rows at (birth|age \d), at most 262,144; its columns are"
    ) as caught:
        expect(plan)
    assert "combinations" in str(caught.value)
    assert "activity 11" in str(caught.value)
    assert "domains=[…], given={…}" in (caught.value.problems[0].hint or "")


def test_the_limit_is_the_callers() -> None:
    with pytest.raises(ModelError, match="rows at age 1, at most 4; its columns are"):
        expect(town(), most_rows=4)
    with pytest.raises(ModelError, match="rows at birth, at most 1"):
        expect(town(), most_rows=1)


def test_the_examples_in_the_docstrings_say_what_comes_out() -> None:
    for module in (sim.expect, sim.prices):
        found = doctest.testmod(module)
        assert found.attempted > 0
        assert found.failed == 0
