"""The reference of every public name: one page a package, and the names that ``cgcopt`` itself offers."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

import cgcopt

#: Packages whose pages lead the others, in the order in which a reader meets them.
FIRST = (
    "cgcopt",
    "cgcopt.workers",
    "cgcopt.evaluation",
    "cgcopt.formulations",
    "cgcopt.solvers",
    "cgcopt.solvers.adapters",
)


def public_modules() -> dict[str, list[str]]:
    """Return the modules that state ``__all__``, by package; those with an underscore are private."""
    homes: dict[str, list[str]] = {}
    for found in pkgutil.walk_packages(cgcopt.__path__, "cgcopt."):
        parts = found.name.split(".")
        if any(part.startswith("_") for part in parts):
            continue
        module = import_module(found.name)
        if found.ispkg:
            homes.setdefault(found.name, [])
        elif getattr(module, "__all__", ()):
            homes.setdefault(".".join(parts[:-1]), []).append(found.name)
    ordered = [*FIRST, *sorted(set(homes) - set(FIRST))]
    return {package: homes[package] for package in ordered if homes.get(package)}


def home(name: str) -> str:
    """Return where a name of ``cgcopt`` is written: ``cgcopt.system.System`` for ``System``."""
    if name == "__version__":
        return "cgcopt.version.__version__"
    value = getattr(cgcopt, name)
    if name in ("compare", "solvers"):  # packages that are functions too
        return {
            "compare": "cgcopt.compare.results.compare.compare",
            "solvers": "cgcopt.solvers.registry.solver_table",
        }[name]
    return f"{value.__module__}.{value.__qualname__}"


def summary(target: str) -> str:
    """Return the first line of a docstring."""
    module, _, name = target.rpartition(".")
    return (getattr(import_module(module), name).__doc__ or "").strip().splitlines()[0]


def title(text: str) -> str:
    """Return a heading of a page."""
    return f"{text}\n{'=' * len(text)}\n\n"


def front() -> str:
    """Return the page of the names that ``import cgcopt as cg`` gives."""
    lines = [
        title("API reference"),
        "``import cgcopt as cg`` gives the names below; everything else is imported from its module.\n\n",
        ".. list-table::\n   :widths: 35 65\n   :header-rows: 1\n\n   * - name\n     - what it is\n",
    ]
    for name in sorted(cgcopt.__all__, key=str.lower):
        target = home(name)
        said = "the version" if name == "__version__" else summary(target)
        lines.append(f"   * - :py:obj:`cg.{name} <{target}>`\n     - {said}\n")
    return "".join(lines)


def package_page(package: str, modules: list[str]) -> str:
    """Return the page of a package: its modules, and of each the names in its ``__all__``."""
    lines = [title(package)]
    for name in modules:
        heading = name.removeprefix(package + ".")
        lines.append(f"{heading}\n{'-' * len(heading)}\n\n")
        lines.append(f".. automodule:: {name}\n   :members:\n   :show-inheritance:\n\n")
    return "".join(lines)


def write_api(folder: Path) -> None:
    """Write the pages as reStructuredText, which autodoc reads."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = public_modules()
    pages = {package: package_page(package, modules) for package, modules in packages.items()}
    contents = "".join(f"   {package}\n" for package in pages)
    pages["index"] = f"{front()}\n.. toctree::\n   :maxdepth: 1\n\n{contents}"
    for old in set(folder.glob("*.rst")) - {folder / f"{page}.rst" for page in pages}:
        old.unlink()
    for page, text in pages.items():
        path = folder / f"{page}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
