"""The subgradient of the expected runtime on rounds that proves most, among those at one design."""

from __future__ import annotations

from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.system import System

__all__ = ["best_subgradient"]

#: Relative distance from the runtime of a round within which a level attains it: what the
#: tolerances of solvers, 1e-9 of the range of the work, leave open.
TIE = 1e-7


def best_subgradient(system: System, work: FloatArray, levels: IntArray) -> FloatArray:
    """Return the subgradient in ``w`` whose least entry in ``x`` is largest.

    A round whose runtime several levels attain may be divided among them: multipliers
    ``m_{k,n} >= 0`` with ``sum_n m_{k,n} = 1/K`` give ``df/dw_n = sum_k m_{k,n} u T^k_(N-n)``.
    Those that make ``min_n df/dx_n`` largest are the multipliers of the linear program where the
    design is optimal, and are found by a linear program in the divided rounds alone.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.empirical.Scenarios` as worker times, without costs.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    levels : ndarray of int
        Allowed levels, over which the least entry is taken.

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
    times = sorted_rounds(system)[:, ::-1] * system.unit
    products = np.where(work > 0.0, times, 0.0) * work
    active = products >= products.max(axis=1, keepdims=True) * (1.0 - TIE)
    divided = active.sum(axis=1) > 1
    fixed = np.where(active & ~divided[:, None], times, 0.0).sum(axis=0)
    if divided.any():
        fixed = fixed + _divided(times[divided], active[divided], fixed, levels)
    return np.asarray(fixed / len(times))


def _divided(
    times: FloatArray, active: FloatArray, fixed: FloatArray, levels: IntArray
) -> FloatArray:
    """What the divided rounds add, with multipliers that sum to 1 for each of them."""
    from scipy import sparse
    from scipy.optimize import linprog

    rounds, at = np.nonzero(active)
    weight = times[rounds, at]
    scale = float(weight.mean()) * len(times) + float(fixed.sum())
    count = rounds.size
    # Entry n of the gradient in x is n+1 times the sum over the levels from n on.
    reaches = (at[None, :] >= levels[:, None]) * (levels[:, None] + 1.0) * (weight / scale)
    known = (levels + 1.0) * np.cumsum(fixed[::-1])[::-1][levels] / scale
    least = np.hstack([-reaches, np.ones((levels.size, 1))])
    each: Any = sparse.csr_array(
        (np.ones(count), (rounds, np.arange(count))), shape=(len(times), count)
    )
    equal: Any = sparse.hstack([each, sparse.csr_array((len(times), 1))], format="csr")
    bounds: Any = [(0.0, 1.0)] * count + [(None, None)]
    found: Any = linprog(
        np.append(np.zeros(count), -1.0),
        A_ub=least,
        b_ub=known,
        A_eq=equal,
        b_eq=np.ones(len(times)),
        bounds=bounds,
        method="highs",
    )
    share = found.x[:-1] if found.x is not None else 1.0 / active.sum(axis=1)[rounds]
    return np.bincount(at, weights=share * weight, minlength=fixed.size).astype(np.float64)
