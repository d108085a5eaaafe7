"""Methods at the edges of double precision: heavy tails, times far apart, deadlines met just so."""

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.design import largest_remainder
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.seeds import generator
from cgcopt.solvers.convex.combined_bound import combined_bound, lifted_bound
from cgcopt.workers.base import WorkerTimes
from tests.turns import in_turns


def _heavy_tails() -> list[WorkerTimes]:
    return [
        *(cg.Weibull(shape=shape, scale=1.0) for shape in (0.1, 0.15, 0.2)),
        *(cg.Gamma(shape=shape, scale=1.0) for shape in (0.05, 0.1, 0.2)),
        *(cg.Pareto(shape=shape, scale=1.0) for shape in (1.001, 1.003, 1.01)),
    ]


@in_turns(every=2, times={times.label: times for times in _heavy_tails()}, workers=[3, 8])
def test_heavy_tails_end_with_a_closed_gap(times: WorkerTimes, workers: int) -> None:
    problem = cg.Problem(cg.System(workers, 1000, times), cg.ExpectedRuntime())
    solution = cg.solve(problem, "optimal", time_limit=30)
    assert solution.gap <= 1e-6, solution.message
    for scheme in ("closed-form-time", "single-level"):
        assert solution.value <= cg.solve(problem, scheme).value * (1 + 1e-6)


@pytest.mark.parametrize(
    ("times", "workers"),
    [
        # levels whose work is the same but for rounding
        (cg.Weibull(shape=0.1, scale=1.0), 80),
        pytest.param(cg.Weibull(shape=0.1, scale=1.0), 150, marks=pytest.mark.slow),
        # cuts that count with a weight of 1e-22
        pytest.param(cg.Gamma(shape=0.05, scale=1.0), 150, marks=pytest.mark.slow),
        pytest.param(cg.Pareto(shape=1.003, scale=1.0), 100, marks=pytest.mark.slow),
        # a best work of 1e-285 on level 0
        pytest.param(cg.Pareto(shape=1.01, scale=1.0), 50, marks=pytest.mark.slow),
        pytest.param(cg.Pareto(shape=1.01, scale=1.0), 150, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_the_heaviest_tails_of_many_workers_close_their_gap_too(
    times: WorkerTimes, workers: int
) -> None:
    problem = cg.Problem(cg.System(workers, 1000 * workers, times), cg.ExpectedRuntime())
    solution = cg.solve(problem, "optimal", time_limit=100)
    assert solution.gap <= 1e-6, solution.message
    best = cg.solve(problem, "single-level")
    assert solution.bound <= solution.value <= best.value * (1 + 1e-12)


def test_a_heavy_tail_keeps_its_gradient_where_the_density_is_lost() -> None:
    times = cg.Pareto(shape=1.01, scale=1.0)
    system = cg.System(4, 100, times, samples=4)
    work = np.array([1e-160, 1.0, 2.0, 3.0])
    found = evaluate_work(cg.Problem(system, cg.ExpectedRuntime()), work, gradient=True)
    # One worker is very late, R is the maximum over the three others and the other levels. The tail
    # of the late one is 4 t**-a, so dE/dw_0 = d/dw_0 E (w_0 T - R)+ = 4 a/(a-1) w_0**(a-1) E R**(1-a).
    rounds = np.sort(times.sample(200_000, 3, generator(0, "lost density")), axis=1)[:, ::-1]
    powers = 4 * 1.01 / 0.01 * work[0] ** 0.01 * (rounds * work[1:]).max(axis=1) ** -0.01
    expected, error = powers.mean(), powers.std() / 200_000**0.5
    assert found.gradient is not None
    assert abs(found.gradient[0] - expected) < 5 * error


def test_a_cut_of_tiny_weight_lifts_a_bound() -> None:
    cuts = np.array([[0.5, 0.9, 1.0], [1e23, -1e-3, 0.0], [-1.0, 1e19, 0.5]])
    assert combined_bound(cuts) == pytest.approx(1.0, abs=1e-12)


def test_work_that_differs_by_rounding_has_the_gradient_of_equal_work() -> None:
    system = cg.System(5, 100, cg.Weibull(shape=0.1, scale=1.0), samples=5)
    problem = cg.Problem(system, cg.ExpectedRuntime())
    equal = np.array([1e-9, 1e-5, 1e-5, 1e-5, 1.0])
    nearly = equal * np.array([1, 1, 1 + 4e-16, 1 + 8e-16, 1])
    one, other = (evaluate_work(problem, w, gradient=True).gradient for w in (equal, nearly))
    assert one is not None
    np.testing.assert_array_equal(one, other)
    assert one[2] == one[3] == 0.0


@pytest.mark.parametrize("seed", range(12))
def test_rounds_with_very_long_times_close_their_gap(seed: int) -> None:
    rng = generator(seed, "long times")
    workers, rounds = int(rng.integers(2, 13)), int(rng.integers(1, 200))
    times = 1 + rng.lognormal(0, 0.7, (rounds, workers))
    long = rng.random(times.shape) < rng.choice([0.01, 0.05, 0.2, 0.6])
    times[long] = 10.0 ** rng.integers(6, 16) * (1 + rng.random(int(long.sum())))
    problem = cg.Problem(cg.System(workers, 1000, cg.Scenarios(times)), cg.ExpectedRuntime())
    solution = cg.solve(problem, "optimal", time_limit=30)
    assert solution.gap <= 1e-6, solution.message


def test_lifted_bounds_lie_below_an_average_of_rounds() -> None:
    rng = generator(0, "lifted bounds")
    times = np.sort(rng.lognormal(0, 3, (30, 6)), axis=1)
    means = times.mean(axis=0)[::-1]
    levels = np.arange(1.0, 7.0)
    designs = rng.dirichlet(np.full(6, 0.3), 2000)
    values = (times[:, ::-1] * np.cumsum(designs * levels, axis=1)[:, None, :]).max(2).mean(1)
    for design in designs[:20]:
        products = times[:, ::-1] * np.cumsum(design * levels)
        slowest = products.argmax(axis=1)
        gradient = np.zeros(6)
        np.add.at(gradient, slowest, times[:, ::-1][np.arange(30), slowest] / 30)
        slope = levels * np.cumsum(gradient[::-1])[::-1]
        bound = lifted_bound(slope, means, np.arange(1.0, slope.size + 1.0))
        assert slope.min() * (1 - 1e-12) <= bound <= values.min()


def test_gap_zero_on_a_step_distribution_is_run_as_far_as_it_goes() -> None:
    times = cg.Empirical(generator(0, "steps").lognormal(size=40))
    problem = cg.Problem(cg.System(5, 100, times), cg.ExpectedRuntime())
    solution = cg.solve(problem, "optimal", gap=0, time_limit=20)
    assert 0 <= solution.gap <= 1e-8
    assert not solution.message


@pytest.mark.parametrize("seed", range(10))
def test_whole_numbers_sum_exactly_up_to_2_to_the_53(seed: int) -> None:
    rng = generator(seed, "whole numbers")
    for _ in range(200):
        workers, below = int(rng.integers(1, 200)), int(10 ** rng.uniform(0, 15))
        coordinates = int(rng.choice([2**53, 2**53 - 1, 2**53 - below]))
        shares = rng.gamma(rng.choice([0.05, 0.3, 1.0, 5.0]), size=workers) + 1e-300
        rounded = largest_remainder(shares / shares.sum() * coordinates, coordinates)
        assert sum(map(int, rounded)) == coordinates
        assert rounded.min() >= 0


@pytest.mark.parametrize("solver", ["uniform", "closed-form-time", "optimal"])
def test_whole_designs_of_solvers_sum_exactly(solver: str) -> None:
    for workers in (2, 3):
        system = cg.System(workers, 2**53, cg.ShiftedExponential(rate=1e-3, shift=50))
        problem = cg.Problem(system, cg.ExpectedRuntime())
        partition = cg.solve(problem, solver, form="block").partition
        assert sum(map(int, partition)) == 2**53


@in_turns(every=3, seed=range(25))
def test_deadlines_met_just_so_are_met(seed: int) -> None:
    """A deadline that is a possible runtime of a scheme: the search is not worse than the scheme."""
    rng = generator(seed, "knife edges")
    workers, rounds = int(rng.integers(2, 6)), int(rng.integers(1, 9))
    values = rng.choice([0.1, 0.2, 0.3, 0.7, 1.1], (rounds, workers))
    pooled = seed % 3 == 0
    times = cg.Empirical(np.unique(values)) if pooled else cg.Scenarios(values)
    system = cg.System(workers, int(rng.choice([7, 1000, 10**6])), times, samples=5)
    level = int(rng.integers(workers))
    cycles = system.coordinates * (level + 1)
    deadline = system.unit * float(np.sort(values, axis=1)[0, workers - 1 - level]) * cycles
    problem = cg.Problem(system, cg.CompletionProbability(deadline))
    found = cg.solve(problem, "optimal", time_limit=5)
    for scheme in ("uncoded", "uniform", "single-level", "closed-form-deadline"):
        assert found.value >= cg.solve(problem, scheme).value


def test_two_rounds_of_three_workers_at_a_possible_runtime() -> None:
    system = cg.System(3, 10, cg.Scenarios([[1.0, 2.0, 3.0], [2.0, 2.0, 7.0]]), samples=3)
    problem = cg.Problem(system, cg.CompletionProbability(30.0))
    assert cg.solve(problem, "optimal").value >= 0.5
