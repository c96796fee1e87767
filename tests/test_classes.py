"""Classes: what classmates do is known to each, exactly, and what changes in some of them changes the others."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from calibration.lives import ever, read_lives, sampled_ids
from sim.chunk import Chunk
from sim.cli import app
from sim.comparison import compare
from sim.domain import Domain
from sim.draws import philox_key
from sim.engine import relive, simulate
from sim.errors import ModelError, ScenarioError
from sim.expect import expect
from sim.expression import Expression
from sim.files import load_plan, shipped_folder
from sim.ledger import Need
from sim.model import Model
from sim.needed import needed_effects
from sim.persons import NOT_ALIVE, all_ids, class_of, persons_of, split
from sim.plan import Plan, bind
from sim.scenario import Arm, Cohort, Stratum
from sim.store import read_run, write_run
from tests.classroom import AGES, BINS, MODEL, classroom, conduct, parameters, settle, training
from tests.models import Lives, lives, same_counts
from tests.small_town import rewrite

SIZE = 7
TREATED = training()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return bind(classroom((TREATED,), (training(uptake=0.5),)))


@pytest.fixture(scope="module")
def outcome(plan: Plan) -> Any:
    return simulate(plan)


# The value


def nearest_bin(share: Fraction) -> int:
    """Return the place of the nearest bin, of two as near the lower one, in exact numbers."""
    exact = [Fraction(str(one)) for one in BINS]
    return min(range(len(exact)), key=lambda place: (abs(share - exact[place]), place))


def values_by_hand(found: Lives, ids: np.ndarray, size: int) -> np.ndarray:
    """Return what every living person's column has to be after each step, class by class."""
    conduct, age = found.states("conduct"), found.column("age")
    expected = np.full(conduct.shape, NOT_ALIVE)
    expected[0] = 0
    rooms: dict[tuple[int, int], list[int]] = {}
    for place, identity in enumerate(ids.tolist()):
        rooms.setdefault((identity >> 24, identity % 2**24 // size), []).append(place)
    for room in rooms.values():
        for row in range(1, len(conduct)):
            there = [place for place in room if age[row - 1, place] != NOT_ALIVE]
            for place in there:
                if age[row, place] == NOT_ALIVE:
                    continue
                others = [conduct[row - 1, other] == "wild" for other in there if other != place]
                inside = AGES[0] <= row - 1 <= AGES[1] and others
                expected[row, place] = nearest_bin(Fraction(sum(others), len(others))) if inside else 0
    return expected


@pytest.mark.parametrize("size", [2, 5, 7, 64])
@pytest.mark.parametrize("arm", ["baseline", "arm_1"])
def test_everyone_knows_the_share_of_the_living_others_every_year(size: int, arm: str) -> None:
    plan = bind(classroom((TREATED,), size=size))
    ids = all_ids(plan)
    found = lives(plan, arm)
    seen = found.column("wild_classmates")
    np.testing.assert_array_equal(seen, values_by_hand(found, ids, size))
    met = {2: {0, 4}, 5: {0, 2, 3}, 7: {0, 2, 3}, 64: {0, 1, 2, 3}}
    assert set(np.unique(seen).tolist()) >= met[size] | {NOT_ALIVE}
    assert (found.column("age")[-1] == NOT_ALIVE).sum() > 100  # classes have shrunk


def test_a_value_is_taken_before_offers_are_made() -> None:
    asks = training(when="wild_classmates > 0.4", ages=(6, 6), replaces="years_wild")
    plan = bind(classroom((asks,)))
    found = lives(plan, "arm_1")
    alive = found.column("age")[7] != NOT_ALIVE
    value = np.array(BINS)[found.column("wild_classmates")[7, alive]]
    takes_part = found.history[7, plan.layout.row("receives_training"), alive] == 1
    assert 100 < takes_part.sum() < alive.sum() - 100
    np.testing.assert_array_equal(takes_part, value > 0.4)


def test_a_class_lives_alone_as_it_lives_among_all(plan: Plan) -> None:
    ids = all_ids(plan)
    whole = lives(plan, "arm_1").history
    for number in (0, 28, 41):  # the last of the first copy, smaller than the others, and one of the second
        some = class_of(plan, ids) == np.unique(class_of(plan, ids))[number]
        assert some.sum() == (4 if number == 28 else SIZE)
        np.testing.assert_array_equal(lives(plan, "arm_1", ids=ids[some]).history, whole[:, :, some])


def test_bins_are_told_apart_in_whole_numbers() -> None:
    (value,) = MODEL.group_values.values()
    assert value.cuts == (100_000, 300_000, 700_000, 1_500_000)
    for share in [Fraction(k, n) for n in range(1, 40) for k in range(n + 1)]:
        code = sum(2_000_000 * share.numerator > cut * share.denominator for cut in value.cuts)
        assert code == nearest_bin(share)


# Spill-over


def differing(plan: Plan) -> np.ndarray:
    """Return whose states and deaths differ between the first arm and the baseline."""
    rows = [plan.layout.row(name) for name in ("age", "conduct", "mark")]
    return (lives(plan, "arm_1").history[:, rows] != lives(plan).history[:, rows]).any(axis=(0, 1))


def sides(plan: Plan) -> np.ndarray:
    """Return who sits on the left, by place."""
    return lives(plan).history[0, plan.layout.row("seat")] == 0


def test_treating_half_a_class_changes_the_other_half() -> None:
    plan = bind(classroom((TREATED,)))
    left, differs = sides(plan), differing(plan)
    assert differs[left].sum() > 100
    assert differs[~left].sum() > 50
    wild = [(lives(plan, arm).states("conduct")[:, ~left] == "wild").sum() for arm in ("baseline", "arm_1")]
    assert wild[1] < 0.9 * wild[0]  # fewer wild classmates, fewer wild


def test_with_a_coefficient_of_0_nobody_else_changes() -> None:
    plan = bind(classroom((TREATED,), by_classmates=0.0))
    left, differs = sides(plan), differing(plan)
    assert differs[left].sum() > 100
    assert differs[~left].sum() == 0
    outcome = simulate(plan)
    assert outcome.arms["arm_1"].through_classmates.sum() == 0
    alone = simulate(bind(classroom((TREATED,), by_classmates=0.0, size=None, needs=())))
    together = simulate(bind(classroom((TREATED,), by_classmates=0.0, needs=())))
    assert same_counts(alone, together)  # and classes as such change nobody


def test_a_condition_that_nobody_meets_changes_nobody() -> None:
    calm = Domain("conduct", ("calm", "wild"), "calm", clock=3)
    calm.moves, calm.factors = (list(part) for part in (conduct().moves, conduct().factors))
    calm.group_value(bins=BINS)(lambda conduct: 0 * (conduct == "wild"))
    (rule,) = calm.group_values
    calm.group_values = [replace(rule, when=replace(rule.when, name="wild_classmates"))]
    never = replace(MODEL, domains=(calm, MODEL.domains[1]))
    outcomes = [
        simulate(bind(classroom((TREATED,), model=never, needs=(), size=size, by_classmates=by)))
        for size, by in ((7, 2.5), (None, 2.5), (None, 0.0))
    ]
    assert same_counts(outcomes[0], outcomes[1])
    assert same_counts(outcomes[0], outcomes[2])


def test_participants_are_those_who_take_part_and_the_others_are_told_apart(plan: Plan, outcome: Any) -> None:
    left, differs = sides(plan), differing(plan)
    counts = outcome.arms["arm_1"]
    ids = all_ids(plan)
    started = lives(plan, "arm_1").deliveries[:, 0, 2].sum()
    assert counts.participants.sum() == len(outcome.reached["arm_1"]) == started
    assert set(outcome.reached["arm_1"].tolist()) <= set(ids[left].tolist())
    others = np.bincount(np.repeat([0, 1, 2], 200), weights=differs & ~left)
    np.testing.assert_array_equal(counts.through_classmates, others)
    result = compare(outcome).arms["arm_1"]
    assert result.participants_per_cohort == counts.participants.sum() / 3
    assert result.through_classmates_per_cohort == others.sum() / 3
    assert counts.in_baseline is outcome.baseline  # lived in full


def test_measures_are_told_per_participant_with_what_they_change_for_others(plan: Plan) -> None:
    known = replace(plan.scenario, measures=("years_wild",))
    outcome = simulate(bind(known))
    both = [(lives(plan, arm).states("conduct")[1:] == "wild").sum() for arm in ("baseline", "arm_1")]
    takers = outcome.arms["arm_1"].participants.sum()
    change = compare(outcome).arms["arm_1"].measures["years_wild"].change
    assert change == pytest.approx(100 * (both[1] - both[0]) / takers, rel=1e-12)


def test_who_is_kept_out_of_an_offer_by_classmates_takes_no_part_though_his_life_changes() -> None:
    """Wild at ten in the baseline, and so eligible there; calm in the arm, because trained classmates are."""
    second = replace(training(when="conduct == 'wild' and seat == 'right'", ages=(10, 10)), name="second", effects=())
    plan = bind(classroom((TREATED, second)))
    outcome = simulate(plan)
    there, here = (lives(plan, arm).states("conduct")[10] for arm in ("baseline", "arm_1"))
    left = sides(plan)
    kept_out = all_ids(plan)[~left & (there == "wild") & (here == "calm")]
    let_in = all_ids(plan)[~left & (there == "calm") & (here == "wild")]
    taking = all_ids(plan)[~left & (here == "wild")]
    assert len(kept_out) > 5
    reached = set(outcome.reached["arm_1"].tolist())
    assert set(kept_out.tolist()).isdisjoint(reached)
    assert set(let_in.tolist()) <= set(taking.tolist()) <= reached
    started = lives(plan, "arm_1").deliveries[:, :, 2].sum()
    assert outcome.arms["arm_1"].participants.sum() == len(reached) == started  # nobody takes part in both
    assert outcome.arms["arm_1"].through_classmates.sum() >= len(kept_out)


def test_arms_with_other_parameters_are_lived_by_everyone_too() -> None:
    changed = replace(classroom((TREATED,)))
    arms = {**changed.arms, "arm_1": Arm((TREATED,), parameters=parameters(0.0))}
    outcome = simulate(bind(replace(changed, arms=arms)))
    alone = simulate(bind(classroom((TREATED,), by_classmates=0.0)))
    assert outcome.arms["arm_1"].in_arm.digest() == alone.arms["arm_1"].in_arm.digest()
    assert outcome.arms["arm_1"].through_classmates is None


# What changes nothing


@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (2, 3), (3, 50), (2, 201), (1, 10**6)])
def test_threads_and_chunks_change_nothing(plan: Plan, outcome: Any, threads: int, chunk: int) -> None:
    other = simulate(plan, threads=threads, chunk=chunk)
    assert same_counts(other, outcome)
    for arm in plan.compared:
        np.testing.assert_array_equal(other.reached[arm], outcome.reached[arm])
        np.testing.assert_array_equal(other.arms[arm].through_classmates, outcome.arms[arm].through_classmates)


def test_the_order_of_persons_changes_nothing(plan: Plan, outcome: Any) -> None:
    shuffled = np.random.default_rng(5).permutation(all_ids(plan))
    other = simulate(plan, ids=shuffled, chunk=30)
    assert same_counts(other, outcome)
    for arm in plan.compared:
        assert set(other.reached[arm].tolist()) == set(outcome.reached[arm].tolist())


@pytest.mark.parametrize("most", [1, 6, 7, 8, 20, 100, 250, 599, 600, 10**6])
def test_a_chunk_holds_whole_classes(plan: Plan, most: int) -> None:
    ids = np.random.default_rng(6).permutation(all_ids(plan))
    classes = class_of(plan, ids)
    pieces = split(np.argsort(ids), most, classes)
    assert sorted(np.concatenate(pieces).tolist()) == list(range(600))
    held = [set(classes[piece].tolist()) for piece in pieces]
    assert sum(len(one) for one in held) == len(set(classes.tolist())) == 3 * 29
    assert max(len(piece) for piece in pieces) < most + SIZE
    assert len(pieces) >= min(600 // (most + SIZE), 3 * 29)


def test_living_on_under_another_program_parts_no_classmates(plan: Plan) -> None:
    key = philox_key(1)
    chunk = Chunk(plan, plan.programs["baseline"], persons_of(plan, None, None, key), key)
    chunk.live(8, chunk.tally(21), 1)
    everyone = np.ones(chunk.alive, dtype=bool)
    assert chunk.some(everyone, plan.programs["arm_1"]).alive == chunk.alive
    room = chunk.classes[chunk.origin[: chunk.alive]]
    assert chunk.some(room == 3, plan.programs["arm_1"]).alive == (room == 3).sum() < SIZE
    with pytest.raises(ScenarioError, match="a class is lived as a whole"):
        chunk.some(np.arange(chunk.alive // 2), plan.programs["arm_1"])


def test_without_classes_the_value_is_no_part_of_the_program() -> None:
    plan = bind(classroom((TREATED,), size=None, needs=()))
    alone = Domain("conduct", ("calm", "wild"), "calm", clock=3, moves=conduct().moves)
    without = bind(classroom((TREATED,), size=None, needs=(), model=replace(MODEL, domains=(alone, MODEL.domains[1]))))
    assert plan.threshold_digest == without.threshold_digest
    assert same_counts(simulate(plan), simulate(without))
    assert len(plan.programs["arm_1"].arrays["groups"]) == 0
    with_classes = bind(classroom((TREATED,), needs=()))
    assert with_classes.threshold_digest != plan.threshold_digest
    assert not same_counts(simulate(with_classes), simulate(plan))


# Other ways to a result


def test_an_outcome_written_and_read_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = simulate(load_plan(settle(tmp_path, monkeypatch)))
    again = read_run(write_run(outcome, tmp_path / "run"))
    assert again.digest() == outcome.digest()
    assert outcome.arms["training"].through_classmates.sum() > 0
    np.testing.assert_array_equal(
        again.arms["training"].through_classmates, outcome.arms["training"].through_classmates
    )
    assert compare(again).arms["training"].measures == compare(outcome).arms["training"].measures


def test_who_is_lived_again_is_everyone(plan: Plan) -> None:
    outcome = simulate(plan, families=all_ids(plan) // np.uint64(2))
    again = relive(outcome, "arm_1", plan.programs["arm_1"], threads=2)
    assert again.digest() == outcome.arms["arm_1"].in_arm.together(1).digest()


def test_the_effect_needed_counts_what_classmates_gain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settle(tmp_path, monkeypatch)
    rewrite(tmp_path, "interventions/training.yaml", "hazard_ratio: 0.1", "unknown: true")
    rewrite(tmp_path, "interventions/training.yaml", "beyond_follow_up: zero", "beyond_follow_up: hold")
    together = needed_effects(simulate(load_plan(path)))["training"].ratio
    rewrite(tmp_path, "parameters/conduct.yaml", "causal_share: 0.5", "causal_share: 0")
    alone = needed_effects(simulate(load_plan(path)))["training"].ratio
    assert together is not None
    assert alone is not None
    assert alone + 0.03 < together < 1  # a weaker effect suffices where classmates gain too


def test_the_exact_solver_refuses_classes_and_knows_the_model_without() -> None:
    with pytest.raises(ScenarioError, match="a life depends on those of classmates"):
        expect(classroom((TREATED,)))
    scenario = classroom((TREATED,), size=None)
    exact, lived = expect(scenario), simulate(replace(scenario, cohort=Cohort(2020, 4000, copies=1)))
    for arm in ("baseline", "arm_1"):
        shares = [one.share_in(["conduct"], arm)[0][10] for one in (exact, lived)]
        shares = [one / one.sum() for one in shares]
        np.testing.assert_allclose(*shares, atol=4 * np.sqrt(0.25 / 3000))


def test_lives_are_read_one_by_one_in_whole_classes(plan: Plan) -> None:
    some = sampled_ids(plan, 60)
    assert len(some) <= 60
    assert all(np.isin(all_ids(plan)[class_of(plan, all_ids(plan)) == one], some).all() for one in class_of(plan, some))
    read = read_lives(plan, {"ever": ever(plan, "conduct", ["wild"])}, seed=1, batch=50)["ever"]
    np.testing.assert_array_equal(read, (lives(plan).states("conduct") == "wild").any(axis=0))
    mixed = np.random.default_rng(3).permutation(all_ids(plan))
    again = read_lives(plan, {"ever": ever(plan, "conduct", ["wild"])}, seed=1, ids=mixed, batch=50)["ever"]
    np.testing.assert_array_equal(again[np.argsort(mixed)], read)


# Models and cohorts that cannot be


def declared(bins: Any = (0, 0.5, 1), when: Any = lambda conduct: conduct == "wild", **more: Any) -> Model:
    domain = Domain("conduct", ("calm", "wild"), "calm", **more)
    domain.group_value(bins=bins)(when)
    return Model("wrong", (domain,))


@pytest.mark.parametrize(
    "bins",
    [(), (0,), (0.1, 0.5), (0, 0.5, 0.5), (0, 0.5, 0.2), (0, 1.2), (0, 1e-8), tuple(k / 200 for k in range(120))],
)
def test_bins_that_cannot_be_are_refused(bins: tuple[float, ...]) -> None:
    with pytest.raises(ModelError, match="must be 2 to 100 shares that rise from 0"):
        declared(bins)


def asks_a_year_ago(previous_conduct):
    return previous_conduct == "wild"


def asks_for_no_column(conduckt):
    return conduckt == "wild"


def conduct_(conduct):
    return conduct == "wild"


conduct_.__name__ = "conduct"


@pytest.mark.parametrize(
    ("when", "words", "hint"),
    [
        (asks_a_year_ago, "taken at the start of the step", "write 'conduct'"),
        (asks_for_no_column, "reads the unknown column 'conduckt'", "did you mean 'conduct'?"),
        (conduct_, "the name 'conduct' is used twice", None),
    ],
)
def test_a_condition_that_cannot_be_is_refused(when: Any, words: str, hint: str | None) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        declared(when=when)
    assert caught.value.problems[0].hint == hint


def test_what_classmates_know_of_classmates_is_refused() -> None:
    domain = Domain("conduct", ("calm", "wild"), "calm")
    domain.group_value(bins=(0, 1))(lambda conduct: conduct == "wild")
    first = domain.group_values[0]
    domain.group_values = [replace(first, when=replace(first.when, name="wild_ones"))]

    @domain.group_value(bins=(0, 1))
    def surrounded(wild_ones):
        return wild_ones > 0

    with pytest.raises(ModelError, match="'surrounded' reads 'wild_ones'"):
        Model("wrong", (domain,))


def test_siblings_do_not_share_classmates() -> None:
    domain = conduct()
    home = Domain("home", ("calm", "loud"), "calm", keyed="family")

    @home.hazard("calm", "loud")
    def gets_loud(wild_classmates):
        return wild_classmates

    with pytest.raises(ModelError, match="wild_classmates"):
        Model("wrong", (domain, home), traits=MODEL.traits)


@pytest.mark.parametrize("size", [0, 1, -3, 1001])
def test_a_class_has_some_others_in_it(size: int) -> None:
    with pytest.raises(ScenarioError, match="a class has 2 to 1,000 persons"):
        Cohort(2020, represents=100, class_size=size)


def test_strata_and_classes_exclude_each_other() -> None:
    strata = (Stratum("boys", 10, Expression.of("sex == 'boy'")), Stratum("rest", 10))
    with pytest.raises(ScenarioError, match="strata or classes, not both"):
        Cohort(2020, represents=100, strata=strata, class_size=10)


def test_a_model_that_asks_nothing_about_classmates_is_not_put_into_classes() -> None:
    alone = Domain("conduct", ("calm", "wild"), "calm")
    with pytest.raises(ScenarioError, match="no rule of model 'plain'"):
        bind(classroom(model=Model("plain", (alone,), traits=MODEL.traits), needs=()))


# Files and the command line


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return settle(tmp_path, monkeypatch)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_scenario_with_classes_is_checked_and_compared(town: Path) -> None:
    checked = run("check", town)
    assert checked.exit_code == 0
    assert "800 persons in 4 copies, in classes of 7" in checked.stdout
    (link,) = json.loads(run("check", town, "--json").stdout)["plan"]["links"]
    assert link["acts"]
    assert (link["from"], link["causal_share"]) == ("wild_classmates", 0.5)
    assert link["causal"] == {"1": 2.5}
    found = json.loads(run("compare", town, "--json").stdout)["comparisons"]["training"]
    assert found["through_classmates_per_cohort"] > 20
    assert 80 < found["participants_per_cohort"] < 110
    screen = run("compare", town).stdout
    assert f"{found['participants_per_cohort']:.0f} participants" in screen
    assert f"{found['through_classmates_per_cohort']:.0f} more lives changed through classmates" in screen
    assert "In classes of 7, put together at random" in screen


def test_a_scenario_without_classes_says_nothing_of_them(town: Path) -> None:
    rewrite(town.parent, "town.yaml", ", classes: {size: 7}", "")
    (link,) = json.loads(run("check", town, "--json").stdout)["plan"]["links"]
    assert not link["acts"]
    assert "off, as there are no classes" in run("check", town).stdout
    found = json.loads(run("compare", town, "--json").stdout)["comparisons"]["training"]
    assert "through_classmates_per_cohort" not in found
    assert "classmates" not in run("compare", town).stdout


def test_a_coefficient_of_0_in_an_arm_is_another_arm(town: Path) -> None:
    rewrite(
        town.parent, "town.yaml", "baseline: {}", "baseline: {}\n  alone: {parameters: {conduct: {by_classmates: 0}}}"
    )
    plan = load_plan(town)
    assert plan.parameters_of("alone")["conduct"].by_classmates == 0
    assert plan.parameters_of("baseline")["conduct"].by_classmates == 2.5


CONDUCT = "parameters/conduct.yaml"
REFUSED: dict[str, tuple[str, str, str, str, str]] = {
    # file, text, text instead with ¦ where the message points, words, hint
    "nobody": ("town.yaml", "size: 7", "size: ¦0", "'size' is 0: it must be at least 2", "leave `classes` out"),
    "alone": ("town.yaml", "size: 7", "size: ¦1", "'size' is 1: it must be at least 2", "a class of one"),
    "too many": ("town.yaml", "size: 7", "size: ¦1001", "at most 1_000", ""),
    "words": ("town.yaml", "size: 7", "size: ¦many", "must be a whole number, not the text 'many'", ""),
    "half a child": ("town.yaml", "size: 7", "size: ¦7.5", "must be a whole number, not 7.5", ""),
    "unknown key": ("town.yaml", "size: 7", "¦sise: 7, size: 7", "unknown key 'sise'", "did you mean 'size'?"),
    "no mapping": ("town.yaml", "classes: {size: 7}", "classes: ¦7", "'classes' must be a mapping", ""),
    "strata": ("town.yaml", "classes: {size: 7}",
               "¦classes: {size: 7}, strata: {boys: {when: \"sex == 'boy'\", persons: 9}, rest: {persons: 9}}",
               "strata or classes, not both", "leave one of them out"),
    "unit": (CONDUCT, "unit: log ratio per share", "unit: ¦log ratio", "from classmates it is 'log ratio per share'",
             "log ratio per share"),
    "common share": (CONDUCT, "causal_share: 0.5", "causal_share: ¦common", "states its own", "write 0 to 1"),
    "share above 1": (CONDUCT, "causal_share: 0.5", "causal_share: ¦5", "causal share 5", ""),
    "table": (CONDUCT, "value: 5", "value: ¦{calm: 0, wild: 5}", "is a table; from classmates it is one number", ""),
    "unknown group": (CONDUCT, "from: wild_classmates", "from: ¦wild_classmate", "is no domain of model",
                      "did you mean 'wild_classmates'?"),
    "ages that fall": (CONDUCT, "class_from: {value: 3", "class_from: {value: ¦15",
                       "the ages 15 to 14 of the group value 'wild_classmates' must rise", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_about_classes_is_placed(town: Path, case: str) -> None:
    name, old, new, words, hint = REFUSED[case]
    rewrite(town.parent, name, old, new)
    marked = (town.parent / name).read_text(encoding="utf-8")
    rewrite(town.parent, name, "¦", "")
    before = marked[: marked.index("¦")]
    result = run("check", town, "--json")
    (problem,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 2
    assert words in problem["message"]
    assert hint in (problem["hint"] or "")
    assert Path(problem["file"]) == town.parent / name
    assert (problem["line"], problem["column"]) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    compared = run("compare", town, "--out", town.parent / "never")
    assert compared.exit_code == 2
    assert not (town.parent / "never").exists()


def test_a_model_without_group_values_has_no_place_for_classes(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Domain("conduct", ("calm", "wild"), "calm", clock=3, moves=conduct().moves)
    monkeypatch.setattr("sim.files.load_model", lambda name: replace(MODEL, domains=(plain, MODEL.domains[1])))
    errors = json.loads(run("check", town, "--json").stdout)["errors"]
    assert "no rule of model 'classroom' asks about classmates" in [one["message"] for one in errors]


# The shipped link


def test_the_shipped_model_has_one_link_from_classmates_and_it_is_off() -> None:
    for path in shipped_folder().glob("*.yaml"):
        plan = load_plan(path)
        assert not plan.in_classes
        links = [one for one in plan.scenario.links if one.from_domain in plan.scenario.model.group_values]
        assert [(one.domain, one.parameter, one.from_domain) for one in links] == [
            ("conduct", "by_classmates", "classmates_severe")
        ]
        assert "Carrell & Hoekstra 2010" in links[0].source
        assert len(plan.programs["baseline"].arrays["groups"]) == 0


def test_the_shipped_link_makes_classmates_worse_and_a_programme_reach_beyond_its_participants(tmp_path: Path) -> None:
    text = (shipped_folder() / "norrkoping.yaml").read_text(encoding="utf-8")
    text = text[: text.index("arms:")] + "arms:\n  baseline: {}\n  training: {interventions: [parent_training_komet]}\n"
    outcomes = []
    for classes in ("", ", classes: {size: 20}"):
        path = tmp_path / "town.yaml"
        path.write_text(text.replace("copies: 12", "copies: 8" + classes).replace("lifetime", "19"), encoding="utf-8")
        outcomes.append(simulate(load_plan(path, extra=(Need(frozenset({"conduct"})),)), threads=2))
    alone, together = outcomes
    severe = [one.share_in(["conduct"])[0][:, 2].sum() for one in outcomes]
    assert 1.01 * severe[0] < severe[1] < 1.08 * severe[0]
    assert alone.arms["training"].through_classmates is None
    assert together.arms["training"].through_classmates.sum() > 0
