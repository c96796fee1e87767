"""Registry targets and their comparison with a run. Imports `sim`; `sim` never imports this package."""
