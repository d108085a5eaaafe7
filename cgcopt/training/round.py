"""One round at the master: which cells are recovered, and which can no longer be."""

from __future__ import annotations

import time

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan
from cgcopt.errors import DecodingError
from cgcopt.training.pace import RoundModel
from cgcopt.training.worker import Message

__all__ = ["CodedRound"]


class CodedRound:
    """Collects coded vectors and decodes a cell of level ``n`` at its last necessary arrival.

    Every vector of a worker counts once, whatever arrives again; a cell is decoded once.

    Parameters
    ----------
    plan : Plan
    sequence : int
        Number of the round; vectors of others are ignored.

    Attributes
    ----------
    gradient : ndarray, shape (coordinates,)
        What has been decoded so far.
    ends, decoding : ndarray, shape (blocks,)
        Seconds from the start of the round to the last cell of each block, and seconds spent on
        decoding it.
    """

    def __init__(self, plan: Plan, sequence: int) -> None:
        self.plan, self.sequence = plan, sequence
        self.gradient: FloatArray = np.zeros(plan.coordinates)
        self.ends, self.decoding = np.zeros(len(plan.blocks)), np.zeros(len(plan.blocks))
        self.messages = 0
        self.began = time.perf_counter()
        self._waiting: dict[tuple[int, int], dict[int, FloatArray]] = {
            (b, c): {} for b, block in enumerate(plan.blocks) for c in range(block.cells)
        }
        self._latest: dict[int, Message] = {}
        self._parts = [np.flatnonzero(block.samples_of > 0).tolist() for block in plan.blocks]

    @property
    def complete(self) -> bool:
        """Whether the whole gradient was recovered."""
        return not self._waiting

    @property
    def missing(self) -> int:
        """Cells that are not recovered yet."""
        return len(self._waiting)

    def needed(self, block: int) -> int:
        """Vectors that a cell of the block needs: all but ``n`` of those who have a part in it."""
        return len(self._parts[block]) - self.plan.blocks[block].level

    def arrive(self, worker: int, message: Message) -> None:
        """Take a vector in, and decode its cell where it was the last necessary one."""
        if message.sequence != self.sequence:
            return
        self.messages += 1
        self._latest[worker] = message
        key = (message.block, message.cell)
        arrived = self._waiting.get(key)
        if arrived is None:
            return
        arrived[worker] = message.vector
        if len(arrived) < self.needed(message.block):
            return
        start = time.perf_counter()
        block = self.plan.blocks[message.block]
        part = slice(block.cuts[message.cell], block.cuts[message.cell + 1])
        try:
            self.gradient[part] = block.code.decode(arrived)
            del self._waiting[key]
        except DecodingError:  # too inaccurate with these survivors: one more helps
            if len(arrived) == len(self._parts[message.block]):
                raise
        now = time.perf_counter()
        self.decoding[message.block] += now - start
        self.ends[message.block] = now - self.began

    def delivered(self, worker: int) -> frozenset[tuple[int, int]]:
        """Cells for which nothing more is wanted from the worker: recovered, or already sent."""
        every = {(b, c) for b, block in enumerate(self.plan.blocks) for c in range(block.cells)}
        open_cells = {key for key, arrived in self._waiting.items() if worker not in arrived}
        return frozenset(every - open_cells)

    def unrecoverable(self, gone: set[int]) -> list[int]:
        """Blocks with a cell that cannot be recovered while these workers are gone."""
        found = set()
        for (b, _), arrived in self._waiting.items():
            possible = [i for i in self._parts[b] if i in arrived or i not in gone]
            if len(possible) < self.needed(b):
                found.add(b)
        return sorted(found)

    def slowness(self, model: RoundModel, seconds: float) -> FloatArray:
        """Seconds of each worker for one coordinate on all data, shape ``(workers,)``.

        From its latest vector. Of a worker that sent none in the whole round no more is known than
        that its first cell took longer.
        """
        offsets = np.cumsum([0, *(block.cells for block in self.plan.blocks)])
        found = np.empty(self.plan.workers)
        for i in range(self.plan.workers):
            latest = self._latest.get(i)
            if latest is None:
                work = model.work[i][model.part[i]]
                found[i] = seconds / work.min() if work.size else np.nan
            else:
                found[i] = latest.seconds / model.work[i, offsets[latest.block] + latest.cell]
        return found
