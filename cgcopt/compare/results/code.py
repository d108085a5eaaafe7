"""Which code computes a result: this package, what it calculates with, and classes from elsewhere."""

from __future__ import annotations

import hashlib
import re
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from cgcopt.solvers.base import Solver
from cgcopt.version import __version__

__all__ = ["class_code", "code_version", "numerical_packages", "solver_code"]

#: Folders of this package whose imports cannot change a number: they run and show.
_ASIDE = frozenset({"cli", "compare", "study"})
_IMPORTED = re.compile(rb"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)


@cache
def code_version() -> str:
    """The version of this package with a digest of its sources, and of the numerical packages."""
    digest = hashlib.sha256()
    for file, _ in _sources():
        digest.update(file.read_bytes())
    versions = [f"{name} {found}" for name, found in numerical_packages().items()]
    return "; ".join([f"cgcopt {__version__} ({digest.hexdigest()[:16]})", *versions])


@cache
def numerical_packages() -> Mapping[str, str]:
    """Versions of the packages that the calculating parts of this package import, by name.

    Examples
    --------
    >>> {"numpy", "scipy", "highspy"} <= set(numerical_packages())
    True
    """
    imported = {
        match.decode()
        for file, inside in _sources()
        if inside.parts[0] not in _ASIDE
        for match in _IMPORTED.findall(file.read_bytes())
    }
    outside = imported - sys.stdlib_module_names - {"cgcopt"}
    versions = {name: _version(name) for name in sorted(outside)}
    return {name: found for name, found in versions.items() if found}


def solver_code(solvers: Iterable[type[Solver]]) -> list[str]:
    """What the classes behind a name of a solver depend on beside :func:`code_version`."""
    return sorted(f"{cls.distribution} {cls.version()} {class_code(cls)}" for cls in solvers)


def class_code(cls: type) -> str:
    """Name of a class, with a digest of the sources where it is not one of this package.

    A class from a package stands for all sources of that package, because it may use them; what
    has no file, such as a class typed in a session, is never the same as in another session.
    """
    modules = dict.fromkeys(part.__module__ for part in cls.__mro__)
    outside = [name for name in modules if name.partition(".")[0] not in _COVERED]
    return " ".join([f"{cls.__module__}.{cls.__qualname__}", *map(_module_digest, outside)])


#: Top-level names whose code the version of Python or :func:`code_version` identifies.
_COVERED = frozenset({"cgcopt", *sys.stdlib_module_names}) - {"__main__"}
_SESSION = uuid.uuid4().hex


@cache
def _module_digest(name: str) -> str:
    module, top = sys.modules.get(name), sys.modules.get(name.partition(".")[0])
    own = getattr(module, "__file__", None)
    if own is None:
        return _SESSION
    files = [Path(own)]
    folders = getattr(top, "__path__", ()) if getattr(top, "__file__", None) else ()
    if folders:
        files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[tuple[Path, Path]]:
    """Every source file of this package, with its place in its part of the package."""
    for name in ("cgcopt", "cgcopt.formulations", "cgcopt.solvers"):
        for folder in map(Path, sorted(import_module(name).__path__)):
            for file in sorted(folder.rglob("*.py")):
                yield file, file.relative_to(folder)


def _version(module: str) -> str:
    """Version of the installed package that a module comes from; empty where there is none."""
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        if find_spec(module) is None:
            return ""
        return " ".join(found.version for found in metadata.distributions() if _has(found, module))


def _has(package: metadata.Distribution, module: str) -> bool:
    """Whether an installed package brings a top-level module.

    ``metadata.packages_distributions`` tells it of all modules, and takes half a second to do so.
    """
    named = package.read_text("top_level.txt")
    if named:
        return module in named.split()
    files = package.read_text("RECORD") or ""
    return re.search(rf"^{module}(?:/|\.py,|\.[^/,]*so,)", files, re.MULTILINE) is not None
