"""The exact expected runtime as a function of blocks and messages, and the cuts that it gives.

With ``y`` a partition with sum 1 and ``z_n`` the messages of level ``n`` (1 if it is used) a round
takes ``tau = max_n (c_n + a_n T_(N-n))`` where the lines ``a`` and ``c`` are linear in ``(y, z)``
(:mod:`cgcopt.evaluation.lines`). Its mean is convex in ``(y, z)`` and, together with the start-up
time, homogeneous of degree 1; so its derivatives ``g`` in ``y`` and ``h`` in ``z`` at any point bound
it everywhere,

    E[tau](y, z) >= startup + g . y + h . z .
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.line_runtime import line_runtime
from cgcopt.evaluation.lines import Lines, partition_gradients
from cgcopt.evaluation.result import with_gradient
from cgcopt.objective import ConditionalValueAtRisk, ExpectedRuntime, Objective
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = ["Cut", "RuntimeCuts", "TailMeanCuts", "cuts_of"]

#: Share of all work that a level is given which is waited for and has none.
_NEXT_TO_NOTHING = 1e-14


@dataclass(frozen=True, eq=False)
class Cut:
    """The value at one point and the derivatives there.

    Attributes
    ----------
    value : float
        ``E[tau]``, seconds; the upper end of the bracket where a sum is too long.
    blocks, messages : ndarray, shape (N,)
        ``g`` and ``h``.
    """

    value: float
    blocks: FloatArray
    messages: FloatArray


@dataclass
class RuntimeCuts:
    """Evaluates points and keeps their cuts.

    Parameters
    ----------
    system : System
        Any worker times but those that can only be drawn.
    threads : int, optional
        For the kernel.
    tolerance : float
        Relative width of a bracket that will do where a sum is long.
    first : int
        Where workers have a random start: the level from which on all levels are waited for. A cut then
        holds for the designs whose first used level is this one or below.
    """

    system: System
    threads: int | None = None
    tolerance: float = 1e-7
    first: int = 0
    cuts: list[Cut] = field(default_factory=list)

    @contextmanager
    def bracketing(self, width: float) -> Iterator[None]:
        """Let brackets be wider for a while, never closer than ``tolerance``."""
        closest, self.tolerance = self.tolerance, max(self.tolerance, width)
        try:
            yield
        finally:
            self.tolerance = closest

    def __call__(self, partition: FloatArray, messages: FloatArray) -> Cut:
        """Evaluate a partition with sum 1 and the messages of its levels, shapes ``(N,)``."""
        system, costs = self.system, self.system.costs
        total = float(system.coordinates)
        counts = np.cumsum(partition)
        delay = costs.startup + costs.per_coordinate * total * counts
        delay = delay + costs.per_message * np.cumsum(messages)
        factor = system.unit * total * work_of_partition(partition)
        started = system.worker_times.kind is Times.STARTED
        if started:
            factor[self.first :] = np.maximum(factor[self.first :], _NEXT_TO_NOTHING * factor[-1])
        found = line_runtime(
            system, Lines(factor, delay), threads=self.threads, tolerance=self.tolerance
        )
        gradients = found.factor_gradient, found.delay_gradient
        blocks, by_message = partition_gradients(system, *gradients)
        blocks = total * blocks
        if started:  # what the starts take is no multiple of the work; the blocks add up to 1
            constant = found.lower - costs.startup - blocks @ partition - by_message @ messages
            blocks = blocks + constant
        cut = Cut(found.upper, blocks, by_message)
        self.cuts.append(cut)
        return cut


@dataclass
class TailMeanCuts(RuntimeCuts):
    """Values and cuts of the conditional value at risk, without costs and random starts.

    Parameters
    ----------
    probability : float
        ``q``: the mean of the slowest share ``1 - q`` of the rounds.
    """

    probability: float = 0.5

    def __call__(self, partition: FloatArray, messages: FloatArray) -> Cut:
        """Evaluate a partition with sum 1, shape ``(N,)``; messages cost nothing."""
        system, total = self.system, float(self.system.coordinates)
        problem = Problem(system, ConditionalValueAtRisk(self.probability))
        work = total * work_of_partition(partition)
        found = with_gradient(evaluate_work(problem, work, gradient=True))
        blocks = total * partition_gradient(found.gradient)
        cut = Cut(found.upper, blocks, np.zeros(partition.size))
        self.cuts.append(cut)
        return cut


def cuts_of(problem: Problem, threads: int | None, tolerance: float, first: int = 0) -> RuntimeCuts:
    """The cuts of the objective of a problem, none so far."""
    return _CUTS[type(problem.objective)](problem, threads, tolerance, first)


def _of_runtime(problem: Problem, threads: int | None, tolerance: float, first: int) -> RuntimeCuts:
    return RuntimeCuts(problem.system, threads, tolerance, first)


def _of_tail_mean(
    problem: Problem, threads: int | None, tolerance: float, first: int
) -> RuntimeCuts:
    (probability,) = problem.objective.parameters
    return TailMeanCuts(problem.system, threads, tolerance, first, probability=probability)


_CUTS: Table[type[Objective], Callable[[Problem, int | None, float, int], RuntimeCuts]] = Table(
    "no cuts", {ExpectedRuntime: _of_runtime, ConditionalValueAtRisk: _of_tail_mean}
)
