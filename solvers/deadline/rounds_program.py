"""The fewest late rounds as a mixed-integer program.

With the thresholds of a level in order, ``b_(1) <= b_(2) <= ...``, its work may rise from one to the next
only where the rounds of all smaller ones are late.  With ``z_k = 1`` for a late round and
``0 <= y_{n,j} <= 1``

    min sum_k z_k
    w_n <= b_{n,(1)} + sum_j (b_{n,(j+1)} - b_{n,(j)}) y_{n,j}
    y_{n,j} <= z_{k(n,j)},   y_{n,j} <= y_{n,j-1}

for the work ``w`` of a design: the star inequalities of the mixing set of every level (Luedtke, Ahmed
and Nemhauser, Mathematical Programming 122, 2010).  Where few rounds may be late, few thresholds of
a level come into question (:mod:`cgcopt.solvers.deadline.late_rounds`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.solvers.deadline.design_part import DESIGN, DesignColumns, DesignPart
from cgcopt.solvers.deadline.late_rounds import Prospects

__all__ = ["RoundsProgram"]

#: A dual bound this much above a whole number of late rounds may be that number.
_SURPLUS = 1e-5


@dataclass(frozen=True, eq=False)
class RoundsProgram:
    """The program and its columns.

    Attributes
    ----------
    model : highspy.Highs
    part : DesignPart
    columns : DesignColumns
    rounds, late : ndarray of int, shape (c,)
        Rounds that may be late or not, and the columns that say so.
    prospects : Prospects
        What was decided before.
    """

    model: Any
    part: DesignPart
    columns: DesignColumns
    rounds: IntArray
    late: IntArray
    prospects: Prospects

    @classmethod
    def of(cls, part: DesignPart, thresholds: FloatArray, prospects: Prospects) -> RoundsProgram:
        """Write the program for thresholds of the allowed levels, shape ``(K, m)``, in coordinates."""
        model = HighsModel()
        most = np.minimum(prospects.ceilings, (part.levels + 1.0) * part.coordinates)
        columns = part.add(model, most)
        open_ = np.flatnonzero(~prospects.forced)
        depth = min(prospects.allowed, len(open_))
        room = np.minimum(thresholds[open_], most) * (DESIGN.scale / part.coordinates)
        order = np.argsort(room, axis=0, kind="stable")[:depth]
        steps = np.diff(np.take_along_axis(room, order, axis=0), axis=0, append=0.0)
        top = most * (DESIGN.scale / part.coordinates)
        first = np.min(room, axis=0) if depth else top
        if depth:
            steps[-1] = top - np.take_along_axis(room, order[-1:], axis=0)[0]
        # Behind the last step up nothing is gained.
        rising = np.cumsum(steps[::-1] > 0.0, axis=0)[::-1] > 0
        rounds = np.unique(order[rising])
        late = model.columns("z", (rounds.size,), upper=1.0, cost=1.0, integer=True)
        gained = model.columns("y", order.shape, upper=np.where(rising, 1.0, 0.0))
        terms: list[tuple[Any, IntArray]] = [(1.0, columns.work)]
        if depth:
            terms.append((-steps.T, gained.T))
            place = np.searchsorted(
                rounds, np.where(rising, order, rounds[0] if len(rounds) else 0)
            )
            place = np.minimum(place, max(rounds.size - 1, 0))
            if rounds.size:
                model.rows(
                    "given_up",
                    order.shape,
                    [(1.0, gained), (-1.0, late[place])],
                    upper=0.0,
                    where=rising,
                )
            pairs = [(1.0, gained[1:]), (-1.0, gained[:-1])]
            model.rows("in_turn", (depth - 1, part.levels.size), pairs, upper=0.0, where=rising[1:])
        model.rows("room", (part.levels.size,), terms, upper=first)
        if rounds.size:
            model.rows("number", (), [(np.ones(rounds.size), late)], upper=float(prospects.allowed))
        return cls(model.build(), part, columns, open_[rounds], late, prospects)

    def fewest(self, bound: float) -> int:
        """Late rounds that every design of the program has at least, from the bound of HiGHS."""
        forced = int(np.count_nonzero(self.prospects.forced))
        return forced + max(math.ceil(bound - _SURPLUS), 0) if math.isfinite(bound) else forced

    def point(self, values: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Late rounds of a point, shape ``(K,)``, and its partition."""
        late = self.prospects.forced.copy()
        late[self.rounds[values[self.late] > 0.5]] = True
        return late, self.part.partition(self.columns, values)
