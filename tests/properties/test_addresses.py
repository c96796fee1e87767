"""No draw is used twice in one life."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_address_of_a_draw_occurs_twice_in_a_life():
    found = subprocess.run(
        [sys.executable, "-m", "tests.properties.addresses"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    counted = json.loads(found.stdout)
    assert counted["persons"] == 24
    assert counted["blocks"] > 24 * 18 * 3  # two traits at birth, death and every domain that is open, uptakes
    assert counted["most"] == 1
