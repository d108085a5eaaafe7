"""Comparisons as tables to read: in the terminal, in Markdown and in LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cgcopt.compare.published.figures import remark_on
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.row import Row
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import CompletionProbability
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Role

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group

__all__ = [
    "PUBLISHED_UNIT",
    "latex_table",
    "markdown_table",
    "readable",
    "rich_table",
    "show_gap",
    "show_number",
    "show_probability",
]

_ROLES = [str(role) for role in (Role.EXACT, Role.ADAPTER, Role.ITERATIVE, Role.CLOSED_FORM)]

#: A published figure reproduces when it is hit to this relative accuracy: it was read off a plot.
_REPRODUCED = 0.03

#: Heading of runtimes in the unit of the published plots.
PUBLISHED_UNIT = "E N/(M b)/1e7"

#: Columns that a narrow terminal goes without, the first ones first.
_EXPENDABLE = (
    "note",
    "kind",
    "seconds",
    "certificate",
    "form",
    "vs published",
    "std. error",
    "status",
    "vs best",
)
#: Columns whose texts may take several lines, and the room that they need at least.
_WRAPPING = frozenset({"note"})
_WRAPPED = 40

#: Columns that read better flush left.
_TEXT = frozenset(
    {
        "solver",
        "kind",
        "form",
        "certificate",
        "status",
        "note",
        "design",
        "made for",
        "scheme",
        "figure",
    }
)


def readable(comparison: Comparison) -> pd.DataFrame:
    """Return the rows as texts under short headings, best methods first.

    Columns without a single entry are left out. Values are in seconds, or probabilities; ``gap``
    is to the best bound known; the published unit ``1e7 M b/N`` is used where there is a
    published figure.
    """
    import pandas as pd

    rows = sorted(comparison.rows, key=_order)
    probability = any(row.objective == CompletionProbability.kind for row in rows)
    columns: dict[str, Callable[[Row], str]] = {
        "solver": lambda row: row.solver,
        "kind": lambda row: row.role,
        "form": lambda row: row.form,
        "P" if probability else "value [s]": lambda row: show_number(row.value, 7),
        "1 - P": lambda row: show_number(row.complement, 4),
        "vs best": lambda row: _fixed(row.value / comparison.best_value(row), 4),
        "gap": lambda row: show_gap(comparison.gap(row)),
        "certificate": lambda row: "" if row.certificate == Certificate.NONE else row.certificate,
        "status": _status,
        "seconds": lambda row: show_number(row.seconds, 3) if _ran(row) else "",
    }
    if any(row.published == row.published for row in rows):
        columns |= _published_columns(probability)
    columns["note"] = _note
    table = {name: [show(row) for row in rows] for name, show in columns.items()}
    filled = {name: texts for name, texts in table.items() if any(texts)}
    return pd.DataFrame(filled, columns=list(filled))


def show_number(value: float, digits: int) -> str:
    """Write a number with so many significant digits; nothing for NaN.

    Examples
    --------
    >>> show_number(12345678.9, 4), show_number(0.000123456, 3), show_number(float("nan"), 3)
    ('1.235e+07', '0.000123', '')
    >>> show_number(2.5, 4)
    '2.500'
    """
    if math.isnan(value):
        return ""
    return f"{value:#.{digits}g}".removesuffix(".")


def show_gap(gap: float) -> str:
    """Write a gap as a percentage, or as a power of ten where it is tiny.

    Examples
    --------
    >>> show_gap(0.1234), show_gap(3.2e-9), show_gap(float("inf"))
    ('12.34 %', '3.2e-09', 'no bound')
    """
    if math.isnan(gap):
        return ""
    if math.isinf(gap):
        return "no bound"
    return f"{100 * gap:.2f} %" if abs(gap) >= 1e-4 or gap == 0 else f"{gap:.1e}"


def show_probability(value: float, complement: float) -> str:
    """Write a probability to six decimals, and one close to 1 by its complement.

    Examples
    --------
    >>> show_probability(0.7455955670, 0.254404433), show_probability(1.0, 4.81e-07)
    ('0.745596', '1-4.8e-07')
    >>> show_probability(3.2e-9, 1.0)
    '3.2e-09'
    """
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if 0 < complement < 1e-5:
        return f"1-{complement:.1e}"
    return f"{value:.1e}" if 0 < value < 1e-5 else f"{value:.6f}"


def markdown_table(table: pd.DataFrame) -> str:
    """Return a table of texts as a Markdown table."""
    escaped = table.map(lambda text: text.replace("|", "\\|"))
    align = ["left" if name in _TEXT else "right" for name in table.columns]
    text: str = escaped.to_markdown(index=False, disable_numparse=True, colalign=align)
    return text


def latex_table(table: pd.DataFrame, *, caption: str) -> str:
    """Return a table of texts as a LaTeX table (package booktabs)."""
    from pandas.io.formats.style import Styler

    columns = "".join("l" if name in _TEXT else "r" for name in table.columns)
    escaped = table.map(_latex).rename(columns=_latex)
    styler: Styler = escaped.style.hide(axis="index")
    text: str = styler.to_latex(
        column_format=columns, hrules=True, caption=_latex(caption), position_float="centering"
    )
    return text


def rich_table(table: pd.DataFrame, *, title: str, width: int) -> Group:
    """Return a table of texts for a terminal of so many columns.

    Columns that say least are left out where there is no room; notes then stand below the table.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown = _fitting(table, width)
    result = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    cramped = _width(shown) > width
    for name in shown.columns:
        wraps = name in _WRAPPING or (cramped and name != shown.columns[0])
        justify: Any = "left" if name in _TEXT else "right"
        result.add_column(Text(name), justify=justify, no_wrap=not wraps, overflow="fold")
    for row in shown.itertuples(index=False):
        result.add_row(*(Text(str(text)) for text in row))
    notes: list[Text] = []
    if "note" in table.columns and "note" not in shown.columns:
        first = table.columns[0]
        noted = table[table["note"] != ""]
        lines = zip(noted[first], noted["note"], strict=True)
        notes = [*(Text(f"  {name}: {note}") for name, note in lines), Text("")]
    return Group(result, *notes)


def _fitting(table: pd.DataFrame, width: int) -> pd.DataFrame:
    """Drop columns, least telling ones first, until the rest fits."""
    for name in _EXPENDABLE:
        if _width(table) <= width:
            break
        if name in table.columns:
            table = table.drop(columns=name)
    return table


def _width(table: pd.DataFrame) -> int:
    widths = {name: max([len(name), *map(len, table[name])]) for name in table.columns}
    return sum(min(w, _WRAPPED) if name in _WRAPPING else w for name, w in widths.items()) + (
        3 * len(widths)
    )


def _published_columns(probability: bool) -> dict[str, Callable[[Row], str]]:
    columns: dict[str, Callable[[Row], str]] = {}
    if probability:
        columns["published"] = lambda row: show_number(row.published, 4)
    else:
        columns[PUBLISHED_UNIT] = lambda row: _fixed(row.value / row.scale / 1e7, 4)
        columns["published"] = lambda row: _fixed(row.published / row.scale / 1e7, 2)
    columns["vs published"] = lambda row: _difference(row.value / row.published - 1)
    return columns


def _order(row: Row) -> tuple[int, float]:
    kind = _ROLES.index(row.role) if row.role in _ROLES else len(_ROLES)
    value = -row.value if row.objective == CompletionProbability.kind else row.value
    return (kind, math.inf if math.isnan(value) else value)


def _fixed(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def _difference(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:+.1f} %"


def _status(row: Row) -> str:
    if row.termination in (TerminationCondition.CONVERGED, TerminationCondition.OPTIMAL):
        return row.status
    return f"{row.status} ({row.termination})"


def _ran(row: Row) -> bool:
    return row.status != SolutionStatus.NONE or row.seconds > 0


def _note(row: Row) -> str:
    parts = []
    if row.sample_scenarios:
        sample = f"{row.sample_value:.7g}, gap {show_gap(row.sample_gap)}"
        parts.append(f"on its {row.sample_scenarios} scenarios {sample}")
    if row.standard_error > 0:
        parts.append(f"standard error {row.standard_error:.2g}")
    if row.published == row.published and abs(row.value / row.published - 1) > _REPRODUCED:
        parts += [remark] if (remark := remark_on(row.objective, row.solver)) else []
    if row.residual == row.residual:
        parts.append(f"residual {row.residual:.1e}")
    if row.status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE) and row.message:
        parts.append(row.message)
    return "; ".join(parts)


def _latex(text: str) -> str:
    for plain, escaped in (
        ("\\", r"\textbackslash "),
        ("&", r"\&"),
        ("%", r"\%"),
        ("_", r"\_"),
        ("#", r"\#"),
        ("$", r"\$"),
    ):
        text = text.replace(plain, escaped)
    return text
