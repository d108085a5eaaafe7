"""From a design or a schedule to a plan: ranges of coordinates and samples, and codes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.codes.construct import gradient_code
from cgcopt.codes.nested import nested_placements
from cgcopt.codes.placement import Placement
from cgcopt.codes.plan import Plan, PlannedBlock
from cgcopt.design import Design, Partitioned
from cgcopt.errors import InvalidInputError
from cgcopt.problem import Problem
from cgcopt.schedule import Schedule, cyclic_places

__all__ = ["fit_plan", "make_plan"]


#: Units of data for each worker where work is unequal and no number of samples is given.
_FINE = 100


def make_plan(
    design: Design | Schedule | ArrayLike,
    samples: int | None = None,
    *,
    coordinates: int | None = None,
    boundaries: ArrayLike | None = None,
    seed: int = 0,
    title: str = "",
    problem: Problem | None = None,
) -> Plan:
    """Make a design or schedule concrete.

    Block ``n`` gets the next ``x_n`` coordinates, cut into its cells; ends are rounded to whole
    coordinates, or to the nearest of ``boundaries``. Where all workers do equal work, the data are
    ``N`` equal pieces, and every worker holds no more of them than its highest block needs: a lower
    block has the code that decodes best (:func:`~cgcopt.codes.construct.gradient_code`) among those
    whose pieces are there anyway. With unequal work lower blocks use what the highest one has stored, as
    far as a worker does not need more of the data for them (:mod:`cgcopt.codes.nested`).

    Parameters
    ----------
    design : Design, Schedule or array_like
        A partition is a design.
    samples : int, optional
        Samples to share out, at least ``N``; by default ``N`` units, ``100 N`` for unequal work.
    coordinates : int, optional
        Coordinates of the model; by default the design's own sum. The partition is scaled to it.
    boundaries : array_like of int, optional
        Where blocks and cells may end (such as ends of tensors); ``0`` and the number of coordinates
        are added.
    seed : int
        Of drawn coefficients.
    title : str, optional
    problem : Problem, optional
        What the design was made for; it is kept with the plan.

    Raises
    ------
    InvalidInputError
        If an argument is refused.

    Examples
    --------
    >>> plan = make_plan([6, 2, 0, 4], samples=40)
    >>> [(block.level, block.start, block.stop) for block in plan.blocks]
    [(0, 0, 6), (1, 6, 8), (3, 8, 12)]
    >>> plan.steps(2)[0]
    Step(block=0, cell=0, start=0, stop=6, ranges=((20, 30),), weights=(1.0,))
    >>> make_plan([6, 2, 0, 4], boundaries=[5, 7]).deployed
    array([5., 2., 0., 5.])
    """
    held = design if isinstance(design, Partitioned) else Design(np.asarray(design))
    schedule = Schedule.of(held)
    n = schedule.workers
    equal = schedule.has_equal_work
    units = whole_number(
        "samples", (n if equal else _FINE * n) if samples is None else samples, least=1
    )
    if equal and units < n:
        raise InvalidInputError("samples", units, f"at least {n}, one piece for each worker")
    total = whole_number(
        "coordinates",
        max(round(schedule.coordinates), 1) if coordinates is None else coordinates,
        least=1,
    )
    allowed = _allowed_cuts(boundaries, total)
    x = schedule.partition * (total / schedule.coordinates)
    ends = _nearest(np.concatenate([[0.0], np.cumsum(x)]), allowed)
    levels = [level for level in range(n) if ends[level + 1] > ends[level]]
    fractions = np.asarray(schedule.fractions)
    places = _nested(n, levels) if equal else {}
    unequal = {} if equal else nested_placements(fractions, levels, units)
    blocks = []
    for level in levels:
        if equal:
            placement, pieces = places[level], np.arange(n + 1) * units // n
        else:
            placement, pieces = unequal[level]
        even = np.linspace(ends[level], ends[level + 1], schedule.cells + 1)
        cuts = np.unique(_nearest(even, allowed))
        order = np.argsort(cyclic_places(n, cuts.size - 1), axis=1)
        code = gradient_code(n, level, placement, seed)
        blocks.append(PlannedBlock(cuts, order, pieces, code))
    return Plan(units, tuple(blocks), x, fractions, schedule.cells, title, problem)


def fit_plan(
    plan: Plan,
    samples: int,
    coordinates: int,
    *,
    boundaries: ArrayLike | None = None,
    seed: int = 0,
) -> Plan:
    """Make the plan anew for another model and data set: the same shares of coordinates and data."""
    n, x = plan.workers, plan.partition
    work = np.where(x > 0, n * plan.fractions * x, 0.0)
    equal = np.allclose(plan.fractions[:, x > 0], np.arange(1, n + 1)[x > 0] / n, rtol=1e-12)
    schedule = Schedule(x, None if equal else work, plan.cells > 1, plan.cells)  # type: ignore[arg-type]
    return make_plan(
        schedule,
        samples,
        coordinates=coordinates,
        boundaries=boundaries,
        seed=seed,
        title=plan.title,
        problem=plan.problem,
    )


def _nested(workers: int, levels: Iterable[int]) -> dict[int, Placement]:
    """A placement for each level, all within what the highest one makes a worker store."""
    descending = sorted(levels, reverse=True)
    for highest in ("repetition", "cyclic"):
        found: dict[int, Placement] = {}
        for level in descending:
            kinds = [highest] if level == descending[0] else ["repetition", "cyclic"]
            candidates = [getattr(Placement, kind)(workers, level + 1) for kind in kinds]
            room = found.get(descending[0], candidates[0]).holds
            fitting = [place for place in candidates if not np.any(place.holds & ~room)]
            if not fitting:
                break
            found[level] = fitting[0]
        if len(found) == len(descending):
            break
    return found


def _allowed_cuts(boundaries: ArrayLike | None, total: int) -> IntArray | None:
    """Where cuts may lie; ``None`` for every whole number."""
    if boundaries is None:
        return None
    given = np.asarray(boundaries, dtype=np.float64).ravel()
    bad = given[(given != np.round(given)) | (given < 0) | (given > total)]
    if bad.size:
        raise InvalidInputError("boundaries", bad[0].item(), f"whole numbers from 0 to {total}")
    falling = np.flatnonzero(np.diff(given) <= 0)
    if falling.size:
        first = falling[0]
        shown = f"{given[first]:.0f}, {given[first + 1]:.0f}"
        raise InvalidInputError("boundaries", shown, "cumulative counts, increasing")
    return np.unique(np.concatenate([given.astype(np.int64), [0, total]]))


def _nearest(positions: FloatArray, allowed: IntArray | None) -> IntArray:
    """The nearest allowed cut of every position."""
    if allowed is None:
        return np.floor(positions + 0.5).astype(np.int64)
    above = np.minimum(np.searchsorted(allowed, positions), allowed.size - 1)
    below = np.maximum(above - 1, 0)
    lower = positions - allowed[below] <= allowed[above] - positions
    return np.where(lower, allowed[below], allowed[above])
