"""The main job: check, simulate, price, print the answer, write the run folder. Layer 9."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.causal_shares import ENDS, NetAtShare, Nets, net_by_causal_share, share_asked
from sim.comparison import ArmResult, PayerResult, compare
from sim.contract import (
    ArmComparison,
    ArmCosts,
    Change,
    Cost,
    NeededEffect,
    NetAtCausalShare,
    PayerChange,
    Queue,
    Results,
    Seconds,
)
from sim.engine import simulate
from sim.errors import ScenarioError
from sim.files import load_plans
from sim.left_out import without
from sim.needed import Needed, needed_effects
from sim.persons import born
from sim.plan import Plan
from sim.progress import progress
from sim.queue_counts import QueueCounts, queue_counts
from sim.report import Answer, print_comparison
from sim.store import LOST, description_of, read_run, write_run


def run_compare(
    path: Path,
    *,
    persons: int | None,
    seed: int,
    threads: int | None,
    out: Path | None,
    as_json: bool,
    detail: bool = False,
    causal_share: str | None = None,
    stream: bool = False,
) -> None:
    """Run a scenario from its file to its answer and run folder.

    stream: forget everyone once lived, so that effects needed to break even are not looked for; causal_share: of links
    known only as associations, instead of the scenario's; `all` for its own, 0 and 1.
    """
    started = time.perf_counter()
    used = threads_or_all(threads)
    check_seed(seed)
    share, every = share_asked(causal_share)
    with progress("reading and making tables"):
        plan, *others = load_plans(path, (share, *(ENDS if every else ())), persons=persons)
    folder = out or new_folder(Path("runs"), plan.scenario.name)
    if folder.exists():
        raise ScenarioError(f"the run folder '{folder}' exists already", hint="name another one with --out")
    _load_kernels(plan)
    if plan.scenario.municipality is not None:
        from sim.town_command import compare_town

        if stream:
            raise ScenarioError("a municipality is not lived as a stream", hint="leave --stream out")
        if every:
            raise ScenarioError("a municipality is compared at one causal share", hint="name one, as 0.2")
        compare_town(plan, folder, seed=seed, threads=used, started=started, as_json=as_json, detail=detail)
        return
    with progress("living lives") as show:
        outcome = simulate(plan, seed=seed, threads=used, stream=stream, progress=show)
    with progress("pricing"):
        comparison = compare(outcome)
    with progress("effects needed to break even"):
        needed = needed_effects(outcome, threads=used)
    nets: Nets = {}
    if every:
        with progress("living lives at other causal shares") as show:
            nets = net_by_causal_share(comparison, others, threads=used, progress=show)
    write_run(outcome, folder)
    seconds = {"simulate": round(outcome.seconds, 3), "total": round(time.perf_counter() - started, 3)}
    _answer(Answer(comparison, needed, nets, folder, seconds), as_json, detail)


def run_price(folder: Path, *, discount: float | None, as_json: bool, detail: bool = False) -> None:
    """Price what a run folder holds, with another discount rate if one is given."""
    started = time.perf_counter()
    if discount is not None and not 0 <= discount < 1:
        hint = f"did you mean {discount / 100:g}?" if discount >= 1 else None
        raise ScenarioError(f"the discount rate must be 0 or more and below 1, not {discount:g}", hint=hint)
    if LOST in description_of(folder):
        from sim.town_command import price_town_again

        price_town_again(folder, discount=discount, started=started, as_json=as_json, detail=detail)
        return
    outcome = read_run(folder)
    economics = outcome.plan.scenario.economics
    if discount is not None:
        economics = replace(economics, discount_rate=discount)
    seconds = {"simulate": 0.0, "total": round(time.perf_counter() - started, 3)}
    _answer(Answer(compare(outcome, economics), {}, {}, folder, seconds), as_json, detail)


def _load_kernels(plan: Plan) -> None:
    """Bring nobody into the world, so that Numba loads what it needs.

    It would load SciPy's linear algebra too, only to learn whether it could multiply matrices, which no kernel does.
    """
    with without("scipy.linalg"):
        born(plan, np.zeros(0, dtype=np.uint64), np.uint64(0))


def threads_or_all(threads: int | None) -> int:
    """Return the number of threads; raises ScenarioError below 1."""
    if threads is None:
        return os.cpu_count() or 1
    if threads < 1:
        raise ScenarioError(f"threads must be 1 or more, not {threads}")
    return threads


def check_seed(seed: int) -> None:
    """Refuse a seed out of range before anything is read."""
    if not 0 <= seed < 2**64:
        raise ScenarioError(f"the seed must be 0 to 2^64 - 1, not {seed}")


def new_folder(parent: Path, name: str) -> Path:
    """Return the first free folder `name-1`, `name-2`, … under a parent."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def _answer(answer: Answer, as_json: bool, detail: bool) -> None:
    if as_json:
        print(as_contract(answer).model_dump_json(exclude_unset=True))
    else:
        print_comparison(answer, detail=detail)


def as_contract(answer: Answer) -> Results:
    """Return the result in the form that other programs rely on."""
    comparison = answer.comparison
    outcome = comparison.outcome
    scenario = outcome.plan.scenario
    return Results(
        scenario=scenario.name,
        seed=outcome.seed,
        persons=comparison.persons,
        copies=scenario.cohort.copies,
        discount_rate=comparison.economics.discount_rate,
        price_year=comparison.economics.price_year,
        causal_share=scenario.causal_share if any(link.common for link in scenario.links) else None,
        arms=costs_of(comparison.costs, {arm: queue_counts(outcome, arm) for arm in comparison.costs}),
        comparisons={
            arm: compared(result, answer.needed.get(arm), answer.nets.get(arm))
            for arm, result in comparison.arms.items()
        },
        person_years=outcome.person_years,
        seconds=Seconds(**answer.seconds),
        ledger_digest=outcome.digest(),
        threshold_digest=outcome.plan.threshold_digest,
        run=str(answer.folder),
    )


def costs_of(
    costs: Mapping[str, Mapping[str, tuple[float, float]]], lines: Mapping[str, Mapping[str, QueueCounts]] | None = None
) -> dict[str, ArmCosts]:
    """Return costs by arm and payer, (undiscounted, discounted) per person, in the form that others rely on.

    lines: how the lines of each arm went.
    """
    found = {}
    for arm, by_payer in costs.items():
        paid = {payer: Cost(undiscounted=u, discounted=d) for payer, (u, d) in by_payer.items()}
        queues = {name: Queue(**asdict(one)) for name, one in ((lines or {}).get(arm) or {}).items()}
        found[arm] = ArmCosts(cost_per_person=paid, **({"queues": queues} if queues else {}))
    return found


def compared(
    result: ArmResult, needed: Needed | None = None, nets: Mapping[str, Sequence[NetAtShare]] | None = None
) -> ArmComparison:
    """Return one arm's result in the form that other programs rely on."""
    extra: dict[str, Any] = {}
    if result.own is not None:
        extra["own_municipality"] = _payer_change(result.own)
    if result.through_classmates_per_cohort is not None:
        extra["through_classmates_per_cohort"] = result.through_classmates_per_cohort
    if needed:
        extra["needed_effect"] = NeededEffect(ratio=needed.ratio, on=list(needed.on), runs=needed.runs)
    if nets:
        extra["net_by_causal_share"] = {
            payer: [NetAtCausalShare(causal_share=n.causal_share, net_per_person=n.net, se=n.se) for n in row]
            for payer, row in nets.items()
        }
    return ArmComparison(
        participants=int(result.participants),
        participants_per_cohort=result.participants_per_cohort,
        delivered_per_cohort={name: dict(counts) for name, counts in result.delivered.items()},
        measures_per_100={n: Change(change=m.change, se=m.se, unit=m.unit) for n, m in result.measures.items()},
        by_payer={payer: _payer_change(one) for payer, one in result.by_payer.items()},
        **extra,
    )


def _payer_change(one: PayerResult) -> PayerChange:
    return PayerChange(
        incremental_per_person=one.incremental,
        gross_per_person=one.gross,
        spent_per_person=one.spent,
        se=one.se,
        break_even_year=one.break_even_year,
        no_outlay=one.no_outlay,
    )
