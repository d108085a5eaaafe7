"""Conditional value at risk: against sorting, enumeration, high precision and simulation."""

from __future__ import annotations

from itertools import product

import mpmath as mp
import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InfiniteMeanError, InvalidInputError
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.rounds.tail_mean import mean_of_worst
from cgcopt.evaluation.steps import tail_mean as steps
from cgcopt.workers.base import WorkerTimes

SHARES = [1e-9, 0.3, 0.5, 0.8, 0.95, 0.999]
MODELS = [
    cg.ShiftedExponential(rate=1e-3, shift=50.0),
    cg.Weibull(shape=0.7, scale=2.0),
    cg.Pareto(shape=2.5, scale=1.0),
    cg.Empirical([1.0, 2.0, 5.0], [2, 2, 1]),
    cg.Scenarios(np.random.default_rng(3).gamma(2.0, 1.0, (40, 4)) + 0.1),
]
DESIGN = cg.Design([10.0, 10.0, 5.0, 15.0])


def problem_of(times: WorkerTimes, q: float, costs: cg.Costs | None = None) -> cg.Problem:
    system = cg.System(4, 40, times, samples=3, costs=costs or cg.Costs())
    return cg.Problem(system, cg.ConditionalValueAtRisk(q))


@pytest.mark.parametrize("q", SHARES)
def test_rounds_against_sorting(q: float) -> None:
    rng = np.random.default_rng(1)
    for count in (1, 2, 7, 40):
        ends = rng.exponential(size=count)
        left, total = (1 - q) * count, 0.0
        for value in sorted(ends.tolist(), reverse=True):
            total += value * min(left, 1.0)
            left = max(left - 1.0, 0.0)
        assert mean_of_worst(ends, q) == pytest.approx(total / ((1 - q) * count), rel=1e-12)


@pytest.mark.parametrize("q", SHARES)
@pytest.mark.parametrize("costs", [cg.Costs(), cg.Costs(5.0, 0.1, 2.0)], ids=["free", "costs"])
def test_steps_against_all_rounds(q: float, costs: cg.Costs) -> None:
    values = np.array([1.0, 2.0, 5.0])
    every = cg.Scenarios(np.array(list(product(values, repeat=4))))
    known = cg.evaluate(problem_of(every, q, costs), DESIGN)
    found = cg.evaluate(problem_of(cg.Empirical(values), q, costs), DESIGN)
    assert str(found.method) == "exact"
    assert found.value == pytest.approx(known.value, rel=1e-12)


@pytest.mark.parametrize(("workers", "q"), [(2, 0.5), (2, 0.99), (3, 0.9)])
def test_densities_against_high_precision(workers: int, q: float) -> None:
    """The completion probability of two or three workers from its definition."""
    times = cg.ShiftedExponential(rate=1.0, shift=0.25)
    design = cg.Design([3.0, 2.0, 1.0][:workers])
    system = cg.System(workers, int(design.partition.sum()), times)
    found = cg.evaluate(cg.Problem(system, cg.ConditionalValueAtRisk(q)), design)
    reaches = [mp.mpf(system.unit) * mp.mpf(w) for w in design.work]

    def missed(t: mp.mpf) -> mp.mpf:
        chances = [1 - mp.exp(-max(t / a - mp.mpf("0.25"), 0)) for a in reaches]
        met = mp.mpf(0)
        for counts in product(range(workers + 1), repeat=workers):
            # counts[n] workers end between the thresholds of level n + 1 and level n
            if sum(counts) > workers:
                continue
            inside = [*counts, workers - sum(counts)]
            # done with level n: those of intervals n and above, from the longest work down
            if any(sum(inside[: workers - n]) < workers - n for n in range(workers)):
                continue
            falling = [
                chances[workers - 1],
                *(chances[n] - chances[n + 1] for n in range(workers - 2, -1, -1)),
                1 - chances[0],
            ]
            term = mp.factorial(workers)
            for number, chance in zip(inside, falling, strict=True):
                term *= chance**number / mp.factorial(number)
            met += term
        return 1 - met

    quantile = mp.findroot(
        lambda t: missed(t) - (1 - mp.mpf(q)),
        cg.evaluate(cg.Problem(system, cg.Quantile(q)), design).value,
    )
    kinks = sorted(a / 4 for a in reaches if a / 4 > quantile)
    far = quantile + 60 * max(reaches)
    tail = mp.quad(
        missed, [quantile, *kinks, quantile + max(reaches), quantile + 8 * max(reaches), far]
    )
    assert found.value == pytest.approx(float(quantile + tail / (1 - mp.mpf(q))), rel=1e-9)


@pytest.mark.parametrize("times", MODELS, ids=lambda times: times.label)
@pytest.mark.parametrize("q", SHARES)
def test_bounds_and_subgradients(times: WorkerTimes, q: float) -> None:
    problem = problem_of(times, q)
    found = cg.evaluate(problem, DESIGN, gradient=True)
    assert found.gradient is not None
    assert found.gradient @ DESIGN.work == pytest.approx(found.value, rel=1e-9)
    rng = np.random.default_rng(2)
    for other in np.sort(rng.random((5, 4)), axis=1):
        assert evaluate_work(problem, other).value >= found.gradient @ other * (1 - 1e-9)
    mean = cg.evaluate(cg.Problem(problem.system, cg.ExpectedRuntime()), DESIGN).value
    quantile = cg.evaluate(cg.Problem(problem.system, cg.Quantile(q)), DESIGN).value
    assert found.value >= max(mean, quantile) * (1 - 1e-9)
    if q < 1e-6:
        assert found.value == pytest.approx(mean, rel=1e-6)
    bound, _ = certify(problem, DESIGN)
    assert 0 < bound <= found.value * (1 + 1e-9)


@pytest.mark.parametrize("times", MODELS[:3], ids=lambda times: times.label)
@pytest.mark.parametrize("costs", [cg.Costs(), cg.Costs(5.0, 0.1, 2.0)], ids=["free", "costs"])
def test_gradients_of_densities_are_differences(times: WorkerTimes, costs: cg.Costs) -> None:
    problem = problem_of(times, 0.9, costs)
    work = DESIGN.work
    found = evaluate_work(problem, work, gradient=True)
    assert found.gradient is not None
    for n in range(4):
        step = np.zeros(4)
        step[n] = 1e-4 * work[n]
        high, low = (evaluate_work(problem, work + s).value for s in (step, -step))
        slope = (high - low) / (2 * step[n])
        assert found.gradient[n] == pytest.approx(slope, rel=1e-5, abs=1e-7 * found.gradient.max())


@pytest.mark.parametrize("times", MODELS, ids=lambda times: times.label)
def test_against_simulation(times: WorkerTimes) -> None:
    problem = problem_of(times, 0.9)
    exact = cg.evaluate(problem, DESIGN).value
    drawn = cg.simulate(problem, DESIGN, rounds=40_000, seed=5)
    assert drawn.standard_error < 0.05 * exact
    assert abs(drawn.value - exact) < 5 * drawn.standard_error


def test_a_sum_that_is_too_long_is_bracketed(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).gamma(2.0, 1.0, 300) + 0.1
    problem = problem_of(cg.Empirical(values), 0.9)
    exact = cg.evaluate(problem, DESIGN).value
    monkeypatch.setattr(steps, "affordable_panels", lambda workers: 300)
    found = cg.evaluate(problem, DESIGN, gradient=True)
    assert str(found.method) == "bracket"
    assert found.lower * (1 - 1e-12) <= exact <= found.upper * (1 + 1e-12)
    assert found.upper < found.lower * 1.01
    assert found.gradient is not None
    assert found.gradient @ DESIGN.work <= exact * (1 + 1e-12)


def test_schedules_on_rounds_have_it_too() -> None:
    times = cg.Scenarios([[1.0, 3.0], [2.0, 2.0]])
    problem = cg.Problem(cg.System(2, 3, times, samples=2), cg.ConditionalValueAtRisk(0.5))
    assert cg.evaluate(problem, cg.Schedule([2.0, 1.0])).value == pytest.approx(6.0)


def test_what_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"objective.probability = 1"):
        cg.ConditionalValueAtRisk(1.0)
    late = problem_of(cg.Pareto(shape=0.5, scale=1.0), 0.9)
    with pytest.raises(InfiniteMeanError):
        cg.evaluate(late, DESIGN)
    with pytest.raises(InvalidInputError, match="may never answer"):
        problem_of(cg.Scenarios([[1.0, 2.0, 3.0, np.inf]]), 0.9)


def test_instances_and_their_text() -> None:
    problem = problem_of(MODELS[0], 0.95)
    text = cg.instance_text(problem)
    assert 'kind = "conditional-value-at-risk"\nprobability = 0.95' in text
