"""The command line: `framsyn compare SCENARIO` and the verbs around it. Layer 9.

Imports only what every call needs; each verb loads the rest when it is called, so that `--help` is instant.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from sim.cache import keep_bytecode
from sim.errors import FramsynError, StoreError

GARBAGE_AFTER = 200_000
"""Objects made before the collector looks for cycles: reading files makes many objects and next to none."""

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="framsyn",
    help="Who pays, who saves, and in which year the money is back: early interventions over whole lives.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Verb = TypeVar("Verb", bound=Callable[..., None])


def guarded(verb: Verb) -> Verb:
    """End with the exit code of what happened: 0 done, 1 failed, 2 bad input, 130 interrupted; a sentence a mistake."""

    @wraps(verb)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            verb(*args, **kwargs)
        except FramsynError as error:
            from sim.report import print_problems

            print_problems(error, as_json=bool(kwargs.get("json")))
            raise typer.Exit(FAILED if isinstance(error, StoreError) else BAD_INPUT) from None
        except KeyboardInterrupt:
            print("interrupted; nothing was written", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None

    return call  # type: ignore[return-value]


ScenarioFile = Annotated[Path, typer.Argument(help="A scenario file (YAML).", metavar="SCENARIO")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object to standard output, and nothing else there.")
]
Persons = Annotated[int | None, typer.Option(help="Persons to simulate, rounded up to whole copies.")]
Seed = Annotated[int, typer.Option(help="Seed of all random draws, 0 to 2^64 - 1.")]
Threads = Annotated[int | None, typer.Option(help="Threads; by default one a processor.")]
Detail = Annotated[bool, typer.Option("--detail", help="Show every committee and agency, not only the first level.")]
Sanity = Annotated[
    bool, typer.Option("--sanity", help="The believability checks and the steady-state identity instead.")
]
CausalShare = Annotated[
    str | None,
    typer.Option(
        help="Causal share of links known only as associations, 0 to 1, instead of the scenario's; or all, which adds"
        " the net value at 0 and at 1.",
        metavar="SHARE",
    ),
]
Stream = Annotated[
    bool,
    typer.Option(
        "--stream",
        help="Forget everyone once lived, for very many persons: effects needed to break even are then not looked for.",
    ),
]
Out = Annotated[Path | None, typer.Option(help="Folder for the run; by default a new one under runs/.")]


@app.command()
@guarded
def compare(
    scenario: ScenarioFile, persons: Persons = None, seed: Seed = 1, threads: Threads = None, out: Out = None,
    detail: Detail = False, causal_share: CausalShare = None, stream: Stream = False, json: AsJson = False,
) -> None:  # fmt: skip
    """Simulate a scenario, price it and print who pays, who saves and when the money is back."""
    from sim.compare_command import run_compare

    run_compare(
        scenario, persons=persons, seed=seed, threads=threads, out=out, as_json=json, detail=detail,
        causal_share=causal_share, stream=stream,
    )  # fmt: skip


@app.command()
@guarded
def check(scenario: ScenarioFile, json: AsJson = False) -> None:
    """Read a scenario and everything it names, and print the plan or every mistake."""
    from sim.check_command import run_check

    raise typer.Exit(run_check(scenario, as_json=json))


@app.command()
@guarded
def price(
    run: Annotated[Path, typer.Argument(help="A run folder written by compare.", metavar="RUN")],
    discount: Annotated[float | None, typer.Option(help="Another yearly discount rate, as 0.05.")] = None,
    detail: Detail = False,
    json: AsJson = False,
) -> None:
    """Price a run again, without simulating."""
    from sim.compare_command import run_price

    run_price(run, discount=discount, as_json=json, detail=detail)


@app.command()
@guarded
def targets(
    scenario: ScenarioFile, persons: Persons = None, seed: Seed = 1, threads: Threads = None, sanity: Sanity = False,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Compare the baseline with registry statistics, worst first."""
    from importlib import import_module

    # calibration imports sim, never the reverse: the verb is looked up by name
    raise typer.Exit(import_module("calibration.command").run_targets(scenario, persons, seed, threads, json, sanity))


@app.command()
@guarded
def schema(
    what: Annotated[str, typer.Argument(help="What to describe: results or municipality.", metavar="WHAT")],
) -> None:
    """Print the JSON schema of what compare and price print, of a birth cohort or of a municipality."""
    import json as text

    from sim.contract import Results, TownResults
    from sim.errors import ScenarioError, nearest

    known: dict[str, type[Results]] = {"results": Results, "municipality": TownResults}
    if what not in known:
        raise ScenarioError(f"no schema {what!r}", hint=nearest(what, known))
    typer.echo(text.dumps(known[what].model_json_schema(), indent=1))


@app.command()
@guarded
def version() -> None:
    """Print the versions that results rest on."""
    from sim.store import versions

    for name, number in versions().items():
        typer.echo(f"{name} {number}")


def main() -> None:
    """Run the command line."""
    keep_bytecode()
    gc.set_threshold(GARBAGE_AFTER)
    app()
