"""Branch and bound over the places at which blocks end, for given levels.

Blocks end at boundaries ``0 = b_0 < ... < b_P = 1`` only. A node bounds the cumulative shares
``X_j = y_1 + ... + y_j`` by ``b_low <= X_j <= b_high``; its linear program over the cuts of the exact
expected runtime bounds every design in it, and where some ``X_j`` lies between two boundaries it is
divided there.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.limited.faces import Face
from cgcopt.solvers.limited.oracle import RuntimeCuts

__all__ = ["BoundarySearch", "snapped"]


@dataclass(frozen=True)
class BoundaryTuning:
    """Numbers of the branch and bound over ends of blocks; no measurement of them is on record."""

    on: float = 1e-9
    """Distance from a boundary, in shares, that counts as none."""
    accuracy: float = 1e-9
    """What is taken off a bound, relatively."""
    most: int = 3
    """Evaluations at one node at most."""
    above: float = 0.2
    """Share of what is left to the cutoff: a value that much above the cuts asks for one more."""


_TUNING = BoundaryTuning()


@dataclass(order=True)
class _Node:
    bound: float
    number: int
    low: IntArray = field(compare=False)
    high: IntArray = field(compare=False)


@dataclass(eq=False)
class BoundarySearch:
    """Finds the best design on the levels of a face whose blocks end at boundaries.

    Parameters
    ----------
    cuts : RuntimeCuts
        Evaluates designs.
    face : Face
        Levels, messages and least shares.
    ends : ndarray, shape (P + 1,)
        Boundaries from 0 to 1.
    incumbent : Incumbent
        Receives designs that keep all limits.
    clock : Clock
        When to stop.
    """

    cuts: RuntimeCuts
    face: Face
    ends: FloatArray
    incumbent: Incumbent
    clock: Clock
    nodes: int = 0
    settled: float = np.inf
    """The least bound of a node that was done with."""
    _seen: set[bytes] = field(default_factory=set)
    _program: _CutProgram | None = None

    def run(self) -> float:
        """Search until nothing can improve the best design; return the bound of what is left."""
        count, last = self.face.levels.size, self.ends.size - 1
        low, high = np.zeros(count, np.int64), np.full(count, last)
        low[-1] = last
        heap = [_Node(-np.inf, 0, low, high)]
        number = 1
        while heap and not self.clock.expired:
            node = heapq.heappop(heap)
            if node.bound >= self.cutoff:
                return min(node.bound, self.settled)
            for child_low, child_high, bound in self.divided(node):
                heapq.heappush(heap, _Node(bound, number, child_low, child_high))
                number += 1
        return min(heap[0].bound if heap else self.cutoff, self.settled)

    @property
    def cutoff(self) -> float:
        """Bound from which a node cannot improve the best design by more than the gap."""
        return self.incumbent.value * (1.0 - self.incumbent.target)

    @property
    def program(self) -> _CutProgram:
        """The linear program over all cuts so far."""
        if self._program is None:
            self._program = _CutProgram(self.face, self.cuts)
        self._program.update()
        return self._program

    def divided(self, node: _Node) -> list[tuple[IntArray, IntArray, float]]:
        """Bound a node more closely; return its halves, none if it is done with."""
        self.nodes += 1
        bound = node.bound
        for _ in range(_TUNING.most):
            found = self.program.solve(self.ends[node.low], self.ends[node.high])
            if found is None:
                return []
            bound, counts = max(bound, found[0]), found[1]
            if bound >= self.cutoff or self.clock.expired:
                break
            self.offer(counts)
            value = self.value(counts)
            if value <= bound + _TUNING.above * (self.cutoff - bound):
                break
        if bound >= self.cutoff:
            self.settled = min(self.settled, bound)
            return []
        place = np.searchsorted(self.ends, counts - _TUNING.on)
        place = np.clip(place, 1, self.ends.size - 1)
        below, above = self.ends[place - 1], self.ends[place]
        off = np.minimum(counts - below, above - counts)
        off[node.low == node.high] = 0.0
        j = int(off.argmax())
        if off[j] <= _TUNING.on:
            return self._at_boundaries(node, counts, bound)
        return self._halves(node, j, int(place[j]) - 1, bound)

    def _at_boundaries(
        self, node: _Node, counts: FloatArray, bound: float
    ) -> list[tuple[IntArray, IntArray, float]]:
        """The program's design keeps the boundaries: it has been offered; divide what is left."""
        wide = node.high - node.low
        if wide.max() == 0:
            return []
        j = int(wide.argmax())
        at = int(np.clip(np.abs(self.ends - counts[j]).argmin(), node.low[j], node.high[j] - 1))
        return self._halves(node, j, at, bound)

    @staticmethod
    def _halves(
        node: _Node, j: int, at: int, bound: float
    ) -> list[tuple[IntArray, IntArray, float]]:
        """The nodes with ``X_j <= b_at`` and ``X_j >= b_{at+1}``."""
        high, low = node.high.copy(), node.low.copy()
        high[: j + 1] = np.minimum(high[: j + 1], at)
        low[j:] = np.maximum(low[j:], at + 1)
        return [(node.low, high, bound), (low, node.high, bound)]

    def offer(self, counts: FloatArray) -> None:
        """Evaluate the design with all ends at the nearest boundaries, if it is new."""
        rounded = snapped(counts, self.ends, self.face.least)
        if rounded is None or rounded.tobytes() in self._seen:
            return
        self._seen.add(rounded.tobytes())
        y = np.zeros(self.face.messages.size)
        y[self.face.levels] = np.diff(rounded, prepend=0.0)
        messages = self.face.messages
        if self.face.least == 0.0 and not self.cuts.system.costs.per_message:
            messages = (y > 0.0).astype(np.float64)
        cut = self.cuts(y, messages)
        self.incumbent.offer(y, cut.value)

    def value(self, counts: FloatArray) -> float:
        """Evaluate a point of the program; its cut joins the others."""
        y = np.zeros(self.face.messages.size)
        y[self.face.levels] = np.maximum(np.diff(counts, prepend=0.0), 0.0)
        return self.cuts(y / y.sum(), self.face.messages).value


class _CutProgram:
    """``min max_j cut_j`` over cumulative shares, kept warm in HiGHS."""

    def __init__(self, face: Face, cuts: RuntimeCuts) -> None:
        import highspy

        self.face, self.cuts, self.used = face, cuts, 0
        self.scale = abs(cuts.cuts[0].value)
        count = face.levels.size
        highs: Any = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("presolve", "off")
        highs.setOptionValue("primal_feasibility_tolerance", 1e-10)
        highs.setOptionValue("dual_feasibility_tolerance", 1e-10)
        highs.addVars(
            count + 1, np.append(np.zeros(count), -np.inf), np.append(np.ones(count), np.inf)
        )
        highs.changeColCost(count, 1.0)
        highs.addRow(face.least, np.inf, 1, np.array([0], np.int32), np.array([1.0]))
        for j in range(1, count):
            pair = np.array([j - 1, j], np.int32)
            highs.addRow(face.least, np.inf, 2, pair, np.array([-1.0, 1.0]))
        self.highs = highs

    def update(self) -> None:
        """Add the cuts that are new."""
        levels, messages = self.face.levels, self.face.messages
        count = levels.size
        index = np.arange(count + 1, dtype=np.int32)
        for cut in self.cuts.cuts[self.used :]:
            g = cut.blocks[levels] / self.scale
            constant = (
                self.cuts.system.costs.startup + float(cut.messages @ messages)
            ) / self.scale
            # sum_j g_j (X_j - X_{j-1}) = sum_j (g_j - g_{j+1}) X_j, with X_k = 1 left in.
            row = np.append(g[:-1] - g[1:], g[-1])
            self.highs.addRow(constant, np.inf, count + 1, index, np.append(-row, 1.0))
        self.used = len(self.cuts.cuts)

    def solve(self, low: FloatArray, high: FloatArray) -> tuple[float, FloatArray] | None:
        """Bound and cumulative shares within limits; ``None`` where they leave no room."""
        import highspy

        count = low.size
        self.highs.changeColsBounds(count, np.arange(count, dtype=np.int32), low, high)
        self.highs.run()
        if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        bound = float(self.highs.getInfo().objective_function_value) * self.scale
        counts = np.array(self.highs.getSolution().col_value[:count])
        return bound * (1.0 - _TUNING.accuracy), np.maximum.accumulate(np.clip(counts, low, high))


def snapped(counts: FloatArray, ends: FloatArray, least: float = 0.0) -> FloatArray | None:
    """Move cumulative shares to the nearest boundaries that leave every block its least share.

    Examples
    --------
    >>> snapped(np.array([0.28, 0.5, 1.0]), np.array([0.0, 0.3, 0.45, 1.0])).tolist()
    [0.3, 0.45, 1.0]
    """
    place = np.clip(np.searchsorted(ends, counts), 1, ends.size - 1)
    nearer = counts - ends[place - 1] < ends[place] - counts
    rounded = ends[place - nearer]
    rounded[-1] = 1.0
    if least == 0.0:
        return rounded
    before = 0.0
    for j in range(rounded.size - 1):
        if rounded[j] - before < least - _TUNING.on:
            k = int(np.searchsorted(ends, before + least - _TUNING.on))
            if k >= ends.size:
                return None
            rounded[j] = ends[k]
        before = float(rounded[j])
    return rounded if 1.0 - before >= least - _TUNING.on else None
