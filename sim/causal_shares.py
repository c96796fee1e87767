"""What an arm is worth at other causal shares of links known only as associations. Layer 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.comparison import ArmResult, Comparison, compare
from sim.engine import simulate
from sim.errors import ScenarioError, nearest
from sim.plan import Plan
from sim.prices import PUBLIC

ALL = "all"
"""What is asked for instead of a causal share, to see the two ends beside the scenario's own."""

ENDS = (0.0, 1.0)
"""Associations that cause nothing, and those that cause all they are associated with."""

PAYERS = (PUBLIC, "municipality")


@dataclass(frozen=True)
class NetAtShare:
    """What an arm brings one payer at one causal share."""

    causal_share: float
    net: float
    """What comes back less what is spent, cashable and discounted, SEK per member of the cohort."""
    se: float | None
    """Standard error of the simulation."""


Nets = dict[str, dict[str, tuple[NetAtShare, ...]]]
"""arm -> payer -> by rising causal share"""


def share_asked(text: str | None) -> tuple[float | None, bool]:
    """Return the causal share that a user asks for, and whether the ends are wanted; raises ScenarioError.

    >>> share_asked("0.3"), share_asked("all"), share_asked(None)
    ((0.3, False), (None, True), (None, False))
    """
    if text is None or text == ALL:
        return None, text == ALL
    try:
        share = float(text)
    except ValueError:
        hint = nearest(text, [ALL])
        raise ScenarioError(f"the causal share must be 0 to 1 or '{ALL}', not {text!r}", hint=hint) from None
    if not 0 <= share <= 1:
        hint = f"did you mean {share / 100:g}?" if 1 < share <= 100 else None
        raise ScenarioError(f"the causal share must be 0 to 1 or '{ALL}', not {text}", hint=hint)
    return share, False


def net_by_causal_share(
    comparison: Comparison,
    others: Sequence[Plan],
    *,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Nets:
    """Return each arm's net at the comparison's own causal share and at those of other plans of the scenario.

    The others are simulated with the same seed, so that the persons' draws are the same.
    """
    outcome = comparison.outcome
    own = outcome.plan.scenario.causal_share
    results: dict[float, dict[str, ArmResult]] = {} if own is None else {own: comparison.arms}
    for number, plan in enumerate(others):
        share = plan.scenario.causal_share
        if share is None or share in results:
            continue

        def show(done: float, before: int = number) -> None:
            if progress is not None:
                progress((before + done) / len(others))

        lived = simulate(plan, seed=outcome.seed, replicate=outcome.replicate, threads=threads, progress=show)
        results[share] = compare(lived, comparison.economics).arms
    return {
        arm: {
            payer: tuple(
                NetAtShare(
                    share, -results[share][arm].by_payer[payer].incremental, results[share][arm].by_payer[payer].se
                )
                for share in sorted(results)
            )
            for payer in PAYERS
            if payer in result.by_payer
        }
        for arm, result in comparison.arms.items()
    }
