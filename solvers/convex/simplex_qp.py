"""Convex quadratic programs over the unit simplex, by block principal pivoting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray

__all__ = ["SimplexTuning", "model_minimiser", "simplex_minimiser"]


@dataclass(frozen=True)
class SimplexTuning:
    """Numbers of :func:`simplex_minimiser`. No measurement of them is on record."""

    pivots: int = 400
    """Block and single pivots at most."""
    patience: int = 4
    """Block pivots without progress before single pivots take over."""
    large: int = 150
    """More rows than this are solved by Cholesky, at half the cost, in place of elimination."""
    slack: float = 1e-13
    """How far a gradient may lie below the multiplier, relative to both: rounding."""


_DEFAULT = SimplexTuning()


def model_minimiser(hessian: FloatArray, gradient: FloatArray, partition: FloatArray) -> FloatArray:
    """Minimiser over the unit simplex of a quadratic model around a partition: a full Newton step.

    Parameters
    ----------
    hessian : ndarray, shape (N, N)
        Of the model, symmetric, positive definite on the simplex.
    gradient : ndarray, shape (N,)
        Of the model at the partition.
    partition : ndarray, shape (N,)
        Where the model touches the function.

    Examples
    --------
    >>> model_minimiser(np.eye(2), np.array([0.5, 0.0]), np.array([0.5, 0.5])).tolist()
    [0.25, 0.75]
    """
    return simplex_minimiser(hessian, gradient - hessian @ partition)


def simplex_minimiser(
    hessian: FloatArray, linear: FloatArray, tuning: SimplexTuning = _DEFAULT
) -> FloatArray:
    """Minimise ``linear . y + y' hessian y / 2`` over ``y >= 0, sum y = 1``.

    All entries with the wrong sign (negative ``y``, or a gradient below the multiplier of the
    budget) change sides at once; where that does not lower their number, one at a time (block
    principal pivoting: Judice and Pires, Computers & Operations Research 21, 1994).

    Parameters
    ----------
    hessian : ndarray, shape (N, N)
        Symmetric, positive definite on the simplex.
    linear : ndarray, shape (N,)
    tuning : SimplexTuning

    Returns
    -------
    ndarray, shape (N,)
        On the simplex to rounding; the minimiser unless pivoting was cut short.

    Examples
    --------
    >>> simplex_minimiser(np.eye(3), np.array([0.0, 0.5, 2.0])).round(12).tolist()
    [0.75, 0.25, 0.0]
    """
    n = linear.size
    if n == 1:
        return np.ones(1)
    # In units in which every entry curves alike: times with heavy tails spread them over many decades.
    unit = _units(hessian)
    hessian, linear = hessian * np.outer(unit, unit), linear * unit
    # On the simplex this adds a constant; a Hessian that is flat along a ray becomes definite.
    hessian = hessian + np.outer(unit, unit / float(unit @ unit))
    used = np.ones(n, dtype=bool)
    fewest, patience = n + 1, tuning.patience
    y = np.full(n, 1.0 / n)
    for _ in range(tuning.pivots):
        y, multiplier = _stationary(hessian, linear, unit, used, tuning.large)
        reduced = linear + hessian @ y - multiplier * unit
        slack = tuning.slack * (abs(multiplier) * unit + np.abs(linear).max())
        wrong = np.where(used, y < 0.0, reduced < -slack)
        count = int(np.count_nonzero(wrong))
        if count == 0:
            break
        if count < fewest:
            fewest, patience = count, tuning.patience
        elif patience > 0:
            patience -= 1
        else:
            last = int(np.flatnonzero(wrong)[-1])
            wrong[:] = False
            wrong[last] = True
        changed = used ^ wrong
        used = changed if changed.any() else _only(int(np.argmin(linear / unit)), n)
    y = np.maximum(y, 0.0) * unit
    return np.asarray(y / y.sum())


def _units(hessian: FloatArray) -> FloatArray:
    """One over the root of the curvature along every entry, 1 where there is none."""
    curvature = np.diagonal(hessian)
    return np.where(curvature > 0.0, 1.0 / np.sqrt(np.where(curvature > 0.0, curvature, 1.0)), 1.0)


def _stationary(
    hessian: FloatArray,
    linear: FloatArray,
    weights: FloatArray,
    used: NDArray[np.bool_],
    large: int,
) -> tuple[FloatArray, float]:
    """Minimise subject to ``weights . y = 1`` over the used entries; the point and the multiplier."""
    rows = np.flatnonzero(used)
    sides = np.stack((-linear[rows], weights[rows]), axis=1)
    matrix = hessian if rows.size == linear.size else hessian[np.ix_(rows, rows)]
    solved = _solved(matrix, sides, large)
    spent = weights[rows] @ solved
    multiplier = (1.0 - float(spent[0])) / float(spent[1])
    y = np.zeros(linear.size)
    y[rows] = solved[:, 0] + multiplier * solved[:, 1]
    return y, multiplier


def _solved(matrix: FloatArray, sides: FloatArray, large: int) -> FloatArray:
    """Solve a symmetric, positive definite system; with more rows than ``large`` by Cholesky."""
    if len(matrix) > large:
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        try:
            return np.asarray(cho_solve(cho_factor(matrix), sides))
        except LinAlgError:  # indefinite by rounding
            pass
    try:
        return np.asarray(np.linalg.solve(matrix, sides))
    except np.linalg.LinAlgError:  # singular by rounding
        return np.asarray(np.linalg.lstsq(matrix, sides, rcond=None)[0])


def _only(index: int, size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    mask[index] = True
    return mask
