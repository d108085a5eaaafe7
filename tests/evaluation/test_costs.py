"""Costs of starting and sending: the reference design, gradients, homogeneity, simulation, overlap."""

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.evaluate import evaluate_work

TIMES = cg.LogNormal(sigma=0.6, scale=1, shift=0.2)
COSTS = cg.Costs(startup=30, per_coordinate=0.5, per_message=40)
DESIGN = np.array([500.0, 200.0, 0.0, 100.0, 0.0, 0.0, 0.0, 200.0])
ROUNDS = np.random.default_rng(1).gamma(2.0, 1.0, (60, 8)) + 0.2
MODELS = {
    "density": TIMES,
    "heavy": cg.Pareto(shape=3.0, scale=1.0),
    "steps": cg.Empirical(ROUNDS.ravel()[:200]),
    "rounds": cg.Scenarios(ROUNDS),
}
OBJECTIVES = [cg.ExpectedRuntime(), cg.CompletionProbability(4000.0), cg.Quantile(0.9)]


def problem_of(times, objective, costs=COSTS, samples=8):
    return cg.Problem(cg.System(8, 1000, times, samples=samples, costs=costs), objective)


def test_reference_design():
    assert cg.evaluate(problem_of(TIMES, cg.ExpectedRuntime()), DESIGN).value == pytest.approx(
        2756.97537, abs=6e-6
    )


@pytest.mark.parametrize("times", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.kind)
def test_simulation_agrees(times, objective):
    problem = problem_of(times, objective)
    exact, drawn = cg.evaluate(problem, DESIGN), cg.simulate(problem, cg.Design(DESIGN))
    assert abs(exact.value - drawn.value) <= 5 * drawn.standard_error + 1e-12


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.kind)
@pytest.mark.parametrize("name", ["density", "heavy"])
def test_gradients_are_differences(name, objective):
    problem = problem_of(MODELS[name], objective)
    found = cg.evaluate(problem, DESIGN, gradient=True)
    by_level = partition_gradient(found.gradient)
    for level in np.flatnonzero(DESIGN):
        step = np.zeros(8)
        step[level] = 1e-4 * DESIGN[level]
        above = evaluate_work(problem, cg.Design(DESIGN + step).work).value
        below = evaluate_work(problem, cg.Design(DESIGN - step).work).value
        difference = (above - below) / (2 * step[level])
        assert by_level[level] == pytest.approx(difference, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("times", MODELS.values(), ids=MODELS)
def test_homogeneous_in_work_and_costs_together(times):
    """Twice the work and twice every fixed cost is twice the runtime."""
    once = problem_of(times, cg.ExpectedRuntime())
    twice = problem_of(times, cg.ExpectedRuntime(), cg.Costs(60, 0.5, 80))
    value = evaluate_work(once, cg.Design(DESIGN).work).value
    doubled = evaluate_work(twice, cg.Design(2 * DESIGN).work).value
    assert doubled == pytest.approx(2 * value, rel=1e-7)


def test_costs_that_vanish_change_nothing():
    small = cg.Costs(1e-9, 1e-12, 1e-9)
    for times in MODELS.values():
        for objective in (cg.ExpectedRuntime(), cg.Quantile(0.9)):
            free = cg.evaluate(problem_of(times, objective, cg.Costs()), DESIGN).value
            costly = cg.evaluate(problem_of(times, objective, small), DESIGN).value
            assert costly == pytest.approx(free, rel=1e-6)


def overlapped_by_events(design, times, system):
    """One round, worker by worker, in plain Python."""
    costs, n = system.costs, system.workers
    arrivals = []
    for t in times:
        clock, link, arrived = costs.startup, 0.0, {}
        for level in np.flatnonzero(design):
            clock += t * system.unit * (level + 1) * design[level]
            link = max(link, clock) + costs.per_coordinate * design[level] + costs.per_message
            arrived[level] = link
        arrivals.append(arrived)
    return max(
        sorted(a[level] for a in arrivals)[n - level - 1] for level in np.flatnonzero(design)
    )


def test_overlapped_sending_against_events_and_never_slower():
    problem = problem_of(cg.Scenarios(ROUNDS), cg.ExpectedRuntime())
    drawn = cg.simulate(problem, cg.Design(DESIGN), rounds=4000, overlapped=True)
    expected = np.mean([overlapped_by_events(DESIGN, row, problem.system) for row in ROUNDS])
    assert abs(drawn.value - expected) <= 5 * drawn.standard_error
    in_turn = cg.simulate(problem, cg.Design(DESIGN), rounds=4000)
    assert drawn.value < in_turn.value
