"""Looking at a trace: what is shown where it is, and nothing where there is nothing."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cgcopt.cli import main
from cgcopt.workers import Trace, dependence
from cgcopt.workers.dependence import dependence_of, mean_error
from cgcopt.workers.inspection import inspect_trace


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them: an effect of a p-value of 1/200 is still shown."""
    monkeypatch.setattr(dependence, "LIMITS", replace(dependence.LIMITS, permutations=199))


EFFECTS = ("unequal", "together", "persistent", "drift")


def shown(times: np.ndarray) -> set[str]:
    found = dependence_of(Trace(times))
    assert len(found.warnings) == sum(getattr(found, name).shown for name in EFFECTS)
    return {name for name in EFFECTS if getattr(found, name).shown}


def test_independent_times_raise_hardly_an_alarm() -> None:
    rng = np.random.default_rng(11)
    alarms: Counter[str] = Counter()
    for i in range(36):
        shape = (int(rng.choice([12, 30, 60])), int(rng.choice([2, 5, 10])))
        times = (rng.gamma(2.0, 1.0, shape), rng.pareto(1.2, shape) + 1.0)[i % 2]
        alarms.update(shown(times))
    assert sum(alarms.values()) <= 3  # 144 questions, each wrong once in 200 at the most


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
)
def test_effects_that_are_there_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.gamma(4.0, 1.0, (120, 8))
    slow = base.copy()
    slow[:, 2] *= 1.6
    assert "unequal" in shown(slow)
    together = base * np.exp(0.5 * rng.standard_normal((120, 1)))
    assert "together" in shown(together)
    state = np.zeros((120, 8))
    for r in range(1, 120):
        state[r] = 0.8 * state[r - 1] + 0.5 * rng.standard_normal(8)
    assert "persistent" in shown(base * np.exp(state))
    assert "drift" in shown(base * np.linspace(1.0, 1.8, 120)[:, None])


def test_a_worker_that_is_slow_in_every_third_round_is_found() -> None:
    times = np.random.default_rng(6).gamma(25.0, 0.04, (90, 5))
    times[::3, 1] *= 2.0
    times[1::3, 3] *= 2.0
    found = dependence_of(Trace(times))
    assert found.persistent.shown
    assert found.persistent.lag == 3
    assert any("rounds 3 apart" in warning for warning in found.warnings)


def test_sizes_are_what_they_are_called() -> None:
    rng = np.random.default_rng(3)
    noise = 0.3 * rng.standard_normal((4000, 5))
    workers = rng.standard_normal(5)
    workers = 0.2 * (workers - workers.mean()) / workers.std()
    common = 0.3 * rng.standard_normal((4000, 1))
    found = dependence_of(Trace(np.exp(noise + workers)))
    assert found.unequal.size == pytest.approx(0.2, rel=0.05)
    found = dependence_of(Trace(np.exp(noise + common)))
    assert found.together.size == pytest.approx(0.5, abs=0.03)  # as much common as own variance
    grown = np.exp(noise)
    grown[2000:] *= 1.25
    assert dependence_of(Trace(grown)).drift.size == pytest.approx(0.25, abs=0.02)


def test_short_memory_is_not_taken_for_lasting_differences() -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(10):
        state = np.zeros((200, 6))
        for r in range(1, 200):
            state[r] = 0.5 * state[r - 1] + 0.4 * rng.standard_normal(6)
        wrong += "unequal" in shown(np.exp(state))
    assert wrong <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 3), (40, 1), (2, 2), (8, 2)])
def test_small_traces_have_an_answer(shape: tuple[int, int]) -> None:
    times = np.random.default_rng(0).gamma(2.0, 1.0, shape)
    seen = inspect_trace(Trace(times))
    json.dumps(seen.to_dict(), allow_nan=False)
    assert len(seen.workers) == shape[1]
    if shape[0] < 8:
        assert math.isnan(seen.dependence.drift.size)


@pytest.mark.parametrize("value", [1.0, 1e-300, 1e300, 5e-324, 1.7e308])
def test_constant_and_extreme_times(value: float) -> None:
    seen = inspect_trace(Trace(np.full((20, 3), value)))
    json.dumps(seen.to_dict(), allow_nan=False)
    assert not seen.slow
    assert not seen.dependence.warnings


def test_figures_of_a_worker() -> None:
    times = np.array([[1.0, 2.0, 9.0]] * 10 + [[1.0, 2.0, 1.0]] * 10)
    seen = inspect_trace(Trace(times, columns=("a", "b", "c")))
    a, b, c = seen.workers
    assert (a.median, b.median, c.median, c.largest) == (1.0, 2.0, 1.0, 9.0)
    assert (b.slowest, c.slowest, c.mean) == (0.5, 0.5, 5.0)
    assert seen.slowest_mean == pytest.approx(5.5)
    light = 3 / np.array([1 + 0.5 + 1 / 9, 2.5])
    assert seen.speed_of_light == pytest.approx(light.mean())


def test_slow_workers_and_failed_ones() -> None:
    rng = np.random.default_rng(2)
    times = rng.gamma(9.0, 1.0, (60, 6))
    times[:, 4] *= 2.0
    times[::7, 1] = np.inf
    seen = inspect_trace(Trace(times))
    assert [worker.name for worker in seen.slow] == ["w4"]
    assert seen.workers[1].failed == 9
    assert any("never answered" in warning for warning in seen.warnings)
    assert seen.to_dict()["quantiles"]["1.0"] is None


def test_times_that_look_like_time_outs() -> None:
    times = np.random.default_rng(2).gamma(9.0, 1.0, (60, 6))
    times[3, 1] = times[9, 2] = 1e9
    assert any("time-outs?" in warning for warning in inspect_trace(Trace(times)).warnings)


def test_the_standard_error_allows_for_dependence() -> None:
    rng = np.random.default_rng(0)
    plain = rng.standard_normal(400)
    assert mean_error(plain) == pytest.approx(0.05, rel=0.3)
    assert math.isnan(mean_error(np.ones(1)))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    times = np.random.default_rng(7).gamma(9.0, 1.0, (40, 30))
    times[:, 3] *= 2.0
    Trace(times).write(path)
    assert main(["inspect", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for part in ("wide form: 40 rows", "slow for good", "... 6 more", "Workers differ for good"):
        assert part in out
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["slow"] == ["w3"]
    assert main(["fit", str(path)]) == 0
    assert "Workers differ for good" in capsys.readouterr().out
    assert main(["inspect", str(path), "--out", str(tmp_path / "t.gif")]) == 2


def test_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    Trace(np.random.default_rng(7).gamma(9.0, 1.0, (16, 3))).write(path)
    assert main(["inspect", str(path), "--out", str(tmp_path / "t.png")]) == 0
    assert (tmp_path / "t.png").stat().st_size > 10_000
