"""framsyn: agent-based microsimulation of early interventions and their lifetime public cost.

`sim.LifeCourseModel` and `sim.Person` are the Mesa model and its agent; Mesa is loaded when they are first asked for.
"""

from importlib import import_module
from typing import Any

_ASKED_FOR = {"LifeCourseModel": "sim.mesa_model", "Person": "sim.mesa_people"}


def __getattr__(name: str) -> Any:
    """Load what is asked for by name: nothing heavy is loaded before."""
    if name not in _ASKED_FOR:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_ASKED_FOR[name]), name)
