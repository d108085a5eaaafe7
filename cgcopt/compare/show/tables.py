"""Tables of text written in Markdown, in LaTeX and for the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group
    from rich.table import Table

__all__ = [
    "code_span",
    "latex_table",
    "latex_text",
    "markdown_table",
    "markdown_text",
    "rich_table",
]

#: Markup of Markdown; an underscore inside a word is none.
_MARKDOWN = re.compile(r"[\\`*<>\[\]|&$~]|(?<!\w)_|_(?!\w)")

#: Columns that a narrow terminal goes without, the first ones first.
_EXPENDABLE = (
    "note",
    "kind",
    "own gap",
    "seconds",
    "blocks",
    "certificate",
    "form",
    "vs published",
    "std. error",
    "status",
    "vs best",
    "promised [s]",
    "promised",
)
#: Columns whose texts may take several lines, with the room that they need at least.
_WRAPPING = {"note": 40, "shares of the levels": 20}
#: The same for the first column, which names the line.
_NAME = 22

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
        "step",
        "what holds",
        "candidate",
        "shares of the levels",
    }
)


def markdown_table(table: pd.DataFrame) -> str:
    """Return a table of texts as a Markdown table."""
    escaped = table.map(markdown_text).rename(columns=markdown_text)
    align = ["left" if name in _TEXT else "right" for name in table.columns]
    text: str = escaped.to_markdown(index=False, disable_numparse=True, colalign=align)
    return text


def latex_table(table: pd.DataFrame, *, caption: str, label: str = "") -> str:
    """Return a table of texts as a LaTeX table (package booktabs)."""
    styler = table.style.hide(axis="index").format(escape="latex")
    styler = styler.format_index(escape="latex", axis="columns")
    text: str = styler.to_latex(
        column_format="".join("l" if name in _TEXT else "r" for name in table.columns),
        hrules=True,
        caption=latex_text(caption),
        label=label or None,
        position_float="centering",
    )
    return text


def markdown_text(text: str) -> str:
    r"""Escape what Markdown, a table of it or the HTML in it would read as markup.

    Examples
    --------
    >>> print(markdown_text("a_b | *new* <i>"), markdown_text("_draft_"))
    a_b \| \*new\* \<i\> \_draft\_
    """
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def code_span(text: str) -> str:
    """Return a text as code in Markdown, whatever backticks are in it.

    Examples
    --------
    >>> code_span("ls"), code_span("a`b")
    ('`ls`', '``a`b``')
    """
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{text}{fence}"


def latex_text(text: str) -> str:
    r"""Escape what LaTeX would read as a command.

    Examples
    --------
    >>> print(latex_text("a_b & 5 %"))
    a\_b \& 5 \%
    """
    import pandas as pd

    cell = pd.DataFrame([[" ".join(text.split())]]).style.format(escape="latex")
    escaped: str = cell.hide(axis="index").hide(axis="columns").to_string()
    return escaped.rstrip("\n")


def rich_table(table: pd.DataFrame, *, title: str, width: int) -> Group:
    """Return a table of texts for a terminal of so many columns.

    Columns that say least are left out where there is no room; notes then stand below the table.
    What is still too wide becomes several tables that begin with the same column: no number is
    broken.
    """
    from rich.console import Group
    from rich.text import Text

    shown = _fitting(table, width)
    parts = _parts(shown, width)
    titles = [title, *(f"{title} (continued)" for _ in parts[1:])]
    tables = [_rich(part, name, width) for part, name in zip(parts, titles, strict=True)]
    notes: list[Text] = []
    if "note" in table.columns and "note" not in shown.columns:
        first = table.columns[0]
        noted = table[table["note"] != ""]
        lines = zip(noted[first], noted["note"], strict=True)
        notes = [*(Text(f"  {name}: {note}") for name, note in lines), Text("")]
    return Group(*tables, *notes)


def _rich(table: pd.DataFrame, title: str, width: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    result = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    cramped = _width(table, least=False) > width
    for name in table.columns:
        wraps = cramped and (name in _WRAPPING or name == table.columns[0])
        justify: Any = "left" if name in _TEXT else "right"
        result.add_column(
            Text(name),
            justify=justify,
            no_wrap=not wraps,
            overflow="fold",
            min_width=_WRAPPING.get(name) if wraps else None,
        )
    for row in table.itertuples(index=False):
        result.add_row(*(Text(str(text)) for text in row))
    return result


def _fitting(table: pd.DataFrame, width: int) -> pd.DataFrame:
    """Drop columns, least telling ones first and never the first one, until the rest fits."""
    for name in _EXPENDABLE:
        if _width(table) <= width:
            break
        if name in table.columns[1:]:
            table = table.drop(columns=name)
    return table


def _parts(table: pd.DataFrame, width: int) -> list[pd.DataFrame]:
    """The table cut between columns where it is too wide; every part has the first column."""
    first, *rest = table.columns
    cuts: list[list[str]] = [[first]]
    for name in rest:
        if len(cuts[-1]) > 1 and _width(table[[*cuts[-1], name]]) > width:
            cuts.append([first])
        cuts[-1].append(name)
    return [table[columns] for columns in cuts]


def _width(table: pd.DataFrame, *, least: bool = True) -> int:
    """Columns of the terminal that a table takes; the least, or those without a line break."""
    total = 3 * len(table.columns) - 1
    for name in table.columns:
        room = max([len(name), *map(len, table[name])])
        if least:
            wrapped = _NAME if name == table.columns[0] else _WRAPPING.get(name, room)
            room = min(room, wrapped)
        total += room
    return total
