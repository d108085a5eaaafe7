"""What the source files import: one direction inside the package, declared packages outside."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path
    for folder in ("cgcopt", "formulations", "solvers")
    for path in (ROOT / folder).rglob("*.py")
    if path.relative_to(ROOT).parts[:2] not in (("cgcopt", "formulations"), ("cgcopt", "solvers"))
)

# Each part of the package may import itself and what stands before it; `__main__` belongs to the
# command line, everything else to the core.
ORDER = [
    "cgcopt",
    "cgcopt.formulations",
    "cgcopt.solvers",
    "cgcopt.compare",
    "cgcopt.cli",
    "cgcopt.__main__",
]


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports anywhere, by full name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.form, f"{path}: relative import"
            names |= {str(node.module)}
            if node.module == "cgcopt":
                names |= {f"cgcopt.{alias.name}" for alias in node.names}
    return names


def part(module: str) -> int:
    """Return the place in ``ORDER`` of the part that a module belongs to."""
    places = [i for i, name in enumerate(ORDER) if f"{module}.".startswith(f"{name}.")]
    return places[-1]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts == ("cgcopt", "__main__"):
        parts = ("cgcopt", "cli", "__main__")
    return ".".join(parts if parts[0] == "cgcopt" else ("cgcopt", *parts))


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_run_in_one_direction(path: Path) -> None:
    if path == ROOT / "cgcopt" / "__init__.py":
        pytest.skip("the front door names everything, and imports on first use")
    own = part(module_name(path))
    upward = {
        name for name in imported(path) if name.split(".")[0] == "cgcopt" and part(name) > own
    }
    assert upward == set()


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
