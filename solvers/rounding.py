"""From real blocks to whole numbers of coordinates.

Several roundings first: largest remainders, blocks whose running total or running work stays
closest to the relaxed one, and single levels where coordinates are few. Then a local search over
exchanges: one coordinate, or two at once, move from one level to another. No step accepts a worse
design.

For the other objectives first-order predictions order the exchanges, and where coordinates are few
all exchanges of one are tried. Without a gradient (probabilities of step distributions and scenarios
jump) those that lead back towards the relaxed design come first.

For the expected runtime every evaluated design leaves a cut ``f(y) >= g . y`` (the runtime is
convex and homogeneous). The largest cut bounds every neighbour from below, and only neighbours to
which the cuts leave a chance are evaluated; when none is left, no exchange improves the design,
which is then proven and not just tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.design import Design, largest_remainder, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Evaluation, Probability
from cgcopt.evaluation.steps.runtime import affordable_panels, coarsened
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile
from cgcopt.problem import Problem
from cgcopt.workers.base import DiscreteTimes, IndependentTimes
from cgcopt.workers.empirical import Scenarios

__all__ = ["round_design"]

#: Relative improvement below which evaluations cannot tell two designs apart.
_RESOLUTION = 1e-11
#: Relative loss against the relaxed design at which exchanges are no longer worth their time.
_GOOD_ENOUGH = 1e-7
#: Failed trials in a row after which the search ends where no cuts can end it.
_PATIENCE = 15
#: Single exchanges that are combined to pairs.
_PAIRED = 40
#: Offsets at which running totals are rounded.
_OFFSETS = (0.5, 0.3, 0.7, 0.1, 0.9)
#: Coordinates per level up to which the relaxed design says little about the whole one.
_FEW = 8
#: Values of a step distribution on which the search for a first design runs.
_COARSE = 200


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
    array([1., 0., 1., 1.])
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
    first = _on_coarse_times(problem, relaxed, evaluations)
    search.run(rounded, *first)
    return Design(search.best)


def _on_coarse_times(
    problem: Problem, relaxed: Design, evaluations: int | None
) -> tuple[FloatArray, ...]:
    """A first design from a step distribution with fewer values, where evaluations are slow."""
    times = problem.system.worker_times
    if not isinstance(problem.objective, ExpectedRuntime) or not _few(problem):
        return ()
    if not isinstance(times, DiscreteTimes) or times.values.size <= 2 * _COARSE:
        return ()
    system = problem.system.with_times(coarsened(times, _COARSE, "down"))
    coarse = replace(problem, system=system)
    return (round_design(coarse, relaxed, evaluations=evaluations).partition,)


def _few(problem: Problem) -> bool:
    """Whether there are so few coordinates that single ones matter."""
    return problem.system.coordinates <= _FEW * problem.system.workers


def _affordable(problem: Problem) -> int:
    """Evaluations that take a few seconds."""
    times, n = problem.system.worker_times, problem.system.workers
    if isinstance(times, Scenarios):
        seconds = 1e-4 + 2e-9 * times.rounds * n
    elif isinstance(times, IndependentTimes):
        probabilities = 150
        if isinstance(problem.objective, CompletionProbability):
            probabilities = 1
        elif isinstance(problem.objective, Quantile):
            probabilities = 20
        elif isinstance(times, DiscreteTimes):
            probabilities = min(times.values.size * n, affordable_panels(n) // 2)
        seconds = 1e-4 + 8.0 * probabilities / affordable_panels(n)
    else:
        seconds = 1e-2 * n
    # Every evaluation of the runtime leaves a cut, which then costs time at every step.
    most = 250 if isinstance(problem.objective, ExpectedRuntime) else 2000
    return int(min(max(3.0 / seconds, 10), most))


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
    target: float = field(default=math.nan, init=False)
    convex: bool = field(default=False, init=False)
    guided: bool = field(default=False, init=False)
    _table: FloatArray | None = field(default=None, init=False)
    _in_table: int = field(default=0, init=False)

    def run(self, *first: FloatArray) -> None:
        """Evaluate the given designs and further roundings, then exchange coordinates."""
        self.best, self.slope = first[0], first[0] - self.relaxed
        self.convex = isinstance(self.problem.objective, ExpectedRuntime)
        for start in first:
            self._try(start)
        if self._good_enough():
            return
        for start in self._starts():
            self._try(start)
        failures = 0
        while self.left > 0 and math.isfinite(self.score) and not self._good_enough():
            candidate = self._most_promising()
            if candidate is None or (not self.thorough and failures == _PATIENCE):
                return
            failures = 0 if self._try(candidate) or self.cuts else failures + 1

    def _good_enough(self) -> bool:
        """Whether coordinates are many and hardly anything is lost against the relaxed design.

        With few, the search may well find a better design than the rounded relaxed one.
        """
        if _few(self.problem):
            return False
        if math.isnan(self.target):
            found = evaluate(self.problem, Design(self.relaxed), gradient=True)
            self.target, slope = _score(found)
            if self.convex and slope is not None:
                self.cuts.append(slope)
        return self.score <= self.target + _GOOD_ENOUGH * abs(self.target)

    @property
    def thorough(self) -> bool:
        """Whether all exchanges of one coordinate are tried: predictions prove nothing, or lack."""
        return not self.convex and (_few(self.problem) or not self.guided)

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
        score, slope = _score(found)
        if self.convex and slope is not None:
            self.cuts.append(slope)
        if not _improves(score, self.score):
            return False
        self.best, self.score, self._table = x, score, None
        self.guided = slope is not None
        self.slope = x - self.relaxed if slope is None else slope
        return True

    def _bounds(self, designs: FloatArray) -> FloatArray:
        """Largest cut at each design, shape ``(len(designs),)``."""
        if not self.cuts:
            return np.full(len(designs), -math.inf)
        return np.asarray((designs @ np.array(self.cuts).T).max(axis=1))

    def _starts(self) -> Iterator[FloatArray]:
        """Blocks whose running total or work follows the relaxed one; single levels."""
        coordinates = float(self.problem.system.coordinates)
        totals = np.cumsum(self.relaxed) * (coordinates / self.relaxed.sum())
        few = _few(self.problem)
        for offset in _OFFSETS if few else _OFFSETS[:3]:
            upto = np.minimum(np.floor(totals + offset), coordinates)
            upto[-1] = coordinates
            yield np.diff(upto, prepend=0.0)
        yield from self._following_work(coordinates)
        used = np.flatnonzero(self.relaxed > 0)
        for level in used[np.argsort(-self.relaxed[used], kind="stable")][: _PATIENCE * few]:
            single = np.zeros_like(self.relaxed)
            single[level] = coordinates
            yield single

    def _following_work(self, coordinates: float) -> Iterator[FloatArray]:
        """Blocks whose work stays closest to the relaxed work, or below it.

        Staying below matters where the objective jumps as soon as a level's work grows. What is
        missing in the end goes to the last used level, or to the largest block.
        """
        work = work_of_partition(self.relaxed)
        for nearest in (True, False):
            x, done = np.zeros_like(work), 0.0
            for n, upto in enumerate(work):
                room = (upto - done) / (n + 1) * (1 if nearest else 1 + _RESOLUTION)
                x[n] = max(np.round(room) if nearest else np.floor(room), 0.0)
                done += x[n] * (n + 1)
            missing = coordinates - x.sum()
            for level in {int(np.flatnonzero(self.relaxed)[-1]), int(x.argmax())}:
                if x[level] + missing >= 0:
                    filled = x.copy()
                    filled[level] += missing
                    yield filled

    def _most_promising(self) -> FloatArray | None:
        """The untried exchange with the best prediction; none where no prediction is good."""
        singles, predicted = self._single_exchanges()
        found = self._first_good(singles, predicted, every=self.thorough)
        if found is None and self.guided:
            # Pairs are many: only the promising ones.
            order = np.argsort(predicted, kind="stable")[:_PAIRED]
            pairs = _pairs(self.best, singles[order])
            found = self._first_good(pairs, self._predictions(pairs), every=False)
        return found

    def _single_exchanges(self) -> tuple[FloatArray, FloatArray]:
        """Return the most promising exchanges, shape ``(m, N)``, and what is predicted of them."""
        n = self.best.size
        sources = np.flatnonzero(self.best >= 1)
        change = self.slope[None, :] - self.slope[sources, None]
        if self.cuts:
            change = self._lower_bounds(sources)
        change[np.arange(sources.size), sources] = math.inf
        count = min(change.size - sources.size, max(_PAIRED, 4 * n) + len(self.tried))
        best = np.argpartition(change, count - 1, axis=None)[:count]
        rows, targets = np.unravel_index(best, change.shape)
        designs = np.repeat(self.best[None], count, axis=0)
        designs[np.arange(count), sources[rows]] -= 1
        designs[np.arange(count), targets] += 1
        return designs, self._predictions(designs)

    def _lower_bounds(self, sources: NDArray[np.intp]) -> FloatArray:
        """Largest cut at each exchange from ``sources``, kept up to date cut by cut."""
        if self._table is None:
            self._table, self._in_table = np.full((sources.size, self.best.size), -math.inf), 0
        for cut in self.cuts[self._in_table :]:
            here = float(cut @ self.best) + cut[None, :] - cut[sources, None]
            np.maximum(self._table, here, out=self._table)
        self._in_table = len(self.cuts)
        return self._table

    def _predictions(self, designs: FloatArray) -> FloatArray:
        """Score bound (convex) or first-order score of each design."""
        if self.cuts:
            return self._bounds(designs)
        return np.asarray(self.score + (designs - self.best) @ self.slope)

    def _first_good(
        self, designs: FloatArray, predicted: FloatArray, *, every: bool
    ) -> FloatArray | None:
        """The best untried design, if it is predicted to improve or ``every`` one is wanted."""
        for index in np.argsort(predicted, kind="stable"):
            if not every and not _improves(float(predicted[index]), self.score):
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


def _score(found: Evaluation) -> tuple[float, FloatArray | None]:
    """What is minimised, with its gradient in ``x``: seconds, or the log-odds of being late.

    The log-odds tell designs apart both where the probability is tiny and where it is almost 1.
    """
    slope = None if found.gradient is None else partition_gradient(found.gradient)
    if not isinstance(found, Probability):
        return found.value, slope
    late = math.log(found.complement) if found.complement > 0 else -math.inf
    spread = found.value * found.complement
    return late - found.log_value, None if slope is None or spread == 0 else -slope / spread
