"""What siblings share: columns keyed by family, and what may read them. Layer 3.

Siblings share their parents' story without any link between rows: the draws of a family-keyed domain are addressed by
the family, so its rules, and whatever acts on it, may read nothing that differs between siblings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sim.domain import PREVIOUS, Domain
from sim.errors import ModelError
from sim.intervention import Effect, Intervention
from sim.people import Trait
from sim.tables import Rule

if TYPE_CHECKING:
    from sim.model import Model

FAMILY = "family"
"""The value of `keyed` of what siblings share."""


def family_columns(domains: Sequence[Domain], traits: Sequence[Trait]) -> frozenset[str]:
    """Return the columns that are the same for all siblings: traits, states and clocks, `previous_` ones too."""
    shared = [domain for domain in domains if domain.keyed == FAMILY]
    changing = [domain.name for domain in shared] + [f"years_in_{domain.name}" for domain in shared if domain.clock]
    fixed = [trait.name for trait in traits if trait.keyed == FAMILY]
    return frozenset([*fixed, *changing, *(PREVIOUS + name for name in changing)])


def own_reads(reads: Iterable[str], shared: frozenset[str]) -> list[str]:
    """Return those of the columns read that are the child's own."""
    return [name for name in reads if name not in shared]


def check_rule(domain: Domain, rule: Rule, shared: frozenset[str]) -> None:
    """Refuse a rule of a family-keyed domain that reads what differs between siblings; raises ModelError."""
    if domain.keyed != FAMILY:
        return
    for name in own_reads(rule.reads, shared):
        hint = "close its window of ages instead" if name == "age" else f"it may read {', '.join(sorted(shared))}"
        raise ModelError(
            f"domain '{domain.name}' is keyed by family, and rule '{rule.name}' reads '{name}',"
            " which is the child's own",
            hint=hint,
        )


def acts_on_families(effect: Effect, model: Model) -> bool:
    """Return whether an effect changes what siblings share."""
    shared = [domain for domain in model.domains if domain.keyed == FAMILY]
    names = {domain.name for domain in shared}
    rules = [move.rule for domain in shared for move in domain.moves]
    shifted = effect.kind == "trait_shift" and any(effect.trait in rule.reads for rule in rules)
    return shifted or any(domain in names for domain, _, _ in effect.on)


def offered_to_families(intervention: Intervention, model: Model) -> bool:
    """Return whether an intervention's uptake is drawn by family: it changes what siblings share, so it reaches all."""
    return any(acts_on_families(effect, model) for effect in intervention.effects)


def own_terms(intervention: Intervention, model: Model) -> list[tuple[str, str]]:
    """Return (term, sentence) for each term of an offer to families that reads what differs between siblings."""
    if not offered_to_families(intervention, model):
        return []
    wrong = []
    for term in ("when", "uptake", "stop_when", "rank"):
        expression = getattr(intervention, term)
        for name in own_reads(expression.reads if expression else (), model.family_columns):
            wrong.append(
                (term, f"`{term}` reads '{name}', which is the child's own, and the effect acts on the family")
            )
    return wrong
