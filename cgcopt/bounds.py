"""Bounds are checked like points: one that a known feasible value contradicts is thrown away.

A bound says that no design is better. A design that is better, valued by the project's own
evaluator, proves the bound wrong, whoever found it. :func:`refute` looks at all that is known of one
problem together: the solutions of one comparison, or one solution and a few designs of the
project's own methods.

A bound from the relaxed form holds for every design. One from the block or the coordinate form holds
for designs in whole numbers of coordinates only, and only those can contradict it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cgcopt.objective import Sense
from cgcopt.problem import Form

__all__ = ["EXCESS", "Known", "excess", "mirrored", "refute", "relative_gap"]

#: How far, relatively, a bound may lie beyond a known value before it counts as wrong: outside
#: solvers work to tolerances of about this size.
EXCESS = 1e-6
#: What rounding alone may do.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Known:
    """What one solution says of a problem.

    Parameters
    ----------
    name : str
        Who says it, for messages.
    form : Form
        The form that was solved; it says for which designs the bound holds.
    value : float
        Worth of a feasible design on the problem itself; NaN without one, and for schemes outside
        the design space.
    doubt : float
        How far the value may be off: half of a bracket, or some standard errors.
    whole : bool
        Whether the design consists of whole numbers of coordinates.
    bound : float
        NaN or trivially infinite without one.
    """

    name: str
    form: Form = Form.RELAXED
    value: float = math.nan
    doubt: float = 0.0
    whole: bool = False
    bound: float = math.nan


def excess(bound: float, value: float, sense: Sense, *, doubt: float = 0.0) -> float:
    """How far a bound lies beyond a feasible value, relative to the larger of the two.

    Parameters
    ----------
    bound, value : float
        A bound, and the worth of a feasible design.
    sense : Sense
        Direction of the objective.
    doubt : float
        How far the value may be off.

    Returns
    -------
    float
        At most 0 where the two agree; infinite where the bound says that there is no design at
        all; 0 without a bound or a value.

    Examples
    --------
    >>> excess(1.5, 2.0, Sense.MINIMIZE), excess(2.0, 1.5, Sense.MINIMIZE)
    (-0.25, 0.25)
    >>> excess(math.inf, 2.0, Sense.MINIMIZE), excess(-math.inf, 2.0, Sense.MINIMIZE)
    (inf, 0.0)
    >>> excess(0.6, 0.8, Sense.MAXIMIZE, doubt=0.3)
    -0.125
    """
    if not (math.isfinite(value) and math.isfinite(doubt)):
        return 0.0
    if not math.isfinite(bound):
        none_left = math.inf if sense is Sense.MINIMIZE else -math.inf
        return math.inf if bound == none_left else 0.0
    beyond = bound - value if sense is Sense.MINIMIZE else value - bound
    size = max(abs(bound), abs(value))
    return 0.0 if size == 0 else (beyond - doubt) / size


def mirrored(bound: float, value: float, sense: Sense, *, doubt: float = 0.0) -> float:
    """Move a bound that lies a little beyond a value as far to the other side of the value.

    The distance is an error that the bound is known to have, so that much is left as a gap. Where the
    bound exceeds the value by rounding alone, the value is the bound.

    Examples
    --------
    >>> mirrored(2.0000001, 2.0, Sense.MINIMIZE), mirrored(1.5, 2.0, Sense.MINIMIZE)
    (1.9999999, 1.5)
    """
    if excess(bound, value, sense, doubt=doubt) <= ROUNDING:
        return min(bound, value) if sense is Sense.MINIMIZE else max(bound, value)
    return value - (bound - value)


def refute(known: Iterable[Known], sense: Sense, *, tolerance: float = EXCESS) -> dict[int, str]:
    """Find the bounds that a value contradicts.

    Parameters
    ----------
    known : iterable of Known
        Everything that is known of one problem.
    sense : Sense
        Direction of its objective.
    tolerance : float
        Largest accepted :func:`excess`.

    Returns
    -------
    dict
        For the place of every solution whose bound is wrong, why: a sentence that names the bound
        and the value. Values are never in doubt here: they come from the project's own evaluator,
        and one wrong bound says nothing of the other solutions.

    Examples
    --------
    >>> found = [
    ...     Known("outside", value=0.2, bound=0.3, whole=True, form=Form.BLOCK),
    ...     Known("own", value=0.65, bound=0.7, whole=True),
    ... ]
    >>> refute(found, Sense.MAXIMIZE)
    {0: 'bound 0.3 of outside thrown away: the design of own reaches 0.65'}
    """
    everything = list(known)
    wrong = {}
    for place, claim in enumerate(everything):
        worst = max(
            everything,
            key=lambda other: _contradiction(claim, other, sense),
            default=claim,
        )
        if _contradiction(claim, worst, sense) > tolerance:
            whose = "its own design" if worst is claim else f"the design of {worst.name}"
            wrong[place] = (
                f"bound {claim.bound:.9g} of {claim.name} thrown away: "
                f"{whose} reaches {worst.value:.9g}"
            )
    return wrong


def _contradiction(claim: Known, other: Known, sense: Sense) -> float:
    """How far the bound of ``claim`` lies beyond the value of ``other``, where both can be compared."""
    if claim.form is not Form.RELAXED and not other.whole:
        return 0.0
    return excess(claim.bound, other.value, sense, doubt=other.doubt)


def relative_gap(value: float, bound: float, sense: Sense) -> float:
    """Gap ``1 - bound/value`` when minimising and ``1 - value/bound`` when maximising.

    It is never negative. A bound beyond the value by rounding alone makes it 0, by no more than
    :data:`EXCESS` that much; beyond that the value contradicts the bound, and the gap
    is infinite, as without a bound.

    Examples
    --------
    >>> relative_gap(2.0, 1.5, Sense.MINIMIZE)
    0.25
    >>> relative_gap(0.9, 1.0, Sense.MAXIMIZE)
    0.09999999999999998
    """
    if math.isnan(value):
        return math.nan
    if not math.isfinite(bound):
        return math.inf
    larger, smaller = (value, bound) if sense is Sense.MINIMIZE else (bound, value)
    if larger == smaller:
        return 0.0
    if larger == 0:
        return math.inf
    beyond = excess(bound, value, sense)
    if beyond > ROUNDING:
        return beyond if beyond <= EXCESS else math.inf
    return max((larger - smaller) / larger, 0.0)
