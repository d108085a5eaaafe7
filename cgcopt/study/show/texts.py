"""Studies as tables of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cgcopt._validate import did_you_mean
from cgcopt.compare.show.numbers import show_gap, show_number
from cgcopt.errors import InvalidInputError
from cgcopt.study.samples import SampleStudy
from cgcopt.study.sweep import Swept

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["samples_table", "study_table"]

_GAPS = frozenset({"gap", "own_gap", "sample_gap"})
_DIGITS = {"value": 7, "bound": 7, "best_bound": 7, "relative": 5}


def study_table(swept: Swept, columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the rows of a study as texts.

    Parameters
    ----------
    swept : Swept
    columns : tuple of str
        Columns of :meth:`Swept.frame`, and ``seconds``; by default what varies, the solver, and what
        it reached.

    Raises
    ------
    InvalidInputError
        If there is no such column.
    """
    import pandas as pd

    frame = swept.frame()
    frame["seconds"] = frame["build_seconds"] + frame["solve_seconds"]
    chosen = list(columns) or _default_columns(swept, frame)
    for name in chosen:
        if name not in frame:
            raise InvalidInputError("table.columns", name, did_you_mean(name, list(frame.columns)))
    return pd.DataFrame({name: [_text(name, value) for value in frame[name]] for name in chosen})


def samples_table(study: SampleStudy) -> pd.DataFrame:
    """Return a study of samples as texts; gaps and bias as shares of the optimum."""
    import pandas as pd

    scale = abs(study.optimum) or math.nan
    records = [
        {
            "rounds": str(line.scenarios),
            "samples": str(line.replications),
            "promised": show_number(line.promised, 6),
            "std. error": show_number(line.promised_error, 2),
            "bias": f"{100 * line.bias / scale:+.2f} %",
            "true gap": show_gap(line.true_gap / scale),
            "gap, estimate": show_gap(line.gap_estimate / scale),
            f"gap, upper limit ({100 * study.confidence:g} %)": show_gap(line.gap_upper / scale),
            "seconds": show_number(line.seconds, 3),
        }
        for line in study.lines
    ]
    return pd.DataFrame(records)


def _default_columns(swept: Swept, frame: pd.DataFrame) -> list[str]:
    names = swept.columns or ["problem"]
    repeated = ["seed"] if frame["seed"].nunique() > 1 else []
    forms = ["form"] if frame["form"].nunique() > 1 else []
    message = ["message"] if frame["value"].isna().any() else []
    return [*names, "solver", *forms, *repeated, "value", "gap", "seconds", *message]


def _text(name: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if name in _GAPS:
        return show_gap(value)
    if isinstance(value, float):
        if math.isinf(value):
            return ""
        digits = _DIGITS.get(name, 3 if name.endswith("seconds") else 6)
        return (
            show_number(value, digits) if name in _DIGITS or digits == 3 else f"{value:.{digits}g}"
        )
    return str(value)
