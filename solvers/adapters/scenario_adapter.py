"""What the adapters of outside solvers share: build, solve, translate, each in one place."""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.result import Certificate
from cgcopt.formulations import formulate
from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.adapters.outside import OutsideSolver
from cgcopt.solvers.base import SAMPLED, Outcome, tasks

__all__ = [
    "LINEAR",
    "MIXED_INTEGER",
    "Answer",
    "ScenarioAdapter",
    "native_options",
    "outcome_of",
    "solver_log",
    "termination",
]

FloatArray = NDArray[np.float64]

#: All six problems: what a solver of mixed-integer linear programs can do.
MIXED_INTEGER = tasks(ExpectedRuntime, CompletionProbability, forms=tuple(Form))
#: What a solver of linear programs can do.
LINEAR = tasks(ExpectedRuntime, forms=(Form.RELAXED,))


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


class ScenarioAdapter(OutsideSolver):
    """An outside solver applied to a formulation on scenarios.

    Two raw options are the adapter's own: ``formulation``, a mapping with the arguments ``strong``,
    ``symmetry`` and ``at_least`` of :func:`~cgcopt.formulations.formulate`, and ``start``, the
    partition to start from where the solver supports it.  All others go to the solver under its
    own names.  For a completion probability a design in closed form is the start, and only designs
    that are as good are in the model, unless these options say otherwise.
    """

    times = SAMPLED

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Formulate, hand over, and translate the answer."""
        started = time.perf_counter()
        raw = dict(options.raw)
        formulation, start = _formulate(problem, form, raw)
        model = self.build(formulation, start)
        built = time.perf_counter() - started
        if options.time_limit is not None:
            options = replace(options, time_limit=max(options.time_limit - built, 1e-3))
        with solver_log(options):
            answer = self.run(formulation, model, replace(options, raw=raw))
        return replace(outcome_of(formulation, answer), build_seconds=built)

    @abstractmethod
    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the model in the adapter's language, with the point to start from."""

    @abstractmethod
    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Solve the model."""


def _formulate(
    problem: Problem, form: Form, raw: dict[str, Any]
) -> tuple[ScenarioFormulation, Design | None]:
    """Return the formulation and the design to start from; take their options out of ``raw``."""
    chosen = raw.pop("formulation", {})
    if not isinstance(chosen, Mapping) or not set(chosen) <= _FORMULATION_OPTIONS:
        allowed = f"a mapping with the keys {', '.join(sorted(_FORMULATION_OPTIONS))}"
        raise InvalidInputError("options.raw['formulation']", chosen, allowed)
    given = raw.pop("start", None)
    start = None if given is None else Design(given)
    formulation = formulate(problem, form, **chosen)
    if start is not None:
        formulation.point(start)  # refuses what is no design of this form
    if isinstance(formulation, ProbabilityFormulation):
        start = start or formulation.quick_design()
        known = 0 if start is None else formulation.scenarios_met(start)
        if "at_least" not in chosen:
            formulation = formulate(problem, form, **chosen, at_least=known)
        elif known < formulation.at_least:
            start = None
    assert isinstance(formulation, ScenarioFormulation)
    return formulation, start


_FORMULATION_OPTIONS = {"strong", "symmetry", "at_least"}


def outcome_of(formulation: Formulation, answer: Answer) -> Outcome:
    """Translate an answer to coordinates, seconds and probabilities."""
    bound, certificate = math.nan, Certificate.NONE
    if math.isfinite(answer.dual_bound):
        bound, certificate = formulation.bound(answer.dual_bound), Certificate.DUAL_BOUND
    if answer.duals is not None and isinstance(formulation, ScenarioFormulation):
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


@contextmanager
def solver_log(options: Options) -> Iterator[None]:
    """If ``verbose``, send standard output to standard error, also what compiled code writes."""
    if not options.verbose:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


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
