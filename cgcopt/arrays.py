"""The arrays that numerical code passes around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_DIVISOR", "BoolArray", "FloatArray", "IntArray", "read_only"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

#: In place of zero where one divides by something nonnegative: its inverse is still finite.
LEAST_DIVISOR = 1e-300


def read_only(array: FloatArray) -> FloatArray:
    """Forbid writing to an array, and return it.

    Examples
    --------
    >>> read_only(np.zeros(2)).flags.writeable
    False
    """
    array.setflags(write=False)
    return array
