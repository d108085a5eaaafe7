"""Where the rows of a comparison are kept: one SQLite file.

A row is written as soon as it is known, so that a crash, a kill or a failing solver costs the row
at work and no other. It is found again by everything that it depends on: the problem with its
data, the solver with its code, the form, the options, and the version of this package and of those
that it calculates with. A changed line makes a new key: a store never serves what other code has
computed.
"""

from __future__ import annotations

import sqlite3
import warnings
import weakref
from contextlib import closing
from pathlib import Path
from typing import Any

from cgcopt.compare.results.row import Row
from cgcopt.errors import InvalidInputError

__all__ = ["Store"]

#: What marks an SQLite file as a store of this package ("cgco"), and the layout of its tables.
_APPLICATION, _LAYOUT = 0x6367636F, 1

_TABLE = """
create table rows (
    key text primary key, problem text, solver text, form text, computed text, row text
)
"""


class Store:
    """Rows of comparisons in a file.

    Parameters
    ----------
    path : path-like, optional
        The SQLite file, made where there is none; without it the rows live in memory.

    Attributes
    ----------
    path : Path, optional
        The file.
    trouble : str
        Why the file did not take a row; empty where it took all.

    Raises
    ------
    InvalidInputError
        If the file cannot be opened, is something else, or is damaged.

    Examples
    --------
    >>> from cgcopt.compare.results.solution_record import SolutionRecord
    >>> from cgcopt.objective import Sense
    >>> from cgcopt.problem import Form
    >>> store = Store()
    >>> found = SolutionRecord("optimal", Form.RELAXED, value=2.5)
    >>> row = Row("paper", "expected-runtime", Sense.MINIMIZE, 1.0, "exact method", found)
    >>> store.put("some key", row)
    >>> store.get("some key").value, store.get("another key")
    (2.5, None)
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.trouble = ""
        self._unsaved: dict[str, Row] = {}
        try:
            self._connection = sqlite3.connect(":memory:" if path is None else path, timeout=60)
            weakref.finalize(self, self._connection.close)
            with self._connection:
                self._prepare()
        except sqlite3.Error as error:
            raise self._refused(f"an SQLite file that can be written ({error})") from error

    @property
    def unsaved(self) -> int:
        """Rows that the file did not take, because the disk is full or was taken away."""
        return len(self._unsaved)

    def get(self, key: str) -> Row | None:
        """Return the row of a key, or ``None``."""
        if key in self._unsaved:
            return self._unsaved[key]
        with closing(
            self._connection.execute("select row from rows where key = ?", [key])
        ) as found:
            first = found.fetchone()
        return None if first is None else Row.from_json(first[0])

    def put(self, key: str, row: Row) -> None:
        """Write a row at once; an older one of the same key is replaced.

        A row that the file does not take is kept in memory, with a warning: what has been computed
        is not lost to the comparison at work.
        """
        values = (key, row.problem, row.solver, str(row.form), row.computed, row.to_json())
        try:
            with self._connection:
                self._connection.execute(
                    "insert or replace into rows values (?, ?, ?, ?, ?, ?)", values
                )
            self._unsaved.pop(key, None)
        except sqlite3.Error as error:
            self._unsaved[key] = row
            self.trouble = str(error)
            text = f"a row of {row.solver} on {row.problem} is not kept in {self.path}: {error}"
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def _prepare(self) -> None:
        """Make the table in a new file; refuse a file that is damaged or something else."""
        kind, layout = self._number("application_id"), self._number("user_version")
        tables = [name for (name,) in self._lines("select name from sqlite_master")]
        if kind == 0 and not tables:
            self._connection.execute(_TABLE)
            self._connection.execute(f"pragma application_id = {_APPLICATION}")
            self._connection.execute(f"pragma user_version = {_LAYOUT}")
        elif (kind, layout) != (_APPLICATION, _LAYOUT):
            raise self._refused("a store of this version of cgcopt; name another folder or file")
        elif self._lines("pragma integrity_check") != [("ok",)]:
            raise self._refused("a store that is not damaged; move it away to start anew")
        for problem, solver, text in self._lines("select problem, solver, row from rows"):
            try:
                Row.from_json(text)
            except (ValueError, TypeError, KeyError, AttributeError):
                allowed = f"a store that is not damaged (the row of {solver} on {problem} is)"
                raise self._refused(f"{allowed}; move it away to start anew") from None

    def _number(self, pragma: str) -> int:
        return int(self._lines(f"pragma {pragma}")[0][0])

    def _lines(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self._connection.execute(statement)) as found:
            return found.fetchall()

    def _refused(self, allowed: str) -> InvalidInputError:
        return InvalidInputError("store", str(self.path), allowed)

    def __len__(self) -> int:
        with closing(self._connection.execute("select count(*) from rows")) as found:
            return int(found.fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
