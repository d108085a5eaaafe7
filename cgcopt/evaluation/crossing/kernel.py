"""Compiled sweeps behind :func:`cgcopt.evaluation.crossing.crossing.crossing` (imports numba).

Let a Poisson process of rate ``N`` run over [0, 1] and write ``lam_k = N (p_k - p_{k-1})``,
``p_0 = 0``.  With all terms positive,

- forward   ``a_k(j) = sum_{i=k-1..j} a_{k-1}(i) lam_k^(j-i) / (j-i)!``, ``j >= k``,
  ``a_0(0) = 1``, and ``P = N!/N^N a_N(N)``;
- backward  ``r_{k-1}(i) = sum_{j>=max(i,k)} lam_k^(j-i) / (j-i)! r_k(j)``, ``r_N(N) = 1``;
- ``d log P/dp_k = N a_{k-1}(k-1) r_k(k) / a_N(N)``: one point at ``p_k``, ``k-1`` below it;
- ``1 - P = N!/N^N sum_k a_{k-1}(k-1) (N (1 - p_k))^(N-k+1) / (N-k+1)!``: first failure at ``k``.

The chains are those of Noe (1972) with the sums kept positive.  Four things make them fast and
keep them accurate to a few units in the last place:

*Short sums.* Rows and Poisson weights are log-concave, hence so are the terms of an inner sum,
and the share of the terms beyond ``d`` grows with ``j``.  Cells are computed in blocks, and a
block takes more terms until a geometric bound on the tail of its last cell is negligible.

*Short rows.* Let ``m(p)`` be the least concave majorant of the points ``(k, p_k)``.  Given
success, the number of points below ``p_k`` is stochastically smaller than Binomial(N, m/N)
conditioned on a bridge that stays above its own mean line (Holley's inequality: all laws
involved are totally positive), which has probability ``(N-1)^(N-1)/N^N > 1/(e N)``.  So the
cells above a Bernstein or Hoeffding quantile at the level ``ROW_TAIL/N^2`` lose less than a
rounding error, of the gradient and of the complement too, since both condition on *fewer*
points.  A row then has O(sqrt(N)) cells beside the slack of the thresholds.

*Scaling by powers of two.* The weights are ``2^-s lam^d/d!`` with whole numbers ``s`` that add
up to ``sum lam_k / log 2``; rows are renormalised by powers of two as well.

*Tilting.* Where ``P`` is tiny the increments are multiplied by ``theta_k``, the gradient of the
majorant over its mean, so that the tilted process meets the thresholds on average; a row is multiplied by
``(theta_{k+1}/theta_k)^(j-k) <= 1`` at the corners of ``m``, and
``a_N(N) = prod_k (1/theta_k) a'_N(N)`` exactly.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.compiled import INNER, OUTER

__all__ = ["sweep", "sweep_pairs", "sweep_panels"]

BLOCK = 32
"""Cells computed together; with 8 terms at a time they fill the vector registers."""
PAD = 48
"""Zero cells before the first cell of a row, read (never used) by the first block."""
TERM_TAIL = 2.0**-60
"""Share of an inner sum that may be cut off."""
ROW_TAIL = 38.0
"""Minus the logarithm of the share of a row that may be cut off, before the factor ``N^2``."""
LARGEST_STEP = 100.0
"""Larger ``lam_k`` are taken in several equal steps, so that no weight underflows."""
RENORMALISE = 16
"""Rows between two renormalisations."""
SMALLEST_CELL = 2.0**-900
"""Cells below this share of the largest of their row become zero."""
LARGEST_WEIGHT = 2.0**512
"""Larger terms of a sum over a jump are halved 512 times."""
LARGEST_TILT = 2.0**1000
"""Keeps the tilt finite at subnormal thresholds; any positive tilt is exact."""
TILT = 200.0
"""Tilt where ``P < exp(-TILT)``; then ``1 - P`` rounds to one."""
SMALL_COMPLEMENT = 1e-3
"""Where ``1 - P`` is below, ``P`` is one minus it, without the rounding of its own sum."""
MARGIN = 128
"""Columns of the workspace beyond the ``N`` of a row: its padding, and blocks that reach behind it."""
WORKSPACE = 13
"""Rows of workspace that :func:`sweep` needs."""
PANEL_WORKSPACE = 19
"""Rows of workspace that :func:`sweep_panels` needs."""
PANEL_TERMS = 5
"""Numbers that :func:`sweep_panels` finds for every threshold of every row."""
ROUGH_ROW_TAIL = 18.0
"""In place of ``ROW_TAIL`` where :func:`sweep_panels` is to be right to about 1e-8."""
ROUGH_TERM_TAIL = 2.0**-30
"""In place of ``TERM_TAIL`` there."""
PAIR_WORKSPACE = 5
"""Rows of workspace of numbers that :func:`sweep_pairs` needs."""
PAIR_COUNTS = 3
"""Rows of workspace of whole numbers that it needs."""
PAIR_TERMS = 64
"""Poisson weights that it keeps."""
PAIR_STEP = 24.0
"""Larger intervals are taken in several steps, so that :data:`PAIR_TERMS` weights are enough."""
PAIR_TAIL = 6.0
"""Minus the logarithm of the share of a row that :func:`sweep_pairs` cuts off,"""
PAIR_WEIGHT = 1e-3
"""and the smallest Poisson weight that it takes into account."""

_LOG2_HIGH, _LOG2_LOW = 0.6931471824645996, -1.904654299957768e-09
_STIRLING = np.array([  # log(m!) - log(sqrt(2 pi m) (m/e)^m), m = 1..16
    0.08106146679532726, 0.0413406959554093, 0.02767792568499834, 0.020790672103765093,
    0.016644691189821193, 0.013876128823070748, 0.01189670994589177, 0.010411265261972096,
    0.009255462182712733, 0.00833056343336287, 0.007573675487951841, 0.00694284010720953,
    0.006408994188004207, 0.0059513701127588475, 0.005554733551962801, 0.0052076559196096404,
])  # fmt: skip

# What follows is written for a short compilation, which the first solve of a fresh environment waits
# for: numba compiles every min, max, int() and ** as a function of its own, and inlining by numba
# instead of LLVM takes longer.


@njit(**INNER, fastmath={"contract"})
def _spread(
    old: FloatArray,
    new: FloatArray,
    lo: int,
    first: int,
    last: int,
    mean: float,
    weight: float,
    weights: FloatArray,
    reciprocals: FloatArray,
    term_tail: float,
) -> None:
    """Convolve ``old``, zero below ``lo``, with ``weight mean^d / d!`` into ``first..last``."""
    weights[0] = weight
    known = 1
    for j in range(first, first + PAD):
        new[j] = 0.0
    for start in range(first, last + 1, BLOCK):
        cells = new[PAD + start : PAD + start + BLOCK]
        for c in range(BLOCK):
            cells[c] = 0.0
        top = start + BLOCK - 1 if start + BLOCK <= last else last
        d = 0
        while d <= top - lo:
            while known < d + 9:
                weights[known] = weights[known - 1] * (mean * reciprocals[known])
                known += 1
            v0, v1, v2, v3 = weights[d], weights[d + 1], weights[d + 2], weights[d + 3]
            v4, v5, v6, v7 = weights[d + 4], weights[d + 5], weights[d + 6], weights[d + 7]
            o = old[PAD + start - d - 7 : PAD + start - d + BLOCK]
            for c in range(BLOCK):
                cells[c] += (
                    v0 * o[c + 7] + v1 * o[c + 6] + v2 * o[c + 5] + v3 * o[c + 4]
                    + v4 * o[c + 3] + v5 * o[c + 2] + v6 * o[c + 1] + v7 * o[c]
                )  # fmt: skip
            d += 8
            total = cells[top - start]
            if weights[d] == 0.0:
                break  # as is every later weight; the cells of this block may be zero too
            if d <= top - lo and total > 0.0:
                before = weights[d - 1] * old[PAD + top - d + 1]
                term = weights[d] * old[PAD + top - d]
                if term == 0.0 or (
                    term < before and term <= term_tail * total * (1.0 - term / before)
                ):
                    break
        for j in range(last + 1, start + BLOCK):
            new[PAD + j] = 0.0


@njit(**INNER)
def _renormalise(row: FloatArray, lo: int, last: int) -> tuple[int, int]:
    """Bring the largest cell near one, drop hopelessly small ends; new ``lo``, exponent taken."""
    largest = 0.0
    for j in range(PAD + lo, PAD + last + 1):
        largest = row[j] if row[j] > largest else largest
    if largest == 0.0:
        return lo, 0
    while row[PAD + lo] < SMALLEST_CELL * largest:
        row[PAD + lo] = 0.0
        lo += 1
    while row[PAD + last] < SMALLEST_CELL * largest:
        row[PAD + last] = 0.0
        last -= 1
    exponent = math.frexp(largest)[1]
    factor = math.ldexp(1.0, -exponent)
    for j in range(PAD + lo, PAD + last + 1):
        row[j] *= factor
    return lo, exponent


@njit(**INNER)
def _jump(
    row: FloatArray,
    t: int,
    lo: int,
    reciprocals: FloatArray,
    jumps: FloatArray,
    halved: IntArray,
    term_tail: float,
) -> None:
    """Fill the rows of ``jumps`` that :func:`_chain` describes, for cells from ``lo`` on."""
    mean, weight, term, before, total = jumps[0, t], 1.0, 0.0, 0.0, 0.0
    halved[t] = 0
    # Eight terms at a time: what lies below ``lo`` is zero.
    for m in range(1, t - lo + 2 if mean > 0.0 else 0, 8):
        for i in range(m, m + 8):
            weight *= mean * reciprocals[i]
            before = term
            term = weight * row[PAD + t + 1 - i]
            total += term
        if term < before and term <= term_tail * total * (1.0 - term / before):
            break
        if weight > LARGEST_WEIGHT:
            weight /= LARGEST_WEIGHT
            total /= LARGEST_WEIGHT
            term /= LARGEST_WEIGHT
            halved[t] += 512
    jumps[1, t] = total
    jumps[2, t] = row[PAD + t - 1]


@njit(**INNER)
def _chain(
    n: int,
    lam: FloatArray,
    ratio: FloatArray,
    shift: IntArray,
    first: IntArray,
    last: IntArray,
    rows: FloatArray,
    weights: FloatArray,
    reciprocals: FloatArray,
    edge: FloatArray,
    exponent: IntArray,
    jumps: FloatArray,
    halved: IntArray,
    term_tail: float,
) -> None:
    """Take the unit mass at cell 0 through ``n`` intervals.

    Step ``t`` spreads the row with increment ``lam[t]`` over the cells ``first[t]..last[t]``,
    whose edge ``t`` (the first forward, the last backward) lies at the thresholds, and weighs
    cell ``c`` with ``ratio[t]^abs(c - t)``.
    Afterwards ``edge[t] 2^exponent[t]`` is ``2^-(shift[1] + .. + shift[t])`` times cell ``t``.

    With rows ``mean, total, next`` in ``jumps``, a backward chain also finds cell ``t - 1`` and
    ``total[t] 2^halved[t] = sum_m mean[t]^m / m! cell[t + 1 - m]``, ``m >= 1``, in that unit.
    """
    for j in range(n + 1 + PAD + BLOCK):
        rows[0, j] = rows[1, j] = 0.0
    rows[0, PAD] = edge[0] = 1.0
    exponent[0] = 0
    side, lo = 0, first[0]
    for t in range(n + 1):
        if t > 0:
            begin = lo if lo > first[t] else first[t]
            if lam[t] > 0.0:
                steps = math.floor(lam[t] / LARGEST_STEP) + 1
                for i in range(1, steps + 1):
                    halvings = (shift[t] * i) // steps - (shift[t] * (i - 1)) // steps
                    _spread(
                        rows[side], rows[1 - side], lo, begin if i == steps else lo, last[t],
                        lam[t] / steps, math.ldexp(1.0, -halvings), weights, reciprocals, term_tail,
                    )  # fmt: skip
                    side = 1 - side
            row = rows[side]
            for c in range(PAD + lo, PAD + begin):
                row[c] = 0.0
            lo = begin
            if ratio[t] != 1.0:
                factor = 1.0
                away = 1 if first[t] == t else -1
                for c in range(t + away, last[t] + 1 if away > 0 else lo - 1, away):
                    factor *= ratio[t]
                    row[PAD + c] *= factor
            exponent[t] = exponent[t - 1]
            if t % RENORMALISE == 1:
                lo, taken = _renormalise(row, lo, last[t])
                exponent[t] += taken
            edge[t] = row[PAD + t]
        if jumps.size > 0:
            _jump(rows[side], t, lo, reciprocals, jumps, halved, term_tail)


@njit(**INNER)
def _increments(p: FloatArray, s: FloatArray, mean: FloatArray, lam: FloatArray) -> None:
    """``mean_k = N p_k``, and its increments from whichever of ``p``, ``s = 1 - p`` is smaller."""
    mean[0] = lam[0] = 0.0
    p_before, s_before = 0.0, 1.0
    for k in range(p.size):
        if p[k] <= 0.5:
            step = p[k] - p_before
        elif p_before > 0.5:
            step = s_before - s[k]
        else:
            step = (0.5 - p_before) + (0.5 - s[k])
        mean[k + 1] = p.size * p[k]
        lam[k + 1] = p.size * step if step > 0.0 else 0.0
        p_before, s_before = p[k], s[k]


@njit(**INNER)
def _majorant(n: int, mean: FloatArray, theta: FloatArray, corners: IntArray) -> float:
    """Raise ``mean_k = N p_k`` to the least concave majorant of ``(mean_k, k)``, with its tilts.

    Returns ``sum_k log theta_k``, N times the relative entropy of the majorant; ``P`` is at most
    ``exp`` of minus that (Csiszar 1984, the event is convex).
    """
    inside = mean[n] == n
    for k in range(n + 1):
        theta[k] = 1.0
        inside = inside and mean[k] >= k
    if inside:
        return 0.0
    count = 0
    for k in range(n + 1):
        while count > 1:
            i, j = corners[count - 2], corners[count - 1]
            if (j - i) * (mean[k] - mean[j]) > (k - j) * (mean[j] - mean[i]):
                break
            count -= 1
        corners[count] = k
        count += 1
    entropy, error, left = 0.0, 0.0, 0.0
    for c in range(1, count):
        i, j = corners[c - 1], corners[c]
        tilt = (j - i) / (mean[j] - left)
        tilt = tilt if tilt < LARGEST_TILT else LARGEST_TILT
        term = (j - i) * math.log(tilt)
        larger = entropy + term
        error += (
            (entropy - larger) + term if abs(entropy) >= abs(term) else (term - larger) + entropy
        )
        entropy = larger
        start, left = left, mean[j]
        for k in range(i + 1, j + 1):
            theta[k] = tilt
            raised = i + tilt * (mean[k] - start)
            mean[k] = raised if raised < j else j
    return entropy + error


@njit(**INNER)
def _row_ends(n: int, mean: FloatArray, upper: IntArray, row_tail: float) -> None:
    """Last cell of each row, from a tail bound of Binomial(N, mean/N)."""
    tail = row_tail + 2.0 * math.log(n)
    upper[0] = 0
    for k in range(1, n + 1):
        rest = 1.0 - mean[k] / n
        bernstein = tail / 3.0 * rest if rest > 0.5 else 0.0
        variance = mean[k] * rest if rest > 0.0 else 0.0
        spread = bernstein + math.sqrt(bernstein * bernstein + 2.0 * tail * variance)
        end = math.floor(mean[k] + spread) + 1
        end = end if end < n else n
        upper[k] = end if end > upper[k - 1] else upper[k - 1]


@njit(**INNER)
def _scale(n: int, lam: FloatArray, shift: IntArray, drift: FloatArray) -> int:
    """Whole numbers near ``lam / log 2`` that add up; what their running sum leaves over."""
    total, error = 0.0, 0.0
    taken = 0
    drift[0] = 0.0
    for k in range(1, n + 1):
        larger = total + lam[k]
        error += (total - larger) + lam[k] if total >= lam[k] else (lam[k] - larger) + total
        total = larger
        now = math.floor(total / _LOG2_HIGH + 0.5)
        shift[k] = now - taken
        taken = now
        drift[k] = ((taken * _LOG2_HIGH - total) - error) + taken * _LOG2_LOW
    return taken


@njit(**INNER)
def _stirling_error(m: int) -> float:
    if m <= _STIRLING.size:
        return _STIRLING[m - 1]  # type: ignore[no-any-return]
    z = 1.0 / (m * m)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - z / 1188) * z) * z) * z) / m


@njit(**INNER)
def _deviance(m: float, mean: float) -> float:
    """``m log(m/mean) + mean - m`` without cancellation (Loader 2000)."""
    if abs(m - mean) > 0.1 * (m + mean):
        return m * math.log(m / mean) + mean - m
    v = (m - mean) / (m + mean)
    total, term = (m - mean) * v, 2.0 * m * v
    for j in range(3, 20, 2):
        term *= v * v
        total += term / j
    return total


@njit(**INNER)
def _first_failures(
    lam: FloatArray, s: FloatArray, drift: FloatArray, edge: FloatArray, exponent: IntArray
) -> float:
    """``1 - P`` over ``sqrt(2 pi N) exp(stirling error of N)``, summed over the first failure."""
    n = s.size
    total = 0.0
    for k in range(1, n + 1):
        if s[k - 1] > 0.0 and edge[k - 1] > 0.0:
            m = n - k + 1
            log_rest = drift[k - 1] - lam[k] - _stirling_error(m) - _deviance(m, n * s[k - 1])
            term = edge[k - 1] * math.exp(log_rest) / math.sqrt(2.0 * math.pi * m)
            total += math.ldexp(term, exponent[k - 1])
    return total


@njit(**OUTER)
def sweep(
    cdf: FloatArray,
    sf: FloatArray,
    gradient: bool,
    values: FloatArray,
    derivative: FloatArray,
    log_derivative: FloatArray,
    reals: FloatArray,
    whole: IntArray,
) -> None:
    """Fill the outputs for every row of ``cdf > 0`` and ``sf = 1 - cdf``, both monotone.

    All functions called from here stay in this file, because numba looks at the date of this
    file alone to decide whether what it cached is still valid.

    ``values`` holds ``P``, ``1 - P`` and ``log P`` in its columns; ``reals`` and ``whole`` are
    workspace (:data:`WORKSPACE` rows of ``N + 128``).
    """
    n = cdf.shape[1]
    lam, theta, mean, drift, edge, ratio = (
        reals[0], reals[1], reals[2], reals[3], reals[4], reals[5],
    )  # fmt: skip
    lam_b, edge_b, ratio_b = reals[6], reals[7], reals[8]
    weights, reciprocals, rows = reals[9], reals[10], reals[11:13]
    shift, upper, first, exponent = whole[0], whole[1], whole[2], whole[3]
    shift_b, upper_b, first_b, exponent_b = whole[4], whole[5], whole[6], whole[7]
    for d in range(1, reciprocals.size):
        reciprocals[d] = 1.0 / d
    log_constant = 0.5 * math.log(2.0 * math.pi * n) + _stirling_error(n)
    none = reals[:0]
    for v in range(cdf.shape[0]):
        _increments(cdf[v], sf[v], mean, lam)
        entropy = _majorant(n, mean, theta, first)
        _row_ends(n, mean, upper, ROW_TAIL)
        tilted = entropy > TILT
        for k in range(n + 1):
            theta[k] = theta[k] if tilted else 1.0
            lam[k] *= theta[k]
            ratio[k] = theta[k + 1] / theta[k] if tilted and 0 < k < n else 1.0
        taken = _scale(n, lam, shift, drift)
        for t in range(n + 1):
            first[t], first_b[t], upper_b[t] = t, n - upper[n - t], t
            lam_b[t], shift_b[t], ratio_b[t] = lam[n + 1 - t], shift[n + 1 - t], ratio[n - t]
        _chain(
            n, lam, ratio, shift, first, upper, rows, weights, reciprocals, edge, exponent,
            none, shift, TERM_TAIL,
        )  # fmt: skip
        rest = exponent[n] * _LOG2_HIGH + exponent[n] * _LOG2_LOW
        if tilted:
            rest += (taken * _LOG2_HIGH - n) + taken * _LOG2_LOW - entropy
            values[v, 1] = 1.0
        else:
            rest += drift[n] - n * sf[v, n - 1]
            failures = _first_failures(lam, sf[v], drift, edge, exponent)
            failures *= math.exp(log_constant)
            values[v, 1] = failures if failures < 1.0 else 1.0
        values[v, 0] = edge[n] * math.exp(log_constant + rest)
        values[v, 2] = math.log(edge[n]) + log_constant + rest
        if values[v, 1] < 0.5:
            values[v, 2] = 0.0 + math.log1p(-values[v, 1])
        if values[v, 1] < SMALL_COMPLEMENT:
            values[v, 0] = 1.0 - values[v, 1]
        if gradient:
            _chain(
                n, lam_b, ratio_b, shift_b, first_b, upper_b, rows, weights, reciprocals,
                edge_b, exponent_b, none, shift, TERM_TAIL,
            )  # fmt: skip
            for k in range(1, n + 1):
                product = n * theta[k] * (edge[k - 1] * edge_b[n - k] / edge[n])
                taken = exponent[k - 1] + exponent_b[n - k] - exponent[n] - shift[k]
                log_derivative[v, k - 1] = math.ldexp(product, taken)
                if math.isinf(log_derivative[v, k - 1]):
                    derivative[v, k - 1] = math.ldexp(product * values[v, 0], taken)
                else:
                    derivative[v, k - 1] = log_derivative[v, k - 1] * values[v, 0]


@njit(**INNER)
def _meet(
    n: int,
    before: FloatArray,
    exponent_before: IntArray,
    exponent_b: IntArray,
    halved: IntArray,
    shift: IntArray,
    constant: float,
    factor: FloatArray,
) -> None:
    """Factors that let a forward chain ``before 2^exponent_before`` meet a backward chain.

    ``factor[k]`` times a jump of row ``n - k`` of the backward chain is that jump in true size,
    times ``N!/N^N a_{k-1}(k-1)``; cells are ``2^halved[n - k]`` smaller.
    """
    after = 0
    for k in range(n, 0, -1):
        power = exponent_before[k - 1] + after + exponent_b[n - k] + halved[n - k]
        scale = math.exp((power * _LOG2_HIGH - n) + power * _LOG2_LOW)
        factor[k] = constant * before[k - 1] * scale
        after += shift[k]


@njit(**OUTER)
def sweep_panels(
    cdf: FloatArray,
    sf: FloatArray,
    start: int,
    stop: int,
    values: FloatArray,
    terms: FloatArray,
    reals: FloatArray,
    whole: IntArray,
    row_tail: float,
    term_tail: float,
) -> None:
    """First failures between neighbouring rows of rising thresholds, for rows ``start..stop``.

    Row ``v`` has the thresholds ``q_k``, the row before it ``p_k <= q_k`` (zero before row 0).
    Both are monotone in ``k``. With ``a`` of the forward chain at ``p``, ``r`` of the backward
    chain at ``q`` and ``mu_k = N (q_k - p_k)``, for every ``k``

    - ``terms[0]``: the probability ``N!/N^N a_{k-1}(k-1) sum_{m>=1} mu_k^m/m! r_k(k-1+m)`` that
      ``k`` is the first with ``U_(k) > p_k`` while all ``U_(j) <= q_j``; over ``k`` these add up to
      ``P(q) - P(p)``;
    - ``terms[1], terms[2]``: ``N!/N^N a_{k-1}(k-1)`` times ``N r_k(k)`` and ``N^2 r_k(k+1)``;
    - ``terms[3], terms[4]``: the same with ``a`` at ``q``, which is ``dP/dq_k`` and minus
      ``d^2P/dq_k^2`` from the right, all others fixed.

    ``values`` holds ``P`` and ``1 - P``. Where ``P < exp(-TILT)`` all of them are left at zero.
    Larger tails than :data:`ROW_TAIL` and :data:`TERM_TAIL` cut more off; all terms are positive, so
    what is left is smaller.
    The forward chain is not tilted: what counts here are failures, not successes.
    """
    n = cdf.shape[1]
    lam, theta, mean, drift, edge = reals[0], reals[1], reals[2], reals[3], reals[4]
    lam_b, edge_b, before, p, s = reals[5], reals[6], reals[7], reals[8], reals[9]
    ratio, weights, reciprocals = reals[10], reals[11], reals[12]
    rows, jumps, factor, none = reals[13:15], reals[15:18], reals[18], reals[:0]
    shift, upper, first, exponent = whole[0], whole[1], whole[2], whole[3]
    shift_b, upper_b, first_b, exponent_b = whole[4], whole[5], whole[6], whole[7]
    exponent_before, halved = whole[8], whole[9]
    for d in range(1, reciprocals.size):
        reciprocals[d] = 1.0 / d
    constant = math.sqrt(2.0 * math.pi * n) * math.exp(_stirling_error(n))
    for k in range(n + 1):
        before[k], exponent_before[k], p[k], s[k], ratio[k] = 0.0, 0, 0.0, 1.0, 1.0
    before[0] = 1.0
    for v in range(max(start - 1, 0), stop):
        if v >= start:
            values[v, 0], values[v, 1] = 0.0, 1.0
            for q in range(PANEL_TERMS):
                for k in range(n):
                    terms[q, v, k] = 0.0
        if cdf[v, 0] > 0.0:
            _increments(cdf[v], sf[v], mean, lam)
            found = _majorant(n, mean, theta, first) <= TILT and v >= start
            _row_ends(n, mean, upper, row_tail)
            _scale(n, lam, shift, drift)
            for t in range(n + 1):
                first[t], first_b[t], upper_b[t] = t, n - upper[n - t], t
                lam_b[t], shift_b[t] = lam[n + 1 - t], shift[n + 1 - t]
            if found:
                for k in range(1, n + 1):
                    rise = cdf[v, k - 1] - p[k] if cdf[v, k - 1] <= 0.5 else s[k] - sf[v, k - 1]
                    jumps[0, n - k] = n * rise if rise > 0.0 else 0.0
                jumps[0, n] = 0.0
                _chain(
                    n, lam_b, ratio, shift_b, first_b, upper_b, rows, weights, reciprocals, edge_b,
                    exponent_b, jumps, halved, term_tail,
                )  # fmt: skip
                _meet(n, before, exponent_before, exponent_b, halved, shift, constant, factor)
                for k in range(1, n + 1):
                    terms[0, v, k - 1] = factor[k] * jumps[1, n - k]
                    size = n * math.ldexp(factor[k], -halved[n - k])
                    terms[1, v, k - 1] = size * edge_b[n - k]
                    terms[2, v, k - 1] = size * n * jumps[2, n - k]
            _chain(
                n, lam, ratio, shift, first, upper, rows, weights, reciprocals, edge, exponent,
                none, shift, term_tail,
            )  # fmt: skip
            if found:
                rest = exponent[n] * _LOG2_HIGH + exponent[n] * _LOG2_LOW
                rest += drift[n] - n * sf[v, n - 1]
                failures = _first_failures(lam, sf[v], drift, edge, exponent)
                failures *= constant
                values[v, 1] = failures if failures < 1.0 else 1.0
                values[v, 0] = constant * edge[n] * math.exp(rest)
                if values[v, 1] < SMALL_COMPLEMENT:
                    values[v, 0] = 1.0 - values[v, 1]
            below = 0
            for k in range(n + 1):
                below += shift[k] if k > 0 else 0
                before[k], exponent_before[k] = edge[k], exponent[k] + below
            if found:
                _meet(n, before, exponent_before, exponent_b, halved, shift, constant, factor)
                for k in range(1, n + 1):
                    size = n * math.ldexp(factor[k], -halved[n - k])
                    terms[3, v, k - 1] = size * edge_b[n - k]
                    terms[4, v, k - 1] = size * n * jumps[2, n - k]
        for k in range(n):
            p[k + 1], s[k + 1] = cdf[v, k], sf[v, k]


@njit(**INNER)
def _short_weights(lam: FloatArray, table: FloatArray, terms: IntArray, steps: IntArray) -> None:
    """Poisson weights of every interval, up to the first negligible one, in groups of eight.

    A long interval is taken in several equal steps.
    """
    for t in range(1, terms.size):
        steps[t] = math.floor(lam[t] / PAIR_STEP) + 1
        mean = lam[t] / steps[t]
        weight = math.exp(-mean)
        count = 0
        while count < table.shape[1]:
            table[t, count] = weight
            count += 1
            weight *= mean / count
            if count > mean and weight < PAIR_WEIGHT:
                break
        while count % 8 > 0:
            table[t, count] = 0.0
            count += 1
        terms[t] = count


@njit(**INNER, fastmath={"contract"})
def _edges(
    start: int,
    count: int,
    cdf: FloatArray,
    lam: FloatArray,
    table: FloatArray,
    terms: IntArray,
    steps: IntArray,
    rows: FloatArray,
    edge: FloatArray,
) -> None:
    """From ``start`` points below ``p_start``: the chance of ``t`` more below ``p_(start+t)``.

    All thresholds on the way are met; ``t = 0..count``. Right to a few promille: rows and weights are
    cut where they are small, and nothing is scaled.
    """
    left = cdf.size - start
    begin = cdf[start - 1] if start > 0 else 0.0
    for c in range(PAD + left + BLOCK + 1):
        rows[0, c] = rows[1, c] = 0.0
    rows[0, PAD] = edge[0] = 1.0
    side, last = 0, 0
    for t in range(1, count + 1):
        if t % 4 == 1:
            ahead = t + 3 if t + 3 < count else count
            share = (cdf[start + ahead - 1] - begin) / (1.0 - begin)
            spread = 2.0 * PAIR_TAIL * left * share * (1.0 - share) + PAIR_TAIL * PAIR_TAIL / 9.0
            top = math.floor(left * share + PAIR_TAIL / 3.0 + math.sqrt(spread)) + 1
            top = top if top < left else left
            last = top if top > last else last
            last = last if last > ahead else ahead
        for step in range(steps[start + t] if lam[start + t] > 0.0 else 0, 0, -1):
            old, new, weights = rows[side], rows[1 - side], table[start + t]
            lowest = t if step == 1 else t - 1
            for first in range(lowest, last + 1, BLOCK // 2):
                cells = new[PAD + first : PAD + first + BLOCK // 2]
                for c in range(BLOCK // 2):
                    cells[c] = 0.0
                for d in range(0, terms[start + t], 8):
                    if first + BLOCK // 2 - d < t:
                        break
                    v0, v1, v2, v3 = weights[d], weights[d + 1], weights[d + 2], weights[d + 3]
                    v4, v5, v6, v7 = weights[d + 4], weights[d + 5], weights[d + 6], weights[d + 7]
                    o = old[PAD + first - d - 7 : PAD + first - d + BLOCK // 2]
                    for c in range(BLOCK // 2):
                        cells[c] += (
                            v0 * o[c + 7] + v1 * o[c + 6] + v2 * o[c + 5] + v3 * o[c + 4]
                            + v4 * o[c + 3] + v5 * o[c + 2] + v6 * o[c + 1] + v7 * o[c]
                        )  # fmt: skip
            for c in range(PAD + last + 1, PAD + last + BLOCK // 2 + 1):
                new[c] = 0.0
            for c in range(PAD + lowest - PAD // 2, PAD + lowest):
                new[c] = 0.0
            side = 1 - side
        row = rows[side]
        row[PAD + t - 1] = 0.0
        edge[t] = row[PAD + t]


@njit(**OUTER)
def sweep_pairs(
    cdf: FloatArray,
    derivative: FloatArray,
    rise: FloatArray,
    before: FloatArray,
    after: FloatArray,
    least: float,
    total: FloatArray,
    reals: FloatArray,
    table: FloatArray,
    whole: IntArray,
) -> None:
    """Sum how first failures depend on pairs of thresholds over rows, to about a percent.

    For ``j < k``

        ``total[j, k] += sum_v q_jk (rise_j after_k + before_j rise_k d_k / d_j)``,

    ``q_jk = N a_{j-1}(j-1) e_j(k-1) / a_{k-1}(k-1)``, with ``e_j`` of the chain that starts at ``p_j``
    with ``j`` points: one point lies at ``p_j``, and nothing fails between it and ``p_k``. Only
    thresholds with ``before + after > least`` take part. ``derivative`` is ``d = dP/dp``; ``reals``,
    ``table`` and ``whole`` are workspace (rows of ``N + 128``: :data:`PAIR_WORKSPACE`, columns of
    :data:`PAIR_TERMS`, and :data:`PAIR_COUNTS`).
    """
    n = cdf.shape[1]
    lam, edge, edge_j, rows = reals[0], reals[1], reals[2], reals[3:5]
    chosen, terms, steps = whole[0], whole[1], whole[2]
    for v in range(cdf.shape[0]):
        count = 0
        for k in range(n):
            if derivative[v, k] > SMALLEST_CELL and before[v, k] + after[v, k] > least:
                chosen[count] = k + 1
                count += 1
        if count > 1:
            for k in range(n, 0, -1):
                lam[k] = n * (cdf[v, k - 1] - cdf[v, k - 2]) if k > 1 else n * cdf[v, 0]
            last = chosen[count - 1]
            _short_weights(lam, table, terms[:last], steps)
            _edges(0, last - 1, cdf[v], lam, table, terms, steps, rows, edge)
            for i in range(count - 1):
                j = chosen[i]
                if edge[j - 1] > 0.0 and cdf[v, j - 1] < 1.0:
                    _edges(j, last - 1 - j, cdf[v], lam, table, terms, steps, rows, edge_j)
                    size = n * edge[j - 1] * math.exp(-lam[j])
                    for q in range(i + 1, count):
                        k = chosen[q]
                        if edge[k - 1] > 0.0:
                            share = derivative[v, k - 1] / derivative[v, j - 1]
                            total[j - 1, k - 1] += (size * edge_j[k - 1 - j] / edge[k - 1]) * (
                                rise[v, j - 1] * after[v, k - 1]
                                + before[v, j - 1] * rise[v, k - 1] * share
                            )
