"""Weighted sums of long vectors at the speed of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["combine"]

#: Numbers that are worked on at a time, of all vectors together: 1 MB, which stays in the cache.
_BUFFER = 2**17


def combine(
    weights: Sequence[float], vectors: Sequence[NDArray[Any]], dtype: DTypeLike
) -> NDArray[Any]:
    """Return ``sum_k weights[k] vectors[k]``, summed in double precision, rounded to ``dtype`` once.

    Every vector is read once, in pieces that stay in the cache; they are not stacked as a whole.

    Parameters
    ----------
    weights : sequence of float, length K
    vectors : sequence of ndarray, length K
        Of one shape.
    dtype : dtype
        Of the result.
    """
    shape = vectors[0].shape
    flat = [np.ravel(vector) for vector in vectors]
    factors = np.array(weights, dtype=np.float64)
    total = np.empty(flat[0].size, dtype=dtype)
    chunk = max(_BUFFER // len(flat), 1024)
    buffer = np.empty((len(flat), min(chunk, total.size)))
    for first in range(0, total.size, chunk):
        part = slice(first, first + chunk)
        rows = buffer[:, : total[part].size]
        for row, vector in zip(rows, flat, strict=True):
            row[:] = vector[part]
        total[part] = factors @ rows
    return total.reshape(shape)
