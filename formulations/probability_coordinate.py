"""Completion probability on scenarios in the redundancy of every coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.coordinate import coordinate_rows
from cgcopt.formulations.latex import program
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.scipy_program import LinearProgram, block_row

__all__ = ["ProbabilityCoordinate"]

FloatArray = NDArray[np.float64]

_PYOMO_DOC = "Completion probability of coordinate gradient coding on scenarios."


class ProbabilityCoordinate(ProbabilityFormulation):
    r"""``max (1/K) sum_k y_k`` over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    Binaries ``z_{l,n}`` (coordinate ``l`` has level ``n``, ``sum_n z_{l,n} = 1``), cumulative work
    ``c_l = c_{l-1} + sum_n (n+1) z_{l,n}``, binaries ``y_k``; a met scenario has ``c_l <= b_{k,n}``
    where ``z_{l,n} = 1``, with the :attr:`thresholds` ``b``.  The last is written

    - plain: ``c_l <= b_{k,n} + N l (2 - z_{l,n} - y_k)``;
    - strong: ``c_l <= sum_n min(b_{k,n}, C_{l,n}) z_{l,n} + M_{k,l} (1 - y_k)``, ``C_{l,n}`` the
      most that ``c_l`` can be at level ``n`` and ``M_{k,l} = max_n (C_{l,n} - b_{k,n})^+``, and
      ``y_k <= sum_{n : b_{k,n} >= l + n} z_{l,n}``: work is at least ``l + n`` at level ``n``.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``z`` of shape ``(L, N)``, ``c`` of shape ``(L,)``, ``y`` of shape ``(K,)``."""
        L = self.problem.system.coordinates
        return {"z": (L, self.workers), "c": (L,), "y": (self.rounds,)}

    @cached_property
    def room(self) -> FloatArray:
        """``min(b_{k,n}, C_{l,n})``, shape ``(K, L, N)``."""
        return np.minimum(self.thresholds[:, None, :], self.most)

    @cached_property
    def most(self) -> FloatArray:
        """``C_{l,n}``, at most the :attr:`ceilings`, shape ``(L, N)``."""
        return np.minimum(self.most_work_at_level, self.ceilings)

    @cached_property
    def slack(self) -> FloatArray:
        """``M_{k,l}``, shape ``(K, L)``."""
        return np.asarray((self.most - self.room).max(axis=2))

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """Whether level ``n`` at coordinate ``l`` can meet scenario ``k``, shape ``(K, L, N)``."""
        least = np.arange(1, self.problem.system.coordinates + 1)[:, None] + np.arange(self.workers)
        return np.asarray(self.thresholds[:, None, :] >= least)

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        import cvxpy as cp

        K, N, L = self.rounds, self.workers, self.problem.system.coordinates
        z = cp.Variable((L, N), name="z", boolean=True)
        c = cp.Variable(L, name="c")
        y = cp.Variable(K, name="y", boolean=True)
        constraints = [
            (cp.sum(z, axis=1) == 1).set_label("one_level"),
            (c == cp.cumsum(z @ self.redundancy)).set_label("work"),
            (y <= self.reachable.astype(float)).set_label("reachable"),
        ]
        if self.symmetry and L > 1:
            constraints.append((cp.diff(z @ np.arange(N)) >= 0).set_label("increasing"))
        column = cp.reshape(c, (L, 1), order="C")
        for k in range(K):
            if self.strong:
                room = cp.sum(cp.multiply(self.room[k], z), axis=1)
                possible = cp.sum(cp.multiply(self.possible[k].astype(float), z), axis=1)
                constraints += [
                    (c <= room + self.slack[k] * (1 - y[k])).set_label(f"met_{k}"),
                    (y[k] <= possible).set_label(f"possible_{k}"),
                ]
            else:
                big = np.repeat(self.most_work[:, None], N, axis=1)
                room = self.thresholds[k][None, :] + cp.multiply(big, 2 - z - y[k])
                constraints.append((column @ np.ones((1, N)) <= room).set_label(f"met_{k}"))
        return cp.Problem(cp.Maximize(cp.sum(y)), constraints)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        N, L, b = self.workers, self.problem.system.coordinates, self.thresholds
        m = pyo.ConcreteModel("completion probability", doc=_PYOMO_DOC)
        m.L = pyo.RangeSet(0, L - 1, doc="coordinates")
        m.N = pyo.RangeSet(0, N - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        m.z = pyo.Var(m.L, m.N, domain=pyo.Binary, doc="whether coordinate l has level n")
        m.c = pyo.Var(m.L, domain=pyo.NonNegativeReals, doc="cumulative work up to coordinate l")
        m.y = pyo.Var(m.K, domain=pyo.Binary, doc="whether a scenario is met")
        for k in m.K:
            if not self.reachable[k]:
                m.y[k].setub(0)
        m.count = pyo.Objective(expr=pyo.quicksum(m.y[k] for k in m.K), sense=pyo.maximize)

        @m.Constraint(m.L, doc="a coordinate has one level")
        def one_level(m: Any, l: int) -> Any:
            return pyo.quicksum(m.z[l, n] for n in m.N) == 1

        @m.Constraint(m.L, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, l: int) -> Any:
            before = m.c[l - 1] if l else 0.0
            return m.c[l] == before + pyo.quicksum((n + 1) * m.z[l, n] for n in m.N)

        @m.Constraint(m.L, doc="redundancies increase along the coordinates")
        def increasing(m: Any, l: int) -> Any:
            if l == 0 or not self.symmetry:
                return pyo.Constraint.Skip
            return pyo.quicksum(n * (m.z[l, n] - m.z[l - 1, n]) for n in m.N) >= 0

        if not self.strong:

            def keeps(m: Any, k: int, l: int, n: int) -> Any:
                return m.c[l] <= float(b[k, n]) + N * (l + 1) * (2 - m.z[l, n] - m.y[k])

            m.met = pyo.Constraint(
                m.K, m.L, m.N, rule=keeps, doc="a met scenario bounds the work of every coordinate"
            )
            return m

        @m.Constraint(m.K, m.L, doc="a met scenario bounds the work of every coordinate")
        def met(m: Any, k: int, l: int) -> Any:
            most = self.most[l]
            room = [min(float(b[k, n]), float(most[n])) for n in m.N]
            slack = max(float(most[n]) - room[n] for n in m.N)
            return m.c[l] <= (pyo.quicksum(room[n] * m.z[l, n] for n in m.N) + slack * (1 - m.y[k]))

        @m.Constraint(
            m.K, m.L, doc="a met scenario excludes levels that need more work than it has"
        )
        def possible(m: Any, k: int, l: int) -> Any:
            return m.y[k] <= pyo.quicksum(m.z[l, n] for n in m.N if b[k, n] >= l + 1 + n)

        return m

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint

        K, N, L = self.rounds, self.workers, self.problem.system.coordinates
        rows = coordinate_rows(self)
        coordinate, scenario = sparse.eye_array(L), sparse.eye_array(K)
        if self.strong:
            of_level = sparse.kron(coordinate, np.ones((1, N)))
            room = [of_level @ sparse.diags_array(self.room[k].ravel()) for k in range(K)]
            can = [of_level @ sparse.diags_array(1.0 * self.possible[k].ravel()) for k in range(K)]
            every = sparse.kron(np.ones((K, 1)), coordinate)
            whose = sparse.kron(scenario, np.ones((L, 1)))
            slack = sparse.diags_array(self.slack.ravel()) @ whose
            rows["met"] = ([-sparse.vstack(room), every, slack], -np.inf, self.slack.ravel())
            rows["possible"] = ([-sparse.vstack(can), None, whose], -np.inf, 0.0)
        else:
            big = np.repeat(self.most_work, N)
            each = sparse.kron(np.ones((K, 1)), sparse.kron(coordinate, np.ones((N, 1))))
            chosen = sparse.kron(np.ones((K, 1)), sparse.diags_array(big))
            whose = sparse.kron(scenario, big[:, None])
            upper = np.concatenate([np.tile(self.thresholds[k], L) + 2 * big for k in range(K)])
            rows["met"] = ([chosen, each, whose], -np.inf, upper)
        most = np.concatenate([np.ones(L * N), self.most_work, self.reachable.astype(float)])
        return LinearProgram(
            c=np.concatenate([np.zeros(L * N + L), -np.ones(K)]),
            integrality=np.concatenate([np.ones(L * N), np.zeros(L), np.ones(K)]),
            bounds=Bounds(np.zeros(most.size), most),
            constraints={
                name: LinearConstraint(block_row(blocks, (L * N, L, K)), lower, upper)
                for name, (blocks, lower, upper) in rows.items()
            },
            sign=-1.0,
        )

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, L = self.rounds, self.workers, self.problem.system.coordinates
        most = self.most_work
        model = HighsModel()
        z = model.columns("z", (L, N), upper=1.0, integer=True)
        c = model.columns("c", (L,), upper=most)
        y = model.columns("y", (K,), upper=self.reachable, cost=1.0, integer=True)
        model.rows("one_level", (L,), [(1.0, z)], lower=1.0, upper=1.0)
        model.rows("start", (), [(1.0, c[0]), (-self.redundancy, z[0])], lower=0.0, upper=0.0)
        steps = [(1.0, c[1:]), (-1.0, c[:-1]), (-self.redundancy, z[1:])]
        model.rows("work", (L - 1,), steps, lower=0.0, upper=0.0)
        if self.symmetry:
            n = np.arange(N)
            model.rows("increasing", (L - 1,), [(n, z[1:]), (-n, z[:-1])], lower=0.0)
        if self.strong:
            met = [(1.0, c[None, :]), (self.slack, y[:, None]), (-self.room, z[None, :, :])]
            model.rows("met", (K, L), met, upper=self.slack)
            cover = [(1.0, y[:, None]), (-1.0 * self.possible, z[None, :, :])]
            model.rows("possible", (K, L), cover, upper=0.0)
        else:
            big = most[:, None]
            met = [(1.0, c[None, :, None]), (big, z[None]), (big, y[:, None, None])]
            model.rows("met", (K, L, N), met, upper=self.thresholds[:, None, :] + 2.0 * big)
        return model.build(maximize=True)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        if self.strong:
            room = [
                r"& c_l \leq \textstyle\sum_n \min(b_{k,n}, C_{l,n})\, z_{l,n} + M_{k,l} (1 - y_k) "
                r"&& \forall k, l",
                r"& y_k \leq \textstyle\sum_{n : b_{k,n} \geq l + n} z_{l,n} && \forall k, l",
            ]
        else:
            room = [r"& c_l \leq b_{k,n} + N l\, (2 - z_{l,n} - y_k) && \forall k, l, n"]
        return program(
            r"\max_{z, c, y} \quad & \frac{1}{K} \sum_{k} y_k",
            *room,
            *self.coordinate_rows_latex(),
            r"& y \in \{0,1\}^K, \quad b_{k,n} = \lfloor t / (u\, T^k_{(N-n)}) \rfloor",
        )
