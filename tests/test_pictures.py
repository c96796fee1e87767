"""Pictures of the life courses: the shares that they show, and that they are drawn small enough for a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.pictures import GROUPINGS, PICTURES, Panel, draw, needs, shares_by_age
from sim.engine import simulate
from sim.files import load_model
from sim.ledger import Need
from sim.outcome import Outcome
from sim.scenario import Cohort
from tests.models import lives, scenario

DOCS = Path(__file__).parents[1] / "docs" / "life_course"


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    asked = tuple(Need(frozenset({"care", group})) for group in ("sex", "risk"))
    return simulate(scenario(cohort=Cohort(2020, 150, 2), needs=asked))


def test_a_share_is_that_of_the_living_of_the_group(outcome: Outcome) -> None:
    shares = shares_by_age(outcome, "care", "risk")
    lived = lives(outcome.plan)
    assert shares.shape == (3, 35, 3)
    for code in range(3):
        own = lived.column("risk")[0] == code
        there = lived.states("care")[1:, own]
        for place, state in enumerate(("home", "foster", "institution")):
            expected = (there == state).sum(axis=1) / (there != "dead").sum(axis=1)
            np.testing.assert_allclose(shares[code, :, place], expected, rtol=1e-12)


def test_every_picture_is_of_a_domain_of_the_model_that_ships() -> None:
    model = load_model("lifecourse")
    domains = {domain.name for domain in model.domains}
    assert {panel.domain for panel in PICTURES} <= domains
    assert len(needs(model)) == len(PICTURES) * len(GROUPINGS)
    for panel in PICTURES:
        assert set(panel.last) <= set(model.domain(panel.domain).states)


def test_every_picture_is_there_explained_and_small() -> None:
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    for panel in PICTURES:
        file = DOCS / f"{panel.domain}.png"
        assert f"({file.name})" in text
        assert 10_000 < file.stat().st_size < 300_000


def test_a_model_is_drawn(outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("calibration.pictures.GROUPINGS", ("sex", "risk"))
    monkeypatch.setattr(
        "calibration.pictures.PICTURES", (Panel("care", (0, 17), 0.5, ("home",)), Panel("none", (0, 1)))
    )
    (file,) = draw(outcome, tmp_path)
    assert file.name == "care.png"
    assert file.read_bytes()[:4] == b"\x89PNG"
