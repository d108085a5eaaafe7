"""What was found in a file of times, in either form, before missing ones are filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cgcopt.arrays import FloatArray

__all__ = ["Cells"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Times that were found: numbers, NaN where there are none, and where each stands.

    Attributes
    ----------
    times : ndarray, shape (R, W)
        As they are in the file, in its unit.
    columns : tuple of str
        Names of the workers.
    unit : str or None
        The unit that the names of the columns end with.
    place : callable
        Names the place of entry ``(r, w)`` in the file.
    notes : tuple of str
        What was taken for what.
    left_out : tuple of str
        Columns that are in the file and not in the times.
    long : bool
        Whether the file was in long form.
    """

    times: FloatArray
    columns: tuple[str, ...]
    unit: str | None
    place: Callable[[int, int], str]
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    long: bool = False
