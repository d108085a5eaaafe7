"""The pictures of the page "The problem in pictures".

    python docs/site_build/pictures.py docs/images

One round of four workers, one of them slow, under four designs; and the best partition of two systems.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import cgcopt as cg

#: Seconds that each of the four workers needs for a coordinate on a quarter of the data.
TIMES = np.array([1.4, 1.0, 4.0, 1.1])
COORDINATES = 12.0
COLOURS = ("#4477aa", "#228866", "#cc9922", "#bb5566")


def best_for(times: np.ndarray) -> np.ndarray:
    """Return the partition with ``T_(N-n) w_n`` the same for all ``n``: the best for known times."""
    slowest_first = np.sort(times)[::-1]
    workers = len(times)
    levels = np.arange(workers)
    budget = 1.0 / ((levels + 1) * (levels + 2))
    budget[-1] = 1.0 / workers
    work = COORDINATES / (budget @ (1 / slowest_first)) / slowest_first
    return np.diff(work, prepend=0.0) / (levels + 1)


def steps(partition: np.ndarray, worker: int, cells: int) -> list[tuple[int, int, float, float]]:
    """Return level, cell, and the work before and after, of all that a worker computes in turn."""
    workers, done, found = len(partition), 0.0, []
    for level in np.flatnonzero(partition):
        each = (level + 1) * partition[level] / cells
        for place in range(cells):
            cell = (worker * cells // workers + place) % cells
            found.append((int(level), cell, done, done + each))
            done += each
    return found


def draw_round(axes, title: str, partition: np.ndarray, cells: int) -> None:
    """Draw who computes what when, and when the last part is decoded."""
    finished: dict[tuple[int, int], list[float]] = {}
    bars = []
    for worker, seconds in enumerate(TIMES):
        for level, cell, before, after in steps(partition, worker, cells):
            finished.setdefault((level, cell), []).append(seconds * after)
            bars.append((worker, level, cell, seconds * before, seconds * after))
    needed = {part: sorted(ends)[len(TIMES) - part[0] - 1] for part, ends in finished.items()}
    end = max(needed.values())
    for worker, level, cell, start, stop in bars:
        if start >= end:
            continue
        useful = stop <= needed[level, cell] * (1 + 1e-12)
        axes.barh(
            worker,
            min(stop, 1.04 * end) - start,
            left=start,
            height=0.72,
            color=COLOURS[level],
            alpha=1.0 if useful else 0.3,
            edgecolor="white",
            linewidth=0.8,
        )
        if cells > 1 and stop - start > 1.0 and stop < end * 1.001:
            axes.text(
                (start + stop) / 2,
                worker,
                str(cell + 1),
                ha="center",
                va="center",
                size=7,
                color="white",
            )
    axes.axvline(end, color="black", linewidth=1.2)
    axes.set_title(f"{title}: {end:.1f} s", loc="left", size=10)
    axes.set_yticks(range(len(TIMES)), [f"worker {i + 1}" for i in range(len(TIMES))], size=8)
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)


def rounds_picture(path: Path) -> None:
    """Draw the same round under four designs."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    uncoded, single, two_levels = np.zeros(4), np.zeros(4), np.zeros(4)
    uncoded[0] = single[1] = COORDINATES
    two_levels[[0, 3]] = 0.4 * COORDINATES, 0.6 * COORDINATES  # the best share on level 0
    designs = [
        ("Uncoded", uncoded, 1),
        ("All coordinates on level 1", single, 1),
        ("A level for each block", best_for(TIMES), 1),
        ("Two levels, in four cells each, every worker in its own order", two_levels, 4),
    ]
    figure, rows = plt.subplots(4, 1, figsize=(5.6, 7), sharex=True, layout="constrained")
    for axes, design in zip(rows, designs, strict=True):
        draw_round(axes, *design)
    rows[-1].set_xlim(0, 50)
    rows[-1].set_xlabel("seconds since the round began", size=9)
    names = [f"level {level}: {level + 1} of 4 subsets" for level in range(4)]
    handles = [Patch(color=c, label=n) for c, n in zip(COLOURS, names, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def partitions_picture(path: Path) -> None:
    """Draw the certified optimum of two systems: how many coordinates get how much redundancy."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    systems = {
        "shifted exponential, N = 20": cg.load_instance("paper"),
        "log-normal 0.6, N = 12": cg.Problem(
            cg.System(12, 20_000, cg.LogNormal(sigma=0.6, scale=1.0, shift=0.2)),
            cg.ExpectedRuntime(),
        ),
    }
    figure, columns = plt.subplots(1, 2, figsize=(5.6, 2.6), layout="constrained", sharey=True)
    for axes, (name, problem) in zip(columns, systems.items(), strict=True):
        share = cg.solve(problem).partition / problem.system.coordinates
        axes.bar(range(len(share)), 100 * share, color="#4477aa")
        axes.set_title(name, size=9)
        axes.set_xlabel("level: stragglers tolerated", size=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    columns[0].set_ylabel("coordinates [%]", size=9)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "cgcopt"
    folder = Path(sys.argv[1])
    rounds_picture(folder / "problem_rounds.svg")
    partitions_picture(folder / "problem_partitions.svg")
