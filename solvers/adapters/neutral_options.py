"""The neutral options and what every outside solver calls them, from the adapters themselves."""

from __future__ import annotations

from cgcopt.solvers.adapters.base import OutsideSolver
from cgcopt.solvers.registry import all_solvers

__all__ = ["NEUTRAL", "neutral_options", "starts"]

#: Fields of :class:`~cgcopt.options.Options` that an outside solver may honour.
NEUTRAL = ("time_limit", "gap", "threads", "seed", "verbose")


def neutral_options() -> dict[str, dict[str, str]]:
    """Return, for every outside solver, its own name of each neutral option.

    An empty name says that the solver has no such option, and that the neutral one is ignored.

    Examples
    --------
    >>> neutral_options()["highs"]["gap"]
    'mip_rel_gap'
    >>> neutral_options()["scipy-linprog"]["threads"]
    ''
    """
    return {
        solver.name: {option: solver.neutral.get(option, "") for option in NEUTRAL}
        for solver in all_solvers()
        if issubclass(solver, OutsideSolver)
    }


def starts() -> dict[str, str]:
    """Return where every outside solver starts from a design.

    Examples
    --------
    >>> starts()["highs"], starts()["scipy-linprog"]
    ('in whole numbers', 'no: an interior point method')
    """
    return {
        solver.name: solver.starts for solver in all_solvers() if issubclass(solver, OutsideSolver)
    }
