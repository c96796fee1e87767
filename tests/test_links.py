"""Links act with their causal part only; means hold where the share changes; what links claim can be checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim.causal_shares import net_by_causal_share
from sim.cli import app
from sim.comparison import compare
from sim.domain import Domain
from sim.engine import simulate
from sim.errors import ScenarioError
from sim.files import load_plan, load_plans, load_resolved
from sim.links import columns_about
from sim.model import Model
from sim.tables import Parameters
from tests.foreign import foreign_reads, without_links
from tests.small_town import MODEL, rewrite, settle

LODGING, LESSONS = "parameters/lodging.yaml", "parameters/lessons.yaml"
SHARED = "link: {from: lodging, causal_share: common}"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return settle(tmp_path, monkeypatch)


def parameters(town: Path, share: float | None = None, arm: str = "baseline") -> dict[str, Parameters]:
    return load_plan(town, causal_share=share).parameters_of(arm)


# What acts


def test_a_link_of_an_association_acts_with_the_common_share(town: Path) -> None:
    own = parameters(town)["lessons"]
    assert own.by_lodging.values == pytest.approx([0, 0.4 * 0.8, 0.4 * 1.2], abs=1e-15)
    assert own.by_lodging.keys == (("home", "foster", "ward"),)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_link_with_a_share_of_its_own_keeps_it(town: Path, share: float) -> None:
    own = parameters(town, share)["lessons"]
    assert own.by_ever.values == pytest.approx([0, 0.25], abs=1e-15)
    assert own.by_years.values == pytest.approx([0.2, 0, 0, 0], abs=1e-15)


def test_the_scenario_sets_the_common_share_and_the_caller_may_set_another(town: Path) -> None:
    rewrite(town.parent, "town.yaml", "horizon: 12", "horizon: 12\ncausal_share: 0.1")
    assert load_plan(town).scenario.causal_share == 0.1
    assert parameters(town)["lessons"].by_lodging.values[2] == pytest.approx(0.12, abs=1e-15)
    assert parameters(town, 1)["lessons"].by_lodging.values[2] == 1.2


def test_at_the_share_of_reference_nothing_is_recentred(town: Path) -> None:
    stated, default = load_plan(town, causal_share=0.4), load_plan(town)
    assert stated.scenario.recentred == default.scenario.recentred == {}
    assert stated.threshold_digest == default.threshold_digest
    assert default.parameters_of("baseline")["lodging"].by_lessons.values.tolist() == [0.0, 0.4 * 1.5]


def test_the_users_own_file_sets_the_share_of_reference(town: Path) -> None:
    (town.parent / "parameters" / "links.yaml").write_text(
        "domain: links\nparameters:\n  common_causal_share:\n    {value: 0.2, unit: share, uncertainty: none,"
        " source: ours, provenance: assumed}\n",
        encoding="utf-8",
    )
    assert load_plan(town).scenario.causal_share == 0.2
    assert parameters(town)["lodging"].by_lessons.values == pytest.approx([0, 0.3], abs=1e-15)


def test_an_arm_that_changes_a_link_states_an_association_too(town: Path) -> None:
    changed = "{parameters: {lodging: {by_lessons: {on_track: 0, behind: 3}}}}"
    rewrite(town.parent, "town.yaml", "baseline: {}", "baseline: {}\n  worse: " + changed)
    default, none = (parameters(town, share, "worse")["lodging"].by_lessons.values for share in (None, 0.0))
    assert default == pytest.approx([0, 1.2], abs=1e-15)
    assert none.tolist() == [0, 0]
    assert parameters(town)["lodging"].by_lessons.values == pytest.approx([0, 0.6], abs=1e-15)


def test_the_scenario_holds_every_link_with_its_evidence(town: Path) -> None:
    links = {link.parameter: link for link in load_plan(town).scenario.links}
    assert list(links) == ["by_lessons", "by_lodging", "by_ever", "by_years"]
    ever = links["by_ever"]
    assert (ever.domain, ever.from_domain, ever.common, ever.causal_share) == ("lessons", "lodging", False, 0.5)
    assert (ever.source, ever.provenance, ever.unit) == ("a lottery", "recalled", "log odds ratio")
    assert ever.causal == {"0": 0, "1": 0.25}
    assert (links["by_lodging"].common, links["by_lodging"].causal_share) == (True, 0.4)


def test_a_run_read_again_has_the_share_that_it_was_made_with(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = load_plan(town, causal_share=0.9)
    with monkeypatch.context() as patch:
        patch.delattr("sim.files.recentred")  # the run holds the factors
        again = load_resolved(json.loads(json.dumps(plan.scenario.resolved)))
    assert again.scenario.recentred == plan.scenario.recentred != {}
    assert again.scenario.resolved == plan.scenario.resolved
    assert again.scenario.causal_share == 0.9
    assert again.scenario.links == plan.scenario.links
    assert again.threshold_digest == plan.threshold_digest != load_plan(town).threshold_digest
    assert "parameters/links" in plan.scenario.resolved


def test_several_shares_are_read_once_and_bound_each(town: Path) -> None:
    plans = load_plans(town, (None, 0.0, 1.0))
    assert [plan.scenario.causal_share for plan in plans] == [0.4, 0.0, 1.0]
    assert len({plan.threshold_digest for plan in plans}) == 3
    assert plans[0].threshold_digest == load_plan(town).threshold_digest


# What is refused

REFUSED: dict[str, tuple[str, str, str, str, str]] = {
    # file, text, text instead with ¦ where the message points, words, hint
    "unknown domain": (LESSONS, "from: lodging, causal_share: common", "from: ¦loging, causal_share: common",
                       "'loging', which is no domain of model 'town'", "did you mean 'lodging'?"),
    "own domain": (LESSONS, "from: lodging, causal_share: common", "from: ¦lessons, causal_share: common",
                   "from 'lessons' itself", "leave `link` out"),
    "trait": (LESSONS, "from: lodging, causal_share: common", "from: ¦sex, causal_share: common",
              "traits carry associations", "leave `link` out"),
    "unit": (LESSONS, "unit: log odds ratio", "unit: ¦log odd ratio", "a link has 'log ratio' or 'log odds ratio'",
             "did you mean 'log odds ratio'?"),
    "one number": (LESSONS, "{home: 0, foster: 0.8, ward: 1.2}", "¦0.8", "must be a table over the states of",
                   "home, foster, ward"),
    "label of another column": (LESSONS, "foster: 0.8, ward: 1.2", "foster: 0.8, ward: 1.2, ¦behind: 1",
                                "names 'behind', which is no state of 'lodging'", "allowed: home"),
    "no label": (LESSONS, "foster: 0.8, ward: 1.2", "foster: 0.8, ¦wart: 1.2", "'wart'", "did you mean 'ward'?"),
    "label missing": (LESSONS, "{home: 0, foster: 0.8, ward: 1.2}", "¦{home: 0, foster: 0.8}",
                      "no value for 'ward'", ""),
    "two dimensions": (LESSONS, "{home: 0, foster: 0.8, ward: 1.2}",
                       "¦{home: {girl: 0, boy: 0}, foster: {girl: 0, boy: 0}, ward: {girl: 0, boy: 0}}",
                       "table of 2 dimensions", ""),
    "numbers of no column": (LESSONS, "{0: 0, 1: 0.5}", "¦{0: 0, 1: 0.5, 2: 1}", "rows for 0 to 2",
                             "years_in_lodging 0 to 3, ever_placed 0 to 1"),
    "causal share in words": (LESSONS, "causal_share: common", "causal_share: ¦comon", "'common' or 0 to 1",
                              "did you mean 'common'?"),
    "causal share above 1": (LESSONS, "causal_share: 0.5", "causal_share: ¦1.5", "causal share 1.5", ""),
    "causal share of truth": (LESSONS, "causal_share: 0.5", "causal_share: ¦true", "causal share true", ""),
    "causal share missing": (LESSONS, "link: {from: lodging, causal_share: 0.5}", "¦link: {from: lodging}",
                             "needs the key 'causal_share'", ""),
    "unknown key": (LESSONS, "{from: lodging, causal_share: 0.5}", "{¦fron: lodging, from: lodging, causal_share: 0.5}",
                    "unknown key 'fron'", "did you mean 'from'?"),
    "key of the program": (LESSONS, "{from: lodging, causal_share: 0.5}",
                           "{¦from_domain: lodging, from: lodging, causal_share: 0.5}",
                           "unknown key 'from_domain'", ""),
    "link in words": (LESSONS, "link: {from: lodging, causal_share: 0.5}", "link: ¦lodging", "must be a mapping", ""),
    "share of the scenario": ("town.yaml", "horizon: 12", "horizon: 12\ncausal_share: ¦40", "at most 1",
                              "did you mean 0.4?"),
    "arm without a label": ("town.yaml", "baseline: {}",
                            "baseline: {}\n  worse: {parameters: {lodging: {by_lessons: ¦{behind: 3}}}}",
                            "no value for 'on_track'", ""),
    "arm with a number": ("town.yaml", "baseline: {}",
                          "baseline: {}\n  worse: {parameters: {lodging: {by_lessons: ¦3}}}",
                          "must be a table over the states of 'lessons'", ""),
    "arm with a share": ("town.yaml", "baseline: {}",
                         "baseline: {}\n  worse: {parameters: {¦links: {common_causal_share: 1}}}",
                         "an arm cannot change what share", "`causal_share`"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_of_a_link_is_placed(town: Path, case: str) -> None:
    name, old, new, words, hint = REFUSED[case]
    rewrite(town.parent, name, old, new)
    marked = (town.parent / name).read_text(encoding="utf-8")
    rewrite(town.parent, name, "¦", "")
    before = marked[: marked.index("¦")]
    with pytest.raises(ScenarioError) as caught:
        load_plan(town)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert hint in (problem.hint or "")
    assert Path(problem.file or "") == town.parent / name
    assert (problem.line, problem.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


BAD_LINKS = {
    "common_causal_share: {value: 4, unit: share": "must be 0 to 1",
    "common_causal_share: {value: 0.4, unit: ratio": "has the unit 'ratio'",
    "common_causal_share: {value: {0-100: 0.4}, unit: share": "must be one number",
    "common_share: {value: 0.4, unit: share": "needs the parameter 'common_causal_share'",
    "luck: {value: 1, unit: -, uncertainty: none, source: x, provenance: assumed}\n"
    "  common_causal_share: {value: 0.4, unit: share": "no rule of 'links' reads the parameter 'luck'",
}


@pytest.mark.parametrize("text", BAD_LINKS)
def test_a_mistake_in_the_share_of_reference_is_placed(town: Path, text: str) -> None:
    path = town.parent / "parameters" / "links.yaml"
    path.write_text(
        f"domain: links\nparameters:\n  {text}, uncertainty: none, source: ours, provenance: assumed}}\n", "utf-8"
    )
    with pytest.raises(ScenarioError) as caught:
        load_plan(town)
    (problem,) = caught.value.problems
    assert BAD_LINKS[text] in problem.message
    assert Path(problem.file or "") == path
    assert problem.line in (2, 3)


def test_an_association_without_a_share_of_reference_is_refused(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.files.shipped_folder", lambda: tmp_path / "nothing")
    indices = {"title": "-", "cpi": {"2024": 100}, "unit": "-", "source": "-", "provenance": "assumed"}
    (town.parent / "prices" / "indices.yaml").write_text(json.dumps(indices), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_plan(town)
    assert ["no file 'links.yaml' in parameters/" in one.message for one in caught.value.problems] == [True] * 2


# What is printed


def said(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_check_lists_every_link_with_its_evidence(town: Path) -> None:
    code, out, _ = said("check", town, "--json")
    plan = json.loads(out)["plan"]
    assert (code, plan["causal_share"]) == (0, 0.4)
    assert [(link["from"], link["domain"], link["parameter"]) for link in plan["links"]] == [
        ("lessons", "lodging", "by_lessons"),
        ("lodging", "lessons", "by_lodging"),
        ("lodging", "lessons", "by_ever"),
        ("lodging", "lessons", "by_years"),
    ]
    assert plan["links"][2]["causal"] == {"0": 0, "1": 0.25}
    assert plan["links"][2]["source"] == "a lottery"
    words = said("check", town)[1]
    assert "lodging -> lessons: by_ever, causal share 0.5 (own share)" in words
    assert "recalled: a lottery" in words
    assert "lessons -> lodging: by_lessons, causal share 0.4 (an association's common share)" in words


Compare = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare_town(town: Path) -> Compare:
    return lambda *more: said("compare", town, "--threads", 1, *more)


def test_all_shows_the_net_value_at_both_ends_beside_the_scenarios_own(town: Path, compare_town: Compare) -> None:
    code, out, _ = compare_town("--causal-share", "all", "--json", "--seed", 5)
    answer = json.loads(out)
    arm = answer["comparisons"]["tutors"]
    assert (code, answer["causal_share"]) == (0, 0.4)
    assert list(arm["net_by_causal_share"]) == ["public", "municipality"]
    for payer, row in arm["net_by_causal_share"].items():
        assert [one["causal_share"] for one in row] == [0.0, 0.4, 1.0]
        assert row[1]["net_per_person"] == -arm["by_payer"][payer]["incremental_per_person"]
        for one in row[::2]:
            alone = compare(simulate(load_plan(town, causal_share=one["causal_share"]), seed=5)).arms["tutors"]
            assert one["net_per_person"] == pytest.approx(-alone.by_payer[payer].incremental, rel=1e-12)
            assert one["se"] == pytest.approx(alone.by_payer[payer].se, rel=1e-12)


def test_all_prints_a_line_an_arm(compare_town: Compare) -> None:
    code, out, err = compare_town("--causal-share", "all")
    (line,) = [one for one in out.splitlines() if one.startswith("  Public net at causal share")]
    assert code == 0
    assert line.startswith("  Public net at causal share 0 / .4 / 1: ")
    assert line.count(" / ") == 4
    assert "living lives at other causal shares" in err


def test_one_share_is_that_of_the_result_and_of_its_run(town: Path, compare_town: Compare) -> None:
    _, out, _ = compare_town("--causal-share", "1", "--json", "--out", "run")
    answer = json.loads(out)
    assert answer["causal_share"] == 1
    assert "net_by_causal_share" not in answer["comparisons"]["tutors"]
    assert answer["threshold_digest"] == load_plan(town, causal_share=1).threshold_digest
    again = json.loads(said("price", "run", "--json")[1])
    assert again["causal_share"] == 1
    assert again["comparisons"] == answer["comparisons"]
    assert "100% acts as a cause" in said("price", "run")[1]


def test_an_end_that_is_the_scenarios_own_is_not_lived_again(town: Path) -> None:
    rewrite(town.parent, "town.yaml", "horizon: 12", "horizon: 12\ncausal_share: 0")
    plan, *others = load_plans(town, (None, 0.0, 1.0))
    shown: list[float] = []
    nets = net_by_causal_share(compare(simulate(plan)), others, progress=shown.append)
    assert [one.causal_share for one in nets["tutors"]["public"]] == [0.0, 1.0]
    assert min(shown) > 0.5


@pytest.mark.parametrize(
    ("share", "hint"), [("40", "did you mean 0.4?"), ("-1", ""), ("al", "did you mean 'all'?"), ("nan", "")]
)
def test_another_causal_share_is_refused(compare_town: Compare, share: str, hint: str) -> None:
    code, out, err = compare_town("--causal-share", share)
    assert (code, out) == (2, "")
    assert "the causal share must be 0 to 1 or 'all'" in err
    assert hint in err


# What links claim


def test_without_links_only_structural_reads_are_left(town: Path) -> None:
    scenario = load_plan(town).scenario
    with_links = foreign_reads(scenario.model, scenario.parameters)
    assert with_links == {
        ("lodging", "is_placed", "lessons"),
        ("lessons", "falls_behind", "lodging"),
        ("lessons", "falls_behind", "ever_placed"),
        ("lessons", "falls_behind", "years_in_lodging"),
        ("lessons", "catches_up", "lodging"),
    }
    unlinked = without_links(scenario.parameters, scenario.links)
    assert foreign_reads(scenario.model, unlinked) == {("lessons", "catches_up", "lodging")}


def test_factors_and_windows_are_looked_at_too() -> None:
    one, other = Domain("one", ("a", "b"), "a"), Domain("other", ("c", "d"), "c")

    @other.hazard("c", "d", ages=("start", 10))
    def moves(age, one, p):
        return 0.1 + 0.1 * (one == "b") * (age < 5)

    @other.factor("c", "d")
    def held_back(previous_one):
        return 1 + (previous_one == "b")

    model = Model("two", (one, other))
    structural: dict[int, Any] = {
        start: foreign_reads(model, {"other": Parameters("other", {"start": start})}) for start in (4, 5)
    }
    assert structural[5] == {("other", "held_back", "one")}
    assert structural[4] == structural[5] | {("other", "moves", "one")}


def test_columns_about_a_domain_are_its_state_its_clock_and_counters_of_it() -> None:
    assert columns_about(MODEL.domain("lodging"), MODEL) == {
        "lodging": ("home", "foster", "ward"),
        "years_in_lodging": ("0", "1", "2", "3"),
        "ever_placed": ("0", "1"),
    }
    assert list(columns_about(MODEL.domain("lessons"), MODEL)) == ["lessons"]
