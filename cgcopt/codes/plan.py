"""Plans: a design made concrete. Who holds which samples, who computes what in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.codes.code import GradientCode
from cgcopt.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from cgcopt.problem import Problem

__all__ = ["Plan", "PlannedBlock", "Step"]

Range = tuple[int, int]


@dataclass(frozen=True)
class Step:
    """What a worker computes and sends at one go: one cell on its pieces of the data.

    The coded vector is ``sum_k weights[k] * (partial gradient of the coordinates start, ...,
    stop - 1 on the samples ranges[k])``.

    Attributes
    ----------
    block, cell : int
        Position of the block in the plan, and of the cell in the block.
    start, stop : int
        Coordinates ``start, ..., stop - 1``.
    ranges : tuple of (int, int)
        Samples ``first, ..., end - 1`` of each piece; neighbours with one weight are one range.
    weights : tuple of float
    """

    block: int
    cell: int
    start: int
    stop: int
    ranges: tuple[Range, ...]
    weights: tuple[float, ...]

    @property
    def work(self) -> int:
        """Partial derivatives of single samples: coordinates times samples."""
        return (self.stop - self.start) * sum(end - first for first, end in self.ranges)


@dataclass(frozen=True, eq=False)
class PlannedBlock:
    """Coordinates that tolerate equally many stragglers.

    Attributes
    ----------
    cuts : ndarray of int, shape (cells + 1,)
        Cell ``c`` is the coordinates ``cuts[c], ..., cuts[c+1] - 1``.
    order : ndarray of int, shape (workers, cells)
        The cells in the order in which each worker computes and sends them.
    pieces : ndarray of int, shape (pieces + 1,)
        Piece ``j`` of the data is the samples ``pieces[j], ..., pieces[j+1] - 1``.
    code : GradientCode
        Who computes on which piece, and with what coefficient.
    """

    cuts: IntArray
    order: IntArray
    pieces: IntArray
    code: GradientCode

    def __post_init__(self) -> None:
        for name in ("cuts", "order", "pieces"):
            array = np.array(getattr(self, name), dtype=np.int64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        cells = self.cuts.size - 1
        if self.cuts.ndim != 1 or cells < 1 or np.any(np.diff(self.cuts) <= 0):
            raise InvalidInputError("cuts of a block", self.cuts.tolist(), "increasing")
        if self.pieces.size != self.code.pieces + 1 or np.any(np.diff(self.pieces) <= 0):
            allowed = f"{self.code.pieces + 1} increasing numbers"
            raise InvalidInputError("pieces of a block", self.pieces.tolist(), allowed)
        every = np.tile(np.arange(cells), (self.code.workers, 1))
        if self.order.shape != every.shape or np.any(np.sort(self.order, axis=1) != every):
            allowed = f"each of {cells} cells once for each of {self.code.workers} workers"
            raise InvalidInputError("order of a block", self.order.tolist(), allowed)

    @property
    def level(self) -> int:
        """Stragglers that the block tolerates, ``n``."""
        return self.code.stragglers

    @property
    def start(self) -> int:
        """First coordinate."""
        return int(self.cuts[0])

    @property
    def stop(self) -> int:
        """One behind the last coordinate."""
        return int(self.cuts[-1])

    @property
    def cells(self) -> int:
        """Into how many cells the block is cut."""
        return int(self.cuts.size - 1)

    @property
    def samples_of(self) -> IntArray:
        """Samples on which each worker computes, shape ``(workers,)``."""
        return np.asarray(self.code.placement.holds @ np.diff(self.pieces), dtype=np.int64)

    def ranges_of(self, worker: int) -> tuple[tuple[Range, ...], tuple[float, ...]]:
        """Sample ranges of a worker with their coefficients; equal neighbours are joined."""
        ranges: list[Range] = []
        weights: list[float] = []
        for j in self.code.pieces_of(worker).tolist():
            first, end = int(self.pieces[j]), int(self.pieces[j + 1])
            weight = float(self.code.matrix[worker, j])
            if ranges and ranges[-1][1] == first and weights[-1] == weight:
                ranges[-1] = (ranges[-1][0], end)
            else:
                ranges.append((first, end))
                weights.append(weight)
        return tuple(ranges), tuple(weights)


@dataclass(frozen=True, eq=False)
class Plan:
    """A design or schedule, ready to be carried out.

    Made by :func:`~cgcopt.codes.planning.make_plan`, kept in a file by
    :func:`~cgcopt.codes.plan_file.save_plan`.

    Attributes
    ----------
    samples : int
        Units of data that are shared out, usually samples.
    blocks : tuple of PlannedBlock
        The blocks with coordinates, in the order of computation (increasing level); together they
        are the coordinates ``0, ..., coordinates - 1``.
    partition : ndarray, shape (workers,)
        What the design asked for, before block ends were moved to whole coordinates or boundaries.
    fractions : ndarray, shape (workers, workers)
        Share of the data on which worker ``i`` computes block ``n``, before rounding to samples.
    cells : int
        Cells that the schedule asked for in every block.
    title : str
    problem : Problem, optional
        What the design was made for, where that is known.
    """

    samples: int
    blocks: tuple[PlannedBlock, ...]
    partition: FloatArray
    fractions: FloatArray
    cells: int = 1
    title: str = ""
    problem: Problem | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        if not self.blocks:
            raise InvalidInputError("blocks", self.blocks, "at least one block")
        for name in ("partition", "fractions"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        n = self.partition.size
        if self.fractions.shape != (n, n):
            raise InvalidInputError("fractions", f"shape {self.fractions.shape}", f"{n} x {n}")
        end = 0
        for b, block in enumerate(self.blocks):
            if block.code.workers != n:
                raise InvalidInputError(f"workers of block {b}", block.code.workers, f"{n}")
            if block.start != end:
                raise InvalidInputError(f"first coordinate of block {b}", block.start, f"{end}")
            if (block.pieces[0], block.pieces[-1]) != (0, self.samples):
                ends = [int(block.pieces[0]), int(block.pieces[-1])]
                raise InvalidInputError(f"pieces of block {b}", ends, f"from 0 to {self.samples}")
            end = block.stop

    @property
    def workers(self) -> int:
        """``N``."""
        return int(self.partition.size)

    @property
    def coordinates(self) -> int:
        """``L``."""
        return self.blocks[-1].stop

    @property
    def deployed(self) -> FloatArray:
        """Coordinates of every level as planned, shape ``(workers,)``."""
        x = np.zeros(self.workers)
        for block in self.blocks:
            x[block.level] += block.stop - block.start
        return x

    def steps(self, worker: int) -> tuple[Step, ...]:
        """What a worker does in a round, in this order; blocks in which it has no part are left out."""
        found = []
        for b, block in enumerate(self.blocks):
            ranges, weights = block.ranges_of(worker)
            if ranges:
                for c in block.order[worker].tolist():
                    start, stop = int(block.cuts[c]), int(block.cuts[c + 1])
                    found.append(Step(b, c, start, stop, ranges, weights))
        return tuple(found)

    def held(self, worker: int) -> tuple[Range, ...]:
        """Ranges of samples that a worker must store: all on which it computes in some block."""
        inside = np.zeros(self.samples + 2, dtype=np.int64)
        for block in self.blocks:
            for first, end in block.ranges_of(worker)[0]:
                inside[first + 1] += 1
                inside[end + 1] -= 1
        edges = np.flatnonzero(np.diff((np.cumsum(inside) > 0).astype(np.int8)))
        return tuple((int(a), int(b)) for a, b in edges.reshape(-1, 2))

    @property
    def storage(self) -> FloatArray:
        """Share of the data that each worker stores, shape ``(workers,)``."""
        held = [sum(end - first for first, end in self.held(i)) for i in range(self.workers)]
        return np.array(held) / self.samples

    @property
    def work(self) -> IntArray:
        """Partial derivatives of single samples that each worker computes, shape ``(workers,)``."""
        totals = [sum(step.work for step in self.steps(i)) for i in range(self.workers)]
        return np.array(totals, dtype=np.int64)

    def describe(self) -> pd.DataFrame:
        """One line a block: its coordinates, cells, stragglers, data of a worker and code."""
        import pandas as pd

        lines = []
        for block in self.blocks:
            share = block.samples_of / self.samples
            check = block.code.check(sets=50)
            lines.append(
                {
                    "level": block.level,
                    "from": block.start,
                    "to": block.stop,
                    "coordinates": block.stop - block.start,
                    "designed": float(self.partition[block.level]),
                    "cells": block.cells,
                    "waits for": self.workers - block.level,
                    "pieces": block.code.pieces,
                    "least data": float(share.min()),
                    "most data": float(share.max()),
                    "code": str(block.code.construction),
                    "residual": check.residual,
                    "amplification": check.amplification,
                }
            )
        return pd.DataFrame(lines)

    def __repr__(self) -> str:
        return (
            f"Plan({self.workers} workers, {self.coordinates} coordinates, {self.samples} samples, "
            f"{len(self.blocks)} blocks)"
        )
