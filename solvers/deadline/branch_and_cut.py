"""One run of HiGHS within the clock of a method that goes on afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.options import Options
from cgcopt.process import stopping
from cgcopt.process.clock import Clock
from cgcopt.process.highs import use_threads

__all__ = ["Ended", "branch_and_cut"]

#: Seconds that HiGHS is given at the least.
_LEAST_TIME = 1e-3


@dataclass(frozen=True, eq=False)
class Ended:
    """How a run ended.

    Attributes
    ----------
    values : ndarray, optional
        Values of the columns of the best point; ``None`` where there is none.
    bound : float
        What no point of the program beats; infinite where the program has no point.
    proven : bool
        Whether the point is proven the best, or that there is none.
    nodes : int
    """

    values: FloatArray | None
    bound: float
    proven: bool
    nodes: int


def branch_and_cut(
    model: Any, options: Options, clock: Clock, *, gap: float, absolute: float, least: bool = True
) -> Ended:
    """Run HiGHS on a model.

    Parameters
    ----------
    model : highspy.Highs
    options : Options
        ``threads`` counts.
    clock : Clock
        Its end is the time limit.
    gap, absolute : float
        Relative and absolute difference of value and bound at which to stop.
    least : bool
        Whether the model minimises.
    """
    import highspy

    none = math.inf if least else -math.inf
    model.setOptionValue("mip_rel_gap", gap)
    model.setOptionValue("mip_abs_gap", absolute)
    model.setOptionValue("random_seed", options.seed % 2**31)
    use_threads(model, options.threads)
    if math.isfinite(clock.end):
        model.setOptionValue("time_limit", max(clock.left, _LEAST_TIME))
    if stopping.wanted():
        _stop_on_request(model)
    model.run()
    status, info = model.getModelStatus(), model.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Ended(None, none, True, max(info.mip_node_count, 0))
    bound = float(info.mip_dual_bound)
    solved = status == highspy.HighsModelStatus.kOptimal
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(model.getSolution().col_value) if feasible else None
    return Ended(
        values, bound if math.isfinite(bound) else -none, solved, max(info.mip_node_count, 0)
    )


def _stop_on_request(model: Any) -> None:
    def ask(event: Any) -> None:
        if stopping.requested():
            event.interrupt()

    for event in model.cbMipInterrupt, model.cbSimplexInterrupt, model.cbIpmInterrupt:
        event.subscribe(ask)
