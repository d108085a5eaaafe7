"""The workers of a dask scheduler as an executor of comparisons.

Nothing that reads the number of threads from the environment, such as numpy, may be imported here.
"""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4
from weakref import WeakValueDictionary

from cgcopt.errors import InvalidInputError, MissingExtraError
from cgcopt.process.cores import cores

__all__ = ["DaskWorkers"]

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds for a client of dask to take its leave.
_CLOSING = 1.0
#: Seconds for a scheduler to answer a question.
_ANSWER = 2.0
#: Seconds between two looks at its answers.
_PAUSE = 0.02


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

    def __init__(self, address: str, *, timeout: float = 6.0) -> None:
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
        self._executor: Any = self._client.get_executor(pure=False)
        self._calls: WeakValueDictionary[str, Future[Any]] = WeakValueDictionary()
        self._seen: dict[str, tuple[float, float]] = {}
        self._avoided: set[str] = set()
        self._deserted = False

    def trouble(self, silence: float, lost: float) -> tuple[str, bool]:
        """Say what keeps runs from coming back, and whether nobody is left to make them.

        Parameters
        ----------
        silence : float
            Seconds without a sign of life after which a worker is named; a worker that computes may
            be silent too.
        lost : float
            Seconds without a sign of life after which a worker counts as none.
        """
        text, self._deserted = self._trouble(silence, lost)
        return text, self._deserted

    def _trouble(self, silence: float, lost: float) -> tuple[str, bool]:
        workers = self._workers()
        if workers is None:
            return f"the dask scheduler at {self._address} does not answer", True
        if not workers:
            return f"the dask scheduler at {self._address} has no workers left", True
        silent = self._silent(silence)
        if not silent:
            return "", False
        return f"no sign of life from {', '.join(silent)}", set(self._silent(lost)) == set(workers)

    def stuck(self, lost: float) -> set[Future[Any]]:
        """Return the calls at workers without a sign of life for so many seconds.

        Later calls go to other workers, until there is a sign of life.
        """
        self._avoided = set(self._silent(lost))
        if not self._avoided:
            return set()
        with suppress(Exception):  # a scheduler that does not answer has a trouble of its own
            held = self._ask("processing", workers=list(self._avoided))
            keys = [str(key) for keys in held.values() for key in keys]
            return {self._calls[key] for key in keys if key in self._calls}
        return set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function on a worker; it and its arguments must be picklable."""
        told: dict[str, Any] = {"key": f"cgcopt-{uuid4().hex}"}
        if self._avoided:
            told["workers"] = [name for name in self._seen if name not in self._avoided]
        future: Future[T] = self._executor.submit(fn, *args, **told, **kwargs)
        self._calls[told["key"]] = future
        return future

    def _ask(self, operation: str, **arguments: Any) -> Any:
        """Ask the scheduler; a client would wait for its answer for ever."""
        asked = getattr(self._client.scheduler, operation)
        return self._client.sync(asked, callback_timeout=_ANSWER, **arguments)

    def _workers(self) -> list[str] | None:
        """Names of the workers, whose signs of life are noted; none if the scheduler is silent."""
        try:
            if self._client.status != "running":
                return None
            workers = self._ask("identity", n_workers=-1)["workers"]
        except Exception:  # as many kinds as there are ways for a connection to fail
            return None
        now, before = time.monotonic(), self._seen
        self._seen = {
            name: before[name]
            if name in before and before[name][0] == facts["last_seen"]
            else (facts["last_seen"], now)
            for name, facts in workers.items()
        }
        return list(workers)

    def _silent(self, seconds: float) -> list[str]:
        now = time.monotonic()
        return [name for name, (_, heard) in self._seen.items() if now - heard > seconds]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the scheduler, once the calls have ended or are given up, or nobody makes them."""
        if self._client.status == "running":
            self._executor.shutdown(wait and not cancel_futures and not self._deserted)
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
            time.sleep(_PAUSE)
        silent = [name for name, future in asked.items() if future.status != "finished"]
        if silent:
            allowed = f"a dask scheduler whose workers answer (no answer from {', '.join(silent)})"
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
