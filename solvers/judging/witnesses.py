"""The project's own methods as witnesses: designs that contradict a wrong bound, and proven bounds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import lru_cache

from cgcopt.bounds import Known
from cgcopt.design import Design, largest_remainder
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.streams import library_output
from cgcopt.process.time_left import OutOfTimeError, look, time_until
from cgcopt.solvers.base import Outcome, Role, Solver
from cgcopt.solvers.registry import all_solvers

__all__ = ["WITNESS_SECONDS", "exact_solvers", "quietly", "witnesses"]

#: Seconds that an own method may take to contradict the proof of an outside solver.
WITNESS_SECONDS = 0.5
#: Share of its time limit after which an own method is left where it is.
LATE = 0.5


@lru_cache(maxsize=16)
def witnesses(problem: Problem, form: Form) -> tuple[Known, ...]:
    """Designs of closed forms and of the method ``optimal``, as far as they treat the problem.

    They are kept: the outside solvers of a comparison all meet the same ones.

    Parameters
    ----------
    problem : Problem
        The problem that a bound belongs to.
    form : Form
        For another form than the relaxed one the designs are rounded to whole numbers.
    """
    return tuple(_quick_designs(problem, form))


def _quick_designs(problem: Problem, form: Form) -> Iterator[Known]:
    quick = Options(time_limit=WITNESS_SECONDS, threads=1)
    for cls in all_solvers():
        if (cls.role is Role.CLOSED_FORM or cls.name == "optimal") and _own(
            cls, problem, Form.RELAXED
        ):
            outcome = quietly(cls(), problem, Form.RELAXED, quick)
            if outcome is not None and outcome.partition is not None:
                yield from _valued(cls.name, problem, Design(outcome.partition), form)


def exact_solvers(problem: Problem, form: Form) -> Iterator[Solver]:
    """Yield the own methods that prove a bound for the problem as it is, at the given form."""
    for cls in all_solvers():
        if cls.role is Role.EXACT and _own(cls, problem, form):
            yield cls()


def quietly(solver: Solver, problem: Problem, form: Form, options: Options) -> Outcome | None:
    """Run an own method; whatever goes wrong with it, it then has nothing to say: ``None``.

    Raises
    ------
    OutOfTimeError
        When the time of whoever asks is over, which says nothing of the method.
    """
    limit = options.time_limit
    end = math.inf if limit is None else time.perf_counter() + (1.0 + LATE) * limit
    try:
        with library_output(log=False), time_until(end, grace=0.0):
            return solver.solve(problem, form, options)
    except OutOfTimeError:
        look()
        return None
    except Exception:
        return None


def _valued(name: str, problem: Problem, design: Design, form: Form) -> Iterator[Known]:
    try:
        if form is not Form.RELAXED:
            design = Design(largest_remainder(design.partition, problem.system.coordinates))
        if problem.limits.violation(design.partition):
            return
        found = evaluate(problem, design)
    except CgcoptError:
        return
    doubt = max(found.upper - found.value, found.value - found.lower)
    yield Known(name, form, found.value, doubt, design.is_integer)


def _own(cls: type[Solver], problem: Problem, form: Form) -> bool:
    """Whether a class of the project treats the problem as it is, without drawing scenarios."""
    if cls.distribution != "cgcopt" or not cls.__module__.startswith("cgcopt."):
        return False
    if problem.system.worker_times.kind not in cls.times or not cls.available():
        return False
    try:
        cls.check(problem)
    except CgcoptError:
        return False
    return cls.treats(type(problem.objective), form)
