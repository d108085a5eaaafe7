"""``cgcopt advise``: from a file of measured times to a decision."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Json, Seed, Threads, command_line
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances

if TYPE_CHECKING:
    from cgcopt.compare.results.advice_result import Advice
    from cgcopt.costs import Costs

__all__ = ["advise"]


@reads_traces_as_instances
def advise(
    context: typer.Context,
    trace: Annotated[
        str,
        typer.Argument(
            help="A file of measured times (CSV, JSON lines, Parquet), or an instance with a trace.",
            metavar="TRACE",
            show_default=False,
        ),
    ],
    costs: Annotated[
        str | None,
        typer.Option(
            help="Seconds that a worker needs to start (startup), to send a coordinate (per_coordinate) "
            "and for each message (per_message), as in startup=0.1,per_message=0.01.",
            metavar="NAME=SECONDS,...",
        ),
    ] = None,
    latency: Annotated[
        float | None,
        typer.Option(
            help="Seconds that a request for work takes; with it, handing out work on request takes "
            "part."
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds for the whole command.")
    ] = 120.0,
    threads: Threads = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report, the table, the picture and the chosen design."),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="Also write the plan of the chosen design (with --out).", metavar=""
        ),
    ] = False,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Should one code at all, how, and what is gained? Judged on rounds that no design has seen."""
    import pandas  # noqa: F401 - here, so that what was found at Ctrl-C is shown at once

    from cgcopt._validate import finite_number
    from cgcopt.cli.inputs import problem_of_rounds, traces_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.compare.results.advice import advise as run
    from cgcopt.compare.show.advice_text import write
    from cgcopt.errors import InvalidInputError
    from cgcopt.options import Options

    finite_number("time-limit", time_limit, above=0)
    if plan and out is None:
        raise InvalidInputError("plan", plan, "beside --out, the folder that it is written to")
    ((title, measured),) = traces_of([trace], required=True, reading=reading)
    problem = problem_of_rounds(trace, measured, reading)
    if costs is not None:
        problem = replace(problem, system=replace(problem.system, costs=_costs(costs)))
    folder = None if out is None else writable_folder("out", out)
    with progress(f"judging on {title}") as report:
        options = Options(threads=threads, seed=seed, progress=report)
        advice = run(
            measured,
            problem,
            latency=latency,
            title=title,
            seconds=time_limit,
            options=options,
        )
    show_then_write(
        partial(_print_json if as_json else _print, advice),
        None
        if folder is None
        else partial(write, advice, folder, command_line(context), plan=plan),
        quiet=as_json,
    )
    if plan and (advice.coded or advice.solution).schedule is None:
        print(f"no plan: {advice.chosen} has no fixed work of every worker", file=sys.stderr)
    return 0


def _costs(text: str) -> Costs:
    from cgcopt.costs import Costs
    from cgcopt.errors import InvalidInputError

    allowed = f"NAME=SECONDS apart by commas, of {', '.join(Costs.__dataclass_fields__)}"
    found: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or name not in Costs.__dataclass_fields__ or name in found:
            raise InvalidInputError("costs", text, allowed)
        try:
            found[name] = float(value)
        except ValueError:
            raise InvalidInputError(f"costs.{name}", value, "a number of seconds") from None
    return Costs(**found)


def _print_json(advice: Advice) -> None:
    from cgcopt.cli.terminal import print_json
    from cgcopt.compare.show.advice_text import verdict

    print_json({**advice.to_dict(), "text": verdict(advice)})


def _print(advice: Advice) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.advice_text import (
        advice_heading,
        advice_lines,
        advice_table,
        verdict,
    )
    from cgcopt.compare.show.tables import rich_table

    output = console()
    table = rich_table(advice_table(advice), title=advice_heading(advice), width=output.width)
    output.print(table)
    for line in advice_lines(advice):
        output.print(line)
    output.print(verdict(advice), style="bold")
