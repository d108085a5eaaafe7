"""The layer program of hierarchical coding and the analytic centre of its optimal face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError

__all__ = ["CentreTuning", "analytic_centre"]


@dataclass(frozen=True)
class CentreTuning:
    """Numbers of :func:`analytic_centre`. No measurement of them is on record."""

    most_layers: int = 20_000
    """More layers than this are represented by this many: the centre has a limit in ``j/r``."""
    steps: int = 200
    """Newton steps at most; then the run fails."""
    decrement: float = 1e-12
    """Square of the Newton decrement for every free layer at which the centre is reached."""
    interior: float = 0.99
    """Share of the way to the boundary that a step goes at most."""
    gain: float = 0.25
    """Share of the predicted gain, half of the decrement for a full step, that a step must have."""
    shortest: float = 1e-12
    """Length below which a step is not halved again."""
    face: float = 1e-15
    """Absolute accuracy of ``z`` where the layers have their sum."""
    start: float = 1e-12
    """Absolute accuracy of the logarithm that gives the start its sum."""
    widest: float = 40.0
    """Largest absolute value of that logarithm."""


_DEFAULT = CentreTuning()


def analytic_centre(workers: int, layers: int, tuning: CentreTuning = _DEFAULT) -> FloatArray:
    """Analytic centre of the optimal face for ``r = L/2`` layers, shape ``(min(r, most_layers),)``.

    The optimum of ``max z, s_j + 1 >= z j, s_j <= N-1, s nondecreasing, sum_j s_j = r (N-2)`` is
    ``z = N/r`` and forces ``s_r = N-1``. The centre maximises the sum of the logarithms of the other
    constraints' slacks; it is where an interior-point method without crossover ends. Newton's method
    on the tridiagonal Hessian with one linear constraint.
    """
    from scipy.linalg import solveh_banded

    r = min(layers, tuning.most_layers)
    top = workers - 1.0
    free = r - 1
    total = r * (workers - 2.0) - top
    floor = np.maximum(workers * np.arange(1, r) / r - 1, 0.0)
    if floor.sum() >= total:  # few layers or workers: z < N/r, and the optimum is unique
        return _proportional_layers(r, r * (workers - 2.0))
    s = _interior_start(floor, top, total)
    for _ in range(tuning.steps):
        gaps = np.diff(s, append=top)
        above, below = 1 / (s - floor), 1 / gaps
        gradient = above - below
        gradient[1:] += below[:-1]
        banded = np.zeros((2, free))
        banded[1] = above**2 + below**2
        banded[1, 1:] += below[:-1] ** 2
        banded[0, 1:] = -(below[:-1] ** 2)
        solved = solveh_banded(banded, np.column_stack([gradient, np.ones(free)]))
        step = solved[:, 0] - solved[:, 1] * (solved[:, 0].sum() / solved[:, 1].sum())
        decrement = float(gradient @ step)
        if decrement < tuning.decrement * free:
            return np.append(s, top)
        s = s + _step_length(s, floor, top, step, decrement, tuning) * step
    raise SolverError("the analytic centre of the layer program was not reached")


def _proportional_layers(layers: int, total: float) -> FloatArray:
    """``s_j = max(z j - 1, 0)`` with the given sum."""
    from scipy.optimize import brentq

    rank = np.arange(1.0, layers + 1)

    def layer_redundancies(z: float) -> FloatArray:
        curve: FloatArray = np.maximum(z * rank - 1, 0.0)
        return curve

    if total <= 0:
        return np.zeros(layers)
    highest = (total + layers) / layers + 1
    return layer_redundancies(
        brentq(
            lambda z: float(layer_redundancies(z).sum()) - total, 0.0, highest, xtol=_DEFAULT.face
        )
    )


def _interior_start(floor: FloatArray, top: float, total: float) -> FloatArray:
    """Strictly increasing point between ``floor`` and ``top`` with the given sum."""
    from scipy.optimize import brentq

    # In the limit of many workers and layers the centre is top + log(j/r).
    decay = -np.log(np.arange(1, floor.size + 1) / (floor.size + 1))
    room = top - floor

    def point(log_size: float) -> FloatArray:
        size = np.exp(log_size) * decay
        curve: FloatArray = top - size * room / (size + room)
        return curve

    widest, accuracy = _DEFAULT.widest, _DEFAULT.start
    return point(
        brentq(lambda size: float(point(size).sum()) - total, -widest, widest, xtol=accuracy)
    )


def _step_length(
    s: FloatArray,
    floor: FloatArray,
    top: float,
    step: FloatArray,
    decrement: float,
    tuning: CentreTuning,
) -> float:
    """Largest halving of the step to the boundary that gains a share of what is predicted."""

    def barrier(point: FloatArray) -> float:
        return float(np.log(point - floor).sum() + np.log(np.diff(point, append=top)).sum())

    slack = np.concatenate([s - floor, np.diff(s, append=top)])
    rate = np.concatenate([step, np.diff(step, append=0.0)])
    shrinking = rate < 0
    longest = float(np.min(slack[shrinking] / -rate[shrinking])) if shrinking.any() else np.inf
    length = min(1.0, tuning.interior * longest)
    now = barrier(s)
    share = tuning.gain
    while (
        length > tuning.shortest
        and barrier(s + length * step) < now + share * length * decrement * 0.5
    ):
        length *= 0.5
    return length
