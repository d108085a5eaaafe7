"""The published plots, computed again: our figures beside the published ones, point by point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cgcopt.compare.published.figures import (
    SOLVERS_OF,
    figure_of,
    published_figures,
    published_problems,
    sweeps,
)
from cgcopt.compare.results.compare import DEFAULT_OPTIONS, compare
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.store import Store
from cgcopt.errors import InvalidInputError
from cgcopt.objective import ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep", "published_sweep"]

_SYMBOLS = {"workers": "N", "coordinates": "L", "rate": "rate", "deadline": "t"}


@dataclass(frozen=True)
class Sweep:
    """One published plot, computed again.

    Attributes
    ----------
    parameter : str
        What varies: ``workers``, ``coordinates``, ``rate`` or ``deadline``.
    points : tuple of float
        Its values.
    names : tuple of str
        Names of the problems at the points.
    comparison : Comparison
        Every solver at every point.
    """

    parameter: str
    points: tuple[float, ...]
    names: tuple[str, ...]
    comparison: Comparison

    @property
    def solvers(self) -> list[str]:
        """Names of the solvers."""
        return list(dict.fromkeys(row.solver for row in self.comparison.rows))

    @property
    def headings(self) -> list[str]:
        """The points as headings of columns, such as ``N = 10``."""
        digits = 6 if self.parameter in ("workers", "coordinates") else 4
        return [f"{_SYMBOLS[self.parameter]} = {point:.{digits}g}" for point in self.points]

    def point(self, problem: Problem) -> float:
        """Where a problem lies on the plot."""
        return varied_numbers(problem)[self.parameter]

    def curve(self, solver: str) -> list[Row]:
        """Rows of one solver, point by point."""
        return [row for row in self.comparison.rows if row.solver == solver]

    def frame(self) -> pd.DataFrame:
        """All rows as a table, numbers unrounded, with the parameter in the first column."""
        frame = self.comparison.frame()
        frame = frame.drop(columns=self.parameter, errors="ignore")
        frame.insert(
            0, self.parameter, frame["problem"].map(dict(zip(self.names, self.points, strict=True)))
        )
        return frame


def published_sweep(
    kind: str = ExpectedRuntime.kind,
    parameter: str = "workers",
    *,
    solvers: Sequence[str] | None = None,
    up_to: float = math.inf,
    options: Options = DEFAULT_OPTIONS,
    store: Store | None = None,
    fresh: bool = False,
    executor: Executor | None = None,
) -> Sweep:
    """Compute a plot of arXiv 2206.02450 again, with the methods it shows and with our optimum.

    Parameters
    ----------
    kind : str
        Kind of the objective.
    parameter : str
        What the plot varies.
    solvers : sequence of str, optional
        By default those that have a published curve beside them.
    up_to : float
        Points beyond this value of the parameter are left out.
    options, store, fresh, executor
        As in :func:`~cgcopt.compare.results.compare.compare`.

    Raises
    ------
    InvalidInputError
        If there is no such plot.
    """
    known = list(sweeps(kind))
    if parameter not in known:
        raise InvalidInputError("sweep", parameter, f"one of: {', '.join(known)}")
    problems = published_problems(kind, parameter)
    titled = [
        replace(problem, title=_title(problem))
        for problem in problems
        if varied_numbers(problem)[parameter] <= up_to
    ]
    points = tuple(varied_numbers(problem)[parameter] for problem in titled)
    if solvers is None:
        schemes = dict.fromkeys(figure.scheme for figure in published_figures(kind))
        solvers = list(dict.fromkeys(name for scheme in schemes for name in SOLVERS_OF[scheme]))
    comparison = compare(
        titled, solvers, options=options, store=store, fresh=fresh, executor=executor
    )
    by_name = {problem.name: problem for problem in titled}
    rows = tuple(
        replace(row, published=_published(by_name[row.problem], row.solver, parameter))
        for row in comparison.rows
    )
    return Sweep(parameter, points, tuple(by_name), replace(comparison, rows=rows))


def _title(problem: Problem) -> str:
    """All that varies in any plot: a setting that lies on several has one name, and one run."""
    numbers = varied_numbers(problem)
    names = [
        f"{symbol}={numbers[parameter]:g}"
        for parameter, symbol in _SYMBOLS.items()
        if parameter in numbers
    ]
    return " ".join([problem.objective.kind, *names])


def _published(problem: Problem, solver: str, parameter: str) -> float:
    figure = figure_of(problem, solver, parameter)
    return math.nan if figure is None else figure.value


def varied_numbers(problem: Problem) -> dict[str, float]:
    """Return the numbers that published plots vary, as far as a problem has them.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(20, 2000, cg.ShiftedExponential(rate=1e-3, shift=50))
    >>> varied_numbers(cg.Problem(system, cg.ExpectedRuntime()))
    {'workers': 20.0, 'coordinates': 2000.0, 'rate': 0.001}
    """
    system = problem.system
    known = {
        **system.worker_times.to_dict(),
        **problem.objective.to_dict(),
        "workers": system.workers,
        "coordinates": system.coordinates,
    }
    return {name: float(known[name]) for name in _SYMBOLS if name in known}
