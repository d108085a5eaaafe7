"""From real blocks to whole numbers of coordinates.

Largest remainders first, then a local search over exchanges: one coordinate, or two at once, move
from one level to another. The search never accepts a worse design. For the expected runtime every
evaluated design leaves a cut ``f(y) >= g . y`` (the runtime is convex and homogeneous), the largest
cut bounds every neighbour from below, and only neighbours that the cuts leave a chance are
evaluated; when none is left, no exchange of one coordinate improves the design, which is then
proven and not just tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt._validate import whole_number
from cgcopt.design import Design, largest_remainder
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Evaluation
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.problem import Problem
from cgcopt.workers.base import ContinuousTimes, DiscreteTimes
from cgcopt.workers.empirical import Scenarios

__all__ = ["round_design"]

FloatArray = NDArray[np.float64]

#: Relative improvement below which evaluations cannot tell two designs apart.
_RESOLUTION = 1e-11
#: Failed trials in a row after which the search ends where no cuts can end it.
_PATIENCE = 15
#: Single exchanges that are combined to pairs.
_PAIRED = 40
#: Offsets at which cumulative blocks are rounded, as further starts when coordinates are few.
_OFFSETS = (0.5, 0.3, 0.7, 0.1, 0.9)


def round_design(
    problem: Problem, design: Design | ArrayLike, *, evaluations: int | None = None
) -> Design:
    """Round a relaxed design to whole numbers that sum to ``L`` exactly, at the least loss found.

    Parameters
    ----------
    problem : Problem
        Judges the designs; any objective and any worker times.
    design : Design or array_like, shape (N,)
        The relaxed design, or its partition ``x``.
    evaluations : int, optional
        How many designs to evaluate at most. By default as many as a few seconds allow; 0 returns
        the largest-remainder rounding.

    Returns
    -------
    Design
        Never worse than :func:`~cgcopt.design.largest_remainder` of ``design``.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 3, cg.Scenarios([[1.0, 2.0, 2.0, 9.0], [1.0, 1.0, 3.0, 4.0]]))
    >>> round_design(cg.Problem(system, cg.ExpectedRuntime()), [0.2, 1.4, 1.3, 0.1]).partition
    array([0., 3., 0., 0.])
    """
    relaxed = design if isinstance(design, Design) else Design(np.asarray(design))
    relaxed.check(problem.system.workers, problem.system.coordinates)
    rounded = largest_remainder(relaxed.partition, problem.system.coordinates)
    allowed = _affordable(problem)
    if evaluations is not None:
        allowed = whole_number("evaluations", evaluations, least=0)
    if allowed == 0 or problem.system.workers == 1:
        return Design(rounded)
    search = _Search(problem, relaxed.partition, allowed)
    search.run(rounded)
    return Design(search.best)


def _affordable(problem: Problem) -> int:
    """Evaluations that take a few seconds, from the number of operations that one takes."""
    times, n = problem.system.worker_times, problem.system.workers
    if isinstance(times, ContinuousTimes):
        cost = 100 * 30.0 * n**2
    elif isinstance(times, DiscreteTimes):
        cost = times.values.size * n * 30.0 * n**2
    elif isinstance(times, Scenarios):
        cost = 2.0 * times.rounds * n
    else:
        cost = 3e7 * n
    return int(min(max(4e9 / cost, 10), 400))


@dataclass
class _Search:
    problem: Problem
    relaxed: FloatArray
    left: int
    best: FloatArray = field(init=False)
    score: float = field(default=math.inf, init=False)
    slope: FloatArray = field(init=False)
    cuts: list[FloatArray] = field(default_factory=list, init=False)
    tried: set[bytes] = field(default_factory=set, init=False)

    def run(self, rounded: FloatArray) -> None:
        self.best, self.slope = rounded, rounded - self.relaxed
        self.convex = isinstance(self.problem.objective, ExpectedRuntime)
        self._try(rounded)
        if self._nothing_to_gain():
            return
        if self.problem.system.coordinates <= 8 * self.problem.system.workers:
            for start in self._starts():
                self._try(start)
        failures = 0
        while self.left > 0 and failures < _PATIENCE and math.isfinite(self.score):
            candidate = self._most_promising()
            if candidate is None:
                return
            failures = 0 if self._try(candidate) or self.cuts else failures + 1

    def _nothing_to_gain(self) -> bool:
        """Whether the design is within resolution of a bound on all designs (huge ``L``)."""
        if not self.cuts:
            return False
        bound = self.problem.system.coordinates * self.cuts[0].min()
        return bool(bound >= self.score * (1 - _RESOLUTION))

    def _try(self, x: FloatArray) -> bool:
        """Evaluate ``x`` unless it was; keep it if it is better. Returns whether it is."""
        key = x.tobytes()
        if self.left <= 0 or key in self.tried:
            return False
        if self.convex and self._bounds(x[None])[0] >= self.score * (1 - _RESOLUTION):
            return False
        self.tried.add(key)
        self.left -= 1
        found = evaluate(self.problem, Design(x), gradient=True)
        score, slope = _score(self.problem, found)
        if self.convex and slope is not None:
            self.cuts.append(slope)
        if not _improves(score, self.score):
            return False
        self.best, self.score = x, score
        self.slope = x - self.relaxed if slope is None else slope
        return True

    def _bounds(self, designs: FloatArray) -> FloatArray:
        """Largest cut at each design, shape ``(len(designs),)``."""
        if not self.cuts:
            return np.full(len(designs), -math.inf)
        return np.asarray((designs @ np.array(self.cuts).T).max(axis=1))

    def _starts(self) -> Iterator[FloatArray]:
        """Few coordinates: cumulative blocks rounded at several offsets, and single levels."""
        levels = np.cumsum(self.relaxed) * (self.problem.system.coordinates / self.relaxed.sum())
        for offset in _OFFSETS:
            upto = np.minimum(np.floor(levels + offset), self.problem.system.coordinates)
            upto[-1] = self.problem.system.coordinates
            yield np.diff(upto, prepend=0.0)
        used = np.flatnonzero(self.relaxed > 0)
        for level in used[np.argsort(-self.relaxed[used], kind="stable")][:_PATIENCE]:
            single = np.zeros_like(self.relaxed)
            single[level] = self.problem.system.coordinates
            yield single

    def _most_promising(self) -> FloatArray | None:
        """The untried exchange with the best prediction; none where no prediction is good."""
        singles, predicted = self._single_exchanges()
        found = self._first_good(singles, predicted)
        if found is None:
            order = np.argsort(predicted, kind="stable")[:_PAIRED]
            pairs = _pairs(self.best, singles[order])
            found = self._first_good(pairs, self._predictions(pairs)) if len(pairs) else None
        return found

    def _single_exchanges(self) -> tuple[FloatArray, FloatArray]:
        """Return the most promising exchanges, shape ``(m, N)``, and what is predicted of them."""
        n = self.best.size
        sources = np.flatnonzero(self.best >= 1)
        change = self.slope[None, :] - self.slope[sources, None]
        change[np.arange(sources.size), sources] = math.inf
        if self.cuts:
            table = np.full_like(change, -math.inf)
            for cut in self.cuts:
                here = float(cut @ self.best) + cut[None, :] - cut[sources, None]
                np.maximum(table, here, out=table)
            table[np.arange(sources.size), sources] = math.inf
            change = table
        count = min(change.size - sources.size, max(_PAIRED, 4 * n))
        best = np.argpartition(change, count - 1, axis=None)[:count]
        rows, targets = np.unravel_index(best, change.shape)
        designs = np.repeat(self.best[None], count, axis=0)
        designs[np.arange(count), sources[rows]] -= 1
        designs[np.arange(count), targets] += 1
        return designs, self._predictions(designs)

    def _predictions(self, designs: FloatArray) -> FloatArray:
        """Score bound (convex) or first-order score of each design."""
        if self.cuts:
            return self._bounds(designs)
        return np.asarray(self.score + (designs - self.best) @ self.slope)

    def _first_good(self, designs: FloatArray, predicted: FloatArray) -> FloatArray | None:
        for index in np.argsort(predicted, kind="stable"):
            if not _improves(float(predicted[index]), self.score):
                return None
            if designs[index].tobytes() not in self.tried:
                return np.asarray(designs[index])
        return None


def _pairs(x: FloatArray, singles: FloatArray) -> FloatArray:
    """Every sum of two exchanges that leaves no block negative, shape ``(m, N)``."""
    moves = singles - x
    first, second = np.triu_indices(len(moves))
    both = x + moves[first] + moves[second]
    return np.asarray(both[both.min(axis=1) >= 0])


def _improves(score: float, on: float) -> bool:
    return score < on - _RESOLUTION * abs(on) if math.isfinite(on) else score < on


def _score(problem: Problem, found: Evaluation) -> tuple[float, FloatArray | None]:
    """What is minimised, with its gradient in ``x``: seconds, or the log-odds of being late.

    The log-odds tell designs apart both where the probability is tiny and where it is almost 1.
    """
    slope = None if found.gradient is None else partition_gradient(found.gradient)
    if not isinstance(problem.objective, CompletionProbability):
        return found.value, slope
    assert found.complement is not None
    assert found.log_value is not None
    late = math.log(found.complement) if found.complement > 0 else -math.inf
    spread = found.value * found.complement
    return late - found.log_value, None if slope is None or spread == 0 else -slope / spread
