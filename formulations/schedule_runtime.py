"""Expected runtime of schedules on scenarios: order and work of every worker, as a MILP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.schedules.baselines import speed_of_light
from cgcopt.evaluation.schedules.rounds import finish_of, slowest_cells
from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.files import HIGHS_FILES, NL_FILE, Writers
from cgcopt.formulations.latex import program
from cgcopt.formulations.scenarios import scenarios_of
from cgcopt.formulations.scipy_program import LinearProgram
from cgcopt.objective import ExpectedRuntime
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule, cyclic_places

__all__ = ["LARGEST_SCHEDULE_MODEL", "ScheduleRuntime", "formulate_schedule"]

#: Most binaries ``K N C N`` of a model.
LARGEST_SCHEDULE_MODEL = 500_000


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
        For other objectives, and where starting or sending costs time.
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
class ScheduleRuntime(Formulation):
    r"""``min (1/K) sum_k theta_k`` over partition ``x``, work ``y`` and who may be late for what.

    Binaries ``z^k_{n,c,i}``: worker ``i`` may be late for cell ``c`` of block ``n`` in round ``k``,
    ``sum_i z^k_{n,c,i} <= n``; binaries ``v_n``: level ``n`` is used, ``x_n <= L v_n``; and

        theta_k >= u T^k_i (sum_{m<n} y_{i,m} + y_{i,n} p_{i,c} / C) - M (z^k_{n,c,i} + 1 - v_n)

    with ``M = u T^k_i L N``, or ``u T^k_i L (n+1)`` for equal work. No round ends before the speed of
    light, ``theta_k >= u N L / sum_i (1/T^k_i)``.

    Attributes
    ----------
    cells : int
        ``C``.
    equal : bool
        Whether all workers get equal work, ``y_{i,n} = (n+1) x_n``.
    """

    files: ClassVar[Writers] = {**HIGHS_FILES, **NL_FILE}

    cells: int = field(kw_only=True)
    equal: bool = field(kw_only=True)

    def __post_init__(self) -> None:
        system = self.problem.system
        if type(self.problem.objective) is not ExpectedRuntime:
            raise UnsupportedProblemError(
                f"no formulation of schedules for {self.problem.objective.kind}"
            )
        if system.costs:
            raise UnsupportedProblemError("no formulation of schedules with costs")
        binaries = self.rounds * system.workers**2 * self.cells
        if binaries > LARGEST_SCHEDULE_MODEL:
            raise InvalidInputError(
                "scenarios",
                self.rounds,
                f"few enough for {LARGEST_SCHEDULE_MODEL} binaries K N C N, here {binaries}",
            )

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x`` and ``v`` (N,), ``y`` (N, N), ``theta`` (K,), ``z`` (K, N, C, N)."""
        n = self.workers
        shape = (self.rounds, n, self.cells, n)
        return {"x": (n,), "v": (n,), "y": (n, n), "theta": (self.rounds,), "z": shape}

    @property
    def rounds(self) -> int:
        """``K``."""
        return int(self._times.shape[0])

    @property
    def _times(self) -> FloatArray:
        return scenarios_of(self.problem, example=10).times

    @cached_property
    def time_scale(self) -> float:
        """Mean of all worker times, seconds per cycle."""
        return float(self._times.mean())

    @cached_property
    def times(self) -> FloatArray:
        """``T^k_i`` in units of :attr:`time_scale`, shape ``(K, N)``."""
        return np.asarray(self._times / self.time_scale)

    @property
    def runtime_scale(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.problem.system.unit * self.time_scale * self.coordinate_scale

    @cached_property
    def share(self) -> FloatArray:
        """``p_{i,c} / C``, shape ``(N, C)``."""
        return np.asarray(cyclic_places(self.workers, self.cells) / self.cells)

    @cached_property
    def most(self) -> FloatArray:
        """``M``, shape ``(K, N, N)`` over round, level and worker."""
        n = np.arange(1.0, self.workers + 1)
        work = n if self.equal else np.full(self.workers, float(self.workers))
        return np.asarray(self.times[:, np.newaxis, :] * work[:, np.newaxis])

    @cached_property
    def least(self) -> FloatArray:
        """Speed of light of every round, in units of ``theta``, shape ``(K,)``."""
        light = speed_of_light(self.problem.system, self._times)
        return np.asarray(light / self.runtime_scale)

    def value(self, objective: float) -> float:
        """Convert ``sum_k theta_k`` to the average runtime in seconds."""
        return objective * self.runtime_scale / self.rounds

    # -- points ---------------------------------------------------------------------------------

    def point(self, design: Design | Schedule) -> dict[str, FloatArray]:
        """The best values of all variables for a schedule with these cells."""
        schedule = design
        if isinstance(schedule, Design):
            schedule = Schedule(schedule.partition, cells=self.cells)
        schedule.check(self.workers, self.problem.system.coordinates)
        if schedule.cells != self.cells:
            raise InvalidInputError("cells", schedule.cells, f"{self.cells}, as in the model")
        finish = finish_of(schedule, self.problem.system.unit)
        theta = slowest_cells(finish, self._times)[0]
        late = self._times[:, None, None, :] * finish.factors > theta[:, None, None, None]
        z = np.zeros(self.variables["z"])
        z[:, finish.levels] = late
        scale = self.coordinate_scale
        return {
            "x": schedule.partition / scale,
            "v": (schedule.partition > 0).astype(float),
            "y": schedule.work / scale,
            "theta": theta / self.runtime_scale,
            "z": z,
        }

    def partition(self, point: Point) -> FloatArray:
        """The partition of a point in coordinates, shape ``(N,)``, unchecked."""
        return np.asarray(point["x"], dtype=np.float64) * self.coordinate_scale

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

    # -- languages ------------------------------------------------------------------------------

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, C = self.rounds, self.workers, self.cells
        level = np.arange(1.0, N + 1)
        model = HighsModel()
        x = model.columns("x", (N,), upper=1.0)
        v = model.columns("v", (N,), upper=1.0, integer=True)
        y = model.columns("y", (N, N), upper=float(N))
        theta = model.columns("theta", (K,), lower=self.least, cost=1.0)
        z = model.columns("z", (K, N, C, N), upper=1.0, integer=True)
        model.rows("budget", (), [(1.0, x)], lower=1.0, upper=1.0)
        model.rows("used", (N,), [(1.0, v), (-1.0, x)], lower=0.0)
        model.rows("copies", (N,), [(1.0, y.T), (-N * level, x)], lower=0.0, upper=0.0)
        cap = level if self.equal else np.full(N, float(N))
        lower = 0.0 if self.equal else -np.inf
        model.rows("share", (N, N), [(1.0, y), (-cap, np.tile(x, (N, 1)))], lower=lower, upper=0.0)
        model.rows("late", (K, N, C), [(1.0, z)], upper=(level - 1.0)[:, None])
        # Rows over (round, level, cell, worker); the last axis sums over the blocks.
        part = self._work_coefficients()
        runtime = [
            (1.0, theta[:, None, None, None]),
            (-self.times[:, None, None, :, None] * part, y[None, None, None, :, :]),
            (self.most[:, :, None, :], z),
            (-self.most[:, :, None, :], v[None, :, None, None]),
        ]
        model.rows("runtime", z.shape, runtime, lower=-self.most[:, :, None, :])
        return model.build()

    def _work_coefficients(self) -> FloatArray:
        """How much of ``y_{i,m}`` worker ``i`` has done, shape ``(N, C, N, N)``: ``(n, c, i, m)``."""
        N, C = self.workers, self.cells
        n, m = np.arange(N)[:, None], np.arange(N)
        part = np.broadcast_to((m < n).astype(float)[:, None, None, :], (N, C, N, N)).copy()
        for block in range(N):
            part[block, :, :, block] = self.share.T
        return part

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint

        K, N, C = self.rounds, self.workers, self.cells
        sizes = [int(np.prod(shape)) for shape in self.variables.values()]
        first = np.concatenate(([0], np.cumsum(sizes)))
        X, V, Y, H, Z = (slice(a, b) for a, b in pairwise(first))

        def matrix(rows: int) -> Any:
            return sparse.lil_array((rows, int(first[-1])))

        budget, used, copies = matrix(1), matrix(N), matrix(N)
        budget[0, X] = 1.0
        share = matrix(N * N)
        for n in range(N):
            used[n, V.start + n], used[n, X.start + n] = 1.0, -1.0
            copies[n, X.start + n] = -float(N * (n + 1))
            for i in range(N):
                copies[n, Y.start + i * N + n] = 1.0
                share[i * N + n, Y.start + i * N + n] = 1.0
                share[i * N + n, X.start + n] = -float(n + 1 if self.equal else N)
        late, runtime = matrix(K * N * C), matrix(K * N * C * N)
        least = np.empty(K * N * C * N)
        for row, (k, n, c, i) in enumerate(np.ndindex(K, N, C, N)):
            late[row // N, Z.start + row] = 1.0
            runtime[row, H.start + k] = 1.0
            for m in range(n):
                runtime[row, Y.start + i * N + m] = -self.times[k, i]
            runtime[row, Y.start + i * N + n] = -self.times[k, i] * self.share[i, c]
            runtime[row, Z.start + row] = self.most[k, n, i]
            runtime[row, V.start + n] = -self.most[k, n, i]
            least[row] = -self.most[k, n, i]
        allowed = np.tile(np.repeat(np.arange(float(N)), C), K)
        zero = np.zeros(1)
        rows: dict[str, tuple[Any, Any, Any]] = {
            "budget": (budget, np.ones(1), np.ones(1)),
            "used": (used, zero, np.inf),
            "copies": (copies, zero, zero),
            "share": (share, zero if self.equal else -np.inf, zero),
            "late": (late, -np.inf, allowed),
            "runtime": (runtime, least, np.inf),
        }
        lower, upper = np.zeros(first[-1]), np.ones(first[-1])
        upper[Y], upper[H], lower[H] = N, np.inf, self.least
        cost, whole = np.zeros(first[-1]), np.zeros(first[-1])
        cost[H], whole[V], whole[Z] = 1.0, 1.0, 1.0
        return LinearProgram(
            c=cost,
            integrality=whole,
            bounds=Bounds(lower, upper),
            constraints={
                name: LinearConstraint(sparse.csr_array(table), below, above)
                for name, (table, below, above) in rows.items()
            },
        )

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        import cvxpy as cp

        K, N, C = self.rounds, self.workers, self.cells
        level = np.arange(1.0, N + 1)
        x = cp.Variable(N, name="x", nonneg=True)
        v = cp.Variable(N, name="v", boolean=True)
        y = cp.Variable((N, N), name="y", nonneg=True)
        theta = cp.Variable(K, name="theta")
        z = cp.Variable((K * N * C, N), name="z", boolean=True)
        wide = cp.multiply(np.ones((N, 1)), cp.reshape(x, (1, N), order="C"))
        rows = [
            (cp.sum(x) == 1).set_label("budget"),
            (x <= v).set_label("used"),
            (cp.sum(y, axis=0) == cp.multiply(N * level, x)).set_label("copies"),
            (theta >= self.least).set_label("light"),
        ]
        if self.equal:
            rows.append((y == wide @ np.diag(level)).set_label("share"))
        else:
            rows.append((y <= N * wide).set_label("share"))
        before = y @ np.triu(np.ones((N, N)), 1)
        for row, (k, n, c) in enumerate(np.ndindex(K, N, C)):
            done = before[:, n] + cp.multiply(self.share[:, c], y[:, n])
            relief = cp.multiply(self.most[k, n], z[row] + (1 - v[n]))
            late = cp.multiply(self.times[k], done) - relief
            rows.append((theta[k] >= late).set_label(f"runtime_{k}_{n}_{c}"))
            rows.append((cp.sum(z[row]) <= n).set_label(f"late_{k}_{n}_{c}"))
        return cp.Problem(cp.Minimize(cp.sum(theta)), rows)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        T, share, most, light = self.times, self.share, self.most, self.least
        count = self.workers
        m = pyo.ConcreteModel("expected runtime of schedules")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        m.N = pyo.RangeSet(0, count - 1, doc="levels")
        m.C = pyo.RangeSet(0, self.cells - 1, doc="cells of a block")
        m.I = pyo.RangeSet(0, count - 1, doc="workers")
        m.x = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="size of a block")
        m.v = pyo.Var(m.N, domain=pyo.Binary, doc="whether a level is used")
        m.y = pyo.Var(m.I, m.N, domain=pyo.NonNegativeReals, doc="work of a worker on a block")
        m.theta = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="runtime of every scenario")
        m.z = pyo.Var(m.K, m.N, m.C, m.I, domain=pyo.Binary, doc="who may be late")
        m.total = pyo.Objective(expr=pyo.quicksum(m.theta[k] for k in m.K), sense=pyo.minimize)

        @m.Constraint(doc="all coordinates")
        def budget(m: Any) -> Any:
            return pyo.quicksum(m.x[n] for n in m.N) == 1

        @m.Constraint(m.N, doc="coordinates only on used levels")
        def used(m: Any, n: int) -> Any:
            return m.x[n] <= m.v[n]

        @m.Constraint(m.N, doc="n + 1 copies of the data")
        def copies(m: Any, n: int) -> Any:
            return pyo.quicksum(m.y[i, n] for i in m.I) == count * (n + 1) * m.x[n]

        @m.Constraint(m.I, m.N, doc="equal work, or at most one copy of the data")
        def part(m: Any, i: int, n: int) -> Any:
            if self.equal:
                return m.y[i, n] == (n + 1) * m.x[n]
            return m.y[i, n] <= count * m.x[n]

        @m.Constraint(m.K, doc="the speed of light")
        def fastest(m: Any, k: int) -> Any:
            return m.theta[k] >= float(light[k])

        @m.Constraint(m.K, m.N, m.C, doc="a block of level n waits for N - n workers")
        def late(m: Any, k: int, n: int, c: int) -> Any:
            return pyo.quicksum(m.z[k, n, c, i] for i in m.I) <= n

        @m.Constraint(m.K, m.N, m.C, m.I, doc="who is waited for has finished the cell")
        def runtime(m: Any, k: int, n: int, c: int, i: int) -> Any:
            done = pyo.quicksum(m.y[i, q] for q in range(n)) + float(share[i, c]) * m.y[i, n]
            relief = float(most[k, n, i]) * (m.z[k, n, c, i] + 1 - m.v[n])
            return m.theta[k] >= float(T[k, i]) * done - relief

        return m

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        done = r"\textstyle\sum_{m<n} y_{i,m} + y_{i,n}\, p_{i,c} / C"
        most = r"L (n+1)" if self.equal else r"L N"
        work = (
            r"& y_{i,n} = (n+1)\, x_n && \forall i, n"
            if self.equal
            else r"& 0 \leq y_{i,n} \leq N x_n && \forall i, n"
        )
        return program(
            r"\min_{x, v, y, z, \theta} \quad & \frac{1}{K} \sum_{k} \theta_k",
            rf"& \theta_k \geq u\, T^k_i \left({done}\right) "
            rf"- u\, T^k_i\, {most} \left(z^k_{{n,c,i}} + 1 - v_n\right) && \forall k, n, c, i",
            r"& \textstyle\sum_i z^k_{n,c,i} \leq n && \forall k, n, c",
            r"& \textstyle\sum_i y_{i,n} = N (n+1)\, x_n && \forall n",
            work,
            r"& \textstyle\sum_n x_n = L, \quad 0 \leq x_n \leq L v_n && \forall n",
            r"& \theta_k \geq u N L / \textstyle\sum_i (1/T^k_i) && \forall k",
            r"& v \in \{0,1\}^N, \quad z \in \{0,1\}^{K \times N \times C \times N}",
        )
