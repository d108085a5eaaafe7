"""The command line: what the commands print, write and return."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.cli.inputs import problem_of, raw_options
from cgcopt.cli.partitions import partition_of
from cgcopt.cli.terminal import progress
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.runs import Run
from cgcopt.compare.results.store import Store
from cgcopt.instance import load_instance
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver

PARTITION_KEYS = ["solver", "form", "level", "partition", "value", "bound", "gap", "certificate"]
KEYS = [*PARTITION_KEYS, "termination", "status", "seconds"]

SYSTEM = cg.System(4, 100, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=4)


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(cg.instance_text(Problem(SYSTEM, cg.ExpectedRuntime())), encoding="utf-8")
    return str(path)


@pytest.fixture
def deadline_instance(tmp_path: Path) -> str:
    path = tmp_path / "late.toml"
    problem = Problem(SYSTEM, CompletionProbability(2e5))
    path.write_text(cg.instance_text(problem), encoding="utf-8")
    return str(path)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    times = cg.ShiftedExponential(rate=2.0, shift=1.0).sample(40, 4, rng)
    path = tmp_path / "trace.csv"
    cg.Trace(times).write(path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(run(capsys, *arguments, "--json"), parse_constant=_refuse)
    return value


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_solve_says_what_the_library_says(
    instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_json(capsys, "solve", instance, "--solver", "closed-form-time")
    expected = cg.solve(load_instance(instance), "closed-form-time")
    assert list(found)[: len(KEYS)] == KEYS
    assert found["partition"] == expected.design.partition.tolist()
    assert found["value"] == expected.value
    assert found["bound"] == expected.bound
    assert found["gap"] == expected.gap
    assert list(found["seconds"]) == ["build", "solve", "evaluate"]
    assert (found["form"], found["status"]) == ("relaxed", "feasible")


@pytest.mark.parametrize("arguments", [["--integer"], ["--form", "block"]])
def test_whole_numbers_on_request(
    instance: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    found = run_json(capsys, "solve", instance, "--solver", "closed-form-time", *arguments)
    assert found["form"] == "block"
    assert all(x == round(x) for x in found["partition"])
    assert sum(found["partition"]) == 100


def test_options_reach_the_solver(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    def value(*arguments: str) -> dict[str, Any]:
        command = ("solve", instance, "--solver", "highs", "--scenarios", "30", *arguments)
        sample: dict[str, Any] = run_json(capsys, *command)["sample"]
        return sample

    first, again, other = value("--seed", "1"), value("--seed", "1"), value("--seed", "2")
    assert first == again
    assert first["value"] != other["value"]
    assert (first["scenarios"], first["seed"]) == (30, 1)


def test_raw_options_reach_the_solver(
    instance: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Options] = []

    class Listener(Solver):
        name, summary, role = "listener", "keeps its options", Role.ITERATIVE
        solves = RUNTIME_RELAXED

        def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
            seen.append(options)
            partition = np.full(problem.system.workers, 25.0)
            return Outcome(TerminationCondition.CONVERGED, partition=partition)

    monkeypatch.setattr("cgcopt.solvers.registry.all_solvers", lambda: (Listener,))
    flags = ["--gap", "0.01", "--time-limit", "9", "--threads", "1"]
    run(
        capsys,
        "solve",
        instance,
        "--solver",
        "listener",
        "--option",
        "a=1",
        "--option",
        "b=x=y",
        *flags,
    )
    assert seen[0].raw == {"a": 1, "b": "x=y"}
    assert (seen[0].gap, seen[0].time_limit, seen[0].threads) == (0.01, 9.0, 1)


def test_a_solver_that_fails_is_exit_code_1(
    instance: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Solver):
        name, summary, role = "broken", "fails", Role.ITERATIVE
        solves = RUNTIME_RELAXED

        def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
            raise ZeroDivisionError("nothing\nto divide")

    monkeypatch.setattr("cgcopt.solvers.registry.all_solvers", lambda: (Broken,))
    assert main(["solve", instance, "--solver", "broken", "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["status"], found["termination"]) == ("none", "error")
    assert (found["partition"], found["value"], found["bound"]) == (None, None, None)
    assert err == "no design: ZeroDivisionError: nothing to divide\n"


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_what_solve_writes_evaluate_reads(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    file = tmp_path / f"design{suffix}"
    solved = run_json(capsys, "solve", instance, "--solver", "closed-form-time", "--out", str(file))
    better = run_json(capsys, "evaluate", instance, "--partition", str(file))
    assert solved["bound"] < better["bound"] <= solved["value"]
    judged = run_json(
        capsys, "evaluate", instance, "--partition", str(file), "--bound-seconds", "0"
    )
    assert judged["partition"] == solved["partition"]
    assert judged["value"] == solved["value"]
    assert judged["bound"] == solved["bound"]
    assert list(judged)[: len(KEYS)] == KEYS


@pytest.mark.parametrize(
    "text",
    [
        "40,30,20,10",
        "40 30 20 10",
        " 40.0, 30; 20\t1e1 ",
        "40\n30\n20\n10\n",
        "[40, 30, 20, 10]",
        '{"solver": "x", "partition": [40, 30, 20, 10]}',
        "n,coordinates\n0,40\n1,30\n2,20\n3,10\n",
        "# by hand\nn,coordinates,share\n0,40,0.4\n1,30,0.3\n2,20,0.2\n3,10,0.1\n",
        "n;x\n",
    ],
)
def test_every_way_to_write_a_partition(tmp_path: Path, text: str) -> None:
    file = tmp_path / "partition"
    file.write_text(text, encoding="utf-8")
    if text == "n;x\n":
        with pytest.raises(cg.InvalidInputError):
            partition_of(str(file))
        return
    assert partition_of(str(file)).partition.tolist() == [40.0, 30.0, 20.0, 10.0]


def test_evaluate_is_exact_and_certified(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "evaluate", instance, "--partition", "100,0,0,0")
    # Without coding the round takes u L T_(4), and E[T_(4)] = shift + (1 + 1/2 + 1/3 + 1/4)/rate.
    assert found["value"] == pytest.approx(100 * (50 + 1e3 * 25 / 12), rel=1e-11)
    assert found["form"] == "block"
    assert found["solver"] == "given"
    assert 0 < found["bound"] < found["value"]
    assert found["gap"] == pytest.approx(1 - found["bound"] / found["value"])


def test_evaluate_a_completion_probability(
    deadline_instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("evaluate", deadline_instance, "--partition", "100,0,0,0")
    proven = run_json(capsys, *given)
    assert proven["certificate"] == "outer-approximation"
    found = run_json(capsys, *given, "--bound-seconds", "0")
    assert found["value"] <= proven["bound"] <= found["bound"]
    late = math.exp(-1e-3 * (2e5 / 100 - 50))
    assert found["value"] == pytest.approx((1 - late) ** 4, rel=1e-12)
    assert found["complement"] == pytest.approx(1 - (1 - late) ** 4, rel=1e-12)
    assert found["certificate"] == "levels"
    assert found["value"] < found["bound"] < 1


def test_texts_for_people(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "evaluate", instance, "--partition", "40,30,20,10")
    value = cg.evaluate(load_instance(instance), [40, 30, 20, 10]).value
    assert re.search(rf"value\s+{value:.10g} s \(quadrature\)", text)
    assert re.search(r"stragglers tolerated\s+coordinates\s+share", text)
    assert re.search(r"3\s+10\s+10\.00 %", text)
    assert "\x1b" not in text  # no colours where there is no terminal


def test_verify_passes_and_names_its_checks(
    instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_json(capsys, "verify", instance, "--scenarios", "10")
    assert found["passed"] is True
    names = " ".join(check["name"] for check in found["checks"])
    for part in ("certificate", "simulation", "relaxed: own method", "block: own method", "highs"):
        assert part in names
    assert all(check["passed"] for check in found["checks"])


@pytest.mark.slow  # the checks themselves are quick in tests/compare/test_verify.py
def test_verify_a_completion_probability(
    deadline_instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_json(capsys, "verify", deadline_instance, "--scenarios", "10")
    checks = {check["name"]: check for check in found["checks"]}
    bound = checks["exact problem: best design against the global bound"]["values"]
    assert bound["value"] <= bound["bound"] * (1 + 1e-6) <= 1 + 1e-6
    scenarios = checks["10 scenarios, relaxed: own method against highs"]["values"]
    assert scenarios["own"] <= scenarios["other_bound"] + 1e-9
    assert scenarios["other"] * 10 == round(scenarios["other"] * 10)
    assert found["passed"] is True


@pytest.mark.slow
def test_verify_with_every_outside_solver(
    instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "highs,scipy-linprog,cvxpy-clarabel"
    found = run_json(capsys, "verify", instance, "--scenarios", "10", "--solvers", names)
    compared = [check["name"] for check in found["checks"] if "own method against" in check["name"]]
    for name in names.split(","):
        assert any(check.endswith(name) for check in compared)
    assert main(["verify", instance, "--solvers", "nobody"]) == 2
    assert "solver = 'nobody': must be one of" in capsys.readouterr().err


def test_verify_ends_with_1_and_says_where(
    instance: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import cgcopt.compare.verify_run as verification

    honest = verification.solve

    def cheating(problem: Problem, solver: str, **keywords: Any) -> cg.Solution:
        """HiGHS hands back a design that is worse than its bound allows, and calls it optimal."""
        solution = honest(problem, solver, **keywords)
        if solver != "highs" or solution.evaluation is None:
            return solution
        system = problem.system
        worse = cg.evaluate(problem, np.full(system.workers, system.coordinates / system.workers))
        return replace(solution, evaluation=worse, bound=worse.value)

    monkeypatch.setattr(verification, "solve", cheating)
    assert main(["verify", instance, "--scenarios", "10"]) == 1
    out, _ = capsys.readouterr()
    assert re.search(r"FAIL +10 scenarios, relaxed: own method against highs", out)
    assert re.search(r"checks: .*FAIL.*; failed: .*highs", out)


def test_fit_ranks_families_and_writes_an_instance(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fitted.toml"
    found = run_json(capsys, "fit", str(trace), "--out", str(out), "--coordinates", "500")
    scores = [family["held_out_log_likelihood"] for family in found["families"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 6
    problem = load_instance(out)
    assert (problem.system.workers, problem.system.coordinates) == (4, 500)
    assert dict(problem.system.worker_times.to_dict()) == found["families"][0]["worker_times"]
    # In the seconds of the trace: a round without coding takes the slowest worker's time.
    slowest = cg.Trace.read(trace).times.max(axis=1)
    uncoded = cg.evaluate(problem, [500, 0, 0, 0]).value
    assert uncoded == pytest.approx(slowest.mean(), rel=0.15)


def test_fit_writes_the_family_asked_for(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fitted.toml"
    text = run(capsys, "fit", str(trace), "--out", str(out), "--family", "gamma", "--workers", "9")
    assert "KS distance" in text
    system = load_instance(out).system
    assert system.worker_times.to_dict()["family"] == "gamma"
    assert system.workers == 9


def test_record_measures_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "trace.csv"
    text = run(
        capsys, "record", "--workers", "2", "--rounds", "3", "--out", str(out), "--samples", "32"
    )
    assert "3 rounds of 2 workers" in text
    measured = cg.Trace.read(out)
    assert measured.times.shape == (3, 2)
    assert measured.comments


def test_solvers_are_listed_with_what_they_need(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Absent(Solver):
        name, summary, role = "absent", "is not installed", Role.ADAPTER
        solves = RUNTIME_RELAXED
        requires, extra, licence = "no_such_package_anywhere", "absent-extra", "MIT"

        def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
            raise NotImplementedError

    from cgcopt.solvers.registry import all_solvers

    known = all_solvers()
    monkeypatch.setattr("cgcopt.solvers.registry.all_solvers", lambda: (*known, Absent))
    listed = {fact["name"]: fact for fact in run_json(capsys, "solvers")["solvers"]}
    assert set(listed) == {cls.name for cls in known} | {"absent"}
    assert listed["highs"]["solves"]["expected-runtime"] == ["relaxed", "block", "coordinate"]
    assert (listed["absent"]["available"], listed["absent"]["licence"]) == (False, "MIT")
    text = run(capsys, "solvers")
    assert "needs cgcopt[absent-extra]" in text


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.usefixtures("no_rendering")
def test_compare_prints_a_table_and_writes_a_report(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    command = (
        "compare",
        instance,
        "--solvers",
        "uncoded,closed-form-time,highs:block",
        "--scenarios",
        "20",
        "--out",
        str(out),
    )
    text = run(capsys, *command)
    assert re.search(r"closed-form-time\s+closed form\s+relaxed", text)
    assert re.search(r"highs\s+outside solver\s+block", text)
    for name in ("report.md", "results.csv", "results.tex", "values.png", "blocks_small.png"):
        assert (out / name).stat().st_size > 0
    report = (out / "report.md").read_text(encoding="utf-8")
    for fact in ("numpy:", "processor:", "seed: 0", "scenarios: 20", "UTC"):
        assert fact in report
    assert f"cgcopt compare {instance} --solvers" in report
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["solver"]: row for row in csv.DictReader(file)}
    expected = cg.solve(load_instance(instance), "closed-form-time").value
    assert float(rows["closed-form-time"]["value"]) == expected
    for linked in re.findall(r"\]\((.+?\.png)\)", report):
        assert (out / linked).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.usefixtures("no_rendering")
def test_compare_replays_a_trace(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, names = tmp_path / "report", "optimal,uniform,uncoded"
    found = run_json(
        capsys, "compare", str(trace), "--replay", "--solvers", names, "--out", str(out)
    )
    rows = found["replays"][0]
    uncoded = next(row for row in rows if row["design"] == "uncoded")
    held_out = cg.Trace.read(trace).times[20:].max(axis=1)
    assert uncoded["held_out"] == pytest.approx(held_out.mean(), rel=1e-12)
    assert uncoded["ratio"] == 1.0
    assert (out / "replay_trace.png").stat().st_size > 0


def test_shipped_instances_go_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert problem_of("paper").system.workers == 20
    # A file of the same name comes first.
    Path("paper").write_text(cg.instance_text(Problem(SYSTEM, cg.ExpectedRuntime())))
    assert problem_of("paper").system.workers == 4


def test_raw_values_are_json_where_they_can_be() -> None:
    pairs = ["a=1", "b=1.5", "c=true", "d=text", "e=[1, 2]", "f=", "g=a=b"]
    expected = {"a": 1, "b": 1.5, "c": True, "d": "text", "e": [1, 2], "f": "", "g": "a=b"}
    assert raw_options(pairs) == expected


def test_help_starts_without_the_heavy_packages() -> None:
    code = (
        "import sys\n"
        "from cgcopt.cli import main\n"
        "main(['--help'])\n"
        "heavy = {'numba', 'scipy', 'highspy', 'cvxpy', 'pyomo', 'pandas', 'matplotlib', 'numpy',\n"
        "         'distributed', 'cgcopt.solvers'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    for command in ("solve", "evaluate", "verify", "compare", "fit", "record", "solvers"):
        assert command in done.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == f"cgcopt {cg.__version__}\n"


def test_a_closed_pipe_is_no_error() -> None:
    command = [sys.executable, "-c", "import sys; from cgcopt.cli import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # nobody reads
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_ctrl_c_is_one_word_and_exit_code_130(
    instance: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cgcopt.solvers.solve.solve", stopped)
    assert main(["solve", instance]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_interrupted_comparison_says_what_is_kept(
    instance: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cgcopt.compare.results.compare.compare", stopped)
    assert main(["compare", instance, "--out", str(tmp_path / "kept")]) == 130
    assert "is kept in" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_an_interrupted_comparison_shows_the_rows_that_were_over(
    rows: int,
    instance: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, row = [0], Run.row

    def until_then(run: Run) -> Row:
        if made[0] == rows:
            signal.raise_signal(signal.SIGINT)
        made[0] += 1
        return row(run)

    monkeypatch.setattr(Run, "row", until_then)
    solvers = ["uncoded", "uniform", "tandon"]
    command = ["compare", instance, "--solvers", ",".join(solvers)]
    assert main(command) == 130
    told = capsys.readouterr()
    assert [name for name in solvers if name in told.out] == solvers[:rows]
    assert told.err == f"interrupted{': what was found by then is shown' if rows else ''}\n"
    made[0] = 0
    assert main([*command, "--out", str(tmp_path / "kept")]) == 130
    told = capsys.readouterr()
    assert (told.out, "is kept in" in told.err) == ("", True)
    with Store(tmp_path / "kept" / "results.sqlite") as store:
        assert len(store) == rows


def test_without_arguments_comes_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage: cgcopt" in capsys.readouterr().out


def test_no_progress_without_a_terminal() -> None:
    with progress("working") as report:
        assert report is None


def test_progress_appears_after_a_second_on_standard_error_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import cgcopt.cli.terminal as terminal

    monkeypatch.setattr(terminal, "PATIENCE", 0.05)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("quick work") as report:
        assert report is not None
        report(0.5, "half")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")
    with progress("slow work") as report:
        assert report is not None
        report(None, "")
        time.sleep(0.15)
        report(0.5, "half of it")
        time.sleep(0.15)
    out, err = capsys.readouterr()
    assert out == ""
    assert "slow work" in err
    assert "half of it" in err
