"""What reading costs a machine: notebooks and pages run, the site built, a clone made ready.

``python -m tests.benchmarks.bench_tutorials [notebooks pages docs clone tests] [--write]`` runs the
parts that are named, all but ``clone`` and ``tests`` by default. Every line is a fresh process, by the
clock and in processor seconds with its children. ``clone`` copies the repository and makes its first
table (`make compare`, packages from the usual index), ``tests`` goes on to `make test` there.
``--write`` renews the lines of these parts in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_start import measured
from tests.benchmarks.table import markdown, renew, show

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


def timed(what: str, *commands: list[str]) -> dict[str, Any]:
    """Run commands after each other, and return a line of the table."""
    seconds = [measured(command, most=7200.0) for command in commands]
    elapsed, processor = (sum(part) for part in zip(*seconds, strict=True))
    return {"what": what, "seconds": round(elapsed, 1), "processor": round(processor, 1)}


def notebooks() -> list[dict[str, Any]]:
    """Execute a copy of every notebook, where it may write its files."""
    run = [str(Path(sys.executable).with_name("jupyter-execute")), "--inplace"]
    with tempfile.TemporaryDirectory() as folder:
        return [
            timed(path.name, [*run, shutil.copy(path, folder)])
            for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
        ]


def pages() -> list[dict[str, Any]]:
    """Run the commands and examples of every page, as the tests do."""
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_readme.py"]
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    running = [
        path for path in found if "```console" in path.read_text() or "```py" in path.read_text()
    ]
    return [timed(path.name, [*test, "-k", path.name]) for path in running]


def docs() -> list[dict[str, Any]]:
    """Build the site anew, and check its links."""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "docs", folder]
        links = [sys.executable, "docs/site_build/links.py", folder]
        return [timed("make docs, tools installed", build, links)]


def clone(*, tests: bool = False) -> list[dict[str, Any]]:
    """From a clone to the first table, and to green tests."""
    with tempfile.TemporaryDirectory() as folder:
        copy = ["git", "clone", "--quiet", str(ROOT), folder]
        rows = [
            timed("clone to first table: make compare", copy, ["make", "-C", folder, "compare"])
        ]
        if tests:
            rows.append(
                timed("from there to green tests: make test", ["make", "-C", folder, "test"])
            )
    return rows


def main() -> None:
    """Parse the command line and run."""
    parts = {
        "notebooks": notebooks,
        "pages": pages,
        "docs": docs,
        "clone": clone,
        "tests": lambda: clone(tests=True),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], metavar="PART")
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    arguments = parser.parse_args()
    for name in arguments.parts or ("notebooks", "pages", "docs"):
        try:
            rows = parts[name]()
        except subprocess.CalledProcessError as failed:
            sys.exit(
                f"{failed}\n{failed.output.decode()[-2000:]}\n{failed.stderr.decode()[-2000:]}"
            )
        show(name, rows)
        if arguments.write:
            mark = "clone" if name == "tests" else name
            date = datetime.now(UTC).strftime("%Y-%m-%d")
            renew(PAGE, f"tutorials: {mark}", f"Made on {date}.\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()
