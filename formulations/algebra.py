"""The crossing probability of order statistics as constraints of an algebraic model."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from cgcopt.errors import UnsupportedProblemError
from cgcopt.workers.base import ContinuousTimes
from cgcopt.workers.families import Exponential, Pareto, ShiftedExponential, Weibull

__all__ = ["add_counts", "elementary_tail", "settle"]


def elementary_tail(times: ContinuousTimes) -> Callable[[Any], Any]:
    """Return ``P(T > origin + y)`` as a function that takes expressions ``y >= 0``, seconds.

    Raises
    ------
    UnsupportedProblemError
        If the tail is not elementary: gamma and log-normal times.

    Examples
    --------
    >>> import cgcopt as cg
    >>> from math import log
    >>> round(elementary_tail(cg.Exponential(rate=2.0))(log(2.0)), 12)
    0.25
    """
    import pyomo.environ as pyo

    tail = _TAILS.get(type(times))
    if tail is None:
        raise UnsupportedProblemError(
            f"an algebraic model needs an elementary distribution function: exponential, "
            f"shifted-exponential, weibull or pareto, not {times.label}"
        )
    return partial(tail, times, pyo.exp)


def _exponential(times: Exponential | ShiftedExponential, exp: Callable[[Any], Any], y: Any) -> Any:
    return exp(-times.rate * y)


def _weibull(times: Weibull, exp: Callable[[Any], Any], y: Any) -> Any:
    return exp(-((y / times.scale) ** times.shape))


def _pareto(times: Pareto, exp: Callable[[Any], Any], y: Any) -> Any:
    return (1.0 + y / times.scale) ** -times.shape


#: ``P(T > origin + y)`` of each family where it is elementary: ``(times, exp, y)``.
_TAILS: dict[type[ContinuousTimes], Callable[..., Any]] = {
    Exponential: _exponential,
    ShiftedExponential: _exponential,
    Weibull: _weibull,
    Pareto: _pareto,
}


def add_counts(m: Any, index: Any, workers: int, late: Callable[[Any, int], Any]) -> Any:
    r"""Add variables and constraints for ``1 - P[U_(k) <= p_k for all k]``, one for each index.

    ``p_k`` is 1 minus the lateness of level ``N - k``.  ``a_k(j)`` is the chance that ``j >= k``
    given uniform variables lie below ``p_k`` and none of the first ``k`` thresholds fails:

        ``a_k(j) = sum_{i=k-1..j} C(j, i) a_{k-1}(i) (p_k - p_{k-1})^(j-i)``,   ``a_0(0) = 1``,
        ``1 - P = sum_k C(N, k-1) a_{k-1}(k-1) (1 - p_k)^(N-k+1)``

    where the second sums over the first threshold that fails, without a subtraction (the
    recursion of Noe, Ann. Math. Statist. 43, 1972, in binomial form).

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
        The model; gets the components ``q``, ``a``, ``lateness`` and ``recursion``.
    index : pyomo set
        One recursion for each member.
    workers : int
        ``N``.
    late : callable
        ``(i, n)`` to the expression of the lateness of level ``n``.

    Returns
    -------
    callable
        From a member of the index to the expression of ``1 - P``.
    """
    import pyomo.environ as pyo

    N = workers
    pairs = [(k, j) for k in range(1, N) for j in range(k, N)]
    m.levels = pyo.Set(initialize=range(N), doc="redundancy levels")
    m.pairs = pyo.Set(initialize=pairs, dimen=2, doc="thresholds and counts")
    m.q = pyo.Var(index, m.levels, bounds=(0, 1), doc="lateness of a level")
    m.a = pyo.Var(index, m.pairs, bounds=(0, 1), doc="a_k(j): j workers in time, none failed")

    def counted(i: Any, k: int, j: int) -> Any:
        if k == 0:
            return 1.0 if j == 0 else 0.0
        return m.a[i, k, j]

    def next_count(i: Any, k: int, j: int) -> Any:
        step = (m.q[i, N - k + 1] if k > 1 else 1.0) - m.q[i, N - k]
        first = range(k - 1, j + 1) if k > 1 else range(1)
        return pyo.quicksum(math.comb(j, h) * counted(i, k - 1, h) * step ** (j - h) for h in first)

    @m.Constraint(index, m.levels, doc="lateness of a level")
    def lateness(m: Any, i: Any, n: int) -> Any:
        return m.q[i, n] == late(i, n)

    @m.Constraint(index, m.pairs, doc="one more threshold")
    def recursion(m: Any, i: Any, k: int, j: int) -> Any:
        return m.a[i, k, j] == next_count(i, k, j)

    settle(m)
    return lambda i: pyo.quicksum(
        math.comb(N, k - 1) * counted(i, k - 1, k - 1) * m.q[i, N - k] ** (N - k + 1)
        for k in range(1, N + 1)
    )


def settle(m: Any) -> None:
    """Set the latenesses and counts of a model, where it has any, to what its works ``w`` imply."""
    import pyomo.environ as pyo

    if m.component("lateness") is None:
        return
    for constraints, variables in ((m.lateness, m.q), (m.recursion, m.a)):
        for index in constraints:
            implied = pyo.value(constraints[index].expr.args[1])
            variables[index].set_value(min(max(implied, 0.0), 1.0))
