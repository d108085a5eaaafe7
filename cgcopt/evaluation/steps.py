"""Expected runtime when a worker's time takes finitely many values, such as a pooled trace.

With ``a_n = u w_n`` the runtime ``tau = max_n a_n T_(N-n)`` (arXiv 2206.02450) takes only the
values ``a_n t_j``, ``t_j`` the values of ``T``. So ``P[tau <= z]`` jumps only at these products and
``E[tau] = int_0^inf (1 - P[tau <= z]) dz`` is a finite sum.

*Value.* Between two products at which ``P`` is known it is bounded by the two, since it is
nondecreasing. Starting from ``0`` and the largest product, the intervals that contribute most to
the uncertainty are split at a product near their middle, until nothing is uncertain (exact) or the
allowed number of probabilities is spent (a rigorous bracket).

*Subgradient.* Let ``n*`` be a level that attains the maximum. Then ``a_{n*} T_(N-n*) = tau`` and

    g_n = u sum_j t_j P[n* = n, T_(N-n) = t_j]

is a subgradient in ``w``. Order all products by value and, where equal, by level; let ``P_i`` be
the probability that every level meets its threshold when the levels of the first ``i`` products may
attain theirs. The event counted by ``P_i - P_{i-1}`` is: the maximum is the ``i``-th product, its
level attains it, and no level of a later equal product does. These events partition all outcomes,
so one probability per product gives every term, ties included: the largest level that attains the
maximum counts. That choice gives the derivative in the direction of growing empty blocks, hence the
strongest certificate ``L min_n g_n``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cgcopt._validate import whole_number
from cgcopt.errors import InvalidInputError, SolverError, UnsupportedProblemError
from cgcopt.evaluation.crossing import crossing
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes
from cgcopt.workers.empirical import Empirical

__all__ = ["Products", "affordable_products", "coarsened", "expected_runtime_steps"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Share of the value below which a contribution is lost in rounding.
_NEGLIGIBLE = 1e-17
#: Entries of a batch of thresholds.
_BATCH = 2**20
#: Of the uncertain intervals, those are split together that matter at least this much of the worst.
_SPLIT_SHARE = 0.25


def affordable_products(workers: int) -> int:
    """Completion probabilities that take a few seconds at ``N`` workers.

    Examples
    --------
    >>> affordable_products(1000) < affordable_products(20)
    True
    """
    return int(4.0 / (2e-6 + 2e-7 * workers + 1.2e-8 * workers**1.5))


def expected_runtime_steps(
    system: System,
    work: FloatArray,
    *,
    gradient: bool = False,
    max_products: int | None = None,
) -> Evaluation:
    """Expected runtime for independent workers with a step distribution.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.base.DiscreteTimes` as worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    gradient : bool
        Whether to return a subgradient with respect to ``w``.
    max_products : int, optional
        Completion probabilities to evaluate at most, for the value and for the subgradient; a few
        seconds' worth by default.

    Returns
    -------
    Evaluation
        Method ``exact`` where the number of products allows, else ``bracket`` with rigorous
        ``lower`` and ``upper`` and the mean of the two as value. The gradient ``g`` then belongs to
        the times rounded down to fewer values (:func:`coarsened`): still ``g . y <= E[tau(y)]`` for
        every work ``y``, so that certificates built from it stay rigorous.

    Raises
    ------
    UnsupportedProblemError
        If the worker times are not discrete.

    Examples
    --------
    Two workers, times 1 or 3 with equal chance, all work at level 0: ``E[T_(2)] = 2.5``.

    >>> import numpy as np
    >>> from cgcopt import Empirical, System
    >>> system = System(2, 4, Empirical([1.0, 3.0]), samples=2)
    >>> result = expected_runtime_steps(system, np.array([4.0, 4.0]), gradient=True)
    >>> result.value, str(result.method), result.gradient.round(12).tolist()
    (10.0, 'exact', [1.5, 1.0])
    """
    times = _discrete(system)
    allowed = affordable_products(system.workers) if max_products is None else max_products
    whole_number("max_products", allowed, least=1)
    products = Products(system, work)
    if not gradient:
        return _bracketed(products, allowed)
    low, high = _relevant(products)
    if products.between(low, high) <= allowed:
        slope = _subgradient(products, low, high)
        return Evaluation.exact(float(slope @ work), Method.EXACT, gradient=slope)
    cells = max(allowed // system.workers, 1)
    coarse = Products(system.with_times(coarsened(times, cells, "down")), work)
    slope = _subgradient(coarse, *_relevant(coarse))
    found = _bracketed(products, allowed)
    return Evaluation(found.value, found.method, found.lower, found.upper, gradient=slope)


def coarsened(times: DiscreteTimes, cells: int, rounding: Literal["down", "up"]) -> Empirical:
    """Merge the values into at most ``cells``, each rounded down or up within its cell.

    Since ``tau`` grows with every worker time, the expected runtime of *every* design under the
    times rounded down (up) is a lower (upper) bound on the one under the given times. Subgradients
    and certificates of the times rounded down hence hold for the given times.

    Cells are placed so that the sum over cells of probability times relative width is small: their
    density is proportional to the square root of the density of ``log T``.

    Parameters
    ----------
    times : DiscreteTimes
        ``J`` values.
    cells : int
        At least 1; with ``J`` or more, nothing changes.
    rounding : {"down", "up"}
        Which end of a cell stands for it.

    Examples
    --------
    >>> from cgcopt import Empirical
    >>> times = Empirical([1.0, 1.1, 4.0, 4.2])
    >>> coarsened(times, 2, "down").values.tolist(), coarsened(times, 2, "up").values.tolist()
    ([1.0, 4.0], [1.1, 4.2])
    """
    whole_number("cells", cells, least=1)
    if rounding not in ("down", "up"):
        raise InvalidInputError("rounding", rounding, "'down' or 'up'")
    values, weights = times.values, times.weights
    if cells >= values.size:
        return Empirical(values, weights)
    mass = (weights[1:] + weights[:-1]) / 2
    measure = np.concatenate(([0.0], np.cumsum(np.sqrt(mass * np.diff(np.log(values))))))
    cell = np.minimum((measure * (cells / measure[-1])).astype(np.int64), cells - 1)
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    last = np.append(first[1:], values.size) - 1
    kept = values[first] if rounding == "down" else values[last]
    return Empirical(kept, np.add.reduceat(weights, first))


@dataclass(frozen=True, eq=False, init=False)
class Products:
    """The possible runtimes ``u w_n t_j`` of a design and the probabilities of being done by one.

    Parameters
    ----------
    system : System
        With discrete worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.

    Attributes
    ----------
    unit : float
        ``u``.
    values : ndarray, shape (J,)
        ``t_j``, increasing.
    factors : ndarray, shape (m,)
        Positive ``u w_n``: those of the last ``m`` levels.
    workers : int
        ``N``.
    """

    unit: float
    values: FloatArray
    factors: FloatArray
    workers: int
    _below: FloatArray  # P(T <= t_j) after a leading 0, indexed by how many values are at most t
    _above: FloatArray

    def __init__(self, system: System, work: FloatArray) -> None:
        times = _discrete(system)
        factors = system.unit * np.asarray(work, dtype=np.float64)
        set_field = object.__setattr__
        set_field(self, "unit", system.unit)
        set_field(self, "values", times.values)
        set_field(self, "factors", factors[factors > 0])
        set_field(self, "workers", system.workers)
        set_field(self, "_below", np.concatenate(([0.0], times.cdf(times.values))))
        set_field(self, "_above", np.concatenate(([1.0], times.sf(times.values))))

    @property
    def largest(self) -> float:
        """The largest possible runtime."""
        return float(self.factors[-1] * self.values[-1])

    def counts(self, z: FloatArray) -> IntArray:
        """How many products of each level are at most ``z``, shape ``z.shape + (m,)``.

        The products are compared as they are rounded, so that equal ones count as equal.
        """
        z = np.asarray(z, dtype=np.float64)[..., None]
        with np.errstate(over="ignore"):
            found = np.searchsorted(self.values, z / self.factors, side="right")
        while True:
            more = found < self.values.size
            more &= self.factors * self.values[np.minimum(found, self.values.size - 1)] <= z
            less = found > 0
            less &= self.factors * self.values[np.maximum(found - 1, 0)] > z
            if not (more.any() or less.any()):
                return found
            found = found + more - less

    def after(self, counts: IntArray) -> FloatArray:
        """Smallest product beyond the counted ones; ``inf`` beyond the largest."""
        padded = np.append(self.values, np.inf)
        return np.asarray((self.factors * padded[counts]).min(axis=-1))

    def upto(self, counts: IntArray) -> FloatArray:
        """Largest of the counted products; 0 where none is counted."""
        padded = np.concatenate(([0.0], self.values))
        return np.asarray((self.factors * padded[counts]).max(axis=-1))

    def middle(self, first: FloatArray, last: FloatArray) -> FloatArray:
        """A product near the middle of ``[first, last)``, where ``first < last`` are products."""
        centre = first + (last - first) / 2
        # Of two neighbouring numbers the middle may round to the upper one.
        counts = self.counts(np.where(centre < last, centre, first))
        beyond = self.after(counts)
        return np.where(beyond < last, beyond, self.upto(counts))

    def between(self, low: float, high: float) -> int:
        """Number of products in ``(low, high]``, equal ones counted for each level."""
        return int((self.counts(np.array(high)) - self.counts(np.array(low))).sum())

    def probabilities(self, counts: IntArray) -> tuple[FloatArray, FloatArray]:
        """``P`` and ``1 - P`` when each level may attain its counted products.

        Parameters
        ----------
        counts : ndarray, shape (B, m)
            Counted products of each level.
        """
        p, q = np.empty(len(counts)), np.empty(len(counts))
        rows = max(_BATCH // self.workers, 1)
        free = self.workers - self.factors.size
        for start in range(0, len(counts), rows):
            # The kernel counts workers from the fastest, who answer for the last level.
            here = counts[start : start + rows, ::-1]
            cdf = np.pad(self._below[here], ((0, 0), (0, free)), constant_values=1.0)
            sf = np.pad(self._above[here], ((0, 0), (0, free)), constant_values=0.0)
            found = crossing(cdf, sf)
            p[start : start + rows] = found.probability
            q[start : start + rows] = found.complement
        return p, q


@dataclass(frozen=True, eq=False)
class _Known:
    """Points at which the distribution of the runtime is known, increasing."""

    z: FloatArray
    late: FloatArray
    """``P[tau > z]``"""
    after: FloatArray
    """The next product."""

    def uncertain(self) -> FloatArray:
        """Contribution of each interval to the width of the bracket."""
        length = np.maximum(self.z[1:] - self.after[:-1], 0.0)
        return np.maximum(self.late[:-1] - self.late[1:], 0.0) * length

    def bracket(self) -> tuple[float, float]:
        """Rigorous lower and upper bound on the expected runtime."""
        after = np.minimum(self.after[:-1], self.z[1:])
        sure = float((self.late[:-1] * (after - self.z[:-1])).sum())
        rest = self.z[1:] - after
        lower = float((self.late[1:] * rest).sum())
        upper = float((self.late[:-1] * rest).sum())
        return sure + lower, sure + upper

    def joined(self, other: _Known) -> _Known:
        """Both sets of points."""
        z = np.concatenate((self.z, other.z))
        order = np.argsort(z, kind="stable")
        late = np.concatenate((self.late, other.late))[order]
        return _Known(z[order], late, np.concatenate((self.after, other.after))[order])


def _discrete(system: System) -> DiscreteTimes:
    times = system.worker_times
    if not isinstance(times, DiscreteTimes):
        raise UnsupportedProblemError(f"needs a step distribution, not {times.label}")
    return times


def _known(products: Products, z: FloatArray) -> _Known:
    counts = products.counts(z)
    return _Known(z, products.probabilities(counts)[1], products.after(counts))


def _bracketed(products: Products, allowed: int) -> Evaluation:
    """Split uncertain intervals until none is left or ``allowed`` probabilities are spent."""
    known = _known(products, np.array([0.0, products.largest]))
    while True:
        widths = known.uncertain()
        lower, upper = known.bracket()
        if not math.isfinite(upper):
            raise SolverError("a completion probability is not a number")
        if widths.sum() <= _NEGLIGIBLE * lower:
            return Evaluation.exact(upper, Method.EXACT)
        left = min(allowed + 2 - known.z.size, max(2 * _BATCH // products.workers, 1))
        if left <= 0:
            return Evaluation((lower + upper) / 2, Method.BRACKET, lower, upper)
        worst = np.flatnonzero(widths >= _SPLIT_SHARE * widths.max())
        worst = worst[np.argsort(-widths[worst], kind="stable")[:left]]
        splits = products.middle(known.after[worst], known.z[worst + 1])
        known = known.joined(_known(products, splits))


def _relevant(products: Products) -> tuple[float, float]:
    """A range of runtimes outside of which nothing contributes beyond rounding.

    Products up to the lower end have total probability below rounding; so have those beyond the
    upper end, even when multiplied by the largest runtime.
    """
    low, high = 0.0, products.largest
    for _ in range(60):  # to the largest z with P(z) negligible
        middle = (low + high) / 2
        p, _ = products.probabilities(products.counts(np.array([middle])))
        low, high = (middle, high) if p[0] <= _NEGLIGIBLE else (low, middle)
    start, low, high = low, low, products.largest
    weight = products.largest / high
    for _ in range(60):
        middle = (low + high) / 2
        _, q = products.probabilities(products.counts(np.array([middle])))
        low, high = (low, middle) if q[0] * weight <= _NEGLIGIBLE else (middle, high)
    return start, high


def _subgradient(products: Products, low: float, high: float) -> FloatArray:
    """Subgradient in ``w`` from the products in ``(low, high]``, shape ``(N,)``."""
    counts = products.counts(np.array(low))
    ends = products.counts(np.array(high))
    level = np.repeat(np.arange(counts.size), ends - counts)
    index = np.concatenate([np.arange(i, j) for i, j in zip(counts, ends, strict=True)])
    order = np.lexsort((level, products.factors[level] * products.values[index]))
    level, index = level[order], index[order]
    p, q = (float(v[0]) for v in products.probabilities(counts[None]))
    slope = np.zeros(products.factors.size)
    rows = max(_BATCH // products.workers, 1)
    for start in range(0, level.size, rows):
        here = level[start : start + rows]
        raised = counts + np.cumsum(here[:, None] == np.arange(counts.size), axis=0)
        counts = raised[-1]
        on_time, late = products.probabilities(raised)
        on_time, late = np.append(p, on_time), np.append(q, late)
        # Differences of whichever of P and 1 - P is small keep their digits.
        chance = np.where(on_time[1:] <= 0.5, np.diff(on_time), -np.diff(late))
        p, q = on_time[-1], late[-1]
        seconds = products.values[index[start : start + rows]] * chance
        slope += np.bincount(here, weights=seconds, minlength=slope.size)
    slope *= products.unit
    return np.concatenate((np.zeros(products.workers - slope.size), slope))
