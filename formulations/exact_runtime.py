"""The exact expected runtime as a smooth convex program, and as an algebraic model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, partition_of_work, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.density.runtime import expected_runtime
from cgcopt.formulations.algebra import add_counts, elementary_tail
from cgcopt.formulations.closed_runtime import (
    MOST_WORKERS,
    add_mean,
    closed_mean,
    reduce_to_blocks,
    settle_mean,
    tangents,
)
from cgcopt.formulations.exact import ExactFormulation, NonlinearProgram
from cgcopt.formulations.latex import program
from cgcopt.formulations.models.parameters import refuse_language
from cgcopt.formulations.points import language_of
from cgcopt.problem import Problem

__all__ = ["ExactRuntime"]

#: Gauss-Legendre panels of the algebraic model where half of the rounds end.
_FIRST = 4
#: Ends of panels beyond.
_PANELS = 13
#: Nodes of a panel.
_NODES = 6
#: Chance that a round of the start is later than the last panel.
_CUT = 1e-12
#: Least cumulative work per coordinate in the algebraic model, which divides by it.
LEAST_WORK = 1e-6
#: How much of the best relaxed design is mixed into every one of the model with the finite sum, so
#: that no level is without work.  SCIP's ratios of work stay below some thousands.
MIXED = 2e-3
#: Relative error of a dual bound: of the fixed nodes, or of rows that hold to 1e-6.
_LOOSE = 1e-5


@dataclass(frozen=True, eq=False)
class ExactRuntime(ExactFormulation):
    r"""``min E[tau(x, T)]``, ``x >= 0``, ``sum x = L``, the expectation without sampling.

    arXiv 2206.02450, Problem 3.  For scipy the objective is the quadrature of
    :func:`cgcopt.evaluation.density.runtime.expected_runtime` with its gradient.  The algebraic model has
    fixed nodes: ``E = t_min + sum_q omega_q (1 - P[tau <= t_min + s_q])`` with
    ``t_min = u w_{N-1} min T``, and the recursion for every ``P`` as constraints.  In whole numbers,
    for exponential and shifted exponential times and up to eight workers, it has the finite sum of
    :mod:`~cgcopt.formulations.closed_runtime` instead, without any error, and tangents of the convex
    objective (left out if not :attr:`strong`).
    """

    strong: bool = field(default=True, kw_only=True)

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``share``, ``x`` in units of ``L``, of shape ``(N,)``."""
        return {"share": (self.workers,)}

    @property
    def runtime_scale(self) -> float:
        """Seconds that count as 1."""
        return self.problem.system.unit * self.time_scale * self.coordinate_scale

    def value(self, objective: float) -> float:
        """Convert the objective of the model to seconds."""
        return objective * self.runtime_scale

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound to seconds, loosened for the tolerance of the solver."""
        return self.value(dual_bound) * (1.0 - _LOOSE)

    @property
    def closed(self) -> bool:
        """Whether the algebraic model has the finite sum, and with it valid dual bounds."""
        exponential = self.worker_times.exponential
        return self.integer and exponential and self.workers <= MOST_WORKERS

    @property
    def _rate_and_shift(self) -> tuple[float, float]:
        """Of exponential times, in units of :attr:`time_scale`."""
        rate = float(vars(self.worker_times)["rate"]) * self.time_scale
        return rate, self.worker_times.support[0] / self.time_scale

    def _point_of_work(self, work: FloatArray) -> dict[str, FloatArray]:
        return {"share": partition_of_work(work)}

    def value_and_gradient(self, share: FloatArray) -> tuple[float, FloatArray]:
        """Expected runtime in units of :attr:`runtime_scale`, and its gradient in the shares."""
        work = work_of_partition(np.maximum(share, 0.0)) * self.coordinate_scale
        found = expected_runtime(self.problem.system, work, gradient=True)
        gradient = partition_gradient(found.gradient)
        return found.value / self.runtime_scale, gradient * (
            self.coordinate_scale / self.runtime_scale
        )

    def to_scipy(self) -> NonlinearProgram:
        """Return the program for :func:`scipy.optimize.minimize`."""
        self.refuse_whole()
        from scipy.optimize import Bounds, LinearConstraint

        total = LinearConstraint(np.ones((1, self.workers)), 1.0, 1.0)
        return NonlinearProgram(
            self.value_and_gradient,
            start=np.maximum(partition_of_work(self.start), 0.0),
            bounds=Bounds(np.zeros(self.workers), np.ones(self.workers)),
            constraints={"budget": total},
        )

    @cached_property
    def nodes(self) -> tuple[FloatArray, FloatArray]:
        """Nodes ``s_q`` after ``t_min`` and weights, in units of :attr:`runtime_scale`."""
        times, n = self.worker_times, np.arange(self.workers)
        # Level n is late where n + 1 workers are: subsets times the tail bound the chance.
        chance = np.geomspace(0.5, _CUT, _PANELS)[:, None]
        late = times.isf((chance / 2.0**self.workers) ** (1.0 / (n + 1.0)))
        begin = times.support[0] * self.start[-1]
        falls = ((late * self.start).max(axis=1) - begin) / self.time_scale
        edges = np.concatenate([np.linspace(0.0, falls[0], _FIRST + 1), falls[1:]])
        at, weight = np.polynomial.legendre.leggauss(_NODES)
        half = 0.5 * np.diff(edges)[:, None]
        middle = 0.5 * (edges[1:] + edges[:-1])[:, None]
        return (middle + half * at).ravel(), (half * weight).ravel()

    def to_pyomo(self) -> Any:
        """Return an algebraic ``pyomo.environ.ConcreteModel``."""
        if self.closed:
            return self._closed_model()
        import pyomo.environ as pyo

        tail = elementary_tail(self.worker_times)
        nodes, weights = self.nodes
        origin = self.worker_times.support[0] / self.time_scale
        N, scale = self.workers, self.time_scale
        m = pyo.ConcreteModel("expected runtime", doc=f"exact, {self.form} form")
        m.N = pyo.RangeSet(0, N - 1, doc="redundancy levels")
        m.Q = pyo.RangeSet(0, len(nodes) - 1, doc="nodes of the quadrature")
        begin = self.start
        self.add_blocks(m, begin, LEAST_WORK, np.arange(1.0, N + 1), equal=True)

        @m.Expression(m.Q, m.N, doc="chance that a worker is late for level n at node q")
        def late(m: Any, q: int, n: int) -> Any:
            # Counted from t_min the time beyond the origin is >= 0 for every admissible w.
            beyond = (origin * m.omega[N - 1] + float(nodes[q])) / m.omega[n] - origin
            return tail(beyond * scale)

        missed = add_counts(m, m.Q, N, lambda q, n: m.late[q, n])
        m.total = pyo.Objective(
            expr=origin * m.omega[N - 1] + pyo.quicksum(float(weights[q]) * missed(q) for q in m.Q),
            sense=pyo.minimize,
        )
        return m

    def _closed_model(self) -> Any:
        import pyomo.environ as pyo

        N = self.workers
        m = pyo.ConcreteModel("expected runtime", doc=f"exact, {self.form} form")
        m.N = pyo.RangeSet(0, N - 1, doc="redundancy levels")
        first = np.maximum(partition_of_work(self.start), 0.0)
        cuts, best = tangents(self.value_and_gradient, first / first.sum())
        anchor = work_of_partition((1.0 - MIXED) * best + MIXED / N)
        least = MIXED * float(anchor[0])
        self.add_blocks(m, anchor, least, np.arange(1.0, N + 1), towards=(MIXED, anchor))
        value = closed_mean(anchor, *self._rate_and_shift)
        if not self.strong:
            cuts = cuts[:0]
        add_mean(m, *self._rate_and_shift, cuts, (MIXED, value))
        settle_mean(m, *self._rate_and_shift, (MIXED, value))
        m.anchor = pyo.Param(initialize=value, doc="mean runtime of the design that is mixed in")
        return m

    def to_convex_pyomo(self) -> Any:
        """Return a convex ``pyomo.environ.ConcreteModel`` in whole blocks, where :attr:`closed`."""
        model = self._closed_model()
        reduce_to_blocks(model, *self._rate_and_shift, (MIXED, model.anchor.value))
        return model

    def set_pyomo(self, model: Any, design: Design) -> None:
        """Set the variables of a pyomo model to the point of a design."""
        super().set_pyomo(model, design)
        if self.closed:
            settle_mean(model, *self._rate_and_shift, (MIXED, model.anchor.value))

    changeable = ("coordinates",)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the budget ``L`` of a pyomo model, to which its optimum is proportional."""
        if language_of(model) != "pyomo":
            refuse_language(model)
        changed = replace(self, problem=problem)
        model.L = changed.problem.system.coordinates
        return changed

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``aligned`` environment."""
        return program(
            r"\min_x \quad & t_{\min} + \int_{t_{\min}}^\infty (1 - P[\tau(x, T) \leq t])\, dt",
            rf"& \textstyle\sum_n x_n = L, \quad x \in {self.domain}",
            r"& P[\tau(x, T) \leq t] = P[U_{(k)} \leq F_T(t / (u\, w_{N-k})) \;\forall k]",
            r"& \textstyle w_n = \sum_{i \leq n} (i+1)\, x_i",
        )
