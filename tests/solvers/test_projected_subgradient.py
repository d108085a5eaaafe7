"""The paper's subgradient method for the expected runtime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.solvers.projected_subgradient import project_onto_simplex
from tests.turns import in_turns


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.floats(1e-3, 1e6))
def test_projection_is_optimal(point: list[float], total: float) -> None:
    y = np.array(point)
    x = project_onto_simplex(y, total)
    assert x.sum() == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert x.min() >= 0
    # Variational inequality: (y - x) . (z - x) <= 0 at every vertex z of the simplex.
    residual = y - x
    scale = 1e-9 * (1 + np.abs(y).max() + total) * (1 + total)
    assert total * residual.max() - residual @ x <= scale


def test_projection_against_a_conic_solver() -> None:
    import cvxpy as cp

    y = np.random.default_rng(0).normal(size=12) * 3
    x = cp.Variable(12, nonneg=True)
    cp.Problem(cp.Minimize(cp.sum_squares(x - y)), [cp.sum(x) == 5]).solve(solver="CLARABEL")
    np.testing.assert_allclose(project_onto_simplex(y, 5.0), x.value, atol=1e-6)


@in_turns(
    every=2,
    coordinates=[100, 10**12],
    times={
        "shifted": cg.ShiftedExponential(rate=1e-3, shift=50),
        "lognormal": cg.LogNormal(sigma=1, scale=1),
        "empirical": cg.Empirical(np.random.default_rng(1).gamma(2.0, 1.0, size=30)),
    },
)
def test_converges_at_every_size(times: cg.LogNormal, coordinates: int) -> None:
    system = cg.System(6, coordinates, times, samples=50)
    problem = cg.Problem(system, cg.ExpectedRuntime())
    solution = cg.solve(problem, "projected-subgradient")
    best = cg.solve(problem)
    assert best.bound <= solution.value <= best.value * 1.002


def test_published_settings_stop_short_at_large_size() -> None:
    times = cg.ShiftedExponential(rate=1e-3, shift=50)
    raw = {"settings": "published", "iterations": 60, "batch": 2000}
    ratios = []
    for coordinates in (20_000, 10**9):
        system = cg.System(10, coordinates, times, samples=50)
        problem = cg.Problem(system, cg.ExpectedRuntime())
        value = cg.solve(problem, "projected-subgradient", raw=raw).value
        ratios.append(value / cg.solve(problem, "closed-form-time").value)
    # At L = 1e9 steps of 1/i coordinates do not leave the start; at the published L they do.
    assert ratios[0] < 0.95
    assert ratios[1] == pytest.approx(1, abs=1e-3)


def test_same_seed_same_design() -> None:
    system = cg.System(6, 100, cg.Exponential(rate=1.0))
    problem = cg.Problem(system, cg.ExpectedRuntime())
    raw = {"iterations": 20}
    one, two, other = (
        cg.solve(problem, "projected-subgradient", seed=seed, raw=raw) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.partition, two.partition)
    assert not np.array_equal(one.partition, other.partition)


def test_unknown_settings() -> None:
    system = cg.System(6, 100, cg.Exponential(rate=1.0))
    with pytest.raises(cg.InvalidInputError, match=r"options\.raw\['settings'\]"):
        cg.solve(
            cg.Problem(system, cg.ExpectedRuntime()),
            "projected-subgradient",
            raw={"settings": "quick"},
        )
