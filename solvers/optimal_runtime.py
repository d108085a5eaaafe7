"""The certified optimum of the expected runtime, for every kind of worker times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InfiniteMeanError
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.groups.alike import of_one_kind
from cgcopt.evaluation.result import Certificate
from cgcopt.limits import ALL_LIMITS
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.incumbents import keep_design
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, RUNTIME_RELAXED, Outcome, Role, Solver, Times
from cgcopt.solvers.convex.combined_bound import QUADRATURE, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import quasi_newton
from cgcopt.solvers.cutting_plane import optimum_of_rounds, prepare_rounds
from cgcopt.solvers.formulas import mean_time_work, partition_with_work_proportional_to
from cgcopt.solvers.runtime.oracle import RuntimeOracle
from cgcopt.solvers.runtime.sampled_model import sampled_model

__all__ = [
    "METHODS",
    "MINIMISERS",
    "Minimised",
    "OptimalRuntime",
    "minimised",
    "require_finite_mean",
]


@dataclass(frozen=True)
class OptimalTuning:
    """Numbers of the method ``optimal``. No measurement of them is on record."""

    steps: int = 200
    """Evaluations of quasi-Newton steps in the partition at most."""
    wide: float = 1e6
    """Spread of the mean order statistics from which steps in the partition are not worth a try."""
    finest: float = 1e-9
    """Gap that is closed to where a smaller one is asked for, 0 included: by step distributions, and
    by steps in relative changes of the work."""


_TUNING = OptimalTuning()


class OptimalRuntime(Solver):
    """Minimise the exact expected runtime until the gap is proven.

    *Times with a density*: quasi-Newton steps over the whole simplex on the exact value and
    gradient; a few thousand drawn rounds give the start and the first Hessian. The expected runtime
    ``f`` is convex and homogeneous, so its gradient ``g`` at any design proves
    ``f >= L min_n g_n``.

    *Step distributions*: Newton's method on rigorous minorants that are as smooth as a proof of the
    gap allows, helped by quasi-Newton steps and a level bundle method where that does not do
    (:mod:`cgcopt.solvers.runtime.step_minimum`). The proof is the best convex combination of all
    subgradients met.

    *Rounds*: the method of ``cutting-plane``, exact.

    *Within limits, with costs, or with a random start*: :mod:`cgcopt.solvers.limited.optimum`. Where the
    start does not depend on the time per cycle, the expected runtime need not be convex: a local search,
    without a bound.
    """

    name = "optimal"
    summary = "exact expected runtime minimised to a proven gap"
    role = Role.EXACT
    solves = RUNTIME_RELAXED
    times = ALL_TIMES | {Times.GROUPS, Times.STARTED}
    tolerance = 1e-6
    settings = NoSettings
    limits = ALL_LIMITS
    costs = True

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import and compile what the kind of worker times needs."""
        prepare_rounds(problem)
        _method(of_one_kind(problem))
        if problem.system.worker_times.kind is Times.DISCRETE:
            from cgcopt.solvers.runtime.step_minimum import warm_up

            warm_up()

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Minimise over partitions with sum 1, and scale."""
        problem = of_one_kind(problem)
        return _method(problem)(problem, options)


Method = Callable[[Problem, Options], Outcome]


def _method(problem: Problem) -> Method:
    """What minimises a problem; a method of its own is imported where a problem asks for it."""
    system, limits = problem.system, problem.limits
    if not system.worker_times.one_order:
        from cgcopt.solvers.limited.local_search import limited_search

        return limited_search
    kind = system.worker_times.kind
    if kind is Times.SCENARIOS and limits.convex(system.workers) and not system.costs:
        return optimum_of_rounds
    if limits or system.costs or kind is Times.STARTED:
        from cgcopt.solvers.limited.optimum import limited_optimum

        return limited_optimum
    return METHODS[kind]


@dataclass(frozen=True, eq=False)
class Minimised:
    """The end of a run over partitions with sum 1.

    Attributes
    ----------
    incumbent : Incumbent
        Best design and bound, seconds per coordinate.
    clock : Clock
        Of the run.
    subgradients : list of ndarray
        Subgradients in the partition, each a cut below the expected runtime of every design.
    certificate : Certificate
        The proof behind the bound.
    """

    incumbent: Incumbent
    clock: Clock
    subgradients: list[FloatArray]
    certificate: Certificate

    def outcome(self, coordinates: int) -> Outcome:
        """What the solver returns, for ``coordinates`` coordinates."""
        history = self.incumbent.history_in_seconds
        return Outcome(
            self.termination,
            partition=self.incumbent.best * coordinates,
            bound=self.incumbent.bound * coordinates,
            certificate=self.certificate,
            details={
                "iterations": len(history),
                "evaluations": len(self.subgradients),
                "history": history,
            },
        )

    @property
    def termination(self) -> TerminationCondition:
        """Why the run ended."""
        if self.incumbent.closed:
            return TerminationCondition.CONVERGED
        if self.clock.expired:
            return TerminationCondition.TIME_LIMIT
        return TerminationCondition.ITERATION_LIMIT


def minimised(problem: Problem, options: Options) -> Minimised:
    """Minimise the expected runtime of independent workers over partitions with sum 1.

    With a density, any objective that is convex, homogeneous and smooth.
    """
    require_finite_mean(problem)
    keep_design(partition_with_work_proportional_to(mean_time_work(problem.system), 1))
    return MINIMISERS[problem.system.worker_times.kind](problem, options)


def _minimised_steps(problem: Problem, options: Options) -> Minimised:
    from cgcopt.solvers.runtime.step_minimum import minimised_steps

    clock = Clock.started(options.time_limit)
    options = replace(options, gap=max(options.gap, _TUNING.finest))
    incumbent = Incumbent(options.gap, options, unit=problem.system.coordinates)
    cuts = minimised_steps(problem, options, incumbent, clock)
    return Minimised(incumbent, clock, cuts, Certificate.CUTTING_PLANES)


def _minimised_smooth(problem: Problem, options: Options) -> Minimised:
    clock = Clock.started(options.time_limit)
    incumbent = Incumbent(options.gap, options, unit=problem.system.coordinates)
    oracle = RuntimeOracle(problem.system, options.threads, problem.objective)
    cuts = oracle.subgradients
    _descend(problem, options, oracle, incumbent, clock)
    certificate = Certificate.SUBGRADIENT
    if not incumbent.closed:
        incumbent.bound = max(incumbent.bound, proven(cuts, QUADRATURE))
    if incumbent.bound > max(bound for _, bound in incumbent.history):
        certificate = Certificate.CUTTING_PLANES
    return Minimised(incumbent, clock, cuts, certificate)


def _descend(
    problem: Problem,
    options: Options,
    oracle: RuntimeOracle,
    incumbent: Incumbent,
    clock: Clock,
) -> None:
    """Quasi-Newton steps in the partition; in relative changes of the work where these fail."""
    system, cuts = problem.system, oracle.subgradients
    if system.workers == 1:
        start = np.ones(1)
        incumbent.offer(start, (only := oracle(start)).value, only.bound)
        return
    profile = mean_time_work(system)
    start = partition_with_work_proportional_to(profile, 1)
    if profile[-1] < _TUNING.wide * profile[0]:
        model = sampled_model(problem, options, clock)
        start, hessian = model.partition, model.hessian
        quasi_newton(oracle, start, hessian, incumbent, clock, steps=_TUNING.steps, cuts=cuts)
        start = incumbent.best
    if incumbent.gap > max(options.gap, _TUNING.finest):
        from cgcopt.solvers.convex.relative_steps import relative_quasi_newton

        relative_quasi_newton(oracle, start, incumbent, clock, cuts=cuts)


def require_finite_mean(problem: Problem) -> None:
    """Raise :class:`~cgcopt.errors.InfiniteMeanError` where the slowest worker has no mean."""
    times = problem.system.worker_times
    if not times.has_mean:
        raise InfiniteMeanError(
            f"the expected runtime is infinite: the mean of {times.label} is, "
            f"and with it that of the slowest worker"
        )


def _optimum_of_workers(problem: Problem, options: Options) -> Outcome:
    return minimised(problem, options).outcome(problem.system.coordinates)


Minimiser = Callable[[Problem, Options], Minimised]

#: How the expected runtime of independent workers is minimised, by kind of worker times.
MINIMISERS: Table[Times, Minimiser] = Table(
    "no proven minimum of the expected runtime",
    {
        Times.CONTINUOUS: _minimised_smooth,
        Times.GROUPS: _minimised_smooth,
        Times.DISCRETE: _minimised_steps,
    },
)
#: The method of each kind of worker times: ``(problem, options) -> Outcome``.
METHODS: Table[Times, Method] = Table(
    "no method", {Times.SCENARIOS: optimum_of_rounds}, others=_optimum_of_workers
)
