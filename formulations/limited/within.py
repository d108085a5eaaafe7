"""Limits and costs of a problem on scenarios, as the numbers that its models are written with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.prices import Prices
from cgcopt.formulations.base import Point
from cgcopt.formulations.models.duals import read_duals
from cgcopt.formulations.models.parameters import HighsRows
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.problem import Problem

__all__ = ["PARAMETERS", "Within"]

#: What the parameters of a model are, by name.
PARAMETERS: Mapping[str, str] = {
    "L": "coordinates",
    "largest": "most coordinates of every level",
    "per_coordinate": "seconds to send a coordinate, scaled",
    "per_message": "seconds that a message takes besides, scaled",
    "least_block": "what a used level carries at least, scaled",
    "most_blocks": "used levels at most",
    "boundaries": "where a block may end, scaled",
    "room": "what the start-up leaves of the deadline, scaled",
    "lift": "by how much a design misses a scenario at most, scaled",
}

#: Share of the coordinates within which an end of a block lies at a boundary: rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Within(RuntimeFormulation):
    """The data of a problem with limits or costs, in the units of its models.

    Attributes
    ----------
    levels_counted : bool
        Whether the models have variables that count the used levels in any case, as those have
        that were written for a problem which needs them.
    """

    within: ClassVar[bool] = True
    documented: ClassVar[Mapping[str, str]] = PARAMETERS
    """What the parameters of a model are, by name."""
    changeable: ClassVar[tuple[str, ...]] = ("coordinates", "costs", "limits")
    forgets: ClassVar[Mapping[str, Any]] = {}
    """Fields of what was known of a problem, as those of a changed one."""
    levels_counted: bool = field(default=False, kw_only=True)

    @property
    def of_rounds(self) -> Mapping[str, tuple[int, ...]]:
        """Name and shape of the variables of the scenarios."""
        return {"theta": (self.rounds,)}

    @property
    def cost(self) -> Mapping[str, float]:
        """Coefficient of the objective for the entries of every variable that has one."""
        return {"theta": 1.0}

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x``, ``omega``, ``delay``, ``theta``, and ``z`` and ``end`` where they are needed."""
        n = self.workers
        shapes: dict[str, tuple[int, ...]] = {"x": (n,), "omega": (n,), "delay": (n,)}
        shapes |= self.of_rounds
        if self.counted:
            shapes["z"] = (n,)
        if self.ends is not None:
            shapes["end"] = (n, self.ends.size)
        return shapes

    @property
    def counted(self) -> bool:
        """Whether it matters how many levels are used."""
        limits, costs = self.problem.limits, self.problem.system.costs
        if self.levels_counted:
            return True
        return limits.blocks is not None or limits.least is not None or costs.per_message > 0

    @property
    def linear(self) -> bool:
        """Whether the model has no integer variables at all."""
        return not (self.integer or self.counted or self.ends is not None)

    @cached_property
    def allowed(self) -> FloatArray:
        """1 for every level that may be used, else 0, shape ``(N,)``."""
        mask = np.zeros(self.workers)
        mask[self.problem.limits.allowed_levels(self.workers)] = 1.0
        return mask

    @cached_property
    def ends(self) -> FloatArray | None:
        """Boundaries, 0 included, in units of :attr:`coordinate_scale`."""
        boundaries = self.problem.limits.boundaries
        if boundaries is None:
            return None
        return np.concatenate(([0.0], boundaries)) / self.coordinate_scale

    @property
    def least(self) -> float:
        """What a used level carries at least, in units of :attr:`coordinate_scale`."""
        total = self.problem.system.coordinates
        return self.problem.limits.least_block(total, whole=self.integer) / self.coordinate_scale

    @property
    def most(self) -> int:
        """Used levels at most."""
        return self.problem.limits.most_blocks(self.workers)

    @property
    def per_unit(self) -> float:
        """What sending a unit of coordinates costs, in units of :attr:`runtime_scale`."""
        costs = self.problem.system.costs
        return costs.per_coordinate * self.coordinate_scale / self.runtime_scale

    @property
    def per_message(self) -> float:
        """What a message costs, in units of :attr:`runtime_scale`."""
        return self.problem.system.costs.per_message / self.runtime_scale

    def value(self, objective: float) -> float:
        """Convert the objective of the model to seconds, the start-up included."""
        return super().value(objective) + self.problem.system.costs.startup

    def quick_design(self) -> Design:
        """Return a design without solving anything: all coordinates on the best allowed level."""
        levels = self.problem.limits.allowed_levels(self.workers)
        slowest = self.times.mean(axis=0)[levels] * (levels + 1.0)
        x = np.zeros(self.workers)
        x[levels[int(slowest.argmin())]] = self.problem.system.coordinates
        return Design(x)

    def gradient_of(self, weights: FloatArray) -> FloatArray:
        """The subgradient, what a coordinate costs to send included; messages only add to it."""
        later = np.cumsum(weights.sum(axis=0)[::-1])[::-1]
        return super().gradient_of(weights) + self.per_unit * later

    @property
    def open_levels(self) -> BoolArray:
        """Levels that the limits leave, shape ``(N,)``."""
        return np.asarray(self.allowed > 0.0)

    def leave_out_blocks(self, model: Any) -> Any:
        """Return the model as it is: limits speak of the blocks."""
        return model

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        found = super()._recourse(design)
        startup = self.problem.system.costs.startup / self.runtime_scale
        used = (design.partition > 0).astype(np.float64)
        counts = np.cumsum(design.partition) / self.coordinate_scale
        point = {
            "delay": self.per_unit * counts + self.per_message * np.cumsum(used),
            "theta": found["theta"] - startup,
        }
        if self.counted:
            point["z"] = used
        if self.ends is not None:
            point["end"] = (np.abs(counts[:, None] - self.ends) < _ROUNDING * self.ends[-1]).astype(
                float
            )
        return point

    def partition(self, point: Point) -> FloatArray:
        """Return the partition of a point; with boundaries, the one that ``end`` says.

        A level that ``z`` says is not used is empty, since a trace of it would cost a message.
        """
        if self.ends is None or "end" not in point:
            x = super().partition(point)
            return np.where(np.asarray(point["z"]) > 0.5, x, 0.0) if "z" in point else x
        end = np.asarray(point["end"], dtype=np.float64).reshape(self.workers, -1)
        counts = self.ends[end.argmax(axis=1)] * self.coordinate_scale
        return np.asarray(np.maximum(np.diff(counts, prepend=0.0), 0.0))

    @property
    def budget_units(self) -> float:
        """``L`` in units of :attr:`coordinate_scale`."""
        return self.problem.system.coordinates / self.coordinate_scale

    # -- parameters -----------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters by name, see :data:`PARAMETERS`; those of the model alone."""
        L = float(self.problem.system.coordinates)
        values: dict[str, Any] = {
            "L": L,
            "largest": L * self.allowed,
            "per_coordinate": self.per_unit,
        }
        if self.counted:
            values |= {
                "per_message": self.per_message,
                "least_block": self.least,
                "most_blocks": float(self.most),
            }
        if self.ends is not None:
            values["boundaries"] = self.ends
        return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the budget, limits and costs of a model, and the deadline of a probability."""
        kind: dict[str, Any] = {"levels_counted": self.counted, **self.forgets}
        shapes = {name: value.shape for name, value in self.parameters.items()}
        new = replace(self, problem=problem, unit=self.coordinate_scale, **kind)
        changed = {name: value.shape for name, value in new.parameters.items()}
        if changed != shapes:
            given = " ".join((problem.limits.label, problem.system.costs.label)).strip()
            raise InvalidInputError(
                "limits and costs",
                given or "none",
                "those that the model has variables for, as many boundaries included; write another",
            )
        return self.updated(model, problem, **kind)

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS."""
        N, total, free = self.workers, self.budget_units, rows.model.inf
        rows.sides("budget", (), total, total)
        rows.bounds("x", (N,), 0.0, self.parameters["largest"])
        for n in range(N):
            rows.entry(("sending", n), ("x", n), -self.per_unit / self.coordinate_scale)
        if self.counted:
            rows.sides("blocks", (), -free, float(self.most))
            for n in range(N):
                rows.entry(("sending", n), ("z", n), -self.per_message)
                rows.entry(("used", n), ("z", n), -total)
                rows.entry(("least", n), ("z", n), -self.least)
        if self.ends is not None:
            for n, p in np.ndindex(N, self.ends.size):
                rows.entry(("boundary", n), ("end", n, p), -float(self.ends[p]))

    def prices(self, model: Any) -> Prices:
        r"""Return the price of the budget and the reduced costs, from the multipliers of the rows.

        With ``m_{k,n}`` those of the rows ``runtime``, ``dE/dx_i = sum_{n>=i} sum_k m_{k,n} ((i+1) u
        T^k_(N-n) + beta)``; ``lambda`` is its mean over the coordinates of the design.  A level that
        the limits close has a negative reduced cost where it would save time.
        """
        if not self.linear:
            return super().prices(model)
        x = self.design(model).partition
        duals = read_duals(model, {"runtime": (self.rounds, self.workers)})["runtime"]
        gradient = self.gradient_of(duals) * (self.objective_scale / self.coordinate_scale)
        return Prices(float(gradient @ x) / float(x.sum()), gradient, x)
