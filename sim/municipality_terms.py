"""What a scenario of a whole municipality asks of the rest of it: checked, and its offers made to who lives there.

Layer 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sim.errors import ScenarioError, nearest
from sim.expression import Expression
from sim.families import FAMILY, offered_to_families
from sim.intervention import Intervention
from sim.ledger import COUNTED, Need
from sim.model import Model
from sim.municipality import MOST_COPIES, MovesIn, MovesOut, Municipality
from sim.people import Attribute
from sim.prices import PriceList, Residence
from sim.scenario import BASELINE, Arm, Cohort, Scenario

MOST_BYTES = 2**31
"""The most memory that the ledgers of all birth years and arms may take."""


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
        check_goes_on(name, arm, scenario.arms[BASELINE])
        for one in arm.interventions:
            if offered_to_families(one, scenario.model):
                raise ScenarioError(
                    f"'{one.name}' acts on what siblings share, which a municipality cannot hand on to those born later"
                )
    check_moves(scenario, town)
    if town.siblings is not None:
        check_only_while(town.siblings.only_while, scenario.model)
    return replace(
        scenario,
        cohort=Cohort(town.start, town.births_in(town.start), scenario.cohort.copies),
        horizon=town.horizon,
        needs=(*scenario.needs, Need(_living_here(scenario))),
        arms={
            name: replace(arm, interventions=tuple(to_residents(one, scenario) for one in arm.interventions))
            for name, arm in scenario.arms.items()
        },
    )


def check_memory(plan_cells: int, scenario: Scenario) -> None:
    """Refuse a municipality whose ledgers would take too much memory; raises ScenarioError."""
    town = scenario.municipality
    if town is None:
        return
    rows = sum(town.end - year + 1 for year in town.birth_years)
    size = plan_cells * scenario.cohort.copies * rows * (2 * len(scenario.arms) - 1) * np.dtype(COUNTED).itemsize
    if size > MOST_BYTES:
        raise ScenarioError(
            f"the ledgers of all birth years would take {size / 2**20:,.0f} MB, at most {MOST_BYTES // 2**20:,}",
            hint="use fewer copies, years or arms",
        )


def check_arm(name: str, arm: Arm, town: Municipality, copies: int) -> None:
    """Refuse what an arm of a municipality cannot have; raises ScenarioError."""
    where = f"arm '{name}'"
    if arm.parameters or arm.prices:
        what = "parameters" if arm.parameters else "prices"
        raise ScenarioError(f"{where}: an arm of a municipality cannot change {what} yet", hint="it can offer more")
    for one in arm.interventions:
        if one.capacity_per_year is not None and name == BASELINE:
            raise ScenarioError(
                f"{where}: '{one.name}' has few places a year, which a municipality's baseline cannot give out yet",
                hint="leave capacity_per_year out of the baseline; an arm can have it",
            )
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


def check_goes_on(name: str, arm: Arm, baseline: Arm) -> None:
    """Refuse an arm that lacks what the baseline offers, as some are in the middle of it; raises ScenarioError."""
    kept = {one.catalogue_name for one in arm.interventions}
    for one in baseline.interventions:
        if one.catalogue_name not in kept:
            raise ScenarioError(
                f"arm '{name}': '{one.name}' is in the baseline, and an arm of a municipality cannot end it yet",
                hint="name it in the arm too, with another uptake if you like",
            )


def check_moves(scenario: Scenario, town: Municipality) -> None:
    """Check that the model knows what moves in and out are about; raises ScenarioError."""
    for group in town.moves_in:
        check_group(group, scenario.model, scenario.prices)
    if town.moves_out is not None:
        check_leaving(town.moves_out, scenario.model, scenario.prices)


def check_group(group: MovesIn, model: Model, prices: PriceList | None) -> None:
    """Check what is said of those who move in; raises ScenarioError."""
    living_here(prices)
    check_fixed(group.fixed, model)
    for one in group.attributes:
        check_column(one, [trait.name for trait in model.traits] + [domain.name for domain in model.domains], model)
    for one in group.on_arrival:
        check_column(one, [domain.name for domain in model.domains], model)


def check_fixed(fixed: Mapping[str, str], model: Model) -> None:
    """Check the traits that all of those who move in have; raises ScenarioError."""
    traits = [trait.name for trait in model.traits]
    for name, label in fixed.items():
        if name not in traits:
            raise ScenarioError(f"no trait {name!r}", hint=nearest(name, traits))
        labels = model.columns[name].labels or ()
        if label not in labels:
            raise ScenarioError(f"'{name}' has no label {label!r}", hint=nearest(label, labels))


def check_column(one: Attribute, known: Sequence[str], model: Model) -> None:
    """Check how a column is distributed among those who move in; raises ScenarioError."""
    if one.name not in known:
        raise ScenarioError(f"no column {one.name!r} that can be set here", hint=nearest(one.name, known))
    one.table(model.columns)


def check_only_while(only_while: Mapping[str, Sequence[str]], model: Model) -> None:
    """Check in which states families have another child; raises ScenarioError."""
    known = [domain.name for domain in model.domains if domain.keyed == FAMILY]
    for name, labels in only_while.items():
        if name not in known:
            raise ScenarioError(f"no domain {name!r} keyed by family", hint=nearest(name, known))
        for label in labels:
            if label not in model.domain(name).states:
                hint = nearest(label, model.domain(name).states)
                raise ScenarioError(f"domain '{name}' has no state {label!r}", hint=hint)


def check_leaving(out: MovesOut, model: Model, prices: PriceList | None) -> None:
    """Check where families move to; raises ScenarioError."""
    residence = living_here(prices)
    others = [one for one in model.domain(residence.column).states if one != residence.own]
    for label in out.to:
        if label not in others:
            raise ScenarioError(f"nobody can move to {label!r}", hint=nearest(label, others))
    if abs(sum(out.to.values()) - 1) > 1e-6:
        raise ScenarioError(f"the shares of where families move to add to {sum(out.to.values()):g}, not 1")


def living_here(prices: PriceList | None) -> Residence:
    """Return who pays by where people live, which says what living here is called; raises ScenarioError."""
    if prices is None or prices.residence is None:
        raise ScenarioError("moves in and out need prices with `residence`, which says what living here is called")
    return prices.residence


def _living_here(scenario: Scenario) -> frozenset[str]:
    """Return the column that says who lives in the municipality, where there is one."""
    return frozenset({scenario.prices.residence.column} if scenario.prices.residence else ())


def to_residents(one: Intervention, scenario: Scenario) -> Intervention:
    """Return an offer as it is made to who lives in the municipality: not to those who left or have yet to come."""
    residence = scenario.prices.residence
    if residence is None:
        return one
    return replace(one, when=Expression.of(f"({one.when.text}) and {residence.column} == '{residence.own}'"))
