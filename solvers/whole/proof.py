"""Outer approximation: the proof in whole numbers, from the cuts of the relaxed optimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate, with_gradient
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solvers.base import Times
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.outer_approximation import solve_master
from cgcopt.solvers.cutting_plane import minimised_rounds
from cgcopt.solvers.optimal_runtime import Minimised, minimised
from cgcopt.solvers.runtime.sample_average import SampleAverage

__all__ = ["RELAXATIONS", "Relaxed", "WholeProof"]


@dataclass(frozen=True)
class ProofTuning:
    """Numbers of the outer approximation. No measurement of them is on record."""

    masters: int = 1000
    """Master problems at most."""
    neighbours: int = 25
    """Designs to evaluate around an answer of the master problem, at most."""


_TUNING = ProofTuning()


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A relaxed optimum, its bound, and the subgradients met on the way."""

    partition: FloatArray
    bound: float
    subgradients: list[FloatArray]
    certificate: Certificate

    @classmethod
    def at(
        cls,
        end: SampleAverage | Minimised,
        problem: Problem,
        unit: float,
        certificate: Certificate,
    ) -> Relaxed:
        """The end of a minimisation over partitions with sum 1, in seconds per ``unit``."""
        coordinates = problem.system.coordinates
        return cls(
            end.incumbent.best * coordinates,
            end.incumbent.bound * unit * coordinates,
            [unit * gradient for gradient in end.subgradients],
            certificate,
        )


def _relaxed_rounds(problem: Problem, options: Options) -> Relaxed:
    end = minimised_rounds(problem, options)
    return Relaxed.at(end, problem, problem.system.unit, Certificate.CUTTING_PLANES)


def _relaxed_workers(problem: Problem, options: Options) -> Relaxed:
    end = minimised(problem, options)
    return Relaxed.at(end, problem, 1.0, end.certificate)


#: The relaxed optimum, its bound, and the cuts met on the way, by kind of worker times.
RELAXATIONS: Table[Times, Callable[[Problem, Options], Relaxed]] = Table(
    "no relaxed optimum", {Times.SCENARIOS: _relaxed_rounds}, others=_relaxed_workers
)


@dataclass(eq=False)
class WholeProof:
    """Outer approximation from the cuts of the relaxed optimum."""

    problem: Problem
    options: Options
    clock: Clock
    incumbent: Incumbent
    subgradients: list[FloatArray]
    seen: set[bytes] = field(default_factory=set)
    masters: int = 0

    def value(self, partition: FloatArray) -> None:
        """Evaluate a design in whole numbers and keep its cut."""
        found = with_gradient(evaluate(self.problem, Design(partition), gradient=True))
        self.seen.add(partition.tobytes())
        self.subgradients.append(partition_gradient(found.gradient))
        self.incumbent.offer(partition, found.value)

    def approximate(self) -> None:
        """Alternate between the master problem and evaluations until the bound meets the value."""
        for _ in range(_TUNING.masters):
            if self.incumbent.closed or self.clock.expired:
                return
            value = self.incumbent.value
            subgradients = np.array(self.subgradients)
            coordinates = self.problem.system.coordinates
            found = solve_master(subgradients, coordinates, value, self.options, self.clock)
            self.masters += 1
            self.incumbent.bound = max(self.incumbent.bound, min(found.bound, value))
            if found.partition is None or found.partition.tobytes() in self.seen:
                return
            self.value(found.partition)
            self.look_around(found.partition)

    def look_around(self, partition: FloatArray) -> None:
        """Evaluate the exchanges of one coordinate that the cuts leave the best chance.

        They would be the next answers of the master problem, which costs far more than they do.
        """
        levels = np.flatnonzero(partition > 0)
        moves = np.eye(partition.size)
        near = (partition - moves[levels, None] + moves[None, :]).reshape(-1, partition.size)
        near = near[[x.tobytes() not in self.seen for x in near]]
        if near.size == 0:
            return
        lower = (near @ np.array(self.subgradients).T).max(axis=1)
        for _ in range(_TUNING.neighbours):
            best = int(lower.argmin())
            if lower[best] >= self.incumbent.value * (1.0 - self.options.gap):
                return
            if self.clock.expired:
                return
            self.value(near[best])
            lower = np.maximum(lower, near @ self.subgradients[-1])
            lower[best] = np.inf
