"""The site without building it: its pages, its links, and its reference of every public name."""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import cgcopt
from cgcopt.formulations.base import Formulation

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TOCTREE = re.compile(r"^:::\{toctree\}\n(.*?)^:::$", re.M | re.S)


def in_toctree() -> list[str]:
    """Return the entries of the toctrees of the front page."""
    lists = TOCTREE.findall((DOCS / "index.md").read_text(encoding="utf-8"))
    lines = [line for text in lists for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(":")]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as MyST and code hosts write them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_toctree_once() -> None:
    written = [entry for entry in in_toctree() if not entry.startswith("generated/")]
    assert sorted(written) == sorted(page.stem for page in PAGES if page.stem != "index")


def test_the_toctree_names_notebooks_and_reference() -> None:
    assert {"generated/notebooks/*", "generated/api/index"} <= set(in_toctree())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_anchors_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", text):
        if "://" in target:
            continue
        there = page.parent / target if target else page
        if there.suffix == ".md":
            assert anchor in anchors(there), f"{target}#{anchor}"


@pytest.fixture
def site_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    for name in [name for name in sys.modules if name.split(".")[0] == "site_build"]:
        monkeypatch.delitem(sys.modules, name)


def test_every_public_name_is_in_the_reference(site_build: None, tmp_path: Path) -> None:
    api = import_module("site_build.api")
    api.write_api(tmp_path)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.rst")}
    documented = re.findall(r"automodule:: (\S+)", "".join(pages.values()))
    assert len(documented) == len(set(documented))
    for name in cgcopt.__all__:
        target = api.home(name)
        assert f":py:obj:`cg.{name} <{target}>`" in pages["index"]
        module, _, attribute = target.rpartition(".")
        assert module in documented
        assert attribute in import_module(module).__all__
    for package in re.findall(r"^   (cgcopt\S*)$", pages["index"], flags=re.M):
        assert package in pages


def test_every_module_with_public_names_has_a_page(site_build: None) -> None:
    api = import_module("site_build.api")
    shown = {name for modules in api.public_modules().values() for name in modules}
    homes = {"cgcopt": "cgcopt", "formulations": "cgcopt.formulations", "solvers": "cgcopt.solvers"}
    for folder, package in homes.items():
        for path in (ROOT / folder).rglob("[a-z]*.py"):
            inside = path.relative_to(ROOT / folder).with_suffix("")
            private = any(part.startswith("_") for part in inside.parts)
            linked = folder == "cgcopt" and inside.parts[0] in homes
            if private or linked or "__all__ = " not in path.read_text(encoding="utf-8"):
                continue
            assert ".".join([package, *inside.parts]) in shown


def test_every_program_is_on_the_page_of_formulations(site_build: None) -> None:
    shown = {type(program) for *_, program in import_module("site_build.formulas").programs()}
    assert set(programs(Formulation)) == shown


def programs(base: type[Formulation]) -> Iterator[type[Formulation]]:
    for cls in base.__subclasses__():
        if not inspect.isabstract(cls) and cls.__module__.startswith("cgcopt."):
            yield cls
        yield from programs(cls)


def test_a_broken_link_is_found(site_build: None, tmp_path: Path) -> None:
    links = import_module("site_build.links")
    (tmp_path / "a.html").write_text('<a href="b.html#here">b</a><a href="https://x.org/">x</a>')
    (tmp_path / "b.html").write_text('<p id="here"></p><a href="a.html">a</a>')
    assert links.broken_links(tmp_path) == []
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="c.html">c</a>')
    assert sorted(links.broken_links(tmp_path)) == ["a.html: b.html#here", "b.html: c.html"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://x.org/math.js"></script>'),
        ("a.html", '<link rel="stylesheet" href="//x.org/a.css">'),
        ("a.html", '<img src="http://x.org/a.png">'),
        ("a.html", "<style>@import 'https://x.org/a.css';</style>"),
        ("a.css", "@font-face { src: url(https://x.org/a.woff) }"),
    ],
)
def test_a_page_that_asks_another_site_is_found(
    site_build: None, tmp_path: Path, name: str, text: str
) -> None:
    links = import_module("site_build.links")
    (tmp_path / name).write_text(text)
    (found,) = links.broken_links(tmp_path)
    assert found.startswith(f"{name}: ")
    assert found.endswith("of another site")


def test_documentation_tools_are_an_extra_of_their_own() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert any(need.startswith("sphinx") for need in extras["docs"])
    assert not any(need.startswith("sphinx") for need in extras["test"])


def test_columns_of_numbers_are_told_from_names(site_build: None) -> None:
    nodes = pytest.importorskip("docutils.nodes")
    layout = import_module("site_build.layout")
    rows = [["solver", "gap"], ["scipy-slsqp", "1.3e-07"], ["uno", ""], ["a long name", "10 %"]]
    table, group = nodes.table(), nodes.tgroup(cols=2)
    table += group
    for part, lines in ((nodes.thead(), rows[:1]), (nodes.tbody(), rows[1:])):
        group += part
        for line in lines:
            part += nodes.row("", *(nodes.entry("", nodes.paragraph(text=cell)) for cell in line))
    layout.mark_columns(table)
    classes = [entry["classes"] for entry in table.findall(nodes.entry)]
    assert ["number" in marks for marks in classes] == [False, True] * 4
    assert "whole" in classes[2]
    assert "whole" not in classes[6]
