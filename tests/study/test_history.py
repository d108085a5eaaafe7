"""Value and bound against time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.options import Options
from cgcopt.study.history import run_history
from cgcopt.study.show.plots import plot_history

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
SMALL = cg.Problem(cg.System(6, 1000, TIMES), cg.ExpectedRuntime(), title="small")


@pytest.mark.parametrize(
    "solver",
    [
        "optimal",
        "cutting-plane",
        "uncoded",
        pytest.param("projected-subgradient", marks=pytest.mark.slow),
    ],
)
def test_values_fall_and_bounds_rise_to_what_the_run_ends_with(solver: str) -> None:
    options = Options(time_limit=20.0)
    history = run_history(SMALL, solver, options=options)
    solution = cg.solve(SMALL, solver, options=options)
    assert history["seconds"].is_monotonic_increasing
    assert (np.diff(history["value"].dropna()) <= 0).all()
    assert (np.diff(history["bound"].dropna()) >= 0).all()
    last = history.iloc[-1]
    # On drawn rounds a design on the way may be better than the last one.
    assert last["value"] <= solution.value * (1 + 1e-9)
    if solver != "cutting-plane":
        assert last["value"] == pytest.approx(solution.value, rel=1e-9)
    assert last["bound"] <= cg.solve(SMALL).value
    if solver in ("optimal", "cutting-plane"):
        assert len(history) > 2
        assert history["bound"].notna().sum() > 1


def test_points_of_an_outside_solver_are_heard() -> None:
    problem = cg.Problem(cg.System(4, 50, TIMES), cg.CompletionProbability(20_000.0)).sampled(30)
    history = run_history(problem, "highs", options=Options(time_limit=20.0))
    assert (np.diff(history["value"].dropna()) >= 0).all()
    assert history["value"].notna().sum() >= 1
    assert (history["bound"].dropna() >= history["value"].max() - 1e-9).all()


def test_a_history_is_drawn(tmp_path: Path) -> None:
    histories = {name: run_history(SMALL, name) for name in ("optimal", "uncoded")}
    plot_history(histories, tmp_path / "history.png", "small $ case")
    assert (tmp_path / "history.png").read_bytes()[:4] == b"\x89PNG"
