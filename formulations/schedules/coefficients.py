"""The numbers of the program that chooses a schedule on scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.schedules.baselines import speed_of_light
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.scenarios import scenarios_of
from cgcopt.objective import ExpectedRuntime
from cgcopt.schedule import cyclic_places

__all__ = ["LARGEST_SCHEDULE_MODEL", "ScheduleNumbers"]

#: Most binaries ``K N C N`` of a model.
LARGEST_SCHEDULE_MODEL = 500_000


@dataclass(frozen=True, eq=False)
class ScheduleNumbers(Formulation):
    """What every language writes down: sizes, scales, coefficients, bounds.

    Attributes
    ----------
    cells : int
        ``C``.
    equal : bool
        Whether all workers get equal work, ``y_{i,n} = (n+1) x_n``.
    """

    cells: int = field(kw_only=True)
    equal: bool = field(kw_only=True)

    def __post_init__(self) -> None:
        system = self.problem.system
        if type(self.problem.objective) is not ExpectedRuntime:
            raise UnsupportedProblemError(
                f"no formulation of schedules for {self.problem.objective.kind}"
            )
        binaries = self.rounds * system.workers**2 * self.cells
        if binaries > LARGEST_SCHEDULE_MODEL:
            raise InvalidInputError(
                "scenarios",
                self.rounds,
                f"few enough for {LARGEST_SCHEDULE_MODEL} binaries K N C N, here {binaries}",
            )

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x`` and ``v`` (N,), ``y`` (N, N), ``theta`` (K,), ``z`` (K, N, C, N)."""
        n = self.workers
        shape = (self.rounds, n, self.cells, n)
        return {"x": (n,), "v": (n,), "y": (n, n), "theta": (self.rounds,), "z": shape}

    @property
    def rounds(self) -> int:
        """``K``."""
        return int(self._times.shape[0])

    @property
    def _times(self) -> FloatArray:
        return scenarios_of(self.problem, example=10).times

    @cached_property
    def time_scale(self) -> float:
        """Mean of all worker times, seconds per cycle."""
        return float(self._times.mean())

    @cached_property
    def times(self) -> FloatArray:
        """``T^k_i`` in units of :attr:`time_scale`, shape ``(K, N)``."""
        return np.asarray(self._times / self.time_scale)

    @property
    def runtime_scale(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.problem.system.unit * self.time_scale * self.coordinate_scale

    @cached_property
    def share(self) -> FloatArray:
        """``p_{i,c} / C``, shape ``(N, C)``."""
        return np.asarray(cyclic_places(self.workers, self.cells) / self.cells)

    @cached_property
    def done(self) -> FloatArray:
        """Share of block ``m`` done with cell ``c`` of block ``n`` by worker ``i``: ``(n, c, i, m)``."""
        N, C = self.workers, self.cells
        done = np.zeros((N, C, N, N))
        for n in range(N):
            done[n, :, :, :n] = 1.0
            done[n, :, :, n] = self.share.T
        return done

    @cached_property
    def messages(self) -> FloatArray:
        """Messages of worker ``i`` for block ``m`` by cell ``c`` of block ``n``, ``(n, c, i, m)``."""
        return self.done * self.cells

    @cached_property
    def costs(self) -> tuple[float, float, float]:
        """Starting, sending all coordinates, and a message, in units of ``theta``."""
        costs, scale = self.problem.system.costs, self.runtime_scale
        whole = costs.per_coordinate * self.coordinate_scale
        return costs.startup / scale, whole / scale, costs.per_message / scale

    @cached_property
    def most(self) -> FloatArray:
        """``M``, shape ``(K, N, C, N)`` over round, level, cell and worker."""
        level = np.arange(1.0, self.workers + 1)
        largest = level if self.equal else np.full(self.workers, float(self.workers))
        work = (self.done * largest).max(axis=-1)
        startup, sending, message = self.costs
        delay = startup + sending + message * self.messages.sum(axis=-1)
        ends = self.times[:, None, None, :] * work + delay
        return np.asarray(np.maximum(ends - self.least[:, None, None, None], 0.0))

    @cached_property
    def steps(self) -> IntArray:
        """Places of ``z`` in the order of every worker, ``(N, N C)``: indices into ``(n, c, i)``."""
        N, C = self.workers, self.cells
        cell = np.argsort(self.share, axis=1)
        level, worker = np.arange(N)[None, :, None], np.arange(N)[:, None, None]
        return np.asarray(((level * C + cell[:, None, :]) * N + worker).reshape(N, N * C))

    @cached_property
    def together(self) -> FloatArray:
        """``(N - n)(n + 1)``, shape ``(N,)``; ``N`` where the work may differ."""
        level = np.arange(self.workers)
        equal = (self.workers - level) * (level + 1.0)
        return equal if self.equal else np.full(self.workers, float(self.workers))

    @cached_property
    def least(self) -> FloatArray:
        """Speed of light of every round, in units of ``theta``, shape ``(K,)``."""
        light = speed_of_light(self.problem.system, self._times)
        return np.asarray(light / self.runtime_scale)

    def value(self, objective: float) -> float:
        """Convert ``sum_k theta_k`` to the average runtime in seconds."""
        return objective * self.runtime_scale / self.rounds

    def late_limits(self) -> tuple[FloatArray, FloatArray]:
        """Coefficient of ``v_n`` and right side of the rows ``late``; nobody is late for level 0."""
        level = np.arange(float(self.workers))
        used = np.where(level > 0, self.workers - level, 0.0)
        return used, np.where(level > 0, float(self.workers), 0.0)
