"""The schedules to choose from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.solvers.schedules.freedom import Freedom

__all__ = ["Space"]


@dataclass(frozen=True, eq=False)
class Space:
    """The schedules to choose from.

    Attributes
    ----------
    levels : ndarray
        Levels that may be used, increasing.
    cells : int
    freedom : Freedom
    most : float
        Largest fraction of the data that a worker may hold.
    blocks : int
        Used levels at most.
    least : float
        Smallest share of the coordinates on a used level.
    ends : ndarray, optional
        Shares of the coordinates, from 0 to 1, at which blocks may end; anywhere by default.
    """

    levels: IntArray
    cells: int
    freedom: Freedom
    most: float
    blocks: int
    least: float = 0.0
    ends: FloatArray | None = None

    @classmethod
    def free(cls, workers: int, freedom: Freedom, cells: int | None = None) -> Space:
        """All schedules with so many cells; ``N`` by default."""
        return cls(np.arange(workers), cells or workers, freedom, 1.0, workers)
