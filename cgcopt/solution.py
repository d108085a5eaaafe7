"""What a solver found, judged by the project's own evaluation."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cgcopt._renamed import warn_renamed
from cgcopt.arrays import FloatArray
from cgcopt.bounds import EXCESS, ROUNDING, excess
from cgcopt.design import Design
from cgcopt.ending import Sample, Seconds, SolutionStatus, TerminationCondition
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.result import Certificate, Evaluation, Probability
from cgcopt.evaluation.schedules.ends import Run
from cgcopt.instance import instance_tables, problem_from_dict
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule
from cgcopt.solution_table import solution_fields

__all__ = ["Sample", "Seconds", "Solution", "SolutionStatus", "TerminationCondition"]


@dataclass(frozen=True, eq=False)
class Solution:
    """A design, what it is worth, what bounds it, and how the run ended.

    Attributes
    ----------
    problem : Problem
        The problem as the user gave it; ``value`` and ``bound`` speak of it.
    solver : str
        Name of the solver.
    form : Form
        Relaxed, block or coordinate.
    termination, status
        Why the solver stopped, and what the solution holds.
    design : Design, optional
        The design; ``None`` where there is none (status ``none`` or ``scheme``).
    work : ndarray, optional
        Cumulative work ``w``, shape ``(N,)``, of the design or of the scheme; ``None`` without
        either.
    run : Schedule, Cyclic or Dynamic, optional
        What is run in a round, where that is not a design.
    evaluation : Evaluation, optional
        Exact worth of the design; ``None`` where there is no design or it is infeasible.
    bound : float
        No design has a better value; ``-inf`` or ``inf`` until someone proves one.
    certificate : Certificate
        The proof behind ``bound``.
    residual : float, optional
        Stationarity residual ``L (max_n dP/dx_n - min_{used n} dP/dx_n) / P`` of a completion
        probability, where it has a gradient; see :func:`~cgcopt.evaluation.stationarity.residual_of`.
    sample : Sample, optional
        Result on the drawn scenarios, for solvers that need them.
    seconds : Seconds
        Build, solve and evaluation time.
    details : mapping
        The solver's own findings (iterations, nodes, history, chosen level, ...).
    """

    problem: Problem
    solver: str
    form: Form
    termination: TerminationCondition
    status: SolutionStatus
    design: Design | None = None
    work: FloatArray | None = None
    run: Run | None = None
    evaluation: Evaluation | None = None
    bound: float = math.nan
    certificate: Certificate = Certificate.NONE
    residual: float | None = None
    sample: Sample | None = None
    seconds: Seconds = field(default_factory=Seconds)
    options: Options = field(default_factory=Options)
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if math.isnan(self.bound):
            unproven = -math.inf if self.problem.objective.sense is Sense.MINIMIZE else math.inf
            object.__setattr__(self, "bound", unproven)
        if self.design is not None:
            object.__setattr__(self, "work", self.design.work)

    @property
    def level(self) -> Form:
        """The old name of ``form``."""
        warn_renamed("Solution.level", "form", stacklevel=2)
        return self.form

    @property
    def partition(self) -> FloatArray | None:
        """The block partition ``x``, shape ``(N,)``."""
        if self.design is not None:
            return self.design.partition
        return self.run.partition if isinstance(self.run, Schedule) else None

    @property
    def schedule(self) -> Schedule | None:
        """The schedule; that of the design where there is one."""
        if isinstance(self.run, Schedule):
            return self.run
        return None if self.design is None else Schedule(self.design.partition, rotated=False)

    @property
    def value(self) -> float:
        """Expected seconds, probability, or seconds of the quantile; NaN without a feasible design."""
        return math.nan if self.evaluation is None else self.evaluation.value

    @property
    def gap(self) -> float:
        """Relative distance of value and bound, see :func:`relative_gap`; NaN without a value."""
        return relative_gap(self.value, self.bound, self.problem.objective.sense)

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``cgcopt solve --json``; numbers unrounded, infinite and missing ones ``None``."""
        number = _finite_or_none
        result: dict[str, Any] = {
            "solver": self.solver,
            "form": str(self.form),
            "level": str(self.form),  # its name up to version 0.1
            "partition": None if self.partition is None else self.partition.tolist(),
            "value": number(self.value),
            "bound": number(self.bound),
            "gap": number(self.gap),
            "certificate": str(self.certificate),
            "termination": str(self.termination),
            "status": str(self.status),
            "seconds": {
                "build": self.seconds.build,
                "solve": self.seconds.solve,
                "evaluate": self.seconds.evaluate,
            },
        }
        if self.design is not None:
            result["copies"], result["blocks"] = self.design.copies, self.design.blocks
        if self.work is not None and self.design is None:
            result["work"] = self.work.tolist()
        if self.run is not None:
            result["run"] = {"kind": type(self.run).__name__.lower(), **self.run.to_dict()}
        if self.evaluation is not None:
            result["method"] = str(self.evaluation.method)
            result["bracket"] = [number(self.evaluation.lower), number(self.evaluation.upper)]
            result["standard_error"] = self.evaluation.standard_error
            if isinstance(self.evaluation, Probability):
                result["complement"] = self.evaluation.complement
                result["log_value"] = number(self.evaluation.log_value)
        if self.residual is not None:
            result["residual"] = number(self.residual)
        if self.sample is not None:
            result["sample"] = {
                "scenarios": self.sample.scenarios,
                "seed": self.sample.seed,
                "value": number(self.sample.value),
                "bound": number(self.sample.bound),
                "gap": number(self.sample.gap),
                "certificate": str(self.sample.certificate),
            }
        if self.message:
            result["message"] = self.message
        return result

    def save(self, path: str | Path) -> None:
        """Write the solution with its problem as JSON: the keys of :meth:`to_dict`, and ``problem``.

        Options, the solver's own ``details`` and the gradient are left out; a trace is written with its
        times, so that the file stands for itself.

        Raises
        ------
        InvalidInputError
            If the file cannot be written.
        """
        tables = instance_tables(self.problem)
        times = self.problem.system.worker_times
        if "path" in tables["worker_times"]:
            alone = copy.copy(times)
            object.__setattr__(alone, "source", None)
            tables["worker_times"] = alone.to_dict()
        problem = {"title": self.problem.title, **tables}
        text = json.dumps({**self.to_dict(), "problem": problem}, indent=2, allow_nan=False)
        try:
            Path(path).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            allowed = f"a file that can be written ({(error.strerror or 'not writable').lower()})"
            raise InvalidInputError("solution", str(path), allowed) from None

    @classmethod
    def load(cls, path: str | Path) -> Solution:
        """Read a solution that :meth:`save` wrote, or ``cgcopt solve --out solution.json``.

        Raises
        ------
        InvalidInputError
            If the file cannot be read or is not a solution.
        """
        try:
            table = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "not JSON").lower()
            allowed = f"a readable JSON file ({reason})"
            raise InvalidInputError("solution", str(path), allowed) from None
        if not isinstance(table, dict) or not isinstance(table.get("problem"), dict):
            raise InvalidInputError("solution", str(path), "a JSON file with a solution's problem")
        tables = dict(table["problem"])
        problem = problem_from_dict(tables, title=tables.pop("title", ""))
        try:
            return cls(problem, **solution_fields(table))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                "solution", str(path), f"a solution in JSON ({error})"
            ) from error


def relative_gap(value: float, bound: float, sense: Sense) -> float:
    """Gap ``1 - bound/value`` when minimising and ``1 - value/bound`` when maximising.

    It is never negative. A bound beyond the value by rounding alone makes it 0, by no more than
    :data:`~cgcopt.bounds.EXCESS` that much; beyond that the value contradicts the bound, and the gap
    is infinite, as without a bound.

    Examples
    --------
    >>> relative_gap(2.0, 1.5, Sense.MINIMIZE)
    0.25
    >>> relative_gap(0.9, 1.0, Sense.MAXIMIZE)
    0.09999999999999998
    """
    if math.isnan(value):
        return math.nan
    if not math.isfinite(bound):
        return math.inf
    larger, smaller = (value, bound) if sense is Sense.MINIMIZE else (bound, value)
    if larger == smaller:
        return 0.0
    if larger == 0:
        return math.inf
    beyond = excess(bound, value, sense)
    if beyond > ROUNDING:
        return beyond if beyond <= EXCESS else math.inf
    return max((larger - smaller) / larger, 0.0)


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
