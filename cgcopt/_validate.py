"""Checks of single values that users give; each returns the value in its proper type."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError

__all__ = ["did_you_mean", "finite_number", "real_array", "whole_number"]


#: The largest whole number that is taken where nothing smaller is said: that of 64 bits.
LARGEST_WHOLE = 2**63 - 1


def whole_number(field: str, value: Any, *, least: int, most: int = LARGEST_WHOLE) -> int:
    """Return ``value`` as an int from ``least`` to ``most``; ``1e12``, a whole float, is taken too."""
    allowed = f"a whole number of at least {least}"
    if not _is_real(value):
        raise InvalidInputError(field, value, allowed)
    if isinstance(value, Integral):
        number = int(value)
    else:
        real = _finite_or_nan(value)
        if not real.is_integer():
            raise InvalidInputError(field, value, allowed)
        number = int(real)
    if number < least:
        raise InvalidInputError(field, value, allowed)
    if number > most:
        raise InvalidInputError(field, value, f"a whole number of at most {most}")
    return number


def _is_real(value: Any) -> bool:
    """Whether a value is a real number: no truth value, and no span of time, which numpy counts in."""
    return isinstance(value, Real) and not isinstance(value, bool | np.timedelta64)


def _finite_or_nan(value: Real) -> float:
    try:
        number = float(value)
    except OverflowError:  # beyond 1e308
        return math.nan
    return number if math.isfinite(number) else math.nan


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
    if not _is_real(value):
        raise InvalidInputError(field, value, allowed.strip())
    number = _finite_or_nan(value)
    if (
        not math.isfinite(number)
        or (above is not None and number <= above)
        or (least is not None and number < least)
        or (below is not None and number >= below)
    ):
        raise InvalidInputError(field, value, allowed.strip())
    return number


def real_array(field: str, values: Any, allowed: str) -> FloatArray:
    """Return ``values`` as an array of floats; real numbers only.

    Numpy would drop the imaginary part of a number, the mask of a masked array, and read dates as
    counts of days; each of these is refused here.

    Raises
    ------
    InvalidInputError
        If an entry is complex, masked, a date, a truth value, a text or anything but a number, or
        the rows are of different lengths.

    Examples
    --------
    >>> real_array("times", [1, 2.5], "numbers").tolist()
    [1.0, 2.5]
    >>> real_array("times", [1 + 2j], "numbers")
    Traceback (most recent call last):
        ...
    cgcopt.errors.InvalidInputError: times = [(1+2j)]: must be numbers (not complex)
    """
    inside = values if isinstance(values, list | tuple) else ()
    if any(isinstance(item, np.ma.MaskedArray) for item in (values, *inside)):
        raise InvalidInputError(field, values, f"{allowed} (not a masked array)")
    if _holds_truth_value(inside):  # numpy would read it as 0 or 1 among numbers
        raise InvalidInputError(field, values, f"{allowed} (not truth values)")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":  # whole numbers beyond 64 bits, or something else
            array = np.array([_float(entry) for entry in array.flat]).reshape(array.shape)
    except (ValueError, TypeError, OverflowError):
        raise InvalidInputError(field, values, allowed) from None
    if array.dtype.kind not in "iuf":
        names = {"c": "complex", "b": "truth values", "M": "dates", "m": "spans of time"}
        kind = names.get(array.dtype.kind, "texts" if array.dtype.kind in "US" else "")
        raise InvalidInputError(field, values, f"{allowed} (not {kind})" if kind else allowed)
    return array.astype(np.float64, copy=False)


def _holds_truth_value(values: Any) -> bool:
    """Whether a truth value stands in a list, or in lists and arrays inside it."""
    if isinstance(values, list | tuple):
        kinds = set(map(type, values))
        if not kinds.isdisjoint((bool, np.bool_)):
            return True
        nested = kinds.intersection((list, tuple, np.ndarray))
        return bool(nested) and any(map(_holds_truth_value, values))
    return isinstance(values, np.ndarray) and values.dtype.kind == "b"


def _float(value: Any) -> float:
    if not _is_real(value):
        raise TypeError(value)
    return float(value)


#: Names that are all written out; of more, their number and the nearest ones.
_WRITTEN_OUT = 24


def did_you_mean(name: str, known: Iterable[str], *, listing: str = "") -> str:
    """Return the known names as text with the closest one; of many, their number and the closest ones.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
    listing : str, optional
        The command that lists the names, told where they are many.

    Examples
    --------
    >>> did_you_mean("wiebull", ["gamma", "weibull"])
    "one of gamma, weibull (did you mean 'weibull'?)"
    >>> did_you_mean("pareto", [f"gamma-{n}" for n in range(30)], listing="cgcopt library")
    'one of 30 names, listed by `cgcopt library`'
    """
    names = list(dict.fromkeys(known))
    few = len(names) <= _WRITTEN_OUT
    close = get_close_matches(name, names, n=1) if few else _closest(name, names)
    text = f"one of {', '.join(names)}" if few else f"one of {len(names)} names"
    if not (few or close or listing):
        text += f", such as {', '.join(names[:5])}"
    hint = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
    return text + hint + (f", listed by `{listing}`" if listing and not few else "")


def _closest(name: str, names: list[str]) -> list[str]:
    """At most three names that begin alike or are spelled alike."""
    begun = [each for each in names if name and each.startswith(name)]
    return list(dict.fromkeys([*begun, *get_close_matches(name, names, n=3, cutoff=0.5)]))[:3]
