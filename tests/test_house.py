"""The house: which module imports which, inside functions and for the type checker too."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from cgcopt.instance import OBJECTIVES

ROOT = Path(__file__).resolve().parents[1]
#: Source folder -> the package that it is installed as.
HOMES = {"cgcopt": "cgcopt", "formulations": "cgcopt.formulations", "solvers": "cgcopt.solvers"}

#: Floors from the ground up: a module imports its own floor and those below. The longest name that
#: fits counts; what is named on none is part of the core.
FLOORS = [
    (
        "cgcopt._packages",
        "cgcopt.errors",
        "cgcopt.version",
        "cgcopt.arrays",
        "cgcopt._validate",
        "cgcopt._writing",
        "cgcopt.process.cores",
        "cgcopt.process",
        "cgcopt.workers.reading.files",
    ),
    ("cgcopt.workers",),
    (),  # the core: what a problem is, what a design is worth
    ("cgcopt.formulations",),
    ("cgcopt.solvers",),
    ("cgcopt.compare.published.figures", "cgcopt.library.export", "cgcopt.library.answers"),
    ("cgcopt.study.own_solver", "cgcopt.study.profiles"),
    ("cgcopt.compare.results", "cgcopt.training"),
    ("cgcopt.compare", "cgcopt.compare.published", "cgcopt.study"),
    ("cgcopt.compare.show", "cgcopt.study.show"),
    ("cgcopt.cli",),
    ("cgcopt.__main__",),
]
CORE = FLOORS.index(())
#: A folder with more modules than this is no longer taken in at a glance.
MOST_MODULES = 24
#: Lines of a function without its docstring that fit a screen.
SCREEN = 60
#: Longer ones: a compiled sweep is one function.
COMPILED = {"cgcopt.evaluation.crossing.kernel": {"sweep_panels"}}


def module_name(path: Path) -> str:
    """Return the full name under which a source file is imported."""
    folder, *inside = path.relative_to(ROOT).with_suffix("").parts
    parts = [HOMES[folder], *inside]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for folder in HOMES
    for path in sorted((ROOT / folder).rglob("*.py"))
    if folder != "cgcopt" or path.relative_to(ROOT).parts[1] not in HOMES
}


@dataclass
class Facts:
    """What a module says of itself."""

    imports: set[str] = field(default_factory=set)
    long: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    asserts: bool = False


@cache
def facts(name: str) -> Facts:
    """Read a module, and what it imports anywhere in its text."""
    found, imported = Facts(), set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                imported.add(full if full in MODULES else str(node.module))
        elif isinstance(node, ast.FunctionDef) and lines_of(node) > SCREEN:
            found.long.add(node.name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            found.asked |= {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Assert):
            found.asserts = True
    found.imports = {module for module in imported if module in MODULES} - {name}
    return found


def lines_of(function: ast.FunctionDef) -> int:
    """Lines of a function from the first one behind its docstring on."""
    first = function.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = function.body[1:] if said else function.body
    return int(body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@cache
def graph() -> dict[str, set[str]]:
    """Return what every module imports; the front door names everything, and imports on first use."""
    return {name: set() if name == "cgcopt" else facts(name).imports for name in MODULES}


def floor(name: str) -> int:
    """Return the place in ``FLOORS`` of a module."""
    fitting = [
        (len(prefix), place)
        for place, prefixes in enumerate(FLOORS)
        for prefix in prefixes
        if f"{name}.".startswith(f"{prefix}.")
    ]
    return max(fitting)[1] if fitting else CORE


def a_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in turn; empty where there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_whole_package_is_read() -> None:
    for name in ("cgcopt.errors", "cgcopt.formulations.base", "cgcopt.solvers.adapters.highs"):
        assert name in MODULES
    assert "cgcopt.evaluation.evaluate" in graph()["cgcopt.solvers.solve"]
    # One import that stands in a function, and one that is for the type checker alone.
    assert "cgcopt.solvers.solve" in graph()["cgcopt.cli.commands.solve"]
    assert "cgcopt.solution" in graph()["cgcopt.cli.commands.solve"]


def test_a_circle_would_be_seen() -> None:
    assert a_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not a_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_imports_go_down_the_floors() -> None:
    assert (
        floor("cgcopt.cli.commands.solve")
        > floor("cgcopt.compare.results.row")
        > floor("cgcopt.problem")
    )
    edges = [(name, found) for name, names in graph().items() for found in names]
    assert [edge for edge in edges if floor(edge[1]) > floor(edge[0])] == []


def test_no_circles() -> None:
    assert a_circle(graph()) == []


def test_nothing_enters_by_the_front_door() -> None:
    assert [name for name, found in graph().items() if "cgcopt" in found] == []


def test_folders_are_taken_in_at_a_glance() -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in MODULES.values())
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_functions_fit_a_screen() -> None:
    assert {name: facts(name).long for name in MODULES if facts(name).long} == COMPILED


def test_no_function_asks_which_objective_it_was_given() -> None:
    """What depends on the objective is looked up; one door refuses all others but its own."""
    objectives = {objective.__name__ for objective, _ in OBJECTIVES.values()}
    asking = {name for name in MODULES if facts(name).asked & objectives}
    assert asking == {"cgcopt.compare.results.tradeoff"}


def test_no_assert_narrows_a_type() -> None:
    assert [name for name in MODULES if facts(name).asserts] == []


def private_imports(path: Path) -> list[str]:
    """Return the private names and modules that a test imports from a part it does not test."""
    part = path.relative_to(ROOT / "tests").parts[0]
    homes = {"core": "cgcopt", "formulations": "cgcopt.formulations", "solvers": "cgcopt.solvers"}
    own = f"{homes.get(part, f'cgcopt.{part}')}."
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("cgcopt"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in names if "._" in name and not name.startswith(own)]
    return found


def test_tests_see_what_is_private_in_their_own_part_alone() -> None:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    seen = {path.relative_to(ROOT).as_posix(): private_imports(path) for path in paths}
    assert {name: found for name, found in seen.items() if found} == {}
