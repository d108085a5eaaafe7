"""One line of a comparison: what one solver made of one problem."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from cgcopt.compare.published.figures import figure_of
from cgcopt.compare.results.solution_record import SolutionRecord
from cgcopt.objective import Sense
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution, SolutionStatus, TerminationCondition

__all__ = ["Row", "failed_row", "problem_facts", "row_of"]

_NOTHING_FOUND = frozenset(
    {
        TerminationCondition.ERROR,
        TerminationCondition.INTERRUPTED,
        TerminationCondition.UNSUPPORTED,
    }
)


@dataclass(frozen=True)
class Row:
    """What one solver made of one problem; plain values only, so that a row can be kept.

    Attributes
    ----------
    problem : str
        The problem's name.
    objective : str
        Kind of its objective.
    sense : Sense
        Direction of its objective.
    scale : float
        ``M b / N`` of the system; ``value / scale`` does not depend on it.
    role : str
        What kind of method the solver is.
    solution : SolutionRecord
        What the solver found, as judged.
    published : float
        The published figure that stands beside this row; NaN where there is none.
    computed : str
        When, in UTC.
    jobs : int
        Runs made at a time, this one among them; 0 where it is not known. The seconds of a run
        beside others are noisy.
    seed : int
        Seed of the run.
    facts : mapping
        What the problem is, from :func:`problem_facts`.

    Examples
    --------
    >>> found = SolutionRecord("optimal", Form.RELAXED, value=2.5)
    >>> row = Row("paper", "expected-runtime", Sense.MINIMIZE, 1.0, "exact method", found)
    >>> Row.from_json(row.to_json()).value
    2.5
    """

    problem: str
    objective: str
    sense: Sense
    scale: float
    role: str
    solution: SolutionRecord
    published: float = math.nan
    computed: str = ""
    jobs: int = 1
    seed: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def solver(self) -> str:
        """Name of the solver."""
        return self.solution.solver

    @property
    def form(self) -> Form:
        """The form that it worked at."""
        return self.solution.form

    @property
    def value(self) -> float:
        """Value of the design on the problem itself; NaN without one."""
        return self.solution.value

    @property
    def status(self) -> SolutionStatus:
        """Status of the solution."""
        return self.solution.status

    @property
    def partition(self) -> tuple[float, ...]:
        """Its block partition; empty without a design."""
        return self.solution.partition

    @property
    def message(self) -> str:
        """Message of the solver."""
        return self.solution.message

    @property
    def seconds(self) -> float:
        """Build and solve time; evaluation is the same for every solver."""
        return self.solution.seconds.build + self.solution.seconds.solve

    @property
    def failed(self) -> bool:
        """Whether the run ended without a result, so that another one may do better."""
        return self.solution.termination in _NOTHING_FOUND

    def to_json(self) -> str:
        """Write the row as JSON; read it again with :meth:`from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Row:
        """Read a row that :meth:`to_json` wrote.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is something else.
        """
        values: Mapping[str, Any] = json.loads(text)
        kept = {"sense": Sense(values["sense"])}
        return cls(**{**values, **kept, "solution": SolutionRecord.from_dict(values["solution"])})


def problem_facts(problem: Problem) -> dict[str, Any]:
    """Return what a problem is, as the columns of a table.

    Returns
    -------
    dict
        ``N``, ``L``, ``samples``, ``cycles``, ``family`` and its ``parameters`` as text; then every
        number among the parameters of the family, the objective, the limits (``limit_copies``) and
        the costs.

    Examples
    --------
    >>> import cgcopt as cg
    >>> facts = problem_facts(cg.load_instance("paper"))
    >>> facts["N"], facts["L"], facts["family"], facts["parameters"], facts["rate"]
    (20, 20000, 'shifted-exponential', 'rate=0.001, shift=50', 0.001)
    """
    system = problem.system
    family, _, inside = system.worker_times.label.partition("(")
    facts: dict[str, Any] = {
        "N": system.workers,
        "L": system.coordinates,
        "samples": system.samples,
        "cycles": system.cycles,
        "family": family.strip(),
        "parameters": inside.rstrip(")"),
    }
    for part in (system.worker_times, problem.objective):
        facts |= _numbers({name: getattr(part, name) for name in _fields(part)})
    limits = {f"limit_{name}": value for name, value in problem.limits.to_dict().items()}
    return facts | _numbers(limits) | _numbers(system.costs.to_dict())


def _fields(part: Any) -> list[str]:
    return [each.name for each in fields(part)] if is_dataclass(part) else []


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def row_of(solution: Solution, *, role: str, computed: str = "", seed: int = 0) -> Row:
    """Return the row of a solution."""
    return _row(solution.problem, SolutionRecord.of(solution), role, computed, seed)


def failed_row(
    problem: Problem,
    solver: str,
    form: Form,
    message: str,
    *,
    role: str,
    computed: str = "",
    seed: int = 0,
    termination: TerminationCondition = TerminationCondition.ERROR,
) -> Row:
    """Return the row of a run that came to nothing."""
    unproven = -math.inf if problem.objective.sense is Sense.MINIMIZE else math.inf
    said = " ".join(message.split())
    record = SolutionRecord(solver, form, termination, bound=unproven, message=said)
    return _row(problem, record, role, computed, seed)


def _row(problem: Problem, record: SolutionRecord, role: str, computed: str, seed: int) -> Row:
    figure = figure_of(problem, record.solver)
    return Row(
        problem=problem.name,
        objective=problem.objective.kind,
        sense=problem.objective.sense,
        scale=problem.system.unit,
        role=role,
        solution=record,
        published=math.nan if figure is None else figure.value,
        computed=computed,
        seed=seed,
        facts=problem_facts(problem),
    )
