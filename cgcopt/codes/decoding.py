"""Decoding vectors: how the master combines what the survivors sent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.seeds import generator

__all__ = ["amplification", "decoding_vector", "enough_answered", "residual", "straggler_sets"]


def enough_answered(classes: tuple[IntArray, ...], stragglers: int, alive: BoolArray) -> bool:
    """Whether no class of workers has more than ``s`` stragglers.

    Examples
    --------
    >>> classes = (np.array([0, 1]), np.array([2, 3]))
    >>> enough_answered(classes, 1, np.array([True, False, False, True]))
    True
    >>> enough_answered(classes, 1, np.array([True, True, False, False]))
    False
    """
    return all(np.count_nonzero(alive[members]) >= members.size - stragglers for members in classes)


def decoding_vector(
    matrix: FloatArray, classes: tuple[IntArray, ...], stragglers: int, alive: BoolArray
) -> FloatArray:
    """Solve ``lambda^T B = 1`` with ``lambda = 0`` on stragglers, class by class.

    The rows of a class of ``m`` workers have rank ``m - s``: QR with pivoting picks that many
    survivors, whose rows are far from dependent, and least squares on them gives the coefficients.

    Parameters
    ----------
    matrix : ndarray, shape (workers, pieces)
    classes : tuple of ndarray
        Workers whose pieces are connected.
    stragglers : int
        ``s``.
    alive : ndarray of bool, shape (workers,)
        With enough workers of every class (:func:`enough_answered`).

    Returns
    -------
    ndarray, shape (workers,)
    """
    from scipy.linalg import qr, solve_triangular

    vector = np.zeros(matrix.shape[0])
    for members in classes:
        rank = members.size - stragglers
        answered = members[alive[members]]
        rows = matrix[answered]
        rows = rows[:, rows.any(axis=0)]
        if rank == 1:
            # One row spans those of the class: a multiple of the ones.
            vector[answered[0]] = rows.shape[1] / rows[0].sum()
            continue
        q, r, order = qr(rows.T, mode="economic", pivoting=True)
        right = q[:, :rank].T @ np.ones(rows.shape[1])
        vector[answered[order[:rank]]] = solve_triangular(r[:rank, :rank], right)
    return vector


def residual(matrix: FloatArray, vector: FloatArray) -> float:
    """Largest deviation of ``lambda^T B`` from the ones: the relative error of a decoded gradient."""
    return float(np.max(np.abs(vector @ matrix - 1.0)))


def amplification(matrix: FloatArray, vector: FloatArray) -> float:
    """Noise amplification ``max_j sum_i |lambda_i B_ij|``, 1 without coding.

    Relative errors of size ``e`` in the products ``B_ij g_j`` become at most ``e`` times this,
    relative to the partial gradients ``g_j``.
    """
    return float(np.max(np.abs(vector) @ np.abs(matrix)))


def straggler_sets(workers: int, stragglers: int, most: int, seed: int) -> Iterator[IntArray]:
    """Every set of ``s`` stragglers where there are at most ``most``, else contiguous and random ones.

    Examples
    --------
    >>> [s.tolist() for s in straggler_sets(3, 1, most=10, seed=0)]
    [[0], [1], [2]]
    """
    if math.comb(workers, stragglers) <= most:
        for chosen in itertools.combinations(range(workers), stragglers):
            yield np.array(chosen, dtype=np.int64)
        return
    contiguous = min(workers, most // 2)
    for first in np.arange(contiguous) * workers // contiguous:
        yield (first + np.arange(stragglers)) % workers
    rng = generator(seed, "stragglers", workers, stragglers)
    for _ in range(most - contiguous):
        yield np.sort(rng.choice(workers, stragglers, replace=False))
