"""The judge: one road to a solution, and what becomes of proofs that are none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Outcome, Role, Solver, tasks
from cgcopt.solvers.schemes import Tandon

RUNTIME = cg.Problem(
    cg.System(5, 1000, cg.ShiftedExponential(rate=1e-3, shift=50)), cg.ExpectedRuntime()
)
ROUNDS = cg.Scenarios(1 + np.random.default_rng(3).exponential(size=(40, 5)))
CHANCE = cg.Problem(
    cg.System(5, 1000, ROUNDS, samples=5),
    cg.CompletionProbability(4000.0),
)


class Boast(Solver):
    """An outside solver that claims what it is told to."""

    name, summary, role = "boast", "claims", Role.ADAPTER
    solves = tasks(cg.ExpectedRuntime, cg.CompletionProbability, forms=(Form.RELAXED, Form.BLOCK))
    tolerance = 1e-6

    def __init__(self, partition: Any, bound: float) -> None:
        self.partition, self.bound = partition, bound

    def solve(self, problem: cg.Problem, form: Form, options: cg.Options) -> Outcome:
        return Outcome(
            TerminationCondition.OPTIMAL,
            partition=None if self.partition is None else np.asarray(self.partition, float),
            bound=self.bound,
            certificate=Certificate.DUAL_BOUND,
        )


def test_a_given_design_is_judged_like_a_solved_one() -> None:
    solved = cg.solve(RUNTIME)
    assert solved.design is not None
    given = cg.judge(RUNTIME, solved.design, bound_seconds=20)
    assert given.value == solved.value
    assert given.gap <= 1e-6
    assert given.status is SolutionStatus.OPTIMAL
    assert given.solver == "given"
    assert given.form is Form.RELAXED
    without = cg.judge(RUNTIME, solved.design)
    assert without.bound <= given.bound * (1 + 1e-9)


def test_the_own_bound_is_that_of_the_best_method() -> None:
    """One subgradient at a poor design proves little; the optimum's bound says how poor it is."""
    design = [400, 300, 200, 100, 0]
    best = cg.solve(RUNTIME)
    alone, known = cg.judge(RUNTIME, design), cg.judge(RUNTIME, design, bound_seconds=20)
    assert alone.bound < known.bound <= best.value
    assert known.bound == pytest.approx(best.value, rel=2e-6)
    assert known.form is Form.BLOCK
    assert known.status is SolutionStatus.FEASIBLE


def test_a_scheme_is_judged_by_its_work() -> None:
    solved = cg.solve(RUNTIME, "tandon")
    outcome = Tandon().solve(RUNTIME, Form.RELAXED, cg.Options())
    assert solved.work is not None
    assert outcome.work is not None
    assert solved.work.tolist() == outcome.work.tolist()
    assert "work" in solved.to_dict()
    judged = cg.judge(RUNTIME, work=solved.work)
    assert judged.value == solved.value
    assert judged.status is SolutionStatus.SCHEME
    assert math.isnan(judged.gap) or judged.gap == math.inf


def test_a_design_brings_its_work() -> None:
    solution = cg.judge(RUNTIME, [200] * 5)
    assert solution.design is not None
    assert solution.work is not None
    assert solution.work.tolist() == solution.design.work.tolist()
    assert "work" not in solution.to_dict()


def test_bad_input() -> None:
    with pytest.raises(InvalidInputError, match="design"):
        cg.judge(RUNTIME)
    with pytest.raises(InvalidInputError, match="design"):
        cg.judge(RUNTIME, [200] * 5, work=[1.0] * 5)
    with pytest.raises(InvalidInputError, match="sum"):
        cg.judge(RUNTIME, [200] * 4 + [100])


def test_a_bound_that_the_own_value_contradicts_is_thrown_away() -> None:
    value = cg.evaluate(RUNTIME, [200] * 5).value
    solution = cg.solve(RUNTIME, Boast([200] * 5, value * 1.01))
    assert solution.termination is TerminationCondition.NUMERICAL_ERROR
    assert solution.status is SolutionStatus.FEASIBLE
    assert solution.gap > 0
    assert solution.bound < value
    assert "thrown away" in solution.message
    assert solution.certificate is not Certificate.DUAL_BOUND


@pytest.mark.parametrize("form", ["relaxed", "block"])
def test_a_false_proof_is_contradicted_by_an_own_design(form: str) -> None:
    """The solver proves its own poor design: nothing of its own tells against it."""
    poor = [1000, 0, 0, 0, 0]
    value = cg.evaluate(CHANCE, poor).value
    better = cg.solve(CHANCE).value
    assert value < 0.9 * better
    solution = cg.solve(CHANCE, Boast(poor, value), form=form)
    assert solution.termination is TerminationCondition.NUMERICAL_ERROR
    assert solution.status is SolutionStatus.FEASIBLE
    assert "boast" in solution.message
    assert solution.bound >= better
    alone = cg.solve(CHANCE, Boast(None, value), form=form)
    assert alone.termination is TerminationCondition.NUMERICAL_ERROR
    assert alone.bound == math.inf


@pytest.mark.parametrize("problem", [RUNTIME, CHANCE], ids=["runtime", "chance"])
def test_a_bound_that_leaves_no_design_is_thrown_away(problem: cg.Problem) -> None:
    minimize = problem.objective.sense is Sense.MINIMIZE
    none_left = math.inf if minimize else -math.inf
    alone = cg.solve(problem, Boast(None, none_left))
    assert alone.termination is TerminationCondition.NUMERICAL_ERROR
    assert "thrown away" in alone.message
    assert alone.bound == -none_left


@pytest.mark.parametrize("partition", [None, [math.nan] * 5, [1000.0] * 5])
def test_nobody_is_optimal_without_a_design(partition: Any) -> None:
    solution = cg.solve(RUNTIME, Boast(partition, math.nan))
    assert solution.termination is TerminationCondition.ERROR
    assert solution.status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE)
    assert "without a feasible design" in solution.message


def test_a_true_proof_is_believed() -> None:
    best = cg.solve(RUNTIME)
    solution = cg.solve(RUNTIME, Boast(best.partition, best.value * (1 - 1e-9)))
    assert solution.termination is TerminationCondition.OPTIMAL
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.certificate is Certificate.DUAL_BOUND


def test_a_bound_beyond_the_value_by_a_tolerance_leaves_a_gap_of_that_size() -> None:
    best = cg.solve(RUNTIME)
    solution = cg.solve(RUNTIME, Boast(best.partition, best.value * (1 + 1e-8)))
    assert solution.gap == pytest.approx(1e-8, rel=1e-3)
    assert solution.status is SolutionStatus.OPTIMAL


def test_a_claim_that_is_not_borne_out_is_no_optimum() -> None:
    solution = cg.solve(RUNTIME, Boast([200] * 5, math.nan))
    assert solution.termination is TerminationCondition.CONVERGED
    assert solution.status is SolutionStatus.FEASIBLE


def test_the_residual_is_what_its_definition_says() -> None:
    system = cg.System(4, 400, cg.ShiftedExponential(rate=1e-3, shift=50))
    problem = cg.Problem(system, cg.CompletionProbability(9e5))
    x = np.array([100.0, 150.0, 0.0, 150.0])
    step = 1e-4
    value = evaluate(problem, x).value

    def moved(n: int) -> float:
        """``dP/dx_n`` by a one-sided difference, coordinates added."""
        y = x.copy()
        y[n] += step
        work = np.cumsum(np.arange(1, 5) * y)
        from cgcopt.evaluation.evaluate import evaluate_work

        return (evaluate_work(problem, work).value - value) / step

    slopes = np.array([moved(n) for n in range(4)])
    expected = 400 * (slopes.max() - slopes[x > 0].min()) / value
    assert cg.judge(problem, x).residual == pytest.approx(expected, rel=1e-4)
    best = cg.solve(problem)
    assert best.residual is not None
    assert 0 <= best.residual < 1e-6
    assert cg.judge(RUNTIME, [200] * 5).residual is None


def test_a_proof_that_is_there_at_the_limit_is_no_run_cut_short() -> None:
    class Late(Solver):
        name = "late"
        summary = "stands at the optimum when its time is over"
        role = Role.ITERATIVE
        solves = tasks(cg.ExpectedRuntime, forms=(Form.RELAXED,))

        def solve(self, problem: cg.Problem, form: Form, options: cg.Options) -> Outcome:
            best = cg.solve(RUNTIME).partition
            return Outcome(TerminationCondition.TIME_LIMIT, partition=best)

    solution = cg.solve(RUNTIME, Late(), gap=1e-2)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.termination is TerminationCondition.CONVERGED


@pytest.mark.parametrize("ended", ["infeasible", "unbounded"])
def test_who_finds_nothing_feasible_is_told_of_a_design(ended: str) -> None:
    class Denial(Boast):
        """An outside solver that holds that nothing can be had."""

        def solve(self, problem: cg.Problem, form: Form, options: cg.Options) -> Outcome:
            return Outcome(TerminationCondition(ended), message="its own words")

    for problem in (RUNTIME, CHANCE):
        solution = cg.solve(problem, Denial(None, math.nan))
        assert solution.status is SolutionStatus.NONE
        assert math.isnan(solution.value)
        assert solution.message.startswith(f"its own words; boast says {ended}, but the design of ")
