"""Every figure of the shipped life course is read by some rule, sourced, and of a size that its unit can have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import pytest

from sim.evidence import PROVENANCES
from sim.plan import Plan
from sim.source import read_yaml
from tests.lifecourse.shipped import INTERVENTIONS, MODEL, SHIPPED, link_rows, parameter_files
from tests.lifecourse.walk import reads_of

FILES = dict(parameter_files())

MOST_LOG = math.log(1000)
"""No ratio is above a thousand or below a thousandth."""

RANGES: dict[str, tuple[float, float]] = {
    "share": (0, 1),
    "probability": (0, 1),
    "weight": (0, 10),
    "odds": (0, 1000),
    "ratio": (0, 1000),
    "log ratio": (-MOST_LOG, MOST_LOG),
    "log odds": (-MOST_LOG, MOST_LOG),
    "per year": (0, 50),  # what is certain, written as a rate
    "years of age": (0, 100),
    "days": (0, 366),
    "months": (0, 12),
    "visits": (0, 366),
    "SEK": (0, 2_000_000),
}
"""What a unit's first words allow; the longest that fits holds."""


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers_in(one)
    else:
        yield value


def test_every_domain_has_its_parameters_and_every_file_a_domain() -> None:
    assert set(FILES) == {domain.name for domain in MODEL.all_domains} | {"quantities", "links"}


def test_every_parameter_of_every_file_is_read_by_some_rule(country: Plan) -> None:
    reads = reads_of(MODEL, country.scenario.parameters)
    stated = {(name, key) for name, rows in FILES.items() for key in rows}
    assert {one for one in stated if not reads.get(one)} == {("links", "common_causal_share")}
    assert set(reads) <= stated
    assert country.scenario.causal_share == FILES["links"]["common_causal_share"]["value"]


@pytest.mark.parametrize("name", FILES)
def test_every_parameter_has_unit_uncertainty_source_and_provenance(name: str) -> None:
    for key, row in FILES[name].items():
        assert set(row) >= {"value", "unit", "uncertainty", "source", "provenance"}, f"{name}.{key}"
        assert row["unit"].strip(), f"{name}.{key}"
        assert row["source"].strip(), f"{name}.{key}"
        assert row["provenance"] in PROVENANCES, f"{name}.{key}"
        given = row["uncertainty"]
        sized = isinstance(given, dict) and set(given) <= {"se", "se_log", "ci95"} and given
        assert sized or (isinstance(given, str) and given.startswith("none (")), f"{name}.{key}"


@pytest.mark.parametrize("name", FILES)
def test_every_value_and_its_uncertainty_are_within_what_the_unit_allows(name: str) -> None:
    for key, row in FILES[name].items():
        unit = max((one for one in RANGES if row["unit"].startswith(one)), key=len, default=None)
        assert unit is not None, f"{name}.{key}: no range is known for {row['unit']!r}"
        low, high = RANGES[unit]
        values = list(numbers_in(row["value"]))
        assert all(low <= one <= high for one in values), f"{name}.{key}"
        if unit == "years of age":
            assert all(one == int(one) for one in values), f"{name}.{key}"
        given = row["uncertainty"] if isinstance(row["uncertainty"], dict) else {}
        assert all(given[one] > 0 for one in ("se", "se_log") if one in given), f"{name}.{key}"
        if "ci95" in given:
            lower, upper = given["ci95"]
            assert low <= lower <= min(values), f"{name}.{key}"
            assert max(values) <= upper <= high, f"{name}.{key}"


@pytest.mark.parametrize("name", FILES)
def test_a_tuned_value_is_called_assumed_or_calibrated(name: str) -> None:
    for key, row in FILES[name].items():
        if row["source"].startswith("assumed"):
            assert row["provenance"] not in ("found", "recalled"), f"{name}.{key}"


def test_links_are_logs_of_ratios_from_another_domain_or_from_classmates() -> None:
    assert link_rows()
    for (name, key), row in link_rows().items():
        if row["link"]["from"] in MODEL.group_values:
            assert row["unit"] == "log ratio per share", f"{name}.{key}"
            continue
        assert row["unit"] in ("log ratio", "log odds ratio"), f"{name}.{key}"
        assert row["link"]["from"] != name
        assert row["link"]["from"] in {domain.name for domain in MODEL.domains}


def sourced(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping within a file that has a provenance or shares of something."""
    if isinstance(node, dict):
        if {"shares", "log_odds", "normal", "amount", "cpi", "provenance"} & set(node):
            yield node
        for one in node.values():
            yield from sourced(one)
    elif isinstance(node, list):
        for one in node:
            yield from sourced(one)


@pytest.mark.parametrize(
    "path", sorted(SHIPPED.glob("p[or]*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_price_and_population_has_source_and_provenance(path: Any) -> None:
    rows = list(sourced(read_yaml(path).values))
    assert rows
    for row in rows:
        assert row["source"].strip(), row
        assert row["provenance"] in PROVENANCES, row
        if "payer" in row:
            assert row["unit"].strip(), row
            assert row["cashable_provenance"] in PROVENANCES, row


@pytest.mark.parametrize("name", INTERVENTIONS)
def test_every_intervention_has_its_evidence(name: str) -> None:
    values = read_yaml(SHIPPED / "interventions" / f"{name}.yaml").values
    evidence = values["evidence"]
    assert set(evidence) >= {"design", "country", "estimand", "comparator", "source", "provenance"}
    assert evidence["source"].strip()
    assert evidence["provenance"] in PROVENANCES
    assert values["cost"]
    assert values["effects"]


@pytest.mark.parametrize("trait", [one for one in MODEL.traits if one.bins], ids=lambda trait: trait.name)
def test_the_value_of_a_bin_is_the_mean_of_its_fifth_of_a_standard_normal(trait: Any) -> None:
    normal = NormalDist()
    edges = [-math.inf, *(normal.inv_cdf(k / 5) for k in range(1, 5)), math.inf]
    density = [0.0 if math.isinf(edge) else normal.pdf(edge) for edge in edges]
    assert list(trait.bins) == [round((density[k] - density[k + 1]) * 5, 2) for k in range(5)]
