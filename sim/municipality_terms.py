"""What a scenario of a whole municipality asks of the rest of it: checked, and its offers made to who lives there.

Layer 6.
"""

from __future__ import annotations

from dataclasses import replace

from sim.errors import FramsynError, ScenarioError, nearest
from sim.expression import Expression
from sim.families import offered_to_families
from sim.intervention import Intervention
from sim.municipality import MOST_COPIES, Municipality
from sim.scenario import BASELINE, Arm, Cohort, Scenario


def fitted(scenario: Scenario) -> Scenario:
    """Return the scenario with the cohort and horizon of its municipality, and with offers to residents only.

    Raises ScenarioError where parts of it do not go with a municipality.
    """
    town = scenario.municipality
    if town is None:
        if any(arm.rollout for arm in scenario.arms.values()):
            raise ScenarioError("`rollout` goes with a municipality: a birth cohort has one year")
        return scenario
    if scenario.cohort.strata:
        raise ScenarioError("a municipality has copies and no strata")
    if scenario.cohort.copies > MOST_COPIES:
        raise ScenarioError(f"a municipality has at most {MOST_COPIES} copies, not {scenario.cohort.copies:,}")
    for name, arm in scenario.arms.items():
        check_arm(name, arm, town, scenario.cohort.copies)
        for one in arm.interventions:
            if offered_to_families(one, scenario.model):
                raise ScenarioError(
                    f"'{one.name}' acts on what siblings share, which a municipality cannot hand on to those born later"
                )
    check_moves(scenario, town)
    return replace(
        scenario,
        cohort=Cohort(town.start, town.births_in(town.start), scenario.cohort.copies),
        horizon=town.horizon,
        arms={
            name: replace(arm, interventions=tuple(to_residents(one, scenario) for one in arm.interventions))
            for name, arm in scenario.arms.items()
        },
    )


def check_arm(name: str, arm: Arm, town: Municipality, copies: int) -> None:
    """Refuse what an arm of a municipality cannot have; raises ScenarioError."""
    where = f"arm '{name}'"
    if arm.parameters or arm.prices:
        what = "parameters" if arm.parameters else "prices"
        raise ScenarioError(f"{where}: an arm of a municipality cannot change {what} yet", hint="it can offer more")
    if arm.rollout and name == BASELINE:
        raise ScenarioError("the baseline is what there is already: it has no `rollout`")
    before = None
    for wave in arm.rollout:
        if not town.start <= wave.begins < town.end:
            raise ScenarioError(f"{where}: a wave of {wave.begins} is outside the years {town.start} to {town.end - 1}")
        if not 0 < wave.copies <= 1 or not 0 <= wave.effect <= 10:
            raise ScenarioError(f"{where}: a wave's copies must be a share above 0, and its effect 0 to 10")
        if before and (wave.begins <= before.begins or wave.copies <= before.copies):
            raise ScenarioError(f"{where}: later waves begin in later years and bring the share of copies further up")
        if round(wave.copies * copies) == round((before.copies if before else 0) * copies):
            raise ScenarioError(
                f"{where}: the wave of {wave.begins} holds none of the {copies} copies", hint="use more copies"
            )
        if wave.effect != 1 and any(one.baseline_coverage for one in arm.interventions):
            raise ScenarioError(f"{where}: what is partly delivered already keeps its effect in every wave")
        before = wave


def check_moves(scenario: Scenario, town: Municipality) -> None:
    """Check that the model knows what moves in and out are about; raises ScenarioError."""
    model, residence = scenario.model, scenario.prices.residence
    if not town.moves_in and town.moves_out is None:
        return
    if residence is None:
        raise ScenarioError("moves in and out need prices with `residence`, which says what living here is called")
    states = model.domain(residence.column).states
    for label in town.moves_out.to if town.moves_out else ():
        if label not in states or label == residence.own:
            others = [one for one in states if one != residence.own]
            raise ScenarioError(f"nobody can move to {label!r}", hint=nearest(label, others))
    traits = {trait.name: trait for trait in model.traits}
    for group in town.moves_in:
        try:
            for name, label in group.fixed.items():
                if name not in traits:
                    raise ScenarioError(f"no trait {name!r}", hint=nearest(name, traits))
                model.columns[name].code(label)
            drawn = {one.name for one in scenario.population.attributes}
            for one in (*group.attributes, *group.on_arrival):
                known = drawn if one in group.attributes else {domain.name for domain in model.domains}
                if one.name not in known:
                    raise ScenarioError(f"no column {one.name!r} that can be set so", hint=nearest(one.name, known))
                one.table(model.columns)
        except FramsynError as error:
            problem = error.problems[0]
            raise ScenarioError(f"those who move in, '{group.name}': {problem.message}", hint=problem.hint) from None


def to_residents(one: Intervention, scenario: Scenario) -> Intervention:
    """Return an offer as it is made to who lives in the municipality: not to those who left or have yet to come."""
    residence = scenario.prices.residence
    if residence is None:
        return one
    return replace(one, when=Expression.of(f"({one.when.text}) and {residence.column} == '{residence.own}'"))
