"""When a worker has delivered each level, as a function of its time per cycle: straight lines.

A worker of time ``T`` (seconds per cycle) has delivered level ``n`` at ``c_n + a_n T`` seconds, with

    a_n = u w_n ,      c_n = startup + per_coordinate X_n + per_message K_n ,

``w_n`` the cumulative work, ``X_n`` the coordinates and ``K_n`` the used levels up to ``n``, and a
round takes ``tau = max_n (c_n + a_n T_(N-n))``. Both ``a`` and ``c`` grow with the level, so that an
unused level, which has the line of the level before, is never the last. Without costs ``c = 0``: the
model of arXiv 2206.02450.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.design import partition_of_work
from cgcopt.evaluation.result import Method, WithGradient
from cgcopt.system import System

__all__ = [
    "LineRuntime",
    "Lines",
    "lines_of_work",
    "messages_of_work",
    "partition_gradients",
    "work_gradient",
]


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines ``c_n + a_n T`` of the levels.

    Attributes
    ----------
    factor : ndarray, shape (N,)
        ``a_n``, cycles, nondecreasing, 0 before the first used level.
    delay : ndarray, shape (N,)
        ``c_n``, seconds, nondecreasing.
    """

    factor: FloatArray
    delay: FloatArray


@dataclass(frozen=True, eq=False)
class LineRuntime:
    """Expected runtime ``E[max_n (c_n + a_n T_(N-n))]`` and its derivatives.

    Attributes
    ----------
    value : float
        Seconds.
    lower, upper : float
        Rigorous bracket of the value; equal to it but for long sums.
    method : Method
        How it was computed.
    factor_gradient, delay_gradient : ndarray, shape (N,)
        ``dE/da_n`` and ``dE/dc_n``; the latter is the chance that level ``n`` is the last.
    """

    value: float
    lower: float
    upper: float
    method: Method
    factor_gradient: FloatArray
    delay_gradient: FloatArray

    def evaluation(self, system: System) -> WithGradient:
        """Return the value with its gradient in the cumulative work, for fixed used levels."""
        gradient = work_gradient(system, self.factor_gradient, self.delay_gradient)
        return WithGradient(self.value, self.method, self.lower, self.upper, gradient=gradient)


def messages_of_work(work: ArrayLike) -> FloatArray:
    """Used levels up to each level, ``K_n``, shape ``(N,)``.

    Examples
    --------
    >>> messages_of_work([0.0, 4.0, 4.0, 8.0]).tolist()
    [0.0, 1.0, 1.0, 2.0]
    """
    used = np.diff(np.asarray(work, dtype=np.float64), axis=-1, prepend=0.0) > 0.0
    return np.cumsum(used, axis=-1, dtype=np.float64)


def lines_of_work(system: System, work: ArrayLike) -> Lines:
    """The lines of cumulative works, nondecreasing along the last axis.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 5, cg.Exponential(1.0), samples=2, costs=cg.Costs(1.0, 0.5, 4.0))
    >>> lines = lines_of_work(system, cg.Design([3, 2]).work)
    >>> lines.factor.tolist(), lines.delay.tolist()
    ([3.0, 7.0], [6.5, 11.5])
    """
    w, costs = np.asarray(work, dtype=np.float64), system.costs
    counts = np.cumsum(partition_of_work(w), axis=-1)
    delay = costs.startup + costs.per_coordinate * counts
    return Lines(system.unit * w, delay + costs.per_message * messages_of_work(w))


def partition_gradients(
    system: System, factor_gradient: FloatArray, delay_gradient: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Turn derivatives in the lines into those in the partition ``x`` and in the messages of a level.

    Parameters
    ----------
    system : System
        Its unit and costs count.
    factor_gradient, delay_gradient : ndarray, shape (N,)
        Derivatives in ``a`` and ``c``.
    """
    costs, copies = system.costs, np.arange(1.0, factor_gradient.size + 1.0)
    slow = np.cumsum(factor_gradient[::-1])[::-1]
    late = np.cumsum(delay_gradient[::-1])[::-1]
    return system.unit * copies * slow + costs.per_coordinate * late, costs.per_message * late


def work_gradient(
    system: System, factor_gradient: FloatArray, delay_gradient: FloatArray
) -> FloatArray:
    """Turn derivatives in the lines into the gradient in the work ``w``, for fixed used levels.

    ``a_n = u w_n``, and ``X_n = w_n/(n+1) + sum_{i<n} w_i (1/(i+1) - 1/(i+2))``.

    Parameters
    ----------
    system : System
        Its unit and what it costs to send a coordinate count.
    factor_gradient, delay_gradient : ndarray, shape (..., N)
        Derivatives in ``a`` and ``c``.
    """
    if system.costs.per_coordinate == 0.0:
        return system.unit * factor_gradient
    count = np.arange(1.0, delay_gradient.shape[-1] + 1.0)
    later = np.cumsum(delay_gradient[..., ::-1], axis=-1)[..., ::-1] - delay_gradient
    counted = delay_gradient / count + later / (count * (count + 1.0))
    return np.asarray(system.unit * factor_gradient + system.costs.per_coordinate * counted)
