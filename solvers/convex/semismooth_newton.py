"""Newton's method over the simplex for a convex function whose slope is only piecewise smooth."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import Point, bfgs_update
from cgcopt.solvers.convex.simplex_qp import simplex_minimiser

__all__ = ["semismooth_newton"]

#: Damping of the curvature: at first, after a step that went too far and at the least; by what it
#: falls after a step at whose end the slope along it still falls by a share, and grows after one at
#: whose end the slope has turned, to a share of what it was.
_FIRST, _RAISED, _LEAST = 0.1, 1e-3, 1e-6
_FALL, _SHORT, _GROWTH, _TURNED = 10.0, 0.1, 4.0, 0.3
#: Share of the curvature on a coarser scale that is added, so that steps do not run far beyond the
#: piece on which the local one holds: at first, at least and at most, and the factor by which it falls
#: after a step whose end is not too far and grows after one that is.
_SHARE, _LEAST_SHARE, _MOST_SHARE, _SHARE_FACTOR = 0.1, 0.02, 16.0, 4.0
#: Share of the mean curvature that keeps the model definite.
_DEFINITE = 1e-6


def semismooth_newton(
    oracle: Callable[[FloatArray], Point],
    curvature: Callable[[float], FloatArray],
    start: FloatArray,
    coarse: FloatArray | None,
    incumbent: Incumbent,
    clock: Clock,
    *,
    steps: int,
    pairs: int = 1,
) -> tuple[FloatArray, FloatArray]:
    """Minimise until the gap is closed, the time is over or the steps are used up.

    Every step goes to the minimiser of the quadratic model over the whole simplex, and where that is
    too far, back to where the slope along the step should vanish. What the slope did along the last
    steps corrects the model.

    Parameters
    ----------
    oracle : callable
        Evaluates a partition.
    curvature : callable
        Takes a damping and returns the curvature at the partition evaluated last, shape ``(N, N)``,
        positive semidefinite.
    start : ndarray, shape (N,)
        On the simplex.
    coarse : ndarray, optional
        Curvature on a coarser scale, such as that of an earlier run.
    incumbent : Incumbent
        Receives every bound, and as its design the point whose slope alone proves most.
    clock : Clock
        When to stop.
    steps : int
        Evaluations at most.
    pairs : int
        How many steps correct the model: after long ones only the last still says what lies ahead.

    Returns
    -------
    partition, curvature : ndarray
        The point whose slope alone proves most, and the last curvature that was computed.
    """
    best: Point | None = None

    def evaluated(partition: FloatArray) -> Point:
        nonlocal best
        point = oracle(partition)
        # Values are no upper bounds, and slopes that are far from balanced have values far too small.
        if best is None or point.slope.min() > best.slope.min():
            best = point
        incumbent.settle(best.partition, best.value, point.bound)
        return point

    here = evaluated(start)
    used, damping, share = 1, _FIRST, _SHARE
    last: deque[tuple[FloatArray, FloatArray]] = deque(maxlen=pairs)
    plain = coarse
    while used < steps and not (incumbent.closed or clock.expired):
        model, plain = curvature(damping), curvature(0.0)
        if coarse is not None:
            model = model + share * coarse
        for pair in last:
            model = bfgs_update(model, *pair)
        target = _target(model, here)
        step = target - here.partition
        ahead = float(here.slope @ step)
        if not ahead < 0.0:
            break
        there, used = evaluated(target), used + 1
        beyond = float(there.slope @ step)
        last.append((step, there.slope - here.slope))
        if beyond < -_SHORT * ahead:
            damping = max(damping / _FALL, _LEAST)
        if beyond <= -_TURNED * ahead:
            share = max(share / _SHARE_FACTOR, _LEAST_SHARE)
        else:
            damping = max(damping * _GROWTH, _RAISED)
            share = min(share * _SHARE_FACTOR, _MOST_SHARE)
            if used < steps and not incumbent.closed:
                there, used = evaluated(here.partition + ahead / (ahead - beyond) * step), used + 1
        here = there
    assert incumbent.partition is not None
    return incumbent.partition, curvature(0.0) if plain is None else plain


def _target(model: FloatArray, here: Point) -> FloatArray:
    """Where the quadratic model, made definite, is least."""
    definite = model.copy()
    definite[np.diag_indices(len(model))] += _DEFINITE * np.trace(model) / len(model)
    return simplex_minimiser(definite, here.slope - definite @ here.partition)
