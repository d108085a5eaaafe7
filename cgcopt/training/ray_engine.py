"""Workers as Ray actors: one process each, coded vectors as streams of objects."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Step
from cgcopt.errors import MissingExtraError, TrainingError
from cgcopt.process.stopping import at_the_end
from cgcopt.training.engine import Event, Order
from cgcopt.training.task import Task
from cgcopt.training.worker import Worker

__all__ = ["RayEngine", "RaySettings", "ray_engine"]


@dataclass(frozen=True)
class RaySettings:
    """How Ray is used."""

    start: float = 180.0
    """Seconds in which all workers must be up; a machine under load needs half a minute."""
    answer: float = 30.0
    """Seconds in which an object that is ready must be there."""
    joining: float = 10.0
    """Seconds in which a cluster to join must answer at its address."""
    clearing: float = 5.0
    """Seconds in which processes that are ending may still write temporary files."""
    memory: int = 100 * 2**20
    """Bytes of the object store of a local run; Ray wants 75 MB at least."""


class RayEngine:
    """One actor a worker; see :class:`~cgcopt.training.engine.Engine`.

    Actors that die are restarted by Ray, as often as it takes; the calls that were lost with them are
    not repeated by Ray but reported as a lost worker, and it is for the master to ask again.
    """

    def __init__(
        self,
        ray: Any,
        task: Task,
        programs: Sequence[Mapping[str, Sequence[Step]]],
        settings: RaySettings,
    ) -> None:
        self._ray, self._settings = ray, settings
        actor = ray.remote(
            num_cpus=0, max_restarts=-1, max_task_retries=0, concurrency_groups={"control": 1}
        )(Worker)
        self._actors = [actor.remote(task, program) for program in programs]
        self._streams: dict[Any, int] = {}
        self._ready: list[Any] = []
        self._numbers = count(1)
        self._await_start()

    def _await_start(self) -> None:
        calls = [actor.process.remote() for actor in self._actors]
        ready, late = self._ray.wait(calls, num_returns=len(calls), timeout=self._settings.start)
        if late:
            raise TrainingError(
                f"{len(late)} of {len(calls)} workers did not start in {self._settings.start:g} s"
            )
        self._ray.get(ready, timeout=self._settings.answer)

    def new_round(self) -> int:
        """Return a number that no round of these workers had before; numbers increase."""
        return next(self._numbers)

    def begin(
        self, plan: str, sequence: int, parameters: FloatArray, orders: Sequence[Order]
    ) -> None:
        """Let workers begin with a round."""
        shared = self._ray.put(parameters)
        for order in orders:
            method = self._actors[order.worker].compute.options(num_returns="streaming")
            stream = method.remote(plan, sequence, shared, order.pace, order.delivered)
            self._streams[stream] = order.worker

    def next(self, timeout: float) -> Event | None:
        """Wait for the next event; ``None`` after ``timeout`` seconds without one."""
        end = time.monotonic() + timeout
        while self._streams:
            if not self._ready:
                left = max(end - time.monotonic(), 0.0)
                streams = list(self._streams)
                self._ready, _ = self._ray.wait(
                    streams, num_returns=len(streams), timeout=0, fetch_local=False
                )
                if not self._ready:
                    self._ready, _ = self._ray.wait(
                        streams, num_returns=1, timeout=left, fetch_local=False
                    )
                if not self._ready:
                    return None
            stream = self._ready.pop()
            worker = self._streams.get(stream)
            if worker is None:
                continue
            try:
                message = self._ray.get(next(stream), timeout=self._settings.answer)
            except StopIteration:
                del self._streams[stream]
                continue
            except self._ray.exceptions.RayTaskError as error:
                raise TrainingError(f"worker {worker} failed: {error}") from error
            except self._ray.exceptions.RayError:  # the actor died, or is being restarted
                del self._streams[stream]
                return Event(worker)
            return Event(worker, message)
        time.sleep(max(end - time.monotonic(), 0.0))
        return None

    def cancel(self, sequence: int) -> None:
        """Let all workers stop working for a round; what they still send is dropped."""
        self._streams.clear()
        self._ready.clear()
        for actor in self._actors:
            actor.cancel.options(concurrency_group="control").remote(sequence)

    def assign(self, plan: str, programs: Mapping[int, Sequence[Step]]) -> None:
        """Replace the steps of a plan at every worker."""
        calls = [self._actors[i].assign.remote(plan, steps) for i, steps in programs.items()]
        self._ray.get(calls, timeout=self._settings.answer)

    def close(self) -> None:
        """End all workers."""
        self._streams.clear()
        self._ready.clear()
        for actor in self._actors:
            self._ray.kill(actor, no_restart=True)

    def processes(self) -> dict[int, int]:
        """Process numbers of the workers that can be reached."""
        found = {}
        for i, actor in enumerate(self._actors):
            call = actor.process.options(concurrency_group="control").remote()
            try:
                found[i] = int(self._ray.get(call, timeout=self._settings.answer))
            except self._ray.exceptions.RayError:
                continue
        return found


@contextmanager
def ray_engine(
    task: Task,
    programs: Sequence[Mapping[str, Sequence[Step]]],
    *,
    address: str | None = None,
    settings: RaySettings | None = None,
) -> Iterator[RayEngine]:
    """Start workers on Ray, and stop them whatever happens.

    Parameters
    ----------
    task : Task
        What is trained; every worker gets its own copy of the data.
    programs : sequence of mapping
        For each worker its steps in each plan.
    address : str, optional
        Of a Ray cluster to join; by default Ray is started on this machine for this run alone, without
        dashboard and usage statistics, and reachable from this machine only.
    settings : RaySettings, optional

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    TrainingError
        If the workers do not come up in time, or the cluster cannot be joined.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:  # the switch that lets Ray keep to the loopback address, on every system
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # In a notebook its import would ask for a package that nothing here needs.
    logging.getLogger("ray.widgets").setLevel(logging.ERROR)
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray") from error
    settings = settings or RaySettings()
    joined = ray.is_initialized()
    folder = _short_folder()
    # An impatient second signal may interrupt the cleaning: then it is done when Python ends.
    end = partial(_end, ray, joined, folder, settings.clearing)
    atexit.register(end)
    at_the_end(partial(_remove, folder, 0.2))
    with _silent(ray):
        try:
            if not joined:
                _connect(ray, address, folder, settings)
            engine = RayEngine(ray, task, programs, settings)
            try:
                yield engine
            finally:
                engine.close()
        finally:
            _end(ray, joined, folder, settings.clearing)
            atexit.unregister(end)


def _short_folder() -> str:
    """A new folder for temporary files: paths of sockets in it are at most 107 bytes long."""
    usual = tempfile.gettempdir()
    parent = "/tmp" if len(usual) > 24 and os.path.isdir("/tmp") else usual
    return tempfile.mkdtemp(prefix="cgcopt-", dir=parent)


def _end(ray: Any, joined: bool, folder: str, patience: float) -> None:
    """Stop what was started, and remove its temporary files."""
    if not joined:
        ray.shutdown()
    _remove(folder, patience)


def _remove(folder: str, patience: float) -> None:
    """Remove a folder in which ending processes may still write."""
    end = time.monotonic() + patience
    while os.path.isdir(folder):
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > end:
            return
        time.sleep(0.1)


def _refuse_silence(address: str, patience: float) -> None:
    """Refuse an address at which nobody listens: Ray itself would wait for minutes."""
    place = address.removeprefix("ray://")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        return  # "auto" or a name that Ray knows
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=patience).close()
    except (OSError, OverflowError) as error:
        raise TrainingError(f"no Ray cluster at {address!r}: {error}") from error


def _connect(ray: Any, address: str | None, folder: str, settings: RaySettings) -> None:
    """Join a cluster, or start one on the loopback address of this machine."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        # Where Ray was imported earlier, to join a cluster, the switch comes too late.
        ray._private.ray_constants.ENABLE_RAY_CLUSTER = False
        ray.init(
            address="local",
            num_cpus=1,
            include_dashboard=False,
            object_store_memory=settings.memory,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
            **quiet,
        )
        return
    _refuse_silence(address, settings.joining)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise TrainingError(f"no Ray cluster at {address!r}: {error}") from error


@contextmanager
def _silent(ray: Any) -> Iterator[None]:
    """Keep Ray's notes about processes that died off standard output, which is for results.

    Ray has no public switch for them; this one is the one that its debugger uses.
    """
    private = ray._private.worker
    before = getattr(private, "_worker_logs_enabled", True)
    private._worker_logs_enabled = False
    try:
        yield
    finally:
        private._worker_logs_enabled = before
