"""Tables and pictures that are read easily, on a phone too.

Columns of numbers end at the right, names and numbers are not broken. A picture much wider than high
is not shrunk to the width of a phone: it can be moved sideways.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes

#: A number with what may stand beside it: a sign, a power of ten, an error, a unit.
_NUMBER = re.compile(r"[-+−]?\d[\d,. ]*(e[-+−]?\d+)?( ?± ?[\d.e+-]+)?( ?(%|s|ms|MB|times))?")
#: Longer names may be broken: they would push the rest of a table out of a phone.
_LONGEST_NAME = 30
#: Pictures that are wider than this many times their height keep a width of their own on a phone.
_WIDE = 1.8


def is_number(text: str) -> bool:
    """Return whether a cell holds a number.

    >>> [is_number(text) for text in ("1.3e-07", "10.13 %", "0.426 ± 0.006", "closed form")]
    [True, True, True, False]
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def mark_columns(table: nodes.table) -> None:
    """Give cells of numbers, and the heads above them, a class; cells of one word another."""
    rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
    body = [list(row.findall(nodes.entry)) for part in table.findall(nodes.tbody) for row in part]
    for cell in (cell for row in rows for cell in row):
        text = cell.astext().strip()
        if len(text) <= _LONGEST_NAME and not re.search(r"\s", text):
            cell["classes"].append("whole")
    for column in range(max(map(len, rows), default=0)):
        told = [row[column].astext().strip() for row in body if column < len(row)]
        told = [text for text in told if text]
        if told and sum(map(is_number, told)) >= 0.75 * len(told):
            for row in rows:
                if column < len(row):
                    row[column]["classes"].append("number")


def is_wide(path: Path) -> bool:
    """Return whether a picture is much wider than high; drawings without pixels are not asked."""
    if path.suffix != ".png":
        return False
    from PIL import Image

    with Image.open(path) as picture:
        return picture.width > _WIDE * picture.height


def mark_page(app, doctree, docname):
    """Mark the tables and pictures of a page."""
    for table in doctree.findall(nodes.table):
        mark_columns(table)
    for image in doctree.findall(nodes.image):
        if is_wide(Path(app.srcdir, image["uri"])):
            image["classes"].append("wide")


def setup(app):
    """Mark tables and pictures of every page before it is written."""
    app.connect("doctree-resolved", mark_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
