"""Completion probability on scenarios in the redundancy of every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.formulations.coordinate import CoordinateFormulation
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.latex import program
from cgcopt.formulations.models.parameters import (
    HighsRows,
    add_pyomo_parameters,
    cvxpy_parameters,
)
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.probability_partition import ProbabilityPartition
from cgcopt.formulations.scipy_program import LinearProgram, linear_program
from cgcopt.problem import Form, Problem

__all__ = ["ProbabilityCoordinate"]

#: What the parameters of the rows over coordinates are.
_DOC = {
    "thresholds": "most work of a scenario that is met, at every level",
    "coordinate_room": "work that a scenario leaves to a coordinate of a level",
    "coordinate_slack": "by how much the work up to a coordinate exceeds that at most",
    "in_reach": "1 where a coordinate of a level can be in time in a scenario",
}


@dataclass(frozen=True, eq=False)
class ProbabilityCoordinate(CoordinateFormulation, ProbabilityFormulation):
    r"""``max (1/K) sum_k y_k`` over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    To the rows of :class:`CoordinateFormulation` comes that a met scenario has ``c_l <= b_{k,n}``
    where ``z_{l,n} = 1``, with the :attr:`thresholds` ``b``.  It is written

    - plain: ``c_l <= b_{k,n} + N l (2 - z_{l,n} - y_k)``;
    - strong: ``c_l <= sum_n min(b_{k,n}, C_{l,n}) z_{l,n} + M_{k,l} (1 - y_k)``, ``C_{l,n}`` the
      most that ``c_l`` can be at level ``n`` and ``M_{k,l} = max_n (C_{l,n} - b_{k,n})^+``, and
      ``y_k <= sum_{n : b_{k,n} >= l + n} z_{l,n}``: work is at least ``l + n`` at level ``n``.
    """

    implied = ("met",)

    @cached_property
    def blocks(self) -> ProbabilityPartition:
        """The program over blocks."""
        strong = self.strong and self.equivalence
        return ProbabilityPartition(self.problem, Form.BLOCK, strong=strong, at_least=self.at_least)

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
    def possible(self) -> FloatArray:
        """1 where level ``n`` at coordinate ``l`` can meet scenario ``k``, shape ``(K, L, N)``."""
        least = np.arange(1, self.coordinates + 1)[:, None] + np.arange(self.workers)
        return np.where(self.thresholds[:, None, :] >= least, 1.0, 0.0)

    # -- parameters -----------------------------------------------------------------------------

    @property
    def of_coordinates(self) -> dict[str, FloatArray]:
        """Values of the parameters of the rows over coordinates.

        ``coordinate_room`` (:attr:`room`) and ``in_reach`` (:attr:`possible`) of shape ``(K L, N)``,
        ``coordinate_slack`` of shape ``(K, L)``; of the plain model the :attr:`thresholds`, of shape
        ``(K, N)``.
        """
        if not self.strong:
            return {"thresholds": self.thresholds}
        room, possible = (each.reshape(-1, self.workers) for each in (self.room, self.possible))
        return {"coordinate_room": room, "coordinate_slack": self.slack, "in_reach": possible}

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters: those of the program over blocks, and of the coordinates."""
        of_blocks = self.blocks.parameters
        if not self.equivalence:  # the rows that they stand in are left out
            of_blocks = {name: of_blocks[name] for name in ("L", "reachable")}
        return {**of_blocks, **self.of_coordinates}

    changeable = ("deadline",)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the deadline of a model."""
        return self.updated(model, problem, at_least=at_least)

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS."""
        self.blocks.set_highs(rows)
        K, L, N = self.rounds, self.coordinates, self.workers
        if not self.strong:
            upper = self.thresholds[:, None, :] + 2.0 * self.most_work[:, None]
            rows.sides("coordinate_met", (K, L, N), -np.inf, upper)
            return
        rows.sides("coordinate_met", (K, L), -np.inf, self.slack)
        for k, l in np.ndindex(K, L):
            met, possible = ("coordinate_met", k, l), ("possible", k, l)
            rows.entry(met, ("y", k), float(self.slack[k, l]))
            for n in range(N):
                rows.entry(met, ("z", l, n), -float(self.room[k, l, n]))
                rows.entry(possible, ("z", l, n), -float(self.possible[k, l, n]))

    # -- languages ------------------------------------------------------------------------------

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``, up to 5,000 numbers with :attr:`parameters`."""
        import cvxpy as cp

        K, N, L = self.rounds, self.workers, self.coordinates
        block = self.blocks.to_cvxpy()
        found, rows = self.cvxpy_rows(block)
        given = cvxpy_parameters(self.of_coordinates)
        work = cp.reshape(found["c"], (1, L), order="C")
        met = cp.reshape(found["y"], (K, 1), order="C") @ np.ones((1, L))
        if self.strong:
            level = cp.vstack([found["z"]] * K)
            room, possible = (
                cp.reshape(cp.sum(cp.multiply(given[name], level), axis=1), (K, L), order="C")
                for name in ("coordinate_room", "in_reach")
            )
            relief = cp.multiply(given["coordinate_slack"], 1 - met)
            rows += [
                (work <= room + relief).set_label("coordinate_met"),
                (met <= possible).set_label("possible"),
            ]
            return cp.Problem(block.objective, rows)
        for n in range(N):
            level = np.ones((K, 1)) @ cp.reshape(found["z"][:, n], (1, L), order="C")
            late = cp.multiply(np.tile(self.most_work, (K, 1)), 2 - level - met)
            room = cp.reshape(given["thresholds"][:, n], (K, 1), order="C") @ np.ones((1, L))
            rows.append((work <= room + late).set_label(f"coordinate_met_{n}"))
        return cp.Problem(block.objective, rows)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable :attr:`parameters`."""
        import pyomo.environ as pyo

        N, L = self.workers, self.coordinates
        m = self.blocks.to_pyomo()
        self.fill_pyomo(m)
        add_pyomo_parameters(m, self.of_coordinates, _DOC)
        if not self.strong:

            def keeps(m: Any, k: int, l: int, n: int) -> Any:
                return m.c[l] <= m.thresholds[k, n] + N * (l + 1) * (2 - m.z[l, n] - m.y[k])

            m.coordinate_met = pyo.Constraint(
                m.K, m.coordinates, m.N, rule=keeps, doc="a met scenario bounds the work"
            )
            return m

        @m.Constraint(m.K, m.coordinates, doc="a met scenario bounds the work")
        def coordinate_met(m: Any, k: int, l: int) -> Any:
            room = pyo.quicksum(m.coordinate_room[k * L + l, n] * m.z[l, n] for n in m.N)
            return m.c[l] <= room + m.coordinate_slack[k, l] * (1 - m.y[k])

        @m.Constraint(m.K, m.coordinates, doc="a met scenario excludes levels of too much work")
        def possible(m: Any, k: int, l: int) -> Any:
            return m.y[k] <= pyo.quicksum(m.in_reach[k * L + l, n] * m.z[l, n] for n in m.N)

        return m

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse

        K, N, L = self.rounds, self.workers, self.coordinates
        rows = self.coordinate_rows()
        every = sparse.kron(np.ones((K, 1)), sparse.eye_array(L))
        whose = sparse.kron(sparse.eye_array(K), np.ones((L, 1)))
        if self.strong:
            levels = sparse.csr_array(sparse.kron(every, np.ones((1, N))))

            def by_level(values: FloatArray) -> Any:
                pattern = (values.ravel(), levels.indices, levels.indptr)
                return sparse.csr_array(pattern, shape=levels.shape)

            slack = sparse.diags_array(self.slack.ravel()) @ whose
            met = {"c": every, "z": -by_level(self.room), "y": slack}
            rows["coordinate_met"] = (met, -np.inf, self.slack.ravel())
            cover = {"y": whose, "z": -by_level(self.possible)}
            rows["possible"] = (cover, -np.inf, 0.0)
        else:
            big = np.repeat(self.most_work, N)
            each = sparse.kron(np.ones((K, 1)), sparse.kron(sparse.eye_array(L), np.ones((N, 1))))
            chosen = sparse.kron(np.ones((K, 1)), sparse.diags_array(big))
            late = sparse.kron(sparse.eye_array(K), big[:, None])
            upper = np.concatenate([np.tile(self.thresholds[k], L) + 2 * big for k in range(K)])
            rows["coordinate_met"] = ({"c": each, "z": chosen, "y": late}, -np.inf, upper)
        return linear_program(
            self.variables,
            rows,
            cost={"y": 1.0},
            upper={**self.blocks.upper_bounds, "z": 1.0, "c": self.most_work},
            integer=("x", "y", "z") if self.blocks.integer else ("y", "z"),
            sign=-1.0,
        )

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        K, N, L = self.rounds, self.workers, self.coordinates
        model = HighsModel()
        found = self.fill(model)
        y, z, c = found["y"], found["z"], found["c"]
        if self.strong:
            met = [(1.0, c[None, :]), (self.slack, y[:, None]), (-self.room, z[None, :, :])]
            model.rows("coordinate_met", (K, L), met, upper=self.slack)
            cover = [(1.0, y[:, None]), (-self.possible, z[None, :, :])]
            model.rows("possible", (K, L), cover, upper=0.0)
        else:
            big = self.most_work[:, None]
            met = [(1.0, c[None, :, None]), (big, z[None]), (big, y[:, None, None])]
            upper = self.thresholds[:, None, :] + 2.0 * big
            model.rows("coordinate_met", (K, L, N), met, upper=upper)
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
        sort = [
            *self.blocks.room_latex(),
            r"& w_n = w_{n-1} + (n+1)\, x_n && \forall n",
        ]
        return program(
            r"\max_{z, c, x, y} \quad & \frac{1}{K} \sum_{k} y_k",
            *room,
            *self.rows_latex(),
            *(sort if self.equivalence else []),
            r"& y \in \{0,1\}^K, \quad b_{k,n} = \lfloor t / (u\, T^k_{(N-n)}) \rfloor",
        )
