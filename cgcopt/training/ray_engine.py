"""Workers as Ray actors: one process each, coded vectors as streams of objects."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Step
from cgcopt.errors import TrainingError
from cgcopt.process.stopping import cooperating, requested, starting
from cgcopt.training.engine import Event, Order
from cgcopt.training.ray_start import RaySettings, running_ray
from cgcopt.training.task import Task
from cgcopt.training.worker import Worker

__all__ = ["RayEngine", "RaySettings", "ray_engine"]


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
        settings, late = self._settings, calls
        end = time.monotonic() + settings.start
        while late and time.monotonic() < end:
            _, late = self._ray.wait(calls, num_returns=len(calls), timeout=settings.look)
            if requested():
                raise KeyboardInterrupt
        if late:
            raise TrainingError(
                f"{len(late)} of {len(calls)} workers did not start in {settings.start:g} s"
            )
        self._answers(calls)

    def _answers(self, calls: Sequence[Any]) -> None:
        try:
            self._ray.get(calls, timeout=self._settings.answer)
        except self._ray.exceptions.RayError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise TrainingError(f"workers cannot be reached ({reason})") from error

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
        self._answers(calls)

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
    chosen = settings or RaySettings()
    with cooperating(), running_ray(address, chosen) as ray:
        with starting():
            engine = RayEngine(ray, task, programs, chosen)
        try:
            yield engine
        finally:
            engine.close()
