"""A judged solution in plain values, which can be kept in a file and sent to another process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cgcopt.bounds import Known
from cgcopt.design import Design
from cgcopt.evaluation.result import Certificate
from cgcopt.problem import Form
from cgcopt.solution import Sample, Seconds, Solution, SolutionStatus, TerminationCondition
from cgcopt.solvers.judging.claims import known_of

__all__ = ["SolutionRecord"]


@dataclass(frozen=True)
class SolutionRecord:
    """What a solution holds beside its problem; see :class:`~cgcopt.solution.Solution`.

    Attributes
    ----------
    solver, form
        Who solved the problem, and at which form.
    termination, status
        Why the solver stopped, and what the solution holds.
    value : float
        Worth of the design on the problem itself (never on a drawn sample); NaN without a design.
    standard_error : float
        Of a simulated value; 0 otherwise.
    doubt : float
        How far the value may be off: half of a bracket, or some standard errors.
    complement : float
        ``1 - value`` of a probability, to full relative accuracy; NaN for other objectives.
    bound : float
        Bound that came with this solution; infinite without one.
    certificate : Certificate
        The proof behind ``bound``.
    residual : float
        Stationarity residual of a completion probability; NaN where there is none.
    sample : Sample, optional
        Result on the drawn scenarios, for solvers that need them.
    seconds : Seconds
        Build, solve and evaluation time.
    partition : tuple of float
        Block partition; empty without a design.
    message : str
        What the solver had to say.
    """

    solver: str
    form: Form
    termination: TerminationCondition = TerminationCondition.ERROR
    status: SolutionStatus = SolutionStatus.NONE
    value: float = math.nan
    standard_error: float = 0.0
    doubt: float = 0.0
    complement: float = math.nan
    bound: float = math.nan
    certificate: Certificate = Certificate.NONE
    residual: float = math.nan
    sample: Sample | None = None
    seconds: Seconds = field(default_factory=Seconds)
    partition: tuple[float, ...] = ()
    message: str = ""

    @property
    def known(self) -> Known:
        """What the solution says of its problem; a scheme outside the design space says nothing."""
        feasible = self.status in (SolutionStatus.OPTIMAL, SolutionStatus.FEASIBLE)
        value = self.value if feasible else math.nan
        whole = all(x == round(x) for x in self.partition)
        return Known(self.solver, self.form, value, self.doubt, whole, self.bound)

    @classmethod
    def of(cls, solution: Solution) -> SolutionRecord:
        """Return the record of a solution."""
        evaluation, partition = solution.evaluation, solution.partition
        return cls(
            solver=solution.solver,
            form=solution.form,
            termination=solution.termination,
            status=solution.status,
            value=solution.value,
            standard_error=0.0 if evaluation is None else evaluation.standard_error,
            doubt=known_of(solution).doubt,
            complement=math.nan if evaluation is None else _or_nan(evaluation.complement),
            bound=solution.bound,
            certificate=solution.certificate,
            residual=_or_nan(solution.residual),
            sample=solution.sample,
            seconds=solution.seconds,
            partition=() if partition is None else tuple(partition.tolist()),
            message=solution.message,
        )

    @property
    def copies(self) -> int:
        """Subsets of the data that a worker stores; 0 without a design."""
        return Design(np.array(self.partition)).copies if self.partition else 0

    @property
    def blocks(self) -> int:
        """Used levels of the design; 0 without one."""
        return Design(np.array(self.partition)).blocks if self.partition else 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SolutionRecord:
        """Read what :func:`dataclasses.asdict` made of a record, also by way of JSON.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is something else.

        Examples
        --------
        >>> from dataclasses import asdict
        >>> record = SolutionRecord("optimal", Form.RELAXED, bound=2.0, partition=(3.0, 1.0))
        >>> str(SolutionRecord.from_dict(asdict(record))) == str(record)
        True
        """
        sample = values["sample"]
        read = {
            "form": Form(values["form"]),
            "termination": TerminationCondition(values["termination"]),
            "status": SolutionStatus(values["status"]),
            "certificate": Certificate(values["certificate"]),
            "seconds": Seconds(**values["seconds"]),
            "partition": tuple(values["partition"]),
        }
        if sample is not None:
            certificate = Certificate(sample["certificate"])
            read["sample"] = Sample(**{**sample, "certificate": certificate})
        return cls(**{**values, **read})


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
