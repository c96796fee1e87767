"""What stands in for required values that are missing or wrong while a file is checked for more mistakes. Layer 6."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from sim.population_schema import PopulationForm
from sim.schema import IndexForm, InterventionForm, ParametersForm, PriceListForm, ScenarioForm

_SOURCED: dict[str, Any] = {"source": "-", "provenance": "assumed"}

STAND_INS: dict[type[BaseModel], dict[str, Any]] = {
    ScenarioForm: {
        "title": "-",
        "model": "lifecourse",
        "population": "sweden",
        "cohort": {"born": 2025, "represents": 1000},
        "municipality": {"start": 2025, "years": 10},
        "economics": {"price_year": 2023},
        "arms": {"baseline": {}},
    },
    InterventionForm: {
        "title": "-",
        "field": "-",
        "deliver": {"ages": [0, 0]},
        "cost": [],
        "effects": [],
        "evidence": {
            **_SOURCED,
            **{"design": "-", "country": "SE", "n": None, "year": 2023, "estimand": "tot", "comparator": "-"},
            **{"control_risk": None, "follow_up_years": None, "scale": "none"},
        },
    },
    ParametersForm: {
        "domain": "-",
        "parameters": {
            "*": {
                **{"value": 0, "unit": "-", "uncertainty": "-", **_SOURCED},
                "link": {"from": "-", "causal_share": "common"},
            }
        },
    },
    PopulationForm: {
        "title": "-",
        "births_per_year": {"value": 1000, "unit": "-", **_SOURCED},
        "attributes": {"*": {"shares": {}, **_SOURCED}},
        "local": {"parameters": {"*": {"*": {"value": 0, **_SOURCED}}}, "prices": {"*": _SOURCED}},
        "moves_in": {"*": {"a_year": {}, **_SOURCED, "attributes": {"*": _SOURCED}, "on_arrival": {"*": _SOURCED}}},
        "moves_out": {"a_year": {}, "to": {}, **_SOURCED},
        "siblings": {"by_order": [1.0], "years_between": {"2": 1.0}, **_SOURCED},
    },
    PriceListForm: {
        "title": "-",
        "payers": [],
        "residence": {"column": "-", "own": "-", "elsewhere": {}},
        "prices": {"*": {"title": "-", "amount": 0, "unit": "-", "price_year": 2023, "payer": "-", **_SOURCED}},
    },
    IndexForm: {"title": "-", "cpi": {"*": 1}, "unit": "-", **_SOURCED},
}
"""What stands in for a required value that is missing or wrong (`*`: under any key), so that a file with a
mistake of form is still checked for others; nothing is ever run with it."""
