"""Work that takes long is left when the time is over, and what is left out is said."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.in_time import InTime
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.simulation import simulate
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.incumbents import keep_design, keeping_designs
from cgcopt.process.time_left import OutOfTimeError, look, looking, seconds_left, time_until
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver
from cgcopt.solvers.deadline.rounds_optimum import good_design
from cgcopt.solvers.judging.outcome import judge_outcome
from cgcopt.solvers.probability.finite_times import search
from cgcopt.solvers.probability.given_up_rounds import _greedy
from cgcopt.solvers.uncoded import LeaveOut

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
PROBLEM = Problem(cg.System(12, 600, TIMES), cg.ExpectedRuntime())


class Stuck(Solver):
    """Keeps a design, and then never looks at its own clock."""

    name = "stuck"
    summary = "stuck"
    role = Role.ITERATIVE
    solves = RUNTIME_RELAXED
    tolerance = math.inf
    #: What ends it, where it is not the time.
    error: type[BaseException] | None = None

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        keep_design(np.full(problem.system.workers, 1.0))
        if self.error is not None:
            raise self.error
        while True:
            look()


class Interrupted(Stuck):
    """The user stops it."""

    error = KeyboardInterrupt


def test_the_sooner_of_two_ends_holds_also_in_other_threads() -> None:
    with time_until(0.0), time_until(math.inf):
        elsewhere = looking()
        with pytest.raises(OutOfTimeError):
            look()
    look()
    with pytest.raises(OutOfTimeError):
        elsewhere()


def test_a_method_that_does_not_look_at_its_clock_is_left_with_its_design(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solve = import_module("cgcopt.solvers.solve")
    monkeypatch.setattr(solve, "_LATE", replace(solve._LATE, seconds=0.1))
    cg.solve(PROBLEM, "uniform")  # what is imported and compiled counts for no limit
    started = time.perf_counter()
    solution = cg.solve(PROBLEM, Stuck(), time_limit=0.2)
    assert time.perf_counter() - started < 0.2 * 1.1 + 2.0 + 2.0  # on a busy machine
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert solution.status is SolutionStatus.FEASIBLE
    assert solution.partition is not None
    assert solution.partition.tolist() == [50.0] * 12
    assert "left in the middle" in solution.message


def test_an_interruption_is_passed_on_with_what_was_found() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        cg.solve(PROBLEM, Interrupted())
    assert isinstance(caught.value, cg.RunInterrupted)
    solution = caught.value.solution
    assert solution.termination is TerminationCondition.INTERRUPTED
    assert solution.value == cg.evaluate(PROBLEM, [50.0] * 12).value


@pytest.mark.parametrize(
    "problem",
    [
        PROBLEM,
        Problem(
            cg.System(
                12, 600, cg.Empirical(TIMES.sample(200, 1, np.random.default_rng(0)).ravel())
            ),
            cg.ExpectedRuntime(),
        ),
    ],
    ids=["density", "steps"],
)
def test_what_cannot_be_afforded_is_left_out_and_said(problem: Problem) -> None:
    outcome = Outcome(TerminationCondition.TIME_LIMIT, partition=np.full(12, 50.0))
    options = Options(scenarios=50)
    whole = judge_outcome(problem, outcome, Stuck(), form=Form.RELAXED, options=options)
    hurried = judge_outcome(
        problem, outcome, Stuck(), form=Form.RELAXED, options=options, steps=InTime(end=0.0)
    )
    assert whole.message == ""
    assert hurried.message.startswith("no time was left for: exact value (it is simulated)")
    assert hurried.evaluation is not None
    assert hurried.evaluation.method is Method.SIMULATION
    assert abs(hurried.value - whole.value) < 6 * hurried.evaluation.standard_error
    assert hurried.status is SolutionStatus.FEASIBLE
    assert hurried.bound <= whole.value


def test_a_simulation_takes_as_many_rounds_as_there_is_time_for() -> None:
    schedule = cg.Schedule([300.0] + 10 * [0.0] + [300.0])
    whole = simulate(PROBLEM, schedule, rounds=20_000)
    with time_until(time.perf_counter() + 0.1):
        cut = simulate(PROBLEM, schedule, rounds=10**9)
    assert 0.0 < whole.standard_error < math.inf
    assert abs(cut.value - whole.value) < 6 * math.hypot(cut.standard_error, whole.standard_error)


def test_schemes_say_how_many_choices_they_tried() -> None:
    problem = PROBLEM.sampled(5000, seed=1)
    solution = cg.solve(problem, LeaveOut(), time_limit=1e-6)
    assert "choices" in solution.message
    assert solution.termination is TerminationCondition.TIME_LIMIT


def test_a_start_for_others_takes_a_share_of_the_time() -> None:
    problem = Problem(PROBLEM.system, cg.CompletionProbability(3e6)).sampled(400, seed=0)
    begun = time.process_time()
    with time_until(time.perf_counter() + 0.3):
        assert 0.0 < seconds_left() <= 0.3
        assert good_design(problem, Form.BLOCK) is not None
    assert time.process_time() - begun < 1.3
    assert seconds_left() == math.inf


def test_a_search_among_steps_keeps_a_design_before_its_first_start() -> None:
    values = TIMES.sample(2000, 1, np.random.default_rng(0)).ravel()
    system = cg.System(20, 20_000, cg.Empirical(values))
    with keeping_designs() as designs, time_until(0.0), pytest.raises(OutOfTimeError):
        search(Problem(system, cg.CompletionProbability(3e7)), 3e7, Options(), lambda: True)
    assert designs


def test_rounds_are_given_up_one_after_the_other_without_sorting_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    times = np.sort(rng.exponential(size=(300, 8)), axis=1)[:, ::-1]
    sorted_arrays = []
    for name in ("sort", "argsort"):
        given = getattr(np, name)

        def counted(array: Any, given: Any = given, **how: Any) -> Any:
            sorted_arrays.append(array)
            return given(array, **how)

        monkeypatch.setattr(np, name, counted)
    late = _greedy(times, 180)
    assert len(sorted_arrays) == 1
    assert late.sum() == 180
