"""``cgcopt curve``: the best completion probability against the deadline."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Instance, Json, Seed, command_line, refuse_given
from cgcopt.cli.complete import complete_solvers
from cgcopt.cli.failures import exit_code
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances

if TYPE_CHECKING:
    from cgcopt.compare.results.curve import Curve
    from cgcopt.options import Options
    from cgcopt.problem import Problem

__all__ = ["curve"]


@reads_traces_as_instances
def curve(
    context: typer.Context,
    instance: Instance,
    points: Annotated[
        int, typer.Option(help="Number of deadlines, evenly spaced on a log scale.")
    ] = 25,
    first: Annotated[
        float | None,
        typer.Option(
            "--from",
            help="First deadline in seconds; by default the shortest that some design meets with 1 %.",
        ),
    ] = None,
    last: Annotated[
        float | None,
        typer.Option(
            "--to",
            help="Last deadline in seconds; by default the shortest that some design meets with 99.9 %.",
        ),
    ] = None,
    solvers: Annotated[
        str | None,
        typer.Option(
            help="Names with commas between them. By default optimal, equal-risk, closed-form-deadline, "
            "single-level, tandon, uniform and uncoded.",
            autocompletion=complete_solvers,
        ),
    ] = None,
    seed: Seed = 0,
    starts: Annotated[
        int,
        typer.Option(
            help="Points from which a method that climbs to a local optimum starts at each deadline."
        ),
    ] = 4,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds for each solver at each deadline.")
    ] = 5.0,
    out: Annotated[Path | None, typer.Option(help="Folder for Markdown, CSV and PNG.")] = None,
    as_json: Json = False,
    tail: Annotated[
        bool,
        typer.Option(
            "--tail",
            help="Show the best quantile and the best conditional value at risk against the probability "
            "in place of the curve; of the other options --seed, --time-limit, --out and --json count.",
            metavar="",
        ),
    ] = False,
    *,
    reading: TraceInput,
) -> int:
    """Show the best completion probability against the deadline, with the schemes beside it.

    The objective of the instance is left out of account: only its system counts.
    """
    from cgcopt.cli.inputs import problem_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.compare.results.curve import DEFAULT_OPTIONS, deadline_curve, default_deadlines
    from cgcopt.compare.results.entrant import entrants_of
    from cgcopt.compare.show.curve_report import write_curve

    if tail:
        given = ("points", "first", "last", "solvers", "starts")
        refuse_given(context, given, "left out beside --tail")
    problem = problem_of(instance, reading)
    if tail:
        chosen = replace(DEFAULT_OPTIONS, seed=seed, time_limit=time_limit)
        return _tail(problem, chosen, None if out is None else writable_folder("out", out), as_json)
    names = None if solvers is None else entrants_of(solvers.split(","))
    folder = None if out is None else writable_folder("out", out)
    with progress(f"{problem.name}: curve") as report:
        options = replace(DEFAULT_OPTIONS, seed=seed, starts=starts, time_limit=time_limit)
        options = replace(options, progress=report)
        deadlines = default_deadlines(problem, points, first, last, options=options)
        result = deadline_curve(problem, deadlines, names, options=options)
    show_then_write(
        partial(_show_json if as_json else _show, result),
        None if folder is None else partial(write_curve, result, folder, command_line(context)),
        quiet=as_json,
    )
    return exit_code((row.solver, row.value, row.message) for row in result.rows)


def _tail(problem: Problem, options: Options, folder: Path | None, as_json: bool) -> int:
    from cgcopt.cli.terminal import console, print_json, progress, records, show_then_write
    from cgcopt.compare.show.tables import rich_table
    from cgcopt.study.show.tail_curve import tail_table, write_tail_curve
    from cgcopt.study.tail_curve import tail_curve

    with progress(f"{problem.name}: curve") as report:
        result = tail_curve(problem, options=replace(options, progress=report))

    def show() -> None:
        if as_json:
            print_json({"instance": problem.name, "points": records(result.frame())})
            return
        title, output = f"quantile and conditional value at risk: {problem.name}", console()
        output.print(rich_table(tail_table(result), title=title, width=output.width))

    write = None if folder is None else partial(write_tail_curve, result, folder)
    show_then_write(show, write, quiet=as_json)
    return exit_code(("optimal", p.tail_mean.value, p.tail_mean.message) for p in result.points)


def _show_json(result: Curve) -> None:
    from cgcopt.cli.terminal import print_json, records

    print_json({"instance": result.problem.name, "points": records(result.frame())})


def _show(result: Curve) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.results_as_text import curve_table
    from cgcopt.compare.show.tables import rich_table

    output = console()
    limits = f" ({result.problem.limits.label})" if result.problem.limits else ""
    title = f"completion probability against the deadline: {result.problem.name}{limits}"
    output.print(rich_table(curve_table(result), title=title, width=output.width))
    for solver, message in result.failures.items():
        output.print(f"{solver}: {message}")
