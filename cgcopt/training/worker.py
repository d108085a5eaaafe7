"""A worker: computes its steps of a round one after another, and sends a coded vector for each."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Step
from cgcopt.training.pace import Pace
from cgcopt.training.task import PartialGradients, Task

__all__ = ["Message", "Worker"]

#: Seconds between two looks at whether the round is over.
_LOOK = 0.002


@dataclass(frozen=True)
class Message:
    """A coded vector of one cell.

    Attributes
    ----------
    sequence : int
        The round that it belongs to; every round of every plan has its own number.
    block, cell : int
        Which cell.
    vector : ndarray
    seconds : float
        Since the worker began with the round.
    computing : float
        Of these, what computing took, waiting left out.
    """

    sequence: int
    block: int
    cell: int
    vector: FloatArray
    seconds: float
    computing: float


class Worker:
    """Holds the data of a task and what it has to do for each plan.

    Parameters
    ----------
    task : Task
    programs : mapping
        For the name of each plan the worker's steps.
    """

    def __init__(self, task: Task, programs: Mapping[str, Sequence[Step]]) -> None:
        self.task = task
        self.programs = dict(programs)
        self.over = -1

    def process(self) -> int:
        """Number of the process."""
        return os.getpid()

    def cancel(self, sequence: int) -> None:
        """Stop working for this round and those before it."""
        self.over = max(self.over, sequence)

    def assign(self, plan: str, steps: Sequence[Step]) -> None:
        """Replace the steps of a plan."""
        self.programs[plan] = steps

    def compute(
        self,
        plan: str,
        sequence: int,
        parameters: FloatArray,
        pace: Pace,
        delivered: Collection[tuple[int, int]] = (),
    ) -> Iterator[Message]:
        """Yield the coded vectors of a round in the worker's own order.

        Parameters
        ----------
        plan : str
        sequence : int
        parameters : ndarray
        pace : Pace
            No vector is sent before its time; what really takes longer is not shortened.
        delivered : collection of (block, cell)
            Cells that need not be computed.
        """
        began = time.monotonic()
        gradients = self.task.at(np.asarray(parameters))
        work, coordinates, messages, computing = 0.0, 0, 0, 0.0
        for step in self.programs[plan]:
            if self.over >= sequence:
                return
            if (step.block, step.cell) in delivered:
                continue
            start = time.monotonic()
            vector = coded(step, gradients)
            computing += time.monotonic() - start
            work += step.work / self.task.samples
            coordinates += step.stop - step.start
            messages += 1
            if not self._wait(began + pace.due(work, coordinates, messages), sequence, pace.busy):
                return
            elapsed = time.monotonic() - began
            yield Message(sequence, step.block, step.cell, vector, elapsed, computing)

    def _wait(self, until: float, sequence: int, busy: bool) -> bool:
        """Wait, and say whether the round still goes on."""
        while (left := until - time.monotonic()) > 0:
            if self.over >= sequence:
                return False
            if busy:
                np.linalg.norm(np.ones(2000))
            else:
                time.sleep(min(left, _LOOK))
        return self.over < sequence


def coded(step: Step, gradients: PartialGradients) -> FloatArray:
    """The coded vector of a step: the weighted sum of its partial gradients."""
    total = np.zeros(step.stop - step.start)
    for weight, (first, end) in zip(step.weights, step.ranges, strict=True):
        total += weight * gradients.partial(first, end, step.start, step.stop)
    return total
