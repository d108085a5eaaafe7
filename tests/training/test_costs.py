"""Measured costs of cells: the fit finds costs that a task really has."""

from __future__ import annotations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.training import Task, digits_task, measure_costs
from cgcopt.training.task import PartialGradients

STARTUP, PER_WORK, PER_MESSAGE = 4e-3, 2e-4, 1e-3


class Clock:
    now = 0.0

    @classmethod
    def monotonic(cls) -> float:
        return cls.now


class Timed(Task):
    """Takes known times of a virtual clock: a start-up once, then by work and by call."""

    name = "timed"
    samples = 40
    coordinates = 60
    boundaries: IntArray = np.arange(61)
    step = 1.0

    def initial(self) -> FloatArray:
        return np.zeros(self.coordinates)

    def loss(self, parameters: FloatArray) -> float:
        return 0.0

    def at(self, parameters: FloatArray) -> PartialGradients:
        return Calls()


class Calls:
    started = False
    cell = (-1, -1)

    def partial(self, first: int, end: int, start: int, stop: int) -> FloatArray:
        takes = PER_WORK * (stop - start) * (end - first) / Timed.samples
        if not self.started:
            takes += STARTUP
            self.started = True
        if (start, stop) != self.cell:
            takes += PER_MESSAGE
            self.cell = (start, stop)
        Clock.now += takes
        return np.zeros(stop - start)


def test_known_costs_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcopt.training.worker.time", Clock)
    plan = cg.make_plan(cg.Schedule([20, 10, 10, 20], cells=3), samples=40)
    found = measure_costs(Timed(), plan, repeats=9)
    assert found.costs.startup == pytest.approx(STARTUP, rel=1e-6)
    assert found.per_work == pytest.approx(PER_WORK, rel=1e-6)
    assert found.costs.per_message == pytest.approx(PER_MESSAGE, rel=1e-6)
    assert found.costs.per_coordinate == pytest.approx(0.0, abs=1e-9)
    assert found.error_with_costs < 1e-6
    assert found.error_proportional > 0.2
    # The fit by work alone: one number, by a search.
    factors = np.linspace(0.5, 2, 10_001) * found.proportional
    misfit = [((1 - f * found.work / found.seconds) ** 2).sum() for f in factors]
    assert factors[np.argmin(misfit)] == pytest.approx(found.proportional, rel=1e-3)
    assert "work alone is off by" in str(found)


@pytest.mark.parametrize("name", ["softmax", "network"])
def test_shipped_tasks(name: str) -> None:
    task = digits_task(name)
    size = {"samples": task.samples, "coordinates": task.coordinates}
    plan = cg.make_plan([4, 3, 2, 1], **size, boundaries=task.boundaries)
    found = measure_costs(task, plan, repeats=5)
    assert found.seconds.size == sum(len(plan.steps(i)) for i in range(4))
    assert found.error_with_costs <= found.error_proportional + 0.05
    assert min(found.costs.startup, found.costs.per_message, found.per_work) >= 0
