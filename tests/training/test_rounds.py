"""The protocol of a round without processes: order of arrivals, losses, replacements."""

from __future__ import annotations

import numpy as np
import pytest
from training.virtual import VirtualEngine

import cgcopt as cg
from cgcopt.errors import InvalidInputError, TrainingError
from cgcopt.training import (
    Delays,
    Pace,
    RoundModel,
    Softmax,
    TrainSettings,
    drawn_delays,
    no_delays,
    programs_of,
    replayed_delays,
    train,
)

WORKERS = 5


@pytest.fixture(scope="module")
def task() -> Softmax:
    rng = np.random.default_rng(5)
    features = np.hstack([rng.standard_normal((43, 9)), np.ones((43, 1))])
    return Softmax(features, np.eye(4)[rng.integers(4, size=43)])


@pytest.fixture(scope="module")
def system() -> cg.System:
    times = cg.LogNormal(sigma=0.6, scale=1.0, shift=0.2)
    costs = cg.Costs(startup=3.0, per_coordinate=0.05, per_message=2.0)
    return cg.System(WORKERS, 40, times, samples=WORKERS, costs=costs)


@pytest.fixture(scope="module")
def plans(task: Softmax) -> dict[str, cg.Plan]:
    kinds = {
        "design": cg.Design([8, 12, 4, 0, 16]),
        "rotated": cg.Schedule([8, 12, 4, 0, 16]),
        "unequal": cg.Schedule([8, 12, 4, 0, 16], work=[1, 2, 0.5, 1, 0.0]),  # type: ignore[arg-type]
        "uncoded": cg.Design([40, 0, 0, 0, 0]),
    }
    return {name: cg.make_plan(kind, samples=task.samples) for name, kind in kinds.items()}


def descent(task: Softmax, rounds: int) -> np.ndarray:
    parameters = task.initial()
    for _ in range(rounds):
        parameters = parameters - task.step * task.gradient(parameters) / task.samples
    return parameters


def test_all_plans_take_the_steps_of_gradient_descent(
    task: Softmax, system: cg.System, plans: dict[str, cg.Plan]
) -> None:
    delays = drawn_delays(system, plans["design"], 6, seconds=0.2, seed=1)
    engine = VirtualEngine(task, programs_of(plans))
    run = train(task, plans, engine, delays, rounds=6)
    expected = descent(task, 6)
    for own in run.plans.values():
        np.testing.assert_allclose(own.parameters, expected, atol=1e-12)
        assert own.errors.max() < 1e-12
    losses = run.first.losses
    assert losses.size == 7
    assert losses[-1] < losses[0]


def test_rounds_end_when_the_model_says(
    task: Softmax, system: cg.System, plans: dict[str, cg.Plan]
) -> None:
    delays = drawn_delays(system, plans["design"], 9, seconds=0.2, seed=1)
    engine = VirtualEngine(task, programs_of(plans))
    run = train(task, plans, engine, delays, rounds=9)
    ends = [engine.ends[s] for s in sorted(engine.ends)][
        len(plans) :
    ]  # without the first, unmeasured
    modelled = np.array([own.modelled for own in run.plans.values()]).T.ravel()
    np.testing.assert_allclose(ends, modelled, rtol=1e-9)
    # Slowness comes back out of the vectors where there are no costs.
    free = Delays(delays.per_work, Pace(), delays.predicted, delays.scale, "")
    again = train(task, plans, VirtualEngine(task, programs_of(plans)), free, rounds=9)
    np.testing.assert_allclose(again.plans["uncoded"].slowness, delays.per_work, rtol=1e-9)


def test_the_model_is_the_runtime_of_the_design(plans: dict[str, cg.Plan]) -> None:
    rng = np.random.default_rng(0)
    times = rng.random((50, WORKERS)) + 0.1
    # 40 samples would be cut evenly; 43 are not, hence a plan of its own.
    plan = cg.make_plan([8, 12, 4, 0, 16], samples=40)
    work = np.array([8, 24, 12, 0, 80]).cumsum() / WORKERS
    ordered = np.sort(times, axis=1)[:, ::-1]  # the n-th column waits for all but n
    used = [0, 1, 2, 4]
    expected = (ordered[:, used] * work[used]).max(axis=1)
    np.testing.assert_allclose(RoundModel(plan).seconds(times), expected, rtol=1e-12)
    costs = Pace(0.0, startup=3.0, per_coordinate=0.5, per_message=7.0)
    sent = np.array([8, 20, 24, 24, 40]) * 0.5 + np.array([1, 2, 3, 3, 4]) * 7.0
    expected = 3.0 + (ordered[:, used] * work[used] + sent[used]).max(axis=1)
    np.testing.assert_allclose(RoundModel(plan).seconds(times, costs), expected, rtol=1e-12)


def test_the_model_is_the_runtime_of_the_schedule() -> None:
    # Published test values of schedules: rounds T and mean runtimes by hand.
    k, i = np.meshgrid(np.arange(11), np.arange(4), indexing="ij")
    times = 1 + ((7 * k + 3 * i + k * k * i) % 11) / 2
    for cells, expected in ((1, 403.636363636), (2, 358.181818182), (4, 350.0)):
        schedule = cg.Schedule([40, 10, 0, 50], cells=cells, rotated=cells > 1)
        plan = cg.make_plan(schedule, samples=4, coordinates=4000)
        mean = RoundModel(plan).seconds(4 * times / 40).mean()  # u = 1: a subset is a quarter
        assert mean == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["design", "rotated", "unequal"])
def test_a_lost_worker_is_tolerated_or_waited_for(
    task: Softmax, system: cg.System, plans: dict[str, cg.Plan], name: str
) -> None:
    chosen = {name: plans[name]}
    delays = drawn_delays(system, plans["design"], 4, seconds=0.2, seed=1)
    rng = np.random.default_rng(7)
    settings = TrainSettings(retry=0.001)
    for _ in range(5):
        engine = VirtualEngine(task, programs_of(chosen))
        engine.deaths = {
            (s, int(rng.integers(WORKERS))): int(rng.integers(6)) for s in (2, 3, 4, 5)
        }
        engine.refusals = int(rng.integers(3))
        run = train(task, chosen, engine, delays, rounds=4, settings=settings)
        np.testing.assert_allclose(run.first.parameters, descent(task, 4), atol=1e-12)


@pytest.mark.parametrize(
    "name",
    ["unequal", *(pytest.param(name, marks=pytest.mark.slow) for name in ("design", "rotated"))],
)
def test_fifty_kills_change_nothing(
    task: Softmax, system: cg.System, plans: dict[str, cg.Plan], name: str
) -> None:
    # One worker a round dies after some of its vectors; now and then its replacement is late.
    chosen = {name: plans[name]}
    delays = drawn_delays(system, plans["design"], 50, seconds=0.2, seed=1)
    rng = np.random.default_rng(11)
    engine = VirtualEngine(task, programs_of(chosen))
    engine.deaths = {(s, int(rng.integers(WORKERS))): int(rng.integers(3)) for s in range(2, 52)}
    engine.refusals = 7
    run = train(
        task, chosen, engine, delays, rounds=50, settings=TrainSettings(retry=0.001, patience=30.0)
    )
    np.testing.assert_allclose(run.first.parameters, descent(task, 50), atol=1e-12)
    assert run.first.lost.sum() > 20


def test_interrupted_rounds_are_kept(task: Softmax, plans: dict[str, cg.Plan]) -> None:
    chosen = {name: plans[name] for name in ("design", "uncoded")}
    engine = VirtualEngine(task, programs_of(chosen))
    plain, calls = engine.next, []

    def interrupted(timeout: float) -> object:
        calls.append(timeout)
        if len(calls) == 80:
            raise KeyboardInterrupt
        return plain(timeout)

    engine.next = interrupted  # type: ignore[method-assign, assignment]
    kept: list[int] = []
    run = train(
        task,
        chosen,
        engine,
        no_delays(WORKERS),
        rounds=100,
        after_round=lambda r, collected: kept.append(len(collected["uncoded"].seconds)),
    )
    done = run.rounds
    assert kept == list(range(1, done + 1))
    assert run.notes == (f"interrupted after {done} of 100 rounds",)
    for own in run.plans.values():
        assert own.seconds.size == own.losses.size - 1 == done
        np.testing.assert_allclose(own.parameters, descent(task, done), atol=1e-12)


def test_what_cannot_be_recovered_is_said(task: Softmax, plans: dict[str, cg.Plan]) -> None:
    chosen = {"uncoded": plans["uncoded"]}
    engine = VirtualEngine(task, programs_of(chosen))
    engine.deaths = {(2, 3): 0}
    settings = TrainSettings(retry=0.001)
    delays = no_delays(WORKERS)
    run = train(task, chosen, engine, delays, rounds=2, settings=settings)
    (note,) = run.notes
    assert "workers [3] are lost; the block of level 0 cannot be recovered" in note
    assert run.first.lost.tolist() == [1, 0]
    # Level 4 tolerates four losses: nothing to wait for, nothing to say.
    coded = {"coded": cg.make_plan([0, 0, 0, 0, 40], samples=task.samples)}
    engine = VirtualEngine(task, programs_of(coded))
    engine.deaths = {(2, i): 0 for i in range(4)}
    run = train(task, coded, engine, delays, rounds=2, settings=settings)
    assert run.notes == ()
    assert run.first.lost.max() <= 4


def test_silence_ends_a_run(task: Softmax, plans: dict[str, cg.Plan]) -> None:
    chosen = {"uncoded": plans["uncoded"]}
    engine = VirtualEngine(task, programs_of(chosen))
    engine.deaths = {(1, 3): 0}
    engine.refusals = 10**9
    settings = TrainSettings(retry=0.001, patience=0.05)
    with pytest.raises(TrainingError, match=r"no vector for 0\.05 s, 1 cells are missing"):
        train(task, chosen, engine, no_delays(WORKERS), rounds=2, settings=settings)


def test_a_wrong_vector_ends_a_run(task: Softmax, plans: dict[str, cg.Plan]) -> None:
    chosen = {"uncoded": plans["uncoded"]}
    programs = programs_of(chosen)
    engine = VirtualEngine(task, programs)
    step = engine.workers[2].programs["uncoded"][0]
    wrong = type(step)(step.block, step.cell, step.start, step.stop, step.ranges, (1.001,))
    engine.assign("uncoded", {2: [wrong]})
    with pytest.raises(TrainingError, match="the decoded gradient is off by"):
        train(task, chosen, engine, no_delays(WORKERS), rounds=1)


def test_replayed_rounds_keep_their_order(task: Softmax, plans: dict[str, cg.Plan]) -> None:
    rng = np.random.default_rng(3)
    recorded = 1.0 + rng.random((3, WORKERS))
    system = cg.System(WORKERS, 40, cg.Exponential(rate=1.0))
    delays = replayed_delays(recorded, system, plans["rotated"], seconds=0.5)
    rows = np.array([[pace.per_work for pace in delays.paces(r)] for r in range(4)])
    np.testing.assert_allclose(rows / rows[0, 0], recorded[[0, 1, 2, 0]] / recorded[0, 0])
    assert RoundModel(plans["rotated"]).seconds(rows[:3]).mean() == pytest.approx(0.5)
    with pytest.raises(InvalidInputError, match="columns of the trace = 3"):
        replayed_delays(recorded[:, :3], system, plans["rotated"], seconds=0.5)


def test_results(task: Softmax, system: cg.System, plans: dict[str, cg.Plan]) -> None:
    delays = drawn_delays(system, plans["design"], 5, seconds=0.2, seed=1)
    run = train(task, plans, VirtualEngine(task, programs_of(plans)), delays, rounds=5)
    for own in run.plans.values():
        assert [block.level for block in own.blocks] == [b.level for b in own.plan.blocks]
        assert sum(block.decoding for block in own.blocks) == pytest.approx(own.decoding.mean())
        assert (own.decoding <= own.master).all()
        assert (own.master <= own.seconds).all()
    (only,) = run.plans["uncoded"].blocks  # a round ends with its only block
    assert only.overhead <= run.plans["uncoded"].overhead < only.overhead + 0.1
    table = run.table()
    assert table["plan"].tolist() == list(plans)
    numbers = run.to_dict()
    assert numbers["predicted_mean"] == pytest.approx(0.2)
    assert set(numbers["against"]) == {"rotated", "unequal", "uncoded"}
    own, other = run.first.seconds, run.plans["uncoded"].seconds
    speed = run.speed_up("uncoded")
    assert speed.ratio == pytest.approx(other.mean() / own.mean())
    # The delta method, by the jackknife.
    left_out = [np.delete(other, r).mean() / np.delete(own, r).mean() for r in range(5)]
    jackknife = np.sqrt(4 / 5 * ((left_out - np.mean(left_out)) ** 2).sum())
    assert speed.standard_error == pytest.approx(jackknife, rel=0.8)
    assert 0 <= run.first.distance <= 1


def test_plans_that_do_not_fit(task: Softmax, plans: dict[str, cg.Plan]) -> None:
    other = {"other": cg.make_plan([8, 12, 4, 0, 16], samples=50)}
    engine = VirtualEngine(task, programs_of(other))
    with pytest.raises(InvalidInputError, match="made for 40 coordinates and 43 samples"):
        train(task, other, engine, no_delays(WORKERS), rounds=1)
    with pytest.raises(InvalidInputError, match="workers of the plans"):
        programs_of({**plans, "small": cg.make_plan([1, 1])})
