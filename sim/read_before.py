"""What files held when they were read before, kept by the digest of their bytes: parsing is most of a short start.

Layer 1: keeps plain values and places, never a mistake; whatever cannot be read back is read from the file again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from sim.cache import cache_folder

Places = Mapping[tuple[str | int, ...], tuple[int, int]]


class _Kept(Mapping[tuple[str | int, ...], tuple[int, int]]):
    """Places as they were kept; read when the first is asked for, which only a mistake does."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def rows(self) -> Places:
        return {tuple(path): (line, column) for path, line, column in json.loads(self.text)}

    def __getitem__(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        return self.rows[path]

    def __iter__(self) -> Iterator[tuple[str | int, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@cache
def _folder() -> Path:
    """Return the folder of this version of the reader: what reads differently is kept apart."""
    digest = hashlib.sha256()
    for name in ("source", "scalars", "plain_text", "read_before"):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return cache_folder() / "sources" / digest.hexdigest()[:16]


def recall(digest: str) -> tuple[Any, Places, Places] | None:
    """Return the values and the places of values and keys of a file with this digest; None if they are not known."""
    try:
        text = (_folder() / f"{digest}.json").read_text(encoding="utf-8")
        check, _, body = text.partition("\n")
        if check != hashlib.sha256(body.encode()).hexdigest():
            return None
        values, places, key_places = body.split("\n")
        return json.loads(values), _Kept(places), _Kept(key_places)
    except (OSError, ValueError):
        return None


def keep(digest: str, values: Any, places: Places, key_places: Places) -> None:
    """Keep what a file held; a folder that cannot be written to is no mistake."""
    rows = ([[[*path], *place] for path, place in one.items()] for one in (places, key_places))
    body = "\n".join(json.dumps(one, ensure_ascii=False) for one in (values, *rows))
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=_folder(), encoding="utf-8", delete=False) as file:
            file.write(hashlib.sha256(body.encode()).hexdigest() + "\n" + body)
        os.replace(file.name, _folder() / f"{digest}.json")
    except OSError:
        return
