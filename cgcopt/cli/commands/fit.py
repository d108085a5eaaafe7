"""``cgcopt fit``: which family of worker times fits a trace."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgcopt.cli.arguments import Json, refuse_given
from cgcopt.cli.reading import TraceInput, reads_traces

if TYPE_CHECKING:
    from cgcopt.workers.fitting import FitResult, FitRow

__all__ = ["fit"]


@reads_traces
def fit(
    context: typer.Context,
    trace: Annotated[
        Path,
        typer.Argument(
            help="A file of measured times: CSV, JSON lines, Parquet.",
            metavar="TRACE",
            show_default=False,
        ),
    ],
    holdout: Annotated[
        float, typer.Option(help="Share of the rounds, the last ones, that judge the fits.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option(help="Write an instance file (.toml) with the fitted family.")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(help="Family of the instance; by default the best with a finite mean."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Workers of the instance; by default those of the trace.")
    ] = None,
    coordinates: Annotated[int, typer.Option(help="Coordinates of the instance.")] = 20_000,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Fit families of worker times to a trace, ranked on rounds that they have not seen."""
    from cgcopt._writing import write_text
    from cgcopt.cli.inputs import writable_file
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.workers.dependence import dependence_of
    from cgcopt.workers.fitting import fit as run

    if out is None:
        refuse_given(context, ("family", "workers", "coordinates"), "left out without --out")
    measured = reading.read(trace)
    if out is not None:
        writable_file("out", out, (".toml",))
    result = run(measured, holdout=holdout)
    if out is not None:
        count = measured.workers if workers is None else workers
        write_text(out, _instance(result, family, count, coordinates))
    if as_json:
        notes = {
            "reading": None if measured.reading is None else measured.reading.to_dict(),
            "warnings": list(dependence_of(measured).warnings),
        }
        print_json(_to_dict(result) | notes)
    else:
        output = console()
        for note in measured.notes:
            output.print(note)
        _show(output, result, str(measured))
        for warning in dependence_of(measured).warnings:
            output.print(f"- {warning}", style="bold")
    return 0


def _instance(result: FitResult, family: str | None, workers: int, coordinates: int) -> str:
    from cgcopt._validate import whole_number
    from cgcopt.errors import InvalidInputError
    from cgcopt.instance import instance_text
    from cgcopt.objective import ExpectedRuntime
    from cgcopt.problem import Problem
    from cgcopt.system import System

    coordinates = whole_number("coordinates", coordinates, least=1)
    workers = whole_number("workers", workers, least=1)
    model = result.best_finite if family is None else result.row(family).model
    if model is None:
        raise InvalidInputError("family", family, "one that can be fitted to this trace")
    # With these two numbers runtimes come out in the seconds of the trace.
    system = System(workers, coordinates, model, samples=workers, cycles=1 / coordinates)
    source = "" if result.train.path is None else f" to {result.train.path.name}"
    return f"# {model.label}, fitted{source}.\n" + instance_text(Problem(system, ExpectedRuntime()))


def _to_dict(result: FitResult) -> dict[str, Any]:
    return {
        "families": [
            {
                "family": row.family,
                "worker_times": None if row.model is None else dict(row.model.to_dict()),
                "log_likelihood": _finite(row.log_likelihood_in),
                "held_out_log_likelihood": _finite(row.log_likelihood_out),
                "ks_distance": _finite(row.distance),
                "outside": _finite(row.outside),
                "failure": row.failure,
            }
            for row in result.rows
        ],
        "rounds_fitted": result.train.round_count,
        "rounds_held_out": result.test.round_count,
        "drift": result.drift,
        "note": result.note,
    }


def _show(console: Any, result: FitResult, name: str) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=name, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("family, fitted to all rounds")
    for heading in ("log-likelihood", "held-out", "KS distance", "below support"):
        table.add_column(heading, justify="right")
    for row in result.rows:
        table.add_row(*_texts(row))
    console.print(table)
    console.print(
        f"Log-likelihoods in nats per time: on the first {result.train.round_count} rounds, and on "
        f"the last {result.test.round_count} that no fit has seen (the rank)."
    )
    console.print(f"KS distance between the two parts themselves: {result.drift:.3f}.")
    if result.note:
        console.print(result.note)


def _texts(row: FitRow) -> tuple[str, ...]:
    if row.model is None:
        return (row.family, row.failure, "", "", "")
    return (
        row.model.label,
        f"{row.log_likelihood_in:.4f}",
        f"{row.log_likelihood_out:.4f}",
        f"{row.distance:.4f}",
        f"{100 * row.outside:.2f} %",
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
