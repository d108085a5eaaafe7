"""The runs of a comparison, one solver on one problem each: made here, or handed out."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cgcopt.compare.results.code import code_version
from cgcopt.compare.results.keys import row_key
from cgcopt.compare.results.row import Row, failed_row, row_of
from cgcopt.ending import TerminationCondition as T
from cgcopt.errors import CgcoptError, UnsupportedProblemError, WorkersLostError
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.stopping import requested
from cgcopt.solvers.base import Solver
from cgcopt.solvers.registry import all_solvers, find_solver
from cgcopt.study.own_solver import OwnSolver

__all__ = ["Run", "capped", "handed_out", "one_by_one"]


@dataclass(frozen=True)
class Patience:
    """Seconds of waiting for runs that were handed out.

    Attributes
    ----------
    look : float
        Between two looks at the executor.
    word : float
        Until it is said that a worker is silent.
    doubt : float
        Until it is said that nobody is there.
    nobody : float
        Until a comparison that nobody works on is given up.
    silent : float
        Until a worker that gives no sign of life counts as lost, beyond the time that its run may take.
    unlimited : float
        The same where runs have no time limit, and may take any time.
    over : float
        Time that a run may take, over its time limit.
    """

    look: float = 1.0
    word: float = 6.0
    doubt: float = 2.5
    nobody: float = 7.5
    silent: float = 20.0
    unlimited: float = 120.0
    over: float = 1.1

    def lost(self, limits: Collection[float | None]) -> float:
        """Seconds of silence after which a worker counts as lost, from the time limits of its runs."""
        known = [limit for limit in limits if limit is not None]
        if len(known) < len(limits):
            return self.unlimited
        return self.silent + self.over * max(known, default=0.0)


PATIENCE = Patience()


@dataclass(frozen=True)
class Run:
    """One solver on one problem."""

    problem: Problem
    solver: str
    form: Form
    options: Options
    own: OwnSolver | None = None

    @property
    def title(self) -> str:
        """Name of the run in reports of progress."""
        return f"{self.problem.name}: {self.solver}"

    @property
    def key(self) -> str:
        """Key of its row in the store."""
        if self.own is None:
            classes = [cls for cls in all_solvers() if cls.name == self.solver]
            return row_key(self.problem, self.solver, classes, self.form, self.options)
        classes, state = [type(self.own.solver)], self.own.state
        return row_key(self.problem, self.solver, classes, self.form, self.options, state)

    def row(self) -> Row:
        """Solve; a solver that fails, or leaves the program, is a row that says so."""
        from cgcopt.solvers.solve import solve

        computed = _now()
        try:
            chosen = self.solver if self.own is None else self._fitting(self.own)
            solution = solve(self.problem, chosen, form=self.form, options=self.options)
        except (Exception, SystemExit) as error:
            return self.failed(error, computed)
        if requested():  # a run cut short is none: the same command makes it again
            raise KeyboardInterrupt
        return row_of(solution, role=self._role(), computed=computed, seed=self.options.seed)

    def failed(self, error: BaseException, computed: str = "") -> Row:
        """Return the row of a run that came to nothing."""
        message = str(error)
        if not isinstance(error, CgcoptError):  # a defect, of which the kind says more
            message = f"{type(error).__name__}: {message}"
        return failed_row(
            self.problem,
            self.solver,
            self.form,
            message,
            role=self._role(),
            computed=computed or _now(),
            seed=self.options.seed,
            termination=T.UNSUPPORTED if isinstance(error, UnsupportedProblemError) else T.ERROR,
        )

    def _fitting(self, own: OwnSolver) -> Solver:
        """The solver object, if it treats the objective at this form."""
        kind, solver = type(self.problem.objective), own.solver
        forms = (Form.BLOCK, Form.RELAXED) if self.form is Form.BLOCK else (self.form,)
        if not any(solver.treats(kind, form) for form in forms):
            text = f"solver '{solver.name}' does not solve {self.problem.objective.kind}"
            raise UnsupportedProblemError(f"{text} at the {self.form} form")
        return solver

    def _role(self) -> str:
        if self.own is not None:
            return str(self.own.solver.role)
        try:
            return str(find_solver(self.solver, self.problem.objective, self.form).role)
        except CgcoptError:  # not installed, or not for this problem: what it is, is known
            roles = (cls.role for cls in all_solvers() if cls.name == self.solver)
            return str(next(roles, ""))


def one_by_one(runs: Mapping[str, Run], total: int) -> Generator[tuple[str, Row]]:
    """Make the runs in this process, the last ones among ``total``; yield rows by key."""
    for done, (key, run) in enumerate(runs.items(), start=total - len(runs)):
        run.options.report(done / total, run.title)
        yield key, replace(run, options=_share_of(run.options, done, total, run.title)).row()


def handed_out(
    executor: Executor, runs: Mapping[str, Run], total: int
) -> Generator[tuple[str, Row]]:
    """Give the runs to an executor, and yield rows by key as they come back.

    A run that is lost, mostly because its process died, is made once more when all others are
    back: alone, so that it pays for no other run, and has the memory to itself. Lost again, it is
    a row that says so.
    """
    jobs = getattr(executor, "jobs", 0)
    futures = {_submit(executor, run): key for key, run in runs.items()}
    lost = []
    done = total - len(runs)
    watch = _Watch(executor, [run.options for run in runs.values()])
    waiting: set[Future[Row]] = set(futures)
    try:
        while waiting:
            back, waiting = wait(waiting, PATIENCE.look, return_when=FIRST_COMPLETED)
            watch.look(bool(back), done / total)
            for future in watch.stuck() & waiting:
                waiting.discard(future)
                lost.append(futures.pop(future))
                future.cancel()
            for future in back:
                # Given up here, because a dask worker keeps what somebody still holds, and what
                # dies with it is computed again.
                key = futures.pop(future)
                error = _raised(future)
                if error is not None:
                    watch.given_up(error)
                    lost.append(key)
                    continue
                yield key, replace(future.result(), jobs=jobs)
                done += 1
                runs[key].options.report(done / total, runs[key].title)
            back.clear()
        for key in lost:
            run = runs[key]
            run.options.report(done / total, f"{run.title}, once more")
            again = _submit(executor, run)
            futures[again] = key
            while not wait([again], PATIENCE.look).done and again not in watch.stuck():
                watch.look(False, done / total)
            watch.look(False, done / total)
            error = _raised(again) if again.done() else WorkersLostError(watch.said)
            if error is not None:
                watch.given_up(error)
            row = again.result() if error is None else run.failed(error)
            yield key, replace(row, jobs=1)
            done += 1
    except WorkersLostError:
        futures.clear()  # nobody is there to be told
        raise
    finally:
        for future in futures:
            future.cancel()


class _Watch:
    """Says what is waited for, and ends a comparison that nobody works on any more.

    Executors that can tell have a method ``trouble``, see
    :class:`~cgcopt.compare.results.executors.DaskWorkers`.
    """

    def __init__(self, executor: Executor, options: Sequence[Options]) -> None:
        self._trouble = getattr(executor, "trouble", None)
        self._stuck = getattr(executor, "stuck", None)
        self._options = options[0] if options else Options()
        self._lost = PATIENCE.lost([each.time_limit for each in options])
        self._since: float | None = None
        self.said = ""

    def look(self, progress: bool, share: float) -> None:
        """Look at the executor, after some runs came back or not."""
        if self._trouble is None:
            return
        text, nobody = self._trouble(PATIENCE.word, self._lost)
        if not text or progress:
            self._since, self.said = None, ""
            return
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self._options.report(share, f"waiting: {text}")
        if text != self.said and (not nobody or now - self._since > PATIENCE.doubt):
            self.said = text
            logging.getLogger("cgcopt").warning("waiting: %s", text)
        if nobody and now - self._since > PATIENCE.nobody:
            raise WorkersLostError(text)

    def given_up(self, error: BaseException) -> None:
        """End the comparison where the executor gave a run up because nobody is left to make it."""
        if self._trouble is not None and isinstance(error, CancelledError):
            text, nobody = self._trouble(PATIENCE.word, self._lost)
            if nobody:
                raise WorkersLostError(text)

    def stuck(self) -> set[Future[Row]]:
        """Return the runs at workers that count as lost while others are there."""
        return set() if self._stuck is None else self._stuck(self._lost)


def capped(options: Options, executor: Executor | None) -> Options:
    """Options with no more threads than the executor has for a run, where it says so."""
    most = getattr(executor, "threads", None)
    if most is None:
        return options
    return replace(options, threads=min(options.threads or most, most))


def _submit(executor: Executor, run: Run) -> Future[Row]:
    """Submit a run without its progress; a refusal, as of a broken pool, is told by the future."""
    sent = replace(run, options=replace(run.options, progress=None))
    try:
        return executor.submit(_row_there, sent, code_version())
    except Exception as error:
        refused: Future[Row] = Future()
        refused.set_exception(error)
        return refused


def _row_there(run: Run, code: str) -> Row:
    """Make a run in the process of an executor, which must not pass for code that it is not."""
    if code_version() != code:
        text = f"its process runs other code ({code_version()}) than the comparison ({code})"
        return run.failed(CgcoptError(text))
    return run.row()


def _raised(future: Future[Row]) -> BaseException | None:
    """Wait, and return what the future raises instead of a row; an interruption is passed on."""
    try:
        future.result()
    except Exception as error:
        return error
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _share_of(options: Options, done: int, total: int, title: str) -> Options:
    """Options whose progress speaks of one run among ``total``."""
    report = options.progress
    if report is None:
        return options

    def progress(share: float | None, message: str) -> None:
        report((done + min(share or 0.0, 1.0)) / total, f"{title} {message}".rstrip())

    return replace(options, progress=progress)
