"""cgcopt: how much redundancy for which part of a gradient, as an optimisation problem.

Design problems of (block) coordinate gradient coding, their formulations as mathematical programs,
the methods that solve them, and an evaluator that says exactly what a design is worth.

    import cgcopt as cg
    times = cg.ShiftedExponential(rate=1e-3, shift=50)
    system = cg.System(workers=20, coordinates=20_000, worker_times=times)
    design = cg.solve(cg.Problem(system, cg.ExpectedRuntime()))
    design.partition, design.value, design.bound, design.gap

Everything in ``__all__`` is imported on first use, so that ``import cgcopt`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

from cgcopt._packages import on_first_use
from cgcopt.version import __version__

if TYPE_CHECKING:
    from cgcopt.codes.code import GradientCode as GradientCode
    from cgcopt.codes.construct import gradient_code as gradient_code
    from cgcopt.codes.plan import Plan as Plan
    from cgcopt.codes.plan_file import load_plan as load_plan
    from cgcopt.codes.plan_file import save_plan as save_plan
    from cgcopt.codes.planning import make_plan as make_plan
    from cgcopt.compare.results.advice import advise as advise
    from cgcopt.compare.results.advice_result import Advice as Advice
    from cgcopt.compare.results.compare import compare as compare
    from cgcopt.compare.results.curve import deadline_curve as deadline_curve
    from cgcopt.compare.results.replay import replay as replay
    from cgcopt.compare.results.tradeoff import tradeoff as tradeoff
    from cgcopt.costs import Costs as Costs
    from cgcopt.design import Design as Design
    from cgcopt.design import sort_redundancies as sort_redundancies
    from cgcopt.errors import CgcoptError as CgcoptError
    from cgcopt.errors import InvalidInputError as InvalidInputError
    from cgcopt.errors import RunInterrupted as RunInterrupted
    from cgcopt.evaluation.evaluate import evaluate as evaluate
    from cgcopt.evaluation.result import Certificate as Certificate
    from cgcopt.evaluation.result import Evaluation as Evaluation
    from cgcopt.evaluation.schedules.baselines import Cyclic as Cyclic
    from cgcopt.evaluation.schedules.baselines import Dynamic as Dynamic
    from cgcopt.evaluation.simulation import simulate as simulate
    from cgcopt.formulations import formulate as formulate
    from cgcopt.formulations import formulate_schedule as formulate_schedule
    from cgcopt.instance import example_instances as example_instances
    from cgcopt.instance import instance_text as instance_text
    from cgcopt.instance import load_instance as load_instance
    from cgcopt.instance import problem_of_trace as problem_of_trace
    from cgcopt.limits import Limits as Limits
    from cgcopt.limits import boundaries_of_sizes as boundaries_of_sizes
    from cgcopt.limits import read_sizes as read_sizes
    from cgcopt.objective import CompletionProbability as CompletionProbability
    from cgcopt.objective import ConditionalValueAtRisk as ConditionalValueAtRisk
    from cgcopt.objective import ExpectedRuntime as ExpectedRuntime
    from cgcopt.objective import Quantile as Quantile
    from cgcopt.options import Options as Options
    from cgcopt.problem import Form as Form
    from cgcopt.problem import Problem as Problem
    from cgcopt.schedule import Schedule as Schedule
    from cgcopt.solution import Solution as Solution
    from cgcopt.solution import SolutionStatus as SolutionStatus
    from cgcopt.solution import TerminationCondition as TerminationCondition
    from cgcopt.solvers.judge import judge as judge
    from cgcopt.solvers.registry import solver_table
    from cgcopt.solvers.rounding.whole import round_design as round_design
    from cgcopt.solvers.solve import solve as solve
    from cgcopt.study.samples import saa_study as saa_study
    from cgcopt.study.sweep import sweep as sweep
    from cgcopt.system import System as System
    from cgcopt.workers.empirical import Empirical as Empirical
    from cgcopt.workers.families import Exponential as Exponential
    from cgcopt.workers.families import Gamma as Gamma
    from cgcopt.workers.families import LogNormal as LogNormal
    from cgcopt.workers.families import Pareto as Pareto
    from cgcopt.workers.families import ShiftedExponential as ShiftedExponential
    from cgcopt.workers.families import Weibull as Weibull
    from cgcopt.workers.fitting import fit as fit
    from cgcopt.workers.groups import Groups as Groups
    from cgcopt.workers.inspection import inspect_trace as inspect_trace
    from cgcopt.workers.record import record as record
    from cgcopt.workers.scenarios import Scenarios as Scenarios
    from cgcopt.workers.start import RandomStart as RandomStart
    from cgcopt.workers.trace import Trace as Trace

    solvers = solver_table

_HOMES = {
    "cgcopt.codes.code": ("GradientCode",),
    "cgcopt.codes.construct": ("gradient_code",),
    "cgcopt.compare.results.advice": ("Advice", "advise"),
    "cgcopt.compare.results.curve": ("deadline_curve",),
    "cgcopt.compare.results.replay": ("replay",),
    "cgcopt.compare.results.tradeoff": ("tradeoff",),
    "cgcopt.costs": ("Costs",),
    "cgcopt.codes.plan": ("Plan",),
    "cgcopt.codes.plan_file": ("load_plan", "save_plan"),
    "cgcopt.codes.planning": ("make_plan",),
    "cgcopt.design": ("Design", "sort_redundancies"),
    "cgcopt.errors": ("CgcoptError", "InvalidInputError", "RunInterrupted"),
    "cgcopt.evaluation.evaluate": ("evaluate",),
    "cgcopt.evaluation.result": ("Certificate", "Evaluation"),
    "cgcopt.evaluation.schedules.baselines": ("Cyclic", "Dynamic"),
    "cgcopt.evaluation.simulation": ("simulate",),
    "cgcopt.formulations": ("formulate", "formulate_schedule"),
    "cgcopt.instance": ("example_instances", "instance_text", "load_instance", "problem_of_trace"),
    "cgcopt.limits": ("Limits", "boundaries_of_sizes", "read_sizes"),
    "cgcopt.objective": (
        "CompletionProbability",
        "ConditionalValueAtRisk",
        "ExpectedRuntime",
        "Quantile",
    ),
    "cgcopt.options": ("Options",),
    "cgcopt.problem": ("Form", "Problem"),
    "cgcopt.solvers.judge": ("judge",),
    "cgcopt.solvers.rounding.whole": ("round_design",),
    "cgcopt.schedule": ("Schedule",),
    "cgcopt.solution": ("Solution", "SolutionStatus", "TerminationCondition"),
    "cgcopt.solvers.solve": ("solve",),
    "cgcopt.study.samples": ("saa_study",),
    "cgcopt.study.sweep": ("sweep",),
    "cgcopt.system": ("System",),
    "cgcopt.workers.empirical": ("Empirical",),
    "cgcopt.workers.families": (
        "Exponential",
        "Gamma",
        "LogNormal",
        "Pareto",
        "ShiftedExponential",
        "Weibull",
    ),
    "cgcopt.workers.fitting": ("fit",),
    "cgcopt.workers.groups": ("Groups",),
    "cgcopt.workers.inspection": ("inspect_trace",),
    "cgcopt.workers.record": ("record",),
    "cgcopt.workers.scenarios": ("Scenarios",),
    "cgcopt.workers.start": ("RandomStart",),
    "cgcopt.workers.trace": ("Trace",),
}
_look_up = on_first_use(__name__, _HOMES)
#: Packages that are functions too: ``cg.compare(...)``, ``cg.solvers()``.
_PACKAGES = ("compare", "solvers")

__all__ = ["__version__", *sorted([*chain(*_HOMES.values()), *_PACKAGES])]


def __getattr__(name: str) -> Any:
    if name == "Level":
        from cgcopt._renamed import warn_renamed

        warn_renamed("cgcopt.Level", "cgcopt.Form", stacklevel=2)
        name = "Form"
    if name in _PACKAGES:
        return import_module(f"cgcopt.{name}")
    return _look_up(name)


def __dir__() -> list[str]:
    return __all__
