"""Instance files: what is read, what is refused and how, and what is written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.instance import example_instances, instance_text, load_instance, problem_from_dict
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.problem import Problem
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.scenarios import Scenarios

GOOD = {
    "system": {"workers": 4, "coordinates": 100, "samples": 50, "cycles": 2.0},
    "worker_times": {"family": "shifted-exponential", "rate": 1e-3, "shift": 50.0},
    "objective": {"kind": "expected-runtime"},
}


def changed(table: str, **entries: object) -> dict[str, dict[str, object]]:
    """Return the good instance with entries set, or with those that are None left out."""
    result = {name: dict(part) for name, part in GOOD.items()}
    for key, value in entries.items():
        if value is None:
            del result[table][key]
        else:
            result[table][key] = value
    return result


def write(folder: Path, text: str, name: str = "instance.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_the_problem_it_describes(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [system]
        workers = 20
        coordinates = 20000
        samples = 50
        [worker_times]
        family = "shifted-exponential"
        rate = 1e-3
        shift = 50.0
        [objective]
        kind = "completion-probability"
        deadline = 3e6
        """,
        "mine.toml",
    )
    problem = load_instance(path)
    times = cg.ShiftedExponential(rate=1e-3, shift=50)
    system = cg.System(20, 20_000, times, samples=50)
    assert problem == Problem(system, CompletionProbability(3e6), title="mine")
    assert problem.name == "mine"


def test_samples_cycles_and_objective_have_defaults() -> None:
    problem = problem_from_dict(
        {
            "system": {"workers": 4, "coordinates": 8},
            "worker_times": {"family": "exponential", "rate": 2.0},
        }
    )
    assert (problem.system.samples, problem.system.cycles) == (1, 1.0)
    assert isinstance(problem.objective, ExpectedRuntime)


@pytest.mark.parametrize(
    ("table", "field"),
    [
        (changed("system", workers=0), "system.workers"),
        (changed("system", workers=2.5), "system.workers"),
        (changed("system", workers="4"), "system.workers"),
        (changed("system", workers=True), "system.workers"),
        (changed("system", coordinates=0), "system.coordinates"),
        (changed("system", coordinates=10.5), "system.coordinates"),
        (changed("system", coordinates=2**53 + 1), "system.coordinates"),
        (changed("system", coordinates=None), "system.coordinates"),
        (changed("system", samples=0), "system.samples"),
        (changed("system", cycles=-1.0), "system.cycles"),
        (changed("system", cycles=float("nan")), "system.cycles"),
        (changed("system", wokers=4), "system.wokers"),
        (changed("worker_times", rate=-1e-3), "worker_times.rate"),
        (changed("worker_times", rate=float("inf")), "worker_times.rate"),
        (changed("worker_times", shift=-1.0), "worker_times.shift"),
        (changed("worker_times", rate=None), "worker_times.rate"),
        (changed("worker_times", family="shifted-exponental"), "worker_times.family"),
        (changed("worker_times", family=None), "worker_times.family"),
        (changed("worker_times", scale=3.0), "worker_times.scale"),
        (changed("objective", kind="runtime"), "objective.kind"),
        (changed("objective", kind=None), "objective.kind"),
        (changed("objective", kind=3), "objective.kind"),
        (changed("objective", deadline=5.0), "objective.deadline"),
        (changed("objective", probability=0.5), "objective.probability"),
        (changed("objective", kind="completion-probability"), "objective.deadline"),
        (changed("objective", kind="quantile", probability=1.0), "objective.probability"),
        (
            changed("objective", kind="quantile", probability=0.9, deadline=1.0),
            "objective.deadline",
        ),
        (changed("objective", kind="completion-probability", deadline=0), "objective.deadline"),
        ({**GOOD, "sytem": {}}, "sytem"),
        ({**GOOD, "system": 3}, "system"),
        ({**GOOD, "worker_times": [1.0]}, "worker_times"),
        ({"system": GOOD["system"]}, "worker_times"),
    ],
)
def test_bad_entries_are_refused_by_name_in_one_line(table: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        problem_from_dict(table)
    assert refusal.value.field == field
    message = str(refusal.value)
    assert message.startswith(f"{field} = ")
    assert ": must be " in message
    assert "\n" not in message


def test_a_misspelt_key_is_answered_with_the_likely_one() -> None:
    with pytest.raises(InvalidInputError, match="did you mean 'workers'"):
        problem_from_dict(changed("system", wokers=4))


def test_one_worker_is_a_cluster() -> None:
    problem = problem_from_dict(changed("system", workers=1))
    # One worker, no coding: L coordinates, M b cycles each.
    expected = 100 * 50 * 2.0 * (50.0 + 1e3)
    assert cg.evaluate(problem, [100.0]).value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"[system\nworkers = 3", "TOML"),
        (b"\xff\xfe\x00", "TOML"),
        (b"", "must be given"),
        (b"[system]\nworkers = " + b"9" * 5000, "(a number in it has thousands of digits)"),
        (b"[objective]\n[worker_times]\n[system]\n" + b"x" * 200_000 + b" = 1", "xxx... = 1"),
    ],
)
def test_files_that_are_no_instance(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInputError) as refusal:
        load_instance(path)
    assert reason.lower() in str(refusal.value).lower()
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 1000


def test_a_folder_is_no_instance(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="directory"):
        load_instance(tmp_path)


TRACE = "round,a,b\n0,1.0,2.0\n1,4.0,3.0\n"
TRACE_INSTANCE = """
[system]
workers = {workers}
coordinates = 10
[worker_times]
family = "trace"
path = "data/trace.csv"
mode = "{mode}"
"""


@pytest.fixture
def trace_folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data", TRACE, "trace.csv")
    return tmp_path


def test_a_trace_is_found_beside_its_instance(
    trace_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    path = write(trace_folder, TRACE_INSTANCE.format(workers=5, mode="pooled"))
    times = load_instance(path).system.worker_times
    assert isinstance(times, Empirical)
    assert times.values.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_whole_rounds_fix_the_number_of_workers(trace_folder: Path) -> None:
    path = write(trace_folder, TRACE_INSTANCE.format(workers=2, mode="rounds"))
    times = load_instance(path).system.worker_times
    assert isinstance(times, Scenarios)
    assert times.times.tolist() == [[1.0, 2.0], [4.0, 3.0]]
    path = write(trace_folder, TRACE_INSTANCE.format(workers=3, mode="rounds"))
    with pytest.raises(InvalidInputError, match=r"^system\.workers = 3: must be 2"):
        load_instance(path)


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        ("round,a,b\n0,1.0,nan\n", "trace.csv:2: b = (missing)"),
        ("", "empty"),
        ("round,a,b\n", "rows of times below the header"),
        ("round,a,b\n0,1.0\n", "number of fields"),
        ("round,a,b\n0,1.0,-2.0\n", "trace.csv:2: b = -2.0"),
        ("round,a,b\n0,1.0,x\n", "trace.csv:2: b = 'x'"),
    ],
)
def test_bad_traces_are_refused_by_line(trace_folder: Path, trace: str, reason: str) -> None:
    write(trace_folder / "data", trace, "trace.csv")
    path = write(trace_folder, TRACE_INSTANCE.format(workers=2, mode="pooled"))
    with pytest.raises(InvalidInputError) as refusal:
        load_instance(path)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


positive = st.floats(1e-6, 1e6)
models = st.one_of(
    st.builds(cg.Exponential, rate=positive),
    st.builds(cg.ShiftedExponential, rate=positive, shift=positive),
    st.builds(cg.Weibull, shape=positive, scale=positive, shift=positive),
    st.builds(cg.Gamma, shape=positive, scale=positive),
    st.builds(cg.LogNormal, sigma=positive, scale=positive, shift=positive),
    st.builds(cg.Pareto, shape=positive, scale=positive),
    st.lists(positive, min_size=1, max_size=5).map(Empirical),
)
objectives: st.SearchStrategy[Objective] = st.one_of(
    st.just(ExpectedRuntime()),
    st.builds(CompletionProbability, deadline=positive),
    st.builds(Quantile, probability=st.floats(1e-6, 1 - 1e-6)),
)


@given(
    times=models,
    objective=objectives,
    workers=st.integers(1, 10**6),
    coordinates=st.integers(1, 2**53),
    samples=st.integers(1, 10**9),
    cycles=positive,
)
def test_what_is_written_is_read_again(
    times: cg.workers.WorkerTimes,
    objective: Objective,
    workers: int,
    coordinates: int,
    samples: int,
    cycles: float,
) -> None:
    problem = Problem(cg.System(workers, coordinates, times, samples, cycles), objective)
    assert problem_from_dict(tomllib.loads(instance_text(problem))) == problem


@pytest.mark.parametrize(
    "times",
    [
        Scenarios([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]]),
        Scenarios.draw(cg.Exponential(0.5), rounds=4, workers=3, seed=9),
        Empirical([1.0, 2.0], weights=[1.0, 3.0]),
    ],
)
def test_data_are_written_out(times: cg.workers.WorkerTimes) -> None:
    problem = Problem(cg.System(3, 9, times), ExpectedRuntime())
    assert problem_from_dict(tomllib.loads(instance_text(problem))) == problem


def test_a_trace_is_written_as_its_path(tmp_path: Path) -> None:
    odd = 'a "b" \\ c\t é.csv'
    write(tmp_path, TRACE, odd)
    table = {
        "system": {"workers": 2, "coordinates": 9},
        "worker_times": {"family": "trace", "path": odd},
    }
    problem = problem_from_dict(table, folder=tmp_path)
    again = write(tmp_path, instance_text(problem))
    assert load_instance(again).system == problem.system


def test_shipped_instances_are_the_papers_and_our_own() -> None:
    shipped = {name: load_instance(path) for name, path in example_instances().items()}
    assert {"paper", "recorded"} <= set(shipped)
    paper = shipped["paper"].system
    assert (paper.workers, paper.coordinates, paper.samples, paper.cycles) == (20, 20_000, 50, 1.0)
    assert paper.worker_times == cg.ShiftedExponential(rate=1e-3, shift=50.0)
    recorded = shipped["recorded"]
    assert recorded.system.workers == 8
    # In the trace's own seconds: a round without coding takes as long as its slowest worker.
    uncoded = np.zeros(8)
    uncoded[0] = recorded.system.coordinates
    times = recorded.system.worker_times
    assert isinstance(times, Empirical)
    slowest = float(np.diff(times.cdf(times.values) ** 8, prepend=0.0) @ times.values)
    assert cg.evaluate(recorded, uncoded).value == pytest.approx(slowest, rel=1e-9)
