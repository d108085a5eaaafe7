"""Expected seconds from the chance to be late: the integral of ``P[tau > t]`` by panels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.density.quadrature import integrate

__all__ = ["LateSettings", "integral_of_late"]


@dataclass(frozen=True)
class LateSettings:
    """Numbers of the quadrature.

    Attributes
    ----------
    tolerance, other : float
        Error that one panel may have, relative to the expected seconds, and to the largest of the
        other integrals.
    points : int
        Nodes of a panel.
    negligible : float
        Chance below which, and above one minus which, nothing is integrated.
    far : float
        Where a regularly varying tail is taken to follow its power, over the median.
    grid : int
        Deadlines between which panels are cut.
    cuts : tuple of float
        Chances to be late near which they are.
    apart : float
        Least difference of the logarithms of two cuts.
    octaves, finer, most_octaves : int
        Octaves that the deadlines reach beyond the guess at first, deadlines in one, and octaves at the
        most.
    """

    tolerance: float = 1e-11
    other: float = 1e-8
    points: int = 12
    negligible: float = 1e-15
    far: float = 1e7
    grid: int = 129
    cuts: tuple[float, ...] = (0.99, 0.5, 0.05, 1e-4, 1e-9)
    apart: float = 1e-13
    octaves: int = 8
    finer: int = 4
    most_octaves: int = 2000


def integral_of_late(
    functions: Callable[[FloatArray], FloatArray],
    guess: float,
    *,
    kinks: ArrayLike = (),
    power: float = math.inf,
    settings: LateSettings | None = None,
) -> FloatArray:
    """Integrate ``P[tau > t]`` over all ``t > 0``, and other functions that fade out with it.

    Parameters
    ----------
    functions : callable
        Takes deadlines, shape ``(m,)``, and returns shape ``(m, 1 + C)``: first ``P[tau > t]``, which
        falls from 1 to 0; the others are 0 where that is 1, and fade out where it does.
    guess : float
        Some deadline of the size of ``tau``.
    kinks : array_like
        Deadlines at which the functions may have kinks.
    power : float
        Power of ``1/t`` with which all of them fall in the end; infinite for light tails.
    settings : LateSettings, optional

    Returns
    -------
    ndarray, shape (1 + C,)

    Examples
    --------
    >>> late = lambda t: np.exp(-t)[:, np.newaxis]
    >>> bool(abs(integral_of_late(late, 5.0)[0] - 1.0) < 1e-12)
    True
    """
    chosen = settings or LateSettings()

    def missed(t: FloatArray) -> FloatArray:
        return functions(t)[:, 0]

    heavy = math.isfinite(power)
    grid = _grid(missed, guess, chosen, heavy)
    late = missed(grid)
    start = float(grid[late >= 1.0 - chosen.negligible][-1])
    median = float(grid[late <= 0.5][0])
    end = median * chosen.far if heavy else float(grid[late <= chosen.negligible][0])
    edges = _edges(missed, start, median, end, np.asarray(kinks, dtype=np.float64), chosen)

    def integrand(place: FloatArray) -> FloatArray:
        t = np.exp(place)
        return np.asarray(functions(t) * t[:, np.newaxis])

    def allowance(total: FloatArray) -> FloatArray:
        others = np.full(total.size - 1, chosen.other * np.abs(total[1:]).max(initial=0.0))
        return np.concatenate(([chosen.tolerance * (start + total[0])], others))

    total = integrate(integrand, edges, allowance=allowance, points=chosen.points)
    if heavy:
        total = total + end * functions(np.array([end]))[0] / (power - 1.0)
    total[0] += start
    return np.asarray(total)


def _edges(
    missed: Callable[[FloatArray], FloatArray],
    start: float,
    median: float,
    end: float,
    kinks: FloatArray,
    settings: LateSettings,
) -> FloatArray:
    """Logarithms of the ends of the panels."""
    if not 0.0 < min(start, median) <= end < math.inf:
        raise SolverError("the times of the workers lie too far apart for double precision")
    fine = np.geomspace(start, end, settings.grid)
    chances = missed(fine)
    cuts = [fine[chances <= chance][0] for chance in settings.cuts if chances[-1] <= chance]
    far = np.geomspace(median, end, max(int(math.log(end / median)), 1) + 1)
    every = np.unique(np.concatenate(([start, end], kinks, cuts, far)))
    edges = np.log(every[(every >= start) & (every <= end)])
    return np.asarray(edges[np.concatenate(([True], np.diff(edges) > settings.apart))])


def _grid(
    missed: Callable[[FloatArray], FloatArray],
    guess: float,
    settings: LateSettings,
    heavy: bool,
) -> FloatArray:
    """Deadlines, evenly spaced in logarithm, between which ``P[tau > t]`` falls from 1 to 0 or 1/2."""
    low, high = -settings.octaves, settings.octaves
    step = 1.0 / settings.finer
    while True:
        grid = guess * np.exp2(np.arange(low, high + step, step))
        ends = missed(grid[[0, -1]])
        early = ends[0] >= 1.0 - settings.negligible
        late = ends[1] <= (0.5 if heavy else settings.negligible)
        if early and late:
            return np.asarray(grid)
        low -= 0 if early else settings.octaves
        high += 0 if late else settings.octaves
        if high - low > settings.most_octaves:
            raise SolverError("the worker times leave the range of double precision")
