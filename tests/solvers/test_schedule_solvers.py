"""Solvers beyond one order and equal work, and the uncoded baselines."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic, speed_of_light
from cgcopt.evaluation.schedules.ends import ends_of_rounds
from cgcopt.evaluation.schedules.rounds import finish_of, runtimes_of
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.schedules.aims import DeadlineAim, MeanAim, QuantileAim
from cgcopt.solvers.schedules.descent import descend
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.majorant import last_cells, majorant_at
from cgcopt.solvers.schedules.sample import sample_of

PAPER = cg.ShiftedExponential(rate=1e-3, shift=50)


def rounds(count: int, workers: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return PAPER.sample(count, workers, rng) * rng.uniform(0.5, 2.0, workers)


def problem_of(times: np.ndarray, objective: cg.objective.Objective | None = None) -> cg.Problem:
    system = cg.System(times.shape[1], 1000, cg.Scenarios(times), samples=times.shape[1])
    return cg.Problem(system, objective or cg.ExpectedRuntime())


def test_the_last_cells_are_those_of_the_definition():
    times = rounds(4, 5)
    schedule = cg.Schedule([0.3, 0.0, 0.2, 0.0, 0.5], [1.0, 2.0, 3.0, 1.0, 1.0], cells=4)
    finish = finish_of(schedule, 1.0)
    last, place = last_cells(finish, times)
    for k in range(4):
        wanted = np.full(5, -1), np.zeros(5, dtype=int)
        for b, n in enumerate(finish.levels):
            for c in range(4):
                done = times[k] * finish.factors[b, c]
                for i in np.argsort(done)[: 5 - n]:
                    if b > wanted[0][i]:
                        wanted[0][i], wanted[1][i] = b, 0
                    wanted[1][i] = max(wanted[1][i], finish.places[i, c])
        assert np.array_equal(last[k], wanted[0])
        assert np.array_equal(place[k], wanted[1])


@pytest.mark.parametrize("costs", [None, cg.Costs(1.0, 0.3, 2.0)])
def test_the_majorant_touches_and_stays_above(costs):
    sample = sample_of(rounds(30, 5), 1.0, 100.0, costs)
    rng = np.random.default_rng(3)
    x = rng.dirichlet(np.ones(5))
    here = cg.Schedule(x, rng.random(5) + 0.1)
    majorant = majorant_at(sample, here)
    for there in [here, *(cg.Schedule(rng.dirichlet(np.ones(5)), rng.random(5)) for _ in range(5))]:
        above = np.zeros(30)
        np.maximum.at(above, majorant.round, majorant.values(sample, there))
        runtimes = sample.runtimes(there)
        assert np.all(above >= runtimes * (1 - 1e-12))
        if there is here:
            assert np.allclose(above, runtimes, rtol=1e-12)


@pytest.mark.parametrize("freedom", list(Freedom))
@pytest.mark.parametrize("aim", [MeanAim(), QuantileAim(0.8), DeadlineAim(0.45)])
def test_a_descent_never_rises(freedom, aim):
    sample = sample_of(rounds(25, 5), 1.0, 1.0)
    start = cg.Schedule([0.3, 0.1, 0.0, 0.0, 0.6])
    end = descend(sample, start, aim, freedom, Clock.started(20))
    assert all(b <= a * (1 + 1e-6) for a, b in zip(end.history, end.history[1:], strict=False))
    assert end.value <= aim.value(sample.runtimes(start)) * (1 + 1e-6)
    assert end.value == aim.value(sample.runtimes(end.schedule))


@pytest.mark.usefixtures("few_restarts_here")
def test_more_freedom_is_never_worse_and_none_beats_light():
    problem = problem_of(rounds(8, 4))
    certified = cg.solve(problem)
    values = [certified.value]
    rotated = cg.Schedule(certified.design.partition)
    values.append(cg.evaluate(problem, rotated).value)
    for work in ("equal", "shares", "full"):
        found = cg.solve(problem, "schedule", raw={"work": work})
        assert found.schedule.cells == 4
        assert found.bound < found.value
        assert str(found.certificate) == "speed-of-light"
        values.append(found.value)
    assert values[1] < values[0]
    assert values[2] <= values[1] * (1 + 1e-9)
    assert max(values[3:]) <= values[2] * (1 + 1e-6)
    assert min(values) > speed_of_light(problem.system, problem.system.worker_times.times).mean()


def test_one_order_and_equal_work_is_the_certified_optimum():
    problem = problem_of(rounds(15, 4))
    found = cg.solve(problem, "schedule", raw={"work": "equal", "rotated": False})
    assert found.value == pytest.approx(cg.solve(problem).value, rel=1e-4)
    assert found.schedule.cells == 1


@pytest.mark.usefixtures("few_restarts_here")
def test_limits_and_costs_are_kept():
    times = rounds(4, 6)
    system = cg.System(
        6, 1000, cg.Scenarios(times), samples=6, costs=cg.Costs(per_coordinate=0.2, per_message=9.0)
    )
    limits = cg.Limits(copies=3, blocks=2, least=0.1)
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=limits)
    for work in ("equal", "shares", "full"):
        found = cg.solve(problem, "schedule", raw={"work": work})
        schedule = found.schedule
        assert str(found.status) == "scheme", found.message
        assert not limits.violation(schedule.partition)
        assert schedule.fractions[:, schedule.partition > 0].max() <= 0.5 + 1e-9
        plain = runtimes_of(schedule, times, system.unit)
        assert found.value > plain.mean()


def test_blocks_end_at_boundaries_and_no_pair_of_ends_is_better():
    ends = [100, 150, 300, 700, 800, 1000]
    limits = cg.Limits(boundaries=ends)
    problem = problem_of(rounds(12, 3))
    limited = cg.Problem(problem.system, problem.objective, limits=limits)
    found = cg.solve(limited, "schedule", raw={"work": "equal"})
    assert not limits.violation(found.schedule.partition)
    assert set(np.cumsum(found.schedule.partition).round(6)) <= {0, *ends}
    places = [0, *ends]
    best = min(
        cg.evaluate(problem, cg.Schedule([a, b - a, 1000 - b])).value
        for a in places
        for b in places
        if a <= b
    )
    assert found.value <= best * 1.001


@pytest.mark.usefixtures("few_restarts_here")
def test_whole_numbers():
    found = cg.solve(problem_of(rounds(10, 4)), "schedule", form="block", raw={"work": "full"})
    assert found.schedule.is_integer
    assert found.schedule.coordinates == 1000


def test_a_time_limit_leaves_the_best_so_far():
    found = cg.solve(problem_of(rounds(200, 12)), "schedule", time_limit=0.3, raw={"work": "full"})
    assert str(found.termination) == "time-limit"
    assert found.value < cg.solve(problem_of(rounds(200, 12)), "uncoded").value


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"work": "some"},
            "options.raw['work'] = 'some': must be one of equal, shares, full, auto",
        ),
        ({"rotated": 1}, "options.raw['rotated'] = 1: must be true or false"),
        ({"cells": 0}, "options.raw['cells'] = 0: must be a whole number"),
        ({"order": 1}, "options.raw['order'] = 1: must be one of work, rotated, cells"),
    ],
)
def test_bad_options_are_refused(raw, message):
    with pytest.raises(cg.InvalidInputError, match=re.escape(message)):
        cg.solve(problem_of(rounds(5, 3)), "schedule", raw=raw)


@pytest.mark.parametrize(
    ("times", "workers", "least", "most"),
    [
        (PAPER, 10, 0.74, 0.757),
        (PAPER, 20, 0.69, 0.707),
        (cg.LogNormal(sigma=0.6, scale=1, shift=0.2), 12, 0.84, 0.853),
    ],
)
def test_two_levels_against_the_certified_optimum(times, workers, least, most):
    problem = cg.Problem(cg.System(workers, 20_000, times, samples=50), cg.ExpectedRuntime())
    ratio = cg.solve(problem, "two-level").value / cg.solve(problem, gap=1e-4).value
    assert least < ratio < most


@pytest.mark.parametrize(("workers", "least"), [(10, 0.8996558), (20, 0.9997182)])
def test_two_levels_keep_the_published_deadline(workers, least):
    times = cg.ShiftedExponential(rate=0.1, shift=1)
    system = cg.System(workers, 40_000, times, samples=50)
    found = cg.solve(cg.Problem(system, cg.CompletionProbability(10**6.5)), "two-level")
    assert found.value >= least - 5e-8


def test_baselines_by_definition():
    times = rounds(6, 5)
    system = problem_of(times).system
    work = system.unit * system.coordinates
    for copies in (1, 2, 5):
        expected = [
            max(
                min(work * row[(b - place + 1) % 5] * place for place in range(1, copies + 1))
                for b in range(5)
            )
            for row in times
        ]
        assert np.allclose(Cyclic(copies).runtimes(system, times), expected)
    # All subsets everywhere is one rotated block of level N - 1.
    everything = cg.Schedule([0, 0, 0, 0, 1000])
    assert np.allclose(Cyclic(5).runtimes(system, times), ends_of_rounds(everything, system, times))
    light = speed_of_light(system, times)
    fine = Dynamic(4000).runtimes(system, times)
    assert np.all(fine >= light)
    assert np.allclose(fine, light, rtol=0.01)
    assert np.all(
        Dynamic(20, latency=30.0).runtimes(system, times) > Dynamic(20).runtimes(system, times)
    )


@functools.cache
def published_rounds():
    return PAPER.sample(20_000, 20, np.random.default_rng(3))


@pytest.mark.parametrize(("copies", "ratio"), [(2, 0.664), (4, 0.469), (8, 0.358), (20, 0.300)])
def test_cyclic_scheduling_in_the_published_setting(copies, ratio):
    times = published_rounds()
    system = cg.System(20, 1, PAPER, samples=20)
    uncoded = times.max(axis=1).mean()
    assert Cyclic(copies).runtimes(system, times).mean() / uncoded == pytest.approx(
        ratio, abs=0.005
    )


@pytest.mark.parametrize(
    ("latency", "ratio"),
    [
        (0.0, 0.126),
        pytest.param(0.005, 0.169, marks=pytest.mark.slow),
        (0.01, 0.193),
        pytest.param(0.02, 0.227, marks=pytest.mark.slow),
        pytest.param(0.03, 0.254, marks=pytest.mark.slow),
        (0.05, 0.303),
    ],
)
def test_dynamic_assignment_in_the_published_setting(latency, ratio):
    times = published_rounds()[:8000]
    system = cg.System(20, 1, PAPER, samples=20)
    uncoded = times.max(axis=1).mean()
    best = min(
        Dynamic(cells, latency * uncoded).runtimes(system, times).mean() for cells in (20, 40, 80)
    )
    assert best / uncoded == pytest.approx(ratio, abs=0.005)


def test_balanced_shares_against_another_solver():
    from scipy.optimize import linprog

    times = rounds(15, 4)
    problem = problem_of(times)
    found = cg.solve(problem, "balanced")
    matrix = np.zeros((60, 19))
    for row, (k, i) in enumerate(np.ndindex(15, 4)):
        matrix[row, i], matrix[row, 4 + k] = 4 * times[k, i], -1.0
    cost = np.concatenate((np.zeros(4), np.full(15, 1 / 15)))
    total = np.concatenate((np.ones(4), np.zeros(15)))[np.newaxis]
    best = linprog(cost, matrix, np.zeros(60), total, [1.0])
    assert found.value == pytest.approx(1000 * best.fun, rel=1e-6)
    assert found.value <= cg.solve(problem, "leave-out").value * (1 + 1e-9)


def test_the_recorded_trace_reaches_its_reference():
    data = cg.example_instances()["recorded"].parents[1] / "traces"
    first, second = cg.Trace.read(data / "recorded_8workers.csv").split()
    found = cg.solve(problem_of(first.times), "schedule", raw={"work": "equal"})
    held_out = runtimes_of(found.schedule, second.times, 1 / 1000).mean()
    assert held_out / second.times.max(axis=1).mean() < 0.305


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "work", "most"),
    [
        ("ec2_15nodes_data6", "full", 0.335),
        ("llm_AR_stage0_compute", "full", 0.508),
        ("llm_SE_stage1_compute", "auto", 0.970),
    ],
)
def test_measured_traces_reach_their_references(shared_traces, name, work, most):
    first, second = cg.Trace.read(shared_traces / f"{name}.csv").split()
    found = cg.solve(problem_of(first.times), "schedule", raw={"work": work})
    held_out = runtimes_of(found.schedule, second.times, 1 / 1000).mean()
    assert held_out / second.times.max(axis=1).mean() <= most


@pytest.mark.parametrize(
    "limits",
    [
        cg.Limits(boundaries=[200, 350, 600, 1000]),
        cg.Limits(least=0.3),
        cg.Limits(least=0.2, boundaries=[150, 350, 900, 1000]),
    ],
)
def test_two_levels_keep_least_blocks_and_boundaries(limits):
    problem = cg.Problem(cg.System(6, 1000, PAPER, samples=6), cg.ExpectedRuntime(), limits=limits)
    found = cg.solve(problem, "two-level")
    assert limits.violation(found.partition) == ""
    shares = {0.0, 1.0, *(end / 1000 for end in limits.boundaries or ())}
    shares |= set() if limits.boundaries else {0.3, 0.5, 0.7}
    least = limits.least or 0.0
    for share in shares:
        if share in (0.0, 1.0) or least <= share <= 1 - least:
            other = cg.Schedule([1000 * share, 0, 0, 0, 0, 1000 * (1 - share)])
            assert found.value <= cg.evaluate(problem, other).value * (1 + 1e-9)


def test_uncoded_ways_keep_copies():
    problem = replace(problem_of(rounds(60, 6)), limits=cg.Limits(copies=1))
    for name in ("balanced", "leave-out"):
        found = cg.solve(problem, name).schedule
        assert 6 * found.fractions[:, 0].max() <= 1 + 1e-9
    with pytest.raises(cg.CgcoptError, match="'dynamic' cannot keep the limit copies"):
        cg.solve(problem, "dynamic")


def test_the_rotated_optimum_counts_costs_and_keeps_limits():
    costs, limits = cg.Costs(per_message=20.0), cg.Limits(blocks=2)
    system = cg.System(5, 1000, PAPER, samples=5, costs=costs)
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=limits)
    plain, found = cg.solve(problem), cg.solve(problem, "rotated")
    assert np.array_equal(found.partition, plain.partition)
    same = cg.Schedule(plain.partition)
    assert found.value == cg.evaluate(problem, same).value


def test_cyclic_order_says_what_it_sends():
    found = cg.solve(problem_of(rounds(30, 4)), "cyclic", raw={"copies": 3})
    assert found.message == "a worker sends up to 3 times as much as with a code"
