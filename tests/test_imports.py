"""What the source files import from outside: declared packages alone."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path
    for folder in ("cgcopt", "formulations", "solvers")
    for path in (ROOT / folder).rglob("*.py")
    if path.relative_to(ROOT).parts[:2] not in (("cgcopt", "formulations"), ("cgcopt", "solvers"))
)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module)}
    return names


def test_every_package_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {canonicalize_name(Requirement(text).name) for group in groups for text in group}
    homes = metadata.packages_distributions()
    outside = {
        name.split(".")[0]
        for path in FILES
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    undeclared = {
        name
        for name in outside
        if not declared & {canonicalize_name(home) for home in homes.get(name, [name])}
    }
    assert undeclared - {"cgcopt"} == set()
