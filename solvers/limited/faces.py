"""Faces of the design simplex: which levels are used, and what every used level carries at least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.solvers.convex.quasi_newton import Evaluated
from cgcopt.solvers.limited.oracle import Cut, RuntimeCuts

__all__ = ["Face"]


@dataclass(frozen=True, eq=False)
class Face:
    """Partitions ``y_n = m + (1 - k m) v_n`` over ``k`` levels, ``v`` on the unit simplex.

    Attributes
    ----------
    levels : ndarray of int, shape (k,)
        Increasing.
    messages : ndarray, shape (N,)
        Messages of all levels: 1 for each of these, or a relaxation of it.
    least : float
        ``m``.
    """

    levels: IntArray
    messages: FloatArray
    least: float = 0.0

    @classmethod
    def used(cls, levels: IntArray, workers: int, least: float = 0.0) -> Face:
        """The face on which each of the levels sends one message."""
        messages = np.zeros(workers)
        messages[levels] = 1.0
        return cls(levels, messages, least)

    @property
    def room(self) -> float:
        """``1 - k m``: what is left to distribute."""
        return 1.0 - self.levels.size * self.least

    def partition(self, share: FloatArray) -> FloatArray:
        """``y``, shape ``(N,)``, of a point ``v`` of the simplex."""
        y = np.zeros(self.messages.size)
        y[self.levels] = self.least + self.room * share
        return y

    def gradient(self, cut: Cut, startup: float) -> FloatArray:
        """The cut as a linear function ``gradient . v`` on the simplex."""
        g = cut.blocks[self.levels]
        level = startup + float(cut.messages @ self.messages) + self.least * float(g.sum())
        return np.asarray(level + self.room * g)

    def evaluated(self, cuts: RuntimeCuts, share: FloatArray) -> Evaluated:
        """Evaluate a point of the simplex."""
        cut = cuts(self.partition(share), self.messages)
        gradient = self.gradient(cut, cuts.system.costs.startup)
        return Evaluated(share, cut.value, gradient, float(gradient.min()))
