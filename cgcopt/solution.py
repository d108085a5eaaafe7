"""What a solver found, judged by the project's own evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt._renamed import warn_renamed
from cgcopt._writing import write_text
from cgcopt.arrays import FloatArray
from cgcopt.bounds import relative_gap
from cgcopt.design import Design
from cgcopt.ending import Sample, Seconds, SolutionStatus, TerminationCondition
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.result import Certificate, Evaluation, Probability
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.instance import problem_from_dict, standalone_tables
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule
from cgcopt.solution_table import solution_fields

if TYPE_CHECKING:
    from cgcopt.evaluation.prices import Prices

__all__ = ["Sample", "Seconds", "Solution", "SolutionStatus", "TerminationCondition"]

#: Share of ``L`` below which a block is rounding.
LEAST_SHARE = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
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
    assignment : Schedule, Cyclic or Dynamic, optional
        What the workers do in a round, where that is not a design.
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
    assignment: Assignment | None = None
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
    def run(self) -> Assignment | None:
        """The old name of ``assignment``."""
        warn_renamed("Solution.run", "assignment", stacklevel=2)
        return self.assignment

    @property
    def partition(self) -> FloatArray | None:
        """The block partition ``x``, shape ``(N,)``."""
        if self.design is not None:
            return self.design.partition
        return None if self.schedule is None else self.schedule.partition

    @property
    def schedule(self) -> Schedule | None:
        """The schedule; that of the design where there is one."""
        if isinstance(self.assignment, Schedule):
            return self.assignment
        return None if self.design is None else Schedule.of(self.design)

    @property
    def value(self) -> float:
        """Expected seconds, probability, or seconds of the quantile; NaN without a feasible design."""
        return math.nan if self.evaluation is None else self.evaluation.value

    @property
    def gap(self) -> float:
        """Relative distance of value and bound (:func:`~cgcopt.bounds.relative_gap`), or NaN."""
        return relative_gap(self.value, self.bound, self.problem.objective.sense)

    @cached_property
    def prices(self) -> Prices | None:
        """Price of the budget and reduced costs (:func:`~cgcopt.evaluation.prices.prices_of`).

        ``None`` without a feasible design, and where its value has no gradient.
        """
        if self.design is None or self.evaluation is None:
            return None
        from cgcopt.evaluation.prices import prices_of

        return prices_of(self.problem, self.design, self.evaluation)

    def __repr__(self) -> str:
        """One line: who solved what, and how well."""
        kind, unit = self.problem.objective.kind, self.problem.objective.unit
        parts = [f"{self.solver}, {self.form}: {self.status} ({self.termination})"]
        if self.evaluation is not None:
            parts.append(f"{kind} {self.value:.8g}{unit and ' ' + unit}")
        if math.isfinite(self.bound):
            parts += [f"bound {self.bound:.8g}", f"gap {self.gap:.1e}"]
        return f"<Solution {', '.join(parts)}>"

    def facts(self) -> dict[str, str]:
        """What there is to say of the solution, by name, as ``cgcopt solve`` prints it."""
        problem, seconds = self.problem, self.seconds
        unit = f" {problem.objective.unit}" if problem.objective.unit else ""
        system = problem.system
        times = system.worker_times.label
        facts = {
            "instance": problem.name,
            "objective": problem.objective.kind,
            "system": f"{system.workers} workers, {system.coordinates} coordinates, {times}",
            "costs": system.costs.label if system.costs else "",
            "limits": problem.limits.label if problem.limits else "",
            "solver": f"{self.solver}, {self.form} form",
            "status": f"{self.status} ({self.termination})",
        }
        if self.evaluation is not None:
            facts["value"] = f"{self.value:.10g}{unit} ({_accuracy(self.evaluation)})"
        if isinstance(self.evaluation, Probability):
            facts["1 - value"] = f"{self.evaluation.complement:.6g}"
        if math.isfinite(self.bound):
            facts["bound"] = f"{self.bound:.10g}{unit} ({self.certificate})"
            facts["gap"] = "" if math.isnan(self.gap) else f"{self.gap:.2e}"
        if self.residual is not None:
            facts["residual"] = f"{self.residual:.2e}"
        if self.sample is not None:
            facts["sample"] = _on_sample(self.sample, unit)
        if self.design is not None:
            facts["storage"] = _storage(self.design)
        facts["seconds"] = (
            f"build {seconds.build:.3f}, solve {seconds.solve:.3f}, evaluate {seconds.evaluate:.3f}"
        )
        facts["message"] = self.message
        return {name: text for name, text in facts.items() if text}

    def blocks(self) -> list[tuple[int, float]]:
        """The used levels with their coordinates; nothing without a partition."""
        partition = self.partition
        if partition is None:
            return []
        least = LEAST_SHARE * partition.sum()
        return [(n, x) for n, x in enumerate(partition.tolist()) if x > least]

    def summary(self) -> str:
        """Return :meth:`facts` and the blocks as text; ``print(solution.summary())``."""
        lines = [f"{name:10} {text}" for name, text in self.facts().items()]
        blocks = [f"{n:>10} {x:>18,.3f}" for n, x in self.blocks()]
        if blocks:
            lines += ["", "     level        coordinates", *blocks]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """For notebooks: a table of :meth:`facts`, and one of the blocks."""

        def rows(pairs: Iterable[tuple[object, str]], side: str) -> str:
            left = '<tr><th style="text-align: left">'
            right = f'</th><td style="text-align: {side}">'
            cells = (f"{left}{escape(str(a))}{right}{escape(b)}</td></tr>" for a, b in pairs)
            return f"<table>{''.join(cells)}</table>"

        facts = rows(self.facts().items(), "left")
        blocks = [(f"level {n}", f"{x:,.3f} coordinates") for n, x in self.blocks()]
        return facts + (rows(blocks, "right") if blocks else "")

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
        if self.assignment is not None:
            result["assignment"] = {
                "kind": type(self.assignment).__name__.lower(),
                **self.assignment.to_dict(),
            }
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
            If the file cannot be written; it is written whole or not at all.
        """
        problem = standalone_tables(self.problem)
        text = json.dumps({**self.to_dict(), "problem": problem}, indent=2, allow_nan=False)
        try:
            write_text(Path(path), text + "\n")
        except OSError as error:
            allowed = f"a file that can be written ({error.strerror})"
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
            allowed = "a solution with its problem, as `cgcopt solve --out NAME.json` writes it"
            raise InvalidInputError("solution", str(path), allowed)
        tables = dict(table["problem"])
        problem = problem_from_dict(tables, title=tables.pop("title", ""))
        try:
            return cls(problem, **solution_fields(table))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                "solution", str(path), f"a solution in JSON ({error})"
            ) from error


def _accuracy(evaluation: Evaluation) -> str:
    """How the value was computed, and how far it may be off."""
    text = str(evaluation.method)
    if evaluation.standard_error > 0:
        return f"{text}, standard error {evaluation.standard_error:.2g}"
    if evaluation.lower < evaluation.upper:
        return f"{text}, in [{evaluation.lower:.10g}, {evaluation.upper:.10g}]"
    return text


def _on_sample(sample: Sample, unit: str) -> str:
    return (
        f"{sample.value:.10g}{unit} on {sample.scenarios} scenarios (seed {sample.seed}), "
        f"bound {sample.bound:.10g} ({sample.certificate}), gap {sample.gap:.2e}"
    )


def _storage(design: Design) -> str:
    copies, blocks = design.copies, design.blocks
    many = "block" if blocks == 1 else "blocks"
    return f"a worker stores {copies} of {design.workers} subsets; {blocks} {many}"


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
