"""``cgcopt study``: a study file carried out, as tables, plots and one page of HTML."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Fresh, Jobs, Json, Scheduler, command_line, refuse_given
from cgcopt.cli.failures import exit_code, kept_rows

if TYPE_CHECKING:
    from cgcopt.compare.results.store import Store
    from cgcopt.options import Options
    from cgcopt.study.samples import SampleStudy
    from cgcopt.study.show.folder import StudyReport
    from cgcopt.study.study_file import Study

__all__ = ["study"]

STORE_NAME = "results.sqlite"


def study(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="A study file (TOML): instance, sweep, solvers, seeds, options, table, samples.",
            metavar="STUDY.toml",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for tables, plots, the page report.html and the results."),
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    fresh: Fresh = False,
    as_json: Json = False,
) -> int:
    """Carry out a study: instances, sweeps over any field, solvers and seeds.

    The folder keeps every result as it arrives: after an interruption the same command goes on.
    """
    from cgcopt.cli.inputs import executor_of
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.terminal import progress, show_then_write
    from cgcopt.compare.results.store import Store
    from cgcopt.study.show.folder import StudyReport
    from cgcopt.study.show.texts import study_table
    from cgcopt.study.study_file import read_study, run_study

    if out is None:
        refuse_given(context, ("fresh",), "left out without --out, the folder of earlier results")
    read = read_study(file)
    folder = None if out is None else writable_folder("out", out)
    with (
        Store(None if folder is None else folder / STORE_NAME) as store,
        kept_rows(folder, store),
        executor_of(jobs, scheduler) as executor,
        progress(read.title) as report,
    ):
        options = replace(read.options, progress=report)
        swept = run_study(read, options=options, store=store, fresh=fresh, executor=executor)
        study_table(swept, read.table.columns)  # refuses unknown columns
        samples = _samples(read, options, store, fresh)
    made = StudyReport(read, swept, samples, command_line(context))
    show_then_write(
        partial(_show_json if as_json else _show, made),
        None if folder is None else partial(made.write, folder),
        quiet=as_json,
    )
    return exit_code((row.solver, row.value, row.message) for row in swept.comparison.rows)


def _samples(read: Study, options: Options, store: Store, fresh: bool) -> list[SampleStudy]:
    from cgcopt.study.samples import saa_study

    if not read.samples:
        return []
    return [
        saa_study(base, **read.samples, options=options, store=store, fresh=fresh)
        for base in read.bases
    ]


def _show_json(made: StudyReport) -> None:
    from cgcopt.cli.terminal import print_json, records

    samples = {found.problem.name: records(found.frame()) for found in made.samples}
    print_json({"results": records(made.swept.frame()), "samples": samples})


def _show(made: StudyReport) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.show.results_as_text import summary_table
    from cgcopt.compare.show.tables import rich_table
    from cgcopt.study.show.texts import samples_table, study_table

    output = console()
    table = study_table(made.swept, made.study.table.columns)
    output.print(rich_table(table, title=made.study.title, width=output.width))
    if len(made.swept.comparison.problems) > 1:
        summary = summary_table(made.swept.comparison)
        output.print(rich_table(summary, title="all instances", width=output.width))
    for found in made.samples:
        title = f"drawn samples: {found.problem.name}"
        output.print(rich_table(samples_table(found), title=title, width=output.width))
