"""Times at several loads: reading, recording, and telling start-up from work."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.errors import InvalidInputError
from cgcopt.workers import Trace
from cgcopt.workers.load_fit import fit_loads
from cgcopt.workers.loads import LoadTrace
from cgcopt.workers.record import record_loads
from cgcopt.workers.start import RandomStart

LOADS = (1.0, 2.0, 4.0)


def made(start: float, spread_in_start: bool, rounds: int = 300) -> LoadTrace:
    rng = np.random.default_rng(3)
    traces = []
    for load in LOADS:
        spread = rng.gamma(2.0, 0.25, size=(rounds, 4))
        traces.append(Trace(start + spread + load if spread_in_start else start + load * spread))
    return LoadTrace(LOADS, tuple(traces))


def test_a_fixed_start_is_told_from_random_work() -> None:
    found = fit_loads(made(0.8, spread_in_start=False))
    assert found.startup == pytest.approx(0.8, abs=4 * found.startup_error)
    assert 0 < found.startup_error < 0.03
    assert found.per_load == pytest.approx(0.5, abs=4 * found.per_load_error)
    assert found.best == "fixed-start"
    assert found.errors["fixed-start"] < 0.05 < found.errors["work-alone"]
    assert found.work.best.mean() == pytest.approx(0.5, rel=0.05)  # what is left is B


def test_a_random_start_is_told_from_fixed_work() -> None:
    found = fit_loads(made(0.8, spread_in_start=True))
    assert found.best == "fixed-work"
    assert found.fixed_work == pytest.approx(1.0, rel=0.02)
    assert np.median(found.spread_of_start) == pytest.approx(1.22, rel=0.05)


def test_without_a_start_nothing_is_found() -> None:
    found = fit_loads(made(0.0, spread_in_start=False))
    assert found.startup < 0.02
    assert found.errors["work-alone"] < 0.06


def test_the_start_by_a_parabola() -> None:
    # The same sum of squares by another library, every quantile with its own slope: it is quadratic.
    rng = np.random.default_rng(5)
    traces = [Trace(0.8 + load * (0.5 + rng.gamma(2.0, 0.25, size=(40, 4)))) for load in LOADS]
    share = (np.arange(200) + 0.5) / 200
    table = np.array([np.quantile(part.times, share) for part in traces])

    def misfit(start: float) -> float:
        total = 0.0
        for quantiles in table.T:
            column, own = np.array(LOADS) / quantiles, (quantiles - start) / quantiles
            total += float(np.linalg.lstsq(column[:, np.newaxis], own)[1][0])
        return total

    at = np.array([0.5, 0.8, 1.1])
    curvature, gradient, _ = np.polyfit(at, [misfit(start) for start in at], 2)
    found = fit_loads(LoadTrace(LOADS, tuple(traces)))
    assert found.startup == pytest.approx(-gradient / (2 * curvature), rel=1e-6)


def test_an_instance_with_a_random_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, fitted = tmp_path / "loads.csv", tmp_path / "fit.toml"
    trace = made(0.8, spread_in_start=True)
    trace.write(path)
    assert main(["fit", str(path), "--out", str(fitted), "--coordinates", "100"]) == 0
    assert "an instance with a random start" in capsys.readouterr().out
    problem = cg.load_instance(fitted)
    for level, load in (
        (0, 1.0),
        (1, 2.0),
    ):  # all coordinates at one level: the load of each worker
        design = np.zeros(4)
        design[level] = 100
        times = np.sort(trace.by_load[load].times, axis=1)[:, 3 - level]
        value = cg.evaluate(problem, cg.Design(design)).value
        assert value == pytest.approx(times.mean(), rel=0.02)


def test_round_trip(tmp_path: Path) -> None:
    trace = made(0.8, spread_in_start=False, rounds=5)
    trace.write(tmp_path / "loads.csv")
    again = LoadTrace.read(tmp_path / "loads.csv")
    assert again.loads == LOADS
    assert all(a == b for a, b in zip(again.traces, trace.traces, strict=True))
    assert (tmp_path / "loads.csv").read_text().startswith("round,load,w0,w1,w2,w3\n0,1.0,")


def test_loads_are_no_trace_of_equal_work(tmp_path: Path) -> None:
    path = tmp_path / "loads.csv"
    made(0.8, spread_in_start=False, rounds=5).write(path)
    with pytest.raises(InvalidInputError, match="`cgcopt fit` takes times at several loads"):
        Trace.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("round,w0,w1\n0,1.0,2.0\n", "one of them load"),
        ("load,w0\n1,1.0\n1,2.0\n", r"loads = \[1.0\]: must be at least two"),
        ("load,w0\n1,1.0\n-2,2.0\n", "load = '-2': must be a number of at least 0"),
        ("load,w0\n1,1.0\n2,0.0\n", "w0"),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "loads.csv"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        LoadTrace.read(path)


class Steady:
    """Two workers that need a microsecond for a sample, in place of processes."""

    processes = (0, 1)

    def __init__(self) -> None:
        self.sizes: dict[int, tuple[int, ...]] = {}
        self.done: Counter[int] = Counter()

    def send(self, number: int, sizes: tuple[int, ...]) -> None:
        self.sizes[number] = sizes

    def receive(self, number: int) -> str:
        return "ready"

    def receive_any(self, numbers: list[int]) -> list[tuple[int, float]]:
        found = [(i, 1e-6 * self.sizes[i][self.done[i] % len(self.sizes[i])]) for i in numbers]
        self.done.update(numbers)
        return found


def test_recording_at_several_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "cgcopt.workers.record.started_workers", lambda *given: nullcontext(Steady())
    )
    trace = record_loads(2, 6, [4, 1], samples=3000, warmup=1)
    assert trace.loads == (1.0, 4.0)
    for load, part in zip(trace.loads, trace.traces, strict=True):
        np.testing.assert_allclose(part.times, np.full((6, 2), 0.003 * load), rtol=1e-12)
    assert "load 1 is 3000 samples of each worker" in trace.comments
    with pytest.raises(InvalidInputError, match="at least two different ones"):
        record_loads(2, 6, [1, 1])


def test_from_a_recording_to_a_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded, fitted, solved = (tmp_path / name for name in ("loads.csv", "fit.toml", "out.json"))
    command = ["record", "--workers", "2", "--rounds", "12", "--loads", "1,2,4"]
    assert main([*command, "--samples", "2000", "--out", str(recorded)]) == 0
    assert "12 rounds of 2 workers at 3 loads" in capsys.readouterr().out
    fit = ["fit", str(recorded), "--out", str(fitted), "--coordinates", "100"]
    assert main([*fit, "--start", "fixed", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["loads"] == [1.0, 2.0, 4.0]
    assert printed["per_coordinate"] == pytest.approx(printed["per_load"] / 100)
    problem = cg.load_instance(fitted)
    assert problem.system.costs.startup == printed["startup"]
    assert problem.system.workers == 2
    assert main(["solve", str(fitted), "--out", str(solved)]) == 0
    # A round without redundancy is the slowest of two workers with load 1.
    uncoded = cg.evaluate(problem, cg.Design([100, 0])).value
    least = min(float(part.times.max(axis=1).min()) for part in LoadTrace.read(recorded).traces)
    assert uncoded > 0.5 * least
    assert main([*fit, "--start", "random"]) == 0
    problem = cg.load_instance(fitted)
    assert isinstance(problem.system.worker_times, RandomStart)
    assert not problem.system.costs
    assert cg.evaluate(problem, cg.Design([100, 0])).value > 0.5 * least
    shown = capsys.readouterr().out
    assert "[costs]\nstartup = " in shown
    assert "a random start, and the same work for all" in shown
