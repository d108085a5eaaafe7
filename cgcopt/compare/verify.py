"""Do independent methods agree? A list of named checks on one problem.

A check compares results that share as little code as possible: our own methods, outside solvers on
the exact problem and on the same scenarios, bounds and values from either side, all redundancy
vectors of a small problem, and plain simulation. Every value in it comes from the project's own
evaluator, but for the last two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cgcopt._validate import did_you_mean
from cgcopt.compare.check import Check, Outcome, Verification
from cgcopt.compare.checks import CHECKS
from cgcopt.compare.verify_run import VerifyRun
from cgcopt.errors import (
    CgcoptError,
    InvalidInputError,
    RunInterrupted,
    UnsupportedProblemError,
)
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process import stopping
from cgcopt.solvers.base import Role
from cgcopt.solvers.registry import all_solvers

__all__ = ["outside_solvers", "verify"]


def outside_solvers() -> list[str]:
    """Names of all installed outside solvers."""
    adapters = (cls for cls in all_solvers() if cls.role is Role.ADAPTER and cls.available())
    return list(dict.fromkeys(cls.name for cls in adapters))


def verify(
    problem: Problem,
    *,
    outside: Sequence[str] = ("highs",),
    options: Options | None = None,
) -> Verification:
    """Run all checks on a problem.

    Parameters
    ----------
    problem : Problem
        What to verify.
    outside : sequence of str
        The outside solvers to compare with; :func:`outside_solvers` names all that are installed.
    options : Options, optional
        ``scenarios`` and ``seed`` draw the sample on which outside solvers are compared; the time
        limit holds for each single run.

    Returns
    -------
    Verification
        A solver that fails is a failed check, not an exception; a check that does not apply, and a
        solver that took part in none, are named as not checked.

    Raises
    ------
    InvalidInputError
        If there is no such outside solver, or it is named twice.
    RunInterrupted
        At Ctrl-C in a script: its ``result`` holds the checks that had ended, if any had.
    """
    known = outside_solvers()
    for name in outside:
        if name not in known:
            raise InvalidInputError("solver", name, did_you_mean(name, known))
        if list(outside).count(name) > 1:
            raise InvalidInputError(
                "solvers", ",".join(outside), f"each named once ({name} is not)"
            )
    run = VerifyRun(problem, options or Options(scenarios=100, time_limit=30.0), outside)
    with stopping.interruptible() as alone:
        try:
            found = Verification(problem, tuple(_checks(run)))
        except KeyboardInterrupt:
            if not alone:
                raise
            raise RunInterrupted(None) from None
        if alone and stopping.requested():
            raise RunInterrupted(None, found)
    return found


def _checks(run: VerifyRun) -> list[Check]:
    """All checks, or those that had ended when the user stopped, and a line that says so."""
    checks: list[Check] = []
    try:
        for make in CHECKS:
            for check in _timed(make, run):
                if stopping.requested():  # it may have ended for that
                    raise KeyboardInterrupt
                checks.append(check)
    except KeyboardInterrupt:
        if not checks:
            raise
        stopping.finishing()
        reason = f"interrupted after {len(checks)} check{'s' if len(checks) > 1 else ''}"
        return [*checks, Check("all other checks", Outcome.NOT_CHECKED, reason)]
    run.options.report(1.0, "")
    return checks + [
        Check(f"{name} against our methods", Outcome.NOT_CHECKED, run.why_not(name))
        for name in run.outside
        if name not in run.compared
    ]


def _timed(make: Callable[[VerifyRun], Iterator[Check]], run: VerifyRun) -> Iterator[Check]:
    """The checks of one function, each with its seconds; at least one, which says why there is none."""
    title = (make.__doc__ or "").splitlines()[0].rstrip(".")
    made = make(run)
    count = 0
    while True:
        started = time.perf_counter()
        try:
            check = next(made, None)
        except UnsupportedProblemError as error:
            check = Check(title, Outcome.NOT_CHECKED, " ".join(str(error).split()))
        except CgcoptError as error:
            check = Check(title, Outcome.FAILED, " ".join(str(error).split()))
        if check is None:
            break
        count += 1
        yield replace(check, seconds=time.perf_counter() - started)
    if not count:
        kind = run.problem.objective.kind
        times = run.problem.system.worker_times.label
        text = f"no method or solver that was asked for takes part: {kind}, {times}"
        yield Check(title, Outcome.NOT_CHECKED, text)
