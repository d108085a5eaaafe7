"""Checks of tables and arrays of worker times that users give."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt._validate import real_array
from cgcopt.arrays import read_only
from cgcopt.errors import InvalidInputError

__all__ = ["MISSING", "frozen_times"]


class _Missing:
    def __repr__(self) -> str:
        return "(missing)"


MISSING = _Missing()
"""Stands for a value that was not given, in the message of an :class:`InvalidInputError`."""


def frozen_times(
    field: str, values: Any, ndim: int, *, infinite: bool = False
) -> NDArray[np.float64]:
    """Return a read-only copy of an array of finite, positive times; what is one already is returned.

    A time of 0 seconds per cycle is refused: an infinitely fast worker is a reading below the
    resolution of the clock, not a model, and would make ``E[1/T]`` infinite.

    Parameters
    ----------
    field : str
        What the array is called in messages.
    values : array_like
        The times; numbers, neither complex nor masked nor dates.
    ndim : int
        1 or 2.
    infinite : bool, optional
        Whether ``inf`` is allowed, for workers that never answered.

    Raises
    ------
    InvalidInputError
        If the array is empty, of another dimension, not of numbers, or has a bad entry.
    """
    kind = {1: "a list of times", 2: "a table of times (rounds x workers)"}[ndim]
    array = real_array(field, values, f"{kind}: numbers > 0, every row of the same length")
    if array.ndim != ndim or array.size == 0:
        raise InvalidInputError(field, f"shape {array.shape}", f"{kind}, not empty")
    own = array is values and array.flags.owndata and array.flags.c_contiguous
    if not own or array.flags.writeable:
        array = np.array(array, order="C")
    good = array > 0.0 if infinite else (array > 0.0) & (array < np.inf)
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        index = ", ".join(map(str, where))
        raise InvalidInputError(f"{field}[{index}]", float(array[where]), "a finite number > 0")
    return read_only(array)
