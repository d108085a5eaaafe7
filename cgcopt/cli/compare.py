"""``cgcopt compare``: many solvers on many instances, as tables and plots."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import (
    Fresh,
    Jobs,
    Json,
    ScenarioCount,
    Scheduler,
    Seed,
    Threads,
    command_line,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cgcopt.compare.results.compare import Entrant
    from cgcopt.compare.show.report import Report
    from cgcopt.options import Options
    from cgcopt.problem import Problem
    from cgcopt.workers.trace import Trace

__all__ = ["DEFAULT_INSTANCES", "compare"]

DEFAULT_INSTANCES = ("paper", "recorded")

STORE_NAME = "results.sqlite"


def compare(
    context: typer.Context,
    instances: Annotated[
        list[str] | None,
        typer.Argument(
            help="Instance files or names of shipped instances; by default paper and recorded, "
            "with the published plot against the number of workers and a replay of the trace.",
            metavar="INSTANCE",
            show_default=False,
        ),
    ] = None,
    solvers: Annotated[
        str | None,
        typer.Option(
            help="Names apart by commas; name:block for whole numbers. By default all methods of "
            "this package, and HiGHS."
        ),
    ] = None,
    scenarios: ScenarioCount = 1000,
    seed: Seed = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds for each solver on each instance.")
    ] = 20.0,
    threads: Threads = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="The instances have traces, or are traces (CSV): design on the first rounds, "
            "judge on the rest.",
        ),
    ] = False,
    split: Annotated[
        float, typer.Option(help="Share of the rounds that a replay designs on.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option(help="Folder for Markdown, CSV, LaTeX, PNG and the results.")
    ] = None,
    fresh: Fresh = False,
    as_json: Json = False,
) -> int:
    """Compare solvers on instances: exact values, bounds, gaps, published figures."""
    from cgcopt.cli.inputs import executor_of, problem_of, traces_of, writable_folder
    from cgcopt.cli.terminal import progress
    from cgcopt.compare.results.compare import Entrant
    from cgcopt.options import Options

    names = instances or DEFAULT_INSTANCES
    plan = _Plan(
        problems=[] if replay else [problem_of(name) for name in names],
        solvers=None if solvers is None else [Entrant.parse(name) for name in solvers.split(",")],
        traces=traces_of(names, required=replay) if replay or not instances else {},
        split=split,
        published=not instances and not replay,
        fresh=fresh,
    )
    folder = None if out is None else writable_folder("out", out)
    options = Options(scenarios=scenarios, seed=seed, time_limit=time_limit, threads=threads)
    try:
        with executor_of(jobs, scheduler) as executor, progress("comparing") as report:
            result = plan.carry_out(replace(options, progress=report), folder, executor)
    except KeyboardInterrupt:
        if folder is not None:
            print(f"what was done is kept in {folder}: the same command goes on", file=sys.stderr)
        raise
    files = [] if folder is None else replace(result, command=command_line(context)).write(folder)
    if as_json:
        _print_json(result)
    else:
        _print_tables(result, files)
    return 0


@dataclass(frozen=True)
class _Plan:
    problems: Sequence[Problem]
    solvers: Sequence[Entrant] | None
    traces: Mapping[str, Trace]
    split: float
    published: bool
    fresh: bool

    def carry_out(self, options: Options, folder: Path | None, executor: Executor | None) -> Report:
        """Run everything; rows go into the folder one by one."""
        from cgcopt.compare.published.sweep import published_sweep
        from cgcopt.compare.results.compare import compare
        from cgcopt.compare.results.replay import replay
        from cgcopt.compare.results.store import Store
        from cgcopt.compare.show.report import Report

        with Store(None if folder is None else folder / STORE_NAME) as store:
            comparison = compare(
                self.problems,
                self.solvers,
                options=options,
                store=store,
                fresh=self.fresh,
                executor=executor,
            )
            sweeps = []
            if self.published and self.solvers is None:
                sweep = published_sweep(
                    options=options, store=store, fresh=self.fresh, executor=executor
                )
                sweeps = [sweep]
        replays = [
            replay(trace, title=name, fraction=self.split, options=options)
            for name, trace in self.traces.items()
        ]
        return Report(comparison, sweeps, replays)


def _print_tables(result: Report, files: Sequence[Path]) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.report import sweep_title
    from cgcopt.compare.show.results_as_text import comparison_table, replay_table, sweep_table
    from cgcopt.compare.show.tables import rich_table

    output = console()
    comparison = result.comparison
    for name in comparison.problems:
        output.print(
            rich_table(comparison_table(comparison.of(name)), title=name, width=output.width)
        )
    for sweep in result.sweeps:
        output.print(rich_table(sweep_table(sweep), title=sweep_title(sweep), width=output.width))
    for replay in result.replays:
        output.print(rich_table(replay_table(replay), title=replay.heading, width=output.width))
    if files:
        output.print(f"written to {files[0].parent}: {', '.join(file.name for file in files)}")


def _print_json(result: Report) -> None:
    from cgcopt.cli.terminal import print_json, records

    frames = {
        "results": [result.comparison.frame()] if result.comparison.rows else [],
        "sweeps": [sweep.frame() for sweep in result.sweeps],
        "replays": [replay.frame() for replay in result.replays],
    }
    print_json({name: [records(frame) for frame in found] for name, found in frames.items()})
