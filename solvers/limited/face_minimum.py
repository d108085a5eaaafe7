"""Minimise the exact expected runtime over a face of the design simplex."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.combined_bound import ROUNDING, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import Evaluated, quasi_newton
from cgcopt.solvers.limited.drawn import DrawnRuntime
from cgcopt.solvers.limited.faces import Face
from cgcopt.solvers.limited.oracle import RuntimeCuts

__all__ = ["minimise_face"]


@dataclass(frozen=True)
class FaceTuning:
    """How closely a long sum is bracketed."""

    bracket: float = 0.1
    """Width of a bracket as a share of the gap that is left: of 0.03 to 0.3 the quickest at 50 workers
    with 300 values each."""
    first_gap: float = 0.01
    """Relative gap that counts as left at the start."""


_TUNING = FaceTuning()


def minimise_face(
    cuts: RuntimeCuts,
    drawn: DrawnRuntime,
    face: Face,
    incumbent: Incumbent,
    clock: Clock,
    *,
    steps: int,
    kinks: bool,
    offered: Incumbent | None = None,
) -> list[FloatArray]:
    """Minimise the exact expected runtime over a face by quasi-Newton steps.

    Parameters
    ----------
    cuts : RuntimeCuts
        Evaluates, and keeps the cuts.
    drawn : DrawnRuntime
        Gives the start and the first Hessian.
    face : Face
        Where to minimise.
    incumbent : Incumbent
        Receives points of the face as partitions, and says when to stop.
    clock : Clock
        When to stop.
    steps : int
        Evaluations at most.
    kinks : bool
        Whether the function has kinks: bounds then come from all gradients together.
    offered : Incumbent, optional
        Receives the partitions too.

    Returns
    -------
    list of ndarray
        The gradients on the simplex of the face.
    """
    gradients: list[FloatArray] = []

    def oracle(share: FloatArray) -> Evaluated:
        with cuts.bracketing(_TUNING.bracket * min(incumbent.gap, _TUNING.first_gap)):
            point = face.evaluated(cuts, share)
        gradients.append(point.gradient)
        if offered is not None:
            offered.offer(face.partition(share), point.value)
        return replace(point, bound=proven(gradients, ROUNDING)) if kinks else point

    share, hessian = drawn.minimise(face)
    best = _OnFace(incumbent, face)
    quasi_newton(oracle, share, hessian, best, clock, steps=steps, cuts=gradients, kinks=kinks)
    return gradients


class _OnFace(Incumbent):
    """Takes note of points of a face, and offers them as partitions."""

    def __init__(self, incumbent: Incumbent, face: Face) -> None:
        super().__init__(incumbent.target)
        self.whole, self.face = incumbent, face

    def offer(self, partition: FloatArray, value: float, bound: float = -np.inf) -> bool:
        """Take note of a point of the simplex."""
        self.whole.offer(self.face.partition(partition), value, bound)
        return super().offer(partition, value, bound)

    @property
    def closed(self) -> bool:
        """Whether the gap of the whole problem is closed."""
        return self.whole.closed
