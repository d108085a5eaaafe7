"""What an installation weighs: every distribution that the core needs, and what each extra adds.

``python -m tests.benchmarks.bench_install [--write]`` reads what is installed beside the running
interpreter (blocks on disk, byte code included; nothing is downloaded), so the environment should
have all extras. What is needed is read from pyproject.toml. ``--write`` renews the section of
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.benchmarks.table import markdown, renew, show

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Distributions lighter than this share a line.
LIGHT = 4.0
#: Extras of users; the others are for working on the project.
EXTRAS = ("plots", "ipopt", "scip", "uno", "parquet", "dask", "ray")


def needed(declared: Iterable[str]) -> set[str]:
    """Return the distributions that these requirements bring."""
    seen: set[tuple[str, frozenset[str]]] = set()
    first = map(Requirement, declared)
    waiting = [(canonicalize_name(need.name), frozenset(need.extras)) for need in first]
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        for need in map(Requirement, metadata.requires(wanted[0]) or []):
            active = not need.marker or any(
                need.marker.evaluate({"extra": extra}) for extra in wanted[1] | {""}
            )
            if active:
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return {name for name, _ in seen}


def bringer(name: str, core: set[str]) -> str:
    """Return the distributions of the core that ask for this one."""
    asking = [
        each
        for each in sorted(core)
        for need in map(Requirement, metadata.requires(each) or [])
        if canonicalize_name(need.name) == name and not need.marker
    ]
    return ", ".join(dict.fromkeys(asking))


def mebibytes(name: str) -> float:
    """Return what the files of a distribution take on disk."""
    files = metadata.files(name) or []
    paths = {Path(str(file.locate())) for file in files}
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file()) / 2**20


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Weigh the core by distribution, then what each extra adds."""
    core = needed(PROJECT["dependencies"])
    weights = sorted(((mebibytes(name), name) for name in core), reverse=True)
    declared = {canonicalize_name(Requirement(need).name) for need in PROJECT["dependencies"]}
    rows = [
        {
            "what": name,
            "MiB": f"{weight:.0f}",
            "why": "declared" if name in declared else f"by {bringer(name, core)}",
        }
        for weight, name in weights
        if weight >= LIGHT
    ]
    light = [weight for weight, _ in weights if weight < LIGHT]
    rows.append({"what": f"{len(light)} more", "MiB": f"{sum(light):.0f}", "why": ""})
    total = sum(weight for weight, _ in weights)
    rows.append({"what": "**core**", "MiB": f"**{total:.0f}**", "why": ""})
    for extra in EXTRAS:
        more = needed(PROJECT["optional-dependencies"][extra]) - core
        added = sum(map(mebibytes, more))
        rows.append({"what": f"extra `{extra}`", "MiB": f"+ {added:.0f}", "why": _heaviest(more)})
    return rows


def _heaviest(names: set[str]) -> str:
    """Name the heaviest of some distributions."""
    ranked = sorted(names, key=mebibytes, reverse=True)
    more = f" and {len(ranked) - 3} more" if len(ranked) > 3 else ""
    return ", ".join(ranked[:3]) + more


def main() -> None:
    """Print the table, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    arguments = parser.parse_args()
    rows = run()
    show("MiB on disk", rows)
    if arguments.write:
        date = datetime.now(UTC).strftime("%Y-%m-%d")
        renew(
            PAGE,
            "install",
            f"Made on {date}.\n\n{markdown(rows)}",
        )


if __name__ == "__main__":
    main()
