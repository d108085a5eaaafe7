"""The package as built and installed: what it lists, contains, pins, and imports."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import cgcopt

# Source folder -> the package it is installed as.
HOMES = {"cgcopt": "cgcopt", "formulations": "cgcopt.formulations", "solvers": "cgcopt.solvers"}

# Heavy libraries: imported by the functions that use them, never by `import cgcopt`.
HEAVY = ["scipy.stats", "numba", "highspy", "cvxpy", "pyomo", "pandas", "matplotlib", "distributed"]


@pytest.fixture(scope="module")
def pyproject(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def sources(root: Path) -> dict[str, Path]:
    """Return every module of the package: path inside the wheel -> source file."""
    found = {}
    for folder, package in HOMES.items():
        for path in (root / folder).rglob("*.py"):
            inside = path.relative_to(root / folder)
            through_link = folder == "cgcopt" and inside.parts[0] in HOMES
            if not through_link:
                found["/".join([*package.split("."), *inside.parts])] = path
    return found


def data_files(root: Path) -> set[str]:
    data = root / "cgcopt" / "data"
    return {path.relative_to(root).as_posix() for path in data.rglob("*") if path.is_file()}


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_every_folder_is_a_listed_package(root: Path, pyproject: dict[str, Any]) -> None:
    folders = {".".join(inside.split("/")[:-1]) for inside in sources(root)}
    assert sorted(pyproject["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_every_package_has_an_init(root: Path, pyproject: dict[str, Any]) -> None:
    modules = sources(root)
    for package in pyproject["tool"]["setuptools"]["packages"]:
        assert package.replace(".", "/") + "/__init__.py" in modules


@pytest.mark.skipif(
    (Path(__file__).parents[1] / "PKG-INFO").exists(), reason="a source distribution has no links"
)
@pytest.mark.parametrize("folder", ["formulations", "solvers"])
def test_static_tools_reach_both_folders_through_links(root: Path, folder: str) -> None:
    link = root / "cgcopt" / folder
    assert link.is_symlink()
    assert os.readlink(link) == f"../{folder}"


@pytest.mark.parametrize("folder", ["formulations", "solvers"])
def test_source_folders_refuse_their_bare_name(root: Path, folder: str) -> None:
    run = python(f"import {folder}", cwd=root)
    assert run.returncode == 1
    assert f"ImportError: '{folder}' is the source folder of 'cgcopt.{folder}'" in run.stderr


def test_bare_names_are_not_installed(tmp_path: Path) -> None:
    for folder in ("formulations", "solvers"):
        code = f"from importlib.util import find_spec; print(find_spec({folder!r}))"
        assert python(code, cwd=tmp_path).stdout.strip() == "None"


def test_version_has_one_source(root: Path) -> None:
    assert metadata.version("cgcopt") == cgcopt.__version__
    assert f"\nversion: {cgcopt.__version__}\n" in (root / "CITATION.cff").read_text()


def test_import_is_light(tmp_path: Path) -> None:
    code = f"import sys, json, cgcopt; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    run = python(code, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []


@pytest.fixture(scope="module")
def archives(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build an sdist from the tree, and wheels from the tree and the sdist."""
    work = tmp_path_factory.mktemp("build")
    tree = work / "tree"
    ignore = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "generated")
    shutil.copytree(root, tree, symlinks=True, ignore=ignore)
    sdist = built_by("sdist", tree, work)
    with tarfile.open(sdist) as archive:
        archive.extractall(work, filter="data")
    (unpacked,) = (path for path in work.glob("cgcopt-*") if path.is_dir())
    return {
        "tree": built_by("wheel", tree, work / "from-tree"),
        "sdist": built_by("wheel", unpacked, work / "from-sdist"),
        "sdist itself": sdist,
    }


@pytest.fixture(scope="module")
def built(archives: dict[str, Path]) -> dict[str, set[str]]:
    """Return the members of what was built."""
    wheels = {name: zipfile.ZipFile(archives[name]).namelist() for name in ("tree", "sdist")}
    sdist = sdist_members(archives["sdist itself"])
    return {**{name: set(members) for name, members in wheels.items()}, "sdist itself": sdist}


def built_by(kind: str, source: Path, folder: Path) -> Path:
    """Build an archive with the hook that pip calls, in a process of its own."""
    build = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(folder)!r}))"
    made = python(build, cwd=source)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / made.stdout.splitlines()[-1]


def sdist_members(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {"/".join(name.split("/")[1:]) for name in archive.getnames()}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["tree", "sdist"])
def test_wheel_holds_the_package_and_nothing_else(
    root: Path, built: dict[str, set[str]], source: str
) -> None:
    info = f"cgcopt-{cgcopt.__version__}.dist-info"
    members = {name for name in built[source] if not name.startswith(info)}
    assert members == {*sources(root), *data_files(root), "cgcopt/py.typed"}
    assert f"{info}/licenses/LICENSE" in built[source]
    assert f"{info}/entry_points.txt" in built[source]


@pytest.mark.slow
def test_sdist_holds_each_source_once(root: Path, built: dict[str, set[str]]) -> None:
    members = {name for name in built["sdist itself"] if name.endswith(".py")}
    beside = [path for folder in ("tests", "docs") for path in (root / folder).rglob("*.py")]
    whole = [*sources(root).values(), *beside, root / "setup.py"]
    assert members == {path.relative_to(root).as_posix() for path in whole}


@pytest.mark.slow
def test_sdist_holds_what_its_tests_and_readers_need(
    root: Path, built: dict[str, set[str]]
) -> None:
    patterns = ("*.md", "*.cff", "constraints.txt", "Makefile", "docs/*.md", "docs/images/*")
    needed = {
        path.relative_to(root).as_posix()
        for pattern in (*patterns, "docs/_static/*", "notebooks/*.ipynb")
        for path in root.glob(pattern)
    }
    assert {"CHANGELOG.md", "CITATION.cff", "docs/index.md"} <= needed
    assert needed <= built["sdist itself"]


# A link or picture of Markdown, and its target.
LINK = re.compile(r"\]\(([^)]*)\)|<img[^>]*src=[\"']?([^\s\"'>]+)|^\[[^\]]*\]:\s*(\S+)", re.M)


def without_code(markdown: str) -> str:
    return re.sub(r"^```.*?^```$|^ {4}.*?$|`[^`\n]*`", "", markdown, flags=re.M | re.S)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["tree", "sdist"])
def test_what_an_index_shows_has_no_relative_link(archives: dict[str, Path], source: str) -> None:
    name = f"cgcopt-{cgcopt.__version__}.dist-info/METADATA"
    described = message_from_bytes(zipfile.ZipFile(archives[source]).read(name))
    assert described["Description-Content-Type"] == "text/markdown"
    text = described.get_payload()
    assert isinstance(text, str)
    assert text.startswith("# cgcopt\n")
    assert "make compare" in text
    targets = ["".join(match) for match in LINK.findall(without_code(text))]
    assert [target for target in targets if not target.startswith("https://")] == []
    assert any("arxiv.org" in target for target in targets)


def test_links_and_pictures_of_the_description(root: Path) -> None:
    description = runpy.run_path(str(root / "setup.py"), run_name="setup")["description"]
    page = (
        "![A picture](docs/a.png) [b](docs/b.md#c), [`d`](d), [up](#top), [far](https://a.org)\n"
        "```python\nx[0](1)\n```\n    y[0](1)\nand `z[0](1)`\n"
    )
    code = "\n```python\nx[0](1)\n```\n    y[0](1)\nand `z[0](1)`\n"
    assert description(page, None, "1.2") == (
        "*A picture* (picture: `docs/a.png` in the source distribution) "
        f"b (`docs/b.md`), `d`, up, [far](https://a.org){code}"
    )
    assert description(page, "https://host/x/", "1.2") == (
        "![A picture](https://host/x/raw/v1.2/docs/a.png) [b](https://host/x/blob/v1.2/docs/b.md#c),"
        f" [`d`](https://host/x/blob/v1.2/d), up, [far](https://a.org){code}"
    )


def requirements(pyproject: dict[str, Any]) -> list[Requirement]:
    project = pyproject["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in groups for text in group]


def test_constraints_pin_everything_installed_here(root: Path, pyproject: dict[str, Any]) -> None:
    lines = [
        line
        for line in (root / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.!+]+", line) for line in lines)
    pins = {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}

    direct = [need for need in requirements(pyproject) if need.name != "cgcopt"]
    for need in direct:
        assert need.specifier.contains(pins[canonicalize_name(need.name)]), need
    assert needed_by(direct) - set(pins) == set()


def needed_by(direct: list[Requirement]) -> set[str]:
    """Return the names of all that the given requirements bring, as far as installed here."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(canonicalize_name(need.name), frozenset(need.extras)) for need in direct]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            texts = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for need in map(Requirement, texts):
            active = not need.marker or any(
                need.marker.evaluate({"extra": extra}) for extra in extras | {""}
            )
            if active:
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return {name for name, _ in seen}
