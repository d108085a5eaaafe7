"""``cgcopt judge``: what the answer of a solver that was run from outside is worth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Instance, Json
from cgcopt.cli.complete import complete_form

if TYPE_CHECKING:
    from cgcopt.library.answers import Answer
    from cgcopt.library.catalogue import LibraryInstance
    from cgcopt.problem import Form, Problem
    from cgcopt.solution import Solution

__all__ = ["judge"]


def judge(
    instance: Instance,
    solution: Annotated[
        Path,
        typer.Argument(
            help="The solution file of a solver (HiGHS, SCIP, Gurobi, CBC, CPLEX, AMPL's .sol beside "
            "its .col), or a partition as CSV or JSON.",
            metavar="SOLUTION",
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            help="The form of the program that was solved: relaxed, block or coordinate; by default "
            "that of the library's instance, or the one whose variables the file names.",
            autocompletion=complete_form,
        ),
    ] = None,
    bound_seconds: Annotated[
        float, typer.Option(help="Seconds in which our own method may look for a bound.", min=0.0)
    ] = 10.0,
    as_json: Json = False,
) -> int:
    """Judge the answer of any solver to an instance: exact value, bound, gap, and its own claim.

    Exit code 1 where the file claims a better value than its point is worth.
    """
    from cgcopt.cli.show import show_solution
    from cgcopt.cli.terminal import console, print_json, progress
    from cgcopt.library.known import BestKnown, best_known
    from cgcopt.solvers.judge import judge as judged

    problem, known_as = _posed(instance)
    answer = _answer(problem, solution, form, known_as)
    with progress(f"{problem.name}: judging"):
        found = judged(problem, answer.design, form=_form_of(answer), bound_seconds=bound_seconds)
    known = BestKnown() if known_as is None else best_known().get(known_as.name, BestKnown())
    remarks = _remarks(found, answer, known.value)
    wrong = _too_good(found, answer)
    if as_json:
        claimed = None if math.isnan(answer.claimed) else answer.claimed
        best = None if math.isnan(known.value) else known.value
        print_json(
            {**found.to_dict(), "claimed": claimed, "claim_holds": not wrong, "best_known": best}
        )
    else:
        output = console()
        show_solution(output, found)
        for remark in remarks:
            output.print(remark)
    return 1 if wrong else 0


def _posed(instance: str) -> tuple[Problem, LibraryInstance | None]:
    """The problem, and the instance of the library that it or its file is named after."""
    from cgcopt.cli.inputs import problem_of
    from cgcopt.library.catalogue import library

    problem = problem_of(instance)
    return problem, library().get(problem.title)


def _answer(
    problem: Problem, path: Path, form: str | None, known_as: LibraryInstance | None
) -> Answer:
    """The answer of a solution file, or of a file that holds a partition."""
    from cgcopt.cli.partitions import partition_of
    from cgcopt.library.answers import Answer, read_answer
    from cgcopt.problem import Form, form_of

    posed = None if known_as is None else known_as.form
    wanted = posed if form is None else form_of(form)
    if path.suffix.lower() in (".csv", ".json"):
        design = partition_of(str(path), problem.system.workers)
        whole = design.is_integer
        return Answer(design, wanted or (Form.BLOCK if whole else Form.RELAXED))
    schedule = known_as is not None and known_as.schedule
    return read_answer(problem, path, form=wanted, schedule=schedule)


def _form_of(answer: Answer) -> Form | None:
    """The form to judge in: a relaxed program may have found whole numbers."""
    from cgcopt.problem import Form

    return None if answer.form is Form.RELAXED else answer.form


def _too_good(found: Solution, answer: Answer) -> bool:
    """Whether the file claims more than its point is worth."""
    from cgcopt.bounds import EXCESS, excess

    return excess(found.value, answer.claimed, found.problem.objective.sense) > EXCESS


def _remarks(found: Solution, answer: Answer, best: float) -> list[str]:
    remarks = []
    if not math.isnan(answer.claimed):
        verdict = (
            "which is more than its point is worth" if _too_good(found, answer) else "which holds"
        )
        remarks.append(f"The file claims {answer.claimed:.10g}, {verdict}.")
    if not math.isnan(best):
        ratio = found.value / best - 1
        remarks.append(
            f"The best known value is {best:.10g}; this one is {100 * ratio:+.3g} % from it."
        )
    return remarks
