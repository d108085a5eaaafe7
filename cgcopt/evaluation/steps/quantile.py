"""Quantiles of the runtime for independent workers whose time takes finitely many values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.evaluation.crossing.completion import reaches
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import work_gradient
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.evaluation.steps.products import Products
from cgcopt.system import System

__all__ = ["runtime_quantile"]


@within_doubles("the quantile of the runtime")
def runtime_quantile(
    system: System, work: ArrayLike, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Smallest ``t`` with ``P[tau <= t] >= probability``, seconds.

    Found by bisection over the possible runtimes: below ``low`` the probability is missed, at
    ``high`` it is met.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.base.DiscreteTimes` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    probability : float
        Between 0 and 1, both excluded. Near 1 the complement is compared, which keeps its digits.
    gradient : bool
        Whether to return the gradient in ``w``: that of the product ``u w_n t_j`` at which the
        probability is reached.

    Returns
    -------
    Evaluation
        One of the finitely many possible runtimes.

    Raises
    ------
    InvalidInputError
        If the probability is not between 0 and 1.
    UnsupportedProblemError
        If the worker times are not discrete.

    Examples
    --------
    >>> from cgcopt import Empirical, System
    >>> system = System(1, 1, Empirical([1.0, 2.0, 3.0]))
    >>> runtime_quantile(system, [2.0], 2 / 3).value
    4.0
    """
    q = finite_number("probability", probability, above=0, below=1)
    products = Products(system, np.asarray(work, dtype=np.float64))
    low, high = np.array([0.0]), np.array([products.largest])
    while True:
        first = products.after(products.counts(low))
        if first[0] >= high[0]:
            break
        middle = products.middle(first, high)
        on_time, late = products.probabilities(products.counts(middle))
        met = reaches(float(on_time[0]), float(late[0]), q)
        low, high = (low, middle) if met else (middle, high)
    found_gradient = None
    if gradient:
        counts = products.counts(high)[0]
        products_there = products.reached(np.maximum(counts - 1, 0))
        level = int(np.flatnonzero(products_there == high[0])[-1])
        slow, late = np.zeros(products.workers), np.zeros(products.workers)
        where = products.workers - products.factors.size + level
        slow[where], late[where] = products.values[counts[level] - 1], 1.0
        found_gradient = work_gradient(system, slow, late)
    return Evaluation.exact(float(high[0]), Method.EXACT, gradient=found_gradient)
