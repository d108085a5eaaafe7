"""``cgcopt record``: measure real worker times on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import refuse_given

if TYPE_CHECKING:
    from cgcopt.workers.loads import LoadTrace
    from cgcopt.workers.trace import Trace

__all__ = ["record"]


def record(
    context: typer.Context,
    workers: Annotated[int, typer.Option(help="Worker processes.")],
    rounds: Annotated[int, typer.Option(help="Rounds to record.")],
    out: Annotated[Path, typer.Option(help="The trace to write (.csv).")],
    work_seconds: Annotated[
        float,
        typer.Option(help="Seconds, about, that the work of a round takes a worker that is alone."),
    ] = 0.005,
    samples: Annotated[
        int | None, typer.Option(help="Samples of each worker, in place of --work-seconds.")
    ] = None,
    loads: Annotated[
        str | None,
        typer.Option(
            help="Measure every round at several multiples of the work; `cgcopt fit` then tells "
            "start-up from work.",
            metavar="1,2,...",
        ),
    ] = None,
) -> int:
    """Measure worker times on this machine: one process a worker, one gradient a round.

    When a worker is lost, the rounds until then are written, and the exit code is 1.
    """
    from cgcopt._writing import replacing
    from cgcopt.cli.outputs import writable_file
    from cgcopt.cli.partitions import numbers_of
    from cgcopt.cli.terminal import console, progress
    from cgcopt.workers.record import record as run
    from cgcopt.workers.record import record_loads

    if samples is not None:
        refuse_given(context, ("work_seconds",), "left out beside --samples")
    writable_file("out", out, (".csv",))
    several = None if loads is None else numbers_of("loads", loads)
    trace: Trace | LoadTrace
    with progress(f"recording {workers} workers") as report:

        def count(done: int, total: int) -> None:
            if report is not None:
                report(done / total, f"round {done} of {total}")

        how = {"work_seconds": work_seconds, "samples": samples, "progress": count}
        if several is None:
            trace = run(workers, rounds, **how)  # type: ignore[arg-type]
            parts = {"": trace}
        else:
            trace = record_loads(workers, rounds, several, **how)  # type: ignore[arg-type]
            parts = {f", load {load:g}": part for load, part in trace.by_load.items()}
    with replacing(out) as unfinished:
        trace.write(unfinished)
    output = console()
    measured = max(part.round_count for part in parts.values())
    at = "" if several is None else f" at {len(parts)} loads"
    output.print(f"{measured} rounds of {workers} workers{at} written to {out}")
    for name, part in parts.items():
        times = part.times
        output.print(
            f"seconds of a worker in a round{name}: mean {times.mean():.4g}, largest {times.max():.4g}; "
            f"mean of the slowest of a round {times.max(axis=1).mean():.4g}"
        )
    lost = next((text for text in trace.comments if "worker" in text and "stopped" in text), "")
    if lost:
        print(f"error: {lost}", file=sys.stderr)
    return 1 if lost else 0
