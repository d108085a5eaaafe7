"""Completion probability on scenarios in the blocks: a MILP with mixing inequalities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import Design, partition_of_work, work_of_partition
from cgcopt.formulations.base import Point
from cgcopt.formulations.latex import program
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.scipy_program import LinearProgram, block_row
from cgcopt.problem import Form

__all__ = ["ProbabilityPartition"]

FloatArray = NDArray[np.float64]

_PYOMO_DOC = "Completion probability on scenarios, {form} form."


class ProbabilityPartition(ProbabilityFormulation):
    r"""``max (1/K) sum_k y_k``, ``w_n <= b_{k,n}`` for every level of a scenario that is met.

    Variables ``x`` (blocks), ``w`` (cumulative work) and binaries ``y``; ``b_{k,n}`` are the
    :attr:`thresholds`, ``W_n`` the most work that level ``n`` can hold, ``(n+1) L`` or a lower ceiling.

    - plain: ``w_n <= W_n - (W_n - b_{k,n}) y_k``, the tightest constant for every scenario;
    - strong: the thresholds of a level form a mixing set.  ``d_{k,n}`` in ``[0, 1]`` says that
      ``w_n`` keeps to the threshold of scenario ``k``; with the scenarios of a level in order of
      their thresholds, ``w_n <= W_n - sum_j (b_{j+1,n} - b_{j,n}) d_{j,n}``, ``d_{j,n} <=
      d_{j+1,n}`` and ``y_k <= d_{k,n}``.  This is as strong as all star (mixing) inequalities
      together (Luedtke, Ahmed, Nemhauser, Math. Program. 122, 2010, section 4).
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x`` and ``w`` of shape ``(N,)``, ``y`` of ``(K,)``; if strong, ``d`` of ``(K, N)``."""
        K, N = self.rounds, self.workers
        shapes: dict[str, tuple[int, ...]] = {"x": (N,), "w": (N,), "y": (K,)}
        return {**shapes, "d": (K, N)} if self.strong else shapes

    @property
    def most(self) -> FloatArray:
        """``W_n = (n+1) L`` in units of the model, at most the :attr:`ceilings`, ``(N,)``."""
        return np.minimum(self.budget * self.redundancy, self.ceilings)

    @cached_property
    def capped(self) -> FloatArray:
        """The thresholds, but at most ``W_n``, shape ``(K, N)``."""
        return np.minimum(self.thresholds, self.most)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Scenarios in order of their thresholds at every level, shape ``(K, N)``."""
        return np.argsort(self.capped, axis=0, kind="stable")

    @cached_property
    def steps(self) -> FloatArray:
        """From the threshold of ``order[j, n]`` to the next one (or ``W_n``), shape ``(K, N)``."""
        ordered = np.take_along_axis(self.capped, self.order, axis=0)
        return np.diff(ordered, axis=0, append=self.most[None, :])

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        recourse = super()._recourse(design)
        if not self.strong:
            return recourse
        # A scenario that is met keeps to its thresholds, whatever rounding says of a tie.
        keeps = design.work / self.coordinate_scale <= self.capped
        keeps |= recourse["y"][:, None] > 0.5
        ordered = np.maximum.accumulate(np.take_along_axis(keeps, self.order, axis=0), axis=0)
        d = np.empty(keeps.shape)
        np.put_along_axis(d, self.order, ordered.astype(np.float64), axis=0)
        return {**recourse, "d": d}

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked.

        At the relaxed form an optimal point touches thresholds, and lies beyond them by the
        solver's tolerance.  The work is then drawn in proportionally as far as the scenarios with
        ``y_k = 1`` leave room.
        """
        x = super().partition(point)
        met = np.asarray(point["y"]) > 0.5
        if self.form is not Form.RELAXED or not met.any():
            return x
        if self._met(work_of_partition(np.maximum(x, 0.0)))[met].all():
            return x
        room = self.thresholds[met].min(axis=0)
        full = float(room @ self.budget_weights)
        if full < self.budget:
            return x
        return partition_of_work(room * (self.problem.system.coordinates / full))

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        import cvxpy as cp

        K, N, most = self.rounds, self.workers, self.most
        x = cp.Variable(N, name="x", integer=self.integer)
        w = cp.Variable(N, name="w")
        y = cp.Variable(K, name="y", boolean=True)
        constraints = [
            (x >= 0).set_label("sign"),
            (cp.sum(x) == self.budget).set_label("budget"),
            (w == cp.cumsum(cp.multiply(self.redundancy, x))).set_label("work"),
            (y <= self.reachable.astype(float)).set_label("reachable"),
        ]
        if self.strong:
            d = cp.Variable((K, N), name="d")
            constraints += [(d >= 0).set_label("d_least"), (d <= 1).set_label("d_most")]
            for n in range(N):
                ordered = d[:, n][self.order[:, n]]
                keeps = w[n] <= most[n] - self.steps[:, n] @ ordered
                constraints.append(keeps.set_label(f"mixing_{n}"))
                if K > 1:
                    constraints.append((cp.diff(ordered) >= 0).set_label(f"nested_{n}"))
                constraints.append((y <= d[:, n]).set_label(f"met_{n}"))
        else:
            for n in range(N):
                room = most[n] - cp.multiply(most[n] - self.capped[:, n], y)
                constraints.append((w[n] <= room).set_label(f"met_{n}"))
        return cp.Problem(cp.Maximize(cp.sum(y)), constraints)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        b, most = self.capped, self.most
        m = pyo.ConcreteModel("completion probability", doc=_PYOMO_DOC.format(form=self.form))
        m.N = pyo.RangeSet(0, self.workers - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        kind = pyo.NonNegativeIntegers if self.integer else pyo.NonNegativeReals
        m.x = pyo.Var(m.N, domain=kind, doc="coordinates at every level")
        m.w = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="cumulative work up to every level")
        m.y = pyo.Var(m.K, domain=pyo.Binary, doc="whether a scenario is met")
        for k in m.K:
            if not self.reachable[k]:
                m.y[k].setub(0)
        m.count = pyo.Objective(expr=pyo.quicksum(m.y[k] for k in m.K), sense=pyo.maximize)
        m.budget = pyo.Constraint(expr=pyo.quicksum(m.x[n] for n in m.N) == self.budget)

        @m.Constraint(m.N, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, n: int) -> Any:
            before = m.w[n - 1] if n else 0.0
            return m.w[n] == before + (n + 1) * m.x[n]

        if not self.strong:

            def keeps(m: Any, k: int, n: int) -> Any:
                return m.w[n] <= float(most[n]) - float(most[n] - b[k, n]) * m.y[k]

            m.met = pyo.Constraint(
                m.K, m.N, rule=keeps, doc="a scenario that is met leaves this much room at level n"
            )
            return m
        m.d = pyo.Var(
            m.K, m.N, bounds=(0, 1), doc="whether level n keeps to the room of scenario k"
        )

        @m.Constraint(m.K, m.N, doc="a scenario is met if every level keeps to it")
        def met(m: Any, k: int, n: int) -> Any:
            return m.y[k] <= m.d[k, n]

        @m.Constraint(m.K, m.N, doc="who keeps to a scenario keeps to the next easier one")
        def nested(m: Any, j: int, n: int) -> Any:
            if j == 0:
                return pyo.Constraint.Skip
            order = self.order[:, n]
            return m.d[int(order[j - 1]), n] <= m.d[int(order[j]), n]

        @m.Constraint(m.N, doc="the room is that of the hardest scenario that is kept to")
        def mixing(m: Any, n: int) -> Any:
            order, steps = self.order[:, n], self.steps[:, n]
            return m.w[n] <= float(most[n]) - pyo.quicksum(
                float(steps[j]) * m.d[int(order[j]), n] for j in m.K
            )

        return m

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint

        K, N, most = self.rounds, self.workers, self.most
        one, scenario = sparse.eye_array(N), sparse.eye_array(K)
        step = one - sparse.eye_array(N, k=-1)
        each_level = sparse.kron(scenario, np.ones((N, 1)))
        sizes = (N, N, K, K * N) if self.strong else (N, N, K)
        rows: dict[str, tuple[list[Any], Any, Any]] = {
            "budget": ([np.ones((1, N)), None, None], self.budget, self.budget),
            "work": ([-sparse.diags_array(self.redundancy), step, None], 0.0, 0.0),
        }
        if self.strong:
            for name, (blocks, lower, upper) in rows.items():
                rows[name] = ([*blocks, None], lower, upper)
            # pick[n] takes d of level n in the order of the thresholds.
            pick = [
                sparse.csr_array(
                    (np.ones(K), (np.arange(K), self.order[:, n] * N + n)), shape=(K, K * N)
                )
                for n in range(N)
            ]
            nested = sparse.vstack([chosen[:-1] - chosen[1:] for chosen in pick])
            steps = self.steps.T
            mixing = sparse.vstack([sparse.csr_array(steps[[n]]) @ pick[n] for n in range(N)])
            rows["mixing"] = ([None, one, None, mixing], -np.inf, most)
            if K > 1:
                rows["nested"] = ([None, None, None, nested], -np.inf, 0.0)
            rows["met"] = ([None, None, each_level, -sparse.eye_array(K * N)], -np.inf, 0.0)
        else:
            gap = sparse.diags_array((most - self.capped).ravel()) @ each_level
            every = sparse.kron(np.ones((K, 1)), one)
            rows["met"] = ([None, every, gap], -np.inf, np.tile(most, K))
        extra = sum(sizes[3:])
        upper = [np.full(N, np.inf), most, self.reachable.astype(float), np.ones(extra)]
        return LinearProgram(
            c=np.concatenate([np.zeros(2 * N), -np.ones(K), np.zeros(extra)]),
            integrality=np.concatenate(
                [np.full(N, float(self.integer)), np.zeros(N), np.ones(K), np.zeros(extra)]
            ),
            bounds=Bounds(np.zeros(sum(sizes)), np.concatenate(upper)),
            constraints={
                name: LinearConstraint(block_row(blocks, sizes), lower, upper)
                for name, (blocks, lower, upper) in rows.items()
            },
            sign=-1.0,
        )

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, most = self.rounds, self.workers, self.most
        model = HighsModel()
        x = model.columns("x", (N,), integer=self.integer)
        w = model.columns("w", (N,), upper=most)
        y = model.columns("y", (K,), upper=self.reachable, cost=1.0, integer=True)
        model.rows("budget", (), [(1.0, x)], lower=self.budget, upper=self.budget)
        model.rows("start", (), [(1.0, w[0]), (-1.0, x[0])], lower=0.0, upper=0.0)
        steps = [(1.0, w[1:]), (-1.0, w[:-1]), (-self.redundancy[1:], x[1:])]
        model.rows("work", (N - 1,), steps, lower=0.0, upper=0.0)
        binds = self.capped < most
        if self.strong:
            d = model.columns("d", (K, N), upper=1.0)
            ordered = np.take_along_axis(d, self.order, axis=0)
            model.rows("mixing", (N,), [(1.0, w), (self.steps.T, ordered.T)], upper=most)
            pairs = [(1.0, ordered[:-1]), (-1.0, ordered[1:])]
            model.rows("nested", (K - 1, N), pairs, upper=0.0)
            model.rows("met", (K, N), [(1.0, y[:, None]), (-1.0, d)], upper=0.0, where=binds)
        else:
            late = [(1.0, w[None, :]), (most - self.capped, y[:, None])]
            model.rows("met", (K, N), late, upper=most, where=binds)
        return model.build(maximize=True)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        if self.strong:
            room = [
                r"& w_n \leq W_n - \textstyle\sum_j (b_{[j+1],n} - b_{[j],n})\, d_{[j],n} "
                r"&& \forall n",
                r"& d_{[j],n} \leq d_{[j+1],n}, \quad y_k \leq d_{k,n} && \forall j, k, n",
            ]
        else:
            room = [r"& w_n \leq W_n - (W_n - b_{k,n})\, y_k && \forall k, n"]
        return program(
            r"\max_{x, w, y} \quad & \frac{1}{K} \sum_{k} y_k",
            *room,
            r"& w_n = w_{n-1} + (n+1)\, x_n && \forall n",
            r"& \textstyle\sum_n x_n = L",
            rf"& x \in {self.domain}, \quad y \in \{{0,1\}}^K",
            r"& b_{k,n} = t / (u\, T^k_{(N-n)}), \quad W_n = (n+1) L",
        )
