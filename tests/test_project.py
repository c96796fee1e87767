"""The house itself: versions that agree, files that name no machine, content that is shipped and found."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.files import load_plan, shipped_folder

ROOT = Path(__file__).parents[1]

NOT_THE_PROJECTS = {".git", ".venv", ".hypothesis", "__pycache__", "runs", "dist", "build", "uv.lock"}
"""What tools leave behind (and `.gitignore` keeps out)."""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def files(folder: Path = ROOT) -> Iterator[Path]:
    for one in sorted(folder.iterdir()):
        if one.name in NOT_THE_PROJECTS or one.name.endswith(("_cache", ".egg-info")):
            continue
        if one.is_dir():
            yield from files(one)
        else:
            yield one


# Versions


def pinned(line: str) -> tuple[str, str, str]:
    """Return name, version and the condition of a pin, each in one spelling."""
    pin, _, marker = line.partition(";")
    name, _, version = pin.strip().partition("==")
    return re.sub(r"[-_.]+", "-", name).lower(), version, " ".join(marker.split())


def test_the_locked_versions_are_those_that_the_project_holds_uv_to(project: dict[str, Any], lock: str) -> None:
    lines = [one.rstrip(" \\") for one in lock.splitlines() if re.match(r"[A-Za-z0-9]", one)]
    locked, held = (
        {pinned(one) for one in lines},
        {pinned(one) for one in project["tool"]["uv"]["constraint-dependencies"]},
    )
    assert len(locked) == len(lines)
    assert all(version for _, version, _ in locked)
    assert locked == held


def test_every_dependency_is_locked(project: dict[str, Any], lock: str) -> None:
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[<>=!~ ;\[]", one)[0]).lower() for one in asked}
    locked = {pinned(one)[0] for one in lock.splitlines() if re.match(r"[A-Za-z0-9]", one)}
    assert names <= locked


def test_every_locked_version_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", "\n" + "\n".join(x for x in lock.splitlines() if not x.startswith("#")))
    entries = [entry for entry in entries if entry.strip()]
    assert len(entries) > 20
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry.splitlines()[0]


def test_the_lock_names_no_host(lock: str) -> None:
    assert "://" not in lock
    assert not re.search(r"--(?:extra-)?(?:index-url|find-links|trusted-host)|^-[if] ", lock, re.MULTILINE)
    assert " @ " not in lock


def test_the_lock_of_uv_and_a_fixed_interpreter_are_left_out(project: dict[str, Any]) -> None:
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert not (ROOT / ".python-version").exists()
    assert project["tool"]["uv"]["python-downloads"] == "never"


# Files


MACHINE = re.compile(
    r"(?<![\w.:/~])/(?:home|root|users|work|tmp|mnt|opt|srv|var|private)/\w|\b[a-z]:\\+(?:users|windows|temp)\b|file:/{2}",
    re.IGNORECASE,
)


def test_no_file_names_a_place_on_some_machine() -> None:
    found = []
    for path in files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


@pytest.mark.parametrize(
    "place", ["see " + "/" + "home/someone/x", "('" + "/" + "tmp/x')", "C:" + "\\" + "Users\\x", "file:" + "//x"]
)
def test_such_a_place_would_be_found(place: str) -> None:
    assert MACHINE.search(place)


def test_every_file_is_utf_8_and_ends_in_a_line() -> None:
    for path in files():
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".csv", ".lock"}:
            text = path.read_text(encoding="utf-8")
            assert text == "" or text.endswith("\n"), path.relative_to(ROOT)


def test_the_readme_names_the_command_that_answers_and_the_one_that_tests() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "uv run framsyn compare scenarios/norrkoping.yaml" in readme
    assert "uv run pytest" in readme
    last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
    assert last in readme  # the check runs what the reader is told to run


def test_every_decision_is_listed_and_every_listed_one_is_there() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {one.name for one in folder.glob("0*.md")}


def test_every_file_that_the_documentation_points_to_is_there() -> None:
    missing = []
    for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]:
        for name in re.findall(r"`((?:sim|calibration|scenarios|tests|benchmarks|docs)/[\w./-]*)`", path.read_text()):
            if not (ROOT / name).exists():
                missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert missing == []


# What is shipped


def test_the_wheel_holds_the_scenarios_where_the_program_looks_for_them(project: dict[str, Any]) -> None:
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["sim", "calibration"]
    assert wheel["force-include"] == {"scenarios": "sim/scenarios"}


def test_the_shipped_folder_is_found_and_complete() -> None:
    folder = shipped_folder()
    assert {one.name for one in folder.iterdir() if one.is_dir()} == {
        "interventions",
        "parameters",
        "populations",
        "prices",
    }
    assert {one.stem for one in folder.glob("*.yaml")} >= {"norrkoping", "sweden"}


@pytest.mark.parametrize("scenario", sorted(path.name for path in shipped_folder().glob("*.yaml")))
def test_every_shipped_scenario_is_in_order(scenario: str) -> None:
    plan = load_plan(shipped_folder() / scenario)
    assert plan.scenario.title
    assert "baseline" in plan.arms


def test_the_command_and_the_licence_are_declared(project: dict[str, Any]) -> None:
    assert project["project"]["scripts"] == {"framsyn": "sim.cli:main"}
    assert (ROOT / project["project"]["license"]["file"]).is_file()
    assert (ROOT / project["project"]["readme"]).is_file()
    assert f"## {project['project']['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "### Changes in results" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
