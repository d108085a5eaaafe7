"""Workers with a random start: exact values against simulation, quadrature and differences."""

import numpy as np
import pytest
from scipy import integrate

import cgcopt as cg
from cgcopt.errors import InfiniteMeanError, InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.certificates import certify, partition_gradient
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.lines import Lines
from cgcopt.evaluation.started.bound import _filled
from cgcopt.evaluation.started.chances import started_chances
from cgcopt.instance import problem_from_dict
from tests.turns import in_turns

START = cg.LogNormal(sigma=0.6, scale=0.64)
SLOPE = cg.LogNormal(sigma=0.4, scale=1e-3, shift=2e-4)
MODELS = {
    "constant": cg.RandomStart(1.13e-3, START),
    "recorded starts": cg.RandomStart(1.13e-3, cg.Empirical([0.4, 0.6, 0.7, 0.9, 1.5, 3.0])),
    "comonotone": cg.RandomStart(SLOPE, START),
    "independent": cg.RandomStart(SLOPE, START, "independent"),
    "heavy": cg.RandomStart(cg.Pareto(shape=3.0, scale=1e-3), cg.Exponential(rate=1.0)),
}
OBJECTIVES = [cg.ExpectedRuntime(), cg.CompletionProbability(4.0), cg.Quantile(0.8)]
DESIGN = np.array([400.0, 100.0, 0.0, 200.0, 300.0])
COSTS = cg.Costs(startup=0.1, per_coordinate=1e-4, per_message=0.05)


def problem_of(times, objective, costs=COSTS, **limits):
    system = cg.System(5, 1000, times, samples=5, costs=costs)
    return cg.Problem(system, objective, limits=cg.Limits(**limits))


@pytest.mark.parametrize("times", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.kind)
def test_simulation_agrees(times, objective):
    problem = problem_of(times, objective)
    for partition in (DESIGN, [0, 0, 700, 0, 300]):
        design = cg.Design(partition)
        exact, drawn = cg.evaluate(problem, design), cg.simulate(problem, design, rounds=40_000)
        assert abs(exact.value - drawn.value) <= 5 * drawn.standard_error + 1e-12


@in_turns(
    every=3,
    objective={objective.kind: objective for objective in OBJECTIVES},
    name=["constant", "comonotone", "independent", "heavy"],
)
def test_gradients_are_differences(name, objective):
    problem = problem_of(MODELS[name], objective)
    by_level = partition_gradient(cg.evaluate(problem, DESIGN, gradient=True).gradient)
    for level in np.flatnonzero(DESIGN):
        step = np.zeros(5)
        step[level] = 1e-4 * DESIGN[level]
        above = evaluate_work(problem, cg.Design(DESIGN + step).work).value
        below = evaluate_work(problem, cg.Design(DESIGN - step).work).value
        difference = (above - below) / (2 * step[level])
        assert difference == pytest.approx(by_level[level], rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("slope", "start"),
    [
        (SLOPE, START),
        (cg.ShiftedExponential(rate=1e3, shift=1e-3), cg.ShiftedExponential(rate=1.0, shift=0.3)),
        (cg.Weibull(shape=0.6, scale=1e-3), cg.Weibull(shape=0.7, scale=1.0)),
    ],
    ids=lambda model: model.family,
)
def test_independent_chances_are_convolutions(slope, start):
    times = cg.RandomStart(slope, start, "independent")
    for t in (2.5, 9.0):
        found = started_chances(times, Lines(np.array([500.0]), np.zeros(1)), np.array([t]))
        latest = t - 500 * slope.support[0]
        late, _ = integrate.quad(
            lambda a, t=t: start.pdf(a) * slope.sf((t - a) / 500),
            start.support[0],
            latest,
            epsabs=0,
            epsrel=1e-10,
            limit=500,
        )
        assert found.missed[0] == pytest.approx(late + start.sf(latest), rel=1e-9)


def test_a_start_that_vanishes_changes_nothing():
    tiny = cg.Exponential(rate=1e9)
    for dependence in ("comonotone", "independent"):
        for objective in OBJECTIVES:
            plain = cg.evaluate(problem_of(SLOPE, objective), DESIGN).value
            times = cg.RandomStart(SLOPE, tiny, dependence)
            assert cg.evaluate(problem_of(times, objective), DESIGN).value == pytest.approx(
                plain, rel=1e-6
            )


def test_only_the_start_counts_where_there_is_hardly_any_work():
    """The mean of the slowest of five exponential starts is (1 + 1/2 + ... + 1/5) / rate."""
    times = cg.RandomStart(1e-12, cg.Exponential(rate=2.0))
    value = cg.evaluate(
        problem_of(times, cg.ExpectedRuntime(), cg.Costs()), [1000, 0, 0, 0, 0]
    ).value
    assert value == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 2.0, rel=1e-8)


PROVEN = [
    pytest.param(
        name, limits, marks=[] if place == turn else pytest.mark.slow, id=f"{name}-{limits}"
    )
    for turn, name in enumerate(("recorded starts", "constant", "comonotone"))
    for place, limits in enumerate(({}, {"copies": 3}, {"blocks": 2}))
]


@pytest.mark.parametrize(("name", "limits"), PROVEN)
def test_the_optimum_is_proven(name, limits):
    problem = problem_of(MODELS[name], cg.ExpectedRuntime(), **limits)
    solution = cg.solve(problem)
    assert solution.gap <= 1e-6
    assert problem.limits.violation(solution.design.partition) == ""
    rng = np.random.default_rng(3)
    for _ in range(15):
        x = 1000 * rng.dirichlet(np.full(5, 0.4))
        x[x < 20] = 0.0
        x *= 1000 / x.sum()
        free = cg.Problem(problem.system, problem.objective)
        if not problem.limits.violation(x):
            assert cg.evaluate(free, x).value >= solution.bound
        bound, _ = certify(free, cg.Design(x))
        assert bound <= solution.value


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e3, 1e9])
def test_derivatives_where_one_part_is_all_but_constant(factor):
    """Then that of the sum is the density of the other part."""
    times = cg.RandomStart(cg.LogNormal(0.5, 1.0), cg.Exponential(0.1), "independent")
    start, mean = times.start, times.pace.mean()
    lines = Lines(np.array([factor]), np.zeros(1))
    # The other part moves the time by its mean, up to the square of the ratio.
    if factor < 1.0:
        left = 7.0
        near = start.pdf(left - factor * mean)
        expected = -near, -mean * near
    else:
        left = 1.4 * factor
        near = times.pace.pdf(left / factor) / factor
        expected = -near, -left / factor * near
    found = started_chances(times, lines, np.array([left]))
    assert found.delay_gradient[0, 0] == pytest.approx(
        expected[0], rel=20 / max(factor, 1 / factor)
    )
    assert found.factor_gradient[0, 0] == pytest.approx(
        expected[1], rel=40 / max(factor, 1 / factor)
    )


def short_work():
    times = cg.RandomStart(cg.LogNormal(0.5, 0.01), cg.Exponential(0.1), "independent")
    return cg.Problem(cg.System(3, 30, times, samples=3, cycles=0.01), cg.ExpectedRuntime())


def test_where_the_work_is_short_the_slowest_start_counts():
    value = cg.evaluate(short_work(), [1e-9, 0.0, 30 - 1e-9]).value
    assert value == pytest.approx(10 * (1 + 1 / 2 + 1 / 3), rel=1e-6)


@pytest.mark.slow
def test_a_start_far_longer_than_the_work_is_solved():
    solution = cg.solve(short_work(), starts=1, time_limit=20)
    assert solution.value <= cg.evaluate(short_work(), [0.0, 0.0, 30.0]).value * (1 + 1e-9)


def test_an_independent_start_is_solved_without_a_bound():
    problem = problem_of(MODELS["independent"], cg.ExpectedRuntime(), cg.Costs(), copies=2)
    solution = cg.solve(problem, starts=1, time_limit=20)
    assert solution.bound == -np.inf
    assert solution.design.copies <= 2
    assert solution.value < cg.evaluate(problem, [1000, 0, 0, 0, 0]).value


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        pytest.param("comonotone", OBJECTIVES[1], marks=pytest.mark.slow),
        ("comonotone", OBJECTIVES[2]),
        ("independent", OBJECTIVES[1]),
        pytest.param("independent", OBJECTIVES[2], marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_deadlines_are_climbed_to(name, objective):
    problem = problem_of(MODELS[name], objective, cg.Costs())
    solution, sign = cg.solve(problem, starts=1), -1 if objective.kind == "quantile" else 1
    rng = np.random.default_rng(5)
    others = [cg.evaluate(problem, 1000 * rng.dirichlet(np.ones(5))).value for _ in range(20)]
    assert sign * solution.value >= max(sign * value for value in others)


def table(**worker_times):
    return {"system": {"workers": 5, "coordinates": 1000}, "worker_times": worker_times}


@pytest.mark.parametrize("name", MODELS)
def test_an_instance_file_carries_the_start(name, tmp_path):
    given = problem_of(MODELS[name], cg.ExpectedRuntime())
    file = tmp_path / "started.toml"
    file.write_text(cg.instance_text(given), encoding="utf-8")
    assert cg.load_instance(file).system == given.system


@pytest.mark.parametrize(
    ("worker_times", "message"),
    [
        ({"family": "constant", "time": 1.0}, r"worker_times.start.*missing"),
        ({"family": "constant", "time": 0, "start": {"family": "exponential", "rate": 1}}, "time"),
        ({"family": "exponential", "rate": 1, "start": 3}, r"worker_times.start.*table"),
        ({"family": "exponential", "rate": 1, "start": {"family": "gama"}}, r"start\.family"),
        (
            {
                "family": "exponential",
                "rate": 1,
                "start": {"family": "exponential", "rate": 1},
                "dependence": "some",
            },
            r"dependence.*comonotone",
        ),
        (
            {"family": "exponential", "rate": 1, "dependence": "independent"},
            r"dependence.*left out",
        ),
        (
            {
                "family": "empirical",
                "values": [1, 2],
                "start": {"family": "exponential", "rate": 1},
            },
            r"worker_times.times.*density",
        ),
        (
            {
                "family": "exponential",
                "rate": 1,
                "start": {"family": "empirical", "values": [1, 2]},
            },
            r"worker_times.start.*density",
        ),
    ],
)
def test_bad_tables_are_refused(worker_times, message):
    with pytest.raises(InvalidInputError, match=message):
        problem_from_dict(table(**worker_times))


def test_what_cannot_be_done_is_said():
    problem = problem_of(MODELS["comonotone"], cg.ExpectedRuntime())
    with pytest.raises(UnsupportedProblemError, match="start"):
        cg.solve(problem, "highs")
    with pytest.raises(UnsupportedProblemError, match="only designs"):
        cg.evaluate(problem, cg.Schedule(DESIGN, cells=5))
    heavy = cg.RandomStart(cg.Pareto(shape=0.9, scale=1e-3), START)
    with pytest.raises(InfiniteMeanError):
        cg.evaluate(problem_of(heavy, cg.ExpectedRuntime()), DESIGN)


def test_the_budget_is_filled_exactly() -> None:
    rng = np.random.default_rng(3)
    for size in (1, 2, 9):
        ahead, weights = rng.exponential(size=(2, size))
        for total in (1e-3, 1.0, 1e4):
            t = _filled(ahead, weights, total)
            assert weights @ np.maximum(t - ahead, 0.0) == pytest.approx(total, rel=1e-12)
