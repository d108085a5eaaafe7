"""The result of a comparison: rows, and what follows from having all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.compare.results.row import Row
from cgcopt.objective import CompletionProbability, Sense
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus, relative_gap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison"]


@dataclass(frozen=True)
class Comparison:
    """Rows of a comparison, judged against the best bound that any of them proved.

    Parameters
    ----------
    rows : tuple of Row
        One for each problem and solver.
    options : Options
        What all solvers ran with.
    """

    rows: tuple[Row, ...]
    options: Options

    @property
    def problems(self) -> list[str]:
        """Names of the problems, in the order of the rows."""
        return list(dict.fromkeys(row.problem for row in self.rows))

    def of(self, problem: str) -> Comparison:
        """Return the part that concerns one problem."""
        return Comparison(tuple(row for row in self.rows if row.problem == problem), self.options)

    def best_bound(self, row: Row) -> float:
        """Best bound known for the problem and form of a row; infinite without one.

        A bound of the relaxed form bounds every form; what was proven for whole numbers bounds
        the designs in whole numbers alone.
        """
        # The block and the coordinate form have the same optimum, so they share their bounds.
        forms = {Form.RELAXED} if row.form == Form.RELAXED else set(Form)
        bounds = [r.bound for r in self.rows if r.problem == row.problem and r.form in forms]
        return max(bounds) if sense_of(row) is Sense.MINIMIZE else min(bounds)

    def gap(self, row: Row) -> float:
        """Relative gap of a row to :meth:`best_bound`; NaN without a design in the design space."""
        if row.status not in (SolutionStatus.OPTIMAL, SolutionStatus.FEASIBLE):
            return math.nan
        return relative_gap(row.value, self.best_bound(row), sense_of(row))

    def best_value(self, row: Row) -> float:
        """Best value that any solver reached on the problem of a row."""
        values = [r.value for r in self.rows if r.problem == row.problem and r.value == r.value]
        best = max if sense_of(row) is Sense.MAXIMIZE else min
        return best(values, default=math.nan)

    def frame(self) -> pd.DataFrame:
        """All rows as a table, numbers unrounded.

        Beside the fields of :class:`~cgcopt.compare.results.row.Row` it has ``relative`` (value over the
        best value), ``normalised`` (value ``N/(M b)/1e7``, the unit of the published plots),
        ``best_bound``, ``gap`` to it, and ``published_difference`` (value over the published
        figure, minus 1).
        """
        import pandas as pd

        return pd.DataFrame([self._record(row) for row in self.rows])

    def _record(self, row: Row) -> dict[str, Any]:
        return {
            "problem": row.problem,
            "solver": row.solver,
            "role": row.role,
            "form": row.form,
            "value": row.value,
            "standard_error": row.standard_error,
            "complement": row.complement,
            "relative": row.value / self.best_value(row),
            "normalised": row.value / row.scale / 1e7,
            "bound": row.bound,
            "best_bound": self.best_bound(row),
            "gap": self.gap(row),
            "certificate": row.certificate,
            "termination": row.termination,
            "status": row.status,
            "build_seconds": row.build,
            "solve_seconds": row.solve,
            "evaluate_seconds": row.evaluate,
            "published": row.published,
            "published_difference": row.value / row.published - 1,
            "scenarios": row.sample_scenarios,
            "sample_value": row.sample_value,
            "sample_bound": row.sample_bound,
            "sample_gap": row.sample_gap,
            "residual": row.residual,
            "message": row.message,
            "computed": row.computed,
            "jobs": row.jobs,
        }

    def partitions(self) -> pd.DataFrame:
        """Block partitions, one row for each problem, solver and level ``n``."""
        import pandas as pd

        records = [
            {"problem": row.problem, "solver": row.solver, "n": n, "coordinates": x}
            for row in self.rows
            for n, x in enumerate(row.partition)
        ]
        return pd.DataFrame(records, columns=["problem", "solver", "n", "coordinates"])

    def to_csv(self, path: str | Path | None = None) -> str | None:
        """Write :meth:`frame` as CSV, or return it as text."""
        text: str | None = self.frame().to_csv(path, index=False)
        return text


def sense_of(row: Row) -> Sense:
    """Direction of the objective of a row."""
    maximized = row.objective == CompletionProbability.kind
    return Sense.MAXIMIZE if maximized else Sense.MINIMIZE
