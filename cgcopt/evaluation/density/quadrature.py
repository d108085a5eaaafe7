"""Quadrature of many integrands that share their nodes: trapezoids, and Gauss-Legendre panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.process.time_left import look

__all__ = ["integrate", "trapezoids"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the two rules.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    rounds: int = 12
    """How often panels are halved at most."""
    most_panels: int = 600
    """Open panels at most: more are open only where rounding, not their width, is in the way."""
    caution: float = 10.0
    """Factor by which the error of the trapezoidal rule is overestimated."""
    negligible: float = 1e-3
    """Part of an allowed error that the integrand may have where no more nodes are placed."""


_TUNING = _Tuning()


def trapezoids(
    integrand: Callable[[FloatArray], FloatArray],
    lower: float,
    upper: float,
    *,
    step: float,
    halvings: int,
    allowance: Callable[[FloatArray], FloatArray],
) -> FloatArray | None:
    """Integrate analytic functions that fade out towards both ends, by the trapezoidal rule.

    Its error is that of a Fourier transform at ``2 pi / step``, which for such functions falls at
    least geometrically (Trefethen and Weideman, SIAM Review 56, 2014): half the step squares it.
    With ``c`` the change from twice the step and ``a`` the integral of the absolute value, the
    error is about ``c**2 / a``; ten times as much is allowed for.

    Parameters
    ----------
    integrand : callable
        Takes nodes, shape ``(m,)``, increasing, and returns values, shape ``(m, C)``.
    lower, upper : float
        Where the functions have faded out.
    step : float
        First distance of the nodes.
    halvings : int
        How often it is halved at most.
    allowance : callable
        Takes the integrals, shape ``(C,)``, and returns what the error may be in each.

    Returns
    -------
    ndarray, shape (C,), or None
        ``None`` where the functions are not resolved or do not fade out.

    Examples
    --------
    >>> bell = lambda x: np.exp(-0.5 * x**2)[:, np.newaxis]
    >>> small = lambda total: np.array([1e-12])
    >>> area = trapezoids(bell, -9.0, 9.0, step=0.8, halvings=2, allowance=small)
    >>> bool(abs(area[0] - np.sqrt(2 * np.pi)) < 1e-14)
    True
    """
    count = np.arange(np.ceil(lower / step), np.floor(upper / step) + 1.0)
    nodes, values = count * step, integrand(count * step)
    coarse = 2.0 * step * values[count % 2.0 == 0.0].sum(axis=0)
    for halving in range(halvings + 1):
        look()
        total = step * values.sum(axis=0)
        size = step * np.abs(values).sum(axis=0)
        allowed = allowance(total)
        error = _TUNING.caution * (total - coarse) ** 2 / np.where(size > 0.0, size, 1.0)
        if (step * np.abs(values[[0, -1]]) > allowed).any():
            return None
        if (error <= allowed).all():
            return np.asarray(total)
        if halving < halvings:
            seen = (step * np.abs(values) > _TUNING.negligible * allowed).any(axis=1)
            if not seen.any():
                return None
            first, last = np.flatnonzero(seen)[[0, -1]]
            kept = slice(max(first - 1, 0), last + 2)
            nodes, values, coarse = nodes[kept], values[kept], total
            middle = 0.5 * (nodes[1:] + nodes[:-1])
            places = np.arange(1, nodes.size)
            values = np.insert(values, places, integrand(middle), axis=0)
            nodes = np.insert(nodes, places, middle)
            step *= 0.5
    return None


def integrate(
    integrand: Callable[[FloatArray], FloatArray],
    edges: FloatArray,
    *,
    allowance: Callable[[FloatArray], FloatArray],
    points: int = 15,
) -> FloatArray:
    """Integrate several functions over consecutive panels, halving those that are not resolved.

    The error of a panel is estimated without further nodes, from the Legendre coefficients that its
    ``m`` nodes can see: those of an analytic function fall geometrically, and the rule is exact to
    degree ``2 m - 1``. With ``a`` the largest of the last third and ``r`` its ratio to the largest of
    the middle third, the error is about ``a r**3``; ``2 a r**2`` is allowed for.

    Parameters
    ----------
    integrand : callable
        Takes nodes, shape ``(m,)``, and returns values, shape ``(m, C)``.
    edges : ndarray, shape (P + 1,)
        Increasing ends of the panels.
    allowance : callable
        Takes the integrals, shape ``(C,)``, and returns what the error of a panel may be in each.
    points : int
        Nodes of a panel.

    Returns
    -------
    ndarray, shape (C,)

    Raises
    ------
    SolverError
        If some panel is not resolved after twelve halvings, or too many are not.

    Examples
    --------
    >>> wave = integrate(
    ...     lambda x: np.stack((np.cos(x), np.sin(x)), axis=1),
    ...     np.array([0.0, np.pi]),
    ...     allowance=lambda total: np.full(2, 1e-12),
    ... )
    >>> wave.round(12).tolist()
    [0.0, 2.0]
    """
    nodes, weights, transform = _rule(points)
    lower, upper = edges[:-1], edges[1:]
    settled: FloatArray | float = 0.0
    for _ in range(_TUNING.rounds):
        look()
        half = 0.5 * (upper - lower)
        x = (0.5 * (upper + lower))[:, np.newaxis] + half[:, np.newaxis] * nodes
        values = integrand(x.ravel()).reshape(len(half), points, -1)
        sums = half[:, np.newaxis] * np.einsum("j,pjc->pc", weights, values)
        errors = half[:, np.newaxis] * _errors(values, transform)
        rough = (errors > allowance(settled + sums.sum(axis=0))).any(axis=1)
        settled = settled + sums[~rough].sum(axis=0)
        if not rough.any():
            return np.asarray(settled)
        lower, upper = lower[rough], upper[rough]
        if 2 * lower.size > _TUNING.most_panels:
            break
        middle = 0.5 * (lower + upper)
        lower, upper = np.stack((lower, middle), axis=1), np.stack((middle, upper), axis=1)
        lower, upper = lower.ravel(), upper.ravel()
    raise SolverError(f"quadrature did not settle: {lower.size} panels are not resolved")


def _errors(values: FloatArray, transform: FloatArray) -> FloatArray:
    """Estimated error of each panel and function on ``[-1, 1]``, shape ``(P, C)``."""
    third = len(transform) // 2
    late = np.abs(transform @ values)
    middle, last = late[:, :third].max(axis=1), late[:, third:].max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(last > 0.0, np.minimum(last / middle, 1.0), 0.0)
    return np.asarray(2.0 * last * ratio**2)


@lru_cache
def _rule(points: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nodes, weights, and the transform to the upper two thirds of the Legendre coefficients."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    basis = np.polynomial.legendre.legvander(nodes, points - 1)
    transform = ((np.arange(points) + 0.5) * basis * weights[:, np.newaxis]).T
    return nodes, weights, np.ascontiguousarray(transform[-2 * (points // 3) :])
