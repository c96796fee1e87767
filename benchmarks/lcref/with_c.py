"""LC-ref/1 in C, written for this one model (`benchmarks/c/`): three variants, called in this process by ctypes.

`threshold tables` is what framsyn is held against: a draw a year for each domain and for death, look-ups in tables
made beforehand. `any event` screens with one draw a year for anything at all. `addressed draws` lives framsyn's own
lives, bit for bit, with Philox draws by person, year and decision. The C is built by gcc into a temporary folder
when it is first needed; `missing` says why it cannot be.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .workload import DOMAINS, Workload, load, read

SOURCES = Path(__file__).parents[1] / "c"
OPTIONS = ("-O3", "-march=native", "-Wall", "-Wextra", "-std=gnu11", "-shared", "-fPIC")
COMPILER = "gcc"
SLOTS = 3
"""Most moves out of one state."""

Thresholds = npt.NDArray[np.uint32]


class CompilerError(RuntimeError):
    """The C sources cannot be built."""


def missing() -> str:
    """Return why there is no C to measure, in a few words; empty where there is."""
    return "" if shutil.which(COMPILER) else f"no C compiler ({COMPILER}) is installed"


@functools.cache
def library() -> ctypes.CDLL:
    """Build the C and load it; raises CompilerError with the compiler's own words, warnings included."""
    if missing():
        raise CompilerError(missing())
    with tempfile.TemporaryDirectory(prefix="framsyn-c-") as folder:
        built = Path(folder, "lcref.so")
        sources = sorted(map(str, SOURCES.glob("*.c")))
        command = [COMPILER, *OPTIONS, "-o", str(built), *sources, "-lm"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        if said:
            raise CompilerError(f"{COMPILER} said of {SOURCES.name}/:\n{said}")
        return ctypes.CDLL(str(built))


@functools.cache
def tables(treated_arm: bool) -> npt.NDArray[Any]:
    """Return `struct tables` of `lcref.h` for an arm, as one record; kept like the tables it comes from."""
    workload = load(treated_arm)
    record = np.zeros((), dtype=_layout(workload))
    if record.nbytes != ctypes.c_size_t.in_dll(library(), "bytes_of_tables").value:
        raise CompilerError("`struct tables` in lcref.h and its layout in with_c.py differ")
    chances = {domain: _padded(workload.moves[domain].probability) for domain in DOMAINS}
    moving = [chance.sum(axis=-1) for chance in chances.values()]
    every = np.stack([workload.death, *moving], axis=-1)
    still = np.cumprod(1 - every, axis=-1)
    record["any"] = threshold(every)
    record["first"] = threshold(1 - still)
    states = np.unravel_index(np.arange(workload.death.shape[1]), workload.cell_shape)[3:]
    for number, (domain, state) in enumerate(zip(DOMAINS, states, strict=True)):
        targets = workload.moves[domain].target
        step = np.zeros((len(targets), SLOTS), dtype=np.int32)
        step[:, : targets.shape[1]] = targets - np.arange(len(targets))[:, None]
        record["split"][:, :, number] = threshold(chances[domain].cumsum(axis=-1)[..., :-1])
        record["shift"][:, number] = step[state] * workload.strides[domain]
        record["race"][1 + number, ..., :SLOTS] = _clocks(chances[domain])
    record["race"][0, ..., 0] = np.minimum(np.ceil(workload.death * 2.0**32), 2.0**32 - 2)
    for decision, chance in enumerate(np.moveaxis(every, -1, 0)):
        record["first_age"][decision], record["last_age"][decision] = np.flatnonzero(chance.any(axis=1))[[0, -1]]
    record["born"] = threshold(workload.birth.cumsum())
    for number, shares in enumerate(read()["at_birth"][trait].values() for trait in _traits()):
        cumulative = np.ceil(np.cumsum(list(shares)) * 2.0**32).astype(np.uint64)
        record["traits"][number] = 2**32
        record["traits"][number, : len(cumulative) - 1] = cumulative[:-1]
    record["newborn"] = workload.newborn
    return record


def threshold(chances: npt.NDArray[np.float64]) -> Thresholds:
    """Return 32-bit thresholds: a draw is below one with this chance."""
    return np.minimum(np.rint(chances * 2.0**32), 2.0**32 - 1).astype(np.uint32)


def with_threshold_tables(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate lives from birth; return `life_years` and discounted `cost` per person, and `person_years`."""
    return _from_one_stream("threshold_tables", persons, seed, treated_arm)


def with_any_event(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate lives from birth, one screening draw a year; return what `with_threshold_tables` does."""
    return _from_one_stream("any_event", persons, seed, treated_arm)


def with_addressed_draws(persons: int, seed: int = 1, treated_arm: bool = False) -> dict[str, Any]:
    """Simulate framsyn's own lives, persons rounded up to whole copies; return what `with_threshold_tables` does."""
    lived, number = lived_with_addressed_draws(persons, seed, treated_arm)
    return _answer(lived, number, load(treated_arm))


def lived_with_addressed_draws(persons: int, seed: int, treated_arm: bool) -> tuple[npt.NDArray[np.int64], int]:
    """Return (years, joint states) persons lived, and how many were born."""
    from sim.draws import person_id, philox_key, stream

    from .with_framsyn import scenario

    cohort = scenario(persons).cohort
    first = np.array([person_id(cohort.born, copy, 0) for copy in range(cohort.copies)], dtype=np.uint64)
    ids = (first[:, None] + np.arange(cohort.represents, dtype=np.uint64)).ravel()
    streams = np.array([stream(name) for name in (*_traits(), "death", *DOMAINS)], dtype=np.uint32)
    key = ctypes.c_uint64(philox_key(seed))

    def call(record: int, lived: int) -> None:
        _function("addressed")(record, key, streams.ctypes.data, ids.size, ids.ctypes.data, lived)

    return _lived(call, treated_arm), ids.size


def _from_one_stream(name: str, persons: int, seed: int, treated_arm: bool) -> dict[str, Any]:
    def call(record: int, lived: int) -> None:
        _function(name)(record, ctypes.c_uint64(seed), persons, lived)

    return _answer(_lived(call, treated_arm), persons, load(treated_arm))


def _lived(call: Callable[[int, int], None], treated_arm: bool) -> npt.NDArray[np.int64]:
    workload = load(treated_arm)
    lived = np.zeros((workload.years, workload.joint_states), dtype=np.int64)
    call(tables(treated_arm).ctypes.data, lived.ctypes.data)
    return lived


def _function(name: str) -> Callable[..., int]:
    """Return a function of the library; addresses and numbers of persons are given as plain integers."""
    function = library()[name]
    wide = ctypes.c_int64, ctypes.c_void_p
    one_stream = [ctypes.c_void_p, ctypes.c_uint64, *wide]
    by_address = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, *wide, ctypes.c_void_p]
    function.argtypes = by_address if name == "addressed" else one_stream
    function.restype = ctypes.c_int64
    called: Callable[..., int] = function
    return called


def _answer(lived: npt.NDArray[np.int64], persons: int, workload: Workload) -> dict[str, Any]:
    person_years = int(lived.sum())
    cost = np.einsum("as,asp->p", lived, workload.cost) / persons
    return {
        "life_years": person_years / persons,
        "cost": dict(zip(workload.payers, cost.tolist(), strict=True)),
        "person_years": person_years,
    }


def _traits() -> list[str]:
    return ["sex", "parental_education", "treated"]


def _padded(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (years, cells, SLOTS) chances, 0 where there is no such move."""
    return np.pad(probability, [(0, 0), (0, 0), (0, SLOTS - probability.shape[-1])])


def _clocks(chances: npt.NDArray[np.float64]) -> Thresholds:
    """Return the thresholds of framsyn's race between the moves of a domain: (years, cells, SLOTS)."""
    from sim.thresholds import joint_thresholds

    return joint_thresholds(np.moveaxis(chances, -1, 0))[0]


def _layout(workload: Workload) -> np.dtype[np.void]:
    """Return the layout of `struct tables`, field by field."""
    years, cells = workload.death.shape
    domains, decisions = len(DOMAINS), 1 + len(DOMAINS)
    fields: list[tuple[Any, ...]] = [
        ("any", "u4", (years, cells, 4)),
        ("split", "u4", (years, cells, domains, SLOTS - 1)),
        ("first", "u4", (years, cells, 4)),
        ("race", "u4", (decisions, years, cells, 4)),
        ("shift", "i4", (cells, domains, SLOTS)),
        ("born", "u4", (workload.birth.size,)),
        ("traits", "u8", (3, 3)),
        ("newborn", "u4"),
        ("first_age", "u4", (decisions,)),
        ("last_age", "u4", (decisions,)),
    ]
    return np.dtype(fields, align=True)
