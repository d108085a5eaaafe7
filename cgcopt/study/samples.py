"""Sample-average studies: how good a design of drawn rounds is, and how far its promise is off.

On ``K`` drawn rounds the best value is, on average, too good: ``E v_K <= v*`` of a minimisation, and
the bias shrinks with ``K``. A candidate is judged on ``M`` further samples of ``K`` rounds by the gap
``G_m = f_m(candidate) - v_m`` on the same rounds (common random numbers). ``mean G + t s_G / sqrt(M)``
is an upper confidence bound of its optimality gap, which needs neither the optimum nor the
distribution. Here both are known, so that the interval can be checked.

References
----------
W.-K. Mak, D. P. Morton, R. K. Wood, "Monte Carlo bounding techniques for determining solution quality
in stochastic programs", Operations Research Letters 24 (1999), 47-56.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cgcopt._validate import finite_number, whole_number
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.entrant import Entrant
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.store import Store
from cgcopt.errors import InvalidInputError, SolverError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solvers.registry import find_solver

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HOW_TO_READ_SAMPLES", "SampleLine", "SampleStudy", "saa_study"]

HOW_TO_READ_SAMPLES = (
    "How to read it: `promised` is the mean optimal value on the drawn rounds, `bias` its distance to "
    "the optimum of the problem itself; `true gap` is how much worse than the optimum the design of "
    "one sample is, and with the stated confidence it lies below `gap, upper limit`, which is computed "
    "from drawn rounds alone (Mak, Morton and Wood, 1999). The interval is one for samples that are not "
    "too small: where every design is alike on all rounds that were drawn, it is 0 and says nothing."
)


@dataclass(frozen=True)
class SampleLine:
    """What samples of one size say; values in the unit of the objective.

    Attributes
    ----------
    scenarios, replications : int
        Rounds of a sample, and samples.
    promised, promised_error : float
        Mean of the optimal values on the samples, and its standard error.
    bias : float
        ``promised`` minus the optimum.
    candidate_value : float
        Exact worth of the design of one more sample.
    true_gap : float
        How much worse than the optimum that is.
    gap_estimate, gap_error, gap_upper : float
        Mean of the gaps on the samples, its standard error, and the upper end of the interval from 0.
    seconds : float
        Solve time of all samples of this size.
    """

    scenarios: int
    replications: int
    promised: float
    promised_error: float
    bias: float
    candidate_value: float
    true_gap: float
    gap_estimate: float
    gap_error: float
    gap_upper: float
    seconds: float


@dataclass(frozen=True)
class SampleStudy:
    """A line for each size of samples.

    Attributes
    ----------
    problem : Problem
    solver : str
        Who solved the samples.
    confidence : float
        Of the intervals, one-sided.
    optimum, bound : float
        Best value known of the problem itself, and what no design beats.
    lines : tuple of SampleLine
    """

    problem: Problem
    solver: str
    confidence: float
    optimum: float
    bound: float
    lines: tuple[SampleLine, ...]

    def frame(self) -> pd.DataFrame:
        """The lines as a table, numbers unrounded."""
        import pandas as pd

        return pd.DataFrame([asdict(line) for line in self.lines]).assign(
            optimum=self.optimum, bound=self.bound, confidence=self.confidence
        )


def saa_study(
    problem: Problem,
    scenarios: Iterable[int] = (10, 100, 1000),
    replications: int = 10,
    *,
    solver: str = "optimal",
    confidence: float = 0.95,
    options: Options | None = None,
    store: Store | None = None,
    fresh: bool = False,
) -> SampleStudy:
    """Solve samples of several sizes and say what their designs and their promises are worth.

    Parameters
    ----------
    problem : Problem
        The problem itself.
    scenarios : iterable of int
        Sizes ``K`` of the samples.
    replications : int
        Samples ``M`` of each size, at least 2; one more gives the candidate.
    solver : str
        Who solves the samples. Where it proves a bound that counts in place of the value, so that
        the interval holds for samples that are not solved to the end.
    confidence : float
        Of the one-sided interval of the gap.
    options : Options, optional
        For every run; samples have the seeds that follow ``options.seed``.
    store : Store, optional
        Keeps the run of every sample: a study that was cut short goes on where it was.
    fresh : bool
        Make the runs again that the store holds.

    Raises
    ------
    InvalidInputError
        If an argument is refused.
    SolverError
        If a sample is left without a design.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=1e-3, shift=50)
    >>> problem = cg.Problem(cg.System(4, 100, times), cg.ExpectedRuntime())
    >>> line, = saa_study(problem, [20], 4).lines
    >>> line.true_gap <= line.gap_upper
    True
    """
    sizes = [whole_number("scenarios", count, least=1) for count in scenarios]
    if not sizes:
        raise InvalidInputError("scenarios", sizes, "at least one number of rounds")
    whole_number("replications", replications, least=2)
    finite_number("confidence", confidence, above=0, below=1)
    options = options or Options()
    find_solver(solver, problem.objective, Form.RELAXED)
    quiet = replace(options, progress=None)
    kept = Store() if store is None else store
    samples = _Samples(problem, solver, confidence, quiet, kept, fresh)
    whole = samples.solved(problem, "optimal")
    lines = []
    for done, size in enumerate(sizes):
        options.report(done / len(sizes), f"samples of {size} rounds")
        lines.append(samples.line(size, replications, whole.value))
    options.report(1.0, "")
    return SampleStudy(problem, solver, confidence, whole.value, whole.solution.bound, tuple(lines))


@dataclass(frozen=True)
class _Samples:
    """The runs of a study, each made once."""

    problem: Problem
    solver: str
    confidence: float
    options: Options
    store: Store
    fresh: bool

    def solved(self, problem: Problem, solver: str) -> Row:
        """The row of a run, from the store where it is there."""
        entrants = [Entrant(solver, Form.RELAXED)]
        (row,) = compare(
            problem, entrants, options=self.options, store=self.store, fresh=self.fresh
        ).rows
        if not row.partition:
            raise SolverError(row.message or f"{solver} found no design of a sample")
        return row

    def line(self, size: int, replications: int, optimum: float) -> SampleLine:
        """What samples of one size say."""
        from scipy.stats import t

        sign = 1.0 if self.problem.objective.sense is Sense.MINIMIZE else -1.0
        drawn = [
            self.problem.sampled(size, self.options.seed + place)
            for place in range(replications + 1)
        ]
        first, *others = [self.solved(sample, self.solver) for sample in drawn]
        candidate = np.array(first.partition)
        gaps = []
        for sample, found in zip(drawn[1:], others, strict=True):
            bound = found.solution.bound
            proven = bound if math.isfinite(bound) else found.value
            gaps.append(sign * (evaluate(sample, candidate).value - proven))
        worth = evaluate(self.problem, candidate).value
        promised, promised_error = _mean_and_error([found.value for found in others])
        estimate, error = _mean_and_error(gaps)
        return SampleLine(
            scenarios=size,
            replications=replications,
            promised=promised,
            promised_error=promised_error,
            bias=promised - optimum,
            candidate_value=worth,
            true_gap=sign * (worth - optimum),
            gap_estimate=estimate,
            gap_error=error,
            gap_upper=max(estimate + float(t.ppf(self.confidence, replications - 1)) * error, 0.0),
            seconds=sum(row.seconds for row in (first, *others)),
        )


def _mean_and_error(values: list[float]) -> tuple[float, float]:
    array = np.array(values)
    return float(array.mean()), float(array.std(ddof=1) / math.sqrt(array.size))
