"""``cgcopt schedules``: beyond one order and equal work."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Json, ScenarioCount, Seed, refuse_given

if TYPE_CHECKING:
    from cgcopt.compare.schedules.copies import CopiesTable
    from cgcopt.compare.schedules.table import ScheduleTable

__all__ = ["schedules"]


def schedules(
    context: typer.Context,
    traces: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of measured times, or instances with a trace: designed on the first rounds, "
            "judged on the rest; by default the recorded trace of the package.",
            metavar="TRACE",
            show_default=False,
        ),
    ] = None,
    only_traces: Annotated[
        bool,
        typer.Option("--only-traces", help="Leave out the built-in distributions.", metavar=""),
    ] = False,
    with_copies: Annotated[
        bool,
        typer.Option(
            "--copies",
            help="Also show the mean round against the copies of the data, coded and uncoded.",
            metavar="",
        ),
    ] = False,
    scenarios: ScenarioCount = 1000,
    seed: Seed = 0,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            help="Seconds for every design, not for the command: a distribution has 6 designs, a trace "
            "up to 14 (more with --copies), and each is judged on top.",
        ),
    ] = 120.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as Markdown and CSV, and plots.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Compare orders of one's own, unequal work and uncoded ways with the certified optimum."""
    from cgcopt.cli.inputs import problem_of_rounds, traces_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.reading import TraceInput
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.compare.schedules.cases import cases_of, reference_cases
    from cgcopt.compare.schedules.copies import copies_table
    from cgcopt.compare.schedules.table import schedule_table
    from cgcopt.compare.show.schedule_tables import write
    from cgcopt.options import Options

    if only_traces:
        refuse_given(context, ("scenarios",), "left out beside --only-traces: traces have rounds")
    folder = None if out is None else writable_folder("out", out)
    names, reading = traces or ["recorded"], TraceInput()
    found = traces_of(names, required=True)
    # Costs and limits of an instance hold here too.
    problems = [
        problem_of_rounds(name, trace, reading)
        for name, (_, trace) in zip(names, found, strict=True)
    ]
    cases = cases_of(found, problems)
    if not only_traces:
        cases = [*reference_cases(seed), *cases]
    copies = []
    with progress("designing") as report:
        options = Options(scenarios=scenarios, seed=seed, time_limit=time_limit, progress=report)
        table = schedule_table(cases, options=options)
        if with_copies:
            copies = [copies_table(case, options=options) for case in cases]
    show_then_write(
        partial(_print_json if as_json else _print_tables, table, copies),
        None if folder is None else partial(write, table, copies, folder),
        quiet=as_json,
    )
    return 0


def _print_json(table: ScheduleTable, copies: list[CopiesTable]) -> None:
    from cgcopt.cli.terminal import print_json, records

    print_json(
        {
            "entries": records(table.frame()),
            "crossings": records(table.crossing_frame()),
            "copies": [records(each.frame()) for each in copies],
        }
    )


def _print_tables(table: ScheduleTable, copies: list[CopiesTable]) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.schedule_tables import (
        copies_heading,
        crossing_lines,
        readable,
        readable_copies,
    )
    from cgcopt.compare.show.tables import rich_table

    output = console()
    for case, frame in readable(table).items():
        output.print(
            rich_table(frame, title=f"{case}: mean round over uncoded", width=output.width)
        )
    for line in crossing_lines(table):
        output.print(line)
    for each in copies:
        title = copies_heading(each)
        output.print(rich_table(readable_copies(each), title=title, width=output.width))
