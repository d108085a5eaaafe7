"""``cgcopt fit``: which family of worker times fits a trace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cgcopt.cli.arguments import Json, refuse_given
from cgcopt.cli.fitted import families_of, instance_of, show_families
from cgcopt.cli.reading import TraceInput, reads_traces

__all__ = ["fit"]


class Start(StrEnum):
    """What an instance makes of the time to start."""

    FIXED = "fixed"
    RANDOM = "random"


@reads_traces
def fit(
    context: typer.Context,
    trace: Annotated[
        Path,
        typer.Argument(
            help="A file of measured times (CSV, JSON lines, Parquet), or an instance with a trace.",
            metavar="TRACE",
            show_default=False,
        ),
    ],
    holdout: Annotated[
        float,
        typer.Option(
            help="Share of the rounds (between 0 and 1), the last ones, that judge the fits."
        ),
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option(help="Write an instance file (.toml) with the fitted family.")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(
            help="Family of worker times of the instance, such as gamma; by default the best fit with a "
            "finite mean."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Workers of the instance; by default those of the trace.")
    ] = None,
    coordinates: Annotated[
        int, typer.Option(help="Coordinates (parameters) of the model.")
    ] = 20_000,
    start: Annotated[
        Start | None,
        typer.Option(
            help="Start-up of the workers, from times at several loads: fixed (in the costs of the "
            "instance) or random; by default what is off by less."
        ),
    ] = None,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Fit families of worker times to a trace, ranked on rounds that they have not seen.

    From times at several loads (a column `load`, which `cgcopt record
    --loads` writes) the start-up is told from the work. It goes into the
    costs of the instance, or is a random start of its workers.
    """
    from cgcopt._writing import write_text
    from cgcopt.cli.fit_loads import fit_at_loads
    from cgcopt.cli.inputs import measured_times
    from cgcopt.cli.outputs import writable_file
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.workers.dependence import dependence_of
    from cgcopt.workers.fitting import fit as run
    from cgcopt.workers.reading.loads import SeveralLoadsError

    if out is None:
        refuse_given(context, ("family", "workers", "coordinates"), "left out without --out")
    if out is not None:
        writable_file("out", out, (".toml",))
    try:
        measured = measured_times(trace, reading)
    except SeveralLoadsError:
        return fit_at_loads(
            trace,
            reading.options,
            holdout,
            out,
            (family, workers, coordinates),
            None if start is None else str(start),
            as_json,
        )
    if start is not None:
        refuse_given(context, ("start",), "left out where all times are of one load")
    result = run(measured, holdout=holdout)
    if out is not None:
        count = measured.workers if workers is None else workers
        write_text(out, instance_of(result, family, count, coordinates))
    if as_json:
        notes = {
            "reading": None if measured.reading is None else measured.reading.to_dict(),
            "warnings": list(dependence_of(measured).warnings),
        }
        print_json(families_of(result) | notes)
    else:
        output = console()
        for note in measured.notes:
            output.print(note)
        show_families(output, result, str(measured))
        for warning in dependence_of(measured).warnings:
            output.print(f"- {warning}", style="bold")
    return 0
