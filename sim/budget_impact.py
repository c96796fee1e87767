"""The budget impact of rolling a programme out in a municipality: money by payer and calendar year. Layer 8.

Every birth cohort is priced as `sim.comparison` prices one; flows are added by calendar year = birth year + age. What
is paid for a copy as a whole is priced once for all of them (`sim.town_services`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.comparison import (
    ArmResult,
    FloatArray,
    Flows,
    Measure,
    PayerResult,
    Pricing,
    nodes_of,
    payer_result,
    payers_of_delivery,
    standard_error,
)
from sim.kernels.layout import DELIVERY_COUNTS, OFFERED_COUNT, START_COUNT, YEAR_COUNT
from sim.ledger import Margin
from sim.municipality import Municipality
from sim.plan import Plan
from sim.prices import OTHER, OWN, Economics, belongs
from sim.queue_counts import QueueCounts
from sim.scenario import BASELINE
from sim.town import TownOutcome, waves_of
from sim.town_services import Services


@dataclass(frozen=True)
class Impact:
    """What an arm changes for one payer, by calendar year, undiscounted: SEK of the price year in one municipality,
    the mean over its copies; costs positive.
    """

    spent: FloatArray
    """Cost of the interventions, (years,)."""
    gross: FloatArray
    """Arm - baseline, what is spent included, whether or not it can be cashed in."""
    net: FloatArray
    """Arm - baseline, what is spent included, only what can be cashed in."""
    discounted: FloatArray
    """`net`, discounted to the first year."""
    se: FloatArray | None
    """Standard error of `net`, from copies; None where there are too few."""


@dataclass
class TownComparison:
    """All arms of a municipality priced, year by calendar year."""

    outcome: TownOutcome
    economics: Economics
    payers: tuple[str, ...]
    """Nodes of the payer tree, `public` first."""
    years: tuple[int, ...]
    persons: int
    """Simulated persons, in all copies, who belonged to the municipality in the years counted: alive and there (or
    moved away from there) at the start, born in it, or moved in."""
    costs: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    """arm -> payer -> (undiscounted, discounted) of all the years per person."""
    arms: dict[str, ArmResult] = field(default_factory=dict)
    """All the years together, per person where it is a birth cohort's per member."""
    impact: dict[str, dict[str, Impact]] = field(default_factory=dict)
    """arm -> payer -> by year"""
    queues: dict[str, Mapping[str, QueueCounts]] = field(default_factory=dict)
    """arm -> intervention with few places -> how its line went, the mean of the copies and years with one."""


@dataclass
class _Total:
    """Flows of all birth cohorts by leaf payer, (copies, years + 1): column 0 is before the first year."""

    town: Municipality
    copies: int
    flows: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        return self.copies, self.town.years + 1

    def add(self, born: int, flows: Flows) -> None:
        """Add the flows of the children of a year, (copies, rows), in the years that are counted."""
        self.add_years({payer: by_year(amounts, born, self.town) for payer, amounts in flows.by_payer.items()})

    def add_years(self, by_payer: Mapping[str, FloatArray]) -> None:
        """Add flows by calendar year, (copies, years + 1)."""
        for payer, amounts in by_payer.items():
            self.flows[payer] = self.flows.get(payer, np.zeros(self.shape)) + amounts

    def at(self, node: str) -> FloatArray:
        """Return the sum over a node of the payer tree."""
        return Flows(self.flows).at(node, self.shape)


def by_year(amounts: FloatArray, born: int, town: Municipality) -> FloatArray:
    """Return amounts by row of a birth cohort, (…, rows), by calendar year: (…, years + 1), 0 before the first year."""
    result = np.zeros((*amounts.shape[:-1], town.years + 1))
    first = max(town.start, born)
    row = first - born + 1
    number = min(town.end - first, amounts.shape[-1] - row)
    result[..., first - town.start + 1 :][..., :number] = amounts[..., row : row + number]
    return result


def price_town(outcome: TownOutcome, economics: Economics | None = None) -> TownComparison:
    """Price a municipality's outcome and compare every arm with the baseline, by calendar year.

    economics: another decision date's view; by default the scenario's own. Discounting is to the first year counted.
    """
    plan, town = outcome.plan, outcome.town
    economics = economics or plan.scenario.economics
    copies = plan.scenario.cohort.copies
    persons = outcome.persons.astype(np.float64)
    nodes = nodes_of(plan)
    comparison = TownComparison(
        outcome, economics, nodes, tuple(range(town.start, town.end)), int(persons.sum())
    )  # fmt: skip
    kinds = ("services", "delivery", "gross", "cashable")
    totals = {(arm, kind): _Total(town, copies) for arm in plan.arms for kind in kinds}
    measured = {(arm, name): np.zeros(copies) for arm in plan.compared for name in plan.scenario.measures}
    delivered = {arm: np.zeros((len(plan.interventions), DELIVERY_COUNTS)) for arm in plan.compared}
    participants = {arm: np.zeros(copies) for arm in plan.compared}
    services = Services(plan)
    known: dict[Any, tuple[Margin, FloatArray]] = {}  # a person's amounts by age, of the oldest, who have every age
    for born, counted in outcome.cohorts.items():
        rows = counted.plan.scenario.horizon + 1
        cohort = replace(counted, amounts={key: (margin, one[:rows]) for key, (margin, one) in known.items()})
        pricing = Pricing(cohort, economics)
        totals[BASELINE, "services"].add(born, pricing.services(BASELINE))
        for arm in plan.arms:
            totals[arm, "delivery"].add(born, pricing.delivery(arm, by_copy=False))
            here = cohort.baseline.deliveries
            services.add(arm, born, here if arm == BASELINE else here + cohort.change(arm).deliveries)
        for arm in plan.compared:
            for kind, change in zip(("gross", "cashable"), pricing.changes(arm), strict=True):
                totals[arm, kind].add(born, change)
            for name in plan.scenario.measures:
                more = pricing.change(plan.scenario.model.quantity(name), arm)[0]
                measured[arm, name] += by_year(more, born, town).sum(axis=1)
            counts = cohort.change(arm).deliveries.astype(np.float64)
            delivered[arm] += by_year(np.moveaxis(counts, 1, -1), born, town).sum(axis=(0, -1))
            participants[arm] += cohort.arms[arm].participants
        known = known or cohort.amounts
        counted.baseline.cache.clear()  # as many again as the counts themselves
    for arm, paid in services.paid(economics, outcome.persons).items():
        totals[arm, "delivery"].add_years(paid.by_payer)
    comparison.queues = services.queues()
    factors = economics.factors(town.years)
    base = totals[BASELINE, "services"], totals[BASELINE, "delivery"]
    for arm in plan.arms:
        comparison.costs[arm] = {}
        for node in nodes:
            flow = base[0].at(node) + totals[arm, "gross"].at(node) + totals[arm, "delivery"].at(node)
            whole = flow[:, 1:].sum() / persons.sum()
            comparison.costs[arm][node] = (float(whole), float((flow * factors).sum() / persons.sum()))
    for arm in plan.compared:
        of_payers = {}
        comparison.impact[arm] = {}
        for node in (*nodes, OWN) if OTHER in nodes else nodes:
            outlay = totals[arm, "delivery"].at(node) - base[1].at(node)
            gross = outlay + totals[arm, "gross"].at(node)
            net = outlay + totals[arm, "cashable"].at(node)
            of_payers[node] = _payer_result(plan, arm, node, (outlay, net, gross), persons, factors)
            comparison.impact[arm][node] = _impact(plan, arm, (outlay, net, gross), factors)
        names = [one.catalogue_name for one in plan.arms[arm]]
        comparison.arms[arm] = ArmResult(
            participants=float(participants[arm].sum()),
            participants_per_cohort=float(participants[arm].sum() / copies),
            by_payer={node: of_payers[node] for node in nodes},
            measures={
                name: _measure(plan, name, measured[arm, name], participants[arm]) for name in plan.scenario.measures
            },
            delivered={
                name: {
                    word: float(delivered[arm][plan.interventions.index(name), place] / copies)
                    for word, place in (("offered", OFFERED_COUNT), ("started", START_COUNT), ("years", YEAR_COUNT))
                }
                for name in names
            },
            own=of_payers.get(OWN),
        )
    return comparison


def _payer_result(
    plan: Plan, arm: str, node: str, flows: tuple[FloatArray, FloatArray, FloatArray], persons: FloatArray,
    factors: FloatArray,
) -> PayerResult:  # fmt: skip
    outlay, net, gross = flows
    town = plan.scenario.municipality
    assert town is not None
    found = payer_result(
        outlay, net, gross, persons, factors, [*range(town.start - 1, town.end)],
        no_outlay=not any(belongs(payer, node) for payer in payers_of_delivery(plan)) or not np.any(outlay),
    )  # fmt: skip
    error = within_waves((net * factors).sum(axis=1), plan, arm)
    return replace(found, se=None if error is None else error * len(net) / float(persons.sum()))


def _impact(plan: Plan, arm: str, flows: tuple[FloatArray, FloatArray, FloatArray], factors: FloatArray) -> Impact:
    outlay, net, gross = (one[:, 1:] for one in flows)
    errors = [within_waves(one, plan, arm) for one in net.T]
    known = [error for error in errors if error is not None]
    return Impact(
        outlay.mean(axis=0), gross.mean(axis=0), net.mean(axis=0), net.mean(axis=0) * factors[1:],
        np.array(known) if len(known) == len(errors) else None,
    )  # fmt: skip


def within_waves(by_copy: FloatArray, plan: Plan, arm: str) -> float | None:
    """Return the standard error of the mean over copies; None where some wave of the arm has a single copy.

    Copies that begin in different years differ for a reason, so that only those of one wave tell of chance.
    """
    copies = len(by_copy)
    waves: dict[object, list[int]] = {}
    for copy in range(copies):
        waves.setdefault(dict(waves_of(plan, copy)).get(arm), []).append(copy)
    if any(len(some) < 2 for some in waves.values()):
        return None
    return float(np.sqrt(sum(len(some) * by_copy[some].var(ddof=1) for some in waves.values())) / copies)


def _measure(plan: Plan, name: str, change: NDArray[np.float64], participants: NDArray[np.float64]) -> Measure:
    unit = plan.scenario.model.quantity(name).unit
    if participants.sum() == 0:
        return Measure(0.0, None, unit)
    error = standard_error(100 * change, participants)
    return Measure(float(100 * change.sum() / participants.sum()), error, unit)


def rows_of(comparison: TownComparison) -> list[Mapping[str, object]]:
    """Return the budget impact as rows of a table: arm, payer, year and the amounts."""
    return [
        {
            "arm": arm,
            "payer": payer,
            "year": year,
            "spent": float(one.spent[place]),
            "gross": float(one.gross[place]),
            "net": float(one.net[place]),
            "net_discounted": float(one.discounted[place]),
            "se": None if one.se is None else float(one.se[place]),
        }
        for arm, by_payer in comparison.impact.items()
        for payer, one in by_payer.items()
        for place, year in enumerate(comparison.years)
    ]
