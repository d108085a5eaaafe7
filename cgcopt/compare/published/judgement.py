"""Whether a published figure reproduces, and whether our best design agrees with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from cgcopt.compare.published.figures import Figure, caveat
from cgcopt.compare.results.row import Row
from cgcopt.objective import CompletionProbability, Sense

__all__ = ["Judgement", "Verdict", "difference", "judge_best", "judge_method", "tolerance"]

#: Relative differences of runtimes that count as reproduced; 1 % where nothing is said.
_RUNTIME_TOLERANCES = {"closed_form_time": 0.015, "closed_form_frequency": 0.015}
_RUNTIME_TOLERANCE = 0.01
#: Absolute differences of probabilities that count as reproduced.
_PROBABILITY_TOLERANCE = 0.006
#: What the digits of the tables cannot tell apart: relative for runtimes, absolute for
#: probabilities.
_DIGITS = {Sense.MINIMIZE: 0.004, Sense.MAXIMIZE: 0.0005}


class Verdict(StrEnum):
    """What became of a published figure."""

    REPRODUCED = "reproduced"
    """The same method gives the same value, to the accuracy of a plot read off by hand."""
    IMPROVED = "improved"
    """A published best design that ours beats."""
    KNOWN = "known not to reproduce"
    """Another value than the published one, for a reason that is known."""
    FAILED = "failed to reproduce"
    """Another value than the published one where the same was expected, or no value."""


@dataclass(frozen=True)
class Judgement:
    """One published figure and what became of it.

    Attributes
    ----------
    figure : Figure
        As published.
    row : Row or None
        The same method, run again; ``None`` where it was left out.
    best : Row
        Our best design for the setting.
    verdict : Verdict
        By ``row``; for published best designs by ``best``.
    reason : str
        Why a figure does not reproduce, where that is known.
    """

    figure: Figure
    row: Row | None
    best: Row
    verdict: Verdict
    reason: str = ""

    @property
    def difference(self) -> float:
        """Of the same method's value to the published one; see :func:`difference`."""
        return math.nan if self.row is None else difference(self.row, self.figure.value)

    @property
    def improvement(self) -> float:
        """Of our best design's value to the published one; see :func:`difference`."""
        return difference(self.best, self.figure.value)


def judge_best(figure: Figure, row: Row | None, best: Row) -> Judgement:
    """Compare a published best design with ours; ``row`` is the same method's, if that was run."""
    gain = difference(best, figure.value)
    gain = -gain if best.sense is Sense.MINIMIZE else gain
    if gain > _DIGITS[best.sense]:
        return Judgement(figure, row, best, Verdict.IMPROVED)
    reached = gain >= -tolerance(figure)
    verdict = Verdict.REPRODUCED if reached else Verdict.FAILED
    return Judgement(figure, row, best, verdict, "" if reached else best.message)


def judge_method(figure: Figure, row: Row, best: Row) -> Judgement:
    """Compare a published figure with the same method's value."""
    if abs(difference(row, figure.value)) <= tolerance(figure):
        return Judgement(figure, row, best, Verdict.REPRODUCED)
    reason = caveat(figure)
    # A known reason explains another value, not the want of one.
    if reason and not math.isnan(row.value):
        return Judgement(figure, row, best, Verdict.KNOWN, reason)
    return Judgement(figure, row, best, Verdict.FAILED, row.message)


def difference(row: Row, published: float) -> float:
    """Difference to a published value: absolute for probabilities, relative for runtimes."""
    if row.objective == CompletionProbability.kind:
        return row.value - published
    return row.value / published - 1


def tolerance(figure: Figure) -> float:
    """Size of the :func:`difference` that counts as reproduced."""
    if not figure.problem.objective.unit:
        return _PROBABILITY_TOLERANCE
    return _RUNTIME_TOLERANCES.get(figure.scheme, _RUNTIME_TOLERANCE)
