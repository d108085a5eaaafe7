"""Run the command line on hostile inputs: ``python -m tests.fuzz.run [--count 2000] [--seed 0]``.

Every input must end, quickly, with exit code 0 or 1, or with 2 and one line on standard error; with
no traceback and no warning.  The counts are printed; the exit code is 1 if there was anything else.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cgcopt.cli import main
from tests.fuzz.inputs import KINDS, Case, draw

#: Seconds after which an input hangs, on a machine that is not busy with other work.
PATIENCE = 20.0


@dataclass(frozen=True)
class Finding:
    """What became of a case; ``fault`` is empty if it is as it should be."""

    case: Case
    code: int | None
    fault: str
    detail: str
    seconds: float


class _Hung(BaseException):
    pass


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise _Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_case(case: Case, folder: Path, patience: float = PATIENCE) -> Finding:
    """Run one case in this process."""
    arguments = case.write(folder)
    out, err = io.StringIO(), io.StringIO()
    code, fault, detail = None, "", ""
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            with (
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
                contextlib.chdir(folder),
                _alarm(patience),
            ):
                code = main(arguments)
        except _Hung:
            fault = "hang"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            fault, detail = "traceback", traceback.format_exc()
    seconds = time.perf_counter() - started
    if not fault:
        fault, detail = _judge(
            code, out.getvalue(), err.getvalue(), [str(w.message) for w in heard]
        )
    return Finding(case, code, fault, detail, seconds)


def _judge(code: int | None, out: str, err: str, heard: list[str]) -> tuple[str, str]:
    if heard:
        return "warning", heard[0]
    if code not in (0, 1, 2):
        return "exit code", str(code)
    if "Traceback" in err or "Warning" in err:
        return "traceback", err
    lines = [line for line in err.splitlines() if line.strip()]
    if code == 2 and (out or len(lines) != 1 or not lines[0].startswith("error: ")):
        return "message", f"{out[:200]!r} {err[:500]!r}"
    if code == 2 and len(err) > 1500:
        return "message", f"{len(err)} characters: {err[:300]}"
    return "", err


def findings(seeds: range, patience: float = PATIENCE) -> Iterator[Finding]:
    """Run the cases of these seeds, each in an empty folder."""
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="cgcopt-fuzz-") as folder:
            yield run_case(draw(seed), Path(folder), patience)


def report(count: int, seed: int, *, patience: float = PATIENCE, show: int = 10) -> int:
    """Run ``count`` cases, print the counts, and return the exit code."""
    codes: Counter[tuple[str, int | None]] = Counter()
    faults: Counter[str] = Counter()
    slowest = 0.0
    for number, found in enumerate(findings(range(seed, seed + count), patience), seed):
        codes[found.case.kind, found.code] += 1
        slowest = max(slowest, found.seconds)
        if found.fault:
            faults[found.fault] += 1
            if sum(faults.values()) <= show:
                print(f"seed {number}: {found.fault}: {[a[:100] for a in found.case.arguments]}")
                print("    " + found.detail[-700:].replace("\n", "\n    "))
    print(f"{count} inputs from seed {seed}; slowest {slowest:.1f} s")
    for kind in KINDS:
        shown = [
            f"{number} with exit code {code}" for (k, code), number in codes.items() if k == kind
        ]
        print(f"  {kind}: {', '.join(sorted(shown))}")
    named = [f"{faults[name]} {name}s" for name in ("traceback", "hang", "warning")]
    others = sum(faults.values()) - sum(faults[n] for n in ("traceback", "hang", "warning"))
    print(f"faults: {', '.join(named)}, {others} others")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for an input")
    given = parser.parse_args()
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(report(given.count, given.seed, patience=given.patience))
