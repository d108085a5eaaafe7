"""Expected runtime of schedules on scenarios: order and work of every worker, as a MILP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
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
class ScheduleRuntime(Formulation):
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

    cells: int = field(kw_only=True)
    equal: bool = field(kw_only=True)

    def __post_init__(self) -> None:
        system = self.problem.system
        if type(self.problem.objective) is not ExpectedRuntime:
            raise UnsupportedProblemError(
                f"no formulation of schedules for {self.problem.objective.kind}"
            )
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
    def done(self) -> FloatArray:
        """Share of block ``m`` done with cell ``c`` of block ``n`` by worker ``i``: ``(n, c, i, m)``."""
        N, C = self.workers, self.cells
        done = np.zeros((N, C, N, N))
        for n in range(N):
            done[n, :, :, :n] = 1.0
            done[n, :, :, n] = self.share.T
        return done

    @cached_property
    def messages(self) -> FloatArray:
        """Messages of worker ``i`` for block ``m`` by cell ``c`` of block ``n``, ``(n, c, i, m)``."""
        return self.done * self.cells

    @cached_property
    def costs(self) -> tuple[float, float, float]:
        """Starting, sending all coordinates, and a message, in units of ``theta``."""
        costs, scale = self.problem.system.costs, self.runtime_scale
        whole = costs.per_coordinate * self.coordinate_scale
        return costs.startup / scale, whole / scale, costs.per_message / scale

    @cached_property
    def most(self) -> FloatArray:
        """``M``, shape ``(K, N, C, N)`` over round, level, cell and worker."""
        level = np.arange(1.0, self.workers + 1)
        largest = level if self.equal else np.full(self.workers, float(self.workers))
        work = (self.done * largest).max(axis=-1)
        startup, sending, message = self.costs
        delay = startup + sending + message * self.messages.sum(axis=-1)
        ends = self.times[:, None, None, :] * work + delay
        return np.asarray(np.maximum(ends - self.least[:, None, None, None], 0.0))

    @cached_property
    def steps(self) -> IntArray:
        """Places of ``z`` in the order of every worker, ``(N, N C)``: indices into ``(n, c, i)``."""
        N, C = self.workers, self.cells
        cell = np.argsort(self.share, axis=1)
        level, worker = np.arange(N)[None, :, None], np.arange(N)[:, None, None]
        return np.asarray(((level * C + cell[:, None, :]) * N + worker).reshape(N, N * C))

    @cached_property
    def together(self) -> FloatArray:
        """``(N - n)(n + 1)``, shape ``(N,)``; ``N`` where the work may differ."""
        level = np.arange(self.workers)
        equal = (self.workers - level) * (level + 1.0)
        return equal if self.equal else np.full(self.workers, float(self.workers))

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

        K, N, C, U = self.rounds, self.workers, self.cells, self.coordinate_scale
        level = np.arange(1.0, N + 1)
        model = HighsModel()
        x = model.columns("x", (N,), upper=U)
        v = model.columns("v", (N,), upper=1.0, integer=True)
        y = model.columns("y", (N, N), upper=float(N))
        theta = model.columns("theta", (K,), lower=self.least, cost=1.0)
        z = model.columns("z", (K, N, C, N), upper=1.0, integer=True)
        model.rows("budget", (), [(1 / U, x)], lower=1.0, upper=1.0)
        model.rows("used", (N,), [(1.0, v), (-1 / U, x)], lower=0.0)
        model.rows("copies", (N,), [(1.0, y.T), (-N / U * level, x)], lower=0.0, upper=0.0)
        cap = level if self.equal else np.full(N, float(N))
        lower = 0.0 if self.equal else -np.inf
        wide = np.tile(x, (N, 1))
        model.rows("share", (N, N), [(1.0, y), (-cap / U, wide)], lower=lower, upper=0.0)
        gain, allowed = self._late_limits()
        model.rows(
            "late", (K, N, C), [(1.0, z), (gain[:, None], v[:, None])], upper=allowed[:, None]
        )
        inside = z.reshape(K, -1)[:, self.steps]
        chain = [(1.0, inside[:, :, 1:]), (-1.0, inside[:, :, :-1])]
        model.rows("chain", (K, N, N * C - 1), chain, lower=0.0)
        speed = (1.0 / self.times).sum(axis=1)
        both = [(speed, theta), (-self.together / U, np.tile(x, (K, 1)))]
        model.rows("together", (K,), both, lower=0.0)
        # Rows over (round, level, cell, worker); the last axis sums over the blocks.
        startup, sending, message = self.costs
        runtime = [
            (1.0, theta[:, None, None, None]),
            (-self.times[:, None, None, :, None] * self.done, y[None, None, None, :, :]),
            (self.most, z),
        ]
        if sending:
            runtime.append((-sending / U * self.done[None], x[None, None, None, None]))
        if message:
            runtime.append((-message * self.messages[None], v[None, None, None, None]))
        model.rows("runtime", z.shape, runtime, lower=startup)
        return model.build()

    def _late_limits(self) -> tuple[FloatArray, FloatArray]:
        """Coefficient of ``v_n`` and right side of the rows ``late``; nobody is late for level 0."""
        level = np.arange(float(self.workers))
        used = np.where(level > 0, self.workers - level, 0.0)
        return used, np.where(level > 0, float(self.workers), 0.0)

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint

        K, N, C, U = self.rounds, self.workers, self.cells, self.coordinate_scale
        sizes = [int(np.prod(shape)) for shape in self.variables.values()]
        first = np.concatenate(([0], np.cumsum(sizes)))
        X, V, Y, H, Z = (slice(a, b) for a, b in pairwise(first))
        startup, sending, message = self.costs
        gain, allowed = self._late_limits()

        def matrix(rows: int) -> Any:
            return sparse.lil_array((rows, int(first[-1])))

        budget, used, copies, share = matrix(1), matrix(N), matrix(N), matrix(N * N)
        budget[0, X] = 1.0 / U
        for n in range(N):
            used[n, V.start + n], used[n, X.start + n] = 1.0, -1.0 / U
            copies[n, X.start + n] = -float(N * (n + 1)) / U
            for i in range(N):
                copies[n, Y.start + i * N + n] = 1.0
                share[i * N + n, Y.start + i * N + n] = 1.0
                share[i * N + n, X.start + n] = -float(n + 1 if self.equal else N) / U
        late, runtime, together = matrix(K * N * C), matrix(K * N * C * N), matrix(K)
        for row, (k, n, c, i) in enumerate(np.ndindex(K, N, C, N)):
            late[row // N, Z.start + row] = 1.0
            late[row // N, V.start + n] = gain[n]
            runtime[row, H.start + k] = 1.0
            runtime[row, Z.start + row] = self.most[k, n, c, i]
            for m in range(n + 1):
                part = 1.0 if m < n else self.share[i, c]
                runtime[row, Y.start + i * N + m] = -self.times[k, i] * part
                runtime[row, X.start + m] = -sending / U * part
                runtime[row, V.start + m] = -message * C * part
        for k in range(K):
            together[k, H.start + k] = (1.0 / self.times[k]).sum()
            together[k, X] = -self.together / U
        chain = matrix(K * N * (N * C - 1))
        pairs = self.steps[:, :-1].ravel(), self.steps[:, 1:].ravel()
        for row, (k, earlier, later) in enumerate(
            (k, *pair) for k in range(K) for pair in zip(*pairs, strict=True)
        ):
            chain[row, Z.start + k * N * C * N + later] = 1.0
            chain[row, Z.start + k * N * C * N + earlier] = -1.0
        zero = np.zeros(1)
        rows: dict[str, tuple[Any, Any, Any]] = {
            "budget": (budget, np.ones(1), np.ones(1)),
            "used": (used, zero, np.inf),
            "copies": (copies, zero, zero),
            "share": (share, zero if self.equal else -np.inf, zero),
            "late": (late, -np.inf, np.tile(np.repeat(allowed, C), K)),
            "chain": (chain, zero, np.inf),
            "together": (together, zero, np.inf),
            "runtime": (runtime, startup, np.inf),
        }
        lower, upper = np.zeros(first[-1]), np.ones(first[-1])
        upper[X], upper[Y], upper[H], lower[H] = U, N, np.inf, self.least
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

        K, N, C, U = self.rounds, self.workers, self.cells, self.coordinate_scale
        level = np.arange(1.0, N + 1)
        x = cp.Variable(N, name="x", nonneg=True)
        v = cp.Variable(N, name="v", boolean=True)
        y = cp.Variable((N, N), name="y", nonneg=True)
        theta = cp.Variable(K, name="theta")
        z = cp.Variable((K * N * C, N), name="z", boolean=True)
        part = x / U
        wide = cp.multiply(np.ones((N, 1)), cp.reshape(part, (1, N), order="C"))
        rows = [
            (cp.sum(part) == 1).set_label("budget"),
            (part <= v).set_label("used"),
            (cp.sum(y, axis=0) == cp.multiply(N * level, part)).set_label("copies"),
            (theta >= self.least).set_label("light"),
            (cp.multiply((1 / self.times).sum(axis=1), theta) >= self.together @ part).set_label(
                "together"
            ),
            (y == wide @ np.diag(level) if self.equal else y <= N * wide).set_label("share"),
        ]
        startup, sending, message = self.costs
        before, sent = y @ np.triu(np.ones((N, N)), 1), np.tril(np.ones((N, N)), -1) @ part
        blocks = np.tril(np.ones((N, N)), -1) @ v
        for row, (k, n, c) in enumerate(np.ndindex(K, N, C)):
            share = self.share[:, c]
            delay = startup + sending * (sent[n] + share * part[n])
            delay += message * C * (blocks[n] + share * v[n])
            done = cp.multiply(self.times[k], before[:, n] + cp.multiply(share, y[:, n]))
            late = done + delay - cp.multiply(self.most[k, n, c], z[row])
            rows.append((theta[k] >= late).set_label(f"runtime_{k}_{n}_{c}"))
            few = cp.sum(z[row]) <= (n + (N - n) * (1 - v[n]) if n else 0)
            rows.append(few.set_label(f"late_{k}_{n}_{c}"))
        for k in range(K):
            flat = cp.reshape(z[k * N * C : (k + 1) * N * C], (N * C * N,), order="C")
            for i in range(N):
                order = flat[self.steps[i]]
                rows.append((order[1:] >= order[:-1]).set_label(f"chain_{k}_{i}"))
        return cp.Problem(cp.Minimize(cp.sum(theta)), rows)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        T, share, most, light = self.times, self.share, self.most, self.least
        count, C, U = self.workers, self.cells, self.coordinate_scale
        startup, sending, message = self.costs
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
            return pyo.quicksum(m.x[n] for n in m.N) / U == 1

        @m.Constraint(m.N, doc="coordinates only on used levels")
        def used(m: Any, n: int) -> Any:
            return m.x[n] / U <= m.v[n]

        @m.Constraint(m.N, doc="n + 1 copies of the data")
        def copies(m: Any, n: int) -> Any:
            return pyo.quicksum(m.y[i, n] for i in m.I) == count * (n + 1) / U * m.x[n]

        @m.Constraint(m.I, m.N, doc="equal work, or at most one copy of the data")
        def part(m: Any, i: int, n: int) -> Any:
            if self.equal:
                return m.y[i, n] == (n + 1) / U * m.x[n]
            return m.y[i, n] <= count / U * m.x[n]

        @m.Constraint(m.K, doc="the speed of light")
        def fastest(m: Any, k: int) -> Any:
            return m.theta[k] >= float(light[k])

        @m.Constraint(m.K, m.N, m.C, doc="a block of level n waits for N - n workers")
        def late(m: Any, k: int, n: int, c: int) -> Any:
            late = pyo.quicksum(m.z[k, n, c, i] for i in m.I)
            return late <= (n + (count - n) * (1 - m.v[n]) if n else 0)

        @m.Constraint(
            m.K, m.I, pyo.RangeSet(1, count * C - 1), doc="late once is late from then on"
        )
        def chain(m: Any, k: int, i: int, step: int) -> Any:
            earlier, later = (
                tuple(int(at) for at in np.unravel_index(self.steps[i, at], (count, C, count)))
                for at in (step - 1, step)
            )
            return m.z[k, *later] >= m.z[k, *earlier]

        @m.Constraint(m.K, doc="what the workers do together")
        def together(m: Any, k: int) -> Any:
            done = pyo.quicksum(float(self.together[n]) / U * m.x[n] for n in m.N)
            return float((1 / T[k]).sum()) * m.theta[k] >= done

        @m.Constraint(m.K, m.N, m.C, m.I, doc="who is waited for has finished the cell")
        def runtime(m: Any, k: int, n: int, c: int, i: int) -> Any:
            parts = [(q, 1.0 if q < n else float(share[i, c])) for q in range(n + 1)]
            done = pyo.quicksum(part * m.y[i, q] for q, part in parts)
            delay = startup + pyo.quicksum(
                part * (sending / U * m.x[q] + message * C * m.v[q]) for q, part in parts
            )
            relief = float(most[k, n, c, i]) * m.z[k, n, c, i]
            return m.theta[k] >= float(T[k, i]) * done + delay - relief

        return m

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
