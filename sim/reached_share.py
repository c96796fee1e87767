"""How many persons an arm is expected to reach: those whom exactly one of arm and baseline enrols. Layer 6.

As in a simulation, offers are watched along the baseline's life: up to the first difference the two lives are one.
Whoever is reached leaves the distribution. Offers of one intervention share their uptake draw, so where the baseline
and an arm both make it (with other terms, or as existing delivery) the draw is held as a column, in classes between
the uptakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.chances import Grids
from sim.forward import Forward, by_chance, is_eligible
from sim.intervention import Intervention
from sim.joint_distribution import FloatArray, Joint, Lookup, stacked
from sim.phases import NOT_YET
from sim.plan import Plan
from sim.scenario import BASELINE

_UNDRAWN = 0


def persons_reached(
    plan: Plan, arm: str, given: Mapping[str, FloatArray], grids: Grids | None, most_rows: int
) -> float:
    """Return the expected number of persons of one copy whom an arm reaches."""
    if arm in plan.changed:
        return _ever_enrolled(plan, arm, given, most_rows)
    own, current = plan.scenario.arms[arm].interventions, plan.scenario.arms[BASELINE].interventions
    watched = [*(one for one in own if one not in current), *(one for one in current if one not in own)]
    if not watched:
        return 0.0
    draws = _Draws()
    forward = Forward(
        plan, BASELINE, margins=(), given=given, further=watched, accepting=draws.accepting, grids=grids,
        most_rows=most_rows,
    )  # fmt: skip
    watching = _Watching(forward, watched, draws)
    draws.share([*((one.phases.intervention, one.uptake) for one in forward.offers), *watching.uptakes])
    joint = watching.begin(forward.born())
    for t in range(min(plan.scenario.horizon, 1 + max(one.ages[1] for one in watched))):
        joint = forward.step(joint, t, watching.meet)
    return watching.reached


def _ever_enrolled(plan: Plan, arm: str, given: Mapping[str, FloatArray], most_rows: int) -> float:
    """Return whom an arm with other parameters ever enrols: there the baseline's life says nothing."""
    forward = Forward(plan, arm, margins=(), given=given, most_rows=most_rows)
    left = 0.0

    def leave(joint: Joint, t: int) -> Joint:
        nonlocal left
        enrolled = np.zeros(len(joint), dtype=bool)
        for offer in forward.offers:
            phase = joint.codes[offer.column]
            carries = offer.phases.intervention.offered_carry
            enrolled |= (phase != NOT_YET) if carries else offer.phases.in_delivery[phase]
        left += float(joint.weights[enrolled].sum())
        return joint.rows(~enrolled)

    joint = forward.born()
    for t in range(min(plan.scenario.horizon, 1 + max((one.ages[1] for one in plan.arms[arm]), default=-1))):
        joint = forward.step(joint, t, leave)
    return left


@dataclass
class _Draws:
    """Uptake draws that several offers share, in classes: everyone in one class accepts the same offers."""

    edges: dict[str, FloatArray] = field(default_factory=dict)
    """By intervention: 0, every uptake that one of its offers may have, 1."""

    def share(self, offers: Sequence[tuple[Intervention, Lookup]]) -> None:
        """Hold the draws of all interventions of which there are several offers."""
        names = [one.catalogue_name for one, _ in offers]
        for name in {name for name in names if names.count(name) > 1}:
            values = [0.0, 1.0]
            for one, uptake in offers:
                if one.catalogue_name == name:
                    values += [one.baseline_coverage, *uptake.values.ravel()]
            self.edges[name] = np.unique(values)

    def columns(self, name: str) -> tuple[str, str]:
        """Return the columns of the draw made once, and of the one made afresh in each step."""
        return f"draw of {name}", f"draw of {name} in this step"

    def below(self, one: Intervention, asked: Joint, t: int) -> tuple[Joint, FloatArray]:
        """Return the rows with the draw of an offer made, and the upper end of each row's class."""
        edges = self.edges[one.catalogue_name]
        column = self.columns(one.catalogue_name)[one.offer == "yearly" and t > 0]
        undrawn = asked.codes[column] == _UNDRAWN
        new = asked.rows(undrawn)
        parts = [asked.rows(~undrawn)]
        for place, width in enumerate(np.diff(edges)):
            parts.append(new.weighing(new.weights * width).having(column, place + 1, len(edges)))
        drawn = stacked(parts)
        return drawn, edges[drawn.codes[column]]

    def accepting(self, one: Intervention, uptake: Lookup, asked: Joint, t: int) -> tuple[Joint, Joint]:
        """Split those who are offered into those who accept and those who do not."""
        if one.catalogue_name not in self.edges:
            return by_chance(one, uptake, asked, t)
        drawn, upper = self.below(one, asked, t)
        accepts = upper <= uptake.at(drawn.codes, t, len(drawn))
        return drawn.rows(accepts), drawn.rows(~accepts)


class _Watching:
    """Notes whom an arm's offers would reach, without making them."""

    def __init__(self, forward: Forward, watched: Sequence[Intervention], draws: _Draws) -> None:
        columns = forward.model.columns
        self.draws = draws
        self.offers = [
            (one, forward.lookup(one.when.rule(columns)), forward.lookup(one.uptake.rule(columns), 1.0, "uptake"))
            for one in watched
        ]
        self.reached = 0.0

    @property
    def uptakes(self) -> list[tuple[Intervention, Lookup]]:
        """The offers that are watched, with their uptakes."""
        return [(one, uptake) for one, _, uptake in self.offers]

    def begin(self, joint: Joint) -> Joint:
        """Return the distribution with what is remembered of offers: nothing so far."""
        for number in range(len(self.offers)):
            joint = joint.having(f"offer {number} is had", 0, 2)
        for name, edges in self.draws.edges.items():
            for column in self.draws.columns(name):
                joint = joint.having(column, _UNDRAWN, len(edges))
        return joint

    def meet(self, joint: Joint, t: int) -> Joint:
        """Take those who are reached in a step out of the distribution."""
        for number, (one, when, uptake) in enumerate(self.offers):
            had = f"offer {number} is had"
            eligible = is_eligible(one, when, joint, t) & (joint.codes[had] == 0)
            if not eligible.any():
                continue
            asked, is_hit, accepts = self._asked(one, uptake, joint.rows(eligible), t)
            self.reached += float(asked.weights[is_hit].sum())
            done = accepts | (one.offer == "once")
            left = asked.having(had, done.astype(np.int32), 2).rows(~is_hit)
            joint = stacked([joint.rows(~eligible), left])
        for name, edges in self.draws.edges.items():
            joint = joint.having(self.draws.columns(name)[1], _UNDRAWN, len(edges))
        return joint.together()

    def _asked(
        self, one: Intervention, uptake: Lookup, asked: Joint, t: int
    ) -> tuple[Joint, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return those who are asked, split by their answers, whether each is reached, and whether each accepts."""
        if one.catalogue_name not in self.draws.edges:
            chance = np.ones(len(asked)) if one.offered_carry else uptake.at(asked.codes, t, len(asked))
            both = stacked([asked.weighing(asked.weights * chance), asked.weighing(asked.weights * (1.0 - chance))])
            accepts = np.repeat([True, False], len(asked))
            return both, accepts, accepts
        drawn, upper = self.draws.below(one, asked, t)
        accepts = (upper <= uptake.at(drawn.codes, t, len(drawn))) | one.offered_carry
        in_baseline = upper <= one.baseline_coverage
        return drawn, accepts != in_baseline, accepts
