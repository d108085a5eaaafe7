"""Solutions in plain values, read back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cgcopt.design import Design
from cgcopt.ending import Sample, Seconds, SolutionStatus, TerminationCondition
from cgcopt.evaluation.result import Certificate, Evaluation, Method, Probability
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.problem import Form
from cgcopt.schedule import Schedule

__all__ = ["solution_fields"]


def solution_fields(table: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what :meth:`~cgcopt.solution.Solution.to_dict` wrote into the arguments of a solution."""
    told, sample = table.get("assignment", table.get("run")), table.get("sample")
    partition, bound, residual = table["partition"], table["bound"], table.get("residual")
    kinds: dict[str, Callable[..., Assignment]] = {"cyclic": Cyclic, "dynamic": Dynamic}
    assignment: Assignment | None = None
    if told is not None:
        own, kind = {key: told[key] for key in told if key != "kind"}, told["kind"]
        assignment = Schedule.from_dict(own) if kind == "schedule" else kinds[kind](**own)
    return {
        "solver": table["solver"],
        "form": Form(table["form"]),
        "termination": TerminationCondition(table["termination"]),
        "status": SolutionStatus(table["status"]),
        "design": None if assignment is not None or partition is None else Design(partition),
        "work": None if "work" not in table else np.array(table["work"]),
        "assignment": assignment,
        "evaluation": _evaluation(table),
        "bound": math.nan if bound is None else bound,
        "certificate": Certificate(table["certificate"]),
        "residual": residual,
        "sample": None if sample is None else Sample.from_dict(sample),
        "seconds": Seconds(**table["seconds"]),
        "message": table.get("message", ""),
    }


def _evaluation(table: Mapping[str, Any]) -> Evaluation | None:
    """The evaluation in the keys of a solution, without its gradient."""
    if "method" not in table:
        return None
    value = math.inf if table["value"] is None else float(table["value"])
    ends = (math.inf if end is None else float(end) for end in table["bracket"])
    known = (value, Method(table["method"]), *ends, table["standard_error"])
    if "complement" not in table:
        return Evaluation(*known)
    log_value = table.get("log_value")
    return Probability(
        *known,
        complement=table["complement"],
        log_value=-math.inf if log_value is None else log_value,
    )
