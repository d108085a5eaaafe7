"""Small problems of every kind and their optima, by means that share nothing with a solver."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np

import cgcopt as cg
from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights
from cgcopt.objective import Objective
from cgcopt.problem import Form, Problem
from cgcopt.solvers.base import Times

WORKERS, COORDINATES, ROUNDS = 3, 7, 8
#: Exact problems have two workers: their designs are a line.
EXACT_COORDINATES = 24


@cache
def problem_for(objective: type[Objective], times: Times) -> Problem:
    """A small problem whose optimum :func:`optimum` knows."""
    if times is Times.SCENARIOS:
        rounds = 50.0 + np.random.default_rng(5).exponential(1e3, (ROUNDS, WORKERS))
        system = cg.System(WORKERS, COORDINATES, cg.Scenarios(rounds), samples=50, cycles=0.1)
    elif times is Times.DISCRETE:
        model = cg.Empirical([50.0, 80.0, 130.0, 400.0, 2000.0], [3, 4, 2, 1, 1])
        system = cg.System(2, EXACT_COORDINATES, model, samples=50)
    else:
        model = cg.ShiftedExponential(rate=1e-3, shift=50.0)
        system = cg.System(2, EXACT_COORDINATES, model, samples=50)
    if objective is cg.ExpectedRuntime:
        return Problem(system, cg.ExpectedRuntime())
    if objective is cg.Quantile:
        return Problem(system, cg.Quantile(0.8))
    if objective is cg.ConditionalValueAtRisk:
        return Problem(system, cg.ConditionalValueAtRisk(0.8))
    middle = cg.Design(np.full(system.workers, system.coordinates / system.workers))
    deadline = cg.evaluate(Problem(system, cg.Quantile(0.6)), middle).value
    return Problem(system, cg.CompletionProbability(deadline))


@cache
def optimum(objective: type[Objective], times: Times, form: Form) -> float:
    """Best value of :func:`problem_for`."""
    problem = problem_for(objective, times)
    if times is not Times.SCENARIOS:
        return _best_on_the_line(problem) if form is Form.RELAXED else _best_whole(problem)
    if form is not Form.RELAXED:
        return _best_partition(problem)
    if objective is cg.ExpectedRuntime:
        return _relaxed_runtime(problem)
    if objective is cg.ConditionalValueAtRisk:
        return _relaxed_tail_mean(problem)
    return _relaxed_by_subsets(problem)


def _order_statistics(problem: Problem) -> FloatArray:
    times = problem.system.worker_times
    assert isinstance(times, cg.Scenarios)
    return np.sort(times.times, axis=1)[:, ::-1]


def _best_partition(problem: Problem) -> float:
    """All partitions in whole numbers, valued by the definition of the runtime."""
    times, unit = _order_statistics(problem), problem.system.unit
    best: list[float] = []
    for cuts in itertools.combinations(range(COORDINATES + WORKERS - 1), WORKERS - 1):
        edges = np.array([-1, *cuts, COORDINATES + WORKERS - 1])
        work = np.cumsum((np.diff(edges) - 1) * np.arange(1, WORKERS + 1))
        best.append(_worth(problem, (unit * times * work).max(axis=1)))
    return _best(problem)(best)


def _worth(problem: Problem, tau: FloatArray) -> float:
    objective = problem.objective
    if isinstance(objective, cg.CompletionProbability):
        return float((tau <= objective.deadline).mean())
    if isinstance(objective, cg.Quantile):
        return float(np.sort(tau)[int(np.ceil(objective.probability * tau.size)) - 1])
    if isinstance(objective, cg.ConditionalValueAtRisk):
        return mean_of_slowest(tau, objective.probability)
    return float(tau.mean())


def mean_of_slowest(tau: FloatArray, probability: float) -> float:
    """Mean of the slowest share of the rounds, by sorting."""
    left, total, count = (1.0 - probability) * tau.size, 0.0, (1.0 - probability) * tau.size
    for value in sorted(tau.tolist(), reverse=True):
        total += value * min(left, 1.0)
        left = max(left - 1.0, 0.0)
    return total / count


def _best(problem: Problem) -> Callable[[list[float]], float]:
    return max if isinstance(problem.objective, cg.CompletionProbability) else min


def _relaxed_runtime(problem: Problem) -> float:
    """The linear program over the blocks themselves, dense, by the simplex method."""
    from scipy.optimize import linprog

    times, unit = _order_statistics(problem), problem.system.unit
    levels = np.arange(WORKERS)
    work_of_x = np.tril(np.ones((WORKERS, WORKERS))) * (levels + 1.0)
    rows, right = [], []
    for k, n in itertools.product(range(ROUNDS), levels):
        theta = np.zeros(ROUNDS)
        theta[k] = -1.0
        rows.append(np.concatenate([unit * times[k, n] * work_of_x[n], theta]))
        right.append(0.0)
    cost = np.concatenate([np.zeros(WORKERS), np.full(ROUNDS, 1 / ROUNDS)])
    total = np.concatenate([np.ones(WORKERS), np.zeros(ROUNDS)])[None, :]
    result = linprog(cost, rows, right, total, [COORDINATES], method="highs-ds")
    return float(result.fun)


def _relaxed_tail_mean(problem: Problem) -> float:
    """The linear program of Rockafellar and Uryasev over the blocks themselves, dense."""
    from scipy.optimize import linprog

    times, unit = _order_statistics(problem), problem.system.unit
    work_of_x = np.tril(np.ones((WORKERS, WORKERS))) * np.arange(1.0, WORKERS + 1)
    rows = [
        np.concatenate([unit * times[k, n] * work_of_x[n], [-1.0], -np.eye(ROUNDS)[k]])
        for k, n in itertools.product(range(ROUNDS), range(WORKERS))
    ]
    (probability,) = problem.objective.parameters
    each = np.full(ROUNDS, 1 / ((1.0 - probability) * ROUNDS))
    cost = np.concatenate([np.zeros(WORKERS), [1.0], each])
    total = np.concatenate([np.ones(WORKERS), np.zeros(ROUNDS + 1)])[None, :]
    result = linprog(cost, rows, np.zeros(len(rows)), total, [COORDINATES], method="highs-ds")
    return float(result.fun)


def _relaxed_by_subsets(problem: Problem) -> float:
    """Which sets of rounds one design meets is known in closed form; try all.

    All rounds of a set are met by some design if and only if the work allowed by every one of them
    holds all coordinates.
    """
    v, times = budget_weights(WORKERS), _order_statistics(problem)
    if isinstance(problem.objective, cg.Quantile):
        wanted = int(np.ceil(problem.objective.probability * ROUNDS))
        ends = []
        for chosen in itertools.combinations(range(ROUNDS), wanted):
            # w_n = t / (u max T) for the t that makes the budget fit
            share = float(v @ (1.0 / times[list(chosen)].max(axis=0)))
            ends.append(problem.system.unit * COORDINATES / share)
        return min(ends)
    assert isinstance(problem.objective, cg.CompletionProbability)
    room = problem.objective.deadline / (problem.system.unit * times)
    for size in range(ROUNDS, 0, -1):
        for chosen in itertools.combinations(range(ROUNDS), size):
            if float(v @ room[list(chosen)].min(axis=0)) >= COORDINATES:
                return size / ROUNDS
    return 0.0


def _best_whole(problem: Problem) -> float:
    """Two workers: every split in whole numbers."""
    L = problem.system.coordinates
    return _best(problem)([cg.evaluate(problem, [x, L - x]).value for x in range(L + 1)])


def _best_on_the_line(problem: Problem) -> float:
    """Two workers: scan ``x_0``, refine by golden section, look at every jump of a step."""
    from scipy.optimize import minimize_scalar

    maximize = isinstance(problem.objective, cg.CompletionProbability)
    sign = -1.0 if maximize else 1.0
    L = problem.system.coordinates

    def cost(x0: float) -> float:
        return sign * cg.evaluate(problem, [x0, L - x0]).value

    grid = np.linspace(0.0, L, 61)
    values = [cost(x0) for x0 in grid]
    times = problem.system.worker_times
    if isinstance(times, cg.Empirical):
        if maximize:  # jumps where a product u T w_n meets the deadline
            assert isinstance(problem.objective, cg.CompletionProbability)
            room = problem.objective.deadline / (problem.system.unit * times.values)
            jumps = [*room, *(2 * L - room)]
            values += [cost(x0) for x0 in jumps if 0 <= x0 <= L]
        else:  # kinks where two products are equal
            ratio = np.unique(np.divide.outer(times.values, times.values))
            kinks = 2 * L / (1.0 + ratio)  # x_0 r = 2 L - x_0
            values += [cost(x0) for x0 in kinks if 0 <= x0 <= L]
        return sign * min(values)
    at = int(np.argmin(values))
    bracket = (grid[max(at - 1, 0)], grid[min(at + 1, 60)])
    found = minimize_scalar(cost, bounds=bracket, method="bounded", options={"xatol": 1e-9})
    return sign * min(min(values), float(found.fun))


def best_share(problem: Problem) -> float:
    """Most rounds in time over all partitions in whole numbers of any size, as a share.

    A set of rounds can be met if and only if whole blocks, filled up level by level within the least
    of the rounds' thresholds, hold all coordinates.  All sets of thresholds are tried in exact
    integers, from the first level on, unless too few rounds or too little room are left.
    """
    assert isinstance(problem.objective, cg.CompletionProbability)
    deadline, unit = problem.objective.deadline, problem.system.unit
    rows = [[_whole_room(t, unit, deadline) for t in row] for row in _order_statistics(problem)]
    N, best = problem.system.workers, 0

    def holds(room: list[int]) -> int:
        count = work = 0
        for n, most in enumerate(room):
            block = max((most - work) // (n + 1), 0)
            count, work = count + block, work + block * (n + 1)
        return count

    def search(room: list[int], alive: list[list[int]]) -> None:
        nonlocal best
        n = len(room)
        if len(alive) <= best:
            return
        rest = [max(row[m] for row in alive) for m in range(n, N)]
        if holds(room + rest) < problem.system.coordinates:
            return
        if n == N:
            best = len(alive)
            return
        for most in sorted({row[n] for row in alive}):
            search([*room, most], [row for row in alive if row[n] >= most])

    search([], rows)
    return best / len(rows)


def _whole_room(time: float, unit: float, deadline: float) -> int:
    """Largest whole ``w`` with ``time * (unit * w) <= deadline`` as the evaluation computes it."""
    room = int(min(deadline / (unit * time), 2.0**53))
    while time * (unit * (room + 1)) <= deadline:
        room += 1
    while time * (unit * room) > deadline:
        room -= 1
    return room
