"""Whether the workers of a trace are alike and independent, as models of worker times assume.

Four questions, asked of the logarithms of the times, whose effects are ratios:

- *unequal*: do workers differ permanently?  The spread of the workers' means, against that after
  exchanging the workers within blocks of successive rounds (which keeps short memory).
- *together*: are the workers of a round slow together?  The correlation of two workers in a round,
  against that after shifting every worker in time by itself.
- *persistent*: does a slow worker stay slow?  The largest correlation of a worker with itself some
  rounds before, over several lags, worker and round means taken out, against the largest one after
  shuffling the rounds (so that the choice of the lag is part of the test).
- *drift*: do times grow or fall?  The means of the two halves, with a standard error that allows
  for dependence between rounds.

Permutation tests hold their level whatever the distribution (Good, "Permutation, Parametric and
Bootstrap Tests of Hypotheses", 3rd edition, chapter 3).  An effect is reported when it is both
significant and large enough to matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.workers.trace import Trace

__all__ = ["Dependence", "Effect", "dependence_of", "mean_error"]


@dataclass(frozen=True)
class Limits:
    """When an effect is reported."""

    p_value: float = 0.005  # four questions then raise a false alarm in 2 % of i.i.d. traces
    permutations: int = 399  # the smallest p-value is 1/400
    spread: float = 0.02  # workers' means differ by 2 %
    together: float = 0.05  # a correlation between workers that costs redundancy something
    persistent: float = 0.1  # a correlation between rounds that a forecast could use
    lags: tuple[int, ...] = (1, 2, 3, 5, 8)  # rounds apart; at most a quarter of the rounds
    drift: float = 0.05  # halves differ by 5 %
    drift_errors: float = 3.0  # halves differ by so many standard errors
    rounds: int = 8  # fewer rounds answer nothing
    entries: int = 100_000  # a part of a larger trace is enough
    part_rounds: int = 500  # rounds of that part at the least
    block_power: float = 0.45  # blocks of ``rounds**0.45``: they grow, and so does their number


LIMITS = Limits()


@dataclass(frozen=True)
class Effect:
    """One answer.

    Attributes
    ----------
    size : float
        How large the effect is (see :class:`Dependence`); NaN if the trace cannot tell.
    p_value : float
        Chance of an effect of this size where there is none.
    shown : bool
        Whether it is significant and large enough to matter.
    lag : int
        How many rounds apart it was found; 1 where no lag was chosen.
    """

    size: float = math.nan
    p_value: float = math.nan
    shown: bool = False
    lag: int = 1

    @property
    def apart(self) -> str:
        """The lag in words: ``"successive rounds"``, ``"rounds 3 apart"``."""
        return "successive rounds" if self.lag == 1 else f"rounds {self.lag} apart"


@dataclass(frozen=True)
class Dependence:
    """How far a trace is from independent and identically distributed times.

    Attributes
    ----------
    unequal : Effect
        Standard deviation of the workers' mean log times, chance taken out: 0.1 means 10 %.
    together : Effect
        Correlation of two workers in the same round.
    persistent : Effect
        Correlation of a worker with itself some rounds before, largest over several lags.
    drift : Effect
        Ratio of the times of the second half to those of the first, less 1.
    """

    unequal: Effect = Effect()
    together: Effect = Effect()
    persistent: Effect = Effect()
    drift: Effect = Effect()

    @property
    def small_effects(self) -> bool:
        """Whether an effect is significant, but too small to matter."""
        effects = (self.unequal, self.together, self.persistent, self.drift)
        return any(e.p_value <= LIMITS.p_value and not e.shown for e in effects)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not hold, and what follows from it; empty for i.i.d. times."""
        found = []
        if self.unequal.shown:
            found.append(
                f"Workers differ for good (their mean times by {self.unequal.size:.0%}): pooled "
                "times and fitted families describe none of them. Use whole rounds (mode "
                "rounds), and compare with giving slow workers less work or leaving them out."
            )
        if self.together.shown:
            found.append(
                f"Workers are slow together (correlation {self.together.size:.2f} within a "
                "round): no other worker can step in for a slow round, and models of "
                "independent workers promise too much. Use whole rounds."
            )
        if self.persistent.shown:
            found.append(
                f"Slow workers stay slow (correlation {self.persistent.size:.2f} of "
                f"{self.persistent.apart}): rounds are not independent, so that plain standard "
                "errors are too small. Judge designs on later rounds, and compare with balancing "
                "the work."
            )
        if self.drift.shown:
            found.append(
                f"Times drift (second half {self.drift.size:+.0%}): a design from early rounds "
                "is made for other times than those it meets. Use recent rounds, measure again."
            )
        return tuple(found)


def dependence_of(trace: Trace, *, seed: int = 0) -> Dependence:
    """Ask a trace the four questions of this module.

    Parameters
    ----------
    trace : Trace
        Measured times; infinite ones count as ten times the largest finite one of all.
    seed : int, optional
        Of the permutations.

    Examples
    --------
    >>> from cgcopt.workers.families import Gamma
    >>> rng = np.random.default_rng(5)
    >>> times = Gamma(shape=2.0, scale=1.0).sample(100, 6, rng)
    >>> dependence_of(Trace(times)).warnings
    ()
    >>> times[:, 0] *= 2.0
    >>> round(dependence_of(Trace(times)).unequal.size, 1)
    0.3
    """
    if trace.round_count < LIMITS.rounds:
        return Dependence()
    times = trace.times
    if not np.isfinite(times).all():
        finite = times[np.isfinite(times)]
        times = np.minimum(times, 10.0 * finite.max() if finite.size else 1.0)
    y = np.log(_part(times))
    rng = np.random.default_rng(seed)
    alone = y.shape[1] < 2
    return Dependence(
        unequal=Effect() if alone else _unequal(y, rng),
        together=Effect() if alone else _together(y, rng),
        persistent=_persistent(y, rng),
        drift=_drift(y),
    )


def mean_error(values: FloatArray) -> float:
    """Standard error of the mean of successive, possibly dependent values.

    Newey and West's estimator with Bartlett weights and ``K**(1/3)`` lags ("A Simple, Positive
    Semi-Definite, Heteroskedasticity and Autocorrelation Consistent Covariance Matrix",
    Econometrica 55, 1987).  Differences from the estimated mean are correlated by ``-1/K``; what
    they lack is put right, so that the variance of independent values is without bias.

    Examples
    --------
    >>> alternating, drifting = np.tile([1.0, 3.0], 50), np.repeat([1.0, 3.0], 50)
    >>> round(mean_error(alternating), 3), round(mean_error(drifting), 3)
    (0.046, 0.224)
    """
    count = values.size
    if count < 2:
        return math.nan
    off = values - values.mean()
    lags = min(int(count ** (1 / 3)), count - 1)
    variance, freedom = float(off @ off), count - 1.0
    for lag in range(1, lags + 1):
        weight = 2 * (1 - lag / (lags + 1))
        variance += weight * float(off[lag:] @ off[:-lag])
        freedom -= weight * (1 - lag / count)
    return math.sqrt(variance / (count * freedom))


def _part(times: FloatArray) -> FloatArray:
    """The last rounds of evenly chosen workers, where there are more times than are needed."""
    workers = min(times.shape[1], max(1, LIMITS.entries // LIMITS.part_rounds))
    columns = np.linspace(0, times.shape[1] - 1, workers).astype(int)
    return times[-(LIMITS.entries // workers) :, columns]


def _tested(
    observed: float, draw: Callable[[], float], scale: Callable[[float, float], float], least: float
) -> Effect:
    """Compare a statistic with its values where there is no effect."""
    chance = np.array([draw() for _ in range(LIMITS.permutations)])
    p_value = (1 + int(np.count_nonzero(chance >= observed))) / (1 + chance.size)
    size = scale(observed, float(chance.mean()))
    return Effect(size, p_value, p_value <= LIMITS.p_value and size >= least)


def _unequal(y: FloatArray, rng: np.random.Generator) -> Effect:
    rounds = y.shape[0]
    off = y - y.mean(axis=1, keepdims=True)
    length = max(1, round(rounds**LIMITS.block_power))
    starts = np.arange(0, rounds, length)
    sums = np.add.reduceat(off, starts, axis=0)

    def draw() -> float:
        shuffled = rng.permuted(sums, axis=1)
        return float(np.var(shuffled.sum(axis=0) / rounds))

    observed = float(np.var(off.mean(axis=0)))
    return _tested(observed, draw, lambda a, b: math.sqrt(max(a - b, 0.0)), LIMITS.spread)


def _together(y: FloatArray, rng: np.random.Generator) -> Effect:
    rounds, workers = y.shape
    off = y - y.mean(axis=0)
    variance = float(np.mean(off**2))
    if variance == 0.0:
        return Effect(0.0, 1.0)
    columns = np.arange(workers)
    base = np.arange(rounds)[:, None]

    def draw() -> float:
        shift = rng.integers(rounds, size=workers)
        return correlation(off[(base + shift) % rounds, columns])

    def correlation(z: FloatArray) -> float:
        """Mean correlation of two different workers, from the variance of the means of rounds."""
        common = float(np.var(z.mean(axis=1)))
        return float((common * workers / variance - 1.0) / (workers - 1))

    return _tested(correlation(off), draw, lambda a, _: a, LIMITS.together)


def _persistent(y: FloatArray, rng: np.random.Generator) -> Effect:
    off = y - y.mean(axis=0)
    if y.shape[1] > 1:
        off = off - off.mean(axis=1, keepdims=True)
    variance = float(np.mean(off**2))
    if variance == 0.0:
        return Effect(0.0, 1.0)

    lags = [lag for lag in LIMITS.lags if 4 * lag <= len(off)]

    def correlations(z: FloatArray) -> list[float]:
        return [float(np.mean(z[lag:] * z[:-lag])) / variance for lag in lags]

    found = correlations(off)
    effect = _tested(
        max(found),
        lambda: max(correlations(rng.permutation(off))),
        lambda a, _: a,
        LIMITS.persistent,
    )
    return replace(effect, lag=lags[int(np.argmax(found))])


def _drift(y: FloatArray) -> Effect:
    means = y.mean(axis=1)
    half = means.size // 2
    first, second = means[:half], means[half:]
    change = float(second.mean() - first.mean())
    error = math.hypot(mean_error(first), mean_error(second))
    if error == 0.0:
        return Effect(math.expm1(change), 1.0 if change == 0.0 else 0.0, abs(change) > LIMITS.drift)
    errors = abs(change) / error
    p_value = math.erfc(errors / math.sqrt(2.0))
    shown = errors >= LIMITS.drift_errors and abs(math.expm1(change)) >= LIMITS.drift
    return Effect(math.expm1(change), p_value, shown)
