"""Executors for comparisons: several processes of this machine, or the workers of dask.

Both say two things that an executor of the standard library does not: ``jobs``, the number of runs
made at a time, and ``threads``, the number that each of them may use so that together they do not
ask for more than the cores.

Processes import this module before they set the number of threads in their environment; nothing
that reads it, such as numpy, may be imported here.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import LifoQueue
from typing import Any, ParamSpec, TypeVar

from cgcopt.process.cores import cores
from cgcopt.process.dask_workers import DaskWorkers
from cgcopt.process.stopping import at_the_end

__all__ = ["DaskWorkers", "WorkerProcesses"]

P = ParamSpec("P")
T = TypeVar("T")

#: What libraries read that know no other limit, once, when they are loaded.
_THREAD_VARIABLES = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


class WorkerProcesses(ThreadPoolExecutor):
    """Processes of this machine, each with a pool of its own.

    Where one process of a :class:`~concurrent.futures.ProcessPoolExecutor` dies, the whole pool is
    broken and everything under way in it is lost. Here a death costs the call at work in that
    process and no other; the process is replaced.

    Processes are spawned, so a script that uses them needs ``if __name__ == "__main__":``. They
    end with this executor, with an error that leaves its ``with`` block, and with this process,
    however it ends.

    Parameters
    ----------
    jobs : int
        Number of processes.

    Attributes
    ----------
    jobs : int
        The same.
    threads : int
        Threads for each, so that all together do not exceed the cores (at least one).

    Raises
    ------
    InvalidInputError
        If ``jobs`` is not a whole number of at least 1.

    Examples
    --------
    >>> with WorkerProcesses(2) as executor:
    ...     list(executor.map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def __init__(self, jobs: int) -> None:
        from cgcopt._validate import whole_number  # which imports numpy

        self.jobs = whole_number("jobs", jobs, least=1)
        self.threads = max(1, cores() // self.jobs)
        self._context = _Spawning()
        self._ending, self._lifeline = self._context.Pipe(duplex=False)
        # The pool used last comes first, so that few calls start few processes.
        self._pools: LifoQueue[ProcessPoolExecutor | None] = LifoQueue()
        for _ in range(self.jobs):
            self._pools.put(None)
        super().__init__(self.jobs, thread_name_prefix="cgcopt-job")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a process; it and its arguments must be picklable."""
        return super().submit(self._call, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, once their calls have ended."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        while not self._pools.empty():
            pool = self._pools.get()
            if pool is not None:
                pool.shutdown(wait)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._lifeline.close()
            self._context.kill()
        self.shutdown(cancel_futures=kind is not None)

    def _call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        pool = self._pools.get() or self._new_pool()
        kept: ProcessPoolExecutor | None = pool
        try:
            return pool.submit(fn, *args, **kwargs).result()
        except BrokenProcessPool:
            kept = None
            pool.shutdown()
            raise
        finally:
            self._pools.put(kept)

    def _new_pool(self) -> ProcessPoolExecutor:
        start = (self.threads, self._ending)
        return ProcessPoolExecutor(1, self._context, initializer=_start, initargs=start)


class _Spawning(SpawnContext):
    """Starts processes afresh, and can end all of them at once."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[SpawnProcess] = []
        at_the_end(self.kill)

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]
        """Make a process, which its pool starts."""
        process = SpawnProcess(*args, **kwargs)
        self._started.append(process)
        return process

    def kill(self) -> None:
        """Kill the processes that are still there."""
        for process in self._started:
            with suppress(ValueError, AttributeError, OSError):  # closed, or not started yet
                process.kill()


def _start(threads: int, ending: Connection) -> None:
    """Prepare a process: its threads, and its end.

    Interruptions from the keyboard reach every process of a terminal; what becomes of them is for
    the first process to decide.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    threading.Thread(target=_end_with, args=[ending], daemon=True).start()


def _end_with(ending: Connection) -> None:
    """End this process when the other end of the pipe is closed, which the death of its holder does."""
    with suppress(EOFError, OSError):
        ending.recv()
    os._exit(1)
