"""Designing anew from the rounds of the run: it pays when the slow worker changes, not otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from training.virtual import VirtualEngine

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.training import Redesign, Softmax, programs_of, replayed_delays, train
from cgcopt.training.pace import RoundModel
from cgcopt.training.redesign import propose

pytestmark = pytest.mark.usefixtures("few_restarts")

WORKERS = 4


@pytest.fixture(scope="module")
def task() -> Softmax:
    rng = np.random.default_rng(5)
    features = np.hstack([rng.standard_normal((200, 19)), np.ones((200, 1))])
    return Softmax(features, np.eye(4)[rng.integers(4, size=200)])


def rounds_with_a_slow_worker(slow: int, rounds: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    times = 1.0 + 0.05 * rng.random((rounds, WORKERS))
    times[:, slow] *= 6.0
    return times


def plan_for(task: Softmax, schedule: cg.Schedule) -> cg.Plan:
    return cg.make_plan(schedule, task.samples, coordinates=task.coordinates)


def test_a_slow_worker_that_changes(task: Softmax) -> None:
    recorded = np.vstack([rounds_with_a_slow_worker(0, 8, 1), rounds_with_a_slow_worker(3, 12, 2)])
    # Little work for worker 0, as a design from the first rounds would have it.
    first = plan_for(task, cg.Schedule([80, 0, 0, 0], work=np.array([1, 6, 6, 6.0])))
    plans = {"plan": first, "fixed": first}
    delays = replayed_delays(recorded, None, first, seconds=0.3)
    engine = VirtualEngine(task, programs_of(plans))
    redesign = Redesign(every=8)
    run = train(task, plans, engine, delays, rounds=20, redesign=redesign)
    (change,) = [note for note in run.notes if "plan changed" in note]
    assert "before round 16" in change
    own, fixed = run.plans["plan"], run.plans["fixed"]
    np.testing.assert_allclose(own.parameters, fixed.parameters, atol=1e-10)
    assert own.plan is not first
    assert fixed.plan is first
    assert own.modelled[-4:].mean() < 0.6 * fixed.modelled[-4:].mean()
    assert np.array_equal(own.modelled[:8], fixed.modelled[:8])


def test_the_check_is_made_on_rounds_not_seen(task: Softmax) -> None:
    plan = plan_for(task, cg.Schedule([20, 20, 20, 20]))
    steady = propose(plan, rounds_with_a_slow_worker(3, 10, 1), task, Redesign(every=10))
    assert steady.pays
    held_out = rounds_with_a_slow_worker(3, 10, 1)[5:]
    assert steady.then == pytest.approx(RoundModel(steady.plan).seconds(held_out).mean())
    again = propose(steady.plan, rounds_with_a_slow_worker(3, 10, 3), task, Redesign(every=10))
    assert not again.pays
    assert "plan kept" in str(again)
    # The slow worker changes between the two halves: what fits the first does not pay on the second.
    rounds = np.vstack([rounds_with_a_slow_worker(0, 5, 1), rounds_with_a_slow_worker(3, 5, 2)])
    assert not propose(steady.plan, rounds, task, Redesign(every=10)).pays


def test_refused() -> None:
    with pytest.raises(InvalidInputError, match="redesign-every = 3: must be"):
        Redesign(every=3)
