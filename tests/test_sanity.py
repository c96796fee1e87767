"""Believability checks: what each kind works out, from lives counted and priced one by one, and what is refused."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import calibration.command
from calibration.check_file import read_checks
from calibration.check_kinds import KINDS
from calibration.checks import Check, Finding
from calibration.command import finding_as_contract, run_targets
from calibration.concentration import in_parts, slope_of_staying, stays, top_share
from calibration.counting import Count
from calibration.gains import benefit_cost_ratio, ceiling
from calibration.ground import Ground
from calibration.lives import Account, accounts, ever, read_lives, sampled_ids, yearly
from calibration.null_programmes import null_programme
from calibration.sanity import plan_for, register, run_checks
from calibration.steady_state import GAP, Spending, identities, read_spending
from calibration.targets import FOLDER, read_figures
from calibration.tax_wedge import tax_wedge
from sim.domain import Quantities, Quantity
from sim.engine import simulate
from sim.errors import TargetError
from sim.files import load_plan, shipped_folder
from sim.intervention import CostLine, Effect
from sim.outcome import Outcome
from sim.persons import all_ids
from sim.plan import bind
from sim.prices import Economics, Price, PriceList, Shares
from sim.scenario import Cohort
from tests.models import Lives, childhood, lives, offer, scenario

ROOT = Path(__file__).parents[1]


def of(text: str, basis: str = "on_date") -> Quantity:
    return Count.of(text).as_quantity(childhood(), text, basis)


def price(name: str, text: str, amount: float, payer: str, basis: str = "on_date", kind: str = "cost") -> Price:
    return Price(name, of(text, basis), amount, 2020, Shares.of(payer), kind=kind)  # type: ignore[arg-type]


PRICES = PriceList(
    (
        price("foster", "care == 'foster'", 100.0, "municipality.social", "any_in_year"),
        replace(price("institution", "care == 'institution'", 400.0, "state"), cashable=(0.5,)),
        price("school", "school in ['on_track', 'struggling']", 50.0, "municipality.school"),
        price("tax", "work == 'job'", 30.0, "municipality.taxes", kind="revenue"),
        price("harm", "care == 'institution'", 70.0, "victims"),
    ),
    {2020: 100.0, 2024: 110.0},
)


def check(name: str, kind: str, what: str, **more: object) -> Check:
    settings = {
        "denominator": "1", "basis": "on_date", "ages": (0, 100), "against": "", "rate": 0.0, "price_year": None,
        "given": {}, "low": 0.0, "high": 1.0, "value": None, **more,
    }  # fmt: skip
    settings.setdefault("denominator_ages", settings["ages"])
    return Check(
        name, kind, what, unit="", population="near_born", provenance="assumed", source="", note="", **settings
    )  # type: ignore[arg-type]


CHECKS = (
    check("struggling", "share", "school == 'struggling'", denominator="school != 'before'", ages=(7, 15)),
    check("per_struggler", "share", "1", ages=(7, 15), against="struggling"),
    check("some", "chance", "spells", ages=(30, 30)),
    check("fosters", "per_birth", "care == 'foster'", basis="any_in_year", ages=(0, 17), denominator="sex == 'boy'"),
    check("discounted", "per_birth", "school == 'struggling'", ages=(0, 20), rate=0.03),
    check("foster_cost", "cost", "foster inst*", price_year=2024, ages=(0, 18), rate=0.03),
    check("foster_cost_placed", "cost", "foster", denominator="ever_placed >= 1", denominator_ages=(20, 20)),
    check("municipality", "payer_share", "municipality", ages=(0, 19)),
    check("top", "concentration", "foster institution", ages=(0, 18), low=0.1),
    check("top_public", "concentration", "*", ages=(0, 29)),
    check("spell", "spell", "care == 'foster'", ages=(0, 17)),
    check("slope", "spell_slope", "care == 'foster'", ages=(0, 17), low=-1.0),
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    made = scenario(cohort=Cohort(2020, 100, 4), horizon=35, prices=PRICES, economics=Economics(2020, 0.05))
    plan, troubles = plan_for(bind(replace(made, needs=())), CHECKS)
    assert troubles == []
    return simulate(plan, seed=3)


@pytest.fixture(scope="module")
def lived(outcome: Outcome) -> Lives:
    return lives(outcome.plan, seed=3)


@pytest.fixture(scope="module")
def found(outcome: Outcome) -> dict[str, Finding]:
    findings, troubles = run_checks(CHECKS, outcome)
    assert troubles == []
    return {one.id: one for one in findings}


# The lives that are read


def test_what_lives_are_priced_at_adds_to_what_the_ledger_counts(outcome: Outcome) -> None:
    for one in PRICES.prices:
        read = read_lives(outcome.plan, {"it": yearly(one.quantity, outcome.plan)}, seed=3, batch=170)["it"]
        counted = outcome.volume(one.quantity, outcome.baseline).sum(axis=0)
        assert read.shape == (36, 400)
        np.testing.assert_allclose(read.sum(axis=1), counted, rtol=1e-12)


def test_the_dead_count_nowhere(outcome: Outcome, lived: Lives) -> None:
    home = yearly(of("care == 'home' and school == 'before'"), outcome.plan)  # the first code of either column
    read = read_lives(outcome.plan, {"it": home}, seed=3)["it"]
    states = (lived.states("care") == "home") & (lived.states("school") == "before")
    assert (lived.states("care") == "dead").any()
    np.testing.assert_array_equal(read, states)


def test_an_account_is_the_money_of_its_prices_at_its_ages(outcome: Outcome, lived: Lives) -> None:
    wanted = {
        "foster": Account(PRICES.prices[:1], (3, 10), Economics(2024, 0.0)),
        "tax": Account(PRICES.prices[3:4], (0, 100), Economics(2020, 0.03)),
    }
    read = read_lives(outcome.plan, {"money": accounts(outcome.plan, wanted)}, seed=3)["money"]
    care, work = lived.states("care"), lived.states("work")
    fosters = ((care[1:] == "foster") | (care[:-1] == "foster")) & (care[1:] != "dead")
    np.testing.assert_allclose(read[0], 100 * 1.1 * fosters[3:11].sum(axis=0))
    factors = 1.03 ** -np.arange(35.0)
    np.testing.assert_allclose(read[1], -30 * (factors[:, None] * (work[1:] == "job")).sum(axis=0))


def test_a_sample_is_spread_over_all_copies(outcome: Outcome) -> None:
    plan = outcome.plan
    some = sampled_ids(plan, 40)
    copies = np.bincount((some >> np.uint64(24) & np.uint64(0xFFFF)).astype(int))
    assert list(copies) == [10, 10, 10, 10]
    assert len(set(some.tolist())) == 40
    np.testing.assert_array_equal(sampled_ids(plan, 10**6), all_ids(plan))


def test_who_was_ever_in_a_state_was_there_in_life(outcome: Outcome, lived: Lives) -> None:
    read = read_lives(outcome.plan, {"ever": ever(outcome.plan, "care", ["institution"])}, seed=3)["ever"]
    np.testing.assert_array_equal(read, (lived.states("care") == "institution").any(axis=0))
    assert 0 < read.sum() < 400


def test_spells_are_followed_from_the_year_in_which_they_begin() -> None:
    on = np.array(
        [
            [0, 1, 1, 1, 0, 0, 1],  # rows: birth, then the ends of the ages 0, 1 …
            [0, 0, 1, 0, 0, 0, 0],
            [1, 0, 1, 1, 0, 0, 0],
        ],
        dtype=bool,
    ).T
    np.testing.assert_allclose(stays(on, 0, 5, 3), [1, 2 / 4, 1 / 4])
    np.testing.assert_allclose(stays(on, 1, 5, 3), [1, 1 / 3, 0 / 3])  # begun at 1, 1 and 5
    assert slope_of_staying(np.array([1.0, 0.5, 0.3, 0.21])) == pytest.approx(0.1)


def test_the_top_tenth_is_the_costliest_tenth() -> None:
    costs = np.arange(1.0, 101.0)
    np.random.default_rng(1).shuffle(costs)
    assert top_share(costs) == pytest.approx(np.arange(91, 101).sum() / 5050)
    assert math.isnan(top_share(np.zeros(10)))
    assert len(in_parts(lambda some: float(len(some)), 100)) == 21
    assert in_parts(lambda some: float(len(some)), 100)[1] == 95


# The kinds


def test_shares_and_their_ratios_are_those_of_persons(found: dict[str, Finding], lived: Lives) -> None:
    school = lived.states("school")[8:17]
    share = (school == "struggling").sum() / np.isin(school, ["on_track", "struggling", "finished"]).sum()
    assert found["struggling"].simulated == pytest.approx(share)
    assert found["per_struggler"].simulated == pytest.approx(1 / share)
    assert found["struggling"].se is not None
    there = lived.column("age")[31] != 255
    mean = lived.column("spells")[31][there].mean()
    assert found["some"].simulated == pytest.approx(1 - math.exp(-mean))


def test_sums_a_birth_are_those_of_everyone_who_was_born(found: dict[str, Finding], lived: Lives) -> None:
    care, boys = lived.states("care"), lived.column("sex")[0] == 1
    fosters = (((care[1:] == "foster") | (care[:-1] == "foster")) & (care[1:] != "dead"))[:18]
    assert found["fosters"].simulated == pytest.approx(fosters.sum() / boys.sum())
    struggling = (lived.states("school")[1:22] == "struggling").sum(axis=1)
    assert found["discounted"].simulated == pytest.approx((struggling * 1.03 ** -np.arange(21.0)).sum() / 400)


def test_costs_are_those_of_lives_priced_one_by_one(found: dict[str, Finding], lived: Lives) -> None:
    care = lived.states("care")
    fosters = ((care[1:] == "foster") | (care[:-1] == "foster")) & (care[1:] != "dead")
    factors = 1.03 ** -np.arange(35.0)[:19, None]
    money = 1.1 * factors * (100 * fosters[:19] + 400 * (care[1:20] == "institution"))
    assert found["foster_cost"].simulated == pytest.approx(money.sum() / 400)
    ever_placed = (lived.column("ever_placed")[21] == 1).sum()
    assert found["foster_cost_placed"].simulated == pytest.approx(100 * fosters.sum() / ever_placed)


def test_a_payers_share_is_of_public_costs_alone(found: dict[str, Finding], lived: Lives) -> None:
    care, school = lived.states("care"), lived.states("school")
    fosters = (((care[1:] == "foster") | (care[:-1] == "foster")) & (care[1:] != "dead"))[:20].sum()
    own = 100 * fosters + 50 * np.isin(school[1:21], ["on_track", "struggling"]).sum()
    assert found["municipality"].simulated == pytest.approx(own / (own + 400 * (care[1:21] == "institution").sum()))


def test_concentration_and_spells_are_those_of_the_lives(found: dict[str, Finding], lived: Lives) -> None:
    care = lived.states("care")
    fosters = ((care[1:] == "foster") | (care[:-1] == "foster")) & (care[1:] != "dead")
    costs = (100 * fosters[:19] + 400 * (care[1:20] == "institution")).sum(axis=0)
    assert found["top"].simulated == pytest.approx(np.sort(costs)[-40:].sum() / costs.sum())
    assert found["top"].se is not None
    costs = (100 * fosters[:30] + 400 * (care[1:31] == "institution")).sum(axis=0)  # neither taxes nor harm
    costs = costs + 50 * np.isin(lived.states("school")[1:31], ["on_track", "struggling"]).sum(axis=0)
    assert found["top_public"].simulated == pytest.approx(np.sort(costs)[-40:].sum() / costs.sum())
    kept = stays(care == "foster", 0, 17, 5)
    assert found["spell"].simulated == pytest.approx(kept[-1])
    assert found["slope"].simulated == pytest.approx(slope_of_staying(kept))
    assert 0 < kept[-1] < kept[1] < 1


def test_a_finding_is_judged_by_its_bounds() -> None:
    one = Finding("x", 1.0, 1.5, None, 0.5, 1.5, "near_born", "assumed", "", "share")
    assert one.within
    assert one.tolerance == 0.5
    for off in (replace(one, simulated=1.6), replace(one, simulated=0.4), replace(one, simulated=None)):
        assert not off.within
        assert off.missed
        assert not replace(off, warns=True).missed
        assert not replace(off, explained="why").missed
    assert replace(one, high=math.inf, simulated=99.0).within
    assert replace(one, high=math.inf).tolerance == 0
    contract = finding_as_contract(replace(one, simulated=math.inf))
    assert contract["simulated"] is None
    assert list(contract) == [
        "id", "registry", "simulated", "se", "tolerance", "within", "set", "population", "provenance"
    ]  # fmt: skip


def test_every_finding_can_be_printed_as_json(found: dict[str, Finding], programmes: Outcome) -> None:
    ground = ground_of(programmes)
    more = [*null_programme(check("null", "null", "one"), ground), *ceiling(check("c", "ceiling", ""), ground)]
    more += benefit_cost_ratio(check("bcr", "bcr", "", high=10.0), ground)
    for one in [*found.values(), *more]:
        row = json.loads(json.dumps(finding_as_contract(one), allow_nan=False))
        assert isinstance(row["within"], bool)
        assert row["set"] == "held-out"


def test_what_cannot_be_worked_out_is_said_and_missed(outcome: Outcome) -> None:
    asked = (check("nothing", "cost", "fister", value=1.0), check("other", "share", "1", against="nothing"))
    findings, troubles = run_checks(asked, outcome)
    assert [one.simulated for one in findings] == [None, None]
    assert all(one.missed for one in findings)
    assert "no price is named 'fister'" in troubles[0]


# Taxes at plain values


def earner() -> Outcome:
    rows = Quantities()

    @rows.quantity(basis="on_date", unit="SEK", price_year=2020)
    def earnings(age, work):
        return 1000 * age * (work == "job")

    @rows.quantity(basis="on_date", unit="SEK", price_year=2020)
    def taxable(age, work, previous_work):
        return np.maximum(1000 * age - 10_000, 0) * (work == "job") * (previous_work == "job")

    model = replace(childhood(), quantities=rows)
    prices = PriceList(
        (
            Price("local", rows.rows["taxable"], 0.2, 2020, Shares.of("municipality.taxes"), kind="revenue"),
            Price("contributions", rows.rows["earnings"], 0.3, 2020, Shares.of("state.taxes"), kind="revenue"),
            Price("credit", rows.rows["earnings"], 0.1, 2020, Shares.of("state.taxes")),
        ),
        {2020: 100.0, 2023: 120.0},
    )
    return SimpleNamespace(plan=bind(scenario(model=model, prices=prices, needs=())))  # type: ignore[return-value]


def test_a_tax_wedge_is_worked_out_at_the_earnings_asked_for() -> None:
    ground = Ground(earner())
    asked = check("wedge", "tax_wedge", "local contributions credit", against="municipality", price_year=2023,
                  ages=(20, 60), given={"earnings": 36_000.0})  # fmt: skip
    local, state = 0.2 * (30_000 - 10_000), 0.2 * 30_000  # 36 000 of 2023 are 30 000 of 2020, earned at 30
    assert tax_wedge(asked, ground) == [pytest.approx(local / (local + state))]
    kept = replace(asked, given={"earnings": 36_000.0, "municipality": 0.1}, against="state")
    assert tax_wedge(kept, ground) == [pytest.approx((state + 0.9 * local) / (local + state))]
    young = replace(asked, ages=(20, 24))  # the nearest earnings there are those of 24
    assert tax_wedge(young, ground) == [pytest.approx(0.2 * 14 / (0.2 * 14 + 0.2 * 24))]


# Programmes


@pytest.fixture(scope="module")
def programmes() -> Outcome:
    cost = (CostLine("start", 1000.0, 2020, Shares.of("municipality.social")),)
    cheap = (replace(cost[0], amount=1.0),)
    on = (("care", "home", "foster"), ("care", "home", "institution"))
    null = offer("null", Effect("hazard_ratio", on, size=0.0), costs=cost)
    strong = offer("strong", Effect("hazard_ratio", on, size=-3.0), costs=cheap)
    doubted = offer("doubted", Effect("hazard_ratio", on, size=-3.0, se=3.0), costs=cheap)
    sure = offer("sure", Effect("hazard_ratio", on, size=-3.0, se=0.01), costs=cheap)
    made = scenario(
        (null,),
        (strong,),
        (doubted,),
        (sure,),
        cohort=Cohort(2020, 300, 6),
        horizon=35,
        prices=PRICES,
        economics=Economics(2020, 0.0),
    )
    arms = {"baseline": made.arms["baseline"], "null_one": made.arms["arm_1"], "strong": made.arms["arm_2"],
            "null_doubted": made.arms["arm_3"], "null_sure": made.arms["arm_4"]}  # fmt: skip
    return simulate(bind(replace(made, arms=arms, needs=())), seed=2)


def ground_of(outcome: Outcome) -> Ground:
    ground = Ground(outcome)
    register((), ground)
    return ground


def net_cost(lived: Lives) -> np.ndarray:
    """Return what each life costs the public at the prices above, taxes deducted."""
    care = lived.states("care")
    fosters = ((care[1:] == "foster") | (care[:-1] == "foster")) & (care[1:] != "dead")
    net = (100 * fosters + 400 * (care[1:] == "institution")).sum(axis=0)
    net = net + 50 * np.isin(lived.states("school")[1:], ["on_track", "struggling"]).sum(axis=0)
    return net - 30 * (lived.states("work")[1:] == "job").sum(axis=0)


def test_a_programme_without_effect_is_worth_minus_what_it_costs(programmes: Outcome) -> None:
    (one,) = null_programme(check("null", "null", "one"), ground_of(programmes))
    assert one.registry < 0
    assert one.simulated == pytest.approx(one.registry)
    assert one.within


def test_an_effect_that_may_be_nothing_has_an_interval_that_says_so(programmes: Outcome) -> None:
    (doubted,), (sure,) = (null_programme(check("null", "null", w), ground_of(programmes)) for w in ("doubted", "sure"))
    assert doubted.within
    assert not sure.within


def test_a_gain_is_held_against_what_the_avoided_outcome_costs(programmes: Outcome) -> None:
    ground = ground_of(programmes)
    found = {one.id: one for one in ceiling(check("ceiling", "ceiling", ""), ground)}
    assert set(found) == {f"ceiling_{arm}" for arm in ("strong", "null_doubted", "null_sure")}  # no effect, no ceiling
    one = found["ceiling_strong"]
    read = lives(programmes.plan, seed=2)
    care, net = read.states("care"), net_cost(read)
    by = [(care == state).any(axis=0) for state in ("foster", "institution")]
    assert one.registry == pytest.approx(max(net[met].mean() - net[~met].mean() for met in by))
    saved = (net - net_cost(lives(programmes.plan, "strong", seed=2))).sum()
    assert one.simulated == pytest.approx(saved / programmes.arms["strong"].participants.sum())  # cashable or not
    assert saved > 0
    assert one.within


def test_a_ratio_of_benefit_to_cost_above_ten_warns_and_fails_nothing(programmes: Outcome) -> None:
    one, *_ = benefit_cost_ratio(check("bcr", "bcr", "", high=10.0), ground_of(programmes))
    assert one.id == "bcr_strong"
    assert one.simulated is not None
    assert one.simulated > 10
    assert not one.within
    assert not one.missed


# The steady state


def test_the_steady_state_sets_a_nations_year_beside_a_life(outcome: Outcome, lived: Lives) -> None:
    births = read_figures()["births_live_2022"].value
    care = lived.states("care")
    life = 400 * 1.1 * (care[1:] == "institution").sum() / 400
    rows = (
        Spending("near", "state", "institution", 0.9 * life * births, 2024, "found", "", ""),
        Spending("far", "state", "institution", 0.5 * life * births, 2024, "found", "", ""),
        Spending("said", "state", "institution", 0.5 * life * births, 2024, "found", "", "immigration"),
        Spending("taxes", "municipality", "tax", 1.0, 2020, "found", "", ""),
        Spending("none", "state", "no_such_price", 1.0, 2020, "found", "", ""),
    )
    findings, troubles = identities(rows, Ground(outcome))
    assert [one.id for one in findings] == [f"steady_state_{name}" for name in ("near", "far", "said", "taxes")]
    assert findings[0].simulated == pytest.approx(life)
    assert findings[0].registry == pytest.approx(0.9 * life)
    assert [one.within for one in findings[:3]] == [True, False, False]
    assert [one.missed for one in findings[:3]] == [False, True, False]
    assert findings[3].simulated is not None
    assert findings[3].simulated > 0
    assert "no_such_price" in troubles[0]
    assert GAP == 0.2


# The tables that ship


def test_every_check_of_the_list_is_there_with_bounds_that_hold_its_value() -> None:
    checks = read_checks()
    assert {one.kind for one in checks} == set(KINDS)
    assert len({one.id for one in checks}) == len(checks) >= 30
    for one in checks:
        assert one.low <= one.high
        assert one.value is None or one.low <= one.value <= one.high
        assert one.provenance in {"found", "derived", "recalled", "assumed"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "shares"}, "kind is 'shares'"),
        ({"ages": "7"}, "the ages '7'"),
        ({"value": "", "tolerance": ""}, "neither a value nor bounds"),
    ],
)
def test_a_check_with_a_mistake_is_refused_by_name(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    with open(FOLDER / "sanity.csv", encoding="utf-8", newline="") as file:
        row = next(one for one in csv.DictReader(file) if one["id"] == "placed_years")
    path = tmp_path / "sanity.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow({**row, **changes})
    with pytest.raises(TargetError, match=sentence) as caught:
        read_checks(path)
    assert "'placed_years'" in str(caught.value)


def test_every_price_and_programme_that_the_checks_name_is_shipped() -> None:
    plan = load_plan(shipped_folder() / "sweden.yaml", persons=3000)
    ground = Ground(SimpleNamespace(plan=plan))  # type: ignore[arg-type]
    for one in read_checks():
        if one.kind in ("cost", "concentration", "tax_wedge"):
            assert ground.prices(one.what)
    for row in read_spending():
        assert ground.prices(row.prices)
        assert row.amount > 0
        assert row.year in plan.scenario.prices.index
    made, troubles = plan_for(plan, read_checks())
    assert troubles == []
    assert {"null_multisystemic_therapy", "null_nurse_home_visiting"} <= set(made.arms)


def test_every_gap_that_is_said_to_be_explained_has_its_section() -> None:
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    sections = {re.sub(r"[^a-z0-9]+", "-", one.lower()).strip("-") for one in re.findall(r"^#+ (.+)$", text, re.M)}
    assert {row.explanation for row in read_spending() if row.explanation} <= sections


def test_the_command_says_what_was_missed_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tuple(one for one in read_checks() if one.id in ("ever_placed_by_18", "suspect_years"))
    easy = tuple(replace(one, low=0.0, high=10.0) for one in few)
    hard = tuple(replace(one, low=9.0, high=10.0) for one in few)
    explained = (replace(read_spending()[3], explanation="immigration"),)
    monkeypatch.setattr(calibration.command, "read_spending", lambda: explained)
    for checks, code in ((easy, 0), (hard, 3)):
        monkeypatch.setattr(calibration.command, "read_checks", lambda checks=checks: checks)
        assert run_targets(shipped_folder() / "sweden.yaml", 3000, 1, 2, False, True) == code
    said = capsys.readouterr().out
    assert "2 of 2 checks within their bounds" in said
    assert "0 of 2 checks within their bounds" in said
    assert "payer" in said
