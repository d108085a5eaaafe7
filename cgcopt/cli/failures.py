"""What makes a comparison fail: its exit code, and the lines that say why."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.errors import WorkersLostError

if TYPE_CHECKING:
    from cgcopt.compare.results.store import Store

__all__ = ["exit_code", "kept_rows"]


def exit_code(rows: Iterable[tuple[str, float, str]]) -> int:
    """Return 0 where any of the rows (name, value, message) has a value; else say why, and return 1.

    Examples
    --------
    >>> exit_code([("uncoded", 1.0, ""), ("highs", float("nan"), "it broke")]), exit_code([])
    (0, 0)
    """
    listed = list(rows)
    if not listed or any(value == value for _, value, _ in listed):
        return 0
    names = ", ".join(dict.fromkeys(name for name, _, _ in listed))
    reason = next((message for _, _, message in listed if message), "no value")
    print(f"error: nothing was found by {names}: {reason}", file=sys.stderr)
    return 1


@contextmanager
def kept_rows(folder: Path | None, store: Store) -> Iterator[None]:
    """Say where rows are when the block is interrupted, and how many the disk did not take."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="a row of .* is not kept")
            yield
    except (KeyboardInterrupt, WorkersLostError):
        if folder is not None:
            print(f"what was done is kept in {folder}: the same command goes on", file=sys.stderr)
        raise
    if store.unsaved:
        count = f"{store.unsaved} row{'s' if store.unsaved > 1 else ''}"
        print(f"warning: {count} not kept in {store.path}: {store.trouble}", file=sys.stderr)
