"""Expected runtime of schedules on scenarios: order and work of every worker, as a MILP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.schedules.rounds import finish_of, slowest_cells
from cgcopt.formulations.base import Point
from cgcopt.formulations.files import HIGHS_FILES, NL_FILE, Writers
from cgcopt.formulations.latex import program
from cgcopt.formulations.schedules.coefficients import ScheduleNumbers
from cgcopt.formulations.schedules.modelled import cvxpy_problem, pyomo_model
from cgcopt.formulations.schedules.rows import highspy_model, scipy_program
from cgcopt.formulations.scipy_program import LinearProgram
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule

__all__ = ["ScheduleRuntime", "formulate_schedule"]


def formulate_schedule(
    problem: Problem,
    *,
    work: str = "full",
    rotated: bool = True,
    cells: int | None = None,
) -> ScheduleRuntime:
    """Write the choice of a schedule as a mixed-integer linear program.

    Parameters
    ----------
    problem : Problem
        Expected runtime on :class:`~cgcopt.Scenarios`, few of them: there are ``K N C N`` binaries.
    work : str
        ``"full"`` (every worker its own work on every block) or ``"equal"``.
    rotated : bool
        With ``False`` a block is one cell.
    cells : int, optional
        Cells of a block; ``N`` by default.

    Raises
    ------
    UnsupportedProblemError
        For other objectives.
    InvalidInputError
        If the worker times are no scenarios, or the model would be too large.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> formulation = formulate_schedule(cg.Problem(system, cg.ExpectedRuntime()), work="equal")
    >>> highs = formulation.to_highspy()
    >>> _ = highs.run()
    >>> round(formulation.value(highs.getObjectiveValue()), 9)
    13.5
    >>> formulation.schedule(highs).partition.round(6).tolist()
    [3.0, 3.0]
    """
    if work not in ("full", "equal"):
        raise InvalidInputError("work", work, "full or equal")
    count = problem.system.workers
    chosen = (cells or count) if rotated else 1
    return ScheduleRuntime(problem, Form.RELAXED, cells=chosen, equal=work == "equal")


@dataclass(frozen=True, eq=False)
class ScheduleRuntime(ScheduleNumbers):
    r"""``min (1/K) sum_k theta_k`` over partition ``x``, work ``y`` and who may be late for what.

    Binaries ``z^k_{n,c,i}``: worker ``i`` may be late for cell ``c`` of block ``n`` in round ``k``;
    binaries ``v_n``: level ``n`` is used, ``x_n <= L v_n``; and

        theta_k >= u T^k_i (sum_{m<n} y_{i,m} + y_{i,n} p_{i,c} / C) + d_{i,n,c} - M z^k_{n,c,i},
        sum_i z^k_{n,c,i} <= n + (N - n) (1 - v_n)

    where ``d`` is what starting costs and sending all results up to the cell, one message a cell.
    Rows and numbers that make it tight: who is late for a cell is late for all that come later in his
    order, in this block and the next ones (``chain``); no round ends before the speed of light,
    ``theta_k >= u N L / sum_i (1/T^k_i)``; with equal work the first ``N - n`` workers do
    ``(N - n)(n + 1) x_n`` on block ``n``, so ``theta_k sum_i 1/(u T^k_i) >= sum_n (N-n)(n+1) x_n``
    (``together``); and ``M`` is the most that the cell can take less the speed of light.

    Attributes
    ----------
    cells : int
        ``C``.
    equal : bool
        Whether all workers get equal work, ``y_{i,n} = (n+1) x_n``.
    """

    files: ClassVar[Writers] = {**HIGHS_FILES, **NL_FILE}

    def point(self, design: Design | Schedule) -> dict[str, FloatArray]:
        """The best values of all variables for a schedule with these cells."""
        schedule = Schedule.of(design, self.cells)
        schedule.check(self.workers, self.problem.system.coordinates)
        if schedule.cells != self.cells:
            raise InvalidInputError("cells", schedule.cells, f"{self.cells}, as in the model")
        system = self.problem.system
        finish = finish_of(schedule, system.unit, system.costs)
        theta = slowest_cells(finish, self._times)[0]
        ends = self._times[:, None, None, :] * finish.factors + finish.delays
        z = np.zeros(self.variables["z"])
        z[:, finish.levels] = ends > theta[:, None, None, None]
        # On a level that is not used, who was late before stays late.
        flat = z.reshape(self.rounds, -1)
        flat[:, self.steps] = np.maximum.accumulate(flat[:, self.steps], axis=-1)
        scale = self.coordinate_scale
        return {
            "x": schedule.partition,
            "v": (schedule.partition > 0).astype(float),
            "y": schedule.work / scale,
            "theta": theta / self.runtime_scale,
            "z": z,
        }

    def partition(self, point: Point) -> FloatArray:
        """The partition of a point in coordinates, shape ``(N,)``, unchecked."""
        return np.asarray(point["x"], dtype=np.float64)

    def answer(self, point: Point | ArrayLike | Any) -> Schedule:
        """Map a solver's point back to a schedule."""
        return self.schedule(point)

    def schedule(self, point: Point | Any) -> Schedule:
        """Map a solver's point back to a schedule; levels that are not used are emptied."""
        # A result of scipy is a mapping too.
        solved = not isinstance(point, Mapping) or isinstance(getattr(point, "x", None), np.ndarray)
        values = self.read(point) if solved else point
        system = self.problem.system
        x = np.where(values["v"] > 0.5, np.maximum(values["x"], 0.0), 0.0)
        x *= system.coordinates / x.sum()
        if self.equal:
            return Schedule(x, cells=self.cells)
        y = np.clip(
            np.where(x > 0, values["y"] * self.coordinate_scale, 0.0), 0.0, system.workers * x
        )
        due = system.workers * np.arange(1, system.workers + 1) * x
        total = y.sum(axis=0)
        y *= np.divide(due, total, out=np.ones_like(due), where=total > 0)
        return Schedule(x, np.minimum(y, system.workers * x), cells=self.cells)

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        return highspy_model(self)

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        return scipy_program(self)

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        return cvxpy_problem(self)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        return pyomo_model(self)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        done = r"\textstyle\sum_{m<n} y_{i,m} + y_{i,n}\, p_{i,c} / C"
        fluid = r"(N-n)(n+1)\, x_n" if self.equal else r"N x_n"
        work = (
            r"& y_{i,n} = (n+1)\, x_n && \forall i, n"
            if self.equal
            else r"& 0 \leq y_{i,n} \leq N x_n && \forall i, n"
        )
        return program(
            r"\min_{x, v, y, z, \theta} \quad & \frac{1}{K} \sum_{k} \theta_k",
            rf"& \theta_k \geq u\, T^k_i \left({done}\right) "
            r"+ d_{i,n,c} - M^k_{n,c,i}\, z^k_{n,c,i} && \forall k, n, c, i",
            r"& \textstyle\sum_i z^k_{n,c,i} \leq n + (N-n)(1 - v_n) && \forall k, n, c",
            r"& z^k_{n,c,i} \leq z^k_{n',c',i} && \forall k, i, (n',c') \text{ after } (n,c)",
            rf"& \theta_k \textstyle\sum_i 1/(u\, T^k_i) \geq \sum_n {fluid} && \forall k",
            r"& \textstyle\sum_i y_{i,n} = N (n+1)\, x_n && \forall n",
            work,
            r"& \textstyle\sum_n x_n = L, \quad 0 \leq x_n \leq L v_n && \forall n",
            r"& \theta_k \geq u N L / \textstyle\sum_i (1/T^k_i) && \forall k",
            r"& v \in \{0,1\}^N, \quad z \in \{0,1\}^{K \times N \times C \times N}",
        )
