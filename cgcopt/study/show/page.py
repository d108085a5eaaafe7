"""A study as one page of HTML that needs no other file and no network."""

from __future__ import annotations

import base64
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
th:first-child, td.text { text-align: left; }
thead { border-top: 2px solid #222; border-bottom: 1px solid #222; }
tbody { border-bottom: 2px solid #222; }
tbody tr:nth-child(even) { background: #f5f5f5; }
.sortable th { cursor: pointer; }
th[aria-sort=ascending]::after { content: " \\25B2"; }
th[aria-sort=descending]::after { content: " \\25BC"; }
img { max-width: 100%; height: auto; }
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
    parts += [f"<p>{_text(text)}</p>" for text in section.texts]
    if section.table is not None:
        parts.append(_table(section.table, section.numbers))
    if section.picture is not None:
        data = base64.b64encode(section.picture.read_bytes()).decode()
        parts.append(f'<img alt="{_text(section.title)}" src="data:image/png;base64,{data}">')
    if section.facts:
        items = (f"<dt>{_text(n)}</dt><dd>{_text(t)}</dd>" for n, t in section.facts.items() if t)
        parts.append(f"<dl>{''.join(items)}</dl>")
    if section.points:
        parts.append(f"<ul>{''.join(f'<li>{_text(point)}</li>' for point in section.points)}</ul>")
    return "\n".join([*parts, "</section>"])


def _table(table: pd.DataFrame, numbers: pd.DataFrame | None) -> str:
    head = "".join(
        f'<th scope="col" tabindex="0" title="sort">{_text(name)}</th>' for name in table.columns
    )
    rows = []
    for place in range(len(table)):
        cells = [
            _cell(table.iat[place, column], None if numbers is None else numbers.iat[place, column])
            for column in range(table.shape[1])
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table class="sortable"><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(text: object, number: object) -> str:
    value = number if isinstance(number, int | float) else _number(str(text))
    if value is None or value != value:
        return f'<td class="text">{_text(str(text))}</td>'
    return f'<td data-number="{float(value)!r}">{_text(str(text))}</td>'


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text(text: str) -> str:
    """Escaped, and without half characters, which no file in UTF-8 can hold."""
    return escape(" ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split()))
