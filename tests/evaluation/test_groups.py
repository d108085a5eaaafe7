"""Workers in groups: against workers that are alike, brute force, simulation, differences."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.groups.chances import group_chances
from cgcopt.evaluation.lines import lines_of_work
from cgcopt.evaluation.order_statistics import order_statistic_quantiles
from cgcopt.evaluation.schedules.baselines import speed_of_light

A = cg.ShiftedExponential(rate=1.0, shift=0.5)
B = cg.LogNormal(sigma=0.6, scale=2.0)
C = cg.Pareto(shape=3.5, scale=1.0)


def problem_of(groups, objective=None, costs=None):
    times = cg.Groups(groups)
    system = cg.System(times.workers, 12, times, samples=times.workers, costs=costs or cg.Costs())
    return cg.Problem(system, objective or cg.ExpectedRuntime())


DESIGN = cg.Design([3, 0, 4, 1, 0, 4])


@pytest.mark.parametrize("split", [(6,), (4, 2), (1, 3, 2)])
@pytest.mark.parametrize(
    "objective", [cg.ExpectedRuntime(), cg.CompletionProbability(40.0), cg.Quantile(0.9)]
)
def test_groups_that_are_alike_are_no_groups(split, objective):
    plain = cg.Problem(cg.System(6, 12, B, samples=6), objective)
    split_up = problem_of([(count, B) for count in split], objective)
    one, two = (cg.evaluate(p, DESIGN, gradient=True) for p in (plain, split_up))
    assert two.value == one.value
    assert np.array_equal(one.gradient, two.gradient)


@pytest.mark.parametrize("split", [(6,), (4, 2), (1, 3, 2)])
def test_the_chain_of_groups_that_are_alike_is_the_chain_of_levels(split):
    plain = cg.Problem(cg.System(6, 12, B, samples=6), cg.CompletionProbability(40.0))
    times = cg.Groups([(count, B) for count in split])
    system = cg.System(6, 12, times, samples=6)
    found = group_chances(times, lines_of_work(system, DESIGN.work), [40.0])
    assert found.met[0] == pytest.approx(cg.evaluate(plain, DESIGN).value, rel=1e-12)


@pytest.mark.parametrize("probability", [0.2, 0.9, 0.999])
def test_the_quantile_is_kept_with_its_probability(probability):
    problem = problem_of([(4, A), (2, B)], cg.Quantile(probability))
    found = cg.evaluate(problem, DESIGN, gradient=True)
    kept = cg.evaluate(cg.Problem(problem.system, cg.CompletionProbability(found.value)), DESIGN)
    assert kept.value == pytest.approx(probability, rel=1e-12)
    step = np.eye(6)[2] * 1e-5 * DESIGN.work[2]
    up, down = (evaluate_work(problem, DESIGN.work + s * step).value for s in (1, -1))
    assert found.gradient[2] == pytest.approx((up - down) / (2 * step[2]), rel=1e-4)


def test_chances_against_all_subsets():
    """Every worker is at one of the levels that it finished; the round is in time or not."""
    groups = [(2, A), (1, B), (1, C)]
    times, work, deadline = cg.Groups(groups), np.array([2.0, 4.0, 4.0, 9.0]), 5.0
    system = cg.System(4, 4, times, samples=4)
    models = [model for count, model in groups for _ in range(count)]
    met = 0.0
    for finished in itertools.product(range(5), repeat=4):  # how many levels, from level 0 up
        chance = 1.0
        for model, levels in zip(models, finished, strict=True):
            done = [1.0, *model.cdf(deadline / work), 0.0]
            chance *= done[levels] - done[levels + 1]
        if all(sum(levels > n for levels in finished) >= 4 - n for n in range(4)):
            met += chance
    found = group_chances(times, lines_of_work(system, work), [deadline])
    assert found.met[0] == pytest.approx(met, rel=1e-12)
    assert found.missed[0] == pytest.approx(1 - met, rel=1e-12)


@pytest.mark.parametrize("groups", [[(4, A), (2, B)], [(2, A), (2, B), (2, C)]])
@pytest.mark.parametrize("costs", [None, cg.Costs(1.0, 0.3, 2.0)])
def test_against_simulation_and_differences(groups, costs):
    for objective in (cg.ExpectedRuntime(), cg.CompletionProbability(45.0)):
        problem = problem_of(groups, objective, costs)
        design = cg.Design([3, 1, 3, 2, 1, 2])
        found = cg.evaluate(problem, design, gradient=True)
        drawn = cg.simulate(problem, design, rounds=50_000)
        assert abs(found.value - drawn.value) < 4.5 * drawn.standard_error
        for n in (0, 2, 5):
            step = np.eye(6)[n] * 1e-5 * design.work[n]
            up, down = (evaluate_work(problem, design.work + s * step).value for s in (1, -1))
            assert found.gradient[n] == pytest.approx((up - down) / (2 * step[n]), rel=1e-4)


def test_probabilities_complement_each_other():
    problem = problem_of([(3, A), (3, C)], cg.CompletionProbability(400.0))
    found = cg.evaluate(problem, DESIGN)
    assert found.value + found.complement == pytest.approx(1.0, abs=1e-15)
    assert 0 < found.complement < 1e-2


def test_the_optimum_is_certified_and_beats_one_for_workers_that_are_alike():
    problem = problem_of([(4, A), (2, cg.ShiftedExponential(rate=0.2, shift=0.5))])
    found = cg.solve(problem)
    assert str(found.status) == "optimal"
    assert found.gap <= 1e-6
    alike = cg.solve(cg.Problem(cg.System(6, 12, A, samples=6), cg.ExpectedRuntime())).design
    assert found.value < cg.evaluate(problem, alike).value
    rng = np.random.default_rng(0)
    for x in rng.dirichlet(np.ones(6), size=20):
        assert cg.evaluate(problem, 12 * x).value > found.bound


def test_order_statistics_of_two():
    two = cg.Groups([(1, cg.Exponential(rate=1.0)), (1, cg.Exponential(rate=2.0))])
    from cgcopt.evaluation.order_statistics import order_statistic_means

    means = order_statistic_means(two, 2)
    assert means == pytest.approx([1 / 3, 1 + 1 / 2 - 1 / 3], rel=1e-10)


def test_infinite_means_are_refused():
    heavy = cg.Pareto(shape=0.8, scale=1.0)
    with pytest.raises(cg.CgcoptError, match="infinite"):
        cg.evaluate(problem_of([(5, A), (1, heavy)]), DESIGN)
    # One heavy worker may be late from level 1 on.
    late = cg.Design([0, 4, 4, 0, 0, 4])
    assert math.isfinite(cg.evaluate(problem_of([(5, A), (1, heavy)]), late).value)


def test_an_instance_file_and_back(tmp_path):
    file = tmp_path / "groups.toml"
    file.write_text(
        """
[system]
workers = 12
coordinates = 100

[[worker_times.groups]]
workers = 8
family = "shifted-exponential"
rate = 1.0
shift = 0.5

[[worker_times.groups]]
workers = 4
family = "lognormal"
sigma = 0.6
scale = 2.0

[objective]
kind = "expected-runtime"
"""
    )
    problem = cg.load_instance(file)
    assert problem.system.worker_times == cg.Groups([(8, A), (4, B)])
    file.write_text(cg.instance_text(problem))
    assert cg.load_instance(file) == problem


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([], "groups = .*: must be 1 to 3 pairs"),
        ([(1, A)] * 4, "groups = .*: must be 1 to 3 pairs"),
        ([(0, A)], r"groups\[0\].workers = 0: must be a whole number of at least 1"),
        (
            [(2, cg.Empirical([1.0, 2.0]))],
            r"groups\[0\].times = .*: must be a family with a density",
        ),
        (3, "groups = 3: must be 1 to 3 pairs"),
    ],
)
def test_refused_at_the_door(groups, message):
    with pytest.raises(cg.InvalidInputError, match=message):
        cg.Groups(groups)


def test_the_system_must_have_as_many_workers():
    with pytest.raises(cg.InvalidInputError, match=r"system.workers = 5: must be 6"):
        cg.System(5, 12, cg.Groups([(4, A), (2, B)]))


@pytest.mark.parametrize("probability", [0.03, 0.5, 0.97])
def test_quantiles_of_order_statistics(probability):
    groups = [(3, A), (2, B), (2, C)]
    times = cg.Groups(groups)
    found = order_statistic_quantiles(times, 7, probability, 1 - probability)
    drawn = np.sort(times.sample(100_000, 7, np.random.default_rng(1)), axis=1)
    kept = (drawn <= found).mean(axis=0)
    assert np.abs(kept - probability).max() < 5 * math.sqrt(probability * (1 - probability) / 1e5)
    # Alike, they are those of workers of one kind.
    alike = order_statistic_quantiles(cg.Groups([(4, B), (3, B)]), 7, probability, 1 - probability)
    one = order_statistic_quantiles(B, 7, probability, 1 - probability)
    np.testing.assert_allclose(alike, one, rtol=1e-10)
    assert (alike <= one).all()


@pytest.mark.parametrize(
    "objective", [cg.CompletionProbability(28.0), cg.Quantile(0.9), cg.ExpectedRuntime()]
)
def test_bounds_hold_for_every_design_and_optima_come_close(objective):
    problem = problem_of([(4, A), (2, B)], objective)
    found = cg.solve(problem)
    assert found.evaluation.method in ("exact", "quadrature")
    rng = np.random.default_rng(5)
    drawn = [cg.evaluate(problem, 12 * rng.dirichlet(np.full(6, 0.4))).value for _ in range(20)]
    if objective.sense == "maximize":
        assert max(drawn) <= found.value <= found.bound < 1
    else:
        assert min(drawn) >= found.value >= found.bound > 0
    assert str(found.certificate) in ("levels", "subgradient")


@pytest.mark.parametrize(
    "objective",
    [cg.CompletionProbability(28.0), pytest.param(cg.Quantile(0.9), marks=pytest.mark.slow)],
)
def test_optima_of_groups_that_are_alike_are_those_of_one_kind(objective):
    plain = cg.solve(cg.Problem(cg.System(6, 12, B, samples=6), objective))
    split = cg.solve(problem_of([(4, B), (2, B)], objective))
    assert np.array_equal(plain.partition, split.partition)
    assert plain.value == split.value


def test_schedules_of_groups_lie_above_the_speed_of_light():
    problem = problem_of([(4, A), (2, B)])
    optimum = cg.solve(problem).value
    rotated, two = (cg.solve(problem, name) for name in ("rotated", "two-level"))
    for found in (rotated, two):
        assert str(found.certificate) == "speed-of-light"
        assert found.bound < found.value < optimum
    drawn = problem.system.worker_times.sample(20_000, 6, np.random.default_rng(2))
    light = speed_of_light(problem.system, drawn)
    # Jensen's inequality: the bound is below the mean of the rounds' own.
    assert two.bound < light.mean()
