"""One line of a comparison: what one solver made of one problem."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from cgcopt.compare.published.figures import figure_of
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution, SolutionStatus, TerminationCondition

__all__ = ["Row", "failed_row", "row_of"]


@dataclass(frozen=True)
class Row:
    """What one solver made of one problem; plain values only, so that a row can be kept.

    Attributes
    ----------
    problem : str
        The problem's name.
    objective : str
        Kind of its objective.
    solver, role, form : str
        Who solved it, what kind of method that is, and at which form.
    value : float
        Worth of the design on the problem itself (never on a drawn sample); NaN without a design.
    standard_error : float
        Of a simulated value; 0 otherwise.
    complement : float
        ``1 - value`` of a probability, to full relative accuracy; NaN for other objectives.
    scale : float
        ``M b / N`` of the system; ``value / scale`` does not depend on it.
    bound : float
        Bound that came with this solution; infinite without one.
    certificate, termination, status : str
        As in :class:`~cgcopt.solution.Solution`.
    build, solve, evaluate : float
        Seconds.
    sample_scenarios, sample_value, sample_bound, sample_gap
        Result on the drawn scenarios, for solvers that need them; 0 and NaN otherwise.
    residual : float
        Stationarity residual of a completion probability; NaN where there is none.
    published : float
        The published figure that stands beside this row; NaN where there is none.
    partition : tuple of float
        Block partition; empty without a design.
    message : str
        What the solver had to say.
    computed : str
        When, in UTC.
    jobs : int
        Runs made at a time, this one among them; 0 where it is not known. The seconds of a run
        beside others are noisy.
    """

    problem: str
    objective: str
    solver: str
    role: str
    form: str
    value: float = math.nan
    standard_error: float = 0.0
    complement: float = math.nan
    scale: float = math.nan
    bound: float = math.nan
    certificate: str = str(Certificate.NONE)
    termination: str = str(TerminationCondition.ERROR)
    status: str = str(SolutionStatus.NONE)
    build: float = 0.0
    solve: float = 0.0
    evaluate: float = 0.0
    sample_scenarios: int = 0
    sample_value: float = math.nan
    sample_bound: float = math.nan
    sample_gap: float = math.nan
    residual: float = math.nan
    published: float = math.nan
    partition: tuple[float, ...] = ()
    message: str = ""
    computed: str = ""
    jobs: int = 1

    @property
    def seconds(self) -> float:
        """Build and solve time; evaluation is the same for every solver."""
        return self.build + self.solve

    @property
    def failed(self) -> bool:
        """Whether the solver failed, so that another run may end otherwise."""
        return self.termination in (TerminationCondition.ERROR, TerminationCondition.INTERRUPTED)

    def to_json(self) -> str:
        """Write the row as JSON; read it again with :meth:`from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Row:
        """Read a row that :meth:`to_json` wrote.

        Examples
        --------
        >>> row = Row("paper", "expected-runtime", "optimal", "exact method", "relaxed", 2.5)
        >>> Row.from_json(row.to_json()).value
        2.5
        """
        values: Mapping[str, Any] = json.loads(text)
        known = {item.name for item in fields(cls)}
        row = {name: value for name, value in values.items() if name in known}
        return cls(**{**row, "partition": tuple(row.get("partition", ()))})


def row_of(solution: Solution, *, role: str, computed: str = "") -> Row:
    """Return the row of a solution."""
    problem, sample = solution.problem, solution.sample
    figure = figure_of(problem, solution.solver)
    evaluation = solution.evaluation
    partition = solution.partition
    return Row(
        problem=problem.name,
        objective=problem.objective.kind,
        solver=solution.solver,
        role=role,
        form=str(solution.form),
        value=solution.value,
        standard_error=0.0 if evaluation is None else evaluation.standard_error,
        complement=math.nan if evaluation is None else _or_nan(evaluation.complement),
        scale=problem.system.unit,
        bound=solution.bound,
        certificate=str(solution.certificate),
        termination=str(solution.termination),
        status=str(solution.status),
        build=solution.seconds.build,
        solve=solution.seconds.solve,
        evaluate=solution.seconds.evaluate,
        sample_scenarios=0 if sample is None else sample.scenarios,
        sample_value=math.nan if sample is None else sample.value,
        sample_bound=math.nan if sample is None else sample.bound,
        sample_gap=math.nan if sample is None else sample.gap,
        residual=_or_nan(solution.residual),
        published=math.nan if figure is None else figure.value,
        partition=() if partition is None else tuple(partition.tolist()),
        message=solution.message,
        computed=computed,
    )


def failed_row(
    problem: Problem, solver: str, form: Form, message: str, *, role: str, computed: str = ""
) -> Row:
    """Return the row of a run that came to nothing."""
    unproven = -math.inf if problem.objective.sense is Sense.MINIMIZE else math.inf
    figure = figure_of(problem, solver)
    return Row(
        problem=problem.name,
        objective=problem.objective.kind,
        solver=solver,
        role=role,
        form=str(form),
        scale=problem.system.unit,
        bound=unproven,
        published=math.nan if figure is None else figure.value,
        message=" ".join(message.split()),
        computed=computed,
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
