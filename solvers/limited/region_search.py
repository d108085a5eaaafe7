"""Branch and bound over sets of used levels and over the places at which blocks end.

A node is a region (:class:`~cgcopt.solvers.limited.level_box.Region`): a box of level sets, and between
which boundaries blocks end. Its relaxation allows all levels of the box at once and ends anywhere
between: a convex problem, bounded by the linear program over all cuts met so far, of any node. The
minimum of the program is evaluated and leaves a cut of its own, as long as that may settle the node
(Kelley's method, once for the whole tree: Quesada and Grossmann, Computers and Chemical Engineering 16,
1992). One level set is minimised by quasi-Newton steps where it may hold the best design.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import work_of_partition
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.limited.drawn import DrawnRuntime
from cgcopt.solvers.limited.ends import snapped
from cgcopt.solvers.limited.face_minimum import minimise_face
from cgcopt.solvers.limited.faces import Face
from cgcopt.solvers.limited.level_box import LevelBox, Region
from cgcopt.solvers.limited.master import Master, MasterPoint
from cgcopt.solvers.limited.oracle import RuntimeCuts
from cgcopt.solvers.limited.restricted import best_levels

__all__ = ["RegionSearch"]


@dataclass(frozen=True)
class RegionSearchTuning:
    """Numbers of the branch and bound."""

    steps: int = 60
    """Evaluations of one level set at most."""
    few_sets: int = 60
    """Level sets, at most, that are nodes of their own from the start."""
    spread: float = 0.02
    """Share that counts as spread evenly over the levels of a block when one is divided."""
    most: int = 2
    """Evaluations at one node at most."""
    most_tried: int = 3
    """Evaluations of a level set at most before it is minimised by quasi-Newton steps."""
    in_vain: int = 10
    """Level sets without success in a row after which they are tried seldom."""
    seldom: int = 5
    """Nodes between two level sets that are tried after that."""
    most_single: int = 40
    """Evaluations at a node with nothing left to divide."""
    above: float = 0.3
    """Share of what is left to the cutoff: a value that much above the cuts asks for one more."""
    close: float = 0.15
    """Share of what is left to the cutoff: a value that little above the cuts leaves the parts of a
    node without evaluation."""
    bracket: float = 0.1
    """Width of a bracket where a sum is long, as a share of what is left to the cutoff."""
    first_gap: float = 0.01
    """Relative gap that counts as left, at most."""
    candidates: int = 4
    """Ends of blocks that are tried before a region is divided at one of them."""
    finer: float = 4.0
    """Factor by which one level set is minimised to a smaller gap than is wanted of the whole."""
    least_rise: float = 1e-5
    """What counts as a rise of a bound at the least, relatively, when two of them are multiplied."""


_TUNING = RegionSearchTuning()


@dataclass
class _LeafIncumbent(Incumbent):
    """Ends a minimisation also when the set turns out not to be the best one."""

    cutoff: float = np.inf

    @property
    def closed(self) -> bool:
        """Whether the gap is at most the target or the bound beyond the cutoff."""
        return self.bound >= self.cutoff or self.gap <= self.target


@dataclass(eq=False)
class _Node:
    bound: float
    region: Region
    close: bool = False
    """Whether the cuts were close to the value at the minimum of its parent node."""

    def __lt__(self, other: _Node) -> bool:
        return self.bound < other.bound


@dataclass(eq=False)
class RegionSearch:
    """Finds the best design within limits.

    Parameters
    ----------
    cuts : RuntimeCuts
        Evaluates designs.
    drawn : DrawnRuntime
        Says where to look.
    levels : ndarray of int
        Allowed levels.
    blocks : int
        Levels used at most.
    least : float
        Share that a used level carries at least.
    incumbent : Incumbent
        Receives designs and the bound.
    clock : Clock
        When to stop.
    kinks : bool
        Whether the expected runtime has kinks.
    ends : ndarray, optional
        Boundaries at which blocks have to end, shares from 0 to 1.
    """

    cuts: RuntimeCuts
    drawn: DrawnRuntime
    levels: IntArray
    blocks: int
    least: float
    incumbent: Incumbent
    clock: Clock
    kinks: bool = False
    ends: FloatArray | None = None
    nodes: int = 0
    sets: int = 0
    settled: float = np.inf
    """The least bound of the regions that need no further look."""
    _vain: int = 0
    _relaxed: FloatArray | None = None
    _tried: set[tuple[int, ...]] = field(default_factory=set)
    _seen: set[bytes] = field(default_factory=set)
    _master: Master | None = None

    def run(self) -> None:
        """Search until the gap is closed or the time is over."""
        heap = [_Node(-np.inf, Region.of(box, self.levels.size, self.ends)) for box in self.roots()]
        for blocks in sorted({len(node.region.box.low) for node in heap}):
            if not self.clock.expired or not self.cuts.cuts:
                self.seed(blocks)
        while heap and not self.clock.expired:
            node = heapq.heappop(heap)
            self.note(min(node.bound, self.settled))
            if node.bound >= self.cutoff:
                heapq.heappush(heap, node)
                break
            for child in self.processed(node):
                heapq.heappush(heap, child)
        left = heap[0].bound if heap else self.cutoff
        self.note(min(left, self.settled))

    @property
    def cutoff(self) -> float:
        """Bound from which a region cannot improve the best design by more than the gap."""
        return self.incumbent.value * (1.0 - self.incumbent.target)

    @property
    def master(self) -> Master:
        """The linear program over all cuts so far."""
        known = self.cuts.cuts
        if self._master is None:
            costs, ends = self.cuts.system.costs, self.ends
            messages = costs.per_message > 0.0
            scale = abs(known[-1].value)
            self._master = Master(self.levels, costs.startup, self.least, messages, ends, scale)
            for cut in known[: -_TUNING.steps]:
                self._master.add(cut, joins=False)
        for cut in known[self._master.count :]:
            self._master.add(cut, joins=True)
        return self._master

    @property
    def counted(self) -> bool:
        """Whether it matters how many levels are used: messages cost, or each carries a least share."""
        return self.least > 0.0 or self.cuts.system.costs.per_message > 0.0

    def note(self, bound: float) -> None:
        """Take note of a bound of all regions that are left."""
        self.incumbent.bound = max(self.incumbent.bound, min(bound, self.incumbent.value))

    def roots(self) -> list[LevelBox]:
        """Boxes with all sets. Where their number does not matter, a set counts for its subsets."""
        most = min(self.blocks, self.levels.size)
        boxes: list[LevelBox] = []
        for k in range(1 if self.counted else most, most + 1):
            if comb(self.levels.size, k) > _TUNING.few_sets:
                boxes.append(LevelBox.whole(self.levels.size, k))
            else:
                sets = combinations(range(self.levels.size), k)
                boxes += [LevelBox(chosen, chosen) for chosen in sets]
        return boxes

    def seed(self, blocks: int) -> None:
        """Evaluate about the minimum over all levels, and on the best few for its proportions."""
        if blocks == self.levels.size:
            self.minimise_set(tuple(range(blocks)))
            return
        if self._relaxed is None:
            face = Face.used(self.levels, self.cuts.system.workers)
            share, _ = self.drawn.minimise(face)
            face.evaluated(self.cuts, share)
            self._relaxed = face.partition(share)
        chosen = best_levels(work_of_partition(self._relaxed), self.levels, blocks)
        if chosen.size == blocks:
            places = tuple(np.searchsorted(self.levels, chosen).tolist())
            self.try_set(Region.of(LevelBox(places, places), self.levels.size, self.ends), chosen)

    def try_set(self, region: Region, chosen: IntArray) -> None:
        """Minimise over a level set of a region, if it is new and may be better."""
        places = tuple(np.searchsorted(self.levels, chosen).tolist())
        if places in self._tried:
            return
        single = _Node(-np.inf, Region(LevelBox(places, places), region.low, region.high))
        found = self.bounded(single, _TUNING.most_tried)
        if found is not None and single.bound < self.cutoff:
            self.minimise_set(places)

    def processed(self, node: _Node) -> list[_Node]:
        """Bound a region more closely; return what is left of it."""
        self.nodes += 1
        region, box = node.region, node.region.box
        ends = self.ends
        done = box.single and (ends is None or region.ended)
        if done and box.low not in self._tried:
            self.try_set(region, self.levels[list(box.low)])
        found = self.bounded(node, _TUNING.most_single if done else _TUNING.most)
        if found is None:
            return []
        if node.bound >= self.cutoff or done:
            self.settled = min(self.settled, node.bound)
            return []
        if box.single and ends is not None:
            parts = self.halves(region, found, ends)
        else:
            self.hopeful(region, found.shares)
            if node.bound >= self.cutoff:
                self.settled = min(self.settled, node.bound)
                return []
            boxes = box.divided(found.shares, _TUNING.spread)
            parts = [Region(part, region.low, region.high) for part in boxes]
        return [_Node(node.bound, part, node.close) for part in parts]

    def hopeful(self, region: Region, shares: FloatArray) -> None:
        """Try the set with the largest shares; seldom where many such sets have been no better."""
        if self._vain >= _TUNING.in_vain and self.nodes % _TUNING.seldom:
            return
        before = self.incumbent.value
        self.try_set(region, self.levels[list(region.box.likeliest(shares))])
        self._vain = 0 if self.incumbent.value < before else self._vain + 1

    def bounded(self, node: _Node, most: int) -> MasterPoint | None:
        """Raise the bound of a node by evaluations; ``None`` where no design is in its region."""
        if node.close and most == _TUNING.most:
            most = 0
        node.close = False
        for k in range(most + 1):
            found = self.master.solve(node.region, self.cutoff)
            if found is None:
                return None
            node.bound = max(node.bound, found.bound)
            if node.bound >= self.cutoff or k == most or self.clock.expired:
                break
            left = max(self.cutoff - found.bound, 0.0)
            wide = _TUNING.bracket * min(1.0 - found.bound / self.cutoff, _TUNING.first_gap)
            with self.cuts.bracketing(wide):
                above = self.value(node.region.box, found) - found.bound
            if self.ends is not None and node.region.box.single:
                self.offer(node.region.box.low, np.cumsum(found.shares), self.ends)
            node.close = above <= _TUNING.close * left
            if above <= _TUNING.above * left:
                break
        return found

    def value(self, box: LevelBox, point: MasterPoint) -> float:
        """Evaluate a point of the program; its cut joins the others."""
        workers = self.cuts.system.workers
        y, messages = np.zeros(workers), np.zeros(workers)
        y[self.levels] = point.shares
        if self.counted:
            messages[self.levels] = point.messages
        value = self.cuts(y, messages).value
        if self.ends is None and self.kept(box, point.shares):
            self.incumbent.offer(y, value)
        return value

    def kept(self, box: LevelBox, shares: FloatArray) -> bool:
        """Whether a point of the program keeps the limits on blocks and least shares."""
        if box.single:
            return bool(shares[shares > 0.0].min() >= self.least)
        return not self.counted and int(np.count_nonzero(shares)) <= self.blocks

    def halves(self, region: Region, found: MasterPoint, ends: FloatArray) -> list[Region]:
        """Divide the region at the end of a block, so that the bounds of both parts rise most."""
        ways = region.divisions(np.cumsum(found.shares), ends, _TUNING.candidates)
        if len(ways) == 1:
            return ways[0]
        scores = [sum(self.rise(part, found.bound) for part in parts) for parts in ways]
        return ways[int(np.argmax(scores))]

    def rise(self, part: Region, bound: float) -> float:
        """Logarithm of how much the bound of a part is above that of the whole."""
        there = self.master.solve(part, self.cutoff)
        above = (self.cutoff if there is None else min(there.bound, self.cutoff)) - bound
        return float(np.log(max(above, 0.0) / self.cutoff + _TUNING.least_rise))

    def offer(self, places: tuple[int, ...], counts: FloatArray, ends: FloatArray) -> None:
        """Evaluate the design on a level set with all ends at the nearest boundaries, if it is new."""
        chosen = self.levels[list(places)]
        rounded = snapped(counts[list(places)], ends, self.least)
        if rounded is None:
            return
        y = np.zeros(self.cuts.system.workers)
        y[chosen] = np.diff(rounded, prepend=0.0)
        if y.tobytes() in self._seen:
            return
        self._seen.add(y.tobytes())
        messages = (y > 0.0).astype(np.float64)
        if self._master is None or self.master.height(y, messages) < self.incumbent.value:
            self.incumbent.offer(y, self.cuts(y, messages).value)

    def minimise_set(self, chosen: tuple[int, ...]) -> None:
        """Minimise over one level set, as far as it may be the best."""
        self._tried.add(chosen)
        self.sets += 1
        face = Face.used(self.levels[list(chosen)], self.cuts.system.workers, self.least)
        best = _LeafIncumbent(self.incumbent.target / _TUNING.finer, cutoff=self.cutoff)
        minimise_face(
            self.cuts,
            self.drawn,
            face,
            best,
            self.clock,
            steps=_TUNING.steps,
            kinks=self.kinks,
            offered=self.incumbent if self.ends is None else None,
        )
        if self.ends is not None and best.partition is not None:
            self.offer(chosen, np.cumsum(best.partition[self.levels]), self.ends)
