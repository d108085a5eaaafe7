"""Run many solvers on many problems."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace

from cgcopt._validate import whole_number
from cgcopt.bounds import refute
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.entrant import Entrant, default_entrants, entrants_of
from cgcopt.compare.results.names import different_names
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.runs import Run, capped, handed_out, one_by_one
from cgcopt.compare.results.solution_record import SolutionRecord
from cgcopt.compare.results.store import Store
from cgcopt.errors import InvalidInputError, RunInterrupted
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Solver

__all__ = ["DEFAULT_OPTIONS", "compare", "without_wrong_bounds"]

#: A comparison gives every solver the same time.
DEFAULT_OPTIONS = Options(time_limit=20.0)


def compare(
    problems: Problem | Sequence[Problem],
    solvers: Iterable[str | Entrant | Solver | type[Solver]] | None = None,
    *,
    seeds: Iterable[int] | None = None,
    options: Options = DEFAULT_OPTIONS,
    store: Store | None = None,
    fresh: bool = False,
    executor: Executor | None = None,
) -> Comparison:
    """Solve every problem with every solver, and judge all designs by the same evaluator.

    Parameters
    ----------
    problems : Problem or sequence of Problem
        What to solve; give them titles, the tables show their names.
    solvers : iterable of str, Entrant or Solver, optional
        Names as in ``cgcopt solvers``, with ``:block`` or ``:coordinate`` for whole numbers;
        instances or classes of :class:`~cgcopt.solvers.base.Solver`; ``FILE.py:CLASS`` for a class
        of a file. By default :func:`default_entrants`.
    seeds : iterable of int, optional
        Every run is made once with each of these seeds; by default with ``options.seed``.
    options : Options
        The same for every solver; ``options.progress`` hears of every run.
    store : Store, optional
        Where rows are kept and looked up.
    fresh : bool
        Compute again what the store already holds.
    executor : Executor, optional
        What the runs are handed to, such as
        :class:`~cgcopt.compare.results.executors.WorkerProcesses` for several processes or
        :class:`~cgcopt.compare.results.executors.DaskWorkers` for many machines; without one they
        are made in this process, one after the other. It must use processes, not threads: solvers
        keep state of their process. The numbers are the same, where no time limit cuts a solver
        short; times measured beside other runs are noisy, and rows say how many there were at a
        time. Rows are stored here, as they arrive; a run whose process dies is made once more,
        alone, before it counts as failed.

    Returns
    -------
    Comparison
        One row for each problem, solver and seed, in that order. A solver that fails is a row with its
        message.

    Raises
    ------
    InvalidInputError
        If a solver is unknown, or named twice.
    RunInterrupted
        At Ctrl-C in a script: its ``result`` is the comparison of the runs that had ended by then.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=1e-3, shift=50)
    >>> system = cg.System(workers=4, coordinates=100, worker_times=times)
    >>> problem = cg.Problem(system, cg.ExpectedRuntime(), title="small")
    >>> comparison = compare(problem, ["uncoded", "closed-form-time"])
    >>> [row.solver for row in comparison.rows]
    ['uncoded', 'closed-form-time']
    """
    options = capped(options, executor)
    problems = _told_apart([problems] if isinstance(problems, Problem) else problems)
    named = None if solvers is None else entrants_of(solvers)
    chosen_seeds = [options.seed] if seeds is None else _different_seeds(seeds)
    runs = [
        Run(
            problem,
            entrant.solver,
            entrant.form_for(problem.objective),
            _taken_by(entrant, replace(options, seed=seed)),
            entrant.own,
        )
        for problem in problems
        for entrant in (default_entrants(problem) if named is None else named)
        for seed in chosen_seeds
    ]
    _refuse_untaken(options, runs)
    store = Store() if store is None else store
    keys = [run.key for run in runs]
    rows = {} if fresh else _kept(store, keys)
    waiting = {key: run for key, run in zip(keys, runs, strict=True) if key not in rows}
    total = len(rows) + len(waiting)
    made = one_by_one(waiting, total) if executor is None else handed_out(executor, waiting, total)
    try:
        with closing(made):
            for key, row in made:
                store.put(key, row)
                rows[key] = row
    except RunInterrupted as stop:
        raise RunInterrupted(stop.solution, _comparison(keys, rows, options)) from None
    except KeyboardInterrupt:
        raise RunInterrupted(None, _comparison(keys, rows, options)) from None
    options.report(1.0, "")
    return _comparison(keys, rows, options)


def _comparison(keys: Iterable[str], rows: Mapping[str, Row], options: Options) -> Comparison:
    """The rows that there are."""
    made = [rows[key] for key in keys if key in rows]
    return Comparison(without_wrong_bounds(made), options)


def _kept(store: Store, keys: Iterable[str]) -> dict[str, Row]:
    """Rows that the store holds, but for failures: those are tried again."""
    found = {key: store.get(key) for key in keys}
    return {key: row for key, row in found.items() if row is not None and not row.failed}


def without_wrong_bounds(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, without the bounds that the design of another row contradicts.

    The store keeps what each solver said by itself.
    """
    checked = list(rows)
    for name in dict.fromkeys(row.problem for row in rows):
        places = [place for place, row in enumerate(rows) if row.problem == name]
        known = [rows[place].solution.known for place in places]
        for index, why in refute(known, rows[places[0]].sense).items():
            row = rows[places[index]]
            checked[places[index]] = replace(row, solution=_without_bound(row, why))
    return tuple(checked)


def _without_bound(row: Row, why: str) -> SolutionRecord:
    found = row.solution
    optimal = found.status is SolutionStatus.OPTIMAL
    return replace(
        found,
        bound=-math.inf if row.sense is Sense.MINIMIZE else math.inf,
        certificate=Certificate.NONE,
        termination=TerminationCondition.NUMERICAL_ERROR,
        status=SolutionStatus.FEASIBLE if optimal else found.status,
        message=f"{found.message}; {why}" if found.message else why,
    )


def _told_apart(problems: Sequence[Problem]) -> list[Problem]:
    """The problems under different names, because rows go by name."""
    names = different_names([problem.name for problem in problems])
    return [
        problem if problem.name == name else replace(problem, title=name)
        for problem, name in zip(problems, names, strict=True)
    ]


def _different_seeds(seeds: Iterable[int]) -> list[int]:
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        raise InvalidInputError("seeds", seeds, "whole numbers, such as range(5)")
    found = [whole_number("seeds", seed, least=0) for seed in seeds]
    if not found or len(set(found)) < len(found):
        raise InvalidInputError("seeds", found, "at least one, and each named once")
    return found


def _taken_by(entrant: Entrant, options: Options) -> Options:
    """Options with those raw ones alone that the solver may take."""
    classes = entrant.classes
    raw = {
        name: value
        for name, value in options.raw.items()
        if not classes or any(cls.takes(name) for cls in classes)
    }
    return options if len(raw) == len(options.raw) else replace(options, raw=raw)


def _refuse_untaken(options: Options, runs: Sequence[Run]) -> None:
    """Refuse a raw option that no solver of the comparison takes."""
    for name, value in options.raw.items():
        if runs and not any(name in run.options.raw for run in runs):
            raise InvalidInputError(f"options.raw[{name!r}]", value, "taken by one of the solvers")
