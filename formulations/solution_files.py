"""Values of named variables, out of the solution files that solvers write.

Read are the files of HiGHS (raw and as tables), SCIP, Gurobi, CBC and CPLEX (XML), AMPL's ``.sol``
beside its ``.col``, and any text of lines ``name value``. A variable that a file leaves out is 0, as
solvers mean it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError

__all__ = ["SolutionFile", "named_point", "read_solution_file"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
#: A line with a variable: CBC puts an index before the name, and ``**`` where it is infeasible.
_LINE = re.compile(
    rf"^(?:\*\*)?\s*(?:\d+\s+)?([A-Za-z]\w*(?:[\[(][\d,\s]*[\])])?)\s*[\s,;=]\s*({_NUMBER})(?:\s|$)"
)
_OBJECTIVE = re.compile(rf"objective\s*(?:value)?\s*[:=]?\s*({_NUMBER})", re.IGNORECASE)
_COLUMNS = re.compile(r"^# Columns\b.*?$(.*?)^# Rows\b", re.MULTILINE | re.DOTALL)
_NUMBER_OR_INF = rf"{_NUMBER}|[-+]?inf"
_TABLE = re.compile(r"^Columns\s*$\s*Index\b.*\bName\s*$(.*?)^Rows\b", re.MULTILINE | re.DOTALL)
_NO_POINT = re.compile(r"\binfeasible\b|\bunbounded\b|no feasible solution", re.IGNORECASE)


@dataclass(frozen=True)
class SolutionFile:
    """What a file says.

    Attributes
    ----------
    values : mapping
        By name of the variable, as the file spells it.
    objective : float
        The objective that the file claims, in units of the model; NaN where it says none.
    """

    values: Mapping[str, float]
    objective: float = math.nan


def read_solution_file(path: str | Path) -> SolutionFile:
    """Read the values of named variables from the solution file of a solver.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, says that there is no solution, or names no variable.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        reason = (error.strerror or "not readable").lower()
        raise InvalidInputError("solution", str(path), f"a readable file ({reason})") from None
    if text.lstrip().startswith("<"):
        found = _xml(path, text)
    elif _TABLE.search(text):
        found = _table(text)
    elif re.search(r"^objno\b", text, re.MULTILINE):
        found = _ampl(path, text)
    else:
        found = _lines(text)
    if not found.values:
        missing = _NO_POINT.search(text)
        allowed = "a solution file with lines of a variable and its value"
        if missing:
            allowed += f" (it says: {missing[0].lower()})"
        raise InvalidInputError("solution", str(path), allowed)
    return found


def named_point(
    values: Mapping[str, float], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, FloatArray]:
    """Return the arrays that values of ``x_3``, ``x[3]`` or ``x(3)`` fill, those that are named at all.

    Raises
    ------
    InvalidInputError
        If none of the variables is there, or an index lies outside its array.

    Examples
    --------
    >>> named_point({"x_1": 2.0, "t": 5.0}, {"x": (3,), "t": (), "y": (9,)})
    {'x': array([0., 2., 0.]), 't': array(5.)}
    """
    point = {name: np.zeros(shape) for name, shape in shapes.items()}
    named = set()
    for spelled, value in values.items():
        name, index = _split(spelled, point)
        if name is None:
            continue
        try:
            point[name][index] = value
        except IndexError:
            shape = shapes[name]
            raise InvalidInputError(
                "solution", spelled, f"an entry of {name}{list(shape)}"
            ) from None
        named.add(name)
    if not named:
        names = ", ".join(shapes)
        raise InvalidInputError("solution", next(iter(values)), f"a variable of the model: {names}")
    return {name: array for name, array in point.items() if name in named}


def _split(spelled: str, point: Mapping[str, FloatArray]) -> tuple[str | None, tuple[int, ...]]:
    """The variable and the index that a file means; names may end in numbers themselves."""
    words = [word for word in re.split(r"[\[\](),_\s]+", spelled) if word]
    for length in range(len(words), 0, -1):
        name, rest = "_".join(words[:length]), words[length:]
        if name in point and len(rest) == point[name].ndim and all(map(str.isdigit, rest)):
            return name, tuple(map(int, rest))
    return None, ()


def _lines(text: str) -> SolutionFile:
    section = _COLUMNS.search(text)
    objective = _OBJECTIVE.search(text)
    matches = (_LINE.match(line) for line in (section[1] if section else text).splitlines())
    values = {match[1]: float(match[2]) for match in matches if match}
    return SolutionFile(
        {name: value for name, value in values.items() if name.lower() != "objective"},
        float(objective[1]) if objective else math.nan,
    )


def _table(text: str) -> SolutionFile:
    """HiGHS's table of columns: index, perhaps a status, bounds, value, perhaps a dual, type, name."""
    section, objective = _TABLE.search(text), _OBJECTIVE.search(text)
    values = {}
    for line in (section[1] if section else "").splitlines():
        words = line.split()
        numbers = [float(word) for word in words[:-1] if re.fullmatch(_NUMBER_OR_INF, word)]
        if len(numbers) >= 4:
            values[words[-1]] = numbers[3]
    return SolutionFile(values, float(objective[1]) if objective else math.nan)


def _xml(path: Path, text: str) -> SolutionFile:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InvalidInputError("solution", str(path), f"XML ({error})") from None
    header = root.find(".//header")
    claimed = "nan" if header is None else header.get("objectiveValue", "nan")
    values = {
        entry.get("name", ""): float(entry.get("value", "nan")) for entry in root.iter("variable")
    }
    return SolutionFile(values, float(claimed))


def _ampl(path: Path, text: str) -> SolutionFile:
    """AMPL's file counts variables and does not name them; the ``.col`` of the model does."""
    names_file = path.with_suffix(".col")
    try:
        names = names_file.read_text(encoding="utf-8").split()
    except OSError:
        raise InvalidInputError(
            "solution", str(path), f"beside {names_file.name}, which was written with the .nl file"
        ) from None
    numbers = _numbers(text.partition("Options")[2].partition("objno")[0].split())
    options = int(numbers[0]) if numbers else 0
    counts = [int(number) for number in numbers[options + 1 : options + 5]]
    _, duals, _, variables = [*counts, 0, 0, 0, 0][:4]
    first = options + 5 + duals
    values = numbers[first : first + variables]
    if len(values) < variables or variables > len(names):
        raise InvalidInputError("solution", str(path), f"{len(names)} values, one a variable")
    return SolutionFile(dict(zip(names, values, strict=False)))


def _numbers(words: Iterable[str]) -> list[float]:
    return [float(word) for word in words if re.fullmatch(_NUMBER, word)]
