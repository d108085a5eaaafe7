"""Bounds that hold for every design, each from a short proof.

``f(x) = E[tau(x, T)]`` is convex and positively homogeneous of degree 1 in the partition ``x``, for
every distribution of the worker times and for every finite sample. A subgradient ``g`` at any
design hence bounds every design of ``L`` coordinates,

    f(y) >= g . y >= L min_n g_n ,

and so does every convex combination of subgradients taken at different designs. A second bound
replaces the order statistics by their means (Jensen's inequality).

For the completion probability and for quantiles each level on its own must be in time: with
``tau_n`` the ``q``-quantile of ``T_(N-n)`` a design whose runtime has the ``q``-quantile ``t`` has
``u w_n tau_n <= t`` at every level, and the budget ``sum_n v_n w_n = L`` gives
``t >= u L / sum_n (v_n / tau_n)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, level_weights
from cgcopt.errors import InvalidInputError, SolverError
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.lines import lines_of_work
from cgcopt.evaluation.order_statistics import order_statistic_means, order_statistic_quantiles
from cgcopt.evaluation.result import Certificate, Evaluation, Method, WithGradient
from cgcopt.evaluation.table import entry_of
from cgcopt.objective import Sense
from cgcopt.problem import Problem
from cgcopt.system import System

__all__ = [
    "at_most_one",
    "certified_probability",
    "certified_quantile",
    "certified_runtime",
    "certify",
    "cost_bound",
    "first_finite_level",
    "jensen_bound",
    "partition_gradient",
    "probability_bound",
    "quantile_bound",
    "runtime_bound",
    "subgradient_bound",
]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the bounds.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    rounding: float = 1e-13
    """Part of a value that is given away, so that rounding cannot lift a bound above the optimum."""
    reached: float = 1e-12
    """Relative accuracy of quantiles of order statistics."""
    largest_odds: float = 34.0
    """Log-odds of a probability beyond which it counts as 1, or as 0."""


_TUNING = _Tuning()


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
    allowance = defect + _TUNING.rounding * evaluation.upper
    bound = subgradient_bound(evaluation.gradient, coordinates, first_level=first_level)
    return bound - allowance


@within_doubles("the bound on the expected runtime")
def jensen_bound(system: System, levels: ArrayLike | None = None) -> float:
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
    means = order_statistic_means(system.worker_times, system.workers)[::-1]
    return _shortest(system, means, levels) * (1 - _TUNING.rounding)


@within_doubles("the bound on the quantile")
def quantile_bound(system: System, probability: float, levels: ArrayLike | None = None) -> float:
    """Lower bound on the deadline that any design keeps with the given probability, seconds.

    Every level alone must keep it; the design that makes all levels equally likely to fail attains
    the bound but for rounds in which different levels fail.

    Parameters
    ----------
    system : System
        With independent worker times, or scenarios.
    probability : float
        Between 0 and 1, both excluded.

    Examples
    --------
    One worker: nothing to choose, and the bound is the quantile itself.

    >>> import cgcopt as cg
    >>> quantile_bound(cg.System(1, 3, cg.Exponential(rate=1.0)), 0.5) / (3 * math.log(2))
    1.0
    """
    q = finite_number("probability", probability, above=0, below=1)
    # A slightly smaller probability has a smaller quantile: what rounding may have added.
    late = (1 - q) * (1 + _TUNING.reached) + math.ulp(q)
    return _levels_in_time(system, q * (1 - _TUNING.reached), late, levels)


@within_doubles("the bound on the probability")
def probability_bound(system: System, deadline: float, levels: ArrayLike | None = None) -> float:
    """Upper bound on the completion probability of every design.

    The largest ``q`` whose :func:`quantile_bound` is within the deadline, by bisection.

    Parameters
    ----------
    system : System
        With independent worker times, or scenarios.
    deadline : float
        Seconds, positive.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(1, 3, cg.Exponential(rate=1.0))
    >>> probability_bound(system, 3.0), 1 - math.exp(-1)
    (0.632120558829, 0.632120558829)
    """
    t = finite_number("deadline", deadline, above=0)
    low, high = -_TUNING.largest_odds, _TUNING.largest_odds
    if _levels_in_time(system, *_chances(high), levels) <= t:
        return 1.0
    while high - low > _TUNING.reached * max(1.0, abs(high)):
        middle = (low + high) / 2
        inside = _levels_in_time(system, *_chances(middle), levels) <= t
        low, high = (middle, high) if inside else (low, middle)
    return min(_chances(high)[0] * (1 + _TUNING.reached), 1.0)


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
        Expected runtime: the larger of the subgradient and the Jensen bound. Completion probability
        and quantile: every level alone must be in time. Models that can only be sampled have the
        trivial bound 1, or none (``-inf``).

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[1.0, 3.0]]), samples=2)
    >>> bound, certificate = certify(cg.Problem(system, cg.ExpectedRuntime()), cg.Design([0, 6]))
    >>> float(round(bound, 9)), str(certificate)
    (9.0, 'jensen')
    """
    objective = problem.objective
    entry = entry_of(objective, problem.system.worker_times.kind)
    unknown = math.inf if objective.sense is Sense.MAXIMIZE else -math.inf, Certificate.NONE
    if entry.bound is None:
        return unknown
    if evaluation is None:
        evaluation = evaluate(problem, design, gradient=True)
    bound = partial(
        entry.bound, problem.system, design.work, *objective.parameters, evaluation=evaluation
    )
    try:
        if not problem.limits:
            return bound()
        return bound(levels=problem.limits.allowed_levels(problem.system.workers))
    except SolverError:  # beyond the range of doubles
        return unknown


def certified_runtime(
    system: System,
    work: FloatArray,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return the larger of the Jensen bound and, with a gradient, the subgradient bound."""
    best, certificate = jensen_bound(system, levels), Certificate.JENSEN
    if isinstance(evaluation, WithGradient):
        bound = _gradient_bound(system, work, evaluation, levels)
        if bound > best:
            return bound, Certificate.SUBGRADIENT
    return best, certificate


def _gradient_bound(
    system: System, work: FloatArray, evaluation: WithGradient, levels: IntArray | None
) -> float:
    """:func:`runtime_bound` over the allowed levels, or :func:`cost_bound` where there are costs."""
    first = first_finite_level(system)
    allowed = np.arange(system.workers) if levels is None else levels
    allowed = allowed[allowed >= first]
    if system.costs:
        return cost_bound(system, work, allowed)
    bound = runtime_bound(evaluation, work, system.coordinates, first_level=first)
    if levels is None:
        return bound
    entries = partition_gradient(evaluation.gradient)
    forbidden = entries[first:].min()
    return bound + system.coordinates * float(entries[allowed].min(initial=np.inf) - forbidden)


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
    slow = np.cumsum(found.factor_gradient[::-1])[::-1]
    late = np.cumsum(found.delay_gradient[::-1])[::-1]
    copies = np.arange(1.0, system.workers + 1.0)
    entries = system.coordinates * (system.unit * copies * slow + costs.per_coordinate * late)
    entries += costs.per_message * late
    at = float(found.factor_gradient @ lines.factor + found.delay_gradient @ lines.delay)
    defect = abs(at - found.value) if found.method is Method.QUADRATURE else 0.0
    allowed = entries if levels is None else entries[levels]
    bound = costs.startup + float(allowed.min()) - defect - _TUNING.rounding * found.upper
    return bound


def certified_probability(
    system: System,
    work: FloatArray,
    deadline: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return :func:`probability_bound`, the same for every design."""
    bound = probability_bound(system, deadline, levels)
    return bound, Certificate.LEVELS if bound < 1 else Certificate.TRIVIAL


def certified_quantile(
    system: System,
    work: FloatArray,
    probability: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return :func:`quantile_bound`, the same for every design."""
    return quantile_bound(system, probability, levels), Certificate.LEVELS


def at_most_one(
    system: System,
    work: FloatArray,
    deadline: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return the bound of a probability of which nothing else is known."""
    return 1.0, Certificate.TRIVIAL


def _chances(log_odds: float) -> tuple[float, float]:
    """``q`` and ``1 - q``."""
    return 1 / (1 + math.exp(-log_odds)), 1 / (1 + math.exp(log_odds))


def _levels_in_time(
    system: System, on_time: float, late: float, levels: ArrayLike | None = None
) -> float:
    """:func:`_shortest` with the quantiles of ``T_(N-n)``."""
    tau = order_statistic_quantiles(system.worker_times, system.workers, on_time, late)[::-1]
    if np.isnan(tau).any():
        raise SolverError("a quantile of an order statistic leaves the range of double precision")
    return _shortest(system, tau, levels)


def _shortest(system: System, times: FloatArray, levels: ArrayLike | None) -> float:
    """Least ``t`` with ``u w_n tau_n <= t`` on every allowed level: ``u L / sum_n (v_n / tau_n)``.

    With costs the condition is ``startup + u w_n tau_n + per_coordinate X_n + per_message K_n <= t``,
    where ``X_n >= w_n / (n + 1)``, and at least one message is sent.
    """
    allowed = np.arange(system.workers) if levels is None else np.asarray(levels)
    costs = system.costs
    per_work = system.unit * times[allowed] + costs.per_coordinate / (allowed + 1.0)
    with np.errstate(divide="ignore", over="ignore"):
        computed = float(system.coordinates / (level_weights(allowed) / per_work).sum())
    return costs.startup + costs.per_message + computed
