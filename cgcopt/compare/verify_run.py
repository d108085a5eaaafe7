"""What the checks of one problem share: scenarios, and solutions that are computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.objective import Objective
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution
from cgcopt.solvers.base import Role, Task, Times
from cgcopt.solvers.registry import all_solvers
from cgcopt.solvers.solve import solve
from cgcopt.system import System
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.scenarios import Scenarios

__all__ = ["VerifyRun"]


class VerifyRun:
    """The runs of a verification.

    Parameters
    ----------
    problem : Problem
        What is verified.
    options : Options
        For every solver; ``scenarios`` and ``seed`` draw the sample.
    outside : sequence of str
        The outside solvers to compare with.
    """

    def __init__(self, problem: Problem, options: Options, outside: Sequence[str]) -> None:
        self.problem = problem
        self.options = options
        self.outside = outside
        self.compared: set[str] = set()
        self._solutions: dict[tuple[Problem, str | None, Form], Solution] = {}

    @cached_property
    def sampled(self) -> Problem:
        """The problem on drawn scenarios, or as it is where its rounds are kept together.

        Raises
        ------
        UnsupportedProblemError
            If scenarios cannot hold its rounds.
        """
        if self.problem.system.worker_times.kind is Times.SCENARIOS:
            return self.problem
        return self.problem.sampled(self.options.scenarios, self.options.seed)

    @property
    def rounds(self) -> int:
        """Scenarios of the sample."""
        return times_as(Scenarios, self.sampled.system, "needs scenarios, not").rounds

    @property
    def times(self) -> WorkerTimes:
        """The worker times, as a model of any number of workers."""
        return _POOLED[self.problem.system.worker_times.kind](self.problem.system)

    def solution(self, problem: Problem, solver: str | None, form: Form) -> Solution:
        """Solve, or return what was found before; without a name by our default method."""
        key = (problem, solver, form)
        if key not in self._solutions:
            self.options.report(None, f"{solver or 'own method'}, {form} form")
            self._solutions[key] = solve(problem, solver, form=form, options=self.options)
        if solver is not None:
            self.compared.add(solver)
        return self._solutions[key]

    def own(self, problem: Problem, form: Form) -> Solution | None:
        """Our own solution of a problem; none where no own method takes it."""
        try:
            return self.solution(problem, None, form)
        except UnsupportedProblemError:
            return None

    def able(self, kind: Times, form: Form, objective: type[Objective]) -> list[str]:
        """Names of the outside solvers that treat such a problem as it is, without drawing."""
        task = Task(objective, form)
        able = {
            cls.name
            for cls in all_solvers()
            if cls.role is Role.ADAPTER and task in cls.solves and kind in cls.times
        }
        return [name for name in self.outside if name in able]

    def tolerance(self, solver: str) -> float:
        """Relative accuracy that a solver promises."""
        return max(cls.tolerance for cls in all_solvers() if cls.name == solver)

    def why_not(self, solver: str) -> str:
        """Say why an outside solver took part in no check."""
        classes = [cls for cls in all_solvers() if cls.name == solver]
        objectives = sorted({task.objective.kind for cls in classes for task in cls.solves})
        times = sorted({str(kind) for cls in classes for kind in cls.times})
        return f"it solves {', '.join(objectives)} with worker times that are {', '.join(times)}"


def _as_given(system: System) -> WorkerTimes:
    return system.worker_times


def _of_rounds(system: System) -> WorkerTimes:
    from cgcopt.workers.empirical import Empirical

    return Empirical(times_as(Scenarios, system, "needs scenarios, not").times.ravel())


#: Worker times of any number of workers, by kind.
_POOLED: Table[Times, Callable[[System], WorkerTimes]] = Table(
    "no pooled worker times", {Times.SCENARIOS: _of_rounds}, others=_as_given
)
