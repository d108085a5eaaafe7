"""Solvers over a set of instances: performance profiles and shifted geometric means.

All functions take the frame of a comparison (:meth:`cgcopt.compare.results.comparison.Comparison.frame`)
or any other with the columns that they name.

References
----------
E. D. Dolan and J. J. More, "Benchmarking optimization software with performance profiles",
Mathematical Programming 91 (2002), 201-213.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cgcopt._validate import did_you_mean, finite_number, real_array
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "HOW_TO_READ_MEANS",
    "HOW_TO_READ_PROFILE",
    "HOW_TO_READ_SUMMARY",
    "Counting",
    "label_of",
    "performance_profile",
    "shifted_geometric_mean",
    "summary_of",
]

HOW_TO_READ_PROFILE = (
    "How to read a performance profile: a curve at height y over ratio r says that this solver was "
    "within r times the best solver on a share y of the instances. Its height at ratio 1 is how often "
    "it was the best, its height at the right end how many instances it solved at all. Curves tell "
    "how a solver does against this set of solvers, and the order of two of them may change when a "
    "third one leaves (Dolan and More, 2002)."
)
HOW_TO_READ_MEANS = (
    "`seconds` is a shifted geometric mean, `exp(mean(log(t + 1))) - 1` with a shift of one second: "
    "unlike the arithmetic mean it is not ruled by the slowest instance, and unlike the plain "
    "geometric mean not by runs of milliseconds; a run without a design counts with its time limit."
)
HOW_TO_READ_SUMMARY = (
    "`proven` counts the runs whose gap is at most 0.1 %, `best` those whose value no other solver "
    "beats by more than a millionth; `times best` is the geometric mean of how many times worse than "
    "the best value its values are, 1 at best."
)


@dataclass(frozen=True)
class Counting:
    """What counts.

    Attributes
    ----------
    gap : float
        Largest gap of a run that counts as proven, and as solved in a profile of seconds.
    tie : float
        Relative difference below which two values are the same.
    shift : float
        Seconds added before a geometric mean.
    least : float
        Seconds below which times are the same: differences of milliseconds are noise.
    """

    gap: float = 1e-3
    tie: float = 1e-6
    shift: float = 1.0
    least: float = 1e-2


COUNTING = Counting()


def shifted_geometric_mean(values: Iterable[float], shift: float = COUNTING.shift) -> float:
    """Return ``exp(mean(log(v + shift))) - shift``.

    Parameters
    ----------
    values : iterable of float
        Numbers of at least 0; an infinite one makes the mean infinite.
    shift : float
        In the unit of the values.

    Returns
    -------
    float
        NaN without values.

    Raises
    ------
    InvalidInputError
        If a value is negative or no number, or the shift is negative.

    Examples
    --------
    >>> round(shifted_geometric_mean([0.0, 3.0]), 12), shifted_geometric_mean([2.0, 8.0], shift=0.0)
    (1.0, 4.0)
    """
    shift = finite_number("shift", shift, least=0)
    array = real_array("values", list(values), "numbers of at least 0")
    if array.size == 0:
        return math.nan
    if np.isnan(array).any() or (array < 0).any():
        raise InvalidInputError("values", array.tolist(), "numbers of at least 0")
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(array + shift).mean()) - shift)


def label_of(solver: str, form: str) -> str:
    """Return a solver's name with the form where that is not the relaxed one.

    Examples
    --------
    >>> label_of("highs", "block"), label_of("optimal", "relaxed")
    ('highs:block', 'optimal')
    """
    return solver if form == "relaxed" else f"{solver}:{form}"


def performance_profile(
    frame: pd.DataFrame, measure: str = "seconds", *, counting: Counting = COUNTING
) -> pd.DataFrame:
    """Return for every solver the share of the instances on which it is within a ratio of the best.

    With ``t_ps`` what solver ``s`` needs on instance ``p`` and ``r_ps = t_ps / min_s t_ps``, infinite
    where ``s`` does not solve ``p``, the profile is ``rho_s(r) = |{p : r_ps <= r}| / |P|``.

    Parameters
    ----------
    frame : DataFrame
        Of a comparison: columns ``problem``, ``seed``, ``objective``, ``solver``, ``form``,
        ``value``, ``gap``, ``build_seconds`` and ``solve_seconds``.
    measure : str
        ``"seconds"``: wall time of the runs that end with a gap of at most ``counting.gap``, whoever
        proved the bound; ``"value"``: worth of the design, against the best of the instance.
    counting : Counting
        Tolerances.

    Returns
    -------
    DataFrame
        A line for each ratio at which a curve rises, in rising order: ``ratio``, and a column of
        shares in [0, 1] for each solver. The first ratio is 1.

    Raises
    ------
    InvalidInputError
        If the measure or the frame is not one of these.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = pd.DataFrame({
    ...     "problem": ["a", "a", "b", "b"], "seed": 0, "objective": "expected-runtime",
    ...     "solver": ["quick", "slow"] * 2, "form": "relaxed", "value": 1.0,
    ...     "gap": [0.0, 0.0, 0.5, 0.0], "build_seconds": 0.0,
    ...     "solve_seconds": [1.0, 3.0, 1.0, 2.0],
    ... })
    >>> performance_profile(runs)
       ratio  quick  slow
    0    1.0    0.5   0.5
    1    3.0    0.5   1.0
    """
    import pandas as pd

    needed = _needed(frame, measure, counting)
    table = pd.DataFrame(
        {
            "instance": [
                f"{p}\x1f{s}" for p, s in zip(frame["problem"], frame["seed"], strict=True)
            ],
            "solver": _labels(frame),
            "needed": needed,
        }
    )
    by_instance = table.pivot_table("needed", "instance", "solver", aggfunc="min", sort=False)
    solvers = list(dict.fromkeys(table["solver"]))
    costs = by_instance.reindex(columns=solvers).fillna(math.inf).to_numpy(dtype=np.float64)
    best = costs.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        found = np.where(np.isfinite(costs), costs / best, math.inf)
    ratios = np.unique(np.append(found[np.isfinite(found)], 1.0))
    shares = {
        name: (found[:, place][:, np.newaxis] <= ratios).mean(axis=0)
        for place, name in enumerate(solvers)
    }
    return pd.DataFrame({"ratio": ratios, **shares})


def summary_of(
    frame: pd.DataFrame, *, time_limit: float | None = None, counting: Counting = COUNTING
) -> pd.DataFrame:
    """Return one line for each solver over all problems and seeds of a comparison.

    Parameters
    ----------
    frame : DataFrame
        Of a comparison.
    time_limit : float, optional
        Seconds that a run without a design counts with; its own seconds where not given.
    counting : Counting
        Tolerances.

    Returns
    -------
    DataFrame
        ``solver``, ``form``, ``runs``, ``designs`` (runs that end with a design), ``proven``,
        ``best``, ``mean_ratio`` (geometric mean of how many times worse than the best),
        ``mean_gap`` (of the finite ones) and ``mean_seconds`` (shifted geometric mean); most proven
        first.
    """
    import pandas as pd

    lines = []
    if frame.empty:
        return pd.DataFrame(columns=_SUMMARY)
    ratio = _ratios(frame, counting)
    seconds = _seconds(frame)
    if time_limit is not None:
        seconds = np.where(np.isnan(frame["value"]), np.maximum(time_limit, seconds), seconds)
    numbered = frame.assign(_ratio=ratio, _seconds=seconds)
    for (solver, form), part in numbered.groupby(["solver", "form"], sort=False):
        valued = part[part["value"].notna()]
        # A probability of 0 beside a better one has no geometric mean worth showing.
        finite = valued["_ratio"][np.isfinite(valued["_ratio"]) & (valued["_ratio"] > 0.0)]
        gaps = part["gap"][np.isfinite(part["gap"])]
        lines.append(
            (
                solver,
                form,
                len(part),
                len(valued),
                int((part["gap"] <= counting.gap).sum()),
                int((valued["_ratio"] <= 1.0 + counting.tie).sum()),
                float(np.exp(np.log(finite).mean())) if len(finite) else math.nan,
                float(gaps.mean()) if len(gaps) else math.nan,
                shifted_geometric_mean(part["_seconds"], counting.shift),
            )
        )
    lines.sort(key=lambda line: (-line[4], -line[5], math.isnan(line[6]), line[6], line[8]))
    return pd.DataFrame(lines, columns=_SUMMARY)


_SUMMARY = [
    "solver",
    "form",
    "runs",
    "designs",
    "proven",
    "best",
    "mean_ratio",
    "mean_gap",
    "mean_seconds",
]


def _labels(frame: pd.DataFrame) -> list[str]:
    return [label_of(s, f) for s, f in zip(frame["solver"], frame["form"], strict=True)]


def _seconds(frame: pd.DataFrame) -> FloatArray:
    return np.asarray(frame["build_seconds"] + frame["solve_seconds"], dtype=np.float64)


def _needed(frame: pd.DataFrame, measure: str, counting: Counting) -> FloatArray:
    """What each row needed, infinite where it did not solve its instance."""
    if measure == "value":
        return _ratios(frame, counting)
    if measure != "seconds":
        raise InvalidInputError("measure", measure, did_you_mean(measure, ["seconds", "value"]))
    solved = np.asarray(frame["gap"] <= counting.gap)
    return np.where(solved, np.maximum(_seconds(frame), counting.least), math.inf)


def _ratios(frame: pd.DataFrame, counting: Counting) -> FloatArray:
    """How many times worse than the best of its instance each row is; infinite without a value."""
    value = frame["value"].astype(float)
    rising = np.asarray(frame["objective"] == "completion-probability")
    best = np.where(
        rising,
        value.groupby(frame["problem"]).transform("max"),
        value.groupby(frame["problem"]).transform("min"),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(rising, best / value, value / best)
    ratio = np.where(value == best, 1.0, ratio)  # a probability of 0 may be the best there is
    ratio = np.where(np.isnan(ratio), math.inf, ratio)
    return np.where(ratio <= 1.0 + counting.tie, 1.0, ratio)
