"""What files held when they were read before, kept by the digest of their bytes: parsing is most of a short start.

Layer 1: keeps plain values and places, never a mistake; whatever cannot be read back is read from the file again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sim.cache import cache_folder

Places = dict[tuple[str | int, ...], tuple[int, int]]


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
        values, places, key_places = json.loads(body)
    except (OSError, ValueError):
        return None
    return values, _as_places(places), _as_places(key_places)


def keep(digest: str, values: Any, places: Places, key_places: Places) -> None:
    """Keep what a file held; a folder that cannot be written to is no mistake."""
    rows = [[[*path], *place] for path, place in places.items()], [[[*p], *place] for p, place in key_places.items()]
    body = json.dumps([values, *rows], ensure_ascii=False)
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=_folder(), encoding="utf-8", delete=False) as file:
            file.write(hashlib.sha256(body.encode()).hexdigest() + "\n" + body)
        os.replace(file.name, _folder() / f"{digest}.json")
    except OSError:
        return


def _as_places(rows: list[Any]) -> Places:
    return {tuple(path): (line, column) for path, line, column in rows}
