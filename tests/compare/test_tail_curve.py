"""Quantile and conditional value at risk in one curve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.study import tail_curve as tail_module
from cgcopt.study.show.tail_curve import tail_table, write_tail_curve
from cgcopt.study.tail_curve import tail_curve

PROBLEM = cg.Problem(
    cg.System(3, 100, cg.ShiftedExponential(rate=1.0, shift=0.5)), cg.ExpectedRuntime()
)


@pytest.mark.usefixtures("no_rendering")
def test_each_design_is_best_by_its_own_objective(tmp_path: Path) -> None:
    curve = tail_curve(PROBLEM, [0.3, 0.9])
    for point in curve.points:
        assert point.quantile.value <= point.quantile_of_tail_mean * (1 + 1e-9)
        assert point.tail_mean.value <= point.tail_mean_of_quantile * (1 + 1e-9)
        assert point.quantile.value < point.tail_mean.value
    frame = curve.frame()
    assert frame["quantile"].is_monotonic_increasing
    assert frame["conditional_value_at_risk"].is_monotonic_increasing
    assert tail_table(curve)["q"].tolist() == ["0.3", "0.9"]
    files = write_tail_curve(curve, tmp_path)
    assert [file.name for file in files] == ["tail.csv", "tail.png"]


def test_the_curve_does_not_fall_where_a_method_stops_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solved = tail_module.solve

    def stopped(problem: cg.Problem, *, options: cg.Options | None = None) -> cg.Solution:
        return solved(problem, "uncoded" if problem.objective == cg.Quantile(0.5) else None)

    monkeypatch.setattr(tail_module, "solve", stopped)
    low, middle, high = (point.quantile for point in tail_curve(PROBLEM, [0.3, 0.5, 0.9]).points)
    assert low.value < middle.value < high.value
    assert low.bound <= middle.bound <= min(middle.value, high.bound)
    assert middle.message == "design of another probability"


def test_what_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="probabilities"):
        tail_curve(PROBLEM, [0.9, 0.5])
    costly = replace(PROBLEM.system, costs=cg.Costs(startup=0.1))
    with pytest.raises(UnsupportedProblemError, match="costs"):
        tail_curve(cg.Problem(costly, PROBLEM.objective), [0.5])


def test_designs_keep_the_limits() -> None:
    limited = cg.Problem(PROBLEM.system, PROBLEM.objective, limits=cg.Limits(copies=2))
    (within,) = tail_curve(limited, [0.9]).frame().to_dict("records")
    (free,) = tail_curve(PROBLEM, [0.9]).frame().to_dict("records")
    for number in ("quantile", "conditional_value_at_risk"):
        assert within[f"{number}_bound"] <= within[number]
        assert within[number] > 1.01 * free[number]
