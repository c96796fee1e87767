"""A whole municipality: all birth cohorts lived and counted, moves, siblings, roll-outs, money by calendar year."""

from __future__ import annotations

import csv
import json
from collections import Counter as Tally
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from calibration.targets import needs
from calibration.town_targets import judge_town, of_residents, read_town_targets
from sim.budget_impact import TownComparison, by_year, price_town, rows_of, within_waves
from sim.chunk import Chunk
from sim.cli import app
from sim.comparison import Pricing, compare
from sim.domain import Quantity
from sim.draws import philox_key
from sim.engine import simulate
from sim.errors import FramsynError, ScenarioError, StoreError
from sim.expect import expect
from sim.expression import Expression
from sim.files import load_model, load_plan, shipped_folder
from sim.intervention import CostLine
from sim.ledger import Need
from sim.municipality import MovesIn, Municipality, Siblings, Wave
from sim.outcome import Outcome
from sim.persons import persons_of
from sim.plan import Plan, bind
from sim.prices import Economics, Price, PriceList, Shares
from sim.residents import Neighbours, Residents
from sim.scenario import Arm, Cohort, Scenario
from sim.siblings import families_by_year
from sim.store import read_run
from sim.town import TownOutcome, simulate_town, waves_of
from tests import small_town, test_families
from tests.models import childhood, offer, scenario, support, training, tutoring

FAMILIES = Siblings((0.45, 0.36, 0.14, 0.05), {2: 0.4, 3: 0.35, 4: 0.25})


def town(*arms: Any, start: int = 2030, years: int = 9, oldest: int = 12, copies: int = 3, **more: Any) -> Scenario:
    """Return a municipality of the childhood, 90 births a year unless `births` says otherwise."""
    place = Municipality(start, years, more.pop("births", {start: 90}), oldest, siblings=more.pop("siblings", None))
    return scenario(*arms, municipality=place, cohort=Cohort(start, 90, copies), **more)


def same(left: TownOutcome, right: TownOutcome, arm: str) -> bool:
    """Return whether everyone's ledgers in an arm are the same integers."""
    return all(
        one.ledger(arm).digest() == right.cohorts[year].ledger(arm).digest() for year, one in left.cohorts.items()
    )


def alive(outcome: Outcome) -> np.ndarray:
    """Return who is alive by row, all copies together."""
    margin = next(margin for margin in outcome.baseline.margins if not margin.deaths)
    return np.asarray(outcome.baseline.of(margin).sum(axis=(0, 2)))


# Births, the years before the start, and what is counted


def test_where_the_run_starts_with_them_the_children_of_a_year_are_a_birth_cohort() -> None:
    own = scenario((support(),), (tutoring(), training()), cohort=Cohort(2020, 200, 3), horizon=20)
    cohort = simulate(own)
    place = simulate_town(replace(own, municipality=Municipality(2020, 20, {2020: 200}, oldest=0)))
    assert place.cohorts[2020].digest() == cohort.digest()
    for arm in ("arm_1", "arm_2"):
        assert place.cohorts[2020].ledger(arm).digest() == cohort.ledger(arm).digest()
        assert sorted(cohort.reached[arm]) == place.cohorts[2020].reached[arm].tolist()


@pytest.mark.parametrize("year", [2018, 2024, 2029, 2030, 2036])
def test_every_cohort_is_lived_from_birth_and_meets_an_arm_from_the_start_year_on(year: int) -> None:
    plan = bind(town((support(),)))
    place = simulate_town(plan, seed=4)
    persons = persons_of(bind(replace(plan.scenario, municipality=None, cohort=Cohort(year, 90, 3))), None, None, 0)
    first, end = 2018, 2039
    chunk = Chunk(plan, plan.programs["baseline"], persons, philox_key(4), birth=year - first)
    tally = chunk.tally(22)
    rows = end - year + 1
    chunk.live(max(2030, year) - first, tally, 1)
    other = chunk.some(np.arange(chunk.alive), plan.programs["arm_1"])
    more = other.tally(22)
    more.counts[:], more.persons[:] = 0, 0
    row = other.step - other.birth + 1
    chunk.live(end - first, tally, row)
    other.live(end - first, more, row)
    ledger = place.cohorts[year]
    tally.counts, more.counts, more.deliveries = (one[:, :rows] for one in (tally.counts, more.counts, more.deliveries))
    assert np.array_equal(ledger.baseline.counts, tally.counts)
    assert np.array_equal(ledger.ledger("arm_1").counts[:, row:], more.counts[:, row:])
    assert np.array_equal(ledger.ledger("arm_1").counts[:, :row], tally.counts[:, :row])
    deliveries = ledger.ledger("arm_1").deliveries[:, :, plan.interventions.index("support")]
    assert np.array_equal(deliveries, more.deliveries[:, :, 0])
    assert deliveries[:, :row].sum() == 0 < deliveries.sum()


@pytest.mark.parametrize("siblings", [None, FAMILIES])
def test_living_the_reached_only_equals_living_everyone_in_the_arm(siblings: Siblings | None) -> None:
    made = town((support(),), (tutoring(), training()), siblings=siblings)
    waves = {"arm_2": replace(made.arms["arm_2"], rollout=(Wave(2031, 0.4), Wave(2034, 1, 0.5)))}
    made = replace(made, arms={**made.arms, **waves})
    some, full = simulate_town(made), simulate_town(made, in_full=True)
    for arm in ("arm_1", "arm_2"):
        assert same(some, full, arm)
        assert not same(some, some, "baseline") or sum(
            len(one.reached[arm]) for one in some.cohorts.values() if one.reached
        )


def test_threads_and_chunks_change_nothing() -> None:
    made = town((support(),), (training(),), siblings=FAMILIES)
    assert len({simulate_town(made, threads=n, chunk=size).digest() for n, size in ((1, 8192), (2, 61), (3, 7))}) == 1
    assert simulate_town(made, seed=2).digest() != simulate_town(made).digest()


def test_more_copies_leave_those_there_are_as_they_were() -> None:
    few, more = simulate_town(town((support(),))), simulate_town(town((support(),), copies=5))
    for year, one in few.cohorts.items():
        assert np.array_equal(one.ledger("arm_1").counts, more.cohorts[year].ledger("arm_1").counts[:3])


def test_births_follow_the_table_from_each_of_its_years_on() -> None:
    births = {2020: 50, 2031: 70, 2035: 20}
    place = simulate_town(town(births=births))
    expected = [3 * (50 if year < 2031 else 70 if year < 2035 else 20) for year in range(2018, 2039)]
    assert [int(one.baseline.persons.sum()) for one in place.cohorts.values()] == expected
    assert list(place.cohorts) == list(range(2018, 2039))


def test_who_died_before_the_start_does_not_belong_to_the_years_counted() -> None:
    place = simulate_town(town(siblings=FAMILIES))
    at_start = sum(alive(place.cohorts[year])[2030 - year] for year in range(2018, 2030))
    assert place.persons.sum() == at_start + 9 * 270
    assert place.lost[2018].sum() == 270 - alive(place.cohorts[2018])[12] > 0


# Siblings


def family_town(first_age: int = 0) -> Plan:
    """Return a town of families whose parents part from this age of a child on."""
    parents = replace(test_families.parents(), moves=[], factors=[])
    parents.moves += [replace(move, ages=(first_age, 17)) for move in test_families.parents().moves]
    alone = test_families.scenario(cohort=Cohort(2030, 150, 2))
    model = replace(alone.model, domains=(parents, *alone.model.domains[1:]))
    return bind(replace(alone, model=model, municipality=Municipality(2030, 12, {2030: 150}, 12, siblings=FAMILIES)))


def test_families_have_the_children_that_the_table_says_in_the_years_that_it_says() -> None:
    place = Municipality(2030, 30, {2030: 2000}, 20, siblings=FAMILIES)
    families = families_by_year(place, 1, philox_key(1))
    found = np.concatenate([families[year][0] for year in place.birth_years])
    years = np.repeat(list(place.birth_years), 2000)
    order = np.array([*Tally(Tally(found.tolist()).values()).items()])
    assert order[:, 0].max() == 4
    late = years >= 2030  # their elder siblings are all in the run
    first = late & ((found >> np.uint64(40)).astype(int) == years)
    assert first.sum() / late.sum() == pytest.approx(0.45, abs=0.01)
    by_family: dict[int, list[int]] = {}
    for family, year in zip(found.tolist(), years.tolist(), strict=True):
        by_family.setdefault(family, []).append(year)
    gaps = Tally(int(gap) for own in by_family.values() for gap in np.diff(own))
    assert set(gaps) <= {2, 3, 4, 5}  # a year more where a year has too few births
    assert gaps[2] / sum(gaps.values()) == pytest.approx(0.4, abs=0.02)
    sizes = Tally(len(own) for own in by_family.values() if 2020 <= own[0] <= 2040)
    assert sizes[1] / sum(sizes.values()) == pytest.approx(1 - 0.36 / 0.45, abs=0.02)


@pytest.mark.parametrize("first_age", [0, 1])
def test_siblings_share_what_is_keyed_by_family_in_every_year_that_both_live(first_age: int) -> None:
    """Where the child's view opens at 1, a newborn has the family as it was when the year began."""
    plan = family_town(first_age)
    residents = Residents(plan, philox_key(3))
    rows = [plan.layout.row(name) for name in test_families.SHARED]
    seen: dict[tuple[int, int], dict[tuple[int, ...], int]] = {}
    lives = 0
    for year in residents.town.birth_years:
        some = Neighbours(residents, residents.newborn(year), plan.programs["baseline"])
        tally = some.tally()
        while some.chunk.step < residents.town.horizon and some.chunk.step < some.chunk.birth + 18:
            some.live(some.chunk.step + 1, tally)
            chunk = some.chunk
            if chunk.step - chunk.birth <= first_age:
                continue
            for family, *values in zip(
                chunk.families[: chunk.alive], *chunk.cols[rows, : chunk.alive].tolist(), strict=True
            ):
                told = seen.setdefault((int(family), chunk.step), {})
                told[tuple(values)] = told.get(tuple(values), 0) + 1
        lives += len(some.newborn)
    shared = [told for told in seen.values() if sum(told.values()) > 1]
    assert len(shared) > 0.3 * lives
    assert all(len(told) == 1 for told in shared)


def test_the_younger_are_born_into_what_the_family_has_become() -> None:
    younger = list(simulate_town(family_town()).cohorts.values())[-1]
    apart = younger.share_in(["parents"])[0][0]
    alone = test_families.scenario(cohort=Cohort(2030, 150, 2))
    at_birth = simulate(alone).share_in(["parents"])[0][0]
    assert apart[0] / apart.sum() < at_birth[0] / at_birth.sum() - 0.03


def test_only_families_that_are_still_together_have_another_child() -> None:
    plan = family_town()
    together = replace(FAMILIES, only_while={"parents": ("together",)})
    other = bind(replace(plan.scenario, municipality=replace(plan.scenario.municipality, siblings=together)))
    firsts = []
    for one in (plan, other):
        residents = Residents(one, philox_key(1))
        newborn = residents.newborn(2035)
        cols, inherited = residents.at_birth(newborn)
        assert inherited is not None
        parents = cols[one.layout.row("parents"), inherited.younger]
        assert (parents != 0).any() == (one is plan)
        firsts.append((~inherited.younger).sum())
    assert firsts[1] > 1.1 * firsts[0]


def test_an_offer_that_acts_on_families_is_refused() -> None:
    with pytest.raises(ScenarioError, match="acts on what siblings share"):
        bind(replace(family_town().scenario, arms={"baseline": Arm(), "one": Arm((test_families.COUPLES,))}))


# Roll-outs


def rolled_out(*waves: Wave, size: float = -0.7) -> Scenario:
    made = town((support(size),), copies=4, births={2030: 400})
    return replace(made, arms={**made.arms, "arm_1": replace(made.arms["arm_1"], rollout=waves)})


def test_copies_live_the_baseline_until_their_wave_begins() -> None:
    place = simulate_town(rolled_out(Wave(2031, 0.5), Wave(2035, 0.75)))
    at_once = simulate_town(rolled_out(Wave(2031)))
    for year, one in place.cohorts.items():
        change = one.change("arm_1")
        assert not change.counts[3].any()
        assert not change.deliveries[3].any()
        for copy, begins in ((0, 2031), (2, 2035)):
            row = max(0, begins - year + 1)
            assert not change.counts[copy, :row].any()
            assert not change.deliveries[copy, :row].any()
        assert np.array_equal(change.counts[:2], at_once.cohorts[year].change("arm_1").counts[:2])
    assert sum(one.change("arm_1").counts[2].any() for one in place.cohorts.values()) > 3
    assert [dict(waves_of(place.plan, copy)).get("arm_1") for copy in (1, 2, 3)] == [
        Wave(2031, 0.5),
        Wave(2035, 0.75),
        None,
    ]


def test_an_effect_that_weakens_lies_between_none_and_all_of_it() -> None:
    def years_in_care(effect: float) -> float:
        place = simulate_town(rolled_out(Wave(2030, effect=effect)))
        found = [one.ledger("arm_1") for one in place.cohorts.values()]
        return float(
            sum(one.of(one.margin(["care"])).reshape(*one.counts.shape[:2], 3, -1)[:, :, 1:].sum() for one in found)
        )

    none, some, full = years_in_care(0), years_in_care(0.5), years_in_care(1)
    assert full < some < none
    nobody = simulate_town(rolled_out(Wave(2030, effect=0)))
    assert all(
        not one.change("arm_1").counts[..., : one.baseline.margins[0].cells].any() for one in nobody.cohorts.values()
    )


@pytest.mark.parametrize(
    ("waves", "sentence"),
    [
        ((Wave(2029),), "outside the years 2030 to 2038"),
        ((Wave(2039),), "outside the years"),
        ((Wave(2031, 0.5), Wave(2031, 1)), "later waves begin in later years"),
        ((Wave(2031, 0.5), Wave(2032, 0.5)), "bring the share of copies further up"),
        ((Wave(2031, 0.1),), "holds none of the 4 copies"),
        ((Wave(2031, 1.2),), "must be a share above 0"),
        ((Wave(2031, 1, -1),), "its effect 0 to 10"),
    ],
)
def test_waves_that_cannot_be_are_refused(waves: tuple[Wave, ...], sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        bind(rolled_out(*waves))


def test_a_roll_out_needs_a_municipality_and_the_baseline_has_none() -> None:
    made = rolled_out(Wave(2030))
    with pytest.raises(ScenarioError, match="goes with a municipality"):
        bind(replace(made, municipality=None))
    with pytest.raises(ScenarioError, match="the baseline is what there is already"):
        bind(replace(made, arms={"baseline": Arm(rollout=(Wave(2030),))}))


# Money by calendar year

PAYERS = ("municipality.social", "municipality.school", "state")


def priced(**more: Any) -> Scenario:
    """Return a municipality with prices, one cashed in slowly and one shared with an end year, and costs of support."""
    model = childhood()

    def price(name: str, column: str, amount: float, payer: Any, **other: Any) -> Price:
        one = Quantity(name, Expression.of(column).rule(model.columns), "on_date", "years")
        return Price(name, one, amount, 2024, Shares.of(payer), **other)

    prices = PriceList(
        (
            price("care", "care != 'home'", 1000, "municipality.social", cashable=(0.2, 0.5, 1.0)),
            price("teaching", "school == 'struggling'", 100, {"municipality.school": 0.5, "state": 0.5, "until": 2033}),
        )
    )
    costs = (
        CostLine("start", 300, 2024, Shares.of("municipality.social")),
        CostLine("offered", 10, 2024, Shares.of("state")),
    )
    made = town((support(costs=costs),), (training(),), copies=4, **more)
    return replace(made, prices=prices, economics=Economics(2024, 0.03), measures=("years_struggling",))


@cache
def comparison() -> TownComparison:
    return price_town(simulate_town(priced()))


def test_the_budget_impact_of_a_year_is_the_sum_over_all_birth_cohorts() -> None:
    found = comparison()
    outcome = found.outcome
    for payer in PAYERS:
        gross, net, spent = (np.zeros(9) for _ in range(3))
        for born, cohort in outcome.cohorts.items():
            pricing = Pricing(cohort, found.economics)
            changes, cashable = pricing.changes("arm_1")
            outlay = pricing.outlay("arm_1", payer)
            for row in range(1, cohort.plan.scenario.horizon + 1):
                if 2030 <= (year := born + row - 1) < 2039:
                    place = year - 2030
                    spent[place] += outlay[:, row].sum() / 4
                    gross[place] += (outlay + changes.at(payer, pricing.shape))[:, row].sum() / 4
                    net[place] += (outlay + cashable.at(payer, pricing.shape))[:, row].sum() / 4
        one = found.impact["arm_1"][payer]
        for got, expected in ((one.spent, spent), (one.gross, gross), (one.net, net)):
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert one.discounted == pytest.approx(net * 1.03 ** -np.arange(9.0), rel=1e-9, abs=1e-9)
    assert found.impact["arm_1"]["municipality"].net == pytest.approx(
        sum(found.impact["arm_1"][payer].net for payer in PAYERS[:2])
    )
    assert abs(found.impact["arm_1"]["state"].net).sum() > 0


def test_all_the_years_together_are_the_sum_of_the_years() -> None:
    found = comparison()
    for arm in ("arm_1", "arm_2"):
        for payer, one in found.arms[arm].by_payer.items():
            impact = found.impact[arm][payer]
            assert one.incremental * found.persons == pytest.approx(4 * impact.discounted.sum(), abs=1e-6)
            undiscounted, _ = found.costs[arm][payer]
            before, _ = found.costs["baseline"][payer]
            assert (undiscounted - before) * found.persons == pytest.approx(4 * impact.gross.sum(), abs=1e-6)


def test_where_the_run_starts_with_them_a_cohort_is_priced_as_any_other() -> None:
    made = priced()
    own = replace(made, municipality=None, cohort=Cohort(2020, 90, 4), horizon=15)
    alone = compare(simulate(own))
    one_year = Municipality(2020, 15, {2020: 90, 2021: 1}, oldest=0)
    place = simulate_town(replace(own, municipality=one_year))
    place.cohorts = {2020: place.cohorts[2020]}
    found = price_town(place)
    for payer, one in found.arms["arm_1"].by_payer.items():
        known = alone.arms["arm_1"].by_payer[payer]
        assert one.incremental == pytest.approx(known.incremental, rel=1e-9, abs=1e-12)
        assert one.gross == pytest.approx(known.gross, rel=1e-9, abs=1e-12)
        assert one.se == pytest.approx(known.se, rel=1e-6)
        assert one.break_even_year == known.break_even_year
    measures = found.arms["arm_1"].measures["years_struggling"]
    assert measures.change == pytest.approx(alone.arms["arm_1"].measures["years_struggling"].change)


def test_a_cohorts_rows_fall_in_the_years_in_which_they_have_that_age() -> None:
    place = Municipality(2030, 3, {2030: 1}, oldest=2)
    rows = np.arange(6.0)[None]  # row 0 before birth, row a + 1 at age a
    assert by_year(rows, 2028, place).tolist() == [[0, 3, 4, 5]]
    assert by_year(rows, 2031, place).tolist() == [[0, 0, 1, 2]]


def test_waves_do_not_count_as_chance() -> None:
    plan = bind(rolled_out(Wave(2031, 0.5), Wave(2033)))
    assert within_waves(np.array([1.0, 1.0, 9.0, 9.0]), plan, "arm_1") == 0
    assert within_waves(np.array([1.0, 3.0, 9.0, 9.0]), plan, "arm_1") == pytest.approx(np.sqrt(2 * 2) / 4)
    assert within_waves(np.array([1.0, 3.0, 9.0, 9.0]), bind(rolled_out(Wave(2031, 0.25), Wave(2033))), "arm_1") is None


# Moves in and out, from files

MOVES = """
moves_in:
  newcomers:
    fixed: {sex: boy}
    a_year: {2-3: 12.5, 6: 10}
    on_arrival:
      lodging: {shares: {foster: 1}, source: invented, provenance: assumed}
    source: invented
    provenance: assumed
moves_out:
  a_year: {1-5: 0.1}
  to: {elsewhere: 0.75, abroad: 0.25}
  source: invented
  provenance: assumed
siblings:
  by_order: [0.5, 0.35, 0.15]
  years_between: {2: 0.5, 3: 0.5}
  source: invented
  provenance: assumed
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the small town as a municipality with moves and siblings; return its folder."""
    small_town.settle(tmp_path, monkeypatch)
    small_town.rewrite(
        tmp_path, "town.yaml", "cohort: {born: 2026, represents: 200, copies: 4}\nhorizon: 12\n",
        "municipality: {start: 2026, years: 8, oldest: 9, copies: 4}\n",
    )  # fmt: skip
    people = tmp_path / "populations" / "town.yaml"
    people.write_text(people.read_text(encoding="utf-8") + MOVES, encoding="utf-8")
    return tmp_path


def test_who_moves_in_is_counted_from_then_on_with_what_all_of_them_have(files: Path) -> None:
    small_town.rewrite(files, "populations/town.yaml", "1-5: 0.1", "1-5: 0")
    plan = load_plan(files / "town.yaml", extra=(Need(frozenset({"sex"})),))
    place = simulate_town(plan)
    without = simulate_town(replace(plan.scenario, municipality=replace(plan.scenario.municipality, moves_in=())))
    group = MovesIn("newcomers", (0, 0, 12.5, 12.5, 0, 0, 10))
    for year, one in place.cohorts.items():
        more = one.share_in(["sex"])[0] - without.cohorts[year].share_in(["sex"])[0]
        assert not more[:, 0].any()
        came = [4 * group.number(age, year + age) if year + age < 2034 else 0 for age in range(7)]
        lived = min(2034 - year, 12)
        assert more[1 : lived + 1, 1].tolist() == [sum(came[: age + 1]) for age in range(lived)]  # nobody dies here
        assert one.baseline.persons.sum() - 800 == sum(came)
    assert [sum(group.number(2, year) for year in range(2000, 2100)), group.number(6, 2050)] == [1250, 10]


def test_they_come_in_the_states_that_the_file_says(files: Path) -> None:
    both = (Need(frozenset({"lodging", "sex"})),)
    place = simulate_town(load_plan(files / "town.yaml", extra=both))
    with_them, _ = place.cohorts[2020].share_in(["lodging", "sex"])
    small_town.rewrite(files, "populations/town.yaml", "foster: 1", "home: 1")
    without, _ = simulate_town(load_plan(files / "town.yaml", extra=both)).cohorts[2020].share_in(["lodging", "sex"])
    assert with_them[2 + 1, 1, 1] > without[2 + 1, 1, 1]
    assert np.array_equal(with_them[:, :, 0], without[:, :, 0])
    assert np.array_equal(with_them[:3], without[:3])


def test_nobody_is_offered_anything_before_he_comes_or_after_he_has_left(files: Path) -> None:
    plan = load_plan(files / "town.yaml")
    assert "residence == 'own'" in plan.arms["tutors"][0].when.text
    place = simulate_town(plan)
    residents = Residents(plan, philox_key(1))
    came = 0
    for year, one in place.cohorts.items():
        newborn = residents.newborn(year)
        arrives = dict(zip(newborn.persons.ids.tolist(), newborn.arrives.tolist(), strict=True))
        reached = [arrives[i] for i in one.reached.get("tutors", np.zeros(0)).tolist()]
        assert all(age <= 4 for age in reached)  # the offer ends at 4, and some come at 6
        came += sum(age > 0 for age in reached)
    assert came > 10
    full = simulate_town(plan, in_full=True)
    assert same(place, full, "tutors")
    small_town.rewrite(files, "populations/town.yaml", "1-5: 0.1", "1-5: 1")
    gone = simulate_town(load_plan(files / "town.yaml"))
    started = sum(int(one.ledger("tutors").deliveries[..., 2].sum()) for one in gone.cohorts.values())
    assert (
        0 < started < 0.35 * sum(int(one.ledger("tutors").deliveries[..., 2].sum()) for one in place.cohorts.values())
    )


def test_families_leave_together_and_at_the_rate_that_the_file_says(files: Path) -> None:
    small_town.rewrite(files, "populations/town.yaml", "{2-3: 12.5, 6: 10}", "{2: 0}")
    plan = load_plan(files / "town.yaml", persons=100_000)
    residents = Residents(plan, philox_key(1))
    row = plan.layout.row("residence")
    where: dict[int, dict[int, int]] = {}
    for year in (2022, 2025):
        some = Neighbours(residents, residents.newborn(year), plan.programs["baseline"])
        tally = some.tally()
        some.live(2027 - residents.town.first, tally)
        chunk = some.chunk
        for family, lives in zip(chunk.families.tolist(), chunk.cols[row].tolist(), strict=True):
            where.setdefault(family, {})[year] = lives
    gone = np.array([own[2025] for own in where.values() if 2025 in own])
    assert np.mean(gone > 0) == pytest.approx(0.1, abs=0.01)  # at 1 only: the others of age 0 stay
    assert np.mean(gone[gone > 0] == 2) == pytest.approx(0.75, abs=0.05)
    both = [own for own in where.values() if len(own) == 2 and own[2025] > 0]
    assert len(both) > 50
    assert all(own[2022] > 0 for own in both)


def test_moves_change_nobody_else(files: Path) -> None:
    plan = load_plan(files / "town.yaml")
    some = replace(plan.scenario.municipality, moves_out=None)
    here, there = Residents(plan, 1), Residents(bind(replace(plan.scenario, municipality=some)), 1)
    assert np.array_equal(here.newborn(2020).persons.ids, there.newborn(2020).persons.ids)
    assert len(set(here.newborn(2020).persons.ids.tolist())) == len(here.newborn(2020))


# Bad input


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence", "line"),
    [
        ("town.yaml", "years: 8", "years: 0", "'years' is 0: it must be at least 1", 5),
        ("town.yaml", "years: 8", "years: 95", "years must be 1 to 91", 5),
        ("town.yaml", "years: 8", "year: 8", "unknown key 'year'", 5),
        ("town.yaml", "copies: 4", "copies: 200", "at most 128 copies, not 200", 5),
        ("town.yaml", "oldest: 9", "births: {spring: 3}", "births are given by calendar year, and 'spring' is none", 5),
        ("town.yaml", "oldest: 9", "births: 0", "births must be a whole number of 1 or more, not 0", 5),
        ("town.yaml", "measures:", "horizon: 12\nmeasures:", "leave `horizon` out", 7),
        ("town.yaml", "measures:", "cohort: {born: 2026}\nmeasures:", "either a `cohort` or a `municipality`", 5),
        ("town.yaml", "[tutors]}", "[tutors], rollout: [{from: 2020}]}", "a wave of 2020 is outside the years", 10),
        ("town.yaml", "[tutors]}", "[tutors], rollout: [{copies: 2}]}", "needs the key 'from'", 10),
        ("town.yaml", "[tutors]}", "[tutors], prices: {support: {amount: 5}}}", "cannot change prices yet", 10),
        ("populations/town.yaml", "sex: boy", "sex: man", "'sex' has no label 'man'", 8),
        ("populations/town.yaml", "{sex: boy}", "{gender: boy}", "no trait 'gender'", 8),
        ("populations/town.yaml", "lodging: {shares", "lodgings: {shares", "no column 'lodgings'", 11),
        ("populations/town.yaml", "{foster: 1}", "{foster: 0.9}", "add to 0.9, not 1", 11),
        ("populations/town.yaml", "2-3: 12.5", "3-2: 12.5", "'3-2' is no age and no band of ages", 9),
        ("populations/town.yaml", "2-3: 12.5", "2-6: 12.5", "age 6 stands twice", 9),
        ("populations/town.yaml", "1-5: 0.1", "1-5: 1.1", "'1-5' must be a number from 0 to 1", 15),
        ("populations/town.yaml", "elsewhere: 0.75", "elsewere: 0.75", "nobody can move to 'elsewere'", 16),
        ("populations/town.yaml", "elsewhere: 0.75", "elsewhere: 0.5", "add to 0.75, not 1", 16),
        ("populations/town.yaml", "[0.5, 0.35, 0.15]", "[0.35, 0.5, 0.15]", "must be falling shares that add to 1", 20),
        ("populations/town.yaml", "[0.5, 0.35, 0.15]", "[1]\n  only_while: {lodging: [home]}", "keyed by family", 21),
        ("populations/town.yaml", "{2: 0.5, 3: 0.5}", "{2: 0.5, two: 0.5}", "'two' is no number of years", 21),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place(files: Path, name: str, old: str, new: str, sentence: str, line: int) -> None:
    small_town.rewrite(files, name, old, new)
    with pytest.raises(FramsynError) as caught:
        load_plan(files / "town.yaml")
    problem = next(one for one in caught.value.problems if sentence in one.message)
    assert Path(problem.file or "").name == Path(name).name
    assert problem.line == line


def test_a_cohort_or_a_municipality_is_needed(files: Path) -> None:
    small_town.rewrite(files, "town.yaml", "municipality: {start: 2026, years: 8, oldest: 9, copies: 4}\n", "")
    with pytest.raises(ScenarioError, match="needs the key 'cohort'"):
        load_plan(files / "town.yaml")


def test_moves_need_to_know_what_living_here_is_called(files: Path) -> None:
    text = (files / "prices/town.yaml").read_text(encoding="utf-8")
    start, end = text.index("residence:"), text.index("prices:")
    (files / "prices/town.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(ScenarioError, match="need prices with `residence`"):
        load_plan(files / "town.yaml")


def test_what_lives_birth_cohorts_refuses_a_municipality() -> None:
    with pytest.raises(ScenarioError, match="no birth cohort"):
        simulate(town())
    with pytest.raises(ScenarioError, match="no birth cohort"):
        expect(town())
    with pytest.raises(ScenarioError, match="a birth cohort and no municipality"):
        simulate_town(scenario())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"years": 0}, "years must be 1 to 76"),
        ({"years": 77}, "nobody may pass 100"),
        ({"oldest": 61}, "the oldest age at the start must be 0 to 60"),
        ({"births": {}}, "births need one year or more"),
        ({"births": {2030: 2**24}}, "births a year must be 1 to"),
        ({"start": 1910}, "every year must lie from 1900 to 2200"),
        ({"moves_in": (MovesIn("old", (0.0,) * 64 + (1.0,)),)}, "'old' move in after the age of 63"),
    ],
)
def test_a_municipality_that_cannot_be_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        Municipality(**{"start": 2030, "years": 10, "births": {2030: 10}, **changes})


def test_more_copies_than_memory_holds_are_refused() -> None:
    with pytest.raises(ScenarioError, match="ledgers of all birth years would take"):
        bind(
            town(
                (support(),),
                (tutoring(),),
                (support(), tutoring()),
                years=76,
                oldest=24,
                copies=128,
                needs=(Need(frozenset({"school", "care", "work", "spells"})),),
            )
        )


def test_arms_that_change_more_than_what_is_offered_are_refused() -> None:
    made = town()
    with pytest.raises(ScenarioError, match="cannot change parameters yet"):
        bind(replace(made, arms={**made.arms, "other": Arm(parameters=made.parameters)}))
    covered = offer("covered", *support().effects, baseline_coverage=0.2)
    arm = Arm((covered,), rollout=(Wave(2031, 1, 0.5),))
    with pytest.raises(ScenarioError, match="partly delivered already keeps its effect"):
        bind(replace(made, arms={**made.arms, "other": arm}))


def test_what_the_baseline_offers_goes_on_in_every_arm() -> None:
    made = town()
    current, more = Arm((support(),)), Arm((tutoring(), support()), rollout=(Wave(2031, 1, 0.5),))
    some = replace(made, arms={"baseline": current, "more": more})
    assert same(simulate_town(some), simulate_town(some, in_full=True), "more")
    place = simulate_town(some)
    started = [one.baseline.deliveries[:, : max(0, 2031 - year), 0, 2].sum() for year, one in place.cohorts.items()]
    assert sum(started) > 0  # in the years before the start, too
    bare = replace(made, arms={"baseline": current, "ends": Arm()})
    with pytest.raises(ScenarioError, match="cannot end it yet"):
        bind(bare)


def test_existing_delivery_goes_on_before_and_after_the_start() -> None:
    covered = offer("covered", *support().effects, baseline_coverage=0.3, years=3)
    made = town((replace(covered, uptake=Expression.of(0.8)),))
    some = simulate_town(made)
    assert same(some, simulate_town(made, in_full=True), "arm_1")
    before = some.cohorts[2022].baseline.deliveries[:, :8, 0, 2].sum()
    assert before > 0
    assert np.array_equal(
        some.cohorts[2022].ledger("arm_1").deliveries[:, :8], some.cohorts[2022].baseline.deliveries[:, :8]
    )


# The command line


def called(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_compare_prints_and_writes_the_budget_impact(files: Path) -> None:
    found = called("compare", files / "town.yaml", "--out", files / "run", "--json", "--threads", 2)
    assert found.exit_code == 0, found.output
    result = json.loads(found.stdout)
    schema = json.loads(called("schema", "municipality").stdout)
    assert set(schema["properties"]) == set(result)
    assert result["copies"] == 4
    assert result["municipality"]["years"] == list(range(2026, 2034))
    assert len(result["municipality"]["residents_by_age"]) == 10
    impact = result["budget_impact"]["tutors"]["public"]
    arm = result["comparisons"]["tutors"]["by_payer"]["public"]
    assert sum(impact["net_discounted"]) * 4 == pytest.approx(arm["incremental_per_person"] * result["persons"])
    with open(files / "run" / "budget_impact.csv", encoding="utf-8", newline="") as file:
        rows = [one for one in csv.DictReader(file) if one["payer"] == "public"]
    assert [float(one["net"]) for one in rows] == pytest.approx(impact["net"])
    words = called("compare", files / "town.yaml", "--out", files / "other", "--persons", 3000)
    assert "Residents aged 0 to 9 at the end of 2026" in words.stdout
    assert "all years" in words.stdout
    assert called("compare", files / "town.yaml", "--causal-share", "all").exit_code == 2


def test_a_run_folder_is_priced_again_as_it_was(files: Path) -> None:
    first = json.loads(called("compare", files / "town.yaml", "--out", files / "run", "--json").stdout)
    found = called("price", files / "run", "--json")
    assert found.exit_code == 0, found.output
    again = json.loads(found.stdout)
    for key in ("budget_impact", "arms", "comparisons", "persons", "municipality", "ledger_digest"):
        assert again[key] == first[key]
    other = json.loads(called("price", files / "run", "--json", "--discount", 0.1).stdout)["budget_impact"]["tutors"]
    net = np.array(first["budget_impact"]["tutors"]["public"]["net"])
    assert other["public"]["net"] == pytest.approx(net)
    assert other["public"]["net_discounted"] == pytest.approx(net / 1.1 ** np.arange(8.0))
    with pytest.raises(StoreError, match="holds a municipality"):
        read_run(files / "run")
    table = files / "run" / "budget_impact.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("public", "publik"), encoding="utf-8")
    damaged = called("price", files / "run")
    assert damaged.exit_code == 1
    assert "is not the file that was written" in damaged.stderr


def test_the_same_seed_gives_the_same_digest_whatever_the_threads(files: Path) -> None:
    digests = {
        json.loads(called("compare", files / "town.yaml", "--out", files / f"{n}", "--json", "--threads", n).stdout)[
            "ledger_digest"
        ]
        for n in (1, 2)
    }
    assert len(digests) == 1


def test_check_says_what_the_municipality_is(files: Path) -> None:
    found = called("check", files / "town.yaml")
    assert found.exit_code == 0
    assert "a municipality: everyone aged 0 to 9 in 2026" in found.stdout
    assert "newcomers move in: 35 a year, up to age 6, sex boy" in found.stdout
    plan = json.loads(called("check", files / "town.yaml", "--json").stdout)["plan"]
    assert plan["persons"] == 4 * 17 * 200
    assert plan["municipality"]["first"] == 2017


# Targets, and what ships


def test_every_target_of_residents_is_answered_by_the_model_that_ships() -> None:
    targets = read_town_targets()
    assert len(targets) >= 40
    assert {one.figure.population for one in targets} == {"all_residents"}
    assert {one.set for one in targets} == {"held-out"}  # nothing has been fitted to them
    assert len({one.id for one in targets}) == len(targets)
    assert needs(targets, load_model("lifecourse"))


@pytest.fixture(scope="module")
def shipped() -> TownOutcome:
    """Live the municipality that ships, small, with what its targets and prices need."""
    scenario = load_plan(shipped_folder() / "norrkoping_municipality.yaml").scenario
    targets = of_residents(read_town_targets(), scenario.prices.residence)
    small = replace(
        scenario, municipality=replace(scenario.municipality, years=8, births={2002: 300}, moves_in=tuple(
            replace(one, a_year=tuple(0.2 * number for number in one.a_year)) for one in scenario.municipality.moves_in
        )), cohort=Cohort(2026, 300, 4), needs=needs(targets, scenario.model),
    )  # fmt: skip
    return simulate_town(small, threads=2)


def test_the_municipality_that_ships_is_judged_on_its_residents(shipped: TownOutcome) -> None:
    targets = of_residents(read_town_targets(), shipped.plan.scenario.prices.residence)
    results = judge_town(targets, shipped)
    assert len(results) == len(targets)
    by_id = {one.target.id: one for one in results}
    assert by_id["born_abroad_0_17"].simulated == pytest.approx(0.1, abs=0.04)
    born_here = shipped.cohorts[2010].share_in(["arrival", "residence"])[0][17]
    assert born_here[1:].sum() > 0
    eligible = by_id["eligible_2023"]
    assert 0.8 < eligible.simulated < 0.9
    assert eligible.se is not None


def test_the_stock_of_an_age_stays_near_the_births(shipped: TownOutcome) -> None:
    stock = shipped.residents_by_age()
    assert set(stock) == set(range(25))
    assert all(0.9 * 300 < number < 1.45 * 300 for number in stock.values())


def test_the_municipality_that_ships_is_priced_by_year(shipped: TownOutcome) -> None:
    found = price_town(shipped)
    assert len(rows_of(found)) == sum(len(one) for one in found.impact.values()) * 8
    skolfam = found.impact["skolfam"]["municipality"]
    assert skolfam.spent[0] > 0
    assert skolfam.spent[4] > 1.8 * skolfam.spent[0]  # three quarters more from 2029 on
