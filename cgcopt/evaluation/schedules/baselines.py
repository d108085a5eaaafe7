"""Schemes without a code, and a bound on all schemes, on given rounds.

*Cyclic scheduling* (Amiri and Gunduz, arXiv 1810.09992): nothing is coded; worker ``i`` stores ``r``
subsets of the data, computes the full gradient on subsets ``i, i+1, ..., i+r-1`` in this order, and sends
each when it is done. *Dynamic assignment*: the master assigns cells one at a time, on request. The
*speed of light*: whatever the scheme, every coordinate is computed on every piece of the data once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.schedules.rounds import in_pieces
from cgcopt.system import System

__all__ = ["Cyclic", "Dynamic", "sent_share", "speed_of_light"]

#: Products that the choice of the worker of one cell takes, for each worker, about.
_PRODUCTS = 20


@dataclass(frozen=True)
class Cyclic:
    """Uncoded cyclic scheduling with ``copies`` copies of the data.

    Parameters
    ----------
    copies : int
        ``r``, subsets that a worker stores, from 1 to ``N``.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Exponential(rate=1.0), samples=2)
    >>> Cyclic(2).runtimes(system, [[1.0, 3.0]]).tolist()
    [12.0]
    >>> Cyclic(1).runtimes(system, [[1.0, 3.0]]).tolist()
    [18.0]
    """

    copies: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "copies", whole_number("copies", self.copies, least=1))

    def runtimes(self, system: System, times: ArrayLike) -> FloatArray:
        """Seconds of every round, ``u L max_b min_i T_i place_i(b)``, shape ``(K,)``.

        Where sending costs time, a worker sends ``L`` coordinates after every subset.
        """
        t = _rounds(system, times)
        count = system.workers
        if self.copies > count:
            raise InvalidInputError(
                "copies", self.copies, f"at most {count}, the number of subsets"
            )
        costs, work = system.costs, system.unit * system.coordinates
        sending = costs.per_coordinate * system.coordinates + costs.per_message
        first = np.full(t.shape, np.inf)
        for place in range(1, self.copies + 1):
            done = t * (work * place) + sending * place
            # Worker i has subset i + place - 1 at this place.
            np.minimum(first, np.roll(done, place - 1, axis=1), out=first)
        return np.asarray(first.max(axis=1) + costs.startup)

    def to_dict(self) -> dict[str, Any]:
        """The number of copies, as it is written to files."""
        return {"copies": self.copies}


@singledispatch
def sent_share(assignment: object) -> float:
    """Coordinates that a worker sends in a round at most, over ``L``; on request: on average.

    Examples
    --------
    >>> sent_share(Cyclic(3)), sent_share(Dynamic(4))
    (3.0, 1.0)
    """
    return 1.0


@sent_share.register
def _(assignment: Cyclic) -> float:
    return float(assignment.copies)


@dataclass(frozen=True)
class Dynamic:
    """Cells of all work, handed out one at a time.

    A worker asks, waits for the latency, computes the cell, and asks again. When no cell is left, an
    idle worker repeats the cell that is expected last, if it would be sooner. Every worker needs all
    of the data, and the master must answer every request.

    Parameters
    ----------
    cells : int
        ``M``, cells of equal work.
    latency : float
        Seconds from a request to the start of the work.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Exponential(rate=1.0), samples=2)
    >>> Dynamic(4).runtimes(system, [[1.0, 3.0]]).tolist()
    [9.0]
    """

    cells: int
    latency: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", whole_number("cells", self.cells, least=1))
        object.__setattr__(self, "latency", finite_number("latency", self.latency, least=0))

    def to_dict(self) -> dict[str, Any]:
        """The number of cells and the latency, as they are written to files."""
        return {"cells": self.cells, "latency": self.latency}

    def runtimes(self, system: System, times: ArrayLike) -> FloatArray:
        """Seconds of every round, shape ``(K,)``; a worker sends the share of a cell when it is done."""
        from cgcopt.evaluation.schedules.dynamic_kernel import fill_dynamic

        t = _rounds(system, times)
        costs, share = system.costs, system.workers / self.cells
        work = system.unit * system.coordinates * share
        sending = costs.per_coordinate * system.coordinates * share + costs.per_message
        ends = np.empty(len(t))

        def piece(rows: slice) -> None:
            free, idle = np.empty(system.workers), np.empty(system.workers, dtype=np.bool_)
            seconds = t[rows] * work + (sending + self.latency)
            fill_dynamic(seconds, ends[rows], np.empty(self.cells), free, idle)

        in_pieces(piece, len(t), _PRODUCTS * self.cells * system.workers)
        return ends + costs.startup


def speed_of_light(system: System, times: ArrayLike) -> FloatArray:
    """Seconds below which no scheme ends a round, ``u N L / sum_i (1/T_i)``, shape ``(K,)``.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Exponential(rate=1.0), samples=2)
    >>> speed_of_light(system, [[1.0, 3.0]]).tolist()
    [9.0]
    """
    t = _rounds(system, times)
    work = system.unit * system.workers * system.coordinates
    return np.asarray(work / (1.0 / t).sum(axis=1) + system.costs.startup)


def _rounds(system: System, times: ArrayLike) -> FloatArray:
    t = np.ascontiguousarray(times, dtype=np.float64)
    if t.ndim != 2 or t.shape[1] != system.workers:
        raise InvalidInputError("times", f"shape {t.shape}", f"rounds of {system.workers} workers")
    return t
