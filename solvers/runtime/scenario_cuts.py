"""Cutting planes for the sample average, one set of cuts for every round.

With ``theta_k`` for the runtime of round ``k``, every pair of a round and a level is a cut
``theta_k >= c_{k,n} w_n``. Near the optimum only few matter: a round whose slowest level is clear
keeps that level's cut alone, which makes its ``theta_k`` a linear term; the others keep the cuts
of the levels that come near. The linear program over these cuts bounds the sample average of every
design from below; its multipliers, put back into the rounds, give a convex combination of subgradients
and with it a bound that does not depend on the accuracy of the LP. Rounds whose maximum turns out
to lie on another level get that cut, until none is missing, and then the optimum is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.formulations.highs_model import highs_lp
from cgcopt.process.highs import silent_highs
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.runtime.level_work import LevelWork

__all__ = ["CutMaster", "Cuts", "rounded_down"]


@dataclass(frozen=True)
class CutTuning:
    """Numbers of the cuts and of their linear program. No measurement of them is on record."""

    block: int = 4096
    """Rounds of one pass."""
    lacking: float = 1e-13
    """Relative excess of a product over all cuts of its round that is more than rounding."""
    tolerance: float = 1e-10
    """Feasibility tolerances of HiGHS: the smallest that it takes."""
    least_seconds: float = 1e-3
    """Seconds that HiGHS gets at least."""
    rounding: float = 5e-13
    """Part of the value that a bound gives away for rounding in its sums."""


_TUNING = CutTuning()


@dataclass(frozen=True, eq=False)
class MasterPoint:
    """Optimum of the linear program over the present cuts.

    Attributes
    ----------
    work : ndarray, shape (N,)
        Cumulative work, of a partition with sum 1.
    gradient : ndarray, shape (N,)
        Convex combination of subgradients with respect to the work, from the multipliers.
    pivots : int
        Simplex iterations.
    """

    work: FloatArray
    gradient: FloatArray
    pivots: int


@dataclass(eq=False)
class Cuts:
    """Which levels of which rounds are in the master problem, and where the rounds stand.

    Parameters
    ----------
    times : ndarray, shape (K, N)
        Rounds, every row ascending; column ``j`` belongs to level ``N-1-j``.
    """

    times: FloatArray

    def __post_init__(self) -> None:
        self.kept: BoolArray = np.zeros(self.times.shape, dtype=bool)
        self.leader: IntArray = np.zeros(len(self.times), dtype=np.int64)

    def add_near(self, work: FloatArray, reach: FloatArray) -> None:
        """Keep the cuts that may be largest while every ``w_n`` moves by a share ``reach_n``."""
        self._pass(work, reach, only_missing=False)

    def add_missing(self, work: FloatArray, reach: FloatArray) -> tuple[float, int]:
        """Keep the cuts that the master lacked at ``work``; return the average and their number.

        A round that lacked one gets all that :meth:`add_near` would give it.
        """
        return self._pass(work, reach, only_missing=True)

    def _pass(
        self, work: FloatArray, reach: FloatArray, *, only_missing: bool
    ) -> tuple[float, int]:
        factors = np.ascontiguousarray(work[::-1])
        above, below = 1.0 + reach[::-1], 1.0 - reach[::-1]
        total, missing = 0.0, 0
        for start in range(0, len(self.times), _TUNING.block):
            rows = slice(start, start + _TUNING.block)
            products = self.times[rows] * factors
            kept = self.kept[rows]
            top = products.max(axis=1)
            total += float(top.sum())
            near = products * above >= (products * below).max(axis=1)[:, np.newaxis]
            near |= products >= top[:, np.newaxis]
            if only_missing:
                known = np.where(kept, products, 0.0).max(axis=1)
                lacking = known < top * (1.0 - _TUNING.lacking)
                near &= lacking[:, np.newaxis]
                missing += int(np.count_nonzero(lacking))
            kept |= near
            self.leader[rows] = np.where(kept, products, -1.0).argmax(axis=1)
        return total / len(self.times), missing


@dataclass(frozen=True, eq=False)
class CutMaster:
    """The linear program over the cuts, solved by HiGHS from a spanning tree of ties.

    Parameters
    ----------
    cuts : Cuts
        What is in it.
    scale : ndarray, shape (N,)
        A positive cumulative work near the optimum; the variables are ``w / scale``.
    value : float
        The sample average there, the unit of the rows.
    map : LevelWork
        The levels of the columns.
    """

    cuts: Cuts
    scale: FloatArray
    value: float
    map: LevelWork

    def solve(self, work: FloatArray, clock: Clock) -> MasterPoint | None:
        """Minimise over the present cuts; ``None`` when HiGHS ends without an optimum.

        Parameters
        ----------
        work : ndarray, shape (N,)
            Where to start: in a basic solution the levels are tied to each other by rounds whose
            maximum two of them share, a spanning tree, and the tightest ties here are a good guess.
        clock : Clock
            Its end is passed on as time limit.
        """
        import highspy

        open_rounds = np.flatnonzero(self.cuts.kept.sum(axis=1) > 1)
        row, column = np.nonzero(self.cuts.kept[open_rounds])
        coefficients = self.cuts.times[open_rounds[row], column]
        highs = _quiet_highs(clock)
        highs.passModel(self._model(open_rounds, row, column, coefficients))
        highs.setBasis(self._basis(open_rounds, row, column, coefficients, work))
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            # Times far apart may mislead the start.
            highs.clearSolver()
            highs.setOptionValue("presolve", "choose")
            highs.setOptionValue("simplex_strategy", 1)
            highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = highs.getSolution()
        levels = work.size
        found = np.maximum(np.array(solution.col_value[:levels]), 0.0) * self.scale
        weights = np.maximum(np.array(solution.row_dual[: row.size]), 0.0)
        pivots = int(highs.getInfo().simplex_iteration_count)
        gradient = self._combined_gradient(open_rounds, row, column, coefficients, weights)
        return MasterPoint(self.map.on_simplex(found), gradient, pivots)

    def _clear_gradient(self, open_rounds: IntArray) -> FloatArray:
        """Sum of the gradients of the rounds with one cut, shape ``(N,)``, by level."""
        times, leader = self.cuts.times, self.cuts.leader
        clear = np.ones(len(times), dtype=bool)
        clear[open_rounds] = False
        rows = np.flatnonzero(clear)
        sums = np.bincount(leader[rows], times[rows, leader[rows]], minlength=times.shape[1])
        return np.asarray(sums[::-1], dtype=np.float64)

    def _combined_gradient(
        self,
        open_rounds: IntArray,
        row: IntArray,
        column: IntArray,
        coefficients: FloatArray,
        weights: FloatArray,
    ) -> FloatArray:
        count, levels = self.cuts.times.shape
        totals = np.bincount(row, weights, minlength=open_rounds.size)
        leads = self.cuts.leader[open_rounds][row] == column
        weights = np.where(totals[row] > 0.0, weights, leads)
        totals = np.bincount(row, weights, minlength=open_rounds.size)
        terms = np.bincount(column, weights / totals[row] * coefficients, minlength=levels)
        return np.asarray((self._clear_gradient(open_rounds) + terms[::-1]) / count)

    def _model(
        self, open_rounds: IntArray, row: IntArray, column: IntArray, coefficients: FloatArray
    ) -> Any:
        """Columns ``w / scale`` and ``theta``; rows: the cuts, ``w`` nondecreasing, the budget."""
        from scipy import sparse

        levels, rounds = self.scale.size, open_rounds.size
        level = levels - 1 - column
        cut = np.arange(row.size)
        rise = np.arange(1, levels)
        budget = np.full(levels, row.size + levels - 1)
        ratio = self.scale[:-1] / self.scale[1:]
        rows = np.concatenate((cut, cut, row.size + rise - 1, row.size + rise - 1, budget))
        columns = np.concatenate((levels + row, level, rise, rise - 1, np.arange(levels)))
        entries = np.concatenate(
            (
                np.ones(row.size),
                -coefficients * self.scale[level] / self.value,
                np.ones(levels - 1),
                -ratio,
                self.map.weights * self.scale,
            )
        )
        shape = (row.size + levels, levels + rounds)
        cost = np.concatenate(
            (self._clear_gradient(open_rounds) * self.scale / self.value, np.ones(rounds))
        )
        one = np.append(np.zeros(shape[0] - 1), 1.0)
        most = np.append(np.full(shape[0] - 1, np.inf), 1.0)
        matrix = sparse.csr_array((entries, (rows, columns)), shape=shape)
        return highs_lp(matrix, cost, (0.0, np.inf), (one, most))

    def _basis(
        self,
        open_rounds: IntArray,
        row: IntArray,
        column: IntArray,
        coefficients: FloatArray,
        work: FloatArray,
    ) -> Any:
        """Every column basic; nonbasic: the largest cut of every round, the tree, the budget."""
        import highspy

        levels = work.size
        products = coefficients * work[levels - 1 - column]
        first = self.cuts.leader[open_rounds][row]
        leads = first == column
        top = np.zeros(open_rounds.size)
        top[row[leads]] = products[leads]
        others = np.flatnonzero(~leads)
        behind = 1.0 - products[others] / top[row[others]]
        order = np.argsort(behind, kind="stable")
        tree = spanning_tree(first[others][order], column[others][order], levels)
        nonbasic = np.zeros(row.size + levels, dtype=bool)
        nonbasic[: row.size] = leads
        nonbasic[others[order[tree]]] = True
        nonbasic[row.size : row.size + levels - 1 - tree.size] = True
        nonbasic[-1] = True
        status = highspy.HighsBasisStatus
        basis = highspy.HighsBasis()
        basis.col_status = [status.kBasic] * (levels + open_rounds.size)
        basis.row_status = [status.kLower if fixed else status.kBasic for fixed in nonbasic]
        return basis


def spanning_tree(first: IntArray, second: IntArray, size: int) -> IntArray:
    """Indices of the edges ``first - second`` that a greedy spanning forest takes, in order.

    Examples
    --------
    >>> spanning_tree(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 2]), 3).tolist()
    [0, 3]
    """
    from scipy.cluster.hierarchy import DisjointSet

    forest = DisjointSet(range(size))
    taken: list[int] = []
    for index, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if forest.merge(a, b):
            taken.append(index)
            if len(taken) == size - 1:
                break
    return np.array(taken, dtype=np.int64)


def _quiet_highs(clock: Clock) -> Any:
    highs = silent_highs()
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("simplex_strategy", 4)  # primal: the start is nearly feasible
    highs.setOptionValue("primal_feasibility_tolerance", _TUNING.tolerance)
    highs.setOptionValue("dual_feasibility_tolerance", _TUNING.tolerance)
    if np.isfinite(clock.left):
        highs.setOptionValue("time_limit", max(clock.left, _TUNING.least_seconds))
    return highs


def rounded_down(bound: float, value: float) -> float:
    """The bound less what rounding in the sums of a sample average may have added."""
    return bound - _TUNING.rounding * value
