"""``cgcopt evaluate``: what a given design is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Instance, Json

if TYPE_CHECKING:
    from cgcopt.design import Design
    from cgcopt.problem import Problem
    from cgcopt.solution import Solution

__all__ = ["evaluate"]


def evaluate(
    instance: Instance,
    partition: Annotated[
        str,
        typer.Option(
            help="Numbers x0,x1,... (one for each level), or a file: CSV, JSON, plain numbers, "
            "or what `cgcopt solve` wrote.",
            metavar="FILE|x0,x1,...",
        ),
    ],
    as_json: Json = False,
) -> int:
    """Say what a given design is worth, exactly, and how far from the optimum it can be."""
    from cgcopt.cli.inputs import partition_of, problem_of
    from cgcopt.cli.show import show_solution
    from cgcopt.cli.terminal import console, print_json

    problem = problem_of(instance)
    solution = _judge(problem, partition_of(partition))
    if as_json:
        print_json(solution.to_dict())
    else:
        show_solution(console(), solution)
    return 0


def _judge(problem: Problem, design: Design) -> Solution:
    import time

    from cgcopt.evaluation.certificates import certify
    from cgcopt.evaluation.evaluate import evaluate, warm_up
    from cgcopt.options import Options
    from cgcopt.problem import Form
    from cgcopt.solution import (
        Seconds,
        Solution,
        SolutionStatus,
        TerminationCondition,
        relative_gap,
    )

    design.check(problem.system.workers, problem.system.coordinates)
    warm_up(problem)
    started = time.perf_counter()
    evaluation = evaluate(problem, design, gradient=True)
    bound, certificate = certify(problem, design, evaluation=evaluation)
    gap = relative_gap(evaluation.value, bound, problem.objective.sense)
    return Solution(
        problem=problem,
        solver="given",
        form=Form.BLOCK if design.is_integer else Form.RELAXED,
        termination=TerminationCondition.CONVERGED,
        status=SolutionStatus.OPTIMAL if gap <= Options().gap else SolutionStatus.FEASIBLE,
        design=design,
        evaluation=evaluation,
        bound=bound,
        certificate=certificate,
        seconds=Seconds(evaluate=time.perf_counter() - started),
    )
