"""Rows of comparisons made by hand, for tests of what follows from rows."""

from __future__ import annotations

from typing import Any

from cgcopt.compare.results.row import Row
from cgcopt.compare.results.solution_record import SolutionRecord
from cgcopt.objective import CompletionProbability, Sense
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus, TerminationCondition


def made_row(
    solver: str = "s", *, problem: str = "p", objective: str = "expected-runtime", **found: Any
) -> Row:
    """Return a row; ``found`` are fields of its solution record."""
    if "value" in found:
        found.setdefault("status", SolutionStatus.FEASIBLE)
        found.setdefault("termination", TerminationCondition.CONVERGED)
    record = SolutionRecord(solver, found.pop("form", Form.RELAXED), **found)
    maximized = objective == CompletionProbability.kind
    sense = Sense.MAXIMIZE if maximized else Sense.MINIMIZE
    return Row(problem, objective, sense, 1.0, "closed form", record)
