"""Checks that `benchmarks/step.py --json` prints what other programs rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.engines import no_compiler

ROOT = Path(__file__).parents[2]

CONTRACT = {
    "workload": str,
    "engine": str,
    "persons": int,
    "threads": int,
    "margins": list,
    "person_years_per_cpu_second": float,
    "person_years_per_second": float,
    "peak_bytes_per_person": float,
}


def test_the_json_of_a_tiny_run_has_the_keys_of_the_contract():
    options = ["--persons", "200", "--rounds", "1", "--json"]
    command = [sys.executable, str(ROOT / "benchmarks" / "step.py"), *options]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = json.loads(printed)
    for row in rows:
        assert {name: type(row[name]) for name in CONTRACT} == CONTRACT
        assert row["persons"] > 0
        assert row["margins"]
        assert row["person_years_per_cpu_second"] > 0
        assert row["person_years_per_second"] > 0
        assert row["peak_bytes_per_person"] >= 0
    engines = {"framsyn", "numpy", "numpy with tables", "mesa"}
    if not no_compiler():
        engines |= {"c with threshold tables", "c, any event", "c with addressed draws"}
    assert {row["engine"] for row in rows if row["workload"].startswith("LC-ref")} == engines
    assert [row["persons"] for row in rows if row["workload"].startswith("shipped")] == [1640, 1640]
