"""What a trace of worker times looks like: workers, tails, dependence, families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.dependence import Dependence, dependence_of, mean_error
from cgcopt.workers.trace import Trace

if TYPE_CHECKING:
    from cgcopt.workers.fitting import FitResult

__all__ = ["Inspection", "WorkerSummary", "inspect_trace"]


@dataclass(frozen=True)
class Limits:
    """Sizes from which on an effect is reported."""

    slow: float = 0.1  # a worker's times are so much above the others', in both halves
    slow_errors: float = 3.0  # they are above the others by so many standard errors
    largest_ratio: float = 10.0  # a time counts as so many medians at most: one stall is no habit
    least_rounds: int = 8  # fewer tell nothing
    few_rounds: int = 30  # fewer cannot carry a design of many parameters
    cap_ratio: float = 50.0  # a repeated largest time so far above the median is a time-out
    cap_count: int = 2


LIMITS = Limits()


@dataclass(frozen=True)
class WorkerSummary:
    """The times of one worker, seconds.

    Attributes
    ----------
    name : str
    median, mean, p95, largest : float
        Of its times; infinite where it did not answer.
    relative : float
        Median ratio of its time to the median time of the round.
    slowest : float
        Share of the rounds in which it is the last.
    failed : int
        Rounds in which it never answered.
    slow : bool
        Whether it is slow permanently: on average, of logarithms, well above the other workers, in
        both halves of the trace.
    """

    name: str
    median: float
    mean: float
    p95: float
    largest: float
    relative: float
    slowest: float
    failed: int
    slow: bool


@dataclass(frozen=True, eq=False)
class Inspection:
    """What :func:`inspect_trace` found in a trace.

    Attributes
    ----------
    trace : Trace
        The times.
    workers : tuple of WorkerSummary
        In the order of the columns.
    quantiles : dict
        Of all times: ``0.5``, ``0.9``, ``0.99`` and ``1`` (the largest), seconds.
    slowest_mean : float
        Mean of the slowest time of a round: a round without coding.
    speed_of_light : float
        Mean of ``N / sum_i (1/T_i)``: no scheme that computes everything once is faster.
    dependence : Dependence
        How far the times are from independent and identically distributed.
    families : FitResult or None
        Families fitted; ``None`` where the trace is too short or workers failed.
    warnings : tuple of str
        What does not hold, and what follows.
    """

    trace: Trace
    workers: tuple[WorkerSummary, ...]
    quantiles: Mapping[float, float]
    slowest_mean: float
    speed_of_light: float
    dependence: Dependence
    families: FitResult | None
    warnings: tuple[str, ...]

    @property
    def slow(self) -> tuple[WorkerSummary, ...]:
        """The workers that are slow permanently, the slowest first."""
        found = [worker for worker in self.workers if worker.slow]
        return tuple(sorted(found, key=lambda worker: -worker.relative))

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; ``None`` where a number is not finite."""
        families = [] if self.families is None else self.families.rows
        result = {
            "rounds": self.trace.round_count,
            "workers": [asdict(worker) for worker in self.workers],
            "quantiles": {str(q): value for q, value in self.quantiles.items()},
            "slowest_mean": self.slowest_mean,
            "speed_of_light": self.speed_of_light,
            "dependence": asdict(self.dependence),
            "families": [
                {"family": row.family, "held_out_log_likelihood": row.log_likelihood_out}
                for row in families
            ],
            "slow": [worker.name for worker in self.slow],
            "warnings": list(self.warnings),
            "reading": None if self.trace.reading is None else self.trace.reading.to_dict(),
        }
        return dict(_finite(result))


def inspect_trace(trace: Trace) -> Inspection:
    """Examine a trace before anything is designed for it.

    Parameters
    ----------
    trace : Trace
        Measured times.

    Examples
    --------
    >>> from cgcopt.workers.families import Gamma
    >>> times = Gamma(shape=4.0, scale=1.0).sample(60, 5, np.random.default_rng(2))
    >>> times[:, 3] *= 3.0
    >>> seen = inspect_trace(Trace(times))
    >>> [worker.name for worker in seen.slow]
    ['w3']
    >>> seen.warnings[0][:23]
    'Workers differ for good'
    """
    times = trace.times
    workers = _summaries(trace)
    dependence = dependence_of(trace)
    levels = (0.5, 0.9, 0.99, 1.0)
    found = np.quantile(times, levels, method="inverted_cdf")
    slowest = times.max(axis=1)
    with np.errstate(over="ignore"):
        light = trace.workers / (1.0 / times).sum(axis=1)
        means = float(slowest.mean()), float(light.mean())
    return Inspection(
        trace,
        workers,
        dict(zip(levels, found.tolist(), strict=True)),
        *means,
        dependence,
        _families(trace),
        (*dependence.warnings, *_other_warnings(trace)),
    )


def _summaries(trace: Trace) -> tuple[WorkerSummary, ...]:
    times = trace.times
    middle = np.quantile(times, 0.5, axis=1, method="inverted_cdf", keepdims=True)
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = np.where(np.isinf(times), np.inf, times / middle)
        means = times.mean(axis=0)
    medians, high = np.quantile(times, [0.5, 0.95], axis=0, method="inverted_cdf").tolist()
    figures = zip(
        trace.columns,
        medians,
        means.tolist(),
        high,
        times.max(axis=0).tolist(),
        np.quantile(ratios, 0.5, axis=0, method="inverted_cdf").tolist(),
        (times >= times.max(axis=1, keepdims=True)).mean(axis=0).tolist(),
        np.isinf(times).sum(axis=0).tolist(),
        _are_slow(ratios),
        strict=True,
    )
    return tuple(WorkerSummary(*row) for row in figures)


def _are_slow(ratios: FloatArray) -> list[bool]:
    """Which workers are slower than the others on average, in both halves of the rounds.

    Ratios are to the median of the round; a larger one than the limit counts as the limit.
    """
    rounds, workers = ratios.shape
    if rounds < LIMITS.least_rounds or workers < 2:
        return [False] * workers
    excess = np.minimum(ratios, LIMITS.largest_ratio)
    np.log(excess, out=excess)
    total = excess.sum(axis=1, keepdims=True)
    excess *= workers
    excess -= total
    excess /= workers - 1
    half, least = rounds // 2, np.log1p(LIMITS.slow)
    both = (excess[:half].mean(axis=0) >= least) & (excess[half:].mean(axis=0) >= least)
    return [
        bool(candidate and own.mean() > LIMITS.slow_errors * mean_error(own))
        for candidate, own in zip(both.tolist(), excess.T, strict=True)
    ]


def _families(trace: Trace) -> FitResult | None:
    from cgcopt.workers.fitting import fit

    if not np.isfinite(trace.times).all():
        return None
    try:
        return fit(trace)
    except InvalidInputError:
        return None


def _other_warnings(trace: Trace) -> list[str]:
    found = []
    times = trace.times
    failed = int(np.count_nonzero(np.isinf(times)))
    if failed:
        found.append(
            f"{failed} of {times.size} times are infinite (workers that never answered): the "
            "expected runtime of designs that wait for them is infinite. Ask for a deadline or a "
            "quantile."
        )
    largest = float(times.max())
    count = int(np.count_nonzero(times == largest))
    middle = float(np.quantile(times, 0.5, method="inverted_cdf"))
    if np.isfinite(largest) and count >= LIMITS.cap_count and largest > LIMITS.cap_ratio * middle:
        found.append(
            f"{count} times are exactly {largest:g} s, {largest / middle:.0f} times the median: "
            "time-outs? Leave such cells empty and read them with --missing failed."
        )
    if trace.round_count < LIMITS.few_rounds:
        found.append(
            f"Only {trace.round_count} rounds: designs with many levels fit their noise, and "
            "whether they hold on other rounds cannot be shown."
        )
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
