"""The simulated protocol against the exact values, a queue of events, and itself."""

from __future__ import annotations

import heapq
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.evaluation.schedules.ends import ends_of_rounds
from cgcopt.training import protocol_seconds, simulate_protocol


def events(system: cg.System, schedule: cg.Schedule, times: np.ndarray, overlapped: bool) -> float:
    """Play one round with a queue of events and counters."""
    n, costs = system.workers, system.costs
    programs = []
    for i in range(n):
        cells = np.argsort(schedule.places[i])
        programs.append([(b, int(c)) for b in np.flatnonzero(schedule.partition) for c in cells])
    counters: dict[tuple[int, int], int] = {}
    queue = [(costs.startup, i, 0, "compute") for i in range(n)]
    channel = [0.0] * n
    recovered = 0
    heapq.heapify(queue)
    while True:
        now, i, k, what = heapq.heappop(queue)
        b, c = programs[i][min(k, len(programs[i]) - 1)]
        sending = costs.per_coordinate * schedule.partition[b] / schedule.cells + costs.per_message
        if what == "compute":  # begins
            if k == len(programs[i]):
                continue
            work = system.unit * times[i] * schedule.work[i, b] / schedule.cells
            heapq.heappush(queue, (now + work, i, k, "send"))
        elif what == "send":  # computed; the channel may be taken
            channel[i] = max(now, channel[i]) + sending
            heapq.heappush(queue, (channel[i], i, k, "arrive"))
            if overlapped:
                heapq.heappush(queue, (now, i, k + 1, "compute"))
        else:
            counters[b, c] = counters.get((b, c), 0) + 1
            recovered += counters[b, c] == n - b
            if recovered == len(programs[0]):
                return now
            if not overlapped:
                heapq.heappush(queue, (now, i, k + 1, "compute"))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_queue_of_events_agrees(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    x = rng.integers(0, 10, size=n).astype(float)
    x[rng.integers(n)] += 1
    costs = cg.Costs(*rng.choice([0.0, 0.5, 3.0], size=3))
    system = cg.System(n, int(x.sum()), cg.Exponential(rate=1.0), samples=2 * n, costs=costs)
    schedule = data.draw(
        st.sampled_from(
            [cg.Schedule(x, rotated=False), cg.Schedule(x), cg.Schedule(x, rng.random(n) + 0.1)]
        )
    )
    times = rng.exponential(size=(3, n)) + 0.01
    for overlapped in (False, True):
        seconds = protocol_seconds(system, schedule, times, overlapped=overlapped)
        played = [events(system, schedule, row, overlapped) for row in times]
        np.testing.assert_allclose(seconds, played, rtol=1e-12)
    in_turn = protocol_seconds(system, schedule, times)
    assert (seconds <= in_turn * (1 + 1e-12)).all()
    np.testing.assert_allclose(in_turn, ends_of_rounds(schedule, system, times), rtol=1e-12)


def test_thousands_of_workers_agree_with_the_exact_value() -> None:
    workers = 1000
    costs = cg.Costs(startup=30.0, per_coordinate=0.02, per_message=10.0)
    times = cg.ShiftedExponential(rate=0.5, shift=1.0)
    # A coordinate on all data takes a hundredth of a second in the mean.
    system = cg.System(workers, 40_000, times, samples=1, cycles=0.003, costs=costs)
    x = np.zeros(workers)
    x[[0, 1, 5, workers // 10, workers // 2, workers - 1]] = [12e3, 9e3, 8e3, 6e3, 3e3, 2e3]
    design = cg.Design(x)
    exact = cg.evaluate(cg.Problem(system, cg.ExpectedRuntime()), design)
    assert exact.standard_error == 0
    played = simulate_protocol(system, design, rounds=200, seed=2)
    assert abs(played.mean - exact.value) < 4 * played.standard_error
    free = cg.evaluate(cg.Problem(replace(system, costs=cg.Costs()), cg.ExpectedRuntime()), design)
    assert exact.value - free.value > 100 * played.standard_error  # costs count
    overlapped = simulate_protocol(system, design, rounds=50, seed=2, overlapped=True)
    assert (overlapped.seconds < played.seconds[:50]).all()


def test_without_costs_sending_does_not_matter() -> None:
    system = cg.System(6, 60, cg.Exponential(rate=1.0), samples=6)
    schedule = cg.Schedule([10, 20, 0, 10, 0, 20])
    a = simulate_protocol(system, schedule, rounds=30)
    b = simulate_protocol(system, schedule, rounds=30, overlapped=True)
    np.testing.assert_allclose(a.seconds, b.seconds, rtol=1e-12)
    with pytest.raises(cg.InvalidInputError, match="times = 'shape"):
        protocol_seconds(system, schedule, [[1.0, 2.0]])


def test_overlapped_sending_of_thousands_agrees_with_the_exact_value() -> None:
    """Who is faster has also sent earlier, so every level waits for one order statistic.

    Level ``n`` is in time when ``T_(N-n)`` is at most the least of the times that compute a used level
    ``j <= n`` and leave room to send all blocks from ``j`` to ``n`` behind one another.
    """
    workers = 1000
    costs = cg.Costs(startup=30.0, per_coordinate=0.001, per_message=1.0)
    times = cg.ShiftedExponential(rate=0.5, shift=1.0)
    system = cg.System(workers, 40_000, times, samples=1, cycles=0.003, costs=costs)
    x = np.zeros(workers)
    used = [0, 1, 5, workers // 10, workers // 2, workers - 1]
    x[used] = [12e3, 9e3, 8e3, 6e3, 3e3, 2e3]
    design = cg.Design(x)
    messages = costs.per_coordinate * x[used] + costs.per_message

    def missed(t: float) -> float:
        most = np.full(workers, np.inf)
        for place, n in enumerate(used):
            room = [t - costs.startup - messages[j : place + 1].sum() for j in range(place + 1)]
            most[workers - n - 1] = min(
                r / (system.unit * design.work[used[j]]) for j, r in enumerate(room)
            )
        return 1.0 - crossing(times.cdf(most), times.sf(most)).probability

    played = simulate_protocol(system, design, rounds=200, seed=3, overlapped=True)
    room = 9 * played.seconds.std()
    low, high = played.seconds.min() - room, played.seconds.max() + room
    assert missed(low) == pytest.approx(1.0)
    assert missed(high) < 1e-6
    t, weights = np.polynomial.legendre.leggauss(60)
    nodes = low + (high - low) * (t + 1) / 2
    exact = low + (high - low) / 2 * sum(w * missed(s) for w, s in zip(weights, nodes, strict=True))
    assert abs(played.mean - exact) < 4 * played.standard_error
    in_turn = simulate_protocol(system, design, rounds=200, seed=3)
    assert in_turn.mean - exact > 10 * played.standard_error
