"""``cgcopt compare``: many solvers on many instances, as tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
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
    refuse_given,
)
from cgcopt.cli.complete import complete_solvers
from cgcopt.cli.failures import exit_code, kept_rows
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances
from cgcopt.errors import RunInterrupted
from cgcopt.process import stopping

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cgcopt.compare.results.entrant import Entrant
    from cgcopt.compare.results.store import Store
    from cgcopt.compare.show.report import Report
    from cgcopt.options import Options
    from cgcopt.problem import Problem
    from cgcopt.workers.trace import Trace

__all__ = ["DEFAULT_INSTANCES", "compare"]

DEFAULT_INSTANCES = ("paper", "recorded")

STORE_NAME = "results.sqlite"


@reads_traces_as_instances
def compare(
    context: typer.Context,
    instances: Annotated[
        list[str] | None,
        typer.Argument(
            help="Instance files, files of measured times, or names of shipped instances; by "
            "default paper and recorded, "
            "with a replay of the trace and, without --solvers, the published plot against the number "
            "of workers.",
            metavar="INSTANCE",
            show_default=False,
        ),
    ] = None,
    solvers: Annotated[
        str | None,
        typer.Option(
            help="Names with commas between them; NAME:block for whole numbers; FILE.py:CLASS for a "
            "solver class of a file. By default all methods of this package, and HiGHS.",
            autocompletion=complete_solvers,
        ),
    ] = None,
    scenarios: ScenarioCount = 1000,
    seed: Seed = 0,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Make every run once with each of these seeds: 0,1,5 or 0-9.",
            metavar="S0,S1,...",
        ),
    ] = None,
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
            help="Of files of measured times, or instances with one: design on the first rounds, "
            "judge on the rest.",
            metavar="",
        ),
    ] = False,
    split: Annotated[
        float, typer.Option(help="Share of the rounds that --replay designs on (between 0 and 1).")
    ] = 0.5,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the report, tables, plots and all results; the same folder later goes on."
        ),
    ] = None,
    fresh: Fresh = False,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Compare solvers on instances: exact values, bounds, gaps, published figures."""
    from cgcopt.cli.inputs import executor_of, seeds_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.cli.unused import unused_in_comparison, unused_in_replay
    from cgcopt.compare.results.entrant import entrants_of
    from cgcopt.compare.results.store import Store
    from cgcopt.options import Options

    if replay:
        refuse_given(context, ("jobs", "scheduler", "fresh", "seeds"), "left out beside --replay")
    elif instances:
        refuse_given(context, ("split",), "left out without --replay")
    if out is None:
        refuse_given(context, ("fresh",), "left out without --out, the folder of earlier results")
    if seeds is not None:
        refuse_given(context, ("seed",), "left out beside --seeds")
    plan = _Plan.of(
        instances,
        reading,
        solvers=None if solvers is None else entrants_of(solvers.split(",")),
        seeds=None if seeds is None else seeds_of(seeds),
        replay=replay,
        split=split,
        fresh=fresh,
    )
    folder = None if out is None else writable_folder("out", out)
    options = Options(scenarios=scenarios, seed=seed, time_limit=time_limit, threads=threads)
    try:
        with (
            Store(None if folder is None or replay else folder / STORE_NAME) as store,
            kept_rows(folder, store),
            executor_of(jobs, scheduler) as executor,
            progress("comparing") as report,
        ):
            result = plan.carry_out(replace(options, progress=report), store, executor)
    except RunInterrupted as stop:
        result = stop.result
        over = result.comparison.rows or result.replays
        if folder is not None or not (over and stopping.commanded()):
            raise
    result = replace(result, command=command_line(context))
    notes = [*plan.notes, *unused_in_comparison(context, result.comparison)]
    notes += unused_in_replay(context) if replay else []
    show_then_write(
        partial(_print_json if as_json else _print_tables, result, notes),
        None if folder is None else partial(result.write, folder),
        quiet=as_json,
    )
    rows = [(row.solver, row.value, row.message) for row in result.comparison.rows]
    replayed = [row for found in result.replays for row in found.rows]
    return exit_code(rows + [(row.name, row.held_out, row.message) for row in replayed])


@dataclass(frozen=True)
class _Plan:
    problems: Sequence[Problem]
    solvers: Sequence[Entrant] | None
    traces: Sequence[tuple[str, Trace]]
    replayed: Sequence[Problem | None]
    split: float
    published: bool
    fresh: bool
    seeds: Sequence[int] | None = None

    @classmethod
    def of(
        cls,
        instances: list[str] | None,
        reading: TraceInput,
        *,
        solvers: Sequence[Entrant] | None,
        seeds: Sequence[int] | None,
        replay: bool,
        split: float,
        fresh: bool,
    ) -> _Plan:
        """Read the instances, and the files of times of a replay."""
        from cgcopt.cli.inputs import problem_of, problem_of_rounds, traces_of

        names, timed = instances or DEFAULT_INSTANCES, replay or not instances
        traces = traces_of(names, required=replay, reading=reading) if timed else []
        replayed: list[Problem | None] = [None] * len(traces)
        if replay:
            replayed = [
                problem_of_rounds(instance, trace, reading)
                for instance, (_, trace) in zip(names, traces, strict=True)
            ]
        problems = [] if replay else [problem_of(name, reading) for name in names]
        published = not instances and not replay
        return cls(problems, solvers, traces, replayed, split, published, fresh, seeds)

    @property
    def notes(self) -> list[str]:
        """How the files of times were read, in sentences."""
        notes = [note for p in self.problems for note in p.system.worker_times.notes]
        notes += [note for _, trace in self.traces for note in trace.notes]
        return list(dict.fromkeys(notes))

    def carry_out(self, options: Options, store: Store, executor: Executor | None) -> Report:
        """Run everything; rows go into the store one by one.

        Raises
        ------
        RunInterrupted
            With what was over as its ``result``.
        """
        from cgcopt.compare.published.sweep import published_sweep
        from cgcopt.compare.results.compare import compare
        from cgcopt.compare.results.comparison import Comparison
        from cgcopt.compare.results.names import different_names
        from cgcopt.compare.results.replay import replay
        from cgcopt.compare.show.report import Report

        comparison, sweeps, replays = Comparison((), options), [], []
        titles = different_names([name for name, _ in self.traces])
        try:
            comparison = compare(
                self.problems,
                self.solvers,
                seeds=self.seeds,
                options=options,
                store=store,
                fresh=self.fresh,
                executor=executor,
            )
            if self.published and self.solvers is None:
                sweep = published_sweep(
                    options=options, store=store, fresh=self.fresh, executor=executor
                )
                sweeps.append(sweep)
            for title, (_, trace), problem in zip(titles, self.traces, self.replayed, strict=True):
                found = replay(
                    trace,
                    self.solvers,
                    title=title,
                    fraction=self.split,
                    problem=problem,
                    options=options,
                )
                replays.append(found)
        except KeyboardInterrupt as stop:
            stopping.finishing()
            if isinstance(stop, RunInterrupted) and not comparison.rows:
                comparison = stop.result
            over = Report(comparison, sweeps, replays, notes=self.notes)
            raise RunInterrupted(None, over) from None
        return Report(comparison, sweeps, replays, notes=self.notes)


def _print_tables(result: Report, notes: Sequence[str]) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.report import sweep_title
    from cgcopt.compare.show.results_as_text import (
        comparison_table,
        replay_table,
        summary_table,
        sweep_table,
    )
    from cgcopt.compare.show.stages import stages_sentence, stages_table
    from cgcopt.compare.show.tables import rich_table

    output = console()
    comparison = result.comparison
    for note in notes:
        output.print(note)
    for name in comparison.problems:
        table = comparison_table(comparison.of(name))
        output.print(rich_table(table, title=name, width=output.width))
    if len(comparison.problems) > 1:
        table = summary_table(comparison)
        output.print(rich_table(table, title="all instances", width=output.width))
    for sweep in result.sweeps:
        output.print(rich_table(sweep_table(sweep), title=sweep_title(sweep), width=output.width))
    for replay in result.replays:
        output.print(rich_table(replay_table(replay), title=replay.heading, width=output.width))
    for stages in result.stages:
        title = f"{stages.title}, in five steps"
        output.print(rich_table(stages_table(stages), title=title, width=output.width))
        if told := stages_sentence(stages):
            output.print(told)


def _print_json(result: Report, notes: Sequence[str]) -> None:
    from cgcopt.cli.terminal import print_json, records

    frames = {
        "results": [result.comparison.frame()] if result.comparison.rows else [],
        "sweeps": [sweep.frame() for sweep in result.sweeps],
        "replays": [replay.frame() for replay in result.replays],
        "steps": [stages.frame() for stages in result.stages],
    }
    tables = {name: [records(frame) for frame in found] for name, found in frames.items()}
    print_json({**tables, "notes": list(notes)})
