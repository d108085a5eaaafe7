"""Every published figure beside our own: the same method again, and our best design."""

from __future__ import annotations

import math
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cgcopt.compare.published.figures import SOLVERS_OF, published_figures, sweeps
from cgcopt.compare.published.judgement import (
    Judgement,
    Verdict,
    judge_best,
    judge_method,
    tolerance,
)
from cgcopt.compare.published.sweep import Sweep, published_sweep
from cgcopt.compare.results.runs import capped
from cgcopt.compare.results.store import Store
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.options import Options

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEFAULT_OPTIONS", "Reproduction", "reproduce"]

#: The paper's own methods run with the paper's settings; the other solvers know no such option.
DEFAULT_OPTIONS = Options(time_limit=60.0, raw={"settings": "published"})


#: Schemes that are somebody's best design; ours is to be at least as good.
_BEST_DESIGNS = frozenset({"published_optimal", "published_stationary"})

#: Our own near-closed form, shown where the published plots have none like it.
_BESIDE = {CompletionProbability.kind: ("equal-risk",)}
#: Methods of the paper that take minutes; they are run where they are asked for.
_ITERATIVE = frozenset({"projected-subgradient", "successive-convex"})
#: Workers up to which a quick reproduction goes.
_QUICK_WORKERS = 30.0
#: Starts of its methods.
_QUICK_STARTS = 4


@dataclass(frozen=True)
class Reproduction:
    """All published plots, computed again.

    Attributes
    ----------
    sweeps : tuple of Sweep
        One for each plot.
    judgements : tuple of Judgement
        One for each published figure that was computed, plot by plot.
    left_out : int
        Published figures that were not computed.
    options : Options
        What all solvers ran with.
    """

    sweeps: tuple[Sweep, ...]
    judgements: tuple[Judgement, ...]
    left_out: int
    options: Options

    @property
    def passed(self) -> bool:
        """Whether every figure that should reproduce does."""
        return all(judged.verdict is not Verdict.FAILED for judged in self.judgements)

    @property
    def counts(self) -> dict[str, int]:
        """Number of figures by verdict."""
        found = Counter(judged.verdict for judged in self.judgements)
        return {str(verdict): found[verdict] for verdict in Verdict}

    @property
    def methods_left_out(self) -> list[str]:
        """Names of the paper's methods that were not run."""
        ran = {row.solver for sweep in self.sweeps for row in sweep.comparison.rows}
        return sorted(_ITERATIVE - ran)

    def of(self, sweep: Sweep) -> list[Judgement]:
        """Return the judgements of one plot."""
        kind = sweep.comparison.rows[0].objective
        return [
            judged
            for judged in self.judgements
            if judged.figure.sweep == sweep.parameter
            and judged.figure.problem.objective.kind == kind
        ]

    def frame(self) -> pd.DataFrame:
        """All judgements as a table, one line for each published figure, numbers unrounded."""
        import pandas as pd

        return pd.DataFrame([_record(judged) for judged in self.judgements])


def reproduce(
    *,
    quick: bool = False,
    options: Options = DEFAULT_OPTIONS,
    store: Store | None = None,
    fresh: bool = False,
    executor: Executor | None = None,
) -> Reproduction:
    """Compute every plot of arXiv 2206.02450 again, and judge every published figure.

    Parameters
    ----------
    quick : bool
        Only the plots against the number of workers up to 30, without the paper's iterative
        methods and with fewer starts of ours.
    options, store, fresh, executor
        As in :func:`~cgcopt.compare.results.compare.compare`. A setting that lies on several plots
        is computed once.

    Examples
    --------
    >>> result = reproduce(quick=True)
    >>> result.passed, len(result.judgements), result.counts["improved"]
    (True, 39, 6)
    """
    if quick:
        options = replace(options, starts=options.starts or _QUICK_STARTS)
    options = capped(options, executor)
    # Raw options are for the paper's iterative methods.
    given = replace(options, raw={}) if quick else options
    store = Store() if store is None else store
    plots = [
        (kind, parameter)
        for kind in (ExpectedRuntime.kind, CompletionProbability.kind)
        for parameter in sweeps(kind)
        if parameter == "workers" or not quick
    ]
    done = [
        published_sweep(
            kind,
            parameter,
            solvers=_solvers(kind, quick=quick),
            up_to=_QUICK_WORKERS if quick else math.inf,
            options=_share_of(given, index, len(plots)),
            store=store,
            fresh=fresh,
            executor=executor,
        )
        for index, (kind, parameter) in enumerate(plots)
    ]
    judgements = [judged for sweep in done for judged in _judged(sweep)]
    total = sum(len(published_figures(kind)) for kind in dict.fromkeys(kind for kind, _ in plots))
    return Reproduction(tuple(done), tuple(judgements), total - len(judgements), options)


def _solvers(kind: str, *, quick: bool) -> list[str]:
    schemes = dict.fromkeys(figure.scheme for figure in published_figures(kind))
    names = [name for scheme in schemes for name in SOLVERS_OF[scheme]]
    names[2:2] = _BESIDE.get(kind, ())
    return [name for name in dict.fromkeys(names) if not (quick and name in _ITERATIVE)]


def _judged(sweep: Sweep) -> list[Judgement]:
    rows = {(row.problem, row.solver): row for row in sweep.comparison.rows}
    names = dict(zip(sweep.points, sweep.names, strict=True))
    judgements = []
    for figure in published_figures(sweep.comparison.rows[0].objective):
        if figure.sweep == sweep.parameter and (point := sweep.point(figure.problem)) in names:
            same, best = (
                (names[point], SOLVERS_OF[figure.scheme][-1]),
                rows[names[point], "optimal"],
            )
            if figure.scheme in _BEST_DESIGNS:
                judgements.append(judge_best(figure, rows.get(same), best))
            else:
                judgements.append(judge_method(figure, rows[same], best))
    return judgements


def _record(judged: Judgement) -> dict[str, Any]:
    figure, row, best = judged.figure, judged.row, judged.best
    system, objective = figure.problem.system, figure.problem.objective
    times = system.worker_times.to_dict()
    return {
        "objective": objective.kind,
        "sweep": figure.sweep,
        "workers": system.workers,
        "coordinates": system.coordinates,
        "rate": times["rate"],
        "shift": times["shift"],
        "samples": system.samples,
        "cycles": system.cycles,
        "deadline": getattr(objective, "deadline", math.nan),
        "scheme": figure.scheme,
        "solver": SOLVERS_OF[figure.scheme][-1],
        "published": figure.value,
        "reproduced": math.nan if row is None else row.value,
        "difference": judged.difference,
        "tolerance": math.nan if figure.scheme in _BEST_DESIGNS else tolerance(figure),
        "verdict": str(judged.verdict),
        "reason": judged.reason,
        "improved": best.value,
        "improved_complement": best.solution.complement,
        "improvement": judged.improvement,
        "improved_bound": best.solution.bound,
        "improved_certificate": best.solution.certificate,
        "improved_residual": best.solution.residual,
        "seconds": math.nan if row is None else row.seconds,
        "improved_seconds": best.seconds,
    }


def _share_of(options: Options, done: int, total: int) -> Options:
    """Options whose progress speaks of one plot among ``total``."""
    report = options.progress
    if report is None:
        return options

    def progress(share: float | None, message: str) -> None:
        report((done + (share or 0.0)) / total, message)

    return replace(options, progress=progress)
