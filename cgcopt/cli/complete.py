"""What the shell completes: instances, solvers and forms."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "complete_form",
    "complete_instance",
    "complete_library",
    "complete_solver",
    "complete_solvers",
]

#: Endings of files that commands take as instances.
INSTANCE_FILES = (".toml", ".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".gz")


def complete_instance(incomplete: str) -> list[str]:
    """Names of shipped instances and, once something is typed, of the library; files and folders."""
    from cgcopt.instance import example_instances

    names = [name for name in example_instances() if name.startswith(incomplete)]
    if incomplete and "/" not in incomplete:
        names += complete_library(incomplete)
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return names
    for path in paths:
        shown = f"{path}/" if path.is_dir() else str(path)
        wanted = path.is_dir() or path.suffix.lower() in INSTANCE_FILES
        if wanted and shown.startswith(incomplete):
            names.append(shown)
    return names


def complete_library(incomplete: str) -> list[str]:
    """Complete the name of an instance of the library."""
    from cgcopt.library.catalogue import library

    return [name for name in library() if name.startswith(incomplete)]


def complete_solver(incomplete: str) -> list[str]:
    """Complete the name of an installed solver."""
    from cgcopt.solvers.registry import all_solvers

    names = dict.fromkeys(cls.name for cls in all_solvers() if cls.available())
    return [name for name in names if name.startswith(incomplete)]


def complete_solvers(incomplete: str) -> list[str]:
    """Complete the last of several names of solvers, apart by commas."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in complete_solver(last)]


def complete_form(incomplete: str) -> list[str]:
    """Complete the name of a form."""
    from cgcopt.problem import Form

    return [str(form) for form in reversed(Form) if form.startswith(incomplete)]
