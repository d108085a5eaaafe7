"""Step distributions with fewer values, whose expected runtimes are bounds."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import DiscreteTimes
from cgcopt.workers.empirical import Empirical

__all__ = ["coarsened"]


def coarsened(times: DiscreteTimes, cells: int, rounding: Literal["down", "up"]) -> Empirical:
    """Merge the values into at most ``cells``, each rounded down or up within its cell.

    Since ``tau`` grows with every worker time, the expected runtime of *every* design under the
    times rounded down (up) is a lower (upper) bound on the one under the given times. Subgradients
    and certificates of the times rounded down hence hold for the given times.

    Cells are placed so that the sum over cells of probability times relative width is small: their
    density is proportional to the square root of the density of ``log T``.

    Parameters
    ----------
    times : DiscreteTimes
        ``J`` values.
    cells : int
        At least 1; with ``J`` or more, nothing changes.
    rounding : {"down", "up"}
        Which end of a cell stands for it.

    Examples
    --------
    >>> from cgcopt import Empirical
    >>> times = Empirical([1.0, 1.1, 4.0, 4.2])
    >>> coarsened(times, 2, "down").values.tolist(), coarsened(times, 2, "up").values.tolist()
    ([1.0, 4.0], [1.1, 4.2])
    """
    whole_number("cells", cells, least=1)
    if rounding not in ("down", "up"):
        raise InvalidInputError("rounding", rounding, "'down' or 'up'")
    values, weights = times.values, times.weights
    if cells >= values.size:
        return Empirical(values, weights)
    mass = (weights[1:] + weights[:-1]) / 2
    measure = np.concatenate(([0.0], np.cumsum(np.sqrt(mass * np.diff(np.log(values))))))
    cell = np.minimum((measure * (cells / measure[-1])).astype(np.int64), cells - 1)
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    last = np.append(first[1:], values.size) - 1
    kept = values[first] if rounding == "down" else values[last]
    return Empirical(kept, np.add.reduceat(weights, first))
