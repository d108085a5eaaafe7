"""Runs of outside solvers in a process of their own, which can be ended.

No library stops for a signal at all times, and some overrun their time limits by minutes.  A run that
has to end in time, or that the user may stop, is made in a child process.  It is asked to stop first,
and ended if it does not; the designs that it has reported on the way are kept.

The process is started as a fresh interpreter, never forked from one with threads, and serves all runs
of its thread, so that libraries are imported once (:mod:`cgcopt.solvers.adapters.serving`).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Pipe
from typing import Any

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process import stopping
from cgcopt.process.incumbents import keep_design
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Solver

__all__ = ["prepare_child", "solve_in_child"]


@dataclass(frozen=True)
class Patience:
    """Seconds that a child gets."""

    #: Beyond its time limit before it is asked to stop, and this share of the limit.
    beyond: float = 0.3
    share: float = 0.04
    #: To stop when it is asked to, because the time is over or the user says so.
    stop: float = 0.8
    stop_now: float = 0.4
    #: Between two looks at what goes on.
    look: float = 0.02


PATIENCE = Patience()


class _Child:
    """A process that serves one run after another."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.connection, other = Pipe()
        code = (
            "import sys; from cgcopt.solvers.adapters.serving import serve; serve(int(sys.argv[1]))"
        )
        path = os.pathsep.join(entry for entry in sys.path if entry)
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(other.fileno())],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
            )
        atexit.register(self.end)
        stopping.at_the_end(self.process.kill)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None and not self.connection.closed

    def end(self) -> None:
        """Kill the process."""
        atexit.unregister(self.end)
        self.process.kill()
        self.process.wait()
        self.connection.close()

    def ask_to_stop(self) -> None:
        """Ask for an answer soon; SCIP listens to the signal, HiGHS to callbacks."""
        with contextlib.suppress(OSError):
            self.connection.send(("stop",))
            self.process.send_signal(signal.SIGINT)


_local = threading.local()


def _child() -> _Child:
    child: _Child | None = getattr(_local, "child", None)
    if child is None or not child.alive:
        child = _local.child = _Child()
    return child


def prepare_child(solver: Solver, modules: Sequence[str], problem: Problem) -> bool:
    """Start a process and let it import and compile what a run needs; whether there can be one."""
    if not _can_serve(solver):
        return False
    child = _child()
    try:
        if not _sent(child, ("prepare", tuple(modules), problem)):
            return False
        child.modules.update(modules)
        child.connection.recv()
    except (EOFError, OSError, SolverError):  # what it imports has killed it: let that be seen here
        child.end()
        return False
    except BaseException:
        child.end()
        raise
    return True


#: What pickle raises at objects of which it cannot say where they come from.
_UNSENDABLE = (pickle.PicklingError, AttributeError, TypeError)


def _sent(child: _Child, message: tuple[Any, ...]) -> bool:
    """Send a message; False where it cannot be sent.

    Raises
    ------
    SolverError
        If the process is no longer there.
    """
    try:
        child.connection.send(message)
    except _UNSENDABLE:
        return False
    except OSError:
        raise _died(child) from None
    return True


def _died(child: _Child) -> SolverError:
    """End what is left of a process, and say how it ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(1.0)
    code = child.process.poll()
    child.end()
    how = "does not answer"
    if code is not None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return SolverError(f"the process of the solver {how}")


def solve_in_child(
    solver: Solver, problem: Problem, form: Form, options: Options
) -> Outcome | None:
    """Run ``solver.solve_here`` in a child process.

    Returns
    -------
    Outcome or None
        ``None`` where there can be no such process, or what it needs cannot be sent to it.

    Raises
    ------
    SolverError
        If the process dies by itself.
    Exception
        What the run raised.
    """
    if not _can_serve(solver):
        return None
    child = _child()
    if not _sent(child, ("solve", solver, problem, form, replace(options, progress=None))):
        return None
    return _Wait(child, options).outcome()


def _start_again(modules: set[str]) -> None:
    """Start a process in place of one that was ended, while the next run is still to come."""
    child = _local.child = _Child()
    child.modules = modules
    with contextlib.suppress(OSError):  # the next run will see what has become of it
        child.connection.send(("import", tuple(modules)))


def _can_serve(solver: Solver) -> bool:
    # Classes of scripts and tests cannot be imported elsewhere.
    return os.name == "posix" and type(solver).__module__.startswith("cgcopt.")


class _Wait:
    """Waits for the answer of a child, within the time limit and until a request to stop."""

    def __init__(self, child: _Child, options: Options) -> None:
        self.child = child
        self.limit = options.time_limit
        self.incumbent: FloatArray | None = None
        self.end = float("inf")
        if self.limit is not None:
            extra = PATIENCE.beyond + PATIENCE.share * self.limit
            self.end = time.perf_counter() + self.limit + extra
        self.interrupted = False

    def outcome(self) -> Outcome:
        with stopping.cooperating():
            try:
                answer = self._answer(lambda: time.perf_counter() > self.end)
            except KeyboardInterrupt:
                self.interrupted = True
                answer = None
            asked = answer is None
            if answer is None:
                self.interrupted |= stopping.requested()
                self.child.ask_to_stop()
                patience = PATIENCE.stop_now if self.interrupted else PATIENCE.stop
                end = time.perf_counter() + patience
                try:
                    answer = self._answer(lambda: time.perf_counter() > end, until_stop=False)
                except KeyboardInterrupt:
                    answer = None
        if answer is None:
            self.child.end()
            if not self.interrupted:
                _start_again(self.child.modules)
            return self._without_answer()
        if asked or answer.termination is TerminationCondition.TIME_LIMIT:
            return self._stopped(answer)
        return answer

    def _answer(self, over: Callable[[], bool], *, until_stop: bool = True) -> Outcome | None:
        """Take messages until there is an answer, the time is over, or a stop is requested."""
        while not over() and not (until_stop and stopping.requested()):
            try:
                if not self.child.connection.poll(PATIENCE.look):
                    continue
                kind, content = self.child.connection.recv()
            except (EOFError, OSError):
                if not until_stop:
                    return None  # a library that ends its process when it is stopped
                raise _died(self.child) from None
            if kind == "incumbent":
                self.incumbent = content
                keep_design(content)
            elif kind == "raised":
                if until_stop:
                    raise content
                return None  # a library that takes a stop for a failure
            elif kind == "outcome":
                answer: tuple[Outcome, list[tuple[str, type[Warning]]]] = content
                for message, category in answer[1]:
                    warnings.warn(message, category, stacklevel=2)
                return answer[0]
        return None

    @property
    def _ended(self) -> TerminationCondition:
        user, clock = TerminationCondition.INTERRUPTED, TerminationCondition.TIME_LIMIT
        return user if self.interrupted else clock

    def _without_answer(self) -> Outcome:
        kept = "; the best design it had reported is kept" if self.incumbent is not None else ""
        message = f"ended from outside, since the solver did not stop{kept}"
        return Outcome(self._ended, partition=self.incumbent, message=message)

    def _stopped(self, outcome: Outcome) -> Outcome:
        """Say who stopped a run, unless it came to its own end at that moment."""
        if outcome.termination in (TerminationCondition.OPTIMAL, TerminationCondition.CONVERGED):
            return outcome
        partition = self.incumbent if outcome.partition is None else outcome.partition
        return replace(outcome, termination=self._ended, partition=partition)
