"""Held-out replay: designs made from the first rounds of a trace, judged on the rounds that follow.

A design is no better than the model behind it. Here every design is computed from a model of the
first part of a measured trace (a fitted family, the pooled times, or whole rounds), and its
runtimes are then computed, exactly, on rounds that no model has seen. A design from a bad fit can
lose to no coding at all; the table shows it. Schedules stand beside the designs, and uncoded ways to
spread the work; below them all is the speed of light.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cgcopt.arrays import FloatArray
from cgcopt.compare.results.designer import Designer, Made
from cgcopt.compare.results.entrant import Entrant, entrants_of
from cgcopt.compare.results.held_out import HeldOut, Judged, held_out
from cgcopt.compare.results.names import one_line
from cgcopt.compare.results.replay_candidates import candidates_of, hindsight
from cgcopt.compare.results.yardstick import Yardstick, yardstick_of
from cgcopt.design import Design
from cgcopt.evaluation.schedules.baselines import sent_share
from cgcopt.instance import problem_of_trace
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.workers.blocks import Block, TimeBlocks
from cgcopt.workers.dependence import mean_error
from cgcopt.workers.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Replay", "ReplayRow", "mean_error", "replay"]


@dataclass(frozen=True)
class ReplayRow:
    """One design and what became of it.

    Attributes
    ----------
    design : str
        The method that made the design.
    model : str
        The model of worker times it was made for.
    promised : float
        The objective under that model: seconds, or a probability.
    held_out : float
        The objective on the held-out rounds.
    standard_error : float
        Of ``held_out``, allowing for dependence between successive rounds
        (:mod:`~cgcopt.compare.results.yardstick`).
    ratio : float
        ``held_out`` over that of no coding; for times, above 1, coding loses.
    ratio_error : float
        Standard error of ``ratio``, rounds paired.
    partition : tuple of float
        Block partition of a design; empty for schedules and schemes.
    copies : float
        Subsets of the data that a worker holds at most; NaN for schemes outside the design space.
    blocks : float
        Used levels; NaN where there are none.
    made : Made or None
        What the workers did, schedules among them.
    rising : bool
        Whether large values are good.
    message : str
        Why there is no design, where there is none.
    """

    design: str
    model: str
    promised: float = math.nan
    held_out: float = math.nan
    standard_error: float = math.nan
    ratio: float = math.nan
    ratio_error: float = math.nan
    partition: tuple[float, ...] = ()
    copies: float = math.nan
    blocks: float = math.nan
    made: Made | None = None
    rising: bool = False
    message: str = ""

    @property
    def sent(self) -> float:
        """Coordinates that a worker sends in a round at most, over ``L`` (on request: on average)."""
        return math.nan if self.made is None else sent_share(self.made.assignment)

    @property
    def name(self) -> str:
        """Name of the design and of its model, in one line."""
        return self.design if self.model == "none" else f"{self.design}, {self.model}"

    @property
    def short_name(self) -> str:
        """Design and kind of model, without the model's parameters."""
        return self.name.partition("(")[0]

    @property
    def family(self) -> str:
        """Kind of model, without its parameters."""
        return self.model.partition("(")[0]

    @property
    def loses(self) -> bool:
        """Whether coding loses to no coding by more than two standard errors."""
        worse = 1 - self.ratio if self.rising else self.ratio - 1
        return self.design != "uncoded" and worse > 2 * self.ratio_error


@dataclass(frozen=True)
class Replay:
    """All designs of a trace, best on the held-out rounds first.

    Attributes
    ----------
    title : str
        Name of the trace.
    rows : tuple of ReplayRow
        By ``held_out``.
    train, test : Trace
        The first rounds, and the rounds held out.
    problem : Problem
        Objective, costs and limits.
    """

    title: str
    rows: tuple[ReplayRow, ...]
    train: Trace
    test: Trace
    problem: Problem

    def __repr__(self) -> str:
        return f"<Replay {self.heading}: {len(self.rows)} designs>"

    @property
    def heading(self) -> str:
        """Heading of the table."""
        return (
            f"{self.title}: designed on {self.train.round_count} rounds, "
            f"replayed on the next {self.test.round_count} ({self.test.workers} workers)"
        )

    def frame(self) -> pd.DataFrame:
        """All rows as a table, numbers unrounded."""
        import pandas as pd

        records = [{"trace": self.title, **vars(row), "sent": row.sent} for row in self.rows]
        return pd.DataFrame(records).drop(columns=["partition", "made", "rising"])

    def partitions(self) -> pd.DataFrame:
        """Every design: a line for every used level."""
        import pandas as pd

        lines = [
            (self.title, row.design, row.model, n, x)
            for row in self.rows
            if row.made is not None
            for n, x in enumerate(row.made.partition)
            if x > 0
        ]
        return pd.DataFrame(lines, columns=["trace", "design", "model", "n", "coordinates"])


def replay(
    trace: Trace,
    solvers: Iterable[str | Entrant] | None = None,
    *,
    title: str = "",
    fraction: float = 0.5,
    coordinates: int = 20_000,
    problem: Problem | None = None,
    options: Options | None = None,
) -> Replay:
    """Design on the first rounds of a trace, and judge on the rest.

    Parameters
    ----------
    trace : Trace
        Measured times, ``R`` rounds of ``N`` workers.
    solvers : iterable of str or Entrant, optional
        Whose designs, each for every model that it takes; by default our optimum, the closed forms,
        the schemes, the schedules and the uncoded baselines.
    title : str
        What to call it; by default the name of its file.
    fraction : float
        Share of the rounds that models may see.
    coordinates : int
        ``L``. Runtimes are in the seconds of the trace: a round without coding takes as long as
        its slowest worker.
    problem : Problem, optional
        System, costs, objective and limits, in place of ``coordinates``; its worker times are not
        looked at.
    options : Options, optional
        For every solver.

    Returns
    -------
    Replay
        A design that cannot be made, or breaks a limit, is a row with a message.

    Raises
    ------
    InvalidInputError
        If a solver is unknown or named twice, or the trace cannot be split.

    Examples
    --------
    >>> import numpy as np
    >>> import cgcopt as cg
    >>> rng = np.random.default_rng(5)
    >>> measured = cg.Trace(cg.ShiftedExponential(rate=1.0, shift=0.5).sample(80, 4, rng))
    >>> result = replay(measured, solvers=["optimal", "schedule"])
    >>> ratios = {row.design: row.ratio for row in result.rows}
    >>> bool(ratios["schedule"] < ratios["optimal"] < 0.7)
    True
    """
    options = options or Options(time_limit=30.0)
    name = one_line(title or (trace.path.stem if trace.path is not None else "trace"))
    train, test = trace.split(fraction)
    given = problem or problem_of_trace(trace, mode="rounds", coordinates=coordinates)
    named = None if solvers is None else entrants_of(solvers)
    (block,) = TimeBlocks(fraction, 1).of(trace.round_count)
    candidates = list(candidates_of(Designer(given, train, options), given.objective, named))
    found = held_out(trace, given, candidates, [block], options, title=name)
    yardstick = yardstick_of(given.objective)
    rows = _rows(found, yardstick)
    if named is None:
        # The rounds held out, seen and judged.
        known = [Block(slice(0, test.round_count), slice(0, test.round_count))]
        best = held_out(test, given, hindsight(), known, options, title=name)
        rows += [
            replace(row, model="held-out rounds")
            for row in _rows(best, yardstick)
            if row.design != "speed of light"
        ]
    options.report(1.0, "")
    rows.sort(key=lambda row: yardstick.loss(row.held_out))
    return Replay(name, tuple(rows), train, test, given)


def _rows(found: HeldOut, yardstick: Yardstick) -> list[ReplayRow]:
    rows = [
        ReplayRow(each.name, each.model, message=each.message, rising=yardstick.rising)
        for each in found.failed
    ]
    rows += [_judged(_row_of(each), each.ends, found.uncoded, yardstick) for each in found.judged]
    light = ReplayRow("speed of light", "none")
    return [*rows, _judged(light, found.light, found.uncoded, yardstick)]


def _row_of(each: Judged) -> ReplayRow:
    made = each.made
    return ReplayRow(
        each.name,
        made.model,
        promised=each.promised,
        partition=made.partition if isinstance(made.assignment, Design) else (),
        made=made,
        copies=math.nan if each.size.copies is None else each.size.copies,
        blocks=math.nan if each.size.blocks is None else float(each.size.blocks),
    )


def _judged(
    row: ReplayRow, ends: FloatArray, uncoded: FloatArray, yardstick: Yardstick
) -> ReplayRow:
    return replace(
        row,
        held_out=yardstick.value(ends),
        standard_error=yardstick.error(ends),
        ratio=yardstick.ratio(ends, uncoded),
        ratio_error=yardstick.ratio_error(ends, uncoded),
        rising=yardstick.rising,
    )
