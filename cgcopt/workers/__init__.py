"""Models of how long a worker takes: parametric families, step distributions, traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt._packages import on_first_use

if TYPE_CHECKING:
    from cgcopt.workers.base import ContinuousTimes, DiscreteTimes, IndependentTimes, WorkerTimes
    from cgcopt.workers.empirical import Empirical
    from cgcopt.workers.families import (
        Exponential,
        Gamma,
        LogNormal,
        Pareto,
        ShiftedExponential,
        Weibull,
    )
    from cgcopt.workers.scenarios import Scenarios
    from cgcopt.workers.tables import family_names, worker_times_from_dict
    from cgcopt.workers.trace import Trace
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "cgcopt.workers.base": (
                "ContinuousTimes",
                "DiscreteTimes",
                "IndependentTimes",
                "WorkerTimes",
            ),
            "cgcopt.workers.empirical": ("Empirical",),
            "cgcopt.workers.families": (
                "Exponential",
                "Gamma",
                "LogNormal",
                "Pareto",
                "ShiftedExponential",
                "Weibull",
            ),
            "cgcopt.workers.scenarios": ("Scenarios",),
            "cgcopt.workers.tables": ("family_names", "worker_times_from_dict"),
            "cgcopt.workers.trace": ("Trace",),
        },
    )

__all__ = [
    "ContinuousTimes",
    "DiscreteTimes",
    "Empirical",
    "Exponential",
    "Gamma",
    "IndependentTimes",
    "LogNormal",
    "Pareto",
    "Scenarios",
    "ShiftedExponential",
    "Trace",
    "Weibull",
    "WorkerTimes",
    "family_names",
    "worker_times_from_dict",
]
