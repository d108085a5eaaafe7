"""The certified optimum of the expected runtime of independent workers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.design import budget_weights, partition_of_work, work_of_partition
from cgcopt.errors import InfiniteMeanError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.order_statistics import order_statistic_means
from cgcopt.evaluation.result import Certificate, Method
from cgcopt.evaluation.simulation import simulate
from cgcopt.options import Options
from cgcopt.seeds import generator
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.convex.combined_bound import combined_bound
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.level_step import level_step
from cgcopt.solvers.convex.quasi_newton import Evaluated, quasi_newton
from cgcopt.solvers.convex.semismooth_newton import semismooth_newton
from cgcopt.solvers.convex.simplex_qp import simplex_minimiser
from cgcopt.solvers.runtime import step_minimum
from cgcopt.solvers.runtime.sampled_model import refined, sampled_model
from cgcopt.solvers.runtime.step_oracle import StepRuntimeOracle
from cgcopt.solvers.runtime.step_tuning import FirstStages, LastStage, StepTuning
from cgcopt.workers.trace import Trace
from tests.turns import in_turns

PAPER = cg.ShiftedExponential(rate=1e-3, shift=50.0)
FAMILIES = {
    "exponential": cg.Exponential(rate=2.0),
    "shifted-exponential": PAPER,
    "mostly-shift": cg.ShiftedExponential(rate=1.0, shift=50.0),
    "weibull-heavy": cg.Weibull(shape=0.7, scale=1.0, shift=0.1),
    "weibull-light": cg.Weibull(shape=3.0, scale=1.0, shift=0.0),
    "gamma": cg.Gamma(shape=0.5, scale=1.0, shift=0.01),
    "lognormal": cg.LogNormal(sigma=1.0, scale=1.0, shift=0.0),
    "pareto": cg.Pareto(shape=2.5, scale=1.0, shift=0.0),
    "pareto-heavy": cg.Pareto(shape=1.3, scale=1.0, shift=0.0),
    "weibull-stretched": cg.Weibull(shape=0.4, scale=1.0, shift=0.0),
    "lognormal-heavy": cg.LogNormal(sigma=2.5, scale=1.0, shift=0.0),
}
TRACES = Path(__file__).resolve().parents[3] / "shared" / "traces"


def runtime_problem(
    workers: int, coordinates: int, times: cg.WorkerTimes, samples: int = 50
) -> cg.Problem:
    system = cg.System(workers, coordinates, times, samples=samples)
    return cg.Problem(system, cg.ExpectedRuntime())


@pytest.mark.parametrize(
    ("workers", "published", "certified"),
    [
        (10, 2.41, 2.338),
        (20, 2.87, 2.820),
        pytest.param(30, 3.30, 3.2525, marks=pytest.mark.slow),
        pytest.param(40, 3.68, 3.6425, marks=pytest.mark.slow),
        (50, 4.03, 3.997),
    ],
)
def test_published_setting(workers: int, published: float, certified: float) -> None:
    solution = cg.solve(runtime_problem(workers, 20_000, PAPER), "optimal")
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.gap <= 1e-6
    in_units = solution.value * workers / 50 / 1e7
    assert in_units == pytest.approx(certified, abs=6e-4)
    assert in_units < published


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("workers", [1, 2, 7, pytest.param(50, marks=pytest.mark.slow)])
def test_every_family_to_a_proven_gap(family: str, workers: int) -> None:
    problem = runtime_problem(workers, 1000, FAMILIES[family])
    solution = cg.solve(problem, "optimal")
    assert solution.status is SolutionStatus.OPTIMAL, solution.message
    assert solution.termination is TerminationCondition.CONVERGED
    assert solution.gap <= 1e-6
    assert solution.evaluation is not None
    assert solution.evaluation.method is Method.QUADRATURE
    assert solution.design is not None
    assert solution.design.partition.min() >= 0
    assert solution.design.coordinates == pytest.approx(1000, rel=1e-12)


def test_value_agrees_with_simulation() -> None:
    problem = runtime_problem(20, 20_000, PAPER)
    solution = cg.solve(problem, "optimal")
    assert solution.design is not None
    drawn = simulate(problem, solution.design, rounds=100_000, seed=1)
    assert abs(drawn.value - solution.value) < 4 * drawn.standard_error


def test_a_tight_gap() -> None:
    for family in ("shifted-exponential", "lognormal", "pareto"):
        solution = cg.solve(runtime_problem(20, 10**6, FAMILIES[family]), "optimal", gap=1e-9)
        assert solution.gap <= 1e-9


def test_two_workers_against_a_grid() -> None:
    problem = runtime_problem(2, 1, FAMILIES["weibull-heavy"])
    solution = cg.solve(problem, "optimal", gap=1e-9)
    grid = min(evaluate(problem, [1 - x, x]).value for x in np.linspace(0, 1, 201))
    assert solution.value <= grid * (1 + 1e-9)
    assert grid == pytest.approx(solution.value, rel=1e-4)
    assert solution.bound <= grid


@given(
    family=st.sampled_from(sorted(FAMILIES)),
    shares=st.lists(st.floats(1e-3, 1.0), min_size=6, max_size=6),
)
def test_no_design_beats_the_bound(family: str, shares: list[float]) -> None:
    problem = runtime_problem(6, 100, FAMILIES[family])
    bound = _bound(family)
    assert evaluate(problem, np.array(shares) * (100 / sum(shares))).value >= bound


_BOUNDS: dict[str, float] = {}


def _bound(family: str) -> float:
    if family not in _BOUNDS:
        _BOUNDS[family] = cg.solve(runtime_problem(6, 100, FAMILIES[family]), "optimal").bound
    return _BOUNDS[family]


@pytest.mark.parametrize("coordinates", [3, 10**6, 10**12])
def test_only_the_scale_depends_on_the_coordinates(coordinates: int) -> None:
    one = cg.solve(runtime_problem(12, 1, PAPER), "optimal")
    many = cg.solve(runtime_problem(12, coordinates, PAPER), "optimal")
    assert many.value == pytest.approx(one.value * coordinates, rel=1e-11)
    assert many.gap <= 1e-6


def test_better_than_every_closed_form() -> None:
    for family in ("gamma", "lognormal", "weibull-light"):
        problem = runtime_problem(15, 1000, FAMILIES[family])
        work = 1 / order_statistic_means(FAMILIES[family], 15)[::-1]
        closed = partition_of_work(work * (1000 / (budget_weights(15) @ work)))
        solution = cg.solve(problem, "optimal")
        assert solution.value < evaluate(problem, closed).value
        assert solution.bound < solution.value


def test_infinite_mean_is_an_error() -> None:
    problem = runtime_problem(10, 100, cg.Pareto(shape=1.0, scale=1.0, shift=0.0))
    with pytest.raises(InfiniteMeanError):
        cg.solve(problem, "optimal")


def test_time_limit_keeps_design_and_bound() -> None:
    problem = runtime_problem(80, 1000, PAPER)
    solution = cg.solve(problem, "optimal", time_limit=0.02, gap=1e-9)
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert solution.status is SolutionStatus.FEASIBLE
    assert 0 < solution.bound < solution.value
    assert solution.seconds.solve < 10


def test_progress_and_history() -> None:
    heard: list[tuple[float | None, str]] = []
    problem = runtime_problem(15, 1000, PAPER)
    solution = cg.solve(
        problem, "optimal", progress=lambda share, message: heard.append((share, message))
    )
    history = solution.details["history"]
    assert len(heard) == len(history) == solution.details["evaluations"]
    assert heard[-1] == (1.0, f"value {solution.value:.9g} s, gap {solution.gap:.1e}")
    values, bounds = np.array(history).T
    assert np.all(np.diff(values) <= 0)
    assert np.all(np.diff(bounds) >= 0)
    assert values[-1] == pytest.approx(solution.value, rel=1e-9)


def test_equal_options_equal_results() -> None:
    problem = runtime_problem(15, 1000, PAPER)
    first, second = (cg.solve(problem, "optimal", seed=3) for _ in range(2))
    assert np.array_equal(first.partition, second.partition)


# Step distributions


@in_turns(every=3, count=[1, 2, 5, 40], workers=[2, 4, 1])
def test_step_distributions(count: int, workers: int) -> None:
    values = generator(count, "step values").exponential(size=count) + 0.1
    problem = runtime_problem(workers, 100, cg.Empirical(values))
    solution = cg.solve(problem, "optimal")
    assert solution.evaluation is not None
    assert solution.evaluation.method is Method.EXACT
    assert solution.gap <= 1e-6
    rng = generator(count, "designs against the bound", workers)
    for shares in rng.dirichlet(np.ones(workers), size=10):
        assert evaluate(problem, shares * 100).value >= solution.bound


def test_step_distribution_against_its_linear_program() -> None:
    # All outcomes of three workers with three values, as equally likely rounds.
    values = np.array([1.0, 2.0, 5.0])
    outcomes = np.array(np.meshgrid(values, values, values)).reshape(3, -1).T
    pooled = cg.solve(runtime_problem(3, 10, cg.Empirical(values)), "optimal", gap=1e-8)
    rounds = cg.solve(runtime_problem(3, 10, cg.Scenarios(outcomes)), "optimal", gap=1e-9)
    assert pooled.value == pytest.approx(rounds.value, rel=1e-8)
    assert pooled.certificate in (Certificate.CUTTING_PLANES, Certificate.SUBGRADIENT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "workers"), [("ec2_15nodes_data6.csv", 15), ("llm_SE_stage1_compute.csv", 32)]
)
def test_pooled_traces(name: str, workers: int) -> None:
    path = TRACES / name
    if not path.exists():
        pytest.skip("the trace is not at hand")
    solution = cg.solve(runtime_problem(workers, 10**6, Trace.read(path).pooled()), "optimal")
    assert solution.gap <= 1e-6
    assert solution.evaluation is not None
    assert solution.evaluation.method is Method.EXACT


def rough_times(size: int) -> cg.Empirical:
    """Three narrow modes far apart and a tail: hard for Newton's method from afar."""
    rng = generator(size, "rough times")
    modes = rng.choice([1.0, 2.5, 9.0], p=[0.7, 0.2, 0.1], size=size)
    tail = np.where(rng.random(size) < 0.02, rng.pareto(1.5, size=size), 0.0)
    return cg.Empirical(modes * np.exp(1e-3 * rng.normal(size=size)) + tail)


@pytest.mark.parametrize(
    "workers", [6, *(pytest.param(n, marks=pytest.mark.slow) for n in (12, 30))]
)
@pytest.mark.parametrize("kind", ["smooth", "rough", "coarse clock"])
def test_many_possible_runtimes(kind: str, workers: int) -> None:
    size = 700 if workers == 6 else 1500
    times = cg.Empirical(generator(0, "smooth times").lognormal(sigma=0.5, size=size))
    if kind == "rough":
        times = rough_times(size)
    if kind == "coarse clock":  # many workers share a time
        times = cg.Empirical(np.round(times.sample(20_000, 1, generator(1, "clock")), 3).ravel())
    problem = runtime_problem(workers, 100, times)
    solution = cg.solve(problem, "optimal")
    assert solution.gap <= 1e-6, solution.message
    assert solution.certificate is Certificate.CUTTING_PLANES
    rng = generator(2, "near designs", workers)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        near = solution.partition * np.exp(size * rng.normal(size=workers))
        found = evaluate(problem, near * (100 / near.sum()))
        assert found.value >= solution.bound


@pytest.mark.parametrize(
    "gap", [2e-8, 1e-3, *(pytest.param(gap, marks=pytest.mark.slow) for gap in (1e-5, 0.1))]
)
@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_other_gaps_on_a_trace(count: int, gap: float) -> None:
    solution = cg.solve(runtime_problem(6, 100, rough_times(count)), "optimal", gap=gap)
    assert solution.gap <= gap
    assert solution.termination is TerminationCondition.CONVERGED


def test_where_newtons_method_fails_the_others_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = runtime_problem(15, 100, rough_times(1000))
    expected = cg.solve(problem, "optimal")
    first = replace(FirstStages(), evaluations=1)
    tuning = StepTuning(first, replace(LastStage(), evaluations=1))
    monkeypatch.setattr(step_minimum.minimised_steps, "__defaults__", (tuning,))
    rougher = cg.solve(problem, "optimal")
    assert rougher.gap <= 1e-6
    assert rougher.value == pytest.approx(expected.value, rel=2e-6)
    assert rougher.value != expected.value


def test_newtons_method_is_enough_for_narrow_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the optimum of drawn rounds, if not before."""
    monkeypatch.setattr(step_minimum, "sampled_model", None)
    rng = generator(0, "narrow modes")
    modes = [middle * (1 + 0.01 * rng.normal(size=250)) for middle in (1.0, 2.0, 5.0)]
    times = cg.Empirical(np.concatenate(modes))
    solution = cg.solve(runtime_problem(20, 100, times), "optimal")
    assert solution.gap <= 1e-6, solution.message


def test_stages_start_on_the_line_through_the_last_two() -> None:
    """Work that depends on the spread by a power law is met exactly, up to its scale."""
    system = cg.System(5, 100, rough_times(50), samples=50)
    oracle = StepRuntimeOracle(system)
    clock = Clock.started(None)
    start = np.full(5, 0.2)
    descent = step_minimum._Descent(oracle, Options(), clock, Incumbent(0.0), start)
    rates = np.array([0.0, 0.1, 0.2, 0.3, 0.5])
    works = {spread: 0.1 * np.exp(rates * (1 - spread)) for spread in (0.2, 0.03, 0.01, 0.0)}
    assert descent.extrapolated(0.2) is start
    descent.passed = [(spread, works[spread]) for spread in (0.2, 0.03)]
    for spread in (0.01, 0.0):
        found = descent.extrapolated(spread)
        assert found.sum() == pytest.approx(1, abs=1e-14)
        work = work_of_partition(found)
        assert work / work[0] == pytest.approx(works[spread] / works[spread][0], rel=1e-12)
    works[0.03][:2] = 0.0  # empty blocks stay empty
    descent.passed[1] = (0.03, works[0.03])
    assert (descent.extrapolated(0.0)[:2] == 0.0).all()


@pytest.mark.parametrize(
    ("missed", "widths"), [(0.4e-6, [0.5]), (0.8e-6, [0.5, 0.3]), (1.5e-6, [0.5])]
)
def test_a_design_is_bracketed_as_closely_as_its_gap_takes(
    missed: float, widths: list[float]
) -> None:
    """A design worth 1 whose bound misses this much; brackets lie around the 1."""
    asked = []

    def bracket(partition: np.ndarray, width: float) -> Evaluated:
        asked.append(1e6 * width)
        return Evaluated(partition, 1.0 + width / 2, np.ones(2), 1.0 - missed)

    oracle = StepRuntimeOracle(cg.System(2, 2, cg.Empirical([1.0, 2.0]), samples=2))
    oracle.bracket = bracket  # type: ignore[method-assign]
    design, options, clock = np.array([0.5, 0.5]), Options(gap=1e-6), Clock.started(None)
    descent = step_minimum._Descent(oracle, options, clock, Incumbent(1e-6), design)
    descent.close(design)
    assert asked == pytest.approx(widths, abs=1e-3)
    assert descent.incumbent.closed == (missed < 1e-6)


def test_a_gap_just_missed_takes_a_slightly_closer_minorant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    widths = []
    refine = StepRuntimeOracle.refine

    def noted(
        self: StepRuntimeOracle, y: np.ndarray, width: float, spread: float = 0.0
    ) -> Evaluated:
        widths.append((width, spread))
        return refine(self, y, width, spread)

    monkeypatch.setattr(StepRuntimeOracle, "refine", noted)
    last = replace(LastStage(), width=2.8)
    tuning = replace(StepTuning(), last=last)
    monkeypatch.setattr(step_minimum.minimised_steps, "__defaults__", (tuning,))
    times = cg.Empirical(generator(0, "smooth times").lognormal(sigma=0.5, size=1500))
    solution = cg.solve(runtime_problem(10, 100, times), "optimal")
    assert solution.gap <= 1e-6
    (first, spread), (second, same) = widths[-2:]
    assert first == 2.8e-6
    assert 0.4 * first < second < first
    assert same == spread


def test_time_limit_on_a_trace_keeps_design_and_bound() -> None:
    problem = runtime_problem(150, 1000, rough_times(2000))
    solution = cg.solve(problem, "optimal", time_limit=0.2)
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert 0 < solution.bound < solution.value


# The parts


@given(seed=st.integers(0, 10**6), size=st.integers(1, 12))
def test_simplex_minimiser_meets_the_optimality_conditions(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    hessian, linear = root @ root.T + 1e-3 * np.eye(size), 3 * rng.normal(size=size)
    y = simplex_minimiser(hessian, linear)
    gradient = linear + hessian @ y
    assert y.min() >= 0
    assert y.sum() == pytest.approx(1, abs=1e-12)
    scale = np.abs(gradient).max() + 1
    assert gradient[y > 0].max() - gradient.min() <= 1e-7 * scale


def test_quasi_newton_finds_the_minimum_of_a_norm() -> None:
    # f(x) = |(x_n / c_n)| on the simplex: x_n proportional to c_n^2.
    c = np.array([1.0, 2.0, 0.5, 3.0])

    gradients: list[np.ndarray] = []

    def oracle(x: np.ndarray) -> Evaluated:
        value = math.sqrt(((x / c) ** 2).sum())
        gradient = x / c**2 / value
        gradients.append(gradient)
        return Evaluated(x, value, gradient, float(gradient.min()))

    incumbent = Incumbent(1e-10)
    end = quasi_newton(
        oracle,
        np.full(4, 0.25),
        np.eye(4),
        incumbent,
        Clock.started(None),
        steps=60,
        cuts=gradients,
    )
    assert incumbent.closed
    assert end.evaluations == len(incumbent.history)
    assert incumbent.partition == pytest.approx(c**2 / (c**2).sum(), abs=1e-5)


def test_a_step_that_went_too_far_is_followed_by_the_secant_of_the_gradients() -> None:
    """A quadratic function and a model that curves far too little: then the line is minimised."""
    centre = np.array([0.5, 0.3, 0.2])
    points: list[Evaluated] = []

    def oracle(x: np.ndarray) -> Evaluated:
        away = x - centre
        points.append(Evaluated(x, 1 + float(away @ away), 2 * away, -math.inf))
        return points[-1]

    start = np.full(3, 1 / 3)
    quasi_newton(
        oracle, start, 1e-3 * np.eye(3), Incumbent(1e-9), Clock.started(None), steps=3, cuts=[]
    )
    first, second, third = points
    assert second.value > first.value > third.value
    assert third.gradient @ (second.partition - first.partition) == pytest.approx(0, abs=1e-12)


def test_semismooth_newton_on_a_piecewise_quadratic_function() -> None:
    """Ramps: the gradient is flat, rises steeply, is flat again; two runs from afar find the minimum."""
    centre = np.array([0.4, 0.3, 0.2, 0.1])
    points: list[np.ndarray] = []

    def oracle(x: np.ndarray) -> Evaluated:
        away = x - centre
        points.append(away)
        steep, far = np.clip(away, -0.02, 0.02), 0.05 * away
        value = 1 + float((away * steep - steep**2 / 2).sum()) + 0.025 * float(away @ away)
        gradient = steep + far
        return Evaluated(x, value, gradient, value + float(gradient.min() - gradient @ x))

    def curvature(damping: float) -> np.ndarray:
        return np.diag((np.abs(points[-1]) < 0.02) + 0.05 + damping)

    for coarse in (None, 0.3 * np.eye(4)):
        incumbent = Incumbent(1e-9)
        start = np.array([0.0, 0.0, 0.0, 1.0])
        found, _ = semismooth_newton(
            oracle, curvature, start, coarse, incumbent, Clock.started(None), steps=60
        )
        assert incumbent.closed
        assert found == pytest.approx(centre, abs=1e-6)


def test_combined_bound_is_the_value_of_a_matrix_game() -> None:
    gradients = np.array([[3.0, 1.0, 2.0], [1.0, 3.0, 2.5]])
    weights = np.linspace(0, 1, 2001)
    by_hand = max(float((w * gradients[0] + (1 - w) * gradients[1]).min()) for w in weights)
    assert combined_bound(gradients) == pytest.approx(by_hand, abs=1e-9)
    assert combined_bound(gradients[:1]) == 1.0


def test_level_step_is_a_projection() -> None:
    rng = np.random.default_rng(5)
    gradients, centre = rng.uniform(1, 2, size=(6, 5)), np.full(5, 0.2)
    level = 0.3 * combined_bound(gradients) + 0.7 * float((gradients @ centre).max())
    y = level_step(gradients, level, centre, np.eye(5))
    assert y is not None
    assert (gradients @ y).max() <= level * (1 + 1e-6)
    for other in rng.dirichlet(np.ones(5), size=2000):
        if (gradients @ other).max() <= level:
            assert np.linalg.norm(y - centre) <= np.linalg.norm(other - centre) + 1e-6


def test_sampled_model_starts_near_the_optimum() -> None:
    problem = runtime_problem(30, 1, PAPER)
    model = sampled_model(problem, Options(), Clock.started(None))
    optimum = cg.solve(problem, "optimal").value
    assert evaluate(problem, model.partition).value <= optimum * 1.01
    assert np.linalg.eigvalsh(model.hessian).min() > 0


def test_refined_keeps_the_ends_and_stays_between() -> None:
    profile = np.array([0.9, 0.7, 0.6, 0.55, 0.5, 0.6, 0.95])
    fine = refined(profile, 40)
    assert fine[0] == pytest.approx(0.9)
    assert fine[-1] == pytest.approx(0.95)
    assert profile.min() - 1e-12 <= fine.min() <= fine.max() <= profile.max() + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("family", ["shifted-exponential", "weibull-heavy", "lognormal", "pareto"])
def test_two_hundred_workers(family: str) -> None:
    solution = cg.solve(runtime_problem(200, 10**6, FAMILIES[family]), "optimal")
    assert solution.gap <= 1e-6
    assert work_of_partition(solution.partition)[-1] > 0
