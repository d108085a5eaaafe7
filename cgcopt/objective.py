"""What a design is judged by."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Self

from cgcopt._validate import finite_number

__all__ = [
    "CompletionProbability",
    "ConditionalValueAtRisk",
    "ExpectedRuntime",
    "Objective",
    "Quantile",
    "Sense",
]


#: The smallest positive number.
_LEAST = math.ulp(0.0)


class Sense(StrEnum):
    """Direction of an objective."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Objective:
    """Base class of the objectives; each knows its name, its sense and its unit.

    What evaluates an objective, and what bounds it, is registered in
    :mod:`cgcopt.evaluation.table`.
    """

    kind: ClassVar[str]
    sense: ClassVar[Sense]
    unit: ClassVar[str]
    bears_failures: ClassVar[bool] = True
    """Whether the objective is finite where workers may never answer."""
    best_possible: ClassVar[float | None] = None
    """What no scheme can exceed, whatever the system: 1 for a probability; ``None`` for seconds."""
    time_power: ClassVar[int | None] = None
    """Power of the unit of time with which a value changes: 1 for seconds, 0 for a probability;
    ``None`` where that is not known."""

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The values of its fields, in order, such as the deadline.

        Examples
        --------
        >>> ExpectedRuntime().parameters, CompletionProbability(5).parameters
        ((), (5.0,))
        """
        return tuple(getattr(self, f.name) for f in fields(self)) if is_dataclass(self) else ()

    def in_unit(self, factor: float) -> Self:
        """Return the same objective where a second has ``factor`` units of time."""
        return self

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[objective]`` table of an instance file."""
        return {"kind": self.kind}


@dataclass(frozen=True)
class ExpectedRuntime(Objective):
    """Minimise ``E[tau]``, the expected seconds of a round."""

    kind: ClassVar[str] = "expected-runtime"
    sense: ClassVar[Sense] = Sense.MINIMIZE
    unit: ClassVar[str] = "s"
    bears_failures: ClassVar[bool] = False
    time_power: ClassVar[int | None] = 1


@dataclass(frozen=True)
class CompletionProbability(Objective):
    """Maximise ``P[tau <= deadline]``.

    Parameters
    ----------
    deadline : float
        Seconds after which a round is late, positive.
    """

    deadline: float

    kind: ClassVar[str] = "completion-probability"
    sense: ClassVar[Sense] = Sense.MAXIMIZE
    unit: ClassVar[str] = ""
    best_possible: ClassVar[float | None] = 1.0
    time_power: ClassVar[int | None] = 0

    def __post_init__(self) -> None:
        deadline = finite_number("objective.deadline", self.deadline, above=0)
        object.__setattr__(self, "deadline", deadline)

    def in_unit(self, factor: float) -> Self:
        """Return the same objective where a second has ``factor`` units of time.

        A deadline beyond the range of doubles becomes the nearest number within it: no round is
        near it.

        Examples
        --------
        >>> CompletionProbability(3.0).in_unit(2.0)
        CompletionProbability(deadline=6.0)
        """
        deadline = min(max(self.deadline * factor, _LEAST), sys.float_info.max)
        return replace(self, deadline=deadline)

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[objective]`` table of an instance file."""
        return {"kind": self.kind, "deadline": self.deadline}


@dataclass(frozen=True)
class Quantile(Objective):
    """Minimise the deadline that a round keeps with the given probability.

    Parameters
    ----------
    probability : float
        Between 0 and 1, both excluded; 0.99 asks for the smallest 99th percentile of ``tau``.
    """

    probability: float

    kind: ClassVar[str] = "quantile"
    sense: ClassVar[Sense] = Sense.MINIMIZE
    unit: ClassVar[str] = "s"
    time_power: ClassVar[int | None] = 1

    def __post_init__(self) -> None:
        probability = finite_number("objective.probability", self.probability, above=0, below=1)
        object.__setattr__(self, "probability", probability)

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[objective]`` table of an instance file."""
        return {"kind": self.kind, "probability": self.probability}


@dataclass(frozen=True)
class ConditionalValueAtRisk(Objective):
    """Minimise the mean runtime of the slowest share ``1 - probability`` of the rounds.

    ``CVaR_q = min_t t + E[(tau - t)^+] / (1 - q)`` (Rockafellar and Uryasev, Journal of Risk 2,
    2000), at least the quantile at ``q`` and at least the expected runtime. Unlike the quantile it
    is convex and homogeneous in the partition, so that a minimum is proven by subgradients.

    Parameters
    ----------
    probability : float
        ``q``, between 0 and 1, both excluded; 0.95 asks for the smallest mean of the slowest 5 %.

    Examples
    --------
    >>> ConditionalValueAtRisk(probability=0.95).parameters
    (0.95,)
    """

    probability: float

    kind: ClassVar[str] = "conditional-value-at-risk"
    sense: ClassVar[Sense] = Sense.MINIMIZE
    unit: ClassVar[str] = "s"
    bears_failures: ClassVar[bool] = False
    time_power: ClassVar[int | None] = 1

    def __post_init__(self) -> None:
        probability = finite_number("objective.probability", self.probability, above=0, below=1)
        object.__setattr__(self, "probability", probability)

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[objective]`` table of an instance file."""
        return {"kind": self.kind, "probability": self.probability}
