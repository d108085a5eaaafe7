"""Run many solvers on many problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cgcopt.compare.comparison import Comparison
from cgcopt.compare.row import Row, failed_row, row_of
from cgcopt.compare.store import Store, row_key
from cgcopt.errors import CgcoptError, InvalidInputError
from cgcopt.objective import Objective
from cgcopt.options import Options
from cgcopt.problem import Level, Problem
from cgcopt.solvers.base import Role, Task, Times, times_of
from cgcopt.solvers.registry import all_solvers, find_solver, solver_names

__all__ = ["DEFAULT_OPTIONS", "Entrant", "compare", "default_entrants"]

#: A comparison gives every solver the same time.
DEFAULT_OPTIONS = Options(time_limit=20.0)

#: The outside solver that is compared with by default; every other one is on call by name.
_DEFAULT_ADAPTERS = ("highs",)

_LEVELS = (Level.RELAXED, Level.BLOCK, Level.COORDINATE)


@dataclass(frozen=True)
class Entrant:
    """A solver with the level it is to work at (by default the most relaxed it can).

    Examples
    --------
    >>> Entrant.parse("highs:block")
    Entrant(solver='highs', level=<Level.BLOCK: 'block'>)
    """

    solver: str
    level: Level | None = None

    @classmethod
    def parse(cls, text: str) -> Entrant:
        """Read ``name`` or ``name:level``.

        Raises
        ------
        InvalidInputError
            If there is no such solver or level.
        """
        name, _, level = text.strip().partition(":")
        if name not in solver_names():
            raise InvalidInputError("solver", name, f"one of: {', '.join(solver_names())}")
        if not level:
            return cls(name)
        try:
            return cls(name, Level(level))
        except ValueError:
            allowed = f"one of: {', '.join(Level)}"
            raise InvalidInputError(f"level of {name}", level, allowed) from None

    def level_for(self, objective: Objective) -> Level:
        """Return the level asked for, or the most relaxed one that the solver treats."""
        if self.level is not None:
            return self.level
        kind = type(objective)
        tasks = {task for cls in all_solvers() if cls.name == self.solver for task in cls.solves}
        return next((level for level in _LEVELS if Task(kind, level) in tasks), Level.RELAXED)


def default_entrants(problem: Problem) -> list[Entrant]:
    """Return every method of this package that treats the problem, and HiGHS."""
    kind = times_of(problem.system.worker_times)
    names = [
        cls.name
        for cls in all_solvers()
        if any(task.objective is type(problem.objective) for task in cls.solves)
        and (kind in cls.times or Times.SCENARIOS in cls.times)
        and (cls.role is not Role.ADAPTER or cls.name in _DEFAULT_ADAPTERS)
    ]
    return [Entrant(name) for name in dict.fromkeys(names)]


def compare(
    problems: Problem | Sequence[Problem],
    solvers: Iterable[str | Entrant] | None = None,
    *,
    options: Options = DEFAULT_OPTIONS,
    store: Store | None = None,
    fresh: bool = False,
) -> Comparison:
    """Solve every problem with every solver, and judge all designs by the same evaluator.

    Parameters
    ----------
    problems : Problem or sequence of Problem
        What to solve; give them titles, the tables show their names.
    solvers : iterable of str or Entrant, optional
        Names as in ``cgcopt solvers``, with ``:block`` or ``:coordinate`` for whole numbers; by
        default :func:`default_entrants`.
    options : Options
        The same for every solver; ``options.progress`` hears of every run.
    store : Store, optional
        Where rows are kept and looked up.
    fresh : bool
        Compute again what the store already holds.

    Returns
    -------
    Comparison
        One row for each problem and solver, in that order. A solver that fails is a row with its
        message.

    Raises
    ------
    InvalidInputError
        If a solver is unknown.

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
    problems = _told_apart([problems] if isinstance(problems, Problem) else problems)
    named = None if solvers is None else [_entrant(solver) for solver in solvers]
    runs = [
        (problem, entrant.solver, entrant.level_for(problem.objective))
        for problem in problems
        for entrant in (default_entrants(problem) if named is None else named)
    ]
    store = Store() if store is None else store
    rows = []
    for done, (problem, solver, level) in enumerate(runs):
        options.report(done / len(runs), f"{problem.name}: {solver}")
        key = row_key(problem, solver, level, options)
        kept = None if fresh else store.get(key)
        if kept is not None and not kept.failed:
            rows.append(kept)
            continue
        inner = _share_of(options, done, len(runs), f"{problem.name}: {solver}")
        row = _run(problem, solver, level, inner)
        store.put(key, row)
        rows.append(row)
    options.report(1.0, "")
    return Comparison(tuple(rows), options)


def _run(problem: Problem, solver: str, level: Level, options: Options) -> Row:
    from cgcopt.solvers.run import solve

    computed = datetime.now(UTC).isoformat(timespec="seconds")
    role = ""
    try:
        found = find_solver(solver, problem.objective, level)
        role = str(found.role)
        solution = solve(problem, solver, level=level, options=options)
    except CgcoptError as error:
        return failed_row(problem, solver, level, error, role=role, computed=computed)
    except Exception as error:  # a defect of one solver must not cost the rows of the others
        wrapped = RuntimeError(f"{type(error).__name__}: {error}")
        return failed_row(problem, solver, level, wrapped, role=role, computed=computed)
    return row_of(solution, role=role, computed=computed)


def _told_apart(problems: Sequence[Problem]) -> list[Problem]:
    """The problems, with a number behind the name of those that share one: rows go by name."""
    seen: Counter[str] = Counter()
    named = []
    for problem in problems:
        seen[problem.name] += 1
        count = seen[problem.name]
        named.append(problem if count == 1 else replace(problem, title=f"{problem.name} ({count})"))
    return named


def _entrant(solver: str | Entrant) -> Entrant:
    return solver if isinstance(solver, Entrant) else Entrant.parse(solver)


def _share_of(options: Options, done: int, total: int, title: str) -> Options:
    """Options whose progress speaks of one run among ``total``."""
    report = options.progress
    if report is None:
        return options

    def progress(share: float | None, message: str) -> None:
        report((done + min(share or 0.0, 1.0)) / total, f"{title} {message}".rstrip())

    return replace(options, progress=progress)
