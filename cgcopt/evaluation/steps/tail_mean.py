"""Conditional value at risk of the runtime when a worker's time takes finitely many values.

The quantile ``t_q`` is one of the possible runtimes, and

    (1 - q) CVaR_q = E[tau; tau > t_q] + (1 - q - P[tau > t_q]) t_q .

The first term is the sum over the panels beyond ``t_q``
(:mod:`cgcopt.evaluation.steps.runtime`), the second a part of the panel that ends there and holds no
other runtime. The subgradient is that of these panels, in the same proportions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import work_gradient
from cgcopt.evaluation.result import Evaluation, Method, WithGradient
from cgcopt.evaluation.steps.brackets import first_ends, is_exact, split_ends
from cgcopt.evaluation.steps.panels import Panels
from cgcopt.evaluation.steps.products import Products
from cgcopt.evaluation.steps.quantile import runtime_quantile
from cgcopt.evaluation.steps.runtime import affordable_panels, default_tolerance
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
        With :class:`~cgcopt.workers.base.DiscreteTimes` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    probability : float
        Between 0 and 1, both excluded.
    gradient : bool
        Whether to return a subgradient in ``w``.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Evaluation
        Exact where that takes about a second, else a rigorous bracket; the subgradient ``g`` is one
        in either case: ``g . y`` is at most the value of every work ``y``.

    Raises
    ------
    InvalidInputError
        If the probability is not between 0 and 1.
    UnsupportedProblemError
        If the worker times are not discrete.

    Examples
    --------
    One worker, three times: of the slowest half of all rounds two thirds take 3 s.

    >>> from cgcopt import Empirical, System
    >>> system = System(1, 1, Empirical([1.0, 2.0, 3.0]))
    >>> round(tail_mean(system, [1.0], 0.5).value, 9)
    2.666666667
    """
    q = finite_number("probability", probability, above=0, below=1)
    w = np.asarray(work, dtype=np.float64)
    products = Products(system, w)
    t = runtime_quantile(system, w, q).value
    allowed = affordable_panels(system.workers)
    tolerance = default_tolerance(products.values.size, system.workers, allowed)
    panels = Panels.between(products, _ends(products, t), threads)
    while True:
        tail = _Tail.of(panels, t, q)
        exact = is_exact(tail.width, tail.upper)
        ends = panels.ends
        if not exact and tail.width > tolerance * tail.upper:
            doubt = np.where(panels.ends > t, panels.upper - panels.lower, 0.0)
            width = tolerance * tail.upper * (1.0 - q)
            ends = split_ends(products, panels, doubt, width, 2 * allowed)
        if ends.size == panels.ends.size:
            break
        panels = panels.split(products, ends, threads)
    lower = tail.upper if exact else tail.upper - tail.width
    value = (lower + tail.upper) / 2
    method = Method.EXACT if exact else Method.BRACKET
    if not gradient:
        return Evaluation(value, method, lower, tail.upper)
    part = replace(
        panels,
        expected=panels.expected * tail.weights[:, np.newaxis],
        chance=panels.chance * tail.weights[:, np.newaxis],
    )
    found = work_gradient(system, *part.line_gradients(products))
    return WithGradient(value, method, lower, tail.upper, gradient=found)


@dataclass(frozen=True, eq=False)
class _Tail:
    """What the panels say: the weight of each, and the bracket of the value."""

    weights: FloatArray
    upper: float
    width: float

    @classmethod
    def of(cls, panels: Panels, t: float, q: float) -> _Tail:
        chance = panels.chance.sum(axis=1)
        beyond = panels.ends > t
        at = int(np.searchsorted(panels.ends, t))
        late = float(chance[beyond].sum())
        # The quantile may be one at which the probability is reached but for rounding.
        share = max(1.0 - q, late)
        weights = np.where(beyond, 1.0 / share, 0.0)
        if share > late:
            weights[at] = min((share - late) / (share * chance[at]), 1.0 / share)
        upper = float(weights @ panels.upper)
        if not np.isfinite(upper):
            raise SolverError("a completion probability is not a number")
        return cls(weights, upper, float(weights @ (panels.upper - panels.lower)))


def _ends(products: Products, t: float) -> FloatArray:
    """Ends of the first panels: ``t`` has one to itself."""
    before = products.upto(products.counts(np.array([np.nextafter(t, 0.0)])))
    ends = np.concatenate((first_ends(products), before[before > 0.0], [t]))
    return np.unique(ends)
