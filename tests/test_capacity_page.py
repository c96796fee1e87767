"""The example of `docs/capacity.md` is run as it stands there, and says what the page says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "capacity.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scenario of the page; the files that it shows stand where it says."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "interventions").mkdir()
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL):
        name = re.match(r"# (\S+)\n", text)
        assert name is not None
        (folder / name[1]).write_text(text, encoding="utf-8")
    return folder / "mentors.yaml"


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_example_of_the_page_is_in_order(example: Path) -> None:
    out = printed("check", example)
    assert "4 places a year in each copy; first in line: the highest 2 * (conduct == 'severe')" in out
    assert "are shared by 5 birth years, 0.8 places a year for each" in out
    assert out.count("for each 6 in delivery") == 4


def test_the_example_of_the_page_answers(example: Path, tmp_path: Path) -> None:
    answer = json.loads(printed("compare", example, "--json", "--out", tmp_path / "run"))
    lines = {arm: one["queues"]["mentors"] for arm, one in answer["arms"].items() if "queues" in one}
    assert list(lines) == ["baseline", "eight", "by_lot"]
    assert lines["baseline"]["started"] == pytest.approx(4, abs=0.3)
    assert lines["eight"]["started"] > lines["baseline"]["started"]
    assert lines["eight"]["waiting"] < lines["baseline"]["waiting"]
    assert lines["by_lot"]["started"] == pytest.approx(lines["baseline"]["started"], abs=0.3)
    for arm, one in answer["comparisons"].items():
        assert one["participants"] > 0
        assert (one["by_payer"]["municipality"]["spent_per_person"] > 0) == (arm in ("eight", "everyone"))
    words = printed("price", tmp_path / "run")
    shown = re.search(r"```\n(  Line for mentors, 8 .*?)```", PAGE, flags=re.DOTALL)
    assert shown is not None
    assert without_figures(" ".join(shown[1].split())) in without_figures(words)


def without_figures(text: str) -> str:
    """Return a text whose figures, which change with the model's parameters, are left out."""
    return re.sub(r"\d+(\.\d+)?", "#", text)
