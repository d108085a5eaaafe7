"""Boxes of speeds: where designs lie that could be better than the best one known.

The speed of level ``n`` is ``y_n = u w_n / t``, what a worker must at least reach (cycles per second)
to finish the level by the deadline ``t``.  Designs have ``0 <= y_0 <= ... <= y_{N-1}`` and
``sum_n v_n y_n = Y = u L / t`` (:func:`cgcopt.design.budget_weights`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.dispatch import times_as
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes

__all__ = ["Box", "Speeds", "root_box"]

#: Relative room left around every bound that is computed, far above rounding errors.
ROOM = 1e-12
#: Relative room around inverse incomplete beta functions, far above their errors.
BETA_ROOM = 1e-9


@dataclass(frozen=True, eq=False)
class Speeds:
    """The polytope of the speeds of all designs.

    Attributes
    ----------
    weights : ndarray
        ``v``, shape ``(N,)``.
    budget : float
        ``Y``.
    """

    weights: FloatArray
    budget: float

    @classmethod
    def of(cls, system: System, deadline: float) -> Speeds:
        """The speeds for a deadline in seconds."""
        return cls(budget_weights(system.workers), system.unit * system.coordinates / deadline)

    def tightened(self, box: Box) -> Box | None:
        """Remove speeds that no design in the box has; None where there is no design.

        Examples
        --------
        >>> speeds = Speeds(budget_weights(2), 1.0)
        >>> box = speeds.tightened(Box(np.zeros(2), np.array([1.5, 1.2])))
        >>> box.lower.round(6).tolist(), box.upper.round(6).tolist()
        ([0.8, 0.8], [1.2, 1.2])
        """
        low, high = box.lower, box.upper
        v, room = self.weights, ROOM * self.budget
        for _ in range(2):
            low = np.maximum.accumulate(low)
            high = np.minimum.accumulate(high[::-1])[::-1]
            least, most = float(v @ low), float(v @ high)
            low = np.maximum(low, (self.budget - most) / v + high - room / v)
            high = np.minimum(high, (self.budget - least) / v + low + room / v)
        feasible = v @ low <= self.budget <= v @ high and (low <= high).all()
        return Box(low, high) if feasible else None


@dataclass(frozen=True, eq=False)
class Box:
    """Speeds between which the levels are sought, each shape ``(N,)``."""

    lower: FloatArray
    upper: FloatArray

    def split(self, level: int, at: float) -> tuple[Box, Box]:
        """Cut the interval of one level in two."""
        upper, lower = self.upper.copy(), self.lower.copy()
        upper[level] = lower[level] = at
        return Box(self.lower, upper), Box(lower, self.upper)


def root_box(
    system: System, speeds: Speeds, log_probability: float, complement: float
) -> Box | None:
    """A box with every design that keeps the deadline with more than a given probability.

    Level ``n`` alone is in time with probability ``I_p(N-n, n+1)``, ``p = G(y_n)``, which must not be
    less; and ``y_n <= (n+1) Y``, ``y_{N-1} >= Y`` because the speeds do not fall.

    Parameters
    ----------
    system : System
        With continuous worker times.
    speeds : Speeds
        Of its designs.
    log_probability, complement : float
        ``log P`` and ``1 - P`` of the best design known.
    """
    from scipy.special import betaincinv

    times = times_as(ContinuousTimes, system, "a box of speeds needs a density, not")
    N = system.workers
    n = np.arange(N)
    if complement < 0.5:
        slowest = times.isf(np.minimum(betaincinv(n + 1, N - n, complement) * (1 + BETA_ROOM), 1.0))
    else:
        # C(N, N-n) p^(N-n) is at least the probability that N-n workers are in time.
        choose = log_binomials(N)[:-1]
        union = np.exp((log_probability - choose) / (N - n))
        exact = betaincinv(N - n, n + 1, math.exp(log_probability))
        slowest = times.ppf(np.maximum(union, exact) * (1 - BETA_ROOM))
    with np.errstate(divide="ignore"):
        upper = np.minimum((n + 1) * speeds.budget, 1.0 / slowest) * (1 + ROOM)
    lower = np.zeros(N)
    lower[-1] = speeds.budget * (1 - ROOM)
    return speeds.tightened(Box(lower, upper))
