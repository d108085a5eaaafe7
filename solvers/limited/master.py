"""The linear program over cuts of the expected runtime: its value bounds every design in a region.

Over shares ``y`` of the allowed levels, messages ``z`` and the bound ``theta``::

    min theta,   theta >= startup + g^j . y + h^j . z  for every cut j,   sum y = 1,

with the levels outside the region left out and the cumulative shares between their boundaries. Where
messages cost or a used level carries a least share ``m``, with ``k`` levels used,

    m z_n <= y_n <= (1 - (k - 1) m) z_n ,     0 <= z_n <= 1 ,

and the sums ``z_0 + ... + z_n`` lie between the numbers of blocks that the region has up to there. One
program is kept warm in HiGHS; it holds the cuts that mattered of late, and others join where they are
violated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.process.highs import silent_highs
from cgcopt.solvers.limited.level_box import Region
from cgcopt.solvers.limited.oracle import Cut

__all__ = ["Master", "MasterPoint"]


@dataclass(frozen=True)
class MasterTuning:
    """Numbers of the linear program over cuts."""

    tolerance: float = 1e-10
    """Feasibility tolerance of HiGHS; the program is scaled to values of about 1."""
    accuracy: float = 3e-9
    """What is taken off a bound, relatively."""
    kept: int = 200
    """Cuts that stay in the program when the others leave; 100 and 200 were as quick at N = 20."""
    active: float = 1e-10
    """Weight from which a cut counts as one that mattered."""
    violation: float = 1e-7
    """How much a cut has to be violated, relatively, to join."""
    joining: int = 8
    """Violated cuts that join at a time."""
    room: int = 64
    """Cuts that there is room for at first; the room is doubled where it is full."""


_TUNING = MasterTuning()


@dataclass(frozen=True, eq=False)
class MasterPoint:
    """Solution of the linear program of a region.

    Attributes
    ----------
    bound : float
        On every design in the region, seconds.
    shares, messages : ndarray, shape (m,)
        Of the allowed levels, where the linear program attains it.
    """

    bound: float
    shares: FloatArray
    messages: FloatArray


@dataclass(eq=False)
class Master:
    """The cuts of allowed levels, and the linear program over some of them.

    Parameters
    ----------
    levels : ndarray of int, shape (m,)
        Allowed levels.
    startup : float
        Seconds before a worker begins.
    least : float
        Share that a used level carries at least.
    messages : bool
        Whether messages cost.
    ends : ndarray, optional
        Boundaries at which blocks end, shares from 0 to 1.
    scale : float
        Seconds that count as 1.
    """

    levels: IntArray
    startup: float
    least: float
    messages: bool
    ends: FloatArray | None
    scale: float
    count: int = 0
    _rows: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    _held: list[int] = field(default_factory=list)
    _mattered: dict[int, int] = field(default_factory=dict)
    _solves: int = 0
    _blocks: int = 0

    def __post_init__(self) -> None:
        m = self.levels.size
        highs = silent_highs()
        for name, value in (
            ("parallel", "off"),
            ("presolve", "off"),
            ("primal_feasibility_tolerance", _TUNING.tolerance),
            ("dual_feasibility_tolerance", _TUNING.tolerance),
        ):
            highs.setOptionValue(name, value)
        self.highs = highs
        self.linked = self.messages or self.least > 0.0
        width = 2 * m + 1 if self.linked else m + 1
        lower = np.zeros(width)
        lower[m] = -np.inf
        highs.addVars(width, lower, np.full(width, np.inf))
        highs.changeColCost(m, 1.0)
        self._columns = np.arange(width, dtype=np.int32)
        highs.addRow(1.0, 1.0, m, self._columns[:m], np.ones(m))
        self._first_end = 1
        for n in range(m - 1 if self.ends is not None else 0):
            highs.addRow(0.0, 1.0, n + 1, self._columns[: n + 1], np.ones(n + 1))
        self._first_link = self._first_end + (m - 1 if self.ends is not None else 0)
        if self.linked:
            self._add_links()
        self._first_cut = self._first_link + (3 * m if self.linked else 0)

    def _add_links(self) -> None:
        """Rows ``y_n <= z_n`` and ``y_n >= m z_n``, and the sums of messages."""
        m = self.levels.size
        for n in range(m):
            pair = np.array([n, m + 1 + n], np.int32)
            self.highs.addRow(-np.inf, 0.0, 2, pair, np.array([1.0, -1.0]))
        for n in range(m):
            pair = np.array([n, m + 1 + n], np.int32)
            self.highs.addRow(0.0, np.inf, 2, pair, np.array([1.0, -self.least]))
        for n in range(m):
            some = self._columns[m + 1 : m + 2 + n]
            self.highs.addRow(0.0, float(m), n + 1, some, np.ones(n + 1))

    def add(self, cut: Cut, *, joins: bool) -> None:
        """Keep a cut, in the program too if it ``joins`` at once."""
        width = self._columns.size
        if self.count == len(self._rows):
            room = np.zeros((max(self.count, _TUNING.room), width))
            self._rows = np.vstack((self._rows.reshape(-1, width), room))
        row, m = self._rows[self.count], self.levels.size
        row[:m] = (cut.blocks[self.levels] + self.startup) / self.scale
        if self.linked:
            row[m + 1 :] = cut.messages[self.levels] / self.scale
        self.count += 1
        if joins:
            self._join(self.count - 1)

    def _join(self, number: int) -> None:
        row = -self._rows[number]
        row[self.levels.size] = 1.0
        self.highs.addRow(0.0, np.inf, row.size, self._columns, row)
        self._held.append(number)
        self._mattered[number] = self._solves

    def height(self, partition: FloatArray, messages: FloatArray) -> float:
        """The largest cut at a design with sum 1, shapes ``(N,)``, seconds: no more than its value."""
        m = self.levels.size
        point = np.zeros(self._columns.size)
        point[:m] = partition[self.levels]
        if self.linked:
            point[m + 1 :] = messages[self.levels]
        heights = self._rows[: self.count] @ point
        return float(heights.max()) * self.scale * (1.0 - _TUNING.accuracy)

    def solve(self, region: Region, cutoff: float) -> MasterPoint | None:
        """Minimise the largest cut over a region; ``None`` where nothing keeps its limits.

        Parameters
        ----------
        region : Region
        cutoff : float
            A bound that is enough, seconds.
        """
        self._restrict(region)
        m = self.levels.size
        while True:
            found = self._run()
            if found is None:
                return None
            theta, point, weights = found
            for place in np.flatnonzero(weights > _TUNING.active):
                self._mattered[self._held[place]] = self._solves
            if theta * self.scale * (1.0 - _TUNING.accuracy) >= cutoff or not self._joined(point):
                break
        self._forget()
        bound = theta * self.scale * (1.0 - _TUNING.accuracy)
        shares = np.maximum(point[:m], 0.0)
        return MasterPoint(bound, shares / shares.sum(), np.clip(point[m + 1 :], 0.0, 1.0))

    def _run(self) -> tuple[float, FloatArray, FloatArray] | None:
        """Value, point and weights of the cuts; ``None`` if the region is empty."""
        import highspy

        status = highspy.HighsModelStatus
        for _ in range(2):
            self.highs.run()
            self._solves += 1
            ended = self.highs.getModelStatus()
            if ended == status.kOptimal:
                solution = self.highs.getSolution()
                weights = np.array(solution.row_dual)[self._first_cut :]
                value = float(self.highs.getInfo().objective_function_value)
                return value, np.array(solution.col_value), weights
            if ended == status.kInfeasible:
                return None
            self.highs.clearSolver()  # the basis may be to blame: once more without it
        width = self._columns.size
        point = np.append(np.full(self.levels.size, 1.0 / self.levels.size), -np.inf)
        return -np.inf, np.append(point, np.zeros(width - point.size)), np.zeros(len(self._held))

    def _joined(self, point: FloatArray) -> bool:
        """Let the cuts join that a point violates most; return whether there are any."""
        m = self.levels.size
        if not np.isfinite(point[m]):
            return False
        at = point.copy()
        at[m] = 0.0
        heights = self._rows[: self.count] @ at
        missing = np.flatnonzero(heights > point[m] + _TUNING.violation)
        missing = np.setdiff1d(missing, self._held)
        for number in missing[np.argsort(-heights[missing])[: _TUNING.joining]]:
            self._join(int(number))
        return missing.size > 0

    def _forget(self) -> None:
        """Take cuts out of the program that have not mattered for longest."""
        if len(self._held) <= 2 * _TUNING.kept:
            return
        age = np.array([self._mattered[number] for number in self._held])
        leave = np.sort(np.argsort(age, kind="stable")[: age.size - _TUNING.kept])
        self.highs.deleteRows(leave.size, (leave + self._first_cut).astype(np.int32))
        leaving = set(leave.tolist())
        self._held = [number for k, number in enumerate(self._held) if k not in leaving]

    def _restrict(self, region: Region) -> None:
        m = self.levels.size
        allowed = np.zeros(m)
        allowed[region.box.union] = 1.0
        self.highs.changeColsBounds(m, self._columns[:m], np.zeros(m), allowed)
        if self.ends is not None and m > 1:
            rows = np.arange(self._first_end, self._first_end + m - 1, dtype=np.int32)
            low, high = self.ends[region.low[:-1]], self.ends[region.high[:-1]]
            self.highs.changeRowsBounds(m - 1, rows, low, high)
        if self.linked:
            self._restrict_messages(region, allowed)

    def _restrict_messages(self, region: Region, allowed: FloatArray) -> None:
        m, k = self.levels.size, len(region.box.low)
        self.highs.changeColsBounds(m, self._columns[m + 1 :], np.zeros(m), allowed)
        number = np.arange(m)
        most = (np.array(region.box.low) <= number[:, np.newaxis]).sum(axis=1)
        least = (np.array(region.box.high) <= number[:, np.newaxis]).sum(axis=1)
        rows = np.arange(self._first_link + 2 * m, self._first_link + 3 * m, dtype=np.int32)
        self.highs.changeRowsBounds(m, rows, least.astype(np.float64), most.astype(np.float64))
        if k != self._blocks:
            self._blocks = k
            for n in range(m):
                room = 1.0 - (k - 1) * self.least
                self.highs.changeCoeff(self._first_link + n, m + 1 + n, -room)
