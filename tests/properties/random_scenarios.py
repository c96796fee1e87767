"""Random small scenarios for hypothesis: every kind of transition, column, intervention and effect.

Rules are scores of random columns, written so that they take plain Python values as well as whole axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from sim.domain import Counter, Death, Domain, Quantities
from sim.errors import FramsynError
from sim.expression import Expression
from sim.intervention import Effect, Fade, Intervention
from sim.ledger import Need
from sim.model import Model
from sim.people import Attribute, Population, Trait
from sim.plan import bind
from sim.scenario import Arm, Cohort, Scenario
from sim.tables import Rule

NAMES = ("care", "school", "work")
STATES = ("a", "b", "c", "d", "e", "f")
SPLITS = {1: (1.0,), 2: (0.25, 0.75), 3: (0.5, 0.2, 0.3), 4: (0.1, 0.2, 0.3, 0.4), 5: (0.1, 0.1, 0.2, 0.2, 0.4)}
TRAITS = (
    Trait("sex", ("girl", "boy")),
    Trait("risk", bins=(-1.0, 0.1, 1.3)),
    Trait("home", ("calm", "loud"), keyed="family"),
)
LAST_AGE = 24
FREQUENT = {"risk", "others"}
"""Columns that rules read more often, so that shifts of the trait and classmates matter."""

MAY_BE_REFUSED = ("a relative risk makes the probability", "the tables of the model have more than")
"""The only combinations that may be refused."""

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Sketch:
    """What is known of the model while it is drawn."""

    domains: list[Domain]
    counters: list[Counter]
    group_values: tuple[str, ...] = ()
    hazards: list[tuple[str, str, str]] = field(default_factory=list)
    uncertain: list[tuple[str, str, str]] = field(default_factory=list)
    """Transitions of occasions that are never certain."""
    certain: list[tuple[str, str, str]] = field(default_factory=list)

    def columns(self, place: int) -> dict[str, tuple[str, ...] | None]:
        """Return the columns that the domain at a place may read, with their labels."""
        columns: dict[str, tuple[str, ...] | None] = {"home": ("calm", "loud")}
        shared = place >= 0 and self.domains[place].keyed == "family"
        if not shared:
            columns.update({"age": None, "sex": ("girl", "boy"), "risk": None})
            columns.update((counter.name, None) for counter in self.counters)
            columns.update((name, None) for name in self.group_values)
        for number, domain in enumerate(self.domains):
            if shared and domain.keyed == "person":
                continue
            for name, labels in ((domain.name, domain.states), (f"years_in_{domain.name}", None)):
                if labels or domain.clock:
                    columns[f"previous_{name}"] = labels
                    if number <= place:
                        columns[name] = labels
        return columns


def score(draw: Draw, columns: dict[str, tuple[str, ...] | None], start: float) -> tuple[Any, tuple[str, ...]]:
    """Return a random function of a few columns, and their names."""
    reads = tuple(
        draw(st.lists(st.sampled_from([*sorted(columns), *FREQUENT & columns.keys()]), max_size=3, unique=True))
    )
    terms = []
    for name in reads:
        labels = columns[name]
        size = draw(st.sampled_from((-0.8, -0.3, 0.4, 1.1)))
        terms.append((name, draw(st.sampled_from(labels)) if labels else None, size if labels else size / 4))

    def total(values: dict[str, Any]) -> Any:
        result = start
        for name, label, size in terms:
            result = result + size * (values[name] if label is None else values[name] == label)
        return result

    return total, reads


def rule(reads: tuple[str, ...], function: Callable[[dict[str, Any]], Any], name: str) -> Rule:
    return Rule(lambda **values: function(values), reads, False, name)


def window(draw: Draw) -> tuple[int, int]:
    low = draw(st.integers(0, 12))
    return low, draw(st.integers(low, LAST_AGE))


def add_hazard(draw: Draw, sketch: Sketch, place: int, domain: Domain, state: str, to: str) -> None:
    columns = sketch.columns(place)
    total, reads = score(draw, columns, draw(st.sampled_from((-4.0, -2.0, -0.5))))
    made = rule(reads, lambda values: np.exp(np.minimum(total(values), 1.5)), "hazard")
    domain.hazard(state, to, ages=draw(st.sampled_from(((0, 100), window(draw)))))(made)
    if draw(st.integers(0, 3)) == 0:
        unshifted = {name: labels for name, labels in columns.items() if name != "risk"}
        other, others = score(draw, unshifted, -0.2)
        domain.factor(state, to)(rule(others, lambda values: np.exp(np.minimum(other(values), 0.7)), "factor"))
    sketch.hazards.append((domain.name, state, to))


def add_occasion(draw: Draw, sketch: Sketch, place: int, domain: Domain, state: str, to: tuple[str, ...]) -> None:
    total, reads = score(draw, sketch.columns(place), draw(st.sampled_from((-2.0, 0.0))))
    split = SPLITS[len(to)]
    ages = draw(st.sampled_from(((0, 100), window(draw))))
    sure_at = draw(st.sampled_from((None, None, 3, 7)))
    if sure_at is None:
        chance = rule(reads, lambda v: tuple(0.2 * one / (1 + np.exp(-total(v))) for one in split), "occasion")
    else:
        by_home = domain.keyed == "family"
        reads = tuple(dict.fromkeys((*reads, "home" if by_home else "age")))

        def probabilities(values: dict[str, Any]) -> tuple[Any, ...]:
            sure = values["home"] == "loud" if by_home else values["age"] == sure_at
            each = sure + (1 - sure) * 0.2 / (1 + np.exp(-total(values)))
            return tuple(each * one for one in split)

        chance = rule(reads, probabilities, "sure_occasion")
    domain.occasion(state, to, ages=ages)(chance)
    names = [(domain.name, state, one) for one in to]
    (sketch.uncertain if sure_at is None else sketch.certain).extend(names)


def add_choice(draw: Draw, sketch: Sketch, place: int, domain: Domain, state: str, to: tuple[str, ...]) -> None:
    scores = [score(draw, sketch.columns(place), 0.0) for _ in to]
    reads = tuple(dict.fromkeys(name for _, names in scores for name in names))
    made = rule(reads, lambda values: tuple(np.exp(np.minimum(one(values), 3)) for one, _ in scores), "choice")
    age = draw(st.integers(0, 15))
    domain.choice(state, to, ages=(age, age + draw(st.integers(0, 1))))(made)
    sketch.certain.extend((domain.name, state, one) for one in to)


def fill(draw: Draw, sketch: Sketch, place: int) -> None:
    """Declare the transitions of one domain."""
    domain = sketch.domains[place]
    for state in domain.states:
        others = draw(st.permutations([one for one in domain.states if one != state]))
        jointly = draw(st.integers(0, len(others)))
        hazards = others[jointly : jointly + draw(st.integers(0, len(others) - jointly))]
        together, apart = others[:jointly], list(hazards)
        kind = draw(st.sampled_from((add_occasion, add_occasion, add_choice)))
        for to in apart[: len(apart) // 2]:
            add_hazard(draw, sketch, place, domain, state, to)
        if together:
            kind(draw, sketch, place, domain, state, tuple(together))
        for to in apart[len(apart) // 2 :]:
            add_hazard(draw, sketch, place, domain, state, to)


def mortality(draw: Draw, sketch: Sketch) -> Death | None:
    kind = draw(st.sampled_from(("none", "hazard", "occasion")))
    if kind == "none":
        return None
    death = Death()
    total, reads = score(draw, sketch.columns(-1), -4.0)
    if kind == "hazard":
        death.hazard()(rule(reads, lambda values: np.exp(np.minimum(total(values), -1.0)), "mortality"))
        sketch.hazards.append(("death", "alive", "dead"))
    else:
        death.occasion()(rule(reads, lambda values: 0.3 / (1 + np.exp(-total(values))), "mortality"))
        sketch.uncertain.append(("death", "alive", "dead"))
    return death


def condition(draw: Draw, sketch: Sketch, to_families: bool) -> str:
    """Return a random condition in the language of files, which is plain Python as well."""
    shared = [domain for domain in sketch.domains if domain.keyed == "family"]
    domain = draw(st.sampled_from(shared if to_families else sketch.domains))
    state = draw(st.sampled_from(domain.states))
    parts = [
        "1", "age > 3", "sex == 'boy'", "risk > 0", f"{domain.name} == '{state}'", f"{domain.name} != '{state}'",
        f"{domain.name} in ['a', '{state}']", f"2 <= age < 9 or previous_{domain.name} == '{state}'",
        f"risk > 0 and not {domain.name} == '{state}'",
    ]  # fmt: skip
    parts += [f"{counter.name} < 1" for counter in sketch.counters]
    for name in sketch.group_values:
        parts += [f"{name} > 0", f"{name} > 0.2", f"{name} < 0.3", f"{name} < 0.5 or risk > 0"]
    if to_families:
        parts = ["1", "home == 'loud'", f"{domain.name} != '{state}'", f"previous_{domain.name} == '{state}'"]
    parts += [f"years_in_{domain.name} > 1"] if domain.clock else []
    return str(draw(st.sampled_from(parts)))


def effect(draw: Draw, sketch: Sketch, name: str) -> Effect | None:
    kinds = {"hazard_ratio": sketch.hazards, "odds_ratio": sketch.uncertain + sketch.certain, "trait_shift": ["risk"]}
    kinds["relative_risk"] = sketch.uncertain
    kind = draw(st.sampled_from(sorted(kinds)))
    if not kinds[kind]:
        return None
    on = draw(st.lists(st.sampled_from(kinds[kind]), min_size=1, max_size=6, unique=True))
    sizes = (-1.5, -0.7) if kind == "relative_risk" else (-1.5, -0.7, 0.9)
    return Effect(
        kind,
        on=() if kind == "trait_shift" else tuple(on),
        trait="risk" if kind == "trait_shift" else None,
        size=draw(st.sampled_from(sizes)),
        fade=Fade(
            draw(st.sampled_from((None, 1.0, 2.5))),
            draw(st.sampled_from((0.0, 3.0))),
            draw(st.sampled_from(("zero", "fade", "hold"))),
        ),
        mechanism=draw(st.sampled_from((name, "shared"))),
        dose=draw(st.sampled_from(("full", "partial"))),
    )


def intervention(draw: Draw, sketch: Sketch, name: str) -> Intervention:
    effects = [effect(draw, sketch, name) for _ in range(draw(st.integers(1, 4)))]
    shared = {domain.name for domain in sketch.domains if domain.keyed == "family"}
    to_families = any(domain in shared for one in effects if one is not None for domain, _, _ in one.on)
    chances = (0, 0.3, 0.8, 1, 1, "0.2 + 0.5 * (home == 'loud')" if to_families else "0.2 + 0.5 * (sex == 'boy')")
    first = draw(st.integers(0, 8))
    coverage = draw(st.sampled_from((0.0, 0.0, 0.2, 0.5)))
    return Intervention(
        name, name, "care",
        ages=(first, first + draw(st.integers(0, 5))),
        when=Expression.of(draw(st.sampled_from((1, condition(draw, sketch, to_families))))),
        uptake=Expression.of(draw(st.sampled_from(chances))),
        years=draw(st.integers(1, 4)),
        offer="once" if coverage else draw(st.sampled_from(("once", "yearly"))),
        stop_when=Expression.of(condition(draw, sketch, to_families)) if draw(st.integers(0, 3)) == 0 else None,
        estimand="tot" if coverage else draw(st.sampled_from(("tot", "itt", "area"))),
        baseline_coverage=coverage,
        replaces=f"years_{sketch.domains[0].name}" if draw(st.booleans()) else None,
        effects=tuple(one for one in effects if one is not None),
    )  # fmt: skip


def with_places(draw: Draw, sketch: Sketch, one: Intervention) -> Intervention:
    """Return an intervention that has, most often, so many places a year."""
    capacity = draw(st.sampled_from((None, 1, 1, 2, 2, 5, 10_000)))
    if capacity is None:
        return one
    shared = {domain.name for domain in sketch.domains if domain.keyed == "family"}
    state = f"{sketch.domains[0].name} == '{sketch.domains[0].states[0]}'"
    ranks = ["risk", "-age", "2 * (sex == 'boy') - age / 10", state, f"not {state}"]
    if any(domain in shared for effect in one.effects for domain, _, _ in effect.on):
        ranks = ["home == 'loud'", "-(home == 'loud')"]
    rank = draw(st.sampled_from((None, *ranks)))
    return replace(
        one,
        baseline_coverage=0.0,
        capacity_per_year=capacity,
        rank=None if rank is None else Expression.of(rank),
        waiting_years=draw(st.sampled_from((None, None, 0, 1, 3))),
    )


def variant(draw: Draw, one: Intervention) -> Intervention:
    """Return an intervention as an arm may change it: uptake always, more where nothing is delivered already."""
    changed = replace(one, uptake=Expression.of(draw(st.sampled_from((0.1, 0.6)))), base=one.name)
    if one.capacity_per_year is not None:
        return replace(changed, capacity_per_year=draw(st.sampled_from((None, 1, 3))))
    if one.baseline_coverage or draw(st.booleans()):
        return changed
    return replace(changed, years=one.years % 3 + 1, ages=(one.ages[0], one.ages[1] + 1))


def quantities(name: str) -> Quantities:
    rows = Quantities()

    def years(**values: Any) -> Any:
        return values[name] == "a"

    rows.quantity(basis="on_date", unit="years")(Rule(years, (name,), False, f"years_{name}"))
    return rows


def in_families(ids: np.ndarray) -> np.ndarray:
    """Return a family for each person: two by two, every seventh person the only child."""
    return np.where(ids % np.uint64(7) == 0, ids + np.uint64(2**60), ids // np.uint64(2))


def add_group_value(draw: Draw, domain: Domain, counters: list[Counter]) -> None:
    """Declare what share of the others is in some state of a domain, or is told by a counter."""
    state = draw(st.sampled_from(domain.states))
    name = draw(st.sampled_from((domain.name, *(counter.name for counter in counters))))

    def holds(values: dict[str, Any]) -> Any:
        return values[name] == state if name == domain.name else values[name] > 0

    bins = draw(st.sampled_from(((0, 1), (0.0, 0.05, 0.2, 0.6), (0.0, 0.25, 0.5, 0.75, 1.0))))
    domain.group_value(bins=bins, ages=draw(st.sampled_from(((0, 100), window(draw)))))(rule((name,), holds, "others"))


@st.composite
def scenarios(
    draw: Draw,
    persons: int,
    horizon: int = LAST_AGE + 1,
    *,
    classes: bool = False,
    places: bool = False,
    copies: int = 1,
) -> Scenario:
    """Draw a whole scenario of 1 to 3 domains and 1 to 3 arms beside the baseline.

    persons: of one copy; classes: whether the cohort may be in classes, models may ask about classmates in any case;
    places: whether offers have so many places a year.
    """
    domains = []
    for name in NAMES[: draw(st.integers(1, 3))]:
        states = STATES[: draw(st.sampled_from((2, 3, 3, 4, 6)))]
        keyed = draw(st.sampled_from(("person", "person", "family")))
        clock = draw(st.sampled_from((0, 2, 6)))
        domains.append(Domain(name, states, draw(st.sampled_from(states)), clock=clock, keyed=keyed))
    first = domains[0].name
    start = domains[0].start
    counters = [
        Counter("ever_left", rule((first,), lambda v: v[first] != start, "ever_left")),
        Counter(
            "times",
            rule(
                (f"previous_{first}", first), lambda v: (v[f"previous_{first}"] == start) & (v[first] != start), "times"
            ),
            cap=2,
        ),
    ][: draw(st.integers(0, 2))]
    if classes or draw(st.booleans()):
        add_group_value(draw, domains[0], counters)
    sketch = Sketch(domains, counters, tuple(value.name for value in domains[0].group_values))
    for place in range(len(domains)):
        fill(draw, sketch, place)
    attributes = [
        Attribute("sex", {"girl": 0.4, "boy": 0.6}),
        Attribute("risk", {sex: {"1": 0.3, "2": 0.0, "3": 0.7} for sex in ("girl", "boy")}, given=("sex",)),
        Attribute("home", {"calm": 0.8, "loud": 0.2}),
    ]
    if draw(st.booleans()):
        shares = {"calm": {"a": 0.5, "b": 0.5}, "loud": {"a": 0.9, "b": 0.1}}
        attributes.append(Attribute(first, shares, given=("home",)))
    death = mortality(draw, sketch)
    model = Model("random", tuple(domains), TRAITS, death, tuple(counters), quantities(first))
    pool = [intervention(draw, sketch, name) for name in ("one", "two", "three")[: draw(st.integers(1, 3))]]
    pool = [with_places(draw, sketch, one) for one in pool] if places else pool
    current = [one for one in pool if draw(st.integers(0, 3)) == 0]
    arms = {"baseline": Arm(tuple(current))}
    for number in range(draw(st.integers(1, 3))):
        chosen = [one for one in pool if draw(st.integers(0, 3)) > 0]
        offers = [variant(draw, one) if draw(st.integers(0, 2)) == 0 else one for one in chosen]
        arms[f"arm_{number}"] = Arm(tuple(offers))
    needs = [Need(frozenset({name, f"previous_{name}", "sex"})) for name in model.changing]
    size = draw(st.sampled_from((3, 7, 40, None))) if classes else None
    cohort = Cohort(2020, persons, copies, class_size=size)
    scenario = Scenario(
        model=model, population=Population("random", tuple(attributes)), cohort=cohort,
        arms=arms, horizon=horizon, needs=(*needs, Need(frozenset({first}), deaths=True)),
    )  # fmt: skip
    try:
        bind(scenario).make_tables()
    except FramsynError as error:
        if any(sentence in str(error) for sentence in MAY_BE_REFUSED):
            reject()
        raise
    return scenario
