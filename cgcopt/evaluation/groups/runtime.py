"""Expected runtime of workers in groups, with its gradient: quadrature over exact chances."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import InfiniteMeanError
from cgcopt.evaluation.density import runtime as density
from cgcopt.evaluation.groups.chances import group_chances, groups_of
from cgcopt.evaluation.late import integral_of_late
from cgcopt.evaluation.lines import LineRuntime, Lines, lines_of_work
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System
from cgcopt.workers.groups import Groups

__all__ = ["expected_runtime", "order_statistic_means", "runtime_of_lines"]

#: Rounds drawn for inverse means, of which no integral is known here.
_DRAWN = 100_000


def expected_runtime(
    system: System, work: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Evaluation:
    """Exact expected seconds of a round in one order with equal work, with ``dE/dw`` on request.

    Raises
    ------
    InfiniteMeanError
        If it is infinite.

    Examples
    --------
    >>> import cgcopt as cg
    >>> two = Groups([(1, cg.Exponential(rate=1.0)), (1, cg.Exponential(rate=2.0))])
    >>> system = cg.System(2, 1, two, samples=2)
    >>> round(expected_runtime(system, [1.0, 1.0]).value, 10), round(1 + 1 / 2 - 1 / 3, 10)
    (1.1666666667, 1.1666666667)
    """
    times = groups_of(system)
    if times.common is not None:
        alike = system.with_times(times.common)
        return density.expected_runtime(alike, work, gradient=gradient, threads=threads)
    lines = lines_of_work(system, np.asarray(work, dtype=np.float64))
    found = runtime_of_lines(system, lines, gradient=gradient)
    return found.evaluation(system) if gradient else Evaluation.exact(found.value, found.method)


def runtime_of_lines(system: System, lines: Lines, *, gradient: bool = True) -> LineRuntime:
    """Expected runtime of lines ``c_n + a_n T``; without gradient its derivatives are 0."""
    times = groups_of(system)
    count = lines.factor.size
    power = times.tail_power(int(np.argmax(lines.factor > 0)))
    if power <= 1.0:
        raise InfiniteMeanError(f"the expected runtime is infinite: {times.label}")

    def functions(t: FloatArray) -> FloatArray:
        found = group_chances(times, lines, t, gradient=gradient)
        late = found.missed[:, np.newaxis]
        if not gradient:
            return late
        return np.hstack([late, -found.factor_gradient, -found.delay_gradient])

    supports = np.array([model.support for _, model in times.groups])
    used = lines.factor > 0
    kinks = np.multiply.outer(lines.factor[used], supports) + lines.delay[used, None, None]
    middle = max(float(model.ppf(0.5)) for _, model in times.groups)
    guess = middle * float(lines.factor[-1]) + float(lines.delay[-1])
    total = integral_of_late(
        functions, guess, kinks=kinks[np.isfinite(kinks) & (kinks > 0)], power=power
    )
    value = float(total[0])
    derivatives = total[1:] if gradient else np.zeros(2 * count)
    return LineRuntime(
        value, value, value, Method.QUADRATURE, derivatives[:count], derivatives[count:]
    )


def order_statistic_means(times: Groups, workers: int, power: int) -> FloatArray:
    """``E[T_(1)], ..., E[T_(N)]``, infinite where they are; inverse means are those of drawn rounds."""
    if power != 1:
        drawn = np.sort(times.sample(_DRAWN, workers, np.random.default_rng(0)), axis=1)
        return np.asarray((drawn**power).mean(axis=0))
    system = System(workers, 1, times, samples=workers)
    means = np.empty(workers)
    for n in range(workers):
        factor = np.where(np.arange(workers) >= n, 1.0, 0.0)
        try:
            found = runtime_of_lines(system, Lines(factor, np.zeros(workers)), gradient=False)
            means[workers - 1 - n] = found.value
        except InfiniteMeanError:
            means[workers - 1 - n] = np.inf
    return means
