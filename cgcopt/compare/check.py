"""What ``verify`` reports: checks and their outcomes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cgcopt.problem import Problem

__all__ = ["TOLERANCE", "Check", "Outcome", "Verification"]

#: Relative disagreement that is still agreement.
TOLERANCE = 1e-6


class Outcome(StrEnum):
    """What became of a check."""

    PASSED = "ok"
    """The results agree."""
    FAILED = "FAIL"
    """They contradict each other, one is worse than it should be, or a solver failed."""
    OPEN = "open"
    """Nothing was contradicted, and nothing confirmed: a run ended early, or had nothing to show."""
    NOT_CHECKED = "not checked"
    """The check does not apply, for the reason given."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : str
        What was compared.
    outcome : Outcome
        What became of it.
    detail : str
        The numbers, in words.
    values : mapping
        The numbers, unrounded.
    seconds : float
        How long it took; a run that an earlier check made counts there.
    """

    name: str
    outcome: Outcome
    detail: str
    values: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """False only for a failure."""
        return self.outcome is not Outcome.FAILED


@dataclass(frozen=True)
class Verification:
    """All checks of a problem."""

    problem: Problem
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed for check in self.checks)

    @property
    def counts(self) -> dict[str, int]:
        """Number of checks by outcome."""
        found = Counter(check.outcome for check in self.checks)
        return {str(outcome): found[outcome] for outcome in Outcome}

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``cgcopt verify --json``."""
        return {
            "instance": self.problem.name,
            "passed": self.passed,
            "counts": self.counts,
            "checks": [
                {
                    "name": check.name,
                    "passed": check.passed,
                    "outcome": str(check.outcome),
                    "detail": check.detail,
                    "seconds": check.seconds,
                    "values": {
                        name: value if math.isfinite(value) else None
                        for name, value in check.values.items()
                    },
                }
                for check in self.checks
            ],
        }
