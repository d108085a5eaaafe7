"""The exact completion probability as a smooth program, and as an algebraic model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, partition_of_work
from cgcopt.evaluation.crossing.completion import Completion, completion_probabilities
from cgcopt.formulations.algebra import add_counts, elementary_tail
from cgcopt.formulations.base import Point
from cgcopt.formulations.exact import ExactFormulation, NonlinearProgram
from cgcopt.formulations.latex import program
from cgcopt.formulations.models.parameters import refuse_language
from cgcopt.formulations.points import language_of
from cgcopt.problem import Problem

__all__ = ["ExactProbability"]

#: Least work of a level in units of ``L``; an empty first block comes down to it.
_LEAST = 1e-6
#: Factor on it up to which a level counts as one that came down to it.
_NEAR = 1.001
#: What a dual bound is loosened by: a share of ``1 - P``, or of ``P``.
_LOOSE = 1e-6


class ExactProbability(ExactFormulation):
    r"""``max P[tau(x, T) <= t]``, ``x >= 0``, ``sum x = L``, the probability without sampling.

    arXiv 2206.02450, Problem 6.  For scipy the variables are ``log_omega = log(w/L)``, in which
    ``log P`` is concave for every family with a log-concave density of ``log T`` (Prekopa), under
    the budget ``sum_n v_n exp(log_omega_n) = 1``.  The objective is ``log(1 - P)`` where the start has
    ``P >= 1/2`` and ``-log P`` elsewhere: near 1 only the former has digits.  The algebraic model
    has ``x``, ``w`` and the recursion for ``1 - P`` as constraints.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``log_omega`` of shape ``(N,)``."""
        return {"log_omega": (self.workers,)}

    @property
    def deadline(self) -> float:
        """Seconds."""
        (deadline,) = self.problem.objective.parameters
        return float(deadline)

    @cached_property
    def start(self) -> FloatArray:
        """The better of two profiles: inverse quantiles, and equal work in every block."""
        quantiles = super().start
        equal = np.arange(1.0, self.workers + 1)
        equal /= float(self.budget_weights @ equal)
        at = [self._completion(work).log_probability for work in (quantiles, equal)]
        return quantiles if at[0] >= at[1] else equal

    def _completion(self, work: FloatArray) -> Completion:
        scaled = work * self.coordinate_scale
        return completion_probabilities(self.problem.system, scaled, self.deadline)

    @cached_property
    def of_complement(self) -> bool:
        """Whether the objective is ``log(1 - P)`` rather than ``-log P``."""
        return bool(self._completion(self.start).probability >= 0.5)

    def value(self, objective: float) -> float:
        """Convert the objective of the model to a probability."""
        return -math.expm1(objective) if self.of_complement else math.exp(-objective)

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound of the objective to one on the probability.

        It is loosened by 1e-6 of ``1 - P``, or of ``P``, for the tolerance of the solver.
        """
        return min(self.value(dual_bound - _LOOSE), 1.0)

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked."""
        if "log_omega" not in point:
            return super().partition(point)
        work = np.exp(np.asarray(point["log_omega"], dtype=np.float64))
        work[work <= _NEAR * _LEAST] = 0.0  # an empty first block
        return partition_of_work(work / float(self.budget_weights @ work)) * self.coordinate_scale

    def _point_of_work(self, work: FloatArray) -> dict[str, FloatArray]:
        return {"log_omega": np.log(np.maximum(work, _LEAST))}

    def value_and_gradient(self, log_omega: FloatArray) -> tuple[float, FloatArray]:
        """``log(1 - P)`` or ``-log P`` and its gradient in ``log_omega``."""
        work = np.exp(log_omega)
        scaled = work * self.coordinate_scale
        found = completion_probabilities(self.problem.system, scaled, self.deadline, gradient=True)
        in_log = work * self.coordinate_scale
        if not self.of_complement:
            return -float(found.log_probability), -found.log_gradient * in_log
        complement = max(float(found.complement), 1e-300)
        return math.log(complement), -found.gradient / complement * in_log

    def to_scipy(self) -> NonlinearProgram:
        """Return the program for :func:`scipy.optimize.minimize`."""
        self.refuse_whole()
        from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

        N, v = self.workers, self.budget_weights

        def curvature(log_omega: FloatArray, multiplier: FloatArray) -> FloatArray:
            return np.diag(multiplier[0] * v * np.exp(log_omega))

        constraints: dict[str, Any] = {
            "budget": NonlinearConstraint(
                lambda log_omega: v @ np.exp(log_omega),
                1.0,
                1.0,
                jac=lambda log_omega: (v * np.exp(log_omega))[None, :],
                hess=curvature,  # type: ignore[arg-type]
            )
        }
        if N > 1:
            steps = np.eye(N)[1:] - np.eye(N)[:-1]
            constraints["increasing"] = LinearConstraint(steps, 0.0, np.inf)
        most = np.log(np.arange(1.0, N + 1))
        return NonlinearProgram(
            self.value_and_gradient,
            start=np.log(self.start),
            bounds=Bounds(np.full(N, math.log(_LEAST)), most),
            constraints=constraints,
        )

    def to_pyomo(self) -> Any:
        """Return an algebraic ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        tail = elementary_tail(self.worker_times)
        origin = self.worker_times.support[0] / self.time_scale
        N, scale = self.workers, self.time_scale
        m = pyo.ConcreteModel("completion probability", doc=f"exact, {self.form} form")
        m.t = pyo.Param(initialize=self.deadline, mutable=True, doc="deadline, seconds")
        m.N = pyo.RangeSet(0, N - 1, doc="redundancy levels")
        m.only = pyo.Set(initialize=[0], doc="the one deadline")
        most = self.most
        self.add_blocks(m, np.minimum(self.start, most), _LEAST, most)
        horizon = m.t / (self.problem.system.unit * scale * m.L)

        @m.Expression(m.N, doc="chance that a worker is late for level n")
        def late(m: Any, n: int) -> Any:
            return tail((horizon / m.omega[n] - origin) * scale)

        missed = add_counts(m, m.only, N, lambda _, n: m.late[n])
        m.missed = pyo.Expression(expr=missed(0), doc="1 - P")
        m.total = pyo.Objective(expr=self._log(m.missed), sense=pyo.minimize)
        return m

    @property
    def most(self) -> FloatArray:
        """What the fastest worker can do by the deadline, at most ``n + 1``: work per coordinate."""
        origin = self.worker_times.support[0]
        by_deadline = self.deadline / (self.problem.system.unit * self.coordinate_scale)
        most = by_deadline / origin if origin > 0 else math.inf
        return np.asarray(np.minimum(np.arange(1.0, self.workers + 1), most))

    def _log(self, missed: Any) -> Any:
        """The objective of the algebraic model."""
        import pyomo.environ as pyo

        return pyo.log(missed) if self.of_complement else -pyo.log(1.0 - missed)

    changeable = ("deadline", "coordinates")

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the deadline or the budget ``L`` of a pyomo model, and put it at a new start."""
        if language_of(model) != "pyomo":
            refuse_language(model)
        changed = replace(self, problem=problem)
        model.t, model.L = changed.deadline, changed.problem.system.coordinates
        for n, most in enumerate(changed.most.tolist()):
            model.omega[n].setub(most)
        model.total.set_value(changed._log(model.missed))
        share = np.maximum(partition_of_work(np.minimum(changed.start, changed.most)), 0.0)
        changed.set_pyomo(model, Design(share * (changed.coordinate_scale / share.sum())))
        return changed

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``aligned`` environment."""
        return program(
            r"\max_x \quad & P[U_{(k)} \leq F_T(t / (u\, w_{N-k})) \;\forall k]",
            rf"& \textstyle\sum_n x_n = L, \quad x \in {self.domain}",
            r"& \textstyle w_n = \sum_{i \leq n} (i+1)\, x_i",
        )
