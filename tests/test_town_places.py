"""Few places a year in a whole municipality: shared by all ages of a copy, and paid for by team over all ages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.budget_impact import by_year, price_town
from sim.draws import person_id, philox_key
from sim.errors import ScenarioError
from sim.expression import Expression
from sim.files import load_plan
from sim.intervention import CostLine, Intervention
from sim.kernels.layout import ELIGIBLE_COUNT, OFFERED_COUNT, START_COUNT, WAITED_COUNT, WAITING_COUNT, YEAR_COUNT
from sim.ledger import Need
from sim.municipality import Municipality, Wave
from sim.plan import bind
from sim.prices import Economics, PriceList, Shares
from sim.residents import Residents
from sim.scenario import Arm, Cohort, Scenario
from sim.town import TownOutcome, simulate_town
from tests import small_town
from tests.line_models import PEOPLE, SEED, few, still, visits
from tests.models import scenario, support, tutoring
from tests.properties.plain_draws import draw
from tests.test_municipality import FAMILIES, called, files, town

__all__ = ["files"]


def counts_by_year(place: TownOutcome, arm: str, name: str = "support") -> np.ndarray:
    """Return what was counted of an offer over all birth years: (copies, years, counts)."""
    number = place.plan.interventions.index(name)
    every = [
        by_year(np.moveaxis(one.ledger(arm).deliveries[:, :, number], 1, -1), year, place.town)
        for year, one in place.cohorts.items()
    ]
    return np.moveaxis(sum(every), 1, -1)[:, 1:]


@pytest.fixture(scope="module")
def place() -> TownOutcome:
    return simulate_town(town((few(10),), (few(10, rank=None), tutoring()), (support(),), siblings=FAMILIES), seed=3)


def test_all_ages_of_a_copy_share_the_places_of_a_year(place: TownOutcome) -> None:
    for arm in ("arm_1", "arm_2"):
        counts = counts_by_year(place, arm)
        assert counts[..., START_COUNT].max() == 10
        assert (counts[counts[..., WAITING_COUNT] > 0][:, START_COUNT] == 10).all()
        assert (counts[..., WAITING_COUNT] == counts[..., ELIGIBLE_COUNT] - counts[..., OFFERED_COUNT]).all()
        assert (counts[..., WAITING_COUNT] > 0).all()
    started = [one.ledger("arm_1").deliveries[:, :, 0, START_COUNT].sum() for one in place.cohorts.values()]
    assert sum(number > 0 for number in started) > 8  # birth years


def test_more_places_than_persons_are_as_good_as_no_limit() -> None:
    waves = (Wave(2031, 0.4), Wave(2034, 1, 0.5))
    made = town((few(10**6),), (support(),), siblings=FAMILIES)
    made = replace(made, arms={name: replace(arm, rollout=waves) if arm.interventions else arm
                               for name, arm in made.arms.items()})  # fmt: skip
    some = simulate_town(made)
    for one in some.cohorts.values():
        assert one.ledger("arm_1").digest() == one.ledger("arm_2").digest()
        assert np.array_equal(one.arms["arm_1"].participants, one.arms["arm_2"].participants)
        assert np.array_equal(one.reached.get("arm_1", []), one.reached.get("arm_2", []))


@pytest.mark.parametrize("settings", [{"threads": 2, "chunk": 61}, {"threads": 3, "chunk": 7}])
def test_threads_and_chunks_change_nothing(place: TownOutcome, settings: dict[str, int]) -> None:
    other = simulate_town(place.plan, seed=3, **settings)
    assert other.digest() == place.digest()
    for year, one in place.cohorts.items():
        for arm in place.plan.compared:
            assert np.array_equal(one.arms[arm].participants, other.cohorts[year].arms[arm].participants)
            assert np.array_equal(one.reached.get(arm, []), other.cohorts[year].reached.get(arm, []))


def test_an_arm_without_a_line_is_what_it_is_beside_one_that_has_it(place: TownOutcome) -> None:
    alone = simulate_town(town((support(),), (tutoring(),), siblings=FAMILIES), seed=3)
    for year, one in place.cohorts.items():
        assert np.array_equal(one.ledger("arm_3").counts, alone.cohorts[year].ledger("arm_1").counts)
        assert one.baseline.persons.tolist() == alone.cohorts[year].baseline.persons.tolist()


# Who gets a place, by hand


def quiet(*arms: tuple[Intervention, ...], **more: Any) -> Scenario:
    """Return a municipality of six births a year in two copies in which nothing happens but visits, 2026 to 2031."""
    place = Municipality(2026, 6, {2026: 6}, oldest=4)
    return scenario(
        *arms, model=still(), population=PEOPLE, municipality=place, cohort=Cohort(2026, 6, 2), parameters={},
        needs=(Need(frozenset({"care"})),), economics=Economics(2024, 0.0), prices=PriceList(()), **more,
    )  # fmt: skip


@pytest.mark.parametrize("waiting_years", [None, 1])
def test_the_ages_compete_and_those_who_wait_keep_their_time_though_they_grow_older(waiting_years: int | None) -> None:
    """Who gets a place is worked out person by person: by need, then by the first year in line, then by lot."""
    needy = Expression.of("need == 'high'")
    accept = 0.75
    one = visits(4, ages=(1, 3), rank=needy, uptake=accept, waiting_years=waiting_years)
    outcome = simulate_town(quiet((one,)), seed=SEED)
    high = those_in_need(outcome)
    for copy in range(2):
        since: dict[int, int] = {}
        settled: set[int] = set()
        got: dict[int, list[int]] = {}
        for year in range(2026, 2032):
            line = [
                i for age in (1, 2, 3) for n in range(6)
                if (i := int(person_id(year - age, copy, 0)) + n) not in settled
            ]  # fmt: skip
            since |= {i: year for i in line if i not in since}
            order = sorted(line, key=lambda i: (i not in high, since[i], draw(SEED, i, 0, "queue visits")))
            places, waited, asked = 4, 0, 0
            for i in order:
                if places:
                    asked += 1
                    settled.add(i)
                    if draw(SEED, i, 0, "uptake visits") < accept * 2**32:
                        places -= 1
                        waited += year - since[i]
                        got.setdefault(i >> 40, []).append(i)
                elif waiting_years is not None and year - since[i] >= waiting_years:
                    settled.add(i)
            counts = counts_by_year(outcome, "arm_1", "visits")[copy, year - 2026]
            assert counts[START_COUNT] == 4 - places
            assert (counts[ELIGIBLE_COUNT], counts[OFFERED_COUNT]) == (len(line), asked)
            assert counts[WAITED_COUNT] == waited
        for born, cohort in outcome.cohorts.items():
            own = [i for i in cohort.reached["arm_1"].tolist() if i >> 24 & 0xFFFF == copy]
            assert own == sorted(got.get(born, []))


def those_in_need(outcome: TownOutcome) -> set[int]:
    residents = Residents(outcome.plan, philox_key(SEED))
    found: set[int] = set()
    for year in outcome.town.birth_years:
        newborn = residents.newborn(year)
        need = residents.at_birth(newborn)[0][outcome.plan.layout.row("need")]
        found |= set(newborn.persons.ids[need == 1].tolist())
    return found


# When an arm begins


def test_a_copy_has_no_line_before_its_wave_and_the_first_line_is_of_all_ages() -> None:
    made = quiet((visits(4, ages=(1, 3)),))
    waves = (Wave(2027, 0.5), Wave(2029, 1))
    outcome = simulate_town(replace(made, arms={**made.arms, "arm_1": replace(made.arms["arm_1"], rollout=waves)}))
    counts = counts_by_year(outcome, "arm_1", "visits")
    assert counts[0, :, START_COUNT].tolist() == [0, 4, 4, 4, 4, 4]
    assert counts[1, :, START_COUNT].tolist() == [0, 0, 0, 4, 4, 4]
    assert counts[0, 1, ELIGIBLE_COUNT] == counts[1, 3, ELIGIBLE_COUNT] == 18
    assert sum(one.arms["arm_1"].participants.sum() for one in outcome.cohorts.values()) == 20 + 12
    line = price_town(outcome).queues["arm_1"]["visits"]
    assert (line.years, line.started, line.refused) == (5, 4, 0)


def test_an_arm_gives_few_places_to_those_whom_the_baseline_has_not_reached_yet() -> None:
    """The baseline offers visits at 1 to those in need, the arm four places a year to all others."""
    current = visits(None, ages=(1, 1), when="need == 'high'")
    wider = visits(4, ages=(1, 3))
    made = quiet()
    outcome = simulate_town(replace(made, arms={"baseline": Arm((current,)), "wider": Arm((wider,))}), seed=SEED)
    high = those_in_need(outcome)
    counts = counts_by_year(outcome, "wider", "visits")
    born = {year: one.baseline.persons for year, one in outcome.cohorts.items()}
    low = [
        sum(int(person_id(year, copy, 0)) + n not in high for year in (2023, 2024, 2025) for n in range(6))
        for copy in range(2)
    ]
    had_it_at_1 = [
        sum(int(person_id(2025, copy, 0)) + n in high for n in range(6)) for copy in range(2)
    ]  # in 2026: they are offered it in this very year, in either arm
    assert counts[:, 0, ELIGIBLE_COUNT].tolist() == [a + b for a, b in zip(low, had_it_at_1, strict=True)]
    assert counts[:, 0, START_COUNT].tolist() == [4, 4]
    assert all((number == 6).all() for number in born.values())


def test_few_places_in_the_baseline_are_refused() -> None:
    made = quiet()
    with pytest.raises(ScenarioError, match="a municipality's baseline cannot give out yet"):
        bind(replace(made, arms={"baseline": Arm((visits(4),)), "same": Arm((visits(4),))}))


# Teams and whole services


def paid(per: Any, amount: float = 100.0, **more: Any) -> CostLine:
    return CostLine(per, amount, 2024, Shares.of("municipality"), **more)


@pytest.mark.parametrize(
    ("line", "by_year_paid"),
    [
        (paid("team", size=3), [2, 3, 3, 3, 3, 3]),  # in delivery are 4, then 8
        (paid("team", size=100), [1, 1, 1, 1, 1, 1]),
        (paid("fixed"), [1, 1, 1, 1, 1, 1]),
        (paid("fixed", years=(2020, 2028)), [1, 1, 1, 0, 0, 0]),
        (paid("once"), [1, 0, 0, 0, 0, 0]),
        (paid("year"), [4, 8, 8, 8, 8, 8]),
    ],
)
def test_a_team_serves_all_ages_and_a_service_is_paid_once_a_copy_and_year(
    line: CostLine, by_year_paid: list[int]
) -> None:
    found = price_town(simulate_town(quiet((visits(4, ages=(1, 3), years=2, costs=(line,)),))))
    assert found.impact["arm_1"]["public"].spent.tolist() == [100 * number for number in by_year_paid]
    assert found.impact["arm_1"]["municipality"].net.tolist() == [100 * number for number in by_year_paid]
    assert found.arms["arm_1"].by_payer["public"].spent * found.persons == pytest.approx(200 * sum(by_year_paid))


def test_a_copy_pays_for_a_service_from_its_wave_on() -> None:
    lines = paid("fixed", years=(2020, 2028)), paid("once", 10.0), paid("team", 1.0, size=3)
    made = quiet((visits(4, ages=(1, 3), costs=lines),))
    waves = (Wave(2027, 0.5), Wave(2029, 1))
    made = replace(made, arms={**made.arms, "arm_1": replace(made.arms["arm_1"], rollout=waves)})
    first, second = np.array([0, 112, 102, 2, 2, 2]), np.array([0, 0, 0, 12, 2, 2])
    assert price_town(simulate_town(made)).impact["arm_1"]["public"].spent.tolist() == ((first + second) / 2).tolist()
    made = replace(made, arms={**made.arms, "arm_1": replace(made.arms["arm_1"], rollout=(Wave(2027, 0.5),))})
    assert price_town(simulate_town(made)).impact["arm_1"]["public"].spent.tolist() == (first / 2).tolist()


def test_what_the_baseline_has_set_up_before_the_start_is_paid_before_it_and_teams_are_subtracted_whole() -> None:
    lines = paid("once", 1000.0), paid("team", size=4)
    current, wider = visits(None, ages=(1, 1), costs=lines, years=2), visits(None, ages=(1, 2), costs=lines, years=2)
    half = replace(current, uptake=Expression.of(0.5))
    made = quiet()
    outcome = simulate_town(replace(made, arms={"baseline": Arm((half,)), "wider": Arm((wider,))}), seed=SEED)
    found = price_town(outcome)
    teams = {
        arm: -(-counts_by_year(outcome, arm, "visits")[..., YEAR_COUNT] // 4) for arm in ("baseline", "wider")
    }  # no `once` in these years
    assert (
        found.impact["wider"]["public"].spent.tolist()
        == (100 * (teams["wider"] - teams["baseline"]).mean(axis=0)).tolist()
    )
    whole, _ = found.costs["baseline"]["public"]
    assert whole * found.persons == pytest.approx(100 * teams["baseline"].sum())
    by_cohort = sum(
        -(-one.ledger("wider").deliveries[:, 2026 - year + 1 if year < 2026 else 1 :, 0, YEAR_COUNT] // 4).sum()
        for year, one in outcome.cohorts.items()
    )
    assert by_cohort > teams["wider"].sum()


# The command line


def test_compare_tells_how_the_line_of_a_municipality_went(files: Path) -> None:
    small_town.rewrite(
        files, "interventions/tutors.yaml", "uptake: 0.8,", "uptake: 0.8, capacity_per_year: 30, rank: age,"
    )
    small_town.rewrite(
        files, "interventions/tutors.yaml", "cost: [",
        "cost: [{per: team, size: 20, amount: 9000, price_year: 2024, payer: municipality.school}, ",
    )  # fmt: skip
    words = called("compare", files / "town.yaml", "--out", files / "words")
    assert words.exit_code == 0, words.output
    assert "Line for tutors, 30 places a year: in a municipality's mean year with a line (8 of them)" in words.stdout
    found = json.loads(called("compare", files / "town.yaml", "--out", files / "run", "--json", "--threads", 2).stdout)
    line = found["arms"]["tutors"]["queues"]["tutors"]
    assert line["started"] == 30
    assert line["refused"] == pytest.approx(line["offered"] - 30)
    assert line["waiting"] > 100
    assert "queues" not in found["arms"]["baseline"]
    spent = found["budget_impact"]["tutors"]["municipality.school"]["spent"]
    started = 30 * 500
    assert spent[0] == 2 * 9000 + started
    assert all(3 * 9000 + started >= one >= 2 * 9000 + started for one in spent[1:])
    again = json.loads(called("price", files / "run", "--json").stdout)
    assert {key: again[key] for key in ("arms", "budget_impact")} == {
        key: found[key] for key in ("arms", "budget_impact")
    }
    checked = called("check", files / "town.yaml")
    assert "everyone of these ages, 2 to 4, who lives there stands in this line" in checked.stdout
    assert "paid once for all birth years together" in checked.stdout


def test_nobody_who_lives_elsewhere_stands_in_the_line(files: Path) -> None:
    plan = load_plan(files / "town.yaml")
    few_places = replace(plan.scenario.arms["tutors"].interventions[0], capacity_per_year=10**6)
    arms = {**plan.scenario.arms, "limited": Arm((few_places,))}
    outcome = simulate_town(replace(plan.scenario, arms=arms))
    for one in outcome.cohorts.values():
        assert one.ledger("limited").digest() == one.ledger("tutors").digest()
