"""The best completion probability with a proof: branch and bound over boxes of speeds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from cgcopt.design import work_of_partition
from cgcopt.evaluation.result import Certificate
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import PROBABILITY_RELAXED, Outcome, Role, Solver, Times
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.optimal_probability import OptimalProbability
from cgcopt.solvers.proof.log_concavity import hazard_barrier
from cgcopt.solvers.proof.search import PROOF, Search, SearchSettings

__all__ = ["STARTS", "GlobalProbability"]

#: Starts of the first ascent where the user names no number.
STARTS = 2

#: What is added to the bound of a design that no worker can finish, relatively: rounding.
_LOOSE = 1e-9


class GlobalProbability(Solver):
    """Branch and bound for the completion probability, anytime, with a rigorous upper bound.

    Each node is a box of cumulative works. There the chance that a worker finishes a level is
    replaced by its least log-concave majorant, which makes ``log P`` concave
    (:mod:`cgcopt.solvers.proof.log_concavity`) and the node a convex problem; a linearisation at its
    solution is maximised exactly over the designs of the box
    (:mod:`cgcopt.solvers.proof.conditional_bound`). The majorants differ from the truth only on levels so
    fast that the hazard rate of ``1/T`` falls, and by an error that shrinks with the square of the
    box, so few boxes are needed; where the hazard rate rises all along the root is exact. The
    first design comes from ``optimal``; better ones met on the way are climbed to their summits.

    Bounds allow for rounding by ``BOUND_ROUNDING`` (1e-12) in ``log P``. A proof is complete at
    ``options.gap``, relative to the bound. The raw option ``complement_gap`` asks in addition that
    the bounds on ``1 - P`` agree to that share, where ``P`` is close to 1; ``nodes`` limits the nodes.
    The details name the nodes, the Newton steps, the bound of the root, the lower bound
    ``complement_bound`` on ``1 - P`` of every design, the ``barrier`` (``u w_n / t`` from which a level
    is fast) and how many levels of the design are fast.
    """

    name = "global"
    summary = "branch and bound for the completion probability with rigorous bounds"
    role = Role.EXACT
    solves = PROBABILITY_RELAXED
    times = frozenset({Times.CONTINUOUS})
    tolerance = 1e-6
    settings = SearchSettings

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import what the search needs."""
        import scipy.optimize
        import scipy.special  # noqa: F401

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Search until the gap is proven or time is up."""
        (deadline,) = problem.objective.parameters
        clock = Clock.started(options.time_limit)
        # The search itself leads to the other summits, from relaxed solutions.
        given = replace(options, progress=None, starts=options.starts or STARTS)
        first = OptimalProbability().solve(problem, form, given)
        search = Search(problem.system, deadline, options, clock)
        search.offer(first.found, first.residual)
        if search.log_value < PROOF.smallest:
            return _unlikely(search)
        return _outcome(search, search.run(), int(first.details["starts"]))


def _outcome(search: Search, termination: TerminationCondition, starts: int) -> Outcome:
    """The best design and the bound."""
    barrier = hazard_barrier(search.times)
    speed = work_of_partition(search.best) * search.system.unit / search.deadline
    return Outcome(
        termination,
        partition=search.partition,
        bound=math.exp(search.log_bound),
        certificate=Certificate.BRANCH_AND_BOUND,
        residual=search.residual,
        details={
            "nodes": search.nodes,
            "newton_steps": search.steps,
            "open": len(search.open),
            "root_bound": math.exp(min(search.root_bound, 0.0)),
            "log_bound": search.log_bound,
            "complement_bound": -math.expm1(search.log_bound),
            "barrier": barrier,
            "fast_levels": int(np.count_nonzero(speed > barrier)),
            "starts": starts,
            "improvements": search.improvements,
        },
    )


def _unlikely(search: Search) -> Outcome:
    """No design is likely: ``P <= N P(one worker finishes the last level)``, and ``w >= L`` there."""
    once = float(search.times.cdf(1.0 / search.speeds.budget))
    bound = min(search.system.workers * once * (1.0 + _LOOSE), 1.0)
    return Outcome(
        TerminationCondition.CONVERGED,
        partition=search.partition,
        bound=bound,
        certificate=Certificate.BRANCH_AND_BOUND if bound < 1.0 else Certificate.TRIVIAL,
        residual=search.residual,
        message="the probability is too small for more than a union bound" if bound else "",
        details={"nodes": 0},
    )
