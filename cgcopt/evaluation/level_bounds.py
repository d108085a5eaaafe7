"""Bounds on every design from its levels one by one.

Order statistics in place of their means give a bound on the expected runtime (Jensen's inequality).
For the completion probability and for quantiles each level on its own must be in time: with
``tau_n`` the ``q``-quantile of ``T_(N-n)`` a design whose runtime has the ``q``-quantile ``t`` has
``u w_n tau_n <= t`` at every level, and the budget ``sum_n v_n w_n = L`` gives
``t >= u L / sum_n (v_n / tau_n)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.design import level_weights
from cgcopt.errors import SolverError
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.gradient_bounds import ROUNDING
from cgcopt.evaluation.order_statistics import order_statistic_means, order_statistic_quantiles
from cgcopt.evaluation.roots import narrowed
from cgcopt.system import System

__all__ = ["jensen_bound", "probability_bound", "quantile_bound"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the bounds; no measurement of them is recorded."""

    reached: float = 1e-12
    """Relative accuracy of quantiles of order statistics."""
    largest_odds: float = 34.0
    """Log-odds of a probability beyond which it counts as 1, or as 0."""


_TUNING = _Tuning()


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
    return _shortest_deadline(system, means, levels) * (1 - ROUNDING)


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

    def late(log_odds: float) -> bool:
        return _levels_in_time(system, *_chances(log_odds), levels) > t

    _, high = narrowed(late, low, high, width=_TUNING.reached, scale=1.0)
    return min(_chances(high)[0] * (1 + _TUNING.reached), 1.0)


def _chances(log_odds: float) -> tuple[float, float]:
    """``q`` and ``1 - q``."""
    return 1 / (1 + math.exp(-log_odds)), 1 / (1 + math.exp(log_odds))


def _levels_in_time(
    system: System, on_time: float, late: float, levels: ArrayLike | None = None
) -> float:
    """:func:`_shortest_deadline` with the quantiles of ``T_(N-n)``."""
    tau = order_statistic_quantiles(system.worker_times, system.workers, on_time, late)[::-1]
    if np.isnan(tau).any():
        raise SolverError("a quantile of an order statistic leaves the range of double precision")
    return _shortest_deadline(system, tau, levels)


def _shortest_deadline(system: System, times: FloatArray, levels: ArrayLike | None) -> float:
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
