"""One suite over every solver, own and outside, chosen by what the solver says it can do."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution, SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Role, Solver, Task, Times
from cgcopt.solvers.registry import all_solvers
from tests.turns import in_turns

pytestmark = pytest.mark.usefixtures("few_restarts")


def _load_references() -> Any:
    path = Path(__file__).with_name("references.py")
    spec = importlib.util.spec_from_file_location("conformance_references", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


references = _load_references()

CASES = [
    pytest.param(cls, task, times, id=f"{cls.name}-{task.objective.kind}-{task.form}-{times}")
    for cls in all_solvers()
    for task in sorted(cls.solves, key=lambda task: (task.objective.kind, task.form))
    for times in sorted(cls.times)
]


def one_of_each(
    cases: list[Any], *kinds: Callable[[type[Solver], Task], Any], among: list[Any] | None = None
) -> Iterator[Any]:
    """Mark all cases slow but one of each of these kinds; kinds of times take turns.

    Quick are only some of ``among``, where that is given.
    """
    quick: set[str] = set()
    for kind in kinds:
        groups: dict[Any, list[str]] = {}
        for case in cases if among is None else among:
            cls, task, _ = case.values
            groups.setdefault(kind(cls, task), []).append(case.id)
        for turn, group in enumerate(groups.values()):
            if not quick.intersection(group):
                quick.add(group[turn % len(group)])
    for case in cases:
        marks = [] if case.id in quick else pytest.mark.slow
        yield pytest.param(*case.values, id=case.id, marks=marks)


BY_TASK = (lambda cls, task: (cls, task.objective)), (lambda cls, task: (cls, task.form))
EACH_CASE = list(one_of_each(CASES, *BY_TASK))
each_case = pytest.mark.parametrize(("cls", "task", "times"), EACH_CASE)
each_solver = pytest.mark.parametrize("cls", all_solvers(), ids=lambda cls: cls.name)
every_second_solver = in_turns(every=2, cls={cls.name: cls for cls in all_solvers()})
# Their first run is over.
each_solver_once = pytest.mark.parametrize(
    ("cls", "task", "times"),
    list(
        one_of_each(CASES, lambda cls, _: cls, among=[case for case in EACH_CASE if not case.marks])
    ),
)

every_task_or_some = pytest.mark.parametrize(
    ("cls", "quick"),
    [
        pytest.param(cls, quick, marks=marks, id=f"{cls.name}-{'some' if quick else 'all'}")
        for cls in all_solvers()
        for quick, marks in ((True, []), (False, pytest.mark.slow))
    ],
)


#: For solvers that make a fixed number of steps and promise no distance from the optimum.
FEW_STEPS = {"successive-convex": {"iterations": 25}}


def pairs(cls: type[Solver], quick: bool) -> Iterator[tuple[Task, Times]]:
    """Tasks of a solver with kinds of times: all, or each objective once: forms and kinds take turns."""
    tasks = sorted(cls.solves, key=lambda task: (task.objective.kind, task.form))
    kinds = sorted(cls.times)
    if quick:
        first = all_solvers().index(cls)
        for turn, (_, of_one) in enumerate(
            itertools.groupby(tasks, key=lambda task: task.objective), first
        ):
            forms = list(of_one)
            yield forms[turn % len(forms)], kinds[turn % len(kinds)]
    else:
        yield from itertools.product(tasks, kinds)


def run(cls: type[Solver], task: Task, times: Times, **options: Any) -> Solution:
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    problem = references.problem_for(task.objective, times)
    # Proofs take seconds; on a busy machine they may take many. Where rounds are drawn, few will do.
    options |= {"time_limit": 120, "scenarios": 40, "raw": FEW_STEPS.get(cls.name, {})}
    return cg.solve(problem, cls(), form=task.form, **options)


@cache
def first_run(cls: type[Solver], task: Task, times: Times) -> Solution:
    return run(cls, task, times, seed=11, threads=1)


@each_case
def test_a_solver_keeps_its_promises(cls: type[Solver], task: Task, times: Times) -> None:
    solution = first_run(cls, task, times)
    problem = solution.problem
    ended = {TerminationCondition.OPTIMAL, TerminationCondition.CONVERGED}
    if cls.role is Role.ITERATIVE:  # some run for a fixed number of iterations
        ended.add(TerminationCondition.ITERATION_LIMIT)
    assert solution.termination in ended, solution.message
    best = references.optimum(task.objective, times, task.form)
    minimize = problem.objective.sense is Sense.MINIMIZE
    # On the right side of the optimum, and as near as it says.
    assert np.isfinite(solution.value)
    worse = solution.value - best if minimize else best - solution.value
    if solution.status is not SolutionStatus.SCHEME:
        assert worse >= -1e-9 * best
    if cls.tolerance < math.inf:
        assert worse <= cls.tolerance * best + 1e-12
    # The bound bounds the optimum, and has a proof.
    assert solution.bound <= best * (1 + 1e-9) if minimize else solution.bound >= best * (1 - 1e-9)
    assert math.isfinite(solution.bound) == (solution.certificate is not Certificate.NONE)
    if solution.status is SolutionStatus.OPTIMAL:
        assert 0.0 <= solution.gap <= solution.options.gap
    if cls.role is Role.EXACT:
        assert solution.status is SolutionStatus.OPTIMAL
    # The value is that of the design, which is feasible.
    if solution.status is SolutionStatus.SCHEME:
        assert solution.design is None
        return
    assert solution.design is not None
    assert solution.value == cg.evaluate(problem, solution.design, gradient=True).value
    assert solution.design.workers == problem.system.workers
    assert solution.design.coordinates == pytest.approx(problem.system.coordinates, rel=1e-12)
    assert solution.design.is_integer or task.form is Form.RELAXED
    if task.form is not Form.RELAXED:
        assert solution.design.coordinates == problem.system.coordinates


@each_solver_once
def test_equal_seeds_give_equal_solutions_and_nothing_is_printed(
    cls: type[Solver], task: Task, times: Times, capfd: pytest.CaptureFixture[str]
) -> None:
    first = first_run(cls, task, times).to_dict()
    capfd.readouterr()
    second = run(cls, task, times, seed=11, threads=1).to_dict()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    for solution in (first, second):
        assert min(solution.pop("seconds").values()) >= 0.0
    assert first == second
    assert json.loads(json.dumps(first, allow_nan=False))["solver"] == cls.name


@every_task_or_some
def test_solvers_of_the_relaxed_level_give_whole_designs_too(
    cls: type[Solver], quick: bool
) -> None:
    for task, times in pairs(cls, quick):
        if task.form is not Form.RELAXED or Task(task.objective, Form.BLOCK) in cls.solves:
            continue
        solution = run(cls, Task(task.objective, Form.BLOCK), times)
        if solution.status is SolutionStatus.SCHEME:
            continue
        assert solution.design is not None
        assert solution.design.is_integer
        assert solution.design.coordinates == solution.problem.system.coordinates


@every_task_or_some
def test_a_single_worker_and_a_single_coordinate_are_a_problem(
    cls: type[Solver], quick: bool
) -> None:
    """And options stand in the solution."""
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    for task, times in pairs(cls, quick):
        model = references.problem_for(task.objective, times).system.worker_times
        if times is Times.SCENARIOS:
            model = cg.Scenarios(model.times[:, :1])
        system = cg.System(1, 1, model)
        value: Any = {
            cg.ExpectedRuntime: lambda: cg.ExpectedRuntime(),
            cg.CompletionProbability: lambda: cg.CompletionProbability(600.0),
            cg.Quantile: lambda: cg.Quantile(0.5),
            cg.ConditionalValueAtRisk: lambda: cg.ConditionalValueAtRisk(0.5),
        }[task.objective]()
        options: Any = {"form": task.form, "scenarios": 10, "gap": 1e-3, "threads": 2}
        options["raw"] = FEW_STEPS.get(cls.name, {})
        solution = cg.solve(Problem(system, value), cls(), **options)
        assert solution.options.threads == 2
        assert solution.options.gap == 1e-3
        if solution.status is SolutionStatus.SCHEME:
            continue
        if cls.role is Role.SCHEME and "at least two" in solution.message:
            assert solution.status is SolutionStatus.NONE
            continue
        assert solution.partition is not None, (task, times)
        assert solution.partition.tolist() == pytest.approx([1.0], rel=1e-12)


@every_task_or_some
def test_what_a_solver_does_not_take_is_refused_or_drawn(cls: type[Solver], quick: bool) -> None:
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    task = min(cls.solves, key=lambda task: (task.objective.kind, task.form))
    others = sorted(set(Times) - cls.times)
    if quick:
        first = all_solvers().index(cls)
        others = [others[(first + i) % len(others)] for i in range(min(len(others), 2))]
    for times in others:
        problem = references.problem_for(task.objective, times)
        if problem.system.worker_times.kind in cls.times:
            continue  # a kind that the reference problems do not have
        if Times.SCENARIOS in cls.times:
            if task.form is Form.COORDINATE:
                continue
            solution = cg.solve(problem, cls(), form=task.form, scenarios=20, seed=4)
            assert solution.sample is not None
            assert (solution.sample.scenarios, solution.sample.seed) == (20, 4)
            assert solution.evaluation is not None
            found = solution.design if solution.assignment is None else solution.assignment
            assert solution.value == cg.evaluate(problem, found, gradient=True).value
        else:
            with pytest.raises(UnsupportedProblemError, match=cls.name):
                cg.solve(problem, cls(), form=task.form)


@every_second_solver
def test_a_time_limit_is_kept(cls: type[Solver]) -> None:
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    task = max(cls.solves, key=lambda task: (task.form == Form.BLOCK, task.objective.kind))
    times = max(cls.times, key=lambda times: times is Times.CONTINUOUS)
    workers = 4 if cls.name.startswith("pyomo-") and times is Times.CONTINUOUS else 20
    model: Any = cg.ShiftedExponential(rate=1e-3, shift=50.0)
    if times is Times.SCENARIOS:
        # A model of pyomo takes long to build.
        rounds = 20 if cls.name.startswith("pyomo-") else 150
        model = cg.Scenarios(model.sample(rounds, workers, np.random.default_rng(0)))
    elif times is Times.DISCRETE:
        model = cg.Empirical(np.arange(1.0, 30.0))
    system = cg.System(workers, 20_000, model, samples=50)
    middle = cg.Design(np.full(workers, 20_000 / workers))
    quantile = Problem(system, cg.Quantile(0.5))
    objective: Any = {
        cg.ExpectedRuntime: lambda: cg.ExpectedRuntime(),
        cg.CompletionProbability: lambda: cg.CompletionProbability(
            cg.evaluate(quantile, middle).value
        ),
        cg.Quantile: lambda: quantile.objective,
        cg.ConditionalValueAtRisk: lambda: cg.ConditionalValueAtRisk(0.5),
    }[task.objective]()
    problem = Problem(system, objective)
    started = time.perf_counter()
    solution = cg.solve(problem, cls(), form=task.form, time_limit=0.1, gap=0.0, threads=1)
    assert time.perf_counter() - started < 12.0
    assert solution.seconds.solve + solution.seconds.build < 6.0
    assert solution.termination in (
        TerminationCondition.TIME_LIMIT,
        TerminationCondition.ITERATION_LIMIT,
        TerminationCondition.CONVERGED,
        TerminationCondition.OPTIMAL,
    )
    if solution.design is not None:
        assert solution.design.coordinates == pytest.approx(20_000, rel=1e-12)


DISCRETE = [
    cls
    for cls in all_solvers()
    if Task(cg.CompletionProbability, Form.BLOCK) in cls.solves and Times.SCENARIOS in cls.times
]


@in_turns(
    every=3,
    cls={cls.name: cls for cls in DISCRETE},
    coordinates=[20, 20_000, 10**6, 10**9, 10**12],
    seed=[0, 1],
)
def test_a_proof_is_a_proof_at_every_number_of_coordinates(
    cls: type[Solver], coordinates: int, seed: int
) -> None:
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    times = cg.ShiftedExponential(rate=1.0, shift=1.0)
    system = cg.System(4, coordinates, times)
    middle = cg.Design(np.full(4, coordinates / 4))
    deadline = cg.evaluate(Problem(system, cg.Quantile(0.5)), middle).value
    problem = Problem(system, cg.CompletionProbability(deadline)).sampled(24, seed=seed)
    best = references.best_share(problem)
    solution = cg.solve(problem, cls(), form="block", time_limit=20, threads=1)
    assert solution.bound >= best - 1e-12
    assert solution.value == pytest.approx(best)
    assert solution.termination is TerminationCondition.OPTIMAL
    assert solution.gap <= 1e-9


def test_every_solver_states_its_facts() -> None:
    names = set()
    for cls in all_solvers():
        assert cls.summary
        assert not cls.summary.endswith(".")
        assert cls.__doc__
        assert cls.solves
        assert cls.times
        assert cls.tolerance > 0
        assert cls.licence
        assert not cls.extra or cls.requires
        if cls.available():
            assert cls.version()
        names.add(cls.name)
    assert len(names) >= 20
