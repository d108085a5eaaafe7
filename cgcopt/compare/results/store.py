"""Where the rows of a comparison are kept: one SQLite file.

A row is written as soon as it is known, so that a crash, a kill or a failing solver costs the row
at work and no other. It is found again by everything that it depends on: the problem with its
data, the solver, the form, the options, and the version of the code. A changed line of this
package, or another version of an outside solver, makes a new key: a store never serves what other
code has computed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import weakref
from contextlib import closing
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cgcopt.compare.results.row import Row
from cgcopt.errors import InvalidInputError
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.version import __version__
from cgcopt.workers.empirical import Empirical, Scenarios

__all__ = ["Store", "code_version", "row_key"]

_SCHEMA = """
create table if not exists rows (
    key text primary key, problem text, solver text, form text, computed text, row text
)
"""
#: Packages whose version may change a result.
_NUMERICAL = (
    "numpy",
    "scipy",
    "numba",
    "highspy",
    "cvxpy",
    "pyomo",
    "casadi",
    "pyscipopt",
    "unopy",
)


class Store:
    """Rows of comparisons in a file.

    Parameters
    ----------
    path : path-like, optional
        The SQLite file, made where there is none; without it the rows live in memory.

    Raises
    ------
    InvalidInputError
        If the file cannot be opened, or is something else.

    Examples
    --------
    >>> from cgcopt.compare.results.solution_record import SolutionRecord
    >>> from cgcopt.objective import Sense
    >>> store = Store()
    >>> found = SolutionRecord("optimal", Form.RELAXED, value=2.5)
    >>> row = Row("paper", "expected-runtime", Sense.MINIMIZE, 1.0, "exact method", found)
    >>> store.put("some key", row)
    >>> store.get("some key").value, store.get("another key")
    (2.5, None)
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        try:
            self._connection = sqlite3.connect(":memory:" if path is None else path, timeout=60)
            weakref.finalize(self, self._connection.close)
            with self._connection:
                self._connection.execute(_SCHEMA)
        except sqlite3.Error as error:
            allowed = f"an SQLite file that can be written ({error})"
            raise InvalidInputError("store", str(path), allowed) from error

    def get(self, key: str) -> Row | None:
        """Return the row of a key, or ``None``."""
        with closing(
            self._connection.execute("select row from rows where key = ?", [key])
        ) as found:
            first = found.fetchone()
        return None if first is None else Row.from_json(first[0])

    def put(self, key: str, row: Row) -> None:
        """Write a row at once; an older one of the same key is replaced."""
        values = (key, row.problem, row.solver, row.form, row.computed, row.to_json())
        with self._connection:
            self._connection.execute(
                "insert or replace into rows values (?, ?, ?, ?, ?, ?)", values
            )

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


def row_key(problem: Problem, solver: str, form: Form, options: Options) -> str:
    """Digest of everything that a row depends on, 64 hexadecimal digits."""
    parts = {
        "problem": _problem_facts(problem),
        "solver": solver,
        "form": str(form),
        "options": {
            "gap": options.gap,
            "time_limit": options.time_limit,
            "threads": options.threads,
            "seed": options.seed,
            "scenarios": options.scenarios,
            "starts": options.starts,
            "raw": {name: repr(value) for name, value in sorted(options.raw.items())},
        },
        "code": code_version(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def code_version() -> str:
    """The version of this package with a digest of its sources, and of the numerical packages."""
    digest = hashlib.sha256()
    for name in ("cgcopt", "cgcopt.formulations", "cgcopt.solvers"):
        for folder in sorted(import_module(name).__path__):
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.read_bytes())
    versions = [f"{name} {_installed(name)}" for name in _NUMERICAL]
    return "; ".join([f"cgcopt {__version__} ({digest.hexdigest()[:16]})", *versions])


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _problem_facts(problem: Problem) -> dict[str, object]:
    system = problem.system
    times = system.worker_times
    facts: dict[str, object] = {
        "name": problem.name,
        "system": [system.workers, system.coordinates, system.samples, system.cycles],
        "worker_times": times.label,
        "objective": dict(problem.objective.to_dict()),
    }
    # Labels round; data and parameters decide.
    if isinstance(times, Scenarios):
        facts["data"] = hashlib.sha256(times.times.tobytes()).hexdigest()
    elif isinstance(times, Empirical):
        data = times.values.tobytes() + times.weights.tobytes()
        facts["data"] = hashlib.sha256(data).hexdigest()
    else:
        facts["data"] = repr(sorted(times.to_dict().items()))
    return facts
