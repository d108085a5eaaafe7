"""Time against copies of the data: coded in one order, coded in rotated order, uncoded in cyclic order.

Uncoded cyclic scheduling sends up to ``r L`` coordinates a worker where coding sends ``L``: with free
communication it may be the faster one at the same storage, and from some cost of sending on it is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cgcopt.compare.results.held_out import no_coding
from cgcopt.compare.schedules.cases import Case
from cgcopt.compare.schedules.table import root
from cgcopt.errors import SolverError
from cgcopt.evaluation.schedules.baselines import Cyclic
from cgcopt.limits import Limits
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.schedule import Schedule
from cgcopt.solvers.solve import solve

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CopiesRow", "CopiesTable", "copies_table"]

#: Rounds that judge.
_JUDGED = 5000
#: Largest cost of sending all coordinates that is tried, in uncoded rounds.
_DEAREST = 10.0
#: Relative accuracy of the cost at which the ways cross.
_ACCURACY = 0.02


@dataclass(frozen=True)
class CopiesRow:
    """One number of copies; times are mean rounds over the uncoded one.

    Attributes
    ----------
    copies : int
        Subsets of the data that a worker stores at most.
    one_order, rotated, cyclic : float
        Best coded blocks in one order and in rotated order with equal work, and uncoded cyclic order.
    per_coordinate : float
        Cost of sending all coordinates, as a share of the uncoded mean, from which on the rotated
        blocks are faster than cyclic order, when they are designed for that cost. Infinite where
        they never are.
    """

    copies: int
    one_order: float
    rotated: float
    cyclic: float
    per_coordinate: float


@dataclass(frozen=True)
class CopiesTable:
    """All numbers of copies of one case."""

    case: str
    rows: tuple[CopiesRow, ...]

    def frame(self) -> pd.DataFrame:
        """One row a number of copies."""
        import pandas as pd

        return pd.DataFrame([{"case": self.case, **vars(row)} for row in self.rows])


def copies_table(
    case: Case, copies: Iterable[int] | None = None, *, options: Options | None = None
) -> CopiesTable:
    """Design for every number of copies, and judge on the rounds of the case.

    Parameters
    ----------
    case : Case
    copies : iterable of int, optional
        By default 1, 2, 4, ... and ``N``.
    options : Options, optional
        For every solver.

    Examples
    --------
    >>> import numpy as np
    >>> from cgcopt import ShiftedExponential
    >>> from cgcopt.compare.schedules.cases import cases_of
    >>> from cgcopt.workers.trace import Trace
    >>> times = ShiftedExponential(rate=1.0, shift=0.2).sample(20, 3, np.random.default_rng(5))
    >>> (case,) = cases_of([("mine", Trace(times))])
    >>> (last,) = copies_table(case, copies=[3]).rows
    >>> last.rotated < last.one_order
    True
    """
    options = options or Options(time_limit=60.0)
    problem = case.problem
    count = problem.system.workers
    numbers = list(copies or _powers(count))
    uncoded = case.mean(no_coding(problem), most=_JUDGED)
    rows = []
    for number in numbers:
        options.report(None, f"{case.title}: {number} copies")
        limited = replace(problem, limits=Limits(copies=number))
        plain, rotated = (_best(limited, turned, options) for turned in (False, True))
        cyclic = Cyclic(number)
        rows.append(
            CopiesRow(
                number,
                case.mean(plain, most=_JUDGED) / uncoded,
                case.mean(rotated, most=_JUDGED) / uncoded,
                case.mean(cyclic, most=_JUDGED) / uncoded,
                _sending(limited, case, cyclic, rotated, options, uncoded)
                if number > 1
                else math.nan,
            )
        )
    return CopiesTable(case.title, tuple(rows))


def _powers(count: int) -> list[int]:
    numbers = [2**k for k in range(count.bit_length()) if 2**k < count]
    return [*numbers, count]


def _best(problem: Problem, rotated: bool, options: Options) -> Schedule:
    raw = {"work": "equal", "rotated": rotated}
    found = solve(problem, "schedule", options=replace(options, raw=raw, progress=None))
    if found.schedule is None:
        raise SolverError(found.message or "no schedule was found")
    return found.schedule


def _sending(
    problem: Problem,
    case: Case,
    cyclic: Cyclic,
    free: Schedule,
    options: Options,
    uncoded: float,
) -> float:
    """Where sending costs so much that both are equally fast.

    The blocks are designed for every cost that is tried. Those that were designed for free sending
    are slower, so that their crossing is an upper end.
    """
    system = problem.system

    def behind(share: float, coded: Schedule | None = None) -> float:
        costs = replace(system.costs, per_coordinate=share * uncoded / system.coordinates)
        dear = replace(problem, system=replace(system, costs=costs))
        coded = coded or _best(dear, True, options)
        return case.mean(cyclic, dear, _JUDGED) - case.mean(coded, dear, _JUDGED)

    most = root(lambda share: behind(share, free))
    if most == 0.0:
        return most
    return root(behind, min(1.001 * most, _DEAREST), _ACCURACY)
