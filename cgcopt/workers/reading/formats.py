"""The format of a file of measured times, by its name."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

__all__ = ["Format", "format_of", "is_table"]


class Format(StrEnum):
    """How a file of times is written."""

    JSON = "json"
    PARQUET = "parquet"
    SEPARATED = "separated"


_NAMES = {
    Format.PARQUET: re.compile(r"\.(parquet|pq)$", re.IGNORECASE),
    Format.JSON: re.compile(r"\.(jsonl|ndjson|json)(\.(gz|bz2|xz|zst))?$", re.IGNORECASE),
    Format.SEPARATED: re.compile(
        r"\.(csv|tsv|txt|dat|tab|psv)(\.(gz|bz2|xz|zst))?$|\.gz$", re.IGNORECASE
    ),
}


def is_table(path: Path) -> bool:
    """Whether a file is a table of times by its name.

    Examples
    --------
    >>> [is_table(Path(name)) for name in ("a.csv", "a.csv.gz", "a.parquet", "a.toml")]
    [True, True, True, False]
    """
    return any(name.search(path.name) for name in _NAMES.values())


def format_of(path: Path) -> Format:
    """Return the format of a file of times; separated text where the name does not tell.

    Examples
    --------
    >>> [str(format_of(Path(name))) for name in ("a.csv", "a.jsonl.gz", "a.pq", "measured")]
    ['separated', 'json', 'parquet', 'separated']
    """
    return next((form for form, name in _NAMES.items() if name.search(path.name)), Format.SEPARATED)
