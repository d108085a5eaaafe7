"""Conditional value at risk of the runtime where the worker times have a density.

With ``t_q`` the quantile, ``CVaR_q = t_q + integral of (1 - P[tau <= t]) / (1 - q)`` from ``t_q`` on
(Rockafellar and Uryasev, Journal of Risk 2, 2000). The derivative in ``t_q`` vanishes there, so that
the gradient in the work is the integral of ``-dP/dw / (1 - q)`` at fixed ``t_q``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.evaluation.density.by_panels import tail_by_panels
from cgcopt.evaluation.density.normalised import NormalisedRuntime
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.evaluation.density.runtime import density_of, distinct_work, require_finite_mean
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System

__all__ = ["tail_mean"]


@within_doubles("the conditional value at risk of the runtime")
def tail_mean(
    system: System,
    work: ArrayLike,
    probability: float,
    *,
    gradient: bool = False,
    threads: int | None = None,
) -> Evaluation:
    """Mean runtime of the slowest share ``1 - probability`` of all rounds, seconds.

    Parameters
    ----------
    system : System
        Its worker times must have a density.
    work : array_like, shape (N,)
        Cumulative work ``w``, coordinates, not all 0. The value is convex in it and, without costs,
        homogeneous of degree 1.
    probability : float
        Between 0 and 1, both excluded.
    gradient : bool
        Whether to compute the gradient in ``w``, seconds per coordinate.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Evaluation
        With method ``quadrature``.

    Raises
    ------
    InfiniteMeanError
        If the expected runtime is infinite.
    InvalidInputError
        If the probability is not between 0 and 1, or the work is none.
    SolverError
        If the tail of the worker times leaves the range of double precision.
    UnsupportedProblemError
        If the worker times have no density.

    Examples
    --------
    An exponential time forgets: beyond its quantile it takes one mean more.

    >>> import math
    >>> from cgcopt import Exponential, System
    >>> system = System(1, 1, Exponential(rate=1.0))
    >>> round(tail_mean(system, [1.0], 0.9).value - (1 - math.log(0.1)), 9)
    0.0
    """
    q = finite_number("probability", probability, above=0, below=1)
    times = density_of(system)
    w = distinct_work(work, system.workers)
    require_finite_mean(times, w)
    lines = lines_of_work(system, w)
    cycles, last = float(lines.factor[-1]), float(lines.delay[-1])
    lead = (last - lines.delay) / cycles if system.costs else None
    runtime = NormalisedRuntime.of(times, lines.factor / cycles, lead)
    t = runtime_quantile(system, w, q).value
    start = (t - last) / cycles - runtime.earliest
    integrals = tail_by_panels(runtime, start, 1.0 - q, gradient, threads) / (1.0 - q)
    value = t + cycles * float(integrals[0])
    if not gradient:
        return Evaluation.exact(value, Method.QUADRATURE)
    count = lines.factor.size
    slow, late = integrals[1 : count + 1], integrals[count + 1 :]
    rise = work_gradient(system, slow, late if system.costs else np.zeros(count))
    return Evaluation.exact(value, Method.QUADRATURE, gradient=rise)
