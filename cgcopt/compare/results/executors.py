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
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import LifoQueue
from typing import Any, ParamSpec, TypeVar

from cgcopt.errors import InvalidInputError, MissingExtraError
from cgcopt.process.cores import cores
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


#: Seconds for a client of dask to take its leave.
_CLOSING = 1.0


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

    def __init__(self, address: str, *, timeout: float = 8.0) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError("dask.distributed", "dask") from None
        self._address = address
        _refuse_what_is_no_scheduler(address, timeout)
        try:
            self._client: Any = Client(address, timeout=timeout, set_as_default=False)
        except Exception as error:  # as many kinds as there are ways for a connection to fail
            raise _not_answering(address, error) from error
        try:
            self.jobs, self.threads = self._size(timeout)
        except BaseException:
            self._client.close(timeout=_CLOSING)
            raise
        # Not pure: a run done again is measured again.
        self._executor: Executor = self._client.get_executor(pure=False)
        self._seen: dict[str, tuple[float, float]] = {}

    def trouble(self, silence: float) -> tuple[str, bool]:
        """Say what keeps runs from coming back, and whether nobody is left to make them.

        Parameters
        ----------
        silence : float
            Seconds without a sign of life after which a worker is named; a worker that computes may
            be silent too.
        """
        if self._client.status != "running":
            return f"the dask scheduler at {self._address} does not answer", True
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            return f"the dask scheduler at {self._address} has no workers left", True
        now = time.monotonic()
        for name, facts in workers.items():
            if self._seen.get(name, (None, now))[0] != facts["last_seen"]:
                self._seen[name] = (facts["last_seen"], now)
        silent = [name for name in workers if now - self._seen[name][1] > silence]
        text = f"no sign of life from {', '.join(silent)}" if silent else ""
        return text, False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function on a worker; it and its arguments must be picklable."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the scheduler, once the calls have ended or are given up."""
        if self._client.status == "running":
            self._executor.shutdown(wait and not cancel_futures)
        self._client.close(timeout=_CLOSING)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.shutdown(cancel_futures=kind is not None)

    def _size(self, timeout: float) -> tuple[int, int]:
        """Number of workers, and of threads for each."""
        threads = self._client.nthreads()
        if not threads:
            allowed = "a dask scheduler with at least one worker (it has none)"
            raise InvalidInputError("scheduler", self._address, allowed)
        if set(threads.values()) != {1}:
            allowed = "a dask scheduler with workers of one thread each"
            raise InvalidInputError("scheduler", self._address, allowed)
        asked = {
            name: self._client.submit(_host_and_cores, workers=[name], pure=False, retries=0)
            for name in threads
        }
        end = time.monotonic() + timeout
        while time.monotonic() < end and any(f.status == "pending" for f in asked.values()):
            time.sleep(0.02)
        silent = [name for name, future in asked.items() if future.status != "finished"]
        if silent:
            allowed = f"a dask scheduler whose workers answer ({', '.join(silent)} does not)"
            raise InvalidInputError("scheduler", self._address, allowed)
        hosts = {name: future.result() for name, future in asked.items()}
        workers = Counter(host for host, _ in hosts.values())
        return len(threads), max(1, min(count // workers[host] for host, count in hosts.values()))


def _refuse_what_is_no_scheduler(address: str, timeout: float) -> None:
    """Ask for the identity of what listens there; a client would wait for its answer for ever."""
    import asyncio
    import logging

    from distributed.core import rpc

    async def identity() -> Any:
        async with rpc(address, timeout=timeout) as listener:
            return await asyncio.wait_for(listener.identity(), timeout)

    # What is no scheduler is said below, in one line.
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        # In a thread of its own, because a notebook has a loop that runs.
        with ThreadPoolExecutor(1) as alone:
            found = alone.submit(asyncio.run, identity()).result()
    except Exception as error:
        raise _not_answering(address, error) from error
    finally:
        logger.setLevel(level)
    if not isinstance(found, dict) or found.get("type") != "Scheduler":
        raise _not_answering(address, ValueError("it is none"))


def _not_answering(address: str, error: Exception) -> InvalidInputError:
    reason = " ".join(str(error).split()) or "no answer in time"
    allowed = f"the address of a dask scheduler that answers ({reason[:120]})"
    return InvalidInputError("scheduler", address, allowed)


def _host_and_cores() -> tuple[str, int]:
    return platform.node(), cores()
