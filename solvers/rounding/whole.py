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
from cgcopt.problem import Problem
from cgcopt.solvers.rounding.effort import COARSER, CONVEX, ROUNDING, affordable

__all__ = ["round_design"]


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
    allowed = affordable(problem)
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
    """A first design from worker times with fewer values, where evaluations are slow."""
    system = problem.system
    coarser = COARSER.get((type(problem.objective), system.worker_times.kind))
    if coarser is None or not _few(problem):
        return ()
    times = coarser(system.worker_times)
    if times is None:
        return ()
    coarse = replace(problem, system=system.with_times(times))
    return (round_design(coarse, relaxed, evaluations=evaluations).partition,)


def _few(problem: Problem) -> bool:
    """Whether there are so few coordinates that single ones matter."""
    return problem.system.coordinates <= ROUNDING.few * problem.system.workers


@dataclass
class _Search:
    problem: Problem
    relaxed: FloatArray
    left: int
    best: FloatArray = field(init=False)
    score: float = field(default=math.inf, init=False)
    gradient: FloatArray = field(init=False)
    cuts: list[FloatArray] = field(default_factory=list, init=False)
    tried: set[bytes] = field(default_factory=set, init=False)
    target: float = field(default=math.nan, init=False)
    convex: bool = field(default=False, init=False)
    guided: bool = field(default=False, init=False)
    _table: FloatArray | None = field(default=None, init=False)
    _in_table: int = field(default=0, init=False)

    def run(self, *first: FloatArray) -> None:
        """Evaluate the given designs and further roundings, then exchange coordinates."""
        self.best, self.gradient = first[0], first[0] - self.relaxed
        self.convex = type(self.problem.objective) in CONVEX
        for start in first:
            self._try(start)
        if self._good_enough():
            return
        for start in self._starts():
            self._try(start)
        failures = 0
        while self.left > 0 and math.isfinite(self.score) and not self._good_enough():
            candidate = self._most_promising()
            if candidate is None or (not self.thorough and failures == ROUNDING.patience):
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
            self.target, gradient = _score(found)
            if self.convex and gradient is not None:
                self.cuts.append(gradient)
        return self.score <= self.target + ROUNDING.good_enough * abs(self.target)

    @property
    def thorough(self) -> bool:
        """Whether all exchanges of one coordinate are tried: nothing predicts, or proves, their worth."""
        return not self.convex and (_few(self.problem) or not self.guided)

    def _try(self, x: FloatArray) -> bool:
        """Evaluate ``x`` unless it was; keep it if it is better. Returns whether it is."""
        key = x.tobytes()
        if self.left <= 0 or key in self.tried:
            return False
        if self.convex and self._bounds(x[None])[0] >= self.score * (1 - ROUNDING.resolution):
            return False
        self.tried.add(key)
        self.left -= 1
        found = evaluate(self.problem, Design(x), gradient=True)
        score, gradient = _score(found)
        if self.convex and gradient is not None:
            self.cuts.append(gradient)
        if not _improves(score, self.score):
            return False
        self.best, self.score, self._table = x, score, None
        self.guided = gradient is not None
        self.gradient = x - self.relaxed if gradient is None else gradient
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
        for offset in ROUNDING.offsets[: None if few else ROUNDING.offsets_of_many]:
            upto = np.minimum(np.floor(totals + offset), coordinates)
            upto[-1] = coordinates
            yield np.diff(upto, prepend=0.0)
        yield from self._following_work(coordinates)
        used = np.flatnonzero(self.relaxed > 0)
        for level in used[np.argsort(-self.relaxed[used], kind="stable")][
            : ROUNDING.patience * few
        ]:
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
                room = (upto - done) / (n + 1) * (1 if nearest else 1 + ROUNDING.resolution)
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
            order = np.argsort(predicted, kind="stable")[: ROUNDING.paired]
            pairs = _pairs(self.best, singles[order])
            found = self._first_good(pairs, self._predictions(pairs), every=False)
        return found

    def _single_exchanges(self) -> tuple[FloatArray, FloatArray]:
        """Return the most promising exchanges, shape ``(m, N)``, and what is predicted of them."""
        n = self.best.size
        sources = np.flatnonzero(self.best >= 1)
        change = self.gradient[None, :] - self.gradient[sources, None]
        if self.cuts:
            change = self._lower_bounds(sources)
        change[np.arange(sources.size), sources] = math.inf
        count = min(change.size - sources.size, max(ROUNDING.paired, 4 * n) + len(self.tried))
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
        return np.asarray(self.score + (designs - self.best) @ self.gradient)

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
    return score < on - ROUNDING.resolution * abs(on) if math.isfinite(on) else score < on


def _score(found: Evaluation) -> tuple[float, FloatArray | None]:
    """What is minimised, with its gradient in ``x``: seconds, or the log-odds of being late.

    The log-odds tell designs apart both where the probability is tiny and where it is almost 1.
    """
    gradient = None if found.gradient is None else partition_gradient(found.gradient)
    if not isinstance(found, Probability):
        return found.value, gradient
    late = math.log(found.complement) if found.complement > 0 else -math.inf
    spread = found.value * found.complement
    return late - found.log_value, None if gradient is None or spread == 0 else -gradient / spread
