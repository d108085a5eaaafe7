"""The best completion probability against the deadline, with the schemes beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cgcopt._validate import finite_number, whole_number
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.entrant import Entrant, entrants_of
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.runs import capped
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError, RunInterrupted, SolverError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import CompletionProbability, Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process import stopping
from cgcopt.solution import SolutionStatus
from cgcopt.solvers.base import Task
from cgcopt.solvers.registry import all_solvers

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DEFAULT_OPTIONS",
    "DEFAULT_RANGE",
    "SCHEMES",
    "Curve",
    "deadline_curve",
    "default_deadlines",
]

#: Deadlines of one curve at the most.
MOST_POINTS = 10_000

#: Time for each solver at each deadline; neighbours help each other, so that few starts do.
DEFAULT_OPTIONS = Options(time_limit=5.0, starts=4)

#: Probabilities of the best designs at the ends of a curve.
DEFAULT_RANGE = (0.01, 0.999)

#: What stands beside the best designs by default, as far as it treats the worker times.
SCHEMES = (
    "equal-risk",
    "closed-form-deadline",
    "single-level",
    "tandon",
    "uniform",
    "uncoded",
)

_BEST = "optimal"


@dataclass(frozen=True)
class Curve:
    """Completion probabilities of several solvers at several deadlines.

    Attributes
    ----------
    problem : Problem
        Whose system it is; the deadline or probability of its objective is a mark in the plot.
    deadlines : tuple of float
        Seconds, increasing.
    solvers : tuple of str
        Names, with the form where one was asked for.
    rows : tuple of Row
        One for each deadline and solver, deadline by deadline.
    options : Options
        What all solvers ran with.
    """

    problem: Problem
    deadlines: tuple[float, ...]
    solvers: tuple[str, ...]
    rows: tuple[Row, ...]
    options: Options

    def of(self, solver: str) -> list[Row]:
        """Rows of one solver, by deadline."""
        return list(self.rows[self.solvers.index(solver) :: len(self.solvers)])

    @property
    def failures(self) -> dict[str, str]:
        """Messages of the solvers that have no value at some deadline, by name."""
        return {
            solver: row.message or str(row.solution.termination)
            for solver in self.solvers
            for row in self.of(solver)
            if math.isnan(row.value)
        }

    def frame(self) -> pd.DataFrame:
        """All values as a table, one line for each deadline and solver, numbers unrounded."""
        import pandas as pd

        return pd.DataFrame(
            {
                "deadline": np.repeat(self.deadlines, len(self.solvers)),
                "solver": [row.solver for row in self.rows],
                "form": [str(row.form) for row in self.rows],
                "probability": [row.value for row in self.rows],
                "complement": [row.solution.complement for row in self.rows],
                "residual": [row.solution.residual for row in self.rows],
                "copies": [row.solution.copies for row in self.rows],
                "blocks": [row.solution.blocks for row in self.rows],
                "seconds": [row.seconds for row in self.rows],
                "note": [row.message for row in self.rows],
            }
        )

    def designs(self) -> pd.DataFrame:
        """Block partitions, one line for each deadline, solver and level ``n``."""
        import pandas as pd

        lines = [
            (deadline, row.solver, str(row.form), n, x)
            for solver in self.solvers
            for deadline, row in zip(self.deadlines, self.of(solver), strict=True)
            for n, x in enumerate(row.partition)
        ]
        return pd.DataFrame(lines, columns=["deadline", "solver", "form", "n", "coordinates"])


def deadline_curve(
    problem: Problem,
    deadlines: Iterable[float],
    solvers: Sequence[str | Entrant] | None = None,
    *,
    options: Options = DEFAULT_OPTIONS,
    executor: Executor | None = None,
) -> Curve:
    """Solve for every deadline, whatever the objective of the problem is.

    The best designs of neighbouring deadlines are tried at each deadline too, and one that does
    better there takes the place of the design found, which makes the best curve nondecreasing.

    Parameters
    ----------
    problem : Problem
        Its system counts.
    deadlines : iterable of float
        Seconds, positive and increasing.
    solvers : sequence of str or Entrant, optional
        By default ``optimal`` and, of :data:`SCHEMES`, those that treat the worker times.
    options : Options
        For every solver at every deadline.
    executor : Executor, optional
        As in :func:`~cgcopt.compare.results.compare.compare`.

    Raises
    ------
    InvalidInputError
        If a solver is unknown or named twice, or the deadlines do not increase.

    Notes
    -----
    A command that is interrupted gets the curve of the deadlines that were over.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(5, 1000, cg.ShiftedExponential(rate=1e-3, shift=50))
    >>> curve = deadline_curve(cg.Problem(system, cg.ExpectedRuntime()), [2e5, 4e5, 8e5])
    >>> [bool(low.value < high.value) for low, high in pairwise(curve.of("optimal"))]
    [True, True]
    """
    times = tuple(finite_number("deadline", deadline, above=0) for deadline in deadlines)
    if any(low >= high for low, high in pairwise(times)):
        raise InvalidInputError("deadlines", times, "increasing")
    options = capped(options, executor)
    entrants = entrants_of(_default_solvers(problem) if solvers is None else solvers)
    labels = tuple(entrant.label for entrant in entrants)
    problems = [
        replace(problem, objective=CompletionProbability(t), title=f"{problem.name} t={t:.9g}")
        for t in times
    ]
    try:
        rows = list(compare(problems, entrants, options=options, executor=executor).rows)
    except RunInterrupted as stop:
        over = len(stop.result.rows) // len(labels)
        if not (over and stopping.commanded() and executor is None):  # processes end in any order
            raise
        stopping.finishing()
        times, rows = times[:over], list(stop.result.rows[: over * len(labels)])
    if _BEST in labels:
        best = list(range(labels.index(_BEST), len(rows), len(labels)))
        forward = list(zip(best, best[1:], problems[1:], strict=False))
        backward = list(zip(best[1:], best, problems, strict=False))[::-1]
        for source, target, at in forward + backward:
            rows[target] = _better(rows[target], rows[source], at)
    return Curve(problem, times, labels, tuple(rows), options)


def default_deadlines(
    problem: Problem,
    points: int,
    first: float | None = None,
    last: float | None = None,
    *,
    options: Options = DEFAULT_OPTIONS,
) -> list[float]:
    """Deadlines in equal ratios, by default between quantiles of the best designs.

    Parameters
    ----------
    problem : Problem
        Its system counts.
    points : int
        How many, at least two.
    first, last : float, optional
        The ends, seconds; by default the best quantiles for :data:`DEFAULT_RANGE`.
    options : Options
        For the search of these quantiles.

    Raises
    ------
    InvalidInputError
        If the ends are not positive and increasing.
    SolverError
        If a quantile was not found.
    """
    count = whole_number("points", points, least=2, most=MOST_POINTS)
    for name, given in (("from", first), ("to", last)):
        if given is not None:
            finite_number(name, given, above=0)
    low = _best_quantile(problem, DEFAULT_RANGE[0], options) if first is None else first
    high = _best_quantile(problem, DEFAULT_RANGE[1], options) if last is None else last
    if low >= high:
        field = "to" if last is not None else "from"
        allowed = f"above {low:.6g}" if field == "to" else f"below {high:.6g}"
        raise InvalidInputError(field, last if last is not None else first, allowed)
    return [float(t) for t in np.geomspace(low, high, count)]


def _best_quantile(problem: Problem, probability: float, options: Options) -> float:
    from cgcopt.solvers.solve import solve

    title = f"{problem.name} q={probability:g}"
    wanted = replace(problem, objective=Quantile(probability), title=title)
    solution = solve(wanted, _BEST, options=options)
    if not math.isfinite(solution.value):
        raise SolverError(f"no {probability:g} quantile to start from: {solution.message}")
    return solution.value


def _default_solvers(problem: Problem) -> list[str]:
    kind = problem.system.worker_times.kind
    able = {
        cls.name
        for cls in all_solvers()
        if Task(CompletionProbability, Form.RELAXED) in cls.solves
        and kind in cls.times
        and cls.fits(problem)
    }
    return [name for name in (_BEST, *SCHEMES) if name in able]


def _better(row: Row, neighbour: Row, problem: Problem) -> Row:
    """The row, or the neighbouring deadline's design where that does better at this one."""
    if not neighbour.partition:
        return row
    there = evaluate(problem, Design(neighbour.partition))  # type: ignore[arg-type]  # converted
    here = row.solution
    complement = math.nan if there.complement is None else there.complement
    # Near 1 the complement tells more.
    worse = complement >= here.complement if row.value > 0.5 else there.value <= row.value
    if worse:
        return row
    found = replace(
        here,
        value=there.value,
        complement=complement,
        standard_error=there.standard_error,
        status=SolutionStatus.FEASIBLE,
        residual=math.nan,
        partition=neighbour.partition,
        message="design of a neighbouring deadline",
    )
    return replace(row, solution=found)
