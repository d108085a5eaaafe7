"""The optimum of the conditional value at risk, and its linear programs by outside solvers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.problem import Form
from cgcopt.workers.base import WorkerTimes
from tests.turns import in_turns

EXACT = [
    cg.ShiftedExponential(rate=1e-3, shift=50.0),
    cg.Weibull(shape=0.7, scale=2.0),
    cg.Empirical([1.0, 2.0, 5.0, 11.0], [4, 2, 1, 1]),
]


def problem_of(times: WorkerTimes, q: float, workers: int = 4, length: int = 12) -> cg.Problem:
    return cg.Problem(cg.System(workers, length, times), cg.ConditionalValueAtRisk(q))


def rounds_of(seed: int, rounds: int, workers: int) -> cg.Scenarios:
    return cg.Scenarios(0.2 + np.random.default_rng(seed).exponential(size=(rounds, workers)))


@in_turns(every=3, times={times.label: times for times in EXACT}, q=[0.9, 0.1, 0.99])
def test_gap_is_proven(times: WorkerTimes, q: float) -> None:
    problem = problem_of(times, q)
    best = cg.solve(problem)
    assert best.gap <= 1e-6
    assert str(best.status) == "optimal"
    mean = cg.solve(cg.Problem(problem.system, cg.ExpectedRuntime()))
    assert best.value <= cg.evaluate(problem, mean.design).value * (1 + 1e-9)
    assert best.value >= mean.value
    assert best.value >= cg.solve(cg.Problem(problem.system, cg.Quantile(q))).value * (1 - 1e-6)


def test_small_probabilities_ask_for_the_expected_runtime() -> None:
    problem = problem_of(EXACT[0], 1e-8)
    mean = cg.solve(cg.Problem(problem.system, cg.ExpectedRuntime()))
    assert cg.solve(problem).value == pytest.approx(mean.value, rel=2e-6)


@pytest.mark.parametrize("seed", range(4))
def test_rounds_agree_with_the_whole_linear_program(seed: int) -> None:
    q = [0.3, 0.8, 0.9, 0.97][seed]
    problem = problem_of(rounds_of(seed, 60, 5), q, workers=5, length=100)
    best = cg.solve(problem)
    assert best.gap <= 1e-9
    outside = cg.solve(problem, "scipy-linprog")
    assert outside.value == pytest.approx(best.value, rel=1e-8)
    assert outside.bound == pytest.approx(best.value, rel=1e-8)


def test_a_probability_of_the_last_round_is_the_worst_case() -> None:
    times = rounds_of(7, 30, 4)
    problem = problem_of(times, 1 - 1e-6, length=100)
    v = np.array([1 / 2, 1 / 6, 1 / 12, 1 / 4])  # the budget in the work of the levels
    slowest = np.sort(times.times, axis=1)[:, ::-1].max(axis=0)
    known = problem.system.unit * 100 / float(v @ (1 / slowest))
    assert cg.solve(problem).value == pytest.approx(known, rel=1e-8)


@pytest.mark.parametrize("form", list(Form))
def test_outside_solvers_agree_in_every_form(form: Form) -> None:
    problem = problem_of(rounds_of(1, 12, 3), 0.7, workers=3, length=8)
    found = {
        name: cg.solve(problem, name, form=form)
        for name in ("highs", "scipy-milp", "cvxpy-highs", "pyomo-highs", "pyomo-scip")
        if any(cls.name == name and cls.available() for cls in _solvers())
    }
    values = {name: solution.value for name, solution in found.items()}
    assert len(values) >= 4
    least = min(values.values())
    assert values == pytest.approx(dict.fromkeys(values, least), rel=1e-6)
    assert all(solution.bound <= least * (1 + 1e-9) for solution in found.values())
    if form is Form.RELAXED:
        assert cg.solve(problem).value == pytest.approx(least, rel=1e-7)


def _solvers() -> tuple[type, ...]:
    from cgcopt.solvers.registry import all_solvers

    return all_solvers()


@pytest.mark.parametrize("form", list(Form))
def test_models_hold_the_point_of_a_design(form: Form) -> None:
    problem = problem_of(rounds_of(2, 10, 3), 0.75, workers=3, length=6)
    formulation = cg.formulate(problem, form)
    design = cg.Design([1, 3, 2])
    point = formulation.point(design)
    worth = cg.evaluate(problem, design).value
    program = formulation.to_scipy()
    vector = formulation.flatten(point)
    assert formulation.value(float(program.c @ vector)) == pytest.approx(worth, rel=1e-12)
    for row in program.constraints.values():
        reached = row.A @ vector
        assert (reached >= row.lb - 1e-6).all()
        assert (reached <= row.ub + 1e-6).all()
    assert formulation.design(point).partition.tolist() == [1, 3, 2]
    assert "s_k >= theta_k - t" in str(formulation)


def test_what_is_not_formulated_or_designed_is_refused() -> None:
    problem = problem_of(EXACT[0], 0.9)
    with pytest.raises(UnsupportedProblemError, match=r"on scenarios \(problem.sampled"):
        cg.formulate(problem)
    limited = cg.Problem(problem.system, problem.objective, limits=cg.Limits(copies=2))
    costly = replace(problem.system, costs=cg.Costs(startup=1.0))
    with pytest.raises(UnsupportedProblemError, match="costs"):
        cg.solve(replace(problem, system=costly))
    with pytest.raises(
        UnsupportedProblemError, match="limits and costs are formulated on scenarios"
    ):
        cg.formulate(limited.sampled(10), "coordinate")


def test_the_block_form_is_rounded_and_bounded() -> None:
    problem = problem_of(EXACT[0], 0.9, length=500)
    whole = cg.solve(problem, form="block")
    assert whole.partition is not None
    assert float(whole.partition.sum()) == 500
    assert cg.solve(problem).value * (1 - 1e-6) <= whole.value
    assert whole.gap < 1e-2


@pytest.mark.parametrize(
    "times",
    [
        EXACT[0],
        pytest.param(EXACT[1], marks=pytest.mark.slow),
        EXACT[2],
        rounds_of(3, 30, 4),
    ],
    ids=lambda times: times.label,
)
def test_limits_are_kept_and_proven(times: WorkerTimes) -> None:
    """Ends of tensors against all designs that they leave; two levels against a fine grid."""
    free = problem_of(times, 0.8, length=20)
    tensors = replace(free, limits=cg.Limits(copies=3, boundaries=[4, 9, 15, 20]))
    best = cg.solve(tensors, gap=1e-5)
    every = [
        np.diff([0, *ends, 20, 20]) for ends in combinations_with_replacement([0, 4, 9, 15, 20], 2)
    ]
    assert best.value == pytest.approx(min(cg.evaluate(free, x.tolist()).value for x in every))
    assert best.gap <= 1e-5
    pair = cg.solve(replace(free, limits=cg.Limits(blocks=2)), gap=1e-5)
    assert len(pair.blocks()) == 2
    assert pair.gap <= 1e-5
    for lower, upper in combinations(range(4), 2):
        for x in np.linspace(0.0, 20.0, 21):
            design = np.zeros(4)
            design[lower], design[upper] = x, 20.0 - x
            assert cg.evaluate(free, design.tolist()).value >= pair.bound * (1 - 1e-9)
