"""The mixed-integer master problem of outer approximation, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.formulations.highs_model import highs_lp
from cgcopt.options import Options
from cgcopt.solvers.convex.incumbent import Clock

__all__ = ["MASTER_ACCURACY", "MasterSolution", "solve_master"]


@dataclass(frozen=True)
class MasterTuning:
    """Numbers of :func:`solve_master`. No measurement of them is on record."""

    tolerance: float = 1e-9
    """Feasibility tolerance of HiGHS, relative to the value."""
    accuracy: float = 5e-9
    """What is taken off a bound, relative to the value: five times the tolerance."""
    gap_share: float = 0.25
    """Share of the wanted gap to which the master problem is solved."""
    least_time: float = 1e-3
    """Seconds that HiGHS is given at the least."""


_DEFAULT = MasterTuning()
#: What is taken off a bound of the master problem, relatively.
MASTER_ACCURACY = _DEFAULT.accuracy


@dataclass(frozen=True, eq=False)
class MasterSolution:
    """A partition in whole numbers that no cut excludes, if there is one, and the bound.

    Attributes
    ----------
    partition : ndarray or None
        ``None`` where no partition lies below the value to beat, or none was found in time.
    bound : float
        No partition in whole numbers has a smaller maximum over the cuts than this, up to the value
        to beat.
    """

    partition: FloatArray | None
    bound: float


def solve_master(
    subgradients: FloatArray,
    coordinates: int,
    value: float,
    options: Options,
    clock: Clock,
    tuning: MasterTuning = _DEFAULT,
) -> MasterSolution:
    """Minimise ``max_j g^j . x`` over whole ``x >= 0`` with sum ``L``, looking below ``value`` only.

    Parameters
    ----------
    subgradients : ndarray, shape (m, N)
        Cuts ``f(x) >= g^j . x``.
    coordinates : int
        ``L``.
    value : float
        The value to beat.
    options : Options
        ``gap`` and ``threads`` count.
    clock : Clock
        Its end is the time limit.
    tuning : MasterTuning

    Examples
    --------
    >>> subgradients = np.array([[1.0, 3.0], [3.0, 1.0]])
    >>> found = solve_master(subgradients, 3, 8.0, Options(), Clock.started(None))
    >>> sorted(found.partition.tolist()), round(found.bound, 6)
    ([1.0, 2.0], 7.0)
    """
    import highspy

    highs = _highs(options, clock, tuning)
    highs.passModel(_model(subgradients, coordinates, value))
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return MasterSolution(None, value * (1.0 - tuning.accuracy))
    bound = -np.inf
    if np.isfinite(info.mip_dual_bound):
        bound = value * (min(float(info.mip_dual_bound), 1.0) - tuning.accuracy)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return MasterSolution(None, bound)
    x = np.round(np.array(highs.getSolution().col_value[:-1]))
    return MasterSolution(x if x.sum() == coordinates else None, bound)


def _model(subgradients: FloatArray, coordinates: int, value: float) -> Any:
    """Columns ``x`` and ``theta``, the latter in units of the value; rows: the cuts, the sum."""
    count, levels = subgradients.shape
    whole = np.append(np.ones(levels, dtype=bool), False)
    total = np.append(np.ones(levels), 0.0)
    return highs_lp(
        np.vstack((np.hstack((-subgradients / value, np.ones((count, 1)))), total)),
        np.append(np.zeros(levels), 1.0),
        (0.0, np.append(np.full(levels, float(coordinates)), 1.0)),
        (
            np.append(np.zeros(count), float(coordinates)),
            np.append(np.full(count, np.inf), float(coordinates)),
        ),
        integer=whole,
    )


def _highs(options: Options, clock: Clock, tuning: MasterTuning) -> Any:
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("primal_feasibility_tolerance", tuning.tolerance)
    highs.setOptionValue("dual_feasibility_tolerance", tuning.tolerance)
    highs.setOptionValue("mip_feasibility_tolerance", tuning.tolerance)
    highs.setOptionValue("mip_rel_gap", tuning.gap_share * options.gap)
    highs.setOptionValue("mip_abs_gap", tuning.gap_share * options.gap)
    if options.threads is not None:
        highs.setOptionValue("threads", options.threads)
    if np.isfinite(clock.left):
        highs.setOptionValue("time_limit", max(clock.left, tuning.least_time))
    return highs
