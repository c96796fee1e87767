"""The command line: one JSON object for other programs, one screen for people, exit codes that say why."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import calibration.command
import sim.compare_command
import sim.files
from calibration.targets import read_targets
from sim.cli import app
from sim.files import shipped_folder
from sim.source import Source, read_yaml

SHIPPED = shipped_folder()

TOWN = """\
title: A town of our own
model: lifecourse
population: norrkoping
cohort: {born: 2026, represents: 500, copies: 2}
economics: {price_year: 2024, discount_rate: 0.03}
measures: [placed, special_support]
arms:
  baseline: {}
  visits: {interventions: [extended_home_visits]}
  nurse: {interventions: [nurse_home_visiting]}
  reading: {interventions: [intensive_reading]}
"""


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    """Parse each text once: the shipped files are the same in every call."""
    known: dict[tuple[str, bytes], Source] = {}

    def read(path: Path) -> Source:
        if not path.is_file():
            return read_yaml(path)
        key = (str(path), path.read_bytes())
        if key not in known:
            known[key] = read_yaml(path)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim.files, "read_yaml", read)
        yield


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "town.yaml"
    path.write_text(TOWN)
    return path


@dataclass
class Said:
    """What a command ended with: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()  # one JSON text, and nothing else
        return json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def said(*arguments: object) -> Said:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def files_under(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


@pytest.fixture(scope="module")
def compared(town: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    run = tmp_path_factory.mktemp("runs") / "one"
    return said("compare", town, "--persons", 1001, "--seed", 7, "--threads", 1, "--out", run, "--json")


@pytest.fixture(scope="module")
def answer(compared: Said) -> dict[str, Any]:
    return dict(compared.json)


# The contract


def has(given: Any, keys: dict[str, type | tuple[type, ...]], further: set[str] = frozenset()) -> bool:  # type: ignore[assignment]
    """Return whether a JSON object has exactly these keys with these types, and perhaps some further ones."""
    assert set(keys) <= set(given) <= set(keys) | further, set(given) ^ set(keys)
    for key, kind in keys.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        assert type(given[key]) in kinds, f"{key} is {given[key]!r}"
    return True


NUMBER = (int, float)
NONE = type(None)


def test_compare_prints_one_object_to_standard_output_and_words_to_standard_error(compared: Said) -> None:
    assert compared.code == 0
    assert isinstance(compared.json, dict)
    assert "living lives" in compared.err
    assert "{" not in compared.err


def test_compare_prints_exactly_the_contract(answer: dict[str, Any]) -> None:
    assert has(
        answer,
        {
            "scenario": str, "seed": int, "persons": int, "copies": int, "arms": dict, "comparisons": dict,
            "person_years": int, "seconds": dict, "ledger_digest": str, "threshold_digest": str, "run": str,
        },
        {"discount_rate", "price_year", "causal_share"},
    )  # fmt: skip
    assert has(answer["seconds"], {"simulate": NUMBER, "total": NUMBER})
    assert list(answer["arms"]) == ["baseline", "visits", "nurse", "reading"]
    for arm in answer["arms"].values():
        assert has(arm, {"cost_per_person": dict})
        for cost in arm["cost_per_person"].values():
            assert has(cost, {"undiscounted": NUMBER, "discounted": NUMBER})
    assert list(answer["comparisons"]) == ["visits", "nurse", "reading"]
    further = {"participants_per_cohort", "delivered_per_cohort", "needed_effect", "own_municipality"}
    for arm in answer["comparisons"].values():
        assert has(arm, {"participants": int, "measures_per_100": dict, "by_payer": dict}, further)
        assert list(arm["measures_per_100"]) == ["placed", "special_support"]
        for payer in (*arm["by_payer"].values(), arm["own_municipality"]):
            keys: dict[str, Any] = {
                "incremental_per_person": NUMBER, "gross_per_person": NUMBER, "se": NUMBER,
                "break_even_year": (int, NONE), "no_outlay": bool,
            }  # fmt: skip
            assert has(payer, keys, {"spent_per_person"})


def test_payers_are_leaves_and_inner_nodes_and_the_same_everywhere(answer: dict[str, Any]) -> None:
    payers = list(answer["arms"]["baseline"]["cost_per_person"])
    assert payers[0] == "public"
    assert {"municipality", "municipality.school", "region", "region.health", "state", "state.taxes"} <= set(payers)
    for arm in answer["arms"].values():
        assert list(arm["cost_per_person"]) == payers
    for arm in answer["comparisons"].values():
        assert list(arm["by_payer"]) == payers


def test_the_digests_are_of_sha_256_and_the_run_is_the_folder_written(answer: dict[str, Any]) -> None:
    for key in ("ledger_digest", "threshold_digest"):
        assert re.fullmatch("[0-9a-f]{64}", answer[key])
    about = json.loads((Path(answer["run"]) / "run.json").read_text(encoding="utf-8"))
    assert about["ledger_digest"] == answer["ledger_digest"]
    assert about["seed"] == answer["seed"] == 7


def test_persons_round_up_to_whole_copies(answer: dict[str, Any]) -> None:
    assert (answer["persons"], answer["copies"]) == (1500, 3)
    assert answer["scenario"] == "town"


def test_years_are_calendar_years_of_the_horizon_or_null(answer: dict[str, Any]) -> None:
    years = [p["break_even_year"] for arm in answer["comparisons"].values() for p in arm["by_payer"].values()]
    assert None in years
    assert all(year is None or 2026 <= year <= 2026 + 100 for year in years)


def test_the_difference_of_two_arms_is_the_gross_change_of_the_contract(answer: dict[str, Any]) -> None:
    baseline = answer["arms"]["baseline"]["cost_per_person"]
    for name, arm in answer["comparisons"].items():
        for payer, change in arm["by_payer"].items():
            there = answer["arms"][name]["cost_per_person"][payer]["discounted"]
            # differences of some hundred thousand kronor, in floating point
            assert change["gross_per_person"] == pytest.approx(there - baseline[payer]["discounted"], abs=1e-5)


def test_an_unknown_effect_comes_with_the_effect_that_would_be_needed(answer: dict[str, Any]) -> None:
    assert has(answer["comparisons"]["visits"]["needed_effect"], {"ratio": (float, NONE), "on": list, "runs": int})
    assert "needed_effect" not in answer["comparisons"]["nurse"]


def test_the_printed_schema_describes_what_is_printed(answer: dict[str, Any]) -> None:
    result = said("schema", "results")
    assert result.code == 0
    schema = json.loads(result.out)
    assert set(schema["properties"]) == set(answer)
    assert set(schema["required"]) == set(answer)
    payer = schema["$defs"]["PayerChange"]["properties"]
    assert set(payer) == set(answer["comparisons"]["visits"]["by_payer"]["public"])
    assert said("schema", "result").code == 2


# Seeds and threads


@pytest.mark.parametrize(("seed", "threads", "same"), [(7, 5, True), (8, 1, False)])
def test_the_digest_depends_on_the_seed_and_not_on_the_threads(
    town: Path, answer: dict[str, Any], tmp_path: Path, seed: int, threads: int, same: bool
) -> None:
    again = said(
        "compare", town, "--persons", 1500, "--seed", seed, "--threads", threads, "--out", tmp_path / "run", "--json"
    ).json
    assert (again["ledger_digest"] == answer["ledger_digest"]) == same
    assert again["threshold_digest"] == answer["threshold_digest"]
    if same:
        assert (again["arms"], again["comparisons"]) == (answer["arms"], answer["comparisons"])
    else:
        assert again["comparisons"] != answer["comparisons"]


def test_a_stream_counts_the_same_and_looks_for_no_effect(town: Path, answer: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "streamed"
    streamed = said("compare", town, "--persons", 1001, "--seed", 7, "--stream", "--out", run, "--json").json
    assert streamed["ledger_digest"] == answer["ledger_digest"]
    assert "needed_effect" in answer["comparisons"]["visits"]
    assert "needed_effect" not in streamed["comparisons"]["visits"]


def test_without_persons_the_copies_of_the_scenario_are_lived_and_runs_are_numbered(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "town-1").mkdir(parents=True)
    told = said("compare", town, "--json").json
    assert told["run"] == str(Path("runs") / "town-2")
    assert (told["persons"], told["copies"], told["seed"]) == (1000, 2, 1)
    assert files_under(tmp_path / "runs" / "town-1") == []


# Pricing again


def test_price_says_what_compare_said(answer: dict[str, Any]) -> None:
    again = said("price", answer["run"], "--json")
    assert again.code == 0
    told = again.json
    for key in set(answer) - {"seconds", "comparisons"}:
        assert told[key] == answer[key], key
    for arm, comparison in answer["comparisons"].items():
        for key in set(comparison) - {"needed_effect"}:
            assert told["comparisons"][arm][key] == comparison[key], (arm, key)
    assert told["seconds"]["simulate"] == 0


def test_price_takes_another_discount_rate(answer: dict[str, Any]) -> None:
    dearer = said("price", answer["run"], "--json", "--discount", "0.05").json
    assert dearer["discount_rate"] == 0.05
    assert dearer["ledger_digest"] == answer["ledger_digest"]
    for payer, before in answer["arms"]["baseline"]["cost_per_person"].items():
        after = dearer["arms"]["baseline"]["cost_per_person"][payer]
        assert after["undiscounted"] == before["undiscounted"]
        if payer == "municipality.school":
            assert after["discounted"] < before["discounted"] < before["undiscounted"]


def test_price_at_0_discounts_nothing(answer: dict[str, Any]) -> None:
    plain = said("price", answer["run"], "--json", "--discount", "0").json
    for arm in plain["arms"].values():
        for cost in arm["cost_per_person"].values():
            assert cost["discounted"] == pytest.approx(cost["undiscounted"], rel=1e-9)


@pytest.mark.parametrize(("rate", "hint"), [("5", "did you mean 0.05?"), ("-0.1", ""), ("1", ""), ("nan", "")])
def test_a_discount_rate_out_of_range_is_bad_input(answer: dict[str, Any], rate: str, hint: str) -> None:
    refused = said("price", answer["run"], "--discount", rate)
    assert refused.code == 2
    assert "the discount rate must be 0 or more and below 1" in refused.err
    assert hint in refused.err
    assert refused.out == ""


def test_a_damaged_run_fails_with_a_sentence(answer: dict[str, Any], tmp_path: Path) -> None:
    nowhere = said("price", tmp_path, "--json")
    assert nowhere.code == 1
    assert nowhere.json["ok"] is False
    assert "no run.json" in nowhere.json["errors"][0]["message"]
    assert "no run.json" in nowhere.err


# Checking


def test_check_prints_the_plan(town: Path) -> None:
    result = said("check", town, "--json")
    assert result.code == 0
    told = result.json
    assert has(told, {"ok": bool, "errors": list, "plan": dict})
    assert (told["ok"], told["errors"]) == (True, [])
    assert (told["plan"]["persons"], told["plan"]["copies"], told["plan"]["steps"]) == (1000, 2, 101)
    assert told["plan"]["order"][0] == "death"
    assert set(told["plan"]["arms"]) == {"baseline", "visits", "nurse", "reading"}


def test_check_in_words_names_every_arm_and_every_conversion(town: Path) -> None:
    result = said("check", town)
    assert result.code == 0
    assert "the scenario is in order" in result.out
    assert "odds ratio 0.98 at control risk 0.14 over 7 years = hazard ratio" in result.out
    assert "no estimate exists" in result.out
    for arm in ("visits", "nurse", "reading"):
        assert arm in result.out


def test_check_lists_every_mistake_with_its_place(town: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TOWN.replace("[placed,", "[plced,").replace("extended_home_visits", "extended_home_visit"))
    result = said("check", wrong, "--json")
    assert result.code == 2
    told = result.json
    assert (told["ok"], told["plan"]) == (False, None)
    assert len(told["errors"]) == 2
    for error in told["errors"]:
        assert has(error, {"file": str, "line": int, "column": int, "message": str, "hint": (str, NONE)})
    assert {error["line"] for error in told["errors"]} == {6, 9}
    words = said("check", wrong)
    assert words.code == 2
    assert words.out == ""
    assert f"{wrong}:6:" in words.err
    assert "did you mean 'placed'?" in words.err


# Targets


@pytest.fixture(scope="module")
def targets() -> Said:
    return said("targets", SHIPPED / "sweden.yaml", "--persons", 9000, "--threads", 2, "--json")


def test_targets_prints_every_target_worst_first_and_ends_with_3_where_one_is_missed(targets: Said) -> None:
    rows = targets.json
    assert len(rows) == len(read_targets())
    for row in rows:
        keys: dict[str, Any] = {
            "id": str, "registry": NUMBER, "simulated": NUMBER, "se": (float, NONE), "tolerance": NUMBER,
            "within": bool, "set": str, "population": str, "provenance": str,
        }  # fmt: skip
        assert has(row, keys)
        assert row["set"] in ("fit", "held-out")
        assert row["within"] == (abs(row["simulated"] - row["registry"]) <= row["tolerance"])
    assert not all(row["within"] for row in rows)
    assert targets.code == 3
    far = [abs(row["simulated"] - row["registry"]) / row["tolerance"] for row in rows]
    assert far == sorted(far, reverse=True)


def test_targets_ends_with_0_where_all_are_met(monkeypatch: pytest.MonkeyPatch) -> None:
    easy = tuple(one for one in read_targets() if one.id in ("births_share_boys", "e70_women"))
    monkeypatch.setattr(calibration.command, "read_targets", lambda: easy)
    result = said("targets", SHIPPED / "sweden.yaml", "--persons", 9000, "--threads", 2)
    assert "2 of 2 targets within their tolerance (9,000 births" in result.out
    assert result.code == 0


# Bad input


BAD = {
    "no such file": (["compare", "{folder}/nowhere.yaml"], "nowhere.yaml"),
    "no such interventions": (["compare", "{folder}/wrong.yaml"], "did you mean 'extended_home_visits'?"),
    "a seed below 0": (["compare", "{town}", "--seed", "-1"], "seed must be 0 to 2^64 - 1"),
    "a seed too large": (["compare", "{town}", "--seed", str(2**64)], "seed must be 0 to 2^64 - 1"),
    "no persons": (["compare", "{town}", "--persons", "0"], "number of persons must be 1 to"),
    "too many persons": (["compare", "{town}", "--persons", "99999999999"], "number of persons must be 1 to"),
    "no threads": (["compare", "{town}", "--threads", "0"], "threads must be 1 or more"),
    "a folder that exists": (["compare", "{town}", "--out", "{folder}/taken"], "exists already"),
    "words for a number": (["compare", "{town}", "--persons", "many"], "--persons"),
    "no scenario": (["compare"], "SCENARIO"),
    "an unknown verb": (["comparr"], "comparr"),
    "targets of no file": (["targets", "{folder}/nowhere.yaml"], "nowhere.yaml"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_2_says_why_and_writes_nothing(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "wrong.yaml").write_text(TOWN.replace("extended_home_visits", "extended_home_visit"))
    monkeypatch.chdir(tmp_path)
    before = files_under(tmp_path)
    arguments, sentence = BAD[case]
    refused = said(*(one.format(folder=tmp_path, town=town) for one in arguments))
    assert refused.code == 2
    assert sentence in refused.err
    assert "Traceback" not in refused.err
    assert refused.out == ""
    assert files_under(tmp_path) == before


# The screen


@pytest.fixture(scope="module")
def screen(answer: dict[str, Any]) -> str:
    """Return what people read: the numbers of `answer`, with the needed effect of its own run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        patch.setenv("NO_COLOR", "1")
        result = said("price", answer["run"])
    assert result.code == 0
    assert result.err == ""
    return result.out


def test_the_screen_names_every_arm_and_payer_and_when_the_money_is_back(screen: str) -> None:
    assert "A town of our own" in screen
    for arm in ("visits", "nurse", "reading"):
        assert re.search(rf"^{arm}: .*participants$", screen, re.MULTILINE), arm
    for word in ("Municipality", "Region", "State", "All public money", "participants", "never", "pays nothing"):
        assert word in screen, word
    assert re.search(r"(never|\b20\d\d|\b21\d\d)\??$", screen, re.MULTILINE)


def test_the_screen_says_what_its_uncertainty_is_and_is_not(screen: str) -> None:
    assert "one standard error of the simulation" in screen
    assert "not the uncertainty of the evidence" in screen
    assert "its interval includes no effect" in screen
    assert "no estimate of the effect exists" in screen


def test_the_screen_of_a_comparison_says_what_an_unknown_effect_would_have_to_do(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")  # one sentence, one line
    (effect,) = read_yaml(SHIPPED / "interventions" / "extended_home_visits.yaml").values["effects"]
    assert effect["unknown"]
    on = re.escape(", ".join(f"'{name}'" for name in effect["on"]))
    result = said("compare", town, "--out", tmp_path / "run", "--detail")
    assert result.code == 0
    assert re.search(
        rf"No estimate of the effect exists: to pay back, the rate of {on} would have to fall by \d+ %\.|"
        rf"No estimate of the effect exists; no ratio from 1/20 to 20 on {on} would bring the public money back\.",
        result.out,
    )
    assert f"Run folder: {tmp_path / 'run'}" in result.out
    assert "school" in result.out  # --detail: committees below the first level
    assert "living lives" in result.err


# Processes


def process(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from sim.cli import main; main()", *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    # a shell's background job ignores interrupts, and so would its children: the user at a terminal does not
    return subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **pipes, **more)


def test_help_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys\nfrom sim.cli import main\nsys.argv = ['framsyn', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'numpy', 'numba', 'pandas', 'mesa', 'pydantic', 'pyarrow', 'scipy', 'ruamel', 'rich'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stderr.strip() == "[]"
    for verb in ("compare", "check", "price", "targets"):
        assert re.search(rf"^\s+{verb}\b", result.stdout, re.MULTILINE)


def test_a_comparison_loads_neither_pandas_nor_scipy(town: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom sim.cli import main\n"
        f"sys.argv = ['framsyn', 'compare', {str(town)!r}, '--json', '--out', {str(tmp_path / 'run')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(sorted({'pandas', 'mesa', 'scipy.linalg', 'ruamel', 'matplotlib'} & {*sys.modules}))\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=False)  # files are kept now
    shutil.rmtree(tmp_path / "run")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_process_prints_json_alone_to_standard_output(town: Path, tmp_path: Path, answer: dict[str, Any]) -> None:
    run = tmp_path / "run"
    with process("compare", town, "--persons", 1500, "--seed", 7, "--threads", 2, "--out", run, "--json") as running:
        out, err = running.communicate(timeout=120)
    assert running.returncode == 0
    told = Said(0, out, err).json
    assert told["ledger_digest"] == answer["ledger_digest"]
    assert (told["arms"], told["comparisons"]) == (answer["arms"], answer["comparisons"])
    assert "living lives" in err


def test_a_process_ends_with_2_on_bad_input(tmp_path: Path) -> None:
    with process("compare", tmp_path / "nowhere.yaml", "--json", cwd=tmp_path) as running:
        out, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert Said(2, out, err).json["ok"] is False
    assert "nowhere.yaml" in err
    assert "Traceback" not in err
    assert files_under(tmp_path) == []


def test_an_interrupt_ends_with_130_and_writes_nothing(town: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "long"
    with process("compare", town, "--persons", 3_000_000, "--out", run, "--json", cwd=tmp_path) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "living lives" in line:
                break
        time.sleep(0.5)
        assert running.poll() is None  # still at work
        running.send_signal(signal.SIGINT)
        started = time.perf_counter()
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; nothing was written" in err
    assert "Traceback" not in err
    assert out == ""
    assert files_under(tmp_path) == []
    assert time.perf_counter() - started < 20  # a chunk of persons is done in milliseconds


def test_an_interrupt_anywhere_in_a_comparison_ends_with_130(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("simulate", "compare", "needed_effects", "write_run"):

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(sim.compare_command, step, interrupted)
            result = said("compare", town, "--persons", 500, "--out", tmp_path / "run", "--json")
        assert (result.code, result.out) == (130, ""), step
        assert files_under(tmp_path) == [], step


def test_version_names_what_results_rest_on() -> None:
    result = said("version")
    assert result.code == 0
    assert {line.split()[0] for line in result.out.splitlines()} >= {"framsyn", "python", "numpy", "numba", "rng"}
