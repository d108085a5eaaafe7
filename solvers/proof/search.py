"""Branch and bound over boxes of speeds, best bound first, for one deadline."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import partition_of_work, work_of_partition
from cgcopt.errors import SolverError
from cgcopt.evaluation.density.probability import completion_probability
from cgcopt.evaluation.result import Probability
from cgcopt.options import Options
from cgcopt.settings import count, number, read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.probability.newton import ascend
from cgcopt.solvers.proof.box_slices import without_slices
from cgcopt.solvers.proof.conditional_bound import conditional_bound
from cgcopt.solvers.proof.log_concave_envelope import Envelope, Majorant
from cgcopt.solvers.proof.relaxation import Points, Relaxation
from cgcopt.solvers.proof.speed_box import Box, Speeds, root_box
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes

__all__ = ["FINEST", "SMALLEST", "Search"]

#: Smallest difference in ``log P`` that is still worth proving.
FINEST = 1e-10
#: Below this ``log P`` thresholds leave the range of doubles.
SMALLEST = -600.0
#: Bounds below the value of a known design by more than this would be an error of the method;
#: relative to ``log P`` where that is small.
CONTRADICTION = 1e-9
#: Stationarity residual of the designs that are climbed to.
RESIDUAL = 1e-6
#: Share of an interval that a cut leaves on either side at least.
MARGIN = 0.4
#: Share of the wanted gap that the convex problem of a node may leave open.
INNER = 0.02
#: Times that a box is bounded and shrunk before it is cut.
ROUNDS = 8
#: Share of an interval left from which another round is not worth it.
WORTHWHILE = 0.9
_REPORT_EVERY = 0.2


@dataclass(frozen=True, eq=False)
class _Node:
    relaxation: Relaxation
    log_bound: float = math.inf
    summit: Points | None = None


@dataclass(frozen=True)
class SearchSettings:
    """Raw options of ``global``."""

    nodes: int | None = count(None)
    """Boxes that are bounded at most; no limit by default."""
    complement_gap: float | None = number(None, above=0, below=1)
    """Relative gap of ``1 - P`` that is to be closed too; by default that of ``P`` is enough."""


@dataclass(eq=False)
class Search:
    """Search for designs that beat a value, and bound all designs.

    Attributes
    ----------
    system, deadline : System, float
        With continuous worker times; seconds.
    options, clock : Options, Clock
        ``gap``, the raw options and when to stop.
    partition : ndarray, optional
        Best design known, shape ``(N,)``; only a start where ``log_value`` is given.
    log_value, complement : float
        ``log P`` and ``1 - P`` that designs are to beat.
    residual : float, optional
        Stationarity residual of the best design.
    settled : float
        Bound on ``log P`` in everything that was discarded.
    root_bound, nodes, steps, improvements
        Bound before branching, boxes, Newton steps, better designs met.
    """

    system: System
    deadline: float
    options: Options
    clock: Clock
    partition: FloatArray | None = None
    log_value: float = -math.inf
    complement: float = 1.0
    residual: float | None = None
    open: list[tuple[float, int, _Node]] = field(default_factory=list)
    settled: float = -math.inf
    root_bound: float = math.inf
    nodes: int = 0
    steps: int = 0
    improvements: int = 0
    reported: float = 0.0

    def __post_init__(self) -> None:
        times = self.system.worker_times
        assert isinstance(times, ContinuousTimes)
        self.times = times
        self.speeds = Speeds.of(self.system, self.deadline)
        self.order = itertools.count()
        given = read_settings(SearchSettings, self.options.raw)
        self.most_nodes = math.inf if given.nodes is None else given.nodes
        self.complement_gap = given.complement_gap

    @property
    def log_bound(self) -> float:
        """Upper bound on ``log P`` of every design."""
        first = -self.open[0][0] if self.open else -math.inf
        bound = max(first, self.settled)
        if bound < self.log_value - CONTRADICTION * min(1.0, abs(self.log_value)):
            raise SolverError(
                f"the bound exp({bound}) lies below the value exp({self.log_value}) of a design"
            )
        return min(max(bound, self.log_value), 0.0)

    @property
    def target(self) -> float:
        """Bound on ``log P`` at which the search is over."""
        return self.log_value + self.allowance

    @property
    def floor(self) -> float:
        """Bound on ``log P`` of the designs outside the root box."""
        return self.log_value

    @property
    def allowance(self) -> float:
        """Difference of bound and value in ``log P`` that may stay open."""
        allowed = -math.log1p(-self.options.gap)
        if self.complement_gap is not None:
            least = self.complement * (1.0 - self.complement_gap)
            allowed = min(allowed, math.log1p(-least) - self.log_value)
        return max(allowed, FINEST * min(1.0, abs(self.log_value)))

    @property
    def finished(self) -> bool:
        """Whether nothing is left that could hold a better design."""
        return not self.open or -self.open[0][0] <= self.target

    def offer(self, partition: FloatArray, residual: float | None = None) -> None:
        """Take note of a design."""
        found = self._value(partition)
        if found.log_value > self.log_value or self.partition is None:
            self.partition, self.residual = partition, residual
            self.log_value, self.complement = found.log_value, found.complement

    def run(self) -> TerminationCondition:
        """Branch until the bound meets the target; the raw option ``nodes`` limits the boxes."""
        self._start()
        while not self.finished:
            if self.clock.expired:
                return TerminationCondition.TIME_LIMIT
            if self.nodes >= self.most_nodes:
                return TerminationCondition.ITERATION_LIMIT
            self._report()
            _, _, node = heapq.heappop(self.open)
            self._branch(node)
        proven = self.log_bound <= self.target
        return TerminationCondition.OPTIMAL if proven else TerminationCondition.ITERATION_LIMIT

    def _start(self) -> None:
        """Bound all designs that could be better than the best one known."""
        system = self.system
        self.settled = self.floor
        box = root_box(system, self.speeds, self.log_value, self.complement)
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
                tolerance=INNER * self.allowance,
            )
            self.steps += relaxed.steps
            known, start = min(relaxed.log_bound, known), relaxed.point.speed
            node = replace(node, log_bound=known, summit=relaxed.point)
            self._climb(start)
            if known <= self.target:
                self.settled = max(self.settled, known)
                return
            smaller = self._shrunk(node) if left and not self.clock.expired else node
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
        system = self.system
        shares = np.maximum(partition_of_work(np.maximum.accumulate(speed)), 0.0)
        shares /= shares.sum()
        found = self._value(shares * system.coordinates)
        if found.log_value <= self.log_value + 0.1 * self.allowance:
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

    def _value(self, partition: FloatArray) -> Probability:
        work = work_of_partition(partition)
        return completion_probability(self.system, work, self.deadline)

    def _report(self) -> None:
        now = time.perf_counter()
        if now - self.reported < _REPORT_EVERY:
            return
        self.reported = now
        whole = math.log(max(self.root_bound - self.log_value, FINEST))
        wanted = math.log(self.allowance)
        here = math.log(max(self.log_bound - self.log_value, FINEST))
        share = (whole - here) / (whole - wanted) if whole > wanted else 1.0
        bound, value = math.exp(self.log_bound), math.exp(self.log_value)
        self.options.report(
            min(max(share, 0.0), 1.0),
            f"value {value:.9g}, bound {bound:.9g}, {self.nodes} nodes",
        )
