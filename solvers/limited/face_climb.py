"""Climbs on one face of the design simplex: SLSQP on an exact, smooth objective, from several starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import ProbabilityWithGradient, with_gradient
from cgcopt.problem import Problem
from cgcopt.seeds import generator
from cgcopt.solvers.limited.drawn import DrawnRuntime
from cgcopt.solvers.limited.faces import Face

__all__ = ["FaceClimb"]


@dataclass(frozen=True)
class FaceClimbTuning:
    """Numbers of the climbs; no measurement of them is on record."""

    floor: float = 1e-3
    """Share of every level at the start of a climb, at least."""
    descent: float = 1e-12
    """``ftol`` of SLSQP, absolute: the merit is a logarithm."""
    iterations: int = 200
    """Iterations of SLSQP at most."""
    on_simplex: float = 1e-9
    """How far from 1 the sum of shares may be for a point to count as one of the simplex."""
    random: float = 0.4
    """Share of a random start that is random; the rest is the best one of drawn rounds."""
    least_sum: float = 1e-12
    """In place of a smaller sum of shares, which SLSQP may try."""
    hopeless: float = 1e3
    """Merit of a design with probability 0."""


_TUNING = FaceClimbTuning()


class _OutOfTime(Exception):
    """Ends a climb at the time limit."""


@dataclass(eq=False)
class FaceClimb:
    """Climbs of one problem.

    Attributes
    ----------
    problem : Problem
        With a smooth objective.
    name, seed : str, int
        What random starts are drawn from.
    end : float
        When :func:`time.perf_counter` has the time to stop.
    evaluations : int
        Designs valued so far.
    """

    problem: Problem
    name: str
    seed: int
    end: float
    evaluations: int = 0

    def __post_init__(self) -> None:
        self._drawn = DrawnRuntime.of(self.problem.system, self.seed)

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.end

    def best(self, face: Face, count: int, *, some: bool) -> FloatArray:
        """Return the shares of the best end on the levels of a face.

        Parameters
        ----------
        face : Face
        count : int
            Starts.
        some : bool
            Whether the climbs may end at once where the time is over: a design is known.
        """
        size = face.levels.size
        ends = [np.full(size, 1.0 / size)]
        for start in self.starts(face, count):
            if self.expired and some:
                break
            if size > 1 and face.room > 0.0:
                ends.append(self.ascended(face, start))
            else:
                ends.append(start)
        merits = [self.measured(face, v)[0] for v in ends]
        return ends[int(np.argmin(merits))]

    def ascended(self, face: Face, start: FloatArray) -> FloatArray:
        """Where SLSQP ends on the simplex of a face."""
        from scipy import optimize

        best, merit = start, np.inf

        def measured(v: FloatArray) -> tuple[float, FloatArray]:
            nonlocal best, merit
            if self.expired:
                raise _OutOfTime
            found = self.measured(face, v)
            if found[0] < merit and abs(v.sum() - 1.0) < _TUNING.on_simplex:
                best, merit = np.array(v), found[0]
            return found

        minimize: Any = optimize.minimize
        try:
            found = minimize(
                measured,
                start,
                jac=True,
                method="SLSQP",
                bounds=[(0.0, 1.0)] * start.size,
                constraints={
                    "type": "eq",
                    "fun": lambda v: v.sum() - 1.0,
                    "jac": lambda v: np.ones(v.size),
                },
                options={"ftol": _TUNING.descent, "maxiter": _TUNING.iterations},
            )
        except _OutOfTime:
            end = best
        else:
            end = found.x
        end = np.maximum(end, 0.0)
        return np.asarray(end / end.sum())

    def starts(self, face: Face, count: int) -> list[FloatArray]:
        """The minimiser of the mean of drawn rounds, level shares, and random neighbours."""
        rng = generator(self.seed, "limited-search", self.name)
        first = self._drawn.minimise(face)[0]
        found = [first, np.full(first.size, 1.0 / first.size)]
        while len(found) < count:
            noise = rng.dirichlet(np.ones(first.size))
            found.append((1.0 - _TUNING.random) * first + _TUNING.random * noise)
        return [(v + _TUNING.floor) / (v + _TUNING.floor).sum() for v in found[:count]]

    def measured(self, face: Face, share: FloatArray) -> tuple[float, FloatArray]:
        """Merit, to be minimised, and its gradient in the share: ``-log P`` or ``log`` of a quantile."""
        self.evaluations += 1
        v = np.maximum(share, 0.0)
        v = v / max(float(v.sum()), _TUNING.least_sum)
        x = face.partition(v) * self.problem.system.coordinates
        found = with_gradient(evaluate(self.problem, Design(x), gradient=True))
        by_level = partition_gradient(found.gradient)[face.levels]
        by_level *= face.room * self.problem.system.coordinates
        if isinstance(found, ProbabilityWithGradient):
            if not found.value > 0.0:
                return _TUNING.hopeless, np.zeros(v.size)
            return -found.log_value, -by_level / found.value
        return float(np.log(found.value)), by_level / found.value
