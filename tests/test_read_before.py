"""What a file held when it was read before comes back exactly, and nothing damaged or stale does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import read_before
from sim.errors import ScenarioError
from sim.files import shipped_folder
from sim.source import read_yaml


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of kept sources, empty."""
    monkeypatch.setenv("FRAMSYN_CACHE", str(tmp_path / "cache"))
    read_before._folder.cache_clear()
    folder = read_before._folder()
    yield folder
    read_before._folder.cache_clear()


def test_every_shipped_file_reads_the_same_a_second_time(kept: Path) -> None:
    files = sorted(shipped_folder().rglob("*.yaml"))
    first = [read_yaml(file) for file in files]
    assert len(list(kept.glob("*.json"))) == len({one.digest for one in first})
    for file, before in zip(files, first, strict=True):
        again = read_yaml(file)
        assert again == before
        assert list(again.values) == list(before.values), "the order of keys counts: attributes are drawn in it"


def test_a_changed_file_is_read_anew(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("x: 1\n")
    assert read_yaml(file).values == {"x": 1}
    file.write_text("x: 2\n")
    assert read_yaml(file).values == {"x": 2}


def test_a_damaged_copy_is_not_believed(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("rate: 0.25\n")
    read_yaml(file)
    (copy,) = kept.glob("*.json")
    for damaged in (copy.read_text().replace("0.25", "0.75"), "", "no check\n[1, 2"):
        copy.write_text(damaged)
        assert read_yaml(file).values == {"rate": 0.25}


def test_a_mistake_is_told_every_time(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("x: 1\nx: 2\n")
    for _ in range(2):
        with pytest.raises(ScenarioError, match="x"):
            read_yaml(file)
    assert not list(kept.glob("*.json"))


def test_a_cache_that_cannot_be_written_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("FRAMSYN_CACHE", str(blocked))
    read_before._folder.cache_clear()
    file = tmp_path / "a.yaml"
    file.write_text("x: 1\n")
    assert read_yaml(file).values == {"x": 1}
    read_before._folder.cache_clear()
