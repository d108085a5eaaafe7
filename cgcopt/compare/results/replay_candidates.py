"""Which designs a held-out replay compares: solvers, each for models of the first rounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cgcopt.compare.results.designer import Candidate, Designer, Model
from cgcopt.compare.results.entrant import Entrant
from cgcopt.errors import CgcoptError
from cgcopt.objective import Objective
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers

__all__ = ["candidates_of", "hindsight"]

_OPTIMAL = Entrant("optimal")
_CLOSED_FORMS = ("closed-form-time", "closed-form-frequency")
_SCHEMES = ("uncoded", "uniform", "single-level", "tandon", "ferdinand-full", "ferdinand-half")
_SCHEDULES = ("rotated", "schedule", "two-level", "balanced", "leave-out", "cyclic", "dynamic")
#: Schemes that look at no worker times.
_BLIND = frozenset({"uncoded", "uniform"})
#: What solvers must take for a model.
_KINDS = {
    Model.SHIFTED: Times.CONTINUOUS,
    Model.FAMILY: Times.CONTINUOUS,
    Model.POOLED: Times.DISCRETE,
    Model.ROUNDS: Times.SCENARIOS,
}


def candidates_of(
    designer: Designer, objective: Objective, named: Iterable[Entrant] | None = None
) -> Iterator[Candidate]:
    """Yield the designs of a replay: those of the named solvers, or the usual ones.

    The usual ones are the optimum for every model, the closed forms for the shifted exponential,
    the schemes, schedules and uncoded baselines for the rounds.
    """
    models = _models(designer)
    if named is None:
        yield from _each(_OPTIMAL, models)
        for closed in _takers(_CLOSED_FORMS, objective):
            yield from _each(closed, models[:1])
        named = _takers((*_SCHEMES, *_SCHEDULES), objective)
    for entrant in named:
        yield from _each(entrant, _fitting(entrant, models, objective))


def hindsight() -> list[Candidate]:
    """What nobody can have: the optimum and the best schedule of the rounds held out."""
    return [
        Candidate("hindsight optimum", _OPTIMAL),
        Candidate("hindsight schedule", Entrant("schedule")),
    ]


def _models(designer: Designer) -> list[Model]:
    """The models that the rounds give, each once."""
    try:
        family = designer.times(Model.FAMILY)
    except CgcoptError:
        return [Model.POOLED, Model.ROUNDS]
    try:
        shifted = [] if designer.times(Model.SHIFTED) is family else [Model.SHIFTED]
    except CgcoptError:
        shifted = []
    return [*shifted, Model.FAMILY, Model.POOLED, Model.ROUNDS]


def _takers(names: tuple[str, ...], objective: Objective) -> list[Entrant]:
    """Those of the named solvers that take the objective."""
    takers = {
        cls.name
        for cls in all_solvers()
        for task in cls.solves
        if task.objective is type(objective)
    }
    return [Entrant(name) for name in names if name in takers]


def _fitting(entrant: Entrant, models: list[Model], objective: Objective) -> list[Model]:
    """The models that a solver is shown with: a scheme with the rounds, others with all they take."""
    if entrant.solver in _BLIND:
        return [Model.NONE]
    classes = [
        cls
        for cls in entrant.classes
        if any(task.objective is type(objective) for task in cls.solves)
    ]
    if not classes or any(cls.role in (Role.SCHEME, Role.SCHEDULE) for cls in classes):
        return models[-1:]
    kinds = {kind for cls in classes for kind in cls.times}
    return [model for model in models if _KINDS[model] in kinds]


def _each(entrant: Entrant, models: Iterable[Model]) -> Iterator[Candidate]:
    for model in models:
        yield Candidate(entrant.label, entrant, model)
