"""The exact solver: pushes the distribution over joint states forward and fills the ledger in real numbers. Layer 7.

The other way to solve a model beside `sim.engine.simulate`, for models small enough or a block of domains: the oracle
in tests, and how published cohort models are reproduced. What comes back is priced by the same functions, without
standard errors.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from sim.block import Given, block_of_domains
from sim.chances import Grids
from sim.errors import ScenarioError
from sim.forward import MOST_ROWS, Forward
from sim.joint_distribution import FloatArray
from sim.ledger import Ledger
from sim.outcome import ArmCounts, Outcome
from sim.plan import Plan, bind
from sim.reached_share import persons_reached
from sim.scenario import BASELINE, Cohort, Scenario


def expect(
    plan: Plan | Scenario,
    *,
    domains: Collection[str] | None = None,
    given: Mapping[str, Given] | None = None,
    most_rows: int = MOST_ROWS,
) -> Outcome:
    """Solve every arm of a plan exactly; return ledgers of expected numbers of persons, for one year's births.

    domains: solve only these, the others held to given distributions; given: by domain, the share of each label after
    the step of each age, (ages, labels) or by label, drawn independently of all else every year (`death`: the shares
    that live and die). A block counts what its own domains say: prices and measures of the others are left out.
    The cohort is one copy; strata and numbers of copies mean nothing here. Raises ModelError where the joint
    distribution would have more than `most_rows` rows, ScenarioError where a block is not closed, and where a life
    depends on others: for classes, and where an offer has so many places a year.

    >>> from sim.domain import Domain
    >>> from sim.model import Model
    >>> from sim.people import Population
    >>> from sim.scenario import Arm
    >>> from sim.ledger import Need
    >>> health = Domain("health", ("well", "dead"), "well")
    >>> toss = health.occasion("well", "dead")(lambda: 0.5)
    >>> scenario = Scenario(
    ...     Model("coin", (health,)), Population("all", ()), Cohort(2000, represents=8), {"baseline": Arm()},
    ...     horizon=3, needs=(Need(frozenset({"health"})),),
    ... )
    >>> expect(scenario).share_in(["health"])[0][:, 0].tolist()
    [8.0, 4.0, 2.0, 1.0]
    """
    started = time.perf_counter()
    if isinstance(plan, Scenario):
        plan = bind(plan)
    if plan.scenario.municipality is not None:
        raise ScenarioError("a municipality is no birth cohort", hint="live it by sim.town.simulate_town")
    if plan.in_classes:
        raise ScenarioError(
            "in classes a life depends on those of classmates, so there is no distribution of one person to solve",
            hint="leave `classes` out, or simulate",
        )
    _check_places(plan)
    plan = _of_one_copy(plan)
    held: dict[str, FloatArray] = {}
    if domains is not None or given is not None:
        plan, held = block_of_domains(plan, domains, given or {})
    shared: Grids = {}
    outcome = Outcome(plan, 0, 0, _lived(plan, BASELINE, held, shared, most_rows))
    for arm in plan.compared:
        grids = None if arm in plan.changed else shared
        ledger = outcome.baseline
        if arm in plan.changed or plan.arms[arm] != plan.arms[BASELINE]:
            ledger = _lived(plan, arm, held, grids, most_rows)
        reached = persons_reached(plan, arm, held, grids, most_rows)
        nobody = np.zeros_like(ledger.deliveries)
        outcome.arms[arm] = ArmCounts(ledger, outcome.baseline, np.array([reached]), nobody)
    outcome.seconds = time.perf_counter() - started
    return outcome


def distribution_by_age(outcome: Outcome, domain: str, arm: str = BASELINE) -> FloatArray:
    """Return the share of each state of a domain among those alive after each step: (ages, states).

    What a block can be given for the domain. At ages that nobody reaches the last known shares are repeated.
    Raises ModelError where the outcome does not count the domain.
    """
    counts = outcome.share_in([domain], arm)[0]
    shares = np.zeros_like(counts)
    for row, alive in enumerate(counts.sum(axis=1)):
        shares[row] = counts[row] / alive if alive > 0 else shares[row - 1]
    return shares[1:]


def _check_places(plan: Plan) -> None:
    """Refuse offers with so many places a year."""
    for arm, offers in plan.arms.items():
        for one in offers:
            if one.capacity_per_year is not None:
                raise ScenarioError(
                    f"'{one.catalogue_name}' has {one.capacity_per_year} places a year in arm '{arm}': who gets one"
                    " depends on everyone else in line, and the exact solver follows one person's chances",
                    hint="simulate it, or leave capacity_per_year out",
                )


def _of_one_copy(plan: Plan) -> Plan:
    """Return the plan for one copy without strata: what is expected is the same in each."""
    cohort = plan.scenario.cohort
    return replace(
        plan, scenario=replace(plan.scenario, cohort=Cohort(cohort.born, cohort.represents, copies=1)), strata=None
    )


def _lived(plan: Plan, arm: str, held: Mapping[str, FloatArray], grids: Grids | None, most_rows: int) -> Ledger:
    """Return the ledger of everyone in an arm."""
    forward = Forward(plan, arm, given=held, grids=grids, most_rows=most_rows)
    forward.exact.check()
    return forward.live()
