"""Workers that never answer: infinite times, deadlines, quantiles."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.errors import InvalidInputError, SolverError

N, L = 4, 12
RNG = np.random.default_rng(5)
TIMES = 1.0 + RNG.exponential(1.0, (25, N))
TIMES[RNG.random(TIMES.shape) < 0.1] = np.inf


def problem(objective: cg.Objective, times: cg.WorkerTimes) -> cg.Problem:
    return cg.Problem(cg.System(N, L, times, samples=N, cycles=1 / L), objective)


def runtimes(partition: tuple[int, ...], times: np.ndarray) -> np.ndarray:
    """By definition: level n waits for the (N - n)-th fastest worker, if it holds anything."""
    work = np.cumsum(np.arange(1, N + 1) * np.array(partition)) / L
    ordered = np.sort(times, axis=1)
    found = np.zeros(len(times))
    for n, x in enumerate(partition):
        if x:
            found = np.maximum(found, ordered[:, N - n - 1] * work[n])
    return found


PARTITIONS = [p for p in itertools.product(range(L + 1), repeat=N) if sum(p) == L]


@pytest.mark.parametrize("partition", [(12, 0, 0, 0), (0, 12, 0, 0), (0, 3, 4, 5), (0, 0, 0, 12)])
def test_values_by_definition(partition: tuple[int, ...]) -> None:
    expected = runtimes(partition, TIMES)
    rounds = cg.Scenarios(TIMES)
    for deadline in (1.5, 3.0, 6.0, 1e9):
        asked = problem(cg.CompletionProbability(deadline), rounds)
        assert cg.evaluate(asked, partition).value == np.mean(expected <= deadline)
    asked = problem(cg.Quantile(0.5), rounds)
    middle = float(np.sort(expected)[12])
    if np.isfinite(middle):
        assert cg.evaluate(asked, partition).value == pytest.approx(middle, rel=1e-12)
    else:
        with pytest.raises(SolverError, match="infinite: workers never answer"):
            cg.evaluate(asked, partition)


def test_pooled_values_by_enumeration() -> None:
    pool = cg.Empirical([1.0, 2.0, np.inf], [2, 1, 1])
    partition, deadline = (0, 6, 0, 6), 3.0
    expected = 0.0
    for draw in itertools.product((0, 1, 2), repeat=N):
        times = pool.values[list(draw)][None, :]
        chance = np.prod(pool.weights[list(draw)])
        expected += chance * float(runtimes(partition, times)[0] <= deadline)
    asked = problem(cg.CompletionProbability(deadline), pool)
    assert cg.evaluate(asked, partition).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("solver", ["optimal", "highs", "scipy-milp"])
def test_the_best_design_by_brute_force(solver: str) -> None:
    deadline = 2.5
    best = max(np.mean(runtimes(p, TIMES) <= deadline) for p in PARTITIONS)
    asked = problem(cg.CompletionProbability(deadline), cg.Scenarios(TIMES))
    found = cg.solve(asked, solver, form="block", time_limit=20.0)
    assert found.bound >= best - 1e-9
    assert found.value <= best + 1e-12
    if solver != "optimal":
        assert found.value == pytest.approx(best)


def test_the_best_quantile() -> None:
    best = min(np.sort(runtimes(p, TIMES))[14] for p in PARTITIONS)
    asked = problem(cg.Quantile(0.6), cg.Scenarios(TIMES))
    found = cg.solve(asked, form="block", time_limit=3.0)
    assert best - 1e-9 <= found.value < np.inf
    assert found.bound <= best + 1e-9


def test_the_expected_runtime_is_refused() -> None:
    for times in (cg.Scenarios(TIMES), cg.Empirical(TIMES.ravel())):
        with pytest.raises(InvalidInputError, match="completion-probability or quantile"):
            problem(cg.ExpectedRuntime(), times)
    with pytest.raises(InvalidInputError, match="infinite times, to fit"):
        cg.fit(cg.Trace(TIMES))


def test_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    rows = [",".join("" if np.isinf(t) else repr(t) for t in row) for row in TIMES.tolist()]
    path.write_text("\n".join(["a,b,c,d", *rows]))
    told = [str(path), "--missing", "failed", "--mode", "rounds", "--coordinates", str(L)]
    assert main(["solve", *told, "--deadline", "2.5", "--integer", "--solver", "highs"]) == 0
    assert "taken as infinite" in capsys.readouterr().out
    assert main(["solve", *told]) == 2
    assert "completion-probability or quantile" in capsys.readouterr().err
    assert main(["solve", str(path)]) == 2
    assert "--missing" in capsys.readouterr().err
