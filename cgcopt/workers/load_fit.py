"""Start-up and work told apart: the affine model of worker times at several loads.

A worker with load ``l`` takes ``A + B l`` seconds.  Three models, all fitted quantile by quantile
(``q_p(l)`` is the quantile of the times at load ``l``), by least squares of relative deviations:

- *work alone*: ``q_p(l) = b_p l``, what a design without costs assumes;
- *fixed start*: ``A = startup`` for all, ``q_p(l) = startup + b_p l``;
- *fixed work*: ``B = per_load`` for all, ``q_p(l) = a_p + per_load l`` (the spread is in the start).

Each is judged on the last rounds, which it has not seen, by its mean deviation from their quantiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.workers.fitting import FitResult, fit
from cgcopt.workers.loads import LoadTrace
from cgcopt.workers.trace import Trace

__all__ = ["LoadFit", "fit_loads"]


@dataclass(frozen=True)
class LoadFitSettings:
    """Numbers of the fit."""

    quantiles: int = 200
    """Quantiles of every load; more change nothing that a trace of some hundred rounds shows."""
    blocks: int = 10
    """Blocks of rounds that are left out in turn for standard errors."""
    margin: float = 0.999
    """Largest start-up over the smallest time, and work over the smallest time for a load of 1, so
    that both take time."""


SETTINGS = LoadFitSettings()


@dataclass(frozen=True, eq=False)
class LoadFit:
    """What starting and working cost.

    Attributes
    ----------
    trace : LoadTrace
    startup, startup_error : float
        Seconds before the work begins, the same for all, and the standard error of the estimate.
    per_load, per_load_error : float
        Mean seconds for a load of 1 besides.
    spread_of_start : ndarray, shape (quantiles,)
        Quantiles of the start in the model with fixed work.
    fixed_work : float
        Seconds for a load of 1 in that model.
    errors : dict
        For ``work-alone``, ``fixed-start`` and ``fixed-work`` the mean deviation from quantiles of
        rounds not seen, over their mean.
    work : FitResult
        Families for the seconds of a load of 1 without start-up.
    start : FitResult
        Families for the start in the model with fixed work.
    """

    trace: LoadTrace
    startup: float
    startup_error: float
    per_load: float
    per_load_error: float
    spread_of_start: FloatArray
    fixed_work: float
    errors: dict[str, float]
    work: FitResult
    start: FitResult

    @property
    def best(self) -> str:
        """The model with the smallest error."""
        return min(self.errors, key=lambda name: self.errors[name])


def fit_loads(trace: LoadTrace, *, holdout: float = 0.5) -> LoadFit:
    """Estimate start-up and work from times at several loads.

    Parameters
    ----------
    trace : LoadTrace
        At least two rounds at every load.
    holdout : float
        Share of the rounds, the last ones, that judge; the estimates are those of all rounds.

    Raises
    ------
    InvalidInputError
        If there are too few rounds.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> def seconds(load): return 3.0 + load * (1.0 + rng.exponential(0.5, size=(400, 5)))
    >>> trace = LoadTrace((1, 2, 4), tuple(Trace(seconds(load)) for load in (1, 2, 4)))
    >>> found = fit_loads(trace)
    >>> round(found.startup, 1), round(found.per_load, 1), found.best
    (3.0, 1.5, 'fixed-start')
    """
    share = finite_number("holdout", holdout, above=0.0, below=1.0)
    seen, held = trace.split(1.0 - share)
    loads, train, test = np.array(trace.loads), _quantiles(seen), _quantiles(held)
    models = {
        "work-alone": _spread_work(loads, train, 0.0),
        "fixed-start": _spread_work(loads, train, _startup(loads, train, _least(seen))),
        "fixed-work": _spread_start(loads, train, _least_each(seen))[2],
    }
    errors = {
        name: float(np.abs(test - model).mean() / test.mean()) for name, model in models.items()
    }
    startup, per_load = _estimates(trace)
    left_out = np.array([_estimates(part) for part in _without_blocks(trace)])
    count = len(left_out)
    spread = np.sqrt((count - 1) * left_out.var(axis=0)) if count > 1 else np.full(2, np.nan)
    starts, fixed_work, _ = _spread_start(loads, _quantiles(trace), _least_each(trace))
    work = fit(_pooled(trace, lambda times, load: (times - startup) / load, 0.0), holdout=holdout)
    start = fit(_pooled(trace, lambda times, load: times - fixed_work * load), holdout=holdout)
    return LoadFit(
        trace=trace,
        startup=startup,
        startup_error=float(spread[0]),
        per_load=per_load,
        per_load_error=float(spread[1]),
        spread_of_start=starts,
        fixed_work=fixed_work,
        errors=errors,
        work=work,
        start=start,
    )


def _quantiles(trace: LoadTrace) -> FloatArray:
    """Quantiles of the times, shape ``(loads, quantiles)``."""
    share = (np.arange(SETTINGS.quantiles) + 0.5) / SETTINGS.quantiles
    return np.array([np.quantile(part.times, share) for part in trace.traces])


def _least(trace: LoadTrace) -> float:
    """The smallest time of a load above 0."""
    pairs = zip(trace.loads, trace.traces, strict=True)
    return min(float(part.times.min()) for load, part in pairs if load > 0)


def _least_each(trace: LoadTrace) -> float:
    """The smallest time for a load of 1."""
    pairs = zip(trace.loads, trace.traces, strict=True)
    return min(float(part.times.min()) / load for load, part in pairs if load > 0)


def _estimates(trace: LoadTrace) -> tuple[float, float]:
    """Start-up, and mean seconds for a load of 1, in the model with fixed start."""
    loads, table = np.array(trace.loads), _quantiles(trace)
    startup = _startup(loads, table, _least(trace))
    return startup, float(_paces(loads, table, startup).mean())


def _startup(loads: FloatArray, table: FloatArray, least: float) -> float:
    """Least squares: every quantile has a pace of its own, which is eliminated."""
    weights, column = table**-2.0, loads[:, np.newaxis]
    own = (weights * column**2).sum(axis=0)
    # What is left of a constant, and of the quantiles, when multiples of the loads are taken off.
    ones = 1.0 - column * (weights * column).sum(axis=0) / own
    rest = table - column * (weights * column * table).sum(axis=0) / own
    startup = float((weights * ones * rest).sum() / (weights * ones**2).sum())
    return min(max(startup, 0.0), SETTINGS.margin * least)


def _spread_work(loads: FloatArray, table: FloatArray, startup: float) -> FloatArray:
    """Quantiles by the model with this start-up and a pace for every quantile."""
    return np.asarray(startup + loads[:, np.newaxis] * _paces(loads, table, startup))


def _paces(loads: FloatArray, table: FloatArray, startup: float) -> FloatArray:
    """Seconds for a load of 1 of every quantile, the start-up given."""
    weights, column = table**-2.0, loads[:, np.newaxis]
    total = (weights * column * (table - startup)).sum(axis=0)
    return np.asarray(total / (weights * column**2).sum(axis=0))


def _spread_start(
    loads: FloatArray, table: FloatArray, least: float
) -> tuple[FloatArray, float, FloatArray]:
    """Start of every quantile, one pace for all, and the quantiles by this model."""
    weights, column = table**-2.0, loads[:, np.newaxis]
    total = weights.sum(axis=0)
    centred = column - (weights * column).sum(axis=0) / total
    rest = table - (weights * table).sum(axis=0) / total
    pace = float((weights * centred * rest).sum() / (weights * centred**2).sum())
    pace = min(max(pace, 0.0), SETTINGS.margin * least)
    starts = (weights * (table - pace * column)).sum(axis=0) / total
    return starts, pace, np.asarray(starts + pace * column)


def _without_blocks(trace: LoadTrace) -> list[LoadTrace]:
    """The trace without each of several blocks of rounds."""
    count = min(SETTINGS.blocks, *(part.round_count for part in trace.traces))
    parts = []
    for b in range(count if count > 1 else 0):
        kept = []
        for part in trace.traces:
            block = np.arange(part.round_count) * count // part.round_count
            kept.append(Trace(part.times[block != b], part.columns))
        parts.append(LoadTrace(trace.loads, tuple(kept)))
    return parts


def _pooled(
    trace: LoadTrace, change: Callable[[FloatArray, float], FloatArray], least: float = -1.0
) -> Trace:
    """Changed times of all loads above ``least``, in the order of the rounds."""
    rows, places = [], []
    for load, part in zip(trace.loads, trace.traces, strict=True):
        if load > least:
            rows.append(change(part.times, load))
            places.append((np.arange(part.round_count) + 0.5) / part.round_count)
    order = np.argsort(np.concatenate(places), kind="stable")
    return Trace(np.vstack(rows)[order], trace.traces[0].columns, trace.path)
