"""Measuring real worker times on this machine.

Every worker is a process of its own that computes the gradient of a softmax regression on its own
data, the same number of samples for each, once a round; a barrier starts the rounds.  What is
measured is the wall time from the moment a worker leaves the barrier to its finished gradient.
With more workers than cores, or with other work on the machine, some workers become stragglers.
"""

from __future__ import annotations

import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import CgcoptError, InvalidInputError
from cgcopt.process import stopping
from cgcopt.process.cores import cores
from cgcopt.workers.loads import LoadTrace
from cgcopt.workers.trace import Trace
from cgcopt.workers.work import CLASSES, FEATURES, run_rounds

if TYPE_CHECKING:
    from multiprocessing.context import SpawnContext, SpawnProcess
    from multiprocessing.synchronize import Barrier

__all__ = ["RecordingError", "record", "record_loads"]

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


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
    with _started(workers, total, patience) as started:
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
        except _WorkerLost as lost:
            ending = str(lost)
    completed = min(map(len, times)) // each - warmup
    if completed < 1:
        raise RecordingError(f"no round was completed: {ending}")
    comments = _description(workers, completed, warmup, size)
    if completed < rounds:
        comments.append(f"stopped after {completed} of {rounds} rounds: {ending}")
    kept = np.array([row[warmup * each : (warmup + completed) * each] for row in times]).T
    return _Made(np.maximum(np.round(kept, 9), 1e-9), size, tuple(comments))


class _WorkerLost(Exception):
    """A worker process ended or does not answer."""


class _Workers:
    """The worker processes and the parent's end of a pipe to each."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.processes: list[SpawnProcess] = []
        self.pipes: list[Connection[Any, Any]] = []

    def start(self, context: SpawnContext, barrier: Barrier, total: int) -> None:
        """Start one more process."""
        parent_end, worker_end = context.Pipe()
        number = len(self.processes)
        process = context.Process(
            target=run_rounds, args=(number, total, worker_end, barrier, self.patience), daemon=True
        )
        process.start()
        worker_end.close()
        self.processes.append(process)
        self.pipes.append(parent_end)

    def send(self, number: int, message: Any) -> None:
        """Send a message to one worker."""
        try:
            self.pipes[number].send(message)
        except OSError:
            raise self._lost(number) from None

    def receive(self, number: int) -> Any:
        """Receive the next message of one worker."""
        if not self.pipes[number].poll(self.patience):
            raise _WorkerLost(f"worker {number} did not answer for {self.patience:g} s")
        return self._message(number)

    def receive_any(self, numbers: list[int]) -> list[tuple[int, Any]]:
        """Receive the next message of every one of these workers that sent one; wait for the first."""
        ready = wait([self.pipes[i] for i in numbers], self.patience)
        if not ready:
            raise _WorkerLost(f"workers {numbers} did not answer for {self.patience:g} s")
        return [(i, self._message(i)) for i in numbers if self.pipes[i] in ready]

    def _message(self, number: int) -> Any:
        try:
            message = self.pipes[number].recv()
        except (EOFError, OSError):
            raise self._lost(number) from None
        if isinstance(message, Exception):
            raise _WorkerLost(f"worker {number} failed ({message!r})")
        return message

    def _lost(self, number: int) -> _WorkerLost:
        process = self.processes[number]
        process.join(5.0)
        text = f"worker {number} ended with exit code {process.exitcode}"
        if process.exitcode == 1:
            text += ' (a script must call record under if __name__ == "__main__":)'
        return _WorkerLost(text)

    def end(self) -> None:
        """Close the pipes and end all processes, also those that still run."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


@contextmanager
def _started(workers: int, total: int, patience: float) -> Iterator[_Workers]:
    from multiprocessing import get_context

    context = get_context("spawn")
    barrier = context.Barrier(workers)
    started = _Workers(patience)
    try:
        with _child_settings():
            for _ in range(workers):
                started.start(context, barrier, total)
        yield started
    finally:
        started.end()


@contextmanager
def _child_settings() -> Iterator[None]:
    """Let the processes started meanwhile use one BLAS thread and leave Ctrl-C to the parent."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _agree_on_size(
    started: _Workers, samples: int | None, work_seconds: float, loads: Sequence[float]
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


def _collect(started: _Workers, times: list[list[float]], total: int) -> Iterator[int]:
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
