"""Which designs a held-out replay compares: solvers, each for models of the first rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cgcopt.compare.results.entrant import Entrant
from cgcopt.objective import ExpectedRuntime
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.fitting import fit
from cgcopt.workers.trace import Trace

__all__ = ["Candidate", "candidates_of"]

_OPTIMAL = Entrant("optimal")
_CLOSED_FORMS = (Entrant("closed-form-time"), Entrant("closed-form-frequency"))
_SCHEMES = tuple(
    map(
        Entrant,
        ("uncoded", "uniform", "single-level", "tandon", "ferdinand-full", "ferdinand-half"),
    )
)
_SCHEDULES = tuple(
    map(
        Entrant,
        ("rotated", "schedule", "two-level", "balanced", "leave-out", "cyclic", "dynamic"),
    )
)
#: Schemes that look at no worker times.
_BLIND = frozenset({"uncoded", "uniform"})


@dataclass(frozen=True)
class Candidate:
    """A design to be made.

    Attributes
    ----------
    name : str
        What rows call it.
    entrant : Entrant
        Who makes it.
    model : str
        What the worker times are called; empty where their own label says it.
    times : callable
        Makes the worker times that it is made for.
    """

    name: str
    entrant: Entrant
    model: str
    times: Callable[[], WorkerTimes]


def candidates_of(
    train: Trace, test: Trace, named: Iterable[Entrant] | None = None
) -> Iterator[Candidate]:
    """Yield the designs of a replay: those of the named solvers, or the usual ones.

    The usual ones are the optimum for every model, the closed forms for the shifted exponential,
    the schemes, schedules and uncoded baselines for the rounds, and the optimum and the best
    schedule for the rounds held out, which nobody can have.
    """
    if named is None:
        yield from _each(_OPTIMAL, _models(train))
        for entrant in _CLOSED_FORMS:
            yield from _each(entrant, _models(train)[:1])
        yield Candidate("hindsight optimum", _OPTIMAL, "held-out rounds", test.rounds)
        yield Candidate("hindsight schedule", Entrant("schedule"), "held-out rounds", test.rounds)
        named = (*_SCHEMES, *_SCHEDULES)
    for entrant in named:
        yield from _each(entrant, _fitting(entrant, _models(train)))


_Model = tuple[Times, str, Callable[[], WorkerTimes]]


def _models(train: Trace) -> list[_Model]:
    """Models of the first rounds: the kind of worker times, what it is called, how it is made."""
    fitted = fit(train)
    shifted, best = fitted.row("shifted-exponential").model, fitted.best_finite
    families = [shifted, best] if shifted is not None and best is not shifted else [best]
    return [
        *((Times.CONTINUOUS, "", lambda model=model: model) for model in families),
        (Times.DISCRETE, "pooled trace", train.pooled),
        (Times.SCENARIOS, "whole rounds", train.rounds),
    ]


def _fitting(entrant: Entrant, models: list[_Model]) -> list[_Model]:
    """The models that a solver is shown with: a scheme with the rounds, others with all they take."""
    if entrant.solver in _BLIND:
        return [(Times.SCENARIOS, "none", models[-1][2])]
    classes = [
        cls
        for cls in all_solvers()
        if cls.name == entrant.solver
        and any(task.objective is ExpectedRuntime for task in cls.solves)
    ]
    if not classes or any(cls.role in (Role.SCHEME, Role.SCHEDULE) for cls in classes):
        return models[-1:]
    kinds = {kind for cls in classes for kind in cls.times}
    return [model for model in models if model[0] in kinds]


def _each(entrant: Entrant, models: Iterable[_Model]) -> Iterator[Candidate]:
    for _, label, times in models:
        yield Candidate(entrant.label, entrant, label, times)
