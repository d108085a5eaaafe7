"""Worker times near the ends of the range of doubles, in a unit of time in which they are about 1."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from typing import Any

from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.location_scale import LocationScale

__all__ = ["in_own_unit"]

#: Binary exponent of a median from which products and squares on the way may leave the range.
_EXTREME = 128
#: How a parameter changes with the unit: by the factor, by its inverse; others are pure numbers.
_POWERS = {"scale": 1, "shift": 1, "rate": -1}


def in_own_unit(times: Any) -> tuple[Any, float]:
    """Return a family of worker times in a unit of its own, and how many such units a second has.

    The factor is a power of two, so that no parameter is rounded; it is 1, and the times are the
    given ones, unless their median is below ``2**-128`` or above ``2**128``.

    Parameters
    ----------
    times : WorkerTimes
        Those of other kinds than parametric families are handed back as they are.

    Examples
    --------
    >>> from cgcopt import Exponential
    >>> in_own_unit(Exponential(rate=2.0))
    (Exponential(rate=2.0), 1.0)
    >>> times, factor = in_own_unit(Exponential(rate=2.0**957))
    >>> times.rate, factor == 2.0**957
    (1.0, True)
    """
    if not isinstance(times, LocationScale) or not is_dataclass(times):
        return times, 1.0
    median = float(times.ppf(0.5))
    if not (math.isfinite(median) and median > 0.0):
        return times, 1.0
    exponent = math.frexp(median)[1]
    if abs(exponent) <= _EXTREME:
        return times, 1.0
    factor = math.ldexp(1.0, min(-exponent, 1023))
    changed = {
        item.name: getattr(times, item.name) * factor ** _POWERS[item.name]
        for item in fields(times)
        if item.name in _POWERS
    }
    if not all(math.isfinite(value) for value in changed.values()):
        return times, 1.0
    scaled: WorkerTimes = replace(times, **changed)
    return scaled, factor
