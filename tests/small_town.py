"""A small model with files of its own: two domains that are linked both ways, and where people live.

For tests of what files say about links and about who pays after a move, whatever the shipped model holds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim.files
from sim.domain import Counter, Domain, Quantities
from sim.model import Model
from sim.people import Trait

LODGING = Domain("lodging", ("home", "foster", "ward"), "home", clock=3)
LESSONS = Domain("lessons", ("on_track", "behind"), "on_track")
RESIDENCE = Domain("residence", ("own", "region", "elsewhere", "abroad"), "own")


@LODGING.hazard("home", "foster", ages=(0, 9))
def is_placed(previous_lessons, sex, p):
    return p.placement * np.exp(p.by_lessons[previous_lessons] + p.boy * (sex == "boy"))


@LODGING.hazard("foster", "ward")
def breaks_down(years_in_lodging):
    return 0.2 / (1 + years_in_lodging)


@LODGING.hazard("foster", "home")
def returns():
    return 0.4


@LESSONS.occasion("on_track", "behind", ages=(2, 9))
def falls_behind(previous_lodging, previous_ever_placed, years_in_lodging, p):
    odds = np.exp(p.by_lodging[previous_lodging] + p.by_ever[previous_ever_placed] + p.by_years[years_in_lodging])
    return 0.1 * odds / (1 + 0.1 * odds)


@LESSONS.hazard("behind", "on_track")
def catches_up(lodging):
    return 0.5 * (lodging != "ward")  # structural: nobody catches up there


@RESIDENCE.hazard("own", "region", ages=(4, 8))
def moves_near():
    return 0.1


@RESIDENCE.hazard("own", "elsewhere", ages=(4, 8))
def moves_far():
    return 0.05


@RESIDENCE.hazard("own", "abroad", ages=(4, 8))
def emigrates():
    return 0.02


QUANTITIES = Quantities()


@QUANTITIES.quantity(basis="on_date", unit="pupil-years")
def behind(lessons):
    return lessons == "behind"


@QUANTITIES.quantity(basis="on_date", unit="person-years")
def fostered(lodging):
    return lodging != "home"


MODEL = Model(
    "town",
    (LODGING, LESSONS, RESIDENCE),
    traits=(Trait("sex", ("girl", "boy")),),
    counters=(Counter("ever_placed", lambda lodging: lodging != "home"),),
    quantities=QUANTITIES,
)

_TAIL = "source: invented, provenance: assumed"

FILES = {
    "town.yaml": """\
title: A small town
model: town
population: town
prices: town
cohort: {born: 2026, represents: 200, copies: 4}
horizon: 12
economics: {price_year: 2024, discount_rate: 0.03}
measures: [behind]
arms:
  baseline: {}
  tutors: {interventions: [tutors]}
""",
    "populations/town.yaml": f"""\
title: Everybody
births_per_year: {{value: 200, unit: births, {_TAIL}}}
attributes:
  sex: {{shares: {{girl: 0.5, boy: 0.5}}, {_TAIL}}}
""",
    "parameters/lodging.yaml": f"""\
domain: lodging
parameters:
  placement: {{value: 0.1, unit: per year, uncertainty: none, {_TAIL}}}
  boy: {{value: 0.2, unit: log ratio, uncertainty: none, {_TAIL}}}
  by_lessons:
    value: {{on_track: 0, behind: 1.5}}
    unit: log ratio
    link: {{from: lessons, causal_share: common}}
    uncertainty: {{se: 0.3}}
    source: invented
    provenance: assumed
""",
    "parameters/lessons.yaml": f"""\
domain: lessons
parameters:
  by_lodging:
    value: {{home: 0, foster: 0.8, ward: 1.2}}
    unit: log odds ratio
    link: {{from: lodging, causal_share: common}}
    uncertainty: {{se: 0.3}}
    source: invented
    provenance: assumed
  by_ever:
    value: {{0: 0, 1: 0.5}}
    unit: log odds ratio
    link: {{from: lodging, causal_share: 0.5}}
    uncertainty: {{se: 0.3}}
    source: a lottery
    provenance: recalled
  by_years: {{value: {{0: 0.2, 1-3: 0}}, unit: log odds ratio, uncertainty: none, {_TAIL},
             link: {{from: lodging, causal_share: 1}}}}
""",
    "parameters/quantities.yaml": "domain: quantities\nparameters: {}\n",
    "parameters/residence.yaml": "domain: residence\nparameters: {}\n",
    "prices/town.yaml": f"""\
title: Prices of the town
payers: [municipality.school, municipality.social, municipality.other, region.other, state]
residence:
  column: residence
  own: own
  elsewhere:
    region: {{municipality: municipality.other}}
    elsewhere: {{municipality: municipality.other, region: region.other}}
    abroad: nobody
prices:
  support: {{title: Support, quantity: behind, amount: 1000, unit: SEK, price_year: 2024,
            payer: municipality.school, {_TAIL}}}
  fosterage: {{title: Fosterage, quantity: fostered, amount: 9000, unit: SEK, price_year: 2024,
              payer: {{municipality.social: 0.9, state: 0.1}}, stays: true, {_TAIL}}}
""",
    "interventions/tutors.yaml": """\
title: Tutors
field: school
deliver: {ages: [2, 4], uptake: 0.8, years: 2}
cost: [{per: start, amount: 500, price_year: 2024, payer: municipality.school}]
effects:
  - {on: "lessons: on_track -> behind", odds_ratio: 0.4, beyond_follow_up: hold, mechanism: tutors}
evidence: {design: rct, country: SE, n: 100, year: 2020, estimand: tot, comparator: usual, control_risk: 0.2,
           follow_up_years: 2, scale: odds, source: invented, provenance: assumed}
""",
}
"""By path."""


def settle(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the files of the town, let scenarios name its model, and return its scenario."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    patch.setattr(sim.files, "load_model", lambda name: MODEL)
    return folder / "town.yaml"


def rewrite(folder: Path, name: str, old: str, new: str) -> None:
    """Change one thing in one file of the town."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old!r}"
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
