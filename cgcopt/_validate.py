"""Checks of single values at the door; each returns the value in its proper type."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from cgcopt.errors import InvalidInputError

__all__ = ["finite_number", "whole_number"]


def whole_number(field: str, value: Any, *, least: int) -> int:
    """Return ``value`` as an int of at least ``least``; whole floats such as ``1e12`` are accepted."""
    allowed = f"a whole number of at least {least}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidInputError(field, value, allowed)
    if isinstance(value, Integral):
        number = int(value)
    elif math.isfinite(value) and float(value).is_integer():
        number = int(float(value))
    else:
        raise InvalidInputError(field, value, allowed)
    if number < least:
        raise InvalidInputError(field, value, allowed)
    return number


def finite_number(
    field: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
) -> float:
    """Return ``value`` as a finite float within the given limits."""
    limits = [
        f"above {above:g}" if above is not None else "",
        f"of at least {least:g}" if least is not None else "",
        f"below {below:g}" if below is not None else "",
    ]
    allowed = "a finite number " + " and ".join(part for part in limits if part)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidInputError(field, value, allowed.strip())
    number = float(value)
    if (
        not math.isfinite(number)
        or (above is not None and number <= above)
        or (least is not None and number < least)
        or (below is not None and number >= below)
    ):
        raise InvalidInputError(field, value, allowed.strip())
    return number
