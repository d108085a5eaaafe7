"""Kill ``cgcopt compare`` again and again, and look at what is left: rows, files, processes.

Run as ``python tests/benchmarks/kills.py --kills 60``. Every run is killed (SIGKILL, or with
``--signal TERM`` or ``INT`` stopped) after a random while, and started again with the same command,
until all kills are spent; the last run goes to its end. Exit code 1 where a row was lost or made
twice, or a file was damaged.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTANCE = """
[system]
workers = {workers}
coordinates = 2000

[worker_times]
family = "shifted-exponential"
rate = 1e-3
shift = 50

[objective]
kind = "expected-runtime"
"""
SOLVERS = "uncoded,uniform,single-level,closed-form-time,optimal"


def main() -> int:
    """Kill, check, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--signal", choices=["KILL", "TERM", "INT"], default="KILL")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, ends = kills(Path(folder), given)
    print(
        json.dumps({"kills": given.kills, **counts, "slowest_end": round(max(ends), 2)}, indent=2)
    )
    return int(any(counts[name] for name in ("rows_lost", "rows_changed", "files_damaged", "left")))


def kills(folder: Path, given: argparse.Namespace) -> tuple[Counter[str], list[float]]:
    """Return how often what happened, and the seconds from each signal to the end of a run."""
    instances = []
    for workers in range(4, 7):
        instances.append(str(folder / f"n{workers}.toml"))
        Path(instances[-1]).write_text(INSTANCE.format(workers=workers), encoding="utf-8")
    out = folder / "out"
    command = [sys.executable, "-m", "cgcopt", "compare", *instances, "--solvers", SOLVERS]
    command += ["--out", str(out), "--jobs", str(given.jobs)]
    chance = random.Random(given.seed)
    names = ["runs_ended", "rows_lost", "rows_changed", "files_damaged", "left", "files_checked"]
    counts: Counter[str] = Counter(dict.fromkeys(names, 0))
    seen: dict[str, str] = {}
    ends = []
    quiet_run(command)  # compiles what is compiled once
    for file in out.glob("*"):
        file.unlink()
    whole = quiet_run(command)
    for number in range(given.kills):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started = time.monotonic()
        wanted = chance.uniform(0.15, 0.8) * whole
        while time.monotonic() - started < wanted and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is not None:  # quicker than the first run: others are killed earlier
            whole = min(whole, time.monotonic() - started)
        before = rows_in(out / "results.sqlite")
        children = children_of(process.pid)
        counts["runs_ended"] += process.poll() is not None
        sent = time.monotonic()
        process.send_signal(getattr(signal, f"SIG{given.signal}"))
        process.wait()
        ends.append(time.monotonic() - sent)
        time.sleep(0.5 if children else 0.0)
        counts["left"] += sum(Path(f"/proc/{child}").exists() for child in children)
        after = rows_in(out / "results.sqlite")
        for known in (seen, before):
            counts["rows_lost"] += len(known.keys() - after.keys())
            counts["rows_changed"] += sum(after.get(key, row) != row for key, row in known.items())
        seen = after
        counts["files_damaged"] += len(damaged(out))
        counts["files_checked"] += len(list(out.glob("*")))
        print(f"{number + 1} kills: {dict(counts)}", file=sys.stderr, flush=True)
        if number % 4 == 3:  # the last of four runs found all rows, and wrote files
            for file in out.glob("*"):
                file.unlink()
            seen = {}
    quiet_run(command)
    after = rows_in(out / "results.sqlite")
    counts["rows_lost"] += len(seen.keys() - after.keys())
    counts["rows_changed"] += sum(after.get(key, row) != row for key, row in seen.items())
    counts["rows_at_the_end"] = len(after)
    counts["files_damaged"] += len(damaged(out)) + sum(
        ".unfinished" in p.name for p in out.iterdir()
    )
    return counts, ends


def quiet_run(command: list[str]) -> float:
    """Run to the end, and return the seconds it took."""
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - started


def rows_in(path: Path) -> dict[str, str]:
    """Return the rows of a store by key, as another program reads them."""
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        tables = connection.execute("select name from sqlite_master where name = 'rows'").fetchall()
        if not tables:
            return {}
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        return dict(connection.execute("select key, row from rows"))


def damaged(out: Path) -> list[str]:
    """Return the files that are there and not whole; unfinished ones have names of their own."""
    return [
        path.name
        for path in out.glob("[!.]*")
        if path.suffix in WHOLE and not WHOLE[path.suffix](path)
    ]


def whole_table(path: Path) -> bool:
    """Whether every line has as many cells as the heading."""
    text = path.read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    return text.endswith("\n") and len(rows) > 1 and len({len(row) for row in rows}) == 1


WHOLE = {
    ".csv": whole_table,
    ".png": lambda path: path.read_bytes().endswith(b"IEND\xaeB`\x82"),
    ".md": lambda path: "- memory:" in path.read_text(encoding="utf-8"),
    ".tex": lambda path: path.read_text(encoding="utf-8").endswith("\\end{table}\n\n"),
}


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started (Linux)."""
    found = [process]
    for parent in found:
        for file in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(word) for word in file.read_text().split()]
    return found[1:]


if __name__ == "__main__":
    sys.exit(main())
