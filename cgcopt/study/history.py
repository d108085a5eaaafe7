"""Value and bound against time: what a run had found, and proven, when."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.incumbents import Watch, watching
from cgcopt.solution import Solution
from cgcopt.solvers.base import Solver
from cgcopt.solvers.solve import solve

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["run_history"]

#: Designs of a run that are valued again, spread over it.
MOST_DESIGNS = 200


def run_history(
    problem: Problem,
    solver: str | Solver = "optimal",
    *,
    form: Form | str = Form.RELAXED,
    options: Options | None = None,
) -> pd.DataFrame:
    """Solve a problem and say what value and bound were known after how many seconds.

    Own methods tell their designs and their gap on the way, HiGHS the points that improve;
    all designs are valued anew on the problem itself, after the run.

    Parameters
    ----------
    problem, solver, form, options
        As of :func:`cgcopt.solve`.

    Returns
    -------
    DataFrame
        Rising ``seconds``, the best ``value`` by then and the best ``bound`` by then (NaN where none was
        known). The last line is the end of the run; a solver on drawn rounds may have had a better
        design before.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=1e-3, shift=50)
    >>> problem = cg.Problem(cg.System(4, 100, times), cg.ExpectedRuntime())
    >>> history = run_history(problem).dropna()
    >>> bool(history["value"].is_monotonic_decreasing), bool(history["bound"].is_monotonic_increasing)
    (True, True)
    """
    with watching() as watch:
        solution = solve(problem, solver, form=form, options=options)
    return _table(problem, solution, watch)


def _table(problem: Problem, solution: Solution, watch: Watch) -> pd.DataFrame:
    import pandas as pd

    minimize = problem.objective.sense is Sense.MINIMIZE
    better = np.fmin if minimize else np.fmax
    stricter = np.fmax if minimize else np.fmin
    end = solution.seconds.build + solution.seconds.solve
    values = [(seconds, worth) for seconds, worth in _valued(problem, watch) if seconds <= end]
    seconds = np.array(
        sorted({*(s for s, _ in values), *(s for s, _ in watch.gaps if s < end), end})
    )
    value = np.array([_last(values, s, better) for s in seconds])
    value[-1] = solution.value
    gaps = [(s, gap) for s, gap in watch.gaps if math.isfinite(gap)]
    bound = np.array([_bound(gaps, s, v, minimize) for s, v in zip(seconds, value, strict=True)])
    # What lies short of a bound that holds is one too; anything beyond it was never proven.
    bound[~(bound <= solution.bound if minimize else bound >= solution.bound)] = math.nan
    bound[-1] = solution.bound if math.isfinite(solution.bound) else math.nan
    table = {
        "seconds": seconds,
        "value": better.accumulate(value),
        "bound": stricter.accumulate(bound),
    }
    return pd.DataFrame(table)


def _valued(problem: Problem, watch: Watch) -> list[tuple[float, float]]:
    """The exact worth of designs of the run, spread over it where there are many."""
    designs = watch.designs
    if len(designs) > MOST_DESIGNS:
        chosen = np.unique(np.linspace(0, len(designs) - 1, MOST_DESIGNS).round().astype(int))
        designs = [designs[place] for place in chosen.tolist()]
    found = []
    for seconds, partition in designs:
        worth = _worth(problem, np.asarray(partition, dtype=np.float64))
        if not math.isnan(worth):
            found.append((seconds, worth))
    return found


def _worth(problem: Problem, partition: FloatArray) -> float:
    """Exact worth of a design, scaled to all coordinates; NaN for those of smaller models."""
    total = partition.sum()
    if partition.size != problem.system.workers or not total > 0.0:
        return math.nan
    whole = partition * (problem.system.coordinates / total)
    try:
        return math.nan if problem.limits.violation(whole) else evaluate(problem, whole).value
    except CgcoptError:
        return math.nan


def _last(values: list[tuple[float, float]], seconds: float, better: np.ufunc) -> float:
    known = [worth for at, worth in values if at <= seconds]
    return float(better.reduce(known)) if known else math.nan


def _bound(gaps: list[tuple[float, float]], seconds: float, value: float, minimize: bool) -> float:
    known = [gap for at, gap in gaps if at <= seconds]
    if not known:
        return math.nan
    return value * (1.0 - known[-1]) if minimize else value / max(1.0 - known[-1], 1e-300)
