"""The shortest deadline that enough rounds keep, by giving up the right ones.

With rounds ``T^1..T^K`` of which ``r`` may be late, a choice of the late ones leaves at level ``n`` the
slowest time ``C_n`` among the others. The work ``w_n = t / (u C_n)`` is the largest that is in time,
so the shortest deadline is ``t = u L / sum_n v_n / C_n``, and the late rounds are those that make the
sum largest. A level gains by its ``j``-th slowest round only after all slower ones, which makes a
small mixed-integer program: binaries ``z_k`` (round ``k`` is late) and ``0 <= y_{n,j} <= 1``,

    max sum_n v_n (1/c_{n,1} + sum_{j=1..r} (1/c_{n,j+1} - 1/c_{n,j}) y_{n,j})
    y_{n,j} <= z_{k(n,j)},   y_{n,j} <= y_{n,j-1},   sum_k z_k <= r,

``c_{n,j}`` the ``j``-th largest ``T_(N-n)`` and ``k(n,j)`` its round: the star inequalities of the
mixing set of every level (Luedtke, Ahmed and Nemhauser, Mathematical Programming 122, 2010).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.design import budget_weights
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.options import Options
from cgcopt.process.clock import Clock
from cgcopt.process.highs import use_threads
from cgcopt.solvers.convex.combined_bound import ROUNDING

__all__ = ["GivenUp", "GivenUpSettings", "give_up_rounds"]


@dataclass(frozen=True)
class GivenUpSettings:
    """Settings of :func:`give_up_rounds`."""

    patience: float = 60.0
    """Seconds for the proof where no time limit is set."""
    accuracy: float = 1e-8
    """Relative amount that is added to a bound of the program, above its tolerances."""
    least_seconds: float = 1e-3
    """Time limit of HiGHS at least, however little is left."""


@dataclass(frozen=True, eq=False)
class GivenUp:
    """The best choice of late rounds.

    Attributes
    ----------
    late : ndarray of bool, shape (K,)
        Rounds that are given up.
    work : ndarray, shape (N,)
        ``1 / C_n``: the largest work of each level in one unit of time.
    bound : float
        No choice has a larger ``sum_n v_n / C_n``.
    """

    late: BoolArray
    work: FloatArray
    bound: float


def give_up_rounds(
    times: FloatArray, allowed: int, options: Options, clock: Clock, settings: GivenUpSettings
) -> GivenUp:
    """Choose at most ``allowed`` rounds to be late so that ``sum_n v_n / C_n`` is largest.

    Parameters
    ----------
    times : ndarray, shape (K, N)
        ``T^k_(N-n)`` by level: every row descending.
    allowed : int
        ``r``, less than ``K``.
    options : Options
        ``gap`` and ``threads`` count.
    clock : Clock
        Its end is the time limit.
    settings : GivenUpSettings

    Examples
    --------
    >>> times = np.array([[9.0, 1.0], [2.0, 2.0], [3.0, 1.5]])
    >>> found = give_up_rounds(times, 1, Options(), Clock.started(None), GivenUpSettings())
    >>> found.late.tolist(), found.work.round(3).tolist()
    ([True, False, False], [0.333, 0.5])
    """
    chosen = _greedy(times, allowed)
    worth = _worth(times, chosen)
    if allowed == 0:
        return GivenUp(chosen, _work(times, chosen), worth * (1.0 + ROUNDING))
    order = np.argsort(-times, axis=0, kind="stable")[: allowed + 1]
    late, bound = _solved(times, order, chosen, worth, options, clock, settings)
    if late is not None and _worth(times, late) > worth:
        chosen, worth = late, _worth(times, late)
    return GivenUp(chosen, _work(times, chosen), max(bound, worth * (1.0 + ROUNDING)))


def _work(times: FloatArray, late: BoolArray) -> FloatArray:
    return np.asarray(1.0 / times[~late].max(axis=0))


def _worth(times: FloatArray, late: BoolArray) -> float:
    return float(budget_weights(times.shape[1]) @ _work(times, late))


def _greedy(times: FloatArray, allowed: int) -> BoolArray:
    """Give up one round after the other: the one that stands in the way of most."""
    rounds, workers = times.shape
    weights, levels = budget_weights(workers), np.arange(workers)
    late = np.zeros(rounds, dtype=bool)
    order = np.argsort(-times, axis=0, kind="stable")
    place = [0] * workers
    after = [0] * workers
    for _ in range(allowed):
        for n in range(workers):
            place[n] = _kept(order, late, place[n], n)
            after[n] = _kept(order, late, max(after[n], place[n] + 1), n)
        first, second = order[place, levels], order[after, levels]
        gain = weights * (1.0 / times[second, levels] - 1.0 / times[first, levels])
        total = np.bincount(first, weights=gain, minlength=rounds)
        late[int(np.argmax(np.where(late, -1.0, total)))] = True
    return late


def _kept(order: IntArray, late: BoolArray, place: int, level: int) -> int:
    """The first place of a level, from this one on, whose round is not given up."""
    while late[order[place, level]]:
        place += 1
    return place


def _solved(
    times: FloatArray,
    order: IntArray,
    start: BoolArray,
    worth: float,
    options: Options,
    clock: Clock,
    settings: GivenUpSettings,
) -> tuple[BoolArray | None, float]:
    """Solve the program; return the late rounds, if there is a solution, and the bound."""
    import highspy

    depth, levels = order.shape[0] - 1, order.shape[1]
    rounds, place = np.unique(order[:depth], return_inverse=True)
    place = place.reshape(depth, levels)
    speed = 1.0 / np.take_along_axis(times, order, axis=0)
    gains = budget_weights(levels) * np.diff(speed, axis=0) / worth
    base = float(budget_weights(levels) @ speed[0]) / worth
    highs = _program(gains, place, rounds.size, depth).build(maximize=True)
    highs.changeObjectiveOffset(base)
    highs.setOptionValue("mip_rel_gap", options.gap / 2.0)
    highs.setOptionValue("mip_abs_gap", options.gap / 2.0)
    use_threads(highs, options.threads)
    left = min(clock.left, settings.patience) if math.isinf(clock.end) else clock.left
    highs.setOptionValue("time_limit", max(left, settings.least_seconds))
    solution = highspy.HighsSolution()
    taken = start[rounds]
    chain = np.logical_and.accumulate(taken[place], axis=0)
    solution.col_value = np.concatenate((taken, chain.ravel())).astype(float).tolist()
    highs.setSolution(solution)
    highs.run()
    info = highs.getInfo()
    bound = math.inf
    if math.isfinite(info.mip_dual_bound):
        bound = worth * (float(info.mip_dual_bound) + settings.accuracy)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None, bound
    late = np.zeros(len(times), dtype=bool)
    values = np.array(highs.getSolution().col_value[: rounds.size])
    # Rounding may only take too many: the largest count.
    late[rounds[np.argsort(-values, kind="stable")[:depth]]] = True
    return late, bound


def _program(gains: FloatArray, place: IntArray, count: int, depth: int) -> HighsModel:
    """The program over ``count`` rounds; ``place`` is the round of every level and rank."""
    model = HighsModel()
    late = model.columns("late", (count,), upper=1.0, integer=True)
    gained = model.columns("gained", gains.shape, upper=1.0, cost=gains)
    model.rows("star", gains.shape, [(-1.0, late[place]), (1.0, gained)], upper=0.0)
    later = gained[1:].shape
    model.rows("falling", later, [(1.0, gained[1:]), (-1.0, gained[:-1])], upper=0.0)
    model.rows("number", (), [(1.0, late)], upper=float(depth))
    return model
