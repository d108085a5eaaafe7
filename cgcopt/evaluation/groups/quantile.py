"""Quantiles of the runtime for workers in groups: bisection on exact chances."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.evaluation.density import quantile as density
from cgcopt.evaluation.groups.chances import group_chances, groups_of
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.evaluation.roots import first_kept
from cgcopt.system import System

__all__ = ["runtime_quantile"]


def runtime_quantile(
    system: System, work: ArrayLike, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Smallest ``t`` with ``P[tau <= t] >= probability``, seconds, with its gradient on request.

    Above one half the chance to be late is compared with ``1 - probability``, which keeps its digits.

    Examples
    --------
    >>> import math
    >>> import cgcopt as cg
    >>> two = cg.Groups([(1, cg.Exponential(rate=1.0)), (1, cg.Exponential(rate=2.0))])
    >>> system = cg.System(2, 1, two, samples=2)
    >>> value = runtime_quantile(system, [0.0, 1.0], 0.75).value
    >>> round(value, 12) == round(math.log(4) / 3, 12)
    True
    """
    times = groups_of(system)
    if times.common is not None:
        alike = system.with_times(times.common)
        return density.runtime_quantile(alike, work, probability, gradient=gradient)
    lines = lines_of_work(system, np.asarray(work, dtype=np.float64))

    def kept(deadline: float) -> bool:
        found = group_chances(times, lines, [deadline])
        if probability > 0.5:
            return bool(found.missed[0] <= 1.0 - probability)
        return bool(found.met[0] >= probability)

    middle = max(float(model.ppf(0.5)) for _, model in times.groups)
    value = first_kept(kept, middle * float(lines.factor[-1]) + float(lines.delay[-1]))
    if not gradient:
        return Evaluation.exact(value, Method.EXACT)
    found = group_chances(times, lines, [value], gradient=True)
    # A later deadline is a smaller delay of all levels: dP/dt = -sum_n dP/dc_n.
    slowing = float(found.delay_gradient[0].sum())
    by_work = work_gradient(
        system, found.factor_gradient[0] / slowing, found.delay_gradient[0] / slowing
    )
    return Evaluation.exact(value, Method.EXACT, gradient=by_work)
