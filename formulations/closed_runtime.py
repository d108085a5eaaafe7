r"""The mean runtime of exponential and shifted exponential times as a finite sum, and as a model.

Level ``n`` is late with the chance ``q_n(t)``, and in time where at most ``n`` of the ``N`` workers are
late.  Inclusion and exclusion over the sets ``S = {n_1 < ... < n_m}`` of levels that are late gives

    1 - P[tau <= t] = sum_S c_S prod_j q_{n_j}^{k_j},    k_j = n_j - n_{j-1},  n_0 = -1,
    c_S = (-1)^{m+1} N! / (k_1! ... k_m! (N - 1 - n_m)!) .

With ``q_n(t) = exp(-rate (t / (u w_n) - shift))`` every term is an exponential in ``t``, whose integral
from ``t_min = u w_{N-1} shift`` is elementary.  With ``r_n = w_{N-1} / w_n``, ``s = sum_j k_j r_{n_j}``

    E[tau] = u w_{N-1} ( shift + (1/rate) sum_S c_S exp(-rate shift (s - sum_j k_j)) / s ) .

The sum has ``2^N - 1`` terms of both signs, so that it is for few workers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = [
    "MOST_WORKERS",
    "add_mean",
    "chains",
    "closed_mean",
    "reduce_to_blocks",
    "settle_mean",
    "tangents",
]

#: Workers up to which the sum is written: 255 terms.
MOST_WORKERS = 8
#: Tangents at most.
_MOST_TANGENTS = 80
#: Relative gap of their relaxation at which no more are added.
_TANGENT_GAP = 1e-5


def chains(workers: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], float]]:
    """Yield the levels, their powers and the coefficient of every term of ``1 - P``.

    Examples
    --------
    Two workers: ``1 - P = 2 q_0 + q_1^2 - 2 q_0 q_1``.

    >>> list(chains(2))
    [((0,), (1,), 2.0), ((1,), (2,), 1.0), ((0, 1), (1, 1), -2.0)]
    """
    for size in range(1, workers + 1):
        for levels in combinations(range(workers), size):
            powers = tuple(np.diff((-1, *levels)).tolist())
            orders = math.prod(map(math.factorial, (*powers, workers - 1 - levels[-1])))
            yield levels, powers, (-1.0) ** (size + 1) * math.factorial(workers) / orders


def closed_mean(work: Any, rate: float, shift: float, exp: Callable[[Any], Any] = math.exp) -> Any:
    """The mean of ``max_n T_(N-n) w_n``, for positive work.

    Examples
    --------
    The slowest of two and the faster one, ``E max(T_(2), 2 T_(1))``:

    >>> round(closed_mean([1.0, 2.0], rate=1.0, shift=0.0), 12)
    1.666666666667
    """
    last = work[len(work) - 1]
    ratios = [last / work[n] for n in range(len(work))]
    return last * _per_work(ratios, rate, shift, exp)


def _per_work(ratios: Any, rate: float, shift: float, exp: Callable[[Any], Any]) -> Any:
    total: Any = 0.0
    for levels, powers, coefficient in chains(len(ratios)):
        s = sum(power * ratios[n] for n, power in zip(levels, powers, strict=True))
        beyond = exp(-rate * shift * (s - sum(powers))) if shift else 1.0
        total = total + coefficient * beyond / s
    return shift + total / rate


def add_mean(
    m: Any, rate: float, shift: float, cuts: FloatArray, mixed: tuple[float, float]
) -> None:
    r"""Add the mean ``theta`` of a model with the work ``omega`` and the blocks ``share``.

    The work is that of a mixture ``(1 - e) x + e y`` with the best relaxed design ``y``.  The mean ``f``
    is convex, so that ``theta = (f(mixture) - e f(y)) / (1 - e)`` is at most ``f(x)``, and for designs
    as good as ``y`` equal to it up to ``e (f(x) - f(y))``.

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
        With ``N``, ``omega`` and ``share``; gets ``ratio``, ``theta``, their rows and the objective.
    rate, shift : float
        Of the worker times, in the unit of ``theta``.
    cuts : ndarray, shape (m, N)
        Gradients ``g`` in the shares: ``theta >= g . share`` since the mean is convex and homogeneous.
    mixed : pair of float
        ``e`` and ``f(y)``.
    """
    import pyomo.environ as pyo

    last = max(m.N)
    most = {n: m.omega[last].ub / m.omega[n].lb for n in m.N}
    m.ratio = pyo.Var(m.N, bounds=lambda m, n: (1.0, 1.0 if n == last else most[n]))
    m.theta = pyo.Var(domain=pyo.NonNegativeReals, doc="mean runtime, scaled")

    @m.Constraint(m.N, doc="work of the last level over that of a level")
    def ratios(m: Any, n: int) -> Any:
        return m.ratio[n] * m.omega[n] == m.omega[last]

    inverse = [m.ratio[n] for n in m.N]
    mixture = m.omega[last] * _per_work(inverse, rate, shift, pyo.exp)
    m.mean = pyo.Constraint(expr=(1.0 - mixed[0]) * m.theta + mixed[0] * mixed[1] >= mixture)
    m.tangent = pyo.Constraint(
        range(len(cuts)),
        rule=lambda m, j: m.theta >= pyo.quicksum(float(cuts[j, n]) * m.share[n] for n in m.N),
    )
    m.total = pyo.Objective(expr=m.theta, sense=pyo.minimize)


def reduce_to_blocks(m: Any, rate: float, shift: float, mixed: tuple[float, float]) -> None:
    """Put the mean into the objective of a model of :func:`add_mean`, in the blocks ``x`` alone.

    With the budget as its only row the program is convex, for solvers that rely on it.
    """
    import pyomo.environ as pyo

    for name in ("work", "rising", "ratios", "mean", "tangent", "total"):
        m.component(name).deactivate()
    mixture = closed_mean([m.work[n].expr.args[1] for n in m.N], rate, shift, pyo.exp)
    m.in_blocks = pyo.Objective(
        expr=(mixture - mixed[0] * mixed[1]) / (1.0 - mixed[0]), sense=pyo.minimize
    )


def settle_mean(m: Any, rate: float, shift: float, mixed: tuple[float, float]) -> None:
    """Set ``omega``, ``ratio`` and ``theta`` to what the blocks imply."""
    import pyomo.environ as pyo

    for n in m.N:
        m.omega[n].set_value(pyo.value(m.work[n].expr.args[1]))
    work = [m.omega[n].value for n in m.N]
    for n in m.N:
        m.ratio[n].set_value(max(work[-1] / work[n], 1.0))
    mixture = closed_mean(work, rate, shift)
    m.theta.set_value((mixture - mixed[0] * mixed[1]) / (1.0 - mixed[0]))


def tangents(
    value_and_gradient: Callable[[FloatArray], tuple[float, FloatArray]], start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Gradients of a convex homogeneous function on the simplex that bound its minimum closely.

    Kelley's method: every next gradient is taken at the minimum of the bound by those before.

    Parameters
    ----------
    value_and_gradient : callable
        In the shares, which sum to 1.
    start : ndarray, shape (N,)
        The first shares.

    Returns
    -------
    ndarray, shape (m, N)
        The gradients.
    ndarray, shape (N,)
        The best shares.

    Examples
    --------
    >>> def norm(share):
    ...     size = float(np.linalg.norm(share))
    ...     return size, share / size
    >>> cuts, best = tangents(norm, np.array([0.9, 0.1]))
    >>> bool(abs((cuts @ [0.5, 0.5]).max() - 0.5**0.5) < 1e-2)
    True
    """
    from scipy.optimize import linprog

    share, best, least, found = start, start, math.inf, []
    size = start.size
    for _ in range(_MOST_TANGENTS):
        value, gradient = value_and_gradient(share)
        if value < least:
            least, best = value, share
        found.append(gradient)
        # Minimise theta over the simplex, theta above all cuts so far.
        below: Any = linprog(
            np.append(np.zeros(size), 1.0),
            A_ub=np.column_stack([np.array(found), -np.ones(len(found))]),
            b_ub=np.zeros(len(found)),
            A_eq=np.append(np.ones(size), 0.0)[None, :],
            b_eq=[1.0],
            bounds=[(0.0, 1.0)] * size + [(0.0, None)],
            method="highs",
        )
        if below.x is None or below.fun >= least * (1.0 - _TANGENT_GAP):
            break
        # Half way to the best point known: the corners of the first bounds are far away.
        share = 0.5 * (share + below.x[:-1])
    return np.array(found), best
