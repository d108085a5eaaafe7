"""The best completion probability with a proof: branch and bound over boxes of speeds."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import partition_of_work, work_of_partition
from cgcopt.errors import SolverError
from cgcopt.evaluation.probability import completion_probability
from cgcopt.evaluation.result import Certificate, Evaluation
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Level, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers._box_slices import without_slices
from cgcopt.solvers._conditional_bound import conditional_bound
from cgcopt.solvers._incumbent import Clock
from cgcopt.solvers._log_concave_envelope import Envelope, Majorant
from cgcopt.solvers._log_concavity import hazard_barrier
from cgcopt.solvers._probability_newton import ascend
from cgcopt.solvers._relaxation import Points, Relaxation
from cgcopt.solvers._speed_box import Box, Speeds, root_box
from cgcopt.solvers.base import PROBABILITY_RELAXED, Outcome, Role, Solver, Times
from cgcopt.solvers.optimal_probability import RESIDUAL, OptimalProbability
from cgcopt.workers.base import ContinuousTimes

__all__ = ["GlobalProbability"]

FloatArray = NDArray[np.float64]

#: Smallest difference in ``log P`` that is still worth proving.
FINEST = 1e-10
#: Below this ``log P`` thresholds leave the range of doubles and only a union bound is given.
SMALLEST = -600.0
#: Bounds below the value of a known design by more than this would be an error of the method.
CONTRADICTION = 1e-9
#: Share of an interval that a cut leaves on either side at least.
MARGIN = 0.1
#: Share of the wanted gap that the convex problem of a node may leave open.
INNER = 0.02
#: Times that a box is bounded and shrunk before it is cut.
ROUNDS = 4
#: Share of an interval left from which another round is not worth it.
WORTHWHILE = 0.8
#: Starts of the first ascent where the user names no number.
STARTS = 2
_REPORT_EVERY = 0.2


class GlobalProbability(Solver):
    """Branch and bound for the completion probability, anytime, with a rigorous upper bound.

    Each node is a box of cumulative works. There the chance that a worker finishes a level is
    replaced by its least log-concave majorant, which makes ``log P`` concave
    (:mod:`cgcopt.solvers._log_concavity`) and the node a convex problem; a linearisation at its
    solution is maximised exactly over the designs of the box
    (:mod:`cgcopt.solvers._conditional_bound`). The majorants differ from the truth only on levels so
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

    def prepare(self, problem: Problem, level: Level) -> None:
        """Import what the search needs."""
        import scipy.optimize
        import scipy.special  # noqa: F401

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Search until the gap is proven or time is up."""
        assert isinstance(problem.objective, CompletionProbability)
        clock = Clock.started(options.time_limit)
        # The search itself leads to the other summits, from relaxed solutions.
        given = replace(options, progress=None, starts=options.starts or STARTS)
        first = OptimalProbability().solve(problem, level, given)
        assert first.partition is not None
        search = _Search(problem, problem.objective.deadline, options, clock)
        search.offer(first.partition, first.residual)
        if search.log_value < SMALLEST:
            return search.unlikely()
        termination = search.run()
        return search.outcome(termination, int(first.details["starts"]))


@dataclass(frozen=True, eq=False)
class _Node:
    relaxation: Relaxation
    log_bound: float = math.inf
    summit: Points | None = None


@dataclass(eq=False)
class _Search:
    problem: Problem
    deadline: float
    options: Options
    clock: Clock
    log_value: float = -math.inf
    complement: float = 1.0
    partition: FloatArray | None = None
    residual: float | None = None
    open: list[tuple[float, int, _Node]] = field(default_factory=list)
    settled: float = -math.inf
    root_bound: float = math.inf
    nodes: int = 0
    steps: int = 0
    improvements: int = 0
    reported: float = 0.0

    def __post_init__(self) -> None:
        times = self.problem.system.worker_times
        assert isinstance(times, ContinuousTimes)
        self.times = times
        self.speeds = Speeds.of(self.problem.system, self.deadline)
        self.order = itertools.count()

    @property
    def log_bound(self) -> float:
        """Upper bound on ``log P`` of every design."""
        first = -self.open[0][0] if self.open else -math.inf
        bound = max(first, self.settled)
        if bound < self.log_value - CONTRADICTION:
            raise SolverError(
                f"the bound exp({bound}) lies below the value exp({self.log_value}) of a design"
            )
        return min(max(bound, self.log_value), 0.0)

    @property
    def target(self) -> float:
        """Bound on ``log P`` at which the search is over."""
        allowed = -math.log1p(-self.options.gap)
        share = self.options.raw_option("complement_gap", None)
        if share is not None:
            least = self.complement * (1.0 - float(share))
            allowed = min(allowed, math.log1p(-least) - self.log_value)
        return self.log_value + max(allowed, FINEST * min(1.0, abs(self.log_value)))

    def offer(self, partition: FloatArray, residual: float | None = None) -> None:
        """Take note of a design."""
        found = self._value(partition)
        assert found.log_value is not None
        assert found.complement is not None
        if self.partition is None or found.log_value > self.log_value:
            self.partition, self.residual = partition, residual
            self.log_value, self.complement = found.log_value, found.complement

    def run(self) -> TerminationCondition:
        """Branch until the bound meets the target."""
        limit = self.options.raw_option("nodes", math.inf)
        self._start()
        while self.open and -self.open[0][0] > self.target:
            if self.clock.expired:
                return TerminationCondition.TIME_LIMIT
            if self.nodes >= limit:
                return TerminationCondition.ITERATION_LIMIT
            self._report()
            _, _, node = heapq.heappop(self.open)
            self._branch(node)
        proven = self.log_bound <= self.target
        return TerminationCondition.OPTIMAL if proven else TerminationCondition.ITERATION_LIMIT

    def outcome(self, termination: TerminationCondition, starts: int) -> Outcome:
        """Hand over the best design and the bound."""
        assert self.partition is not None
        barrier = hazard_barrier(self.times)
        speed = work_of_partition(self.partition) * self.problem.system.unit / self.deadline
        return Outcome(
            termination,
            partition=self.partition,
            bound=math.exp(self.log_bound),
            certificate=Certificate.BRANCH_AND_BOUND,
            residual=self.residual,
            details={
                "nodes": self.nodes,
                "newton_steps": self.steps,
                "open": len(self.open),
                "root_bound": math.exp(min(self.root_bound, 0.0)),
                "log_bound": self.log_bound,
                "complement_bound": -math.expm1(self.log_bound),
                "barrier": barrier,
                "fast_levels": int(np.count_nonzero(speed > barrier)),
                "starts": starts,
                "improvements": self.improvements,
            },
        )

    def unlikely(self) -> Outcome:
        """No design is likely: ``P <= N P(one worker finishes the last level)``, and ``w >= L`` there."""
        once = float(self.times.cdf(1.0 / self.speeds.budget))
        bound = min(self.problem.system.workers * once * (1.0 + 1e-9), 1.0)
        return Outcome(
            TerminationCondition.CONVERGED,
            partition=self.partition,
            bound=bound,
            certificate=Certificate.BRANCH_AND_BOUND if bound < 1.0 else Certificate.TRIVIAL,
            residual=self.residual,
            message="the probability is too small for more than a union bound" if bound else "",
            details={"nodes": 0},
        )

    def _start(self) -> None:
        """Bound all designs that could be better than the best one known."""
        system = self.problem.system
        box = root_box(system, self.speeds, self.log_value, self.complement)
        self.settled = self.log_value
        if box is None:
            return
        self.envelope = Envelope.of(self.times, float(box.upper[-1]))
        every = range(system.workers)
        majorant = self.envelope.on(box, every, self.envelope.empty(system.workers))
        assert self.partition is not None
        speed = work_of_partition(self.partition) * system.unit / self.deadline
        self._bound(box, majorant, speed, math.inf, enough=-math.inf)
        self.root_bound = self.log_bound

    def _branch(self, node: _Node) -> None:
        """Cut the box where the majorants cost most, and bound both parts."""
        assert node.summit is not None
        relaxation, summit = node.relaxation, node.summit
        box = relaxation.box
        cost = self.envelope.excess(relaxation.majorant, summit.speed) * summit.weight
        level = int(np.argmax(cost))
        if not cost[level] > 0.0:  # nothing but rounding and unfinished Newton steps
            self.settled = max(self.settled, node.log_bound)
            return
        low, high = float(box.lower[level]), float(box.upper[level])
        margin = MARGIN * (high - low)
        at = min(max(float(summit.speed[level]), low + margin), high - margin)
        for part in box.split(level, at):
            tight = self.speeds.tightened(part)
            if tight is None:
                continue
            changed = (tight.lower != box.lower) | (tight.upper != box.upper)
            levels = np.flatnonzero(changed).tolist()
            majorant = self.envelope.on(tight, levels, relaxation.majorant)
            self._bound(tight, majorant, summit.speed, node.log_bound, enough=self.target)

    def _bound(
        self, box: Box, majorant: Majorant, start: FloatArray, known: float, *, enough: float
    ) -> None:
        """Bound a box and keep it for branching where that does not settle it."""
        self.nodes += 1
        node = _Node(Relaxation(self.envelope, majorant, box, self.speeds))
        for left in reversed(range(ROUNDS)):
            relaxed = conditional_bound(
                node.relaxation,
                start,
                enough=enough,
                tolerance=INNER * (self.target - self.log_value),
            )
            self.steps += relaxed.steps
            known, start = min(relaxed.log_bound, known), relaxed.point.speed
            node = replace(node, log_bound=known, summit=relaxed.point)
            self._climb(start)
            if known <= self.target:
                self.settled = max(self.settled, known)
                return
            smaller = self._shrunk(node) if left else node
            if smaller is None:
                return
            if smaller is node:
                break
            node = smaller
        heapq.heappush(self.open, (-known, next(self.order), node))

    def _shrunk(self, node: _Node) -> _Node | None:
        """Cut off what is settled: a node worth another round, the same node, or nothing left."""
        assert node.summit is not None
        box = node.relaxation.box
        smaller, beyond = without_slices(node.relaxation, node.summit, enough=self.target)
        tight = self.speeds.tightened(smaller)
        if tight is None:
            self.settled = max(self.settled, beyond)
            return None
        changed = (tight.lower != box.lower) | (tight.upper != box.upper)
        shares = (tight.upper - tight.lower)[changed] / (box.upper - box.lower)[changed]
        if shares.min(initial=1.0) > WORTHWHILE:
            return node
        self.settled = max(self.settled, beyond)
        levels = np.flatnonzero(changed).tolist()
        majorant = self.envelope.on(tight, levels, node.relaxation.majorant)
        return _Node(Relaxation(self.envelope, majorant, tight, self.speeds))

    def _climb(self, speed: FloatArray) -> None:
        """Climb from the relaxed solution if it is a better design than the best one known."""
        system = self.problem.system
        shares = np.maximum(partition_of_work(np.maximum.accumulate(speed)), 0.0)
        shares /= shares.sum()
        found = self._value(shares * system.coordinates)
        assert found.log_value is not None
        if found.log_value <= self.log_value + 0.1 * (self.target - self.log_value):
            return
        summit = ascend(
            system,
            self.deadline,
            shares,
            tolerance=RESIDUAL,
            stop=lambda: self.clock.expired,
        )
        self.offer(summit.point.x * system.coordinates, summit.point.residual)
        self.improvements += 1

    def _value(self, partition: FloatArray) -> Evaluation:
        work = work_of_partition(partition)
        return completion_probability(self.problem.system, work, self.deadline)

    def _report(self) -> None:
        now = time.perf_counter()
        if now - self.reported < _REPORT_EVERY:
            return
        self.reported = now
        whole = math.log(max(self.root_bound - self.log_value, FINEST))
        wanted = math.log(self.target - self.log_value)
        here = math.log(max(self.log_bound - self.log_value, FINEST))
        share = (whole - here) / (whole - wanted) if whole > wanted else 1.0
        bound, value = math.exp(self.log_bound), math.exp(self.log_value)
        self.options.report(
            min(max(share, 0.0), 1.0),
            f"value {value:.9g}, bound {bound:.9g}, {self.nodes} nodes",
        )
