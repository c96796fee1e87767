"""From counts to money: what each arm costs each payer in each year, against the baseline. Layer 8.

Pure functions of an outcome and prices, so that one simulation is re-priced as often as anyone likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.delivery_costs import units_of
from sim.domain import Quantity
from sim.kernels.layout import OFFERED_COUNT, START_COUNT, YEAR_COUNT
from sim.ledger import Ledger
from sim.outcome import Outcome
from sim.plan import Plan
from sim.prices import (
    OTHER,
    OWN,
    Economics,
    Price,
    PriceList,
    Residence,
    Shares,
    belongs,
    cashed_in,
    payer_nodes,
)
from sim.scenario import BASELINE

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Flows:
    """Money by leaf payer: (parts, rows) in SEK of the economics' price year, costs positive, undiscounted."""

    by_payer: Mapping[str, FloatArray]

    def at(self, node: str, shape: tuple[int, ...]) -> FloatArray:
        """Return the sum over a node of the payer tree."""
        return sum((flow for payer, flow in self.by_payer.items() if belongs(payer, node)), np.zeros(shape))


@dataclass(frozen=True)
class PayerResult:
    """What an arm does to one payer (a leaf or a node), per member of the cohort unless said otherwise."""

    spent: float
    """Cost of the interventions, discounted."""
    incremental: float
    """Arm - baseline, cashable, discounted: what is spent less what comes back."""
    gross: float
    """Arm - baseline, discounted, whether or not it can be cashed in."""
    se: float | None
    """Standard error of `incremental`, from parts of the cohort; None with one."""
    break_even_year: int | None
    """First calendar year after which the discounted cumulative net stays at 0 or above to the horizon."""
    no_outlay: bool
    """Whether the payer pays nothing for the interventions."""
    cumulative: FloatArray
    """Discounted cumulative net saving by step, mean over parts."""


@dataclass(frozen=True)
class Measure:
    """A quantity's change over life per 100 participants, what they change for classmates included."""

    change: float
    se: float | None
    unit: str


@dataclass(frozen=True)
class ArmResult:
    """One arm against the baseline."""

    participants: float
    """Simulated persons whom the arm reaches; the expected number where it is expected."""
    participants_per_cohort: float
    """Weighted, in one year's births."""
    by_payer: Mapping[str, PayerResult]
    measures: Mapping[str, Measure]
    delivered: Mapping[str, Mapping[str, float]]
    """By intervention: offered, started and years of delivery per cohort."""
    own: PayerResult | None = None
    """The municipality without what falls on others after a move; None where nothing does."""
    through_classmates_per_cohort: float | None = None
    """Persons whose lives change only because those of their classmates do; None without classes."""


@dataclass
class Comparison:
    """All arms priced: costs per person by payer, and every arm against the baseline."""

    outcome: Outcome
    economics: Economics
    payers: tuple[str, ...]
    """Nodes of the payer tree, `public` first."""
    costs: dict[str, dict[str, tuple[float, float]]]
    """arm -> payer -> (undiscounted, discounted) per cohort member."""
    arms: dict[str, ArmResult] = field(default_factory=dict)

    @cached_property
    def persons(self) -> int:
        """Simulated members of the cohort, in all copies or strata."""
        return int(self.outcome.baseline.persons.sum())


class Pricing:
    """One outcome under one set of prices; each quantity's volume is worked out once a ledger."""

    def __init__(self, outcome: Outcome, economics: Economics) -> None:
        self.outcome = outcome
        self.economics = economics
        scenario = outcome.plan.scenario
        self.prices: PriceList = scenario.prices
        self.years = [scenario.cohort.born + row - 1 for row in range(scenario.horizon + 1)]
        self.shape = (scenario.cohort.parts, scenario.horizon + 1)
        residence = self.prices.residence
        self.lived = scenario.model.domain(residence.column).states if residence else ()
        self.volumes: dict[tuple[Quantity, str, bool], FloatArray] = {}
        self.deliveries: dict[tuple[str, bool], Flows] = {}
        self.payers: dict[tuple[Shares, bool], list[tuple[int, str, FloatArray]]] = {}

    def change(self, quantity: Quantity, arm: str, residence: Residence | None = None) -> FloatArray:
        """Return a quantity's volume in an arm - that in the baseline, (1 or where people live, parts, rows)."""
        key = (quantity, arm, residence is not None)
        if key not in self.volumes:
            outcome = self.outcome
            if arm in outcome.plan.changed:  # a quantity may have other parameters there
                here, there = outcome.baseline, outcome.arms[arm].in_arm
                self.volumes[key] = self.counted(quantity, there, arm, residence) - self.counted(
                    quantity, here, BASELINE, residence
                )
            else:
                self.volumes[key] = self.counted(quantity, outcome.change(arm), BASELINE, residence)
        return self.volumes[key]

    def volume(self, quantity: Quantity, arm: str, residence: Residence | None = None) -> FloatArray:
        """Return a quantity's volume of everyone in an arm, (1 or where people live, parts, rows)."""
        key = (quantity, BASELINE, residence is not None)
        if key not in self.volumes:
            self.volumes[key] = self.counted(quantity, self.outcome.baseline, BASELINE, residence)
        return self.volumes[key] if arm == BASELINE else self.volumes[key] + self.change(quantity, arm, residence)

    def counted(self, quantity: Quantity, ledger: Ledger, arm: str, residence: Residence | None) -> FloatArray:
        """Return a quantity's volume in a ledger, by where people live if that says who pays."""
        if residence is None:
            return self.outcome.volume(quantity, ledger, arm, self.economics.counted)[None]
        return self.outcome.volume_by(residence.column, quantity, ledger, arm, self.economics.counted)

    def prices_of(self, arm: str) -> list[Price]:
        """Return the prices that hold in an arm."""
        changed = self.outcome.plan.scenario.arms[arm].prices
        return [changed.get(price.name, price) for price in self.prices.prices]

    def money(self, price: Price, volume: FloatArray) -> FloatArray:
        """Return a volume in SEK of the price year, costs positive."""
        return volume * (price.sign * price.amount * self.prices.uprating(price.price_year, self.economics.price_year))

    def add(
        self, flows: dict[str, FloatArray], payer: Shares, amounts: FloatArray, residence: Residence | None = None
    ) -> None:
        """Add amounts, (1 or where people live, blocks, rows), to those who pay them."""
        for number, paying, share in self.paying(payer, residence):
            if paying not in flows:
                flows[paying] = np.zeros(self.shape)
            flows[paying] += amounts[number] * share

    def paying(self, payer: Shares, residence: Residence | None) -> list[tuple[int, str, FloatArray]]:
        """Return (place among where people live, who pays, share by row) of everyone who pays; made once."""
        key = (payer, residence is not None)
        if key not in self.payers:
            self.payers[key] = [
                (number, paying, share)
                for name, share in payer.by_year(self.years).items()
                for number, lived in enumerate(self.lived if residence else [""])
                if (paying := residence.payer(name, lived) if residence else name) is not None
            ]
        return self.payers[key]

    def services(self, arm: str) -> Flows:
        """Return what everything but the interventions costs."""
        flows: dict[str, FloatArray] = {}
        for price in self.prices_of(arm):
            residence = self.prices.moves(price)
            self.add(flows, price.payer, self.money(price, self.volume(price.quantity, arm, residence)), residence)
        return Flows(flows)

    def changes(self, arm: str) -> tuple[Flows, Flows]:
        """Return (gross, cashable) change of the cost of services, arm - baseline."""
        gross: dict[str, FloatArray] = {}
        cashable: dict[str, FloatArray] = {}
        for then, now in zip(self.prices_of(BASELINE), self.prices_of(arm), strict=True):
            residence = self.prices.moves(now)
            if then is now:
                changes = [(now, self.money(now, self.change(now.quantity, arm, residence)))]
            else:  # another price meets those who are not reached, too
                changes = [
                    (then, -self.money(then, self.volume(then.quantity, BASELINE, residence))),
                    (now, self.money(now, self.volume(now.quantity, arm, residence))),
                ]
            for price, change in changes:
                self.add(gross, price.payer, change, residence)
                self.add(cashable, price.payer, cashed_in(change, now.cashable), residence)
        return Flows(gross), Flows(cashable)

    def delivery(self, arm: str, *, by_copy: bool = True) -> Flows:
        """Return what an arm's interventions cost, by their cost lines; made once.

        by_copy: with what is paid for a copy as a whole, as if nobody but this cohort came to it.
        """
        if (arm, by_copy) in self.deliveries:
            return self.deliveries[arm, by_copy]
        counts = self.outcome.baseline.deliveries
        if arm != BASELINE:
            counts = counts + self.outcome.change(arm).deliveries
        flows: dict[str, FloatArray] = {}
        for intervention in self.outcome.plan.arms[arm]:
            place = self.outcome.plan.interventions.index(intervention.catalogue_name)
            for line in intervention.costs:
                if line.by_copy and not by_copy:
                    continue
                uprated = line.amount * self.prices.uprating(line.price_year, self.economics.price_year)
                units = units_of(line, counts[:, :, place], np.array(self.years), self.outcome.baseline.persons)
                count = self.outcome.fold(units) * uprated
                self.add(flows, line.payer, count[None])  # who offers it pays, wherever they live by then
        self.deliveries[arm, by_copy] = Flows(flows)
        return self.deliveries[arm, by_copy]

    def outlay(self, arm: str, node: str) -> FloatArray:
        """Return what an arm's interventions cost a payer more than the baseline's."""
        return self.delivery(arm).at(node, self.shape) - self.delivery(BASELINE).at(node, self.shape)


def compare(outcome: Outcome, economics: Economics | None = None) -> Comparison:
    """Price an outcome and compare every arm with the baseline.

    economics: another decision date's view (discount rate, price year); by default the scenario's own.
    """
    plan = outcome.plan
    economics = economics or plan.scenario.economics
    pricing = Pricing(outcome, economics)
    nodes = nodes_of(plan)
    factors = economics.factors(plan.scenario.horizon)
    whole = np.where(factors > 0, 1.0, 0.0)
    persons = outcome.persons
    comparison = Comparison(outcome, economics, nodes, {})
    for arm in plan.arms:
        services, delivery = pricing.services(arm), pricing.delivery(arm)
        comparison.costs[arm] = {}
        for node in nodes:
            flow = services.at(node, pricing.shape) + delivery.at(node, pricing.shape)
            total = persons.sum()
            comparison.costs[arm][node] = (float((flow * whole).sum() / total), float((flow * factors).sum() / total))
    for arm in plan.compared:
        comparison.arms[arm] = _arm_result(pricing, arm, nodes, factors)
    return comparison


def net_cost(outcome: Outcome, arm: str, node: str) -> float:
    """Return what an arm costs a payer (a leaf or a node) by the scenario's own economics: `incremental` alone."""
    economics = outcome.plan.scenario.economics
    pricing = Pricing(outcome, economics)
    _, cashable = pricing.changes(arm)
    net = pricing.outlay(arm, node) + cashable.at(node, pricing.shape)
    return _discounted(net, economics.factors(outcome.plan.scenario.horizon), outcome.persons)


def nodes_of(plan: Plan) -> tuple[str, ...]:
    """Return every node of the payer tree that a price or an intervention names."""
    prices = [*plan.scenario.prices.prices, *(p for arm in plan.scenario.arms.values() for p in arm.prices.values())]
    leaves = {payer for price in prices for payer in plan.scenario.prices.payers(price)}
    return tuple(payer_nodes(leaves | payers_of_delivery(plan)))


def payers_of_delivery(plan: Plan) -> set[str]:
    """Return everyone who pays for some intervention of some arm."""
    return {payer for offers in plan.arms.values() for one in offers for c in one.costs for payer in c.payer.payers}


def _arm_result(pricing: Pricing, arm: str, nodes: tuple[str, ...], factors: FloatArray) -> ArmResult:
    outcome, plan = pricing.outcome, pricing.outcome.plan
    counts = outcome.arms[arm]
    gross, cashable = pricing.changes(arm)
    paying = payers_of_delivery(plan)

    def result(node: str) -> PayerResult:
        outlay = pricing.outlay(arm, node)
        net = outlay + cashable.at(node, pricing.shape)
        return payer_result(
            outlay, net, outlay + gross.at(node, pricing.shape), outcome.persons, factors, pricing.years,
            no_outlay=not any(belongs(payer, node) for payer in paying) or not np.any(outlay),
        )  # fmt: skip

    copies = outcome.persons.sum() / plan.scenario.cohort.represents
    delivered = {}
    for intervention in plan.arms[arm]:
        place = plan.interventions.index(intervention.catalogue_name)
        change = outcome.fold(outcome.change(arm).deliveries[:, :, place]).sum(axis=(0, 1)) / copies
        delivered[intervention.catalogue_name] = {
            "offered": float(change[OFFERED_COUNT]),
            "started": float(change[START_COUNT]),
            "years": float(change[YEAR_COUNT]),
        }  # fmt: skip
    measures = {name: _measure(pricing, arm, plan.scenario.model.quantity(name)) for name in plan.scenario.measures}
    by_payer = {node: result(node) for node in nodes}
    own = result(OWN) if OTHER in nodes else None
    per_cohort = float(outcome.fold(counts.participants).sum() / copies)
    others = None if counts.through_classmates is None else float(counts.through_classmates.sum() / copies)
    return ArmResult(counts.participants.sum().item(), per_cohort, by_payer, measures, delivered, own, others)


def payer_result(
    outlay: FloatArray, net: FloatArray, gross: FloatArray, persons: FloatArray, factors: FloatArray,
    years: list[int], *, no_outlay: bool,
) -> PayerResult:  # fmt: skip
    """Return what flows of money, (parts, rows) each, come to for one payer; row 0 is before the first year."""
    total = persons.sum()
    cumulative = -np.cumsum((net * factors).sum(axis=0) / total)
    return PayerResult(
        spent=float((outlay * factors).sum() / total),
        incremental=_discounted(net, factors, persons),
        gross=float((gross * factors).sum() / total),
        se=standard_error((net * factors).sum(axis=1), persons),
        break_even_year=break_even_year(cumulative[1:], years[1:]),
        no_outlay=no_outlay,
        cumulative=cumulative[1:],
    )


def _discounted(flow: FloatArray, factors: FloatArray, persons: FloatArray) -> float:
    """Return a flow, (parts, rows), discounted and per member of the cohort."""
    return float((flow * factors).sum() / persons.sum())


def break_even_year(cumulative: FloatArray, years: list[int]) -> int | None:
    """Return the first year after which a cumulative net saving stays at 0 or above to the end, or None.

    >>> break_even_year(np.array([-1.0, 0.5, -0.2, 0.1, 0.3]), [1, 2, 3, 4, 5])
    4
    """
    # a rounding error of the largest sum is not a debt
    below = np.flatnonzero(cumulative < -1e-9 * max(1.0, float(np.abs(cumulative).max(initial=0.0))))
    if len(below) == 0:
        return years[0]
    return None if below[-1] + 1 >= len(years) else years[int(below[-1]) + 1]


def standard_error(totals: FloatArray, weights: NDArray[Any]) -> float | None:
    """Return the jackknife standard error of Σ totals / Σ weights over equal parts; None with one part."""
    used = weights > 0
    blocks = int(used.sum())
    if blocks < 2:
        return None
    left_out = (totals.sum() - totals[used]) / (weights.sum() - weights[used])
    return float(np.sqrt((blocks - 1) / blocks * ((left_out - left_out.mean()) ** 2).sum()))


def _measure(pricing: Pricing, arm: str, quantity: Quantity) -> Measure:
    participants = pricing.outcome.fold(pricing.outcome.arms[arm].participants)
    change = pricing.change(quantity, arm)[0].sum(axis=1)
    if participants.sum() == 0:
        return Measure(0.0, None, quantity.unit)
    error = standard_error(100 * change, participants)
    return Measure(float(100 * change.sum() / participants.sum()), error, quantity.unit)
