"""Numbers as the texts of tables."""

from __future__ import annotations

import math

from cgcopt.objective import Objective

__all__ = [
    "show_difference",
    "show_fixed",
    "show_gap",
    "show_number",
    "show_probability",
    "unit_of",
]


def show_number(value: float, digits: int) -> str:
    """Write a number with so many significant digits; nothing for NaN.

    Examples
    --------
    >>> show_number(12345678.9, 4), show_number(0.000123456, 3), show_number(float("nan"), 3)
    ('1.235e+07', '0.000123', '')
    >>> show_number(2.5, 4)
    '2.500'
    """
    if math.isnan(value):
        return ""
    return f"{value:#.{digits}g}".removesuffix(".")


def show_gap(gap: float) -> str:
    """Write a gap as a percentage, or as a power of ten where it is tiny.

    Examples
    --------
    >>> show_gap(0.1234), show_gap(3.2e-9), show_gap(float("inf"))
    ('12.34 %', '3.2e-09', 'no bound')
    """
    if math.isnan(gap):
        return ""
    if math.isinf(gap):
        return "no bound"
    return f"{100 * gap:.2f} %" if abs(gap) >= 1e-4 or gap == 0 else f"{gap:.1e}"


def show_probability(value: float, complement: float) -> str:
    """Write a probability to six decimals, and one close to 1 by its complement.

    Examples
    --------
    >>> show_probability(0.7455955670, 0.254404433), show_probability(1.0, 4.81e-07)
    ('0.745596', '1-4.8e-07')
    >>> show_probability(3.2e-9, 1.0)
    '3.2e-09'
    """
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if 0 < complement < 1e-5:
        return f"1-{complement:.1e}"
    return f"{value:.1e}" if 0 < value < 1e-5 else f"{value:.6f}"


def show_fixed(value: float, digits: int) -> str:
    """Write a number with so many decimals; nothing for NaN."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def show_difference(share: float) -> str:
    """Write a relative difference as a percentage with its sign; nothing for NaN."""
    return "" if math.isnan(share) else f"{100 * share:+.1f} %"


def unit_of(objective: Objective) -> str:
    """The unit of an objective behind the name of an axis or a column; nothing for a pure number.

    Examples
    --------
    >>> from cgcopt.objective import CompletionProbability, ExpectedRuntime
    >>> unit_of(ExpectedRuntime()), unit_of(CompletionProbability(3.0))
    (' [s]', '')
    """
    return f" [{objective.unit}]" if objective.unit else ""
