"""Constrained stochastic successive convex approximation, the paper's method for the deadline."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, partition_of_work
from cgcopt.errors import SolverError
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.evaluation.dispatch import times_as
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.incumbents import keep_design
from cgcopt.process.time_left import look
from cgcopt.seeds import generator
from cgcopt.settings import choice, count, number, read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import PROBABILITY_RELAXED, Outcome, Role, Solver, Times
from cgcopt.solvers.probability.admissible_counts import number_of_counts, sample_counts
from cgcopt.system import System
from cgcopt.workers.families import ExponentialShape

__all__ = ["OPTION_SETS", "OptionSet", "SuccessiveConvex"]


@dataclass(frozen=True)
class OptionSet:
    """Settings of the method; where they come from stands at :data:`OPTION_SETS`."""

    iterations: int
    """Convex subproblems solved at most."""
    batch: int
    """Count vectors drawn for one gradient; 0 for the exact gradient."""
    averaging: float
    """Exponent of the weights ``i**-averaging`` of the gradients."""
    movement: float
    """Exponent of the weights ``i**-movement`` of the iterates."""
    proximal: float
    """Weight of the squared distance in the surrogate, whose gradient has norm 1."""


#: ``published`` are the settings of arXiv 2206.02450 (its proximal weight is not stated there).
#: ``exact`` takes full steps along exact gradients; ``P`` is convex in ``a``, so it never falls.
OPTION_SETS = {
    "published": OptionSet(200, batch=500, averaging=0.6, movement=0.7, proximal=0.03),
    "exact": OptionSet(500, batch=0, averaging=0.0, movement=0.0, proximal=1e-3),
}


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the start and of the end; no measurement of them is on record."""

    stalled: float = 1e-12
    """Relative rise of ``log P`` below which exact steps have converged."""
    mixes: tuple[float, ...] = (*np.linspace(0, 0.9, 10), *(1 - 10.0 ** -np.arange(2, 9)))
    """Shares of no coding in the start, tried in this order."""
    inside: float = 1e-12
    """Relative distance from a mass of zero that a start has to keep."""
    most_log: float = 600.0
    """Logarithm of a term at most: a larger one would need more than 1e260 count vectors."""
    least_log: float = -700.0
    """Logarithm of a mass at least: ``exp`` of smaller ones leaves the range of doubles."""


_TUNING = _Tuning()


@dataclass(frozen=True)
class SuccessiveConvexSettings:
    """Raw options of ``successive-convex``."""

    settings: str = choice("published", tuple(OPTION_SETS))
    """Which of :data:`OPTION_SETS`."""
    iterations: int | None = count(None)
    """Number of steps, in place of that of the set."""
    batch: int | None = count(None, least=0)
    """Count vectors drawn for one gradient, 0 for the exact one, in place of that of the set."""
    proximal: float | None = number(None, least=0)
    """Weight of the squared distance in the surrogate, in place of that of the set."""
    solver: str = choice("CLARABEL", ("CLARABEL", "SCS"))
    """Conic solver of the subproblems, by the name that cvxpy has for it."""


class SuccessiveConvex(Solver):
    """Sampled gradients and convex subproblems, for (shifted) exponential worker times.

    Variables are ``h_n = rate t / (u w_n)`` and the logarithms ``a_n`` of the cell masses. The raw
    option ``settings`` names one of :data:`OPTION_SETS` (default ``published``); the raw options
    ``iterations`` and ``batch`` replace single settings, ``solver`` names the conic solver.
    """

    name = "successive-convex"
    summary = "stochastic successive convex approximation (the paper's; settings=published|exact)"
    role = Role.ITERATIVE
    solves = PROBABILITY_RELAXED
    times = frozenset({Times.CONTINUOUS})
    tolerance = math.inf
    settings = SuccessiveConvexSettings

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import cvxpy."""
        import cvxpy  # noqa: F401

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Run from the closed form for large deadlines."""
        cells = _Cells.of(problem.system, *problem.objective.parameters)
        settings = _option_set(options)
        rng = generator(options.seed, self.name, problem.name)
        started = time.perf_counter()
        subproblem = _Subproblem(cells, settings.proximal, options)
        built = time.perf_counter() - started
        h = cells.start()
        a = cells.log_masses(h)
        gradient = np.zeros_like(a)
        history = [cells.log_probability(h)]
        termination = TerminationCondition.ITERATION_LIMIT
        for i in range(1, settings.iterations + 1):
            options.report(i / settings.iterations, f"iteration {i}, log P {history[-1]:.8g}")
            keep_design(cells.partition(h))
            weight = i**-settings.averaging
            gradient = (1 - weight) * gradient + weight * cells.gradient(a, settings.batch, rng)
            if not gradient.any():
                break
            look()
            proposed_a, proposed_h = subproblem.solve(gradient / np.linalg.norm(gradient), a, h)
            move = i**-settings.movement
            a, h = (1 - move) * a + move * proposed_a, (1 - move) * h + move * proposed_h
            history.append(cells.log_probability(h))
            if settings.batch == 0 and history[-1] - history[-2] <= _TUNING.stalled * abs(
                history[-1]
            ):
                termination = TerminationCondition.CONVERGED
                break
            if options.time_limit and time.perf_counter() - started > options.time_limit:
                termination = TerminationCondition.TIME_LIMIT
                break
        return Outcome(
            termination,
            partition=cells.partition(h),
            build_seconds=built,
            details={"iterations": len(history) - 1, "probability": np.exp(history).tolist()},
        )


@dataclass(frozen=True, eq=False)
class _Cells:
    """The problem in the variables ``h`` and ``a``: a multinomial over ``N`` cells of worker times.

    Cell ``n < N-1`` has mass ``exp(-h_{n+1}) - exp(-h_n)``, the last one
    ``exp(-rate shift) - exp(-h_{N-1})``, all of them times ``exp(rate shift)``.
    """

    system: System
    offset: float  # rate * shift
    budget: float  # L u / (rate t) = sum_n v_n / h_n
    log_factorials: FloatArray

    @classmethod
    def of(cls, system: System, deadline: float) -> _Cells:
        need = (
            "solver 'successive-convex' needs exponential or shifted exponential worker times, not"
        )
        times = times_as(ExponentialShape, system, need)
        shift = times.support[0]
        budget = system.coordinates * system.unit / (times.rate * deadline)
        if budget * times.rate * shift >= 1:
            raise SolverError("no design can finish by the deadline with positive probability")
        factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, system.workers + 1)))])
        return cls(system, times.rate * shift, budget, factorials)

    def start(self) -> FloatArray:
        """The large-deadline closed form; mixed with no coding until every mass is positive."""
        n = np.arange(1.0, self.system.workers + 1)
        v = budget_weights(self.system.workers)
        share, flat = n / (v @ n), np.ones_like(n) / v.sum()
        for mix in _TUNING.mixes:
            h: FloatArray = 1 / (((1 - mix) * share + mix * flat) * self.budget)
            if h[-1] > self.offset * (1 + _TUNING.inside):
                return h
        raise SolverError("no strictly feasible start: the deadline is hardly reachable")

    def log_masses(self, h: FloatArray) -> FloatArray:
        """Logarithms of the cell masses without the factor ``exp(rate shift)``, shape ``(N,)``."""
        lower = np.append(h[1:], self.offset)
        with np.errstate(divide="ignore"):
            return -lower + np.log(-np.expm1(lower - h))

    def thresholds(self, a: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Probabilities that a worker has finished each level, and the cell masses."""
        mass = np.exp(a + self.offset)
        return np.minimum(np.cumsum(mass[::-1])[::-1], 1.0), mass

    def log_probability(self, h: FloatArray) -> float:
        """Exact ``log P`` of the design behind ``h``, scaled onto the budget."""
        h = h * (float((budget_weights(h.size) / h).sum()) / self.budget)
        late = np.exp(np.minimum(self.offset - h, 0.0))
        finished = -np.expm1(np.minimum(self.offset - h, 0.0))
        return float(crossing(finished[::-1], late[::-1]).log_probability)

    def gradient(self, a: FloatArray, batch: int, rng: np.random.Generator) -> FloatArray:
        """Gradient of ``P`` in ``a`` up to a positive factor: sampled, or exact for ``batch = 0``."""
        if batch == 0:
            finished, mass = self.thresholds(a)
            found = crossing(finished[::-1], 1 - finished[::-1], gradient=True)
            exact: FloatArray = mass * np.cumsum(found.log_gradient[::-1])
            return exact
        workers = self.system.workers
        k = sample_counts(workers, batch, rng)
        log_terms = (
            self.log_factorials[workers]
            - self.log_factorials[k].sum(axis=1)
            + k @ (a + self.offset)
            + math.log(number_of_counts(workers))
        )
        terms = np.exp(np.minimum(log_terms, _TUNING.most_log))
        sampled: FloatArray = terms @ k / batch
        return sampled

    def partition(self, h: FloatArray) -> FloatArray:
        """The design behind ``h``, scaled onto the budget."""
        x = np.maximum(partition_of_work(1 / h), 0.0)
        scaled: FloatArray = x * (self.system.coordinates / x.sum())
        return scaled


class _Subproblem:
    """Maximise ``g . a - proximal/2 |(a, h) - (a0, h0)|^2`` over the convex inner approximation."""

    def __init__(self, cells: _Cells, proximal: float, options: Options) -> None:
        import cvxpy as cp

        workers = cells.system.workers
        v = budget_weights(workers)
        self._a, self._h = cp.Variable(workers, name="a"), cp.Variable(workers, name="h")
        self._gradient = cp.Parameter(workers, nonneg=True, name="gradient")
        self._a0, self._h0 = cp.Parameter(workers, name="a0"), cp.Parameter(workers, name="h0")
        self._tangent = cp.Parameter(workers, nonneg=True, name="tangent")
        self._most = cp.Parameter(name="most")
        self._v, self._budget = v, cells.budget
        lower = cp.hstack([self._h[1:], cells.offset]) if workers > 1 else cp.hstack([cells.offset])
        distance = cp.sum_squares(self._a - self._a0) + cp.sum_squares(self._h - self._h0)
        self._problem = cp.Problem(
            cp.Maximize(self._gradient @ self._a - proximal / 2 * distance),
            [
                cp.exp(self._a + lower) + cp.exp(lower - self._h) <= 1,
                self._tangent @ self._h <= self._most,
            ],
        )
        self._solver: str = read_settings(SuccessiveConvexSettings, options.raw).solver

    def solve(
        self, gradient: FloatArray, a: FloatArray, h: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Linearise the budget ``sum_n v_n / h_n >= L u/(rate t)`` at ``h`` and solve."""
        self._gradient.value = np.maximum(gradient, 0.0)
        self._a0.value, self._h0.value = np.maximum(a, _TUNING.least_log), h
        derivative = self._v / h**2
        scale = derivative.max()
        self._tangent.value = derivative / scale
        self._most.value = (2 * float((self._v / h).sum()) - self._budget) / scale
        with warnings.catch_warnings():  # the status is judged below
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            self._problem.solve(solver=self._solver)
        if self._a.value is None or self._problem.status not in ("optimal", "optimal_inaccurate"):
            raise SolverError(f"convex subproblem: {self._problem.status}")
        lower_a: Any = self._a.value
        return np.asarray(lower_a), np.asarray(self._h.value)


def _option_set(options: Options) -> OptionSet:
    given = read_settings(SuccessiveConvexSettings, options.raw)
    chosen = OPTION_SETS[given.settings]
    return OptionSet(
        iterations=given.iterations or chosen.iterations,
        batch=chosen.batch if given.batch is None else given.batch,
        averaging=chosen.averaging,
        movement=chosen.movement,
        proximal=chosen.proximal if given.proximal is None else given.proximal,
    )
