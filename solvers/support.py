"""What each solver can do, as plain facts and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cgcopt.instance import OBJECTIVES
from cgcopt.problem import Form
from cgcopt.solvers.base import Solver
from cgcopt.solvers.registry import all_solvers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["solver_facts", "solver_table"]


def solver_facts(cls: type[Solver]) -> dict[str, Any]:
    """Return what a solver says of itself, in plain values."""
    return {
        "name": cls.name,
        "role": str(cls.role),
        "solves": _solves(cls),
        "worker_times": sorted(map(str, cls.times)),
        "limits": sorted(cls.limits),
        "costs": cls.costs,
        "available": cls.available(),
        "version": cls.version(),
        "extra": cls.extra,
        "licence": cls.licence,
        "summary": cls.summary,
    }


def solver_table() -> pd.DataFrame:
    """Return the solvers as a table, a line for each name; ``cgcopt.solvers()`` calls this.

    Returns
    -------
    DataFrame
        Index ``name``; columns ``role``, one for each objective with the forms that are solved,
        ``worker_times``, ``limits``, ``costs``, ``available``, ``version``, ``extra``, ``licence``
        and ``summary``.

    Examples
    --------
    >>> import cgcopt as cg
    >>> cg.solvers().loc["optimal", "expected-runtime"]
    'relaxed'
    """
    import pandas as pd

    lines: dict[str, dict[str, Any]] = {}
    for fact in map(solver_facts, all_solvers()):
        forms = {kind: ", ".join(at) for kind, at in fact["solves"].items()}
        many = {name: ", ".join(fact[name]) for name in ("worker_times", "limits")}
        fresh = {"role": "", **dict.fromkeys(OBJECTIVES, ""), **fact, **many}
        line = lines.setdefault(fact["name"], fresh)
        line.update(forms)
    frame = pd.DataFrame(list(lines.values())).set_index("name")
    return frame.drop(columns="solves")


def _solves(cls: type[Solver]) -> dict[str, list[str]]:
    """The forms of every objective that the solver treats, the relaxed one first."""
    treated = {(task.objective.kind, task.form) for task in cls.solves}
    kinds = dict.fromkeys([*OBJECTIVES, *sorted(kind for kind, _ in treated)])
    forms = {
        kind: [str(form) for form in reversed(Form) if (kind, form) in treated] for kind in kinds
    }
    return {kind: at for kind, at in forms.items() if at}
