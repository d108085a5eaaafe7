"""``cgcopt reproduce``: every published figure, reproduced and improved."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Fresh, Jobs, Json, Scheduler, Seed, command_line

if TYPE_CHECKING:
    from cgcopt.compare.published.reproduction import Reproduction

__all__ = ["reproduce"]


def reproduce(
    context: typer.Context,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Only the plots against the number of workers, up to 30, without the paper's "
            "iterative methods.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for Markdown, CSV, LaTeX, PNG and the results.")
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
    from cgcopt.cli.compare import STORE_NAME
    from cgcopt.cli.inputs import executor_of, writable_folder
    from cgcopt.cli.terminal import print_json, progress, records
    from cgcopt.compare.published.reproduction import DEFAULT_OPTIONS
    from cgcopt.compare.published.reproduction import reproduce as run
    from cgcopt.compare.results.store import Store
    from cgcopt.compare.show.reproduction_report import write

    folder = None if out is None else writable_folder("out", out)
    options = replace(DEFAULT_OPTIONS, seed=seed, time_limit=time_limit)
    try:
        with (
            executor_of(jobs, scheduler) as executor,
            progress("reproducing") as report,
            Store(None if folder is None else folder / STORE_NAME) as store,
        ):
            options = replace(options, progress=report)
            result = run(quick=quick, options=options, store=store, fresh=fresh, executor=executor)
    except KeyboardInterrupt:
        if folder is not None:
            print(f"what was done is kept in {folder}: the same command goes on", file=sys.stderr)
        raise
    files = [] if folder is None else write(result, folder, command_line(context))
    if as_json:
        print_json(
            {
                "passed": result.passed,
                "counts": result.counts,
                "left_out": result.left_out,
                "not_run": result.methods_left_out,
                "figures": records(result.frame()),
            }
        )
    else:
        _print_tables(result, files)
    return 0 if result.passed else 1


def _print_tables(result: Reproduction, files: Sequence[Path]) -> None:
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
    if files:
        output.print(f"written to {files[0].parent}: {', '.join(file.name for file in files)}")
