"""A run folder is whole or not there, gives back what was counted, and refuses to be read once anything is changed."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim.engine
import sim.files
import sim.store
from sim.comparison import compare
from sim.draws import RNG_VERSION
from sim.engine import simulate
from sim.errors import StoreError
from sim.files import load_plan, shipped_folder
from sim.ledger import PARTS
from sim.outcome import Outcome
from sim.plan import Plan
from sim.store import read_run, write_run

TOWN = """\
title: A small town
model: lifecourse
population: norrkoping
cohort: {born: 2026, represents: 150, copies: 3}
horizon: 40
economics: {price_year: 2024, discount_rate: 0.03}
measures: [placed, diplomas]
arms:
  baseline: {}
  visits: {interventions: [extended_home_visits]}
  reading: {interventions: [intensive_reading], prices: {special_support: {amount: 90000}}}
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    path = tmp_path_factory.mktemp("scenario") / "town.yaml"
    path.write_text(TOWN)
    return simulate(load_plan(path), seed=2**64 - 1, threads=2)


@pytest.fixture(scope="module")
def written(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(outcome, tmp_path_factory.mktemp("runs") / "town-1")


@pytest.fixture
def run(written: Path, tmp_path: Path) -> Path:
    """Return a copy of the run folder that a test may damage."""
    return Path(shutil.copytree(written, tmp_path / "run"))


@pytest.fixture
def bound_once(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bind the scenario once, for tests that read the folder often and leave its scenario alone."""

    def bound(resolved: dict[str, Any]) -> Plan:
        assert resolved == outcome.plan.scenario.resolved
        return outcome.plan

    monkeypatch.setattr(sim.store, "load_resolved", bound)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder by name, and every folder as one ending in /."""
    every = sorted(folder.rglob("*"))
    names = {one: str(one.relative_to(folder)) for one in every}
    return {names[one] + "/" * one.is_dir(): b"" if one.is_dir() else one.read_bytes() for one in every}


# There and back


def test_what_is_read_is_what_was_written(outcome: Outcome, written: Path) -> None:
    again = read_run(written)
    assert again.digest() == outcome.digest()
    assert list(again.arms) == ["visits", "reading"]
    for arm in again.arms:
        for life in ("in_arm", "in_baseline"):
            left, right = getattr(again.arms[arm], life), getattr(outcome.arms[arm], life)
            assert all((getattr(left, part) == getattr(right, part)).all() for part in PARTS)
        assert (again.arms[arm].participants == outcome.arms[arm].participants).all()
    assert (again.seed, again.replicate, again.person_years) == (2**64 - 1, 0, outcome.person_years)
    assert again.plan.threshold_digest == outcome.plan.threshold_digest
    assert again.plan.margins == outcome.plan.margins
    for name, file in outcome.plan.scenario.resolved.items():
        values = again.plan.scenario.resolved[name]
        assert values == file or values["values"] == file["values"]


def test_a_scenario_read_again_still_names_the_digests_of_its_files(outcome: Outcome, written: Path) -> None:
    assert read_run(written).plan.scenario.resolved == outcome.plan.scenario.resolved


def test_a_run_is_priced_again_to_the_same_numbers_without_simulating(
    outcome: Outcome, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lived(*_: object, **__: object) -> None:
        raise AssertionError("a life was lived")

    monkeypatch.setattr(sim.engine, "Chunk", lived)
    again, before = compare(read_run(written)), compare(outcome)
    assert again.costs == before.costs
    assert again.payers == before.payers
    for arm, result in again.arms.items():
        assert result.measures == before.arms[arm].measures
        assert result.delivered == before.arms[arm].delivered
        for payer, one in result.by_payer.items():
            other = before.arms[arm].by_payer[payer]
            assert (one.incremental, one.gross, one.spent, one.se) == (
                other.incremental, other.gross, other.spent, other.se,
            )  # fmt: skip
            assert (one.cumulative == other.cumulative).all()


def test_a_run_needs_none_of_the_files_it_was_made_from(
    outcome: Outcome, written: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sim.files, "shipped_folder", lambda: tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    assert read_run(written).digest() == outcome.digest()


def test_two_writings_of_one_outcome_are_the_same_bytes(outcome: Outcome, written: Path, tmp_path: Path) -> None:
    assert files_of(write_run(outcome, tmp_path / "again")) == files_of(written)


# What the folder says of itself


def test_the_description_holds_versions_the_resolved_scenario_and_digests(outcome: Outcome, written: Path) -> None:
    about = json.loads((written / "run.json").read_text(encoding="utf-8"))
    assert set(about["versions"]) >= {"python", "rng", "framsyn", "numpy", "numba", "pyarrow"}
    assert about["versions"]["rng"] == RNG_VERSION
    assert about["ledger_digest"] == outcome.digest()
    assert about["threshold_digest"] == outcome.plan.threshold_digest
    parts = [f"{arm}.{part}" for arm in ("visits", "reading") for part in ("in_arm", "in_baseline", "refused")]
    names = {f"{name}.parquet" for name in ("baseline", *parts)}
    assert set(about["files"]) == {one.name for one in written.glob("*.parquet")} == names
    for name, digest in about["files"].items():
        assert hashlib.sha256((written / name).read_bytes()).hexdigest() == digest
    scenario = about["scenario"]
    assert (scenario["name"], scenario["copies"]) == ("town", 3)
    files = {key: value for key, value in scenario.items() if isinstance(value, dict)}
    assert {key.split("/")[0] for key in files} == {"scenario", "interventions", "parameters", "populations", "prices"}
    assert all(len(one["sha256"]) == 64 for one in files.values())


def test_every_figure_in_the_folder_keeps_its_source_and_provenance(written: Path) -> None:
    scenario = json.loads((written / "run.json").read_text(encoding="utf-8"))["scenario"]
    figures = 0
    for key, file in scenario.items():
        kind = key.split("/")[0]
        if kind == "parameters":
            rows = list(file["values"]["parameters"].values())
        elif kind == "interventions":
            rows = [file["values"]["evidence"]]
        elif key == "prices/sweden":
            rows = list(file["values"]["prices"].values())
        elif kind == "populations":
            rows = [file["values"]["births_per_year"], *file["values"]["attributes"].values()]
        else:
            continue
        figures += len(rows)
        assert all(row["source"] and row["provenance"] for row in rows), key
    assert figures > 150


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def test_the_folder_names_no_path_of_the_machine(written: Path, tmp_path: Path) -> None:
    places = [str(shipped_folder().resolve().parent), str(Path.home()), str(tmp_path.parent.parent), str(Path.cwd())]
    for name, content in files_of(written).items():
        text = content.decode("utf-8", errors="ignore")
        assert not [place for place in places if place in text], name
    about = json.loads((written / "run.json").read_text(encoding="utf-8"))
    assert not [one for one in texts(about) if one.startswith("/") or one[1:3] == ":\\"]


# Writing


def test_a_folder_that_exists_is_refused_and_left_as_it_was(outcome: Outcome, run: Path) -> None:
    (run / "mine.txt").write_text("keep me")
    before = files_of(run.parent)
    with pytest.raises(StoreError, match="exists already") as caught:
        write_run(outcome, run)
    assert caught.value.problems[0].hint == "name another one with --out"
    assert files_of(run.parent) == before


def test_a_file_in_the_folders_place_is_refused_and_left_as_it_was(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("keep me")
    with pytest.raises(StoreError, match="exists already"):
        write_run(outcome, tmp_path / "run")
    assert files_of(tmp_path) == {"run": b"keep me"}


def test_a_place_that_cannot_be_written_is_a_sentence(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="cannot be written"):
        write_run(outcome, tmp_path / "file" / "run")
    assert files_of(tmp_path) == {"file": b"no folder"}


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("odd")])
@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_write_that_fails_anywhere_leaves_nothing(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, at: int
) -> None:
    synced: list[int] = []

    def fail(number: int) -> None:
        synced.append(number)
        if len(synced) > at:
            raise failure

    monkeypatch.setattr(sim.store.os, "fsync", fail)  # after each ledger, and after the description
    with pytest.raises(StoreError if isinstance(failure, OSError) else type(failure)):
        write_run(outcome, tmp_path / "run")
    assert len(synced) == at + 1
    assert files_of(tmp_path) == {}


def test_a_write_that_fails_leaves_no_new_folder_above_it_either(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sim.store.os, "fsync", fail)
    with pytest.raises(StoreError, match="No space left"):
        write_run(outcome, tmp_path / "runs" / "town-1")
    assert files_of(tmp_path) == {}


# Damage


def ledgers(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def refused(folder: Path) -> str | None:
    """Return the sentence with which a folder is refused; None where it is read."""
    try:
        read_run(folder)
    except StoreError as error:
        return str(error)
    return None


@pytest.mark.usefixtures("bound_once")
def test_a_flipped_bit_anywhere_in_a_ledger_is_refused(run: Path) -> None:
    assert refused(run) is None
    chance, silent = random.Random(11), []
    for number in range(60):
        path = ledgers(run)[number % 7]
        whole = path.read_bytes()
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        sentence = refused(run)
        if sentence is None:
            silent.append(f"{path.name}, byte {place} of {len(whole)}, bit {bit}")
        else:
            assert path.name in sentence
        path.write_bytes(whole)
    assert silent == []


@pytest.mark.usefixtures("bound_once")
def test_a_flipped_bit_anywhere_in_the_description_is_refused(run: Path) -> None:
    chance, silent = random.Random(13), []
    path = run / "run.json"
    whole = path.read_bytes()
    for _ in range(60):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        if refused(run) is None:
            silent.append(f"byte {place}, bit {bit}: {whole[place - 20 : place + 20]!r}")
    assert silent == []


@pytest.mark.usefixtures("bound_once")
@pytest.mark.parametrize("kept", [0, 1, 4, 100, 0.25, 0.5, 0.9, -8, -4, -1])
def test_a_truncated_ledger_is_refused(run: Path, kept: float) -> None:
    path = run / "baseline.parquet"
    whole = path.read_bytes()
    length = int(kept * len(whole)) if 0 < kept < 1 else int(kept)
    path.write_bytes(whole[:length])
    sentence = refused(run)
    assert sentence is not None
    assert "baseline.parquet" in sentence


@pytest.mark.usefixtures("bound_once")
@pytest.mark.parametrize("number", range(7))
def test_a_missing_ledger_is_refused_by_name(run: Path, number: int) -> None:
    path = ledgers(run)[number]
    path.unlink()
    sentence = refused(run)
    assert sentence is not None
    assert f"{path.name}' cannot be read" in sentence


@pytest.mark.usefixtures("bound_once")
def test_ledgers_that_changed_places_are_refused(run: Path) -> None:
    one, other = run / "visits.in_arm.parquet", run / "reading.in_arm.parquet"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    sentence = refused(run)
    assert sentence is not None
    assert "is not the file that was written" in sentence


@pytest.mark.usefixtures("bound_once")
def test_a_ledger_of_another_run_is_refused(outcome: Outcome, run: Path, tmp_path: Path) -> None:
    other = write_run(simulate(outcome.plan, seed=3, threads=2), tmp_path / "other")
    shutil.copy(other / "baseline.parquet", run / "baseline.parquet")
    assert "digest differs" in str(refused(run))


def edited(run: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    change(about)
    (run / "run.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    return run


def test_a_description_that_is_missing_cut_off_or_no_description_is_refused(run: Path) -> None:
    path = run / "run.json"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"[]", b"null", b"\xff\xfe", whole.replace(b'"format": 2', b"")):
        path.write_bytes(content)
        assert str(run) in str(refused(run)), content[:20]
    path.unlink()
    assert "it has no run.json" in str(refused(run))
    assert "is no run folder" in str(refused(run / "nowhere"))


def test_another_format_is_refused_with_the_one_that_is_read(run: Path) -> None:
    assert "has the format 99; this version reads 2" in str(refused(edited(run, lambda about: about.update(format=99))))


KEYS = (
    "format", "scenario", "seed", "replicate", "person_years", "participants", "files", "ledger_digest",
    "threshold_digest", "versions", "digest",
)  # fmt: skip


@pytest.mark.usefixtures("bound_once")
@pytest.mark.parametrize("key", KEYS)
def test_a_description_that_lacks_something_is_refused(run: Path, key: str) -> None:
    assert refused(edited(run, lambda about: about.pop(key))) is not None


def _dearer(about: dict[str, Any]) -> None:
    about["scenario"]["prices/sweden"]["values"]["prices"]["preschool"]["amount"] = 163001


def _healthier(about: dict[str, Any]) -> None:
    about["scenario"]["parameters/quantities"]["values"]["parameters"]["sickness_compensation_year"]["value"] = 0


def _fewer(about: dict[str, Any]) -> None:
    about["participants"]["visits"][0] -= 1


def _other_seed(about: dict[str, Any]) -> None:
    about["seed"] = 7


@pytest.mark.parametrize("change", [_dearer, _healthier, _fewer, _other_seed])
def test_a_figure_changed_in_the_description_is_refused(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    assert refused(edited(run, change)) is not None


def test_a_ledger_holds_only_counts_that_are_not_0(outcome: Outcome, written: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(written / "baseline.parquet")
    assert table.column_names == ["part", "place", "count"]
    assert np.all(table["count"].to_numpy() != 0)
    assert table.num_rows == sum(len(outcome.baseline.nonzero(part)[0]) for part in PARTS)
