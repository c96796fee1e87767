"""Links of the shipped life course: nothing else leads from one domain to another, but what is structural."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sim.cli import app
from sim.engine import simulate
from sim.files import load_plan
from sim.ledger import need_of
from sim.links import columns_about
from sim.plan import Plan
from tests.foreign import foreign_reads, without_links
from tests.lifecourse.shipped import MODEL, SHIPPED, link_rows, per_life
from tests.lifecourse.walk import reads_of

PUPIL = "study is school for a pupil, higher education with a diploma, adult education without"
FREE = "in custody nobody works or seeks work"
STUDYING = "a diploma or degree is taken by those who study"
OFFENCE = "a conviction needs an offence of the year; its level differs by what crime is"

STRUCTURAL = {
    ("upper_secondary", "chooses_programme", "school"): "who may begin a national programme is law",
    ("upper_secondary", "adult_diploma", "activity"): STUDYING,
    ("upper_secondary", "degree", "activity"): STUDYING,
    ("upper_secondary", "degree", "years_in_activity"): "a degree takes three years of study",
    ("activity", "leaves_childhood", "upper_secondary"): "a pupil studies",
    ("activity", "leaves_study", "upper_secondary"): PUPIL,
    ("activity", "low_earner_takes_up_study", "upper_secondary"): PUPIL,
    ("activity", "middle_earner_takes_up_study", "upper_secondary"): PUPIL,
    ("activity", "high_earner_takes_up_study", "upper_secondary"): PUPIL,
    ("activity", "unemployed_takes_up_study", "upper_secondary"): PUPIL,
    ("activity", "inactive_takes_up_study", "upper_secondary"): PUPIL,
    ("activity", "low_earner_leaves_the_labour_force", "crime"): FREE,
    ("activity", "middle_earner_leaves_the_labour_force", "crime"): FREE,
    ("activity", "high_earner_leaves_the_labour_force", "crime"): FREE,
    ("activity", "finds_work_in_trouble", "crime"): FREE,
    ("activity", "starts_seeking", "crime"): FREE,
    ("convictions", "first_conviction", "crime"): OFFENCE,
    ("convictions", "second_conviction", "crime"): OFFENCE,
    ("convictions", "fourth_conviction", "crime"): OFFENCE,
}
"""Readings of another domain that define the situation: (domain, rule, column) and why it is no link."""


def test_with_all_links_neutral_only_structural_readings_of_other_domains_are_left(country: Plan) -> None:
    neutral = without_links(country.scenario.parameters, country.scenario.links)
    assert foreign_reads(MODEL, neutral) == set(STRUCTURAL)


def test_every_row_with_link_is_a_link_of_the_scenario_and_none_else(country: Plan) -> None:
    links = {(one.domain, one.parameter): one for one in country.scenario.links}
    assert set(links) == set(link_rows())
    for place, row in link_rows().items():
        assert links[place].from_domain == row["link"]["from"]
        assert links[place].common == (row["link"]["causal_share"] == "common")


def test_every_link_is_indexed_by_a_column_about_the_domain_that_it_comes_from(country: Plan) -> None:
    reads = reads_of(MODEL, country.scenario.parameters)
    for link in country.scenario.links:
        if link.from_domain in MODEL.group_values:
            continue
        about = columns_about(MODEL.domain(link.from_domain), MODEL)
        indexed = reads[link.domain, link.parameter]
        assert indexed, f"{link.domain}.{link.parameter}"
        for index in indexed:
            assert len(index) == 1
            assert index[0] in about, f"{link.domain}.{link.parameter} is indexed by {index[0]}"


def test_a_table_indexed_by_another_domain_is_a_link_or_speaks_of_what_is_structural(country: Plan) -> None:
    """Counts apart: what a year costs may depend on anything."""
    owners = {column: one.name for one in MODEL.domains for column in columns_about(one, MODEL)}
    structural = {(domain, column) for domain, _, column in STRUCTURAL}
    found = {
        (domain, name, column)
        for (domain, name), indexed in reads_of(MODEL, country.scenario.parameters).items()
        for index in indexed
        for column in index
        if domain != "quantities" and owners.get(column, domain) != domain and (domain, name) not in link_rows()
    }
    assert {one for one in found if (one[0], one[2]) not in structural} == set()


def test_check_lists_every_link() -> None:
    result = CliRunner().invoke(app, ["check", str(SHIPPED / "sweden.yaml"), "--json"])
    listed = json.loads(result.stdout)["plan"]["links"]
    assert result.exit_code == 0
    assert {(one["domain"], one["parameter"], one["from"]) for one in listed} == {
        (name, key, row["link"]["from"]) for (name, key), row in link_rows().items()
    }
    for one in listed:
        row = link_rows()[one["domain"], one["parameter"]]
        assert one["source"] == row["source"]
        if one["from"] in MODEL.group_values:
            assert not one["acts"]  # no shipped scenario has classes
            assert one["causal"] == {"1": one["causal_share"] * row["value"]}
        else:
            assert one["acts"]
            assert set(one["causal"]) == set(row["value"])


def test_the_parents_assistance_is_no_cause_of_the_childs_own(country: Plan) -> None:
    # sibling studies find none; so no link, whatever the common share
    assert not [
        one for one in country.scenario.links if (one.from_domain, one.domain) == ("family_economy", "assistance")
    ]


# Means hold


HEADLINES = ("placed", "not_eligible_at_16", "employed", "assisted", "suspects")
MOST = 0.05
"""Relative change of a national level that is accepted where nothing but the causal share changes."""


@pytest.fixture(scope="module")
def by_share() -> dict[float | None, dict[str, float]]:
    """Return the headlines at the shipped causal share and at both ends, of the same persons."""
    needs = tuple(need_of(MODEL.quantity(name), MODEL) for name in HEADLINES)
    found = {}
    for share in (None, 0.0, 1.0):
        plan = load_plan(SHIPPED / "sweden.yaml", persons=30_000, extra=needs, causal_share=share)
        lived = simulate(plan, seed=1, threads=2)
        found[share] = {name: per_life(lived, name) for name in HEADLINES}
    return found


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("headline", HEADLINES)
def test_national_levels_hold_whatever_part_of_an_association_is_causal(
    by_share: dict[float | None, dict[str, float]], headline: str, share: float
) -> None:
    assert by_share[share][headline] == pytest.approx(by_share[None][headline], rel=MOST)
