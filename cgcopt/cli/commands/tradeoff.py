"""``cgcopt tradeoff``: what copies of the data and blocks are worth."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Instance, Json, Seed, Threads, command_line
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances

if TYPE_CHECKING:
    from cgcopt.compare.results.tradeoff import TradeOff

__all__ = ["tradeoff"]


@reads_traces_as_instances
def tradeoff(
    context: typer.Context,
    instance: Instance,
    gap: Annotated[
        float,
        typer.Option(help="A point is done when value and proven bound differ by this share."),
    ] = 1e-4,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds for each point of the curves.")
    ] = 20.0,
    seed: Seed = 0,
    threads: Threads = None,
    out: Annotated[Path | None, typer.Option(help="Folder for Markdown, CSV and PNG.")] = None,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Show the best runtime against the copies of the data, against the blocks, and against both.

    Limits of the instance, or given here, hold at every point.
    """
    from cgcopt.cli.inputs import problem_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.compare.results.tradeoff import DEFAULT_OPTIONS
    from cgcopt.compare.results.tradeoff import tradeoff as run
    from cgcopt.compare.show.tradeoff_report import write_tradeoff

    problem = problem_of(instance, reading)
    folder = None if out is None else writable_folder("out", out)
    with progress(f"{problem.name}: trade-off") as report:
        options = replace(
            DEFAULT_OPTIONS,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            threads=threads,
            progress=report,
        )
        found = run(problem, options=options)
    show_then_write(
        partial(_show_json if as_json else _show, found),
        None if folder is None else partial(write_tradeoff, found, folder, command_line(context)),
        quiet=as_json,
    )
    return 0


def _show_json(found: TradeOff) -> None:
    from cgcopt.cli.terminal import print_json, records

    best = found.best
    print_json(
        {
            "instance": found.problem.name,
            "best": {"value": best.value, "bound": best.bound, "gap": best.gap},
            "points": records(found.frame()),
        }
    )


def _show(found: TradeOff) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.tables import rich_table
    from cgcopt.compare.show.tradeoff_report import grid_table, points_table

    output, best = console(), found.best
    output.print(f"{found.problem.name}", style="bold")
    output.print(f"best without these limits: {best.value:.8g} s, gap {best.gap:.1e}\n")
    tables = (
        (points_table(found, found.against_copies(), "copies"), "against the copies of the data"),
        (points_table(found, found.against_blocks(), "blocks"), "against the blocks"),
        (grid_table(found), "price of both limits, copies in the columns"),
    )
    for table, title in tables:
        output.print(rich_table(table, title=title, width=output.width))
