"""Expected runtime on scenarios: what the coordinate and the block form have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, budget_weights, largest_remainder, partition_of_work
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.problem import Form

__all__ = ["RuntimeFormulation"]


@dataclass(frozen=True, eq=False)
class RuntimeFormulation(ScenarioFormulation):
    """Minimise the sum of the runtimes ``theta_k``, in units of :attr:`runtime_scale`."""

    @property
    def runtime_scale(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.problem.system.unit * self.time_scale * self.coordinate_scale

    def value(self, objective: float) -> float:
        """Convert ``sum_k theta_k`` to the average runtime in seconds."""
        return objective * self.runtime_scale / self.rounds

    def quick_design(self) -> Design:
        """Return a good design without solving anything: work inverse to the mean runtimes.

        The optimum where every round is like the mean one (arXiv 2206.02450, section V).
        """
        share = 1.0 / self.times.mean(axis=0)
        L = self.problem.system.coordinates
        x = partition_of_work(share * (L / float(share @ budget_weights(self.workers))))
        return Design(x if self.form is Form.RELAXED else largest_remainder(x, L))

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        return {"theta": round_runtimes(self.problem.system, design.work) / self.runtime_scale}

    def bound_of_duals(self, duals: FloatArray) -> float:
        r"""Turn multipliers of the runtime rows into a lower bound on every expected runtime.

        Nonnegative ``lambda_{k,n}`` with ``sum_n lambda_{k,n} = 1/K`` make ``g`` with
        ``g_i = (i+1) sum_{n>=i} sum_k lambda_{k,n} u T^k_(N-n)`` a convex combination of
        subgradients of the homogeneous expected runtime, hence ``E[tau] >= L min_i g_i`` for
        every design.  The multipliers are made to fit first, so the bound holds for any array.

        Parameters
        ----------
        duals : ndarray, shape (K, N)
            Multipliers as a solver reports them, of either sign convention.

        Returns
        -------
        float
            Seconds; NaN where the multipliers are all zero or not finite.
        """
        weight = np.abs(duals)
        total = weight.sum(axis=1, keepdims=True)
        if not np.isfinite(weight).all() or not total.any():
            return float("nan")
        weight = np.where(total > 0.0, weight, 1.0)
        weight /= weight.sum(axis=1, keepdims=True)
        per_level = (weight * self.times).sum(axis=0)
        gradient = partition_gradient(per_level)
        seconds = self.problem.system.unit * self.time_scale / self.rounds
        return float(gradient.min() * seconds * self.problem.system.coordinates)
