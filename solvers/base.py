"""The one interface of everything that turns a problem into a design."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt._renamed import old_level, warn_renamed
from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError, UnsupportedProblemError
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.settings import read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.version import __version__
from cgcopt.workers.base import Times

__all__ = ["Outcome", "Role", "Solver", "Task", "Times", "unproven"]


class Role(StrEnum):
    """What kind of solver this is; tables group by it."""

    EXACT = "exact method"
    """Ends with a proof of its gap."""
    ITERATIVE = "iterative method"
    """Converges, without a proof of its own."""
    CLOSED_FORM = "closed form"
    """A formula."""
    SCHEME = "baseline scheme"
    """A published scheme to compare with."""
    SCHEDULE = "schedule"
    """Beyond one order and equal work: schedules, and uncoded ways to spread the work."""
    ADAPTER = "outside solver"
    """A general solver applied to one of the formulations."""


#: Kinds of worker times that solvers are written for; models of other kinds are sampled.
ALL_TIMES = frozenset({Times.CONTINUOUS, Times.DISCRETE, Times.SCENARIOS})
INDEPENDENT = frozenset({Times.CONTINUOUS, Times.DISCRETE})
SAMPLED = frozenset({Times.SCENARIOS})


@dataclass(frozen=True)
class Task:
    """One thing a solver can do: an objective at a form."""

    objective: type[Objective]
    form: Form


def tasks(
    *objectives: type[Objective],
    forms: tuple[Form, ...] | None = None,
    levels: tuple[Form, ...] | None = None,
) -> frozenset[Task]:
    """Return every combination of the objectives and forms; ``levels`` is the old name of ``forms``.

    Examples
    --------
    >>> task, = tasks(ExpectedRuntime, forms=(Form.RELAXED,))
    >>> str(task.form)
    'relaxed'
    """
    forms = old_level(forms, levels, "levels", "forms")
    if forms is None:
        raise TypeError("tasks() needs the keyword forms")
    return frozenset(Task(objective, form) for objective in objectives for form in forms)


RUNTIME_RELAXED = tasks(ExpectedRuntime, forms=(Form.RELAXED,))
PROBABILITY_RELAXED = tasks(CompletionProbability, forms=(Form.RELAXED,))


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a solver returns, before it is judged.

    Parameters
    ----------
    termination : TerminationCondition
        Why the solver stopped.
    partition : ndarray, optional
        Block partition ``x``, shape ``(N,)``; ``None`` where none was found.
    work : ndarray, optional
        For schemes outside the design space: the nondecreasing work ``w``, shape ``(N,)``, with
        ``tau = u max_n T_(N-n) w_n``.
    assignment : Schedule, Cyclic or Dynamic, optional
        What the workers do in a round, for solvers that look beyond one order and equal work.
    bound : float, optional
        A bound that the solver proved for the problem it was given.
    certificate : Certificate
        The proof behind ``bound``.
    build_seconds : float
        Part of the run that went into building a model.
    details : mapping
        Findings worth keeping.
    run : optional
        The old name of ``assignment``.
    """

    termination: TerminationCondition
    partition: NDArray[np.float64] | None = None
    work: NDArray[np.float64] | None = None
    assignment: Assignment | None = None
    bound: float = math.nan
    certificate: Certificate = Certificate.NONE
    residual: float | None = None
    build_seconds: float = 0.0
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    run: InitVar[Assignment | None] = None

    def __post_init__(self, run: Assignment | None) -> None:
        if run is not None:
            warn_renamed("the keyword run", "assignment", stacklevel=3)
            object.__setattr__(self, "assignment", run)

    @property
    def found(self) -> FloatArray:
        """The partition of a run that was to find one.

        Raises
        ------
        SolverError
            If it found none.
        """
        if self.partition is None:
            raise SolverError(self.message or "no design was found")
        return self.partition


def unproven(clock: Clock, options: Options, patience: float) -> tuple[TerminationCondition, str]:
    """Say why a proof ended before its gap was closed.

    Parameters
    ----------
    clock : Clock
        That of the proof.
    options : Options
        Without a time limit the message says how long the proof was given.
    patience : float
        Seconds that it gets without a time limit.
    """
    if not clock.expired:
        return TerminationCondition.ITERATION_LIMIT, ""
    given = f"the proof was given {patience:g} s; a time limit may allow it more"
    return TerminationCondition.TIME_LIMIT, given if options.time_limit is None else ""


class Solver(ABC):
    """A solver is a class with facts about itself and one method.

    To add one, put a subclass into a file of its own in ``solvers/`` or ``solvers/adapters/``; it is
    found there. A package outside names its subclass under the entry point group ``cgcopt.solvers``.
    Modules of solvers import outside packages inside their methods only.
    """

    name: ClassVar[str]
    """The name users type."""
    summary: ClassVar[str]
    """One line for ``cgcopt solvers``."""
    role: ClassVar[Role]
    solves: ClassVar[frozenset[Task]]
    """Objectives and forms. A solver of the relaxed form also serves the block form: its design is
    then rounded."""
    times: ClassVar[frozenset[Times]] = ALL_TIMES
    """Kinds of worker times. A solver that takes only scenarios is given drawn ones."""
    tolerance: ClassVar[float] = 1e-6
    """Relative accuracy of the optimal value that the solver promises; ``inf`` without a promise."""
    limits: ClassVar[frozenset[str]] = frozenset()
    """Names of the limits within which the solver designs; a problem with others is refused."""
    costs: ClassVar[bool] = False
    """Whether the solver counts what starting and sending cost."""
    most_workers: ClassVar[int] = 5000
    """Workers of the largest system that the solver takes: methods hold a number for each pair of
    workers, or hundreds of rounds of all of them. Formulas and schemes take any number."""
    draws: ClassVar[bool] = False
    """Whether the solver itself draws rounds (``options.scenarios``) of a distribution."""
    requires: ClassVar[str] = ""
    """Import name of the optional package that the solver needs, if any."""
    extra: ClassVar[str] = ""
    """The extra that installs it."""
    distribution: ClassVar[str] = "cgcopt"
    """Name of the installed package whose version counts."""
    licence: ClassVar[str] = "Apache-2.0"
    """Licence class of what runs."""

    settings: ClassVar[type[Any] | None] = None
    """Frozen dataclass whose fields are the raw options that the solver takes
    (:mod:`cgcopt.settings`); ``None`` where the solver itself looks after them."""

    @classmethod
    def available(cls) -> bool:
        """Whether the needed package is installed; imports nothing."""
        return not cls.requires or find_spec(cls.requires) is not None

    @classmethod
    def version(cls) -> str:
        """Version of what runs, empty where it is not installed; imports nothing."""
        if cls.distribution == "cgcopt":
            return __version__
        try:
            return metadata.version(cls.distribution)
        except metadata.PackageNotFoundError:
            return ""

    @classmethod
    def treats(cls, objective: type[Objective], form: Form) -> bool:
        """Whether the solver takes this objective at this form itself."""
        return Task(objective, form) in cls.solves

    @classmethod
    def check(cls, problem: Problem) -> None:
        """Refuse a problem that is too large, or with limits or costs that the solver does not know.

        Raises
        ------
        UnsupportedProblemError
            Naming what the solver cannot respect.
        """
        count = problem.system.workers
        if count > cls.most_workers:
            raise UnsupportedProblemError(
                f"solver '{cls.name}' takes up to {cls.most_workers} workers, not {count}; formulas and "
                "schemes take any number (uncoded, single-level, closed-form-time)"
            )
        unknown = [name for name in problem.limits.to_dict() if name not in cls.limits]
        if unknown:
            some = "limits" if len(unknown) > 1 else "limit"
            raise UnsupportedProblemError(
                f"solver '{cls.name}' cannot keep the {some} {' and '.join(unknown)}"
            )
        if problem.system.costs and not cls.costs:
            raise UnsupportedProblemError(
                f"solver '{cls.name}' does not count the costs of starting and sending"
            )

    @classmethod
    def takes(cls, name: str) -> bool:
        """Whether the solver may take a raw option of that name."""
        return cls.settings is None or name in cls.settings.__dataclass_fields__

    @classmethod
    def honours(cls, option: str) -> bool:
        """Whether the solver has a use for ``"seed"`` or ``"threads"``; formulas have none."""
        return cls.role not in (Role.CLOSED_FORM, Role.SCHEME)

    @classmethod
    def check_raw(cls, options: Options) -> None:
        """Refuse raw options that the solver does not take, naming those that it does."""
        if cls.settings is not None:
            read_settings(cls.settings, options.raw)

    @classmethod
    def fits(cls, problem: Problem) -> bool:
        """Whether :meth:`check` lets the problem pass."""
        try:
            cls.check(problem)
        except UnsupportedProblemError:
            return False
        return True

    def prepare(self, problem: Problem, form: Form) -> None:  # noqa: B027
        """Import and compile what :meth:`solve` needs, outside the measured time."""

    def make_ready(self, problem: Problem, options: Options) -> None:  # noqa: B027
        """Start what a run with these options needs, outside the measured time."""

    @abstractmethod
    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Solve the problem at the given form, one of ``solves``."""
