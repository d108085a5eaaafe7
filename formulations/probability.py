"""Completion probability on scenarios: what the coordinate and the block level have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import Design
from cgcopt.evaluation.scenarios import round_runtimes
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.objective import CompletionProbability
from cgcopt.problem import Level

__all__ = ["ProbabilityFormulation"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProbabilityFormulation(ScenarioFormulation):
    """Maximise the number of scenarios that are met, one binary ``y_k`` each."""

    @property
    def deadline(self) -> float:
        """Seconds."""
        objective = self.problem.objective
        assert isinstance(objective, CompletionProbability)
        return objective.deadline

    @cached_property
    def thresholds(self) -> FloatArray:
        """Most cumulative work ``t / (u T^k_(N-n))`` of a scenario that is met, shape ``(K, N)``.

        Growing along ``n``.  In whole numbers where the work is one, so that a solver's tolerance
        cannot pass a scenario that the evaluation fails.
        """
        times = self._scenarios.sorted_times[:, ::-1]
        unit = self.problem.system.unit
        with np.errstate(over="ignore"):
            work = np.minimum(self.deadline / (unit * times), 2.0**53)
        if self.level is Level.RELAXED:
            return np.asarray(work / self.coordinate_scale)
        whole = np.floor(work)
        # The evaluation compares T (u w) with the deadline: decide the ties as it does.
        whole = np.where(times * (unit * (whole + 1)) <= self.deadline, whole + 1, whole)
        return np.where(times * (unit * whole) > self.deadline, whole - 1, whole)

    @cached_property
    def reachable(self) -> NDArray[np.bool_]:
        """Whether any relaxed design at all meets a scenario, shape ``(K,)``.

        Work may rise to every threshold of one scenario at once, since these grow along the levels:
        it is met by some design if and only if ``sum_n v_n b_{k,n} >= L``.
        """
        return np.asarray(self.thresholds @ self.budget_weights >= self.budget * (1.0 - 1e-9))

    def value(self, objective: float) -> float:
        """Convert ``sum_k y_k`` to the share of scenarios met."""
        return objective / self.rounds

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound on ``sum_k y_k``, a whole number, to one on the share."""
        return min(math.floor(dual_bound + 1e-6) / self.rounds, 1.0)

    def _met(self, work: FloatArray) -> NDArray[np.bool_]:
        return np.asarray(round_runtimes(self.problem.system, work) <= self.deadline)

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        return {"y": self._met(design.work).astype(np.float64)}
