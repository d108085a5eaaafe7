"""The subgradient of a mean over rounds that proves most, among those at one design."""

from __future__ import annotations

from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.system import System

__all__ = ["best_subgradient"]

#: Relative distance from the runtime of a round within which a level attains it: what the
#: tolerances of solvers, 1e-9 of the range of the work, leave open.
TIE = 1e-7


def best_subgradient(
    system: System, work: FloatArray, levels: IntArray, probability: float | None = None
) -> FloatArray:
    """Return the subgradient in ``w`` whose least entry in ``x`` is largest.

    A round whose runtime several levels attain may be divided among them: multipliers
    ``m_{k,n} >= 0`` with ``sum_n m_{k,n} = 1/K`` give the derivative ``sum_k m_{k,n} u T^k_(N-n)`` in
    ``w_n``, and what sending costs.  For a conditional value at risk the rounds that are later than the
    quantile weigh ``1/((1-q) K)``, those that end with it share what is left.  The multipliers that
    make ``min_n df/dx_n`` largest are those of the linear program where the design is optimal, and are
    found by a linear program in the rounds alone whose weight is open.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.scenarios.Scenarios` as worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    levels : ndarray of int
        Allowed levels, over which the least entry is taken.
    probability : float, optional
        ``q`` of a conditional value at risk; without it the mean of all rounds.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    Both rounds end with either level; the subgradient has the same entry for both:

    >>> import cgcopt as cg
    >>> system = cg.System(2, 3, cg.Scenarios([[1.0, 2.0]]), samples=2)
    >>> best_subgradient(system, np.array([2.0, 4.0]), np.array([0, 1])) / 2
    array([0.333..., 0.333...])
    """
    times, lines = sorted_rounds(system)[:, ::-1], lines_of_work(system, work)
    reached = np.where(lines.factor > 0.0, times, 0.0) * lines.factor + lines.delay
    ends = reached.max(axis=1)
    active = reached >= ends[:, None] * (1.0 - TIE)
    count = float(len(ends))
    shared = np.zeros(len(ends), dtype=bool)
    if probability is not None:
        count *= 1.0 - probability
        quantile = np.sort(ends)[rank_of(probability, ends.size) - 1]
        shared = np.abs(ends - quantile) <= TIE * quantile
        active &= (ends >= quantile * (1.0 - TIE))[:, None]
    whole = (active.sum(axis=1) == 1) & ~shared
    slow = np.where(active & whole[:, None], times, 0.0).sum(axis=0)
    late = (active & whole[:, None]).sum(axis=0).astype(np.float64)
    rest = active.any(axis=1) & ~whole
    if rest.any():
        left = count - np.count_nonzero(active.any(axis=1) & ~shared)
        more = _open_rounds(
            system, times[rest], active[rest], shared[rest], left, (slow, late), levels
        )
        slow, late = slow + more[0], late + more[1]
    return work_gradient(system, slow / count, late / count)


def _open_rounds(
    system: System,
    times: FloatArray,
    active: Any,
    shared: Any,
    left: float,
    known: tuple[FloatArray, FloatArray],
    levels: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """What the open rounds add to the sums of times and of rounds by level.

    Multipliers sum to 1 for each of them; for the shared ones to 1 at most, and to ``left`` in all.
    """
    from scipy import sparse
    from scipy.optimize import linprog

    rounds, at = np.nonzero(active)
    seconds, beta = system.unit * times[rounds, at], system.costs.per_coordinate
    # Entry n of the gradient in x: the levels from n on, n+1 units of work and one coordinate sent.
    factor = (levels + 1.0)[:, None]
    reaches = (at[None, :] >= levels[:, None]) * (factor * seconds + beta)
    slow, late = (np.cumsum(part[::-1])[::-1][levels] for part in known)
    begin = (levels + 1.0) * system.unit * slow + beta * late
    scale = float(reaches.max(axis=0).mean()) * len(times) + float(begin.max())
    least = np.hstack([-reaches / scale, np.ones((levels.size, 1))])
    count = rounds.size
    each: Any = sparse.csr_array(
        (np.ones(count), (rounds, np.arange(count))), shape=(len(times), count + 1)
    )
    total = np.append(shared[rounds], 0.0)[None, :]
    found: Any = linprog(
        np.append(np.zeros(count), -1.0),
        A_ub=sparse.vstack([sparse.csr_array(least), each[shared]], format="csr"),
        b_ub=np.concatenate([begin / scale, np.ones(np.count_nonzero(shared))]),
        A_eq=sparse.vstack([each[~shared], sparse.csr_array(total)], format="csr"),
        b_eq=np.append(np.ones(np.count_nonzero(~shared)), left if shared.any() else 0.0),
        bounds=[(0.0, 1.0)] * count + [(None, None)],
        method="highs",
    )
    share = found.x[:-1] if found.x is not None else _evenly(active, shared, left)[rounds]
    size = times.shape[1]
    return (
        np.bincount(at, weights=share * times[rounds, at], minlength=size).astype(np.float64),
        np.bincount(at, weights=share, minlength=size).astype(np.float64),
    )


def _evenly(active: Any, shared: Any, left: float) -> FloatArray:
    """Multipliers of the levels of every round, all levels alike."""
    weight = np.where(shared, left / max(int(np.count_nonzero(shared)), 1), 1.0)
    return np.asarray(weight / active.sum(axis=1))
