"""Rows of a benchmark as a table, in the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["cell", "markdown", "renew", "show"]


def cell(value: Any) -> str:
    """Four digits for a number; nothing for what was not measured."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Column names in the order in which the rows bring them."""
    return list(dict.fromkeys(name for row in rows for name in row))


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows."""
    table = Table(*names(rows), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in names(rows)))
    Console(width=None if Console().is_terminal else 200).print(table)


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Write the rows as a Markdown table."""
    columns = names(rows)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(name)) for name in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def renew(page: Path, name: str, text: str) -> None:
    """Put a text between the marks ``<!-- NAME -->`` and ``<!-- end of NAME -->`` of a page."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->")
    _, end, tail = rest.partition(f"<!-- end of {name} -->")
    if not (begin and end):
        raise SystemExit(f"{page.name} has no marks for {name}")
    page.write_text(f"{head}{begin}\n\n{text}\n{end}{tail}", encoding="utf-8")
