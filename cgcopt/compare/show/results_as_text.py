"""Results as tables of text: short headings, few digits, in the order of interest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from cgcopt.compare.published.figures import remark_on
from cgcopt.compare.published.sweep import Sweep
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.curve import Curve
from cgcopt.compare.results.replay import Replay
from cgcopt.compare.results.row import Row
from cgcopt.compare.show.numbers import (
    show_difference,
    show_fixed,
    show_gap,
    show_number,
    show_probability,
    unit_of,
)
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Role

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PUBLISHED_UNIT",
    "comparison_table",
    "curve_table",
    "replay_table",
    "summary_table",
    "sweep_table",
]

#: A published figure reproduces when it is hit to this relative accuracy: it was read off a plot.
_REPRODUCED = 0.03

#: Heading of runtimes in the unit of the published plots.
PUBLISHED_UNIT = "E N/(M b)/1e7"


def comparison_table(comparison: Comparison) -> pd.DataFrame:
    """Return the rows as texts under short headings, best values first.

    Columns without a single entry are left out. Values are in seconds, or probabilities; ``gap``
    is to the best bound known, ``own gap`` what an outside solver proved itself; the published unit
    ``1e7 M b/N`` is used where there is a published figure.
    """
    import pandas as pd

    rows = comparison.ordered()
    repeated = len({row.seed for row in rows}) > 1
    probability = any(row.objective == CompletionProbability.kind for row in rows)
    columns: dict[str, Callable[[Row], str]] = {
        "solver": lambda row: row.solver,
        "kind": lambda row: row.role,
        "form": lambda row: str(row.form),
        "seed": lambda row: str(row.seed) if repeated else "",
        "P" if probability else "value [s]": lambda row: show_number(row.value, 7),
        "1 - P": lambda row: show_number(row.solution.complement, 4),
        "vs best": lambda row: show_fixed(_ratio(row.value, comparison.best_value(row)), 4),
        "gap": lambda row: show_gap(comparison.gap(row)),
        "own gap": lambda row: _own_gap(comparison, row),
        "copies": lambda row: str(row.solution.copies or ""),
        "blocks": lambda row: str(row.solution.blocks or ""),
        "certificate": _certificate,
        "status": _status,
        "seconds": lambda row: show_number(row.seconds, 3) if _ran(row) else "",
    }
    if any(row.published == row.published for row in rows):
        columns |= _published_columns(probability)
    columns["note"] = _note
    table = {name: [show(row) for row in rows] for name, show in columns.items()}
    filled = {name: texts for name, texts in table.items() if any(texts)}
    return pd.DataFrame(filled, columns=list(filled))


def summary_table(comparison: Comparison) -> pd.DataFrame:
    """One line of texts for each solver over all problems of a comparison."""
    import pandas as pd

    frame = comparison.summary()
    shown = {
        "solver": frame["solver"],
        "form": frame["form"],
        "runs": frame["runs"].astype(str),
        "with a design": frame["designs"].astype(str),
        "proven": frame["proven"].astype(str),
        "best": frame["best"].astype(str),
        "times best": [show_number(x, 5) for x in frame["mean_ratio"]],
        "mean gap": [show_gap(x) for x in frame["mean_gap"]],
        "seconds": [show_number(x, 3) for x in frame["mean_seconds"]],
    }
    return pd.DataFrame(shown)


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """Our figures, the published ones in brackets; a line for the certified gap of ``optimal``.

    Runtimes are in the unit of the published plots, ``1e7 M b/N`` seconds.
    """
    import pandas as pd

    lines = []
    for solver in sweep.solvers:
        rows = sweep.curve(solver)
        lines.append([solver, *(_beside_published(row) for row in rows)])
        if solver == "optimal" and rows[0].objective == ExpectedRuntime.kind:
            gaps = [show_gap(sweep.comparison.gap(row)) or "-" for row in rows]
            above = [show_difference(row.published / row.value - 1) or "-" for row in rows]
            lines.append(["  certified gap", *gaps])
            lines.append(["  published above the optimum", *above])
    return pd.DataFrame(lines, columns=["solver", *sweep.headings])


def replay_table(replay: Replay) -> pd.DataFrame:
    """One line for each design, best on the held-out rounds first."""
    import pandas as pd

    unit = unit_of(replay.problem.objective)
    records = [
        {
            "design": row.design,
            "made for": row.family,
            f"promised{unit}": show_number(row.promised, 5),
            f"held-out{unit}": show_number(row.held_out, 5),
            "std. error": show_number(row.standard_error, 2),
            "vs uncoded": _share(row.ratio, row.ratio_error),
            "copies": show_number(row.copies, 3),
            "blocks": show_number(row.blocks, 3),
            "sent / L": show_number(row.sent, 3),
            "note": row.message or ("coding loses" if row.loses else ""),
        }
        for row in replay.rows
    ]
    return pd.DataFrame(records)


def curve_table(curve: Curve) -> pd.DataFrame:
    """One line for each deadline, a column for each solver."""
    import pandas as pd

    columns = {"t [s]": [f"{deadline:.5g}" for deadline in curve.deadlines]}
    for solver in curve.solvers:
        rows = curve.of(solver)
        columns[solver] = [show_probability(row.value, row.solution.complement) for row in rows]
    return pd.DataFrame(columns)


def _ratio(value: float, best: float) -> float:
    return value / best if best else math.nan  # a probability of 0 may be the best there is


def _published_columns(probability: bool) -> dict[str, Callable[[Row], str]]:
    columns: dict[str, Callable[[Row], str]] = {}
    if probability:
        columns["published"] = lambda row: show_number(row.published, 4)
    else:
        columns[PUBLISHED_UNIT] = lambda row: show_fixed(row.value / row.scale / 1e7, 4)
        columns["published"] = lambda row: show_fixed(row.published / row.scale / 1e7, 2)
    columns["vs published"] = lambda row: show_difference(row.value / row.published - 1)
    return columns


def _own_gap(comparison: Comparison, row: Row) -> str:
    return show_gap(comparison.own_gap(row)) if row.role == Role.ADAPTER else ""


def _certificate(row: Row) -> str:
    certificate = row.solution.certificate
    return "" if certificate is Certificate.NONE else str(certificate)


def _status(row: Row) -> str:
    ended = row.solution.termination
    if ended in (TerminationCondition.CONVERGED, TerminationCondition.OPTIMAL):
        return str(row.status)
    if ended is TerminationCondition.UNSUPPORTED:
        return "not supported"
    return f"{row.status} ({ended})"


def _ran(row: Row) -> bool:
    return row.status != SolutionStatus.NONE or row.seconds > 0


def _note(row: Row) -> str:
    parts = []
    found, sample = row.solution, row.solution.sample
    if sample is not None:
        reached = f"{sample.value:.7g}, gap {show_gap(sample.gap)}"
        parts.append(f"on its {sample.scenarios} scenarios {reached}")
    if found.standard_error > 0:
        parts.append(f"standard error {found.standard_error:.2g}")
    if row.published == row.published and abs(row.value / row.published - 1) > _REPRODUCED:
        parts += [remark] if (remark := remark_on(row.objective, row.solver)) else []
    if found.residual == found.residual:
        parts.append(f"residual {found.residual:.1e}")
    told = found.status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE, SolutionStatus.SCHEME)
    if found.message and (told or found.termination is TerminationCondition.NUMERICAL_ERROR):
        parts.append(found.message)
    return "; ".join(parts)


def _beside_published(row: Row) -> str:
    probability = row.objective == CompletionProbability.kind
    unit, digits = (1.0, 3) if probability else (row.scale * 1e7, 2)
    ours, theirs = show_fixed(row.value / unit, 4), show_fixed(row.published / unit, digits)
    return (ours or "-") + (f" ({theirs})" if theirs else "")


def _share(ratio: float, error: float) -> str:
    return "" if math.isnan(ratio) else f"{ratio:.3f} ± {error:.3f}"
