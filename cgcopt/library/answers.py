"""Answers of solvers that were run from outside: from a solution file to a design or a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cgcopt.design import Design
from cgcopt.errors import CgcoptError, InvalidInputError
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.builders import formulate
from cgcopt.formulations.schedules.runtime import formulate_schedule
from cgcopt.formulations.solution_files import named_point, read_solution_file
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule

__all__ = ["Answer", "read_answer"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a solution file says, in terms of the problem.

    Attributes
    ----------
    design : Design or Schedule
        What the values of the variables mean.
    form : Form
        Of the program that they belong to.
    claimed : float
        The value of the objective that the file claims, in seconds or as a probability; NaN where
        it claims none.
    """

    design: Design | Schedule
    form: Form
    claimed: float = math.nan


def read_answer(
    problem: Problem, path: str | Path, *, form: Form | None = None, schedule: bool = False
) -> Answer:
    """Read the solution file of a program of a problem.

    Parameters
    ----------
    problem : Problem
        What the program was written from.
    path : str or Path
        The file, see :mod:`cgcopt.formulations.solution_files`.
    form : Form, optional
        The form of the program; without it, the one whose variables the file names.
    schedule : bool
        Whether it is the program of schedules.

    Raises
    ------
    InvalidInputError
        If the file is not a solution of such a program, or its point is infeasible.
    """
    found = read_solution_file(path)
    fitting, refused = [], None
    for program in _programs(problem, form, schedule):
        shapes = {**program.variables, **program.pyomo_variables}
        try:
            point = named_point(found.values, shapes)
        except InvalidInputError as error:
            refused = refused or error
        else:
            fitting.append((len(program.variables.keys() - point), -len(point), program, point))
    if not fitting:
        raise refused or InvalidInputError("solution", str(path), "of a program of the problem")
    _, _, program, point = min(fitting, key=lambda fit: fit[:2])
    if program.variables.keys() & point.keys():  # what a file leaves out is 0
        point = {**{name: np.zeros(program.variables[name]) for name in program.variables}, **point}
    claimed = math.nan if math.isnan(found.objective) else program.value(found.objective)
    return Answer(program.answer(point), program.form, claimed)


def _programs(problem: Problem, form: Form | None, schedule: bool) -> Iterator[Formulation]:
    """The programs that a file may belong to."""
    if schedule:
        yield formulate_schedule(problem)
        return
    last: CgcoptError | None = None
    written = False
    for each in reversed(Form) if form is None else (form,):
        try:
            program = formulate(problem, each)
        except CgcoptError as error:
            last = error
        else:
            written = True
            yield program
    if last is not None and not written:
        raise last
