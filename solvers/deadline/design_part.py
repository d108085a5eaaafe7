"""The part of a mixed-integer program that says what a design is: blocks, work, limits, whole numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, level_weights
from cgcopt.evaluation.roots import narrowed
from cgcopt.formulations.highs_model import HighsModel, before
from cgcopt.formulations.limited.rows import add_ends, add_used_levels
from cgcopt.problem import Form, Problem

__all__ = ["DesignColumns", "DesignPart", "DesignTuning"]


@dataclass(frozen=True)
class DesignTuning:
    """Numbers of the program, from the tolerances of HiGHS; no measurement of them is on record."""

    scale: float = 1000.0
    """Work of ``L`` coordinates at level 0: a tolerance of 1e-6 is then 1e-9 of it."""
    most_whole: int = 10**6
    """With more coordinates they count as real numbers, which bounds those in whole numbers."""
    room: float = 1e-12
    """Relative room around computed bounds, far above rounding errors."""
    whole: float = 1e-9
    """What a number may be below a whole one and still count as it."""
    missed: float = 1e-9
    """Share of the budget that a design of real numbers may miss."""
    share: float = 1e-16
    """Relative width at which the search for the share of the room ends: neighbouring numbers."""


DESIGN = DesignTuning()


@dataclass(frozen=True, eq=False)
class DesignColumns:
    """Columns of the program.

    Attributes
    ----------
    x, work : ndarray of int, shape (m,)
        Coordinates at every allowed level, and cumulative work, scaled.
    used : ndarray of int, shape (m,), optional
        Whether a level is used, where that counts.
    end : ndarray of int, shape (m, b), optional
        At which boundary the blocks up to a level end.
    """

    x: IntArray
    work: IntArray
    used: IntArray | None = None
    end: IntArray | None = None


@dataclass(frozen=True, eq=False)
class DesignPart:
    """Designs of a problem at one form, on its allowed levels.

    Attributes
    ----------
    problem : Problem
        With any limits.
    form : Form
        Coordinates are whole numbers but in the relaxed form.
    """

    problem: Problem
    form: Form

    @cached_property
    def levels(self) -> IntArray:
        """Allowed levels, shape ``(m,)``; the others stay empty and are in time with those below."""
        return self.problem.limits.allowed_levels(self.problem.system.workers)

    @property
    def coordinates(self) -> float:
        """``L``."""
        return float(self.problem.system.coordinates)

    @property
    def whole(self) -> bool:
        """Whether the program asks for whole numbers."""
        fine = self.problem.system.coordinates > DESIGN.most_whole
        return self.form is not Form.RELAXED and not fine

    @property
    def counted(self) -> bool:
        """Whether it matters which levels are used."""
        limits = self.problem.limits
        return limits.blocks is not None or limits.least is not None

    @cached_property
    def weights(self) -> FloatArray:
        """``v`` of the allowed levels: ``v . w = L`` for their work, shape ``(m,)``."""
        return level_weights(self.levels)

    @property
    def least(self) -> float:
        """What a used level carries at least, in coordinates."""
        whole = self.form is not Form.RELAXED
        return self.problem.limits.least_block(self.coordinates, whole=whole)

    def add(self, model: HighsModel, most: FloatArray) -> DesignColumns:
        """Write columns and rows into a model.

        Parameters
        ----------
        model : HighsModel
        most : ndarray, shape (m,)
            Most work of every level, in coordinates.
        """
        size, L, per = self.levels.size, self.coordinates, self.coordinates / DESIGN.scale
        costs = (self.levels + 1.0) / per
        unit = 1.0 if self.whole else per
        highest = np.minimum(most / (self.levels + 1.0), L) * (1.0 + DESIGN.room) / unit
        highest = np.floor(highest + DESIGN.whole) if self.whole else highest
        x = model.columns("x", (size,), upper=np.maximum(highest, 0.0), integer=self.whole)
        work = model.columns("w", (size,), upper=most / per * (1.0 + DESIGN.room))
        model.rows("budget", (), [(np.ones(size), x)], lower=L / unit, upper=L / unit)
        less, previous = before(work)
        terms = [(costs * unit, x), (-1.0, work), (-less, previous)]
        model.rows("work", (size,), terms, lower=0.0, upper=0.0)
        # What the rows above imply, for the bound of the linear program.
        model.rows("weights", (), [(self.weights, work)], lower=DESIGN.scale, upper=DESIGN.scale)
        limits, used, end = self.problem.limits, None, None
        if self.counted:
            used = add_used_levels(
                model,
                "used",
                x,
                unit=1.0,
                largest=np.maximum(highest, 0.0),
                least=None if limits.least is None else self.least / unit,
                fewest=1.0,
                most=float(limits.most_blocks(self.problem.system.workers)),
            )
        if limits.boundaries is not None:
            ends = np.concatenate(([0.0], limits.boundaries)) / unit
            end = add_ends(model, x, ends, unit=1.0)
        return DesignColumns(x, work, used, end)

    def partition(self, columns: DesignColumns, values: FloatArray) -> FloatArray:
        """Partition ``x`` of a point, of shape ``(N,)``: cleaned, but not moved into the limits."""
        x = np.zeros(self.problem.system.workers)
        found = np.maximum(values[columns.x], 0.0)
        if columns.end is not None:
            boundaries = np.concatenate(([0.0], self.problem.limits.boundaries or ()))
            totals = boundaries[values[columns.end].argmax(axis=1)]
            x[self.levels] = np.maximum(np.diff(totals, prepend=0.0), 0.0)
            return x
        if columns.used is not None:
            found[values[columns.used] < 0.5] = 0.0
        x[self.levels] = np.round(found) if self.whole else found
        return np.asarray(x * (self.coordinates / x.sum())) if x.sum() > 0 else x

    def within(self, room: FloatArray, near: FloatArray) -> FloatArray | None:
        """A partition whose work keeps to a room with as much to spare as there is; ``None`` if none.

        Parameters
        ----------
        room : ndarray, shape (m,)
            Most work of the allowed levels, nondecreasing, in coordinates.
        near : ndarray, shape (N,)
            A partition whose used levels, or ends, are to be kept where limits speak of them.
        """
        limits = self.problem.limits
        if limits.boundaries is not None:
            return near
        levels = np.arange(self.levels.size)
        if self.counted:
            levels = np.flatnonzero(near[self.levels] > 0)
        if self.form is not Form.RELAXED:
            found = _filled(room[levels], self.levels[levels], self.coordinates, self._floor)
        else:
            found = _scaled(room[levels], self.levels[levels], self.coordinates, self._floor)
        if found is None:
            return None
        x = np.zeros(self.problem.system.workers)
        x[self.levels[levels]] = found
        return x

    @property
    def _floor(self) -> float:
        return self.least if self.problem.limits.least is not None else 0.0

    def design(self, partition: FloatArray) -> Design | None:
        """The design of a partition, if it keeps the limits."""
        if self.problem.limits.violation(partition):
            return None
        return Design(partition)


def _filled(room: FloatArray, levels: IntArray, total: float, floor: float) -> FloatArray | None:
    """Whole numbers: as many coordinates as fit are given to every level in turn.

    That holds the most coordinates: moving one from a higher level to a lower one with room takes
    work from the levels above and breaks nothing between.
    """
    x = np.full(levels.size, floor)
    left = total - float(x.sum())
    cost = levels + 1.0
    for n in range(levels.size):
        # Every level above keeps room for its least blocks.
        spare = float(np.min(room[n:] - np.cumsum(x * cost)[n:])) / cost[n]
        if spare < -DESIGN.whole:
            return None
        more = min(math.floor(spare + DESIGN.whole), left)
        x[n] += more
        left -= more
    return x if left == 0.0 else None


def _scaled(room: FloatArray, levels: IntArray, total: float, floor: float) -> FloatArray | None:
    """Real numbers: the work is the same share of its room at every level, as small as can be."""
    cost = levels + 1.0

    def spread(share: float) -> tuple[FloatArray, float]:
        x = np.full(levels.size, floor)
        left = total - float(x.sum())
        for n in range(levels.size):
            spare = float(np.min(share * room[n:] - np.cumsum(x * cost)[n:])) / cost[n]
            if spare < 0.0:
                return x, math.inf
            x[n] += min(spare, left)
            left -= min(spare, left)
        return x, left

    if floor == 0.0:
        work = room * (total / float(room @ level_weights(levels)))
        fits = bool(np.all(work <= room * (1.0 + DESIGN.room)))
        return np.maximum(np.diff(work, prepend=0.0) / cost, 0.0) if fits else None
    if spread(1.0)[1] > DESIGN.missed * total:
        return None
    _, share = narrowed(
        lambda share: spread(share)[1] <= DESIGN.room * total, 0.0, 1.0, width=DESIGN.share
    )
    x = spread(share)[0]
    return np.asarray(x * (total / x.sum()))
