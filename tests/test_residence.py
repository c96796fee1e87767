"""Who pays follows where people live: amounts by hand, what moves and what stays, and sums that are conserved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim.cli import app
from sim.comparison import Comparison, compare
from sim.domain import Domain, Quantity
from sim.engine import simulate
from sim.errors import FramsynError, ScenarioError
from sim.expression import Expression
from sim.files import load_plan
from sim.intervention import CostLine
from sim.model import Model
from sim.outcome import Outcome
from sim.people import Population
from sim.plan import bind
from sim.prices import OWN, Economics, Price, PriceList, Residence, Shares, belongs, payer_nodes
from sim.scenario import Arm, Cohort, Scenario
from tests.models import childhood, lives, scenario, support, tutoring
from tests.small_town import MODEL, rewrite, settle

EXACT = 1e-9
"""Relative error of sums of some thousand floating-point terms, with room to spare."""

STATES = ("own", "region", "elsewhere", "abroad")
MOVED = Residence(
    "residence",
    "own",
    {
        "region": {"municipality": "municipality.other"},
        "elsewhere": {"municipality": "municipality.other", "region": "region.other"},
        "abroad": None,
    },
)

# By hand: at home to 1, in the region from 2, elsewhere from 4, abroad from 6


def walk() -> Domain:
    domain = Domain("residence", STATES, "own")
    for before, after, at in zip(STATES, STATES[1:], (2, 4, 6), strict=False):

        @domain.occasion(before, after, ages=(at, at))
        def moves(age):
            return 1 + 0 * age

    return domain


WALK = Model("walk", (walk(),))


def quantity(text: str, basis: str = "on_date", model: Model = WALK, **more: Any) -> Quantity:
    return Quantity(f"{text}, {basis}", Expression.of(text).rule(model.columns), basis, "units", **more)


def price(name: str, amount: float, payer: Any, text: str = "1", basis: str = "on_date", **more: Any) -> Price:
    return Price(name, quantity(text, basis, more.pop("model", WALK)), amount, 2024, Shares.of(payer), **more)


def walked(*prices: Price, residence: Residence | None = MOVED) -> Comparison:
    return compare(
        simulate(
            Scenario(
                model=WALK, population=Population("few", ()), cohort=Cohort(2020, represents=3, copies=2), horizon=8,
                arms={"baseline": Arm()}, prices=PriceList(prices, residence=residence),
                economics=Economics(2024, 0.0),
            )
        )
    )  # fmt: skip


def paid(comparison: Comparison, arm: str = "baseline") -> dict[str, float]:
    return {payer: amount for payer, (amount, _) in comparison.costs[arm].items()}


def test_taxes_go_where_the_taxpayer_lives() -> None:
    taxes = walked(
        price("municipal", 100, "municipality.taxes", kind="revenue"),
        price("regional", 50, "region.taxes", kind="revenue"),
        price("national", 10, "state.taxes", kind="revenue"),
    )
    assert paid(taxes) == {
        "public": -600 - 300 - 60,
        "municipality": -600, "municipality.other": -400, "municipality.taxes": -200,
        "region": -300, "region.other": -100, "region.taxes": -200,
        "state": -60, "state.taxes": -60,
    }  # fmt: skip


def test_what_stays_is_paid_by_the_same_wherever_the_person_lives() -> None:
    home = walked(price("placement", 100, {"municipality.social": 0.75, "state": 0.25}, stays=True))
    assert paid(home) == {
        "public": 800, "municipality": 600, "municipality.social": 600, "state": 200
    }  # fmt: skip


def test_without_a_block_the_same_payers_pay_for_everyone() -> None:
    assert paid(walked(price("school", 100, "municipality.school"), residence=None))["municipality.school"] == 800


def test_shares_with_an_end_year_move_as_they_are_then() -> None:
    # 2020 to 2023 half each, then the first-named pays all: 2 years at home, 2 in the region, 2 elsewhere
    both = walked(price("support", 100, {"region.health": 0.5, "municipality.social": 0.5, "until": 2023}))
    assert paid(both) == {
        "public": 600, "municipality": 200, "municipality.other": 100, "municipality.social": 100,
        "region": 400, "region.health": 200, "region.other": 200,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "basis", "by_label"),
    [
        ("residence == 'region'", "event", {"region": 1}),
        ("residence == 'region'", "any_in_year", {"region": 2, "elsewhere": 1}),
        ("residence != 'own'", "whole_year", {"region": 1, "elsewhere": 1, "abroad": 1}),
        ("1", "on_date", {"own": 3, "region": 2, "elsewhere": 2, "abroad": 2}),  # the start, too
    ],
)
def test_the_label_after_the_step_splits_and_does_not_change_what_is_counted(
    text: str, basis: str, by_label: dict[str, int]
) -> None:
    asked = quantity(text, basis)
    outcome = walked(Price("it", asked, 1.0, 2024, Shares.of("state"))).outcome
    split = outcome.volume_by("residence", asked, outcome.baseline)
    assert split.shape == (4, 2, 9)
    assert dict(zip(STATES, split.sum(axis=(1, 2)) / 6, strict=True)) == {s: by_label.get(s, 0) for s in STATES}
    assert (split.sum(axis=0) == outcome.volume(asked, outcome.baseline)).all()


def test_the_most_specific_branch_says_who_pays() -> None:
    both = Residence("residence", "own", {"away": {"municipality": "m.other", "municipality.school": "state.school"}})
    assert both.payer("municipality.school", "away") == "state.school"
    assert both.payer("municipality.social", "away") == "m.other"
    assert both.payer("municipalityx", "away") == "municipalityx"
    assert both.payers("municipality.school") == {"municipality.school", "state.school"}


def test_your_own_municipality_is_no_node_and_leaves_out_the_others() -> None:
    leaves = ["municipality.other", "municipality.school", "region.other"]
    assert OWN not in payer_nodes(leaves)
    assert [belongs(leaf, OWN) for leaf in leaves] == [False, True, False]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"region": None, "elsewhere": None}, "says nothing of 'abroad'"),
        ({"region": None, "elsewhere": None, "abroad": None, "moon": None}, "names 'moon'"),
    ],
)
def test_every_label_needs_its_payers(labels: Mapping[str, None], words: str) -> None:
    with pytest.raises(FramsynError, match=words):
        walked(price("school", 1, "state"), residence=replace(MOVED, elsewhere=labels))


def test_where_people_live_must_be_a_domain() -> None:
    with pytest.raises(FramsynError, match="no domain 'residense'"):
        walked(price("school", 1, "state"), residence=replace(MOVED, column="residense"))


# With chance, two arms, curves and deliveries


def roaming() -> Domain:
    domain = Domain("residence", STATES, "own")
    for label in STATES[1:]:

        @domain.hazard("own", label, ages=(10, 34))
        def leaves(previous_work):
            return 0.04 * (1 + (previous_work == "job"))

    @domain.hazard("region", "own")
    def comes_home():
        return 0.1

    return domain


TOWN = childhood(roaming())
SOCIAL, SCHOOL = "municipality.social", "municipality.school"
PRICES = (
    price("foster", 400_000, {SOCIAL: 0.7, "state": 0.3}, "care == 'foster'", "any_in_year", model=TOWN, stays=True),
    price("ward", 900_000, SOCIAL, "care == 'institution'", model=TOWN, cashable=(0.4, 0.8)),
    price("jobless", 90_000, {SOCIAL: 0.5, "region": 0.5}, "work == 'unemployed'", "whole_year", model=TOWN),
    price("tax", 100_000, "municipality.taxes", "work == 'job'", model=TOWN, kind="revenue"),
    price("moving", 5_000, "household", "residence == 'region' and sex == 'boy'", "event", model=TOWN),
    Price("lessons", TOWN.quantity("years_struggling"), 60_000, 2024, Shares.of(SCHOOL), cashable=(0.1, 0.5)),
)
HELP = support(costs=(CostLine("start", 30_000, 2024, Shares.of(SOCIAL)),))
ARMS = ("arm_1", "arm_2", "dearer")


@cache
def outcome() -> Outcome:
    some = scenario(
        (HELP, tutoring()), (tutoring(),), model=TOWN, prices=PriceList(PRICES, residence=MOVED),
        cohort=Cohort(2020, represents=200, copies=5), economics=Economics(2024, 0.03), measures=("years_struggling",),
    )  # fmt: skip
    dearer = {"jobless": replace(PRICES[2], amount=100_000)}
    return simulate(replace(some, arms={**some.arms, "dearer": Arm((HELP,), prices=dearer)}))


def priced(residence: Residence | None, *prices: Price) -> Comparison:
    """Return the same lives under another block, or under some of the prices only."""
    plan = outcome().plan
    rows = PriceList(prices or PRICES, residence=residence)
    arms = {name: replace(arm, prices=arm.prices if not prices else {}) for name, arm in plan.scenario.arms.items()}
    other = replace(plan, scenario=replace(plan.scenario, prices=rows, arms=arms))
    return compare(replace(outcome(), plan=other))


AT_HOME_ABROAD = replace(MOVED, elsewhere={**MOVED.elsewhere, "abroad": {}})


def test_moving_within_the_country_moves_money_and_makes_none() -> None:
    follows, stays = priced(AT_HOME_ABROAD), priced(None)
    for arm in ARMS:
        assert follows.costs[arm]["public"] == pytest.approx(stays.costs[arm]["public"], rel=EXACT)
        there, here = follows.arms[arm].by_payer, stays.arms[arm].by_payer
        for payer in ("public", "municipality", "region", "state", "household"):
            for figure in ("incremental", "gross", "spent", "se"):
                one, other = getattr(there[payer], figure), getattr(here[payer], figure)
                assert one == pytest.approx(other, rel=EXACT, abs=1e-6), (arm, payer, figure)
        assert there["municipality.other"].incremental != 0


def test_your_own_municipality_is_all_municipalities_less_the_others() -> None:
    for arm in ARMS:
        result = priced(MOVED).arms[arm]
        rest, all_, own = result.by_payer["municipality.other"], result.by_payer["municipality"], result.own
        assert own is not None
        assert own.incremental == pytest.approx(all_.incremental - rest.incremental, rel=EXACT)
        assert own.spent == all_.spent
        assert own.cumulative == pytest.approx(all_.cumulative - rest.cumulative, rel=1e-6, abs=1e-6)
    assert priced(None).arms["arm_1"].own is None


def test_abroad_is_counted_nowhere() -> None:
    tax = PRICES[3]
    split = outcome().volume_by("residence", tax.quantity, outcome().baseline)[:, :, 1:].sum(axis=(1, 2))
    costs = priced(MOVED, tax).costs["baseline"]
    persons = outcome().baseline.persons.sum()
    assert min(split) > 0
    assert costs["public"][0] == pytest.approx(-100_000 * split[:3].sum() / persons, rel=EXACT)
    assert costs["municipality.taxes"][0] == pytest.approx(-100_000 * split[0] / persons, rel=EXACT)
    assert costs["municipality.other"][0] == pytest.approx(-100_000 * split[1:3].sum() / persons, rel=EXACT)


def test_the_split_agrees_with_persons_counted_one_by_one() -> None:
    plan = outcome().plan
    lived = lives(plan)
    work, home = lived.states("work")[1:], lived.states("residence")[1:]
    split = outcome().volume_by("residence", PRICES[3].quantity, outcome().baseline)
    for number, label in enumerate(STATES):
        expected = ((work == "job") & (home == label)).sum(axis=1)
        assert split[number].sum(axis=0)[1:].tolist() == expected.tolist()


def test_who_is_in_delivery_is_left_out_of_a_replaced_quantity_wherever_they_live() -> None:
    struggling, ledger = TOWN.quantity("years_struggling"), outcome().ledger("arm_1")
    split = outcome().volume_by("residence", struggling, ledger)
    assert split.sum(axis=0) == pytest.approx(outcome().volume(struggling, ledger), abs=1e-9)
    assert split.sum() < outcome().volume_by("residence", struggling, outcome().baseline).sum()


def test_delivery_is_paid_by_those_who_offer_it() -> None:
    for arm in ("arm_1", "dearer"):
        assert priced(MOVED).arms[arm].by_payer["municipality.other"].spent == 0
        assert priced(MOVED).arms[arm].by_payer["municipality.other"].no_outlay


def test_what_nobody_pays_by_residence_is_not_counted_by_it() -> None:
    columns = [set(margin.columns) for margin in outcome().plan.margins]
    assert {"work", "previous_work", "residence"} in columns
    assert not any({"care", "residence"} <= one and "previous_care" in one for one in columns)


# In files

PRICE_FILE = "prices/town.yaml"
REFUSED = {
    # text, text instead with ¦ where the message points, words, hint
    "column": ("column: residence", "column: ¦residense", "'residense' is no domain", "did you mean 'residence'?"),
    "own": ("own: own", "own: ¦owm", "no label 'owm'", "did you mean 'own'?"),
    "label": ("    region: {municipality", "    ¦regio: {}\n    region: {municipality", "no label 'regio'", "'region'"),
    "own again": ("    region: {municipality", "    ¦own: {}\n    region: {municipality", "nobody has moved", ""),
    "label missing": ("    abroad: nobody\n", "", "'abroad' is not said", "write {} where nothing changes"),
    "payer": ("region: {municipality: municipality.other}", "region: {municipality: ¦municipality.others}",
              "unknown payer 'municipality.others'", "did you mean 'municipality.other'?"),
    "branch": ("region: {municipality: municipality.other}", "region: {¦municipal: municipality.other}",
               "no payer at or under 'municipal'", "did you mean 'municipality'?"),
    "nobody": ("abroad: nobody", "abroad: ¦nobdy", "'nobody' or branches", "did you mean 'nobody'?"),
    "number": ("abroad: nobody", "abroad: ¦0", "'nobody' or branches of payers with another, not 0", ""),
    "unknown key": ("  own: own", "  ¦owns: x\n  own: own", "unknown key 'owns'", "did you mean 'own'?"),
    "missing key": ("  own: own\n", "", "needs the key 'own'", ""),
    "stays": ("stays: true", "stays: ¦1", "'stays' must be true or false", ""),
}  # fmt: skip


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return settle(tmp_path, monkeypatch)


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_of_residence_is_placed(town: Path, case: str) -> None:
    old, new, words, hint = REFUSED[case]
    rewrite(town.parent, PRICE_FILE, old, new)
    marked = (town.parent / PRICE_FILE).read_text(encoding="utf-8")
    if "¦" in marked:
        rewrite(town.parent, PRICE_FILE, "¦", "")
    before = marked[: marked.index("¦" if "¦" in marked else "elsewhere:" if case == "label missing" else "residence:")]
    with pytest.raises(ScenarioError) as caught:
        load_plan(town)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert hint in (problem.hint or "")
    assert Path(problem.file or "") == town.parent / PRICE_FILE
    assert (problem.line, problem.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


def test_the_price_list_says_what_moves_and_what_stays(town: Path) -> None:
    prices = load_plan(town).scenario.prices
    assert prices.residence == MOVED
    assert {one.name: one.stays for one in prices.prices} == {"support": False, "fosterage": True}


def test_a_model_in_which_nobody_moves_takes_the_same_price_list(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled = replace(MODEL, domains=MODEL.domains[:2])
    monkeypatch.setattr("sim.files.load_model", lambda name: settled)
    (town.parent / "parameters" / "residence.yaml").unlink()
    assert load_plan(town).scenario.prices.residence is None
    assert bind(load_plan(town).scenario).margins


def said(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0
    return result.stdout


def test_check_says_who_pays_in_plain_words(town: Path) -> None:
    told = json.loads(said("check", town, "--json"))["plan"]["residence"]
    assert (told["column"], told["own"], told["stays"]) == ("residence", "own", ["fosterage"])
    assert told["elsewhere"] == {label: MOVED.elsewhere[label] for label in STATES[1:]}
    words = said("check", town)
    assert "who pays, by 'residence' at the end of the year:" in words
    assert "elsewhere: municipality.other instead of municipality, region.other instead of region" in words
    assert "abroad: nobody in Sweden pays" in words
    assert "wherever they live, as the prices say: fosterage" in words
    assert told["words"] == [line for line in words.splitlines() if line in told["words"]]


def test_the_screen_and_the_contract_tell_your_own_municipality_apart(town: Path) -> None:
    answer = json.loads(said("compare", town, "--threads", 1, "--json"))
    arm = answer["comparisons"]["tutors"]
    own, whole, other = arm["own_municipality"], arm["by_payer"]["municipality"], arm["by_payer"]["municipality.other"]
    for key in ("incremental_per_person", "gross_per_person", "spent_per_person"):
        assert own[key] == pytest.approx(whole[key] - other[key], abs=1e-6)
    assert other["incremental_per_person"] < 0
    screen = said("compare", town, "--threads", 1)
    lines = screen.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("    Municipality ")]
    assert lines[place + 1].startswith("      of which your own ")
    assert "as if nobody moved to another one" in screen
    assert "Other municipalities" in said("compare", town, "--threads", 1, "--detail")


def test_a_run_priced_again_still_follows_those_who_moved(town: Path) -> None:
    answer = json.loads(said("compare", town, "--threads", 1, "--json", "--out", "run"))
    again = json.loads(said("price", "run", "--json"))
    assert again["comparisons"] == answer["comparisons"]
    assert again["arms"] == answer["arms"]
