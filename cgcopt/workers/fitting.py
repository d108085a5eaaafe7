"""Which family of worker times fits a trace.

Each family is fitted to the first part of the rounds and judged on the rest, by the mean
log-likelihood and by the Kolmogorov-Smirnov distance; then it is fitted to all rounds.
How a family is fitted, the shift above all, is told in :mod:`cgcopt.workers.estimators`.

*Held-out times below the fitted support.*  They have density 0, and one such time would make the
log-likelihood of a good fit ``-inf``.  By exchangeability the next observation lies below the
smallest of ``n`` with probability ``1/(n + 1)``; the judge therefore scales every fitted density
by ``n/(n + 1)`` and spreads the mass ``1/(n + 1)`` evenly between 0 and the lower end of its
support.  Their share is reported.

Only the pooled times are judged.  Workers of one round, and one worker in successive rounds, are
dependent in many traces; no family here can show that (see ``mode = "rounds"``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cgcopt._validate import did_you_mean, finite_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import ContinuousTimes
from cgcopt.workers.estimators import ESTIMATORS, estimate
from cgcopt.workers.location_scale import LocationScale
from cgcopt.workers.trace import Trace

__all__ = ["FitResult", "FitRow", "fit"]

#: Times that families are fitted to; beyond them the errors of a fit are below those of any family.
MOST_TIMES = 50_000


@dataclass(frozen=True)
class FitRow:
    """How one family fits.

    Attributes
    ----------
    family : str
        Name of the family.
    model : ContinuousTimes or None
        The family fitted to all rounds.
    trained : ContinuousTimes or None
        The family fitted to the first part of the rounds; what the figures below speak of.
    log_likelihood_in : float
        Mean log-density of the times it was fitted to, in nats per time.
    log_likelihood_out : float
        Mean log-density of the held-out times, in nats per time; with the mass ``1/(n + 1)``
        below the support (see the module).  The rows are ranked by it.
    distance : float
        Kolmogorov-Smirnov distance to the held-out times.
    outside : float
        Share of the held-out times below the fitted support.
    failure : str
        Why the family could not be fitted; empty if it could.  The figures are then NaN.
    """

    family: str
    model: ContinuousTimes | None
    trained: ContinuousTimes | None
    log_likelihood_in: float
    log_likelihood_out: float
    distance: float
    outside: float
    failure: str = ""


@dataclass(frozen=True)
class FitResult:
    """The families, best first.

    Attributes
    ----------
    rows : tuple of FitRow
        By held-out log-likelihood; families that could not be fitted come last.
    train, test : Trace
        What was fitted to, and what was held out.
    drift : float
        Kolmogorov-Smirnov distance between the two: how different the parts themselves are.
    note : str
        What is unusual about the split; empty if nothing is.
    """

    rows: tuple[FitRow, ...]
    train: Trace
    test: Trace
    drift: float
    note: str = ""

    @property
    def best(self) -> ContinuousTimes:
        """The model of the first row, fitted to all rounds.

        Raises
        ------
        InvalidInputError
            If no family could be fitted.
        """
        if self.rows[0].model is None:
            raise InvalidInputError("trace", repr(self.train), f"fitted ({self.rows[0].failure})")
        return self.rows[0].model

    @property
    def best_finite(self) -> ContinuousTimes:
        """The first model whose mean is finite, as an expected runtime needs it.

        A Pareto distribution often fits best, and often with a shape below 1: its mean is
        infinite, and so is the expected runtime of every design.

        Raises
        ------
        InvalidInputError
            If no family could be fitted with a finite mean.
        """
        for row in self.rows:
            if row.model is not None and math.isfinite(row.model.mean()):
                return row.model
        raise InvalidInputError("trace", repr(self.train), "fitted by a family with a finite mean")

    def row(self, family: str) -> FitRow:
        """The row of a family.

        Raises
        ------
        InvalidInputError
            If the family was not among those fitted.
        """
        for row in self.rows:
            if row.family == family:
                return row
        allowed = did_you_mean(family, [row.family for row in self.rows])
        raise InvalidInputError("family", family, allowed)


def fit(trace: Trace, *, holdout: float = 0.5, families: Sequence[str] | None = None) -> FitResult:
    """Fit families of worker times to a trace and rank them on rounds they have not seen.

    Parameters
    ----------
    trace : Trace
        Measured times; at least 4 of them.
    holdout : float, optional
        Share of the rounds, the last ones, that are held out; between 0 and 1.  A trace of a
        single round is split by workers, and the note says so.
    families : sequence of str, optional
        Which families to fit; all six by default.

    Returns
    -------
    FitResult
        The rows, best first.  A family that cannot be fitted is a row with a reason.

    Raises
    ------
    InvalidInputError
        If the trace is too short, or ``holdout`` or a family is refused.

    Examples
    --------
    >>> from cgcopt.workers import ShiftedExponential
    >>> rng = np.random.default_rng(1)
    >>> trace = Trace(ShiftedExponential(rate=0.5, shift=10.0).sample(200, 10, rng))
    >>> result = fit(trace, families=["lognormal", "shifted-exponential"])
    >>> [row.family for row in result.rows]
    ['shifted-exponential', 'lognormal']
    >>> round(result.best.shift, 2), round(result.best.rate, 2)
    (10.0, 0.5)
    """
    holdout = finite_number("holdout", holdout, above=0.0, below=1.0)
    names = tuple(ESTIMATORS) if families is None else tuple(families)
    for name in names:
        if name not in ESTIMATORS:
            raise InvalidInputError("families", name, did_you_mean(str(name), ESTIMATORS))
    if not names or len(set(names)) < len(names):
        raise InvalidInputError("families", names, "different names, at least one")
    if trace.times.size < 4:
        raise InvalidInputError("trace", repr(trace), "at least 4 times, to fit and to judge")
    if not np.isfinite(trace.times).all():
        count = int(np.count_nonzero(np.isinf(trace.times)))
        allowed = f"without its {count} infinite times, to fit (missing = drop-round reads it so)"
        raise InvalidInputError("trace", repr(trace), allowed)
    train, test, note = _split(trace, 1.0 - holdout)
    seen, held, whole = (_ordered(part.times) for part in (train, test, trace))
    if trace.times.size > MOST_TIMES:
        few = f"fitted to {whole.size} of {trace.times.size} times, evenly in their order by size"
        note = f"{note}; {few}" if note else few
    rows = [_fit_family(name, seen, held, whole) for name in names]
    rows.sort(key=lambda row: (bool(row.failure), -row.log_likelihood_out, row.distance))
    return FitResult(tuple(rows), train, test, _two_sample_distance(seen, held), note)


def _ordered(times: FloatArray) -> FloatArray:
    """The times in increasing order, evenly thinned where there are very many."""
    ordered = np.sort(times, axis=None)
    if ordered.size <= MOST_TIMES:
        return ordered
    return ordered[((np.arange(MOST_TIMES) + 0.5) * (ordered.size / MOST_TIMES)).astype(np.int64)]


def _split(trace: Trace, fraction: float) -> tuple[Trace, Trace, str]:
    if trace.round_count > 1:
        return *trace.split(fraction), ""
    cut = min(max(round(trace.workers * fraction), 1), trace.workers - 1)
    parts = trace.select(range(cut)), trace.select(range(cut, trace.workers))
    return *parts, "a single round: fitted to its first workers, judged on the others"


def _fit_family(name: str, train: FloatArray, test: FloatArray, whole: FloatArray) -> FitRow:
    try:
        with np.errstate(all="ignore"):
            trained, model = estimate(name, train), estimate(name, whole)
            inside = float(np.mean(trained.logpdf(train)))
            outside, judged = _judge(trained, train.size, test)
        if not math.isfinite(inside) or math.isnan(judged):
            raise ArithmeticError("the likelihood leaves the range of double precision")
    except (ValueError, ArithmeticError, RuntimeError) as error:
        nan = math.nan
        return FitRow(name, None, None, nan, nan, nan, nan, str(error))
    return FitRow(name, model, trained, inside, judged, _distance(trained, test), outside)


def _judge(model: LocationScale, seen: int, times: FloatArray) -> tuple[float, float]:
    """Share of the times below the support, and the mean log-density of all of them."""
    density = model.logpdf(times)
    if model.origin == 0.0:
        return 0.0, float(density.mean())
    below = times < model.origin
    spread = -math.log(seen + 1.0) - math.log(model.origin)
    density = np.where(below, spread, density + math.log(seen / (seen + 1.0)))
    return float(below.mean()), float(density.mean())


def _distance(model: ContinuousTimes, ordered: FloatArray) -> float:
    """Kolmogorov-Smirnov distance between a model and observations in increasing order."""
    heights = model.cdf(ordered)
    steps = np.arange(ordered.size + 1) / ordered.size
    return float(max(np.max(steps[1:] - heights), np.max(heights - steps[:-1])))


def _two_sample_distance(a: FloatArray, b: FloatArray) -> float:
    at = np.concatenate((a, b))
    below = [np.searchsorted(part, at, side="right") / part.size for part in (a, b)]
    return float(np.max(np.abs(below[0] - below[1])))
