"""A study as one page of HTML that needs no other file and no network."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Section", "page"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1100px; margin: 2em auto;
  padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .7em; text-align: right; white-space: nowrap; }
.text { text-align: left; }
thead { border-top: 2px solid #222; border-bottom: 1px solid #222; }
tbody { border-bottom: 2px solid #222; }
tbody tr:nth-child(even) { background: #f5f5f5; }
.sortable th { cursor: pointer; }
.sortable th::after { content: " \\2195"; color: #aaa; }
.sortable th[aria-sort=ascending]::after { content: " \\25B2"; color: inherit; }
.sortable th[aria-sort=descending]::after { content: " \\25BC"; color: inherit; }
img { display: block; width: 760px; max-width: 100%; height: auto; margin: 1em 0; }
code { background: #f2f2f2; padding: 0 .2em; border-radius: 3px; }
dt { font-weight: 600; float: left; clear: left; width: 10em; }
dd { margin-left: 11em; overflow-wrap: anywhere; }
@media (max-width: 600px) {
  body { margin: 1em auto; } dt { float: none; width: auto; } dd { margin-left: 1em; }
  th, td { padding: .25em .45em; }
}
"""

_SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.tHead.rows[0].querySelectorAll("th").forEach((head, place) => {
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      const key = row => {
        const cell = row.cells[place], number = parseFloat(cell.dataset.number);
        return Number.isNaN(number) ? cell.textContent : number;
      };
      const before = (a, b) => typeof a === typeof b
        ? (typeof a === "number" ? a - b : a.localeCompare(b)) : (typeof a === "number" ? -1 : 1);
      const rows = [...body.rows].sort((a, b) => (up ? 1 : -1) * before(key(a), key(b)));
      body.append(...rows);
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
  });
}
"""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes
    ----------
    title : str
    texts : sequence of str
        Paragraphs.
    table : DataFrame, optional
        Of texts.
    numbers : DataFrame, optional
        What the table is sorted by, where a text is not a number; of the same shape.
    picture : Path, optional
        A PNG.
    facts : mapping
        Names and what there is to say.
    points : sequence of str
        A list.
    """

    title: str
    texts: Sequence[str] = ()
    table: pd.DataFrame | None = None
    numbers: pd.DataFrame | None = None
    picture: Path | None = None
    facts: Mapping[str, str] | None = None
    points: Sequence[str] = ()


def page(title: str, sections: Sequence[Section]) -> str:
    """Return the page; everything that is not markup of this module is escaped.

    Examples
    --------
    >>> "<h1>a &lt;b&gt;</h1>" in page("a <b>", [])
    True
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        *map(_section, sections),
        f"<script>{_SCRIPT}</script>",
        "</body></html>",
    ]
    text = "\n".join(parts) + "\n"
    # Names that are no UTF-8 become visible escapes.
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _section(section: Section) -> str:
    parts = [f"<section><h2>{_text(section.title)}</h2>"]
    parts += [f"<p>{_prose(text)}</p>" for text in section.texts]
    if section.table is not None:
        parts.append(_table(section.table, section.numbers))
    if section.picture is not None:
        data = base64.b64encode(section.picture.read_bytes()).decode()
        parts.append(f'<img alt="{_text(section.title)}" src="data:image/png;base64,{data}">')
    if section.facts:
        items = (f"<dt>{_text(n)}</dt><dd>{_text(t)}</dd>" for n, t in section.facts.items() if t)
        parts.append(f"<dl>{''.join(items)}</dl>")
    if section.points:
        parts.append(f"<ul>{''.join(f'<li>{_prose(point)}</li>' for point in section.points)}</ul>")
    return "\n".join([*parts, "</section>"])


def _table(table: pd.DataFrame, numbers: pd.DataFrame | None) -> str:
    columns = [
        _column(table.iloc[:, place], None if numbers is None else numbers.iloc[:, place])
        for place in range(table.shape[1])
    ]
    heads, bodies = zip(*columns, strict=True)
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in zip(*bodies, strict=True))
    return (
        f'<div class="wide"><table class="sortable"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _column(texts: pd.Series[str], numbers: pd.Series[float] | None) -> tuple[str, list[str]]:
    """Return the head and the cells of a column: one without numbers begins at the left."""
    told = [str(text) for text in texts]
    known = [None] * len(told) if numbers is None else list(numbers)
    values = [_number(text, number) for text, number in zip(told, known, strict=True)]
    side = "" if any(value is not None for value in values) else ' class="text"'
    head = f'<th scope="col" tabindex="0" title="sort"{side}>{_text(str(texts.name))}</th>'
    cells = []
    for text, value in zip(told, values, strict=True):
        key = "" if value is None else f' data-number="{value!r}"'
        cells.append(f"<td{side}{key}>{_text(text)}</td>")
    return head, cells


def _number(text: str, known: object) -> float | None:
    """Return the number that a cell is sorted by: the one that is known, or its text read."""
    if isinstance(known, int | float):
        return None if known != known else float(known)
    share = text.strip().endswith("%")
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        return None
    return None if value != value else value / 100 if share else value


def _prose(text: str) -> str:
    """Escaped, with `code` set as such."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _text(text: str) -> str:
    """Escaped, and without half characters, which no file in UTF-8 can hold."""
    return escape(" ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split()))
