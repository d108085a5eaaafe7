"""Systems of many workers: what needs few of them is quick, what does not fit is said, limits hold."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.level_bounds import jensen_bound
from cgcopt.evaluation.order_statistics import order_statistic_means
from cgcopt.objective import Objective

MANY = 20_000
TIMES = cg.ShiftedExponential(rate=2.0, shift=1.0)


def problem_of(workers: int, objective: Objective | None = None) -> cg.Problem:
    system = cg.System(workers, 1000, TIMES, samples=workers)
    return cg.Problem(system, objective or cg.ExpectedRuntime())


def one_block(workers: int, level: int) -> np.ndarray:
    partition = np.zeros(workers)
    partition[level] = 1000.0
    return partition


@pytest.mark.parametrize("level", [0, 1, 700, MANY - 1])
def test_one_block_of_many_workers_has_its_order_statistic(level: int) -> None:
    """Exponential spacings: ``E[T_(k)] = shift + (H_N - H_(N-k)) / rate``; ``P`` a binomial tail."""
    from scipy.stats import beta

    tail = sum(1.0 / j for j in range(level + 1, MANY + 1))
    cycles = 1000.0 * (level + 1)
    mean = cg.evaluate(problem_of(MANY), one_block(MANY, level), gradient=True)
    assert mean.value == pytest.approx(cycles * (1.0 + tail / 2.0), rel=1e-12)
    assert mean.gradient is not None
    assert mean.gradient[level] == pytest.approx(mean.value / cycles, rel=1e-15)
    assert np.count_nonzero(mean.gradient) == 1
    late = beta(level + 1, MANY - level)  # the chance to be late of the worker that ends the round
    quantile = cg.evaluate(problem_of(MANY, cg.Quantile(0.3)), one_block(MANY, level))
    expected = cycles * (1.0 - math.log(late.isf(0.3)) / 2.0)
    assert quantile.value == pytest.approx(expected, rel=1e-11)
    chance = cg.evaluate(
        problem_of(MANY, cg.CompletionProbability(expected)), one_block(MANY, level)
    )
    assert chance.value == pytest.approx(0.3, rel=1e-9)


def test_the_bound_of_many_workers_is_that_of_the_harmonic_numbers() -> None:
    harmonic = np.concatenate(([0.0], np.cumsum(1.0 / np.arange(1.0, MANY + 1))))
    k = np.arange(MANY, 0, -1)  # workers that level n waits for
    means = 1.0 + (harmonic[MANY] - harmonic[MANY - k]) / 2.0
    n = np.arange(1.0, MANY + 1)
    weights = np.append(1.0 / (n[:-1] * (n[:-1] + 1.0)), 1.0 / MANY)
    expected = 1000.0 / float((weights / means).sum())
    assert jensen_bound(problem_of(MANY).system) == pytest.approx(expected, rel=1e-9)
    assert order_statistic_means(TIMES, MANY)[::-1] == pytest.approx(means, rel=1e-11)


def test_a_method_says_how_many_workers_it_takes() -> None:
    with pytest.raises(UnsupportedProblemError, match="up to 5000 workers, not 20000"):
        cg.solve(problem_of(MANY), "optimal")
    assert cg.solve(problem_of(MANY), "uncoded").gap > 0.0


def test_the_best_single_level_keeps_its_time_limit() -> None:
    problem = problem_of(3000, cg.Quantile(0.9))
    cg.solve(problem_of(4, cg.Quantile(0.9)), "single-level")  # imports
    started = time.process_time()
    found = cg.solve(problem, "single-level", time_limit=0.2)
    assert time.process_time() - started < 2.2
    assert found.termination == "time-limit"
    assert found.design is not None
