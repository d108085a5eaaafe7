"""Expected runtime when a worker's time takes finitely many values, as in a pooled trace."""

from __future__ import annotations

from dataclasses import dataclass

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import LineRuntime, Lines
from cgcopt.evaluation.result import Evaluation, Method, WithGradient
from cgcopt.evaluation.steps.brackets import bracketed_runtime
from cgcopt.evaluation.steps.products import discrete_times
from cgcopt.system import System

__all__ = ["affordable_panels", "default_tolerance", "expected_runtime", "runtime_of_lines"]


@dataclass(frozen=True)
class _Tuning:
    """What an evaluation may take.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    tolerance: float = 1e-7
    """Relative width of the bracket where an exact sum would be too long."""
    exact_share: int = 4
    """One part in so many of what is affordable may go into an exact sum where a bracket would do."""
    affordable_seconds: float = 4.0
    """Time that panels may take by default, seconds."""
    panel_seconds: float = 2e-6
    """Rough time of a panel, seconds, whatever the number ``N`` of workers."""
    worker_seconds: float = 3e-7
    """Further time of a panel for each worker, seconds."""
    sweep_seconds: float = 2e-8
    """Factor of ``N**1.5`` in the time of a panel, seconds: the sweeps through the thresholds."""


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
    >>> import numpy as np
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
