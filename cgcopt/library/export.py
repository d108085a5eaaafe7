"""Instances of the library as files: TOML for cgcopt, LP, MPS and NL for solvers from outside."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cgcopt._writing import write_text
from cgcopt.errors import CgcoptError, UnsupportedProblemError
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.builders import formulate
from cgcopt.formulations.schedules.runtime import ScheduleRuntime, formulate_schedule
from cgcopt.instance import instance_text
from cgcopt.library.catalogue import LibraryInstance

#: Binaries of a program of schedules that is still written: some 20 MB.
MOST_BINARIES = 20_000

__all__ = ["export_instance", "formulation_of"]

#: Workers up to which the exact models of distributions are written: they have a term for each
#: outcome of the order statistics.
MOST_ALGEBRAIC_WORKERS = 10


def formulation_of(instance: LibraryInstance) -> Formulation | ScheduleRuntime:
    """Return the program that an instance poses.

    Raises
    ------
    CgcoptError
        If there is none: limits, costs and quantiles are formulated on scenarios.
    """
    if instance.schedule:
        system = instance.problem.system
        count = len(sorted_rounds(system)) * system.workers**3
        if count > MOST_BINARIES:
            raise UnsupportedProblemError(f"a program of {count} binaries is not written")
        return formulate_schedule(instance.problem)
    return formulate(instance.problem, instance.form)


def export_instance(instance: LibraryInstance, folder: Path) -> list[Path]:
    """Write an instance as TOML and, where it can be written as a program, as LP, MPS and NL.

    Variables and rows keep their names; those of an NL file stand in ``.col`` and ``.row`` beside it.

    Returns
    -------
    list of Path
        What was written.
    """
    instance_file = folder / f"{instance.name}.toml"
    write_text(instance_file, instance_text(instance.problem))
    written = [instance_file]
    with suppress(CgcoptError):  # instances that no language can write down
        formulation = formulation_of(instance)
        linear = ".lp" in formulation.files
        if linear or instance.problem.system.workers <= MOST_ALGEBRAIC_WORKERS:
            for suffix in formulation.files:
                written.append(formulation.write(folder / f"{instance.name}{suffix}"))
    return written
