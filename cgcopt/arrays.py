"""Types of the arrays that numerical code passes around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_DIVISOR", "BoolArray", "FloatArray", "IntArray"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

#: In place of zero where one divides by something nonnegative: its inverse is still finite.
LEAST_DIVISOR = 1e-300
