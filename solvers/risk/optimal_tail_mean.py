"""The certified optimum of the conditional value at risk, for every kind of worker times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.result import Certificate, with_gradient
from cgcopt.evaluation.steps.tail_mean import tail_mean
from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import ConditionalValueAtRisk
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.settings import NoSettings
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, tasks
from cgcopt.solvers.convex.combined_bound import ROUNDING, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import Evaluated, quasi_newton
from cgcopt.solvers.limited.optimum import limited_optimum
from cgcopt.solvers.optimal_runtime import Minimised, minimised, require_finite_mean
from cgcopt.solvers.risk.worst_rounds import optimum_of_worst_rounds
from cgcopt.solvers.runtime.sampled_model import sampled_model
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = ["METHODS", "OptimalTailMean"]


@dataclass(frozen=True)
class TailMeanTuning:
    """Numbers of the method."""

    steps: int = 400
    """Evaluations on step distributions at most."""


_TUNING = TailMeanTuning()


class OptimalTailMean(Solver):
    """Minimise the exact conditional value at risk until the gap is proven.

    It is convex and homogeneous in the partition, like the expected runtime: its gradient ``g`` at any
    design proves ``CVaR >= L min_n g_n``, and so does every convex combination of gradients.

    *Times with a density*: the quasi-Newton steps of the expected runtime.

    *Step distributions*: the same steps, and those of the level bundle method at kinks; the proof is
    the best combination of all subgradients met.

    *Rounds*: the linear program of Rockafellar and Uryasev with only those rows that matter
    (:mod:`cgcopt.solvers.risk.worst_rounds`).

    *Within limits*: the method of the expected runtime, :mod:`cgcopt.solvers.limited.optimum`.
    """

    name = "optimal"
    summary = "conditional value at risk minimised to a proven gap"
    role = Role.EXACT
    solves = tasks(ConditionalValueAtRisk, forms=(Form.RELAXED,))
    times = ALL_TIMES
    tolerance = 1e-6
    settings = NoSettings
    limits = ALL_LIMITS

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import HiGHS, which proves the bounds."""
        import highspy  # noqa: F401

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Minimise over partitions with sum 1, and scale."""
        if problem.limits:
            require_finite_mean(problem)
            return limited_optimum(problem, options)
        return METHODS[problem.system.worker_times.kind](problem, options)


@dataclass
class _StepOracle:
    """Value, subgradient and proven bound of partitions with sum 1, per coordinate."""

    system: System
    probability: float
    threads: int | None
    subgradients: list[FloatArray] = field(default_factory=list)

    def __call__(self, partition: FloatArray) -> Evaluated:
        """The upper end of the bracket stands for the value where the sum is too long."""
        work = work_of_partition(partition)
        found = with_gradient(
            tail_mean(self.system, work, self.probability, gradient=True, threads=self.threads)
        )
        gradient = partition_gradient(found.gradient)
        self.subgradients.append(gradient)
        return Evaluated(partition, found.upper, gradient, proven(self.subgradients, ROUNDING))


def _of_densities(problem: Problem, options: Options) -> Outcome:
    return minimised(problem, options).outcome(problem.system.coordinates)


def _of_steps(problem: Problem, options: Options) -> Outcome:
    require_finite_mean(problem)
    clock = Clock.started(options.time_limit)
    incumbent = Incumbent(options.gap, options, unit=problem.system.coordinates)
    (probability,) = problem.objective.parameters
    oracle = _StepOracle(problem.system, probability, options.threads)
    model = sampled_model(problem, options, clock)
    quasi_newton(
        oracle,
        model.partition,
        model.hessian,
        incumbent,
        clock,
        steps=_TUNING.steps,
        cuts=oracle.subgradients,
        kinks=True,
    )
    run = Minimised(incumbent, clock, oracle.subgradients, Certificate.CUTTING_PLANES)
    return run.outcome(problem.system.coordinates)


#: The method of each kind of worker times: ``(problem, options) -> Outcome``.
METHODS: Table[Times, Callable[[Problem, Options], Outcome]] = Table(
    "no proven minimum of the conditional value at risk",
    {
        Times.CONTINUOUS: _of_densities,
        Times.DISCRETE: _of_steps,
        Times.SCENARIOS: optimum_of_worst_rounds,
    },
)
