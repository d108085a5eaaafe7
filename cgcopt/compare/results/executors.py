"""Executors for comparisons: several processes of this machine, or the workers of dask.

Both say two things that an executor of the standard library does not: ``jobs``, the number of runs
made at a time, and ``threads``, the number that each of them may use so that together they do not
ask for more than the cores.

Processes import this module before they set the number of threads in their environment; nothing
that reads it, such as numpy, may be imported here.
"""

from __future__ import annotations

import os
import platform
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import LifoQueue
from typing import Any, ParamSpec, TypeVar

from cgcopt._cores import cores
from cgcopt.errors import InvalidInputError, MissingExtraError

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
        self._context = get_context("spawn")
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


class DaskWorkers(Executor):
    """The workers of a dask scheduler, on any number of machines.

    Every worker needs this package in the same version, and one thread: solvers keep state of
    their process (``dask worker ADDRESS --nworkers 8 --nthreads 1``). A call whose worker died is
    tried on others by dask, as often as the scheduler allows. What is under way when a comparison
    is interrupted goes on to its end.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://127.0.0.1:8786``.
    timeout : float
        Seconds to wait for its answer.

    Attributes
    ----------
    jobs : int
        Number of workers when this was made.
    threads : int
        Threads for each, so that those of one machine do not exceed its cores (at least one).

    Raises
    ------
    MissingExtraError
        If dask.distributed is not installed.
    InvalidInputError
        If no scheduler answers, or it has no workers, or workers with several threads.
    """

    def __init__(self, address: str, *, timeout: float = 10.0) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError("dask.distributed", "dask") from None
        try:
            self._client: Any = Client(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            allowed = f"the address of a dask scheduler that answers ({error})"
            raise InvalidInputError("scheduler", address, allowed) from error
        try:
            self.jobs, self.threads = self._size(address)
        except InvalidInputError:
            self._client.close()
            raise
        # Not pure: a run done again is measured again.
        self._executor: Executor = self._client.get_executor(pure=False)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function on a worker; it and its arguments must be picklable."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the scheduler, once the calls have ended or are given up."""
        self._executor.shutdown(wait and not cancel_futures)
        self._client.close()

    def _size(self, address: str) -> tuple[int, int]:
        """Number of workers, and of threads for each."""
        threads = self._client.nthreads()
        if set(threads.values()) != {1}:
            allowed = "a dask scheduler with workers of one thread each"
            raise InvalidInputError("scheduler", address, allowed)
        hosts = self._client.run(_host_and_cores)
        workers = Counter(host for host, _ in hosts.values())
        return len(threads), max(1, min(count // workers[host] for host, count in hosts.values()))


def _host_and_cores() -> tuple[str, int]:
    return platform.node(), cores()
