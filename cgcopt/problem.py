"""A system and what is wanted of it. Nothing here says how the problem is solved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from cgcopt._renamed import warn_renamed
from cgcopt._validate import whole_number
from cgcopt.errors import InvalidInputError
from cgcopt.limits import Limits
from cgcopt.objective import Objective
from cgcopt.system import System

__all__ = ["Form", "Problem", "form_of"]


class Form(StrEnum):
    """The variables in which a problem is written.

    The coordinate and the block form have the same optimal value; the relaxed form bounds both.
    """

    COORDINATE = "coordinate"
    """A redundancy ``s_l`` in ``{0, ..., N-1}`` for each of the ``L`` coordinates."""
    BLOCK = "block"
    """A whole number ``x_n`` of coordinates for each of the ``N`` redundancy levels."""
    RELAXED = "relaxed"
    """A real number ``x_n >= 0`` for each of the ``N`` redundancy levels."""


def form_of(form: Form | str) -> Form:
    """Return the form of this name.

    Raises
    ------
    InvalidInputError
        If no form has it.

    Examples
    --------
    >>> form_of("block")
    <Form.BLOCK: 'block'>
    """
    try:
        return Form(form)
    except ValueError:
        raise InvalidInputError("form", form, f"one of: {', '.join(Form)}") from None


@dataclass(frozen=True)
class Problem:
    """Choose the redundancy of every coordinate of ``system`` to do best by ``objective``.

    Parameters
    ----------
    system : System
        The cluster and its work.
    objective : Objective
        What a design is judged by.
    title : str
        A name for tables.
    limits : Limits
        Side constraints on a design; none by default.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=1e-3, shift=50)
    >>> system = cg.System(workers=4, coordinates=100, worker_times=times)
    >>> cg.Problem(system, cg.ExpectedRuntime()).name
    'expected-runtime N=4 L=100 shifted-exponential(rate=0.001, shift=50)'
    """

    system: System
    objective: Objective
    title: str = ""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not isinstance(self.system, System):
            raise InvalidInputError("problem.system", self.system, "a System")
        if not isinstance(self.objective, Objective):
            raise InvalidInputError(
                "problem.objective",
                self.objective,
                "an objective: ExpectedRuntime(), CompletionProbability(deadline), Quantile(...) or "
                "ConditionalValueAtRisk(...)",
            )
        if not isinstance(self.title, str):
            allowed = "a string; limits are given by name: limits=Limits(...)"
            raise InvalidInputError("problem.title", self.title, allowed)
        if not isinstance(self.limits, Limits):
            raise InvalidInputError("problem.limits", self.limits, "Limits(copies=..., ...)")
        if self.system.worker_times.can_fail and not self.objective.bears_failures:
            allowed = (
                "completion-probability or quantile: a worker of "
                f"{self.system.worker_times.label} may never answer, and the mean is infinite "
                "(type --deadline SECONDS or --quantile Q; --missing drop-round asks for the mean of "
                "the rounds in which every worker answers)"
            )
            raise InvalidInputError("objective.kind", self.objective.kind, allowed)
        self.limits.check(self.system.workers, self.system.coordinates)

    @property
    def name(self) -> str:
        """The title where one was given, else a description."""
        system = self.system
        parts = [
            f"{self.objective.kind} N={system.workers} L={system.coordinates}",
            system.worker_times.label,
            system.costs.label,
            self.limits.label,
        ]
        return self.title or " ".join(part for part in parts if part)

    def sampled(self, scenarios: int, seed: int = 0) -> Problem:
        """Return the sample-average problem on ``scenarios`` rounds drawn from the worker times.

        The worker times of the result are :class:`~cgcopt.workers.scenarios.Scenarios`; equal
        arguments give equal rounds, whatever ran before.
        """
        from cgcopt.workers.scenarios import Scenarios

        count = whole_number("scenarios", scenarios, least=1)
        system = self.system
        drawn = Scenarios.draw(system.worker_times, count, system.workers, seed)
        return replace(self, system=system.with_times(drawn))


def __getattr__(name: str) -> Any:
    if name != "Level":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    warn_renamed("cgcopt.problem.Level", "Form", stacklevel=2)
    return Form
