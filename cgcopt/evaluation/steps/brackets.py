"""Rigorous bounds on the expected runtime when a worker's time takes finitely many values.

With ``a_n = u w_n`` the runtime ``tau = max_n a_n T_(N-n)`` (arXiv 2206.02450) takes only the
values ``a_n t_j``, where ``t_j`` are the values of ``T``. They are called *products*. Let
``0 < z_1 < ... < z_M`` be some of them, the largest included. They cut the range of ``tau`` into
*panels* ``(z_{v-1}, z_v]``. In a panel let ``k`` be the first, counted from the fastest worker, with
``a T_(k) > z_{v-1}`` for its level. Two sweeps find the joint chances of panel and ``k``
(:func:`~cgcopt.evaluation.crossing.first_failures.first_failures`).

*Subgradient and lower bound.* The time of that level never exceeds ``tau``, and is ``tau`` except
in rounds in which two levels fall into one panel. Hence

    g_n = u E[T_(N-n); k = N - n]    satisfies    g . y <= E[tau(y)] for all work y,

because ``g . y`` is ``E[tau(y)]`` with one level in place of the maximum in every round. In
particular, ``g . w`` is a lower bound on the expected runtime of the design itself.

*Upper bound.* ``P[tau <= z]`` is a function of the thresholds ``p_k = F_{N-k}(z)``. It is
supermodular, so that in a panel it is at least its value at the lower end plus the sum of what each
``p_k`` alone adds. Its derivative in ``p_k`` falls at a falling rate as ``p_k`` rises, so that what
``p_k`` adds is at least the first two terms of its expansion.

Both errors are of second order in the width of the panels; panels are split where they matter until
the bounds are as close as wanted. A panel with one product has no error. With all products as
``z``, value and subgradient are exact, ties included: of equal products the largest level counts,
which gives the derivative in the direction of growing empty blocks, hence the strongest certificate
``L min_n g_n``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import Lines, work_gradient
from cgcopt.evaluation.steps.panels import Panels
from cgcopt.evaluation.steps.products import Products
from cgcopt.system import System

__all__ = ["Bracket", "bracketed_runtime", "first_ends", "is_exact", "split_ends"]


@dataclass(frozen=True)
class BracketTuning:
    """Numbers of the bracket. No measurement of them is recorded."""

    rounding: float = 1e-15
    """Relative width of a bracket that is rounding alone."""
    negligible: float = 1e-17
    """Share of the value, over all panels, that no panel is split for."""
    first_panels: int = 128
    """Panels to begin with."""
    most_pieces: int = 6
    """Pieces into which a panel is split at a time, at most."""


_TUNING = BracketTuning()


def is_exact(width: float, upper: float) -> bool:
    """Whether a bracket below ``upper`` is that wide by rounding alone."""
    return bool(width <= _TUNING.rounding * upper)


@dataclass(frozen=True, eq=False)
class Bracket:
    """Bounds on the expected runtime of a design.

    Attributes
    ----------
    lower, upper : float
        Rigorous, seconds.
    gradient : ndarray, shape (N,)
        In ``w``; ``gradient . y`` is at most the expected runtime of every work ``y``.
    grid : ndarray, shape (M,)
        Ends of the panels, seconds.
    single : ndarray of bool, shape (M,)
        Whether a panel has one possible runtime only.
    exact : bool
        Whether no uncertainty is left.
    line_gradients : tuple of ndarray, shapes (N,)
        Derivatives in the factors and the delays of the lines of the levels.
    """

    lower: float
    upper: float
    gradient: FloatArray
    grid: FloatArray
    single: NDArray[np.bool_]
    exact: bool
    line_gradients: tuple[FloatArray, FloatArray]


@within_doubles("the expected runtime")
def bracketed_runtime(
    system: System,
    work: FloatArray,
    *,
    tolerance: float,
    max_panels: int,
    grid: FloatArray | None = None,
    threads: int | None = None,
    lines: Lines | None = None,
) -> Bracket:
    """Bracket the expected runtime of a design with a step distribution.

    Panels are split where the bounds differ most, until the bracket is as narrow as wanted or there
    are as many panels as allowed.

    Parameters
    ----------
    system : System
        With discrete worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    tolerance : float
        Relative width that will do; 0 asks for an exact sum.
    max_panels : int
        Panels at most, but never fewer than those of the first attempt.
    grid : ndarray, optional
        Ends of panels to begin with, such as those found for a similar design.
    threads : int, optional
        For the kernel.
    lines : Lines, optional
        Of the levels, in place of those of the system and the work.
    """
    products = Products(system, work, lines)
    ends = first_ends(products) if grid is None else _snapped(products, grid)
    panels = Panels.between(products, ends, threads)
    while True:
        upper = panels.upper.sum()
        width = (panels.upper - panels.lower).sum()
        if not np.isfinite(upper):
            raise SolverError("a completion probability is not a number")
        exact = is_exact(width, upper)
        ends = panels.ends
        if not exact and width > tolerance * upper:
            doubt = panels.upper - panels.lower
            ends = split_ends(products, panels, doubt, tolerance * upper, max_panels)
        if ends.size == panels.ends.size:
            gradients = panels.line_gradients(products)
            return Bracket(
                float(upper - width),
                float(upper),
                work_gradient(system, *gradients),
                ends,
                panels.single,
                exact,
                gradients,
            )
        panels = panels.split(products, ends, threads)


def first_ends(products: Products) -> FloatArray:
    """Panels of equal ratio over the whole range.

    Raises
    ------
    SolverError
        If a possible runtime rounds to 0, or overflows.
    """
    if not (products.smallest > 0.0 and np.isfinite(products.largest)):
        low, high = products.smallest, products.largest
        raise SolverError(
            f"possible runtimes from {low:.3g} to {high:.3g} s leave the range of double precision"
        )
    return _snapped(
        products, np.geomspace(products.smallest, products.largest, _TUNING.first_panels)
    )


def _snapped(products: Products, z: FloatArray) -> FloatArray:
    """Replace times by the last products up to them, and add the smallest and largest product."""
    ends = products.upto(products.counts(z[z < products.largest]))
    ends = np.concatenate((ends[ends > 0], [products.smallest, products.largest]))
    return np.unique(ends)


def split_ends(
    products: Products, panels: Panels, doubt: FloatArray, width: float, most: int
) -> FloatArray:
    """Ends of finer panels, such that the sum of their uncertainties ``doubt`` should be ``width``.

    The uncertainty of a panel falls with the square of the number of its pieces; the least number in
    all has pieces proportional to the cube root of the uncertainty.
    """
    ends, number = panels.ends, panels.number
    starts = np.concatenate(([0.0], ends[:-1]))
    doubt[doubt <= _TUNING.negligible / ends.size * panels.upper.sum()] = 0.0
    left = most - ends.size
    if width == 0.0 and number[doubt > 0.0].sum() <= left:
        pieces = np.where(doubt > 0.0, number, 1)
    else:
        root = np.cbrt(doubt)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = np.fmin(root * np.sqrt(root.sum() / width), _TUNING.most_pieces)
        pieces = np.minimum(np.ceil(wanted).astype(np.int64), number)
        if (pieces - 1).clip(0).sum() > left:
            pieces = 1 + (max(left, 0) * root / root.sum()).astype(np.int64)
    chosen = np.flatnonzero(pieces > 1)
    whole = number[chosen] <= 2 * pieces[chosen]
    every, some = chosen[whole], chosen[~whole]
    inner = products.inside(products.counts(starts[every]), products.counts(ends[every]))
    first = products.after(products.counts(starts[some]))
    panel = np.repeat(np.arange(some.size), pieces[some] - 1)
    step = np.arange(panel.size) - np.searchsorted(panel, panel) + 1.0
    share = step / pieces[some][panel]
    between = first[panel] + (ends[some] - first)[panel] * share
    between = products.upto(
        products.counts(np.minimum(between, np.nextafter(ends[some][panel], 0.0)))
    )
    return np.unique(np.concatenate((ends, inner, between)))
