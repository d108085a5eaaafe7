"""``cgcopt inspect``: what a trace of worker times looks like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgcopt.cli.arguments import Json
from cgcopt.cli.reading import TraceInput, reads_traces

if TYPE_CHECKING:
    from cgcopt.workers.inspection import Inspection, WorkerSummary

__all__ = ["inspect"]

#: Workers that the table shows; of more, the slowest and the fastest.
MOST_ROWS = 24


@reads_traces
def inspect(
    trace: Annotated[
        Path,
        typer.Argument(
            help="A file of measured times (CSV, JSON lines, Parquet), or an instance with a trace.",
            metavar="TRACE",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the picture (.png, .pdf or .svg).")
    ] = None,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Look at measured times: slow workers, tails, dependence, drift; what follows from them."""
    from cgcopt.cli.inputs import measured_times
    from cgcopt.cli.outputs import writable_picture
    from cgcopt.cli.terminal import console, print_json, progress
    from cgcopt.workers.inspection import inspect_trace

    if out is not None:
        writable_picture("out", out)
    measured = measured_times(trace, reading)
    with progress(f"looking at {trace.name}"):
        seen = inspect_trace(measured)
    if as_json:
        print_json(seen.to_dict())
    else:
        _show(console(), seen)
    if out is not None:
        from cgcopt.compare.show.inspection_plot import plot_inspection

        plot_inspection(seen, out)
        if not as_json:
            console().print(f"picture written to {out}")
    return 0


def _show(output: Any, seen: Inspection) -> None:
    for note in seen.trace.notes:
        output.print(note)
    output.print(_table(seen))
    middle, tail, rare, largest = (seen.quantiles[q] for q in (0.5, 0.9, 0.99, 1.0))
    text = f"all times: median {middle:.4g} s, 90 % {tail:.4g}, 99 % {rare:.4g}, "
    text += f"largest {largest:.4g}"
    finite = largest < float("inf")
    output.print(f"{text} ({largest / middle:.3g} times the median)" if finite else text)
    if finite:
        output.print(
            f"a round without coding takes {seen.slowest_mean:.4g} s on average; no scheme that "
            f"computes everything once takes less than {seen.speed_of_light:.4g}"
        )
    _show_dependence(output, seen)
    if seen.families is not None:
        named = [row.family for row in seen.families.rows if not row.failure][:3]
        output.print(f"families by held-out likelihood: {', '.join(named)} (cgcopt fit)")
    for warning in seen.warnings:
        output.print(f"- {warning}", style="bold")
    if not seen.warnings:
        against = "what speaks" if seen.dependence.small_effects else "nothing speaks"
        end = " is too small to matter" if seen.dependence.small_effects else ""
        output.print(f"{against} against independent and identically distributed times{end}")


def _show_dependence(output: Any, seen: Inspection) -> None:
    found = seen.dependence
    if found.drift.size != found.drift.size:
        output.print("too few rounds to ask for dependence and drift")
        return
    parts = []
    if found.unequal.size == found.unequal.size:
        parts.append(
            f"workers differ by {found.unequal.size:.1%} (p = {found.unequal.p_value:.2g})"
        )
        parts.append(_correlation("workers of a round", found.together))
    parts.append(_correlation(found.persistent.apart, found.persistent))
    parts.append(f"second half {found.drift.size:+.1%} (p = {found.drift.p_value:.2g})")
    output.print("; ".join(parts))


def _correlation(between: str, effect: Any) -> str:
    return f"correlation of {between} {effect.size:.2f} (p = {effect.p_value:.2g})"


def _table(seen: Inspection) -> Any:
    from rich import box
    from rich.table import Table

    ordered = sorted(seen.workers, key=lambda worker: -worker.median)
    table = Table(title=str(seen.trace), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("worker")
    for heading in ("median [s]", "mean", "95 %", "largest", "vs round", "is last", ""):
        table.add_column(heading, justify="right" if heading else "left")
    half = MOST_ROWS // 2
    for place, worker in enumerate(ordered):
        if len(ordered) > MOST_ROWS and half <= place < len(ordered) - half:
            if place == half:
                table.add_row(f"... {len(ordered) - 2 * half} more")
            continue
        table.add_row(*_texts(worker))
    return table


def _texts(worker: WorkerSummary) -> tuple[str, ...]:
    note = (
        f"failed {worker.failed} times" if worker.failed else "slow for good" if worker.slow else ""
    )
    numbers = (worker.median, worker.mean, worker.p95, worker.largest)
    return (
        worker.name,
        *(f"{number:.4g}" for number in numbers),
        f"{worker.relative:.2f}",
        f"{worker.slowest:.0%}",
        note,
    )
