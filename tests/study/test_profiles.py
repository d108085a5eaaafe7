"""Performance profiles and shifted geometric means against counting by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cgcopt as cg
from cgcopt.study.profiles import performance_profile, shifted_geometric_mean, summary_of
from cgcopt.study.show.plots import plot_profile


def runs(seconds: dict[str, list[float]], gap: float = 0.0) -> pd.DataFrame:
    """Runs of solvers on instances; an infinite time stands for an instance that is not solved."""
    lines = [
        {
            "problem": f"p{place}",
            "seed": 0,
            "objective": "expected-runtime",
            "solver": solver,
            "form": "relaxed",
            "value": 1.0 if math.isfinite(spent) else math.nan,
            "gap": gap if math.isfinite(spent) else math.nan,
            "build_seconds": 0.0,
            "solve_seconds": spent if math.isfinite(spent) else 9.0,
        }
        for solver, times in seconds.items()
        for place, spent in enumerate(times)
    ]
    return pd.DataFrame(lines)


def test_a_profile_is_the_share_within_a_ratio() -> None:
    rng = np.random.default_rng(0)
    times = {name: (10 ** rng.uniform(0, 2, 20)).tolist() for name in "abc"}
    times["a"][3] = times["b"][4] = math.inf
    for name in "abc":
        times[name][7] = math.inf  # an instance that nobody solves counts too
    profile = performance_profile(runs(times))
    table = np.array([times[name] for name in "abc"])
    for ratio in (1.0, 1.5, 4.0, 30.0):
        line = profile[profile["ratio"] <= ratio].iloc[-1]
        for place, name in enumerate("abc"):
            within = [
                math.isfinite(t) and t <= ratio * best * (1 + 1e-12)
                for t, best in zip(table[place], table.min(axis=0), strict=True)
            ]
            assert line[name] == pytest.approx(sum(within) / 20)
    assert profile["c"].iloc[-1] == 19 / 20
    assert (profile.diff().dropna() >= 0).all().all()


def test_values_are_compared_in_the_sense_of_the_objective() -> None:
    frame = runs({"a": [1.0], "b": [1.0]}).assign(
        objective="completion-probability", value=[0.25, 0.5]
    )
    assert performance_profile(frame, "value").to_numpy().tolist() == [[1, 0, 1], [2, 1, 1]]
    frame = frame.assign(objective="quantile")
    assert performance_profile(frame, "value").to_numpy().tolist() == [[1, 1, 0], [2, 1, 1]]
    with pytest.raises(cg.InvalidInputError, match="measure"):
        performance_profile(frame, "time")


def test_runs_that_do_not_close_their_gap_do_not_count_as_solved() -> None:
    frame = runs({"a": [1.0], "b": [2.0]}, gap=0.5)
    assert performance_profile(frame)[["a", "b"]].to_numpy().tolist() == [[0.0, 0.0]]


def test_means() -> None:
    values = [0.1, 2.0, 30.0]
    expected = math.prod(v + 1 for v in values) ** (1 / 3) - 1
    assert shifted_geometric_mean(values) == pytest.approx(expected)
    assert math.isnan(shifted_geometric_mean([]))
    assert shifted_geometric_mean([1.0, math.inf]) == math.inf
    for bad in ([-1.0], [math.nan]):
        with pytest.raises(cg.InvalidInputError):
            shifted_geometric_mean(bad)


def test_summary_counts() -> None:
    frame = runs({"a": [1.0, 3.0], "b": [2.0, math.inf]})
    summary = summary_of(frame, time_limit=20.0).set_index("solver")
    assert summary.loc["a", ["runs", "designs", "proven", "best"]].tolist() == [2, 2, 2, 2]
    assert summary.loc["b", ["runs", "designs", "proven", "best"]].tolist() == [2, 1, 1, 1]
    assert summary.loc["b", "mean_seconds"] == pytest.approx(math.sqrt(3 * 21) - 1)
    assert summary_of(frame.iloc[:0]).empty


def test_profiles_are_drawn(tmp_path: Path) -> None:
    plot_profile(runs({"a": [1.0, 50.0], "b": [2.0, math.inf]}), tmp_path / "profile.png")
    assert (tmp_path / "profile.png").read_bytes()[:4] == b"\x89PNG"
