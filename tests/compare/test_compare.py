"""Comparisons: rows, the store that survives, tables, plots, published figures, replays."""

from __future__ import annotations

import io
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison_rows import made_row
from extra_solvers import extra_solvers
from numpy.testing import assert_allclose

import cgcopt as cg
from cgcopt.compare.published.figures import (
    SOLVERS_OF,
    figure_of,
    published_figures,
    published_problems,
    sweeps,
)
from cgcopt.compare.published.sweep import published_sweep
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.entrant import Entrant, default_entrants
from cgcopt.compare.results.keys import row_key
from cgcopt.compare.results.replay import Replay, mean_error, replay
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.store import Store
from cgcopt.compare.show.numbers import show_gap, show_number
from cgcopt.compare.show.plots import plot_blocks, plot_sweep, plot_values
from cgcopt.compare.show.results_as_text import comparison_table, replay_table, sweep_table
from cgcopt.compare.show.tables import latex_table, markdown_table
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver, tasks
from cgcopt.solvers.registry import solver_names

SYSTEM = cg.System(5, 200, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=5)
SMALL = Problem(SYSTEM, ExpectedRuntime(), title="small")
OPTIONS = Options(scenarios=40, time_limit=20.0)


class Fake(Solver):
    """A solver of equal blocks that counts its runs."""

    name, summary, role = "fake", "equal blocks", Role.ITERATIVE
    solves = RUNTIME_RELAXED
    runs = 0

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        type(self).runs += 1
        options.report(0.5, "half")
        workers = problem.system.workers
        partition = np.full(workers, problem.system.coordinates / workers)
        return Outcome(TerminationCondition.CONVERGED, partition=partition)


class Broken(Fake):
    """A solver that raises."""

    name = "broken"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        type(self).runs += 1
        raise RuntimeError("it broke | badly\nindeed")


class Stopped(Fake):
    """A solver that the user stops."""

    name = "stopped"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        raise KeyboardInterrupt


class Boastful(Fake):
    """A solver that claims a bound above what it reached, and more than it has."""

    name = "boastful"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        return Outcome(TerminationCondition.OPTIMAL, partition=np.full(problem.system.workers, 1.0))


#: Above the optimum by more than any tolerance.
LIE = 1.01


class Liar(Fake):
    """A solver that claims more than there is, and has a design that does not show it."""

    name = "liar"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        found = super().solve(problem, form, options)
        return replace(
            found, bound=LIE * cg.solve(problem).value, certificate=cg.Certificate.BRANCH_AND_BOUND
        )


class Absent(Fake):
    """A solver whose package is not installed."""

    name = "absent"
    requires, extra = "no_such_package_anywhere", "absent-extra"


@pytest.fixture
def fakes() -> Iterator[None]:
    for cls in (Fake, Broken, Liar):
        cls.runs = 0
    with extra_solvers(Fake, Broken, Stopped, Boastful, Liar, Absent):
        yield


def test_a_row_is_what_solve_says() -> None:
    comparison = compare(SMALL, ["closed-form-time"], options=OPTIONS)
    (row,) = comparison.rows
    solution = cg.solve(SMALL, "closed-form-time")
    assert row.value == solution.value
    assert row.solution.bound == solution.bound
    assert row.partition == tuple(solution.design.partition)
    assert (row.problem, row.solver, row.form) == ("small", "closed-form-time", "relaxed")
    assert (row.role, row.status) == ("closed form", "feasible")


def test_a_notebook_shows_a_comparison_as_a_short_table() -> None:
    html = compare([SMALL], ["uncoded", "uniform"], options=OPTIONS)._repr_html_()
    assert html.count("<tr") == 1 + 2
    assert all(f"<th>{name}</th>" in html for name in ("solver", "value", "gap"))


def test_gaps_are_to_the_best_bound_of_all() -> None:
    comparison = compare(SMALL, ["uncoded", "closed-form-time", "cutting-plane"], options=OPTIONS)
    frame = comparison.frame().set_index("solver")
    best = frame["bound"].max()
    assert (frame["best_bound"] == best).all()
    assert_allclose(frame["gap"], 1 - best / frame["value"], rtol=1e-12)
    # The best bound is better than the one that the worst row brought along.
    assert frame.loc["uncoded", "bound"] < best
    assert_allclose(frame["relative"], frame["value"] / frame["value"].min())


def test_a_bound_for_whole_numbers_does_not_bound_relaxed_designs() -> None:
    def row(form: str, value: float, bound: float) -> Row:
        return made_row(f"s{form}", form=Form(form), value=value, bound=bound)

    relaxed, block = row("relaxed", 10.0, 9.0), row("block", 11.0, 10.5)
    coordinate = row("coordinate", 12.0, -math.inf)
    comparison = Comparison((relaxed, block, coordinate), OPTIONS)
    assert comparison.best_bound(relaxed) == 9.0
    assert comparison.best_bound(block) == 10.5
    assert comparison.best_bound(coordinate) == 10.5  # the two levels have the same optimum
    assert comparison.gap(relaxed) == pytest.approx(0.1)
    assert comparison.gap(coordinate) == pytest.approx(1 - 10.5 / 12)


@pytest.mark.usefixtures("fakes")
def test_a_bound_that_another_design_contradicts_costs_its_own_row_alone(tmp_path: Path) -> None:
    with Store(tmp_path / "rows.sqlite") as store:
        found = compare(SMALL, ["liar", "optimal", "uncoded"], options=OPTIONS, store=store)
        liar, best, uncoded = found.rows
        alone = compare(SMALL, ["liar"], options=OPTIONS, store=store)
        assert Liar.runs == 1  # what the solver said is kept
    assert math.isfinite(alone.rows[0].solution.bound)
    assert liar.solution.bound == -math.inf
    assert (liar.status, liar.solution.termination) == ("feasible", "numerical-error")
    assert "of liar thrown away: the design of optimal reaches" in liar.message
    without = compare(SMALL, ["optimal", "uncoded"], options=OPTIONS)
    assert [found.gap(row) for row in (best, uncoded)] == [without.gap(row) for row in without.rows]
    assert (found.frame()["gap"] >= 0).all()
    assert "thrown away" in " ".join(comparison_table(found)["note"])


def test_bounds_of_a_maximum_are_upper_bounds() -> None:
    problem = Problem(SYSTEM, CompletionProbability(3e5), title="late")
    comparison = compare(problem, ["uncoded", "closed-form-deadline"], options=OPTIONS)
    frame = comparison.frame().set_index("solver")
    # The least of the upper bounds counts for every row.
    assert (frame["best_bound"] == frame["bound"].min()).all()
    assert (frame["value"] <= frame["best_bound"]).all()
    assert (frame["best_bound"] < 1.0).all()
    assert_allclose(frame["gap"], 1 - frame["value"] / frame["best_bound"], rtol=1e-12)
    assert frame["relative"].max() == 1.0
    assert_allclose(frame["complement"], 1 - frame["value"], rtol=1e-9)


def test_a_scheme_outside_the_design_space_has_a_value_and_no_gap() -> None:
    comparison = compare(SMALL, ["tandon", "uncoded"], options=OPTIONS)
    tandon = comparison.rows[0]
    assert tandon.status == "scheme"
    assert tandon.value > 0
    assert math.isnan(comparison.gap(tandon))
    assert tandon.partition == ()


def test_a_drawn_sample_is_reported_apart_from_the_problem() -> None:
    (row,) = compare(SMALL, ["highs"], options=OPTIONS).rows
    reached = row.solution.sample
    assert reached is not None
    assert reached.scenarios == 40
    # Value and certificate come from one evaluation, which has the gradient.
    assert row.value == cg.evaluate(SMALL, np.array(row.partition), gradient=True).value
    sampled = SMALL.sampled(40, 0)
    assert reached.value == cg.evaluate(sampled, np.array(row.partition)).value
    assert abs(reached.gap) <= 1e-6
    assert reached.value != row.value


@pytest.mark.usefixtures("fakes")
def test_a_failing_solver_is_a_row() -> None:
    solvers = ["broken", "fake", "boastful", "absent", "equal-risk"]
    comparison = compare([SMALL], solvers, options=OPTIONS)
    rows = {row.solver: row for row in comparison.rows}
    assert list(rows) == solvers
    assert rows["broken"].solution.termination == "error"
    assert rows["broken"].message == "RuntimeError: it broke | badly indeed"
    assert rows["fake"].value > 0
    # Coordinates are missing: the claim counts for nothing.
    boastful = rows["boastful"]
    assert (boastful.status, boastful.solution.termination) == ("infeasible", "error")
    assert math.isnan(rows["boastful"].value)
    assert "pip install 'cgcopt[absent-extra]'" in rows["absent"].message
    assert "does not solve expected-runtime" in rows["equal-risk"].message
    assert rows["equal-risk"].solution.termination == "unsupported"
    said = comparison_table(comparison).set_index("solver")["status"]
    assert (said["equal-risk"], said["absent"]) == ("not supported", "none (error)")
    for name in ("broken", "boastful", "absent", "equal-risk"):
        assert math.isnan(comparison.gap(rows[name]))
    table = comparison_table(comparison)
    for text in (markdown_table(table), latex_table(table, caption="small")):
        assert "it broke" in text


@pytest.mark.usefixtures("fakes")
def test_a_defect_of_the_package_costs_one_row_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise AssertionError("a defect")

    monkeypatch.setattr("cgcopt.evaluation.in_time.evaluate", defect)
    monkeypatch.setattr("cgcopt.solvers.judging.worth.evaluate_work", defect)
    (row,) = compare(SMALL, ["fake"], options=OPTIONS).rows
    assert (row.status, row.message) == ("none", "AssertionError: a defect")


@pytest.mark.usefixtures("fakes")
def test_the_store_computes_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    with Store(path) as store:
        first = compare(SMALL, ["fake", "uncoded"], options=OPTIONS, store=store)
        assert (Fake.runs, len(store)) == (1, 2)
    with Store(path) as store:
        again = compare(SMALL, ["fake", "uncoded"], options=OPTIONS, store=store)
        assert Fake.runs == 1
        assert str(again.rows) == str(first.rows)
        compare(SMALL, ["fake"], options=OPTIONS, store=store, fresh=True)
        assert (Fake.runs, len(store)) == (2, 2)


@pytest.mark.usefixtures("fakes")
def test_failures_are_tried_again(tmp_path: Path) -> None:
    with Store(tmp_path / "rows.sqlite") as store:
        for _ in range(2):
            compare(SMALL, ["broken"], options=OPTIONS, store=store)
        assert (Broken.runs, len(store)) == (2, 1)


@pytest.mark.usefixtures("fakes")
def test_what_was_done_before_an_interruption_is_kept(tmp_path: Path) -> None:
    with Store(tmp_path / "rows.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            compare(SMALL, ["fake", "stopped", "uncoded"], options=OPTIONS, store=store)
        assert len(store) == 1
        compare(SMALL, ["fake", "uncoded"], options=OPTIONS, store=store)
        assert Fake.runs == 1


KILLED = """
import sys, time
from pathlib import Path
import cgcopt as cg
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.store import Store
from cgcopt.options import Options
from extra_solvers import extra_solvers
from cgcopt.solvers.base import RUNTIME_RELAXED, Role, Solver

class Sleeper(Solver):
    name, summary, role, solves = "sleeper", "sleeps", Role.ITERATIVE, RUNTIME_RELAXED
    def solve(self, problem, level, options):
        Path(sys.argv[2]).touch()
        time.sleep(600)

rounds = cg.Problem(cg.System(3, 60, cg.Scenarios([[1.0, 2.0, 3.0]])), cg.ExpectedRuntime())
with extra_solvers(Sleeper):
    compare(rounds, ["uncoded", "single-level", "sleeper", "uniform"],
            options=Options(scenarios=40, time_limit=20.0), store=Store(sys.argv[1]))
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, root: Path) -> None:
    path, marker = tmp_path / "rows.sqlite", tmp_path / "sleeping"
    command = [sys.executable, "-c", KILLED, str(path), str(marker)]
    # What this process imports, which is the installed package beside an unpacked archive.
    paths = os.pathsep.join(filter(None, [*sys.path, str(root / "tests")]))
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})
    try:
        deadline = time.monotonic() + 60
        while not marker.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        assert marker.exists()
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with sqlite3.connect(path) as connection:
        kept = dict(connection.execute("select solver, row from rows"))
    connection.close()
    assert set(kept) == {"uncoded", "single-level"}
    times = cg.Scenarios([[1.0, 2.0, 3.0]])  # evaluated without what takes a second to load
    rounds = Problem(cg.System(3, 60, times), ExpectedRuntime())
    with Store(path) as store:
        # A row from this process would carry its own time and its own seconds.
        names = ["uncoded", "single-level", "uniform"]
        rows = compare(rounds, names, options=OPTIONS, store=store).rows
    assert [row.to_json() for row in rows[:2]] == [kept["uncoded"], kept["single-level"]]
    assert rows[2].value > 0


def test_the_key_covers_everything_a_row_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(
        problem: Problem = SMALL,
        solver: str = "highs",
        form: Form = Form.RELAXED,
        options: Options = OPTIONS,
    ) -> str:
        return row_key(problem, solver, [], form, options)

    pooled = cg.Empirical([1.0, 2.0, 3.0])
    nudged = cg.Empirical([1.0, 2.0, np.nextafter(3.0, 4.0)])
    rounds = [cg.Scenarios(np.full((2, 5), value)) for value in (1.0, np.nextafter(1.0, 2.0))]
    times = [
        cg.ShiftedExponential(np.nextafter(1e-3, 1), 50.0),
        cg.Exponential(1e-3),
        pooled,
        nudged,
        *rounds,
    ]
    variants = [
        key(),
        key(solver="cutting-plane"),
        key(form=Form.BLOCK),
        key(problem=Problem(SYSTEM, CompletionProbability(1.0), title="small")),
        key(problem=Problem(SYSTEM, CompletionProbability(2.0), title="small")),
        key(problem=replace(SMALL, title="other")),
        *(
            key(problem=replace(SMALL, system=replace(SYSTEM, **change)))
            for change in ({"coordinates": 201}, {"workers": 6}, {"samples": 6}, {"cycles": 1.5})
        ),
        *(key(problem=replace(SMALL, system=SYSTEM.with_times(model))) for model in times),
        *(
            key(options=replace(OPTIONS, **change))
            for change in (
                {"gap": 1e-3},
                {"time_limit": 9.0},
                {"threads": 1},
                {"seed": 1},
                {"scenarios": 41},
                {"starts": 2},
                {"raw": {"a": 1}},
                {"raw": {"a": "1"}},
            )
        ),
    ]
    assert len(set(variants)) == len(variants)
    assert key(options=replace(OPTIONS, progress=lambda share, message: None)) == variants[0]
    monkeypatch.setattr("cgcopt.compare.results.keys.code_version", lambda: "another version")
    assert key() not in variants


def test_two_processes_may_write_one_store(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "rows.sqlite"), Store(tmp_path / "rows.sqlite")
    row = made_row(value=1.0)
    for number in range(20):
        (first if number % 2 else second).put(str(number), row)
    assert len(first) == len(second) == 20
    first.close()
    second.close()


def test_rows_survive_as_they_are() -> None:
    row = compare(SMALL, ["tandon"], options=OPTIONS).rows[0]
    assert Row.from_json(row.to_json()).to_json() == row.to_json()
    assert math.isnan(Row.from_json(row.to_json()).published)


def test_problems_of_one_name_are_told_apart() -> None:
    twin = replace(SMALL, system=replace(SYSTEM, coordinates=300))
    comparison = compare([SMALL, twin, SMALL], ["uncoded"], options=OPTIONS)
    assert comparison.problems == ["small", "small (2)", "small (3)"]
    assert comparison.rows[1].value > comparison.rows[0].value == comparison.rows[2].value


def test_entrants() -> None:
    assert Entrant.parse(" highs:coordinate ") == Entrant("highs", Form.COORDINATE)
    assert Entrant.parse("highs").form_for(ExpectedRuntime()) is Form.RELAXED
    with pytest.raises(cg.InvalidInputError, match="solver = 'nobody': must be one of"):
        compare(SMALL, ["uncoded", "nobody"])
    (row,) = compare(SMALL, ["closed-form-time:block"], options=OPTIONS).rows
    assert row.form == "block"
    assert all(x == round(x) for x in row.partition)


@pytest.mark.usefixtures("fakes")
def test_defaults_are_our_methods_and_highs() -> None:
    names = {entrant.solver for entrant in default_entrants(SMALL)}
    assert {"closed-form-time", "projected-subgradient", "uncoded", "tandon", "highs"} <= names
    assert "fake" in names  # found by its role, not by a list
    assert not names & {"equal-risk", "scipy-linprog"}
    late = Problem(SYSTEM, CompletionProbability(3e5))
    assert "equal-risk" in {entrant.solver for entrant in default_entrants(late)}


@pytest.mark.usefixtures("fakes")
def test_progress_rises_to_one() -> None:
    heard: list[tuple[float | None, str]] = []
    options = replace(OPTIONS, progress=lambda share, message: heard.append((share, message)))
    compare([SMALL, replace(SMALL, title="twin")], ["fake", "uncoded"], options=options)
    shares = [share for share, _ in heard if share is not None]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert (0.125, "small: fake half") in heard


def test_tables_say_what_the_rows_say() -> None:
    comparison = compare(SMALL, ["uncoded", "closed-form-time", "highs"], options=OPTIONS)
    table = comparison_table(comparison)
    assert table["solver"].tolist() == ["highs", "closed-form-time", "uncoded"]
    rows = {row.solver: row for row in comparison.rows}
    for solver, value, gap in zip(table["solver"], table["value [s]"], table["gap"], strict=True):
        assert float(value) == pytest.approx(rows[solver].value, rel=1e-6)
        assert gap == show_gap(comparison.gap(rows[solver]))
    assert "published" not in table.columns
    markdown = markdown_table(table).splitlines()
    assert len(markdown) == 2 + 3
    assert len({line.count("|") for line in markdown}) == 1
    latex = latex_table(table, caption="100 % of a_b & c")
    assert r"\caption{100 \% of a\_b \& c}" in latex
    assert latex.count(r"\\") == 1 + 3
    assert r"\toprule" in latex


def test_bars_in_messages_do_not_break_markdown() -> None:
    row = made_row(message="a | b")
    table = comparison_table(Comparison((row,), OPTIONS))
    assert r"a \| b" in markdown_table(table)


@pytest.mark.parametrize("width", [80, 240])
def test_tables_fit_the_terminal(width: int) -> None:
    from rich.console import Console

    from cgcopt.compare.show.tables import rich_table

    comparison = compare(SMALL, ["uncoded", "closed-form-time", "highs"], options=OPTIONS)
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(rich_table(comparison_table(comparison), title="a [bold] title", width=width))
    text = console.export_text()
    assert "a [bold] title" in text
    assert max(map(len, text.splitlines())) <= width
    for row in comparison.rows:  # never broken, whatever else is left out
        assert row.solver in text
        assert show_number(row.value, 7) in text
    assert "on its 40 scenarios" in text
    assert ("certificate" in text) == (width > 80)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_wide_tables_go_on_below_and_break_no_number(width: int) -> None:
    import pandas as pd
    from rich.console import Console

    from cgcopt.compare.show.tables import rich_table

    copies = (1, 2, 3, 4, 6, 8, 12, 16, 18, 19, 20)
    prices = {str(r): [f"{1000 / r:.2f} %", f"{500 / r:.2f} %"] for r in copies}
    table = pd.DataFrame({"blocks": ["1", "any"], **prices})
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(rich_table(table, title="prices", width=width))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert all(price in text for column in prices.values() for price in column)
    tables = 1 + text.count("prices (continued)")
    assert tables == {60: 3, 80: 2, 140: 1}[width]
    assert text.count("blocks") == tables


def test_numbers_as_texts() -> None:
    assert show_number(70_494_550.12, 7) == "7.049455e+07"
    assert show_number(100_000_000.0, 4) == "1.000e+08"
    assert show_number(0.0, 4) == "0.000"
    assert show_number(123456.0, 6) == "123456"
    assert (show_gap(0.0), show_gap(1e-12), show_gap(-0.5)) == ("0.00 %", "1.0e-12", "-50.00 %")


def test_csv_is_unrounded(tmp_path: Path) -> None:
    import pandas as pd

    comparison = compare(SMALL, ["uncoded", "tandon"], options=OPTIONS)
    comparison.to_csv(tmp_path / "rows.csv")
    frame = pd.read_csv(tmp_path / "rows.csv")
    values = {row.solver: row.value for row in comparison.rows}
    assert dict(zip(frame["solver"], frame["value"], strict=True)) == values
    assert comparison.to_csv() == (tmp_path / "rows.csv").read_text()


def test_every_published_figure_has_a_place() -> None:
    runtime, probability = (
        published_figures(cls.kind) for cls in (ExpectedRuntime, CompletionProbability)
    )
    assert (len(runtime), len(probability)) == (105, 120)
    assert {figure.scheme for figure in (*runtime, *probability)} <= set(SOLVERS_OF)
    assert list(sweeps("expected-runtime")) == ["workers", "rate", "coordinates"]
    assert published_figures("quantile") == ()
    for figure in runtime:
        for solver in SOLVERS_OF[figure.scheme]:
            found = figure_of(figure.problem, solver)
            # A setting on several plots was read off each of them.
            assert found is not None
            assert found.value == pytest.approx(figure.value, rel=0.03)


def test_published_figures_stand_beside_the_papers_instance() -> None:
    paper = published_problems("expected-runtime", "workers")[1]
    (row,) = compare(paper, ["closed-form-frequency"], options=OPTIONS).rows
    assert row.published == 7.8e7
    assert row.value / row.published == pytest.approx(1.0, abs=0.02)
    table = comparison_table(Comparison((row,), OPTIONS))
    assert table["published"].tolist() == ["3.12"]
    other = replace(paper, system=replace(paper.system, coordinates=20_001))
    assert math.isnan(compare(other, ["closed-form-frequency"], options=OPTIONS).rows[0].published)


@pytest.mark.usefixtures("no_rendering")
def test_the_published_plot_against_workers_computed_again(tmp_path: Path) -> None:
    solvers = [
        "closed-form-time",
        "closed-form-frequency",
        "single-level",
        "tandon",
        "ferdinand-full",
    ]
    sweep = published_sweep(solvers=solvers, options=OPTIONS)
    assert sweep.points == (10.0, 20.0, 30.0, 40.0, 50.0)
    frame = sweep.frame()
    assert frame["workers"].tolist() == [point for point in sweep.points for _ in solvers]
    # Figures read off a plot by hand: the formulas reproduce to a few per cent.
    assert frame["published_difference"].abs().max() < 0.03
    table = sweep_table(sweep)
    assert table.columns.tolist() == ["solver", "N = 10", "N = 20", "N = 30", "N = 40", "N = 50"]
    assert table["N = 20"][1].endswith("(3.12)")
    plot_sweep(sweep, tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_plot_is_refused() -> None:
    with pytest.raises(cg.InvalidInputError, match="sweep = 'deadline': must be one of: workers"):
        published_sweep("expected-runtime", "deadline")


def test_plots_are_drawn_whatever_the_rows(tmp_path: Path) -> None:
    late = Problem(SYSTEM, CompletionProbability(3e5), title="late")
    failed = Comparison((made_row(),), OPTIONS)
    one = compare(
        Problem(replace(SYSTEM, workers=1), ExpectedRuntime()), ["uncoded"], options=OPTIONS
    )
    marked = replace(late, title="50% $a_{b}$ | <i> `c` *d*")
    several = compare([marked, SMALL], ["uncoded", "uniform", "tandon"], options=OPTIONS)
    for index, comparison in enumerate((failed, one, several)):
        values, blocks = tmp_path / f"values{index}.png", tmp_path / f"blocks{index}.png"
        plot_values(comparison, values)
        plot_blocks(comparison.of(comparison.problems[0]), blocks)
        for path in (values, blocks):
            assert path.read_bytes().startswith(b"\x89PNG")


def test_equal_comparisons_make_equal_pictures(tmp_path: Path) -> None:
    comparison = compare(SMALL, ["uncoded", "uniform"], options=OPTIONS)
    for name in ("a.png", "b.png"):
        plot_values(comparison, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.fixture(scope="module")
def bad_fit() -> cg.Trace:
    """Two modes, the slow one rare and very slow: no shifted exponential."""
    rng = np.random.default_rng(11)
    times = rng.uniform(1.0, 1.02, size=(160, 3))
    times[rng.random(times.shape) < 0.02] = 9.0
    return cg.Trace(times)


@pytest.fixture(scope="module")
def replayed(bad_fit: cg.Trace, few_restarts: None) -> Replay:
    return replay(bad_fit, title="two modes", coordinates=300)


def test_replay_judges_on_rounds_that_no_model_has_seen(
    bad_fit: cg.Trace, replayed: Replay
) -> None:
    result = replayed
    held_out = bad_fit.times[80:]
    assert result.test.times.tolist() == held_out.tolist()
    rows = {row.name: row for row in result.rows}
    assert rows["uncoded"].held_out == pytest.approx(held_out.max(axis=1).mean(), rel=1e-12)
    assert rows["uncoded"].ratio == 1.0
    ordered = np.sort(held_out, axis=1)
    for row in result.rows:
        assert not row.message
        if not row.partition:
            continue
        # Straight from the definition, in seconds: u = M b/N = 1/L.
        x = np.array(row.partition)
        assert x.sum() == pytest.approx(300)
        work = np.cumsum(x * np.arange(1, 4))
        runtimes = (ordered[:, ::-1] * work / 300).max(axis=1)
        assert row.held_out == pytest.approx(runtimes.mean(), rel=1e-9)
    assert [row.held_out for row in result.rows] == sorted(row.held_out for row in result.rows)
    hindsight = rows["hindsight optimum, held-out rounds"]
    assert hindsight.held_out <= min(row.held_out for row in result.rows if row.partition) + 1e-9
    assert hindsight.promised == pytest.approx(hindsight.held_out, rel=1e-6)


def test_a_replay_tells_what_the_judge_says_of_the_rounds_held_out(replayed: Replay) -> None:
    system = replayed.problem.system.with_times(replayed.test.rounds())
    problem = replace(replayed.problem, system=system)
    judged = 0
    for row in replayed.rows:
        if row.made is not None:
            made = row.made.assignment
            scheme = isinstance(made, np.ndarray)
            found = cg.judge(problem, work=made) if scheme else cg.judge(problem, made)
            assert row.held_out == pytest.approx(found.value, rel=1e-12), row.name
            judged += 1
    assert judged > 10


def test_replay_shows_what_a_bad_fit_costs(replayed: Replay) -> None:
    rows = {row.name: row for row in replayed.rows}
    fitted = next(row for name, row in rows.items() if "optimal, shifted-exponential" in name)
    empirical = rows["optimal, whole rounds"]
    assert empirical.held_out < fitted.held_out
    # The fitted model promised something else than what came.
    assert abs(fitted.promised / fitted.held_out - 1) > abs(
        empirical.promised / empirical.held_out - 1
    )


def test_replay_says_where_coding_loses() -> None:
    rng = np.random.default_rng(2)
    steady = cg.Trace(rng.uniform(1.0, 1.001, size=(60, 4)))
    result = replay(steady, ["uncoded", "uniform"], coordinates=400)
    table = replay_table(result)
    uniform = table[table["design"] == "uniform"].iloc[0]
    assert uniform["note"] == "coding loses"
    uncoded = next(row for row in result.rows if row.design == "uncoded")
    assert uncoded.held_out < 1.01


def test_standard_error_of_dependent_rounds() -> None:
    # Of an AR(1) series the mean has the variance (1 + a)/(1 - a) times that of independent ones.
    rng = np.random.default_rng(8)
    a, count, repeats = 0.5, 4000, 60
    means, errors = [], []
    for _ in range(repeats):
        noise = rng.normal(size=count)
        values = np.empty(count)
        values[0] = noise[0] / math.sqrt(1 - a * a)
        for k in range(1, count):
            values[k] = a * values[k - 1] + noise[k]
        means.append(values.mean())
        errors.append(mean_error(values))
    exact = math.sqrt(1 / (1 - a) ** 2 / count)
    assert np.mean(errors) == pytest.approx(exact, rel=0.1)
    assert np.std(means) == pytest.approx(exact, rel=0.35)
    independent = rng.normal(size=10_000)
    assert mean_error(independent) == pytest.approx(0.01, rel=0.1)
    assert math.isnan(mean_error(np.array([1.0])))
    few = np.mean([mean_error(rng.normal(size=15)) ** 2 for _ in range(4000)])
    assert few == pytest.approx(1 / 15, rel=0.05)  # a fifth too small without correction


def test_replay_of_measured_traces(shared_traces: Path) -> None:
    trace = cg.Trace.read(shared_traces / "llm_AR_stage0_compute.csv")
    result = replay(trace, ["optimal"])
    rows = {row.name: row for row in result.rows}
    # One rank is always slow there: a design that knows it beats waiting for it.
    assert rows["optimal, whole rounds"].ratio < 0.95


def test_solver_names_in_the_published_table_exist() -> None:
    named = {solver for solvers in SOLVERS_OF.values() for solver in solvers}
    assert named - set(solver_names()) <= {"successive-convex"}


@pytest.mark.usefixtures("no_rendering")
def test_the_report_of_one_problem(tmp_path: Path) -> None:
    from cgcopt.compare.show.report import Report

    comparison = compare(SMALL, ["uncoded", "closed-form-time"], options=OPTIONS)
    files = Report(comparison, command="cgcopt compare small").write(tmp_path)
    assert all(file.stat().st_size > 0 for file in files)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "`cgcopt compare small`" in text
    values: Any = (tmp_path / "partitions.csv").read_text().splitlines()
    assert values[0] == "problem,solver,form,n,coordinates"
    assert len(values) == 1 + 2 * 5


@pytest.mark.parametrize(("sense", "none_left"), [("min", math.inf), ("max", -math.inf)])
def test_a_bound_that_leaves_no_design_changes_no_other_gap(sense: str, none_left: float) -> None:
    class Empty(Solver):
        name, summary, role = "empty", "claims that there is no design", Role.ADAPTER
        solves = tasks(cg.ExpectedRuntime, cg.CompletionProbability, forms=(cg.Form.RELAXED,))
        tolerance = 1e-6

        def solve(self, problem: cg.Problem, form: cg.Form, options: cg.Options) -> Outcome:
            proof = cg.Certificate.DUAL_BOUND
            return Outcome(cg.TerminationCondition.OPTIMAL, bound=none_left, certificate=proof)

    objective = cg.ExpectedRuntime() if sense == "min" else cg.CompletionProbability(60.0)
    problem = cg.Problem(cg.System(3, 60, cg.Exponential(1.0), samples=3), objective)
    alone = compare(problem, ["uncoded"]).frame()
    with extra_solvers(Empty):
        beside = compare(problem, ["uncoded", "empty"]).frame()
    assert beside["gap"][0] == alone["gap"][0] < 1.0
    assert beside["termination"][1] == "numerical-error"


def test_a_deadline_that_nobody_keeps_has_a_table() -> None:
    system = cg.System(3, 60, cg.ShiftedExponential(rate=1e-3, shift=50.0))
    problem = cg.Problem(system, cg.CompletionProbability(1.0))
    frame = cg.compare(problem, ["uncoded", "uniform"]).frame()
    assert frame["value"].tolist() == [0.0, 0.0]
    assert frame["relative"].tolist() == [1.0, 1.0]
