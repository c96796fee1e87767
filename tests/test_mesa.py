"""The Mesa face: the same integers as `simulate`, Mesa's verbs by column as Mesa's own on views, and nothing kept."""

from __future__ import annotations

import copy
import gc
import inspect
import re
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest
from hypothesis import given, settings
from mesa.agent import AgentSet

from sim import LifeCourseModel, Person
from sim.chunk import Chunk
from sim.domain import Death, Domain
from sim.engine import simulate
from sim.errors import FramsynError, ModelError, RuleError, ScenarioError
from sim.expression import Expression
from sim.files import load_plan
from sim.mesa_people import People
from sim.outcome import Outcome
from sim.persons import all_ids
from sim.plan import Plan, bind
from sim.scenario import Arm, Cohort, Stratum
from sim.tables import Parameters
from tests.models import childhood, lives, scenario, support, training, tutoring
from tests.properties.random_scenarios import in_families, scenarios

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def plan() -> Plan:
    covered = support(baseline_coverage=0.3)
    fewer = Arm((tutoring(),), parameters={"care": Parameters("care", {"placement": 0.01})})
    made = scenario((covered,), (replace(covered, uptake=Expression.of(0.9)), tutoring()), (training(offer="yearly"),))
    return bind(replace(made, arms={**made.arms, "fewer": fewer}))


@pytest.fixture(scope="module")
def outcome(plan: Plan) -> Outcome:
    return simulate(plan)


@pytest.fixture
def model(plan: Plan) -> LifeCourseModel:
    """Twelve years of an arm, so that some have died and columns say something."""
    made = LifeCourseModel(plan, "arm_2", chunk=100)
    for _ in range(12):
        made.step()
    return made


# The same integers


@pytest.mark.parametrize("arm", ["baseline", "arm_1", "arm_2", "arm_3", "fewer"])
def test_an_arm_is_counted_as_simulate_counts_it(plan: Plan, outcome: Outcome, arm: str) -> None:
    model = LifeCourseModel(plan, arm)
    model.run_model()
    assert model.ledger.digest() == outcome.ledger(arm).digest()
    assert (model.steps, model.year, model.running) == (35, 2054, False)


def test_the_arms_differ_so_that_this_says_something(plan: Plan, outcome: Outcome) -> None:
    assert len({outcome.ledger(arm).digest() for arm in plan.arms}) == 5


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(scenarios(persons=120))
def test_so_is_every_arm_of_any_scenario(scenario) -> None:
    plan = bind(scenario)
    families = in_families(all_ids(plan))
    outcome = simulate(plan, families=families, seed=3, replicate=2)
    for arm in plan.arms:
        model = LifeCourseModel(plan, arm, families=families, seed=3, replicate=2, chunk=50)
        model.run_model()
        assert model.ledger.digest() == outcome.ledger(arm).digest()


@pytest.mark.parametrize("arm", ["baseline", "parent_training", "all"])
def test_so_is_a_shipped_scenario(arm: str) -> None:
    plan = load_plan(ROOT / "scenarios" / "norrkoping.yaml", persons=2 * 1640)
    ids = all_ids(plan)[::5]
    model = LifeCourseModel(plan, arm, ids=ids, seed=4, threads=2, chunk=250)
    model.run_model()
    assert model.ledger.digest() == simulate(plan, ids=ids, seed=4).ledger(arm).digest()


def test_so_is_a_cohort_of_strata() -> None:
    strata = (Stratum("at risk", 200, Expression.of("risk > 1")), Stratum("rest", 100))
    plan = bind(scenario((support(),), cohort=Cohort(2020, represents=300, copies=10, strata=strata)))
    model = LifeCourseModel(plan, "arm_1", seed=5)
    model.run_model()
    assert model.ledger.digest() == simulate(plan, seed=5).ledger("arm_1").digest()


@pytest.mark.parametrize("settings", [{"chunk": 1}, {"chunk": 37, "threads": 2}])
def test_chunks_and_threads_change_nothing(plan: Plan, outcome: Outcome, settings: dict[str, int]) -> None:
    model = LifeCourseModel(plan, "arm_2", **settings)
    model.run_model()
    assert model.ledger.digest() == outcome.ledger("arm_2").digest()


def test_what_is_counted_grows_by_a_row_a_step(plan: Plan, outcome: Outcome) -> None:
    model, whole = LifeCourseModel(plan, "arm_1"), outcome.ledger("arm_1")
    for row in range(1, 36):
        for part in ("counts", "deliveries"):
            np.testing.assert_array_equal(getattr(model.ledger, part)[:, :row], getattr(whole, part)[:, :row])
            assert not getattr(model.ledger, part)[:, row:].any()
        np.testing.assert_array_equal(model.ledger.persons, whole.persons)
        assert model.running
        model.step()
    assert model.ledger.digest() == whole.digest()


def test_nobody_s_life_depends_on_mesa_s_random_numbers(plan: Plan, outcome: Outcome) -> None:
    models = [LifeCourseModel(plan), LifeCourseModel(plan)]  # lived by turns, with draws of Mesa's in one of them
    order = [one.agents.shuffle().get("unique_id").tolist() for one in models]
    assert order[0] == order[1] != models[0].agents.get("unique_id").tolist()
    while models[0].running:
        models[0].random.random()
        models[0].rng.random(5)
        models[0].agents.shuffle_do(lambda person: person.age)
        for one in models:
            one.step()
    assert models[0].ledger.digest() == models[1].ledger.digest() == outcome.baseline.digest()


def test_other_seeds_and_replicates_are_other_lives(plan: Plan) -> None:
    digests = set()
    for seed, replicate in ((1, 0), (2, 0), (1, 1), (2**64 - 1, 0)):
        model = LifeCourseModel(plan, seed=seed, replicate=replicate)
        model.run_model()
        assert model.ledger.digest() == simulate(plan, seed=seed, replicate=replicate).baseline.digest()
        digests.add(model.ledger.digest())
    assert len(digests) == 4


# The end


def mortal() -> Plan:
    """Return a plan in which all are dead after the year of age 4, and some before."""
    death = Death()

    @death.hazard()
    def mortality(age):
        return 0.1 + 1e6 * (age >= 4)

    return bind(scenario((support(),), model=replace(childhood(), death=death)))


def test_the_model_stops_when_nobody_is_alive() -> None:
    plan = mortal()
    model = LifeCourseModel(plan, "arm_1")
    model.run_model()
    assert (model.steps, len(model.agents), model.running) == (5, 0, False)
    assert model.ledger.digest() == simulate(plan).ledger("arm_1").digest()
    for _ in range(30):  # the years of the horizon go by without anybody
        model.step()
    assert model.ledger.digest() == simulate(plan).ledger("arm_1").digest()
    assert model.agents.groupby("care").count() == {}
    assert model.agents.sort("age").get("age").tolist() == []


def test_a_step_after_the_horizon_is_refused(plan: Plan) -> None:
    model = LifeCourseModel(plan)
    model.run_model()
    with pytest.raises(ScenarioError, match="all 35 years of the scenario are lived"):
        model.step()


def test_a_model_of_nobody_does_not_run(plan: Plan) -> None:
    model = LifeCourseModel(plan, ids=np.array([], dtype=np.uint64))
    assert not model.running
    assert model.agents.to_list() == []


def test_a_year_that_was_interrupted_cannot_be_gone_on_with(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LifeCourseModel(plan, chunk=200)
    model.step()
    before = model.ledger.digest()
    plain = Chunk.live

    def interrupted(chunk: Chunk, *args: Any, **kwargs: Any) -> None:
        plain(chunk, *args, **kwargs)
        if chunk is model.lives._chunks[2]:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Chunk, "live", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.step()
    assert not model.running
    assert model.ledger.digest() == before
    for use in (model.lives.live_one_year, lambda: model.agents.get("care")):
        with pytest.raises(ScenarioError, match="a year was interrupted"):
            use()


# Persons


def test_columns_follow_everyone_though_rows_move(plan: Plan) -> None:
    history = lives(plan, "arm_2").history
    model = LifeCourseModel(plan, "arm_2", chunk=100)
    born_alive = len(model.agents)
    for row in range(36):
        alive = history[row][plan.layout.row("age")] != 255
        np.testing.assert_array_equal(model.lives.alive, alive)
        for name in model.lives.columns:
            expected = history[row][plan.layout.row(name)]
            np.testing.assert_array_equal(model.lives.codes(name)[alive], expected[alive])
        if model.running:
            model.step()
    assert len(model.agents) < born_alive


def test_a_view_says_what_a_person_is_and_follows(plan: Plan) -> None:
    model = LifeCourseModel(plan, "arm_2")
    person = model.agents[7]
    assert (person.age, person.care, person.school) == (0, "home", "before")
    assert person.risk in (-1.2, 0.0, 1.2)
    assert isinstance(person, mesa.Agent)
    assert person.unique_id == all_ids(plan)[7]
    assert person.model is model
    assert person.pos is None
    for _ in range(10):
        model.step()
    assert (person.age, person.previous_care in ("home", "foster", "institution")) == (9, True)
    assert [type(getattr(person, name)) for name in ("age", "care", "risk", "receives_tutoring")] == [
        int, str, float, int,
    ]  # fmt: skip
    assert person == model.agents[7] == model.person(person.unique_id)
    assert len({person, model.agents[7], model.agents[8]}) == 2
    assert person != LifeCourseModel(plan).agents[7]
    assert repr(person) == f"Person({person.unique_id}, age 9)"
    assert {"care", "risk", "age"} < {*dir(person)}
    assert copy.copy(person) == person


def test_who_has_died_says_so(model: LifeCourseModel) -> None:
    dead = np.flatnonzero(~model.lives.alive)
    assert len(dead) > 5
    person = model.person(int(model.lives.ids[dead[0]]))
    assert not person.alive
    with pytest.raises(AttributeError, match=f"person {person.unique_id} is no longer alive and has no 'care'"):
        _ = person.care
    assert getattr(person, "care", None) is None
    assert person not in model.agents
    assert repr(person) == f"Person({person.unique_id}, not alive)"


def test_views_refuse_what_would_change_a_life(model: LifeCourseModel) -> None:
    person, before = model.agents[0], model.ledger.digest()
    with pytest.raises(AttributeError, match="'care' of a person cannot be set: lives are lived by the engine"):
        person.care = "foster"
    with pytest.raises(AttributeError, match="'note' of a person cannot be set"):
        person.note = 1
    with pytest.raises(FramsynError, match=r"a person takes no step alone.*an arm with an intervention"):
        model.agents.do("step")
    with pytest.raises(FramsynError, match="a person takes no step alone"):
        model.agents.shuffle_do("advance")
    with pytest.raises(FramsynError, match="persons leave by death only"):
        person.remove()
    with pytest.raises(FramsynError, match="persons leave by death only"):
        model.remove_all_agents()
    with pytest.raises(FramsynError, match="'care' cannot be set"):
        model.agents.set("care", "foster")
    with pytest.raises(FramsynError, match="nobody can be added"):
        model.agents.add(person)
    for verb in ("remove", "discard"):
        with pytest.raises(FramsynError, match="nobody can be taken out"):
            getattr(model.agents, verb)(person)
    with pytest.raises(AttributeError):
        model.agents = [person]
    with pytest.raises(ValueError, match="read-only"):
        model.lives.codes("care")[:] = 0
    assert model.ledger.digest() == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cara", "no column 'cara' in model 'childhood' (did you mean 'care'?)"),
        ("previous_years_in_work", "column 'previous_years_in_work' is not kept, as nothing in the scenario reads it"),
    ],
)
def test_an_unknown_column_is_named(model: LifeCourseModel, name: str, sentence: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(sentence)):
        getattr(model.agents[0], name)
    assert not hasattr(model.agents[0], name)
    for use in (model.agents.get, model.agents.sort, model.agents.groupby, lambda one: model.agents.select(**{one: 1})):
        with pytest.raises(ModelError, match=re.escape(sentence)):
            use(name)


def test_a_column_cannot_have_the_name_of_what_every_agent_has() -> None:
    plan = bind(scenario(model=childhood(Domain("random", ("calm", "wild"), "calm"))))
    with pytest.raises(ScenarioError, match="column 'random' has the name of something that every Mesa agent has"):
        LifeCourseModel(plan)


# Mesa's verbs: by column they say what Mesa's own AgentSet says of views


@pytest.fixture
def both(model: LifeCourseModel) -> Iterator[tuple[People, AgentSet]]:
    persons = model.agents.to_list()  # Mesa's set holds them weakly
    yield model.agents, AgentSet(persons, random=model.random)
    assert persons


def ids(some: Any) -> list[int]:
    return [person.unique_id for person in some]


def test_length_order_and_places(both: tuple[People, AgentSet], model: LifeCourseModel) -> None:
    people, agents = both
    assert len(people) == len(agents) < 900
    assert ids(people) == ids(agents) == people.get("unique_id").tolist()
    assert people[3] in people
    assert ids(people[-2:]) == ids(people)[-2:]
    assert ids(reversed(people)) == ids(people)[::-1]
    assert people.index(people[5]) == 5
    assert repr(people) == f"People({len(agents)})"
    assert ids(people.copy()) == ids(people)


@pytest.mark.parametrize(
    ("by_column", "text", "of_a_person"),
    [
        ({"care": "foster"}, "care == 'foster'", lambda p: p.care == "foster"),
        ({"care": ["home", "foster"]}, "care in ['home', 'foster']", lambda p: p.care in ("home", "foster")),
        ({"years_in_care": range(2, 4)}, "2 <= years_in_care < 4", lambda p: p.years_in_care in (2, 3)),
        ({"risk": 1.2, "ever_placed": True}, "risk > 1 and ever_placed", lambda p: p.risk == 1.2 and p.ever_placed),
        ({"risk": ["1", "2"]}, "risk < 1", lambda p: p.risk < 1),
        ({"age": 40}, "age == 40", lambda p: p.age == 40),
        ({"spells": 1000}, "spells > 1000", lambda p: p.spells > 1000),
        ({"spells": [], "sex": "boy"}, "0", lambda p: False),
        ({}, "1", lambda p: True),
    ],
)
def test_persons_are_selected_by_column_by_expression_and_by_function(both, by_column, text, of_a_person) -> None:
    people, agents = both
    expected = ids(agents.select(of_a_person))
    assert ids(people.select(**by_column)) == expected
    assert ids(people.select(text)) == expected
    assert ids(people.select(of_a_person)) == expected
    for most in (0, 5, 0.01, 1.0):
        assert ids(people.select(text, at_most=most)) == ids(people.select(of_a_person, at_most=most))
        assert ids(people.select(of_a_person, at_most=most)) == ids(agents.select(of_a_person, at_most=most))


def test_selecting_in_place_narrows_that_set_and_no_other(model: LifeCourseModel) -> None:
    people = model.agents
    assert people.select(care="foster", inplace=True) is people
    assert 0 < len(people) < len(model.agents)
    assert {person.care for person in people} == {"foster"}
    assert len(model.agents.select(agent_type=Person)) == len(model.agents.select(agent_type=mesa.Agent))
    assert len(model.agents.select(agent_type=mesa.Model)) == 0


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"care": "fostr"}, "column 'care' has no label 'fostr' (did you mean 'foster'?)"),
        ({"care": 1}, "column 'care' has no label 1"),
        ({"risk": 1.1}, "column 'risk' has no bin 1.1 (did you mean '1.2'?)"),
        ({"age": "7"}, "column 'age' holds whole numbers, not '7'"),
        ({"age": 7.5}, "column 'age' holds whole numbers, not 7.5"),
        ({"filter_func": "care = 'foster'"}, "write == to compare"),
        ({"filter_func": "cara == 'foster'"}, "unknown name 'cara' in 'cara == 'foster'' (did you mean 'care'?)"),
        ({"filter_func": "log(years_in_care)"}, "is not finite for everyone"),
    ],
)
def test_what_cannot_be_selected_is_refused_with_the_right_word(model, asked, sentence) -> None:
    with pytest.raises(RuleError, match=re.escape(sentence)):
        model.agents.select(**asked)


@pytest.mark.parametrize("key", ["risk", "care", "spells", lambda person: (person.sex, -person.spells)])
@pytest.mark.parametrize("ascending", [True, False])
def test_persons_are_sorted_as_mesa_sorts_them(both: tuple[People, AgentSet], key: Any, ascending: bool) -> None:
    people, agents = both
    expected = ids(agents.sort(key, ascending=ascending))
    assert ids(people.sort(key, ascending=ascending)) == expected != ids(people)
    assert ids(people.sort(key, ascending, inplace=True)) == ids(people) == expected


def test_persons_are_shuffled_as_mesa_shuffles_them(both: tuple[People, AgentSet]) -> None:
    people, agents = both
    state = people.random.getstate()
    expected = ids(agents.shuffle())
    people.random.setstate(state)
    assert ids(people.shuffle()) == expected != ids(people)
    seen: list[int] = []
    people.random.setstate(state)
    assert people.shuffle_do(lambda person: seen.append(person.unique_id)) is people
    assert seen == expected


def test_columns_are_got_and_aggregated_as_mesa_does(both: tuple[People, AgentSet]) -> None:
    people, agents = both
    for name in ("care", "risk", "age", "unique_id"):
        assert people.get(name).tolist() == agents.get(name)
    assert people.get(["risk", "care"]) == agents.get(["risk", "care"])
    assert people.get("wealth", "default", 0).tolist() == agents.get("wealth", "default", 0)
    assert people.get(["care", "wealth"], handle_missing="default") == agents.get(["care", "wealth"], "default")
    assert people.agg("spells", max) == agents.agg("spells", max)
    assert people.agg("spells", [min, np.mean, sum]) == agents.agg("spells", [min, np.mean, sum])
    with pytest.raises(FramsynError, match="handle_missing is 'error' or 'default', not 'skip'"):
        people.get("care", "skip")


@pytest.mark.parametrize("by", ["care", "risk", "spells", lambda person: (person.sex, person.care)])
@pytest.mark.parametrize("result_type", ["agentset", "list"])
def test_persons_are_grouped_as_mesa_groups_them(both: tuple[People, AgentSet], by: Any, result_type: str) -> None:
    people, agents = both
    own, mesas = people.groupby(by, result_type), agents.groupby(by, result_type)
    assert list(own.count().items()) == list(mesas.count().items())
    assert len(own) == len(mesas) > 1
    assert own.agg("age", sum) == mesas.agg("age", sum)
    assert own.agg("risk", lambda values: round(float(np.mean(values)), 9)) == mesas.agg(
        "risk", lambda values: round(float(np.mean(values)), 9)
    )
    assert own.map(ids) == mesas.map(ids) == {key: ids(some) for key, some in own}
    if result_type == "agentset":
        assert own.map("get", "sex").keys() == own.groups.keys()


def test_functions_of_a_person_are_called_with_views(both: tuple[People, AgentSet]) -> None:
    people, agents = both
    assert people.map(lambda person, more: person.age + more, 5) == agents.map(
        lambda person, more: person.age + more, 5
    )
    seen: list[Person] = []
    assert people.do(seen.append) is people
    assert seen == people.to_list()


def test_sets_are_put_together_and_taken_apart(model: LifeCourseModel, plan: Plan) -> None:
    boys, placed = model.agents.select(sex="boy"), model.agents.select(ever_placed=1)
    assert ids(boys & placed) == ids(model.agents.select("sex == 'boy' and ever_placed"))
    assert ids(boys - placed) == ids(model.agents.select("sex == 'boy' and not ever_placed"))
    assert sorted(ids(boys | placed)) == ids(model.agents.select("sex == 'boy' or ever_placed"))
    with pytest.raises(FramsynError, match="the persons are of two models"):
        _ = boys & LifeCourseModel(plan).agents


def test_those_chosen_stay_chosen_and_the_dead_leave(plan: Plan) -> None:
    model = LifeCourseModel(plan)
    everyone, girls = model.agents, model.agents.select(sex="girl").sort("risk")
    first, before = ids(girls), len(everyone)
    model.run_model()
    assert ids(girls) == [one for one in first if model.person(one).alive]
    assert len(girls) < len(first)
    assert len(everyone) == len(model.agents) < before


# Mesa around the model


class Collected(LifeCourseModel):
    """What a user of Mesa writes: a model that collects after each step."""

    def __init__(self, plan: Plan, seed: int = 1, **reporters: Any) -> None:
        super().__init__(plan, seed=seed)
        reporters = reporters or {
            "model_reporters": {
                "year": "year",
                "alive": lambda model: len(model.agents),
                "placed": lambda model: len(model.agents.select("care != 'home'")),
                "worst": [max, (3, 4)],
            }
        }
        self.datacollector = mesa.DataCollector(**reporters)

    def step(self) -> None:
        super().step()
        self.datacollector.collect(self)


def test_a_data_collector_collects_of_the_model(plan: Plan) -> None:
    model = Collected(plan)
    model.run_model()
    frame = model.datacollector.get_model_vars_dataframe()
    by_care = model.ledger.of(model.ledger.margin(["care"])).sum(axis=0)
    margin = model.ledger.margin(["care"])
    counts = by_care.reshape(36, *margin.sizes)
    others = tuple(k + 1 for k, name in enumerate(margin.columns) if name != "care")
    home = counts.sum(axis=others)[:, 0]
    assert frame["year"].tolist() == list(range(2020, 2055))
    assert frame["alive"].tolist() == by_care.sum(axis=1)[1:].tolist()
    assert frame["placed"].tolist() == (by_care.sum(axis=1) - home)[1:].tolist()
    assert set(frame["worst"]) == {4}


def test_a_data_collector_collects_of_agents_through_views(plan: Plan) -> None:
    reporters = {"agent_reporters": {"care": "care", "old": lambda person: person.age}}
    model = Collected(plan, **reporters, agenttype_reporters={Person: {"risk": "risk"}})
    for _ in range(3):
        model.step()
    frame = model.datacollector.get_agent_vars_dataframe().loc[3]
    assert frame.index.tolist() == model.agents.get("unique_id").tolist()
    assert frame["care"].tolist() == model.agents.get("care").tolist()
    assert set(frame["old"]) == {2}
    risks = model.datacollector.get_agenttype_vars_dataframe(Person).loc[3]["risk"]
    assert risks.tolist() == model.agents.get("risk").tolist()


def test_a_batch_of_mesa_s_runs_seeds(plan: Plan) -> None:
    by_rng = "rng" in inspect.signature(mesa.batch_run).parameters  # from Mesa 3.5 on
    seeds: dict[str, Any] = {"rng": [1, 2]} if by_rng else {}
    parameters = {"plan": plan} if by_rng else {"plan": plan, "seed": [1, 2]}
    rows = mesa.batch_run(Collected, parameters, number_processes=1, display_progress=False, **seeds)
    ends = [simulate(plan, seed=seed).baseline for seed in (1, 2)]
    living = [int(one.of(one.margin(["care"])).sum(axis=(0, 2))[-1]) for one in ends]
    assert [(row["seed"], row["alive"]) for row in rows] == list(zip([1, 2], living, strict=True))


def test_agents_of_one_s_own_stand_beside_the_persons(plan: Plan) -> None:
    class Office(mesa.Agent):
        """An agent that counts its clients."""

        def step(self) -> None:
            self.clients = len(self.model.agents.select(care="foster"))

    model = LifeCourseModel(plan)
    office = Office(model)
    for _ in range(8):
        model.step()
        model.agents_by_type[Office].do("step")
    assert model.agent_types == [Person, Office]
    assert len(model.agents_by_type[Person]) == len(model.agents)
    assert office.clients == len(model.agents.select(care="foster")) > 0
    assert office not in model.agents


@pytest.mark.skipif(not hasattr(mesa.Model, "run_for"), reason="from Mesa 3.5 on")
def test_time_goes_by_as_mesa_counts_it(plan: Plan, outcome: Outcome) -> None:
    model = LifeCourseModel(plan)
    model.run_for(10)
    assert (model.time, model.steps, model.year) == (10.0, 10, 2029)
    model.run_until(35)
    assert not model.running
    assert model.ledger.digest() == outcome.baseline.digest()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"arm": "arm_4"}, "no arm 'arm_4' in the scenario (did you mean 'arm_"),
        ({"seed": -1}, "the seed must be a whole number from 0 to 2^64 - 1, not -1"),
        ({"seed": 2**64}, "the seed must be a whole number"),
        ({"seed": 1.5}, "the seed must be a whole number from 0 to 2^64 - 1, not 1.5"),
        ({"seed": None}, "to mesa.batch_run give rng=[1, 2, 3]"),
        ({"threads": 0}, "threads must be 1 or more, not 0"),
        ({"chunk": 0}, "chunk must be 1 or more, not 0"),
        ({"persons": 500}, "a plan has its persons already (give `persons` with the path of a scenario)"),
    ],
)
def test_settings_out_of_range_are_refused(plan: Plan, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(sentence)):
        LifeCourseModel(plan, **settings)


def test_a_scenario_or_its_file_will_do_and_an_id_of_nobody_will_not(plan: Plan) -> None:
    assert len(LifeCourseModel(plan.scenario).agents) == 900
    model = LifeCourseModel(ROOT / "scenarios" / "norrkoping.yaml", "skolfam", persons=1640)
    assert len(model.agents) == 1640
    with pytest.raises(ScenarioError, match="nobody in the plan has the id 7"):
        model.person(7)


# Nothing is kept


def test_a_model_is_freed_with_the_last_who_uses_it(plan: Plan) -> None:
    gc.collect()
    gc.disable()  # nothing below waits for cycles to be found
    try:
        model = Collected(plan)
        for _ in range(5):
            model.step()
        left = [weakref.ref(one) for one in (model, model.lives, model.lives._chunks[0], model.ledger.counts)]
        person = model.agents.select(care="foster")[0]
        del model
        assert person.age == 4
        assert all(one() is not None for one in left)
        del person
        assert [one() for one in left] == [None] * 4
    finally:
        gc.enable()


def test_many_models_take_no_more_room_than_one(plan: Plan) -> None:
    def use() -> None:
        model = LifeCourseModel(plan, "arm_1")
        for _ in range(3):
            model.step()
        assert model.agents.map(lambda person: person.age) == [2] * len(model.agents)
        assert len(model.agents.select(care="home").shuffle()) > 0

    registered = len(getattr(mesa.Agent, "_ids", ()))
    use()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        use()
        once, most_once = tracemalloc.get_traced_memory()
        for _ in range(30):
            use()
        after, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert most_once > 300_000  # the arrays of a model are seen
    assert after - once < 100_000
    assert most < most_once + 100_000
    assert len(getattr(mesa.Agent, "_ids", ())) == registered


def test_a_step_of_a_model_that_is_gone_says_so(plan: Plan) -> None:
    step = LifeCourseModel(plan).step
    gc.collect()
    with pytest.raises(ReferenceError, match="keep it in a variable"):
        step()


def test_importing_sim_loads_no_mesa_and_asking_for_the_model_does() -> None:
    code = (
        "import sys, sim\n"
        "heavy = {'mesa', 'numba', 'pandas', 'numpy'}\n"
        "print(sorted(heavy & {*sys.modules}))\n"
        "from sim import LifeCourseModel, Person\n"
        "print(LifeCourseModel.__module__, Person.__module__, sorted(heavy & {*sys.modules}))\n"
        "try:\n    from sim import LifeCurseModel\nexcept ImportError as error:\n    print(type(error).__name__)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.splitlines() == [
        "[]", "sim.mesa_model sim.mesa_people ['mesa', 'numba', 'numpy', 'pandas']", "ImportError",
    ]  # fmt: skip


# What is written about it


def test_the_script_in_the_documentation_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    text = (ROOT / "docs" / "mesa.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert script
    assert len([line for line in script[1].splitlines() if line.strip()]) <= 24
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(script[1], names)
    town, lived = names["town"], names["town"].steps + 1
    whole = simulate(load_plan("scenarios/norrkoping.yaml", persons=1640)).ledger(town.arm)
    np.testing.assert_array_equal(town.ledger.counts[:, :lived], whole.counts[:, :lived])
    margin = whole.margin(["school"])
    counts = whole.of(margin)[:, lived - 1].sum(axis=0).reshape(margin.sizes)
    others = tuple(k for k, name in enumerate(margin.columns) if name != "school")
    labels = town.plan.scenario.model.columns["school"].labels
    by_label = {label: int(n) for label, n in zip(labels, counts.sum(axis=others), strict=True) if n}
    printed = capsys.readouterr().out.splitlines()
    assert town.agents.groupby("school").count() == by_label
    assert [line.split()[0] for line in printed[:2]] == ["baseline", "intensive_reading"]
    assert printed[0].split(maxsplit=1)[1] != printed[1].split(maxsplit=1)[1]
    assert printed[-1].startswith("Person(")
