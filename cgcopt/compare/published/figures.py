"""Published figures of arXiv 2206.02450, to set beside our own.

The two tables ship with the package as they were read off the plots of Q. Wang, Y. Cui, C. Li,
J. Zou and H. Xiong, "Optimization-based Block Coordinate Gradient Coding for Mitigating Partial
Stragglers in Distributed Learning"; reading off by hand costs about one per cent.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.families import ShiftedExponential

__all__ = [
    "SOLVERS_OF",
    "Figure",
    "caveat",
    "figure_of",
    "plot_remark",
    "published_figures",
    "published_problems",
    "remark_on",
    "sweeps",
]

#: The solvers whose results are compared with a published scheme: the same method last; for the best
#: designs of the authors, a method that finds the optimum comes before it.
SOLVERS_OF: dict[str, tuple[str, ...]] = {
    "published_optimal": ("optimal", "projected-subgradient"),
    "published_stationary": ("optimal", "successive-convex"),
    "closed_form_time": ("closed-form-time",),
    "closed_form_frequency": ("closed-form-frequency",),
    "large_deadline": ("closed-form-deadline",),
    "single_level": ("single-level",),
    "tandon": ("tandon",),
    "ferdinand_r_half": ("ferdinand-half",),
    "ferdinand_r_full": ("ferdinand-full",),
}

_REMARKS = {
    "ferdinand_r_half": "published row does not follow from its statement: the layer problem has "
    "many optima, here the analytic centre",
    "large_deadline": "published row was made with another formula",
}

#: Single points that do not reproduce, by sweep, scheme and published value.
_POINT_REMARKS = {
    ("rate", "single_level", 0.935): "no single level has the published probability here: level 0 "
    "has 0.957, every other at most 0.902",
}

_PLOT_REMARKS = {
    (CompletionProbability.kind, "workers"): "The published plot carries a stale caption; its "
    "settings are the ones given here, where its single-level and Tandon rows reproduce.",
    (ExpectedRuntime.kind, "coordinates"): "The optimum is proportional to L, the published one is "
    "not: the published runs stop short at large L.",
}

_TABLES = {
    ExpectedRuntime.kind: ("expected_runtime.csv", "value_seconds"),
    CompletionProbability.kind: ("completion_probability.csv", "value"),
}


@dataclass(frozen=True)
class Figure:
    """One point of a published plot.

    Attributes
    ----------
    sweep : str
        What the plot varies: ``workers``, ``coordinates``, ``rate`` or ``deadline``.
    problem : Problem
        The setting of the point.
    scheme : str
        Whose curve it lies on, a key of :data:`SOLVERS_OF`.
    value : float
        Expected runtime in seconds, or completion probability.
    """

    sweep: str
    problem: Problem
    scheme: str
    value: float


@cache
def published_figures(kind: str) -> tuple[Figure, ...]:
    """Return the published figures of one kind of objective; empty where there are none.

    Examples
    --------
    >>> figures = published_figures("expected-runtime")
    >>> figures[0].scheme, figures[0].problem.system.workers, figures[0].value
    ('published_optimal', 10, 120500000.0)
    """
    if kind not in _TABLES:
        return ()
    name, value = _TABLES[kind]
    text = (files("cgcopt") / "data" / "published" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(_figure(row, value) for row in csv.DictReader(lines))


def published_problems(kind: str, sweep: str) -> tuple[Problem, ...]:
    """Return the distinct settings of one published plot, in its order."""
    figures = (figure for figure in published_figures(kind) if figure.sweep == sweep)
    return tuple(dict.fromkeys(figure.problem for figure in figures))


def figure_of(problem: Problem, solver: str, sweep: str = "") -> Figure | None:
    """Return the published figure that stands beside ``solver`` on ``problem``, where there is one.

    A setting that lies on several plots was read off each of them; ``sweep`` names the plot, else
    the plot against the number of workers comes first.

    Examples
    --------
    >>> problem = published_problems("expected-runtime", "workers")[1]
    >>> figure_of(problem, "optimal").value
    71750000.0
    >>> figure_of(problem, "uncoded") is None
    True
    """
    for figure in published_figures(problem.objective.kind):
        if sweep not in ("", figure.sweep):
            continue
        if solver in SOLVERS_OF.get(figure.scheme, ()) and _same(figure.problem, problem):
            return figure
    return None


def remark_on(kind: str, solver: str) -> str:
    """Return why the published figures beside ``solver`` may not reproduce; empty where they do.

    Examples
    --------
    >>> remark_on("completion-probability", "closed-form-deadline")
    'published row was made with another formula'
    """
    schemes = dict.fromkeys(figure.scheme for figure in published_figures(kind))
    remarks = [_REMARKS.get(scheme, "") for scheme in schemes if solver in SOLVERS_OF[scheme]]
    return "; ".join(filter(None, remarks))


def caveat(figure: Figure) -> str:
    """Return why a figure is known not to reproduce; empty where it should.

    Examples
    --------
    >>> figures = published_figures("completion-probability")
    >>> [caveat(figure) for figure in figures if figure.scheme == "tandon"][0]
    ''
    """
    point = (figure.sweep, figure.scheme, figure.value)
    return _POINT_REMARKS.get(point) or _REMARKS.get(figure.scheme, "")


def plot_remark(kind: str, sweep: str) -> str:
    """Return what a reader of a published plot should know; mostly nothing."""
    return _PLOT_REMARKS.get((kind, sweep), "")


def sweeps(kind: str) -> Iterable[str]:
    """Names of the published plots of one kind of objective.

    Examples
    --------
    >>> list(sweeps("completion-probability"))
    ['workers', 'rate', 'coordinates', 'deadline']
    """
    return dict.fromkeys(figure.sweep for figure in published_figures(kind))


def _figure(row: dict[str, str], value: str) -> Figure:
    system = System(
        workers=int(row["workers"]),
        coordinates=int(row["coordinates"]),
        worker_times=ShiftedExponential(rate=float(row["rate"]), shift=float(row["shift"])),
        samples=int(row["samples"]),
        cycles=float(row["cycles"]),
    )
    objective: Objective = ExpectedRuntime()
    if "deadline" in row:
        objective = CompletionProbability(float(row["deadline"]))
    return Figure(row["sweep"], Problem(system, objective), row["scheme"], float(row[value]))


def _same(published: Problem, problem: Problem) -> bool:
    """Whether two settings agree to the digits that the tables keep."""
    ours, theirs = _numbers(problem), _numbers(published)
    return (
        ours is not None
        and theirs is not None
        and all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(ours, theirs, strict=True))
    )


def _numbers(problem: Problem) -> tuple[float, ...] | None:
    system, times, objective = problem.system, problem.system.worker_times, problem.objective
    if not isinstance(times, ShiftedExponential):
        return None
    scale = system.samples * system.cycles
    parameters = (times.rate, times.shift, scale, *objective.parameters)
    return (system.workers, system.coordinates, *parameters)
