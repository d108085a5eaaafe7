"""The worker processes of a recording, and a pipe to each."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from cgcopt.workers.work import run_rounds

if TYPE_CHECKING:
    from multiprocessing.context import SpawnContext, SpawnProcess
    from multiprocessing.synchronize import Barrier

__all__ = ["RecordingWorkers", "WorkerLostError", "started_workers"]

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

#: Seconds for a worker to end once it is asked to, before it is killed.
GRACE = 1.0
#: Seconds for a worker that does not answer to end by itself, so that its exit code is known.
LOST = 5.0


class WorkerLostError(Exception):
    """A worker process ended or does not answer."""


class RecordingWorkers:
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
            raise WorkerLostError(f"worker {number} did not answer for {self.patience:g} s")
        return self._message(number)

    def receive_any(self, numbers: list[int]) -> list[tuple[int, Any]]:
        """Receive the next message of every one of these workers that sent one; wait for the first."""
        ready = wait([self.pipes[i] for i in numbers], self.patience)
        if not ready:
            raise WorkerLostError(f"workers {numbers} did not answer for {self.patience:g} s")
        return [(i, self._message(i)) for i in numbers if self.pipes[i] in ready]

    def _message(self, number: int) -> Any:
        try:
            message = self.pipes[number].recv()
        except (EOFError, OSError):
            raise self._lost(number) from None
        if isinstance(message, Exception):
            raise WorkerLostError(f"worker {number} failed ({message!r})")
        return message

    def _lost(self, number: int) -> WorkerLostError:
        process = self.processes[number]
        process.join(LOST)
        text = f"worker {number} ended with exit code {process.exitcode}"
        if process.exitcode == 1:
            text += ' (a script must call record under if __name__ == "__main__":)'
        return WorkerLostError(text)

    def end(self) -> None:
        """Close the pipes and end all processes, also those that still run."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(GRACE)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


@contextmanager
def started_workers(workers: int, total: int, patience: float) -> Iterator[RecordingWorkers]:
    """Start the processes of a recording of ``total`` rounds; they end with this context."""
    from multiprocessing import get_context

    context = get_context("spawn")
    barrier = context.Barrier(workers)
    started = RecordingWorkers(patience)
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
