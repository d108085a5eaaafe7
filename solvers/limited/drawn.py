"""A smoothed sample of the runtime on a face: where its minimum lies and how it curves there.

The maximum over the levels of a drawn round is replaced by ``h log sum exp(p_n / h)`` of the levels'
times ``p_n = c_n + a_n T_(N-n)``: smooth, convex, and cheap on few levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.evaluation.started.chances import started_times
from cgcopt.seeds import generator
from cgcopt.solvers.convex.simplex_qp import simplex_minimiser
from cgcopt.solvers.limited.faces import Face
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = ["DrawnRuntime", "Smoothed"]


@dataclass(frozen=True)
class DrawnTuning:
    """Numbers of the minimisation on drawn rounds; no measurement of them is on record."""

    rounds: int = 4000
    """Rounds to draw, or to keep of given ones."""
    few: int = 500
    """Rounds of the first pass."""
    wide: float = 0.1
    """Width of the smoothing on the few rounds, relative to the value."""
    narrow: float = 0.03
    """Width on all of them, for few levels."""
    few_levels: int = 25
    """With more levels the width grows with their root: at 100 levels of a density twice the width
    took 46 evaluations in place of 159, and a third of it more than 200."""
    steps: int = 12
    """Newton steps for a width at most."""
    roughly: float = 1e-3
    """Predicted descent, relative to the value, that ends the steps on the few rounds."""
    done: float = 1e-5
    """Predicted descent, relative to the value, that ends the steps on all rounds."""
    damping: float = 1e-6
    """What keeps the Hessian definite, relative to its diagonal."""
    raised: float = 1e-2
    """Least damping after a step that did not descend."""
    growth: float = 100.0
    """Factor of the damping after such a step."""
    fall: float = 10.0
    """Divisor of the damping after a step that descended."""
    no_room: float = 1e-12
    """Share left to distribute that counts as none."""


_DRAWN = DrawnTuning()


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Value, gradient and Hessian on the simplex of a face."""

    value: float
    gradient: FloatArray
    hessian: FloatArray


@dataclass(frozen=True, eq=False)
class DrawnRuntime:
    """The average over drawn rounds.

    Attributes
    ----------
    system : System
        Whose rounds they are.
    times : ndarray, shape (K, N)
        Every row descending: column ``n`` belongs to level ``n``.
    starts : ndarray, shape (K, N) or (1, N)
        Seconds before a worker begins, in the same order.
    """

    system: System
    times: FloatArray
    starts: FloatArray

    @classmethod
    def of(cls, system: System, seed: int) -> DrawnRuntime:
        """Draw rounds, or take given ones."""
        return _ROUNDS_OF[system.worker_times.kind](system, seed)

    def minimise(
        self, face: Face, share: FloatArray | None = None, *, rough: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """Minimise on a face; return the point and the Hessian there, relative to the value."""
        if face.levels.size == 1 or face.room <= _DRAWN.no_room:
            return np.full(face.levels.size, 1.0 / face.levels.size), np.eye(face.levels.size)
        every = max(len(self.times) // _DRAWN.few, 1)
        few = DrawnRuntime(self.system, self.times[::every], self.starts[::every])
        share, hessian = few._newton(face, share, _DRAWN.wide, _DRAWN.roughly)
        if rough:
            return share, hessian
        width = _DRAWN.narrow * max(face.levels.size / _DRAWN.few_levels, 1.0) ** 0.5
        return self._newton(face, share, width, _DRAWN.done)

    def _newton(
        self, face: Face, share: FloatArray | None, width: float, done: float
    ) -> tuple[FloatArray, FloatArray]:
        count = face.levels.size
        share = np.full(count, 1.0 / count) if share is None else share
        here = self.smoothed(face, share, width)
        damping = _DRAWN.damping
        for _ in range(_DRAWN.steps):
            model = _regular(here.hessian, damping)
            target = simplex_minimiser(model, here.gradient - model @ share)
            descent = float(here.gradient @ (share - target))
            if descent <= done * here.value:
                break
            there = self.smoothed(face, target, width)
            if there.value < here.value:
                share, here, damping = target, there, max(damping / _DRAWN.fall, _DRAWN.damping)
            else:
                damping = max(_DRAWN.growth * damping, _DRAWN.raised)
        return share, _regular(here.hessian, _DRAWN.damping) / here.value

    def smoothed(self, face: Face, share: FloatArray, width: float) -> Smoothed:
        """One pass over the rounds; ``width`` is relative to the value."""
        system, costs = self.system, self.system.costs
        total, levels = float(system.coordinates), face.levels
        y = face.partition(share)[levels]
        per_work = np.asarray(system.unit * total * (levels + 1.0), dtype=np.float64)
        per_count = costs.per_coordinate * total
        delay = costs.startup + costs.per_message * np.cumsum(face.messages)[levels]
        delay = delay + per_count * np.cumsum(y)
        times = self.times[:, levels]
        reached = times * np.cumsum(per_work * y)
        reached += delay
        reached += self.starts[:, levels]
        top = reached.max(axis=1, keepdims=True)
        value = float(top.mean())
        h = width * value
        weight = np.exp((reached - top) / h)
        norm = weight.sum(axis=1, keepdims=True)
        smoothed = value + h * float(np.log(norm).mean())
        weight /= norm
        return self._derivatives(smoothed, h, weight, times, per_work, per_count, face.room)

    def _derivatives(
        self,
        value: float,
        h: float,
        weight: FloatArray,
        times: FloatArray,
        per_work: FloatArray,
        per_count: float,
        room: float,
    ) -> Smoothed:
        rounds = len(times)
        slow = weight * times
        factor: FloatArray = slow.mean(axis=0)
        late: FloatArray = weight.mean(axis=0)
        gradient = room * (per_work * _tails(factor) + per_count * _tails(late))
        both = np.diag((slow * times).mean(axis=0)) - slow.T @ slow / rounds
        curvature = _tails2(both) * np.outer(per_work, per_work)
        if per_count:
            mixed = np.diag(factor) - slow.T @ weight / rounds
            alone = np.diag(late) - weight.T @ weight / rounds
            cross = _tails2(mixed) * per_work[:, np.newaxis] * per_count
            curvature = curvature + cross + cross.T + _tails2(alone) * per_count**2
        return Smoothed(value, gradient, curvature * (room**2 / h))


def _given(system: System, seed: int) -> DrawnRuntime:
    rounds = sorted_rounds(system)
    every = max(len(rounds) // _DRAWN.rounds, 1)
    return _at_once(system, rounds[::every])


def _with_starts(system: System, seed: int) -> DrawnRuntime:
    rng = generator(seed, "limited", system.worker_times.label, system.workers)
    starts, times = started_times(system).draw(_DRAWN.rounds, system.workers, rng)
    return DrawnRuntime(system, -np.sort(-times, axis=1), -np.sort(-starts, axis=1))


def _drawn(system: System, seed: int) -> DrawnRuntime:
    model = system.worker_times
    rng = generator(seed, "limited", model.label, system.workers)
    rounds = np.sort(model.sample(_DRAWN.rounds, system.workers, rng), axis=1)
    return _at_once(system, rounds)


def _at_once(system: System, rounds: FloatArray) -> DrawnRuntime:
    """Workers that begin at once, in rounds whose rows rise."""
    times = np.ascontiguousarray(rounds[:, ::-1])
    return DrawnRuntime(system, times, np.zeros((1, system.workers)))


_ROUNDS_OF: Table[Times, Callable[[System, int], DrawnRuntime]] = Table(
    "no rounds", {Times.SCENARIOS: _given, Times.STARTED: _with_starts}, others=_drawn
)


def _regular(hessian: FloatArray, damping: float) -> FloatArray:
    diagonal = np.diagonal(hessian)
    return np.asarray(hessian + np.diag(damping * (diagonal + diagonal.mean())))


def _tails(values: FloatArray) -> FloatArray:
    return np.cumsum(values[::-1])[::-1]


def _tails2(matrix: FloatArray) -> FloatArray:
    return matrix[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
