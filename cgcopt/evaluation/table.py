"""Which function evaluates a design, and which one bounds every design: one table.

An entry belongs to an objective and to a kind of worker times. A new kind of times, or a new
objective, is added by :func:`register`; nothing else asks what kind a model or an objective is.

All functions of the table take the system, the cumulative work ``w`` and the parameters of the
objective (:attr:`~cgcopt.objective.Objective.parameters`), in this order::

    evaluate(system, work, *parameters, gradient=False) -> Evaluation
    bound(system, work, *parameters, evaluation) -> (bound, Certificate)

A bound is also given the allowed ``levels`` where the problem has limits.

They are named by a path ``"package.module:function"``, which is imported when it is first needed, or
are given themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pkgutil import resolve_name
from typing import Any

from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.result import Certificate, Evaluation
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
)
from cgcopt.workers.base import Times

__all__ = ["Bounder", "Entry", "Evaluator", "entry_of", "register"]

#: Evaluates the work of one design.
Evaluator = Callable[..., Evaluation]
#: Bounds the objective of every design; the evaluation of one design may help.
Bounder = Callable[..., tuple[float, Certificate]]


@dataclass(frozen=True)
class Entry:
    """What is known of one objective for one kind of worker times.

    Parameters
    ----------
    evaluator : str or callable
        Evaluates a work.
    bounder : str or callable, optional
        Bounds every design.
    """

    evaluator: str | Evaluator
    bounder: str | Bounder | None = None

    @cached_property
    def evaluate(self) -> Evaluator:
        """The function that evaluates a work."""
        given = self.evaluator
        return _at(given) if isinstance(given, str) else given

    @cached_property
    def bound(self) -> Bounder | None:
        """The function that bounds every design; ``None`` where there is none."""
        given = self.bounder
        return _at(given) if isinstance(given, str) else given


def register(
    objective: type[Objective],
    *kinds: Times,
    evaluator: str | Evaluator,
    bounder: str | Bounder | None = None,
) -> None:
    """Say how an objective is evaluated and bounded for some kinds of worker times.

    Parameters
    ----------
    objective : type
        A subclass of :class:`~cgcopt.objective.Objective`.
    *kinds : Times
        Kinds of worker times. The entry of :attr:`Times.SAMPLER <cgcopt.workers.base.Times>` also
        serves every kind without an entry of its own.
    evaluator, bounder : str or callable
        See :class:`Entry`.

    Examples
    --------
    The work of the last level, whatever the worker times:

    >>> import cgcopt as cg
    >>> from cgcopt.evaluation.result import Evaluation, Method
    >>> from cgcopt.objective import Objective, Sense
    >>> class TotalWork(Objective):
    ...     kind, sense, unit = "total-work", Sense.MINIMIZE, "coordinates"
    >>> def total_work(system, work, *, gradient=False):
    ...     return Evaluation.exact(float(work[-1]), Method.EXACT)
    >>> register(TotalWork, Times.SAMPLER, evaluator=total_work)
    >>> system = cg.System(2, 4, cg.Exponential(rate=1.0))
    >>> cg.evaluate(cg.Problem(system, TotalWork()), [1, 3]).value
    7.0
    """
    for kind in kinds:
        _TABLE[objective, kind] = Entry(evaluator, bounder)


def entry_of(objective: Objective, kind: Times) -> Entry:
    """Return the entry of an objective and a kind of worker times.

    Raises
    ------
    UnsupportedProblemError
        If the objective has no entry for this kind, and none for models that are sampled.
    """
    for known in (kind, Times.SAMPLER):
        entry = _TABLE.get((type(objective), known))
        if entry is not None:
            return entry
    raise UnsupportedProblemError(f"no evaluation of objective '{objective.kind}'")


def _at(path: str) -> Callable[..., Any]:
    found: Callable[..., Any] = resolve_name(path)
    return found


_DENSITY = "cgcopt.evaluation.density"
_STEPS = "cgcopt.evaluation.steps"
_ROUNDS = "cgcopt.evaluation.rounds"
_GROUPS = "cgcopt.evaluation.groups"
_DRAWN = "cgcopt.evaluation.simulation"
_STARTED = "cgcopt.evaluation.started.evaluate"
_STARTED_BOUND = "cgcopt.evaluation.started.bound:certified_runtime"
_BOUNDS = "cgcopt.evaluation.certificates"

_RUNTIME_BOUND = f"{_BOUNDS}:certified_runtime"
_PROBABILITY_BOUND = f"{_BOUNDS}:certified_probability"
_QUANTILE_BOUND = f"{_BOUNDS}:certified_quantile"
_TAIL_MEAN_BOUND = f"{_BOUNDS}:certified_tail_mean"

_RUNTIME = "runtime:expected_runtime"
_PROBABILITY = "probability:completion_probability"
_QUANTILE = "quantile:runtime_quantile"
_TAIL_MEAN = "tail_mean:tail_mean"

_TABLE: dict[tuple[type[Objective], Times], Entry] = {
    (ExpectedRuntime, Times.CONTINUOUS): Entry(f"{_DENSITY}.{_RUNTIME}", _RUNTIME_BOUND),
    (ExpectedRuntime, Times.DISCRETE): Entry(f"{_STEPS}.{_RUNTIME}", _RUNTIME_BOUND),
    (ExpectedRuntime, Times.SCENARIOS): Entry(f"{_ROUNDS}.{_RUNTIME}", _RUNTIME_BOUND),
    (ExpectedRuntime, Times.GROUPS): Entry(f"{_GROUPS}.{_RUNTIME}", _RUNTIME_BOUND),
    (CompletionProbability, Times.GROUPS): Entry(
        f"{_GROUPS}.chances:completion_probability", _PROBABILITY_BOUND
    ),
    (ExpectedRuntime, Times.STARTED): Entry(f"{_STARTED}:expected_runtime", _STARTED_BOUND),
    (CompletionProbability, Times.STARTED): Entry(
        f"{_STARTED}:completion_probability", f"{_BOUNDS}:at_most_one"
    ),
    (Quantile, Times.STARTED): Entry(f"{_STARTED}:runtime_quantile"),
    (ExpectedRuntime, Times.SAMPLER): Entry(f"{_DRAWN}:simulated_mean"),
    (CompletionProbability, Times.CONTINUOUS): Entry(
        f"{_DENSITY}.{_PROBABILITY}", _PROBABILITY_BOUND
    ),
    (CompletionProbability, Times.DISTRIBUTION): Entry(
        f"{_DENSITY}.{_PROBABILITY}", _PROBABILITY_BOUND
    ),
    (CompletionProbability, Times.DISCRETE): Entry(f"{_STEPS}.{_PROBABILITY}", _PROBABILITY_BOUND),
    (CompletionProbability, Times.SCENARIOS): Entry(
        f"{_ROUNDS}.{_PROBABILITY}", _PROBABILITY_BOUND
    ),
    (CompletionProbability, Times.SAMPLER): Entry(
        f"{_DRAWN}:simulated_share", f"{_BOUNDS}:at_most_one"
    ),
    (Quantile, Times.CONTINUOUS): Entry(f"{_DENSITY}.{_QUANTILE}", _QUANTILE_BOUND),
    (Quantile, Times.DISTRIBUTION): Entry(f"{_DENSITY}.{_QUANTILE}", _QUANTILE_BOUND),
    (Quantile, Times.DISCRETE): Entry(f"{_STEPS}.{_QUANTILE}", _QUANTILE_BOUND),
    (Quantile, Times.SCENARIOS): Entry(f"{_ROUNDS}.{_QUANTILE}", _QUANTILE_BOUND),
    (Quantile, Times.GROUPS): Entry(f"{_GROUPS}.{_QUANTILE}", _QUANTILE_BOUND),
    (Quantile, Times.SAMPLER): Entry(f"{_DRAWN}:simulated_quantile"),
    **{
        (ConditionalValueAtRisk, kind): Entry(f"{home}.{_TAIL_MEAN}", _TAIL_MEAN_BOUND)
        for kind, home in (
            (Times.CONTINUOUS, _DENSITY),
            (Times.DISCRETE, _STEPS),
            (Times.SCENARIOS, _ROUNDS),
        )
    },
    (ConditionalValueAtRisk, Times.SAMPLER): Entry(f"{_DRAWN}:simulated_tail_mean"),
}
