"""Sample averages: "optimal" on rounds and "cutting-plane", against linear programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

import cgcopt as cg
from cgcopt.design import budget_weights
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate
from cgcopt.seeds import generator
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.runtime.scenario_cuts import Cuts, spanning_tree
from cgcopt.solvers.runtime.smoothed_maximum import _compiled, _dense, smoothed_maximum
from tests.turns import in_turns


def on_rounds(times: np.ndarray, coordinates: int = 1000) -> cg.Problem:
    workers = np.shape(times)[1]
    system = cg.System(workers, coordinates, cg.Scenarios(times), samples=workers)
    return cg.Problem(system, cg.ExpectedRuntime())


def by_linear_program(problem: cg.Problem) -> float:
    """Minimise ``(1/K) sum theta_k`` with one row for every round and level, in ``w``."""
    system = problem.system
    times = np.sort(system.worker_times.times, axis=1)[:, ::-1] * system.unit
    rounds, workers = times.shape
    scale = times.mean()
    cuts = np.zeros((rounds * workers, workers + rounds))
    row = np.arange(rounds * workers)
    cuts[row, np.tile(np.arange(workers), rounds)] = times.ravel() / scale
    cuts[row, workers + np.repeat(np.arange(rounds), workers)] = -1.0
    rising = np.hstack(
        (np.eye(workers)[:-1] - np.eye(workers)[1:], np.zeros((workers - 1, rounds)))
    )
    result = linprog(
        np.concatenate((np.zeros(workers), np.full(rounds, 1 / rounds))),
        A_ub=np.vstack((cuts, rising)),
        b_ub=np.zeros(rounds * workers + workers - 1),
        A_eq=np.concatenate((budget_weights(workers), np.zeros(rounds)))[None],
        b_eq=[1.0],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert result.status == 0
    return float(result.fun) * scale * system.coordinates


MODELS = {
    "shifted-exponential": cg.ShiftedExponential(rate=1e-3, shift=50.0),
    "mostly-shift": cg.ShiftedExponential(rate=1.0, shift=50.0),
    "weibull": cg.Weibull(shape=0.7, scale=1.0, shift=0.1),
    "gamma": cg.Gamma(shape=0.5, scale=1.0, shift=0.01),
    "pareto": cg.Pareto(shape=1.5, scale=1.0, shift=0.0),
    "few-values": cg.Empirical([1.0, 2.0, 3.0]),
}


@in_turns(
    every=3,
    solver=["cutting-plane", "optimal"],
    model=list(MODELS),
    size=[(1, 30), (2, 40), (8, 3), (8, 150), (12, 60)],
)
def test_agreement_with_a_linear_program(solver: str, model: str, size: tuple[int, int]) -> None:
    workers, rounds = size
    rng = generator(7, "against a linear program", model, workers, rounds)
    problem = on_rounds(MODELS[model].sample(rounds, workers, rng))
    solution = cg.solve(problem, solver, gap=1e-9)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.termination is TerminationCondition.CONVERGED
    assert solution.gap <= 1e-9
    assert solution.value == pytest.approx(by_linear_program(problem), rel=1e-9)


def test_the_larger_sizes_end_exactly() -> None:
    times = cg.ShiftedExponential(rate=1e-3, shift=50.0)
    for workers, rounds in ((20, 5000), (60, 8000)):  # the second takes the compiled pass
        rng = generator(2, "larger", workers)
        solution = cg.solve(on_rounds(times.sample(rounds, workers, rng)), "optimal", gap=1e-11)
        assert solution.gap <= 1e-11
        assert solution.certificate is Certificate.CUTTING_PLANES


def test_correlated_and_unequal_workers() -> None:
    rng = generator(3, "correlated")
    times = rng.exponential(size=(80, 1)) * (1 + rng.exponential(size=(80, 6)))
    times[:, 0] *= 5
    problem = on_rounds(times)
    solution = cg.solve(problem, "optimal", gap=1e-9)
    assert solution.value == pytest.approx(by_linear_program(problem), rel=1e-9)


def test_equal_times_need_no_coding() -> None:
    solution = cg.solve(on_rounds(np.full((5, 4), 2.0)), "optimal", gap=1e-9)
    assert solution.partition == pytest.approx([1000, 0, 0, 0], abs=1e-6)
    assert solution.value == pytest.approx(2000)


@given(seed=st.integers(0, 10**6), workers=st.integers(1, 6), rounds=st.integers(1, 25))
def test_no_design_beats_the_bound(seed: int, workers: int, rounds: int) -> None:
    rng = np.random.default_rng(seed)
    problem = on_rounds(rng.lognormal(size=(rounds, workers)))
    solution = cg.solve(problem, "cutting-plane", gap=1e-9)
    assert solution.gap <= 1e-9
    for shares in rng.dirichlet(np.ones(workers), size=10):
        assert evaluate(problem, shares * 1000).value >= solution.bound


def test_a_model_is_sampled_for_the_cutting_planes() -> None:
    system = cg.System(10, 1000, MODELS["weibull"], samples=10)
    problem = cg.Problem(system, cg.ExpectedRuntime())
    solution = cg.solve(problem, "cutting-plane", scenarios=400, seed=5)
    assert solution.sample is not None
    assert solution.sample.gap <= 1e-9
    assert solution.sample.value == pytest.approx(
        cg.solve(problem.sampled(400, seed=5), "optimal").value, rel=1e-6
    )
    exact = cg.solve(problem, "optimal")
    assert exact.value <= solution.value * (1 + 1e-12)


def test_time_limit() -> None:
    times = cg.Exponential(rate=1.0).sample(20_000, 40, generator(1, "time limit"))
    solution = cg.solve(on_rounds(times), "cutting-plane", time_limit=0.02, gap=1e-9)
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert solution.seconds.solve < 5


# The parts


@pytest.mark.parametrize("power", [8.0, 90.0, 2000.0])
def test_dense_and_compiled_passes_agree(power: float) -> None:
    rng = np.random.default_rng(4)
    times = np.sort(rng.exponential(size=(300, 9)), axis=1)
    for factors in (np.sort(rng.random(9))[::-1].copy(), np.append(np.ones(8), 0.0)):
        dense, compiled = (
            f(times, factors, power, *rest) for f, rest in ((_dense, ()), (_compiled, (1,)))
        )
        assert dense[0][:2] == pytest.approx(compiled[0][:2], rel=1e-12)
        for one, other in zip(dense[1:], compiled[1:], strict=True):
            assert np.abs(one - other).max() <= 1e-11 * np.abs(one).max()


def test_smoothing_has_the_right_derivatives() -> None:
    rng = np.random.default_rng(6)
    times = np.sort(rng.exponential(size=(50, 5)), axis=1)
    factors, step = rng.uniform(0.5, 1.5, size=5), 1e-5 * rng.normal(size=5)
    here = smoothed_maximum(times, factors, 30.0)
    there, back = (smoothed_maximum(times, factors + s * step, 30.0) for s in (1, -1))
    assert there.smoothed - back.smoothed == pytest.approx(2 * here.gradient @ step, rel=1e-6)
    assert there.gradient - back.gradient == pytest.approx(
        2 * here.curvature @ step, rel=1e-5, abs=1e-12
    )
    assert here.gradient @ factors == pytest.approx(here.smoothed, rel=1e-13)
    assert np.abs(here.curvature @ factors).max() <= 1e-12 * np.abs(here.curvature).max()


@given(seed=st.integers(0, 10**6), power=st.floats(3, 1e4))
def test_the_mixture_bounds_every_design(seed: int, power: float) -> None:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.lognormal(size=(7, 4)), axis=1)
    mixture = smoothed_maximum(times, np.sort(rng.random(4)), power).mixture
    for factors in rng.random((20, 4)):
        average = (times[:, ::-1] * factors).max(axis=1).mean()
        assert mixture @ factors <= average * (1 + 1e-12)


def test_cuts_find_what_is_missing() -> None:
    times = np.array([[1.0, 3.0], [2.0, 4.0], [1.0, 1.5]])
    cuts = Cuts(times)
    work = np.array([1.0, 2.0])
    cuts.add_near(work, np.zeros(2))
    assert cuts.kept.sum() == 3 + 1  # in the second round both levels take 4
    value, missing = cuts.add_missing(np.array([1.0, 10.0]), np.zeros(2))
    assert missing == 1
    assert value == pytest.approx((10 + 20 + 10) / 3)


def test_spanning_tree_takes_the_first_edges_without_a_cycle() -> None:
    first, second = np.array([0, 1, 0, 2]), np.array([1, 2, 2, 3])
    assert spanning_tree(first, second, 4).tolist() == [0, 1, 3]
