"""Data common to the formulations on scenarios, in units in which coefficients are near 1."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import Design, budget_weights, partition_of_redundancies, work_of_partition
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.files import HIGHS_FILES, NL_FILE, Writers
from cgcopt.formulations.scipy_program import LinearProgram
from cgcopt.objective import ExpectedRuntime
from cgcopt.problem import Form
from cgcopt.workers.empirical import Scenarios

__all__ = ["LARGEST_COORDINATE_MODEL", "ScenarioFormulation"]

FloatArray = NDArray[np.float64]

#: Most entries ``K L N`` of a model in coordinate form.
LARGEST_COORDINATE_MODEL = 2_000_000


@dataclass(frozen=True, eq=False)
class ScenarioFormulation(Formulation):
    """A formulation on ``K`` equally likely rounds: a finite linear or mixed-integer program.

    Attributes
    ----------
    strong : bool
        Whether the model carries the stronger inequalities (same optimum, tighter relaxation).
    symmetry : bool
        At the coordinate form: whether redundancies are made to increase along the coordinates,
        which loses no optimum (arXiv 2206.02450, Theorem 1).
    """

    files: ClassVar[Writers] = {**HIGHS_FILES, **NL_FILE}

    strong: bool = field(default=True, kw_only=True)
    symmetry: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.problem.system.worker_times, Scenarios):
            raise InvalidInputError(
                "problem.system.worker_times",
                self.problem.system.worker_times.label,
                "Scenarios; problem.sampled(1000) draws them",
            )
        entries = self.rounds * self.workers * self.problem.system.coordinates
        if self.form is Form.COORDINATE and entries > LARGEST_COORDINATE_MODEL:
            raise InvalidInputError(
                "system.coordinates",
                self.problem.system.coordinates,
                f"at most {LARGEST_COORDINATE_MODEL // (self.rounds * self.workers)} for a model "
                "at the coordinate form; the block form has the same optimum",
            )

    @property
    def rounds(self) -> int:
        """``K``, the number of scenarios."""
        return self._scenarios.rounds

    @property
    def _scenarios(self) -> Scenarios:
        times = self.problem.system.worker_times
        assert isinstance(times, Scenarios)
        return times

    @cached_property
    def time_scale(self) -> float:
        """Mean of all worker times, seconds per cycle."""
        return float(self._scenarios.times.mean())

    @cached_property
    def times(self) -> FloatArray:
        """``T^k_(N-n)`` in units of :attr:`time_scale`: shape ``(K, N)``, falling along ``n``."""
        return np.ascontiguousarray(self._scenarios.sorted_times[:, ::-1] / self.time_scale)

    @cached_property
    def budget_weights(self) -> FloatArray:
        """``v`` with ``v . w = sum x``, shape ``(N,)``."""
        return budget_weights(self.workers)

    @property
    def redundancy(self) -> FloatArray:
        """Work ``n + 1`` that a coordinate of level ``n`` costs, shape ``(N,)``."""
        return np.arange(1.0, self.workers + 1)

    @property
    def most_work(self) -> FloatArray:
        """``N l``, the most that the cumulative work ``c_l`` can be, shape ``(L,)``."""
        return self.workers * np.arange(1.0, self.problem.system.coordinates + 1)

    @property
    def most_work_at_level(self) -> FloatArray:
        """The most that ``c_l`` can be when coordinate ``l`` has level ``n``, shape ``(L, N)``.

        ``l (n+1)`` where redundancies increase along the coordinates, else ``N (l-1) + n + 1``.
        """
        l = np.arange(1.0, self.problem.system.coordinates + 1)[:, None]
        before = self.redundancy if self.symmetry else self.workers
        return (l - 1) * before + self.redundancy

    @property
    def domain(self) -> str:
        """Where ``x`` lives, in LaTeX."""
        return r"\mathbb{Z}_{\geq 0}^N" if self.integer else r"\mathbb{R}_{\geq 0}^N"

    def coordinate_rows_latex(self) -> list[str]:
        """Rows on ``z`` and ``c`` of a coordinate form, in LaTeX."""
        order = [r"& \textstyle\sum_n n\, (z_{l,n} - z_{l-1,n}) \geq 0 && \forall l > 1"]
        return [
            r"& c_l = c_{l-1} + \textstyle\sum_n (n+1)\, z_{l,n} && \forall l",
            r"& \textstyle\sum_n z_{l,n} = 1 && \forall l",
            *(order if self.symmetry else []),
            r"& z \in \{0,1\}^{L \times N}",
        ]

    # -- points ---------------------------------------------------------------------------------

    def point(self, design: Design) -> dict[str, FloatArray]:
        """Return the best values of all variables for a design: a feasible point of the model."""
        if self.form is Form.COORDINATE:
            self._whole_partition(design)
            s = design.redundancies
            z = np.zeros((s.size, self.workers))
            z[np.arange(s.size), s] = 1.0
            return {"z": z, "c": np.cumsum(s + 1.0), **self._recourse(design)}
        if self.form is Form.BLOCK:
            x = self._whole_partition(design)
        else:
            x = design.check(self.workers, self.problem.system.coordinates).partition
        x = x / self.coordinate_scale
        return {"x": x, "w": work_of_partition(x), **self._recourse(design)}

    @abstractmethod
    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        """Return the best values of the variables of the scenarios."""

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked."""
        if self.form is Form.COORDINATE:
            return partition_of_redundancies(np.argmax(point["z"], axis=1), self.workers)
        x = np.asarray(point["x"], dtype=np.float64) * self.coordinate_scale
        if self.form is Form.BLOCK:
            whole = np.round(x)
            if np.abs(whole - x).max() <= 1e-4 and whole.sum() == self.problem.system.coordinates:
                return whole
        return x

    # -- languages ------------------------------------------------------------------------------

    @property
    def integer(self) -> bool:
        """Whether blocks come in whole numbers."""
        return self.form is not Form.RELAXED

    @property
    def linear(self) -> bool:
        """Whether the model is a linear program: it has no integer variables at all."""
        return isinstance(self.problem.objective, ExpectedRuntime) and not self.integer

    @abstractmethod
    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""

    @abstractmethod
    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""

    @abstractmethod
    def to_scipy(self) -> LinearProgram:
        """Return a :class:`~cgcopt.formulations.scipy_program.LinearProgram` for scipy."""
