"""How runs of outside solvers end, and what becomes of their options."""

from __future__ import annotations

import inspect
import math
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError, MissingSolverError, SolverError
from cgcopt.evaluation.result import Certificate
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.adapters import (
    cvxpy_adapter,
    cvxpy_clarabel,
    cvxpy_highs,
    cvxpy_scs,
    highs,
    pyomo_adapter,
    pyomo_highs,
    pyomo_ipopt,
    pyomo_scip,
    scipy_linprog,
    scipy_milp,
    scipy_slsqp,
    scipy_trust_constr,
    uno,
)
from cgcopt.solvers.adapters.base import Answer, termination
from cgcopt.solvers.adapters.neutral_options import NEUTRAL, neutral_options
from cgcopt.solvers.adapters.scenario_adapter import ScenarioAdapter
from cgcopt.solvers.base import Solver, Task
from cgcopt.solvers.registry import all_solvers
from tests.turns import in_turns

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)

MILP: list[type[ScenarioAdapter]] = [
    highs.Highs,
    scipy_milp.ScipyMilp,
    cvxpy_highs.CvxpyHighs,
    pyomo_highs.PyomoHighs,
    pyomo_scip.PyomoScip,
]
LP: list[type[ScenarioAdapter]] = [
    scipy_linprog.ScipyLinprog,
    cvxpy_clarabel.CvxpyClarabel,
    cvxpy_scs.CvxpyScs,
]
NONLINEAR: list[type[Solver]] = [
    scipy_slsqp.ScipySlsqp,
    scipy_trust_constr.ScipyTrustConstr,
    pyomo_ipopt.PyomoIpopt,
    uno.Uno,
]

MAX_ITERATIONS = {pyomo_ipopt.PyomoIpopt: "max_iter", uno.Uno: "max_iterations"}


def name_of(cls: type[Solver]) -> str:
    return cls.name


def runtime_problem(
    workers: int = 5, coordinates: int = 1000, rounds: int = 30, seed: int = 0
) -> Problem:
    system = cg.System(workers, coordinates, TIMES, samples=50)
    return Problem(system, cg.ExpectedRuntime()).sampled(rounds, seed)


def probability_problem(workers: int, coordinates: int, rounds: int) -> Problem:
    sampled = runtime_problem(workers, coordinates, rounds)
    uniform = cg.Design(np.full(workers, coordinates / workers))
    deadline = cg.evaluate(Problem(sampled.system, cg.Quantile(0.3)), uniform).value
    return Problem(sampled.system, cg.CompletionProbability(deadline))


def skip_if_missing(cls: type[Solver]) -> None:
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")


# -- ends of a run --------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [*MILP, *LP], ids=name_of)
def test_an_infeasible_model_has_no_design(
    cls: type[ScenarioAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_if_missing(cls)
    # Work of at least 0 whose weighted sum is negative.
    monkeypatch.setattr(ScenarioFormulation, "budget_weights", -np.ones(5))
    for form in (Form.RELAXED, Form.BLOCK):
        if Task(cg.ExpectedRuntime, form) in cls.solves:
            solution = cg.solve(runtime_problem(), cls(), form=form)
            assert solution.termination is TerminationCondition.INFEASIBLE, solution
            assert solution.status is SolutionStatus.NONE
            assert solution.design is None
            assert math.isnan(solution.value)


@pytest.mark.parametrize("name", ["highs", "scipy-linprog"])
@pytest.mark.parametrize("rounds", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_program_that_interior_points_call_infeasible_is_solved(name: str, rounds: int) -> None:
    """HiGHS 1.16's interior point method holds these to be infeasible, behind its presolve."""
    system = cg.System(30, 20_000, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=50)
    problem = cg.Problem(system, cg.ExpectedRuntime()).sampled(rounds, seed=0)
    solution = cg.solve(problem, name)
    assert solution.status is SolutionStatus.OPTIMAL, solution.message
    best = cg.solve(problem, gap=1e-10).value if rounds == 200 else 54614480.256567
    assert solution.value == pytest.approx(best, rel=1e-9)


def turned_around(cls: type[ScenarioAdapter]) -> type[ScenarioAdapter]:
    """An adapter whose model rewards large ``theta``, which nothing bounds from above."""

    def build(self: Any, formulation: ScenarioFormulation, start: Design | None) -> Any:
        model = cls.build(self, formulation, start)
        if cls is highs.Highs:
            import highspy

            model.changeObjectiveSense(highspy.ObjSense.kMaximize)
        elif cls is scipy_milp.ScipyMilp:
            np.negative(model.c, out=model.c)
        elif cls is scipy_linprog.ScipyLinprog:
            np.negative(model["c"], out=model["c"])
        elif issubclass(cls, cvxpy_adapter.CvxpyAdapter):
            import cvxpy as cp

            problem = formulation.to_cvxpy()
            problem = cp.Problem(cp.Minimize(-problem.objective.args[0]), problem.constraints)
            return problem, *problem.get_problem_data(cls.solver, solver_opts={}), {}
        else:
            model.total.set_sense(-1)
        return model

    facts = {"build": build, "name": f"{cls.name}-turned", "__module__": __name__}
    return type("Turned", (cls,), facts)


@pytest.mark.parametrize("cls", [*MILP, *LP], ids=name_of)
def test_an_unbounded_model_has_no_design(cls: type[ScenarioAdapter]) -> None:
    skip_if_missing(cls)
    solution = cg.solve(runtime_problem(), turned_around(cls)(), form="relaxed")
    # scipy reports what HiGHS calls "unbounded or infeasible" as an error, with that message.
    allowed = {TerminationCondition.UNBOUNDED}
    if cls is scipy_milp.ScipyMilp or cls is scipy_linprog.ScipyLinprog:
        allowed.add(TerminationCondition.ERROR)
    assert solution.termination in allowed, solution
    assert solution.status is SolutionStatus.NONE
    assert math.isnan(solution.gap)
    assert solution.bound == -math.inf


@pytest.mark.parametrize("cls", MILP, ids=name_of)
def test_a_time_limit_without_an_incumbent_is_no_design(cls: type[ScenarioAdapter]) -> None:
    skip_if_missing(cls)
    # Small: who is still building when the time is over is ended, and all is imported again.
    problem = runtime_problem(workers=5, coordinates=16, rounds=12)
    solution = cg.solve(problem, cls(), form="coordinate", time_limit=0.01)
    assert solution.termination is TerminationCondition.TIME_LIMIT, solution
    if solution.design is None:
        assert solution.status is SolutionStatus.NONE
        assert math.isnan(solution.value)
    else:  # a heuristic was faster than the clock: then it is a design in every respect
        assert solution.status is SolutionStatus.FEASIBLE
        assert solution.design.is_integer
        assert solution.design.coordinates == 16
        assert solution.gap > 0


@pytest.mark.parametrize(
    "cls",
    [
        # HiGHS is the same behind other models.
        cls if cls in MILP[::4] else pytest.param(cls, marks=pytest.mark.slow)
        for cls in MILP
    ],
    ids=name_of,
)
def test_a_time_limit_with_an_incumbent_is_a_design_and_a_bound(
    cls: type[ScenarioAdapter],
) -> None:
    skip_if_missing(cls)
    problem = probability_problem(10, 20_000, 150)
    raw = {"formulation": {"at_least": 0}}  # without which it is too easy
    solution = cg.solve(problem, cls(), form="block", time_limit=0.5, threads=1, raw=raw)
    assert solution.termination is TerminationCondition.TIME_LIMIT, solution
    assert solution.seconds.solve + solution.seconds.build < 10.0
    assert solution.status is SolutionStatus.FEASIBLE
    # The better of the solver's bound and that of the levels alone is reported.
    assert solution.certificate in (Certificate.DUAL_BOUND, Certificate.LEVELS)
    assert 0.0 < solution.value < solution.bound <= 1.0


@pytest.mark.parametrize("cls", [cvxpy_scs.CvxpyScs, cvxpy_clarabel.CvxpyClarabel], ids=name_of)
def test_limits_of_continuous_methods_leave_no_half_solved_point(
    cls: type[ScenarioAdapter],
) -> None:
    raw = {"max_iters": 2} if cls is cvxpy_scs.CvxpyScs else {"max_iter": 2}
    solution = cg.solve(runtime_problem(), cls(), raw=raw)
    assert solution.termination is TerminationCondition.ITERATION_LIMIT
    assert solution.status is SolutionStatus.NONE


def test_linprog_distinguishes_its_limits() -> None:
    problem = runtime_problem(12, 20_000, 1500)
    solution = cg.solve(problem, "scipy-linprog", time_limit=0.002, raw={"method": "highs-ds"})
    assert solution.termination is TerminationCondition.TIME_LIMIT
    solution = cg.solve(problem, "scipy-linprog", raw={"method": "highs-ds", "maxiter": 3})
    assert solution.termination is TerminationCondition.ITERATION_LIMIT
    assert solution.status is SolutionStatus.NONE


@pytest.mark.parametrize("cls", NONLINEAR, ids=name_of)
def test_nonlinear_solvers_keep_their_limits(cls: type[Solver]) -> None:
    skip_if_missing(cls)
    problem = Problem(cg.System(3, 20_000, TIMES, samples=50), cg.ExpectedRuntime())
    solution = cg.solve(problem, cls(), time_limit=1e-3)
    assert solution.termination is TerminationCondition.TIME_LIMIT
    limit = {MAX_ITERATIONS.get(cls, "maxiter"): 2}
    solution = cg.solve(problem, cls(), raw=limit)
    assert solution.termination is TerminationCondition.ITERATION_LIMIT
    if solution.design is not None:  # both scipy methods keep to the budget
        best = cg.solve(problem, cls()).value
        assert solution.value >= best * (1 - 1e-12)
        assert solution.design.coordinates == pytest.approx(20_000, rel=1e-12)


class _Ends(ScenarioAdapter):
    """An adapter that does not come to an answer, in the given way."""

    name = "ends-badly"
    summary = "for tests"
    solves = highs.Highs.solves

    def __init__(self, how: Callable[[], None]) -> None:
        self.how = how

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        return None

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        self.how()
        raise AssertionError("unreachable")


def _killed_executable() -> None:
    """What an adapter of an executable does, the executable being shot."""
    code = "import os, signal, time; os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    raise SolverError(f"the solver was killed by signal {-done.returncode}")


def _raise(error: Exception) -> Callable[[], None]:
    def how() -> None:
        raise error

    return how


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (_raise(RuntimeError("numerical\ntrouble")), "RuntimeError: numerical trouble"),
        (_raise(MemoryError()), "MemoryError"),
        (_raise(SolverError("no luck")), "no luck"),
        (_killed_executable, "killed by signal 9"),
    ],
)
def test_a_solver_that_raises_or_dies_is_a_solution_without_design(
    how: Callable[[], None], message: str
) -> None:
    solution = cg.solve(runtime_problem(), _Ends(how))
    assert solution.termination is TerminationCondition.ERROR
    assert solution.status is SolutionStatus.NONE
    assert message in solution.message
    assert solution.to_dict()["value"] is None


def test_a_point_that_violates_the_budget_has_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    original = highs.Highs.run

    def fake(self: Any, formulation: Any, model: Any, options: Any) -> Answer:
        answer = original(self, formulation, model, options)
        point = dict(answer.point or {}, x=np.zeros(5), w=np.zeros(5))
        return Answer(TerminationCondition.OPTIMAL, point, dual_bound=answer.dual_bound)

    monkeypatch.setattr(highs.Highs, "run", fake)
    solution = cg.solve(runtime_problem(), "highs")
    assert solution.status is SolutionStatus.INFEASIBLE
    assert math.isnan(solution.value)
    assert math.isnan(solution.gap)


# -- codes ----------------------------------------------------------------------------------------


def test_an_unknown_code_is_a_warning_and_unknown() -> None:
    with pytest.warns(RuntimeWarning, match="scipy reported the unknown code 99"):
        found = termination("scipy", 99, scipy_milp.TERMINATIONS)
    assert found is TerminationCondition.UNKNOWN


def test_an_unknown_code_of_a_run_keeps_what_the_run_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(highs.HIGHS_TERMINATIONS, "kOptimal")  # type: ignore[arg-type]
    with pytest.warns(RuntimeWarning, match="HiGHS reported the unknown code 'kOptimal'"):
        solution = cg.solve(runtime_problem(), "highs", form="block")
    assert solution.termination is TerminationCondition.UNKNOWN
    assert solution.status is SolutionStatus.OPTIMAL  # the gap is closed, whatever the code


def test_the_tables_cover_every_code_of_the_installed_solvers() -> None:
    import clarabel
    import highspy
    from pyomo.contrib.solver.common import results

    named = {name for name in dir(highspy.HighsModelStatus) if name.startswith("k")}
    assert named == set(highs.HIGHS_TERMINATIONS)
    ours = set(pyomo_adapter.PYOMO_TERMINATIONS)
    assert {condition.name for condition in results.TerminationCondition} == ours
    codes = {name for name in dir(clarabel.SolverStatus) if name[0].isupper()}
    assert codes <= set(cvxpy_clarabel.TERMINATIONS)
    unopy = pytest.importorskip("unopy")
    for codes_of, table in (
        (unopy.OptimizationStatus, uno.TERMINATIONS),
        (unopy.SolutionStatus, uno.POINTS),
    ):
        assert set(codes_of.__members__) == set(table)


# -- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", MILP, ids=name_of)
def test_the_gap_is_honoured(cls: type[ScenarioAdapter]) -> None:
    skip_if_missing(cls)
    problem = runtime_problem(4, 6, 6)
    tight = cg.solve(problem, cls(), form="coordinate", gap=1e-9, threads=1)
    loose = cg.solve(problem, cls(), form="coordinate", gap=0.5, threads=1)
    assert tight.gap <= 2e-8
    assert loose.gap <= 0.5
    assert loose.status is SolutionStatus.OPTIMAL
    assert loose.value >= tight.value * (1 - 1e-9)
    assert loose.bound <= tight.value * (1 + 1e-9)


@pytest.mark.slow  # every solver runs twice on a small problem in test_conformance
@pytest.mark.parametrize("cls", [*MILP, *LP], ids=name_of)
def test_equal_seeds_give_equal_runs(cls: type[ScenarioAdapter]) -> None:
    skip_if_missing(cls)
    problem = runtime_problem(5, 500, 40)
    form = Form.BLOCK if cls in MILP else Form.RELAXED
    first, second = (cg.solve(problem, cls(), form=form, seed=3, threads=1) for _ in range(2))
    np.testing.assert_array_equal(first.partition, second.partition)
    assert first.bound == second.bound
    assert first.details == second.details


@in_turns(every=2, name=["highs", "cvxpy-highs", "pyomo-highs"], threads=[1, 2])
def test_the_number_of_threads_reaches_highs(
    name: str, threads: int, capfd: pytest.CaptureFixture[str]
) -> None:
    problem = runtime_problem(5, 60, 20)
    solution = cg.solve(problem, name, form="block", threads=threads, verbose=True)
    assert solution.status is SolutionStatus.OPTIMAL
    captured = capfd.readouterr()
    assert captured.out == ""
    assert f"Thread count {threads}" in captured.err


@pytest.mark.parametrize("cls", [*MILP, *LP, *NONLINEAR], ids=name_of)
def test_logs_go_to_standard_error_or_nowhere(
    cls: type[Solver], capfd: pytest.CaptureFixture[str]
) -> None:
    skip_if_missing(cls)
    problem = runtime_problem()
    if cls in NONLINEAR:
        problem = Problem(cg.System(2, 100, TIMES), cg.ExpectedRuntime())
    quiet = cg.solve(problem, cls())
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    loud = cg.solve(problem, cls(), verbose=True)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err
    assert loud.value == pytest.approx(quiet.value, rel=1e-6)


@pytest.mark.parametrize("cls", MILP, ids=name_of)
def test_raw_options_reach_the_solver_under_its_own_names(cls: type[ScenarioAdapter]) -> None:
    skip_if_missing(cls)
    limits: dict[type, dict[str, Any]] = {
        scipy_milp.ScipyMilp: {"node_limit": 0},
        pyomo_scip.PyomoScip: {"limits/nodes": 0},
    }
    raw = limits.get(cls, {"mip_max_nodes": 0})
    raw["formulation"] = {"at_least": 0}
    problem = probability_problem(6, 2000, 60)
    solution = cg.solve(problem, cls(), form="block", raw=raw, time_limit=30, threads=1)
    # scipy has one code for both limits.
    expected = {TerminationCondition.ITERATION_LIMIT}
    if cls is scipy_milp.ScipyMilp:
        expected.add(TerminationCondition.TIME_LIMIT)
    assert solution.termination in expected, solution
    assert solution.options.raw == raw


def test_a_raw_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"options.raw\['nonsense'\]"):
        cg.solve(runtime_problem(), "highs", raw={"nonsense": 1})
    with pytest.raises(
        InvalidInputError, match="mapping with the keys at_least, at_most, equivalence"
    ):
        cg.solve(runtime_problem(), "highs", raw={"formulation": {"weak": True}})
    solution = cg.solve(runtime_problem(), "cvxpy-scs", raw={"nonsense": 1})
    assert solution.termination is TerminationCondition.ERROR
    assert "nonsense" in solution.message


@pytest.mark.parametrize(
    ("name", "raw", "hint"),
    [
        ("highs", {"mip_rel_gep": 1}, "one of [0-9]+ names .did you mean 'mip_rel_gap'"),
        ("pyomo-highs", {"mip_rel_gep": 1}, "did you mean 'mip_rel_gap'"),
        ("cvxpy-highs", {"mip_rel_gep": 1}, "did you mean 'mip_rel_gap'"),
        ("cvxpy-clarabel", {"max_itr": 1}, "did you mean 'max_iter'"),
        ("pyomo-scip", {"limits/node": 1}, "one of [0-9]+ names .did you mean 'limits/nodes'"),
        ("scipy-linprog", {"maxitr": 1}, "maxitr"),
        ("scipy-milp", {"maxitr": 1}, "maxitr"),
    ],
)
@pytest.mark.filterwarnings("ignore:Unrecognized options")
def test_the_known_options_are_named(name: str, raw: dict[str, Any], hint: str) -> None:
    skip_if_missing({cls.name: cls for cls in all_solvers()}[name])
    with pytest.raises(InvalidInputError, match=rf"options\.raw.*{hint}"):
        cg.solve(runtime_problem(), name, raw=raw)


def test_the_strength_of_the_formulation_is_an_option() -> None:
    problem = probability_problem(5, 200, 25)
    strong = cg.solve(problem, "highs", form="block")
    plain = cg.solve(problem, "highs", form="block", raw={"formulation": {"strong": False}})
    every = cg.solve(problem, "highs", form="block", raw={"formulation": {"at_least": 0}})
    assert strong.value == plain.value == every.value
    assert strong.details["columns"] == plain.details["columns"] + 25 * 5
    assert strong.details["rows"] == every.details["rows"]  # they keep their names


def test_a_start_that_is_no_design_of_the_level_is_refused() -> None:
    problem = probability_problem(4, 100, 10)
    for start in ([25.5, 24.5, 25.0, 25.0], [100.0], [1.0, 1.0, 1.0, 1.0]):
        with pytest.raises(InvalidInputError, match="partition"):
            cg.solve(problem, "highs", form="block", raw={"start": start})


@pytest.mark.parametrize(
    ("name", "form", "raw", "said"),
    [
        ("scipy-linprog", "relaxed", {}, "linear programs are solved without one"),
        ("highs", "relaxed", {}, "linear programs are solved without one"),
        ("scipy-milp", "block", {}, "solver 'scipy-milp' takes none, scipy passes HiGHS no point"),
        ("highs", "block", {}, ""),
    ],
)
def test_a_start_that_counts_for_nothing_is_said(
    name: str, form: str, raw: dict[str, Any], said: str
) -> None:
    raw = {**raw, "start": [25, 25, 25, 25]}
    message = cg.solve(runtime_problem(4, 100, 5), name, form=form, raw=raw).message
    assert message == (f"the start counts for nothing: {said}" if said else "")


def test_a_start_bounds_others_even_where_nothing_begins_at_it() -> None:
    problem = probability_problem(4, 100, 10)
    raw = {"start": [25, 25, 25, 25]}
    assert cg.solve(problem, "scipy-milp", form="block", raw=raw).message == ""


def test_a_start_is_used_by_highs() -> None:
    problem = runtime_problem(8, 2000, 40)
    best = cg.solve(problem, "highs", form="block", time_limit=20, threads=1)
    assert best.partition is not None
    raw: dict[str, Any] = {"mip_max_nodes": 0, "mip_heuristic_effort": 0.0, "presolve": "off"}
    cold = cg.solve(problem, "highs", form="block", raw=raw, threads=1)
    raw["start"] = best.partition.tolist()
    warm = cg.solve(problem, "highs", form="block", raw=raw, threads=1)
    assert not cold.value <= best.value
    assert warm.value == best.value


@pytest.mark.parametrize("cls", NONLINEAR, ids=name_of)
def test_a_start_is_used_by_nonlinear_solvers(cls: type[Solver]) -> None:
    skip_if_missing(cls)
    problem = Problem(cg.System(2, 1000, TIMES), cg.ExpectedRuntime())
    best = cg.solve(problem, cls())
    assert best.partition is not None
    limit = {MAX_ITERATIONS.get(cls, "maxiter"): 1}
    cold = cg.solve(problem, cls(), raw=limit)
    warm = cg.solve(problem, cls(), raw={**limit, "start": best.partition.tolist()})
    if cls is pyomo_ipopt.PyomoIpopt:  # which hands out no point that is not yet feasible
        assert warm.details["iterations"] == 1
        return
    assert warm.value == pytest.approx(best.value, rel=1e-4)
    assert warm.value < cold.value


@pytest.mark.parametrize("cls", [*MILP, *LP, *NONLINEAR], ids=name_of)
def test_neutral_options_are_documented_by_their_own_names(cls: Any) -> None:
    assert {"time_limit", "verbose"} <= set(cls.neutral) <= set(NEUTRAL)
    assert neutral_options()[cls.name] == {name: cls.neutral.get(name, "") for name in NEUTRAL}


# -- availability ---------------------------------------------------------------------------------


def test_a_solver_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyomo_scip.PyomoScip, "requires", "a_package_that_is_not_there")
    assert not pyomo_scip.PyomoScip.available()
    with pytest.raises(MissingSolverError, match=r"pip install 'cgcopt\[scip\]'"):
        cg.solve(runtime_problem(), "pyomo-scip")
    monkeypatch.setattr(pyomo_scip.PyomoScip, "distribution", "a-package-that-is-not-there")
    assert pyomo_scip.PyomoScip.version() == ""


@pytest.mark.parametrize("cls", [*MILP, *LP, *NONLINEAR], ids=name_of)
def test_versions_are_those_of_the_installed_packages(cls: type[Solver]) -> None:
    skip_if_missing(cls)
    assert cls.version()[0].isdigit()
    assert cls.licence
    assert not inspect.isabstract(cls)


def test_the_registry_imports_no_outside_solver() -> None:
    code = (
        "import sys; from cgcopt.solvers.registry import all_solvers; "
        "[(s.available(), s.version()) for s in all_solvers()]; "
        "bad = {'highspy', 'cvxpy', 'pyomo', 'casadi', 'pyscipopt', 'clarabel', 'scs', 'scipy'}; "
        "sys.exit(repr(bad & set(sys.modules)) if bad & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr


def test_warnings_of_cvxpy_do_not_leak() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw = {"formulation": {"at_least": 0}}
        problem = probability_problem(8, 2000, 80)
        solution = cg.solve(problem, "cvxpy-highs", form="block", time_limit=0.2, raw=raw)
    assert solution.termination is TerminationCondition.TIME_LIMIT
