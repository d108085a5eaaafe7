"""Bounds on the expected runtime of every design from the gradient at one.

``f(x) = E[tau(x, T)]`` is convex and positively homogeneous of degree 1 in the partition ``x``, for
every distribution of the worker times and for every finite sample. A subgradient ``g`` at any
design hence bounds every design of ``L`` coordinates,

    f(y) >= g . y >= L min_n g_n ,

and so does every convex combination of subgradients taken at different designs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work, partition_gradients
from cgcopt.evaluation.result import Method, WithGradient
from cgcopt.system import System

__all__ = [
    "ROUNDING",
    "cost_bound",
    "first_finite_level",
    "partition_gradient",
    "runtime_bound",
    "subgradient_bound",
]

#: Part of a value that is given away, so that rounding cannot lift a bound above the optimum; no
#: measurement of it is recorded.
ROUNDING = 1e-13


def partition_gradient(work_gradient: ArrayLike) -> FloatArray:
    """Turn a gradient in the cumulative work ``w`` into one in the partition ``x``.

    ``df/dx_n = (n+1) sum_{m>=n} df/dw_m``, since ``w_m = sum_{i<=m} (i+1) x_i``.

    Parameters
    ----------
    work_gradient : array_like, shape (..., N)
        Gradients with respect to ``w`` along the last axis.

    Examples
    --------
    >>> partition_gradient([1.0, 2.0, 0.5])
    array([3.5, 5. , 1.5])
    """
    g = np.asarray(work_gradient, dtype=np.float64)
    tails = np.cumsum(g[..., ::-1], axis=-1)[..., ::-1]
    return tails * np.arange(1, g.shape[-1] + 1)


def subgradient_bound(
    work_gradient: ArrayLike, coordinates: float, *, first_level: int = 0
) -> float:
    """Lower bound ``L min_n g_n`` on the expected runtime of every design of ``L`` coordinates.

    Parameters
    ----------
    work_gradient : array_like, shape (N,)
        A subgradient of the expected runtime with respect to ``w``, at any design, or a convex
        combination of such.
    coordinates : float
        ``L``.
    first_level : int
        Levels below make the expected runtime infinite and need no bound; see
        :func:`first_finite_level`.

    Examples
    --------
    >>> subgradient_bound([1.0, 2.0, 0.5], 10)
    15.0
    >>> subgradient_bound([1.0, 2.0, 3.0], 10, first_level=1)
    90.0
    """
    return float(coordinates * partition_gradient(work_gradient)[first_level:].min())


def first_finite_level(system: System) -> int:
    """The lowest level that a design of finite expected runtime can use.

    With a tail like ``t**-a`` the slowest worker but ``n`` has a mean only if ``(n + 1) a > 1``.

    Examples
    --------
    >>> from cgcopt import Pareto, System
    >>> first_finite_level(System(4, 3, Pareto(shape=0.4, scale=1.0)))
    2
    """
    power = system.worker_times.tail_power
    infinite = sum(power(level) <= 1 for level in range(system.workers))
    return min(infinite, system.workers - 1)


@within_doubles("the bound on the expected runtime")
def runtime_bound(
    evaluation: WithGradient, work: ArrayLike, coordinates: float, *, first_level: int = 0
) -> float:
    """Lower bound on the expected runtime from one evaluation with gradient, minus its own error.

    The gradient of a homogeneous function satisfies ``g . w = f(w)``; what is missing measures the
    error of the quadrature behind ``f`` and ``g`` and is taken off the bound. Finite sums are right
    to rounding; where the sum is too long and the value bracketed, ``g . y`` still bounds the
    expected runtime of every design, and again nothing needs to be taken off.

    Parameters
    ----------
    evaluation : WithGradient
        Of the expected runtime.
    work : array_like, shape (N,)
        The cumulative work ``w`` it belongs to.
    coordinates : float
        ``L``.
    first_level : int
        As in :func:`subgradient_bound`.
    """
    if evaluation.gradient is None:
        raise InvalidInputError("evaluation.gradient", None, "the gradient of the expected runtime")
    defect = 0.0
    if evaluation.method is Method.QUADRATURE:
        defect = abs(float(evaluation.gradient @ np.asarray(work)) - evaluation.value)
    allowance = defect + ROUNDING * evaluation.upper
    bound = subgradient_bound(evaluation.gradient, coordinates, first_level=first_level)
    return bound - allowance


def cost_bound(system: System, work: ArrayLike, levels: IntArray | None = None) -> float:
    """Lower bound on the expected runtime with costs, from one design.

    The expected runtime is convex in the partition ``x`` and the messages ``z`` and, together with
    the start-up time, homogeneous: with its derivatives ``g`` and ``h`` at any design

        E[tau] >= startup + g . x + h . z >= startup + min_n (L g_n + h_n) ,

    since ``z_n >= x_n / L``.

    Parameters
    ----------
    system : System
        With costs, and worker times of which more is known than how to draw them.
    work : array_like, shape (N,)
        Cumulative work of the design.
    levels : ndarray of int, optional
        Allowed levels; all by default.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.Scenarios([[1.0, 3.0]])
    >>> system = cg.System(2, 6, times, samples=2, costs=cg.Costs(startup=1.0, per_message=2.0))
    >>> round(cost_bound(system, cg.Design([0, 6]).work), 9)
    9.0
    """
    from cgcopt.evaluation.line_runtime import line_runtime

    lines, costs = lines_of_work(system, work), system.costs
    found = line_runtime(system, lines)
    blocks, messages = partition_gradients(system, found.factor_gradient, found.delay_gradient)
    entries = system.coordinates * blocks + messages
    at = float(found.factor_gradient @ lines.factor + found.delay_gradient @ lines.delay)
    defect = abs(at - found.value) if found.method is Method.QUADRATURE else 0.0
    allowed = entries if levels is None else entries[levels]
    bound = costs.startup + float(allowed.min()) - defect - ROUNDING * found.upper
    return bound
