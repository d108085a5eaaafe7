"""Quasi-Newton steps in relative changes of the work, for work that spans many decades.

With heavy tails the best work of level 0 may be a millionth of a millionth of that of level ``N-1``,
and the value hardly depends on it, but the bound does. A step in the partition cannot resolve such
levels. The optimality condition ``df/dw_n = f v_n`` has the same size on all of them, so steps are
taken in ``log w_n``, from the Hessian that a soft maximum of the levels would have.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, partition_of_work, work_of_partition
from cgcopt.errors import SolverError
from cgcopt.process.clock import Clock
from cgcopt.solvers.convex.combined_bound import QUADRATURE, proven
from cgcopt.solvers.convex.incumbent import Incumbent
from cgcopt.solvers.convex.knapsack_qp import maximise_quadratic
from cgcopt.solvers.convex.quasi_newton import Evaluated, Oracle, bfgs_update
from cgcopt.solvers.convex.step_control import StepControl

__all__ = ["RelativeSteps", "relative_quasi_newton"]


@dataclass(frozen=True)
class RelativeSteps:
    """Settings of :func:`relative_quasi_newton`."""

    evaluations: int = 200
    """Evaluations at most; without a tail index near 1 some ten are enough."""
    sharpness: float = 1.0
    """Sharpness of the soft maximum that gives the first Hessian; 0.5 and 2 took no fewer evaluations."""
    longest: StepControl = field(
        default_factory=lambda: StepControl(first=4.0, fall=4.0, least=1e-3, growth=2.0, most=4.0)
    )
    """Change of ``log w_n`` in one step at most: 4 is a factor of 55, some steps for the widest
    spreads. It falls when a step made the value worse, and half is given back by one that did not."""
    shares: tuple[float, ...] = (1.0, 1e-4, 1e-8, 1e-16, 1e-32, 1e-64)
    """Factors on the work of a start below the last level, in turn while it cannot be valued."""
    failures: int = 6
    """Designs in a row that cannot be valued after which the run ends: they are slow to fail."""
    combined: int = 10
    """Evaluations after which all gradients met are combined to a bound."""
    nearly_nothing: float = 1e-20
    """Share of the work of the next level that costs nothing and still gives a level its gradient."""
    small: float = 1e-8
    """Change of ``log w_n`` below which the logarithmic mean of the work is the work: rounding."""


_DEFAULT = RelativeSteps()


@dataclass(frozen=True, eq=False)
class _Place:
    """A design in terms of its work, with ``sum_n v_n w_n = 1``."""

    work: FloatArray
    value: float
    gradient: FloatArray
    """``df/dw``."""
    bound: float

    @classmethod
    def of(cls, work: FloatArray, point: Evaluated) -> _Place:
        tails = point.gradient / np.arange(1.0, work.size + 1.0)
        return cls(work, point.value, tails - np.append(tails[1:], 0.0), point.bound)


def relative_quasi_newton(
    oracle: Oracle,
    start: FloatArray,
    incumbent: Incumbent,
    clock: Clock,
    *,
    cuts: list[FloatArray],
    settings: RelativeSteps = _DEFAULT,
) -> None:
    """Minimise a convex function that is homogeneous of degree 1 over partitions with sum 1.

    Parameters
    ----------
    oracle : callable
        Evaluates a partition.
    start : ndarray, shape (N,)
        On the simplex.
    incumbent : Incumbent
        Receives every point.
    clock : Clock
        When to stop.
    cuts : list of ndarray
        Subgradients to which the oracle adds those it meets.
    settings : RelativeSteps
    """
    # All on the last level is simple enough to be valued whatever the times.
    _evaluated(oracle, np.append(np.zeros(start.size - 1), start.size), incumbent)
    here = _first(oracle, work_of_partition(start), incumbent, clock, settings)
    if here is None:
        return
    model = _soft_maximum(here, settings.sharpness)
    longest, failures = settings.longest.first, 0
    for used in range(1, settings.evaluations):
        if incumbent.closed or clock.expired:
            return
        target = _normalised(here.work * np.exp(_step(model, here, longest)))
        change = float(np.abs(np.log(target / here.work)).max())
        if change == 0.0:
            break
        there = _evaluated(oracle, target, incumbent)
        failures = failures + 1 if there is None else 0
        if failures == settings.failures:
            break
        if there is not None:
            model = _updated(model, here, there, settings.small)
        if there is not None and (there.value <= here.value or there.bound > here.bound):
            longest = settings.longest.grown(longest)
            here = there
        else:
            longest = settings.longest.lowered(min(longest, change))
        if used % settings.combined == 0:
            _combine(oracle, here, incumbent, cuts, settings)
    _combine(oracle, here, incumbent, cuts, settings)


def _combine(
    oracle: Oracle,
    here: _Place,
    incumbent: Incumbent,
    cuts: list[FloatArray],
    settings: RelativeSteps,
) -> None:
    """Take the bound of all gradients met, and of one more where levels without work lower it.

    With a tail index near 1 the best work of level 0 is a power of 10 with three digits or none at all in
    double precision. A little more of it costs nothing, and its gradient then is large.
    """
    incumbent.bound = max(incumbent.bound, proven(cuts, QUADRATURE))
    if incumbent.closed:
        return
    tails = np.cumsum((here.gradient)[::-1])[::-1] * np.arange(1.0, here.work.size + 1.0)
    low = int(np.argmax(tails >= here.value * (1.0 - incumbent.target)))
    nearly = here.work[low] * settings.nearly_nothing
    if low > 0 and here.work[low - 1] < nearly:
        raised = here.work.copy()
        raised[:low] = nearly
        _evaluated(oracle, _normalised(raised), incumbent)
        incumbent.bound = max(incumbent.bound, proven(cuts, QUADRATURE))


def _first(
    oracle: Oracle, work: FloatArray, incumbent: Incumbent, clock: Clock, settings: RelativeSteps
) -> _Place | None:
    """The start, or where that cannot be valued, less and less work below the last level."""
    for share in settings.shares:
        scaled = np.append(work[:-1] * share, work[-1])
        work = _normalised(np.maximum(scaled, np.finfo(np.float64).tiny))
        here = _evaluated(oracle, work, incumbent)
        if here is not None or clock.expired:
            return here
    return None


def _evaluated(oracle: Oracle, work: FloatArray, incumbent: Incumbent) -> _Place | None:
    """Evaluate a design; ``None`` where double precision does not reach."""
    partition = np.maximum(partition_of_work(work), 0.0)
    try:
        point = oracle(partition / partition.sum())
    except SolverError:
        return None
    incumbent.offer(point.partition, point.value, point.bound)
    return _Place.of(work, point)


def _soft_maximum(here: _Place, sharpness: float) -> FloatArray:
    """Hessian in ``2 sqrt(w)`` of a soft maximum of the levels at its optimum, relative changes alike."""
    weights = budget_weights(here.work.size)
    side = weights * np.sqrt(here.work)
    return np.asarray(sharpness * here.value * (np.diag(weights) - np.outer(side, side)))


def _step(model: FloatArray, here: _Place, longest: float) -> FloatArray:
    """Change of ``log w`` that minimises the model within the budget, no entry above ``longest``."""
    root = np.sqrt(here.work)
    weights = budget_weights(root.size)
    side = weights * root
    # Constant within the budget; the model is flat along the ray of the design.
    definite = model + here.value * np.outer(side, side)
    unit = 1.0 / np.sqrt(np.diagonal(definite))
    ascent = root * (here.value * weights - here.gradient)
    room = longest * root / unit
    step = maximise_quadratic(
        -definite * np.outer(unit, unit), ascent * unit, side * unit, -room, room
    )
    return step * unit / root


def _updated(model: FloatArray, here: _Place, there: _Place, least: float) -> FloatArray:
    """BFGS update; the logarithmic mean of the work makes the pair curve upwards by convexity."""
    change = np.log(there.work / here.work)
    small = np.abs(change) < least
    mean = np.where(small, here.work, (there.work - here.work) / np.where(small, 1.0, change))
    root = np.sqrt(mean)
    return bfgs_update(model, root * change, root * (there.gradient - here.gradient))


def _normalised(work: FloatArray) -> FloatArray:
    """Make the work nondecreasing and its partition sum to 1."""
    rising = np.maximum.accumulate(work)
    return np.asarray(rising / float(budget_weights(work.size) @ rising))
