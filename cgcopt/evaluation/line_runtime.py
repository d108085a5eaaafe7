"""Expected runtime of lines ``c_n + a_n T``, whatever is known of the worker times."""

from __future__ import annotations

from collections.abc import Callable

from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.density import runtime as density
from cgcopt.evaluation.groups import runtime as groups
from cgcopt.evaluation.lines import LineRuntime, Lines
from cgcopt.evaluation.rounds import lines as rounds
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.evaluation.started import evaluate as started
from cgcopt.evaluation.steps import runtime as steps
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = ["line_runtime"]

Evaluator = Callable[[System, Lines, float, int | None], LineRuntime]


def line_runtime(
    system: System, lines: Lines, *, tolerance: float = 1e-7, threads: int | None = None
) -> LineRuntime:
    """Expected runtime ``E[max_n (c_n + a_n T_(N-n))]`` with its derivatives.

    Parameters
    ----------
    system : System
        Its worker times count; its costs do not, they are in the lines.
    lines : Lines
        Of the levels.
    tolerance : float
        Relative width of a bracket that will do, where a sum is long.
    threads : int, optional
        For the kernel.

    Raises
    ------
    UnsupportedProblemError
        If the worker times can only be drawn.
    """
    kind = system.worker_times.kind
    if kind not in _EVALUATORS:
        raise UnsupportedProblemError(
            f"no exact expected runtime for {system.worker_times.label}; simulate it"
        )
    return _EVALUATORS[kind](system, lines, tolerance, threads)


def _of_density(system: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return density.runtime_of_lines(system, lines, threads=threads)


def _of_steps(system: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return steps.runtime_of_lines(system, lines, tolerance=tolerance, threads=threads)


def _of_rounds(system: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return rounds.runtime_of_lines(sorted_rounds(system), lines)


def _of_groups(system: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return groups.runtime_of_lines(system, lines)


def _of_started(system: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return started.runtime_of_lines(system, lines, tolerance=tolerance, threads=threads)


_EVALUATORS: dict[Times, Evaluator] = {
    Times.CONTINUOUS: _of_density,
    Times.DISCRETE: _of_steps,
    Times.SCENARIOS: _of_rounds,
    Times.GROUPS: _of_groups,
    Times.STARTED: _of_started,
}
