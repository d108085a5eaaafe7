"""Completion probability over finitely many equally likely rounds: a share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.result import Method, Probability
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.system import System

__all__ = ["completion_probability"]


@within_doubles("the completion probability")
def completion_probability(
    system: System, work: ArrayLike, deadline: float, *, gradient: bool = False
) -> Probability:
    """Share of the rounds that end by the deadline.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.scenarios.Scenarios` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    deadline : float
        Seconds.
    gradient : bool
        Without effect: the share is piecewise constant in ``w``.

    Examples
    --------
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> completion_probability(system, [2.0, 4.0], 6.0).value
    0.5
    """
    runtimes = round_runtimes(system, np.asarray(work, dtype=np.float64))
    met = int(np.count_nonzero(runtimes <= deadline))
    return Probability.of(
        met / runtimes.size,
        Method.SCENARIOS,
        complement=(runtimes.size - met) / runtimes.size,
        log_value=math.log(met / runtimes.size) if met else -math.inf,
    )
