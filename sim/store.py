"""The run folder: what a simulation counted, written so that it is whole or not there, and checked when read. Layer 8.

Parquet with page checksums for the ledgers, JSON for the rest. The folder appears in one rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from sim.draws import RNG_VERSION
from sim.engine import empty_ledger
from sim.errors import StoreError
from sim.files import load_resolved
from sim.ledger import PARTS, Ledger
from sim.outcome import ArmCounts, Outcome
from sim.scenario import BASELINE

FORMAT = 2
"""Version of the folder's layout."""

LOST = "lost"
"""In the description of a municipality's run only: who died before the years counted, by year of birth and copy."""

DESCRIPTION = "run.json"
"""What a run rests on, beside its ledgers."""


def write_run(outcome: Outcome, folder: Path) -> Path:
    """Write an outcome to a new folder; returns it. Raises StoreError where it exists or cannot be written."""
    return write_folder(folder, lambda aside: _write_parts(outcome, aside))


def write_folder(folder: Path, write: Callable[[Path], None]) -> Path:
    """Write a new folder that is whole or not there, by what writes its files into another one beside it."""
    if folder.exists():
        raise StoreError(f"the run folder '{folder}' exists already", hint="name another one with --out")
    aside = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    new = [parent for parent in folder.parents if not parent.exists()]
    try:
        aside.mkdir(parents=True)
        write(aside)
        os.replace(aside, folder)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        for parent in new:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise StoreError(f"the run folder '{folder}' cannot be written: {reason}") from None
        raise
    return folder


def read_run(folder: Path) -> Outcome:
    """Read an outcome back; raises StoreError where the folder is missing, damaged, changed or of another format."""
    about = description_of(folder)
    if LOST in about:
        raise StoreError(
            f"'{folder}' holds a municipality, not a birth cohort", hint="read it by sim.town_store.read_town"
        )
    check_files(about, folder)
    plan = load_resolved(about["scenario"])
    ledgers = {name.removesuffix(".parquet"): read_ledger(folder / name, empty_ledger(plan)) for name in about["files"]}
    arms = {}
    for arm in plan.compared:
        in_arm, in_baseline = ledgers[f"{arm}.in_arm"], ledgers[f"{arm}.in_baseline"]
        participants = np.array(about["participants"][arm], dtype=np.int64)
        others = about.get("through_classmates", {}).get(arm)
        arms[arm] = ArmCounts(
            in_arm, in_baseline, participants, ledgers[f"{arm}.refused"].deliveries,
            None if others is None else np.array(others, dtype=np.int64),
        )  # fmt: skip
    years = about["person_years"]
    outcome = Outcome(plan, about["seed"], about["replicate"], ledgers[BASELINE], arms, person_years=years)
    if outcome.digest() != about["ledger_digest"]:
        raise StoreError(f"the ledgers in '{folder}' are not those that were written (digest differs)")
    return outcome


def check_files(about: dict[str, Any], folder: Path) -> None:
    """Raise StoreError where a file of a run is not the one that was written."""
    for name, digest in about["files"].items():
        if file_digest(folder / name) != digest:
            raise StoreError(f"'{folder / name}' is not the file that was written (its digest differs)")


def versions() -> dict[str, str]:
    """Return the versions that a result rests on."""
    found = {"python": platform.python_version(), "rng": RNG_VERSION}
    for name in ("framsyn", "numpy", "numba", "pyarrow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _write_parts(outcome: Outcome, folder: Path) -> None:
    files = {}
    for name, ledger in _ledgers(outcome):
        path = folder / f"{name}.parquet"
        write_ledger(ledger, path)
        files[path.name] = file_digest(path)
    plan = outcome.plan
    about = {
        "format": FORMAT,
        "scenario": plan.scenario.resolved,
        "seed": outcome.seed,
        "replicate": outcome.replicate,
        "person_years": outcome.person_years,
        "participants": {arm: counts.participants.tolist() for arm, counts in outcome.arms.items()},
        "through_classmates": {
            arm: counts.through_classmates.tolist()
            for arm, counts in outcome.arms.items()
            if counts.through_classmates is not None
        },
        "files": files,
        "ledger_digest": outcome.digest(),
        "threshold_digest": plan.threshold_digest,
        "versions": versions(),
    }
    write_description(about, folder)


def write_description(about: dict[str, Any], folder: Path) -> None:
    """Write what a run rests on, with a digest of its own."""
    about["digest"] = _description_digest(about)
    with open(folder / DESCRIPTION, "w", encoding="utf-8") as file:
        lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in about.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")  # in order: attributes are drawn one by one
        file.flush()
        os.fsync(file.fileno())


def _description_digest(about: dict[str, Any]) -> str:
    """Return the SHA-256 of a description, its own digest left out."""
    rest = {key: value for key, value in about.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, ensure_ascii=False).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; raises StoreError where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise StoreError(f"'{path}' cannot be read: {error.strerror or error}") from None


def _ledgers(outcome: Outcome) -> Iterator[tuple[str, Ledger]]:
    """Iterate over everything counted; refused offers go as the deliveries of a ledger that counts nothing else."""
    yield BASELINE, outcome.baseline
    for arm, counts in outcome.arms.items():
        yield f"{arm}.in_arm", counts.in_arm
        yield f"{arm}.in_baseline", counts.in_baseline
        nobody = np.zeros((len(counts.refused), outcome.plan.scenario.horizon + 1, 0), dtype=np.int64)
        yield f"{arm}.refused", Ledger((), nobody, counts.refused, np.zeros(len(counts.refused), dtype=np.int64))


def write_ledger(ledger: Ledger, path: Path) -> None:
    """Write the counts that are not 0: part, place in the part, count."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = [ledger.nonzero(name) for name in PARTS]
    columns = {
        "part": np.repeat(np.arange(len(PARTS), dtype=np.int8), [len(places) for places, _ in found]),
        "place": np.concatenate([places for places, _ in found]),
        "count": np.concatenate([counts for _, counts in found]),
    }
    arrays = [  # from the bytes themselves: to look at a NumPy array pyarrow would load pandas
        pa.Array.from_buffers(pa.from_numpy_dtype(one.dtype), len(one), [None, pa.py_buffer(one)])
        for one in columns.values()
    ]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    pq.write_table(table, path, write_page_checksum=True, compression="zstd", use_dictionary=False)
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def read_ledger(path: Path, ledger: Ledger) -> Ledger:
    """Fill a ledger of zeros with the counts that were written; raises StoreError where they cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
        part, place, count = (table[name].to_numpy() for name in ("part", "place", "count"))
        for number, name in enumerate(PARTS):
            getattr(ledger, name).reshape(-1)[place[part == number]] = count[part == number]
    except (OSError, pa.ArrowException, IndexError, KeyError) as error:
        raise StoreError(f"'{path}' is damaged or missing: {str(error).splitlines()[0]}") from None
    return ledger


def description_of(folder: Path) -> dict[str, Any]:
    """Return the description of a run, checked against its own digest."""
    path = folder / DESCRIPTION
    if not path.is_file():
        raise StoreError(f"'{folder}' is no run folder: it has no {DESCRIPTION}")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"'{path}' cannot be read: {error}") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else None
        raise StoreError(f"'{folder}' has the format {found!r}; this version reads {FORMAT}")
    if about.get("digest") != _description_digest(about):
        raise StoreError(f"'{path}' is not the description that was written (its digest differs)")
    return about
