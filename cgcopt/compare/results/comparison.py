"""The result of a comparison: rows, and what follows from having all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.bounds import relative_gap
from cgcopt.compare.results.row import Row
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus
from cgcopt.study.profiles import summary_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison"]


#: Columns that say what the problem is.
_FACTS = ["problem", "objective", "N", "L", "family", "parameters"]


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

    def __repr__(self) -> str:
        return f"<Comparison {len(self.rows)} rows, problems {', '.join(self.problems)}>"

    def _repr_html_(self) -> str:
        """For notebooks: what is looked at first; :meth:`frame` has every column."""
        shown = ["problem", "solver", "form", "value", "gap", "solve_seconds"]
        return str(self.frame()[shown].to_html(index=False))

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
        bounds = [
            r.solution.bound for r in self.rows if r.problem == row.problem and r.form in forms
        ]
        return max(bounds) if row.sense is Sense.MINIMIZE else min(bounds)

    @property
    def speed_of_light(self) -> float:
        """Best bound that holds for every scheme, of a comparison of one problem; NaN without one."""
        proofs = [
            row.solution.bound
            for row in self.rows
            if row.solution.certificate is Certificate.SPEED_OF_LIGHT
        ]
        rising = any(row.sense is Sense.MAXIMIZE for row in self.rows)
        return (min if rising else max)(proofs, default=math.nan)

    def gap(self, row: Row) -> float:
        """Relative gap of a row to :meth:`best_bound`; NaN without a design in the design space."""
        if row.status not in (SolutionStatus.OPTIMAL, SolutionStatus.FEASIBLE):
            return math.nan
        return relative_gap(row.value, self.best_bound(row), row.sense)

    def best_value(self, row: Row) -> float:
        """Best value that any solver reached on the problem of a row."""
        values = [r.value for r in self.rows if r.problem == row.problem and r.value == r.value]
        best = max if row.sense is Sense.MAXIMIZE else min
        return best(values, default=math.nan)

    def frame(self) -> pd.DataFrame:
        """All rows as a table, numbers unrounded; for each problem the best values first.

        ``N``, ``L``, ``family``, ``parameters`` and every number of the problem are columns.
        Beside the fields of :class:`~cgcopt.compare.results.row.Row` it has ``relative`` (value over the
        best value), ``normalised`` (value ``N/(M b)/1e7``, the unit of the published plots),
        ``best_bound``, ``gap`` to it, ``own_gap`` (to the bound that came with the row itself; for a
        solver on drawn rounds, on those), and ``published_difference`` (value over the published
        figure, minus 1).
        """
        import pandas as pd

        return pd.DataFrame([self._record(row) for row in self.ordered()])

    def ordered(self) -> list[Row]:
        """The rows, problem by problem, the best value first and rows without a value last."""
        places = {name: place for place, name in enumerate(self.problems)}

        def key(row: Row) -> tuple[int, float]:
            value = -row.value if row.sense is Sense.MAXIMIZE else row.value
            return places[row.problem], math.inf if math.isnan(value) else value

        return sorted(self.rows, key=key)

    def own_gap(self, row: Row) -> float:
        """Relative gap that a solver reached by itself, on its own rounds where it drew some."""
        found = row.solution
        if found.sample is not None:
            return found.sample.gap
        return relative_gap(row.value, found.bound, row.sense)

    def summary(self) -> pd.DataFrame:
        """One line for each solver over all problems and seeds, most solved first.

        See :func:`~cgcopt.study.profiles.summary_of` for the columns.
        """
        return summary_of(self.frame(), time_limit=self.options.time_limit)

    def _record(self, row: Row) -> dict[str, Any]:
        found = row.solution
        sample = found.sample
        return {
            "problem": row.problem,
            "objective": row.objective,
            **{name: row.facts.get(name) for name in _FACTS[2:]},
            "solver": row.solver,
            "role": row.role,
            "form": str(row.form),
            "seed": row.seed,
            "value": row.value,
            "standard_error": found.standard_error,
            "complement": found.complement,
            "relative": _relative(row.value, self.best_value(row)),
            "normalised": row.value / row.scale / 1e7,
            "bound": found.bound,
            "best_bound": self.best_bound(row),
            "gap": self.gap(row),
            "own_gap": self.own_gap(row),
            "copies": found.copies,
            "blocks": found.blocks,
            "certificate": str(found.certificate),
            "termination": str(found.termination),
            "status": str(found.status),
            "build_seconds": found.seconds.build,
            "solve_seconds": found.seconds.solve,
            "evaluate_seconds": found.seconds.evaluate,
            "published": row.published,
            "published_difference": row.value / row.published - 1,
            "scenarios": 0 if sample is None else sample.scenarios,
            "sample_value": math.nan if sample is None else sample.value,
            "sample_bound": math.nan if sample is None else sample.bound,
            "sample_gap": math.nan if sample is None else sample.gap,
            "residual": found.residual,
            "message": row.message,
            "computed": row.computed,
            "jobs": row.jobs,
            **{name: value for name, value in row.facts.items() if name not in _FACTS},
        }

    def partitions(self) -> pd.DataFrame:
        """Block partitions, one line for each problem, solver, form and level ``n``."""
        import pandas as pd

        records = [
            (row.problem, row.solver, str(row.form), n, x)
            for row in self.rows
            for n, x in enumerate(row.partition)
        ]
        return pd.DataFrame(records, columns=["problem", "solver", "form", "n", "coordinates"])

    def to_csv(self, path: str | Path | None = None) -> str | None:
        """Write :meth:`frame` as CSV, or return it as text."""
        text: str | None = self.frame().to_csv(path, index=False)
        return text


def _relative(value: float, best: float) -> float:
    """The value over the best one; 1 where no design has a chance at all."""
    if best == 0.0:
        return 1.0 if value == 0.0 else math.nan
    return value / best
