"""How far is a reported deadline from the first that keeps its probability?

``python -m tests.benchmarks.bench_quantile [--cases 500] [--seed 0]`` draws worker times (five families,
shapes 0.05 to 5, scales and shifts 1e-3 to 1e3), designs and probabilities (1e-9 to 1 - 1e-9), and prints
the worst relative distance to the smallest time that bisection on the completion probability finds.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

import cgcopt as cg
from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.evaluation.density.probability import completion_probability
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.workers.base import ContinuousTimes


def drawn_times(rng: np.random.Generator) -> ContinuousTimes:
    """Worker times of a random family."""
    shape = math.exp(rng.uniform(math.log(0.05), math.log(5.0)))
    scale = float(10.0 ** rng.uniform(-3, 3))
    shift = 0.0 if rng.random() < 0.5 else float(10.0 ** rng.uniform(-3, 3))
    match int(rng.integers(5)):
        case 0:
            return cg.ShiftedExponential(scale, shift)
        case 1:
            return cg.Weibull(shape, scale, shift)
        case 2:
            return cg.Gamma(shape, scale, shift)
        case 3:
            return cg.LogNormal(shape, scale, shift)
        case _:
            return cg.Pareto(shape, scale, shift)


def first_kept(system: cg.System, work: FloatArray, q: float) -> float:
    """The smallest number at which the completion probability is at least ``q``."""

    def met(t: float) -> bool:
        found = completion_probability(system, work, t)
        return bool(found.value >= q if q <= 0.5 else found.complement <= 1 - q)

    low, high = -700.0, 700.0  # logarithms
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if met(math.exp(middle)) else (middle, high)
    below, above = math.exp(low) * (1 - 1e-11), math.exp(high) * (1 + 1e-11)
    while (middle := below + (above - below) / 2) not in (below, above):
        below, above = (below, middle) if met(middle) else (middle, above)
    return above


def worst_error(cases: int, seed: int) -> tuple[int, float]:
    """The number of cases within double precision, and the largest relative error."""
    rng = np.random.default_rng(seed)
    seen, worst = 0, 0.0
    for _ in range(cases):
        times, workers = drawn_times(rng), int(rng.integers(1, 9))
        blocks = np.where(rng.random(workers) < 0.3, 0.0, rng.uniform(0.1, 10.0, workers))
        blocks[-1] = blocks[-1] or 1.0
        end = float(10.0 ** rng.uniform(-9, -3))
        q = (float(rng.uniform(0.001, 0.999)), end, 1 - end)[int(rng.integers(3))]
        system, work = cg.System(workers, 10, times, samples=workers), work_of_partition(blocks)
        expected = first_kept(system, work, q)
        if 1e-290 < expected < 1e290:
            seen += 1
            worst = max(worst, abs(runtime_quantile(system, work, q).value / expected - 1))
    return seen, worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    seen, worst = worst_error(given.cases, given.seed)
    print(f"{seen} deadlines, largest relative error {worst:.1e}")
