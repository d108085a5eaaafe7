"""What all adapters of outside solvers share: formulate, build, solve, translate, each in one place."""

from __future__ import annotations

import math
import time
import warnings
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, ClassVar

from cgcopt._validate import did_you_mean
from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.result import Certificate
from cgcopt.formulations.base import Formulation, Point
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process import stopping
from cgcopt.process.time_left import time_until
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.adapters.child import prepare_child, solve_in_child
from cgcopt.solvers.adapters.serving import report_incumbent
from cgcopt.solvers.base import Outcome, Role, Solver

__all__ = [
    "Answer",
    "OutsideSolver",
    "native_options",
    "outcome_of",
    "termination",
    "unknown_options_refused",
]

#: Seconds that a solver gets at least, however long its model took.
_LEAST_SECONDS = 1e-3


@dataclass(frozen=True, eq=False)
class Answer:
    """What an outside solver says, in the terms of the model.

    Attributes
    ----------
    termination : TerminationCondition
        Why it stopped.
    point : mapping, optional
        Values of the variables; ``None`` unless the solver vouches for their feasibility.
    dual_bound : float
        Bound on the model's objective; NaN where there is none.
    duals : ndarray, optional
        Multipliers of the runtime rows of a linear program, shape ``(K, N)``.
    """

    termination: TerminationCondition
    point: Point | None = None
    dual_bound: float = math.nan
    duals: FloatArray | None = None
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class OutsideSolver(Solver):
    """Base of the adapters: a formulation, a model of it in the solver's language, an answer."""

    role = Role.ADAPTER
    imports: ClassVar[tuple[str, ...]] = ()
    """Modules that :meth:`solve` imports; they are loaded outside the measured time."""
    neutral: ClassVar[Mapping[str, str]] = {}
    """The solver's own name of every neutral option that it honours."""

    starts: ClassVar[str] = "not said"
    """Where the solver starts from a design: a phrase for the table of the page on formulations."""

    @classmethod
    def honours(cls, option: str) -> bool:
        """Whether the outside solver has a name for the option."""
        return option in cls.neutral

    def make_ready(self, problem: Problem, options: Options) -> None:
        """Import what is needed, here or in the process of the run."""
        if not (self._in_child(options) and prepare_child(self, self.imports, problem)):
            for module in self.imports:
                import_module(module)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Formulate, solve, and translate the answer: in a process that can be ended, if need be.

        That is where there is a time limit, or a command that is to stop when the user says so.
        """
        if self._in_child(options):
            outcome = solve_in_child(self, problem, form, options)
            if outcome is not None:
                return outcome
        return self.solve_here(problem, form, options)

    def solve_here(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Formulate, solve, and translate the answer in this process."""
        started = time.perf_counter()
        raw = dict(options.raw)
        limit = math.inf if options.time_limit is None else options.time_limit
        with time_until(started + limit):
            formulation, start = self.formulate(problem, form, raw)
        unused = "start" in options.raw and self.no_start(formulation)
        if start is not None:
            report_incumbent(start.partition)
        model = self.build(formulation, start)
        built = time.perf_counter() - started
        if options.time_limit is not None:
            options = replace(options, time_limit=max(options.time_limit - built, _LEAST_SECONDS))
        self.check_names(raw)
        answer = self.run(formulation, model, replace(options, raw=raw))
        outcome = outcome_of(formulation, answer)
        notes = [outcome.message, f"the start counts for nothing: {unused}" if unused else ""]
        return replace(outcome, build_seconds=built, message="; ".join(filter(None, notes)))

    def no_start(self, formulation: Any) -> str:
        """Return why a start that was given counts for nothing; empty where it counts."""
        return ""

    def option_names(self) -> Collection[str]:
        """The solver's own names of its options, as far as its library lists them; else none."""
        return ()

    def check_names(self, raw: Mapping[str, Any]) -> None:
        """Refuse an option that the library does not list.

        Raises
        ------
        InvalidInputError
            With the listed names, or the closest of very many.
        """
        known = self.option_names()
        for name, value in raw.items():
            if known and name not in known:
                allowed = did_you_mean(name, sorted(known))
                raise InvalidInputError(f"options.raw[{name!r}]", value, allowed)

    def _in_child(self, options: Options) -> bool:
        if options.time_limit is not None or stopping.commanded():
            return True
        # The log of a script's run goes where the script's own streams go, which may change.
        return stopping.wanted() and not options.verbose

    @abstractmethod
    def formulate(
        self, problem: Problem, form: Form, raw: dict[str, Any]
    ) -> tuple[Any, Design | None]:
        """Return the formulation and the design to start from; take their options out of ``raw``."""

    @abstractmethod
    def build(self, formulation: Any, start: Design | None) -> Any:
        """Write the model in the adapter's language, with the point to start from."""

    @abstractmethod
    def run(self, formulation: Any, model: Any, options: Options) -> Answer:
        """Solve the model."""


def outcome_of(formulation: Formulation, answer: Answer) -> Outcome:
    """Translate an answer to coordinates, seconds and probabilities, for the judge.

    Parameters
    ----------
    formulation : Formulation
        The one whose model was solved.
    answer : Answer
        In the terms of the model; multipliers, where there are any, prove the bound.

    Returns
    -------
    Outcome
        Without a partition where the model is infeasible or unbounded.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))
    >>> formulation = cg.formulate(cg.Problem(system, cg.ExpectedRuntime()), "block")
    >>> answer = Answer(TerminationCondition.OPTIMAL, formulation.point(cg.Design([3, 3])))
    >>> outcome_of(formulation, answer).partition
    array([3., 3.])
    """
    bound, certificate = math.nan, Certificate.NONE
    if math.isfinite(answer.dual_bound):
        bound, certificate = formulation.bound(answer.dual_bound), Certificate.DUAL_BOUND
    if answer.duals is not None:
        bound, certificate = formulation.bound_of_duals(answer.duals), Certificate.CUTTING_PLANES
    # HiGHS and SCIP hold some point of an unbounded model: it stands for nothing.
    pointless = answer.point is None or answer.termination in _WITHOUT_POINT
    return Outcome(
        answer.termination,
        partition=None if pointless else formulation.partition(answer.point or {}),
        bound=bound,
        certificate=certificate if math.isfinite(bound) else Certificate.NONE,
        message="" if answer.termination is TerminationCondition.OPTIMAL else answer.message,
        details=answer.details,
    )


_WITHOUT_POINT = (TerminationCondition.INFEASIBLE, TerminationCondition.UNBOUNDED)


def termination(
    solver: str, code: Any, table: Mapping[Any, TerminationCondition]
) -> TerminationCondition:
    """Translate a solver's code; an unknown one is a warning and ``unknown``.

    Examples
    --------
    >>> str(termination("scipy", 0, {0: TerminationCondition.OPTIMAL}))
    'optimal'
    """
    if code not in table:
        warnings.warn(f"{solver} reported the unknown code {code!r}", RuntimeWarning, stacklevel=3)
        return TerminationCondition.UNKNOWN
    return table[code]


def native_options(options: Options, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the neutral options under the solver's own names, and the raw ones over them.

    Examples
    --------
    >>> native_options(Options(gap=1e-4, raw={"x": 1}), {"gap": "rel_gap", "threads": "threads"})
    {'rel_gap': 0.0001, 'x': 1}
    """
    values = {name: getattr(options, name) for name in names}
    neutral = {names[name]: value for name, value in values.items() if value is not None}
    return {**neutral, **options.raw}


@contextmanager
def unknown_options_refused(raw: Mapping[str, Any]) -> Iterator[None]:
    """Turn scipy's warning of an option that it does not know, which it then ignores, into an error.

    Raises
    ------
    InvalidInputError
        In place of the warning.
    """
    from scipy.optimize import OptimizeWarning

    with warnings.catch_warnings():
        # Options that scipy passes on "verbatim" are known to the solver behind it.
        for message in (r"Unrecognized options detected: .*\}$", "Unknown solver options"):
            warnings.filterwarnings("error", message=message, category=OptimizeWarning)
        try:
            yield
        except OptimizeWarning as found:
            allowed = f"options of the method of scipy ({found})"
            raise InvalidInputError("options.raw", dict(raw), allowed) from found
