"""Advice on measured traces, and how often it is right on made-up ones.

``python -m tests.benchmarks.bench_advise [--traces FOLDER] [--kinds KIND ...] [--count 20]``
``python -m tests.benchmarks.bench_advise --write FOLDER``

The first table has the verdict for every trace of the folder. For the second, traces of 60 rounds of 4
workers are drawn; the designs of the last block are judged on 4000 fresh rounds (of a drifting
trace: on the next 60, drawn 40 times). A verdict is right if the chosen design is within 2 % of the
uncoded mean of the best candidate there. Losses are what it is behind that one, in percent of the
uncoded mean. ``--seconds`` is for one trace, by the clock: on a busy machine give much more, or
the last candidates are missing. ``--write`` makes the two made-up traces of ``docs/decision.md``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.arrays import FloatArray
from cgcopt.compare.results.advice import AdviceSettings, advise
from cgcopt.compare.results.advice_result import Advice
from cgcopt.evaluation.schedules.ends import ends_of_rounds
from cgcopt.options import Options
from tests.benchmarks.table import show

ROUNDS, WORKERS, FRESH = 60, 4, 4000
#: Behind the best candidate by so much of the uncoded mean, a verdict is wrong.
WRONG = 0.02

Draw = Callable[[np.random.Generator, int], FloatArray]


def light(rng: np.random.Generator) -> Draw:
    """I.i.d. with light tails: gamma, standard deviation 10 % of the mean."""
    return lambda rng, count: rng.gamma(100.0, 0.01, (count, WORKERS))


def heavy(rng: np.random.Generator) -> Draw:
    """I.i.d. with heavy tails: Pareto, index 1.8."""
    return lambda rng, count: 1.0 + rng.pareto(1.8, (count, WORKERS))


def persistent(rng: np.random.Generator) -> Draw:
    """One worker, drawn once, takes three times as long for good."""
    factor = np.ones(WORKERS)
    factor[rng.integers(WORKERS)] = 3.0
    return lambda rng, count: rng.gamma(100.0, 0.01, (count, WORKERS)) * factor


def drifting(rng: np.random.Generator) -> Draw:
    """Logarithms of the workers' speeds walk at random, 5 % a round; 40 continuations."""
    path = 0.05 * rng.standard_normal((ROUNDS, WORKERS)).cumsum(axis=0)

    def draw(rng: np.random.Generator, count: int) -> FloatArray:
        if count == ROUNDS:
            level = path
        else:
            steps = rng.standard_normal((40, ROUNDS, WORKERS))
            level = (path[-1] + 0.05 * steps.cumsum(axis=1)).reshape(-1, WORKERS)
        return rng.gamma(100.0, 0.01, level.shape) * np.exp(level)

    return draw


KINDS = {"light": light, "heavy": heavy, "persistent": persistent, "drifting": drifting}


def on_measured(folder: Path, seconds: float) -> list[dict[str, Any]]:
    """Advice for every trace of a folder."""
    rows = []
    for path in sorted(folder.glob("*.csv")):
        started = time.process_time()
        try:
            trace = cg.Trace.read(path)
        except cg.CgcoptError as error:
            rows.append({"trace": path.stem, "verdict": f"refused: {str(error)[-90:]}"})
            continue
        found = advise(trace, seconds=seconds, settings=_settings(seconds))
        rows.append(_row(path.stem, found) | {"CPU s": time.process_time() - started})
        print(rows[-1], flush=True)
    return rows


def _settings(seconds: float) -> AdviceSettings:
    """As usual, but a design may take longer where everything may."""
    usual = AdviceSettings()
    return replace(usual, design_seconds=max(usual.design_seconds, seconds / 6.0))


def _row(name: str, found: Advice) -> dict[str, Any]:
    row = {
        "trace": name,
        "rounds x workers": f"{found.trace.round_count} x {found.trace.workers}",
        "verdict": str(found.verdict),
        "chosen": found.chosen,
        "significant": found.significant,
    }
    if found.decision is not None:
        row["gain %"] = 100 * found.decision.gain.size
        row["error %"] = 100 * found.decision.gain.error
        row["nested gain %"] = 100 * found.nested.size
    return row


def on_made_up(kind: str, count: int, seconds: float) -> dict[str, Any]:
    """How often the verdict is right on fresh rounds."""
    verdicts: dict[str, int] = {}
    right, losses, covered, significant, false = 0, [], 0, 0, 0
    started = time.process_time()
    for seed in range(count):
        rng = np.random.default_rng([seed, list(KINDS).index(kind)])
        draw = KINDS[kind](rng)
        found = advise(
            cg.Trace(draw(rng, ROUNDS)),
            seconds=seconds,
            options=Options(threads=1),
            settings=_settings(seconds),
        )
        loss, gain = _on_fresh_rounds(found, draw(rng, FRESH))
        print(f"{kind} {seed}: {found.chosen}, behind {loss:.2%}, gains {gain:.1%}", flush=True)
        right += loss <= WRONG
        losses.append(loss)
        verdicts[str(found.verdict)] = verdicts.get(str(found.verdict), 0) + 1
        significant += found.significant
        false += found.significant and gain <= 0
        assert found.decision is not None
        away = abs(found.decision.gain.size - gain)
        covered += away <= max(2 * found.decision.gain.error, 0.01)
    return {
        "kind": kind,
        "verdicts": ", ".join(f"{n} {name}" for name, n in sorted(verdicts.items())),
        "right": f"{right}/{count}",
        "mean loss %": 100 * float(np.mean(losses)),
        "largest loss %": 100 * float(np.max(losses)),
        "significant": f"{significant}/{count}",
        "of them no gain": f"{false}/{significant}",
        "gain within 2 errors": f"{covered}/{count}",
        "CPU s": time.process_time() - started,
    }


def _on_fresh_rounds(found: Advice, fresh: FloatArray) -> tuple[float, float]:
    """How far the verdict is behind the best candidate, and what it gains, of the uncoded mean."""
    system = found.problem.system
    assert found.judged is not None
    means = {
        each.name: float(ends_of_rounds(each.made.assignment, system, fresh).mean())
        for each in found.judged.judged
    }
    base, chosen = means["uncoded"], means[found.chosen]
    return (chosen - min(means.values())) / base, 1 - chosen / base


def made_up_traces(folder: Path) -> list[Path]:
    """The traces of ``docs/decision.md``: a persistent straggler, and i.i.d. heavy tails."""
    files = []
    for kind in ("persistent", "heavy"):
        rng = np.random.default_rng([7, list(KINDS).index(kind)])
        files.append(folder / f"{kind}.csv")
        cg.Trace(KINDS[kind](rng)(rng, 120)).write(
            files[-1], [f"made up: {KINDS[kind].__doc__ or ''}"]
        )
    return files


def run(*, quick: bool = False) -> list[dict[str, Any]]:
    """Rows of the second table."""
    return [on_made_up(kind, 3 if quick else 20, 120.0) for kind in KINDS]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, or write the traces."""
    parser = argparse.ArgumentParser(description="Advice on measured and made-up traces.")
    parser.add_argument("--traces", type=Path, default=None)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--write", type=Path, default=None)
    chosen = parser.parse_args(arguments)
    if chosen.write is not None:
        chosen.write.mkdir(parents=True, exist_ok=True)
        print(*made_up_traces(chosen.write), sep="\n")
        return
    if chosen.traces is not None:
        show("Advice for measured traces", on_measured(chosen.traces, chosen.seconds))
    rows = []
    for kind in chosen.kinds:
        rows.append(on_made_up(kind, chosen.count, chosen.seconds))
        print(rows[-1], flush=True)
    if rows:
        show("Advice on made-up traces, judged on fresh rounds", rows)


if __name__ == "__main__":
    main()
