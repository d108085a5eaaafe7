"""The chances of a single worker: how likely it has finished the work of each level by a time.

How these chances ``F_n(t)`` depend on the work of a level is the business of
:func:`proportional_thresholds` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.dispatch import model_as
from cgcopt.workers.base import ContinuousTimes, IndependentTimes

__all__ = [
    "KEPT",
    "Thresholds",
    "ThresholdsWithDerivative",
    "checked_work",
    "proportional_thresholds",
]


#: Factor on a deadline that equals a possible runtime in exact arithmetic: it counts as kept, however
#: ``t / (u w_n)`` is rounded.
KEPT = 1.0 + 4.0 * float(np.finfo(np.float64).eps)
#: Levels from which it is seen whether some of them in a row have the same threshold.
_MANY = 64
#: Mean length of such rows from which it is worth it to compute each threshold once.
_LONG_RUNS = 4
#: Below it a density has lost digits to the range of double precision.
_SMALLEST_DENSITY = 1e-290


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Probabilities that one worker has finished each level, ``batch + (N,)``, level by level.

    Attributes
    ----------
    finished : ndarray
        ``F_n(t)``.
    late : ndarray
        ``1 - F_n(t)``, accurate where tiny.
    """

    finished: FloatArray
    late: FloatArray


@dataclass(frozen=True, eq=False)
class ThresholdsWithDerivative(Thresholds):
    """Finishing probabilities of the levels, with their derivatives.

    Attributes
    ----------
    derivative : ndarray
        ``w_n dF_n(t)/dw_n``, at most 0 (the derivative with respect to ``log w_n``).
    """

    derivative: FloatArray


@overload
def proportional_thresholds(
    times: IndependentTimes,
    scale: FloatArray,
    deadlines: FloatArray,
    *,
    shift: float = 0.0,
    ahead: FloatArray | None = None,
    derivative: Literal[True],
) -> ThresholdsWithDerivative: ...


@overload
def proportional_thresholds(
    times: IndependentTimes,
    scale: FloatArray,
    deadlines: FloatArray,
    *,
    shift: float = 0.0,
    ahead: FloatArray | None = None,
    derivative: bool = False,
) -> Thresholds: ...


def proportional_thresholds(
    times: IndependentTimes,
    scale: FloatArray,
    deadlines: FloatArray,
    *,
    shift: float = 0.0,
    ahead: FloatArray | None = None,
    derivative: bool = False,
) -> Thresholds:
    """Finishing probabilities when a worker's time for a level is proportional to its work.

    A worker that needs ``T`` seconds per cycle has done ``u w_n`` cycles at ``u w_n T``, hence
    ``F_n(t) = F_T(t / (u w_n))`` and ``w_n dF_n/dw_n = -theta f_T(theta)`` at
    ``theta = t / (u w_n)``.

    Parameters
    ----------
    times : IndependentTimes
        Distribution of ``T - shift``.
    scale : ndarray, shape (..., N)
        ``u w_n``, cycles, at least 0; the probability of a level with 0 is 1.
    deadlines : ndarray
        Seconds after ``shift * scale[..., -1]``, broadcast against the leading axes of ``scale``.
        Counting from there loses no digits where the fastest worker is hardly done.
    shift : float
        Seconds per cycle that every worker needs at least.
    ahead : ndarray, shape (..., N), optional
        Seconds that a deadline is longer for each level; by default what ``shift`` makes of it.
    derivative : bool
        Whether to compute the derivatives; needs a density.

    Returns
    -------
    Thresholds
        With derivatives where they were asked for.

    Raises
    ------
    UnsupportedProblemError
        If derivatives are asked for and there is no density.

    Examples
    --------
    >>> from cgcopt import Exponential
    >>> levels = proportional_thresholds(Exponential(1.0), np.array([0.0, 1.0, 2.0]), np.array(2.0))
    >>> levels.late.round(6).tolist()
    [0.0, 0.135335, 0.367879]
    """
    runs = _runs(scale, ahead)
    if runs is not None:
        starts, lengths = runs
        few = proportional_thresholds(
            times,
            scale[starts],
            deadlines,
            shift=shift,
            ahead=None if ahead is None else ahead[starts],
            derivative=derivative,
        )
        return replace(
            few,
            **{
                item.name: np.repeat(getattr(few, item.name), lengths, axis=-1)
                for item in fields(few)
            },
        )
    past = deadlines[..., np.newaxis]
    if ahead is not None:
        past = past + ahead
    elif shift:
        past = past + shift * (scale[..., -1:] - scale)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        theta = np.where(scale > 0.0, past / scale, np.inf)
    if not derivative:
        return Thresholds(times.cdf(theta), times.sf(theta))
    smooth = model_as(ContinuousTimes, times, "a gradient needs a density, not")
    return ThresholdsWithDerivative(
        times.cdf(theta), times.sf(theta), -_time_by_density(smooth, theta, shift)
    )


def _runs(
    scale: FloatArray, ahead: FloatArray | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """First levels and lengths of runs of equal chances; ``None`` where it is not worth it."""
    if scale.ndim != 1 or scale.size < _MANY or (ahead is not None and ahead.ndim != 1):
        return None
    first = np.ones(scale.size, dtype=np.bool_)
    first[1:] = scale[1:] != scale[:-1]
    if ahead is not None:
        first[1:] |= ahead[1:] != ahead[:-1]
    starts = np.flatnonzero(first)
    if starts.size * _LONG_RUNS > scale.size:
        return None
    return starts, np.diff(starts, append=scale.size)


def _time_by_density(times: ContinuousTimes, theta: FloatArray, shift: float) -> FloatArray:
    """``(theta + shift) f_T(theta)``, also where the density of a long tail leaves the doubles."""
    with np.errstate(all="ignore"):
        density = times.pdf(theta)
        product = np.where(density > 0.0, (theta + shift) * density, 0.0)
        lost = (density < _SMALLEST_DENSITY) & (theta > 1.0) & np.isfinite(theta)
        if lost.any():
            far = theta[lost]
            product[lost] = np.exp(times.logpdf(far) + np.log(far + shift))
    return product


def checked_work(work: ArrayLike, workers: int) -> FloatArray:
    """Return cumulative work as an array of shape ``(..., N)``; refuse what cannot be one."""
    w = np.asarray(work, dtype=np.float64)
    if w.ndim < 1 or w.shape[-1] != workers:
        raise InvalidInputError("work", w.shape, f"an array with {workers} levels on the last axis")
    if not (w >= 0.0).all() or np.isinf(w).any():
        raise InvalidInputError("work", w.tolist(), "finite numbers of at least 0")
    return w
