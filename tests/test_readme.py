"""The examples of the pages, executed as a reader would: in order, in an empty folder.

A block that must not be run carries ``<!-- not run -->`` on the line above its fence.
"""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import cgcopt
from cgcopt.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
FENCE = re.compile(
    r"^(?P<skip><!-- not run -->\n)?```(?P<language>\w+)\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    code: str


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Yield the blocks of a page that are to be run, in order."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        if match["language"] in languages and not match["skip"]:
            line = text.count("\n", 0, match.start("code")) + 1
            yield Block(page, line, match["language"], match["code"])


def commands(page: Path) -> Iterator[str]:
    """Yield the ``$ cgcopt ...`` lines of a page's console blocks, joined where they continue."""
    for block in blocks(page, "console"):
        for line in block.code.replace("\\\n", " ").splitlines():
            if line.startswith("$ cgcopt "):
                yield line[2:]


#: Pages whose examples start processes, or solve much, which other tests do for less.
SLOW = {
    "commands.md",
    "library.md",
    "parallel.md",
    "plan.md",
    "quickstart.md",
    "studies.md",
    "training.md",
}
RUN = [
    pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in PAGES
]


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.parametrize("page", RUN)
def test_python_examples_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_instances(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    runner = doctest.DocTestRunner(
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False
    )
    for block in blocks(page, "python", "pycon"):
        where = f"{page.name}:{block.line}"
        if block.code.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(
                block.code, names, where, str(page), block.line - 1
            )
            failed, _ = runner.run(test, clear_globs=False)
            names.update(test.globs)
            assert not failed, f"{where}\n{capsys.readouterr().out}"
        else:
            source = "\n" * (block.line - 1) + block.code
            exec(compile(source, str(page), "exec"), names)


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("no_rendering")
@pytest.mark.parametrize("page", RUN)
def test_commands_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process: the start of each command takes longer than most of them."""
    write_instances(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    for command in commands(page):
        code = main(shlex.split(command, comments=True)[1:])
        captured = capfd.readouterr()
        assert code == 0, f"$ {command}\n{captured.out}\n{captured.err}"


def test_the_installed_command_runs(tmp_path: Path) -> None:
    command = shutil.which("cgcopt", path=str(Path(sys.executable).parent))
    assert command is not None
    run = subprocess.run(
        [command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, f"cgcopt {cgcopt.__version__}\n"), run.stderr


def write_instances(page: Path, folder: Path) -> None:
    """Write the TOML blocks that begin with a file name, ``# name.toml``, into ``folder``."""
    for block in blocks(page, "toml"):
        named = re.match(r"# (\w[\w.-]*\.toml)\n", block.code)
        if named:
            (folder / named[1]).write_text(block.code, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_tree_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    local = [target for target in targets if "://" not in target and "mailto:" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []
