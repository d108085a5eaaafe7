"""Workers in this process on a virtual clock: vectors arrive in the order of their due times."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest

from cgcopt.arrays import FloatArray
from cgcopt.codes import Step
from cgcopt.training.engine import Event, Order
from cgcopt.training.pace import Pace
from cgcopt.training.task import Task
from cgcopt.training.worker import Worker


class VirtualEngine:
    """An engine without processes, in which chosen workers die after so many vectors of a round."""

    def __init__(self, task: Task, programs: Sequence[Mapping[str, Sequence[Step]]]) -> None:
        self.workers = [Worker(task, program) for program in programs]
        self.queue: list[tuple[float, int, Event]] = []
        self.number = count()
        self.rounds = count(1)
        self.clock = 0.0
        self.ends: dict[int, float] = {}
        self.deaths: dict[tuple[int, int], int] = {}
        self.refusals = 0
        self.begun: set[tuple[int, int]] = set()

    def new_round(self) -> int:
        return next(self.rounds)

    def begin(
        self, plan: str, sequence: int, parameters: FloatArray, orders: Sequence[Order]
    ) -> None:
        for order in orders:
            worker = self.workers[order.worker]
            work = coordinates = messages = 0.0
            left = self.deaths.pop((sequence, order.worker), None)
            again = (sequence, order.worker) in self.begun
            self.begun.add((sequence, order.worker))
            if self.refusals and again:
                self.refusals -= 1
                self._push(self.clock, Event(order.worker))
                continue
            steps = [s for s in worker.programs[plan] if (s.block, s.cell) not in order.delivered]
            vectors = worker.compute(plan, sequence, parameters, Pace(), order.delivered)
            due = self.clock
            for step, message in zip(steps, vectors, strict=True):
                if left == 0:
                    break
                left = None if left is None else left - 1
                work += step.work / worker.task.samples
                coordinates += step.stop - step.start
                messages += 1
                due = self.clock + order.pace.due(work, coordinates, messages)
                self._push(due, Event(order.worker, replace(message, seconds=due - self.clock)))
            if left == 0:
                self._push(due, Event(order.worker))

    def _push(self, due: float, event: Event) -> None:
        heapq.heappush(self.queue, (due, next(self.number), event))

    def next(self, timeout: float) -> Event | None:
        if not self.queue:
            return None
        self.clock, _, event = heapq.heappop(self.queue)
        return event

    def cancel(self, sequence: int) -> None:
        self.ends[sequence] = self.clock
        self.clock = 0.0
        self.queue.clear()

    def assign(self, plan: str, programs: Mapping[int, Sequence[Step]]) -> None:
        for i, steps in programs.items():
            self.workers[i].assign(plan, steps)

    def processes(self) -> dict[int, int]:
        return {}


def in_place_of_ray(
    monkeypatch: pytest.MonkeyPatch, kind: type[VirtualEngine] = VirtualEngine
) -> None:
    """Let commands train on workers in this process."""

    @contextmanager
    def engine(
        task: Task, programs: Sequence[Mapping[str, Sequence[Step]]], **_: object
    ) -> Iterator[VirtualEngine]:
        yield kind(task, programs)

    monkeypatch.setattr("cgcopt.training.experiment.ray_engine", engine)
