"""Rounds in which workers send a block while they compute the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.system import System

__all__ = ["Overlapped", "overlapped_ends"]


@dataclass(frozen=True)
class Overlapped:
    """A design whose workers compute and send at the same time, one message after the other.

    A block is sent when it is computed and the message before has left. That is never slower than
    sending in turn, but the increasing order of redundancy need not be the best one then, so that it can
    be simulated and is not designed for.

    Parameters
    ----------
    design : Design
        What is run.

    Examples
    --------
    >>> import cgcopt as cg
    >>> costs = cg.Costs(per_coordinate=1.0)
    >>> system = cg.System(2, 5, cg.Exponential(rate=1.0), samples=2, costs=costs)
    >>> overlapped_ends(Design([3, 2]), system, [[1.0, 1.0]]).tolist()
    [9.0]
    """

    design: Design

    def to_dict(self) -> dict[str, Any]:
        """The partition of the design, as it is written to files."""
        return {"partition": self.design.partition.tolist()}


def overlapped_ends(design: Design, system: System, times: ArrayLike) -> FloatArray:
    """Seconds of every round, shape ``(K,)``, for worker times of shape ``(K, N)``."""
    sorted_times = np.sort(np.asarray(times, dtype=np.float64), axis=1)
    costs, x = system.costs, design.partition
    sent = np.zeros_like(sorted_times)
    ends = np.zeros(len(sorted_times))
    for n in np.flatnonzero(x > 0):
        computed = costs.startup + sorted_times * (system.unit * design.work[n])
        message = costs.per_coordinate * x[n] + costs.per_message
        # Who computes faster has also sent earlier: the order of the workers stays.
        sent = np.maximum(computed, sent) + message
        ends = np.maximum(ends, sent[:, design.workers - n - 1])
    return ends
