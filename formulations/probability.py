"""Completion probability on scenarios: what the coordinate and the block form have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, largest_remainder, partition_of_work, work_of_partition
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.problem import Form

__all__ = ["ProbabilityFormulation", "moved_towards"]


#: A dual bound this much below a whole number of scenarios may be that number.
_SURPLUS = 1e-5
#: Share of the budget that a design in reach of a scenario may lack: rounding.
_SHORT = 1e-9
#: Share by which a ceiling of the work is raised, so that rounding cuts no design off.
_ROUNDING = 1e-12
#: Shares of the way to a design that has room, tried in turn.
_SHARES = 10.0 ** np.arange(-12, 0)


def moved_towards(
    x: FloatArray, inside: FloatArray, keeps: Callable[[FloatArray], bool]
) -> FloatArray:
    """Move a partition as little towards one with room as makes it keep what it has to.

    What a solver's tolerance has cost is made up for, and rows that a user has added still hold.
    """
    for share in _SHARES:
        nearer = np.maximum(x + share * (inside - x), 0.0)
        if keeps(nearer):
            return np.asarray(nearer)
    return inside


@dataclass(frozen=True, eq=False)
class ProbabilityFormulation(ScenarioFormulation):
    """Maximise the number of scenarios that are met, one binary ``y_k`` each.

    Attributes
    ----------
    at_least : int
        A number of scenarios that some design is known to meet, such as
        ``scenarios_met(quick_design())``.  Worse designs are then left out of the model, which
        makes it far easier to solve: work above the ``at_least``-th largest threshold of a level
        would fail too many scenarios (Luedtke, Ahmed, Nemhauser, Math. Program. 122, 2010, use
        the same of a chance constraint).
    """

    counts_rounds: ClassVar[bool] = True
    known_as: ClassVar[str] = "at_least"

    at_least: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.at_least <= self.rounds:
            allowed = f"a number of scenarios from 0 to {self.rounds}"
            raise InvalidInputError("at_least", self.at_least, allowed)

    @property
    def deadline(self) -> float:
        """Seconds."""
        (deadline,) = self.problem.objective.parameters
        return float(deadline)

    @cached_property
    def thresholds(self) -> FloatArray:
        """Most cumulative work ``t / (u T^k_(N-n))`` of a scenario that is met, shape ``(K, N)``.

        In coordinates, growing along ``n``.  At the discrete forms in whole numbers, since the
        work is one: no tolerance of a solver passes a scenario that the evaluation fails.
        """
        times = self._scenarios.sorted_times[:, ::-1]
        unit = self.problem.system.unit
        with np.errstate(over="ignore"):
            work = np.minimum(self.deadline / (unit * times), 2.0**53)
        if self.form is Form.RELAXED:
            return np.asarray(work)
        whole = np.floor(work)
        # The evaluation compares T (u w) with the deadline: decide the ties as it does.
        whole = np.where(times * (unit * (whole + 1)) <= self.deadline, whole + 1, whole)
        return np.where(times * (unit * whole) > self.deadline, whole - 1, whole)

    @cached_property
    def reachable(self) -> NDArray[np.bool_]:
        """Whether any relaxed design at all meets a scenario, shape ``(K,)``.

        Work may rise to every threshold of one scenario at once, since these grow along the levels:
        it is met by some design if and only if ``sum_n v_n b_{k,n} >= L``.
        """
        room = np.minimum(self.thresholds, self.ceilings)
        L = self.problem.system.coordinates
        return np.asarray(room @ self.budget_weights >= L * (1.0 - _SHORT))

    @cached_property
    def ceilings(self) -> FloatArray:
        """Most work of a level in a design that meets ``at_least`` scenarios: coordinates, (N,)."""
        if self.at_least == 0:
            return np.full(self.workers, np.inf)
        ordered = np.sort(self.thresholds, axis=0)
        return np.asarray(ordered[self.rounds - self.at_least] * (1.0 + _ROUNDING))

    def quick_design(self) -> Design | None:
        """Return a good design without solving anything; ``None`` where no work is enough.

        Every level takes the same quantile of its thresholds, the lowest that the budget allows:
        all levels fail equally many scenarios.  At the discrete forms it is rounded.
        """
        ordered = np.sort(self.thresholds, axis=0)
        total = ordered @ self.budget_weights
        L = self.problem.system.coordinates
        enough = int(np.searchsorted(total, L))
        if enough == self.rounds:
            return None
        x = np.maximum(partition_of_work(ordered[enough] * (L / total[enough])), 0.0)
        return Design(x if self.form is Form.RELAXED else largest_remainder(x, L))

    def design_within(self, room: FloatArray) -> FloatArray | None:
        """Return a partition whose work keeps to a room; ``None`` where none holds ``L``.

        Parameters
        ----------
        room : ndarray, shape (N,)
            Most work of every level, nondecreasing, in coordinates.

        Notes
        -----
        In whole numbers as many coordinates as fit are given to every level in turn.  That holds
        the most coordinates: moving one from a higher level to a lower one with room takes work
        from the levels above and breaks nothing between.
        """
        L = self.problem.system.coordinates
        if self.form is Form.RELAXED:
            full = float(room @ self.budget_weights)
            return partition_of_work(room * (L / full)) if full >= L else None
        x = np.zeros(self.workers)
        work = 0.0
        left = float(L)
        for n in range(self.workers):
            x[n] = min(max(np.floor((room[n] - work) / (n + 1)), 0.0), left)
            work += (n + 1) * x[n]
            left -= x[n]
        return x if left == 0.0 else None

    def moved_within(self, x: FloatArray, met: NDArray[np.bool_]) -> FloatArray:
        """Return a partition near this one, the nearer the better, that meets these scenarios."""
        within = self.design_within(self.thresholds[met].min(axis=0))
        if within is None:
            return x
        if self.form is not Form.RELAXED:
            return within
        return moved_towards(x, within, lambda y: bool(self._met(work_of_partition(y))[met].all()))

    def scenarios_met(self, design: Design) -> int:
        """Count the scenarios that a design meets."""
        return int(np.count_nonzero(self._met(design.work)))

    def reached(self, design: Design) -> float:
        """The scenarios that a design meets."""
        return self.scenarios_met(design)

    def leaves_out(self, design: Design) -> bool:
        """Whether a design meets fewer than ``at_least`` scenarios."""
        return self.scenarios_met(design) < self.at_least

    def value(self, objective: float) -> float:
        """Convert ``sum_k y_k`` to the share of scenarios met."""
        return objective / self.rounds

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound on ``sum_k y_k``, a whole number, to one on the share."""
        return min(math.floor(dual_bound + _SURPLUS) / self.rounds, 1.0)

    def _met(self, work: FloatArray) -> NDArray[np.bool_]:
        return np.asarray(round_runtimes(self.problem.system, work) <= self.deadline)

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        if self.leaves_out(design):
            allowed = f"a design that meets at least {self.at_least} scenarios"
            raise InvalidInputError("partition", design.partition.tolist(), allowed)
        return {"y": self._met(design.work).astype(np.float64)}
