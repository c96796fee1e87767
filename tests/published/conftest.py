"""Makes `tests.published` importable from the root of the checkout, as benchmarks do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
