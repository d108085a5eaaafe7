"""The runtime of a design scaled to one cycle at the last level, and what is known of it.

Both quadratures of :mod:`cgcopt.evaluation.density.runtime` take their integrands, and the times at
which these matter, from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.crossing.completion import (
    Completion,
    CompletionWithGradient,
    completion,
)
from cgcopt.evaluation.crossing.single import FEWEST
from cgcopt.evaluation.crossing.thresholds import proportional_thresholds
from cgcopt.workers.base import ContinuousTimes

__all__ = ["PROBES", "NormalisedRuntime"]


@dataclass(frozen=True, eq=False)
class _Probes:
    """Where the distribution of ``tau`` is looked at before the quadrature.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    scores: FloatArray
    """Normal scores at which the quantiles of the single levels are taken, increasing."""
    first_probed: int = 1
    """Index of the first score at whose time the completion probability is computed."""
    probed_stop: int = 12
    """Index after the last such score."""
    median: int = 7
    """Index of the score 0."""
    negligible: float = 1e-14
    """Integral that is left out beyond the last probe, relative to the median of the runtime."""
    smallest: float = 1e-290
    """Least time after ``t_min``, seconds per cycle: its logarithm is finite."""
    far_out: float = 1e-30
    """Chance up to which a quantile comes from one term of the binomial sum: the inverse may fail."""

    @property
    def probed(self) -> slice:
        """The scores at whose times the completion probability is computed."""
        return slice(self.first_probed, self.probed_stop)


PROBES = _Probes(
    scores=np.array([
        -7.5, -5.0, -3.5, -2.5, -1.75, -1.0, -0.5, 0.0, 0.5, 1.0, 1.75, 2.5, 4.0, 5.5, 6.5,
        7.25, 8.0, 8.5, 9.0, 9.5, 10.0, 11.0, 12.0, 14.0, 16.0, 19.0, 22.0, 30.0,
    ])
)  # fmt: skip

#: Levels of a large design that are told one by one.
_FEW_LEVELS = 64
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class NormalisedRuntime:
    """The runtime ``max_n (omega_n T_(N-n) - lead_n)`` with ``omega_{N-1} = 1``, seconds per cycle.

    Attributes
    ----------
    times : ContinuousTimes
        Distribution of ``T - shift``.
    shift : float
        Time that every worker needs at least for a cycle, seconds.
    origin : float
        Lower end of the support of ``times``, seconds; ``t_min`` is ``shift + origin``.
    omega : ndarray, shape (N,)
        Cycles of the levels relative to the last one.
    tail_index : float
        Power with which the chance falls that a worker is late; infinite for light tails.
    ahead : ndarray, shape (N,)
        By how much a worker that needs ``shift`` alone is earlier at a level than ``shift``.
    lead : ndarray, shape (N,), optional
        By how much less than the last level the levels are delayed; ``None`` without delays.
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
    ) -> NormalisedRuntime:
        """Take the shift out of the worker times."""
        base, shift = times.without_shift()
        ahead = shift * (1.0 - omega) if lead is None else shift * (1.0 - omega) + lead
        return cls(base, shift, base.support[0], omega, times.tail_index, ahead, lead)

    @property
    def earliest(self) -> float:
        """``t_min``, the least runtime, seconds per cycle."""
        return self.shift + self.origin

    @property
    def first_level(self) -> int:
        """The first level with work."""
        return int(np.argmax(self.omega > 0.0))

    @property
    def tail_power(self) -> float:
        """Power with which ``1 - P`` falls, that of the first level with work."""
        return self.tail_index * (self.first_level + 1)

    @property
    def level_scale(self) -> FloatArray:
        """``L / (n + 1)`` over the coordinates ``L`` of the design."""
        size = float(budget_weights(self.omega.size) @ self.omega)
        return np.asarray(1.0 / (size * np.arange(1.0, self.omega.size + 1.0)))

    def completion(self, excess: FloatArray, gradient: bool, threads: int | None) -> Completion:
        """Completion probabilities at the given times after ``t_min``, gradient in ``omega``.

        A level with no more work than the one before it never ends a round: its entry is exactly 0,
        where rounding would leave a trace of its neighbour's.
        """
        levels = proportional_thresholds(
            self.times,
            self.omega,
            self.origin + excess,
            shift=self.shift,
            ahead=self.ahead,
            derivative=gradient,
        )
        found = completion(levels, self.omega, threads=threads)
        if isinstance(found, CompletionWithGradient) and self.lead is None:
            found.gradient[..., 1:][..., self.omega[1:] <= self.omega[:-1]] = 0.0
        return found

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

    def scores(self, after: FloatArray, threads: int | None) -> tuple[FloatArray, FloatArray]:
        """Normal scores of ``tau`` at the given times after ``t_min``, and the logarithms of these.

        A quantile of ``tau`` is at least that of every ``omega_n T_(N-n)``, and the largest of these
        is exceeded with at most the sum of their probabilities. Far out these scores are close
        enough; between, they are computed from the completion probability.
        """
        times = np.log(np.maximum(after, max(PROBES.smallest, _EPSILON * self.origin)))
        scores = PROBES.scores[: after.size].copy()
        scores[PROBES.probed] = _normal_score(self.completion(after[PROBES.probed], False, threads))
        scores[0] = min(scores[0], scores[1])
        return scores, times

    def level_quantiles(self) -> FloatArray:
        """Largest quantile of the levels' times after ``t_min``, for each of the scores."""
        levels = self._slowest_levels
        chosen = slice(None) if levels is None else np.array(levels)
        omega, ahead = self.omega[chosen], self.ahead[chosen]
        quantiles = _level_quantiles(self.times, self.omega.size, levels)
        with np.errstate(invalid="ignore"):
            after = omega * quantiles - ahead
        after = np.where(omega > 0.0, after, 0.0).max(axis=1) - self.origin
        return np.asarray(np.maximum(after, 0.0))

    @property
    def _slowest_levels(self) -> tuple[int, ...] | None:
        """The first levels of runs with equal work, which are the slowest of them.

        ``None`` where there are too many to be told one by one.
        """
        if self.omega.size < FEWEST or self.lead is not None:
            return None
        first = np.flatnonzero(np.diff(self.omega, prepend=0.0) > 0.0)
        return tuple(first.tolist()) if first.size <= _FEW_LEVELS else None

    def rest(self, after: FloatArray) -> FloatArray:
        """Bound on the integral of ``1 - P`` from the time of each score on, up to the last one."""
        chance = np.minimum(1.0, self.omega.size * _upper_normal(PROBES.scores))
        with np.errstate(invalid="ignore"):
            late = np.cumsum((np.diff(after, append=after[-1]) * chance)[::-1])[::-1]
        return np.asarray(late + (self.earliest + after) * chance)


@lru_cache(maxsize=64)
def _level_quantiles(
    times: ContinuousTimes, workers: int, levels: tuple[int, ...] | None
) -> FloatArray:
    """Quantiles of ``T_(N-n)`` at the normal scores ``PROBES.scores``, shape ``(scores, levels)``."""
    from scipy import special

    n = np.arange(workers) if levels is None else np.array(levels)
    chosen, n = n + 1, n.astype(np.float64)
    low = PROBES.scores[PROBES.scores <= 0.0][:, np.newaxis]
    high = PROBES.scores[PROBES.scores > 0.0][:, np.newaxis]
    finished = special.betaincinv(workers - n, n + 1.0, special.ndtr(low))
    chance = special.ndtr(-high)
    late = special.betaincinv(n + 1.0, workers - n, chance)
    single = np.exp((np.log(chance) - log_binomials(workers)[chosen]) / (n + 1.0))
    late = np.where(chance > PROBES.far_out, late, single)
    return np.concatenate((times.ppf(finished), times.isf(late)))


def _normal_score(result: Completion) -> FloatArray:
    from scipy import special

    low = special.ndtri_exp(np.minimum(result.log_probability, 0.0))
    return np.where(result.complement > 0.5, low, -special.ndtri(result.complement))


def _upper_normal(score: FloatArray) -> FloatArray:
    from scipy import special

    return np.asarray(special.ndtr(-score))
