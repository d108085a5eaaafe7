"""Measuring real worker times on this machine.

Every worker is a process of its own that computes the gradient of a softmax regression on its own
data, the same number of samples for each, once a round; a barrier starts the rounds.  What is
measured is the wall time from the moment a worker leaves the barrier to its finished gradient.
With more workers than cores, or with other work on the machine, some workers become stragglers.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import CgcoptError, InvalidInputError
from cgcopt.process import stopping
from cgcopt.process.cores import cores
from cgcopt.workers.loads import LoadTrace
from cgcopt.workers.processes import RecordingWorkers, WorkerLostError, started_workers
from cgcopt.workers.trace import Trace
from cgcopt.workers.work import CLASSES, FEATURES

__all__ = ["RecordingError", "record", "record_loads"]

#: Decimals of the seconds that are kept: nanoseconds, as the clock counts them.
_DECIMALS = 9


class RecordingError(CgcoptError, RuntimeError):
    """The worker processes could not finish a single round."""


def record(
    workers: int,
    rounds: int,
    *,
    work_seconds: float = 0.003,
    samples: int | None = None,
    warmup: int = 10,
    patience: float = 60.0,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Measure the seconds that each of several worker processes needs in each round.

    Parameters
    ----------
    workers : int
        How many processes, at least 1.
    rounds : int
        How many rounds to record, at least 1.
    work_seconds : float, optional
        About how long the work of one round takes a worker that is alone on the machine; the
        first worker measures how many samples that is.
    samples : int, optional
        Samples of each worker, in place of ``work_seconds``.
    warmup : int, optional
        Rounds that are run first and left out.
    patience : float, optional
        Seconds to wait for a worker before the recording is given up.
    progress : callable, optional
        Called as ``progress(done, rounds)`` after every recorded round.

    Returns
    -------
    Trace
        The recorded rounds, rounded to nanoseconds, with the machine and the work described in
        its comments.  When a worker dies or is stuck, or on Ctrl-C, these are the rounds
        completed until then, and a comment says so.

    Raises
    ------
    InvalidInputError
        If an argument is refused.
    RecordingError
        If not one round was completed.

    Notes
    -----
    The processes are spawned: a script that calls this function must do so under
    ``if __name__ == "__main__":``.

    Examples
    --------
    >>> trace = record(workers=8, rounds=300)                            # doctest: +SKIP
    >>> trace.write("trace.csv")                                         # doctest: +SKIP
    """
    made = _recorded(workers, rounds, (1.0,), work_seconds, samples, warmup, patience, progress)
    return Trace(made.times, comments=made.comments)


def record_loads(
    workers: int,
    rounds: int,
    loads: Sequence[float],
    *,
    work_seconds: float = 0.003,
    samples: int | None = None,
    warmup: int = 10,
    patience: float = 60.0,
    progress: Callable[[int, int], None] | None = None,
) -> LoadTrace:
    """Measure as :func:`record` does, every round at several loads, one after another.

    Parameters
    ----------
    workers, rounds : int
    loads : sequence of float
        Work of a worker, > 0, in units of ``samples`` (or ``work_seconds``); at least two different
        ones. A design of ``N`` workers makes a worker compute up to ``N`` times what it would
        without redundancy.
    work_seconds, samples, warmup, patience, progress
        As in :func:`record`, for load 1.

    Returns
    -------
    LoadTrace
        One trace for each load, in increasing order.

    Examples
    --------
    >>> trace = record_loads(8, 100, [1, 2, 4])                          # doctest: +SKIP
    """
    shares = sorted({finite_number("loads", load, above=0.0) for load in loads})
    if len(shares) < 2:
        raise InvalidInputError("loads", list(loads), "at least two different ones")
    made = _recorded(workers, rounds, shares, work_seconds, samples, warmup, patience, progress)
    sizes = f"load 1 is {made.samples} samples of each worker"
    traces = [Trace(made.times[k :: len(shares)]) for k in range(len(shares))]
    return LoadTrace(tuple(shares), tuple(traces), comments=(*made.comments, sizes))


@dataclass(frozen=True, eq=False)
class _Made:
    """What was recorded: seconds in rows of one load after another."""

    times: FloatArray
    samples: int
    comments: tuple[str, ...]


def _recorded(
    workers: int,
    rounds: int,
    loads: Sequence[float],
    work_seconds: float,
    samples: int | None,
    warmup: int,
    patience: float,
    progress: Callable[[int, int], None] | None,
) -> _Made:
    workers = whole_number("workers", workers, least=1)
    rounds = whole_number("rounds", rounds, least=1)
    warmup = whole_number("warmup", warmup, least=0)
    work_seconds = finite_number("work_seconds", work_seconds, above=0.0)
    patience = finite_number("patience", patience, above=0.0)
    if samples is not None:
        samples = whole_number("samples", samples, least=1)
    each = len(loads)
    times: list[list[float]] = [[] for _ in range(workers)]
    total, ending = (warmup + rounds) * each, ""
    with started_workers(workers, total, patience) as started:
        try:
            with stopping.interruptible():
                size = _agree_on_size(started, samples, work_seconds, loads)
                for rows in _collect(started, times, total):
                    done = rows // each - warmup
                    if progress is not None and rows % each == 0 and done > 0:
                        progress(done, rounds)
                    if stopping.requested():  # also where the interpreter lost the exception
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            if min(map(len, times)) // each <= warmup:
                raise
            ending = "interrupted"
        except WorkerLostError as lost:
            ending = str(lost)
    completed = min(map(len, times)) // each - warmup
    if completed < 1:
        raise RecordingError(f"no round was completed: {ending}")
    comments = _description(workers, completed, warmup, size)
    if completed < rounds:
        comments.append(f"stopped after {completed} of {rounds} rounds: {ending}")
    kept = np.array([row[warmup * each : (warmup + completed) * each] for row in times]).T
    return _Made(np.maximum(np.round(kept, _DECIMALS), 10.0**-_DECIMALS), size, tuple(comments))


def _agree_on_size(
    started: RecordingWorkers, samples: int | None, work_seconds: float, loads: Sequence[float]
) -> int:
    """Wait until all workers have started, let the first calibrate alone, send all the sizes."""
    numbers = range(len(started.processes))
    for number in numbers:
        started.receive(number)
    if samples is None:
        started.send(0, None)
        samples = max(round(work_seconds / started.receive(0)), 1)
    sizes = tuple(max(round(samples * load), 1) for load in loads)
    for number in numbers:
        started.send(number, sizes)
    return samples


def _collect(started: RecordingWorkers, times: list[list[float]], total: int) -> Iterator[int]:
    """Fill ``times``, and yield the number of complete rounds whenever it grows."""
    complete = 0
    while complete < total:
        missing = [i for i, row in enumerate(times) if len(row) < total]
        for number, seconds in started.receive_any(missing):
            times[number].append(seconds)
        before, complete = complete, min(map(len, times))
        yield from range(before + 1, complete + 1)


def _description(workers: int, rounds: int, warmup: int, samples: int) -> list[str]:
    work = f"{samples} samples x {FEATURES} features x {CLASSES} classes, float64"
    return [
        f"{workers} worker processes, {rounds} rounds after {warmup} warm-up rounds",
        f"work of a round: gradient of a softmax regression on own data, {work}, 1 BLAS thread",
        "wall seconds from leaving the barrier that starts a round to the finished gradient",
        f"machine: {platform.system()} {platform.machine()}, {_processor()}, {cores()} cores",
        f"Python {platform.python_version()}, numpy {np.__version__}",
        f"recorded {datetime.now(UTC):%Y-%m-%d} with cgcopt",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
