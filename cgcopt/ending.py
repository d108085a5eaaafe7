"""How the run of a solver ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cgcopt.evaluation.result import Certificate

__all__ = ["Sample", "Seconds", "SolutionStatus", "TerminationCondition"]


class TerminationCondition(StrEnum):
    """Why a solver stopped."""

    CONVERGED = "converged"
    """The method's own stopping rule was met (gap, residual, or a formula was evaluated)."""
    OPTIMAL = "optimal"
    """A proven optimum: of the problem, or of the drawn scenarios that the solver was given."""
    ITERATION_LIMIT = "iteration-limit"
    """The iteration limit came first."""
    TIME_LIMIT = "time-limit"
    """The time limit came first."""
    INFEASIBLE = "infeasible"
    """The solver claims that no feasible point exists."""
    UNBOUNDED = "unbounded"
    """The solver claims that the objective is unbounded, or infeasible or unbounded."""
    INTERRUPTED = "interrupted"
    """The user or the operating system stopped the run."""
    ERROR = "error"
    """The solver failed; the message says how."""
    UNSUPPORTED = "unsupported"
    """The solver does not take this problem; the message says what of it."""
    NUMERICAL_ERROR = "numerical-error"
    """A feasible value contradicts the solver's bound, which was thrown away; see the message."""
    UNKNOWN = "unknown"
    """The solver reported a code that the adapter does not know."""


class SolutionStatus(StrEnum):
    """What the solution holds."""

    OPTIMAL = "optimal"
    """A feasible design whose gap to the bound is at most the requested one."""
    FEASIBLE = "feasible"
    """A feasible design without such a proof."""
    INFEASIBLE = "infeasible"
    """A point that violates the problem's constraints; it has no value and no gap."""
    SCHEME = "scheme"
    """A scheme or a schedule outside the design space of one order and equal work: its runtime is
    comparable, its bound holds for every scheme."""
    NONE = "none"
    """No design at all."""


@dataclass(frozen=True)
class Seconds:
    """Wall time of the three parts of a run, compilation and imports excluded."""

    build: float = 0.0
    solve: float = 0.0
    evaluate: float = 0.0


@dataclass(frozen=True)
class Sample:
    """What a solver reached on the drawn scenarios that it was given.

    ``value`` is the sample average of the final design, ``bound`` bounds the sample average of every
    design.
    """

    scenarios: int
    seed: int
    value: float
    bound: float
    gap: float
    certificate: Certificate

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Sample:
        """Build it from what a solution writes; what is not finite is ``null`` there."""
        numbers = {
            key: math.nan if table[key] is None else table[key] for key in ("value", "bound", "gap")
        }
        return cls(**{**table, **numbers, "certificate": Certificate(table["certificate"])})
