"""Partitions and cumulative work on some of the levels, in increasing order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import level_weights

__all__ = ["LevelWork"]


@dataclass(frozen=True, eq=False)
class LevelWork:
    """The linear map between the partition on levels ``s_0 < s_1 < ...`` and their cumulative work.

    Parameters
    ----------
    levels : ndarray of int, shape (m,)
        The levels; all others are empty.

    Examples
    --------
    >>> some = LevelWork(np.array([0, 3]))
    >>> some.work(np.array([0.5, 0.5])).tolist()
    [0.5, 2.5]
    >>> some.partition(np.array([0.5, 2.5])).tolist()
    [0.5, 0.5]
    """

    levels: IntArray

    @classmethod
    def of_all(cls, workers: int) -> LevelWork:
        """All levels of ``workers`` workers."""
        return cls(np.arange(workers))

    @cached_property
    def copies(self) -> FloatArray:
        """``s_j + 1``: the work of a coordinate on each level, shape ``(m,)``."""
        return np.asarray(self.levels + 1.0)

    @cached_property
    def weights(self) -> FloatArray:
        """``v`` with ``sum_j v_j w_j = sum_j y_j``, shape ``(m,)``."""
        return level_weights(self.levels)

    def work(self, partition: FloatArray) -> FloatArray:
        """Cumulative work of a partition on the levels."""
        return np.cumsum(partition * self.copies)

    def partition(self, work: FloatArray) -> FloatArray:
        """Partition of a cumulative work."""
        return np.asarray(np.diff(work, prepend=0.0) / self.copies)

    def gradient(self, gradient: FloatArray) -> FloatArray:
        """Turn a gradient with respect to the work into one with respect to the partition."""
        return np.asarray(self.copies * np.cumsum(gradient[::-1])[::-1])

    def curvature(self, curvature: FloatArray) -> FloatArray:
        """Turn a Hessian with respect to the work into one with respect to the partition.

        Examples
        --------
        >>> LevelWork.of_all(2).curvature(np.eye(2)).tolist()
        [[2.0, 2.0], [2.0, 4.0]]
        """
        tails = curvature[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
        return np.asarray(tails * np.outer(self.copies, self.copies))

    def on_simplex(self, work: FloatArray) -> FloatArray:
        """Make the work nondecreasing and its partition sum to 1."""
        rising = np.maximum.accumulate(work)
        return rising / float(self.weights @ rising)

    def times(self, sorted_rounds: FloatArray) -> FloatArray:
        """The order statistics that the levels wait for: rows ascending, the first level last.

        Parameters
        ----------
        sorted_rounds : ndarray, shape (K, N)
            Every row ascending.
        """
        workers = sorted_rounds.shape[1]
        if self.levels.size == workers:
            return sorted_rounds
        return np.ascontiguousarray(sorted_rounds[:, workers - 1 - self.levels[::-1]])

    def spread_over(self, workers: int, partition: FloatArray) -> FloatArray:
        """The partition over all levels, shape ``(N,)``, with the others empty."""
        whole = np.zeros(workers)
        whole[self.levels] = partition
        return whole
