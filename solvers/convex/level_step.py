"""The step of a level bundle method: the nearest design that the cuts allow to be good enough."""

from __future__ import annotations

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["level_step"]


def level_step(
    subgradients: FloatArray, level: float, centre: FloatArray, metric: FloatArray
) -> FloatArray | None:
    """Project ``centre`` onto the partitions at which no cut exceeds ``level``.

    ``min (y - c)' M (y - c)`` subject to ``g^j . y <= level``, ``y >= 0``, ``sum y = 1`` (Lemarechal,
    Nemirovskii and Nesterov, Mathematical Programming 69, 1995), solved by Clarabel.

    Parameters
    ----------
    subgradients : ndarray, shape (m, N)
        The cuts ``g^j``.
    level : float
        Between the bound that the cuts prove and the best value.
    centre : ndarray, shape (N,)
        The best design.
    metric : ndarray, shape (N, N)
        Positive definite.

    Returns
    -------
    ndarray, shape (N,), or None
        ``None`` where the solver fails.

    Examples
    --------
    >>> subgradients = np.array([[1.0, 3.0], [3.0, 1.0]])
    >>> level_step(subgradients, 2.5, np.array([1.0, 0.0]), np.eye(2)).round(6).tolist()
    [0.75, 0.25]
    """
    import clarabel  # type: ignore[import-untyped]
    from scipy import sparse

    count, levels = subgradients.shape
    quadratic = sparse.csc_matrix(np.triu(metric * (levels / np.trace(metric))))
    rows = np.vstack((np.ones((1, levels)), subgradients / level, -np.eye(levels)))
    sides = np.concatenate((np.ones(1 + count), np.zeros(levels)))
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(count + levels)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    linear = -np.asarray(metric * (levels / np.trace(metric))) @ centre
    solver = clarabel.DefaultSolver(
        quadratic, linear, sparse.csc_matrix(rows), sides, cones, settings
    )
    y = np.maximum(np.array(solver.solve().x), 0.0)
    total = float(y.sum())
    return y / total if np.isfinite(total) and total > 0.0 else None
