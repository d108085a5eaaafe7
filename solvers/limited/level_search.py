"""Branch and bound over sets of used levels.

A node is a box of level sets (:class:`~cgcopt.solvers.limited.cut_pool.LevelBox`). Its relaxation
allows all levels of the box at once: a convex problem, bounded by the linear program over all cuts
met so far, of any node, and by those of its own. A box with one set is minimised to the end.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.limited.boundary_search import BoundarySearch
from cgcopt.solvers.limited.cut_pool import CutPool, LevelBox
from cgcopt.solvers.limited.drawn import DrawnRuntime
from cgcopt.solvers.limited.face_minimum import minimise_face
from cgcopt.solvers.limited.faces import Face
from cgcopt.solvers.limited.oracle import RuntimeCuts

__all__ = ["LevelSearch"]


@dataclass(frozen=True)
class LevelSearchTuning:
    """Numbers of the branch and bound over level sets; no measurement of them is on record."""

    steps: int = 60
    """Evaluations of one level set at most."""
    few_sets: int = 60
    """Level sets, at most, that are minimised one by one."""
    spread: float = 0.02
    """Share that counts as spread evenly over the levels of a block when one is divided."""


_TUNING = LevelSearchTuning()


@dataclass
class _LeafIncumbent(Incumbent):
    """Ends a minimisation also when the set turns out not to be the best one."""

    cutoff: float = np.inf

    @property
    def closed(self) -> bool:
        """Whether the gap is at most the target or the bound beyond the cutoff."""
        return self.bound >= self.cutoff or self.gap <= self.target


@dataclass(eq=False)
class Node:
    """A box of level sets, its bound, the cuts that prove it and where the relaxation has its shares."""

    bound: float
    box: LevelBox
    active: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    shares: FloatArray | None = None
    fresh: bool = False

    def __lt__(self, other: Node) -> bool:
        return self.bound < other.bound


@dataclass(eq=False)
class LevelSearch:
    """Finds the best level set of at most ``blocks`` levels.

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
    """The least bound of a box that was done with."""
    _tried: set[tuple[int, ...]] = field(default_factory=set)
    _pool: CutPool | None = None

    def run(self) -> None:
        """Search until the gap is closed or the time is over."""
        heap = [Node(-np.inf, box) for box in self.roots()]
        for node in heap:
            if not node.box.single:
                self.seed(node)
        if not self.cuts.cuts:
            self.minimise_set(heap[0].box.low)
        while heap and not self.clock.expired:
            node = heapq.heappop(heap)
            self.note(min(node.bound, self.settled))
            if node.bound >= self.cutoff:
                heapq.heappush(heap, node)
                break
            children = self.processed(node)
            if not children:
                self.settled = min(self.settled, node.bound)
            for child in children:
                heapq.heappush(heap, child)
        left = heap[0].bound if heap else self.cutoff
        self.note(min(left, self.settled))

    @property
    def cutoff(self) -> float:
        """Bound from which a box cannot improve the best design by more than the gap."""
        return self.incumbent.value * (1.0 - self.incumbent.target)

    @property
    def pool(self) -> CutPool:
        """All cuts so far."""
        if self._pool is None:
            self._pool = CutPool(self.levels, self.cuts.system.costs.startup, self.least)
        for cut in self.cuts.cuts[self._pool.count :]:
            self._pool.add(cut)
        return self._pool

    def note(self, bound: float) -> None:
        """Take note of a bound of all boxes that are left."""
        self.incumbent.bound = max(self.incumbent.bound, min(bound, self.incumbent.value))

    def roots(self) -> list[LevelBox]:
        """Boxes with all sets. Without messages and least shares a set counts for its subsets."""
        most = min(self.blocks, self.levels.size)
        fewer = self.least > 0.0 or self.cuts.system.costs.per_message > 0.0
        boxes: list[LevelBox] = []
        for k in range(1 if fewer else most, most + 1):
            if comb(self.levels.size, k) > _TUNING.few_sets:
                boxes.append(LevelBox.whole(self.levels.size, k))
            else:
                sets = combinations(range(self.levels.size), k)
                boxes += [LevelBox(chosen, chosen) for chosen in sets]
        return boxes

    def seed(self, node: Node) -> None:
        """A first design: the levels with the largest shares of the relaxed problem."""
        shares = self.relaxed(node, rough=False)
        chosen = np.sort(np.argsort(-shares)[: len(node.box.low)])
        self.minimise_set(tuple(chosen.tolist()))

    def processed(self, node: Node) -> list[Node]:
        """Bound a box more closely; return what is left of it."""
        self.nodes += 1
        box, workers = node.box, self.cuts.system.workers
        self.bound(node)
        if node.bound >= self.cutoff:
            return []
        if box.single:
            self.minimise_set(box.low)
            self.bound(node)
            if node.bound < self.cutoff and self.ends is not None:
                face = Face.used(self.levels[list(box.low)], workers, self.least)
                ends = BoundarySearch(self.cuts, face, self.ends, self.incumbent, self.clock)
                node.bound = max(node.bound, ends.run())
            return []
        if node.shares is None or not node.fresh:
            self.relaxed(node)
            self.bound(node)
            if node.bound >= self.cutoff:
                return []
        self.round(node)
        if node.bound >= self.cutoff:
            return []
        return [Node(node.bound, part, node.active, node.shares) for part in self.split(node)]

    def bound(self, node: Node) -> None:
        """Bound a box by the cuts that matter there."""
        point = self.pool.solve(node.box, node.active, self.cutoff)
        node.bound = max(node.bound, point.bound)
        node.active, node.shares = point.active, point.shares

    def relaxed(self, node: Node, *, rough: bool = True) -> FloatArray:
        """Evaluate about the minimum of the relaxation, which allows all levels of the box."""
        box, workers = node.box, self.cuts.system.workers
        union = box.union
        messages = np.zeros(workers)
        messages[self.levels[list(box.high)]] = 1.0
        face = Face(self.levels[union], messages)
        share, _ = self.drawn.minimise(face, rough=rough)
        face.point(self.cuts, share)
        shares = np.zeros(self.levels.size)
        shares[union] = share
        node.shares, node.fresh = shares, True
        node.active = np.union1d(node.active, [len(self.cuts.cuts) - 1])
        return shares

    def round(self, node: Node) -> None:
        """Minimise over the set in the box with the largest shares, if it may be better."""
        assert node.shares is not None
        chosen: list[int] = []
        for low, high in zip(node.box.low, node.box.high, strict=True):
            first = max(low, chosen[-1] + 1) if chosen else low
            chosen.append(first + int(np.argmax(node.shares[first : high + 1])))
        rounded = tuple(chosen)
        if rounded in self._tried:
            return
        single = Node(node.bound, LevelBox(rounded, rounded), node.active)
        self.bound(single)
        if single.bound < self.cutoff:
            self.minimise_set(rounded)

    def split(self, node: Node) -> list[LevelBox]:
        """Divide the block whose level is least certain."""
        box, shares = node.box, node.shares
        assert shares is not None
        best, block, at = -1.0, 0, 0
        for j, (low, high) in enumerate(zip(box.low, box.high, strict=True)):
            if low == high:
                continue
            level = np.arange(low, high + 1)
            mass = shares[low : high + 1] + _TUNING.spread / level.size
            mean = float(mass @ level / mass.sum())
            spread = float(mass @ np.abs(level - mean))
            if spread > best:
                best, block, at = spread, j, min(max(int(mean), low), high - 1)
        return box.split(block, at)

    def minimise_set(self, chosen: tuple[int, ...]) -> None:
        """Minimise over one level set, as far as it may be the best."""
        self._tried.add(chosen)
        self.sets += 1
        face = Face.used(self.levels[list(chosen)], self.cuts.system.workers, self.least)
        best = _LeafIncumbent(self.incumbent.target / 4.0, cutoff=self.cutoff)
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
            counts = np.cumsum(best.partition[face.levels])
            BoundarySearch(self.cuts, face, self.ends, self.incumbent, self.clock).offer(counts)
