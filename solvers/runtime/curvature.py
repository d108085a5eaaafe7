"""The Hessian of a smoothed sample average, damped where it says too little for a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.runtime.level_work import LevelWork
from cgcopt.solvers.runtime.smoothed_maximum import SmoothedMaximum

__all__ = ["CurvatureTuning", "damped_curvature", "damped_hessian"]


@dataclass(frozen=True)
class CurvatureTuning:
    """Numbers of :func:`damped_curvature`. No measurement of them is on record."""

    floor: float = 0.03
    """Share of the reference below which relative changes of a work count for less."""
    even_share: float = 1e-3
    """Share of the value, spread evenly, that every level has in the penalty."""
    lifted: float = 1e-10
    """Share of every diagonal entry that is added to it, so that no Hessian is singular."""
    lifted_evenly: float = 1e-13
    """Share of the mean of the diagonal that is added to it, for entries that rounding would hide."""


_CURVATURE = CurvatureTuning()


def damped_hessian(
    here: SmoothedMaximum,
    partition: FloatArray,
    reference: FloatArray,
    damping: float,
    levels: LevelWork,
) -> FloatArray:
    """:func:`damped_curvature` of a smoothed maximum, definite, in the partition."""
    work = levels.work(partition)
    damped = damped_curvature(here.curvature, here.gradient, here.value, work, reference, damping)
    return _regular(levels.curvature(damped))


def damped_curvature(
    curvature: FloatArray,
    gradient: FloatArray,
    value: float,
    work: FloatArray,
    reference: FloatArray,
    damping: float,
    tuning: CurvatureTuning = _CURVATURE,
) -> FloatArray:
    """Hessian with respect to the work, with relative changes of the work of a level penalised.

    The penalty is weighted by how often a level is the slowest, as if the levels shared no round.
    A work far below the reference counts as a share of it, so that levels can come into use.

    Parameters
    ----------
    curvature, gradient : ndarray, shape (N, N) and (N,)
        With respect to the work.
    value : float
        Of the function.
    work, reference : ndarray, shape (N,)
        Cumulative work, and that of a typical design with the same sum of the partition.
    damping : float
        Of the penalty.
    tuning : CurvatureTuning
    """
    work = np.maximum(work, tuning.floor * reference)
    alone = gradient / work + tuning.even_share * value / (work.size * work**2)
    damped = curvature.copy()
    damped[np.diag_indices(work.size)] += damping * alone
    return damped


def _regular(hessian: FloatArray) -> FloatArray:
    """Lift a semidefinite Hessian out of singularity by a share that rounding would hide."""
    diagonal = np.diag_indices(len(hessian))
    hessian[diagonal] *= 1.0 + _CURVATURE.lifted
    hessian[diagonal] += _CURVATURE.lifted_evenly * np.trace(hessian) / len(hessian)
    return hessian
