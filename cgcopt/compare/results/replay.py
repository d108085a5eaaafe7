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

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.compare.results.entrant import Entrant, entrants_of
from cgcopt.compare.results.names import one_line
from cgcopt.compare.results.replay_candidates import candidates_of
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.evaluation.schedules.baselines import speed_of_light
from cgcopt.evaluation.schedules.ends import Run, ends_of_rounds
from cgcopt.objective import ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solvers.solve import solve
from cgcopt.system import System
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
        Expected runtime under that model, seconds.
    held_out : float
        Mean runtime of the held-out rounds, seconds.
    standard_error : float
        Of ``held_out``, allowing for dependence between successive rounds (:func:`mean_error`).
    ratio : float
        ``held_out`` over that of no coding; above 1, coding loses.
    ratio_error : float
        Standard error of ``ratio``, rounds paired.
    partition : tuple of float
        Block partition; empty for schemes outside the design space.
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
    message: str = ""

    @property
    def name(self) -> str:
        """Design and model in one line."""
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
        return self.design != "uncoded" and self.ratio > 1 + 2 * self.ratio_error


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
    """

    title: str
    rows: tuple[ReplayRow, ...]
    train: Trace
    test: Trace

    @property
    def heading(self) -> str:
        """What the table shows."""
        return (
            f"{self.title}: designed on {self.train.round_count} rounds, "
            f"replayed on the next {self.test.round_count} ({self.test.workers} workers)"
        )

    def frame(self) -> pd.DataFrame:
        """All rows as a table, numbers unrounded."""
        import pandas as pd

        records = [{"trace": self.title, **vars(row)} for row in self.rows]
        return pd.DataFrame(records).drop(columns="partition")


def replay(
    trace: Trace,
    solvers: Iterable[str | Entrant] | None = None,
    *,
    title: str = "",
    fraction: float = 0.5,
    coordinates: int = 20_000,
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
    options : Options, optional
        For every solver.

    Returns
    -------
    Replay
        A design that cannot be made is a row with a message.

    Raises
    ------
    InvalidInputError
        If a solver is unknown or named twice, or the trace cannot be split.

    Examples
    --------
    >>> import cgcopt as cg
    >>> rng = np.random.default_rng(5)
    >>> measured = cg.Trace(cg.ShiftedExponential(rate=1.0, shift=0.5).sample(200, 6, rng))
    >>> result = replay(measured)
    >>> best, *_ = (row for row in result.rows if row.design != "hindsight optimum")
    >>> best.ratio < 0.7
    True
    """
    options = options or Options(time_limit=30.0)
    name = one_line(title or (trace.path.stem if trace.path is not None else "trace"))
    train, test = trace.split(fraction)
    count = trace.workers
    system = System(count, coordinates, test.rounds(), samples=count, cycles=1 / coordinates)
    uncoded = round_runtimes(system, np.full(count, float(coordinates)))
    named = None if solvers is None else entrants_of(solvers)
    candidates = list(candidates_of(train, test, named))
    rows = []
    for done, candidate in enumerate(candidates):
        options.report(done / len(candidates), f"{name}: {candidate.name}")
        row = ReplayRow(candidate.name, candidate.model)
        try:
            problem = Problem(system.with_times(candidate.times()), ExpectedRuntime())
            row = replace(row, model=candidate.model or problem.system.worker_times.label)
            run, promised, partition = _design(problem, candidate.entrant, options)
        except CgcoptError as error:
            rows.append(replace(row, message=" ".join(str(error).split())))
            continue
        runtimes = ends_of_rounds(run, system, test.times)
        rows.append(
            _judged(replace(row, promised=promised, partition=partition), runtimes, uncoded)
        )
    light = speed_of_light(system, test.times)
    rows.append(_judged(ReplayRow("speed of light", "none"), light, uncoded))
    options.report(1.0, "")
    rows.sort(key=lambda row: math.inf if math.isnan(row.held_out) else row.held_out)
    return Replay(name, tuple(rows), train, test)


def _design(
    problem: Problem, entrant: Entrant, options: Options
) -> tuple[Run | FloatArray, float, tuple[float, ...]]:
    """What is to be run, or its work, promised value and partition of a solver's design."""
    form = entrant.form or Form.RELAXED
    solution = solve(problem, entrant.solver, form=form, options=options)
    if solution.design is not None:
        return solution.design.work, solution.value, tuple(solution.design.partition.tolist())
    if solution.run is not None:
        return solution.run, solution.value, ()
    if solution.work is None:
        raise CgcoptError(solution.message or f"no design ({solution.termination})")
    return solution.work, solution.value, ()


def _judged(row: ReplayRow, runtimes: FloatArray, uncoded: FloatArray) -> ReplayRow:
    ratio = float(runtimes.mean() / uncoded.mean())
    return replace(
        row,
        held_out=float(runtimes.mean()),
        standard_error=mean_error(runtimes),
        ratio=ratio,
        ratio_error=mean_error(runtimes - ratio * uncoded) / float(uncoded.mean()),
    )
