"""What copies of the data and blocks are worth: the best design under every limit on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import UnsupportedProblemError
from cgcopt.limits import Limits
from cgcopt.objective import ExpectedRuntime, Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process import stopping
from cgcopt.solution import Seconds, Solution
from cgcopt.solvers.judging.outcome import judge_outcome
from cgcopt.solvers.limited.optimum import SharedCuts, limited_optimum
from cgcopt.solvers.optimal_runtime import OptimalRuntime
from cgcopt.workers.base import Times

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEFAULT_OPTIONS", "TradeOff", "TradePoint", "default_copies", "tradeoff"]

#: Gap and seconds of every single point.
DEFAULT_OPTIONS = Options(gap=1e-4, time_limit=20.0)
#: Blocks up to which the curve goes by default.
MOST_BLOCKS = 6
#: Blocks up to which the grid goes by default.
GRID_BLOCKS = 4


@dataclass(frozen=True)
class TradePoint:
    """The best design under one pair of limits.

    Attributes
    ----------
    copies, blocks : int
        The limits; 0 where that one does not bind.
    solution : Solution
        The design, its value and its proven bound.
    """

    copies: int
    blocks: int
    solution: Solution


@dataclass(frozen=True)
class TradeOff:
    """Values against copies, against blocks, and against both.

    Attributes
    ----------
    problem : Problem
        Whose limits bound the whole picture.
    best : Solution
        Without further limits.
    points : tuple of TradePoint
        For every pair of limits, those that do not bind included.
    options : Options
        What every point ran with.
    """

    problem: Problem
    best: Solution
    points: tuple[TradePoint, ...]
    options: Options

    def against_copies(self) -> list[TradePoint]:
        """Points without a limit on the blocks, by copies."""
        return sorted((p for p in self.points if p.copies and not p.blocks), key=_copies)

    def against_blocks(self) -> list[TradePoint]:
        """Points without a limit on the copies, by blocks."""
        return sorted((p for p in self.points if p.blocks and not p.copies), key=_blocks)

    def grid(self) -> list[TradePoint]:
        """Points with both limits, by blocks and copies."""
        both = (p for p in self.points if p.blocks and p.copies)
        return sorted(both, key=lambda p: (p.blocks, p.copies))

    def price(self, point: TradePoint) -> float:
        """How much worse a point is than the best design, as a share of that."""
        minimise = self.problem.objective.sense is Sense.MINIMIZE
        ratio = point.solution.value / self.best.value
        return ratio - 1.0 if minimise else 1.0 - ratio

    def proven_price(self, point: TradePoint) -> float:
        """A lower bound on the price: what the bound of the point leaves of it."""
        minimise = self.problem.objective.sense is Sense.MINIMIZE
        ratio = point.solution.bound / self.best.value
        return max(ratio - 1.0 if minimise else 1.0 - ratio, 0.0)

    def frame(self) -> pd.DataFrame:
        """One line for every point, numbers unrounded; a limit that does not bind is 0."""
        import pandas as pd

        return pd.DataFrame([self._record(point) for point in self.points])

    def _record(self, point: TradePoint) -> dict[str, Any]:
        found = point.solution
        design = found.design
        used = np.flatnonzero(design.partition) if design is not None else np.empty(0, int)
        shares = design.partition[used] / design.coordinates if design is not None else []
        return {
            "copies": point.copies,
            "blocks": point.blocks,
            "value": found.value,
            "bound": found.bound,
            "gap": found.gap,
            "price": self.price(point),
            "proven_price": self.proven_price(point),
            "certificate": str(found.certificate),
            "status": str(found.status),
            "seconds": found.seconds.build + found.seconds.solve,
            "used_copies": 0 if design is None else design.copies,
            "used_blocks": 0 if design is None else design.blocks,
            "levels": " ".join(map(str, used)),
            "shares": " ".join(f"{share:.6g}" for share in shares),
        }


def tradeoff(
    problem: Problem,
    copies: Iterable[int] | None = None,
    blocks: Iterable[int] | None = None,
    *,
    options: Options = DEFAULT_OPTIONS,
) -> TradeOff:
    """Solve a problem under limits on the copies of the data and on the blocks.

    Every point starts from the best design of its neighbours with tighter limits, and is never worse.
    All points share the cuts of the designs evaluated so far, and the bound of looser limits is one of
    tighter limits too.

    Parameters
    ----------
    problem : Problem
        Of the expected runtime; its own limits hold everywhere.
    copies : iterable of int, optional
        Limits on the copies; by default :func:`default_copies`.
    blocks : iterable of int, optional
        Limits on the blocks; by default 1 to 6, and 1 to 4 together with limits on the copies.
    options : Options
        For each point.

    Returns
    -------
    TradeOff
        Of a command that is interrupted, with the points that were over.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 100, cg.ShiftedExponential(rate=1e-3, shift=50))
    >>> found = tradeoff(cg.Problem(system, cg.ExpectedRuntime()), [1, 2, 4], [1, 2])
    >>> [round(found.price(point), 3) for point in found.against_copies()][-1]
    0.0
    """
    if not isinstance(problem.objective, ExpectedRuntime):
        raise UnsupportedProblemError(
            f"a trade-off is made for the expected runtime, not for '{problem.objective.kind}'"
        )
    system, limits = problem.system, problem.limits
    most = limits.most_blocks(system.workers)
    rs = sorted(set(default_copies(problem) if copies is None else copies))
    bs = sorted(set(range(1, min(MOST_BLOCKS, most) + 1) if blocks is None else blocks))
    grid = [b for b in bs if b <= GRID_BLOCKS] if blocks is None else bs
    pairs = [(r, b) for b in grid for r in rs]
    pairs += [(0, b) for b in bs] + [(r, 0) for r in rs]
    points: list[TradePoint] = []
    started = system.worker_times.kind is Times.STARTED
    shared = None if started else SharedCuts.of(problem, options)
    best = _point(problem, 0, 0, [], options, shared)
    for done, (r, b) in enumerate(pairs, 1):
        options.report(done / (len(pairs) + 1), f"copies {r or 'any'}, blocks {b or 'any'}")
        try:
            points.append(_point(problem, r, b, points, options, shared))
            if stopping.commanded() and stopping.requested():
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            if not (points and stopping.commanded()):
                raise
            stopping.finishing()
            break
    if any(point.solution.value < best.solution.value for point in points):
        best = _point(problem, 0, 0, points, options, shared)
    bounded = [_with_bounds_of(point, [*points, best]) for point in points]
    return TradeOff(problem, best.solution, tuple(bounded), options)


def default_copies(problem: Problem) -> list[int]:
    """Copies at which a trade-off is shown: close to 1 and close to all, and some between.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(20, 100, cg.Exponential(1.0))
    >>> default_copies(cg.Problem(system, cg.ExpectedRuntime()))
    [1, 2, 3, 4, 6, 8, 12, 16, 18, 19, 20]
    """
    allowed = problem.limits.allowed_levels(problem.system.workers) + 1
    last = int(allowed[-1])
    low = [1, 2, 3, *(2**k * three // 2 for k in range(2, last.bit_length()) for three in (2, 3))]
    wanted = [r for r in low if r < last - 3] + [last - 4, last - 2, last - 1, last]
    # A limit between two allowed levels is the lower one.
    kept = {int(allowed[allowed <= r].max()) for r in wanted if (allowed <= r).any()}
    return sorted(kept)


def _point(
    problem: Problem,
    copies: int,
    blocks: int,
    known: Sequence[TradePoint],
    options: Options,
    shared: SharedCuts | None,
) -> TradePoint:
    """Solve under one pair of limits, starting from the best design that keeps them."""
    limits = _tightened(problem.limits, copies, blocks)
    limited = replace(problem, limits=limits)
    workers = problem.system.workers
    for point in known:
        if _binding(limits, workers) == _binding(point.solution.problem.limits, workers):
            return TradePoint(copies, blocks, replace(point.solution, problem=limited))
    inside = [
        point.solution
        for point in known
        if point.solution.design is not None
        and not limits.violation(point.solution.design.partition)
    ]
    start = min(inside, key=lambda solution: solution.value, default=None)
    partition: FloatArray | None = None if start is None else start.partition
    single = replace(options, progress=None)
    outcome = limited_optimum(limited, single, partition, shared)
    solution = judge_outcome(
        limited,
        outcome,
        OptimalRuntime(),
        form=Form.RELAXED,
        options=single,
        seconds=Seconds(0.0, outcome.details.get("seconds", math.nan)),
    )
    return TradePoint(copies, blocks, solution)


def _with_bounds_of(point: TradePoint, others: Sequence[TradePoint]) -> TradePoint:
    """The point with the best bound among those whose limits hold wherever its own do."""
    looser = [
        other.solution.bound
        for other in others
        if _loose(point.copies, other.copies) and _loose(point.blocks, other.blocks)
    ]
    bound = min(max(looser), point.solution.value)
    if not bound > point.solution.bound:
        return point
    return replace(point, solution=replace(point.solution, bound=bound))


def _loose(limit: int, other: int) -> bool:
    return not other or (bool(limit) and other >= limit)


def _binding(limits: Limits, workers: int) -> tuple[tuple[int, ...], int]:
    """What a pair of limits leaves: the levels, and how many of them may be used."""
    return tuple(limits.allowed_levels(workers).tolist()), limits.most_blocks(workers)


def _tightened(limits: Limits, copies: int, blocks: int) -> Limits:
    """Limits that also keep these two; 0 for none."""
    if copies:
        limits = replace(limits, copies=min(copies, limits.copies or copies))
    if blocks:
        limits = replace(limits, blocks=min(blocks, limits.blocks or blocks))
    return limits


def _copies(point: TradePoint) -> int:
    return point.copies


def _blocks(point: TradePoint) -> int:
    return point.blocks
