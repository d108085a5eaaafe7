"""``cgcopt reproduce``: every published figure, reproduced and improved."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Fresh, Jobs, Json, Scheduler, Seed, command_line, refuse_given
from cgcopt.cli.failures import kept_rows

if TYPE_CHECKING:
    from cgcopt.compare.published.reproduction import Reproduction

__all__ = ["reproduce"]


def reproduce(
    context: typer.Context,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Only the paper's two plots against the number of workers, up to 30, without its "
            "iterative methods.",
            metavar="",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the report, tables, plots and all results; the same folder later goes on."
        ),
    ] = None,
    seed: Seed = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds for each solver on each setting.")
    ] = 60.0,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    fresh: Fresh = False,
    as_json: Json = False,
) -> int:
    """Compute every figure of the paper again; exit code 1 if one does not reproduce that should."""
    from cgcopt.cli.commands.compare import STORE_NAME
    from cgcopt.cli.inputs import executor_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.compare.published.reproduction import DEFAULT_OPTIONS
    from cgcopt.compare.published.reproduction import reproduce as run
    from cgcopt.compare.results.store import Store
    from cgcopt.compare.show.reproduction_report import write

    if out is None:
        refuse_given(context, ("fresh",), "left out without --out, the folder of earlier results")
    folder = None if out is None else writable_folder("out", out)
    options = replace(DEFAULT_OPTIONS, seed=seed, time_limit=time_limit)
    with (
        Store(None if folder is None else folder / STORE_NAME) as store,
        kept_rows(folder, store),
        executor_of(jobs, scheduler) as executor,
        progress("reproducing") as report,
    ):
        options = replace(options, progress=report)
        result = run(quick=quick, options=options, store=store, fresh=fresh, executor=executor)
    show_then_write(
        partial(_print_json if as_json else _print_tables, result),
        None if folder is None else partial(write, result, folder, command_line(context)),
        quiet=as_json,
    )
    return 0 if result.passed else 1


def _print_json(result: Reproduction) -> None:
    from cgcopt.cli.terminal import print_json, records

    print_json(
        {
            "passed": result.passed,
            "counts": result.counts,
            "left_out": result.left_out,
            "not_run": result.methods_left_out,
            "figures": records(result.frame()),
        }
    )


def _print_tables(result: Reproduction) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.reproduction_report import (
        plot_heading,
        plot_setting,
        readable,
        summary,
    )
    from cgcopt.compare.show.tables import rich_table

    output = console()
    for sweep in result.sweeps:
        table = readable(result, sweep)
        output.print(rich_table(table, title=plot_heading(sweep), width=output.width))
        output.print(plot_setting(result, sweep))
        output.print()
    for line in summary(result):
        output.print(line)
