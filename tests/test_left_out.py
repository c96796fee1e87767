"""A package that is left out looks as if it were not installed, for as long as that is asked and no longer."""

from __future__ import annotations

import importlib
import sys

import pytest

from sim.left_out import without


def test_a_package_is_left_out_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "wave"]:
        monkeypatch.delitem(sys.modules, name)
    before = list(sys.meta_path)
    with without("wave"):
        with pytest.raises(ModuleNotFoundError, match="wave is left out"):
            importlib.import_module("wave")
        importlib.import_module("colorsys")
    assert sys.meta_path == before
    assert importlib.import_module("wave").__name__ == "wave"


def test_what_is_loaded_already_stays() -> None:
    with without("json"):
        assert importlib.import_module("json") is sys.modules["json"]


def test_a_mistake_within_leaves_nothing_behind() -> None:
    before = list(sys.meta_path)
    with pytest.raises(ZeroDivisionError), without("wave.that_is_not_there"):
        raise ZeroDivisionError
    assert sys.meta_path == before
