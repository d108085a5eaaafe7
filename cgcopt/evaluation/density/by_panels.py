"""Expected runtime by Gauss-Legendre panels over the logarithm of the time, and beyond by the tail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.density.normalised import PROBES, NormalisedRuntime
from cgcopt.evaluation.density.quadrature import integrate

__all__ = ["by_panels", "tail_by_panels"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the panels.

    The error estimate of a panel is more cautious than that of the trapezoids, so that more is
    allowed. With these errors, random models and designs came out right to 1e-10, gradients to 1e-9.
    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    cuts: tuple[float, ...] = (-7.3, -4.0, -2.0, 0.0, 2.0, 4.0, 9.5, 12.0, 16.0, 22.0)
    """Normal scores of ``tau`` at which the panels are cut, increasing."""
    points: int = 15
    """Nodes of a panel."""
    value_error: float = 1e-9
    """Estimated error of the value of a panel that is allowed, relative to the runtime."""
    entry_error: float = 1e-7
    """Estimated error of an entry of the gradient, relative to the largest one."""
    level_error: float = 1e-5
    """Estimated error of ``dE/dw_n``, relative to ``E / (L (n + 1))``."""
    own_error: float = 1e-9
    """Estimated error of an entry far above the others, relative to it: double precision gives no
    more, and a bound needs no more, since it weighs an entry by what it is at the optimum."""
    check_error: float = 1e-8
    """Estimated error of the check function that stands in for the gradient; it has size 1."""


_TUNING = _Tuning()


def by_panels(runtime: NormalisedRuntime, gradient: bool, threads: int | None) -> FloatArray:
    """``E[tau] - t_min`` and, with gradient, its derivatives, over panels of the logarithm of the time.

    Up to the panel edge ``median`` the integral of ``1 - P`` is the time less that of ``P``.

    Parameters
    ----------
    runtime : NormalisedRuntime
        The design and the worker times.
    gradient : bool
        Whether to compute the derivatives.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    ndarray
        Seconds per cycle: the value, then the derivatives in ``omega`` and, where there are delays,
        those in the delays, shape ``(1 + N,)`` or ``(1 + 2 N,)``.

    Raises
    ------
    SolverError
        If the tail of the worker times leaves the range of double precision, or the panels do not
        settle.
    """
    edges, median = _edges(runtime, threads)
    if edges.size < 2:
        raise SolverError("the expected runtime leaves the range of double precision")
    result = _integrated(runtime, edges, median, gradient, threads)
    result[0] += math.exp(median)
    return result


def tail_by_panels(
    runtime: NormalisedRuntime, start: float, share: float, gradient: bool, threads: int | None
) -> FloatArray:
    """Integrate by panels to ``E[(tau - t)^+]``, the integral of ``1 - P`` from ``t`` on.

    Parameters
    ----------
    runtime : NormalisedRuntime
        The design and the worker times.
    start : float
        ``t``, seconds per cycle after ``t_min``.
    share : float
        About ``1 - P`` at ``start``: errors are allowed in proportion to it.
    gradient : bool
        Whether to compute the derivatives, those at a fixed ``t``.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    ndarray
        As that of :func:`by_panels`.
    """
    first = math.log(max(start, PROBES.smallest))
    edges, _ = _edges(runtime, threads, share)
    edges = np.concatenate(([first], edges[edges > first]))
    if edges.size < 2:
        raise SolverError("the tail of the runtime leaves the range of double precision")
    return _integrated(runtime, edges, first, gradient, threads, share)


def _integrated(
    runtime: NormalisedRuntime,
    edges: FloatArray,
    median: float,
    gradient: bool,
    threads: int | None,
    share: float = 1.0,
) -> FloatArray:
    """Integrals of ``-P`` up to ``median`` and of ``1 - P`` from there on, with their derivatives."""
    shortest = runtime.earliest
    levels = _TUNING.level_error * runtime.level_scale

    def integrand(nodes: FloatArray) -> FloatArray:
        excess = np.exp(nodes)
        values = runtime.late(excess, gradient, threads, below=nodes < median)
        if gradient:
            return values * excess[:, np.newaxis]
        # Panels that resolve the value by chance seldom resolve a second function.
        part = values[:, 0]
        return np.stack((part * excess, np.abs(part) * (1.0 - np.abs(part))), axis=1)

    def allowance(total: FloatArray) -> FloatArray:
        value = share * (shortest + math.exp(median)) + total[0]
        if not gradient:
            return np.array([_TUNING.value_error * value, _TUNING.check_error * share])
        found = total[1 : levels.size + 1]
        entries = np.minimum(levels * value, _TUNING.entry_error * found.max())
        entries = np.maximum(entries, _TUNING.own_error * found)
        delays = np.full(0 if runtime.lead is None else levels.size, _TUNING.entry_error * share)
        return np.concatenate(([_TUNING.value_error * value], entries, delays))

    result = integrate(integrand, edges, allowance=allowance, points=_TUNING.points)
    result = result if gradient else result[:1]
    if math.isfinite(runtime.tail_index):
        result += _tail(runtime, math.exp(edges[-1]), gradient, threads)
    return result


def _edges(
    runtime: NormalisedRuntime, threads: int | None, share: float = 1.0
) -> tuple[FloatArray, float]:
    """Ends of the panels, logarithms of times after ``t_min``, and which one is near the median."""
    after = runtime.level_quantiles()
    scores, times = runtime.scores(after[: _last_cut(runtime, after, share) + 1], threads)
    cuts = np.array(_TUNING.cuts)
    first, stop = np.searchsorted(cuts, (scores[0], scores[-1] - 0.5))
    inner = cuts[first:stop]
    edges = np.concatenate((np.interp(inner, scores, times), times[-1:]))
    if first > 0:
        edges = np.concatenate((times[:1], edges))
    median = float(np.interp(0.0, scores, times))
    return np.unique(edges), median


def _last_cut(runtime: NormalisedRuntime, after: FloatArray, share: float) -> int:
    """Index of the cut beyond which the integral is negligible, or known in closed form."""
    if math.isfinite(runtime.tail_index):
        rest = _tail_error(runtime, after)
    else:
        rest = runtime.rest(after)
    small = rest <= share * PROBES.negligible * (runtime.earliest + after[PROBES.median])
    small[: PROBES.probed_stop] = False
    if not small.any():
        raise SolverError("the tail of the worker times leaves the range of double precision")
    return int(np.argmax(small))


def _tail_error(runtime: NormalisedRuntime, after: FloatArray) -> FloatArray:
    """Rough error of :func:`_tail` from each cut on.

    The leading term of the tail belongs to rounds in which the first level with work is late and all
    others are on time, and to times much longer than the shift.
    """
    n, first = runtime.omega.size, runtime.first_level
    order = runtime.tail_index * (first + 1)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        reach = (runtime.origin + after)[:, np.newaxis] + runtime.ahead[first:]
        theta = reach / runtime.omega[first:]
        single = runtime.times.sf(theta)
        workers_late = np.arange(first + 1.0, n + 1.0)
        log_failure = log_binomials(n)[1:][first:] + workers_late * np.log(single)
        failure = np.exp(np.minimum(log_failure, 0.0))
        moved = runtime.earliest + (0.0 if runtime.lead is None else runtime.lead[first])
        relative = moved / theta[:, 0] + n * single[:, 0]
        error = failure[:, 0] * relative + failure[:, 1:].sum(axis=1)
        return np.asarray(reach[:, 0] / (order - 1.0) * error)


def _tail(
    runtime: NormalisedRuntime, excess: float, gradient: bool, threads: int | None
) -> FloatArray:
    """Integrals beyond the last cut of regularly varying functions, by Karamata's theorem.

    Level ``n`` fails when ``n + 1`` workers are late: its terms fall with the power
    ``p = (n + 1) a`` of the time ``r`` past its shift ``s``, so that the integral of ``r**-p`` is
    ``r / (p - 1)`` times its value. The derivative in the work falls like
    ``(r + s) r**(-p-1)``, that in a delay like ``r**(-p-1)``.
    """
    first = runtime.first_level
    index = runtime.tail_index * np.arange(1, runtime.omega.size + 1)
    value = runtime.late(np.array([excess]), gradient, threads, below=np.array([False]))[0]
    reach = runtime.origin + excess + runtime.ahead
    shift = runtime.shift * runtime.omega
    finite = np.where(index > 1.0, index - 1.0, 1.0)
    lengths = [(reach / finite)[[first]]]
    if gradient:
        lengths.append((reach / finite + shift / index) * reach / (reach + shift))
        if runtime.lead is not None:
            lengths.append(reach / index)
    return np.where(value > 0.0, value * np.concatenate(lengths), 0.0)
