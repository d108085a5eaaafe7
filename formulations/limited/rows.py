"""Limits as rows of a program of HiGHS: used levels, least blocks, boundaries."""

from __future__ import annotations

import math

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.formulations.highs_model import HighsModel

__all__ = ["add_ends", "add_used_levels"]


def add_used_levels(
    model: HighsModel,
    name: str,
    x: IntArray,
    *,
    unit: float,
    largest: FloatArray | float,
    least: float | None,
    fewest: float = -math.inf,
    most: float,
) -> IntArray:
    """Write which levels are used, shape ``(m,)``: their number, and what each carries.

    Parameters
    ----------
    model : HighsModel
    name : str
        Of the new columns, 1 where a level is used.
    x : ndarray of int, shape (m,)
        Columns of the coordinates.
    unit : float
        What ``x`` is divided by.
    largest, least : float
        What a used level carries at most, and at least, in that unit; ``None`` for no least block.
    fewest, most : float
        Used levels.
    """
    used = model.columns(name, x.shape, upper=1.0, integer=True)
    shares = (1.0 / unit, x)
    model.rows("used", x.shape, [shares, (-largest, used)], upper=0.0)
    if least is not None:
        model.rows("least", x.shape, [shares, (-least, used)], lower=0.0)
    model.rows("blocks", (), [(1.0, used)], lower=fewest, upper=most)
    return used


def add_ends(model: HighsModel, x: IntArray, ends: FloatArray, *, unit: float) -> IntArray:
    """Write at which boundary the blocks up to a level end, shape ``(m, b)``.

    Parameters
    ----------
    model : HighsModel
    x : ndarray of int, shape (m,)
        Columns of the coordinates.
    ends : ndarray, shape (b,)
        Boundaries, 0 included.
    unit : float
        What ``x`` is divided by.
    """
    end = model.columns("end", (x.size, ends.size), upper=1.0, integer=True)
    model.rows("one_end", x.shape, [(1.0, end)], lower=1.0, upper=1.0)
    upto = (np.tril(np.ones((x.size, x.size))) / unit, np.broadcast_to(x, (x.size, x.size)))
    model.rows("boundary", x.shape, [upto, (-ends, end)], lower=0.0, upper=0.0)
    return end
