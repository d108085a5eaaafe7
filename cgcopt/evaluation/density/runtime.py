"""Expected runtime of a design for independent workers whose time has a density.

``E[tau] = t_min + integral of (1 - P[tau <= t])`` from ``t_min``, and its gradient is the integral
of ``-dP/dw``, over the exact completion probability of :mod:`cgcopt.evaluation.crossing.completion`
(system model: Wang, Cui, Li, Zou and Xiong, arXiv 2206.02450). In the logarithm of ``t - t_min``
the integrands are smooth for every family, whatever the density does at the lower end of the
support or in the tail. An analytic map between it and about the normal score of ``tau`` turns them
into bells, which the trapezoidal rule integrates with some sixty nodes. What it does not resolve
(designs whose levels are fast on very different scales, tails with hardly a variance) is left to
Gauss-Legendre panels cut near quantiles of ``tau``, and to the power of the tail beyond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights
from cgcopt.errors import (
    InfiniteMeanError,
    InvalidInputError,
    SolverError,
    UnsupportedProblemError,
)
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.crossing.completion import (
    Completion,
    CompletionWithGradient,
    completion,
)
from cgcopt.evaluation.crossing.thresholds import (
    checked_work,
    proportional_thresholds,
    without_shift,
)
from cgcopt.evaluation.density.quadrature import integrate, trapezoids
from cgcopt.evaluation.density.score_map import ScoreMap
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import LineRuntime, Lines, lines_of_work
from cgcopt.evaluation.result import Evaluation, Method, WithGradient
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes

__all__ = ["expected_runtime", "runtime_of_lines"]


#: Normal scores at which single levels are looked at; the distribution of ``tau`` is probed at
#: those between the two limits.
_SCORES = np.array([
    -7.5, -5.0, -3.5, -2.5, -1.75, -1.0, -0.5, 0.0, 0.5, 1.0, 1.75, 2.5, 4.0, 5.5, 6.5,
    7.25, 8.0, 8.5, 9.0, 9.5, 10.0, 11.0, 12.0, 14.0, 16.0, 19.0, 22.0, 30.0,
])  # fmt: skip
_PROBED = slice(1, 12)
_MEDIAN = 7
#: Trapezoids: first step and how often it is halved; width of the smoothing of the map; normal
#: scores between which the density of the nodes is constant, and that density: levels that hardly
#: vary count where ``tau`` is short. The lowest score with a node, steepness of the step that stands
#: in for ``1 - P``, and the least power of the tail of ``tau``.
_STEP, _HALVINGS, _WIDTH = 0.28, 2, 2.0
_CORNERS, _DENSITIES = np.array([-60.0, -3.5, 0.5, 3.0, 60.0]), np.array([0.7, 2.4, 1.3, 0.75])
_LOWEST, _STEEPNESS, _LEAST_POWER = -7.2, 1.5, 2.0
#: What their estimated error may be: relative to the value; to the largest entry of the gradient; for
#: ``dE/dw_n`` to ``E / (L (n + 1))``, because certificates weigh it with ``n + 1`` and compare with
#: ``E / L``; without gradient, that of a check function, relatively.
_VALUE_ERROR, _ENTRY_ERROR, _LEVEL_ERROR, _CHECK_ERROR = 1e-10, 2e-10, 3e-6, 1e-8
#: Normal scores of ``tau`` at which the panels are cut.
_CUTS = np.array([-7.3, -4.0, -2.0, 0.0, 2.0, 4.0, 9.5, 12.0, 16.0, 22.0])
_POINTS = 15
#: The same for the error estimate of a panel, which is more cautious; the check function has size 1.
#: With these, random models and designs came out right to 1e-10, gradients to 1e-9.
_TOLERANCE = 1e-9
_ENTRY_TOLERANCE = 1e-7
_LEVEL_TOLERANCE = 1e-5
_CHECK_TOLERANCE = 1e-8
_NEGLIGIBLE = 1e-14
_SMALLEST = 1e-290
_EPSILON = float(np.finfo(np.float64).eps)


@overload
def expected_runtime(
    system: System, work: ArrayLike, *, gradient: Literal[True], threads: int | None = None
) -> WithGradient: ...


@overload
def expected_runtime(
    system: System, work: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Evaluation: ...


@within_doubles("the expected runtime")
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
    if system.costs:
        return runtime_of_lines(system, lines_of_work(system, w), threads=threads).evaluation(
            system
        )
    _require_finite_mean(times, w)
    problem = _Normalised.of(times, w / w[-1])
    integrals = problem.integrals(gradient, threads)
    seconds = system.unit * float(w[-1])
    return Evaluation.exact(
        seconds * (times.support[0] + float(integrals[0])),
        Method.QUADRATURE,
        gradient=system.unit * integrals[1:] if gradient else None,
    )


def runtime_of_lines(system: System, lines: Lines, *, threads: int | None = None) -> LineRuntime:
    """Expected runtime ``E[max_n (c_n + a_n T_(N-n))]`` by quadrature, as for :func:`expected_runtime`.

    Parameters
    ----------
    system : System
        Its worker times must have a density; its costs do not count, they are in the lines.
    lines : Lines
        Of the levels.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Examples
    --------
    >>> from cgcopt import Exponential, System
    >>> lines = Lines(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    >>> result = runtime_of_lines(System(2, 1, Exponential(rate=1.0)), lines)
    >>> round(result.value, 9), result.delay_gradient.round(9).tolist()
    (4.0, [1.0, 0.0])
    """
    times = system.worker_times
    assert isinstance(times, ContinuousTimes)
    _require_finite_mean(times, lines.factor)
    cycles, last = float(lines.factor[-1]), float(lines.delay[-1])
    problem = _Normalised.of(times, lines.factor / cycles, (last - lines.delay) / cycles)
    integrals = problem.integrals(True, threads)
    value = last + cycles * (times.support[0] + float(integrals[0]))
    count = lines.factor.size
    return LineRuntime(
        value,
        value,
        value,
        Method.QUADRATURE,
        integrals[1 : count + 1],
        integrals[count + 1 :],
    )


@dataclass(frozen=True, eq=False)
class _Normalised:
    """The runtime ``max_n (T_(N-n) omega_n - lead_n)`` with ``omega_{N-1} = 1``, seconds per cycle.

    ``times`` is the distribution of ``T - shift`` and ``origin`` the lower end of its support;
    the nodes are logarithms of the time after ``t_min = shift + origin``. ``lead`` is by how much
    less than the last level the levels are delayed, ``None`` without delays; ``ahead`` is by how
    much a worker without ``T - shift`` is ahead of ``t_min - origin`` at a level.
    """

    times: ContinuousTimes
    shift: float
    origin: float
    omega: FloatArray
    tail_index: float
    ahead: FloatArray
    lead: FloatArray | None = None

    @classmethod
    def of(
        cls, times: ContinuousTimes, omega: FloatArray, lead: FloatArray | None = None
    ) -> _Normalised:
        base, shift = without_shift(times)
        ahead = shift * (1.0 - omega) if lead is None else shift * (1.0 - omega) + lead
        return cls(base, shift, base.support[0], omega, times.tail_index, ahead, lead)

    def integrals(self, gradient: bool, threads: int | None) -> FloatArray:
        """``E[tau] - t_min`` and, with gradient, its derivatives in ``omega`` and in delays.

        Shape ``(1 + N,)``, and ``(1 + 2 N,)`` with delays.
        """
        result = None
        if self.tail_power >= _LEAST_POWER:
            result = self.by_trapezoids(gradient, threads)
        return self.by_panels(gradient, threads) if result is None else result

    @property
    def tail_power(self) -> float:
        """Power with which ``1 - P`` falls, that of the first used level."""
        return self.tail_index * (int(np.argmax(self.omega > 0.0)) + 1)

    @property
    def level_scale(self) -> FloatArray:
        """``L / (n + 1)`` over the coordinates ``L`` of the design."""
        size = float(budget_weights(self.omega.size) @ self.omega)
        return np.asarray(1.0 / (size * np.arange(1.0, self.omega.size + 1.0)))

    def by_trapezoids(self, gradient: bool, threads: int | None) -> FloatArray | None:
        """The integrals over the places of a score map; ``None`` where they are not resolved.

        A smooth step, falling from 1 to 0 around the median, has a known integral over the time;
        what ``1 - P`` differs from it fades out towards both ends.
        """
        from scipy.special import ndtr

        found = self.score_map(threads)
        if found is None:
            return None
        to_time, lower, upper = found
        normal = np.linspace(-9.0, 9.0, 145)
        weights = np.exp(-0.5 * normal**2)
        with np.errstate(over="ignore"):
            step = float(weights @ np.exp(to_time(normal / _STEEPNESS)[0]) / weights.sum())
        if not math.isfinite(step):
            return None
        levels, offset = _LEVEL_ERROR * self.level_scale, self.shift + self.origin + step

        def integrand(place: FloatArray) -> FloatArray:
            height, slope = to_time(place)
            excess = np.exp(height)
            result = self.completion(excess, gradient, threads)
            steep = _STEEPNESS * place
            early, late = ndtr(steep) - result.probability, result.complement - ndtr(-steep)
            part = np.where(place < 0.0, early, late) * excess
            if not isinstance(result, CompletionWithGradient):
                check = result.probability * result.complement
                return np.stack((part, check), axis=1) * slope[:, np.newaxis]
            # The gradient times the design is the value; the errors of many levels may add up in it.
            entries = -result.gradient * excess[:, np.newaxis]
            parts = [part, entries, entries @ self.omega]
            if self.lead is not None:
                parts.insert(2, self.per_delay(entries, excess))
            return np.asarray(np.column_stack(parts) * slope[:, np.newaxis])

        def allowance(total: FloatArray) -> FloatArray:
            value = offset + total[0]
            if not gradient:
                return np.array([_VALUE_ERROR * value, _CHECK_ERROR * total[1]])
            entries = np.minimum(levels * value, _ENTRY_ERROR * total[1 : levels.size + 1].max())
            delays = np.full(0 if self.lead is None else levels.size, _ENTRY_ERROR)
            return np.concatenate(([_VALUE_ERROR * value], entries, delays, [_VALUE_ERROR * value]))

        total = trapezoids(
            integrand, lower, upper, step=_STEP, halvings=_HALVINGS, allowance=allowance
        )
        if total is None:
            return None
        total[0] += step
        return total[:-1]

    def score_map(self, threads: int | None) -> tuple[ScoreMap, float, float] | None:
        """From places to logarithms of times after ``t_min``, and where the integrands fade out."""
        after = self.level_quantiles()
        small = self.rest(after) <= _NEGLIGIBLE * (self.shift + self.origin + after[_MEDIAN])
        small[: _PROBED.stop] = False
        if not small.any():
            return None
        scores, times = self.scores(after[: int(np.argmax(small)) + 1], threads)
        rising = np.isfinite(scores) & (np.diff(scores, prepend=-np.inf) > 1e-3)
        rising &= np.diff(times, prepend=-np.inf) > 0.0
        if np.count_nonzero(rising) < 4 or np.any(np.diff(scores[rising]) <= 0.0):
            return None
        densities = _DENSITIES.copy()
        if math.isfinite(self.tail_power):
            densities[-1] *= math.sqrt(1.0 - 1.0 / self.tail_power)
        corners = np.concatenate(([0.0], np.cumsum(np.diff(_CORNERS) * densities)))
        corners -= np.interp(0.0, _CORNERS, corners)
        places = np.interp(scores[rising], _CORNERS, corners)
        lowest = float(np.interp(_LOWEST, _CORNERS, corners))
        to_time = ScoreMap(places, times[rising], _WIDTH)
        return to_time, max(lowest, float(places[0])), float(places[-1])

    def by_panels(self, gradient: bool, threads: int | None) -> FloatArray:
        """The integrals over panels of the logarithm of the time.

        Up to the panel edge ``median`` the integral of ``1 - P`` is the time less that of ``P``.
        """
        edges, median = self.edges(threads)
        if edges.size < 2:
            raise SolverError("the expected runtime leaves the range of double precision")
        shortest = self.shift + self.origin
        levels = _LEVEL_TOLERANCE * self.level_scale

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
            entries = np.minimum(
                levels * value, _ENTRY_TOLERANCE * total[1 : levels.size + 1].max()
            )
            delays = np.full(0 if self.lead is None else levels.size, _ENTRY_TOLERANCE)
            return np.concatenate(([_TOLERANCE * value], entries, delays))

        result = integrate(integrand, edges, allowance=allowance, points=_POINTS)
        result = result if gradient else result[:1]
        result[0] += math.exp(median)
        if math.isfinite(self.tail_index):
            result += self.tail(math.exp(edges[-1]), gradient, threads)
        return result

    def completion(self, excess: FloatArray, gradient: bool, threads: int | None) -> Completion:
        """Completion probabilities at the given times after ``t_min``, gradient in ``omega``."""
        levels = proportional_thresholds(
            self.times,
            self.omega,
            self.origin + excess,
            shift=self.shift,
            ahead=self.ahead,
            derivative=gradient,
        )
        return completion(levels, self.omega, threads=threads)

    def per_delay(self, entries: FloatArray, excess: FloatArray) -> FloatArray:
        """Turn derivatives in ``omega`` into derivatives in the delay of a level.

        ``F_n`` is a function of ``(t - c_n)/a_n``: a delay counts ``1/T`` times as much.
        """
        reached = self.origin + excess[:, np.newaxis] + self.ahead
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            time = self.shift + np.where(self.omega > 0.0, reached / self.omega, np.inf)
            return np.where(time > 0.0, entries / time, 0.0)

    def late(
        self, excess: FloatArray, gradient: bool, threads: int | None, below: NDArray[np.bool_]
    ) -> FloatArray:
        """``1 - P`` (or ``-P`` where ``below``) and, with gradient, ``-dP/domega_n``."""
        result = self.completion(excess, gradient, threads)
        values = np.where(below, -result.probability, result.complement)[:, np.newaxis]
        if not isinstance(result, CompletionWithGradient):
            return values
        parts = [values, -result.gradient]
        if self.lead is not None:
            parts.append(self.per_delay(-result.gradient, excess))
        return np.concatenate(parts, axis=1)

    def edges(self, threads: int | None) -> tuple[FloatArray, float]:
        """Ends of the panels, logarithms of times after ``t_min``, and which one is near the median."""
        after = self.level_quantiles()
        scores, times = self.scores(after[: self.last_cut(after) + 1], threads)
        first, stop = np.searchsorted(_CUTS, (scores[0], scores[-1] - 0.5))
        inner = _CUTS[first:stop]
        edges = np.concatenate((np.interp(inner, scores, times), times[-1:]))
        if first > 0:
            edges = np.concatenate((times[:1], edges))
        median = float(np.interp(0.0, scores, times))
        return np.unique(edges), median

    def scores(self, after: FloatArray, threads: int | None) -> tuple[FloatArray, FloatArray]:
        """Normal scores of ``tau`` at the given times after ``t_min``, and the logarithms of these.

        A quantile of ``tau`` is at least that of every ``omega_n T_(N-n)``, and the largest of these
        is exceeded with at most the sum of their probabilities. So far out the scores of ``tau`` are
        known; between, a few probabilities tell them.
        """
        times = np.log(np.maximum(after, max(_SMALLEST, _EPSILON * self.origin)))
        scores = _SCORES[: after.size].copy()
        scores[_PROBED] = _normal_score(self.completion(after[_PROBED], False, threads))
        scores[0] = min(scores[0], scores[1])
        return scores, times

    def level_quantiles(self) -> FloatArray:
        """Largest quantile of the levels' times after ``t_min``, for each of the scores."""
        quantiles = _level_quantiles(self.times, self.omega.size)
        with np.errstate(invalid="ignore"):
            after = self.omega * quantiles - self.ahead
        after = np.where(self.omega > 0.0, after, 0.0).max(axis=1) - self.origin
        return np.asarray(np.maximum(after, 0.0))

    def last_cut(self, after: FloatArray) -> int:
        """Index of the cut beyond which the integral is negligible, or known in closed form."""
        if math.isfinite(self.tail_index):
            rest = self.tail_error(after)
        else:
            rest = self.rest(after)
        small = rest <= _NEGLIGIBLE * (self.shift + self.origin + after[_MEDIAN])
        small[: _PROBED.stop] = False
        if not small.any():
            raise SolverError("the tail of the worker times leaves the range of double precision")
        return int(np.argmax(small))

    def rest(self, after: FloatArray) -> FloatArray:
        """Bound on the integral of ``1 - P`` from each cut on, up to the last one."""
        chance = np.minimum(1.0, self.omega.size * _upper_normal(_SCORES))
        with np.errstate(invalid="ignore"):
            late = np.cumsum((np.diff(after, append=after[-1]) * chance)[::-1])[::-1]
        return np.asarray(late + (self.shift + self.origin + after) * chance)

    def tail_error(self, after: FloatArray) -> FloatArray:
        """Rough error of :meth:`tail` from each cut on.

        Its leading term belongs to the first used level alone, late with all workers on time for
        the others, and to times much longer than the shift.
        """
        n, first = self.omega.size, int(np.argmax(self.omega > 0.0))
        order = self.tail_index * (first + 1)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            reach = (self.origin + after)[:, np.newaxis] + self.ahead[first:]
            theta = reach / self.omega[first:]
            single = self.times.sf(theta)
            workers_late = np.arange(first + 1.0, n + 1.0)
            log_failure = log_binomials(n)[1:][first:] + workers_late * np.log(single)
            failure = np.exp(np.minimum(log_failure, 0.0))
            moved = self.shift + self.origin + (0.0 if self.lead is None else self.lead[first])
            relative = moved / theta[:, 0] + n * single[:, 0]
            error = failure[:, 0] * relative + failure[:, 1:].sum(axis=1)
            return np.asarray(reach[:, 0] / (order - 1.0) * error)

    def tail(self, excess: float, gradient: bool, threads: int | None) -> FloatArray:
        """Integrals beyond the last cut of regularly varying functions, by Karamata's theorem.

        Level ``n`` fails when ``n + 1`` workers are late: its terms fall with the power
        ``p = (n + 1) a`` of the time ``r`` past its shift ``s``, so that the integral of ``r**-p`` is
        ``r / (p - 1)`` times its value. The derivative in the work falls like
        ``(r + s) r**(-p-1)``, that in a delay like ``r**(-p-1)``.
        """
        first = int(np.argmax(self.omega > 0.0))
        index = self.tail_index * np.arange(1, self.omega.size + 1)
        value = self.late(np.array([excess]), gradient, threads, below=np.array([False]))[0]
        reach = self.origin + excess + self.ahead
        shift = self.shift * self.omega
        finite = np.where(index > 1.0, index - 1.0, 1.0)
        lengths = [(reach / finite)[[first]]]
        if gradient:
            lengths.append((reach / finite + shift / index) * reach / (reach + shift))
            if self.lead is not None:
                lengths.append(reach / index)
        return np.where(value > 0.0, value * np.concatenate(lengths), 0.0)


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
    single = np.exp((np.log(chance) - log_binomials(workers)[1:]) / (n + 1.0))
    late = np.where(chance > 1e-30, late, single)
    return np.concatenate((times.ppf(finished), times.isf(late)))


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
