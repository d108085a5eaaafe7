"""Lower bounds on the expected runtime that hold for every design.

``f(x) = E[tau(x, T)]`` is convex and positively homogeneous of degree 1 in the partition ``x``, for
every distribution of the worker times and for every finite sample. A subgradient ``g`` at any
design hence bounds every design of ``L`` coordinates,

    f(y) >= g . y >= L min_n g_n ,

and so does every convex combination of subgradients taken at different designs. A second bound
replaces the order statistics by their means (Jensen's inequality).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.design import Design, budget_weights
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate, Evaluation
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes
from cgcopt.workers.empirical import Scenarios

__all__ = [
    "certify",
    "jensen_bound",
    "partition_gradient",
    "runtime_bound",
    "subgradient_bound",
]

FloatArray = NDArray[np.float64]

#: Part of a value that is given away, so that rounding cannot lift a bound above the optimum.
_ROUNDING = 1e-13


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


def subgradient_bound(work_gradient: ArrayLike, coordinates: float) -> float:
    """Lower bound ``L min_n g_n`` on the expected runtime of every design of ``L`` coordinates.

    Parameters
    ----------
    work_gradient : array_like, shape (N,)
        A subgradient of the expected runtime with respect to ``w``, at any design, or a convex
        combination of such.
    coordinates : float
        ``L``.

    Examples
    --------
    >>> subgradient_bound([1.0, 2.0, 0.5], 10)
    15.0
    """
    return float(coordinates * partition_gradient(work_gradient).min())


def runtime_bound(evaluation: Evaluation, work: ArrayLike, coordinates: float) -> float:
    """Lower bound on the expected runtime from one evaluation with gradient, minus its own error.

    The gradient of a homogeneous function satisfies ``g . w = f(w)``; what is missing measures the
    error of the quadrature behind ``f`` and ``g`` and is taken off the bound. For a bracketed step
    distribution the gradient belongs to the model with times rounded down, whose expected runtime
    bounds the true one for every design, so nothing needs to be taken off.

    Parameters
    ----------
    evaluation : Evaluation
        Of the expected runtime, with its gradient.
    work : array_like, shape (N,)
        The cumulative work ``w`` it belongs to.
    coordinates : float
        ``L``.
    """
    assert evaluation.gradient is not None
    defect = 0.0
    if evaluation.lower == evaluation.upper:
        defect = abs(float(evaluation.gradient @ np.asarray(work)) - evaluation.value)
    allowance = defect + _ROUNDING * evaluation.upper
    return subgradient_bound(evaluation.gradient, coordinates) - allowance


def jensen_bound(system: System) -> float:
    """Lower bound ``u L / sum_n (v_n / E[T_(N-n)])`` on the expected runtime of every design.

    By Jensen's inequality ``E[tau] >= max_n u E[T_(N-n)] w_n =: m``, so that
    ``w_n <= m / (u E[T_(N-n)])``, and the budget ``sum_n v_n w_n = L`` bounds ``m`` from below. The
    design with all ``n`` terms equal is the closed form "time" (arXiv 2206.02450).

    Parameters
    ----------
    system : System
        With independent worker times, or scenarios.

    Examples
    --------
    >>> from cgcopt import Scenarios, System
    >>> jensen_bound(System(2, 6, Scenarios([[1.0, 3.0]]), samples=2))
    9.0
    """
    means = _order_statistic_means(system)[::-1]
    bound = system.unit * system.coordinates / float((budget_weights(system.workers) / means).sum())
    return bound * (1 - _ROUNDING)


def certify(
    problem: Problem, design: Design, *, evaluation: Evaluation | None = None
) -> tuple[float, Certificate]:
    """Return the best bound on the objective that one evaluation of ``design`` proves.

    Parameters
    ----------
    problem : Problem
        Any.
    design : Design
        The better the design, the better the bound.
    evaluation : Evaluation, optional
        Of the design with its gradient, where it is known already.

    Returns
    -------
    tuple of float and Certificate
        Expected runtime: the larger of the subgradient and the Jensen bound. Completion
        probability: 1. No bound (``-inf``) for a quantile and for models that can only be sampled.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[1.0, 3.0]]), samples=2)
    >>> bound, certificate = certify(cg.Problem(system, cg.ExpectedRuntime()), cg.Design([0, 6]))
    >>> float(round(bound, 9)), str(certificate)
    (9.0, 'jensen')
    """
    if isinstance(problem.objective, CompletionProbability):
        return 1.0, Certificate.TRIVIAL
    known = isinstance(problem.system.worker_times, IndependentTimes | Scenarios)
    if not isinstance(problem.objective, ExpectedRuntime) or not known:
        return -math.inf, Certificate.NONE
    best, certificate = jensen_bound(problem.system), Certificate.JENSEN
    if evaluation is None or evaluation.gradient is None:
        evaluation = evaluate(problem, design, gradient=True)
    if evaluation.gradient is not None:
        bound = runtime_bound(evaluation, design.work, problem.system.coordinates)
        if bound > best:
            return bound, Certificate.SUBGRADIENT
    return best, certificate


def _order_statistic_means(system: System) -> FloatArray:
    """``E[T_(k)]``, ``k = 1..N``, shape ``(N,)``."""
    times = system.worker_times
    if isinstance(times, Scenarios):
        return np.asarray(times.sorted_times.mean(axis=0))
    assert isinstance(times, IndependentTimes)
    from cgcopt.evaluation.order_statistics import order_statistic_means

    return order_statistic_means(times, system.workers)
