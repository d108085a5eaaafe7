"""Expected runtime over finitely many equally likely rounds: an average."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.evaluation.rounds.lines import runtime_of_lines
from cgcopt.evaluation.rounds.runtimes import attained, sorted_rounds
from cgcopt.system import System

__all__ = ["expected_runtime"]


@within_doubles("the expected runtime")
def expected_runtime(system: System, work: ArrayLike, *, gradient: bool = False) -> Evaluation:
    """Average runtime over the rounds, with a subgradient in ``w`` on request.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.scenarios.Scenarios` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    gradient : bool
        Whether to return the subgradient.

    Examples
    --------
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> result = expected_runtime(system, np.array([2.0, 4.0]), gradient=True)
    >>> result.value, result.gradient.tolist()
    (8.0, [4.0, 0.0])
    """
    times = sorted_rounds(system)
    if system.costs:
        return runtime_of_lines(times, lines_of_work(system, work)).evaluation(system)
    runtimes, sums = attained(times, system.unit * np.asarray(work, dtype=np.float64))
    mean = sums[::-1] * (system.unit / len(times)) if gradient else None
    return Evaluation.exact(float(runtimes.mean()), Method.SCENARIOS, gradient=mean)
