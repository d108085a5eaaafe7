"""The marks of separated text: what cuts its lines into fields, and its decimal mark."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import number_of
from cgcopt.workers.reading.options import SEPARATORS

if TYPE_CHECKING:
    from _csv import Reader

__all__ = ["decimal_of", "excel_separator", "plain_rows", "rows_of", "separator_of"]

#: A number that may have a decimal comma or a mark between thousands.
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+", re.ASCII)


def rows_of(
    file: Path,
    separator: str,
    before: int,
    lines: Sequence[str] | Iterator[str],
    *,
    strict: bool = True,
) -> Iterator[tuple[int, list[str]]]:
    """Cut lines into fields; return each row that is not blank with its line.

    Strictly, a quote that is never closed or ends early is an error.

    Raises
    ------
    InvalidInputError
        If a line cannot be cut.
    """
    reader = _reader(lines, separator, strict)
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield before + reader.line_num, row
    except csv.Error as error:
        where = f"{file}:{before + reader.line_num}"
        if "field limit" in str(error):
            size = f"more than {csv.field_size_limit()} characters"
            raise InvalidInputError(f"{where}: size of a field", size, "less") from None
        allowed = "a line of separated fields (is a quote not closed?)"
        raise InvalidInputError(where, str(error), allowed) from None


def plain_rows(block: Sequence[str], separator: str, fields: int) -> list[list[str]]:
    """The rows of some lines; none unless every line is a whole row of as many fields.

    Examples
    --------
    >>> plain_rows(["1,2", "3,4"], ",", 2), plain_rows(["1,2", "3"], ",", 2)
    ([['1', '2'], ['3', '4']], [])
    """
    try:
        rows = list(_reader(block, separator, True))
    except csv.Error:
        return []
    whole = len(rows) == len(block) and set(map(len, rows)) == {fields}
    return rows if whole and (fields > 1 or all(row[0].strip() for row in rows)) else []


def _reader(lines: Iterable[str], separator: str, strict: bool) -> Reader:
    if separator == " ":
        lines = (" ".join(line.split()) for line in lines)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)


def separator_of(file: Path, line: int, sample: Sequence[str]) -> str:
    """The separator that cuts the header and the lines below it into as many fields."""
    counts = {mark: _fields(mark, sample) for mark in SEPARATORS}
    several = [mark for mark, found in counts.items() if found and found[0] > 1]
    even = [mark for mark in several if len(set(counts[mark])) == 1]
    strong = [mark for mark in even if mark != " "]
    if not strong and "|" in sample[0]:
        allowed = "a line of fields apart by , ; tab or blanks (replace the bars)"
        raise InvalidInputError(f"{file}:{line}", sample[0].strip(), allowed)
    if not even:
        _refuse_title(file, line, sample, {m: found for m, found in counts.items() if m != " "})
    if len(strong) > 1:
        said = " or ".join(SEPARATORS[mark] for mark in strong)
        where = f"{file}:{line}: separator"
        raise InvalidInputError(where, said, "told by --separator: several would do")
    return next(iter([*strong, *even, *several]), ",")


def _refuse_title(
    file: Path, line: int, sample: Sequence[str], counts: dict[str, list[int]]
) -> None:
    """Refuse a first line that is not cut as all lines below it are, such as a title."""
    first = sample[0].strip()
    for mark, found in counts.items():
        below = set(found[1:])
        if len(below) == 1 and len(found) > 2 and found[0] == 1 < max(below):
            allowed = (
                f"the header, of {max(below)} fields as in the lines below (separator: "
                f"{SEPARATORS[mark]}; --separator, --decimal , tell others); take a title out"
            )
            raise InvalidInputError(f"{file}:{line}: first line", first, allowed)


def excel_separator(sample: Sequence[str]) -> str:
    """The separator of a first line ``sep=;``; empty if there is no such line."""
    first = sample[0].rstrip("\r\n").strip('"')
    return first[4:] if first[:4].lower() == "sep=" and first[4:] in SEPARATORS else ""


def _fields(mark: str, sample: Sequence[str]) -> list[int]:
    try:
        return [len(row) for _, row in rows_of(Path(), mark, 0, sample, strict=False)]
    except InvalidInputError:
        return []


def decimal_of(file: Path, separator: str, rows: Sequence[Sequence[str]]) -> str:
    """The decimal comma, if cells are numbers with it that are none without.

    In quotes between commas ``2,701`` may be either number: where all are so, the user is asked.
    """
    cells = list(chain.from_iterable(row[:1000] for row in rows))
    with_comma = sum(number_of(cell) is None and number_of(cell, ",") is not None for cell in cells)
    with_point = sum("." in cell and number_of(cell) is not None for cell in cells)
    if with_comma <= with_point:
        return "."
    commas = [cell.strip() for cell in cells if "," in cell]
    if separator == "," and all(_THOUSANDS.fullmatch(cell) for cell in commas):
        allowed = (
            "told apart: type --decimal , for a decimal comma; take marks between thousands out"
        )
        raise InvalidInputError(f"{file}: numbers such as", commas[0], allowed)
    return ","
