"""Believability checks: what a life costs, who pays it, on whom it falls, and what a programme without effect gives.

The checks are rows of `targets/sanity.csv`; here is one function for each kind of them. Imports `sim`; knows no file
of the user's.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.concentration import slope_of_staying, stays, top_share, with_error
from calibration.counting import (
    Count,
    FloatArray,
    jackknife,
    left_out,
    parameters_of,
    ratio,
    sum_over,
    volume,
)
from calibration.lives import Account, Reader, accounts, ever, read_lives, yearly
from calibration.targets import FOLDER, read_ages
from sim.comparison import ArmResult, compare
from sim.domain import PREVIOUS, Quantity
from sim.errors import FramsynError, TargetError, nearest
from sim.files import load_resolved, shipped_folder
from sim.intervention import Effect
from sim.ledger import Need, need_of
from sim.model import MAX_AGE, Model
from sim.outcome import Outcome
from sim.plan import Plan, bind
from sim.prices import APART, PUBLIC, Economics, Price, belongs
from sim.scenario import Scenario
from sim.source import read_yaml
from sim.tables import Parameters, axes_of

HELD_OUT = "held-out"

LIFE = (0, MAX_AGE)

CONFIDENT = 1.96
"""Standard errors on either side of an interval of 95 per cent."""

SPELL_YEARS = 5
"""Years of a spell that are followed."""

NULL_ARM = "null_"
"""Prefix of the arms that hold a programme without effect alone."""


@dataclass(frozen=True)
class Check:
    """One believability check, as its row says it."""

    id: str
    kind: str
    what: str
    """What is counted, or the prices (names or patterns), payer or intervention that the kind is about."""
    denominator: str
    basis: str
    ages: tuple[int, int]
    denominator_ages: tuple[int, int]
    against: str
    """The check whose value this one's is divided by; of a tax wedge, the payer."""
    rate: float
    price_year: int | None
    given: Mapping[str, float]
    """Figures that the kind needs: the earnings of a tax wedge, and what a payer keeps of its tax."""
    low: float
    high: float
    """Bounds within which the value is believable; infinite where there is none."""
    value: float | None
    """The published or derived value; None for a range or a bound."""
    unit: str
    population: str
    provenance: str
    source: str
    note: str

    @property
    def judged(self) -> bool:
        """Whether there is anything to judge it by; else another check is set against it."""
        return math.isfinite(self.low) or math.isfinite(self.high)


@dataclass(frozen=True)
class Finding:
    """What a run says of a check. Fields as in a target's result."""

    id: str
    registry: float
    simulated: float | None
    """None where it could not be worked out."""
    se: float | None
    low: float
    high: float
    population: str
    provenance: str
    unit: str
    kind: str
    note: str = ""
    warns: bool = False
    """Whether a miss is a warning only."""
    explained: str = ""
    """The section of docs/validation.md that explains a miss."""

    @property
    def tolerance(self) -> float:
        """How far from `registry` is near enough; 0 where there is one bound only."""
        both = math.isfinite(self.low) and math.isfinite(self.high)
        return (self.high - self.low) / 2 if both else 0.0

    @property
    def within(self) -> bool:
        """Whether the simulated value lies between the bounds."""
        return self.simulated is not None and self.low <= self.simulated <= self.high

    @property
    def missed(self) -> bool:
        """Whether it counts as missed: neither within, nor a warning, nor explained."""
        return not (self.within or self.warns or self.explained)


def read_checks(path: Path = FOLDER / "sanity.csv") -> tuple[Check, ...]:
    """Read the checks; raises TargetError for an unknown kind or for a row without bounds that nothing refers to."""
    with open(path, encoding="utf-8", newline="") as file:
        checks = tuple(_check(row) for row in csv.DictReader(file))
    referred = {check.against for check in checks}
    for check in checks:
        if not check.judged and check.kind not in PROGRAMME_KINDS and check.id not in referred:
            raise TargetError(f"check '{check.id}' has neither a value nor bounds, and no other is set against it")
    return checks


def _check(row: Mapping[str, str]) -> Check:
    name = row["id"]
    if row["kind"] not in KINDS:
        raise TargetError(f"check '{name}': kind is {row['kind']!r}", hint=nearest(row["kind"], KINDS))
    value = float(row["value"]) if row["value"] else None
    low, high = (float(row[key]) if row[key] else end for key, end in (("low", -math.inf), ("high", math.inf)))
    if value is not None:
        tolerance = row["tolerance"]
        width = abs(value) * float(tolerance[:-1]) / 100 if tolerance.endswith("%") else float(tolerance)
        low, high = value - width, value + width
    ages = read_ages(row["ages"], f"check '{name}'") if row["ages"] else LIFE
    below = read_ages(row["denominator_ages"], f"check '{name}'") if row["denominator_ages"] else ages
    given = dict(part.split() for part in row["given"].split(";")) if row["given"] else {}
    return Check(
        name, row["kind"], row["what"], row["denominator"] or "1", row["basis"] or "on_date", ages, below,
        row["against"], float(row["rate"] or 0), int(row["price_year"]) if row["price_year"] else None,
        {key: float(number) for key, number in given.items()}, low, high, value, row["unit"], row["population"],
        row["provenance"], row["source"], row["note"],
    )  # fmt: skip


@dataclass
class Ground:
    """What the checks stand on: one simulated outcome, and a sample of lives that is read once."""

    outcome: Outcome
    threads: int = 1
    wanted: dict[str, Reader] = field(default_factory=dict)
    """Readers of the sample, by name: all are registered before the sample is read."""
    accounts: list[str] = field(default_factory=list)
    """Names of the accounts that the sample is read for, in the order in which they stand there."""

    @property
    def plan(self) -> Plan:
        """The plan of the outcome."""
        return self.outcome.plan

    @property
    def scenario(self) -> Scenario:
        """The scenario of the outcome."""
        return self.outcome.plan.scenario

    @cached_property
    def sample(self) -> dict[str, NDArray[Any]]:
        """What every registered reader saw in the sample, persons last."""
        return read_lives(self.plan, self.wanted, seed=self.outcome.seed)

    def account(self, name: str) -> FloatArray:
        """Return what each life of the sample cost on an account."""
        every: FloatArray = self.sample[_ACCOUNTS]
        return np.asarray(every[self.accounts.index(name)])

    @cached_property
    def arms(self) -> Mapping[str, ArmResult]:
        """Every arm against the baseline."""
        return compare(self.outcome).arms

    def prices(self, patterns: str) -> tuple[Price, ...]:
        """Return the prices that patterns name, separated by spaces; raises TargetError where one names none."""
        every = {price.name: price for price in self.scenario.prices.prices}
        found: dict[str, Price] = {}
        for pattern in patterns.split():
            hits = [name for name in every if fnmatchcase(name, pattern)]
            if not hits:
                raise TargetError(f"no price is named '{pattern}'", hint=nearest(pattern, every))
            found.update((name, every[name]) for name in hits)
        return tuple(found.values())

    def money(self, prices: Sequence[Price], year: int | None, rate: float = 0.0) -> FloatArray:
        """Return what the baseline pays at some prices by copy and row: (blocks, steps + 1), revenues negative."""
        economics = replace(self.scenario.economics, discount_rate=rate)
        total: FloatArray = np.zeros((self.scenario.cohort.blocks, self.scenario.horizon + 1))
        for price in prices:
            amount = price.sign * price.amount * self.uprating(price.price_year, year)
            total += amount * self.outcome.volume(price.quantity, self.outcome.baseline)
        return np.asarray(total * economics.factors(self.scenario.horizon))

    def uprating(self, from_year: int, to_year: int | None) -> float:
        """Return what a krona of a year is in another's, by default in the scenario's."""
        return self.scenario.prices.uprating(from_year, to_year or self.scenario.economics.price_year)


Values = list[float]
"""A value of all copies, then of all but each: a standard error is made of the rest."""


# Kinds that a ledger answers: each returns the value of all copies, then of all but each


def _counted(check: Check, text: str, model: Model, what: str) -> Quantity:
    count = Count.of(text)
    basis = check.basis
    if count.quantity is not None:
        basis = model.quantity(count.quantity).basis
    elif what == "denominator":
        basis = "on_date"
    return count.as_quantity(model, f"{check.id}, {what}", basis)


def share(check: Check, ground: Ground) -> Values:
    """Return a count over another one, person-years of the ages."""
    model = ground.scenario.model
    above = volume(_counted(check, check.what, model, "numerator"), ground.outcome)
    below = volume(_counted(check, check.denominator, model, "denominator"), ground.outcome)
    return _ratios(sum_over(above, check.ages), sum_over(below, check.denominator_ages))


def chance(check: Check, ground: Ground) -> Values:
    """Return the chance of one or more of an expected number a year."""
    return [1 - math.exp(-value) for value in share(check, ground)]


def per_birth(check: Check, ground: Ground) -> Values:
    """Return a quantity's sum over the ages for each of those born, discounted and in kronor of a year where asked."""
    model = ground.scenario.model
    quantity = _counted(check, check.what, model, "numerator")
    factors = replace(ground.scenario.economics, discount_rate=check.rate).factors(ground.scenario.horizon)
    uprated = 1.0 if quantity.price_year is None else ground.uprating(quantity.price_year, check.price_year)
    above = volume(quantity, ground.outcome) * factors * uprated
    born = volume(_counted(check, check.denominator, model, "denominator"), ground.outcome)[:, 0]
    return _ratios(sum_over(above, check.ages), born)


def cost(check: Check, ground: Ground) -> Values:
    """Return what some prices cost over life, for each child, or for each of those whom the denominator counts."""
    total = ground.money(ground.prices(check.what), check.price_year, check.rate)
    if check.denominator == "1":
        return _ratios(sum_over(total, check.ages), ground.outcome.baseline.persons)
    quantity = _counted(check, check.denominator, ground.scenario.model, "denominator")
    return _ratios(sum_over(total, check.ages), sum_over(volume(quantity, ground.outcome), check.denominator_ages))


LEAVE = "parental_benefit"
"""The price of the person's own parental leave: it stands for the parents' at birth, the same money a generation on."""


def payer_share(check: Check, ground: Ground) -> Values:
    """Return a payer's share of the public cost of the ages, revenues apart, with the parents' leave at birth."""
    years = [ground.scenario.cohort.born + row - 1 for row in range(ground.scenario.horizon + 1)]
    own: FloatArray = np.zeros((ground.scenario.cohort.blocks, len(years)))
    every = np.zeros_like(own)
    for price in (one for one in ground.scenario.prices.prices if one.kind == "cost"):
        money = ground.money([price], None)
        if price.name == LEAVE:
            paid = money.sum(axis=1)
            money = np.zeros_like(money)
            money[:, 1 + check.ages[0]] = paid
        for payer, part in price.payer.by_year(years).items():
            own += money * part * belongs(payer, check.what)
            every += money * part * belongs(payer, PUBLIC)
    return _ratios(sum_over(own, check.ages), sum_over(every, check.ages))


def _ratios(above: NDArray[Any], below: NDArray[Any]) -> Values:
    return [ratio(a, b) for a, b in zip(left_out(above), left_out(below), strict=True)]


# Tax wedge: evaluated at plain values, nothing is simulated


def tax_wedge(check: Check, ground: Ground) -> Values:
    """Return a payer's share of the taxes on one year of work at given earnings.

    The taxes of the cell of the quantity `earnings` that comes nearest to the earnings. `given` may say which share
    of its tax a payer keeps after income equalisation; the state is the counterparty.
    """
    model, prices = ground.scenario.model, ground.prices(check.what)
    earnings = model.quantity("earnings")
    wanted = check.given["earnings"] * ground.uprating(check.price_year or 0, earnings.price_year)
    person = _person_with(earnings, wanted, check, ground)
    paid: dict[str, float] = {"municipality": 0.0, "region": 0.0, "state": 0.0}
    for price in prices:
        money = -price.sign * price.amount * _at(price.quantity, person, ground)
        money *= ground.uprating(price.price_year, check.price_year)
        for payer, part in price.payer.parts:
            root = payer.split(".")[0]
            kept = check.given.get(root, 1.0)
            paid[root] += money * part * kept
            paid["state"] += money * part * (1 - kept)
    return [paid[check.against] / sum(paid.values())]


def _person_with(quantity: Quantity, wanted: float, check: Check, ground: Ground) -> dict[str, Any]:
    """Return the values of the columns of a quantity at which it comes nearest to an amount.

    Of those whom the check's denominator holds for, at its ages.
    """
    model = ground.scenario.model
    who = Count.of(check.denominator).condition.rule(model.columns)
    columns = [model.columns[name] for name in dict.fromkeys([*quantity.rule.reads, *who.reads])]
    axes = axes_of(columns, check.ages, {})
    amounts, asked = quantity.rule.evaluate(axes, parameters_of(ground.plan))[0], who.evaluate(axes, Parameters())[0]
    far = np.where(asked != 0, np.abs(amounts - wanted), np.inf)
    cell = np.unravel_index(int(np.argmin(far)), far.shape)
    codes = dict(zip(columns, (int(code) for code in cell), strict=True))
    person: dict[str, Any] = {}
    for column, code in codes.items():
        person[column.name] = column.text(code) if column.labels else code + check.ages[0] * (column.name == "age")
    return person


def _at(quantity: Quantity, person: Mapping[str, Any], ground: Ground) -> float:
    """Return a quantity at plain values, the same before and after the year; what is not given takes the first."""
    values: dict[str, Any] = {}
    for name in quantity.rule.reads:
        column = ground.scenario.model.columns[name]
        first = column.text(0) if column.labels else 0
        values[name] = person.get(name, person.get(name.removeprefix(PREVIOUS), first))
    if quantity.rule.takes_parameters:
        values["p"] = parameters_of(ground.plan)
    return float(quantity.rule(**values))


# Kinds that a sample of lives answers


def concentration(check: Check, ground: Ground) -> tuple[float, float | None]:
    """Return the share of some prices' cost over the ages that falls on the costliest tenth of the lives."""
    ground.prices(check.what)  # all of them are there
    costs = ground.account(check.id)
    return with_error(lambda some: top_share(costs[some]), len(costs))


def spell(check: Check, ground: Ground) -> tuple[float, float | None]:
    """Return the share of the spells begun at the ages that lasts into their fifth year."""
    return _of_spells(check, ground, lambda shares: float(shares[-1]))


def spell_slope(check: Check, ground: Ground) -> tuple[float, float | None]:
    """Return how the yearly chance of staying rises with each year of the spells begun at the ages."""
    return _of_spells(check, ground, slope_of_staying)


def _of_spells(check: Check, ground: Ground, statistic: Callable[[FloatArray], float]) -> tuple[float, float | None]:
    on = ground.sample[f"spells of {check.what}"]
    return with_error(lambda some: statistic(stays(on[:, some], *check.ages, SPELL_YEARS)), on.shape[1])


# Kinds that arms answer: each returns findings


def null_programme(check: Check, ground: Ground) -> list[Finding]:
    """Return whether a programme without effect is worth what it costs and no more: net value = - cost.

    The interval is that of the simulation and of the stated effects, whose standard errors are carried over to the
    gain in proportion: an estimate near nothing moves lives by as little as it says.
    """
    arm = NULL_ARM + check.what
    if arm not in ground.arms:
        raise TargetError(f"no arm of the programme '{check.what}' could be made")
    public = ground.arms[arm].by_payer[PUBLIC]
    effects = [effect for one in ground.scenario.arms[arm].interventions for effect in one.effects]
    doubt = max((abs((e.se or 0.0) / e.size) for e in effects if e.size), default=0.0)
    se = math.hypot(public.se or 0.0, doubt * (public.spent - public.incremental))
    reach = CONFIDENT * se
    return [_finding(check, -public.spent, -public.incremental, se, -public.spent - reach, reach - public.spent)]


def ceiling(check: Check, ground: Ground) -> list[Finding]:
    """Return each arm's gain per participant beside what the outcomes that it avoids cost in the model.

    The cost is the difference in discounted net public cost between the lives that ever meet the outcome and the
    others, the most costly one of the arm's effects: an association, so more than any effect can save.
    """
    found = []
    for arm, (result, effects) in _arms_with_effects(ground).items():
        most = max(_cost_of_outcome(effect, ground) for effect in effects)
        gain = _gain(result, ground) / max(result.participants, 1)
        note = f"arm {arm}: at most the whole cost of what is avoided"
        found.append(_finding(check, most, gain, None, -math.inf, most, name=f"{check.id}_{arm}", note=note))
    return found


def benefit_cost_ratio(check: Check, ground: Ground) -> list[Finding]:
    """Return each arm's gain over its cost; one above the bound warns."""
    found = []
    for arm, (result, _) in _arms_with_effects(ground).items():
        spent = result.by_payer[PUBLIC].spent * ground.outcome.baseline.persons.sum()
        value = _gain(result, ground) / spent if spent else float("nan")
        note = f"arm {arm}: a ratio above {check.high:g} is seldom believed"
        name = f"{check.id}_{arm}"
        found.append(_finding(check, check.high, value, None, -math.inf, check.high, name=name, note=note, warns=True))
    return found


def _gain(result: ArmResult, ground: Ground) -> float:
    """Return an arm's whole discounted saving apart from what it spends, cashable or not, over everyone."""
    public = result.by_payer[PUBLIC]
    return float((public.spent - public.gross) * ground.outcome.baseline.persons.sum())


def _arms_with_effects(ground: Ground) -> dict[str, tuple[ArmResult, list[Effect]]]:
    arms = ground.scenario.arms
    effects = {arm: [e for one in arms[arm].interventions for e in one.effects if e.size] for arm in ground.arms}
    return {arm: (ground.arms[arm], effects[arm]) for arm in ground.arms if effects[arm]}


def _outcome_of(effect: Effect) -> list[tuple[str, str]]:
    """Return the states that an effect keeps people out of: where it lowers, the destination, else the origin."""
    return [(domain, to if effect.size < 0 else origin) for domain, origin, to in effect.on]


def _cost_of_outcome(effect: Effect, ground: Ground) -> float:
    """Return by how much lives that meet what an effect avoids cost the public more than others."""
    net = ground.account(_NET)
    if effect.trait is not None:
        bins = ground.sample[f"trait {effect.trait}"]
        means = [net[bins == code].mean() for code in np.unique(bins)]
        return float(max(means) - min(means))
    met = [ground.sample[f"ever {domain} {state}"] for domain, state in _outcome_of(effect)]
    return float(max((net[one].mean() - net[~one].mean() for one in met if one.any() and not one.all()), default=0.0))


# Running them


_ACCOUNTS = "accounts"

_NET = "net public cost"
"""The account of all public costs and revenues over life, discounted."""

LEDGER_KINDS: dict[str, Callable[[Check, Ground], Values]] = {
    "share": share,
    "chance": chance,
    "per_birth": per_birth,
    "cost": cost,
    "payer_share": payer_share,
    "tax_wedge": tax_wedge,
}
SAMPLE_KINDS: dict[str, Callable[[Check, Ground], tuple[float, float | None]]] = {
    "concentration": concentration,
    "spell": spell,
    "spell_slope": spell_slope,
}
PROGRAMME_KINDS: dict[str, Callable[[Check, Ground], list[Finding]]] = {
    "null": null_programme,
    "ceiling": ceiling,
    "bcr": benefit_cost_ratio,
}
KINDS = (*LEDGER_KINDS, *SAMPLE_KINDS, *PROGRAMME_KINDS)

_COUNTED = ("share", "chance", "per_birth")


def plan_for(plan: Plan, checks: Sequence[Check]) -> tuple[Plan, list[str]]:
    """Return the plan that answers the checks: with arms of the null programmes, and what has to be counted together.

    Also returns, in words, what could not be arranged; the checks concerned find nothing.
    """
    scenario, troubles = plan.scenario, []
    names = [check.what for check in checks if check.kind == "null"]
    try:
        scenario = with_arms(scenario, {NULL_ARM + name: name for name in names}) if names else scenario
    except FramsynError as error:
        troubles.append(f"no arms of programmes without effect: {error}")
    needs: list[Need] = []
    for check in checks:
        try:
            needs += _needs(check, scenario.model)
        except FramsynError as error:
            troubles.append(f"check '{check.id}': {error}")
    return bind(replace(scenario, needs=tuple(dict.fromkeys(needs)))), troubles


def with_arms(scenario: Scenario, arms: Mapping[str, str]) -> Scenario:
    """Return a scenario read from files with further arms, each one intervention of the shipped catalogue alone."""
    resolved = dict(scenario.resolved)
    values = dict(resolved["scenario"]["values"])
    values["arms"] = {**values["arms"], **{arm: {"interventions": [name]} for arm, name in arms.items()}}
    resolved["scenario"] = {**resolved["scenario"], "values": values}
    for name in arms.values():
        source = read_yaml(shipped_folder() / "interventions" / f"{name}.yaml")
        resolved.setdefault(f"interventions/{name}", {"sha256": source.digest, "values": source.values})
    return load_resolved(resolved).scenario


def _needs(check: Check, model: Model) -> list[Need]:
    counted = [(check.what, "numerator"), (check.denominator, "denominator")] if check.kind in _COUNTED else []
    if check.kind == "cost" and check.denominator != "1":
        counted = [(check.denominator, "denominator")]
    return [need_of(_counted(check, text, model, what), model) for text, what in counted]


def register(checks: Sequence[Check], ground: Ground) -> None:
    """Say what the sample of lives has to be read for."""
    plan, economics = ground.plan, ground.scenario.economics
    wanted: dict[str, Account] = {}
    public = [p for p in ground.scenario.prices.prices if not {x.split(".")[0] for x in p.payer.payers} & set(APART)]
    for check in checks:
        if check.kind == "concentration":
            named = _named(check, ground)
            prices = tuple(p for p in named if p.kind == "cost" and p in public)
            wanted[check.id] = Account(prices, check.ages, Economics(economics.price_year, 0.0))
        if check.kind in ("spell", "spell_slope"):
            quantity = Count.of(check.what).as_quantity(ground.scenario.model, check.id, "on_date")
            ground.wanted[f"spells of {check.what}"] = _truth(yearly(quantity, plan))
    wanted[_NET] = Account(tuple(public), LIFE, economics)
    for arm in ground.scenario.arms.values():
        for effect in (e for one in arm.interventions for e in one.effects if e.size):
            if effect.trait is not None:
                ground.wanted[f"trait {effect.trait}"] = _row(plan.layout.row(effect.trait))
            for domain, state in _outcome_of(effect):
                ground.wanted[f"ever {domain} {state}"] = ever(plan, domain, [state])
    ground.accounts = list(wanted)
    ground.wanted[_ACCOUNTS] = accounts(plan, wanted)


def _named(check: Check, ground: Ground) -> tuple[Price, ...]:
    """Return the prices of a check; none where one of them is missing: the check then finds nothing."""
    try:
        return ground.prices(check.what)
    except TargetError:
        return ()


def _truth(reader: Callable[[NDArray[np.uint8]], FloatArray]) -> Reader:
    return lambda history: np.asarray(reader(history) != 0)


def _row(row: int) -> Reader:
    return lambda history: np.asarray(history[0, row])


def run_checks(checks: Sequence[Check], outcome: Outcome) -> tuple[list[Finding], list[str]]:
    """Work out every check from one outcome; also return, in words, what could not be worked out.

    The outcome is that of a plan made by `plan_for`.
    """
    ground = Ground(outcome)
    troubles: list[str] = []
    try:
        register(checks, ground)
    except FramsynError as error:
        troubles.append(f"the sample of lives: {error}")
    findings: list[Finding] = []
    values: dict[str, Values] = {}
    for check in checks:
        try:
            findings += _found(check, ground, values)
        except (FramsynError, KeyError) as error:
            troubles.append(f"check '{check.id}': {error}")
            if check.judged:
                findings.append(_finding(check, None, None, None, check.low, check.high))
    return findings, troubles


def _found(check: Check, ground: Ground, values: dict[str, Values]) -> list[Finding]:
    if check.kind in PROGRAMME_KINDS:
        return PROGRAMME_KINDS[check.kind](check, ground)
    if check.kind in SAMPLE_KINDS:
        simulated, se = SAMPLE_KINDS[check.kind](check, ground)
        return [_finding(check, None, simulated, se, check.low, check.high)]
    own = LEDGER_KINDS[check.kind](check, ground)
    if check.kind != "tax_wedge" and check.against:
        below = values[check.against]
        own = [a / b if b else math.inf for a, b in zip(own, below, strict=True)]
    values[check.id] = own
    if not check.judged:
        return []
    se = jackknife(own[1:]) if np.isfinite(own).all() else None
    return [_finding(check, None, own[0], se, check.low, check.high)]


def _finding(
    check: Check, registry: float | None, simulated: float | None, se: float | None, low: float, high: float,
    *, name: str = "", note: str = "", warns: bool = False,
) -> Finding:  # fmt: skip
    if registry is None:
        ends = [end for end in (low, high) if math.isfinite(end)]
        registry = check.value if check.value is not None else sum(ends) / len(ends)
    if simulated is not None:  # plain numbers, whatever an array held
        simulated = None if math.isnan(simulated) else float(simulated)
    return Finding(
        name or check.id, float(registry), simulated, se, float(low), float(high), check.population, check.provenance,
        check.unit, check.kind, note or check.note, warns,
    )  # fmt: skip
