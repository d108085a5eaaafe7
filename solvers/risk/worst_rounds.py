"""The least mean of the worst rounds: a linear program that grows by the rows it violates.

On ``K`` rounds the conditional value at risk is the linear program of Rockafellar and Uryasev
(Journal of Risk 2, 2000)

    min t + sum_k s_k / ((1 - q) K)   subject to   t + s_k >= u T^k_(N-n) w_n,   s >= 0 .

Few of its ``K N`` rows bind: those of the slowest rounds at the levels that end them. The program
starts with the rows of a first design; rows that a solution violates join it, until the value of
some solution is the bound that the multipliers prove.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import budget_weights, partition_of_work
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.evaluation.rounds.tail_mean import bound_of_multipliers, mean_of_worst
from cgcopt.formulations.highs_model import highs_lp, quiet_highs
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process.clock import Clock
from cgcopt.process.highs import use_threads
from cgcopt.process.time_left import look
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome
from cgcopt.solvers.convex.combined_bound import ROUNDING
from cgcopt.solvers.convex.incumbent import Incumbent
from cgcopt.solvers.formulas import mean_time_work

__all__ = ["optimum_of_worst_rounds"]


@dataclass(frozen=True)
class WorstRoundsTuning:
    """Numbers of the method."""

    passes: int = 200
    """Linear programs at most."""
    tolerance: float = 1e-9
    """Feasibility and optimality of HiGHS; times are in units of their mean."""
    violated: float = 1e-10
    """A row joins when it is violated by more than this, relative to the largest runtime."""
    first_share: float = 2.0
    """The program starts with this many times as many of the slowest rounds as count."""
    least_time: float = 1e-3
    """Seconds that HiGHS is given at the least."""


_TUNING = WorstRoundsTuning()


def optimum_of_worst_rounds(problem: Problem, options: Options) -> Outcome:
    """Minimise the conditional value at risk over finitely many rounds.

    Parameters
    ----------
    problem : Problem
        Its worker times are :class:`~cgcopt.workers.scenarios.Scenarios`; no limits, no costs.
    options : Options
        ``gap``, ``time_limit`` and ``threads`` count.

    Returns
    -------
    Outcome
        With the bound of a convex combination of subgradients of the runtimes.
    """
    system, clock = problem.system, Clock.started(options.time_limit)
    (probability,) = problem.objective.parameters
    times = sorted_rounds(system)[:, ::-1]
    scale = float(times.mean())
    unit = scale * system.unit * system.coordinates
    incumbent = Incumbent(options.gap, options, unit=unit)
    run = _Program(times / scale, probability, incumbent, options, clock)
    run.minimise(mean_time_work(system))
    termination = TerminationCondition.CONVERGED
    if not incumbent.closed:
        expired = clock.expired
        limits = TerminationCondition.TIME_LIMIT, TerminationCondition.ITERATION_LIMIT
        termination = limits[0] if expired else limits[1]
    return Outcome(
        termination,
        partition=incumbent.best * system.coordinates,
        bound=incumbent.bound * unit,
        certificate=Certificate.CUTTING_PLANES,
        details={
            "iterations": len(incumbent.history),
            "rows": run.rows,
            "history": incumbent.history_in_seconds,
        },
    )


@dataclass(eq=False)
class _Program:
    """The program with the rows so far: columns ``w``, ``t`` and an excess for each round in doubt.

    ``times`` are those of the levels, shape ``(K, N)``, in units of their mean.
    """

    times: FloatArray
    probability: float
    incumbent: Incumbent
    options: Options
    clock: Clock
    column: IntArray = field(init=False)
    """Column of the excess of every round; -1 where there is none yet."""
    rounds: list[IntArray] = field(default_factory=list)
    levels: list[IntArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.column = np.full(len(self.times), -1)

    @property
    def count(self) -> float:
        """``(1 - q) K``."""
        return (1.0 - self.probability) * len(self.times)

    @property
    def rows(self) -> int:
        """Runtime rows in the program."""
        return sum(part.size for part in self.rounds)

    @cached_property
    def highs(self) -> Any:
        """HiGHS with the budget and the rows that keep the work rising."""
        levels = self.times.shape[1]
        rising = np.eye(levels)[1:] - np.eye(levels)[:-1]
        table = np.zeros((levels, levels + 1))
        table[0, :levels], table[1:, :levels] = budget_weights(levels), rising
        upper = np.append(1.0, np.full(levels - 1, np.inf))
        lower = np.append(1.0, np.zeros(levels - 1))
        cost = np.append(np.zeros(levels), 1.0)
        highs = quiet_highs(
            highs_lp(table, cost, (0.0, np.inf), (lower, upper)),
            primal_feasibility_tolerance=_TUNING.tolerance,
            dual_feasibility_tolerance=_TUNING.tolerance,
        )
        use_threads(highs, self.options.threads)
        return highs

    def minimise(self, work: FloatArray) -> None:
        """Solve, value the design, add the violated rows, and so on."""
        work = work / (budget_weights(work.size) @ work)
        ends, slowest = self._offer(work, -np.inf)
        many = min(int(_TUNING.first_share * self.count) + work.size, ends.size)
        worst = np.argpartition(-ends, many - 1)[:many]
        self._add(worst, slowest[worst])
        for _ in range(_TUNING.passes):
            look()
            if self.incumbent.closed or self.clock.expired:
                return
            solved = self._solved()
            if solved is None:
                return
            work, allowed, bound = solved
            ends, slowest = self._offer(work, bound)
            late = np.flatnonzero(ends > allowed + _TUNING.violated * ends.max())
            if late.size == 0:
                return
            self._add(late, slowest[late])

    def _offer(self, work: FloatArray, bound: float) -> tuple[FloatArray, IntArray]:
        """Value a design; return the runtime of every round and the level that ends it."""
        products = self.times * work
        slowest = products.shape[1] - 1 - products[:, ::-1].argmax(axis=1)
        ends = products[np.arange(len(products)), slowest]
        partition = np.maximum(partition_of_work(work), 0.0)
        self.incumbent.offer(partition, mean_of_worst(ends, self.probability), bound)
        return ends, slowest

    def _add(self, rounds: IntArray, levels: IntArray) -> None:
        """Add rows ``t + s_k - T_(k,n) w_n >= 0``, with columns for rounds that are new."""
        highs, size = self.highs, self.times.shape[1]
        new = rounds[self.column[rounds] < 0]
        first, none = highs.getNumCol(), np.zeros(0)
        self.column[new] = first + np.arange(new.size)
        if new.size:
            highs.addCols(
                new.size,
                np.full(new.size, 1.0 / self.count),
                np.zeros(new.size),
                np.full(new.size, np.inf),
                0,
                np.zeros(new.size, dtype=np.int32),
                none.astype(np.int32),
                none,
            )
        where = np.stack((levels, np.full(levels.size, size), self.column[rounds]), axis=1)
        values = np.ones((levels.size, 3))
        values[:, 0] = -self.times[rounds, levels]
        highs.addRows(
            levels.size,
            np.zeros(levels.size),
            np.full(levels.size, np.inf),
            where.size,
            np.arange(0, where.size, 3, dtype=np.int32),
            where.ravel().astype(np.int32),
            values.ravel(),
        )
        self.rounds.append(rounds)
        self.levels.append(levels)

    def _solved(self) -> tuple[FloatArray, FloatArray, float] | None:
        """The work, what every round may take without a new row, and the proven bound."""
        import highspy

        highs, size = self.highs, self.times.shape[1]
        if np.isfinite(self.clock.left):
            limit = highs.getRunTime() + max(self.clock.left, _TUNING.least_time)
            highs.setOptionValue("time_limit", limit)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = highs.getSolution()
        columns = np.array(solution.col_value)
        work = np.maximum.accumulate(np.maximum(columns[:size], 0.0))
        work = work / (budget_weights(size) @ work)
        # A round without a column has no excess yet.
        excess = np.where(self.column < 0, 0.0, columns[np.maximum(self.column, 0)])
        bound = bound_of_multipliers(
            np.array(solution.row_dual)[size:],
            np.concatenate(self.rounds),
            np.concatenate(self.levels),
            self.times,
            self.count,
        )
        return work, columns[size] + excess, bound * (1.0 - ROUNDING)
