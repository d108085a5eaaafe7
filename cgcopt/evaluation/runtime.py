"""Expected runtime of a design for independent workers whose time has a density.

``E[tau] = t_min + integral of (1 - P[tau <= t])`` from ``t_min``, and its gradient is the integral
of ``-dP/dw``, over the exact completion probability of :mod:`cgcopt.evaluation.probability` (system
model: Wang, Cui, Li, Zou and Xiong, arXiv 2206.02450). The integration variable is
``log(t - t_min)``, in which the integrands are smooth for every family, whatever the density does
at the lower end of the support or in the tail; panels are cut near quantiles of ``tau``.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.design import budget_weights
from cgcopt.errors import (
    InfiniteMeanError,
    InvalidInputError,
    SolverError,
    UnsupportedProblemError,
)
from cgcopt.evaluation.probability import (
    Completion,
    checked_work,
    completion,
    proportional_thresholds,
)
from cgcopt.evaluation.quadrature import integrate
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes
from cgcopt.workers.families import LocationScale

__all__ = ["expected_runtime"]

FloatArray = NDArray[np.float64]

#: Normal scores at which single levels are looked at; the distribution of ``tau`` is probed at
#: those between the two limits.
_SCORES = np.array(
    [-7.5, -5, -3.5, -2.5, -1.75, -1, -0.5, 0, 0.5, 1, 1.75, 2.5, 4, 6.5, 8, 9, 10, 12, 16, 22, 30]
)
_PROBED = slice(1, 12)
_MEDIAN = 7
#: Normal scores of ``tau`` at which the panels are cut.
_CUTS = np.array([-7.3, -4.0, -2.0, 0.0, 2.0, 4.0, 9.5, 12.0, 16.0, 22.0])
_POINTS = 15
#: What the error estimate of a panel may be: relative to the value; to the largest entry of the
#: gradient; and for ``dE/dw_n`` to ``E / (L (n + 1))``, because certificates weigh it with ``n + 1``
#: and compare with ``E / L``; without gradient, that of a check function of size 1. The estimates
#: are cautious: with these, random models and designs came out right to 1e-10, gradients to 1e-9.
_TOLERANCE = 1e-9
_ENTRY_TOLERANCE = 1e-7
_LEVEL_TOLERANCE = 1e-5
_CHECK_TOLERANCE = 1e-8
_NEGLIGIBLE = 1e-14
_SMALLEST = 1e-290
_EPSILON = float(np.finfo(np.float64).eps)


def expected_runtime(
    system: System, work: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Evaluation:
    """Exact expected seconds of a round, by quadrature; right to 1e-10, mostly to 1e-13.

    Parameters
    ----------
    system : System
        Its worker times must have a density.
    work : array_like, shape (N,)
        Cumulative work ``w``, coordinates, not all 0; leading zeros are levels without a
        constraint. The value is homogeneous of degree 1 in it.
    gradient : bool
        Whether to compute ``dE/dw``, seconds per coordinate.
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
        If the work has the wrong shape, a negative entry, or nothing but zeros.
    SolverError
        If the tail of the worker times leaves the range of double precision.
    UnsupportedProblemError
        If the worker times have no density.

    Examples
    --------
    One worker more than needed: the second slowest of three, two cycles for each coordinate.

    >>> from cgcopt import Design, Exponential, System
    >>> system = System(workers=3, coordinates=10, worker_times=Exponential(rate=1.0))
    >>> result = expected_runtime(system, Design([0, 10, 0]).work, gradient=True)
    >>> round(result.value, 10), round(2 * 10 / 3 * (1 / 3 + 1 / 2), 10)
    (5.5555555556, 5.5555555556)
    """
    times = system.worker_times
    if not isinstance(times, ContinuousTimes):
        raise UnsupportedProblemError(
            f"quadrature of the expected runtime needs a density of worker times, not {times.label}"
        )
    w = checked_work(work, system.workers)
    if w.ndim != 1 or not w.any():
        raise InvalidInputError("work", w.tolist(), "one design with a positive entry")
    # A level with less work than the one before is finished by then: it has no say.
    w = np.maximum.accumulate(w)
    _require_finite_mean(times, w)
    problem = _Normalised.of(times, w / w[-1])
    integrals = problem.integrals(gradient, threads)
    seconds = system.unit * float(w[-1])
    return Evaluation.exact(
        seconds * (times.support[0] + float(integrals[0])),
        Method.QUADRATURE,
        gradient=system.unit * integrals[1:] if gradient else None,
    )


@dataclass(frozen=True, eq=False)
class _Normalised:
    """The runtime ``max_n T_(N-n) omega_n`` with ``omega_{N-1} = 1``, seconds per cycle.

    ``times`` is the distribution of ``T - shift`` and ``origin`` the lower end of its support;
    the nodes are logarithms of the time after ``t_min = shift + origin``.
    """

    times: ContinuousTimes
    shift: float
    origin: float
    omega: FloatArray
    tail_index: float

    @classmethod
    def of(cls, times: ContinuousTimes, omega: FloatArray) -> _Normalised:
        base, shift = _without_shift(times)
        return cls(base, shift, base.support[0], omega, times.tail_index)

    def integrals(self, gradient: bool, threads: int | None) -> FloatArray:
        """``E[tau] - t_min`` and, with gradient, its derivatives in ``omega``, shape ``(1 + N,)``.

        Up to the panel edge ``median`` the integral of ``1 - P`` is the time less that of ``P``.
        """
        edges, median = self.edges(threads)
        shortest = self.shift + self.origin
        size = float(budget_weights(self.omega.size) @ self.omega)
        levels = _LEVEL_TOLERANCE / (size * np.arange(1.0, self.omega.size + 1.0))

        def integrand(nodes: FloatArray) -> FloatArray:
            excess = np.exp(nodes)
            values = self.late(excess, gradient, threads, below=nodes < median)
            if gradient:
                return values * excess[:, np.newaxis]
            # Panels that resolve the value by chance seldom resolve a second function.
            part = values[:, 0]
            return np.stack((part * excess, np.abs(part) * (1.0 - np.abs(part))), axis=1)

        def allowance(total: FloatArray) -> FloatArray:
            value = shortest + math.exp(median) + total[0]
            if not gradient:
                return np.array([_TOLERANCE * value, _CHECK_TOLERANCE])
            entries = np.minimum(levels * value, _ENTRY_TOLERANCE * total[1:].max())
            return np.concatenate(([_TOLERANCE * value], entries))

        result = integrate(integrand, edges, allowance=allowance, points=_POINTS)
        result = result if gradient else result[:1]
        result[0] += math.exp(median)
        if math.isfinite(self.tail_index):
            result += self.tail(math.exp(edges[-1]), gradient, threads)
        return result

    def completion(self, excess: FloatArray, gradient: bool, threads: int | None) -> Completion:
        """Completion probabilities at the given times after ``t_min``, gradient in ``omega``."""
        levels = proportional_thresholds(
            self.times, self.omega, self.origin + excess, shift=self.shift, slope=gradient
        )
        return completion(levels, self.omega, threads=threads)

    def late(
        self, excess: FloatArray, gradient: bool, threads: int | None, below: NDArray[np.bool_]
    ) -> FloatArray:
        """``1 - P`` (or ``-P`` where ``below``) and, with gradient, ``-dP/domega_n``."""
        result = self.completion(excess, gradient, threads)
        values = np.where(below, -result.probability, result.complement)[:, np.newaxis]
        if result.gradient is None:
            return values
        return np.concatenate((values, -result.gradient), axis=1)

    def edges(self, threads: int | None) -> tuple[FloatArray, float]:
        """Ends of the panels, logarithms of times after ``t_min``, and which one is near the median.

        A quantile of ``tau`` is at least that of every ``omega_n T_(N-n)``, and the largest of these
        is exceeded with at most the sum of their probabilities. So far out the scores of ``tau`` are
        known; between, a few probabilities tell them.
        """
        after = self.level_quantiles()
        last = self.last_cut(after)
        times = np.log(np.maximum(after[: last + 1], max(_SMALLEST, _EPSILON * self.origin)))
        scores = _SCORES[: last + 1].copy()
        scores[_PROBED] = _normal_score(self.completion(after[_PROBED], False, threads))
        scores[0] = min(scores[0], scores[1])
        first, stop = np.searchsorted(_CUTS, (scores[0], scores[-1] - 0.5))
        inner = _CUTS[first:stop]
        edges = np.concatenate((np.interp(inner, scores, times), times[-1:]))
        if first > 0:
            edges = np.concatenate((times[:1], edges))
        median = float(np.interp(0.0, scores, times))
        return np.unique(edges), median

    def level_quantiles(self) -> FloatArray:
        """Largest quantile of the levels' times after ``t_min``, for each of the scores."""
        quantiles = _level_quantiles(self.times, self.omega.size)
        with np.errstate(invalid="ignore"):
            after = self.omega * quantiles - self.shift * (1.0 - self.omega)
        after = np.where(self.omega > 0.0, after, 0.0).max(axis=1) - self.origin
        return np.asarray(np.maximum(after, 0.0))

    def last_cut(self, after: FloatArray) -> int:
        """Index of the cut beyond which the integral is negligible, or known in closed form."""
        if math.isfinite(self.tail_index):
            rest = self.tail_error(after)
        else:
            chance = np.minimum(1.0, self.omega.size * _upper_normal(_SCORES))
            with np.errstate(invalid="ignore"):
                late = np.cumsum((np.diff(after, append=after[-1]) * chance)[::-1])[::-1]
            rest = late + (self.shift + self.origin + after) * chance
        small = rest <= _NEGLIGIBLE * (self.shift + self.origin + after[_MEDIAN])
        small[: _PROBED.stop] = False
        if not small.any():
            raise SolverError("the tail of the worker times leaves the range of double precision")
        return int(np.argmax(small))

    def tail_error(self, after: FloatArray) -> FloatArray:
        """Rough error of :meth:`tail` from each cut on.

        Its leading term belongs to the first used level alone, late with all workers on time for
        the others, and to times much longer than the shift.
        """
        n, first = self.omega.size, int(np.argmax(self.omega > 0.0))
        order = self.tail_index * (first + 1)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            theta = (after + self.origin)[:, np.newaxis] / self.omega[first:]
            single = self.times.sf(theta)
            workers_late = np.arange(first + 1.0, n + 1.0)
            log_failure = _log_choose(n)[first:] + workers_late * np.log(single)
            failure = np.exp(np.minimum(log_failure, 0.0))
            relative = (self.shift + self.origin) / theta[:, 0] + n * single[:, 0]
            error = failure[:, 0] * relative + failure[:, 1:].sum(axis=1)
            return np.asarray((after + self.origin) / (order - 1.0) * error)

    def tail(self, excess: float, gradient: bool, threads: int | None) -> FloatArray:
        """Integrals beyond the last cut of regularly varying functions, by Karamata's theorem.

        Level ``n`` fails when ``n + 1`` workers are late: its terms fall with the power
        ``(n + 1) a`` of the time.
        """
        first = int(np.argmax(self.omega > 0.0))
        index = self.tail_index * np.arange(1, self.omega.size + 1)
        powers = np.concatenate((index[[first]], index if gradient else []))
        value = self.late(np.array([excess]), gradient, threads, below=np.array([False]))[0]
        omega = np.concatenate((self.omega[[first]], self.omega if gradient else []))
        reach = self.origin + excess + self.shift * (1.0 - omega)
        return np.where(value > 0.0, value * reach / np.where(powers > 1.0, powers - 1.0, 1.0), 0.0)


def _without_shift(times: ContinuousTimes) -> tuple[ContinuousTimes, float]:
    """Split ``T`` into a distribution and the shift added to it."""
    if not isinstance(times, LocationScale) or times.shift == 0.0:
        return times, 0.0
    return dataclasses.replace(times, shift=0.0), times.shift  # type: ignore[type-var]


@lru_cache(maxsize=64)
def _level_quantiles(times: ContinuousTimes, workers: int) -> FloatArray:
    """Quantiles of ``T_(N-n)`` at the normal scores ``_SCORES``, shape ``(scores, N)``."""
    from scipy import special

    n = np.arange(workers, dtype=np.float64)
    low = _SCORES[_SCORES <= 0.0][:, np.newaxis]
    high = _SCORES[_SCORES > 0.0][:, np.newaxis]
    finished = special.betaincinv(workers - n, n + 1.0, special.ndtr(low))
    chance = special.ndtr(-high)
    late = special.betaincinv(n + 1.0, workers - n, chance)
    # Far out the inverse may fail, and one term of the binomial sum is all there is.
    single = np.exp((np.log(chance) - _log_choose(workers)) / (n + 1.0))
    late = np.where(chance > 1e-30, late, single)
    return np.concatenate((times.ppf(finished), times.isf(late)))


@lru_cache(maxsize=64)
def _log_choose(workers: int) -> FloatArray:
    """Logarithms of the binomial coefficients ``C(N, n + 1)``, ``n = 0..N-1``."""
    log_factorial = np.cumsum(np.log(np.maximum(np.arange(workers + 1.0), 1.0)))
    return np.asarray((log_factorial[-1] - log_factorial - log_factorial[::-1])[1:])


def _normal_score(result: Completion) -> FloatArray:
    from scipy import special

    low = special.ndtri_exp(np.minimum(result.log_probability, 0.0))
    return np.where(result.complement > 0.5, low, -special.ndtri(result.complement))


def _upper_normal(score: FloatArray) -> FloatArray:
    from scipy import special

    return np.asarray(special.ndtr(-score))


def _require_finite_mean(times: ContinuousTimes, work: FloatArray) -> None:
    first = int(np.argmax(work > 0.0))
    if times.tail_index * (first + 1) <= 1.0:
        raise InfiniteMeanError(
            f"the expected runtime is infinite: {times.label} has tail index "
            f"{times.tail_index:g} and the first used level is {first}; "
            f"(level + 1) * tail index must exceed 1"
        )
