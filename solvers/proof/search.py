"""Branch and bound over boxes of speeds, best bound first, for one deadline."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.design import partition_of_work, work_of_partition
from cgcopt.errors import SolverError
from cgcopt.evaluation.density.probability import completion_probability
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.result import Probability
from cgcopt.options import Options
from cgcopt.process.incumbents import keep_design
from cgcopt.settings import count, number, read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.probability.newton import ascend
from cgcopt.solvers.proof.box_slices import without_slices
from cgcopt.solvers.proof.conditional_bound import conditional_bound
from cgcopt.solvers.proof.log_concave_envelope import Envelope
from cgcopt.solvers.proof.relaxation import Points, Relaxation
from cgcopt.solvers.proof.speed_box import Box, Speeds, root_box
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes

__all__ = ["PROOF", "ProofSettings", "Search", "SearchSettings"]


@dataclass(frozen=True)
class ProofSettings:
    """Tuning numbers of :class:`Search`, chosen without a recorded measurement."""

    finest: float = 1e-10
    """Smallest difference in ``log P`` that is still worth proving; relative where that is small."""
    smallest: float = -600.0
    """Below this ``log P`` thresholds leave the range of doubles."""
    contradiction: float = 1e-9
    """Difference in ``log P``, relative where that is small, by which a bound below the value of a
    known design is an error of the method."""
    residual: float = 1e-6
    """Stationarity residual of the designs that are climbed to."""
    margin: float = 0.4
    """Share of an interval that a cut leaves on either side at least."""
    inner: float = 0.02
    """Share of the wanted gap that the convex problem of a node may leave open."""
    rounds: int = 8
    """Times that a box is bounded and shrunk before it is cut."""
    worthwhile: float = 0.9
    """Share of an interval left from which another round is not worth it."""
    climbed: float = 0.1
    """Share of the wanted gap by which a design must be better to be climbed from."""
    report_every: float = 0.2
    """Seconds between two reports of progress."""


PROOF = ProofSettings()


@dataclass(frozen=True, eq=False)
class _OpenBox:
    """A box to be bounded, and the bound that it inherits."""

    relaxation: Relaxation
    log_bound: float


@dataclass(frozen=True, eq=False)
class _Node:
    """A bounded box with its relaxed maximum."""

    box: _OpenBox
    log_bound: float
    summit: Points

    @property
    def relaxation(self) -> Relaxation:
        return self.box.relaxation


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
        self.times = times_as(ContinuousTimes, self.system, "a proof needs a density, not")
        self.speeds = Speeds.of(self.system, self.deadline)
        self.order = itertools.count()
        given = read_settings(SearchSettings, self.options.raw)
        self.most_nodes = math.inf if given.nodes is None else given.nodes
        self.complement_gap = given.complement_gap

    @property
    def best(self) -> FloatArray:
        """The partition of the best design."""
        if self.partition is None:
            raise SolverError("no design was offered to the proof")
        return self.partition

    @property
    def log_bound(self) -> float:
        """Upper bound on ``log P`` of every design."""
        first = -self.open[0][0] if self.open else -math.inf
        bound = max(first, self.settled)
        if bound < self.log_value - PROOF.contradiction * min(1.0, abs(self.log_value)):
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
        return max(allowed, PROOF.finest * min(1.0, abs(self.log_value)))

    @property
    def finished(self) -> bool:
        """Whether nothing is left that could hold a better design."""
        return not self.open or -self.open[0][0] <= self.target

    def offer(self, partition: FloatArray, residual: float | None = None) -> None:
        """Take note of a design."""
        found = self._value(partition)
        if found.log_value > self.log_value or self.partition is None:
            self.partition, self.residual = partition, residual
            keep_design(partition)
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
        speed = work_of_partition(self.best) * system.unit / self.deadline
        root = _OpenBox(Relaxation(self.envelope, majorant, box, self.speeds), math.inf)
        self._bound(root, speed, enough=-math.inf)
        self.root_bound = self.log_bound

    def _branch(self, node: _Node) -> None:
        """Cut the box where the majorants cost most, and bound both parts."""
        relaxation, summit = node.relaxation, node.summit
        cost = self.envelope.excess(relaxation.majorant, summit.speed) * summit.weight
        level = int(np.argmax(cost))
        if not cost[level] > 0.0:  # nothing but rounding and unfinished Newton steps
            self.settled = max(self.settled, node.log_bound)
            return
        low, high = float(relaxation.box.lower[level]), float(relaxation.box.upper[level])
        margin = PROOF.margin * (high - low)
        at = min(max(float(summit.speed[level]), low + margin), high - margin)
        for part in relaxation.box.split(level, at):
            tight = self.speeds.tightened(part)
            if tight is not None:
                self._bound(self._relaxed_again(tight, node), summit.speed, enough=self.target)

    def _bound(self, open_box: _OpenBox, start: FloatArray, *, enough: float) -> None:
        """Bound a box, shrink it while that is worthwhile, and keep what is left for branching."""
        self.nodes += 1
        for left in reversed(range(PROOF.rounds)):
            node = self._bounded(open_box, start, enough)
            start = node.summit.speed
            self._climb(start)
            if node.log_bound <= self.target:
                self.settled = max(self.settled, node.log_bound)
                return
            if not left or self.clock.expired:
                break
            shrunk = self._shrunk(node)
            if shrunk is None:
                return
            if shrunk is node.box:
                break
            open_box = shrunk
        heapq.heappush(self.open, (-node.log_bound, next(self.order), node))

    def _bounded(self, open_box: _OpenBox, start: FloatArray, enough: float) -> _Node:
        """The box with its relaxed maximum and the better of its new and its inherited bound."""
        relaxed = conditional_bound(
            open_box.relaxation, start, enough=enough, tolerance=PROOF.inner * self.allowance
        )
        self.steps += relaxed.steps
        bound = min(relaxed.log_bound, open_box.log_bound)
        return _Node(open_box, bound, relaxed.point)

    def _shrunk(self, node: _Node) -> _OpenBox | None:
        """Cut off what is settled: a box worth another round, the same box, or nothing left."""
        box = node.relaxation.box
        smaller, beyond = without_slices(node.relaxation, node.summit, enough=self.target)
        tight = self.speeds.tightened(smaller)
        if tight is None:
            self.settled = max(self.settled, beyond)
            return None
        changed = _changed(tight, box)
        shares = (tight.upper - tight.lower)[changed] / (box.upper - box.lower)[changed]
        if shares.min(initial=1.0) > PROOF.worthwhile:
            return node.box
        self.settled = max(self.settled, beyond)
        return self._relaxed_again(tight, node)

    def _relaxed_again(self, tight: Box, node: _Node) -> _OpenBox:
        """A box inside a node's: majorants anew where it is smaller, the node's bound."""
        relaxation = node.relaxation
        levels = np.flatnonzero(_changed(tight, relaxation.box)).tolist()
        majorant = self.envelope.on(tight, levels, relaxation.majorant)
        return _OpenBox(Relaxation(self.envelope, majorant, tight, self.speeds), node.log_bound)

    def _climb(self, speed: FloatArray) -> None:
        """Climb from the relaxed solution if it is a better design than the best one known."""
        system = self.system
        shares = np.maximum(partition_of_work(np.maximum.accumulate(speed)), 0.0)
        shares /= shares.sum()
        found = self._value(shares * system.coordinates)
        if found.log_value <= self.log_value + PROOF.climbed * self.allowance:
            return
        summit = ascend(
            system,
            self.deadline,
            shares,
            tolerance=PROOF.residual,
            stop=lambda: self.clock.expired,
        )
        self.offer(summit.point.x * system.coordinates, summit.point.residual)
        self.improvements += 1

    def _value(self, partition: FloatArray) -> Probability:
        work = work_of_partition(partition)
        return completion_probability(self.system, work, self.deadline)

    def _report(self) -> None:
        now = time.perf_counter()
        if now - self.reported < PROOF.report_every:
            return
        self.reported = now
        whole = math.log(max(self.root_bound - self.log_value, PROOF.finest))
        wanted = math.log(self.allowance)
        here = math.log(max(self.log_bound - self.log_value, PROOF.finest))
        share = (whole - here) / (whole - wanted) if whole > wanted else 1.0
        bound, value = math.exp(self.log_bound), math.exp(self.log_value)
        self.options.report(
            min(max(share, 0.0), 1.0),
            f"value {value:.9g}, bound {bound:.9g}, {self.nodes} nodes",
        )


def _changed(box: Box, within: Box) -> BoolArray:
    """Levels on which a box is smaller than the one that it lies in."""
    return np.asarray((box.lower != within.lower) | (box.upper != within.upper))
