"""Expected runtime when a worker's time takes finitely many values, as in a pooled trace.

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

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import LineRuntime, Lines, work_gradient
from cgcopt.evaluation.result import Evaluation, Method, WithGradient
from cgcopt.evaluation.steps.panels import Panels
from cgcopt.evaluation.steps.products import Products, discrete_times
from cgcopt.system import System

__all__ = [
    "Bracket",
    "affordable_panels",
    "bracketed_runtime",
    "default_tolerance",
    "expected_runtime",
    "first_ends",
    "is_exact",
    "runtime_of_lines",
    "split_ends",
]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the bracket.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    tolerance: float = 1e-7
    """Relative width of the bracket where an exact sum would be too long."""
    rounding: float = 1e-15
    """Relative width of a bracket that is rounding alone."""
    negligible: float = 1e-17
    """Share of the value, over all panels, that no panel is split for."""
    first_panels: int = 128
    """Panels to begin with."""
    most_pieces: int = 6
    """Pieces into which a panel is split at a time, at most."""
    exact_share: int = 4
    """One part in so many of what is affordable may go into an exact sum where a bracket would do."""
    affordable_seconds: float = 4.0
    """Time that panels may take by default, seconds."""
    panel_seconds: float = 2e-6
    """Rough time of a panel, seconds, whatever the number ``N`` of workers."""
    worker_seconds: float = 3e-7
    """What is added to it for each worker."""
    sweep_seconds: float = 2e-8
    """What is added to it, times ``N**1.5``: the sweeps through the thresholds."""


_TUNING = _Tuning()


def affordable_panels(workers: int) -> int:
    """Panels that take a few seconds at ``N`` workers.

    Examples
    --------
    >>> affordable_panels(1000) < affordable_panels(20)
    True
    """
    seconds = _TUNING.panel_seconds + _TUNING.worker_seconds * workers
    return int(_TUNING.affordable_seconds / (seconds + _TUNING.sweep_seconds * workers**1.5))


def default_tolerance(values: int, workers: int, allowed: int) -> float:
    """Relative width of the bracket that will do; 0 where an exact sum takes about a second.

    Parameters
    ----------
    values : int
        Times that a worker may take.
    workers : int
        ``N``.
    allowed : int
        Panels that are affordable.
    """
    return 0.0 if values * workers * _TUNING.exact_share <= allowed else _TUNING.tolerance


def is_exact(width: float, upper: float) -> bool:
    """Whether a bracket below ``upper`` is that wide by rounding alone."""
    return bool(width <= _TUNING.rounding * upper)


@within_doubles("the expected runtime")
def expected_runtime(
    system: System,
    work: FloatArray,
    *,
    gradient: bool = False,
    tolerance: float | None = None,
    max_panels: int | None = None,
) -> Evaluation:
    """Expected runtime for independent workers with a step distribution.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.base.DiscreteTimes` as worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    gradient : bool
        Whether to return a subgradient with respect to ``w``.
    tolerance : float, optional
        Relative width of the bracket that will do; 0 asks for the exact sum. By default 0 where
        that takes about a second, else 1e-7.
    max_panels : int, optional
        Panels at most; a few seconds' worth by default.

    Returns
    -------
    Evaluation
        Method ``exact``, or ``bracket`` with rigorous ``lower`` and ``upper`` and the mean of the
        two as value. The gradient satisfies ``g . y <= E[tau(y)]`` for every work ``y`` in either
        case, so that certificates built from it are rigorous; ``g . w`` is the value where it is
        exact.

    Raises
    ------
    UnsupportedProblemError
        If the worker times are not discrete.

    Examples
    --------
    Two workers, times 1 or 3 with equal chance, all work at level 0: ``E[T_(2)] = 2.5``.

    >>> import numpy as np
    >>> from cgcopt import Empirical, System
    >>> system = System(2, 4, Empirical([1.0, 3.0]), samples=2)
    >>> result = expected_runtime(system, np.array([4.0, 4.0]), gradient=True)
    >>> result.value, str(result.method), result.gradient.round(12).tolist()
    (10.0, 'exact', [1.5, 1.0])
    """
    allowed = affordable_panels(system.workers) if max_panels is None else max_panels
    whole_number("max_panels", allowed, least=1)
    if tolerance is None:
        tolerance = default_tolerance(discrete_times(system).values.size, system.workers, allowed)
    if max_panels is None:
        # A bracket that is too wide is of little use, so it may take twice as long.
        allowed *= 2
    finite_number("tolerance", tolerance, least=0)
    found = bracketed_runtime(system, work, tolerance=tolerance, max_panels=allowed)
    middle = found.upper if found.exact else (found.lower + found.upper) / 2
    method = Method.EXACT if found.exact else Method.BRACKET
    lower = found.upper if found.exact else found.lower
    if not gradient:
        return Evaluation(middle, method, lower, found.upper)
    return WithGradient(middle, method, lower, found.upper, gradient=found.gradient)


def runtime_of_lines(
    system: System, lines: Lines, *, tolerance: float, threads: int | None = None
) -> LineRuntime:
    """Expected runtime ``E[max_n (c_n + a_n T_(N-n))]``, bracketed to a relative width.

    Parameters
    ----------
    system : System
        With discrete worker times.
    lines : Lines
        Of the levels.
    tolerance : float
        Relative width that will do.
    threads : int, optional
        For the kernel.

    Examples
    --------
    >>> from cgcopt import Empirical, System
    >>> system = System(2, 4, Empirical([1.0, 3.0]), samples=2)
    >>> lines = Lines(np.array([4.0, 4.0]), np.array([2.0, 2.0]))
    >>> runtime_of_lines(system, lines, tolerance=0.0).value
    12.0
    """
    found = bracketed_runtime(
        system,
        lines.factor,
        tolerance=tolerance,
        max_panels=2 * affordable_panels(system.workers),
        threads=threads,
        lines=lines,
    )
    method = Method.EXACT if found.exact else Method.BRACKET
    middle = (found.lower + found.upper) / 2
    return LineRuntime(middle, found.lower, found.upper, method, *found.line_gradients)


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
    """Panels of equal ratio over the whole range."""
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
