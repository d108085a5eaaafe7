"""``cgcopt record``: measure real worker times on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["record"]


def record(
    workers: Annotated[int, typer.Option(help="Worker processes.")],
    rounds: Annotated[int, typer.Option(help="Rounds to record.")],
    out: Annotated[Path, typer.Option(help="The trace to write (.csv).")],
    work_seconds: Annotated[
        float, typer.Option(help="About how long the work of a round takes a worker by itself.")
    ] = 0.005,
    samples: Annotated[
        int | None, typer.Option(help="Samples of each worker, in place of --work-seconds.")
    ] = None,
) -> int:
    """Measure real worker times: processes, a gradient each, a barrier per round."""
    from cgcopt.cli.inputs import writable_file
    from cgcopt.cli.terminal import console, progress
    from cgcopt.workers.record import record as run

    writable_file("out", out, (".csv",))
    with progress(f"recording {workers} workers") as report:

        def count(done: int, total: int) -> None:
            if report is not None:
                report(done / total, f"round {done} of {total}")

        trace = run(workers, rounds, work_seconds=work_seconds, samples=samples, progress=count)
    trace.write(out)
    times = trace.times
    output = console()
    output.print(f"{trace.round_count} rounds of {trace.workers} workers written to {out}")
    output.print(
        f"seconds of a worker in a round: mean {times.mean():.4g}, largest {times.max():.4g}; "
        f"mean of the slowest of a round {times.max(axis=1).mean():.4g}"
    )
    return 0
